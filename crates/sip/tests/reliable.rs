//! Reliable provisional responses (RFC 3262), in both roles, against a scripted peer.

#![cfg(test)]

mod support;

use std::time::Duration;

use hotline_sip::endpoint::{Credentials, EndedBy, Event, Invitation, Output};
use support::*;

const REQUIRED: &str = "Require: 100rel\r\n";
const SUPPORTED: &str = "Supported: 100rel\r\n";

// ---- we answer

#[test]
fn what_the_peer_requires_is_repeated_until_504() {
    // §3: T1 doubling, not held at T2, for 64*T1; then the INVITE gets a 5xx. On every transport.
    for path in [udp(), tcp(3)] {
        let mut desk = Desk::over(path);
        desk.receive(&invite_with(REQUIRED, "offer"));
        let dialog = desk.invited();
        desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
        desk.drain();
        let ringing = desk.one();
        assert_eq!(value(&ringing, "Require"), "100rel");
        let rseq: u32 = value(&ringing, "RSeq").parse().unwrap();
        assert!((1..1 << 31).contains(&rseq), "§3");
        assert!(
            ringing.contains("\r\nContact: "),
            "§12.1.1: it makes a dialog"
        );
        let mut times = Vec::new();
        for tick in 1..640 {
            desk.pass(ms(50));
            for sent in desk.sent() {
                assert_eq!(sent, ringing);
                times.push(tick * 50);
            }
        }
        assert_eq!(times, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        desk.pass(ms(50));
        assert_eq!(status(&desk.one()), 504);
        assert_eq!(desk.event(), Event::Cancelled { dialog });
        desk.receive(&request("ACK", 1, &tag(&value(&ringing, "To")), "", ""));
        desk.assert_forgets_all();
    }
}

#[test]
fn one_waits_for_the_prack_of_the_one_before() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(REQUIRED, "offer"));
    let dialog = desk.invited();
    for (status, body) in [(180, ""), (183, "early"), (181, "again")] {
        desk.endpoint
            .ring(desk.now, dialog, status, body.as_bytes().to_vec());
    }
    desk.drain();
    let first = desk.one();
    let rseq: u32 = value(&first, "RSeq").parse().unwrap();
    let wrong = prack(2, &first, "").replace(&rseq.to_string(), &(rseq ^ 1).to_string());
    desk.receive(&wrong);
    assert_eq!(status(&desk.one()), 481);
    let other = prack(3, &first, "").replace(" 1 INVITE\r\n", " 1 UPDATE\r\n");
    desk.receive(&other);
    assert_eq!(status(&desk.one()), 481);
    desk.receive(&request(
        "PRACK",
        4,
        &tag(&value(&first, "To")),
        "RAck: x\r\n",
        "",
    ));
    assert_eq!(status(&desk.one()), 400);

    desk.receive(&prack(5, &first, ""));
    let sent = desk.sent();
    assert_eq!(statuses(&sent), [200, 183]);
    let second = &sent[1];
    assert_eq!(body(second), "early");
    let number = |text: &str| value(text, "RSeq").parse::<u32>().unwrap();
    assert_eq!(number(second), number(&first) + 1);
    desk.receive(&prack(5, &first, ""));
    assert_eq!(desk.one(), sent[0], "a retransmission");

    desk.receive(&prack(6, second, ""));
    let third = desk.sent().remove(1);
    assert_eq!(status(&third), 181);
    assert_eq!(body(&third), "", "the answer was given");
    desk.receive(&prack(7, &third, ""));
    desk.sent();
    desk.pass(ms(31_000));
    assert!(desk.sent().is_empty() && desk.events().is_empty());
    desk.receive(&request("CANCEL", 1, "", "", ""));
    assert_eq!(desk.event(), Event::Cancelled { dialog });
    desk.assert_forgets_all();
}

