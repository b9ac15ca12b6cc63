//! Talking: the caller hears who serves (报工号), then both hear each other, recorded in two
//! channels. The agent leaves first and the caller stays for the score.

use hotline_acd::Input as FloorInput;
use hotline_ivr::speech;
use hotline_media::Command;
use hotline_model::{
    Instant, LegId, QueueId, SeatId,
    event::{Event, Outcome, Party, ReleasedBy, TransferKind},
    guest::GuestName,
};
use hotline_sip::endpoint::{EndedBy, HangUpReason, ReferId};

use super::{
    Forwarding, Input, Stage, Surveying, Transferring, Waiting, cause, moving::Moving, released_by,
};
use crate::{
    call::Facts,
    guests::{Scene, Successor},
    leg::{Leg, ToMedia},
    orders::TransferTo,
    outgoing::{Outgoing, Outside},
    switchboard::{Side, Switchboard},
};

/// A call that a human answered.
pub struct Talking {
    pub(super) seat: SeatId,
    pub(super) queue: QueueId,
    pub(super) priority: u8,
    pub(super) leg: Leg,
    pub(super) phase: Phase,
    pub(super) moving: Option<Moving>,
}

/// How far the talk is.
pub(super) enum Phase {
    /// The caller hears the agent's number; nothing is bridged yet.
    Announcing { play: u32 },
    /// Bridged since `since`; `held` while a side holds.
    Bridged {
        since: Instant,
        held: Option<Hold>,
        held_before_ms: u64,
    },
}

/// A side holds.
#[derive(Clone, Copy)]
pub(super) struct Hold {
    pub(super) by: Side,
    since: Instant,
}

impl Talking {
    /// The seat answered: announces its number to the caller and records from here.
    #[must_use]
    pub fn enter(
        facts: &mut Facts,
        now: Instant,
        seat: SeatId,
        queue: QueueId,
        priority: u8,
        leg: Leg,
        board: &mut Switchboard,
    ) -> Stage {
        facts.human_answered = true;
        // Nobody is served twice.
        facts.takes_place(board);
        board.callbacks.served(facts.own_number(), facts.id);
        let queued = facts.queued.unwrap_or(now);
        board.happened(
            now,
            Event::SeatAnswered {
                call: facts.id,
                seat,
                queue,
                since_arrival_ms: now.millis_since(facts.arrived) + facts.before.arrival_ms,
                since_menu_ms: now.millis_since(facts.menu_left.unwrap_or(queued))
                    + facts.before.menu_ms,
                since_queue_ms: now.millis_since(queued) + facts.before.queue_ms,
            },
        );
        facts.record(now, facts.leg.id, leg.id, board);
        let play = facts.next_play();
        let words = speech::seat_announcement(facts.language, &seat);
        let clips = board.settings.prompts.clips(&words);
        board.media(Command::Play {
            leg: facts.leg.id,
            play,
            clips,
            repeat: false,
        });
        let phase = Phase::Announcing { play };
        Stage::Talking(Self {
            seat,
            queue,
            priority,
            leg,
            phase,
            moving: None,
        })
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
        self.moved(facts, now, &input, board);
        match input {
            Input::Moved(leg, offer) => self.moving = Some(Moving { leg: *leg, offer }),
            Input::PlayEnded(play) => {
                if matches!(self.phase, Phase::Announcing { play: announced } if announced == play)
                {
                    self.bridge(facts, now, board);
                }
            }
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
            Input::Transfer(to, refer) => return self.transfer(facts, now, &to, refer, board),
            Input::TakenOver(seat, leg, kind, refer) => {
                return self.taken_over(facts, now, (seat, *leg), kind, refer, board);
            }
            Input::GoneOutside(number, leg) => {
                return self.gone_outside(facts, now, number, *leg, board);
            }
            Input::Ended(Side::Caller, _, why) => {
                return self.caller_gone(
                    facts,
                    now,
                    released_by(Side::Caller, why),
                    cause(why),
                    board,
                );
            }
            Input::Silent(Side::Caller, _) => {
                let why = "no sound from the caller's side";
                return self.caller_gone(facts, now, ReleasedBy::Network, why, board);
            }
            Input::Speechless(_, leg) => self.speechless(facts, now, leg, board),
            Input::Ended(Side::Agent, _, why) => {
                board.forget_dialog(&mut self.leg);
                return self.agent_gone(facts, now, why, board);
            }
            Input::Silent(Side::Agent, _) => {
                return self.agent_gone(facts, now, EndedBy::PathLost, board);
            }
            _ => {}
        }
        Stage::Talking(self)
    }

    /// The seat, once it talks with the caller, and not while it changes its phone.
    pub fn talks(&self) -> Option<SeatId> {
        let settled = matches!(self.phase, Phase::Bridged { .. }) && self.moving.is_none();
        settled.then_some(self.seat)
    }

