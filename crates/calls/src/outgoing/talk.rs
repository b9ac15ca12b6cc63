//! The talk of a seat, or of the caller it gave on, with somebody outside: bridged, recorded in two
//! channels, held by either side, ended by either side. A caller given on stays for the score.

use hotline_media::Command;
use hotline_model::{
    Instant, SeatId,
    event::{Event, Outcome, ReleasedBy, TransferKind},
    guest::GuestName,
};
use hotline_sip::endpoint::{EndedBy, HangUpReason};

use super::{Phase, stage};
use crate::{
    call::{Facts, Talked},
    guests::{Scene, Successor},
    leg::{Leg, ToMedia},
    stage::{Input, Stage, Surveying},
    switchboard::{Side, Switchboard},
};

/// A talk with somebody outside.
pub(super) struct Talk {
    leg: Leg,
    since: Instant,
    held: Option<(Side, Instant)>,
    held_before_ms: u64,
    /// The seat that gave the caller on; `None` where a seat talks itself, or a queue sent the
    /// caller.
    given_by: Option<SeatId>,
}

impl Talk {
    /// Bridges both and records: left the citizen, right who serves. Of a seat's own call the
    /// citizen is outside, of a caller given on the caller.
    pub(super) fn begin(
        facts: &mut Facts,
        now: Instant,
        leg: Leg,
        given_by: Option<SeatId>,
        board: &mut Switchboard,
    ) -> Self {
        let (left, right) = match facts.outgoing {
            Some(_) => {
                // What was promised is kept by that.
                drop(board.callbacks.take_over(&facts.called, facts.id));
                board.callbacks.served(&facts.called, facts.id);
                (leg.id, facts.leg.id)
            }
            None => (facts.leg.id, leg.id),
        };
        facts.record(now, left, right, board);
        // The watch for silence begins with the talk: before, a phone need not send anything.
        if let Some(agreed) = facts.leg.agreed().copied() {
            let leg = facts.leg.id;
            board.media(Command::Connect { leg, agreed });
        }
        let (other, music) = (leg.id, None);
        facts.sounds(Scene::Talk { other, music }, board);
        let mut talk = Self {
            leg,
            since: now,
            held: None,
            held_before_ms: 0,
            given_by,
        };
        // The trunk's answer may hold from the beginning.
        talk.follow_hold(facts, now, board);
        talk
    }

