//! Replaces: in a Refer-To, and in an INVITE.

use hotline_sip::endpoint::{Event, HangUpReason};

use crate::support::*;
use crate::words::refer;

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
fn an_invite_takes_the_place_of_a_call_of_ours_that_rings() {
    // RFC 3891 §3: an early dialog that we began, whether or not the sender means only such.
    for early_only in ["", ";early-only"] {
        let mut desk = Desk::untimed();
        let ringing = desk.endpoint.invite(desk.now, invitation(udp()));
        let invite = desk.one();
        let (id, ours) = (value(&invite, "Call-ID"), tag(&value(&invite, "From")));
        let lines = |theirs: &str| {
            format!("Replaces: {id};to-tag={ours};from-tag={theirs}{early_only}\r\n")
        };
        // Nobody rings yet, and the other fork never did.
        desk.receive(&for_call(2, &invite_with(&lines("fork-a"), "offer")));
        assert_eq!(status(&desk.one()), 481, "nobody rings yet");
        for fork in ["fork-a", "fork-b"] {
            desk.receive(&response(&invite, "180 Ringing", fork, CONTACT, ""));
            assert!(matches!(desk.event(), Event::Ringing { .. }));
        }
        desk.receive(&for_call(3, &invite_with(&lines("fork-c"), "offer")));
        assert_eq!(status(&desk.one()), 481, "no such fork");

        desk.receive(&for_call(4, &invite_with(&lines("fork-b"), "offer")));
        let Event::Invited {
            replaces,
            dialog: new,
            ..
        } = desk.event()
        else {
            panic!("no call");
        };
        assert_eq!(replaces, Some(ringing));
        // The user says so: the call is accepted, and what rings is cancelled.
        desk.endpoint.answer(desk.now, new, b"answer".to_vec());
        assert_eq!(status(&desk.one()), 200);
        let elsewhere = HangUpReason::sip(200, "Call completed elsewhere");
        desk.endpoint.hang_up(desk.now, ringing, Some(elsewhere));
        let cancel = desk.one();
        assert_eq!(method(&cancel), "CANCEL");
        assert_eq!(value(&cancel, "Call-ID"), id);
        desk.receive(&for_call(5, &invite_with(&lines("fork-b"), "offer")));
        assert_eq!(status(&desk.one()), 481, "it rings no more");
    }
}
