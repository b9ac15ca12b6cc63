//! Callers who called before: how often is told, and they hold out for the seat they talked with.

use hotline_calls::{callers::Callers, orders::SeatRequest};
use hotline_model::{SeatId, Timestamp, event::Event, seat::Work};
use hotline_sip::endpoint::DialogId;

use crate::bench::{A, B, Bench, PHONE, STRANGER, s, sdp, seat, settings, trunk};

const CITIZEN: &str = "13800000001";

/// Callers come by A; seat 1001 has PHONE, seat 1002 B. The queue holds callers for so many seconds.
fn bench(hold_s: u64) -> Bench {
    let mut settings = settings(vec![trunk("mobile", A, 1)]);
    settings.queues[0].regulars.hold_out = s(hold_s);
    let mut bench = Bench::with(settings);
    bench.sign_in(B, "1002", "secret2");
    bench.order(other(), SeatRequest::Ready).unwrap();
    // So 1002 has been idle longest when 1001 comes.
    bench.pass(s(60));
    bench.register();
    bench.invited(PHONE);
    bench
}

fn other() -> SeatId {
    SeatId::new("1002").unwrap()
}

/// What an earlier run knew: 1001 talked with the citizen two hours before the engine started.
fn remembers(bench: &mut Bench) {
    let before = Timestamp(1_795_305_600_000 - 7_200_000);
    let mut callers = Callers::default();
    callers.called(CITIZEN, before);
    callers.talked(CITIZEN, seat(), before);
    bench.exchange.remember(callers);
}

fn recognised(bench: &Bench, calls: u32, last: Option<SeatId>) -> usize {
    bench.count(|event| {
        matches!(event, Event::CallerRecognised { calls: n, last_seat, within_h: 72, .. }
            if (*n, *last_seat) == (calls, last))
    })
}

fn picks_up_and_ends(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
    bench.pass(s(5));
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
    bench.pass(s(60));
}

#[test]
fn whoever_calls_again_is_counted_and_rings_the_seat_of_the_last_talk() {
    let mut bench = bench(20);
    remembers(&mut bench);
    bench.call(A, CITIZEN, "12345", None, &[]);
    assert_eq!(recognised(&bench, 2, Some(seat())), 1, "{:?}", bench.events);
    assert_eq!(
        bench.invited(B),
        None,
        "idle longest, but not the last agent"
    );
    let rung = bench.invited(PHONE).unwrap();
    let why = bench.count(|event| {
        matches!(event, Event::SeatOffered { why, .. } if why.starts_with("preferred for this caller"))
    });
    assert_eq!(why, 1);
    picks_up_and_ends(&mut bench, PHONE, rung);
    // Nobody is held for who never called.
    bench.call(A, "13900000002", "12345", None, &[]);
    assert!(bench.invited(B).is_some());
    let told = bench.count(|event| matches!(event, Event::CallerRecognised { .. }));
    assert_eq!(told, 1);
}

#[test]
fn after_the_hold_any_seat_is_rung() {
    let mut bench = bench(20);
    remembers(&mut bench);
    // 1001 talks with somebody else.
    let busy = bench.dial("13800009999");
    bench.does(PHONE, |_, _| {});
    let _ = busy;
    assert_ne!(bench.work(), Work::Free);
    bench.call(A, CITIZEN, "12345", None, &[]);
    bench.pass(s(19));
    assert_eq!(bench.invited(B), None);
    bench.pass(s(2));
    assert!(bench.invited(B).is_some());
}

#[test]
fn nobody_is_held_for_a_seat_that_is_gone_or_where_it_is_off() {
    let mut gone = bench(20);
    remembers(&mut gone);
    gone.order(seat(), SeatRequest::SignOut).unwrap();
    gone.call(A, CITIZEN, "12345", None, &[]);
    assert!(gone.invited(B).is_some(), "{:?}", gone.events);
    let mut off = bench(0);
    remembers(&mut off);
    off.call(A, CITIZEN, "12345", None, &[]);
    assert!(off.invited(B).is_some(), "longest idle");
    assert_eq!(recognised(&off, 2, Some(seat())), 1, "counted all the same");
}

#[test]
fn who_withholds_the_number_is_not_recognised() {
    let mut bench = bench(20);
    remembers(&mut bench);
    bench.call(A, CITIZEN, "12345", None, &[("Privacy", "id")]);
    assert!(bench.invited(B).is_some());
    assert_eq!(
        bench.count(|event| matches!(event, Event::CallerRecognised { .. })),
        0
    );
    assert_eq!(bench.invited(STRANGER), None);
}
