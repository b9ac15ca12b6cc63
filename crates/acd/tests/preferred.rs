//! A caller who holds out for one seat: it is rung first, nobody else waits longer for it, and the
//! caller not for ever.
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

use hotline_acd::{Input, Output};
use hotline_model::{
    CallId,
    seat::{Intent, OfferResult, Reason},
};
use support::{World, at, offered, offers, q, queue, s, seat};

/// Two seats of one queue, signed in.
fn world() -> World {
    let seats = vec![seat("1001", &["general"]), seat("1002", &["general"])];
    let mut world = World::new(vec![queue("general")], seats);
    world.sign_in("1001");
    world.sign_in("1002");
    world
}

fn wants(world: &mut World, call: u64, name: &str, seconds: u64) -> Vec<Output> {
    let input = Input::CallQueued {
        call: CallId(call),
        queue: q("general"),
        priority: 5,
        arrived: world.now,
        spent: 0,
        preferred: Some((s(name), Duration::from_secs(seconds))),
        promised: false,
    };
    world.step(world.now, input)
}

#[test]
fn the_preferred_seat_is_rung_though_another_was_idle_longer() {
    let mut world = world();
    let out = wants(&mut world, 1, "1002", 20);
    assert_eq!(offers(&out), offered(1, "1002"));
    let Output::Offer { why, .. } = &out[0] else {
        panic!("{out:?}");
    };
    assert_eq!(why, "preferred for this caller; only caller in general");
    // Once it was rung the wish is over: the next is whoever is ready.
    let out = world.fail(1, "1002", OfferResult::Refused);
    assert_eq!(offers(&out), offered(1, "1001"));
}

#[test]
fn who_holds_out_is_passed_over_and_passes_over_nobody() {
    let mut world = world();
    world.call(1, "general");
    world.answer(1, "1001");
    world.call(2, "general");
    world.answer(2, "1002");
    world.call(3, "general");
    world.pass(at(1));
    assert_eq!(offers(&wants(&mut world, 4, "1001", 100)), []);
    world.pass(at(2));
    world.call(5, "general");
    // The preferred seat takes the head of the line, as always.
    world.end(1, "1001");
    assert_eq!(offers(&world.pass(at(32))), offered(3, "1001"));
    world.answer(3, "1001");
    // The other takes the next who does not hold out.
    world.end(2, "1002");
    assert_eq!(offers(&world.pass(at(62))), offered(5, "1002"));
    assert_eq!(world.floor.position(CallId(4)), Some(1));
    let why: Vec<String> = world
        .floor
        .explain(CallId(4))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        why.contains(&"it is held for seat 1001 for a while".to_owned()),
        "{why:?}"
    );
}

#[test]
fn after_its_time_the_caller_is_anybodys() {
    let mut world = world();
    world.call(1, "general");
    world.answer(1, "1001");
    assert_eq!(offers(&wants(&mut world, 2, "1001", 20)), []);
    assert_eq!(world.floor.holds_out(CallId(2)), Some(s("1001")));
    assert_eq!(offers(&world.pass(at(19))), []);
    assert_eq!(offers(&world.pass(at(20))), offered(2, "1002"));
    assert_eq!(world.floor.holds_out(CallId(2)), None);
}

#[test]
fn the_seat_that_becomes_free_in_time_takes_its_caller() {
    let mut world = world();
    world.call(1, "general");
    world.answer(1, "1001");
    assert_eq!(offers(&wants(&mut world, 2, "1001", 60)), []);
    world.pass(at(10));
    world.end(1, "1001");
    // Its wrap-up is over at 40 s.
    assert_eq!(offers(&world.pass(at(40))), offered(2, "1001"));
}

#[test]
fn a_wish_for_a_seat_that_is_not_there_means_nothing() {
    let mut world = world();
    world.intent("1001", Intent::NotReady(Reason::LoggedOut));
    assert_eq!(
        offers(&wants(&mut world, 1, "1001", 60)),
        offered(1, "1002")
    );
    assert_eq!(offers(&wants(&mut world, 2, "nobody", 60)), []);
    assert_eq!(world.floor.holds_out(CallId(2)), None);
}
