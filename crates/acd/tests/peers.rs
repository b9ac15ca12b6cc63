//! Failures that other engines shipped, each as a test that this floor does not have it. The name
//! says where it was reported.
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

use hotline_acd::{Input, Output, QueueSettings, rules};
use hotline_model::{
    CallId, Instant,
    seat::{Device, Intent, OfferResult, Reason, Work},
};
use support::{Dice, Seen, World, at, at_ms, offered, offers, q, queue, s, seat};

const MEAL: Intent = Intent::NotReady(Reason::Meal);

/// One queue "general", so many seats from 1001 on, all signed in.
fn centre(seats: usize) -> World {
    let names: Vec<String> = (0..seats).map(|n| format!("{}", 1001 + n)).collect();
    let members = names.iter().map(|name| seat(name, &["general"])).collect();
    let mut world = World::new(vec![queue("general")], members);
    for name in &names {
        world.sign_in(name);
    }
    world
}

/// Two agents were connected to one caller.
#[test]
fn asterisk_176_a_call_is_answered_by_one_seat() {
    let mut world = centre(2);
    assert_eq!(offers(&world.call(1, "general")), offered(1, "1001"));
    // The other seat claims the answer: it was never asked.
    world.answer(1, "1002");
    assert_eq!(world.work("1002"), Work::Free);
    world.answer(1, "1001");
    assert_eq!(world.work("1001"), Work::Talking);
    assert_eq!(world.floor.ignored(), 2);
}

/// A late answer of the seat that was given up connected a second agent.
#[test]
fn asterisk_176_the_late_answer_of_a_withdrawn_seat_does_not_count() {
    let mut world = centre(2);
    world.call(1, "general");
    let out = world.pass(at(5));
    assert_eq!(offers(&out), offered(1, "1002"), "1001 never rang");
    world.answer(1, "1001");
    assert_eq!(world.calls[&CallId(1)].seen, Seen::Offered(s("1002")));
}

/// Statistics were counted twice when two things happened at once.
#[test]
fn asterisk_1736_what_is_reported_twice_counts_once() {
    let mut world = centre(1);
    world.call(1, "general");
    world.answer(1, "1001");
    world.answer(1, "1001");
    assert_eq!(world.floor.queue(q("general")).unwrap().talking, 1);
    world.end(1, "1001");
    world.end(1, "1001");
    world.leave(1);
    assert_eq!(world.floor.queue(q("general")).unwrap().talking, 0);
    assert_eq!(world.tally.talked, 1);
}

/// A heavier queue held up a lighter one although the free agent could not serve it.
#[test]
fn asterisk_1561_a_heavy_queue_the_seat_may_not_serve_blocks_nobody() {
    let heavy = QueueSettings {
        weight: 66,
        ..queue("heavy")
    };
    let seats = vec![seat("1001", &["light"])];
    let mut world = World::new(vec![heavy, queue("light")], seats);
    world.call(1, "heavy");
    world.pass(at(30));
    world.call(2, "light");
    assert_eq!(offers(&world.sign_in("1001")), offered(2, "1001"));
}

/// "Longest waiting caller first" stopped all offers when a call joined at the head.
#[test]
fn asterisk_1691_a_caller_with_precedence_stops_nothing() {
    let queues = vec![queue("a"), queue("b")];
    let mut world = World::new(queues, vec![seat("1600", &["a", "b"])]);
    world.call(1, "a");
    world.pass(at(2));
    world.call(2, "b");
    world.pass(at(4));
    world.call_with(3, "a", 0);
    assert_eq!(offers(&world.sign_in("1600")), offered(3, "1600"));
}

/// The queue whose head was a fresh caller with precedence counted as the least urgent one.
#[test]
fn asterisk_1637_precedence_does_not_make_a_queue_less_urgent() {
    let queues = vec![queue("400"), queue("401")];
    let mut world = World::new(queues, vec![seat("1600", &["400", "401"])]);
    world.call(1, "400");
    world.pass(at(600));
    world.call(2, "401");
    world.pass(at(1_200));
    world.call_with(3, "400", 0);
    assert_eq!(offers(&world.sign_in("1600")), offered(3, "1600"));
}

/// Wrap-up ended early: a later event of the call that was transferred away reset it.
#[test]
fn asterisk_607_1006_wrap_up_lasts_whatever_becomes_of_the_transferred_call() {
    let mut world = centre(1);
    world.call(1, "general");
    world.answer(1, "1001");
    world.end(1, "1001");
    let until = world.floor.seat(s("1001")).unwrap().deadline;
    // The caller goes on to another queue and agent, and hangs up there.
    let back = Input::CallQueued {
        call: CallId(1),
        queue: q("general"),
        priority: 0,
        arrived: Instant::START,
        spent: 0,
        preferred: None,
        promised: false,
    };
    world.step(at(1), back);
    world.leave(1);
    world.end(1, "1001");
    world.call(2, "general");
    let view = world.floor.seat(s("1001")).unwrap();
    assert_eq!((view.work, view.deadline), (Work::WrapUp, until));
    assert_eq!(offers(&world.pass(at(29))), []);
    assert_eq!(offers(&world.pass(at(30))), offered(2, "1001"));
}

