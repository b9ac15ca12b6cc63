//! Transfers against a scripted peer: REFER, NOTIFY, Replaces and Target-Dialog.

#![cfg(test)]

mod support;

use std::{net::SocketAddr, time::Duration};

use hotline_model::limits;
use hotline_sip::{
    endpoint::{Credentials, DialogId, EndedBy, Event, HangUpReason},
    path::Path,
};
use support::*;

const BLIND: &str = "Refer-To: <sip:1002@10.0.0.1>\r\n\
                     Referred-By: <sip:1001@10.0.0.2>\r\n";

fn refer(at: u32, ours: &str, lines: &str) -> String {
    request("REFER", at, ours, &format!("{CONTACT}{lines}"), "")
}

fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}

/// What a NOTIFY says: event, state without its seconds, first line of the sipfrag.
fn notice(message: &str) -> (String, String, String) {
    assert_eq!(method(message), "NOTIFY", "{message}");
    let state = value(message, "Subscription-State");
    let state = state.split(";expires").next().unwrap().to_owned();
    let fragment = body(message).trim_end().to_owned();
    (value(message, "Event"), state, fragment)
}

fn said(event: &str, state: &str, fragment: &str) -> (String, String, String) {
    (event.into(), state.into(), fragment.into())
}

// ---- REFERs that come

#[test]
fn a_blind_transfer_is_told_from_trying_to_its_end() {
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (referred, id, transfer) = desk.referred();
    assert_eq!(referred, dialog);
    assert_eq!(transfer.target, "sip:1002@10.0.0.1");
    assert_eq!(
        (transfer.replaces, transfer.replaces_unknown),
        (None, false)
    );
    assert_eq!(transfer.referred_by.as_deref(), Some("<sip:1001@10.0.0.2>"));
    assert_eq!(desk.sent(), [""; 0], "the user has the word");

    desk.endpoint.accept_refer(desk.now, id);
    let sent = desk.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert_eq!(status(&sent[0]), 202);
    assert_eq!(value(&sent[0], "Contact"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(header(&sent[0], "Refer-Sub"), None);
    let trying = &sent[1];
    assert_eq!(
        notice(trying),
        said("refer", "active", "SIP/2.0 100 Trying")
    );
    assert!(value(trying, "Subscription-State").ends_with(&limits::SIP_REFER_S.to_string()));
    assert_eq!(value(trying, "Content-Type"), "message/sipfrag;version=2.0");
    assert_eq!(value(trying, "Contact"), "<sip:hotline@10.0.0.1:5060>");
    assert_eq!(method(trying), "NOTIFY");
    assert!(trying.starts_with("NOTIFY sip:13800000000@10.0.0.2:5070 "));

    // A datagram may overtake another: the next waits, and a newer one takes its place.
    desk.endpoint.tell_refer(desk.now, id, 180);
    desk.endpoint.tell_refer(desk.now, id, 183);
    assert_eq!(desk.sent(), [""; 0]);
    desk.receive(&response(trying, "200 OK", "", "", ""));
    let progress = desk.one();
    let expected = said("refer", "active", "SIP/2.0 183 Session Progress");
    assert_eq!(notice(&progress), expected);
    desk.receive(&response(&progress, "200 OK", "", "", ""));

    desk.endpoint.tell_refer(desk.now, id, 200);
    let last = desk.one();
    let expected = said("refer", "terminated;reason=noresource", "SIP/2.0 200 OK");
    assert_eq!(notice(&last), expected);
    desk.endpoint.tell_refer(desk.now, id, 486);
    desk.receive(&response(&last, "200 OK", "", "", ""));
    assert_eq!(desk.sent(), [""; 0], "a final status is the last word");

    desk.receive(&request("BYE", 3, &ours, "", ""));
    assert_eq!(status(&desk.one()), 200);
    assert!(matches!(
        desk.event(),
        Event::Ended {
            why: EndedBy::Bye,
            ..
        }
    ));
    desk.assert_forgets_all();
}

/// A transfer that comes about at once is over before its first NOTIFY is answered: the last one is
/// sent all the same before the BYE that ends the dialog and the subscription with it.
#[test]
fn the_end_of_a_transfer_is_told_before_the_bye() {
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, id);
    desk.endpoint.tell_refer(desk.now, id, 200);
    let trying = desk.sent();
    desk.endpoint.hang_up(desk.now, dialog, None);
    let sent = desk.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    let expected = said("refer", "terminated;reason=noresource", "SIP/2.0 200 OK");
    assert_eq!(notice(&sent[0]), expected);
    assert_eq!(method(&sent[1]), "BYE");
    for message in trying.iter().skip(1).chain(&sent) {
        desk.receive(&response(message, "200 OK", "", "", ""));
    }
    desk.assert_forgets_all();
}

#[test]
fn a_refer_is_answered_once_and_repeated_to_who_repeats_it() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let asked = refer(2, &ours, BLIND);
    desk.receive(&asked);
    let (_, id, _) = desk.referred();
    desk.receive(&asked);
    assert_eq!((desk.sent().len(), desk.events().len()), (0, 0));
    desk.endpoint.refuse_refer(desk.now, id, 403);
    let refused = desk.one();
    assert_eq!(status(&refused), 403);
    desk.receive(&asked);
    assert_eq!(desk.one(), refused);
    desk.endpoint.accept_refer(desk.now, id);
    desk.endpoint.tell_refer(desk.now, id, 200);
    assert_eq!(desk.sent(), [""; 0], "it is refused");
    desk.receive(&refer(3, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.endpoint.refuse_refer(desk.now, id, 200);
    assert_eq!(status(&desk.one()), 603, "a refusal is none of the 2xx");
}

#[test]
fn a_refer_needs_one_address() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let wrong = [
        ("", 400),
        ("Refer-To: <sip:a@h>\r\nRefer-To: <sip:b@h>\r\n", 400),
        ("Refer-To: <sip:a@h?Replaces=call-only>\r\n", 400),
        ("Refer-To: <mailto:a@h>\r\n", 416),
        ("Refer-To: <sip:a@h;method=SUBSCRIBE>\r\n", 403),
        ("Refer-To: <sip:a@h>\r\nRequire: gruu\r\n", 420),
        (
            "Refer-To: <sip:a@h>\r\nReplaces: c;to-tag=1;from-tag=2\r\n",
            400,
        ),
    ];
    for (at, (lines, expected)) in (2..).zip(wrong) {
        desk.receive(&refer(at, &ours, lines));
        assert_eq!(status(&desk.one()), expected, "{lines}");
        assert_eq!(desk.events(), []);
    }
}

#[test]
fn headers_in_a_refer_to_do_not_reach_the_target() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let lines = "Refer-To: <sip:1002@h?From=%3Csip:evil%40h%3E%0D%0AEvil:1&Route=%3Csip:e%3E>\r\n";
    desk.receive(&refer(2, &ours, lines));
    let (_, _, transfer) = desk.referred();
    assert_eq!(transfer.target, "sip:1002@h");
}

