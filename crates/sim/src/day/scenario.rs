//! A scenario: who calls when, how long people talk and wait, and who is there to answer.
//!
//! # The file
//! TOML; times of day are `"HH:MM"`, `"24:00"` is the end of the day. Only `[calls]`, `[patience]`
//! and `[[queues]]` must be there (and `[[seats]]`, for `hotline simulate`).
//!
//! | key | meaning | without it |
//! | --- | --- | --- |
//! | `days` | length, days, 1 to 366 | 1 |
//! | `seed` | all chance follows from it | 1 |
//! | `lines` | calls the trunk carries at once; who comes then hears busy | no limit |
//! | `greeting_s` | from the answer to the queue (notice, menu) | 0 |
//! | `[calls]` `per_half_hour` | calls expected in each of the 48 half hours | — |
//! | `[calls]` `per_day` and `profile` | the same, as a sum and 24 or 48 weights | even |
//! | `[calls]` `days` | factor of each day, from the first again after the last | all 1 |
//! | `[[surges]]` `from` `to` `factor` `day` | more (or fewer) calls, at most 500 surges; `day` from 1 to `days` | every day |
//! | `[redials.abandoned]`, `[redials.busy]` `share` `after_s` `most` | how many dial again after giving up or hearing busy, after an exponential time of this mean (1 s to a day), and how often at most (up to 100) | nobody |
//! | `[patience]` | how long people wait in the queue | — |
//! | `[answer]` | from the ringing to the agent's answer | 0 |
//! | `[[queues]]` `name` `share` `handling` `wrap_up` `threshold_s` `capacity` `longest_wait_s` | a queue, its part of the calls, talk and wrap-up; the last three as in `queues.toml`, times up to a day | share 1, no wrap-up, 15 s, 1,000, wait for ever (as 0) |
//! | `[[queues]]` `skills` `widen` `overflow` | as in `queues.toml`; an overflow leads to `"queue:NAME"` or to `"callback"`, which offers one | nothing asked, nobody joins, nobody leaves |
//! | `[[queues]]` `priorities` | weights of the priorities from 0 (first served) on, by which each caller draws one | all alike |
//! | `[[queues]]` `ring_s` | a seat rings so long for its callers, then it is not ready and the caller goes on | until it is answered; 20 where `[agents]` `ignore` is more than 0 |
//! | `[agents]` `refuse` `ignore` `back_after_s` | share of the offers that are refused, and that nobody hears; who is not ready for that is back after so long | 0, 0, 60 |
//! | `[callbacks]` `accept` `reached` | share of those who are offered a callback that hang up for it, share of the attempts that reach the citizen | — (needed where one is offered) |
//! | `[callbacks]` `attempts` `answer` `retry_s` `keep_s` | attempts at most; time from the seat's answer to the citizen's, or to its failure (a minute at most); from one attempt to the next; how long the place is kept | 3, exponential of 10 s, 600, 14,400 |
//! | `[[seats]]` `count` `from` `to` `queues` `breaks` | so many seats of one shift, every day; `from` = `to`: round the clock | all queues |
//! | `[[seats]]` `skills` | skills with levels (1 to 10), e.g. `{ dialect = 8 }` | none |
//! | `breaks = [{ from, to, minutes }]` | each seat has its break in this time of the shift, one after the other | none |
//!
//! `[patience]`, `[answer]`, `handling` and `wrap_up` are times: `kind` is `"fixed"`,
//! `"exponential"` or `"lognormal"`, `mean_s` the mean, `sd_s` the standard deviation of a
//! lognormal one.

use core::time::Duration;

use hotline_model::{QueueId, SkillId, diagnostic::Diagnostic};

pub use super::rules::{Agents, Callbacks, Rules};
use super::{chance::Spread, file};

/// Half hours of a day.
pub const HALF_HOURS: usize = 48;

/// Length of a half hour.
pub const HALF_HOUR: Duration = Duration::from_secs(1_800);

/// Length of a day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Most days of a scenario: a leap year.
pub const MOST_DAYS: u32 = 366;

/// Most seats of a scenario: five times the largest hotline.
pub const MOST_SEATS: u32 = 20_000;

/// Most calls expected in a half hour: 100 a second. More would fill the memory before it says
/// anything of a hotline.
pub const MOST_CALLS: f64 = 180_000.0;

/// Most surges: one on each day of a year and some. Each is looked at for each caller.
pub const MOST_SURGES: usize = 500;

