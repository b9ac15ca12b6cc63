//! What an earlier run left unfinished, for the next start to finish.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp, TrunkId,
    event::{Event, MessageEnd, MessageKind, Outcome, ReleasedBy},
    request::Request,
    seat::Reason,
    task::dialable,
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

/// A caller who was to be called back, and stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The call.
    pub call: CallId,
    /// The trunk it came by.
    pub trunk: Option<TrunkId>,
    /// The caller's number; empty where it was withheld.
    pub caller: String,
    /// The number that was dialled.
    pub called: String,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// When it entered its first queue.
    pub queued_at: Timestamp,
    /// When it began to wait, by which its place counts: earlier than its own wait where its caller
    /// rang again and had the place of an earlier call.
    pub place_at: Timestamp,
    /// When the callback was asked for.
    pub requested_at: Timestamp,
    /// The number to be called.
    pub number: String,
    /// The queue it stands in.
    pub queue: QueueId,
    /// Its priority there.
    pub priority: u8,
    /// How often it is called at most.
    pub attempts: u8,
    /// Attempts made so far.
    pub made: u8,
    /// From an attempt that reached nobody to when the place counts again, seconds.
    pub retry_after_s: u64,
    /// How long it stands at most, seconds.
    pub keep_s: u64,
    /// When the place counts again; `None`: it counts.
    pub rests_until: Option<Timestamp>,
    /// The language the caller is spoken to.
    pub language: String,
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
    /// Calls without an end, in order of their ids; but for those that stand on.
    pub calls: Vec<Unfinished>,
    /// Callers who are to be called back, first come first.
    pub standing: Vec<Standing>,
    /// Seats that a supervisor has not ready.
    pub forced: Vec<SeatId>,
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
    forced: BTreeSet<SeatId>,
    last_call: Option<CallId>,
    /// The greatest uptime of the run: what a start writes of the run before stands ahead of its
    /// `EngineStarted` with small ones.
    last_up_ms: u64,
}

#[derive(Clone, Debug)]
struct Open {
    /// What is known of a caller; a seat's own call has none.
    caller: Option<Box<Caller>>,
    arrived_at: Timestamp,
    arrived_up_ms: u64,
    /// Set when its run is over: uptimes of the next run are none of its.
    known_ms: Option<u64>,
    dialled: bool,
}

#[derive(Clone, Debug)]
struct Caller {
    trunk: Option<TrunkId>,
    number: String,
    called: String,
    queued_at: Option<Timestamp>,
    /// The place of an earlier call whose caller rang again with this one.
    taken_over: Option<Timestamp>,
    stands: Option<Standing>,
}

impl Open {
    fn of(record: &Record) -> Self {
        let event = &record.stamped.event;
        let caller = match event {
            Event::CallArrived {
                trunk,
                caller,
                called,
                withheld,
                ..
            } => Some(Box::new(Caller {
                trunk: *trunk,
                number: match withheld {
                    true => String::new(),
                    false => caller.clone(),
                },
                called: called.clone(),
                queued_at: None,
                taken_over: None,
                stands: None,
            })),
            _ => None,
        };
        Self {
            caller,
            arrived_at: record.stamped.at,
            arrived_up_ms: record.stamped.up_ms,
            known_ms: None,
            dialled: matches!(event, Event::CallDialled { .. }),
        }
    }

    /// Follows a caller who is to be called back.
    fn stands(&mut self, at: Timestamp, event: &Event) {
        let arrived_at = self.arrived_at;
        let Some(caller) = &mut self.caller else {
            return;
        };
        match (event, &mut caller.stands) {
            (
                Event::QueueEntered {
                    queue, priority, ..
                },
                stands,
            ) => {
                caller.queued_at.get_or_insert(at);
                if let Some(stands) = stands {
                    (stands.queue, stands.priority) = (*queue, *priority);
                }
            }
            // It asked for a human there, even where it was sent on before it stood in line.
            (Event::QueueOverflowed { .. }, None) => {
                caller.queued_at.get_or_insert(at);
            }
            (Event::CallbackRequested { .. }, _) => {
                caller.stands = caller.requested(arrived_at, at, event);
            }
            (Event::CallbackReached { .. }, stands) => *stands = None,
            (Event::CallPrioritised { priority, .. }, Some(stands)) => {
                stands.priority = *priority;
            }
            // Should the engine stop in the attempt, nobody was reached by it, and it was not the
            // number that decided.
            (Event::CallbackDialled { .. }, Some(stands)) => {
                stands.rests_until = Some(after(at, stands.retry_after_s));
            }
            (
                Event::CallbackFailed {
                    attempt,
                    again_after_s,
                    not_counted,
                    ..
                },
                Some(stands),
            ) => {
                if !not_counted {
                    stands.made = *attempt;
                }
                stands.rests_until = again_after_s.map(|again| after(at, again));
            }
            _ => {}
        }
    }

