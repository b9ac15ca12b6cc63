//! Two seats that talk while one has a caller: the other takes the caller over by itself.

use hotline_model::{
    SeatId,
    event::{Event, Outcome, TransferKind},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::{
    bench::{A, B, Bench, PHONE, STRANGER, s, sdp, seat},
    moving::{dialog_heard, hung_up, refused, talking},
};

/// Where seat 1002 has its phone.
const SECOND: usize = STRANGER;

/// Seat 1001 talks with a caller (the first dialog) and asks seat 1002 (the second is the second's);
/// the Replaces that names 1001's dialog of the talk.
fn asking() -> (Bench, DialogId, DialogId, String) {
    let (mut bench, caller, _, replaces) = talking();
    bench.sign_in(SECOND, "1002", "secret2");
    bench.call(PHONE, "1001", "1002", Some("secret"), &[]);
    let second = bench.invited(SECOND).unwrap();
    bench.does(SECOND, |endpoint, now| {
        endpoint.answer(now, second, sdp(SECOND, 7_000, "sendrecv"));
    });
    assert_eq!(
        bench.count(|e| matches!(e, Event::ConsultStarted { .. })),
        1
    );
    bench.told(PHONE);
    bench.told(SECOND);
    (bench, caller, second, replaces)
}

fn work_of(bench: &Bench, seat: &str) -> Work {
    let floor = &bench.exchange.switchboard().floor;
    floor.seat(SeatId::new(seat).unwrap()).unwrap().work
}

fn taken_over(bench: &Bench) -> usize {
    bench.count(|e| {
        matches!(e, Event::TalkTransferred { from, to, kind: TransferKind::Attended, .. }
            if *from == seat() && to == "1002")
    })
}

fn asked(bench: &Bench, as_done: bool) -> usize {
    bench.count(|e| {
        matches!(e, Event::SeatRequested { request, done, .. }
            if request.starts_with("take over") && *done == as_done)
    })
}

#[test]
fn a_consulted_seat_takes_the_caller_over() {
    let (mut bench, caller, _, replaces) = asking();
    let replaces = [("Replaces", replaces.as_str())];
    let new = bench.call(SECOND, "1002", "12345", Some("secret2"), &replaces);
    let told = bench.told(SECOND);
    let answered =
        |event: &SipEvent| matches!(event, SipEvent::Answered { dialog, .. } if *dialog == new);
    assert!(told.iter().any(answered), "{told:?}");
    let ended = told
        .iter()
        .filter(|event| matches!(event, SipEvent::Ended { .. }));
    assert_eq!(ended.count(), 1, "its dialog of the consultation");
    let ended = bench.told(PHONE);
    let ended = ended
        .iter()
        .filter(|event| matches!(event, SipEvent::Ended { .. }));
    assert_eq!(ended.count(), 2, "both calls of the one who asked");
    assert_eq!((taken_over(&bench), asked(&bench, true)), (1, 1));
    assert_eq!(bench.count(|e| matches!(e, Event::ConsultEnded { .. })), 1);
    assert_eq!(bench.work(), Work::WrapUp);
    assert_eq!(work_of(&bench, "1002"), Work::Talking);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    assert!(hung_up(&mut bench, SECOND));
    bench.pass(s(60));
    assert!(bench.is_clean());
    assert_eq!(work_of(&bench, "1002"), Work::Free);
}

/// What only the colleague's phone knows of the consultation says as much.
#[test]
fn the_colleagues_dialog_of_the_consultation_names_the_caller_too() {
    let (mut bench, _, _, _) = asking();
    let heard = bench.peers[PHONE].heard.iter().rev();
    let mut answers =
        heard.filter(|text| text.starts_with("SIP/2.0 200") && text.contains("INVITE"));
    let answer = answers.next().unwrap();
    let header = |name| Bench::header(answer, name).unwrap();
    let tag = |name| header(name).split_once("tag=").unwrap().1.to_owned();
    let named = format!(
        "{};to-tag={};from-tag={}",
        header("Call-ID"),
        tag("To"),
        tag("From")
    );
    let replaces = [("Replaces", named.as_str())];
    bench.call(SECOND, "1002", "12345", Some("secret2"), &replaces);
    assert_eq!(refused(&mut bench, SECOND), None);
    assert_eq!(
        (taken_over(&bench), work_of(&bench, "1002")),
        (1, Work::Talking)
    );
}

#[test]
fn nobody_takes_over_what_the_colleague_did_not_offer() {
    let (mut bench, _, second, talk) = asking();
    let own = dialog_heard(&bench, SECOND, "ACK");
    for (peer, user, login, named, status) in [
        // Its own dialog of the consultation is known to every consulted seat.
        (SECOND, "1002", Some("secret2"), &own, 403),
        (SECOND, "1002", Some("wrong"), &talk, 401),
        (B, "1002", None, &talk, 401),
        (A, "13800000002", None, &talk, 401),
    ] {
        let replaces = [("Replaces", named.as_str())];
        bench.call(peer, user, "12345", login, &replaces);
        assert_eq!(refused(&mut bench, peer), Some(status), "{user} {login:?}");
    }
    assert_eq!((taken_over(&bench), bench.work()), (0, Work::Talking));
    // Nor after the consultation.
    bench.does(SECOND, |endpoint, now| endpoint.hang_up(now, second, None));
    bench.told(SECOND);
    let replaces = [("Replaces", talk.as_str())];
    bench.call(SECOND, "1002", "12345", Some("secret2"), &replaces);
    assert_eq!(refused(&mut bench, SECOND), Some(403));
    let journalled = |e: &Event| matches!(e, Event::InviteRejected { status: 403, cause, .. } if cause.contains("place"));
    assert_eq!(bench.count(journalled), 2);
    assert_eq!((taken_over(&bench), bench.work()), (0, Work::Talking));
}

#[test]
fn a_take_over_without_a_usable_session_changes_nothing() {
    let (mut bench, caller, _, replaces) = asking();
    let before = bench.bridged();
    let replaces = [("Replaces", replaces.as_str())];
    bench.call_with(
        SECOND,
        "1002",
        "12345",
        Some("secret2"),
        &replaces,
        b"v=0\r\n",
    );
    assert!(matches!(refused(&mut bench, SECOND), Some(400..=499)));
    assert_eq!((taken_over(&bench), asked(&bench, false)), (0, 1));
    assert_eq!((bench.bridged(), bench.work()), (before, Work::Talking));
    assert_eq!(work_of(&bench, "1002"), Work::Busy);
    assert!(!hung_up(&mut bench, PHONE));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    let answered = |e: &Event| {
        matches!(
            e,
            Event::CallEnded {
                outcome: Outcome::Answered,
                ..
            }
        )
    };
    assert_eq!(bench.count(answered), 1);
}

/// The colleague hangs the caller up before our port is open: 603 (RFC 3891 §3).
#[test]
fn a_seat_that_gives_up_leaves_nothing_behind() {
    let (mut bench, caller, second, replaces) = asking();
    let replaces = [("Replaces", replaces.as_str())];
    bench.ports_wait = true;
    let new = bench.call(SECOND, "1002", "12345", Some("secret2"), &replaces);
    bench.does(SECOND, |endpoint, now| endpoint.hang_up(now, new, None));
    let again = bench.call(SECOND, "1002", "12345", Some("secret2"), &replaces);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.told(SECOND);
    bench.open_ports();
    let told = bench.told(SECOND);
    let declined = |event: &SipEvent| matches!(event, SipEvent::Refused { dialog, status: 603, .. } if *dialog == again);
    assert!(told.iter().any(declined), "{told:?}");
    assert_eq!(taken_over(&bench), 0);
    bench.does(SECOND, |endpoint, now| endpoint.hang_up(now, second, None));
    bench.pass(s(60));
    assert!(bench.is_clean());
}

/// Two calls of its own: the seat is free when the last of them is over.
#[test]
fn a_star_code_during_a_consultation_leaves_the_seat_busy() {
    let (mut bench, _, second, _) = asking();
    for code in ["*21", "*99"] {
        let star = bench.call(SECOND, "1002", code, Some("secret2"), &[]);
        let told = bench.told(SECOND);
        let ended =
            |event: &SipEvent| matches!(event, SipEvent::Ended { dialog, .. } if *dialog == star);
        assert!(told.iter().any(ended), "{code}: {told:?}");
        assert_eq!(work_of(&bench, "1002"), Work::Busy, "{code}");
    }
    assert_eq!(bench.count(|e| matches!(e, Event::ConsultEnded { .. })), 0);
    bench.does(SECOND, |endpoint, now| endpoint.hang_up(now, second, None));
    assert_eq!(work_of(&bench, "1002"), Work::Free);
}
