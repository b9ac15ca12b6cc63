//! Offering: the seat's phones are rung while the caller waits on. Refused or unanswered, the call
//! is back in its queue with its place.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, QueueId, SeatId,
    event::{Event, Outcome, ReleasedBy},
    privacy::Masked,
    seat::OfferResult,
};
use hotline_sip::endpoint::HangUpReason;

use super::{
    CallingBack, Input, Stage, Talking, Waiting, cause, gone, released_by, waiting::Place,
};
use crate::{
    call::Facts,
    leg::Leg,
    rings::{Rings, Rung, Shown, shown_from},
    switchboard::{Owner, Side, Switchboard},
};

/// A call that is offered to a seat.
pub struct Offering {
    place: Place,
    seat: SeatId,
    queue: QueueId,
    rings: Rings,
    since: Instant,
}

impl Offering {
    /// Opens a leg for each of the seat's phones; the INVITEs follow when their ports are known.
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
        let whose = (Owner::Call(facts.id, Side::Agent), facts.leg.id);
        let shown = shown(facts, seat, queue, board);
        let mut rings = Rings::begin(seat, whose, Some(facts.id), shown, board);
        if facts.queued.is_some_and(|queued| queued < now) {
            rings.measured_from(now);
        }
        let failure = rings.failure();
        let offering = Self {
            place,
            seat,
            queue,
            rings,
            since: now,
        };
        match failure {
            Some(failure) => offering.not_answered(facts, now, failure.result, board),
            None => Stage::Offering(offering),
        }
    }

    /// When the next announcement is due. The ring time is the floor's.
    pub fn deadline(&self) -> Option<Instant> {
        self.place.comfort.deadline()
    }

    /// The phones that are rung.
    pub const fn rings(&self) -> &Rings {
        &self.rings
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Stage {
        match self.rings.handle(now, input, board) {
            Rung::Still => {}
            Rung::Rings => {
                let (call, seat) = (facts.id, self.seat);
                board.floor(now, FloorInput::Rang { call, seat });
                return Stage::Offering(self);
            }
            Rung::Answered(leg) => return self.answered(facts, now, leg, board),
            Rung::Over(failure) => return self.not_answered(facts, now, failure.result, board),
        }
        match *input {
            Input::Withdrawn(seat, why) if seat == self.seat => {
                self.offer_ended(facts, now, why, board);
                self.rings.stop(now, None, board);
                return Stage::Waiting(Waiting { place: self.place });
            }
            Input::RangAgain => {
                let (outcome, by) = (Outcome::RangAgain, ReleasedBy::Caller);
                let why = "the caller has another call";
                return self.caller_gone(facts, now, outcome, by, why, board);
            }
            Input::Prioritised(priority) => self.place.priority = priority,
            Input::PlayEnded(play) => self.place.comfort.play_ended(now, play, None, board),
            Input::DeadlinePassed => self.place.comfort.deadline_passed(now, None, board),
            Input::Ended(Side::Caller, _, why) => {
                let by = released_by(Side::Caller, why);
                return self.caller_gone(
                    facts,
                    now,
                    gone(why, Outcome::Abandoned),
                    by,
                    cause(why),
                    board,
                );
            }
            Input::Silent(Side::Caller, _) => {
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

    fn answered(self, facts: &mut Facts, now: Instant, leg: Leg, board: &mut Switchboard) -> Stage {
        let (call, seat) = (facts.id, self.seat);
        board.give_leg(leg.id, Owner::Call(call, Side::Agent));
        board.floor(now, FloorInput::Answered { call, seat });
        self.offer_ended(facts, now, OfferResult::Answered, board);
        if facts.stands().is_some() {
            return CallingBack::enter(self.place, facts, now, seat, leg, board);
        }
        let priority = self.place.priority;
        Talking::enter(facts, now, seat, self.queue, priority, leg, board)
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
        self.rings.stop(now, None, board);
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
        self.rings.stop(now, Some(&reason), board);
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
        offer_ended(facts, now, (self.seat, self.since), result, board);
    }
}

/// The offer to this seat, which began `since`, is over.
pub(super) fn offer_ended(
    facts: &Facts,
    now: Instant,
    (seat, since): (SeatId, Instant),
    result: OfferResult,
    board: &mut Switchboard,
) {
    let event = Event::OfferEnded {
        call: facts.id,
        seat,
        result,
        rang_ms: now.millis_since(since),
    };
    board.happened(now, event);
}

/// What the seat's phones are shown of a citizen's call. No P-Asserted-Identity: a phone is no part
/// of the carrier's trust domain (RFC 3325 §5).
pub(super) fn shown(facts: &Facts, seat: SeatId, queue: QueueId, board: &Switchboard) -> Shown {
    let settings = &board.settings;
    let mut headers = vec![
        ("X-Hotline-Call".to_owned(), facts.id.to_string()),
        ("X-Hotline-Queue".to_owned(), queue.to_string()),
    ];
    if let Some(seat) = settings.seat(seat) {
        headers.extend(seat.pick_up.headers(&settings.realm));
    }
    let back = facts
        .stands()
        .map(|callback| format!("回呼 {}", Masked(&callback.number)));
    // Whom the seat will hear, and not who asked for it on somebody's behalf.
    let number = match facts.stands() {
        Some(callback) => Some(callback.number.as_str()),
        None => (!facts.withheld).then_some(facts.caller.as_str()),
    };
    Shown {
        from: shown_from(number, back.as_deref(), &settings.realm),
        headers,
        sound: facts.leg.agreed().map(|agreed| agreed.codec),
        hops: facts.hops,
    }
}
