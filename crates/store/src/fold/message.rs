//! The message row (留言): one line per message that a caller left, and what became of it.

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::{Event, MessageEnd, MessageKind},
    limits::MESSAGE_EMPTY_MS,
};
use serde::{Deserialize, Serialize};

use crate::Record;

/// How far a message has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    /// Nobody has listened to it.
    New,
    /// Somebody has.
    Heard,
    /// What it asked for was done.
    Done,
}

/// One message, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its call.
    pub call: CallId,
    /// Which one of the call, from 1.
    pub message: u32,
    /// What it is.
    pub kind: MessageKind,
    /// When it was begun.
    pub at: Timestamp,
    /// The queue the caller waited in last.
    pub queue: Option<QueueId>,
    /// The seat that a remark is about.
    pub seat: Option<SeatId>,
    /// File name inside the recordings folder.
    pub file: String,
    /// Length of the sound, ms; `None` until it is complete, and of one that could not be written.
    pub ms: Option<u64>,
    /// It is too short to hold a word (less than [`MESSAGE_EMPTY_MS`]).
    pub empty: bool,
    /// It could not be written: there may be nothing to hear.
    pub lost: bool,
    /// How it came to its end.
    pub ended: Option<MessageEnd>,
    /// How far it has been dealt with.
    pub state: MessageState,
    /// When somebody first listened to it.
    pub heard_at: Option<Timestamp>,
    /// Who that was.
    pub heard_by: Option<String>,
    /// When it was settled last.
    pub settled_at: Option<Timestamp>,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// What was done, in their words.
    pub note: Option<String>,
}

impl MessageRow {
    /// The message that the record lets begin, if it does.
    pub fn begun(record: &Record) -> Option<Self> {
        let Event::MessageBegan {
            call,
            message,
            file,
            kind,
            queue,
            seat,
        } = &record.stamped.event
        else {
            return None;
        };
        Some(Self {
            call: *call,
            message: *message,
            kind: *kind,
            at: record.stamped.at,
            queue: *queue,
            seat: *seat,
            file: file.clone(),
            ms: None,
            empty: false,
            lost: false,
            ended: None,
            state: MessageState::New,
            heard_at: None,
            heard_by: None,
            settled_at: None,
            settled_by: None,
            note: None,
        })
    }

    /// Which message the record is about, where it is about one that began: by its number, or by
    /// its file.
    pub fn changed_by(record: &Record) -> Option<(CallId, Result<u32, &str>)> {
        match &record.stamped.event {
            Event::MessageLeft { call, message, .. }
            | Event::MessageHeard { call, message, .. }
            | Event::MessageSettled { call, message, .. } => Some((*call, Ok(*message))),
            Event::RecordingFailed { call, file, .. } => Some((*call, Err(file))),
            _ => None,
        }
    }

    /// Takes in the next record about this message.
    pub fn apply(&mut self, record: &Record) {
        let at = record.stamped.at;
        match &record.stamped.event {
            Event::MessageLeft { ms, ended, .. } => {
                (self.ms, self.ended) = (Some(*ms), Some(*ended));
                self.empty = *ms < MESSAGE_EMPTY_MS;
            }
            Event::RecordingFailed { .. } => self.lost = true,
            Event::MessageHeard { by, .. } => {
                if self.state == MessageState::New {
                    self.state = MessageState::Heard;
                }
                if self.heard_at.is_none() {
                    (self.heard_at, self.heard_by) = (Some(at), Some(by.clone()));
                }
            }
            Event::MessageSettled { by, note, .. } => {
                self.state = MessageState::Done;
                (self.settled_at, self.settled_by) = (Some(at), Some(by.clone()));
                self.note = Some(note.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{message, records};

    fn fold(events: Vec<Event>) -> MessageRow {
        let records = records(events);
        let mut row = MessageRow::begun(&records[0]).unwrap();
        for record in &records[1..] {
            assert!(MessageRow::begun(record).is_none());
            row.apply(record);
        }
        row
    }

    #[test]
    fn a_message_that_was_settled_has_everything() {
        assert_eq!(
            serde_json::to_value(fold(message(7))).unwrap(),
            serde_json::json!({
                "call": 7, "message": 1, "kind": "voicemail", "at": 1_795_246_212_000i64,
                "queue": "general", "seat": null, "file": "000007-message-1.wav", "ms": 12_345,
                "empty": false, "lost": false, "ended": "key", "state": "done",
                "heard_at": 1_795_246_214_000i64, "heard_by": "lihua",
                "settled_at": 1_795_246_216_000i64, "settled_by": "zhang", "note": "已回电"
            })
        );
    }

    #[test]
    fn a_message_is_new_until_it_is_heard_and_heard_once() {
        let new = fold(message(7)[..2].to_vec());
        assert_eq!((new.state, new.ms), (MessageState::New, Some(12_345)));
        let heard = fold(message(7)[..4].to_vec());
        assert_eq!(heard.state, MessageState::Heard);
        assert_eq!(heard.heard_by.as_deref(), Some("lihua"), "who was first");
        let mut again = message(7);
        again.push(again[2].clone());
        assert_eq!(
            fold(again).state,
            MessageState::Done,
            "listening undoes nothing"
        );
    }

    #[test]
    fn a_message_of_less_than_a_second_is_empty_and_an_unwritten_one_lost() {
        let mut events = message(7)[..2].to_vec();
        for (length, empty) in [(0, true), (999, true), (1_000, false)] {
            if let Event::MessageLeft { ms, .. } = &mut events[1] {
                *ms = length;
            }
            assert_eq!(fold(events.clone()).empty, empty, "{length}");
        }
        events[1] = Event::RecordingFailed {
            call: CallId(7),
            file: "000007-message-1.wav".into(),
            cause: "no space left".into(),
        };
        let row = fold(events);
        assert!(row.lost && !row.empty && row.ms.is_none());
    }
}
