//! The server's side: challenges, and the judgement of answers to them.

use std::collections::BTreeMap;

use hotline_model::{Instant, limits::NONCE_LIFE_S};
use subtle::ConstantTimeEq as _;

use super::{Algorithm, Fields, Ha1, Offered, Proof, quote, seal::Seal, unhex};
use crate::message::Method;

/// Nonces whose counts are remembered. Only a right answer makes an entry, so that strangers
/// cannot fill it; 65,536 are more log-ins than the seats of a province make in a nonce's life.
/// When full, the oldest nonce is no longer accepted: its user is told `stale` and answers anew.
pub const NONCES_TRACKED: usize = 65_536;

/// Nonce counts that may arrive out of order, as datagrams do.
const WINDOW: u32 = 64;

/// Stands for the count of an answer without one. Taken, it leaves no count above it.
const UNCOUNTED: u32 = u32::MAX;

/// What is to be thought of an answer to a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The user is who he says.
    Ok,
    /// The password is right, but the nonce is too old, not ours, or was used before: challenge
    /// again with `stale` (RFC 7616 §3.3), and the phone answers without asking its user.
    Stale,
    /// The answer is wrong: 401 or 403, and count it against the source.
    Wrong,
    /// There is no answer to a challenge of this realm: 401.
    Missing,
}

/// Makes nonces and judges answers to them. Nothing is kept of a nonce until it was used rightly.
#[derive(Debug)]
pub struct Nonces {
    seal: Seal,
    /// Number of the next nonce.
    next: u64,
    /// Counts seen, by nonce number, which is the order of their making.
    used: BTreeMap<u64, Counts>,
    /// Nonces below this number were forgotten before their time.
    floor: u64,
}

#[derive(Clone, Copy, Debug)]
struct Counts {
    made_ms: u64,
    highest: u32,
    /// Bit `n`: count `highest - n` was seen.
    seen: u64,
}

impl Counts {
    /// Whether `count` is new, and marks it.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let shift = count - self.highest;
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let bit = 1_u64.checked_shl(behind).unwrap_or(0);
        let new = behind < WINDOW && self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}

impl Nonces {
    /// Nonces sealed with `key`, which must be random and secret. After a restart with another
    /// key, answers to old nonces are [`Verdict::Stale`].
    pub const fn new(key: [u8; 32]) -> Self {
        Self {
            seal: Seal { key },
            next: 0,
            used: BTreeMap::new(),
            floor: 0,
        }
    }

