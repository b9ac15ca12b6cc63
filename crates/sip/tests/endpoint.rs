//! An endpoint against a scripted peer: what it answers, when it repeats itself, what it forgets.

#![cfg(test)]

mod support;

use std::time::Duration;

use hotline_model::limits;
use hotline_sip::{
    endpoint::{
        Credentials, DialogId, EndedBy, Event, HangUpReason, Invitation, OutgoingRequest, Output,
        REQUEST_BYTES,
    },
    message::{Framing, Message},
};
use proptest::prelude::*;
use support::*;

// ---- incoming calls

#[test]
fn an_incoming_call_from_ring_to_bye() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.pass(ms(199));
    assert!(desk.sent().is_empty());
    desk.pass(ms(1));
    let trying = desk.one();
    assert_eq!(status(&trying), 100);
    assert!(!value(&trying, "To").contains("tag="));

    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ringing = desk.one();
    assert_eq!(status(&ringing), 180);
    // RFC 3581 §4: the source's port in rport, its address in received.
    assert!(value(&ringing, "Via").contains("rport=5070"));
    assert!(value(&ringing, "Via").contains("received=10.0.0.2"));

    desk.receive(&invite());
    assert_eq!(desk.one(), ringing, "a retransmission gets the last word");

    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ok = desk.one();
    assert_eq!(status(&ok), 200);
    assert_eq!(value(&ok, "To"), value(&ringing, "To"));
    assert_eq!(value(&ok, "Contact"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(value(&ok, "Content-Type"), "application/sdp");
    assert!(ok.ends_with("\r\n\r\nanswer"));

    let ours = tag(&value(&ok, "To"));
    desk.receive(&ack(1, &ours, ""));
    assert_eq!(
        desk.event(),
        Event::Acknowledged {
            dialog,
            body: Vec::new()
        }
    );
    let reason = "Reason: Q.850;cause=16;text=\"bye\"\r\n";
    desk.receive(&request("BYE", 2, &ours, reason, ""));
    assert_eq!(status(&desk.one()), 200);
    assert_eq!(
        desk.event(),
        Event::Ended {
            dialog,
            why: EndedBy::Bye,
            reason: Some("Q.850;cause=16;text=\"bye\"".into())
        }
    );
    desk.assert_forgets_all();
    assert_eq!(desk.sent(), [""; 0]);
}

#[test]
fn a_200_is_repeated_until_its_ack_and_then_the_call_ends() {
    // RFC 3261 §13.3.1.4, on every transport.
    for path in [udp(), tcp(3)] {
        let mut desk = Desk::over(path);
        desk.receive(&invite());
        let dialog = desk.invited();
        desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
        desk.drain();
        desk.sent();
        let mut times = Vec::new();
        for tick in 1..=640 {
            desk.pass(ms(50));
            times.extend(desk.sent().iter().map(|sent| (tick * 50, status(sent))));
        }
        let expected = [
            500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500,
        ];
        assert_eq!(times[..9], expected.map(|at| (at, 200)));
        assert_eq!(times[9], (31_500, 200));
        assert_eq!(times[10], (32_000, 0), "BYE");
        assert_eq!(
            desk.event(),
            Event::Ended {
                dialog,
                why: EndedBy::NoAck,
                reason: None
            }
        );
        desk.assert_forgets_all();
    }
}

#[test]
fn a_challenge_is_sent_once_and_forgotten() {
    // RFC 3261 §26.3.2.4.
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    let headers = [
        (
            "WWW-Authenticate",
            "Digest realm=\"a\", algorithm=SHA-256".to_owned(),
        ),
        (
            "WWW-Authenticate",
            "Digest realm=\"a\", algorithm=MD5".to_owned(),
        ),
    ];
    desk.endpoint.reject(desk.now, dialog, 401, &headers);
    desk.drain();
    let refused = desk.one();
    assert_eq!(status(&refused), 401);
    assert_eq!(refused.matches("WWW-Authenticate: Digest").count(), 2);
    assert!(desk.is_empty());
    desk.receive(&request("ACK", 1, &tag(&value(&refused, "To")), "", ""));
    assert!(desk.sent().is_empty() && desk.events().is_empty());
    // The challenge was lost: the INVITE comes again.
    desk.receive(&invite());
    desk.invited();
}

#[test]
fn a_rejection_is_repeated_until_its_ack() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.reject(desk.now, dialog, 486, &[]);
    desk.drain();
    let refused = desk.one();
    assert_eq!(status(&refused), 486);
    desk.pass(ms(500));
    assert_eq!(desk.one(), refused, "timer G");
    desk.receive(&request("ACK", 1, &tag(&value(&refused, "To")), "", ""));
    desk.pass(ms(8_000));
    assert!(desk.sent().is_empty());
    assert!(desk.events().is_empty());
    assert!(desk.is_empty(), "timer I");
}

