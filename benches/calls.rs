//! Whole calls through the whole engine: INVITE, queue, seat's answer, BYE, by real sockets.
//!
//! `cargo bench --bench calls [-- --part cycle|turns|highest|overload|flood|stall|memory --rate 200
//! --seconds 30 --seats 300 --capacity 0 --program target/release/hotline]`
//!
//! One thread plays all callers and all seats; the engine is a process of its own, whose processor
//! time is read from `/proc`. Callers stand in the queue at once and hang up when the seat has
//! acknowledged, so that a call is signalling, distribution, journal, tables and a recording, and
//! hardly any sound. Both share the machine: what a rate costs holds, the highest rate is that of
//! the pair. With `taskset` the load can be kept off the engine's cores, so that overload is the
//! engine's alone: give `--program` a script that pins the engine. `--capacity` gives C to the
//! overload part instead of searching for it.

#[path = "calls/engine.rs"]
mod engine;
#[path = "calls/messages.rs"]
mod messages;
#[path = "calls/options.rs"]
mod options;
#[path = "calls/town.rs"]
mod town;
#[path = "calls/turns.rs"]
mod turns;

use std::{collections::BTreeMap, net::UdpSocket, path::PathBuf, thread, time::Duration};

use engine::{Engine, Try};
use town::{Tally, Town};

struct Options {
    part: String,
    rate: f64,
    seconds: u64,
    seats: usize,
    capacity: f64,
    program: PathBuf,
}

fn main() -> Try<()> {
    let options = options()?;
    match options.part.as_str() {
        "cycle" => cycle(&options),
        "turns" => turns(&options),
        "highest" => highest(&options).map(drop),
        "overload" => overload(&options),
        "flood" => flood(&options),
        "stall" => stall(&options),
        "memory" => memory(&options),
        "all" => {
            cycle(&options)?;
            turns(&options)?;
            memory(&options)?;
            flood(&options)?;
            stall(&options)?;
            overload(&options)
        }
        other => Err(format!("--part {other} is not known").into()),
    }
}