    /// The values of WWW-Authenticate headers for one new nonce, one for each algorithm `offered`,
    /// the preferred first (RFC 8760 §2.4).
    pub fn challenge(
        &mut self,
        now: Instant,
        realm: &str,
        offered: Offered,
        stale: bool,
    ) -> Vec<String> {
        let made_ms = now.millis_since(Instant::START);
        let realm = quote(realm);
        let nonce = self.seal.close(made_ms, self.next, realm.as_bytes());
        self.next += 1;
        let stale = if stale { ", stale=true" } else { "" };
        let written = |algorithm: &Algorithm| {
            let algorithm = algorithm.token();
            format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, \
                 qop=\"auth\"{stale}"
            )
        };
        offered.algorithms().iter().map(written).collect()
    }

    /// For a user who does not exist, which of `users` that do to treat the name like: always the
    /// same for one name, and by a keyed hash, so that nobody outside can tell. `None` of none.
    ///
    /// What differs between users (an old phone's is offered MD5 alone) would else say who exists.
    pub fn stand_in(&self, name: &str, users: usize) -> Option<usize> {
        let hash = self.seal.mac(b"stand-in", name.as_bytes());
        let (number, _) = hash.split_first_chunk::<8>()?;
        let users = u64::try_from(users).ok()?;
        usize::try_from(u64::from_be_bytes(*number).checked_rem(users)?).ok()
    }

    /// Picks among Authorization values the one for `realm`, for [`Nonces::verify`] and to learn
    /// whose it is.
    pub fn fields<'a>(
        realm: &str,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Fields<'a>> {
        let realm = quote(realm);
        values
            .into_iter()
            .filter_map(Fields::parse)
            .find(|fields| fields.realm == realm.as_bytes())
    }

    /// Judges an answer. For a user who does not exist give [`Ha1::of_nobody`]: the same work is
    /// done, and the verdict is as for a wrong password. So it is for an answer in an algorithm that
    /// was not `offered`: whoever could make it right could also have made the better one.
    pub fn verify(
        &mut self,
        now: Instant,
        realm: &str,
        method: Method<'_>,
        fields: Option<&Fields<'_>>,
        ha1: &Ha1,
        offered: Offered,
    ) -> Verdict {
        let realm = quote(realm);
        let Some(fields) = fields.filter(|fields| fields.realm == realm.as_bytes()) else {
            return Verdict::Missing;
        };
        let Some(count) = right_count(method, fields, ha1, offered) else {
            return Verdict::Wrong;
        };
        match self.seal.open(fields.nonce, realm.as_bytes()) {
            Some((made_ms, number)) if self.take(now, made_ms, number, count) => Verdict::Ok,
            _ => Verdict::Stale,
        }
    }

    fn take(&mut self, now: Instant, made_ms: u64, number: u64, count: u32) -> bool {
        let now_ms = now.millis_since(Instant::START);
        let oldest_ms = now_ms.saturating_sub(NONCE_LIFE_S * 1_000);
        if made_ms < oldest_ms || number < self.floor {
            return false;
        }
        if !self.make_room(oldest_ms, number) {
            return false;
        }
        let counts = self.used.entry(number).or_insert(Counts {
            made_ms,
            highest: 0,
            seen: 0,
        });
        // Without a count nothing tells a replay from a second use: the nonce is good for one.
        (count != UNCOUNTED || counts.highest == 0) && counts.take(count)
    }

    /// Forgets what outlived its use, and the oldest where it must for nonce `number`; `false`
    /// where that one is itself the oldest.
    fn make_room(&mut self, oldest_ms: u64, number: u64) -> bool {
        while let Some(oldest) = self.used.first_entry() {
            let outlived = oldest.get().made_ms < oldest_ms;
            let oldest_number = *oldest.key();
            if !outlived {
                let full = self.used.len() >= NONCES_TRACKED;
                if !full || self.used.contains_key(&number) {
                    return true;
                }
                if number < oldest_number {
                    return false;
                }
            }
            self.used.pop_first();
            self.floor = self.floor.max(oldest_number + 1);
        }
        true
    }
}

