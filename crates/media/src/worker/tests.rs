//! The worker against a network of vectors.

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::collections::{BTreeMap, VecDeque};

use hotline_model::{Instant, LegId};
use proptest::prelude::*;
use rtp_rs::{RtpPacketBuilder, RtpReader};

use super::{Slot, Wire, Worker};
use crate::{
    Block, Clip, Codec, Command, Report, Stats,
    sdp::{Agreed, Direction, Security},
};

const A: LegId = LegId(11);
const B: LegId = LegId(22);

#[derive(Default)]
struct Net {
    sent: Vec<(Slot, SocketAddr, Vec<u8>)>,
    inbox: BTreeMap<Slot, VecDeque<(SocketAddr, Vec<u8>)>>,
    watched: BTreeMap<Slot, bool>,
    blocks: Vec<Block>,
    no_ports: bool,
    recorder_full: bool,
    /// Sending to this address panics, as a fault of the engine would.
    breaks: Option<SocketAddr>,
}

impl Wire for Net {
    fn open(&mut self, slot: Slot) -> Result<u16, String> {
        if self.no_ports {
            return Err("none left".to_owned());
        }
        Ok(30_000 + 2 * slot.0 as u16)
    }
    fn close(&mut self, slot: Slot) {
        self.watched.remove(&slot);
        self.inbox.remove(&slot);
    }
    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        assert_ne!(Some(to), self.breaks, "broken on purpose");
        self.sent.push((slot, to, packet.to_vec()));
        true
    }
    fn receive(&mut self, slot: Slot, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (from, packet) = self.inbox.get_mut(&slot)?.pop_front()?;
        buffer[..packet.len()].copy_from_slice(&packet);
        Some((packet.len(), from))
    }
    fn watch(&mut self, slot: Slot, on_arrival: bool) {
        self.watched.insert(slot, on_arrival);
    }
    fn record(&mut self, block: &Block) -> bool {
        if !self.recorder_full {
            self.blocks.push(*block);
        }
        !self.recorder_full
    }
}

/// A worker and its world, with a clock that the test moves.
struct Bench {
    worker: Worker,
    net: Net,
    now: Instant,
}

fn peer(leg: LegId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_000 + leg.0 as u16)
}

fn agreed(leg: LegId) -> Agreed {
    Agreed {
        remote: peer(leg),
        codec: Codec::Pcma,
        payload_type: 8,
        digits: Some(101),
        direction: Direction::SendRecv,
        packet_ms: 20,
        security: Security::Plain,
    }
}

fn slot(leg: LegId) -> Slot {
    Slot(usize::from(leg == B))
}

fn rtp(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    RtpPacketBuilder::new()
        .payload_type(payload_type)
        .sequence(sequence.into())
        .timestamp(timestamp)
        .ssrc(7)
        .payload(payload)
        .build()
        .unwrap()
}

impl Bench {
    /// Legs A and B, open and connected; time stands at 1.003 s.
    fn new() -> Self {
        let mut bench = Self {
            worker: Worker::new(5),
            net: Net::default(),
            now: Instant::START + Duration::from_millis(1_003),
        };
        for leg in [A, B] {
            bench.tell(Command::Open { leg });
            bench.connect(leg, agreed(leg));
        }
        let port = |leg| 30_000 + 2 * slot(leg).0 as u16;
        let opened = [A, B].map(|leg| Report::Opened {
            leg,
            port: port(leg),
        });
        assert_eq!(bench.reports(), opened);
        bench
    }

    fn tell(&mut self, command: Command) {
        self.worker.handle_command(self.now, command, &mut self.net);
    }

    fn connect(&mut self, leg: LegId, agreed: Agreed) {
        self.tell(Command::Connect { leg, agreed });
    }

    fn bridge(&mut self) {
        self.tell(Command::Bridge { a: A, b: B });
    }

    fn play(&mut self, leg: LegId, clips: &[Clip]) {
        let (clips, repeat) = (clips.to_vec(), false);
        self.tell(Command::Play {
            leg,
            play: 1,
            clips,
            repeat,
        });
    }

