//! Transferring: the agent named another seat, which is rung for the call. The caller hears music;
//! the agent may stay or go. When nobody answers the caller talks with the agent again, or stands
//! in the queue at the first place when the agent has gone.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, SeatId,
    event::{Event, Outcome, ReleasedBy, TransferKind},
    seat::{OfferResult, Work},
};
use hotline_sip::endpoint::{EndedBy, HangUpReason, ReferId};

use super::{Input, Stage, Talking, Waiting, cause, offering::shown, released_by};
use crate::{
    call::Facts,
    leg::Leg,
    rings::{Failure, Rings, Rung},
    switchboard::{Owner, Side, Switchboard},
};

/// A call on its way to another seat.
pub struct Transferring {
    talk: Talking,
    /// The agent is still there to take the caller back.
    with_agent: bool,
    rings: Rings,
    rang: bool,
    since: Instant,
    refer: Option<ReferId>,
}

impl Transferring {
    /// Rings the other seat. One that was taken a moment ago leaves the talk as it is.
    #[must_use]
    pub fn enter(
        mut talk: Talking,
        facts: &mut Facts,
        now: Instant,
        to: SeatId,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        let call = facts.id;
        board.floor(now, FloorInput::Transfer { call, to });
        let reserved = board
            .floor
            .seat(to)
            .is_some_and(|seat| seat.work == Work::Reserved && seat.call == Some(call));
        if !reserved {
            if let Some(refer) = refer {
                board.endpoint.tell_refer(now, refer, 486);
            }
            return Stage::Talking(talk);
        }
        talk.put_aside(facts, now, board);
        let queue = talk.queue;
        board.happened(
            now,
            Event::SeatOffered {
                call,
                seat: to,
                queue,
                why: format!("transferred by seat {}", talk.seat),
            },
        );
        let owner = Owner::Call(call, Side::Target);
        let shown = shown(facts, to, queue, board);
        let rings = Rings::begin(to, owner, Some(call), shown, board);
        let failure = rings.failure();
        let stage = Box::new(Self {
            talk,
            with_agent: true,
            rings,
            rang: false,
            since: now,
            refer,
        });
        match failure {
            Some(failure) => stage.not_answered(facts, now, failure, board),
            None => Stage::Transferring(stage),
        }
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
            Rung::Rings => self.rings_there(facts, now, board),
            Rung::Answered(leg) => return self.answered(facts, now, leg, board),
            Rung::Over(failure) => return self.not_answered(facts, now, failure, board),
        }
        match input {
            Input::Withdrawn(seat, result) if *seat == self.rings.seat => {
                self.rings.stop(now, None, board);
                let result = *result;
                let status = 480;
                return self.failed(facts, now, Failure { result, status }, board);
            }
            Input::Ended(Side::Agent, _, why) => {
                board.forget_dialog(&mut self.talk.leg);
                self.agent_left(facts, now, *why, board);
            }
            Input::Silent(Side::Agent, _) => {
                self.agent_left(facts, now, EndedBy::PathLost, board);
            }
            Input::Reoffered(Side::Agent, _, body) => self.talk.leg.reoffered(now, body, board),
            Input::Acknowledged(Side::Agent, _, body) if !body.is_empty() => {
                let _ = self.talk.leg.accept(body, board);
            }
            Input::Ended(Side::Caller, _, why) => {
                let by = released_by(Side::Caller, *why);
                return self.caller_gone(facts, now, by, cause(*why), board);
            }
            Input::Silent(Side::Caller, _) => {
                let why = "no sound from the caller's side";
                return self.caller_gone(facts, now, ReleasedBy::Network, why, board);
            }
            _ => {}
        }
        Stage::Transferring(self)
    }

    fn rings_there(&mut self, facts: &Facts, now: Instant, board: &mut Switchboard) {
        let (call, seat) = (facts.id, self.rings.seat);
        board.floor(now, FloorInput::Rang { call, seat });
        if !core::mem::replace(&mut self.rang, true)
            && let Some(refer) = self.refer
        {
            board.endpoint.tell_refer(now, refer, 180);
        }
    }

    /// The agent hung up, or the phone died: the transfer goes on without.
    fn agent_left(&mut self, facts: &Facts, now: Instant, why: EndedBy, board: &mut Switchboard) {
        if core::mem::replace(&mut self.with_agent, false) {
            self.refer = None;
            let by = released_by(Side::Agent, why);
            self.talk.talk_ended(facts, now, by, board);
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
        if self.with_agent {
            let refer = self.refer.take();
            let kind = TransferKind::Blind;
            let to = seat.to_string();
            self.talk.given_on(facts, now, to, kind, refer, board);
        } else {
            self.journal_transfer(facts, now, board);
        }
        board.floor(now, FloorInput::Answered { call, seat });
        let (queue, priority) = (self.talk.queue, self.talk.priority);
        Talking::enter(facts, now, seat, queue, priority, leg, board)
    }

    fn journal_transfer(&self, facts: &Facts, now: Instant, board: &mut Switchboard) {
        let event = Event::TalkTransferred {
            call: facts.id,
            from: self.talk.seat,
            to: self.rings.seat.to_string(),
            kind: TransferKind::Blind,
        };
        board.happened(now, event);
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
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        failure: Failure,
        board: &mut Switchboard,
    ) -> Stage {
        self.offer_ended(facts, now, failure.result, board);
        if let Some(refer) = self.refer {
            board.endpoint.tell_refer(now, refer, failure.status);
        }
        let event = Event::TransferFailed {
            call: facts.id,
            from: self.talk.seat,
            to: self.rings.seat.to_string(),
            cause: format!("status {}", failure.status),
            back: self.with_agent,
        };
        board.happened(now, event);
        if self.with_agent {
            self.talk.follow_hold(facts, now, board);
            Stage::Talking(self.talk)
        } else {
            Waiting::stay(facts, now, self.talk.queue, self.talk.priority, board)
        }
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
        if self.with_agent {
            self.talk.talk_ended(facts, now, by, board);
        }
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
        let event = Event::OfferEnded {
            call: facts.id,
            seat: self.rings.seat,
            result,
            rang_ms: now.millis_since(self.since),
        };
        board.happened(now, event);
    }
}
