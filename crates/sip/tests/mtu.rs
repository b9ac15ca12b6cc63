//! Requests too long for a datagram (RFC 3261 §18.1.1).

#![cfg(test)]

mod support;

use std::time::Duration;

use hotline_model::limits;
use hotline_sip::endpoint::{DialogId, Event, Invitation, OutgoingRequest};
use support::*;

const NO_CONNECTION: u64 = 0;

/// An INVITE that is too long for a datagram.
fn long() -> Invitation {
    let mut invitation = invitation(udp());
    invitation.body = vec![b'v'; limits::SIP_DATAGRAM_REQUEST_BYTES];
    invitation
}

fn call(desk: &mut Desk) -> DialogId {
    desk.endpoint.invite(desk.now, long())
}

fn branch(message: &str) -> String {
    let via = value(message, "Via");
    via.split("branch=").nth(1).unwrap().to_owned()
}

#[test]
fn a_long_invite_and_its_dialog_go_by_tcp() {
    let mut desk = Desk::untimed();
    let dialog = call(&mut desk);
    let (path, invite) = desk.one_by();
    assert_eq!(
        path,
        tcp(NO_CONNECTION),
        "any connection, opened where there is none"
    );
    assert!(value(&invite, "Via").starts_with("SIP/2.0/TCP 10.0.0.1:5060;"));
    assert_eq!(
        value(&invite, "Contact"),
        "<sip:hotline@10.0.0.1:5060;transport=tcp>"
    );
    desk.receive_by(tcp(4), &response(&invite, "100 Trying", "", "", ""));
    desk.pass(Duration::from_secs(60));
    assert_eq!(
        desk.sent(),
        [""; 0],
        "a stream repeats nothing, and there was a response"
    );
    desk.receive_by(tcp(4), &response(&invite, "200 OK", "seat", SEAT, "answer"));
    let (path, ack) = desk.one_by();
    assert_eq!((path, method(&ack)), (tcp(4), "ACK"));
    desk.events();
    desk.endpoint.hang_up(desk.now, dialog, None);
    let (path, bye) = desk.one_by();
    assert_eq!((path, method(&bye)), (tcp(4), "BYE"));
    desk.receive_by(tcp(4), &response(&bye, "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

#[test]
fn the_longest_datagram_is_as_long_as_the_settings_say() {
    for extra in [0, 1] {
        let mut desk = Desk::untimed();
        desk.endpoint.invite(desk.now, invitation(udp()));
        let usual = desk.one().len();
        let mut exact = invitation(udp());
        // The length of the body takes three digits more than before.
        let more = limits::SIP_DATAGRAM_REQUEST_BYTES - usual - 2 + extra;
        exact.body = vec![b'v'; exact.body.len() + more];
        desk.endpoint.invite(desk.now, exact);
        let (path, sent) = desk.one_by();
        if extra == 0 {
            assert_eq!(sent.len(), limits::SIP_DATAGRAM_REQUEST_BYTES);
            assert_eq!(path, udp());
        } else {
            assert_eq!(path, tcp(NO_CONNECTION));
        }
    }
    let mut never = untimed();
    never.datagram_bytes = usize::MAX;
    let mut desk = Desk::with(never, udp());
    call(&mut desk);
    assert_eq!(desk.one_by().0, udp());
}

#[test]
fn what_cannot_be_sent_by_tcp_goes_as_a_datagram() {
    let mut desk = Desk::untimed();
    let dialog = call(&mut desk);
    let first = desk.one();
    desk.lost(tcp(9));
    let (path, again) = desk.one_by();
    assert_eq!(path, udp());
    assert_ne!(branch(&again), branch(&first));
    for same in ["Call-ID", "From", "CSeq", "Content-Length"] {
        assert_eq!(value(&again, same), value(&first, same));
    }
    assert_eq!(value(&again, "Contact"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(desk.events(), []);
    desk.pass(Duration::from_millis(500));
    assert_eq!(desk.one(), again, "a datagram is repeated");
    desk.receive(&response(&again, "200 OK", "seat", SEAT, "answer"));
    assert!(matches!(desk.event(), Event::Answered { dialog: d, .. } if d == dialog));
    assert_eq!(desk.one_by().0, udp());

    // The next call does not pay again, until the peer is forgotten.
    call(&mut desk);
    assert_eq!(desk.one_by().0, udp());
    desk.pass(Duration::from_secs(limits::SIP_DATAGRAM_ONLY_S));
    desk.sent();
    call(&mut desk);
    assert_eq!(desk.one_by().0, tcp(NO_CONNECTION));
}

#[test]
fn a_silent_connection_is_given_up_soon() {
    let mut desk = Desk::untimed();
    call(&mut desk);
    desk.sent();
    desk.pass(Duration::from_secs(limits::SIP_OPENING_S) - Duration::from_millis(1));
    assert_eq!(desk.sent(), [""; 0]);
    desk.pass(Duration::from_millis(1));
    let (path, again) = desk.one_by();
    assert_eq!((path, method(&again)), (udp(), "INVITE"));
    desk.receive(&response(&again, "486 Busy Here", "seat", "", ""));
    assert!(matches!(desk.event(), Event::Refused { status: 486, .. }));
    assert_eq!(method(&desk.one()), "ACK");
    desk.assert_forgets_all();
}

#[test]
fn a_connection_lost_after_a_response_is_no_reason_to_ask_twice() {
    let mut desk = Desk::untimed();
    call(&mut desk);
    let invite = desk.one();
    desk.receive_by(tcp(4), &response(&invite, "180 Ringing", "seat", SEAT, ""));
    desk.events();
    desk.lost(tcp(4));
    assert_eq!(desk.sent(), [""; 0]);
    assert!(matches!(desk.event(), Event::Refused { status: 503, .. }));
}

#[test]
fn a_call_given_up_meanwhile_is_not_made_again() {
    let mut desk = Desk::untimed();
    let dialog = call(&mut desk);
    desk.sent();
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.lost(tcp(9));
    assert_eq!(desk.sent(), [""; 0]);
    desk.assert_forgets_all();
}

#[test]
fn a_cancel_follows_its_invite() {
    let mut desk = Desk::untimed();
    let dialog = call(&mut desk);
    let invite = desk.one();
    desk.receive_by(tcp(4), &response(&invite, "180 Ringing", "seat", SEAT, ""));
    desk.events();
    desk.endpoint.hang_up(desk.now, dialog, None);
    let (path, cancel) = desk.one_by();
    assert_eq!(
        (path.transport, method(&cancel)),
        (tcp(0).transport, "CANCEL")
    );
    assert_eq!(value(&cancel, "Via"), value(&invite, "Via"));
}

#[test]
fn a_long_request_within_a_dialog_gets_a_new_number() {
    // What was lost may have been read: the same number again would be out of order.
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    let offer = long().body;
    desk.endpoint.reoffer(desk.now, dialog, offer);
    let (path, first) = desk.one_by();
    assert_eq!((path, method(&first)), (tcp(NO_CONNECTION), "INVITE"));
    assert_eq!(value(&first, "CSeq"), "2 INVITE");
    desk.lost(tcp(9));
    let (path, again) = desk.one_by();
    assert_eq!(path, udp());
    assert_eq!(value(&again, "CSeq"), "3 INVITE");
    desk.receive(&response(&again, "200 OK", "", SEAT, "answer"));
    assert!(matches!(desk.event(), Event::ReofferAnswered { .. }));
    assert_eq!(value(&desk.one(), "CSeq"), "3 ACK");
}

#[test]
fn answers_and_requests_over_streams_stay_where_they_are() {
    let mut desk = Desk::untimed();
    let (_, asked) = desk.connected();
    desk.receive(&from_seat(&asked, "INVITE", 1, SEAT, "offer"));
    let Event::Reoffered { dialog, .. } = desk.event() else {
        panic!("no offer");
    };
    desk.endpoint.answer_offer(desk.now, dialog, long().body);
    let (path, ok) = desk.one_by();
    assert_eq!((path, status(&ok)), (udp(), 200));
    // Over a stream length is nothing.
    let mut over = long();
    over.path = tcp(7);
    desk.endpoint.invite(desk.now, over);
    assert_eq!(desk.one_by().0, tcp(7));
}

#[test]
fn a_long_request_outside_dialogs_falls_back_too() {
    let mut desk = Desk::untimed();
    let id = desk.endpoint.request(
        desk.now,
        OutgoingRequest {
            path: udp(),
            method: "OPTIONS".into(),
            target: "sip:10.0.0.2:5070".into(),
            from: "<sip:hotline@10.0.0.1>".into(),
            to: "<sip:10.0.0.2>".into(),
            call_id: None,
            cseq: None,
            headers: vec![(
                "X-Long".into(),
                "x".repeat(limits::SIP_DATAGRAM_REQUEST_BYTES),
            )],
            body: Vec::new(),
            credentials: None,
        },
    );
    assert_eq!(desk.one_by().0, tcp(NO_CONNECTION));
    desk.lost(tcp(9));
    let (path, again) = desk.one_by();
    assert_eq!(path, udp());
    assert!(header(&again, "X-Long").is_some());
    desk.receive(&response(&again, "200 OK", "", "", ""));
    assert!(matches!(desk.event(), Event::Response { id: i, status: 200, .. } if i == id));
    desk.assert_forgets_all();
}
