//! `hotline recording`: files of the recordings folder.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::Failure;
use crate::vault::{Keys, Sealed};

/// See the module.
#[derive(Subcommand)]
pub enum Recording {
    /// Write the WAV of an encrypted recording. Nothing of it stands in the journal.
    #[command(
        after_help = "Example:\n  hotline recording decrypt data/recordings/20261122-101500-000012-1.wav \
        --key-file config/recordings.key --out heard.wav"
    )]
    Decrypt(Decrypt),
}

/// See [`Recording::Decrypt`].
#[derive(Args)]
pub struct Decrypt {
    /// The encrypted recording.
    file: PathBuf,
    /// The key file.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The WAV to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Recording {
    pub fn run(self) -> Result<(), Failure> {
        let Self::Decrypt(Decrypt {
            file,
            key_file,
            out,
        }) = self;
        let keys = Keys::read(&key_file).map_err(Failure::wrong)?;
        let of = |path: PathBuf| {
            move |error: std::io::Error| Failure::world(format!("{}: {error}", path.display()))
        };
        let opened = File::open(&file).map_err(of(file.clone()))?;
        let mut sealed = Sealed::open(opened, &keys).map_err(of(file.clone()))?;
        let mut wav = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&out)
            .map_err(of(out.clone()))?;
        while let Some(piece) = sealed.next_piece().map_err(of(file.clone()))? {
            wav.write_all(&piece).map_err(of(out.clone()))?;
        }
        wav.sync_all().map_err(of(out.clone()))?;
        println!(
            "{}: {} bytes, recorded as {}",
            out.display(),
            sealed.wav_bytes(),
            sealed.name()
        );
        if sealed.is_complete() {
            return Ok(());
        }
        Err(Failure::world(format!(
            "{} has no end: it was cut, and only what it has was written",
            file.display()
        )))
    }
}
