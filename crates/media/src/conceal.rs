//! Packet-loss concealment for codecs that have none of their own: ITU-T G.711 Appendix I.
//!
//! A loss is filled with the last pitch periods before it, one for the first 10 ms, two and then
//! three for the next two, so that no buzz arises; it fades to nothing by 60 ms. Both edges are
//! overlapped and added. For the first edge the sound is given out 3.75 ms late, always.

use crate::codec::resample::{Rate, nearest};

/// A fade of the appendix: a fifth each 10 ms after the first.
const FADE: f32 = 0.2;

/// Tens of milliseconds until silence.
const AUDIBLE: usize = 6;

/// Least power by which a correlation is normalized, so that noise has no pitch.
const LEAST_POWER: f32 = 250.0;

/// Lengths of the appendix in samples at 8 kHz, times what the rate is more.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// 10 ms.
    frame: usize,
    /// 200 Hz: the shortest pitch period.
    pitch_least: usize,
    /// 66 Hz: the longest.
    pitch_most: usize,
    /// A quarter of the longest: the delay.
    overlap_most: usize,
    /// Length over which periods are compared.
    compared: usize,
    /// By how much the overlap at the end grows with each 10 ms.
    overlap_more: usize,
    /// Every how many samples the first search looks.
    coarse: usize,
}

impl Lengths {
    const fn of(rate: Rate) -> Self {
        let times = (rate.hertz() / 8_000) as usize;
        Self {
            frame: 80 * times,
            pitch_least: 40 * times,
            pitch_most: 120 * times,
            overlap_most: 30 * times,
            compared: 160 * times,
            overlap_more: 32 * times,
            coarse: 2 * times,
        }
    }

    const fn history(self) -> usize {
        self.pitch_most * 3 + self.overlap_most
    }
}

/// Conceals losses in one decoded stream, in multiples of 10 ms; it never allocates after construction.
#[derive(Clone, Debug)]
pub struct Concealer {
    lengths: Lengths,
    /// The last sound, newest last; its end is yet to be given out.
    history: Box<[f32]>,
    /// The history when the loss began, its end made to fit its repetition.
    periods: Box<[f32]>,
    /// The true end of the history when the loss began.
    tail: Box<[f32]>,
    /// For sounds that are overlapped.
    spare: Box<[f32]>,
    pitch: usize,
    overlap: usize,
    /// How many samples are repeated: one to three periods.
    repeated: usize,
    /// Place in them.
    place: usize,
    /// Tens of milliseconds lost in a row.
    lost: usize,
}

impl Concealer {
    /// A concealer at the beginning of a stream.
    pub fn new(rate: Rate) -> Self {
        let lengths = Lengths::of(rate);
        let zeros = |length| vec![0.0; length].into_boxed_slice();
        Self {
            lengths,
            history: zeros(lengths.history()),
            periods: zeros(lengths.history()),
            tail: zeros(lengths.overlap_most),
            spare: zeros(lengths.frame),
            pitch: lengths.pitch_most,
            overlap: lengths.overlap_most,
            repeated: lengths.pitch_most,
            place: 0,
            lost: 0,
        }
    }

    /// Takes decoded sound in, and puts what is due in its place: the same 3.75 ms later.
    pub fn heard(&mut self, samples: &mut [i16]) {
        for piece in samples.chunks_mut(self.lengths.frame) {
            let joint = self.join_length().min(piece.len());
            self.fill(joint);
            self.push(piece.iter().map(|&sample| f32::from(sample)));
            if joint > 0 {
                self.join(piece.len(), joint);
            }
            self.lost = 0;
            self.give(piece);
        }
    }

    /// Makes up sound where there is none.
    pub fn lost(&mut self, to: &mut [i16]) {
        for piece in to.chunks_mut(self.lengths.frame) {
            match self.lost {
                0 => self.begin(piece.len()),
                1 | 2 => self.add_period(piece.len()),
                _ => self.fill(piece.len()),
            }
            let gain = self.gain();
            let fade = if self.lost == 0 { 0.0 } else { FADE };
            let step = fade / self.lengths.frame as f32;
            let spare = core::mem::take(&mut self.spare);
            let made = spare.iter().take(piece.len()).enumerate();
            self.push(made.map(|(n, sample)| sample * (gain - step * (n as f32 + 1.0)).max(0.0)));
            self.spare = spare;
            self.lost += 1;
            self.give(piece);
        }
    }

    /// Gain at the beginning of the present 10 ms of loss.
    fn gain(&self) -> f32 {
        if self.lost >= AUDIBLE {
            return 0.0;
        }
        (1.0 - self.lost.saturating_sub(1) as f32 * FADE).max(0.0)
    }

    /// Puts samples behind the history.
    fn push(&mut self, samples: impl ExactSizeIterator<Item = f32>) {
        let count = samples.len().min(self.history.len());
        self.history.copy_within(count.., 0);
        let from = self.history.len() - count;
        let places = self.history.iter_mut().skip(from);
        places.zip(samples).for_each(|(to, sample)| *to = sample);
    }

