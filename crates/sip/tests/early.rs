//! Early dialogs (RFC 3261 §12.1): offers by UPDATE in both roles (RFC 3311), forks, bodies of
//! several parts, and the dialog of a browser whose connection is gone.

#![cfg(test)]

mod support;

use hotline_sip::{
    endpoint::{EndedBy, Event},
    path::{Path, Transport},
};
use proptest::prelude::*;
use support::*;

const EARLY: &str = "Supported: 100rel\r\nAllow: INVITE, UPDATE\r\n";

/// An incoming call whose answer went out reliably and was acknowledged: the dialog and our tag.
fn early_answered(desk: &mut Desk) -> (hotline_sip::endpoint::DialogId, String) {
    desk.receive(&invite_with(EARLY, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
    desk.drain();
    let early = desk.one();
    desk.receive(&prack(2, &early, ""));
    assert_eq!(status(&desk.one()), 200);
    (dialog, tag(&value(&early, "To")))
}

fn reliable(allow: &str) -> String {
    format!("{SEAT}Require: 100rel\r\nRSeq: 1\r\nAllow: {allow}\r\n")
}

/// A call of ours whose answer came reliably and was acknowledged: the dialog and the INVITE.
fn calling_early(desk: &mut Desk, allow: &str) -> (hotline_sip::endpoint::DialogId, String) {
    let dialog = desk.endpoint.invite(desk.now, invitation(desk.path));
    desk.drain();
    let invite = desk.one();
    desk.receive(&response(
        &invite,
        "183 Progress",
        "seat",
        &reliable(allow),
        "early",
    ));
    let prack = desk.one();
    desk.receive(&response(&prack, "200 OK", "", "", ""));
    desk.event();
    (dialog, invite)
}

/// A request of the called party in a dialog of our INVITE.
fn of_callee(method: &str, number: u32, invite: &str, fork: &str, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:hotline@10.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bK-callee-{method}-{number}-{fork};rport\r\n\
         Max-Forwards: 70\r\nFrom: {};tag={fork}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {number} {method}\r\nContact: <sip:moved@10.0.0.2:5071>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        value(invite, "To"),
        value(invite, "From"),
        value(invite, "Call-ID"),
        body.len()
    )
}

// ---- the peer calls

#[test]
fn an_update_before_the_answer_is_too_early() {
    // RFC 3311 §5.2: an offer that has no answer yet.
    let mut desk = Desk::new();
    desk.receive(&invite_with(EARLY, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ours = tag(&value(&desk.one(), "To"));
    desk.receive(&request("UPDATE", 2, &ours, CONTACT, "second"));
    let busy = desk.one();
    assert_eq!(status(&busy), 500);
    assert!(value(&busy, "Retry-After").parse::<u32>().unwrap() <= 10);
    let moved = "Contact: <sip:elsewhere@10.0.0.2:5099>\r\n";
    desk.receive(&request("UPDATE", 3, &ours, moved, ""));
    assert_eq!(status(&desk.one()), 200, "a target refresh");
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    desk.sent();
    desk.receive(&ack(1, &ours, ""));
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    assert!(desk.one().starts_with("BYE sip:elsewhere@10.0.0.2:5099 "));
}

#[test]
fn a_caller_offers_again_by_update() {
    let mut desk = Desk::new();
    let (dialog, ours) = early_answered(&mut desk);
    desk.receive(&request("UPDATE", 3, &ours, CONTACT, "second"));
    assert_eq!(
        desk.event(),
        Event::Reoffered {
            dialog,
            body: b"second".to_vec()
        }
    );
    desk.receive(&request("UPDATE", 4, &ours, CONTACT, "third"));
    assert_eq!(status(&desk.one()), 500, "§5.2: one after the other");
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    assert!(desk.sent().is_empty(), "it waits");
    desk.endpoint
        .answer_offer(desk.now, dialog, b"second answer".to_vec());
    desk.drain();
    let sent = desk.sent();
    assert_eq!(body(&sent[0]), "second answer");
    assert_eq!((method(&sent[1]), body(&sent[1])), ("UPDATE", "ours"));
    // Glare: ours is under way.
    desk.receive(&request("UPDATE", 5, &ours, CONTACT, "fourth"));
    assert_eq!(status(&desk.one()), 491);
    desk.receive(&response(&sent[1], "200 OK", "", CONTACT, "agreed"));
    assert_eq!(
        desk.event(),
        Event::ReofferAnswered {
            dialog,
            body: b"agreed".to_vec()
        }
    );
    assert!(desk.sent().is_empty(), "an UPDATE has no ACK");
    desk.endpoint.answer(desk.now, dialog, b"early".to_vec());
    desk.drain();
    assert_eq!(body(&desk.one()), "");
    desk.receive(&ack(1, &ours, ""));
    desk.receive(&request("BYE", 6, &ours, "", ""));
    desk.assert_forgets_all();
}

#[test]
fn an_update_of_ours_that_meets_theirs_is_tried_again() {
    let mut desk = Desk::new();
    let (dialog, _) = early_answered(&mut desk);
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let first = desk.one();
    desk.receive(&response(&first, "491 Pending", "", "", ""));
    assert!(desk.sent().is_empty() && desk.events().is_empty());
    desk.pass(ms(2_000));
    let again = desk.sent().remove(0);
    assert_eq!((method(&again), body(&again)), ("UPDATE", "ours"));
    desk.receive(&response(&again, "481 Gone", "", "", ""));
    assert_eq!(
        desk.event(),
        Event::ReofferRefused {
            dialog,
            status: 481
        },
        "the INVITE's own end says what becomes of the dialog"
    );
    desk.endpoint
        .reoffer(desk.now, dialog, b"once more".to_vec());
    desk.drain();
    desk.sent();
    desk.pass(ms(32_000));
    assert_eq!(
        desk.event(),
        Event::ReofferRefused {
            dialog,
            status: 408
        }
    );
    desk.endpoint.reject(desk.now, dialog, 480, &[]);
    desk.assert_forgets_all();
}

#[test]
fn an_offer_waits_for_the_end_of_an_early_dialog_without_update() {
    let mut desk = Desk::new();
    desk.receive(&invite_with("Allow: INVITE\r\n", "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
    desk.drain();
    let ours = tag(&value(&desk.one(), "To"));
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.endpoint.answer(desk.now, dialog, b"early".to_vec());
    desk.drain();
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&ack(1, &ours, ""));
    let reinvite = desk.one();
    assert_eq!((method(&reinvite), body(&reinvite)), ("INVITE", "ours"));
}

// ---- we call

#[test]
fn a_callee_offers_again_by_update() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling_early(&mut desk, "INVITE, UPDATE");
    desk.receive(&of_callee("UPDATE", 1, &invite, "seat", "second"));
    assert_eq!(
        desk.event(),
        Event::Reoffered {
            dialog,
            body: b"second".to_vec()
        }
    );
    desk.endpoint
        .answer_offer(desk.now, dialog, b"second answer".to_vec());
    desk.drain();
    let answer = desk.one();
    assert_eq!((status(&answer), body(&answer)), (200, "second answer"));
    desk.receive(&of_callee("INVITE", 2, &invite, "seat", "x"));
    assert_eq!(status(&desk.one()), 491, "RFC 3261 §14.2");
    desk.receive(&of_callee("UPDATE", 2, &invite, "seat", "x"));
    assert_eq!(status(&desk.one()), 500, "out of order");
    desk.receive(&response(&invite, "200 OK", "seat", "", ""));
    let ack = desk.one();
    assert!(ack.starts_with("ACK sip:moved@10.0.0.2:5071 "), "{ack}");
    assert!(matches!(desk.event(), Event::Answered { .. }));
    // The sequence of the early dialog goes on.
    desk.receive(&of_callee("INFO", 2, &invite, "seat", ""));
    assert_eq!(status(&desk.one()), 500);
    desk.receive(&of_callee("BYE", 3, &invite, "seat", ""));
    assert_eq!(status(&desk.one()), 200);
    assert!(matches!(
        desk.event(),
        Event::Ended {
            why: EndedBy::Bye,
            ..
        }
    ));
    desk.assert_forgets_all();
}

#[test]
fn an_update_before_our_answer_came_is_glare() {
    let mut desk = Desk::new();
    desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    desk.receive(&of_callee("UPDATE", 1, &invite, "seat", "second"));
    assert_eq!(status(&desk.one()), 481, "no such dialog yet");
    desk.receive(&response(&invite, "180 Ringing", "seat", SEAT, ""));
    desk.receive(&of_callee("UPDATE", 2, &invite, "seat", "second"));
    assert_eq!(status(&desk.one()), 491, "RFC 3311 §5.2");
    desk.receive(&of_callee("UPDATE", 3, &invite, "seat", ""));
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&of_callee("BYE", 4, &invite, "seat", ""));
    assert_eq!(status(&desk.one()), 481, "RFC 3261 §15: not by a callee");
    desk.receive(&of_callee("PRACK", 5, &invite, "seat", ""));
    assert_eq!(status(&desk.one()), 400);
}

#[test]
fn we_offer_again_by_update_where_it_is_allowed() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling_early(&mut desk, "INVITE, UPDATE");
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let update = desk.one();
    assert_eq!((method(&update), body(&update)), ("UPDATE", "ours"));
    assert_eq!(value(&update, "CSeq"), "3 UPDATE");
    assert!(!update.contains("Session-Expires"), "not before the 2xx");
    desk.receive(&of_callee("UPDATE", 1, &invite, "seat", "theirs"));
    assert_eq!(status(&desk.one()), 491);
    desk.receive(&response(&update, "200 OK", "", SEAT, "agreed"));
    assert!(matches!(desk.event(), Event::ReofferAnswered { .. }));

    let mut desk = Desk::new();
    let (dialog, invite) = calling_early(&mut desk, "INVITE");
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.receive(&response(&invite, "200 OK", "seat", SEAT, ""));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "INVITE"));
    assert_eq!(body(&sent[1]), "ours");
}

