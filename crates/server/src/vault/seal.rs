//! Seals a recording as it is written.

use std::io::{self, Write};

use hotline_media::{recorder::Tape, wav::Encoding};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};

use super::{CHUNK_BYTES, KEY, Keys, LAST, MAGIC, byte_of, fresh_nonce, place};

/// A sealed recording being written. Its bytes only ever follow each other.
pub struct Seal<W> {
    writer: W,
    encoding: Encoding,
    key: LessSafeKey,
    /// Number of the next chunk.
    number: u64,
    /// What comes before the first chunk; empty once it is written.
    header: Vec<u8>,
    /// Length of the file up to the last chunk that was written whole, bytes.
    good: u64,
    whole: Option<Vec<u8>>,
}

impl<W: Write> Seal<W> {
    /// A recording of that name at the start of an empty file; nothing is written before there is
    /// sound.
    ///
    /// # Errors
    /// When the name is too long, or the machine gives no randomness.
    pub fn new(writer: W, encoding: Encoding, name: &str, keys: &Keys) -> io::Result<Self> {
        let mut own = [0; KEY];
        getrandom::fill(&mut own).map_err(io::Error::other)?;
        Ok(Self {
            writer,
            encoding,
            header: header(encoding, name, keys, &own)?,
            key: key(&own)?,
            number: 0,
            good: 0,
            whole: None,
        })
    }

    /// A recording that goes on behind `number` chunks, which end at byte `good`.
    pub(super) fn resume(
        writer: W,
        encoding: Encoding,
        key: LessSafeKey,
        number: u64,
        good: u64,
    ) -> Self {
        Self {
            writer,
            encoding,
            key,
            number,
            header: Vec::new(),
            good,
            whole: None,
        }
    }

    /// What it is written to; and the whole file, where it was so short that it was written at
    /// once.
    pub fn into_parts(self) -> (W, Option<Vec<u8>>) {
        (self.writer, self.whole)
    }

    /// What it is written to.
    pub fn writer(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Length of the file up to the last chunk that was written whole, bytes.
    pub fn good(&self) -> u64 {
        self.good
    }

    fn put(&mut self, sound: &[u8], last: bool) -> io::Result<Vec<u8>> {
        let mut bytes = core::mem::take(&mut self.header);
        let mut number = self.number;
        for piece in sound.chunks(CHUNK_BYTES) {
            self.seal(number, piece, false, &mut bytes)?;
            number += 1;
        }
        if last {
            self.seal(number, &[], true, &mut bytes)?;
            number += 1;
        }
        self.writer.write_all(&bytes)?;
        self.writer.flush()?;
        self.number = number;
        self.good += bytes.len() as u64;
        Ok(bytes)
    }

    fn seal(&self, number: u64, sound: &[u8], last: bool, to: &mut Vec<u8>) -> io::Result<()> {
        let length = u32::try_from(sound.len()).map_err(io::Error::other)?;
        let head = (length | if last { LAST } else { 0 }).to_be_bytes();
        let (nonce_bytes, nonce) = fresh_nonce()?;
        to.extend_from_slice(&head);
        to.extend_from_slice(&nonce_bytes);
        let mut sealed = sound.to_vec();
        self.key
            .seal_in_place_append_tag(nonce, place(number, head), &mut sealed)
            .map_err(|_| io::Error::other("a chunk cannot be sealed"))?;
        to.extend_from_slice(&sealed);
        Ok(())
    }
}

impl<W: Write> Tape for Seal<W> {
    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn add(&mut self, sound: &[u8], _: u64) -> io::Result<()> {
        self.put(sound, false).map(drop)
    }

    fn end(&mut self, sound: &[u8], _: u64) -> io::Result<()> {
        let at_once = self.good == 0;
        let bytes = self.put(sound, true)?;
        self.whole = at_once.then_some(bytes);
        Ok(())
    }
}

/// What comes before the first chunk.
fn header(encoding: Encoding, name: &str, keys: &Keys, own: &[u8]) -> io::Result<Vec<u8>> {
    let (id, wrapping) = keys
        .newest()
        .ok_or_else(|| io::Error::other("there is no key"))?;
    let mut header = MAGIC.to_vec();
    header.push(byte_of(encoding));
    for text in [id, name] {
        let length = u8::try_from(text.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a name is too long"))?;
        header.push(length);
        header.extend_from_slice(text.as_bytes());
    }
    let (nonce_bytes, nonce) = fresh_nonce()?;
    let mut wrapped = own.to_vec();
    wrapping
        .seal_in_place_append_tag(nonce, Aad::from(&header), &mut wrapped)
        .map_err(|_| io::Error::other("a key cannot be wrapped"))?;
    header.extend_from_slice(&nonce_bytes);
    header.extend_from_slice(&wrapped);
    Ok(header)
}

/// A key from its bytes.
pub(super) fn key(bytes: &[u8]) -> io::Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes)
        .map(LessSafeKey::new)
        .map_err(|_| io::Error::other("a key has 32 bytes"))
}
