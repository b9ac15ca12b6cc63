//! A day, or a year, of a hotline in virtual time: the real floor and the real folds, fed by the
//! callers and agents of a [`Scenario`].
//!
//! # What is real
//! [`Floor`] decides who is served next and by whom; the records that a call leaves are those of
//! `calls`, in its order, and the same folds and formulas of `store` count them as on the live
//! wallboard. SIP and sound are left out: by the bench of the relay 70,000 talks would take a
//! quarter of an hour of CPU and more, and change no decision. [`World`](crate::World) has them, for
//! shorter days.
//!
//! What happens follows from the scenario and the seed alone.

mod callback;
pub mod chance;
pub mod figures;
mod file;
pub mod line;
pub mod rules;
pub mod scenario;
mod shifts;

use core::time::Duration;
use std::collections::BTreeMap;

use hotline_acd::{Floor, Input, Output, QueueSettings, SeatSettings, watch::Watch};
use hotline_model::{
    CallId, Instant, QueueId, SeatId, Timestamp, TrunkId,
    event::{Event, Outcome, ReleasedBy, Stamped},
    seat::{Device, Intent, OfferResult, Reason},
};
use hotline_store::{Record, journal::Hash};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

use crate::calibration::Calibration;
use figures::Tally;
pub use figures::{Figures, HalfHour, Report};
use line::Caller;
use scenario::Redials;
pub use scenario::Scenario;
use shifts::Duty;

/// The first midnight, wall clock. Local time is UTC here.
pub const MIDNIGHT: Timestamp = Timestamp(1_795_305_600_000);

/// A wrap-up ends when the agent says so, and never by itself.
const NO_CAP: Duration = Duration::from_secs(86_400);

/// An offer rings until the agent answers: longer than any answer that is drawn. A ring that ends
/// unanswered takes the seat out of the floor until somebody says that it is back, and a scenario
/// has nobody who does.
const RING_FOR: Duration = Duration::from_secs(2 * 86_400);

/// A judged day recounts the floor's books after so many steps: a metropolis' day has half a
/// million, and a recount looks at every seat of every queue.
const AUDIT_EVERY: u64 = 500;

/// After the last arrival calls are served so long still.
const CLOSING: Duration = Duration::from_secs(86_400);

/// Something that is to happen.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// The next caller of the stream may dial.
    Arrival,
    /// Somebody dials again.
    Redial { number: u64, tries: u32 },
    /// The greeting is over.
    Greeted(CallId),
    /// The caller's patience is over.
    GivesUp(CallId),
    /// The agent picks up, if it is still this offer.
    PicksUp(CallId, u64),
    /// The agent refuses, if it is still this offer.
    Refuses(CallId, u64),
    /// The agent who was away, or refused too often, is back.
    Back(SeatId),
    /// The citizen who is called back answers, or it is known that nobody does.
    Reached(CallId, u8),
    /// The next attempt may be made.
    StandsAgain(CallId),
    /// The place of a citizen who is to be called back is given up.
    PlaceEnds(CallId),
    /// The caller, who waits still, is told again how long it will probably be.
    Told(CallId),
    /// The talk is over.
    HangsUp(CallId),
    /// The agent has wrapped up.
    WrappedUp(SeatId),
    /// A shift or break begins or ends.
    Seat(SeatId, Duty),
}

/// The hotline and its people.
struct Day<'a> {
    scenario: &'a Scenario,
    random: ChaCha8Rng,
    now: Instant,
    due: BTreeMap<(Instant, u64), Due>,
    number: u64,
    floor: Floor,
    watch_over: Option<Watch>,
    callers: BTreeMap<CallId, Caller>,
    /// Of these, those with nobody on the line.
    absent: usize,
    calls: u64,
    strangers: u64,
    trunk: Option<TrunkId>,
    seq: u64,
    tally: Tally,
    estimates: Calibration,
    /// [`Scenario::most_calls_per_s`], which looks at all days.
    most_calls_per_s: f64,
    watch: &'a mut dyn FnMut(&Record),
}

