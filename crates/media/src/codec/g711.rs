//! G.711 by tables that the compiler builds: linear to either law, back, and from law to law.

use super::tables::{
    ALAW_TO_LINEAR, ALAW_TO_ULAW, LINEAR_TO_ALAW, LINEAR_TO_ULAW, ULAW_TO_ALAW, ULAW_TO_LINEAR,
};

/// The sample an A-law byte stands for.
pub fn alaw_to_linear(byte: u8) -> i16 {
    ALAW_TO_LINEAR.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The sample a µ-law byte stands for.
pub fn ulaw_to_linear(byte: u8) -> i16 {
    ULAW_TO_LINEAR.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The A-law byte of a sample.
pub fn linear_to_alaw(sample: i16) -> u8 {
    let index = usize::from(sample.cast_unsigned() >> 3);
    LINEAR_TO_ALAW.get(index).copied().unwrap_or(0xD5)
}

/// The µ-law byte of a sample.
pub fn linear_to_ulaw(sample: i16) -> u8 {
    let index = usize::from(sample.cast_unsigned() >> 2);
    LINEAR_TO_ULAW.get(index).copied().unwrap_or(0xFF)
}

/// The µ-law byte of an A-law byte.
pub fn alaw_to_ulaw(byte: u8) -> u8 {
    ALAW_TO_ULAW.get(usize::from(byte)).copied().unwrap_or(0xFF)
}

/// The A-law byte of a µ-law byte.
pub fn ulaw_to_alaw(byte: u8) -> u8 {
    ULAW_TO_ALAW.get(usize::from(byte)).copied().unwrap_or(0xD5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ITU-T G.191 (Software Tools Library), the bit algorithm of `alaw_compress`.
    fn g191_alaw_compress(sample: i16) -> u8 {
        let mut ix = if sample < 0 {
            !sample >> 4
        } else {
            sample >> 4
        };
        if ix > 15 {
            let mut exponent = 1;
            while ix > 16 + 15 {
                ix >>= 1;
                exponent += 1;
            }
            ix -= 16;
            ix += exponent << 4;
        }
        if sample >= 0 {
            ix |= 0x80;
        }
        (ix ^ 0x55) as u8
    }

    /// G.191 `alaw_expand`.
    fn g191_alaw_expand(byte: u8) -> i16 {
        let ix = (i16::from(byte) ^ 0x55) & 0x7F;
        let exponent = ix >> 4;
        let mut mantissa = ix & 15;
        if exponent > 0 {
            mantissa += 16;
        }
        mantissa = (mantissa << 4) + 8;
        if exponent > 1 {
            mantissa <<= exponent - 1;
        }
        if byte > 127 { mantissa } else { -mantissa }
    }

    /// G.191 `ulaw_compress`.
    fn g191_ulaw_compress(sample: i16) -> u8 {
        let mut size = if sample < 0 {
            (i32::from(!sample) >> 2) + 33
        } else {
            (i32::from(sample) >> 2) + 33
        };
        size = size.min(0x1FFF);
        let mut i = size >> 6;
        let mut segment = 1;
        while i != 0 {
            segment += 1;
            i >>= 1;
        }
        let high = 8 - segment;
        let low = 15 - ((size >> segment) & 15);
        let code = ((high << 4) | low) as u8;
        if sample >= 0 { code | 0x80 } else { code }
    }

    /// G.191 `ulaw_expand`.
    fn g191_ulaw_expand(byte: u8) -> i16 {
        let sign = if byte < 0x80 { -1 } else { 1 };
        let inverted = !i32::from(byte);
        let exponent = (inverted >> 4) & 7;
        let mantissa = inverted & 15;
        let step = 4 << (exponent + 1);
        (sign * ((0x80 << exponent) + step * mantissa + step / 2 - 4 * 33)) as i16
    }

    #[test]
    fn all_samples_agree_with_g191() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(
                linear_to_alaw(sample),
                g191_alaw_compress(sample),
                "A-law of {sample}"
            );
            assert_eq!(
                linear_to_ulaw(sample),
                g191_ulaw_compress(sample),
                "µ-law of {sample}"
            );
        }
    }

    #[test]
    fn all_bytes_agree_with_g191() {
        for byte in 0..=u8::MAX {
            assert_eq!(alaw_to_linear(byte), g191_alaw_expand(byte));
            assert_eq!(ulaw_to_linear(byte), g191_ulaw_expand(byte));
            assert_eq!(
                alaw_to_ulaw(byte),
                g191_ulaw_compress(g191_alaw_expand(byte))
            );
            assert_eq!(
                ulaw_to_alaw(byte),
                g191_alaw_compress(g191_ulaw_expand(byte))
            );
        }
    }

    #[test]
    fn a_byte_survives_its_own_sample() {
        for byte in 0..=u8::MAX {
            assert_eq!(linear_to_alaw(alaw_to_linear(byte)), byte);
            // µ-law has two zeros; the negative one (0x7F) comes back as the positive.
            let back = linear_to_ulaw(ulaw_to_linear(byte));
            assert_eq!(back, if byte == 0x7F { 0xFF } else { byte });
        }
    }

    #[test]
    fn going_to_the_other_law_twice_changes_nothing_more() {
        for byte in 0..=u8::MAX {
            let once = ulaw_to_alaw(alaw_to_ulaw(byte));
            assert_eq!(ulaw_to_alaw(alaw_to_ulaw(once)), once);
        }
    }
}
