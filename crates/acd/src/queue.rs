//! A queue's inside: the line of callers, the seats that stand ready, and the counts.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{CallId, Instant};

use crate::{
    QueueSettings,
    estimate::{Pace, Tempo},
    line::{Line, Place},
    overflow::{Overflows, Spent},
    ready::{Memory, PassedOver, Ready},
    rings,
    roster::{QueueAt, SeatAt},
    seen::Seen,
};

/// A queue of the floor.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) settings: QueueSettings,
    /// Who may take its calls and from which ring on, in the order of the configuration.
    pub(crate) served_by: Vec<(SeatAt, usize)>,
    pub(crate) line: Line,
    /// Callers in line who hold out for a seat, and until when.
    pub(crate) held: BTreeMap<CallId, (SeatAt, Instant)>,
    /// The same by when it ends.
    pub(crate) holds_end: BTreeSet<(Instant, CallId)>,
    /// Seats that would take a call at once, by the ring from which on they count.
    pub(crate) ready: Vec<Ready>,
    /// The wait from which each ring counts.
    pub(crate) waits: Vec<Duration>,
    pub(crate) memory: Memory,
    /// The settings name it no more: nobody comes in.
    pub(crate) closed: bool,
    /// Seats being rung for a caller of this queue.
    pub(crate) offering: usize,
    /// Seats talking with a caller of this queue.
    pub(crate) talking: usize,
    /// Seats of this queue that are signed in and registered.
    pub(crate) staffed: usize,
    /// Of these, those who want calls.
    pub(crate) at_work: usize,
    /// Seats of any ring that are signed in and registered.
    pub(crate) served: usize,
    /// Since when there is none, while there is none.
    pub(crate) unserved_since: Instant,
    /// Since when nobody is staffed, while nobody is.
    pub(crate) unstaffed_since: Instant,
    pub(crate) overflows: Overflows,
    pub(crate) pace: Pace,
    /// What happened lately, for the forecast.
    pub(crate) seen: Seen,
    /// Changed since the board was last written.
    pub(crate) unposted: bool,
}

impl Queue {
    /// A queue of a roster of so many seats.
    pub(crate) fn new(settings: QueueSettings, seats: usize) -> Self {
        let waits = rings::waits(&settings);
        let mut line = Line::default();
        line.set_ageing(settings.ageing);
        let ring = |_: &Duration| Ready::new(settings.choice, seats);
        Self {
            served_by: Vec::new(),
            line,
            held: BTreeMap::new(),
            holds_end: BTreeSet::new(),
            ready: waits.iter().map(ring).collect(),
            waits,
            memory: Memory::new(settings.seed),
            overflows: Overflows::new(settings.overflow.len()),
            settings,
            closed: false,
            offering: 0,
            talking: 0,
            staffed: 0,
            at_work: 0,
            served: 0,
            unserved_since: Instant::START,
            unstaffed_since: Instant::START,
            pace: Pace::default(),
            seen: Seen::default(),
            unposted: true,
        }
    }

    /// Takes new settings. Whoever stands in line stands where the new ones say.
    pub(crate) fn reopen(&mut self, settings: QueueSettings) {
        self.closed = false;
        self.line.set_ageing(settings.ageing);
        self.waits = rings::waits(&settings);
        self.memory.reseed(self.settings.seed, settings.seed);
        if self.settings.overflow != settings.overflow {
            self.overflows.begin_anew(settings.overflow.len());
        }
        self.settings = settings;
    }

    /// No seat serves it, of a roster of so many.
    pub(crate) fn clear_seats(&mut self, seats: usize) {
        let ring = |_: &Duration| Ready::new(self.settings.choice, seats);
        self.ready = self.waits.iter().map(ring).collect();
        self.served_by.clear();
        self.staffed = 0;
        self.served = 0;
        self.at_work = 0;
    }

    /// How fast its line moves now; `None`: not known.
    pub(crate) fn tempo(&self, now: Instant) -> Option<Tempo> {
        self.pace.tempo(self.at_work, self.seen.patience(now))
    }

    /// Whether some call is still its own, in line or at a seat.
    pub(crate) fn has_calls(&self) -> bool {
        self.line.len() + self.offering + self.talking > 0
    }

    /// Seats that would take a call that just came.
    pub(crate) fn ready_at_once(&self) -> usize {
        self.ready.first().map_or(0, Ready::len)
    }

    /// The widest ring that a caller who came then may be served by.
    pub(crate) fn ring_at(&self, arrived: Instant, now: Instant) -> usize {
        let waited = now.since(arrived);
        let open = self.waits.iter().take_while(|&&wait| wait <= waited);
        open.count().saturating_sub(1)
    }

