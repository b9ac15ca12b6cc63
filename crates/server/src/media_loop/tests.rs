//! The thread against phones on the loopback.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket},
    sync::atomic::AtomicUsize,
    time::Instant as StdInstant,
};

use hotline_media::{
    Clip, Codec, Format, Stats,
    recorder::{Recorder, Wav},
    sdp::{Agreed, Direction, Security},
};
use hotline_model::LegId;

use super::*;

const A: LegId = LegId(1);
const B: LegId = LegId(2);

fn open(leg: LegId) -> Command {
    let address = Ipv4Addr::LOCALHOST.into();
    Command::Open { leg, address }
}

/// A media thread, and phones on the loopback.
struct Bench {
    media: Option<MediaHandle>,
    reports: Arc<ArrayQueue<Report>>,
    blocks: Arc<ArrayQueue<Block>>,
    notified: Arc<AtomicUsize>,
}

struct Phone {
    socket: StdSocket,
    leg: LegId,
    engine: SocketAddr,
    sequence: u16,
}

fn bench(ports: RangeInclusive<u16>) -> Bench {
    let reports = Arc::new(ArrayQueue::new(100));
    let blocks = Arc::new(ArrayQueue::new(1_000));
    let notified = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&notified);
    let settings = Settings {
        ports,
        seed: 3,
        browsers: None,
    };
    let media = spawn(
        settings,
        StdInstant::now(),
        Arc::clone(&reports),
        Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }),
        Arc::clone(&blocks),
    );
    Bench {
        media: Some(media.unwrap()),
        reports,
        blocks,
        notified,
    }
}

impl Bench {
    fn tell(&self, command: Command) {
        self.media.as_ref().unwrap().send(command).unwrap();
    }

