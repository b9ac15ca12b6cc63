//! The journal: what happened, in order, written once, never changed. All else in this crate is
//! derived from it.
//!
//! # Format, for whoever writes an own reader
//!
//! A journal is a folder with the segments `00000001.journal`, `00000002.journal`, … without a
//! hole. (`lock` keeps a second engine out. `*.torn` files hold what was cut off after a crash;
//! they are no part of the journal.)
//!
//! A segment is a sequence of **frames**, nothing between them:
//!
//! ```text
//! length   4 bytes, unsigned, little endian: bytes of the payload, at most 65,536
//! crc      4 bytes, unsigned, little endian: CRC-32 (as in zlib) of the 4 length bytes and the
//!          payload
//! payload  a JSON object in UTF-8
//! ```
//!
//! There are three kinds of payload, told apart by their first member:
//!
//! - **Header**, first in each segment and only there: `{"magic":"hotline-journal","format":1,
//!   "events":1,"segment":2,"first_seq":5001,"at":…,"last_call":…,"prev":"…","hash":"…"}`.
//!   `events` is the version of the events (`hotline_model::event::EVENT_VERSION`), `at` and
//!   `last_call` are the time of the last record and the highest call id before this segment (or
//!   `null`), `prev` is the hash of the link before (64 zeros in the first segment).
//! - **Record**, one event: `{"seq":5001,"at":…,"up_ms":…,"type":"call-arrived",…,"hash":"…"}`.
//!   `seq` counts 1, 2, 3 … through all segments without a gap; the rest is
//!   [`Stamped`].
//! - **Commit mark**: `{"synced":5001}`. When it was written, all records up to this number were
//!   on the disk. It always names the record just before it. Marks tell a torn tail from damage;
//!   they are no links of the chain.
//!
//! Headers and records are the **links** of the chain. A link ends with `,"hash":"<64 digits 0-9
//! a-f>"}`: its last 75 bytes. What stands before these 75 bytes is its **body**, taken as it is,
//! byte for byte: no JSON is put in order to check it. Then
//!
//! ```text
//! hash of a link = SHA-256(hash of the link before, as 32 bytes ‖ body)
//! ```
//!
//! and 32 zero bytes stand before the first. In Python a whole check of a segment is
//!
//! ```text
//! while head := f.read(8):
//!     length, crc = struct.unpack("<II", head)
//!     payload = f.read(length)
//!     assert zlib.crc32(head[:4] + payload) == crc
//!     if not payload.startswith(b'{"synced":'):
//!         hash = hashlib.sha256(hash + payload[:-75]).digest()
//!         assert payload[-66:-2].decode() == hash.hex()
//! ```
//!
//! # What is promised
//!
//! - [`Journal::commit`] returns when the records are on the disk: one fsync for all appended.
//!   Nothing is lost after that, whenever the process or the machine stops.
//! - A group that was being written when the machine stopped may be there in part. Opening keeps
//!   its whole records up to the first torn one, copies the rest to a `.torn` file, cuts it, and
//!   says so in [`Recovery::torn`].
//! - Damage before a commit mark is never cut: opening refuses, for committed records would be
//!   lost without anybody's knowledge.
//! - A changed, removed, added or reordered record is found by [`verify`]. That the newest records
//!   were cut off, or the chain rewritten from some record to its end, is found only with a hash
//!   kept elsewhere: [`verify_against`].

mod chain;
mod disk;
mod error;
mod frame;
mod open;
mod read;
mod segment;
#[cfg(test)]
mod tests;
mod walk;

use std::{fs::File, io, path::Path};

use hotline_model::{CallId, Timestamp, event::Stamped};

pub use chain::{Hash, NotAHash};
pub use disk::{Disk, Folder, Tail};
pub use error::{AppendError, Broken, CommitError, OpenError, ReadError};
pub use open::Recovery;
pub use read::{Record, Records, Verified, read, read_since, verify, verify_against};
pub use segment::FORMAT;
pub use walk::Torn;

use segment::Header;

/// Most bytes of records that wait for a commit: a full queue of events
/// ([`STORE_EVENTS`](hotline_model::limits::STORE_EVENTS)) of 512 bytes each. More are refused
/// ([`AppendError::Full`]) until a commit succeeds.
pub const PENDING_BYTES: usize = 32 << 20;

/// How a journal is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A segment that has grown to this many bytes is closed and the next one begun.
    pub segment_bytes: u64,
    /// What is checked before the first append.
    pub check: Check,
}

impl Default for Settings {
    /// Segments of 64 MiB; everything is checked.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            check: Check::Whole,
        }
    }
}

/// How much of the journal is checked at opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Each byte of each segment. Takes a second for some hundred MB.
    Whole,
    /// Each byte of the last segment. Damage in earlier ones is found by [`verify`], or when they
    /// are read.
    LastSegment,
}

/// The journal, open for appending. One at a time has a folder: a lock file sees to it.
pub struct Journal<D: Disk = Folder> {
    disk: D,
    tail: D::Tail,
    segment: u64,
    segment_bytes: u64,
    /// Bytes of the segment that hold whole frames.
    length: u64,
    seq: u64,
    hash: Hash,
    at: Option<Timestamp>,
    last_call: Option<CallId>,
    /// Frames not yet written.
    pending: Vec<u8>,
    /// Why the disk's content is not known any more.
    dead: Option<String>,
    _lock: File,
}

impl Journal {
    /// Opens the journal in `dir`, or begins one. Everything in it is checked; a torn tail is cut.
    pub fn open(dir: &Path) -> Result<(Self, Recovery), OpenError> {
        Self::open_with(dir, &Settings::default())
    }

