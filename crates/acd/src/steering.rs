//! Service-level steering: from what a queue saw in the last minutes, what the next quarter of an
//! hour will be, and how many more seats it needs now.
//!
//! A pure value: whoever has the live counts asks, and gets an answer or learns that too little is
//! known for one.

use core::time::Duration;

use crate::{
    erlang::{Load, Waiting},
    rules,
};

/// How far the forecast looks.
pub const AHEAD: Duration = Duration::from_secs(15 * 60);

/// Fewer talks than this say nothing of the mean: the usual handling time is mixed in with this
/// weight.
const USUAL_WEIGHS: f64 = 20.0;

/// What was counted in the last minutes, of one queue. Callers are counted over `window`; what the
/// means are made of may be of a longer time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recent {
    /// Over how long the callers were counted.
    pub window: Duration,
    /// Calls that entered the queue.
    pub entered: u64,
    /// Callers who gave up in it.
    pub abandoned: u64,
    /// Waits of all who entered, those who gave up until then, summed.
    pub waited: Duration,
    /// Calls that seats were done with.
    pub handled: u64,
    /// Ringing, talk, hold and wrap-up of these, summed.
    pub handling: Duration,
    /// Callers who wait now.
    pub waiting: u32,
    /// Seats that serve now: signed in and ready or in a call; breaks do not count.
    pub serving: u32,
}

/// What a queue should reach, and what it is known for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Share of the calls that a human should answer (GB/T 33358-2016: 0.95).
    pub answered: f64,
    /// Share of the calls that should be answered within `within`; 0: does not matter.
    pub in_time: f64,
    /// The time to answer (GB/T 33358-2016: 15 s).
    pub within: Duration,
    /// Usual handling time, used where few talks were seen.
    pub usual_handling: Duration,
    /// Usual patience, used where few gave up.
    pub usual_patience: Duration,
}

impl Aim {
    /// Whether the wait is as short as wished.
    pub fn reached(&self, waiting: &Waiting) -> bool {
        waiting.answered() >= self.answered
            && (self.in_time <= 0.0 || waiting.answered_within(self.within) >= self.in_time)
    }
}

/// The next quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Calls that want a seat, those who wait already included.
    pub calls: f64,
    /// The load it was made from.
    pub load: Load,
    /// Seats that reach the aim.
    pub seats: u32,
    /// More seats needed now than serve; 0: enough.
    pub more: u32,
    /// Seats that could do something else; 0 when some are missing.
    pub spare: u32,
    /// Share that will be answered with the seats of now.
    pub answered: f64,
    /// Share that will be answered in time with the seats of now.
    pub in_time: f64,
}

/// The forecast by Erlang A; `None` when nobody called and nobody waits, or no number of seats
/// reaches the aim.
///
/// Who waits now is served within the quarter of an hour beside those who come. The patience is
/// estimated from callers who gave up and all time that was waited (the maximum-likelihood estimate
/// for an exponential patience that an answer cuts off).
pub fn forecast(recent: &Recent, aim: &Aim) -> Option<Forecast> {
    let seen = recent.window.as_secs_f64();
    if seen <= 0.0 {
        return None;
    }
    // Counts are far below 2^53.
    let coming = recent.entered as f64 / seen * AHEAD.as_secs_f64();
    let calls = coming + f64::from(recent.waiting);
    let mean = |sum: Duration, count: u64, usual: Duration, weighs: f64| {
        (sum.as_secs_f64() + usual.as_secs_f64() * weighs) / (count as f64 + weighs)
    };
    let load = Load {
        calls_per_s: calls / AHEAD.as_secs_f64(),
        handling_s: mean(
            recent.handling,
            recent.handled,
            aim.usual_handling,
            USUAL_WEIGHS,
        ),
        patience_s: Some(mean(
            recent.waited,
            recent.abandoned,
            aim.usual_patience,
            f64::from(rules::USUAL_PATIENCE_WEIGHS),
        )),
    };
    let seats = load.seats_for(|waiting| aim.reached(waiting))?;
    let now = load.at(recent.serving)?;
    Some(Forecast {
        calls,
        load,
        seats,
        more: seats.saturating_sub(recent.serving),
        spare: recent.serving.saturating_sub(seats),
        answered: now.answered(),
        in_time: now.answered_within(aim.within),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIM: Aim = Aim {
        answered: 0.95,
        in_time: 0.8,
        within: Duration::from_secs(15),
        usual_handling: Duration::from_secs(180),
        usual_patience: Duration::from_secs(90),
    };

    /// 100 calls in half an hour of 180 s each: 10 erlang.
    fn recent(serving: u32) -> Recent {
        Recent {
            window: Duration::from_secs(1_800),
            entered: 100,
            abandoned: 0,
            waited: Duration::ZERO,
            handled: 100,
            handling: Duration::from_secs(18_000),
            waiting: 0,
            serving,
        }
    }

    #[test]
    fn so_many_more_seats_are_needed_now() {
        let few = forecast(&recent(9), &AIM).unwrap();
        assert_eq!((few.calls, few.more, few.spare), (50.0, few.seats - 9, 0));
        assert!(few.more >= 3, "{few:?}");
        assert!(few.answered < 0.95 || few.in_time < 0.8);
        let enough = forecast(&recent(few.seats), &AIM).unwrap();
        assert_eq!((enough.more, enough.spare), (0, 0));
        assert!(enough.answered >= 0.95 && enough.in_time >= 0.8);
        assert_eq!(forecast(&recent(few.seats + 4), &AIM).unwrap().spare, 4);
    }

    #[test]
    fn who_waits_now_needs_seats_too() {
        let calm = forecast(&recent(12), &AIM).unwrap();
        let crowd = Recent {
            waiting: 40,
            ..recent(12)
        };
        let crowd = forecast(&crowd, &AIM).unwrap();
        assert_eq!(crowd.calls, 90.0);
        assert!(crowd.seats > calm.seats + 5, "{crowd:?}");
    }

    #[test]
    fn few_talks_do_not_make_the_mean() {
        let night = Recent {
            entered: 1,
            handled: 1,
            handling: Duration::from_secs(3_600),
            ..recent(1)
        };
        let load = forecast(&night, &AIM).unwrap().load;
        assert!(load.handling_s < 360.0, "{load:?}");
    }

    #[test]
    fn patience_is_what_was_waited_for_each_who_gave_up() {
        let impatient = Recent {
            abandoned: 1_000,
            waited: Duration::from_secs(30_000),
            ..recent(9)
        };
        let patience = forecast(&impatient, &AIM).unwrap().load.patience_s.unwrap();
        assert!((patience - 30.3).abs() < 0.1, "{patience}");
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let idle = Recent {
            entered: 0,
            ..recent(3)
        };
        assert_eq!(forecast(&idle, &AIM), None);
        let unseen = Recent {
            window: Duration::ZERO,
            ..recent(3)
        };
        assert_eq!(forecast(&unseen, &AIM), None);
        let impossible = Aim {
            answered: 1.1,
            ..AIM
        };
        assert_eq!(forecast(&recent(3), &impossible), None);
    }
}