/// Lives through the scenario. `watch` sees each record after the folds did.
///
/// At the scenario's end nobody calls any more, and whoever is in the house is served; the figures
/// are of the calls that arrived before.
pub fn run(scenario: &Scenario, seed: u64, watch: &mut dyn FnMut(&Record)) -> Report {
    let mut day = Day::new(scenario, seed, watch);
    day.begin();
    while day.goes_on() {
        day.step();
    }
    day.report()
}

/// As [`run`], and the floor's own books are recounted every so often.
///
/// # Errors
/// What did not agree in them, and when.
pub fn judged(
    scenario: &Scenario,
    seed: u64,
    watch: &mut dyn FnMut(&Record),
) -> Result<Report, String> {
    let mut day = Day::new(scenario, seed, watch);
    day.begin();
    let mut steps = 0;
    while day.goes_on() {
        day.step();
        steps += 1;
        if steps % AUDIT_EVERY == 0 {
            let books = day.floor.audit();
            books.map_err(|wrong| format!("at {:?}: {wrong}", day.now.since_start()))?;
        }
    }
    Ok(day.report())
}

/// How long a seat rings for a caller of the queue.
fn ring_for(scenario: &Scenario, queue: &scenario::Queue) -> Duration {
    let usual = match scenario.agents.ignore > 0.0 {
        true => rules::USUAL_RING,
        false => RING_FOR,
    };
    queue.rules.ring_for.unwrap_or(usual)
}

impl<'a> Day<'a> {
    fn new(scenario: &'a Scenario, seed: u64, watch: &'a mut dyn FnMut(&Record)) -> Self {
        let queues = scenario.queues.iter().map(|queue| {
            let wraps_up = queue.wrap_up.mean_s() > 0.0;
            let cap = if wraps_up { NO_CAP } else { Duration::ZERO };
            QueueSettings {
                threshold: queue.threshold,
                capacity: queue.capacity,
                longest_wait: queue.longest_wait,
                ring_for: ring_for(scenario, queue),
                skills: queue.rules.skills.clone(),
                widen: queue.rules.widen.clone(),
                overflow: queue.rules.overflow.clone(),
                wrap_up: cap,
                wrap_up_cap: cap,
                ..QueueSettings::new(queue.id)
            }
        });
        let seats = shifts::seats(scenario).map(|(id, shift)| SeatSettings {
            queues: shift.queues.clone(),
            skills: shift.skills.clone(),
            ..SeatSettings::new(id)
        });
        Self {
            scenario,
            random: ChaCha8Rng::seed_from_u64(seed),
            now: Instant::START,
            due: BTreeMap::new(),
            number: 0,
            floor: Floor::new(queues.collect(), seats.collect()),
            watch_over: scenario.forecasts.then(Watch::default),
            callers: BTreeMap::new(),
            absent: 0,
            calls: 0,
            strangers: 0,
            trunk: TrunkId::new("city").ok(),
            seq: 0,
            tally: Tally::default(),
            estimates: Calibration::default(),
            most_calls_per_s: scenario.most_calls_per_s(),
            watch,
        }
    }

    fn begin(&mut self) {
        for (at, seat, duty) in shifts::duties(self.scenario) {
            self.plan(at, Due::Seat(seat, duty));
        }
        let seats: Vec<SeatId> = self.floor.seat_ids().collect();
        for seat in seats {
            let device = Device::Registered;
            self.floor_hears(Input::SetDevice { seat, device });
        }
        self.plan_arrival();
    }

    fn plan(&mut self, at: Instant, due: Due) {
        self.number += 1;
        self.due.insert((at, self.number), due);
    }

    fn plan_in(&mut self, after: Duration, due: Due) {
        self.plan(self.now + after, due);
    }

    /// The next moment somebody may call: a stream of the highest rate, of which [`Self::arrival`]
    /// takes as many as the moment's rate says.
    fn plan_arrival(&mut self) {
        let most = self.most_calls_per_s;
        if most <= 0.0 {
            return;
        }
        let after =
            Duration::from_secs_f64((chance::exponential(&mut self.random) / most).min(1e9));
        if (self.now + after).since_start() < self.scenario.length() {
            self.plan_in(after, Due::Arrival);
        }
    }

