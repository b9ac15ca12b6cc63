//! Session timers (RFC 4028), in both roles, against a scripted peer.

#![cfg(test)]

mod support;

use std::time::Duration;

use hotline_sip::endpoint::{DialogId, EndedBy, EndpointSettings, Event};
use support::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A desk that asks for sessions of `asked` seconds and takes none below `least`.
fn desk(asked: u32, least: u32) -> Desk {
    let mut settings = EndpointSettings::new("hotline/test", "hotline", "hotline");
    settings.session_expires_s = asked;
    settings.min_session_expires_s = least;
    Desk::with(settings, udp())
}

/// An incoming call with these lines, answered and acknowledged: the dialog, our tag, our 200.
fn answered_with(desk: &mut Desk, lines: &str) -> (DialogId, String, String) {
    desk.receive(&invite_with(lines, "offer"));
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ok = desk.one();
    let ours = tag(&value(&ok, "To"));
    desk.receive(&ack(1, &ours, ""));
    desk.event();
    (dialog, ours, ok)
}

/// A call of ours answered with these lines: the dialog and the INVITE.
fn connected_with(desk: &mut Desk, lines: &str) -> (DialogId, String) {
    let dialog = desk.endpoint.invite(desk.now, invitation(desk.path));
    desk.drain();
    let invite = desk.one();
    let lines = format!("{SEAT}{lines}");
    desk.receive(&response(&invite, "200 OK", "seat", &lines, "answer"));
    assert_eq!(method(&desk.one()), "ACK");
    desk.event();
    (dialog, invite)
}

fn expired(dialog: DialogId) -> Event {
    Event::Ended {
        dialog,
        why: EndedBy::Expired,
        reason: None,
    }
}

// ---- we answer

#[test]
fn the_caller_refreshes_where_it_knows_how() {
    // §9 table 2, first lines: what we ask for, and who refreshes.
    let cases = [
        // Lines of the INVITE, our wish, Session-Expires of the 200.
        ("Supported: timer\r\n", 1_800, "1800;refresher=uac"),
        (
            "Supported: timer\r\nMin-SE: 2000\r\n",
            1_800,
            "2000;refresher=uac",
        ),
        ("Supported: timer\r\nx: 600\r\n", 1_800, "600;refresher=uac"),
        (
            "Supported: timer\r\nx: 600;refresher=uac\r\n",
            1_800,
            "600;refresher=uac",
        ),
        (
            "Supported: timer\r\nx: 600;Refresher=UAS\r\n",
            1_800,
            "600;refresher=uas",
        ),
        ("Require: timer\r\nx: 3600\r\n", 1_800, "1800;refresher=uac"),
        (
            "Supported: timer\r\nx: 3600\r\nMin-SE: 3600\r\n",
            1_800,
            "3600;refresher=uac",
        ),
        (
            "Supported: timer\r\nx: 4294967299\r\n",
            0,
            "86400;refresher=uac",
        ),
        ("Supported: timer\r\nx: 600\r\n", 0, "600;refresher=uac"),
        ("x: 600;refresher=uac\r\n", 1_800, "600;refresher=uas"),
        ("", 1_800, "1800;refresher=uas"),
    ];
    for (lines, wish, expected) in cases {
        let mut desk = desk(wish, 90);
        let (_, _, ok) = answered_with(&mut desk, lines);
        assert_eq!(value(&ok, "Session-Expires"), expected, "{lines}");
        // §9: only who knows timers can be required to.
        let required = ok.contains("Require: timer\r\n");
        assert_eq!(required, expected.ends_with("uac"), "{lines}");
    }
    for lines in ["Supported: timer\r\n", "Supported: timer\r\nx: soon\r\n"] {
        let mut desk = desk(0, 90);
        let (_, _, ok) = answered_with(&mut desk, lines);
        assert!(!ok.contains("Session-Expires"), "{ok}");
        desk.pass(seconds(200_000));
        assert!(desk.sent().is_empty() && desk.events().is_empty());
    }
}

#[test]
fn too_short_a_session_is_422() {
    let mut desk = desk(1_800, 120);
    let short = "Supported: timer\r\nSession-Expires: 100\r\n";
    desk.receive(&invite_with(short, "offer"));
    let refused = desk.one();
    assert_eq!(
        (status(&refused), value(&refused, "Min-SE").as_str()),
        (422, "120")
    );
    assert!(desk.events().is_empty() && desk.is_empty());
    // Who does not know timers would not understand (§9): a proxy on the way has asked.
    let text = invite_with("Session-Expires: 100\r\n", "offer").replace("INVITE-1", "INVITE-9");
    desk.receive(&text);
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ok = desk.one();
    assert_eq!(value(&ok, "Session-Expires"), "100;refresher=uas");
    let ours = tag(&value(&ok, "To"));
    desk.receive(&ack(1, &ours, ""));
    desk.receive(&request(
        "UPDATE",
        2,
        &ours,
        &format!("{CONTACT}{short}"),
        "",
    ));
    assert_eq!(status(&desk.one()), 422);
    desk.receive(&request(
        "INVITE",
        3,
        &ours,
        &format!("{CONTACT}{short}"),
        "x",
    ));
    assert_eq!(status(&desk.one()), 422);
}

