//! Memory given back when recordings have ended.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long nothing is recorded before memory is given back: longer than the allocator keeps what
/// was freed in case it is wanted again (1 s).
const AFTER: Duration = Duration::from_secs(2);

/// More than the allocator serves from a shared page.
const PAGE: usize = 4 << 20;

/// What the writer does when it has nothing to write.
#[derive(Default)]
pub(super) struct Rest {
    /// Since when it rests, while it has not given back.
    since: Option<Instant>,
    worked: bool,
}

impl Rest {
    /// There is something to write.
    pub(super) fn works(&mut self) {
        *self = Self {
            since: None,
            worked: true,
        };
    }

    /// There is nothing. Gives freed memory back to the system, once after each time of work.
    ///
    /// The allocator does that when a page is freed, and then for all threads. In an engine that
    /// fell silent after a burst nobody frees one, and it would keep the burst's memory: so one is
    /// taken and freed. It is never touched and costs no memory.
    pub(super) fn rests(&mut self) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.worked && since.elapsed() >= AFTER {
            self.worked = false;
            drop(black_box(Vec::<u8>::with_capacity(PAGE)));
        }
    }
}
