//! The floor against a naive matcher: flat vectors, linear scans, one page, written from the rules
//! and not from the floor. Over ten thousand random histories both decide the same.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::time::Duration;

use hotline_acd::{
    Choice, Input, Output, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, rules,
};
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    seat::{Device, Intent, OfferResult, Reason, Work},
};
use support::{
    Dice, World, at, at_ms,
    histories::{centre, changed, legal_input, pause_ms, shift_begins},
    q, queue, s, seat,
};

const READY: Intent = Intent::Ready;

/// A decision, as far as two matchers can agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Offer(CallId, SeatId),
    Withdraw(CallId, SeatId, OfferResult),
    TimedOut(CallId),
    Overflowed(CallId, usize),
    Refused(CallId),
}

#[derive(Clone)]
struct NaiveCall {
    id: CallId,
    queue: usize,
    priority: u8,
    arrived: Instant,
    at: Option<(usize, bool)>, // seat, talking
    declined: Vec<usize>,
    spent: u8, // overflow rules that do not count for it, one a bit
    preferred: Option<(usize, Instant)>, // seat, until
    been: Vec<usize>, // queues it left by overflow
}

#[derive(Clone)]
struct NaiveSeat {
    rings: Vec<Option<usize>>, // of each queue, the first it is in
    intent: Intent,
    pending: Option<Intent>,
    phone: bool,
    busy: bool,
    work: Work,
    until: Option<Instant>,
    last: Instant,                     // answer by, or longest wrap-up
    back_off: Option<(Instant, bool)>, // until, for having refused
    refused: u8,
    unreached: u32,
    answered: u32, // since it signed in
    worked: u128,
    works_since: Option<u128>,
    unnamed: bool,
}

/// The first ring of the queue that takes the seat: 0 is its own seats, then its widenings.
fn ring(seat: &SeatSettings, queue: &QueueSettings, all: &[QueueSettings]) -> Option<usize> {
    let own = |it: &QueueSettings| seat.queues.contains(&it.id) && it.skills.met_by(&seat.skills);
    if own(queue) {
        return Some(0);
    }
    for (n, step) in queue.widen.iter().enumerate() {
        let by_skill = step.skills.iter().any(|it| it.met_by(&seat.skills));
        let lent = all.iter().any(|it| step.queues.contains(&it.id) && own(it));
        if (by_skill && seat.queues.contains(&queue.id)) || lent {
            return Some(n + 1);
        }
    }
    None
}

/// A clock that runs twice as fast from one half-life of work to the next, and evenly faster in
/// between: work is what it shows from begin to end.
fn work_clock(now: Instant) -> u128 {
    let half_life = rules::OCCUPANCY_HALF_LIFE.as_millis();
    let (nth, ms) = {
        let ms = now.since_start().as_millis();
        (ms / half_life, ms % half_life)
    };
    let shown = |ms: u128| (ms << 16) + ((ms * ms) << 16) / (2 * half_life);
    (shown(half_life) << nth) - shown(half_life) + (shown(ms) << nth)
}

struct Naive {
    now: Instant,
    queues: Vec<QueueSettings>,
    closed: Vec<bool>,
    unstaffed: Vec<Option<Instant>>, // of each queue, since when
    unserved: Vec<Option<Instant>>,  // by seats of no ring
    names: Vec<SeatId>,
    rules: Vec<SeatSettings>,
    seats: Vec<NaiveSeat>,
    calls: Vec<NaiveCall>,
    only: Option<usize>,      // the one seat that looks for a caller just now
    idle: Vec<usize>,         // ready seats, the longest idle first
    last: Vec<Option<usize>>, // of each queue, the seat rung last
    dice: Vec<Dice>,
    decided: Vec<Decision>,
}

impl Naive {
    fn new(queues: &[QueueSettings], seats: &[SeatSettings]) -> Self {
        let member = |seat: &SeatSettings| NaiveSeat {
            rings: queues
                .iter()
                .map(|queue| ring(seat, queue, queues))
                .collect(),
            intent: Intent::NotReady(Reason::LoggedOut),
            pending: None,
            phone: false,
            busy: false,
            work: Work::Free,
            until: None,
            last: Instant::START,
            back_off: None,
            refused: 0,
            unreached: 0,
            answered: 0,
            worked: 0,
            works_since: None,
            unnamed: false,
        };
        Self {
            now: Instant::START,
            closed: vec![false; queues.len()],
            unstaffed: vec![Some(Instant::START); queues.len()],
            unserved: vec![Some(Instant::START); queues.len()],
            queues: queues.to_vec(),
            rules: seats.to_vec(),
            last: vec![None; queues.len()],
            dice: queues.iter().map(|queue| Dice(queue.seed)).collect(),
            names: seats.iter().map(|seat| seat.id).collect(),
            seats: seats.iter().map(member).collect(),
            calls: Vec::new(),
            only: None,
            idle: Vec::new(),
            decided: Vec::new(),
        }
    }

