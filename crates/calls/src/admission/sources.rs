//! What is remembered of the addresses that requests come from: how much they may still ask, and
//! whether they guess passwords.

use core::{
    net::{IpAddr, Ipv6Addr},
    ops::RangeInclusive,
    time::Duration,
};
use std::collections::BTreeMap;

use hotline_model::{
    Instant,
    limits::{
        BAN_FIRST_S, BAN_LONGEST_S, STRANGER_ANSWERS_PER_S, STRANGER_BURST,
        STRANGER_REQUESTS_PER_S, STRANGER_SOURCES, WRONG_PROOFS,
    },
};

/// One request, in the unit a bucket counts in: what grows in a nanosecond at one a second.
const REQUEST: u64 = 1_000_000_000;

/// A bucket that fills with time: so many at once, so many a second.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: u64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub const fn full(now: Instant, burst: u32) -> Self {
        Self {
            left: burst as u64 * REQUEST,
            filled: now,
        }
    }

    /// Takes one, if there is one.
    pub fn take(&mut self, now: Instant, per_s: u32, burst: u32) -> bool {
        let waited = u64::try_from(now.since(self.filled).as_nanos()).unwrap_or(u64::MAX);
        let grown = waited.saturating_mul(u64::from(per_s));
        self.left = self
            .left
            .saturating_add(grown)
            .min(u64::from(burst) * REQUEST);
        self.filled = now;
        let taken = self.left >= REQUEST;
        if taken {
            self.left -= REQUEST;
        }
        taken
    }
}

/// An address as it is remembered: IPv6 by its first 64 bits, for a host has all the rest.
pub fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// All addresses that are remembered as this one.
pub fn addresses(ip: IpAddr) -> RangeInclusive<IpAddr> {
    let first = source(ip);
    let last = match first {
        IpAddr::V6(v6) => {
            let host = u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() | host))
        }
        v4 @ IpAddr::V4(_) => v4,
    };
    first..=last
}

#[derive(Clone, Copy, Debug)]
struct Source {
    requests: Bucket,
    answers: Bucket,
    wrong: u32,
    bans: u32,
    banned_until: Option<Instant>,
}

impl Source {
    const fn new(now: Instant) -> Self {
        Self {
            requests: Bucket::full(now, STRANGER_BURST),
            answers: Bucket::full(now, STRANGER_ANSWERS_PER_S),
            wrong: 0,
            bans: 0,
            banned_until: None,
        }
    }
}

/// What a source may do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// Served.
    Served,
    /// Too much: told so.
    TurnedAway,
    /// Too much even for that, or banned: no answer.
    Ignored,
}

/// All sources, in two generations: when the young one is full it becomes the old one, and what
/// the old one held and nobody asked for since is forgotten. So memory is bounded, however many
/// addresses are forged.
#[derive(Debug, Default)]
pub struct Sources {
    young: BTreeMap<IpAddr, Source>,
    old: BTreeMap<IpAddr, Source>,
}

impl Sources {
    /// A source asks for something.
    pub fn asks(&mut self, now: Instant, ip: IpAddr) -> Allowance {
        let source = self.remembered(now, ip);
        if source.banned_until.is_some_and(|until| until > now) {
            return Allowance::Ignored;
        }
        if source
            .requests
            .take(now, STRANGER_REQUESTS_PER_S, STRANGER_BURST)
        {
            return Allowance::Served;
        }
        let per_s = STRANGER_ANSWERS_PER_S;
        if source.answers.take(now, per_s, per_s) {
            Allowance::TurnedAway
        } else {
            Allowance::Ignored
        }
    }

    /// A wrong answer to a challenge came from it. Gives how long it is banned, where it is now.
    pub fn guessed(&mut self, now: Instant, ip: IpAddr) -> Option<Duration> {
        let source = self.remembered(now, ip);
        source.wrong += 1;
        if source.wrong < WRONG_PROOFS {
            return None;
        }
        let doubled =
            BAN_FIRST_S.saturating_mul(1_u64.checked_shl(source.bans).unwrap_or(u64::MAX));
        let ban = Duration::from_secs(doubled.min(BAN_LONGEST_S));
        source.wrong = 0;
        source.bans = source.bans.saturating_add(1);
        source.banned_until = Some(now + ban);
        Some(ban)
    }

