//! What an earlier run left unfinished, for the next start to finish.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::{Event, MessageEnd, MessageKind, Outcome, ReleasedBy},
};

use crate::Record;

/// A call that arrived and never ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The call.
    pub call: CallId,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// From its INVITE to the last record of its run, ms: so long it lived at least.
    pub known_ms: u64,
    /// A seat called somebody outside.
    pub dialled: bool,
}

impl Unfinished {
    /// The event that ends it.
    pub fn ended(&self) -> Event {
        if self.dialled {
            return Event::DialEnded {
                call: self.call,
                outcome: Outcome::Interrupted,
                released_by: ReleasedBy::Engine,
                cause: "the engine stopped in mid-call".into(),
                talk_ms: 0,
                hold_ms: 0,
                total_ms: self.known_ms,
            };
        }
        Event::CallEnded {
            call: self.call,
            outcome: Outcome::Interrupted,
            released_by: ReleasedBy::Engine,
            cause: "the engine stopped in mid-call".into(),
            total_ms: self.known_ms,
        }
    }
}

/// A recording that began and was neither closed nor given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRecording {
    /// Its call.
    pub call: CallId,
    /// File name inside the recordings folder.
    pub file: String,
    /// Of a message what its beginning said, which its end says again.
    pub message: Option<OpenMessage>,
}

/// A message that was being said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMessage {
    /// Which one of the call.
    pub nth: u32,
    /// What it is.
    pub kind: MessageKind,
    /// The queue the caller waited in last.
    pub queue: Option<QueueId>,
    /// The seat that a remark is about.
    pub seat: Option<SeatId>,
}

impl OpenRecording {
    /// The event that ends it, once its file was made whole.
    pub fn closed(&self, ms: u64, sha256: String) -> Event {
        let (call, file) = (self.call, self.file.clone());
        match &self.message {
            None => Event::RecordingClosed {
                call,
                file,
                ms,
                sha256,
            },
            Some(message) => Event::MessageLeft {
                call,
                message: message.nth,
                file,
                kind: message.kind,
                queue: message.queue,
                seat: message.seat,
                ms,
                sha256,
                ended: MessageEnd::Interrupted,
            },
        }
    }
}

/// All that earlier runs left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Calls without an end, in order of their ids.
    pub calls: Vec<Unfinished>,
    /// The highest call id seen: the next call gets the one after.
    pub last_call: Option<CallId>,
    /// Recordings without an end, in order of their names.
    pub recordings: Vec<OpenRecording>,
}

/// The fold behind [`unfinished`].
#[derive(Clone, Debug, Default)]
pub struct Remains {
    calls: BTreeMap<CallId, Open>,
    recordings: BTreeMap<String, (CallId, Option<OpenMessage>)>,
    last_call: Option<CallId>,
    last_up_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    arrived_at: Timestamp,
    arrived_up_ms: u64,
    /// Set when its run is over: uptimes of the next run are none of its.
    known_ms: Option<u64>,
    dialled: bool,
}

impl Open {
    fn known_ms(&self, last_up_ms: u64) -> u64 {
        self.known_ms
            .unwrap_or(last_up_ms.saturating_sub(self.arrived_up_ms))
    }
}

impl Remains {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        let event = &record.stamped.event;
        self.last_call = self.last_call.max(event.call());
        match event {
            Event::EngineStarted { .. } => {
                for open in self.calls.values_mut() {
                    open.known_ms = Some(open.known_ms(self.last_up_ms));
                }
            }
            Event::CallArrived { call, .. } | Event::CallDialled { call, .. } => {
                let open = Open {
                    arrived_at: record.stamped.at,
                    arrived_up_ms: record.stamped.up_ms,
                    known_ms: None,
                    dialled: matches!(event, Event::CallDialled { .. }),
                };
                self.calls.insert(*call, open);
            }
            Event::CallEnded { call, .. } | Event::DialEnded { call, .. } => {
                self.calls.remove(call);
            }
            Event::RecordingStarted { call, file } => {
                self.recordings.insert(file.clone(), (*call, None));
            }
            Event::MessageBegan {
                call,
                message,
                file,
                kind,
                queue,
                seat,
            } => {
                let message = OpenMessage {
                    nth: *message,
                    kind: *kind,
                    queue: *queue,
                    seat: *seat,
                };
                self.recordings.insert(file.clone(), (*call, Some(message)));
            }
            Event::RecordingClosed { file, .. }
            | Event::MessageLeft { file, .. }
            | Event::RecordingFailed { file, .. } => {
                self.recordings.remove(file);
            }
            _ => {}
        }
        self.last_up_ms = record.stamped.up_ms;
    }

    /// What is left after the last record.
    pub fn leftover(&self) -> Leftover {
        let calls = self.calls.iter().map(|(&call, open)| Unfinished {
            call,
            arrived_at: open.arrived_at,
            known_ms: open.known_ms(self.last_up_ms),
            dialled: open.dialled,
        });
        let recordings = self.recordings.iter();
        let recordings = recordings.map(|(file, (call, message))| OpenRecording {
            call: *call,
            file: file.clone(),
            message: message.clone(),
        });
        Leftover {
            calls: calls.collect(),
            last_call: self.last_call,
            recordings: recordings.collect(),
        }
    }
}

