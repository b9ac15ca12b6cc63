//! A naive matcher: flat vectors and linear scans, written from the rules and not from the floor.
//! Here who is served next and by whom, and what is due; in `happens` what the inputs do.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod happens;

use std::time::Duration;

use hotline_acd::{Choice, Input, OverflowWhen, QueueSettings, SeatSettings, rules};
use hotline_model::{
    CallId, Instant, SeatId,
    seat::{Intent, OfferResult, Reason, Work},
};

use crate::support::Dice;

const READY: Intent = Intent::Ready;

/// A decision, as far as two matchers can agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Offer(CallId, SeatId),
    Withdraw(CallId, SeatId, OfferResult),
    TimedOut(CallId),
    Overflowed(CallId, usize),
    Refused(CallId),
}

#[derive(Clone)]
pub struct NaiveCall {
    pub id: CallId,
    pub queue: usize,
    pub priority: u8,
    pub arrived: Instant,
    pub at: Option<(usize, bool)>, // seat, talking
    pub declined: Vec<usize>,
    pub spent: u8, // overflow rules that do not count for it, one a bit
    pub preferred: Option<(usize, Instant)>, // seat, until
    pub been: Vec<usize>, // queues it left by overflow
    pub promised: bool, // nobody is on the line
}

#[derive(Clone)]
pub struct NaiveSeat {
    pub rings: Vec<Option<usize>>, // of each queue, the first it is in
    pub intent: Intent,
    pub pending: Option<Intent>,
    pub phone: bool,
    pub desk_lost: bool,
    pub barred: bool,
    pub busy: bool,
    pub work: Work,
    pub until: Option<Instant>,
    pub last: Instant,                     // answer by, or longest wrap-up
    pub back_off: Option<(Instant, bool)>, // until, for having refused
    pub refused: u8,
    pub unreached: u32,
    pub answered: u32, // since it signed in
    pub worked: u128,
    pub works_since: Option<u128>,
    pub unnamed: bool,
    pub place: usize, // in the settings
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

pub struct Naive {
    pub now: Instant,
    pub queues: Vec<QueueSettings>,
    pub closed: Vec<bool>,
    pub unstaffed: Vec<Option<Instant>>, // of each queue, since when
    pub unserved: Vec<Option<Instant>>,  // by seats of no ring
    pub names: Vec<SeatId>,
    pub rules: Vec<SeatSettings>,
    pub seats: Vec<NaiveSeat>,
    pub calls: Vec<NaiveCall>,
    pub only: Option<usize>, // the one seat that looks for a caller just now
    pub idle: Vec<usize>,    // ready seats, the longest idle first
    pub last: Vec<Option<usize>>, // of each queue, the seat rung last
    pub dice: Vec<Dice>,
    pub decided: Vec<Decision>,
}

impl NaiveSeat {
    pub fn here(&self) -> bool {
        self.phone && !self.desk_lost
    }
}

impl Naive {
    pub fn new(queues: &[QueueSettings], seats: &[SeatSettings]) -> Self {
        let member = |(place, seat): (usize, &SeatSettings)| NaiveSeat {
            rings: queues
                .iter()
                .map(|queue| ring(seat, queue, queues))
                .collect(),
            intent: Intent::NotReady(Reason::LoggedOut),
            pending: None,
            phone: false,
            desk_lost: false,
            barred: false,
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
            place,
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
            seats: seats.iter().enumerate().map(member).collect(),
            calls: Vec::new(),
            only: None,
            idle: Vec::new(),
            decided: Vec::new(),
        }
    }

    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Decision> {
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
            let waits = self.calls.iter();
            let waits = waits.filter(|call| call.at.is_none() && !call.promised);
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
                own && seat.here() && seat.intent != signed_out && !seat.unnamed
            });
            let served = self.seats.iter().any(|seat| {
                let serves = seat.rings.get(j).copied().flatten().is_some();
                serves && seat.here() && seat.intent != signed_out && !seat.unnamed
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
                seat.intent == READY && seat.here() && clear && !seat.unnamed,
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
                let place = |i: usize| self.seats[i].place;
                let last = self.last[call.queue].map(place);
                // Round again: whoever comes not later comes after all who do.
                least(&|i| u128::from(Some(place(i)) <= last) << 64 | place(i) as u128)
            }
            Choice::FixedOrder => least(&|i| self.seats[i].place as u128),
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

    fn full(&self, call: &NaiveCall) -> bool {
        let full = self.unpromised(call.queue) >= self.queues[call.queue].capacity;
        full && !call.promised && self.ready(call).is_empty()
    }
}
