//! A seat's inside: what the agent wants, what the seat does, whether its phone is there.

use core::{num::NonZeroU64, time::Duration};

use hotline_model::{
    CallId, Instant, SeatId,
    seat::{Device, Intent, Reason, Work},
};

use crate::{SeatSettings, load::Load, ready::Standing, roster::QueueAt};

/// What the seat does for the floor. A state that has to end by itself carries its deadline, so
/// that there is none without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    Free,
    /// Matched; the INVITE is on its way.
    Reserved {
        call: CallId,
        until: Instant,
        answer_by: Instant,
    },
    Ringing {
        call: CallId,
        until: Instant,
    },
    Talking {
        call: CallId,
    },
    Hold {
        call: CallId,
    },
    WrapUp {
        call: CallId,
        until: Instant,
        at_most_until: Instant,
    },
}

impl Duty {
    /// The call that is being offered to the seat.
    pub(crate) fn offered(self) -> Option<CallId> {
        match self {
            Self::Reserved { call, .. } | Self::Ringing { call, .. } => Some(call),
            _ => None,
        }
    }

    /// The call the seat talks in.
    pub(crate) fn talking(self) -> Option<CallId> {
        match self {
            Self::Talking { call } | Self::Hold { call } => Some(call),
            _ => None,
        }
    }

    pub(crate) fn call(self) -> Option<CallId> {
        match self {
            Self::WrapUp { call, .. } => Some(call),
            _ => self.offered().or(self.talking()),
        }
    }

    pub(crate) fn until(self) -> Option<Instant> {
        match self {
            Self::Reserved { until, .. }
            | Self::Ringing { until, .. }
            | Self::WrapUp { until, .. } => Some(until),
            Self::Free | Self::Talking { .. } | Self::Hold { .. } => None,
        }
    }
}

/// Why a seat has no calls for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackOff {
    Refused,
    Unreachable,
}

/// What the ledger and the callers of the floor were last told about a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) intent: Intent,
    pub(crate) work: Work,
    /// Whether for a call, and which: apart, as an option would take a word more.
    for_call: bool,
    call: CallId,
}

impl Told {
    fn new(intent: Intent, work: Work, call: Option<CallId>) -> Self {
        Self {
            intent,
            work,
            for_call: call.is_some(),
            call: call.unwrap_or(CallId(0)),
        }
    }

    /// The call it works for.
    pub(crate) fn call(&self) -> Option<CallId> {
        self.for_call.then_some(self.call)
    }
}

/// A queue that the seat serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) queue: QueueAt,
    /// From which ring of the queue on.
    ring: u16,
    /// How skilled the seat is for it.
    pub(crate) level: u16,
}

impl Post {
    pub(crate) fn new(queue: QueueAt, ring: usize, level: u32) -> Self {
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        Self {
            queue,
            ring: small(ring),
            level: small(level as usize),
        }
    }

    pub(crate) fn ring(&self) -> usize {
        self.ring.into()
    }
}

/// What the settings say of a seat.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) settings: SeatSettings,
    /// Its place in their list; once it is named no more, the last it had.
    pub(crate) place: u32,
}

/// What is so of a seat since somebody else said it. In one byte, for the seat's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks(u8);

/// One of the [`Marks`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The settings name it no more: no call is for it.
    Unnamed = 1,
    /// A supervisor has it not ready, and only a supervisor ends that.
    Barred = 2,
    /// The agent's page is cut off, by which alone the seat is reached.
    DeskLost = 4,
}

/// A seat of the floor. Of ten thousand the one that an input is about is rarely in the processor's
/// cache: three of its lines hold everything that most turns need, and no more.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Seat {
    pub(crate) id: SeatId,
    pub(crate) written: Box<Written>,
    pub(crate) serves: Box<[Post]>,
    pub(crate) intent: Intent,
    /// Takes effect when the present offer or talk is over.
    pub(crate) pending: Option<Intent>,
    pub(crate) device: Device,
    pub(crate) duty: Duty,
    /// In a call the floor did not send.
    pub(crate) busy: bool,
    /// Ends by its timer.
    pub(crate) back_off: Option<BackOff>,
    /// Refusals and failures in a row, since the last answer.
    pub(crate) refusals: u8,
    pub(crate) failures: u8,
    /// Its turn among the idle, while it stands in its queues' ready sets. What else it stands by
    /// (calls, load, weight) does not change meanwhile.
    pub(crate) ready: Option<NonZeroU64>,
    /// Calls answered since it signed in.
    pub(crate) taken: u32,
    /// What others said of it.
    marks: Marks,
    /// Since when it works, while it does; what it worked before is in its load.
    works_since: Instant,
    works: bool,
    pub(crate) load: Load,
    pub(crate) idle_since: Instant,
    /// Whether its queues count it as staffed, and as at work.
    pub(crate) staffed: bool,
    pub(crate) at_work: bool,
    /// Whose call it answered in its present work.
    pub(crate) answered: Option<QueueAt>,
    pub(crate) told: Told,
    pub(crate) since: Instant,
    /// Changed since the board was last written.
    pub(crate) unposted: bool,
}

