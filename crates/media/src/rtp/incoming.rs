//! What is known of a leg's incoming stream: how much was lost, and where its sound belongs in
//! time.

use hotline_model::Instant;
use rtp_rs::RtpReader;

use super::{continues, samples_at};

/// Most that a stream's own clock may differ from ours before its sound is placed anew, samples:
/// 500 ms. A network that stalls for less is smoothed out; a phone whose crystal is 100 ppm off
/// needs more than an hour for that.
const DRIFT_SAMPLES: u64 = 4_000;

/// State of a leg's incoming stream.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    source: Option<Source>,
    /// Losses of earlier sources.
    lost_before: u64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    /// Extended sequence number (RFC 3550 A.1) of the first and the highest packet.
    first: u64,
    highest: u64,
    received: u64,
    /// A timestamp and the sample clock's value it belongs to.
    anchor: (u32, u64),
}

impl Incoming {
    /// Counts a packet.
    pub fn count(&mut self, now: Instant, packet: &RtpReader<'_>) {
        let sequence = u16::from(packet.sequence_number());
        let known = |s: &Source| s.ssrc == packet.ssrc() && continues(s.highest as u16, sequence);
        if !self.source.as_ref().is_some_and(known) {
            self.lost_before = self.lost();
            // One cycle of room below, for packets that come before the first.
            let first = 0x1_0000 + u64::from(sequence);
            self.source = Some(Source {
                ssrc: packet.ssrc(),
                first,
                highest: first,
                received: 0,
                anchor: (packet.timestamp(), samples_at(now)),
            });
        }
        let Some(source) = &mut self.source else {
            return;
        };
        let ahead = sequence.wrapping_sub(source.highest as u16);
        if ahead < 0x8000 {
            source.highest += u64::from(ahead);
        } else {
            let extended = source.highest - u64::from(ahead.wrapping_neg());
            source.first = source.first.min(extended);
        }
        source.received += 1;
    }

    /// Packets lost so far. Duplicates make up for losses, as in RFC 3550 A.3.
    pub fn lost(&self) -> u64 {
        let current = self.source.as_ref().map_or(0, |source| {
            (source.highest - source.first + 1).saturating_sub(source.received)
        });
        self.lost_before + current
    }

    /// Where the sound that begins at `timestamp` belongs on the engine's sample clock: by the
    /// stream's own clock, so that jitter does not tear it, held to ours within 500 ms.
    pub fn place(&mut self, now: Instant, timestamp: u32) -> u64 {
        let clock = samples_at(now);
        let Some(source) = &mut self.source else {
            return clock;
        };
        let (anchor_timestamp, anchor) = source.anchor;
        let since = timestamp.wrapping_sub(anchor_timestamp).cast_signed();
        let placed = anchor.saturating_add_signed(i64::from(since));
        let placed = if placed.abs_diff(clock) > DRIFT_SAMPLES {
            clock
        } else {
            placed
        };
        source.anchor = (timestamp, placed);
        placed
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    fn count(stream: &mut Incoming, ssrc: u32, sequence: u16) {
        let bytes = rtp_rs::RtpPacketBuilder::new()
            .payload_type(8)
            .ssrc(ssrc)
            .sequence(sequence.into())
            .build()
            .unwrap();
        stream.count(at(0), &RtpReader::new(&bytes).unwrap());
    }

    #[test]
    fn losses_are_counted_over_wraps_reordering_and_sources() {
        let mut stream = Incoming::default();
        [65_534, 65_535, 1, 0, 3]
            .iter()
            .for_each(|&s| count(&mut stream, 1, s));
        assert_eq!(stream.lost(), 1);
        [7, 10].iter().for_each(|&s| count(&mut stream, 2, s));
        assert_eq!(stream.lost(), 3);
        count(&mut stream, 2, 6);
        assert_eq!(
            stream.lost(),
            3,
            "a packet from before the first is not negative loss"
        );
        count(&mut stream, 2, 30_000);
        assert_eq!(
            stream.lost(),
            3,
            "a jump is a new source, not 30,000 losses"
        );
    }

    #[test]
    fn sound_is_placed_by_its_own_clock_until_that_is_far_off() {
        let mut stream = Incoming::default();
        count(&mut stream, 1, 0);
        assert_eq!(stream.place(at(0), 0), 0);
        assert_eq!(stream.place(at(55), 160), 160, "35 ms of jitter");
        assert_eq!(stream.place(at(60), 320), 320);
        assert_eq!(stream.place(at(61), u32::MAX - 159), 0, "wraps backwards");
        // A phone that stops its timestamps in silence: one second passed, 20 ms in timestamps.
        assert_eq!(stream.place(at(1_060), 480), 8_480);
        assert_eq!(stream.place(at(1_080), 640), 8_640);
    }
}
