//! The threads against a folder of their own.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    time::Instant,
};

use hotline_media::{
    Codec, Sound,
    recorder::{Recorder, Wav},
};

use super::*;
use crate::vault::{Sealed, fresh_line};

struct Bench {
    folder: tempfile::TempDir,
    blocks: Arc<ArrayQueue<Block>>,
    outcomes: Arc<ArrayQueue<RecordingReport>>,
    recorder: Option<RecordingHandle>,
}

impl Bench {
    fn new() -> Self {
        Self::keeping(Settings::default())
    }

    fn keeping(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Arc::new(ArrayQueue::new(1_000));
        let outcomes = Arc::new(ArrayQueue::new(10));
        let path = folder.path().to_owned();
        let notify = Arc::new(|| ());
        let recorder = spawn(
            settings,
            path,
            vec![Arc::clone(&blocks)],
            Arc::clone(&outcomes),
            notify,
        );
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

    /// What became of a recording.
    fn outcome(&self) -> RecordingReport {
        self.report(|report| !matches!(report, RecordingReport::SoundLost { .. }))
    }

    /// The next report of a kind.
    fn report(&self, kind: impl Fn(&RecordingReport) -> bool) -> RecordingReport {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(report) = self.outcomes.pop() {
                if kind(&report) {
                    return report;
                }
                continue;
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
fn sound_that_found_no_place_is_told() {
    let bench = Bench::new();
    bench.begin(1, "a.wav");
    bench.sound(1, 0, 0, 0x2A);
    // Blocks of a recording that is over by now.
    bench.end(1, 160);
    bench.outcome();
    bench.sound(1, 0, 160, 0x2A);
    bench.sound(1, 0, 320, 0x2A);
    let told = bench.report(|report| matches!(report, RecordingReport::SoundLost { .. }));
    assert!(
        matches!(told, RecordingReport::SoundLost { blocks: 1..=2 }),
        "{told:?}"
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
        settings: Settings::default(),
        space: Space::new(0),
        folder: folder.path().to_owned(),
        rings: vec![Arc::new(ArrayQueue::new(10)), Arc::new(ArrayQueue::new(10))],
        shared: Arc::new(Shared {
            beginnings: ArrayQueue::new(BEGINNINGS),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            misplaced: AtomicU64::new(0),
            written: AtomicBool::new(false),
            outcomes: Arc::clone(&outcomes),
            notify: Arc::new(|| ()),
        }),
        running: BTreeMap::new(),
        finished: VecDeque::new(),
        to_seal,
    };
    for recording in [1, 2] {
        let file = format!("{recording}.wav");
        let beginning = Beginning {
            recording,
            file,
            alone: false,
        };
        writer.shared.beginnings.push(beginning).unwrap();
    }
    writer.open_beginnings();
    let mut first = true;
    writer.each_recording(|_| {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        if core::mem::take(&mut first) {
            Err(full)
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
        writer.rings[recording as usize - 1].push(block).unwrap();
    }
    writer.take_blocks();
    writer.hand_over();
    assert_eq!(sealed.try_recv().unwrap().recording, 2);
    assert!(sealed.try_recv().is_err() && outcomes.is_empty());
}

#[test]
fn a_disk_that_stands_still_is_told_when_it_begins_and_when_it_is_over() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut progress = watch::Progress::new(start);
    let told = |stalled, for_ms| Some(RecordingReport::Disk { stalled, for_ms });
    assert_eq!(progress.look(1, at(400)), None);
    assert_eq!(progress.look(1, at(2_300)), None);
    assert_eq!(progress.look(1, at(2_400)), told(true, 2_000));
    assert!(disk_is_stalled());
    assert_eq!(progress.look(1, at(9_000)), None, "told once");
    assert_eq!(progress.look(2, at(9_400)), told(false, 9_000));
    assert!(!disk_is_stalled());
    assert_eq!(progress.look(3, at(20_000)), None);
}

#[test]
fn blocks_of_nobody_are_counted() {
    let bench = Bench::new();
    bench.sound(77, 0, 0, 1);
    bench.end(77, 0);
    bench.begin(1, "a.wav");
    bench.end(1, 160);
    bench.outcome();
    let shared = &bench.recorder.as_ref().unwrap().shared;
    assert_eq!(shared.misplaced.load(Ordering::Relaxed), 1);
}

#[test]
fn files_cut_by_a_kill_are_mended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file);
    let mut recorder = Recorder::new(Wav::new(
        File::create(path("cut.wav")).unwrap(),
        Encoding::Pcm,
    ));
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
    recorder.flush().unwrap();
    // As after kill -9: sound behind what the header tells, the last sample in part.
    core::mem::forget(recorder);
    let mut cut = OpenOptions::new()
        .append(true)
        .open(path("cut.wav"))
        .unwrap();
    cut.write_all(&[3; 80 * 4 + 2]).unwrap();
    std::fs::write(path("note.txt"), "not a recording").unwrap();
    std::fs::write(path("foreign.wav"), [0; 100]).unwrap();
    let mut whole = Recorder::new(Wav::new(
        File::create(path("whole.wav")).unwrap(),
        Encoding::Pcm,
    ));
    whole.flush().unwrap();
    whole.finish(800).unwrap();
    let found = repair(folder.path(), None).unwrap();
    let kept = (16_000 - 4_096 + 80) / 8;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].file.as_str(), found[0].ms), ("cut.wav", kept));
    assert_eq!(found[0].sha256, sha256(&path("cut.wav")).unwrap());
    let wav = hound::WavReader::open(path("cut.wav")).unwrap();
    assert_eq!(u64::from(wav.duration()), kept * 8);
    assert_eq!(repair(folder.path(), None).unwrap(), []);
    assert_eq!(
        repair_file(folder.path(), "cut.wav", None).unwrap(),
        found[0]
    );
    assert_eq!(
        repair_file(folder.path(), "whole.wav", None).unwrap().ms,
        100
    );
    assert!(repair_file(folder.path(), "foreign.wav", None).is_err());
    assert!(repair_file(folder.path(), "none.wav", None).is_err());
}

