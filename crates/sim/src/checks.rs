//! The judge: the invariants of distribution, checked after every step from the journal's events
//! and from what the floor shows.

use std::collections::{BTreeMap, BTreeSet};

use hotline_calls::Exchange;
use hotline_media::Command;
use hotline_model::{
    CallId, QueueId, SeatId,
    event::{Event, Stamped},
    seat::Work,
};

/// What the events said so far.
#[derive(Default)]
pub struct Checks {
    live: BTreeSet<CallId>,
    ended: BTreeSet<CallId>,
    offers: BTreeMap<SeatId, CallId>,
    talks: BTreeMap<SeatId, CallId>,
    queued: BTreeMap<CallId, (QueueId, u8, usize)>,
    recordings: BTreeSet<String>,
    broken: Option<String>,
    entries: usize,
}

impl Checks {
    /// Takes in an event.
    pub fn happened(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::CallArrived { call, .. } => {
                let new = self.live.insert(*call);
                self.require(new, || format!("call {call} arrived twice"));
            }
            Event::CallEnded { call, .. } => {
                let known = self.live.remove(call) && self.ended.insert(*call);
                self.require(known, || {
                    format!("call {call} ended twice or never arrived")
                });
                self.queued.remove(call);
                let rung = self.offers.values().any(|offered| offered == call);
                let talks = self.talks.values().any(|talking| talking == call);
                self.require(!rung && !talks, || {
                    format!("call {call} ended with a seat in it")
                });
            }
            Event::QueueEntered {
                call,
                queue,
                priority,
                ..
            } => {
                // A call that comes back keeps its first place.
                self.entries += 1;
                let entry = (*queue, *priority, self.entries);
                self.queued.entry(*call).or_insert(entry);
            }
            Event::SeatOffered { call, seat, .. } => self.offered(*call, *seat),
            Event::OfferEnded { call, seat, .. } => {
                let was = self.offers.remove(seat);
                self.require(was == Some(*call), || {
                    format!("offer of {call} to {seat} ended twice")
                });
            }
            Event::SeatAnswered { call, seat, .. } => {
                let free = self.talks.insert(*seat, *call).is_none();
                self.require(free, || {
                    format!("seat {seat} answered {call} while talking")
                });
                let winners = self
                    .talks
                    .values()
                    .filter(|&talking| talking == call)
                    .count();
                self.require(winners == 1, || {
                    format!("{winners} seats answered call {call}")
                });
            }
            Event::TalkEnded { call, seat, .. } => {
                let was = self.talks.remove(seat);
                self.require(was == Some(*call), || {
                    format!("talk of {call} at {seat} ended twice")
                });
            }
            Event::RecordingStarted { file, .. } | Event::MessageBegan { file, .. } => {
                let new = self.recordings.insert(file.clone());
                self.require(new, || format!("{file} began twice"));
            }
            Event::RecordingClosed { file, .. }
            | Event::RecordingFailed { file, .. }
            | Event::MessageLeft { file, .. } => {
                let known = self.recordings.remove(file);
                self.require(known, || format!("{file} closed twice"));
            }
            _ => {}
        }
    }

    /// Invariant 1: one seat has at most one offer or call, one call at most one seat.
    fn offered(&mut self, call: CallId, seat: SeatId) {
        let busy = self.offers.get(&seat).or(self.talks.get(&seat)).copied();
        self.require(busy.is_none(), || {
            format!("seat {seat} was offered {call} while in {busy:?}")
        });
        let twice = self.offers.values().any(|&offered| offered == call);
        self.require(!twice, || format!("call {call} was offered to two seats"));
        let live = self.live.contains(&call);
        self.require(live, || format!("call {call} was offered after its end"));
        self.offers.insert(seat, call);
    }

    fn require(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// The media threads are told something: none knows the legs of another.
    pub fn told(&mut self, command: &Command) {
        let one = command.is_of_one_thread();
        self.require(one, || {
            format!("two media threads are to meet: {command:?}")
        });
    }

    /// What the events alone say.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn story(&self) -> Result<(), String> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// What can be judged at any moment.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn rules(&self, exchange: &Exchange) -> Result<(), String> {
        self.story()?;
        let floor = &exchange.switchboard().floor;
        for queue in floor.queue_ids() {
            let Some(view) = floor.queue(queue) else {
                continue;
            };
            if view.waiting == 0 {
                continue;
            }
            // Invariant 2: who waits waits for a reason, and never for a seat that could serve.
            if let Some(first) = floor.waiting(queue).next()
                && floor.explain(first).is_empty()
            {
                return Err(format!("call {first} waits in {queue} for no reason"));
            }
        }
        Ok(())
    }

    /// What must be true when the day is over: every call ended exactly once (invariant 4), and no
    /// seat is stuck (invariant 5).
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn conservation(&self, exchange: &Exchange) -> Result<(), String> {
        if let Some(call) = self.live.first() {
            let stage = exchange.stage_of(*call);
            return Err(format!("call {call} never ended (stage {stage:?})"));
        }
        if exchange.live_calls() > 0 {
            return Err(format!(
                "{} calls live without a trace",
                exchange.live_calls()
            ));
        }
        let legs = exchange.switchboard().live_legs();
        if legs > 0 {
            return Err(format!("{legs} legs are left"));
        }
        let floor = &exchange.switchboard().floor;
        for seat in floor.seat_ids() {
            match floor.seat(seat) {
                Some(view) if view.work == Work::Free && view.call.is_none() => {}
                view => return Err(format!("seat {seat} is stuck: {view:?}")),
            }
        }
        Ok(())
    }

    /// Calls that arrived and ended.
    pub fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Recordings that began and did not close.
    pub fn open_recordings(&self) -> usize {
        self.recordings.len()
    }
}
