//! Any format as 16-bit samples and back, and from one format to another.

#[cfg(feature = "opus")]
use super::opus;
use super::{
    Codec, Format, g722,
    resample::{Rate, Resampler},
};

/// Most samples of one packet that are decoded: 60 ms at 48 kHz. What a longer packet has beyond
/// them is left out.
pub const PACKET_SAMPLES: usize = 2_880;

/// Reads one stream of one format.
#[derive(Debug)]
pub enum Decoder {
    /// G.711.
    G711(Codec),
    /// G.722.
    G722(Box<g722::Decoder>),
    /// 16-bit samples in network order.
    L16,
    /// Opus.
    #[cfg(feature = "opus")]
    Opus(opus::Decoder),
}

impl Decoder {
    /// A decoder at the beginning of a stream; `None` for Opus in an engine built without it.
    pub fn new(format: Format) -> Option<Self> {
        Some(match format {
            Format::Pcma => Self::G711(Codec::Pcma),
            Format::Pcmu => Self::G711(Codec::Pcmu),
            Format::G722 => Self::G722(Box::default()),
            Format::L16 => Self::L16,
            #[cfg(feature = "opus")]
            Format::Opus => Self::Opus(opus::Decoder::new()?),
            #[cfg(not(feature = "opus"))]
            Format::Opus => return None,
        })
    }

    /// Decodes a packet and returns the number of samples, at the format's rate; 0 when the packet
    /// cannot be read.
    pub fn decode(&mut self, payload: &[u8], to: &mut [i16]) -> usize {
        match self {
            Self::G711(codec) => {
                let pairs = to.iter_mut().zip(payload);
                pairs.map(|(to, &byte)| *to = codec.decode(byte)).count()
            }
            Self::G722(decoder) => decoder.decode(payload, to),
            Self::L16 => {
                let pairs = to.iter_mut().zip(payload.as_chunks::<2>().0);
                pairs
                    .map(|(to, &bytes)| *to = i16::from_be_bytes(bytes))
                    .count()
            }
            #[cfg(feature = "opus")]
            Self::Opus(decoder) => decoder.decode(payload, to),
        }
    }
}

/// Writes one stream of one format.
#[derive(Debug)]
pub enum Encoder {
    /// G.711.
    G711(Codec),
    /// G.722.
    G722(Box<g722::Encoder>),
    /// 16-bit samples in network order.
    L16,
    /// Opus.
    #[cfg(feature = "opus")]
    Opus(opus::Encoder),
}

impl Encoder {
    /// An encoder at the beginning of a stream; `None` for Opus in an engine built without it.
    pub fn new(format: Format) -> Option<Self> {
        Some(match format {
            Format::Pcma => Self::G711(Codec::Pcma),
            Format::Pcmu => Self::G711(Codec::Pcmu),
            Format::G722 => Self::G722(Box::default()),
            Format::L16 => Self::L16,
            #[cfg(feature = "opus")]
            Format::Opus => Self::Opus(opus::Encoder::new()?),
            #[cfg(not(feature = "opus"))]
            Format::Opus => return None,
        })
    }

    /// Encodes a packet of samples at the format's rate and returns the number of bytes; 0 when it
    /// is no packet (Opus knows 10, 20, 40 and 60 ms).
    pub fn encode(&mut self, samples: &[i16], to: &mut [u8]) -> usize {
        match self {
            Self::G711(codec) => {
                let pairs = to.iter_mut().zip(samples);
                pairs
                    .map(|(to, &sample)| *to = codec.encode(sample))
                    .count()
            }
            Self::G722(encoder) => encoder.encode(samples, to),
            Self::L16 => {
                let pairs = to.as_chunks_mut::<2>().0.iter_mut().zip(samples);
                2 * pairs.map(|(to, sample)| *to = sample.to_be_bytes()).count()
            }
            #[cfg(feature = "opus")]
            Self::Opus(encoder) => encoder.encode(samples, to),
        }
    }
}

/// Turns packets of one format into packets of another, of the same length in time.
#[derive(Debug)]
pub struct Transcoder {
    decoder: Decoder,
    resampler: Resampler,
    encoder: Encoder,
    heard: [i16; PACKET_SAMPLES],
    said: [i16; PACKET_SAMPLES],
}

