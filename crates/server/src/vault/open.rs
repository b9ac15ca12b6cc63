//! Reads sealed recordings, and ends those that a kill cut.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use hotline_media::{recorder::Tape, repair::Repair, wav::Encoding};
use ring::aead::{Aad, LessSafeKey, Nonce};

use super::{CHUNK_BYTES, KEY, Keys, LAST, MAGIC, NONCE, Seal, TAG, byte_of, place, seal::key};

/// Bytes of a chunk beside its sound.
const AROUND: u64 = (4 + NONCE + TAG) as u64;

/// Whether a file begins as a sealed recording does. Leaves the position behind what it read.
///
/// # Errors
/// When it cannot be read.
pub fn is_sealed(file: &mut impl Read) -> io::Result<bool> {
    let mut magic = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    Ok(magic == MAGIC)
}

/// Whether a sealed file ends as a complete one does, by its last bytes alone: a quick look at
/// many. Whether that end is genuine tells [`Sealed::open`].
///
/// # Errors
/// When it cannot be read.
pub fn has_end(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let Some(at) = length.checked_sub(AROUND) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; 4];
    file.read_exact(&mut head)?;
    Ok(u32::from_be_bytes(head) == LAST)
}

fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// A sealed recording, read as the WAV that it stands for, piece by piece.
pub struct Sealed {
    file: BufReader<File>,
    key: LessSafeKey,
    encoding: Encoding,
    name: String,
    /// Where the first chunk begins, and where the file ends.
    body: u64,
    end: u64,
    /// Where the next chunk begins, and its number.
    at: u64,
    number: u64,
    /// The last chunk was read.
    over: bool,
    /// Bytes of sound that the heads of all whole chunks tell.
    sound: u64,
    complete: bool,
    /// Where the next piece begins in the WAV.
    position: u64,
}

/// What the beginning of a file says.
struct Beginning {
    encoding: Encoding,
    name: String,
    key: LessSafeKey,
}

impl Sealed {
    /// Opens a recording. Of a complete one the end is proven to be there before this returns; of
    /// others see [`is_complete`](Self::is_complete).
    ///
    /// # Errors
    /// When it cannot be read, is no sealed recording, the key that wrapped its own is not among
    /// the keys, or its end is not what was written.
    pub fn open(file: File, keys: &Keys) -> io::Result<Self> {
        let mut opened = Self::begin(file, keys)?;
        opened.measure()?;
        Ok(opened)
    }

    fn begin(file: File, keys: &Keys) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let mut file = BufReader::new(file);
        file.rewind()?;
        let Beginning {
            encoding,
            name,
            key,
        } = beginning(&mut file, keys)?;
        let body = file.stream_position()?;
        Ok(Self {
            file,
            key,
            encoding,
            name,
            body,
            end,
            at: body,
            number: 0,
            over: false,
            sound: 0,
            complete: false,
            position: 0,
        })
    }

    /// The file name under which it was recorded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has its end; else it is still being written, or was cut.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Length of the WAV, bytes.
    pub fn wav_bytes(&self) -> u64 {
        self.encoding.header_bytes() + self.sound
    }

    /// Adds up what the heads tell, and opens the last chunk.
    fn measure(&mut self) -> io::Result<()> {
        while let Some((length, last)) = self.head()? {
            self.sound += length;
            if last {
                self.chunk(length, last)?;
                if self.at != self.end {
                    return Err(damaged("something follows the recording's end"));
                }
                self.complete = true;
                break;
            }
            self.skip(length)?;
        }
        self.rewind()
    }

    fn rewind(&mut self) -> io::Result<()> {
        (self.at, self.number, self.over, self.position) = (self.body, 0, false, 0);
        self.file.seek(SeekFrom::Start(self.body)).map(drop)
    }

    /// Length and kind of the next chunk, where a whole one follows.
    fn head(&mut self) -> io::Result<Option<(u64, bool)>> {
        if self.over || self.end.saturating_sub(self.at) < AROUND {
            return Ok(None);
        }
        let mut head = [0; 4];
        self.file.read_exact(&mut head)?;
        let word = u32::from_be_bytes(head);
        let length = u64::from(word & !LAST);
        if length > CHUNK_BYTES as u64 || (word & LAST != 0 && length > 0) {
            return Err(damaged(format!("chunk {} is damaged", self.number)));
        }
        if self.end - self.at < AROUND + length {
            return Ok(None);
        }
        Ok(Some((length, word & LAST != 0)))
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let by = i64::try_from(length + AROUND - 4).map_err(io::Error::other)?;
        self.file.seek_relative(by)?;
        self.at += AROUND + length;
        self.number += 1;
        Ok(())
    }

    /// The sound of the chunk whose head was read.
    fn chunk(&mut self, length: u64, last: bool) -> io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        self.file.read_exact(&mut nonce)?;
        let mut sound = vec![0; length as usize + TAG];
        self.file.read_exact(&mut sound)?;
        let head = (length as u32 | if last { LAST } else { 0 }).to_be_bytes();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .open_in_place(nonce, place(self.number, head), &mut sound)
            .map_err(|_| damaged(format!("chunk {} is not what was sealed", self.number)))?;
        sound.truncate(length as usize);
        self.at += AROUND + length;
        self.number += 1;
        self.over = last;
        Ok(sound)
    }

    /// Goes to the piece of the WAV in which a byte lies, see [`position`](Self::position).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn seek(&mut self, to: u64) -> io::Result<()> {
        self.rewind()?;
        let header = self.encoding.header_bytes();
        if to >= header {
            // Chunks that lie before it whole need not be opened.
            let mut begins = header;
            while let Some((length, last)) = self.head()? {
                if begins + length > to || last {
                    self.file.seek_relative(-4)?;
                    break;
                }
                self.skip(length)?;
                begins += length;
            }
            self.position = begins;
        }
        Ok(())
    }

    /// The next piece of the WAV: its header, or up to 64 KiB of sound; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or a chunk is not what was sealed.
    pub fn next_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.position == 0 {
            let frames = self.sound / self.encoding.frame_bytes();
            let header = self.encoding.header(frames);
            self.position = header.len() as u64;
            return Ok(Some(header));
        }
        let Some((length, last)) = self.head()? else {
            return Ok(None);
        };
        let sound = self.chunk(length, last)?;
        self.position += length;
        Ok(Some(sound))
    }

    /// Where the next piece begins in the WAV, bytes.
    pub fn position(&self) -> u64 {
        self.position
    }
}

