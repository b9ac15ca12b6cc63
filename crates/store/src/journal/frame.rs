//! Frames: `length u32 LE · crc32 u32 LE · payload`. The checksum covers the length too, so that a
//! stretch of zeros is not a frame.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::{fs::File, path::Path};

use hotline_model::limits::JOURNAL_RECORD_BYTES;

/// Bytes before a frame's payload.
pub(super) const HEAD_BYTES: usize = 8;

/// Starts of the three kinds of payload.
pub(super) const HEADER_START: &[u8] = br#"{"magic":"hotline-journal","#;
pub(super) const RECORD_START: &[u8] = br#"{"seq":"#;
pub(super) const MARK_START: &[u8] = br#"{"synced":"#;

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length);
    crc.update(payload);
    crc.finalize()
}

/// Appends an empty head; [`close`] fills it in when the payload stands behind it.
pub(super) fn begin(buffer: &mut Vec<u8>) -> usize {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEAD_BYTES]);
    start
}

/// Fills in the head at `start`. `false`: the payload is too long, and the frame was taken back.
#[must_use]
pub(super) fn close(buffer: &mut Vec<u8>, start: usize) -> bool {
    let payload = buffer.get(start + HEAD_BYTES..).unwrap_or_default();
    let Some(length) = (payload.len() <= JOURNAL_RECORD_BYTES)
        .then(|| u32::try_from(payload.len()).ok())
        .flatten()
    else {
        buffer.truncate(start);
        return false;
    };
    let length = length.to_le_bytes();
    let crc = checksum(length, payload).to_le_bytes();
    if let Some(head) = buffer.get_mut(start..start + HEAD_BYTES) {
        let (a, b) = head.split_at_mut(4);
        a.copy_from_slice(&length);
        b.copy_from_slice(&crc);
    }
    true
}

/// The frame that says that all records up to `seq` were on the disk when it was written.
pub(super) fn mark(seq: u64) -> Vec<u8> {
    let mut frame = Vec::with_capacity(40);
    let start = begin(&mut frame);
    frame.extend_from_slice(format!("{{\"synced\":{seq}}}").as_bytes());
    // A mark has at most 31 bytes.
    let _fits = close(&mut frame, start);
    frame
}

/// The number in a mark's payload.
pub(super) fn mark_seq(payload: &[u8]) -> Option<u64> {
    number(payload.strip_prefix(MARK_START)?.strip_suffix(b"}")?)
}

/// A decimal number in its one spelling: no sign, no leading zero.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &b| match b {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

/// Why no whole frame stands where one should.
#[derive(Debug)]
pub(super) enum Flaw {
    /// Bytes are missing or do not fit their checksum: what a killed writer leaves at the end.
    Torn(&'static str),
    /// The disk does not let us read.
    Io(io::Error),
}

/// Reads a segment's frames one after the other.
pub(super) struct Frames {
    file: BufReader<File>,
    offset: u64,
    payload: Vec<u8>,
}

impl Frames {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufReader::with_capacity(256 << 10, File::open(path)?),
            offset: 0,
            payload: Vec::new(),
        })
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The payload read last.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Reads the next frame; `false` at the end of the file. After a flaw the position is still
    /// the frame's start, and reading can be tried again.
    pub(super) fn advance(&mut self) -> Result<bool, Flaw> {
        let result = self.read_frame();
        match result {
            Ok(true) => {
                self.offset += (HEAD_BYTES + self.payload.len()) as u64;
            }
            // A live journal grows: forget what was buffered behind the last whole frame.
            _ => {
                self.file
                    .seek(SeekFrom::Start(self.offset))
                    .map_err(Flaw::Io)?;
            }
        }
        result
    }

    fn read_frame(&mut self) -> Result<bool, Flaw> {
        if self.file.fill_buf().map_err(Flaw::Io)?.is_empty() {
            return Ok(false);
        }
        let mut length = [0; 4];
        let mut crc = [0; 4];
        fill(&mut self.file, &mut length)?;
        fill(&mut self.file, &mut crc)?;
        let size = u32::from_le_bytes(length) as usize;
        if size > JOURNAL_RECORD_BYTES {
            return Err(Flaw::Torn("the length is impossible"));
        }
        self.payload.resize(size, 0);
        fill(&mut self.file, &mut self.payload)?;
        if checksum(length, &self.payload) != u32::from_le_bytes(crc) {
            return Err(Flaw::Torn("the checksum does not fit"));
        }
        Ok(true)
    }
}

fn fill(file: &mut impl Read, bytes: &mut [u8]) -> Result<(), Flaw> {
    file.read_exact(bytes).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => Flaw::Torn("the file ends inside"),
        _ => Flaw::Io(e),
    })
}

/// The highest number of the whole marks in `bytes`, wherever they stand.
pub(super) fn highest_mark(bytes: &[u8]) -> Option<u64> {
    let mut highest = None;
    let mut from = 0;
    while let Some(at) = find(bytes, MARK_START, from) {
        from = at + 1;
        let Some(head) = at.checked_sub(HEAD_BYTES).and_then(|h| bytes.get(h..at)) else {
            continue;
        };
        let (length, crc) = head.split_at(4);
        let (Ok(length), Ok(crc)) = (<[u8; 4]>::try_from(length), <[u8; 4]>::try_from(crc)) else {
            continue;
        };
        let Some(payload) = at
            .checked_add(u32::from_le_bytes(length) as usize)
            .and_then(|end| bytes.get(at..end))
        else {
            continue;
        };
        if checksum(length, payload) == u32::from_le_bytes(crc) {
            highest = highest.max(mark_seq(payload));
        }
    }
    highest
}

fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let found = bytes
        .get(from..)?
        .windows(needle.len())
        .position(|window| window == needle)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_garbage() {
        let mut bytes = b"\0\x01garbage{\"synced\":999}".to_vec();
        bytes.extend(mark(17));
        bytes.extend(b"\xff\xff");
        assert_eq!(highest_mark(&bytes), Some(17));
        for i in 0..mark(17).len() {
            let mut damaged = mark(17);
            damaged[i] ^= 1;
            assert_eq!(highest_mark(&damaged), None, "byte {i}");
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [&b""[..], b"01", b"+1", b"18446744073709551616", b"1 "] {
            assert_eq!(number(wrong), None);
        }
    }

    #[test]
    fn zeros_are_not_a_frame() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zeros");
        std::fs::write(&path, [0; 64]).unwrap();
        assert!(matches!(
            Frames::open(&path).unwrap().advance(),
            Err(Flaw::Torn(_))
        ));
    }

    #[test]
    fn a_payload_beyond_the_limit_is_taken_back() {
        let mut buffer = b"before".to_vec();
        let start = begin(&mut buffer);
        buffer.resize(start + HEAD_BYTES + JOURNAL_RECORD_BYTES + 1, b'x');
        assert!(!close(&mut buffer, start));
        assert_eq!(buffer, b"before");
    }
}