#[test]
fn a_caller_that_is_silent_loses_its_session() {
    // §10: BYE the smaller of 32 s and a third of the interval before the end.
    for (interval, least) in [(1_800, 1_768), (90, 60)] {
        let mut desk = desk(interval, 90);
        let (dialog, _, _) = answered_with(&mut desk, "Supported: timer\r\n");
        let early = least - 1;
        desk.pass(Duration::from_secs(early));
        assert!(desk.sent().is_empty() && desk.events().is_empty());
        desk.pass(seconds(1));
        assert_eq!(method(&desk.one()), "BYE");
        assert_eq!(desk.event(), expired(dialog));
        desk.assert_forgets_all();
        assert!(desk.events().is_empty());
    }
}

#[test]
fn each_refresh_of_the_peer_begins_the_session_anew() {
    let mut desk = desk(600, 90);
    let (dialog, ours, _) = answered_with(&mut desk, "Supported: timer\r\n");
    for number in 2..6 {
        desk.pass(seconds(500));
        let lines = format!("{CONTACT}Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n");
        if number % 2 == 0 {
            desk.receive(&request("UPDATE", number, &ours, &lines, ""));
        } else {
            desk.receive(&request("INVITE", number, &ours, &lines, "same"));
            assert!(matches!(desk.event(), Event::Reoffered { .. }));
            desk.endpoint
                .answer_offer(desk.now, dialog, b"same".to_vec());
            desk.drain();
            desk.receive(&ack(number, &ours, ""));
            desk.event();
        }
        let ok = desk.one();
        assert_eq!(value(&ok, "Session-Expires"), "600;refresher=uac");
        assert!(desk.events().is_empty());
    }
    desk.pass(seconds(568));
    assert_eq!(desk.event(), expired(dialog));
}

#[test]
fn a_refresh_may_end_the_timers() {
    // §7.4: a 2xx without Session-Expires. Ours has one unless we want none either.
    let mut desk = desk(0, 90);
    let (_, ours, _) = answered_with(&mut desk, "Supported: timer\r\nSession-Expires: 600\r\n");
    desk.receive(&request("UPDATE", 2, &ours, CONTACT, ""));
    assert!(!desk.one().contains("Session-Expires"));
    desk.pass(seconds(10_000));
    assert!(desk.events().is_empty());
}

#[test]
fn we_refresh_for_a_caller_that_cannot() {
    let mut desk = desk(600, 90);
    let (_, ours, _) = answered_with(&mut desk, "Allow: INVITE, ACK, BYE, UPDATE\r\n");
    desk.pass(seconds(299));
    assert!(desk.sent().is_empty());
    for turn in 1..4 {
        desk.pass(seconds(1));
        let update = desk.one();
        assert_eq!((method(&update), body(&update)), ("UPDATE", ""));
        assert_eq!(value(&update, "CSeq"), format!("{turn} UPDATE"));
        assert_eq!(value(&update, "Session-Expires"), "600;refresher=uac");
        assert_eq!(value(&update, "Min-SE"), "90");
        desk.receive(&response(&update, "200 OK", "", CONTACT, ""));
        desk.pass(seconds(299));
        assert!(desk.sent().is_empty() && desk.events().is_empty());
    }
    desk.receive(&request("BYE", 2, &ours, "", ""));
    desk.assert_forgets_all();
}

// ---- we call

#[test]
fn our_calls_ask_for_a_session_with_an_end() {
    let mut asking = desk(1_800, 90);
    let (_, invite) = connected_with(&mut asking, "");
    assert_eq!(value(&invite, "Session-Expires"), "1800");
    assert_eq!(value(&invite, "Min-SE"), "90");
    assert!(value(&invite, "Supported").contains("timer"));
    let (_, invite) = connected_with(&mut desk(60, 30), "");
    assert_eq!(value(&invite, "Session-Expires"), "90", "§4: never shorter");
    let mut quiet = desk(0, 90);
    let (_, invite) = connected_with(&mut quiet, "");
    assert!(!invite.contains("Session-Expires") && !invite.contains("Min-SE"));
    quiet.pass(seconds(200_000));
    assert!(quiet.sent().is_empty());
}

