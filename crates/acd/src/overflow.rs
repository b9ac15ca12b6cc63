//! Overflow: callers who leave a queue's line for another queue, a script or a number outside, by
//! the queue's rules.

use core::time::Duration;
use std::collections::BTreeSet;

use hotline_model::{CallId, Instant, limits};

use crate::{
    line::Place,
    queue::Queue,
    rules,
    settings::{Overflow, OverflowWhen},
};

/// The rules of a queue that do not count for a call any more: those by which it left the queue
/// before, and those that could not be carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Of which rules: they may have been replaced meanwhile, and the new ones count.
    version: u32,
    rules: u8,
}

const _: () = assert!(limits::QUEUE_OVERFLOWS <= u8::BITS as usize);

/// The callers in a queue's line for whom its rules count.
#[derive(Debug)]
pub(crate) struct Overflows {
    version: u32,
    /// For each rule, by arrival.
    counting: Vec<BTreeSet<(Instant, CallId)>>,
    /// When the expected waits are looked at next.
    look_at: Option<Instant>,
}

impl Overflows {
    /// With so many rules, and nobody in line.
    pub(crate) fn new(rules: usize) -> Self {
        Self {
            version: 0,
            counting: vec![BTreeSet::new(); rules.min(limits::QUEUE_OVERFLOWS)],
            look_at: None,
        }
    }

    /// Other rules, and nobody in line as yet.
    pub(crate) fn begin_anew(&mut self, rules: usize) {
        let version = self.version.wrapping_add(1);
        *self = Self {
            version,
            ..Self::new(rules)
        };
    }

    /// Nobody is in line.
    pub(crate) fn clear(&mut self) {
        self.counting.iter_mut().for_each(BTreeSet::clear);
    }

    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.counting.is_empty()
    }

    /// What a call begins with in this queue, with these rules (one a bit) spent before.
    pub(crate) fn spent(&self, rules: u8) -> Spent {
        let version = self.version;
        Spent { version, rules }
    }

    pub(crate) fn counts(&self, rule: usize, spent: Spent) -> bool {
        spent.version != self.version || spent.rules >> rule & 1 == 0
    }

    /// The rule counts for the call no more.
    pub(crate) fn spend(&mut self, rule: usize, place: Place, spent: Spent) -> Spent {
        if let Some(counting) = self.counting.get_mut(rule) {
            counting.remove(&(place.arrived, place.call));
        }
        let before = if spent.version == self.version {
            spent.rules
        } else {
            0
        };
        self.spent(before | 1 << rule)
    }

    pub(crate) fn enters(&mut self, place: Place, spent: Spent, now: Instant) {
        let version = self.version;
        for (rule, counting) in self.counting.iter_mut().enumerate() {
            if spent.version != version || spent.rules >> rule & 1 == 0 {
                counting.insert((place.arrived, place.call));
            }
        }
        self.look_at = Some(now);
    }

    pub(crate) fn leaves(&mut self, place: Place) {
        for counting in &mut self.counting {
            counting.remove(&(place.arrived, place.call));
        }
    }

    /// The expected waits were looked at: the next time is the next on the clock, for all queues
    /// alike.
    pub(crate) fn looked(&mut self, now: Instant) {
        let every = rules::EXPECTED_WAIT_EVERY.as_nanos() as u64;
        let passed = now.since_start().as_nanos() as u64 / every;
        let next = Duration::from_nanos((passed + 1).saturating_mul(every));
        self.look_at = Some(Instant::from_start(next));
    }

    /// Whether exactly these stand in line, each with what is spent.
    pub(crate) fn holds(&self, all: impl Iterator<Item = (Place, Spent)>) -> bool {
        let mut counting = vec![BTreeSet::new(); self.counting.len()];
        for (place, spent) in all {
            for (rule, counting) in counting.iter_mut().enumerate() {
                if self.counts(rule, spent) {
                    counting.insert((place.arrived, place.call));
                }
            }
        }
        counting == self.counting
    }
}

