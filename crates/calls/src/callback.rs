//! Callers who asked to be called back (回呼): what was promised to each, and who they are.
//!
//! Once such a caller hung up, the call stands on in its queue with nobody on the line
//! ([`Facts::stands`]): the stages `Waiting` and `Offering` are those of any call. When a seat has
//! answered, `CallingBack` calls the caller, and where nobody is reached `Resting` waits for the
//! next attempt.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use hotline_ivr::{Booked, Offer, is_citizens};
use hotline_model::{
    CallId, Instant, QueueId, Timestamp, TrunkId, event::Event, limits, task::dialable,
};

use crate::{call::Facts, outgoing::Outside, settings::Settings, switchboard::Switchboard};

/// Longest code of an area in China, its 0 included, digits.
const AREA_CODE: usize = 4;

/// What a caller was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The number to be called.
    pub number: String,
    /// The queue the caller stands in from the beginning.
    pub queue: QueueId,
    /// Priority from the beginning.
    pub priority: u8,
    /// How often the caller is called at most.
    pub attempts: u8,
    /// From an attempt that reached nobody to when the place counts again.
    pub retry_after: Duration,
    /// How long the caller stands in line at most.
    pub keep: Duration,
    /// Attempts made so far.
    pub made: u8,
    /// Since when the caller stands with nobody on the line; `None`: still on the line.
    pub stands_since: Option<Instant>,
    /// How long the caller stood so in an earlier run of the engine.
    pub stood_before: Duration,
}

impl Callback {
    /// When the place is given up.
    pub fn until(&self) -> Option<Instant> {
        Some(self.stands_since? + self.keep.saturating_sub(self.stood_before))
    }

    /// How long the caller stands so.
    pub fn stood(&self, now: Instant) -> Duration {
        let since = self.stands_since.unwrap_or(now);
        now.since(since) + self.stood_before
    }
}

/// How long a call lived in an earlier run of the engine, ms, by each of its clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Since its INVITE.
    pub arrival_ms: u64,
    /// Since the end of the menu.
    pub menu_ms: u64,
    /// Since the first queue was entered.
    pub queue_ms: u64,
}

/// A caller whom an earlier run of the engine promised a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The call.
    pub call: CallId,
    /// The trunk it came by.
    pub trunk: Option<TrunkId>,
    /// The caller's number, normalised.
    pub caller: String,
    /// The number that was dialled.
    pub called: String,
    /// The language the caller is spoken to, `zh` or `en`.
    pub language: String,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// When it entered its first queue.
    pub queued_at: Timestamp,
    /// From when its place counts: of who rang again the first call's entry.
    pub place_at: Timestamp,
    /// When the callback was asked for.
    pub requested_at: Timestamp,
    /// When its place counts again; `None`: it counts.
    pub rests_until: Option<Timestamp>,
    /// What was promised, with where it stands now.
    pub callback: Callback,
}

/// All who were promised a callback, by the numbers that they call from and are called at: nobody is
/// promised two, and nobody is called because of two others.
#[derive(Debug, Default)]
pub struct Callbacks {
    promised: BTreeMap<CallId, Promised>,
    /// Whose a number is, by its key: the caller's own, and the one to be called.
    numbers: BTreeMap<String, CallId>,
    /// How many of them stand with nobody on the line.
    standing: usize,
    /// Calls whose callers rang again and stand in line with the new call.
    rang_again: VecDeque<CallId>,
}

/// One key for all forms in which one number comes.
fn key(number: &str) -> String {
    dialable(number).unwrap_or_else(|| number.to_owned())
}

/// The number, if it can be a citizen's who wants to be called: whoever calls in may write any number
/// as the caller's, and must not have the engine call for help, or itself.
pub(crate) fn callable(settings: &Settings, number: &str) -> Result<Outside, &'static str> {
    let outside = Outside::of_queue(settings, number).map_err(|denied| denied.cause())?;
    let number = outside.number();
    if dialable(number).is_none() {
        return Err("the number is too short to be a citizen's");
    }
    if settings.serves(number) {
        return Err("the number is the hotline's own");
    }
    let mut emergencies = settings.emergencies.iter();
    if emergencies.any(|it| is_of_area(number, &it.number)) {
        return Err("the number is one of help");
    }
    Ok(outside)
}

/// Whether the number is this short one, alone or behind an area's code.
fn is_of_area(number: &str, short: &str) -> bool {
    let code = number.strip_suffix(short);
    code.is_some_and(|code| code.is_empty() || (code.starts_with('0') && code.len() <= AREA_CODE))
}

#[derive(Debug)]
struct Promised {
    /// In [`Callbacks::numbers`].
    numbers: [String; 2],
    /// A seat talked with the number after it was promised, on another line.
    served: bool,
    /// Once nobody is on the line.
    stands: Option<Stands>,
}