#[test]
fn no_update_overtakes_a_prack() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(desk.path));
    desk.drain();
    let invite = desk.one();
    let early = reliable("INVITE, UPDATE");
    desk.receive(&response(&invite, "183 Progress", "seat", &early, "early"));
    let prack = desk.one();
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.receive(&response(&prack, "200 OK", "", "", ""));
    assert_eq!(method(&desk.one()), "UPDATE");
}

#[test]
fn an_offer_in_a_fork_that_lost_is_made_to_the_one_that_won() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling_early(&mut desk, "INVITE, UPDATE");
    desk.receive(&response(&invite, "180 Ringing", "other", SEAT, ""));
    desk.events();
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let update = desk.one();
    desk.receive(&response(&invite, "200 OK", "other", SEAT, "answer"));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "INVITE"));
    assert!(value(&sent[1], "To").ends_with(";tag=other"));
    assert_eq!(body(&sent[1]), "ours");
    desk.events();
    desk.receive(&response(&update, "200 OK", "", SEAT, "of the loser"));
    assert!(desk.events().is_empty());
}

#[test]
fn an_offer_of_a_fork_that_lost_is_refused() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling_early(&mut desk, "INVITE, UPDATE");
    desk.receive(&of_callee("UPDATE", 1, &invite, "seat", "second"));
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    desk.receive(&response(&invite, "200 OK", "other", SEAT, "answer"));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), status(&sent[1])), ("ACK", 487));
    desk.events();
    desk.endpoint
        .answer_offer(desk.now, dialog, b"late".to_vec());
    desk.drain();
    assert!(desk.sent().is_empty());
}

