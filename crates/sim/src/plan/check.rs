//! The simulated floor as the judge of a plan: corrects it, and says how it does.

use hotline_acd::erlang::MOST_SEATS;
use hotline_store::kpi::Ratio;

use super::{Need, Share, Target, with_seats};
use crate::day::{self, Scenario, scenario::HALF_HOURS};

/// A half hour's share below the target gets more seats when it is below by more than so many
/// standard deviations; the whole day's, when it is below.
const SIGNIFICANT: f64 = 2.0;

/// In the end a half hour is said to miss the target beyond so many: of 48 right ones not even one
/// in twenty days' plans is accused by chance.
const BEYOND_DOUBT: f64 = 3.1;

/// Most times the plan is corrected after a simulation. Each adds at least one seat where some are
/// missing, and in proportion where many are.
const ROUNDS: u32 = 16;

/// A half hour that so many times in a row got seats and was not the better for it gets no more, and
/// those are taken from it again.
const IN_VAIN: u32 = 2;

/// How a plan does in days of another chance than those it was made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Share of the calls that a human answers, of the whole time.
    pub answered: Share,
    /// Share of the requests answered in time, of the whole time.
    pub in_time: Share,
    /// Half hours of the day that miss the target beyond doubt.
    pub missed: Vec<usize>,
    /// Those of them whose callers are answered as they should be, once they are let in: the lines
    /// are taken, and seats do not help.
    pub busy: Vec<usize>,
}

/// What was counted in a half hour of the day, or in the whole time.
struct Lived {
    answered: Share,
    in_time: Share,
    /// Answered, of those who did not hear busy.
    let_in: Share,
}

/// Lives through days like the scenario's ordinary one, `scenario.days` of them, with these seats;
/// adds seats where a half hour misses the target by more than chance, until none does or seats do
/// not help; and judges what became of it by another chance. Seats are only added. `progress` is
/// told the round and the part of it that is done.
pub fn check(
    scenario: &Scenario,
    needs: &mut [Need],
    target: &Target,
    progress: &mut dyn FnMut(u32, f64),
) -> Judgement {
    let mut courses = vec![Course::default(); needs.len()];
    for round in 1..ROUNDS {
        let (lived, _) = live(scenario, needs, target, scenario.seed, &mut |part| {
            progress(round, part);
        });
        let mut more = Vec::new();
        for (at, lived) in lived.iter().enumerate() {
            if let (Some(course), Some(need)) = (courses.get_mut(at), needs.get_mut(at)) {
                more.extend(course.correct(lived, need, target).map(|seats| (at, seats)));
            }
        }
        if more.is_empty() {
            more.extend(missing_in_the_day(&lived, &courses, needs, target));
        }
        for &(at, seats) in &more {
            if let Some(need) = needs.get_mut(at) {
                *need = Need {
                    by_formula: need.by_formula,
                    ..with_seats(need.demand, scenario.patience.mean_s(), target, seats)
                };
            }
        }
        if more.is_empty() {
            break;
        }
    }
    judge(scenario, needs, target, &mut |part| progress(ROUNDS, part))
}

/// Lives through the same days by another chance than [`check`] does, and notes what the simulation
/// counted.
pub fn judge(
    scenario: &Scenario,
    needs: &mut [Need],
    target: &Target,
    progress: &mut dyn FnMut(f64),
) -> Judgement {
    let another = scenario.seed.wrapping_add(1);
    let (lived, all) = live(scenario, needs, target, another, progress);
    let misses = |lived: &Lived| lived.missing(target, BEYOND_DOUBT) > 0.0;
    let at = |holds: &dyn Fn(&Lived) -> bool| {
        let each = lived.iter().enumerate().filter(|(_, lived)| holds(lived));
        each.map(|(at, _)| at).collect()
    };
    Judgement {
        missed: at(&misses),
        busy: at(&|lived| misses(lived) && lived.is_busy(target, BEYOND_DOUBT)),
        answered: all.answered,
        in_time: all.in_time,
    }
}

impl Lived {
    fn of(days: &[day::Figures], target: &Target) -> Self {
        let share = |of: &dyn Fn(&day::Figures) -> Ratio| {
            let days: Vec<Ratio> = days.iter().map(of).collect();
            Share::of(&days)
        };
        Self {
            answered: share(&|day| day.counts.answer_rate()),
            in_time: share(&|day| target.within.of(day)),
            let_in: share(&|day| Ratio::new(day.counts.answered, day.counts.arrived)),
        }
    }

    fn missing(&self, target: &Target, deviations: f64) -> f64 {
        let answered = self.answered.missing(target.answered, deviations);
        answered.max(self.in_time.missing(target.in_time, deviations))
    }