/// The announced wait grew while the caller waited.
#[test]
fn asterisk_say_position_does_not_grow_while_nobody_has_precedence() {
    let mut world = centre(2);
    for call in 1..=12 {
        world.call(call, "general");
    }
    let mut last = u32::MAX;
    let mut dice = Dice(7);
    for step in 0..200 {
        world.pass(at(step));
        let name = *dice.one_of(&["1001", "1002"]);
        let call = world.floor.seat(s(name)).unwrap().call;
        let call = call.map_or(0, |call| call.0);
        match dice.below(4) {
            0 => world.fail(call, name, OfferResult::Refused),
            1 => world.answer(call, name),
            2 => world.end(call, name),
            _ => world.call(100 + step, "general"),
        };
        world.intent(name, Intent::Ready);
        let Some(position) = world.floor.position(CallId(12)) else {
            break;
        };
        // Whoever is being rung for may come back to the place before.
        let rung = world
            .calls
            .iter()
            .filter(|(call, it)| call.0 < 12 && matches!(it.seen, Seen::Offered(_)));
        let before = position + rung.count() as u32;
        assert!(before <= last, "{before} after {last}");
        last = before;
    }
    assert!(last < 12, "the line moved");
}

/// Agents stayed reserved for ever when the call was gone at that moment.
#[test]
fn freeswitch_2540_a_reserved_seat_is_free_when_its_caller_is_gone() {
    let mut world = centre(1);
    world.call(1, "general");
    assert_eq!(world.work("1001"), Work::Reserved);
    world.leave(1);
    assert_eq!(world.work("1001"), Work::Free);
    // And when nothing is heard of the INVITE at all.
    world.call(2, "general");
    world.leave(2);
    world.call(3, "general");
    let out = world.pass(at(5));
    assert!(out.contains(&Output::Withdraw {
        call: CallId(3),
        seat: s("1001"),
        why: OfferResult::Unreachable,
    }));
    assert_eq!(world.work("1001"), Work::Free);
}

/// The dispatch thread ended when no agents were left and did not come back without a reload.
#[test]
fn freeswitch_1641_distribution_resumes_when_seats_come_back() {
    let mut world = centre(2);
    for name in ["1001", "1002"] {
        world.intent(name, Intent::NotReady(Reason::LoggedOut));
        world.device(name, Device::Unregistered);
    }
    world.call(1, "general");
    world.pass(at(3_600));
    world.call(2, "general");
    assert_eq!(offers(&world.sign_in("1001")), offered(1, "1001"));
    assert_eq!(offers(&world.sign_in("1002")), offered(2, "1002"));
}

/// The queue froze with five agents at twenty calls a minute.
#[test]
fn freeswitch_1062_five_seats_and_twenty_calls_a_minute_for_a_day() {
    let brief = QueueSettings {
        wrap_up: Duration::from_secs(2),
        ..queue("general")
    };
    let names = ["1001", "1002", "1003", "1004", "1005"];
    let members = names.map(|name| seat(name, &["general"])).to_vec();
    let mut world = World::new(vec![brief], members);
    for name in names {
        world.sign_in(name);
    }
    let mut dice = Dice(1062);
    let mut ends: Vec<(Instant, u64, String)> = Vec::new();
    for call in 0..24 * 60 * 20 {
        let now = at(call * 3);
        world.pass(now);
        let (over, on) = ends.into_iter().partition(|end| end.0 <= now);
        ends = on;
        let over: Vec<_> = over;
        let mut rung = Vec::new();
        for (_, call, name) in over {
            rung.extend(offers(&world.end(call, &name)));
        }
        rung.extend(offers(&world.call(call, "general")));
        rung.extend(offers(&world.pass(now + Duration::from_millis(2_999))));
        for (call, name) in rung {
            world.answer(call, &name);
            ends.push((
                world.now + Duration::from_secs(3 + dice.below(6)),
                call,
                name,
            ));
        }
    }
    assert!(world.tally.answered >= 28_700, "{:?}", world.tally);
}

/// The eighth caller in line was served first.
#[test]
fn freeswitch_2511_thirteen_callers_are_served_in_their_order() {
    let mut world = centre(13);
    let name = |n: u64| format!("{}", 1000 + n);
    for n in 1..=13 {
        world.intent(&name(n), MEAL);
    }
    // They come to the floor in another order than they arrived in.
    for call in [4, 9, 2, 13, 1, 8, 3, 7, 12, 5, 11, 6, 10] {
        let input = Input::CallQueued {
            call: CallId(call),
            queue: q("general"),
            priority: 5,
            arrived: at(call),
            spent: 0,
            preferred: None,
            promised: false,
        };
        world.step(at(20), input);
    }
    for n in 1..=13 {
        let out = world.intent(&name(n), Intent::Ready);
        assert_eq!(offers(&out), offered(n, &name(n)));
    }
}

