//! Reads and checks a scenario's file.

use core::{ops::Range, time::Duration};
use std::collections::BTreeMap;

use hotline_model::{QueueId, diagnostic::Diagnostic};
use serde::Deserialize;
use toml::Spanned;

use super::{
    chance::Spread,
    rules::{self, AgentKeys, CallbackKeys, OverflowKeys, QueueRules, Rules, WidenKeys},
    scenario::{
        Break, HALF_HOUR, HALF_HOURS, LEAST_REDIAL_S, LONGEST_S, MOST_CALLS, MOST_DAYS,
        MOST_REDIALS, MOST_SEATS, MOST_SURGES, Queue, Redials, Scenario, Shift, Surge,
    },
};

/// The scenario that the text describes, or all that is wrong with it.
pub(super) fn read(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let what = error.message().trim();
        vec![Diagnostic::new(error.span().unwrap_or(0..0), what)]
    })?;
    let mut found = Found(Vec::new());
    let scenario = file.check(&mut found);
    if found.0.is_empty() {
        Ok(scenario)
    } else {
        Err(found.0)
    }
}

pub(super) struct Found(pub(super) Vec<Diagnostic>);

impl Found {
    pub(super) fn require(&mut self, holds: bool, span: Range<usize>, what: &str, help: &str) {
        if !holds {
            self.0.push(Diagnostic::new(span, what).with_help(help));
        }
    }

    fn time(&mut self, text: &Spanned<String>) -> Duration {
        let read = || {
            let (hours, minutes) = text.get_ref().split_once(':')?;
            let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
            let all = u64::from(hours) * 60 + u64::from(minutes);
            (minutes < 60 && all <= 24 * 60).then(|| Duration::from_secs(all * 60))
        };
        read().unwrap_or_else(|| {
            let what = format!("`{}` is not a time of day", text.get_ref());
            let help = "write HH:MM, from \"00:00\" to \"24:00\"";
            self.0
                .push(Diagnostic::new(text.span(), what).with_help(help));
            Duration::ZERO
        })
    }

