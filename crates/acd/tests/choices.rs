//! Which seat is chosen, what it must be able to do, and who joins when a caller waits long: one
//! test each.
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

use hotline_acd::{Choice, Output, QueueSettings, SeatSettings, Skills, Widening};
use hotline_model::{
    SkillId,
    seat::{Intent, OfferResult, Reason},
};
use support::{World, at, at_ms, offered, offers, q, queue, seat};

const MEAL: Intent = Intent::NotReady(Reason::Meal);

fn choosing(choice: Choice) -> QueueSettings {
    QueueSettings {
        choice,
        wrap_up: Duration::ZERO,
        ..queue("general")
    }
}

/// Four seats, signed in one after the other, the last first.
fn centre(general: QueueSettings) -> World {
    let names = ["1001", "1002", "1003", "1004"];
    let seats = names.map(|name| seat(name, &["general"])).to_vec();
    let mut world = World::new(vec![general], seats);
    for name in names.iter().rev() {
        world.sign_in(name);
        world.pass(world.now + Duration::from_secs(1));
    }
    world
}

/// A caller comes and is served at once, talks so long, and leaves; by whom, and why.
fn served(world: &mut World, call: u64, seconds: u64) -> (String, String) {
    let out = world.call(call, "general");
    let Some(Output::Offer { seat, why, .. }) = out.first() else {
        panic!("{out:?}");
    };
    let seat = seat.to_string();
    world.answer(call, &seat);
    world.pass(world.now + Duration::from_secs(seconds));
    world.end(call, &seat);
    (seat, why.clone())
}

