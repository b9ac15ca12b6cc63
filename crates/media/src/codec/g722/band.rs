//! One sub-band of G.722: its adaptive quantizer's scale and its adaptive predictor
//! (ITU-T G.722 §6.2.1, blocks 3 and 4).

use super::tables::ILB;

/// Limits of a sub-band's sample: 15 bits (§6.2.2.2, LIMIT).
const SAMPLE: core::ops::RangeInclusive<i32> = -16_384..=16_383;

/// A value in 16 bits.
fn saturated(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// Whether two values have one sign; zero counts as positive.
fn alike(a: i32, b: i32) -> bool {
    (a < 0) == (b < 0)
}

/// State of a sub-band: equal in coder and decoder as long as no bits are lost.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// Scale of the quantizer (DETL, DETH).
    pub(super) scale: i32,
    /// The predicted sample (SL, SH).
    pub(super) predicted: i32,
    /// The scale's logarithm (NBL, NBH).
    log_scale: i32,
    /// Largest logarithm.
    log_most: i32,
    /// By how much fewer powers of two the scale is than its logarithm says.
    shift: i32,
    /// What the six zeros predict (SZL, SZH).
    by_zeros: i32,
    /// Last reconstructed samples, newest first (RLT, RH).
    samples: [i32; 2],
    /// Last partially reconstructed samples (PLT, PH).
    partials: [i32; 2],
    /// Last quantized differences (DLT, DH).
    differences: [i32; 6],
    /// Coefficients of the two poles (AL, AH).
    poles: [i32; 2],
    /// Coefficients of the six zeros (BL, BH).
    zeros: [i32; 6],
}

impl Band {
    /// The lower band, 0–4 kHz.
    pub(super) fn lower() -> Self {
        Self::new(32, 18_432, 8)
    }

    /// The upper band, 4–8 kHz.
    pub(super) fn upper() -> Self {
        Self::new(8, 22_528, 10)
    }

    fn new(scale: i32, log_most: i32, shift: i32) -> Self {
        Self {
            scale,
            predicted: 0,
            log_scale: 0,
            log_most,
            shift,
            by_zeros: 0,
            samples: [0; 2],
            partials: [0; 2],
            differences: [0; 6],
            poles: [0; 2],
            zeros: [0; 6],
        }
    }

    /// A difference of the present scale from its normalized level (INVQAL, INVQBL, INVQAH).
    pub(super) fn scaled(&self, level: i32) -> i32 {
        (self.scale * level) >> 15
    }

    /// The sample that a difference makes (RECONS, LIMIT).
    pub(super) fn sample(&self, difference: i32) -> i32 {
        (self.predicted + difference).clamp(*SAMPLE.start(), *SAMPLE.end())
    }

    /// Goes one sample on: `step` of the scale's logarithm, `difference` as both ends know it.
    pub(super) fn adapt(&mut self, step: i32, difference: i32) {
        self.rescale(step);
        self.predict(difference);
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn rescale(&mut self, step: i32) {
        let leaked = (self.log_scale * 127) >> 7;
        self.log_scale = (leaked + step).clamp(0, self.log_most);
        let mantissa = ILB.get((self.log_scale >> 6 & 31) as usize).copied();
        let mantissa = mantissa.unwrap_or_default();
        // Between 8 − 9 and 10 − 0.
        let down = self.shift - (self.log_scale >> 11);
        let scale = if down < 0 {
            mantissa << -down
        } else {
            mantissa >> down
        };
        self.scale = scale << 2;
    }

    /// Block 4: adapts the predictor to the difference, and predicts the next sample.
    fn predict(&mut self, difference: i32) {
        let sample = saturated(self.predicted + difference);
        let partial = saturated(self.by_zeros + difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.samples = [sample, self.samples[0]];
        self.partials = [partial, self.partials[0]];
        self.differences.rotate_right(1);
        self.differences[0] = difference;

        // FILTEP, FILTEZ, PREDIC: past values count double, in 16 bits.
        let weighted =
            |(&coefficient, &value): (&i32, &i32)| (coefficient * saturated(value + value)) >> 15;
        let by_poles: i32 = self.poles.iter().zip(&self.samples).map(weighted).sum();
        let by_zeros: i32 = self.zeros.iter().zip(&self.differences).map(weighted).sum();
        self.by_zeros = saturated(by_zeros);
        self.predicted = saturated(saturated(by_poles) + self.by_zeros);
    }

    /// UPPOL2 and UPPOL1.
    fn adapt_poles(&mut self, partial: i32) {
        let [first, second] = self.poles;
        let [before, before_that] = self.partials;
        let quadruple = saturated(first * 4);
        let towards = if alike(partial, before) {
            saturated(-quadruple)
        } else {
            quadruple
        };
        let step = if alike(partial, before_that) {
            128
        } else {
            -128
        };
        let second = (step + (towards >> 7) + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        let step = if alike(partial, before) { 192 } else { -192 };
        // Both poles stay inside the unit circle.
        let most = 15_360 - second;
        let first = saturated(step + ((first * 32_640) >> 15)).clamp(-most, most);
        self.poles = [first, second];
    }

    /// UPZERO.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, &past) in self.zeros.iter_mut().zip(&self.differences) {
            let step = if alike(difference, past) { step } else { -step };
            *zero = saturated(step + ((*zero * 32_640) >> 15));
        }
    }
}
