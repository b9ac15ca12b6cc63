//! Chance: how long people talk, wrap up and wait, and when they call.

use core::time::Duration;

use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};
use rand_distr::{Distribution as _, Exp1, LogNormal};

/// Longest time that is drawn: what a distribution says beyond it counts as this.
const LONGEST: f64 = 86_400.0;

/// How a time is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Always the same.
    Fixed {
        /// Seconds.
        mean_s: f64,
    },
    /// Exponential: what is left does not depend on what was.
    Exponential {
        /// Mean, seconds.
        mean_s: f64,
    },
    /// Lognormal, as times of talks are (Brown et al. 2005, *Statistical analysis of a telephone
    /// call center*).
    Lognormal {
        /// Mean, seconds.
        mean_s: f64,
        /// Standard deviation, seconds.
        sd_s: f64,
    },
}

impl Spread {
    /// No time at all.
    pub const NONE: Self = Self::Fixed { mean_s: 0.0 };

    /// Mean, seconds.
    pub const fn mean_s(self) -> f64 {
        match self {
            Self::Fixed { mean_s }
            | Self::Exponential { mean_s }
            | Self::Lognormal { mean_s, .. } => mean_s,
        }
    }

    /// Draws a time.
    pub fn draw(self, random: &mut ChaCha8Rng) -> Duration {
        let seconds = match self {
            Self::Fixed { mean_s } => mean_s,
            Self::Exponential { mean_s } => mean_s * exponential(random),
            Self::Lognormal { mean_s, sd_s } => {
                match LogNormal::from_mean_cv(mean_s, sd_s / mean_s) {
                    Ok(lognormal) => lognormal.sample(random),
                    // The scenario's check lets no such figures pass.
                    Err(_) => mean_s,
                }
            }
        };
        Duration::from_secs_f64(seconds.clamp(0.0, LONGEST))
    }
}

/// An exponential number of mean 1.
pub fn exponential(random: &mut ChaCha8Rng) -> f64 {
    Exp1.sample(random)
}

/// A number from 0 up to 1, 1 excluded.
pub fn share(random: &mut ChaCha8Rng) -> f64 {
    // 53 bits fill the mantissa.
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn drawn_times_have_their_mean_and_spread() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (spread, sd) in [
            (Spread::Fixed { mean_s: 180.0 }, 0.0),
            (Spread::Exponential { mean_s: 180.0 }, 180.0),
            (
                Spread::Lognormal {
                    mean_s: 180.0,
                    sd_s: 90.0,
                },
                90.0,
            ),
        ] {
            let drawn = || spread.draw(&mut random).as_secs_f64();
            let drawn: Vec<f64> = core::iter::repeat_with(drawn).take(40_000).collect();
            let mean = drawn.iter().sum::<f64>() / 40_000.0;
            let square = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
            assert!((mean - spread.mean_s()).abs() < 3.0, "{spread:?}: {mean}");
            let found = (square / 40_000.0).sqrt();
            assert!((found - sd).abs() < 4.0, "{spread:?}: {found}");
        }
    }
}