fn whys(outputs: &[Output]) -> Vec<&str> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Offer { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_least_occupied_seat_is_chosen_whoever_is_idle_longest() {
    let mut world = centre(choosing(Choice::LeastOccupied));
    assert_eq!(served(&mut world, 1, 60).0, "1004");
    assert_eq!(served(&mut world, 2, 30).0, "1003");
    assert_eq!(served(&mut world, 3, 20).0, "1002");
    assert_eq!(served(&mut world, 4, 40).0, "1001");
    // Idle longest is 1004; 1002 worked least.
    let (seat, why) = served(&mut world, 5, 100);
    assert_eq!(seat, "1002");
    let wanted = "least occupied (13 % lately) of 4 ready seats; only caller in general";
    assert_eq!(why, wanted);
    assert_eq!(served(&mut world, 6, 1).0, "1003");
    // An hour later the same work counts a quarter, and little work now is more than that.
    world.pass(at(3_700));
    for (call, wanted) in [
        (7, "1003"),
        (8, "1001"),
        (9, "1004"),
        (10, "1002"),
        (11, "1003"),
    ] {
        assert_eq!(served(&mut world, call, 60).0, wanted, "{call}");
    }
}

#[test]
fn the_seat_with_the_fewest_calls_since_signing_in_is_chosen() {
    let mut world = centre(choosing(Choice::FewestCalls));
    for wanted in ["1004", "1003", "1002", "1001", "1004"] {
        let call = world.tally.queued + 1;
        assert_eq!(served(&mut world, call, 5).0, wanted);
    }
    world.intent("1004", Intent::NotReady(Reason::LoggedOut));
    world.intent("1004", Intent::Ready);
    let (seat, why) = served(&mut world, 9, 1);
    assert_eq!(seat, "1004");
    assert_eq!(
        why,
        "fewest calls (0) of 4 ready seats; only caller in general"
    );
    // A break does not begin a new count.
    world.intent("1004", MEAL);
    world.intent("1004", Intent::Ready);
    assert_eq!(served(&mut world, 10, 1).0, "1003");
}

#[test]
fn the_most_skilled_seat_is_chosen() {
    let skill = |name, level| (SkillId::new(name).unwrap(), level);
    let general = QueueSettings {
        skills: Skills::parse("english>=3 and (tax or social)").unwrap(),
        ..choosing(Choice::MostSkilled)
    };
    let able = |name, skills: &[(SkillId, u8)]| SeatSettings {
        skills: skills.to_vec(),
        ..seat(name, &["general"])
    };
    let seats = vec![
        able("1001", &[skill("english", 9)]),
        able(
            "1002",
            &[skill("english", 3), skill("tax", 1), skill("other", 10)],
        ),
        able("1003", &[skill("english", 4), skill("social", 9)]),
        able("1004", &[skill("english", 10), skill("tax", 3)]),
    ];
    let mut world = World::new(vec![general], seats);
    for name in ["1001", "1002", "1003", "1004"] {
        world.sign_in(name);
    }
    let out = world.call(1, "general");
    assert_eq!(offers(&out), offered(1, "1003"));
    let why = "most skilled (level 13, idle 0 s) of 3 ready seats; only caller in general";
    assert_eq!(whys(&out), [why]);
    assert_eq!(offers(&world.call(2, "general")), offered(2, "1004"));
    assert_eq!(offers(&world.call(3, "general")), offered(3, "1002"));
    assert_eq!(offers(&world.call(4, "general")), []);
}

#[test]
fn round_robin_goes_on_after_the_seat_rung_last() {
    let mut world = centre(choosing(Choice::RoundRobin));
    let mut order = Vec::new();
    for call in 1..=5 {
        order.push(served(&mut world, call, 1).0);
    }
    assert_eq!(order, ["1001", "1002", "1003", "1004", "1001"]);
    world.intent("1002", MEAL);
    let (seat, why) = served(&mut world, 6, 1);
    assert_eq!(seat, "1003");
    assert_eq!(why, "next in turn of 3 ready seats; only caller in general");
    world.intent("1002", Intent::Ready);
    assert_eq!(served(&mut world, 7, 1).0, "1004");
    // Whoever refuses is passed over, and its turn is gone.
    assert_eq!(offers(&world.call(8, "general")), offered(8, "1001"));
    let out = world.fail(8, "1001", OfferResult::Refused);
    assert_eq!(offers(&out), offered(8, "1002"));
}

#[test]
fn the_fixed_order_is_that_of_the_settings() {
    let mut world = centre(choosing(Choice::FixedOrder));
    for call in 1..4 {
        let (seat, why) = served(&mut world, call, 1);
        assert_eq!(seat, "1001");
        assert_eq!(
            why,
            "first in the fixed order of 4 ready seats; only caller in general"
        );
    }
    world.intent("1001", MEAL);
    assert_eq!(served(&mut world, 4, 1).0, "1002");
}

#[test]
fn new_settings_may_put_the_seats_in_another_order() {
    let reversed = || ["1004", "1003", "1002", "1001"].map(|id| seat(id, &["general"]));
    let mut world = centre(choosing(Choice::FixedOrder));
    assert_eq!(served(&mut world, 1, 1).0, "1001");
    let queues = world.queues.clone();
    world.change(world.now, queues, reversed().to_vec());
    assert_eq!(served(&mut world, 2, 1).0, "1004");

    let mut world = centre(choosing(Choice::RoundRobin));
    assert_eq!(served(&mut world, 1, 1).0, "1001");
    assert_eq!(served(&mut world, 2, 1).0, "1002");
    let queues = world.queues.clone();
    world.change(world.now, queues, reversed().to_vec());
    // 1001 now stands behind the one rung last.
    assert_eq!(served(&mut world, 3, 1).0, "1001");
    assert_eq!(served(&mut world, 4, 1).0, "1004");
}

#[test]
fn a_draw_follows_the_weights_and_the_seed() {
    let run = |seed: u64| {
        let general = QueueSettings {
            seed,
            ..choosing(Choice::WeightedRandom)
        };
        let weighing = |name, weight| SeatSettings {
            weight,
            ..seat(name, &["general"])
        };
        let seats = vec![
            weighing("1001", 1),
            weighing("1002", 3),
            weighing("1003", 0),
        ];
        let mut world = World::new(vec![general], seats);
        for name in ["1001", "1002", "1003"] {
            world.sign_in(name);
        }
        let mut drawn = Vec::new();
        for call in 1..=2_000 {
            let (seat, why) = served(&mut world, call, 0);
            let share = if seat == "1002" { "3 of 5" } else { "1 of 5" };
            assert!(why.starts_with(&format!("drawn by weight ({share}) of 3 ready seats")));
            drawn.push(seat);
        }
        drawn
    };
    let drawn = run(7);
    let often = |name: &str| drawn.iter().filter(|it| *it == name).count();
    assert!((350..450).contains(&often("1001")), "{}", often("1001"));
    assert!((1_130..1_270).contains(&often("1002")), "{}", often("1002"));
    assert_eq!(run(7), drawn);
    assert_ne!(run(8), drawn);
}

fn widening(after_s: u64, skills: &str, queues: &[&str]) -> Widening {
    Widening {
        after: Duration::from_secs(after_s),
        skills: Skills::parse(skills).ok(),
        queues: queues.iter().map(|name| q(name)).collect(),
    }
}

/// A queue whose seats speak English well; after 10 s a little is enough, after 20 s anybody in
/// "backup" will do.
fn rings() -> World {
    let english = SkillId::new("english").unwrap();
    let foreign = QueueSettings {
        skills: Skills::parse("english>=5").unwrap(),
        widen: vec![widening(10, "english", &[]), widening(20, "", &["backup"])],
        ..queue("foreign")
    };
    let able = |name, queues: &[&str], level| SeatSettings {
        skills: vec![(english, level)],
        ..seat(name, queues)
    };
    let seats = vec![
        able("1001", &["foreign"], 7),
        able("1002", &["foreign"], 2),
        seat("1003", &["backup"]),
    ];
    World::new(vec![foreign, queue("backup")], seats)
}

#[test]
fn further_seats_are_rung_at_the_moment_the_wait_is_long_enough() {
    let mut world = rings();
    world.sign_in("1002");
    world.sign_in("1003");
    assert_eq!(offers(&world.call(1, "foreign")), []);
    assert_eq!(world.floor.next_wake(), Some(at(10)));
    let told: Vec<String> = world
        .floor
        .explain(hotline_model::CallId(1))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "1 of the seats of foreign: signed out",
            "1 further seats are asked in foreign after 10 s of waiting"
        ]
    );
    world.pass(at(4));
    assert_eq!(offers(&world.call(2, "foreign")), []);
    assert_eq!(offers(&world.pass(at_ms(9_999))), []);
    let out = world.pass(at(10));
    assert_eq!(offers(&out), offered(1, "1002"));
    let why =
        "only ready seat (idle 10 s), asked after 10 s of waiting; caller first of 2 in foreign";
    assert_eq!(whys(&out), [why]);
    world.answer(1, "1002");
    let out = world.pass(at(24));
    assert_eq!(offers(&out), offered(2, "1003"));
    let why = "only ready seat (idle 24 s), asked after 20 s of waiting; only caller in foreign";
    assert_eq!(whys(&out), [why]);
}

