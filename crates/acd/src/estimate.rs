//! How long a caller will probably wait: from the place in line, the pace of the queue's seats and
//! how many of them are at work now.
//!
//! Seats at work n, each busy with a call for m on average, of whose freed moments a share s goes to
//! this queue while others wait too, take a caller every `m ÷ (n × s)`. The k-th in line is taken
//! after k such intervals; were they exponential, the sum would spread by `√k` of them. The range
//! holds about four waits in five. Only additions, multiplications, divisions and square roots:
//! they give the same bits everywhere (IEEE 754).

use core::time::Duration;

use crate::rules;

/// Deviations to each side that hold eight in ten of a normal distribution.
const SPREAD: f64 = 1.28;

/// Share of a new observation in the averages once there are many: about the last fifty count.
const NEW: f64 = 0.02;

/// When a caller will probably be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedWait {
    /// From now, at least.
    pub from: Duration,
    /// From now, at most.
    pub to: Duration,
}

impl ExpectedWait {
    /// The middle of the range.
    pub fn middle(&self) -> Duration {
        self.from.saturating_add(self.to) / 2
    }
}

/// What the queue was seen to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Calls seen.
    calls: u32,
    /// Seconds from the offer to the end of the wrap-up, on average.
    busy: f64,
    /// Of the freed seats that could have taken its caller or another queue's, those that took its.
    share: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            calls: 0,
            busy: 0.0,
            share: 1.0,
        }
    }
}

impl Pace {
    /// A seat was at work for one of its calls for so long.
    pub(crate) fn handled(&mut self, busy: Duration) {
        self.calls = self.calls.saturating_add(1);
        let new = NEW.max(1.0 / f64::from(self.calls));
        self.busy += (busy.as_secs_f64() - self.busy) * new;
    }

    /// A freed seat took its caller, or another queue's.
    pub(crate) fn competed(&mut self, won: bool) {
        self.share += (f64::from(u8::from(won)) - self.share) * NEW;
    }

    /// The wait of the caller at this place (1 is next) with so many seats at work. `None` when
    /// nobody is at work or too few calls were seen.
    pub(crate) fn expects(&self, place: usize, at_work: usize) -> Option<ExpectedWait> {
        if at_work == 0 || self.calls < rules::PACE_KNOWN_AFTER {
            return None;
        }
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        // A queue that always lost would never be served; that is not what "rarely" means.
        let interval = self.busy / (count(at_work) * self.share.max(NEW));
        let (places, spread) = (count(place), SPREAD * count(place).sqrt());
        let wait = |intervals: f64| {
            let seconds = (intervals * interval).max(0.0);
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        };
        Some(ExpectedWait {
            from: wait(places - spread),
            to: wait(places + spread),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(calls: u32, busy: u64) -> Pace {
        let mut pace = Pace::default();
        for _ in 0..calls {
            pace.handled(Duration::from_secs(busy));
        }
        pace
    }

    #[test]
    fn the_wait_is_a_range_around_the_pace() {
        let wait = pace(100, 120).expects(100, 10).unwrap();
        assert_eq!((wait.from.as_secs(), wait.to.as_secs()), (1_046, 1_353));
        let next = pace(100, 120).expects(1, 10).unwrap();
        assert_eq!((next.from.as_secs(), next.to.as_secs()), (0, 27));
    }

    #[test]
    fn nothing_is_said_without_staff_or_experience() {
        assert_eq!(pace(100, 120).expects(1, 0), None);
        assert_eq!(pace(4, 120).expects(1, 9), None);
        assert!(pace(5, 120).expects(1, 9).is_some());
    }

    #[test]
    fn a_queue_that_shares_its_seats_waits_longer() {
        let mut shares = pace(100, 120);
        for turn in 0..1_000 {
            shares.competed(turn % 2 == 0);
        }
        let (alone, beside) = (pace(100, 120).expects(9, 3), shares.expects(9, 3));
        let ratio = beside.unwrap().to.as_secs_f64() / alone.unwrap().to.as_secs_f64();
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
    }
}
