//! Overflowing: the queue sends the caller to a number outside, which is called through the trunks.
//! The caller goes on hearing the music, then what the trunk plays. When nobody answers the caller
//! stands in the queue again, at the place of the first arrival.

use hotline_media::Command;
use hotline_model::{
    Instant,
    event::{Outcome, ReleasedBy},
};
use hotline_sip::endpoint::HangUpReason;

use super::{Input, Stage, Waiting, cause, gone, released_by, waiting::Place};
use crate::{
    call::Facts,
    leg::ToMedia,
    outgoing::{Attempt, Outgoing, Outside, Progress},
    switchboard::{Side, Switchboard},
};

/// A call on its way from a queue to the outside.
pub struct Overflowing {
    place: Place,
    attempt: Attempt,
    /// The caller hears what the trunk plays.
    early: bool,
}

impl Overflowing {
    /// Calls the number.
    #[must_use]
    pub fn enter(
        place: Place,
        facts: &Facts,
        now: Instant,
        number: Outside,
        board: &mut Switchboard,
    ) -> Stage {
        let whose = (facts.id, facts.leg.id, Side::Agent);
        let attempt = Attempt::new(now, whose, number, facts.hops, board);
        Stage::Overflowing(Box::new(Self {
            place,
            attempt,
            early: false,
        }))
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        let comfort = self.place.comfort.deadline().filter(|_| !self.early);
        self.attempt.deadline().into_iter().chain(comfort).min()
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
            Progress::Going | Progress::Ringing => {}
            Progress::EarlyMedia => self.hear_the_trunk(facts, board),
            Progress::Answered => return self.answered(facts, now, board),
            Progress::Failed(_) => {
                let place = &self.place;
                return Waiting::enter(facts, now, place.queue, place.priority, board);
            }
        }
        let comfort = &mut self.place.comfort;
        match *input {
            Input::PlayEnded(play) if !self.early => comfort.play_ended(now, play, None, board),
            Input::DeadlinePassed if !self.early => comfort.deadline_passed(now, None, board),
            Input::Ended(Side::Caller, _, why) => {
                let by = released_by(Side::Caller, why);
                let outcome = gone(why, Outcome::Abandoned);
                return self.caller_gone(facts, now, outcome, (by, cause(why)), board);
            }
            Input::Silent(Side::Caller, _) => {
                let why = (ReleasedBy::Network, "no sound from the caller's side");
                return self.caller_gone(facts, now, Outcome::Failed, why, board);
            }
            _ => {}
        }
        Stage::Overflowing(self)
    }

    /// The caller hears the trunk's ringing or announcement in place of the music.
    fn hear_the_trunk(&mut self, facts: &Facts, board: &mut Switchboard) {
        if !core::mem::replace(&mut self.early, true) {
            let a = facts.leg.id;
            board.media(Command::StopPlay { leg: a });
            let b = self.attempt.leg_id();
            board.media(Command::Bridge { a, b });
        }
    }

    fn answered(
        self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        board: &mut Switchboard,
    ) -> Stage {
        board.media(Command::StopPlay { leg: facts.leg.id });
        match self.attempt.answered() {
            Some(outside) => Outgoing::sent_on(facts, now, outside.leg, board),
            None => facts.end(
                now,
                Outcome::Failed,
                ReleasedBy::Engine,
                "the outside leg is gone",
                board,
            ),
        }
    }

    fn caller_gone(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        outcome: Outcome,
        (by, why): (ReleasedBy, &str),
        board: &mut Switchboard,
    ) -> Stage {
        let reason = HangUpReason::q850(16, "caller gone");
        self.attempt.give_up(now, Some(reason), board);
        facts.end(now, outcome, by, why, board)
    }
}
