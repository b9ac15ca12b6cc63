//! A history of calls as a scenario: what an ordinary day of it was like.

use std::{collections::BTreeSet, path::Path};

use hotline_sim::{
    day::{Scenario, chance::Spread, scenario::HALF_HOURS},
    plan::Demand,
};

use crate::cli::Failure;

/// A day like those of the history, and each half hour's demand.
///
/// The file has a line an interval: its start (`YYYY-MM-DD HH:MM`, `YYYY-MM-DDTHH:MM` or `HH:MM`,
/// with or without seconds), calls, and mean handling seconds (may be empty where nobody called).
/// A first line that is no interval is its heading. Intervals of any length count in the half hour
/// they begin in, days are averaged.
pub fn read(file: &Path, patience_s: f64) -> Result<(Scenario, Vec<Demand>), Failure> {
    if !(patience_s > 0.0 && patience_s <= 86_400.0) {
        return Err(Failure::wrong(
            "--patience: give seconds, more than 0 and at most 86400",
        ));
    }
    let cannot = |error: csv::Error| Failure::wrong(format!("{}: {error}", file.display()));
    let mut lines = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(cannot)?;
    let mut sum = Sum {
        dates: BTreeSet::new(),
        half_hours: [(0.0, 0.0); HALF_HOURS],
    };
    for (at, line) in lines.records().enumerate() {
        let line = line.map_err(cannot)?;
        match interval(&line) {
            Ok(interval) => sum.add(&interval),
            // A line of titles.
            Err((START, _)) if at == 0 && !begins_with_digit(&line) => {}
            Err((column, what)) => {
                let number = line.position().map_or(at as u64 + 1, csv::Position::line);
                return Err(Failure::wrong(format!(
                    "{}:{number}: {column}: {what}",
                    file.display()
                )));
            }
        }
    }
    sum.scenario(patience_s)
        .ok_or_else(|| Failure::wrong(format!("{}: no calls in it", file.display())))
}

fn begins_with_digit(line: &csv::StringRecord) -> bool {
    let first = line.get(0).and_then(|cell| cell.bytes().next());
    first.is_some_and(|byte| byte.is_ascii_digit())
}

struct Interval {
    date: String,
    half_hour: usize,
    calls: f64,
    handling_s: f64,
}

/// The first column.
const START: &str = "interval start";

/// Which column is wrong, and why.
type Wrong = (&'static str, String);

fn interval(line: &csv::StringRecord) -> Result<Interval, Wrong> {
    let start = line.get(0).unwrap_or_default();
    let wrong = || {
        let what = format!("`{start}` is not YYYY-MM-DD HH:MM or HH:MM");
        (START, what)
    };
    let (date, time) = start.split_once([' ', 'T']).unwrap_or(("", start));
    let mut parts = time.split(':').map(str::parse::<usize>);
    let (Some(Ok(hour @ 0..24)), Some(Ok(minute @ 0..60))) = (parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let number = |at: usize, column: &'static str| {
        let text = line.get(at).unwrap_or_default();
        let number = text.parse::<f64>().ok();
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| (column, format!("`{text}` is not a number of 0 or more")))
    };
    let calls = number(1, "calls")?;
    let handling_s = if calls > 0.0 {
        number(2, "mean handling seconds")?
    } else {
        0.0
    };
    if calls > 0.0 && handling_s == 0.0 {
        let what = "calls that take no time need no seat".to_owned();
        return Err(("mean handling seconds", what));
    }
    Ok(Interval {
        date: date.to_owned(),
        half_hour: hour * 2 + minute / 30,
        calls,
        handling_s,
    })
}

/// Sums a half hour of the day: calls, and the seconds they took.
struct Sum {
    dates: BTreeSet<String>,
    half_hours: [(f64, f64); HALF_HOURS],
}

impl Sum {
    fn add(&mut self, interval: &Interval) {
        if let Some((calls, seconds)) = self.half_hours.get_mut(interval.half_hour) {
            *calls += interval.calls;
            *seconds += interval.calls * interval.handling_s;
        }
        self.dates.insert(interval.date.clone());
    }