#[test]
fn the_longer_session_a_peer_wants_is_asked_for() {
    // §7.3: the same call with the Min-SE of the 422.
    let mut desk = desk(600, 90);
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let first = desk.one();
    desk.receive(&response(&first, "422 Small", "p", "Min-SE: 900\r\n", ""));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "INVITE"));
    let second = &sent[1];
    assert_eq!(value(second, "CSeq"), "2 INVITE");
    assert_eq!(value(second, "Call-ID"), value(&first, "Call-ID"));
    assert!(!value(second, "To").contains("tag="));
    assert_eq!(value(second, "Session-Expires"), "900");
    assert_eq!(value(second, "Min-SE"), "900");
    assert_eq!(body(second), "offer");
    assert!(desk.events().is_empty());
    let ok =
        format!("{SEAT}Allow: UPDATE\r\nRequire: timer\r\nSession-Expires: 900;refresher=uac\r\n");
    desk.receive(&response(second, "200 OK", "seat", &ok, "answer"));
    desk.sent();
    assert!(matches!(desk.event(), Event::Answered { dialog: d, .. } if d == dialog));
    desk.pass(seconds(450));
    let refresh = desk.one();
    assert_eq!(value(&refresh, "Session-Expires"), "900;refresher=uac");
    assert_eq!(value(&refresh, "Min-SE"), "900");
}

#[test]
fn a_peer_that_is_never_content_is_given_up() {
    for floor in ["600", "1", "none", "-1"] {
        let mut desk = desk(600, 90);
        desk.endpoint.invite(desk.now, invitation(udp()));
        desk.drain();
        let first = desk.one();
        let lines = format!("Min-SE: {floor}\r\n");
        desk.receive(&response(&first, "422 Small", "p", &lines, ""));
        assert_eq!(method(&desk.one()), "ACK");
        assert!(matches!(desk.event(), Event::Refused { status: 422, .. }));
    }
    let mut desk = desk(600, 90);
    desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let mut last = desk.one();
    for floor in [700, 800, 900] {
        let lines = format!("Min-SE: {floor}\r\n");
        desk.receive(&response(&last, "422 Small", "p", &lines, ""));
        last = desk.sent().pop().unwrap();
    }
    assert_eq!(method(&last), "ACK", "twice, and no more");
    assert!(matches!(desk.event(), Event::Refused { status: 422, .. }));
    desk.assert_forgets_all();
}

#[test]
fn a_callee_that_refreshes_is_waited_for() {
    let mut desk = desk(1_800, 90);
    let lines = "Session-Expires: 600;refresher=uas\r\n";
    let (dialog, _) = connected_with(&mut desk, lines);
    desk.pass(seconds(567));
    assert!(desk.sent().is_empty());
    desk.pass(seconds(1));
    assert_eq!(method(&desk.one()), "BYE");
    assert_eq!(desk.event(), expired(dialog));
    desk.assert_forgets_all();
}

#[test]
fn without_update_a_reinvite_repeats_our_description() {
    let mut desk = desk(600, 90);
    let (_, _) = connected_with(&mut desk, "Allow: INVITE\r\n");
    desk.pass(seconds(300));
    let refresh = desk.one();
    assert_eq!((method(&refresh), body(&refresh)), ("INVITE", "offer"));
    assert_eq!(value(&refresh, "Session-Expires"), "600;refresher=uac");
    desk.receive(&response(&refresh, "491 Pending", "", "", ""));
    assert_eq!(method(&desk.one()), "ACK");
    desk.pass(seconds(4));
    let again = desk.sent().remove(0);
    assert_eq!((method(&again), body(&again)), ("INVITE", "offer"));
    desk.receive(&response(&again, "200 OK", "", SEAT, "answer"));
    assert_eq!(method(&desk.sent()[0]), "ACK");
    let told = desk.events();
    assert!(
        matches!(&told[..], [Event::Refreshed { body, .. }] if body == b"answer"),
        "the user has offered nothing, and hears what is agreed: {told:?}"
    );
    desk.pass(seconds(299));
    assert!(desk.sent().is_empty());
    desk.pass(seconds(1));
    let third = desk.one();
    desk.receive(&response(&third, "488 No", "", "", ""));
    assert!(desk.events().is_empty());
    desk.sent();
    desk.pass(seconds(12));
    assert_eq!(
        method(&desk.sent()[0]),
        "INVITE",
        "there is time for another"
    );
}

