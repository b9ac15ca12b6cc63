//! When legs are visited: each 20 ms, in batches.
//!
//! Legs are visited in as few batches as possible, because what costs is waking up, not the packet:
//! the same packets in one batch take a third less CPU than spread over 1 ms slices. But a packet
//! of a bridge that arrives during a batch waits for its end. So the first [`BATCH`] legs share
//! one millisecond of the 20, the next ones another, and so on: 100 calls wake the thread 50 times
//! a second, 5,000 calls 1,000 times, and no bridge waits longer than one batch, about a
//! millisecond. The milliseconds are taken in an order that leaves room between them while it can:
//! a batch that takes longer than its millisecond then delays no other. Due times are whole
//! milliseconds of the engine's clock and never depend on when the last tick really ran, so nothing
//! drifts.

use core::time::Duration;

use hotline_model::Instant;

use crate::FRAME_MS;

/// Legs of one batch: about a millisecond of sending and receiving.
const BATCH: usize = 256;

/// Batches of the 20 ms.
pub(super) const PHASES: usize = FRAME_MS as usize;

/// The millisecond of each batch within the 20: those of the first ten are apart.
const OFFSETS: [u64; PHASES] = [
    0, 10, 4, 14, 8, 18, 2, 12, 6, 16, 1, 11, 5, 15, 9, 19, 3, 13, 7, 17,
];

/// Where a leg stands in the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    phase: usize,
    index: usize,
}

/// The legs to visit, by the millisecond of their 20.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    phases: [Phase; PHASES],
}

#[derive(Debug)]
struct Phase {
    slots: Vec<usize>,
    /// Milliseconds since the start; meaningless while there are no legs.
    due: u64,
}

impl Default for Phase {
    /// With room for a batch: a key that goes down brings a leg here on a packet's way, where
    /// nothing may be allocated.
    fn default() -> Self {
        Self {
            slots: Vec::with_capacity(BATCH),
            due: 0,
        }
    }
}

fn millis(at: Instant) -> u64 {
    at.millis_since(Instant::START)
}

fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

impl Schedule {
    /// Adds a leg; its first visit is less than 20 ms away.
    pub(super) fn add(&mut self, now: Instant, slot: usize) -> Option<Place> {
        let sizes = || {
            self.phases
                .iter()
                .map(|phase| phase.slots.len())
                .enumerate()
        };
        let (phase, index) = sizes()
            .find(|&(_, size)| size < BATCH)
            .or_else(|| sizes().min_by_key(|&(_, size)| size))?;
        let entry = self.phases.get_mut(phase)?;
        if index == 0 {
            let offset = OFFSETS.get(phase).copied().unwrap_or_default();
            let now = millis(now);
            let passed = (now + FRAME_MS - offset) % FRAME_MS;
            entry.due = now + FRAME_MS - passed;
        }
        entry.slots.push(slot);
        Some(Place { phase, index })
    }

    /// Takes a leg out. When another leg was moved to its place, that leg's slot is returned: its
    /// place is now the given one.
    pub(super) fn remove(&mut self, place: Place) -> Option<usize> {
        let phase = self.phases.get_mut(place.phase)?;
        if place.index < phase.slots.len() {
            phase.slots.swap_remove(place.index);
        }
        phase.slots.get(place.index).copied()
    }

    /// When the next batch is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let busy = self.phases.iter().filter(|phase| !phase.slots.is_empty());
        busy.map(|phase| phase.due).min().map(at)
    }

    /// A batch that is due: its number, when it was due first, and how many times it is due by
    /// now. Its next time is set.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let now = millis(now);
        let waiting = self.phases.iter_mut().enumerate();
        let (phase, entry) = waiting
            .filter(|(_, phase)| !phase.slots.is_empty() && phase.due <= now)
            .min_by_key(|(_, phase)| phase.due)?;
        let times = (now - entry.due) / FRAME_MS + 1;
        let first = entry.due;
        entry.due += times * FRAME_MS;
        Some(Due {
            phase,
            first: at(first),
            times,
        })
    }

    /// Legs in the schedule.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.phases.iter().map(|phase| phase.slots.len()).sum()
    }

    /// Whether the leg is where it believes to be.
    #[cfg(test)]
    pub(super) fn is_at(&self, place: Place, slot: usize) -> bool {
        self.slot(place.phase, place.index) == Some(slot)
    }

    /// The leg at a place of a batch.
    pub(super) fn slot(&self, phase: usize, index: usize) -> Option<usize> {
        self.phases.get(phase)?.slots.get(index).copied()
    }
}

