//! Paths that break.

use hotline_sip::endpoint::{EndedBy, Event, Output};

use crate::support::*;

#[test]
fn a_lost_connection_cancels_what_cannot_be_answered() {
    let mut desk = Desk::over(tcp(4));
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.path_lost(desk.now, tcp(5));
    desk.drain();
    assert!(desk.events().is_empty(), "another connection");
    desk.endpoint.path_lost(desk.now, tcp(4));
    desk.drain();
    assert_eq!(desk.event(), Event::Cancelled { dialog });
    assert!(desk.is_empty());
}

#[test]
fn a_dialog_outlives_its_connection() {
    let mut desk = Desk::over(tcp(4));
    let text = invite().replace("10.0.0.2:5070>\r\n", "10.0.0.2:5070;transport=tcp>\r\n");
    desk.receive(&text);
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(desk.sent().last().unwrap(), "To"));
    desk.receive(&ack(1, &ours, ""));
    desk.events();
    desk.endpoint.path_lost(desk.now, tcp(4));
    desk.drain();
    assert!(desk.events().is_empty());
    desk.endpoint.hang_up(desk.now, dialog, None);
    let Some(Output::Transmit { path, .. }) = desk.endpoint.poll_output() else {
        panic!("no BYE");
    };
    assert_eq!(path, tcp(0), "any connection to where its Contact points");
    desk.endpoint.path_lost(desk.now, tcp(0));
    desk.drain();
    desk.assert_forgets_all();
}

#[test]
fn an_unreachable_phone_is_503_at_once() {
    let mut desk = Desk::new();
    let dialog = desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    desk.endpoint.path_lost(desk.now, udp());
    desk.drain();
    assert!(matches!(desk.event(), Event::Refused { dialog: d, status: 503, .. } if d == dialog));
    assert!(desk.is_empty());
}

#[test]
fn a_lost_path_ends_a_dialog_that_needs_it() {
    let mut desk = Desk::new();
    let (dialog, _) = desk.connected();
    desk.endpoint.reoffer(desk.now, dialog, b"hold".to_vec());
    desk.drain();
    desk.endpoint.path_lost(desk.now, udp());
    desk.drain();
    assert_eq!(
        desk.event(),
        Event::Ended {
            dialog,
            why: EndedBy::PathLost,
            reason: None
        }
    );
    desk.assert_forgets_all();
    assert!(desk.events().is_empty());
}
