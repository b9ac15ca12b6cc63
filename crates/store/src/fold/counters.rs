//! Counters of the rolling 24 hours, and of the calendar day per seat.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::{Event, Outcome},
};

use crate::{
    Record,
    kpi::{ANSWER_SECONDS, Counts, Ratio, SHORT_ABANDON_MS},
    wallboard::Totals,
};

/// Minutes of the rolling window.
pub const WINDOW_MINUTES: i64 = 1_440;

/// Most minutes kept: two windows, so that a wall clock set back or forth does not push the
/// present out. When full, the oldest minute is dropped.
pub const KEPT_MINUTES: usize = 2 * WINDOW_MINUTES as usize;

/// Counters per minute.
///
/// **Which minute.** All that becomes of a call counts in the minute in which its INVITE arrived
/// ([`Event::CallArrived`]'s wall-clock time), so that a numerator is always part of its
/// denominator: at 12:01 a call of 11:59 that was just answered betters the rate of 11:59. A
/// rejected INVITE counts in its own minute, and so does an event of a call whose arrival is not
/// known.
///
/// **Whose calls.** Those of citizens: what came by a trunk. A seat's own call to the hotline is in
/// no figure, as is a seat's call outside. What strangers on the network ask and are refused is
/// counted apart ([`Counts::strangers`]) and in no rate: who scans for telephones to abuse must not
/// worsen a city's figures, and nobody who knows the count can say that calls were hidden.
///
/// **Once each.** A refusal counts when the call is over, and only where nothing else became of it:
/// whoever went on to another queue, was answered, timed out or left a message counts as that.
///
/// **The window's edges.** The window at `now` is the minute of `now` so far and the 1,439 whole
/// minutes before it: nothing in it is older than 24 hours, and it is at least 23 h 59 min long.
/// Minutes after `now` (the wall clock was set back) do not count until `now` reaches them.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    offset_minutes: i32,
    minutes: BTreeMap<i64, Minute>,
    calls: BTreeMap<CallId, Open>,
    seats: BTreeMap<SeatId, Day>,
}

#[derive(Clone, Debug, Default)]
struct Minute {
    all: Counts,
    queues: BTreeMap<QueueId, Counts>,
}

/// A call that has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// It came by a trunk.
    inbound: bool,
    minute: i64,
    /// The queue it asked for last.
    queue: Option<QueueId>,
    /// Uptime at which it entered it; `None` after a restart, when uptimes cannot be compared.
    queued_up_ms: Option<u64>,
    answered: bool,
    /// The queue that refused it, where nothing came after.
    refused_by: Option<QueueId>,
}

/// What a seat answered on the newest day it answered anything.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    day: i64,
    answered: u64,
}

impl Counters {
    /// Empty counters; `offset_minutes` east of UTC decides when a calendar day begins.
    pub fn new(offset_minutes: i32) -> Self {
        Self {
            offset_minutes,
            ..Self::default()
        }
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        let at = record.stamped.at;
        let up_ms = record.stamped.up_ms;
        if self.is_internal(&record.stamped.event) {
            return;
        }
        match &record.stamped.event {
            Event::EngineStarted { .. } => {
                for open in self.calls.values_mut() {
                    open.queued_up_ms = None;
                }
            }
            Event::CallArrived { call, trunk, .. } => {
                let open = Open {
                    inbound: trunk.is_some(),
                    minute: minute(at),
                    queue: None,
                    queued_up_ms: None,
                    answered: false,
                    refused_by: None,
                };
                self.calls.insert(*call, open);
                if open.inbound {
                    self.count(open.minute, None, |n| n.arrived += 1);
                }
            }
            Event::InviteRejected { trunk, .. } => {
                let stranger = u64::from(trunk.is_none());
                self.count(minute(at), None, |n| {
                    n.strangers += stranger;
                    n.rejected += 1 - stranger;
                });
            }
            Event::CallerBlocked { call, .. } => match call {
                Some(call) => self.count_call(*call, at, |n| n.blocked += 1),
                None => self.count(minute(at), None, |n| n.blocked += 1),
            },
            Event::RequestsTurnedAway { trunk, invites, .. } => {
                self.count(minute(at), None, |n| match trunk {
                    Some(_) => n.rejected += invites,
                    None => n.strangers += invites,
                });
            }
            Event::QueueEntered { call, queue, .. } => {
                if let Some(open) = self.calls.get_mut(call) {
                    (open.queue, open.queued_up_ms) = (Some(*queue), Some(up_ms));
                    open.refused_by = None;
                }
            }
            // It asked for a human there, even where it was sent on before it stood in line.
            Event::QueueOverflowed { call, queue, .. } => {
                if let Some(open) = self.calls.get_mut(call) {
                    (open.queue, open.refused_by) = (Some(*queue), None);
                }
            }
            Event::QueueRefused { call, queue, .. } => {
                let open = self.open(*call, at);
                self.calls.entry(*call).or_insert(open).refused_by = Some(*queue);
            }
            Event::SeatAnswered {
                call,
                seat,
                queue,
                since_queue_ms,
                ..
            } => {
                self.count_answer(*call, *queue, at, *since_queue_ms);
                self.count_day(*seat, at);
            }
            Event::SurveyOffered { call, .. } => {
                self.count_call(*call, at, |n| n.survey_offered += 1);
            }
            Event::SurveyAnswered {
                call,
                digit,
                meaning,
                ..
            } => self.count_call(*call, at, |n| {
                n.survey_answered += 1;
                n.satisfied += u64::from(meaning == "satisfied");
                let score = digit
                    .to_digit(10)
                    .and_then(|d| n.scores.get_mut(d as usize));
                if let Some(score) = score {
                    *score += 1;
                }
            }),
            Event::CallEnded { call, outcome, .. } => {
                self.count_end(*call, *outcome, at, up_ms);
                self.calls.remove(call);
            }
            _ => {}
        }
    }