#[test]
fn a_cancel_ends_what_is_not_answered() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.sent();
    desk.receive(&request("CANCEL", 1, "", "", ""));
    let sent = desk.sent();
    assert_eq!(
        sent.iter().map(|s| status(s)).collect::<Vec<_>>(),
        [200, 487]
    );
    assert_eq!(value(&sent[0], "CSeq"), "1 CANCEL");
    assert_eq!(value(&sent[0], "To"), value(&sent[1], "To"), "§9.2");
    assert_eq!(desk.event(), Event::Cancelled { dialog });
    // What the user says after that changes nothing.
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.assert_forgets_all();
}

#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    desk.receive(&request("CANCEL", 1, "", "", ""));
    assert_eq!(status(&desk.one()), 200);
    assert!(desk.events().is_empty());
    desk.receive(&request("BYE", 2, &ours, "", ""));
    assert!(matches!(desk.event(), Event::Ended { .. }));
}

#[test]
fn a_caller_may_end_an_early_dialog_by_bye() {
    // RFC 3261 §15: the caller may, and the INVITE is answered 487.
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&request("BYE", 2, &ours, "", ""));
    let sent = desk.sent();
    assert_eq!(
        sent.iter().map(|s| status(s)).collect::<Vec<_>>(),
        [200, 487]
    );
    assert_eq!(desk.event(), Event::Cancelled { dialog });
    desk.assert_forgets_all();
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    // RFC 3261 §15: no BYE from the callee before the ACK.
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    let reason = HangUpReason::q850(16, "Normal call clearing");
    desk.endpoint.hang_up(desk.now, dialog, Some(reason));
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.receive(&ack(1, &ours, ""));
    let bye = desk.one();
    assert_eq!(method(&bye), "BYE");
    assert_eq!(
        value(&bye, "Reason"),
        "Q.850;cause=16;text=\"Normal call clearing\""
    );
    assert_eq!(
        value(&bye, "To"),
        "\"Caller\" <sip:13800000000@10.0.0.2>;tag=peer"
    );
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    assert!(desk.events().is_empty());
    desk.assert_forgets_all();
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut desk = Desk::new();
    desk.receive(&request("INVITE", 1, "", CONTACT, ""));
    let dialog = desk.invited();
    desk.endpoint
        .answer(desk.now, dialog, b"our offer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&ack(1, &ours, "their answer"));
    assert_eq!(
        desk.event(),
        Event::Acknowledged {
            dialog,
            body: b"their answer".to_vec()
        }
    );
}

#[test]
fn an_invite_is_hung_up_with_480() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.sent();
    desk.endpoint
        .hang_up(desk.now, dialog, Some(HangUpReason::sip(480, "")));
    desk.drain();
    let refused = desk.one();
    assert_eq!(status(&refused), 480);
    assert_eq!(value(&refused, "Reason"), "SIP;cause=480");
    assert!(desk.events().is_empty());
}

// ---- what is refused at once

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

// ---- within a dialog

#[test]
fn the_sequence_must_rise() {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    desk.receive(&request(
        "INFO",
        5,
        &ours,
        "Content-Type: application/dtmf-relay\r\n",
        "",
    ));
    assert_eq!(status(&desk.one()), 200);
    assert!(matches!(desk.event(), Event::Info { .. }));
    desk.receive(&request("BYE", 4, &ours, "", ""));
    assert_eq!(status(&desk.one()), 500);
    assert!(desk.events().is_empty());
    desk.receive(&request("OPTIONS", 6, &ours, "", ""));
    let options = desk.one();
    assert_eq!(status(&options), 200);
    assert!(value(&options, "Allow").contains("UPDATE"));
    desk.receive(&request("SUBSCRIBE", 7, &ours, "", ""));
    assert_eq!(status(&desk.one()), 405);
    desk.receive(&request(
        "INVITE",
        8,
        &ours,
        &format!("{CONTACT}Require: x\r\n"),
        "",
    ));
    assert_eq!(status(&desk.one()), 420);
}

