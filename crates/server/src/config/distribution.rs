//! How calls are distributed, as written in `queues.toml` and `seats.toml`: which seat is chosen,
//! what it must be able to do, who joins when a caller waits long.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use hotline_acd::{Choice, QueueSettings, SeatSettings, Skills, Widening, rules};
use hotline_model::{QueueId, SkillId, diagnostic::Diagnostic, limits};
use serde::Deserialize;
use toml::Spanned;

use super::files::{QueueKeys, SeatKeys};

/// `choice = "longest-idle"` and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChoiceKey {
    /// Free the longest.
    LongestIdle,
    /// Least at work lately.
    LeastOccupied,
    /// Fewest calls since signing in.
    FewestCalls,
    /// Highest levels.
    MostSkilled,
    /// One after the other.
    RoundRobin,
    /// In the order of seats.toml.
    FixedOrder,
    /// Drawn by weight.
    WeightedRandom,
}

impl From<ChoiceKey> for Choice {
    fn from(key: ChoiceKey) -> Self {
        match key {
            ChoiceKey::LongestIdle => Self::LongestIdle,
            ChoiceKey::LeastOccupied => Self::LeastOccupied,
            ChoiceKey::FewestCalls => Self::FewestCalls,
            ChoiceKey::MostSkilled => Self::MostSkilled,
            ChoiceKey::RoundRobin => Self::RoundRobin,
            ChoiceKey::FixedOrder => Self::FixedOrder,
            ChoiceKey::WeightedRandom => Self::WeightedRandom,
        }
    }
}

/// `skills = "english>=5 and (tax or social)"`, or a list of which all are asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "skills are a text or a list of texts")]
pub enum SkillsKey {
    /// One expression.
    One(String),
    /// All of them.
    All(Vec<String>),
}

/// `widen = [{ after_s = 10, skills = "…" }, { after_s = 20, queues = ["backup"] }]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidenKeys {
    /// Since the caller came, seconds.
    pub after_s: Spanned<u64>,
    /// What is asked from then on.
    #[serde(default)]
    pub skills: Option<Spanned<SkillsKey>>,
    /// Whose seats join.
    #[serde(default)]
    pub queues: Vec<Spanned<String>>,
}

