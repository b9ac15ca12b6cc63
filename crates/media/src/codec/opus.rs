//! Opus (RFC 6716) as telephony uses it: one channel at 48 kHz, packets of 20 ms with in-band
//! forward error correction. The codec itself is libopus, compiled in.
//!
//! After construction neither direction allocates.

use ::opus::{Application, Bandwidth, Bitrate, Channels, Signal};

use super::resample::Rate;

/// Bits a second that we send: 8 kHz of speech with room for the error correction.
const BITRATE: i32 = 32_000;

/// Share of packets that our encoder prepares the peer to lose, per cent.
const EXPECTED_LOSS: i32 = 5;

/// Effort of the encoder, 0 to 10: half the CPU of libopus' 9, hardly audible for speech.
const COMPLEXITY: i32 = 5;

/// Writes Opus.
#[derive(Debug)]
pub struct Encoder(::opus::Encoder);

impl Encoder {
    /// An encoder at the beginning of a stream; `None` when memory is short.
    pub fn new() -> Option<Self> {
        let hertz = Rate::Full.hertz();
        let mut encoder = ::opus::Encoder::new(hertz, Channels::Mono, Application::Voip).ok()?;
        encoder.set_bitrate(Bitrate::Bits(BITRATE)).ok()?;
        encoder.set_complexity(COMPLEXITY).ok()?;
        // No telephone has more than 8 kHz, and only the speech coder repeats lost packets.
        encoder.set_max_bandwidth(Bandwidth::Wideband).ok()?;
        encoder.set_signal(Signal::Voice).ok()?;
        encoder.set_inband_fec(true).ok()?;
        encoder.set_packet_loss_perc(EXPECTED_LOSS).ok()?;
        Some(Self(encoder))
    }

    /// Encodes 10, 20, 40 or 60 ms and returns the number of bytes; 0 for any other length, or
    /// when the packet does not fit.
    pub fn encode(&mut self, samples: &[i16], to: &mut [u8]) -> usize {
        self.0.encode(samples, to).unwrap_or(0)
    }
}

/// Reads Opus.
#[derive(Debug)]
pub struct Decoder(::opus::Decoder);

impl Decoder {
    /// A decoder at the beginning of a stream; `None` when memory is short.
    pub fn new() -> Option<Self> {
        let decoder = ::opus::Decoder::new(Rate::Full.hertz(), Channels::Mono);
        decoder.ok().map(Self)
    }

    /// Decodes a packet and returns the number of samples; 0 when it cannot be read or does not
    /// fit. Two channels become one.
    pub fn decode(&mut self, payload: &[u8], to: &mut [i16]) -> usize {
        if payload.is_empty() {
            return 0;
        }
        self.0.decode(payload, to, false).unwrap_or(0)
    }

    /// Fills all of `to` with what a lost packet may have said: from what `next`, the packet after
    /// it, repeats of it, or else from the sound before it. The next packet is then decoded as
    /// always. Returns the number of samples; 0 when `to` is not a multiple of 2.5 ms.
    pub fn conceal(&mut self, next: Option<&[u8]>, to: &mut [i16]) -> usize {
        let repeated = next.filter(|next| !next.is_empty());
        if let Some(next) = repeated
            && let Ok(count) = self.0.decode(next, to, true)
        {
            return count;
        }
        self.0.decode(&[], to, false).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = Rate::Full.frame();

    /// Two seconds like a voice: pulses through a resonance, louder and softer.
    fn voice() -> Vec<i16> {
        let (mut a, mut b) = (0.0, 0.0);
        (0..96_000)
            .map(|n| {
                let pulse = if n % 400 == 0 { 3_000.0 } else { 0.0 };
                let next = pulse + 1.96 * a - 0.965 * b;
                (b, a) = (a, next);
                let swell = 0.6 + 0.4 * (f64::from(n) / 9_000.0).sin();
                (next * swell).clamp(-30_000.0, 30_000.0) as i16
            })
            .collect()
    }

    fn packets(samples: &[i16]) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new().unwrap();
        let frames = samples.chunks_exact(FRAME);
        frames
            .map(|frame| {
                let mut packet = [0; 1_000];
                let length = encoder.encode(frame, &mut packet);
                assert!(length > 0);
                packet[..length].to_vec()
            })
            .collect()
    }

    fn energy(samples: &[i16]) -> f64 {
        samples.iter().map(|&s| f64::from(s).powi(2)).sum()
    }

    fn error(a: &[i16], b: &[i16]) -> f64 {
        let pairs = a.iter().zip(b);
        pairs
            .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
            .sum()
    }

    #[test]
    fn what_was_said_is_heard_at_the_bit_rate() {
        let said = voice();
        let packets = packets(&said);
        let bytes: usize = packets.iter().map(Vec::len).sum();
        assert!((4_000..9_000).contains(&bytes), "{bytes} bytes in 2 s");
        let mut decoder = Decoder::new().unwrap();
        let mut heard = Vec::new();
        for packet in &packets {
            let mut out = [0; FRAME];
            assert_eq!(decoder.decode(packet, &mut out), FRAME);
            heard.extend_from_slice(&out);
        }
        let ratio = energy(&heard[FRAME..]) / energy(&said[FRAME..]);
        assert!((0.7..1.3).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_lost_packet_is_made_good_from_the_next() {
        let packets = packets(&voice());
        let (mut whole, mut repeated, mut guessed) = (
            Decoder::new().unwrap(),
            Decoder::new().unwrap(),
            Decoder::new().unwrap(),
        );
        let (mut by_next, mut by_guess, mut lost_energy) = (0.0, 0.0, 0.0);
        for (n, packet) in packets.iter().enumerate() {
            let (mut a, mut b, mut c) = ([0; FRAME], [0; FRAME], [0; FRAME]);
            whole.decode(packet, &mut a);
            if n % 10 == 7 {
                let next = packets.get(n + 1).map(Vec::as_slice);
                assert_eq!(repeated.conceal(next, &mut b), FRAME);
                assert_eq!(guessed.conceal(None, &mut c), FRAME);
                by_next += error(&a, &b);
                by_guess += error(&a, &c);
                lost_energy += energy(&a);
            } else {
                repeated.decode(packet, &mut b);
                guessed.decode(packet, &mut c);
            }
        }
        assert!(by_next < 0.5 * lost_energy, "{by_next} of {lost_energy}");
        assert!(by_next < by_guess, "{by_next} and {by_guess}");
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut decoder = Decoder::new().unwrap();
        let mut state = 1u32;
        for length in (0..400).cycle().take(4_000) {
            let packet: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            assert!(decoder.decode(&packet, &mut [0; 2_880]) <= 2_880);
            decoder.conceal(Some(&packet), &mut [0; FRAME]);
        }
        assert_eq!(Encoder::new().unwrap().encode(&[0; 77], &mut [0; 100]), 0);
    }
}
