//! The script language of the voice menus: parser, checker, interpreter.
//!
//! A script is a TOML text that a city's IT person writes (`ivr-scripts/README.md`).
//! [`Program::compile`] checks it and makes it compact; a [`Run`] leads one caller through it.
//! Both are plain values: the caller of [`Run::handle`] says what happened and when, and gets
//! back what is to be done.

mod ask;
mod callback;
mod check;
pub mod dialogue;
mod fields;
mod near;
mod number;
mod parse;
mod program;
mod prompt;
mod run;
pub mod speech;
mod step;

pub use ask::{KEYS, MEANINGS};
pub use callback::{Booked, Offer};
pub use number::is_citizens;
pub use parse::{SCRIPT_BYTES, SCRIPT_STEPS};
pub use program::{Known, Program};
pub use prompt::{Language, PromptKey};
pub use run::{Effect, Facts, Input, PROMPTS_LONGEST_S, Run, SCRIPT_LONGEST_S};
pub use step::PROMPTS_AT_ONCE;
