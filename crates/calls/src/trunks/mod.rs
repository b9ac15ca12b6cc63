//! The trunks: which of them can carry a call now, and how many each carries.

pub mod caller;
pub mod condition;
pub mod numbers;
pub mod registration;
pub mod settings;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use hotline_model::{Instant, LegId, TrunkId, event::TrunkState, limits};
use hotline_sip::{
    endpoint::{Endpoint, OutgoingRequest, RequestId, Response},
    path::Path,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use condition::{Condition, Turn};
use registration::Registration;
use settings::{Outbound, Target, Trunk};

const OPTIONS_ANSWER: Duration = Duration::from_secs(limits::TRUNK_OPTIONS_ANSWER_S);

/// The trunks of an exchange.
pub struct Trunks {
    lines: Vec<Line>,
    asked: BTreeMap<RequestId, At>,
    carried: BTreeMap<LegId, At>,
    changes: VecDeque<Change>,
    random: ChaCha8Rng,
}

/// A trunk and its targets.
struct Line {
    id: TrunkId,
    outbound: Outbound,
    limit: Option<u32>,
    live: u32,
    targets: Vec<Known>,
    registration: Option<Registration>,
}

/// A target and what is known of it.
struct Known {
    target: Target,
    condition: Condition,
    /// OPTIONS under way, and how long it is waited for.
    asked: Option<(RequestId, Instant)>,
    due: Option<Instant>,
    /// Why the last connection to it came to nothing, where that was told.
    refused: Option<String>,
}

/// Where a target stands: trunk and place among its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    trunk: usize,
    target: usize,
}

/// A state that changed, for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The trunk.
    pub trunk: TrunkId,
    /// Its target, or its registration.
    pub target: String,
    /// The new state.
    pub state: TrunkState,
    /// Why.
    pub why: String,
}

/// A way out for one call.
#[derive(Clone, Debug)]
pub struct Way {
    /// Where it stands.
    pub at: At,
    /// The trunk.
    pub trunk: TrunkId,
    /// The target.
    pub target: Target,
    /// The number to present.
    pub caller_id: String,
    /// For a carrier that challenges us.
    pub login: Option<settings::Credentials>,
}

/// How an INVITE of ours fared, as far as the target is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fared {
    /// It answered, whatever it said.
    Answered,
    /// It did not answer in time.
    Unheard,
    /// It could not be reached, or answered 503, with the Retry-After it asks for.
    Unavailable(Option<u32>),
}