#[test]
fn a_second_transfer_names_itself() {
    // RFC 3515 §2.4.6.
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, first, _) = desk.referred();
    desk.receive(&refer(7, &ours, BLIND));
    let (_, second, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, first);
    desk.endpoint.accept_refer(desk.now, second);
    let events: Vec<_> = desk
        .sent()
        .iter()
        .filter_map(|m| header(m, "Event"))
        .collect();
    assert_eq!(events, ["refer", "refer;id=7"]);
}

#[test]
fn no_notify_goes_to_who_wants_none() {
    // RFC 4488 §4.
    for lines in ["Refer-Sub: false\r\n", "Require: norefersub\r\n"] {
        let mut desk = Desk::untimed();
        let (_, ours) = desk.answered(1);
        desk.receive(&refer(2, &ours, &format!("{BLIND}{lines}")));
        let (_, id, _) = desk.referred();
        desk.endpoint.accept_refer(desk.now, id);
        desk.endpoint.tell_refer(desk.now, id, 180);
        desk.endpoint.tell_refer(desk.now, id, 200);
        let accepted = desk.one();
        assert_eq!(status(&accepted), 202);
        assert_eq!(value(&accepted, "Refer-Sub"), "false");
    }
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, &format!("{BLIND}Refer-Sub: true\r\n")));
    let (_, id, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, id);
    assert_eq!(desk.sent().len(), 2);
}

#[test]
fn pending_transfers_of_one_call_are_bounded() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let most = u32::try_from(limits::SIP_REFERS_PER_DIALOG).unwrap();
    let mut last = None;
    for at in 2..2 + most {
        desk.receive(&refer(at, &ours, BLIND));
        last = Some(desk.referred().1);
    }
    desk.receive(&refer(90, &ours, BLIND));
    let refused = desk.one();
    assert_eq!(status(&refused), 503);
    assert!(header(&refused, "Retry-After").is_some());
    desk.endpoint.refuse_refer(desk.now, last.unwrap(), 603);
    desk.sent();
    desk.receive(&refer(91, &ours, BLIND));
    desk.referred();
}

