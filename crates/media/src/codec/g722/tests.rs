//! G.722 against another implementation, and against its own input.

use super::*;

const INPUT: &[u8] = include_bytes!("../../../tests/vectors/g722/input.s16le");
const ENCODED: &[u8] = include_bytes!("../../../tests/vectors/g722/ffmpeg.g722");
const DECODED: &[u8] = include_bytes!("../../../tests/vectors/g722/ffmpeg-decoded.s16le");

fn samples(bytes: &[u8]) -> Vec<i16> {
    let pairs = bytes.as_chunks::<2>().0;
    pairs.iter().map(|&pair| i16::from_le_bytes(pair)).collect()
}

fn encoded(samples: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0; samples.len() / 2];
    assert_eq!(Encoder::default().encode(samples, &mut bytes), bytes.len());
    bytes
}

fn decoded(bytes: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; bytes.len() * 2];
    assert_eq!(
        Decoder::default().decode(bytes, &mut samples),
        samples.len()
    );
    samples
}

/// Signal to noise in decibels of `heard` against `said`, which came `delay` samples earlier.
fn snr(said: &[i16], heard: &[i16], delay: usize) -> f64 {
    let pairs = said.iter().zip(&heard[delay..]);
    let (signal, noise) = pairs.fold((0.0, 1.0), |(signal, noise), (&a, &b)| {
        let (a, b) = (f64::from(a), f64::from(b));
        (signal + a * a, noise + (a - b) * (a - b))
    });
    10.0 * f64::log10(signal / noise)
}

#[test]
fn the_same_bytes_as_another_encoder() {
    assert_eq!(encoded(&samples(INPUT)), ENCODED);
}

#[test]
fn the_same_samples_as_another_decoder() {
    assert_eq!(decoded(ENCODED), samples(DECODED));
}

#[test]
fn what_was_said_is_heard() {
    // The sweep as far as the lower band goes; the upper has 2 bits a sample.
    let said = &samples(INPUT)[..4_200];
    let heard = decoded(&encoded(said));
    // The two mirror filters delay by 22 samples.
    let snr = snr(&said[..4_100], &heard, 22);
    assert!(snr > 20.0, "{snr} dB");
}

#[test]
fn any_cut_into_packets_is_the_same_stream() {
    let said = samples(INPUT);
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let (mut bytes, mut heard) = (Vec::new(), Vec::new());
    for (n, piece) in said.chunks(320).enumerate() {
        let mut packet = [0; 160];
        let length = encoder.encode(piece, &mut packet);
        bytes.extend_from_slice(&packet[..length]);
        let mut out = vec![0; 320 + n % 2];
        let count = decoder.decode(&packet[..length], &mut out);
        heard.extend_from_slice(&out[..count]);
    }
    assert_eq!(bytes, ENCODED);
    assert_eq!(heard, samples(DECODED));
}

#[test]
fn any_bytes_are_survived() {
    let mut state = 1u32;
    let noise: Vec<u8> = (0..200_000)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Stretches of one byte drive the scale to its ends.
            if n / 5_000 % 2 == 0 {
                (state >> 24) as u8
            } else {
                (n / 10_000) as u8
            }
        })
        .collect();
    let heard = decoded(&noise);
    let loud: Vec<i16> = heard
        .iter()
        .map(|&s| if s < 0 { i16::MIN } else { i16::MAX })
        .collect();
    assert_eq!(encoded(&loud).len(), 200_000);
}