    fn step(&mut self, now: Instant, input: Input) -> Vec<Decision> {
        self.widen(now);
        self.take(input);
        self.pair_all();
        self.run_until_done();
        std::mem::take(&mut self.decided)
    }

    /// Everything that is due, earliest first; seats' work, then back-offs, then callers.
    fn run_until_done(&mut self) {
        loop {
            let works = self.seats.iter().enumerate();
            let works = works.filter_map(|(i, seat)| Some((seat.until?, 0, i)));
            let backs = self.seats.iter().enumerate();
            let backs = backs.filter_map(|(i, seat)| Some((seat.back_off?.0, 1, i)));
            let waits = self.calls.iter().filter(|call| call.at.is_none());
            let waits = waits.filter_map(|call| {
                let longest = self.queues[call.queue].longest_wait?;
                Some((call.arrived + longest, 3, call.queue))
            });
            let here = &*self;
            let overflows = (0..here.queues.len()).flat_map(|j| {
                let rules = 0..here.queues[j].overflow.len();
                rules.filter_map(move |rule| Some((here.overflows(j, rule)?.0, 2, j)))
            });
            let holds = self.calls.iter().filter(|call| call.at.is_none());
            let holds = holds.filter_map(|call| Some((call.preferred?.1, 4, call.queue)));
            let closed = (0..here.queues.len()).filter_map(|j| {
                let waits = here.closed[j] && !here.waiting(j).is_empty();
                let since = here.unserved[j].filter(|_| waits)?;
                Some((since + rules::CLOSED_UNSERVED, 2, j))
            });
            let all = works
                .chain(backs)
                .chain(overflows)
                .chain(closed)
                .chain(waits);
            let first = all.chain(holds).min();
            match first {
                Some((then, kind, index)) if then <= self.now => self.due(kind, index),
                _ => break,
            }
            self.pair_all();
        }
    }

    /// Time goes on: whoever has waited long enough meanwhile is served by further seats.
    fn widen(&mut self, now: Instant) {
        let mut opened = Vec::new();
        for call in self.calls.iter().filter(|call| call.at.is_none()) {
            for ring in 1..=self.queues[call.queue].widen.len() {
                let opens = call.arrived + self.wait_for(call.queue, ring);
                if opens > self.now && opens <= now {
                    opened.push((opens, call.queue));
                }
            }
        }
        self.now = now;
        opened.sort_unstable();
        for (_, queue) in opened {
            self.pair(&[queue]);
        }
    }

    fn wait_for(&self, queue: usize, ring: usize) -> Duration {
        let steps = self.queues[queue].widen.iter().take(ring);
        steps.map(|step| step.after).max().unwrap_or_default()
    }

    fn pair_all(&mut self) {
        let all: Vec<usize> = (0..self.queues.len()).collect();
        self.pair(&all);
    }

    /// As long as some queue has both a caller and a ready seat that may serve: the queue nearest
    /// to missing its threshold, its first such caller, and the seat of the queue's choice that has
    /// not declined.
    fn pair(&mut self, queues: &[usize]) {
        self.look_at_seats();
        let both = |&i: &usize| {
            self.waiting(i)
                .iter()
                .any(|call| !self.ready(call).is_empty())
        };
        let press = |i: usize| {
            let served = self.waiting(i).into_iter();
            let served = served.filter(|call| !self.ready(call).is_empty());
            let oldest = served.map(|call| call.arrived).min();
            let (oldest, rules) = (oldest.unwrap(), &self.queues[i]);
            let waited = self.now.since(oldest).as_micros() * u128::from(rules.weight);
            (waited, rules.threshold.as_micros(), oldest)
        };
        let most = queues.iter().copied().filter(both).max_by(|&a, &b| {
            let ((wait_a, limit_a, old_a), (wait_b, limit_b, old_b)) = (press(a), press(b));
            let fractions = (wait_a * limit_b).cmp(&(wait_b * limit_a));
            fractions.then(old_b.cmp(&old_a)).then(b.cmp(&a))
        });
        let Some(queue) = most else { return };
        let line = self.waiting(queue);
        let served = line.iter().filter(|call| !self.ready(call).is_empty());
        let head = (*served.min_by_key(|call| self.order(call)).unwrap()).clone();
        let seat = self.choose(&head);
        self.ring(head.id, queue, seat);
        self.pair(queues);
    }

