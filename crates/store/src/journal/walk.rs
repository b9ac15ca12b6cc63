//! The way along the chain, link by link, across segments. Reading, verifying and opening are this
//! one walk, so that they agree on what is good.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    chain::{self, Hash},
    error::{Broken, ReadError},
    frame::{self, Flaw, Frames, RECORD_START},
    segment::{self, Header},
};

/// The unfinished end of a journal whose writer was killed or still writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// File name of the segment.
    pub segment: String,
    /// Byte offset where the whole frames end.
    pub offset: u64,
    /// Bytes from there to the end of the file.
    pub bytes: u64,
    /// Why the next frame is not whole.
    pub what: String,
    /// The file that keeps these bytes, once they were cut.
    pub kept: Option<PathBuf>,
}

/// One link, as it was passed.
#[derive(Debug)]
pub(super) enum Link {
    /// The header of a segment.
    Header(Header),
    /// A record; its bytes are [`Walk::payload`].
    Record,
    /// A commit mark.
    Mark,
}

/// A walk along the chain.
pub(super) struct Walk {
    dir: PathBuf,
    number: u64,
    frames: Option<Frames>,
    seq: u64,
    hash: Hash,
    record_hash: Hash,
    /// The hash of the walk's first header is taken as given when it begins in the middle.
    trusting: bool,
    torn: Option<Torn>,
}

/// What stands behind a segment.
enum After {
    Nothing,
    /// A segment whose header is whole.
    Segment,
    /// A file that never got its header.
    Headless,
}

impl Walk {
    /// From the first segment. Refuses a folder with a hole in its numbers.
    pub(super) fn whole(dir: &Path) -> Result<Self, ReadError> {
        Self::from_segment(dir, 1)
    }

    /// From segment `number`, trusting its header for what came before.
    pub(super) fn from_segment(dir: &Path, number: u64) -> Result<Self, ReadError> {
        let numbers = segments(dir)?;
        let mut walk = Self {
            dir: dir.into(),
            number,
            frames: None,
            seq: 0,
            hash: Hash::START,
            record_hash: Hash::START,
            trusting: number > 1,
            torn: None,
        };
        if numbers.contains(&number) {
            walk.open_segment(number)?;
        }
        Ok(walk)
    }

    /// Sequence number of the last record passed.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Hash of the last link passed, a header's too: the next link continues it.
    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    /// Hash of the last record passed.
    pub(super) fn record_hash(&self) -> Hash {
        self.record_hash
    }

    /// Number of the segment under way; 0 in a folder without any.
    pub(super) fn segment(&self) -> u64 {
        self.frames.as_ref().map_or(0, |_| self.number)
    }

    /// Length of the whole frames of the segment under way.
    pub(super) fn offset(&self) -> u64 {
        self.frames.as_ref().map_or(0, Frames::offset)
    }

    /// The bytes of the link passed last.
    pub(super) fn payload(&self) -> &[u8] {
        self.frames.as_ref().map_or(&[], Frames::payload)
    }

    /// The unfinished end, once the walk came to it.
    pub(super) fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// Passes the next link; `None` at the end of what is whole. At the end of a live journal it
    /// can be called again later.
    pub(super) fn advance(&mut self) -> Result<Option<Link>, ReadError> {
        self.torn = None;
        loop {
            let Some(frames) = self.frames.as_mut() else {
                return Ok(None);
            };
            let first = frames.offset() == 0;
            match frames.advance() {
                Ok(true) => return self.follow(first).map(Some),
                Ok(false) if first => return self.stop_at_tear("the header is missing"),
                Ok(false) => match self.after()? {
                    After::Nothing => return Ok(None),
                    After::Segment | After::Headless => self.open_segment(self.number + 1)?,
                },
                Err(Flaw::Torn(what)) => return self.stop_at_tear(what),
                Err(Flaw::Io(e)) => return Err(self.unreadable(e)),
            }
        }
    }

    /// Ends the walk at a torn frame, if it is nothing worse.
    fn stop_at_tear(&mut self, what: &'static str) -> Result<Option<Link>, ReadError> {
        if matches!(self.after()?, After::Segment) {
            return Err(self.broken(what));
        }
        let path = self.path(self.number);
        let rest = tail(&path, self.offset()).map_err(|e| self.unreadable(e))?;
        let headless = self.path(self.number + 1);
        let beyond = tail(&headless, 0)
            .or_else(absent)
            .map_err(|e| self.unreadable(e))?;
        let marked = frame::highest_mark(&rest).max(frame::highest_mark(&beyond));
        if marked.is_none_or(|seq| seq <= self.seq) {
            self.torn = Some(Torn {
                segment: segment::name(self.number),
                offset: self.offset(),
                bytes: rest.len() as u64,
                what: what.into(),
                kept: None,
            });
            return Ok(None);
        }
        // Records were on the disk behind the damage. Either they are lost, or a live writer has
        // finished the frame since we looked: then it is whole now.
        let first = self.offset() == 0;
        match self.frames.as_mut().map(Frames::advance) {
            Some(Ok(true)) => self.follow(first).map(Some),
            _ => Err(self.broken(what)),
        }
    }

