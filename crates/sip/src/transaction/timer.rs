//! All timers of an endpoint: one enum, one queue, told the time.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use hotline_model::Instant;

/// Estimate of the round-trip time (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);

/// Longest interval between retransmissions of a non-INVITE request or an INVITE's response
/// (RFC 3261 §17.1.2.2).
pub const T2: Duration = Duration::from_secs(4);

/// Longest time a message stays in the network (RFC 3261 §17.1.2.2).
pub const T4: Duration = Duration::from_secs(5);

/// How long a transaction or a 2xx is tried: 64*T1, 32 s.
pub const GIVE_UP: Duration = Duration::from_millis(32_000);

/// How long an INVITE may wait for our first answer before 100 is sent (RFC 3261 §17.2.1).
pub const TRYING: Duration = Duration::from_millis(200);

/// Longest wait for a final response to an INVITE where the user names none: three minutes, as
/// a proxy's timer C (RFC 3261 §16.6 item 11).
pub const RING: Duration = Duration::from_secs(180);

/// Every timer, by its letter in RFC 3261 table 4 and RFC 6026 §7.2 where it has one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// INVITE retransmission, unreliable transports: T1, doubling.
    A,
    /// INVITE without any response: 64*T1.
    B,
    /// INVITE without a final response: set by the user, else [`RING`]. Then CANCEL.
    C,
    /// Absorbs retransmitted 300–699 to our INVITE, unreliable transports: [`GIVE_UP`].
    D,
    /// Request retransmission, unreliable transports: T1, doubling up to T2.
    E,
    /// Request without a final response: 64*T1.
    F,
    /// Retransmission of 300–699 to an INVITE, unreliable transports: T1, doubling up to T2.
    G,
    /// 300–699 to an INVITE without ACK: 64*T1.
    H,
    /// Absorbs retransmitted ACKs, unreliable transports: T4.
    I,
    /// Absorbs retransmitted requests, unreliable transports: 64*T1.
    J,
    /// Absorbs retransmitted responses, unreliable transports: T4.
    K,
    /// Absorbs retransmitted INVITEs after a 2xx was sent: 64*T1 (RFC 6026 §7.1).
    L,
    /// Collects further 2xx after the first: 64*T1 (RFC 6026 §7.2).
    M,
    /// A request that took a stream for its length, and no response to it: set by who sends it
    /// (RFC 3261 §18.1.1).
    Opening,
    /// The subscription a REFER made, or its first NOTIFY: set by who subscribes (RFC 6665 §4.1.2.4).
    Subscription,
    /// Cancelled INVITE without a final response: 64*T1 (RFC 3261 §9.1).
    Cancelled,
    /// Retransmission of our 2xx to an INVITE: T1, doubling up to T2, on every transport
    /// (RFC 3261 §13.3.1.4).
    Accepted,
    /// Our 2xx without ACK: 64*T1 (RFC 3261 §13.3.1.4).
    Unacknowledged,
    /// Our re-INVITE again after 491: a random time (RFC 3261 §14.1).
    Reoffer,
    /// Retransmission of our reliable provisional response: T1, doubling, on every transport
    /// (RFC 3262 §3).
    Provisional,
    /// Our reliable provisional response without PRACK: 64*T1 (RFC 3262 §3).
    Unpracked,
    /// Half of the session interval: the refresh that is on us (RFC 4028 §10).
    Refresh,
    /// The end of a session nobody refreshed (RFC 4028 §10). Then BYE.
    Expired,
    /// INVITE without any answer of ours: 200 ms, then 100 (RFC 3261 §17.2.1).
    Trying,
    /// A request handed to the user and not answered: 64*T1. An answer after that helps nobody
    /// (RFC 4320 §4.2).
    Unanswered,
}

impl Timer {
    /// Before or at every timer, to name a range of them.
    pub const FIRST: Self = Self::A;
    /// After or at every timer.
    pub const LAST: Self = Self::Unanswered;
}

/// Due times by key, earliest first. A key has at most one due time; setting it again moves it.
#[derive(Debug)]
pub struct TimerQueue<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Copy + Ord> Default for TimerQueue<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> TimerQueue<K> {
    /// Makes `key` due at `at`, and no longer at an earlier or later time.
    pub fn set(&mut self, key: K, at: Instant) {
        if let Some(before) = self.by_key.insert(key, at) {
            self.by_time.remove(&(before, key));
        }
        self.by_time.insert((at, key));
    }

    /// Forgets `key`.
    pub fn stop(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    /// Forgets all keys from `first` to `last`, both included.
    pub fn stop_range(&mut self, first: K, last: K) {
        while let Some((&key, _)) = self.by_key.range(first..=last).next() {
            self.stop(key);
        }
    }

    /// Takes the earliest key that is due at `now`, with the time it was due.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, K)> {
        let &(at, key) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.stop(key);
        Some((at, key))
    }

    /// When the next key is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.by_time.first().map(|&(at, _)| at)
    }

    /// Keys waiting.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn setting_a_key_again_moves_it() {
        let mut queue = TimerQueue::default();
        let at = |s| Instant::START + Duration::from_secs(s);
        queue.set(1, at(5));
        queue.set(2, at(4));
        queue.set(1, at(3));
        assert_eq!(queue.next_due(), Some(at(3)));
        assert_eq!(queue.pop_due(at(2)), None);
        assert_eq!(queue.pop_due(at(9)), Some((at(3), 1)));
        queue.stop(2);
        assert!(queue.is_empty());
        assert_eq!(queue.pop_due(at(9)), None);
    }

    #[test]
    fn a_range_of_keys_is_forgotten_at_once() {
        let mut queue = TimerQueue::default();
        for key in 0..10 {
            queue.set(key, Instant::START);
        }
        queue.stop_range(3, 6);
        assert_eq!(queue.len(), 6);
    }

    proptest! {
        /// Against the plainest model: a list searched for the minimum.
        #[test]
        fn the_queue_agrees_with_a_list(steps in proptest::collection::vec((0u8..6, 0u64..50, 0u8..3), 0..80)) {
            let mut queue = TimerQueue::default();
            let mut list: Vec<(u8, Instant)> = Vec::new();
            for (key, ms, what) in steps {
                let at = Instant::START + Duration::from_millis(ms);
                match what {
                    0 => {
                        queue.set(key, at);
                        list.retain(|(k, _)| *k != key);
                        list.push((key, at));
                    }
                    1 => {
                        queue.stop(key);
                        list.retain(|(k, _)| *k != key);
                    }
                    _ => {
                        let least = list.iter().map(|&(k, t)| (t, k)).filter(|&(t, _)| t <= at).min();
                        prop_assert_eq!(queue.pop_due(at), least);
                        if let Some((_, k)) = least {
                            list.retain(|(key, _)| *key != k);
                        }
                    }
                }
                prop_assert_eq!(queue.next_due(), list.iter().map(|&(_, t)| t).min());
                prop_assert_eq!(queue.len(), list.len());
            }
        }
    }
}
