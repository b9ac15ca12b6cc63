//! REFERs of ours.

use std::time::Duration;

use hotline_model::limits;
use hotline_sip::endpoint::{Credentials, DialogId, EndedBy, Event};

use crate::support::*;

fn notify(asked: &str, at: u32, event: &str, state: &str, fragment: &str) -> String {
    let kind = if fragment.is_empty() {
        ""
    } else {
        "Content-Type: message/sipfrag\r\n"
    };
    let lines = format!("{SEAT}Event: {event}\r\nSubscription-State: {state}\r\n{kind}");
    from_seat(asked, "NOTIFY", at, &lines, fragment)
}

fn progress(dialog: DialogId, status: u16) -> Event {
    Event::ReferProgress { dialog, status }
}

#[test]
fn our_refer_is_followed_to_its_end() {
    let mut desk = Desk::untimed();
    let (dialog, asked) = desk.connected();
    desk.endpoint
        .refer(desk.now, dialog, "sip:1002@10.0.0.3?Subject=x", None);
    let sent = desk.one();
    assert!(sent.starts_with("REFER sip:1001@10.0.0.2:5070 "), "{sent}");
    assert_eq!(value(&sent, "Refer-To"), "<sip:1002@10.0.0.3>");
    assert_eq!(value(&sent, "Referred-By"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(value(&sent, "Contact"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(value(&sent, "CSeq"), "2 REFER");
    desk.receive(&response(&sent, "202 Accepted", "", SEAT, ""));
    let steps = [
        ("active;expires=60", "SIP/2.0 100 Trying\r\n", 100),
        ("active", "SIP/2.0 180 Ringing\r\n", 180),
        ("terminated;reason=noresource", "SIP/2.0 200 OK\r\n", 200),
    ];
    for (at, (state, fragment, expected)) in (1..).zip(steps) {
        desk.receive(&notify(&asked, at, "refer", state, fragment));
        assert_eq!(status(&desk.one()), 200);
        assert_eq!(desk.event(), progress(dialog, expected));
    }
    desk.receive(&notify(
        &asked,
        9,
        "refer",
        "active",
        "SIP/2.0 180 Ringing\r\n",
    ));
    assert_eq!(status(&desk.one()), 481);
    desk.pass(Duration::from_secs(300));
    assert_eq!(desk.events(), []);
    desk.receive(&from_seat(&asked, "BYE", 10, "", ""));
    desk.events();
    desk.assert_forgets_all();
}

#[test]
fn our_refer_may_name_the_call_to_replace() {
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    let (other, ours) = desk.answered(2);
    desk.endpoint
        .refer(desk.now, dialog, "sip:138@10.0.0.2:5070", Some(other));
    // As the other call's peer sees it: its own tag in to-tag (RFC 3891 §4).
    assert_eq!(
        value(&desk.one(), "Refer-To"),
        format!(
            "<sip:138@10.0.0.2:5070?Replaces=call-2%4010.0.0.2%3Bto-tag%3Dpeer%3Bfrom-tag%3D{ours}>"
        )
    );
}

#[test]
fn the_refer_names_what_our_endpoint_itself_would_find() {
    // The Refer-To that one of our endpoints writes, read by an endpoint that has the call.
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    let (other, ours) = desk.answered(2);
    desk.endpoint
        .refer(desk.now, dialog, "sip:138@10.0.0.2", Some(other));
    let refer_to = value(&desk.one(), "Refer-To");
    let (_, second) = desk.answered(3);
    let lines = format!("{CONTACT}Refer-To: {refer_to}\r\n");
    desk.receive(&for_call(3, &request("REFER", 2, &second, &lines, "")));
    assert_eq!(desk.referred().2.replaces, Some(other), "{ours}");
}

#[test]
fn a_refused_refer_of_ours_says_so() {
    for (answer, expected) in [
        ("603 Decline", 603),
        ("405 No", 405),
        ("302 Elsewhere", 302),
    ] {
        let mut desk = Desk::untimed();
        let (dialog, _) = desk.connected();
        desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
        let sent = desk.one();
        desk.receive(&response(&sent, answer, "", "", ""));
        assert_eq!(desk.event(), progress(dialog, expected));
    }
    // Nobody answers: the call goes on, for a phone may know no REFER.
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    desk.pass(Duration::from_secs(33));
    assert_eq!(desk.event(), progress(dialog, 408));
    // The peer knows the dialog no more.
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    let sent = desk.one();
    desk.receive(&response(&sent, "481 Gone", "", "", ""));
    let events = desk.events();
    assert_eq!(events[0], progress(dialog, 481));
    assert!(matches!(
        events[1],
        Event::Ended {
            why: EndedBy::Timeout,
            ..
        }
    ));
}

#[test]
fn a_wrong_refer_of_ours_is_not_sent() {
    let mut desk = Desk::untimed();
    let (dialog, _) = desk.connected();
    for target in ["1002", "http://h/", "sip:a@h>\r\nEvil: 1"] {
        desk.endpoint.refer(desk.now, dialog, target, None);
        assert_eq!(desk.event(), progress(dialog, 400), "{target}");
    }
    desk.endpoint
        .refer(desk.now, dialog, "sip:1002@h", Some(DialogId(99)));
    assert_eq!(desk.event(), progress(dialog, 481));
    desk.endpoint
        .refer(desk.now, DialogId(99), "sip:1002@h", None);
    assert_eq!((desk.sent().len(), desk.events().len()), (0, 0));
    for _ in 0..limits::SIP_REFERS_PER_DIALOG {
        desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    }
    assert_eq!(desk.sent().len(), limits::SIP_REFERS_PER_DIALOG);
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    assert_eq!(desk.event(), progress(dialog, 503));
}

#[test]
fn a_silent_referee_is_given_up() {
    // Timer N: accepted, and no NOTIFY.
    let mut desk = Desk::untimed();
    let (dialog, asked) = desk.connected();
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    let sent = desk.one();
    desk.receive(&response(&sent, "202 Accepted", "", "", ""));
    desk.pass(Duration::from_secs(31));
    assert_eq!(desk.events(), []);
    desk.pass(Duration::from_secs(2));
    assert_eq!(desk.event(), progress(dialog, 408));
    // It tells of a long life, and falls silent.
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    let sent = desk.one();
    desk.receive(&response(&sent, "202 Accepted", "", "", ""));
    let first = notify(
        &asked,
        1,
        "refer",
        "active;expires=99999999999",
        "SIP/2.0 100 Trying\r\n",
    );
    desk.receive(&first);
    desk.events();
    desk.pass(Duration::from_secs(limits::SIP_REFER_S));
    assert_eq!(desk.event(), progress(dialog, 408));
    // It says beforehand that it will tell nothing.
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    let sent = desk.sent().pop().unwrap();
    desk.receive(&response(
        &sent,
        "202 Accepted",
        "",
        "Refer-Sub: false\r\n",
        "",
    ));
    assert_eq!(desk.event(), progress(dialog, 202));
}

#[test]
fn a_subscription_that_ends_without_a_result_has_one_made_for_it() {
    for (reason, expected) in [("timeout", 408), ("rejected", 603), ("giveup", 480)] {
        let mut desk = Desk::untimed();
        let (dialog, asked) = desk.connected();
        desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
        desk.sent();
        let state = format!("terminated;reason={reason}");
        desk.receive(&notify(&asked, 1, "refer", &state, ""));
        assert_eq!(status(&desk.one()), 200);
        assert_eq!(desk.event(), progress(dialog, expected));
    }
}

#[test]
fn a_notify_must_be_about_something() {
    let mut desk = Desk::untimed();
    let (dialog, asked) = desk.connected();
    let ok = "SIP/2.0 200 OK\r\n";
    desk.receive(&notify(&asked, 1, "refer", "active", ok));
    assert_eq!(status(&desk.one()), 481, "nothing was asked");
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    desk.endpoint.refer(desk.now, dialog, "sip:1003@h", None);
    desk.sent();
    let wrong = [
        (notify(&asked, 2, "presence", "active", ok), 489),
        (notify(&asked, 3, "refer;id=77", "active", ok), 481),
        (notify(&asked, 4, "refer;id=x", "active", ok), 481),
        (
            notify(&asked, 5, "refer", "active", "SIP/3.0 200 OK\r\n"),
            400,
        ),
        (
            notify(&asked, 6, "refer", "active", ok).replace("/sipfrag", "/html"),
            415,
        ),
        (
            notify(&asked, 7, "refer", "active", ok).replace("Subscription-State", "X"),
            400,
        ),
        (
            notify(&asked, 8, "refer", "active", ok).replace("Event:", "X:"),
            489,
        ),
    ];
    for (message, expected) in wrong {
        desk.receive(&message);
        assert_eq!(status(&desk.one()), expected, "{message}");
        assert_eq!(desk.events(), []);
    }
    // The second REFER had number 3 (RFC 3515 §2.4.6).
    desk.receive(&notify(
        &asked,
        9,
        "refer;id=3",
        "terminated",
        "SIP/2.0 486 Busy\r\n",
    ));
    assert_eq!(desk.event(), progress(dialog, 486));
    desk.receive(&notify(&asked, 10, "refer", "terminated", ok));
    assert_eq!(desk.event(), progress(dialog, 200));
    // Outside dialogs nothing of ours subscribes.
    desk.sent();
    desk.receive(&request("NOTIFY", 1, "", "Event: refer\r\n", ""));
    assert_eq!(status(&desk.one()), 481);
}

#[test]
fn a_challenged_refer_is_sent_again_and_its_notifies_name_the_new_number() {
    let mut desk = Desk::untimed();
    let mut to_seat = invitation(udp());
    to_seat.credentials = Some(Credentials {
        realm: None,
        user: "hotline".into(),
        password: "secret".into(),
    });
    let dialog = desk.endpoint.invite(desk.now, to_seat);
    let asked = desk.one();
    desk.receive(&response(&asked, "200 OK", "seat", SEAT, "answer"));
    desk.sent();
    desk.events();
    desk.endpoint.refer(desk.now, dialog, "sip:1002@h", None);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n";
    let sent = desk.one();
    desk.receive(&response(&sent, "401 Unauthorized", "", challenge, ""));
    let again = desk.one();
    assert_eq!(value(&again, "CSeq"), "3 REFER");
    assert_eq!(value(&again, "Refer-To"), "<sip:1002@h>");
    assert!(value(&again, "Authorization").contains("username=\"hotline\""));
    desk.receive(&response(&again, "202 Accepted", "", "", ""));
    desk.receive(&notify(
        &asked,
        1,
        "refer;id=3",
        "terminated",
        "SIP/2.0 200 OK\r\n",
    ));
    assert_eq!(desk.event(), progress(dialog, 200));
}
