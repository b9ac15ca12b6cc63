//! STUN binding requests and their answers (RFC 8489), as far as connectivity checks need them
//! (RFC 8445 §7). Nothing else of STUN is understood, and nothing is answered that is not a
//! request to us.

use core::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit as _, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Room for any answer of ours, bytes.
pub const ANSWER_BYTES: usize = 128;

/// Length of the header (RFC 8489 §5), bytes.
const HEADER_BYTES: usize = 20;

const MAGIC: u32 = 0x2112_A442;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_INDICATION: u16 = 0x0011;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802A;

/// What FINGERPRINT is mixed with (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// Code over a message up to MESSAGE-INTEGRITY, bytes.
const INTEGRITY_BYTES: usize = 20;

/// A binding request or indication as it was received. Nothing of it is authentic before
/// [`Binding::is_authentic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    bytes: &'a [u8],
    /// Whether an answer is expected; an indication keeps an address open and wants none.
    pub is_request: bool,
    /// Transaction id, of the sender's choice.
    pub transaction: [u8; 12],
    /// USERNAME: "ours:theirs" (RFC 8445 §7.2.2).
    pub username: Option<&'a [u8]>,
    /// PRIORITY of the path, as the peer sees it.
    pub priority: Option<u32>,
    /// USE-CANDIDATE: the peer chose this path (RFC 8445 §7.1.1).
    pub nominates: bool,
    /// ICE-CONTROLLED: the peer thinks that it is controlled, as we are; its tie-breaker.
    pub controlled: Option<u64>,
    /// ICE-CONTROLLING: the peer's tie-breaker.
    pub controlling: Option<u64>,
    /// The first attribute that we would have to understand and do not (RFC 8489 §6.3.1).
    pub unknown: Option<u16>,
    /// Where MESSAGE-INTEGRITY begins.
    integrity: Option<usize>,
}

impl<'a> Binding<'a> {
    /// Whether bytes may be STUN at all: the two top bits and the cookie (RFC 8489 §5).
    pub fn is_stun(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| first >> 6 == 0)
            && bytes.get(4..8) == Some(&MAGIC.to_be_bytes())
    }

    /// Reads a binding request or indication. `None` for everything else, and for one that is
    /// malformed or whose FINGERPRINT is wrong: none of these is answered.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let [k0, k1, l0, l1, _, _, _, _, transaction @ ..] = *header;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if !Self::is_stun(bytes) || length % 4 != 0 || bytes.len() != HEADER_BYTES + length {
            return None;
        }
        let is_request = match u16::from_be_bytes([k0, k1]) {
            BINDING_REQUEST => true,
            BINDING_INDICATION => false,
            _ => return None,
        };
        let mut binding = Self {
            bytes,
            is_request,
            transaction,
            username: None,
            priority: None,
            nominates: false,
            controlled: None,
            controlling: None,
            unknown: None,
            integrity: None,
        };
        binding.read_attributes()?;
        Some(binding)
    }

    fn read_attributes(&mut self) -> Option<()> {
        let mut at = HEADER_BYTES;
        while at < self.bytes.len() {
            let [k0, k1, l0, l1] = *self.bytes.get(at..)?.first_chunk()?;
            let kind = u16::from_be_bytes([k0, k1]);
            let start = at + 4;
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let value = self.bytes.get(start..start + length)?;
            if kind == FINGERPRINT {
                // The last of all, and it says so of what stands before it.
                let whole = start + length == self.bytes.len();
                let right = value == fingerprint(self.bytes.get(..at)?).to_be_bytes();
                return (whole && right).then_some(());
            }
            // After the code only FINGERPRINT counts (RFC 8489 §14.5).
            if self.integrity.is_none() {
                self.read(kind, value, at)?;
            }
            at = start + length.next_multiple_of(4);
        }
        (at == self.bytes.len()).then_some(())
    }

    fn read(&mut self, kind: u16, value: &'a [u8], at: usize) -> Option<()> {
        match kind {
            // Of several the first counts (RFC 8489 §14).
            USERNAME => self.username = self.username.or(Some(value)),
            PRIORITY => self.priority = Some(u32::from_be_bytes(value.try_into().ok()?)),
            USE_CANDIDATE => self.nominates = true,
            ICE_CONTROLLED => {
                self.controlled = Some(u64::from_be_bytes(value.try_into().ok()?));
            }
            ICE_CONTROLLING => {
                self.controlling = Some(u64::from_be_bytes(value.try_into().ok()?));
            }
            MESSAGE_INTEGRITY => {
                self.integrity = (value.len() == INTEGRITY_BYTES).then_some(at);
                self.integrity?;
            }
            // Below 0x8000 an attribute must be understood.
            0..0x8000 => self.unknown = self.unknown.or(Some(kind)),
            _ => {}
        }
        Some(())
    }

    /// Whether a code of ours is in it at all.
    pub const fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether MESSAGE-INTEGRITY is that of `password` (RFC 8489 §14.5): the code is over the
    /// message up to it, with a length as if it ended with it.
    pub fn is_authentic(&self, password: &[u8]) -> bool {
        let Some(at) = self.integrity else {
            return false;
        };
        let given = self.bytes.get(at + 4..at + 4 + INTEGRITY_BYTES);
        let (Some(before), Some(given)) = (self.bytes.get(..at), given) else {
            return false;
        };
        integrity(before, password).is_some_and(|code| bool::from(code.ct_eq(given)))
    }

    /// The two halves of the user name: ours and the peer's.
    pub fn names(&self) -> Option<(&'a [u8], &'a [u8])> {
        let username = self.username?;
        let colon = username.iter().position(|&byte| byte == b':')?;
        Some((username.get(..colon)?, username.get(colon + 1..)?))
    }
}