    /// Checks the frame just read as the next link of the chain.
    fn follow(&mut self, first: bool) -> Result<Link, ReadError> {
        let link = match (first, self.payload()) {
            (true, payload) => self.follow_header(payload),
            (false, payload) if payload.starts_with(RECORD_START) => self.follow_record(payload),
            (false, payload) => match frame::mark_seq(payload) {
                Some(seq) if seq == self.seq => Ok((Link::Mark, self.seq, self.hash)),
                Some(seq) => Err(format!("a commit mark for record {seq} stands here")),
                None => Err("the frame is neither a record nor a commit mark".into()),
            },
        };
        match link {
            Ok((link, seq, hash)) => {
                (self.seq, self.hash, self.trusting) = (seq, hash, false);
                if matches!(link, Link::Record) {
                    self.record_hash = hash;
                }
                Ok(link)
            }
            Err(what) => Err(self.broken_before(&what)),
        }
    }

    fn follow_header(&self, payload: &[u8]) -> Result<(Link, u64, Hash), String> {
        let (header, prev, hash) = Header::parse(payload)?;
        if header.segment != self.number {
            return Err(format!("this is the header of segment {}", header.segment));
        }
        let seq = header.first_seq.checked_sub(1).ok_or("`first_seq` is 0")?;
        if !self.trusting && (seq, prev) != (self.seq, self.hash) {
            return Err("the segment does not continue the one before".into());
        }
        Ok((Link::Header(header), seq, hash))
    }

    fn follow_record(&self, payload: &[u8]) -> Result<(Link, u64, Hash), String> {
        let (body, claimed) = chain::unseal(payload).ok_or("the record has no hash")?;
        let seq = record_seq(payload).ok_or("the record has no number")?;
        if seq != self.seq + 1 {
            return Err(format!("record {seq} stands here"));
        }
        if self.hash.follow(body) != claimed {
            return Err("the record was changed: its hash does not fit".into());
        }
        Ok((Link::Record, seq, claimed))
    }

    fn after(&self) -> Result<After, ReadError> {
        let path = self.path(self.number + 1);
        match Frames::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(After::Nothing),
            Err(source) => Err(ReadError::Io { path, source }),
            Ok(mut frames) => match frames.advance() {
                Ok(true) => Ok(After::Segment),
                Ok(false) | Err(Flaw::Torn(_)) => Ok(After::Headless),
                Err(Flaw::Io(source)) => Err(ReadError::Io { path, source }),
            },
        }
    }

    fn open_segment(&mut self, number: u64) -> Result<(), ReadError> {
        let path = self.path(number);
        let frames = Frames::open(&path).map_err(|source| ReadError::Io { path, source })?;
        (self.number, self.frames) = (number, Some(frames));
        Ok(())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(segment::name(number))
    }

    fn unreadable(&self, source: io::Error) -> ReadError {
        ReadError::Io {
            path: self.path(self.number),
            source,
        }
    }

    fn broken(&self, what: &str) -> ReadError {
        self.broken_at(self.offset(), what)
    }

    /// The same for the frame that was just read.
    fn broken_before(&self, what: &str) -> ReadError {
        let frame = (frame::HEAD_BYTES + self.payload().len()) as u64;
        self.broken_at(self.offset().saturating_sub(frame), what)
    }

    fn broken_at(&self, offset: u64, what: &str) -> ReadError {
        ReadError::Broken(Broken {
            segment: segment::name(self.number),
            offset,
            seq: self.seq + 1,
            what: what.into(),
        })
    }
}

/// The number of a record's payload.
pub(super) fn record_seq(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(RECORD_START)?;
    let end = rest.iter().position(|&b| b == b',')?;
    frame::number(rest.get(..end)?)
}

/// The numbers of the segments: 1, 2, 3 … without a hole.
pub(super) fn segments(dir: &Path) -> Result<Vec<u64>, ReadError> {
    let numbers = segment::list(dir).map_err(|source| ReadError::Io {
        path: dir.into(),
        source,
    })?;
    for (expected, &number) in (1..).zip(&numbers) {
        if number != expected {
            return Err(ReadError::Broken(Broken {
                segment: segment::name(expected),
                offset: 0,
                seq: 0,
                what: "the segment is missing".into(),
            }));
        }
    }
    Ok(numbers)
}

/// The bytes of a file from `offset` on.
fn tail(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn absent(error: io::Error) -> io::Result<Vec<u8>> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(error),
    }
}

/// Copies the bytes from `offset` on into a new file beside the segment, for a person to look at.
pub(super) fn copy_aside(dir: &Path, torn: &Torn) -> io::Result<PathBuf> {
    let mut bytes = io::Cursor::new(tail(&dir.join(&torn.segment), torn.offset)?);
    for copy in 0u32.. {
        let dot = if copy == 0 {
            String::new()
        } else {
            format!(".{copy}")
        };
        let path = dir.join(format!("{}.{}{dot}.torn", torn.segment, torn.offset));
        match super::disk::private().create_new(true).open(&path) {
            Ok(mut file) => {
                io::copy(&mut bytes, &mut file)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("no free file name"))
}
