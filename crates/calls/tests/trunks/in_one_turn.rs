//! What comes in the very turn in which something else is due, or with something else.

use hotline_model::{CallId, event::Event, seat::OfferResult, seat::Work};

use crate::{
    bench::{A, Bench, PHONE, s, settings, trunk},
    callbacks::{pick_up, stage},
};

const FIRST: CallId = CallId(1);

/// A caller for whom the phone was sent its INVITE, in the turn in which the floor gives it up.
fn at_the_end_of_ringing() -> (Bench, hotline_sip::endpoint::DialogId) {
    let mut bench = Bench::with(settings(vec![trunk("incoming", A, 1)]));
    bench.register();
    bench.call(A, "13800000001", "12345", None, &[]);
    let phone = bench.invited(PHONE).unwrap();
    assert_eq!(stage(&bench, FIRST), Some("offering"));
    // Nothing wakes the exchange before the phone's word.
    bench.now = bench.now + s(5);
    (bench, phone)
}

#[test]
fn an_answer_at_the_end_of_ringing_counts() {
    let (mut bench, phone) = at_the_end_of_ringing();
    pick_up(&mut bench, PHONE, phone);
    assert_eq!(stage(&bench, FIRST), Some("talking"));
    assert_eq!(bench.work(), Work::Talking, "and the floor knows");
    bench.pass(s(60));
    assert_eq!(bench.work(), Work::Talking);
}

#[test]
fn a_refusal_at_the_end_of_ringing_ends_the_offer_once() {
    let (mut bench, phone) = at_the_end_of_ringing();
    bench.does(PHONE, |endpoint, now| endpoint.reject(now, phone, 486, &[]));
    bench.pass(s(1));
    let ended = |event: &Event| matches!(event, Event::OfferEnded { result, .. } if *result == OfferResult::Refused);
    assert_eq!(bench.count(ended), 1);
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
}