/// What `records` leave unfinished.
pub fn unfinished<'a>(records: impl IntoIterator<Item = &'a Record>) -> Leftover {
    let mut remains = Remains::default();
    for record in records {
        remains.apply(record);
    }
    remains.leftover()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{arrived, dialled, message, queued, records, story};

    #[test]
    fn calls_and_recordings_without_an_end_are_left() {
        let mut events = story(1);
        events.extend([arrived(2), queued(2, "general"), arrived(9)]);
        events.extend(story(3).into_iter().take(12));
        let left = unfinished(&records(events));
        let calls: Vec<_> = left.calls.iter().map(|u| (u.call.0, u.known_ms)).collect();
        // 19 events of call 1, then call 2 at 19 s; the last record is at 33 s.
        assert_eq!(calls, [(2, 14_000), (3, 11_000), (9, 12_000)]);
        assert_eq!(left.last_call, Some(CallId(9)));
        let file = "000003.wav".to_owned();
        assert_eq!(
            left.recordings,
            [OpenRecording {
                call: CallId(3),
                file,
                message: None,
            }]
        );
    }

    #[test]
    fn a_message_that_was_being_said_is_ended_as_one() {
        let events = |count| [vec![arrived(4)], message(4)[..count].to_vec()].concat();
        let left = unfinished(&records(events(1)));
        let end = left.recordings[0].closed(700, "00".repeat(32));
        let Event::MessageLeft {
            message, ms, ended, ..
        } = &end
        else {
            panic!("{end:?}");
        };
        assert_eq!((*message, *ms, *ended), (1, 700, MessageEnd::Interrupted));
        let mut all = events(1);
        all.push(end);
        assert_eq!(unfinished(&records(all)).recordings, []);
        assert_eq!(unfinished(&records(events(2))).recordings, []);
    }

    #[test]
    fn an_end_written_by_the_next_start_settles_it() {
        let version = "0.1.0".to_owned();
        let mut all = records([
            arrived(2),
            queued(2, "general"),
            Event::EngineStarted { version },
        ]);
        all[2].stamped.up_ms = 0;
        let left = unfinished(&all);
        assert_eq!(
            left.calls[0].known_ms, 1_000,
            "its own run's clock, not the next one's"
        );
        let mut end = all[2].clone();
        end.stamped.event = left.calls[0].ended();
        all.push(end);
        assert_eq!(unfinished(&all).calls, []);
        assert_eq!(unfinished(&all).last_call, Some(CallId(2)));
    }

    #[test]
    fn a_seats_call_outside_is_ended_in_its_own_words() {
        let whole = unfinished(&records(dialled(7)));
        assert_eq!((whole.calls, whole.last_call), (vec![], Some(CallId(7))));
        let left = unfinished(&records(dialled(8).into_iter().take(4)));
        assert_eq!(left.recordings.len(), 1);
        let end = left.calls[0].ended();
        assert!(matches!(
            end,
            Event::DialEnded {
                call: CallId(8),
                outcome: Outcome::Interrupted,
                total_ms: 3_000,
                ..
            }
        ));
        let mut events: Vec<_> = dialled(8).into_iter().take(4).collect();
        events.push(end);
        assert_eq!(unfinished(&records(events)).calls, []);
    }

    #[test]
    fn nothing_leaves_nothing() {
        assert_eq!(unfinished(&[]), Leftover::default());
    }
}