    /// A packet that is handed over on arrival.
    fn hear(&mut self, leg: LegId, packet: &[u8]) {
        self.hear_from(leg, peer(leg), packet);
    }

    fn hear_from(&mut self, leg: LegId, from: SocketAddr, packet: &[u8]) {
        self.worker
            .handle_packet(self.now, slot(leg), from, packet, &mut self.net);
    }

    /// Lets time pass, with every tick on time.
    fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(due) = self.worker.next_tick().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.worker.handle_tick(self.now, &mut self.net);
            self.check();
        }
        self.now = until;
    }

    /// Each leg that needs ticks has exactly one place in the schedule, and it knows which.
    fn check(&self) {
        let mut places = 0;
        for (slot, leg) in &self.worker.legs {
            assert_eq!(leg.needs_ticks(), leg.place.is_some(), "leg {}", leg.id);
            if let Some(place) = leg.place {
                assert!(self.worker.schedule.is_at(place, slot));
                places += 1;
            }
        }
        assert_eq!(self.worker.schedule.len(), places);
    }

    fn reports(&mut self) -> Vec<Report> {
        core::iter::from_fn(|| self.worker.poll_report()).collect()
    }

    /// What was sent to a leg since the last look: marker, sequence, timestamp, type, payload.
    fn sent(&mut self, leg: LegId) -> Vec<Sent> {
        let (to_leg, rest) = core::mem::take(&mut self.net.sent)
            .into_iter()
            .partition(|(to, ..)| *to == slot(leg));
        self.net.sent = rest;
        let to_leg: Vec<(Slot, SocketAddr, Vec<u8>)> = to_leg;
        to_leg
            .iter()
            .map(|(_, to, bytes)| {
                assert_eq!(*to, peer(leg));
                let packet = RtpReader::new(bytes).unwrap();
                Sent {
                    marker: packet.mark(),
                    sequence: packet.sequence_number().into(),
                    timestamp: packet.timestamp(),
                    ssrc: packet.ssrc(),
                    payload_type: packet.payload_type(),
                    payload: packet.payload().to_vec(),
                }
            })
            .collect()
    }

    fn close(&mut self, leg: LegId) -> Stats {
        self.tell(Command::Close { leg });
        match self.reports().pop() {
            Some(Report::Closed { leg: closed, stats }) if closed == leg => stats,
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Sent {
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload_type: u8,
    payload: Vec<u8>,
}

fn payloads(sent: &[Sent]) -> Vec<u8> {
    sent.iter()
        .flat_map(|packet| packet.payload.clone())
        .collect()
}

fn is_continuous(sent: &[Sent]) -> bool {
    sent.windows(2).all(|pair| {
        pair[1].sequence == pair[0].sequence.wrapping_add(1)
            && pair[1].timestamp == pair[0].timestamp.wrapping_add(160)
            && pair[1].ssrc == pair[0].ssrc
    })
}

#[test]
fn legs_open_once_fail_with_a_cause_and_give_their_slot_back() {
    let mut bench = Bench::new();
    bench.tell(Command::Open { leg: A });
    bench.tell(Command::StopPlay { leg: LegId(99) });
    assert_eq!(bench.worker.counts().commands_dropped, 2);
    bench.net.no_ports = true;
    bench.tell(Command::Open { leg: LegId(33) });
    let cause = "none left".to_owned();
    assert_eq!(
        bench.reports(),
        [Report::OpenFailed {
            leg: LegId(33),
            cause
        }]
    );
    assert_eq!(bench.close(A), Stats::default());
    bench.net.no_ports = false;
    bench.tell(Command::Open { leg: LegId(33) });
    assert_eq!(
        bench.reports(),
        [Report::Opened {
            leg: LegId(33),
            port: 30_000
        }]
    );
    assert_eq!(bench.worker.legs(), 2);
}

#[test]
fn a_prompt_is_sent_whole_in_20_ms_frames_and_its_end_reported() {
    let mut bench = Bench::new();
    let clips = [Clip::tone(440, 50), Clip::tone(600, 35)];
    bench.play(A, &clips);
    bench.pass(97);
    assert_eq!(bench.reports(), [], "the last frame's time is not over");
    bench.pass(20);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 1 }]);
    let sent = bench.sent(A);
    let mut expected = [clips[0].bytes(Codec::Pcma), clips[1].bytes(Codec::Pcma)].concat();
    expected.resize(5 * 160, 0xD5);
    assert_eq!(payloads(&sent), expected);
    assert!(is_continuous(&sent));
    let markers: Vec<bool> = sent.iter().map(|packet| packet.marker).collect();
    assert_eq!(markers, [true, false, false, false, false]);
    assert!(sent.iter().all(|packet| packet.payload_type == 8));
    // A second later: the next number, the time that passed, a marker.
    bench.pass(903);
    bench.play(A, &clips);
    bench.pass(20);
    let next = bench.sent(A).remove(0);
    assert_eq!(next.sequence, sent[4].sequence.wrapping_add(1));
    assert_eq!(next.timestamp, sent[0].timestamp.wrapping_add(8_000 + 160));
    assert!(next.marker);
}

