//! Who hears whom.

use hotline_model::limits::VOICES;

use super::*;
use crate::{Gain, Voice};

#[test]
fn a_bridge_passes_payloads_byte_for_byte_both_ways() {
    let mut bench = Bench::new();
    bench.bridge();
    for n in 0..200u16 {
        let payload: Vec<u8> = (0..160).map(|i| (i * n) as u8).collect();
        let sequence = n.wrapping_add(65_500);
        for (from, to) in [(A, B), (B, A)] {
            bench.hear(from, &rtp(8, sequence, u32::from(n) * 160, &payload));
            let sent = bench.sent(to);
            assert_eq!(sent.len(), 1, "at once");
            assert_eq!(sent[0].payload, payload);
            assert_eq!(sent[0].marker, n == 0);
            assert_ne!(sent[0].ssrc, 7, "our own stream");
        }
        bench.pass(20);
    }
    assert_eq!(bench.net.sent, [], "nothing arrives, nothing is sent");
    bench.pass(1_000);
    assert_eq!(bench.net.sent, []);
    let stats = bench.close(A);
    assert_eq!((stats.received, stats.sent, stats.lost), (200, 200, 0));
}

#[test]
fn two_laws_are_converted_and_extensions_left_out() {
    let mut bench = Bench::new();
    let ulaw = Agreed {
        codec: Format::Pcmu,
        payload_type: 0,
        ..agreed(B)
    };
    bench.connect(B, ulaw);
    bench.bridge();
    let all: Vec<u8> = (0..=255).collect();
    bench.hear(A, &rtp(8, 1, 0, &all));
    let sent = bench.sent(B).remove(0);
    assert_eq!(sent.payload_type, 0);
    let expected: Vec<u8> = all
        .iter()
        .map(|&b| Codec::Pcma.convert(b, Codec::Pcmu))
        .collect();
    assert_eq!(sent.payload, expected);
    let extended = RtpPacketBuilder::new()
        .payload_type(0)
        .extension(0xBEDE, &[1, 2, 3, 4])
        .add_csrc(9)
        .padded(rtp_rs::Pad::round_to(4))
        .payload(&[0xFF; 159])
        .build()
        .unwrap();
    bench.hear(B, &extended);
    let sent = bench.sent(A).remove(0);
    assert_eq!((sent.payload_type, sent.payload), (8, vec![0xD5; 159]));
}

#[test]
fn a_play_on_a_bridged_leg_goes_before_the_bridge() {
    let mut bench = Bench::new();
    bench.bridge();
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    bench.play(A, &[Clip::silence(20)]);
    bench.hear(B, &rtp(8, 2, 160, &[2; 160]));
    bench.pass(40);
    bench.hear(B, &rtp(8, 3, 320, &[3; 160]));
    let sent = bench.sent(A);
    let first: Vec<u8> = sent.iter().map(|packet| packet.payload[0]).collect();
    assert_eq!(first, [1, 0xD5, 3]);
    assert!(sent.iter().all(|packet| packet.marker));
    let apart = |n: usize| sent[n + 1].sequence.wrapping_sub(sent[n].sequence);
    assert_eq!([apart(0), apart(1)], [1, 1]);
}

#[test]
fn bridging_stops_the_music_and_another_bridge_takes_over() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 1_000)]);
    bench.bridge();
    bench.pass(100);
    assert_eq!(bench.sent(A), []);
    let third = LegId(33);
    bench.tell(open(third));
    bench.connect(third, agreed(third));
    bench.tell(Command::Bridge { a: A, b: third });
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.net.sent, [], "B is alone now");
    bench.tell(Command::Close { leg: third });
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.net.sent, []);
    bench.tell(Command::Bridge { a: A, b: A });
    assert_eq!(bench.worker.counts().commands_dropped, 1);
}

/// A third leg beside A and B, connected.
const C: LegId = LegId(33);

fn third(bench: &mut Bench) {
    bench.tell(open(C));
    bench.connect(C, agreed(C));
}

fn hear(bench: &mut Bench, leg: LegId, voices: &[LegId]) {
    let voices = voices.iter().map(|&leg| Voice {
        leg,
        gain: Gain::FULL,
    });
    let voices = voices.collect();
    bench.tell(Command::Hear { leg, voices });
}

#[test]
fn who_listens_to_one_party_alone_gets_its_packets_and_is_not_heard() {
    let mut bench = Bench::new();
    third(&mut bench);
    bench.bridge();
    hear(&mut bench, C, &[A]);
    bench.hear(A, &rtp(8, 1, 0, &[7; 160]));
    let to: Vec<Slot> = bench.net.sent.iter().map(|sent| sent.0).collect();
    assert_eq!(to, [Slot(1), Slot(2)]);
    bench.net.sent.clear();
    bench.hear(C, &rtp(8, 1, 0, &[9; 160]));
    assert!(bench.net.sent.is_empty(), "nobody has C in its row");
    bench.hear(B, &rtp(8, 1, 0, &[8; 160]));
    assert_eq!(bench.net.sent.len(), 1, "C does not hear B");
    bench.check();
}

#[test]
fn a_row_that_cannot_be_is_refused_and_changes_nothing() {
    let mut bench = Bench::new();
    bench.bridge();
    for row in [vec![A], vec![B, B], vec![LegId(99)], vec![B; VOICES + 1]] {
        hear(&mut bench, A, &row);
    }
    assert_eq!(bench.worker.counts().commands_dropped, 4);
    bench.hear(B, &rtp(8, 1, 0, &[8; 160]));
    assert_eq!(bench.sent(A).len(), 1);
}

#[test]
fn a_leg_that_closes_leaves_every_row() {
    let mut bench = Bench::new();
    third(&mut bench);
    hear(&mut bench, B, &[A]);
    hear(&mut bench, C, &[A]);
    bench.close(A);
    // Another leg takes the slot: it is heard by nobody.
    bench.tell(open(A));
    bench.connect(A, agreed(A));
    bench.reports();
    bench.hear(A, &rtp(8, 1, 0, &[7; 160]));
    assert!(bench.net.sent.is_empty());
    bench.check();
}

#[test]
fn nobody_hears_a_shielded_leg_nor_records_it_and_its_keys_are_reported() {
    let mut bench = Bench::new();
    bench.bridge();
    recordings::record(&mut bench);
    let shield = |shielded| Command::Shield { leg: A, shielded };
    bench.tell(shield(true));
    bench.hear(A, &rtp(8, 1, 0, &[7; 160]));
    bench.hear(A, &digits::press(2, 160, 4, true, 800));
    assert!(bench.net.sent.is_empty());
    assert!(bench.net.blocks.is_empty());
    assert!(matches!(
        bench.reports()[..],
        [Report::Digit { digit: '4', .. }]
    ));
    bench.hear(B, &rtp(8, 1, 0, &[8; 160]));
    assert_eq!(bench.sent(A).len(), 1, "it hears as before");
    bench.tell(shield(false));
    bench.hear(A, &rtp(8, 3, 320, &[7; 160]));
    assert_eq!(bench.sent(B).len(), 1);
    assert_eq!(bench.net.blocks.len(), 2);
}
