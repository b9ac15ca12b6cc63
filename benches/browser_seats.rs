//! What seats in browsers cost beside seats with plain phones: talks of PCMA callers through the
//! running engine, relayed and recorded.
//!
//! `cargo bench --bench browser_seats [-- --legs 50,200 --seconds 10 --runs 3
//! --program target/release/hotline]`
//!
//! The engine is a process of its own, whose processor time is read from `/proc`; a further one for
//! each line. This process plays the callers and the seats, each of which says a tone and must hear
//! one alone: browsers by the `webrtc` crate, which sign in, register by WebSocket, and speak
//! through ICE and DTLS-SRTP. Where the tones are not heard the bench fails. The load costs more
//! than the engine, and both share the machine.

#[path = "../tests/browser_seat/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the rest is used by wire.rs")]
mod browser_seat;
#[path = "calls/engine.rs"]
#[allow(dead_code, reason = "the rest is used by calls.rs")]
mod engine;
#[path = "calls/options.rs"]
mod options;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use browser_seat::{Fault, Heard, Oddity, Page, Phone, Stage, Try};
use engine::{Engine, cost_of, longest_wait, seat_id, waits_of};
use tokio::time::sleep;

/// Time between two calls at the beginning.
const SPACED: Duration = Duration::from_millis(20);

/// Until the seats are announced to the last callers, and their talks stand.
const SETTLED: Duration = Duration::from_secs(8);

/// The share of the time in which a party must have heard its tone.
const HEARD_SHARE: f64 = 0.9;

/// Tones of the callers, Hz, from here on by 50; those of the seats follow.
const LOWEST: u32 = 400;
const TONES: u32 = 25;

struct Options {
    legs: Vec<usize>,
    seconds: u64,
    runs: usize,
    program: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Plain,
    Browser,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain RTP",
            Self::Browser => "browser",
        }
    }
}

/// What a run of so many talks came to.
struct Run {
    /// Processor time of the engine, µs a call-second: all of it, and its media threads' alone.
    engine_us: f64,
    media_us: f64,
    /// The same of this process.
    load_us: f64,
    lost: u64,
    packets: u64,
    longest_gap: Duration,
}

