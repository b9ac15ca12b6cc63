//! Watches whether the disk follows: in a thread of its own, for the writer stands still with its
//! disk and cannot say so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{RecordingReport, Shared, losses::Losses};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The disk stands still when the writer has not come round for so long; with nothing to do it
/// comes round twice a second.
const STALLED: Duration = Duration::from_secs(2);

/// Whether the disk stood still when it was last looked at.
static STANDS_STILL: AtomicBool = AtomicBool::new(false);

/// Whether the disk of the recordings takes nothing.
pub fn disk_is_stalled() -> bool {
    STANDS_STILL.load(Ordering::Relaxed)
}

/// The thread that watches.
pub(super) struct Watch {
    shared: Arc<Shared>,
    losses: Losses,
    progress: Progress,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let progress = Progress::new(Instant::now());
        Self {
            losses: Losses::new(shared.gaps()),
            shared,
            progress,
        }
    }

    /// Until the writer has ended.
    pub(super) fn run(mut self) {
        while !self.shared.written.load(Ordering::Acquire) {
            thread::park_timeout(LOOK_EVERY);
            let turns = self.shared.turns.load(Ordering::Relaxed);
            let reports = [
                self.progress.look(turns, Instant::now()),
                self.losses.look(self.shared.gaps()),
            ];
            if reports.iter().any(Option::is_some) {
                self.shared.report(reports.into_iter().flatten());
            }
        }
        self.shared.report(self.losses.look_now(self.shared.gaps()));
    }
}

/// Whether the writer comes round.
pub(super) struct Progress {
    turns: u64,
    since: Instant,
    stalled: bool,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            turns: 0,
            since: now,
            stalled: false,
        }
    }

    /// A report when it has stood still for too long, and when it goes on. `turns`: how often it
    /// came round until now.
    pub(super) fn look(&mut self, turns: u64, now: Instant) -> Option<RecordingReport> {
        let still = now.duration_since(self.since);
        let for_ms = u64::try_from(still.as_millis()).unwrap_or(u64::MAX);
        let goes_on = turns != self.turns;
        if goes_on {
            (self.turns, self.since) = (turns, now);
        }
        let stalled = !goes_on && still >= STALLED;
        if stalled == self.stalled || (!goes_on && self.stalled) {
            return None;
        }
        self.stalled = stalled;
        STANDS_STILL.store(stalled, Ordering::Relaxed);
        metrics::gauge!("hotline_recording_disk_stalled").set(f64::from(u8::from(stalled)));
        Some(RecordingReport::Disk { stalled, for_ms })
    }
}
