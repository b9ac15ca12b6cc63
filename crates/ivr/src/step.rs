//! Reads one step of a script: its prompts, its targets, and what it does.

use core::time::Duration;

use hotline_model::{
    QueueId, SkillId,
    diagnostic::Diagnostic,
    limits::{LAST_PRIORITY, MESSAGE_S},
};
use toml::Spanned;

use crate::{
    Known, Language,
    ask::{ASK_SETTINGS, menu, score},
    callback::{self, CALLBACK_SETTINGS},
    fields::Fields,
    near,
    number::{self, NUMBER_SETTINGS},
    parse::{checked, language},
    program::{Act, Said, Step, StepIndex},
};

/// Most prompts said by one step; more are refused. Nobody listens to sixteen sentences.
pub const PROMPTS_AT_ONCE: usize = 16;

/// Longest cause of a hang-up, bytes: it becomes a word of the journal.
const CAUSE_BYTES: usize = 64;

/// Priority of an `enqueue` that names none: the middle of 0–9.
const USUAL_PRIORITY: u8 = 5;

/// The kinds of steps, by what they do after their prompts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Menu,
    Score,
    Message,
    Callback,
    Number,
    Enqueue,
    WaitOn,
    HangUp,
    Then,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Menu,
        Self::Score,
        Self::Message,
        Self::Callback,
        Self::Number,
        Self::Enqueue,
        Self::WaitOn,
        Self::HangUp,
        Self::Then,
    ];

    /// The setting that makes a step of this kind.
    fn setting(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Score => "score",
            Self::Message => "message-seconds",
            Self::Callback => "callback",
            Self::Number => "type-number",
            Self::Enqueue => "enqueue",
            Self::WaitOn => "wait-on",
            Self::HangUp => "hang-up",
            Self::Then => "then",
        }
    }

    /// What the kind is called in a fault, and the settings it may have.
    fn settings(self) -> (&'static str, Vec<&'static str>) {
        let (called, others): (_, &[&str]) = match self {
            Self::Menu => ("a menu", &ASK_SETTINGS),
            Self::Score => ("a question for a score", &ASK_SETTINGS),
            Self::Message => ("a step that takes a message", &["then"]),
            Self::Callback => ("a step that offers a callback", &CALLBACK_SETTINGS),
            Self::Number => ("a step that takes a number", &NUMBER_SETTINGS),
            Self::WaitOn => ("a step with `wait-on`", &[]),
            Self::Enqueue => ("a step with `enqueue`", &["skills", "priority", "language"]),
            Self::HangUp => ("a step with `hang-up`", &[]),
            Self::Then => ("a step that only speaks", &[]),
        };
        let mut settings = vec!["say", "interruptible", self.setting()];
        if self == Self::Score {
            settings.push("then");
        }
        settings.extend(others);
        (called, settings)
    }
}