#[test]
fn an_unanswered_refer_is_forgotten() {
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.pass(Duration::from_secs(33));
    assert_eq!(desk.events(), []);
    desk.endpoint.accept_refer(desk.now, id);
    assert_eq!(desk.sent(), [""; 0]);
    desk.endpoint.hang_up(desk.now, dialog, None);
    let bye = desk.one();
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

#[test]
fn a_subscriber_that_knows_nothing_hears_no_more() {
    for (answer, heard) in [("481 Gone", 0), ("503 Busy", 0), ("200 OK", 1)] {
        let mut desk = Desk::untimed();
        let (_, ours) = desk.answered(1);
        desk.receive(&refer(2, &ours, BLIND));
        let (_, id, _) = desk.referred();
        desk.endpoint.accept_refer(desk.now, id);
        let trying = desk.sent().remove(1);
        desk.receive(&response(&trying, answer, "", "", ""));
        desk.endpoint.tell_refer(desk.now, id, 200);
        assert_eq!(desk.sent().len(), heard, "{answer}");
        assert_eq!(desk.events(), [], "the call goes on");
    }
    // Nor one that answers nothing (RFC 6665 §4.2.2).
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, id);
    desk.pass(Duration::from_secs(33));
    desk.sent();
    desk.endpoint.tell_refer(desk.now, id, 200);
    assert_eq!((desk.sent().len(), desk.events().len()), (0, 0));
}

#[test]
fn a_subscription_ends_in_time() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, id);
    let trying = desk.sent().remove(1);
    desk.receive(&response(&trying, "200 OK", "", "", ""));
    desk.pass(Duration::from_secs(limits::SIP_REFER_S - 1));
    assert_eq!(desk.sent(), [""; 0]);
    desk.pass(Duration::from_secs(1));
    let last = desk.one();
    let expected = said("refer", "terminated;reason=timeout", "SIP/2.0 100 Trying");
    assert_eq!(notice(&last), expected);
    desk.receive(&response(&last, "200 OK", "", "", ""));
    desk.endpoint.tell_refer(desk.now, id, 200);
    assert_eq!(desk.sent(), [""; 0]);
}

#[test]
fn a_call_takes_its_transfers_along() {
    // A phone hangs up right after its 202.
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, accepted, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, accepted);
    desk.receive(&refer(3, &ours, BLIND));
    let (_, waiting, _) = desk.referred();
    desk.sent();
    desk.receive(&request("BYE", 4, &ours, "", ""));
    let statuses: Vec<_> = desk.sent().iter().map(|m| status(m)).collect();
    assert_eq!(statuses, [200, 487], "the REFER that waits is answered");
    assert!(matches!(desk.event(), Event::Ended { .. }));
    desk.endpoint.tell_refer(desk.now, accepted, 200);
    desk.endpoint.accept_refer(desk.now, waiting);
    assert_eq!((desk.sent().len(), desk.events().len()), (0, 0));
    desk.assert_forgets_all();

    // And so when we hang up.
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    desk.referred();
    let reason = HangUpReason::q850(16, "");
    desk.endpoint.hang_up(desk.now, dialog, Some(reason));
    let sent = desk.sent();
    assert_eq!(status(&sent[0]), 487);
    assert_eq!(method(&sent[1]), "BYE");
    desk.receive(&response(&sent[1], "200 OK", "", "", ""));
    desk.assert_forgets_all();
}

#[test]
fn a_call_that_is_not_there_yet_cannot_be_transferred() {
    let mut desk = Desk::untimed();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    let asked = desk.one();
    desk.receive(&response(&asked, "180 Ringing", "seat", SEAT, ""));
    desk.events();
    let lines = format!("{SEAT}{BLIND}");
    desk.receive(&from_seat(&asked, "REFER", 1, &lines, ""));
    assert_eq!(status(&desk.one()), 500);
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.sent();
}

// ---- Replaces in a Refer-To

fn attended(at: u32, ours: &str, replaces: &str) -> String {
    let escaped = replaces
        .replace('@', "%40")
        .replace(';', "%3B")
        .replace('=', "%3D");
    let lines = format!("Refer-To: <sip:1002@10.0.0.1?Replaces={escaped}>\r\n");
    refer(at, ours, &lines)
}

