//! Forwarding: the agent gives the caller on to a number outside, which is called through the
//! trunks. The caller hears music; the agent may stay or go. When nobody answers the caller talks
//! with the agent again, or stands in the queue at the place of the first arrival when the agent
//! has gone.

use hotline_model::{
    Instant,
    event::{Event, Outcome, ReleasedBy, TransferKind},
};
use hotline_sip::endpoint::{EndedBy, HangUpReason, ReferId};

use super::{Input, Stage, Talking, Waiting, cause, released_by};
use crate::{
    call::Facts,
    outgoing::{Attempt, Failure, Outgoing, Outside, Progress},
    switchboard::{Side, Switchboard},
};

/// A call on its way outside. The agent's leg and the attempt's are both of the agent's side, and
/// told apart by number.
pub struct Forwarding {
    talk: Talking,
    /// The agent is still there to take the caller back.
    with_agent: bool,
    attempt: Attempt,
    /// What the journal calls the number.
    to: String,
    rang: bool,
    refer: Option<ReferId>,
}

impl Forwarding {
    /// Calls the number.
    #[must_use]
    pub fn enter(
        mut talk: Talking,
        facts: &mut Facts,
        now: Instant,
        number: Outside,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        talk.put_aside(facts, now, board);
        let to = format!("outside:{}", number.number());
        let attempt = Attempt::new(now, facts.id, number, facts.hops, board);
        Stage::Forwarding(Box::new(Self {
            talk,
            with_agent: true,
            attempt,
            to,
            rang: false,
            refer,
        }))
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline()
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
        match self.attempt.handle(now, input, board) {
            Progress::Going => {}
            // The caller keeps the music: what the trunk plays is for whoever dials.
            Progress::Ringing | Progress::EarlyMedia => self.rings_there(now, board),
            Progress::Answered => return self.answered(facts, now, board),
            Progress::Failed(failure) => return self.failed(facts, now, &failure, board),
        }
        let agent = self.with_agent.then_some(self.talk.leg.id);
        match input {
            Input::Ended(Side::Agent, leg, why) if agent == Some(*leg) => {
                board.forget_dialog(&mut self.talk.leg);
                self.agent_left(facts, now, *why, board);
            }
            Input::Silent(Side::Agent, leg) if agent == Some(*leg) => {
                self.agent_left(facts, now, EndedBy::PathLost, board);
            }
            Input::Reoffered(Side::Agent, leg, body) if agent == Some(*leg) => {
                self.talk.leg.reoffered(now, body, board);
            }
            Input::Acknowledged(Side::Agent, leg, body)
                if agent == Some(*leg) && !body.is_empty() =>
            {
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
        Stage::Forwarding(self)
    }

    fn rings_there(&mut self, now: Instant, board: &mut Switchboard) {
        if !core::mem::replace(&mut self.rang, true)
            && let Some(refer) = self.refer
        {
            board.endpoint.tell_refer(now, refer, 180);
        }
    }

    /// The agent hung up, or the phone died: the transfer goes on without.
    fn agent_left(&mut self, facts: &Facts, now: Instant, why: EndedBy, board: &mut Switchboard) {
        self.with_agent = false;
        self.refer = None;
        let by = released_by(Side::Agent, why);
        self.talk.talk_ended(facts, now, by, board);
    }

    fn answered(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        board: &mut Switchboard,
    ) -> Stage {
        let kind = TransferKind::Blind;
        if self.with_agent {
            let refer = self.refer.take();
            self.talk.given_on(facts, now, self.to, kind, refer, board);
        } else {
            let (call, from, to) = (facts.id, self.talk.seat, self.to);
            board.happened(
                now,
                Event::TalkTransferred {
                    call,
                    from,
                    to,
                    kind,
                },
            );
        }
        match self.attempt.answered() {
            Some(outside) => Outgoing::given_on(facts, now, outside.leg, board),
            None => facts.end(
                now,
                Outcome::Answered,
                ReleasedBy::Engine,
                "the outside leg is gone",
                board,
            ),
        }
    }

    fn failed(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        failure: &Failure,
        board: &mut Switchboard,
    ) -> Stage {
        if let Some(refer) = self.refer {
            board.endpoint.tell_refer(now, refer, failure.told());
        }
        let event = Event::TransferFailed {
            call: facts.id,
            from: self.talk.seat,
            to: self.to,
            cause: format!("status {}", failure.status),
            back: self.with_agent,
        };
        board.happened(now, event);
        if self.with_agent {
            self.talk.follow_hold(facts, now, board);
            Stage::Talking(self.talk)
        } else {
            Waiting::enter(facts, now, self.talk.queue, self.talk.priority, board)
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
        let reason = HangUpReason::q850(16, "caller gone");
        self.attempt.give_up(now, Some(reason), board);
        if self.with_agent {
            self.talk.talk_ended(facts, now, by, board);
        }
        facts.end(now, Outcome::Answered, by, why, board)
    }
}
