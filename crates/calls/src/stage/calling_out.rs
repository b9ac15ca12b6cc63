//! Calling out, seat first: somebody asked on a page that a seat call a number outside. The seat's
//! phones ring; when one has answered, the number is called, and from its answer on it is a seat's
//! own call like any other.

use core::time::Duration;

use hotline_model::{
    Instant, SeatId,
    event::{Outcome, ReleasedBy},
    limits::GUEST_RINGS_S,
    privacy::Masked,
};

use super::{Input, Stage};
use crate::{
    call::Facts,
    leg::{Leg, NOBODY},
    outgoing::{Outgoing, Outside, Reach, Reached, refusal},
    rings::{Rings, Rung, Shown, shown_from},
    switchboard::{Owner, Side, Switchboard},
};

/// Longest time the seat's phones ring: whoever asked sits before them.
const RINGS_FOR: Duration = Duration::from_secs(GUEST_RINGS_S);

/// A seat's call whose seat is rung first.
pub struct CallingOut(Phase);

enum Phase {
    /// The seat's phones ring until then.
    Ringing(Box<Rings>, Outside, Instant),
    /// One answered, and the number is called.
    Reaching(Box<Reach>),
}

impl CallingOut {
    /// Rings the seat.
    #[must_use]
    pub fn enter(
        facts: &mut Facts,
        now: Instant,
        seat: SeatId,
        number: Outside,
        board: &mut Switchboard,
    ) -> Stage {
        let shown = shown(facts, seat, &number, board);
        let whose = (Owner::Call(facts.id, Side::Caller), NOBODY);
        let rings = Rings::begin(seat, whose, Some(facts.id), shown, board);
        if rings.failure().is_some() {
            return not_answered(facts, now, "the seat's phone cannot be reached", board);
        }
        let ringing = Phase::Ringing(Box::new(rings), number, now + RINGS_FOR);
        Stage::CallingOut(Box::new(Self(ringing)))
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.0 {
            Phase::Ringing(_, _, until) => Some(*until),
            Phase::Reaching(reach) => reach.deadline(),
        }
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Stage {
        match self.0 {
            Phase::Ringing(rings, number, until) => {
                ringing((rings, number, until), facts, now, input, board)
            }
            Phase::Reaching(reach) => match reach.handle(now, input, board) {
                Reached::Still(reach) => reaching(reach),
                Reached::Answered(seat, outside) => {
                    facts.leg = seat;
                    Outgoing::reached(facts, now, outside, board)
                }
                Reached::Failed(seat, failure) => {
                    facts.leg = seat;
                    let (outcome, by) = refusal(&failure);
                    let cause = format!("{} {}", failure.status, failure.cause);
                    facts.end(now, outcome, by, cause, board)
                }
                Reached::SeatGone(_, why) => not_answered(facts, now, why, board),
            },
        }
    }
}

fn reaching(reach: Box<Reach>) -> Stage {
    Stage::CallingOut(Box::new(CallingOut(Phase::Reaching(reach))))
}

fn ringing(
    (mut rings, number, until): (Box<Rings>, Outside, Instant),
    facts: &mut Facts,
    now: Instant,
    input: &Input,
    board: &mut Switchboard,
) -> Stage {
    match rings.handle(now, input, board) {
        Rung::Still | Rung::Rings => {}
        Rung::Answered(leg) => return answered(leg, number, facts, now, board),
        Rung::Over(_) => return not_answered(facts, now, "the seat did not take it", board),
    }
    if matches!(input, Input::DeadlinePassed) && until <= now {
        rings.stop(now, None, board);
        return not_answered(facts, now, "the seat did not answer", board);
    }
    let ringing = Phase::Ringing(rings, number, until);
    Stage::CallingOut(Box::new(CallingOut(ringing)))
}

fn answered(
    leg: Leg,
    number: Outside,
    facts: &Facts,
    now: Instant,
    board: &mut Switchboard,
) -> Stage {
    let whose = (facts.id, Side::Agent);
    reaching(Reach::begin(now, whose, leg, number, facts.hops, board))
}

/// The seat is not there.
fn not_answered(facts: &mut Facts, now: Instant, why: &str, board: &mut Switchboard) -> Stage {
    facts.end(now, Outcome::Abandoned, ReleasedBy::Agent, why, board)
}

/// What the seat's phones are shown: whom they will call.
fn shown(facts: &Facts, seat: SeatId, number: &Outside, board: &Switchboard) -> Shown {
    let settings = &board.settings;
    let number = number.number();
    let name = format!("外呼 {}", Masked(number));
    let mut headers = vec![("X-Hotline-Call".to_owned(), facts.id.to_string())];
    if let Some(seat) = settings.seat(seat) {
        headers.extend(seat.pick_up.headers(&settings.realm));
    }
    Shown {
        from: shown_from(Some(number), Some(&name), &settings.realm),
        headers,
        sound: None,
        hops: None,
    }
}
