//! REFERs outside dialogs, and Target-Dialog.

use std::net::SocketAddr;

use hotline_sip::{endpoint::Event, path::Path};

use crate::support::*;
use crate::words::{BLIND, notice, refer};

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
