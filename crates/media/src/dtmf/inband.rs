//! Hears keys as tones in the sound (ITU-T Q.23, Q.24), and no keys in speech.
//!
//! Windows of 12.75 ms, two deep, are measured at the eight frequencies (Goertzel's algorithm). A
//! window is a key's when one row and one column are loud enough, of like loudness, far louder than
//! the others of their group and nearly all there is. From one window to the next their phases must
//! go on as these frequencies' do, within 2.5 %, which voices hardly ever manage. Four windows of
//! one key make a press (32 ms at the least), three without it end it.

use core::f32::consts::{PI, TAU};

use super::{
    Digit,
    tone::{COLUMNS, HERTZ, KEYS, ROWS, ZERO_DBM0},
};

/// Samples of a window.
const WINDOW: usize = 102;

/// Samples from one window to the next.
const STEP: usize = WINDOW / 2;

/// Windows of one key that make a press.
const PRESSED: u8 = 4;

/// Windows without the key that end it.
const RELEASED: u8 = 3;

/// Least level of each tone: −27 dBm0 and a little for windows and lines, as a factor of 0 dBm0's
/// power.
const LEAST: f32 = 0.001;

/// How much louder the row may be than the column: 8 dB. Lines dampen high tones.
const ROW_LOUDER: f32 = 6.3;

/// How much louder the column may be than the row: 4 dB.
const COLUMN_LOUDER: f32 = 2.51;

/// How much louder a tone must be than the others of its group: 8 dB.
const ABOVE_OTHERS: f32 = 6.3;

/// Share of the window's power that the two tones must have.
const SHARE: f32 = 0.7;

/// By how much a frequency may be off: what a sender may (1.8 %, Q.24) and some for noise.
const OFF: f32 = 0.025;

/// Hears the keys of one stream at 8 kHz. Of fixed size; it never allocates.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The last window, oldest first.
    window: [f32; WINDOW],
    /// How many of its samples are newer than the last measurement.
    fresh: usize,
    /// What the last window was.
    before: Option<Heard>,
    /// Windows in a row of the key of `before`.
    row: u8,
    pressed: Option<Press>,
}

/// A key in one window.
#[derive(Clone, Copy, Debug)]
struct Heard {
    key: char,
    tones: [Found; 2],
}

#[derive(Clone, Copy, Debug)]
struct Press {
    key: char,
    windows: u32,
    missing: u8,
}

/// A tone in one window.
#[derive(Clone, Copy, Debug)]
struct Found {
    hertz: f32,
    /// Share of a sine's power that it has in the window.
    power: f32,
    phase: f32,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            window: [0.0; WINDOW],
            fresh: 0,
            before: None,
            row: 0,
            pressed: None,
        }
    }
}