/// What decides where a caller stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    /// The arrival that counts.
    pub place: Instant,
    /// Queues left by overflow, as in [`Facts::overflowed`]: no rule sends the caller on twice.
    pub overflowed: Vec<(QueueId, u8)>,
}

impl Callbacks {
    /// How many.
    pub fn len(&self) -> usize {
        self.promised.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.promised.is_empty()
    }

    /// How many stand with nobody on the line.
    pub fn standing(&self) -> usize {
        self.standing
    }

    /// The call's caller is promised one. `own` is empty where it was withheld.
    pub(crate) fn promise(&mut self, call: CallId, own: &str, called: &str) {
        let numbers = [own, called].map(key);
        for number in numbers.iter().filter(|number| !number.is_empty()) {
            self.numbers.insert(number.clone(), call);
        }
        let promised = Promised {
            numbers,
            served: false,
            stands: None,
        };
        self.promised.insert(call, promised);
    }

    /// The caller hung up and stands there. False where another line of the same number was served
    /// meanwhile: it is over.
    pub(crate) fn stands(&mut self, call: CallId, stands: Stands) -> bool {
        let Some(promised) = self.promised.get_mut(&call) else {
            return true;
        };
        self.standing += usize::from(promised.stands.is_none());
        promised.stands = Some(stands);
        !promised.served
    }

    /// A seat talks with this number, on another line than the call that was promised a callback.
    pub(crate) fn served(&mut self, number: &str, by: CallId) {
        let call = self.numbers.get(&key(number)).filter(|&&call| call != by);
        if let Some(promised) = call.and_then(|call| self.promised.get_mut(call)) {
            promised.served = true;
        }
    }

    /// The callback came about, or will not.
    pub fn forget(&mut self, call: CallId) -> Option<Stands> {
        let promised = self.promised.remove(&call)?;
        for number in &promised.numbers {
            if self.numbers.get(number) == Some(&call) {
                self.numbers.remove(number);
            }
        }
        self.standing -= usize::from(promised.stands.is_some());
        promised.stands
    }

    fn is_promised(&self, number: &str) -> bool {
        self.numbers.contains_key(&key(number))
    }

    /// Where the callback to this number stands, of another call.
    fn place_of(&self, number: &str, of: CallId) -> Option<(CallId, &Stands)> {
        let call = self.numbers.get(&key(number)).filter(|&&call| call != of)?;
        Some((*call, self.promised.get(call)?.stands.as_ref()?))
    }

    /// The caller rang again: the new call has the place, and the old one is over soon
    /// ([`Callbacks::pop_rang_again`]). Likewise where a seat called the number of its own accord and
    /// was answered: what was promised is kept by that.
    pub(crate) fn take_over(&mut self, number: &str, by: CallId) -> Option<Stands> {
        let (call, _) = self.place_of(number, by)?;
        self.rang_again.push_back(call);
        self.forget(call)
    }

    /// The next call whose caller rang again.
    pub fn pop_rang_again(&mut self) -> Option<CallId> {
        self.rang_again.pop_front()
    }
}

impl Stands {
    /// The rules by which the caller left the queue, one a bit.
    pub(crate) fn left_by(&self, queue: QueueId) -> u8 {
        let mut left = self.overflowed.iter();
        left.find(|(of, _)| *of == queue).map_or(0, |&(_, by)| by)
    }
}

impl Facts {
    /// The caller's number where it may be used; empty where it was withheld.
    pub(crate) fn own_number(&self) -> &str {
        if self.withheld { "" } else { &self.caller }
    }

    /// Where a callback to the caller's number stands that another call was promised.
    pub(crate) fn would_inherit(&self, board: &Switchboard) -> Option<Stands> {
        let (_, stands) = board.callbacks.place_of(self.own_number(), self.id)?;
        Some(stands.clone())
    }

    /// The better one of the call's own place and that one.
    pub(crate) fn inherited(&self, stands: Option<&Stands>) -> Option<Instant> {
        let own = self.place_from.or(self.queued);
        let theirs = stands?.place;
        Some(own.map_or(theirs, |own| own.min(theirs)))
    }

    /// The callback of a caller who is no longer on the line.
    pub fn stands(&self) -> Option<&Callback> {
        let stands = |it: &&Callback| it.stands_since.is_some();
        self.callback.as_ref().filter(stands)
    }

    /// The caller is on the line: a callback to the same number will not come, and its place is this
    /// call's, if it is the better one.
    pub(crate) fn takes_place(&mut self, board: &mut Switchboard) {
        let Some(stands) = board.callbacks.take_over(self.own_number(), self.id) else {
            return;
        };
        self.place_from = self.inherited(Some(&stands));
        if self.overflowed.is_empty() {
            self.overflowed = stands.overflowed;
        }
    }

