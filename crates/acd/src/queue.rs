//! A queue's inside: the line of callers, the seats that stand ready, and the counts.

use core::{cmp::Reverse, ops::Bound, time::Duration};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use hotline_model::{CallId, Instant};

use crate::{
    QueueSettings,
    estimate::{Pace, Tempo},
    ready::{Memory, PassedOver, Ready},
    rings,
    roster::{QueueAt, SeatAt},
    rules,
    seen::Seen,
};

/// A caller's place in line: priority, then original arrival, then the call's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) priority: u8,
    pub(crate) arrived: Instant,
    pub(crate) call: CallId,
}

/// The line of callers. One ordered set a priority: the oldest caller, who decides how pressing the
/// queue is, is then at the front of one of them, and so is whoever is served next.
#[derive(Debug, Default)]
pub(crate) struct Line {
    priorities: BTreeMap<u8, BTreeSet<(Instant, CallId)>>,
    length: usize,
    /// What a step of priority counts in waiting; zero: more than any waiting.
    ageing: Duration,
}

/// Where a caller stands, lowest first. Without ageing the priority decides, with it the instant
/// at which a caller of the best priority had to come to stand there: both stay what they are
/// while time passes, so that nobody ever changes places.
type Rank = (u64, Instant, CallId);

impl Line {
    pub(crate) fn set_ageing(&mut self, ageing: Option<Duration>) {
        self.ageing = ageing.unwrap_or_default().min(rules::AGEING_LONGEST);
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn insert(&mut self, place: Place) {
        let level = self.priorities.entry(place.priority).or_default();
        self.length += usize::from(level.insert((place.arrived, place.call)));
    }

    pub(crate) fn remove(&mut self, place: Place) {
        if let Some(level) = self.priorities.get_mut(&place.priority) {
            self.length -= usize::from(level.remove(&(place.arrived, place.call)));
        }
    }

    pub(crate) fn rank(&self, place: Place) -> Rank {
        let first = match self.ageing.is_zero() {
            true => u64::from(place.priority),
            false => {
                let handicap = self.ageing.saturating_mul(u32::from(place.priority));
                let as_if = place.arrived.since_start().saturating_add(handicap);
                u64::try_from(as_if.as_nanos()).unwrap_or(u64::MAX)
            }
        };
        (first, place.arrived, place.call)
    }

    /// The first of each priority.
    fn firsts(&self) -> impl Iterator<Item = Place> {
        let levels = self.priorities.iter();
        levels.filter_map(|(&priority, level)| Some(place(priority, level.first()?)))
    }

    /// The caller whose turn it is.
    pub(crate) fn head(&self) -> Option<Place> {
        self.best(self.firsts())
    }

    /// The caller whose turn it is among those who came by then. Of each priority that is its first
    /// or nobody.
    pub(crate) fn head_by(&self, then: Instant) -> Option<Place> {
        self.best(self.firsts().filter(|place| place.arrived <= then))
    }

    /// Of the first of some priorities, the one whose turn it is.
    fn best(&self, mut firsts: impl Iterator<Item = Place>) -> Option<Place> {
        match self.ageing.is_zero() {
            true => firsts.next(),
            false => firsts.min_by_key(|&place| self.rank(place)),
        }
    }

    /// The one who waits longest, whatever the priority.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.firsts()
            .min_by_key(|place| (place.arrived, place.call))
    }

    /// The arrival of the first who came later than then; of all when there is no then.
    pub(crate) fn first_after(&self, then: Option<Instant>) -> Option<Instant> {
        let from = then.map_or(Bound::Unbounded, |then| {
            Bound::Excluded((then, CallId(u64::MAX)))
        });
        let levels = self.priorities.values();
        let later = levels.filter_map(|level| level.range((from, Bound::Unbounded)).next());
        later.map(|&(arrived, _)| arrived).min()
    }

    /// Whether somebody of a better priority waits.
    pub(crate) fn overtakes(&self, place: Place) -> bool {
        let mut better = self.priorities.range(..place.priority);
        better.any(|(_, level)| !level.is_empty())
    }

