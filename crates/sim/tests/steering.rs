//! The service level is watched over whole days: an alert comes before the figures of the past are
//! bad, does not flap, and there is none on a day like the others.

#![cfg(test)]

use hotline_model::event::Event;
use hotline_sim::day::{self, MIDNIGHT, Scenario};
use hotline_store::{Folds, Record};

/// A day of 150 calls in each half hour from eight to eight, with seats that are enough for it.
const DAY: &str = "
days = 1
seed = 7
greeting_s = 5
[calls]
per_half_hour = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150,
    150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150,
    0, 0, 0, 0, 0, 0, 0, 0,
]
[patience]
kind = \"exponential\"
mean_s = 90
[answer]
kind = \"fixed\"
mean_s = 3
[[queues]]
name = \"general\"
handling = { kind = \"lognormal\", mean_s = 180, sd_s = 140 }
wrap_up = { kind = \"exponential\", mean_s = 30 }
[[seats]]
count = 26
from = \"07:30\"
to = \"20:30\"
";

const SURGE: &str = "
[[surges]]
from = \"14:00\"
to = \"14:40\"
factor = 3.0
";

/// When it begins, minutes since midnight.
const SURGE_FROM: i64 = 14 * 60;

/// Minutes since midnight at which something was so for the first time.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    alerts: Vec<i64>,
    recoveries: Vec<i64>,
    needed: Vec<Option<u32>>,
    /// The rolling 24 hours fell below 95 %.
    rolling_breach: Option<i64>,
}

impl Seen {
    fn note(&mut self, folds: &Folds, record: &Record) {
        let at = record.stamped.at;
        let minute = (at.0 - MIDNIGHT.0) / 60_000;
        match &record.stamped.event {
            Event::ServiceLevelAlerted { .. } => self.alerts.push(minute),
            Event::ServiceLevelRecovered { .. } => self.recoveries.push(minute),
            Event::StaffingForecast { needed, .. } => self.needed.push(*needed),
            Event::CallEnded { .. } => {
                let bad = |answers: u64, requests: u64| {
                    requests >= 50 && (answers as f64) < 0.95 * requests as f64
                };
                let day = folds.counters().counts(at);
                if bad(day.answers, day.human_requests()) {
                    self.rolling_breach.get_or_insert(minute);
                }
            }
            _ => {}
        }
    }
}

fn live(text: &str) -> Seen {
    let scenario = Scenario::read(text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut folds = Folds::new(0);
    let mut seen = Seen::default();
    day::run(&scenario, scenario.seed, &mut |record| {
        folds.apply(record);
        seen.note(&folds, record);
    });
    seen
}

#[test]
fn a_surge_is_told_before_the_figures_are_bad() {
    let seen = live(&format!("{DAY}{SURGE}"));
    let [alert] = seen.alerts[..] else {
        panic!("one alert for one surge: {seen:?}");
    };
    let surge = SURGE_FROM;
    assert!((surge..surge + 6).contains(&alert), "{alert} of {seen:?}");
    let rolling = seen.rolling_breach.expect("the surge is felt all day");
    assert!(alert < rolling, "{alert}, {rolling}");
    let [recovered] = seen.recoveries[..] else {
        panic!("it is over once: {seen:?}");
    };
    assert!(
        (surge + 40..surge + 75).contains(&recovered),
        "{recovered} of {seen:?}"
    );
    let most = seen.needed.iter().flatten().max().copied().unwrap();
    assert!((60..90).contains(&most), "three times 17 erlang: {most}");
}

#[test]
fn a_day_like_the_others_has_no_alert() {
    for seed in 1..=10 {
        let day = DAY.replace("seed = 7", &format!("seed = {seed}"));
        let seen = live(&day);
        assert!(seen.alerts.is_empty(), "seed {seed}: {seen:?}");
        assert!(seen.needed.len() > 50, "forecasts were made");
        assert!(seen.needed.iter().flatten().all(|&needed| needed < 40));
    }
}

#[test]
fn nothing_is_forecast_where_nobody_works_or_few_call() {
    let night = DAY.replace("150", "1").replace("count = 26", "count = 2");
    assert!(live(&night).needed.is_empty());
    // Everybody leaves at two o'clock: from then on it is not known, and callers wait: an alert.
    let gone = live(&DAY.replace("20:30", "14:00"));
    assert_eq!(gone.needed.last(), Some(&None));
    assert_eq!(gone.alerts, [14 * 60], "{gone:?}");
}
