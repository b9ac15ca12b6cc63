//! Codecs: G.711 in its two laws, a byte a sample, and every other format by way of 16-bit samples.

mod format;
mod formats;
pub mod g711;
pub mod g722;
pub mod linear;
#[cfg(feature = "opus")]
pub mod opus;
pub mod resample;
mod tables;
mod taps;
#[cfg(not(feature = "opus"))]
mod without_opus;

#[cfg(not(feature = "opus"))]
use without_opus as opus;

pub use format::Format;
pub use formats::Formats;

/// A law of G.711: what prompts, recordings and the relay work in, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 A-law, static payload type 8 (RFC 3551 §6): China and Europe.
    Pcma,
    /// G.711 µ-law, static payload type 0: North America and Japan.
    Pcmu,
}

impl Codec {
    /// Static payload type (RFC 3551 §6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// Encoding name as SDP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }

    /// The byte that says nothing: positive zero.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Pcma => 0xD5,
            Self::Pcmu => 0xFF,
        }
    }

    /// The sample a byte stands for.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Pcma => g711::alaw_to_linear(byte),
            Self::Pcmu => g711::ulaw_to_linear(byte),
        }
    }

    /// The byte nearest to a sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcma => g711::linear_to_alaw(sample),
            Self::Pcmu => g711::linear_to_ulaw(sample),
        }
    }

    /// The same sound in another law; the byte itself when the laws agree.
    pub fn convert(self, byte: u8, to: Self) -> u8 {
        match (self, to) {
            (Self::Pcma, Self::Pcmu) => g711::alaw_to_ulaw(byte),
            (Self::Pcmu, Self::Pcma) => g711::ulaw_to_alaw(byte),
            _ => byte,
        }
    }
}
