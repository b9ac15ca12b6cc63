//! Sound that is ready to send: a prompt or music, encoded in both laws once and shared.

use core::{fmt, time::Duration};
use std::{io::Read, sync::Arc};

use crate::{Codec, SAMPLE_RATE};

/// Longest clip, seconds. A longer file is refused: all prompts are held in memory.
pub const CLIP_S: u32 = 600;

/// Encoded sound at 8 kHz. Cloning shares it.
#[derive(Clone, PartialEq, Eq)]
pub struct Clip(Arc<Laws>);

#[derive(PartialEq, Eq)]
struct Laws {
    alaw: Box<[u8]>,
    ulaw: Box<[u8]>,
}

/// Why a WAV file cannot be a clip.
#[derive(Debug)]
pub enum ClipError {
    /// Not a readable WAV file.
    Unreadable(hound::Error),
    /// A WAV file of another kind than 8 kHz, mono, 16-bit PCM.
    Format {
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u16,
        /// Bits a sample.
        bits: u16,
    },
    /// Longer than [`CLIP_S`].
    TooLong,
}

impl fmt::Display for ClipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "not a readable WAV file: {error}"),
            Self::Format {
                rate,
                channels,
                bits,
            } => write!(
                f,
                "is {rate} Hz, {channels} channel(s), {bits} bit; needs 8000 Hz, mono, 16-bit PCM \
                 (sox IN -r 8000 -c 1 -b 16 OUT)"
            ),
            Self::TooLong => write!(f, "is longer than {CLIP_S} s"),
        }
    }
}

impl core::error::Error for ClipError {}

impl From<hound::Error> for ClipError {
    fn from(error: hound::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Clip {
    /// Reads an 8 kHz mono 16-bit WAV file.
    ///
    /// # Errors
    /// When it is not one, or longer than [`CLIP_S`].
    pub fn from_wav(reader: impl Read) -> Result<Self, ClipError> {
        let mut wav = hound::WavReader::new(reader)?;
        let spec = wav.spec();
        let pcm = spec.sample_format == hound::SampleFormat::Int && spec.bits_per_sample == 16;
        if spec.sample_rate != SAMPLE_RATE || spec.channels != 1 || !pcm {
            return Err(ClipError::Format {
                rate: spec.sample_rate,
                channels: spec.channels,
                bits: spec.bits_per_sample,
            });
        }
        if wav.duration() > CLIP_S * SAMPLE_RATE {
            return Err(ClipError::TooLong);
        }
        let samples: Vec<i16> = wav.samples::<i16>().collect::<Result<_, _>>()?;
        Ok(Self::from_samples(&samples))
    }

    /// Encodes 8 kHz samples.
    pub fn from_samples(samples: &[i16]) -> Self {
        let law = |codec: Codec| samples.iter().map(|&s| codec.encode(s)).collect();
        Self(Arc::new(Laws {
            alaw: law(Codec::Pcma),
            ulaw: law(Codec::Pcmu),
        }))
    }

    /// Silence; at most [`CLIP_S`].
    pub fn silence(ms: u32) -> Self {
        Self::from_samples(&vec![0; samples_in(ms)])
    }

    /// A sine tone at a quarter of full scale (−12 dBFS), faded in and out over 5 ms so that it
    /// does not click; at most [`CLIP_S`].
    pub fn tone(hz: u32, ms: u32) -> Self {
        let count = samples_in(ms);
        let step = core::f64::consts::TAU * f64::from(hz) / f64::from(SAMPLE_RATE);
        let samples: Vec<i16> = (0..count)
            .map(|n| {
                let edge = n.min(count - 1 - n).min(40) as f64 / 40.0;
                (8_191.0 * edge * (step * n as f64).sin()) as i16
            })
            .collect();
        Self::from_samples(&samples)
    }

    /// The sound in one law, a byte a sample.
    pub fn bytes(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcma => &self.0.alaw,
            Codec::Pcmu => &self.0.ulaw,
        }
    }

    /// Samples.
    pub fn len(&self) -> usize {
        self.0.alaw.len()
    }

    /// Whether there is nothing to hear.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.len() as u64 * 125)
    }
}

fn samples_in(ms: u32) -> usize {
    ms.min(CLIP_S * 1_000) as usize * (SAMPLE_RATE as usize / 1_000)
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({:?})", self.duration())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        samples
            .iter()
            .for_each(|&s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_wav_file_becomes_both_laws() {
        let clip = Clip::from_wav(Cursor::new(wav(8_000, 1, &[0, 1_000, -1_000]))).unwrap();
        assert_eq!(clip.len(), 3);
        assert_eq!(clip.duration(), Duration::from_micros(375));
        for codec in [Codec::Pcma, Codec::Pcmu] {
            assert_eq!(clip.bytes(codec)[0], codec.silence());
            assert_eq!(clip.bytes(codec)[2], codec.encode(-1_000));
        }
    }

    #[test]
    fn another_rate_is_refused_with_what_it_is_and_what_to_do() {
        let error = Clip::from_wav(Cursor::new(wav(16_000, 2, &[0, 0]))).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("16000 Hz, 2 channel(s)") && text.contains("-r 8000"),
            "{text}"
        );
        assert!(matches!(
            Clip::from_wav(Cursor::new(b"RIFF....".to_vec())),
            Err(ClipError::Unreadable(_))
        ));
    }

    #[test]
    fn made_sounds_have_their_length() {
        assert_eq!(Clip::silence(20).bytes(Codec::Pcma), [0xD5; 160]);
        assert_eq!(Clip::tone(440, 100).len(), 800);
        assert!(Clip::tone(440, 0).is_empty());
        let loudest = Clip::tone(440, 1_000)
            .bytes(Codec::Pcma)
            .iter()
            .map(|&b| Codec::Pcma.decode(b))
            .max();
        assert!((7_000..9_000).contains(&loudest.unwrap()));
    }
}
