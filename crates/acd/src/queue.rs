//! A queue's inside: the line of callers, the seats that stand ready, and the counts.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{CallId, Instant};

use crate::{
    QueueSettings,
    roster::{QueueAt, SeatAt},
};

/// A caller's place in line: priority, then original arrival, then the call's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) priority: u8,
    pub(crate) arrived: Instant,
    pub(crate) call: CallId,
}

/// The line of callers. One ordered set a priority: the oldest caller, who decides how pressing the
/// queue is, is then at the front of one of them.
#[derive(Debug, Default)]
pub(crate) struct Line {
    priorities: BTreeMap<u8, BTreeSet<(Instant, CallId)>>,
    length: usize,
}

impl Line {
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

    /// The caller whose turn it is.
    pub(crate) fn head(&self) -> Option<Place> {
        self.iter().next()
    }

    /// The one who waits longest, whatever the priority.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.priorities
            .iter()
            .filter_map(|(&priority, level)| {
                let &(arrived, call) = level.first()?;
                Some(Place {
                    priority,
                    arrived,
                    call,
                })
            })
            .min_by_key(|place| (place.arrived, place.call))
    }

    /// All callers in the order in which they will be served.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Place> {
        self.priorities.iter().flat_map(|(&priority, level)| {
            level.iter().map(move |&(arrived, call)| Place {
                priority,
                arrived,
                call,
            })
        })
    }

    /// How many callers are before this place.
    pub(crate) fn ahead_of(&self, place: Place) -> usize {
        let served_before: usize = self
            .priorities
            .range(..place.priority)
            .map(|(_, level)| level.len())
            .sum();
        let Some(level) = self.priorities.get(&place.priority) else {
            return served_before;
        };
        let key = (place.arrived, place.call);
        // From both ends at once: most who ask stand near the head or have just come.
        let mut before = level.range(..key);
        let mut from = level.range(key..);
        let mut steps = 0;
        let within = loop {
            if before.next().is_none() {
                break steps;
            }
            if from.next().is_none() {
                break level.len() - steps;
            }
            steps += 1;
        };
        served_before + within
    }
}

/// A queue of the floor.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) settings: QueueSettings,
    /// Who may take its calls, in the order of the configuration.
    pub(crate) served_by: Vec<SeatAt>,
    pub(crate) line: Line,
    /// Seats that would take a call at once, the longest idle first: by the number of the turn in
    /// which they became idle, which grows with time and has no ties.
    pub(crate) ready: BTreeSet<(u64, SeatAt)>,
    /// Seats being rung for a caller of this queue.
    pub(crate) offering: usize,
    /// Seats talking with a caller of this queue.
    pub(crate) talking: usize,
    /// Seats of this queue that are signed in and registered.
    pub(crate) staffed: usize,
    /// Changed since the board was last written.
    pub(crate) unposted: bool,
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings) -> Self {
        Self {
            settings,
            served_by: Vec::new(),
            line: Line::default(),
            ready: BTreeSet::new(),
            offering: 0,
            talking: 0,
            staffed: 0,
            unposted: true,
        }
    }

    /// When the oldest caller's longest wait ends.
    pub(crate) fn times_out_at(&self) -> Option<Instant> {
        Some(self.line.oldest()?.arrived + self.settings.longest_wait?)
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
    /// While a seat talks: the seat that is being rung to take the call over.
    pub(crate) transfer_to: Option<SeatAt>,
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn place(priority: u8, arrived: u64, call: u64) -> Place {
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
            place(5, 1, 3),
            place(5, 0, 9),
            place(0, 7, 4),
            place(5, 1, 2),
        ] {
            line.insert(p);
            line.insert(p);
        }
        let order: Vec<u64> = line.iter().map(|p| p.call.0).collect();
        assert_eq!(order, [4, 9, 2, 3]);
        assert_eq!(line.len(), 4);
        assert_eq!(line.oldest(), Some(place(5, 0, 9)));
        for (ahead, p) in line.iter().enumerate() {
            assert_eq!(line.ahead_of(p), ahead);
        }
        line.remove(place(0, 7, 4));
        line.remove(place(0, 7, 4));
        assert_eq!(line.head(), Some(place(5, 0, 9)));
        assert_eq!(line.len(), 3);
    }
}
