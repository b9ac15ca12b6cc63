//! The seat ledger: each seat's time as intervals that join without a gap.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, SeatId, Timestamp,
    event::Event,
    seat::{Intent, Work},
};
use serde::{Deserialize, Serialize};

use crate::Record;

/// A stretch of a seat's time in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The seat.
    pub seat: SeatId,
    /// Record that began it.
    pub since_seq: u64,
    /// When it began.
    pub since_at: Timestamp,
    /// Uptime when it began, ms.
    pub since_up_ms: u64,
    /// What the agent wanted.
    pub intent: Intent,
    /// What the seat did.
    pub work: Work,
    /// The call it did it for.
    pub call: Option<CallId>,
    /// How it ended; `None` while it lasts.
    pub end: Option<End>,
}

/// The end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Length of the interval by the monotonic clock, ms.
    pub ms: u64,
    /// Why.
    pub by: IntervalEnd,
}

/// Why an interval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalEnd {
    /// The seat's next state began.
    Changed,
    /// The engine stopped in an orderly way.
    EngineStopped,
    /// The engine was killed: the interval is known to have lasted until its last record.
    EngineLost,
}

/// The intervals that last, and what is needed to end them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    open: BTreeMap<SeatId, Interval>,
    last: Option<(Timestamp, u64)>,
}

impl Ledger {
    /// Goes on from intervals that lasted after a record of time `last.0` and uptime `last.1`.
    pub fn resume(
        open: impl IntoIterator<Item = Interval>,
        last: Option<(Timestamp, u64)>,
    ) -> Self {
        Self {
            open: open.into_iter().map(|i| (i.seat, i)).collect(),
            last,
        }
    }

    /// Takes in the next record; returns the intervals that it ended.
    pub fn apply(&mut self, record: &Record) -> Vec<Interval> {
        let (at, up_ms) = (record.stamped.at, record.stamped.up_ms);
        let ended = match &record.stamped.event {
            Event::EngineStarted { .. } => {
                let (at, up_ms) = self.last.unwrap_or((at, 0));
                self.end_all(at, up_ms, IntervalEnd::EngineLost)
            }
            Event::EngineStopped {} => self.end_all(at, up_ms, IntervalEnd::EngineStopped),
            Event::SeatChanged {
                seat,
                intent,
                work,
                call,
            } => {
                let next = Interval {
                    seat: *seat,
                    since_seq: record.seq,
                    since_at: at,
                    since_up_ms: up_ms,
                    intent: *intent,
                    work: *work,
                    call: *call,
                    end: None,
                };
                let before = self.open.insert(*seat, next);
                before
                    .map(|interval| interval.ended(at, up_ms, IntervalEnd::Changed))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        };
        self.last = Some((at, up_ms));
        ended
    }

    fn end_all(&mut self, at: Timestamp, up_ms: u64, by: IntervalEnd) -> Vec<Interval> {
        core::mem::take(&mut self.open)
            .into_values()
            .map(|interval| interval.ended(at, up_ms, by))
            .collect()
    }

    /// The intervals that last, by seat.
    pub fn open(&self) -> impl Iterator<Item = &Interval> {
        self.open.values()
    }
}

impl Interval {
    fn ended(mut self, at: Timestamp, up_ms: u64, by: IntervalEnd) -> Self {
        let ms = up_ms.saturating_sub(self.since_up_ms);
        self.end = Some(End { at, ms, by });
        self
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::seat::Reason;

    use super::*;
    use crate::samples::{records, seat_changed};

    fn started() -> Event {
        Event::EngineStarted {
            version: "0.1.0".into(),
        }
    }

    /// All intervals of a story, and those that last.
    fn intervals(events: Vec<Event>) -> (Vec<Interval>, Vec<Interval>) {
        let mut ledger = Ledger::default();
        let ended = records(events)
            .iter()
            .flat_map(|record| ledger.apply(record))
            .collect();
        (ended, ledger.open().cloned().collect())
    }

    #[test]
    fn the_intervals_of_a_login_sum_to_its_length() {
        let meal = Intent::NotReady(Reason::Meal);
        let (ended, open) = intervals(vec![
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            seat_changed("1002", Intent::Ready, Work::Free, None),
            seat_changed("1001", Intent::Ready, Work::Talking, Some(1)),
            seat_changed("1001", Intent::Ready, Work::WrapUp, Some(1)),
            seat_changed("1001", meal, Work::Free, None),
            Event::EngineStopped {},
        ]);
        assert_eq!(open, []);
        let of = |name: &str| {
            let ended = ended.iter().filter(|i| i.seat.as_str() == name);
            ended.map(|i| i.end.unwrap().ms).collect::<Vec<_>>()
        };
        assert_eq!(of("1001"), [2_000, 1_000, 1_000, 1_000]);
        assert_eq!(of("1002"), [4_000]);
        assert_eq!(
            ended.last().unwrap().end.unwrap().by,
            IntervalEnd::EngineStopped
        );
    }

    #[test]
    fn a_killed_engine_ends_its_intervals_at_its_last_word() {
        let mut events = records([
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            crate::samples::arrived(1),
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
        ]);
        // The second run counts its uptime from zero.
        events[3].stamped.up_ms = 0;
        events[4].stamped.up_ms = 10;
        let mut ledger = Ledger::default();
        let ended: Vec<_> = events.iter().flat_map(|r| ledger.apply(r)).collect();
        assert_eq!(ended.len(), 1);
        let end = ended[0].end.unwrap();
        assert_eq!((end.ms, end.by), (1_000, IntervalEnd::EngineLost));
        assert_eq!(end.at, events[2].stamped.at);
        assert_eq!(ledger.open().count(), 1);
    }
}
