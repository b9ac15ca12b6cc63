//! Encrypts and authenticates one kind of packet in one direction.

use aes::{
    Aes128Enc,
    cipher::{InnerIvInit, KeyInit as _, StreamCipherCore},
};
use ctr::{CtrCore, flavors::Ctr128BE};
use hmac::{Hmac, KeyInit as _, Mac};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::{Keys, Profile, Refusal};

/// Longest tag of any profile, bytes.
pub(super) const TAG_BYTES: usize = 16;

/// Tag of AES-GCM, bytes (RFC 7714 §5.2).
const GCM_TAG_BYTES: usize = 16;

/// E flag and index at the end of SRTCP (RFC 3711 §3.4), bytes.
const WORD_BYTES: usize = 4;

/// Session keys of RTP or of RTCP in one direction.
#[expect(
    clippy::large_enum_variant,
    reason = "four a leg; a box would be one more step for every packet"
)]
pub(super) enum Cipher {
    Cm {
        key: Aes128Enc,
        salt: [u8; 14],
        mac: Hmac<Sha1>,
        tag: usize,
    },
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
}

/// What a packet is called in the cipher's initial value.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) ssrc: u32,
    /// 48 bits of RTP, 31 of RTCP.
    pub(super) index: u64,
}

impl Cipher {
    /// For RTP: labels 0, 1 and 2 (RFC 3711 §4.3.2).
    pub(super) fn for_rtp(keys: &Keys) -> Option<Self> {
        let tag = match keys.profile() {
            Profile::AesCm128HmacSha1_32 => 4,
            Profile::AesCm128HmacSha1_80 | Profile::AeadAes128Gcm => 10,
        };
        Self::derived(keys, 0, tag)
    }

    /// For RTCP: labels 3, 4 and 5.
    pub(super) fn for_rtcp(keys: &Keys) -> Option<Self> {
        Self::derived(keys, 3, 10)
    }

    fn derived(keys: &Keys, label: u8, tag: usize) -> Option<Self> {
        let key: [u8; 16] = keys.derive(label);
        match keys.profile() {
            Profile::AeadAes128Gcm => Self::gcm(&key, keys.derive(label + 2)),
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 => {
                let auth: [u8; 20] = keys.derive(label + 1);
                Self::cm(key, keys.derive(label + 2), &auth, tag)
            }
        }
    }

