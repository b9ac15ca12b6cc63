//! G.722 at 64 kbit/s (mode 1): 7 kHz of sound at 16,000 samples a second, one byte for two.
//!
//! Two sub-bands of 8,000 samples a second each, split by a quadrature mirror filter: 6 bits of
//! adaptive differential PCM for the lower, 2 for the upper. Its RTP clock is 8,000 a second for a
//! historical error's sake (RFC 3551 §4.5.2): one tick a byte, as with G.711.

mod band;
mod tables;

use band::Band;
use tables::{Q2, Q6, QM2, QM4, QM6, QMF, WH, WL};

/// The last 12 pairs of samples that a mirror filter looks at.
#[derive(Clone, Debug, Default)]
struct Mirror {
    first: [i32; 12],
    second: [i32; 12],
}

impl Mirror {
    /// Takes a pair in, and gives the sums over the first and over the second of the pairs.
    fn filter(&mut self, first: i32, second: i32) -> (i32, i32) {
        self.first.rotate_left(1);
        self.second.rotate_left(1);
        self.first[11] = first;
        self.second[11] = second;
        let sum = |values: &[i32; 12], taps: &mut dyn Iterator<Item = &i32>| -> i32 {
            values
                .iter()
                .zip(taps)
                .map(|(value, tap)| value * tap)
                .sum()
        };
        (
            sum(&self.first, &mut QMF.iter()),
            sum(&self.second, &mut QMF.iter().rev()),
        )
    }
}

/// Level of a code, 0 for a code that is none.
fn level<const N: usize>(of: &[i32; N], code: i32) -> i32 {
    of.get(code as usize).copied().unwrap_or_default()
}

/// Writes G.722.
#[derive(Clone, Debug)]
pub struct Encoder {
    mirror: Mirror,
    lower: Band,
    upper: Band,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            mirror: Mirror::default(),
            lower: Band::lower(),
            upper: Band::upper(),
        }
    }
}

impl Encoder {
    /// Encodes pairs of samples at 16 kHz into a byte each, as many as both sides hold, and
    /// returns the number of bytes. A last odd sample is left out.
    pub fn encode(&mut self, samples: &[i16], to: &mut [u8]) -> usize {
        let pairs = samples.as_chunks::<2>().0;
        for (&[first, second], byte) in pairs.iter().zip(to.iter_mut()) {
            *byte = self.encode_pair(first, second);
        }
        pairs.len().min(to.len())
    }

    fn encode_pair(&mut self, first: i16, second: i16) -> u8 {
        let (odd, even) = self.mirror.filter(first.into(), second.into());
        let low = self.encode_low((even + odd) >> 14);
        let high = self.encode_high((even - odd) >> 14);
        (high << 6 | low) as u8
    }

    /// Blocks 1L to 4L (§6.2.1.1).
    fn encode_low(&mut self, sample: i32) -> i32 {
        let band = &mut self.lower;
        let error = (sample - band.predicted).clamp(-32_768, 32_767);
        let size = if error < 0 { !error } else { error };
        let reached = |level: &i32| size >= (level * band.scale) >> 12;
        let place = Q6.partition_point(reached) as i32;
        // Table 14: the codes of the smallest two differences below zero stand at the table's end.
        let code = match (error < 0, place) {
            (false, _) => 61 - place,
            (true, 0..=1) => 63 - place,
            (true, _) => 33 - place,
        };
        let adapting = code >> 2;
        let difference = band.scaled(level(&QM4, adapting));
        band.adapt(level(&WL, adapting), difference);
        code
    }

    /// Blocks 1H to 4H.
    fn encode_high(&mut self, sample: i32) -> i32 {
        let band = &mut self.upper;
        let error = (sample - band.predicted).clamp(-32_768, 32_767);
        let size = if error < 0 { !error } else { error };
        let far = size >= (Q2 * band.scale) >> 12;
        let code = match (error < 0, far) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        let difference = band.scaled(level(&QM2, code));
        band.adapt(level(&WH, code), difference);
        code
    }
}

/// Reads G.722.
#[derive(Clone, Debug)]
pub struct Decoder {
    mirror: Mirror,
    lower: Band,
    upper: Band,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            mirror: Mirror::default(),
            lower: Band::lower(),
            upper: Band::upper(),
        }
    }
}

impl Decoder {
    /// Decodes each byte into two samples at 16 kHz, as many as both sides hold, and returns the
    /// number of samples.
    pub fn decode(&mut self, bytes: &[u8], to: &mut [i16]) -> usize {
        let pairs = to.as_chunks_mut::<2>().0;
        let count = pairs.len().min(bytes.len());
        for (&byte, pair) in bytes.iter().zip(pairs) {
            *pair = self.decode_pair(byte.into());
        }
        count * 2
    }

    fn decode_pair(&mut self, byte: i32) -> [i16; 2] {
        let (low, high) = (byte & 0x3F, byte >> 6);
        let heard = self.lower.scaled(level(&QM6, low));
        let below = self.lower.sample(heard);
        let adapting = low >> 2;
        let difference = self.lower.scaled(level(&QM4, adapting));
        self.lower.adapt(level(&WL, adapting), difference);

        let difference = self.upper.scaled(level(&QM2, high));
        let above = self.upper.sample(difference);
        self.upper.adapt(level(&WH, high), difference);

        let (odd, even) = self.mirror.filter(below + above, below - above);
        [even >> 11, odd >> 11].map(|s| s.clamp(i16::MIN.into(), i16::MAX.into()) as i16)
    }
}

#[cfg(test)]
mod tests;
