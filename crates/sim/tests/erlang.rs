//! The judge that nobody here wrote: with Poisson arrivals and exponential talks and patience, the
//! simulated floor's probability of wait, mean wait and abandonment are those of Erlang C and
//! Erlang A, over a grid of loads and seats.

#![cfg(test)]

use core::time::Duration;
use std::collections::BTreeMap;

use hotline_acd::erlang::{Load, Waiting};
use hotline_model::{
    CallId,
    event::{Event, Outcome},
};
use hotline_sim::day::{self, Scenario, chance::Spread, scenario::Shift};
use hotline_store::Record;

const HANDLING_S: f64 = 180.0;

/// Independent runs of a cell, and the quantile of Student's t for 99 % and one fewer.
const RUNS: u64 = 10;
const T: f64 = 3.250;

/// Calls of a run, for each twenty seats and for none, and the part that only fills the house.
const CALLS: f64 = 4_000.0;
const WARM_UP: f64 = 0.2;

struct Cell {
    seats: u32,
    load: Load,
}

/// What a run counted: shares that waited and gave up, mean wait in seconds.
type Counted = [f64; 3];

impl Cell {
    fn new(seats: u32, rho: f64, patience: Option<f64>) -> Self {
        let load = Load {
            calls_per_s: rho * f64::from(seats) / HANDLING_S,
            handling_s: HANDLING_S,
            patience_s: patience.map(|share| share * HANDLING_S),
        };
        Self { seats, load }
    }

    fn calls(&self) -> f64 {
        CALLS * (1.0 + f64::from(self.seats) / 20.0)
    }

    fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::read(
            "[calls]\nper_day = 1\n[patience]\nkind = \"fixed\"\nmean_s = 86400\n\
             [[queues]]\nname = \"general\"\ncapacity = 1000000\n\
             handling = { kind = \"exponential\", mean_s = 180 }\n",
        )
        .unwrap();
        scenario.forecasts = false;
        // So many half hours of calls: days for few seats, a part of one for many.
        let half_hours = (self.calls() / self.load.calls_per_s / 1_800.0).ceil() as u32;
        scenario.days = half_hours.div_ceil(48);
        let a_day = half_hours.min(48) as usize;
        scenario.calls = vec![self.load.calls_per_s * 1_800.0; a_day];
        scenario.calls.resize(48, 0.0);
        if let Some(mean_s) = self.load.patience_s {
            scenario.patience = Spread::Exponential { mean_s };
        }
        scenario.shifts = vec![Shift {
            count: self.seats,
            queues: vec![scenario.queues[0].id],
            skills: Vec::new(),
            from: Duration::ZERO,
            to: Duration::ZERO,
            breaks: Vec::new(),
        }];
        scenario
    }

    fn run(&self, seed: u64) -> Counted {
        let scenario = self.scenario();
        let seconds = f64::max(self.calls() / self.load.calls_per_s, 1_800.0);
        let from = (seconds * 1_000.0 * WARM_UP) as u64;
        let mut count = Count::new(from);
        day::run(&scenario, seed, &mut |record| count.happened(record));
        let calls = count.calls as f64;
        [
            count.waits as f64 / calls,
            count.abandons as f64 / calls,
            count.waited_ms as f64 / calls / 1e3,
        ]
    }
}

/// Counts the calls that entered the queue after `from`.
struct Count {
    from: u64,
    entered: BTreeMap<CallId, u64>,
    calls: u64,
    waits: u64,
    abandons: u64,
    waited_ms: u64,
}

impl Count {
    fn new(from: u64) -> Self {
        Self {
            from,
            entered: BTreeMap::new(),
            calls: 0,
            waits: 0,
            abandons: 0,
            waited_ms: 0,
        }
    }

    fn happened(&mut self, record: &Record) {
        let up_ms = record.stamped.up_ms;
        match record.stamped.event {
            Event::QueueEntered { call, .. } if up_ms >= self.from => {
                self.entered.insert(call, up_ms);
            }
            Event::SeatAnswered { call, .. }
            | Event::CallEnded {
                call,
                outcome: Outcome::Abandoned,
                ..
            } => {
                let Some(since) = self.entered.remove(&call) else {
                    return;
                };
                let answered = matches!(record.stamped.event, Event::SeatAnswered { .. });
                self.calls += 1;
                self.waits += u64::from(up_ms > since || !answered);
                self.abandons += u64::from(!answered);
                self.waited_ms += up_ms - since;
            }
            _ => {}
        }
    }
}

fn known(waiting: &Waiting) -> Counted {
    [waiting.waits, waiting.abandons, waiting.mean_wait_s]
}

/// Mean and half the width of the 99 % confidence interval.
fn interval(runs: &[Counted], at: usize) -> (f64, f64) {
    let n = runs.len() as f64;
    let mean = runs.iter().map(|run| run[at]).sum::<f64>() / n;
    let square = runs.iter().map(|run| (run[at] - mean).powi(2)).sum::<f64>();
    (mean, T * (square / (n - 1.0) / n).sqrt())
}

/// The cells of so many seats, the lightest load first. Prints the rows of the table in
/// crates/sim/README.md.
fn agree(seats: u32, light: f64) {
    let mut cells = Vec::new();
    // One seat at 0.9 is in its long run only after months.
    let heavy = if seats == 1 { 0.8 } else { 0.9 };
    for rho in [light, light.midpoint(heavy), heavy] {
        cells.push(Cell::new(seats, rho, None));
    }
    for (rho, patience) in [
        (light, 0.5),
        (0.95, 0.5),
        (1.0, 1.0),
        (1.2, 0.5),
        (1.1, 2.0),
    ] {
        cells.push(Cell::new(seats, rho, Some(patience)));
    }
    let mut outside = Vec::new();
    for (number, cell) in cells.iter().enumerate() {
        let seed = |run| 1_000 * u64::from(seats) + 10 * number as u64 + run * 100_000;
        let runs: Vec<Counted> = (0..RUNS).map(|run| cell.run(seed(run))).collect();
        let known = known(&cell.load.at(cell.seats).unwrap());
        let mut row = String::new();
        for (at, scale) in [(0, 100.0), (1, 100.0), (2, 1.0)] {
            if at == 1 && cell.load.patience_s.is_none() {
                row += " | —";
                continue;
            }
            let (mean, half) = interval(&runs, at);
            // A wait shorter than the millisecond of the events is none.
            let fine = if at == 2 { 0.001 } else { 0.0 };
            if (mean - known[at]).abs() > half + fine {
                let known = known[at];
                outside.push(format!(
                    "cell {number}, figure {at}: {mean} ± {half}, {known}"
                ));
            }
            let (known, mean, half) = (known[at] * scale, mean * scale, half * scale);
            row += &format!(" | {known:.2} / {mean:.2} ± {half:.2}");
        }
        let patience = cell
            .load
            .patience_s
            .map_or("—".to_owned(), |s| format!("{s} s"));
        println!("| {seats} | {:.2} | {patience}{row} |", cell.load.erlangs());
    }
    // By chance alone one in a hundred of right figures lies outside its 99 % interval.
    assert!(outside.len() <= 1, "outside: {outside:#?}");
}

#[test]
fn one_seat_agrees_with_erlang_c_and_a() {
    agree(1, 0.5);
}

#[test]
fn five_seats_agree_with_erlang_c_and_a() {
    agree(5, 0.6);
}

#[test]
fn twenty_seats_agree_with_erlang_c_and_a() {
    agree(20, 0.75);
}

#[test]
fn eighty_seats_agree_with_erlang_c_and_a() {
    agree(80, 0.85);
}
