//! `hotline plan`: how many seats each half hour needs for a target.

mod history;
mod sheet;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hotline_sim::{
    day::Scenario,
    plan::{self, Demand, Judgement, Need, Share, Target, Within},
};

use super::{
    Failure,
    simulate::{advance, clock, progress_bar, read},
};

/// Calls that a check lives through: enough that a half hour of a middling hotline has some thousand,
/// few enough for seconds of work.
const CHECKED_CALLS: f64 = 100_000.0;

/// Fewest and most days of a check: fewer say too little of how much days differ by chance.
const CHECKED_DAYS: (f64, f64) = (10.0, 60.0);

/// See the module.
#[derive(Args)]
pub struct Plan {
    /// A scenario (.toml), or a history (.csv): interval start, calls, mean handling seconds.
    from: PathBuf,
    /// Share of the calls that a human should answer, percent.
    #[arg(long, default_value_t = 95.0, value_name = "PERCENT")]
    answered: f64,
    /// Share of the calls that should be answered in time, percent; 0: does not matter.
    #[arg(long, default_value_t = 80.0, value_name = "PERCENT")]
    in_time: f64,
    /// The time, seconds.
    #[arg(long, value_enum, default_value_t = Seconds::S15)]
    within: Seconds,
    /// Reach `--answered` over the whole day instead of in each half hour, with the fewest seat
    /// hours; `--in-time` does not count then.
    #[arg(long)]
    whole_day: bool,
    /// Mean patience of a history's callers, seconds (our default; a scenario has its own).
    #[arg(long, default_value_t = 90.0, value_name = "SECONDS")]
    patience: f64,
    /// Say what the formula says, without the simulation.
    #[arg(long)]
    formula_only: bool,
    /// Where to write the plan: .csv or .xlsx.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The times that the figures know.
#[derive(Clone, Copy, ValueEnum)]
enum Seconds {
    #[value(name = "15")]
    S15,
    #[value(name = "20")]
    S20,
    #[value(name = "30")]
    S30,
}

impl Plan {
    pub fn run(self) -> Result<(), Failure> {
        let target = self.target()?;
        let out = self.out.as_deref();
        let out = out
            .map(|file| Ok((file, sheet::format(file)?)))
            .transpose()?;
        let is_history = self.from.extension().is_some_and(|end| end == "csv");
        let (scenario, demand) = if is_history {
            history::read(&self.from, self.patience)?
        } else {
            let scenario = read(&self.from)?;
            let demand = plan::demand(&scenario);
            (scenario, demand)
        };
        let lines = scenario.lines;
        let (needs, judgement) = self.plan(scenario, &demand, &target)?;
        print(&needs, judgement.as_ref());
        if let Some(judgement) = &judgement {
            self.warn(judgement, &target, lines);
        }
        match out {
            Some((file, format)) => sheet::write(file, format, &needs),
            None => Ok(()),
        }
    }

    /// Says what the simulation found to be short of the target.
    fn warn(&self, judgement: &Judgement, target: &Target, lines: Option<u32>) {
        for warning in warnings(self.whole_day, judgement, target, lines) {
            eprintln!("hotline: {warning}");
        }
    }

    fn target(&self) -> Result<Target, Failure> {
        let share = |percent: f64, name: &str| {
            if (0.0..100.0).contains(&percent) {
                return Ok(percent / 100.0);
            }
            let what = format!("--{name} {percent}: give percent, from 0 to less than 100");
            Err(Failure::wrong(what))
        };
        Ok(Target {
            answered: share(self.answered, "answered")?,
            in_time: share(self.in_time, "in-time")?,
            within: match self.within {
                Seconds::S15 => Within::S15,
                Seconds::S20 => Within::S20,
                Seconds::S30 => Within::S30,
            },
        })
    }

