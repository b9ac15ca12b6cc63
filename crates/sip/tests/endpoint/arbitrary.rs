//! Nothing from outside can break it.

use std::time::Duration;

use hotline_sip::{
    endpoint::{DialogId, Event, Output},
    message::{Framing, Message},
};
use proptest::prelude::*;

use crate::challenges::with_credentials;
use crate::support::*;

/// Valid messages of every kind, about dialogs that exist and that do not.
fn some_messages() -> Vec<String> {
    let mut desk = Desk::new();
    let (_, ours) = desk.answered(1);
    let mut messages: Vec<String> = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"]
        .iter()
        .chain(&["INFO", "UPDATE", "PRACK", "REFER", "DANCE"])
        .flat_map(|method| {
            [
                request(method, 1, "", CONTACT, "offer"),
                request(method, 2, &ours, CONTACT, "offer"),
            ]
        })
        .collect();
    messages.push(invite_with("Require: 100rel, timer\r\nx: 91\r\n", "offer"));
    desk.endpoint.invite(desk.now, invitation(udp()));
    desk.drain();
    let invite = desk.one();
    for status in [
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "302 Moved",
        "407 Who",
        "491 Later",
    ] {
        messages.push(response(&invite, status, "seat", SEAT, "answer"));
    }
    let reliable = format!("{SEAT}Require: 100rel\r\nRSeq: 1\r\nAllow: UPDATE\r\n");
    for fork in ["seat", "other"] {
        messages.push(response(&invite, "183 Early", fork, &reliable, "early"));
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for path in [udp(), tcp(1)] {
            let mut desk = Desk::over(path);
            desk.endpoint.receive(desk.now, path, &bytes);
            while desk.endpoint.poll_output().is_some() {}
        }
    }

    /// Valid messages with bytes changed, cut and repeated, in any order, to an endpoint in the
    /// middle of its work, with time passing: no panic, and in the end nothing is kept that the
    /// user has not been told of.
    #[test]
    fn broken_messages_never_panic(
        seed in proptest::collection::vec((0usize..31, 0usize..600, any::<u8>(), 0u8..6, 0u64..3_000), 1..40)
    ) {
        let messages = some_messages();
        let mut desk = Desk::new();
        let (_, _) = desk.answered(1);
        desk.endpoint.invite(desk.now, with_credentials(None));
        desk.drain();
        for (which, at, byte, how, wait) in seed {
            let mut bytes = messages[which % messages.len()].clone().into_bytes();
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail);
                }
                3 => {
                    bytes.remove(at);
                }
                _ => {}
            }
            desk.endpoint.receive(desk.now, udp(), &bytes);
            while let Some(output) = desk.endpoint.poll_output() {
                match output {
                    Output::Transmit { bytes, .. } => {
                        // An answer to what is broken may lack what could not be read.
                        let refusal = [b"SIP/2.0 4", b"SIP/2.0 5"].iter().any(|start| bytes.starts_with(*start));
                        prop_assert!(refusal || Message::parse(&bytes, Framing::Datagram).is_ok());
                    }
                    Output::Event(Event::Invited { dialog, .. }) => {
                        if byte % 2 == 0 {
                            desk.endpoint.ring(desk.now, dialog, 183, b"early".to_vec());
                        }
                        match byte % 5 {
                            3 => desk.endpoint.reoffer(desk.now, dialog, b"more".to_vec()),
                            4 => {}
                            0 => desk.endpoint.answer(desk.now, dialog, b"a".to_vec()),
                            1 => desk.endpoint.reject(desk.now, dialog, 486, &[]),
                            _ => desk.endpoint.hang_up(desk.now, dialog, None),
                        }
                    }
                    Output::Event(Event::Reoffered { dialog, body }) => {
                        desk.endpoint.answer_offer(desk.now, dialog, body);
                    }
                    Output::Event(_) | Output::ClosePath(_) => {}
                }
            }
            desk.pass(ms(wait));
        }
        for dialog in 0..60 {
            desk.endpoint.hang_up(desk.now, DialogId(dialog), None);
        }
        desk.drain();
        desk.pass(Duration::from_secs(400));
        prop_assert!(desk.is_empty(), "{:?}", desk.endpoint.counts());
    }
}
