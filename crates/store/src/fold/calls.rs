//! The call row: one line per call, built from its events.

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp, TrunkId,
    event::{Event, Outcome, ReleasedBy},
};
use serde::{Deserialize, Serialize};

use super::case_number;
use crate::Record;

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Somebody outside called the hotline, by a trunk.
    Inbound,
    /// A seat called the hotline itself.
    Internal,
    /// A seat called somebody outside.
    Outbound,
}

/// One call, live or ended, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// The call.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// When its INVITE was taken in.
    pub arrived_at: Timestamp,
    /// When a human answered first.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The caller's number, a seat's of a call outside; a citizen's is masked in query answers
    /// unless revealed.
    pub caller: String,
    /// The caller asked that the number be kept from whoever answers (RFC 3323): query answers
    /// leave it out unless revealed.
    pub withheld: bool,
    /// The dialled number; masked in query answers, unless revealed, where it is a citizen's.
    pub called: String,
    /// Trunk it came by or, of a call outside, was last tried on; `None` for a seat's own call.
    pub trunk: Option<TrunkId>,
    /// The queue it asked for last.
    pub queue: Option<QueueId>,
    /// The seat that answered last; of a call outside the one that dialled.
    pub seat: Option<SeatId>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who released the call.
    pub released_by: Option<ReleasedBy>,
    /// Why it ended.
    pub cause: Option<String>,
    /// From entering the first queue to the first human answer, or to the end without one, ms.
    /// Not known of a call that a killed engine left waiting.
    pub wait_ms: Option<u64>,
    /// Talk with humans, hold included, ms.
    pub talk_ms: Option<u64>,
    /// Of this, on hold, ms.
    pub hold_ms: Option<u64>,
    /// Who released the talk: an agent who hangs up on callers shows here, even though the caller
    /// then stays for the survey and ends the call.
    pub talk_released_by: Option<ReleasedBy>,
    /// From the INVITE to the end, ms.
    pub total_ms: Option<u64>,
    /// The survey's key.
    pub score: Option<char>,
    /// What the key means, e.g. `satisfied`.
    pub meaning: Option<String>,
    /// File name of the recording; the last, when there are several.
    pub recording: Option<String>,
    /// Number of the case, once a human answered.
    pub case: Option<String>,
    /// Calls of the number within the queue's window, this one included, where there were more, or
    /// a talk.
    pub nth_call: Option<u32>,
    /// The seat that talked with the caller last, before this call.
    pub last_seat: Option<SeatId>,
}

/// The fold of one call: its row, and the one clock that is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The row so far.
    pub row: CallRow,
    /// Uptime at which it entered its first queue, ms.
    pub queued_up_ms: Option<u64>,
}

/// In place of an uptime that cannot be compared with this run's: beyond all, and a number that a
/// table can hold.
const NOT_KNOWN: u64 = i64::MAX as u64;

impl CallRow {
    /// A call of which nothing is known but when it began.
    fn empty(call: CallId, arrived_at: Timestamp) -> Self {
        Self {
            call,
            direction: Direction::Inbound,
            arrived_at,
            answered_at: None,
            ended_at: None,
            caller: String::new(),
            withheld: false,
            called: String::new(),
            trunk: None,
            queue: None,
            seat: None,
            outcome: None,
            released_by: None,
            cause: None,
            wait_ms: None,
            talk_ms: None,
            hold_ms: None,
            talk_released_by: None,
            total_ms: None,
            score: None,
            meaning: None,
            recording: None,
            case: None,
            nth_call: None,
            last_seat: None,
        }
    }
}

impl Call {
    /// The call that the record lets begin, if it does.
    pub fn begun(record: &Record) -> Option<Self> {
        let mut row = CallRow::empty(record.stamped.event.call()?, record.stamped.at);
        match &record.stamped.event {
            Event::CallArrived {
                call: _,
                trunk,
                caller,
                called,
                sip_call_id: _,
                withheld,
            } => {
                if trunk.is_none() {
                    row.direction = Direction::Internal;
                }
                (row.caller, row.called) = (caller.clone(), called.clone());
                (row.trunk, row.withheld) = (*trunk, *withheld);
            }
            Event::CallDialled { seat, called, .. } => {
                row.direction = Direction::Outbound;
                (row.caller, row.called) = (seat.to_string(), called.clone());
                row.seat = Some(*seat);
            }
            _ => return None,
        }
        Some(Self {
            row,
            queued_up_ms: None,
        })
    }