    /// The same with settings.
    pub fn open_with(dir: &Path, settings: &Settings) -> Result<(Self, Recovery), OpenError> {
        Journal::open_on(Folder::new(dir), dir, settings)
    }
}

impl<D: Disk> Journal<D> {
    /// The same on a disk that may fail in ways of its own; `dir` is where its files are read.
    pub fn open_on(
        mut disk: D,
        dir: &Path,
        settings: &Settings,
    ) -> Result<(Self, Recovery), OpenError> {
        let lock = open::lock(dir)?;
        let (place, recovery) = open::recover(&mut disk, dir, settings.check)?;
        let journal = Self {
            disk,
            tail: place.tail,
            segment: place.segment,
            segment_bytes: settings.segment_bytes,
            length: place.length,
            seq: place.seq,
            hash: place.hash,
            at: place.at,
            last_call: place.last_call,
            pending: Vec::new(),
            dead: None,
            _lock: lock,
        };
        Ok((journal, recovery))
    }

    /// Takes an event in. It is in memory only until [`Self::commit`].
    pub fn append(&mut self, stamped: &Stamped) -> Result<Record, AppendError> {
        let (seq, hash) = self.link(stamped)?;
        Ok(Record {
            seq,
            stamped: stamped.clone(),
            hash,
        })
    }

    /// The same for who has the event and wants only its number and hash.
    pub(crate) fn link(&mut self, stamped: &Stamped) -> Result<(u64, Hash), AppendError> {
        if self.pending.len() >= PENDING_BYTES {
            return Err(AppendError::Full);
        }
        let start = frame::begin(&mut self.pending);
        let seq = self.seq + 1;
        let hash = match self.encode(seq, stamped) {
            Ok(hash) => hash,
            Err(e) => {
                self.pending.truncate(start);
                return Err(e.into());
            }
        };
        if !frame::close(&mut self.pending, start) {
            return Err(AppendError::TooLong);
        }
        (self.seq, self.hash, self.at) = (seq, hash, Some(stamped.at));
        self.last_call = self.last_call.max(stamped.event.call());
        Ok((seq, hash))
    }

    /// Writes `{"seq":…,<the event's members>,"hash":"…"}` behind the pending bytes.
    fn encode(&mut self, seq: u64, stamped: &Stamped) -> serde_json::Result<Hash> {
        let body = self.pending.len();
        self.pending.extend_from_slice(frame::RECORD_START);
        self.pending
            .extend_from_slice(itoa::Buffer::new().format(seq).as_bytes());
        let brace = self.pending.len();
        serde_json::to_writer(&mut self.pending, stamped)?;
        // The event's own braces: the first becomes the comma after `seq`, the seal has the last.
        if let Some(open) = self.pending.get_mut(brace) {
            *open = b',';
        }
        self.pending.pop();
        Ok(chain::seal(&mut self.pending, body, self.hash))
    }

    /// Writes all that was appended and waits for the disk, once. When it returns `Ok`, all of it
    /// is there to stay. See [`CommitError`] for the two ways in which it fails.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        if let Some(why) = &self.dead {
            return Err(CommitError::Dead(io::Error::other(why.clone())));
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Err(e) = self.tail.append(&self.pending) {
            self.take_back();
            return Err(match &self.dead {
                None => CommitError::Retry(e),
                Some(_) => CommitError::Dead(e),
            });
        }
        if let Err(e) = self.tail.sync() {
            self.dead = Some(format!("fsync failed: {e}"));
            return Err(CommitError::Dead(e));
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        self.mark();
        if self.length >= self.segment_bytes && self.dead.is_none() {
            self.roll();
        }
        Ok(())
    }

    /// Says in the segment that all before is on the disk. The mark itself need not be: without
    /// it the tail is only less sure to be whole.
    fn mark(&mut self) {
        let mark = frame::mark(self.seq);
        match self.tail.append(&mark) {
            Ok(()) => self.length += mark.len() as u64,
            Err(_) => self.take_back(),
        }
    }

    /// Cuts off what a failed write may have left, so that whole frames follow whole frames.
    fn take_back(&mut self) {
        if let Err(e) = self.tail.cut(self.length) {
            self.dead = Some(format!(
                "a half-written record could not be taken back: {e}"
            ));
        }
    }

    /// Begins the next segment. When that fails the present one goes on, and the next commit tries
    /// again.
    fn roll(&mut self) {
        // The last mark too: in a closed segment nothing may be torn.
        if let Err(e) = self.tail.sync() {
            self.dead = Some(format!("fsync failed: {e}"));
            return;
        }
        let number = self.segment + 1;
        let header = Header::new(number, self.seq + 1, self.at, self.last_call, self.hash);
        match open::create(&mut self.disk, &header, self.hash) {
            Ok((tail, length, hash)) => {
                (self.tail, self.length, self.hash) = (tail, length, hash);
                self.segment = number;
            }
            Err(e) => {
                tracing::warn!(segment = number, error = %e, "cannot begin a journal segment");
                self.forget_segment(number);
            }
        }
    }

    /// Removes a half-begun segment: a whole header in it would claim that this one is closed.
    fn forget_segment(&mut self, number: u64) {
        let removed = match self.disk.remove(&segment::name(number)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => self.disk.sync_folder(),
        };
        if let Err(e) = removed {
            self.dead = Some(format!("a half-begun segment could not be removed: {e}"));
        }
    }

    /// Sequence number of the last event taken in, committed or not.
    pub fn last_seq(&self) -> u64 {
        self.seq
    }

    /// Bytes that wait for a commit.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }
}
