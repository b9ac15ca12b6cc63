//! A talk that goes on by another phone of its seat, and all who may not take its place.

use hotline_calls::settings::Trunk;
use hotline_model::{
    event::{Event, Outcome},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, Bench, PHONE, STRANGER, s, sdp, trunk};

fn trunks() -> Vec<Trunk> {
    vec![trunk("incoming", A, 1)]
}

fn tag(header: &str) -> &str {
    let (_, tag) = header.split_once("tag=").unwrap();
    tag.split(';').next().unwrap()
}

/// The Replaces that names the dialog of the last request of this method that a peer heard.
pub fn dialog_heard(bench: &Bench, peer: usize, method: &str) -> String {
    let mut heard = bench.peers[peer].heard.iter().rev();
    let request = heard.find(|text| text.starts_with(method)).unwrap();
    let header = |name| Bench::header(request, name).unwrap();
    let (ours, theirs) = (header("From"), header("To"));
    let (ours, theirs) = (tag(&ours), tag(&theirs));
    format!("{};to-tag={ours};from-tag={theirs}", header("Call-ID"))
}

/// A bench in which a caller (the first dialog) talks with the phone (the second), and the Replaces
/// that names the phone's dialog.
pub fn talking() -> (Bench, DialogId, DialogId, String) {
    let mut bench = Bench::new(trunks());
    bench.register();
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    let agent = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.answer(now, agent, sdp(PHONE, 5_000, "sendrecv"));
    });
    let replaces = dialog_heard(&bench, PHONE, "ACK");
    bench.told(PHONE);
    (bench, caller, agent, replaces)
}

pub fn refused(bench: &mut Bench, peer: usize) -> Option<u16> {
    let told = bench.told(peer);
    told.iter().find_map(|event| match event {
        SipEvent::Refused { status, .. } => Some(*status),
        _ => None,
    })
}

pub fn hung_up(bench: &mut Bench, peer: usize) -> bool {
    let told = bench.told(peer);
    told.iter()
        .any(|event| matches!(event, SipEvent::Ended { .. }))
}

#[test]
fn an_agent_goes_on_by_another_phone() {
    let (mut bench, caller, _, replaces) = talking();
    let (caller_leg, old) = bench.bridged().unwrap();
    let replaces = [("Replaces", replaces.as_str())];
    let new = bench.call(STRANGER, "1001", "12345", Some("secret"), &replaces);
    let told = bench.told(STRANGER);
    assert!(
        told.iter()
            .any(|event| matches!(event, SipEvent::Answered { .. })),
        "{told:?}"
    );
    assert!(hung_up(&mut bench, PHONE), "the old phone");
    let (a, b) = bench.bridged().unwrap();
    assert!(a == caller_leg && b != old);
    assert_eq!(bench.work(), Work::Talking, "the seat is where it was");
    assert_eq!(
        bench.count(|e| matches!(e, Event::RecordingStarted { .. })),
        2
    );
    assert_eq!(bench.count(|e| matches!(e, Event::TalkEnded { .. })), 0);
    let moved = |e: &Event| matches!(e, Event::SeatRequested { request, done: true, .. } if request == "move to another phone");
    assert_eq!(bench.count(moved), 1);
    bench.pass(s(10));
    // Hold follows the new phone.
    bench.does(STRANGER, |endpoint, now| {
        endpoint.reoffer(now, new, sdp(STRANGER, 4_000, "sendonly"));
    });
    assert_eq!(bench.work(), Work::Hold);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    assert!(hung_up(&mut bench, STRANGER));
    let ended = |e: &Event| {
        matches!(
            e,
            Event::TalkEnded {
                talk_ms: 10_000,
                ..
            }
        )
    };
    assert_eq!(bench.count(ended), 1);
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn nobody_else_takes_a_talks_place() {
    let (mut bench, _, agent, replaces) = talking();
    let replaces = [("Replaces", replaces.as_str())];
    for (peer, user, login, status) in [
        (STRANGER, "1001", None, 401),
        (STRANGER, "1001", Some("wrong"), 401),
        (STRANGER, "1002", Some("secret2"), 403),
        (A, "13800000002", None, 401),
    ] {
        bench.call(peer, user, "12345", login, &replaces);
        assert_eq!(refused(&mut bench, peer), Some(status), "{user} {login:?}");
    }
    let journalled = |e: &Event| matches!(e, Event::InviteRejected { status: 403, cause, .. } if cause.contains("place"));
    assert_eq!(bench.count(journalled), 1);
    assert!(!hung_up(&mut bench, PHONE) && bench.work() == Work::Talking);
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, agent, None));
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn a_phone_without_a_usable_session_leaves_the_talk_where_it_is() {
    let (mut bench, caller, _, replaces) = talking();
    let before = bench.bridged();
    let replaces = [("Replaces", replaces.as_str())];
    bench.call_with(
        STRANGER,
        "1001",
        "12345",
        Some("secret"),
        &replaces,
        b"v=0\r\n",
    );
    assert!(matches!(refused(&mut bench, STRANGER), Some(400..=499)));
    assert!(!hung_up(&mut bench, PHONE));
    assert_eq!((bench.bridged(), bench.work()), (before, Work::Talking));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    let ended = |e: &Event| {
        matches!(
            e,
            Event::CallEnded {
                outcome: Outcome::Answered,
                ..
            }
        )
    };
    assert_eq!(bench.count(ended), 1);
    bench.pass(s(60));
    assert!(bench.is_clean());
}
