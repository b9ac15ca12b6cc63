//! The recording thread: puts blocks of sound into WAV files, and seals the files when they end.
//!
//! Two threads, so that nothing waits for a disk that is slow to say it is done: one writes, the
//! other (`sealer`) makes finished files durable and takes their SHA-256. When the writer cannot
//! follow, its ring fills and the media thread drops blocks; calls go on.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam::{
    channel::{Receiver, Sender, TrySendError, bounded},
    queue::ArrayQueue,
};
use hotline_media::{Block, Sound, recorder::Recorder, repair::Repair};
use sha2::{Digest, Sha256};

/// Recordings that may begin between two turns of the writer. When full the recording fails.
const BEGINNINGS: usize = 4_096;

/// Finished files on their way to the sealer; more wait with the writer.
const SEALING: usize = 256;

/// Blocks written before the clock and the beginnings are looked at again.
const BLOCKS_AT_ONCE: usize = 8_192;

/// How long the writer sleeps while recordings run: the ring holds 1.6 s of 200 calls.
const NAP: Duration = Duration::from_millis(40);

/// How often running files are made valid, and what a killed process therefore loses.
const CHECKPOINT: Duration = Duration::from_millis(400);

/// Pause before an outcome is offered again to a full ring.
const OUTCOMES_FULL: Duration = Duration::from_millis(20);

/// Write buffer of one file: a quarter of a second.
const FILE_BUFFER: usize = 8 * 1_024;

/// Blocks whose place was gone or whose recording was not known when they came.
static BLOCKS_MISPLACED: AtomicU64 = AtomicU64::new(0);

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
        /// SHA-256 of the file, hex.
        sha256: String,
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
}

struct Shared {
    beginnings: ArrayQueue<(u64, String)>,
    stop: AtomicBool,
    outcomes: Arc<ArrayQueue<RecordingReport>>,
    notify: crate::media_loop::Notify,
}

impl Shared {
    /// Offers an outcome until there is room: none is lost.
    fn report(&self, mut report: RecordingReport) {
        while let Err(refused) = self.outcomes.push(report) {
            report = refused;
            (self.notify)();
            if self.stop.load(Ordering::Acquire) {
                // Nobody fetches any more; the next start finds the file by its name.
                return;
            }
            thread::sleep(OUTCOMES_FULL);
        }
        (self.notify)();
    }
}