impl Trunks {
    /// The trunks as configured. `seed` spreads pings and registrations.
    pub fn new(trunks: &[Trunk], seed: [u8; 32]) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        let lines = trunks
            .iter()
            .map(|trunk| Line::new(trunk, &mut random))
            .collect();
        Self {
            lines,
            asked: BTreeMap::new(),
            carried: BTreeMap::new(),
            changes: VecDeque::new(),
            random,
        }
    }

    /// The next change for the journal.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// When to call [`Trunks::time_passed`] again.
    pub fn next_wake(&self) -> Option<Instant> {
        let targets = self.lines.iter().flat_map(|line| &line.targets);
        let targets = targets.flat_map(|known| {
            let answer = known.asked.map(|(_, until)| until);
            [known.due, answer, known.condition.rests_until()]
        });
        let registrations = self
            .lines
            .iter()
            .filter_map(|line| line.registration.as_ref());
        targets
            .flatten()
            .chain(registrations.filter_map(Registration::due))
            .min()
    }

    /// Sends the OPTIONS and REGISTERs that are due.
    pub fn time_passed(&mut self, now: Instant, endpoint: &mut Endpoint) {
        for (trunk, line) in self.lines.iter_mut().enumerate() {
            for (target, known) in line.targets.iter_mut().enumerate() {
                if let Some(turn) = known.condition.time_passed(now) {
                    known.due = line.outbound.options_every.map(|_| now);
                    let change = Change::new(line.id, known.target.to_string(), turn);
                    self.changes.push_back(change);
                }
                if let Some((request, until)) = known.asked
                    && until <= now
                {
                    known.asked = None;
                    self.asked.remove(&request);
                    if let Some(turn) = known.condition.failed(now, "no answer") {
                        let change = Change::new(line.id, known.target.to_string(), turn);
                        self.changes.push_back(change);
                    } else if known.condition.is_usable() {
                        // One lost ping is weather: the next one says which.
                        known.due = Some(now);
                    }
                }
                if known.due.is_some_and(|due| due <= now) {
                    known.due = line.outbound.options_every.map(|every| now + every);
                    if known.asked.is_none() {
                        let request = known.ask(now, &line.outbound, endpoint);
                        known.asked = Some((request, now + OPTIONS_ANSWER));
                        self.asked.insert(request, At { trunk, target });
                    }
                }
            }
            if let Some(registration) = &mut line.registration
                && registration.due().is_some_and(|due| due <= now)
            {
                registration.ask(now, endpoint);
            }
        }
    }

    /// The answer to a request outside any dialog, if it was one of ours here.
    pub fn answered(
        &mut self,
        now: Instant,
        request: RequestId,
        status: u16,
        response: Option<&Response>,
    ) {
        let message = response.and_then(Response::message);
        if let Some(at) = self.asked.remove(&request) {
            if let Some(known) = self.known(at) {
                known.asked = None;
            }
            let fared = match (status, &message) {
                (503, Some(message)) => Fared::Unavailable(message.retry_after()),
                (_, Some(_)) => Fared::Answered,
                (408, None) => Fared::Unheard,
                (_, None) => Fared::Unavailable(None),
            };
            self.fared(now, at, fared);
            return;
        }
        let random = &mut self.random;
        for line in &mut self.lines {
            if let Some(registration) = &mut line.registration
                && registration.asked(request)
                && let Some(turn) = registration.answered(now, status, message.as_ref(), random)
            {
                let change = Change::new(line.id, registration.name(), turn);
                self.changes.push_back(change);
            }
        }
    }

    /// A connection broke: who was registered over it is not any more. With `why` where it never
    /// came about, which is told of the targets that are found down by it.
    pub fn path_lost(&mut self, now: Instant, lost: &Path, why: Option<&str>) {
        let random = &mut self.random;
        for line in &mut self.lines {
            let targets = line.targets.iter_mut();
            for known in targets.filter(|known| known.target.path.is_lost_with(lost)) {
                known.refused = why.map(str::to_owned);
            }
            let over = line.outbound.register.as_ref();
            let over = over.map(|register| register.target.path);
            if let Some(registration) = &mut line.registration
                && lost.transport.is_reliable()
                && over.is_some_and(|path| path.is_lost_with(lost))
                && let Some(turn) = registration.path_lost(now, why, random)
            {
                let change = Change::new(line.id, registration.name(), turn);
                self.changes.push_back(change);
            }
        }
    }

    /// What became of an INVITE or an OPTIONS at a target.
    pub fn fared(&mut self, now: Instant, at: At, fared: Fared) {
        let Some(id) = self.lines.get(at.trunk).map(|line| line.id) else {
            return;
        };
        let Some(known) = self.known(at) else { return };
        let turn = match fared {
            Fared::Answered => {
                known.refused = None;
                known.condition.succeeded("answers")
            }
            Fared::Unheard => known.condition.failed(now, "no answer"),
            Fared::Unavailable(Some(seconds)) => known.condition.rests(now, seconds),
            Fared::Unavailable(None) => {
                let why = registration::unreachable(known.refused.clone());
                known.condition.failed(now, &why)
            }
        };
        if let Some(turn) = turn {
            let change = Change::new(id, known.target.to_string(), turn);
            self.changes.push_back(change);
        }
    }

    fn known(&mut self, at: At) -> Option<&mut Known> {
        self.lines.get_mut(at.trunk)?.targets.get_mut(at.target)
    }

    /// The ways out for a number, the first to try first: trunks that allow it, by priority, those
    /// of one priority in a random order by weight, each with its targets in order. A target that
    /// is down is among them: whether it is still is asked when its turn comes.
    pub fn ways(&mut self, number: &str) -> Vec<Way> {
        let mut left: Vec<(usize, &Line)> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.allows(number))
            .collect();
        let mut ways = Vec::new();
        while let Some(best) = left.iter().map(|(_, line)| line.outbound.priority).min() {
            let equals = left
                .iter()
                .filter(|(_, line)| line.outbound.priority == best);
            let sum: u64 = equals.clone().map(|(_, line)| line.share()).sum();
            let mut dice = self.random.next_u64() % sum.max(1);
            let mut drawn = None;
            for (trunk, line) in equals {
                drawn = Some(*trunk);
                match dice.checked_sub(line.share()) {
                    Some(rest) => dice = rest,
                    None => break,
                }
            }
            left.retain(|&(trunk, line)| {
                if Some(trunk) == drawn {
                    ways.extend(line.ways(trunk));
                }
                Some(trunk) != drawn
            });
        }
        ways
    }

    /// Whether a call for the number may go any way now.
    pub fn has_way(&self, number: &str) -> bool {
        let lines = self.lines.iter().enumerate();
        let mut lines = lines.filter(|(_, line)| line.allows(number));
        lines.any(|(trunk, line)| {
            let mut targets = 0..line.targets.len();
            targets.any(|target| self.is_open(At { trunk, target }))
        })
    }

    /// Whether a call may go that way now: the target is not down, the trunk not full.
    pub fn is_open(&self, at: At) -> bool {
        self.lines.get(at.trunk).is_some_and(|line| {
            let known = line.targets.get(at.target);
            !line.is_full() && known.is_some_and(|known| known.condition.is_usable())
        })
    }

    /// Whether the trunk carries as many calls as it may.
    pub fn is_full(&self, trunk: TrunkId) -> bool {
        let line = self.lines.iter().find(|line| line.id == trunk);
        line.is_some_and(Line::is_full)
    }

    /// A trunk carries `leg` to one of its targets, and to no other.
    pub fn carries(&mut self, at: At, leg: LegId) {
        self.released(leg);
        if let Some(line) = self.lines.get_mut(at.trunk) {
            line.live += 1;
            self.carried.insert(leg, at);
        }
    }

    /// A trunk brought `leg`.
    pub fn brought(&mut self, trunk: TrunkId, leg: LegId) {
        if let Some(trunk) = self.lines.iter().position(|line| line.id == trunk) {
            let target = usize::MAX;
            self.carries(At { trunk, target }, leg);
        }
    }

    /// A leg has another number from now on.
    pub fn renamed(&mut self, before: LegId, after: LegId) {
        if let Some(at) = self.carried.remove(&before) {
            self.carried.insert(after, at);
        }
    }

    /// `leg` is on no trunk any more.
    pub fn released(&mut self, leg: LegId) {
        if let Some(at) = self.carried.remove(&leg)
            && let Some(line) = self.lines.get_mut(at.trunk)
        {
            line.live = line.live.saturating_sub(1);
        }
    }

    /// The INVITE of `leg` was answered 503 with Retry-After.
    pub fn asks_for_rest(&mut self, now: Instant, leg: LegId, seconds: u32) {
        if let Some(&at) = self.carried.get(&leg) {
            self.fared(now, at, Fared::Unavailable(Some(seconds)));
        }
    }

    /// Live calls of a trunk, both ways together.
    pub fn live(&self, trunk: TrunkId) -> u32 {
        let line = self.lines.iter().find(|line| line.id == trunk);
        line.map_or(0, |line| line.live)
    }

    /// How a trunk is: up when one of its targets is and its registration, where it keeps one,
    /// stands; down when no call can pass.
    pub fn state(&self, trunk: TrunkId) -> TrunkState {
        let Some(line) = self.lines.iter().find(|line| line.id == trunk) else {
            return TrunkState::Unknown;
        };
        let targets = line.targets.iter().map(|known| known.condition.state());
        let registration = line.registration.as_ref().map(Registration::state);
        TrunkState::of(targets, registration)
    }
}

