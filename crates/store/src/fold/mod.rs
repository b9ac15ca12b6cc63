//! Folds: plain values that follow the journal record by record. The same fold serves the live
//! wallboard, the tables and the audit, so that the three cannot disagree.

#[cfg(test)]
mod callback_tests;
mod calls;
mod case;
mod counters;
mod desks;
mod ledger;
mod live;
mod message;
mod outlooks;
mod phones;
mod task;
mod tasks;
#[cfg(test)]
mod tasks_tests;
#[cfg(test)]
mod tests;
mod trunks;

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{PhoneId, QueueId, SeatId, Timestamp, TrunkId};

pub use calls::{Call, CallRow, Direction};
pub use case::{CaseRow, CaseState, case_number};
pub use counters::{Counters, KEPT_MINUTES, WINDOW_MINUTES};
pub use desks::LiveDesks;
pub use ledger::{End, Interval, IntervalEnd, Ledger};
pub use live::LiveCalls;
pub use message::{MessageRow, MessageState};
pub use outlooks::Outlooks;
pub use phones::LivePhones;
pub use task::{TaskRow, TaskState};
pub use tasks::Tasks;
pub use trunks::LiveTrunks;

use crate::{
    Record,
    kpi::{Counts, Ratio},
    wallboard::{AlertLine, CallLine, ForecastLine, PhoneLine, QuarterLine, Totals, TrunkLine},
};

/// Minutes of the quarter of an hour up to now.
const QUARTER_MINUTES: i64 = 15;

/// The service level of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueLevel {
    /// Counts of the rolling 24 hours.
    pub day: Counts,
    /// Counts of the minute of now and the fourteen before it.
    pub quarter: Counts,
    /// The next quarter of an hour.
    pub forecast: Option<ForecastLine>,
    /// Set while it will miss its target.
    pub alert: Option<AlertLine>,
}

impl QueueLevel {
    /// K1 by queue: answers ÷ human requests of the window.
    pub const fn answer_rate(&self) -> Ratio {
        Ratio::new(self.day.answers, self.day.human_requests())
    }

    /// K3 at 15 s: answered in time ÷ human requests of the window.
    pub const fn in_15s_rate(&self) -> Ratio {
        self.day.service_level().abandon_negative()
    }

    /// The last quarter of an hour as the wallboard shows it.
    pub fn quarter_line(&self) -> QuarterLine {
        let counts = &self.quarter;
        QuarterLine {
            requests: counts.human_requests(),
            answer_rate: Ratio::new(counts.answers, counts.human_requests()).value(),
            in_15s_rate: counts.service_level().abandon_negative().value(),
        }
    }
}

/// The folds behind the wallboard, together.
#[derive(Clone, Debug, Default)]
pub struct Folds {
    counters: Counters,
    live: LiveCalls,
    trunks: LiveTrunks,
    outlooks: Outlooks,
    phones: LivePhones,
    desks: LiveDesks,
}

impl Folds {
    /// Empty folds. `offset_minutes` is the local time's offset east of UTC (China: 480): it
    /// decides when a day begins.
    pub fn new(offset_minutes: i32) -> Self {
        Self {
            counters: Counters::new(offset_minutes),
            live: LiveCalls::default(),
            trunks: LiveTrunks::default(),
            outlooks: Outlooks::default(),
            phones: LivePhones::default(),
            desks: LiveDesks::default(),
        }
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        self.counters.apply(record);
        self.live.apply(record);
        self.trunks.apply(record);
        self.outlooks.apply(record);
        self.phones.apply(record);
        self.desks.apply(record);
    }

    /// Counts and rates of the rolling 24 hours that end at `now`.
    pub fn totals(&self, now: Timestamp) -> Totals {
        self.counters.totals(now)
    }

    /// Answered ÷ human requests of each queue that had a request in the window.
    pub fn queue_rates(&self, now: Timestamp) -> Vec<(QueueId, Ratio)> {
        self.counters.queue_rates(now)
    }

    /// The service level of each queue of which anything is known: the window's and the last quarter
    /// of an hour's figures, the forecast and the alert. `now_up_ms` is the engine's uptime.
    pub fn queue_levels(&self, now: Timestamp, now_up_ms: u64) -> BTreeMap<QueueId, QueueLevel> {
        let day = self.counters.queue_counts(now);
        let from = Timestamp(now.0.saturating_sub((QUARTER_MINUTES - 1) * 60_000));
        let (_, quarter) = self.counters.of_minutes(from, QUARTER_MINUTES);
        let of = |counts: &BTreeMap<QueueId, Counts>, queue| {
            counts.get(&queue).copied().unwrap_or_default()
        };
        let level = |queue: QueueId| {
            let level = QueueLevel {
                day: of(&day, queue),
                quarter: of(&quarter, queue),
                forecast: self.outlooks.forecast(queue),
                alert: self.outlooks.alert(queue, now_up_ms),
            };
            (queue, level)
        };
        let counted = day.keys().chain(quarter.keys()).copied();
        let queues: BTreeSet<_> = counted.chain(self.outlooks.queues()).collect();
        queues.into_iter().map(level).collect()
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

    /// The seats whose pages are cut off.
    pub fn desks_lost(&self) -> BTreeSet<SeatId> {
        self.desks.lost()
    }

    /// One line per shared phone of `phones`.
    pub fn phones(&self, phones: &[(PhoneId, String)]) -> Vec<PhoneLine> {
        self.phones.lines(phones)
    }

    /// The counters themselves, for KPIs beyond the wallboard.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
