//! What a queue saw lately, in slots of a quarter of a minute: who came, who gave up, how long all
//! waited, how long its calls took their seats.

use core::time::Duration;
use std::collections::VecDeque;

use hotline_model::Instant;

use crate::rules;

/// Length of a slot.
const SLOT: Duration = Duration::from_secs(15);

/// How far back is remembered: the means (handling, patience) are of this time.
pub(crate) const KEPT: Duration = Duration::from_secs(3_600);

/// What was counted in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) entered: u64,
    pub(crate) abandoned: u64,
    pub(crate) waited: Duration,
    pub(crate) handled: u64,
    pub(crate) handling: Duration,
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.entered += other.entered;
        self.abandoned += other.abandoned;
        self.waited = self.waited.saturating_add(other.waited);
        self.handled += other.handled;
        self.handling = self.handling.saturating_add(other.handling);
    }
}

/// The slots in which something happened, oldest first, each with its number since the start.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    slots: VecDeque<(u64, Counted)>,
}

impl Seen {
    /// Counts in the present slot. Slots older than [`KEPT`] are forgotten.
    pub(crate) fn count(&mut self, now: Instant, count: impl FnOnce(&mut Counted)) {
        let slot = slot(now);
        let kept = slot.saturating_sub(slots_of(KEPT));
        while self.slots.front().is_some_and(|&(at, _)| at < kept) {
            self.slots.pop_front();
        }
        match self.slots.back() {
            Some(&(last, _)) if last >= slot => {}
            _ => self.slots.push_back((slot, Counted::default())),
        }
        if let Some((_, present)) = self.slots.back_mut() {
            count(present);
        }
    }

    /// Somebody came.
    pub(crate) fn entered(&mut self, now: Instant) {
        self.count(now, |n| n.entered += 1);
    }

    /// A seat is done with a call that took it so long.
    pub(crate) fn handled(&mut self, now: Instant, busy: Duration) {
        self.count(now, |n| {
            n.handled += 1;
            n.handling = n.handling.saturating_add(busy);
        });
    }

    /// Somebody who waited is out of the line, after so long.
    pub(crate) fn waited(&mut self, now: Instant, wait: Duration, gave_up: bool) {
        self.count(now, |n| {
            n.waited = n.waited.saturating_add(wait);
            n.abandoned += u64::from(gave_up);
        });
    }

    /// How long callers wait before they give up, on average: of those of the last hour and, like
    /// so many more, of the usual ones.
    pub(crate) fn patience(&self, now: Instant) -> Duration {
        let counted = self.within(now, KEPT);
        let usual = u32::from(rules::USUAL_PATIENCE_WEIGHS);
        let all = u32::try_from(counted.abandoned).unwrap_or(u32::MAX - usual) + usual;
        (counted.waited + rules::USUAL_PATIENCE * usual) / all
    }

    /// All of the last so many slots' time, the present slot included.
    pub(crate) fn within(&self, now: Instant, time: Duration) -> Counted {
        let from = (slot(now) + 1).saturating_sub(slots_of(time));
        let mut sum = Counted::default();
        for (_, counted) in self.slots.iter().rev().take_while(|(at, _)| *at >= from) {
            sum.add(counted);
        }
        sum
    }
}

fn slot(at: Instant) -> u64 {
    at.since_start().as_secs() / SLOT.as_secs()
}

const fn slots_of(time: Duration) -> u64 {
    time.as_secs() / SLOT.as_secs()
}

/// The time that `within` of so long really covers at `now`: the present slot has only begun, and
/// before the start there was nothing.
pub(crate) fn covered(now: Instant, time: Duration) -> Duration {
    let began = (slot(now) + 1).saturating_sub(slots_of(time)) * SLOT.as_secs();
    now.since_start()
        .saturating_sub(Duration::from_secs(began))
        .min(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let mut seen = Seen::default();
        for second in [10, 14, 70] {
            seen.entered(at(second));
        }
        seen.waited(at(71), Duration::from_secs(9), true);
        let entered = |now: u64, time: u64| {
            let seen = seen.within(at(now), Duration::from_secs(time));
            (seen.entered, seen.abandoned)
        };
        assert_eq!(entered(71, 60), (1, 1));
        assert_eq!(entered(71, 90), (3, 1));
        assert_eq!(entered(3_000, 3_600), (3, 1));
        assert_eq!(entered(9_000, 3_600), (0, 0));
        seen.entered(at(9_000));
        assert_eq!(seen.slots.len(), 1, "the old slots are forgotten");
    }

    #[test]
    fn a_slot_that_has_begun_covers_what_passed_of_it() {
        let minute = Duration::from_secs(60);
        assert_eq!(covered(at(5), minute), Duration::from_secs(5));
        assert_eq!(covered(at(60), minute), Duration::from_secs(45));
        assert_eq!(covered(at(74), minute), Duration::from_secs(59));
    }
}