#[test]
fn offers_of_the_peer_by_reinvite_and_update() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    let moved = "Contact: <sip:elsewhere@10.0.0.2:5099>\r\n";
    desk.receive(&request("INVITE", 2, &ours, moved, "hold"));
    assert_eq!(
        desk.event(),
        Event::Reoffered {
            dialog,
            body: b"hold".to_vec()
        }
    );
    // §14.2: a second one before the first is answered.
    desk.receive(&request("INVITE", 3, &ours, moved, "again"));
    let busy = desk.one();
    assert_eq!(status(&busy), 500);
    assert!(value(&busy, "Retry-After").parse::<u32>().unwrap() <= 10);
    desk.receive(&request("ACK", 3, &ours, "", ""));
    desk.endpoint
        .answer_offer(desk.now, dialog, b"held".to_vec());
    desk.drain();
    assert!(desk.one().ends_with("held"));
    desk.pass(ms(500));
    assert_eq!(status(&desk.one()), 200, "until the ACK");
    desk.receive(&ack(2, &ours, ""));
    desk.event();
    desk.pass(ms(5_000));
    assert!(desk.sent().is_empty());

    desk.receive(&request("UPDATE", 4, &ours, moved, "resume"));
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    desk.endpoint.refuse_offer(desk.now, dialog, 488);
    desk.drain();
    assert_eq!(status(&desk.one()), 488);
    desk.receive(&request("UPDATE", 5, &ours, moved, ""));
    assert_eq!(status(&desk.one()), 200, "a target refresh alone");
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    assert!(
        desk.one()
            .starts_with("BYE sip:elsewhere@10.0.0.2:5099 SIP/2.0\r\n")
    );
    desk.assert_forgets_all();
}

#[test]
fn who_asks_again_has_heard_our_200() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&request("INVITE", 2, &ours, CONTACT, "hold"));
    let events = desk.events();
    assert!(matches!(events[0], Event::Acknowledged { .. }));
    assert!(matches!(events[1], Event::Reoffered { .. }));
}

#[test]
fn glare_is_491_and_ours_is_tried_again() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let reinvite = desk.one();
    assert_eq!(value(&reinvite, "CSeq"), "1 INVITE");
    desk.receive(&request("INVITE", 2, &ours, CONTACT, "theirs"));
    assert_eq!(status(&desk.one()), 491);
    desk.receive(&request("ACK", 2, &ours, "", ""));
    desk.receive(&response(&reinvite, "491 Request Pending", "", "", ""));
    assert_eq!(method(&desk.one()), "ACK");
    desk.receive(&request("INVITE", 3, &ours, CONTACT, "theirs"));
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    // §14.1: the callee waits two seconds at most, and theirs is under way longer than that.
    desk.pass(ms(2_000));
    assert!(desk.sent().is_empty());
    desk.endpoint
        .answer_offer(desk.now, dialog, b"yes".to_vec());
    desk.drain();
    desk.sent();
    desk.receive(&ack(3, &ours, ""));
    let again = desk.one();
    assert!(again.starts_with("INVITE") && again.ends_with("ours"));
    assert_eq!(value(&again, "CSeq"), "2 INVITE");
    desk.events();
    desk.receive(&response(&again, "200 OK", "", CONTACT, "agreed"));
    assert_eq!(
        desk.event(),
        Event::ReofferAnswered {
            dialog,
            body: b"agreed".to_vec()
        }
    );
}

#[test]
fn the_owner_of_the_call_id_waits_longer() {
    for seed in 0..20 {
        let mut desk = Desk::new();
        let (dialog, _) = desk.connected();
        desk.endpoint.reoffer(desk.now, dialog, vec![seed]);
        desk.drain();
        let reinvite = desk.one();
        desk.receive(&response(&reinvite, "491 Request Pending", "", "", ""));
        desk.sent();
        desk.pass(ms(2_099));
        assert!(desk.sent().is_empty());
        desk.pass(ms(1_901));
        assert_eq!(method(&desk.sent()[0]), "INVITE");
    }
}