const _: () = assert!(size_of::<Seat>() == 3 * 64);

impl Seat {
    /// A seat at the engine's start: signed out, no phone, nothing to do.
    pub(crate) fn new(settings: SeatSettings, place: u32, serves: Box<[Post]>) -> Self {
        let intent = Intent::NotReady(Reason::LoggedOut);
        Self {
            id: settings.id,
            written: Box::new(Written { settings, place }),
            serves,
            intent,
            pending: None,
            device: Device::Unregistered,
            duty: Duty::Free,
            busy: false,
            back_off: None,
            refusals: 0,
            failures: 0,
            ready: None,
            taken: 0,
            marks: Marks::default(),
            works_since: Instant::START,
            works: false,
            load: Load::default(),
            idle_since: Instant::START,
            staffed: false,
            at_work: false,
            answered: None,
            told: Told::new(intent, Work::Free, None),
            since: Instant::START,
            unposted: true,
        }
    }

    /// Whether this was said of it.
    pub(crate) fn is(&self, mark: Mark) -> bool {
        self.marks.0 & mark as u8 != 0
    }

    /// This is so from now on, or is so no more.
    pub(crate) fn mark(&mut self, mark: Mark, so: bool) {
        self.marks.0 = (self.marks.0 & !(mark as u8)) | (u8::from(so) * mark as u8);
    }

    /// Keeps account of the seat's work: from its first duty to its being free. Says how long the
    /// work for an answered call was.
    pub(crate) fn note_work(&mut self, now: Instant) -> Option<(QueueAt, Duration)> {
        let works = self.duty != Duty::Free || self.busy;
        match (core::mem::replace(&mut self.works, works), works) {
            (false, true) => {
                self.works_since = now;
                None
            }
            (true, false) => {
                let since = self.works_since;
                self.load.add(since, now);
                Some((self.answered.take()?, now.since(since)))
            }
            _ => None,
        }
    }

    /// How it stands ready, from this turn of the idle on.
    pub(crate) fn standing(&self, turn: NonZeroU64) -> Standing {
        Standing {
            turn: turn.get(),
            calls: self.taken,
            load: self.load,
            weight: self.written.settings.weight,
            place: self.written.place,
        }
    }

    /// Whether a call may be offered to the seat now.
    pub(crate) fn takes_calls(&self) -> bool {
        self.intent == Intent::Ready
            && self.is_reachable()
            && self.duty == Duty::Free
            && !self.busy
            && !self.is(Mark::Unnamed)
            && self.back_off.is_none()
    }

    /// Its phone is registered, and its page there where it needs one.
    pub(crate) fn is_reachable(&self) -> bool {
        self.device == Device::Registered && !self.is(Mark::DeskLost)
    }

    /// Signed in with a phone, breaks included.
    pub(crate) fn is_staffed(&self) -> bool {
        !self.is(Mark::Unnamed)
            && self.is_reachable()
            && self.intent != Intent::NotReady(Reason::LoggedOut)
    }

    /// What the seat does, in the words of the ledger.
    pub(crate) fn work(&self) -> Work {
        match self.duty {
            Duty::Free if self.busy => Work::Busy,
            Duty::Free => Work::Free,
            Duty::Reserved { .. } => Work::Reserved,
            Duty::Ringing { .. } => Work::Ringing,
            Duty::Talking { .. } => Work::Talking,
            Duty::Hold { .. } => Work::Hold,
            Duty::WrapUp { .. } => Work::WrapUp,
        }
    }

    /// What there is to tell about the seat.
    pub(crate) fn tell(&self) -> Told {
        Told::new(self.intent, self.work(), self.duty.call())
    }
}
