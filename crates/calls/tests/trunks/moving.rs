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

/// How each such wish of a phone ended.
fn asked(bench: &Bench, wish: &str) -> Vec<bool> {
    let asked = bench.events.iter().filter_map(|event| match event {
        Event::SeatRequested { request, done, .. } if request == wish => Some(*done),
        _ => None,
    });
    asked.collect()
}

const PICK_UP: &str = "pick up at another phone";

/// A caller (the first dialog) for whom the phone rings (the second), and the Replaces that names
/// the phone's dialog.
fn rung() -> (Bench, DialogId, DialogId, String) {
    let mut bench = Bench::new(trunks());
    bench.register();
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    let rung = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.ring(now, rung, 180, Vec::new());
    });
    let mut said = bench.peers[PHONE].said.iter().rev();
    let ringing = said.find(|text| text.starts_with("SIP/2.0 180")).unwrap();
    let header = |name| Bench::header(ringing, name).unwrap();
    let (ours, theirs) = (header("From"), header("To"));
    let (ours, theirs) = (tag(&ours), tag(&theirs));
    let replaces = format!("{};to-tag={ours};from-tag={theirs}", header("Call-ID"));
    (bench, caller, rung, replaces)
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
    assert_eq!(asked(&bench, "move to another phone"), [false]);
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

#[test]
fn a_phone_that_declines_leaves_a_pick_up_elsewhere_alone() {
    let (mut bench, _, rung, replaces) = rung();
    bench.ports_wait = true;
    let replaces = [("Replaces", replaces.as_str())];
    bench.call(STRANGER, "1001", "12345", Some("secret"), &replaces);
    bench.does(PHONE, |endpoint, now| endpoint.reject(now, rung, 603, &[]));
    assert_eq!(asked(&bench, PICK_UP), [false; 0], "not done yet");
    bench.open_ports();
    let told = bench.told(STRANGER);
    let answered = |event: &SipEvent| matches!(event, SipEvent::Answered { .. });
    assert!(told.iter().any(answered), "{told:?}");
    assert_eq!(bench.work(), Work::Talking);
    assert_eq!(asked(&bench, PICK_UP), [true]);
}

#[test]
fn a_pick_up_that_came_to_nothing_is_told_as_such() {
    let (mut bench, caller, _, replaces) = rung();
    let replaces = [("Replaces", replaces.as_str())];
    let peer = STRANGER;
    bench.call_with(peer, "1001", "12345", Some("secret"), &replaces, b"v=0\r\n");
    assert!(matches!(refused(&mut bench, STRANGER), Some(400..=499)));
    assert_eq!(asked(&bench, PICK_UP), [false]);
    assert_eq!(bench.work(), Work::Ringing, "and the desk rings on");
    // Nor may the caller go first.
    bench.ports_wait = true;
    bench.call(STRANGER, "1001", "12345", Some("secret"), &replaces);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    assert_eq!(asked(&bench, PICK_UP), [false, false]);
    bench.open_ports();
    assert!(bench.is_clean());
}