#[test]
fn the_last_description_is_repeated_not_the_first() {
    let mut desk = desk(600, 90);
    let (dialog, _) = connected_with(&mut desk, "");
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    desk.drain();
    let hold = desk.one();
    desk.receive(&response(&hold, "200 OK", "", SEAT, "held"));
    desk.endpoint.reoffer(desk.now, dialog, b"bad".to_vec());
    desk.drain();
    let bad = desk.sent().pop().unwrap();
    desk.receive(&response(&bad, "488 No", "", "", ""));
    desk.sent();
    desk.events();
    desk.pass(seconds(300));
    assert_eq!(body(&desk.one()), "hold");
}

#[test]
fn a_peer_that_has_forgotten_the_call_is_found_out() {
    // A BYE that was lost: the refresh is answered 481, or not at all.
    for how in 0..3 {
        let mut desk = desk(600, 90);
        let (dialog, _) = connected_with(&mut desk, "Allow: UPDATE\r\n");
        desk.pass(seconds(300));
        let update = desk.one();
        match how {
            0 => desk.receive(&response(&update, "481 Gone", "", "", "")),
            1 => desk.pass(seconds(32)),
            _ => desk.endpoint.path_lost(desk.now, udp()),
        }
        desk.drain();
        let why = if how == 2 {
            EndedBy::PathLost
        } else {
            EndedBy::Timeout
        };
        assert_eq!(
            desk.event(),
            Event::Ended {
                dialog,
                why,
                reason: None
            }
        );
        assert_eq!(method(desk.sent().last().unwrap()), "BYE");
        desk.assert_forgets_all();
        assert!(desk.events().is_empty());
    }
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_until_the_end() {
    let mut desk = desk(600, 90);
    let (dialog, _) = connected_with(&mut desk, "Allow: UPDATE\r\n");
    desk.pass(seconds(300));
    let mut tries = 0;
    while desk.events.is_empty() {
        for sent in desk.sent() {
            if method(&sent) == "UPDATE" {
                tries += 1;
                desk.receive(&response(&sent, "500 Later", "", "", ""));
            }
        }
        desk.pass(seconds(1));
    }
    assert_eq!(desk.event(), expired(dialog));
    assert!((20..30).contains(&tries), "{tries}");
    assert_eq!(method(desk.sent().last().unwrap()), "BYE");
}

#[test]
fn a_peer_that_refuses_update_gets_a_reinvite() {
    let mut desk = desk(600, 90);
    let (_, _) = connected_with(&mut desk, "Allow: UPDATE\r\n");
    desk.pass(seconds(300));
    let update = desk.one();
    desk.receive(&response(&update, "405 No", "", "", ""));
    desk.pass(seconds(10));
    assert_eq!(method(&desk.one()), "INVITE");
}

#[test]
fn a_refresh_is_lengthened_and_challenged_like_any_request() {
    let mut desk = desk(600, 90);
    let (_, _) = connected_with(&mut desk, "Allow: UPDATE\r\n");
    desk.pass(seconds(300));
    let update = desk.one();
    desk.receive(&response(&update, "422 Small", "", "Min-SE: 1000\r\n", ""));
    let again = desk.one();
    assert_eq!(value(&again, "Session-Expires"), "1000;refresher=uac");
    assert_eq!(value(&again, "CSeq"), "3 UPDATE");
    let lines = format!("{SEAT}Session-Expires: 1000;refresher=uac\r\n");
    desk.receive(&response(&again, "200 OK", "", &lines, ""));
    desk.pass(seconds(499));
    assert!(desk.sent().is_empty());
    desk.pass(seconds(1));
    assert_eq!(value(&desk.one(), "CSeq"), "4 UPDATE");
}

#[test]
fn no_interval_makes_us_refresh_without_rest() {
    for interval in ["0", "1", "89", "4294967295", "99999999999999999999"] {
        let mut desk = desk(1_800, 90);
        let lines = format!("Allow: UPDATE\r\nSession-Expires: {interval};refresher=uac\r\n");
        connected_with(&mut desk, &lines);
        desk.pass(seconds(44));
        assert!(desk.sent().is_empty(), "{interval}");
    }
}

#[test]
fn an_offer_that_waits_for_a_refresh_is_told_of() {
    for refusal in ["491 Pending", "488 No"] {
        let mut desk = desk(600, 90);
        let (dialog, _) = connected_with(&mut desk, "Allow: INVITE\r\n");
        desk.pass(seconds(300));
        let refresh = desk.one();
        desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
        desk.drain();
        assert!(desk.sent().is_empty());
        desk.receive(&response(&refresh, refusal, "", "", ""));
        desk.pass(seconds(4));
        let hold = desk.sent().remove(1);
        assert_eq!((method(&hold), body(&hold)), ("INVITE", "hold"));
        desk.receive(&response(&hold, "200 OK", "", SEAT, "held"));
        assert_eq!(
            desk.event(),
            Event::ReofferAnswered {
                dialog,
                body: b"held".to_vec()
            }
        );
    }
}
