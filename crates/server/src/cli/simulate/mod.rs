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

fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::world(format!("{} cannot be written: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(|error| fault(&error))?;
    table::half_hours(&folder.join("half-hours.csv"), report).map_err(|error| fault(&error))?;
    table::totals(&folder.join("totals.csv"), report).map_err(|error| fault(&error))?;
    plot::calls(&folder.join("calls.svg"), report).map_err(|error| fault(&error))?;
    plot::rates(&folder.join("rates.svg"), report).map_err(|error| fault(&error))?;
    println!("written: {}", folder.display());
    Ok(())
}