/// Reads a file's keys and notes its faults.
pub struct Reader<'a> {
    /// The file's text.
    pub text: &'a str,
    /// The queues there are.
    pub queues: &'a [QueueId],
    /// What is wrong.
    pub found: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Fills in how a queue distributes.
    pub fn queue(&mut self, keys: &QueueKeys, floor: &mut QueueSettings) {
        if let Some(skills) = &keys.skills {
            floor.skills = self.skills(skills);
        }
        if let Some(choice) = &keys.choice {
            floor.choice = (*choice.get_ref()).into();
            if floor.choice == Choice::MostSkilled && keys.skills.is_none() {
                let what = "`choice` is \"most-skilled\", but the queue names no skills";
                let help = "say with `skills` what the levels are compared in";
                self.fault(choice.span(), what, help);
            }
        }
        if let Some(seed) = &keys.seed {
            floor.seed = *seed.get_ref();
            if floor.choice != Choice::WeightedRandom {
                let what = "`seed` says nothing with this `choice`";
                let help = "delete the line, or set `choice` to \"weighted-random\"";
                self.fault(seed.span(), what, help);
            }
        }
        if let Some(ageing) = &keys.ageing_s {
            let longest = rules::AGEING_LONGEST.as_secs();
            if !(1..=longest).contains(ageing.get_ref()) {
                let what = format!("`ageing_s` is 1 to {longest}");
                self.fault(
                    ageing.span(),
                    &what,
                    "without this line priority alone counts",
                );
            }
            floor.ageing = Some(Duration::from_secs(*ageing.get_ref()));
        }
        floor.widen = self.widen(&keys.widen, floor.id);
    }

    fn widen(&mut self, steps: &[WidenKeys], own: QueueId) -> Vec<Widening> {
        let mut before = 0;
        let mut widen = Vec::new();
        for (nth, step) in steps.iter().enumerate() {
            let after_s = *step.after_s.get_ref();
            if nth >= limits::QUEUE_WIDENINGS {
                let what = format!("`widen` has at most {} steps", limits::QUEUE_WIDENINGS);
                self.fault(
                    step.after_s.span(),
                    &what,
                    "join steps that are close together",
                );
                return widen;
            }
            if after_s <= before {
                let what =
                    "each step of `widen` comes later than the one before, the first after 1";
                self.fault(step.after_s.span(), what, "put them in order of `after_s`");
            }
            before = after_s;
            if step.skills.is_none() && step.queues.is_empty() {
                let what = "a step of `widen` brings no further seats";
                let help = "say with `skills` what is enough from then on, or with `queues` whose \
                            seats join";
                self.fault(step.after_s.span(), what, help);
            }
            let skills = step.skills.as_ref().map(|skills| self.skills(skills));
            let lent = step
                .queues
                .iter()
                .filter_map(|name| self.other_queue(name, own));
            widen.push(Widening {
                after: Duration::from_secs(after_s),
                skills,
                queues: lent.collect(),
            });
        }
        widen
    }

    /// Another queue by its name.
    fn other_queue(&mut self, name: &Spanned<String>, own: QueueId) -> Option<QueueId> {
        let mut known = self.queues.iter();
        let queue = known
            .find(|queue| queue.as_str() == name.get_ref())
            .copied();
        let names: Vec<&str> = self.queues.iter().map(QueueId::as_str).collect();
        let help = format!("queues.toml has: {}", names.join(", "));
        if queue.is_none() {
            let what = format!("there is no queue {:?}", name.get_ref());
            self.fault(name.span(), &what, &help);
        }
        if queue == Some(own) {
            self.fault(name.span(), "the queue names itself", &help);
        }
        queue.filter(|&queue| queue != own)
    }

    fn skills(&mut self, key: &Spanned<SkillsKey>) -> Skills {
        let (text, listed) = match key.get_ref() {
            SkillsKey::One(text) => (text.clone(), false),
            SkillsKey::All(list) => {
                let each: Vec<String> = list.iter().map(|one| format!("({one})")).collect();
                (each.join(" and "), true)
            }
        };
        if listed && text.is_empty() {
            return Skills::default();
        }
        Skills::parse(&text).unwrap_or_else(|mut fault| {
            fault.span = match self.text.get(key.span()) {
                // Written as it is read: the place within the quotes is known.
                Some(written) if !listed && written.len() == text.len() + 2 => {
                    let begin = key.span().start + 1;
                    begin + fault.span.start..begin + fault.span.end.max(fault.span.start + 1)
                }
                _ => key.span(),
            };
            self.found.push(fault);
            Skills::default()
        })
    }

    /// Fills in what a seat is able to do.
    pub fn seat(&mut self, keys: &SeatKeys, floor: &mut SeatSettings) {
        floor.skills = self.levels(&keys.skills);
        if let Some(weight) = &keys.weight {
            floor.weight = *weight.get_ref();
            if !(1..=1_000).contains(weight.get_ref()) {
                let help = "a seat of weight 2 is drawn twice as often as one of weight 1";
                self.fault(weight.span(), "`weight` is 1 to 1000", help);
            }
        }
    }

    fn levels(&mut self, skills: &BTreeMap<String, Spanned<u8>>) -> Vec<(SkillId, u8)> {
        let mut levels = Vec::new();
        for (name, level) in skills {
            let help = "write skills like { english = 5, tax = 3 }";
            match SkillId::new(name) {
                Ok(skill) => levels.push((skill, *level.get_ref())),
                Err(why) => self.fault(level.span(), &why.to_string(), help),
            }
            if !(1..=10).contains(level.get_ref()) {
                self.fault(level.span(), "a level is 1 to 10", help);
            }
        }
        levels
    }

    fn fault(&mut self, span: Range<usize>, what: &str, help: &str) {
        self.found.push(Diagnostic::new(span, what).with_help(help));
    }
}
