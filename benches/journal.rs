//! How many events a second the journal keeps, and how fast it is read again.
//!
//! `cargo bench --bench journal [-- --folder DIR --calls 20000 --seconds 3 --runs 3]`
//!
//! Writing: one thread appends the events of calls and commits each 1, 64 or 1,024 of them; each
//! commit waits for the disk. The floor beside it writes the same bytes into a plain file with the
//! same number of fsyncs and does nothing else. Reading: the whole journal, checked link by link,
//! alone (`verify`), decoded (`read`), and through the wallboard's folds (`recompute`). Medians of
//! the runs; the folder decides which disk is measured. CPU is the thread's own, from `schedstat`:
//! it holds on a machine with other work, where the events a second do not.

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hotline_model::{
    CallId, QueueId, ScriptId, SeatId, Timestamp, TrunkId,
    event::{Event, Outcome, ReleasedBy, Stamped},
    seat::{Intent, OfferResult, Work},
};
use hotline_store::{Folds, Journal, Record, journal};

type Try<T> = Result<T, Box<dyn Error>>;

/// 2026-11-21 15:30:12 in China.
const START: i64 = 1_795_246_212_000;

/// Events of a call as [`story`] tells it.
const EVENTS_PER_CALL: u64 = 20;

struct Options {
    folder: PathBuf,
    calls: u64,
    seconds: u64,
    runs: usize,
}

fn main() -> Try<()> {
    let options = options()?;
    println!("| work | events/s | CPU µs/event | floor of the same run, events/s |");
    println!("| --- | ---: | ---: | ---: |");
    for group in [1, 64, 1_024, 4_096] {
        let (mut kept, mut cpu, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.runs {
            let (rate, us) = write(&options, group)?;
            kept.push(rate);
            cpu.push(us);
            floor.push(write_floor(&options, group)?);
        }
        let (kept, floor) = (median(kept), median(floor));
        let cpu = median(cpu);
        println!("| append, commit each {group} | {kept:.0} | {cpu:.2} | {floor:.0} |");
    }
    reading(&options)
}

fn options() -> Try<Options> {
    let mut options = Options {
        folder: std::env::temp_dir(),
        calls: 20_000,
        seconds: 3,
        runs: 3,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--folder" => options.folder = value.into(),
            "--calls" => options.calls = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--runs" => options.runs = value.parse::<usize>()?.max(1),
            _ => return Err(format!("{word} is not known").into()),
        }
    }
    options
        .folder
        .push(format!("hotline-journal-{}", std::process::id()));
    Ok(options)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Time this thread has been running on a processor, µs.
fn cpu_us() -> Try<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns = text.split_whitespace().next().ok_or("schedstat is empty")?;
    Ok(ns.parse::<f64>()? / 1e3)
}

/// Events of one call after the other, for ever.
fn events() -> impl Iterator<Item = Try<Stamped>> {
    (1u64..).flat_map(|call| {
        let story = story(call).map_err(|e| e.to_string());
        let (events, fault) = match story {
            Ok(events) => (events, None),
            Err(e) => (Vec::new(), Some(Err(e.into()))),
        };
        let stamped = (0u64..).zip(events).map(move |(n, event)| {
            // One call in 200 ms, an event each 3 s: many calls a minute, as on a busy day.
            let up_ms = call * 200 + n * 3_000;
            let at = Timestamp(START).after(Duration::from_millis(up_ms));
            Ok(Stamped { at, up_ms, event })
        });
        fault.into_iter().chain(stamped)
    })
}

