//! CPU of the media thread beside what the kernel alone takes for the same packets.
//!
//! `cargo bench --bench media [-- --calls 100,1000 --seconds 10 --runs 3]`
//!
//! Two kinds of work, 50 packets a second and direction, 172 bytes, loopback: prompt playback while
//! the caller's RTP comes in, and relay between two legs. The floor does the same on connected
//! sockets and nothing else: playback as one batch each 20 ms, relay by epoll. The load runs in a
//! child process, so that only the server's CPU is counted (from `schedstat`, all threads). Needs
//! `ulimit -n` above 2 × calls + 100 for the parent and the child each.

#[path = "../crates/server/src/media_loop/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the engine uses more of it than a measurement, and its tests run there"
)]
mod media_loop;

use std::{
    error::Error,
    io::{BufRead, BufReader, ErrorKind, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    process::{Child, ChildStdout, Command as Process, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{
    Clip, Command, Format, Report,
    sdp::{Agreed, Direction, Security},
};
use hotline_model::LegId;
use media_loop::{MediaHandle, Settings};
use mio::{Events, Interest, Poll, Token};

type Outcome<T> = Result<T, Box<dyn Error>>;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TICK: Duration = Duration::from_millis(20);
const SLICES: usize = 20;
const PACKET: usize = 172;

/// First ports of the load's and of the server's sockets.
const LOAD_PORT: u16 = 10_000;
const FLOOR_PORT: u16 = 20_000;
const ENGINE_PORTS: std::ops::RangeInclusive<u16> = 20_000..=32_000;

/// Time for queues and caches to settle before the measurement begins.
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Playback,
    Relay,
}

impl Work {
    const fn sockets(self, calls: usize) -> usize {
        match self {
            Self::Playback => calls,
            Self::Relay => 2 * calls,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Playback => "prompt playback, caller's RTP in",
            Self::Relay => "relay of a bridged call",
        }
    }

    const fn target(self) -> f64 {
        match self {
            Self::Playback => 1.5,
            Self::Relay => 1.4,
        }
    }
}

#[derive(Clone, Copy)]
struct Plan {
    work: Work,
    calls: usize,
    time: Duration,
}

struct Measured {
    /// CPU microseconds per call and second.
    cpu: f64,
    /// Packets the load received, of those it should have.
    arrived: f64,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--load") {
        let number = |n: usize| -> Outcome<u64> {
            Ok(arguments.get(at + n).ok_or("--load SOCKETS MS")?.parse()?)
        };
        return load(number(1)? as usize, Duration::from_millis(number(2)?));
    }
    let value = |name: &str, default: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        let given = at.and_then(|at| arguments.get(at + 1));
        given.cloned().unwrap_or_else(|| default.to_owned())
    };
    let calls = value("--calls", "100,1000");
    let time = Duration::from_secs(value("--seconds", "10").parse()?);
    let runs: usize = value("--runs", "3").parse()?;
    println!("| work | calls | kernel floor, µs CPU per call-second | engine | ratio | target |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for work in [Work::Playback, Work::Relay] {
        for calls in calls.split(',') {
            let plan = Plan {
                work,
                calls: calls.parse()?,
                time,
            };
            let (mut floors, mut engines) = (Vec::new(), Vec::new());
            for run in 0..runs {
                let (floor, engine) = (measure_floor(plan)?, measure_engine(plan)?);
                eprintln!(
                    "run {run}: floor {:.0} µs, engine {:.0} µs, arrived {:.3} and {:.3}",
                    floor.cpu, engine.cpu, floor.arrived, engine.arrived
                );
                floors.push(floor.cpu);
                engines.push(engine.cpu);
            }
            let (floor, engine) = (median(&mut floors), median(&mut engines));
            println!(
                "| {} | {} | {floor:.0} ({:.0}–{:.0}) | {engine:.0} ({:.0}–{:.0}) | {:.2} | {} |",
                work.name(),
                plan.calls,
                floors.first().unwrap_or(&0.0),
                floors.last().unwrap_or(&0.0),
                engines.first().unwrap_or(&0.0),
                engines.last().unwrap_or(&0.0),
                engine / floor,
                work.target(),
            );
        }
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Time this process was on a CPU.
fn cpu() -> Outcome<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let line = std::fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = line.split_whitespace().next().ok_or("empty schedstat")?;
        nanoseconds += on_cpu.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// CPU of `serve`, which runs while the load does, per call and second.
struct Meter {
    began: Instant,
    before: Duration,
}

impl Meter {
    fn start() -> Outcome<Self> {
        Ok(Self {
            began: Instant::now(),
            before: cpu()?,
        })
    }

    fn per_call_second(&self, calls: usize) -> Outcome<f64> {
        let used = cpu()?.saturating_sub(self.before);
        Ok(used.as_secs_f64() * 1e6 / self.began.elapsed().as_secs_f64() / calls as f64)
    }
}

/// The load as the parent sees it.
struct Load {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Load {
    /// Starts the child; its sockets are bound when this returns.
    fn new(plan: Plan) -> Outcome<Self> {
        let sockets = plan.work.sockets(plan.calls).to_string();
        let time = WARM_UP + plan.time + Duration::from_millis(500);
        let mut child = Process::new(std::env::current_exe()?)
            .args(["--load", &sockets, &time.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output of the load")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err("the load did not start".into());
        }
        Ok(Self { child, output })
    }

    /// Tells it where to send, and lets it begin.
    fn begin(&mut self, ports: &[u16]) -> Outcome<()> {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let mut input = self.child.stdin.take().ok_or("no input of the load")?;
        writeln!(input, "{}", ports.join(" "))?;
        Ok(())
    }

    fn arrived(mut self) -> Outcome<f64> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.child.wait()?;
        Ok(line.trim().parse()?)
    }
}

fn load_address(index: usize) -> SocketAddr {
    SocketAddr::new(LOOPBACK, LOAD_PORT + index as u16)
}

fn bind(address: SocketAddr) -> Outcome<UdpSocket> {
    let socket = UdpSocket::bind(address).map_err(|error| format!("{address}: {error}"))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The child: sends on all its sockets 50 times a second in slices of a millisecond, and counts
/// what comes back.
fn load(count: usize, time: Duration) -> Outcome<()> {
    let sockets: Vec<UdpSocket> = (0..count)
        .map(|index| bind(load_address(index)))
        .collect::<Outcome<_>>()?;
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    for (socket, port) in sockets.iter().zip(line.split_whitespace()) {
        socket.connect(SocketAddr::new(LOOPBACK, port.parse()?))?;
    }
    let mut packet = [0xD5; PACKET];
    packet[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    let mut buffer = [0; 2_048];
    let mut arrived = 0u64;
    let began = Instant::now();
    let ticks = (time.as_millis() / TICK.as_millis()) as u32;
    for tick in 0..ticks {
        packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(tick * 160).to_be_bytes());
        for slice in 0..SLICES {
            let part = count * slice / SLICES..count * (slice + 1) / SLICES;
            for socket in sockets.get(part).unwrap_or_default() {
                // A refused packet is one that does not arrive: the count shows it.
                let _ = socket.send(&packet);
                while socket.recv(&mut buffer).is_ok() {
                    arrived += 1;
                }
            }
            let next = began + TICK * tick + Duration::from_millis(slice as u64 + 1);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
    println!("{}", arrived as f64 / (f64::from(ticks) * count as f64));
    Ok(())
}

fn measure_floor(plan: Plan) -> Outcome<Measured> {
    let mut load = Load::new(plan)?;
    let count = plan.work.sockets(plan.calls);
    let ports: Vec<u16> = (0..count).map(|index| FLOOR_PORT + index as u16).collect();
    let mut sockets = Vec::with_capacity(count);
    for (index, port) in ports.iter().enumerate() {
        let socket = bind(SocketAddr::new(LOOPBACK, *port))?;
        socket.connect(load_address(index))?;
        sockets.push(socket);
    }
    load.begin(&ports)?;
    let cpu = match plan.work {
        Work::Playback => floor_playback(plan, &sockets)?,
        Work::Relay => floor_relay(plan, sockets)?,
    };
    let arrived = load.arrived()?;
    Ok(Measured { cpu, arrived })
}

fn floor_playback(plan: Plan, sockets: &[UdpSocket]) -> Outcome<f64> {
    let packet = [1; PACKET];
    let mut buffer = [0; 2_048];
    let began = Instant::now();
    let mut meter = None;
    for tick in 1.. {
        for socket in sockets {
            let _ = socket.send(&packet);
            while socket.recv(&mut buffer).is_ok() {}
        }
        if began.elapsed() >= WARM_UP && meter.is_none() {
            meter = Some(Meter::start()?);
        }
        if began.elapsed() >= WARM_UP + plan.time {
            break;
        }
        thread::sleep((began + TICK * tick).saturating_duration_since(Instant::now()));
    }
    meter.ok_or("too short")?.per_call_second(plan.calls)
}

fn floor_relay(plan: Plan, sockets: Vec<UdpSocket>) -> Outcome<f64> {
    let mut poll = Poll::new()?;
    let mut sockets: Vec<mio::net::UdpSocket> = sockets
        .into_iter()
        .map(mio::net::UdpSocket::from_std)
        .collect();
    for (index, socket) in sockets.iter_mut().enumerate() {
        poll.registry()
            .register(socket, Token(index), Interest::READABLE)?;
    }
    let mut events = Events::with_capacity(512);
    let mut buffer = [0; 2_048];
    let began = Instant::now();
    let mut meter = None;
    while began.elapsed() < WARM_UP + plan.time {
        match poll.poll(&mut events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let from = event.token().0;
            // One read an event: in edge-triggered epoll each arrival is one.
            if let Some(Ok(length)) = sockets.get(from).map(|socket| socket.recv(&mut buffer))
                && let (Some(to), Some(packet)) = (sockets.get(from ^ 1), buffer.get(..length))
            {
                let _ = to.send(packet);
            }
        }
        if began.elapsed() >= WARM_UP && meter.is_none() {
            meter = Some(Meter::start()?);
        }
    }
    meter.ok_or("too short")?.per_call_second(plan.calls)
}

fn measure_engine(plan: Plan) -> Outcome<Measured> {
    let mut load = Load::new(plan)?;
    let reports = Arc::new(ArrayQueue::new(10_000));
    let settings = Settings {
        browsers: None,
        ports: ENGINE_PORTS,
        seed: 1,
    };
    let blocks = Arc::new(ArrayQueue::new(16));
    let media = media_loop::spawn(
        settings,
        Instant::now(),
        Arc::clone(&reports),
        Arc::new(|| ()),
        blocks,
    )?;
    let count = plan.work.sockets(plan.calls);
    let ports = open(&media, &reports, count)?;
    let music = Clip::tone(440, 60_000);
    for call in 0..plan.calls as u64 {
        let command = match plan.work {
            Work::Playback => Command::Play {
                leg: LegId(call),
                play: 0,
                clips: vec![music.clone()],
                repeat: true,
            },
            Work::Relay => Command::Bridge {
                a: LegId(2 * call),
                b: LegId(2 * call + 1),
            },
        };
        tell(&media, command)?;
    }
    load.begin(&ports)?;
    thread::sleep(WARM_UP);
    let meter = Meter::start()?;
    thread::sleep(plan.time);
    let cpu = meter.per_call_second(plan.calls)?;
    let arrived = load.arrived()?;
    media.shut_down();
    Ok(Measured { cpu, arrived })
}

/// Opens legs and connects each with its socket of the load; their ports, in order.
fn open(media: &MediaHandle, reports: &ArrayQueue<Report>, count: usize) -> Outcome<Vec<u16>> {
    let mut ports = Vec::with_capacity(count);
    for index in 0..count {
        let leg = LegId(index as u64);
        let address = LOOPBACK;
        tell(media, Command::Open { leg, address })?;
        let agreed = Agreed {
            remote: load_address(index),
            rtcp: load_address(index),
            codec: Format::Pcma,
            payload_type: 8,
            digits: Some(101),
            digits_clock: 8_000,
            direction: Direction::SendRecv,
            packet_ms: 20,
            learns: false,
            security: Security::Plain,
        };
        tell(media, Command::Connect { leg, agreed })?;
    }
    let until = Instant::now() + Duration::from_secs(10);
    while ports.len() < count {
        match reports.pop() {
            Some(Report::Opened { port, .. }) => ports.push(port),
            Some(report) => return Err(format!("{report:?}").into()),
            None if Instant::now() > until => return Err("the engine opens no ports".into()),
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
    Ok(ports)
}

fn tell(media: &MediaHandle, command: Command) -> Outcome<()> {
    media
        .send(command)
        .map_err(|full| format!("{full:?}").into())
}