impl Transcoder {
    /// A transcoder at the beginning of a stream; `None` as for [`Decoder::new`].
    pub fn new(from: Format, to: Format) -> Option<Self> {
        Some(Self {
            decoder: Decoder::new(from)?,
            resampler: Resampler::new(from.rate(), to.rate()),
            encoder: Encoder::new(to)?,
            heard: [0; PACKET_SAMPLES],
            said: [0; PACKET_SAMPLES],
        })
    }

    /// Transcodes a packet of at most 60 ms and returns the number of bytes; 0 when it cannot be
    /// read.
    pub fn transcode(&mut self, payload: &[u8], to: &mut [u8]) -> usize {
        let heard = self.decoder.decode(payload, &mut self.heard);
        let heard = self.heard.get(..heard).unwrap_or_default();
        let said = self.resampler.process(heard, &mut self.said);
        let said = self.said.get(..said).unwrap_or_default();
        self.encoder.encode(said, to)
    }
}

/// Samples of a packet of `ms` milliseconds.
pub const fn samples_of(rate: Rate, ms: usize) -> usize {
    rate.hertz() as usize / 1_000 * ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [Format; 4] = [Format::Pcma, Format::Pcmu, Format::G722, Format::L16];

    fn tone(rate: Rate, samples: usize) -> Vec<i16> {
        let step = core::f64::consts::TAU * 1_020.0 / f64::from(rate.hertz());
        (0..samples)
            .map(|n| (8_000.0 * (step * n as f64).sin()) as i16)
            .collect()
    }

    /// Level of the 1,020 Hz tone and of everything, as shares of what was said.
    fn levels(rate: Rate, samples: &[i16]) -> (f64, f64) {
        let step = core::f64::consts::TAU * 1_020.0 / f64::from(rate.hertz());
        let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
        for (n, &s) in samples.iter().enumerate() {
            re += f64::from(s) * (step * n as f64).cos();
            im += f64::from(s) * (step * n as f64).sin();
            power += f64::from(s).powi(2);
        }
        let count = samples.len() as f64;
        (
            2.0 * re.hypot(im) / count / 8_000.0,
            (2.0 * power / count).sqrt() / 8_000.0,
        )
    }

    #[test]
    fn a_tone_goes_from_each_format_to_each() {
        for from in FORMATS {
            for to in FORMATS {
                for ms in [10, 20, 30, 40, 60] {
                    let said = tone(from.rate(), samples_of(from.rate(), ms) * 20);
                    let (mut encoder, mut decoder) =
                        (Encoder::new(from).unwrap(), Decoder::new(to).unwrap());
                    let mut transcoder = Transcoder::new(from, to).unwrap();
                    let mut heard = Vec::new();
                    for packet in said.chunks(samples_of(from.rate(), ms)) {
                        let (mut a, mut b, mut c) = ([0; 2_000], [0; 2_000], [0; 2_000]);
                        let bytes = encoder.encode(packet, &mut a);
                        let bytes = transcoder.transcode(&a[..bytes], &mut b);
                        let count = decoder.decode(&b[..bytes], &mut c);
                        assert_eq!(count, samples_of(to.rate(), ms), "{from:?} {to:?} {ms}");
                        heard.extend_from_slice(&c[..count]);
                    }
                    let skip = samples_of(to.rate(), 10);
                    let (tone, all) = levels(to.rate(), &heard[skip..]);
                    assert!((0.97..1.03).contains(&tone), "{from:?} {to:?} {ms}: {tone}");
                    assert!((0.97..1.03).contains(&all), "{from:?} {to:?} {ms}: {all}");
                }
            }
        }
    }

    #[test]
    fn too_long_a_packet_is_cut_and_an_empty_one_is_nothing() {
        for from in FORMATS {
            for to in FORMATS {
                let mut transcoder = Transcoder::new(from, to).unwrap();
                assert_eq!(transcoder.transcode(&[], &mut [0; 100]), 0);
                let bytes = transcoder.transcode(&[0x2A; 20_000], &mut [0; 100]);
                assert_eq!(bytes, 100, "{from:?} {to:?}");
            }
        }
    }

    #[cfg(not(feature = "opus"))]
    #[test]
    fn an_engine_without_opus_says_so() {
        assert!(Decoder::new(Format::Opus).is_none());
        assert!(Encoder::new(Format::Opus).is_none());
        assert!(Transcoder::new(Format::Pcma, Format::Opus).is_none());
    }
}
