//! The door: who is let in when.

use super::*;
use core::net::SocketAddr;

use hotline_model::limits::{NEW_WAITING, NEW_WAITING_MS, STRANGER_BURST, WRONG_PROOFS};

const INVITE: &[u8] = b"INVITE sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>\r\n\r\n";
const BYE: &[u8] = b"BYE sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>;tag=1\r\n\r\n";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn path(from: &str) -> Path {
    let remote = SocketAddr::new(ip(from), 5060);
    Path::udp("127.0.0.1:5060".parse().unwrap(), remote)
}

fn trunk() -> Option<TrunkId> {
    TrunkId::new("carrier").ok()
}

/// Lets so many calls come, each served at once where it may be: how many met `what`.
fn count(
    door: &mut Admission,
    now: Instant,
    from: &str,
    trunk: Option<TrunkId>,
    n: u32,
    what: Verdict,
) -> u32 {
    let mut met = 0;
    for _ in 0..n {
        let verdict = door.judge(now, path(from), trunk, false, INVITE);
        met += u32::from(core::mem::discriminant(&verdict) == core::mem::discriminant(&what));
        while let Some(turn) = door.next(now) {
            assert_eq!(turn.turned_away, None);
            door.served(turn.bytes);
        }
    }
    met
}

#[test]
fn strangers_cannot_take_the_trunks_room() {
    let mut door = Admission::new();
    let now = Instant::START + Duration::from_secs(1);
    let mut served = 0;
    for host in 0..200 {
        let from = format!("192.0.2.{host}");
        served += count(&mut door, now, &from, None, 5_000, Verdict::Wait);
    }
    assert_eq!(served, STRANGERS_PER_S);
    let calls = count(&mut door, now, "10.0.0.1", trunk(), 100, Verdict::Wait);
    assert_eq!(calls, 100);
}

