//! Digest authentication (RFC 3261 §22, RFC 8760): SHA-256 above MD5, both ways.
//!
//! As a server, [`Nonces`] makes challenges and judges answers; as a client, [`answer`] meets a
//! challenge. Passwords are needed only to make a [`Ha1`]; that is what is kept.

mod client;
mod fields;
mod nonces;
mod seal;

use core::fmt;

use md5::Md5;
use sha2::Sha256;

pub use client::{Login, NoAnswer, answer};
pub use fields::Fields;
pub use nonces::{NONCES_TRACKED, Nonces, Verdict};

/// A hash function of digest authentication (RFC 7616 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    /// MD5, for the many phones that know no other (RFC 8760 §2.3 asks to keep it below).
    Md5,
    /// SHA-256 (RFC 8760 §2.1).
    Sha256,
}

impl Algorithm {
    /// The token in the `algorithm` parameter.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// Length of its hash in hex, digits.
    const fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 => 64,
        }
    }

    /// The algorithm of an `algorithm` parameter; MD5 where there is none (RFC 7616 §3.3). `None`
    /// for one we do not speak, such as the session variants.
    pub fn of(token: Option<&[u8]>) -> Option<Self> {
        match token {
            None => Some(Self::Md5),
            Some(token) if token.eq_ignore_ascii_case(b"MD5") => Some(Self::Md5),
            Some(token) if token.eq_ignore_ascii_case(b"SHA-256") => Some(Self::Sha256),
            Some(_) => None,
        }
    }
}

/// Which algorithms a challenge offers, and an answer to it may use. MD5 where there is a choice
/// is what an attacker on the way would choose (RFC 8760 §6), so a floor whose phones all speak
/// SHA-256 should not offer it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Offered {
    /// SHA-256 alone.
    Sha256,
    /// SHA-256, and MD5 below it (RFC 8760 §2.4).
    #[default]
    Both,
    /// MD5 alone, for a phone that gives up when it sees another.
    Md5,
}

impl Offered {
    /// The algorithms, the preferred first.
    pub const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::Sha256 => &[Algorithm::Sha256],
            Self::Both => &[Algorithm::Sha256, Algorithm::Md5],
            Self::Md5 => &[Algorithm::Md5],
        }
    }

    /// Whether an answer may use `algorithm`.
    pub fn allows(self, algorithm: Algorithm) -> bool {
        self.algorithms().contains(&algorithm)
    }
}

/// A hash in lower-case hex, without heap.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    fn of(bytes: &[u8]) -> Self {
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        let mut digits = [0; 64];
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
        let length = digits.len().min(2 * bytes.len());
        Self { digits, length }
    }

    /// Not the hex of anything, as long as a hash: what stands for the password of nobody.
    const fn nothing(algorithm: Algorithm) -> Self {
        Self {
            digits: [b'-'; 64],
            length: algorithm.digits(),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

/// The hash of `parts` joined by colons.
fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    match algorithm {
        Algorithm::Md5 => hash_with::<Md5>(parts),
        Algorithm::Sha256 => hash_with::<Sha256>(parts),
    }
}

fn hash_with<H: sha2::Digest>(parts: &[&[u8]]) -> Hex {
    #[cfg(test)]
    counting::note(parts);
    let mut hasher = H::new();
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    Hex::of(&hasher.finalize())
}

/// Counts the work of hashing, for tests that nothing shows by the time an answer takes.
#[cfg(test)]
mod counting {
    use core::cell::RefCell;

    std::thread_local! {
        static LENGTHS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    pub fn note(parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len() + 1).sum();
        LENGTHS.with_borrow_mut(|lengths| lengths.push(length));
    }

    /// The length of each text hashed by this thread since the last call.
    pub fn take() -> Vec<usize> {
        LENGTHS.take()
    }
}

/// The hash of user, realm and password that stands for the password (RFC 7616 §3.4.2), in
/// lower-case hex. Whoever has it can log in, in this realm.
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    ha1_hex(algorithm, user, realm, password).to_string()
}

fn ha1_hex(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Hex {
    // The realm as the challenge has it, for clients give back what they got, escapes and all; the
    // user as he is called, for he types that.
    let realm = quote(realm);
    hash(
        algorithm,
        &[user.as_bytes(), realm.as_bytes(), password.as_bytes()],
    )
}

/// What a server keeps of a user's password: its [`ha1`] in each algorithm offered.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    sha256: Hex,
    /// [`Hex::nothing`] for a user without: the work of judging is the same.
    md5: Hex,
}

impl Ha1 {
    /// From the password.
    pub fn of(user: &str, realm: &str, password: &str) -> Self {
        Self {
            sha256: ha1_hex(Algorithm::Sha256, user, realm, password),
            md5: ha1_hex(Algorithm::Md5, user, realm, password),
        }
    }

