//! The live calls: where each stands and since when, from events alone.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    CallId, QueueId, SeatId,
    event::Event,
    guest::{GuestMode, GuestName},
    privacy::Masked,
    seat::OfferResult,
};

use crate::{
    Record,
    wallboard::{CallLine, GuestLine, Stage},
};

/// The live calls of the present run.
#[derive(Clone, Debug, Default)]
pub struct LiveCalls {
    calls: BTreeMap<CallId, Live>,
    /// Seats that talk with each other.
    consults: BTreeSet<(SeatId, SeatId)>,
}

#[derive(Clone, Debug)]
struct Live {
    stage: Stage,
    /// Masked already: the whole number is not needed here.
    caller: String,
    called: String,
    queue: Option<QueueId>,
    /// Priority and number of its first entry into a queue: the order of the line. A call that
    /// comes back keeps its place.
    place: Option<(u8, u64)>,
    seat: Option<SeatId>,
    since_up_ms: u64,
    arrived_up_ms: u64,
    /// How long it lived in an earlier run, ms.
    before_ms: u64,
    /// It is to be called back.
    calls_back: bool,
    /// It stands in no line until the next attempt.
    rests: bool,
    guests: Vec<Guest>,
    nth_call: Option<u32>,
    last_seat: Option<SeatId>,
}

#[derive(Clone, Debug)]
struct Guest {
    name: GuestName,
    /// What is shown: its number masked.
    line: GuestLine,
}

impl LiveCalls {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        let up_ms = record.stamped.up_ms;
        match &record.stamped.event {
            // Calls of an earlier run are gone, and their uptimes mean nothing now.
            Event::EngineStarted { .. } | Event::EngineStopped {} => *self = Self::default(),
            Event::ConsultStarted { from, to } => {
                self.consults.insert((*from, *to));
            }
            Event::ConsultEnded { from, to, .. } => {
                self.consults.remove(&(*from, *to));
            }
            Event::CallArrived {
                call,
                caller,
                called,
                withheld,
                ..
            } => {
                let shown = if *withheld { "" } else { caller.as_str() };
                let caller = Masked(shown).to_string();
                let live = Live::new(Stage::Arriving, caller, called.clone(), up_ms);
                self.calls.insert(*call, live);
            }
            Event::CallbackRestored {
                call,
                caller,
                called,
                lived_ms,
                ..
            } => {
                let caller = Masked(caller).to_string();
                let mut live = Live::new(Stage::CallbackWaiting, caller, called.clone(), up_ms);
                (live.calls_back, live.before_ms) = (true, *lived_ms);
                self.calls.insert(*call, live);
            }
            Event::CallDialled {
                call, seat, called, ..
            } => {
                let called = Masked(called).to_string();
                let mut live = Live::new(Stage::Dialling, seat.to_string(), called, up_ms);
                live.seat = Some(*seat);
                self.calls.insert(*call, live);
            }
            Event::CallEnded { call, .. } | Event::DialEnded { call, .. } => {
                self.calls.remove(call);
            }
            event => {
                if let Some(live) = event.call().and_then(|call| self.calls.get_mut(&call)) {
                    live.apply(event, record.seq, up_ms);
                }
            }
        }
    }

    /// One line per call, oldest first. `now_up_ms` is the engine's uptime.
    pub fn lines(&self, now_up_ms: u64) -> Vec<CallLine> {
        let positions = self.positions();
        let mut lines: Vec<_> = self
            .calls
            .iter()
            .map(|(&call, live)| CallLine {
                call,
                stage: live.stage,
                caller: live.caller.clone(),
                called: live.called.clone(),
                queue: live.queue,
                seat: live.seat,
                position: positions.get(&call).copied(),
                expected_wait: None,
                since_ms: now_up_ms.saturating_sub(live.since_up_ms),
                total_ms: now_up_ms.saturating_sub(live.arrived_up_ms) + live.before_ms,
                guests: live.guests.iter().map(|it| it.line.clone()).collect(),
                nth_call: live.nth_call,
                last_seat: live.last_seat,
            })
            .collect();
        lines.sort_by_key(|line| core::cmp::Reverse(line.total_ms));
        lines
    }

    /// The places of all waiting calls in their queues, 1 is next.
    fn positions(&self) -> BTreeMap<CallId, u32> {
        let waiting = self.calls.iter().filter(|(_, live)| live.is_in_line());
        let mut line: Vec<_> = waiting
            .map(|(&call, live)| (live.queue, live.place, call))
            .collect();
        line.sort_unstable();
        let mut last = (None, 0);
        line.into_iter()
            .map(|(queue, _, call)| {
                let position = if last.0 == queue { last.1 + 1 } else { 1 };
                last = (queue, position);
                (call, position)
            })
            .collect()
    }

    /// The seats that talk with each other.
    pub fn consulting(&self) -> BTreeSet<SeatId> {
        let pairs = self.consults.iter();
        pairs.flat_map(|&(from, to)| [from, to]).collect()
    }

    /// How many calls live.
    pub fn count(&self) -> usize {
        self.calls.len()
    }
}

impl Live {
    fn new(stage: Stage, caller: String, called: String, up_ms: u64) -> Self {
        Self {
            stage,
            caller,
            called,
            queue: None,
            place: None,
            seat: None,
            since_up_ms: up_ms,
            arrived_up_ms: up_ms,
            before_ms: 0,
            calls_back: false,
            rests: false,
            guests: Vec::new(),
            nth_call: None,
            last_seat: None,
        }
    }

