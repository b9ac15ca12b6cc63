//! CPU, timing and memory of the media threads, beside what the kernel alone takes for the same
//! packets.
//!
//! `cargo bench --bench media [-- --part NAME --calls 100,1000 --seconds 10 --runs 3 --pin]`
//!
//! Parts, of which all run unless one is named:
//! - `playback`, `relay`, `record`, `mix`, `srtp`: CPU for each call and second, all threads: a
//!   prompt while the caller's RTP comes in; a bridged call; the same recorded on two channels, to
//!   the file; three parties who hear each other; a bridged call whose legs are both protected
//!   (SDES), under each of the two profiles.
//! - `gap`: time between two packets of a prompt at the phone, at 3,000 calls unless told.
//! - `delay`: time from one phone's sending to the other's hearing.
//! - `memory`: of a process that plays, bridges, records; and after the calls.
//! - `io`: ways in and out of the kernel, with nothing of the engine.
//!
//! 50 packets a second and direction, 172 bytes, loopback. The floor does the same on connected
//! sockets and nothing else: what goes by ticks as one batch each 20 ms, what is relayed by epoll.
//! The load runs in a child process, so that only the server's CPU is counted (from `schedstat`).
//! Times are of the kernel, taken as a packet reaches the phone's socket. With `--pin` the server
//! keeps to the first core and the load to the second. Needs `ulimit -n` above 4 × calls + 100.

#[path = "media/engine.rs"]
mod engine;
#[path = "media/figures.rs"]
mod figures;
#[path = "media/floor.rs"]
mod floor;
#[path = "media/load.rs"]
mod load;
#[path = "../crates/server/src/media_loop/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the engine uses more of it than a measurement, and its tests run there"
)]
mod media_loop;
#[path = "media/pin.rs"]
mod pin;
#[path = "../crates/server/src/recording_loop/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the engine uses more of it than a measurement, and its tests run there"
)]
mod recording_loop;
#[path = "../crates/server/src/vault/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the engine uses more of it than a measurement, and its tests run there"
)]
mod vault;
#[path = "media/ways.rs"]
mod ways;

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr},
    thread,
    time::Duration,
};

use engine::Engine;
use figures::{median, memory};
use floor::Shape;
use hotline_media::secure::srtp::Profile;
use load::{Ears, Heard, Load};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The program's own, for its figures of memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TICK: Duration = Duration::from_millis(20);
const PACKET: usize = 172;

/// Time for queues and caches to settle before the measurement begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// For how long the load goes on after the measurement.
const TAIL: Duration = Duration::from_millis(500);

/// Time after the last call until the memory is looked at: a thousand recordings are sealed one
/// after the other, and the disk confirms each.
const COOL_DOWN: Duration = Duration::from_secs(15);

/// What a call is to the media threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Playback,
    Relay,
    Record,
    Mix,
    Private(Profile),
}

/// Each by the part that measures it.
const WORKS: [(&str, Work); 6] = [
    ("playback", Work::Playback),
    ("relay", Work::Relay),
    ("record", Work::Record),
    ("mix", Work::Mix),
    ("srtp", Work::Private(Profile::AesCm128HmacSha1_80)),
    ("srtp", Work::Private(Profile::AeadAes128Gcm)),
];

impl Work {
    /// Legs of one call.
    const fn legs(self) -> usize {
        match self {
            Self::Playback => 1,
            Self::Relay | Self::Record | Self::Private(_) => 2,
            Self::Mix => 3,
        }
    }

    const fn shape(self) -> Shape {
        match self {
            Self::Playback | Self::Mix => Shape::Batch,
            Self::Relay | Self::Record | Self::Private(_) => Shape::Arrival,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Playback => "playback, the caller's sound coming in",
            Self::Relay => "relay of a bridged call",
            Self::Record => "relay and recording of both parties",
            Self::Mix => "three parties, mixed",
            Self::Private(Profile::AeadAes128Gcm) => "relay, both legs SRTP (AES-GCM)",
            Self::Private(_) => "relay, both legs SRTP (AES-CM, HMAC-SHA1)",
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Playback => "1.5",
            Self::Relay => "1.4",
            Self::Record => "1.8",
            Self::Mix | Self::Private(_) => "–",
        }
    }
}

/// So many calls for so long.
#[derive(Clone, Copy)]
struct Plan {
    work: Work,
    calls: usize,
    time: Duration,
}

/// What came of a plan.
struct Measured {
    /// CPU microseconds per call and second.
    cpu: f64,
    heard: Heard,
}

struct Options {
    part: String,
    calls: Option<Vec<usize>>,
    time: Duration,
    runs: usize,
}