#[test]
fn more_than_can_wait_are_not_sent() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(REQUIRED, "offer"));
    let dialog = desk.invited();
    for _ in 0..100 {
        desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    }
    desk.drain();
    let mut sent = 0;
    let mut last = desk.one();
    for number in 2..100 {
        sent += 1;
        desk.receive(&prack(number, &last, ""));
        match desk.sent().get(1) {
            Some(next) => last = next.clone(),
            None => break,
        }
    }
    assert_eq!(sent, 9, "the first, and eight that waited");
}

#[test]
fn the_200_waits_for_the_prack_of_an_answer() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(SUPPORTED, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
    desk.drain();
    let early = desk.one();
    assert_eq!(value(&early, "Require"), "100rel");
    desk.endpoint.answer(desk.now, dialog, b"early".to_vec());
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.receive(&prack(2, &early, ""));
    let sent = desk.sent();
    assert_eq!(statuses(&sent), [200, 200]);
    assert_eq!(value(&sent[0], "CSeq"), "2 PRACK");
    assert_eq!(value(&sent[1], "CSeq"), "1 INVITE");
    assert_eq!(body(&sent[1]), "", "RFC 6337 §3.1.1");
    let ours = tag(&value(&early, "To"));
    desk.receive(&ack(1, &ours, ""));
    assert!(matches!(desk.event(), Event::Acknowledged { .. }));
    desk.receive(&request("BYE", 3, &ours, "", ""));
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
fn a_200_may_overtake_what_says_nothing_of_the_session() {
    // §3: the provisional response is repeated no more, but its PRACK is still welcome.
    let mut desk = Desk::new();
    desk.receive(&invite_with(REQUIRED, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ringing = desk.one();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    assert_eq!(body(&desk.one()), "answer");
    desk.receive(&ack(1, &tag(&value(&ringing, "To")), ""));
    desk.pass(ms(40_000));
    assert!(desk.sent().is_empty());
    desk.receive(&prack(2, &ringing, ""));
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&prack(3, &ringing, ""));
    assert_eq!(status(&desk.one()), 481, "once");
}

#[test]
fn ringing_alone_is_not_worth_a_prack() {
    for (lines, body) in [(SUPPORTED, ""), ("", "early")] {
        let mut desk = Desk::new();
        desk.receive(&invite_with(lines, "offer"));
        let dialog = desk.invited();
        desk.endpoint
            .ring(desk.now, dialog, 183, body.as_bytes().to_vec());
        desk.drain();
        let sent = desk.one();
        assert!(
            !sent.contains("RSeq") && !sent.contains("Require"),
            "{sent}"
        );
        assert!(sent.ends_with(body));
        desk.pass(ms(31_000));
        assert!(desk.sent().is_empty());
    }
}

#[test]
fn an_early_offer_is_answered_in_prack() {
    // §5: the INVITE has no offer, so the first reliable response may.
    let mut desk = Desk::new();
    desk.receive(&invite_with(SUPPORTED, ""));
    let dialog = desk.invited();
    desk.endpoint
        .ring(desk.now, dialog, 183, b"our offer".to_vec());
    desk.drain();
    let early = desk.one();
    let ours = tag(&value(&early, "To"));
    // RFC 3311 §5.2: ours has no answer yet.
    desk.receive(&request("UPDATE", 2, &ours, CONTACT, "theirs"));
    assert_eq!(status(&desk.one()), 491);
    desk.receive(&prack(3, &early, "their answer"));
    assert_eq!(status(&desk.one()), 200);
    assert_eq!(
        desk.event(),
        Event::ReofferAnswered {
            dialog,
            body: b"their answer".to_vec()
        }
    );
    desk.endpoint
        .answer(desk.now, dialog, b"our offer".to_vec());
    desk.drain();
    assert_eq!(body(&desk.one()), "");
    desk.receive(&ack(1, &ours, ""));
    assert!(matches!(desk.event(), Event::Acknowledged { body, .. } if body.is_empty()));
}

#[test]
fn an_offer_without_an_answer_is_made_again() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(SUPPORTED, ""));
    let dialog = desk.invited();
    desk.endpoint
        .ring(desk.now, dialog, 183, b"our offer".to_vec());
    desk.drain();
    let early = desk.one();
    desk.receive(&prack(2, &early, ""));
    assert_eq!(status(&desk.one()), 200);
    desk.endpoint
        .answer(desk.now, dialog, b"our offer".to_vec());
    desk.drain();
    assert_eq!(body(&desk.one()), "our offer");
    desk.receive(&ack(1, &tag(&value(&early, "To")), "their answer"));
    assert!(matches!(desk.event(), Event::Acknowledged { body, .. } if body == b"their answer"));
}

