//! What makes a nonce ours: its time and number under a seal, so that it need not be remembered.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Hex, unhex};

/// Seals nonces with HMAC-SHA-256 (RFC 2104), so that they need not be remembered.
pub(super) struct Seal {
    pub(super) key: [u8; 32],
}

/// Bytes of time, of number, and of the seal kept in a nonce.
const TIME: usize = 8;
const SEALED: usize = 16;
const NONCE: usize = SEALED + 16;

impl Seal {
    pub(super) fn close(&self, made_ms: u64, number: u64, realm: &[u8]) -> Hex {
        let content = (u128::from(made_ms) << 64 | u128::from(number)).to_be_bytes();
        let mut nonce = [0; NONCE];
        let mac = self.mac(&content, realm);
        for (to, from) in nonce.iter_mut().zip(content.iter().chain(&mac)) {
            *to = *from;
        }
        Hex::of(&nonce)
    }

    /// Time and number of a nonce that is ours.
    pub(super) fn open(&self, nonce: &[u8], realm: &[u8]) -> Option<(u64, u64)> {
        let bytes = unhex::<NONCE>(nonce)?;
        let (content, mac) = bytes.split_first_chunk::<SEALED>()?;
        let wanted = self.mac(content, realm);
        let (time, number) = content.split_first_chunk::<TIME>()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        bool::from(wanted.get(..mac.len())?.ct_eq(mac))
            .then_some((u64::from_be_bytes(*time), number))
    }

    pub(super) fn mac(&self, content: &[u8], realm: &[u8]) -> [u8; 32] {
        let keyed = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, key) in block.iter_mut().zip(self.key) {
                *byte ^= key;
            }
            Sha256::new_with_prefix(block)
        };
        let inner = keyed(0x36)
            .chain_update(content)
            .chain_update(realm)
            .finalize();
        keyed(0x5C).chain_update(inner).finalize().into()
    }
}

impl core::fmt::Debug for Seal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seal(secret)")
    }
}
