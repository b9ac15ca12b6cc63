//! The media thread: sockets and time for one [`Worker`].
//!
//! One thread owns all its legs. It sleeps in `epoll` until a packet of a bridge, a command or the
//! next batch of frames is due. Nothing on a packet's way allocates or takes a lock.
//!
//! The sockets are not connected: the kernel would then refuse strangers' packets by itself and
//! save a few per cent, but nobody could count them, and injected sound is worth knowing of.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{
    Block, Command, Report,
    worker::{Slot, Wire, Worker},
};
use hotline_model::{
    Instant,
    limits::{MEDIA_COMMANDS, RTP_PACKET_BYTES},
};
use mio::{Events, Interest, Poll, Registry, Token, Waker, net::UdpSocket};
use socket2::SockRef;

/// Events taken from the kernel at a time: about a millisecond of relayed packets, so that frames
/// are not kept waiting longer.
const EVENTS: usize = 256;

/// Packets read of one socket before the others have their turn.
const READS: usize = 16;

/// The waker's token; legs have their slot's number.
const WAKE: Token = Token(usize::MAX);

/// Pause before reports are tried again when the signalling loop is behind.
const REPORTS_FULL: Duration = Duration::from_millis(5);

/// DSCP Expedited Forwarding (RFC 3246; RFC 4594 §4.1: telephony), in the upper six bits of the
/// TOS byte.
const EXPEDITED: u32 = 46 << 2;

/// Blocks of sound that found no room in the recorder's ring, over all media threads.
static BLOCKS_DROPPED: AtomicU64 = AtomicU64::new(0);

/// Blocks of sound (of up to 20 ms of one channel) that the recorder was too slow to take, since
/// the program began.
pub fn blocks_dropped() -> u64 {
    BLOCKS_DROPPED.load(Ordering::Relaxed)
}

/// Called after reports were put into their ring, from the media thread: must not block.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// Where a media thread finds its ports.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address the sockets are bound to.
    pub address: IpAddr,
    /// Ports to choose from. Only even ones are used (RFC 3550 §11).
    pub ports: RangeInclusive<u16>,
    /// For SSRCs and first sequence numbers.
    pub seed: u64,
}

/// The command ring is full; the command did not reach the thread.
#[derive(Debug)]
pub struct Full(pub Command);

/// What went wrong in a media thread's life, and how much it carries: for the metrics page.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Open legs.
    pub legs: AtomicU64,
    /// Commands that could not be carried out.
    pub commands_dropped: AtomicU64,
    /// Blocks of sound the recorder had no room for.
    pub blocks_dropped: AtomicU64,
    /// 20 ms frames left out because the thread was late.
    pub frames_late: AtomicU64,
}

/// A running media thread. Dropping it shuts it down.
pub struct MediaHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    commands: ArrayQueue<Command>,
    waker: Waker,
    /// Whether the thread was woken and has not looked yet: one wake-up serves many commands.
    woken: AtomicBool,
    stop: AtomicBool,
    gauges: Gauges,
}

impl Shared {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // Fails only when the thread's poll is gone, and then nobody is there to wake.
            let _ = self.waker.wake();
        }
    }
}

/// Starts a media thread.
///
/// `epoch` is the engine's start: the zero of [`Instant`]. Reports go into `reports`, then `notify`
/// is called. Recorded sound goes into `blocks`; what finds no room there is counted and lost.
///
/// # Errors
/// When the operating system gives no poll or no thread.
pub fn spawn(
    settings: Settings,
    epoch: std::time::Instant,
    reports: Arc<ArrayQueue<Report>>,
    notify: Notify,
    blocks: Arc<ArrayQueue<Block>>,
) -> io::Result<MediaHandle> {
    let poll = Poll::new()?;
    let shared = Arc::new(Shared {
        commands: ArrayQueue::new(MEDIA_COMMANDS),
        waker: Waker::new(poll.registry(), WAKE)?,
        woken: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        gauges: Gauges::default(),
    });
    let media = MediaLoop {
        worker: Worker::new(settings.seed),
        sockets: Sockets::new(settings, poll.registry().try_clone()?, blocks),
        poll,
        epoch,
        shared: Arc::clone(&shared),
        reports,
        notify,
        unfinished: VecDeque::with_capacity(EVENTS),
    };
    let thread = thread::Builder::new()
        .name("media".to_owned())
        .spawn(move || media.run())?;
    Ok(MediaHandle {
        shared,
        thread: Some(thread),
    })
}

impl MediaHandle {
    /// Gives the thread a command and wakes it. Never waits.
    ///
    /// # Errors
    /// When [`MEDIA_COMMANDS`] commands wait already.
    pub fn send(&self, command: Command) -> Result<(), Full> {
        self.put(command)?;
        self.shared.wake();
        Ok(())
    }

