//! Reads a peer's description: strictly first, then once more without what phones get wrong.

use core::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::{Direction, SDP_MEDIA_LINES, SdpError};
use crate::{Format, Formats, SAMPLE_RATE};

/// One audio stream the peer described and we could use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Audio {
    /// Where the peer receives.
    pub(super) remote: SocketAddr,
    /// Its formats that we know, in its order of preference, with their payload types.
    pub(super) formats: Vec<(u8, Format)>,
    /// Its telephone-event formats, with their payload types and clocks.
    pub(super) digits: Vec<(u8, u32)>,
    /// What the PEER may do.
    pub(super) direction: Direction,
    /// Its `ptime`.
    pub(super) packet_ms: Option<u8>,
    /// Whether it asks for RTCP on the RTP port (RFC 5761 §5.1.1).
    pub(super) rtcp_mux: bool,
    pub(super) rtcp_port: Option<u16>,
}

impl Audio {
    /// Where the peer listens for RTCP.
    pub(super) fn rtcp(&self) -> SocketAddr {
        if self.rtcp_mux {
            return self.remote;
        }
        let beside = self.remote.port().checked_add(1);
        let port = self.rtcp_port.or(beside).unwrap_or(self.remote.port());
        SocketAddr::new(self.remote.ip(), port)
    }

    /// Forgets the formats that we do not use.
    pub(super) fn use_only(&mut self, formats: &Formats) {
        self.formats.retain(|(_, format)| formats.contains(*format));
    }

    /// The telephone-event that goes with a format: of its clock, since they share the timestamps
    /// (RFC 4733 §2.1), else of 8,000 a second, which is all that some phones have beside Opus.
    pub(super) fn digits_with(&self, format: Format) -> Option<(u8, u32)> {
        let of = |clock: u32| self.digits.iter().find(|(_, it)| *it == clock).copied();
        of(format.clock()).or_else(|| of(SAMPLE_RATE))
    }
}

/// Parses a body. Lines that end in a bare LF are taken as they are; when the strict parse fails,
/// what does not matter to us is left out (a session name in GBK, a broken b= line) and runs of
/// spaces are made one.
pub(super) fn parse(body: &[u8]) -> Result<Session, SdpError> {
    let session = Session::parse(body)
        .or_else(|error| Session::parse(tidied(body).as_bytes()).map_err(|_| error))
        .map_err(|error| SdpError::Malformed(error.to_string()))?;
    if session.medias.len() > SDP_MEDIA_LINES {
        let why = format!("more than {SDP_MEDIA_LINES} m= lines");
        return Err(SdpError::Malformed(why));
    }
    Ok(session)
}

/// The lines that matter, without superfluous spaces. A line of no known form is kept, so that
/// what is not SDP at all stays an error.
fn tidied(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len());
    for line in String::from_utf8_lossy(body).split(['\n', '\r']) {
        let line = line.trim_matches(['\0', ' ', '\t']);
        let kind = line.split_once('=').map(|(kind, _)| kind.trim());
        match kind {
            None if line.is_empty() => {}
            Some("b" | "e" | "i" | "k" | "p" | "r" | "s" | "t" | "u" | "z") => {}
            Some(kind @ ("v" | "o" | "c" | "m" | "a")) => {
                let value = line.split_once('=').map_or("", |(_, value)| value);
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                text.push_str(&format!("{kind}={}\r\n", words.join(" ")));
            }
            _ => text.push_str(&format!("{line}\r\n")),
        }
    }
    text
}

/// Audio over RTP, in the clear or not.
fn is_audio(media: &Media) -> bool {
    media.media.eq_ignore_ascii_case("audio")
        && [
            "RTP/AVP",
            "RTP/AVPF",
            "RTP/SAVP",
            "RTP/SAVPF",
            "UDP/TLS/RTP/SAVP",
            "UDP/TLS/RTP/SAVPF",
        ]
        .contains(&media.proto.as_str())
}

/// An audio stream that the peer does not refuse.
pub(super) fn is_live_audio(media: &Media) -> bool {
    is_audio(media) && media.port != 0
}

/// An audio stream that the peer refuses, or holds by refusing it.
pub(super) fn is_audio_without_port(media: &Media) -> bool {
    is_audio(media) && media.port == 0
}

