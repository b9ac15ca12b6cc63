//! Resting: a caller who is to be called back was not reached. The call stands in no line until its
//! time, then at its old place again: so no seat is rung for it over and over. So does one whom no
//! trunk could carry the call to just now.

use core::time::Duration;

use hotline_model::{
    Instant, QueueId,
    event::{Outcome, ReleasedBy},
    limits::CALLBACK_NO_WAY_REST_S,
};

use super::{Input, Stage, Waiting};
use crate::{
    call::Facts,
    callback::{Callback, callable},
    switchboard::Switchboard,
};

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
    /// For a moment, where a caller is to be called back to whom no way is open now: no seat is rung in
    /// vain. `None` where one is, or the caller is on the line.
    #[must_use]
    pub fn without_way(
        facts: &Facts,
        now: Instant,
        (queue, priority): (QueueId, u8),
        board: &Switchboard,
    ) -> Option<Self> {
        let callback = facts.stands()?;
        let number = callable(&board.settings, &callback.number);
        if number.is_ok_and(|number| board.trunks.has_way(number.number())) {
            return None;
        }
        let again = now + Duration::from_secs(CALLBACK_NO_WAY_REST_S);
        let until = callback.until().map_or(again, |until| until.min(again));
        Some(Self {
            queue,
            priority,
            until,
        })
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
        match input {
            Input::DeadlinePassed if self.until <= now => {
                let keeps = facts.stands().and_then(Callback::until);
                if keeps.is_some_and(|until| until <= now) {
                    return unreached(facts, now, "the longest time in line passed", board);
                }
                Waiting::enter(facts, now, self.queue, self.priority, board)
            }
            Input::RangAgain => rang_again(facts, now, board),
            _ => Stage::Resting(self),
        }
    }
}

/// The caller stands in line with a new call, which has the place, or talks with a seat that called.
pub(super) fn rang_again(facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
    let (outcome, by) = (Outcome::RangAgain, ReleasedBy::Caller);
    facts.end(now, outcome, by, "the caller has another call", board)
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
