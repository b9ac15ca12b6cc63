//! The judge: the invariants of distribution, checked after every step from the journal's events
//! and from what the floor shows.

mod promises;

use std::collections::{BTreeMap, BTreeSet};

use hotline_acd::{FloorSettings, replay::Replay};
use hotline_calls::{Exchange, settings::Settings};
use hotline_media::Command;
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    event::{Event, Outcome, Stamped},
    seat::{OfferResult, Work},
};
use promises::Promises;

/// What the events said so far.
#[derive(Default)]
pub struct Checks {
    live: BTreeSet<CallId>,
    ended: BTreeSet<CallId>,
    offers: BTreeMap<SeatId, CallId>,
    talks: BTreeMap<SeatId, CallId>,
    lines: Lines,
    promises: Promises,
    recordings: BTreeSet<String>,
    replay: Replay,
    /// Offered, and who stood before.
    passed_over: Vec<(CallId, CallId)>,
    broken: Option<String>,
}

/// Who stands in which line, by the events alone.
#[derive(Default)]
struct Lines {
    /// Where each call stands, stood or will again when its offer fails: the queue, and its place.
    places: BTreeMap<CallId, (QueueId, Place)>,
    waiting: BTreeSet<(QueueId, Place, CallId)>,
}

/// Who is served first, and since when (uptime, ms) a call is in line. It keeps that when it comes
/// back, and may change the queue with it.
type Place = (u8, u64);

impl Lines {
    fn entered(&mut self, call: CallId, queue: QueueId, priority: u8, up_ms: u64) {
        self.left(call);
        let since = self
            .places
            .get(&call)
            .map_or(up_ms, |&(_, (_, first))| first);
        self.places.insert(call, (queue, (priority, since)));
        self.came_back(call);
    }

    /// The call has the other's place, if that is the better one.
    fn takes_over(&mut self, call: CallId, other: CallId) {
        let Some(&(queue, (priority, of_other))) = self.places.get(&other) else {
            return;
        };
        let own = self.places.get(&call).copied();
        let own = own.map_or(u64::MAX, |(_, (_, since))| since);
        self.left(call);
        let place = (priority, own.min(of_other));
        self.places.insert(call, (queue, place));
    }

    fn came_back(&mut self, call: CallId) {
        if let Some(&(queue, place)) = self.places.get(&call) {
            self.waiting.insert((queue, place, call));
        }
    }

    fn left(&mut self, call: CallId) {
        if let Some(&(queue, place)) = self.places.get(&call) {
            self.waiting.remove(&(queue, place, call));
        }
    }

    /// Who waits in the call's line and comes before it.
    fn before(&self, call: CallId) -> Option<CallId> {
        let &(queue, place) = self.places.get(&call)?;
        let line = self.waiting.range((queue, (0, 0), CallId(0))..);
        let (of, first, before) = *line.take(1).next()?;
        (of == queue && first < place).then_some(before)
    }
}

impl Checks {
    /// Of an exchange with these settings, from its start.
    pub fn of(settings: &Settings) -> Self {
        let mut checks = Self::default();
        checks.floor_is(settings);
        checks
    }

    /// A floor begins with these settings.
    pub fn floor_is(&mut self, settings: &Settings) {
        let floor = FloorSettings {
            queues: settings.queues.iter().map(|it| it.floor.clone()).collect(),
            seats: settings.seats.iter().map(|it| it.floor.clone()).collect(),
        };
        self.replay.set(Instant::START, floor);
    }

    /// Takes in an event.
    pub fn happened(&mut self, stamped: &Stamped) {
        // Invariant 6: what the floor decided follows from what it was told.
        if let Err(difference) = self.replay.happened(&stamped.event) {
            self.require(false, || difference.to_string());
        }
        if let Event::CallEnded { call, outcome, .. } = &stamped.event
            && *outcome == Outcome::RangAgain
        {
            let heir = self.promises.heir(*call);
            self.require(heir.is_some(), || format!("nobody rang again for {call}"));
            if let Some(heir) = heir {
                self.lines.takes_over(heir, *call);
            }
        }
        if let Err(broken) = self.promises.happened(stamped.up_ms, &stamped.event) {
            self.require(false, || broken);
        }
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
                self.lines.left(*call);
                self.lines.places.remove(call);
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
                self.lines.entered(*call, *queue, *priority, stamped.up_ms);
            }
            Event::QueueOverflowed { call, queue, .. } => {
                self.lines.left(*call);
                // Who is sent on by a full queue never stood in it, and has a place all the same.
                let place = (*queue, (0, stamped.up_ms));
                self.lines.places.entry(*call).or_insert(place);
            }
            Event::SeatOffered { call, seat, .. } => self.offered(*call, *seat),
            Event::OfferEnded {
                call, seat, result, ..
            } => {
                let over = matches!(result, OfferResult::Answered | OfferResult::CallerGone);
                let talks = self.talks.values().any(|talking| talking == call);
                if !over && !talks {
                    self.lines.came_back(*call);
                }
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
        // Invariant 3: of one queue the first is served first. Who talks is handed from seat to seat.
        let talks = self.talks.values().any(|&talking| talking == call);
        let before = self.lines.before(call).filter(|_| !talks);
        self.passed_over.extend(before.map(|before| (call, before)));
        self.lines.left(call);
        let live = self.live.contains(&call);
        self.require(live, || format!("call {call} was offered after its end"));
        self.offers.insert(seat, call);
    }

