//! Put aside: the agent who is giving the caller on, while somebody else is called. The caller hears
//! music; the agent may take the caller back when nobody answers, or go before.

use hotline_model::{
    Instant, QueueId, SeatId,
    event::{Event, ReleasedBy, TransferKind},
};
use hotline_sip::endpoint::{EndedBy, ReferId};

use super::{Input, Stage, Talking, cause, released_by};
use crate::{
    call::Facts,
    switchboard::{Side, Switchboard},
};

/// An agent put aside.
pub struct Aside {
    talk: Talking,
    /// The agent is still there to take the caller back.
    here: bool,
    rang: bool,
    refer: Option<ReferId>,
}

impl Aside {
    /// The agent lets go of the caller.
    pub fn new(
        mut talk: Talking,
        facts: &mut Facts,
        now: Instant,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Self {
        talk.put_aside(facts, now, board);
        Self {
            talk,
            here: true,
            rang: false,
            refer,
        }
    }

    /// The agent's seat.
    pub fn seat(&self) -> SeatId {
        self.talk.seat
    }

    /// The queue the caller came by, and the priority there.
    pub fn place(&self) -> (QueueId, u8) {
        (self.talk.queue, self.talk.priority)
    }

    /// It rings where the caller is to go: the agent's phone is told once.
    pub fn rings_there(&mut self, now: Instant, board: &mut Switchboard) {
        if !core::mem::replace(&mut self.rang, true)
            && let Some(refer) = self.refer
        {
            board.endpoint.tell_refer(now, refer, 180);
        }
    }

    /// Takes in what happens at the agent's leg. `Some` when the caller is gone: by whom, and why.
    #[must_use]
    pub fn handle(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Option<(ReleasedBy, &'static str)> {
        let agent = self.here.then_some(self.talk.leg.id);
        match input {
            Input::Ended(Side::Caller, _, why) => {
                return Some((released_by(Side::Caller, *why), cause(*why)));
            }
            Input::Silent(Side::Caller, _) => {
                return Some((ReleasedBy::Network, "no sound from the caller's side"));
            }
            Input::Ended(Side::Agent, leg, why) if agent == Some(*leg) => {
                board.forget_dialog(&mut self.talk.leg);
                self.leaves(facts, now, *why, board);
            }
            Input::Silent(Side::Agent, leg) if agent == Some(*leg) => {
                self.leaves(facts, now, EndedBy::PathLost, board);
            }
            Input::Reoffered(Side::Agent, leg, body) if agent == Some(*leg) => {
                self.talk.leg.reoffered(now, body, board);
            }
            Input::Refreshed(Side::Agent, leg, body) if agent == Some(*leg) => {
                self.talk.leg.refreshed(body, board);
            }
            Input::Acknowledged(Side::Agent, leg, body)
                if agent == Some(*leg) && !body.is_empty() =>
            {
                let _ = self.talk.leg.accept(body, board);
            }
            _ => {}
        }
        None
    }

    /// The agent hung up, or the phone died: the transfer goes on without.
    fn leaves(&mut self, facts: &mut Facts, now: Instant, why: EndedBy, board: &mut Switchboard) {
        self.refer = None;
        self.ends(facts, now, released_by(Side::Agent, why), board);
    }

    /// The agent's talk is over, where it is not already.
    pub fn ends(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        by: ReleasedBy,
        board: &mut Switchboard,
    ) {
        if core::mem::replace(&mut self.here, false) {
            self.talk.talk_ended(facts, now, by, board);
        }
    }

    /// Somebody took the caller: the agent's part is over.
    pub fn given_on(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        to: String,
        board: &mut Switchboard,
    ) {
        let kind = TransferKind::Blind;
        if core::mem::replace(&mut self.here, false) {
            let refer = self.refer.take();
            self.talk.given_on(facts, now, to, kind, refer, board);
            return;
        }
        let (call, from) = (facts.id, self.talk.seat);
        let event = Event::TalkTransferred {
            call,
            from,
            to,
            kind,
        };
        board.happened(now, event);
    }

    /// Nobody took the caller: `status` is what was heard, `told` what the agent's phone may know.
    /// Both talk again; `None` where the agent has gone.
    #[must_use]
    pub fn failed(
        mut self,
        facts: &mut Facts,
        now: Instant,
        to: String,
        (status, told): (u16, u16),
        board: &mut Switchboard,
    ) -> Option<Stage> {
        if let Some(refer) = self.refer {
            board.endpoint.tell_refer(now, refer, told);
        }
        let event = Event::TransferFailed {
            call: facts.id,
            from: self.talk.seat,
            to,
            cause: format!("status {status}"),
            back: self.here,
        };
        board.happened(now, event);
        self.here.then(|| {
            self.talk.follow_hold(facts, now, board);
            Stage::Talking(self.talk)
        })
    }
}
