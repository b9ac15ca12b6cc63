//! Callers given on from seat to seat: who talks when, what the ledger and the journal say, and
//! what is refused.

#![cfg(test)]

use core::time::Duration;

use hotline_calls::{stage::Input, switchboard::Side};
use hotline_model::{
    event::{Event, TransferKind},
    seat::{OfferResult, Work},
};
use hotline_sim::{
    World,
    actors::{Deed, Person},
    network::Weather,
    town::seat_id,
};

const FIRST: usize = 0;
const SECOND: usize = 1;
const CALLER: usize = 2;

fn people() -> Vec<(Duration, Person)> {
    [Some(0), Some(1), None]
        .map(|seat| {
            let seat = seat.map(seat_id);
            (Duration::ZERO, Person::Planned { seat })
        })
        .into()
}

/// The first seat talks with the caller from 10 s on; the second is not ready, but there.
fn scene_in(seed: u64, weather: Weather, plans: &[(f64, usize, Deed)]) -> World {
    let mut world = World::new(seed, weather, people()).unwrap();
    let mut all = vec![
        (1.0, FIRST, Deed::GoReady),
        (2.0, CALLER, Deed::Dial("12345")),
        (4.0, CALLER, Deed::Press("0")),
        (8.0, FIRST, Deed::Answer),
        (80.0, CALLER, Deed::HangUp),
    ];
    all.extend_from_slice(plans);
    for (at, line, deed) in all {
        world.plan_at(Duration::from_secs_f64(at), line, deed);
    }
    let ran = world.run(Duration::from_secs(300));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        panic!("seed {seed}: {broken}\n{:#?}", world.journal());
    }
    world
}

fn scene(plans: &[(f64, usize, Deed)]) -> World {
    scene_in(1, Weather::FAIR, plans)
}

fn count(world: &World, wanted: impl Fn(&Event) -> bool) -> usize {
    let journal = world.journal().iter();
    journal.filter(|stamped| wanted(&stamped.event)).count()
}

/// What the seats did, in order: seat and work.
fn ledger(world: &World, seat: usize) -> Vec<Work> {
    let journal = world.journal().iter();
    let mut works: Vec<Work> = journal
        .filter_map(|stamped| match stamped.event {
            Event::SeatChanged { seat: at, work, .. } if at == seat_id(seat) => Some(work),
            _ => None,
        })
        .collect();
    works.dedup();
    works
}

/// Seats that answered, in order.
fn answers(world: &World) -> Vec<usize> {
    let journal = world.journal().iter();
    journal
        .filter_map(|stamped| match stamped.event {
            Event::SeatAnswered { seat, .. } => Some(usize::from(seat == seat_id(1))),
            _ => None,
        })
        .collect()
}

fn notified(world: &World, line: usize, sipfrag: &str) -> bool {
    let sent = world.sent_to(line).into_iter();
    sent.filter(|text| text.starts_with("NOTIFY"))
        .any(|text| text.contains(sipfrag))
}

fn blind(world: &World) -> usize {
    count(world, |e| {
        let kind = TransferKind::Blind;
        matches!(e, Event::TalkTransferred { kind: of, .. } if *of == kind)
    })
}