    fn ring(&mut self, call: CallId, queue: usize, seat: usize) {
        self.decided.push(Decision::Offer(call, self.names[seat]));
        let rung = self.call_mut(call).unwrap();
        (rung.at, rung.preferred) = (Some((seat, false)), None);
        self.last[queue] = Some(seat);
        let last = self.now + self.queues[queue].ring_for;
        self.seats[seat].work = Work::Reserved;
        self.seats[seat].last = last;
        self.seats[seat].until = Some(last.min(self.now + rules::RING_WITHIN));
    }

    /// Since when a queue has none of its own seats signed in.
    fn look_at_staff(&mut self) {
        for j in 0..self.queues.len() {
            let signed_out = Intent::NotReady(Reason::LoggedOut);
            let staffed = self.seats.iter().any(|seat| {
                let own = seat.rings.get(j) == Some(&Some(0));
                own && seat.phone && seat.intent != signed_out && !seat.unnamed
            });
            let served = self.seats.iter().any(|seat| {
                let serves = seat.rings.get(j).copied().flatten().is_some();
                serves && seat.phone && seat.intent != signed_out && !seat.unnamed
            });
            let since = self.unserved[j].unwrap_or(self.now);
            self.unserved[j] = (!served).then_some(since);
            let since = self.unstaffed[j].unwrap_or(self.now);
            self.unstaffed[j] = (!staffed).then_some(since);
        }
    }

    /// Who is idle, and how much everybody worked.
    fn look_at_seats(&mut self) {
        self.look_at_staff();
        for i in 0..self.seats.len() {
            let now = work_clock(self.now);
            let seat = &mut self.seats[i];
            if !seat.busy && seat.work == Work::Free {
                seat.worked += seat.works_since.take().map_or(0, |since| now - since);
            } else {
                seat.works_since.get_or_insert(now);
            }
            let clear = !seat.busy && seat.back_off.is_none() && seat.work == Work::Free;
            match (
                seat.intent == READY && seat.phone && clear && !seat.unnamed,
                self.idle.contains(&i),
            ) {
                (true, false) => self.idle.push(i),
                (false, true) => self.idle.retain(|&idle| idle != i),
                _ => {}
            }
        }
    }

    /// Where a call stands in its line: by priority; with ageing, by when a caller of the best
    /// priority would have had to come.
    fn order(&self, call: &NaiveCall) -> (u128, Instant, CallId) {
        let ageing = self.queues[call.queue].ageing.unwrap_or_default();
        let first = match ageing.is_zero() {
            true => call.priority.into(),
            false => (call.arrived.since_start() + ageing * call.priority.into()).as_nanos(),
        };
        (first, call.arrived, call.id)
    }

    /// From the innermost ring with a seat that has not declined; when all have, the innermost.
    fn choose(&mut self, call: &NaiveCall) -> usize {
        let ready = self.ready(call);
        let ring = |seat: &usize| self.seats[*seat].rings[call.queue];
        let willing = ready.iter().filter(|seat| !call.declined.contains(seat));
        let willing: Vec<usize> = willing.copied().collect();
        let all = if willing.is_empty() { ready } else { willing };
        let inner = all.iter().map(ring).min().unwrap();
        let all: Vec<usize> = all.into_iter().filter(|seat| ring(seat) == inner).collect();
        let queue = &self.queues[call.queue];
        // `all` has the longest idle first, and `min_by_key` takes the first at a tie.
        let least = |key: &dyn Fn(usize) -> u128| *all.iter().min_by_key(|&&i| key(i)).unwrap();
        match queue.choice {
            Choice::LongestIdle => all[0],
            Choice::LeastOccupied => least(&|i| self.seats[i].worked),
            Choice::FewestCalls => least(&|i| self.seats[i].answered.into()),
            Choice::MostSkilled => least(&|i| {
                let named = queue.skills.to_string();
                let skills = self.rules[i].skills.iter();
                let named = skills.filter(|(skill, _)| named.contains(skill.as_str()));
                1_000 - named.map(|&(_, level)| u128::from(level)).sum::<u128>()
            }),
            Choice::RoundRobin => {
                let later = all
                    .iter()
                    .filter(|&&i| Some(i) > self.last[call.queue])
                    .min();
                *later.or(all.iter().min()).unwrap()
            }
            Choice::FixedOrder => *all.iter().min().unwrap(),
            Choice::WeightedRandom => self.draw(all, call.queue),
        }
    }

