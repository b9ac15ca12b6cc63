//! The rules of distribution, one test each.
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

use hotline_acd::{Input, Output, QueueSettings, board, rules};
use hotline_model::{
    CallId, SeatId,
    seat::{Device, Intent, OfferResult, Reason, Work},
};
use support::{World, at, at_ms, offered, offers, q, queue, s, seat};

const MEAL: Intent = Intent::NotReady(Reason::Meal);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// One queue "general" with these rules, so many seats from 1001 on, all signed in.
fn centre_with(general: QueueSettings, seats: u64) -> World {
    let names: Vec<String> = (1001..1001 + seats).map(|n| n.to_string()).collect();
    let members = names.iter().map(|name| seat(name, &["general"])).collect();
    let mut world = World::new(vec![general], members);
    for name in &names {
        world.sign_in(name);
    }
    world
}

fn centre(seats: u64) -> World {
    centre_with(queue("general"), seats)
}

fn rang(world: &mut World, call: u64, name: &str) {
    let (call, seat) = (CallId(call), s(name));
    world.step(world.now, Input::Rang { call, seat });
}

fn withdrawn(outputs: &[Output]) -> Vec<(u64, SeatId, OfferResult)> {
    let withdraw = |output: &Output| match *output {
        Output::Withdraw { call, seat, why } => Some((call.0, seat, why)),
        _ => None,
    };
    outputs.iter().filter_map(withdraw).collect()
}

#[test]
fn the_longest_idle_seat_is_offered_the_call() {
    let mut world = centre(0);
    assert_eq!(offers(&world.call(1, "general")), []);
    let mut world = World::new(
        vec![queue("general")],
        vec![seat("1001", &["general"]), seat("1002", &["general"])],
    );
    world.pass(at(10));
    world.sign_in("1002");
    world.pass(at(20));
    world.sign_in("1001");
    world.pass(at(322));
    let out = world.call(1, "general");
    let Some(Output::Offer {
        why,
        deadline,
        seat,
        ..
    }) = out.first()
    else {
        panic!("{out:?}");
    };
    assert_eq!(
        why,
        "longest idle (312 s) of 2 ready seats; only caller in general"
    );
    assert_eq!((*deadline, *seat), (at(342), s("1002")));
    let changed = Output::SeatChanged {
        seat: s("1002"),
        intent: Intent::Ready,
        work: Work::Reserved,
        call: Some(CallId(1)),
    };
    assert_eq!(out[1..], [changed]);
}

#[test]
fn callers_are_served_by_priority_then_arrival_then_number() {
    let mut world = centre(1);
    world.intent("1001", MEAL);
    world.call_with(7, "general", 5);
    world.call_with(6, "general", 5);
    world.pass(at(1));
    world.call_with(1, "general", 5);
    world.call_with(9, "general", 0);
    let order: Vec<u64> = world.floor.waiting(q("general")).map(|it| it.0).collect();
    assert_eq!(order, [9, 6, 7, 1]);
    let out = world.intent("1001", Intent::Ready);
    assert_eq!(offers(&out), offered(9, "1001"));
    let Some(Output::Offer { why, .. }) = out.first() else {
        panic!("{out:?}");
    };
    assert_eq!(
        why,
        "only ready seat (idle 0 s); caller first of 4 in general"
    );
}

#[test]
fn a_seat_takes_the_queue_nearest_to_missing_its_threshold_by_weight() {
    let general = queue("general");
    let slow = QueueSettings {
        threshold: seconds(60),
        ..queue("slow")
    };
    let heavy = QueueSettings {
        weight: 3,
        ..queue("heavy")
    };
    let all = ["general", "slow", "heavy"];
    let seats = vec![seat("1001", &all), seat("1002", &all), seat("1003", &all)];
    let mut world = World::new(vec![general, slow, heavy], seats);
    world.call(1, "slow"); // 12 s of 60: 0.2
    world.pass(at(4));
    world.call(2, "general"); // 8 s of 15: 0.53
    world.pass(at(9));
    world.call(3, "heavy"); // 3 s of 15, three times: 0.6
    world.pass(at(12));
    let out = world.sign_in("1001");
    assert_eq!(offers(&out), offered(3, "1001"));
    let why = "only ready seat (idle 0 s); only caller in heavy, most pressing of 3 queues";
    assert!(
        out.iter()
            .any(|it| matches!(it, Output::Offer { why: w, .. } if w == why))
    );
    assert_eq!(offers(&world.sign_in("1002")), offered(2, "1002"));
    assert_eq!(offers(&world.sign_in("1003")), offered(1, "1003"));
}

