//! Secure RTP (RFC 3711, RFC 7714): packets are protected and opened where they lie.
//!
//! Our own on the primitives of RustCrypto and ring, and not `rtc-srtp`: that one allocates a
//! buffer for every packet, keeps state for every SSRC before it has authenticated anything (a
//! stranger fills the memory), and compares replays by the 16-bit sequence number, without the
//! rollover counter. Here nothing is allocated after set-up, a packet that is not authentic
//! changes nothing, and sources are bounded.

use core::fmt;

use hotline_model::limits::SRTP_SOURCES;

mod cipher;
mod keys;
#[cfg(test)]
mod tests;
mod window;

use cipher::{Cipher, Name};
pub use keys::{KEY_BYTES, Keys, Profile, SALT_BYTES};
use window::Window;

/// Most bytes that protection adds to a packet: tag of AES-GCM, and the index of SRTCP. A buffer
/// to be protected needs so much room behind the packet.
pub const OVERHEAD_BYTES: usize = cipher::TAG_BYTES + 4;

/// Last index of SRTP under one key (RFC 3711 §9.2).
const RTP_INDEX_LAST: u64 = (1 << 48) - 1;

/// Last index of SRTCP under one key.
const RTCP_INDEX_LAST: u64 = (1 << 31) - 1;

/// Why a packet was not protected or not opened. The caller counts and drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Not a packet, or no room for the tag.
    Malformed,
    /// The tag is wrong: damaged, forged, or under another key.
    NotAuthentic,
    /// Seen before, or too old to know. When sending: this sequence number was used already, and
    /// a second packet under it would give both away (RFC 3711 §9.1).
    Replayed,
    /// One more source than [`SRTP_SOURCES`].
    Crowded,
    /// The key has protected all it may (RFC 3711 §9.2).
    Exhausted,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a packet",
            Self::NotAuthentic => "packet is not authentic",
            Self::Replayed => "packet was seen before",
            Self::Crowded => "too many sources",
            Self::Exhausted => "key is used up",
        })
    }
}

impl core::error::Error for Refusal {}

/// Both directions of one leg. Made once the keys are agreed.
pub struct Guard {
    sending: Way,
    receiving: Way,
}

/// One direction.
struct Way {
    keys: Keys,
    rtp: Cipher,
    rtcp: Cipher,
    /// Never more than were allocated at first.
    sources: Vec<Source>,
}

#[derive(Clone, Copy, Default)]
struct Source {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

impl Guard {
    /// A guard that sends under one key and receives under the other. `None` when the library
    /// refuses a key, which it has no reason to.
    pub fn new(sending: &Keys, receiving: &Keys) -> Option<Self> {
        Some(Self {
            sending: Way::new(sending)?,
            receiving: Way::new(receiving)?,
        })
    }

    /// Takes newly agreed keys. A direction whose key stayed goes on where it was: to begin anew
    /// under the same key would use the same keystream twice. `None` as in [`Guard::new`].
    pub fn renew(&mut self, sending: &Keys, receiving: &Keys) -> Option<()> {
        if self.sending.keys != *sending {
            self.sending = Way::new(sending)?;
        }
        if self.receiving.keys != *receiving {
            self.receiving = Way::new(receiving)?;
        }
        Some(())
    }

    /// Protects the RTP packet that is the first `length` bytes of `buffer`, in place. The new
    /// length, at most [`OVERHEAD_BYTES`] more.
    ///
    /// # Errors
    /// [`Refusal`]; the buffer is then as it was, unless it was [`Refusal::Malformed`].
    pub fn protect_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refusal> {
        let (ssrc, sequence, clear) = rtp_head(buffer.get(..length).ok_or(Refusal::Malformed)?)?;
        let (at, mut source) = self.sending.source(ssrc)?;
        let index = source.rtp.index(sequence);
        if index > RTP_INDEX_LAST {
            return Err(Refusal::Exhausted);
        }
        if !source.rtp.is_fresh(index) {
            return Err(Refusal::Replayed);
        }
        let sealed = self
            .sending
            .rtp
            .seal_rtp(buffer, clear, length, Name { ssrc, index })
            .ok_or(Refusal::Malformed)?;
        source.rtp.mark(index);
        self.sending.keep(at, source);
        Ok(sealed)
    }