#[test]
fn an_offer_waits_for_the_200_where_nothing_is_reliable() {
    // RFC 3261 §13.2.1: an offer stands in a reliable response.
    let mut desk = Desk::new();
    desk.receive(&invite_with("", ""));
    let dialog = desk.invited();
    desk.endpoint
        .ring(desk.now, dialog, 183, b"our offer".to_vec());
    desk.drain();
    assert_eq!(body(&desk.one()), "");
}

#[test]
fn a_prack_may_bring_an_offer() {
    // §5; and the INVITE's 200 waits until it is answered.
    let mut desk = Desk::new();
    desk.receive(&invite_with(SUPPORTED, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
    desk.drain();
    let early = desk.one();
    desk.receive(&prack(2, &early, "second offer"));
    assert!(desk.sent().is_empty());
    assert_eq!(
        desk.event(),
        Event::Reoffered {
            dialog,
            body: b"second offer".to_vec()
        }
    );
    desk.pass(ms(1_000));
    assert!(desk.sent().is_empty(), "it is acknowledged");
    desk.endpoint.answer(desk.now, dialog, b"early".to_vec());
    desk.drain();
    assert!(desk.sent().is_empty());
    desk.endpoint
        .answer_offer(desk.now, dialog, b"second answer".to_vec());
    desk.drain();
    let sent = desk.sent();
    assert_eq!(statuses(&sent), [200, 200]);
    assert_eq!(value(&sent[0], "CSeq"), "2 PRACK");
    assert_eq!(body(&sent[0]), "second answer");
    assert_eq!(value(&sent[1], "CSeq"), "1 INVITE");
}

#[test]
fn a_200_that_waits_for_a_prack_waits_for_its_offer_too() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(SUPPORTED, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
    desk.endpoint.answer(desk.now, dialog, b"early".to_vec());
    desk.drain();
    let early = desk.one();
    desk.receive(&prack(2, &early, "second offer"));
    assert!(desk.sent().is_empty());
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    desk.endpoint.refuse_offer(desk.now, dialog, 488);
    desk.drain();
    assert_eq!(statuses(&desk.sent()), [488, 200]);
}

#[test]
fn a_prack_that_was_overtaken_counts() {
    let mut desk = Desk::new();
    desk.receive(&invite_with(REQUIRED, "offer"));
    let dialog = desk.invited();
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ringing = desk.one();
    desk.receive(&request(
        "UPDATE",
        3,
        &tag(&value(&ringing, "To")),
        CONTACT,
        "",
    ));
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&prack(2, &ringing, ""));
    assert_eq!(status(&desk.one()), 200);
}

#[test]
fn a_refusal_ends_the_repetition() {
    for how in 0..4 {
        let mut desk = Desk::new();
        desk.receive(&invite_with(REQUIRED, "offer"));
        let dialog = desk.invited();
        desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
        desk.drain();
        let early = desk.one();
        let ours = tag(&value(&early, "To"));
        match how {
            0 => desk.endpoint.reject(desk.now, dialog, 486, &[]),
            1 => desk.endpoint.hang_up(desk.now, dialog, None),
            2 => desk.receive(&request("CANCEL", 1, "", "", "")),
            _ => desk.receive(&request("BYE", 2, &ours, "", "")),
        }
        desk.drain();
        assert!(status(desk.sent().last().unwrap()) >= 480);
        desk.receive(&request("ACK", 1, &ours, "", ""));
        desk.receive(&prack(3, &early, ""));
        assert_eq!(status(&desk.one()), 481);
        desk.assert_forgets_all();
        assert!(desk.sent().is_empty());
    }
}

// ---- we call

fn reliable(rseq: u32) -> String {
    format!("{SEAT}Require: 100rel\r\nRSeq: {rseq}\r\nAllow: INVITE, PRACK, UPDATE\r\n")
}

fn calling(desk: &mut Desk) -> (hotline_sip::endpoint::DialogId, String) {
    let dialog = desk.endpoint.invite(desk.now, invitation(desk.path));
    desk.drain();
    (dialog, desk.one())
}

#[test]
fn a_reliable_response_is_acknowledged_once() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling(&mut desk);
    assert_eq!(
        value(&invite, "Supported"),
        "100rel, timer, replaces, norefersub, tdialog"
    );
    let routes = "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n";
    let early = response(
        &invite,
        "183 Session Progress",
        "seat",
        &format!("{}{routes}", reliable(70)),
        "early",
    );
    desk.receive(&early);
    let prack = desk.one();
    assert!(prack.starts_with("PRACK sip:1001@10.0.0.2:5070 SIP/2.0\r\n"));
    assert_eq!(value(&prack, "RAck"), "70 1 INVITE");
    assert_eq!(value(&prack, "CSeq"), "2 PRACK");
    assert!(value(&prack, "To").ends_with(";tag=seat"));
    assert!(prack.find("Route: <sip:p2;lr>") < prack.find("Route: <sip:p1;lr>"));
    let expected = Event::Ringing {
        dialog,
        status: 183,
        body: b"early".to_vec(),
    };
    assert_eq!(desk.event(), expected);
    desk.receive(&early);
    desk.receive(&early.replace("RSeq: 70", "RSeq: 72"));
    desk.receive(&early.replace("RSeq: 70", "RSeq: 69"));
    assert!(desk.sent().is_empty(), "§4: only the next in order");
    assert!(desk.events().is_empty());
    desk.pass(ms(500));
    assert_eq!(desk.one(), prack, "timer E");
    desk.receive(&response(&prack, "200 OK", "", "", ""));

    desk.receive(&response(&invite, "180 Ringing", "seat", &reliable(71), ""));
    let second = desk.one();
    assert_eq!(value(&second, "RAck"), "71 1 INVITE");
    assert_eq!(value(&second, "CSeq"), "3 PRACK");
    desk.events();
    desk.receive(&response(&second, "481 Gone", "", "", ""));
    assert!(desk.events().is_empty(), "the INVITE's own answer counts");

    desk.receive(&response(&invite, "200 OK", "seat", "", ""));
    assert_eq!(method(&desk.one()), "ACK");
    assert_eq!(
        desk.event(),
        Event::Answered {
            dialog,
            body: b"early".to_vec()
        },
        "the answer, though the 200 has none"
    );
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    assert_eq!(value(&bye, "CSeq"), "4 BYE", "the sequence goes on");
    assert!(bye.starts_with("BYE sip:1001@10.0.0.2:5070 "));
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

#[test]
fn what_the_200_says_of_the_session_counts() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling(&mut desk);
    for (rseq, said) in [(1, "early"), (2, "other")] {
        desk.receive(&response(
            &invite,
            "183 Progress",
            "seat",
            &reliable(rseq),
            said,
        ));
        let prack = desk.one();
        assert_eq!(body(&prack), "", "an answer is not answered");
        assert!(matches!(desk.event(), Event::Ringing { body, .. } if body == said.as_bytes()));
    }
    desk.receive(&response(&invite, "200 OK", "seat", SEAT, "last"));
    assert_eq!(
        desk.event(),
        Event::Answered {
            dialog,
            body: b"last".to_vec()
        }
    );
}