    /// The seat gives the caller on. Whoever asks has made sure that it may.
    fn transfer(
        mut self,
        facts: &mut Facts,
        now: Instant,
        to: &TransferTo,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        match to {
            TransferTo::Seat(seat) => Transferring::enter(self, facts, now, *seat, refer, board),
            TransferTo::Queue(queue) => {
                let to = to.to_string();
                self.given_on(facts, now, to, TransferKind::Blind, refer, board);
                Waiting::enter(facts, now, *queue, self.priority, board)
            }
            TransferTo::Number(number) => {
                match Outside::allowed(&board.settings, self.seat, number) {
                    Ok(number) => Forwarding::enter(self, facts, now, number, refer, board),
                    Err(denied) => {
                        if let Some(refer) = refer {
                            board.endpoint.tell_refer(now, refer, denied.status());
                        }
                        Stage::Talking(self)
                    }
                }
            }
        }
    }

    /// The colleague this seat consulted, or a supervisor, takes the caller over.
    fn taken_over(
        mut self,
        facts: &mut Facts,
        now: Instant,
        (seat, leg): (SeatId, Leg),
        kind: TransferKind,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        let to = seat.to_string();
        self.given_on(facts, now, to, kind, refer, board);
        let call = facts.id;
        board.floor(now, FloorInput::Answered { call, seat });
        Self::enter(facts, now, seat, self.queue, self.priority, leg, board)
    }

    /// Whom this seat consulted outside goes on with the caller, who stays for the score.
    fn gone_outside(
        mut self,
        facts: &mut Facts,
        now: Instant,
        number: String,
        leg: Leg,
        board: &mut Switchboard,
    ) -> Stage {
        let to = GuestName::Outside(number).to_string();
        self.given_on(facts, now, to, TransferKind::Attended, None, board);
        Outgoing::given_on(facts, now, self.seat, leg, board)
    }

    /// The transfer came about: this seat's part is over.
    pub(super) fn given_on(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        to: String,
        kind: TransferKind,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) {
        let (call, from) = (facts.id, self.seat);
        board.happened(
            now,
            Event::TalkTransferred {
                call,
                from,
                to,
                kind,
            },
        );
        if let Some(refer) = refer {
            board.endpoint.tell_refer(now, refer, 200);
        }
        self.talk_ended(facts, now, ReleasedBy::Agent, board);
    }

    /// The caller's session changed.
    #[must_use]
    pub fn caller_changed(
        mut self,
        facts: &mut Facts,
        now: Instant,
        board: &mut Switchboard,
    ) -> Stage {
        self.follow_hold(facts, now, board);
        Stage::Talking(self)
    }

    fn bridge(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        let (call, seat) = (facts.id, self.seat);
        let (other, music) = (self.leg.id, None);
        facts.sounds(Scene::Talk { other, music }, board);
        board.happened(now, Event::SeatAnnounced { call, seat });
        board.happened(now, Event::TalkStarted { call, seat });
        self.phase = Phase::Bridged {
            since: now,
            held: None,
            held_before_ms: 0,
        };
        if let Some(longest) = board.settings.silent_after {
            for leg in [facts.leg.id, other] {
                board.media(Command::Attend { leg, longest });
            }
        }
        // A side may have put us on hold during the announcement.
        self.follow_hold(facts, now, board);
    }

    /// Nobody was heard at a side since the talk began: a line that is open and empty, or an agent
    /// who lets the caller wait. Not of a leg that came later, nor of one that is held.
    fn speechless(&self, facts: &Facts, now: Instant, leg: LegId, board: &mut Switchboard) {
        let Phase::Bridged {
            since, held: None, ..
        } = self.phase
        else {
            return;
        };
        // Nobody hears who enters a card's number, and nor do we.
        if facts.recorded.is_card_entry() {
            return;
        }
        let party = match leg {
            leg if leg == facts.leg.id => Party::Caller,
            leg if leg == self.leg.id => Party::Agent,
            _ => return,
        };
        let event = Event::PartySilent {
            call: facts.id,
            seat: self.seat,
            party,
            after_s: now.since(since).as_secs(),
        };
        board.happened(now, event);
    }

