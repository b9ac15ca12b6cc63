//! How busy the signalling loop is: the share of the time it did not wait for anything.

use std::time::{Duration, Instant};

/// Length of one measure.
pub const MEASURE: Duration = Duration::from_millis(100);

/// A clock of working and waiting.
#[derive(Debug)]
pub struct Busy {
    began: Instant,
    waited: Duration,
    waits_since: Option<Instant>,
}

impl Busy {
    /// Begins to measure.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            waited: Duration::ZERO,
            waits_since: None,
        }
    }

    /// The loop has nothing to do.
    pub fn waits(&mut self) {
        self.waits_since = Some(Instant::now());
    }

    /// The loop has something to do. Gives the share of working time in thousandths when a measure
    /// is complete.
    pub fn works(&mut self) -> Option<u32> {
        let now = Instant::now();
        if let Some(since) = self.waits_since.take() {
            self.waited += now - since;
        }
        let whole = now - self.began;
        if whole < MEASURE {
            return None;
        }
        let worked = whole.saturating_sub(self.waited).as_micros() * 1_000;
        let share = worked / whole.as_micros().max(1);
        (self.began, self.waited) = (now, Duration::ZERO);
        Some(u32::try_from(share).unwrap_or(1_000))
    }
}
