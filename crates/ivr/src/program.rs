//! A checked script, compact and never changed: what a run is led by.

use hotline_model::{QueueId, ScriptId, diagnostic::Diagnostic};

use crate::{Language, PromptKey};

/// What exists outside of a script that it may name.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Whether there is a queue of this name.
    pub queues: &'a dyn Fn(&str) -> bool,
    /// Whether there is a recorded prompt with this key in this language.
    pub prompts: &'a dyn Fn(Language, &str) -> bool,
}

/// A script that passed all checks. Share it by `Arc` among the runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: ScriptId,
    version: String,
    language: Language,
}

impl Program {
    /// Reads and checks a script.
    ///
    /// # Errors
    /// Every fault found, in the order of the text, each with its place and what to do about it.
    pub fn compile(text: &str, known: &Known<'_>) -> Result<Self, Vec<Diagnostic>> {
        todo!()
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
        self.language
    }

    /// Every prompt that the script can say, sorted, each once.
    pub fn prompts(&self) -> Vec<PromptKey> {
        todo!()
    }

    /// Every queue that the script can send a caller to, sorted, each once.
    pub fn queues(&self) -> Vec<QueueId> {
        todo!()
    }
}
