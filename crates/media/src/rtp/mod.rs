//! RTP packets (RFC 3550) in the profile of RFC 3551: what came, and the numbering of what goes.

mod incoming;
mod outgoing;
mod reception;
mod relay;
pub mod rtcp;

pub use incoming::Incoming;
pub use outgoing::{Numbers, Outgoing};
pub use reception::{Reception, Totals};
pub use relay::Relay;
pub use rtp_rs::{RtpReader, Seq};

use hotline_model::Instant;

use crate::SAMPLE_RATE;

/// Bytes of an RTP header without contributing sources or extension.
pub const HEADER_BYTES: usize = 12;

/// What a datagram on an RTP port is.
pub enum Arrival<'a> {
    /// An RTP packet with a sound header.
    Rtp(RtpReader<'a>),
    /// An RTCP packet: the peer multiplexes.
    Rtcp,
    /// Neither.
    Malformed,
}

/// Tells RTP from RTCP on one port by the second byte (RFC 5761 §4): RTCP packet types are
/// 192–223, which as RTP would be the reserved payload types 64–95 with the marker bit.
pub fn classify(bytes: &[u8]) -> Arrival<'_> {
    if let [first, 192..=223, ..] = bytes
        && first >> 6 == 2
        && bytes.len() >= 8
    {
        return Arrival::Rtcp;
    }
    RtpReader::new(bytes).map_or(Arrival::Malformed, Arrival::Rtp)
}

/// An instant on the 8 kHz sample clock: samples since the start of the engine.
pub fn samples_at(at: Instant) -> u64 {
    ticks_at(at, SAMPLE_RATE)
}

/// An instant on a clock of so many ticks a second: ticks since the start of the engine.
pub(crate) fn ticks_at(at: Instant, clock: u32) -> u64 {
    (at.since_start().as_nanos() * u128::from(clock) / 1_000_000_000) as u64
}

/// A gap of more packets than this is a new source (RFC 3550 A.1, MAX_DROPOUT).
const DROPOUT: u16 = 3_000;

/// A packet that is later than this many places is a new source (RFC 3550 A.1, MAX_MISORDER).
const MISORDER: u16 = 100;

/// Whether a sequence number can belong to the source whose highest is given.
pub(crate) fn continues(highest: u16, sequence: u16) -> bool {
    sequence.wrapping_sub(highest) <= DROPOUT || highest.wrapping_sub(sequence) <= MISORDER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        let receiver_report = [0x80, 201, 0, 1, 1, 2, 3, 4];
        assert!(matches!(classify(&receiver_report), Arrival::Rtcp));
        // Marker bit with payload types 8 and 101.
        for second in [0x88, 0xE5, 8, 0] {
            let mut packet = [0; 172];
            packet[0] = 0x80;
            packet[1] = second;
            assert!(matches!(classify(&packet), Arrival::Rtp(_)));
        }
        assert!(matches!(classify(&[0x80, 8, 0]), Arrival::Malformed));
        assert!(matches!(classify(&[0x00; 172]), Arrival::Malformed));
        assert!(matches!(classify(&[]), Arrival::Malformed));
        // A STUN binding request.
        assert!(matches!(
            classify(&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0]),
            Arrival::Malformed
        ));
    }
}
