//! `hotline simulate`: a day of the real floor in virtual time, from a scenario file.

mod plot;
mod table;

use std::{
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use clap::Args;
use hotline_sim::day::{self, Report, Scenario};
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::config::fault::FileFaults;
pub(super) use table::{clock, share};

/// Steps of a progress bar.
const STEPS: u64 = 1_000;

/// See the module.
#[derive(Args)]
pub struct Simulate {
    /// The scenario, TOML; scenarios/ has examples.
    scenario: PathBuf,
    /// Chance of another day than the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for half-hours.csv, totals.csv, calls.svg and rates.svg.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Simulate {
    pub fn run(self) -> Result<(), Failure> {
        let scenario = read(&self.scenario)?;
        if scenario.shifts.is_empty() {
            return Err(Failure::wrong(format!(
                "{}: nobody answers; add [[seats]], or ask `hotline plan` how many are needed",
                self.scenario.display()
            )));
        }
        if let Some(out) = &self.out {
            fs::create_dir_all(out).map_err(|error| cannot_write(out, &error))?;
        }
        let report = live(&scenario, self.seed.unwrap_or(scenario.seed));
        table::print(&report);
        match &self.out {
            Some(out) => write(out, &report),
            None => Ok(()),
        }
    }
}

/// Reads a scenario; every fault with file, line and key.
pub(super) fn read(file: &Path) -> Result<Scenario, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::wrong(format!("{} cannot be read: {error}", file.display())))?;
    Scenario::read(&text).map_err(|faults| {
        let faults = FileFaults {
            file: file.to_owned(),
            text,
            faults,
        };
        Failure::wrong(format!("the scenario cannot be used\n{faults}"))
    })
}

fn live(scenario: &Scenario, seed: u64) -> Report {
    let bar = progress_bar();
    let length = scenario.length().as_millis() as f64;
    let mut told = 0;
    let report = day::run(scenario, seed, &mut |record| {
        let minute = record.stamped.up_ms / 60_000;
        if minute != told {
            told = minute;
            advance(&bar, record.stamped.up_ms as f64 / length);
        }
    });
    bar.finish_and_clear();
    report
}

/// A bar on the terminal; none where nobody looks.
pub(super) fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(STEPS);
    // The template is ours and right; without it the bar has the usual look.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Shows the part that is done, 0 to 1.
pub(super) fn advance(bar: &ProgressBar, part: f64) {
    bar.set_position((part.clamp(0.0, 1.0) * STEPS as f64) as u64);
}

fn cannot_write(folder: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::world(format!("{} cannot be written: {error}", folder.display()))
}

fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    let fault = |error: &dyn std::fmt::Display| cannot_write(folder, error);
    table::half_hours(&folder.join("half-hours.csv"), report).map_err(|error| fault(&error))?;
    table::totals(&folder.join("totals.csv"), report).map_err(|error| fault(&error))?;
    plot::calls(&folder.join("calls.svg"), report).map_err(|error| fault(&error))?;
    plot::rates(&folder.join("rates.svg"), report).map_err(|error| fault(&error))?;
    println!("written: {}", folder.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hotline_model::event::{Event, Outcome};

    use super::*;

    const SHORT: &str = "
lines = 4
[calls]
per_day = 1200
[redials.busy]
share = 0.5
after_s = 60
most = 2
[patience]
kind = \"exponential\"
mean_s = 60
[[queues]]
name = \"general\"
handling = { kind = \"exponential\", mean_s = 180 }
[[queues]]
name = \"english\"
share = 0.2
handling = { kind = \"fixed\", mean_s = 200 }
[[seats]]
count = 3
from = \"00:00\"
to = \"00:00\"
";

    /// What the same day's records say: the columns `inbound` to `refused` of the totals, of all
    /// calls and of both queues. A queue's inbound are those who asked for a human.
    fn counted() -> [Vec<u64>; 3] {
        let scenario = Scenario::read(SHORT).unwrap();
        let mut rows = [[0; 7]; 3];
        let mut asked = BTreeMap::new();
        day::run(&scenario, 5, &mut |record| {
            let mut count = |row: usize, columns: &[usize]| {
                for &column in columns {
                    rows[row][column] += 1;
                }
            };
            match record.stamped.event {
                Event::CallArrived { .. } => count(0, &[0]),
                Event::InviteRejected { .. } => count(0, &[0, 1]),
                Event::QueueEntered { call, queue, .. } => {
                    let row = if queue.as_str() == "english" { 1 } else { 2 };
                    let at_ms = record.stamped.up_ms;
                    asked.insert(call, (row, at_ms));
                    count(row, &[0]);
                }
                Event::CallEnded { call, outcome, .. } => {
                    let (row, since) = asked[&call];
                    let short = record.stamped.up_ms - since < 5_000;
                    let columns: &[usize] = match (outcome, short) {
                        (Outcome::Answered, _) => &[2],
                        (Outcome::Abandoned, true) => &[3, 4],
                        (Outcome::Abandoned, false) => &[3],
                        _ => panic!("{outcome:?}"),
                    };
                    count(0, columns);
                    count(row, columns);
                }
                _ => {}
            }
        });
        let [all, ..] = rows;
        assert!(all.iter().take(5).all(|&count| count > 0), "{all:?}");
        rows.map(|row| row.to_vec())
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.toml");
        fs::write(&file, SHORT).unwrap();
        let simulate = Simulate {
            out: Some(file.join("day")),
            scenario: file,
            seed: None,
        };
        let failure = simulate.run().unwrap_err();
        assert!(failure.message.contains("cannot be written"));
    }

    fn rows(file: &Path) -> Vec<csv::StringRecord> {
        let mut csv = csv::Reader::from_path(file).unwrap();
        csv.records().map(Result::unwrap).collect()
    }

    #[test]
    fn a_day_is_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.toml");
        fs::write(&file, SHORT).unwrap();
        let out = folder.path().join("day");
        let simulate = Simulate {
            scenario: file,
            seed: Some(5),
            out: Some(out.clone()),
        };
        assert!(simulate.run().is_ok());

        let header = fs::read_to_string(out.join("totals.csv")).unwrap();
        assert_eq!(
            header.lines().next().unwrap(),
            "queue,inbound,rejected,answered,abandoned,abandoned_short,timed_out,refused,\
             k1_answer_rate,k2_in_time_rate,k3_in_15s,k3_in_20s,k3_in_30s,k4_human_requests,\
             k5a_handled_only,k5b_abandon_ignored,k5c_abandon_negative,k5d_abandon_positive,\
             k6_abandon_rate,k7_mean_wait_s,k7_longest_wait_s,k8_handling_s,k8_talk_s,\
             overflowed_on,offers_not_answered,callbacks,callback_attempts,callbacks_reached,\
             callbacks_unreached,callback_reached_rate"
        );
        let totals = rows(&out.join("totals.csv"));
        let names: Vec<&str> = totals.iter().map(|row| &row[0]).collect();
        assert_eq!(names, ["all", "english", "general"]);
        let half_hours = rows(&out.join("half-hours.csv"));
        let count = |row: &csv::StringRecord, at: usize| row[at].parse::<u64>().unwrap();
        for (column, of_half_hour) in (1..8).zip(3..) {
            for total in &totals {
                let of_queue = half_hours.iter().filter(|row| row[2] == total[0]);
                let sum: u64 = of_queue.map(|row| count(row, of_half_hour)).sum();
                assert_eq!(sum, count(total, column), "column {column}");
            }
        }
        let [all, english, general] = [&totals[0], &totals[1], &totals[2]].map(|row| {
            let counts = (1..8).map(|column| count(row, column));
            counts.collect::<Vec<u64>>()
        });
        assert_eq!([all, english, general], counted(), "by the records alone");
        for plot in ["calls.svg", "rates.svg"] {
            let plot = fs::read_to_string(out.join(plot)).unwrap();
            assert!(plot.starts_with("<svg") && plot.contains("polyline"));
        }
    }

    #[test]
    fn faults_are_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.toml");
        fs::write(&file, SHORT.replace("count = 3", "count = 0")).unwrap();
        let failure = read(&file).unwrap_err();
        assert_eq!(failure.code, 2);
        let told = format!("{}:20: `count` must be at least 1", file.display());
        assert!(failure.message.contains(&told), "{}", failure.message);

        fs::write(&file, SHORT.split("[[seats]]").next().unwrap()).unwrap();
        let nobody = Simulate {
            scenario: file,
            seed: None,
            out: None,
        };
        assert!(nobody.run().is_err_and(|failure| failure.code == 2));
    }
}