#[test]
fn files_that_end_together_are_sealed_together_with_their_own_hashes() {
    let bench = Bench::new();
    for recording in 0..8 {
        bench.begin(recording, &format!("{recording}.wav"));
        // One of them is longer than what is kept in memory.
        for n in 0..if recording == 5 { 900 } else { 10 } {
            bench.sound(recording, 0, n * 160, recording as u8);
            while bench.blocks.len() > 900 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        bench.end(recording, 1_600);
    }
    for _ in 0..8 {
        match bench.outcome() {
            RecordingReport::Closed {
                recording,
                file,
                ms,
                sha256: sealed,
            } => {
                let of = sha256(&bench.folder.path().join(&file)).unwrap();
                assert_eq!(sealed, of, "{file}");
                let expected = if recording == 5 { 18_000 } else { 200 };
                assert_eq!((file, ms), (format!("{recording}.wav"), expected));
            }
            failed => panic!("{failed:?}"),
        }
    }
}

#[test]
fn a_running_recording_is_a_valid_file_within_a_blink() {
    let bench = Bench::new();
    bench.begin(1, "a.wav");
    for n in 0..100 {
        bench.sound(1, 0, n * 160, 0x2A);
    }
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < until, "no file, or not all of it");
        // What a kill would leave at this moment.
        let wav = hound::WavReader::open(bench.folder.path().join("a.wav"));
        if wav.is_ok_and(|wav| wav.duration() == 16_000 - 4_096) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn keys(folder: &tempfile::TempDir) -> Arc<Keys> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join("keys");
    std::fs::write(&path, fresh_line().unwrap().1).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Arc::new(Keys::read(&path).unwrap())
}

#[test]
fn a_sealed_recording_is_closed_with_the_hash_of_what_lies_on_the_disk() {
    let key_folder = tempfile::tempdir().unwrap();
    let keys = keys(&key_folder);
    let bench = Bench::keeping(Settings {
        encoding: Encoding::Alaw,
        keys: Some(Arc::clone(&keys)),
        keep_free_mb: 0,
    });
    for (recording, blocks) in [(1, 20), (2, 900)] {
        let file = format!("{recording}.wav");
        bench.begin(recording, &file);
        for n in 0..blocks {
            bench.sound(recording, 0, n * 160, 0x2A);
            while bench.blocks.len() > 900 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        bench.end(recording, blocks * 160);
        let path = bench.folder.path().join(&file);
        let outcome = bench.outcome();
        let closed = RecordingReport::Closed {
            recording,
            file,
            ms: blocks * 20,
            sha256: sha256(&path).unwrap(),
        };
        assert_eq!(outcome, closed);
        let mut sealed = Sealed::open(File::open(&path).unwrap(), &keys).unwrap();
        assert!(sealed.is_complete());
        let mut wav = Vec::new();
        while let Some(piece) = sealed.next_piece().unwrap() {
            wav.extend_from_slice(&piece);
        }
        let sound = [0x2A, 0xD5].repeat(blocks as usize * 160);
        assert_eq!(wav, [Encoding::Alaw.header(blocks * 160), sound].concat());
        assert!(repair_file(bench.folder.path(), &format!("{recording}.wav"), None).is_err());
    }
    assert_eq!(repair(bench.folder.path(), Some(&keys)).unwrap(), []);
}

#[test]
fn short_room_is_told_once_and_so_is_enough_again() {
    let mut space = Space::new(500);
    let report = |low, free_mb| {
        Some(RecordingReport::Space {
            low,
            free_mb,
            keep_free_mb: 500,
        })
    };
    assert_eq!(space.judge(500), None);
    assert_eq!(space.judge(499), report(true, 499));
    assert_eq!(space.judge(0), None);
    assert_eq!(space.judge(549), None);
    assert_eq!(space.judge(550), report(false, 550));
    assert_eq!(space.judge(501), None);
}