// ---- bodies of several parts

fn multipart(text: &str, sdp: &str) -> String {
    let length = format!("Content-Length: {}\r\n\r\n{sdp}", sdp.len());
    let parts = format!(
        "--b\r\nContent-Type: application/ISUP;version=itu-t92+\r\n\
         Content-Disposition: signal;handling=optional\r\n\r\n\u{1}\u{2}\r\n\
         --b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b--\r\n"
    );
    let longer = format!("Content-Length: {}\r\n\r\n{parts}", parts.len());
    let text = text.replace(
        "Content-Type: application/sdp",
        "Content-Type: multipart/mixed;boundary=b",
    );
    assert!(text.contains(&length));
    text.replace(&length, &longer)
}

#[test]
fn the_user_hears_the_session_part_alone() {
    let mut desk = Desk::new();
    desk.receive(&multipart(&invite(), "offer"));
    let Event::Invited {
        dialog, request, ..
    } = desk.event()
    else {
        panic!("no call");
    };
    assert_eq!(request.session(), b"offer");
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(&desk.one(), "To"));
    desk.receive(&ack(1, &ours, ""));
    desk.events();
    for method in ["INVITE", "UPDATE"] {
        let number = if method == "INVITE" { 2 } else { 3 };
        let text = self::request(method, number, &ours, CONTACT, "hold");
        desk.receive(&multipart(&text, "hold"));
        assert!(matches!(desk.event(), Event::Reoffered { body, .. } if body == b"hold"));
        desk.endpoint
            .answer_offer(desk.now, dialog, b"held".to_vec());
        desk.drain();
        desk.sent();
        desk.receive(&ack(2, &ours, ""));
        desk.events();
    }
    // What INFO carries is nobody's session.
    let info = self::request("INFO", 4, &ours, "", "part");
    desk.receive(&multipart(&info, "part"));
    assert!(matches!(desk.event(), Event::Info { body, .. } if body.starts_with(b"--b\r\n")));
}

#[test]
fn late_answers_and_responses_have_parts_too() {
    let mut desk = Desk::new();
    desk.receive(&invite_with("", ""));
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let ours = tag(&value(&desk.one(), "To"));
    desk.receive(&multipart(&ack(1, &ours, "theirs"), "theirs"));
    assert!(matches!(desk.event(), Event::Acknowledged { body, .. } if body == b"theirs"));

    let typed = "Content-Type: application/sdp\r\n";
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    let early = response(&invite, "183 Progress", "seat", typed, "early");
    desk.receive(&multipart(&early, "early"));
    assert!(matches!(desk.event(), Event::Ringing { body, .. } if body == b"early"));
    let lines = format!("{SEAT}{typed}");
    let ok = response(&invite, "200 OK", "seat", &lines, "answer");
    desk.receive(&multipart(&ok, "answer"));
    assert_eq!(
        desk.event(),
        Event::Answered {
            dialog,
            body: b"answer".to_vec()
        }
    );
}