/// A batch that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) phase: usize,
    pub(super) first: Instant,
    pub(super) times: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_legs_share_one_batch_and_many_are_spread() {
        let mut schedule = Schedule::default();
        let places: Vec<Place> = (0..PHASES * BATCH + 40)
            .map(|slot| schedule.add(at(3), slot).unwrap())
            .collect();
        assert!(places[..BATCH].iter().all(|place| place.phase == 0));
        assert_eq!(places[BATCH].phase, 1);
        for phase in &schedule.phases {
            assert_eq!(phase.slots.len(), BATCH + 2);
        }
    }

    #[test]
    fn a_batch_finds_its_room_made() {
        let mut schedule = Schedule::default();
        let info = allocation_counter::measure(|| {
            for slot in 0..BATCH {
                schedule.add(at(0), slot);
            }
        });
        assert_eq!((info.count_total, schedule.len()), (0, BATCH));
    }

    #[test]
    fn each_batch_has_a_millisecond_of_its_own_and_the_first_ten_have_room() {
        let mut all = OFFSETS;
        all.sort_unstable();
        assert!(all.into_iter().eq(0..PHASES as u64));
        for few in 1..=10 {
            let mut some = OFFSETS[..few].to_vec();
            some.sort_unstable();
            some.push(some[0] + 20);
            assert!(some.windows(2).all(|pair| pair[1] - pair[0] >= 2), "{few}");
        }
    }

    #[test]
    fn the_first_visit_is_within_20_ms_and_the_rest_on_the_grid() {
        for start in 0..60 {
            let mut schedule = Schedule::default();
            for slot in 0..=BATCH {
                schedule.add(at(start), slot);
            }
            let mut visits = [Vec::new(), Vec::new()];
            for now in start..start + 100 {
                while let Some(due) = schedule.take_due(at(now)) {
                    assert_eq!((due.first, due.times), (at(now), 1));
                    visits[due.phase].push(now);
                }
            }
            for (offset, visits) in OFFSETS.into_iter().zip(&visits) {
                assert!(
                    visits[0] > start && visits[0] <= start + 20,
                    "{start}: {visits:?}"
                );
                assert!(visits.iter().all(|ms| ms % 20 == offset));
                assert!(visits.len() >= 4);
            }
        }
    }

    #[test]
    fn a_late_tick_is_told_how_late_and_does_not_shift_the_grid() {
        let mut schedule = Schedule::default();
        schedule.add(at(0), 7);
        assert_eq!(schedule.next(), Some(at(20)));
        let due = Due {
            phase: 0,
            first: at(20),
            times: 3,
        };
        assert_eq!(schedule.take_due(at(79)), Some(due));
        assert_eq!(schedule.take_due(at(79)), None);
        assert_eq!(schedule.next(), Some(at(80)));
    }

    #[test]
    fn a_removed_leg_leaves_its_place_to_the_last_one() {
        let mut schedule = Schedule::default();
        let places: Vec<Place> = (10..13)
            .map(|slot| schedule.add(at(0), slot).unwrap())
            .collect();
        assert_eq!(schedule.remove(places[0]), Some(12));
        assert_eq!(schedule.slot(0, 0), Some(12));
        assert_eq!(schedule.remove(places[1]), None);
        assert_eq!(schedule.remove(places[0]), None);
        assert_eq!(schedule.next(), None);
    }
}