    /// From session keys.
    pub(super) fn gcm(key: &[u8; 16], salt: [u8; 12]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).ok()?);
        Some(Self::Gcm { key, salt })
    }

    /// From session keys.
    pub(super) fn cm(key: [u8; 16], salt: [u8; 14], auth: &[u8; 20], tag: usize) -> Option<Self> {
        Some(Self::Cm {
            key: Aes128Enc::new(&key.into()),
            salt,
            mac: Hmac::new_from_slice(auth).ok()?,
            tag,
        })
    }

    /// Protects the first `length` bytes of `buffer`, whose first `clear` stay readable. The new
    /// length; `None` when the buffer is too short.
    pub(super) fn seal_rtp(
        &self,
        buffer: &mut [u8],
        clear: usize,
        length: usize,
        name: Name,
    ) -> Option<usize> {
        match self {
            Self::Cm { key, salt, .. } => {
                self.has_room(buffer, length)?;
                keystream(key, salt, name, buffer.get_mut(clear..length)?);
                self.sign(buffer, length, &rollover(name))
            }
            Self::Gcm { key, salt } => {
                let end = length + GCM_TAG_BYTES;
                let (clear, rest) = buffer.get_mut(..end)?.split_at_mut_checked(clear)?;
                let (body, tag) = rest.split_at_mut_checked(rest.len().checked_sub(16)?)?;
                let sealed = key
                    .seal_in_place_separate_tag(nonce(salt, name), Aad::from(&*clear), body)
                    .ok()?;
                tag.copy_from_slice(sealed.as_ref());
                Some(end)
            }
        }
    }

    /// `Some` when a tag has room behind the first `signed` bytes: checked before anything changes.
    fn has_room(&self, buffer: &[u8], signed: usize) -> Option<()> {
        buffer.get(..signed + self.rtp_tag()).map(|_| ())
    }

    /// Puts the tag of the first `signed` bytes, and of `more` that is not sent, behind them. The
    /// new length.
    fn sign(&self, buffer: &mut [u8], signed: usize, more: &[u8]) -> Option<usize> {
        let Self::Cm { mac, tag, .. } = self else {
            return None;
        };
        let end = signed + tag;
        let code = code(mac, buffer.get(..signed)?, more);
        buffer
            .get_mut(signed..end)?
            .copy_from_slice(code.get(..*tag)?);
        Some(end)
    }

    /// Opens a whole packet, whose first `clear` bytes are readable. The new length.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        clear: usize,
        name: Name,
    ) -> Result<usize, Refusal> {
        let length = packet
            .len()
            .checked_sub(self.rtp_tag())
            .ok_or(Refusal::Malformed)?;
        let (head, rest) = packet
            .split_at_mut_checked(clear)
            .ok_or(Refusal::Malformed)?;
        match self {
            Self::Cm { key, salt, mac, .. } => {
                let body = length.checked_sub(clear).ok_or(Refusal::Malformed)?;
                let (body, tag) = rest.split_at_mut_checked(body).ok_or(Refusal::Malformed)?;
                let mut mac = mac.clone();
                mac.update(head);
                mac.update(body);
                mac.update(&rollover(name));
                authentic(mac, tag)?;
                keystream(key, salt, name, body);
            }
            Self::Gcm { key, salt } => {
                key.open_in_place(nonce(salt, name), Aad::from(&*head), rest)
                    .map_err(|_| Refusal::NotAuthentic)?;
            }
        }
        Ok(length)
    }

    const fn rtp_tag(&self) -> usize {
        match self {
            Self::Cm { tag, .. } => *tag,
            Self::Gcm { .. } => GCM_TAG_BYTES,
        }
    }

    /// Protects an RTCP packet of `length` bytes; its first 8 stay readable. The new length.
    pub(super) fn seal_rtcp(&self, buffer: &mut [u8], length: usize, name: Name) -> Option<usize> {
        // E is set: all we send is encrypted.
        let word = ((name.index as u32) | 1 << 31).to_be_bytes();
        match self {
            Self::Cm { key, salt, .. } => {
                let signed = length + WORD_BYTES;
                self.has_room(buffer, signed)?;
                keystream(key, salt, name, buffer.get_mut(RTCP_CLEAR..length)?);
                buffer.get_mut(length..signed)?.copy_from_slice(&word);
                self.sign(buffer, signed, &[])
            }
            Self::Gcm { key, salt } => {
                let tagged = length + GCM_TAG_BYTES;
                let end = tagged + WORD_BYTES;
                buffer.get_mut(tagged..end)?.copy_from_slice(&word);
                let aad = rtcp_aad(buffer, word)?;
                let body = buffer.get_mut(RTCP_CLEAR..length)?;
                let sealed = key
                    .seal_in_place_separate_tag(nonce(salt, name), Aad::from(aad), body)
                    .ok()?;
                buffer
                    .get_mut(length..tagged)?
                    .copy_from_slice(sealed.as_ref());
                Some(end)
            }
        }
    }

    /// The E flag and index of an SRTCP packet.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let after = match self {
            Self::Cm { tag, .. } => *tag,
            Self::Gcm { .. } => 0,
        };
        let end = packet.len().checked_sub(after)?;
        let word = packet.get(end.checked_sub(WORD_BYTES)?..end)?;
        Some(u32::from_be_bytes(word.try_into().ok()?))
    }

    /// Opens an SRTCP packet. The new length.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], name: Name) -> Result<usize, Refusal> {
        let over = match self {
            Self::Cm { tag, .. } => WORD_BYTES + tag,
            Self::Gcm { .. } => WORD_BYTES + GCM_TAG_BYTES,
        };
        let length = packet.len().checked_sub(over);
        let length = length
            .filter(|&l| l >= RTCP_CLEAR)
            .ok_or(Refusal::Malformed)?;
        match self {
            Self::Cm { key, salt, mac, .. } => {
                let (signed, tag) = packet
                    .split_at_mut_checked(length + WORD_BYTES)
                    .ok_or(Refusal::Malformed)?;
                let mut mac = mac.clone();
                mac.update(signed);
                authentic(mac, tag)?;
                let body = signed
                    .get_mut(RTCP_CLEAR..length)
                    .ok_or(Refusal::Malformed)?;
                keystream(key, salt, name, body);
            }
            Self::Gcm { key, salt } => {
                let word = ((name.index as u32) | 1 << 31).to_be_bytes();
                let aad = rtcp_aad(packet, word).ok_or(Refusal::Malformed)?;
                let tagged = length + GCM_TAG_BYTES;
                let body = packet
                    .get_mut(RTCP_CLEAR..tagged)
                    .ok_or(Refusal::Malformed)?;
                key.open_in_place(nonce(salt, name), Aad::from(aad), body)
                    .map_err(|_| Refusal::NotAuthentic)?;
            }
        }
        Ok(length)
    }
}