    fn draw(&mut self, mut all: Vec<usize>, queue: usize) -> usize {
        all.sort_unstable();
        let weight = |i: usize| u128::from(self.rules[i].weight.max(1));
        if all.len() > 1 {
            let sum: u128 = all.iter().map(|&i| weight(i)).sum();
            let mut left = (u128::from(self.dice[queue].next()) * sum) >> 64;
            for &i in &all {
                if left < weight(i) {
                    return i;
                }
                left -= weight(i);
            }
        }
        all[0]
    }

    fn waiting(&self, queue: usize) -> Vec<&NaiveCall> {
        let here = |call: &&NaiveCall| call.queue == queue && call.at.is_none();
        self.calls.iter().filter(here).collect()
    }

    /// The ready seats that may serve the call by now, the longest idle first.
    fn ready(&self, call: &NaiveCall) -> Vec<usize> {
        let waited = self.now.since(call.arrived);
        let may = |seat: &usize| {
            let ring = self.seats[*seat].rings[call.queue];
            ring.is_some_and(|ring| self.wait_for(call.queue, ring) <= waited)
        };
        let wanted = |seat: &usize| call.preferred.is_none_or(|(only, _)| only == *seat);
        let looks = |seat: &usize| self.only.is_none_or(|only| only == *seat);
        self.idle
            .iter()
            .copied()
            .filter(looks)
            .filter(wanted)
            .filter(may)
            .collect()
    }

    fn call_mut(&mut self, id: CallId) -> Option<&mut NaiveCall> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    fn due(&mut self, kind: u8, index: usize) {
        match (kind, self.seats.get(index).map(|seat| seat.work)) {
            (0, Some(Work::WrapUp)) => self.free(index),
            (0, Some(work)) => {
                let rang = work == Work::Ringing;
                let why = if rang {
                    OfferResult::NoAnswer
                } else {
                    OfferResult::Unreachable
                };
                self.withdraw(index, why);
            }
            (1, _) => self.seats[index].back_off = None,
            (4, _) => {
                let line = self.waiting(index).into_iter();
                let held = line.filter_map(|call| Some((call.preferred?.1, call.id)));
                let (_, first) = held.min().unwrap();
                self.call_mut(first).unwrap().preferred = None;
            }
            (2, _) => {
                let rules = 0..self.queues[index].overflow.len();
                let dues = rules.filter_map(|rule| Some((rule, self.overflows(index, rule)?)));
                let mut dues = dues.filter(|(_, (then, _))| *then <= self.now);
                let Some((rule, (_, call))) = dues.next() else {
                    return self.due(3, index);
                };
                let call = self.call_mut(call).unwrap().clone();
                self.calls.retain(|it| it.id != call.id);
                if let Some(call) = self.overflow(call, rule) {
                    self.calls.push(call);
                }
            }
            _ => {
                let line = self.waiting(index);
                let oldest = line.iter().min_by_key(|call| (call.arrived, call.id));
                let oldest = oldest.unwrap().id;
                self.calls.retain(|call| call.id != oldest);
                self.decided.push(Decision::TimedOut(oldest));
            }
        }
    }

    /// When a rule applies next to somebody in line, and to whom.
    fn overflows(&self, queue: usize, rule: usize) -> Option<(Instant, CallId)> {
        let line = self.waiting(queue).into_iter();
        let line = line.filter(|call| call.spent >> rule & 1 == 0);
        let first = line.min_by_key(|call| (call.arrived, call.id))?;
        let then = match self.queues[queue].overflow[rule].when {
            OverflowWhen::Waited(wait) => first.arrived + wait,
            OverflowWhen::Unstaffed(grace) => self.unstaffed[queue]? + grace,
            OverflowWhen::Expected(_) => unreachable!("histories have none"),
            OverflowWhen::Full => return None,
        };
        Some((then, first.id))
    }

    /// Sends a call elsewhere; gives it back as long as it is here.
    fn overflow(&mut self, mut call: NaiveCall, rule: usize) -> Option<NaiveCall> {
        if let OverflowTo::Queue(to) = self.queues[call.queue].overflow[rule].to {
            let to = self.queues.iter().position(|it| it.id == to);
            let (from, preferred) = (call.queue, call.preferred.take());
            call.queue = to.unwrap_or(from);
            let was_there = call.queue == from || call.been.contains(&call.queue);
            if was_there || self.closed[call.queue] || self.full(&call) {
                (call.queue, call.preferred) = (from, preferred);
                call.spent |= 1 << rule;
                return Some(call);
            }
            call.been.push(from);
            call.spent = 0;
            self.decided.push(Decision::Overflowed(call.id, rule));
            return Some(call);
        }
        self.decided.push(Decision::Overflowed(call.id, rule));
        None
    }

