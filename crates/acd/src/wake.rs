//! Whether the one who takes has to be woken: one word that counts what was submitted and says
//! whether the taker rests.
//!
//! Both facts live in one atomic word, so their order is the word's own modification order and no
//! sequentially consistent fence is needed: either the submitter's increment comes after the
//! resting bit, sees it and wakes; or it comes before, and then the taker, who looks once more
//! after setting the bit, finds what was submitted.

use crate::shim::{AtomicU64, Ordering};

const RESTS: u64 = 1 << 63;

/// The word. Counts up to 2^63 submissions: 292,000 years at a million a second.
#[derive(Debug)]
pub struct WakeWord(AtomicU64);

impl Default for WakeWord {
    fn default() -> Self {
        Self::new()
    }
}

impl WakeWord {
    /// Nothing submitted, the taker awake.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one submission, which must be visible to the taker before. Returns whether the taker
    /// rests and is to be woken: true for exactly one of the submitters since it went to rest.
    #[must_use]
    pub fn submitted(&self) -> bool {
        let before = self.0.fetch_add(1, Ordering::AcqRel);
        if before & RESTS == 0 {
            return false;
        }
        self.0.fetch_and(!RESTS, Ordering::AcqRel) & RESTS != 0
    }

    /// The taker is about to rest. It must look for submissions once more after this, and rise if
    /// there are any.
    pub fn rest(&self) {
        self.0.fetch_or(RESTS, Ordering::AcqRel);
    }

    /// The taker is awake again, whoever woke it.
    pub fn rise(&self) {
        self.0.fetch_and(!RESTS, Ordering::AcqRel);
    }

    /// How many were submitted.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire) & !RESTS
    }
}