#[test]
fn a_new_play_replaces_the_old_and_a_stopped_one_is_not_reported() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 1_000)]);
    bench.pass(100);
    let second = Clip::tone(880, 40);
    let (clips, repeat) = (vec![second.clone()], false);
    bench.tell(Command::Play {
        leg: A,
        play: 2,
        clips,
        repeat,
    });
    bench.pass(100);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 2 }]);
    let sent = bench.sent(A);
    assert_eq!(payloads(&sent[5..]), second.bytes(Codec::Pcma));
    assert!(is_continuous(&sent));
    bench.play(A, &[second]);
    bench.tell(Command::StopPlay { leg: A });
    bench.pass(100);
    assert_eq!((bench.reports(), bench.sent(A)), (vec![], vec![]));
}

#[test]
fn music_goes_on_until_it_is_stopped() {
    let mut bench = Bench::new();
    let tune = Clip::tone(300, 30);
    let (clips, repeat) = (vec![tune.clone()], true);
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips,
        repeat,
    });
    bench.pass(600);
    let heard = payloads(&bench.sent(A));
    assert_eq!(heard, tune.bytes(Codec::Pcma).repeat(20));
    assert_eq!(bench.reports(), []);
}

#[test]
fn a_leg_on_hold_hears_nothing_and_its_script_goes_on() {
    let mut bench = Bench::new();
    let hold = Agreed {
        direction: Direction::RecvOnly,
        ..agreed(A)
    };
    bench.connect(A, hold);
    bench.play(A, &[Clip::tone(440, 100)]);
    bench.pass(200);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 1 }]);
    bench.bridge();
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.sent(A), []);
    // Resumed: the bridge is heard again.
    bench.connect(A, agreed(A));
    bench.hear(B, &rtp(8, 2, 160, &[2; 160]));
    assert_eq!(payloads(&bench.sent(A)), [2; 160]);
    // We hold A: it may not send.
    bench.connect(
        A,
        Agreed {
            direction: Direction::SendOnly,
            ..agreed(A)
        },
    );
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.sent(B), []);
    assert_eq!(bench.close(A).not_agreed, 1);
}

