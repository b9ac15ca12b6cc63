//! Who watches the service level: asks each queue's outlook a few times a minute and says what has
//! changed, in events. An alert comes when the next quarter of an hour will miss its target, before
//! the figures of the past do.
//!
//! # No flapping
//! An alert needs a forecast that misses even with as few callers as chance may leave of as many,
//! and does so for [`ALERT_AFTER`](rules::ALERT_AFTER). It is over when the plain forecast reaches
//! the target for [`ALERT_OVER_AFTER`](rules::ALERT_OVER_AFTER). Between the two nothing changes.

use std::collections::BTreeMap;

use hotline_model::{Instant, QueueId, event::Event};

use crate::{Floor, Outlook, rules, seen, steering::Forecast};

/// The watch over all queues of a floor.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    queues: BTreeMap<QueueId, Watched>,
    next: Option<Instant>,
    /// Which queue is next.
    turn: usize,
    /// Entries of the floor when it was last looked at, and when they last grew.
    entries: u64,
    busy: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// Since when the forecast misses.
    misses: Option<Instant>,
    /// Since when it reaches.
    reaches: Option<Instant>,
    /// Since when there is an alert.
    alert: Option<Instant>,
    /// What was said last.
    told: Option<Told>,
}

/// A forecast as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    serving: u32,
    needed: Option<u32>,
    answered: Option<u16>,
    in_time: Option<u16>,
}

/// A forecast is told anew when a share changes by so much; a seat's change always is.
const WORTH_TELLING_PERMILLE: u16 = 20;

impl Watch {
    /// When to [`look`](Self::look) next: a few times a minute while somebody called within the
    /// last hour, else not before somebody calls.
    pub fn next_look(&self) -> Option<Instant> {
        self.next
    }

    /// Somebody may have called: a watch that sleeps wakes.
    pub fn notice(&mut self, now: Instant, floor: &Floor) {
        if floor.entries() != self.entries {
            self.entries = floor.entries();
            self.busy = Some(now);
            if self.next.is_none() {
                self.next = Some(now);
            }
        }
    }

    /// Looks at the queue whose turn it is, if a look is due.
    pub fn look(&mut self, now: Instant, floor: &Floor) -> Vec<Event> {
        self.notice(now, floor);
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        let count = floor.queue_ids().count();
        let Some(queue) = floor.queue_ids().nth(self.turn) else {
            self.turn = 0;
            self.next = (count > 0).then_some(now + rules::FORECAST_EVERY);
            return Vec::new();
        };
        self.turn = (self.turn + 1) % count;
        let queues = u32::try_from(count).unwrap_or(u32::MAX);
        self.next = Some(now + rules::FORECAST_EVERY / queues);
        let mut events = Vec::new();
        if let Some(outlook) = floor.outlook(now, queue) {
            let watched = self.queues.entry(queue).or_default();
            watched.forecast(queue, &outlook, &mut events);
            watched.judge(now, queue, &outlook, &mut events);
        }
        let quiet = self.busy.is_none_or(|busy| now.since(busy) > seen::KEPT);
        let settled = |watched: &Watched| {
            watched.alert.is_none() && watched.told.is_none_or(|told| told.needed.is_none())
        };
        if quiet && self.queues.values().all(settled) {
            self.next = None;
        }
        events
    }
}

impl Watched {
    fn forecast(&mut self, queue: QueueId, outlook: &Outlook, events: &mut Vec<Event>) {
        let told = Told::of(outlook);
        // Nothing is said of a queue of which nothing was ever known.
        if self.told.is_none() && told.needed.is_none() {
            return;
        }
        if self.told.is_some_and(|before| !told.differs(&before)) {
            return;
        }
        self.told = Some(told);
        events.push(Event::StaffingForecast {
            queue,
            serving: told.serving,
            needed: told.needed,
            answered_permille: told.answered,
            in_time_permille: told.in_time,
        });
    }

    fn judge(&mut self, now: Instant, queue: QueueId, outlook: &Outlook, events: &mut Vec<Event>) {
        let (misses, reaches) = (misses(outlook), reaches(outlook));
        let since = |before: Option<Instant>, holds: bool| holds.then(|| before.unwrap_or(now));
        self.misses = since(self.misses, misses);
        self.reaches = since(self.reaches, reaches);
        let lasts = |since: Option<Instant>, time| since.is_some_and(|at| now.since(at) >= time);
        match self.alert {
            None if lasts(self.misses, rules::ALERT_AFTER) => {
                self.alert = Some(now);
                let told = Told::of(outlook);
                events.push(Event::ServiceLevelAlerted {
                    queue,
                    serving: told.serving,
                    needed: told.needed,
                    answered_permille: told.answered,
                    answered_target_permille: permille(outlook.aim.answered),
                    in_time_permille: told.in_time,
                    in_time_target_permille: permille(outlook.aim.in_time),
                });
            }
            Some(since) if lasts(self.reaches, rules::ALERT_OVER_AFTER) => {
                self.alert = None;
                events.push(Event::ServiceLevelRecovered {
                    queue,
                    lasted_ms: now.millis_since(since),
                });
            }
            _ => {}
        }
    }
}

/// Even few callers would miss the target; or somebody waits and nobody is at work.
fn misses(outlook: &Outlook) -> bool {
    let wanted = outlook.waiting > 0 || outlook.entered > 0;
    match (&outlook.at_least, outlook.serving) {
        (_, 0) => outlook.waiting > 0,
        (Some(few), _) => few.more > 0 && wanted,
        (None, _) => false,
    }
}

/// The seats are enough for those who probably come; or nobody is left who would want one.
fn reaches(outlook: &Outlook) -> bool {
    match &outlook.ahead {
        Some(ahead) => ahead.more == 0,
        None => outlook.waiting == 0,
    }
}

impl Told {
    fn of(outlook: &Outlook) -> Self {
        let of = |share: fn(&Forecast) -> f64| outlook.ahead.as_ref().map(|it| permille(share(it)));
        Self {
            serving: outlook.serving,
            needed: outlook.ahead.map(|ahead| ahead.seats),
            answered: of(|it| it.answered),
            in_time: of(|it| it.in_time),
        }
    }

    fn differs(&self, before: &Self) -> bool {
        let far = |a: Option<u16>, b: Option<u16>| match (a, b) {
            (Some(a), Some(b)) => a.abs_diff(b) >= WORTH_TELLING_PERMILLE,
            (a, b) => a != b,
        };
        (self.serving, self.needed) != (before.serving, before.needed)
            || far(self.answered, before.answered)
            || far(self.in_time, before.in_time)
    }
}

fn permille(share: f64) -> u16 {
    (share * 1_000.0).round() as u16
}