    pub(super) fn spread(&mut self, key: &str, keys: &Spanned<SpreadKeys>) -> Spread {
        let SpreadKeys { kind, mean_s, sd_s } = keys.get_ref();
        let what = format!("`{key}`: `mean_s` must be more than 0 and at most 86400 seconds");
        let sound = |x: f64| x > 0.0 && x <= 86_400.0;
        self.require(
            sound(*mean_s),
            keys.span(),
            &what,
            "give the mean in seconds",
        );
        let what = format!("`{key}`: `sd_s` belongs to a lognormal time, and only to that");
        let help = "write kind = \"lognormal\" with mean_s and sd_s, or leave sd_s out";
        let lognormal = matches!(kind, Kind::Lognormal);
        let fits = sd_s.is_some_and(sound) == lognormal && sd_s.is_some() == lognormal;
        self.require(fits, keys.span(), &what, help);
        match (kind, sd_s) {
            (Kind::Fixed, _) => Spread::Fixed { mean_s: *mean_s },
            (Kind::Lognormal, Some(sd_s)) => Spread::Lognormal {
                mean_s: *mean_s,
                sd_s: *sd_s,
            },
            _ => Spread::Exponential { mean_s: *mean_s },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    days: Option<Spanned<u32>>,
    seed: Option<u64>,
    lines: Option<Spanned<u32>>,
    greeting_s: Option<Spanned<f64>>,
    calls: Spanned<Calls>,
    #[serde(default)]
    surges: Vec<Spanned<SurgeKeys>>,
    #[serde(default)]
    redials: RedialKeys,
    patience: Spanned<SpreadKeys>,
    answer: Option<Spanned<SpreadKeys>>,
    agents: Option<Spanned<AgentKeys>>,
    callbacks: Option<CallbackKeys>,
    queues: Spanned<Vec<QueueKeys>>,
    #[serde(default)]
    seats: Vec<SeatKeys>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    per_half_hour: Option<Spanned<Vec<f64>>>,
    per_day: Option<Spanned<f64>>,
    profile: Option<Spanned<Vec<f64>>>,
    days: Option<Spanned<Vec<f64>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SurgeKeys {
    from: Spanned<String>,
    to: Spanned<String>,
    factor: Spanned<f64>,
    day: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedialKeys {
    abandoned: Option<Spanned<Again>>,
    busy: Option<Spanned<Again>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    share: f64,
    after_s: f64,
    most: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Fixed,
    Exponential,
    Lognormal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpreadKeys {
    kind: Kind,
    mean_s: f64,
    sd_s: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueKeys {
    name: Spanned<String>,
    share: Option<Spanned<f64>>,
    handling: Spanned<SpreadKeys>,
    wrap_up: Option<Spanned<SpreadKeys>>,
    threshold_s: Option<Spanned<u64>>,
    capacity: Option<Spanned<usize>>,
    longest_wait_s: Option<Spanned<u64>>,
    skills: Option<Spanned<String>>,
    #[serde(default)]
    widen: Vec<Spanned<WidenKeys>>,
    #[serde(default)]
    overflow: Vec<Spanned<OverflowKeys>>,
    priorities: Option<Spanned<Vec<f64>>>,
    ring_s: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeatKeys {
    count: Spanned<u32>,
    from: Spanned<String>,
    to: Spanned<String>,
    queues: Option<Vec<Spanned<String>>>,
    skills: Option<Spanned<BTreeMap<String, u8>>>,
    #[serde(default)]
    breaks: Vec<Spanned<BreakKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakKeys {
    from: Spanned<String>,
    to: Spanned<String>,
    minutes: u32,
}

impl File {
    fn check(self, found: &mut Found) -> Scenario {
        let days = self.days.as_ref().map_or(1, |days| *days.get_ref());
        if let Some(at) = &self.days {
            let good = (1..=MOST_DAYS).contains(&days);
            found.require(
                good,
                at.span(),
                "`days` must be 1 to 366",
                "give whole days",
            );
        }
        if let Some(lines) = &self.lines {
            let help = "leave the key out where the trunk has no limit";
            found.require(
                *lines.get_ref() > 0,
                lines.span(),
                "`lines` must be at least 1",
                help,
            );
        }
        let greeting = self.greeting_s.as_ref().map_or(Duration::ZERO, |at| {
            let good = (0.0..=3_600.0).contains(at.get_ref());
            let what = "`greeting_s` must be 0 to 3600";
            found.require(good, at.span(), what, "give seconds");
            // Not a number is no length, and told above.
            Duration::try_from_secs_f64(*at.get_ref()).unwrap_or_default()
        });
        let mut queues = check_queues(&self.queues, found);
        let offers = self.callbacks.is_some();
        check_rules(self.queues.get_ref(), &mut queues, offers, found);
        let shifts = check_seats(&self.seats, &queues, found);
        let redials = |keys: &Option<Spanned<Again>>, found: &mut Found| {
            keys.as_ref().map_or_else(Redials::default, |keys| {
                let again = keys.get_ref();
                let good = (0.0..=1.0).contains(&again.share)
                    && (LEAST_REDIAL_S..=86_400.0).contains(&again.after_s)
                    && again.most <= MOST_REDIALS;
                let what = "`share` must be 0 to 1, `after_s` 1 to 86400, and `most` at most 100";
                found.require(
                    good,
                    keys.span(),
                    what,
                    "e.g. share = 0.5, after_s = 120, most = 3",
                );
                Redials {
                    share: again.share,
                    after_s: again.after_s,
                    most: again.most,
                }
            })
        };
        let surges = self
            .surges
            .iter()
            .map(|surge| check_surge(surge, days, found))
            .collect();
        if let Some(beyond) = self.surges.get(MOST_SURGES) {
            let help = "leave some out";
            found.require(false, beyond.span(), "more than 500 surges", help);
        }
        let (calls, day_factors) = check_calls(&self.calls, found);
        let answer = self.answer.as_ref();
        let scenario = Scenario {
            days,
            seed: self.seed.unwrap_or(1),
            lines: self.lines.map(Spanned::into_inner),
            forecasts: true,
            greeting,
            calls,
            day_factors,
            talk_factors: Vec::new(),
            surges,
            abandoned: redials(&self.redials.abandoned, found),
            busy: redials(&self.redials.busy, found),
            patience: found.spread("patience", &self.patience),
            answer: answer.map_or(Spread::NONE, |keys| found.spread("answer", keys)),
            agents: rules::agents(self.agents.as_ref(), found),
            callbacks: self.callbacks.map(|keys| rules::callbacks(&keys, found)),
            queues,
            shifts,
        };
        if !found.0.is_empty() {
            // Its busiest moment says nothing.
            return scenario;
        }
        let most = scenario.most_calls_per_s() * HALF_HOUR.as_secs_f64();
        let what = "more than 180000 calls in a half hour, surges included";
        let help = "take fewer calls or a smaller factor";
        found.require(most <= MOST_CALLS, self.calls.span(), what, help);
        scenario
    }
}

fn check_calls(calls: &Spanned<Calls>, found: &mut Found) -> (Vec<f64>, Vec<f64>) {
    let span = calls.span();
    let calls = calls.get_ref();
    let sound = |of: &[f64]| of.iter().all(|x| x.is_finite() && *x >= 0.0);
    let mut list = |of: &Option<Spanned<Vec<f64>>>, key: &str, lengths: &[usize]| {
        let of = of.as_ref()?;
        let what = format!("`{key}` must have {lengths:?} numbers of 0 or more");
        let good = lengths.is_empty() || lengths.contains(&of.get_ref().len());
        let good = good && sound(of.get_ref()) && !of.get_ref().is_empty();
        found.require(good, of.span(), &what, "count them, from midnight on");
        good.then(|| of.get_ref().clone())
    };
    let per_half_hour = list(&calls.per_half_hour, "per_half_hour", &[HALF_HOURS]);
    let profile = list(&calls.profile, "profile", &[24, HALF_HOURS]);
    let days = if calls.days.is_some() {
        list(&calls.days, "days", &[]).unwrap_or_default()
    } else {
        Vec::new()
    };
    let one = calls.per_half_hour.is_some() != calls.per_day.is_some()
        && (calls.profile.is_none() || calls.per_day.is_some());
    let what = "`[calls]` needs `per_half_hour`, or `per_day` with or without a `profile`";
    found.require(one, span, what, "give one of the two");
    if let Some(rates) = per_half_hour {
        return (rates, days);
    }
    let per_day = calls.per_day.as_ref().map_or(0.0, |at| *at.get_ref());
    if let Some(at) = &calls.per_day {
        let good = per_day > 0.0 && per_day.is_finite();
        found.require(
            good,
            at.span(),
            "`per_day` must be more than 0",
            "e.g. 5000",
        );
    }
    let weights = match profile {
        Some(hours) if hours.len() == 24 => hours.iter().flat_map(|x| [*x, *x]).collect(),
        Some(halves) => halves,
        None => vec![1.0; HALF_HOURS],
    };
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        let at = calls.profile.as_ref().map_or(0..0, Spanned::span);
        found.require(false, at, "`profile` has only zeros", "give weights");
        return (vec![0.0; HALF_HOURS], days);
    }
    (weights.iter().map(|x| per_day * x / sum).collect(), days)
}

fn check_surge(surge: &Spanned<SurgeKeys>, days: u32, found: &mut Found) -> Surge {
    let keys = surge.get_ref();
    let (from, to) = (found.time(&keys.from), found.time(&keys.to));
    let what = "a surge must end after it began";
    found.require(
        from < to,
        surge.span(),
        what,
        "one over midnight is two surges",
    );
    let factor = *keys.factor.get_ref();
    let good = factor.is_finite() && factor >= 0.0;
    let what = "`factor` must be 0 or more";
    found.require(
        good,
        keys.factor.span(),
        what,
        "4.0 is four times the calls",
    );
    let day = keys.day.as_ref().map(|day| {
        let good = (1..=days).contains(day.get_ref());
        let what = "`day` must be from 1 to the scenario's `days`";
        found.require(good, day.span(), what, "the first day is 1");
        day.get_ref().saturating_sub(1)
    });
    Surge {
        from,
        to,
        factor,
        day,
    }
}

fn check_queues(keys: &Spanned<Vec<QueueKeys>>, found: &mut Found) -> Vec<Queue> {
    let mut queues: Vec<Queue> = Vec::new();
    let span = keys.span();
    for keys in keys.get_ref() {
        let share = keys.share.as_ref().map_or(1.0, |at| *at.get_ref());
        if let Some(at) = &keys.share {
            let good = share.is_finite() && share > 0.0;
            found.require(good, at.span(), "`share` must be more than 0", "e.g. 0.9");
        }
        let id = match QueueId::new(keys.name.get_ref()) {
            Ok(id) => id,
            Err(error) => {
                found
                    .0
                    .push(Diagnostic::new(keys.name.span(), error.to_string()));
                continue;
            }
        };
        let twice = queues.iter().any(|queue| queue.id == id);
        let what = format!("two queues are named {id}");
        found.require(!twice, keys.name.span(), &what, "give each its own name");
        let wrap_up = keys.wrap_up.as_ref();
        let mut seconds = |of: &Option<Spanned<u64>>, key: &str| {
            let of = of.as_ref()?;
            let what = format!("`{key}` must be at most 86400 seconds");
            let good = *of.get_ref() <= LONGEST_S;
            found.require(good, of.span(), &what, "give the time in seconds");
            Some(Duration::from_secs(*of.get_ref()))
        };
        let threshold = seconds(&keys.threshold_s, "threshold_s");
        let longest_wait = seconds(&keys.longest_wait_s, "longest_wait_s");
        if let Some(at) = &keys.capacity {
            let what = "`capacity` must be at least 1";
            let help = "leave the key out for 1000 callers";
            found.require(*at.get_ref() > 0, at.span(), what, help);
        }
        queues.push(Queue {
            id,
            share,
            handling: found.spread("handling", &keys.handling),
            wrap_up: wrap_up.map_or(Spread::NONE, |keys| found.spread("wrap_up", keys)),
            threshold: threshold.unwrap_or(Duration::from_secs(15)),
            capacity: keys.capacity.as_ref().map_or(1_000, |at| *at.get_ref()),
            // 0 is no limit, as in queues.toml.
            longest_wait: longest_wait.filter(|wait| !wait.is_zero()),
            rules: Rules::default(),
        });
    }
    found.require(!queues.is_empty(), span, "no queue", "add [[queues]]");
    queues
}

/// Rules name queues, before or after their own.
fn check_rules(keys: &[QueueKeys], queues: &mut [Queue], offers: bool, found: &mut Found) {
    let all = queues.to_vec();
    for keys in keys {
        let named = |queue: &&mut Queue| queue.id.as_str() == keys.name.get_ref();
        if let Some(queue) = queues.iter_mut().find(named) {
            let keys = QueueRules {
                skills: keys.skills.as_ref(),
                widen: &keys.widen,
                overflow: &keys.overflow,
                priorities: keys.priorities.as_ref(),
                ring_s: keys.ring_s.as_ref(),
            };
            queue.rules = rules::of_queue(&keys, &all, offers, found);
        }
    }
}

fn check_seats(keys: &[SeatKeys], queues: &[Queue], found: &mut Found) -> Vec<Shift> {
    let mut shifts = Vec::new();
    let mut seats = 0_u32;
    for keys in keys {
        seats = seats.saturating_add(*keys.count.get_ref());
        let good = (1..=MOST_SEATS).contains(&seats) && *keys.count.get_ref() > 0;
        let what = "`count` must be at least 1, and all seats together at most 20000";
        found.require(good, keys.count.span(), what, "give whole seats");
        let named = keys.queues.iter().flatten().filter_map(|name| {
            let queue = queues
                .iter()
                .find(|queue| queue.id.as_str() == name.get_ref());
            if queue.is_none() {
                let what = format!("no queue is named {}", name.get_ref());
                let help = "name one of [[queues]]";
                found
                    .0
                    .push(Diagnostic::new(name.span(), what).with_help(help));
            }
            queue.map(|queue| queue.id)
        });
        let named: Vec<QueueId> = named.collect();
        let breaks = keys.breaks.iter().map(|one| {
            let length = Duration::from_secs(60) * one.get_ref().minutes;
            let (from, to) = (
                found.time(&one.get_ref().from),
                found.time(&one.get_ref().to),
            );
            let good = !length.is_zero() && from + length <= to;
            let what = "the break does not fit between `from` and `to`";
            found.require(good, one.span(), what, "take fewer minutes or more room");
            Break { from, to, length }
        });
        let breaks = breaks.collect();
        let shift = Shift {
            count: *keys.count.get_ref(),
            queues: match keys.queues {
                Some(_) => named,
                None => queues.iter().map(|queue| queue.id).collect(),
            },
            skills: rules::seat_skills(keys.skills.as_ref(), found),
            from: found.time(&keys.from),
            to: found.time(&keys.to),
            breaks,
        };
        check_breaks(&shift, &keys.breaks, found);
        shifts.push(shift);
    }
    shifts
}

/// Breaks lie in their shift, and apart: who comes back from one would cut the other short.
fn check_breaks(shift: &Shift, keys: &[Spanned<BreakKeys>], found: &mut Found) {
    for (at, (rest, keys)) in shift.breaks.iter().zip(keys).enumerate() {
        let what = "the break is not in the time of the shift";
        let help = "give a `from` and a `to` at which its seats are there";
        let inside = shift.holds(rest.from, rest.to);
        found.require(inside, keys.span(), what, help);
        let mut before = shift.breaks.iter().take(at);
        let apart = before.all(|other| rest.to <= other.from || other.to <= rest.from);
        let what = "two breaks of the shift overlap";
        found.require(apart, keys.span(), what, "give each its own time");
    }
}
