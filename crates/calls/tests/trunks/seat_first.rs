//! Click to dial: the seat is rung first, and the number called when it has answered.

use hotline_calls::orders::{OrderRefused, SeatRequest};
use hotline_media::Command;
use hotline_model::{
    event::{Event, Outcome, ReleasedBy},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, B, Bench, PHONE, s, sdp, seat, trunk};

const NUMBER: &str = "13800000009";

fn dial(bench: &mut Bench, number: &str) -> Result<(), OrderRefused> {
    let (number, purpose) = (number.to_owned(), Some("follow-up".to_owned()));
    bench.order(seat(), SeatRequest::Dial { number, purpose })
}

/// The seat's phone rings for a call that was asked for.
fn rung() -> (Bench, DialogId) {
    let mut bench = Bench::new(vec![trunk("outgoing", B, 1)]);
    bench.register();
    assert_eq!(dial(&mut bench, NUMBER), Ok(()));
    let phone = bench.invited(PHONE).unwrap();
    (bench, phone)
}

/// The phone has answered, and the number is called.
fn answered() -> (Bench, DialogId, DialogId) {
    let (mut bench, phone) = rung();
    pick_up(&mut bench, PHONE, phone);
    let there = bench.invited(B).unwrap();
    (bench, phone, there)
}

fn pick_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
}

fn hang_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
}

fn ended(bench: &Bench) -> Option<(Outcome, ReleasedBy)> {
    let mut ended = bench.events.iter().filter_map(|event| match event {
        Event::DialEnded {
            outcome,
            released_by,
            ..
        } => Some((*outcome, *released_by)),
        _ => None,
    });
    let how = ended.next();
    assert_eq!(ended.next(), None, "ended twice");
    how
}

#[test]
fn the_seat_is_rung_and_then_the_number_is_called() {
    let (mut bench, phone) = rung();
    assert_eq!(bench.work(), Work::Busy, "no caller is offered meanwhile");
    let invite = bench.invite_heard(PHONE);
    let from = Bench::header(invite, "From").unwrap();
    assert!(
        from.starts_with("\"外呼 138****0009\" <sip:13800000009@hotline>"),
        "{from}"
    );
    assert_eq!(bench.invited(B), None);
    let dialled = |event: &Event| {
        matches!(event, Event::CallDialled { called, purpose: Some(purpose), .. }
            if called == NUMBER && purpose == "follow-up")
    };
    assert_eq!(bench.count(dialled), 1);
    let asked = |event: &Event| {
        matches!(event, Event::SeatRequested { request, done: true, .. }
            if request == "dial 138****0009 for follow-up")
    };
    assert_eq!(bench.count(asked), 1);
    pick_up(&mut bench, PHONE, phone);
    let there = bench.invited(B).unwrap();
    pick_up(&mut bench, B, there);
    assert!(bench.bridged().is_some());
    let recorded = bench.media.iter().find_map(|command| match command {
        Command::Record { left, right, .. } => Some((*left, right.unwrap())),
        _ => None,
    });
    let (a, b) = bench.bridged().unwrap();
    assert_eq!(recorded, Some((b, a)), "left the citizen, right the seat");
    bench.pass(s(40));
    hang_up(&mut bench, B, there);
    assert_eq!(ended(&bench), Some((Outcome::Answered, ReleasedBy::Caller)));
    let talked = |event: &Event| {
        matches!(
            event,
            Event::DialEnded {
                talk_ms: 40_000,
                ..
            }
        )
    };
    assert_eq!(bench.count(talked), 1);
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn the_seat_hears_the_ring_back_and_then_what_the_trunk_plays() {
    let (mut bench, _, there) = answered();
    let tone = bench
        .media
        .iter()
        .rposition(|it| matches!(it, Command::Play { repeat: true, .. }));
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 183, sdp(B, 5_000, "sendrecv"));
    });
    let early = bench
        .media
        .iter()
        .rposition(|it| matches!(it, Command::Bridge { .. }));
    assert!(tone.unwrap() < early.unwrap());
}

#[test]
fn who_does_not_take_the_phone_calls_nobody() {
    let (mut bench, _) = rung();
    bench.pass(s(31));
    assert_eq!(ended(&bench), Some((Outcome::Abandoned, ReleasedBy::Agent)));
    let told = bench.told(PHONE);
    assert!(
        told.iter()
            .any(|it| matches!(it, SipEvent::Cancelled { .. }))
    );
    assert_eq!(bench.invited(B), None);
    assert!(bench.is_clean(), "{:?}", bench.events);

    let (mut bench, phone) = rung();
    bench.does(PHONE, |endpoint, now| endpoint.reject(now, phone, 486, &[]));
    assert_eq!(ended(&bench), Some((Outcome::Abandoned, ReleasedBy::Agent)));
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn a_seat_that_hangs_up_while_it_rings_there_cancels_the_call() {
    let (mut bench, phone, there) = answered();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 180, Vec::new());
    });
    hang_up(&mut bench, PHONE, phone);
    assert_eq!(ended(&bench), Some((Outcome::Abandoned, ReleasedBy::Agent)));
    let told = bench.told(B);
    assert!(
        told.iter()
            .any(|it| matches!(it, SipEvent::Cancelled { .. }))
    );
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn a_number_that_refuses_lets_the_seat_go() {
    let (mut bench, _, there) = answered();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 486, &[]));
    assert_eq!(ended(&bench), Some((Outcome::Refused, ReleasedBy::Caller)));
    let told = bench.told(PHONE);
    assert!(told.iter().any(|it| matches!(it, SipEvent::Ended { .. })));
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn only_what_the_lists_allow_is_called_and_by_a_free_seat_with_a_phone() {
    let mut bench = Bench::new(vec![trunk("incoming", A, 1)]);
    assert_eq!(dial(&mut bench, NUMBER), Err(OrderRefused::NotRegistered));
    bench.register();
    assert_eq!(
        dial(&mut bench, "0012025550100"),
        Err(OrderRefused::NotAllowed)
    );
    assert_eq!(dial(&mut bench, "12"), Err(OrderRefused::TargetUnknown));
    let denied = |event: &Event| matches!(event, Event::DialRejected { .. });
    assert_eq!(bench.count(denied), 2);
    assert_eq!(dial(&mut bench, NUMBER), Ok(()));
    assert_eq!(dial(&mut bench, NUMBER), Err(OrderRefused::SeatBusy));
    let dialled = |event: &Event| matches!(event, Event::CallDialled { .. });
    assert_eq!(bench.count(dialled), 1);
    // Nor one that is rung for a caller.
    bench.pass(s(31));
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(dial(&mut bench, NUMBER), Err(OrderRefused::SeatBusy));
}
