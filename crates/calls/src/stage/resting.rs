//! Resting: a caller who is to be called back was not reached. The call stands in no line until its
//! time, then at its old place again: so no seat is rung for it over and over.

use hotline_model::{
    Instant, QueueId,
    event::{Outcome, ReleasedBy},
};

use super::{Input, Stage, Waiting};
use crate::{call::Facts, switchboard::Switchboard};

/// A call between two attempts.
pub struct Resting {
    /// Where it stood.
    pub queue: QueueId,
    /// Its priority there.
    pub priority: u8,
    /// When it stands there again.
    pub until: Instant,
}

impl Resting {
    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::DeadlinePassed if self.until <= now => {
                Waiting::enter(facts, now, self.queue, self.priority, board)
            }
            Input::RangAgain => rang_again(facts, now, board),
            _ => Stage::Resting(self),
        }
    }
}

/// The caller stands in line with a new call, which has the place.
pub(super) fn rang_again(facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
    let (outcome, by) = (Outcome::RangAgain, ReleasedBy::Caller);
    facts.end(now, outcome, by, "the caller rang again", board)
}

/// The caller is not called any more.
pub(super) fn unreached(
    facts: &mut Facts,
    now: Instant,
    cause: impl Into<String>,
    board: &mut Switchboard,
) -> Stage {
    facts.end(now, Outcome::Unreached, ReleasedBy::Engine, cause, board)
}
