//! `hotline audit`: is the journal what was written?

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hotline_model::{event::Event, shift::Day};
use hotline_store::journal;

use super::{Failure, load};
use crate::{
    figures, recording_loop,
    reload::roll::{BoardOrder, Roll},
    signalling_loop::wall_clock,
};

/// See the module.
#[derive(Subcommand)]
pub enum Audit {
    /// Check every record of the journal against its hash chain.
    #[command(
        after_help = "Example:\n  hotline audit verify --data data\n  hotline audit verify --recordings"
    )]
    Verify(Verify),
    /// Make the figures of a day again from the journal alone: adherence to the shifts, those by
    /// contractor, and how the calls ended, each once. They are what the API says, to the unit.
    #[command(
        after_help = "Example:\n  hotline audit recompute --config config --data data --day 2026-11-22"
    )]
    Recompute(Recompute),
}

/// See [`Audit::Recompute`].
#[derive(Args)]
pub struct Recompute {
    /// Folder of the configuration, which has the shifts and the memberships.
    #[arg(long, default_value = "config")]
    config: PathBuf,
    /// Data folder of the engine.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// The day, as 2026-11-22.
    #[arg(long)]
    day: String,
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
        let Verify { data, recordings } = match self {
            Self::Verify(verify) => verify,
            Self::Recompute(recompute) => return recompute.run(),
        };
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

impl Recompute {
    fn run(self) -> Result<(), Failure> {
        let day = Day::read(&self.day)
            .ok_or_else(|| Failure::wrong(format!("{:?} is no day, as 2026-11-22", self.day)))?;
        let config = load(&self.config)?;
        let roll = Roll::at_start(&config, &BoardOrder::of(&config));
        let figures = figures::of_journal(&roll, &self.data.join("journal"), day, wall_clock());
        let figures = figures.map_err(Failure::world)?;
        let text = serde_json::to_string_pretty(&figures).map_err(Failure::world)?;
        println!("{text}");
        if figures.adds_up() {
            return Ok(());
        }
        Err(Failure::world("calls of the day ended twice or not at all"))
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