    fn full(&self, call: &NaiveCall) -> bool {
        let full = self.waiting(call.queue).len() >= self.queues[call.queue].capacity;
        full && self.ready(call).is_empty()
    }

    fn free(&mut self, seat: usize) {
        self.seats[seat].work = Work::Free;
        self.seats[seat].until = None;
    }

    fn want(&mut self, seat: usize, intent: Intent) {
        let seat = &mut self.seats[seat];
        if seat.intent != READY && intent == READY {
            seat.refused = 0;
            seat.back_off = seat.back_off.filter(|&(_, refused)| !refused);
        }
        let signed_out = Intent::NotReady(Reason::LoggedOut);
        if seat.intent == signed_out && intent != signed_out {
            seat.answered = 0;
        }
        seat.intent = intent;
    }

    fn wish(&mut self, at: usize, intent: Intent) {
        let seat = &mut self.seats[at];
        match seat.work {
            Work::Free | Work::Busy | Work::WrapUp => self.want(at, intent),
            _ if seat.intent == intent => seat.pending = None,
            _ => seat.pending = Some(intent),
        }
    }

    fn wish_granted(&mut self, seat: usize) {
        if let Some(intent) = self.seats[seat].pending.take() {
            self.want(seat, intent);
        }
    }

    fn withdraw(&mut self, seat: usize, why: OfferResult) {
        let call = self
            .calls
            .iter()
            .find(|call| call.at == Some((seat, false)))
            .unwrap()
            .id;
        self.decided
            .push(Decision::Withdraw(call, self.names[seat], why));
        self.declined(call, seat, why);
    }

    fn declined(&mut self, call: CallId, at: usize, why: OfferResult) {
        let call = self.call_mut(call).unwrap();
        call.at = None;
        call.declined.retain(|&seat| seat != at);
        call.declined.push(at);
        if call.declined.len() > rules::DECLINED_PER_CALL {
            call.declined.remove(0);
        }
        self.free(at);
        self.wish_granted(at);
        let now = self.now;
        let seat = &mut self.seats[at];
        let not_ready = |reason, seat: &mut NaiveSeat| {
            if seat.intent == READY {
                seat.intent = Intent::NotReady(reason);
            }
        };
        match why {
            OfferResult::NoAnswer => not_ready(Reason::RingNoAnswer, seat),
            OfferResult::Refused => {
                seat.refused += 1;
                if seat.refused == rules::REFUSALS_IN_A_ROW {
                    seat.refused = 0;
                    not_ready(Reason::Refused, seat);
                }
                seat.back_off = Some((now + rules::REFUSED_BACK_OFF, true));
            }
            _ => {
                let mut wait = rules::UNREACHABLE_BACK_OFF;
                for _ in 0..seat.unreached {
                    wait = (wait * 2).min(rules::UNREACHABLE_BACK_OFF_CAP);
                }
                seat.unreached += 1;
                seat.back_off = Some((now + wait, false));
            }
        }
    }

    fn hung_up(&mut self, call: &NaiveCall, seat: usize) {
        self.calls.retain(|it| it.id != call.id);
        self.free(seat);
        self.wish_granted(seat);
        let queue = &self.queues[call.queue];
        let wrap_up = queue.wrap_up.min(queue.wrap_up_cap);
        if wrap_up > Duration::ZERO {
            self.seats[seat].work = Work::WrapUp;
            self.seats[seat].until = Some(self.now + wrap_up);
            self.seats[seat].last = self.now + queue.wrap_up_cap;
        }
    }

