//! Challenges, and who is told what.

use hotline_sip::endpoint::{Credentials, Event, Invitation};

use crate::support::*;

pub fn with_credentials(realm: Option<&str>) -> Invitation {
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
