//! One caller's way: greeted, in line, rung for, talking.

use core::time::Duration;

use hotline_acd::{ExpectedWait, Input};
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    event::{Event, Outcome, ReleasedBy},
    seat::OfferResult,
};

use super::{Day, Due, callback::Promise, chance};
use crate::calibration::Calibration;

/// How often a waiting caller is told how long it will be.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// A caller in the house.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who it is.
    pub(super) number: u64,
    /// How often the caller dialled before.
    pub(super) tries: u32,
    /// Which of the scenario's queues.
    pub(super) queue: usize,
    pub(super) arrived: Instant,
    pub(super) queued: Option<Instant>,
    /// 0 is served first.
    priority: u8,
    /// The queue that overflow led the call to.
    pub(super) stands_in: Option<QueueId>,
    /// Queues left by overflow, each with the rules by which it was, one a bit.
    pub(super) left: Vec<(QueueId, u8)>,
    /// What the caller was promised.
    pub(super) promise: Option<Promise>,
    /// The entry into the queue is told.
    pub(super) entered: bool,
    pub(super) offer: Option<Offer>,
    pub(super) talk: Option<(SeatId, Instant)>,
    /// When the caller was told how long it will be, and what.
    pub(super) told: Vec<(Instant, ExpectedWait)>,
}

/// A seat that is being rung.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) seat: SeatId,
    pub(super) at: Instant,
    pub(super) number: u64,
}

impl Caller {
    pub(super) fn new(number: u64, tries: u32, queue: usize, arrived: Instant) -> Self {
        Self {
            number,
            tries,
            queue,
            arrived,
            queued: None,
            priority: 0,
            stands_in: None,
            left: Vec::new(),
            promise: None,
            entered: false,
            offer: None,
            talk: None,
            told: Vec::new(),
        }
    }

    /// The wait is over: what was told of it is judged, once.
    pub(super) fn judge(&mut self, now: Instant, answered: bool, estimates: &mut Calibration) {
        for (at, estimate) in self.told.drain(..) {
            estimates.note(estimate, now.since(at), answered);
        }
    }
}

impl Caller {
    /// The rules by which the call left the queue, one a bit.
    fn left_by(&self, queue: QueueId) -> u8 {
        let mut left = self.left.iter();
        left.find(|(of, _)| *of == queue).map_or(0, |&(_, by)| by)
    }

    /// The call left the queue by this rule.
    pub(super) fn leaves_by(&mut self, queue: QueueId, rule: usize) {
        let bit = u32::try_from(rule).ok().and_then(|n| 1u8.checked_shl(n));
        let before = self.left_by(queue);
        self.left.retain(|(of, _)| *of != queue);
        self.left.push((queue, before | bit.unwrap_or(0)));
    }
}

