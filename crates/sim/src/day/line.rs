//! One caller's way: greeted, in line, rung for, talking.

use core::time::Duration;

use hotline_acd::{ExpectedWait, Input};
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    event::{Event, Outcome, ReleasedBy},
    seat::OfferResult,
};

use super::{Day, Due};
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
    queued: Option<Instant>,
    /// The entry into the queue is told.
    entered: bool,
    pub(super) offer: Option<Offer>,
    talk: Option<(SeatId, Instant)>,
    /// When the caller was told how long it will be, and what.
    told: Vec<(Instant, ExpectedWait)>,
}

/// A seat that is being rung.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) seat: SeatId,
    pub(super) at: Instant,
    number: u64,
}

impl Caller {
    pub(super) fn new(number: u64, tries: u32, queue: usize, arrived: Instant) -> Self {
        Self {
            number,
            tries,
            queue,
            arrived,
            queued: None,
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

impl Day<'_> {
    /// The greeting is over: the caller stands in line.
    pub(super) fn greeted(&mut self, call: CallId) {
        let Some((_, id)) = self.queue_of(call) else {
            return;
        };
        let now = self.now;
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.queued = Some(now);
        }
        let patience = self.scenario.patience.draw(&mut self.random);
        self.plan_in(patience, Due::GivesUp(call));
        self.floor_hears(Input::CallQueued {
            call,
            queue: id,
            priority: 0,
            arrived: now,
            spent: 0,
            preferred: None,
            promised: false,
        });
        if let Some(position) = self.floor.position(call) {
            self.note_entry(call, id, position);
        }
        self.told(call);
    }

    /// Notes what the caller would be told now, if it waits still.
    pub(super) fn told(&mut self, call: CallId) {
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
        if caller.is_some_and(|caller| !core::mem::replace(&mut caller.entered, true)) {
            let priority = 0;
            self.happened(Event::QueueEntered {
                call,
                queue,
                priority,
                position,
            });
        }
    }

    pub(super) fn gives_up(&mut self, call: CallId) {
        let talks = self.callers.get(&call).map(|caller| caller.talk.is_some());
        if talks == Some(false) {
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
        let picks_up = self.scenario.answer.draw(&mut self.random);
        self.plan_in(picks_up, Due::PicksUp(call, offer.number));
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
        let Some((queue, id)) = self.queue_of(call) else {
            return;
        };
        let (seat, now) = (offer.seat, self.now);
        self.floor_hears(Input::Answered { call, seat });
        self.offer_ended(call, OfferResult::Answered);
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