/// HMAC-SHA1 over the message `before` the attribute, its length field as with the attribute.
fn integrity(before: &[u8], password: &[u8]) -> Option<[u8; INTEGRITY_BYTES]> {
    let [k0, k1, _, _, rest @ ..] = before else {
        return None;
    };
    let length = (before.len() + 4 + INTEGRITY_BYTES).checked_sub(HEADER_BYTES)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(password).ok()?;
    mac.update(&[*k0, *k1]);
    mac.update(&u16::try_from(length).ok()?.to_be_bytes());
    mac.update(rest);
    Some(mac.finalize().into_bytes().into())
}

/// CRC-32 over the message before the attribute. The length field must count the attribute already.
fn fingerprint(before: &[u8]) -> u32 {
    crc32fast::hash(before) ^ FINGERPRINT_XOR
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success: where the request came from, as we see it.
    Mapped(SocketAddr),
    /// 400: no user name or no code (RFC 8489 §9.1.3).
    BadRequest,
    /// 401: the code is wrong, or the name is not ours.
    Unauthenticated,
    /// 420: an attribute that must be understood and is not.
    Unknown(u16),
    /// 487: both ends think that they are controlled (RFC 8445 §7.3.1.1).
    RoleConflict,
}

/// Composes the answer to a request into `room`; the part that was written. Signed with the
/// password when one is given; an answer to a request that was not authentic has none. `None` when
/// the room is too short: [`ANSWER_BYTES`] suffice.
pub fn compose<'r>(
    answer: Answer,
    transaction: &[u8; 12],
    password: Option<&[u8]>,
    room: &'r mut [u8],
) -> Option<&'r [u8]> {
    let mut out = Writer { room, length: 0 };
    let kind = match answer {
        Answer::Mapped(_) => BINDING_SUCCESS,
        _ => BINDING_ERROR,
    };
    out.put(&kind.to_be_bytes())?;
    out.put(&[0, 0])?;
    out.put(&MAGIC.to_be_bytes())?;
    out.put(transaction)?;
    match answer {
        Answer::Mapped(from) => out.mapped(from, transaction)?,
        Answer::BadRequest => out.error(400)?,
        Answer::Unauthenticated => out.error(401)?,
        Answer::RoleConflict => out.error(487)?,
        Answer::Unknown(kind) => {
            out.error(420)?;
            out.attribute(UNKNOWN_ATTRIBUTES, &kind.to_be_bytes())?;
        }
    }
    if let Some(password) = password {
        let code = integrity(out.written()?, password)?;
        out.attribute(MESSAGE_INTEGRITY, &code)?;
    }
    out.count(8)?;
    let crc = fingerprint(out.written()?);
    out.attribute(FINGERPRINT, &crc.to_be_bytes())?;
    let Writer { room, length } = out;
    room.get(..length)
}

