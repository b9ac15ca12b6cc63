//! The floor's decisions, taken again from what it was told, and compared with those that the
//! journal says were taken.
//!
//! A journal has each word the floor was told ([`Event::FloorTold`]), the digest of its settings
//! ([`Event::FloorSet`]), and what was done by its decisions. Of these every change of a seat's state
//! must be there, one for one and in order; of a call's decisions (offered, offer taken back, sent
//! on, refused) each one unless the call had left before it could be carried out. So whoever changed
//! a record and forged the chain behind it, and any fault of the engine that let a decision follow
//! from more than the words, is found here.

use core::fmt;
use std::collections::{BTreeSet, VecDeque};

use hotline_model::{
    CallId, Instant, SeatId,
    event::Event,
    floor::Input,
    seat::{Intent, OfferResult, Work},
};

use crate::{Floor, FloorSettings, Output, OverflowTo};

/// A journal's decisions, compared up to where it was read.
#[derive(Debug, Default)]
pub struct Replay {
    /// Whether a start of the engine was read whose settings were not kept.
    unknown: bool,
    floor: Option<Floor>,
    /// Taken again, and not yet read of in the journal.
    due: VecDeque<Output>,
    /// Calls that left since something was due.
    gone: BTreeSet<CallId>,
    /// Calls by which somebody is to be called back: nobody hears where they are sent.
    promised: BTreeSet<CallId>,
    /// Talks that seats want to hand on to others: these offers are no decisions of the floor.
    wished: BTreeSet<(CallId, SeatId)>,
    /// Offers that the journal said were over before the floor's word of it.
    over: BTreeSet<(CallId, SeatId)>,
    counts: Counts,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Starts of the engine whose decisions can be taken again.
    pub runs: u64,
    /// Starts of releases that kept no words, or decided by other rules.
    pub unknown_runs: u64,
    /// What the floor was told.
    pub inputs: u64,
    /// What it decided.
    pub decisions: u64,
}

/// The journal and the replay disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The journal says that this was decided, and it does not follow.
    NotDecided(String),
    /// This was decided, and the journal tells of something else.
    NotJournalled {
        /// What follows.
        decided: String,
        /// What the journal says in its place.
        journal: String,
    },
    /// A rule between queues, calls and seats does not hold.
    Broken(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDecided(journal) => {
                write!(f, "the journal says {journal}, which does not follow")
            }
            Self::NotJournalled { decided, journal } => {
                write!(f, "what follows is {decided}, the journal says {journal}")
            }
            Self::Broken(rule) => write!(f, "a rule is broken: {rule}"),
        }
    }
}

impl core::error::Error for Difference {}

impl Replay {
    /// How much was compared so far.
    pub const fn counts(&self) -> Counts {
        Counts {
            unknown_runs: self.counts.unknown_runs + self.unknown as u64,
            ..self.counts
        }
    }

    /// The floor as it stands.
    pub const fn floor(&self) -> Option<&Floor> {
        self.floor.as_ref()
    }

    /// The settings behind an [`Event::FloorSet`].
    pub fn set(&mut self, ns: Instant, settings: FloorSettings) {
        match &mut self.floor {
            None => {
                self.floor = Some(Floor::new(settings.queues, settings.seats));
                self.unknown = false;
                self.counts.runs += 1;
            }
            Some(floor) => {
                floor.replace_settings(ns, settings.queues, settings.seats);
                self.decide();
            }
        }
    }

