//! Writes our descriptions.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};

use super::{Direction, Local};
use crate::{FRAME_MS, Format};

/// An audio stream as we describe it.
pub(super) struct Stream<'a> {
    pub(super) proto: &'a str,
    pub(super) formats: &'a [(u8, Format)],
    /// telephone-event: its numbers and clocks.
    pub(super) digits: &'a [(u8, u32)],
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
    /// What it says of its protection.
    pub(super) protection: &'a [Attribute],
}

/// A description without streams.
pub(super) fn session(local: &Local) -> Session {
    let mut session = Session::new(
        Origin::with_ip_addr(local.session, local.version, local.address),
        "-",
    );
    session.connection = Some(Connection::from_ip_addr(local.address));
    session.times.push(Time::new(0, 0));
    session
}

/// Our m= line.
pub(super) fn stream(port: u16, stream: &Stream<'_>) -> Media {
    let Stream {
        proto,
        formats,
        digits,
        direction,
        rtcp_mux,
        protection,
    } = *stream;
    let digit_types = digits.iter().map(|&(number, _)| number);
    let payload_types = formats.iter().map(|&(number, _)| number).chain(digit_types);
    let numbers: Vec<String> = payload_types.map(|number| number.to_string()).collect();
    let mut media = line("audio", port, proto, &numbers.join(" "));
    for (number, format) in formats {
        let mut map = format!("{number} {}/{}", format.name(), format.clock());
        if format.channels() > 1 {
            map.push_str(&format!("/{}", format.channels()));
        }
        media.attributes.push(Attribute::with_value("rtpmap", map));
        if let Some(parameters) = format.parameters() {
            let parameters = format!("{number} {parameters}");
            media
                .attributes
                .push(Attribute::with_value("fmtp", parameters));
        }
    }
    for (number, clock) in digits {
        let map = format!("{number} telephone-event/{clock}");
        media.attributes.push(Attribute::with_value("rtpmap", map));
        // Events 0–15 are the keys (RFC 4733 §2.4.1, §3.2).
        let range = format!("{number} 0-15");
        media.attributes.push(Attribute::with_value("fmtp", range));
    }
    media
        .attributes
        .push(Attribute::with_value("ptime", FRAME_MS));
    if rtcp_mux {
        media.attributes.push(Attribute::new("rtcp-mux"));
    }
    media.attributes.extend_from_slice(protection);
    media.attributes.push(Attribute::new(direction.name()));
    media
}

/// The m= line that refuses an offered stream (RFC 3264 §6): the same with port 0.
pub(super) fn refusal(offered: &Media) -> Media {
    line(&offered.media, 0, &offered.proto, &offered.fmt)
}

fn line(media: &str, port: u16, proto: &str, fmt: &str) -> Media {
    Media {
        media: media.to_owned(),
        port,
        num_ports: None,
        proto: proto.to_owned(),
        fmt: fmt.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

/// The bytes of a description.
pub(super) fn print(session: &Session) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    // Writing to memory cannot fail.
    if session.write(&mut body).is_err() {
        body.clear();
    }
    body
}

/// Whether two addresses are of one family, so that packets can go between them.
pub(super) fn same_family(a: IpAddr, b: IpAddr) -> bool {
    // RFC 2543's hold is written as 0.0.0.0 by IPv6 phones too, and as :: by some of both.
    a.is_ipv4() == b.is_ipv4() || b.is_unspecified()
}

/// Nowhere, in the family of `address`.
pub(super) fn unspecified_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