impl Options {
    fn read(arguments: &[String]) -> Outcome<Self> {
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name);
            at.and_then(|at| arguments.get(at + 1))
        };
        let calls = value("--calls").map(|calls| calls.split(',').map(str::parse).collect());
        Ok(Self {
            part: value("--part").map_or("all", |it| it).to_owned(),
            calls: calls.transpose()?,
            time: Duration::from_secs(value("--seconds").map_or(Ok(10), |it| it.parse())?),
            runs: value("--runs").map_or(Ok(3), |it| it.parse())?,
        })
    }

    fn wants(&self, part: &str) -> bool {
        self.part == "all" || self.part == part
    }

    fn calls(&self, usual: &[usize]) -> Vec<usize> {
        self.calls.clone().unwrap_or_else(|| usual.to_vec())
    }

    fn plan(&self, work: Work, calls: usize) -> Plan {
        let time = self.time;
        Plan { work, calls, time }
    }
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--load") {
        return load::run(arguments.get(at + 1..).unwrap_or_default());
    }
    pin::to(0)?;
    let options = Options::read(&arguments)?;
    let parts = [
        "playback", "relay", "record", "mix", "srtp", "gap", "delay", "memory", "io",
    ];
    if !parts.iter().any(|part| options.wants(part)) {
        return Err(format!("--part {} is not known", options.part).into());
    }
    if options.wants("memory") {
        // First: afterwards the process has grown already.
        weigh(&options)?;
    }
    count(&options)?;
    if options.wants("gap") {
        time(&options, Work::Playback, &[3_000])?;
    }
    if options.wants("delay") {
        time(&options, Work::Relay, &[100, 1_000])?;
    }
    if options.wants("io") {
        println!();
        ways::measure(&options.calls(&[200, 1_000]), options.time, options.runs)?;
    }
    Ok(())
}

/// CPU beside the floor.
fn count(options: &Options) -> Outcome<()> {
    let wanted = WORKS.iter().filter(|(part, _)| options.wants(part));
    let wanted: Vec<Work> = wanted.map(|(_, work)| *work).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    println!("| work | calls | kernel floor, µs CPU per call-second | engine | ratio | target |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for work in wanted {
        for calls in options.calls(&[100, 1_000]) {
            beside_floor(options, options.plan(work, calls))?;
        }
    }
    Ok(())
}

fn beside_floor(options: &Options, plan: Plan) -> Outcome<()> {
    let (mut floors, mut engines) = (Vec::new(), Vec::new());
    for run in 0..options.runs {
        let (floor, engine) = (floor::measure(plan, false)?, engine::measure(plan, false)?);
        eprintln!(
            "run {run}: floor {:.0} µs, engine {:.0} µs, arrived {:.3} and {:.3}",
            floor.cpu, engine.cpu, floor.heard.arrived, engine.heard.arrived
        );
        floors.push(floor.cpu);
        engines.push(engine.cpu);
    }
    let (floor, engine) = (median(&mut floors), median(&mut engines));
    println!(
        "| {} | {} | {floor:.0} ({:.0}–{:.0}) | {engine:.0} ({:.0}–{:.0}) | {:.2} | {} |",
        plan.work.name(),
        plan.calls,
        floors.first().unwrap_or(&0.0),
        floors.last().unwrap_or(&0.0),
        engines.first().unwrap_or(&0.0),
        engines.last().unwrap_or(&0.0),
        engine / floor,
        plan.work.target(),
    );
    Ok(())
}

/// When packets come, of the engine and of the floor.
fn time(options: &Options, work: Work, usual: &[usize]) -> Outcome<()> {
    let what = match work {
        Work::Playback => "time between two packets",
        _ => "time from phone to phone",
    };
    println!(
        "\n| {what}, ms: p50 / p99 / p99.9 / most | calls | kernel floor | engine | arrived |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    for calls in options.calls(usual) {
        let plan = options.plan(work, calls);
        let (floor, engine) = (floor::measure(plan, true)?, engine::measure(plan, true)?);
        let spread = |heard: &Heard| match work {
            Work::Playback => heard.gap,
            _ => heard.delay,
        };
        println!(
            "| {} | {calls} | {} | {} | {:.3} and {:.3} |",
            work.name(),
            spread(&floor.heard),
            spread(&engine.heard),
            floor.heard.arrived,
            engine.heard.arrived
        );
    }
    Ok(())
}

/// Memory for each call, and what is left of it afterwards.
fn weigh(options: &Options) -> Outcome<()> {
    println!("| work | calls | KiB before | KiB per call | KiB left afterwards |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for work in [Work::Playback, Work::Relay, Work::Record] {
        for calls in options.calls(&[1_000]) {
            let plan = options.plan(work, calls);
            let mut load = Load::new(work.legs() * calls, plan.time, Ears::Plain)?;
            let engine = Engine::start()?;
            thread::sleep(WARM_UP);
            let before = memory()?;
            let ports = engine.open(plan)?;
            load.begin(&ports)?;
            thread::sleep(WARM_UP + plan.time);
            let each = (memory()? - before) / calls as f64;
            load.heard()?;
            engine.close(plan)?;
            thread::sleep(COOL_DOWN);
            let left = memory()? - before;
            println!(
                "| {} | {calls} | {before:.0} | {each:.1} | {left:.0} |",
                work.name()
            );
            engine.stop();
        }
    }
    println!();
    Ok(())
}
