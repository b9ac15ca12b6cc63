//! Prints the tables of estimated waits of `crates/sim/README.md`:
//! `cargo run -p hotline-sim --example estimates`, or with scenario files as arguments.

use std::{env, fs, process::ExitCode};

use hotline_sim::day::{self, Scenario};

/// Without arguments.
const SCENARIOS: [&str; 5] = [
    "scenarios/short-week.toml",
    "scenarios/hangzhou-surge.toml",
    "crates/sim/tests/held-out/noon-dip.toml",
    "crates/sim/tests/held-out/overloaded-hour.toml",
    "crates/sim/tests/held-out/small-house.toml",
];

fn main() -> ExitCode {
    let mut files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        files = SCENARIOS.map(str::to_owned).into();
    }
    for file in files {
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                println!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        };
        let scenario = match Scenario::read(&text) {
            Ok(scenario) => scenario,
            Err(faults) => {
                println!("{file}: {faults:?}");
                return ExitCode::FAILURE;
            }
        };
        let report = day::run(&scenario, scenario.seed, &mut |_| {});
        println!("{file}\n\n{}", report.estimates);
    }
    ExitCode::SUCCESS
}