#[test]
fn a_late_tick_makes_up_a_little_and_leaves_out_the_rest() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 400)]);
    bench.pass(20);
    // The thread sleeps through 60 ms.
    bench.now = bench.now + Duration::from_millis(60);
    bench.worker.handle_tick(bench.now, &mut bench.net);
    let sent = bench.sent(A);
    assert_eq!(sent.len(), 4);
    assert!(is_continuous(&sent));
    // And through a second: five frames, at the times they belong to.
    bench.now = bench.now + Duration::from_secs(1);
    bench.worker.handle_tick(bench.now, &mut bench.net);
    let caught_up = bench.sent(A);
    assert_eq!(caught_up.len(), 5);
    assert!(is_continuous(&caught_up));
    assert_eq!(bench.worker.counts().frames_late, 45);
    let skipped = caught_up[0].timestamp.wrapping_sub(sent[3].timestamp);
    assert_eq!(skipped, 46 * 160);
    bench.pass(220);
    assert_eq!(payloads(&[sent, caught_up, bench.sent(A)].concat()), {
        let clip = Clip::tone(440, 400);
        clip.bytes(Codec::Pcma).to_vec()
    });
}

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
        codec: Codec::Pcmu,
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
fn only_the_agreed_address_and_port_is_listened_to() {
    let mut bench = Bench::new();
    bench.bridge();
    let packet = rtp(8, 1, 0, &[1; 160]);
    let mut stranger = peer(A);
    stranger.set_port(5);
    bench.hear_from(A, stranger, &packet);
    bench.hear_from(
        A,
        SocketAddr::new([10, 0, 0, 1].into(), peer(A).port()),
        &packet,
    );
    let nowhere = SocketAddr::new([0, 0, 0, 0].into(), peer(A).port());
    bench.connect(
        A,
        Agreed {
            remote: nowhere,
            ..agreed(A)
        },
    );
    bench.hear_from(A, nowhere, &packet);
    bench.hear(A, &packet);
    assert_eq!(bench.sent(B), []);
    let stats = bench.close(A);
    assert_eq!((stats.strangers, stats.received), (4, 0));
}

#[test]
fn what_is_not_agreed_sound_is_counted_and_dropped() {
    let mut bench = Bench::new();
    bench.bridge();
    bench.hear(A, &[0x80, 200, 0, 1, 0, 0, 0, 7]);
    bench.hear(A, &[1, 2, 3]);
    bench.hear(A, &[0x80; 1_501]);
    bench.hear(A, &rtp(13, 1, 0, &[0]));
    assert_eq!(bench.sent(B), []);
    bench.hear(A, &rtp(0, 2, 160, &[0xFF; 160]));
    assert_eq!(
        payloads(&bench.sent(B)),
        [0xD5; 160],
        "the other static type is understood"
    );
    let stats = bench.close(A);
    assert_eq!(
        (
            stats.rtcp,
            stats.malformed,
            stats.not_agreed,
            stats.received
        ),
        (1, 2, 1, 1)
    );
}

fn press(sequence: u16, timestamp: u32, event: u8, end: bool, duration: u16) -> Vec<u8> {
    let [high, low] = duration.to_be_bytes();
    let flags = if end { 0x8A } else { 0x0A };
    rtp(101, sequence, timestamp, &[event, flags, high, low])
}

#[test]
fn a_key_is_reported_once_and_passed_on_under_the_others_type() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            digits: Some(96),
            ..agreed(B)
        },
    );
    bench.bridge();
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    for n in 0..3 {
        bench.hear(A, &press(2 + n, 160, 5, n > 0, 160 * (n + 1)));
    }
    bench.hear(A, &rtp(8, 5, 640, &[1; 160]));
    assert_eq!(
        bench.reports(),
        [Report::Digit {
            leg: A,
            digit: '5',
            ms: 40
        }]
    );
    let sent = bench.sent(B);
    let types: Vec<u8> = sent.iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [8, 96, 96, 96, 8]);
    let since = |n: usize| sent[n].timestamp.wrapping_sub(sent[0].timestamp);
    assert_eq!([since(1), since(3), since(4)], [160, 160, 640]);
    assert_eq!(bench.close(A).digits, 1);
}

#[test]
fn a_key_whose_end_is_lost_is_reported_in_time() {
    for bridged in [false, true] {
        let mut bench = Bench::new();
        if bridged {
            bench.bridge();
        }
        bench.hear(A, &press(1, 0, 11, false, 160));
        bench.check();
        bench.pass(140);
        assert_eq!(bench.reports(), []);
        bench.pass(40);
        assert_eq!(
            bench.reports(),
            [Report::Digit {
                leg: A,
                digit: '#',
                ms: 20
            }]
        );
    }
}

#[test]
fn keys_do_not_reach_a_leg_that_did_not_agree_on_them() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            digits: None,
            ..agreed(B)
        },
    );
    bench.bridge();
    bench.hear(A, &press(1, 0, 1, true, 160));
    assert_eq!(bench.sent(B), []);
    assert_eq!(
        bench.reports(),
        [Report::Digit {
            leg: A,
            digit: '1',
            ms: 20
        }]
    );
    assert_eq!(bench.close(A).not_relayed, 1);
}

