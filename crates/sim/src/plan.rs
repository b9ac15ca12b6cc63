//! How many seats each half hour of a day needs: Erlang A first, then the simulated floor, which
//! knows what the formula does not (talks that are not exponential, callers left over from the half
//! hour before, redials, busy lines).

use core::time::Duration;

use hotline_acd::{
    erlang::{Load, MOST_SEATS, Waiting},
    steering::Aim,
};
use hotline_store::kpi::Ratio;

use crate::day::{
    self, Figures, Scenario,
    scenario::{HALF_HOUR, HALF_HOURS},
};

/// A half hour's share below the target counts as missed when it is below by more than so many
/// standard deviations of chance; the whole day's, when it is below.
const SIGNIFICANT: f64 = 2.0;

/// Most times the plan is corrected after a simulation. Each adds at least one seat where some are
/// missing, and in proportion where many are.
const ROUNDS: u32 = 16;

/// What is to be reached in each half hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Share of the calls that a human answers (K1).
    pub answered: f64,
    /// Share of the calls that are answered in time (K3, K5c); 0: does not matter.
    pub in_time: f64,
    /// The time; the figures know 15, 20 and 30 seconds.
    pub within: Within,
}

/// A time that the figures know (N秒接通率).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// 15 s, the standard's.
    S15,
    /// 20 s.
    S20,
    /// 30 s.
    S30,
}

impl Within {
    /// As a length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::S15 => 15,
            Self::S20 => 20,
            Self::S30 => 30,
        })
    }

    /// Answered within this time, of all human requests.
    pub fn of(self, figures: &Figures) -> Ratio {
        let [in_15s, in_20s, in_30s] = figures.counts.answered_in_seconds();
        match self {
            Self::S15 => in_15s,
            Self::S20 => in_20s,
            Self::S30 => in_30s,
        }
    }
}

/// What comes in one half hour of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Calls.
    pub calls: f64,
    /// Mean time a call takes a seat, seconds.
    pub handling_s: f64,
}

/// What one half hour of the day needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// What comes.
    pub demand: Demand,
    /// Seats by Erlang A.
    pub by_formula: u32,
    /// Seats after the simulation.
    pub seats: u32,
    /// Share answered with `seats`, by Erlang A.
    pub answered: f64,
    /// Share answered in time with `seats`, by Erlang A.
    pub in_time: f64,
    /// What the simulation counted, if there was one: answered ÷ inbound, in time ÷ requests.
    pub simulated: Option<(Ratio, Ratio)>,
}

/// The demand of a scenario's ordinary day, surges of every day included.
pub fn demand(scenario: &Scenario) -> Vec<Demand> {
    let handling_s = scenario.handling_s();
    let minutes = HALF_HOUR.as_secs() as u32 / 60;
    let calls = (0..HALF_HOURS as u32).map(|half_hour| {
        let each = (0..minutes).map(|minute| {
            let at = HALF_HOUR * half_hour + Duration::from_secs(60) * minute;
            scenario.calls_per_s(at) * 60.0
        });
        each.sum()
    });
    calls.map(|calls| Demand { calls, handling_s }).collect()
}

/// The seats by Erlang A; `None` when more than any hotline has would be needed.
pub fn by_formula(demand: &[Demand], patience_s: f64, target: &Target) -> Option<Vec<Need>> {
    let need = |&demand: &Demand| {
        let load = load(demand, patience_s);
        let seats = if demand.calls > 0.0 {
            load.seats_for(|waiting| reaches(target, waiting))?
        } else {
            0
        };
        Some(with_seats(demand, patience_s, target, seats))
    };
    demand.iter().map(need).collect()
}

/// The seats of a day as a whole by Erlang A, fewest in sum: from none on, each further seat goes
/// where it answers most calls, until the day reaches the share of answers. Of the target only
/// `answered` counts. `None` when more than any hotline has would be needed.
pub fn for_the_day(demand: &[Demand], patience_s: f64, target: &Target) -> Option<Vec<Need>> {
    let with = |demand: Demand, seats| with_seats(demand, patience_s, target, seats);
    let mut needs: Vec<Need> = demand.iter().map(|&demand| with(demand, 0)).collect();
    while answered(&needs) < target.answered {
        let gain = |need: &Need| {
            let next = with(need.demand, need.seats + 1);
            (next.answered - need.answered) * need.demand.calls
        };
        let best = needs
            .iter_mut()
            .max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
        if best.seats >= MOST_SEATS {
            return None;
        }
        *best = with(best.demand, best.seats + 1);
    }
    Some(needs)
}

fn load(demand: Demand, patience_s: f64) -> Load {
    Load {
        calls_per_s: demand.calls / HALF_HOUR.as_secs_f64(),
        handling_s: demand.handling_s,
        patience_s: Some(patience_s),
    }
}

fn reaches(target: &Target, waiting: &Waiting) -> bool {
    let aim = Aim {
        answered: target.answered,
        in_time: target.in_time,
        within: target.within.duration(),
        usual_handling: Duration::ZERO,
        usual_patience: Duration::ZERO,
    };
    aim.reached(waiting)
}

