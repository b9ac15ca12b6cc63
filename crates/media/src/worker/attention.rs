//! Whether somebody is heard on a leg: sound as loud as speech, for as long as a short word.
//!
//! No recogniser of words: a tone or a noisy street counts as well. What does not is what matters
//! here: an open line on which nobody says anything, and the comfort noise of a carrier.

use core::time::Duration;

use hotline_model::{
    Instant,
    limits::{VOICE_LOUD_DBM0, VOICE_MS},
};

use super::leg::Leg;
use crate::{
    Format,
    codec::linear::{Decoder, PACKET_SAMPLES},
    dtmf::ZERO_DBM0,
};

/// Listens to a leg until somebody is heard, or the time is over.
#[derive(Debug)]
pub(super) struct Attention {
    until: Instant,
    /// Sound as loud as speech so far, milliseconds; half of what is not is taken off again.
    loud_ms: u32,
    decoder: Option<(Format, Decoder)>,
}

impl Attention {
    /// To a leg that speaks this format so far: a decoder is at hand before the first packet.
    pub(super) fn new(now: Instant, longest: Duration, format: Option<Format>) -> Self {
        Self {
            until: now + longest,
            loud_ms: 0,
            decoder: format.and_then(decoder),
        }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// A packet came: whether somebody is heard by now.
    fn hears(&mut self, format: Format, payload: &[u8]) -> bool {
        if self.decoder.as_ref().is_none_or(|(it, _)| *it != format) {
            self.decoder = decoder(format);
        }
        let Some((_, decoder)) = &mut self.decoder else {
            return false;
        };
        let mut samples = [0; PACKET_SAMPLES];
        let length = decoder.decode(payload, &mut samples);
        let samples = samples.get(..length).unwrap_or_default();
        let ms = u32::try_from(length).unwrap_or(0) * 1_000 / format.rate().hertz();
        if is_loud(samples) {
            self.loud_ms += ms;
        } else {
            self.loud_ms = self.loud_ms.saturating_sub(ms / 2);
        }
        self.loud_ms >= VOICE_MS
    }
}

impl Leg {
    /// Its packet came: whether somebody who is waited for is heard by now.
    pub(super) fn attended(&mut self, format: Format, payload: &[u8]) -> bool {
        let Some(attention) = &mut self.attention else {
            return false;
        };
        let heard = attention.hears(format, payload);
        if heard {
            self.attention = None;
        }
        heard
    }
}

fn decoder(format: Format) -> Option<(Format, Decoder)> {
    Decoder::new(format).map(|decoder| (format, decoder))
}

fn is_loud(samples: &[i16]) -> bool {
    let sum: f32 = samples.iter().map(|&it| f32::from(it).powi(2)).sum();
    // The mean square of a sine is half of its amplitude's.
    let limit = ZERO_DBM0.powi(2) / 2.0 * 10_f32.powf(VOICE_LOUD_DBM0 / 10.0);
    !samples.is_empty() && sum / samples.len() as f32 >= limit
}
