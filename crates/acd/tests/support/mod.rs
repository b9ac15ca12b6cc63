//! What the floor's tests share: short names, a seeded dice, and a watcher that checks the
//! invariants of distribution from the outside after every step.
#![cfg(not(loom))]
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod histories;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hotline_acd::{
    Floor, Input, Output, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, rules,
};
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    seat::{Device, Intent, OfferResult, Work},
};

pub fn at(s: u64) -> Instant {
    Instant::START + Duration::from_secs(s)
}

pub fn at_ms(ms: u64) -> Instant {
    Instant::START + Duration::from_millis(ms)
}

pub fn q(name: &str) -> QueueId {
    QueueId::new(name).unwrap()
}

pub fn s(name: &str) -> SeatId {
    SeatId::new(name).unwrap()
}

pub fn queue(name: &str) -> QueueSettings {
    QueueSettings::new(q(name))
}

pub fn seat(name: &str, queues: &[&str]) -> SeatSettings {
    SeatSettings {
        queues: queues.iter().map(|name| q(name)).collect(),
        ..SeatSettings::new(s(name))
    }
}

/// SplitMix64: enough for choosing test steps, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// Where a call is, as anybody can tell from what went in and came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Waiting,
    Offered(SeatId),
    Talking(SeatId),
}

#[derive(Clone, Debug)]
pub struct Tracked {
    pub queue: QueueId,
    pub place: (u8, Instant, CallId),
    pub seen: Seen,
    /// Seats to which it was to be transferred from a talk: they are reserved until they answer or
    /// are given free.
    wished: Vec<SeatId>,
    /// The seat that it wanted at first, and until when.
    wanted: Option<(SeatId, Instant)>,
    /// Queues that it left by overflow.
    been: Vec<QueueId>,
    /// It was promised a callback by its place.
    promised: bool,
}

/// Counts for conservation: what came in must have gone out or still be here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub queued: u64,
    pub talked: u64,
    pub left: u64,
    pub timed_out: u64,
    /// Let go by overflow.
    pub overflowed: u64,
    /// From one queue to another.
    pub moved: u64,
    /// Calls that a supervisor moved or picked.
    pub by_hand: u64,
    pub offers: u64,
    pub answered: u64,
    pub failed: u64,
    pub withdrawn: u64,
}

/// A floor and the watcher beside it.
pub struct World {
    pub floor: Floor,
    pub now: Instant,
    pub queues: Vec<QueueSettings>,
    pub seats: Vec<SeatSettings>,
    pub calls: BTreeMap<CallId, Tracked>,
    pub tally: Tally,
    /// When the last input but one came.
    pub before: Instant,
    /// Whether the last input fitted, as the floor says.
    pub fitted: bool,
}

/// Whether a supervisor does it.
pub fn by_hand(input: Input) -> bool {
    use Input::{Move, Pick, Prioritise};
    matches!(input, Prioritise { .. } | Move { .. } | Pick { .. })
}

impl World {
    pub fn new(queues: Vec<QueueSettings>, seats: Vec<SeatSettings>) -> Self {
        let floor = Floor::new(queues.clone(), seats.clone());
        let (queues, seats) = once_each(queues, seats);
        Self {
            floor,
            now: Instant::START,
            queues,
            seats,
            calls: BTreeMap::new(),
            tally: Tally::default(),
            before: Instant::START,
            fitted: true,
        }
    }

    /// Signs a seat in: phone registered, ready.
    pub fn sign_in(&mut self, name: &str) -> Vec<Output> {
        let (seat, device) = (s(name), Device::Registered);
        let mut out = self.step(self.now, Input::SetDevice { seat, device });
        let intent = Intent::Ready;
        out.extend(self.step(self.now, Input::SetIntent { seat, intent }));
        out
    }

    pub fn call(&mut self, call: u64, name: &str) -> Vec<Output> {
        self.call_with(call, name, 5)
    }

    pub fn call_with(&mut self, call: u64, name: &str, priority: u8) -> Vec<Output> {
        let input = Input::CallQueued {
            call: CallId(call),
            queue: q(name),
            priority,
            arrived: self.now,
            spent: 0,
            preferred: None,
            promised: false,
        };
        self.step(self.now, input)
    }

    /// Lets time pass, stopping at every deadline as the shell does.
    pub fn pass(&mut self, until: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        while let Some(wake) = self.floor.next_wake().filter(|&wake| wake <= until) {
            out.extend(self.step(wake, Input::TimePassed));
        }
        out.extend(self.step(until, Input::TimePassed));
        out
    }

