//! Adherence (K9): how much of their shifts the seats were at work, out of the seat ledger. The API
//! asks the tables for the intervals, `hotline audit recompute` the journal; the sums are made here
//! for both.

use std::collections::BTreeMap;

use hotline_model::{
    SeatId, Timestamp,
    seat::{Intent, Reason},
    shift::{Day, Shift},
};
use serde::Serialize;

use crate::{fold::Interval, kpi::Ratio};

/// One seat in one shift of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdherenceRow {
    /// The seat.
    pub seat: SeatId,
    /// The shift.
    pub shift: String,
    /// When it begins.
    pub from_at: Timestamp,
    /// When it ends.
    pub to_at: Timestamp,
    /// Whether it is over.
    pub over: bool,
    /// How much of it has passed, ms: the denominator.
    pub passed_ms: u64,
    /// Signed in within it, ms.
    pub signed_in_ms: u64,
    /// Ready within it, whatever it did meanwhile, ms.
    pub ready_ms: u64,
    /// Signed in ÷ passed; `None` before it begins.
    pub adherence: Option<f64>,
    /// Ready ÷ passed; `None` before it begins.
    pub readiness: Option<f64>,
    /// It began, and the seat was not signed in at any time of it.
    pub absent: bool,
    /// So long after its begin the seat first was signed in, ms; `None` of one that is absent.
    pub late_ms: Option<u64>,
    /// So long before its end the seat was signed in last, ms; `None` before it is over, and of one
    /// that is absent.
    pub early_leave_ms: Option<u64>,
}

/// What one seat did in one shift, so far.
#[derive(Clone, Copy, Debug, Default)]
struct Presence {
    signed_in_ms: u64,
    ready_ms: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// The sums of one day.
#[derive(Debug)]
pub struct Adherence {
    now: Timestamp,
    /// By name and begin: what there is to add to. Each shift with from when until when it lasts.
    turns: Vec<(String, Timestamp, Timestamp)>,
    seats: BTreeMap<(SeatId, usize), Presence>,
}

impl Adherence {
    /// Of the shifts that begin on this day, at so many minutes east of UTC. Intervals that last,
    /// and shifts that are not over, count until `now`.
    pub fn new(shifts: &[Shift], day: Day, offset_minutes: i32, now: Timestamp) -> Self {
        let mut made = Self {
            now,
            turns: Vec::new(),
            seats: BTreeMap::new(),
        };
        for shift in shifts {
            let Some((from, to)) = shift.on(day, offset_minutes) else {
                continue;
            };
            let nth = made.turns.len();
            made.turns.push((shift.name.clone(), from, to));
            let seats = shift.seats.iter();
            made.seats
                .extend(seats.map(|&seat| ((seat, nth), Presence::default())));
        }
        made
    }

    /// From when until when intervals matter; `None`: no shift begins on the day.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let from = self.turns.iter().map(|(_, from, _)| *from).min()?;
        let to = self.turns.iter().map(|(_, _, to)| *to).max()?;
        Some((from, to))
    }

    /// Takes in an interval of the ledger; each once, in any order.
    pub fn add(&mut self, interval: &Interval) {
        if interval.intent == Intent::NotReady(Reason::LoggedOut) {
            return;
        }
        // Its length is the monotonic clock's, whatever the wall clock did meanwhile.
        let since = interval.since_at;
        let until = match interval.end {
            Some(end) => Timestamp(since.0.saturating_add(signed(end.ms))),
            None => self.now,
        };
        for (nth, (_, from, to)) in self.turns.iter().enumerate() {
            let Some(presence) = self.seats.get_mut(&(interval.seat, nth)) else {
                continue;
            };
            let (begin, end) = (since.max(*from), until.min(*to).min(self.now));
            if begin >= end {
                continue;
            }
            let ms = between(begin, end);
            presence.signed_in_ms += ms;
            if interval.intent == Intent::Ready {
                presence.ready_ms += ms;
            }
            presence.first = Some(presence.first.map_or(begin, |first| first.min(begin)));
            presence.last = presence.last.max(Some(end));
        }
    }

    /// The rows, by seat, then by shift.
    pub fn rows(&self) -> Vec<AdherenceRow> {
        let rows = self.seats.iter().filter_map(|(&(seat, nth), presence)| {
            let (shift, from, to) = self.turns.get(nth)?;
            Some(self.row(seat, shift, (*from, *to), presence))
        });
        rows.collect()
    }

