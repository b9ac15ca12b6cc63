//! Headers of recordings: WAV up to 4 GiB, RF64 beyond it (EBU Tech 3306).
//!
//! A header always has the same length, so that it can be mended or switched in place: behind
//! `WAVE` there are 36 bytes of `JUNK`, which become `ds64` when the file outgrows the 32-bit
//! lengths. Every reader of WAV steps over them.

use crate::{Codec, SAMPLE_RATE};

/// Bytes behind the head of the `JUNK` or `ds64` chunk.
const DS64_BYTES: u32 = 28;

/// What a 32-bit length says when `ds64` knows better.
const SEE_DS64: u32 = u32::MAX;

/// How samples lie in a recording: of a talk the caller left and the agent right, of a message one
/// voice alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// 16-bit linear, format tag 1: 32,000 bytes a second.
    #[default]
    Pcm,
    /// G.711 A-law, format tag 6: 16,000 bytes a second.
    Alaw,
    /// As [`Pcm`](Self::Pcm) with the left channel alone.
    PcmAlone,
    /// As [`Alaw`](Self::Alaw) with the left channel alone.
    AlawAlone,
}

impl Encoding {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Pcm, Self::Alaw, Self::PcmAlone, Self::AlawAlone];

    /// The same with one voice alone.
    #[must_use]
    pub const fn alone(self) -> Self {
        match self {
            Self::Pcm | Self::PcmAlone => Self::PcmAlone,
            Self::Alaw | Self::AlawAlone => Self::AlawAlone,
        }
    }

    /// Channels.
    const fn channels(self) -> u16 {
        match self {
            Self::Pcm | Self::Alaw => 2,
            Self::PcmAlone | Self::AlawAlone => 1,
        }
    }

    const fn is_pcm(self) -> bool {
        matches!(self, Self::Pcm | Self::PcmAlone)
    }

    /// Bytes of one sample of all channels.
    pub const fn frame_bytes(self) -> u64 {
        match self {
            Self::Pcm => 4,
            Self::Alaw | Self::PcmAlone => 2,
            Self::AlawAlone => 1,
        }
    }

    /// Length of the header, bytes.
    pub const fn header_bytes(self) -> u64 {
        // A longer `fmt `, and `fact`, which formats other than PCM must have.
        if self.is_pcm() { 80 } else { 94 }
    }

    /// Format tag of the `fmt ` chunk.
    pub(crate) const fn tag(self) -> u16 {
        if self.is_pcm() { 1 } else { 6 }
    }

    /// Puts a sample of all channels at the end of `bytes`: of one voice the left.
    pub(crate) fn put(self, frame: [i16; 2], bytes: &mut Vec<u8>) {
        for sample in frame.into_iter().take(self.channels().into()) {
            if self.is_pcm() {
                bytes.extend_from_slice(&sample.to_le_bytes());
            } else {
                bytes.push(Codec::Pcma.encode(sample));
            }
        }
    }

    /// The header of a recording of so many samples of all channels, and the length of the file
    /// without it being `frames` times [`frame_bytes`](Self::frame_bytes).
    pub fn header(self, frames: u64) -> Vec<u8> {
        let data = frames.saturating_mul(self.frame_bytes());
        let riff = data.saturating_add(self.header_bytes() - 8);
        // The value of all ones is the mark, so the last length that fits is one less.
        let large = riff >= u64::from(SEE_DS64);
        let length = |value: u64| match u32::try_from(value) {
            Ok(value) if !large => value,
            _ => SEE_DS64,
        };
        let mut header = Vec::with_capacity(self.header_bytes() as usize);
        header.extend_from_slice(if large { b"RF64" } else { b"RIFF" });
        header.extend_from_slice(&length(riff).to_le_bytes());
        header.extend_from_slice(b"WAVE");
        header.extend_from_slice(if large { b"ds64" } else { b"JUNK" });
        header.extend_from_slice(&DS64_BYTES.to_le_bytes());
        for value in [riff, data, frames] {
            header.extend_from_slice(&if large { value } else { 0 }.to_le_bytes());
        }
        // No table of further chunks.
        header.extend_from_slice(&0u32.to_le_bytes());
        header.extend_from_slice(&self.format());
        if !self.is_pcm() {
            header.extend_from_slice(b"fact");
            header.extend_from_slice(&4u32.to_le_bytes());
            header.extend_from_slice(&length(frames).to_le_bytes());
        }
        header.extend_from_slice(b"data");
        header.extend_from_slice(&length(data).to_le_bytes());
        header
    }

    /// The `fmt ` chunk.
    pub(crate) fn format(self) -> Vec<u8> {
        let mut chunk = Vec::new();
        chunk.extend_from_slice(b"fmt ");
        let frame = self.frame_bytes() as u16;
        let length: u32 = if self.is_pcm() { 16 } else { 18 };
        chunk.extend_from_slice(&length.to_le_bytes());
        chunk.extend_from_slice(&self.tag().to_le_bytes());
        chunk.extend_from_slice(&self.channels().to_le_bytes());
        chunk.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
        chunk.extend_from_slice(&(SAMPLE_RATE * u32::from(frame)).to_le_bytes());
        chunk.extend_from_slice(&frame.to_le_bytes());
        chunk.extend_from_slice(&(frame / self.channels() * 8).to_le_bytes());
        if !self.is_pcm() {
            // No bytes of an extension.
            chunk.extend_from_slice(&0u16.to_le_bytes());
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn number(header: &[u8], at: usize, length: usize) -> u64 {
        let bytes = header[at..at + length].iter().rev();
        bytes.fold(0, |value, &byte| value << 8 | u64::from(byte))
    }

    #[test]
    fn a_header_has_its_length_whatever_it_tells() {
        for encoding in Encoding::ALL {
            for frames in [0, 1, 8_000, 1 << 30, 1 << 31, 1 << 40] {
                let header = encoding.header(frames);
                assert_eq!(header.len() as u64, encoding.header_bytes());
            }
        }
    }

    #[test]
    fn a_reader_of_wav_finds_format_and_length() {
        let header = Encoding::Pcm.header(300);
        let wav = hound::WavReader::new(Cursor::new([header, vec![0; 1_200]].concat())).unwrap();
        assert_eq!((wav.spec().channels, wav.spec().sample_rate), (2, 8_000));
        assert_eq!((wav.spec().bits_per_sample, wav.duration()), (16, 300));
        let header = Encoding::Alaw.header(300);
        assert_eq!(&header[48..52], b"fmt ");
        assert_eq!((number(&header, 56, 2), number(&header, 58, 2)), (6, 2));
        assert_eq!(
            (number(&header, 60, 4), number(&header, 64, 4)),
            (8_000, 16_000)
        );
        assert_eq!((number(&header, 68, 2), number(&header, 70, 2)), (2, 8));
        assert_eq!(
            (&header[74..78], number(&header, 82, 4)),
            (&b"fact"[..], 300)
        );
        assert_eq!(
            (&header[86..90], number(&header, 90, 4)),
            (&b"data"[..], 600)
        );
        assert_eq!(number(&header, 4, 4), 600 + 94 - 8);
    }

    #[test]
    fn one_voice_alone_is_one_channel() {
        let header = Encoding::Pcm.alone().header(300);
        let wav = hound::WavReader::new(Cursor::new([header, vec![0; 600]].concat())).unwrap();
        assert_eq!((wav.spec().channels, wav.duration()), (1, 300));
        let header = Encoding::Alaw.alone().header(300);
        assert_eq!((number(&header, 56, 2), number(&header, 58, 2)), (6, 1));
        assert_eq!((number(&header, 64, 4), number(&header, 68, 2)), (8_000, 1));
        assert_eq!((number(&header, 70, 2), number(&header, 90, 4)), (8, 300));
        for (encoding, bytes) in [(Encoding::PcmAlone, 2), (Encoding::AlawAlone, 1)] {
            let mut sound = Vec::new();
            encoding.put([1_000, -1_000], &mut sound);
            assert_eq!(sound.len(), bytes);
            assert_eq!(encoding.alone(), encoding);
        }
    }

    #[test]
    fn beyond_4_gib_the_lengths_are_in_ds64() {
        for encoding in Encoding::ALL {
            let (frame, head) = (encoding.frame_bytes(), encoding.header_bytes());
            let last = (u64::from(u32::MAX) - 1 - (head - 8)) / frame;
            let small = encoding.header(last);
            assert_eq!((&small[..4], &small[12..16]), (&b"RIFF"[..], &b"JUNK"[..]));
            assert_eq!(number(&small, 4, 4), last * frame + head - 8);
            let large = encoding.header(last + 1);
            assert_eq!((&large[..4], &large[12..16]), (&b"RF64"[..], &b"ds64"[..]));
            assert_eq!(
                (number(&large, 4, 4), number(&large, 16, 4)),
                (0xFFFF_FFFF, 28)
            );
            assert_eq!(number(&large, 20, 8), (last + 1) * frame + head - 8);
            assert_eq!(number(&large, 28, 8), (last + 1) * frame);
            assert_eq!(number(&large, 36, 8), last + 1);
            assert_eq!(number(&large, head as usize - 4, 4), 0xFFFF_FFFF);
            // What tells the format is where it was.
            assert_eq!(small[48..70], large[48..70]);
        }
    }
}