#[test]
fn parts_that_must_be_understood_and_are_not_are_415() {
    for (from, to, expected) in [
        ("handling=optional", "handling=required", 415),
        ("boundary=b\r\n", "boundary=c\r\n", 400),
    ] {
        let mut desk = Desk::new();
        desk.receive(&multipart(&invite(), "offer").replace(from, to));
        assert_eq!(status(&desk.one()), expected, "{to}");
        assert!(desk.events().is_empty());
    }
    let mut desk = Desk::new();
    let optional = "Content-Disposition: render;handling=optional\r\n";
    let text = invite_with(optional, "hello").replace("application/sdp", "text/plain");
    desk.receive(&text);
    let Event::Invited { request, .. } = desk.event() else {
        panic!("no call");
    };
    assert_eq!(request.session(), b"");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Pieces of multipart bodies in any order: the session is a part of the body or nothing, and
    /// what cannot be taken is refused.
    #[test]
    fn no_body_breaks_the_reader(
        pieces in proptest::collection::vec((0usize..12, any::<u8>()), 0..40)
    ) {
        let mut parts = Vec::new();
        for (piece, byte) in pieces {
            match piece {
                0 => parts.extend(b"--b\r\n"),
                1 => parts.extend(b"\r\n--b\r\n"),
                2 => parts.extend(b"--b--"),
                3 => parts.extend(b"Content-Type: application/sdp\r\n"),
                4 => parts.extend(b"Content-Type: multipart/alternative;boundary=i\r\n\r\n"),
                5 => parts.extend(b"\r\n--i\r\n"),
                6 => parts.extend(b"\r\n--i--\r\n"),
                7 => parts.extend(b"Content-Disposition: session;handling=required\r\n"),
                8 => parts.extend(b"\r\n\r\n"),
                9 => parts.extend(b"v=0\n"),
                10 => parts.extend(b"\r\n "),
                _ => parts.push(byte),
            }
        }
        let head = invite_with("MIME-Version: 1.0\r\n", "x").replace(
            "application/sdp\r\nContent-Length: 1\r\n\r\nx",
            &format!("multipart/mixed;boundary=b\r\nContent-Length: {}\r\n\r\n", parts.len()),
        );
        let mut text = head.into_bytes();
        text.extend(&parts);
        let mut desk = Desk::new();
        desk.endpoint.receive(desk.now, desk.path, &text);
        desk.drain();
        match desk.events().pop() {
            Some(Event::Invited { request, .. }) => {
                let session = request.session();
                let within = session.is_empty()
                    || parts.windows(session.len()).any(|window| window == session);
                prop_assert!(within);
            }
            _ => prop_assert!(matches!(status(&desk.one()), 400 | 415)),
        }
    }
}

// ---- browsers

fn websocket(connection: u64) -> Path {
    Path::stream(Transport::Ws, udp().local, udp().remote, connection)
}

#[test]
fn a_browser_that_is_gone_ends_the_call_at_our_next_word() {
    for how in 0..2 {
        let mut desk = Desk::over(websocket(4));
        let (dialog, _) = desk.answered(1);
        desk.sent();
        desk.endpoint.path_lost(desk.now, websocket(4));
        desk.drain();
        assert!(desk.events().is_empty(), "it may come back");
        if how == 0 {
            desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
            desk.drain();
            assert_eq!(
                desk.event(),
                Event::Ended {
                    dialog,
                    why: EndedBy::PathLost,
                    reason: None
                }
            );
        } else {
            desk.endpoint.hang_up(desk.now, dialog, None);
            desk.drain();
            assert!(desk.events().is_empty());
        }
        assert!(desk.sent().is_empty());
        desk.assert_forgets_all();
    }
}

#[test]
fn a_browser_that_comes_back_takes_the_dialog_along() {
    let mut desk = Desk::over(websocket(4));
    let (dialog, ours) = desk.answered(1);
    desk.sent();
    desk.endpoint.path_lost(desk.now, websocket(4));
    desk.path = websocket(9);
    desk.receive(&request("UPDATE", 2, &ours, CONTACT, ""));
    assert_eq!(status(&desk.one()), 200);
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    let Some(hotline_sip::endpoint::Output::Transmit { path, .. }) = desk.endpoint.poll_output()
    else {
        panic!("no INVITE");
    };
    assert_eq!(path, websocket(9));
}