    fn known_ms(&self, last_up_ms: u64) -> u64 {
        self.known_ms
            .unwrap_or(last_up_ms.saturating_sub(self.arrived_up_ms))
    }
}

fn after(at: Timestamp, seconds: u64) -> Timestamp {
    at.after(core::time::Duration::from_secs(seconds))
}

impl Caller {
    fn requested(
        &self,
        arrived_at: Timestamp,
        requested_at: Timestamp,
        event: &Event,
    ) -> Option<Standing> {
        let Event::CallbackRequested {
            call,
            number,
            queue,
            priority,
            attempts,
            retry_after_s,
            keep_s,
            language,
            in_line_ms,
        } = event
        else {
            return None;
        };
        let queued_at = self.queued_at.unwrap_or(requested_at);
        let taken_over = self.taken_over.unwrap_or(queued_at);
        let place_at = match i64::try_from(*in_line_ms) {
            Ok(0) | Err(_) => queued_at,
            Ok(ms) => Timestamp(requested_at.0.saturating_sub(ms)),
        };
        Some(Standing {
            call: *call,
            place_at: place_at.min(taken_over),
            trunk: self.trunk,
            caller: self.number.clone(),
            called: self.called.clone(),
            arrived_at,
            queued_at,
            requested_at,
            number: number.clone(),
            queue: *queue,
            priority: *priority,
            attempts: *attempts,
            made: 0,
            retry_after_s: *retry_after_s,
            keep_s: *keep_s,
            rests_until: None,
            language: language.clone(),
        })
    }
}

