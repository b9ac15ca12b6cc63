//! What can be wrong with a journal, and whose turn it is then.

use std::{io, path::PathBuf};

use hotline_model::limits::JOURNAL_RECORD_BYTES;

use super::PENDING_BYTES;

/// Where and how the chain is broken. This is no torn tail: records that were on the disk are
/// changed or gone, and a person has to decide (restore a copy, or set the folder aside).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal is broken in {segment} at byte {offset}, where record {seq} is due: {what}")]
pub struct Broken {
    /// File name of the segment.
    pub segment: String,
    /// Byte offset of the first bad frame.
    pub offset: u64,
    /// Sequence number of the record that is due there.
    pub seq: u64,
    /// What is wrong, in a few words.
    pub what: String,
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The chain is broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The folder or a segment cannot be read.
    #[error("the journal cannot be read at {}: {source}", path.display())]
    Io {
        /// Folder or file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The record is whole, but this engine does not know its event.
    #[error("record {seq} of the journal is not an event this engine knows: {source}")]
    Event {
        /// Its sequence number.
        seq: u64,
        /// What the decoder says.
        source: serde_json::Error,
    },
}

/// Why a journal cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine holds the folder's lock.
    #[error("another engine writes the journal in {}", .0.display())]
    Locked(PathBuf),
    /// The chain is broken, and not by a torn tail.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The folder or a file in it cannot be read or written.
    #[error("the journal cannot be opened at {}: {source}", path.display())]
    Io {
        /// Folder or file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Broken(broken) => Self::Broken(broken),
            ReadError::Io { path, source } => Self::Io { path, source },
            ReadError::Event { seq, source } => Self::Io {
                path: PathBuf::from(format!("record {seq}")),
                source: source.into(),
            },
        }
    }
}

/// Why an event was not taken in. The journal is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The record would be longer than [`JOURNAL_RECORD_BYTES`].
    #[error("an event of more than {JOURNAL_RECORD_BYTES} bytes is not recorded")]
    TooLong,
    /// [`PENDING_BYTES`] wait for a commit already.
    #[error("{PENDING_BYTES} bytes wait to be committed")]
    Full,
    /// The event has no JSON form.
    #[error("the event cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Why a commit failed. In no case is anything acknowledged that is not on the disk.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written and nothing is lost (disk full): the same records are written by the
    /// next commit.
    #[error("the journal could not be written and will be tried again: {0}")]
    Retry(#[source] io::Error),
    /// The disk failed in a way that leaves its content unknown (a failed fsync may have dropped
    /// what it did not write). No further commit succeeds; opening anew finds what is there.
    #[error("the journal's disk failed, the engine has to start anew: {0}")]
    Dead(#[source] io::Error),
}
