//! Guests of a talk: seats, or numbers outside, that take part beside the caller and the agent, and
//! how.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{SeatId, privacy::Masked};

/// What stands before a number outside, wherever a seat could stand too.
const OUTSIDE: &str = "outside:";

/// Who the guest is. Written as a seat's number, or as `outside:NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum GuestName {
    /// A seat, by whose phone somebody takes part.
    Seat(SeatId),
    /// A number outside, called by a trunk.
    Outside(String),
}

impl GuestName {
    /// The seat, where it is one.
    pub const fn seat(&self) -> Option<SeatId> {
        match self {
            Self::Seat(seat) => Some(*seat),
            Self::Outside(_) => None,
        }
    }

    /// The same, its number masked.
    #[must_use]
    pub fn masked(&self) -> Self {
        match self {
            Self::Seat(seat) => Self::Seat(*seat),
            Self::Outside(number) => Self::Outside(Masked(number).to_string()),
        }
    }

    /// The number in `text`, where it is one outside: what stands behind `outside:`.
    pub fn number_in(text: &str) -> Option<&str> {
        text.strip_prefix(OUTSIDE)
    }
}

impl fmt::Display for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seat(seat) => write!(f, "{seat}"),
            Self::Outside(number) => write!(f, "{OUTSIDE}{number}"),
        }
    }
}

impl From<SeatId> for GuestName {
    fn from(seat: SeatId) -> Self {
        Self::Seat(seat)
    }
}

impl From<GuestName> for String {
    fn from(name: GuestName) -> Self {
        name.to_string()
    }
}

impl FromStr for GuestName {
    type Err = <SeatId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::number_in(text) {
            Some(number) => Ok(Self::Outside(number.to_owned())),
            None => text.parse().map(Self::Seat),
        }
    }
}

impl TryFrom<String> for GuestName {
    type Error = <SeatId as FromStr>::Err;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

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
    fn a_guest_is_a_seat_or_a_number_outside() {
        let seat = GuestName::Seat(SeatId::new("1002").unwrap());
        let outside = GuestName::Outside("13800138000".to_owned());
        for (name, written) in [(&seat, "\"1002\""), (&outside, "\"outside:13800138000\"")] {
            assert_eq!(serde_json::to_string(name).unwrap(), written);
            assert_eq!(&serde_json::from_str::<GuestName>(written).unwrap(), name);
        }
        assert_eq!(outside.masked().to_string(), "outside:138****8000");
        assert_eq!(seat.masked(), seat);
        // What is masked can still be read.
        assert_eq!("outside:138****8000".parse(), Ok(outside.masked()));
        assert!("".parse::<GuestName>().is_err());
    }

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
