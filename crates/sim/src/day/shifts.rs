//! When which seat is there.

use core::time::Duration;

use hotline_model::{Instant, SeatId};

use super::scenario::{DAY, Scenario, Shift};

/// What a seat does from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    On,
    Off,
    Break,
}

/// Each seat of the scenario with its shift, in order.
pub(super) fn seats(scenario: &Scenario) -> impl Iterator<Item = (SeatId, &Shift)> {
    let each = scenario.shifts.iter();
    let each = each.flat_map(|shift| (0..shift.count).map(move |_| shift));
    each.enumerate()
        .filter_map(|(at, shift)| Some((SeatId::new(&(10_001 + at).to_string()).ok()?, shift)))
}

/// All comings and goings, until the last caller is served.
pub(super) fn duties(scenario: &Scenario) -> Vec<(Instant, SeatId, Duty)> {
    let mut duties = Vec::new();
    let mut ids = seats(scenario).map(|(id, _)| id);
    for shift in &scenario.shifts {
        let share = 1.0 / f64::from(shift.count.max(1));
        for at in 0..shift.count {
            if let Some(id) = ids.next() {
                of_seat(
                    scenario.days,
                    shift,
                    f64::from(at) * share,
                    &mut |at, duty| {
                        duties.push((Instant::START + at, id, duty));
                    },
                );
            }
        }
    }
    duties
}

/// One seat's; `turn`, 0 to 1, is its turn in the shift's breaks.
fn of_seat(days: u32, shift: &Shift, turn: f64, on: &mut impl FnMut(Duration, Duty)) {
    let round_the_clock = shift.from == shift.to;
    let over_midnight = shift.to < shift.from;
    if round_the_clock || over_midnight {
        on(Duration::ZERO, Duty::On);
    }
    if over_midnight {
        on(shift.to, Duty::Off);
    }
    // A day more: whoever is in line at the end is served.
    for day in 0..=days {
        let midnight = DAY * day;
        if !round_the_clock {
            let end = shift.to + if over_midnight { DAY } else { Duration::ZERO };
            on(midnight + shift.from, Duty::On);
            on(midnight + end, Duty::Off);
        }
        for rest in &shift.breaks {
            let room = rest.to.saturating_sub(rest.from + rest.length);
            let begins = rest.from + room.mul_f64(turn);
            let ends = begins + rest.length;
            if shift.is_on(begins) {
                on(midnight + begins, Duty::Break);
            }
            // Who has the last turn of a shift's last break goes home from it.
            if shift.is_on(ends) {
                on(midnight + ends, Duty::On);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::scenario::Break, *};

    fn times(from: u64, to: u64, breaks: Vec<Break>) -> Vec<(u64, Duty)> {
        let hours = |h| Duration::from_secs(h * 3_600);
        let shift = Shift {
            count: 1,
            queues: Vec::new(),
            skills: Vec::new(),
            from: hours(from),
            to: hours(to),
            breaks,
        };
        let mut found = Vec::new();
        of_seat(1, &shift, 0.5, &mut |at, duty| {
            found.push((at.as_secs() / 3_600, duty));
        });
        found
    }

    #[test]
    fn a_night_shift_is_there_before_and_after_midnight() {
        let night = [
            (0, Duty::On),
            (8, Duty::Off),
            (22, Duty::On),
            (32, Duty::Off),
        ];
        assert_eq!(times(22, 8, Vec::new())[..4], night);
        assert_eq!(times(0, 0, Vec::new()), [(0, Duty::On)]);
        assert_eq!(
            times(8, 24, Vec::new())[..2],
            [(8, Duty::On), (24, Duty::Off)]
        );
    }

    #[test]
    fn nobody_comes_back_from_a_break_after_the_shift() {
        let rest = |from: u64, to: u64| Break {
            from: Duration::from_secs(from * 3_600),
            to: Duration::from_secs(to * 3_600),
            length: Duration::from_secs(3_600),
        };
        let day = [
            (8, Duty::On),
            (18, Duty::Off),
            (17, Duty::Break),
            (32, Duty::On),
        ];
        assert_eq!(times(8, 18, vec![rest(17, 18)])[..4], day);
        // After the shift's end, and in a night shift the evening before it and the night's end.
        assert_eq!(times(8, 12, vec![rest(13, 14)]).len(), 4);
        assert_eq!(times(22, 8, vec![rest(20, 21)]).len(), 6);
        let night = times(22, 8, vec![rest(7, 8)]);
        assert!(night.contains(&(7, Duty::Break)) && !night.contains(&(8, Duty::On)));
        // Round the clock: a break over the end of the day has its end.
        let always = times(0, 0, vec![rest(23, 24)]);
        assert_eq!(always[1..3], [(23, Duty::Break), (24, Duty::On)]);
    }

    #[test]
    fn breaks_follow_one_after_the_other() {
        let lunch = Break {
            from: Duration::from_secs(10 * 3_600),
            to: Duration::from_secs(15 * 3_600),
            length: Duration::from_secs(3_600),
        };
        // Half-way through four hours of room.
        let found = times(8, 18, vec![lunch]);
        assert_eq!(found[2..4], [(12, Duty::Break), (13, Duty::On)]);
    }
}
