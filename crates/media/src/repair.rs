//! Mends the header of a recording that a killed process or a power cut left behind.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::SAMPLE_RATE;

/// Header of a recording: RIFF, a 16-byte `fmt ` chunk, and the head of the `data` chunk.
pub(crate) const HEADER_BYTES: u64 = 44;

/// Bytes of one sample of both channels.
const FRAME_BYTES: u64 = 4;

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

/// Makes the header tell how much sound there really is. A file that is shorter than a header gets
/// one: a recording of nothing.
///
/// # Errors
/// When the file cannot be read or written.
pub fn repair(file: &mut (impl Read + Write + Seek)) -> io::Result<Repair> {
    let bytes = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut header = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut header)?;
    let frames = bytes.saturating_sub(HEADER_BYTES) / FRAME_BYTES;
    let right = header_for(frames);
    if header == right {
        return Ok(Repair::Whole(frames));
    }
    if bytes >= HEADER_BYTES && without_lengths(&header) != without_lengths(&right) {
        return Ok(Repair::Foreign);
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&right)?;
    file.flush()?;
    Ok(Repair::Repaired(frames))
}

/// The header of a recording of so many samples: 16-bit stereo at 8 kHz.
pub(crate) fn header_for(frames: u64) -> Vec<u8> {
    let data = u32::try_from(frames * FRAME_BYTES).unwrap_or(u32::MAX - 36);
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16u32.to_le_bytes());
    for half in [1u16, 2] {
        // PCM; two channels.
        header.extend_from_slice(&half.to_le_bytes());
    }
    header.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    header.extend_from_slice(&(SAMPLE_RATE * FRAME_BYTES as u32).to_le_bytes());
    for half in [FRAME_BYTES as u16, 16] {
        header.extend_from_slice(&half.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data.to_le_bytes());
    header
}

fn without_lengths(header: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    (header.get(..4), header.get(8..40))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{Codec, FRAME_SAMPLES, Sound, recorder::Recorder};

    fn recording(frames: u64) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(&mut file);
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

    #[test]
    fn a_whole_recording_is_left_alone() {
        for frames in [160, 8_000] {
            let whole = recording(frames);
            assert_eq!(repaired(&whole), (Repair::Whole(frames), whole));
        }
    }

    #[test]
    fn a_header_that_tells_less_or_more_is_mended() {
        let whole = recording(8_000);
        for told in [0u32, 4_000, 4_000_000] {
            let mut cut = whole.clone();
            cut[4..8].copy_from_slice(&(told + 36).to_le_bytes());
            cut[40..44].copy_from_slice(&told.to_le_bytes());
            assert_eq!(repaired(&cut), (Repair::Repaired(8_000), whole.clone()));
        }
        // Cut in the middle of a sample.
        let (repair, mended) = repaired(&whole[..44 + 402]);
        assert_eq!(repair, Repair::Repaired(100));
        assert_eq!(
            hound::WavReader::new(Cursor::new(&mended))
                .unwrap()
                .duration(),
            100
        );
        assert_eq!(repaired(&mended).0, Repair::Whole(100), "once is enough");
    }

    #[test]
    fn a_file_without_a_header_becomes_an_empty_recording() {
        for length in [0, 1, 43] {
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
        mono[22] = 1;
        for foreign in [mono, vec![7; 500]] {
            assert_eq!(repaired(&foreign), (Repair::Foreign, foreign));
        }
    }
}