    /// The caller asks to be called back, at the number that was `typed` or at the own one.
    pub(crate) fn book_callback(
        &mut self,
        now: Instant,
        offer: &Offer,
        typed: Option<String>,
        board: &mut Switchboard,
    ) -> Booked {
        if self.callback.is_some() {
            return Booked::Taken;
        }
        match self.callback_of(offer, typed, board) {
            Ok(callback) => {
                let callbacks = &mut board.callbacks;
                callbacks.promise(self.id, self.own_number(), &callback.number);
                self.callback = Some(callback);
                Booked::Taken
            }
            Err((booked, cause)) => {
                let (call, cause) = (self.id, cause.to_owned());
                board.happened(now, Event::CallbackRefused { call, cause });
                booked
            }
        }
    }

    /// The number to be called. A typed one is held to the form of a citizen's ([`is_citizens`]) beside
    /// what the trunks may carry: whoever types it may be anybody.
    fn number_for(
        &self,
        typed: Option<String>,
        board: &Switchboard,
    ) -> Result<Outside, &'static str> {
        let number = match typed {
            Some(typed) if !is_citizens(&typed) => return Err("the number typed is no citizen's"),
            Some(typed) => typed,
            None if self.own_number().is_empty() => return Err("the number is withheld"),
            None => self.caller.clone(),
        };
        callable(&board.settings, &number)
    }

    fn callback_of(
        &self,
        offer: &Offer,
        typed: Option<String>,
        board: &Switchboard,
    ) -> Result<Callback, (Booked, &'static str)> {
        let refused = |why| Err((Booked::Refused, why));
        if self.trunk.is_none() || self.dialled_by.is_some() {
            return refused("the caller is no citizen");
        }
        let number = self.number_for(typed, board);
        let number = number.map_err(|why| (Booked::NoNumber, why))?;
        let queue = self.last_queue.unwrap_or(offer.queue);
        if board.floor.queue(queue).is_none() {
            return refused("the queue is no more");
        }
        let callbacks = &board.callbacks;
        if callbacks.is_promised(self.own_number()) || callbacks.is_promised(number.number()) {
            return refused("the caller is being called back already");
        }
        if callbacks.len() >= limits::CALLBACKS {
            return refused("as many are being called back as can be");
        }
        Ok(Callback {
            number: number.number().to_owned(),
            queue,
            priority: self.last_priority,
            attempts: offer.attempts,
            retry_after: offer.retry_after,
            keep: offer.keep,
            made: 0,
            stands_since: None,
            stood_before: Duration::ZERO,
        })
    }

    /// The callback came about, or is wanted no more.
    pub(crate) fn forget_callback(&mut self, board: &mut Switchboard) -> Option<Callback> {
        board.callbacks.forget(self.id);
        self.callback.take()
    }

    /// What the journal says first of a callback.
    /// `in_line` is for how long the place counts.
    pub(crate) fn callback_requested(&self, in_line: Duration) -> Option<Event> {
        let callback = self.callback.as_ref()?;
        Some(Event::CallbackRequested {
            call: self.id,
            number: callback.number.clone(),
            queue: callback.queue,
            priority: callback.priority,
            attempts: callback.attempts,
            retry_after_s: callback.retry_after.as_secs(),
            keep_s: callback.keep.as_secs(),
            language: self.language.to_string(),
            in_line_ms: u64::try_from(in_line.as_millis()).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands() -> Stands {
        Stands {
            place: Instant::START,
            overflowed: Vec::new(),
        }
    }

    #[test]
    fn a_number_with_two_lines_is_not_called_back_when_the_other_line_was_served() {
        let (first, other) = (CallId(1), CallId(2));
        let mut callbacks = Callbacks::default();
        callbacks.promise(first, "05318261234", "05318261234");
        // Promised, and the words are still being said when a seat answers the other line.
        assert_eq!(callbacks.take_over("05318261234", other), None);
        callbacks.served("05318261234", other);
        assert!(!callbacks.stands(first, stands()));
    }

    #[test]
    fn being_served_oneself_or_elsewhere_changes_no_promise() {
        let (first, other) = (CallId(1), CallId(2));
        let mut callbacks = Callbacks::default();
        callbacks.promise(first, "", "05318261234");
        callbacks.served("", other);
        callbacks.served("13800000001", other);
        callbacks.served("05318261234", first);
        assert!(callbacks.stands(first, stands()));
    }

    #[test]
    fn both_numbers_are_free_again_after() {
        let mut callbacks = Callbacks::default();
        callbacks.promise(CallId(1), "13800000001", "13900000009");
        assert!(callbacks.is_promised("13800000001") && callbacks.is_promised("13900000009"));
        callbacks.forget(CallId(1));
        assert!(!callbacks.is_promised("13800000001") && !callbacks.is_promised("13900000009"));
        assert!(callbacks.is_empty());
    }
}
