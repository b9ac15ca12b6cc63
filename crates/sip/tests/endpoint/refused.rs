//! What is refused at once, dropped, or closed.

use hotline_model::limits;
use hotline_sip::endpoint::{Event, Output, REQUEST_BYTES};

use crate::support::*;

#[test]
fn what_cannot_be_served_is_refused_without_state() {
    let with = |lines: &str| request("INVITE", 1, "", &format!("{CONTACT}{lines}"), "");
    let other = |kind: &str| {
        let text = request("INVITE", 1, "", CONTACT, "body");
        text.replace("application/sdp", kind)
    };
    let cases: &[(String, u16, &str)] = &[
        (request("DANCE", 1, "", "", ""), 501, "Allow: INVITE"),
        (request("MESSAGE", 1, "", "", ""), 405, "Allow: INVITE"),
        (request("PRACK", 1, "", "", ""), 481, ""),
        (
            invite().replace("INVITE sip:12345@10.0.0.1", "INVITE soap.beep://h"),
            416,
            "",
        ),
        (with("Require: 100rel, x\r\n"), 420, "Unsupported: x\r\n"),
        (with("Accept: text/plain\r\n"), 406, ""),
        (
            other("application/unknown"),
            415,
            "Accept: application/sdp, multipart/mixed, multipart/alternative\r\n",
        ),
        (
            request(
                "INVITE",
                1,
                "",
                &format!("{CONTACT}Content-Encoding: gzip\r\n"),
                "x",
            ),
            415,
            "Accept-Encoding: identity\r\n",
        ),
        (request("BYE", 1, "unknown", "", ""), 481, ""),
        (request("BYE", 1, "", "", ""), 481, ""),
        (
            request("INVITE", 1, "0000000000000001", CONTACT, ""),
            481,
            "",
        ),
        (request("INFO", 1, "", "", ""), 481, ""),
        (request("UPDATE", 1, "x", CONTACT, ""), 481, ""),
        (request("CANCEL", 1, "", "", ""), 481, ""),
        (
            request("REGISTER", 1, "", "", "").replace("To: <sip:", "To: <isbn:"),
            400,
            "",
        ),
        (
            request("INVITE", 1, "", CONTACT, &"x".repeat(REQUEST_BYTES)),
            513,
            "",
        ),
        (
            invite().replace("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE"),
            400,
            "",
        ),
        (
            invite().replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
            505,
            "",
        ),
    ];
    for (text, expected, line) in cases {
        let mut desk = Desk::new();
        desk.receive(text);
        let answer = desk.one();
        assert_eq!(status(&answer), *expected, "{text}");
        assert!(answer.contains(line), "{line} in {answer}");
        assert!(value(&answer, "To").contains(";tag="));
        assert!(desk.events().is_empty());
        assert!(desk.is_empty());
        desk.receive(text);
        assert_eq!(
            desk.one(),
            answer,
            "§8.2.7: equal answers to equal requests"
        );
    }
}

#[test]
fn what_wants_no_answer_gets_none() {
    let mut desk = Desk::new();
    let stray = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK0123456789abcdef\r\n\
        From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n";
    for text in [
        stray.to_owned(),
        stray.replace("200 OK", "99 No"),
        ack(1, "unknown", ""),
        ack(1, "", ""),
        request("ACK", 1, "", "Require: x\r\n", "body"),
        "nonsense\r\n\r\n".to_owned(),
        String::new(),
    ] {
        desk.receive(&text);
        assert_eq!(desk.sent(), [""; 0], "{text}");
    }
    assert!(desk.events().is_empty() && desk.is_empty());
    assert!(desk.endpoint.counts().dropped >= 6);
}

#[test]
fn a_stream_that_is_not_sip_is_closed() {
    for (bytes, closed) in [
        ("\u{16}\u{3}\u{1} hello\r\n\r\n", true),
        ("SIP/2.0 9999 No\r\n\r\n", false),
        ("OPTIONS sip:a@h SIP/2.0\r\n\r\n", false),
    ] {
        for path in [tcp(1), udp()] {
            let mut desk = Desk::over(path);
            desk.endpoint.receive(desk.now, path, bytes.as_bytes());
            let close = desk.endpoint.poll_output() == Some(Output::ClosePath(path));
            assert_eq!(close, closed && path == tcp(1), "{bytes} by {path}");
        }
    }
}

#[test]
fn a_request_that_comes_by_two_ways_is_482() {
    // RFC 3261 §8.2.2.2.
    let mut desk = Desk::new();
    desk.receive(&invite());
    desk.invited();
    desk.sent();
    desk.receive(&invite().replace("z9hG4bK-INVITE-1", "z9hG4bK-by-another-proxy"));
    assert_eq!(status(&desk.one()), 482);
    assert!(desk.events().is_empty());
}

#[test]
fn peers_of_rfc_2543_are_served() {
    let old = |text: String| {
        text.replace(";branch=z9hG4bK-INVITE-1;rport", "")
            .replace(";tag=peer", "")
    };
    let mut desk = Desk::new();
    desk.receive(&old(invite()));
    desk.receive(&old(invite()));
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&old(request("ACK", 1, &ours, "", "")));
    assert!(matches!(desk.event(), Event::Acknowledged { .. }));
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    assert!(!value(&bye, "To").contains("tag="));
}

#[test]
fn a_full_house_refuses_calls_and_still_ends_those_it_has() {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    let mut n = 0;
    while desk.endpoint.counts().dialogs < limits::SIP_DIALOGS {
        n += 1;
        let text = invite()
            .replace("call-1", &format!("flood-{n}"))
            .replace("INVITE-1", &format!("flood-{n}"));
        desk.receive(&text);
        desk.sent.clear();
        desk.events.clear();
    }
    let one_more = invite()
        .replace("call-1", "more")
        .replace("INVITE-1", "more");
    desk.receive(&one_more);
    let refused = desk.one();
    assert_eq!(status(&refused), 503);
    let after: u32 = value(&refused, "Retry-After").parse().unwrap();
    assert!((5..=15).contains(&after));
    assert!(desk.events().is_empty());
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    assert_eq!(
        desk.event(),
        Event::Refused {
            dialog,
            status: 503,
            retry_after: None,
            contacts: Vec::new(),
        }
    );
    desk.receive(&request("BYE", 2, &ours, "", ""));
    assert_eq!(status(&desk.one()), 200);
}
