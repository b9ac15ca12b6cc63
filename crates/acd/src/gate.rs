//! The lock-free way in: any thread hands an order to the floor's one thread and goes on.
//!
//! A bounded ring. When it is full the order is given back at once as [`Full`], nothing waits and
//! nothing is overwritten; the caller of the API is told to try again (`limits::GATE_ORDERS`).
//! Orders of one thread are taken in the order in which it submitted them.

use core::fmt;

use crossbeam::{queue::ArrayQueue, utils::CachePadded};

use crate::{
    shim::{AtomicU64, Ordering},
    wake::WakeWord,
};

/// The gate. Shared in an `Arc` by those who submit and the one who takes.
pub struct Gate<T> {
    ring: ArrayQueue<T>,
    wake_word: CachePadded<WakeWord>,
    taken: CachePadded<AtomicU64>,
    refused: CachePadded<AtomicU64>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The gate was full; here is the order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gate is full, try again")
    }
}

impl<T: fmt::Debug> core::error::Error for Full<T> {}

/// What went through the gate since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateCounts {
    /// Orders taken in.
    pub submitted: u64,
    /// Orders given back because the gate was full.
    pub refused: u64,
    /// Orders that came out. Never more than `submitted`.
    pub taken: u64,
}

impl<T> Gate<T> {
    /// A gate for `capacity` orders (at least one) whose taker never rests.
    pub fn new(capacity: usize) -> Self {
        Self::with_wake(capacity, || {})
    }

    /// A gate for `capacity` orders (at least one). `wake` is called by a submitting thread when
    /// the taker rests, once for each rest; it must neither block nor submit.
    pub fn with_wake(capacity: usize, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            ring: ArrayQueue::new(capacity.max(1)),
            wake_word: CachePadded::new(WakeWord::new()),
            taken: CachePadded::new(AtomicU64::new(0)),
            refused: CachePadded::new(AtomicU64::new(0)),
            wake: Box::new(wake),
        }
    }

    /// Hands in an order, from any thread, without waiting.
    ///
    /// # Errors
    /// [`Full`] with the order when as many wait as the gate holds.
    pub fn submit(&self, order: T) -> Result<(), Full<T>> {
        if let Err(order) = self.ring.push(order) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Full(order));
        }
        if self.wake_word.submitted() {
            (self.wake)();
        }
        Ok(())
    }

    /// Takes the next order. Only one thread takes.
    pub fn take(&self) -> Option<T> {
        let order = self.ring.pop()?;
        // One thread takes: a load and a store are enough, and cheaper than an increment.
        let taken = self.taken.load(Ordering::Relaxed);
        self.taken.store(taken + 1, Ordering::Release);
        Some(order)
    }

    /// The taker announces that it will wait for `wake`. Returns false when there is something to
    /// take; then it must not wait. Wakes may come without need, and are never missed.
    #[must_use]
    pub fn rest(&self) -> bool {
        self.wake_word.rest();
        if self.ring.is_empty() {
            return true;
        }
        self.rise();
        false
    }

    /// The taker is awake again: submitters need not wake it.
    pub fn rise(&self) {
        self.wake_word.rise();
    }

    /// Orders that wait.
    pub fn waiting(&self) -> usize {
        self.ring.len()
    }

    /// What went through since the start.
    pub fn counts(&self) -> GateCounts {
        // Read first what is written last, and bound it: an order can be out before it is counted.
        let taken = self.taken.load(Ordering::Acquire);
        let submitted = self.wake_word.count();
        GateCounts {
            submitted,
            refused: self.refused.load(Ordering::Relaxed),
            taken: taken.min(submitted),
        }
    }
}

impl<T> fmt::Debug for Gate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("capacity", &self.ring.capacity())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    };

    use super::*;

    #[test]
    fn a_full_gate_gives_the_order_back() {
        let gate = Gate::new(2);
        assert_eq!(gate.submit('a'), Ok(()));
        assert_eq!(gate.submit('b'), Ok(()));
        assert_eq!(gate.submit('c'), Err(Full('c')));
        assert_eq!(gate.take(), Some('a'));
        assert_eq!(gate.submit('d'), Ok(()));
        assert_eq!(gate.take(), Some('b'));
        assert_eq!(gate.take(), Some('d'));
        assert_eq!(gate.take(), None);
        let counts = GateCounts {
            submitted: 3,
            refused: 1,
            taken: 3,
        };
        assert_eq!(gate.counts(), counts);
    }

    #[test]
    fn a_resting_taker_is_woken_once() {
        let woken = Arc::new(AtomicU32::new(0));
        let bell = Arc::clone(&woken);
        let gate = Gate::with_wake(8, move || {
            bell.fetch_add(1, SeqCst);
        });
        gate.submit(1).unwrap();
        assert!(!gate.rest(), "there is something to take");
        assert_eq!(gate.take(), Some(1));
        assert!(gate.rest());
        gate.submit(2).unwrap();
        gate.submit(3).unwrap();
        assert_eq!(woken.load(SeqCst), 1);
        assert!(!gate.rest());
    }
}