/// Most times somebody dials again: more than anybody's patience, and a bound for the attempts that
/// one caller can become.
pub const MOST_REDIALS: u32 = 100;

/// Shortest mean time until somebody dials again, seconds: nobody dials faster. Less would fill the
/// day with attempts of one caller.
pub const LEAST_REDIAL_S: f64 = 1.0;

/// Longest time that a queue's key can say, seconds: a day.
pub const LONGEST_S: u64 = 86_400;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Length, days.
    pub days: u32,
    /// All chance follows from it.
    pub seed: u64,
    /// Calls that the trunk carries at once.
    pub lines: Option<u32>,
    /// The next quarter of an hour is forecast all the while, and alerts are told. That decides
    /// nothing, and takes most of a day's time.
    pub forecasts: bool,
    /// From the answer to the queue.
    pub greeting: Duration,
    /// Calls expected in each of the 48 half hours of a day.
    pub calls: Vec<f64>,
    /// Factors of the days, over and over.
    pub day_factors: Vec<f64>,
    /// So many times as long as their queue says are the talks of those who arrive in each of the
    /// 48 half hours; empty: as long. A file has no key for it, a history knows it.
    pub talk_factors: Vec<f64>,
    /// When more call.
    pub surges: Vec<Surge>,
    /// Who dials again after giving up.
    pub abandoned: Redials,
    /// Who dials again after hearing busy.
    pub busy: Redials,
    /// How long people wait.
    pub patience: Spread,
    /// From the ringing to the agent's answer.
    pub answer: Spread,
    /// What agents do instead of answering.
    pub agents: Agents,
    /// Callbacks to those who are offered one.
    pub callbacks: Option<Callbacks>,
    /// The queues; at least one.
    pub queues: Vec<Queue>,
    /// The shifts.
    pub shifts: Vec<Shift>,
}

/// A time of more calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    /// From, in the day.
    pub from: Duration,
    /// To, in the day.
    pub to: Duration,
    /// So many times the calls.
    pub factor: f64,
    /// The day, from 0; `None`: every day.
    pub day: Option<u32>,
}

/// Who dials again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Redials {
    /// The share that does.
    pub share: f64,
    /// After how long, mean, seconds.
    pub after_s: f64,
    /// How often at most.
    pub most: u32,
}

/// A queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name.
    pub id: QueueId,
    /// Its part of the calls, of the sum of all.
    pub share: f64,
    /// The talk.
    pub handling: Spread,
    /// The wrap-up.
    pub wrap_up: Spread,
    /// Within this a human should answer.
    pub threshold: Duration,
    /// Most who wait.
    pub capacity: usize,
    /// Longest wait.
    pub longest_wait: Option<Duration>,
    /// Its rules beyond first come, first served.
    pub rules: Rules,
}

/// Seats that come and go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// How many.
    pub count: u32,
    /// The queues they serve.
    pub queues: Vec<QueueId>,
    /// What they can do, with levels.
    pub skills: Vec<(SkillId, u8)>,
    /// From, in the day.
    pub from: Duration,
    /// To, in the day; before `from`: in the next day; equal: they stay.
    pub to: Duration,
    /// Their breaks.
    pub breaks: Vec<Break>,
}

/// A time in which each seat of a shift has a break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    /// From, in the day.
    pub from: Duration,
    /// To, in the day.
    pub to: Duration,
    /// Length of one seat's break.
    pub length: Duration,
}

impl Shift {
    /// Whether the seats are there at this time of the day, breaks aside.
    pub fn is_on(&self, time: Duration) -> bool {
        if self.from == self.to {
            return true;
        }
        if self.to > self.from {
            return (self.from..self.to).contains(&time);
        }
        let time = if time < DAY { time } else { time - DAY };
        time >= self.from || time < self.to
    }

    /// Whether the seats are there during the whole of this part of the day.
    pub fn holds(&self, from: Duration, to: Duration) -> bool {
        if self.from == self.to {
            return true;
        }
        if self.to > self.from {
            return self.from <= from && to <= self.to;
        }
        self.from <= from || to <= self.to
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// All that is wrong, each with its place in the text.
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        file::read(text)
    }

    /// Length of it all.
    pub fn length(&self) -> Duration {
        DAY * self.days
    }

