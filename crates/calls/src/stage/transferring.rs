//! Transferring: the agent named another seat, which is rung for the call. The caller hears music;
//! the agent may stay or go. When nobody answers the caller talks with the agent again, or stands
//! in the queue at the first place when the agent has gone.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, SeatId,
    event::{Event, Outcome, ReleasedBy},
    seat::OfferResult,
};
use hotline_sip::endpoint::{HangUpReason, ReferId};

use super::{
    Input, Stage, Talking, Waiting,
    aside::Aside,
    offering::{offer_ended, shown},
};
use crate::{
    call::Facts,
    leg::Leg,
    rings::{Failure, Rings, Rung},
    switchboard::{Owner, Side, Switchboard},
};

/// A call on its way to another seat.
pub struct Transferring {
    aside: Aside,
    rings: Rings,
    since: Instant,
}

impl Transferring {
    /// Rings the other seat. One that was taken a moment ago leaves the talk as it is.
    #[must_use]
    pub fn enter(
        talk: Talking,
        facts: &mut Facts,
        now: Instant,
        to: SeatId,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        let call = facts.id;
        if !board.reserve(now, call, to) {
            if let Some(refer) = refer {
                board.endpoint.tell_refer(now, refer, 486);
            }
            return Stage::Talking(talk);
        }
        let aside = Aside::new(talk, facts, now, refer, board);
        let (queue, _) = aside.place();
        board.happened(
            now,
            Event::SeatOffered {
                call,
                seat: to,
                queue,
                why: format!("transferred by seat {}", aside.seat()),
            },
        );
        let whose = (Owner::Call(call, Side::Target), facts.leg.id);
        let shown = shown(facts, to, queue, board);
        let rings = Rings::begin(to, whose, Some(call), shown, board);
        let failure = rings.failure();
        let stage = Box::new(Self {
            aside,
            rings,
            since: now,
        });
        match failure {
            Some(failure) => stage.not_answered(facts, now, failure, board),
            None => Stage::Transferring(stage),
        }
    }

    /// The phones that are rung.
    pub const fn rings(&self) -> &Rings {
        &self.rings
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
        match self.rings.handle(now, input, board) {
            Rung::Still => {}
            Rung::Rings => {
                let (call, seat) = (facts.id, self.rings.seat);
                board.floor(now, FloorInput::Rang { call, seat });
                self.aside.rings_there(now, board);
            }
            Rung::Answered(leg) => return self.answered(facts, now, leg, board),
            Rung::Over(failure) => return self.not_answered(facts, now, failure, board),
        }
        if let Input::Withdrawn(seat, result) = *input
            && seat == self.rings.seat
        {
            self.rings.stop(now, None, board);
            let status = 480;
            return self.failed(facts, now, Failure { result, status }, board);
        }
        match self.aside.handle(facts, now, input, board) {
            Some((by, why)) => self.caller_gone(facts, now, by, why, board),
            None => Stage::Transferring(self),
        }
    }

    fn answered(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        leg: Leg,
        board: &mut Switchboard,
    ) -> Stage {
        let (call, seat) = (facts.id, self.rings.seat);
        board.give_leg(leg.id, Owner::Call(call, Side::Agent));
        self.offer_ended(facts, now, OfferResult::Answered, board);
        self.aside.given_on(facts, now, seat.to_string(), board);
        board.floor(now, FloorInput::Answered { call, seat });
        let (queue, priority) = self.aside.place();
        Talking::enter(facts, now, seat, queue, priority, leg, board)
    }

    /// No phone is left: the floor is told, and does with the call what is due.
    fn not_answered(
        self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        failure: Failure,
        board: &mut Switchboard,
    ) -> Stage {
        let (call, seat, why) = (facts.id, self.rings.seat, failure.result);
        board.floor(now, FloorInput::NotAnswered { call, seat, why });
        self.failed(facts, now, failure, board)
    }

    fn failed(
        self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        failure: Failure,
        board: &mut Switchboard,
    ) -> Stage {
        self.offer_ended(facts, now, failure.result, board);
        let (queue, priority) = self.aside.place();
        let (to, status) = (self.rings.seat.to_string(), failure.status);
        let back = self.aside.failed(facts, now, to, (status, status), board);
        back.unwrap_or_else(|| Waiting::stay(facts, now, queue, priority, board))
    }

    fn caller_gone(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        by: ReleasedBy,
        why: &str,
        board: &mut Switchboard,
    ) -> Stage {
        self.offer_ended(facts, now, OfferResult::CallerGone, board);
        let reason = HangUpReason::q850(16, "caller gone");
        self.rings.stop(now, Some(&reason), board);
        self.aside.ends(facts, now, by, board);
        board.floor(now, FloorInput::CallLeft { call: facts.id });
        facts.end(now, Outcome::Answered, by, why, board)
    }

    fn offer_ended(
        &self,
        facts: &Facts,
        now: Instant,
        result: OfferResult,
        board: &mut Switchboard,
    ) {
        offer_ended(facts, now, (self.rings.seat, self.since), result, board);
    }
}