    /// From kept hashes in hex. Without `md5`, that algorithm never succeeds for the user, who has
    /// SHA-256 alone. `None` where one is no hash of its length.
    pub fn from_hex(sha256: &str, md5: Option<&str>) -> Option<Self> {
        Some(Self {
            sha256: Hex::of(&unhex::<32>(sha256.as_bytes())?),
            md5: match md5 {
                Some(md5) => Hex::of(&unhex::<16>(md5.as_bytes())?),
                None => Hex::nothing(Algorithm::Md5),
            },
        })
    }

    /// Of a user who does not exist: judging an answer by it takes the same time and never
    /// succeeds, so that nobody learns which users there are.
    pub const fn of_nobody() -> Self {
        Self {
            sha256: Hex::nothing(Algorithm::Sha256),
            md5: Hex::nothing(Algorithm::Md5),
        }
    }

    const fn get(&self, algorithm: Algorithm) -> &Hex {
        match algorithm {
            Algorithm::Md5 => &self.md5,
            Algorithm::Sha256 => &self.sha256,
        }
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(secret)")
    }
}

/// The parts of an answer beside the password (RFC 7616 §3.4.1).
struct Proof<'a> {
    algorithm: Algorithm,
    nonce: &'a [u8],
    /// Nonce count as written, and client nonce; `None` for RFC 2069's form without `qop`, which
    /// RFC 2617 §3.2.2.1 keeps.
    counted: Option<(&'a [u8], &'a [u8])>,
    method: &'a [u8],
    uri: &'a [u8],
}

impl Proof<'_> {
    fn response(&self, ha1: &[u8]) -> Hex {
        let ha2 = hash(self.algorithm, &[self.method, self.uri]);
        let ha2 = ha2.as_bytes();
        match self.counted {
            Some((count, cnonce)) => {
                let parts = [ha1, self.nonce, count, cnonce, b"auth", ha2];
                hash(self.algorithm, &parts)
            }
            None => hash(self.algorithm, &[ha1, self.nonce, ha2]),
        }
    }
}

/// `N` bytes from `2 * N` hex digits in either case.
fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = pair.iter().try_fold(0_u8, |sum, &digit| {
            let value = char::from(digit).to_digit(16)?;
            Some(sum << 4 | u8::try_from(value).ok()?)
        })?;
    }
    Some(bytes)
}

/// `text` with what would end a quoted string escaped (RFC 3261 §25.1), and without controls.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7616 §3.9.1.
    #[test]
    fn the_responses_of_rfc_7616_come_out() {
        for (algorithm, wanted) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let proof = Proof {
                algorithm,
                nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                counted: Some((b"00000001", b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
                method: b"GET",
                uri: b"/dir/index.html",
            };
            let ha1 = ha1(
                algorithm,
                "Mufasa",
                "http-auth@example.org",
                "Circle of Life",
            );
            assert_eq!(proof.response(ha1.as_bytes()).to_string(), wanted);
        }
    }

    // RFC 2617 §3.5; and the same without qop, whose value follows from the formula of §3.2.2.1.
    #[test]
    fn the_response_of_rfc_2617_comes_out() {
        let mut proof = Proof {
            algorithm: Algorithm::Md5,
            nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            counted: Some((b"00000001", b"0a4f113b")),
            method: b"GET",
            uri: b"/dir/index.html",
        };
        let ha1 = ha1(
            Algorithm::Md5,
            "Mufasa",
            "testrealm@host.com",
            "Circle Of Life",
        );
        assert_eq!(ha1, "939e7578ed9e3c518a452acee763bce9");
        assert_eq!(
            proof.response(ha1.as_bytes()).to_string(),
            "6629fae49393a05397450978507c4ef1"
        );
        proof.counted = None;
        assert_eq!(
            proof.response(ha1.as_bytes()).to_string(),
            "670fd8c2df070c60b045671b8b24ff02"
        );
    }

    #[test]
    fn kept_hashes_are_read_back() {
        let made = Ha1::of("1001", "hotline", "secret");
        let sha256 = ha1(Algorithm::Sha256, "1001", "hotline", "secret");
        let md5 = ha1(Algorithm::Md5, "1001", "hotline", "secret").to_uppercase();
        assert_eq!(Ha1::from_hex(&sha256, Some(&md5)), Some(made.clone()));
        assert_eq!(Ha1::from_hex(&md5, None), None);
        assert_eq!(Ha1::from_hex(&sha256, Some("xyz")), None);
        assert_eq!(format!("{made:?}"), "Ha1(secret)");
    }

    #[test]
    fn quoting_lets_nothing_out() {
        assert_eq!(quote("a\"b\\c\r\nd"), "a\\\"b\\\\cd");
        assert_eq!(unhex::<2>(b"0aFF"), Some([10, 255]));
        assert_eq!(unhex::<2>(b"0aF"), None);
        assert_eq!(unhex::<2>(b"0aFg"), None);
    }
}