#[test]
fn a_phone_gives_its_caller_on_to_another_seat() {
    let world = scene(&[
        (15.0, FIRST, Deed::Transfer("1001")),
        (19.0, SECOND, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0, 1]);
    assert_eq!(blind(&world), 1);
    assert!(notified(&world, FIRST, "SIP/2.0 180"));
    assert!(notified(&world, FIRST, "SIP/2.0 200"));
    let first = ledger(&world, 0);
    assert!(
        first.contains(&Work::Hold) && first.contains(&Work::WrapUp),
        "{first:?}"
    );
    let second = ledger(&world, 1);
    let through = [Work::Reserved, Work::Ringing, Work::Talking, Work::WrapUp];
    let at = second
        .iter()
        .position(|work| *work == Work::Reserved)
        .unwrap();
    assert_eq!(second[at..at + 4], through);
    // Both talks are whole, each with its own recording.
    assert_eq!(count(&world, |e| matches!(e, Event::TalkEnded { .. })), 2);
    let files = |nth: &str| {
        count(
            &world,
            |e| matches!(e, Event::RecordingClosed { file, .. } if file.ends_with(nth)),
        )
    };
    assert_eq!((files("-1.wav"), files("-2.wav")), (1, 1));
}

#[test]
fn the_page_gives_a_caller_on_as_the_phone_does() {
    let world = scene(&[
        (15.0, FIRST, Deed::Order("1001")),
        (19.0, SECOND, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0, 1]);
    assert_eq!(blind(&world), 1);
}

#[test]
fn an_agent_who_hangs_up_after_the_transfer_leaves_it_going_on() {
    let world = scene(&[
        (15.0, FIRST, Deed::Transfer("1001")),
        (16.0, FIRST, Deed::HangUp),
        (19.0, SECOND, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0, 1]);
    assert_eq!(blind(&world), 1);
}

#[test]
fn a_refused_transfer_gives_the_caller_back_to_the_agent() {
    let world = scene(&[
        (15.0, FIRST, Deed::Transfer("1001")),
        (17.0, SECOND, Deed::Refuse(603)),
    ]);
    assert_eq!(answers(&world), [0]);
    assert!(notified(&world, FIRST, "SIP/2.0 603"));
    let back = |e: &Event| matches!(e, Event::TransferFailed { back: true, .. });
    assert_eq!(count(&world, back), 1);
    assert_eq!(count(&world, |e| matches!(e, Event::TalkResumed { .. })), 1);
}

#[test]
fn an_unanswered_transfer_without_its_agent_is_back_in_line_first() {
    // The first seat is ready again after its wrap-up, and is offered the caller once more.
    let world = scene(&[
        (15.0, FIRST, Deed::Transfer("1001")),
        (16.0, FIRST, Deed::HangUp),
        (30.0, FIRST, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0, 0]);
    let lost = |e: &Event| matches!(e, Event::TransferFailed { back: false, .. });
    assert_eq!(count(&world, lost), 1);
    let unanswered = |e: &Event| {
        let result = OfferResult::NoAnswer;
        matches!(e, Event::OfferEnded { result: of, .. } if *of == result)
    };
    assert_eq!(count(&world, unanswered), 1);
}

#[test]
fn a_caller_is_given_on_to_a_queue() {
    let world = scene(&[
        (9.0, SECOND, Deed::GoReady),
        (15.0, FIRST, Deed::Transfer("business")),
        (19.0, SECOND, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0, 1]);
    let entered =
        |e: &Event| matches!(e, Event::QueueEntered { queue, .. } if queue.as_str() == "business");
    assert_eq!(count(&world, entered), 1);
    let gone = world.sent_to(FIRST).into_iter();
    assert_eq!(gone.filter(|text| text.starts_with("BYE")).count(), 1);
}

#[test]
fn nobody_is_sent_outside_or_to_a_busy_seat() {
    for target in ["13900001111", "1000", "*1"] {
        let world = scene(&[(15.0, FIRST, Deed::Transfer(target))]);
        assert_eq!(answers(&world), [0], "{target}");
        assert_eq!(blind(&world), 0, "{target}");
        let refused = |e: &Event| matches!(e, Event::SeatRequested { request, done: false, .. } if request.starts_with("transfer") && !request.contains("0000"));
        assert_eq!(count(&world, refused), 1, "{target}");
    }
    let world = scene(&[(15.0, FIRST, Deed::Order("13900001111"))]);
    let ended = |e: &Event| matches!(e, Event::TalkEnded { .. });
    assert_eq!(count(&world, ended), 1);
}

#[test]
fn a_caller_who_leaves_in_mid_transfer_leaves_nothing_behind() {
    let world = scene(&[
        (15.0, FIRST, Deed::Transfer("1001")),
        (17.0, CALLER, Deed::HangUp),
        (18.0, SECOND, Deed::Answer),
    ]);
    assert_eq!(answers(&world), [0]);
    assert_eq!(count(&world, |e| matches!(e, Event::CallEnded { .. })), 1);
}

#[test]
fn transfers_end_cleanly_whatever_dies_and_whoever_leaves() {
    for seed in 0..30 {
        for (at, line, deed) in [
            (15.5, FIRST, Deed::Die),
            (15.5, SECOND, Deed::Die),
            (15.5, CALLER, Deed::Die),
            (17.0, SECOND, Deed::Unregister),
            (18.9, FIRST, Deed::HangUp),
            (19.0, CALLER, Deed::HangUp),
        ] {
            scene_in(
                seed,
                Weather::FOUL,
                &[
                    (15.0, FIRST, Deed::Transfer("1001")),
                    (19.0, SECOND, Deed::Answer),
                    (40.0, SECOND, Deed::HangUp),
                    (at, line, deed),
                ],
            );
        }
    }
}

fn attended(world: &World) -> usize {
    count(world, |e| {
        let kind = TransferKind::Attended;
        matches!(e, Event::TalkTransferred { kind: of, .. } if *of == kind)
    })
}

#[test]
fn an_agent_asks_a_colleague_and_then_gives_the_caller_on() {
    let world = scene(&[
        (15.0, FIRST, Deed::Consult("1001")),
        (19.0, SECOND, Deed::Answer),
        (24.0, FIRST, Deed::TransferToConsulted),
    ]);
    assert_eq!(answers(&world), [0, 1]);
    assert_eq!((attended(&world), blind(&world)), (1, 0));
    let talked = world.journal().iter().find_map(|s| match s.event {
        Event::ConsultEnded { talk_ms, .. } => Some(talk_ms),
        _ => None,
    });
    assert!(matches!(talked, Some(4_000..5_200)), "{talked:?}");
    let second = ledger(&world, 1);
    let at = second.iter().position(|work| *work == Work::Busy).unwrap();
    let through = [Work::Busy, Work::Reserved, Work::Talking, Work::WrapUp];
    assert_eq!(second[at..at + 4], through);
    assert!(ledger(&world, 0).contains(&Work::WrapUp));
    assert_eq!(count(&world, |e| matches!(e, Event::TalkEnded { .. })), 2);
}

#[test]
fn a_colleague_who_declines_leaves_the_caller_with_the_agent() {
    let world = scene(&[
        (15.0, FIRST, Deed::Consult("1001")),
        (18.0, SECOND, Deed::Refuse(603)),
        (20.0, FIRST, Deed::Resume),
    ]);
    assert_eq!(answers(&world), [0]);
    assert_eq!(count(&world, |e| matches!(e, Event::TalkResumed { .. })), 1);
    assert_eq!(
        count(&world, |e| matches!(e, Event::ConsultStarted { .. })),
        0
    );
}

#[test]
fn consultations_end_cleanly_whatever_dies_and_whoever_leaves() {
    for seed in 0..20 {
        for (at, line, deed) in [
            (17.0, FIRST, Deed::Die),
            (21.0, SECOND, Deed::Die),
            (21.0, SECOND, Deed::HangUp),
            (23.9, CALLER, Deed::HangUp),
            (24.0, CALLER, Deed::HangUp),
            (24.1, FIRST, Deed::HangUp),
        ] {
            scene_in(
                seed,
                Weather::FOUL,
                &[
                    (15.0, FIRST, Deed::Consult("1001")),
                    (19.0, SECOND, Deed::Answer),
                    (24.0, FIRST, Deed::TransferToConsulted),
                    (40.0, SECOND, Deed::HangUp),
                    (at, line, deed),
                ],
            );
        }
    }
}

/// A fault while the second seat rings and the first still has the caller: both are free after.
#[test]
fn a_fault_in_mid_transfer_frees_both_seats() {
    let mut world = World::new(1, Weather::FAIR, people()).unwrap();
    world.break_in(|_, input| {
        assert!(!matches!(input, Input::Ended(Side::Agent, ..)));
    });
    for (at, line, deed) in [
        (1.0, FIRST, Deed::GoReady),
        (2.0, CALLER, Deed::Dial("12345")),
        (4.0, CALLER, Deed::Press("0")),
        (8.0, FIRST, Deed::Answer),
        (15.0, FIRST, Deed::Transfer("1001")),
        (17.0, FIRST, Deed::HangUp),
    ] {
        world.plan_at(Duration::from_secs_f64(at), line, deed);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let ran = world.run(Duration::from_secs(300));
    let judged = ran.and_then(|()| world.judge());
    drop(std::panic::take_hook());
    assert_eq!(judged, Ok(()), "{:#?}", world.journal());
    assert_eq!(count(&world, |e| matches!(e, Event::FaultCaught { .. })), 1);
    assert_eq!(count(&world, |e| matches!(e, Event::OfferEnded { .. })), 2);
    assert_eq!(count(&world, |e| matches!(e, Event::TalkEnded { .. })), 1);
}