#[test]
fn a_further_seat_passes_over_those_who_have_not_waited_enough() {
    let mut world = rings();
    world.call_with(1, "foreign", 5);
    world.pass(at(8));
    world.call_with(2, "foreign", 0);
    world.pass(at(12));
    let out = world.sign_in("1002");
    assert_eq!(offers(&out), offered(1, "1002"));
    let why = "only ready seat (idle 0 s), asked after 10 s of waiting; \
               caller first of 2 in foreign who waited 10 s";
    assert_eq!(whys(&out), [why]);
    assert_eq!(offers(&world.sign_in("1001")), offered(2, "1001"));
}

#[test]
fn those_who_served_before_still_come_first() {
    let mut world = rings();
    world.call(1, "foreign");
    world.pass(at(15));
    world.sign_in("1001");
    world.answer(1, "1001");
    world.sign_in("1002");
    world.end(1, "1001");
    world.pass(at(120));
    // Idle longer is 1002, but it is asked later.
    let arrived = at(100);
    let input = hotline_acd::Input::CallQueued {
        call: hotline_model::CallId(2),
        queue: q("foreign"),
        priority: 5,
        arrived,
        spent: 0,
        preferred: None,
        promised: false,
    };
    let out = world.step(world.now, input);
    assert_eq!(offers(&out), offered(2, "1001"));
    assert!(
        whys(&out)[0].starts_with("longest idle (75 s) of 2 ready seats"),
        "{out:?}"
    );
}

