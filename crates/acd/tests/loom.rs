//! The atomics under every order of execution that their orderings allow:
//! `RUSTFLAGS="--cfg loom" cargo test -p hotline-acd --test loom --release`
//!
//! Checked: the board's records and the gate's wake word, all of our own atomics. The ring inside
//! the gate is crossbeam's `ArrayQueue`, which loom cannot see into; a slot of loom's own stands
//! for it here. What it promises and we rely on: a pushed order is visible to the pop that finds
//! it, and `is_empty` is false from the end of a push until its pop.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

use core::time::Duration;

use hotline_acd::{
    board::{QueueWord, SeatWord, board},
    wake::WakeWord,
};
use hotline_model::{
    CallId, Instant,
    seat::{Device, Intent, Reason, Work},
};
use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

fn seat(n: u64) -> SeatWord {
    let work = if n % 2 == 0 {
        Work::Free
    } else {
        Work::Talking
    };
    SeatWord {
        intent: if n % 2 == 0 {
            Intent::Ready
        } else {
            Intent::NotReady(Reason::Meal)
        },
        pending: None,
        work,
        device: Device::Registered,
        call: (work == Work::Talking).then_some(CallId(n)),
        since: Instant::from_start(Duration::from_nanos(n)),
    }
}

/// A reader never sees half of one turn and half of another, and never goes back in time.
#[test]
fn a_read_is_one_of_the_writes() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut writer, reader) = board(1, 0);
        writer.set_seat(0, seat(1));
        let writing = thread::spawn(move || writer.set_seat(0, seat(2)));
        let first = reader.seat(0).unwrap();
        let then = reader.seat(0).unwrap();
        assert!(first == seat(1) || first == seat(2), "{first:?}");
        assert!(then == first || then == seat(2), "{then:?} after {first:?}");
        writing.join().unwrap();
        assert_eq!(reader.seat(0), Some(seat(2)));
    });
}

/// Two readers do not disturb each other or the writer.
#[test]
fn readers_share_a_record() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let (mut writer, reader) = board(0, 1);
        let queue = QueueWord {
            waiting: 1,
            ready_seats: 1,
            offering: 1,
            talking: 1,
            staffed: 1,
            longest_wait_since: Some(Instant::START),
            tempo: None,
        };
        let other = reader.clone();
        let reading = thread::spawn(move || other.queue(0).unwrap());
        let writing = thread::spawn(move || writer.set_queue(0, queue));
        for seen in [reader.queue(0).unwrap(), reading.join().unwrap()] {
            assert!(seen == queue || seen == QueueWord::default(), "{seen:?}");
        }
        writing.join().unwrap();
    });
}

/// Whoever finds the board's count of turns grown finds the record of that turn, too.
#[test]
fn a_turn_that_is_counted_is_written() {
    loom::model(|| {
        let (mut writer, reader) = board(1, 0);
        let writing = thread::spawn(move || writer.set_seat(0, seat(3)));
        if reader.turns() == 1 {
            assert_eq!(reader.seat(0), Some(seat(3)));
        }
        writing.join().unwrap();
    });
}

/// Whoever finds a board grown finds the new record, whole.
#[test]
fn a_board_that_has_grown_holds_what_it_counts() {
    loom::model(|| {
        let (mut writer, reader) = board(1, 0);
        let writing = thread::spawn(move || {
            writer.grow(2, 0);
            writer.set_seat(1, seat(3));
        });
        let seen = reader.seat(1);
        let signed_out = seen.is_some_and(|word| word.call.is_none());
        assert!(
            seen.is_none() || signed_out || seen == Some(seat(3)),
            "{seen:?}"
        );
        if reader.turns() == 1 {
            assert_eq!(reader.seat(1), Some(seat(3)));
        }
        writing.join().unwrap();
    });
}

/// A slot of loom's own in the place of the ring: one flag a submitter.
struct Slots([AtomicBool; 2]);

impl Slots {
    fn take(&self) {
        for slot in &self.0 {
            slot.swap(false, Ordering::AcqRel);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|slot| !slot.load(Ordering::Acquire))
    }
}

/// The taker goes to rest as `Gate::rest` does; two submit meanwhile. Either the taker sees an
/// order and does not rest, or exactly one of them wakes it: no order is left with a taker asleep.
#[test]
fn a_taker_at_rest_is_woken_for_what_it_did_not_see() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let slots = Arc::new(Slots([AtomicBool::new(false), AtomicBool::new(false)]));
        let word = Arc::new(WakeWord::new());
        let wakes = Arc::new(AtomicU64::new(0));
        let submitters: Vec<_> = (0..2)
            .map(|n| {
                let (slots, word, wakes) = (slots.clone(), word.clone(), wakes.clone());
                thread::spawn(move || {
                    slots.0[n].store(true, Ordering::Release);
                    if word.submitted() {
                        wakes.fetch_add(1, Ordering::AcqRel);
                    }
                })
            })
            .collect();
        slots.take();
        word.rest();
        let rests = slots.is_empty();
        if !rests {
            word.rise();
        }
        for submitter in submitters {
            submitter.join().unwrap();
        }
        let woken = wakes.load(Ordering::Acquire);
        if rests && !slots.is_empty() {
            assert_eq!(woken, 1, "an order waits and the taker sleeps");
        }
        assert!(woken <= 1);
        assert_eq!(word.count(), 2);
    });
}

/// Submissions are counted, none lost.
#[test]
fn every_submission_is_counted() {
    loom::model(|| {
        let word = Arc::new(WakeWord::new());
        let other = word.clone();
        let submitting = thread::spawn(move || other.submitted());
        let here = word.submitted();
        assert!(!here && !submitting.join().unwrap(), "nobody rests");
        assert_eq!(word.count(), 2);
        word.rest();
        assert!(word.submitted(), "the first wakes");
        assert!(!word.submitted(), "the second need not");
    });
}
