//! ICE for one leg on a public address: ICE-lite (RFC 8445 §2.5). The peer checks the path to us
//! and chooses; we answer, and know by its checks where it is and that it still agrees to hear us
//! (RFC 7675).

use core::{fmt, net::SocketAddr};

use hotline_model::Instant;

use super::stun::{self, Answer, Binding};

/// Length of our ufrag, characters: 48 random bits, where RFC 8445 §5.3 wants 24.
const UFRAG_CHARS: usize = 8;

/// Length of our password, characters: 144 random bits, where RFC 8445 §5.3 wants 128.
const PWD_CHARS: usize = 24;

/// Random bytes for the credentials of one leg.
pub const SEED_BYTES: usize = UFRAG_CHARS + PWD_CHARS;

/// Longest ufrag or password of a peer, characters (RFC 8445 §5.3).
const LONGEST_CHARS: usize = 256;

/// The characters of ICE (RFC 8839 §5.4), 64 of them: six bits each.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The ufrag of one of our legs: what a shared port finds it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ufrag([u8; UFRAG_CHARS]);

impl Ufrag {
    /// The ufrag that a request names as ours. `None` when it cannot be one.
    pub fn of(request: &Binding<'_>) -> Option<Self> {
        let (ours, _) = request.names()?;
        Some(Self(ours.try_into().ok()?))
    }

    /// As text, for the description.
    pub fn as_str(&self) -> &str {
        text(&self.0)
    }
}

impl fmt::Debug for Ufrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Our ufrag and password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Names the leg.
    pub ufrag: Ufrag,
    pwd: [u8; PWD_CHARS],
}

impl Credentials {
    /// From random bytes.
    pub fn random(seed: &[u8; SEED_BYTES]) -> Self {
        let mut chars = seed.iter().map(|byte| ice_char(*byte));
        let mut next = || chars.next().unwrap_or(b'A');
        Self {
            ufrag: Ufrag(core::array::from_fn(|_| next())),
            pwd: core::array::from_fn(|_| next()),
        }
    }

    /// The password as text, for the description.
    pub fn password(&self) -> &str {
        text(&self.pwd)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?})", self.ufrag)
    }
}

fn ice_char(byte: u8) -> u8 {
    ICE_CHARS
        .get(usize::from(byte & 63))
        .copied()
        .unwrap_or(b'A')
}

fn text(chars: &[u8]) -> &str {
    // They are ASCII.
    core::str::from_utf8(chars).unwrap_or_default()
}

/// Whether a ufrag or password of a peer can be one (RFC 8839 §5.4).
pub(crate) fn is_ice_text(text: &str, least: usize) -> bool {
    (least..=LONGEST_CHARS).contains(&text.len())
        && text.bytes().all(|byte| ICE_CHARS.contains(&byte))
}

/// Our end of ICE for one leg.
#[derive(Clone, Debug)]
pub struct Agent {
    ours: Credentials,
    chosen: Option<SocketAddr>,
    checked: Option<Instant>,
    nominated: bool,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What to answer, and whether signed.
    pub answer: Answer,
    /// Whether the answer is signed with our password.
    pub signed: bool,
    /// Whether the peer has just moved to, or first chose, the address the check came from.
    pub moved: bool,
}

impl Agent {
    /// An agent that has seen no check.
    pub const fn new(ours: Credentials) -> Self {
        Self {
            ours,
            chosen: None,
            checked: None,
            nominated: false,
        }
    }

    /// Our credentials.
    pub const fn credentials(&self) -> &Credentials {
        &self.ours
    }

    /// The address the peer chose: the last that it nominated by a check, or, before it nominated
    /// any, the last it checked from (RFC 8445 §8.1.1; data may flow before nomination). `None`
    /// before the first check: nothing is sent to an address that only a description named.
    pub const fn chosen(&self) -> Option<SocketAddr> {
        self.chosen
    }

    /// When the last authentic check came: the peer's consent to be sent to (RFC 7675 §5.1) is
    /// this fresh.
    pub const fn last_check(&self) -> Option<Instant> {
        self.checked
    }