/// Events a second that the journal takes in, committed in groups, and the CPU of one in µs.
fn write(options: &Options, group: u64) -> Try<(f64, f64)> {
    let dir = &options.folder;
    let (mut journal, _) = Journal::open(dir)?;
    let mut events = events();
    let (begun, cpu) = (Instant::now(), cpu_us()?);
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(options.seconds) {
        for event in events.by_ref().take(group as usize) {
            black_box(journal.append(&event?)?);
        }
        journal.commit()?;
        count += group;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let cpu = (cpu_us()? - cpu) / count as f64;
    drop(journal);
    fs::remove_dir_all(dir)?;
    Ok((rate, cpu))
}

/// The same number of bytes and fsyncs without anything else.
fn write_floor(options: &Options, group: u64) -> Try<f64> {
    let dir = &options.folder;
    fs::create_dir_all(dir)?;
    let mut file = fs::File::create(dir.join("floor"))?;
    // An average record of `story` with its frame.
    let bytes = vec![b'x'; 290 * group as usize];
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(options.seconds) {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += group;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    fs::remove_dir_all(dir)?;
    Ok(rate)
}

/// Goes through a journal and says how many records it saw.
type Reading = fn(&Path) -> Try<u64>;

fn reading(options: &Options) -> Try<()> {
    let dir = &options.folder;
    let total = options.calls * EVENTS_PER_CALL;
    let (mut journal, _) = Journal::open(dir)?;
    for (n, event) in (1..=total).zip(events()) {
        journal.append(&event?)?;
        if n % 1_024 == 0 {
            journal.commit()?;
        }
    }
    journal.commit()?;
    drop(journal);
    let bytes = size(dir)?;
    println!();
    println!(
        "Journal: {} calls, {total} events, {} MB, {} bytes an event.",
        options.calls,
        bytes / 1_000_000,
        bytes / total
    );
    println!();
    println!("| work | events/s | CPU µs/event | MB per CPU-s | 400,000 calls, CPU-s |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let works: [(&str, Reading); 3] =
        [("verify", verify), ("read", read), ("recompute", recompute)];
    for (name, work) in works {
        let (mut rates, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            let (begun, cpu) = (Instant::now(), cpu_us()?);
            let count = work(dir)?;
            if count != total {
                return Err(format!("{name} saw {count} of {total} events").into());
            }
            rates.push(count as f64 / begun.elapsed().as_secs_f64());
            costs.push((cpu_us()? - cpu) / count as f64);
        }
        let (rate, cpu) = (median(rates), median(costs));
        let megabytes = bytes as f64 / total as f64 / cpu;
        let year = 400_000.0 * EVENTS_PER_CALL as f64 * cpu / 1e6;
        println!("| {name} | {rate:.0} | {cpu:.2} | {megabytes:.0} | {year:.1} |");
    }
    fs::remove_dir_all(dir)?;
    Ok(())
}

fn size(dir: &Path) -> Try<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn verify(dir: &Path) -> Try<u64> {
    Ok(journal::verify(dir)?.records)
}

fn read(dir: &Path) -> Try<u64> {
    let mut count = 0;
    for record in journal::read(dir, 1)? {
        black_box(record?);
        count += 1;
    }
    Ok(count)
}

fn recompute(dir: &Path) -> Try<u64> {
    let mut folds = Folds::new(480);
    let mut last = None::<Record>;
    let mut count = 0;
    for record in journal::read(dir, 1)? {
        let record = record?;
        folds.apply(&record);
        last = Some(record);
        count += 1;
    }
    let now = last.map_or(Timestamp(START), |record| record.stamped.at);
    black_box(folds.totals(now));
    Ok(count)
}

/// A call from its INVITE to the score, with its seat's states.
fn story(call: u64) -> Try<Vec<Event>> {
    let id = CallId(call);
    let seat = SeatId::new(&format!("{}", 1_001 + call % 200))?;
    let queue = QueueId::new("general")?;
    let file = format!("20261121-153012-{call:06}.wav");
    let state = |work, call| Event::SeatChanged {
        seat,
        intent: Intent::Ready,
        work,
        call,
    };
    Ok(vec![
        Event::CallArrived {
            call: id,
            trunk: Some(TrunkId::new("mobile")?),
            caller: format!("138{call:08}"),
            called: "12345".into(),
            sip_call_id: format!("{call:016x}@192.0.2.1"),
            withheld: false,
        },
        Event::CallAnswered { call: id },
        Event::ScriptStarted {
            call: id,
            script: ScriptId::new("12345-menu")?,
            version: "0123456789abcdef".into(),
        },
        Event::MenuChosen {
            call: id,
            menu: "main".into(),
            digit: Some('0'),
        },
        Event::QueueEntered {
            call: id,
            queue,
            priority: 5,
            position: 1,
        },
        state(Work::Reserved, Some(id)),
        Event::SeatOffered {
            call: id,
            seat,
            queue,
            why: "longest idle, 95 s".into(),
        },
        Event::OfferEnded {
            call: id,
            seat,
            result: OfferResult::Answered,
            rang_ms: 2_500,
        },
        Event::SeatAnswered {
            call: id,
            seat,
            queue,
            since_arrival_ms: 15_000 + call % 9_000,
            since_menu_ms: 6_000 + call % 9_000,
            since_queue_ms: 6_000 + call % 12_000,
        },
        Event::SeatAnnounced { call: id, seat },
        state(Work::Talking, Some(id)),
        Event::TalkStarted { call: id, seat },
        Event::RecordingStarted {
            call: id,
            file: file.clone(),
        },
        Event::TalkEnded {
            call: id,
            seat,
            talk_ms: 95_000,
            hold_ms: 0,
            released_by: ReleasedBy::Agent,
        },
        state(Work::WrapUp, Some(id)),
        Event::RecordingClosed {
            call: id,
            file,
            ms: 95_000,
            sha256: "0f".repeat(32),
        },
        Event::SurveyOffered { call: id, seat },
        Event::SurveyAnswered {
            call: id,
            seat,
            digit: '1',
            meaning: "satisfied".into(),
        },
        Event::CallEnded {
            call: id,
            outcome: Outcome::Answered,
            released_by: ReleasedBy::Engine,
            cause: "survey done".into(),
            total_ms: 120_000,
        },
        state(Work::Free, None),
    ])
}
