//! Low-pass filters for the change of rate, built by the compiler: a sinc under a Kaiser window.

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler: an index out of range does not build"
)]

use core::f64::consts::PI;

/// Kaiser's β for 60 dB: 0.1102 × (60 − 8.7).
const BETA: f64 = 5.65;

/// 8 ↔ 16 kHz, at 16 kHz: 24 taps a phase; 3.4 kHz passes, above 4.6 kHz nothing.
pub(super) static NARROW_WIDE: [f32; 48] = phases::<48>(2);

/// 16 ↔ 48 kHz, at 48 kHz: 32 taps a phase; 7 kHz passes, above 9 kHz nothing.
pub(super) static WIDE_FULL: [f32; 96] = phases::<96>(3);

/// 8 ↔ 48 kHz, at 48 kHz: 24 taps a phase; 3.4 kHz passes, above 4.6 kHz nothing.
pub(super) static NARROW_FULL: [f32; 144] = phases::<144>(6);

/// A low-pass at half the lower of two rates, whose ratio is given. Its taps stand in the order of
/// the phases, of each phase the one for the oldest sample first; each phase's sum is one.
const fn phases<const N: usize>(ratio: usize) -> [f32; N] {
    let mut taps = [0.0; N];
    let each = N / ratio;
    let mut phase = 0;
    while phase < ratio {
        let mut sum = 0.0;
        let mut at = 0;
        while at < each {
            sum += tap(phase + ratio * at, N, ratio);
            at += 1;
        }
        at = 0;
        while at < each {
            let value = tap(phase + ratio * at, N, ratio) / sum;
            taps[phase * each + each - 1 - at] = value as f32;
            at += 1;
        }
        phase += 1;
    }
    taps
}

/// One tap of the whole filter of `length`, of any scale.
const fn tap(at: usize, length: usize, ratio: usize) -> f64 {
    let middle = (length - 1) as f64 / 2.0;
    let from_middle = at as f64 - middle;
    // The length is even: the middle is between two taps, and this is never zero.
    let turns = PI * from_middle / ratio as f64;
    let position = from_middle / (middle + 0.5);
    sine(turns) / turns * bessel_squared(BETA * BETA * (1.0 - position * position))
}

const fn sine(angle: f64) -> f64 {
    let turns = (angle / (2.0 * PI)) as i64;
    let angle = angle - 2.0 * PI * turns as f64;
    let (mut term, mut sum, mut n) = (angle, angle, 1.0);
    while n < 40.0 {
        term *= -angle * angle / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sum
}

/// The modified Bessel function of order zero of the root of `square`.
const fn bessel_squared(square: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 40.0 {
        term *= square / (4.0 * n * n);
        sum += term;
        n += 1.0;
    }
    sum
}
