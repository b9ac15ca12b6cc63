//! Promises of callbacks, by the events alone: each is kept, given up or handed to a later call of
//! its citizen, once; attempts follow each other, and nobody is called by two at once.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    CallId, SeatId,
    event::{Event, Outcome},
};

/// An attempt comes to its end within this: the trunk's time to answer, and the last messages' ways.
/// Milliseconds.
const LONGEST_ATTEMPT_MS: u64 = 120_000;

/// A promise that is not kept so far.
#[derive(Clone, Copy)]
struct Promise {
    attempts: u8,
    made: u8,
    /// The seat that waits for the citizen, and whether the call went out.
    attempt: Option<(SeatId, bool)>,
}

/// All promises.
#[derive(Default)]
pub(super) struct Promises {
    /// Who called, by the calls that live.
    callers: BTreeMap<CallId, String>,
    promised: BTreeMap<CallId, Promise>,
    /// Those that a citizen was reached by.
    kept: BTreeSet<CallId>,
    /// Attempts that are on, and since when (uptime, ms).
    trying: BTreeMap<CallId, u64>,
    /// How promises ended, and how often.
    pub(super) ended: BTreeMap<&'static str, usize>,
}

impl Promises {
    /// Takes in an event; tells what is against the rules.
    pub(super) fn happened(&mut self, up_ms: u64, event: &Event) -> Result<(), String> {
        match event {
            Event::CallArrived { call, caller, .. } => {
                self.callers.insert(*call, caller.clone());
            }
            Event::CallbackRequested { call, attempts, .. } => {
                let caller = self.callers.get(call).cloned();
                if let Some(other) = self.standing(&caller.unwrap_or_default()) {
                    return Err(format!("{call} and {other} are of one citizen"));
                }
                let promise = Promise {
                    attempts: *attempts,
                    made: 0,
                    attempt: None,
                };
                if self.promised.insert(*call, promise).is_some() {
                    return Err(format!("{call} was promised a callback twice"));
                }
            }
            Event::CallbackRestored { call, attempts, .. } => {
                let made = self.promised.get(call).map(|it| it.made);
                if made != Some(*attempts) {
                    return Err(format!(
                        "{call} was restored after {attempts}, not {made:?}"
                    ));
                }
            }
            Event::CallbackDialled {
                call,
                seat,
                attempt,
            } => return self.dialled(up_ms, *call, *seat, *attempt),
            Event::CallbackFailed {
                call,
                attempt,
                again_after_s,
                not_counted,
                ..
            } => {
                let promise = self
                    .promised
                    .get_mut(call)
                    .ok_or("failed without promise")?;
                self.trying.remove(call);
                let open = promise.attempt.take().is_some() && promise.made == *attempt;
                let made = promise.made;
                let again = again_after_s.is_none() || *not_counted || made < promise.attempts;
                // What was not the number's doing is no attempt.
                promise.made = made.saturating_sub(u8::from(*not_counted));
                if !open || !again {
                    return Err(format!(
                        "attempt {attempt} of {call} failed, which was not on"
                    ));
                }
            }
            Event::CallbackReached { call, attempt, .. } => {
                let promise = self
                    .promised
                    .remove(call)
                    .ok_or("reached without promise")?;
                if promise.attempt.is_none() || promise.made != *attempt {
                    return Err(format!("{call} was reached by no attempt"));
                }
                self.trying.remove(call);
                self.kept.insert(*call);
                *self.ended.entry("reached").or_default() += 1;
            }
            Event::CallEnded { call, outcome, .. } => return self.ended(*call, *outcome),
            _ => {}
        }
        let stuck = self.trying.iter();
        let mut stuck = stuck.filter(|(_, since)| up_ms > *since + LONGEST_ATTEMPT_MS);
        stuck.next().map_or(Ok(()), |(call, _)| {
            Err(format!("the attempt to reach {call} does not end"))
        })
    }

    fn dialled(&mut self, up_ms: u64, call: CallId, seat: SeatId, nth: u8) -> Result<(), String> {
        let caller = self.callers.get(&call).cloned().unwrap_or_default();
        let others = self.promised.iter().find(|&(&other, promise)| {
            let same = self.callers.get(&other) == Some(&caller);
            other != call && promise.attempt.is_some() && same
        });
        if let Some((other, _)) = others {
            return Err(format!("{caller} is called for {other} and {call} at once"));
        }
        let promise = self.promised.get_mut(&call);
        let promise = promise.ok_or(format!("{call} is called back without a promise"))?;
        promise.made += 1;
        let next = promise.made == nth && nth <= promise.attempts;
        if !next || promise.attempt.is_some() {
            return Err(format!("attempt {nth} of {call} is not the next"));
        }
        self.trying.insert(call, up_ms);
        promise.attempt = Some((seat, false));
        Ok(())
    }

    fn ended(&mut self, call: CallId, outcome: Outcome) -> Result<(), String> {
        self.callers.remove(&call);
        self.trying.remove(&call);
        let promised = self.promised.remove(&call).is_some();
        let kept = self.kept.remove(&call);
        let is_promise = matches!(outcome, Outcome::Unreached | Outcome::RangAgain);
        if promised != is_promise {
            return Err(format!(
                "{call} ended as {outcome:?}: promised {promised}, kept {kept}"
            ));
        }
        let how = match outcome {
            Outcome::Unreached => "unreached",
            Outcome::RangAgain => "rang again",
            _ => return Ok(()),
        };
        *self.ended.entry(how).or_default() += 1;
        Ok(())
    }

    /// The call of this citizen that stands with nobody on the line.
    fn standing(&self, caller: &str) -> Option<CallId> {
        let mut promised = self.promised.keys().copied();
        promised.find(|call| self.callers.get(call).is_some_and(|it| it == caller))
    }

    /// The later call of the same citizen, which has the place of this one from now on.
    pub(super) fn heir(&self, of: CallId) -> Option<CallId> {
        let caller = self.callers.get(&of)?;
        let later = self.callers.iter().rev();
        let mut later = later.filter(|&(&call, number)| call > of && number == caller);
        later.next().map(|(&call, _)| call)
    }

    /// The exchange calls this number through a carrier.
    pub(super) fn called(&mut self, number: &str) -> Result<(), String> {
        let callers = &self.callers;
        let mut attempts = self.promised.iter_mut().filter_map(|(call, promise)| {
            let same = callers.get(call).is_some_and(|caller| caller == number);
            promise.attempt.as_mut().filter(|_| same)
        });
        match attempts.next() {
            Some((_, out)) if !*out => *out = true,
            Some(_) => return Err(format!("{number} is called twice in one attempt")),
            None => return Err(format!("{number} is called, and no attempt is on")),
        }
        Ok(())
    }

    /// The engine was killed: whoever was being called is called no more.
    pub(super) fn restarted(&mut self) {
        self.trying.clear();
        for promise in self.promised.values_mut() {
            // The engine's end cut it: it does not count.
            if promise.attempt.take().is_some() {
                promise.made = promise.made.saturating_sub(1);
            }
        }
    }

    /// A promise that did not end.
    pub(super) fn open(&self) -> Option<CallId> {
        self.promised.keys().next().copied()
    }
}
