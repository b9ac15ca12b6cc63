//! The case row (工单): opened when a human answers, its telephony part filled in by itself.

use hotline_model::{CallId, QueueId, SeatId, Timestamp};
use serde::{Deserialize, Serialize};

use super::CallRow;

/// Whether telephony still adds to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// Its call lives.
    Open,
    /// Its call has ended.
    Closed,
}

/// One case, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRow {
    /// Its number, see [`case_number`].
    pub number: String,
    /// Its call.
    pub call: CallId,
    /// When it was opened: when a human answered first.
    pub opened_at: Timestamp,
    /// The caller's number; masked in query answers unless revealed.
    pub caller: String,
    /// The caller withheld the number: query answers leave it out unless revealed.
    pub withheld: bool,
    /// The seat that answered last.
    pub seat: SeatId,
    /// The queue it came from.
    pub queue: QueueId,
    /// When a human answered first.
    pub answered_at: Timestamp,
    /// When the call ended.
    pub ended_at: Option<Timestamp>,
    /// The survey's key.
    pub score: Option<char>,
    /// What the key means.
    pub meaning: Option<String>,
    /// File name of the recording.
    pub recording: Option<String>,
    /// Open while the call lives.
    pub state: CaseState,
}

impl CaseRow {
    /// The case of a call, once a human answered it. So far telephony is all that fills a case,
    /// and each of its fields is one of the call's.
    pub fn of(call: &CallRow) -> Option<Self> {
        Some(Self {
            number: call.case.clone()?,
            call: call.call,
            opened_at: call.answered_at?,
            caller: call.caller.clone(),
            withheld: call.withheld,
            seat: call.seat?,
            queue: call.queue?,
            answered_at: call.answered_at?,
            ended_at: call.ended_at,
            score: call.score,
            meaning: call.meaning.clone(),
            recording: call.recording.clone(),
            state: match call.ended_at {
                None => CaseState::Open,
                Some(_) => CaseState::Closed,
            },
        })
    }
}

/// The number of a case: local date and time `YYYYMMDDHHMMSS`, and the call's serial in six digits
/// (the call id modulo 1,000,000). Two cases of one second differ in the serial.
pub fn case_number(opened_at: Timestamp, call: CallId, offset_minutes: i32) -> String {
    let t = opened_at.civil(offset_minutes);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:06}",
        t.year,
        t.month,
        t.day,
        t.hour,
        t.minute,
        t.second,
        call.0 % 1_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NOON;

    #[test]
    fn a_number_is_the_local_second_and_the_serial() {
        let at = Timestamp(NOON + 999);
        assert_eq!(case_number(at, CallId(12), 480), "20261121153012000012");
        assert_eq!(
            case_number(at, CallId(7_000_012), 0),
            "20261121073012000012"
        );
    }
}
