//! Rules of a scenario's queues beyond first come, first served, and people who do not do as hoped:
//! skills, widening, overflow, priorities, agents who refuse, callbacks. What they are, and how they
//! are read.

use core::time::Duration;

use hotline_acd::{Overflow, OverflowTo, OverflowWhen, Skills, Widening};
use hotline_model::{QueueId, ScriptId, SkillId, diagnostic::Diagnostic, limits};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

use super::{
    chance::Spread,
    file::{Found, SpreadKeys},
    scenario::{LONGEST_S, Queue},
};

/// How long a seat rings where some agents do not answer and the queue's `ring_s` does not say it,
/// as in `queues.toml`.
pub const USUAL_RING: Duration = Duration::from_secs(20);

/// Longest time until a citizen who is called back answers or does not: a trunk rings no longer.
pub const LONGEST_REACH: Duration = Duration::from_secs(60);

/// Name of the script that an overflow to `"callback"` stands for in the records.
pub const OFFER: &str = "callback-offer";

/// Rules of a queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// What is asked of its seats.
    pub skills: Skills,
    /// Who joins when.
    pub widen: Vec<Widening>,
    /// Who leaves when, and for where; a script is the offer of a callback.
    pub overflow: Vec<Overflow>,
    /// Weights of the priorities from 0 on; empty: all have the same.
    pub priorities: Vec<f64>,
    /// How long a seat rings; `None`: until it is answered.
    pub ring_for: Option<Duration>,
}

/// What agents do instead of answering.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agents {
    /// Share of the offers that are refused.
    pub refuse: f64,
    /// Share of the offers that nobody hears.
    pub ignore: f64,
    /// Who is not ready for that is back after so long.
    pub back_after: Duration,
}