#[test]
fn with_ageing_a_long_wait_overtakes_a_better_priority() {
    let general = QueueSettings {
        ageing: Some(Duration::from_secs(10)),
        ..queue("general")
    };
    let mut world = World::new(vec![general], vec![seat("1001", &["general"])]);
    world.call_with(1, "general", 3);
    world.pass(at(29));
    world.call_with(2, "general", 0);
    world.pass(at(30));
    world.call_with(3, "general", 0);
    world.pass(at(31));
    world.call_with(4, "general", 0);
    let order: Vec<u64> = world.floor.waiting(q("general")).map(|it| it.0).collect();
    assert_eq!(order, [2, 1, 3, 4]);
    world.leave(2);
    let out = world.sign_in("1001");
    assert_eq!(offers(&out), offered(1, "1001"));
    let why = "only ready seat (idle 0 s); caller first of 3 in general by a wait of 31 s, before \
               a better priority";
    assert_eq!(whys(&out), [why]);
}

/// The names of those who wait, in order.
fn line(world: &World) -> Vec<u64> {
    world.floor.waiting(q("general")).map(|it| it.0).collect()
}

#[test]
fn new_settings_cost_nobody_a_place() {
    let mut world = World::new(vec![queue("general")], vec![seat("1001", &["general"])]);
    world.sign_in("1001");
    world.call(1, "general");
    world.answer(1, "1001");
    world.call_with(2, "general", 5);
    world.pass(at(10));
    world.call_with(3, "general", 0);
    world.call_with(4, "general", 5);
    assert_eq!(line(&world), [3, 2, 4]);
    let aged = QueueSettings {
        ageing: Some(Duration::from_secs(1)),
        capacity: 1,
        ..queue("general")
    };
    let out = world.change(
        world.now,
        vec![aged.clone()],
        vec![seat("1001", &["general"])],
    );
    assert_eq!(out, []);
    assert_eq!(line(&world), [2, 3, 4]);
    // A seat that comes is signed out, and then takes the first.
    let both = vec![seat("1001", &["general"]), seat("1002", &["general"])];
    world.change(world.now, vec![aged], both);
    assert_eq!(offers(&world.sign_in("1002")), offered(2, "1002"));
    assert_eq!(world.work("1001"), hotline_model::seat::Work::Talking);
}

#[test]
fn a_seat_that_learns_a_queue_serves_who_waits_there() {
    let queues = vec![queue("general"), queue("other")];
    let mut world = World::new(queues.clone(), vec![seat("1001", &["other"])]);
    world.sign_in("1001");
    world.call(1, "general");
    let out = world.change(at(3), queues, vec![seat("1001", &["other", "general"])]);
    assert_eq!(offers(&out), offered(1, "1001"));
}

#[test]
fn a_queue_that_goes_is_served_to_its_end() {
    let queues = vec![queue("general"), queue("other")];
    let both = ["general", "other"];
    let seats = vec![seat("1001", &both), seat("1002", &both)];
    let mut world = World::new(queues, seats);
    world.call(1, "general");
    world.call(2, "general");
    let seats = vec![seat("1001", &["other"]), seat("1002", &["other"])];
    assert_eq!(world.change(at(1), vec![queue("other")], seats.clone()), []);
    let out = world.call(3, "general");
    let refused = Output::Refused {
        call: hotline_model::CallId(3),
        queue: q("general"),
        cause: hotline_acd::rules::QUEUE_UNKNOWN,
    };
    assert_eq!(out, [refused]);
    assert_eq!(offers(&world.sign_in("1001")), offered(1, "1001"));
    // Its last seat goes: nobody is left to wait for.
    let out = world.change(at(2), vec![queue("other")], vec![seat("1009", &["other"])]);
    let gone: Vec<u64> = out
        .iter()
        .filter_map(|output| match output {
            Output::TimedOut { call, .. } => Some(call.0),
            _ => None,
        })
        .collect();
    assert_eq!(gone, [2], "{out:?}");
}

