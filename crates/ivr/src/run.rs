//! The interpreter: leads one caller through a script.

use std::{collections::VecDeque, sync::Arc};

use hotline_model::{Instant, QueueId, SkillId};

use crate::{Language, Program, PromptKey};

/// Longest time for the prompts of one step, seconds. Then the step goes on as if they had ended:
/// a lost report of the media worker must not hold a caller.
pub const PROMPTS_LONGEST_S: u64 = 120;

/// Longest time of a caller in one script, seconds. Then the script goes where it would go had the
/// caller said nothing: somebody who presses keys for ten minutes needs a human.
pub const SCRIPT_LONGEST_S: u64 = 600;

/// What is known of the call when a script starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The language that the caller chose before, e.g. in the menu before a survey. `None`, or a
    /// language that the script does not offer (`also-in`): the script's own.
    pub language: Option<Language>,
}

/// What happened to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The caller can hear. The first input; a second one is ignored.
    Begin,
    /// The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`; anything else is ignored.
    Digit(char),
    /// The prompts of the latest [`Effect::Play`] were heard to the end. The end of a play that was
    /// stopped or replaced is not to be handed in.
    PlayEnded,
    /// [`Run::deadline`] passed. Too early a call is ignored.
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say these prompts, one after the other, in place of what is being said.
    Play {
        /// What to say; never empty.
        prompts: Vec<PromptKey>,
        /// Whether a key cuts them short. For the record: the run itself says [`Effect::StopPlay`].
        interruptible: bool,
    },
    /// Stop saying the prompts.
    StopPlay,
    /// The caller asks for a human. The last effect of a run.
    Enqueue {
        /// The queue.
        queue: QueueId,
        /// Skills asked of the seat beyond the queue's own.
        skills: Vec<SkillId>,
        /// 0 (first) to 9.
        priority: u8,
        /// The language to go on with.
        language: Language,
    },
    /// The caller chose in a menu, for the journal.
    Chosen {
        /// The step's name.
        menu: String,
        /// The key that led on: one of the menu's, or the last of several wrong ones. `None` when
        /// the time ran out.
        digit: Option<char>,
    },
    /// The caller gave a score.
    Score {
        /// The key.
        digit: char,
        /// What the script says it means, one of [`crate::MEANINGS`].
        meaning: String,
    },
    /// The caller was asked for a score and gave none.
    NoScore,
    /// Release the caller. The last effect of a run.
    HangUp {
        /// Why, as the script says.
        cause: String,
    },
}

/// One caller's way through a script.
#[derive(Clone, Debug)]
pub struct Run {
    program: Arc<Program>,
    language: Language,
    typed_ahead: VecDeque<char>,
}

impl Run {
    /// A run at the script's start. It waits for [`Input::Begin`].
    pub fn start(program: Arc<Program>, facts: Facts) -> Self {
        todo!()
    }

    /// Takes in what happened at `now` and appends what is to be done to `effects`. Always ends
    /// with [`Effect::Enqueue`] or [`Effect::HangUp`] when time passes; after that it does nothing.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        todo!()
    }

    /// When [`Input::DeadlinePassed`] is to be handed in; `None` before `Begin` and after the end.
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Whether the run is over: the caller was enqueued or released.
    pub fn is_over(&self) -> bool {
        todo!()
    }

    /// The language spoken to the caller.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The script.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Name of the step the caller is in.
    pub fn step(&self) -> &str {
        todo!()
    }
}