    fn report(&self) -> Report {
        let until = StdInstant::now() + Duration::from_secs(20);
        loop {
            if let Some(report) = self.reports.pop() {
                return report;
            }
            assert!(StdInstant::now() < until, "no report");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn phone(&self, leg: LegId) -> Phone {
        self.phone_at(leg, Ipv4Addr::LOCALHOST.into())
    }

    fn phone_at(&self, leg: LegId, address: IpAddr) -> Phone {
        self.tell(Command::Open { leg, address });
        let Report::Opened { leg: opened, port } = self.report() else {
            panic!("no port");
        };
        assert_eq!((opened, port % 2), (leg, 0));
        let socket = StdSocket::bind((address, 0)).unwrap();
        self.connect(leg, SocketAddr::new(address, port), socket)
    }

    /// Ports that are ready.
    fn prepared(&self, address: IpAddr, many: usize) -> Vec<u16> {
        let thread = A.thread();
        self.tell(Command::Prepare {
            thread,
            address,
            many,
        });
        match self.report() {
            Report::PortsReady {
                thread: of,
                address: at,
                ports,
            } if of == thread && at == address => ports,
            other => panic!("{other:?}"),
        }
    }

    /// Agrees on PCMA with the phone of this socket.
    fn connect(&self, leg: LegId, engine: SocketAddr, socket: StdSocket) -> Phone {
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let remote = socket.local_addr().unwrap();
        let agreed = Agreed {
            remote,
            rtcp: SocketAddr::new(remote.ip(), remote.port() ^ 1),
            codec: Format::Pcma,
            payload_type: 8,
            digits: Some(101),
            digits_clock: 8_000,
            direction: Direction::SendRecv,
            packet_ms: 20,
            learns: false,
            security: Security::Plain,
        };
        self.tell(Command::Connect { leg, agreed });
        Phone {
            socket,
            leg,
            engine,
            sequence: 65_530,
        }
    }

    fn close(&self, leg: LegId) -> Stats {
        self.tell(Command::Close { leg });
        match self.report() {
            Report::Closed { leg: closed, stats } if closed == leg => stats,
            other => panic!("{other:?}"),
        }
    }
}

impl Phone {
    fn packet(&mut self, kind: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, kind];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&7u32.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    fn say(&mut self, timestamp: u32, payload: &[u8]) {
        let packet = self.packet(8, timestamp, payload);
        self.socket.send_to(&packet, self.engine).unwrap();
    }

    fn hear(&self) -> Vec<u8> {
        let mut buffer = [0; 2_000];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from, self.engine);
        assert_eq!(buffer[0], 0x80);
        buffer[12..length].to_vec()
    }

    fn hears_nothing_for(&self, ms: u64) {
        self.socket
            .set_read_timeout(Some(Duration::from_millis(ms)))
            .unwrap();
        assert!(self.socket.recv_from(&mut [0; 2_000]).is_err());
        self.socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
    }
}

#[test]
fn a_prompt_arrives_byte_for_byte_and_on_time() {
    let bench = bench(41_000..=41_019);
    let phone = bench.phone(A);
    let clip = Clip::tone(440, 500);
    let began = StdInstant::now();
    bench.tell(Command::Play {
        leg: A,
        play: 5,
        clips: vec![clip.clone()],
        repeat: false,
    });
    let heard: Vec<u8> = (0..25).flat_map(|_| phone.hear()).collect();
    assert_eq!(heard, clip.bytes(Codec::Pcma));
    // 24 times 20 ms lie between the first and the last frame.
    assert!(began.elapsed() >= Duration::from_millis(480));
    assert_eq!(
        bench.report(),
        Report::PlayEnded {
            leg: phone.leg,
            play: 5
        }
    );
    assert!(bench.notified.load(Ordering::Relaxed) >= 2);
    phone.hears_nothing_for(60);
}

#[test]
fn phones_of_both_ip_versions_hear_each_other() {
    let bench = bench(41_800..=41_819);
    let mut a = bench.phone(A);
    let mut b = bench.phone_at(B, Ipv6Addr::LOCALHOST.into());
    bench.tell(Command::Bridge { a: A, b: B });
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips: Vec::new(),
        repeat: false,
    });
    assert_eq!(bench.report(), Report::PlayEnded { leg: A, play: 1 });
    for n in 0..10u8 {
        a.say(u32::from(n) * 160, &[n; 160]);
        assert_eq!(b.hear(), [n; 160]);
        b.say(u32::from(n) * 160, &[n ^ 0xff; 160]);
        assert_eq!(a.hear(), [n ^ 0xff; 160]);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn two_phones_hear_each_other_byte_for_byte_and_both_are_recorded() {
    let bench = bench(41_100..=41_119);
    let (mut a, mut b) = (bench.phone(A), bench.phone(B));
    bench.tell(Command::Bridge { a: A, b: B });
    bench.tell(Command::Record {
        recording: 1,
        left: A,
        right: Some(B),
    });
    // The last command of all that are carried out in order: afterwards the bridge is there.
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips: Vec::new(),
        repeat: false,
    });
    assert_eq!(bench.report(), Report::PlayEnded { leg: A, play: 1 });
    let said = |n: u8, who: u8| -> Vec<u8> {
        (0..160u8)
            .map(|i| i.wrapping_mul(n).wrapping_add(who))
            .collect()
    };
    for n in 0..50u8 {
        a.say(u32::from(n) * 160, &said(n, 1));
        assert_eq!(b.hear(), said(n, 1));
        b.say(u32::from(n) * 160, &said(n, 2));
        assert_eq!(a.hear(), said(n, 2));
        // Real time: a phone's sound comes no faster than it is spoken.
        thread::sleep(Duration::from_millis(20));
    }
    bench.tell(Command::StopRecord { recording: 1 });
    let stats = bench.close(A);
    assert_eq!((stats.received, stats.sent, stats.lost), (50, 50, 0));
    assert_eq!(bench.close(B).strangers, 0);

    let mut file = io::Cursor::new(Vec::new());
    let mut recorder = Some(Recorder::new(Wav::new(
        &mut file,
        hotline_media::wav::Encoding::Pcm,
    )));
    let mut firsts = [None, None];
    while let Some(block) = bench.blocks.pop() {
        match block {
            Block::Sound(sound) => {
                firsts[usize::from(sound.voice)].get_or_insert(sound.at_sample as usize);
                recorder.as_mut().unwrap().write(&sound).unwrap();
            }
            Block::End { at_sample, .. } => {
                recorder.take().unwrap().finish(at_sample).unwrap();
                break;
            }
        }
    }
    drop(recorder);
    let samples: Vec<i16> = hound::WavReader::new(io::Cursor::new(file.into_inner()))
        .unwrap()
        .into_samples()
        .collect::<Result<_, _>>()
        .unwrap();
    for (channel, who) in [(0, 1), (1, 2)] {
        let heard = samples.chunks(2).map(|frame| frame[channel]);
        let expected = (0..50u8)
            .flat_map(|n| said(n, who))
            .map(|b| Codec::Pcma.decode(b));
        assert!(
            heard
                .skip(firsts[channel].unwrap())
                .zip(expected)
                .all(|(a, b)| a == b)
        );
    }
}

#[test]
fn keys_are_reported_and_strangers_are_not_heard() {
    let bench = bench(41_200..=41_219);
    let (mut a, b) = (bench.phone(A), bench.phone(B));
    bench.tell(Command::Bridge { a: A, b: B });
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let injected = a.packet(8, 0, &[9; 160]);
    for _ in 0..3 {
        stranger.send_to(&injected, a.engine).unwrap();
    }
    b.hears_nothing_for(100);
    let press = [9, 0x8A, 3, 32];
    let packet = a.packet(101, 0, &press);
    a.socket.send_to(&packet, a.engine).unwrap();
    assert_eq!(b.hear(), press);
    assert_eq!(
        bench.report(),
        Report::Digit {
            leg: A,
            digit: '9',
            ms: 100
        }
    );
    let stats = bench.close(A);
    assert_eq!((stats.strangers, stats.digits, stats.received), (3, 1, 1));
}

