//! How much a seat was at work lately, as a number that puts idle seats in an order which time does
//! not change.
//!
//! A millisecond of work counts by when it was: in the half-life numbered k since the start
//! (`rules::OCCUPANCY_HALF_LIFE`), at the share f of it, `2^k × (1 + f)`: twice as much as the same
//! moment one half-life before. All seats' work thus fades alike with nothing to update, and who
//! is less loaded stays so until somebody works again.

use hotline_model::Instant;

use crate::rules;

/// Milliseconds of a half-life.
const HALF_LIFE: u64 = rules::OCCUPANCY_HALF_LIFE.as_millis() as u64;

/// Bits after the point: work of one half-life is not lost while sixteen pass.
const FRACTION: u32 = 16;

/// Bits of a load: of two half-lives of work with their fraction.
const WIDTH: u32 = 40;

/// Work done, in the worth of the half-life in which it was last added to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    half_life: u64,
    worth: u64,
}

/// The number of the half-life, and what work from its begin to this instant is worth there.
fn worth_until(instant: Instant) -> (u64, u64) {
    let ms = instant.millis_since(Instant::START);
    (ms / HALF_LIFE, worth(ms % HALF_LIFE))
}

/// The integral of `1 + f` over the first milliseconds of a half-life.
const fn worth(ms: u64) -> u64 {
    (ms << FRACTION) + ((ms * ms) << FRACTION) / (2 * HALF_LIFE)
}

impl Load {
    /// Adds the work between the two instants.
    pub(crate) fn add(&mut self, from: Instant, to: Instant) {
        let (last, end) = worth_until(to);
        let (first, mut begin) = worth_until(from.min(to));
        // Older work is worth less than the last bit.
        let seen = first.max(last.saturating_sub(u64::from(WIDTH)));
        if seen > first {
            begin = 0;
        }
        for half_life in seen..last {
            self.grow(half_life, worth(HALF_LIFE).saturating_sub(begin));
            begin = 0;
        }
        self.grow(last, end.saturating_sub(begin));
    }

    fn grow(&mut self, half_life: u64, worth: u64) {
        self.worth = self.at(half_life) + worth;
        self.half_life = half_life;
    }

    /// What it is worth in a half-life not before its own.
    fn at(&self, half_life: u64) -> u64 {
        let passed = half_life.saturating_sub(self.half_life);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.worth.checked_shr(passed).unwrap_or(0)
    }

    /// A number that is lower the less was worked, whenever it was.
    pub(crate) fn rank(&self) -> u64 {
        if self.worth == 0 {
            return 0;
        }
        let spare = u64::from(self.worth.leading_zeros().saturating_sub(64 - WIDTH));
        // As a floating point number: the highest bit always at one place, the exponent before it.
        // One half-life is added so that the exponent is never below zero.
        (self.half_life + u64::from(WIDTH) - spare) << WIDTH | self.worth << spare
    }

    /// The share of the time that was work, per cent, by the same weights.
    pub(crate) fn percent(&self, now: Instant) -> u64 {
        let (half_life, passed) = worth_until(now);
        // All half-lives before are worth as much as one more, but for the first.
        let before = worth(HALF_LIFE);
        let never =
            u32::try_from(half_life).map_or(0, |past| before.checked_shr(past).unwrap_or(0));
        let all = (passed + before - never).max(1);
        ((self.at(half_life) * 100 + all / 2) / all).min(100)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(s: u64) -> Instant {
        Instant::START + Duration::from_secs(s)
    }

    fn load(work: &[(u64, u64)]) -> Load {
        let mut load = Load::default();
        for &(from, to) in work {
            load.add(at(from), at(to));
        }
        load
    }

    #[test]
    fn work_is_worth_half_after_a_half_life() {
        let (early, late) = (load(&[(100, 300)]), load(&[(1_900, 2_000)]));
        assert!(early.rank() > late.rank());
        let same = load(&[(1_900, 2_100)]);
        assert_eq!((same.at(1), same.at(2)), (early.at(0), early.at(1)));
    }

    #[test]
    fn a_talk_in_pieces_weighs_as_much_as_in_one() {
        let pieces = [(10, 500), (500, 1_799), (1_799, 1_801), (1_801, 9_000)];
        assert_eq!(load(&pieces), load(&[(10, 9_000)]));
        assert!(load(&[(10, 9_000)]).rank() > load(&[(11, 9_000)]).rank());
    }

    #[test]
    fn the_order_stands_whatever_the_distance() {
        let day = 86_400;
        let loads = [
            load(&[]),
            load(&[(5, 6)]),
            load(&[(0, 1_800)]),
            load(&[(30 * day, 30 * day + 1)]),
            load(&[(0, 3_600), (30 * day, 30 * day + 1)]),
            load(&[(0, 300 * day)]),
        ];
        for (n, pair) in loads.windows(2).enumerate() {
            let equal = n == 3;
            assert!(pair[0].rank() < pair[1].rank() || equal, "{n}");
        }
    }

    #[test]
    fn the_share_is_of_the_time_there_was() {
        assert_eq!(load(&[]).percent(at(0)), 0);
        assert_eq!(load(&[(0, 600)]).percent(at(600)), 100);
        assert_eq!(load(&[(0, 99_000)]).percent(at(99_000)), 100);
        let half = load(&[(1_000, 1_500), (2_000, 2_500), (3_000, 3_500)]);
        assert!(
            (45..55).contains(&half.percent(at(3_500))),
            "{}",
            half.percent(at(3_500))
        );
    }
}
