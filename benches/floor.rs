//! How fast the floor decides at 10,000 seats and 5,000 waiting callers, and how fast other threads
//! hand it orders.
//!
//! `cargo bench --bench floor [-- --decisions 200000 --orders 400000 --runs 5]`
//!
//! Deciding: one turn is `handle_input` and the drain of its outputs. "Seat becomes free": each turn
//! ends a talk and must offer the seat to the head of its most pressing queue. "Caller comes": each
//! turn queues a caller and must offer an idle seat. "Whole life": all turns of a call (queued,
//! offered, rang, answered, talk ended, seat free), per call. All of it for each choice of a seat.
//!
//! Handing over: producers submit through the gate, or into a `Mutex<BTreeMap>` as a floor with a
//! lock would have it, while one thread takes; a producer that finds it full gives way and tries
//! again. Medians of the runs.
//! Turns a second come from the mean turn without the slowest thousandth: those are the scheduler's
//! (a turn of a microsecond that took milliseconds was not running), and `p99` shows the rest.

use std::{
    collections::BTreeMap,
    error::Error,
    hint::black_box,
    str::FromStr,
    sync::Mutex,
    thread,
    time::{Duration, Instant as Clock},
};

use hotline_acd::{
    Choice, Floor, Input, Output, QueueSettings, SeatSettings,
    gate::{Full, Gate},
};
use hotline_model::{
    CallId, Instant, QueueId, SeatId, limits,
    seat::{Device, Intent},
};

type Try<T> = Result<T, Box<dyn Error>>;

const SEATS: u64 = 10_000;
const WAITING: u64 = 5_000;
const QUEUES: u64 = 16;
/// Queues a seat serves.
const SERVES: u64 = 3;

const CHOICES: [Choice; 7] = [
    Choice::LongestIdle,
    Choice::LeastOccupied,
    Choice::FewestCalls,
    Choice::MostSkilled,
    Choice::RoundRobin,
    Choice::FixedOrder,
    Choice::WeightedRandom,
];

fn main() -> Try<()> {
    let decisions: u64 = option("--decisions", 200_000)?;
    let orders: u64 = option("--orders", 400_000)?;
    let runs: usize = option("--runs", 5)?;
    println!(
        "| decision at {SEATS} seats, {QUEUES} queues, {SERVES} a seat | turns/s | p50 µs | p99 µs |"
    );
    println!("| --- | ---: | ---: | ---: |");
    for choice in CHOICES {
        let seat_free = medians(runs, || {
            let floor = Bench::with_callers_waiting(choice)?;
            floor.measure(decisions, Bench::seat_becomes_free)
        })?;
        seat_free.print(&format!("{choice:?}: seat becomes free, {WAITING} waiting"));
        let caller_comes = medians(runs, || {
            let floor = Bench::with_seats_idle(choice)?;
            floor.measure(decisions, Bench::caller_comes)
        })?;
        caller_comes.print(&format!("{choice:?}: caller comes, all seats idle"));
        let whole_life = medians(runs, || {
            let floor = Bench::with_callers_waiting(choice)?;
            floor.measure(decisions, Bench::whole_life)
        })?;
        whole_life.print(&format!(
            "{choice:?}: whole life of a call, {WAITING} waiting"
        ));
    }

    println!();
    println!("| handing over | producers | orders/s | p50 ns | p99 ns | p99.9 ns |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for producers in 1..=4 {
        let each = orders / producers;
        let gate = medians(runs, || Ok(through_gate(producers, each)))?;
        gate.print_handing("gate", producers);
        let lock = medians(runs, || Ok(through_lock(producers, each)))?;
        lock.print_handing("Mutex<BTreeMap>", producers);
    }
    Ok(())
}

fn option<T: FromStr>(name: &str, otherwise: T) -> Try<T>
where
    T::Err: Error + 'static,
{
    let mut words = std::env::args();
    match words.find(|word| word == name) {
        None => Ok(otherwise),
        Some(_) => Ok(words.next().ok_or("a figure is missing")?.parse()?),
    }
}

/// What a run gave.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    per_s: f64,
    p50: f64,
    p99: f64,
    p999: f64,
}