    /// Calls expected a second at this time after the beginning.
    pub fn calls_per_s(&self, at: Duration) -> f64 {
        let day = at.as_secs() / 86_400;
        let time = Duration::from_secs(at.as_secs() % 86_400);
        let half_hour = (time.as_secs() / HALF_HOUR.as_secs()) as usize;
        let calls = self.calls.get(half_hour).copied().unwrap_or_default();
        let of_day = self.day_factor(day);
        let surging = self.surges.iter().filter(|surge| {
            surge.day.is_none_or(|on| u64::from(on) == day)
                && (surge.from..surge.to).contains(&time)
        });
        let surge: f64 = surging.map(|surge| surge.factor).product();
        calls * of_day * surge / HALF_HOUR.as_secs_f64()
    }

    /// The busiest moment's calls a second: looks at every time at which the rate changes.
    pub fn most_calls_per_s(&self) -> f64 {
        let half_hours = (0..HALF_HOURS as u32).map(|at| HALF_HOUR * at);
        let surges = self.surges.iter().flat_map(|surge| [surge.from, surge.to]);
        let times: Vec<Duration> = half_hours.chain(surges).collect();
        let days = (0..self.days).map(|day| DAY * day);
        let rates = days.flat_map(|day| times.iter().map(move |&time| day + time));
        rates.map(|at| self.calls_per_s(at)).fold(0.0, f64::max)
    }

    fn day_factor(&self, day: u64) -> f64 {
        let days = self.day_factors.len().max(1);
        let of_day = self.day_factors.get(day as usize % days);
        of_day.copied().unwrap_or(1.0)
    }

    /// One day like the usual one of this scenario: its days' calls averaged, with the surges of
    /// every day and without those of a certain one.
    #[must_use]
    pub fn ordinary_day(&self) -> Self {
        let days = u64::from(self.days.max(1));
        let factors: f64 = (0..days).map(|day| self.day_factor(day)).sum();
        let factor = factors / days as f64;
        let mut ordinary = self.clone();
        ordinary.days = 1;
        ordinary.day_factors.clear();
        ordinary.surges.retain(|surge| surge.day.is_none());
        for calls in &mut ordinary.calls {
            *calls *= factor;
        }
        ordinary
    }

    /// How many times its queue's time the talk of a call is that arrives at this time after the
    /// beginning.
    pub fn talk_factor(&self, arrived: Duration) -> f64 {
        let half_hour = arrived.as_secs() % DAY.as_secs() / HALF_HOUR.as_secs();
        let factor = self.talk_factors.get(half_hour as usize);
        factor.copied().unwrap_or(1.0)
    }

    /// Mean time a call takes a seat that arrives at this time after the beginning: ringing, talk
    /// and wrap-up, of all queues, seconds.
    pub fn handling_s(&self, arrived: Duration) -> f64 {
        let talks = self.talk_factor(arrived);
        let shares: f64 = self.queues.iter().map(|queue| queue.share).sum();
        let sum: f64 = self
            .queues
            .iter()
            .map(|queue| queue.share * (talks * queue.handling.mean_s() + queue.wrap_up.mean_s()))
            .sum();
        self.answer.mean_s() + sum / shares
    }

    /// Replaces the shifts by so many seats in each half hour of a day, who serve every queue and can
    /// do whatever one asks for.
    pub fn staff(&mut self, seats: &[u32]) {
        let all: Vec<QueueId> = self.queues.iter().map(|queue| queue.id).collect();
        let asked = self.queues.iter().flat_map(|it| it.rules.skills.asked());
        let mut skills: Vec<(SkillId, u8)> = asked.map(|(skill, _)| (skill, 10)).collect();
        skills.sort_unstable();
        skills.dedup();
        let most = seats.iter().copied().max().unwrap_or_default();
        self.shifts.clear();
        for seat in 0..most {
            let mut from = None;
            for at in 0..=HALF_HOURS {
                let there = seats.get(at).is_some_and(|&count| count > seat);
                match (from, there) {
                    (None, true) => from = Some(at),
                    (Some(began), false) => {
                        self.shifts.push(Shift {
                            count: 1,
                            queues: all.clone(),
                            skills: skills.clone(),
                            from: HALF_HOUR * began as u32,
                            // A seat that is always there stays.
                            to: HALF_HOUR * (at as u32) * u32::from(at - began < HALF_HOURS),
                            breaks: Vec::new(),
                        });
                        from = None;
                    }
                    _ => {}
                }
            }
        }
    }
}