    /// Opens a received SRTP packet in place. The length of the RTP packet.
    ///
    /// # Errors
    /// [`Refusal`]; the packet's bytes are then worth nothing.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        let (ssrc, sequence, clear) = rtp_head(packet)?;
        let (at, mut source) = self.receiving.source(ssrc)?;
        let index = source.rtp.index(sequence);
        if index > RTP_INDEX_LAST || !source.rtp.is_fresh(index) {
            return Err(Refusal::Replayed);
        }
        let name = Name { ssrc, index };
        let length = self.receiving.rtp.open_rtp(packet, clear, name)?;
        source.rtp.mark(index);
        self.receiving.keep(at, source);
        Ok(length)
    }

    /// Protects the (compound) RTCP packet that is the first `length` bytes of `buffer`, in place.
    /// The new length, at most [`OVERHEAD_BYTES`] more.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refusal> {
        let ssrc = rtcp_ssrc(buffer.get(..length).ok_or(Refusal::Malformed)?)?;
        let (at, mut source) = self.sending.source(ssrc)?;
        let index = source.rtcp.next();
        if index > RTCP_INDEX_LAST {
            return Err(Refusal::Exhausted);
        }
        let sealed = self
            .sending
            .rtcp
            .seal_rtcp(buffer, length, Name { ssrc, index })
            .ok_or(Refusal::Malformed)?;
        source.rtcp.mark(index);
        self.sending.keep(at, source);
        Ok(sealed)
    }

    /// Opens a received SRTCP packet in place. The length of the RTCP packet. An unencrypted one
    /// (E = 0) is refused, for we agree on no such thing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        let ssrc = rtcp_ssrc(packet)?;
        let word = self
            .receiving
            .rtcp
            .rtcp_word(packet)
            .ok_or(Refusal::Malformed)?;
        let index = u64::from(word & !(1 << 31));
        if word >> 31 == 0 {
            return Err(Refusal::Malformed);
        }
        let (at, mut source) = self.receiving.source(ssrc)?;
        if !source.rtcp.is_fresh(index) {
            return Err(Refusal::Replayed);
        }
        let name = Name { ssrc, index };
        let length = self.receiving.rtcp.open_rtcp(packet, name)?;
        source.rtcp.mark(index);
        self.receiving.keep(at, source);
        Ok(length)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Way {
    fn new(keys: &Keys) -> Option<Self> {
        Some(Self {
            keys: *keys,
            rtp: Cipher::for_rtp(keys)?,
            rtcp: Cipher::for_rtcp(keys)?,
            sources: Vec::with_capacity(SRTP_SOURCES),
        })
    }

    /// Where a source stands or would stand, and a copy of it.
    fn source(&self, ssrc: u32) -> Result<(usize, Source), Refusal> {
        let mut known = self.sources.iter().enumerate();
        if let Some((at, source)) = known.find(|(_, source)| source.ssrc == ssrc) {
            return Ok((at, *source));
        }
        if self.sources.len() >= SRTP_SOURCES {
            return Err(Refusal::Crowded);
        }
        let source = Source {
            ssrc,
            ..Source::default()
        };
        Ok((self.sources.len(), source))
    }

    /// Takes the copy back, now that the packet is authentic.
    fn keep(&mut self, at: usize, source: Source) {
        match self.sources.get_mut(at) {
            Some(known) => *known = source,
            None => self.sources.push(source),
        }
    }
}

/// SSRC, sequence number and length of the header with its extension (RFC 3550 §5.1, §5.3.1).
fn rtp_head(packet: &[u8]) -> Result<(u32, u16, usize), Refusal> {
    head_of(packet).ok_or(Refusal::Malformed)
}

fn head_of(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let fixed: &[u8; 12] = packet.first_chunk()?;
    let [first, _, s0, s1, _, _, _, _, ssrc @ ..] = *fixed;
    if first >> 6 != 2 {
        return None;
    }
    let mut length = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let words: &[u8; 2] = packet.get(length + 2..)?.first_chunk()?;
        length += 4 + 4 * usize::from(u16::from_be_bytes(*words));
    }
    packet.get(..length)?;
    Some((
        u32::from_be_bytes(ssrc),
        u16::from_be_bytes([s0, s1]),
        length,
    ))
}

/// SSRC of an RTCP packet's sender.
fn rtcp_ssrc(packet: &[u8]) -> Result<u32, Refusal> {
    let head: &[u8; 8] = packet.first_chunk().ok_or(Refusal::Malformed)?;
    let [first, _, _, _, ssrc @ ..] = *head;
    if first >> 6 != 2 {
        return Err(Refusal::Malformed);
    }
    Ok(u32::from_be_bytes(ssrc))
}