    /// Whether the event belongs to a seat's own call, which only its end makes forgotten.
    fn is_internal(&mut self, event: &Event) -> bool {
        let Some(call) = event.call() else {
            return false;
        };
        let internal = self.calls.get(&call).is_some_and(|open| !open.inbound);
        if internal && matches!(event, Event::CallEnded { .. }) {
            self.calls.remove(&call);
        }
        internal
    }

    fn count_answer(&mut self, call: CallId, queue: QueueId, at: Timestamp, wait_ms: u64) {
        let open = self.open(call, at);
        self.calls.entry(call).and_modify(|o| {
            (o.answered, o.refused_by) = (true, None);
        });
        let within = ANSWER_SECONDS.map(|s| u64::from(wait_ms <= s * 1_000));
        let [in_15s, ..] = within;
        self.count(open.minute, Some(queue), |n| {
            n.answers += 1;
            for (count, within) in n.answers_in.iter_mut().zip(within) {
                *count += within;
            }
            if !open.answered {
                n.answered += 1;
                n.answered_in_15s += in_15s;
            }
        });
    }

    fn count_end(&mut self, call: CallId, outcome: Outcome, at: Timestamp, up_ms: u64) {
        let open = self.open(call, at);
        let waited = open.queued_up_ms.map(|since| up_ms.saturating_sub(since));
        let within = |limit_ms| u64::from(waited.is_some_and(|waited| waited <= limit_ms));
        // Who was refused last belongs to the queue that refused, unless the call stood in another.
        let queue = match outcome {
            Outcome::Abandoned | Outcome::TimedOut => open.queue.or(open.refused_by),
            _ => open.refused_by.or(open.queue),
        };
        let asked = queue.is_some();
        self.count(open.minute, queue, |n| match outcome {
            Outcome::Abandoned => {
                n.abandoned += 1;
                n.abandoned_in_15s += within(15_000);
                n.abandoned_short += within(SHORT_ABANDON_MS - 1);
            }
            Outcome::TimedOut => n.timed_out += 1,
            // Of a menu that leads to no human it is no human's request.
            Outcome::LeftMessage if asked => n.left_message += 1,
            Outcome::Overflowed => n.overflowed += 1,
            Outcome::Unreached => n.unreached += 1,
            // Refused without a queue's word: the queue it asked for does not exist.
            Outcome::Refused => n.refused += 1,
            _ => n.refused += u64::from(open.refused_by.is_some()),
        });
    }

    fn count_day(&mut self, seat: SeatId, at: Timestamp) {
        let today = self.day(at);
        let day = self.seats.entry(seat).or_default();
        if today > day.day {
            *day = Day {
                day: today,
                answered: 0,
            };
        }
        day.answered += u64::from(today == day.day);
    }

