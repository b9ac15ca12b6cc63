//! The overflow rules of a queue, one by one: who leaves the line, when, for where, and who stays.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::time::Duration;

use hotline_acd::{Input, Output, Overflow, OverflowTo, OverflowWhen, QueueSettings};
use hotline_model::{
    CallId, ScriptId,
    seat::{Intent, OfferResult, Reason},
};
use support::{World, at, offered, offers, q, queue, seat};

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn waited(s: u64) -> OverflowWhen {
    OverflowWhen::Waited(secs(s))
}

fn script() -> OverflowTo {
    OverflowTo::Script(ScriptId::new("voicemail").unwrap())
}

fn to(name: &str) -> OverflowTo {
    OverflowTo::Queue(q(name))
}

fn with(name: &str, overflow: Vec<(OverflowWhen, OverflowTo)>) -> QueueSettings {
    let rules = overflow.into_iter();
    QueueSettings {
        overflow: rules.map(|(when, to)| Overflow { when, to }).collect(),
        ..queue(name)
    }
}

/// The overflows among the outputs, as (call, rule, why).
fn overflows(outputs: &[Output]) -> Vec<(u64, usize, String)> {
    let overflow = |output: &Output| match output {
        Output::Overflowed {
            call, rule, why, ..
        } => Some((call.0, *rule, why.clone())),
        _ => None,
    };
    outputs.iter().filter_map(overflow).collect()
}

fn left(call: u64, rule: usize, why: &str) -> Vec<(u64, usize, String)> {
    vec![(call, rule, why.to_owned())]
}

#[test]
fn who_waited_long_goes_to_the_other_queue_at_the_place_of_the_first_arrival() {
    let rules = vec![(waited(30), to("backup"))];
    let mut world = World::new(
        vec![with("general", rules), queue("backup")],
        vec![seat("1001", &["general"]), seat("2001", &["backup"])],
    );
    world.call(1, "general");
    world.pass(at(10));
    world.call(2, "backup");
    assert_eq!(overflows(&world.pass(at(29))), []);
    let out = world.pass(at(30));
    assert_eq!(
        overflows(&out),
        left(1, 0, "waited 30 s, at most 30 s here")
    );
    // Call 1 came before call 2, and so it stands before it.
    assert_eq!(world.floor.position(CallId(1)), Some(1));
    assert_eq!(offers(&world.sign_in("2001")), offered(1, "2001"));
    world.pass(at(300));
    assert_eq!(world.tally.moved, 1);
}

#[test]
fn nobody_leaves_from_a_ringing_seat_but_who_comes_back_late_does_at_once() {
    let rules = vec![(waited(10), script())];
    let mut world = World::new(
        vec![with("general", rules)],
        vec![seat("1001", &["general"])],
    );
    world.sign_in("1001");
    world.call(1, "general");
    world.step(
        at(1),
        Input::Rang {
            call: CallId(1),
            seat: support::s("1001"),
        },
    );
    assert_eq!(overflows(&world.pass(at(15))), []);
    let out = world.fail(1, "1001", OfferResult::Refused);
    assert_eq!(
        overflows(&out),
        left(1, 0, "waited 15 s, at most 10 s here")
    );
    assert_eq!((world.calls.len(), world.tally.overflowed), (0, 1));
}

#[test]
fn who_comes_back_from_a_script_keeps_the_place_and_does_not_leave_by_the_same_rule() {
    let rules = vec![(waited(10), script()), (waited(40), script())];
    let mut world = World::new(
        vec![with("general", rules)],
        vec![seat("1001", &["general"])],
    );
    world.call(1, "general");
    world.pass(at(5));
    world.call(2, "general");
    assert_eq!(overflows(&world.pass(at(10))).len(), 1);
    let back = Input::CallQueued {
        call: CallId(1),
        queue: q("general"),
        priority: 5,
        arrived: at(0),
        spent: 1,
        preferred: None,
        promised: false,
    };
    assert_eq!(overflows(&world.step(at(13), back)), []);
    assert_eq!(world.floor.position(CallId(1)), Some(1));
    assert_eq!(overflows(&world.pass(at(39)))[0].0, 2);
    let last = overflows(&world.pass(at(40)));
    assert_eq!(last, left(1, 1, "waited 40 s, at most 40 s here"));
}

#[test]
fn a_queue_without_staff_lets_its_callers_go_after_the_grace() {
    let rules = vec![(OverflowWhen::Unstaffed(secs(20)), script())];
    let mut world = World::new(
        vec![with("general", rules)],
        vec![seat("1001", &["general"])],
    );
    world.sign_in("1001");
    world.intent("1001", Intent::NotReady(Reason::Meal));
    world.call(1, "general");
    // A break is no absence.
    assert_eq!(overflows(&world.pass(at(100))), []);
    world.intent("1001", Intent::NotReady(Reason::LoggedOut));
    assert_eq!(overflows(&world.pass(at(119))), []);
    let out = overflows(&world.pass(at(120)));
    assert_eq!(out, left(1, 0, "no seat signed in for 20 s"));
    // Whoever comes then does not wait at all.
    let out = overflows(&world.call(2, "general"));
    assert_eq!(out, left(2, 0, "no seat signed in for 20 s"));
    world.intent("1001", Intent::NotReady(Reason::Meal));
    assert_eq!(overflows(&world.call(3, "general")), []);
}

