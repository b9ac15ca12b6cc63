//! Journal and folds together, for the one thread that writes.
//!
//! The loop around it takes what waits, appends it, commits once, and passes on what came back:
//! nothing is shown to anybody before it is on the disk.
//!
//! ```no_run
//! # use hotline_store::{Writer, journal::{CommitError, Settings}};
//! # fn next_events() -> Vec<hotline_model::event::Stamped> { Vec::new() }
//! # fn show(_: &[hotline_store::Record]) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut writer, start) = Writer::open("data/journal".as_ref(), &Settings::default(), 480)?;
//! // start.left: what the last run left unfinished
//! loop {
//!     for event in next_events() {
//!         writer.append(event).map_err(|(error, _)| error)?;
//!     }
//!     match writer.commit() {
//!         Ok(records) => show(&records),
//!         Err(CommitError::Retry(_)) => {} // disk full: kept, and tried again next turn
//!         Err(dead) => return Err(dead.into()),
//!     }
//! }
//! # }
//! ```

use std::path::Path;

use hotline_model::{Timestamp, event::Stamped};

use crate::{
    Folds, Journal, Record, Recovery,
    journal::{AppendError, CommitError, Disk, Folder, OpenError, ReadError, Settings, read_since},
    recover::{Leftover, Remains},
};

/// How far back a start reads, ms: the rolling window of 24 hours, and as much again so that calls
/// of a whole day that never ended are found too.
const LOOK_BACK_MS: i64 = 2 * 86_400_000;

/// The journal and the folds that follow it.
pub struct Writer<D: Disk = Folder> {
    journal: Journal<D>,
    folds: Folds,
    /// Appended and not committed.
    pending: Vec<Record>,
}

/// What was found at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The journal's state.
    pub recovery: Recovery,
    /// What earlier runs left unfinished; append [`Unfinished::ended`] for each call.
    ///
    /// [`Unfinished::ended`]: crate::recover::Unfinished::ended
    pub left: Leftover,
}

/// Why the writer could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Writer {
    /// Opens the journal in `dir` and lets the folds catch up with its last two days.
    /// `offset_minutes`: local time east of UTC (China: 480).
    pub fn open(
        dir: &Path,
        settings: &Settings,
        offset_minutes: i32,
    ) -> Result<(Self, Start), StartError> {
        Writer::open_on(Folder::new(dir), dir, settings, offset_minutes)
    }
}

impl<D: Disk> Writer<D> {
    /// The same on another disk, whose files are read in `dir`.
    pub fn open_on(
        disk: D,
        dir: &Path,
        settings: &Settings,
        offset_minutes: i32,
    ) -> Result<(Self, Start), StartError> {
        let (journal, recovery) = Journal::open_on(disk, dir, settings)?;
        let mut folds = Folds::new(offset_minutes);
        let mut remains = Remains::default();
        let since = recovery.last_at.unwrap_or_default().0;
        for record in read_since(dir, Timestamp(since.saturating_sub(LOOK_BACK_MS)))? {
            let record = record?;
            folds.apply(&record);
            remains.apply(&record);
        }
        let mut left = remains.leftover();
        left.last_call = left.last_call.max(recovery.last_call);
        let writer = Self {
            journal,
            folds,
            pending: Vec::new(),
        };
        Ok((writer, Start { recovery, left }))
    }

    /// Takes an event in and returns its sequence number. It shows nowhere before
    /// [`Self::commit`].
    ///
    /// # Errors
    /// The event comes back beside the reason: after [`AppendError::Full`] it can be tried again.
    pub fn append(&mut self, stamped: Stamped) -> Result<u64, (AppendError, Box<Stamped>)> {
        match self.journal.link(&stamped) {
            Ok((seq, hash)) => {
                self.pending.push(Record { seq, stamped, hash });
                Ok(seq)
            }
            Err(error) => Err((error, Box::new(stamped))),
        }
    }

    /// Waits for the disk once for all that was appended; then the folds follow, and the records
    /// come back for streams and tables. On [`CommitError::Retry`] all is kept: call again.
    pub fn commit(&mut self) -> Result<Vec<Record>, CommitError> {
        self.journal.commit()?;
        for record in &self.pending {
            self.folds.apply(record);
        }
        Ok(core::mem::take(&mut self.pending))
    }

    /// The folds, up to the last commit.
    pub fn folds(&self) -> &Folds {
        &self.folds
    }

    /// Events that wait for a commit.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::{CallId, event::Event};

    use super::*;
    use crate::samples::{NOON, arrived, stamped, story};

    fn open(dir: &Path) -> (Writer, Start) {
        Writer::open(dir, &Settings::default(), 480).unwrap()
    }

    #[test]
    fn nothing_shows_before_it_is_committed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, start) = open(dir.path());
        assert_eq!(start.left, Leftover::default());
        assert_eq!(writer.append(stamped(1, arrived(1))).unwrap(), 1);
        assert_eq!(writer.append(stamped(2, arrived(2))).unwrap(), 2);
        assert_eq!(
            (writer.pending(), writer.folds().live_calls(0).len()),
            (2, 0)
        );
        let records = writer.commit().unwrap();
        assert_eq!(records.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(
            (writer.pending(), writer.folds().live_calls(0).len()),
            (0, 2)
        );
        assert_eq!(writer.commit().unwrap(), []);
    }

    #[test]
    fn qpanel_113_a_start_finishes_what_the_last_run_left_and_figures_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, _) = open(dir.path());
        let mut seq = 0;
        for event in story(1).into_iter().chain(story(2).into_iter().take(13)) {
            seq = writer.append(stamped(seq + 1, event)).unwrap();
        }
        writer.commit().unwrap();
        drop(writer);

        let (mut writer, start) = open(dir.path());
        assert_eq!(start.recovery.records, 32);
        assert_eq!(start.left.last_call, Some(CallId(2)));
        assert_eq!(start.left.recordings.len(), 1);
        let totals = writer.folds().totals(Timestamp(NOON + 60_000));
        assert_eq!(
            (totals.inbound, totals.answered, totals.satisfied),
            (2, 2, 1)
        );
        let version = "0.1.0".into();
        writer
            .append(stamped(33, Event::EngineStarted { version }))
            .unwrap();
        for call in &start.left.calls {
            writer.append(stamped(34, call.ended())).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(writer.folds().live_calls(0), []);
        drop(writer);
        assert_eq!(open(dir.path()).1.left.calls, []);
    }
}
