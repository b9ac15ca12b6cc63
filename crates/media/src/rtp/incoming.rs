//! Where the sound of a leg's incoming stream belongs in time.

use hotline_model::Instant;
use rtp_rs::RtpReader;

use super::samples_at;

/// Most that a stream's own clock may differ from ours before its sound is placed anew, samples:
/// 500 ms. A network that stalls for less is smoothed out; a phone whose crystal is 100 ppm off
/// needs more than an hour for that.
const DRIFT_SAMPLES: u64 = 4_000;

/// A leg's incoming stream against the engine's sample clock.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    anchor: Option<Anchor>,
}

/// A timestamp of a source and the sample clock's value it belongs to.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    placed: u64,
}

impl Incoming {
    /// Where the sound of a packet belongs on the engine's sample clock: by the stream's own clock,
    /// so that jitter does not tear it, held to ours within 500 ms. Another source begins anew.
    pub fn place(&mut self, now: Instant, packet: &RtpReader<'_>) -> u64 {
        let clock = samples_at(now);
        let (ssrc, timestamp) = (packet.ssrc(), packet.timestamp());
        let known = self.anchor.filter(|anchor| anchor.ssrc == ssrc);
        let placed = known.map_or(clock, |anchor| {
            let since = timestamp.wrapping_sub(anchor.timestamp).cast_signed();
            let placed = anchor.placed.saturating_add_signed(i64::from(since));
            if placed.abs_diff(clock) > DRIFT_SAMPLES {
                clock
            } else {
                placed
            }
        });
        self.anchor = Some(Anchor {
            ssrc,
            timestamp,
            placed,
        });
        placed
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    /// Where a packet of this source and timestamp, which comes at `ms`, is placed.
    fn place(stream: &mut Incoming, ms: u64, ssrc: u32, timestamp: u32) -> u64 {
        let bytes = rtp_rs::RtpPacketBuilder::new()
            .payload_type(8)
            .ssrc(ssrc)
            .timestamp(timestamp)
            .build()
            .unwrap();
        let now = Instant::START + Duration::from_millis(ms);
        stream.place(now, &RtpReader::new(&bytes).unwrap())
    }

    #[test]
    fn sound_is_placed_by_its_own_clock_until_that_is_far_off() {
        let mut stream = Incoming::default();
        assert_eq!(place(&mut stream, 0, 1, 0), 0);
        assert_eq!(place(&mut stream, 55, 1, 160), 160, "35 ms of jitter");
        assert_eq!(place(&mut stream, 60, 1, 320), 320);
        assert_eq!(place(&mut stream, 61, 1, u32::MAX - 159), 0, "backwards");
        // A phone that stops its timestamps in silence: one second passed, 20 ms in timestamps.
        assert_eq!(place(&mut stream, 1_060, 1, 480), 8_480);
        assert_eq!(place(&mut stream, 1_080, 1, 640), 8_640);
    }

    #[test]
    fn another_source_is_placed_by_our_clock() {
        let mut stream = Incoming::default();
        assert_eq!(place(&mut stream, 0, 1, 0), 0);
        assert_eq!(place(&mut stream, 50, 2, 160), 400);
        assert_eq!(place(&mut stream, 60, 2, 320), 560);
    }
}
