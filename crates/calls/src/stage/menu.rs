//! Menu: the script of the dialled number, or one to which a queue sent the caller, talks with the
//! caller until it asks for a human or hangs up.

use std::{collections::VecDeque, sync::Arc};

use hotline_ivr::{Effect, Program};
use hotline_model::{
    Instant,
    event::{Outcome, ReleasedBy},
};

use super::{Input, Stage, Waiting, cause, gone, released_by, script::Script};
use crate::{
    call::Facts,
    messages::ended_by,
    switchboard::{Side, Switchboard},
};

/// A call in its menu.
pub struct Menu {
    script: Script,
}

impl Menu {
    /// Starts the script.
    #[must_use]
    pub fn enter(
        facts: &mut Facts,
        now: Instant,
        program: Arc<Program>,
        board: &mut Switchboard,
    ) -> Stage {
        let (script, decisions) = Script::begin(facts, now, program, None, board);
        Box::new(Self { script }).decide(facts, now, decisions, board)
    }

    /// When the script wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        self.script.deadline()
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::Ended(Side::Caller, ..) | Input::Silent(Side::Caller, _)
                if facts.callback.is_some() =>
            {
                facts.end_message(now, ended_by(ReleasedBy::Caller), board);
                Waiting::stand(facts, now, board)
            }
            Input::Ended(Side::Caller, _, why) => {
                let by = released_by(Side::Caller, why);
                facts.end_message(now, ended_by(by), board);
                let outcome = gone(why, left(facts, by));
                facts.end(now, outcome, by, cause(why), board)
            }
            Input::Silent(Side::Caller, _) => facts.end(
                now,
                Outcome::Failed,
                ReleasedBy::Network,
                "no sound from the caller's side",
                board,
            ),
            input => {
                let decisions = self.script.handle(facts, now, &input, board);
                self.decide(facts, now, decisions, board)
            }
        }
    }

    fn decide(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        decisions: Vec<Effect>,
        board: &mut Switchboard,
    ) -> Stage {
        let mut decisions = VecDeque::from(decisions);
        while let Some(decision) = decisions.pop_front() {
            match decision {
                Effect::Callback(offer, typed) => {
                    let booked = facts.book_callback(now, &offer, typed, board);
                    decisions.extend(self.script.callback(facts, now, booked, board));
                }
                Effect::WaitOn { queue } => {
                    facts.forget_callback(board);
                    facts.menu_left.get_or_insert(now);
                    let queue = facts.last_queue.unwrap_or(queue);
                    return Waiting::enter(facts, now, queue, facts.last_priority, board);
                }
                Effect::Enqueue {
                    queue,
                    priority,
                    language,
                    ..
                } => {
                    facts.forget_callback(board);
                    facts.language = language;
                    facts.asked_language = Some(language);
                    facts.menu_left.get_or_insert(now);
                    return Waiting::enter(facts, now, queue, priority, board);
                }
                Effect::HangUp { .. } if facts.callback.is_some() => {
                    return Waiting::stand(facts, now, board);
                }
                Effect::HangUp { cause } => {
                    let by = ReleasedBy::Engine;
                    return facts.end(now, left(facts, by), by, cause, board);
                }
                // Carried out by the script; a score outside a survey has nobody to belong to.
                Effect::Score { .. }
                | Effect::NoScore
                | Effect::Play { .. }
                | Effect::StopPlay
                | Effect::Chosen { .. }
                | Effect::Beep
                | Effect::Record { .. }
                | Effect::StopRecord { .. } => {}
            }
        }
        Stage::Menu(self)
    }
}

/// What became of a caller whom the script served to the end, or who left it.
fn left(facts: &Facts, by: ReleasedBy) -> Outcome {
    match facts.outcome_of_script() {
        Outcome::Answered => Outcome::Answered,
        Outcome::Overflowed if !facts.messages.is_left() => Outcome::Overflowed,
        _ => unserved(facts.messages.is_left(), facts.queued.is_some(), by),
    }
}

/// Who asked for a human before and came here from the queue is one whom nobody answered, whatever
/// the script said.
fn unserved(message: bool, asked: bool, by: ReleasedBy) -> Outcome {
    match (message, asked, by) {
        (true, _, _) => Outcome::LeftMessage,
        (false, false, _) => Outcome::LeftMenu,
        (false, true, ReleasedBy::Caller) => Outcome::Abandoned,
        (false, true, _) => Outcome::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_after_the_queue_makes_an_unanswered_caller_vanish() {
        let ends = [ReleasedBy::Caller, ReleasedBy::Engine];
        assert_eq!(
            ends.map(|by| unserved(false, false, by)),
            [Outcome::LeftMenu; 2]
        );
        assert_eq!(
            ends.map(|by| unserved(true, false, by)),
            [Outcome::LeftMessage; 2]
        );
        assert_eq!(
            ends.map(|by| unserved(true, true, by)),
            [Outcome::LeftMessage; 2]
        );
        let asked = ends.map(|by| unserved(false, true, by));
        assert_eq!(asked, [Outcome::Abandoned, Outcome::TimedOut]);
    }
}
