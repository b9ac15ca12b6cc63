//! Steps that ask the caller for a key: menus and questions for a score.

use core::time::Duration;

use hotline_model::diagnostic::Diagnostic;
use toml::Spanned;

use crate::{
    fields::{self, Field, Fields},
    near,
    program::{Act, Ask},
    step::Reader,
};

/// The keys of a telephone (RFC 4733 §3.2, events 0–15).
pub const KEYS: &str = "0123456789*#ABCD";

/// What a key of a survey may mean. The statistics know these words, so that a slip in a script
/// cannot lose scores unseen.
pub const MEANINGS: [&str; 7] = [
    "very-satisfied",
    "satisfied",
    "fairly-satisfied",
    "dissatisfied",
    "very-dissatisfied",
    "solved",
    "not-solved",
];

/// Settings that a menu and a question for a score share.
pub(crate) const ASK_SETTINGS: [&str; 5] = [
    "wait-seconds",
    "on-silence",
    "tries",
    "say-wrong",
    "on-wrong",
];

/// Time for the caller to press a key after the prompts, seconds, where the script names none.
const USUAL_WAIT_S: u8 = 5;

/// Wrong keys until the script goes on without an answer, where the script names no number.
const USUAL_TRIES: u8 = 2;

pub(crate) fn menu(reader: &mut Reader<'_>, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Act {
    let mut keys = Vec::new();
    for (key, target) in pairs(reader, step, fields, "menu", "menu = { 1 = \"step\" }") {
        keys.push((key, reader.target(&target)));
    }
    Act::Menu {
        keys,
        ask: ask(reader, step, fields),
    }
}

pub(crate) fn score(reader: &mut Reader<'_>, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Act {
    let mut meanings = Vec::new();
    for (key, meaning) in pairs(
        reader,
        step,
        fields,
        "score",
        "score = { 1 = \"satisfied\" }",
    ) {
        if !MEANINGS.contains(&meaning.get_ref().as_str()) {
            let what = format!("`{}` is not a meaning of a score", meaning.get_ref());
            let help = match near::nearest(meaning.get_ref(), MEANINGS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of: {}", MEANINGS.join(", ")),
            };
            let fault = Diagnostic::new(meaning.span(), what).with_help(help);
            reader.faults.push(fault);
        }
        meanings.push((key, meaning.into_inner()));
    }
    Act::Score {
        meanings,
        then: reader.required_target(fields, "then", step),
        ask: ask(reader, step, fields),
    }
}

/// The keys of a menu or a score, each with its text.
fn pairs(
    reader: &mut Reader<'_>,
    step: &Spanned<&str>,
    fields: &mut Fields<'_>,
    name: &str,
    example: &str,
) -> Vec<(char, Spanned<String>)> {
    let Some(table) = fields.table(name, example, reader.faults) else {
        return Vec::new();
    };
    if table.is_empty() {
        let what = format!("`{}` has no key to press", step.get_ref());
        let fault = Diagnostic::new(step.span(), what).with_help(format!("write {example}"));
        reader.faults.push(fault);
    }
    let mut pairs = Vec::new();
    for Field { name, value } in table {
        let mut letters = name.get_ref().chars();
        match (letters.next(), letters.next()) {
            (Some(key), None) if KEYS.contains(key) => {
                let text = fields::text(name.get_ref(), value, reader.faults);
                pairs.extend(text.map(|text| (key, text)));
            }
            _ => {
                let what = format!("`{}` is not a key of a telephone", name.get_ref());
                let help = "the keys are 0 to 9, \"*\", \"#\" and A to D, each alone";
                reader
                    .faults
                    .push(Diagnostic::new(name.span(), what).with_help(help));
            }
        }
    }
    pairs
}

fn ask(reader: &mut Reader<'_>, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Ask {
    let wait = fields.number("wait-seconds", &(1..=60), reader.faults);
    let tries = fields.number("tries", &(1..=5), reader.faults);
    let say_wrong = reader.said(fields, "say-wrong");
    let silence = reader.required_target(fields, "on-silence", step);
    let wrong = reader.target_in(fields, "on-wrong");
    Ask {
        wait: Duration::from_secs(u64::from(wait.unwrap_or(USUAL_WAIT_S))),
        tries: tries.unwrap_or(USUAL_TRIES),
        say_wrong,
        silence,
        wrong: wrong.unwrap_or(silence),
    }
}
