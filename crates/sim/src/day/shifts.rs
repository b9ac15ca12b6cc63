//! When which seat is there.

use core::time::Duration;

use hotline_model::{Instant, SeatId};

use super::scenario::{Scenario, Shift};

/// What a seat does from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    On,
    Off,
    Break,
}

const DAY: Duration = Duration::from_secs(86_400);

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
            let begins = midnight + rest.from + room.mul_f64(turn);
            on(begins, Duty::Break);
            on(begins + rest.length, Duty::On);
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