/// One key for all forms in which one number comes.
fn key(number: &str) -> String {
    dialable(number).unwrap_or_else(|| number.to_owned())
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
                self.last_up_ms = 0;
            }
            Event::SeatRequested {
                seat,
                request,
                done: true,
                ..
            } => self.asked(*seat, request),
            Event::CallArrived { call, .. } | Event::CallDialled { call, .. } => {
                self.calls.insert(*call, Open::of(record));
            }
            Event::CallEnded { call, outcome, .. } => {
                let ended = self.calls.remove(call);
                if let Some(caller) = ended.and_then(|it| it.caller)
                    && *outcome == Outcome::RangAgain
                {
                    self.hand_over(*call, &caller);
                }
            }
            Event::DialEnded { call, .. } => {
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
            event => {
                let open = event.call().and_then(|call| self.calls.get_mut(&call));
                if let Some(open) = open {
                    open.stands(record.stamped.at, event);
                }
            }
        }
        self.last_up_ms = self.last_up_ms.max(record.stamped.up_ms);
    }

    /// What a supervisor forced only a supervisor ends: an agent's wish is not done meanwhile.
    fn asked(&mut self, seat: SeatId, request: &str) {
        let forced = request.strip_prefix(Request::NotReady.words());
        if forced.is_some_and(|reason| reason.trim() == Reason::Forced.word()) {
            self.forced.insert(seat);
        } else if matches!(
            Request::of(request),
            Some(Request::Ready | Request::NotReady)
        ) {
            self.forced.remove(&seat);
        }
    }

    /// The caller rang again: the later call has the place.
    fn hand_over(&mut self, from: CallId, caller: &Caller) {
        let Some(stands) = caller.stands.as_ref() else {
            return;
        };
        let (place, numbers) = (stands.place_at, [key(&caller.number), key(&stands.number)]);
        let later = self.calls.iter_mut().rev();
        let mut later = later
            .take_while(|&(&call, _)| call > from)
            .filter_map(|(_, open)| open.caller.as_mut());
        // Who withheld the number is known by none.
        let same = |heir: &&mut Box<Caller>| {
            !heir.number.is_empty() && numbers.contains(&key(&heir.number))
        };
        if let Some(heir) = later.find(same) {
            heir.taken_over = Some(place);
        }
    }

    /// What is left after the last record.
    pub fn leftover(&self) -> Leftover {
        let stands = |open: &&Open| open.caller.as_ref().and_then(|it| it.stands.clone());
        let mut standing: Vec<Standing> = self
            .calls
            .values()
            .filter_map(|open| stands(&open))
            .collect();
        standing.sort_by_key(|it| (it.place_at.0, it.call));
        let calls = self.calls.iter().filter(|(_, open)| stands(open).is_none());
        let calls = calls.map(|(&call, open)| Unfinished {
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
            standing,
            forced: self.forced.iter().copied().collect(),
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
    use crate::samples::{
        arrived, callback_dialled, callback_failed, callback_requested, dialled, ended, message,
        overflowed, queued, records, seat, story,
    };

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
    fn what_a_start_writes_of_the_run_before_does_not_shorten_who_stands_on() {
        let reached = Event::CallbackReached {
            call: CallId(2),
            seat: seat("1001"),
            attempt: 1,
            since_requested_ms: 1_000,
        };
        let version = "0.1.0".to_owned();
        let mut all = records([
            arrived(2),
            queued(2, "general"),
            callback_requested(2),
            arrived(3),
            ended(3, Outcome::Interrupted),
            Event::EngineStarted { version },
            reached,
        ]);
        for (record, up_ms) in all.iter_mut().skip(3).zip([7_200_000, 30, 31, 5_000]) {
            record.stamped.up_ms = up_ms;
        }
        let began = all[0].stamped.up_ms;
        // Reached after the start, and cut by the next crash.
        let left = unfinished(&all);
        let known: Vec<_> = left
            .calls
            .iter()
            .map(|it| (it.call.0, it.known_ms))
            .collect();
        assert_eq!(known, [(2, 7_200_000 - began)]);
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
    fn wazo_calld_423_what_a_supervisor_forced_outlives_the_engine() {
        let asked = |name: &str, request: &str, done| Event::SeatRequested {
            seat: seat(name),
            request: request.to_owned(),
            through: "api:lead".to_owned(),
            done,
        };
        let version = "0.1.0".to_owned();
        let events = vec![
            asked("1001", "not-ready forced", true),
            asked("1002", "not-ready forced", true),
            asked("1003", "not-ready forced", true),
            // The agents' own wishes: one is not done, and who signs out is signed in as forced.
            asked("1001", "ready", false),
            asked("1001", "sign-out", true),
            Event::EngineStarted { version },
            // The supervisor's.
            asked("1002", "ready", true),
            asked("1003", "not-ready meal", true),
        ];
        assert_eq!(unfinished(&records(events)).forced, [seat("1001")]);
    }

    /// A caller who asked to be called back, and what came of it.
    fn stands(mut events: Vec<Event>) -> Leftover {
        let mut all = vec![
            arrived(2),
            queued(2, "business"),
            queued(2, "general"),
            callback_requested(2),
        ];
        all.append(&mut events);
        unfinished(&records(all))
    }

    #[test]
    fn who_is_to_be_called_back_stands_on_and_is_not_interrupted() {
        let left = stands(vec![queued(2, "general"), arrived(3)]);
        assert_eq!(left.calls.len(), 1, "{left:?}");
        assert_eq!(left.calls[0].call, CallId(3));
        let [standing] = left.standing.as_slice() else {
            panic!("{left:?}");
        };
        assert_eq!((standing.call, standing.made), (CallId(2), 0));
        assert_eq!(standing.number, "13800000002");
        let since = standing.arrived_at.0;
        assert_eq!(standing.queued_at.0 - since, 1_000, "the first queue's");
        assert_eq!(standing.requested_at.0 - since, 3_000);
        assert_eq!((standing.priority, standing.rests_until), (5, None));
    }

    #[test]
    fn who_rang_again_stands_at_the_place_of_the_first_call() {
        let mut second = callback_requested(3);
        if let Event::CallbackRequested { in_line_ms, .. } = &mut second {
            // Its place is older than the other's, whose entry came first.
            *in_line_ms = 60_000;
        }
        let left = stands(vec![arrived(3), queued(3, "general"), second]);
        let order: Vec<_> = left.standing.iter().map(|it| it.call.0).collect();
        assert_eq!(order, [3, 2]);
        let place = left.standing[0].place_at.0 - left.standing[0].requested_at.0;
        assert_eq!(place, -60_000);
    }

    #[test]
    fn a_withheld_number_is_not_the_callers_to_ring_again_by() {
        let mut hidden = arrived(2);
        if let Event::CallArrived { withheld, .. } = &mut hidden {
            *withheld = true;
        }
        let left = unfinished(&records([
            hidden,
            queued(2, "general"),
            callback_requested(2),
        ]));
        assert_eq!(left.standing[0].caller, "");
        assert_eq!(left.standing[0].number, "13800000002");
    }

    #[test]
    fn a_callback_goes_on_after_the_attempts_that_were_made() {
        let until = |left: &Leftover| {
            let standing = left.standing.first()?;
            let rests = standing.rests_until.map(|at| at.0 - standing.arrived_at.0);
            Some((standing.made, rests))
        };
        // At 4 s it was dialled, at 5 s it failed.
        let dialled = stands(vec![callback_dialled(2, 1)]);
        assert_eq!(until(&dialled), Some((0, Some(604_000))));
        let mut in_vain = callback_failed(2, 1, Some(600));
        if let Event::CallbackFailed { not_counted, .. } = &mut in_vain {
            *not_counted = true;
        }
        let twice = [callback_dialled(2, 1), in_vain, callback_dialled(2, 1)];
        assert_eq!(until(&stands(twice.to_vec())), Some((0, Some(606_000))));
        let failed = vec![callback_dialled(2, 1), callback_failed(2, 1, Some(600))];
        assert_eq!(until(&stands(failed.clone())), Some((1, Some(605_000))));
        let call = CallId(2);
        let moved = Event::CallPrioritised {
            call,
            priority: 1,
            by: "api:lead".into(),
        };
        let left = stands([failed, vec![queued(2, "business"), moved]].concat());
        let standing = &left.standing[0];
        assert_eq!(
            (standing.queue.as_str(), standing.priority),
            ("business", 1)
        );
        // Whoever was reached talks, and a stop in mid-talk interrupts that.
        let reached = Event::CallbackReached {
            call,
            seat: seat("1001"),
            attempt: 1,
            since_requested_ms: 1_000,
        };
        let left = stands(vec![callback_dialled(2, 1), reached]);
        assert_eq!((left.standing.len(), left.calls.len()), (0, 1));
        let left = stands(vec![ended(2, Outcome::Unreached)]);
        assert_eq!((left.standing.len(), left.calls.len()), (0, 0));
    }

    #[test]
    fn places_taken_over_and_of_full_queues_outlive_the_engine() {
        let of = |call: u64, caller: u64| match arrived(caller) {
            Event::CallArrived {
                trunk,
                caller,
                called,
                sip_call_id,
                withheld,
                ..
            } => Event::CallArrived {
                call: CallId(call),
                trunk,
                caller,
                called,
                sip_call_id,
                withheld,
            },
            other => other,
        };
        let order = |events: Vec<Event>| {
            let left = unfinished(&records(events)).standing;
            left.iter().map(|it| it.call.0).collect::<Vec<_>>()
        };
        // The first caller rings again after the second came, has the old place and is promised a
        // callback again.
        let mut events = vec![arrived(1), queued(1, "general"), callback_requested(1)];
        events.extend([arrived(2), queued(2, "general"), callback_requested(2)]);
        events.extend([of(3, 1), ended(1, Outcome::RangAgain)]);
        events.extend([queued(3, "general"), callback_requested(3)]);
        assert_eq!(order(events), [3, 2]);
        // Sent to the offer by a full queue, and promised after another who came later.
        let mut events = vec![arrived(1), overflowed(1, "general")];
        events.extend([arrived(2), queued(2, "general"), callback_requested(2)]);
        events.push(callback_requested(1));
        assert_eq!(order(events), [1, 2]);
    }

    #[test]
    fn nothing_leaves_nothing() {
        assert_eq!(unfinished(&[]), Leftover::default());
    }
}
