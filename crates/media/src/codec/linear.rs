//! Any format as 16-bit samples and back, and from one format to another.

use super::{Codec, Format, g722, opus};

/// Most samples of one packet that are decoded: 60 ms at 48 kHz. What a longer packet has beyond
/// them is left out.
pub const PACKET_SAMPLES: usize = 2_880;

/// What reads or writes a stream, by its format.
#[derive(Debug)]
enum By<G722, Opus> {
    G711(Codec),
    G722(Box<G722>),
    /// 16-bit samples in network order.
    L16,
    Opus(Opus),
}

impl<G722: Default, Opus> By<G722, Opus> {
    fn format(format: Format, opus: impl FnOnce() -> Option<Opus>) -> Option<Self> {
        Some(match format {
            Format::Pcma => Self::G711(Codec::Pcma),
            Format::Pcmu => Self::G711(Codec::Pcmu),
            Format::G722 => Self::G722(Box::default()),
            Format::L16 => Self::L16,
            Format::Opus => Self::Opus(opus()?),
        })
    }
}

/// Reads one stream of one format.
#[derive(Debug)]
pub struct Decoder(By<g722::Decoder, opus::Decoder>);

impl Decoder {
    /// A decoder at the beginning of a stream; `None` for Opus in an engine built without it.
    pub fn new(format: Format) -> Option<Self> {
        By::format(format, opus::Decoder::new).map(Self)
    }

    /// Decodes a packet and returns the number of samples, at the format's rate; 0 when the packet
    /// cannot be read.
    pub fn decode(&mut self, payload: &[u8], to: &mut [i16]) -> usize {
        match &mut self.0 {
            By::G711(codec) => {
                let pairs = to.iter_mut().zip(payload);
                pairs.map(|(to, &byte)| *to = codec.decode(byte)).count()
            }
            By::G722(decoder) => decoder.decode(payload, to),
            By::L16 => {
                let pairs = to.iter_mut().zip(payload.as_chunks::<2>().0);
                pairs
                    .map(|(to, &bytes)| *to = i16::from_be_bytes(bytes))
                    .count()
            }
            By::Opus(decoder) => decoder.decode(payload, to),
        }
    }

    /// Fills all of `to` with what a lost packet may have said, where the format itself knows: Opus,
    /// from what `next`, the packet right after it, repeats of it. False where it does not.
    pub fn conceal(&mut self, next: Option<&[u8]>, to: &mut [i16]) -> bool {
        match &mut self.0 {
            By::Opus(decoder) => decoder.conceal(next, to) == to.len(),
            By::G711(_) | By::G722(_) | By::L16 => false,
        }
    }
}

/// Writes one stream of one format.
#[derive(Debug)]
pub struct Encoder(By<g722::Encoder, opus::Encoder>);

impl Encoder {
    /// An encoder at the beginning of a stream; `None` for Opus in an engine built without it.
    pub fn new(format: Format) -> Option<Self> {
        By::format(format, opus::Encoder::new).map(Self)
    }

    /// Encodes a packet of samples at the format's rate and returns the number of bytes; 0 when it
    /// is no packet (Opus knows 10, 20, 40 and 60 ms).
    pub fn encode(&mut self, samples: &[i16], to: &mut [u8]) -> usize {
        match &mut self.0 {
            By::G711(codec) => {
                let pairs = to.iter_mut().zip(samples);
                pairs
                    .map(|(to, &sample)| *to = codec.encode(sample))
                    .count()
            }
            By::G722(encoder) => encoder.encode(samples, to),
            By::L16 => {
                let pairs = to.as_chunks_mut::<2>().0.iter_mut().zip(samples);
                2 * pairs.map(|(to, sample)| *to = sample.to_be_bytes()).count()
            }
            By::Opus(encoder) => encoder.encode(samples, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::resample::{Rate, Resampler};

    const FORMATS: [Format; 4] = [Format::Pcma, Format::Pcmu, Format::G722, Format::L16];

    fn tone(rate: Rate, samples: usize) -> Vec<i16> {
        let step = core::f64::consts::TAU * 1_020.0 / f64::from(rate.hertz());
        (0..samples)
            .map(|n| (8_000.0 * (step * n as f64).sin()) as i16)
            .collect()
    }

    /// From one format to another, packet by packet.
    struct Way {
        decoder: Decoder,
        resampler: Resampler,
        encoder: Encoder,
    }

    impl Way {
        fn new(from: Format, to: Format) -> Self {
            Self {
                decoder: Decoder::new(from).unwrap(),
                resampler: Resampler::new(from.rate(), to.rate()),
                encoder: Encoder::new(to).unwrap(),
            }
        }

        fn pass(&mut self, payload: &[u8], to: &mut [u8]) -> usize {
            let (mut heard, mut said) = ([0; PACKET_SAMPLES], [0; PACKET_SAMPLES]);
            let count = self.decoder.decode(payload, &mut heard);
            let count = self.resampler.process(&heard[..count], &mut said);
            self.encoder.encode(&said[..count], to)
        }
    }

    fn samples_of(rate: Rate, ms: usize) -> usize {
        rate.frame() / 20 * ms
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
                    let mut way = Way::new(from, to);
                    let mut heard = Vec::new();
                    for packet in said.chunks(samples_of(from.rate(), ms)) {
                        let (mut a, mut b, mut c) = ([0; 2_000], [0; 2_000], [0; 2_000]);
                        let bytes = encoder.encode(packet, &mut a);
                        let bytes = way.pass(&a[..bytes], &mut b);
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
                let mut way = Way::new(from, to);
                assert_eq!(way.pass(&[], &mut [0; 100]), 0);
                let bytes = way.pass(&[0x2A; 20_000], &mut [0; 100]);
                assert_eq!(bytes, 100, "{from:?} {to:?}");
            }
        }
    }

    #[cfg(not(feature = "opus"))]
    #[test]
    fn an_engine_without_opus_says_so() {
        assert!(Decoder::new(Format::Opus).is_none());
        assert!(Encoder::new(Format::Opus).is_none());
    }
}