    /// A right answer came from it: what was wrong before was a slip.
    pub fn proved(&mut self, ip: IpAddr) {
        self.young.remove(&ip);
        self.old.remove(&ip);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn remembered(&mut self, now: Instant, ip: IpAddr) -> &mut Source {
        if !self.young.contains_key(&ip) {
            let known = self.old.remove(&ip).unwrap_or(Source::new(now));
            if self.young.len() >= STRANGER_SOURCES / 2 {
                self.old = core::mem::take(&mut self.young);
            }
            self.young.insert(ip, known);
        }
        self.young.entry(ip).or_insert(Source::new(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    const STRANGER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn a_burst_is_served_and_then_so_many_a_second() {
        let mut sources = Sources::default();
        let served = |sources: &mut Sources, ms| {
            (0..10_000)
                .filter(|_| sources.asks(at(ms), STRANGER) == Allowance::Served)
                .count()
        };
        assert_eq!(served(&mut sources, 0), STRANGER_BURST as usize);
        assert_eq!(
            served(&mut sources, 1_000),
            STRANGER_REQUESTS_PER_S as usize
        );
        assert_eq!(served(&mut sources, 1_000), 0);
        // However often it asks between, the milliseconds add up.
        let slowly: usize = (1_001..=2_000).map(|ms| served(&mut sources, ms)).sum();
        assert_eq!(slowly, STRANGER_REQUESTS_PER_S as usize);
    }

    #[test]
    fn who_asks_too_much_is_told_a_few_times_and_then_ignored() {
        let mut sources = Sources::default();
        let said: Vec<_> = (0..1_000).map(|_| sources.asks(at(0), STRANGER)).collect();
        let told = said.iter().filter(|&&a| a == Allowance::TurnedAway).count();
        assert_eq!(told, STRANGER_ANSWERS_PER_S as usize);
        assert_eq!(said.last(), Some(&Allowance::Ignored));
    }

    #[test]
    fn guessing_is_banned_for_longer_each_time() {
        let mut sources = Sources::default();
        let mut guess = |ms| {
            (0..WRONG_PROOFS)
                .filter_map(|_| sources.guessed(at(ms), STRANGER))
                .collect::<Vec<_>>()
        };
        assert_eq!(guess(0), [Duration::from_secs(BAN_FIRST_S)]);
        assert_eq!(guess(1), [Duration::from_secs(2 * BAN_FIRST_S)]);
        for _ in 0..80 {
            guess(2);
        }
        assert_eq!(guess(3), [Duration::from_secs(BAN_LONGEST_S)]);
        assert_eq!(sources.asks(at(4), STRANGER), Allowance::Ignored);
        let over = 4 + BAN_LONGEST_S * 1_000;
        assert_eq!(sources.asks(at(over), STRANGER), Allowance::Served);
        sources.proved(STRANGER);
        assert_eq!(sources.len(), 0);
    }

    #[test]
    fn forged_addresses_fill_nothing() {
        let mut sources = Sources::default();
        for n in 0..(3 * STRANGER_SOURCES as u32) {
            sources.asks(at(0), IpAddr::from(n.to_be_bytes()));
        }
        assert!(sources.len() <= STRANGER_SOURCES);
    }

    #[test]
    fn a_source_is_all_of_its_addresses() {
        for (of, first, last) in [
            ("192.0.2.9", "192.0.2.9", "192.0.2.9"),
            ("::ffff:192.0.2.9", "192.0.2.9", "192.0.2.9"),
            (
                "2001:db8:1:2:3::4",
                "2001:db8:1:2::",
                "2001:db8:1:2:ffff:ffff:ffff:ffff",
            ),
        ] {
            let ip = |text: &str| text.parse::<IpAddr>().unwrap();
            assert_eq!(addresses(ip(of)), ip(first)..=ip(last));
        }
    }

    #[test]
    fn a_host_of_ipv6_is_one_source() {
        let one = source("2001:db8:1:2:3:4:5:6".parse().unwrap());
        assert_eq!(one, source("2001:db8:1:2::9".parse().unwrap()));
        assert_ne!(one, source("2001:db8:1:3::9".parse().unwrap()));
        let mapped = source("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(mapped, STRANGER);
    }
}
