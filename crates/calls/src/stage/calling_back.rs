//! Calling back: a seat answered for a caller who is not on the line, and the caller is called. Who
//! answers talks as if the line had been there all the time; where nobody does, the seat is free at
//! once and the call rests until the next attempt.

use hotline_acd::Input as FloorInput;
use hotline_model::{Instant, SeatId, event::Event};
use hotline_sip::endpoint::HangUpReason;

use super::{
    Input, Resting, Stage, Talking,
    resting::{rang_again, unreached},
    waiting::Place,
};
use crate::{
    call::Facts,
    callback::callable,
    leg::Leg,
    outgoing::{Reach, Reached},
    switchboard::{Side, Switchboard},
};

/// A call whose seat waits for the caller.
pub struct CallingBack {
    place: Place,
    seat: SeatId,
    reach: Box<Reach>,
}

impl CallingBack {
    /// The seat answered by this leg: calls the caller.
    #[must_use]
    pub fn enter(
        place: Place,
        facts: &mut Facts,
        now: Instant,
        seat: SeatId,
        mut leg: Leg,
        board: &mut Switchboard,
    ) -> Stage {
        let Some(callback) = facts.callback.as_mut() else {
            return unreached(facts, now, "there was no callback", board);
        };
        callback.made = callback.made.saturating_add(1);
        let (call, attempt) = (facts.id, callback.made);
        let event = Event::CallbackDialled {
            call,
            seat,
            attempt,
        };
        let number = callable(&board.settings, &callback.number);
        board.happened(now, event);
        match number {
            Ok(number) => {
                let whose = (call, Side::Caller);
                let reach = Reach::begin(now, whose, leg, number, facts.hops, board);
                Stage::CallingBack(Box::new(Self { place, seat, reach }))
            }
            Err(cause) => {
                let reason = HangUpReason::sip(403, cause);
                board.close_leg(now, &mut leg, Some(reason));
                not_reached(&place, facts, now, seat, (cause, false), board)
            }
        }
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        self.reach.deadline()
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Stage {
        let (call, seat) = (facts.id, self.seat);
        match input {
            Input::RangAgain => {
                let why = HangUpReason::q850(16, "the caller has another call");
                self.reach.give_up(now, &why, board);
                board.floor(now, FloorInput::NotReached { call, seat });
                return rang_again(facts, now, board);
            }
            Input::Prioritised(priority) => self.place.priority = *priority,
            _ => {}
        }
        match self.reach.handle(now, input, board) {
            Reached::Still(reach) => {
                self.reach = reach;
                Stage::CallingBack(self)
            }
            Reached::Answered(leg, caller) => {
                facts.leg = caller;
                reached(&self.place, facts, now, (seat, leg), board)
            }
            Reached::Failed(mut leg, failure) => {
                let cause = format!("{} {}", failure.status, failure.cause);
                let counts = !failure.by_network;
                let reason = HangUpReason::sip(failure.status, failure.cause);
                board.close_leg(now, &mut leg, Some(reason));
                not_reached(&self.place, facts, now, seat, (&cause, counts), board)
            }
            Reached::SeatGone(_, why) => {
                let cause = format!("the seat: {why}");
                not_reached(&self.place, facts, now, seat, (&cause, false), board)
            }
        }
    }
}

/// The caller is on the line again.
fn reached(
    place: &Place,
    facts: &mut Facts,
    now: Instant,
    (seat, leg): (SeatId, Leg),
    board: &mut Switchboard,
) -> Stage {
    let call = facts.id;
    if let Some(callback) = facts.forget_callback(board) {
        let since = callback.stood(now).as_millis();
        let event = Event::CallbackReached {
            call,
            seat,
            attempt: callback.made,
            since_requested_ms: u64::try_from(since).unwrap_or(u64::MAX),
        };
        board.happened(now, event);
    }
    // Should the agent be lost before a word was said, the caller goes back to the old place.
    facts.place_from = facts.place_from.or(facts.queued);
    Talking::enter(facts, now, seat, place.queue, place.priority, leg, board)
}

/// The seat is free; the call rests, or is over after its last attempt. One that `counts` not, since
/// the number itself decided nothing, is made again: the longest time in line bounds that.
fn not_reached(
    place: &Place,
    facts: &mut Facts,
    now: Instant,
    seat: SeatId,
    (cause, counts): (&str, bool),
    board: &mut Switchboard,
) -> Stage {
    let call = facts.id;
    board.floor(now, FloorInput::NotReached { call, seat });
    let Some(callback) = &mut facts.callback else {
        return unreached(facts, now, cause, board);
    };
    let (attempt, again) = (callback.made, now + callback.retry_after);
    if !counts {
        callback.made = attempt.saturating_sub(1);
    }
    let is_last =
        callback.made >= callback.attempts || callback.until().is_none_or(|at| at <= again);
    let event = Event::CallbackFailed {
        call,
        seat,
        attempt,
        cause: cause.to_owned(),
        again_after_s: (!is_last).then_some(callback.retry_after.as_secs()),
        not_counted: !counts,
    };
    board.happened(now, event);
    if is_last {
        return unreached(facts, now, cause, board);
    }
    Stage::Resting(Resting {
        queue: place.queue,
        priority: place.priority,
        until: again,
    })
}
