//! Master keys and what is derived from them (RFC 3711 §4.3).

use core::fmt;

use aes::{
    Aes128,
    cipher::{BlockEncrypt, KeyInit},
};
/// Length of a master key, bytes.
pub const KEY_BYTES: usize = 16;

/// Longest master salt, bytes: 14 with AES-CM, 12 with AES-GCM.
pub const SALT_BYTES: usize = 14;

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `AEAD_AES_128_GCM` (RFC 7714): 16 bytes longer, and the cheapest on a CPU with AES.
    AeadAes128Gcm,
    /// `AES_CM_128_HMAC_SHA1_80` (RFC 3711 §4, §5): 10 bytes longer; what every phone has.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: as before, with 4 bytes on RTP (RTCP has 10, RFC 5764 §4.1.2).
    AesCm128HmacSha1_32,
}

impl Profile {
    /// Length of the master salt, bytes.
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
        }
    }

    /// Name in an `a=crypto` line (RFC 4568 §6.2, RFC 7714 §14.2).
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// A master key and salt of one direction. Shown nowhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    profile: Profile,
    key: [u8; KEY_BYTES],
    /// With AES-GCM the last two bytes are zero, as its derivation wants it (RFC 7714 §11).
    salt: [u8; SALT_BYTES],
}

impl Keys {
    /// The key and the salt one after the other, as SDP has them (RFC 4568 §6.1). `None` when the
    /// length is not the profile's.
    pub fn read(profile: Profile, bytes: &[u8]) -> Option<Self> {
        let (key, salt) = bytes.split_at_checked(KEY_BYTES)?;
        Self::of(profile, key, salt)
    }

    /// From a key and a salt. `None` when a length is not the profile's.
    pub fn of(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        let mut keys = Self {
            profile,
            key: key.try_into().ok()?,
            salt: [0; SALT_BYTES],
        };
        let room = keys.salt.get_mut(..profile.salt_bytes())?;
        if salt.len() != room.len() {
            return None;
        }
        room.copy_from_slice(salt);
        Some(keys)
    }

    /// From random bytes; those the profile has no use for are left.
    pub fn random(profile: Profile, random: &[u8; KEY_BYTES + SALT_BYTES]) -> Self {
        let mut keys = Self {
            profile,
            key: [0; KEY_BYTES],
            salt: [0; SALT_BYTES],
        };
        let room = keys.key.iter_mut();
        let room = room.chain(keys.salt.iter_mut().take(profile.salt_bytes()));
        for (byte, random) in room.zip(random) {
            *byte = *random;
        }
        keys
    }

    /// The profile they are for.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Key and salt one after the other, as SDP has them.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let salt = self.salt.into_iter().take(self.profile.salt_bytes());
        self.key.into_iter().chain(salt)
    }

    /// Session key number `label`: the keystream of AES-CM over the salt with the label mixed in
    /// (RFC 3711 §4.3.1, §4.3.3; the key derivation rate is 0).
    pub(super) fn derive<const N: usize>(&self, label: u8) -> [u8; N] {
        let mut block = [0_u8; 16];
        for (to, from) in block.iter_mut().zip(self.salt) {
            *to = from;
        }
        if let Some(byte) = block.get_mut(7) {
            *byte ^= label;
        }
        let cipher = Aes128::new(&self.key.into());
        let mut derived = [0_u8; N];
        for (counter, chunk) in derived.chunks_mut(16).enumerate() {
            let mut stream = block;
            // At most four blocks are asked for.
            if let Some(byte) = stream.last_mut() {
                *byte = counter as u8;
            }
            let mut stream = stream.into();
            cipher.encrypt_block(&mut stream);
            for (to, from) in chunk.iter_mut().zip(stream) {
                *to = from;
            }
        }
        derived
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.profile.name())
    }
}
