//! Whether there is room left for recordings.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::RecordingReport;

/// How often the file system is asked.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Bytes of a megabyte as the configuration counts them.
const MB: u64 = 1_000_000;

/// Whether the room was short when it was last looked at.
static LOW: AtomicBool = AtomicBool::new(false);

/// Whether the room for recordings is short.
pub fn space_is_low() -> bool {
    LOW.load(Ordering::Relaxed)
}

/// Watches the room of a folder's file system.
pub(super) struct Space {
    keep_free_mb: u64,
    looked: Option<Instant>,
    low: bool,
}

impl Space {
    /// Reports when less is free; 0 watches nothing.
    pub(super) fn new(keep_free_mb: u64) -> Self {
        Self {
            keep_free_mb,
            looked: None,
            low: false,
        }
    }

    /// A report when the room has become short, and when there is enough again.
    pub(super) fn look(&mut self, folder: &Path) -> Option<RecordingReport> {
        let due = self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if self.keep_free_mb == 0 || !due {
            return None;
        }
        self.looked = Some(Instant::now());
        let free = free_bytes(folder)?;
        metrics::gauge!("hotline_recording_free_bytes").set(free as f64);
        self.judge(free / MB)
    }

    /// Enough again is a tenth more than short, so that one file does not ring twice.
    pub(super) fn judge(&mut self, free_mb: u64) -> Option<RecordingReport> {
        let keep_free_mb = self.keep_free_mb;
        let low = if self.low {
            free_mb < keep_free_mb + keep_free_mb.div_ceil(10)
        } else {
            free_mb < keep_free_mb
        };
        if low == self.low {
            return None;
        }
        self.low = low;
        LOW.store(low, Ordering::Relaxed);
        metrics::gauge!("hotline_recording_space_low").set(f64::from(u8::from(low)));
        Some(RecordingReport::Space {
            low,
            free_mb,
            keep_free_mb,
        })
    }
}

/// What the engine's user may still write there.
#[cfg(target_os = "linux")]
fn free_bytes(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