    fn scenario(&self, patience_s: f64) -> Option<(Scenario, Vec<Demand>)> {
        let days = self.dates.len() as f64;
        let all: f64 = self.half_hours.iter().map(|(calls, _)| calls).sum();
        let seconds: f64 = self.half_hours.iter().map(|(_, seconds)| seconds).sum();
        if all <= 0.0 {
            return None;
        }
        let each = self.half_hours.iter();
        let demand = each.map(|&(calls, seconds)| Demand {
            calls: calls / days,
            handling_s: if calls > 0.0 { seconds / calls } else { 0.0 },
            answer_s: 0.0,
        });
        let demand: Vec<Demand> = demand.collect();
        let mut scenario = Scenario::read(PLAIN).ok()?;
        scenario.calls = demand.iter().map(|demand| demand.calls).collect();
        scenario.patience = Spread::Exponential { mean_s: patience_s };
        let mean_s = seconds / all;
        for queue in &mut scenario.queues {
            queue.handling = Spread::Exponential { mean_s };
        }
        let factors = demand.iter().map(|demand| demand.handling_s / mean_s);
        scenario.talk_factors = factors.collect();
        Some((scenario, demand))
    }
}

/// The scenario that a history fills in.
const PLAIN: &str = "
[calls]
per_day = 1
[patience]
kind = \"exponential\"
mean_s = 90
[[queues]]
name = \"history\"
handling = { kind = \"exponential\", mean_s = 180 }
";

#[cfg(test)]
mod tests {
    use hotline_sim::day::{self, scenario::HALF_HOUR};

    use super::*;

    fn history(text: &str) -> Result<(Scenario, Vec<Demand>), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.csv");
        std::fs::write(&file, text).unwrap();
        let shown = format!("{}:", file.display());
        read(&file, 90.0).map_err(|failure| failure.message.replace(&shown, "history.csv:"))
    }

    #[test]
    fn days_are_averaged_and_short_intervals_added() {
        let text = "start,calls,handling\n2026-11-20 09:00,30,200\n2026-11-20 09:15,10,100\n\
                    2026-11-21T09:00:00,60,200\n2026-11-21 23:30,0,\n";
        let (scenario, demand) = history(text).unwrap();
        let nine = HALF_HOUR * 18;
        assert_eq!(
            demand[18],
            Demand {
                calls: 50.0,
                handling_s: 190.0,
                answer_s: 0.0,
            }
        );
        assert_eq!((demand[47].calls, demand[0].calls), (0.0, 0.0));
        assert_eq!(scenario.calls[18], 50.0);
        assert_eq!(scenario.handling_s(nine), 190.0);
    }

    #[test]
    fn the_simulation_has_each_half_hours_handling_time() {
        let text = "09:00,300,100\n20:00,100,500\n";
        let (mut scenario, demand) = history(text).unwrap();
        for (at, demand) in demand.iter().enumerate().filter(|(_, it)| it.calls > 0.0) {
            let from = HALF_HOUR * at as u32;
            assert!((scenario.handling_s(from) - demand.handling_s).abs() < 1e-9);
        }
        scenario.staff(&[400; HALF_HOURS]);
        let report = day::run(&scenario, 1, &mut |_| {});
        for (half_hour, mean_s) in [(18, 100.0), (40, 500.0)] {
            let found = report.time_of_day(half_hour).all.handling_s().unwrap();
            // 100 exponential talks: a tenth is their mean's deviation.
            assert!((found / mean_s - 1.0).abs() < 0.3, "{half_hour}: {found}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        for (text, told) in [
            (
                "a,b,c\n9 o'clock,1,1\n",
                "history.csv:2: interval start: `9 o'clock` is not",
            ),
            (
                "09:00,many,1\n09:30,1,1\n",
                "history.csv:1: calls: `many` is not a number",
            ),
            (
                "9 o'clock,1,1\n09:30,1,1\n",
                "history.csv:1: interval start: `9 o'clock` is not",
            ),
            (
                "09:00,1,1\n09:30,2,\n",
                "history.csv:2: mean handling seconds: `` is not",
            ),
            (
                "09:00,1,1\n24:00,2,3\n",
                "history.csv:2: interval start: `24:00` is not",
            ),
            ("start,calls,handling\n", "history.csv: no calls in it"),
        ] {
            let found = history(text).unwrap_err();
            assert!(found.starts_with(told), "{found}");
        }
    }
}
