//! Admission: what is served and when, what is turned away and what is ignored, before a message
//! costs more than a glance.
//!
//! What is under way is always served, and first. New work waits for its turn (`intake`), trunks
//! before seats before strangers; what finds too much waiting is turned away at once (RFC 7339
//! §5.10.1), and what comes faster than it can be turned away is dropped (§5.10.2). What strangers
//! may ask at all is bounded by address (`sources`), and who guesses passwords is banned for a
//! while; neither ever touches a trunk or an address at which a seat's phone is signed in. Guessing
//! from a trunk's address is counted and journalled.

mod intake;
mod sources;

use core::{net::IpAddr, ops::RangeInclusive, time::Duration};
use std::collections::BTreeMap;

use intake::{Arrival, Class, Intake};
use sources::{Allowance, Bucket, Sources};

use hotline_model::{
    Instant, TrunkId,
    event::Event,
    limits::{STRANGERS_PER_S, TRUNK_INVITES_PER_S, TURNED_AWAY_PER_S},
};
use hotline_sip::{
    message::{Glance, glance},
    path::Path,
};

/// How often what was turned away is journalled: one event a trunk and cause, with its number.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Shortest and longest Retry-After, seconds: spread, so that those who were turned away do not
/// come back all at once.
const RETRY_AFTER_S: (u32, u32) = (2, 10);

/// What is to be done with a message that comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It waits for its turn: see [`Admission::next`].
    Wait,
    /// It is answered 503 with so many seconds of Retry-After.
    TurnAway(u32),
    /// It is dropped.
    Ignore,
}

/// A message whose turn has come.
#[derive(Debug)]
pub struct Turn {
    /// The way it came.
    pub path: Path,
    /// The message; give its room back by [`Admission::served`].
    pub bytes: Vec<u8>,
    /// Whether it is not served but answered 503, with so many seconds of Retry-After.
    pub turned_away: Option<u32>,
}

/// Why something was turned away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Cause {
    Overload,
    TrunkRate,
    StrangerRate,
    WrongProof,
}

impl Cause {
    const fn text(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::TrunkRate => "too many calls a second on this trunk",
            Self::StrangerRate => "too many requests from an unknown address",
            Self::WrongProof => "wrong passwords from a trunk's address",
        }
    }
}

/// What was turned away and not told yet.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    invites: u64,
    others: u64,
}

/// The door of the exchange.
#[derive(Debug)]
pub struct Admission {
    intake: Intake,
    sources: Sources,
    strangers: Bucket,
    /// Answers 503 that may still be sent.
    answers: Bucket,
    /// What each trunk may still bring now, and how many calls a second it may.
    trunks: BTreeMap<TrunkId, (Bucket, u32)>,
    /// Addresses at which phones are signed in, and until when.
    known: BTreeMap<IpAddr, Instant>,
    tallies: BTreeMap<(Option<TrunkId>, Cause), Tally>,
    tell_at: Option<Instant>,
    turn: u32,
}

impl Admission {
    /// A door that has seen nobody.
    pub fn new() -> Self {
        Self {
            intake: Intake::default(),
            sources: Sources::default(),
            strangers: Bucket::full(Instant::START, STRANGERS_PER_S),
            answers: Bucket::full(Instant::START, TURNED_AWAY_PER_S),
            trunks: BTreeMap::new(),
            known: BTreeMap::new(),
            tallies: BTreeMap::new(),
            tell_at: None,
            turn: 0,
        }
    }

    /// The trunk may bring so many calls a second.
    pub fn trunk_may(&mut self, trunk: TrunkId, calls_per_s: u32) {
        let bucket = Bucket::full(Instant::START, calls_per_s);
        self.trunks.insert(trunk, (bucket, calls_per_s));
    }

    /// A message came by `path`, which is from one of `trunk`'s addresses where it is given.
    /// `proven`: it came by a connection whose user has proved himself.
    pub fn judge(
        &mut self,
        now: Instant,
        path: Path,
        trunk: Option<TrunkId>,
        proven: bool,
        bytes: &[u8],
    ) -> Verdict {
        let glance = glance(bytes);
        if glance == Glance::Nothing {
            return Verdict::Ignore;
        }
        let ip = sources::source(path.remote.ip());
        let class = match trunk {
            Some(_) => Class::Trunk,
            None if proven || self.is_known(now, ip) => Class::Seat,
            None => Class::Stranger,
        };
        if class == Class::Stranger {
            let allowance = self.stranger_asks(now, ip);
            if allowance != Allowance::Served {
                self.note(now, None, Cause::StrangerRate, glance);
                return match allowance {
                    Allowance::TurnedAway => Verdict::TurnAway(self.retry_after()),
                    _ => Verdict::Ignore,
                };
            }
        }
        let arrival = Arrival {
            at: now,
            path,
            trunk,
            glance,
        };
        let cause = match trunk {
            Some(trunk) if glance == Glance::NewInvite && !self.trunk_calls(now, trunk) => {
                Cause::TrunkRate
            }
            _ if self.intake.put(class, arrival, bytes) => return Verdict::Wait,
            _ => Cause::Overload,
        };
        self.note(now, trunk, cause, glance);
        if self.answers.take(now, TURNED_AWAY_PER_S, TURNED_AWAY_PER_S) {
            Verdict::TurnAway(self.retry_after())
        } else {
            Verdict::Ignore
        }
    }

