//! Redirections (RFC 3261 §8.1.3.4) and calls that come back (RFC 3261 §8.1.1.6, RFC 7332).

#![cfg(test)]

mod support;

use hotline_model::limits;
use hotline_sip::endpoint::Event;
use support::*;

#[test]
fn a_redirection_is_told_by_preference_and_not_followed() {
    let mut desk = Desk::untimed();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    let asked = desk.one();
    let lines = "Contact: <sip:third@h;x=1>;q=0.3, \"B\" <sip:first@h>\r\n\
                 Contact: <mailto:a@h>, <tel:+861>;q=1.0\r\n\
                 Contact: <sip:last@h>;q=0\r\nRetry-After: 5\r\n";
    desk.receive(&response(
        &asked,
        "302 Moved Temporarily",
        "seat",
        lines,
        "",
    ));
    assert_eq!(
        desk.event(),
        Event::Refused {
            dialog,
            status: 302,
            retry_after: Some(5),
            contacts: ["sip:first@h", "tel:+861", "sip:third@h;x=1", "sip:last@h"]
                .map(String::from)
                .into(),
        }
    );
    assert_eq!(method(&desk.one()), "ACK", "and no new INVITE");
    desk.assert_forgets_all();
}

#[test]
fn a_redirection_has_so_many_contacts() {
    let mut desk = Desk::untimed();
    desk.endpoint.invite(desk.now, invitation(udp()));
    let asked = desk.one();
    let many: String = (0..20)
        .map(|at| format!("Contact: <sip:{at}@h>\r\n"))
        .collect();
    desk.receive(&response(&asked, "300 Multiple Choices", "seat", &many, ""));
    let Event::Refused { contacts, .. } = desk.event() else {
        panic!("not refused");
    };
    assert_eq!(contacts.len(), limits::SIP_REDIRECT_CONTACTS);
    assert_eq!(contacts[0], "sip:0@h");
}

#[test]
fn a_refusal_names_nobody() {
    let mut desk = Desk::untimed();
    desk.endpoint.invite(desk.now, invitation(udp()));
    let asked = desk.one();
    let lines = "Contact: <sip:other@h>\r\n";
    desk.receive(&response(&asked, "486 Busy Here", "seat", lines, ""));
    assert!(matches!(desk.event(), Event::Refused { contacts, .. } if contacts.is_empty()));
}

#[test]
fn hops_are_counted_down() {
    for (wanted, sent) in [
        (None, "70"),
        (Some(12), "12"),
        (Some(0), "0"),
        (Some(999), "255"),
    ] {
        let mut desk = Desk::untimed();
        let mut forwarded = invitation(udp());
        forwarded.max_forwards = wanted;
        let dialog = desk.endpoint.invite(desk.now, forwarded);
        let asked = desk.one();
        assert_eq!(value(&asked, "Max-Forwards"), sent);
        // What belongs to it has as many (§9.1).
        desk.receive(&response(&asked, "180 Ringing", "seat", "", ""));
        desk.endpoint.hang_up(desk.now, dialog, None);
        assert_eq!(value(&desk.one(), "Max-Forwards"), sent);
    }
}

#[test]
fn a_call_without_hops_left_is_refused() {
    let none_left = |text: String| text.replace("Max-Forwards: 70", "Max-Forwards: 0");
    let mut desk = Desk::untimed();
    desk.receive(&none_left(invite()));
    assert_eq!(status(&desk.one()), 483);
    assert_eq!(desk.events(), []);
    assert!(desk.is_empty(), "without state");
    // Who is meant answers, however far it was (§11).
    desk.receive(&none_left(request("OPTIONS", 2, "", "", "")));
    assert!(matches!(desk.event(), Event::Request { .. }));
    // And within a call nothing is forwarded.
    let (_, ours) = desk.answered(3);
    let bye = none_left(for_call(3, &request("BYE", 2, &ours, "", "")));
    desk.receive(&bye);
    assert_eq!(status(&desk.one()), 200);
}

#[test]
fn a_call_of_ours_that_comes_back_is_a_loop() {
    let mut desk = Desk::untimed();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    let asked = desk.one();
    let ours = value(&asked, "Via");
    // Through a proxy: its Via above, ours below.
    let back = |number, via: &str| {
        let via = format!(";rport\r\nVia: {via}\r\nMax-");
        for_call(number, &invite()).replacen(";rport\r\nMax-", &via, 1)
    };
    desk.receive(&back(2, &ours));
    assert_eq!(status(&desk.one()), 482);
    // Straight.
    let straight = for_call(3, &invite()).replacen(
        "Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bK3-INVITE-1;rport",
        &format!("Via: {ours}"),
        1,
    );
    assert!(straight.contains(&ours));
    desk.receive(&straight);
    assert_eq!(status(&desk.one()), 482);
    assert_eq!(desk.events(), []);
    // Another's address, or another's branch, is no loop.
    let elsewhere = ours.replace("10.0.0.1", "10.0.0.9");
    let unknown = ours.replace("z9hG4bK", "z9hG4bK0");
    for (number, via) in (4..).zip([elsewhere, unknown]) {
        desk.receive(&back(number, &via));
        assert!(matches!(desk.event(), Event::Invited { .. }), "{via}");
    }
    // Nor is a call that is over.
    desk.receive(&response(&asked, "486 Busy Here", "seat", "", ""));
    assert!(matches!(desk.event(), Event::Refused { dialog: d, .. } if d == dialog));
    desk.pass(std::time::Duration::from_secs(33));
    desk.events();
    desk.receive(&back(9, &ours));
    assert!(matches!(desk.event(), Event::Invited { .. }));
}
