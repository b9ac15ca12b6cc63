//! The supervisor's hand: another priority, another queue, a seat at once; and what it cannot do.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod support;

use hotline_acd::{Input, Output};
use hotline_model::{
    CallId,
    seat::{Intent, OfferResult, Reason, Work},
};
use support::{World, at, offered, offers, q, queue, s, seat};

fn world() -> World {
    let seats = vec![seat("1001", &["general"]), seat("2001", &["english"])];
    World::new(vec![queue("general"), queue("english")], seats)
}

fn prioritise(world: &mut World, call: u64, priority: u8) -> Vec<Output> {
    let call = CallId(call);
    world.step(world.now, Input::Prioritise { call, priority })
}

fn moves(world: &mut World, call: u64, name: &str) -> Vec<Output> {
    let (call, queue) = (CallId(call), q(name));
    world.step(world.now, Input::Move { call, queue })
}

fn pick(world: &mut World, call: u64, name: &str) -> Vec<Output> {
    let (call, seat) = (CallId(call), s(name));
    world.step(world.now, Input::Pick { call, seat })
}

#[test]
fn a_caller_given_a_better_priority_is_served_first() {
    let mut world = world();
    for call in 1..=3 {
        world.call(call, "general");
        world.pass(at(call));
    }
    prioritise(&mut world, 3, 0);
    assert_eq!(world.floor.position(CallId(3)), Some(1));
    assert_eq!(offers(&world.sign_in("1001")), offered(3, "1001"));
    // While a seat rings the new priority is kept for the return.
    prioritise(&mut world, 3, 9);
    world.fail(3, "1001", OfferResult::Refused);
    assert_eq!(world.floor.position(CallId(3)), Some(3));
}

#[test]
fn a_caller_moved_to_another_queue_keeps_the_arrival() {
    let mut world = world();
    world.call(1, "general");
    world.pass(at(5));
    world.call(2, "english");
    moves(&mut world, 1, "english");
    assert_eq!(world.floor.position(CallId(1)), Some(1));
    assert_eq!(offers(&world.sign_in("2001")), offered(1, "2001"));
    // Whom a seat is rung for stays.
    moves(&mut world, 1, "general");
    assert!(!world.fitted);
    moves(&mut world, 2, "nowhere");
    assert!(!world.fitted);
}

#[test]
fn a_caller_moved_to_where_a_seat_is_free_is_offered_at_once() {
    let mut world = world();
    world.sign_in("2001");
    world.call(1, "general");
    assert_eq!(offers(&moves(&mut world, 1, "english")), offered(1, "2001"));
}

#[test]
fn a_free_seat_is_given_the_caller_whatever_it_serves_and_on_a_break_too() {
    let mut world = world();
    world.sign_in("2001");
    world.intent("2001", Intent::NotReady(Reason::Meal));
    world.call(1, "general");
    world.call(2, "general");
    let out = pick(&mut world, 2, "2001");
    assert_eq!(offers(&out), offered(2, "2001"));
    let Output::Offer { why, .. } = &out[0] else {
        panic!("{out:?}");
    };
    assert_eq!(why, "picked by a supervisor; caller 2 of 2 in general");
    // One call a seat, and a call at a seat is no caller in line.
    pick(&mut world, 1, "2001");
    assert!(!world.fitted);
    world.answer(2, "2001");
    world.end(2, "2001");
    assert_eq!(world.work("2001"), Work::WrapUp);
    pick(&mut world, 1, "2001");
    assert!(!world.fitted, "wrapping up");
    pick(&mut world, 1, "1001");
    assert!(!world.fitted, "signed out");
}

#[test]
fn a_picked_caller_who_is_refused_stands_at_the_old_place() {
    let mut world = world();
    world.sign_in("2001");
    world.call(1, "general");
    world.call(2, "general");
    pick(&mut world, 2, "2001");
    world.fail(2, "2001", OfferResult::Refused);
    assert_eq!(world.floor.position(CallId(2)), Some(2));
}
