//! Tasks: citizens to be called by a seat. Words of the journal; what follows from them is a fold's.

use serde::{Deserialize, Serialize};

use crate::limits::TASK_NUMBER_DIGITS;

/// Why somebody is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// 漏接回拨: the citizen asked for a human and did not get one.
    MissedCall,
    /// 回访: a supervisor wants it.
    FollowUp,
}

impl TaskKind {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::MissedCall, Self::FollowUp];
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskEnd {
    /// A seat called, and the citizen answered.
    Reached,
    /// The citizen called again, and a human answered.
    CalledAgain,
    /// As often tried as the rules say, or given up by an agent.
    GivenUp,
    /// Closed by a supervisor.
    Closed,
    /// Not done within `keep_days`.
    Expired,
    /// The list was full, and this was the oldest.
    Displaced,
}

/// What came of a follow-up (回访结果), as the seat entered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskResult {
    /// 满意.
    Satisfied,
    /// 基本满意.
    Neutral,
    /// 不满意.
    Dissatisfied,
    /// 已接通未评价: talked with, and said nothing of how content they are.
    NoOpinion,
    /// 拒绝回访: answered, and did not want to talk.
    Refused,
    /// 未接通.
    NotReached,
    /// 号码有误: it is somebody else's, or nobody's.
    WrongNumber,
}

impl TaskResult {
    /// Whether the citizen said how content they are, and so gives a score too.
    pub const fn is_opinion(self) -> bool {
        matches!(self, Self::Satisfied | Self::Neutral | Self::Dissatisfied)
    }
}

/// The rules of the list, as they are in force from a record of the journal on: whoever reads the
/// journal again comes to the same list, whatever the configuration says by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRules {
    /// A missed call should be called back within so many minutes (KPI K13).
    pub first_try_minutes: u32,
    /// Who was not reached is not called again for so many minutes.
    pub retry_after_minutes: u32,
    /// After so many attempts the task is given up.
    pub attempts: u32,
    /// Who left a queue sooner, seconds, is not listed.
    pub ignore_below_s: u32,
    /// A task that is not done is dropped after so many days.
    pub keep_days: u32,
    /// Who took a task and does nothing loses it after so many minutes.
    pub take_minutes: u32,
}

impl Default for TaskRules {
    fn default() -> Self {
        Self {
            first_try_minutes: 30,
            retry_after_minutes: 60,
            attempts: 3,
            ignore_below_s: 5,
            keep_days: 7,
            take_minutes: 10,
        }
    }
}

/// The number in the form in which it is looked for; `None` where it is no telephone's. Mobile
/// numbers of another city are dialled with a 0 before them, and call without.
pub fn dialable(number: &str) -> Option<String> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_telephone =
        digits.len() >= TASK_NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    let mobile = number
        .strip_prefix('0')
        .filter(|rest| rest.len() == 11 && rest.starts_with('1') && !rest.starts_with("10"));
    is_telephone.then(|| mobile.unwrap_or(number).to_owned())
}
