//! Releasing: the caller hears that nobody can serve now, then the engine hangs up.

use core::time::Duration;

use hotline_ivr::PromptKey;
use hotline_media::Command;
use hotline_model::{
    Instant,
    event::{Outcome, ReleasedBy},
};

use super::{Input, Stage, cause, released_by};
use crate::{
    call::Facts,
    leg::ToMedia,
    switchboard::{Side, Switchboard},
};

/// Longest time for the words: a caller's leg that plays nothing is released all the same.
const WORDS_END_WITHIN: Duration = Duration::from_secs(20);

/// A call that is let go with a word.
pub struct Releasing {
    play: u32,
    outcome: Outcome,
    why: String,
    deadline: Instant,
}

impl Releasing {
    /// Says that all seats are busy and hangs up after.
    #[must_use]
    pub fn enter(
        facts: &mut Facts,
        now: Instant,
        outcome: Outcome,
        why: &str,
        board: &mut Switchboard,
    ) -> Stage {
        let play = facts.next_play();
        let words = [PromptKey {
            language: facts.language,
            key: "all-busy".to_owned(),
        }];
        let clips = board.settings.prompts.clips(&words);
        board.media(Command::Play {
            leg: facts.leg.id,
            play,
            clips,
            repeat: false,
        });
        let (why, deadline) = (why.to_owned(), now + WORDS_END_WITHIN);
        Stage::Releasing(Self {
            play,
            outcome,
            why,
            deadline,
        })
    }

    /// When the words must be over.
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.deadline)
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
        match *input {
            Input::PlayEnded(play) if play == self.play => {
                facts.end(now, self.outcome, ReleasedBy::Engine, self.why, board)
            }
            Input::DeadlinePassed => {
                facts.end(now, self.outcome, ReleasedBy::Engine, self.why, board)
            }
            Input::Ended(Side::Caller, _, why) => facts.end(
                now,
                self.outcome,
                released_by(Side::Caller, why),
                cause(why),
                board,
            ),
            _ => Stage::Releasing(self),
        }
    }
}
