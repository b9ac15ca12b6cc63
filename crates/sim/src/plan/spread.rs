//! How far chance may have moved a share: judged by the days' own spread.

use hotline_store::kpi::Ratio;

/// A share over several days, and its standard deviation.
///
/// Who gives up within a half hour does so with others: the binomial deviation is two to three times
/// too small there. Days are independent, so their spread says the truth (the deviation of a ratio
/// of sums, Cochran 1977, *Sampling techniques*, 2.11).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Over all days.
    pub ratio: Ratio,
    /// Standard deviation of its value.
    pub deviation: f64,
    /// How many days.
    pub days: u32,
}

impl Share {
    /// Of so many days. One day says nothing of spread: its deviation is the binomial one.
    pub fn of(days: &[Ratio]) -> Self {
        let sum = |sum: Ratio, day: &Ratio| Ratio::new(sum.of + day.of, sum.all + day.all);
        let ratio = days.iter().fold(Ratio::default(), sum);
        let share = ratio.value().unwrap_or_default();
        let off = |day: &Ratio| (day.of as f64 - share * day.all as f64).powi(2);
        let squares: f64 = days.iter().map(off).sum();
        let all = (ratio.all as f64).max(1.0);
        let count = days.len() as f64;
        let deviation = if days.len() > 1 {
            (squares * count / (count - 1.0)).sqrt() / all
        } else {
            binomial(share, all)
        };
        Self {
            ratio,
            deviation,
            days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        }
    }

    /// Half the width of the 99 % confidence interval (Student's t); `None` with fewer than two days.
    pub fn half_width(&self) -> Option<f64> {
        (self.days > 1).then(|| student_99(f64::from(self.days - 1)) * self.deviation)
    }

    /// By how much the share misses its target; 0 when that may be chance, which moves it by less
    /// than so many standard deviations.
    pub fn missing(&self, target: f64, deviations: f64) -> f64 {
        let Some(share) = self.ratio.value() else {
            return 0.0;
        };
        // Few callers on few days may all have the same luck.
        let least = binomial(target, self.ratio.all as f64);
        let missing = target - share;
        if missing > deviations * self.deviation.max(least) {
            missing
        } else {
            0.0
        }
    }
}

fn binomial(share: f64, all: f64) -> f64 {
    (share * (1.0 - share) / all).sqrt()
}

/// The two-sided 99 % quantile of Student's t (Abramowitz & Stegun 26.7.5; better than 0.5 % from
/// six degrees of freedom on).
fn student_99(freedom: f64) -> f64 {
    let z: f64 = 2.575_829_3;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_the_days() {
        // Ten days of 100 calls, answered 80 or 100 of: the mean 90 has a deviation of 10 ÷ 3.
        let days: Vec<Ratio> = (0..10)
            .map(|day| Ratio::new(80 + day % 2 * 20, 100))
            .collect();
        let share = Share::of(&days);
        assert_eq!(share.ratio, Ratio::new(900, 1_000));
        assert!((share.deviation - 0.1 / 3.0).abs() < 1e-12, "{share:?}");
        // 3.250 of the tables.
        let half = share.half_width().unwrap();
        assert!((half - 3.250 * 0.1 / 3.0).abs() < 1e-3, "{half}");
        // By the binomial deviation, 0.0095, it would be five of them off.
        assert_eq!(share.missing(0.95, 2.0), 0.0);
        assert!((share.missing(0.97, 2.0) - 0.07).abs() < 1e-12);
    }

    #[test]
    fn few_callers_say_little() {
        assert_eq!(Share::of(&[]).missing(0.95, 2.0), 0.0);
        let one = Share::of(&[Ratio::new(93, 100)]);
        assert_eq!((one.half_width(), one.missing(0.95, 2.0)), (None, 0.0));
        // Three days of the same bad luck.
        let three = Share::of(&[Ratio::new(4, 5); 3]);
        assert_eq!(three.deviation, 0.0);
        assert_eq!(three.missing(0.95, 3.0), 0.0);
        let many = Share::of(&[Ratio::new(9_400, 10_000); 3]);
        assert!((many.missing(0.95, 2.0) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, known) in [(6.0, 3.707), (9.0, 3.250), (26.0, 2.779), (59.0, 2.662)] {
            let found = student_99(freedom);
            assert!((found / known - 1.0).abs() < 0.005, "{freedom}: {found}");
        }
    }
}
