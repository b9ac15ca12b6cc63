//! The recording thread: puts blocks of sound into WAV files, and seals the files when they end.
//!
//! Nothing waits for a disk that is slow to say it is done: one thread writes, another (`sealer`)
//! makes finished files durable, many at a time, and takes their SHA-256. When the disk stands still
//! the blocks wait in the ring; when that is full the media threads drop them. Calls go on, and a
//! third thread (`watch`) tells.

mod draft;
mod losses;
mod repair;
mod rest;
mod sealer;
mod space;
mod tape;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::{channel::bounded, queue::ArrayQueue};
use hotline_media::{Block, wav::Encoding};

use crate::vault::Keys;
pub use repair::{repair, repair_file, sha256};
use sealer::Sealer;
use space::Space;
pub use space::space_is_low;
use watch::Watch;
pub use watch::disk_is_stalled;
use writer::Writer;

/// Recordings that may begin between two turns of the writer. When full the recording fails.
const BEGINNINGS: usize = 4_096;

/// Finished files on their way to the sealer; more wait with the writer.
const SEALING: usize = 256;

/// Pause before an outcome is offered again to a full ring.
const OUTCOMES_FULL: Duration = Duration::from_millis(20);

/// The same of all recorders since the program began: see [`Shared::misplaced`].
static BLOCKS_MISPLACED: AtomicU64 = AtomicU64::new(0);

/// Recordings that could not be written since the program began.
static FAILED: AtomicU64 = AtomicU64::new(0);

/// Recordings that could not be written since the program began.
pub fn failed() -> u64 {
    FAILED.load(Ordering::Relaxed)
}

/// How recordings are kept.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How their samples lie.
    pub encoding: Encoding,
    /// The keys under which they are sealed; plain WAV without.
    pub keys: Option<Arc<Keys>>,
    /// Free room below which a report is made, megabytes; 0 never.
    pub keep_free_mb: u64,
}

/// Blocks of sound missing in recordings since the program began, whoever lost them.
pub fn gaps() -> u64 {
    crate::media_loop::blocks_dropped() + BLOCKS_MISPLACED.load(Ordering::Relaxed)
}

/// What became of a recording; once for each that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingReport {
    /// The file is complete and on the disk.
    Closed {
        /// The recording.
        recording: u64,
        /// File name inside the folder.
        file: String,
        /// Length of the sound, milliseconds.
        ms: u64,
        /// SHA-256 of the file as it lies on the disk, hex.
        sha256: String,
    },
    /// The room for recordings has become short, or there is enough again.
    Space {
        /// Short.
        low: bool,
        /// What is free, megabytes.
        free_mb: u64,
        /// What should be.
        keep_free_mb: u64,
    },
    /// The disk takes nothing since a while, or does again.
    Disk {
        /// It takes nothing.
        stalled: bool,
        /// For how long it took nothing until now, milliseconds.
        for_ms: u64,
    },
    /// Sound is missing in recordings, because the disk did not follow.
    SoundLost {
        /// Blocks of up to 20 ms of one voice, since it was last told.
        blocks: u64,
    },
    /// The file could not be written; what was written before stays as it is.
    Failed {
        /// The recording.
        recording: u64,
        /// File name inside the folder.
        file: String,
        /// Why, in a few words.
        cause: String,
    },
}

/// The recorder as other threads see it. Dropping it shuts it down.
pub struct RecordingHandle {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    watch: Option<JoinHandle<()>>,
}

struct Shared {
    beginnings: ArrayQueue<Beginning>,
    /// Whether the writer has nothing to do and wants to be woken.
    asleep: AtomicBool,
    stop: AtomicBool,
    /// How often the writer came round.
    turns: AtomicU64,
    /// Blocks whose place was gone or whose recording was not known when they came.
    misplaced: AtomicU64,
    /// The writer has ended.
    written: AtomicBool,
    outcomes: Arc<ArrayQueue<RecordingReport>>,
    notify: crate::media_loop::Notify,
}

impl Shared {
    /// A block came that has no place.
    fn misplaced_one(&self) {
        self.misplaced.fetch_add(1, Ordering::Relaxed);
        BLOCKS_MISPLACED.fetch_add(1, Ordering::Relaxed);
    }