#[test]
fn a_dialog_the_peer_has_forgotten_ends() {
    // RFC 3261 §12.2.1.2.
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    desk.drain();
    let reinvite = desk.one();
    desk.receive(&response(&reinvite, "481 Gone", "", "", ""));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "BYE"));
    assert_eq!(
        desk.event(),
        Event::Ended {
            dialog,
            why: EndedBy::Timeout,
            reason: None
        }
    );
    desk.assert_forgets_all();
    assert!(desk.events().is_empty());
}

#[test]
fn a_refused_reoffer_leaves_the_session_alone() {
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"one".to_vec());
    desk.endpoint.reoffer(desk.now, dialog, b"two".to_vec());
    desk.endpoint.reoffer(desk.now, dialog, b"three".to_vec());
    desk.drain();
    let first = desk.one();
    assert!(first.ends_with("one"));
    desk.receive(&response(&first, "488 No", "", "", ""));
    assert_eq!(
        desk.event(),
        Event::ReofferRefused {
            dialog,
            status: 488
        }
    );
    let sent = desk.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].ends_with("three"), "the newest, once");
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    desk.receive(&request("BYE", 2, &ours, "", ""));
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    assert!(desk.events().is_empty());
    desk.receive(&request("INFO", 3, &ours, "", ""));
    assert_eq!(status(&desk.one()), 481);
    desk.assert_forgets_all();
}

// ---- outgoing calls

#[test]
fn an_outgoing_call_from_invite_to_bye() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    assert!(invite.starts_with("INVITE sip:1001@10.0.0.2:5070 SIP/2.0\r\n"));
    assert_eq!(value(&invite, "Max-Forwards"), "70");
    assert_eq!(value(&invite, "P-Asserted-Identity"), "<sip:138@10.0.0.1>");
    assert!(value(&invite, "Via").starts_with("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK"));
    desk.pass(ms(500));
    assert_eq!(desk.one(), invite, "timer A");

    desk.receive(&response(&invite, "180 Ringing", "seat", "", ""));
    assert_eq!(
        desk.event(),
        Event::Ringing {
            dialog,
            status: 180,
            body: Vec::new()
        }
    );
    let routes = "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n";
    let ok = response(
        &invite,
        "200 OK",
        "seat",
        &format!("{SEAT}{routes}"),
        "answer",
    );
    desk.receive(&ok);
    let ack = desk.one();
    assert!(ack.starts_with("ACK sip:1001@10.0.0.2:5070 SIP/2.0\r\n"));
    assert!(ack.find("Route: <sip:p2;lr>") < ack.find("Route: <sip:p1;lr>"));
    assert_eq!(value(&ack, "CSeq"), "1 ACK");
    assert_ne!(value(&ack, "Via"), value(&invite, "Via"));
    assert_eq!(
        desk.event(),
        Event::Answered {
            dialog,
            body: b"answer".to_vec()
        }
    );
    desk.receive(&ok);
    assert_eq!(desk.one(), ack, "each 2xx gets its ACK");
    assert!(desk.events().is_empty());

    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    assert_eq!(method(&bye), "BYE");
    assert_eq!(value(&bye, "CSeq"), "2 BYE");
    assert!(value(&bye, "To").ends_with(";tag=seat"));
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

#[test]
fn a_second_fork_is_acknowledged_and_ended() {
    // RFC 3261 §13.2.2.4.
    let mut desk = Desk::new();
    let (_, invite) = desk.connected();
    let fork = response(
        &invite,
        "200 OK",
        "other",
        "Contact: <sip:x@10.0.0.2>\r\n",
        "late",
    );
    desk.receive(&fork);
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "BYE"));
    assert!(
        sent.iter()
            .all(|sent| value(sent, "To").ends_with(";tag=other"))
    );
    assert!(sent[1].starts_with("BYE sip:x@10.0.0.2 SIP/2.0"));
    desk.receive(&fork);
    assert_eq!(desk.one(), sent[0], "ACK again, but one BYE");
    assert!(desk.events().is_empty());
}

#[test]
fn forks_without_end_are_not_remembered() {
    let mut desk = Desk::new();
    let (_, invite) = desk.connected();
    for n in 0..1_000 {
        desk.receive(&response(&invite, "200 OK", &format!("f{n}"), SEAT, ""));
    }
    assert!(desk.endpoint.counts().client_transactions < 20);
    assert!(desk.sent().len() < 40);
}