    /// New settings, all their outputs, and every invariant.
    pub fn change(
        &mut self,
        now: Instant,
        queues: Vec<QueueSettings>,
        seats: Vec<SeatSettings>,
    ) -> Vec<Output> {
        self.now = self.now.max(now).min(rules::LAST_INSTANT);
        self.floor
            .replace_settings(now, queues.clone(), seats.clone());
        (self.queues, self.seats) = once_each(queues, seats);
        let outputs: Vec<Output> = core::iter::from_fn(|| self.floor.poll_output()).collect();
        outputs.iter().for_each(|output| self.note_output(output));
        self.check();
        outputs
    }

    /// One input, all its outputs, and every invariant.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        if by_hand(input) {
            // What is due by now is not the hand's doing.
            let mut outputs = self.step(now, Input::TimePassed);
            outputs.extend(self.step_only(now, input));
            return outputs;
        }
        self.step_only(now, input)
    }

    fn step_only(&mut self, now: Instant, input: Input) -> Vec<Output> {
        self.before = self.now;
        self.now = self.now.max(now).min(rules::LAST_INSTANT);
        let ignored = self.floor.ignored();
        self.floor.handle_input(now, input);
        self.fitted = self.floor.ignored() == ignored;
        let outputs: Vec<Output> = core::iter::from_fn(|| self.floor.poll_output()).collect();
        let before = self.offered_before(input, &outputs);
        let (before, after) = outputs.split_at(before);
        before.iter().for_each(|output| self.note_output(output));
        self.note_input(input);
        after.iter().for_each(|output| self.note_output(output));
        self.check();
        outputs
    }

    /// How many outputs belong to the time that passed before the input: callers for whom further
    /// seats are asked, which is seen only where the input is about a caller in line.
    fn offered_before(&self, input: Input, outputs: &[Output]) -> usize {
        let offered = |output: &Output| match *output {
            Output::Offer { call, .. } => Some(call),
            _ => None,
        };
        let own = match input {
            Input::CallQueued { call, .. } if !self.calls.contains_key(&call) => call,
            // Its seat may be given the next caller as soon as it is gone.
            Input::NotAnswered {
                why: OfferResult::CallerGone,
                ..
            } => return 0,
            Input::NotAnswered { call, .. }
                if self.fitted
                    && self.calls.get(&call).map(|it| it.seen) == Some(Seen::Waiting) =>
            {
                // What was declined had just been offered.
                let own = outputs.iter().position(|it| offered(it) == Some(call));
                return own.map_or(0, |at| at + 1);
            }
            Input::NotAnswered { call, .. } => call,
            Input::CallLeft { call } => {
                let own = outputs.iter().position(|it| offered(it) == Some(call));
                return own.map_or(0, |at| at + 1);
            }
            _ => return 0,
        };
        let others = |output: &&Output| offered(output).is_some_and(|call| call != own);
        outputs.iter().take_while(others).count()
    }

    fn note_input(&mut self, input: Input) {
        match input {
            Input::CallQueued {
                call,
                queue,
                priority,
                arrived,
                preferred,
                promised,
                ..
            } => {
                // Taken back by a Refused output of the same turn.
                let place = (priority, arrived.min(self.now), call);
                let seen = Seen::Waiting;
                let (tally, now) = (&mut self.tally, self.now);
                self.calls.entry(call).or_insert_with(|| {
                    tally.queued += 1;
                    Tracked {
                        queue,
                        place,
                        seen,
                        wished: Vec::new(),
                        wanted: preferred.map(|(seat, longest)| (seat, now + longest)),
                        been: Vec::new(),
                        promised,
                    }
                });
            }
            Input::Prioritise { call, priority } if self.fitted => {
                let tracked = self.calls.get_mut(&call).unwrap();
                assert!(!matches!(tracked.seen, Seen::Talking(_)));
                tracked.place.0 = priority;
            }
            Input::Move { call, queue } if self.fitted => {
                let tracked = self.calls.get_mut(&call).unwrap();
                assert!(tracked.seen == Seen::Waiting && tracked.queue != queue);
                tracked.queue = queue;
                tracked.been.clear();
                self.tally.by_hand += 1;
            }
            Input::Pick { .. } => self.tally.by_hand += u64::from(self.fitted),
            Input::CallLeft { call } => {
                let Some(tracked) = self.calls.get(&call) else {
                    return;
                };
                // An offered call goes with its Withdraw.
                match tracked.seen {
                    Seen::Waiting => self.tally.left += 1,
                    Seen::Talking(_) => self.tally.talked += 1,
                    Seen::Offered(_) => return,
                }
                self.calls.remove(&call);
            }
            Input::Transfer { call, to } => {
                if let Some(t) = self.calls.get_mut(&call)
                    && matches!(t.seen, Seen::Talking(from) if from != to)
                {
                    t.wished.push(to);
                }
            }
            Input::Answered { call, seat } => {
                if let Some(t) = self.offered(call, seat) {
                    t.seen = Seen::Talking(seat);
                    self.tally.answered += 1;
                }
            }
            Input::NotAnswered { call, seat, why } if why != OfferResult::Answered => {
                let Some(t) = self.offered(call, seat) else {
                    return;
                };
                t.seen = Seen::Waiting;
                self.tally.failed += 1;
                if why == OfferResult::CallerGone {
                    self.calls.remove(&call);
                    self.tally.left += 1;
                }
            }
            Input::TalkEnded { call, seat } | Input::NotReached { call, seat } => {
                let talks = |t: &Tracked| t.seen == Seen::Talking(seat);
                if self.calls.get(&call).is_some_and(talks) {
                    self.calls.remove(&call);
                    self.tally.talked += 1;
                }
            }
            _ => {}
        }
    }

    fn offered(&mut self, call: CallId, seat: SeatId) -> Option<&mut Tracked> {
        let tracked = self.calls.get_mut(&call)?;
        (tracked.seen == Seen::Offered(seat)).then_some(tracked)
    }

    /// Whether a seat may be given free that was reserved for a transfer of the call, which talks on.
    fn was_wished(&mut self, call: CallId, seat: SeatId) -> bool {
        self.calls.get_mut(&call).is_some_and(|tracked| {
            let wished = tracked.wished.iter().position(|it| *it == seat);
            matches!(tracked.seen, Seen::Talking(from) if from != seat)
                && wished.map(|at| tracked.wished.remove(at)).is_some()
        })
    }

    fn note_output(&mut self, output: &Output) {
        match *output {
            Output::Offer {
                call,
                seat,
                queue,
                deadline,
                ref why,
            } => {
                if why.starts_with("picked") {
                    self.check_pick(call, seat, queue);
                } else {
                    self.check_offer(call, seat, queue);
                }
                assert!(deadline >= self.now && !why.is_empty());
                self.calls.get_mut(&call).unwrap().seen = Seen::Offered(seat);
                self.tally.offers += 1;
            }
            Output::Withdraw { call, seat, .. } if self.was_wished(call, seat) => {}
            Output::Withdraw { call, seat, why } => {
                let tracked = self
                    .offered(call, seat)
                    .expect("only an offer is withdrawn");
                tracked.seen = Seen::Waiting;
                self.tally.withdrawn += 1;
                if why == OfferResult::CallerGone {
                    self.calls.remove(&call);
                    self.tally.left += 1;
                }
            }
            Output::TimedOut { call, queue } => {
                let tracked = self
                    .calls
                    .remove(&call)
                    .expect("only a known call times out");
                assert_eq!((tracked.seen, tracked.queue), (Seen::Waiting, queue));
                self.tally.timed_out += 1;
            }
            Output::Overflowed {
                call,
                queue,
                rule,
                ref to,
                ref why,
            } => {
                assert!(!why.is_empty());
                self.check_overflow(call, queue, rule);
                let tracked = self.calls.get_mut(&call).unwrap();
                if let OverflowTo::Queue(to) = *to {
                    tracked.been.push(queue);
                    assert!(!tracked.been.contains(&to), "{call} comes back to {to}");
                    tracked.queue = to;
                    self.tally.moved += 1;
                } else {
                    self.calls.remove(&call);
                    self.tally.overflowed += 1;
                }
            }
            Output::Refused { call, .. } => {
                self.calls
                    .remove(&call)
                    .expect("only a call just queued is refused");
                self.tally.queued -= 1;
            }
            Output::SeatChanged { .. } => {}
        }
    }

    /// A call leaves by a rule that its queue has and that applies to it, and not from a seat.
    fn check_overflow(&self, call: CallId, queue: QueueId, rule: usize) {
        let tracked = self.calls.get(&call).expect("only a known call overflows");
        assert_eq!((tracked.seen, tracked.queue), (Seen::Waiting, queue));
        let Some(settings) = self.queues.iter().find(|it| it.id == queue) else {
            // A closed queue keeps its rules.
            return;
        };
        match settings.overflow[rule].when {
            OverflowWhen::Waited(wait) => assert!(tracked.place.1 + wait <= self.now),
            OverflowWhen::Full => {
                let here = self.calls.values();
                let here = here.filter(|it| it.queue == queue && it.seen == Seen::Waiting);
                assert!(here.count() > settings.capacity, "{queue} is not full");
            }
            OverflowWhen::Expected(_) | OverflowWhen::Unstaffed(_) => {}
        }
    }

    /// Invariant 1 holds of what a supervisor picks, too; the order of the line does not.
    fn check_pick(&self, call: CallId, seat: SeatId, queue: QueueId) {
        let picked = self.calls.get(&call).expect("only a known call is picked");
        assert_eq!((picked.seen, picked.queue), (Seen::Waiting, queue));
        for (other, tracked) in &self.calls {
            let (Seen::Offered(at) | Seen::Talking(at)) = tracked.seen else {
                continue;
            };
            assert_ne!(at, seat, "seat {seat} has {other} and is given {call}");
        }
    }

    /// Invariant 1: one call at a seat, one seat for a call. Invariant 3: no inversion.
    pub fn check_offer(&self, call: CallId, seat: SeatId, queue: QueueId) {
        let offered = self.calls.get(&call).expect("only a known call is offered");
        assert_eq!(offered.seen, Seen::Waiting, "call {call} is offered twice");
        assert_eq!(offered.queue, queue);
        for (other, tracked) in &self.calls {
            match tracked.seen {
                Seen::Offered(at) | Seen::Talking(at) => {
                    assert_ne!(at, seat, "seat {seat} has {other} and gets {call}");
                }
                Seen::Waiting => assert!(
                    tracked.queue != queue
                        || self.rank(tracked) >= self.rank(offered)
                        || !self.may_take(seat, tracked)
                        // At the turn's begin it held out for another.
                        || tracked.wanted.is_some_and(|(of, until)| {
                            of != seat && until > self.before
                        }),
                    "{call} is offered before {other}"
                ),
            }
        }
    }

    /// Where the call stands in its queue, lowest first.
    fn rank(&self, it: &Tracked) -> (u64, Instant, CallId) {
        let (priority, arrived, call) = it.place;
        let queue = self.queues.iter().find(|queue| queue.id == it.queue);
        let ageing = queue.and_then(|queue| queue.ageing).unwrap_or_default();
        let ageing = ageing.min(rules::AGEING_LONGEST);
        let first = match ageing.is_zero() {
            true => u64::from(priority),
            false => {
                let as_if = arrived.since_start() + ageing * priority.into();
                u64::try_from(as_if.as_nanos()).unwrap_or(u64::MAX)
            }
        };
        (first, arrived, call)
    }

    fn may_take(&self, seat: SeatId, call: &Tracked) -> bool {
        let seat = self.seats.iter().find(|it| it.id == seat).unwrap();
        self.serves(seat, call)
    }

    /// Whether the seat may serve the caller after this wait.
    fn serves(&self, seat: &SeatSettings, call: &Tracked) -> bool {
        let waited = self.now.since(call.place.1);
        let Some(queue) = self.queues.iter().find(|it| it.id == call.queue) else {
            return false;
        };
        let own =
            |it: &QueueSettings| seat.queues.contains(&it.id) && it.skills.met_by(&seat.skills);
        let mut wait = Duration::ZERO;
        own(queue)
            || queue.widen.iter().any(|step| {
                wait = wait.max(step.after);
                let skills = step.skills.as_ref();
                let skilled = skills.is_some_and(|skills| skills.met_by(&seat.skills));
                let lists = seat.queues.contains(&queue.id);
                let mut lent = self.queues.iter().filter(|it| step.queues.contains(&it.id));
                wait <= waited && ((skilled && lists) || lent.any(own))
            })
    }

    fn check(&self) {
        self.floor.audit().unwrap();
        let mut at_seats = BTreeSet::new();
        for (&call, tracked) in &self.calls {
            if let Seen::Offered(seat) | Seen::Talking(seat) = tracked.seen {
                assert!(at_seats.insert(seat), "seat {seat} has two calls");
                let view = self.floor.seat(seat).unwrap();
                assert_eq!(view.call, Some(call));
                let talks = matches!(view.work, Work::Talking | Work::Hold);
                assert_eq!(talks, tracked.seen == Seen::Talking(seat));
            }
        }
        for settings in &self.seats {
            self.check_seat(settings);
        }
        self.check_lines();
        let (t, here) = (self.tally, self.calls.len() as u64);
        // Invariant 4: conservation, of calls and of offers.
        assert_eq!(
            t.queued,
            t.talked + t.left + t.timed_out + t.overflowed + here,
            "{t:?}"
        );
        let open = self.calls.values();
        let open = open
            .filter(|it| matches!(it.seen, Seen::Offered(_)))
            .count() as u64;
        assert_eq!(
            t.offers,
            t.answered + t.failed + t.withdrawn + open,
            "{t:?}"
        );
    }

    /// Invariants 2 (work-conserving) and 5 (nothing is stuck).
    fn check_seat(&self, settings: &SeatSettings) {
        let view = self.floor.seat(settings.id).unwrap();
        let passes = matches!(view.work, Work::Reserved | Work::Ringing | Work::WrapUp);
        assert_eq!(passes, view.deadline.is_some());
        for deadline in view.deadline.into_iter().chain(view.backs_off_until) {
            assert!(deadline > self.now, "a deadline has passed");
            assert!(self.floor.next_wake().is_some_and(|wake| wake <= deadline));
        }
        let free = view.intent == Intent::Ready
            && view.device == Device::Registered
            && !view.desk_lost
            && view.work == Work::Free
            && view.backs_off_until.is_none();
        if free {
            for (call, it) in &self.calls {
                let other = self.floor.holds_out(*call).filter(|of| *of != settings.id);
                let waits = it.seen == Seen::Waiting && self.serves(settings, it);
                let waits = waits && other.is_none();
                assert!(!waits, "{call} waits before free seat {}", settings.id);
            }
        }
    }

    /// The lines and figures agree with what the watcher knows.
    fn check_lines(&self) {
        for queue in &self.queues {
            let waits = |it: &&Tracked| it.queue == queue.id && it.seen == Seen::Waiting;
            let waiting = self.calls.values().filter(waits);
            let unpromised = waiting.clone().filter(|it| !it.promised);
            let oldest = unpromised.map(|it| it.place.1).min();
            let mut line: Vec<_> = waiting.map(|it| self.rank(it)).collect();
            line.sort_unstable();
            let order: Vec<CallId> = line.iter().map(|place| place.2).collect();
            assert_eq!(self.floor.waiting(queue.id).collect::<Vec<_>>(), order);
            for (n, &call) in order.iter().enumerate() {
                assert_eq!(self.floor.position(call), Some(n as u32 + 1));
                assert!(
                    !self.floor.explain(call).is_empty(),
                    "{call} waits for no reason"
                );
            }
            let view = self.floor.queue(queue.id).unwrap();
            assert_eq!(
                (view.waiting, view.longest_wait_since),
                (line.len(), oldest)
            );
        }
    }
}