#[test]
fn a_seat_that_goes_finishes_its_talk_and_gives_back_what_rings() {
    let all = ["1001", "1002"]
        .map(|name| seat(name, &["general"]))
        .to_vec();
    let mut world = World::new(vec![queue("general")], all);
    world.sign_in("1001");
    world.sign_in("1002");
    world.call(1, "general");
    world.answer(1, "1001");
    assert_eq!(offers(&world.call(2, "general")), offered(2, "1002"));
    let others = vec![seat("1003", &["general"])];
    let out = world.change(at(1), vec![queue("general")], others);
    let withdrawn = Output::Withdraw {
        call: hotline_model::CallId(2),
        seat: "1002".parse().unwrap(),
        why: OfferResult::Withdrawn,
    };
    assert_eq!(out[0], withdrawn);
    assert_eq!(line(&world), [2]);
    let view = world.floor.seat("1001".parse().unwrap()).unwrap();
    let signed_out = Intent::NotReady(Reason::LoggedOut);
    assert_eq!(
        (view.intent, view.pending),
        (Intent::Ready, Some(signed_out))
    );
    world.end(1, "1001");
    world.pass(at(60));
    assert_eq!(offers(&world.intent("1001", Intent::Ready)), []);
    let view = world.floor.seat("1001".parse().unwrap()).unwrap();
    assert_eq!(view.intent, signed_out);
}

#[test]
fn a_wait_is_expected_by_the_pace_and_the_seats_at_work() {
    let mut world = centre(choosing(Choice::LongestIdle));
    for call in 1..=6 {
        let known = world.floor.expected_wait_in(q("general"));
        assert_eq!(known.map(|wait| wait.to), Some(Duration::ZERO));
        served(&mut world, call, 60);
    }
    for call in 11..=16 {
        world.call(call, "general");
    }
    let expected = |world: &World, call| {
        let wait = world.floor.expected_wait(hotline_model::CallId(call))?;
        Some((wait.from.as_secs(), wait.to.as_secs()))
    };
    // Four seats of a minute each: one is free every 15 s.
    assert_eq!(expected(&world, 14), None);
    assert_eq!(expected(&world, 15), Some((0, 42)));
    assert_eq!(expected(&world, 16), Some((2, 61)));
    let next = world.floor.expected_wait_in(q("general")).unwrap();
    assert_eq!((next.from.as_secs(), next.to.as_secs()), (9, 77));
    // Two go for a meal after this talk.
    for (call, seat) in [(11, "1002"), (12, "1001"), (13, "1004"), (14, "1003")] {
        world.answer(call, seat);
    }
    for seat in ["1001", "1002"] {
        world.intent(seat, MEAL);
    }
    world.pass(world.now + Duration::from_secs(60));
    world.end(12, "1001");
    world.end(11, "1002");
    assert_eq!(expected(&world, 15), Some((0, 76)));
    for seat in ["1003", "1004"] {
        world.intent(seat, Intent::NotReady(Reason::LoggedOut));
    }
    world.end(14, "1003");
    world.end(13, "1004");
    assert_eq!(expected(&world, 15), None);
}

#[test]
fn a_forecast_is_made_of_what_was_seen_by_whoever_works() {
    let mut world = centre(choosing(Choice::LongestIdle));
    let outlook = |world: &World| world.floor.outlook(world.now, q("general")).unwrap();
    assert_eq!(outlook(&world).ahead, None, "nobody called yet");
    for call in 1..=12 {
        served(&mut world, call, 60);
    }
    let known = outlook(&world);
    // Twelve calls of a minute, one after the other: one erlang on four seats.
    assert_eq!((known.serving, known.waiting, known.entered), (4, 0, 12));
    let ahead = known.ahead.unwrap();
    assert!((13.0..17.0).contains(&ahead.calls), "{ahead:?}");
    assert!((59.0..61.0).contains(&ahead.load.handling_s), "{ahead:?}");
    assert_eq!(ahead.more, 0);
    assert!(known.at_least.unwrap().calls < ahead.calls / 2.0);
    assert_eq!(world.floor.outlook(world.now, q("nowhere")), None);
    // What was long ago says nothing of the next quarter of an hour.
    world.pass(world.now + Duration::from_secs(1_200));
    assert_eq!(outlook(&world).ahead, None, "nobody called lately");
    for call in 21..=32 {
        served(&mut world, call, 60);
    }
    assert!(outlook(&world).ahead.is_some());
    for seat in ["1001", "1002", "1003", "1004"] {
        world.intent(seat, MEAL);
    }
    let nobody = outlook(&world);
    assert_eq!(
        (nobody.serving, nobody.ahead, nobody.at_least),
        (0, None, None)
    );
}