#[test]
fn hanging_up_waits_for_a_provisional_response_to_cancel() {
    // RFC 3261 §9.1.
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    let reason = HangUpReason::sip(200, "Call completed elsewhere");
    desk.endpoint.hang_up(desk.now, dialog, Some(reason));
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.receive(&response(&invite, "180 Ringing", "seat", "", ""));
    let cancel = desk.one();
    assert!(cancel.starts_with("CANCEL sip:1001@10.0.0.2:5070 SIP/2.0\r\n"));
    assert_eq!(value(&cancel, "Via"), value(&invite, "Via"));
    assert_eq!(value(&cancel, "CSeq"), "1 CANCEL");
    assert_eq!(value(&cancel, "To"), value(&invite, "To"));
    assert!(value(&cancel, "Reason").contains("cause=200"));
    desk.receive(&response(&cancel, "200 OK", "seat", "", ""));
    desk.receive(&response(&invite, "487 Request Terminated", "seat", "", ""));
    let ack = desk.one();
    assert_eq!(value(&ack, "Via"), value(&invite, "Via"), "§17.1.1.3");
    assert!(value(&ack, "To").ends_with(";tag=seat"));
    assert!(desk.events().is_empty());
    desk.assert_forgets_all();
}

#[test]
fn a_200_that_crosses_our_cancel_is_ended() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    desk.receive(&response(&invite, "180 Ringing", "seat", "", ""));
    desk.events();
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    assert_eq!(method(&desk.one()), "CANCEL");
    desk.receive(&response(&invite, "200 OK", "seat", SEAT, "answer"));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "BYE"));
    assert!(desk.events().is_empty());
    desk.assert_forgets_all();
}

#[test]
fn a_cancelled_invite_without_an_end_is_abandoned() {
    let mut desk = Desk::new();
    let mut call = invitation(udp());
    call.ring_for = Some(ms(20_000));
    let dialog = desk.endpoint.invite(desk.now, call);
    desk.drain();
    let invite = desk.one();
    desk.receive(&response(&invite, "180 Ringing", "seat", "", ""));
    desk.events();
    desk.pass(ms(19_999));
    assert!(desk.sent().is_empty());
    desk.pass(ms(1));
    assert_eq!(method(&desk.one()), "CANCEL");
    assert_eq!(
        desk.event(),
        Event::Refused {
            dialog,
            status: 408,
            retry_after: None,
            contacts: Vec::new(),
        }
    );
    desk.pass(ms(37_000));
    assert!(desk.is_empty(), "§9.1: 64*T1 after the CANCEL");
}

#[test]
fn silence_is_408() {
    for path in [udp(), tcp(0)] {
        let mut desk = Desk::over(path);
        let dialog = desk.endpoint.invite(desk.now, invitation(path));
        desk.drain();
        desk.pass(ms(31_999));
        let expected = if path == udp() { 7 } else { 1 };
        assert_eq!(desk.sent().len(), expected);
        assert!(desk.events().is_empty());
        desk.pass(ms(1));
        assert!(
            matches!(desk.event(), Event::Refused { dialog: d, status: 408, .. } if d == dialog)
        );
        assert!(desk.is_empty());
    }
}

#[test]
fn responses_that_do_not_fit_are_dropped() {
    let mut desk = Desk::new();
    desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    let busy = response(&invite, "486 Busy Here", "seat", "", "");
    let second_via = "Via: SIP/2.0/UDP 10.0.0.9\r\nFrom:";
    for wrong in [
        busy.replace("\r\nFrom:", &format!("\r\n{second_via}")),
        busy.replace(&value(&invite, "Call-ID"), "other"),
        busy.replace("CSeq: 1 INVITE", "CSeq: 2 INVITE"),
        busy.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        busy.replace(
            "From: <sip:12345@10.0.0.1>;tag=",
            "From: <sip:12345@10.0.0.1>;tag=x",
        ),
    ] {
        desk.receive(&wrong);
        assert!(
            desk.sent().is_empty() && desk.events().is_empty(),
            "{wrong}"
        );
    }
    desk.receive(&response(
        &invite,
        "503 Full",
        "seat",
        "Retry-After: 7 (soon)\r\n",
        "",
    ));
    assert!(matches!(
        desk.event(),
        Event::Refused {
            status: 503,
            retry_after: Some(7),
            ..
        }
    ));
}

