//! The one stream a leg receives from us, whatever its sources: one SSRC, one numbering.
//!
//! Timestamps follow a media clock of the leg: a random base plus the format's ticks a second of the
//! engine's clock. A new source (a prompt after the menu, the agent after the music) begins at the clock's
//! value, or right after the last packet when that lies ahead; then the clock is set forward to
//! it, so that it never runs back. The receiver sees silence between two sources as time that
//! passed, and never sees time run back.

use hotline_model::Instant;
use rtp_rs::{RtpPacketBuilder, Seq};

use super::ticks_at;
use crate::{FRAME_MS, SAMPLE_RATE};

/// Sequence number and timestamp of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Marker bit: a source or a talk spurt begins (RFC 3551 §4.1).
    pub marker: bool,
}

/// Clocks of formats beside the one that is spoken: of 8,000, 16,000 and 48,000 ticks a second.
const OTHER_CLOCKS: usize = 2;

/// State of a leg's outgoing stream.
#[derive(Clone, Debug)]
pub struct Outgoing {
    ssrc: u32,
    /// Number of the next packet.
    sequence: u16,
    /// Ticks a second.
    clock: u32,
    /// Of each other clock (0: none yet) the number of the next packet. Each source counts its own:
    /// from the last one its peer guesses how often the number of a protected packet has wrapped.
    others: [(u32, u16); OTHER_CLOCKS],
    /// Timestamp of the engine's start.
    base: u32,
    /// Timestamp after the last packet; none was sent yet when `None`.
    end: Option<u32>,
}

impl Outgoing {
    /// A stream whose SSRC and first numbers are taken from `random` (RFC 3550 §5.1).
    pub fn new(random: u128) -> Self {
        // In the lower half: a receiver of secure RTP that misses the first packets would guess
        // wrongly after a wrap among them (RFC 3711 §3.3.1).
        let first = |shift: u32| (random >> shift) as u16 & 0x7FFF;
        Self {
            ssrc: random as u32,
            sequence: first(32),
            clock: SAMPLE_RATE,
            others: [(0, first(96)), (0, first(112))],
            base: (random >> 64) as u32,
            end: None,
        }
    }

    /// The stream's clock has so many ticks a second from now on. True when it had others: it is
    /// another source then, with its own SSRC (RFC 7160 §4.1). Of each clock there is one, since
    /// who protects packets remembers few.
    pub fn retune(&mut self, clock: u32) -> bool {
        if clock == self.clock {
            return false;
        }
        let place = |of: u32| self.others.iter().position(|(other, _)| *other == of);
        let place = place(clock).or_else(|| place(0));
        if let Some(other) = place.and_then(|at| self.others.get_mut(at)) {
            (_, self.sequence) = core::mem::replace(other, (self.clock, self.sequence));
        }
        self.ssrc ^= self.clock ^ clock;
        self.clock = clock;
        self.end = None;
        true
    }

    /// Length of 20 ms in ticks of the stream's clock.
    pub const fn frame_ticks(&self) -> u32 {
        self.clock / 1_000 * FRAME_MS as u32
    }

    /// The stream's SSRC.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// What the stream's clock shows at `at`.
    pub fn clock(&self, at: Instant) -> u32 {
        self.base.wrapping_add(ticks_at(at, self.clock) as u32)
    }

    /// Timestamp for a packet that begins at `at`, in no case before the end of the last one.
    pub fn timestamp(&mut self, at: Instant) -> u32 {
        let clock = self.clock(at);
        let ahead = self.end.map_or(0, |end| end.wrapping_sub(clock));
        if ahead.cast_signed() > 0 {
            self.base = self.base.wrapping_add(ahead);
            return clock.wrapping_add(ahead);
        }
        clock
    }

    /// The sequence number the next packet has.
    pub fn next_sequence(&self) -> u16 {
        self.sequence
    }

    /// Takes the next sequence number for a packet of our own that ends at timestamp `end`.
    pub fn number(&mut self, timestamp: u32, marker: bool, end: u32) -> Numbers {
        let sequence = self.sequence;
        self.passed(sequence, end);
        Numbers {
            sequence,
            timestamp,
            marker,
        }
    }

    /// Notes that a packet was sent; older ones than the newest change nothing.
    pub fn passed(&mut self, sequence: u16, end: u32) {
        if sequence.wrapping_sub(self.sequence) < 0x8000 {
            self.sequence = sequence.wrapping_add(1);
        }
        let later = |last: u32| end.wrapping_sub(last).cast_signed() > 0;
        if self.end.is_none_or(later) {
            self.end = Some(end);
        }
    }

