//! `hotline check`: everything that `serve` would read, read and judged.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, load};

/// See the module.
#[derive(Args)]
pub struct Check {
    /// Folder of the configuration.
    #[arg(long, default_value = "config")]
    config: PathBuf,
}

impl Check {
    pub fn run(self) -> Result<(), Failure> {
        let config = load(&self.config)?;
        for warning in &config.warnings {
            print!("warning: {warning}");
        }
        println!(
            "{}: {} numbers, {} trunks, {} queues, {} seats, {} scripts: all good",
            self.config.display(),
            config.numbers.len(),
            config.trunks.len(),
            config.queues.len(),
            config.seats.len(),
            config.scripts.len()
        );
        Ok(())
    }
}
