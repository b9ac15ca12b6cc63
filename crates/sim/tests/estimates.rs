//! Whether callers wait as long as the engine would tell them: the table of `README.md`.

#![cfg(test)]

use hotline_sim::{
    calibration::{Calibration, Row},
    day::{self, Scenario},
};

fn estimates(name: &str) -> Calibration {
    let file = format!("{}/../../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap();
    let scenario = Scenario::read(&text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
    day::run(&scenario, scenario.seed, &mut |_| {}).estimates
}

/// What the README states: of each kind of estimate more than four waits in five are in the range,
/// and few are longer than it.
fn judge(name: &str, calibration: &Calibration) {
    println!("{name}\n{calibration}");
    let many = |row: &&Row| row.known >= 500;
    for row in calibration.rows.iter().filter(many) {
        let coverage = row.coverage().unwrap();
        assert!((0.80..=0.97).contains(&coverage), "{name}: {row:?}");
        assert!(row.longer * 10 < row.known, "{name}: {row:?}");
    }
    assert_eq!(
        calibration.total().known,
        calibration.rows.iter().map(|row| row.known).sum::<u64>()
    );
}

#[test]
fn a_week_short_of_seats_keeps_what_it_promises() {
    let calibration = estimates("short-week");
    judge("short-week", &calibration);
    let many = calibration.rows.iter().filter(|row| row.known >= 500);
    assert_eq!(many.count(), 6, "every kind of estimate was made");
}

#[test]
fn a_surge_keeps_it_too() {
    judge("hangzhou-surge", &estimates("hangzhou-surge"));
}