/// Starts the recorder's threads. Files go into `folder`, which must exist; what became of them
/// goes into `outcomes`, then `notify` is called.
///
/// # Errors
/// When the folder does not exist, or the operating system gives no thread.
pub fn spawn(
    folder: PathBuf,
    blocks: Arc<ArrayQueue<Block>>,
    outcomes: Arc<ArrayQueue<RecordingReport>>,
    notify: crate::media_loop::Notify,
) -> io::Result<RecordingHandle> {
    std::fs::read_dir(&folder)?;
    let shared = Arc::new(Shared {
        beginnings: ArrayQueue::new(BEGINNINGS),
        stop: AtomicBool::new(false),
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
        folder,
        blocks,
        shared: Arc::clone(&shared),
        running: BTreeMap::new(),
        finished: VecDeque::new(),
        to_seal,
    };
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let sealer = named("recording-seal").spawn(move || sealer.run())?;
    let writer = named("recording").spawn(move || writer.run())?;
    Ok(RecordingHandle {
        shared,
        threads: vec![writer, sealer],
    })
}

impl RecordingHandle {
    /// Begins a file for a recording. Call it before the media thread is told to record. Never
    /// waits; what becomes of it is reported.
    pub fn begin(&self, recording: u64, file: String) {
        if let Err((recording, file)) = self.shared.beginnings.push((recording, file)) {
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
        if let Some(writer) = self.threads.first() {
            writer.thread().unpark();
        }
    }

    /// Writes what is in the ring, completes all files and ends the threads.
    pub fn shut_down(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
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

/// The thread that writes.
struct Writer {
    folder: PathBuf,
    blocks: Arc<ArrayQueue<Block>>,
    shared: Arc<Shared>,
    running: BTreeMap<u64, Running>,
    finished: VecDeque<Finished>,
    to_seal: Sender<Finished>,
}

struct Running {
    file: String,
    /// `None` after a failure: what still comes is ignored.
    recorder: Option<Recorder<BufWriter<File>>>,
}

/// A complete file that is not yet known to be on the disk.
struct Finished {
    recording: u64,
    file: String,
    ms: u64,
}

impl Writer {
    fn run(mut self) {
        let mut checkpoint = Instant::now();
        loop {
            // Before the blocks: what was sent before the stop is written.
            let stop = self.shared.stop.load(Ordering::Acquire);
            let more = self.take_blocks();
            if checkpoint.elapsed() >= CHECKPOINT {
                checkpoint = Instant::now();
                self.each_recording(|recorder| recorder.flush());
            }
            self.hand_over();
            if more {
                continue;
            }
            if stop {
                break;
            }
            if self.running.is_empty() && self.finished.is_empty() {
                thread::park_timeout(CHECKPOINT);
            } else {
                thread::park_timeout(NAP);
            }
        }
        while let Some((recording, _)) = self.running.first_key_value() {
            self.finish(*recording, 0);
        }
        // Waits for the sealer, which ends when the channel is empty and closed.
        for finished in self.finished.drain(..) {
            if self.to_seal.send(finished).is_err() {
                return;
            }
        }
    }

    /// Opens files that begin and writes blocks. True when there may be more.
    fn take_blocks(&mut self) -> bool {
        self.open_beginnings();
        for _ in 0..BLOCKS_AT_ONCE {
            match self.blocks.pop() {
                Some(Block::Sound(sound)) => self.write(&sound),
                Some(Block::End {
                    recording,
                    at_sample,
                }) => {
                    self.open_beginnings();
                    self.finish(recording, at_sample);
                }
                None => return false,
            }
        }
        true
    }

    fn open_beginnings(&mut self) {
        while let Some((recording, file)) = self.shared.beginnings.pop() {
            let opened = create(&self.folder, &file);
            let recorder = opened.and_then(|file| {
                Recorder::new(BufWriter::with_capacity(FILE_BUFFER, file)).map_err(io_error)
            });
            match recorder {
                Ok(recorder) => {
                    let recorder = Some(recorder);
                    self.running.insert(recording, Running { file, recorder });
                }
                Err(error) => {
                    let recorder = None;
                    let failed = Running { file, recorder };
                    self.fail(recording, &failed.file, &error);
                    self.running.insert(recording, failed);
                }
            }
        }
    }

    fn write(&mut self, sound: &Sound) {
        if !self.running.contains_key(&sound.recording) {
            // Begun before its first block was sent, so it can be found now if it exists.
            self.open_beginnings();
        }
        let Some(running) = self.running.get_mut(&sound.recording) else {
            BLOCKS_MISPLACED.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let Some(recorder) = &mut running.recorder else {
            return;
        };
        let late = recorder.late();
        let written = recorder.write(sound);
        if recorder.late() > late {
            BLOCKS_MISPLACED.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(error) = written {
            running.recorder = None;
            let file = running.file.clone();
            self.fail(sound.recording, &file, &io_error(error));
        }
    }

    fn each_recording(
        &mut self,
        mut action: impl FnMut(&mut Recorder<BufWriter<File>>) -> Result<(), hound::Error>,
    ) {
        let mut failures = Vec::new();
        for (recording, running) in &mut self.running {
            if let Some(recorder) = &mut running.recorder
                && let Err(error) = action(recorder)
            {
                running.recorder = None;
                failures.push((*recording, running.file.clone(), io_error(error)));
            }
        }
        for (recording, file, error) in failures {
            self.fail(recording, &file, &error);
        }
    }

    fn finish(&mut self, recording: u64, at_sample: u64) {
        let Some(Running { file, recorder }) = self.running.remove(&recording) else {
            return;
        };
        let Some(recorder) = recorder else {
            return;
        };
        match recorder.finish(at_sample) {
            Ok(duration) => self.finished.push_back(Finished {
                recording,
                file,
                ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            }),
            Err(error) => self.fail(recording, &file, &io_error(error)),
        }
    }

    fn fail(&self, recording: u64, file: &str, error: &io::Error) {
        tracing::error!(recording, file, %error, "a recording could not be written");
        self.shared.report(RecordingReport::Failed {
            recording,
            file: file.to_owned(),
            cause: error.to_string(),
        });
    }

    /// Gives finished files to the sealer, as many as it takes without waiting.
    fn hand_over(&mut self) {
        while let Some(finished) = self.finished.pop_front() {
            if let Err(TrySendError::Full(finished)) = self.to_seal.try_send(finished) {
                self.finished.push_front(finished);
                return;
            }
        }
    }
}

/// The thread that makes files durable.
struct Sealer {
    folder: PathBuf,
    finished: Receiver<Finished>,
    shared: Arc<Shared>,
}

impl Sealer {
    fn run(self) {
        for Finished {
            recording,
            file,
            ms,
        } in &self.finished
        {
            let sealed = sync(&self.folder, &file).and_then(|()| sha256(&self.folder.join(&file)));
            self.shared.report(match sealed {
                Ok(sha256) => RecordingReport::Closed {
                    recording,
                    file,
                    ms,
                    sha256,
                },
                Err(error) => RecordingReport::Failed {
                    recording,
                    file,
                    cause: error.to_string(),
                },
            });
        }
    }
}

/// Makes a new file; never opens one that exists, nor one outside the folder.
fn create(folder: &Path, file: &str) -> io::Result<File> {
    if Path::new(file).file_name() != Some(file.as_ref()) {
        let why = format!("{file:?} is not a plain file name");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.join(file))
}

/// Waits until the file and its name are on the disk.
fn sync(folder: &Path, file: &str) -> io::Result<()> {
    File::open(folder.join(file))?.sync_all()?;
    File::open(folder)?.sync_all()
}

/// SHA-256 of a file, hex.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A recording that an earlier run left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// File name inside the folder.
    pub file: String,
    /// Length of the sound, milliseconds.
    pub ms: u64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

/// Mends the headers of all recordings in a folder that were cut by a kill or a power cut, and
/// tells which. Call it before [`spawn`]: a running recording looks like a cut one. It reads 44
/// bytes of each file; where only some can be affected, [`repair_file`] is quicker.
///
/// # Errors
/// When the folder cannot be read. A file that cannot be mended is logged and left.
pub fn repair(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        if !name.ends_with(".wav") {
            continue;
        }
        let mended = mend(&folder.join(&name)).and_then(|mended| match mended {
            Repair::Repaired(samples) => examine(folder, &name, samples).map(Some),
            Repair::Whole(_) | Repair::Foreign => Ok(None),
        });
        match mended {
            Ok(mended) => found.extend(mended),
            Err(error) => tracing::error!(file = name, %error, "a recording cannot be repaired"),
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

/// Mends one recording where needed, and tells its length and hash either way: for a recording
/// that the journal knows to have begun, and not to have ended.
///
/// # Errors
/// When the file is not there, is no recording, or cannot be read or written.
pub fn repair_file(folder: &Path, file: &str) -> io::Result<Found> {
    match mend(&folder.join(file))? {
        Repair::Whole(samples) | Repair::Repaired(samples) => examine(folder, file, samples),
        Repair::Foreign => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{file} is not a recording of this program"),
        )),
    }
}

fn mend(path: &Path) -> io::Result<Repair> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let repair = hotline_media::repair::repair(&mut file)?;
    if matches!(repair, Repair::Repaired(_)) {
        file.sync_all()?;
    }
    Ok(repair)
}

fn examine(folder: &Path, file: &str, samples: u64) -> io::Result<Found> {
    Ok(Found {
        file: file.to_owned(),
        ms: samples / 8,
        sha256: sha256(&folder.join(file))?,
    })
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use hotline_media::Codec;

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        blocks: Arc<ArrayQueue<Block>>,
        outcomes: Arc<ArrayQueue<RecordingReport>>,
        recorder: Option<RecordingHandle>,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let blocks = Arc::new(ArrayQueue::new(1_000));
            let outcomes = Arc::new(ArrayQueue::new(10));
            let path = folder.path().to_owned();
            let notify = Arc::new(|| ());
            let recorder = spawn(path, Arc::clone(&blocks), Arc::clone(&outcomes), notify);
            Self {
                folder,
                blocks,
                outcomes,
                recorder: Some(recorder.unwrap()),
            }
        }

        fn begin(&self, recording: u64, file: &str) {
            self.recorder
                .as_ref()
                .unwrap()
                .begin(recording, file.to_owned());
        }

        fn sound(&self, recording: u64, voice: u8, at_sample: u64, byte: u8) {
            let sound = Sound {
                recording,
                at_sample,
                voice,
                codec: Codec::Pcma,
                length: 160,
                bytes: [byte; 160],
            };
            self.blocks.push(Block::Sound(sound)).unwrap();
        }

        fn end(&self, recording: u64, at_sample: u64) {
            self.blocks
                .push(Block::End {
                    recording,
                    at_sample,
                })
                .unwrap();
        }

        fn outcome(&self) -> RecordingReport {
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                if let Some(report) = self.outcomes.pop() {
                    return report;
                }
                assert!(Instant::now() < until, "no report");
                thread::sleep(Duration::from_millis(2));
            }
        }

        fn samples(&self, file: &str) -> Vec<i16> {
            let wav = hound::WavReader::open(self.folder.path().join(file)).unwrap();
            wav.into_samples().collect::<Result<_, _>>().unwrap()
        }
    }

    #[test]
    fn a_recording_is_closed_with_its_length_and_hash() {
        let bench = Bench::new();
        bench.begin(1, "a.wav");
        bench.begin(2, "b.wav");
        for n in 0..100 {
            bench.sound(1, 0, n * 160, 0x2A);
            bench.sound(2, 1, n * 160, 0xAA);
        }
        bench.end(1, 16_000);
        bench.end(2, 24_000);
        for (recording, file, ms) in [(1, "a.wav", 2_000), (2, "b.wav", 3_000)] {
            let outcome = bench.outcome();
            let sha256 = sha256(&bench.folder.path().join(file)).unwrap();
            let file = file.to_owned();
            let closed = RecordingReport::Closed {
                recording,
                file,
                ms,
                sha256,
            };
            assert_eq!(outcome, closed);
        }
        let left = Codec::Pcma.decode(0x2A);
        assert_eq!(bench.samples("a.wav"), [left, 0].repeat(16_000));
        assert_eq!(
            bench.samples("b.wav")[..4],
            [0, Codec::Pcma.decode(0xAA)].repeat(2)
        );
    }

    #[test]
    fn stopping_completes_what_is_running() {
        let mut bench = Bench::new();
        bench.begin(1, "a.wav");
        bench.sound(1, 0, 0, 0x2A);
        bench.recorder.take().unwrap().shut_down();
        assert!(matches!(
            bench.outcome(),
            RecordingReport::Closed { ms: 20, .. }
        ));
        assert_eq!(bench.samples("a.wav").len(), 320);
    }

    #[test]
    fn an_existing_file_or_a_path_is_refused_and_the_others_go_on() {
        let bench = Bench::new();
        std::fs::write(bench.folder.path().join("old.wav"), "precious").unwrap();
        for (recording, file) in [
            (1, "old.wav"),
            (2, "../out.wav"),
            (3, "no/such.wav"),
            (4, ""),
        ] {
            bench.begin(recording, file);
            bench.sound(recording, 0, 0, 1);
            bench.end(recording, 160);
            match bench.outcome() {
                RecordingReport::Failed {
                    recording: failed, ..
                } => assert_eq!(failed, recording),
                closed => panic!("{closed:?}"),
            }
        }
        let old = std::fs::read(bench.folder.path().join("old.wav")).unwrap();
        assert_eq!(old, b"precious");
        bench.begin(5, "new.wav");
        bench.end(5, 160);
        assert!(matches!(
            bench.outcome(),
            RecordingReport::Closed {
                recording: 5,
                ms: 20,
                ..
            }
        ));
    }

    #[test]
    fn a_write_error_fails_that_recording_once_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let outcomes = Arc::new(ArrayQueue::new(10));
        let (to_seal, sealed) = bounded(SEALING);
        let mut writer = Writer {
            folder: folder.path().to_owned(),
            blocks: Arc::new(ArrayQueue::new(10)),
            shared: Arc::new(Shared {
                beginnings: ArrayQueue::new(BEGINNINGS),
                stop: AtomicBool::new(false),
                outcomes: Arc::clone(&outcomes),
                notify: Arc::new(|| ()),
            }),
            running: BTreeMap::new(),
            finished: VecDeque::new(),
            to_seal,
        };
        for recording in [1, 2] {
            let file = format!("{recording}.wav");
            writer.shared.beginnings.push((recording, file)).unwrap();
        }
        writer.open_beginnings();
        let mut first = true;
        writer.each_recording(|_| {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            if core::mem::take(&mut first) {
                Err(hound::Error::IoError(full))
            } else {
                Ok(())
            }
        });
        assert!(matches!(
            outcomes.pop(),
            Some(RecordingReport::Failed { recording: 1, .. })
        ));
        for recording in [1, 2] {
            let block = Block::End {
                recording,
                at_sample: 160,
            };
            writer.blocks.push(block).unwrap();
        }
        writer.take_blocks();
        writer.hand_over();
        assert_eq!(sealed.try_recv().unwrap().recording, 2);
        assert!(sealed.try_recv().is_err() && outcomes.is_empty());
    }

    #[test]
    fn blocks_of_nobody_are_counted() {
        let before = gaps();
        let bench = Bench::new();
        bench.sound(77, 0, 0, 1);
        bench.end(77, 0);
        bench.begin(1, "a.wav");
        bench.end(1, 160);
        bench.outcome();
        assert!(gaps() > before);
    }

    #[test]
    fn files_cut_by_a_kill_are_mended_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = |file: &str| folder.path().join(file);
        let mut recorder = Recorder::new(File::create(path("cut.wav")).unwrap()).unwrap();
        for n in 0..100 {
            let sound = Sound {
                recording: 1,
                at_sample: n * 160,
                voice: 0,
                codec: Codec::Pcma,
                length: 160,
                bytes: [0x2A; 160],
            };
            recorder.write(&sound).unwrap();
        }
        // As after kill -9: sound behind what the last checkpoint's header tells.
        core::mem::forget(recorder);
        std::fs::write(path("note.txt"), "not a recording").unwrap();
        std::fs::write(path("foreign.wav"), [0; 100]).unwrap();
        let mut whole = Recorder::new(File::create(path("whole.wav")).unwrap()).unwrap();
        whole.flush().unwrap();
        whole.finish(800).unwrap();
        let found = repair(folder.path()).unwrap();
        let kept = (16_000 - 4_096) / 8;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].file.as_str(), found[0].ms), ("cut.wav", kept));
        assert_eq!(found[0].sha256, sha256(&path("cut.wav")).unwrap());
        let wav = hound::WavReader::open(path("cut.wav")).unwrap();
        assert_eq!(u64::from(wav.duration()), kept * 8);
        assert_eq!(repair(folder.path()).unwrap(), []);
        assert_eq!(repair_file(folder.path(), "cut.wav").unwrap(), found[0]);
        assert_eq!(repair_file(folder.path(), "whole.wav").unwrap().ms, 100);
        assert!(repair_file(folder.path(), "foreign.wav").is_err());
        assert!(repair_file(folder.path(), "none.wav").is_err());
    }
}
