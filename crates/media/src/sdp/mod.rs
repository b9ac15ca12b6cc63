//! Offer and answer (RFC 8866, RFC 3264): one audio stream and telephone-event.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use crate::Format;

mod compose;
mod family;
mod negotiate;
mod read;
mod security;
#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;

pub use family::{Family, family};
pub use negotiate::{
    accept, accept_again_under, accept_under, answer, answer_again, answer_again_under,
    answer_under, offer, offer_again_under, offer_under,
};
pub use security::{Dtls, Fingerprint, Security, Terms};

/// Most m= lines of a description. The answer must have as many as the offer (RFC 3264 §6), so
/// they are bounded; more is malformed.
pub const SDP_MEDIA_LINES: usize = 32;

/// Our end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Address the peer shall send to.
    pub address: IpAddr,
    /// RTP port the peer shall send to.
    pub port: u16,
    /// `sess-id` of the o= line; the same for the life of the dialog.
    pub session: u64,
    /// `sess-version`; one higher with each changed description of the dialog (RFC 3264 §8).
    pub version: u64,
}

/// What WE may do with the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Send and receive.
    #[default]
    SendRecv,
    /// Send only: we hold the peer.
    SendOnly,
    /// Receive only: the peer holds us.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether we may send.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the peer may send.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same agreement seen from the other side (RFC 3264 §6.1).
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// The direction with these two rights.
    pub const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Attribute name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What an offer and its answer agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where we send to, and the only source we accept. An unspecified address (`0.0.0.0`, the
    /// hold of RFC 2543) accepts nothing.
    pub remote: SocketAddr,
    /// Where RTCP goes: to `remote` itself when the sides multiplex (RFC 5761), else to the port
    /// beside it or the one that `a=rtcp` names (RFC 3605).
    pub rtcp: SocketAddr,
    /// Format of both ways.
    pub codec: Format,
    /// Payload type of the codec.
    pub payload_type: u8,
    /// Payload type of telephone-event, when agreed.
    pub digits: Option<u8>,
    /// Ticks a second of telephone-event's durations: those of the sound's clock, whose timestamps
    /// it shares (RFC 4733 §2.1), unless the peer has it with 8,000 alone.
    pub digits_clock: u32,
    /// What WE may do.
    pub direction: Direction,
    /// The peer's `ptime`, or 20: for information. The engine sends 20 ms packets, which RFC 3551
    /// §4.2 has every receiver take.
    pub packet_ms: u8,
    /// Whether the peer may prove to be at another address than `remote`, once, since a NAT lies
    /// between. Off unless whoever agreed knows of one.
    pub learns: bool,
    /// How the stream is kept private.
    pub security: Security,
}

/// Why a description cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdpError {
    /// Not SDP, or not a possible description: why.
    Malformed(String),
    /// No audio stream over RTP that is not refused.
    NoAudio,
    /// The audio stream is protected in no way that our terms have, or not protected as they want.
    NoCommonSecurity,
    /// The audio stream has no format that we use.
    NoCommonCodec,
    /// The c= line names a host, a multicast group or an address of the other IP version.
    Address(String),
}

impl SdpError {
    /// SIP status for the answer: 400 or 488 (RFC 3261 §21.4.26).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NoAudio | Self::NoCommonSecurity | Self::NoCommonCodec | Self::Address(_) => 488,
        }
    }
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "session description is malformed: {why}"),
            Self::NoAudio => write!(f, "no usable audio stream is described"),
            Self::NoCommonSecurity => write!(f, "the audio stream's protection is not ours"),
            Self::NoCommonCodec => {
                write!(f, "no format of sound that the engine uses is described")
            }
            Self::Address(address) => write!(f, "cannot send to address {address}"),
        }
    }
}

impl core::error::Error for SdpError {}
