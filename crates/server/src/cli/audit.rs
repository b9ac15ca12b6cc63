//! `hotline audit`: is the journal what was written?

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hotline_acd::{
    replay::{Difference, Replay},
    rules::DECISIONS,
};
use hotline_model::{event::Event, shift::Day};
use hotline_store::journal;

use super::{Failure, load};
use crate::{
    figures, recording_loop,
    reload::{
        self,
        roll::{BoardOrder, Roll},
    },
    signalling_loop::wall_clock,
};

/// See the module.
#[derive(Subcommand)]
pub enum Audit {
    /// Check every record of the journal against its hash chain.
    #[command(
        after_help = "Example:\n  hotline audit verify --data data\n  hotline audit verify --recordings --decisions"
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
    /// Take each decision of the distributor again, from what the journal says it was told, and
    /// check that it is the one that was carried out. Needs the data folder's settings/, too.
    #[arg(long)]
    decisions: bool,
}

impl Audit {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Recompute(recompute) => recompute.run(),
        }
    }
}

impl Verify {
    fn run(self) -> Result<(), Failure> {
        let folder = self.data.join("journal");
        let broken = |broken| Failure::world(format!("{}: {broken}", folder.display()));
        let verified = journal::verify(&folder).map_err(broken)?;
        println!(
            "{}: {} records, last number {}, last hash {}: unbroken",
            folder.display(),
            verified.records,
            verified.last_seq,
            verified.last_hash
        );
        if self.decisions {
            verify_decisions(&self.data, verified.last_seq)?;
        }
        if self.recordings {
            verify_recordings(&self.data)?;
        }
        Ok(())
    }
}

/// Every decision of the floor that the journal tells of, up to this record, is the one that follows
/// from its words; and its books agree after each.
fn verify_decisions(data: &Path, last_seq: u64) -> Result<(), Failure> {
    let mut replay = Replay::default();
    for record in journal::read(&data.join("journal"), 1).map_err(Failure::world)? {
        let record = record.map_err(Failure::world)?;
        if record.seq > last_seq {
            // The engine runs, and writes on.
            break;
        }
        let differs =
            |what: &dyn std::fmt::Display| Failure::world(format!("record {}: {what}", record.seq));
        if let Event::FloorSet { ns, digest, rules } = &record.stamped.event
            && *rules == DECISIONS
        {
            let settings = reload::kept_floor(data, digest).map_err(|why| differs(&why))?;
            replay.set(*ns, settings);
        }
        let compared = replay.happened(&record.stamped.event);
        compared.map_err(|difference| differs(&difference))?;
        if let (true, Some(floor)) = (record.stamped.event.is_for_audit(), replay.floor()) {
            let audited = floor.audit().map_err(Difference::Broken);
            audited.map_err(|difference| differs(&difference))?;
        }
    }
    let counts = replay.counts();
    println!(
        "{} decisions on {} words, {} runs of the engine: each follows",
        counts.decisions, counts.inputs, counts.runs
    );
    if counts.unknown_runs > 0 {
        println!(
            "{} runs were of releases that kept no words to the distributor, or decided by other \
             rules; their decisions were not compared",
            counts.unknown_runs
        );
    }
    Ok(())
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