/// The nonce count of an answer whose proof is right; [`UNCOUNTED`] where it has none.
fn right_count(
    method: Method<'_>,
    fields: &Fields<'_>,
    ha1: &Ha1,
    offered: Offered,
) -> Option<u32> {
    let algorithm = Algorithm::of(fields.algorithm).filter(|one| offered.allows(*one))?;
    let counted = match (fields.qop, fields.nc, fields.cnonce) {
        (None, _, _) => None,
        (Some(qop), Some(nc), Some(cnonce)) if qop.eq_ignore_ascii_case(b"auth") => {
            Some((nc, cnonce))
        }
        _ => return None,
    };
    let count = match counted {
        None => UNCOUNTED,
        Some((nc, _)) => u32::from_be_bytes(unhex::<4>(nc)?),
    };
    // RFC 7616 §3.4.5: counting begins at 1.
    if count == 0 || (counted.is_some() && count == UNCOUNTED) {
        return None;
    }
    let proof = Proof {
        algorithm,
        nonce: fields.nonce,
        counted,
        method: method.as_bytes(),
        uri: fields.uri,
    };
    let wanted = proof.response(ha1.get(algorithm).as_bytes());
    let given = fields.response.to_ascii_lowercase();
    bool::from(wanted.as_bytes().ct_eq(&given)).then_some(count)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::digest::{Login, answer, counting};

    const REALM: &str = "hotline";
    const LOGIN: Login<'_> = Login {
        user: "1001",
        password: "secret",
        realm: Some(REALM),
    };

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    fn best(nonces: &mut Nonces, realm: &str) -> String {
        nonces
            .challenge(at(1), realm, Offered::Both, false)
            .remove(0)
    }

    fn log_in(challenge: &str, count: u32) -> String {
        let challenges = [challenge.as_bytes()];
        answer(
            challenges,
            &LOGIN,
            Method::Register,
            "sip:hotline",
            "c0",
            count,
        )
        .unwrap()
    }

    fn judge(
        nonces: &mut Nonces,
        now: Instant,
        value: &str,
        user: &str,
        password: &str,
    ) -> Verdict {
        let fields = Nonces::fields(REALM, [value.as_bytes()]);
        let ha1 = Ha1::of(user, REALM, password);
        nonces.verify(
            now,
            REALM,
            Method::Register,
            fields.as_ref(),
            &ha1,
            Offered::Both,
        )
    }

    #[test]
    fn the_right_password_opens_in_both_algorithms() {
        let mut nonces = Nonces::new([7; 32]);
        for challenge in nonces.challenge(at(1), REALM, Offered::Both, false) {
            let value = log_in(&challenge, 1);
            let mut nonces = Nonces::new([7; 32]);
            assert_eq!(
                judge(&mut nonces, at(2), &value, "1001", "secret"),
                Verdict::Ok,
                "{value}"
            );
            assert_eq!(
                judge(&mut nonces, at(2), &value, "1001", "other"),
                Verdict::Wrong
            );
        }
    }

    #[test]
    fn the_safer_algorithm_stands_first_and_is_taken() {
        let challenges = Nonces::new([7; 32]).challenge(at(1), REALM, Offered::Both, true);
        let [first, second] = &challenges[..] else {
            panic!("two")
        };
        assert!(first.contains("algorithm=SHA-256") && second.contains("algorithm=MD5"));
        assert!(first.contains("stale=true"));
        let values = challenges.iter().rev().map(|value| value.as_bytes());
        let value = answer(values, &LOGIN, Method::Register, "sip:h", "c", 1).unwrap();
        assert!(value.contains("algorithm=SHA-256"), "{value}");
    }

    #[test]
    fn what_is_not_offered_is_wrong_even_where_it_is_right() {
        let mut nonces = Nonces::new([7; 32]);
        let written = |offered| Nonces::new([7; 32]).challenge(at(1), REALM, offered, false);
        let both = written(Offered::Both);
        assert_eq!(written(Offered::Sha256), both[..1]);
        assert_eq!(written(Offered::Md5), both[1..]);
        let ha1 = Ha1::of("1001", REALM, "secret");
        let kept = super::super::ha1(Algorithm::Sha256, "1001", REALM, "secret");
        let sha256_only = Ha1::from_hex(&kept, None).unwrap();
        let mut count = 0;
        let mut verdict = |challenge: &str, ha1: &Ha1, offered| {
            count += 1;
            let value = log_in(challenge, count);
            let fields = Nonces::fields(REALM, [value.as_bytes()]);
            let register = Method::Register;
            nonces.verify(at(1), REALM, register, fields.as_ref(), ha1, offered)
        };
        let [sha256, md5] = &both[..] else {
            panic!("two")
        };
        for (challenge, ha1, offered, wanted) in [
            (md5, &ha1, Offered::Sha256, Verdict::Wrong),
            (md5, &ha1, Offered::Both, Verdict::Ok),
            (md5, &ha1, Offered::Md5, Verdict::Ok),
            (sha256, &ha1, Offered::Md5, Verdict::Wrong),
            (sha256, &ha1, Offered::Sha256, Verdict::Ok),
            (md5, &sha256_only, Offered::Both, Verdict::Wrong),
            (sha256, &sha256_only, Offered::Both, Verdict::Ok),
        ] {
            assert_eq!(
                verdict(challenge, ha1, offered),
                wanted,
                "{challenge}, {offered:?}"
            );
        }
    }

    #[test]
    fn an_unknown_user_costs_what_a_wrong_password_costs() {
        let mut nonces = Nonces::new([7; 32]);
        let kept = super::super::ha1(Algorithm::Sha256, "1001", REALM, "other");
        let users = [
            Ha1::of_nobody(),
            Ha1::of("1001", REALM, "other"),
            Ha1::from_hex(&kept, None).unwrap(),
        ];
        for challenge in nonces.challenge(at(1), REALM, Offered::Both, false) {
            let value = log_in(&challenge, 1);
            let fields = Nonces::fields(REALM, [value.as_bytes()]);
            let work = users.each_ref().map(|ha1| {
                counting::take();
                let fields = fields.as_ref();
                let verdict =
                    nonces.verify(at(1), REALM, Method::Register, fields, ha1, Offered::Both);
                assert_eq!(verdict, Verdict::Wrong);
                counting::take()
            });
            assert_eq!(work[0].len(), 2, "HA2 and the response");
            assert_eq!(work[0], work[1]);
            assert_eq!(work[0], work[2], "nor does a missing MD5 hash show");
        }
    }

    #[test]
    fn names_with_quotes_and_of_any_script_log_in() {
        let mut nonces = Nonces::new([7; 32]);
        let (user, realm) = ("坐席\"一\"\\", "热线\"12345\"");
        let login = Login {
            user,
            password: "密\"码",
            realm: Some(realm),
        };
        for (count, challenge) in (1..).zip(nonces.challenge(at(1), realm, Offered::Both, false)) {
            let value = answer(
                [challenge.as_bytes()],
                &login,
                Method::Register,
                "sip:h",
                "c",
                count,
            )
            .unwrap();
            let fields = Nonces::fields(realm, [value.as_bytes()]).unwrap();
            assert_eq!(fields.user_text().as_deref(), Some(user));
            let ha1 = Ha1::of(user, realm, "密\"码");
            let register = Method::Register;
            let verdict = nonces.verify(at(1), realm, register, Some(&fields), &ha1, Offered::Both);
            assert_eq!(verdict, Verdict::Ok, "{value}");
        }
    }

    // RFC 7616 §3.4.4 lets a client hash its name only where the challenge says so; ours does not.
    #[test]
    fn hashed_names_and_session_algorithms_are_neither_offered_nor_taken() {
        let mut nonces = Nonces::new([7; 32]);
        let challenges = nonces.challenge(at(1), REALM, Offered::Both, false);
        let offered = challenges.concat();
        for word in ["userhash", "-sess", "auth-int"] {
            assert!(!offered.contains(word), "{offered}");
        }
        let right = log_in(&challenges[0], 1);
        let mut verdict = |value: &str| judge(&mut nonces, at(1), value, "1001", "secret");
        let session = right.replace("=SHA-256", "=SHA-256-sess");
        assert_eq!(verdict(&session), Verdict::Wrong);
        let extended = right.replace("username=", "username*=");
        assert_eq!(
            verdict(&extended),
            Verdict::Ok,
            "whose it is, is not asked here"
        );
        let fields = Fields::parse(extended.as_bytes()).unwrap();
        assert_eq!(
            fields.user_text().as_deref(),
            Some(""),
            "nobody is called so"
        );
        let again = log_in(&challenges[0], 2);
        assert_eq!(verdict(&format!("{again}, userhash=false")), Verdict::Ok);
    }

    #[test]
    fn an_answer_is_good_once_and_for_a_while() {
        let mut nonces = Nonces::new([7; 32]);
        let challenge = best(&mut nonces, REALM);
        let value = log_in(&challenge, 1);
        assert_eq!(
            judge(&mut nonces, at(2), &value, "1001", "secret"),
            Verdict::Ok
        );
        assert_eq!(
            judge(&mut nonces, at(2), &value, "1001", "secret"),
            Verdict::Stale
        );
        let later = log_in(&challenge, 9);
        let earlier = log_in(&challenge, 3);
        assert_eq!(
            judge(&mut nonces, at(3), &later, "1001", "secret"),
            Verdict::Ok
        );
        assert_eq!(
            judge(&mut nonces, at(3), &earlier, "1001", "secret"),
            Verdict::Ok
        );
        assert_eq!(
            judge(&mut nonces, at(3), &earlier, "1001", "secret"),
            Verdict::Stale
        );
        let old = log_in(&challenge, 10);
        let expired = at(2 + NONCE_LIFE_S);
        assert_eq!(
            judge(&mut nonces, expired, &old, "1001", "secret"),
            Verdict::Stale
        );
        assert_eq!(
            judge(&mut nonces, expired, &old, "1001", "wrong"),
            Verdict::Wrong
        );
    }

    #[test]
    fn a_nonce_without_count_is_good_once() {
        let mut nonces = Nonces::new([7; 32]);
        let challenge = best(&mut nonces, REALM);
        let value = log_in(&challenge.replace(", qop=\"auth\"", ""), 1);
        assert!(!value.contains("nc="), "{value}");
        assert_eq!(
            judge(&mut nonces, at(2), &value, "1001", "secret"),
            Verdict::Ok
        );
        assert_eq!(
            judge(&mut nonces, at(2), &value, "1001", "secret"),
            Verdict::Stale
        );
    }

    #[test]
    fn nonces_of_others_are_stale_and_forged_answers_wrong() {
        let mut nonces = Nonces::new([7; 32]);
        let foreign = best(&mut Nonces::new([8; 32]), REALM);
        let value = log_in(&foreign, 1);
        assert_eq!(
            judge(&mut nonces, at(1), &value, "1001", "secret"),
            Verdict::Stale
        );
        let mine = best(&mut nonces, REALM);
        let value = log_in(&mine, 1);
        for (from, to) in [
            ("nc=00000001", "nc=00000002"),
            ("qop=auth", "qop=auth-int"),
            ("algorithm=SHA-256", "algorithm=MD5"),
            ("algorithm=SHA-256", "algorithm=SHA-512-256"),
            ("uri=\"sip:hotline\"", "uri=\"sip:other\""),
        ] {
            let forged = value.replace(from, to);
            assert_ne!(forged, value);
            assert_eq!(
                judge(&mut nonces, at(1), &forged, "1001", "secret"),
                Verdict::Wrong,
                "{forged}"
            );
        }
    }

    #[test]
    fn without_an_answer_for_the_realm_there_is_none() {
        let mut nonces = Nonces::new([7; 32]);
        let challenge = best(&mut nonces, "elsewhere");
        let login = Login {
            realm: None,
            ..LOGIN
        };
        let value = answer(
            [challenge.as_bytes()],
            &login,
            Method::Register,
            "sip:h",
            "c",
            1,
        );
        let value = value.unwrap();
        assert_eq!(
            judge(&mut nonces, at(1), &value, "1001", "secret"),
            Verdict::Missing
        );
        let unknown = "NoOneKnowsThisScheme opaque-data=here";
        assert_eq!(
            judge(&mut nonces, at(1), unknown, "1001", "secret"),
            Verdict::Missing
        );
    }

    #[test]
    fn a_name_stands_for_one_user_and_names_for_all() {
        let nonces = Nonces::new([7; 32]);
        let mut taken = [0; 4];
        for n in 0..400 {
            let name = format!("user{n}");
            let user = nonces.stand_in(&name, 4).unwrap();
            assert_eq!(nonces.stand_in(&name, 4), Some(user));
            taken[user] += 1;
        }
        assert!(taken.iter().all(|&count| count > 50), "{taken:?}");
        assert_eq!(nonces.stand_in("user1", 0), None);
        let other = Nonces::new([8; 32]);
        let differs = |n: &u32| {
            let name = format!("user{n}");
            nonces.stand_in(&name, 4) != other.stand_in(&name, 4)
        };
        assert!((0..20).any(|n| differs(&n)), "keyed");
    }

    #[test]
    fn nobody_has_no_password() {
        let mut nonces = Nonces::new([7; 32]);
        let challenge = best(&mut nonces, REALM);
        let value = log_in(&challenge, 1);
        let fields = Nonces::fields(REALM, [value.as_bytes()]);
        let nobody = Ha1::of_nobody();
        let verdict = nonces.verify(
            at(1),
            REALM,
            Method::Register,
            fields.as_ref(),
            &nobody,
            Offered::Both,
        );
        assert_eq!(verdict, Verdict::Wrong);
        assert!(nonces.used.is_empty(), "a wrong answer leaves no trace");
    }

    #[test]
    fn memory_is_bounded_and_forgotten_nonces_are_stale() {
        let mut nonces = Nonces::new([7; 32]);
        let number = |n: usize| u64::try_from(n).unwrap();
        for n in 0..=NONCES_TRACKED {
            assert!(nonces.take(at(1), 1_000, number(n), 1));
        }
        assert_eq!(nonces.used.len(), NONCES_TRACKED);
        assert!(!nonces.take(at(1), 1_000, 0, 2), "displaced");
        assert!(nonces.take(at(1), 1_000, 1, 2), "still known");
        assert!(nonces.take(at(400), 400_000, number(NONCES_TRACKED + 9), 1));
        assert_eq!(nonces.used.len(), 1, "the outlived are gone");
    }

    proptest::proptest! {
        #[test]
        fn no_count_is_ever_taken_twice(counts in proptest::collection::vec(1_u32..200, 1..100)) {
            let mut nonces = Nonces::new([1; 32]);
            let mut taken = std::collections::BTreeSet::new();
            for count in counts {
                if nonces.take(at(1), 1_000, 0, count) {
                    proptest::prop_assert!(taken.insert(count));
                }
            }
        }
    }
}