    /// The exchange calls this number through a carrier.
    pub fn calls_citizen(&mut self, number: &str) {
        if let Err(broken) = self.promises.called(number) {
            self.require(false, || broken);
        }
    }

    /// The engine was killed and starts anew: no seat has anything any more, and nobody stands in
    /// line until a call is stood there again.
    pub fn restarted(&mut self) {
        self.offers.clear();
        self.talks.clear();
        self.lines.waiting.clear();
        self.promises.restarted();
    }

    /// How promises of a callback ended: how, and how often.
    pub fn promises(&self) -> &BTreeMap<&'static str, usize> {
        &self.promises.ended
    }

    /// A call whose promise of a callback did not end.
    pub fn open_promise(&self) -> Option<CallId> {
        self.promises.open()
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
        if let Some((call, before)) = self.passed_over.first() {
            return Err(format!(
                "call {call} was offered before call {before}, who came first"
            ));
        }
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// What can be judged at any moment.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn rules(&mut self, exchange: &Exchange) -> Result<(), String> {
        // While no trunk can carry a callback, it stands aside and says nothing.
        let rests = |call: CallId| exchange.stage_of(call) == Some("resting");
        self.passed_over.retain(|&(_, before)| !rests(before));
        self.story()?;
        let floor = &exchange.switchboard().floor;
        // Invariant 2: nobody waits before a seat that stands ready, recounted from the states.
        floor.audit()?;
        for queue in floor.queue_ids() {
            // And a supervisor can be told why.
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
        if let Some(call) = self.promises.open() {
            return Err(format!("the promise to {call} never ended"));
        }
        let kept = exchange.switchboard().callbacks.len();
        if kept > 0 {
            return Err(format!("{kept} callbacks are kept for nobody"));
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

#[cfg(test)]
mod tests {
    use hotline_model::Timestamp;

    use super::*;

    fn id(name: &str) -> QueueId {
        QueueId::new(name).unwrap()
    }

    fn told(events: Vec<Event>) -> Result<(), String> {
        let mut checks = Checks::default();
        for (at, event) in events.into_iter().enumerate() {
            checks.happened(&Stamped {
                at: Timestamp(0),
                up_ms: at as u64,
                event,
            });
        }
        checks.story()
    }

    fn entered(call: u64, queue: &str, priority: u8) -> [Event; 2] {
        let call = CallId(call);
        let arrived = Event::CallArrived {
            call,
            trunk: None,
            caller: String::new(),
            called: String::new(),
            sip_call_id: String::new(),
            withheld: false,
        };
        let queue = id(queue);
        let entered = Event::QueueEntered {
            call,
            queue,
            priority,
            position: 1,
        };
        [arrived, entered]
    }

    fn offered(call: u64, seat: &str) -> Event {
        Event::SeatOffered {
            call: CallId(call),
            seat: SeatId::new(seat).unwrap(),
            queue: id("general"),
            why: String::new(),
        }
    }

    fn ended(call: u64, seat: &str, result: OfferResult) -> Event {
        Event::OfferEnded {
            call: CallId(call),
            seat: SeatId::new(seat).unwrap(),
            result,
            rang_ms: 0,
        }
    }

    #[test]
    fn whoever_came_first_is_served_first() {
        let three = || {
            let others = entered(2, "general", 0).into_iter();
            let others = others.chain(entered(3, "business", 0));
            entered(1, "general", 0).into_iter().chain(others)
        };
        let wrong = told(three().chain([offered(2, "11")]).collect());
        assert!(wrong.unwrap_err().contains("call 2 was offered before"));
        assert_eq!(told(three().chain([offered(3, "11")]).collect()), Ok(()));
        // Who comes back from an offer stands where he stood.
        let back = [offered(1, "11"), ended(1, "11", OfferResult::Refused)];
        let wrong = told(
            three()
                .chain(back.clone())
                .chain([offered(2, "12")])
                .collect(),
        );
        assert!(wrong.unwrap_err().contains("call 2 was offered before"));
        let right = [offered(1, "12"), offered(2, "11")];
        assert_eq!(told(three().chain(back).chain(right).collect()), Ok(()));
    }

    #[test]
    fn a_better_priority_comes_first() {
        let both = || {
            entered(1, "general", 1)
                .into_iter()
                .chain(entered(2, "general", 0))
        };
        assert_eq!(told(both().chain([offered(2, "11")]).collect()), Ok(()));
        assert!(told(both().chain([offered(1, "11")]).collect()).is_err());
    }
}