/// Callbacks to those who are offered one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Callbacks {
    /// The share that accepts.
    pub accept: f64,
    /// How often a citizen is called at most.
    pub attempts: u8,
    /// The share of the attempts that reach the citizen.
    pub reached: f64,
    /// How long it takes until a citizen answers, or it is known that nobody does.
    pub answer: Spread,
    /// From an attempt that reached nobody to when the place counts again.
    pub retry_after: Duration,
    /// How long the place is kept.
    pub keep: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentKeys {
    #[serde(default)]
    refuse: f64,
    #[serde(default)]
    ignore: f64,
    back_after_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallbackKeys {
    accept: Spanned<f64>,
    reached: Spanned<f64>,
    attempts: Option<Spanned<u8>>,
    answer: Option<Spanned<SpreadKeys>>,
    retry_s: Option<Spanned<u64>>,
    keep_s: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WidenKeys {
    after_s: Spanned<u64>,
    skills: Option<Spanned<String>>,
    #[serde(default)]
    queues: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverflowKeys {
    after_s: Option<u64>,
    estimate_s: Option<u64>,
    #[serde(default)]
    unstaffed: bool,
    for_s: Option<u64>,
    #[serde(default)]
    full: bool,
    to: Spanned<String>,
}

/// The keys of one queue.
pub(super) struct QueueRules<'a> {
    pub(super) skills: Option<&'a Spanned<String>>,
    pub(super) widen: &'a [Spanned<WidenKeys>],
    pub(super) overflow: &'a [Spanned<OverflowKeys>],
    pub(super) priorities: Option<&'a Spanned<Vec<f64>>>,
    pub(super) ring_s: Option<&'a Spanned<u64>>,
}

impl Found {
    fn share(&mut self, key: &str, of: &Spanned<f64>) -> f64 {
        let good = (0.0..=1.0).contains(of.get_ref());
        let what = format!("`{key}` must be 0 to 1");
        self.require(good, of.span(), &what, "a share, e.g. 0.3");
        *of.get_ref()
    }

    fn seconds(&mut self, key: &str, of: Option<&Spanned<u64>>, without: u64) -> Duration {
        let Some(of) = of else {
            return Duration::from_secs(without);
        };
        let good = (1..=LONGEST_S).contains(of.get_ref());
        let what = format!("`{key}` must be 1 to 86400 seconds");
        self.require(good, of.span(), &what, "give whole seconds");
        Duration::from_secs(*of.get_ref())
    }

    fn skills(&mut self, text: &Spanned<String>) -> Skills {
        Skills::parse(text.get_ref()).unwrap_or_else(|fault| {
            let what = format!("`skills`: {}", fault.what);
            self.0.push(Diagnostic::new(text.span(), what));
            Skills::default()
        })
    }

    fn queue(&mut self, name: &Spanned<String>, id: &str, queues: &[Queue]) -> Option<QueueId> {
        let queue = queues.iter().find(|queue| queue.id.as_str() == id);
        let what = format!("no queue is named {id}");
        self.require(
            queue.is_some(),
            name.span(),
            &what,
            "name one of [[queues]]",
        );
        queue.map(|queue| queue.id)
    }
}

/// The skills of a shift's seats.
pub(super) fn seat_skills(
    keys: Option<&Spanned<BTreeMap<String, u8>>>,
    found: &mut Found,
) -> Vec<(SkillId, u8)> {
    let Some(keys) = keys else {
        return Vec::new();
    };
    let skills = keys.get_ref().iter().filter_map(|(name, &level)| {
        let skill = SkillId::new(name)
            .ok()
            .filter(|_| (1..=10).contains(&level));
        let what = format!("`skills`: {name} = {level} is no skill with a level from 1 to 10");
        found.require(skill.is_some(), keys.span(), &what, "e.g. { dialect = 8 }");
        Some((skill?, level))
    });
    skills.collect()
}

/// What agents do.
pub(super) fn agents(keys: Option<&Spanned<AgentKeys>>, found: &mut Found) -> Agents {
    let Some(keys) = keys else {
        return Agents::default();
    };
    let AgentKeys {
        refuse,
        ignore,
        back_after_s,
    } = *keys.get_ref();
    let sound = |share: f64| (0.0..1.0).contains(&share);
    let good = sound(refuse) && sound(ignore) && refuse + ignore < 1.0;
    let what = "`refuse` and `ignore` must be 0 or more, and less than 1 together";
    found.require(good, keys.span(), what, "shares of the offers, e.g. 0.02");
    let back_after = Duration::from_secs(back_after_s.unwrap_or(60));
    let good = (1..=LONGEST_S).contains(&back_after.as_secs());
    let what = "`back_after_s` must be 1 to 86400";
    found.require(good, keys.span(), what, "give whole seconds");
    Agents {
        refuse,
        ignore,
        back_after,
    }
}

/// Callbacks.
pub(super) fn callbacks(keys: &CallbackKeys, found: &mut Found) -> Callbacks {
    let attempts = keys.attempts.as_ref().map_or(3, |at| *at.get_ref());
    if let Some(at) = &keys.attempts {
        let good = (1..=10).contains(&attempts);
        found.require(good, at.span(), "`attempts` must be 1 to 10", "e.g. 3");
    }
    let usual = Spread::Exponential { mean_s: 10.0 };
    Callbacks {
        accept: found.share("accept", &keys.accept),
        attempts,
        reached: found.share("reached", &keys.reached),
        answer: match &keys.answer {
            Some(keys) => found.spread("answer", keys),
            None => usual,
        },
        retry_after: found.seconds("retry_s", keys.retry_s.as_ref(), 600),
        keep: found.seconds("keep_s", keys.keep_s.as_ref(), 14_400),
    }
}

/// The rules of one of the queues, once all are known by name. `offers`: there is `[callbacks]`.
pub(super) fn of_queue(
    keys: &QueueRules<'_>,
    queues: &[Queue],
    offers: bool,
    found: &mut Found,
) -> Rules {
    let mut priorities = Vec::new();
    if let Some(weights) = keys.priorities {
        let sound = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        let weights_of = weights.get_ref();
        let good = (1..=10).contains(&weights_of.len())
            && weights_of.iter().all(sound)
            && weights_of.iter().sum::<f64>() > 0.0;
        let what = "`priorities` must be 1 to 10 weights of 0 or more, and not all 0";
        found.require(
            good,
            weights.span(),
            what,
            "from priority 0 on, e.g. [1, 9]",
        );
        priorities = weights_of.clone();
    }
    let too_many = keys.widen.get(limits::QUEUE_WIDENINGS).map(Spanned::span);
    let too_many = too_many.or(keys
        .overflow
        .get(limits::QUEUE_OVERFLOWS)
        .map(Spanned::span));
    if let Some(span) = too_many {
        let what = "more than 8 rules of one kind";
        found.require(false, span, what, "leave some out");
    }
    let ring = keys.ring_s.map(|at| found.seconds("ring_s", Some(at), 0));
    Rules {
        skills: keys
            .skills
            .map_or_else(Skills::default, |at| found.skills(at)),
        widen: keys
            .widen
            .iter()
            .map(|it| widening(it, queues, found))
            .collect(),
        overflow: keys
            .overflow
            .iter()
            .filter_map(|it| overflow(it, queues, offers, found))
            .collect(),
        priorities,
        ring_for: ring,
    }
}

fn widening(keys: &Spanned<WidenKeys>, queues: &[Queue], found: &mut Found) -> Widening {
    let WidenKeys {
        after_s,
        skills,
        queues: names,
    } = keys.get_ref();
    let some = skills.is_some() || !names.is_empty();
    let what = "a widening names `skills`, `queues` or both";
    found.require(some, keys.span(), what, "else nobody joins");
    Widening {
        after: found.seconds("after_s", Some(after_s), 0),
        skills: skills.as_ref().map(|text| found.skills(text)),
        queues: names
            .iter()
            .filter_map(|name| found.queue(name, name.get_ref(), queues))
            .collect(),
    }
}

fn overflow(
    keys: &Spanned<OverflowKeys>,
    queues: &[Queue],
    offers: bool,
    found: &mut Found,
) -> Option<Overflow> {
    let rule = keys.get_ref();
    let s = Duration::from_secs;
    let for_s = rule.for_s.unwrap_or_default();
    let conditions = [
        rule.after_s.map(|after| OverflowWhen::Waited(s(after))),
        rule.estimate_s
            .map(|longest| OverflowWhen::Expected(s(longest))),
        rule.unstaffed.then(|| OverflowWhen::Unstaffed(s(for_s))),
        rule.full.then_some(OverflowWhen::Full),
    ];
    let mut conditions = conditions.into_iter().flatten();
    let when = conditions.next();
    let one = when.is_some() && conditions.next().is_none();
    let what = "an overflow has one of `after_s`, `estimate_s`, `unstaffed` and `full`";
    found.require(one, keys.span(), what, "make two rules of two conditions");
    let lone = rule.for_s.is_none() || rule.unstaffed;
    found.require(
        lone,
        keys.span(),
        "`for_s` belongs to `unstaffed`",
        "leave it out",
    );
    let sound = |it: Option<u64>| it.unwrap_or_default() <= LONGEST_S;
    let sound = sound(rule.after_s) && sound(rule.estimate_s) && sound(rule.for_s);
    let what = "an overflow's time must be at most 86400 seconds";
    found.require(sound, keys.span(), what, "give the time in seconds");
    let to = rule.to.get_ref();
    let to = if let Some(id) = to.strip_prefix("queue:") {
        OverflowTo::Queue(found.queue(&rule.to, id, queues)?)
    } else {
        let what = format!("`to` is \"queue:NAME\" or \"callback\", not {to}");
        found.require(
            to == "callback",
            rule.to.span(),
            &what,
            "other places are none here",
        );
        let what = "a callback is offered, and there is no [callbacks]";
        found.require(
            offers,
            rule.to.span(),
            what,
            "say who accepts and who is reached",
        );
        OverflowTo::Script(ScriptId::new(OFFER).ok()?)
    };
    Some(Overflow { when: when?, to })
}