    /// Takes in the next record of this call. `offset_minutes` east of UTC is for the number of
    /// its case. Says whether anything changed.
    pub fn apply(&mut self, record: &Record, offset_minutes: i32) -> bool {
        let (at, up_ms) = (record.stamped.at, record.stamped.up_ms);
        let row = &mut self.row;
        let outbound = row.direction == Direction::Outbound;
        match &record.stamped.event {
            Event::QueueEntered { queue, .. } => {
                row.queue = Some(*queue);
                self.queued_up_ms.get_or_insert(up_ms);
            }
            // Its clock was another run's.
            Event::CallbackRestored { .. } => self.queued_up_ms = Some(NOT_KNOWN),
            Event::CallerRecognised {
                calls, last_seat, ..
            } => (row.nth_call, row.last_seat) = (Some(*calls), *last_seat),
            Event::QueueRefused { queue, .. } => row.queue = Some(*queue),
            Event::QueueOverflowed { queue, .. } => {
                row.queue = Some(*queue);
                self.queued_up_ms.get_or_insert(up_ms);
            }
            Event::SeatAnswered {
                call,
                seat,
                queue,
                since_queue_ms,
                ..
            } => {
                (row.seat, row.queue) = (Some(*seat), Some(*queue));
                row.wait_ms.get_or_insert(*since_queue_ms);
                row.answered_at.get_or_insert(at);
                row.case
                    .get_or_insert_with(|| case_number(at, *call, offset_minutes));
            }
            Event::RecordingStarted { file, .. } => row.recording = Some(file.clone()),
            Event::TalkEnded {
                talk_ms,
                hold_ms,
                released_by,
                ..
            } => {
                *row.talk_ms.get_or_insert(0) += talk_ms;
                *row.hold_ms.get_or_insert(0) += hold_ms;
                row.talk_released_by = Some(*released_by);
            }
            Event::SurveyAnswered { digit, meaning, .. } => {
                (row.score, row.meaning) = (Some(*digit), Some(meaning.clone()));
            }
            // Another seat took the place of the one that dialled.
            Event::TalkTransferred { to, .. } if outbound => {
                row.seat = SeatId::new(to).ok().or(row.seat);
            }
            // Guests of the talk are no part of the row.
            Event::TrunkTried {
                for_guest: true, ..
            }
            | Event::OutsideAnswered {
                for_guest: true, ..
            } => return false,
            Event::TrunkTried { trunk, .. } if outbound => row.trunk = Some(*trunk),
            Event::OutsideAnswered { trunk, .. } if outbound => {
                row.trunk = Some(*trunk);
                row.answered_at.get_or_insert(at);
            }
            event @ Event::CallEnded { .. } => self.ended(at, up_ms, event),
            event @ Event::DialEnded { .. } => self.dial_ended(at, event),
            _ => return false,
        }
        true
    }

    fn dial_ended(&mut self, at: Timestamp, event: &Event) {
        let Event::DialEnded {
            outcome,
            released_by,
            cause,
            talk_ms,
            hold_ms,
            total_ms,
            ..
        } = event
        else {
            return;
        };
        self.over(at, (*outcome, *released_by), cause, *total_ms);
        let row = &mut self.row;
        if row.answered_at.is_some() {
            (row.talk_ms, row.hold_ms) = (Some(*talk_ms), Some(*hold_ms));
            row.talk_released_by = Some(*released_by);
        }
    }

    fn ended(&mut self, at: Timestamp, up_ms: u64, event: &Event) {
        let Event::CallEnded {
            outcome,
            released_by,
            cause,
            total_ms,
            ..
        } = event
        else {
            return;
        };
        self.over(at, (*outcome, *released_by), cause, *total_ms);
        // The next run writes the end of an interrupted call: its uptime has nothing to do with
        // the uptime at which the call entered the queue.
        if self.row.wait_ms.is_none() && *outcome != Outcome::Interrupted {
            let since = self.queued_up_ms;
            self.row.wait_ms = since.and_then(|since| up_ms.checked_sub(since));
        }
    }