impl Listener {
    /// Takes sound in, and hands out the presses that are thereby over.
    pub fn hear(&mut self, samples: &[i16], mut over: impl FnMut(Digit)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(STEP - self.fresh));
            self.take(now);
            rest = later;
            if self.fresh == STEP {
                self.fresh = 0;
                if let Some(digit) = self.judge() {
                    over(digit);
                }
            }
        }
    }

    fn take(&mut self, samples: &[i16]) {
        self.window.copy_within(samples.len().., 0);
        let from = WINDOW - samples.len();
        let places = self.window.iter_mut().skip(from);
        places
            .zip(samples)
            .for_each(|(to, &sample)| *to = f32::from(sample));
        self.fresh += samples.len();
    }

    /// Looks at a window. The press that it ends.
    fn judge(&mut self) -> Option<Digit> {
        let heard = self.heard();
        let goes_on = match (&self.before, &heard) {
            (Some(before), Some(now)) => now.follows(before),
            _ => false,
        };
        self.row = match (goes_on, heard) {
            (true, _) => self.row.saturating_add(1),
            (false, heard) => heard.is_some().into(),
        };
        self.before = heard;
        let key = heard.map(|heard| heard.key);
        let over = match &mut self.pressed {
            Some(press) if Some(press.key) == key => {
                press.windows += 1 + u32::from(press.missing);
                press.missing = 0;
                None
            }
            Some(press) => {
                press.missing += 1;
                let over = press.missing >= RELEASED;
                over.then(|| press.digit())
            }
            None => None,
        };
        if over.is_some() {
            self.pressed = None;
        }
        if self.pressed.is_none() && self.row >= PRESSED {
            self.pressed = key.map(|key| Press {
                key,
                windows: self.row.into(),
                missing: 0,
            });
        }
        over
    }

    /// The key in the present window.
    fn heard(&self) -> Option<Heard> {
        let all: f32 = self.window.iter().map(|sample| sample * sample).sum();
        // A sine's power, summed, is half its amplitude squared times the window.
        let least = LEAST * ZERO_DBM0 * ZERO_DBM0 * WINDOW as f32 / 2.0;
        if all < 2.0 * least {
            return None;
        }
        let (row, row_tone) = self.loudest(ROWS)?;
        let (column, column_tone) = self.loudest(COLUMNS)?;
        let (low, high) = (row_tone.power, column_tone.power);
        let loud = low >= least && high >= least;
        let alike = low <= high * ROW_LOUDER && high <= low * COLUMN_LOUDER;
        let alone = low + high >= SHARE * all;
        let key = *KEYS.get(row)?.get(column)?;
        (loud && alike && alone).then_some(Heard {
            key,
            tones: [row_tone, column_tone],
        })
    }

    /// The loudest tone of a group, when it is far louder than the others.
    fn loudest(&self, group: [f32; 4]) -> Option<(usize, Found)> {
        let found = group.map(|hertz| self.measure(hertz));
        let (at, loudest) = found
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.power.total_cmp(&b.1.power))?;
        let mut others = found.iter().enumerate().filter(|&(n, _)| n != at);
        let above = others.all(|(_, other)| other.power * ABOVE_OTHERS <= loudest.power);
        above.then_some((at, *loudest))
    }

    /// Goertzel's algorithm.
    fn measure(&self, hertz: f32) -> Found {
        let step = TAU * hertz / HERTZ;
        let (cos, sin) = (step.cos(), step.sin());
        let (mut last, mut before) = (0.0f32, 0.0f32);
        for sample in &self.window {
            (last, before) = (sample + 2.0 * cos * last - before, last);
        }
        let (re, im) = (last - before * cos, before * sin);
        Found {
            hertz,
            power: (re * re + im * im) * 2.0 / WINDOW as f32,
            phase: im.atan2(re),
        }
    }
}

impl Heard {
    /// Whether it is the same key as in the window before, and its tones went on at their
    /// frequencies.
    fn follows(&self, before: &Self) -> bool {
        let mut pairs = self.tones.iter().zip(&before.tones);
        self.key == before.key
            && pairs.all(|(now, before)| {
                let turns = TAU * now.hertz / HERTZ * STEP as f32;
                let off = wrapped(now.phase - before.phase - turns);
                let hertz = off * HERTZ / (TAU * STEP as f32);
                hertz.abs() <= now.hertz * OFF
            })
    }
}

impl Press {
    fn digit(&self) -> Digit {
        // The first window reaches a step further back than the others.
        let samples = (self.windows as usize + 1) * STEP;
        Digit {
            key: self.key,
            ms: (samples / 8) as u32,
        }
    }
}