/// One unavailable agent at the end of the list halted distribution.
#[test]
fn freeswitch_1216_an_unavailable_last_seat_halts_nothing() {
    let mut world = centre(3);
    world.intent("1003", Intent::NotReady(Reason::Break));
    world.call(1, "general");
    assert_eq!(
        offers(&world.fail(1, "1001", OfferResult::Refused)),
        offered(1, "1002")
    );
    assert_eq!(offers(&world.fail(1, "1002", OfferResult::Refused)), []);
    // Both are left alone for a while, then the round starts again with the longer idle.
    assert_eq!(offers(&world.pass(at(10))), offered(1, "1001"));
}

/// One agent was rung twice at once, and a call that had ended was answered.
#[test]
fn freeswitch_2901_no_seat_rings_twice_and_no_dead_call_is_answered() {
    let mut world = centre(1);
    assert_eq!(offers(&world.call(1, "general")), offered(1, "1001"));
    assert_eq!(offers(&world.call(2, "general")), []);
    assert_eq!(offers(&world.sign_in("1001")), []);
    assert_eq!(offers(&world.leave(1)), offered(2, "1001"));
    world.answer(1, "1001");
    assert_eq!(world.work("1001"), Work::Reserved, "it is rung for call 2");
    assert!(!world.calls.contains_key(&CallId(1)));
}

/// A member was listed as answered hours after the caller had hung up.
#[test]
fn freeswitch_1973_nothing_is_left_of_a_caller_who_left_in_the_answer() {
    let mut world = centre(1);
    world.call(1, "general");
    world.leave(1);
    world.answer(1, "1001");
    assert_eq!(world.floor.position(CallId(1)), None);
    assert_eq!(world.floor.queue(q("general")).unwrap().talking, 0);
    assert_eq!(world.work("1001"), Work::Free);
}

/// A status change in mid-offer started a fast loop of INVITE and CANCEL.
#[test]
fn freeswitch_pr_800_a_wish_in_mid_offer_waits_for_its_end() {
    let mut world = centre(1);
    world.call(1, "general");
    for _ in 0..50 {
        assert_eq!(world.intent("1001", MEAL), []);
        assert_eq!(world.intent("1001", Intent::Ready), []);
    }
    world.intent("1001", MEAL);
    assert_eq!(world.floor.seat(s("1001")).unwrap().pending, Some(MEAL));
    world.fail(1, "1001", OfferResult::Refused);
    let view = world.floor.seat(s("1001")).unwrap();
    assert_eq!(
        (view.intent, view.pending, view.work),
        (MEAL, None, Work::Free)
    );
    assert_eq!(world.tally.offers, 1);
}

/// Agents stayed "in call" until the engine was restarted, or the BYE was lost.
#[test]
fn opensips_3123_2530_a_talk_ends_for_the_seat_when_the_caller_is_gone() {
    let mut world = centre(1);
    world.call(1, "general");
    world.answer(1, "1001");
    world.leave(1);
    assert_eq!(world.work("1001"), Work::WrapUp);
    world.pass(at(30));
    assert_eq!(world.work("1001"), Work::Free);
}

/// An agent who rejected the call dropped the caller.
#[test]
fn opensips_2886_a_refused_caller_keeps_the_place() {
    let mut world = centre(1);
    world.call(1, "general");
    world.pass(at_ms(500));
    world.call(2, "general");
    world.call(3, "general");
    world.fail(1, "1001", OfferResult::Refused);
    assert_eq!(world.floor.position(CallId(1)), Some(1));
    assert_eq!(world.floor.position(CallId(3)), Some(3));
    assert_eq!(offers(&world.pass(at(11))), offered(1, "1001"));
}

/// One agent was dialled for two calls at once.
#[test]
fn rustpbx_2026_08_20_a_seat_is_dialled_for_one_call() {
    let names = ["general", "business", "english"];
    let queues = names.map(queue).to_vec();
    let mut world = World::new(queues, vec![seat("1001", &names)]);
    for (n, name) in names.iter().enumerate() {
        world.call(n as u64, name);
    }
    assert_eq!(offers(&world.sign_in("1001")).len(), 1);
    assert_eq!(offers(&world.call(9, "general")), []);
}