#[test]
fn each_fork_has_its_own_sequence() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling(&mut desk);
    let at = |host: &str| format!("Contact: <sip:1001@{host}>\r\n");
    for (tag, rseq) in [("one", 100), ("two", 7), ("one", 101), ("one", 102)] {
        let lines = format!(
            "{}Require: 100rel\r\nRSeq: {rseq}\r\n",
            at(&format!("{tag}.example"))
        );
        desk.receive(&response(&invite, "183 Progress", tag, &lines, tag));
        let prack = desk.one();
        assert!(value(&prack, "To").ends_with(&format!(";tag={tag}")));
        assert!(prack.starts_with(&format!("PRACK sip:1001@{tag}.example ")));
        assert_eq!(value(&prack, "RAck"), format!("{rseq} 1 INVITE"));
        desk.receive(&response(&prack, "200 OK", "", "", ""));
    }
    desk.events();
    desk.receive(&response(&invite, "200 OK", "two", "", ""));
    assert_eq!(method(&desk.one()), "ACK");
    assert_eq!(
        desk.event(),
        Event::Answered {
            dialog,
            body: b"two".to_vec()
        }
    );
    // RFC 3261 §13.2.2.4; its BYE comes after its PRACKs.
    desk.receive(&response(&invite, "200 OK", "one", "", ""));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "BYE"));
    assert_eq!(value(&sent[1], "CSeq"), "5 BYE");
    assert!(sent[1].starts_with("BYE sip:1001@one.example "));
}

