//! Admission: what is served, what is turned away and what is ignored, before a message costs more
//! than a glance.
//!
//! What is under way is always served. New work is thinned out when the loop is too busy
//! (`occupancy`), strangers first, trunks last (RFC 7339 §5.10.1, RFC 6357). What strangers may
//! ask at all is bounded by address (`sources`), and who guesses passwords is banned for a while;
//! neither ever touches a trunk or an address at which a seat's phone is signed in. Guessing from a
//! trunk's address is counted and journalled.

mod occupancy;
mod sources;

use core::{net::IpAddr, time::Duration};
use std::collections::BTreeMap;

pub use occupancy::Class;
use occupancy::Occupancy;
use sources::{Allowance, Bucket, Sources};

use hotline_model::{
    Instant, TrunkId,
    event::Event,
    limits::{STRANGERS_PER_S, TRUNK_INVITES_PER_S},
};
use hotline_sip::message::{Glance, glance};

/// How often what was turned away is journalled: one event a trunk and cause, with its number.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Shortest and longest Retry-After, seconds: spread, so that those who were turned away do not
/// come back all at once.
const RETRY_AFTER_S: (u32, u32) = (2, 10);

/// What is to be done with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is served.
    Serve,
    /// It is answered 503 with so many seconds of Retry-After.
    TurnAway(u32),
    /// It is dropped.
    Ignore,
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
    occupancy: Occupancy,
    sources: Sources,
    strangers: Bucket,
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
            occupancy: Occupancy::default(),
            sources: Sources::default(),
            strangers: Bucket::full(Instant::START, STRANGERS_PER_S),
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

    /// A message came from `ip`, which is one of `trunk`'s addresses where it is given. `proven`:
    /// it came by a connection whose user has proved himself.
    pub fn judge(
        &mut self,
        now: Instant,
        ip: IpAddr,
        trunk: Option<TrunkId>,
        proven: bool,
        bytes: &[u8],
    ) -> Verdict {
        let ip = sources::source(ip);
        let class = match trunk {
            Some(_) => Class::Trunk,
            None if proven || self.is_known(now, ip) => Class::Seat,
            None => Class::Stranger,
        };
        if class == Class::Stranger {
            let allowance = self.stranger_asks(now, ip);
            if allowance != Allowance::Served {
                self.note(now, None, Cause::StrangerRate, glance(bytes));
                return match allowance {
                    Allowance::TurnedAway => Verdict::TurnAway(self.retry_after()),
                    _ => Verdict::Ignore,
                };
            }
        }
        // A look at each message of a quiet engine would be wasted.
        if trunk.is_none() && !self.occupancy.is_thinning() {
            return Verdict::Serve;
        }
        let glance = glance(bytes);
        if glance == Glance::Ongoing {
            return Verdict::Serve;
        }
        let cause = match trunk {
            Some(trunk) if glance == Glance::NewInvite && !self.trunk_calls(now, trunk) => {
                Some(Cause::TrunkRate)
            }
            _ if !self.occupancy.takes(class) => Some(Cause::Overload),
            _ => None,
        };
        match cause {
            None => Verdict::Serve,
            Some(cause) => {
                self.note(now, trunk, cause, glance);
                Verdict::TurnAway(self.retry_after())
            }
        }
    }

    /// The loop was busy for so many thousandths of the time since the last measure.
    pub fn occupancy_measured(&mut self, busy: u32) {
        self.occupancy.measured(busy);
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

    /// No phone is signed in at `ip` any more: `still` says of an address whether one is.
    pub fn left(&mut self, ip: IpAddr, still: impl Fn(&dyn Fn(IpAddr) -> bool) -> bool) {
        let ip = sources::source(ip);
        if self.known.contains_key(&ip) && !still(&|other| sources::source(other) == ip) {
            self.known.remove(&ip);
        }
    }

    /// A phone at `ip` proved itself, and is signed in for `life`.
    pub fn proved(&mut self, now: Instant, ip: IpAddr, life: Duration) {
        let ip = sources::source(ip);
        self.sources.proved(ip);
        self.known.retain(|_, until| *until > now);
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

    /// Whether new work is being thinned out.
    pub const fn is_overloaded(&self) -> bool {
        self.occupancy.is_thinning()
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
            Glance::NewOther | Glance::Ongoing => tally.others += 1,
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
mod tests {
    use super::*;
    use hotline_model::limits::{STRANGER_BURST, WRONG_PROOFS};

    const INVITE: &[u8] = b"INVITE sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>\r\n\r\n";
    const BYE: &[u8] = b"BYE sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>;tag=1\r\n\r\n";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn trunk() -> Option<TrunkId> {
        TrunkId::new("carrier").ok()
    }

    fn count(
        door: &mut Admission,
        now: Instant,
        from: &str,
        trunk: Option<TrunkId>,
        n: u32,
        what: Verdict,
    ) -> u32 {
        (0..n)
            .map(|_| door.judge(now, ip(from), trunk, false, INVITE))
            .filter(|verdict| core::mem::discriminant(verdict) == core::mem::discriminant(&what))
            .count() as u32
    }

    #[test]
    fn strangers_cannot_take_the_trunks_room() {
        let mut door = Admission::new();
        let now = Instant::START + Duration::from_secs(1);
        let mut served = 0;
        for host in 0..200 {
            let from = format!("192.0.2.{host}");
            served += count(&mut door, now, &from, None, 5_000, Verdict::Serve);
        }
        assert_eq!(served, STRANGERS_PER_S);
        let calls = count(&mut door, now, "10.0.0.1", trunk(), 100, Verdict::Serve);
        assert_eq!(calls, 100);
    }

    #[test]
    fn what_is_under_way_is_served_in_any_weather() {
        let mut door = Admission::new();
        for _ in 0..200 {
            door.occupancy_measured(1_000);
        }
        let now = Instant::START;
        for _ in 0..1_000 {
            let verdict = door.judge(now, ip("10.0.0.1"), trunk(), false, BYE);
            assert_eq!(verdict, Verdict::Serve);
        }
        let away = Verdict::TurnAway(0);
        assert!(count(&mut door, now, "10.0.0.1", trunk(), 100, away) > 90);
    }

    #[test]
    fn retry_after_is_spread() {
        let mut door = Admission::new();
        let mut seen: Vec<u32> = (0..9).map(|_| door.retry_after()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (2..=10).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_turned_away_is_told_once_a_second() {
        let mut door = Admission::new();
        let now = Instant::START;
        let burst = STRANGER_BURST + 300;
        count(&mut door, now, "192.0.2.1", None, burst, Verdict::Serve);
        assert!(door.tell(now).is_empty(), "not yet");
        let then = door.next_wake().unwrap();
        let told = door.tell(then);
        assert!(
            matches!(
                told[..],
                [Event::RequestsTurnedAway {
                    trunk: None,
                    invites: 300,
                    ..
                }]
            ),
            "{told:?}"
        );
        assert!(door.tell(then).is_empty());
        assert_eq!(door.next_wake(), None);
    }

    #[test]
    fn a_guesser_is_banned_but_neither_a_trunk_nor_a_signed_in_office() {
        let mut door = Admission::new();
        let now = Instant::START;
        let office = ip("198.51.100.1");
        door.proved(now, office, Duration::from_secs(60));
        for _ in 0..100 {
            assert_eq!(door.proof_was_wrong(now, office, None), None);
            assert_eq!(door.proof_was_wrong(now, ip("10.0.0.1"), trunk()), None);
        }
        let guesser = ip("192.0.2.9");
        let bans = (0..WRONG_PROOFS)
            .filter_map(|_| door.proof_was_wrong(now, guesser, None))
            .count();
        assert_eq!(bans, 1);
        let verdict = door.judge(now, guesser, None, false, BYE);
        assert_eq!(verdict, Verdict::Ignore, "not even an answer");
        let later = now + Duration::from_secs(61);
        assert!(!door.is_known(later, office), "the sign-in ran out");
        let wrong = "wrong passwords from a trunk's address";
        let told = door.tell(later);
        let trunks = told.iter().filter(|event| {
            matches!(event, Event::RequestsTurnedAway { trunk: Some(_), others: 100, cause, .. }
                if cause == wrong)
        });
        assert_eq!(trunks.count(), 1, "{told:?}");
    }

    #[test]
    fn an_office_is_forgotten_when_its_last_phone_leaves() {
        let mut door = Admission::new();
        let (now, office) = (Instant::START, ip("198.51.100.1"));
        door.proved(now, office, Duration::from_secs(60));
        door.left(office, |at| at(office));
        assert!(door.is_known(now, office), "another phone is there");
        door.left(office, |_| false);
        assert!(!door.is_known(now, office));
    }

    #[test]
    fn each_trunk_has_a_rate_of_its_own() {
        let mut door = Admission::new();
        let narrow = TrunkId::new("narrow").unwrap();
        door.trunk_may(narrow, 3);
        let now = Instant::START;
        let served = count(
            &mut door,
            now,
            "10.0.0.1",
            Some(narrow),
            100,
            Verdict::Serve,
        );
        assert_eq!(served, 3);
        let served = count(&mut door, now, "10.0.0.2", trunk(), 100, Verdict::Serve);
        assert_eq!(served, 100);
        let later = now + Duration::from_secs(1);
        let served = count(
            &mut door,
            later,
            "10.0.0.1",
            Some(narrow),
            100,
            Verdict::Serve,
        );
        assert_eq!(served, 3);
    }
}
