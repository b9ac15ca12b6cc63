//! The leaders' phone hour (领导接听日): a seat that serves a queue only within its window, which
//! begins and ends while the engine runs.

use hotline_calls::{
    orders::{OrderRefused, SeatRequest},
    settings::Membership,
};
use hotline_model::{
    Timestamp,
    event::Event,
    seat::{Intent, Reason, Work},
    shift::Day,
};
use hotline_sip::endpoint::DialogId;

use crate::bench::{A, Bench, PHONE, s, sdp, seat, settings, trunk};

const OUT: Intent = Intent::NotReady(Reason::LoggedOut);

fn clock(bench: &mut Bench, hour: i64, minute: i64) {
    let midnight = Day::read("2026-11-22").unwrap().begins(480);
    let ms = (hour * 60 + minute) * 60_000;
    bench.clock(Timestamp(midnight.0 + ms));
}

fn intent(bench: &Bench) -> Intent {
    let floor = &bench.exchange.switchboard().floor;
    floor.seat(seat()).unwrap().intent
}

fn answers(bench: &mut Bench) -> DialogId {
    let agent = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.answer(now, agent, sdp(PHONE, 5_000, "sendrecv"));
    });
    agent
}

#[test]
fn a_leaders_seat_serves_its_hour_and_finishes_its_talk() {
    let mut all = settings(vec![trunk("incoming", A, 1)]);
    all.seats[0].memberships = vec![Membership {
        contractor: String::new(),
        from: Some((2026, 11, 22, 9, 0, 0)),
        until: Some((2026, 11, 22, 11, 0, 0)),
    }];
    let mut bench = Bench::with(all);
    bench.sign_in(PHONE, "1001", "secret");
    clock(&mut bench, 8, 59);
    let refused = bench.order(seat(), SeatRequest::Ready);
    assert_eq!(refused, Err(OrderRefused::NotValidNow));
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    assert!(
        bench.invited(PHONE).is_none(),
        "nobody serves the queue yet"
    );
    // Its time comes, and the caller who waits is its first.
    clock(&mut bench, 9, 0);
    bench.order(seat(), SeatRequest::Ready).unwrap();
    answers(&mut bench);
    assert_eq!(bench.work(), Work::Talking);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.pass(s(60));
    bench.told(PHONE);
    // The hour ends in the middle of a talk, which goes on.
    let caller = bench.call(A, "13800000002", "12345", None, &[]);
    answers(&mut bench);
    clock(&mut bench, 11, 0);
    assert_eq!(
        (bench.work(), intent(&bench)),
        (Work::Talking, Intent::Ready)
    );
    bench.call(A, "13800000003", "12345", None, &[]);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.pass(s(5));
    assert_eq!(intent(&bench), OUT);
    assert!(
        bench.invited(PHONE).is_none(),
        "the next caller is not the leader's"
    );
    let signed_out = |event: &Event| {
        matches!(event, Event::SeatRequested { request, through, done: true, .. }
            if request == "sign-out" && through == "engine")
    };
    assert_eq!(bench.count(signed_out), 1);
    assert_eq!(
        bench.order(seat(), SeatRequest::Ready),
        Err(OrderRefused::NotValidNow)
    );
}