#[test]
fn of_two_queues_equally_near_the_one_with_the_older_caller_is_served() {
    let heavy = QueueSettings {
        weight: 2,
        ..queue("heavy")
    };
    let queues = vec![heavy, queue("general")];
    let mut world = World::new(queues, vec![seat("1001", &["heavy", "general"])]);
    world.call(1, "general");
    world.pass(at(5));
    world.call(2, "heavy");
    world.pass(at(10));
    assert_eq!(offers(&world.sign_in("1001")), offered(1, "1001"));
}

#[test]
fn a_wish_during_a_talk_takes_effect_after_it() {
    let mut world = centre(1);
    world.call(1, "general");
    world.answer(1, "1001");
    assert_eq!(world.intent("1001", MEAL), []);
    let view = world.floor.seat(s("1001")).unwrap();
    assert_eq!((view.intent, view.pending), (Intent::Ready, Some(MEAL)));
    let out = world.end(1, "1001");
    let changed = Output::SeatChanged {
        seat: s("1001"),
        intent: MEAL,
        work: Work::WrapUp,
        call: Some(CallId(1)),
    };
    assert_eq!(out, [changed]);
    world.call(2, "general");
    assert_eq!(offers(&world.pass(at(60))), []);
    assert_eq!(world.work("1001"), Work::Free);
    // The wish may be taken back before.
    assert_eq!(
        offers(&world.intent("1001", Intent::Ready)),
        offered(2, "1001")
    );
    world.intent("1001", MEAL);
    world.intent("1001", Intent::Ready);
    assert_eq!(world.floor.seat(s("1001")).unwrap().pending, None);
}

#[test]
fn ring_no_answer_makes_the_seat_not_ready_and_the_caller_first() {
    let mut world = centre(2);
    world.call(1, "general");
    rang(&mut world, 1, "1001");
    world.pass(at(3));
    world.call(2, "general");
    world.answer(2, "1002");
    world.call(3, "general");
    let out = world.pass(at(20));
    assert_eq!(withdrawn(&out), [(1, s("1001"), OfferResult::NoAnswer)]);
    let view = world.floor.seat(s("1001")).unwrap();
    assert_eq!(view.intent, Intent::NotReady(Reason::RingNoAnswer));
    assert_eq!((view.work, view.backs_off_until), (Work::Free, None));
    let line: Vec<u64> = world.floor.waiting(q("general")).map(|it| it.0).collect();
    assert_eq!(line, [1, 3]);
    // An agent who wished for a break meanwhile has that reason.
    let mut world = centre(1);
    world.call(1, "general");
    rang(&mut world, 1, "1001");
    world.intent("1001", MEAL);
    world.pass(at(20));
    assert_eq!(world.floor.seat(s("1001")).unwrap().intent, MEAL);
}

#[test]
fn an_answer_in_the_turn_of_its_deadline_counts() {
    let mut world = centre(1);
    world.call(1, "general");
    rang(&mut world, 1, "1001");
    let (call, seat) = (CallId(1), s("1001"));
    assert_eq!(
        withdrawn(&world.step(at(21), Input::Answered { call, seat })),
        []
    );
    assert_eq!(world.work("1001"), Work::Talking);
}

