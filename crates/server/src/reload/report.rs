//! What a person who asked for new settings is told.

use std::fmt;

use hotline_model::change::{ChangeKind, ItemChange};
use serde::{Deserialize, Serialize};

use crate::config::fault::FileFaults;

/// The settings were read and are good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// They are in force; else they were only looked at, or nothing differs.
    pub applied: bool,
    /// Digest of the queues' and seats' settings, as in the journal.
    pub digest: String,
    /// What differs from the settings in force.
    pub changes: Vec<ItemChange>,
    /// What differs from the settings of the start, and is read at a start only.
    pub needs_restart: Vec<NeedsRestart>,
    /// What is no fault, but hardly meant.
    pub warnings: Vec<Told>,
}

/// An item that is read at the start only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedsRestart {
    /// The file.
    pub file: String,
    /// The item.
    pub item: String,
    /// Its keys that differ.
    pub keys: Vec<String>,
}

/// A fault or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The file's name.
    pub file: String,
    /// The line, from 1; 0: the whole file.
    pub line: usize,
    /// The line's text.
    pub text: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Told {
    /// All that was found in a file.
    pub fn of(file: &FileFaults) -> Vec<Self> {
        let name = file.file.file_name().unwrap_or(file.file.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let told = file.faults.iter().map(|fault| {
            let line = if file.text.is_empty() {
                0
            } else {
                fault.line(&file.text)
            };
            let text = line
                .checked_sub(1)
                .and_then(|nth| file.text.lines().nth(nth));
            Self {
                file: name.clone(),
                line,
                text: text.unwrap_or_default().trim().to_owned(),
                what: fault.what.clone(),
                help: fault.help.clone(),
            }
        });
        told.collect()
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, what, ..
        } = self;
        match line {
            0 => writeln!(f, "{file}: {what}")?,
            _ => writeln!(f, "{file}:{line}: {what}\n    {}", self.text)?,
        }
        match &self.help {
            Some(help) => writeln!(f, "  help: {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let sign = match change.kind {
                ChangeKind::Added => '+',
                ChangeKind::Removed => '-',
                ChangeKind::Changed => '~',
            };
            writeln!(f, "{sign} {}: {}", change.file, change.item)?;
            for key in &change.keys {
                let side = |side: &Option<String>| side.clone();
                let key_name = &key.key;
                match (side(&key.was), side(&key.is)) {
                    (Some(was), Some(is)) => writeln!(f, "    {key_name}: {was} -> {is}")?,
                    (None, Some(is)) => writeln!(f, "    {key_name}: {is}")?,
                    (Some(was), None) => writeln!(f, "    {key_name}: {was} -> (none)")?,
                    (None, None) => writeln!(f, "    {key_name} changed")?,
                }
            }
        }
        for item in &self.needs_restart {
            let keys = item.keys.join(", ");
            writeln!(f, "! needs a restart: {} {}: {keys}", item.file, item.item)?;
        }
        for warning in &self.warnings {
            write!(f, "warning: {warning}")?;
        }
        match (self.applied, self.changes.is_empty()) {
            (true, _) => writeln!(f, "in force: settings {}", self.digest),
            (false, true) => writeln!(f, "nothing to change"),
            (false, false) => writeln!(f, "only looked at: nothing was changed"),
        }
    }
}
