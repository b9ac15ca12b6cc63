//! The worker against a network of vectors.

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::collections::{BTreeMap, VecDeque};

use hotline_model::{Instant, LegId};
use proptest::prelude::*;
use rtp_rs::{RtpPacketBuilder, RtpReader};

mod allocations;
mod browsers;
mod control;
mod digits;
mod mixed;
mod packets;
mod plays;
mod private;
mod recordings;
mod rows;

use super::{Slot, Wire, Worker};
use crate::{
    Block, Clip, Codec, Command, Format, Report, Stats,
    sdp::{Agreed, Direction, Security},
    secure::ice::Ufrag,
};

const A: LegId = LegId(11);
const B: LegId = LegId(22);

#[derive(Default)]
struct Net {
    sent: Vec<(Slot, SocketAddr, Vec<u8>)>,
    inbox: BTreeMap<Slot, VecDeque<(SocketAddr, Vec<u8>)>>,
    watched: BTreeMap<Slot, bool>,
    control: Vec<(Slot, SocketAddr, Vec<u8>)>,
    blocks: Vec<Block>,
    no_ports: bool,
    /// Ports that are ready.
    ready: Vec<u16>,
    /// Addresses of browsers' legs.
    found: Vec<(Slot, SocketAddr)>,
    recorder_full: bool,
    /// Nothing of what is sent and recorded is kept but its number, so that this world allocates
    /// nothing.
    forgets: bool,
    forgotten: u64,
    /// Sending to this address panics, as a fault of the engine would.
    breaks: Option<SocketAddr>,
}

impl Wire for Net {
    fn open(&mut self, slot: Slot, _address: IpAddr) -> Result<u16, String> {
        if self.no_ports {
            return Err("none left".to_owned());
        }
        Ok(30_000 + 2 * slot.0 as u16)
    }
    fn prepare(&mut self, _address: IpAddr) -> Option<u16> {
        // Five in all.
        let port = 40_000 + 2 * self.ready.len() as u16;
        let room = self.ready.len() < 5;
        room.then(|| self.ready.push(port))?;
        Some(port)
    }
    fn open_prepared(&mut self, _slot: Slot, _address: IpAddr, port: u16) -> bool {
        let before = self.ready.len();
        self.ready.retain(|&ready| ready != port);
        self.ready.len() < before
    }
    fn open_shared(&mut self, _slot: Slot, _ufrag: Ufrag) -> Result<u16, String> {
        if self.no_ports {
            return Err("none left".to_owned());
        }
        Ok(29_000)
    }
    fn found(&mut self, slot: Slot, peer: SocketAddr) {
        self.found.push((slot, peer));
    }
    fn close(&mut self, slot: Slot) {
        self.watched.remove(&slot);
        self.inbox.remove(&slot);
    }
    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        assert_ne!(Some(to), self.breaks, "broken on purpose");
        if !self.forgets() {
            self.sent.push((slot, to, packet.to_vec()));
        }
        true
    }
    fn send_control(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        if !self.forgets() {
            self.control.push((slot, to, packet.to_vec()));
        }
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
        if !self.recorder_full && !self.forgets() {
            self.blocks.push(*block);
        }
        !self.recorder_full
    }
}

impl Net {
    /// Whether a thing that comes is not to be kept.
    fn forgets(&mut self) -> bool {
        self.forgotten += u64::from(self.forgets);
        self.forgets
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

/// Where a peer listens for RTCP: beside its sound.
fn peer_control(leg: LegId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_001 + leg.0 as u16)
}

fn agreed(leg: LegId) -> Agreed {
    Agreed {
        remote: peer(leg),
        rtcp: peer_control(leg),
        codec: Format::Pcma,
        payload_type: 8,
        digits: Some(101),
        digits_clock: 8_000,
        direction: Direction::SendRecv,
        packet_ms: 20,
        learns: false,
        security: Security::Plain,
    }
}

fn open(leg: LegId) -> Command {
    let address = Ipv4Addr::LOCALHOST.into();
    Command::Open { leg, address }
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
            bench.tell(open(leg));
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
    bench.tell(open(A));
    bench.tell(Command::StopPlay { leg: LegId(99) });
    assert_eq!(bench.worker.counts().commands_dropped, 2);
    bench.net.no_ports = true;
    bench.tell(open(LegId(33)));
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
    bench.tell(open(LegId(33)));
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
fn what_is_ready_is_told_once_and_taken_without_a_word() {
    let mut bench = Bench::new();
    let (thread, address) = (A.thread(), Ipv4Addr::LOCALHOST.into());
    for (many, ready) in [
        (3, vec![40_000, 40_002, 40_004]),
        (64, vec![40_006, 40_008]),
    ] {
        bench.tell(Command::Prepare {
            thread,
            address,
            many,
        });
        let ports = ready;
        let told = Report::PortsReady {
            thread,
            address,
            ports,
        };
        assert_eq!(bench.reports(), [told]);
    }
    let leg = LegId(33);
    let port = 40_002;
    bench.tell(Command::OpenPrepared { leg, address, port });
    assert_eq!((bench.reports(), bench.worker.legs()), (vec![], 3));
    bench.connect(leg, agreed(leg));
    assert_eq!(bench.worker.counts().commands_dropped, 0);
    // Who was promised a port and has none must hear of it.
    let leg = LegId(44);
    bench.tell(Command::OpenPrepared { leg, address, port });
    assert_eq!(bench.reports(), [Report::Broke { leg }]);
    let ufrag = browsers::ice().ufrag;
    bench.tell(Command::JoinShared { leg, ufrag });
    assert_eq!((bench.reports(), bench.worker.legs()), (vec![], 4));
    bench.net.no_ports = true;
    let leg = LegId(55);
    bench.tell(Command::JoinShared { leg, ufrag });
    assert_eq!(bench.reports(), [Report::Broke { leg }]);
    assert_eq!(bench.worker.counts().commands_dropped, 2);
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
        leg().prop_map(open),
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
