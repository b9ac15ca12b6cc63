//! What a seat's phones see and do: several of one seat ring together, one answers, others refuse,
//! redirect, hold and fall silent.

#![cfg(test)]

use core::time::Duration;

use hotline_calls::settings::{AutoAnswer, PickUp, Settings};
use hotline_model::{
    event::{Event, ReleasedBy},
    seat::OfferResult,
};
use hotline_sim::{
    World,
    actors::{Deed, Person},
    network::Weather,
    town::seat_id,
};

/// Lines of the scenes: two phones of seat 1000, one of seat 1001, a caller.
const FIRST: usize = 0;
const SECOND: usize = 1;
const OTHER: usize = 2;
const CALLER: usize = 3;

fn planned(seat: Option<usize>) -> (Duration, Person) {
    let seat = seat.map(seat_id);
    (Duration::ZERO, Person::Planned { seat })
}

fn people() -> Vec<(Duration, Person)> {
    [Some(0), Some(0), Some(1), None].map(planned).into()
}

/// The caller dials at 2 s and asks for a human at 4 s; what else happens is planned.
fn scene(plans: &[(f64, usize, Deed)], change: impl FnOnce(&mut Settings)) -> World {
    let mut world = World::changed(1, Weather::FAIR, people(), change).unwrap();
    let mut all = vec![
        (1.0, FIRST, Deed::GoReady),
        (2.0, CALLER, Deed::Dial("12345")),
        (4.0, CALLER, Deed::Press("0")),
    ];
    all.extend_from_slice(plans);
    for (at, line, deed) in all {
        world.plan_at(Duration::from_secs_f64(at), line, deed);
    }
    let ran = world.run(Duration::from_secs(200));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        panic!("{broken}\n{:#?}", world.journal());
    }
    world
}

fn count(world: &World, wanted: impl Fn(&Event) -> bool) -> usize {
    let journal = world.journal().iter();
    journal.filter(|stamped| wanted(&stamped.event)).count()
}

fn offers_ended(world: &World) -> Vec<(usize, OfferResult)> {
    let journal = world.journal().iter();
    journal
        .filter_map(|stamped| match &stamped.event {
            Event::OfferEnded { seat, result, .. } => {
                Some((usize::from(*seat == seat_id(1)), *result))
            }
            _ => None,
        })
        .collect()
}

fn invites(world: &World, line: usize) -> Vec<String> {
    let mut invites = world.sent_to(line);
    invites.retain(|text| text.starts_with("INVITE"));
    invites
}

const HANG_UP: (f64, usize, Deed) = (30.0, CALLER, Deed::HangUp);

#[test]
fn all_phones_of_a_seat_ring_and_the_first_answer_wins() {
    let world = scene(&[(8.0, SECOND, Deed::Answer), HANG_UP], |_| {});
    assert_eq!(offers_ended(&world), [(0, OfferResult::Answered)]);
    assert_eq!(invites(&world, FIRST).len(), 1);
    assert_eq!(invites(&world, SECOND).len(), 1);
    let cancel = world.sent_to(FIRST).into_iter();
    let cancel: Vec<String> = cancel.filter(|text| text.starts_with("CANCEL")).collect();
    assert_eq!(cancel.len(), 1);
    let reason = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"";
    assert!(cancel[0].contains(reason), "{}", cancel[0]);
    assert_eq!(
        count(&world, |e| matches!(e, Event::SeatAnswered { .. })),
        1
    );
}

#[test]
fn asterisk_1557_two_phones_that_answer_at_once_leave_one_talk() {
    for seed in 0..20 {
        let mut world = World::new(seed, Weather::FOUL, people()).unwrap();
        for (at, line, deed) in [
            (41.0, FIRST, Deed::GoReady),
            (42.0, CALLER, Deed::Dial("12345")),
            (44.0, CALLER, Deed::Press("0")),
            (48.0, FIRST, Deed::Answer),
            (48.0, SECOND, Deed::Answer),
            (70.0, CALLER, Deed::HangUp),
        ] {
            world.plan_at(Duration::from_secs_f64(at), line, deed);
        }
        let ran = world.run(Duration::from_secs(400));
        if let Err(broken) = ran.and_then(|()| world.judge()) {
            panic!("seed {seed}: {broken}\n{:#?}", world.journal());
        }
        assert!(count(&world, |e| matches!(e, Event::SeatAnswered { .. })) <= 1);
    }
}

#[test]
fn one_busy_phone_leaves_the_others_ringing() {
    let plans = [
        (6.0, FIRST, Deed::Refuse(486)),
        (9.0, SECOND, Deed::Answer),
        HANG_UP,
    ];
    let world = scene(&plans, |_| {});
    assert_eq!(offers_ended(&world), [(0, OfferResult::Answered)]);
}

#[test]
fn a_decline_for_all_ends_the_ringing_of_all() {
    let plans = [
        (6.0, FIRST, Deed::Refuse(603)),
        (9.0, SECOND, Deed::Answer),
        HANG_UP,
    ];
    let world = scene(&plans, |_| {});
    assert_eq!(offers_ended(&world)[0], (0, OfferResult::Refused));
    let cancels = world.sent_to(SECOND).into_iter();
    assert!(cancels.filter(|text| text.starts_with("CANCEL")).count() > 0);
}