fn beginning(file: &mut impl Read, keys: &Keys) -> io::Result<Beginning> {
    let mut said = vec![0; MAGIC.len() + 1];
    file.read_exact(&mut said)?;
    if !said.starts_with(MAGIC) {
        return Err(damaged("it is no sealed recording of this version"));
    }
    let encoding = match said.last() {
        Some(&byte) => Encoding::ALL.into_iter().find(|of| byte_of(*of) == byte),
        None => None,
    };
    let encoding = encoding.ok_or_else(|| damaged("its encoding is not known"))?;
    let mut texts = Vec::new();
    for _ in 0..2 {
        let mut length = [0];
        file.read_exact(&mut length)?;
        let [length] = length;
        let mut text = vec![0; usize::from(length)];
        file.read_exact(&mut text)?;
        said.push(length);
        said.extend_from_slice(&text);
        texts.push(String::from_utf8(text).map_err(|_| damaged("its beginning is damaged"))?);
    }
    let name = texts.pop().unwrap_or_default();
    let id = texts.pop().unwrap_or_default();
    let wrapping = keys.find(&id).ok_or_else(|| {
        let why = format!("it is sealed under the key {id:?}, which is not in the key file");
        io::Error::new(io::ErrorKind::PermissionDenied, why)
    })?;
    let mut nonce = [0; NONCE];
    file.read_exact(&mut nonce)?;
    let mut own = [0; KEY + TAG];
    file.read_exact(&mut own)?;
    let own = wrapping
        .open_in_place(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(&said),
            &mut own,
        )
        .map_err(|_| damaged("its key is not what was wrapped under that id"))?;
    Ok(Beginning {
        encoding,
        name,
        key: key(own)?,
    })
}

/// Ends a recording that was cut: what does not open is cut off, and the last chunk is put behind
/// the rest. Tells the samples it has; those of a complete one without a change. `file` is open for
/// reading and writing.
///
/// # Errors
/// When it cannot be read or written, or its key cannot be unwrapped; then it is left as it is.
pub fn repair(file: &File, keys: &Keys) -> io::Result<Repair> {
    let mut opened = Sealed::begin(file.try_clone()?, keys)?;
    let mut sound = 0;
    while let Ok(Some((length, last))) = opened.head() {
        if opened.chunk(length, last).is_err() {
            break;
        }
        sound += length;
    }
    let frames = sound / opened.encoding.frame_bytes();
    if opened.over && opened.at == opened.end {
        return Ok(Repair::Whole(frames));
    }
    file.set_len(opened.at)?;
    if !opened.over {
        let mut end = file;
        end.seek(SeekFrom::End(0))?;
        let Sealed {
            encoding,
            key,
            number,
            at,
            ..
        } = opened;
        Seal::resume(end, encoding, key, number, at).end(&[], frames)?;
    }
    Ok(Repair::Repaired(frames))
}