#[test]
fn an_attended_transfer_names_our_other_call_either_way() {
    for turned in [false, true] {
        let mut desk = Desk::untimed();
        let (_, ours) = desk.answered(1);
        let (other, other_tag) = desk.answered(2);
        let (first, second) = if turned {
            ("from-tag", "to-tag")
        } else {
            ("to-tag", "from-tag")
        };
        let replaces = format!("call-2@10.0.0.2;{first}={other_tag};{second}=peer");
        desk.receive(&attended(2, &ours, &replaces));
        let (_, _, transfer) = desk.referred();
        assert_eq!(transfer.replaces, Some(other));
        assert!(!transfer.replaces_unknown);
        assert_eq!(transfer.target, "sip:1002@10.0.0.1");
    }
}

#[test]
fn a_call_that_we_made_is_named_too() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let (seat, asked) = desk.connected();
    let replaces = format!(
        "{};to-tag={};from-tag=seat",
        value(&asked, "Call-ID"),
        tag(&value(&asked, "From"))
    );
    desk.receive(&attended(2, &ours, &replaces));
    assert_eq!(desk.referred().2.replaces, Some(seat));
}

#[test]
fn a_replaces_of_nothing_is_said_to_be_so() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let (_, other_tag) = desk.answered(2);
    let wrong = [
        "elsewhere@h;to-tag=1;from-tag=2".to_owned(),
        format!("call-3@10.0.0.2;to-tag={other_tag};from-tag=peer"),
        format!("call-2@10.0.0.2;to-tag={other_tag};from-tag=another"),
        format!("call-2@10.0.0.2;to-tag={other_tag};from-tag=0"),
        // The very call that is to be transferred.
        format!("call-1@10.0.0.2;to-tag={ours};from-tag=peer"),
    ];
    for (at, replaces) in (2..).zip(wrong) {
        desk.receive(&attended(at, &ours, &replaces));
        let (_, id, transfer) = desk.referred();
        assert_eq!(transfer.replaces, None, "{replaces}");
        assert!(transfer.replaces_unknown, "{replaces}");
        desk.endpoint.refuse_refer(desk.now, id, 603);
        desk.sent();
    }
}

// ---- REFERs of ours

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

// ---- outside dialogs

fn outside(number: u32, from: &str, lines: &str) -> String {
    let asked = request("REFER", 1, "", &format!("{CONTACT}{BLIND}{lines}"), "");
    for_call(number, &asked).replace(";tag=peer", &format!(";tag={from}"))
}

#[test]
fn a_refer_outside_dialogs_is_the_users_to_answer() {
    let mut desk = Desk::untimed();
    desk.receive(&outside(9, "new", ""));
    let Event::Request { id, request, .. } = desk.event() else {
        panic!("no request");
    };
    assert_eq!(request.message().unwrap().method().as_bytes(), b"REFER");
    desk.endpoint.respond(desk.now, id, 405, &[], Vec::new());
    assert_eq!(status(&desk.one()), 405);
    desk.receive(&request_with_tag());
    assert_eq!(status(&desk.one()), 481, "a tag names a dialog");
}

fn request_with_tag() -> String {
    for_call(8, &refer(1, "0123456789abcdef", BLIND))
}

#[test]
fn a_target_dialog_stands_for_the_dialog() {
    // RFC 4538. The NOTIFYs go in the dialog the REFER makes.
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    let target = format!("Target-Dialog: call-1@10.0.0.2;local-tag={ours};remote-tag=peer\r\n");
    desk.receive(&outside(9, "new", &format!("Require: tdialog\r\n{target}")));
    let (referred, id, transfer) = desk.referred();
    assert_eq!(referred, dialog);
    assert_eq!(transfer.target, "sip:1002@10.0.0.1");
    desk.endpoint.accept_refer(desk.now, id);
    let sent = desk.sent();
    assert_eq!(status(&sent[0]), 202);
    assert_eq!(value(&sent[1], "Call-ID"), "call-9@10.0.0.2");
    assert_eq!(tag(&value(&sent[1], "To")), "new");
    assert_eq!(value(&sent[1], "From"), value(&sent[0], "To"));
    assert_eq!(notice(&sent[1]).0, "refer");
    desk.receive(&response(&sent[1], "200 OK", "", "", ""));
    desk.endpoint.tell_refer(desk.now, id, 200);
    assert_eq!(value(&desk.one(), "CSeq"), "2 NOTIFY");
}