    /// Moves on to the next moment; not beyond the end, once nobody is in the house any more.
    fn goes_on(&mut self) -> bool {
        let Some(next) = self.next() else {
            return false;
        };
        let close = Instant::START + self.scenario.length();
        let empty = self.callers.is_empty() && !self.tally.anybody_wraps_up();
        if next > close && (empty || next > close + CLOSING) {
            return false;
        }
        self.now = next;
        true
    }

    fn report(self) -> Report {
        Report {
            estimates: self.estimates,
            ..self.tally.report(self.scenario.days)
        }
    }

    fn next(&self) -> Option<Instant> {
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        let floor = self.floor.next_wake();
        let look = self.watch_over.as_ref().and_then(Watch::next_look);
        due.into_iter().chain(floor).chain(look).min()
    }

    fn step(&mut self) {
        let due = self.due.first_entry();
        let Some(due) = due.filter(|due| due.key().0 <= self.now) else {
            self.floor_hears(Input::TimePassed);
            let watch = self.watch_over.as_mut();
            let seen = watch.map(|watch| watch.look(self.now, &self.floor));
            for event in seen.unwrap_or_default() {
                self.happened(event);
            }
            return;
        };
        match due.remove() {
            Due::Arrival => self.arrival(),
            Due::Redial { number, tries } => self.dials(number, tries),
            Due::Greeted(call) => self.greeted(call),
            Due::GivesUp(call) => self.gives_up(call),
            Due::PicksUp(call, offer) => self.picks_up(call, offer),
            Due::Refuses(call, offer) => self.refuses(call, offer),
            Due::Back(seat) => self.is_back(seat),
            Due::Reached(call, attempt) => self.reached(call, attempt),
            Due::StandsAgain(call) => self.stands_in_line(call),
            Due::PlaceEnds(call) => self.place_ends(call),
            Due::Told(call) => self.told(call),
            Due::HangsUp(call) => self.hangs_up(call),
            Due::WrappedUp(seat) => self.floor_hears(Input::EndWrapUp { seat }),
            Due::Seat(seat, duty) => {
                let intent = match duty {
                    Duty::On => Intent::Ready,
                    Duty::Off => Intent::NotReady(Reason::LoggedOut),
                    Duty::Break => Intent::NotReady(Reason::Meal),
                };
                self.floor_hears(Input::SetIntent { seat, intent });
            }
        }
    }

    fn arrival(&mut self) {
        let rate = self.scenario.calls_per_s(self.now.since_start());
        let most = self.most_calls_per_s;
        if chance::share(&mut self.random) * most < rate {
            self.strangers += 1;
            self.dials(self.strangers, 0);
        }
        self.plan_arrival();
    }

    fn dials(&mut self, number: u64, tries: u32) {
        let caller = format!("138{number:08}");
        let lines = self
            .scenario
            .lines
            .map_or(usize::MAX, |lines| lines as usize);
        if self.callers.len() - self.absent >= lines {
            self.happened(Event::InviteRejected {
                source: "192.0.2.1:5060".to_owned(),
                trunk: self.trunk,
                caller,
                called: "12345".to_owned(),
                status: 486,
                cause: "all lines are taken".to_owned(),
            });
            self.dials_again(self.scenario.busy, number, tries);
            return;
        }
        self.calls += 1;
        let call = CallId(self.calls);
        let queue = self.choose_queue();
        let arrived = self.now;
        self.callers
            .insert(call, Caller::new(number, tries, queue, arrived));
        self.happened(Event::CallArrived {
            call,
            trunk: self.trunk,
            caller,
            called: "12345".to_owned(),
            sip_call_id: String::new(),
            withheld: false,
        });
        self.happened(Event::CallAnswered { call });
        if self.scenario.greeting.is_zero() {
            self.greeted(call);
        } else {
            self.plan_in(self.scenario.greeting, Due::Greeted(call));
        }
    }

    fn choose_queue(&mut self) -> usize {
        let queues = &self.scenario.queues;
        if queues.len() < 2 {
            return 0;
        }
        let all: f64 = queues.iter().map(|queue| queue.share).sum();
        let mut left = chance::share(&mut self.random) * all;
        let chosen = queues.iter().position(|queue| {
            left -= queue.share;
            left < 0.0
        });
        chosen.unwrap_or_default()
    }

