//! The thread that writes.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use crossbeam::{
    channel::{Sender, TrySendError},
    queue::ArrayQueue,
};
use hotline_media::{Block, Sound, recorder::Recorder};

use super::{
    Beginning, RecordingReport, Settings, Shared, rest::Rest, space::Space, tape::FileTape,
};

/// Blocks of one ring that are written before the other rings, the clock and the beginnings are
/// looked at again.
const BLOCKS_AT_ONCE: usize = 8_192;

/// How long the writer sleeps while recordings run: the ring holds 1.6 s of 200 calls.
const NAP: Duration = Duration::from_millis(40);

/// How often running files are made valid, and what a killed process therefore loses.
const CHECKPOINT: Duration = Duration::from_millis(400);

/// The thread that writes.
pub(super) struct Writer {
    pub(super) settings: Settings,
    pub(super) space: Space,
    pub(super) folder: PathBuf,
    /// One of each media thread.
    pub(super) rings: Vec<Arc<ArrayQueue<Block>>>,
    pub(super) shared: Arc<Shared>,
    pub(super) running: BTreeMap<u64, Running>,
    pub(super) finished: VecDeque<Finished>,
    pub(super) to_seal: Sender<Finished>,
}

pub(super) struct Running {
    file: String,
    /// `None` after a failure: what still comes is ignored.
    recorder: Option<Recorder<FileTape>>,
}

/// A complete file that is not yet known to be on the disk.
pub(super) struct Finished {
    pub(super) recording: u64,
    pub(super) file: String,
    pub(super) ms: u64,
    /// Known already of a file that was written at once.
    pub(super) sha256: Option<String>,
    pub(super) handle: File,
}

/// Says that the writer has ended, also by a panic: who watches it waits for that.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.written.store(true, Ordering::Release);
    }
}

impl Writer {
    pub(super) fn run(mut self) {
        let _ends = Ends(Arc::clone(&self.shared));
        let mut checkpoint = Instant::now();
        let mut rest = Rest::default();
        loop {
            self.shared.turns.fetch_add(1, Ordering::Relaxed);
            // Before the blocks: what was sent before the stop is written.
            let stop = self.shared.stop.load(Ordering::Acquire);
            let more = self.take_blocks();
            if checkpoint.elapsed() >= CHECKPOINT {
                checkpoint = Instant::now();
                self.each_recording(|recorder| recorder.flush());
            }
            if let Some(report) = self.space.look(&self.folder) {
                self.shared.report([report]);
            }
            self.hand_over();
            if more {
                continue;
            }
            if stop {
                break;
            }
            if self.running.is_empty() && self.finished.is_empty() {
                rest.rests();
                self.sleep();
            } else {
                rest.works();
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

    /// Sleeps until a recording begins or it is time to look. While recordings run there is no
    /// need to be woken: they are looked for with every nap.
    fn sleep(&self) {
        self.shared.asleep.store(true, Ordering::SeqCst);
        if self.shared.beginnings.is_empty() && !self.shared.stop.load(Ordering::SeqCst) {
            thread::park_timeout(CHECKPOINT);
        }
        self.shared.asleep.store(false, Ordering::SeqCst);
    }

    /// Opens files that begin and writes blocks. True when there may be more.
    pub(super) fn take_blocks(&mut self) -> bool {
        let mut more = false;
        for at in 0..self.rings.len() {
            self.open_beginnings();
            more |= self.take_from(at);
        }
        more
    }

    fn take_from(&mut self, ring: usize) -> bool {
        for _ in 0..BLOCKS_AT_ONCE {
            match self.rings.get(ring).and_then(|ring| ring.pop()) {
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

    pub(super) fn open_beginnings(&mut self) {
        while let Some(Beginning {
            recording,
            file,
            alone,
        }) = self.shared.beginnings.pop()
        {
            match FileTape::new(&self.settings, &self.folder, &file, alone) {
                Ok(tape) => {
                    let recorder = Some(Recorder::new(tape));
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
            self.shared.misplaced_one();
            return;
        };
        let Some(recorder) = &mut running.recorder else {
            return;
        };
        let late = recorder.late();
        let written = recorder.write(sound);
        if recorder.late() > late {
            self.shared.misplaced_one();
        }
        if let Err(error) = written {
            give_up(running);
            let file = running.file.clone();
            self.fail(sound.recording, &file, &error);
        }
    }

    pub(super) fn each_recording(
        &mut self,
        mut action: impl FnMut(&mut Recorder<FileTape>) -> io::Result<()>,
    ) {
        let mut failures = Vec::new();
        for (recording, running) in &mut self.running {
            if let Some(recorder) = &mut running.recorder
                && let Err(error) = action(recorder)
            {
                give_up(running);
                failures.push((*recording, running.file.clone(), error));
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
        let complete = recorder.finish(at_sample).and_then(|finished| {
            let ms = u64::try_from(finished.length.as_millis()).unwrap_or(u64::MAX);
            let (draft, sha256) = finished.tape.into_parts();
            Ok(Finished {
                recording,
                file: file.clone(),
                ms,
                sha256,
                handle: draft.into_file()?,
            })
        });
        match complete {
            Ok(finished) => self.finished.push_back(finished),
            Err(error) => self.fail(recording, &file, &error),
        }
    }

    fn fail(&self, recording: u64, file: &str, error: &io::Error) {
        tracing::error!(recording, file, %error, "a recording could not be written");
        self.shared.report([RecordingReport::Failed {
            recording,
            file: file.to_owned(),
            cause: error.to_string(),
        }]);
    }

    /// Gives finished files to the sealer, as many as it takes without waiting.
    pub(super) fn hand_over(&mut self) {
        while let Some(finished) = self.finished.pop_front() {
            if let Err(TrySendError::Full(finished)) = self.to_seal.try_send(finished) {
                self.finished.push_front(finished);
                return;
            }
        }
    }
}

/// A recording that cannot be written is not tried again.
fn give_up(running: &mut Running) {
    if let Some(recorder) = running.recorder.take() {
        recorder.into_tape().give_up();
    }
}
