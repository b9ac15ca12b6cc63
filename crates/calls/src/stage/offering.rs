//! Offering: the seat's phone is rung while the caller waits on. Refused or unanswered, the call
//! is back in its queue with its place.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, QueueId, SeatId,
    event::{Event, Outcome, ReleasedBy},
    seat::OfferResult,
};
use hotline_sip::endpoint::{HangUpReason, Invitation};

use super::{Input, Stage, Talking, Waiting, cause, released_by, waiting::Place};
use crate::{
    call::Facts,
    leg::Leg,
    switchboard::{Owner, Side, Switchboard},
};

/// A call that is offered to a seat.
pub struct Offering {
    place: Place,
    seat: SeatId,
    queue: QueueId,
    leg: Leg,
    since: Instant,
}

impl Offering {
    /// Opens the agent's leg; the INVITE follows when its media port is known.
    #[must_use]
    pub fn enter(
        place: Place,
        facts: &mut Facts,
        now: Instant,
        seat: SeatId,
        queue: QueueId,
        why: String,
        board: &mut Switchboard,
    ) -> Stage {
        board.happened(
            now,
            Event::SeatOffered {
                call: facts.id,
                seat,
                queue,
                why,
            },
        );
        let leg = board.open_leg(Owner::Call(facts.id, Side::Agent));
        Stage::Offering(Self {
            place,
            seat,
            queue,
            leg,
            since: now,
        })
    }

    /// When the next announcement is due. The ring time is the floor's.
    pub fn deadline(&self) -> Option<Instant> {
        self.place.comfort.deadline()
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::MediaOpened(leg, port) if leg == self.leg.id => {
                self.leg.opened(port);
                return self.invite(facts, now, board);
            }
            Input::MediaFailed(leg, _) if leg == self.leg.id => {
                return self.not_answered(facts, now, OfferResult::Unreachable, board);
            }
            Input::Ringing(leg) if leg == self.leg.id => {
                board.floor(
                    now,
                    FloorInput::Rang {
                        call: facts.id,
                        seat: self.seat,
                    },
                );
            }
            Input::Answered(leg, body) if leg == self.leg.id => {
                return self.answered(facts, now, &body, board);
            }
            Input::Refused(leg, status) if leg == self.leg.id => {
                board.forget_dialog(&mut self.leg);
                return self.not_answered(facts, now, refusal(status), board);
            }
            Input::Ended(Side::Agent, _) => {
                board.forget_dialog(&mut self.leg);
                return self.not_answered(facts, now, OfferResult::Unreachable, board);
            }
            Input::Withdrawn(seat, why) if seat == self.seat => {
                self.offer_ended(facts, now, why, board);
                board.close_leg(now, &mut self.leg, None);
                return Stage::Waiting(Waiting { place: self.place });
            }
            Input::PlayEnded(play) => self.place.comfort.play_ended(now, play, None, board),
            Input::DeadlinePassed => self.place.comfort.deadline_passed(now, None, board),
            Input::Ended(Side::Caller, why) => {
                let by = released_by(Side::Caller, why);
                return self.caller_gone(facts, now, Outcome::Abandoned, by, cause(why), board);
            }
            Input::Silent(Side::Caller) => {
                let why = "no sound from the caller's side";
                return self.caller_gone(
                    facts,
                    now,
                    Outcome::Failed,
                    ReleasedBy::Network,
                    why,
                    board,
                );
            }
            _ => {}
        }
        Stage::Offering(self)
    }

    fn invite(mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
        let contact = board.registrar.contact(self.seat).cloned();
        let (Some(contact), Some(body)) = (contact, self.leg.offer()) else {
            return self.not_answered(facts, now, OfferResult::Unreachable, board);
        };
        let realm = &board.settings.realm;
        let caller = facts.shown_caller();
        let invitation = Invitation {
            path: contact.path,
            target: contact.uri,
            from: format!("\"{caller}\" <sip:{caller}@{realm}>"),
            to: format!("<sip:{}@{realm}>", self.seat),
            body,
            headers: vec![
                ("X-Hotline-Call".to_owned(), facts.id.to_string()),
                ("X-Hotline-Queue".to_owned(), self.queue.to_string()),
            ],
            credentials: None,
            // The floor's deadline withdraws the offer; this only bounds a lost withdrawal.
            ring_for: None,
        };
        let dialog = board.endpoint.invite(now, invitation);
        board.connect_dialog(dialog, &mut self.leg);
        Stage::Offering(self)
    }

    fn answered(
        mut self,
        facts: &mut Facts,
        now: Instant,
        body: &[u8],
        board: &mut Switchboard,
    ) -> Stage {
        if self.leg.accept(body, board).is_err() {
            return self.not_answered(facts, now, OfferResult::Unreachable, board);
        }
        board.floor(
            now,
            FloorInput::Answered {
                call: facts.id,
                seat: self.seat,
            },
        );
        self.offer_ended(facts, now, OfferResult::Answered, board);
        Talking::enter(
            facts,
            now,
            self.seat,
            self.queue,
            self.place.priority,
            self.leg,
            board,
        )
    }

    /// The floor is told; it puts the call back at its place and chooses anew.
    fn not_answered(
        mut self,
        facts: &mut Facts,
        now: Instant,
        why: OfferResult,
        board: &mut Switchboard,
    ) -> Stage {
        self.offer_ended(facts, now, why, board);
        board.close_leg(now, &mut self.leg, None);
        board.floor(
            now,
            FloorInput::NotAnswered {
                call: facts.id,
                seat: self.seat,
                why,
            },
        );
        Stage::Waiting(Waiting { place: self.place })
    }

    fn caller_gone(
        mut self,
        facts: &mut Facts,
        now: Instant,
        outcome: Outcome,
        by: ReleasedBy,
        why: &str,
        board: &mut Switchboard,
    ) -> Stage {
        self.offer_ended(facts, now, OfferResult::CallerGone, board);
        let reason = HangUpReason::q850(16, "caller gone");
        board.close_leg(now, &mut self.leg, Some(reason));
        board.floor(now, FloorInput::CallLeft { call: facts.id });
        facts.end(now, outcome, by, why, board)
    }

    fn offer_ended(
        &self,
        facts: &Facts,
        now: Instant,
        result: OfferResult,
        board: &mut Switchboard,
    ) {
        let (call, seat, rang_ms) = (facts.id, self.seat, now.millis_since(self.since));
        board.happened(
            now,
            Event::OfferEnded {
                call,
                seat,
                result,
                rang_ms,
            },
        );
    }
}

/// A phone's final answer in the floor's words. 480, 486, 600 and 603 are a person's doing
/// (do-not-disturb, busy, decline: RFC 3261 §21.4.18, §21.4.24, §21.6); the rest means that the
/// phone cannot be used now.
fn refusal(status: u16) -> OfferResult {
    match status {
        480 | 486 | 600 | 603 => OfferResult::Refused,
        _ => OfferResult::Unreachable,
    }
}