impl Queue {
    /// The rules, each with those in line for whom it counts.
    fn rules(&self) -> impl Iterator<Item = (usize, &Overflow, &BTreeSet<(Instant, CallId)>)> {
        let rules = self.settings.overflow.iter().zip(&self.overflows.counting);
        rules
            .enumerate()
            .map(|(nth, (rule, counting))| (nth, rule, counting))
    }

    /// When somebody in line leaves by a rule or is let go, or it has to be looked whether.
    pub(crate) fn overflows_at(&self) -> Option<Instant> {
        let dues = self.rules().filter_map(|(_, rule, counting)| {
            let &(arrived, _) = counting.first()?;
            match rule.when {
                OverflowWhen::Waited(wait) => Some(arrived + wait),
                OverflowWhen::Expected(_) => self.overflows.look_at,
                OverflowWhen::Unstaffed(grace) => {
                    (self.staffed == 0).then(|| self.unstaffed_since + grace)
                }
                OverflowWhen::Full => None,
            }
        });
        dues.chain(self.unserved_at()).min()
    }

    /// When callers of a closed queue that nobody serves any more are let go.
    fn unserved_at(&self) -> Option<Instant> {
        let waits = self.closed && self.served == 0 && self.line.len() > 0;
        waits.then(|| self.unserved_since + rules::CLOSED_UNSERVED)
    }

    /// Whether they are let go now.
    pub(crate) fn is_forsaken(&self, now: Instant) -> bool {
        self.unserved_at().is_some_and(|at| at <= now)
    }

    /// Who leaves by which rule now: by the first rule that somebody does; of several the oldest,
    /// and by an expected wait the last in line.
    pub(crate) fn overflowing(&self, now: Instant) -> Option<(usize, CallId)> {
        self.rules().find_map(|(nth, rule, counting)| {
            let &(arrived, oldest) = counting.first()?;
            let who = match rule.when {
                OverflowWhen::Waited(wait) => (arrived + wait <= now).then_some(oldest),
                OverflowWhen::Expected(longest) => {
                    let looks = self.overflows.look_at.is_some_and(|at| at <= now);
                    looks
                        .then(|| self.last_beyond(longest, counting, now))
                        .flatten()
                }
                OverflowWhen::Unstaffed(grace) => {
                    let nobody = self.staffed == 0 && self.unstaffed_since + grace <= now;
                    nobody.then_some(oldest)
                }
                OverflowWhen::Full => None,
            };
            Some((nth, who?))
        })
    }

    /// Of those for whom the rule counts the last in line whose wait is expected to be longer.
    fn last_beyond(
        &self,
        longest: Duration,
        counting: &BTreeSet<(Instant, CallId)>,
        now: Instant,
    ) -> Option<CallId> {
        let places = (1..=self.line.len()).rev().zip(self.line.iter_back());
        let first = self.tempo(now)?.first_beyond(longest, self.line.len())?;
        let beyond = places.take_while(|&(nth, _)| nth >= first);
        let counts = |place: &Place| counting.contains(&(place.arrived, place.call));
        beyond
            .map(|(_, place)| place)
            .find(counts)
            .map(|place| place.call)
    }

    /// Why the call leaves by the rule, in words for the journal.
    pub(crate) fn why_overflows(&self, rule: &Overflow, place: Place, now: Instant) -> String {
        let waited = now.since(place.arrived).as_secs();
        match rule.when {
            OverflowWhen::Waited(wait) => {
                format!("waited {waited} s, at most {} s here", wait.as_secs())
            }
            OverflowWhen::Expected(longest) => {
                let nth = self.line.ahead_of(place) + 1;
                let expected = self.tempo(now).map(|tempo| tempo.expects(nth));
                let expected = expected.map_or(0, |wait| wait.middle().as_secs());
                let longest = longest.as_secs();
                format!("expected to wait {expected} s, at most {longest} s here")
            }
            OverflowWhen::Unstaffed(_) => {
                let since = now.since(self.unstaffed_since).as_secs();
                format!("no seat signed in for {since} s")
            }
            OverflowWhen::Full => {
                format!("queue full ({} waiting)", self.line.len())
            }
        }
    }
}