    /// Blocks of sound missing in this recorder's files, whoever lost them.
    fn gaps(&self) -> u64 {
        crate::media_loop::blocks_dropped() + self.misplaced.load(Ordering::Relaxed)
    }

    /// Offers outcomes until there is room, and rings once for all: none is lost.
    fn report(&self, reports: impl IntoIterator<Item = RecordingReport>) {
        for mut report in reports {
            if matches!(report, RecordingReport::Failed { .. }) {
                FAILED.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("hotline_recordings_failed_total").increment(1);
            }
            while let Err(refused) = self.outcomes.push(report) {
                report = refused;
                (self.notify)();
                if self.stop.load(Ordering::Acquire) {
                    // Nobody fetches any more; the next start finds the files by their names.
                    return;
                }
                thread::sleep(OUTCOMES_FULL);
            }
        }
        (self.notify)();
    }
}

/// A recording that is to begin.
#[derive(Debug)]
struct Beginning {
    recording: u64,
    file: String,
    /// One voice alone: a message.
    alone: bool,
}

/// Starts the recorder's threads. Blocks come by one ring of each media thread; all blocks of a
/// recording by the same. Files go into `folder`, which must exist; what became of them goes into
/// `outcomes`, then `notify` is called.
///
/// # Errors
/// When the folder does not exist, or the operating system gives no thread.
pub fn spawn(
    settings: Settings,
    folder: PathBuf,
    rings: Vec<Arc<ArrayQueue<Block>>>,
    outcomes: Arc<ArrayQueue<RecordingReport>>,
    notify: crate::media_loop::Notify,
) -> io::Result<RecordingHandle> {
    std::fs::read_dir(&folder)?;
    let shared = Arc::new(Shared {
        beginnings: ArrayQueue::new(BEGINNINGS),
        asleep: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        turns: AtomicU64::new(0),
        misplaced: AtomicU64::new(0),
        written: AtomicBool::new(false),
        outcomes,
        notify,
    });
    let (to_seal, sealed) = bounded(SEALING);
    let sealer = Sealer {
        folder: folder.clone(),
        finished: sealed,
        shared: Arc::clone(&shared),
    };
    let writer = Writer {
        space: Space::new(settings.keep_free_mb),
        settings,
        folder,
        rings,
        shared: Arc::clone(&shared),
        running: BTreeMap::new(),
        finished: VecDeque::new(),
        to_seal,
    };
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let sealer = named("recording-seal").spawn(move || sealer.run())?;
    let writer = named("recording").spawn(move || writer.run())?;
    let watch = Watch::new(Arc::clone(&shared));
    let watch = named("recording-watch").spawn(move || watch.run())?;
    Ok(RecordingHandle {
        shared,
        threads: vec![writer, sealer],
        watch: Some(watch),
    })
}

impl RecordingHandle {
    /// Begins a file for a recording. Call it before the media thread is told to record. Never
    /// waits; what becomes of it is reported.
    pub fn begin(&self, recording: u64, file: String) {
        self.begin_with(recording, file, false);
    }

    /// The same, with a channel for the first voice alone: a message.
    pub fn begin_alone(&self, recording: u64, file: String) {
        self.begin_with(recording, file, true);
    }

    fn begin_with(&self, recording: u64, file: String, alone: bool) {
        let beginning = Beginning {
            recording,
            file,
            alone,
        };
        if let Err(refused) = self.shared.beginnings.push(beginning) {
            let Beginning {
                recording, file, ..
            } = refused;
            let report = RecordingReport::Failed {
                recording,
                file,
                cause: "the recorder is too far behind".to_owned(),
            };
            if self.shared.outcomes.push(report).is_err() {
                tracing::error!(recording, "a recording failed and its report found no room");
            }
            (self.shared.notify)();
        }
        if self.shared.asleep.swap(false, Ordering::SeqCst)
            && let Some(writer) = self.threads.first()
        {
            writer.thread().unpark();
        }
    }

    /// Writes what is in the rings, completes all files and ends the threads. What became of the
    /// files is reported by then.
    pub fn shut_down(&mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let writers = self.threads.drain(..);
        for thread in writers.chain(self.watch.take()) {
            thread.thread().unpark();
            // A panic of the thread was printed by the runtime when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for RecordingHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