    /// Writes a packet and returns its length; 0 when it does not fit (never, with the limits of
    /// [`RTP_PACKET_BYTES`](hotline_model::limits::RTP_PACKET_BYTES)).
    pub fn write(
        &self,
        payload_type: u8,
        numbers: Numbers,
        payload: &[u8],
        to: &mut [u8],
    ) -> usize {
        RtpPacketBuilder::new()
            .payload_type(payload_type)
            .marked(numbers.marker)
            .sequence(Seq::from(numbers.sequence))
            .timestamp(numbers.timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .build_into(to)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    #[test]
    fn frames_on_the_grid_are_160_apart_for_hours() {
        let mut stream = Outgoing::new(u128::MAX / 3);
        let first = stream.timestamp(at(7));
        let mut last = None;
        for n in 0..1_000_000u32 {
            let timestamp = stream.timestamp(at(7 + 20 * u64::from(n)));
            assert_eq!(timestamp, first.wrapping_add(160 * n));
            let numbers = stream.number(timestamp, false, timestamp.wrapping_add(160));
            if let Some(last) = last {
                assert_eq!(numbers.sequence, u16::wrapping_add(last, 1));
            }
            last = Some(numbers.sequence);
        }
    }

    #[test]
    fn a_pause_is_time_that_passed_and_time_never_runs_back() {
        let mut stream = Outgoing::new(9 << 64);
        let first = stream.timestamp(at(0));
        stream.number(first, true, first + 160);
        assert_eq!(stream.timestamp(at(1_020)), first + 8_160);
        // A source whose clock ran ahead ended at +20,000: the next begins there, and goes on.
        stream.passed(1, first + 20_000);
        assert_eq!(stream.timestamp(at(1_040)), first + 20_000);
        assert_eq!(stream.timestamp(at(1_060)), first + 20_160);
    }

    #[test]
    fn another_clock_is_another_source_and_the_first_comes_back() {
        let mut stream = Outgoing::new(0x1234_5678_9ABC_DEF0 << 40);
        let narrow = stream.ssrc();
        assert!(!stream.retune(8_000));
        assert!(stream.retune(48_000));
        assert_ne!(stream.ssrc(), narrow);
        assert_eq!(stream.frame_ticks(), 960);
        let first = stream.timestamp(at(20));
        stream.number(first, true, first.wrapping_add(960));
        assert_eq!(stream.timestamp(at(40)), first.wrapping_add(960));
        assert_eq!(stream.timestamp(at(1_020)), first.wrapping_add(48_000));
        assert!(stream.retune(8_000));
        assert_eq!((stream.ssrc(), stream.frame_ticks()), (narrow, 160));
    }

    /// Secure RTP guesses how often a number has wrapped from the last one of the same source.
    #[test]
    fn each_clock_counts_its_own_packets() {
        let mut stream = Outgoing::new(0x1234_5678_9ABC_DEF0 << 40);
        let send = |stream: &mut Outgoing, count: u32| {
            for _ in 0..count {
                stream.number(0, false, 160);
            }
        };
        send(&mut stream, 10);
        let mut left = vec![(8_000, stream.next_sequence())];
        for clock in [16_000, 48_000] {
            stream.retune(clock);
            assert!(stream.next_sequence() < 0x8000, "far from a wrap");
            send(&mut stream, 40_000);
            left.push((clock, stream.next_sequence()));
        }
        for (clock, next) in left {
            stream.retune(clock);
            assert_eq!(stream.next_sequence(), next, "{clock}");
        }
    }

    #[test]
    fn the_written_packet_reads_back() {
        let stream = Outgoing::new(0x1234_5678);
        let numbers = Numbers {
            sequence: 65_535,
            timestamp: 77,
            marker: true,
        };
        let mut packet = [0; 1_500];
        let length = stream.write(8, numbers, &[0xD5; 160], &mut packet);
        let read = rtp_rs::RtpReader::new(&packet[..length]).unwrap();
        assert_eq!(
            (read.ssrc(), read.timestamp(), read.mark()),
            (0x1234_5678, 77, true)
        );
        assert_eq!(
            (read.payload_type(), read.payload().len(), length),
            (8, 160, 172)
        );
        assert_eq!(stream.write(8, numbers, &[0; 160], &mut packet[..100]), 0);
    }
}