/// Of two with one name the first counts.
fn once_each(
    queues: Vec<QueueSettings>,
    seats: Vec<SeatSettings>,
) -> (Vec<QueueSettings>, Vec<SeatSettings>) {
    let mut known = BTreeSet::new();
    let queues = queues.into_iter().filter(|it| known.insert(it.id));
    let queues = queues.collect();
    let mut known = BTreeSet::new();
    let seats = seats.into_iter().filter(|it| known.insert(it.id)).collect();
    (queues, seats)
}

/// The offers among the outputs, as (call, seat).
pub fn offers(outputs: &[Output]) -> Vec<(u64, String)> {
    let offer = |output: &Output| match output {
        Output::Offer { call, seat, .. } => Some((call.0, seat.to_string())),
        _ => None,
    };
    outputs.iter().filter_map(offer).collect()
}

pub fn offered(call: u64, seat: &str) -> Vec<(u64, String)> {
    vec![(call, seat.to_owned())]
}

/// Short ways to say what happens at a seat.
impl World {
    pub fn answer(&mut self, call: u64, name: &str) -> Vec<Output> {
        let (call, seat) = (CallId(call), s(name));
        let mut out = self.step(self.now, Input::Rang { call, seat });
        out.extend(self.step(self.now, Input::Answered { call, seat }));
        out
    }

    pub fn fail(&mut self, call: u64, name: &str, why: OfferResult) -> Vec<Output> {
        let (call, seat) = (CallId(call), s(name));
        self.step(self.now, Input::NotAnswered { call, seat, why })
    }

    pub fn end(&mut self, call: u64, name: &str) -> Vec<Output> {
        let (call, seat) = (CallId(call), s(name));
        self.step(self.now, Input::TalkEnded { call, seat })
    }

    pub fn leave(&mut self, call: u64) -> Vec<Output> {
        let call = CallId(call);
        self.step(self.now, Input::CallLeft { call })
    }

    pub fn intent(&mut self, name: &str, intent: Intent) -> Vec<Output> {
        let seat = s(name);
        self.step(self.now, Input::SetIntent { seat, intent })
    }

    pub fn device(&mut self, name: &str, device: Device) -> Vec<Output> {
        let seat = s(name);
        self.step(self.now, Input::SetDevice { seat, device })
    }

    pub fn work(&self, name: &str) -> Work {
        self.floor.seat(s(name)).unwrap().work
    }
}
