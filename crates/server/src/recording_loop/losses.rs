//! Sound that recordings lack because the disk did not follow.

use std::time::{Duration, Instant};

use super::{RecordingReport, gaps};

/// How often it is looked at, and so how often at most it is told.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches the count of lost blocks.
pub(super) struct Losses {
    told: u64,
    looked: Instant,
}

impl Losses {
    /// Reports what is lost from now on.
    pub(super) fn new() -> Self {
        Self {
            told: gaps(),
            looked: Instant::now(),
        }
    }

    /// A report when more was lost since the last one, and it is time to look.
    pub(super) fn look(&mut self) -> Option<RecordingReport> {
        if self.looked.elapsed() < LOOK_EVERY {
            return None;
        }
        self.look_now()
    }

    /// The same whatever the time, when the recorder has ended.
    pub(super) fn look_now(&mut self) -> Option<RecordingReport> {
        self.looked = Instant::now();
        let lost = gaps();
        let blocks = lost.saturating_sub(self.told);
        self.told = lost;
        (blocks > 0).then_some(RecordingReport::SoundLost { blocks })
    }
}