    /// Gives the thread a command that it sees when it is woken next: by [`MediaHandle::wake`], once
    /// for many commands.
    ///
    /// # Errors
    /// As [`MediaHandle::send`].
    pub fn put(&self, command: Command) -> Result<(), Full> {
        self.shared.commands.push(command).map_err(Full)
    }

    /// Wakes the thread where commands wait for it.
    pub fn wake(&self) {
        if !self.shared.commands.is_empty() {
            self.shared.wake();
        }
    }

    /// What the thread counts.
    pub fn gauges(&self) -> &Gauges {
        &self.shared.gauges
    }

    /// Carries out the commands given so far, closes all ports and ends the thread.
    pub fn shut_down(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the runtime when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for MediaHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread owns.
struct MediaLoop {
    poll: Poll,
    worker: Worker,
    sockets: Sockets,
    epoch: std::time::Instant,
    shared: Arc<Shared>,
    reports: Arc<ArrayQueue<Report>>,
    notify: Notify,
    /// Watched sockets that still had packets when their turn was over: `epoll` is used
    /// edge-triggered and will not tell again.
    unfinished: VecDeque<usize>,
}

impl MediaLoop {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; RTP_PACKET_BYTES + 1];
        let mut reports_wait = false;
        loop {
            let timeout = self.timeout(reports_wait);
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "media thread cannot wait for packets and ends");
                return;
            }
            let now = self.now();
            // In this order: a command sent before the stop is carried out.
            let stop = self.shared.stop.load(Ordering::Acquire);
            self.shared.woken.store(false, Ordering::Release);
            while let Some(command) = self.shared.commands.pop() {
                self.worker.handle_command(now, command, &mut self.sockets);
            }
            for _ in 0..self.unfinished.len() {
                if let Some(slot) = self.unfinished.pop_front() {
                    self.read(now, slot, &mut buffer);
                }
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.read(now, event.token().0, &mut buffer);
            }
            let now = self.now();
            if self.worker.next_tick().is_some_and(|due| due <= now) {
                self.worker.handle_tick(now, &mut self.sockets);
            }
            reports_wait = !self.hand_on_reports();
            self.publish_gauges();
            if stop {
                return;
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::from_start(self.epoch.elapsed())
    }

