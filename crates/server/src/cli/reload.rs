//! `hotline reload`: has the running engine read its settings again, and shows what changes.

use std::{fs, path::PathBuf};

use clap::Args;

use super::Failure;
use crate::reload::control::{Answer, Ask, ask, socket};

/// See the module.
#[derive(Args)]
pub struct Reload {
    /// Folder of the configuration that the engine serves.
    #[arg(long, default_value = "config")]
    config: PathBuf,
    /// Data folder, where the engine was started with --data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

impl Reload {
    pub fn run(self) -> Result<(), Failure> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => self.configured()?,
        };
        let asked = Ask::Reload {
            dry_run: self.dry_run,
        };
        let answer = ask(&data, &asked).map_err(|error| {
            let at = socket(&data);
            Failure::world(format!(
                "{}: {error}; is the engine running, and are you its user?",
                at.display()
            ))
        })?;
        match answer {
            Answer::Report(report) => {
                print!("{report}");
                Ok(())
            }
            Answer::Faults(faults) => {
                let mut text = String::from("the configuration has faults; nothing was changed\n");
                for fault in faults {
                    text.push_str(&fault.to_string());
                }
                Err(Failure::wrong(text))
            }
            Answer::Refused(why) => Err(Failure::world(format!("nothing was changed: {why}"))),
        }
    }

    /// The data folder that engine.toml names; of what else it says the engine judges.
    fn configured(&self) -> Result<PathBuf, Failure> {
        let file = self.config.join("engine.toml");
        let wrong =
            |why: &dyn std::fmt::Display| Failure::wrong(format!("{}: {why}", file.display()));
        let text = fs::read_to_string(&file).map_err(|error| wrong(&error))?;
        let table: toml::Table = text.parse().map_err(|error| wrong(&error))?;
        let directory = table
            .get("data")
            .and_then(|data| data.get("directory")?.as_str());
        let directory = directory.ok_or_else(|| wrong(&"it names no `directory` under [data]"))?;
        Ok(self.config.join(directory))
    }
}
