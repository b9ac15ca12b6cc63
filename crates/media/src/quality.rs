//! How good a call sounds, estimated: the E-model (ITU-T G.107) with the codecs' figures of G.113.
//!
//! Only what a relay can know is taken in: delay, loss and its bursts. Echo, noise and level are
//! taken as the model's defaults, so the figure is the network's part, not the room's.

use crate::Format;

/// The rating with all defaults and nothing wrong (G.107 Table 1 and §7.1).
const BEST: f64 = 93.2;

/// What a leg received.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Received {
    /// How it was encoded.
    pub format: Format,
    /// Packets that should have come.
    pub expected: u64,
    /// Packets that did not come, or came too late to be heard.
    pub lost: u64,
    /// Runs of packets lost in a row.
    pub bursts: u64,
    /// Delay from mouth to ear, milliseconds: half the round trip, the jitter buffer, packets.
    pub delay_ms: f64,
}

/// An estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The model's rating, 0 to 93.2; below 50 nearly all users are dissatisfied.
    pub rating: f64,
    /// Mean opinion score, 1 to 4.41.
    pub mos: f64,
}

/// Impairment of a codec, and its robustness against loss (G.113 Appendix I).
const fn figures(format: Format) -> (f64, f64) {
    match format {
        // With the concealment of G.711 Appendix I.
        Format::Pcma | Format::Pcmu | Format::L16 => (0.0, 25.1),
        // On the narrow-band scale nothing is wrong with it; the robustness is G.113's for 64 kbit/s.
        Format::G722 => (0.0, 4.9),
        // Not in G.113: taken as good as concealed G.711, which its own concealment is at least.
        Format::Opus => (0.0, 25.1),
    }
}

impl Received {
    /// The estimate for what was received; nothing expected is nothing wrong.
    pub fn quality(&self) -> Quality {
        let (impairment, robustness) = figures(self.format);
        let loss = self.loss_per_cent();
        // G.107 §7.5.
        let by_loss = (95.0 - impairment) * loss / (loss / self.burst_ratio() + robustness);
        let rating = BEST - by_delay(self.delay_ms) - impairment - by_loss;
        Quality {
            rating: rating.max(0.0),
            mos: mos(rating),
        }
    }

    /// Packets lost, per cent.
    fn loss_per_cent(&self) -> f64 {
        if self.expected == 0 {
            return 0.0;
        }
        100.0 * self.lost.min(self.expected) as f64 / self.expected as f64
    }

    /// How much longer bursts are than those of random loss of the same share; at least one.
    fn burst_ratio(&self) -> f64 {
        if self.bursts == 0 {
            return 1.0;
        }
        let mean = self.lost as f64 / self.bursts as f64;
        let random = 1.0 / (1.0 - self.loss_per_cent() / 100.0).max(0.01);
        (mean / random).max(1.0)
    }
}

/// What a delay without echo takes away (G.107 §7.4, Idd).
fn by_delay(ms: f64) -> f64 {
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    let root = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// The score of a rating (G.107 Annex B).
fn mos(rating: f64) -> f64 {
    if rating <= 0.0 {
        return 1.0;
    }
    let rating = rating.min(100.0);
    let score = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    score.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(lost: u64, bursts: u64, delay_ms: f64) -> Received {
        Received {
            format: Format::Pcma,
            expected: 10_000,
            lost,
            bursts,
            delay_ms,
        }
    }

    fn near(value: f64, expected: f64, by: f64) {
        assert!((value - expected).abs() < by, "{value}, not {expected}");
    }

    #[test]
    fn the_model_gives_the_figures_of_the_recommendation() {
        // G.107 Annex B, Table B.1.
        for (rating, expected) in [
            (90.0, 4.34),
            (80.0, 4.03),
            (70.0, 3.60),
            (60.0, 3.10),
            (50.0, 2.58),
        ] {
            near(mos(rating), expected, 0.01);
        }
        near(received(0, 0, 0.0).quality().rating, 93.2, 0.001);
        near(received(0, 0, 0.0).quality().mos, 4.41, 0.01);
        // G.107's Idd: about 3.6 at 200 ms... by its formula, and 24 at 400 ms.
        near(by_delay(100.0), 0.0, 0.001);
        near(
            by_delay(200.0),
            25.0 * (2f64.powf(1.0 / 6.0) - 3.0 * (1.0 + 3f64.powi(-6)).powf(1.0 / 6.0) + 2.0),
            1e-9,
        );
        near(by_delay(200.0), 3.04, 0.01);
        near(by_delay(400.0), 24.3, 0.5);
        // G.113: 1 % of random loss takes 95 / 26.1 from concealed G.711.
        near(
            received(100, 99, 0.0).quality().rating,
            93.2 - 95.0 / 26.1,
            0.05,
        );
    }

    #[test]
    fn more_loss_longer_bursts_and_more_delay_are_worse() {
        let rating = |lost, bursts, delay| received(lost, bursts, delay).quality().rating;
        assert!(rating(500, 475, 50.0) < rating(100, 99, 50.0));
        assert!(rating(500, 100, 50.0) < rating(500, 475, 50.0));
        assert!(rating(0, 0, 300.0) < rating(0, 0, 150.0));
        let g722 = Received {
            format: Format::G722,
            ..received(100, 99, 0.0)
        };
        assert!(g722.quality().rating < rating(100, 99, 0.0));
    }

    #[test]
    fn whatever_was_counted_gives_a_score_within_the_scale() {
        for expected in [0, 1, u64::MAX] {
            for lost in [0, 1, 5_000, u64::MAX] {
                for bursts in [0, 1, u64::MAX] {
                    for delay_ms in [0.0, 99.0, 1e9] {
                        let format = Format::Pcmu;
                        let quality = Received {
                            format,
                            expected,
                            lost,
                            bursts,
                            delay_ms,
                        }
                        .quality();
                        assert!((1.0..4.5).contains(&quality.mos), "{quality:?}");
                        assert!((0.0..=93.2).contains(&quality.rating), "{quality:?}");
                    }
                }
            }
        }
    }
}
