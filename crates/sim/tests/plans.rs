//! Plans of seats, and the simulated floor as their judge.

#![cfg(test)]

use core::time::Duration;

use hotline_sim::{
    day::{self, Scenario, chance::Spread, scenario::Surge},
    plan::{self, Demand, Need, Target, Within},
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
    staffed.forecasts = false;
    let runs = (0..10).map(|seed| {
        let report = day::run(&staffed, 100 + seed, &mut |_| {});
        report.total().all.counts.answer_rate().value().unwrap()
    });
    let runs: Vec<f64> = runs.collect();
    let mean = runs.iter().sum::<f64>() / 10.0;
    let square = runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>();
    (mean, 3.250 * (square / 9.0 / 10.0).sqrt())
}

/// Seats for the whole day's answer rate, fewest in sum.
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
    // Two seats fewer than the formula says, everywhere: the simulation must find out.
    let mut needs = plan::by_formula(&demand, 90.0, &target).unwrap();
    for need in &mut needs {
        need.seats = need.seats.saturating_sub(2).max(1);
    }
    let before = plan::seat_hours(&needs);
    let judgement = plan::check(&scenario, &mut needs, &target, &mut |_, _| {});
    assert_eq!(judgement.missed, [0_usize; 0]);
    assert_eq!((judgement.answered.days, judgement.in_time.days), (30, 30));
    assert!(plan::seat_hours(&needs) > before + 12.0, "{before}");
    // Another chance judges: the day reaches both.
    let mut staffed = scenario.clone();
    staffed.staff(&needs.iter().map(|need| need.seats).collect::<Vec<_>>());
    let all = day::run(&staffed, 4_711, &mut |_| {}).total().all;
    assert!(all.counts.answer_rate().value().unwrap() > 0.945);
    assert!(Within::S15.of(&all).value().unwrap() > 0.8);
}

#[test]
fn seats_are_not_asked_for_where_lines_are_short() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scenarios/county-surge.toml"
    );
    let mut county = Scenario::read(&std::fs::read_to_string(file).unwrap()).unwrap();
    county.days = 10;
    let target = Target {
        in_time: 0.8,
        ..target(0.95)
    };
    let demand = plan::demand(&county);
    let mut needs = plan::by_formula(&demand, county.patience.mean_s(), &target).unwrap();
    let by_formula = plan::seat_hours(&needs);
    let mut rounds = 0;
    let judgement = plan::check(&county, &mut needs, &target, &mut |round, _| {
        rounds = rounds.max(if round < 16 { round } else { 0 });
    });
    assert!(rounds < 15, "{rounds}");
    // Fourteen lines for the 120 erlang of the hour from nine.
    assert_eq!(judgement.busy, [18, 19, 20], "{judgement:?}");
    assert!(judgement.missed.starts_with(&judgement.busy));
    assert!(plan::seat_hours(&needs) < by_formula * 1.1, "{by_formula}");
}

#[test]
fn an_ordinary_day_has_the_mean_calls_and_every_days_surges() {
    let mut scenario = nanning();
    scenario.days = 4;
    scenario.day_factors = vec![2.0, 0.5];
    let surge = |hour: u64, day| Surge {
        from: Duration::from_secs(hour * 3_600),
        to: Duration::from_secs((hour + 1) * 3_600),
        factor: 3.0,
        day,
    };
    scenario.surges = vec![surge(9, None), surge(15, Some(0))];
    let found = plan::demand(&scenario);
    for (at, (calls, found)) in scenario.calls.iter().zip(&found).enumerate() {
        let surges = if (18..20).contains(&at) { 3.0 } else { 1.0 };
        let known = calls * 1.25 * surges;
        assert!((found.calls - known).abs() < 1e-9, "half hour {at}");
    }
}

#[test]
fn the_formula_counts_the_ringing_against_the_time() {
    let mut scenario = nanning();
    scenario.answer = Spread::Fixed { mean_s: 5.0 };
    let demand = plan::demand(&scenario)[18];
    assert_eq!((demand.answer_s, demand.handling_s), (5.0, 215.0));
    let in_time = |within, answer_s| {
        let target = Target {
            within,
            ..target(0.9)
        };
        let demand = Demand { answer_s, ..demand };
        plan::with_seats(demand, 90.0, &target, 8).in_time
    };
    assert_eq!(in_time(Within::S20, 5.0), in_time(Within::S15, 0.0));
    assert_eq!(in_time(Within::S15, 16.0), 0.0);
    // Nobody is answered in 15 s who is rung for 20.
    let slow = [Demand {
        answer_s: 20.0,
        ..demand
    }];
    let target = Target {
        in_time: 0.5,
        ..target(0.9)
    };
    assert_eq!(plan::by_formula(&slow, 90.0, &target), None);
    // The simulated floor agrees but for those who give up while a seat is rung for them.
    let target = Target {
        within: Within::S15,
        ..target
    };
    let needs = plan::by_formula(&plan::demand(&scenario), 90.0, &target);
    let mut needs = needs.unwrap();
    scenario.days = 20;
    let judgement = plan::judge(&scenario, &mut needs, &target, &mut |_| {});
    let calls: f64 = needs.iter().map(|need| need.demand.calls).sum();
    let formula = needs.iter().map(|need| need.demand.calls * need.in_time);
    let formula = formula.sum::<f64>() / calls;
    let found = judgement.in_time.ratio.value().unwrap();
    assert!((found - formula).abs() < 0.03, "{found}, {formula}");
}

#[test]
fn a_metropolis_is_planned_for_the_day_with_the_gains_kept() {
    let demand = vec![
        Demand {
            calls: 1_450.0,
            handling_s: 240.0,
            answer_s: 3.0,
        };
        48
    ];
    let target = target(0.95);
    let needs = plan::for_the_day(&demand, 90.0, &target).unwrap();
    let seats: Vec<u32> = needs.iter().map(|need| need.seats).collect();
    // Alike half hours differ by a seat at most, and one seat fewer would not do.
    let (least, most) = (seats.iter().min().unwrap(), seats.iter().max().unwrap());
    assert!(most - least <= 1, "{seats:?}");
    assert!(plan::answered(&needs) >= 0.95);
    let fewer = plan::with_seats(demand[0], 90.0, &target, *least - 1);
    assert!(fewer.answered < 0.95);
}
