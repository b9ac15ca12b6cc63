//! The words for a seat's state. Four things are kept apart: what the agent wants (intent), what
//! the seat is doing (work), whether its phone can be reached (device), and why.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a seat takes no calls. Written as its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// 未签入: nobody has asked for calls since the engine started or the agent logged out.
    LoggedOut,
    /// 小休
    Break,
    /// 就餐
    Meal,
    /// 会议
    Meeting,
    /// 培训
    Training,
    /// 辅导
    Coaching,
    /// 强制: set by the engine after a call was offered and the phone rang unanswered.
    RingNoAnswer,
    /// 强制: set by the engine after the agent refused calls repeatedly.
    Refused,
    /// 强制: set by a supervisor.
    Forced,
    /// One that the house configured.
    Own(OwnReason),
}

/// The word of a reason that the house configured, at most [`OWN_REASON_BYTES`] lower-case letters,
/// digits and `-`: short, so that it fits into a word of the board.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnReason([u8; OWN_REASON_BYTES]);

/// Longest word of an own reason, bytes.
pub const OWN_REASON_BYTES: usize = 8;

impl OwnReason {
    /// Checks the word; `None` where it is none, or the word of another reason.
    pub fn new(word: &str) -> Option<Self> {
        let fits = word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let known = Reason::BUILT_IN.iter().any(|reason| reason.word() == word);
        if !fits || known || word.is_empty() {
            return None;
        }
        let mut bytes = [0; OWN_REASON_BYTES];
        bytes
            .get_mut(..word.len())?
            .copy_from_slice(word.as_bytes());
        Some(Self(bytes))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        let word = core::str::from_utf8(&self.0).unwrap_or_default();
        word.trim_end_matches('\0')
    }

    /// The word as a number that is never 0.
    pub const fn to_bits(self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    /// The word of a number from [`to_bits`](Self::to_bits).
    pub fn from_bits(bits: u64) -> Option<Self> {
        let own = Self(bits.to_le_bytes());
        Self::new(own.as_str())
    }
}

impl fmt::Debug for OwnReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnReason({})", self.as_str())
    }
}

impl Reason {
    /// All that are not the house's own.
    pub const BUILT_IN: [Self; 9] = [
        Self::LoggedOut,
        Self::Break,
        Self::Meal,
        Self::Meeting,
        Self::Training,
        Self::Coaching,
        Self::RingNoAnswer,
        Self::Refused,
        Self::Forced,
    ];

    /// Its word in the API, the journal and the configuration.
    pub fn word(&self) -> &str {
        match self {
            Self::LoggedOut => "logged-out",
            Self::Break => "break",
            Self::Meal => "meal",
            Self::Meeting => "meeting",
            Self::Training => "training",
            Self::Coaching => "coaching",
            Self::RingNoAnswer => "ring-no-answer",
            Self::Refused => "refused",
            Self::Forced => "forced",
            Self::Own(own) => own.as_str(),
        }
    }

    /// The reason of a word.
    pub fn of(word: &str) -> Option<Self> {
        let built_in = Self::BUILT_IN.into_iter().find(|it| it.word() == word);
        built_in.or_else(|| OwnReason::new(word).map(Self::Own))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::of(&word).ok_or_else(|| de::Error::custom(format!("{word:?} is no reason")))
    }
}

/// What the agent wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "intent", content = "reason")]
pub enum Intent {
    /// 示闲: takes the next call.
    Ready,
    /// 示忙: takes no call, and why.
    NotReady(Reason),
}

/// What the seat is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// 空闲: nothing.
    Free,
    /// 预占: a call was matched, the INVITE is on its way.
    Reserved,
    /// 振铃: its phone rings.
    Ringing,
    /// 通话: talks to a caller.
    Talking,
    /// 保持: has a caller on hold.
    Hold,
    /// 整理: wraps up after a call.
    WrapUp,
    /// In a call the distributor did not send (a star code, a test call).
    Busy,
}

/// Whether the seat's phone can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// A registered contact stands behind the seat.
    Registered,
    /// No contact, or the last one expired.
    Unregistered,
}

/// How an offer of a call to a seat ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferResult {
    /// The agent answered.
    Answered,
    /// The ring time ran out.
    NoAnswer,
    /// The agent's phone refused (486, 603 or another final answer of a person).
    Refused,
    /// The phone could not be reached: no contact, no response, a transport failure, or a codec
    /// refusal.
    Unreachable,
    /// The caller hung up while the phone rang.
    CallerGone,
    /// The engine took the offer back (seat went away, another rule applied).
    Withdrawn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_written_as_its_word() {
        let own = Reason::of("tea-time").unwrap();
        for reason in Reason::BUILT_IN.into_iter().chain([own]) {
            let text = serde_json::to_string(&reason).unwrap();
            assert_eq!(text, format!("{:?}", reason.word()));
            assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason);
        }
        let intent: Intent =
            serde_json::from_str(r#"{"intent":"not-ready","reason":"tea"}"#).unwrap();
        assert!(matches!(intent, Intent::NotReady(Reason::Own(own)) if own.as_str() == "tea"));
    }

    #[test]
    fn an_own_reason_is_a_short_word_of_its_own() {
        for word in ["", "nine-byte", "Tea", "茶", "meal", "a b"] {
            assert_eq!(OwnReason::new(word), None, "{word}");
        }
        let own = OwnReason::new("x").unwrap();
        assert_eq!(OwnReason::from_bits(own.to_bits()), Some(own));
        assert_eq!(OwnReason::from_bits(0), None);
    }
}