    fn row(
        &self,
        seat: SeatId,
        shift: &str,
        (from, to): (Timestamp, Timestamp),
        presence: &Presence,
    ) -> AdherenceRow {
        let over = to <= self.now;
        let passed_ms = between(from, to.min(self.now));
        let share = |ms| Ratio::new(ms, passed_ms).value();
        AdherenceRow {
            seat,
            shift: shift.to_owned(),
            from_at: from,
            to_at: to,
            over,
            passed_ms,
            signed_in_ms: presence.signed_in_ms,
            ready_ms: presence.ready_ms,
            adherence: share(presence.signed_in_ms),
            readiness: share(presence.ready_ms),
            absent: passed_ms > 0 && presence.first.is_none(),
            late_ms: presence.first.map(|first| between(from, first)),
            early_leave_ms: presence.last.filter(|_| over).map(|last| between(last, to)),
        }
    }
}

/// From the first to the second, ms; 0 where the second is before.
fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use hotline_model::seat::Work;

    use super::*;
    use crate::{
        fold::Ledger,
        samples::{NOON, records, seat, seat_changed},
    };

    /// A shift of these seats on each day, 14:00 to 16:00 in China: at 15:30:12 the sample's story
    /// begins, a record a second.
    fn shift() -> Shift {
        Shift {
            name: "白班".into(),
            days: [true; 7],
            from_s: 14 * 3_600,
            to_s: 16 * 3_600,
            first: None,
            last: None,
            seats: ["1001", "1002", "1003"].map(seat).into(),
        }
    }

    const MEAL: Intent = Intent::NotReady(Reason::Meal);
    const OUT: Intent = Intent::NotReady(Reason::LoggedOut);

    fn rows(shift: &Shift, now: i64) -> Vec<AdherenceRow> {
        let story = [
            seat_changed("1001", Intent::Ready, Work::Free, None),
            seat_changed("1002", MEAL, Work::Free, None),
            seat_changed("1001", Intent::Ready, Work::Talking, Some(1)),
            seat_changed("1001", MEAL, Work::Free, None),
            seat_changed("1001", OUT, Work::Free, None),
            seat_changed("1009", Intent::Ready, Work::Free, None),
        ];
        let mut ledger = Ledger::default();
        let day = Day::of(Timestamp(NOON), 480);
        let mut sums = Adherence::new(std::slice::from_ref(shift), day, 480, Timestamp(now));
        for record in records(story) {
            ledger.apply(&record).iter().for_each(|it| sums.add(it));
        }
        ledger.open().for_each(|it| sums.add(it));
        sums.rows()
    }

    #[test]
    fn the_ledger_says_who_was_there_and_how_long() {
        let begin = NOON - (3_600 + 1_812) * 1_000;
        let end = begin + 7_200_000;
        let at = rows(&shift(), end + 1);
        let late = (1_812 + 3_600) * 1_000;
        let told: Vec<_> = at
            .iter()
            .map(|row| (row.signed_in_ms, row.ready_ms, row.absent, row.late_ms))
            .collect();
        assert_eq!(
            told,
            [
                (4_000, 3_000, false, Some(late)),
                // Until the shift ends, for the interval lasts.
                (1_788_000 - 1_000, 0, false, Some(late + 1_000)),
                (0, 0, true, None),
            ]
        );
        assert_eq!(at[0].early_leave_ms, Some(1_788_000 - 4_000));
        assert_eq!(at[1].early_leave_ms, Some(0));
        assert_eq!((at[2].early_leave_ms, at[2].over), (None, true));
        assert_eq!(at[0].adherence, Some(4_000.0 / 7_200_000.0));
    }

    #[test]
    fn a_shift_that_lasts_is_judged_by_what_has_passed() {
        let begin = NOON - (3_600 + 1_812) * 1_000;
        let at = rows(&shift(), NOON + 10_000);
        assert_eq!(
            at[1].passed_ms,
            u64::try_from(NOON + 10_000 - begin).unwrap()
        );
        assert_eq!((at[1].signed_in_ms, at[1].early_leave_ms), (9_000, None));
        let before = rows(&shift(), begin);
        assert!(before.iter().all(|it| !it.absent && it.adherence.is_none()));
    }

    #[test]
    fn a_day_without_a_shift_has_no_rows() {
        let mut none = shift();
        none.days = [false; 7];
        assert_eq!(rows(&none, NOON), []);
    }
}
