//! `hotline audit`: is the journal what was written?

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hotline_model::event::Event;
use hotline_store::journal;

use super::Failure;
use crate::recording_loop;

/// See the module.
#[derive(Subcommand)]
pub enum Audit {
    /// Check every record of the journal against its hash chain.
    #[command(
        after_help = "Example:\n  hotline audit verify --data data\n  hotline audit verify --recordings"
    )]
    Verify(Verify),
}

/// See [`Audit::Verify`].
#[derive(Args)]
pub struct Verify {
    /// Data folder of the engine.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Check each recording against the SHA-256 in the journal, too. Encrypted ones need no key.
    #[arg(long)]
    recordings: bool,
}

impl Audit {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Verify(Verify { data, recordings }) = self;
        let folder = data.join("journal");
        match journal::verify(&folder) {
            Ok(verified) => {
                println!(
                    "{}: {} records, last number {}, last hash {}: unbroken",
                    folder.display(),
                    verified.records,
                    verified.last_seq,
                    verified.last_hash
                );
                if recordings {
                    return verify_recordings(&data);
                }
                Ok(())
            }
            Err(broken) => Err(Failure::world(format!("{}: {broken}", folder.display()))),
        }
    }
}

/// Every recording that the journal closed is there, and is what was closed.
fn verify_recordings(data: &Path) -> Result<(), Failure> {
    let (mut good, mut bad) = (0u64, 0u64);
    for record in journal::read(&data.join("journal"), 1).map_err(Failure::world)? {
        let record = record.map_err(Failure::world)?;
        let (Event::RecordingClosed { file, sha256, .. } | Event::MessageLeft { file, sha256, .. }) =
            record.stamped.event
        else {
            continue;
        };
        let path = data.join("recordings").join(&file);
        match recording_loop::sha256(&path) {
            Ok(found) if found == sha256 => good += 1,
            Ok(_) => {
                bad += 1;
                println!("{}: is not what was recorded", path.display());
            }
            Err(error) => {
                bad += 1;
                println!("{}: {error}", path.display());
            }
        }
    }
    println!("{good} recordings are what was recorded, {bad} are not");
    if bad == 0 {
        return Ok(());
    }
    Err(Failure::world(format!(
        "{bad} recordings are missing or changed"
    )))
}