    fn count_call(&mut self, call: CallId, at: Timestamp, count: impl Fn(&mut Counts)) {
        let open = self.open(call, at);
        self.count(open.minute, open.queue, count);
    }

    fn count(&mut self, minute: i64, queue: Option<QueueId>, count: impl Fn(&mut Counts)) {
        let counts = self.minutes.entry(minute).or_default();
        count(&mut counts.all);
        if let Some(queue) = queue {
            count(counts.queues.entry(queue).or_default());
        }
        if self.minutes.len() > KEPT_MINUTES {
            self.minutes.pop_first();
        }
    }

    fn open(&self, call: CallId, at: Timestamp) -> Open {
        self.calls.get(&call).copied().unwrap_or(Open {
            inbound: true,
            minute: minute(at),
            queue: None,
            queued_up_ms: None,
            answered: false,
            refused_by: None,
        })
    }

    fn day(&self, at: Timestamp) -> i64 {
        let local = at.0.saturating_add(i64::from(self.offset_minutes) * 60_000);
        local.div_euclid(86_400_000)
    }

    fn window(&self, now: Timestamp) -> impl Iterator<Item = &Minute> {
        let last = minute(now);
        self.minutes
            .range(last - (WINDOW_MINUTES - 1)..=last)
            .map(|(_, minute)| minute)
    }

    /// Raw counts of the window that ends at `now`.
    pub fn counts(&self, now: Timestamp) -> Counts {
        let mut sum = Counts::default();
        for minute in self.window(now) {
            sum.add(&minute.all);
        }
        sum
    }

    /// Raw counts of each queue in the window that ends at `now`.
    pub fn queue_counts(&self, now: Timestamp) -> BTreeMap<QueueId, Counts> {
        let mut sums = BTreeMap::<QueueId, Counts>::new();
        for (queue, counts) in self.window(now).flat_map(|minute| &minute.queues) {
            sums.entry(*queue).or_default().add(counts);
        }
        sums
    }

    /// Raw counts of so many whole minutes from the minute of `from` on, of all calls and of each
    /// queue, as far as they are kept ([`KEPT_MINUTES`]).
    pub fn of_minutes(&self, from: Timestamp, minutes: i64) -> (Counts, BTreeMap<QueueId, Counts>) {
        let (mut all, mut queues) = (Counts::default(), BTreeMap::<QueueId, Counts>::new());
        let first = minute(from);
        for (_, minute) in self
            .minutes
            .range(first..first.saturating_add(minutes.max(0)))
        {
            all.add(&minute.all);
            for (queue, counts) in &minute.queues {
                queues.entry(*queue).or_default().add(counts);
            }
        }
        (all, queues)
    }

    /// The wallboard's totals of the window that ends at `now`.
    pub fn totals(&self, now: Timestamp) -> Totals {
        let counts = self.counts(now);
        Totals {
            window_s: WINDOW_MINUTES as u64 * 60,
            inbound: counts.inbound(),
            blocked: counts.blocked,
            strangers: counts.strangers,
            answered: counts.answered,
            answered_in_15s: counts.answered_in_15s,
            human_requests: counts.human_requests(),
            abandoned: counts.abandoned,
            refused: counts.refused,
            timed_out: counts.timed_out,
            left_message: counts.left_message,
            overflowed: counts.overflowed,
            unreached: counts.unreached,
            answer_rate: counts.answer_rate().value(),
            in_time_rate: counts.in_time_rate().value(),
            survey_offered: counts.survey_offered,
            survey_answered: counts.survey_answered,
            satisfied: counts.satisfied,
        }
    }

    /// Answers ÷ human requests of each queue that had a request in the window.
    pub fn queue_rates(&self, now: Timestamp) -> Vec<(QueueId, Ratio)> {
        self.queue_counts(now)
            .into_iter()
            .map(|(queue, n)| (queue, Ratio::new(n.answers, n.human_requests())))
            .filter(|(_, rate)| rate.all > 0)
            .collect()
    }

    /// Calls the seat answered on the local calendar day of `now`.
    pub fn calls_today(&self, seat: SeatId, now: Timestamp) -> u64 {
        self.seats
            .get(&seat)
            .filter(|day| day.day == self.day(now))
            .map_or(0, |day| day.answered)
    }
}

fn minute(at: Timestamp) -> i64 {
    at.0.div_euclid(60_000)
}