#[test]
fn a_pressed_key_takes_the_place_of_sound() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 2_000)]);
    bench.pass(40);
    bench.tell(Command::Press {
        leg: A,
        digit: '7',
        ms: 60,
    });
    bench.pass(200);
    let sent = bench.sent(A);
    let types: Vec<u8> = sent.iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [8, 8, 101, 101, 101, 101, 101, 8, 8, 8, 8, 8]);
    assert_eq!(sent[2].timestamp, sent[6].timestamp);
    assert!(sent[2].marker && !sent[3].marker && sent[7].marker);
    let tone = Clip::tone(440, 2_000);
    let heard: Vec<Sent> = sent
        .into_iter()
        .filter(|packet| packet.payload_type == 8)
        .collect();
    assert_eq!(
        payloads(&heard),
        tone.bytes(Codec::Pcma)[..7 * 160],
        "sound waits meanwhile"
    );
    // A phone without telephone-event cannot press.
    bench.connect(
        A,
        Agreed {
            digits: None,
            ..agreed(A)
        },
    );
    bench.tell(Command::Press {
        leg: A,
        digit: '7',
        ms: 60,
    });
    assert_eq!(bench.worker.counts().commands_dropped, 1);
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
    bench.tell(Command::Open { leg: third });
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

#[test]
fn silence_is_reported_once_until_the_next_agreement() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            direction: Direction::SendOnly,
            ..agreed(B)
        },
    );
    bench.pass(20_000);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    bench.pass(29_000);
    assert_eq!(bench.reports(), []);
    bench.pass(60_000);
    assert_eq!(bench.reports(), [Report::Silent { leg: A }]);
    bench.connect(A, agreed(A));
    bench.pass(31_000);
    assert_eq!(bench.reports(), [Report::Silent { leg: A }]);
    // RTCP is a sign of life of a muted phone.
    bench.connect(A, agreed(A));
    for _ in 0..10 {
        bench.pass(20_000);
        bench.hear(A, &[0x80, 201, 0, 1, 0, 0, 0, 7]);
    }
    assert_eq!(bench.reports(), []);
}

#[test]
fn quiet_legs_are_watched_and_busy_ones_fetched() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 2_000)]);
    let packet = (peer(A), rtp(8, 1, 0, &[1; 160]));
    bench
        .net
        .inbox
        .entry(slot(A))
        .or_default()
        .push_back(packet);
    bench.pass(20);
    assert!(bench.net.inbox[&slot(A)].is_empty(), "fetched in the tick");
    bench.pass(1_100);
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&true));
    assert_eq!(bench.net.watched.get(&slot(A)), None, "it has ticks anyway");
    // When all are quiet the worker sleeps but for the look for silence.
    bench.pass(3_000);
    assert!(bench.worker.next_tick().unwrap().since(bench.now) > Duration::from_millis(20));
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&false));
    bench.bridge();
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&true));
    bench.check();
    bench.tell(Command::Unbridge { leg: A });
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&false));
    bench.check();
}

fn record(bench: &mut Bench) {
    bench.tell(Command::Record {
        recording: 9,
        left: A,
        right: Some(B),
    });
}

#[test]
fn both_sides_are_recorded_where_they_were_heard() {
    let mut bench = Bench::new();
    bench.bridge();
    record(&mut bench);
    bench.pass(100);
    bench.hear(A, &rtp(8, 1, 1_000, &[1; 160]));
    bench.pass(5);
    // 60 ms in one packet are three blocks.
    bench.hear(B, &rtp(8, 1, 5_000, &[2; 480]));
    bench.hear(A, &rtp(8, 2, 1_160, &[3; 160]));
    bench.pass(895);
    bench.tell(Command::StopRecord { recording: 9 });
    bench.hear(A, &rtp(8, 3, 1_320, &[4; 160]));
    let blocks: Vec<(u8, u64, u8)> = bench
        .net
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Sound(sound) => Some((sound.channel, sound.at_sample, sound.bytes[0])),
            Block::End { .. } => None,
        })
        .collect();
    assert_eq!(
        blocks,
        [
            (0, 800, 1),
            (1, 840, 2),
            (1, 1_000, 2),
            (1, 1_160, 2),
            (0, 960, 3)
        ]
    );
    let end = Block::End {
        recording: 9,
        at_sample: 8_000,
    };
    assert_eq!(bench.net.blocks.last(), Some(&end));
    assert_eq!(bench.reports(), []);
}