    fn take(&mut self, input: Input) {
        let find = |seat: SeatId| self.names.iter().position(|&name| name == seat).unwrap();
        match input {
            Input::CallQueued {
                call,
                queue,
                priority,
                arrived,
                spent,
                preferred,
            } => {
                let at = |seat| self.names.iter().position(|&name| name == seat);
                let preferred = preferred.and_then(|(seat, wait)| Some((at(seat)?, wait)));
                self.queued((call, priority, arrived), queue, spent, preferred);
            }
            Input::CallLeft { call } => {
                let gone = self.calls.iter().find(|it| it.id == call).unwrap().clone();
                self.calls.retain(|it| it.id != call);
                match gone.at {
                    None => {}
                    Some((seat, true)) => self.hung_up(&gone, seat),
                    Some((seat, false)) => {
                        let why = OfferResult::CallerGone;
                        self.decided
                            .push(Decision::Withdraw(call, self.names[seat], why));
                        self.free(seat);
                        self.wish_granted(seat);
                    }
                }
            }
            Input::Prioritise { call, priority } => {
                let call = self.call_mut(call);
                if let Some(call) = call.filter(|it| !matches!(it.at, Some((_, true)))) {
                    call.priority = priority;
                }
            }
            Input::Move { call, queue } => {
                let to = self.queues.iter().position(|it| it.id == queue).unwrap();
                let Some(mut moved) = self.call_mut(call).cloned() else {
                    return;
                };
                let from = std::mem::replace(&mut moved.queue, to);
                moved.preferred = None;
                if moved.at.is_none() && from != to && !self.closed[to] && !self.full(&moved) {
                    (moved.spent, moved.been) = (0, Vec::new());
                    *self.call_mut(call).unwrap() = moved;
                }
            }
            Input::Pick { call, seat } => {
                let i = find(seat);
                let (seat, signed_out) = (&self.seats[i], Intent::NotReady(Reason::LoggedOut));
                let free = seat.work == Work::Free && !seat.busy && !seat.unnamed;
                let free = free && seat.phone && seat.intent != signed_out;
                let waits = self
                    .calls
                    .iter()
                    .find(|it| it.id == call && it.at.is_none());
                if let Some(picked) = waits.filter(|_| free) {
                    self.ring(call, picked.queue, i);
                }
            }
            Input::Rang { seat, .. } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Ringing;
                self.seats[seat].until = Some(self.seats[seat].last);
            }
            Input::Answered { call, seat } => {
                let at = find(seat);
                self.call_mut(call).unwrap().at = Some((at, true));
                let seat = &mut self.seats[at];
                (seat.work, seat.until) = (Work::Talking, None);
                (seat.refused, seat.unreached) = (0, 0);
                seat.answered += 1;
            }
            Input::NotAnswered {
                call,
                seat,
                why: OfferResult::CallerGone,
            } => {
                let seat = find(seat);
                self.calls.retain(|it| it.id != call);
                self.free(seat);
                self.wish_granted(seat);
            }
            Input::NotAnswered { call, seat, why } => self.declined(call, find(seat), why),
            Input::TalkEnded { call, seat } => {
                let gone = self.calls.iter().find(|it| it.id == call).unwrap().clone();
                self.hung_up(&gone, find(seat));
            }
            Input::Transfer { .. } => unreachable!("histories have no transfers"),
            Input::Held { seat } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Hold;
            }
            Input::Resumed { seat } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Talking;
            }
            Input::SetIntent { seat, intent } => {
                let at = find(seat);
                if !self.seats[at].unnamed {
                    self.wish(at, intent);
                }
            }
            Input::SetDevice { seat, device } => {
                let at = find(seat);
                let seat = &mut self.seats[at];
                seat.phone = device == Device::Registered;
                if seat.phone {
                    seat.unreached = 0;
                    seat.back_off = seat.back_off.filter(|&(_, refused)| refused);
                } else if matches!(seat.work, Work::Reserved | Work::Ringing) {
                    self.withdraw(at, OfferResult::Withdrawn);
                }
            }
            Input::SeatBusy { seat, busy } => {
                let seat = find(seat);
                self.seats[seat].busy = busy;
            }
            Input::EndWrapUp { seat } => self.free(find(seat)),
            Input::ExtendWrapUp { seat, by } => {
                let at = find(seat);
                let seat = &mut self.seats[at];
                seat.until = Some((seat.until.unwrap() + by).min(seat.last));
            }
            Input::TimePassed => {}
        }
    }

    /// New settings: who serves whom is told anew, and every ready seat looks for a caller.
    fn change(
        &mut self,
        now: Instant,
        queues: &[QueueSettings],
        seats: &[SeatSettings],
    ) -> Vec<Decision> {
        self.now = now;
        self.look_at_seats();
        self.rename(queues, seats);
        self.calls.iter_mut().for_each(|call| call.preferred = None);
        for (i, rules) in self.rules.iter().enumerate() {
            let old = self.seats[i].rings.clone();
            let rings = (0..self.queues.len()).map(|j| {
                let kept = old.get(j).copied().flatten();
                let used = self.calls.iter().any(|call| call.queue == j);
                match (self.seats[i].unnamed, self.closed[j]) {
                    (true, _) => None,
                    (false, false) => ring(rules, &self.queues[j], queues),
                    (false, true) => kept.filter(|_| used),
                }
            });
            self.seats[i].rings = rings.collect();
        }
        self.look_at_staff();
        for j in 0..self.queues.len() {
            if self.closed[j] && self.seats.iter().all(|seat| seat.rings[j].is_none()) {
                let mut gone: Vec<_> = self.waiting(j).into_iter().cloned().collect();
                gone.sort_by_key(|call| self.order(call));
                for call in gone {
                    self.calls.retain(|it| it.id != call.id);
                    self.decided.push(Decision::TimedOut(call.id));
                }
            }
        }
        for i in self.idle.clone() {
            self.only = Some(i);
            self.pair_all();
        }
        self.only = None;
        for i in 0..self.seats.len() {
            if self.seats[i].unnamed {
                if matches!(self.seats[i].work, Work::Reserved | Work::Ringing) {
                    self.withdraw(i, OfferResult::Withdrawn);
                }
                self.wish(i, Intent::NotReady(Reason::LoggedOut));
                self.pair_all();
            }
        }
        self.run_until_done();
        std::mem::take(&mut self.decided)
    }

    fn rename(&mut self, queues: &[QueueSettings], seats: &[SeatSettings]) {
        self.closed.fill(true);
        for named in queues {
            match self.queues.iter().position(|it| it.id == named.id) {
                Some(j) => {
                    if self.queues[j].seed != named.seed {
                        self.dice[j] = Dice(named.seed);
                    }
                    if self.queues[j].overflow != named.overflow {
                        let here = self.calls.iter_mut().filter(|call| call.queue == j);
                        here.for_each(|call| call.spent = 0);
                    }
                    self.queues[j] = named.clone();
                    self.closed[j] = false;
                }
                None => {
                    self.queues.push(named.clone());
                    self.closed.push(false);
                    self.unstaffed.push(Some(self.now));
                    self.unserved.push(Some(self.now));
                    self.last.push(None);
                    self.dice.push(Dice(named.seed));
                }
            }
        }
        self.seats.iter_mut().for_each(|seat| seat.unnamed = true);
        for named in seats {
            match self.names.iter().position(|name| *name == named.id) {
                Some(i) => {
                    self.rules[i] = named.clone();
                    self.seats[i].unnamed = false;
                }
                None => {
                    let one = Naive::new(&[], std::slice::from_ref(named));
                    self.seats.extend(one.seats);
                    self.names.push(named.id);
                    self.rules.push(named.clone());
                }
            }
        }
    }

    fn queued(
        &mut self,
        (id, priority, arrived): (CallId, u8, Instant),
        queue: QueueId,
        spent: u8,
        preferred: Option<(usize, Duration)>,
    ) {
        let there = self.queues.iter().position(|it| it.id == queue).unwrap();
        assert!(
            !self.closed[there],
            "the histories know which queues there are"
        );
        let call = NaiveCall {
            id,
            queue: there,
            priority,
            arrived,
            at: None,
            declined: Vec::new(),
            spent,
            preferred: preferred.and_then(|(i, longest)| {
                let (seat, waited) = (&self.seats[i], self.now.since(arrived));
                let signed_out = seat.intent == Intent::NotReady(Reason::LoggedOut);
                let here = seat.phone && !signed_out && !seat.unnamed && !longest.is_zero();
                let wait = self.wait_for(there, seat.rings[there]?);
                let room = self.waiting(there).len() < self.queues[there].capacity;
                let room = room || self.idle.contains(&i);
                (here && room && wait <= waited).then_some((i, self.now + longest))
            }),
            been: Vec::new(),
        };
        if !self.full(&call) {
            return self.calls.push(call);
        }
        let rules = self.queues[there].overflow.clone();
        for (rule, overflow) in rules.iter().enumerate() {
            if overflow.when == OverflowWhen::Full && spent >> rule & 1 == 0 {
                let decided = self.decided.len();
                let here = self.overflow(call.clone(), rule);
                if self.decided.len() > decided {
                    return self.calls.extend(here);
                }
            }
        }
        self.decided.push(Decision::Refused(id));
    }
}