    /// Gives out what is due: the history but for its last 3.75 ms.
    fn give(&self, to: &mut [i16]) {
        let from = self.history.len() - self.lengths.overlap_most - to.len();
        let due = self.history.iter().skip(from);
        to.iter_mut()
            .zip(due)
            .for_each(|(to, &sample)| *to = nearest(sample));
    }

    /// Fills the beginning of the spare buffer with repeated periods.
    fn fill(&mut self, count: usize) {
        let begin = self.periods.len() - self.repeated;
        let periods = self.periods.get(begin..).unwrap_or_default();
        for to in self.spare.iter_mut().take(count) {
            *to = periods.get(self.place).copied().unwrap_or_default();
            self.place = (self.place + 1) % self.repeated;
        }
    }

    /// The first 10 ms: finds the pitch, and blends the end of the sound into its repetition.
    fn begin(&mut self, count: usize) {
        self.periods.copy_from_slice(&self.history);
        self.pitch = self.find_pitch();
        self.overlap = self.pitch / 4;
        self.place = 0;
        let end = self.periods.len() - self.overlap;
        let tail = self.periods.iter().skip(end);
        self.tail
            .iter_mut()
            .zip(tail)
            .for_each(|(to, &sample)| *to = sample);
        self.repeat(self.pitch);
        let blended = self.periods.iter().skip(end);
        let places = self.history.iter_mut().skip(end);
        places.zip(blended).for_each(|(to, &sample)| *to = sample);
        self.fill(count);
    }

    /// The second and third 10 ms: repeats one period more, blended with what would have been.
    fn add_period(&mut self, count: usize) {
        let place = self.place;
        let overlap = self.overlap.min(count);
        self.fill(overlap);
        // What goes on of the old repetition, kept aside.
        let mut saved = [0.0; SAVED];
        let old = self.spare.iter().take(overlap);
        saved
            .iter_mut()
            .zip(old)
            .for_each(|(to, &sample)| *to = sample);
        self.place = place % self.pitch;
        self.repeat(self.repeated + self.pitch);
        self.fill(count);
        let new = self.spare.iter_mut().take(overlap);
        for (n, (new, old)) in new.zip(&saved).enumerate() {
            *new = blend(*old, *new, n, overlap);
        }
    }

    /// Repeats the last `length` samples from now on, their end blended into their beginning.
    fn repeat(&mut self, length: usize) {
        let size = self.periods.len();
        self.repeated = length;
        let (before, end) = (size - length - self.overlap, size - self.overlap);
        for n in 0..self.overlap {
            let new = self.periods.get(before + n).copied().unwrap_or_default();
            let old = self.tail.get(n).copied().unwrap_or_default();
            if let Some(to) = self.periods.get_mut(end + n) {
                *to = blend(old, new, n, self.overlap);
            }
        }
    }

    /// Over how many samples the first sound after a loss is blended; 0 when none was lost.
    fn join_length(&self) -> usize {
        let more = self.lost.saturating_sub(1) * self.lengths.overlap_more;
        match self.lost {
            0 => 0,
            _ => (self.overlap + more).min(self.lengths.frame),
        }
    }

    /// Blends the made-up sound in the spare buffer into the last `length` samples of the history.
    fn join(&mut self, length: usize, joint: usize) {
        let gain = self.gain();
        let from = self.history.len() - length;
        let places = self.history.iter_mut().skip(from).take(joint);
        for (n, (place, &made)) in places.zip(&self.spare).enumerate() {
            *place = blend(made * gain, *place, n, joint);
        }
    }

