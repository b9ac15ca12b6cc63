//! Reading and verifying without writing; both work beside a live writer.

use std::path::{Path, PathBuf};

use hotline_model::{
    Timestamp,
    event::{Event, Stamped},
    guest::GuestName,
    privacy::Masked,
};
use serde::Serialize;

use super::{
    chain::Hash,
    error::{Broken, ReadError},
    frame::Frames,
    segment::{self, Header},
    walk::{Link, Torn, Walk, segments},
};

/// One event of the journal. Serialises as `{"seq", "at", "up_ms", "type", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Sequence number: 1, 2, 3 … without a gap.
    pub seq: u64,
    /// What happened, and when.
    #[serde(flatten)]
    pub stamped: Stamped,
    /// The chain's hash up to and including this record.
    #[serde(skip)]
    pub hash: Hash,
}

impl Record {
    /// The record as a list or a stream may show it: the citizen's number is masked, and left out
    /// where the citizen withheld it.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut record = self.clone();
        match &mut record.stamped.event {
            Event::CallArrived {
                caller,
                withheld: true,
                ..
            } => caller.clear(),
            Event::BlockProposed {
                number,
                withheld: true,
                ..
            } => number.clear(),
            Event::CallArrived { caller: number, .. }
            | Event::InviteRejected { caller: number, .. }
            | Event::CallDialled { called: number, .. }
            | Event::DialRejected { called: number, .. }
            | Event::CallbackRequested { number, .. }
            | Event::CallbackRestored { caller: number, .. }
            | Event::TrunkTried { called: number, .. }
            | Event::TaskAdded { number, .. }
            | Event::BlockProposed { number, .. } => *number = Masked(number).to_string(),
            Event::TalkTransferred { to, .. } | Event::TransferFailed { to, .. } => {
                if let Some(number) = GuestName::number_in(to) {
                    *to = GuestName::Outside(number.to_owned()).masked().to_string();
                }
            }
            Event::GuestCalled { guest, .. }
            | Event::GuestJoined { guest, .. }
            | Event::GuestModeChanged { guest, .. }
            | Event::GuestLeft { guest, .. }
            | Event::GuestSpoke { guest, .. }
            | Event::GuestSilent { guest, .. }
            | Event::SoundMeasured {
                guest: Some(guest), ..
            } => *guest = guest.masked(),
            _ => {}
        }
        record
    }

    fn parse(seq: u64, hash: Hash, payload: &[u8]) -> Result<Self, ReadError> {
        let stamped =
            serde_json::from_slice(payload).map_err(|source| ReadError::Event { seq, source })?;
        Ok(Self { seq, stamped, hash })
    }
}

/// Records in order. Ends at the end of what is whole; called again later, it goes on with what a
/// live writer has appended since. After an error it ends.
pub struct Records {
    walk: Walk,
    from: u64,
    failed: bool,
}

impl Records {
    pub(super) fn new(walk: Walk, from: u64) -> Self {
        Self {
            walk,
            from,
            failed: false,
        }
    }

    /// The unfinished end, when the last call came to it.
    pub fn torn(&self) -> Option<&Torn> {
        self.walk.torn()
    }

    fn step(&mut self) -> Result<Option<Record>, ReadError> {
        while let Some(link) = self.walk.advance()? {
            if matches!(link, Link::Record) && self.walk.seq() >= self.from {
                let (seq, hash) = (self.walk.seq(), self.walk.record_hash());
                return Record::parse(seq, hash, self.walk.payload()).map(Some);
            }
        }
        Ok(None)
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.step();
        self.failed = next.is_err();
        next.transpose()
    }
}

/// The records of the journal in `dir` from `from_seq` on; the segments before are not looked at.
pub fn read(dir: &Path, from_seq: u64) -> Result<Records, ReadError> {
    let number = last_segment_where(dir, |header| header.first_seq <= from_seq)?;
    Ok(Records::new(Walk::from_segment(dir, number)?, from_seq))
}

/// The records of the journal in `dir` from about `since` on: whole segments, so earlier ones may
/// come too. None later is missing while the wall clock was not set back across a segment.
pub fn read_since(dir: &Path, since: Timestamp) -> Result<Records, ReadError> {
    let number = last_segment_where(dir, |header| header.at.is_none_or(|at| at < since))?;
    Ok(Records::new(Walk::from_segment(dir, number)?, 0))
}

/// The last segment whose header is so; the first segment when none is.
pub(super) fn last_segment_where(
    dir: &Path,
    is: impl Fn(&Header) -> bool,
) -> Result<u64, ReadError> {
    for number in segments(dir)?.into_iter().rev() {
        let path = dir.join(segment::name(number));
        let mut frames = Frames::open(&path).map_err(|source| ReadError::Io { path, source })?;
        // A torn or wrong header is not judged here, but by the walk that comes to it.
        if let Ok(true) = frames.advance()
            && let Ok((header, ..)) = Header::parse(frames.payload())
            && is(&header)
        {
            return Ok(number);
        }
    }
    Ok(1)
}

/// A whole journal that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records.
    pub records: u64,
    /// Sequence number of the last; 0 when there is none.
    pub last_seq: u64,
    /// Its hash. Kept elsewhere, it later proves that nothing up to here was changed
    /// or cut off: see [`verify_against`].
    pub last_hash: Hash,
    /// An unfinished end, which is no break: the next opening cuts it.
    pub torn: Option<Torn>,
}

/// Checks each byte of the journal in `dir`. Finds each changed, removed, added or reordered
/// record; it cannot find that the newest records were cut off, or that somebody rewrote the chain
/// to its end: for that, a hash kept elsewhere is needed ([`verify_against`]).
pub fn verify(dir: &Path) -> Result<Verified, Broken> {
    verify_against(dir, None)
}

/// The same; and when `known` names a record and its hash from an earlier [`verify`], that record
/// must still be there and have this hash.
pub fn verify_against(dir: &Path, known: Option<(u64, Hash)>) -> Result<Verified, Broken> {
    let mut walk = Walk::whole(dir).map_err(|e| broken(dir, e))?;
    let mut held = known.is_none_or(|(seq, _)| seq == 0);
    while let Some(link) = walk.advance().map_err(|e| broken(dir, e))? {
        let Some((seq, hash)) = known.filter(|k| k.0 == walk.seq() && matches!(link, Link::Record))
        else {
            continue;
        };
        if hash != walk.record_hash() {
            return Err(at(&walk, seq, "the record is not the one that was known"));
        }
        held = true;
    }
    if !held {
        let due = known.map_or(0, |(seq, _)| seq);
        return Err(at(
            &walk,
            due,
            "the journal ends before a record that was known",
        ));
    }
    Ok(Verified {
        records: walk.seq(),
        last_seq: walk.seq(),
        last_hash: walk.record_hash(),
        torn: walk.torn().cloned(),
    })
}

fn at(walk: &Walk, seq: u64, what: &str) -> Broken {
    Broken {
        segment: segment::name(walk.segment()),
        offset: walk.offset(),
        seq,
        what: what.into(),
    }
}

/// To an auditor a journal that cannot be read is as bad as a broken one.
fn broken(dir: &Path, error: ReadError) -> Broken {
    let unreadable = |path: PathBuf, source: &dyn core::fmt::Display| Broken {
        segment: path.display().to_string(),
        offset: 0,
        seq: 0,
        what: format!("cannot be read: {source}"),
    };
    match error {
        ReadError::Broken(broken) => broken,
        ReadError::Io { path, source } => unreadable(path, &source),
        ReadError::Event { source, .. } => unreadable(dir.into(), &source),
    }
}