    /// Hears a check from an address (RFC 8445 §7.3). `None` when nothing is answered: an
    /// indication, or a request that is not for us.
    pub fn hear(&mut self, now: Instant, from: SocketAddr, check: &Binding<'_>) -> Option<Checked> {
        if !check.is_request {
            return None;
        }
        let refused = |answer, signed| {
            Some(Checked {
                answer,
                signed,
                moved: false,
            })
        };
        if check.username.is_none() || !check.has_integrity() {
            return refused(Answer::BadRequest, false);
        }
        let named = Ufrag::of(check) == Some(self.ours.ufrag);
        if !named || !check.is_authentic(&self.ours.pwd) {
            return refused(Answer::Unauthenticated, false);
        }
        if let Some(kind) = check.unknown {
            return refused(Answer::Unknown(kind), true);
        }
        // A lite agent is controlled whatever the tie-breakers say (RFC 8445 §6.1.1): a peer that
        // is too must change.
        if check.controlled.is_some() {
            return refused(Answer::RoleConflict, true);
        }
        self.checked = Some(now);
        let moved = (check.nominates || !self.nominated) && self.chosen != Some(from);
        if moved {
            self.chosen = Some(from);
        }
        self.nominated |= check.nominates;
        Some(Checked {
            answer: Answer::Mapped(from),
            signed: true,
            moved,
        })
    }

    /// Composes what [`Agent::hear`] said into `room`; [`stun::ANSWER_BYTES`] suffice.
    pub fn compose<'r>(
        &self,
        checked: &Checked,
        check: &Binding<'_>,
        room: &'r mut [u8],
    ) -> Option<&'r [u8]> {
        let password = checked.signed.then_some(self.ours.pwd.as_slice());
        stun::compose(checked.answer, &check.transaction, password, room)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const NOW: Instant = Instant::START;

    fn agent() -> Agent {
        Agent::new(Credentials::random(&core::array::from_fn(|n| n as u8)))
    }

    fn from(port: u16) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 7], port))
    }

    fn check(agent: &Agent, nominates: bool) -> Vec<u8> {
        let ours = agent.credentials();
        let username = format!("{}:theirs", ours.ufrag.as_str());
        let mut room = [0; 200];
        let pwd = ours.password().as_bytes();
        stun::request(&[5; 12], &username, pwd, nominates, &mut room)
            .unwrap()
            .to_vec()
    }

    #[test]
    fn the_peers_choice_is_followed() {
        let mut agent = agent();
        assert_eq!(agent.chosen(), None);
        for (second, port, nominates, chosen, moves) in [
            (0, 1_000, false, 1_000, true),
            (1, 2_000, false, 2_000, true),
            (2, 1_000, true, 1_000, true),
            // After nomination a mere check moves nothing, but keeps consent.
            (3, 2_000, false, 1_000, false),
            (4, 1_000, true, 1_000, false),
            (5, 3_000, true, 3_000, true),
        ] {
            let bytes = check(&agent, nominates);
            let binding = Binding::parse(&bytes).unwrap();
            let now = NOW + Duration::from_secs(second);
            let heard = agent.hear(now, from(port), &binding).unwrap();
            assert_eq!(heard.answer, Answer::Mapped(from(port)));
            assert_eq!((heard.moved, heard.signed), (moves, true));
            assert_eq!(agent.chosen(), Some(from(chosen)));
            assert_eq!(agent.last_check(), Some(now));
        }
    }

    #[test]
    fn what_is_not_authentic_changes_nothing() {
        let mut agent = agent();
        let other = Agent::new(Credentials::random(&[9; SEED_BYTES]));
        let name = format!("{}:x", agent.credentials().ufrag.as_str());
        let mut room = [0; 200];
        let wrong_key = stun::request(&[5; 12], &name, b"guessed", true, &mut room)
            .unwrap()
            .to_vec();
        for bytes in [check(&other, true), wrong_key] {
            let binding = Binding::parse(&bytes).unwrap();
            let heard = agent.hear(NOW, from(1), &binding).unwrap();
            assert_eq!(
                (heard.answer, heard.signed),
                (Answer::Unauthenticated, false)
            );
        }
        assert_eq!((agent.chosen(), agent.last_check()), (None, None));
    }

    #[test]
    fn credentials_are_long_enough_and_never_shown() {
        let credentials = Credentials::random(&core::array::from_fn(|n| 200 + n as u8));
        assert!(is_ice_text(credentials.ufrag.as_str(), 4));
        assert!(is_ice_text(credentials.password(), 22));
        assert!(!format!("{credentials:?}").contains(credentials.password()));
        assert!(!is_ice_text("abc", 4) && !is_ice_text("ab c", 4));
        assert!(!is_ice_text(&"a".repeat(257), 4));
    }
}
