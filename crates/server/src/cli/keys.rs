//! `hotline keys`: the keys under which recordings are encrypted.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::Failure;
use crate::vault::{Keys as KeyFile, fresh_line};

/// What stands above the keys of a new file.
const HEAD: &str = "# Keys of recordings: id and key. The last one encrypts; never delete one that \
                    recordings were\n# encrypted under. Who loses this file loses the recordings.\n";

/// See the module.
#[derive(Subcommand)]
pub enum Keys {
    /// Make a key file with one fresh key, for `key_file` under `[recordings]` in engine.toml.
    #[command(after_help = "Example:\n  hotline keys new config/recordings.key")]
    New(Named),
    /// Add a fresh key to a key file: it encrypts from the next start on.
    #[command(after_help = "Example:\n  hotline keys add config/recordings.key")]
    Add(Named),
}

/// The file.
#[derive(Args)]
pub struct Named {
    /// The key file.
    file: PathBuf,
}

impl Keys {
    pub fn run(self) -> Result<(), Failure> {
        let (file, fresh) = match self {
            Self::New(Named { file }) => (file, true),
            Self::Add(Named { file }) => (file, false),
        };
        let failed = |error: std::io::Error| Failure::world(format!("{}: {error}", file.display()));
        let (id, line) = fresh_line().map_err(failed)?;
        let mut options = OpenOptions::new();
        let text = if fresh {
            options.write(true).create_new(true);
            format!("{HEAD}{line}")
        } else {
            KeyFile::read(&file).map_err(Failure::wrong)?;
            options.append(true);
            let ends = fs::read(&file).map_err(failed)?.ends_with(b"\n");
            format!("{}{line}", if ends { "" } else { "\n" })
        };
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut opened = options.open(&file).map_err(failed)?;
        opened.write_all(text.as_bytes()).map_err(failed)?;
        opened.sync_all().map_err(failed)?;
        println!("{}: key {id}; keep a copy elsewhere", file.display());
        Ok(())
    }
}
