//! Files that were cut, flipped, shuffled: what is torn is never read as good, what is lost is
//! always noticed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{crash::FaultyDisk, *};

fn open(dir: &Path, settings: &Settings) -> Result<(Journal<FaultyDisk>, Recovery), OpenError> {
    Journal::open_on(FaultyDisk::new(dir), dir, settings)
}

/// A closed journal, and where its files are.
struct Closed {
    dir: tempfile::TempDir,
    records: Vec<Record>,
}

impl Closed {
    fn new(count: u64, group: u64, settings: &Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(dir.path(), settings).unwrap();
        write(&mut journal, count, group);
        drop(journal);
        let records = all(dir.path());
        Self { dir, records }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self, segment: u64) -> PathBuf {
        self.path().join(segment::name(segment))
    }

    /// What a reader gets must be records as they were written, from the first on.
    fn reads_only_the_truth(&self) -> usize {
        let read: Vec<_> = read(self.path(), 1)
            .map(|records| records.map_while(Result::ok).collect())
            .unwrap_or_default();
        assert_eq!(read, self.records[..read.len()]);
        read.len()
    }

    fn restore(&self, segment: u64, bytes: &[u8]) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "torn") {
                fs::remove_file(path).unwrap();
            }
        }
        fs::write(self.file(segment), bytes).unwrap();
    }
}

/// Frames of a segment: `(offset, bytes)`.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let (frame, after) = rest.split_at(frame::HEAD_BYTES + length);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

#[test]
fn cut_at_each_byte_the_whole_records_before_it_remain() {
    let closed = Closed::new(9, 3, &Settings::default());
    let whole = fs::read(closed.file(1)).unwrap();
    let ends: Vec<usize> = frames(&whole)
        .iter()
        .scan(0, |end, frame| {
            *end += frame.len();
            Some(*end)
        })
        .collect();
    // Three records and their mark.
    let last_group = ends[ends.len() - 5];
    for cut in 0..whole.len() {
        closed.restore(1, &whole[..cut]);
        let end = ends
            .iter()
            .copied()
            .filter(|&e| e <= cut)
            .max()
            .unwrap_or(0);
        let verified = verify(closed.path()).unwrap();
        assert_eq!(closed.reads_only_the_truth() as u64, verified.records);
        // Opening waits for the disk: at each byte of the last group, and here and there before.
        if cut < last_group && cut % 61 != 0 {
            continue;
        }
        let (mut journal, recovery) = open(closed.path(), &Settings::default()).unwrap();
        assert_eq!(recovery.records, verified.records, "cut at {cut}");
        let torn = recovery.torn.map(|torn| {
            let kept = torn.kept.map(|path| fs::read(path).unwrap());
            assert_eq!(kept.unwrap_or_default(), whole[end..cut], "cut at {cut}");
            (torn.offset, torn.bytes)
        });
        let due = (cut != end || cut == 0).then_some((end as u64, (cut - end) as u64));
        assert_eq!(torn, due, "cut at {cut}");
        // And the journal goes on.
        write(&mut journal, 2, 1);
        drop(journal);
        assert_eq!(verify(closed.path()).unwrap().records, recovery.records + 2);
    }
}

#[test]
fn a_flipped_bit_loses_no_record_unseen() {
    let closed = Closed::new(12, 3, &Settings::default());
    let whole = fs::read(closed.file(1)).unwrap();
    let last_mark = whole.len() - frames(&whole).last().unwrap().len();
    for byte in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1 << (byte % 8);
        closed.restore(1, &damaged);
        closed.reads_only_the_truth();
        let verified = verify(closed.path());
        let opened = open(closed.path(), &Settings::default());
        if byte < last_mark {
            assert!(matches!(opened, Err(OpenError::Broken(_))), "byte {byte}");
            assert!(verified.is_err(), "byte {byte}");
        } else {
            assert_eq!(opened.unwrap().1.records, 12, "byte {byte}");
            assert_eq!(verified.unwrap().records, 12, "byte {byte}");
        }
    }
}

#[test]
fn removed_repeated_and_reordered_frames_are_found() {
    let closed = Closed::new(8, 2, &Settings::default());
    let whole = fs::read(closed.file(1)).unwrap();
    let good = frames(&whole);
    let is_record = |frame: &Vec<u8>| frame[frame::HEAD_BYTES..].starts_with(frame::RECORD_START);
    let check = |changed: &[Vec<u8>], what: &str| {
        closed.restore(1, &changed.concat());
        closed.reads_only_the_truth();
        assert!(verify(closed.path()).is_err(), "{what}");
        assert!(open(closed.path(), &Settings::default()).is_err(), "{what}");
    };
    for (i, frame) in good.iter().enumerate().filter(|(_, f)| is_record(f)) {
        let mut removed = good.clone();
        removed.remove(i);
        check(&removed, &format!("record frame {i} removed"));
        for to in 0..=good.len() {
            let mut repeated = good.clone();
            repeated.insert(to, frame.clone());
            check(&repeated, &format!("frame {i} repeated at {to}"));
            let mut moved = good.clone();
            moved.remove(i);
            moved.insert(to.min(moved.len()), frame.clone());
            if moved != good {
                check(&moved, &format!("frame {i} moved to {to}"));
            }
        }
    }
}

