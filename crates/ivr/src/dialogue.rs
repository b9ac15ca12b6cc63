//! A conversation with a script as text: for the terminal and for the golden transcripts.

use std::sync::Arc;

use hotline_model::diagnostic::Diagnostic;

use crate::{Facts, Program, Run};

/// A caller at a keyboard: lines in, lines out, time as the lines say.
#[derive(Clone, Debug)]
pub struct Dialogue {
    run: Run,
}

impl Dialogue {
    /// Starts the script at 0 s; the lines it says first are appended to `said`.
    pub fn start(program: Arc<Program>, facts: Facts, said: &mut Vec<String>) -> Self {
        todo!()
    }

    /// Takes a line such as `2.5s press 2`, `4s heard`, `3s wait` (the time since the line before
    /// may be left out), and appends what the script says to `said`, one line each.
    ///
    /// # Errors
    /// A sentence for the person who typed it, when the line is not understood.
    pub fn line(&mut self, line: &str, said: &mut Vec<String>) -> Result<(), String> {
        todo!()
    }

    /// The script said its last word.
    pub fn is_over(&self) -> bool {
        todo!()
    }
}

/// Plays a transcript against the script.
///
/// # Errors
/// Each line that the script did not say as written, or that is not understood.
pub fn replay(program: &Arc<Program>, transcript: &str) -> Result<(), Vec<Diagnostic>> {
    todo!()
}
