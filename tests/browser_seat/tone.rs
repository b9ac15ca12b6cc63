//! The tone that a phone says, and what of tones it hears.

use std::{
    f64::consts::TAU,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hotline_media::{
    Format,
    codec::linear::{Decoder, Encoder},
};

use super::Try;

/// Samples of a packet: 20 ms at 8 kHz.
pub const PACKET_SAMPLES: usize = 160;

/// Length of a packet.
pub const TICK: Duration = Duration::from_millis(20);

/// Payload type of A-law (RFC 3551 §6).
pub const PCMA: u8 = 8;

/// Amplitude of the tones.
const LOUD: f64 = 9_000.0;

/// Packets whose sound is kept, five minutes; later ones are counted alone.
const KEPT_PACKETS: usize = 15_000;

/// The packet of a tone, in A-law, the same each time: with a multiple of 50 Hz 20 ms are whole
/// periods. 0 Hz is silence.
///
/// # Errors
/// Where the tone is no such multiple.
pub fn packet_of(hertz: u32) -> Try<Bytes> {
    if !hertz.is_multiple_of(50) {
        return Err(format!("{hertz} Hz does not fit in a packet").into());
    }
    let mut samples = [0; PACKET_SAMPLES];
    for (sample, n) in samples.iter_mut().zip(0_u32..) {
        *sample = ((TAU * f64::from(hertz * n) / 8_000.0).sin() * LOUD) as i16;
    }
    let mut encoder = Encoder::new(Format::Pcma).ok_or("no A-law")?;
    let mut payload = vec![0; PACKET_SAMPLES];
    let length = encoder.encode(&samples, &mut payload);
    payload.truncate(length);
    Ok(payload.into())
}

/// The share of the energy of samples at 8 kHz that is at this frequency (Goertzel).
pub fn share(samples: &[i16], hertz: f64) -> f64 {
    let k = 2.0 * (TAU * hertz / 8_000.0).cos();
    let (mut a, mut b, mut energy) = (0.0, 0.0, 1.0);
    for &sample in samples {
        let sample = f64::from(sample);
        energy += sample * sample;
        (a, b) = (sample + k * a - b, a);
    }
    (a * a + b * b - k * a * b) * 2.0 / samples.len() as f64 / energy
}

/// What was heard since the phone listened anew.
#[derive(Clone, Default)]
pub struct Heard {
    /// Packets that came.
    pub packets: u64,
    /// Packets that never came, by the sequence numbers.
    pub lost: u64,
    /// Longest time between one packet and the next.
    pub longest_gap: Duration,
    samples: Vec<i16>,
    last: Option<(u16, Instant)>,
}

impl Heard {
    /// A packet came.
    pub fn packet(&mut self, sequence: u16, payload: &[u8]) {
        let now = Instant::now();
        if let Some((before, at)) = self.last {
            let step = sequence.wrapping_sub(before);
            // A step back is a packet that was overtaken, and counted as lost before.
            if step > 0x8000 {
                self.lost = self.lost.saturating_sub(1);
            } else {
                self.lost += u64::from(step.saturating_sub(1));
            }
            self.longest_gap = self.longest_gap.max(now - at);
        }
        self.last = Some((sequence, now));
        self.packets += 1;
        if self.samples.len() < KEPT_PACKETS * PACKET_SAMPLES
            && let Some(mut decoder) = Decoder::new(Format::Pcma)
        {
            let mut samples = [0; PACKET_SAMPLES];
            let count = decoder.decode(payload, &mut samples);
            self.samples.extend(samples.iter().take(count));
        }
    }

    /// Seconds of sound in which this tone is and hardly anything else, counted in packets.
    pub fn seconds_of(&self, hertz: u32) -> f64 {
        let packets = self.samples.chunks_exact(PACKET_SAMPLES);
        let with = packets.filter(|packet| share(packet, f64::from(hertz)) > 0.8);
        with.count() as f64 * TICK.as_secs_f64()
    }
}