/// Header and SSRC of the first report, which RTCP leaves readable, bytes.
pub(super) const RTCP_CLEAR: usize = 8;

/// AES-CM (RFC 3711 §4.1.1): the keystream over `body`.
fn keystream(key: &Aes128Enc, salt: &[u8; 14], name: Name, body: &mut [u8]) {
    let mut iv = [0_u8; 16];
    let mixed = u128::from(name.ssrc) << 64 | u128::from(name.index) << 16;
    for ((to, salt), mixed) in iv.iter_mut().zip(salt).zip(mixed.to_be_bytes()) {
        *to = salt ^ mixed;
    }
    let stream = CtrCore::<_, Ctr128BE>::inner_iv_init(key.clone(), &iv.into());
    stream.apply_keystream_partial(body.into());
}

/// The nonce of AES-GCM (RFC 7714 §8.1, §9.1).
fn nonce(salt: &[u8; 12], name: Name) -> Nonce {
    let mut nonce = [0_u8; 12];
    let mixed = u128::from(name.ssrc) << 48 | u128::from(name.index);
    for ((to, salt), mixed) in nonce
        .iter_mut()
        .zip(salt)
        .zip(mixed.to_be_bytes().into_iter().skip(4))
    {
        *to = salt ^ mixed;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// What AES-GCM authenticates of SRTCP beside the encrypted part (RFC 7714 §9.2).
fn rtcp_aad(packet: &[u8], word: [u8; WORD_BYTES]) -> Option<[u8; RTCP_CLEAR + WORD_BYTES]> {
    let mut aad = [0_u8; RTCP_CLEAR + WORD_BYTES];
    let (head, tail) = aad.split_at_mut_checked(RTCP_CLEAR)?;
    head.copy_from_slice(packet.get(..RTCP_CLEAR)?);
    tail.copy_from_slice(&word);
    Some(aad)
}

/// The rollover counter, which is authenticated but not sent (RFC 3711 §4.2).
const fn rollover(name: Name) -> [u8; 4] {
    ((name.index >> 16) as u32).to_be_bytes()
}

fn code(mac: &Hmac<Sha1>, message: &[u8], more: &[u8]) -> [u8; 20] {
    let mut mac = mac.clone();
    mac.update(message);
    mac.update(more);
    mac.finalize().into_bytes().into()
}

fn authentic(mac: Hmac<Sha1>, tag: &[u8]) -> Result<(), Refusal> {
    let code: [u8; 20] = mac.finalize().into_bytes().into();
    let code = code.get(..tag.len()).ok_or(Refusal::Malformed)?;
    if bool::from(code.ct_eq(tag)) {
        Ok(())
    } else {
        Err(Refusal::NotAuthentic)
    }
}
