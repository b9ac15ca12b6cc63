//! Seat first, then the number: the seat's phone has answered, the number is called through the
//! trunks. Meanwhile the agent hears the ring-back tone, or what the trunk plays in its place.

use hotline_media::Command;
use hotline_model::{CallId, Instant};
use hotline_sip::endpoint::{EndedBy, HangUpReason};

use super::{AnsweredLeg, Attempt, Failure, Outside, Progress};
use crate::{
    leg::{Leg, ToMedia},
    stage::{Input, cause},
    switchboard::{Side, Switchboard},
};

/// The ring-back tone is the first sound of a seat's leg that just answered.
const RING_BACK: u32 = 1;

/// A seat that waits for a number to answer.
pub struct Reach {
    seat: Leg,
    attempt: Attempt,
    early: bool,
}

/// What an input made of it.
pub enum Reached {
    /// It is still on its way.
    Still(Box<Reach>),
    /// Somebody answered: the seat's leg, and the other. Neither hears anything.
    Answered(Leg, Leg),
    /// It failed for good; the seat's leg is still there.
    Failed(Leg, Failure),
    /// The seat is gone, and whoever was called with it; who ended it, and why.
    SeatGone(EndedBy, &'static str),
}

impl Reach {
    /// Calls the number for the seat that answered by this leg. `hops` as in
    /// [`crate::call::Facts::hops`].
    pub fn begin(
        now: Instant,
        (call, side): (CallId, Side),
        seat: Leg,
        number: Outside,
        hops: Option<u32>,
        board: &mut Switchboard,
    ) -> Box<Self> {
        board.play_ring_back(seat.id, RING_BACK);
        let attempt = Attempt::new(now, (call, seat.id, side), number, hops, board);
        Box::new(Self {
            seat,
            attempt,
            early: false,
        })
    }

    /// When it wants [`Input::DeadlinePassed`].
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline()
    }

    /// Lets it see what happened.
    pub fn handle(
        mut self: Box<Self>,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Reached {
        if input.leg() == Some(self.seat.id) {
            return self.seat_sees(now, input, board);
        }
        match self.attempt.handle(now, input, board) {
            Progress::Going | Progress::Ringing => Reached::Still(self),
            Progress::EarlyMedia => {
                self.hear_the_trunk(board);
                Reached::Still(self)
            }
            Progress::Answered => self.answered(board),
            Progress::Failed(failure) => {
                self.quiet(board);
                Reached::Failed(self.seat, failure)
            }
        }
    }

    /// Lets go of both.
    pub fn give_up(mut self, now: Instant, why: &HangUpReason, board: &mut Switchboard) {
        self.attempt.give_up(now, Some(why.clone()), board);
        board.close_leg(now, &mut self.seat, Some(why.clone()));
    }

    fn seat_sees(
        mut self: Box<Self>,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Reached {
        let (by, why) = match input {
            Input::Ended(_, _, why) => {
                board.forget_dialog(&mut self.seat);
                (*why, cause(*why))
            }
            Input::Silent(..) => (EndedBy::PathLost, "no sound from the seat"),
            Input::Reoffered(_, _, body) => {
                self.seat.reoffered(now, body, board);
                return Reached::Still(self);
            }
            Input::Refreshed(_, _, body) => {
                self.seat.refreshed(body, board);
                return Reached::Still(self);
            }
            Input::Acknowledged(_, _, body) if !body.is_empty() => {
                let _ = self.seat.accept(body, board);
                return Reached::Still(self);
            }
            _ => return Reached::Still(self),
        };
        let gone = HangUpReason::q850(16, "the seat is gone");
        self.give_up(now, &gone, board);
        Reached::SeatGone(by, why)
    }

    fn hear_the_trunk(&mut self, board: &mut Switchboard) {
        if !core::mem::replace(&mut self.early, true) {
            let (a, b) = (self.seat.id, self.attempt.leg_id());
            board.media(Command::StopPlay { leg: a });
            board.media(Command::Bridge { a, b });
        }
    }

    /// The seat hears nothing of it any more.
    fn quiet(&self, board: &mut Switchboard) {
        let leg = self.seat.id;
        if self.early {
            board.media(Command::Unbridge { leg });
        } else {
            board.media(Command::StopPlay { leg });
        }
    }

    fn answered(self: Box<Self>, board: &mut Switchboard) -> Reached {
        self.quiet(board);
        match self.attempt.answered() {
            Some(AnsweredLeg { leg, .. }) => Reached::Answered(self.seat, leg),
            None => {
                let failure = Failure::network(500, "the outside leg is gone");
                Reached::Failed(self.seat, failure)
            }
        }
    }
}