/// Half of the histories see work's worth double.
fn dawn_ms(seed: u64) -> u64 {
    let half_life = rules::OCCUPANCY_HALF_LIFE.as_millis() as u64;
    [10_000, 3 * half_life - 60_000][seed as usize % 2]
}

fn decisions(outputs: &[Output]) -> Vec<Decision> {
    let decision = |output: &Output| match *output {
        Output::Offer { call, seat, .. } => Some(Decision::Offer(call, seat)),
        Output::Withdraw { call, seat, why } => Some(Decision::Withdraw(call, seat, why)),
        Output::TimedOut { call, .. } => Some(Decision::TimedOut(call)),
        Output::Overflowed { call, rule, .. } => Some(Decision::Overflowed(call, rule)),
        Output::Refused { call, .. } => Some(Decision::Refused(call)),
        Output::SeatChanged { .. } => None,
    };
    outputs.iter().filter_map(decision).collect()
}

#[test]
fn ten_thousand_histories_are_decided_as_the_naive_matcher_decides_them() {
    let mut total = support::Tally::default();
    for seed in 0..10_000 {
        let mut dice = Dice(seed);
        let (queues, seats) = centre(&mut dice);
        let mut naive = Naive::new(&queues, &seats);
        let mut world = World::new(queues, seats);
        let mut morning = shift_begins(&world, &mut dice).into_iter();
        let (mut next_call, mut now_ms) = (0, dawn_ms(seed));
        for step in 0..120 {
            now_ms += pause_ms(&mut dice);
            let now = at_ms(now_ms);
            let next = morning
                .next()
                .or_else(|| legal_input(&world, &mut dice, &mut next_call));
            let Some(input) = next else { continue };
            if dice.below(40) == 0 {
                let (queues, seats) = changed(&world, &mut dice);
                let wanted = naive.change(now, &queues, &seats);
                let decided = decisions(&world.change(now, queues, seats));
                assert_eq!(decided, wanted, "seed {seed} step {step}: a change");
                same_state(&world, &naive, seed, step);
                continue;
            }
            let decided = decisions(&world.step(now, input));
            let mut wanted = Vec::new();
            if support::by_hand(input) {
                wanted = naive.step(now, Input::TimePassed);
            }
            wanted.extend(naive.step(now, input));
            assert_eq!(decided, wanted, "seed {seed} step {step}: {input:?}");
            same_state(&world, &naive, seed, step);
        }
        let here = world.tally;
        total.offers += here.offers;
        total.answered += here.answered;
        total.failed += here.failed;
        total.withdrawn += here.withdrawn;
        total.timed_out += here.timed_out;
        total.overflowed += here.overflowed;
        total.moved += here.moved;
        total.by_hand += here.by_hand;
    }
    // The histories are not trivial.
    let enough = total.offers > 20_000 && total.answered > 7_500 && total.timed_out > 4_000;
    let enough = enough && total.overflowed > 2_000 && total.moved > 1_000 && total.by_hand > 1_000;
    let enough = enough && total.failed > 6_000 && total.withdrawn > 6_000;
    assert!(enough, "{total:?}");
}

