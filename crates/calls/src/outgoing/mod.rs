//! A seat calls somebody outside: dialled through the trunks, bridged, recorded, ended by either
//! side. Denied unless the lists of [`allowed`] allow it. So goes, too, the talk of a caller whom a
//! seat gave on to a number outside: then [`Facts::leg`] is the caller's.
//!
//! The seat's leg is the call's own ([`Facts::leg`], the caller's side), the outside leg its agent
//! side. Such a call is no inbound call: its events are its own (`CallDialled` to `DialEnded`).

pub mod allowed;
pub mod attempt;
mod reach;
mod talk;

use core::time::Duration;

use hotline_media::Command;
use hotline_model::{
    Instant, LegId, SeatId,
    event::{Event, Outcome, ReleasedBy},
};
use hotline_sip::endpoint::HangUpReason;

pub use allowed::{Denied, Outside};
pub use attempt::{AnsweredLeg, Attempt, Failure, Progress};
pub use reach::{Reach, Reached};

use crate::{
    call::Facts,
    leg::{BadBody, Leg, ToMedia},
    stage::{Input, Stage},
    switchboard::{Side, Switchboard},
};
use talk::Talk;

/// Longest wait for the media port of the seat's leg.
const MEDIA_OPENS_WITHIN: Duration = Duration::from_secs(2);

/// A seat's call to somebody outside.
pub struct Outgoing {
    phase: Phase,
}

enum Phase {
    /// The seat's media port is being opened.
    Opening {
        number: Outside,
        offer: Vec<u8>,
        deadline: Instant,
    },
    /// The number is called.
    Dialling(Box<Dialling>),
    /// Somebody answered.
    Talking(Talk),
}

struct Dialling {
    attempt: Attempt,
    /// Our answer to the seat's offer; `None` where it made none.
    answer: Option<Vec<u8>>,
    early: bool,
}

impl Outgoing {
    /// A seat dials; its leg's media port is being opened.
    pub fn new(now: Instant, number: Outside, offer: Vec<u8>) -> Self {
        let phase = Phase::Opening {
            number,
            offer,
            deadline: now + MEDIA_OPENS_WITHIN,
        };
        Self { phase }
    }

    /// `seat` gave the caller on to somebody outside, who answered by `leg`.
    #[must_use]
    pub fn given_on(
        facts: &mut Facts,
        now: Instant,
        seat: SeatId,
        leg: Leg,
        board: &mut Switchboard,
    ) -> Stage {
        let talk = Talk::begin(facts, now, leg, Some(seat), board);
        stage(Phase::Talking(talk))
    }

    /// A queue sent the caller to somebody outside, who answered by `leg`.
    #[must_use]
    pub fn sent_on(facts: &mut Facts, now: Instant, leg: Leg, board: &mut Switchboard) -> Stage {
        let talk = Talk::begin(facts, now, leg, None, board);
        stage(Phase::Talking(talk))
    }

    /// The number answered by `leg` that the seat, whose leg is the call's own, waited for.
    #[must_use]
    pub fn reached(facts: &mut Facts, now: Instant, leg: Leg, board: &mut Switchboard) -> Stage {
        let talk = Talk::begin(facts, now, leg, None, board);
        stage(Phase::Talking(talk))
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Opening { deadline, .. } => Some(*deadline),
            Phase::Dialling(dialling) => dialling.attempt.deadline(),
            Phase::Talking(_) => None,
        }
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match self.phase {
            Phase::Opening {
                number,
                offer,
                deadline,
            } => match input {
                Input::MediaOpened(leg, port) if leg == facts.leg.id => {
                    facts.leg.opened(port);
                    dial(facts, now, number, &offer, board)
                }
                Input::MediaFailed(_, why) => {
                    let why = format!("no media port: {why}");
                    refuse(facts, now, &Failure::network(503, why), board)
                }
                Input::DeadlinePassed => {
                    let why = "the media worker did not answer in time";
                    refuse(facts, now, &Failure::network(503, why), board)
                }
                Input::Cancelled | Input::Ended(Side::Caller, ..) => cancelled(facts, now, board),
                _ => stage(Phase::Opening {
                    number,
                    offer,
                    deadline,
                }),
            },
            Phase::Dialling(dialling) => dialling.handle(facts, now, &input, board),
            Phase::Talking(talk) => talk.handle(facts, now, input, board),
        }
    }

    /// Whether a seat talks with whom it called itself, and not a caller who was given on, or two
    /// parties from outside whom it brought together and left.
    pub fn is_own_talk(&self, facts: &Facts) -> bool {
        let is_a_seats = facts.outgoing.is_some() && facts.dialled_by.is_some();
        is_a_seats && matches!(self.phase, Phase::Talking(_))
    }

    /// The seat's session changed, or its guests: it may hold.
    #[must_use]
    pub fn seat_changed(
        mut self,
        facts: &mut Facts,
        now: Instant,
        board: &mut Switchboard,
    ) -> Stage {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.follow_hold(facts, now, board);
        }
        stage(self.phase)
    }
}

