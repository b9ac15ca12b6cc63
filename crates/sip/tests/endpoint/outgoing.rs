//! Calls that go out: forks, CANCEL, silence.

use hotline_sip::endpoint::{Event, HangUpReason};

use crate::support::*;

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
