//! From where a leg's packets may come (symmetric RTP, RFC 4961).
//!
//! Only the agreed address and port is listened to: what others send is counted, not heard. A phone
//! behind a NAT cannot know its own address. Where the agreement says so, the true one is learned
//! once, from packets that can only be one stream: three in a row of one sender, one SSRC, numbers
//! one after the other, and the agreed payload type. Then the lock holds until the next agreement.

use core::net::SocketAddr;

use crate::{rtp::RtpReader, sdp::Agreed};

/// Packets in a row by which a source is learned: 60 ms. Whoever injects must guess them all
/// before the phone's own three have come.
const IN_A_ROW: u8 = 3;

/// What is known of where a leg's packets come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// Only the agreed one counts.
    #[default]
    Locked,
    /// Nothing was heard yet that could be it.
    Unknown,
    /// A sender that may be it.
    Candidate {
        from: SocketAddr,
        ssrc: u32,
        next: u16,
        count: u8,
    },
}

impl Source {
    /// How a new agreement begins.
    pub(super) const fn of(agreed: &Agreed) -> Self {
        if agreed.learns {
            Self::Unknown
        } else {
            Self::Locked
        }
    }

    /// A packet came from somewhere else than agreed. True when it proves that this is the peer:
    /// from now on only this source counts.
    pub(super) fn learn(
        &mut self,
        from: SocketAddr,
        agreed: &Agreed,
        packet: Option<&RtpReader<'_>>,
    ) -> bool {
        if *self == Self::Locked {
            return false;
        }
        let Some(packet) = packet.filter(|it| it.payload_type() == agreed.payload_type) else {
            return false;
        };
        let sequence = u16::from(packet.sequence_number());
        let count = match *self {
            Self::Candidate {
                from: before,
                ssrc,
                next,
                count,
            } if (before, ssrc, next) == (from, packet.ssrc(), sequence) => count + 1,
            _ => 1,
        };
        if count >= IN_A_ROW {
            *self = Self::Locked;
            return true;
        }
        *self = Self::Candidate {
            from,
            ssrc: packet.ssrc(),
            next: sequence.wrapping_add(1),
            count,
        };
        false
    }
}