#[test]
fn what_is_under_way_is_served_in_any_weather() {
    let mut door = Admission::new();
    let now = Instant::START;
    let from = path("10.0.0.1");
    let mut taken = 0;
    for _ in 0..1_000 {
        taken += u32::from(door.judge(now, from, trunk(), false, INVITE) == Verdict::Wait);
        assert_eq!(door.judge(now, from, trunk(), false, BYE), Verdict::Wait);
    }
    assert_eq!(taken, NEW_WAITING as u32);
    for _ in 0..1_000 {
        let turn = door.next(now).unwrap();
        assert_eq!((turn.bytes.as_slice(), turn.turned_away), (BYE, None));
    }
    // What is new has waited too long by then, and is told so.
    let late = now + Duration::from_millis(NEW_WAITING_MS + 1);
    for _ in 0..NEW_WAITING {
        let turn = door.next(late).unwrap();
        assert!(turn.bytes == INVITE && turn.turned_away.is_some());
    }
    assert!(door.next(late).is_none());
    let told: u64 = door
        .tell(now + TOLD_EVERY)
        .iter()
        .map(|event| match event {
            Event::RequestsTurnedAway { trunk, invites, .. } if trunk.is_some() => *invites,
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(told, 1_000);
}

#[test]
fn what_is_too_much_even_to_be_told_is_dropped() {
    let mut door = Admission::new();
    let from = path("10.0.0.1");
    // The trunk's own bound is told too.
    let mut said = [0_u32; 3];
    for _ in 0..TURNED_AWAY_PER_S + 1_000 {
        said[match door.judge(Instant::START, from, trunk(), false, INVITE) {
            Verdict::Wait => 0,
            Verdict::TurnAway(_) => 1,
            Verdict::Ignore => 2,
        }] += 1;
    }
    let waiting = NEW_WAITING as u32;
    assert_eq!(said, [waiting, TURNED_AWAY_PER_S, 1_000 - waiting]);
}

#[test]
fn acks_of_what_was_turned_away_are_not_looked_at() {
    let mut door = Admission::new();
    let ack = b"ACK sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>;tag=n-1f\r\n\r\n";
    let verdict = door.judge(Instant::START, path("10.0.0.1"), trunk(), false, ack);
    assert_eq!(verdict, Verdict::Ignore);
    assert!(door.next(Instant::START).is_none());
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
    count(&mut door, now, "192.0.2.1", None, burst, Verdict::Wait);
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
    let verdict = door.judge(now, path("192.0.2.9"), None, false, BYE);
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

/// A loop in virtual time: calls of nine messages come from one trunk, and everything costs time,
/// refusals and their ACKs too. Gives how many calls a second were completed, how many messages of
/// calls under way were lost, and the longest set-up.
fn overloaded(per_s: u64, seconds: u64) -> (u64, u64, Duration) {
    const LOOK: Duration = Duration::from_micros(3);
    const REFUSE: Duration = Duration::from_micros(15);
    const SERVE: Duration = Duration::from_micros(90);
    let ack = b"ACK sip:12345@h SIP/2.0\r\nTo: <sip:12345@h>;tag=n-1f\r\n\r\n";
    let from = path("10.0.0.1");
    let mut door = Admission::new();
    let (mut now, mut dialled, mut completed, mut lost) = (Instant::START, 0, 0, 0);
    // What is on its way to the engine: when it comes, and what is left of its call.
    let mut coming = std::collections::VecDeque::new();
    let mut under_way = std::collections::VecDeque::new();
    let mut begun = std::collections::VecDeque::new();
    let mut longest = Duration::ZERO;
    while now.since_start() < Duration::from_secs(seconds) {
        while dialled * 1_000_000 < now.since_start().as_micros() as u64 * per_s {
            coming.push_back((now, 9));
            dialled += 1;
        }
        for _ in 0..256 {
            if coming.front().is_none_or(|&(at, _)| at > now) {
                break;
            }
            let (_, left) = coming.pop_front().unwrap();
            now = now + LOOK;
            let bytes = match left {
                0 => &ack[..],
                9 => INVITE,
                _ => BYE,
            };
            match (door.judge(now, from, trunk(), false, bytes), left) {
                (Verdict::Wait, 9) => begun.push_back(now),
                (Verdict::Wait, left) => under_way.push_back(left),
                (_, 0) => {}
                (Verdict::TurnAway(_), 9) => {
                    now = now + REFUSE;
                    coming.push_back((now, 0));
                }
                (_, 9) => {}
                _ => lost += 1,
            }
        }
        let mut idle = true;
        for _ in 0..32 {
            let Some(turn) = door.next(now) else { break };
            idle = false;
            let new = turn.bytes == INVITE;
            door.served(turn.bytes);
            let came = if new { begun.pop_front() } else { None };
            if turn.turned_away.is_some() {
                now = now + REFUSE;
                coming.push_back((now, 0));
                continue;
            }
            now = now + SERVE;
            longest = longest.max(came.map_or(Duration::ZERO, |came| now.since(came)));
            let left = if new {
                8
            } else {
                under_way.pop_front().unwrap() - 1
            };
            if left == 0 {
                completed += 1;
            } else {
                coming.push_back((now, left));
            }
        }
        if idle {
            now = now + Duration::from_micros(100);
        }
    }
    (completed / seconds, lost, longest)
}

#[test]
fn goodput_is_held_at_any_load() {
    // Nine messages of 93 µs: 1,190 calls a second and no more.
    let (capacity, _, _) = overloaded(1_100, 10);
    assert!((1_090..=1_100).contains(&capacity), "{capacity}");
    for (times, least) in [(2, 900), (5, 900), (10, 750)] {
        let (goodput, lost, set_up) = overloaded(1_100 * times, 10);
        let per_cent = goodput * 1_000 / capacity;
        assert!(per_cent >= least, "{times} times: {goodput} of {capacity}");
        assert_eq!(lost, 0);
        assert!(
            set_up <= Duration::from_millis(NEW_WAITING_MS + 10),
            "{set_up:?}"
        );
    }
}

#[test]
fn an_office_is_forgotten_when_its_last_phone_leaves() {
    let mut door = Admission::new();
    let (now, office) = (Instant::START, ip("198.51.100.1"));
    door.proved(now, office, Duration::from_secs(60));
    door.left(office, |addresses| addresses.contains(&office));
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
    let served = count(&mut door, now, "10.0.0.1", Some(narrow), 100, Verdict::Wait);
    assert_eq!(served, 3);
    let served = count(&mut door, now, "10.0.0.2", trunk(), 100, Verdict::Wait);
    assert_eq!(served, 100);
    let later = now + Duration::from_secs(1);
    let served = count(
        &mut door,
        later,
        "10.0.0.1",
        Some(narrow),
        100,
        Verdict::Wait,
    );
    assert_eq!(served, 3);
}