    fn apply(&mut self, event: &Event, seq: u64, up_ms: u64) {
        match event {
            Event::CallerRecognised {
                calls, last_seat, ..
            } => (self.nth_call, self.last_seat) = (Some(*calls), *last_seat),
            // The survey is a script too, and changes no stage.
            Event::ScriptStarted { .. } if self.stage == Stage::Arriving => {
                self.enter(Stage::Menu, up_ms);
            }
            Event::QueueEntered {
                queue, priority, ..
            } => {
                let first = self.place.map_or(seq, |(_, first)| first);
                self.place = Some((*priority, first));
                (self.queue, self.seat) = (Some(*queue), None);
                self.rests = false;
                self.enter(self.waiting(), up_ms);
            }
            Event::CallbackRequested {
                queue, priority, ..
            } => {
                (self.calls_back, self.queue) = (true, Some(*queue));
                self.place = self.place.or(Some((*priority, seq)));
                self.enter(Stage::CallbackWaiting, up_ms);
            }
            Event::CallbackDialled { seat, .. } => {
                self.seat = Some(*seat);
                self.enter(Stage::CallingBack, up_ms);
            }
            Event::CallbackFailed { .. } => {
                (self.seat, self.rests) = (None, true);
                self.enter(Stage::CallbackWaiting, up_ms);
            }
            Event::CallbackReached { .. } => self.calls_back = false,
            Event::CallPrioritised { priority, .. } => {
                self.place = self.place.map(|(_, first)| (*priority, first));
            }
            // Into another queue the call enters by an event of its own.
            Event::QueueOverflowed { to, .. } if to.starts_with("script:") => {
                self.queue = None;
                self.enter(Stage::Menu, up_ms);
            }
            Event::QueueOverflowed { to, .. } if to.starts_with("outside:") => {
                self.queue = None;
                self.enter(Stage::Transferring, up_ms);
            }
            Event::SeatOffered { seat, .. } => {
                self.seat = Some(*seat);
                let rung = if self.is_a_talk() {
                    Stage::Transferring
                } else {
                    Stage::Offering
                };
                self.enter(rung, up_ms);
            }
            // A guest is called, or has answered: the talk is where it was.
            Event::TrunkTried {
                for_guest: true, ..
            }
            | Event::OutsideAnswered {
                for_guest: true, ..
            } => {}
            // A trunk carries a caller on to somebody outside.
            Event::TrunkTried { .. } if self.is_a_talk() => self.enter(Stage::Transferring, up_ms),
            // Where the caller is then is told by what follows.
            Event::OfferEnded { .. } if self.stage == Stage::Transferring => {}
            Event::OfferEnded { result, .. } if *result != OfferResult::Answered => {
                self.seat = None;
                self.enter(self.waiting(), up_ms);
            }
            Event::SeatAnswered { seat, .. } => {
                self.seat = Some(*seat);
                self.enter(Stage::Talking, up_ms);
            }
            // The seat's answer follows.
            Event::OutsideAnswered { .. } if self.stage == Stage::CallingBack => {}
            Event::OutsideAnswered { .. } => self.enter(Stage::Talking, up_ms),
            // Whoever took the caller is no seat; or the seat that called outside is another now.
            // Of a call that came in the seat's answer follows.
            Event::TalkTransferred { to, .. } => {
                if to.starts_with("outside:") {
                    self.seat = None;
                } else if let Ok(seat) = SeatId::new(to) {
                    self.seat = Some(seat);
                }
            }
            Event::TransferFailed { from, back, .. } => {
                let (seat, stage) = if *back {
                    (Some(*from), Stage::Talking)
                } else {
                    (None, Stage::Waiting)
                };
                self.seat = seat;
                self.enter(stage, up_ms);
            }
            Event::SurveyOffered { .. } => self.enter(Stage::Surveying, up_ms),
            event => self.guests_changed(event),
        }
    }

    fn guests_changed(&mut self, event: &Event) {
        match event {
            Event::GuestCalled { guest, mode, .. } => self.guests.push(Guest {
                name: guest.clone(),
                line: GuestLine {
                    name: guest.masked(),
                    mode: *mode,
                    joined: false,
                    // Supervisors' guests are seats.
                    asked: *mode == GuestMode::Consult || guest.seat().is_none(),
                },
            }),
            Event::GuestJoined { guest, mode, .. } => {
                if let Some(line) = self.guest(guest) {
                    (line.joined, line.mode) = (true, *mode);
                }
            }
            Event::GuestModeChanged { guest, mode, .. } => {
                if let Some(line) = self.guest(guest) {
                    line.mode = *mode;
                }
            }
            Event::GuestLeft { guest, .. } => self.guests.retain(|it| it.name != *guest),
            _ => {}
        }
    }

    fn guest(&mut self, name: &GuestName) -> Option<&mut GuestLine> {
        let mut guests = self.guests.iter_mut();
        let guest = guests.find(|it| it.name == *name)?;
        Some(&mut guest.line)
    }

    /// How it waits for a human.
    const fn waiting(&self) -> Stage {
        if self.calls_back {
            Stage::CallbackWaiting
        } else {
            Stage::Waiting
        }
    }

    /// Whether it stands in a queue's line.
    const fn is_in_line(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::CallbackWaiting) && !self.rests
    }

    /// Whether a human has answered, and nothing came after that.
    const fn is_a_talk(&self) -> bool {
        matches!(self.stage, Stage::Talking | Stage::Transferring)
    }

    fn enter(&mut self, stage: Stage, up_ms: u64) {
        // A second queue or script in the same stage does not start its clock again.
        if self.stage != stage {
            (self.stage, self.since_up_ms) = (stage, up_ms);
        }
    }
}