#[test]
fn a_record_changed_with_a_fitting_checksum_is_found() {
    let closed = Closed::new(6, 2, &Settings::default());
    let whole = fs::read(closed.file(1)).unwrap();
    let good = frames(&whole);
    for (i, frame) in good.iter().enumerate() {
        for at in frame::HEAD_BYTES..frame.len() {
            let mut changed = good.clone();
            changed[i][at] ^= 1;
            let payload = changed[i].split_off(frame::HEAD_BYTES);
            let mut forged = Vec::new();
            let start = frame::begin(&mut forged);
            forged.extend(&payload);
            assert!(frame::close(&mut forged, start));
            changed[i] = forged;
            closed.restore(1, &changed.concat());
            assert!(verify(closed.path()).is_err(), "frame {i} byte {at}");
            assert!(
                open(closed.path(), &Settings::default()).is_err(),
                "frame {i} byte {at}"
            );
        }
    }
}

#[test]
fn missing_swapped_and_torn_segments_are_found() {
    let closed = Closed::new(100, 3, &small());
    let segments = segment::list(closed.path()).unwrap();
    let middle = segments[segments.len() / 2];
    let bytes = fs::read(closed.file(middle)).unwrap();
    let refused = |what: &str| {
        assert!(verify(closed.path()).is_err(), "{what}");
        assert!(
            matches!(open(closed.path(), &small()), Err(OpenError::Broken(_))),
            "{what}"
        );
        closed.reads_only_the_truth();
    };
    fs::remove_file(closed.file(middle)).unwrap();
    refused("a segment is missing");
    fs::write(
        closed.file(middle),
        fs::read(closed.file(middle - 1)).unwrap(),
    )
    .unwrap();
    refused("a segment is another's copy");
    fs::write(closed.file(middle), &bytes[..bytes.len() - 5]).unwrap();
    refused("a closed segment is torn");
    fs::write(closed.file(middle), b"").unwrap();
    refused("a closed segment is empty");
    fs::write(closed.file(middle), &bytes).unwrap();
    assert_eq!(verify(closed.path()).unwrap().records, 100);
}

#[test]
fn a_segment_without_a_header_is_set_aside() {
    let closed = Closed::new(50, 1, &small());
    let next = *segment::list(closed.path()).unwrap().last().unwrap() + 1;
    for (bytes, check) in [
        (&b""[..], Check::Whole),
        (b"\x10\x00", Check::Whole),
        (b"\x10\x00", Check::LastSegment),
    ] {
        fs::write(closed.file(next), bytes).unwrap();
        assert_eq!(verify(closed.path()).unwrap().records, 50);
        let settings = Settings { check, ..small() };
        let (_journal, recovery) = open(closed.path(), &settings).unwrap();
        assert_eq!(recovery.records, 50);
        assert_eq!(recovery.torn.unwrap().segment, segment::name(next));
        assert!(!closed.file(next).exists());
    }
}

proptest! {
    /// Any stretch of any segment overwritten by anything: readers get only the truth, and opening
    /// keeps all records or refuses.
    #[test]
    fn garbage_anywhere_loses_nothing_unseen(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        garbage in prop::collection::vec(any::<u8>(), 1..200),
        zeros in any::<bool>(),
    ) {
        let closed = Closed::new(40, 4, &small());
        let segments = segment::list(closed.path()).unwrap();
        let segment = *pick.get(&segments);
        let good = fs::read(closed.file(segment)).unwrap();
        let mut bytes = good.clone();
        let start = at.index(bytes.len());
        for (byte, new) in bytes[start..].iter_mut().zip(&garbage) {
            *byte = if zeros { 0 } else { *new };
        }
        fs::write(closed.file(segment), &bytes).unwrap();
        closed.reads_only_the_truth();
        let reaches_end = start + garbage.len() >= good.len();
        match open(closed.path(), &small()) {
            Ok((_, recovery)) if recovery.records == 40 => {}
            // All marks behind the damage are gone with it: that is what a crash leaves.
            Ok((_, recovery)) => {
                prop_assert!(reaches_end && segment == *segments.last().unwrap());
                prop_assert!(recovery.torn.is_some());
            }
            Err(OpenError::Broken(_)) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
