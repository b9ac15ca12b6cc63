//! Plans of seats, and the simulated floor as their judge.

#![cfg(test)]

use hotline_sim::{
    day::{self, Scenario},
    plan::{self, Need, Target, Within},
};

fn nanning() -> Scenario {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/nanning.toml");
    Scenario::read(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn target(answered: f64) -> Target {
    Target {
        answered,
        in_time: 0.0,
        within: Within::S15,
    }
}

/// The day's answer rate: mean of runs and half the width of its 99 % confidence interval.
fn simulated(scenario: &Scenario, needs: &[Need]) -> (f64, f64) {
    let mut staffed = scenario.clone();
    staffed.staff(&needs.iter().map(|need| need.seats).collect::<Vec<_>>());
    staffed.days = 20;
    let runs = (0..10).map(|seed| {
        let report = day::run(&staffed, 100 + seed, &mut |_| {});
        report.total().all.counts.answer_rate().value().unwrap()
    });
    let runs: Vec<f64> = runs.collect();
    let mean = runs.iter().sum::<f64>() / 10.0;
    let square = runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>();
    (mean, 3.250 * (square / 9.0 / 10.0).sqrt())
}

/// Seats for the whole day's answer rate: the half hours' target is the lowest that reaches it.
fn for_the_day(scenario: &Scenario, answered: f64) -> Vec<Need> {
    plan::for_the_day(&plan::demand(scenario), 90.0, &target(answered)).unwrap()
}

#[test]
fn nannings_rates_are_a_matter_of_seats() {
    let scenario = nanning();
    let calls: f64 = plan::demand(&scenario)
        .iter()
        .map(|demand| demand.calls)
        .sum();
    // 406,174 answered at 90.07 % in a year.
    assert!(
        (calls * 365.0 * 0.9007 - 406_174.0).abs() < 100.0,
        "{calls}"
    );
    println!("| answered | seat hours | most seats | Erlang A | simulated |");
    let mut hours = Vec::new();
    for answered in [0.30, 0.9007, 0.95] {
        let needs = for_the_day(&scenario, answered);
        let by_formula = plan::answered(&needs);
        let (mean, half) = simulated(&scenario, &needs);
        let most = needs.iter().map(|need| need.seats).max().unwrap();
        let seat_hours = plan::seat_hours(&needs);
        println!(
            "| {:.2} % | {seat_hours} | {most} | {:.2} % | {:.2} ± {:.2} % |",
            answered * 100.0,
            by_formula * 100.0,
            mean * 100.0,
            half * 100.0
        );
        assert!(by_formula >= answered);
        assert!(mean + half > answered, "{mean} ± {half}");
        // The formula has each half hour in its long run and agents who drop their talk when the
        // shift ends. Talks that go on beyond it better the day's rate by less than this.
        let off = (mean - by_formula).abs();
        assert!(off < half + 0.005, "{mean} ± {half}, {by_formula}");
        hours.push(seat_hours);
    }
    assert!(
        hours[0] * 2.0 < hours[1] && hours[1] < hours[2],
        "{hours:?}"
    );
}

#[test]
fn a_plan_is_corrected_until_the_floor_reaches_the_target() {
    let mut scenario = nanning();
    scenario.days = 30;
    let target = Target {
        in_time: 0.8,
        ..target(0.95)
    };
    let demand = plan::demand(&scenario);
    // One seat fewer than the formula says, everywhere: the simulation must find out.
    let mut needs = plan::by_formula(&demand, 90.0, &target).unwrap();
    for need in &mut needs {
        need.seats = need.seats.saturating_sub(2).max(1);
    }
    let before = plan::seat_hours(&needs);
    assert!(plan::check(&scenario, &mut needs, &target, &mut |_, _| {}));
    assert!(plan::seat_hours(&needs) > before + 12.0, "{before}");
    // Another chance judges: the day reaches both.
    let mut staffed = scenario.clone();
    staffed.staff(&needs.iter().map(|need| need.seats).collect::<Vec<_>>());
    let all = day::run(&staffed, 4_711, &mut |_| {}).total().all;
    assert!(all.counts.answer_rate().value().unwrap() > 0.945);
    assert!(Within::S15.of(&all).value().unwrap() > 0.8);
}
