//! Names of things: numbers for what the engine makes, short words for what people configure.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::MEDIA_THREADS;

/// A call, from its INVITE to its end. Unique in the life of a data directory: the shell passes
/// the first free number at start, the exchange counts up from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One side of a call: a SIP dialog and its media session. Unique in one run of the engine. Of the
/// engine's legs the low bits name the [`MediaThread`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegId(pub u64);

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg-{}", self.0)
    }
}

impl LegId {
    /// The media thread that owns the leg.
    pub const fn thread(self) -> MediaThread {
        MediaThread::of(self.0)
    }
}

/// A media thread, by its place among them. It stands in the low bits of the numbers of legs and
/// recordings: who has such a number knows without a table where its sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaThread(u8);

// A place fits into a byte, and no bit of it reaches into the count beside it.
const _: () = assert!(MEDIA_THREADS.is_power_of_two() && MEDIA_THREADS <= 256);

impl MediaThread {
    /// The thread that the number of a leg or a recording names.
    pub const fn of(number: u64) -> Self {
        Self((number % MEDIA_THREADS as u64) as u8)
    }

    /// The number of the `nth` leg or recording, counted over all threads, when it is this
    /// thread's.
    pub const fn number(self, nth: u64) -> u64 {
        nth * MEDIA_THREADS as u64 + self.0 as u64
    }

    /// Its place among them, from 0.
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for MediaThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Longest name of a seat, queue, skill, trunk or script, in bytes.
pub const NAME_BYTES: usize = 23;

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    Empty,
    /// More than [`NAME_BYTES`] bytes.
    TooLong,
    /// A character other than ASCII letters, digits, `-`, `_` and `.`.
    Character(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a name cannot be empty"),
            Self::TooLong => write!(f, "a name has at most {NAME_BYTES} characters"),
            Self::Character(c) => {
                write!(
                    f,
                    "a name has only letters, digits, '-', '_' and '.', not {c:?}"
                )
            }
        }
    }
}

impl core::error::Error for NameError {}

/// A short word kept inline: copied, compared and hashed without touching the heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name {
    bytes: [u8; NAME_BYTES],
    length: u8,
}

impl Name {
    fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(c) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        {
            return Err(NameError::Character(c));
        }
        let mut bytes = [0; NAME_BYTES];
        let room = bytes.get_mut(..text.len()).ok_or(NameError::TooLong)?;
        room.copy_from_slice(text.as_bytes());
        // The length fits: the copy above proved it to be at most NAME_BYTES.
        Ok(Self {
            bytes,
            length: text.len() as u8,
        })
    }

    fn as_str(&self) -> &str {
        let bytes = self
            .bytes
            .get(..usize::from(self.length))
            .unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Name);

        impl $type {
            /// Checks the text and keeps it inline.
            pub fn new(text: &str) -> Result<Self, NameError> {
                Name::new(text).map(Self)
            }

            /// The name as written in the configuration.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A seat (坐席), by its 工号: the number announced to the caller and the user of its phone.
    /// A name and not a number: `0012` and `12` are different seats.
    SeatId
);
name!(
    /// A shared phone (公用话机) that is lent to the seat whose agent logs in there, by the user it
    /// registers as.
    PhoneId
);
name!(
    /// A queue (技能队列).
    QueueId
);
name!(
    /// A skill (技能) that a queue may require and a seat may have.
    SkillId
);
name!(
    /// A trunk: a carrier's line, known by the address its requests come from.
    TrunkId
);
name!(
    /// An IVR script, by the `name` in its file.
    ScriptId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_thread_and_is_no_other_one() {
        let mut seen = std::collections::BTreeSet::new();
        for at in 0..MEDIA_THREADS as u64 {
            let thread = MediaThread::of(at);
            assert_eq!(thread.at() as u64, at);
            for nth in 1..50 {
                let leg = LegId(thread.number(nth));
                assert_eq!(leg.thread(), thread);
                assert!(seen.insert(leg), "{leg}");
            }
        }
    }

    #[test]
    fn a_leading_zero_makes_another_seat() {
        assert_ne!(SeatId::new("0012").unwrap(), SeatId::new("12").unwrap());
        assert_eq!(SeatId::new("0012").unwrap().as_str(), "0012");
    }

    #[test]
    fn names_have_a_limit_and_an_alphabet() {
        assert_eq!(QueueId::new(""), Err(NameError::Empty));
        assert_eq!(QueueId::new("综合"), Err(NameError::Character('综')));
        assert!(QueueId::new(&"q".repeat(NAME_BYTES)).is_ok());
        assert_eq!(
            QueueId::new(&"q".repeat(NAME_BYTES + 1)),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn a_name_is_a_plain_string_in_json() {
        let seat = SeatId::new("1001").unwrap();
        assert_eq!(serde_json::to_string(&seat).unwrap(), "\"1001\"");
        assert_eq!(serde_json::from_str::<SeatId>("\"1001\"").unwrap(), seat);
        assert!(serde_json::from_str::<SeatId>("\"a b\"").is_err());
    }
}