    /// Whose turn it is for a seat of the ring.
    pub(crate) fn head_for(&self, ring: usize, now: Instant) -> Option<Place> {
        let &wait = self.waits.get(ring)?;
        if now.since_start() < wait {
            return None;
        }
        self.line.head_by(now - wait)
    }

    /// Whose turn it is of those for whom some seat stands ready.
    pub(crate) fn next_served(&self, now: Instant) -> Option<Place> {
        let rings = self.ready.iter().enumerate();
        let open = rings.filter(|(_, ready)| !ready.is_empty());
        open.filter_map(|(ring, _)| self.head_for(ring, now))
            .min_by_key(|&place| self.line.rank(place))
    }

    /// The seat to ring for a caller of this ring: from the innermost ring in which somebody has
    /// not declined; when all have, from the innermost at all: a caller is not kept waiting before
    /// a free seat. With its ring.
    pub(crate) fn choose(
        &mut self,
        ring: usize,
        declined_by: &[SeatAt],
    ) -> Option<(SeatAt, usize, PassedOver)> {
        let mut decliners = 0;
        for (at, ready) in self.ready.iter_mut().enumerate().take(ring + 1) {
            match ready.willing(declined_by, &mut self.memory) {
                Some((seat, passed)) => {
                    let passed = match decliners + passed {
                        0 => PassedOver::Nobody,
                        seats => PassedOver::Decliners(seats),
                    };
                    return Some((seat, at, passed));
                }
                None => decliners += ready.len(),
            }
        }
        let mut rings = self.ready.iter_mut().enumerate().take(ring + 1);
        rings.find_map(|(at, ready)| Some((ready.anybody(&mut self.memory)?, at, PassedOver::All)))
    }

    /// When the next waiting caller may be served by further seats.
    pub(crate) fn widens_at(&self, now: Instant) -> Option<Instant> {
        let next = |&wait: &Duration| {
            let began = (now.since_start() >= wait).then(|| now - wait);
            Some(self.line.first_after(began)? + wait)
        };
        self.waits.iter().skip(1).filter_map(next).min()
    }

    /// When the oldest caller's longest wait ends. One who is called back waits on.
    pub(crate) fn times_out_at(&self) -> Option<Instant> {
        let longest = self.settings.longest_wait?;
        Some(self.line.oldest_unpromised()?.arrived + longest)
    }
}

/// What a call is doing, as far as the floor is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Offered(SeatAt),
    Talking(SeatAt),
}

/// A call the floor holds.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) queue: QueueAt,
    pub(crate) place: Place,
    pub(crate) stage: Stage,
    /// The queue's overflow rules that do not count for it any more.
    pub(crate) spent: Spent,
    /// A human answered it since it came.
    pub(crate) answered: bool,
    /// When it came to the floor.
    came: Instant,
    /// Apart, since most calls have none: so a call fits into a line of the processor's cache.
    past: Option<Box<Past>>,
}

/// What befell a call that few calls meet.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Queues that it left by overflow: none of them takes it again.
    pub(crate) been: Vec<QueueAt>,
    /// The seat that is to be rung first, and until when it holds out for it.
    pub(crate) preferred: Option<(SeatAt, Instant)>,
    /// Seats that declined it, oldest first, at most `rules::DECLINED_PER_CALL`.
    pub(crate) declined_by: Vec<SeatAt>,
    /// While a seat talks: the seat that is being rung to take the call over.
    pub(crate) transfer_to: Option<SeatAt>,
    /// It was promised a callback by its place.
    pub(crate) promised: bool,
}

static NOTHING: Past = Past {
    been: Vec::new(),
    preferred: None,
    declined_by: Vec::new(),
    transfer_to: None,
    promised: false,
};

impl Call {
    /// A call that comes into a queue.
    pub(crate) fn new(queue: QueueAt, place: Place, spent: Spent, now: Instant) -> Self {
        Self {
            queue,
            place,
            stage: Stage::Waiting,
            spent,
            answered: false,
            came: now,
            past: None,
        }
    }

    /// Since when it waits for its first human; `None` once one answered, and of one that was promised
    /// a callback: nobody on a line waits so.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        (!self.answered && !self.past().promised).then_some(self.came)
    }

    pub(crate) fn past(&self) -> &Past {
        self.past.as_deref().unwrap_or(&NOTHING)
    }

    pub(crate) fn past_mut(&mut self) -> &mut Past {
        self.past.get_or_insert_default()
    }

    /// The transfer is over, or becomes an offer.
    pub(crate) fn take_transfer(&mut self) -> Option<SeatAt> {
        self.past.as_mut()?.transfer_to.take()
    }

    /// It holds out for nobody.
    pub(crate) fn wants_anybody(&mut self) {
        if let Some(past) = &mut self.past {
            past.preferred = None;
        }
    }
}
