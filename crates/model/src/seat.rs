//! The words for a seat's state. Four things are kept apart: what the agent wants (intent), what
//! the seat is doing (work), whether its phone can be reached (device), and why.

use serde::{Deserialize, Serialize};

/// Why a seat takes no calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
