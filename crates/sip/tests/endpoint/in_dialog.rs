//! Requests within a dialog: offers that meet, BYEs that cross, who was forgotten.

use hotline_sip::endpoint::{EndedBy, Event};

use crate::support::*;

#[test]
fn the_sequence_must_rise() {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    desk.receive(&request(
        "INFO",
        5,
        &ours,
        "Content-Type: application/dtmf-relay\r\n",
        "",
    ));
    assert_eq!(status(&desk.one()), 200);
    assert!(matches!(desk.event(), Event::Info { .. }));
    desk.receive(&request("BYE", 4, &ours, "", ""));
    assert_eq!(status(&desk.one()), 500);
    assert!(desk.events().is_empty());
    desk.receive(&request("OPTIONS", 6, &ours, "", ""));
    let options = desk.one();
    assert_eq!(status(&options), 200);
    assert!(value(&options, "Allow").contains("UPDATE"));
    desk.receive(&request("SUBSCRIBE", 7, &ours, "", ""));
    assert_eq!(status(&desk.one()), 405);
    desk.receive(&request(
        "INVITE",
        8,
        &ours,
        &format!("{CONTACT}Require: x\r\n"),
        "",
    ));
    assert_eq!(status(&desk.one()), 420);
}

#[test]
fn offers_of_the_peer_by_reinvite_and_update() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    let moved = "Contact: <sip:elsewhere@10.0.0.2:5099>\r\n";
    desk.receive(&request("INVITE", 2, &ours, moved, "hold"));
    assert_eq!(
        desk.event(),
        Event::Reoffered {
            dialog,
            body: b"hold".to_vec()
        }
    );
    // §14.2: a second one before the first is answered.
    desk.receive(&request("INVITE", 3, &ours, moved, "again"));
    let busy = desk.one();
    assert_eq!(status(&busy), 500);
    assert!(value(&busy, "Retry-After").parse::<u32>().unwrap() <= 10);
    desk.receive(&request("ACK", 3, &ours, "", ""));
    desk.endpoint
        .answer_offer(desk.now, dialog, b"held".to_vec());
    desk.drain();
    assert!(desk.one().ends_with("held"));
    desk.pass(ms(500));
    assert_eq!(status(&desk.one()), 200, "until the ACK");
    desk.receive(&ack(2, &ours, ""));
    desk.event();
    desk.pass(ms(5_000));
    assert!(desk.sent().is_empty());

    desk.receive(&request("UPDATE", 4, &ours, moved, "resume"));
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    desk.endpoint.refuse_offer(desk.now, dialog, 488);
    desk.drain();
    assert_eq!(status(&desk.one()), 488);
    desk.receive(&request("UPDATE", 5, &ours, moved, ""));
    assert_eq!(status(&desk.one()), 200, "a target refresh alone");
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    assert!(
        desk.one()
            .starts_with("BYE sip:elsewhere@10.0.0.2:5099 SIP/2.0\r\n")
    );
    desk.assert_forgets_all();
}

#[test]
fn who_asks_again_has_heard_our_200() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&request("INVITE", 2, &ours, CONTACT, "hold"));
    let events = desk.events();
    assert!(matches!(events[0], Event::Acknowledged { .. }));
    assert!(matches!(events[1], Event::Reoffered { .. }));
}

#[test]
fn glare_is_491_and_ours_is_tried_again() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    desk.endpoint.reoffer(desk.now, dialog, b"ours".to_vec());
    desk.drain();
    let reinvite = desk.one();
    assert_eq!(value(&reinvite, "CSeq"), "1 INVITE");
    desk.receive(&request("INVITE", 2, &ours, CONTACT, "theirs"));
    assert_eq!(status(&desk.one()), 491);
    desk.receive(&request("ACK", 2, &ours, "", ""));
    desk.receive(&response(&reinvite, "491 Request Pending", "", "", ""));
    assert_eq!(method(&desk.one()), "ACK");
    desk.receive(&request("INVITE", 3, &ours, CONTACT, "theirs"));
    assert!(matches!(desk.event(), Event::Reoffered { .. }));
    // §14.1: the callee waits two seconds at most, and theirs is under way longer than that.
    desk.pass(ms(2_000));
    assert!(desk.sent().is_empty());
    desk.endpoint
        .answer_offer(desk.now, dialog, b"yes".to_vec());
    desk.drain();
    desk.sent();
    desk.receive(&ack(3, &ours, ""));
    let again = desk.one();
    assert!(again.starts_with("INVITE") && again.ends_with("ours"));
    assert_eq!(value(&again, "CSeq"), "2 INVITE");
    desk.events();
    desk.receive(&response(&again, "200 OK", "", CONTACT, "agreed"));
    assert_eq!(
        desk.event(),
        Event::ReofferAnswered {
            dialog,
            body: b"agreed".to_vec()
        }
    );
}

#[test]
fn the_owner_of_the_call_id_waits_longer() {
    for seed in 0..20 {
        let mut desk = Desk::new();
        let (dialog, _) = desk.connected();
        desk.endpoint.reoffer(desk.now, dialog, vec![seed]);
        desk.drain();
        let reinvite = desk.one();
        desk.receive(&response(&reinvite, "491 Request Pending", "", "", ""));
        desk.sent();
        desk.pass(ms(2_099));
        assert!(desk.sent().is_empty());
        desk.pass(ms(1_901));
        assert_eq!(method(&desk.sent()[0]), "INVITE");
    }
}

#[test]
fn a_dialog_the_peer_has_forgotten_ends() {
    // RFC 3261 §12.2.1.2.
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    desk.drain();
    let reinvite = desk.one();
    desk.receive(&response(&reinvite, "481 Gone", "", "", ""));
    let sent = desk.sent();
    assert_eq!((method(&sent[0]), method(&sent[1])), ("ACK", "BYE"));
    assert_eq!(
        desk.event(),
        Event::Ended {
            dialog,
            why: EndedBy::Timeout,
            reason: None
        }
    );
    desk.assert_forgets_all();
    assert!(desk.events().is_empty());
}

#[test]
fn a_refused_reoffer_leaves_the_session_alone() {
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"one".to_vec());
    desk.endpoint.reoffer(desk.now, dialog, b"two".to_vec());
    desk.endpoint.reoffer(desk.now, dialog, b"three".to_vec());
    desk.drain();
    let first = desk.one();
    assert!(first.ends_with("one"));
    desk.receive(&response(&first, "488 No", "", "", ""));
    assert_eq!(
        desk.event(),
        Event::ReofferRefused {
            dialog,
            status: 488
        }
    );
    let sent = desk.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].ends_with("three"), "the newest, once");
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut desk = Desk::new();
    let (dialog, ours) = desk.answered(1);
    desk.endpoint.hang_up(desk.now, dialog, None);
    desk.drain();
    let bye = desk.one();
    desk.receive(&request("BYE", 2, &ours, "", ""));
    assert_eq!(status(&desk.one()), 200);
    desk.receive(&response(&bye, "200 OK", "", "", ""));
    assert!(desk.events().is_empty());
    desk.receive(&request("INFO", 3, &ours, "", ""));
    assert_eq!(status(&desk.one()), 481);
    desk.assert_forgets_all();
}
