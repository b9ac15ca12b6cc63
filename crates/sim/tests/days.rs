//! The scenarios that ship: each is read, lived through and judged.

#![cfg(test)]

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use hotline_acd::OverflowTo;
use hotline_model::{SkillId, event::Event};
use hotline_sim::{
    checks::Checks,
    day::{self, HalfHour, Report, Scenario, chance::Spread, scenario::Surge},
    plan::{self, Target, Within},
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
    let report = day::judged(scenario, scenario.seed, &mut |record| {
        checks.happened(&record.stamped);
        match record.stamped.event {
            Event::CallArrived { .. } => arrived += 1,
            Event::CallEnded { .. } => ended += 1,
            _ => {}
        }
    });
    let report = report.unwrap();
    assert_eq!(checks.story(), Ok(()));
    assert_eq!(checks.open_promise(), None);
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
    let report = live(&scenario);
    let all = report.total().all;
    assert!((69_000..75_000).contains(&all.counts.inbound()), "{all:?}");
    assert!(rate(&report) > 0.9, "{all:?}");
}

#[test]
fn a_district_sends_callers_on_and_calls_them_back() {
    let scenario = scenario("district-day");
    let report = live(&scenario);
    let HalfHour { all, queues } = report.total();
    assert!((1_900..2_500).contains(&all.counts.inbound()), "{all:?}");
    // The pool answers whom the house sends on, and nobody else.
    let of = |name: &str| {
        let mut queues = queues.iter();
        queues.find(|(id, _)| id.as_str() == name).unwrap().1
    };
    assert!(of("pool").counts.answers > 20, "{:?}", of("pool"));
    assert!(all.sent_on > 20, "{all:?}");
    // Three in a hundred offers.
    let offers = all.counts.answers + all.not_answered + all.attempts;
    let not_answered = all.not_answered as f64 / offers as f64;
    assert!((0.01..0.06).contains(&not_answered), "{all:?}");
    // Three attempts of which seven in ten succeed, but for those whose place ends before.
    assert!(all.callbacks > 40, "{all:?}");
    let reached = all.reached_rate().value().unwrap();
    assert!((0.85..=1.0).contains(&reached), "{all:?}");
    assert_eq!(all.callbacks, all.reached + all.counts.unreached);
    assert!(all.attempts > all.reached, "{all:?}");
    assert!(of("dialect").callbacks > 0, "{:?}", of("dialect"));
    // At noon more hang up for the promise than in the hours before.
    let hours = |from: usize, to: usize| {
        let half_hours = report.half_hours[2 * from..2 * to].iter();
        half_hours
            .map(|half_hour| half_hour.all.callbacks)
            .sum::<u64>()
    };
    assert!(
        hours(11, 14) > hours(8, 11),
        "{} {}",
        hours(11, 14),
        hours(8, 11)
    );
}

#[test]
fn without_callbacks_more_of_a_district_give_up() {
    let with = scenario("district-day");
    let mut without = with.clone();
    for queue in &mut without.queues {
        queue
            .rules
            .overflow
            .retain(|rule| matches!(rule.to, OverflowTo::Queue(_)));
    }
    let (with, without) = (live(&with), live(&without));
    let abandoned = |report: &Report| report.total().all.counts.abandoned;
    assert!(abandoned(&with) < abandoned(&without));
    assert_eq!(without.total().all.callbacks, 0);
    assert!(rate(&with) > rate(&without));
}

