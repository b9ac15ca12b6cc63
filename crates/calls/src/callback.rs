//! Callers who asked to be called back (回呼): what was promised to each, and who they are.
//!
//! Once such a caller hung up, the call stands on in its queue with nobody on the line
//! ([`Facts::stands`]): the stages `Waiting` and `Offering` are those of any call. When a seat has
//! answered, `CallingBack` calls the caller, and where nobody is reached `Resting` waits for the
//! next attempt.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use hotline_ivr::Offer;
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
    /// When the callback was asked for.
    pub requested_at: Timestamp,
    /// When its place counts again; `None`: it counts.
    pub rests_until: Option<Timestamp>,
    /// What was promised, with where it stands now.
    pub callback: Callback,
}

/// All who were promised a callback, by their own numbers: nobody is promised two.
#[derive(Debug, Default)]
pub struct Callbacks {
    promised: BTreeMap<String, Promised>,
    /// How many of them stand with nobody on the line.
    standing: usize,
    /// Calls whose callers rang again and stand in line with the new call.
    rang_again: VecDeque<CallId>,
}

/// One key for all forms in which one number comes.
fn key(caller: &str) -> String {
    dialable(caller).unwrap_or_else(|| caller.to_owned())
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
    call: CallId,
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

    /// Whether the caller is promised one.
    pub fn has(&self, caller: &str) -> bool {
        self.promised.contains_key(&key(caller))
    }

    fn promise(&mut self, caller: &str, call: CallId) {
        self.put(caller, Promised { call, stands: None });
    }

    /// The caller hung up and stands there.
    pub(crate) fn stands(&mut self, caller: &str, call: CallId, stands: Stands) {
        let stands = Some(stands);
        self.put(caller, Promised { call, stands });
    }

    fn put(&mut self, caller: &str, promised: Promised) {
        self.remove(caller);
        self.standing += usize::from(promised.stands.is_some());
        self.promised.insert(key(caller), promised);
    }

    fn remove(&mut self, caller: &str) -> Option<Promised> {
        let promised = self.promised.remove(&key(caller))?;
        self.standing -= usize::from(promised.stands.is_some());
        Some(promised)
    }

    /// The callback came about, or will not.
    pub fn forget(&mut self, caller: &str, call: CallId) {
        let promised = self.promised.get(&key(caller));
        if promised.is_some_and(|it| it.call == call) {
            self.remove(caller);
        }
    }

    /// The caller rang again: the new call has the place, and the old one is over soon
    /// ([`Callbacks::pop_rang_again`]).
    pub(crate) fn take_over(&mut self, caller: &str) -> Option<Stands> {
        self.promised.get(&key(caller))?.stands.as_ref()?;
        let promised = self.remove(caller)?;
        self.rang_again.push_back(promised.call);
        promised.stands
    }

    /// A seat that called the caller of its own accord is answered: what was promised is kept by that.
    pub(crate) fn kept_by_other(&mut self, caller: &str) {
        self.take_over(caller);
    }

    /// The next call whose caller rang again.
    pub fn pop_rang_again(&mut self) -> Option<CallId> {
        self.rang_again.pop_front()
    }
}

impl Facts {
    /// The callback of a caller who is no longer on the line.
    pub fn stands(&self) -> Option<&Callback> {
        let stands = |it: &&Callback| it.stands_since.is_some();
        self.callback.as_ref().filter(stands)
    }

    /// The caller is on the line: a callback to the same number will not come, and its place is this
    /// call's, if it is the better one.
    pub(crate) fn takes_place(&mut self, board: &mut Switchboard) {
        if self.withheld {
            return;
        }
        let Some(stands) = board.callbacks.take_over(&self.caller) else {
            return;
        };
        let own = self.place_from.or(self.queued);
        self.place_from = Some(own.map_or(stands.place, |own| own.min(stands.place)));
        if self.overflowed.is_empty() {
            self.overflowed = stands.overflowed;
        }
    }

    /// The caller asks to be called back. False where that cannot be promised.
    pub(crate) fn book_callback(
        &mut self,
        now: Instant,
        offer: &Offer,
        board: &mut Switchboard,
    ) -> bool {
        if self.callback.is_some() {
            return true;
        }
        match self.callback_of(offer, board) {
            Ok(callback) => {
                board.callbacks.promise(&self.caller, self.id);
                self.callback = Some(callback);
                true
            }
            Err(cause) => {
                let (call, cause) = (self.id, cause.to_owned());
                board.happened(now, Event::CallbackRefused { call, cause });
                false
            }
        }
    }

    fn callback_of(&self, offer: &Offer, board: &Switchboard) -> Result<Callback, &'static str> {
        if self.trunk.is_none() || self.dialled_by.is_some() {
            return Err("the caller is no citizen");
        }
        if self.withheld || self.caller.is_empty() {
            return Err("the number is withheld");
        }
        let number = callable(&board.settings, &self.caller)?;
        let queue = self.last_queue.unwrap_or(offer.queue);
        if board.floor.queue(queue).is_none() {
            return Err("the queue is no more");
        }
        if board.callbacks.has(&self.caller) {
            return Err("the caller is being called back already");
        }
        if board.callbacks.len() >= limits::CALLBACKS {
            return Err("as many are being called back as can be");
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
        board.callbacks.forget(&self.caller, self.id);
        self.callback.take()
    }

    /// What the journal says first of a callback.
    pub(crate) fn callback_requested(&self) -> Option<Event> {
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
        })
    }
}