#[test]
fn a_phone_that_never_rings_is_given_up_early_and_left_alone_longer_each_time() {
    let mut world = centre(1);
    world.call(1, "general");
    for back_off in [10, 20, 40, 80, 80] {
        let out = world.pass(world.now + rules::RING_WITHIN);
        assert_eq!(withdrawn(&out), [(1, s("1001"), OfferResult::Unreachable)]);
        let view = world.floor.seat(s("1001")).unwrap();
        assert_eq!(view.intent, Intent::Ready);
        assert_eq!(view.backs_off_until, Some(world.now + seconds(back_off)));
        assert_eq!(
            offers(&world.pass(world.now + seconds(back_off))),
            offered(1, "1001")
        );
    }
    world.fail(1, "1001", OfferResult::Unreachable);
    // A new registration is news: at once, and from the beginning.
    assert_eq!(
        offers(&world.device("1001", Device::Registered)),
        offered(1, "1001")
    );
    world.fail(1, "1001", OfferResult::Unreachable);
    let until = world.floor.seat(s("1001")).unwrap().backs_off_until;
    assert_eq!(until, Some(world.now + seconds(10)));
}

#[test]
fn a_ringing_phone_has_the_whole_ring_time_from_the_offer() {
    let mut world = centre(1);
    world.call(1, "general");
    world.pass(at_ms(4_900));
    rang(&mut world, 1, "1001");
    assert_eq!(world.floor.seat(s("1001")).unwrap().deadline, Some(at(20)));
    assert_eq!(withdrawn(&world.pass(at_ms(19_999))), []);
    assert_eq!(
        withdrawn(&world.pass(at(20))),
        [(1, s("1001"), OfferResult::NoAnswer)]
    );
}

#[test]
fn who_refused_is_not_asked_again_while_another_is_free() {
    let mut world = centre(3);
    world.call(1, "general");
    assert_eq!(
        offers(&world.fail(1, "1001", OfferResult::Refused)),
        offered(1, "1002")
    );
    world.pass(at(4));
    rang(&mut world, 1, "1002");
    // 1003 is in a call of its own for a moment and so becomes idle after 1001.
    let busy = |busy| Input::SeatBusy {
        seat: s("1003"),
        busy,
    };
    world.pass(at(12));
    world.step(at(12), busy(true));
    assert_eq!(world.work("1003"), Work::Busy);
    world.step(at(13), busy(false));
    let out = world.fail(1, "1002", OfferResult::Refused);
    assert_eq!(
        offers(&out),
        offered(1, "1003"),
        "1001 is longer idle, but refused"
    );
    let why =
        "longest idle (0 s) of 2 ready seats, 1 that declined passed over; only caller in general";
    assert!(
        out.iter()
            .any(|it| matches!(it, Output::Offer { why: w, .. } if w == why))
    );
    // Nobody else is free: whoever refused is asked again.
    let out = world.fail(1, "1003", OfferResult::Refused);
    assert_eq!(offers(&out), offered(1, "1001"));
    let why = "only ready seat (idle 3 s), declined before but nobody else is free; only caller in general";
    assert!(
        out.iter()
            .any(|it| matches!(it, Output::Offer { why: w, .. } if w == why)),
        "{out:?}"
    );
}

#[test]
fn who_answers_between_is_not_refusing_in_a_row() {
    let mut world = centre(1);
    for call in 1..=4 {
        world.call(call, "general");
        world.fail(call, "1001", OfferResult::Refused);
        world.pass(world.now + rules::REFUSED_BACK_OFF);
        world.answer(call, "1001");
        world.end(call, "1001");
        world.pass(world.now + seconds(30));
    }
    assert_eq!(world.floor.seat(s("1001")).unwrap().intent, Intent::Ready);
}

#[test]
fn wrap_up_ends_by_itself_by_the_agent_or_at_the_cap() {
    let wrap_up = QueueSettings {
        wrap_up_cap: seconds(50),
        ..queue("general")
    };
    let mut world = centre_with(wrap_up, 1);
    let talk = |world: &mut World, call| {
        world.call(call, "general");
        world.answer(call, "1001");
        world.end(call, "1001");
        assert_eq!(world.work("1001"), Work::WrapUp);
        world.now
    };
    let ended = talk(&mut world, 1);
    world.pass(ended + seconds(30));
    assert_eq!(world.work("1001"), Work::Free);
    talk(&mut world, 2);
    world.step(world.now, Input::EndWrapUp { seat: s("1001") });
    assert_eq!(world.work("1001"), Work::Free);
    let ended = talk(&mut world, 3);
    for _ in 0..3 {
        let by = seconds(15);
        world.step(
            world.now,
            Input::ExtendWrapUp {
                seat: s("1001"),
                by,
            },
        );
    }
    let deadline = world.floor.seat(s("1001")).unwrap().deadline;
    assert_eq!(deadline, Some(ended + seconds(50)));
}