    /// See [`Stage::handle`].
    pub(super) fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::Reoffered(Side::Agent, _, body) => {
                self.leg.reoffered(now, &body, board);
                self.follow_hold(facts, now, board);
            }
            Input::Refreshed(Side::Agent, _, body) => {
                self.leg.refreshed(&body, board);
                self.follow_hold(facts, now, board);
            }
            Input::Acknowledged(Side::Agent, _, body) if !body.is_empty() => {
                let _ = self.leg.accept(&body, board);
                self.follow_hold(facts, now, board);
            }
            Input::TakenOver(seat, leg, kind, _) => {
                return self.taken_over(facts, now, (GuestName::Seat(seat), *leg), kind, board);
            }
            Input::GoneOutside(number, leg) => {
                let next = (GuestName::Outside(number), *leg);
                return self.taken_over(facts, now, next, TransferKind::Attended, board);
            }
            Input::Ended(Side::Caller, _, EndedBy::Bye) if facts.outgoing.is_some() => {
                // Whoever talks with both goes on, as in any conference.
                if let Some(next) = facts.successor(now, board) {
                    let next = match next {
                        Successor::Seat(seat, leg) => (GuestName::Seat(seat), leg),
                        Successor::Outside(number, leg) => (GuestName::Outside(number), leg),
                    };
                    return self.taken_over(facts, now, next, TransferKind::Attended, board);
                }
                let (by, why) = (word(facts, Side::Caller), crate::stage::cause(EndedBy::Bye));
                return self.end(facts, now, Side::Caller, (by, why), board);
            }
            Input::Ended(side, _, why) => {
                if side == Side::Agent {
                    board.forget_dialog(&mut self.leg);
                }
                let by = match why {
                    EndedBy::Bye => word(facts, side),
                    _ => ReleasedBy::Network,
                };
                return self.end(facts, now, side, (by, crate::stage::cause(why)), board);
            }
            Input::Silent(side, _) => {
                let why = match side {
                    Side::Agent | Side::Target | Side::Guest => "no sound from outside",
                    Side::Caller if facts.outgoing.is_none() => "no sound from the caller's side",
                    // A seat that brought two parties from outside together has gone.
                    Side::Caller if facts.dialled_by.is_none() => "no sound from outside",
                    Side::Caller => "no sound from the seat",
                };
                return self.end(facts, now, side, (ReleasedBy::Network, why), board);
            }
            _ => {}
        }
        stage(Phase::Talking(self))
    }

    /// A side may have put the other on hold or taken it off (RFC 3264 §8.4): the other hears
    /// music meanwhile.
    pub(super) fn follow_hold(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        // A seat that consults has let go of whom it called.
        let consults = facts.guests.is_consulting();
        let holding = match (facts.leg.is_two_way(), self.leg.is_two_way()) {
            _ if consults => Some(Side::Caller),
            // A seat whose offer is still under way (it made none) does not hold.
            (false, _) if facts.leg.agreed().is_some() => Some(Side::Caller),
            (_, false) => Some(Side::Agent),
            _ => None,
        };
        let call = facts.id;
        match (self.held, holding) {
            (None, Some(by)) => {
                self.held = Some((by, now));
                self.hold(facts, now, by, board);
            }
            // The seat consults while the other side holds: the music is the other's from here on.
            (Some((Side::Agent, since)), Some(Side::Caller)) if consults => {
                self.held = Some((Side::Caller, since));
                let leg = facts.leg.id;
                board.media(Command::StopPlay { leg });
                self.hold(facts, now, Side::Caller, board);
            }
            (Some((by, since)), None) => {
                self.held_before_ms += now.millis_since(since);
                self.held = None;
                let (other, music) = (self.leg.id, None);
                facts.sounds(Scene::Talk { other, music }, board);
                board.happened(
                    now,
                    Event::TalkResumed {
                        call,
                        by: word(facts, by),
                    },
                );
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    fn hold(&self, facts: &mut Facts, now: Instant, by: Side, board: &mut Switchboard) {
        let other = self.leg.id;
        let music = match by {
            Side::Caller => Some(other),
            Side::Agent | Side::Target | Side::Guest => Some(facts.leg.id),
        };
        facts.sounds(Scene::Talk { other, music }, board);
        let (call, by) = (facts.id, word(facts, by));
        board.happened(now, Event::TalkHeld { call, by });
    }

    /// Another seat, or whoever the seat consulted outside, takes the place of the one that called:
    /// its leg is the call's own from here on.
    fn taken_over(
        mut self,
        facts: &mut Facts,
        now: Instant,
        (next, leg): (GuestName, Leg),
        kind: TransferKind,
        board: &mut Switchboard,
    ) -> Stage {
        facts.consults_end(now, board);
        facts.stop_recording(board);
        facts.sounds(Scene::Apart, board);
        let mut before = core::mem::replace(&mut facts.leg, leg);
        board.close_leg(now, &mut before, None);
        let call = facts.id;
        if let Some(from) = core::mem::replace(&mut facts.dialled_by, next.seat()) {
            let to = next.to_string();
            let event = Event::TalkTransferred {
                call,
                from,
                to,
                kind,
            };
            board.happened(now, event);
            board.seat_leaves_line(now, from);
        }
        facts.record(now, self.leg.id, facts.leg.id, board);
        if let Some((by, since)) = self.held.take() {
            self.held_before_ms += now.millis_since(since);
            let by = word(facts, by);
            board.happened(now, Event::TalkResumed { call, by });
        }
        let (other, music) = (self.leg.id, None);
        facts.sounds(Scene::Talk { other, music }, board);
        self.follow_hold(facts, now, board);
        stage(Phase::Talking(self))
    }

    fn end(
        mut self,
        facts: &mut Facts,
        now: Instant,
        left: Side,
        (by, cause): (ReleasedBy, &str),
        board: &mut Switchboard,
    ) -> Stage {
        facts.stop_recording(board);
        facts.sounds(Scene::Apart, board);
        let reason = HangUpReason::q850(16, "the other side hung up");
        let reason = (by == word(facts, Side::Caller)).then_some(reason);
        board.close_leg(now, &mut self.leg, reason);
        let still = self.held.map_or(0, |(_, since)| now.millis_since(since));
        if let Some(talked) = &mut facts.outgoing {
            *talked = Talked {
                talk_ms: now.millis_since(self.since),
                hold_ms: self.held_before_ms + still,
            };
        }
        match self.given_by {
            Some(seat) if left != Side::Caller && board.settings.survey.is_some() => {
                Surveying::enter(facts, now, seat, board)
            }
            // Sent on by a queue: nobody of ours served.
            None if facts.outgoing.is_none() && !facts.human_answered => {
                facts.end(now, Outcome::Overflowed, by, cause, board)
            }
            _ => facts.end(now, Outcome::Answered, by, cause, board),
        }
    }
}

/// In the journal's words: of a seat's own call the seat is the agent and the number called the
/// caller; of a caller given on, whoever took the caller stands in the agent's place.
const fn word(facts: &Facts, side: Side) -> ReleasedBy {
    match (&facts.outgoing, side) {
        (Some(_), Side::Caller) | (None, Side::Agent | Side::Target | Side::Guest) => {
            ReleasedBy::Agent
        }
        (Some(_), Side::Agent | Side::Target | Side::Guest) | (None, Side::Caller) => {
            ReleasedBy::Caller
        }
    }
}