    /// A re-INVITE may have put a side on hold or taken it off (RFC 3264 §8.4): the other side
    /// hears music meanwhile, the seat's state and the journal follow.
    pub(super) fn follow_hold(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        let Phase::Bridged {
            held,
            held_before_ms,
            ..
        } = &mut self.phase
        else {
            return;
        };
        // An agent who consults has let go of the caller.
        let agent_is_there = self.leg.is_two_way() && !facts.guests.is_consulting();
        let holding = match (agent_is_there, facts.leg.is_two_way()) {
            (false, _) => Some(Side::Agent),
            (true, false) => Some(Side::Caller),
            (true, true) => None,
        };
        let call = facts.id;
        match (*held, holding) {
            (None, Some(by)) => {
                *held = Some(Hold { by, since: now });
                self.hold(facts, now, by, board);
            }
            (Some(hold), None) => {
                *held_before_ms += now.millis_since(hold.since);
                *held = None;
                let (other, music) = (self.leg.id, None);
                facts.sounds(Scene::Talk { other, music }, board);
                if hold.by == Side::Agent {
                    board.floor(now, FloorInput::Resumed { seat: self.seat });
                }
                board.happened(
                    now,
                    Event::TalkResumed {
                        call,
                        by: side_word(hold.by),
                    },
                );
            }
            // The agent consults while the caller holds: the music is the caller's from here on.
            (Some(hold), Some(by)) if hold.by == Side::Caller && facts.guests.is_consulting() => {
                *held = Some(Hold { by, ..hold });
                board.media(Command::StopPlay { leg: self.leg.id });
                self.hold(facts, now, by, board);
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    fn hold(&self, facts: &mut Facts, now: Instant, by: Side, board: &mut Switchboard) {
        let other = self.leg.id;
        let music = Some(listener(facts, other, by));
        facts.sounds(Scene::Talk { other, music }, board);
        if by == Side::Agent {
            board.floor(now, FloorInput::Held { seat: self.seat });
        }
        let (call, by) = (facts.id, side_word(by));
        board.happened(now, Event::TalkHeld { call, by });
    }

    /// The agent lets go of the caller for a transfer: music, unless a side holds already.
    /// [`Talking::follow_hold`] ends it.
    pub(super) fn put_aside(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        if let Phase::Bridged { held, .. } = &mut self.phase
            && held.is_none()
        {
            let by = Side::Agent;
            *held = Some(Hold { by, since: now });
            self.hold(facts, now, by, board);
        }
    }

    /// The talk is over, whoever ended it: recording, bridge, agent's leg and seat.
    pub(super) fn talk_ended(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        by: ReleasedBy,
        board: &mut Switchboard,
    ) {
        facts.consults_end(now, board);
        facts.stop_recording(board);
        if let Some(moving) = self.moving.take() {
            self.let_go(now, moving, board);
        }
        facts.sounds(Scene::Apart, board);
        let reason = (by == ReleasedBy::Caller).then(|| HangUpReason::q850(16, "caller hung up"));
        board.close_leg(now, &mut self.leg, reason);
        let (talk_ms, hold_ms) = match self.phase {
            Phase::Announcing { .. } => (0, 0),
            Phase::Bridged {
                since,
                held,
                held_before_ms,
            } => {
                let still = held.map_or(0, |hold| now.millis_since(hold.since));
                (now.millis_since(since), held_before_ms + still)
            }
        };
        let (call, seat) = (facts.id, self.seat);
        board.happened(
            now,
            Event::TalkEnded {
                call,
                seat,
                talk_ms,
                hold_ms,
                released_by: by,
            },
        );
        board.floor(now, FloorInput::TalkEnded { call, seat });
    }

    fn caller_gone(
        mut self,
        facts: &mut Facts,
        now: Instant,
        by: ReleasedBy,
        why: &str,
        board: &mut Switchboard,
    ) -> Stage {
        self.talk_ended(facts, now, by, board);
        facts.end(now, Outcome::Answered, by, why, board)
    }

    /// The agent hung up: the caller is asked for the score. The agent's phone died, or the agent
    /// left before a word could be said: the caller goes back to the queue with the place kept.
    fn agent_gone(
        mut self,
        facts: &mut Facts,
        now: Instant,
        why: EndedBy,
        board: &mut Switchboard,
    ) -> Stage {
        let talked = matches!(self.phase, Phase::Bridged { .. });
        // Whoever talks with both goes on with the caller, as in any conference.
        if talked
            && why == EndedBy::Bye
            && let Some(next) = facts.successor(now, board)
        {
            let kind = TransferKind::Attended;
            return match next {
                Successor::Seat(seat, leg) => {
                    self.taken_over(facts, now, (seat, leg), kind, None, board)
                }
                Successor::Outside(number, leg) => {
                    self.gone_outside(facts, now, number, leg, board)
                }
            };
        }
        // Help that is still being called is the caller's, not the agent's.
        let by = released_by(Side::Agent, why);
        if talked && let Some(help) = facts.help_on_its_way(now, board) {
            return Forwarding::goes_on(self, facts, now, help, by, board);
        }
        self.talk_ended(facts, now, by, board);
        if talked && why == EndedBy::Bye {
            Surveying::enter(facts, now, self.seat, board)
        } else {
            Waiting::enter(facts, now, self.queue, self.priority, board)
        }
    }
}

fn side_word(side: Side) -> ReleasedBy {
    match side {
        Side::Caller => ReleasedBy::Caller,
        Side::Agent | Side::Target | Side::Guest => ReleasedBy::Agent,
    }
}

/// Whose leg hears music while that side holds.
pub(super) const fn listener(facts: &Facts, agent: LegId, by: Side) -> LegId {
    match by {
        Side::Agent | Side::Target | Side::Guest => facts.leg.id,
        Side::Caller => agent,
    }
}