    fn over(&mut self, at: Timestamp, how: (Outcome, ReleasedBy), cause: &str, total_ms: u64) {
        let row = &mut self.row;
        row.ended_at = Some(at);
        (row.outcome, row.released_by) = (Some(how.0), Some(how.1));
        row.cause = Some(cause.to_owned());
        row.total_ms = Some(total_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{arrived, dialled, ended, queued, records, story};

    fn fold(events: Vec<Event>) -> Call {
        let records = records(events);
        let mut call = Call::begun(&records[0]).unwrap();
        for record in &records[1..] {
            call.apply(record, 480);
        }
        call
    }

    #[test]
    fn an_answered_call_has_everything() {
        let row = fold(story(12)).row;
        assert_eq!(
            serde_json::to_value(&row).unwrap(),
            serde_json::json!({
                "call": 12, "direction": "inbound", "withheld": false, "arrived_at": 1_795_246_212_000i64,
                "answered_at": 1_795_246_220_000i64, "ended_at": 1_795_246_230_000i64,
                "caller": "13800000012", "called": "12345", "trunk": "mobile",
                "queue": "general", "seat": "1001", "outcome": "answered",
                "released_by": "caller", "cause": "BYE", "wait_ms": 4_000, "talk_ms": 45_000,
                "hold_ms": 5_000, "talk_released_by": "agent", "total_ms": 60_000, "score": "1",
                "meaning": "satisfied", "recording": "000012.wav",
                "case": "20261121153020000012", "nth_call": null, "last_seat": null
            })
        );
    }

    #[test]
    fn an_abandoned_call_waited_until_its_end() {
        let row = fold(vec![
            arrived(1),
            queued(1, "general"),
            queued(1, "english"),
            ended(1, Outcome::Abandoned),
        ])
        .row;
        assert_eq!(
            (row.wait_ms, row.queue.unwrap().as_str()),
            (Some(2_000), "english")
        );
        assert_eq!((row.answered_at, row.case), (None, None));
    }

    #[test]
    fn the_wait_of_an_interrupted_call_is_not_known() {
        let row = fold(vec![
            arrived(1),
            queued(1, "general"),
            ended(1, Outcome::Interrupted),
        ])
        .row;
        assert_eq!(row.wait_ms, None);
        assert_eq!(row.outcome, Some(Outcome::Interrupted));
    }

    #[test]
    fn a_call_outside_has_a_row_of_its_own_kind() {
        let row = fold(dialled(3)).row;
        assert_eq!(row.direction, Direction::Outbound);
        assert_eq!(
            (row.caller.as_str(), row.called.as_str()),
            ("1001", "13800009999")
        );
        assert_eq!(row.seat.unwrap().as_str(), "1001");
        assert_eq!(row.trunk.unwrap().as_str(), "mobile");
        assert_eq!((row.talk_ms, row.total_ms), (Some(9_000), Some(14_000)));
        assert_eq!(row.talk_released_by, Some(ReleasedBy::Agent));
        assert_eq!(row.answered_at, Some(Timestamp(row.arrived_at.0 + 2_000)));
        assert!(row.ended_at.is_some() && row.recording.is_some());
        assert_eq!((row.case, row.queue, row.wait_ms), (None, None, None));
        // Nobody answered: no talk is told of.
        let mut events = dialled(3);
        events.drain(2..5);
        let row = fold(events).row;
        assert_eq!((row.talk_ms, row.answered_at), (None, None));
    }

    #[test]
    fn a_caller_given_on_outside_stays_an_inbound_call() {
        let events = [story(1), dialled(1)[1..3].to_vec()].concat();
        assert_eq!(fold(events).row, fold(story(1)).row);
    }

    #[test]
    fn a_seats_own_call_to_the_hotline_is_internal() {
        let mut event = arrived(1);
        if let Event::CallArrived {
            trunk, withheld, ..
        } = &mut event
        {
            (*trunk, *withheld) = (None, true);
        }
        let row = fold(vec![event]).row;
        assert_eq!((row.direction, row.withheld), (Direction::Internal, true));
    }
}
