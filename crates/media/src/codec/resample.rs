//! Sound at another sampling rate: 8, 16 and 48 kHz, by polyphase filters of fixed coefficients.
//!
//! What the lower rate cannot hold is 60 dB down, from 15 % above half that rate on; what lies
//! below 85 % of it passes within 0.1 dB. The delay is half a filter: 1.5 ms, between 16 and
//! 48 kHz 1.0 ms.

use super::taps::{NARROW_FULL, NARROW_WIDE, WIDE_FULL};

/// Longest filter.
const TAPS: usize = 144;

/// Samples taken at a time, a multiple of each ratio: 20 ms at 48 kHz.
const BATCH: usize = 960;

/// A sampling rate the engine works at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rate {
    /// 8,000 a second: G.711.
    Narrow,
    /// 16,000 a second: G.722.
    Wide,
    /// 48,000 a second: Opus.
    Full,
}

impl Rate {
    /// Samples a second.
    pub const fn hertz(self) -> u32 {
        match self {
            Self::Narrow => 8_000,
            Self::Wide => 16_000,
            Self::Full => 48_000,
        }
    }

    /// Samples of 20 ms.
    pub const fn frame(self) -> usize {
        (self.hertz() / 50) as usize
    }
}

/// Changes one stream's rate. It holds 4.5 KiB and never allocates.
#[derive(Clone, Debug)]
pub struct Resampler {
    kind: Kind,
    /// The last samples of before, then those of the batch.
    line: [f32; TAPS + BATCH],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Same,
    Up(&'static [f32], usize),
    Down(&'static [f32], usize),
}

impl Resampler {
    /// A stream at `from` as a stream at `to`.
    pub const fn new(from: Rate, to: Rate) -> Self {
        let kind = match (from, to) {
            (Rate::Narrow, Rate::Wide) => Kind::Up(&NARROW_WIDE, 2),
            (Rate::Wide, Rate::Full) => Kind::Up(&WIDE_FULL, 3),
            (Rate::Narrow, Rate::Full) => Kind::Up(&NARROW_FULL, 6),
            (Rate::Wide, Rate::Narrow) => Kind::Down(&NARROW_WIDE, 2),
            (Rate::Full, Rate::Wide) => Kind::Down(&WIDE_FULL, 3),
            (Rate::Full, Rate::Narrow) => Kind::Down(&NARROW_FULL, 6),
            _ => Kind::Same,
        };
        Self {
            kind,
            line: [0.0; TAPS + BATCH],
        }
    }

    /// Takes samples in and returns how many it wrote: as many as `samples` becomes, or as fit.
    /// Towards a lower rate a rest that makes no whole sample is left out, so packets of whole
    /// milliseconds lose nothing.
    pub fn process(&mut self, samples: &[i16], to: &mut [i16]) -> usize {
        match self.kind {
            Kind::Same => {
                let pairs = to.iter_mut().zip(samples);
                pairs.map(|(to, &sample)| *to = sample).count()
            }
            Kind::Up(taps, ratio) => self.up(taps, ratio, samples, to),
            Kind::Down(taps, ratio) => self.down(taps, ratio, samples, to),
        }
    }

    fn up(&mut self, taps: &[f32], ratio: usize, samples: &[i16], to: &mut [i16]) -> usize {
        let each = taps.len() / ratio;
        let mut written = 0;
        let batches = samples.chunks(BATCH).zip(to.chunks_mut(BATCH * ratio));
        for (batch, to) in batches {
            self.take(each - 1, batch);
            let windows = self.line.windows(each).take(batch.len());
            for (window, to) in windows.zip(to.chunks_exact_mut(ratio)) {
                for (phase, to) in taps.chunks_exact(each).zip(to) {
                    *to = nearest(product(phase, window));
                    written += 1;
                }
            }
            self.keep(each - 1, batch.len());
        }
        written
    }

    fn down(&mut self, taps: &[f32], ratio: usize, samples: &[i16], to: &mut [i16]) -> usize {
        let each = taps.len() / ratio;
        let before = taps.len() - ratio;
        let whole = samples.len() - samples.len() % ratio;
        let samples = samples.get(..whole).unwrap_or(samples);
        let mut written = 0;
        for (batch, to) in samples.chunks(BATCH).zip(to.chunks_mut(BATCH / ratio)) {
            self.take(before, batch);
            let windows = self.line.windows(taps.len()).step_by(ratio);
            for (window, to) in windows.take(batch.len() / ratio).zip(to) {
                // The filter's first tap meets the newest sample, which is the window's last: the
                // phases are those of the window read from its end.
                let sum: f32 = taps
                    .chunks_exact(each)
                    .enumerate()
                    .map(|(phase, taps)| {
                        let column = window.iter().skip(ratio - 1 - phase).step_by(ratio);
                        column
                            .zip(taps)
                            .map(|(sample, tap)| sample * tap)
                            .sum::<f32>()
                    })
                    .sum();
                *to = nearest(sum / ratio as f32);
                written += 1;
            }
            self.keep(before, batch.len());
        }
        written
    }

    /// Puts a batch behind the samples of before.
    fn take(&mut self, before: usize, batch: &[i16]) {
        let places = self.line.iter_mut().skip(before);
        places.zip(batch).for_each(|(to, &s)| *to = f32::from(s));
    }

    /// Moves the batch's last samples to where the next batch looks for those of before.
    fn keep(&mut self, before: usize, taken: usize) {
        self.line.copy_within(taken..taken + before, 0);
    }
}

fn product(taps: &[f32], samples: &[f32]) -> f32 {
    taps.iter()
        .zip(samples)
        .map(|(tap, sample)| tap * sample)
        .sum()
}

/// The nearest sample; halves away from zero. Many at once cost little, for it needs no call of the
/// mathematical library as `f32::round` does where the processor cannot round.
pub(crate) fn nearest(value: f32) -> i16 {
    // `as` cuts off, and saturates.
    (value + 0.5_f32.copysign(value)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [Rate; 3] = [Rate::Narrow, Rate::Wide, Rate::Full];

    fn tone(hertz: f64, rate: Rate, samples: usize) -> Vec<i16> {
        let step = core::f64::consts::TAU * hertz / f64::from(rate.hertz());
        (0..samples)
            .map(|n| (10_000.0 * (step * n as f64).sin()).round() as i16)
            .collect()
    }

    fn resampled(from: Rate, to: Rate, samples: &[i16]) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut all = Vec::new();
        for frame in samples.chunks(from.frame()) {
            let mut out = [0; 960];
            let count = resampler.process(frame, &mut out);
            all.extend_from_slice(&out[..count]);
        }
        all
    }

    /// Amplitude of a tone in the sound after its first 40 ms, and of all else together.
    fn tone_and_rest(hertz: f64, rate: Rate, samples: &[i16]) -> (f64, f64) {
        let samples = &samples[2 * rate.frame()..];
        let step = core::f64::consts::TAU * hertz / f64::from(rate.hertz());
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &s) in samples.iter().enumerate() {
            re += f64::from(s) * (step * n as f64).cos();
            im += f64::from(s) * (step * n as f64).sin();
        }
        let count = samples.len() as f64;
        let power = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / count;
        let tone = 2.0 * re.hypot(im) / count;
        (tone, (2.0 * (power - tone * tone / 2.0).max(0.0)).sqrt())
    }

    fn decibels(ratio: f64) -> f64 {
        20.0 * ratio.log10()
    }

    #[test]
    fn what_both_rates_hold_passes_unchanged() {
        for from in RATES {
            for to in RATES {
                let top = f64::from(from.min(to).hertz()) * 0.42;
                for hertz in [50.0, 300.0, 1_000.0, 2_450.0, top - top % 50.0] {
                    let heard = resampled(from, to, &tone(hertz, from, 50 * from.frame()));
                    assert_eq!(heard.len(), 50 * to.frame());
                    let (tone, rest) = tone_and_rest(hertz, to, &heard);
                    let gain = decibels(tone / 10_000.0);
                    assert!(gain.abs() < 0.1, "{from:?} {to:?} {hertz}: {gain} dB");
                    let rest = decibels(rest / 10_000.0);
                    assert!(rest < -50.0, "{from:?} {to:?} {hertz}: rest {rest} dB");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (from, to) in [
            (Rate::Wide, Rate::Narrow),
            (Rate::Full, Rate::Narrow),
            (Rate::Full, Rate::Wide),
        ] {
            let (first, last) = (to.hertz() * 58 / 100, from.hertz() / 2 - 50);
            for hertz in (first..last).step_by(250) {
                let said = tone(hertz.into(), from, 50 * from.frame());
                let heard = &resampled(from, to, &said)[2 * to.frame()..];
                let most = heard.iter().map(|s| s.unsigned_abs()).max().unwrap();
                let left = decibels(f64::from(most.max(1)) / 10_000.0);
                assert!(left < -50.0, "{from:?} {to:?} {hertz}: {left} dB");
            }
        }
    }

    #[test]
    fn any_cut_into_packets_is_the_same_stream() {
        let said = tone(440.0, Rate::Full, 9_600);
        for (from, to) in [(Rate::Full, Rate::Narrow), (Rate::Narrow, Rate::Full)] {
            let mut resampler = Resampler::new(from, to);
            let mut all = vec![0; 9_600 * 6];
            let count = resampler.process(&said, &mut all);
            assert_eq!(resampled(from, to, &said), all[..count]);
        }
    }

    #[test]
    fn the_loudest_sound_saturates_and_a_short_output_ends_it() {
        let square: Vec<i16> = (0..1_600)
            .map(|n| if n / 8 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let heard = resampled(Rate::Narrow, Rate::Full, &square);
        assert!(heard.contains(&i16::MAX) && heard.contains(&i16::MIN));
        let mut resampler = Resampler::new(Rate::Narrow, Rate::Wide);
        assert_eq!(resampler.process(&square, &mut [0; 100]), 100);
        assert_eq!(resampler.process(&[], &mut [0; 100]), 0);
    }
}
