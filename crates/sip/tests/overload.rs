//! Requests turned away for want of time: their answers, their ACKs and their retransmissions.

#![cfg(test)]

mod support;

use hotline_sip::{
    endpoint::Event,
    message::{Framing, Glance, Message, glance},
};
use support::*;

fn turn_away(desk: &mut Desk, text: &str) -> Vec<String> {
    desk.endpoint.turn_away(desk.now, udp(), text.as_bytes(), 7);
    desk.drain();
    desk.sent()
}

#[test]
fn a_503_repeats_what_odd_requests_are_known_by() {
    for (request, vias, to) in [
        (
            "INVITE sip:1@h SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b\r\n\
             Via:\r\n SIP/2.0/UDP\r\n c;branch=z9hG4bK3\r\nf: \"A\" <sip:a@h>;tag=1\r\n\
             t: \"B\" <sip:1@h>\r\ni: id\r\nCSeq:\r\n 7\r\n INVITE\r\nMax-Forwards: 70\r\n\r\n",
            vec![
                "SIP/2.0/UDP a;branch=z9hG4bK1;received=10.0.0.2",
                "SIP/2.0/TCP b",
                "SIP/2.0/UDP c;branch=z9hG4bK3",
            ],
            "\"B\" <sip:1@h>;tag=n-",
        ),
        (
            "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: sip:a@h;tag=1\r\n\
             To: sip:a@h\r\nCall-ID: id\r\nCSeq: 7 REGISTER\r\nMax-Forwards: 70\r\n\r\n",
            vec!["SIP/2.0/UDP a;branch=z9hG4bK1;received=10.0.0.2"],
            "sip:a@h;tag=n-",
        ),
    ] {
        let mut desk = Desk::new();
        let [answer] = &turn_away(&mut desk, request)[..] else {
            panic!("one answer");
        };
        let parsed = Message::parse(answer.as_bytes(), Framing::Datagram).unwrap();
        assert_eq!(status(answer), 503);
        let said: Vec<_> = parsed.vias().map(String::from_utf8_lossy).collect();
        assert_eq!(said, vias);
        assert!(value(answer, "To").starts_with(to), "{answer}");
        assert_eq!(value(answer, "Call-ID"), "id");
        assert_eq!(parsed.cseq().0, 7);
        assert_eq!(value(answer, "Retry-After"), "7");
        assert!(desk.is_empty(), "no state");
        assert_eq!(
            turn_away(&mut desk, request),
            core::slice::from_ref(answer),
            "the same tag again"
        );
    }
}

#[test]
fn what_is_no_whole_request_gets_no_503() {
    let mut desk = Desk::new();
    for text in [
        "INVITE sip:1@h SIP/2.0\r\nTo: <sip:1@h>\r\n\r\n",
        "INVITE",
        "",
        "SIP/2.0 200 OK\r\n\r\n",
    ] {
        assert!(turn_away(&mut desk, text).is_empty(), "{text}");
    }
    let ack = request("ACK", 1, "", "", "");
    assert!(turn_away(&mut desk, &ack).is_empty());
}

#[test]
fn the_ack_of_a_503_is_known_at_a_glance() {
    let mut desk = Desk::new();
    let sent = turn_away(&mut desk, &invite());
    let ack = request("ACK", 1, &tag(&value(&sent[0], "To")), "", "");
    assert_eq!(glance(ack.as_bytes()), Glance::Nothing);
    desk.receive(&invite());
    assert_eq!(status(&desk.one()), 503);
}

#[test]
fn the_ack_of_a_call_is_not_taken_for_that_of_a_503() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    let ours = tag(&value(&desk.one(), "To"));
    assert_eq!(glance(ack(1, &ours, "").as_bytes()), Glance::Ongoing);
}

#[test]
fn a_retransmission_of_what_is_served_is_not_turned_away() {
    let mut desk = Desk::new();
    desk.receive(&invite());
    let dialog = desk.invited();
    assert!(
        turn_away(&mut desk, &invite()).is_empty(),
        "it is being served"
    );
    desk.endpoint.ring(desk.now, dialog, 180, Vec::new());
    desk.drain();
    let ringing = desk.one();
    assert_eq!(
        turn_away(&mut desk, &invite()),
        [ringing],
        "the last word again"
    );
    desk.endpoint.answer(desk.now, dialog, b"answer".to_vec());
    desk.drain();
    assert_eq!(status(&desk.one()), 200);
    assert!(
        turn_away(&mut desk, &invite()).is_empty(),
        "the dialog repeats it"
    );
}

#[test]
fn a_retransmission_of_what_was_turned_away_is_turned_away_too() {
    let mut desk = Desk::new();
    assert_eq!(status(&turn_away(&mut desk, &invite())[0]), 503);
    desk.pass(ms(500));
    // There is room by now.
    desk.receive(&invite());
    assert_eq!(status(&desk.one()), 503);
    assert!(desk.events().is_empty());
    // Another call is served.
    desk.receive(&for_call(2, &invite()));
    desk.invited();
    // So is the same one when its sender must have given up.
    desk.pass(ms(32_001));
    desk.sent();
    desk.events();
    desk.receive(&invite());
    assert!(matches!(desk.event(), Event::Invited { .. }));
}
