//! The chain: each link's hash covers the link's own bytes and the hash before it.

use core::{fmt, str::FromStr};

use ring::digest::{Context, SHA256};

/// SHA-256 of a link of the chain, and through it of all links before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first link.
    pub const START: Self = Self([0; 32]);

    /// The hash of the link that follows this one and consists of `body`.
    pub fn follow(self, body: &[u8]) -> Self {
        let mut sha = Context::new(&SHA256);
        sha.update(&self.0);
        sha.update(body);
        // A SHA-256 has 32 bytes.
        Self(sha.finish().as_ref().try_into().unwrap_or([0; 32]))
    }

    fn hex(self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or(b'0');
        let mut text = [b'0'; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        text
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.hex();
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 digits 0-9 a-f")]
pub struct NotAHash;

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        parse(text.as_bytes()).ok_or(NotAHash)
    }
}

/// Lower case only: one hash has one spelling, or a changed letter would pass unseen.
fn parse(text: &[u8]) -> Option<Hash> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(Hash(hash))
}

const SEAL_OPEN: &[u8; 9] = br#","hash":""#;
const SEAL_CLOSE: &[u8; 2] = br#""}"#;

/// Length of the end of a link that its hash does not cover: `,"hash":"<64 digits>"}`.
pub(super) const SEAL_BYTES: usize = SEAL_OPEN.len() + 64 + SEAL_CLOSE.len();

/// Ends the link whose body is `buffer[from..]` with its hash, and returns the hash.
pub(super) fn seal(buffer: &mut Vec<u8>, from: usize, prev: Hash) -> Hash {
    let hash = prev.follow(buffer.get(from..).unwrap_or_default());
    buffer.extend_from_slice(SEAL_OPEN);
    buffer.extend_from_slice(&hash.hex());
    buffer.extend_from_slice(SEAL_CLOSE);
    hash
}

/// Splits a link into the body that its hash covers, and the hash it claims.
pub(super) fn unseal(payload: &[u8]) -> Option<(&[u8], Hash)> {
    let (body, end) = payload.split_at_checked(payload.len().checked_sub(SEAL_BYTES)?)?;
    let digits = end.strip_prefix(SEAL_OPEN)?.strip_suffix(SEAL_CLOSE)?;
    Some((body, parse(digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_and_has_one_spelling() {
        let hash = Hash::START.follow(b"abc");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(
            hash.to_string().to_uppercase().parse::<Hash>(),
            Err(NotAHash)
        );
        assert_eq!("00".parse::<Hash>(), Err(NotAHash));
    }

    #[test]
    fn the_hash_is_sha_256_of_the_hash_before_and_the_body() {
        // printf '%032d' would be text; 32 zero bytes and `{"seq":1`, by coreutils' sha256sum.
        let mut link = br#"{"seq":1"#.to_vec();
        let hash = seal(&mut link, 0, Hash::START);
        assert_eq!(
            hash.to_string(),
            "9f186e4202fb2b3f60caaf20c0eab567a648a0bf63b6105e2794fa624c0dd11d"
        );
        assert_eq!(unseal(&link), Some((&br#"{"seq":1"#[..], hash)));
        assert!(link.ends_with(br#""}"#));
        assert_eq!(unseal(br#"{"seq":1}"#), None);
    }
}