struct Writer<'r> {
    room: &'r mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length + bytes.len();
        self.room.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) -> Option<()> {
        self.put(&kind.to_be_bytes())?;
        self.put(&u16::try_from(value.len()).ok()?.to_be_bytes())?;
        self.put(value)?;
        self.put([0; 3].get(..value.len().next_multiple_of(4) - value.len())?)?;
        self.count(0)
    }

    /// Writes the length of the message with `more` bytes into the header.
    fn count(&mut self, more: usize) -> Option<()> {
        let length = u16::try_from(self.length + more - HEADER_BYTES).ok()?;
        self.room
            .get_mut(2..4)?
            .copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    fn written(&self) -> Option<&[u8]> {
        self.room.get(..self.length)
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    fn mapped(&mut self, from: SocketAddr, transaction: &[u8; 12]) -> Option<()> {
        let mut value = [0_u8; 20];
        let port = from.port() ^ (MAGIC >> 16) as u16;
        let mask = MAGIC.to_be_bytes().into_iter().chain(*transaction);
        let (v4, v6);
        let (family, octets): (u8, &[u8]) = match from.ip() {
            IpAddr::V4(ip) => {
                v4 = ip.octets();
                (1, &v4)
            }
            IpAddr::V6(ip) => {
                v6 = ip.octets();
                (2, &v6)
            }
        };
        let [_, kind, p0, p1, address @ ..] = &mut value;
        *kind = family;
        [*p0, *p1] = port.to_be_bytes();
        for ((to, octet), mask) in address.iter_mut().zip(octets).zip(mask) {
            *to = octet ^ mask;
        }
        self.attribute(XOR_MAPPED_ADDRESS, value.get(..4 + octets.len())?)
    }

    /// ERROR-CODE (RFC 8489 §14.8), without words.
    fn error(&mut self, code: u16) -> Option<()> {
        self.attribute(ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8])
    }
}

/// A request as a browser sends it, for tests and load.
pub fn request<'r>(
    transaction: &[u8; 12],
    username: &str,
    password: &[u8],
    nominates: bool,
    room: &'r mut [u8],
) -> Option<&'r [u8]> {
    let mut out = Writer { room, length: 0 };
    out.put(&BINDING_REQUEST.to_be_bytes())?;
    out.put(&[0, 0])?;
    out.put(&MAGIC.to_be_bytes())?;
    out.put(transaction)?;
    out.attribute(USERNAME, username.as_bytes())?;
    out.attribute(ICE_CONTROLLING, &[7; 8])?;
    if nominates {
        out.attribute(USE_CANDIDATE, &[])?;
    }
    out.attribute(PRIORITY, &0x6E00_01FF_u32.to_be_bytes())?;
    let code = integrity(out.written()?, password)?;
    out.attribute(MESSAGE_INTEGRITY, &code)?;
    out.count(8)?;
    let crc = fingerprint(out.written()?);
    out.attribute(FINGERPRINT, &crc.to_be_bytes())?;
    let Writer { room, length } = out;
    room.get(..length)
}

#[cfg(test)]
#[path = "stun_tests.rs"]
mod tests;
