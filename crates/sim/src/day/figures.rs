//! The figures of a simulated time, by the folds and formulas of the live engine.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::{Event, Outcome},
    seat::{OfferResult, Work},
};
use hotline_store::{
    Record,
    fold::{Call, Counters},
    kpi::{Counts, Ratio},
};

use crate::calibration::Calibration;

use super::{
    MIDNIGHT,
    scenario::{HALF_HOUR, HALF_HOURS},
};

/// Minutes of a half hour.
const MINUTES: i64 = 30;

/// A half hour is read from the counters so long after it began: a day, so that all that becomes of
/// its calls is in it, and less than the two days after which they forget it.
const READ_AFTER: usize = HALF_HOURS + 1;

/// Raw figures of some time, of all calls or of one queue. What becomes of a call counts in the
/// time in which it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The counts of K1 to K6.
    pub counts: Counts,
    /// Waits of the answered calls in the queue, summed, ms (K7).
    pub waited_ms: u64,
    /// Longest wait of any call, ms (K7).
    pub longest_ms: u64,
    /// Talks, hold included, summed, ms (K8).
    pub talk_ms: u64,
    /// Wrap-ups, summed, ms (K8).
    pub wrap_up_ms: u64,
    /// Calls that a rule sent to another queue, each time.
    pub sent_on: u64,
    /// Callers who hung up for a callback.
    pub callbacks: u64,
    /// Of these, those who were reached.
    pub reached: u64,
    /// Attempts to reach them.
    pub attempts: u64,
    /// Seats that were rung and refused, or nobody heard it.
    pub not_answered: u64,
}

impl Figures {
    /// K7: mean wait of the answered calls (ASA), seconds.
    pub fn mean_wait_s(&self) -> Option<f64> {
        let mean_ms = Ratio::new(self.waited_ms, self.counts.answered).value();
        mean_ms.map(|ms| ms / 1_000.0)
    }

    /// K8: talk, hold and wrap-up of an answered call, mean, seconds.
    pub fn handling_s(&self) -> Option<f64> {
        let all = self.talk_ms + self.wrap_up_ms;
        Ratio::new(all, self.counts.answered)
            .value()
            .map(|ms| ms / 1_000.0)
    }

    /// K6: callers who gave up ÷ human requests.
    pub const fn abandon_rate(&self) -> Ratio {
        Ratio::new(self.counts.abandoned, self.counts.human_requests())
    }

    /// Adds the figures of another time or queue.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.waited_ms += other.waited_ms;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.talk_ms += other.talk_ms;
        self.wrap_up_ms += other.wrap_up_ms;
        self.sent_on += other.sent_on;
        self.callbacks += other.callbacks;
        self.reached += other.reached;
        self.attempts += other.attempts;
        self.not_answered += other.not_answered;
    }

    /// Of the callers who hung up for a callback, those who were reached.
    pub const fn reached_rate(&self) -> Ratio {
        Ratio::new(self.reached, self.callbacks)
    }
}

/// One half hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HalfHour {
    /// All calls, those that heard busy too.
    pub all: Figures,
    /// Those of each queue that had one.
    pub queues: BTreeMap<QueueId, Figures>,
}

/// What the time was like, half hour by half hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// From the first midnight on.
    pub half_hours: Vec<HalfHour>,
    /// What callers would have been told of their waits, and how long they waited: at their entry
    /// and every half minute.
    pub estimates: Calibration,
}

impl Report {
    /// The whole time.
    pub fn total(&self) -> HalfHour {
        self.sum(self.half_hours.iter())
    }

    /// One half hour of the day, of all days.
    pub fn time_of_day(&self, half_hour: usize) -> HalfHour {
        self.sum(self.half_hours.iter().skip(half_hour).step_by(HALF_HOURS))
    }

    fn sum<'a>(&self, half_hours: impl Iterator<Item = &'a HalfHour>) -> HalfHour {
        let mut sum = HalfHour::default();
        for half_hour in half_hours {
            sum.all.add(&half_hour.all);
            for (queue, figures) in &half_hour.queues {
                sum.queues.entry(*queue).or_default().add(figures);
            }
        }
        sum
    }
}

/// Counts while the time passes.
#[derive(Default)]
pub(super) struct Tally {
    counters: Counters,
    calls: BTreeMap<CallId, Call>,
    /// Seats that wrap up: since when, and for what queue's call of which half hour.
    wrapping_up: BTreeMap<SeatId, (u64, usize, Option<QueueId>)>,
    half_hours: Vec<HalfHour>,
    read: usize,
}