    /// Whether messages may be taken in; else they wait in the sockets.
    pub fn has_room(&self) -> bool {
        self.intake.has_room()
    }

    /// Whether messages wait for their turn.
    pub fn has_waiting(&self) -> bool {
        !self.intake.is_empty()
    }

    /// The message whose turn it is. What waited too long to begin is turned away.
    pub fn next(&mut self, now: Instant) -> Option<Turn> {
        let (arrival, bytes) = self.intake.next()?;
        let turned_away = arrival.is_stale(now).then(|| {
            self.note(now, arrival.trunk, Cause::Overload, arrival.glance);
            self.retry_after()
        });
        Some(Turn {
            path: arrival.path,
            bytes,
            turned_away,
        })
    }

    /// A message was served: its room is used again.
    pub fn served(&mut self, room: Vec<u8>) {
        self.intake.recycle(room);
    }

    /// A wrong proof came from `ip`, which is one of `trunk`'s addresses where it is given: bans it
    /// where it guesses, and gives the event that says so. A trunk's is counted, and told with what
    /// was turned away.
    pub fn proof_was_wrong(
        &mut self,
        now: Instant,
        ip: IpAddr,
        trunk: Option<TrunkId>,
    ) -> Option<Event> {
        let ip = sources::source(ip);
        if trunk.is_some() {
            self.note(now, trunk, Cause::WrongProof, Glance::NewOther);
            return None;
        }
        if self.is_known(now, ip) {
            return None;
        }
        let ban = self.sources.guessed(now, ip)?;
        Some(Event::SourceBanned {
            source: ip.to_string(),
            for_s: ban.as_secs(),
            cause: "wrong passwords".to_owned(),
        })
    }

    /// A trunk's INVITE did not prove the trunk's login: it is counted and told, and nobody is
    /// banned, for the carrier's citizens call from there too.
    pub fn login_was_wrong(&mut self, now: Instant, trunk: TrunkId) {
        self.note(now, Some(trunk), Cause::WrongProof, Glance::NewInvite);
    }

    /// No phone is signed in at `ip` any more: `still` says of a range of addresses whether one is
    /// at any of them.
    pub fn left(&mut self, ip: IpAddr, still: impl Fn(RangeInclusive<IpAddr>) -> bool) {
        if !still(sources::addresses(ip)) {
            self.known.remove(&sources::source(ip));
        }
    }

    /// A phone at `ip` proved itself, and is signed in for `life`.
    pub fn proved(&mut self, now: Instant, ip: IpAddr, life: Duration) {
        let ip = sources::source(ip);
        self.sources.proved(ip);
        let until = self.known.entry(ip).or_insert(now);
        *until = (*until).max(now + life);
    }

    /// What was turned away in the last second, when it is time to tell.
    pub fn tell(&mut self, now: Instant) -> Vec<Event> {
        if self.tell_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.tell_at = None;
        core::mem::take(&mut self.tallies)
            .into_iter()
            .map(|((trunk, cause), tally)| Event::RequestsTurnedAway {
                trunk,
                invites: tally.invites,
                others: tally.others,
                cause: cause.text().to_owned(),
            })
            .collect()
    }

    /// When to call [`Admission::tell`].
    pub const fn next_wake(&self) -> Option<Instant> {
        self.tell_at
    }

    fn is_known(&self, now: Instant, ip: IpAddr) -> bool {
        self.known.get(&ip).is_some_and(|&until| until > now)
    }

    fn stranger_asks(&mut self, now: Instant, ip: IpAddr) -> Allowance {
        match self.sources.asks(now, ip) {
            // Each alone asks little; all together may still be too many.
            Allowance::Served if !self.strangers.take(now, STRANGERS_PER_S, STRANGERS_PER_S) => {
                Allowance::Ignored
            }
            allowance => allowance,
        }
    }

    fn trunk_calls(&mut self, now: Instant, trunk: TrunkId) -> bool {
        let usual = || (Bucket::full(now, TRUNK_INVITES_PER_S), TRUNK_INVITES_PER_S);
        let (bucket, per_s) = self.trunks.entry(trunk).or_insert_with(usual);
        bucket.take(now, *per_s, *per_s)
    }

    fn note(&mut self, now: Instant, trunk: Option<TrunkId>, cause: Cause, glance: Glance) {
        let tally = self.tallies.entry((trunk, cause)).or_default();
        match glance {
            Glance::NewInvite => tally.invites += 1,
            Glance::NewOther | Glance::Ongoing | Glance::Nothing => tally.others += 1,
        }
        self.tell_at.get_or_insert(now + TOLD_EVERY);
    }

    /// Spread over its range by counting: neighbours get different times.
    const fn retry_after(&mut self) -> u32 {
        let (least, most) = RETRY_AFTER_S;
        self.turn = self.turn.wrapping_add(5);
        least + self.turn % (most - least + 1)
    }
}

impl Default for Admission {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
