//! Which queue of several.

use core::{cmp::Ordering, time::Duration};

use hotline_model::Instant;

use crate::queue::Queue;

/// How near a queue is to missing its threshold: `weight × waited ÷ threshold` of its oldest
/// caller. The oldest and not the next, so that a fresh caller with priority does not make the
/// queue look at ease (asterisk#1637).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pressure {
    weight: u32,
    /// µs, at most 2^48 (nine years).
    waited: u64,
    /// µs, 1 to 2^40 (twelve days).
    threshold: u64,
    /// Decides a tie.
    oldest: Instant,
}

impl Pressure {
    /// `None` when nobody waits whom a seat of this ring may serve: the oldest is the first whom it
    /// may. Of those who hold out for the seat the oldest came then.
    pub(crate) fn of(
        queue: &Queue,
        ring: usize,
        held_out: Option<Instant>,
        now: Instant,
    ) -> Option<Self> {
        let wait = *queue.waits.get(ring)?;
        let open = queue.line.oldest().map(|place| place.arrived);
        let open = open.filter(|&oldest| now.since(oldest) >= wait);
        let oldest = open.into_iter().chain(held_out).min()?;
        let waited = now.since(oldest);
        Some(Self {
            weight: queue.settings.weight,
            waited: micros(waited).min(1 << 48),
            threshold: micros(queue.settings.threshold).clamp(1, 1 << 40),
            oldest,
        })
    }

    /// Compares the two fractions exactly (32 + 48 + 40 bits fit); at a tie the older caller
    /// presses more.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| {
            u128::from(a.weight) * u128::from(a.waited) * u128::from(b.threshold)
        };
        cross(self, other)
            .cmp(&cross(other, self))
            .then(other.oldest.cmp(&self.oldest))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressure(weight: u32, waited_s: u64, threshold_s: u64) -> Pressure {
        Pressure {
            weight,
            waited: waited_s * 1_000_000,
            threshold: threshold_s * 1_000_000,
            oldest: Instant::START,
        }
    }

    #[test]
    fn a_heavy_queue_presses_sooner() {
        let light = pressure(1, 10, 15);
        assert_eq!(pressure(2, 5, 15).compare(&light), Ordering::Equal);
        assert_eq!(pressure(2, 6, 15).compare(&light), Ordering::Greater);
        assert_eq!(pressure(1, 10, 30).compare(&light), Ordering::Less);
    }

    #[test]
    fn the_longest_fraction_does_not_overflow() {
        let most = Pressure {
            weight: u32::MAX,
            waited: 1 << 48,
            threshold: 1 << 40,
            oldest: Instant::START,
        };
        assert_eq!(most.compare(&most), Ordering::Equal);
    }
}
