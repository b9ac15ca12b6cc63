//! Calls that come.

use hotline_sip::endpoint::{EndedBy, Event, HangUpReason};

use crate::support::*;

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
