//! Whether a target can be used: by OPTIONS, by what our INVITEs meet, by Retry-After. Slow to take
//! a target for down, quick to take it for up.

use core::time::Duration;

use hotline_model::{Instant, event::TrunkState, limits};

/// How a target is.
#[derive(Clone, Debug)]
pub struct Condition {
    state: TrunkState,
    failures: u32,
    rests_until: Option<Instant>,
    /// Asked by OPTIONS, so that somebody finds out when it is back.
    asked: bool,
}

/// A new state and why, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The state.
    pub state: TrunkState,
    /// Why.
    pub why: String,
}

impl Condition {
    /// Nothing is known. `asked`: whether OPTIONS are sent.
    pub const fn new(asked: bool) -> Self {
        Self {
            state: TrunkState::Unknown,
            failures: 0,
            rests_until: None,
            asked,
        }
    }

    /// How it is.
    pub const fn state(&self) -> TrunkState {
        self.state
    }

    /// Whether a call may go there: it is not known to be down.
    pub fn is_usable(&self) -> bool {
        self.state != TrunkState::Down
    }

    /// When its rest is over.
    pub const fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// It answered something.
    pub fn succeeded(&mut self, why: &str) -> Option<Turn> {
        self.failures = 0;
        // Who asked for a rest has it, though another answer crosses.
        if self.rests_until.is_some() && self.asked {
            return None;
        }
        self.rests_until = None;
        self.turn(TrunkState::Up, why)
    }

    /// It answered nothing, or could not be reached.
    pub fn failed(&mut self, now: Instant, why: &str) -> Option<Turn> {
        self.failures = self.failures.saturating_add(1);
        if self.failures < limits::TRUNK_FAILURES_DOWN {
            return None;
        }
        if !self.asked && self.rests_until.is_none() {
            self.rests_until = Some(now + Duration::from_secs(limits::TRUNK_REST_S));
        }
        self.turn(TrunkState::Down, why)
    }

    /// It answered 503 and asks to be left alone for `seconds` (RFC 3261 §21.5.4).
    pub fn rests(&mut self, now: Instant, seconds: u32) -> Option<Turn> {
        let seconds = seconds.min(limits::TRUNK_REST_MAX_S);
        if seconds == 0 {
            return self.failed(now, "503");
        }
        self.rests_until = Some(now + Duration::from_secs(u64::from(seconds)));
        self.turn(TrunkState::Down, &format!("503, rests {seconds} s"))
    }

    /// Time passed: its rest may be over. Then nothing is known of it again.
    pub fn time_passed(&mut self, now: Instant) -> Option<Turn> {
        if self.rests_until.is_none_or(|until| until > now) {
            return None;
        }
        self.rests_until = None;
        self.failures = 0;
        self.turn(TrunkState::Unknown, "tried again")
    }

    fn turn(&mut self, state: TrunkState, why: &str) -> Option<Turn> {
        let changed = self.state != state;
        self.state = state;
        changed.then(|| Turn {
            state,
            why: why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Instant {
        Instant::START + Duration::from_secs(s)
    }

    #[test]
    fn two_failures_take_it_down_and_one_success_up() {
        let mut target = Condition::new(true);
        assert!(target.is_usable(), "what nobody knows may be tried");
        assert_eq!(target.succeeded("200").unwrap().state, TrunkState::Up);
        assert_eq!(target.succeeded("200"), None);
        assert_eq!(target.failed(at(1), "no answer"), None);
        assert!(target.is_usable(), "one lost ping is weather");
        assert_eq!(target.succeeded("200"), None);
        assert_eq!(target.failed(at(2), "no answer"), None, "not in a row");
        let down = target.failed(at(3), "no answer").unwrap();
        assert_eq!(
            (down.state, down.why.as_str()),
            (TrunkState::Down, "no answer")
        );
        assert!(!target.is_usable());
        assert_eq!(target.failed(at(4), "no answer"), None, "said once");
        assert_eq!(target.rests_until(), None, "OPTIONS find it");
        assert_eq!(target.succeeded("200").unwrap().state, TrunkState::Up);
    }

    #[test]
    fn a_target_that_asks_for_rest_gets_it() {
        let mut target = Condition::new(true);
        assert_eq!(target.rests(at(0), 30).unwrap().why, "503, rests 30 s");
        assert_eq!(target.succeeded("200"), None, "an answer that crossed");
        assert!(!target.is_usable());
        assert_eq!(target.time_passed(at(29)), None);
        assert_eq!(
            target.time_passed(at(30)).unwrap().state,
            TrunkState::Unknown
        );
        assert!(target.is_usable());
        // Nobody can silence a line for a day.
        let _ = target.rests(at(40), 86_400);
        assert_eq!(target.rests_until(), Some(at(640)));
        // A rest of nothing is a failure like others.
        let mut other = Condition::new(true);
        assert_eq!(other.rests(at(0), 0), None);
        assert_eq!(other.rests(at(0), 0).unwrap().state, TrunkState::Down);
    }

    #[test]
    fn a_target_that_nobody_asks_is_tried_again_after_a_while() {
        let mut target = Condition::new(false);
        let _ = target.failed(at(0), "no answer");
        let _ = target.failed(at(5), "no answer");
        assert!(!target.is_usable());
        assert_eq!(target.time_passed(at(34)), None);
        assert_eq!(
            target.time_passed(at(35)).unwrap().state,
            TrunkState::Unknown
        );
        assert!(target.is_usable());
    }
}
