//! The two doors under real threads: nothing is lost, nothing is torn, nobody sleeps too long.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "here the test is the shell, which has threads and a clock"
)]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant as Clock},
};

use hotline_acd::{
    board::{QueueWord, board},
    gate::{Full, Gate, GateCounts},
};

const PRODUCERS: usize = 4;
const EACH: usize = 20_000;

/// Four submit, one takes and rests whenever there is nothing: every order arrives once, in the
/// order of its thread, and no wake is missed.
#[test]
fn orders_arrive_once_and_in_order_and_wake_the_taker() {
    let taker = thread::current();
    let gate = Gate::with_wake(64, move || taker.unpark());
    let mut next = [0; PRODUCERS];
    let mut longest_rest = Duration::ZERO;
    let refused = AtomicBool::new(false);
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (gate, refused) = (&gate, &refused);
            scope.spawn(move || {
                for n in 0..EACH {
                    let mut order = (producer, n);
                    while let Err(Full(back)) = gate.submit(order) {
                        assert_eq!(back, order);
                        refused.store(true, Ordering::Relaxed);
                        order = back;
                        thread::yield_now();
                    }
                }
            });
        }
        while next.iter().sum::<usize>() < PRODUCERS * EACH {
            if let Some((producer, n)) = gate.take() {
                assert_eq!(n, next[producer]);
                next[producer] += 1;
            } else if gate.rest() {
                let start = Clock::now();
                thread::park_timeout(Duration::from_secs(60));
                gate.rise();
                longest_rest = longest_rest.max(start.elapsed());
            }
        }
    });
    assert!(longest_rest < Duration::from_secs(60), "a wake was missed");
    let all = (PRODUCERS * EACH) as u64;
    let GateCounts {
        submitted,
        taken,
        refused: back,
    } = gate.counts();
    assert_eq!((submitted, taken), (all, all));
    assert_eq!(back > 0, refused.load(Ordering::Relaxed));
    assert_eq!(gate.waiting(), 0);
}

/// One writes a queue whose figures are always equal; whoever reads sees them equal, and never an
/// older one after a newer one.
#[test]
fn a_record_is_read_whole_while_it_is_written() {
    let (mut writer, reader) = board(0, 1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (reader, done) = (reader.clone(), &done);
            scope.spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let it = reader.queue(0).unwrap();
                    let figures = [it.ready_seats, it.offering, it.talking, it.staffed];
                    assert_eq!(figures, [it.waiting; 4]);
                    assert!(it.waiting >= last);
                    last = it.waiting;
                }
            });
        }
        for n in 1..=100_000 {
            writer.set_queue(
                0,
                QueueWord {
                    waiting: n,
                    ready_seats: n,
                    offering: n,
                    talking: n,
                    staffed: n,
                    longest_wait_since: None,
                    tempo: None,
                },
            );
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(reader.turns(), 100_000);
}
