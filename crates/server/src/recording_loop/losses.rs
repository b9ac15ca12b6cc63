//! Sound that recordings lack because the disk did not follow.

use std::time::{Duration, Instant};

use super::RecordingReport;

/// How often it is looked at, and so how often at most it is told.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches the count of lost blocks.
pub(super) struct Losses {
    told: u64,
    looked: Instant,
}

impl Losses {
    /// Reports what is lost from now on; `lost` until now.
    pub(super) fn new(lost: u64) -> Self {
        Self {
            told: lost,
            looked: Instant::now(),
        }
    }

    /// A report when more was lost since the last one, and it is time to look. `lost` until now.
    pub(super) fn look(&mut self, lost: u64) -> Option<RecordingReport> {
        if self.looked.elapsed() < LOOK_EVERY {
            return None;
        }
        self.look_now(lost)
    }

    /// The same whatever the time, when the recorder has ended.
    pub(super) fn look_now(&mut self, lost: u64) -> Option<RecordingReport> {
        self.looked = Instant::now();
        let blocks = lost.saturating_sub(self.told);
        self.told = lost;
        (blocks > 0).then_some(RecordingReport::SoundLost { blocks })
    }
}