impl Day<'_> {
    /// The greeting is over: the caller stands in line.
    pub(super) fn greeted(&mut self, call: CallId) {
        let Some((queue, _)) = self.queue_of(call) else {
            return;
        };
        let now = self.now;
        let priority = self.draw_priority(&queue.rules.priorities);
        if let Some(caller) = self.callers.get_mut(&call) {
            (caller.queued, caller.priority) = (Some(now), priority);
        }
        let patience = self.scenario.patience.draw(&mut self.random);
        self.plan_in(patience, Due::GivesUp(call));
        self.stands_in_line(call);
        self.told(call);
    }

    fn draw_priority(&mut self, weights: &[f64]) -> u8 {
        if weights.len() < 2 {
            return 0;
        }
        let all: f64 = weights.iter().sum();
        let mut left = chance::share(&mut self.random) * all;
        let drawn = (0..).zip(weights).find(|(_, weight)| {
            left -= **weight;
            left < 0.0
        });
        drawn.map_or(0, |(priority, _)| priority)
    }

    /// The call stands in its queue, at its place: for the first time, or again.
    pub(super) fn stands_in_line(&mut self, call: CallId) {
        let Some((_, queue)) = self.queue_of(call) else {
            return;
        };
        let now = self.now;
        let Some(caller) = self.callers.get_mut(&call) else {
            return;
        };
        caller.entered = false;
        let promised = caller.is_absent();
        let input = Input::CallQueued {
            call,
            queue,
            priority: caller.priority,
            arrived: caller.queued.unwrap_or(now),
            spent: caller.left_by(queue),
            preferred: None,
            promised,
        };
        self.floor_hears(input);
        self.note_position(call);
    }

    /// Tells the entry of a call that stands in line.
    pub(super) fn note_position(&mut self, call: CallId) {
        if let (Some(queue), Some(position)) =
            (self.floor.queue_of(call), self.floor.position(call))
        {
            self.note_entry(call, queue, position);
        }
    }

    /// Notes what the caller would be told now, if it waits still.
    pub(super) fn told(&mut self, call: CallId) {
        if self.callers.get(&call).is_none_or(Caller::is_absent) {
            return;
        }
        let Some(estimate) = self.floor.expected_wait(call) else {
            return;
        };
        let now = self.now;
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.told.push((now, estimate));
            self.plan_in(TOLD_EVERY, Due::Told(call));
        }
    }

    /// Tells the entry, once. As in `calls`: it is one as soon as the floor gave the call a
    /// position or a seat, and not before, for the queue may refuse it.
    fn note_entry(&mut self, call: CallId, queue: QueueId, position: u32) {
        let caller = self.callers.get_mut(&call);
        if let Some(caller) = caller.filter(|caller| !caller.entered) {
            caller.entered = true;
            let priority = caller.priority;
            self.happened(Event::QueueEntered {
                call,
                queue,
                priority,
                position,
            });
        }
    }

    pub(super) fn gives_up(&mut self, call: CallId) {
        let caller = self.callers.get(&call);
        if caller.is_some_and(|caller| caller.talk.is_none() && caller.promise.is_none()) {
            self.floor_hears(Input::CallLeft { call });
            self.over(call, Outcome::Abandoned, ReleasedBy::Caller);
        }
    }

    pub(super) fn offered(&mut self, call: CallId, seat: SeatId, queue: QueueId, why: String) {
        self.note_entry(call, queue, 1);
        self.number += 1;
        let offer = Offer {
            seat,
            at: self.now,
            number: self.number,
        };
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.offer = Some(offer);
        }
        self.happened(Event::SeatOffered {
            call,
            seat,
            queue,
            why,
        });
        let after = self.scenario.answer.draw(&mut self.random);
        let agents = self.scenario.agents;
        let dice = match agents.refuse + agents.ignore > 0.0 {
            true => chance::share(&mut self.random),
            false => 1.0,
        };
        if dice < agents.refuse {
            self.plan_in(after, Due::Refuses(call, offer.number));
        } else if dice >= agents.refuse + agents.ignore {
            self.plan_in(after, Due::PicksUp(call, offer.number));
        }
        self.floor
            .handle_input(self.now, Input::Rang { call, seat });
    }

    pub(super) fn picks_up(&mut self, call: CallId, number: u64) {
        let Some(caller) = self.callers.get(&call).cloned() else {
            return;
        };
        let Some(offer) = caller.offer.filter(|offer| offer.number == number) else {
            return;
        };
        let seat = offer.seat;
        self.floor_hears(Input::Answered { call, seat });
        self.offer_ended(call, OfferResult::Answered);
        if caller.is_absent() {
            return self.calls_back(call, seat);
        }
        self.talks(call, seat);
    }

    /// The seat and the caller talk.
    pub(super) fn talks(&mut self, call: CallId, seat: SeatId) {
        let Some(caller) = self.callers.get(&call).cloned() else {
            return;
        };
        let Some((queue, id)) = self.queue_of(call) else {
            return;
        };
        let now = self.now;
        let since = |then: Instant| now.millis_since(then);
        let since_queue_ms = since(caller.queued.unwrap_or(caller.arrived));
        self.happened(Event::SeatAnswered {
            call,
            seat,
            queue: id,
            since_arrival_ms: since(caller.arrived),
            since_menu_ms: since_queue_ms,
            since_queue_ms,
        });
        self.happened(Event::TalkStarted { call, seat });
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.judge(now, true, &mut self.estimates);
            caller.talk = Some((seat, now));
        }
        let talk = queue.handling.draw(&mut self.random);
        let talk = talk.mul_f64(self.scenario.talk_factor(caller.arrived.since_start()));
        self.plan_in(talk, Due::HangsUp(call));
    }

    pub(super) fn hangs_up(&mut self, call: CallId) {
        let talk = self.callers.get(&call).and_then(|caller| caller.talk);
        let (Some((seat, since)), Some((queue, _))) = (talk, self.queue_of(call)) else {
            return;
        };
        self.happened(Event::TalkEnded {
            call,
            seat,
            talk_ms: self.now.millis_since(since),
            hold_ms: 0,
            released_by: ReleasedBy::Agent,
        });
        if queue.wrap_up.mean_s() > 0.0 {
            let wrap_up = queue.wrap_up.draw(&mut self.random);
            self.plan_in(wrap_up, Due::WrappedUp(seat));
        }
        self.floor_hears(Input::TalkEnded { call, seat });
        self.over(call, Outcome::Answered, ReleasedBy::Agent);
    }
}