    fn plan(
        &self,
        mut scenario: Scenario,
        demand: &[Demand],
        target: &Target,
    ) -> Result<(Vec<Need>, Option<Judgement>), Failure> {
        let patience_s = scenario.patience.mean_s();
        let needs = if self.whole_day {
            plan::for_the_day(demand, patience_s, target)
        } else {
            plan::by_formula(demand, patience_s, target)
        };
        let mut needs = needs.ok_or_else(|| {
            Failure::wrong("no number of seats reaches the target; take a lower one")
        })?;
        if self.formula_only {
            return Ok((needs, None));
        }
        let calls: f64 = demand.iter().map(|demand| demand.calls).sum();
        let (fewest, most) = CHECKED_DAYS;
        let days = (CHECKED_CALLS / calls).ceil().clamp(fewest, most) as u32;
        scenario = scenario.ordinary_day();
        scenario.days = days;
        let bar = progress_bar();
        let mut progress = |round: u32, part: f64| {
            bar.set_message(format!("round {round}"));
            advance(&bar, part);
        };
        let judgement = if self.whole_day {
            plan::judge(&scenario, &mut needs, target, &mut |part| progress(1, part))
        } else {
            plan::check(&scenario, &mut needs, target, &mut progress)
        };
        bar.finish_and_clear();
        Ok((needs, Some(judgement)))
    }
}

/// What is short of the target in the simulation, in words. Of a whole day's plan the half hours do
/// not count.
fn warnings(
    whole_day: bool,
    judgement: &Judgement,
    target: &Target,
    lines: Option<u32>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let times = |half_hours: &[usize]| {
        let times: Vec<String> = half_hours.iter().map(|&at| clock(at)).collect();
        times.join(", ")
    };
    let (busy, missed): (Vec<usize>, Vec<usize>) = if whole_day {
        (Vec::new(), Vec::new())
    } else {
        let missed = judgement.missed.iter();
        missed.partition(|at| judgement.busy.contains(at))
    };
    if let (false, Some(lines)) = (busy.is_empty(), lines) {
        let times = times(&busy);
        warnings.push(format!(
            "callers hear busy at {times}: no seats mend that, but more than the {lines} `lines` do"
        ));
    }
    if !missed.is_empty() {
        let times = times(&missed);
        warnings.push(format!("the simulation misses the target at {times} still"));
    }
    let in_time = if whole_day { 0.0 } else { target.in_time };
    let both = [
        (&judgement.answered, target.answered),
        (&judgement.in_time, in_time),
    ];
    let below = |(share, target): (&Share, f64)| {
        let value = share.ratio.value().unwrap_or(1.0);
        value + share.half_width().unwrap_or_default() < target
    };
    if warnings.is_empty() && both.into_iter().any(below) {
        warnings.push("the simulated day misses the target".to_owned());
    }
    warnings
}

fn print(needs: &[Need], judgement: Option<&Judgement>) {
    println!(
        "{}",
        sheet::COLUMNS.map(|name| format!("{name:>10}")).join(" ")
    );
    for (at, need) in needs.iter().enumerate() {
        let cells = sheet::cells(at, need).map(|cell| format!("{cell:>10}"));
        println!("{}", cells.join(" "));
    }
    let hours = plan::seat_hours(needs);
    let answered = plan::answered(needs) * 100.0;
    println!("{hours} seat hours a day; Erlang A: {answered:.2} % of the day's calls answered");
    if let Some(judgement) = judgement {
        println!("simulated: {}", interval(&judgement.answered));
    }
}

/// A share with its 99 % confidence interval.
fn interval(share: &Share) -> String {
    let rate = share.ratio.value().unwrap_or_default() * 100.0;
    let half = share.half_width().unwrap_or_default() * 100.0;
    let (of, all, days) = (share.ratio.of, share.ratio.all, share.days);
    format!("{rate:.2} ± {half:.2} % ({of} of {all} calls in {days} days; 99 % interval)")
}

#[cfg(test)]
mod tests {
    use hotline_store::kpi::Ratio;

    use super::*;

    fn plan(folder: &std::path::Path, out: &str) -> Plan {
        Plan {
            from: folder.join("history.csv"),
            answered: 95.0,
            in_time: 80.0,
            within: Seconds::S15,
            whole_day: false,
            patience: 90.0,
            formula_only: false,
            out: Some(folder.join(out)),
        }
    }

    #[test]
    fn a_history_is_planned_as_csv_and_xlsx() {
        let folder = tempfile::tempdir().unwrap();
        let intervals = (8..18).map(|hour| format!("2026-11-20 {hour:02}:00,60,200\n"));
        let history = folder.path().join("history.csv");
        std::fs::write(history, intervals.collect::<String>()).unwrap();
        for out in ["plan.csv", "plan.xlsx"] {
            assert!(plan(folder.path(), out).run().is_ok());
        }
        let csv = std::fs::read_to_string(folder.path().join("plan.csv")).unwrap();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 49);
        assert_eq!(
            lines[0],
            "from,calls,handling_s,erlang_a,seats,answered,in_time,sim_answer,sim_intime"
        );
        assert_eq!(lines[1], "00:00,0.0,0.0,0,0,1.0000,1.0000,,");
        // 6.7 erlang.
        assert!(
            lines[17].starts_with("08:00,60.0,200.0,10,"),
            "{}",
            lines[17]
        );
        let xlsx = std::fs::read(folder.path().join("plan.xlsx")).unwrap();
        assert!(xlsx.starts_with(b"PK"));
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // At once, and not after all the work: the history is not even looked for.
        let failure = plan(folder.path(), "plan.txt").run().unwrap_err();
        assert!(failure.message.contains(".csv or .xlsx"));
        let too_much = Plan {
            answered: 100.0,
            ..plan(folder.path(), "plan.csv")
        };
        assert_eq!(too_much.run().unwrap_err().code, 2);
    }

    #[test]
    fn a_shortage_of_lines_is_named() {
        let share = |of, all| Share {
            ratio: Ratio::new(of, all),
            deviation: 0.001,
            days: 20,
        };
        let mut judgement = Judgement {
            answered: share(900, 1_000),
            in_time: share(990, 1_000),
            missed: vec![18, 19, 30],
            busy: vec![18, 19],
        };
        let target = plan(std::path::Path::new("/nowhere"), "plan.csv").target();
        let target = target.ok().unwrap();
        let told = |whole_day, judgement: &Judgement| {
            warnings(whole_day, judgement, &target, Some(14)).join("; ")
        };
        assert_eq!(
            told(false, &judgement),
            "callers hear busy at 09:00, 09:30: no seats mend that, but more than the 14 `lines` \
             do; the simulation misses the target at 15:00 still"
        );
        assert_eq!(
            told(true, &judgement),
            "the simulated day misses the target"
        );
        judgement.answered = share(949, 1_000);
        assert_eq!(told(true, &judgement), "", "within the interval");
    }
}
