//! From a script's text to a [`Program`]: reads every step, and collects every fault on the way.

use hotline_model::{QueueId, ScriptId, SkillId, diagnostic::Diagnostic};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    Known, Language, Program,
    ask::{ASK_SETTINGS, menu, score},
    check::{self, Placed},
    fields::{Field, Fields},
    near,
    program::{self, Act, Said, Step, StepIndex},
};

/// Longest script, bytes. A longer text is refused unread.
pub const SCRIPT_BYTES: usize = 65_536;

/// Most steps of one script; more are refused. The longest sensible menu tree has a tenth of them.
pub const SCRIPT_STEPS: usize = 256;

/// Most prompts said by one step; more are refused. Nobody listens to sixteen sentences.
pub const PROMPTS_AT_ONCE: usize = 16;

/// Longest cause of a hang-up, bytes: it becomes a word of the journal.
const CAUSE_BYTES: usize = 64;

/// Priority of an `enqueue` that names none: the middle of 0–9.
const USUAL_PRIORITY: u8 = 5;

const SCRIPT_SETTINGS: [&str; 5] = ["name", "language", "also-in", "start", "step"];
const STEP_SETTINGS: [&str; 2] = ["say", "interruptible"];
const ENQUEUE_SETTINGS: [&str; 4] = ["enqueue", "skills", "priority", "language"];

/// The settings that say what a step does after its prompts; `then` alone does, too.
const ACTS: [&str; 4] = ["menu", "score", "enqueue", "hang-up"];

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
fn checked<T, E: core::fmt::Display>(
    text: &Spanned<String>,
    new: impl Fn(&str) -> Result<T, E>,
    faults: &mut Vec<Diagnostic>,
) -> Option<T> {
    let fault = |error: E| Diagnostic::new(text.span(), error.to_string());
    new(text.get_ref())
        .map_err(|error| faults.push(fault(error)))
        .ok()
}

fn language(text: &Spanned<String>, faults: &mut Vec<Diagnostic>) -> Option<Language> {
    checked(text, str::parse::<Language>, faults)
}