/// Many quick calls all picked the first agent of the same list.
#[test]
fn openacd_5_quick_calls_spread_over_the_seats() {
    let mut world = centre(5);
    let mut rung: Vec<String> = Vec::new();
    for call in 0..5 {
        rung.extend(
            offers(&world.call(call, "general"))
                .into_iter()
                .map(|it| it.1),
        );
    }
    rung.sort();
    rung.dedup();
    assert_eq!(rung.len(), 5, "five calls in one instant ring five seats");
    for call in 0..5 {
        world.leave(call);
    }
    // Callers who give up at once do not ring the same agent again and again.
    let mut rung = Vec::new();
    for call in 10..20 {
        rung.extend(
            offers(&world.call(call, "general"))
                .into_iter()
                .map(|it| it.1),
        );
        world.leave(call);
    }
    let once = ["1001", "1002", "1003", "1004", "1005"];
    assert_eq!(rung, [once, once].concat());
}

/// A phone that registered anew while it was offered a call was put out of service.
#[test]
fn openacd_6_a_phone_that_registers_anew_keeps_its_offer() {
    let mut world = centre(1);
    world.call(1, "general");
    assert_eq!(world.device("1001", Device::Registered), []);
    world.answer(1, "1001");
    assert_eq!(world.work("1001"), Work::Talking);
}

/// An agent whose phone was not registered stayed available and was offered calls.
#[test]
fn fusionpbx_2831_an_unregistered_phone_is_not_offered_calls() {
    let mut world = centre(2);
    world.device("1001", Device::Unregistered);
    assert_eq!(offers(&world.call(1, "general")), offered(1, "1002"));
    // It goes while it rings: the caller is back at the head at once.
    assert_eq!(offers(&world.call(2, "general")), []);
    let out = world.device("1002", Device::Unregistered);
    assert!(matches!(
        out.first(),
        Some(Output::Withdraw {
            why: OfferResult::Withdrawn,
            ..
        })
    ));
    assert_eq!(world.floor.position(CallId(1)), Some(1));
    assert_eq!(
        offers(&world.device("1001", Device::Registered)),
        offered(1, "1001")
    );
}

/// A rejected call rang the only agent again at once, in a loop.
#[test]
fn amazon_connect_streams_292_the_only_seat_is_left_alone_after_a_refusal() {
    let mut world = centre(1);
    world.call(1, "general");
    let mut rung_at = vec![world.now];
    for _ in 0..2 {
        assert_eq!(offers(&world.fail(1, "1001", OfferResult::Refused)), []);
        let wake = world
            .floor
            .seat(s("1001"))
            .unwrap()
            .backs_off_until
            .unwrap();
        assert_eq!(wake, world.now + rules::REFUSED_BACK_OFF);
        assert_eq!(offers(&world.pass(wake)), offered(1, "1001"));
        rung_at.push(world.now);
    }
    assert_eq!(rung_at, [at(0), at(10), at(20)]);
    // The third refusal in a row ends it.
    world.fail(1, "1001", OfferResult::Refused);
    assert_eq!(offers(&world.pass(at(3_600))), []);
    let intent = world.floor.seat(s("1001")).unwrap().intent;
    assert_eq!(intent, Intent::NotReady(Reason::Refused));
    assert_eq!(
        offers(&world.intent("1001", Intent::Ready)),
        offered(1, "1001")
    );
}

/// The announced wait was the mean hold time less the time waited so far, or grew with it: whoever
/// waited longer was told more. Here it depends on who is ahead, and on nothing that passes.
#[test]
fn asterisk_say_position_the_announced_wait_does_not_grow_with_waiting() {
    let mut world = centre(2);
    // The pace: six calls of 30 s and the wrap-up of 30 s each.
    for call in 1..=6 {
        let seat = offers(&world.call(call, "general"))[0].1.clone();
        world.answer(call, &seat);
        world.pass(world.now + Duration::from_secs(30));
        world.end(call, &seat);
        world.pass(world.now + Duration::from_secs(30));
    }
    for call in 11..=16 {
        world.call(call, "general");
    }
    world.answer(11, "1001");
    world.answer(12, "1002");
    let told = |world: &World| world.floor.expected_wait(CallId(16)).unwrap();
    let first = told(&world);
    assert!(first.to > Duration::from_secs(60), "{first:?}");
    let mut last = first;
    for second in 1..=240 {
        let then = world.now + Duration::from_secs(1);
        world.pass(then);
        match second {
            30 => drop(world.end(11, "1001")),
            40 => drop(world.leave(13)),
            61 => drop(world.answer(14, "1001")),
            _ => {}
        }
        let now = told(&world);
        // What happens teaches something of the pace, the wrap-up's end too; time alone does not.
        if !matches!(second, 30 | 40 | 60 | 61) {
            assert_eq!(now, last, "after {second} s");
        }
        last = now;
    }
    assert_eq!(world.floor.position(CallId(16)), Some(2));
    assert!(last.to < first.to * 3 / 4, "{last:?} of {first:?}");
}