    fn dials_again(&mut self, redials: Redials, number: u64, tries: u32) {
        if tries < redials.most && chance::share(&mut self.random) < redials.share {
            let wait = redials.after_s * chance::exponential(&mut self.random);
            let tries = tries + 1;
            let after = Duration::from_secs_f64(wait.min(1e9));
            if (self.now + after).since_start() < self.scenario.length() {
                self.plan_in(after, Due::Redial { number, tries });
            }
        }
    }

    fn happened(&mut self, event: Event) {
        self.seq += 1;
        let since = self.now.since_start();
        let stamped = Stamped {
            at: MIDNIGHT.after(since),
            up_ms: self.now.millis_since(Instant::START),
            event,
        };
        let record = Record {
            seq: self.seq,
            stamped,
            hash: Hash::START,
        };
        self.tally.apply(&record);
        (self.watch)(&record);
    }

    /// Tells the floor, and carries out what it decides.
    fn floor_hears(&mut self, input: Input) {
        self.floor.handle_input(self.now, input);
        if let Some(watch) = &mut self.watch_over {
            watch.notice(self.now, &self.floor);
        }
        while let Some(output) = self.floor.poll_output() {
            self.decided(output);
        }
    }

    /// What the caller asks about, and the queue the call stands in.
    fn queue_of(&self, call: CallId) -> Option<(&'a scenario::Queue, QueueId)> {
        let caller = self.callers.get(&call)?;
        let queue = self.scenario.queues.get(caller.queue)?;
        Some((queue, caller.stands_in.unwrap_or(queue.id)))
    }

    /// The call is over: its line is free.
    fn over(&mut self, call: CallId, outcome: Outcome, released_by: ReleasedBy) {
        let Some(mut caller) = self.callers.remove(&call) else {
            return;
        };
        if caller.is_absent() {
            self.absent -= 1;
        }
        if outcome == Outcome::Abandoned {
            caller.judge(self.now, false, &mut self.estimates);
        }
        self.happened(Event::CallEnded {
            call,
            outcome,
            released_by,
            cause: "BYE".to_owned(),
            total_ms: self.now.millis_since(caller.arrived),
        });
        if matches!(
            outcome,
            Outcome::Abandoned | Outcome::TimedOut | Outcome::Refused
        ) {
            self.dials_again(self.scenario.abandoned, caller.number, caller.tries);
        }
    }

    fn offer_ended(&mut self, call: CallId, result: OfferResult) {
        let offer = self
            .callers
            .get_mut(&call)
            .and_then(|caller| caller.offer.take());
        if let Some(offer) = offer {
            self.happened(Event::OfferEnded {
                call,
                seat: offer.seat,
                result,
                rang_ms: self.now.millis_since(offer.at),
            });
        }
    }

    fn decided(&mut self, output: Output) {
        match output {
            Output::Offer {
                call,
                seat,
                queue,
                why,
                ..
            } => self.offered(call, seat, queue, why),
            Output::Withdraw { call, why, .. } => self.offer_ended(call, why),
            Output::TimedOut { call, .. } => self.over(call, Outcome::TimedOut, ReleasedBy::Engine),
            Output::Overflowed {
                call,
                queue,
                rule,
                to,
                why,
            } => self.overflowed(call, (queue, rule), to, why),
            Output::Refused { call, queue, cause } => {
                let cause = cause.to_owned();
                self.happened(Event::QueueRefused { call, queue, cause });
                self.over(call, Outcome::Refused, ReleasedBy::Engine);
            }
            Output::SeatChanged {
                seat,
                intent,
                work,
                call,
            } => {
                let gone = Intent::NotReady(Reason::RingNoAnswer);
                if intent == gone || intent == Intent::NotReady(Reason::Refused) {
                    self.plan_in(self.scenario.agents.back_after, Due::Back(seat));
                }
                self.happened(Event::SeatChanged {
                    seat,
                    intent,
                    work,
                    call,
                });
            }
        }
    }
}