#[test]
fn a_target_dialog_of_a_stranger_counts_for_nothing() {
    let mut desk = Desk::untimed();
    let (_, ours) = desk.answered(1);
    let good = format!("Target-Dialog: call-1@10.0.0.2;local-tag={ours};remote-tag=peer\r\n");
    let stranger = Path::udp(udp().local, SocketAddr::from(([10, 0, 0, 66], 5070)));
    desk.receive_by(stranger, &outside(9, "new", &good));
    assert!(matches!(desk.event(), Event::Request { .. }));
    for (number, wrong) in (10..).zip([
        good.replace("call-1", "call-2"),
        good.replace("=peer", "=other"),
        good.replace(&ours, "0123456789abcdef"),
        "Target-Dialog: nonsense\r\n".to_owned(),
    ]) {
        desk.receive(&outside(number, "new", &wrong));
        assert!(matches!(desk.event(), Event::Request { .. }), "{wrong}");
    }
}

// ---- INVITE with Replaces

#[test]
fn an_invite_takes_the_place_of_a_confirmed_call() {
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    let lines =
        format!("Require: replaces\r\nReplaces: call-1@10.0.0.2;to-tag={ours};from-tag=peer\r\n");
    desk.receive(&for_call(2, &invite_with(&lines, "offer")));
    let Event::Invited {
        replaces,
        dialog: new,
        ..
    } = desk.event()
    else {
        panic!("no call");
    };
    assert_eq!(replaces, Some(dialog));
    assert_ne!(new, dialog);
}

#[test]
fn an_invite_that_replaces_nothing_of_ours_is_refused() {
    // RFC 3891 §3.
    let mut desk = Desk::untimed();
    let (dialog, ours) = desk.answered(1);
    let good = format!("Replaces: call-1@10.0.0.2;to-tag={ours};from-tag=peer");
    desk.receive(&for_call(2, &invite()));
    let Event::Invited {
        dialog: waiting, ..
    } = desk.event()
    else {
        panic!("no call");
    };
    desk.endpoint.ring(desk.now, waiting, 180, Vec::new());
    let early = tag(&value(&desk.one(), "To"));
    let wrong = [
        (format!("{good}\r\n{good}\r\n"), 400),
        (format!("{good}, c;to-tag=1;from-tag=2\r\n"), 400),
        (format!("{good}\r\nJoin: c;to-tag=1;from-tag=2\r\n"), 400),
        ("Replaces: c;to-tag=1\r\n".to_owned(), 400),
        ("Replaces: c;to-tag=1;from-tag=2\r\n".to_owned(), 481),
        // The roles count here: it is written for us.
        (
            format!("Replaces: call-1@10.0.0.2;to-tag=peer;from-tag={ours}\r\n"),
            481,
        ),
        (format!("{good};early-only\r\n"), 486),
        (
            format!("Replaces: call-2@10.0.0.2;to-tag={early};from-tag=peer\r\n"),
            481,
        ),
    ];
    for (number, (lines, expected)) in (3..).zip(&wrong) {
        desk.receive(&for_call(number, &invite_with(lines, "offer")));
        assert_eq!(status(&desk.one()), *expected, "{lines}");
        assert_eq!(desk.events(), []);
    }
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.sent();
    desk.receive(&for_call(90, &invite_with(&format!("{good}\r\n"), "offer")));
    assert_eq!(status(&desk.one()), 603, "it is ending");
}

#[test]
fn transfers_work_over_a_stream() {
    let mut desk = Desk::with(untimed(), udp());
    desk.path = tcp(3);
    let (_, ours) = desk.answered(1);
    desk.receive(&refer(2, &ours, BLIND));
    let (_, id, _) = desk.referred();
    desk.endpoint.accept_refer(desk.now, id);
    desk.drain();
    let paths: Vec<_> = desk.sent.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, [tcp(3), tcp(3)]);
    // The connection goes while another REFER waits: nobody can be answered.
    desk.receive(&refer(3, &ours, BLIND));
    desk.events();
    desk.lost(tcp(3));
    assert_eq!(desk.events(), []);
}

#[test]
fn events_and_messages_are_not_served() {
    // RFC 3428, RFC 3856, RFC 3903: 405 with what is.
    let mut desk = Desk::untimed();
    for (at, method) in (1..).zip(["MESSAGE", "SUBSCRIBE", "PUBLISH"]) {
        desk.receive(&request(method, at, "", "Event: presence\r\n", ""));
        let refused = desk.one();
        assert_eq!(status(&refused), 405, "{method}");
        assert!(value(&refused, "Allow").contains("REFER, NOTIFY"));
    }
    assert_eq!(desk.events(), []);
}
