//! How many seats each half hour of a day needs: Erlang A first, then the simulated floor, which
//! knows what the formula does not (talks that are not exponential, callers left over from the half
//! hour before, redials, busy lines).
//!
//! A plan is for one ordinary day ([`Scenario::ordinary_day`]): both the formula and the simulation
//! have its calls.

mod check;
mod spread;

use core::time::Duration;

use hotline_acd::{
    erlang::{Load, MOST_SEATS, Waiting},
    steering::Aim,
};
use hotline_store::kpi::Ratio;

use crate::day::{
    Figures, Scenario,
    scenario::{HALF_HOUR, HALF_HOURS},
};
pub use check::{Judgement, check, judge};
pub use spread::Share;

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
    /// The part of it in which the seat is rung, and the caller waits still, seconds.
    pub answer_s: f64,
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

/// The demand of the scenario's ordinary day.
pub fn demand(scenario: &Scenario) -> Vec<Demand> {
    let day = scenario.ordinary_day();
    let minutes = HALF_HOUR.as_secs() as u32 / 60;
    let half_hours = (0..HALF_HOURS as u32).map(|half_hour| {
        let from = HALF_HOUR * half_hour;
        let each = (0..minutes).map(|minute| {
            let at = from + Duration::from_secs(60) * minute;
            day.calls_per_s(at) * 60.0
        });
        Demand {
            calls: each.sum(),
            handling_s: day.handling_s(from),
            answer_s: day.answer.mean_s(),
        }
    });
    half_hours.collect()
}

/// The seats by Erlang A; `None` when more than any hotline has would be needed.
pub fn by_formula(demand: &[Demand], patience_s: f64, target: &Target) -> Option<Vec<Need>> {
    let need = |&demand: &Demand| {
        let load = load(demand, patience_s);
        let seats = if demand.calls > 0.0 {
            load.seats_for(|waiting| reaches(target, demand, waiting))?
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
    let first = |&demand: &Demand| (with(demand, 0), with(demand, 1));
    // Each half hour as it is, and with a seat more. A seat changes one half hour alone.
    let mut needs: Vec<(Need, Need)> = demand.iter().map(first).collect();
    let answers = |need: &Need| need.answered * need.demand.calls;
    let gain = |(need, next): &(Need, Need)| answers(next) - answers(need);
    let calls: f64 = demand.iter().map(|demand| demand.calls).sum();
    let mut answered: f64 = needs.iter().map(|(need, _)| answers(need)).sum();
    while answered < target.answered * calls {
        let best = needs
            .iter_mut()
            .max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
        let (seats, more) = (best.1.seats, gain(best));
        if seats > MOST_SEATS || more <= 0.0 {
            return None;
        }
        answered += more;
        *best = (best.1, with(best.1.demand, seats + 1));
    }
    Some(needs.into_iter().map(|(need, _)| need).collect())
}

fn load(demand: Demand, patience_s: f64) -> Load {
    Load {
        calls_per_s: demand.calls / HALF_HOUR.as_secs_f64(),
        handling_s: demand.handling_s,
        patience_s: Some(patience_s),
    }
}

fn reaches(target: &Target, demand: Demand, waiting: &Waiting) -> bool {
    let Some(within) = in_line(target.within, demand) else {
        return target.in_time <= 0.0 && waiting.answered() >= target.answered;
    };
    let aim = Aim {
        answered: target.answered,
        in_time: target.in_time,
        within,
        usual_handling: Duration::ZERO,
        usual_patience: Duration::ZERO,
    };
    aim.reached(waiting)
}

/// How long a caller may stand in line to be answered in time: the formula counts the ringing as
/// service, the figures count until the answer. `None` when the ringing alone is longer; near that
/// the formula is rough, for it has all seats ring equally long. That callers give up while a seat
/// is rung for them it does not know either.
fn in_line(within: Within, demand: Demand) -> Option<Duration> {
    let rings = Duration::try_from_secs_f64(demand.answer_s).ok()?;
    within.duration().checked_sub(rings)
}

/// The half hour with so many seats, by Erlang A.
pub fn with_seats(demand: Demand, patience_s: f64, target: &Target, seats: u32) -> Need {
    let waiting = load(demand, patience_s).at(seats);
    let in_time = |waiting: Waiting| {
        let within = in_line(target.within, demand);
        within.map_or(0.0, |within| waiting.answered_within(within))
    };
    Need {
        demand,
        by_formula: seats,
        seats,
        answered: waiting.map_or(1.0, |waiting| waiting.answered()),
        in_time: waiting.map_or(1.0, in_time),
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
