//! The line of callers in a queue: who stands where, and whose turn it is.

use core::{cmp::Reverse, ops::Bound, time::Duration};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use hotline_model::{CallId, Instant};

use crate::rules;

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
    /// Those who hold out for one seat stand apart in each priority: no other seat looks for them.
    levels: BTreeMap<Level, BTreeSet<(Instant, CallId)>>,
    length: usize,
    /// How many of them hold out.
    holding: usize,
    /// Of those who do not hold out the one who waits longest, whatever the priority: asked in
    /// every turn of every seat.
    oldest: Option<Place>,
    /// What a step of priority counts in waiting; zero: more than any waiting.
    ageing: Duration,
    /// Those in line who were promised a callback: few.
    promised: BTreeSet<CallId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    priority: u8,
    holds_out: bool,
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

    /// How many were promised nothing.
    pub(crate) fn unpromised(&self) -> usize {
        self.length - self.promised.len().min(self.length)
    }

    pub(crate) fn insert(&mut self, place: Place) {
        let added = self.add(place, false);
        self.length += usize::from(added);
        let older = |oldest: Place| (place.arrived, place.call) < (oldest.arrived, oldest.call);
        if self.oldest.is_none_or(older) {
            self.oldest = Some(place);
        }
    }

    /// Takes in a caller who holds out for one seat.
    pub(crate) fn insert_holding(&mut self, place: Place) {
        let added = self.add(place, true);
        self.length += usize::from(added);
        self.holding += usize::from(added);
    }

    fn add(&mut self, place: Place, holds_out: bool) -> bool {
        let priority = place.priority;
        let level = Level {
            priority,
            holds_out,
        };
        let level = self.levels.entry(level).or_default();
        level.insert((place.arrived, place.call))
    }

    fn take(&mut self, place: Place, holds_out: bool) -> bool {
        let priority = place.priority;
        let level = Level {
            priority,
            holds_out,
        };
        let level = self.levels.get_mut(&level);
        level.is_some_and(|level| level.remove(&(place.arrived, place.call)))
    }

    pub(crate) fn remove(&mut self, place: Place) {
        if self.take(place, false) {
            self.length -= 1;
        } else if self.holding > 0 && self.take(place, true) {
            self.length -= 1;
            self.holding -= 1;
        }
        if self.oldest == Some(place) {
            let firsts = self.firsts();
            self.oldest = firsts.min_by_key(|place| (place.arrived, place.call));
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

    /// Those for whom any seat is looked for.
    fn open(&self) -> impl Iterator<Item = (u8, &BTreeSet<(Instant, CallId)>)> {
        let open = self.levels.iter().filter(|(level, _)| !level.holds_out);
        open.map(|(level, callers)| (level.priority, callers))
    }

    /// The first of each priority.
    fn firsts(&self) -> impl Iterator<Item = Place> {
        self.open()
            .filter_map(|(priority, level)| Some(place(priority, level.first()?)))
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

    /// The one who waits longest, whatever the priority, of those who do not hold out.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.oldest
    }

    /// The one who waits longest of all.
    pub(crate) fn oldest_of_all(&self) -> Option<Place> {
        if self.holding == 0 {
            return self.oldest;
        }
        let levels = self.levels.iter();
        let firsts = levels.filter_map(|(level, it)| Some(place(level.priority, it.first()?)));
        firsts.min_by_key(|place| (place.arrived, place.call))
    }

    /// The one who waits longest of those who were promised nothing. Costs a look at each promised
    /// one who stands before.
    pub(crate) fn oldest_unpromised(&self) -> Option<Place> {
        if self.promised.is_empty() {
            return self.oldest_of_all();
        }
        let unpromised = |it: &&(Instant, CallId)| !self.promised.contains(&it.1);
        let firsts = self.levels.iter().filter_map(|(level, callers)| {
            let first = callers.iter().find(unpromised)?;
            Some(place(level.priority, first))
        });
        firsts.min_by_key(|place| (place.arrived, place.call))
    }

    /// The call in line was promised a callback.
    pub(crate) fn promise_to(&mut self, call: CallId) {
        self.promised.insert(call);
    }

    /// The call left the line.
    pub(crate) fn forget_promise(&mut self, call: CallId) {
        self.promised.remove(&call);
    }

    /// The arrival of the first who came later than then; of all when there is no then.
    pub(crate) fn first_after(&self, then: Option<Instant>) -> Option<Instant> {
        let from = then.map_or(Bound::Unbounded, |then| {
            Bound::Excluded((then, CallId(u64::MAX)))
        });
        let later = self
            .open()
            .filter_map(|(_, level)| level.range((from, Bound::Unbounded)).next());
        later.map(|&(arrived, _)| arrived).min()
    }

    /// Whether somebody of a better priority waits.
    pub(crate) fn overtakes(&self, place: Place) -> bool {
        let mut better = self.open().take_while(|&(of, _)| of < place.priority);
        better.any(|(_, level)| !level.is_empty())
    }

    /// All callers in the order in which they will be served.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        let mut levels: Vec<_> = self
            .levels
            .iter()
            .map(|(level, callers)| (level.priority, callers.iter()))
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

    /// All callers, the one who will be served last first.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = Place> {
        let levels = self.levels.iter();
        let levels = levels.map(|(level, callers)| (level.priority, callers.iter().rev()));
        let mut levels: Vec<_> = levels.collect();
        let mut next = BinaryHeap::new();
        for (at, (priority, level)) in levels.iter_mut().enumerate() {
            next.extend(level.next().map(|it| {
                let place = place(*priority, it);
                (self.rank(place), place, at)
            }));
        }
        core::iter::from_fn(move || {
            let (_, last, at) = next.pop()?;
            if let Some((priority, level)) = levels.get_mut(at)
                && let Some(it) = level.next()
            {
                let place = place(*priority, it);
                next.push((self.rank(place), place, at));
            }
            Some(last)
        })
    }

    /// How many callers are before this place.
    pub(crate) fn ahead_of(&self, of: Place) -> usize {
        let ahead = |(of_level, level): (&Level, &BTreeSet<(Instant, CallId)>)| {
            let priority = of_level.priority;
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
        self.levels.iter().map(ahead).sum()
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
        let back: Vec<u64> = line.iter_back().map(|p| p.call.0).collect();
        assert_eq!(back, [3, 2, 9, 4]);
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
    fn who_holds_out_stands_in_line_and_is_passed_over() {
        let mut line = Line::default();
        line.insert_holding(stands(5, 0, 1));
        line.insert(stands(5, 1, 2));
        line.insert(stands(5, 2, 3));
        let order: Vec<u64> = line.iter().map(|p| p.call.0).collect();
        assert_eq!((order, line.len()), (vec![1, 2, 3], 3));
        assert_eq!(line.head(), Some(stands(5, 1, 2)));
        assert_eq!(line.oldest(), Some(stands(5, 1, 2)));
        assert_eq!(line.oldest_of_all(), Some(stands(5, 0, 1)));
        assert_eq!(line.ahead_of(stands(5, 1, 2)), 1);
        line.remove(stands(5, 0, 1));
        assert_eq!((line.len(), line.oldest_of_all()), (2, line.oldest()));
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
        let back: Vec<u64> = line.iter_back().map(|p| p.call.0).collect();
        assert_eq!(back, [6, 2, 5, 3, 4, 1]);
        for (ahead, p) in line.iter().enumerate() {
            assert_eq!(line.ahead_of(p), ahead, "{p:?}");
        }
        assert_eq!(line.head().map(|p| p.call.0), Some(1));
        assert_eq!(line.oldest(), Some(stands(3, 0, 4)));
        assert!(line.overtakes(stands(3, 0, 4)) && !line.overtakes(stands(0, 29, 1)));
    }
}
