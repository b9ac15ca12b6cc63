//! The tables of G.711, built by the compiler from the laws' definitions.

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler: an index out of range does not build"
)]

/// Sample of each A-law byte.
pub(super) static ALAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = expand_alaw(byte as u8);
        byte += 1;
    }
    table
};

/// Sample of each µ-law byte.
pub(super) static ULAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = expand_ulaw(byte as u8);
        byte += 1;
    }
    table
};

/// A-law byte of each sample, by its upper 13 bits: the law sees no more.
pub(super) static LINEAR_TO_ALAW: [u8; 8_192] = {
    let mut table = [0; 8_192];
    let mut index = 0;
    while index < 8_192 {
        table[index] = compress_alaw(((index as u16) << 3) as i16);
        index += 1;
    }
    table
};

/// µ-law byte of each sample, by its upper 14 bits.
pub(super) static LINEAR_TO_ULAW: [u8; 16_384] = {
    let mut table = [0; 16_384];
    let mut index = 0;
    while index < 16_384 {
        table[index] = compress_ulaw(((index as u16) << 2) as i16);
        index += 1;
    }
    table
};

/// µ-law byte nearest to each A-law byte's sample.
pub(super) static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = compress_ulaw(expand_alaw(byte as u8));
        byte += 1;
    }
    table
};

/// A-law byte nearest to each µ-law byte's sample.
pub(super) static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = compress_alaw(expand_ulaw(byte as u8));
        byte += 1;
    }
    table
};

/// G.711 Table 1: a sign, a 3-bit exponent and a 4-bit mantissa, even bits inverted.
const fn expand_alaw(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (bits >> 4 & 7, (bits & 15) as i16);
    // The middle of the interval, in steps of 8 of the 16-bit range.
    let size = match exponent {
        0 => mantissa * 16 + 8,
        _ => (mantissa * 16 + 264) << (exponent - 1),
    };
    if bits & 0x80 != 0 { size } else { -size }
}

/// G.711 Table 2: as above with a bias of 33 (of the 14-bit range), all bits inverted.
const fn expand_ulaw(byte: u8) -> i16 {
    let bits = !byte;
    let (exponent, mantissa) = (bits >> 4 & 7, (bits & 15) as i16);
    let size = ((mantissa * 8 + 132) << exponent) - 132;
    if bits & 0x80 != 0 { -size } else { size }
}

const fn compress_alaw(sample: i16) -> u8 {
    // Ones' complement makes the two halves mirror images: -1 is the "negative zero".
    let (sign, size) = if sample < 0 {
        (0x00, !sample as u16)
    } else {
        (0x80, sample as u16)
    };
    let size = size >> 4;
    let code = if size < 32 {
        size
    } else {
        let exponent = 12 - size.leading_zeros() as u16;
        // size has its leading one at bit exponent + 3.
        (exponent << 4) | (size >> (exponent - 1) & 15)
    };
    (code as u8 | sign) ^ 0x55
}

const fn compress_ulaw(sample: i16) -> u8 {
    let (sign, size) = if sample < 0 {
        (0x80, !sample as u16)
    } else {
        (0x00, sample as u16)
    };
    let biased = (size >> 2) + 33;
    let clipped = if biased > 0x1FFF { 0x1FFF } else { biased };
    let exponent = 10 - clipped.leading_zeros() as u16;
    let mantissa = clipped >> (exponent + 1) & 15;
    !((exponent << 4 | mantissa) as u8 | sign)
}
