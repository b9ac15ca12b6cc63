//! REFERs that come.

use std::time::Duration;

use hotline_model::limits;
use hotline_sip::endpoint::{EndedBy, Event, HangUpReason};

use crate::support::*;
use crate::words::{BLIND, notice, refer, said};

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
