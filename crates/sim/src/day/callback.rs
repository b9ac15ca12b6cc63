//! Callers whom a rule sends on, agents who do not answer, and citizens who are called back: as
//! `calls` does it, step for step.

use hotline_acd::{Input, OverflowTo};
use hotline_model::{
    CallId, QueueId, SeatId,
    event::{Event, Outcome, ReleasedBy},
    seat::{Intent, OfferResult, Reason},
};

use super::{Day, Due, chance, line::Caller, rules::LONGEST_REACH, scenario::Callbacks};

/// What a caller was promised who hung up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    since: hotline_model::Instant,
    made: u8,
    /// The seat that waits for the citizen.
    seat: Option<SeatId>,
    reached: bool,
}

impl Caller {
    /// Nobody is on the line.
    pub(super) fn is_absent(&self) -> bool {
        self.promise.is_some_and(|promise| !promise.reached)
    }
}

impl Day<'_> {
    /// A rule of the queue sent the call on.
    pub(super) fn overflowed(
        &mut self,
        call: CallId,
        (queue, rule): (QueueId, usize),
        to: OverflowTo,
        why: String,
    ) {
        let Some(caller) = self.callers.get_mut(&call) else {
            return;
        };
        caller.leaves_by(queue, rule);
        if caller.is_absent() && !matches!(to, OverflowTo::Queue(_)) {
            // Nobody is on the line whom anything could be offered.
            return self.stands_in_line(call);
        }
        if let OverflowTo::Queue(other) = &to {
            (caller.stands_in, caller.entered) = (Some(*other), false);
        }
        let word = match &to {
            OverflowTo::Queue(other) => format!("queue:{other}"),
            OverflowTo::Script(script) => format!("script:{script}"),
            OverflowTo::Outside(number) => format!("outside:{number}"),
        };
        self.happened(Event::QueueOverflowed {
            call,
            queue,
            to: word,
            why,
        });
        match (to, self.scenario.callbacks) {
            (OverflowTo::Queue(_), _) => self.note_position(call),
            (OverflowTo::Script(_), Some(callbacks)) => self.offers_callback(call, &callbacks),
            // A scenario's rules lead to nowhere else.
            _ => self.over(call, Outcome::Overflowed, ReleasedBy::Engine),
        }
    }

    /// The caller hangs up for the promise, or waits on.
    fn offers_callback(&mut self, call: CallId, callbacks: &Callbacks) {
        let now = self.now;
        if chance::share(&mut self.random) < callbacks.accept
            && let Some((_, queue)) = self.queue_of(call)
            && let Some(caller) = self.callers.get_mut(&call)
        {
            // Nobody knows whether they would have waited as long as they were told.
            caller.told.clear();
            caller.promise = Some(Promise {
                since: now,
                made: 0,
                seat: None,
                reached: false,
            });
            let number = format!("138{:08}", caller.number);
            self.absent += 1;
            self.happened(Event::CallbackRequested {
                call,
                number,
                queue,
                priority: 0,
                attempts: callbacks.attempts,
                retry_after_s: callbacks.retry_after.as_secs(),
                keep_s: callbacks.keep.as_secs(),
                language: "zh".to_owned(),
                in_line_ms: 0,
            });
            self.plan_in(callbacks.keep, Due::PlaceEnds(call));
        }
        self.stands_in_line(call);
    }

    /// The agent refuses the offer.
    pub(super) fn refuses(&mut self, call: CallId, number: u64) {
        let offer = self.callers.get(&call).and_then(|caller| caller.offer);
        if let Some(offer) = offer.filter(|offer| offer.number == number) {
            let (seat, why) = (offer.seat, OfferResult::Refused);
            self.offer_ended(call, why);
            self.floor_hears(Input::NotAnswered { call, seat, why });
        }
    }

    /// The agent is back, if it is still for that that the seat is not ready.
    pub(super) fn is_back(&mut self, seat: SeatId) {
        let intent = self.floor.seat(seat).map(|view| view.intent);
        let away = [Reason::RingNoAnswer, Reason::Refused].map(Intent::NotReady);
        if intent.is_some_and(|intent| away.contains(&intent)) {
            let intent = Intent::Ready;
            self.floor_hears(Input::SetIntent { seat, intent });
        }
    }

    /// The seat answered for a citizen who is not on the line.
    pub(super) fn calls_back(&mut self, call: CallId, seat: SeatId) {
        let Some(callbacks) = self.scenario.callbacks else {
            return;
        };
        let caller = self.callers.get_mut(&call);
        let Some(promise) = caller.and_then(|caller| caller.promise.as_mut()) else {
            return;
        };
        promise.made = promise.made.saturating_add(1);
        promise.seat = Some(seat);
        let attempt = promise.made;
        self.happened(Event::CallbackDialled {
            call,
            seat,
            attempt,
        });
        let after = callbacks.answer.draw(&mut self.random).min(LONGEST_REACH);
        self.plan_in(after, Due::Reached(call, attempt));
    }

    /// The citizen answers, or it is known that nobody does.
    pub(super) fn reached(&mut self, call: CallId, attempt: u8) {
        let now = self.now;
        let Some(callbacks) = self.scenario.callbacks else {
            return;
        };
        let lucky = chance::share(&mut self.random) < callbacks.reached;
        let caller = self.callers.get_mut(&call);
        let Some(promise) = caller.and_then(|caller| caller.promise.as_mut()) else {
            return;
        };
        let Some(seat) = promise.seat.take() else {
            return;
        };
        promise.reached = lucky;
        let (since, until) = (promise.since, promise.since + callbacks.keep);
        if lucky {
            self.absent -= 1;
            self.happened(Event::CallbackReached {
                call,
                seat,
                attempt,
                since_requested_ms: now.millis_since(since),
            });
            return self.talks(call, seat);
        }
        self.floor_hears(Input::NotReached { call, seat });
        let last = attempt >= callbacks.attempts || until <= now + callbacks.retry_after;
        self.happened(Event::CallbackFailed {
            call,
            seat,
            attempt,
            cause: "408 no answer".to_owned(),
            again_after_s: (!last).then_some(callbacks.retry_after.as_secs()),
            not_counted: false,
        });
        match last {
            true => self.over(call, Outcome::Unreached, ReleasedBy::Engine),
            false => self.plan_in(callbacks.retry_after, Due::StandsAgain(call)),
        }
    }

    /// The longest time in line is over, if the citizen stands there.
    pub(super) fn place_ends(&mut self, call: CallId) {
        let absent = self.callers.get(&call).is_some_and(Caller::is_absent);
        if absent && self.floor.position(call).is_some() {
            self.floor_hears(Input::CallLeft { call });
            self.over(call, Outcome::Unreached, ReleasedBy::Engine);
        }
    }
}