#[test]
fn a_recording_ends_with_its_last_leg_and_its_end_is_never_lost() {
    let mut bench = Bench::new();
    record(&mut bench);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    bench.net.recorder_full = true;
    bench.hear(A, &rtp(8, 2, 160, &[1; 160]));
    bench.tell(Command::Close { leg: A });
    assert_eq!(bench.net.blocks.len(), 1);
    bench.tell(Command::Close { leg: B });
    let gaps = Report::RecordingGaps {
        recording: 9,
        blocks: 1,
    };
    assert!(bench.reports().contains(&gaps));
    assert_eq!(bench.worker.counts().blocks_dropped, 1);
    bench.pass(1_500);
    bench.net.recorder_full = false;
    bench.pass(1_500);
    assert_eq!(bench.net.blocks.len(), 2);
    assert!(matches!(
        bench.net.blocks[1],
        Block::End { recording: 9, .. }
    ));
    assert_eq!(bench.worker.next_tick(), None, "nothing is left to do");
}

#[test]
fn a_leg_is_in_no_more_than_two_recordings() {
    let mut bench = Bench::new();
    record(&mut bench);
    record(&mut bench);
    bench.tell(Command::Record {
        recording: 10,
        left: A,
        right: None,
    });
    bench.tell(Command::Record {
        recording: 11,
        left: A,
        right: None,
    });
    bench.tell(Command::Record {
        recording: 12,
        left: B,
        right: Some(B),
    });
    assert_eq!(bench.worker.counts().commands_dropped, 3);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    let recordings: Vec<u64> = bench.net.blocks.iter().map(Block::recording).collect();
    assert_eq!(recordings, [9, 10]);
}

/// One step of a random life.
#[derive(Clone, Debug)]
enum Step {
    Tell(Command),
    Packet {
        leg: LegId,
        stranger: bool,
        bytes: Vec<u8>,
    },
    Arrives {
        leg: LegId,
        bytes: Vec<u8>,
    },
    Pass(u64),
    RecorderFull(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let leg = || prop_oneof![Just(A), Just(B), Just(LegId(33))];
    let bytes = || {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            (
                prop_oneof![Just(8u8), Just(0), Just(101), Just(13)],
                any::<u16>(),
                any::<u32>()
            )
                .prop_flat_map(|(kind, sequence, timestamp)| {
                    proptest::collection::vec(any::<u8>(), 0..200)
                        .prop_map(move |payload| rtp(kind, sequence, timestamp, &payload))
                }),
        ]
    };
    let direction = prop_oneof![
        Just(Direction::SendRecv),
        Just(Direction::SendOnly),
        Just(Direction::RecvOnly),
        Just(Direction::Inactive)
    ];
    let connect = (leg(), direction, any::<bool>()).prop_map(|(leg, direction, keys)| {
        let digits = keys.then_some(101);
        Command::Connect {
            leg,
            agreed: Agreed {
                direction,
                digits,
                ..agreed(leg)
            },
        }
    });
    let play = (leg(), 0u32..100, any::<bool>()).prop_map(|(leg, ms, repeat)| Command::Play {
        leg,
        play: ms,
        clips: vec![Clip::silence(ms)],
        repeat,
    });
    let record =
        (0u64..3, leg(), proptest::option::of(leg())).prop_map(|(recording, left, right)| {
            Command::Record {
                recording,
                left,
                right,
            }
        });
    let command = prop_oneof![
        leg().prop_map(|leg| Command::Open { leg }),
        connect,
        play,
        leg().prop_map(|leg| Command::StopPlay { leg }),
        (leg(), leg()).prop_map(|(a, b)| Command::Bridge { a, b }),
        leg().prop_map(|leg| Command::Unbridge { leg }),
        record,
        (0u64..3).prop_map(|recording| Command::StopRecord { recording }),
        leg().prop_map(|leg| Command::Press {
            leg,
            digit: '4',
            ms: 60
        }),
        leg().prop_map(|leg| Command::Close { leg }),
    ];
    prop_oneof![
        4 => command.prop_map(Step::Tell),
        4 => (leg(), any::<bool>(), bytes())
            .prop_map(|(leg, stranger, bytes)| Step::Packet { leg, stranger, bytes }),
        2 => (leg(), bytes()).prop_map(|(leg, bytes)| Step::Arrives { leg, bytes }),
        2 => (0u64..2_500).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::RecorderFull),
    ]
}

