//! Folds: plain values that follow the journal record by record. The same fold serves the live
//! wallboard, the tables and the audit, so that the three cannot disagree.

mod calls;
mod case;
mod counters;
mod ledger;
mod live;
mod message;
#[cfg(test)]
mod tests;
mod trunks;

use std::collections::BTreeSet;

use hotline_model::{QueueId, SeatId, Timestamp, TrunkId};

pub use calls::{Call, CallRow, Direction};
pub use case::{CaseRow, CaseState, case_number};
pub use counters::{Counters, KEPT_MINUTES, WINDOW_MINUTES};
pub use ledger::{End, Interval, IntervalEnd, Ledger};
pub use live::LiveCalls;
pub use message::{MessageRow, MessageState};
pub use trunks::LiveTrunks;

use crate::{
    Record,
    kpi::Ratio,
    wallboard::{CallLine, Totals, TrunkLine},
};

/// The folds behind the wallboard, together.
#[derive(Clone, Debug, Default)]
pub struct Folds {
    counters: Counters,
    live: LiveCalls,
    trunks: LiveTrunks,
}

impl Folds {
    /// Empty folds. `offset_minutes` is the local time's offset east of UTC (China: 480): it
    /// decides when a day begins.
    pub fn new(offset_minutes: i32) -> Self {
        Self {
            counters: Counters::new(offset_minutes),
            live: LiveCalls::default(),
            trunks: LiveTrunks::default(),
        }
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        self.counters.apply(record);
        self.live.apply(record);
        self.trunks.apply(record);
    }

    /// Counts and rates of the rolling 24 hours that end at `now`.
    pub fn totals(&self, now: Timestamp) -> Totals {
        self.counters.totals(now)
    }

    /// Answered ÷ human requests of each queue that had a request in the window.
    pub fn queue_rates(&self, now: Timestamp) -> Vec<(QueueId, Ratio)> {
        self.counters.queue_rates(now)
    }

    /// Calls a seat answered on the local calendar day of `now`.
    pub fn calls_today(&self, seat: SeatId, now: Timestamp) -> u64 {
        self.counters.calls_today(seat, now)
    }

    /// The live calls, oldest first, callers masked; `now_up_ms` is the engine's uptime.
    pub fn live_calls(&self, now_up_ms: u64) -> Vec<CallLine> {
        self.live.lines(now_up_ms)
    }

    /// The seats that talk with each other.
    pub fn consulting(&self) -> BTreeSet<SeatId> {
        self.live.consulting()
    }

    /// One line per trunk of `trunks`; `now_up_ms` is the engine's uptime.
    pub fn trunks(&self, trunks: &[TrunkId], now_up_ms: u64) -> Vec<TrunkLine> {
        self.trunks.lines(trunks, now_up_ms)
    }

    /// The counters themselves, for KPIs beyond the wallboard.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
