//! Disks that fail and machines that stop: nothing committed is ever lost.

use std::{
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

use super::*;

/// What a disk with a fault does and remembers.
#[derive(Default)]
struct Faults {
    /// Operations until one fails; `None`: never.
    fail_in: Option<usize>,
    /// Whether all operations fail from then on.
    for_good: bool,
    /// Bytes of a failing write that are written nevertheless.
    partial: usize,
    /// Bytes of each file that survive a power loss.
    synced: BTreeMap<String, u64>,
    /// Files whose name survives a power loss.
    named: Vec<String>,
}

impl Faults {
    fn turn(&mut self) -> io::Result<()> {
        match self.fail_in {
            Some(0) => {
                self.fail_in = self.for_good.then_some(0);
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some(left) => {
                self.fail_in = Some(left - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Fails as it is told; and does not wait for the real disk, which makes tests quick.
#[derive(Clone)]
pub(super) struct FaultyDisk {
    folder: Folder,
    path: PathBuf,
    faults: Arc<Mutex<Faults>>,
}

pub(super) struct FaultyTail {
    name: String,
    path: PathBuf,
    file: File,
    faults: Arc<Mutex<Faults>>,
}

impl FaultyDisk {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            folder: Folder::new(path),
            path: path.into(),
            faults: Arc::default(),
        }
    }

    fn tail(&self, name: &str, file: File) -> FaultyTail {
        FaultyTail {
            name: name.into(),
            path: self.path.join(name),
            file,
            faults: Arc::clone(&self.faults),
        }
    }

    /// The machine stops: of what was not synced, an arbitrary part is left, in sectors.
    fn lose_power(&self, sectors: &[u8]) {
        let faults = self.faults.lock().unwrap();
        for number in segment::list(&self.path).unwrap() {
            let name = segment::name(number);
            let path = self.path.join(&name);
            if !faults.named.contains(&name) && sectors.first().is_some_and(|s| s % 2 == 0) {
                std::fs::remove_file(&path).unwrap();
                continue;
            }
            let synced = faults.synced.get(&name).copied().unwrap_or(0) as usize;
            let mut bytes = std::fs::read(&path).unwrap();
            let end = bytes.len();
            let mut keep = end;
            // Sectors of 64 bytes make more tears in short files than real ones of 512.
            for (sector, fate) in (synced..end).step_by(64).zip(sectors.iter().cycle()) {
                match fate % 4 {
                    0 => bytes[sector..end.min(sector + 64)].fill(0),
                    1 if *fate < 16 => {
                        keep = sector;
                        break;
                    }
                    _ => {}
                }
            }
            bytes.truncate(keep);
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

impl Disk for FaultyDisk {
    type Tail = FaultyTail;

    fn create(&mut self, name: &str) -> io::Result<FaultyTail> {
        self.faults.lock().unwrap().turn()?;
        let file = self.folder.create(name)?;
        self.faults.lock().unwrap().synced.insert(name.into(), 0);
        Ok(self.tail(name, file))
    }

    fn open(&mut self, name: &str) -> io::Result<FaultyTail> {
        self.faults.lock().unwrap().turn()?;
        let file = self.folder.open(name)?;
        Ok(self.tail(name, file))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.faults.lock().unwrap().turn()?;
        self.folder.remove(name)
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        faults.turn()?;
        let numbers = segment::list(&self.path)?;
        faults.named = numbers.into_iter().map(segment::name).collect();
        Ok(())
    }
}

impl Tail for FaultyTail {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        if let Err(e) = faults.turn() {
            self.file
                .append(&bytes[..faults.partial.min(bytes.len())])?;
            return Err(e);
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        faults.turn()?;
        let length = std::fs::metadata(&self.path)?.len();
        faults.synced.insert(self.name.clone(), length);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        faults.turn()?;
        let synced = faults.synced.entry(self.name.clone()).or_default();
        *synced = (*synced).min(length);
        self.file.cut(length)
    }
}

/// One run of a writer on a faulty disk; returns what was appended and how much was committed.
fn run(disk: &FaultyDisk, dir: &Path, groups: &[usize]) -> (Vec<Record>, u64) {
    let Ok((mut journal, _)) = Journal::open_on(disk.clone(), dir, &small()) else {
        return (Vec::new(), 0);
    };
    let samples = samples::one_of_each();
    let mut appended = Vec::new();
    let mut committed = journal.last_seq();
    for &group in groups {
        for _ in 0..group {
            let seq = journal.last_seq() + 1;
            let event = samples[seq as usize % samples.len()].clone();
            appended.push(journal.append(&samples::stamped(seq, event)).unwrap());
        }
        match journal.commit() {
            Ok(()) => committed = journal.last_seq(),
            Err(CommitError::Retry(_)) => {}
            Err(CommitError::Dead(_)) => break,
        }
    }
    (appended, committed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_committed_is_lost(
        groups in prop::collection::vec(1usize..12, 1..16),
        more in prop::collection::vec(1usize..6, 0..4),
        fail_in in prop::option::of(0usize..120),
        for_good in any::<bool>(),
        partial in 0usize..3_000,
        sectors in prop::collection::vec(any::<u8>(), 1..24),
        power in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(dir.path());
        {
            let mut faults = disk.faults.lock().unwrap();
            (faults.fail_in, faults.for_good, faults.partial) = (fail_in, for_good, partial);
        }
        let (appended, committed) = run(&disk, dir.path(), &groups);
        if power {
            disk.lose_power(&sectors);
        }
        disk.faults.lock().unwrap().fail_in = None;

        let opened = Journal::open_on(disk.clone(), dir.path(), &small());
        let (journal, recovery) = opened.unwrap();
        drop(journal);
        prop_assert!(recovery.records >= committed, "{} < {committed}", recovery.records);
        let found = all(dir.path());
        prop_assert_eq!(&found[..], &appended[..recovery.records as usize]);

        // A second run goes on, and a second loss of power takes nothing of the first.
        let (appended, committed) = run(&disk, dir.path(), &more);
        disk.lose_power(&sectors);
        let (_journal, recovery) = Journal::open_on(disk, dir.path(), &small()).unwrap();
        prop_assert!(recovery.records >= committed.max(found.len() as u64));
        let mut whole = found;
        whole.extend(appended);
        prop_assert_eq!(all(dir.path()), &whole[..recovery.records as usize]);
        prop_assert_eq!(verify(dir.path()).unwrap().records, recovery.records);
    }
}

#[test]
fn a_full_disk_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(dir.path());
    let (mut journal, _) = Journal::open_on(disk.clone(), dir.path(), &small()).unwrap();
    write(&mut journal, 3, 1);
    for partial in [0, 5, 200] {
        let seq = journal.last_seq() + 1;
        journal
            .append(&samples::stamped(seq, samples::arrived(seq)))
            .unwrap();
        {
            let mut faults = disk.faults.lock().unwrap();
            (faults.fail_in, faults.partial) = (Some(0), partial);
        }
        assert!(matches!(journal.commit(), Err(CommitError::Retry(_))));
        assert_eq!(all(dir.path()).len() as u64, seq - 1);
        journal.commit().unwrap();
        assert_eq!(all(dir.path()).len() as u64, seq);
    }
}

#[test]
fn a_failed_fsync_is_final() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(dir.path());
    let (mut journal, _) = Journal::open_on(disk.clone(), dir.path(), &small()).unwrap();
    journal
        .append(&samples::stamped(1, samples::arrived(1)))
        .unwrap();
    disk.faults.lock().unwrap().fail_in = Some(1);
    assert!(matches!(journal.commit(), Err(CommitError::Dead(_))));
    assert!(matches!(journal.commit(), Err(CommitError::Dead(_))));
}

#[test]
fn a_roll_that_fails_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(dir.path());
    let (mut journal, _) = Journal::open_on(disk.clone(), dir.path(), &small()).unwrap();
    // Fails each of the roll's operations in turn: append, fsync, mark and fsync come before.
    for step in 4..8 {
        let segments = segment::list(dir.path()).unwrap().len();
        while segment::list(dir.path()).unwrap().len() == segments {
            disk.faults.lock().unwrap().fail_in = Some(step);
            write(&mut journal, 1, 1);
            disk.faults.lock().unwrap().fail_in = None;
            write(&mut journal, 1, 1);
        }
        assert_eq!(verify(dir.path()).unwrap().records, journal.last_seq());
    }
}
