//! `hotline ivr play`: a script in the terminal, without a phone.

use std::{
    fs,
    io::{self, BufRead},
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, Subcommand};
use hotline_calls::{
    dialogue::Dialogue,
    settings::{ScriptFacts, compile_alone},
};

use super::Failure;
use crate::config::fault::FileFaults;

/// See the module.
#[derive(Subcommand)]
pub enum Ivr {
    /// Play a script: it says what it does, you type `press 1`, `4s heard`, `3s wait`.
    #[command(after_help = "Example:\n  hotline ivr play ivr-scripts/12345-menu.toml")]
    Play(Play),
}

/// See [`Ivr::Play`].
#[derive(Args)]
pub struct Play {
    /// The script's file.
    script: PathBuf,
}

impl Ivr {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Play(Play { script }) = self;
        let text = fs::read_to_string(&script)
            .map_err(|error| Failure::wrong(format!("{}: {error}", script.display())))?;
        // A script is played by itself: queues and sounds need not exist yet.
        let program = compile_alone(&text).map_err(|faults| {
            Failure::wrong(FileFaults {
                file: script,
                text,
                faults,
            })
        })?;
        let mut said = Vec::new();
        let facts = ScriptFacts::default();
        let mut dialogue = Dialogue::start(Arc::new(program), facts, &mut said);
        show(&mut said);
        for line in io::stdin().lock().lines() {
            if dialogue.is_over() {
                break;
            }
            let line = line.map_err(|error| Failure::world(format!("the terminal: {error}")))?;
            if line.trim().is_empty() {
                continue;
            }
            if let Err(help) = dialogue.line(&line, &mut said) {
                eprintln!("{help}");
            }
            show(&mut said);
            if dialogue.is_over() {
                break;
            }
        }
        Ok(())
    }
}

fn show(said: &mut Vec<String>) {
    for line in said.drain(..) {
        println!("< {line}");
    }
}