#[test]
fn a_prack_goes_by_the_connection_the_response_came_by() {
    let mut desk = Desk::over(tcp(0));
    let (_, invite) = calling(&mut desk);
    for connection in [4, 5] {
        let early = response(&invite, "183 Progress", "seat", &reliable(connection), "x");
        desk.endpoint
            .receive(desk.now, tcp(connection.into()), early.as_bytes());
        let Some(Output::Transmit { path, .. }) = desk.endpoint.poll_output() else {
            panic!("no PRACK");
        };
        assert_eq!(path, tcp(connection.into()));
        desk.drain();
    }
}

#[test]
fn forks_without_end_are_not_acknowledged() {
    let mut desk = Desk::new();
    let (_, invite) = calling(&mut desk);
    for n in 0..100 {
        let fork = format!("f{n}");
        desk.receive(&response(&invite, "183 Progress", &fork, &reliable(1), "x"));
    }
    assert_eq!(desk.sent().len(), 8);
    assert!(desk.endpoint.counts().client_transactions < 10);
}

#[test]
fn a_prack_answers_a_challenge() {
    let mut desk = Desk::new();
    let call = Invitation {
        credentials: Some(Credentials {
            realm: None,
            user: "trunk".into(),
            password: "secret".into(),
        }),
        ..invitation(udp())
    };
    desk.endpoint.invite(desk.now, call);
    desk.drain();
    let invite = desk.one();
    desk.receive(&response(
        &invite,
        "183 Progress",
        "seat",
        &reliable(5),
        "x",
    ));
    let prack = desk.one();
    let challenge = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth\"\r\n";
    desk.receive(&response(&prack, "407 Who", "", challenge, ""));
    let again = desk.one();
    assert_eq!(value(&again, "CSeq"), "3 PRACK");
    assert_eq!(value(&again, "RAck"), "5 1 INVITE");
    assert!(value(&again, "Proxy-Authorization").contains("nonce=\"n\""));
}

#[test]
fn a_call_given_up_is_cancelled_not_acknowledged() {
    let mut desk = Desk::new();
    let (dialog, invite) = calling(&mut desk);
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    desk.receive(&response(
        &invite,
        "183 Progress",
        "seat",
        &reliable(5),
        "x",
    ));
    assert_eq!(method(&desk.one()), "CANCEL");
    assert!(desk.events().is_empty());
    desk.receive(&response(&invite, "487 Terminated", "seat", "", ""));
    desk.pass(Duration::from_secs(40));
    desk.assert_forgets_all();
}