fn same_state(world: &World, naive: &Naive, seed: u64, step: u64) {
    for settings in &world.seats {
        let i = naive.names.iter().position(|name| *name == settings.id);
        let (view, other) = (
            world.floor.seat(settings.id).unwrap(),
            &naive.seats[i.unwrap()],
        );
        let work = if other.busy && other.work == Work::Free {
            Work::Busy
        } else {
            other.work
        };
        assert_eq!(
            (
                view.intent,
                view.pending,
                view.work,
                view.deadline,
                view.backs_off_until
            ),
            (
                other.intent,
                other.pending,
                work,
                other.until,
                other.back_off.map(|it| it.0)
            ),
            "seed {seed} step {step} seat {}",
            settings.id
        );
    }
    assert_eq!(world.calls.len(), naive.calls.len());
}

/// Invariant 6: a floor is a function of its inputs.
#[test]
fn a_history_replayed_gives_the_same_outputs_bit_for_bit() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let (queues, seats) = centre(&mut dice);
        let mut world = World::new(queues.clone(), seats.clone());
        let mut morning = shift_begins(&world, &mut dice).into_iter();
        let mut history = Vec::new();
        let (mut next_call, mut now_ms) = (0, dawn_ms(seed));
        for _ in 0..150 {
            now_ms += pause_ms(&mut dice);
            let next = morning
                .next()
                .or_else(|| legal_input(&world, &mut dice, &mut next_call));
            if let Some(input) = next {
                let outputs = world.step(at_ms(now_ms), input);
                history.push((at_ms(now_ms), input, outputs));
            }
        }
        let mut again = World::new(queues, seats);
        for (now, input, outputs) in history {
            assert_eq!(again.step(now, input), outputs, "seed {seed}");
        }
    }
}

/// The judge can be wrong only if it judges: a caller out of turn is noticed.
#[test]
#[should_panic(expected = "is offered before")]
fn the_watcher_notices_an_inversion() {
    let mut world = World::new(vec![queue("general")], vec![seat("1001", &["general"])]);
    world.call(1, "general");
    world.pass(at(5));
    world.call(2, "general");
    world.check_offer(CallId(2), s("1001"), q("general"));
}
