//! Mends the header of a recording that a killed process or a power cut left behind.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::wav::Encoding;

/// Length of the header that recordings had before they could outgrow 4 GiB: RIFF, a 16-byte
/// `fmt ` chunk, and the head of the `data` chunk.
const OLD_HEADER_BYTES: u64 = 44;

/// Longest header of all.
const LONGEST_HEADER_BYTES: u64 = Encoding::Alaw.header_bytes();

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A whole recording of so many samples.
    Whole(u64),
    /// Its header told another length, or was not there; now it tells this many samples.
    Repaired(u64),
    /// Not a recording of ours: left as it is.
    Foreign,
}

/// How the beginning of a recording is laid out.
#[derive(Clone, Copy)]
enum Layout {
    /// Of a version before A-law and RF64: 16-bit PCM.
    Old,
    Now(Encoding),
}

impl Layout {
    fn header_bytes(self) -> u64 {
        match self {
            Self::Old => OLD_HEADER_BYTES,
            Self::Now(encoding) => encoding.header_bytes(),
        }
    }

    fn frame_bytes(self) -> u64 {
        match self {
            Self::Old => Encoding::Pcm.frame_bytes(),
            Self::Now(encoding) => encoding.frame_bytes(),
        }
    }

    fn header(self, frames: u64) -> Vec<u8> {
        match self {
            Self::Old => old_header(frames),
            Self::Now(encoding) => encoding.header(frames),
        }
    }

    /// Whether a header of this layout begins like this, its lengths aside.
    fn is_of(self, header: &[u8]) -> bool {
        let right = self.header(0);
        let agree = |from, to| matches!((header.get(from..to), right.get(from..to)), (Some(a), Some(b)) if a == b);
        match self {
            Self::Old => agree(0, 4) && agree(8, 40),
            Self::Now(encoding) => {
                let format = 48 + encoding.format().len();
                let magic = header.get(..4).zip(header.get(12..16));
                let known = magic.is_some_and(|(file, chunk)| {
                    (file == b"RIFF" && chunk == b"JUNK") || (file == b"RF64" && chunk == b"ds64")
                });
                known && agree(8, 12) && agree(16, 20) && agree(48, format)
            }
        }
    }
}

/// Makes the header tell how much sound there really is. A file that is shorter than a header gets
/// one: a recording of nothing.
///
/// # Errors
/// When the file cannot be read or written.
pub fn repair(file: &mut (impl Read + Write + Seek)) -> io::Result<Repair> {
    let bytes = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut header = Vec::new();
    file.take(LONGEST_HEADER_BYTES).read_to_end(&mut header)?;
    let pcm = Layout::Now(Encoding::Pcm);
    let known = core::iter::once(Layout::Old)
        .chain(Encoding::ALL.map(Layout::Now))
        .find(|layout| layout.is_of(&header));
    let layout = match known {
        Some(layout) => layout,
        None if bytes < pcm.header_bytes() && is_torn(&header) => pcm,
        None => return Ok(Repair::Foreign),
    };
    let frames = bytes.saturating_sub(layout.header_bytes()) / layout.frame_bytes();
    let right = layout.header(frames);
    if header.starts_with(&right) {
        return Ok(Repair::Whole(frames));
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&right)?;
    file.flush()?;
    Ok(Repair::Repaired(frames))
}

/// Whether a header shorter than it should be can have been one of ours.
fn is_torn(header: &[u8]) -> bool {
    if header.len() < OLD_HEADER_BYTES as usize {
        return true;
    }
    header.starts_with(b"RIFF") && header.get(8..16) == Some(b"WAVEJUNK")
}

fn old_header(frames: u64) -> Vec<u8> {
    let data = u32::try_from(frames * 4).unwrap_or(u32::MAX - 36);
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVE");
    header.extend_from_slice(&Encoding::Pcm.format());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{
        Codec, FRAME_SAMPLES, Sound,
        recorder::{Recorder, Wav},
    };

    fn recording(frames: u64) -> Vec<u8> {
        recording_in(Encoding::Pcm, frames)
    }

    fn recording_in(encoding: Encoding, frames: u64) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(Wav::new(&mut file, encoding));
        let sound = Sound {
            recording: 1,
            at_sample: 0,
            voice: 1,
            codec: Codec::Pcma,
            length: 160,
            bytes: [3; FRAME_SAMPLES],
        };
        recorder.write(&sound).unwrap();
        recorder.finish(frames).unwrap();
        file.into_inner()
    }

    fn repaired(bytes: &[u8]) -> (Repair, Vec<u8>) {
        let mut file = Cursor::new(bytes.to_vec());
        let repair = repair(&mut file).unwrap();
        (repair, file.into_inner())
    }

    const ENCODINGS: [Encoding; 4] = Encoding::ALL;

    #[test]
    fn a_whole_recording_is_left_alone() {
        for encoding in ENCODINGS {
            for frames in [160, 8_000] {
                let whole = recording_in(encoding, frames);
                assert_eq!(repaired(&whole), (Repair::Whole(frames), whole));
            }
        }
    }

    #[test]
    fn a_header_that_tells_less_or_more_is_mended() {
        for encoding in ENCODINGS {
            let whole = recording_in(encoding, 8_000);
            let head = encoding.header_bytes() as usize;
            for told in [0u32, 4_000, 4_000_000] {
                let mut cut = whole.clone();
                cut[4..8].copy_from_slice(&(told + 36).to_le_bytes());
                cut[head - 4..head].copy_from_slice(&told.to_le_bytes());
                assert_eq!(repaired(&cut), (Repair::Repaired(8_000), whole.clone()));
            }
            // Cut in the middle of a sample.
            let kept = head + 100 * encoding.frame_bytes() as usize + 1;
            let (repair, mended) = repaired(&whole[..kept]);
            // Of which one voice of A-law has no middle.
            let frames = 100 + u64::from(encoding == Encoding::AlawAlone);
            assert_eq!(repair, Repair::Repaired(frames));
            assert_eq!(mended[..head], encoding.header(frames));
            assert_eq!(repaired(&mended).0, Repair::Whole(frames), "once is enough");
        }
    }

    #[test]
    fn recordings_of_the_version_before_are_mended_too() {
        let whole = [old_header(100), vec![1; 400]].concat();
        assert_eq!(repaired(&whole), (Repair::Whole(100), whole.clone()));
        let cut = [old_header(7), vec![1; 402]].concat();
        let (repair, mended) = repaired(&cut);
        assert_eq!(repair, Repair::Repaired(100));
        assert_eq!(mended[..444], whole);
    }

    #[test]
    fn a_header_beyond_4_gib_is_ours_as_well() {
        let mut cut = Encoding::Pcm.header(1 << 40);
        cut.extend_from_slice(&[0; 400]);
        let (repair, mended) = repaired(&cut);
        assert_eq!(repair, Repair::Repaired(100));
        assert_eq!(mended[..80], Encoding::Pcm.header(100));
    }

    #[test]
    fn a_file_without_a_header_becomes_an_empty_recording() {
        for length in [0, 1, 43, 44, 60, 79] {
            let (repair, mended) = repaired(&recording(160)[..length]);
            assert_eq!(repair, Repair::Repaired(0));
            assert_eq!(
                hound::WavReader::new(Cursor::new(&mended))
                    .unwrap()
                    .duration(),
                0
            );
        }
    }

    #[test]
    fn other_files_are_not_touched() {
        let mut mono = recording(160);
        mono[58] = 1;
        for foreign in [mono, vec![7; 500]] {
            assert_eq!(repaired(&foreign), (Repair::Foreign, foreign));
        }
    }
}
