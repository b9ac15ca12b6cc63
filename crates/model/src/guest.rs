//! Guests of a talk: seats that take part beside the caller and the agent, and how.

use core::fmt;

use serde::{Deserialize, Serialize};

/// How a guest takes part: whom it hears, and who hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestMode {
    /// 监听: hears both, heard by nobody.
    Monitor,
    /// 耳语: hears both, heard by the agent alone.
    Whisper,
    /// 强插, 三方通话: all hear all.
    Barge,
    /// 咨询: talks with the agent while the caller hears music.
    Consult,
    /// 抢接: takes the agent's place as soon as it answers.
    TakeOver,
}

impl GuestMode {
    /// Whether nobody in the talk can notice it.
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Monitor | Self::TakeOver)
    }

    /// The word in the API and the journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Whisper => "whisper",
            Self::Barge => "barge",
            Self::Consult => "consult",
            Self::TakeOver => "take-over",
        }
    }
}

impl fmt::Display for GuestMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_journal_s() {
        for mode in [
            GuestMode::Monitor,
            GuestMode::Whisper,
            GuestMode::Barge,
            GuestMode::Consult,
            GuestMode::TakeOver,
        ] {
            let written = serde_json::to_string(&mode).unwrap();
            assert_eq!(written, format!("\"{mode}\""));
        }
    }
}