/// Reads steps. A fault is noted and a stand-in taken for what was wrong: a script with a fault
/// never becomes a program, so that a stand-in is never followed.
pub(crate) struct Reader<'a> {
    known: &'a Known<'a>,
    languages: &'a [Language],
    names: &'a [String],
    pub(crate) faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn step(&mut self, name: Spanned<String>, mut fields: Fields<'_>) -> Step {
        let say = self.said(&mut fields, "say");
        let interruptible = fields.truth("interruptible", self.faults);
        let place = name.span();
        let name = name.into_inner();
        let present: Vec<_> = ACTS
            .iter()
            .filter(|act| fields.place(act).is_some())
            .collect();
        if let [_, second, ..] = present.as_slice() {
            let what = format!("`{name}` is two steps in one: it also has `{second}`");
            let help = "a step has one of `menu`, `score`, `enqueue`, `hang-up` or only `then`";
            let place = fields.place(second).unwrap_or(place.clone());
            self.faults
                .push(Diagnostic::new(place, what).with_help(help));
        }
        let step = Spanned::new(place, name.as_str());
        let kind = present.first().map_or("then", |act| **act);
        if kind == "score" && say.is_empty() {
            let what = format!("`{name}` asks for a score without a question");
            let fault = Diagnostic::new(step.span(), what);
            self.faults.push(fault.with_help("add `say` with the question"));
        }
        let act = match kind {
            "menu" => menu(self, &step, &mut fields),
            "score" => score(self, &step, &mut fields),
            "enqueue" => self.enqueue(&mut fields),
            "hang-up" => self.hang_up(&mut fields),
            _ => Act::Then(self.required_target(&mut fields, "then", &step)),
        };
        if present.len() <= 1 {
            let (kind, known) = settings(kind);
            fields.refuse_rest(kind, &known, self.faults);
        }
        // The last words of a call are said to the end, whatever was typed before.
        let usual = !matches!(act, Act::HangUp { .. });
        Step {
            name,
            say,
            interruptible: interruptible.unwrap_or(usual),
            act,
        }
    }

    /// The prompts of the setting `name`, each known in every language it may be said in.
    pub(crate) fn said(&mut self, fields: &mut Fields<'_>, name: &str) -> Vec<Said> {
        let texts = fields.texts(name, self.faults);
        if let Some(extra) = texts.get(PROMPTS_AT_ONCE) {
            let what = format!("a step says at most {PROMPTS_AT_ONCE} prompts");
            self.faults.push(Diagnostic::new(extra.span(), what));
        }
        texts.into_iter().map(|text| self.prompt(&text)).collect()
    }

    fn prompt(&mut self, text: &Spanned<String>) -> Said {
        let (own, key) = match text.get_ref().split_once(':') {
            None => (None, text.get_ref().as_str()),
            Some((own, key)) => {
                let own = Spanned::new(text.span(), own.to_owned());
                match language(&own, self.faults) {
                    Some(own) => (Some(own), key),
                    None => return Said::stand_in(),
                }
            }
        };
        let missing = match own {
            Some(own) => Some(own).filter(|&own| !(self.known.prompts)(own, key)),
            None => {
                let mut languages = self.languages.iter().copied();
                languages.find(|&language| !(self.known.prompts)(language, key))
            }
        };
        if let Some(language) = missing {
            self.unknown_prompt(text, language, key);
        }
        Said {
            language: own,
            key: key.to_owned(),
        }
    }

    fn unknown_prompt(&mut self, text: &Spanned<String>, language: Language, key: &str) {
        let prompts = self.known.prompts;
        let mut others = Language::ALL.into_iter().filter(|&other| other != language);
        let help = if let Some(near) = near::one_slip_away(key, |key| prompts(language, key)) {
            format!("did you mean `{near}`?")
        } else if let Some(other) = others.find(|&other| prompts(other, key)) {
            format!("it is recorded in {other}: write \"{other}:{key}\" to say it in {other}")
        } else {
            format!("record it as prompts/{language}/{key}.wav and add it to prompts.tsv there")
        };
        let what = format!("there is no prompt `{key}` in {language}");
        self.faults
            .push(Diagnostic::new(text.span(), what).with_help(help));
    }

    /// The step of this name.
    pub(crate) fn target(&mut self, name: &Spanned<String>) -> StepIndex {
        let wanted = name.get_ref();
        if let Some(index) = self.names.iter().position(|name| name == wanted) {
            return index;
        }
        let help = match near::nearest(wanted, self.names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "add [step.{wanted}], or name one of: {}",
                self.names.join(", ")
            ),
        };
        let what = format!("there is no step `{wanted}`");
        self.faults
            .push(Diagnostic::new(name.span(), what).with_help(help));
        0
    }

    /// The step named by a setting that may be left out.
    pub(crate) fn target_in(&mut self, fields: &mut Fields<'_>, name: &str) -> Option<StepIndex> {
        let target = fields.text(name, self.faults)?;
        Some(self.target(&target))
    }

    /// The step named by a setting that must be there.
    pub(crate) fn required_target(
        &mut self,
        fields: &mut Fields<'_>,
        name: &str,
        step: &Spanned<&str>,
    ) -> StepIndex {
        if fields.place(name).is_none() {
            let what = format!("`{}` does not say what comes next", step.get_ref());
            let help = if name == "then" {
                "add `then`, `menu`, `score`, `enqueue` or `hang-up`".to_owned()
            } else {
                format!("add `{name}` with the name of a step")
            };
            self.faults
                .push(Diagnostic::new(step.span(), what).with_help(help));
        }
        self.target_in(fields, name).unwrap_or_default()
    }

    fn enqueue(&mut self, fields: &mut Fields<'_>) -> Act {
        let queue = fields.text("enqueue", self.faults);
        let skills = fields.texts("skills", self.faults);
        let language_text = fields.text("language", self.faults);
        let priority = fields.number("priority", &(0..=9), self.faults);
        let skills = skills.iter();
        let skills = skills.filter_map(|skill| checked(skill, SkillId::new, self.faults));
        let skills = skills.collect();
        let language = language_text.and_then(|text| language(&text, self.faults));
        match queue.and_then(|queue| self.queue(&queue)) {
            Some(queue) => Act::Enqueue {
                queue,
                skills,
                priority: priority.unwrap_or(USUAL_PRIORITY),
                language,
            },
            None => Act::HangUp {
                cause: String::new(),
            },
        }
    }

    fn queue(&mut self, text: &Spanned<String>) -> Option<QueueId> {
        let queue = checked(text, QueueId::new, self.faults)?;
        let exists = self.known.queues;
        if exists(queue.as_str()) {
            return Some(queue);
        }
        let help = match near::one_slip_away(queue.as_str(), exists) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the queues stand in config/queues.toml".to_owned(),
        };
        let what = format!("there is no queue `{queue}`");
        self.faults
            .push(Diagnostic::new(text.span(), what).with_help(help));
        None
    }

    fn hang_up(&mut self, fields: &mut Fields<'_>) -> Act {
        let Some(cause) = fields.text("hang-up", self.faults) else {
            return Act::HangUp {
                cause: String::new(),
            };
        };
        let text = cause.get_ref();
        if text.is_empty() || text.len() > CAUSE_BYTES || text.chars().any(char::is_control) {
            let what = format!("the cause of a hang-up is one line of 1 to {CAUSE_BYTES} bytes");
            let help = "write a few words for the journal, e.g. hang-up = \"survey finished\"";
            self.faults
                .push(Diagnostic::new(cause.span(), what).with_help(help));
        }
        Act::HangUp {
            cause: cause.into_inner(),
        }
    }
}

impl Said {
    /// In place of a prompt that was wrong.
    fn stand_in() -> Self {
        Self {
            language: None,
            key: String::new(),
        }
    }
}

/// What the kind of step is called in a fault, and the settings it may have.
fn settings(kind: &str) -> (&'static str, Vec<&'static str>) {
    let (called, own, ask): (_, &[&str], &[&str]) = match kind {
        "menu" => ("a menu", &["menu"], &ASK_SETTINGS),
        "score" => ("a question for a score", &["score", "then"], &ASK_SETTINGS),
        "enqueue" => ("a step with `enqueue`", &ENQUEUE_SETTINGS, &[]),
        "hang-up" => ("a step with `hang-up`", &["hang-up"], &[]),
        _ => ("a step that only speaks", &["then"], &[]),
    };
    (called, [&STEP_SETTINGS, own, ask].concat())
}