#[test]
fn the_longest_wait_ends_in_a_time_out_but_never_while_a_seat_rings() {
    let impatient = QueueSettings {
        longest_wait: Some(seconds(10)),
        ..queue("general")
    };
    let mut world = centre_with(impatient, 1);
    world.call(1, "general");
    rang(&mut world, 1, "1001");
    world.pass(at(1));
    world.call(2, "general");
    let timed_out = |call| Output::TimedOut {
        call: CallId(call),
        queue: q("general"),
    };
    assert_eq!(world.pass(at(11)), [timed_out(2)]);
    assert_eq!(world.floor.position(CallId(2)), None);
    // The first came back too late to wait again.
    let out = world.pass(at(20));
    assert_eq!(withdrawn(&out), [(1, s("1001"), OfferResult::NoAnswer)]);
    assert!(out.contains(&timed_out(1)));
}

#[test]
fn a_full_queue_refuses_unless_a_seat_is_ready_or_the_caller_comes_back() {
    let small = QueueSettings {
        capacity: 1,
        ..queue("general")
    };
    let mut world = centre_with(small, 1);
    assert_eq!(offers(&world.call(1, "general")), offered(1, "1001"));
    world.call(2, "general");
    let refused = |call, queue, cause| Output::Refused {
        call: CallId(call),
        queue,
        cause,
    };
    let out = world.call(3, "general");
    assert_eq!(out, [refused(3, q("general"), rules::QUEUE_FULL)]);
    world.fail(1, "1001", OfferResult::Refused);
    assert_eq!(world.floor.queue(q("general")).unwrap().waiting, 2);
    let out = world.call(4, "nowhere");
    assert_eq!(out, [refused(4, q("nowhere"), rules::QUEUE_UNKNOWN)]);
    // No room to wait at all: only straight to a seat.
    let direct = QueueSettings {
        capacity: 0,
        ..queue("general")
    };
    let mut world = centre_with(direct, 1);
    assert_eq!(offers(&world.call(1, "general")), offered(1, "1001"));
    assert_eq!(world.call(2, "general").len(), 1);
}

#[test]
fn while_talking_nothing_is_dropped() {
    let mut world = centre(1);
    world.call(1, "general");
    world.answer(1, "1001");
    assert_eq!(world.device("1001", Device::Unregistered), []);
    world.step(world.now, Input::Held { seat: s("1001") });
    assert_eq!(world.work("1001"), Work::Hold);
    world.step(world.now, Input::Resumed { seat: s("1001") });
    world.end(1, "1001");
    assert_eq!(world.work("1001"), Work::WrapUp);
    world.pass(at(30));
    world.call(2, "general");
    assert_eq!(world.work("1001"), Work::Free, "no phone, no offer");
    assert_eq!(
        offers(&world.device("1001", Device::Registered)),
        offered(2, "1001")
    );
}

#[test]
fn a_seat_in_a_call_of_its_own_is_not_rung_and_its_wishes_take_effect() {
    let mut world = centre(1);
    let busy = |busy| Input::SeatBusy {
        seat: s("1001"),
        busy,
    };
    world.step(at(1), busy(true));
    world.call(1, "general");
    world.intent("1001", MEAL);
    assert_eq!(world.floor.seat(s("1001")).unwrap().intent, MEAL);
    world.intent("1001", Intent::Ready);
    assert_eq!(offers(&world.step(at(9), busy(false))), offered(1, "1001"));
    // During wrap-up it is still wrap-up.
    world.answer(1, "1001");
    world.end(1, "1001");
    world.step(at(10), busy(true));
    assert_eq!(world.work("1001"), Work::WrapUp);
    world.pass(at(39));
    assert_eq!(world.work("1001"), Work::Busy);
}