/// An angle between −π and π.
fn wrapped(angle: f32) -> f32 {
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dtmf::Tone;

    const ALL: &str = "0123456789*#ABCD";

    struct Noise(u32);

    impl Noise {
        /// About normal, of variance one.
        fn next(&mut self) -> f32 {
            let sum: f32 = (0..12)
                .map(|_| {
                    self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (self.0 >> 8) as f32 / 16_777_216.0
                })
                .sum();
            sum - 6.0
        }
    }

    /// Keys, each `on` ms at `dbm0` with `off` ms before each and after the last, in noise `snr`
    /// decibels below.
    fn pressed(keys: &str, on: usize, off: usize, dbm0: f32, snr: f32) -> Vec<i16> {
        let mut sound = Vec::new();
        for key in keys.chars() {
            sound.extend(vec![0; off * 8]);
            let mut tone = vec![0; on * 8];
            Tone::new(key, dbm0).unwrap().fill(&mut tone);
            sound.extend(tone);
        }
        sound.extend(vec![0; (off + 100) * 8]);
        // The power of two sines is their amplitude squared.
        let level = ZERO_DBM0 * 10f32.powf((dbm0 - snr) / 20.0);
        let mut noise = Noise(sound.len() as u32 ^ dbm0.to_bits());
        for sample in &mut sound {
            *sample = (f32::from(*sample) + level * noise.next()) as i16;
        }
        sound
    }

    fn heard(sound: &[i16]) -> Vec<Digit> {
        let mut listener = Listener::default();
        let mut digits = Vec::new();
        // Pieces of an odd size: only the stream counts.
        sound
            .chunks(133)
            .for_each(|piece| listener.hear(piece, |digit| digits.push(digit)));
        digits
    }

    fn keys(sound: &[i16]) -> String {
        heard(sound).iter().map(|digit| digit.key).collect()
    }

    #[test]
    fn all_keys_are_heard_once_at_all_levels_in_noise() {
        for dbm0 in (-27..=-3).step_by(2) {
            for (on, off) in [(40, 40), (60, 40), (100, 100), (45, 57)] {
                let sound = pressed(ALL, on, off, dbm0 as f32, 15.0);
                assert_eq!(keys(&sound), ALL, "{dbm0} dBm0, {on} ms, {off} ms");
            }
        }
    }

    #[test]
    fn a_press_has_its_length_and_is_known_while_it_lasts() {
        let sound = pressed("5", 200, 50, -10.0, 40.0);
        let digits = heard(&sound);
        assert_eq!(digits.len(), 1);
        assert!((190..=215).contains(&digits[0].ms), "{} ms", digits[0].ms);
        // It is heard when it is over, not before.
        let mut listener = Listener::default();
        listener.hear(&sound[..8 * 50 + 8 * 45], |_| panic!());
    }

    #[test]
    fn what_is_no_press_is_not_heard() {
        // Too short, too soft.
        assert_eq!(keys(&pressed(ALL, 20, 60, -10.0, 40.0)), "");
        assert_eq!(keys(&pressed(ALL, 60, 60, -36.0, 40.0)), "");
        for (low, high) in [
            // One tone alone, 5 % off, unlike levels: column 6 dB over, row 10 dB over.
            ((770.0, -10.0), (1_336.0, -80.0)),
            ((770.0, -80.0), (1_336.0, -10.0)),
            ((732.0, -10.0), (1_403.0, -10.0)),
            ((770.0, -16.0), (1_336.0, -10.0)),
            ((770.0, -6.0), (1_336.0, -16.0)),
        ] {
            let amplitude = |dbm0: f32| ZERO_DBM0 * 10f32.powf(dbm0 / 20.0);
            let sound: Vec<i16> = (0..1_600)
                .map(|n| {
                    let at = TAU * n as f32 / HERTZ;
                    let sum = amplitude(low.1) * f32::sin(at * low.0)
                        + amplitude(high.1) * f32::sin(at * high.0);
                    sum as i16
                })
                .collect();
            assert_eq!(keys(&sound), "", "{low:?} {high:?}");
        }
    }

    #[test]
    fn a_short_dropout_does_not_make_two_presses() {
        let mut sound = pressed("7", 200, 50, -10.0, 40.0);
        sound[8 * 120..8 * 126].fill(0);
        assert_eq!(keys(&sound), "7");
    }

    #[test]
    fn noise_and_loud_squares_have_no_keys() {
        let mut noise = Noise(5);
        let sound: Vec<i16> = (0..800_000)
            .map(|_| (4_000.0 * noise.next()) as i16)
            .collect();
        assert_eq!(keys(&sound), "");
        for period in 2..60 {
            let sound: Vec<i16> = (0..4_000)
                .map(|n| {
                    if n % period * 2 < period {
                        i16::MAX
                    } else {
                        i16::MIN
                    }
                })
                .collect();
            assert_eq!(keys(&sound), "", "{period}");
        }
    }

    proptest! {
        /// Any keys, lengths, levels and twists a phone may have, in noise.
        #[test]
        fn what_is_pressed_is_heard(
            presses in proptest::collection::vec(
                (0usize..16, 40usize..200, 40usize..200, -27.0f32..-3.0), 1..12),
        ) {
            let (mut sound, mut expected) = (Vec::new(), String::new());
            for &(key, on, off, dbm0) in &presses {
                let key = &ALL[key..=key];
                expected.push_str(key);
                let one = pressed(key, on, off, dbm0, 15.0);
                sound.extend_from_slice(&one[..(on + off) * 8]);
            }
            sound.extend(vec![0; 1_600]);
            prop_assert_eq!(keys(&sound), expected);
        }
    }
}
