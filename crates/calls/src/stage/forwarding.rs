//! Forwarding: the agent gives the caller on to a number outside, which is called through the
//! trunks. The caller hears music, then what the trunk plays; the agent may stay or go. When nobody
//! answers the caller talks with the agent again, or stands in the queue at the place of the first
//! arrival when the agent has gone.

use hotline_media::Command;
use hotline_model::{
    Instant,
    event::{Outcome, ReleasedBy},
    guest::GuestName,
};
use hotline_sip::endpoint::{HangUpReason, ReferId};

use super::{Input, Stage, Talking, Waiting, aside::Aside};
use crate::{
    call::Facts,
    leg::ToMedia,
    outgoing::{Attempt, Failure, Outgoing, Outside, Progress},
    switchboard::{Side, Switchboard},
};

/// A call on its way outside. The agent's leg and the attempt's are both of the agent's side, and
/// told apart by number.
pub struct Forwarding {
    aside: Aside,
    attempt: Attempt,
    /// The caller hears what the trunk plays.
    early: bool,
    /// What the journal calls the number.
    to: String,
}

impl Forwarding {
    /// Calls the number.
    #[must_use]
    pub fn enter(
        talk: Talking,
        facts: &mut Facts,
        now: Instant,
        number: Outside,
        refer: Option<ReferId>,
        board: &mut Switchboard,
    ) -> Stage {
        let aside = Aside::new(talk, facts, now, refer, board);
        let to = GuestName::Outside(number.number().to_owned()).to_string();
        let whose = (facts.id, facts.leg.id, Side::Agent);
        let attempt = Attempt::new(now, whose, number, facts.hops, board);
        Stage::Forwarding(Box::new(Self {
            aside,
            attempt,
            early: false,
            to,
        }))
    }

    /// The agent left while help was being called: the attempt goes on with the caller alone, who hears
    /// music, or what the trunk plays (`early`). Nobody answers: the caller stands in the queue at the
    /// old place.
    #[must_use]
    pub fn goes_on(
        talk: Talking,
        facts: &mut Facts,
        now: Instant,
        (attempt, early): (Attempt, bool),
        by: ReleasedBy,
        board: &mut Switchboard,
    ) -> Stage {
        let mut aside = Aside::new(talk, facts, now, None, board);
        aside.ends(facts, now, by, board);
        let to = GuestName::Outside(attempt.number().to_owned()).to_string();
        let mut forwarding = Self {
            aside,
            attempt,
            early: false,
            to,
        };
        if early {
            forwarding.hear_the_trunk(facts, board);
        } else {
            board.play_music(facts.leg.id, facts.next_play());
        }
        Stage::Forwarding(Box::new(forwarding))
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
            Progress::Ringing => self.aside.rings_there(now, board),
            Progress::EarlyMedia => {
                self.aside.rings_there(now, board);
                self.hear_the_trunk(facts, board);
            }
            Progress::Answered => return self.answered(facts, now, board),
            Progress::Failed(failure) => return self.failed(facts, now, &failure, board),
        }
        match self.aside.handle(facts, now, input, board) {
            Some((by, why)) => self.caller_gone(facts, now, by, why, board),
            None => Stage::Forwarding(self),
        }
    }

    /// The caller hears the trunk's ringing or announcement in place of the music.
    fn hear_the_trunk(&mut self, facts: &Facts, board: &mut Switchboard) {
        if !core::mem::replace(&mut self.early, true) {
            board.media(Command::Bridge {
                a: facts.leg.id,
                b: self.attempt.leg_id(),
            });
        }
    }

    fn answered(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        board: &mut Switchboard,
    ) -> Stage {
        let seat = self.aside.seat();
        self.aside.given_on(facts, now, self.to, board);
        match self.attempt.answered() {
            Some(outside) => Outgoing::given_on(facts, now, seat, outside.leg, board),
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
        self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        failure: &Failure,
        board: &mut Switchboard,
    ) -> Stage {
        if self.early {
            // The trunk's sound is gone with its leg; an agent whose phone holds does not hear.
            board.play_music(facts.leg.id, facts.next_play());
        }
        let (queue, priority) = self.aside.place();
        let statuses = (failure.status, failure.told());
        let back = self.aside.failed(facts, now, self.to, statuses, board);
        back.unwrap_or_else(|| Waiting::enter(facts, now, queue, priority, board))
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
        self.aside.ends(facts, now, by, board);
        facts.end(now, Outcome::Answered, by, why, board)
    }
}
