//! Renumbers one leg's packets into the other leg's stream.
//!
//! Within a source, losses and the order of packets are kept: the receiver's jitter buffer and its
//! loss concealment work as if there were nobody between. Where a source begins, its first packet
//! takes the next number and the current time of the stream (see [`Outgoing`]), with the marker.

use hotline_model::Instant;
use rtp_rs::RtpReader;

use super::{DROPOUT, MISORDER, Numbers, Outgoing, continues};

/// How the present source's numbers become the stream's.
#[derive(Clone, Debug, Default)]
pub struct Relay {
    source: Option<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    /// First sequence number: a packet before it has no place in the stream.
    first: u16,
    highest: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
}

impl Relay {
    /// The next packet begins a source: something else was sent on the stream in between.
    pub fn restart(&mut self) {
        self.source = None;
    }

    /// Numbers for a packet of `samples` samples (of time) in `stream`. `None` when its place in
    /// the stream was given to something else before it came.
    pub fn number(
        &mut self,
        now: Instant,
        packet: &RtpReader<'_>,
        samples: u32,
        stream: &mut Outgoing,
    ) -> Option<Numbers> {
        let sequence = u16::from(packet.sequence_number());
        let known = self
            .source
            .take()
            .filter(|s| s.continues(packet.ssrc(), sequence));
        let begins = known.is_none();
        let source = self.source.insert(known.unwrap_or_else(|| Source {
            ssrc: packet.ssrc(),
            first: sequence,
            highest: sequence,
            sequence_offset: stream.next_sequence().wrapping_sub(sequence),
            timestamp_offset: stream.timestamp(now).wrapping_sub(packet.timestamp()),
        }));
        if is_before(sequence, source.first) {
            return None;
        }
        if is_before(source.highest, sequence) {
            source.highest = sequence;
            // Far from the beginning, the bound follows: it only has to keep out stragglers.
            if sequence.wrapping_sub(source.first) > DROPOUT {
                source.first = sequence.wrapping_sub(MISORDER);
            }
        }
        let timestamp = packet.timestamp().wrapping_add(source.timestamp_offset);
        let sequence = sequence.wrapping_add(source.sequence_offset);
        stream.passed(sequence, timestamp.wrapping_add(samples));
        Some(Numbers {
            sequence,
            timestamp,
            marker: begins || packet.mark(),
        })
    }
}

impl Source {
    fn continues(&self, ssrc: u32, sequence: u16) -> bool {
        ssrc == self.ssrc && continues(self.highest, sequence)
    }
}

fn is_before(a: u16, b: u16) -> bool {
    a.wrapping_sub(b) >= 0x8000
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn packet(ssrc: u32, sequence: u16, timestamp: u32, marker: bool) -> Vec<u8> {
        rtp_rs::RtpPacketBuilder::new()
            .payload_type(8)
            .ssrc(ssrc)
            .sequence(sequence.into())
            .timestamp(timestamp)
            .marked(marker)
            .payload(&[1; 160])
            .build()
            .unwrap()
    }

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    struct Line {
        relay: Relay,
        stream: Outgoing,
    }

    impl Line {
        fn new() -> Self {
            Self {
                relay: Relay::default(),
                stream: Outgoing::new(0xFFFF_FF00_0000_FFFE_0000_0007),
            }
        }

        fn pass(&mut self, ms: u64, bytes: &[u8]) -> Option<Numbers> {
            let reader = RtpReader::new(bytes).unwrap();
            self.relay.number(at(ms), &reader, 160, &mut self.stream)
        }
    }

    #[test]
    fn losses_and_order_are_kept_within_a_source() {
        let mut line = Line::new();
        let first = line.pass(0, &packet(1, 10, 1_000, false)).unwrap();
        assert!(first.marker, "a source begins");
        let third = line.pass(40, &packet(1, 12, 1_320, false)).unwrap();
        assert_eq!(third.sequence, first.sequence.wrapping_add(2));
        assert_eq!(third.timestamp, first.timestamp.wrapping_add(320));
        assert!(!third.marker);
        let second = line.pass(41, &packet(1, 11, 1_160, true)).unwrap();
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert!(second.marker, "the source's own marker");
        assert_eq!(line.stream.next_sequence(), first.sequence.wrapping_add(3));
    }

    #[test]
    fn a_new_source_goes_on_where_the_stream_stands() {
        let mut line = Line::new();
        let first = line.pass(0, &packet(1, 10, 1_000, false)).unwrap();
        for (ssrc, sequence, ms) in [(2, 500, 100), (2, 9_000, 200), (2, 8_000, 300)] {
            let before = line.stream.next_sequence();
            let numbers = line.pass(ms, &packet(ssrc, sequence, 5, false)).unwrap();
            assert_eq!(numbers.sequence, before);
            assert_eq!(
                numbers.timestamp,
                first.timestamp.wrapping_add(ms as u32 * 8)
            );
            assert!(numbers.marker);
        }
    }

    #[test]
    fn a_straggler_from_before_a_restart_is_not_sent_under_anothers_number() {
        let mut line = Line::new();
        line.pass(0, &packet(1, 10, 1_000, false)).unwrap();
        line.relay.restart();
        let timestamp = line.stream.timestamp(at(20));
        line.stream
            .number(timestamp, true, timestamp.wrapping_add(160));
        let resumed = line.pass(40, &packet(1, 12, 1_320, false)).unwrap();
        assert_eq!(resumed.timestamp, timestamp.wrapping_add(160));
        assert_eq!(line.pass(41, &packet(1, 11, 1_160, false)), None);
    }

    proptest! {
        /// Whatever one source loses and reorders, no number of the stream is given to two
        /// different packets, and time stands still or goes forward with the numbers.
        #[test]
        fn numbers_are_unique_per_source(
            start in any::<u16>(),
            lost in proptest::collection::vec(any::<bool>(), 1..300),
        ) {
            let mut line = Line::new();
            let mut given = Vec::new();
            for (n, _) in lost.iter().enumerate().filter(|(_, lost)| !**lost) {
                let n = n as u16;
                let sequence = start.wrapping_add(n ^ 1);
                let bytes = packet(1, sequence, u32::from(n ^ 1) * 160, false);
                if let Some(numbers) = line.pass(u64::from(n) * 20, &bytes) {
                    given.push((n ^ 1, numbers));
                }
            }
            given.sort_by_key(|&(n, _)| n);
            for pair in given.windows(2) {
                let apart = pair[1].0 - pair[0].0;
                prop_assert_eq!(pair[1].1.sequence.wrapping_sub(pair[0].1.sequence), apart);
                prop_assert_eq!(
                    pair[1].1.timestamp.wrapping_sub(pair[0].1.timestamp),
                    u32::from(apart) * 160
                );
            }
        }
    }
}