#[test]
fn used_ports_are_passed_over_and_none_left_is_said() {
    let _taken = StdSocket::bind((Ipv4Addr::LOCALHOST, 41_302)).unwrap();
    let mut bench = bench(41_299..=41_304);
    let mut ports = Vec::new();
    for leg in 0..3 {
        bench.tell(open(LegId(leg)));
        match bench.report() {
            Report::Opened { port, .. } => ports.push(port),
            Report::OpenFailed { leg: failed, cause } => {
                assert_eq!(failed, LegId(leg));
                assert!(!cause.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ports, [41_300, 41_304]);
    bench.close(LegId(0));
    bench.tell(open(LegId(9)));
    assert_eq!(
        bench.report(),
        Report::Opened {
            leg: LegId(9),
            port: 41_300
        }
    );
    let media = bench.media.take().unwrap();
    assert_eq!(media.gauges().legs.load(Ordering::Relaxed), 2);
    media.shut_down();
    // The ports are free again.
    StdSocket::bind((Ipv4Addr::LOCALHOST, 41_304)).unwrap();
}

#[test]
fn a_port_that_is_ready_becomes_a_leg_s_without_what_came_there_before() {
    let bench = bench(42_060..=42_091);
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let ports = bench.prepared(address, 3);
    assert_eq!(ports, [42_060, 42_062, 42_064]);
    let port = ports[1];
    assert!(StdSocket::bind((address, port)).is_err(), "it is open");
    // The phone of a call before still speaks, from where the next call's phone will.
    let socket = StdSocket::bind((address, 0)).unwrap();
    let engine = SocketAddr::new(address, port);
    let stray = [0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0x55, 0x55];
    for _ in 0..20 {
        socket.send_to(&stray, engine).unwrap();
    }
    bench.tell(Command::OpenPrepared {
        leg: A,
        address,
        port,
    });
    let mut phone = bench.connect(A, engine, socket);
    let other = bench.phone(B);
    bench.tell(Command::Bridge { a: A, b: B });
    phone.say(0, &[0x2A; 160]);
    assert_eq!(other.hear(), [0x2A; 160]);
    // Its port was known: nothing was said of it.
    let stats = bench.close(A);
    assert_eq!((stats.received, stats.strangers), (1, 0));
    // One that is not ready, or is a leg's already, is told of.
    for port in [42_090, ports[1]] {
        let leg = LegId(77);
        bench.tell(Command::OpenPrepared { leg, address, port });
        assert_eq!(bench.report(), Report::Broke { leg });
    }
    // A quarter of what is free, and of another address anew.
    assert!(bench.prepared(address, 64).len() < 4);
    let six = IpAddr::from(Ipv6Addr::LOCALHOST);
    assert_eq!(bench.prepared(six, 64).len(), 4);
}

#[test]
fn reports_wait_when_the_ring_is_full_and_none_is_lost() {
    let bench = bench(41_400..=41_799);
    let all = 150;
    for leg in 0..all {
        bench.tell(open(LegId(leg)));
    }
    for leg in 0..all {
        if leg == 0 {
            let until = StdInstant::now() + Duration::from_secs(20);
            while !bench.reports.is_full() && StdInstant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(matches!(bench.report(), Report::Opened { leg: l, .. } if l == LegId(leg)));
    }
}

#[test]
fn the_peer_is_told_what_was_heard_of_it_at_the_port_beside() {
    let bench = bench(41_820..=41_839);
    let mut phone = bench.phone(A);
    let beside = SocketAddr::new(
        Ipv4Addr::LOCALHOST.into(),
        phone.socket.local_addr().unwrap().port() ^ 1,
    );
    let control = StdSocket::bind(beside).unwrap();
    control
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    phone.say(0, &[0x2A; 160]);
    let mut bytes = [0; 200];
    let (length, from) = control.recv_from(&mut bytes).unwrap();
    // A receiver report of one block, from the port beside the sound's.
    assert_eq!((bytes[0], bytes[1]), (0x81, 201));
    assert_eq!(from.port(), phone.engine.port() + 1);
    // The peer's report is taken there.
    control.send_to(&bytes[..length], from).unwrap();
    // A command that is answered later: by then what had come before it was read.
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips: Vec::new(),
        repeat: false,
    });
    assert_eq!(bench.report(), Report::PlayEnded { leg: A, play: 1 });
    let stats = bench.close(A);
    assert_eq!((stats.reports, stats.rtcp), (1, 1));
}