impl Tally {
    pub(super) fn apply(&mut self, record: &Record) {
        self.counters.apply(record);
        self.read_until(half_hour(record.stamped.at).saturating_sub(READ_AFTER));
        if let Event::SeatChanged {
            seat, work, call, ..
        } = &record.stamped.event
        {
            self.seat_changed(*seat, *work, *call, record.stamped.up_ms);
            return;
        }
        let Some(id) = record.stamped.event.call() else {
            return;
        };
        self.note_rules(id, &record.stamped.event);
        if let Some(call) = Call::begun(record) {
            self.calls.insert(id, call);
        } else if let Some(call) = self.calls.get_mut(&id) {
            call.apply(record, 0);
        }
        if matches!(record.stamped.event, Event::CallEnded { .. })
            && let Some(call) = self.calls.remove(&id)
        {
            self.ended(&call);
        }
    }

    /// Counts what rules and unwilling agents did, in the half hour in which the call arrived.
    fn note_rules(&mut self, id: CallId, event: &Event) {
        let add: fn(&mut Figures) = match event {
            Event::QueueOverflowed { to, .. } if to.starts_with("queue:") => |f| f.sent_on += 1,
            Event::CallbackRequested { .. } => |f| f.callbacks += 1,
            Event::CallbackReached { .. } => |f| f.reached += 1,
            Event::CallbackDialled { .. } => |f| f.attempts += 1,
            Event::OfferEnded {
                result: OfferResult::Refused | OfferResult::NoAnswer,
                ..
            } => |f| f.not_answered += 1,
            _ => return,
        };
        let Some((arrived, queue)) = self
            .calls
            .get(&id)
            .map(|call| (call.row.arrived_at, call.row.queue))
        else {
            return;
        };
        self.add(half_hour(arrived), queue, &add);
    }

    fn ended(&mut self, call: &Call) {
        let row = &call.row;
        let wait = row.wait_ms.unwrap_or_default();
        let answered = row.outcome == Some(Outcome::Answered);
        self.add(half_hour(row.arrived_at), row.queue, &|figures| {
            figures.waited_ms += if answered { wait } else { 0 };
            figures.longest_ms = figures.longest_ms.max(wait);
            figures.talk_ms += row.talk_ms.unwrap_or_default();
        });
    }

    fn seat_changed(&mut self, seat: SeatId, work: Work, call: Option<CallId>, up_ms: u64) {
        if work == Work::WrapUp && self.wrapping_up.contains_key(&seat) {
            // A shift or break changed the wish; the wrap-up goes on.
            return;
        }
        if let Some((since, half_hour, queue)) = self.wrapping_up.remove(&seat) {
            let lasted = up_ms.saturating_sub(since);
            self.add(half_hour, queue, &|figures| figures.wrap_up_ms += lasted);
        }
        // The talk's end is told before the call's: its row is still there.
        let row = call
            .and_then(|call| self.calls.get(&call))
            .map(|call| &call.row);
        if let (Work::WrapUp, Some(row)) = (work, row) {
            let of = (up_ms, half_hour(row.arrived_at), row.queue);
            self.wrapping_up.insert(seat, of);
        }
    }

    /// Whether a wrap-up goes on that is not counted yet.
    pub(super) fn anybody_wraps_up(&self) -> bool {
        !self.wrapping_up.is_empty()
    }

    fn add(&mut self, at: usize, queue: Option<QueueId>, add: &dyn Fn(&mut Figures)) {
        if self.half_hours.len() <= at {
            self.half_hours.resize_with(at + 1, HalfHour::default);
        }
        if let Some(half_hour) = self.half_hours.get_mut(at) {
            add(&mut half_hour.all);
            if let Some(queue) = queue {
                add(half_hour.queues.entry(queue).or_default());
            }
        }
    }

    /// Takes the counts of all half hours before this one.
    fn read_until(&mut self, until: usize) {
        while self.read < until {
            let at = self.read;
            let from = MIDNIGHT.after(HALF_HOUR * u32::try_from(at).unwrap_or(u32::MAX));
            let (all, queues) = self.counters.of_minutes(from, MINUTES);
            self.add(at, None, &|figures| figures.counts = all);
            for (queue, counts) in queues {
                if let Some(half_hour) = self.half_hours.get_mut(at) {
                    half_hour.queues.entry(queue).or_default().counts = counts;
                }
            }
            self.read += 1;
        }
    }

    pub(super) fn report(mut self, days: u32) -> Report {
        let all = days as usize * HALF_HOURS;
        self.read_until(all);
        self.half_hours.truncate(all);
        Report {
            half_hours: self.half_hours,
            estimates: Calibration::default(),
        }
    }
}

fn half_hour(at: Timestamp) -> usize {
    let since = at.0.saturating_sub(MIDNIGHT.0) / (MINUTES * 60_000);
    usize::try_from(since).unwrap_or_default()
}