#[test]
fn skills_priorities_and_absent_agents_do_what_they_say() {
    let handling = "handling = { kind = \"fixed\", mean_s = 100 }";
    let queue = |keys: &str| steady(&[&format!("{handling}\n{keys}")]).unwrap();
    // Nobody can what is asked: nobody is answered, until the widening.
    let asked = queue("skills = \"dialect>=5\"");
    assert_eq!(live(&asked).total().all.counts.answered, 0);
    let mut widened =
        queue("skills = \"dialect>=5\"\nwiden = [{ after_s = 40, skills = \"dialect\" }]");
    widened.shifts[0].skills = vec![(SkillId::new("dialect").unwrap(), 2)];
    let all = live(&widened).total().all;
    assert!(all.counts.answered > 150, "{all:?}");
    assert!(all.mean_wait_s().unwrap() >= 40.0, "{all:?}");
    // Who is first in line waits less where callers of ten have to wait.
    let mut first = steady(&["per_day = 12000"]).unwrap();
    first.queues[0].rules.priorities = vec![1.0, 9.0];
    let (mut entered, mut answered) = (BTreeMap::new(), [(0, 0); 2]);
    day::run(&first, 1, &mut |record| match record.stamped.event {
        Event::QueueEntered { call, priority, .. } => {
            entered.insert(call, usize::from(priority));
        }
        Event::SeatAnswered {
            call,
            since_queue_ms,
            ..
        } => {
            let of = &mut answered[entered[&call]];
            (of.0, of.1) = (of.0 + 1, of.1 + since_queue_ms);
        }
        _ => {}
    });
    let [better, worse] = answered.map(|(calls, ms)| ms / u64::max(calls, 1) / 1_000);
    assert!(better * 5 < worse, "{better} s and {worse} s");
    // Who does not hear the phone is not ready for a while, and the caller goes on.
    let mut away = steady(&["per_day = 2400"]).unwrap();
    away.agents.ignore = 0.3;
    away.agents.back_after = Duration::from_secs(60);
    let all = live(&away).total().all;
    assert!(all.not_answered > 100, "{all:?}");
    assert!(all.counts.answered > 600, "{all:?}");
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let told = |keys: &str| {
        let handling = "handling = { kind = \"fixed\", mean_s = 100 }";
        match steady(&[&format!("{handling}\n{keys}")]) {
            Err(faults) => faults.join("; "),
            Ok(_) => "read".to_owned(),
        }
    };
    let overflow = |rule: &str| told(&format!("overflow = [{{ {rule} }}]"));
    assert_eq!(overflow("after_s = 5, to = \"queue:general\""), "read");
    assert_eq!(
        overflow("after_s = 5, to = \"queue:else\""),
        "no queue is named else"
    );
    let one = "an overflow has one of `after_s`, `estimate_s`, `unstaffed` and `full`";
    assert_eq!(overflow("to = \"queue:general\""), one);
    assert_eq!(
        overflow("full = true, after_s = 5, to = \"queue:general\""),
        one
    );
    let lone = "`for_s` belongs to `unstaffed`";
    assert_eq!(
        overflow("full = true, for_s = 5, to = \"queue:general\""),
        lone
    );
    let nobody = "a callback is offered, and there is no [callbacks]";
    assert_eq!(overflow("after_s = 5, to = \"callback\""), nobody);
    let other = "`to` is \"queue:NAME\" or \"callback\", not script:x; ";
    assert_eq!(
        overflow("after_s = 5, to = \"script:x\""),
        format!("{other}{nobody}")
    );
    assert!(told("skills = \"dialect>=\"").starts_with("`skills`: "));
    let some = "a widening names `skills`, `queues` or both";
    assert_eq!(told("widen = [{ after_s = 5 }]"), some);
    let weights = "`priorities` must be 1 to 10 weights of 0 or more, and not all 0";
    assert_eq!(told("priorities = [0, 0]"), weights);
    assert_eq!(told("ring_s = 0"), "`ring_s` must be 1 to 86400 seconds");
    let agents = "`refuse` and `ignore` must be 0 or more, and less than 1 together";
    assert_eq!(
        steady(&["agents = { refuse = 0.5, ignore = 0.5 }"]).unwrap_err(),
        [agents]
    );
    let share = "callbacks = { accept = 1.5, reached = 0.5, attempts = 0 }";
    assert_eq!(
        steady(&[share]).unwrap_err(),
        ["`attempts` must be 1 to 10", "`accept` must be 0 to 1"]
    );
    let level = "to = \"18:00\"\nskills = { dialect = 11 }";
    assert_eq!(
        steady(&[level]).unwrap_err(),
        ["`skills`: dialect = 11 is no skill with a level from 1 to 10"]
    );
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
fn the_year_of_nanning_is_lived_through_on_its_planned_seats() {
    let mut scenario = scenario("nanning");
    let target = Target {
        answered: 0.9007,
        in_time: 0.0,
        within: Within::S15,
    };
    let needs = plan::for_the_day(&plan::demand(&scenario), 90.0, &target).unwrap();
    scenario.staff(&needs.iter().map(|need| need.seats).collect::<Vec<_>>());
    assert!((rate(&live(&scenario)) - 0.9007).abs() < 0.01);
}

/// Reads a scenario of one steady queue: the text, with these lines instead of those that begin
/// alike, or with them in front.
fn steady(lines: &[&str]) -> Result<Scenario, Vec<String>> {
    let base = [
        "days = 1",
        "[calls]",
        "per_day = 480",
        "[patience]",
        "kind = \"fixed\"",
        "mean_s = 3600",
        "[[queues]]",
        "name = \"general\"",
        "handling = { kind = \"fixed\", mean_s = 100 }",
        "[[seats]]",
        "count = 10",
        "from = \"08:00\"",
        "to = \"18:00\"",
    ];
    let mut text: Vec<&str> = base.to_vec();
    for line in lines {
        let key = line.split('=').next().unwrap();
        match text.iter_mut().find(|other| other.starts_with(key)) {
            Some(other) => *other = line,
            None if line.starts_with('[') => text.push(line),
            None => text.insert(0, line),
        }
    }
    let text = text.join("\n");
    Scenario::read(&text).map_err(|faults| faults.into_iter().map(|fault| fault.what).collect())
}

#[test]
fn an_agent_who_is_slow_to_answer_answers_all_day() {
    let answer = "answer = { kind = \"fixed\", mean_s = 25 }";
    let mut slow = steady(&[answer, "per_day = 480"]).unwrap();
    slow.shifts[0].to = slow.shifts[0].from;
    let all = live(&slow).total().all;
    // Beyond the 20 s that a phone of the engine rings unless told otherwise.
    assert_eq!(all.counts.answered, all.counts.arrived);
    assert_eq!(all.counts.answered_in_15s, 0);
}

#[test]
fn a_wrap_up_that_outlasts_its_shift_is_counted_whole() {
    let mut scenario = steady(&["handling = { kind = \"fixed\", mean_s = 60 }"]).unwrap();
    scenario.queues[0].wrap_up = Spread::Fixed { mean_s: 600.0 };
    // One stays, seven come for each second half hour.
    scenario.staff(&[1, 8].repeat(24));
    let all = live(&scenario).total().all;
    assert!(all.counts.answered > 400, "{all:?}");
    assert_eq!(all.wrap_up_ms, all.counts.answered * 600_000);
    assert_eq!(all.handling_s(), Some(660.0));
}

#[test]
fn nobody_answers_after_the_last_break_of_a_shift() {
    let to = "to = \"18:00\"\nbreaks = [{ from = \"17:00\", to = \"18:00\", minutes = 60 }]";
    let mut scenario = steady(&["per_day = 4800", to]).unwrap();
    scenario.patience = Spread::Fixed { mean_s: 60.0 };
    let report = live(&scenario);
    for (at, half_hour) in report.half_hours.iter().enumerate() {
        // Whoever comes in the minute before eight waits until somebody is there.
        let open = (15..36).contains(&at);
        let answered = half_hour.all.counts.answered;
        assert!(open || answered == 0, "half hour {at}: {answered}");
    }
}

#[test]
fn a_refused_caller_never_stood_in_line() {
    let mut scenario = steady(&[]).unwrap();
    scenario.queues[0].capacity = 2;
    let mut entered = BTreeSet::new();
    let mut refused = BTreeSet::new();
    let report = day::run(&scenario, 1, &mut |record| {
        match record.stamped.event {
            Event::QueueEntered { call, .. } => entered.insert(call),
            Event::QueueRefused { call, .. } => refused.insert(call),
            _ => true,
        };
    });
    let counts = report.total().all.counts;
    assert!(counts.refused > 100, "{counts:?}");
    assert_eq!(counts.refused, refused.len() as u64);
    assert!(entered.is_disjoint(&refused));
    assert_eq!((entered.len() + refused.len()) as u64, counts.arrived);
}

#[test]
fn surges_count_where_they_coincide() {
    let mut scenario = steady(&["days = 2"]).unwrap();
    let surge = |from: u64, to: u64, factor, day| Surge {
        from: Duration::from_secs(from * 3_600),
        to: Duration::from_secs(to * 3_600),
        factor,
        day,
    };
    scenario.surges = vec![
        surge(9, 10, 50.0, None),
        surge(12, 14, 40.0, Some(1)),
        surge(13, 15, 3.0, None),
        surge(20, 21, 0.5, None),
    ];
    scenario.day_factors = vec![2.0, 1.0];
    let usual = 480.0 / 86_400.0;
    let most = scenario.most_calls_per_s();
    // 120 on the second day, 100 on the first.
    assert!((most - 120.0 * usual).abs() < 1e-9, "{}", most / usual);
    // A quiet time until a quarter past: the rest of its half hour is louder.
    scenario.surges = vec![surge(0, 24, 0.0, Some(1)), surge(0, 24, 0.1, Some(0))];
    scenario.surges[1].to -= Duration::from_secs(60);
    assert!((scenario.most_calls_per_s() - 2.0 * usual).abs() < 1e-9);
}

#[test]
fn what_has_no_effect_or_no_end_is_refused() {
    let told = |lines: &[&str]| match steady(lines) {
        Err(faults) => faults.join("; "),
        Ok(_) => "read".to_owned(),
    };
    assert_eq!(told(&[]), "read");
    let queue = |key: &str| {
        let handling = "handling = { kind = \"fixed\", mean_s = 100 }";
        told(&[&format!("{handling}\n{key}")])
    };
    assert_eq!(queue("capacity = 0"), "`capacity` must be at least 1");
    let day = "`longest_wait_s` must be at most 86400 seconds";
    assert_eq!(queue("longest_wait_s = 86401"), day);
    let day = "`threshold_s` must be at most 86400 seconds";
    assert_eq!(queue("threshold_s = 86401"), day);
    let greeting = "`greeting_s` must be 0 to 3600";
    for wrong in ["nan", "-1.0", "3601.0", "inf"] {
        assert_eq!(told(&[&format!("greeting_s = {wrong}")]), greeting);
    }
    let redial = "`share` must be 0 to 1, `after_s` 1 to 86400, and `most` at most 100";
    for wrong in [
        "share = 1.1, after_s = 60.0, most = 2",
        "share = 1.0, after_s = 0.000001, most = 2",
        "share = 1.0, after_s = nan, most = 2",
        "share = 1.0, after_s = 60.0, most = 101",
    ] {
        assert_eq!(told(&[&format!("redials.busy = {{ {wrong} }}")]), redial);
    }
    let surge = |day: u32| {
        let keys = "from = \"09:00\", to = \"10:00\", factor = 2.0";
        told(&["days = 3", &format!("surges = [{{ {keys}, day = {day} }}]")])
    };
    assert_eq!(surge(3), "read");
    let day = "`day` must be from 1 to the scenario's `days`";
    assert_eq!((surge(4).as_str(), surge(0).as_str()), (day, day));
}

#[test]
fn no_limit_of_the_wait_is_written_as_in_queues_toml() {
    let handling = "handling = { kind = \"fixed\", mean_s = 100 }";
    let wait = |seconds: u64| {
        let keys = format!("{handling}\nlongest_wait_s = {seconds}");
        steady(&[&keys]).unwrap().queues[0].longest_wait
    };
    assert_eq!(wait(0), None);
    assert_eq!(wait(90), Some(Duration::from_secs(90)));
}

#[test]
fn breaks_are_in_their_shift_and_apart() {
    let told = |from: &str, to: &str, breaks: &[(&str, &str)]| {
        let breaks = breaks
            .iter()
            .map(|(from, to)| format!("{{ from = \"{from}\", to = \"{to}\", minutes = 30 }}"));
        let breaks = breaks.collect::<Vec<_>>().join(", ");
        let to = format!("to = \"{to}\"\nbreaks = [{breaks}]");
        match steady(&[&format!("from = \"{from}\""), &to]) {
            Err(faults) => faults.join("; "),
            Ok(_) => "read".to_owned(),
        }
    };
    let outside = "the break is not in the time of the shift";
    assert_eq!(told("08:00", "17:00", &[("16:00", "17:00")]), "read");
    assert_eq!(told("08:00", "17:00", &[("16:00", "17:30")]), outside);
    assert_eq!(told("08:00", "17:00", &[("07:00", "08:30")]), outside);
    assert_eq!(told("22:00", "06:00", &[("23:00", "24:00")]), "read");
    assert_eq!(told("22:00", "06:00", &[("03:00", "06:00")]), "read");
    assert_eq!(told("22:00", "06:00", &[("05:00", "07:00")]), outside);
    assert_eq!(told("22:00", "06:00", &[("21:00", "23:00")]), outside);
    assert_eq!(told("00:00", "00:00", &[("05:00", "07:00")]), "read");
    let overlap = "two breaks of the shift overlap";
    let two = [("11:00", "13:00"), ("12:30", "14:00")];
    assert_eq!(told("08:00", "17:00", &two), overlap);
    let two = [("11:00", "13:00"), ("13:00", "14:00")];
    assert_eq!(told("08:00", "17:00", &two), "read");
}

#[test]
fn a_closed_hotline_answers_nobody() {
    let mut empty = scenario("liaocheng-day");
    empty.shifts.clear();
    empty.days = 3;
    let all = live(&empty).total().all;
    assert_eq!(all.counts.answered, 0);
    assert_eq!(all.counts.abandoned, all.counts.arrived);
    assert!(all.longest_ms > Duration::from_secs(300).as_millis() as u64);
}
