//! How long a caller will probably wait: from the place in line, the pace of the queue's seats and
//! how many of them are at work now.
//!
//! Seats at work n, each busy with a call for m on average, of whose freed moments a share s goes to
//! this queue while others wait too, take a caller every `i = m ÷ (n × s)`. Who stands ahead may also
//! give up, each after `p` on average. With j ahead the next step comes after `1 ÷ (1/i + j/p)`; the
//! k-th in line takes the steps from j = k − 1 down to 0. Were each exponential, its variance would
//! be its square. To that comes what is not known of the pace itself, and at last the time in which
//! the seat picks up. The range holds more than four
//! waits in five; `crates/sim/README.md` has the figures of a simulated week.
//!
//! Only additions, multiplications, divisions and square roots: they give the same bits everywhere
//! (IEEE 754).

use core::time::Duration;

use crate::rules;

/// Deviations to each side that hold eight in ten of a normal distribution.
const SPREAD: f64 = 1.28;

/// Share of a new observation in the averages once there are many: about the last fifty count.
const NEW: f64 = 0.02;

/// How far the pace of the next minutes is from that of the last calls, as a share of it: the mean of
/// some fifty talks is a tenth off, and seats come and go.
const UNKNOWN: f64 = 0.15;

/// The seat that is found has to pick up: so much later at most, usually.
const PICKS_UP: Duration = Duration::from_secs(8);

/// Places beyond this are reckoned like this one: nobody is told a place so far back.
const FARTHEST: usize = 10_000;

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

    /// How long a call takes its seat on average; `None` when too few were seen.
    pub(crate) fn usual(&self) -> Option<Duration> {
        let known = self.calls >= rules::PACE_KNOWN_AFTER;
        known.then(|| Duration::try_from_secs_f64(self.busy).unwrap_or_default())
    }

    /// How fast the line moves with so many seats at work and callers of this patience. `None` when
    /// nobody is at work or too few calls were seen.
    pub(crate) fn tempo(&self, at_work: usize, patience: Duration) -> Option<Tempo> {
        if at_work == 0 || self.calls < rules::PACE_KNOWN_AFTER {
            return None;
        }
        let at_work = f64::from(u32::try_from(at_work).unwrap_or(u32::MAX));
        // A queue that always lost would never be served; that is not what "rarely" means.
        let interval = self.busy / (at_work * self.share.max(NEW));
        let interval = Duration::try_from_secs_f64(interval).ok()?;
        Some(Tempo { interval, patience })
    }
}

/// How fast a line moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tempo {
    /// From one caller who is taken to the next.
    pub interval: Duration,
    /// How long a caller waits before giving up, on average; zero: for ever.
    pub patience: Duration,
}

impl Tempo {
    /// The wait of the caller at this place, 1 is next. Costs as many steps.
    pub fn expects(&self, place: usize) -> ExpectedWait {
        let interval = self.interval.as_secs_f64();
        let gives_up = if self.patience.is_zero() {
            0.0
        } else {
            interval / self.patience.as_secs_f64()
        };
        let (mut mean, mut variance, mut ahead) = (0.0, 0.0, 0.0);
        for _ in 0..place.min(FARTHEST) {
            let step = interval / (1.0 + ahead * gives_up);
            mean += step;
            variance += step * step;
            ahead += 1.0;
        }
        let unknown: f64 = mean * UNKNOWN;
        let spread = SPREAD * f64::sqrt(variance + unknown * unknown);
        let wait =
            |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        ExpectedWait {
            from: wait(mean - spread),
            to: wait(mean + spread).saturating_add(PICKS_UP),
        }
    }
}

impl Tempo {
    /// The first of so many places at which the wait is expected to be longer; the farther, the
    /// longer it is.
    pub(crate) fn first_beyond(&self, longest: Duration, places: usize) -> Option<usize> {
        let (mut within, mut beyond) = (0, places + 1);
        while within + 1 < beyond {
            let place = within.midpoint(beyond);
            match self.expects(place).middle() > longest {
                true => beyond = place,
                false => within = place,
            }
        }
        (beyond <= places).then_some(beyond)
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

    fn wait(pace: &Pace, place: usize, at_work: usize) -> Option<ExpectedWait> {
        Some(pace.tempo(at_work, Duration::ZERO)?.expects(place))
    }

    #[test]
    fn the_wait_is_a_range_around_the_pace() {
        // 100 steps of 12 s: 1,200 s; the chance of the steps makes 120, the pace 180.
        // 1.28 × 216 = 277, and 8 to pick up.
        let far = wait(&pace(100, 120), 100, 10).unwrap();
        assert_eq!((far.from.as_secs(), far.to.as_secs()), (923, 1_484));
        let next = wait(&pace(100, 120), 1, 10).unwrap();
        assert_eq!((next.from.as_secs(), next.to.as_secs()), (0, 35));
    }

    #[test]
    fn who_gives_up_makes_room() {
        let tempo = |patience| Tempo {
            interval: Duration::from_secs(5),
            patience: Duration::from_secs(patience),
        };
        let middle = |patience, place| {
            let wait = tempo(patience).expects(place);
            (wait.from + wait.to).as_secs_f64() / 2.0
        };
        assert!((middle(0, 40) - 204.0).abs() < 1e-6);
        // The fluid limit p·ln(1 + k·i/p) is 105 s, and 4 of picking up.
        assert!(
            (104.0..116.0).contains(&middle(90, 40)),
            "{}",
            middle(90, 40)
        );
        assert_eq!(tempo(90).expects(usize::MAX), tempo(90).expects(FARTHEST));
        let longest = tempo(90).expects(7).middle();
        assert_eq!(tempo(90).first_beyond(longest, 20), Some(8));
        assert_eq!(tempo(90).first_beyond(longest, 7), None);
        assert_eq!(tempo(90).first_beyond(Duration::ZERO, 0), None);
    }

    #[test]
    fn nothing_is_said_without_staff_or_experience() {
        assert_eq!(wait(&pace(100, 120), 1, 0), None);
        assert_eq!(wait(&pace(4, 120), 1, 9), None);
        assert!(wait(&pace(5, 120), 1, 9).is_some());
    }

    #[test]
    fn a_queue_that_shares_its_seats_waits_longer() {
        let mut shares = pace(100, 120);
        for turn in 0..1_000 {
            shares.competed(turn % 2 == 0);
        }
        let (alone, beside) = (wait(&pace(100, 120), 9, 3), wait(&shares, 9, 3));
        let ratio = beside.unwrap().to.as_secs_f64() / alone.unwrap().to.as_secs_f64();
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
    }
}
