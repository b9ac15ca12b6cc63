//! From a script's text to a [`Program`]: reads every step, and collects every fault on the way.

use hotline_model::{ScriptId, diagnostic::Diagnostic};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    Known, Language, Program,
    check::{self, Placed},
    fields::{Field, Fields},
    program,
    step::Reader,
};

/// Longest script, bytes. A longer text is refused unread.
pub const SCRIPT_BYTES: usize = 65_536;

/// Most steps of one script; more are refused. The longest sensible menu tree has a tenth of them.
pub const SCRIPT_STEPS: usize = 256;

const SCRIPT_SETTINGS: [&str; 5] = ["name", "language", "also-in", "start", "step"];

pub(crate) fn program(text: &str, known: &Known<'_>) -> Result<Program, Vec<Diagnostic>> {
    if text.len() > SCRIPT_BYTES {
        let what = format!("the script is longer than {SCRIPT_BYTES} bytes");
        return Err(vec![Diagnostic::new(0..0, what)]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<_> = errors.iter().map(|e| syntax(text, e)).collect();
    // After other errors the rest of the text may be read amiss, and its faults would be our own.
    if errors.iter().any(|error| !is_twice(error)) {
        return Err(in_order(faults));
    }
    let program = script(text, Fields::of(table.into_inner()), known, &mut faults);
    match program {
        Some(program) if faults.is_empty() => Ok(program),
        _ => Err(in_order(faults)),
    }
}

fn is_twice(error: &toml::de::Error) -> bool {
    error.message() == "duplicate key"
}

fn syntax(text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    if !is_twice(error) {
        return Diagnostic::new(span, format!("this is not TOML: {}", error.message()));
    }
    let name = text.get(span.clone()).unwrap_or_default();
    Diagnostic::new(span, format!("`{name}` is given twice")).with_help("keep one of the two")
}

fn in_order(mut faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    faults.dedup();
    faults
}

fn script(
    text: &str,
    mut fields: Fields<'_>,
    known: &Known<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Program> {
    let name = required(&mut fields, "name", "12345-menu", faults);
    let name = name.and_then(|name| checked(&name, ScriptId::new, faults));
    let own = required(&mut fields, "language", "zh", faults);
    let mut languages: Vec<_> = own.and_then(|l| language(&l, faults)).into_iter().collect();
    for also in fields.texts("also-in", faults) {
        languages.extend(language(&also, faults).filter(|also| !languages.contains(also)));
    }
    let start = required(&mut fields, "start", "welcome", faults);
    let tables = step_tables(fields.take("step"), faults);
    fields.refuse_rest("a script", &SCRIPT_SETTINGS, faults);
    let names: Vec<String> = tables.iter().map(|(n, _)| n.get_ref().clone()).collect();
    let mut reader = Reader {
        known,
        languages: &languages,
        names: &names,
        faults,
    };
    let start = start.map(|start| reader.target(&start));
    let steps: Vec<Placed> = tables
        .into_iter()
        .map(|(name, fields)| (name.span(), reader.step(name, fields)))
        .collect();
    let (name, start) = (name?, start?);
    if faults.is_empty() {
        check::ways(&steps, start, faults);
    }
    Some(Program {
        name,
        version: program::version(text),
        languages,
        start,
        steps: steps.into_iter().map(|(_, step)| step).collect(),
    })
}

/// The tables `[step.NAME]`, in the order of the text.
fn step_tables<'t>(
    value: Option<Spanned<DeValue<'t>>>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Spanned<String>, Fields<'t>)> {
    let help = "write each step as a table: [step.welcome]";
    let tables = match value.map(|value| (value.span(), value.into_inner())) {
        Some((_, DeValue::Table(tables))) if !tables.is_empty() => tables,
        other => {
            let place = other.map_or(0..0, |(place, _)| place);
            faults.push(Diagnostic::new(place, "the script has no steps").with_help(help));
            return Vec::new();
        }
    };
    let mut steps = Vec::new();
    for Field { name, value } in Fields::of(tables) {
        if steps.len() == SCRIPT_STEPS {
            let what = format!("a script has at most {SCRIPT_STEPS} steps");
            faults.push(Diagnostic::new(name.span(), what));
            break;
        }
        // A step's name follows the rule of all names people configure.
        checked(&name, ScriptId::new, faults);
        let span = value.span();
        if let DeValue::Table(table) = value.into_inner() {
            steps.push((name, Fields::of(table)));
        } else {
            let what = format!("`step.{}` is not a step", name.get_ref());
            faults.push(Diagnostic::new(span, what).with_help(help));
        }
    }
    steps
}

/// A text at the top of the script that must be there.
fn required(
    fields: &mut Fields<'_>,
    name: &str,
    example: &str,
    faults: &mut Vec<Diagnostic>,
) -> Option<Spanned<String>> {
    if fields.place(name).is_none() {
        let what = format!("the script has no `{name}`");
        let help = format!("add it at the top, e.g. {name} = \"{example}\"");
        faults.push(Diagnostic::new(0..0, what).with_help(help));
    }
    fields.text(name, faults)
}

/// The text as a name of some kind.
pub(crate) fn checked<T, E: core::fmt::Display>(
    text: &Spanned<String>,
    new: impl Fn(&str) -> Result<T, E>,
    faults: &mut Vec<Diagnostic>,
) -> Option<T> {
    let fault = |error: E| Diagnostic::new(text.span(), error.to_string());
    new(text.get_ref())
        .map_err(|error| faults.push(fault(error)))
        .ok()
}

pub(crate) fn language(text: &Spanned<String>, faults: &mut Vec<Diagnostic>) -> Option<Language> {
    checked(text, str::parse::<Language>, faults)
}
