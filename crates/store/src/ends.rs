//! How the inbound calls of some time ended: each once, as one of the outcomes. What does not add up
//! is a fault of the engine's, or of the journal's, and is shown.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    CallId, Timestamp,
    event::{Event, Outcome},
};
use serde::Serialize;

use crate::Record;

/// The calls that arrived from one moment on until another, and their ends.
#[derive(Clone, Debug)]
pub struct Ends {
    from: Timestamp,
    to: Timestamp,
    live: BTreeSet<CallId>,
    over: BTreeSet<CallId>,
    row: EndsRow,
}

/// See [`Ends`]. `arrived` is the sum of `ended` and `open`, and `more_than_once` is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EndsRow {
    /// Calls that came by a trunk.
    pub arrived: u64,
    /// How many ended how.
    pub ended: BTreeMap<Outcome, u64>,
    /// Calls that the journal says no end of.
    pub open: u64,
    /// Ends of calls that had ended already.
    pub more_than_once: u64,
}

impl EndsRow {
    /// Whether every call ended once, or lives.
    pub fn adds_up(&self) -> bool {
        let ended: u64 = self.ended.values().sum();
        self.arrived == ended + self.open && self.more_than_once == 0
    }
}

impl Ends {
    /// Of the calls that arrived from `from` on, before `to`.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            live: BTreeSet::new(),
            over: BTreeSet::new(),
            row: EndsRow::default(),
        }
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        let at = record.stamped.at;
        match record.stamped.event {
            Event::CallArrived {
                call,
                trunk: Some(_),
                ..
            } if self.from <= at && at < self.to => {
                self.row.arrived += 1;
                self.live.insert(call);
            }
            Event::CallEnded { call, outcome, .. } => {
                if self.live.remove(&call) {
                    *self.row.ended.entry(outcome).or_default() += 1;
                    self.over.insert(call);
                } else if self.over.contains(&call) {
                    self.row.more_than_once += 1;
                }
            }
            _ => {}
        }
    }

    /// The sums.
    pub fn row(mut self) -> EndsRow {
        self.row.open = self.live.len() as u64;
        self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::Counters,
        samples::{NOON, arrived, day, ended, records},
    };

    fn sums(records: &[Record]) -> EndsRow {
        let mut ends = Ends::new(Timestamp(NOON), Timestamp(NOON + 86_400_000));
        records.iter().for_each(|record| ends.apply(record));
        ends.row()
    }

    #[test]
    fn every_call_ends_once_and_the_counters_say_the_same() {
        let records = day(7, 300);
        let row = sums(&records);
        assert!(row.adds_up() && row.open == 0, "{row:?}");
        let mut counters = Counters::new(480);
        records.iter().for_each(|record| counters.apply(record));
        let (counts, _) = counters.of_minutes(Timestamp(NOON), 1_440);
        let said = |outcome| row.ended.get(&outcome).copied().unwrap_or(0);
        assert_eq!(counts.arrived, row.arrived);
        assert_eq!(counts.answered, said(Outcome::Answered));
        assert_eq!(counts.abandoned, said(Outcome::Abandoned));
        assert_eq!(counts.timed_out, said(Outcome::TimedOut));
        assert_eq!(counts.refused, said(Outcome::Refused));
        assert_eq!(counts.overflowed, said(Outcome::Overflowed));
    }

    #[test]
    fn a_second_end_and_a_missing_one_show() {
        let row = sums(&records([
            arrived(1),
            ended(1, Outcome::Refused),
            ended(1, Outcome::TimedOut),
            arrived(2),
        ]));
        assert_eq!((row.arrived, row.open, row.more_than_once), (2, 1, 1));
        assert!(!row.adds_up());
    }
}
