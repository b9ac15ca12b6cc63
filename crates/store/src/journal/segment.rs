//! Segments: their file names, and the header that joins each to the one before.

use std::{fs, io, path::Path};

use hotline_model::{CallId, Timestamp, event::EVENT_VERSION};
use serde::{Deserialize, Serialize};

use super::{
    chain::{self, Hash},
    frame::{self, HEADER_START},
};

/// Version of the file format described in this module's parent.
pub const FORMAT: u32 = 1;

const SUFFIX: &str = ".journal";

/// File name of segment `number`.
pub(super) fn name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}

/// Numbers of the segments in `dir`, ascending.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file = entry?.file_name();
        let number = file
            .to_str()
            .and_then(|file| file.strip_suffix(SUFFIX)?.parse().ok());
        // Only the one spelling: `1.journal` is somebody's own file.
        if let Some(number) = number.filter(|&n| file.to_str() == Some(&name(n))) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// First frame of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) magic: String,
    pub(super) format: u32,
    pub(super) events: u32,
    pub(super) segment: u64,
    pub(super) first_seq: u64,
    /// Time of the last record before this segment, to find a time without reading everything.
    pub(super) at: Option<Timestamp>,
    /// Highest call id before this segment, so that no id is given twice.
    pub(super) last_call: Option<CallId>,
    pub(super) prev: String,
}

impl Header {
    pub(super) fn new(
        segment: u64,
        first_seq: u64,
        at: Option<Timestamp>,
        last_call: Option<CallId>,
        prev: Hash,
    ) -> Self {
        Self {
            magic: "hotline-journal".into(),
            format: FORMAT,
            events: EVENT_VERSION,
            segment,
            first_seq,
            at,
            last_call,
            prev: prev.to_string(),
        }
    }

    /// The frame, and the hash that goes on from it.
    pub(super) fn frame(&self, prev: Hash) -> serde_json::Result<(Vec<u8>, Hash)> {
        let mut bytes = Vec::with_capacity(512);
        let start = frame::begin(&mut bytes);
        let body = bytes.len();
        serde_json::to_writer(&mut bytes, self)?;
        // The seal closes the object.
        bytes.pop();
        let hash = chain::seal(&mut bytes, body, prev);
        // A header has under 400 bytes.
        let _fits = frame::close(&mut bytes, start);
        Ok((bytes, hash))
    }

    /// Reads a header's payload and checks it by itself; returns the hash before it and its own.
    pub(super) fn parse(payload: &[u8]) -> Result<(Self, Hash, Hash), String> {
        if !payload.starts_with(HEADER_START) {
            return Err("the segment does not begin with a header".into());
        }
        let (body, claimed) = chain::unseal(payload).ok_or("the header has no hash")?;
        let header: Self = serde_json::from_slice(payload)
            .map_err(|e| format!("the header is unreadable: {e}"))?;
        if header.format != FORMAT {
            return Err(format!(
                "the format is {}, this engine knows {FORMAT}",
                header.format
            ));
        }
        if header.events > EVENT_VERSION {
            return Err(format!(
                "the events have version {}, this engine knows {EVENT_VERSION}",
                header.events
            ));
        }
        let prev: Hash = header.prev.parse().map_err(|e| format!("`prev`: {e}"))?;
        if prev.follow(body) != claimed {
            return Err("the header was changed: its hash does not fit".into());
        }
        Ok((header, prev, claimed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let prev = Hash::START.follow(b"x");
        let header = Header::new(3, 17, Some(Timestamp(5)), Some(CallId(9)), prev);
        let (frame, hash) = header.frame(prev).unwrap();
        let payload = &frame[frame::HEAD_BYTES..];
        assert_eq!(Header::parse(payload), Ok((header, prev, hash)));
        let text = String::from_utf8(payload.to_vec()).unwrap();
        let changed = text.replace("\"first_seq\":17", "\"first_seq\":18");
        assert!(Header::parse(changed.as_bytes()).is_err());
    }

    #[test]
    fn only_segments_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "00000002.journal",
            "00000001.journal",
            "3.journal",
            "lock",
            "00000001.journal.torn",
        ] {
            fs::write(dir.path().join(file), b"").unwrap();
        }
        assert_eq!(list(dir.path()).unwrap(), [1, 2]);
    }
}
