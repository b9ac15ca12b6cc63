//! Recordings at rest under AES-256-GCM.
//!
//! Each file has a random key of its own, which lies at its beginning, wrapped by a key of the key
//! file (`recordings.key_file`, see [`Keys`]). Sound is only ever added at the end, so that what
//! was sealed before a kill stays readable. Numbers are big-endian:
//!
//! ```text
//! 8  "HLVAULT" and the version, 1
//! 1  encoding of the sound: 1 PCM, 6 A-law (the format tags of WAV)
//! 1  length of the key's id, then the id
//! 1  length of the file's name, then the name
//! 12 nonce    48 the file's key, sealed under the named key; the bytes above are authenticated
//!
//! then any number of chunks:
//! 4  length of the sound, at most 64 KiB; of the last chunk the highest bit alone: it is empty
//! 12 nonce, random
//! n  sound, encrypted    16 tag; the chunk's number (8 bytes) and its first 4 are authenticated
//! ```
//!
//! A chunk that was changed, moved, left out or taken from another file does not open; a file
//! whose end was cut off has no last chunk, which must open before anything is played; a file under
//! another name is told by the name inside. The WAV header is not kept: it follows from encoding
//! and length. A key seals fewer than 2³² chunks, the limit of random nonces (NIST SP 800-38D
//! §8.3): at the 2.5 a second of a recording that is half a century.
//!
//! The SHA-256 in the journal is of the file as it lies on the disk: who has no key can check that
//! it is the one that was closed, and who has it that every byte of sound is what was heard.

mod keys;
mod open;
mod seal;
#[cfg(test)]
mod tests;

use hotline_media::wav::Encoding;
use ring::aead::{Aad, Nonce};

pub use keys::{Keys, fresh_line};
pub use open::{Sealed, has_end, is_sealed, repair};
pub use seal::Seal;

/// First bytes of each file.
const MAGIC: &[u8; 8] = b"HLVAULT1";

/// Bytes of a nonce.
const NONCE: usize = 12;

/// Bytes of a tag.
const TAG: usize = 16;

/// Bytes of a key.
const KEY: usize = 32;

/// Longest sound of one chunk, bytes.
const CHUNK_BYTES: usize = 64 * 1_024;

/// Set in the length of the last chunk.
const LAST: u32 = 1 << 31;

/// What a chunk authenticates beside its sound.
fn place(number: u64, head: [u8; 4]) -> Aad<[u8; 12]> {
    let mut bytes = [0; 12];
    let (of_number, of_head) = bytes.split_at_mut(8);
    of_number.copy_from_slice(&number.to_be_bytes());
    of_head.copy_from_slice(&head);
    Aad::from(bytes)
}

/// A random nonce.
fn fresh_nonce() -> std::io::Result<([u8; NONCE], Nonce)> {
    let mut bytes = [0; NONCE];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok((bytes, Nonce::assume_unique_for_key(bytes)))
}

/// In an encoding's byte: one voice alone.
const ALONE: u8 = 0x80;

/// The byte of an encoding.
fn byte_of(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Pcm => 1,
        Encoding::Alaw => 6,
        Encoding::PcmAlone => 1 | ALONE,
        Encoding::AlawAlone => 6 | ALONE,
    }
}