impl Figures {
    /// `seconds` is the wall time of all; without it the mean of all but the slowest thousandth
    /// counts.
    fn of(mut times: Vec<u64>, seconds: Option<f64>) -> Self {
        times.sort_unstable();
        let running = times.iter().take(times.len() * 999 / 1_000);
        let (count, sum) = (running.len() as f64, running.sum::<u64>() as f64 / 1e9);
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times.get(index).copied().unwrap_or_default() as f64
        };
        Self {
            per_s: seconds.map_or(count / sum, |wall| times.len() as f64 / wall),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
        }
    }

    fn print(&self, what: &str) {
        let (p50, p99) = (self.p50 / 1e3, self.p99 / 1e3);
        println!("| {what} | {:.0} | {p50:.2} | {p99:.2} |", self.per_s);
    }

    fn print_handing(&self, what: &str, producers: u64) {
        let Self {
            per_s,
            p50,
            p99,
            p999,
        } = self;
        println!("| {what} | {producers} | {per_s:.0} | {p50:.0} | {p99:.0} | {p999:.0} |");
    }
}

fn medians(runs: usize, mut run: impl FnMut() -> Try<Figures>) -> Try<Figures> {
    let all = (0..runs.max(1)).map(|_| run()).collect::<Try<Vec<_>>>()?;
    let median = |figure: fn(&Figures) -> f64| {
        let mut figures: Vec<f64> = all.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Ok(Figures {
        per_s: median(|it| it.per_s),
        p50: median(|it| it.p50),
        p99: median(|it| it.p99),
        p999: median(|it| it.p999),
    })
}

/// A floor at work, and who is talking on it.
struct Bench {
    floor: Floor,
    now: Instant,
    queues: Vec<QueueId>,
    next_call: u64,
    talking: Vec<(CallId, SeatId)>,
}

impl Bench {
    /// All seats signed in and idle.
    fn with_seats_idle(choice: Choice) -> Try<Self> {
        let queues = (0..QUEUES).map(|n| QueueId::new(&format!("queue-{n}")));
        let queues = queues.collect::<Result<Vec<_>, _>>()?;
        let seats = (0..SEATS).map(|n| {
            let serves = (0..SERVES).map(|k| (n + k * 5) % QUEUES);
            let serves = serves.filter_map(|i| queues.get(i as usize).copied());
            let id = SeatId::new(&format!("{}", 10_000 + n))?;
            Ok(SeatSettings {
                queues: serves.collect(),
                ..SeatSettings::new(id)
            })
        });
        let seats = seats.collect::<Try<Vec<_>>>()?;
        let ids: Vec<SeatId> = seats.iter().map(|seat| seat.id).collect();
        let rules = queues.iter().map(|&id| QueueSettings {
            wrap_up: Duration::ZERO,
            capacity: WAITING as usize,
            choice,
            longest_wait: Some(Duration::from_secs(3_600)),
            ..QueueSettings::new(id)
        });
        let floor = Floor::new(rules.collect(), seats);
        let now = Instant::START + Duration::from_secs(1);
        let talking = Vec::new();
        let mut bench = Self {
            floor,
            now,
            queues,
            next_call: 0,
            talking,
        };
        for seat in ids {
            bench.turn(Input::SetDevice {
                seat,
                device: Device::Registered,
            });
            bench.turn(Input::SetIntent {
                seat,
                intent: Intent::Ready,
            });
        }
        Ok(bench)
    }

    /// All seats talking, and the line full.
    fn with_callers_waiting(choice: Choice) -> Try<Self> {
        let mut bench = Self::with_seats_idle(choice)?;
        // Every seat serves some queue; go round until all of them talk.
        while bench.talking.len() < SEATS as usize {
            let Some((call, seat)) = bench.caller_comes_quietly() else {
                continue;
            };
            bench.answer(call, seat);
        }
        for _ in 0..WAITING {
            bench.caller_comes_quietly();
        }
        Ok(bench)
    }

    /// One input and the drain of its outputs; the last offer among them.
    fn turn(&mut self, input: Input) -> Option<(CallId, SeatId)> {
        self.now = self.now + Duration::from_micros(50);
        self.floor.handle_input(self.now, input);
        let mut offered = None;
        while let Some(output) = self.floor.poll_output() {
            if let Output::Offer { call, seat, .. } = black_box(output) {
                offered = Some((call, seat));
            }
        }
        offered
    }

    fn caller(&mut self) -> Input {
        self.next_call += 1;
        let index = (self.next_call * 7 % QUEUES) as usize;
        let queue = self.queues.get(index).or(self.queues.first()).copied();
        Input::CallQueued {
            call: CallId(self.next_call),
            queue: queue.unwrap_or_else(|| unreachable!("there are queues")),
            priority: if self.next_call.is_multiple_of(50) {
                0
            } else {
                5
            },
            arrived: self.now,
            spent: 0,
            preferred: None,
            promised: false,
        }
    }

    fn caller_comes_quietly(&mut self) -> Option<(CallId, SeatId)> {
        let input = self.caller();
        let offered = self.turn(input);
        let call = CallId(self.next_call);
        if offered.is_none() && (self.talking.len() as u64) < SEATS {
            // This queue's seats all talk already; the next caller asks for another queue.
            self.turn(Input::CallLeft { call });
        }
        offered
    }

    fn answer(&mut self, call: CallId, seat: SeatId) {
        self.turn(Input::Rang { call, seat });
        self.turn(Input::Answered { call, seat });
        self.talking.push((call, seat));
    }

    /// Somebody who talks, chosen by a stride through the seats.
    fn somebody(&mut self) -> (CallId, SeatId) {
        let index = (self.next_call * 7_919 % self.talking.len().max(1) as u64) as usize;
        self.talking.swap_remove(index)
    }

    /// Times the turn that ends a talk and offers the seat to the next caller.
    fn seat_becomes_free(&mut self) -> u64 {
        let input = self.caller();
        self.turn(input);
        let (call, seat) = self.somebody();
        let start = Clock::now();
        let offered = self.turn(Input::TalkEnded { call, seat });
        let time = nanos(start);
        if let Some((call, seat)) = offered {
            self.answer(call, seat);
        }
        time
    }

    /// Times the turn that takes a caller in and offers the longest idle seat.
    fn caller_comes(&mut self) -> u64 {
        let input = self.caller();
        let start = Clock::now();
        let offered = self.turn(input);
        let time = nanos(start);
        if let Some((call, seat)) = offered {
            self.turn(Input::Answered { call, seat });
            self.turn(Input::TalkEnded { call, seat });
        }
        time
    }

    /// Times everything the floor hears of a call.
    fn whole_life(&mut self) -> u64 {
        let (call, seat) = self.somebody();
        let start = Clock::now();
        let input = self.caller();
        self.turn(input);
        if let Some((call, seat)) = self.turn(Input::TalkEnded { call, seat }) {
            self.answer(call, seat);
        }
        nanos(start)
    }

    fn measure(mut self, turns: u64, mut turn: impl FnMut(&mut Self) -> u64) -> Try<Figures> {
        let times: Vec<u64> = (0..turns).map(|_| turn(&mut self)).collect();
        if self.floor.ignored() > 0 {
            return Err("the bench told the floor nonsense".into());
        }
        Ok(Figures::of(times, None))
    }
}

fn nanos(start: Clock) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Runs producers beside one taker; the times are those of the submissions.
fn hand_over(
    producers: u64,
    each: u64,
    submit: impl Fn(u64) + Sync,
    take: impl Fn() -> bool + Sync,
) -> Figures {
    let start = Clock::now();
    let times = thread::scope(|scope| {
        let submit = &submit;
        let producing: Vec<_> = (0..producers)
            .map(|producer| {
                let one = move |n: u64| {
                    let start = Clock::now();
                    submit(producer << 32 | n);
                    nanos(start)
                };
                scope.spawn(move || (0..each).map(one).collect::<Vec<u64>>())
            })
            .collect();
        let mut left = producers * each;
        while left > 0 {
            if take() {
                left -= 1;
            } else {
                thread::yield_now();
            }
        }
        let done = producing
            .into_iter()
            .filter_map(|thread| thread.join().ok());
        done.flatten().collect::<Vec<u64>>()
    });
    Figures::of(times, Some(start.elapsed().as_secs_f64()))
}

fn through_gate(producers: u64, each: u64) -> Figures {
    let gate = Gate::new(limits::GATE_ORDERS);
    let submit = |order: u64| {
        let mut order = order;
        while let Err(Full(back)) = gate.submit(order) {
            order = back;
            thread::yield_now();
        }
    };
    hand_over(producers, each, submit, || black_box(gate.take()).is_some())
}

fn through_lock(producers: u64, each: u64) -> Figures {
    let orders = Mutex::new(BTreeMap::new());
    let submit = |order: u64| loop {
        if let Ok(mut orders) = orders.lock()
            && orders.len() < limits::GATE_ORDERS
        {
            orders.insert(order, order);
            return;
        }
        thread::yield_now();
    };
    let take = || match orders.lock() {
        Ok(mut orders) => black_box(orders.pop_first()).is_some(),
        Err(_) => false,
    };
    hand_over(producers, each, submit, take)
}