    fn timeout(&self, reports_wait: bool) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let next = self.worker.next_tick().map(|due| due.since(self.now()));
        if reports_wait {
            return Some(next.map_or(REPORTS_FULL, |next| next.min(REPORTS_FULL)));
        }
        next
    }

    /// Takes in what has arrived on a watched socket.
    fn read(&mut self, now: Instant, slot: usize, buffer: &mut [u8]) {
        for _ in 0..READS {
            let Some((length, from)) = self.sockets.receive(Slot(slot), buffer) else {
                return;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            self.worker
                .handle_packet(now, Slot(slot), from, bytes, &mut self.sockets);
        }
        self.unfinished.push_back(slot);
    }

    /// Puts reports into their ring. False when it is full and some wait.
    fn hand_on_reports(&mut self) -> bool {
        let mut any = false;
        let mut all = true;
        while let Some(report) = self.worker.poll_report() {
            if let Err(report) = self.reports.push(report) {
                self.worker.unpoll_report(report);
                all = false;
                break;
            }
            any = true;
        }
        if any {
            (self.notify)();
        }
        all
    }

    fn publish_gauges(&self) {
        let counts = self.worker.counts();
        let gauges = &self.shared.gauges;
        gauges
            .legs
            .store(self.worker.legs() as u64, Ordering::Relaxed);
        for (gauge, value) in [
            (&gauges.commands_dropped, counts.commands_dropped),
            (&gauges.blocks_dropped, counts.blocks_dropped),
            (&gauges.frames_late, counts.frames_late),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
    }
}

/// The sockets of a thread's legs, by slot, and the ring to the recorder.
struct Sockets {
    settings: Settings,
    registry: Registry,
    blocks: Arc<ArrayQueue<Block>>,
    by_slot: Vec<Option<Port>>,
    /// Ports of ours that are bound, by their place in the range.
    taken: Vec<bool>,
    /// Place in the range where the next search begins: a port is used again as late as possible,
    /// so that packets of the call before do not meet the next.
    next: usize,
}

struct Port {
    socket: UdpSocket,
    place: usize,
    watched: bool,
}

impl Sockets {
    fn new(settings: Settings, registry: Registry, blocks: Arc<ArrayQueue<Block>>) -> Self {
        let first = settings.ports.start().next_multiple_of(2);
        let count = (*settings.ports.end() + 1)
            .saturating_sub(first)
            .div_ceil(2);
        Self {
            settings,
            registry,
            blocks,
            by_slot: Vec::new(),
            taken: vec![false; usize::from(count)],
            next: 0,
        }
    }

    fn port_at(&self, place: usize) -> u16 {
        let first = self.settings.ports.start().next_multiple_of(2);
        first.saturating_add(2 * place as u16)
    }

    fn bind(&mut self) -> io::Result<(u16, Port)> {
        let count = self.taken.len();
        let mut last = io::Error::other("all RTP ports are in use");
        for n in 0..count {
            let place = (self.next + n) % count;
            if self.taken.get(place).copied().unwrap_or(true) {
                continue;
            }
            let port = self.port_at(place);
            match UdpSocket::bind(SocketAddr::new(self.settings.address, port)) {
                Ok(socket) => {
                    mark_expedited(&socket, self.settings.address);
                    self.next = (place + 1) % count;
                    let port_of_leg = Port {
                        socket,
                        place,
                        watched: false,
                    };
                    return Ok((port, port_of_leg));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn port(&mut self, slot: Slot) -> Option<&mut Port> {
        self.by_slot.get_mut(slot.0)?.as_mut()
    }
}

/// Asks the network to hurry. Not every system lets it be asked for, and calls work without.
fn mark_expedited(socket: &UdpSocket, address: IpAddr) {
    if address.is_ipv4() {
        let _ = SockRef::from(socket).set_tos_v4(EXPEDITED);
    }
}

impl Wire for Sockets {
    fn open(&mut self, slot: Slot) -> Result<u16, String> {
        let (number, port) = self.bind().map_err(|error| error.to_string())?;
        if let Some(taken) = self.taken.get_mut(port.place) {
            *taken = true;
        }
        if self.by_slot.len() <= slot.0 {
            self.by_slot.resize_with(slot.0 + 1, || None);
        }
        if let Some(entry) = self.by_slot.get_mut(slot.0) {
            *entry = Some(port);
        }
        Ok(number)
    }

    fn close(&mut self, slot: Slot) {
        self.watch(slot, false);
        let port = self.by_slot.get_mut(slot.0).and_then(Option::take);
        if let Some(port) = port
            && let Some(taken) = self.taken.get_mut(port.place)
        {
            *taken = false;
        }
    }

    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        let Some(port) = self.port(slot) else {
            return false;
        };
        port.socket.send_to(packet, to).is_ok()
    }

    fn receive(&mut self, slot: Slot, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.port(slot)?.socket.recv_from(buffer).ok()
    }

    fn watch(&mut self, slot: Slot, on_arrival: bool) {
        let Some(port) = self.by_slot.get_mut(slot.0).and_then(Option::as_mut) else {
            return;
        };
        if port.watched == on_arrival {
            return;
        }
        let changed = if on_arrival {
            self.registry
                .register(&mut port.socket, Token(slot.0), Interest::READABLE)
        } else {
            self.registry.deregister(&mut port.socket)
        };
        match changed {
            Ok(()) => port.watched = on_arrival,
            Err(error) => tracing::error!(%error, "cannot change the watch on an RTP socket"),
        }
    }

    fn record(&mut self, block: &Block) -> bool {
        let taken = self.blocks.push(*block).is_ok();
        if !taken && matches!(block, Block::Sound(_)) {
            BLOCKS_DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, UdpSocket as StdSocket},
        sync::atomic::AtomicUsize,
        time::Instant as StdInstant,
    };

    use hotline_media::{
        Clip, Codec, Stats,
        recorder::Recorder,
        sdp::{Agreed, Direction},
    };
    use hotline_model::LegId;

    use super::*;

    const A: LegId = LegId(1);
    const B: LegId = LegId(2);

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
            address: Ipv4Addr::LOCALHOST.into(),
            ports,
            seed: 3,
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
            self.tell(Command::Open { leg });
            let Report::Opened { leg: opened, port } = self.report() else {
                panic!("no port");
            };
            assert_eq!((opened, port % 2), (leg, 0));
            let socket = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            let remote = socket.local_addr().unwrap();
            let agreed = Agreed {
                remote,
                codec: Codec::Pcma,
                payload_type: 8,
                digits: Some(101),
                direction: Direction::SendRecv,
                packet_ms: 20,
            };
            self.tell(Command::Connect { leg, agreed });
            let engine = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
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
        let mut recorder = Some(Recorder::new(&mut file).unwrap());
        let mut firsts = [None, None];
        while let Some(block) = bench.blocks.pop() {
            match block {
                Block::Sound(sound) => {
                    firsts[usize::from(sound.channel)].get_or_insert(sound.at_sample as usize);
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
            bench.tell(Command::Open { leg: LegId(leg) });
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
        bench.tell(Command::Open { leg: LegId(9) });
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
    fn reports_wait_when_the_ring_is_full_and_none_is_lost() {
        let bench = bench(41_400..=41_799);
        let all = 150;
        for leg in 0..all {
            bench.tell(Command::Open { leg: LegId(leg) });
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
}
