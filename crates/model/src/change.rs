//! How the settings changed while the engine ran: what the journal and people are told.

use serde::{Deserialize, Serialize};

/// What became of an item of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is not there any more.
    Removed,
    /// Some of its keys say something else.
    Changed,
}

/// One key of an item. Of a secret no value is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key, as in the file.
    pub key: String,
    /// What it said; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What it says now; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
}

/// One item of the settings: a queue, a seat, a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// The file it stands in.
    pub file: String,
    /// Which: `queue general`, `seat 1001`.
    pub item: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// Its keys that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyChange>,
}