impl Line {
    fn new(trunk: &Trunk, random: &mut ChaCha8Rng) -> Self {
        let outbound = trunk.outbound.clone();
        let every = outbound.options_every;
        let targets = outbound.targets.iter().map(|&target| Known {
            target,
            condition: Condition::new(every.is_some()),
            asked: None,
            // Spread over a second, so that a start does not ask all at once.
            due: every.map(|_| Instant::START + Duration::from_millis(random.next_u64() % 1_000)),
            refused: None,
        });
        let targets = targets.collect();
        let register = outbound.register.clone();
        let registration =
            register.map(|register| Registration::new(register, outbound.login.clone(), random));
        Self {
            id: trunk.id,
            limit: trunk.calls_limit,
            live: 0,
            targets,
            registration,
            outbound,
        }
    }

    fn allows(&self, number: &str) -> bool {
        let mut prefixes = self.outbound.prefixes.iter();
        prefixes.any(|prefix| !prefix.is_empty() && number.starts_with(prefix.as_str()))
    }

    fn share(&self) -> u64 {
        u64::from(self.outbound.weight.max(1))
    }

    fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.live >= limit)
    }

    fn ways(&self, trunk: usize) -> impl Iterator<Item = Way> {
        let targets = self.targets.iter().enumerate();
        targets.map(move |(target, known)| Way {
            at: At { trunk, target },
            trunk: self.id,
            target: known.target,
            caller_id: self.outbound.caller_id.clone(),
            login: self.outbound.login.clone(),
        })
    }
}

impl Known {
    /// OPTIONS (RFC 3261 §11): any answer but 503 shows that the peer lives.
    fn ask(&self, now: Instant, outbound: &Outbound, endpoint: &mut Endpoint) -> RequestId {
        let us = self.target.path.local;
        let user = match outbound.caller_id.as_str() {
            "" => "hotline",
            number => number,
        };
        endpoint.request(
            now,
            OutgoingRequest {
                path: self.target.path,
                method: "OPTIONS".to_owned(),
                target: self.target.uri(""),
                from: format!("<sip:{user}@{us}>"),
                to: format!("<{}>", self.target.uri("")),
                call_id: None,
                cseq: None,
                headers: vec![("Accept".to_owned(), "application/sdp".to_owned())],
                body: Vec::new(),
                credentials: outbound.login.clone(),
            },
        )
    }
}

impl Change {
    fn new(trunk: TrunkId, target: String, turn: Turn) -> Self {
        Self {
            trunk,
            target,
            state: turn.state,
            why: turn.why,
        }
    }
}

#[cfg(test)]
mod tests;
