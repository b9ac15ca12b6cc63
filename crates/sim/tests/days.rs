//! The scenarios that ship: each is read, lived through and judged.

#![cfg(test)]

use core::time::Duration;

use hotline_model::event::Event;
use hotline_sim::{
    checks::Checks,
    day::{self, HalfHour, Report, Scenario},
};

fn scenario(name: &str) -> Scenario {
    let file = format!("{}/../../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap();
    Scenario::read(&text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

/// Lives through it under the eyes of the judge: nobody is lost, no seat has two calls.
fn live(scenario: &Scenario) -> Report {
    let mut checks = Checks::default();
    let (mut arrived, mut ended) = (0, 0);
    let report = day::run(scenario, scenario.seed, &mut |record| {
        checks.happened(&record.stamped);
        match record.stamped.event {
            Event::CallArrived { .. } => arrived += 1,
            Event::CallEnded { .. } => ended += 1,
            _ => {}
        }
    });
    assert_eq!(checks.story(), Ok(()));
    assert!(arrived > 0);
    assert_eq!(arrived, ended, "every call ends once");
    let HalfHour { all, queues } = report.total();
    assert_eq!(all.counts.arrived, arrived);
    let of_queues = |of: fn(&day::Figures) -> u64| queues.values().map(of).sum::<u64>();
    assert_eq!(of_queues(|f| f.counts.answers), all.counts.answers);
    assert_eq!(of_queues(|f| f.counts.abandoned), all.counts.abandoned);
    assert_eq!(of_queues(|f| f.wrap_up_ms), all.wrap_up_ms);
    assert_eq!(all.counts.human_requests(), arrived, "each asked once");
    report
}

fn rate(report: &Report) -> f64 {
    report.total().all.counts.answer_rate().value().unwrap()
}

#[test]
fn liaocheng_has_a_good_day() {
    let scenario = scenario("liaocheng-day");
    assert_eq!(
        scenario.shifts.iter().map(|shift| shift.count).sum::<u32>(),
        100
    );
    let report = live(&scenario);
    let all = report.total().all;
    assert!((4_700..5_500).contains(&all.counts.inbound()), "{all:?}");
    assert!(rate(&report) > 0.95, "{all:?}");
    assert_eq!(all.counts.rejected, 0);
    // 200 and 45 s, and 260 and 60 s for every tenth.
    let handling = all.handling_s().unwrap();
    assert!((240.0..265.0).contains(&handling), "{handling}");
    assert_eq!(report.half_hours.len(), 48);
    assert_eq!(report.total().queues.len(), 2);
}

#[test]
fn the_same_seed_is_the_same_day() {
    let scenario = scenario("liaocheng-day");
    let report = day::run(&scenario, 7, &mut |_| {});
    assert_eq!(report, day::run(&scenario, 7, &mut |_| {}));
    assert_ne!(report, day::run(&scenario, 8, &mut |_| {}));
}

#[test]
fn hangzhous_surge_outlasts_its_cause() {
    let surge = scenario("hangzhou-surge");
    let mut calm = surge.clone();
    calm.surges.clear();
    let (surge, calm) = (live(&surge), live(&calm));
    let inbound = |report: &Report, at: usize| report.half_hours[at].all.counts.inbound();
    // The half hours from ten: four times the calls, and those who dial again.
    for at in [20, 21] {
        assert!(
            inbound(&surge, at) > 4 * inbound(&calm, at),
            "half hour {at}"
        );
    }
    assert!(
        inbound(&surge, 22) > inbound(&calm, 22),
        "redials after eleven"
    );
    assert!(rate(&calm) > 0.9, "{}", rate(&calm));
    let worst = surge.half_hours[21]
        .all
        .counts
        .answer_rate()
        .value()
        .unwrap();
    assert!(worst < 0.6, "{worst}");
}

#[test]
fn more_lines_let_the_county_wait_instead_of_hearing_busy() {
    let narrow = scenario("county-surge");
    assert_eq!(narrow.lines, Some(14));
    let mut wide = narrow.clone();
    wide.lines = Some(30);
    let (narrow, wide) = (live(&narrow), live(&wide));
    let counts = |report: &Report| {
        let mut hour = report.half_hours[18].all;
        hour.add(&report.half_hours[19].all);
        hour.counts
    };
    let (few, more) = (counts(&narrow), counts(&wide));
    assert!(few.inbound() > 2_300, "{few:?}");
    assert!(few.rejected > more.rejected, "{few:?} {more:?}");
    // Fourteen lines keep sixteen seats idle: nobody waits for a human, most hear busy.
    assert!(few.abandoned < few.rejected / 20, "{few:?}");
    assert!(more.answered > few.answered * 3 / 2, "{few:?} {more:?}");
}

#[test]
fn seventy_thousand_calls_are_lived_through() {
    let scenario = scenario("metropolis-day");
    assert_eq!(
        scenario.shifts.iter().map(|shift| shift.count).sum::<u32>(),
        750
    );
    let report = day::run(&scenario, scenario.seed, &mut |_| {});
    let all = report.total().all;
    assert!((69_000..75_000).contains(&all.counts.inbound()), "{all:?}");
    assert!(rate(&report) > 0.9, "{all:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let text = "\
[calls]
per_day = 0
[patience]
kind = \"exponential\"
mean_s = 90
sd_s = 9
[[queues]]
name = \"general\"
handling = { kind = \"fixed\", mean_s = -1 }
[[seats]]
count = 3
from = \"8 o'clock\"
to = \"999999999999999999:00\"
queues = [\"genral\"]
";
    let faults = Scenario::read(text).unwrap_err();
    let mut found: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.line(text), fault.what))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "12: `8 o'clock` is not a time of day",
            "13: `999999999999999999:00` is not a time of day",
            "14: no queue is named genral",
            "2: `per_day` must be more than 0",
            "3: `patience`: `sd_s` belongs to a lognormal time, and only to that",
            "9: `handling`: `mean_s` must be more than 0 and at most 86400 seconds",
        ]
    );
    let unknown = Scenario::read("dayz = 3").unwrap_err();
    assert!(
        unknown[0].what.contains("unknown field `dayz`"),
        "{unknown:?}"
    );
}

#[test]
fn nobody_calls_a_closed_hotline_twice() {
    let mut empty = scenario("liaocheng-day");
    empty.shifts.clear();
    empty.days = 3;
    let all = live(&empty).total().all;
    assert_eq!(all.counts.answered, 0);
    assert_eq!(all.counts.abandoned, all.counts.arrived);
    assert!(all.longest_ms > Duration::from_secs(300).as_millis() as u64);
}
