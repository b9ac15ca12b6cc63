//! `hotline audit`: is the journal what was written?

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hotline_store::journal;

use super::Failure;

/// See the module.
#[derive(Subcommand)]
pub enum Audit {
    /// Check every record of the journal against its hash chain.
    #[command(after_help = "Example:\n  hotline audit verify --data data")]
    Verify(Verify),
}

/// See [`Audit::Verify`].
#[derive(Args)]
pub struct Verify {
    /// Data folder of the engine.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

impl Audit {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Verify(Verify { data }) = self;
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
                Ok(())
            }
            Err(broken) => Err(Failure::world(format!("{}: {broken}", folder.display()))),
        }
    }
}