#[test]
fn a_full_queue_sends_on_instead_of_refusing() {
    let rules = vec![(OverflowWhen::Full, to("backup"))];
    let general = QueueSettings {
        capacity: 1,
        ..with("general", rules)
    };
    let backup = QueueSettings {
        capacity: 1,
        ..queue("backup")
    };
    let seats = vec![seat("1001", &["general"]), seat("2001", &["backup"])];
    let mut world = World::new(vec![general, backup], seats);
    assert_eq!(overflows(&world.call(1, "general")), []);
    let out = overflows(&world.call(2, "general"));
    assert_eq!(out, left(2, 0, "queue full (1 waiting)"));
    assert_eq!(world.floor.waiting(q("backup")).count(), 1);
    // Where the other queue is full, too, the caller is refused.
    let out = world.call(3, "general");
    assert!(matches!(out[..], [Output::Refused { .. }]), "{out:?}");
}

#[test]
fn two_queues_do_not_send_a_caller_to_and_fro() {
    let rules = |other| vec![(waited(5), to(other))];
    let queues = vec![
        with("general", rules("backup")),
        with("backup", rules("general")),
    ];
    let mut world = World::new(queues, vec![seat("1001", &["general"])]);
    world.call(1, "general");
    let out = overflows(&world.pass(at(600)));
    assert_eq!(out.len(), 1);
    assert_eq!(world.floor.waiting(q("backup")).count(), 1);
}

#[test]
fn of_two_rules_at_once_the_first_counts_and_the_longest_wait_comes_after_both() {
    let rules = vec![
        (waited(20), to("nowhere")),
        (waited(20), script()),
        (waited(20), to("backup")),
    ];
    let general = QueueSettings {
        longest_wait: Some(secs(20)),
        ..with("general", rules)
    };
    let mut world = World::new(vec![general, queue("backup")], Vec::new());
    world.call(1, "general");
    // The first has no way: there is no such queue.
    assert_eq!(overflows(&world.pass(at(20)))[0].1, 1);
    assert_eq!(world.tally.timed_out, 0);
}

#[test]
fn whose_wait_is_expected_to_be_too_long_leaves_from_the_end_of_the_line() {
    let rules = vec![(OverflowWhen::Expected(secs(105)), script())];
    let general = QueueSettings {
        wrap_up: Duration::ZERO,
        ..with("general", rules)
    };
    let seats = vec![seat("1001", &["general"]), seat("1002", &["general"])];
    let mut world = World::new(vec![general], seats);
    world.sign_in("1001");
    // Five calls of a minute: the pace is known.
    for n in 0..5 {
        world.call(100 + n, "general");
        world.answer(100 + n, "1001");
        world.pass(world.now + secs(60));
        world.end(100 + n, "1001");
    }
    world.sign_in("1002");
    for (call, name) in [(1, "1001"), (2, "1002")] {
        world.call(call, "general");
        world.answer(call, name);
    }
    // Two seats: half a minute a place, less the farther back, since some ahead give up.
    let mut gone = Vec::new();
    for call in 3..=8 {
        gone.extend(overflows(&world.call(call, "general")));
    }
    assert_eq!(
        gone,
        left(8, 0, "expected to wait 113 s, at most 105 s here")
    );
    world.pass(world.now + secs(60));
    // One seat goes: at the next look the last three are beyond.
    world.intent("1002", Intent::NotReady(Reason::Meal));
    world.end(2, "1002");
    let gone = overflows(&world.pass(world.now + secs(5)));
    assert_eq!(gone.iter().map(|it| it.0).collect::<Vec<_>>(), [7, 6, 5]);
    assert_eq!(world.floor.waiting(q("general")).count(), 2);
}

#[test]
fn callers_of_a_closed_queue_are_let_go_when_its_seats_have_gone_home() {
    let seats = || vec![seat("1001", &["general", "other"])];
    let mut world = World::new(vec![queue("general"), queue("other")], seats());
    world.sign_in("1001");
    world.call(1, "general");
    world.answer(1, "1001");
    world.call(2, "general");
    world.change(at(10), vec![queue("other")], seats());
    // The seat that talks will serve them yet.
    assert_eq!(world.pass(at(200)), []);
    world.end(1, "1001");
    world.intent("1001", Intent::NotReady(Reason::LoggedOut));
    assert_eq!(offers(&world.pass(at(259))), []);
    let out = world.pass(at(260));
    assert!(matches!(out[..], [Output::TimedOut { .. }]), "{out:?}");
}

#[test]
fn new_rules_count_for_those_in_line() {
    let mut world = World::new(vec![queue("general")], Vec::new());
    world.call(1, "general");
    world.pass(at(50));
    let out = world.change(
        at(50),
        vec![with("general", vec![(waited(60), script())])],
        Vec::new(),
    );
    assert_eq!(overflows(&out), []);
    assert_eq!(overflows(&world.pass(at(60))).len(), 1);
}