fn stage(phase: Phase) -> Stage {
    Stage::Outgoing(Box::new(Outgoing { phase }))
}

/// The seat's session is agreed first: no number is called for a phone that could not hear it.
fn dial(
    facts: &mut Facts,
    now: Instant,
    number: Outside,
    offer: &[u8],
    board: &mut Switchboard,
) -> Stage {
    let answer = if offer.is_empty() {
        None
    } else {
        match facts.leg.answer(offer, board) {
            Ok(body) => Some(body),
            Err(BadBody(status)) => {
                let why = facts.leg.unusable(offer);
                return refuse(facts, now, &Failure::network(status, why), board);
            }
        }
    };
    let whose = (facts.id, facts.leg.id, Side::Agent);
    let attempt = Attempt::new(now, whose, number, facts.hops, board);
    stage(Phase::Dialling(Box::new(Dialling {
        attempt,
        answer,
        early: false,
    })))
}

impl Dialling {
    fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Stage {
        if matches!(input, Input::Cancelled | Input::Ended(Side::Caller, ..)) {
            let reason = HangUpReason::q850(16, "caller gone");
            self.attempt.give_up(now, Some(reason), board);
            return cancelled(facts, now, board);
        }
        match self.attempt.handle(now, input, board) {
            Progress::Going => {}
            Progress::Ringing => {
                if let Some(dialog) = facts.leg.dialog.filter(|_| !self.early) {
                    board.endpoint.ring(now, dialog, 180, Vec::new());
                }
            }
            Progress::EarlyMedia => self.early_media(facts, now, board),
            Progress::Answered => return self.answered(facts, now, board),
            Progress::Failed(failure) => return refuse(facts, now, &failure, board),
        }
        stage(Phase::Dialling(Box::new(self)))
    }

    /// The seat hears what the trunk plays. A seat without an offer of its own cannot yet.
    fn early_media(&mut self, facts: &Facts, now: Instant, board: &mut Switchboard) {
        let (Some(dialog), Some(answer)) = (facts.leg.dialog, &self.answer) else {
            return;
        };
        if !self.early {
            self.early = true;
            board.endpoint.ring(now, dialog, 183, answer.clone());
            bridge(facts.leg.id, self.attempt.leg_id(), board);
        }
    }

    fn answered(self, facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
        let body = self.answer.or_else(|| facts.leg.offer());
        match (self.attempt.answered(), facts.leg.dialog, body) {
            (Some(outside), Some(dialog), Some(body)) => {
                board.endpoint.answer(now, dialog, body);
                let talk = Talk::begin(facts, now, outside.leg, None, board);
                stage(Phase::Talking(talk))
            }
            (outside, ..) => {
                if let Some(mut outside) = outside {
                    board.close_leg(now, &mut outside.leg, None);
                }
                let why = "the seat's side is gone";
                refuse(facts, now, &Failure::network(500, why), board)
            }
        }
    }
}

/// Both hear each other.
fn bridge(seat: LegId, outside: LegId, board: &mut Switchboard) {
    board.media(Command::Bridge {
        a: seat,
        b: outside,
    });
}

/// The seat's INVITE is refused with what the trunk said (RFC 3326).
fn refuse(facts: &mut Facts, now: Instant, failure: &Failure, board: &mut Switchboard) -> Stage {
    if let Some(dialog) = facts.leg.dialog {
        let reason = HangUpReason::sip(failure.status, failure.cause.clone());
        let headers = [("Reason", reason.to_string())];
        board.endpoint.reject(now, dialog, failure.told(), &headers);
        board.forget_dialog(&mut facts.leg);
    }
    let (outcome, by) = refusal(failure);
    let cause = format!("{} {}", failure.status, failure.cause);
    facts.end(now, outcome, by, cause, board)
}

/// How a call ends that did not come about, and whose doing it was.
pub(crate) const fn refusal(failure: &Failure) -> (Outcome, ReleasedBy) {
    if failure.by_network {
        (Outcome::Failed, ReleasedBy::Network)
    } else {
        (Outcome::Refused, ReleasedBy::Caller)
    }
}

fn cancelled(facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
    let why = "the seat hung up before the answer";
    facts.end(now, Outcome::Abandoned, ReleasedBy::Agent, why, board)
}

impl Facts {
    /// What the journal says first of an outgoing call.
    pub(crate) fn dialled(&self, sip_call_id: String) -> Option<Event> {
        Some(Event::CallDialled {
            call: self.id,
            seat: self.dialled_by?,
            called: self.called.clone(),
            sip_call_id,
            purpose: None,
        })
    }
}
