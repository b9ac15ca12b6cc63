//! The thread that makes files durable.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crossbeam::channel::Receiver;

use super::{RecordingReport, Shared, repair::sha256, writer::Finished};

/// The thread that makes files durable.
pub(super) struct Sealer {
    pub(super) folder: PathBuf,
    pub(super) finished: Receiver<Finished>,
    pub(super) shared: Arc<Shared>,
}

impl Sealer {
    pub(super) fn run(self) {
        for Finished {
            recording,
            file,
            ms,
        } in &self.finished
        {
            let sealed = sync(&self.folder, &file).and_then(|()| sha256(&self.folder.join(&file)));
            self.shared.report(match sealed {
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
            });
        }
    }
}

/// Waits until the file and its name are on the disk.
fn sync(folder: &Path, file: &str) -> io::Result<()> {
    File::open(folder.join(file))?.sync_all()?;
    File::open(folder)?.sync_all()
}
