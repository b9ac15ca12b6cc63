//! A caller who was promised a callback goes to another queue, by a hand or by a rule: no full queue
//! refuses what was promised, and it is no further arrival there.
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

use hotline_acd::{Input, Overflow, OverflowTo, OverflowWhen, QueueSettings};
use hotline_model::CallId;
use support::{World, at, q, queue};

/// The queue `narrow`, which has room for one, is full; who waits ten seconds in `general` is sent
/// there.
fn world() -> World {
    let general = QueueSettings {
        overflow: vec![Overflow {
            when: OverflowWhen::Waited(Duration::from_secs(10)),
            to: OverflowTo::Queue(q("narrow")),
        }],
        ..queue("general")
    };
    let narrow = QueueSettings {
        capacity: 1,
        ..queue("narrow")
    };
    let mut world = World::new(vec![general, narrow], vec![]);
    world.call(1, "narrow");
    world
}

fn stands(world: &mut World, call: u64) {
    let input = Input::CallQueued {
        call: CallId(call),
        queue: q("general"),
        priority: 5,
        arrived: world.now,
        spent: 0,
        preferred: None,
        promised: true,
    };
    world.step(world.now, input);
}

fn moves(world: &mut World, call: u64) {
    let (call, queue) = (CallId(call), q("narrow"));
    world.step(world.now, Input::Move { call, queue });
}

#[test]
fn who_was_promised_a_callback_is_moved_to_a_full_queue() {
    let mut world = world();
    stands(&mut world, 2);
    world.call(3, "general");
    let entries = world.floor.entries();
    moves(&mut world, 2);
    assert!(world.fitted);
    assert_eq!(world.floor.queue_of(CallId(2)), Some(q("narrow")));
    assert_eq!(world.floor.entries(), entries);
    // Whoever is on the line needs room.
    moves(&mut world, 3);
    assert!(!world.fitted);
    assert_eq!(world.floor.queue_of(CallId(3)), Some(q("general")));
}

#[test]
fn and_goes_there_by_a_rule() {
    let mut world = world();
    stands(&mut world, 2);
    let entries = world.floor.entries();
    world.pass(at(11));
    assert_eq!(world.floor.queue_of(CallId(2)), Some(q("narrow")));
    assert_eq!(world.floor.entries(), entries);
    world.call(3, "general");
    world.pass(at(30));
    assert_eq!(world.floor.queue_of(CallId(3)), Some(q("general")));
}

#[test]
fn a_queue_has_room_beside_those_who_stand_there_without_a_line() {
    let mut world = world();
    assert_eq!(world.floor.has_room(q("narrow")), Some(false));
    world.leave(1);
    stands(&mut world, 2);
    moves(&mut world, 2);
    assert_eq!(world.floor.has_room(q("narrow")), Some(true));
    assert_eq!(world.floor.has_room(q("nowhere")), None);
}