    /// The pitch period: the lag at which the sound before the loss is most like itself.
    fn find_pitch(&self) -> usize {
        let Lengths {
            pitch_least,
            pitch_most,
            coarse,
            ..
        } = self.lengths;
        let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
            lags.map(|lag| (lag, self.likeness(lag, step)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map_or(pitch_most, |(lag, _)| lag)
        };
        let rough = best(&mut (pitch_least..=pitch_most).step_by(coarse), coarse);
        let near = rough.saturating_sub(coarse - 1).max(pitch_least);
        best(&mut (near..=(rough + coarse - 1).min(pitch_most)), 1)
    }

    /// Normalized correlation of the last 20 ms with what was `lag` samples earlier.
    fn likeness(&self, lag: usize, step: usize) -> f32 {
        let from = self.periods.len() - self.lengths.compared;
        let now = self.periods.iter().skip(from).step_by(step);
        let then = self.periods.iter().skip(from - lag).step_by(step);
        let (product, power) = now.zip(then).fold((0.0, 0.0), |(product, power), (a, b)| {
            (product + a * b, power + b * b)
        });
        product / f32::max(power, LEAST_POWER).sqrt()
    }
}

/// Longest overlap that is kept aside: a quarter of the longest period at 48 kHz.
const SAVED: usize = 180;

/// The `n`th of `of` samples on the way from `old` to `new`.
fn blend(old: f32, new: f32, n: usize, of: usize) -> f32 {
    let share = (n + 1) as f32 / of as f32;
    old * (1.0 - share) + new * share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice: pulses of 125 Hz through two resonances, swelling.
    fn voice(rate: Rate, ms: usize) -> Vec<i16> {
        let per_second = f64::from(rate.hertz());
        let resonance = |frequency: f64, width: f64| {
            let radius = (-core::f64::consts::PI * width / per_second).exp();
            let angle = core::f64::consts::TAU * frequency / per_second;
            (2.0 * radius * angle.cos(), -radius * radius)
        };
        let (low, high) = (resonance(550.0, 90.0), resonance(1_700.0, 150.0));
        let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
        let period = rate.hertz() as usize / 125;
        let sound: Vec<f64> = (0..rate.frame() / 20 * ms)
            .map(|n| {
                let pulse = if n % period == 0 { 1.0 } else { 0.0 };
                let x = pulse + low.0 * a[0] + low.1 * a[1];
                a = [x, a[0]];
                let y = x + high.0 * b[0] + high.1 * b[1];
                b = [y, b[0]];
                y * (1.0 + 0.3 * (n as f64 / per_second * 9.0).sin())
            })
            .collect();
        let most = sound.iter().fold(0.0, |most: f64, s| most.max(s.abs()));
        sound.iter().map(|s| (s / most * 12_000.0) as i16).collect()
    }

    /// Plays frames of 20 ms, those of which `lost` says so concealed.
    fn concealed(rate: Rate, said: &[i16], lost: impl Fn(usize) -> bool) -> Vec<i16> {
        let mut concealer = Concealer::new(rate);
        let mut heard = said.to_vec();
        for (n, frame) in heard.chunks_mut(rate.frame()).enumerate() {
            if lost(n) {
                frame.fill(0);
                concealer.lost(frame);
            } else {
                concealer.heard(frame);
            }
        }
        heard
    }

    fn energy(samples: &[i16]) -> f64 {
        samples.iter().map(|&s| f64::from(s).powi(2)).sum()
    }

    fn delay(rate: Rate) -> usize {
        rate.hertz() as usize * 3 / 800
    }

    #[test]
    fn without_loss_all_is_the_same_a_little_later() {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let said = voice(rate, 400);
            let heard = concealed(rate, &said, |_| false);
            assert_eq!(heard[delay(rate)..], said[..said.len() - delay(rate)]);
        }
    }

    #[test]
    fn a_lost_frame_of_a_voice_is_nearly_as_it_was() {
        for rate in [Rate::Narrow, Rate::Wide] {
            let said = voice(rate, 2_000);
            let heard = concealed(rate, &said, |n| n % 10 == 9);
            let heard = &heard[delay(rate)..];
            let (mut lost, mut error) = (0.0, 0.0);
            for n in (9..99).step_by(10) {
                let range = n * rate.frame()..(n + 1) * rate.frame();
                lost += energy(&said[range.clone()]);
                error += said[range.clone()]
                    .iter()
                    .zip(&heard[range])
                    .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
                    .sum::<f64>();
            }
            let snr = 10.0 * (lost / error).log10();
            assert!(snr > 8.0, "{rate:?}: {snr} dB");
            // And nothing else is touched but for the joint after each loss.
            let (total, unlike) = (said.len() - delay(rate), said.iter().zip(heard));
            let unlike = unlike.filter(|(a, b)| a != b).count();
            assert!(unlike * 100 < total * 25, "{unlike} of {total}");
        }
    }

    #[test]
    fn no_edge_jumps_more_than_the_voice_itself() {
        let said = voice(Rate::Narrow, 2_000);
        let jump = |samples: &[i16]| {
            let pairs = samples.windows(2);
            pairs
                .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
                .max()
                .unwrap()
        };
        let heard = concealed(Rate::Narrow, &said, |n| n > 10 && n % 7 < 2);
        assert!(
            jump(&heard) <= jump(&said) * 11 / 10,
            "{} {}",
            jump(&heard),
            jump(&said)
        );
    }

    #[test]
    fn a_long_loss_fades_to_silence_and_is_got_over() {
        let said = voice(Rate::Narrow, 1_000);
        let heard = concealed(Rate::Narrow, &said, |n| (20..30).contains(&n));
        let level = |frame: usize| energy(&heard[frame * 160 + 30..(frame + 1) * 160 + 30]);
        assert!(level(20) > 0.4 * level(19), "{} {}", level(20), level(19));
        assert!(level(21) < level(20) && level(22) < level(21));
        assert_eq!((level(23), level(28)), (0.0, 0.0));
        assert!(level(31) > 0.4 * level(19));
        assert_eq!(heard[31 * 160 + 30..], said[31 * 160..said.len() - 30]);
    }

    #[test]
    fn pieces_of_any_length_are_taken() {
        let said = voice(Rate::Narrow, 500);
        for length in [1, 7, 80, 240, 480] {
            let mut concealer = Concealer::new(Rate::Narrow);
            let mut heard = said.clone();
            for (n, piece) in heard.chunks_mut(length).enumerate() {
                match n % 5 {
                    3 => concealer.lost(piece),
                    _ => concealer.heard(piece),
                }
            }
            assert!(energy(&heard) < 1.5 * energy(&said), "{length}");
        }
    }
}