// ---- challenges

fn with_credentials(realm: Option<&str>) -> Invitation {
    Invitation {
        credentials: Some(Credentials {
            realm: realm.map(Into::into),
            user: "trunk".into(),
            password: "secret".into(),
        }),
        ..invitation(udp())
    }
}

fn challenge(nonce: &str, stale: bool) -> String {
    let stale = if stale { ", stale=true" } else { "" };
    format!(
        "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"{nonce}\", qop=\"auth\"{stale}\r\n"
    )
}

#[test]
fn a_challenge_is_answered_once_and_twice_when_stale() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, with_credentials(None));
    desk.drain();
    let first = desk.one();
    desk.receive(&response(
        &first,
        "407 Who",
        "p",
        &challenge("n1", false),
        "",
    ));
    let sent = desk.sent();
    assert_eq!(method(&sent[0]), "ACK");
    let second = &sent[1];
    assert_eq!(value(second, "CSeq"), "2 INVITE");
    assert_eq!(value(second, "Call-ID"), value(&first, "Call-ID"));
    assert_eq!(value(second, "From"), value(&first, "From"));
    assert!(!value(second, "To").contains("tag="));
    assert!(value(second, "Proxy-Authorization").contains("nonce=\"n1\""));
    assert!(desk.events().is_empty());

    desk.receive(&response(
        second,
        "407 Who",
        "p",
        &challenge("n2", true),
        "",
    ));
    let third = desk.sent().remove(1);
    assert_eq!(value(&third, "CSeq"), "3 INVITE");
    assert!(value(&third, "Proxy-Authorization").contains("nonce=\"n2\""));
    assert_eq!(third.matches("Proxy-Authorization").count(), 1);

    // A challenger without end is no longer answered.
    desk.receive(&response(
        &third,
        "407 Who",
        "p",
        &challenge("n3", true),
        "",
    ));
    assert_eq!(method(&desk.one()), "ACK");
    assert!(matches!(desk.event(), Event::Refused { dialog: d, status: 407, .. } if d == dialog));
    desk.assert_forgets_all();
}

#[test]
fn a_wrong_password_is_not_tried_again() {
    let mut desk = Desk::new();
    desk.endpoint
        .invite(desk.now, with_credentials(Some("carrier")));
    desk.drain();
    let first = desk.one();
    desk.receive(&response(
        &first,
        "407 Who",
        "p",
        &challenge("n1", false),
        "",
    ));
    let second = desk.sent().remove(1);
    desk.receive(&response(
        &second,
        "407 Who",
        "p",
        &challenge("n2", false),
        "",
    ));
    assert!(matches!(desk.event(), Event::Refused { status: 407, .. }));
}

#[test]
fn a_foreign_realm_learns_nothing() {
    let mut desk = Desk::new();
    desk.endpoint
        .invite(desk.now, with_credentials(Some("ours")));
    desk.drain();
    let first = desk.one();
    desk.receive(&response(
        &first,
        "407 Who",
        "p",
        &challenge("n1", false),
        "",
    ));
    assert_eq!(method(&desk.one()), "ACK");
    assert!(matches!(desk.event(), Event::Refused { status: 407, .. }));
}

