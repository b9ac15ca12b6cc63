//! What may be agreed on for a stream: a codec with its name, numbers and rates.

use super::{Codec, resample::Rate};

/// A format of sound on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus (RFC 6716), one channel.
    Opus,
    /// 16-bit samples at 16 kHz in network order (RFC 3551 §4.5.11). Inside the engine only: it is
    /// never offered and never taken.
    L16,
}

impl Format {
    /// Encoding name as SDP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
            Self::Opus => "opus",
            Self::L16 => "L16",
        }
    }

    /// Rate of its RTP clock, per second. That of G.722 is not its sampling rate (RFC 3551 §4.5.2).
    pub const fn clock(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 => 8_000,
            Self::L16 => 16_000,
            Self::Opus => 48_000,
        }
    }

    /// Channels as SDP writes them. Opus always says two, whatever is in it (RFC 7587 §4.1).
    pub const fn channels(self) -> u8 {
        match self {
            Self::Opus => 2,
            _ => 1,
        }
    }

    /// Its sampling rate, decoded.
    pub const fn rate(self) -> Rate {
        match self {
            Self::Pcma | Self::Pcmu => Rate::Narrow,
            Self::G722 | Self::L16 => Rate::Wide,
            Self::Opus => Rate::Full,
        }
    }

    /// The payload type under which we offer it: the static one (RFC 3551 §6) where there is one,
    /// else the one most peers use.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
            Self::G722 => 9,
            Self::Opus => 111,
            Self::L16 => 118,
        }
    }

    /// Its parameters as we offer them (a=fmtp).
    pub const fn parameters(self) -> Option<&'static str> {
        match self {
            // RFC 7587 §6.1: we conceal lost packets from what the next one repeats.
            Self::Opus => Some("minptime=10;useinbandfec=1"),
            _ => None,
        }
    }

    /// The format that a configuration names, in any case: `"PCMA"`, `"PCMU"`, `"G722"`, `"opus"`.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus];
        all.into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// Whether the engine was built to decode and encode it: [`Format::Opus`] is a feature.
    pub const fn is_built(self) -> bool {
        !matches!(self, Self::Opus) || cfg!(feature = "opus")
    }

    /// The law, when it is G.711.
    pub const fn law(self) -> Option<Codec> {
        match self {
            Self::Pcma => Some(Codec::Pcma),
            Self::Pcmu => Some(Codec::Pcmu),
            _ => None,
        }
    }

    /// The format an rtpmap names, by `encoding`, clock and channels (RFC 8866 §6.6). Never
    /// [`L16`](Self::L16).
    pub fn of(encoding: &str, clock: u32, channels: u8) -> Option<Self> {
        [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus]
            .into_iter()
            .find(|format| {
                format.name().eq_ignore_ascii_case(encoding)
                    && (format.clock(), format.channels()) == (clock, channels)
            })
    }

    /// The format of a payload type without rtpmap (RFC 3551 §6).
    pub const fn of_static(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            9 => Some(Self::G722),
            _ => None,
        }
    }
}

impl From<Codec> for Format {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Pcma => Self::Pcma,
            Codec::Pcmu => Self::Pcmu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEGOTIATED: [Format; 4] = [Format::Pcma, Format::Pcmu, Format::G722, Format::Opus];

    #[test]
    fn formats_are_known_by_what_they_are_written_as() {
        for format in NEGOTIATED {
            let (name, clock, channels) = (format.name(), format.clock(), format.channels());
            assert_eq!(Format::of(name, clock, channels), Some(format));
            assert_eq!(
                Format::of(&name.to_lowercase(), clock, channels),
                Some(format)
            );
            assert_eq!(Format::of(name, clock * 2, channels), None);
            assert_eq!(Format::of(name, clock, channels + 1), None);
            if format != Format::Opus {
                assert_eq!(Format::of_static(format.payload_type()), Some(format));
            }
        }
        assert_eq!(Format::of("L16", 16_000, 1), None);
        assert_eq!(Format::of_static(18), None);
    }

    #[test]
    fn a_law_is_its_format() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let format = Format::from(codec);
            assert_eq!(format.law(), Some(codec));
            assert_eq!(format.payload_type(), codec.payload_type());
            assert_eq!(format.name(), codec.name());
        }
    }
}