#[test]
fn the_floor_says_why_a_caller_waits() {
    let members = (1001..1009)
        .map(|n| seat(&n.to_string(), &["general"]))
        .collect();
    let queues = vec![queue("general"), queue("empty")];
    let mut world = World::new(queues, members);
    for n in 1001..1008 {
        world.sign_in(&n.to_string());
    }
    world.call(1, "general");
    world.answer(1, "1001");
    world.call(2, "general");
    world.answer(2, "1002");
    world.end(2, "1002");
    world.call(3, "general");
    world.intent("1004", MEAL);
    world.device("1005", Device::Unregistered);
    world.step(
        at(0),
        Input::SeatBusy {
            seat: s("1006"),
            busy: true,
        },
    );
    world.call(4, "general");
    world.fail(4, "1007", OfferResult::Refused);
    world.call(5, "general");
    world.call(6, "empty");
    let words = |call| -> Vec<String> {
        let reasons = world.floor.explain(CallId(call));
        reasons.iter().map(ToString::to_string).collect()
    };
    let seats = |state: &str| format!("1 of the seats of general: {state}");
    assert_eq!(
        words(5),
        [
            "1 caller is ahead in general".to_owned(),
            seats("in a talk"),
            seats("being rung"),
            seats("wrapping up"),
            seats("in a call of their own"),
            seats("signed out"),
            seats("not ready (meal)"),
            seats("without a registered phone"),
            seats("left alone after a refused or failed offer"),
        ]
    );
    assert_eq!(words(3), ["seat 1003 is being rung for it"]);
    assert_eq!(words(6), ["no seat serves empty with its skills"]);
    assert!(words(1).is_empty() && words(99).is_empty());
}

#[test]
fn a_turn_tells_of_a_seat_at_most_once() {
    let mut world = centre_with(
        QueueSettings {
            wrap_up: Duration::ZERO,
            ..queue("general")
        },
        1,
    );
    world.call(1, "general");
    world.answer(1, "1001");
    world.call(2, "general");
    let out = world.end(1, "1001");
    assert_eq!(offers(&out), offered(2, "1001"));
    assert_eq!(out.len(), 2, "{out:?}");
}

#[test]
fn the_board_says_what_the_floor_says() {
    let mut world = centre(3);
    let (mut writer, reader) = board::board(3, 1);
    world.floor.post(&mut writer);
    world.call(1, "general");
    world.answer(1, "1001");
    world.intent("1001", MEAL);
    world.intent("1002", MEAL);
    world.call(2, "general");
    world.pass(at(1));
    world.call(3, "general");
    let before = reader.turns();
    world.floor.post(&mut writer);
    assert_eq!(
        reader.turns(),
        before + 4,
        "three seats and the queue changed"
    );
    for (index, name) in ["1001", "1002", "1003"].into_iter().enumerate() {
        let (word, view) = (
            reader.seat(index).unwrap(),
            world.floor.seat(s(name)).unwrap(),
        );
        assert_eq!(
            (
                word.intent,
                word.pending,
                word.work,
                word.device,
                word.call,
                word.since
            ),
            (
                view.intent,
                view.pending,
                view.work,
                view.device,
                view.call,
                view.since
            )
        );
    }
    let (word, view) = (
        reader.queue(0).unwrap(),
        world.floor.queue(q("general")).unwrap(),
    );
    assert_eq!(
        [
            word.waiting,
            word.ready_seats,
            word.offering,
            word.talking,
            word.staffed
        ],
        [
            view.waiting,
            view.ready_seats,
            view.offering,
            view.talking,
            view.staffed
        ]
        .map(|n| n as u32)
    );
    assert_eq!(word.longest_wait_since, Some(at(1)));
    world.floor.post(&mut writer);
    assert_eq!(reader.turns(), before + 4, "nothing new");
}
