//! A caller who asked to be called back stands in line as any other, only that nobody is on the
//! line: at the place of the arrival, offered once at a time, never before its turn.
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

use hotline_acd::{Input, Output, QueueSettings};
use hotline_model::{
    CallId, Instant,
    seat::{OfferResult, Work},
};
use support::{World, at, offered, offers, q, queue, s, seat};

/// One seat, signed in, which talks with caller 1.
fn busy(queue: QueueSettings) -> World {
    let mut world = World::new(vec![queue], vec![seat("1001", &["general"])]);
    world.sign_in("1001");
    world.call(1, "general");
    world.answer(1, "1001");
    world
}

fn stands(world: &mut World, call: u64, arrived: Instant) -> Vec<Output> {
    let input = Input::CallQueued {
        call: CallId(call),
        queue: q("general"),
        priority: 5,
        arrived,
        spent: 0,
        preferred: None,
        promised: true,
    };
    world.step(world.now, input)
}

fn not_reached(world: &mut World, call: u64, name: &str) -> Vec<Output> {
    let (call, seat) = (CallId(call), s(name));
    world.step(world.now, Input::NotReached { call, seat })
}

#[test]
fn callbacks_do_not_jump_the_line_nor_flood_the_seats_freepbx_621() {
    let mut world = busy(queue("general"));
    world.pass(at(1));
    world.call(2, "general");
    world.pass(at(10));
    // Five ask to be called back, and come back into the line together; one came before all.
    for (call, arrived) in [(3, 5), (4, 6), (5, 7), (6, 8), (7, 0)] {
        assert_eq!(offers(&stands(&mut world, call, at(arrived))), []);
    }
    world.call(8, "general");
    let line = [7, 2, 3, 4, 5, 6, 8];
    for (place, call) in line.iter().enumerate() {
        let place = u32::try_from(place).unwrap() + 1;
        assert_eq!(world.floor.position(CallId(*call)), Some(place), "{call}");
    }
    // One seat is rung for one of them at a time, whoever is called back or not.
    world.end(1, "1001");
    let mut now = 40;
    for call in line {
        assert_eq!(offers(&world.pass(at(now))), offered(call, "1001"));
        world.answer(call, "1001");
        world.end(call, "1001");
        now += 30;
    }
}

#[test]
fn a_seat_that_reached_nobody_is_free_at_once_and_the_next_is_served() {
    let mut world = busy(queue("general"));
    stands(&mut world, 2, at(0));
    world.call(3, "general");
    world.end(1, "1001");
    world.pass(at(30));
    world.answer(2, "1001");
    assert_eq!(
        offers(&not_reached(&mut world, 2, "1001")),
        offered(3, "1001")
    );
    assert_eq!(world.work("1001"), Work::Reserved);
    // It comes back later with its arrival: before all who came after it.
    world.answer(3, "1001");
    world.call(4, "general");
    world.pass(at(60));
    stands(&mut world, 2, at(0));
    assert_eq!(world.floor.position(CallId(2)), Some(1));
}

#[test]
fn what_is_no_talk_cannot_be_unreached() {
    let mut world = busy(queue("general"));
    stands(&mut world, 2, at(0));
    let ignored = world.floor.ignored();
    assert_eq!(not_reached(&mut world, 2, "1001"), []);
    assert_eq!(world.floor.ignored(), ignored + 1);
    assert_eq!(world.work("1001"), Work::Talking);
}

#[test]
fn no_longest_wait_ends_it_and_it_takes_no_room_in_its_queue() {
    let settings = QueueSettings {
        longest_wait: Some(Duration::from_secs(60)),
        capacity: 1,
        ..queue("general")
    };
    let mut world = busy(settings);
    stands(&mut world, 2, at(0));
    world.pass(at(20));
    stands(&mut world, 3, at(0));
    assert_eq!(world.call(4, "general"), []);
    let out = world.call(9, "general");
    assert!(matches!(out[..], [Output::Refused { .. }]), "{out:?}");
    world.leave(4);
    assert_eq!(world.pass(at(3_000)), []);
    assert_eq!(world.floor.position(CallId(3)), Some(2));
    // Nor behind one who waits on the line, and is let go.
    world.end(1, "1001");
    world.pass(at(3_030));
    world.answer(2, "1001");
    world.leave(3);
    world.call(5, "general");
    stands(&mut world, 6, at(3_000));
    let out = world.pass(at(3_090));
    let [Output::TimedOut { call, .. }] = out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(call, CallId(5));
    assert_eq!(world.floor.position(CallId(6)), Some(1));
}

#[test]
fn a_refused_callback_keeps_its_place_and_goes_to_the_next_seat() {
    let seats = vec![seat("1001", &["general"]), seat("1002", &["general"])];
    let mut world = World::new(vec![queue("general")], seats);
    world.sign_in("1001");
    let out = stands(&mut world, 1, at(0));
    assert_eq!(offers(&out), offered(1, "1001"));
    world.sign_in("1002");
    let out = world.fail(1, "1001", OfferResult::Refused);
    assert_eq!(offers(&out), offered(1, "1002"));
}

#[test]
fn a_queue_that_is_closed_gives_it_up_like_all_others() {
    let mut world = busy(queue("general"));
    stands(&mut world, 2, at(0));
    let out = world.change(at(10), vec![], vec![]);
    let gone = |output: &Output| {
        matches!(
            output,
            Output::TimedOut {
                call: CallId(2),
                ..
            }
        )
    };
    assert!(out.iter().any(gone), "{out:?}");
}

#[test]
fn who_was_promised_a_callback_is_no_further_arrival_and_waits_on_no_line() {
    let mut world = busy(queue("general"));
    let entries = world.floor.entries();
    stands(&mut world, 2, at(0));
    world.pass(at(500));
    let longest = |world: &World| {
        let view = world.floor.queue(q("general")).unwrap();
        (view.waiting, view.longest_wait_since)
    };
    assert_eq!(longest(&world), (1, None));
    world.call(3, "general");
    assert_eq!(longest(&world), (2, Some(at(500))));
    assert_eq!(world.floor.entries(), entries + 1);
}