    /// What more seats may mend: those who heard busy want lines.
    fn missing_seats(&self, target: &Target, deviations: f64) -> f64 {
        let answered = self.let_in.missing(target.answered, deviations);
        answered.max(self.in_time.missing(target.in_time, deviations))
    }

    /// About as many seats as are missing. Answers grow with the seats; the share in time with their
    /// square root, in which the reserve over the load is counted.
    fn more_seats(&self, seats: u32, target: &Target) -> u32 {
        let seats = f64::from(seats);
        let answered = self.let_in.missing(target.answered, SIGNIFICANT) * seats;
        let in_time = self.in_time.missing(target.in_time, SIGNIFICANT) * seats.sqrt();
        answered.max(in_time).round().max(1.0) as u32
    }

    /// The target is missed because callers hear busy.
    fn is_busy(&self, target: &Target, deviations: f64) -> bool {
        let misses = self.answered.missing(target.answered, deviations) > 0.0;
        misses && self.missing_seats(target, deviations) <= 0.0
    }
}

/// What became of a half hour while it was corrected.
#[derive(Clone, Default)]
struct Course {
    /// The least that it missed so far, and the seats it had then.
    best: Option<(f64, u32)>,
    /// How often in a row more seats did not better that.
    in_vain: u32,
}

impl Course {
    fn is_over(&self) -> bool {
        self.in_vain >= IN_VAIN
    }

    /// How many seats it shall have instead, if others.
    fn correct(&mut self, lived: &Lived, need: &Need, target: &Target) -> Option<u32> {
        let missing = lived.missing_seats(target, SIGNIFICANT);
        if missing <= 0.0 || self.is_over() {
            return None;
        }
        match self.best {
            Some((least, seats)) if missing >= least => {
                self.in_vain += 1;
                if self.is_over() {
                    return Some(seats);
                }
            }
            _ => (self.best, self.in_vain) = (Some((missing, need.seats)), 0),
        }
        let more = lived.more_seats(need.seats, target);
        let seats = need.seats.saturating_add(more).min(MOST_SEATS);
        (seats > need.seats).then_some(seats)
    }
}

/// Where no half hour misses the target by more than chance, but all together do: one seat more where
/// most callers are short of it and seats may help.
fn missing_in_the_day(
    lived: &[Lived],
    courses: &[Course],
    needs: &[Need],
    target: &Target,
) -> Option<(usize, u32)> {
    let short = |of: fn(&Lived) -> Ratio, target: f64| {
        let each = lived.iter().zip(courses).enumerate();
        let each = each.filter(|(_, (_, course))| !course.is_over());
        let each = each.map(|(at, (lived, _))| {
            let ratio = of(lived);
            (at, target * ratio.all as f64 - ratio.of as f64)
        });
        let sum: f64 = each.clone().map(|(_, short)| short).sum();
        let most = each.max_by(|(_, a), (_, b)| a.total_cmp(b));
        most.filter(|_| sum > 0.0).map(|(at, _)| at)
    };
    let answered = short(|lived| lived.let_in.ratio, target.answered);
    let at = answered.or_else(|| short(|lived| lived.in_time.ratio, target.in_time))?;
    let seats = needs.get(at)?.seats;
    (seats < MOST_SEATS).then_some((at, seats + 1))
}

/// Lives through the days; notes what was counted in each half hour of the day, and says it with its
/// spread, and that of the whole time.
fn live(
    scenario: &Scenario,
    needs: &mut [Need],
    target: &Target,
    seed: u64,
    progress: &mut dyn FnMut(f64),
) -> (Vec<Lived>, Lived) {
    let mut staffed = scenario.ordinary_day();
    staffed.days = scenario.days;
    staffed.forecasts = false;
    let seats: Vec<u32> = needs.iter().map(|need| need.seats).collect();
    staffed.staff(&seats);
    let length = staffed.length().as_millis() as f64;
    let mut told = 0_u64;
    let report = day::run(&staffed, seed, &mut |record| {
        let minute = record.stamped.up_ms / 60_000;
        if minute != told {
            told = minute;
            progress(record.stamped.up_ms as f64 / length);
        }
    });
    let half_hours = needs.iter_mut().enumerate().map(|(at, need)| {
        let days = report.half_hours.iter().skip(at).step_by(HALF_HOURS);
        let days: Vec<day::Figures> = days.map(|half_hour| half_hour.all).collect();
        let lived = Lived::of(&days, target);
        need.simulated = Some((lived.answered.ratio, lived.in_time.ratio));
        lived
    });
    let half_hours = half_hours.collect();
    let days = report.half_hours.chunks(HALF_HOURS).map(|day| {
        let mut sum = day::Figures::default();
        day.iter().for_each(|half_hour| sum.add(&half_hour.all));
        sum
    });
    let days: Vec<day::Figures> = days.collect();
    (half_hours, Lived::of(&days, target))
}