#[test]
fn credentials_serve_the_whole_dialog() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, with_credentials(None));
    desk.drain();
    let first = desk.one();
    desk.receive(&response(
        &first,
        "407 Who",
        "p",
        &challenge("n1", false),
        "",
    ));
    let second = desk.sent().remove(1);
    desk.receive(&response(&second, "200 OK", "seat", SEAT, "answer"));
    let ack = desk.one();
    assert_eq!(value(&ack, "CSeq"), "2 ACK");
    let proof = "Proxy-Authorization";
    assert_eq!(value(&ack, proof), value(&second, proof), "§22.1");
    desk.events();
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    assert_eq!(value(&bye, "CSeq"), "3 BYE");
    desk.receive(&response(&bye, "407 Who", "", &challenge("n2", false), ""));
    let again = desk.one();
    assert_eq!(value(&again, "CSeq"), "4 BYE");
    assert!(value(&again, proof).contains("n2"));
    desk.receive(&response(&again, "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

// ---- requests outside dialogs

#[test]
fn requests_of_the_peer_go_up_and_are_answered() {
    let mut desk = Desk::new();
    let options = request("OPTIONS", 1, "", "", "");
    desk.receive(&options);
    let Event::Request { id, request, path } = desk.event() else {
        panic!("no request");
    };
    assert_eq!(path, udp());
    let message = request.message().unwrap();
    assert_eq!(message.method().as_bytes(), b"OPTIONS");
    desk.receive(&options);
    assert!(desk.sent().is_empty() && desk.events().is_empty());
    let headers = [("Allow", "INVITE".to_owned())];
    desk.endpoint
        .respond(desk.now, id, 200, &headers, Vec::new());
    desk.endpoint.respond(desk.now, id, 500, &[], Vec::new());
    desk.drain();
    let answer = desk.one();
    assert_eq!(
        (status(&answer), value(&answer, "Allow").as_str()),
        (200, "INVITE")
    );
    desk.receive(&options);
    assert_eq!(desk.one(), answer);
    desk.pass(ms(32_000));
    assert!(desk.is_empty(), "timer J");
}

#[test]
fn a_request_nobody_answers_is_forgotten() {
    let mut desk = Desk::new();
    desk.receive(&request("REGISTER", 1, "", "", ""));
    let Event::Request { id, .. } = desk.event() else {
        panic!("no request");
    };
    desk.pass(ms(32_000));
    assert!(desk.is_empty());
    desk.endpoint.respond(desk.now, id, 200, &[], Vec::new());
    desk.drain();
    assert!(desk.sent().is_empty());
}

#[test]
fn requests_of_ours_are_answered_or_time_out() {
    let options = |path| OutgoingRequest {
        path,
        method: "OPTIONS".into(),
        target: "sip:10.0.0.2:5070".into(),
        from: "<sip:hotline@10.0.0.1>".into(),
        to: "<sip:10.0.0.2>".into(),
        call_id: None,
        cseq: None,
        headers: Vec::new(),
        body: Vec::new(),
        credentials: None,
    };
    let mut desk = Desk::new();
    let id = desk.endpoint.request(desk.now, options(udp()));
    desk.drain();
    let sent = desk.one();
    desk.receive(&response(&sent, "200 OK", "p", "Allow: INVITE\r\n", ""));
    let Event::Response {
        id: answered,
        status: 200,
        message: Some(message),
    } = desk.event()
    else {
        panic!("no response");
    };
    assert_eq!(answered, id);
    assert_eq!(message.message().unwrap().status(), 200);

    desk.endpoint.request(desk.now, options(udp()));
    desk.drain();
    desk.pass(ms(32_000));
    assert_eq!(desk.sent().len(), 11, "timer E");
    assert!(matches!(
        desk.event(),
        Event::Response {
            status: 408,
            message: None,
            ..
        }
    ));

    desk.endpoint.request(desk.now, options(tcp(0)));
    desk.drain();
    desk.endpoint.path_lost(desk.now, tcp(0));
    desk.drain();
    assert!(matches!(desk.event(), Event::Response { status: 503, .. }));
    desk.assert_forgets_all();
}

// ---- paths that break

#[test]
fn a_lost_connection_cancels_what_cannot_be_answered() {
    let mut desk = Desk::over(tcp(4));
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.path_lost(desk.now, tcp(5));
    desk.drain();
    assert!(desk.events().is_empty(), "another connection");
    desk.endpoint.path_lost(desk.now, tcp(4));
    desk.drain();
    assert_eq!(desk.event(), Event::Cancelled { dialog });
    assert!(desk.is_empty());
}

#[test]
fn a_dialog_outlives_its_connection() {
    let mut desk = Desk::over(tcp(4));
    let text = invite().replace("10.0.0.2:5070>\r\n", "10.0.0.2:5070;transport=tcp>\r\n");
    desk.receive(&text);
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&ack(1, &ours, ""));
    desk.events();
    desk.endpoint.path_lost(desk.now, tcp(4));
    desk.drain();
    assert!(desk.events().is_empty());
    desk.endpoint.hang_up(desk.now, dialog, None);
    let Some(Output::Transmit { path, .. }) = desk.endpoint.poll_output() else {
        panic!("no BYE");
    };
    assert_eq!(path, tcp(0), "any connection to where its Contact points");
    desk.endpoint.path_lost(desk.now, tcp(0));
    desk.drain();
    desk.assert_forgets_all();
}

#[test]
fn an_unreachable_phone_is_503_at_once() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    desk.endpoint.path_lost(desk.now, udp());
    desk.drain();
    assert!(matches!(desk.event(), Event::Refused { dialog: d, status: 503, .. } if d == dialog));
    assert!(desk.is_empty());
}

