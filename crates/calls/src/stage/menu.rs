//! Menu: the script of the dialled number, or one to which a queue sent the caller, talks with the
//! caller until it asks for a human or hangs up.

use std::sync::Arc;

use hotline_ivr::{Effect, Program};
use hotline_model::{
    Instant,
    event::{Outcome, ReleasedBy},
};

use super::{Input, Stage, Waiting, cause, gone, released_by, script::Script};
use crate::{
    call::Facts,
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
        let (script, decisions) = Script::begin(facts, now, program, board);
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
            Input::Ended(Side::Caller, _, why) => facts.end(
                now,
                gone(why, facts.outcome_of_script()),
                released_by(Side::Caller, why),
                cause(why),
                board,
            ),
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
        self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        decisions: Vec<Effect>,
        board: &mut Switchboard,
    ) -> Stage {
        for decision in decisions {
            match decision {
                Effect::Enqueue {
                    queue,
                    priority,
                    language,
                    ..
                } => {
                    facts.language = language;
                    facts.asked_language = Some(language);
                    facts.menu_left.get_or_insert(now);
                    return Waiting::enter(facts, now, queue, priority, board);
                }
                Effect::HangUp { cause } => {
                    let outcome = facts.outcome_of_script();
                    return facts.end(now, outcome, ReleasedBy::Engine, cause, board);
                }
                // A score outside a survey has nobody to belong to.
                Effect::Score { .. } | Effect::NoScore => {}
                Effect::Play { .. } | Effect::StopPlay | Effect::Chosen { .. } => {}
            }
        }
        Stage::Menu(self)
    }
}
