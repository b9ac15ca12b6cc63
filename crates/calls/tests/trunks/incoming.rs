//! What a trunk may bring: its login, its limit, numbers that nobody may see.

use hotline_calls::settings::{DigestIn, Ha1, Trunk};
use hotline_model::event::Event;
use hotline_sip::endpoint::Event as SipEvent;

use crate::bench::{A, Bench, PHONE, STRANGER, s, sdp, trunk};

fn refusal(bench: &mut Bench, peer: usize) -> Option<u16> {
    let told = bench.told(peer);
    told.iter().find_map(|event| match event {
        SipEvent::Refused { status, .. } => Some(*status),
        _ => None,
    })
}

fn arrivals(bench: &Bench) -> usize {
    bench.count(|event| matches!(event, Event::CallArrived { .. }))
}

#[test]
fn a_trunk_with_a_login_must_prove_it() {
    let guarded = Trunk {
        digest_in: Some(DigestIn {
            user: "carrier".to_owned(),
            ha1: Ha1::of("carrier", "hotline", "right"),
        }),
        ..trunk("mobile", A, 1)
    };
    let mut bench = Bench::new(vec![guarded]);
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(refusal(&mut bench, A), Some(401));
    bench.call(A, "carrier", "12345", Some("wrong"), &[]);
    assert_eq!(refusal(&mut bench, A), Some(401));
    // A seat's login is not a trunk's.
    bench.call(A, "1001", "12345", Some("secret"), &[]);
    assert_eq!(refusal(&mut bench, A), Some(401));
    assert_eq!(arrivals(&bench), 0);
    // Nobody is banned for it, but it is told.
    bench.pass(s(2));
    let told = bench.count(|event| {
        matches!(event, Event::RequestsTurnedAway { trunk: Some(_), invites: 2, cause, .. }
            if cause.contains("wrong passwords"))
    });
    assert_eq!(told, 1, "{:?}", bench.events);
    let identity = [("P-Asserted-Identity", "<tel:+8613800000001>")];
    bench.call(A, "carrier", "0635-12345", Some("right"), &identity);
    assert_eq!(arrivals(&bench), 1);
    let arrived = bench.count(|event| {
        matches!(event, Event::CallArrived { caller, called, trunk, .. }
            if caller == "13800000001" && called == "063512345" && trunk.is_some())
    });
    assert_eq!(arrived, 1);
}

#[test]
fn a_trunk_at_its_limit_is_told_to_come_back() {
    let narrow = Trunk {
        calls_limit: Some(1),
        ..trunk("mobile", A, 1)
    };
    let mut bench = Bench::new(vec![narrow]);
    let first = bench.call(A, "13800000001", "12345", None, &[]);
    bench.call(A, "13800000002", "12345", None, &[]);
    assert_eq!(refusal(&mut bench, A), Some(503));
    let rejected = bench.count(|event| {
        matches!(event, Event::InviteRejected { trunk: Some(_), status: 503, caller, .. }
            if caller == "13800000002")
    });
    assert_eq!(rejected, 1);
    let refused = bench.peers[A].heard.iter().rev();
    let refused = refused
        .into_iter()
        .find(|text| text.starts_with("SIP/2.0 503"));
    assert!(Bench::header(refused.unwrap(), "Retry-After").is_some());
    bench.does(A, |endpoint, now| endpoint.hang_up(now, first, None));
    bench.call(A, "13800000003", "12345", None, &[]);
    assert_eq!(arrivals(&bench), 2, "room again");
}

#[test]
fn a_stranger_is_challenged_whatever_identity_it_claims() {
    let mut bench = Bench::new(vec![trunk("mobile", A, 1)]);
    let claims = [("P-Asserted-Identity", "<tel:110>"), ("Privacy", "id")];
    bench.call(STRANGER, "110", "12345", None, &claims);
    assert_eq!(refusal(&mut bench, STRANGER), Some(401));
    assert_eq!(bench.events, []);
    // A seat is who its digest says, and claims no number.
    bench.call(STRANGER, "1001", "12345", Some("secret"), &claims);
    let arrived = bench.count(|event| {
        matches!(event, Event::CallArrived { caller, withheld: false, trunk: None, .. }
            if caller == "1001")
    });
    assert_eq!(arrived, 1);
}

#[test]
fn a_withheld_number_is_journalled_and_no_seat_sees_it() {
    let mut bench = Bench::new(vec![trunk("mobile", A, 1)]);
    bench.register();
    let headers = [
        ("P-Asserted-Identity", "<tel:+8613800000001>"),
        ("Privacy", "id"),
    ];
    bench.call(A, "anonymous", "12345", None, &headers);
    let arrived = bench.count(|event| {
        matches!(event, Event::CallArrived { caller, withheld: true, .. }
            if caller == "13800000001")
    });
    assert_eq!(arrived, 1);
    let ringing = bench.invited(PHONE).expect("the seat's phone rings");
    let invite = bench.invite_heard(PHONE).to_owned();
    assert!(
        invite.contains("From: \"匿名\" <sip:anonymous@anonymous.invalid>"),
        "{invite}"
    );
    assert!(!invite.contains("13800000001"), "{invite}");
    let body = sdp(PHONE, 4_000, "sendrecv");
    bench.does(PHONE, |endpoint, now| endpoint.answer(now, ringing, body));
    let all: String = bench.peers[PHONE].heard.concat();
    assert!(!all.contains("13800000001"));
}