/// Reads steps. A fault is noted and a stand-in taken for what was wrong: a script with a fault
/// never becomes a program, so that a stand-in is never followed.
pub(crate) struct Reader<'a> {
    pub known: &'a Known<'a>,
    pub languages: &'a [Language],
    pub names: &'a [String],
    pub faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(crate) fn step(&mut self, name: Spanned<String>, mut fields: Fields<'_>) -> Step {
        let silent = fields.place("say").is_none();
        let say = self.said(&mut fields, "say");
        let interruptible = fields.truth("interruptible", self.faults);
        let step = Spanned::new(name.span(), name.get_ref().as_str());
        let kind = self.kind(&step, &fields);
        if kind == Some(Kind::Score) && silent {
            let what = format!("`{}` asks for a score without a question", step.get_ref());
            let fault = Diagnostic::new(step.span(), what);
            self.faults
                .push(fault.with_help("add `say` with the question"));
        }
        let act = match kind {
            Some(Kind::Then) => Act::Then(self.required_target(&mut fields, "then", &step)),
            Some(Kind::Menu) => menu(self, &step, &mut fields),
            Some(Kind::Score) => score(self, &step, &mut fields),
            Some(Kind::Message) => self.message(&step, &mut fields),
            Some(Kind::Callback) => callback::read(self, &step, &mut fields),
            Some(Kind::Number) => number::read(self, &step, &mut fields),
            Some(Kind::Enqueue) => self.enqueue(&mut fields),
            Some(Kind::WaitOn) => match self.queue_in(&mut fields, "wait-on") {
                Some(queue) => Act::WaitOn { queue },
                None => stand_in(),
            },
            Some(Kind::HangUp) => self.hang_up(&mut fields),
            None => stand_in(),
        };
        if let Some(kind) = kind {
            let (called, known) = kind.settings();
            fields.refuse_rest(called, &known, self.faults);
        }
        // The last words of a call are said to the end, whatever was typed before.
        let usual = kind != Some(Kind::HangUp);
        Step {
            name: name.into_inner(),
            say,
            interruptible: interruptible.unwrap_or(usual),
            act,
        }
    }

    /// What the step does after its prompts; `None` when that is not clear, which is a fault.
    fn kind(&mut self, step: &Spanned<&str>, fields: &Fields<'_>) -> Option<Kind> {
        let name = step.get_ref();
        let present = Kind::ALL
            .iter()
            .filter(|kind| fields.place(kind.setting()).is_some());
        let mut present = present.filter(|&&kind| kind != Kind::Then);
        if let Some(&kind) = present.next() {
            let Some(second) = present.next() else {
                return Some(kind);
            };
            let second = second.setting();
            let what = format!("`{name}` is two steps in one: it also has `{second}`");
            let place = fields.place(second).unwrap_or_default();
            let help = "a step has one of `menu`, `score`, `message-seconds`, `callback`, \
                        `type-number`, `enqueue`, `wait-on`, `hang-up` or only `then`";
            self.faults
                .push(Diagnostic::new(place, what).with_help(help));
            return None;
        }
        let settings = Kind::ALL.map(Kind::setting);
        if fields.place("then").is_some() {
            return Some(Kind::Then);
        }
        let Some((wrong, near)) = fields.nearly(&settings) else {
            return Some(Kind::Then);
        };
        let what = format!("`{name}` has no setting `{}`", wrong.get_ref());
        let fault = Diagnostic::new(wrong.span(), what);
        self.faults
            .push(fault.with_help(format!("did you mean `{near}`?")));
        None
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
                "add `then`, `menu`, `score`, `callback`, `type-number`, `enqueue`, `wait-on` or \
                 `hang-up`"
                    .to_owned()
            } else {
                format!("add `{name}` with the name of a step")
            };
            self.faults
                .push(Diagnostic::new(step.span(), what).with_help(help));
        }
        self.target_in(fields, name).unwrap_or_default()
    }

    fn message(&mut self, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Act {
        let seconds = fields.number("message-seconds", &(1..=MESSAGE_S), self.faults);
        Act::Message {
            longest: Duration::from_secs(seconds.unwrap_or(MESSAGE_S).into()),
            then: self.required_target(fields, "then", step),
        }
    }

    fn enqueue(&mut self, fields: &mut Fields<'_>) -> Act {
        let queue = fields.text("enqueue", self.faults);
        let skills = fields.texts("skills", self.faults);
        let language_text = fields.text("language", self.faults);
        let priority = fields.number("priority", &(0..=LAST_PRIORITY), self.faults);
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
            None => stand_in(),
        }
    }

    /// The queue named by a setting.
    pub(crate) fn queue_in(&mut self, fields: &mut Fields<'_>, name: &str) -> Option<QueueId> {
        let queue = fields.text(name, self.faults)?;
        self.queue(&queue)
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
            return stand_in();
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

/// In place of what a step does, where that was wrong.
pub(crate) fn stand_in() -> Act {
    Act::HangUp {
        cause: String::new(),
    }
}