fn main() -> Try<()> {
    let options = options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    println!(
        "| talks | seats | engine, CPU µs/call-s | of plain | its media threads | of plain \
         | load, CPU µs/call-s | lost of packets | longest gap ms |"
    );
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for &legs in &options.legs {
        let mut runs: BTreeMap<Kind, Vec<Run>> = BTreeMap::new();
        for _ in 0..options.runs {
            for kind in [Kind::Plain, Kind::Browser] {
                let run = runtime
                    .block_on(run(&options, legs, kind))
                    .map_err(|fault| format!("{legs} talks, {}: {fault}", kind.word()))?;
                runs.entry(kind).or_default().push(run);
            }
        }
        let median = |kind, of: fn(&Run) -> f64| {
            let mut all: Vec<f64> = runs.get(&kind).into_iter().flatten().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        for (&kind, all) in &runs {
            let engine = |kind| median(kind, |run| run.engine_us);
            let media = |kind| median(kind, |run| run.media_us);
            println!(
                "| {legs} | {} | {:.0} | {:.2} | {:.0} | {:.2} | {:.0} | {} of {} | {} |",
                kind.word(),
                engine(kind),
                engine(kind) / engine(Kind::Plain),
                media(kind),
                media(kind) / media(Kind::Plain),
                median(kind, |run| run.load_us),
                all.iter().map(|run| run.lost).sum::<u64>(),
                all.iter().map(|run| run.packets).sum::<u64>(),
                all.iter()
                    .map(|run| run.longest_gap.as_millis())
                    .max()
                    .unwrap_or(0),
            );
        }
    }
    Ok(())
}

fn options() -> Try<Options> {
    let mut options = Options {
        legs: vec![50, 200],
        seconds: 10,
        runs: 3,
        program: engine::program(),
    };
    plain(options::each(|word, value| {
        match word {
            "--legs" => {
                options.legs = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            "--seconds" => options.seconds = value.parse()?,
            "--runs" => options.runs = value.parse()?,
            "--program" => options.program = value.into(),
            _ => return Ok(false),
        }
        Ok(true)
    }))?;
    Ok(options)
}

/// The engine's faults are not made for threads.
fn plain<T>(of: engine::Try<T>) -> Try<T> {
    of.map_err(|fault| Fault::from(fault.to_string()))
}

fn tone(of: usize) -> u32 {
    LOWEST + of as u32 % TONES * 50
}

async fn run(options: &Options, legs: usize, kind: Kind) -> Try<Run> {
    let engine = plain(Engine::start(&options.program, legs))?;
    let sip: SocketAddr = engine::SIP.parse()?;
    let mut seats = Vec::new();
    for n in 0..legs {
        let (id, hertz) = (seat_id(n), tone(n) + TONES * 50);
        let password = plain(engine.password(&id))?;
        seats.push(match kind {
            Kind::Plain => Phone::seat(sip, &id, &password, hertz).await?,
            Kind::Browser => {
                let page = Page::sign_in(engine::HTTP.parse()?, &id, &password).await?;
                Phone::browser(&page, &id, hertz, Oddity::None).await?
            }
        });
    }
    plain(engine.all_ready(legs))?;
    let mut callers = Vec::new();
    for n in 0..legs {
        let caller = Phone::caller(sip, &format!("138{n:08}"), tone(n)).await?;
        caller.dial("12345").await?;
        callers.push(caller);
        sleep(SPACED).await;
    }
    for seat in &seats {
        seat.is(Stage::Talking).await?;
    }
    sleep(SETTLED).await;
    let measured = measure(options, &engine, &seats, &callers).await;
    for caller in &callers {
        caller.hang_up().await?;
    }
    for seat in &seats {
        seat.is(Stage::Idle).await?;
    }
    measured
}

/// Lets all talk for the time of a run.
async fn measure(
    options: &Options,
    engine: &Engine,
    seats: &[Phone],
    callers: &[Phone],
) -> Try<Run> {
    seats.iter().chain(callers).for_each(Phone::listens_anew);
    let (before, own) = (plain(engine.threads())?, plain(cost_of("self"))?.0);
    let waits = (plain(engine.waits())?, plain(waits_of("self"))?);
    sleep(Duration::from_secs(options.seconds)).await;
    let (after, own_after) = (plain(engine.threads())?, plain(cost_of("self"))?.0);
    let heard = |phones: &[Phone]| phones.iter().map(Phone::heard).collect::<Vec<_>>();
    let (by_seats, by_callers) = (heard(seats), heard(callers));
    let seconds = options.seconds as f64;
    let by_engine = longest_wait(&waits.0, &plain(engine.waits())?);
    let by_load = longest_wait(&waits.1, &plain(waits_of("self"))?);
    let judged = each_hears_one("seat", &by_seats, LOWEST, seconds)
        .and_then(|()| each_hears_one("caller", &by_callers, LOWEST + TONES * 50, seconds));
    judged.map_err(|fault| {
        format!(
            "{fault}; a thread of the engine stood {by_engine:.2} s without a core, \
             one of the load {by_load:.2} s"
        )
    })?;
    let spent = |only: &str| -> f64 {
        let of = after.iter().filter(|(name, _)| name.starts_with(only));
        of.map(|(name, spent)| spent - before.get(name).copied().unwrap_or(0.0))
            .sum()
    };
    let call_seconds = seats.len() as f64 * seconds;
    let all = || by_seats.iter().chain(&by_callers);
    Ok(Run {
        engine_us: spent("") * 1e6 / call_seconds,
        media_us: spent("media") * 1e6 / call_seconds,
        load_us: (own_after - own) * 1e6 / call_seconds,
        lost: all().map(|heard| heard.lost).sum(),
        packets: all().map(|heard| heard.packets).sum(),
        longest_gap: all()
            .map(|heard| heard.longest_gap)
            .max()
            .unwrap_or_default(),
    })
}

/// Each party heard one tone of the other side's nearly all the time, and as many heard a tone as
/// say it.
fn each_hears_one(party: &str, heard: &[Heard], lowest: u32, seconds: f64) -> Try<()> {
    let mut hears: BTreeMap<u32, usize> = BTreeMap::new();
    let mut says: BTreeMap<u32, usize> = BTreeMap::new();
    for (n, heard) in heard.iter().enumerate() {
        let tones = (0..TONES).map(|step| lowest + step * 50);
        let found = tones.map(|hertz| (heard.seconds_of(hertz), hertz));
        let (most, hertz) = found
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .ok_or("nothing heard")?;
        if most < HEARD_SHARE * seconds {
            let (packets, gap) = (heard.packets, heard.longest_gap);
            let heard = format!("{hertz} Hz for {most:.2} s of {seconds}");
            return Err(
                format!("{party} {n} heard {heard}, {packets} packets, gap {gap:?}").into(),
            );
        }
        *hears.entry(hertz).or_default() += 1;
        *says.entry(tone(n) - LOWEST + lowest).or_default() += 1;
    }
    if hears != says {
        return Err(format!("said to each {party} were {says:?}, heard {hears:?}").into());
    }
    Ok(())
}