proptest! {
    /// Whatever happens in whatever order: no panic, a consistent schedule, one report for each
    /// open and each close, and no recording without its end.
    #[test]
    fn any_life_is_orderly(steps in proptest::collection::vec(step(), 1..120)) {
        let mut bench = Bench::new();
        let mut reports = Vec::new();
        for step in steps {
            match step {
                Step::Tell(command) => bench.tell(command),
                Step::Packet { leg, stranger, bytes } => {
                    let slot = Slot(leg.0 as usize / 11 - 1);
                    let from = if stranger { peer(LegId(9)) } else { peer(leg) };
                    bench.worker.handle_packet(bench.now, slot, from, &bytes, &mut bench.net);
                }
                Step::Arrives { leg, bytes } => {
                    let slot = Slot(leg.0 as usize / 11 - 1);
                    bench.net.inbox.entry(slot).or_default().push_back((peer(leg), bytes));
                }
                Step::Pass(ms) => bench.pass(ms),
                Step::RecorderFull(full) => bench.net.recorder_full = full,
            }
            bench.check();
            reports.extend(bench.reports());
        }
        bench.net.recorder_full = false;
        for leg in [A, B, LegId(33)] {
            bench.tell(Command::Close { leg });
        }
        for recording in 0..3 {
            bench.tell(Command::StopRecord { recording });
        }
        bench.pass(2_000);
        reports.extend(bench.reports());
        prop_assert_eq!(bench.worker.next_tick(), None);
        prop_assert!(bench.worker.recordings.is_empty());
        let opened = reports.iter().filter(|r| matches!(r, Report::Opened { .. })).count();
        let closed = reports.iter().filter(|r| matches!(r, Report::Closed { .. })).count();
        prop_assert_eq!(closed, opened + 2, "the two of the beginning were reported before");
    }
}

/// A panic while one leg is served, by tick or by packet, closes that leg; the other one's prompt
/// and packets go on.
#[test]
fn a_fault_ends_one_leg_alone() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for by_tick in [true, false] {
        let mut bench = Bench::new();
        for leg in [A, B] {
            bench.tell(Command::Play {
                leg,
                play: 1,
                clips: vec![Clip::silence(200)],
                repeat: true,
            });
        }
        if by_tick {
            bench.net.breaks = Some(peer(A));
        } else {
            bench.tell(Command::Bridge { a: B, b: A });
            bench.net.breaks = Some(peer(A));
            bench.hear(B, &rtp(8, 1, 160, &[0xd5; 160]));
        }
        bench.pass(100);
        let broke = if by_tick { A } else { B };
        let reports = bench.reports();
        assert!(
            reports.contains(&Report::Broke { leg: broke }),
            "{reports:?}"
        );
        assert_eq!(bench.worker.legs(), 1, "the other leg lives");
        bench.net.breaks = None;
        bench.net.sent.clear();
        let other = if by_tick { B } else { A };
        bench.tell(Command::Play {
            leg: other,
            play: 2,
            clips: vec![Clip::silence(100)],
            repeat: false,
        });
        bench.pass(200);
        assert!(bench.net.sent.len() >= 5, "{}", bench.net.sent.len());
    }
    std::panic::set_hook(quiet);
}