    /// All callers in the order in which they will be served.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        let mut levels: Vec<_> = self
            .priorities
            .iter()
            .map(|(&priority, level)| (priority, level.iter()))
            .collect();
        let mut next = BinaryHeap::new();
        for (at, (priority, level)) in levels.iter_mut().enumerate() {
            next.extend(level.next().map(|it| {
                let place = place(*priority, it);
                Reverse((self.rank(place), place, at))
            }));
        }
        core::iter::from_fn(move || {
            let Reverse((_, served, at)) = next.pop()?;
            if let Some((priority, level)) = levels.get_mut(at)
                && let Some(it) = level.next()
            {
                let place = place(*priority, it);
                next.push(Reverse((self.rank(place), place, at)));
            }
            Some(served)
        })
    }

    /// How many callers are before this place.
    pub(crate) fn ahead_of(&self, of: Place) -> usize {
        let ahead = |(&priority, level): (&u8, &BTreeSet<(Instant, CallId)>)| {
            if self.ageing.is_zero() {
                return match priority.cmp(&of.priority) {
                    core::cmp::Ordering::Less => level.len(),
                    core::cmp::Ordering::Equal => before(level, (of.arrived, of.call)),
                    core::cmp::Ordering::Greater => 0,
                };
            }
            // In a better priority those count who came so many steps later or sooner.
            let steps = |n: u8| self.ageing.saturating_mul(u32::from(n));
            match of.priority.checked_sub(priority) {
                Some(0) => before(level, (of.arrived, of.call)),
                Some(better) => before(level, (of.arrived + steps(better), CallId(0))),
                None => {
                    let earlier = steps(priority.saturating_sub(of.priority));
                    match of.arrived.since_start() < earlier {
                        true => 0,
                        false => {
                            // At a tie the older one is before.
                            let after = of.arrived - earlier + Duration::from_nanos(1);
                            before(level, (after, CallId(0)))
                        }
                    }
                }
            }
        };
        self.priorities.iter().map(ahead).sum()
    }
}

fn place(priority: u8, &(arrived, call): &(Instant, CallId)) -> Place {
    Place {
        priority,
        arrived,
        call,
    }
}

/// How many stand before the key, counted from both ends at once: most who ask stand near the head
/// or have just come.
fn before(level: &BTreeSet<(Instant, CallId)>, key: (Instant, CallId)) -> usize {
    let mut before = level.range(..key);
    let mut from = level.range(key..);
    let mut steps = 0;
    loop {
        if before.next().is_none() {
            return steps;
        }
        if from.next().is_none() {
            return level.len() - steps;
        }
        steps += 1;
    }
}

/// A queue of the floor.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) settings: QueueSettings,
    /// Who may take its calls and from which ring on, in the order of the configuration.
    pub(crate) served_by: Vec<(SeatAt, usize)>,
    pub(crate) line: Line,
    /// Seats that would take a call at once, by the ring from which on they count.
    pub(crate) ready: Vec<Ready>,
    /// The wait from which each ring counts.
    pub(crate) waits: Vec<Duration>,
    pub(crate) memory: Memory,
    /// The settings name it no more: nobody comes in.
    pub(crate) closed: bool,
    /// Seats being rung for a caller of this queue.
    pub(crate) offering: usize,
    /// Seats talking with a caller of this queue.
    pub(crate) talking: usize,
    /// Seats of this queue that are signed in and registered.
    pub(crate) staffed: usize,
    /// Of these, those who want calls.
    pub(crate) at_work: usize,
    pub(crate) pace: Pace,
    /// What happened lately, for the forecast.
    pub(crate) seen: Seen,
    /// Changed since the board was last written.
    pub(crate) unposted: bool,
}

impl Queue {
    /// A queue of a roster of so many seats.
    pub(crate) fn new(settings: QueueSettings, seats: usize) -> Self {
        let waits = rings::waits(&settings);
        let mut line = Line::default();
        line.set_ageing(settings.ageing);
        let ring = |_: &Duration| Ready::new(settings.choice, seats);
        Self {
            served_by: Vec::new(),
            line,
            ready: waits.iter().map(ring).collect(),
            waits,
            memory: Memory::new(settings.seed),
            settings,
            closed: false,
            offering: 0,
            talking: 0,
            staffed: 0,
            at_work: 0,
            pace: Pace::default(),
            seen: Seen::default(),
            unposted: true,
        }
    }

    /// Takes new settings. Whoever stands in line stands where the new ones say.
    pub(crate) fn reopen(&mut self, settings: QueueSettings) {
        self.closed = false;
        self.line.set_ageing(settings.ageing);
        self.waits = rings::waits(&settings);
        self.memory.reseed(self.settings.seed, settings.seed);
        self.settings = settings;
    }

    /// No seat serves it, of a roster of so many.
    pub(crate) fn clear_seats(&mut self, seats: usize) {
        let ring = |_: &Duration| Ready::new(self.settings.choice, seats);
        self.ready = self.waits.iter().map(ring).collect();
        self.served_by.clear();
        self.staffed = 0;
        self.at_work = 0;
    }

    /// How fast its line moves now; `None`: not known.
    pub(crate) fn tempo(&self, now: Instant) -> Option<Tempo> {
        self.pace.tempo(self.at_work, self.seen.patience(now))
    }

    /// Whether some call is still its own, in line or at a seat.
    pub(crate) fn has_calls(&self) -> bool {
        self.line.len() + self.offering + self.talking > 0
    }

    /// Seats that would take a call that just came.
    pub(crate) fn ready_at_once(&self) -> usize {
        self.ready.first().map_or(0, Ready::len)
    }

    /// The widest ring that a caller who came then may be served by.
    pub(crate) fn ring_at(&self, arrived: Instant, now: Instant) -> usize {
        let waited = now.since(arrived);
        let open = self.waits.iter().take_while(|&&wait| wait <= waited);
        open.count().saturating_sub(1)
    }

