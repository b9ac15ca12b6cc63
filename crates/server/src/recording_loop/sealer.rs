//! The thread that makes files durable: those that end within a blink, together.

use std::{fs::File, io, path::PathBuf, sync::Arc, sync::atomic::Ordering, thread, time::Duration};

use crossbeam::channel::Receiver;

use super::{RecordingReport, Shared, repair, writer::Finished};

/// Files that end within this time of each other wait for the disk together. Nobody waits for a
/// seal; a call's end does not.
const GATHER: Duration = Duration::from_millis(40);

/// From so many files on, the whole file system is asked once to write what it holds, which costs
/// a tenth of asking for each file; fewer are not worth disturbing others.
const TOGETHER_FROM: usize = 4;

/// What the thread owns.
pub(super) struct Sealer {
    pub(super) folder: PathBuf,
    pub(super) finished: Receiver<Finished>,
    pub(super) shared: Arc<Shared>,
}

impl Sealer {
    pub(super) fn run(self) {
        while let Ok(first) = self.finished.recv() {
            if !self.shared.stop.load(Ordering::Acquire) {
                thread::sleep(GATHER);
            }
            let gathered: Vec<_> = [first]
                .into_iter()
                .chain(self.finished.try_iter())
                .collect();
            let folder = self.sync_folder(gathered.len());
            let reports = gathered.into_iter().map(|finished| seal(finished, &folder));
            self.shared.report(reports);
        }
    }

    /// Waits until the names are on the disk, and where there are many files, their sound too.
    fn sync_folder(&self, files: usize) -> io::Result<()> {
        let folder = File::open(&self.folder)?;
        if files < TOGETHER_FROM {
            return folder.sync_all();
        }
        sync_together(&folder)
    }
}

/// Waits for all that the folder's file system holds, names included.
#[cfg(target_os = "linux")]
fn sync_together(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_together(folder: &File) -> io::Result<()> {
    folder.sync_all()
}

/// Waits until a file is on the disk, which it mostly is when many were synced together: then this
/// asks only whether it went well.
fn seal(finished: Finished, folder: &io::Result<()>) -> RecordingReport {
    let Finished {
        recording,
        file,
        ms,
        sha256,
        handle,
    } = finished;
    let named = match folder {
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    };
    let sealed = named.and_then(|()| handle.sync_data());
    match sealed.and_then(|()| sha256.map_or_else(|| repair::sha256_of_file(handle), Ok)) {
        Ok(sha256) => RecordingReport::Closed {
            recording,
            file,
            ms,
            sha256,
        },
        Err(error) => RecordingReport::Failed {
            recording,
            file,
            cause: error.to_string(),
        },
    }
}