/// The half hour with so many seats, by Erlang A.
pub fn with_seats(demand: Demand, patience_s: f64, target: &Target, seats: u32) -> Need {
    let waiting = load(demand, patience_s).at(seats);
    let within = target.within.duration();
    Need {
        demand,
        by_formula: seats,
        seats,
        answered: waiting.map_or(1.0, |waiting| waiting.answered()),
        in_time: waiting.map_or(1.0, |waiting| waiting.answered_within(within)),
        simulated: None,
    }
}

/// Share of all the day's calls that are answered, by Erlang A.
pub fn answered(needs: &[Need]) -> f64 {
    let calls: f64 = needs.iter().map(|need| need.demand.calls).sum();
    let answered = needs.iter().map(|need| need.demand.calls * need.answered);
    answered.sum::<f64>() / calls
}

/// Seat hours of a day.
pub fn seat_hours(needs: &[Need]) -> f64 {
    needs.iter().map(|need| f64::from(need.seats)).sum::<f64>() / 2.0
}

/// What the simulation counted of the whole day; `None` before one.
pub fn simulated(needs: &[Need]) -> Option<Ratio> {
    needs.iter().try_fold(Ratio::default(), |sum, need| {
        let (answered, _) = need.simulated?;
        Some(Ratio::new(sum.of + answered.of, sum.all + answered.all))
    })
}

/// Lives through the scenario with these seats, and adds seats where a half hour misses the target
/// by more than chance, until none does. `progress` is told the round and the part of it that is
/// done. Says whether the target is reached.
pub fn check(
    scenario: &Scenario,
    needs: &mut [Need],
    target: &Target,
    progress: &mut dyn FnMut(u32, f64),
) -> bool {
    for round in 1..=ROUNDS {
        observe(scenario, needs, target, &mut |_, part| {
            progress(round, part);
        });
        let mut more = missing_seats(needs, target);
        if more.is_empty() {
            more = missing_in_the_day(needs, target);
        }
        if more.is_empty() {
            return true;
        }
        if round == ROUNDS {
            break;
        }
        for (at, more) in more {
            if let Some(need) = needs.get_mut(at) {
                *need = Need {
                    by_formula: need.by_formula,
                    simulated: need.simulated,
                    ..with_seats(
                        need.demand,
                        scenario.patience.mean_s(),
                        target,
                        need.seats + more,
                    )
                };
            }
        }
    }
    false
}

/// Half hours that miss the target by more than chance, and by how many seats, about.
fn missing_seats(needs: &[Need], target: &Target) -> Vec<(usize, u32)> {
    let each = needs.iter().enumerate().filter_map(|(at, need)| {
        let (answered, in_time) = need.simulated?;
        let missing = missing(answered, target.answered).max(missing(in_time, target.in_time));
        let seats = (missing * f64::from(need.seats)).round().max(1.0) as u32;
        (missing > 0.0).then_some((at, seats))
    });
    each.collect()
}

/// Where no half hour misses the target by more than chance, but all together do: one seat where
/// most callers are short of it.
fn missing_in_the_day(needs: &[Need], target: &Target) -> Vec<(usize, u32)> {
    let short = |of: fn(&(Ratio, Ratio)) -> Ratio, target: f64| {
        let of_one = move |need: &Need| {
            let ratio = need.simulated.as_ref().map(of).unwrap_or_default();
            target * ratio.all as f64 - ratio.of as f64
        };
        let sum: f64 = needs.iter().map(of_one).sum();
        let most = needs.iter().map(of_one).enumerate();
        let most = most.max_by(|(_, a), (_, b)| a.total_cmp(b));
        most.filter(|_| sum > 0.0).map(|(at, _)| (at, 1))
    };
    let answered = short(|both| both.0, target.answered);
    let in_time = short(|both| both.1, target.in_time);
    answered.or(in_time).into_iter().collect()
}

/// Lives through the scenario with these seats, and notes what the simulation counted.
pub fn observe(
    scenario: &Scenario,
    needs: &mut [Need],
    target: &Target,
    progress: &mut dyn FnMut(u32, f64),
) {
    let mut staffed = scenario.clone();
    let seats: Vec<u32> = needs.iter().map(|need| need.seats).collect();
    staffed.staff(&seats);
    let length = scenario.length().as_millis() as f64;
    let mut told = 0_u64;
    let report = day::run(&staffed, scenario.seed, &mut |record| {
        let minute = record.stamped.up_ms / 60_000;
        if minute != told {
            told = minute;
            progress(1, record.stamped.up_ms as f64 / length);
        }
    });
    for (at, need) in needs.iter_mut().enumerate() {
        let figures = report.time_of_day(at).all;
        let in_time = target.within.of(&figures);
        need.simulated = Some((figures.counts.answer_rate(), in_time));
    }
}

/// By how much a share misses its target; 0 when it may be chance.
fn missing(found: Ratio, target: f64) -> f64 {
    let Some(share) = found.value() else {
        return 0.0;
    };
    let chance = (target * (1.0 - target) / found.all as f64).sqrt();
    let missing = target - share;
    if missing > SIGNIFICANT * chance {
        missing
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_misses_its_target_only_beyond_chance() {
        assert_eq!(missing(Ratio::new(0, 0), 0.95), 0.0);
        assert_eq!(missing(Ratio::new(93, 100), 0.95), 0.0);
        assert_eq!(missing(Ratio::new(960, 1_000), 0.95), 0.0);
        assert!((missing(Ratio::new(9_400, 10_000), 0.95) - 0.01).abs() < 1e-12);
    }
}