fn options() -> Try<Options> {
    let mut options = Options {
        part: "all".to_owned(),
        rate: 200.0,
        seconds: 10,
        seats: 300,
        capacity: 0.0,
        program: engine::program(),
    };
    options::each(|word, value| {
        match word {
            "--part" => value.clone_into(&mut options.part),
            "--rate" => options.rate = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--seats" => options.seats = value.parse()?,
            "--capacity" => options.capacity = value.parse()?,
            "--program" => options.program = value.into(),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(options)
}

fn begin(options: &Options) -> Try<(Engine, Town)> {
    let engine = Engine::start(&options.program, options.seats)?;
    let mut town = Town::new(std::process::id())?;
    town.sign_in(&engine, options.seats)?;
    Ok((engine, town))
}

fn percentile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// A stretch of calls at one rate: what came of it, and processor seconds of the engine.
fn stretch(
    engine: &Engine,
    town: &mut Town,
    rate: f64,
    seconds: u64,
    stays: usize,
) -> Try<(Tally, f64)> {
    town.begin_tally();
    let (before, _) = engine.cost()?;
    town.call(rate, Duration::from_secs(seconds), false)?;
    town.settle(stays)?;
    let (after, _) = engine.cost()?;
    Ok((town.tally(), after - before))
}

fn cycle(options: &Options) -> Try<()> {
    let (engine, mut town) = begin(options)?;
    let mut shares = Vec::new();
    stretch(&engine, &mut town, options.rate, 2, 0)?;
    println!(
        "| calls/s | calls | completed | CPU µs/call | calls/CPU-s | set-up p50 / p99 ms | seat rung p50 / p99 ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for rate in [options.rate, options.rate * 2.0, options.rate * 3.0] {
        let before = engine.threads()?;
        let (tally, cpu) = stretch(&engine, &mut town, rate, options.seconds, 0)?;
        row(rate, &tally, cpu);
        shares.push((rate, share(&before, &engine.threads()?, tally.completed)));
    }
    println!("\nµs a call, by thread:");
    for (rate, share) in shares {
        println!("- {rate:.0} calls/s: {share}");
    }
    Ok(())
}

/// 50 seats before 200 who wait, all the time: from a seat's being free to its next INVITE.
fn turns(options: &Options) -> Try<()> {
    const SEATS: usize = 50;
    const WAITING: usize = 200;
    let engine = Engine::start(&options.program, SEATS)?;
    let mut town = Town::new(std::process::id())?;
    town.sign_in(&engine, SEATS)?;
    let folder = tempfile::tempdir()?;
    let _callers = turns::Callers::begin(folder.path(), SEATS + WAITING)?;
    let mut seats = turns::Seats::new(town.phones()?)?;
    // The line forms.
    seats.serve(Duration::from_secs(12))?;
    let (before, _) = engine.cost()?;
    let (inside, waits) = (engine.ready_to_invite()?, engine.waits()?);
    let found = seats.serve(Duration::from_secs(options.seconds.max(60)))?;
    let (after, _) = engine.cost()?;
    let waited = engine::longest_wait(&waits, &engine.waits()?);
    let inside = within(&inside, &engine.ready_to_invite()?);
    let all = |figures: &[f64]| {
        let at = |share| percentile(figures, share);
        format!(
            "{:.2} / {:.2} / {:.2} / {:.2}",
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        )
    };
    println!(
        "| talks | inside the engine p50 / p90 / p99 / most, ms | free to INVITE p50 / p90 / p99 / most, ms | OPTIONS to 200 p50 / p90 / p99 / most, ms | overtook | CPU µs/talk | a thread without a core, ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    println!(
        "| {} | {inside} | {} | {} | {} | {:.0} | {:.0} |",
        found.talks,
        all(&found.rang_ms),
        all(&found.floor_ms),
        found.overtook,
        (after - before) * 1e6 / found.talks.max(1) as f64,
        waited * 1e3,
    );
    Ok(())
}

/// Under which bounds, ms, these shares of what was counted between two looks lie.
fn within(before: &[(f64, u64)], after: &[(f64, u64)]) -> String {
    let counted = |bound: f64, counts: &[(f64, u64)]| {
        let of = counts.iter().find(|(other, _)| *other == bound);
        of.map_or(0, |(_, count)| *count)
    };
    let new = after.iter();
    let new: Vec<(f64, u64)> = new
        .map(|&(bound, count)| (bound, count - counted(bound, before)))
        .collect();
    let all = new.last().map_or(0, |(_, count)| *count) as f64;
    let shares = [0.5, 0.9, 0.99, 1.0].map(|share| {
        let bound = new.iter().find(|(_, count)| *count as f64 >= all * share);
        bound.map_or(f64::NAN, |(bound, _)| bound * 1e3)
    });
    shares.map(|ms| format!("≤ {ms}")).join(" / ")
}

/// What each thread spent on a call, those that spent most first.
fn share(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>, calls: u64) -> String {
    let spent = after.iter().map(|(name, seconds)| {
        let seconds = seconds - before.get(name).copied().unwrap_or(0.0);
        ((seconds * 1e6 / calls.max(1) as f64).round() as u64, name)
    });
    let mut spent: Vec<_> = spent.filter(|(us, _)| *us > 0).collect();
    spent.sort_unstable_by(|a, b| b.cmp(a));
    let named = spent.iter().map(|(us, name)| format!("{name} {us}"));
    named.collect::<Vec<_>>().join(", ")
}

fn row(rate: f64, tally: &Tally, cpu: f64) {
    let per_call = cpu * 1e6 / tally.completed.max(1) as f64;
    println!(
        "| {rate:.0} | {} | {} | {per_call:.0} | {:.0} | {:.1} / {:.1} | {:.1} / {:.1} |",
        tally.dialled,
        tally.completed,
        1e6 / per_call,
        percentile(&tally.set_up_ms, 0.5),
        percentile(&tally.set_up_ms, 0.99),
        percentile(&tally.rang_ms, 0.5),
        percentile(&tally.rang_ms, 0.99),
    );
}

/// Records that a call leaves in the journal, at least.
const RECORDS_A_CALL: f64 = 10.0;

/// The highest rate with p99 of set-up under 200 ms, less than 1 % failed, and tables that are at
/// most two seconds behind: C. What could go on for a day, that is.
fn highest(options: &Options) -> Try<f64> {
    let (engine, mut town) = begin(options)?;
    println!(
        "| calls/s | calls | completed | CPU µs/call | calls/CPU-s | set-up p50 / p99 ms | seat rung p50 / p99 ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    stretch(&engine, &mut town, options.rate / 2.0, 2, 0)?;
    let (mut rate, mut best) = (options.rate, 0.0);
    loop {
        let (tally, cpu) = stretch(&engine, &mut town, rate, options.seconds, 0)?;
        let behind_s = engine.tables_behind()? / RECORDS_A_CALL / rate;
        row(rate, &tally, cpu);
        println!("tables behind by {behind_s:.1} s");
        let held = tally.completed as f64 >= tally.dialled as f64 * 0.99
            && percentile(&tally.set_up_ms, 0.99) < 200.0
            && behind_s <= 2.0;
        if !held {
            break;
        }
        best = rate;
        rate *= 1.2;
    }
    println!("\nC = {best:.0} calls/s\n");
    Ok(best)
}

fn overload(options: &Options) -> Try<()> {
    let capacity = match options.capacity {
        0.0 => highest(options)?,
        given => given,
    };
    let (engine, mut town) = begin(options)?;
    // What a first stretch allocates is not overload.
    stretch(&engine, &mut town, capacity / 2.0, 2, 0)?;
    let stays = options.seats / 4;
    town.call(50.0, Duration::from_secs_f64(stays as f64 / 50.0), true)?;
    town.idle(Duration::from_secs(4))?;
    println!(
        "| load | calls/s | completed/s | of C | refused | failed | set-up p99 ms | long calls lost | cores: engine, load | after: completed, p99 ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |");
    for times in [1.0, 2.0, 5.0, 10.0] {
        let long = town.connected();
        let rate = capacity * times;
        let began = std::time::Instant::now();
        town.begin_tally();
        let before = (engine.cost()?.0, engine::cost_of("self")?.0);
        town.call(rate, Duration::from_secs(options.seconds), false)?;
        let took = began.elapsed().as_secs_f64();
        let cpu = (engine.cost()?.0, engine::cost_of("self")?.0);
        let said = town.tally();
        town.idle(Duration::from_secs(5))?;
        let (after, _) = stretch(&engine, &mut town, capacity / 2.0, 3, long)?;
        let goodput = said.completed as f64 / took;
        println!(
            "| {times}× | {:.0} | {goodput:.0} | {:.2} | {} | {} | {:.0} | {} of {long} | {:.2}, {:.2} | {} of {}, {:.1} |",
            said.dialled as f64 / took,
            goodput / capacity,
            said.refused,
            said.failed,
            percentile(&said.set_up_ms, 0.99),
            town.lost,
            (cpu.0 - before.0) / took,
            (cpu.1 - before.1) / took,
            after.completed,
            after.dialled,
            percentile(&after.set_up_ms, 0.99),
        );
    }
    town.all_leave();
    town.settle(0)
}

fn flood(options: &Options) -> Try<()> {
    let (engine, mut town) = begin(options)?;
    println!(
        "| strangers' requests/s | trunk calls | completed | set-up p99 ms | engine's CPU | memory before / after, KiB |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for per_s in [0_u64, 5_000] {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let (_, before) = engine.cost()?;
        let (tally, cpu) = thread::scope(|scope| -> Try<(Tally, f64)> {
            let flooding = scope.spawn(|| -> Result<(), String> {
                let stranger = UdpSocket::bind("127.0.0.3:0").map_err(|e| e.to_string())?;
                stranger.set_nonblocking(true).map_err(|e| e.to_string())?;
                let mut other = Town::new(7).map_err(|e| e.to_string())?;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) && per_s > 0 {
                    other
                        .flood(&stranger, per_s / 100)
                        .map_err(|e| e.to_string())?;
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(())
            });
            let said = stretch(&engine, &mut town, options.rate, options.seconds, 0);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            flooding.join().map_err(|_| "the flood broke")??;
            said
        })?;
        let (_, after) = engine.cost()?;
        println!(
            "| {per_s} | {} | {} | {:.1} | {:.2} | {before} / {after} |",
            tally.dialled,
            tally.completed,
            percentile(&tally.set_up_ms, 0.99),
            cpu / options.seconds as f64,
        );
    }
    Ok(())
}

/// Calls while another program holds the tables' database, so that nothing can be written there.
fn stall(options: &Options) -> Try<()> {
    let (engine, mut town) = begin(options)?;
    stretch(&engine, &mut town, options.rate, 2, 0)?;
    println!("| tables | calls | completed | set-up p50 / p99 ms | seat rung p50 / p99 ms |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for held in [false, true, false] {
        let lock = held.then(|| engine.hold_tables()).transpose()?;
        let (tally, _) = stretch(&engine, &mut town, options.rate, options.seconds, 0)?;
        println!(
            "| {} | {} | {} | {:.1} / {:.1} | {:.1} / {:.1} |",
            if held { "held" } else { "free" },
            tally.dialled,
            tally.completed,
            percentile(&tally.set_up_ms, 0.5),
            percentile(&tally.set_up_ms, 0.99),
            percentile(&tally.rang_ms, 0.5),
            percentile(&tally.rang_ms, 0.99),
        );
        drop(lock);
    }
    let last = engine.until_tables_follow()?;
    println!("\nafterwards the tables followed the journal to record {last}");
    Ok(())
}

/// Memory after 9,000 calls at 150 a second.
fn memory(options: &Options) -> Try<()> {
    let (engine, mut town) = begin(options)?;
    // The first calls warm the allocator and the tables.
    stretch(&engine, &mut town, 50.0, 2, 0)?;
    town.idle(Duration::from_secs(40))?;
    let (_, before) = engine.cost()?;
    let (tally, _) = stretch(&engine, &mut town, 150.0, 60, 0)?;
    let (_, at_once) = engine.cost()?;
    // Transactions live 32 s after their call.
    town.idle(Duration::from_secs(60))?;
    let (_, later) = engine.cost()?;
    println!("| calls | memory before, KiB | at the end | a minute later | grown |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    println!(
        "| {} of {} | {before} | {at_once} | {later} | {} |",
        tally.completed,
        tally.dialled,
        later.saturating_sub(before)
    );
    Ok(())
}