#[test]
fn a_lost_path_ends_a_dialog_that_needs_it() {
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    desk.drain();
    desk.endpoint.path_lost(desk.now, udp());
    desk.drain();
    assert_eq!(
        desk.event(),
        Event::Ended {
            dialog,
            why: EndedBy::PathLost,
            reason: None
        }
    );
    desk.assert_forgets_all();
    assert!(desk.events().is_empty());
}

// ---- nothing from outside can break it

/// Valid messages of every kind, about dialogs that exist and that do not.
fn some_messages() -> Vec<String> {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    let mut messages: Vec<String> = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"]
        .iter()
        .chain(&["INFO", "UPDATE", "PRACK", "REFER", "DANCE"])
        .flat_map(|method| {
            [
                request(method, 1, "", CONTACT, "offer"),
                request(method, 2, &ours, CONTACT, "offer"),
            ]
        })
        .collect();
    messages.push(invite_with("Require: 100rel, timer\r\nx: 91\r\n", "offer"));
    desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    for status in [
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "302 Moved",
        "407 Who",
        "491 Later",
    ] {
        messages.push(response(&invite, status, "seat", SEAT, "answer"));
    }
    let reliable = format!("{SEAT}Require: 100rel\r\nRSeq: 1\r\nAllow: UPDATE\r\n");
    for fork in ["seat", "other"] {
        messages.push(response(&invite, "183 Early", fork, &reliable, "early"));
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for path in [udp(), tcp(1)] {
            let mut desk = Desk::over(path);
            desk.endpoint.receive(desk.now, path, &bytes);
            while desk.endpoint.poll_output().is_some() {}
        }
    }

    /// Valid messages with bytes changed, cut and repeated, in any order, to an endpoint in the
    /// middle of its work, with time passing: no panic, and in the end nothing is kept that the
    /// user has not been told of.
    #[test]
    fn broken_messages_never_panic(
        seed in proptest::collection::vec((0usize..31, 0usize..600, any::<u8>(), 0u8..6, 0u64..3_000), 1..40)
    ) {
        let messages = some_messages();
        let mut desk = Desk::new();
        let (_, _) = desk.answered(1);
        desk.endpoint.invite(desk.now, with_credentials(None));
        desk.drain();
        for (which, at, byte, how, wait) in seed {
            let mut bytes = messages[which % messages.len()].clone().into_bytes();
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail);
                }
                3 => {
                    bytes.remove(at);
                }
                _ => {}
            }
            desk.endpoint.receive(desk.now, udp(), &bytes);
            while let Some(output) = desk.endpoint.poll_output() {
                match output {
                    Output::Transmit { bytes, .. } => {
                        // An answer to what is broken may lack what could not be read.
                        let refusal = [b"SIP/2.0 4", b"SIP/2.0 5"].iter().any(|start| bytes.starts_with(*start));
                        prop_assert!(refusal || Message::parse(&bytes, Framing::Datagram).is_ok());
                    }
                    Output::Event(Event::Invited { dialog, .. }) => {
                        if byte % 2 == 0 {
                            desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
                        }
                        match byte % 5 {
                            3 => desk.endpoint.reoffer(desk.now, dialog, b"more".to_vec()),
                            4 => {}
                            0 => desk.endpoint.answer(desk.now, dialog, b"a".to_vec()),
                            1 => desk.endpoint.reject(desk.now, dialog, 486, &[]),
                            _ => desk.endpoint.hang_up(desk.now, dialog, None),
                        }
                    }
                    Output::Event(Event::Reoffered { dialog, body }) => {
                        desk.endpoint.answer_offer(desk.now, dialog, body);
                    }
                    Output::Event(_) | Output::ClosePath(_) => {}
                }
            }
            desk.pass(ms(wait));
        }
        for dialog in 0..60 {
            desk.endpoint.hang_up(desk.now, DialogId(dialog), None);
        }
        desk.drain();
        desk.pass(Duration::from_secs(400));
        prop_assert!(desk.is_empty(), "{:?}", desk.endpoint.counts());
    }
}