#[test]
fn a_person_s_refusal_outweighs_a_phone_that_cannot() {
    let plans = [
        (6.0, FIRST, Deed::Refuse(486)),
        (6.5, SECOND, Deed::Refuse(500)),
        (10.0, CALLER, Deed::HangUp),
    ];
    let world = scene(&plans, |_| {});
    assert_eq!(offers_ended(&world)[0], (0, OfferResult::Refused));
}

#[test]
fn a_redirection_is_never_followed_and_the_caller_keeps_the_place() {
    let plans = [
        (5.5, OTHER, Deed::GoReady),
        (6.0, FIRST, Deed::Redirect("13900001111")),
        (6.2, SECOND, Deed::Refuse(486)),
        (9.0, OTHER, Deed::Answer),
        HANG_UP,
    ];
    let world = scene(&plans, |_| {});
    let ended = [(0, OfferResult::Refused), (1, OfferResult::Answered)];
    assert_eq!(offers_ended(&world), ended, "the caller kept the place");
    let detail = world.journal().iter().find_map(|s| match &s.event {
        Event::OfferRedirected { detail, .. } => Some(detail.clone()),
        _ => None,
    });
    assert!(detail.is_some_and(|text| text.starts_with("redirected") && !text.contains("0000")));
    assert_eq!(count(&world, |e| matches!(e, Event::CallArrived { .. })), 1);
    for line in [FIRST, SECOND, OTHER, CALLER] {
        let to_there = invites(&world, line).into_iter();
        assert_eq!(
            to_there.filter(|text| text.contains("13900001111")).count(),
            0
        );
    }
}

#[test]
fn a_seat_sees_who_calls_and_no_asserted_identity() {
    let world = scene(&[(8.0, FIRST, Deed::Answer), HANG_UP], |_| {});
    let invite = invites(&world, FIRST).remove(0);
    let from = "From: \"13800000003\" <sip:13800000003@hotline>;tag=";
    assert!(invite.contains(from), "{invite}");
    assert!(invite.contains("\r\nX-Hotline-Call: 1\r\n"), "{invite}");
    assert!(!invite.contains("P-Asserted-Identity"), "{invite}");
    assert!(!invite.contains("Answer-Mode"), "off by default: {invite}");
}

#[test]
fn a_seat_s_profile_tells_its_phone_to_answer_by_itself() {
    let world = scene(&[(8.0, FIRST, Deed::Answer), HANG_UP], |settings| {
        settings.seats[0].pick_up = PickUp {
            by: AutoAnswer::All,
            after: Duration::from_secs(1),
        };
    });
    let invite = invites(&world, FIRST).remove(0);
    for header in [
        "\r\nCall-Info: <sip:hotline@hotline>;answer-after=1\r\n",
        "\r\nAlert-Info: <http://hotline>;info=alert-autoanswer;delay=1\r\n",
        "\r\nAnswer-Mode: Auto\r\n",
    ] {
        assert!(invite.contains(header), "{invite}");
    }
}

#[test]
fn an_agent_holds_and_the_talk_goes_on_after() {
    let plans = [
        (8.0, FIRST, Deed::Answer),
        (12.0, FIRST, Deed::Hold),
        (17.0, FIRST, Deed::Resume),
        HANG_UP,
    ];
    let world = scene(&plans, |_| {});
    let agent = ReleasedBy::Agent;
    assert_eq!(
        count(
            &world,
            |e| matches!(e, Event::TalkHeld { by, .. } if *by == agent)
        ),
        1
    );
    assert_eq!(
        count(
            &world,
            |e| matches!(e, Event::TalkResumed { by, .. } if *by == agent)
        ),
        1
    );
    let held = world.journal().iter().find_map(|s| match s.event {
        Event::TalkEnded { hold_ms, .. } => Some(hold_ms),
        _ => None,
    });
    assert!(matches!(held, Some(4_900..5_100)), "{held:?}");
}

#[test]
fn a_phone_that_went_without_a_word_is_found_by_its_pings() {
    let mut world = World::new(1, Weather::FAIR, people()).unwrap();
    world.plan_at(Duration::from_secs(3), OTHER, Deed::Die);
    world.run(Duration::from_secs(250)).unwrap();
    let changes = |seat: usize| {
        let journal = world.journal().iter();
        let details = journal.filter_map(|stamped| match &stamped.event {
            Event::SeatDeviceChanged {
                seat: changed,
                detail,
                ..
            } if *changed == seat_id(seat) => Some(detail.as_str()),
            _ => None,
        });
        details.collect::<Vec<_>>()
    };
    assert_eq!(changes(1).last(), Some(&"not answering"));
    assert!(!changes(0).contains(&"not answering"), "{:?}", changes(0));
    let pings = world.sent_to(FIRST).into_iter();
    assert!(pings.filter(|text| text.starts_with("OPTIONS")).count() > 3);
}