    /// The next event of the journal.
    ///
    /// # Errors
    /// What does not agree.
    pub fn happened(&mut self, event: &Event) -> Result<(), Difference> {
        match event {
            // What the last run had decided and not carried out went with it.
            Event::EngineStarted { .. } => *self = self.after_a_start(),
            Event::FloorTold { ns, input } => self.told(*ns, *input),
            Event::EngineStopped {} => return self.nothing_due(),
            Event::CallEnded { call, .. } => self.left(*call),
            _ if self.floor.is_none() => {}
            Event::SeatChanged {
                seat,
                intent,
                work,
                call,
            } => return self.seat_changed((*seat, *intent, *work, *call), event),
            Event::SeatOffered { call, seat, .. } => {
                let wished = self.wished.contains(&(*call, *seat));
                if !self.claim(event, wished)? {
                    self.wished.remove(&(*call, *seat));
                }
                self.over.remove(&(*call, *seat));
            }
            // Most offers end by what their phones say.
            Event::OfferEnded { call, seat, .. } if !self.claim(event, true)? => {
                self.over.insert((*call, *seat));
            }
            Event::QueueOverflowed { .. } | Event::QueueRefused { .. } => {
                self.claim(event, false)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn after_a_start(&self) -> Self {
        Self {
            unknown: true,
            counts: self.counts(),
            ..Self::default()
        }
    }

    fn told(&mut self, now: Instant, input: Input) {
        let Some(floor) = &mut self.floor else { return };
        self.counts.inputs += 1;
        if let Input::CallQueued { call, promised, .. } = input {
            self.gone.remove(&call);
            match promised {
                true => self.promised.insert(call),
                false => self.promised.remove(&call),
            };
        }
        floor.handle_input(now, input);
        if let Input::Transfer { call, to } = input
            && floor.seat(to).is_some_and(|seat| seat.call == Some(call))
        {
            self.wished.insert((call, to));
        }
        self.decide();
        if let Input::CallLeft { call } = input {
            self.left(call);
        }
    }

    fn decide(&mut self) {
        let floor = self.floor.iter_mut();
        let due = floor.flat_map(|floor| core::iter::from_fn(|| floor.poll_output()));
        let before = self.due.len();
        self.due.extend(due);
        self.counts.decisions += (self.due.len() - before) as u64;
    }

    fn left(&mut self, call: CallId) {
        self.gone.insert(call);
        let of_others = |it: &(CallId, SeatId)| it.0 != call;
        self.wished.retain(of_others);
        self.over.retain(of_others);
    }

    fn seat_changed(
        &mut self,
        journal: (SeatId, Intent, Work, Option<CallId>),
        event: &Event,
    ) -> Result<(), Difference> {
        let same = |decided: &Output| {
            matches!(*decided, Output::SeatChanged { seat, intent, work, call }
                if (seat, intent, work, call) == journal)
        };
        self.pass_silent(same);
        match self.due.pop_front() {
            Some(decided) if same(&decided) => {
                self.forget();
                Ok(())
            }
            decided => Err(differ(decided.as_ref(), event)),
        }
    }

    /// The journal says that something was decided of a call. Whether it is what follows next; it
    /// may have other reasons than the floor's.
    fn claim(&mut self, event: &Event, others: bool) -> Result<bool, Difference> {
        let next = self.due.iter().position(|it| !self.may_be_silent(it));
        let among = self.due.iter().take(next.map_or(usize::MAX, |at| at + 1));
        match among.clone().position(|it| is_that(it, event)) {
            Some(at) => {
                self.due.drain(..=at);
                self.forget();
                Ok(true)
            }
            None if others => Ok(false),
            None => Err(differ(next.and_then(|at| self.due.get(at)), event)),
        }
    }

    /// What is due and needs not be in the journal goes, up to what is.
    fn pass_silent(&mut self, is: impl Fn(&Output) -> bool) {
        while let Some(first) = self.due.front() {
            if is(first) || !self.may_be_silent(first) {
                return;
            }
            self.due.pop_front();
        }
    }

    /// Nothing could be done by it: the call had left, or nobody was on its line.
    fn may_be_silent(&self, decided: &Output) -> bool {
        match decided {
            Output::SeatChanged { .. } => false,
            // Its word is the call's end, or what the script says next.
            Output::TimedOut { .. } => true,
            Output::Withdraw {
                why: OfferResult::CallerGone,
                ..
            } => true,
            Output::Offer { call, .. } => self.gone.contains(call),
            Output::Withdraw { call, seat, .. } => {
                self.gone.contains(call) || self.over.contains(&(*call, *seat))
            }
            Output::Overflowed { call, to, .. } => {
                let elsewhere = !matches!(to, OverflowTo::Queue(_));
                self.gone.contains(call) || (elsewhere && self.promised.contains(call))
            }
            Output::Refused { call, .. } => {
                self.gone.contains(call) || self.promised.contains(call)
            }
        }
    }

    fn forget(&mut self) {
        if self.due.is_empty() {
            self.gone.clear();
        }
    }

    /// The run ended in an orderly way: whatever was decided was carried out.
    fn nothing_due(&mut self) -> Result<(), Difference> {
        self.pass_silent(|_| false);
        match self.due.front() {
            None => Ok(()),
            left => Err(differ(left, &Event::EngineStopped {})),
        }
    }
}

/// Whether the event says that this was decided.
fn is_that(decided: &Output, event: &Event) -> bool {
    match (decided, event) {
        (
            Output::Offer {
                call,
                seat,
                queue,
                why,
                ..
            },
            Event::SeatOffered {
                call: of,
                seat: to,
                queue: at,
                why: said,
            },
        ) => (call, seat, queue, why) == (of, to, at, said),
        (
            Output::Withdraw { call, seat, why },
            Event::OfferEnded {
                call: of,
                seat: at,
                result,
                ..
            },
        ) => (call, seat, why) == (of, at, result),
        (
            Output::Overflowed {
                call,
                queue,
                to,
                why,
                ..
            },
            Event::QueueOverflowed {
                call: of,
                queue: from,
                to: word,
                why: said,
            },
        ) => (call, queue, &to.to_string(), why) == (of, from, word, said),
        (
            Output::Refused { call, queue, cause },
            Event::QueueRefused {
                call: of,
                queue: at,
                cause: said,
            },
        ) => (call, queue, *cause) == (of, at, said.as_str()),
        _ => false,
    }
}

fn differ(decided: Option<&Output>, event: &Event) -> Difference {
    let journal = format!("{event:?}");
    match decided {
        None => Difference::NotDecided(journal),
        Some(decided) => Difference::NotJournalled {
            decided: format!("{decided:?}"),
            journal,
        },
    }
}
