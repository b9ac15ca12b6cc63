//! What stands above the agent's own wish: a supervisor's word, and a page that is cut off.
#![cfg(test)]
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
use support::{World, offered, offers, queue, s, seat};

const FORCED: Intent = Intent::NotReady(Reason::Forced);
const OUT: Intent = Intent::NotReady(Reason::LoggedOut);
const MEAL: Intent = Intent::NotReady(Reason::Meal);

fn centre() -> World {
    let mut world = World::new(vec![queue("general")], vec![seat("1001", &["general"])]);
    world.sign_in("1001");
    world
}

fn force(world: &mut World, intent: Intent) -> Vec<Output> {
    let seat = s("1001");
    world.step(world.now, Input::Force { seat, intent })
}

fn desk(world: &mut World, lost: bool) -> Vec<Output> {
    let seat = s("1001");
    world.step(world.now, Input::SetDesk { seat, lost })
}

fn intent(world: &World) -> Intent {
    world.floor.seat(s("1001")).unwrap().intent
}

#[test]
fn what_a_supervisor_forced_a_supervisor_ends() {
    let mut world = centre();
    force(&mut world, FORCED);
    let ignored = world.floor.ignored();
    for wish in [Intent::Ready, MEAL] {
        assert_eq!(world.intent("1001", wish), []);
        assert_eq!(intent(&world), FORCED);
    }
    assert_eq!(world.floor.ignored(), ignored + 2);
    assert_eq!(offers(&world.call(1, "general")), []);
    // Out and in again is no way around it.
    world.intent("1001", OUT);
    assert_eq!(intent(&world), OUT);
    world.intent("1001", Intent::Ready);
    assert_eq!(intent(&world), OUT);
    assert!(world.floor.seat(s("1001")).unwrap().barred);
    let out = force(&mut world, Intent::Ready);
    assert_eq!(offers(&out), offered(1, "1001"));
    assert!(!world.floor.seat(s("1001")).unwrap().barred);
}

#[test]
fn what_is_forced_in_a_talk_comes_after_it_whatever_the_agent_says() {
    let mut world = centre();
    world.call(1, "general");
    world.answer(1, "1001");
    force(&mut world, FORCED);
    world.intent("1001", Intent::Ready);
    let view = world.floor.seat(s("1001")).unwrap();
    assert_eq!((view.intent, view.pending), (Intent::Ready, Some(FORCED)));
    world.end(1, "1001");
    assert_eq!(intent(&world), FORCED);
}

#[test]
fn what_the_engine_forced_the_agent_ends() {
    let mut world = centre();
    world.call(1, "general");
    world.fail(1, "1001", OfferResult::NoAnswer);
    assert_eq!(intent(&world), Intent::NotReady(Reason::RingNoAnswer));
    let out = world.intent("1001", Intent::Ready);
    assert_eq!(offers(&out), offered(1, "1001"));
    // A supervisor may say otherwise of another reason, too, and then the agent is free.
    force(&mut world, MEAL);
    world.fail(1, "1001", OfferResult::NoAnswer);
    assert_eq!(intent(&world), MEAL);
    world.intent("1001", Intent::Ready);
    assert_eq!(intent(&world), Intent::Ready);
}

#[test]
fn a_desk_that_is_cut_off_is_offered_nothing_until_it_is_back() {
    let mut world = centre();
    world.call(1, "general");
    assert_eq!(world.work("1001"), Work::Reserved);
    let out = desk(&mut world, true);
    let gone = |output: &Output| matches!(output, Output::Withdraw { why: OfferResult::Withdrawn, call, .. } if *call == CallId(1));
    assert!(out.iter().any(gone), "{out:?}");
    assert_eq!(world.work("1001"), Work::Free);
    assert_eq!(world.floor.queue(support::q("general")).unwrap().staffed, 0);
    let why = world.floor.explain(CallId(1));
    let why: String = why.iter().map(ToString::to_string).collect();
    assert!(why.contains("cut off"), "{why}");
    assert_eq!(offers(&desk(&mut world, false)), offered(1, "1001"));
    // A talk stays what it is.
    world.answer(1, "1001");
    desk(&mut world, true);
    assert_eq!(world.work("1001"), Work::Talking);
    world.end(1, "1001");
    assert_eq!(offers(&world.call(2, "general")), []);
}
