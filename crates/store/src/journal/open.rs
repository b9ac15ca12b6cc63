//! Opening: checks what is there, sets a torn tail aside, and says what it found.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use hotline_model::{CallId, Timestamp};
use serde::Deserialize;

use super::{
    Check, Disk, Tail,
    chain::Hash,
    error::{OpenError, ReadError},
    frame,
    segment::{self, Header},
    walk::{Link, Torn, Walk, copy_aside, segments},
};

/// What was found at opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Records in the journal.
    pub records: u64,
    /// Sequence number of the last; 0 when there is none.
    pub last_seq: u64,
    /// Its hash.
    pub last_hash: Hash,
    /// Its wall-clock time.
    pub last_at: Option<Timestamp>,
    /// The highest call id in the journal: the next call gets the one after.
    pub last_call: Option<CallId>,
    /// A torn tail that was copied aside and cut: records that were never committed.
    pub torn: Option<Torn>,
}

/// Where the writer goes on.
pub(super) struct Place<T> {
    pub(super) tail: T,
    pub(super) segment: u64,
    pub(super) length: u64,
    pub(super) seq: u64,
    pub(super) hash: Hash,
    pub(super) at: Option<Timestamp>,
    pub(super) last_call: Option<CallId>,
}

/// Takes the folder's lock for as long as the file lives. `flock` is let go by the system when the
/// process ends, however it ends.
pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    let failed = |path: PathBuf| move |source| OpenError::Io { path, source };
    fs::create_dir_all(dir).map_err(failed(dir.into()))?;
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed(path.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.into())),
        Err(TryLockError::Error(e)) => Err(failed(path)(e)),
    }
}

/// The parts of an event that headers carry on; read without the rest of it.
#[derive(Deserialize)]
struct Outline {
    at: Timestamp,
    call: Option<CallId>,
}

/// Checks the journal in `dir`, cuts a torn tail, and opens the last segment.
pub(super) fn recover<D: Disk>(
    disk: &mut D,
    dir: &Path,
    check: Check,
) -> Result<(Place<D::Tail>, Recovery), OpenError> {
    let last = segments(dir)?.last().copied().unwrap_or(0);
    let mut walk = match check {
        Check::Whole => Walk::whole(dir)?,
        Check::LastSegment => Walk::from_segment(dir, last_headed(dir, last)?)?,
    };
    let (mut at, mut last_call) = (None, None);
    while let Some(link) = walk.advance()? {
        match link {
            Link::Header(header) => (at, last_call) = (header.at, header.last_call),
            // Only the last segment's outlines are needed; those before are in its header.
            Link::Record if walk.segment() + 1 >= last => {
                let outline: Outline =
                    serde_json::from_slice(walk.payload()).map_err(|source| ReadError::Event {
                        seq: walk.seq(),
                        source,
                    })?;
                (at, last_call) = (Some(outline.at), last_call.max(outline.call));
            }
            Link::Record | Link::Mark => {}
        }
    }
    let torn = walk.torn().cloned();
    let failed = |source| OpenError::Io {
        path: dir.join(segment::name(walk.segment().max(1))),
        source,
    };
    let torn = torn
        .map(|torn| set_aside(disk, dir, &torn))
        .transpose()
        .map_err(failed)?;
    let last_hash = last_record_hash(dir, &walk)?;
    let place = go_on(disk, dir, &walk, at, last_call).map_err(failed)?;
    let recovery = Recovery {
        records: walk.seq(),
        last_seq: walk.seq(),
        last_hash,
        last_at: at,
        last_call,
        torn,
    };
    Ok((place, recovery))
}

/// The hash of the last record, which stands in an earlier segment where the walk began in one that
/// has none yet.
fn last_record_hash(dir: &Path, walk: &Walk) -> Result<Hash, ReadError> {
    let mut hash = walk.record_hash();
    let mut number = walk.segment();
    while hash == Hash::START && walk.seq() > 0 && number > 1 {
        number -= 1;
        let mut earlier = Walk::from_segment(dir, number)?;
        while earlier.seq() < walk.seq() && earlier.advance()?.is_some() {}
        hash = earlier.record_hash();
    }
    Ok(hash)
}

/// The last segment that has a header, for [`Check::LastSegment`].
fn last_headed(dir: &Path, last: u64) -> Result<u64, ReadError> {
    super::read::last_segment_where(dir, |_| true).map(|headed| headed.clamp(1, last.max(1)))
}

/// Copies the torn tail into a file of its own, then cuts it.
fn set_aside<D: Disk>(disk: &mut D, dir: &Path, torn: &Torn) -> io::Result<Torn> {
    let kept = match torn.bytes {
        0 => None,
        _ => Some(copy_aside(dir, torn)?),
    };
    if torn.offset == 0 {
        disk.remove(&torn.segment)?;
    } else {
        let mut tail = disk.open(&torn.segment)?;
        tail.cut(torn.offset)?;
        tail.sync()?;
    }
    disk.sync_folder()?;
    Ok(Torn {
        kept,
        ..torn.clone()
    })
}

/// Opens the segment in which the walk ended, or the first one.
fn go_on<D: Disk>(
    disk: &mut D,
    dir: &Path,
    walk: &Walk,
    at: Option<Timestamp>,
    last_call: Option<CallId>,
) -> io::Result<Place<D::Tail>> {
    let (seq, mut hash) = (walk.seq(), walk.hash());
    let mut number = walk.segment().max(1);
    // The walk may have ended in a file without a header, which is gone now.
    if number > 1 && !dir.join(segment::name(number)).exists() {
        number -= 1;
    }
    // Behind a torn tail a failed roll may have left such a file. It never held a record.
    let leftover = segment::name(number + 1);
    if dir.join(&leftover).exists() {
        disk.remove(&leftover)?;
    }
    let path = dir.join(segment::name(number));
    let (tail, length);
    if path.exists() {
        (tail, length) = go_on_in(disk, &path, number, seq)?;
    } else {
        let header = Header::new(1, 1, None, None, Hash::START);
        (tail, length, hash) = create(disk, &header, Hash::START)?;
    }
    Ok(Place {
        tail,
        segment: number,
        length,
        seq,
        hash,
        at,
        last_call,
    })
}

/// Opens a segment that is whole, and marks it so: what a killed process wrote is in the system's
/// memory and may not yet be on the disk.
fn go_on_in<D: Disk>(
    disk: &mut D,
    path: &Path,
    number: u64,
    seq: u64,
) -> io::Result<(D::Tail, u64)> {
    let mut tail = disk.open(&segment::name(number))?;
    tail.sync()?;
    disk.sync_folder()?;
    tail.append(&frame::mark(seq))?;
    Ok((tail, fs::metadata(path)?.len()))
}

/// Creates a segment with its header, on the disk with its name.
pub(super) fn create<D: Disk>(
    disk: &mut D,
    header: &Header,
    prev: Hash,
) -> io::Result<(D::Tail, u64, Hash)> {
    let (bytes, hash) = header.frame(prev)?;
    let mut tail = disk.create(&segment::name(header.segment))?;
    tail.append(&bytes)?;
    tail.sync()?;
    disk.sync_folder()?;
    Ok((tail, bytes.len() as u64, hash))
}