/// The stream of an m= line: `None` when it is not audio over RTP or is refused (port 0). `found`
/// is the address of a leg whose address is not taken from the c= line.
pub(super) fn audio(
    session: &Session,
    media: &Media,
    found: Option<SocketAddr>,
) -> Result<Option<Audio>, SdpError> {
    if !is_live_audio(media) {
        return Ok(None);
    }
    let connection = media
        .connections
        .first()
        .or(session.connection.as_ref())
        .ok_or_else(|| SdpError::Malformed("no c= line for the audio stream".to_owned()))?;
    let remote = match found {
        Some(found) => found,
        None => SocketAddr::new(address(connection)?, media.port),
    };
    let described = described(media);
    Ok(Some(Audio {
        remote,
        formats: described
            .iter()
            .filter_map(|&(payload_type, meaning)| match meaning {
                Meaning::Sound(format) => Some((payload_type, format)),
                _ => None,
            })
            .collect(),
        digits: described
            .iter()
            .filter_map(|&(payload_type, meaning)| match meaning {
                Meaning::Digits(clock) => Some((payload_type, clock)),
                _ => None,
            })
            .collect(),
        direction: direction(&media.attributes)
            .or_else(|| direction(&session.attributes))
            .unwrap_or_default(),
        packet_ms: value(&media.attributes, "ptime").and_then(|ms| ms.parse().ok()),
        rtcp_mux: has(&media.attributes, "rtcp-mux"),
        rtcp_port: value(&media.attributes, "rtcp")
            .and_then(|it| it.split_ascii_whitespace().next()?.parse().ok())
            .filter(|port| *port != 0),
    }))
}

/// A literal unicast address, or the unspecified one (hold of RFC 2543).
fn address(connection: &Connection) -> Result<IpAddr, SdpError> {
    let text = connection.connection_address.trim();
    let address: IpAddr = text
        .parse()
        .map_err(|_| SdpError::Address(text.to_owned()))?;
    if address.is_multicast() {
        return Err(SdpError::Address(text.to_owned()));
    }
    Ok(address)
}

#[derive(Clone, Copy)]
enum Meaning {
    Sound(Format),
    /// With so many ticks a second.
    Digits(u32),
    Other,
}

/// The payload types of an m= line in their order. An `rtpmap` goes before the static meaning.
fn described(media: &Media) -> Vec<(u8, Meaning)> {
    media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|word| word.parse::<u8>().ok())
        .filter(|&payload_type| payload_type < 128)
        .map(|payload_type| {
            let mapped = rtpmap(&media.attributes, payload_type);
            let meaning = match mapped {
                Some(encoding) => meaning(encoding),
                None => Format::of_static(payload_type).map_or(Meaning::Other, Meaning::Sound),
            };
            (payload_type, meaning)
        })
        .collect()
}

/// `<encoding>/<clock>[/<channels>]` of a payload type (RFC 8866 §6.6).
fn rtpmap(attributes: &[Attribute], payload_type: u8) -> Option<&str> {
    attributes
        .iter()
        .filter(|a| a.attribute.trim() == "rtpmap")
        .filter_map(|a| a.value.as_deref()?.trim().split_once([' ', '\t']))
        .find(|(number, _)| number.parse() == Ok(payload_type))
        .map(|(_, encoding)| encoding.trim())
}

fn meaning(encoding: &str) -> Meaning {
    let mut parts = encoding.split('/').map(str::trim);
    let (Some(name), Some(clock)) = (parts.next(), parts.next()) else {
        return Meaning::Other;
    };
    let channels = parts.next().map_or(Ok(1), str::parse);
    let (Ok(clock), Ok(channels)) = (clock.parse::<u32>(), channels) else {
        return Meaning::Other;
    };
    if name.eq_ignore_ascii_case("telephone-event") && channels == 1 {
        return Meaning::Digits(clock);
    }
    Format::of(name, clock, channels).map_or(Meaning::Other, Meaning::Sound)
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|a| match a.attribute.trim() {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    })
}

/// The value of the first attribute of a name.
pub(super) fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    values(attributes, name).next()
}

/// The values of all attributes of a name.
pub(super) fn values<'a>(attributes: &'a [Attribute], name: &str) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |a| a.attribute.trim() == name)
        .filter_map(|a| a.value.as_deref())
        .map(str::trim)
}

/// Whether there is an attribute of this name.
pub(super) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|a| a.attribute.trim() == name)
}