    /// Whose turn it is for a seat of the ring.
    pub(crate) fn head_for(&self, ring: usize, now: Instant) -> Option<Place> {
        let &wait = self.waits.get(ring)?;
        if now.since_start() < wait {
            return None;
        }
        self.line.head_by(now - wait)
    }

    /// Whose turn it is of those for whom some seat stands ready.
    pub(crate) fn next_served(&self, now: Instant) -> Option<Place> {
        let rings = self.ready.iter().enumerate();
        let open = rings.filter(|(_, ready)| !ready.is_empty());
        open.filter_map(|(ring, _)| self.head_for(ring, now))
            .min_by_key(|&place| self.line.rank(place))
    }

    /// The seat to ring for a caller of this ring: from the innermost ring in which somebody has
    /// not declined; when all have, from the innermost at all: a caller is not kept waiting before
    /// a free seat. With its ring.
    pub(crate) fn choose(
        &mut self,
        ring: usize,
        declined_by: &[SeatAt],
    ) -> Option<(SeatAt, usize, PassedOver)> {
        let mut decliners = 0;
        for (at, ready) in self.ready.iter_mut().enumerate().take(ring + 1) {
            match ready.willing(declined_by, &mut self.memory) {
                Some((seat, passed)) => {
                    let passed = match decliners + passed {
                        0 => PassedOver::Nobody,
                        seats => PassedOver::Decliners(seats),
                    };
                    return Some((seat, at, passed));
                }
                None => decliners += ready.len(),
            }
        }
        let mut rings = self.ready.iter_mut().enumerate().take(ring + 1);
        rings.find_map(|(at, ready)| Some((ready.anybody(&mut self.memory)?, at, PassedOver::All)))
    }

    /// When the next waiting caller may be served by further seats.
    pub(crate) fn widens_at(&self, now: Instant) -> Option<Instant> {
        let next = |&wait: &Duration| {
            let began = (now.since_start() >= wait).then(|| now - wait);
            Some(self.line.first_after(began)? + wait)
        };
        self.waits.iter().skip(1).filter_map(next).min()
    }

    /// When the oldest caller's longest wait ends.
    pub(crate) fn times_out_at(&self) -> Option<Instant> {
        let longest = self.settings.longest_wait?;
        Some(self.line.oldest()?.arrived + longest)
    }
}

/// What a call is doing, as far as the floor is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Offered(SeatAt),
    Talking(SeatAt),
}

/// A call the floor holds.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) queue: QueueAt,
    pub(crate) place: Place,
    pub(crate) stage: Stage,
    /// Seats that declined it, oldest first, at most `rules::DECLINED_PER_CALL`.
    pub(crate) declined_by: Vec<SeatAt>,
    /// Since when it waits for its first human; `None` once one answered.
    pub(crate) waits_since: Option<Instant>,
    /// While a seat talks: the seat that is being rung to take the call over.
    pub(crate) transfer_to: Option<SeatAt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(priority: u8, arrived: u64, call: u64) -> Place {
        Place {
            priority,
            arrived: Instant::START + Duration::from_secs(arrived),
            call: CallId(call),
        }
    }

    #[test]
    fn the_line_is_ordered_by_priority_arrival_and_number() {
        let mut line = Line::default();
        for p in [
            stands(5, 1, 3),
            stands(5, 0, 9),
            stands(0, 7, 4),
            stands(5, 1, 2),
        ] {
            line.insert(p);
            line.insert(p);
        }
        let order: Vec<u64> = line.iter().map(|p| p.call.0).collect();
        assert_eq!(order, [4, 9, 2, 3]);
        assert_eq!(line.len(), 4);
        assert_eq!(line.oldest(), Some(stands(5, 0, 9)));
        for (ahead, p) in line.iter().enumerate() {
            assert_eq!(line.ahead_of(p), ahead);
        }
        line.remove(stands(0, 7, 4));
        line.remove(stands(0, 7, 4));
        assert_eq!(line.head(), Some(stands(5, 0, 9)));
        assert_eq!(line.len(), 3);
    }

    #[test]
    fn with_ageing_a_step_of_priority_counts_like_a_wait() {
        let mut line = Line::default();
        line.set_ageing(Some(Duration::from_secs(10)));
        let all = [
            stands(0, 29, 1),
            stands(0, 31, 2),
            stands(1, 20, 3),
            stands(3, 0, 4),
            stands(3, 1, 5),
            stands(9, 70, 6),
        ];
        for p in all {
            line.insert(p);
        }
        let order: Vec<u64> = line.iter().map(|p| p.call.0).collect();
        // At 30 s level 3 that began at 0 stands where level 0 begins; of two there the older.
        assert_eq!(order, [1, 4, 3, 5, 2, 6]);
        for (ahead, p) in line.iter().enumerate() {
            assert_eq!(line.ahead_of(p), ahead, "{p:?}");
        }
        assert_eq!(line.head().map(|p| p.call.0), Some(1));
        assert_eq!(line.oldest(), Some(stands(3, 0, 4)));
        assert!(line.overtakes(stands(3, 0, 4)) && !line.overtakes(stands(0, 29, 1)));
    }
}
