//! A checked script, compact and never changed: what a run is led by.

use core::time::Duration;
use std::collections::BTreeSet;

use hotline_model::{QueueId, ScriptId, SkillId, diagnostic::Diagnostic};
use sha2::{Digest as _, Sha256};

use crate::{
    Language, PromptKey,
    callback::{Offer, Ways},
    number::Entry,
    parse,
    speech::digits_spoken,
};

/// What exists outside of a script that it may name.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Whether there is a queue of this name.
    pub queues: &'a dyn Fn(&str) -> bool,
    /// Whether there is a recorded prompt with this key in this language.
    pub prompts: &'a dyn Fn(Language, &str) -> bool,
}

impl core::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Known")
    }
}

/// Place of a step in [`Program::steps`].
pub(crate) type StepIndex = usize;

/// A prompt as the script names it: without a language it is said in the run's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub language: Option<Language>,
    pub key: String,
}

/// One step: what is said, and what comes then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub name: String,
    pub say: Vec<Said>,
    pub interruptible: bool,
    pub act: Act,
}

/// What comes after a step's prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Then(StepIndex),
    Menu {
        keys: Vec<(char, StepIndex)>,
        ask: Ask,
    },
    Score {
        meanings: Vec<(char, String)>,
        then: StepIndex,
        ask: Ask,
    },
    Message {
        longest: Duration,
        then: StepIndex,
    },
    Callback {
        offer: Offer,
        ways: Ways,
    },
    Number(Entry),
    Enqueue {
        queue: QueueId,
        skills: Vec<SkillId>,
        priority: u8,
        language: Option<Language>,
    },
    WaitOn {
        queue: QueueId,
    },
    HangUp {
        cause: String,
    },
}

/// What a menu and a question for a score have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub wait: Duration,
    pub tries: u8,
    pub say_wrong: Vec<Said>,
    pub silence: StepIndex,
    pub wrong: StepIndex,
}

impl Step {
    /// The step that follows when the caller does nothing; `None` at the end of the script.
    pub(crate) fn next_in_silence(&self) -> Option<StepIndex> {
        match &self.act {
            Act::Then(next) | Act::Message { then: next, .. } => Some(*next),
            Act::Menu { ask, .. } | Act::Score { ask, .. } => Some(ask.silence),
            // Without an answer nothing is promised.
            Act::Callback { ways, .. } => Some(ways.otherwise),
            Act::Number(entry) => Some(entry.otherwise),
            Act::Enqueue { .. } | Act::WaitOn { .. } | Act::HangUp { .. } => None,
        }
    }

    /// The same where every callback that is offered is taken.
    pub(crate) fn next_if_taken(&self) -> Option<StepIndex> {
        match &self.act {
            Act::Callback { ways, .. } => Some(ways.taken),
            _ => self.next_in_silence(),
        }
    }

    /// The same where no caller has a number that can be called back.
    pub(crate) fn next_without_number(&self) -> Option<StepIndex> {
        match &self.act {
            Act::Callback { ways, .. } => Some(ways.no_number),
            _ => self.next_in_silence(),
        }
    }

    /// Every step that may follow.
    pub(crate) fn next_steps(&self) -> Vec<StepIndex> {
        match &self.act {
            Act::Then(next) | Act::Message { then: next, .. } => vec![*next],
            Act::Menu { keys, ask } => {
                let targets = keys.iter().map(|&(_, target)| target);
                targets.chain([ask.silence, ask.wrong]).collect()
            }
            Act::Score { then, ask, .. } => vec![*then, ask.silence, ask.wrong],
            Act::Callback { ways, .. } => vec![ways.taken, ways.otherwise, ways.no_number],
            Act::Number(entry) => vec![entry.then, entry.otherwise],
            Act::Enqueue { .. } | Act::WaitOn { .. } | Act::HangUp { .. } => Vec::new(),
        }
    }

    /// Everything the step may say.
    fn all_said(&self) -> impl Iterator<Item = &Said> {
        let (wrong, entry) = match &self.act {
            Act::Menu { ask, .. } | Act::Score { ask, .. } => (ask.say_wrong.as_slice(), None),
            Act::Number(entry) => (&[][..], Some(entry)),
            _ => (&[][..], None),
        };
        let entry = entry.into_iter().flat_map(Entry::said);
        self.say.iter().chain(wrong).chain(entry)
    }
}

/// A script that passed all checks. Share it by `Arc` among the runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(crate) name: ScriptId,
    pub(crate) version: String,
    /// The script's own language first, then the others it may be spoken in.
    pub(crate) languages: Vec<Language>,
    pub(crate) start: StepIndex,
    pub(crate) steps: Vec<Step>,
}

impl Program {
    /// Reads and checks a script.
    ///
    /// # Errors
    /// Every fault found, in the order of the text, each with its place and what to do about it.
    /// A text that is not TOML has only those faults; loops and unreachable steps are looked for
    /// when everything else is right.
    pub fn compile(text: &str, known: &Known<'_>) -> Result<Self, Vec<Diagnostic>> {
        parse::program(text, known)
    }

    /// The script's name, as recorded in the journal.
    pub fn name(&self) -> ScriptId {
        self.name
    }

    /// SHA-256 of the script's text, first 16 hex digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The language that the script is spoken in unless the caller chose another.
    pub fn language(&self) -> Language {
        self.languages.first().copied().unwrap_or(Language::Zh)
    }

    /// The languages that the script can be spoken in, its own first.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// Every prompt that the script can say, sorted, each once.
    pub fn prompts(&self) -> Vec<PromptKey> {
        let mut prompts = BTreeSet::new();
        for said in self.steps.iter().flat_map(Step::all_said) {
            for &language in &self.languages {
                prompts.insert(said.in_language(language));
            }
        }
        if self.steps.iter().any(|it| matches!(it.act, Act::Number(_))) {
            for &language in &self.languages {
                prompts.extend(digits_spoken(language, "0123456789"));
            }
        }
        prompts.into_iter().collect()
    }

    /// Every queue that the script can send a caller to, sorted, each once.
    pub fn queues(&self) -> Vec<QueueId> {
        let queues = self.steps.iter().filter_map(|step| match step.act {
            Act::Enqueue { queue, .. } | Act::WaitOn { queue } => Some(queue),
            Act::Callback { ref offer, .. } => Some(offer.queue),
            _ => None,
        });
        queues.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Names of the steps, in the order of the text.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.name.as_str())
    }

    pub(crate) fn step(&self, index: StepIndex) -> Option<&Step> {
        self.steps.get(index)
    }
}

impl Said {
    /// The prompt to play when the run is in `language`.
    pub(crate) fn in_language(&self, language: Language) -> PromptKey {
        PromptKey::new(self.language.unwrap_or(language), self.key.as_str())
    }
}

/// SHA-256 of the text, first 16 hex digits.
pub(crate) fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let bytes = digest.iter().take(8);
    bytes.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
