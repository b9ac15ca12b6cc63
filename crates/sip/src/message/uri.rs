//! URIs: `sip:`, `sips:` and `tel:` in parts, any other scheme as opaque text.

use core::net::{IpAddr, Ipv6Addr};
use std::borrow::Cow;

use super::{
    params::Params,
    text::{bytes_where, cut, exact_number, is_in},
};

/// Most parameters or headers of a URI that are compared pair by pair. With thousands, as a
/// message could carry, the pairs would be millions.
pub const COMPARED_PARTS: usize = 64;

/// The scheme of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme<'a> {
    /// `sip:` (RFC 3261 §19.1).
    Sip,
    /// `sips:` (RFC 3261 §19.1).
    Sips,
    /// `tel:` (RFC 3966).
    Tel,
    /// Any other, as written. In a Request-URI: 416 (RFC 3261 §8.2.2.1).
    Other(&'a [u8]),
}

/// A URI read in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uri<'a> {
    /// The URI as written.
    pub raw: &'a [u8],
    /// Its scheme.
    pub scheme: Scheme<'a>,
    /// User part, still percent-encoded; the number of a `tel:` URI; all that follows the colon
    /// where the scheme is [`Scheme::Other`].
    pub user: Option<&'a [u8]>,
    /// Password, still percent-encoded.
    pub password: Option<&'a [u8]>,
    /// Host; empty but for `sip:` and `sips:`.
    pub host: Host<'a>,
    /// Port, where one is written.
    pub port: Option<u16>,
    /// URI parameters.
    pub params: Params<'a>,
    /// What follows `?`, without it: `name=value&name=value`.
    pub headers: &'a [u8],
}

/// A host as it stands in a URI or a Via.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Host<'a> {
    /// As written, an IPv6 address with its brackets.
    pub raw: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Splits a URI. `None` where it is malformed: white space, angle brackets or quotes in it,
    /// an unbracketed IPv6 address (RFC 5118 §4.2), a port that is no number, more than one `@`
    /// (what stands behind each would be open to two readings), an empty parameter.
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let (scheme, rest) = split_scheme(raw)?;
        let joints = Joints::of(rest)?;
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(raw, scheme, rest, joints),
            Scheme::Tel => Self::parse_tel(raw, rest),
            Scheme::Other(_) => (!rest.is_empty()).then_some(Self {
                user: Some(rest),
                ..Self::bare(raw, scheme)
            }),
        }
    }

    /// A URI of which nothing is known: what a response has for a Request-URI.
    pub(super) const fn none() -> Self {
        Self::bare(b"", Scheme::Other(b""))
    }

    const fn bare(raw: &'a [u8], scheme: Scheme<'a>) -> Self {
        Self {
            raw,
            scheme,
            user: None,
            password: None,
            host: Host { raw: b"" },
            port: None,
            params: Params::none(),
            headers: b"",
        }
    }

    // RFC 3261 §25.1: SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
    fn parse_sip(
        raw: &'a [u8],
        scheme: Scheme<'a>,
        rest: &'a [u8],
        joints: Joints,
    ) -> Option<Self> {
        let mut uri = Self::bare(raw, scheme);
        let (before, tail) = cut(rest, joints.tail);
        let mut hostport = before;
        if joints.ats > 0 {
            let (userinfo, behind) = cut(before, joints.at);
            hostport = behind.get(1..)?;
            let (user, password) = cut(userinfo, joints.user);
            uri.user = (!user.is_empty()).then_some(user);
            uri.password = password.get(1..);
        }
        (uri.host, uri.port) = if joints.is_plain_host {
            let start = before.len() - hostport.len();
            Host::plain_with_port(hostport, joints.colon.saturating_sub(start))?
        } else {
            Host::parse_with_port(hostport)?
        };
        if !tail.is_empty() {
            let (params, headers) = split_before(tail, b'?');
            uri.params = Params::parse(params)?;
            uri.headers = headers.get(1..).unwrap_or_default();
        }
        (joints.ats < 2).then_some(uri)
    }

    fn parse_tel(raw: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let (number, params) = split_before(rest, b';');
        if number.is_empty() {
            return None;
        }
        Some(Self {
            user: Some(number),
            params: Params::parse(params)?,
            ..Self::bare(raw, Scheme::Tel)
        })
    }

    /// Whether the scheme is `sip` or `sips`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part percent-decoded, once (RFC 4475 §3.1.1.3), with U+FFFD for what is no UTF-8.
    /// For people and for matching numbers; a NUL (§3.1.1.4) stays in it.
    pub fn user_text(&self) -> Cow<'a, str> {
        let user = self.user.unwrap_or_default();
        if memchr::memchr(b'%', user).is_none() {
            return String::from_utf8_lossy(user);
        }
        let decoded: Vec<u8> = Decoded { rest: user }.map(|(byte, _)| byte).collect();
        Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.params.get("transport")
    }

    /// Whether the URI is a loose router's (`lr`, RFC 3261 §19.1.1).
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    /// Whether two URIs are equal by RFC 3261 §19.1.4; other schemes than `sip` and `sips`, and
    /// URIs of more than [`COMPARED_PARTS`] parameters or headers, are compared byte by byte.
    pub fn equals(&self, other: &Uri<'_>) -> bool {
        let comparable = |uri: &Uri<'_>| uri.is_sip() && !uri.has_many_parts();
        // With a parameter twice, in two values, the rules below would part a URI from itself.
        if self.raw == other.raw || !comparable(self) || !comparable(other) {
            return self.raw == other.raw;
        }
        let same_scheme = matches!(self.scheme, Scheme::Sip) == matches!(other.scheme, Scheme::Sip);
        same_scheme
            && same_decoded(self.user, other.user)
            && same_decoded(self.password, other.password)
            && self.host.equals(&other.host)
            && self.port == other.port
            && same_params(&self.params, &other.params)
            && same_params(&other.params, &self.params)
            && same_headers(self.headers, other.headers)
    }
}

impl Uri<'_> {
    fn has_many_parts(&self) -> bool {
        let headers = self.headers.iter().filter(|&&byte| byte == b'&').count();
        headers.max(self.params.iter().take(COMPARED_PARTS + 1).count()) > COMPARED_PARTS
    }
}

impl<'a> Host<'a> {
    /// A host with an optional `:port`.
    pub(super) fn parse_with_port(hostport: &'a [u8]) -> Option<(Self, Option<u16>)> {
        let end = match hostport {
            [b'[', ..] => memchr::memchr(b']', hostport)? + 1,
            _ => hostport
                .iter()
                .position(|&byte| byte == b':')
                .unwrap_or(hostport.len()),
        };
        let (raw, behind) = cut(hostport, end);
        let port = match behind {
            [] => None,
            [b':', digits @ ..] => Some(parse_port(digits)?),
            _ => return None,
        };
        Some((Self::parse(raw)?, port))
    }

    /// A host of nothing but its own bytes, with an optional `:port` from `colon` on.
    fn plain_with_port(hostport: &'a [u8], colon: usize) -> Option<(Self, Option<u16>)> {
        let (raw, behind) = cut(hostport, colon);
        let port = match behind {
            [_, digits @ ..] => Some(parse_port(digits)?),
            [] => None,
        };
        (!raw.is_empty()).then_some((Self { raw }, port))
    }

    /// A host alone. An underscore is let pass: the world's host names have them.
    pub(super) fn parse(raw: &'a [u8]) -> Option<Self> {
        let good = match raw {
            [b'[', inside @ .., b']'] => parse_ipv6(inside).is_some(),
            [_, ..] => raw.iter().all(|&byte| is_in(&HOST, byte)),
            [] => false,
        };
        good.then_some(Self { raw })
    }

    /// The address, where the host is one and no name. Reads IPv6 with or without brackets.
    pub fn ip(&self) -> Option<IpAddr> {
        let bare = match self.raw {
            [b'[', inside @ .., b']'] => return parse_ipv6(inside).map(IpAddr::V6),
            raw => raw,
        };
        let text = core::str::from_utf8(bare).ok()?;
        match text.parse() {
            Ok(address) => Some(IpAddr::V4(address)),
            Err(_) => parse_ipv6(bare).map(IpAddr::V6),
        }
    }

    /// Whether two hosts are the same: names case-insensitively, addresses by value.
    pub fn equals(&self, other: &Host<'_>) -> bool {
        self.raw.eq_ignore_ascii_case(other.raw)
            || matches!((self.ip(), other.ip()), (Some(a), Some(b)) if a == b)
    }
}

/// An IPv6 address; `:::` stands for `::`, which an error in RFC 3261's grammar allows and
/// RFC 5118 §4.10 asks to tolerate.
fn parse_ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    const LONGEST: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255:".len();
    let strict = core::str::from_utf8(text).ok()?;
    if let Ok(address) = strict.parse() {
        return Some(address);
    }
    if text.len() > LONGEST {
        return None;
    }
    let at = strict.find(":::")?;
    let mut repaired = [0_u8; LONGEST];
    let (before, after) = cut(text, at);
    let pieces = before.iter().chain(after.get(1..)?);
    repaired
        .iter_mut()
        .zip(pieces)
        .for_each(|(to, from)| *to = *from);
    core::str::from_utf8(repaired.get(..text.len() - 1)?)
        .ok()?
        .parse()
        .ok()
}

pub(super) fn parse_port(digits: &[u8]) -> Option<u16> {
    u16::try_from(exact_number(digits)?).ok()
}

fn split_scheme(raw: &[u8]) -> Option<(Scheme<'_>, &[u8])> {
    let (name, rest) = match raw {
        // Nearly all.
        [b's', b'i', b'p', b':', rest @ ..] => return Some((Scheme::Sip, rest)),
        _ => cut(raw, memchr::memchr(b':', raw)?),
    };
    let rest = rest.get(1..)?;
    let scheme = if name.eq_ignore_ascii_case(b"sip") {
        Scheme::Sip
    } else if name.eq_ignore_ascii_case(b"sips") {
        Scheme::Sips
    } else if name.eq_ignore_ascii_case(b"tel") {
        Scheme::Tel
    } else if is_scheme(name) {
        Scheme::Other(name)
    } else {
        return None;
    };
    Some((scheme, rest))
}

// RFC 3261 §25.1: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
fn is_scheme(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

const HOST: [bool; 256] =
    bytes_where!(byte => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));

/// What no reader could take for the end of the URI or for one of its joints. Bytes above 0x7F
/// should be escaped, but are met in the field and are harmless.
const PLAIN: [bool; 256] = bytes_where!(byte => !matches!(
    byte,
    0..=b' ' | b'"' | b'<' | b'>' | 0x7F | b'@' | b';' | b'?'
));

/// Where a URI is to be cut, found in one pass over it.
#[derive(Clone, Copy)]
struct Joints {
    /// How many `@` there are.
    ats: usize,
    /// The last of them.
    at: usize,
    /// First `;` or `?` behind it, or the end. The user part may hold both (RFC 4475 §3.1.1.9,
    /// §3.1.1.2).
    tail: usize,
    /// First `:` behind the last `@`, or beyond the end.
    colon: usize,
    /// First `:` before the first `@`, or beyond the end.
    user: usize,
    /// Whether between the last `@` and the tail there is nothing but the bytes of names and of
    /// addresses of the fourth version, and colons.
    is_plain_host: bool,
}

impl Joints {
    /// `None` where there is white space, a control, a quote or an angle bracket.
    fn of(rest: &[u8]) -> Option<Self> {
        let mut joints = Self {
            ats: 0,
            at: 0,
            tail: rest.len(),
            colon: usize::MAX,
            user: usize::MAX,
            is_plain_host: true,
        };
        for (position, &byte) in rest.iter().enumerate() {
            if is_in(&HOST, byte) {
                continue;
            }
            match byte {
                b'@' => {
                    joints.user = joints.user.min(joints.colon);
                    joints = Self {
                        ats: joints.ats + 1,
                        at: position,
                        tail: rest.len(),
                        colon: usize::MAX,
                        is_plain_host: true,
                        ..joints
                    };
                }
                b':' => joints.colon = joints.colon.min(position),
                b';' | b'?' => joints.tail = joints.tail.min(position),
                _ if is_in(&PLAIN, byte) => joints.is_plain_host &= joints.tail < rest.len(),
                _ => return None,
            }
        }
        Some(joints)
    }
}

/// `bytes` up to `separator`, and the rest with the separator at its head.
fn split_before(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|&byte| byte == separator);
    cut(bytes, at.unwrap_or(bytes.len()))
}

/// Percent-decoded bytes, each with whether it was a reserved character in escaped form: an
/// escaped `;` is not a `;` (RFC 3261 §19.1.4).
struct Decoded<'a> {
    rest: &'a [u8],
}

impl Iterator for Decoded<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            self.rest = rest;
            let byte = high << 4 | low;
            return Some((byte, is_reserved(byte)));
        }
        let [byte, rest @ ..] = self.rest else {
            return None;
        };
        self.rest = rest;
        Some((*byte, false))
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

// RFC 3261 §25.1, `reserved`, and `%` itself: "%25" is not the start of another escape.
const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'%'
    )
}

fn same_decoded(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Decoded { rest: a }.eq(Decoded { rest: b }),
        (None, None) => true,
        _ => false,
    }
}

fn same_decoded_any_case(a: &[u8], b: &[u8]) -> bool {
    let lower = |(byte, escaped): (u8, bool)| (byte.to_ascii_lowercase(), escaped);
    Decoded { rest: a }
        .map(lower)
        .eq(Decoded { rest: b }.map(lower))
}

/// Each parameter of `a` agrees with `b`: those that must match must be there, others need only
/// agree where both have them.
fn same_params(a: &Params<'_>, b: &Params<'_>) -> bool {
    a.iter().all(|param| {
        let other = b
            .iter()
            .find(|other| same_decoded_any_case(param.name, other.name));
        match other {
            Some(other) => same_decoded_any_case(param.value(), other.value()),
            None => ![&b"user"[..], b"ttl", b"method", b"maddr", b"transport"]
                .iter()
                .any(|name| same_decoded_any_case(param.name, name)),
        }
    })
}

/// Each header of one is a header of the other, as often.
fn same_headers(a: &[u8], b: &[u8]) -> bool {
    let split = |headers| <[u8]>::split(headers, |&byte: &u8| byte == b'&');
    let count = |headers, wanted: &[u8]| {
        split(headers)
            .filter(|header| same_decoded_any_case(header, wanted))
            .count()
    };
    split(a).count() == split(b).count()
        && split(a).all(|header| count(a, header) == count(b, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_uri_with_a_parameter_twice_equals_itself() {
        let twice = uri("sip:a@h;ttl=1;TTL=2");
        assert!(twice.equals(&twice) && !twice.equals(&uri("sip:a@h;ttl=1")));
    }

    #[test]
    fn a_sip_uri_falls_into_its_parts() {
        let uri = uri("sip:1001:pw@[2001:db8::10]:5070;transport=tcp;lr?Subject=a&X=b");
        assert_eq!(uri.scheme, Scheme::Sip);
        assert_eq!(uri.user, Some(&b"1001"[..]));
        assert_eq!(uri.password, Some(&b"pw"[..]));
        assert_eq!(uri.host.raw, b"[2001:db8::10]");
        assert_eq!(uri.host.ip(), Some("2001:db8::10".parse().unwrap()));
        assert_eq!(uri.port, Some(5070));
        assert_eq!(uri.transport(), Some(&b"tcp"[..]));
        assert!(uri.is_loose_router());
        assert_eq!(uri.headers, b"Subject=a&X=b");
    }

    #[test]
    fn a_user_part_may_look_like_anything() {
        let semicolon = uri("sip:user;par=u%40example.net@example.com");
        assert_eq!(semicolon.user, Some(&b"user;par=u%40example.net"[..]));
        assert_eq!(semicolon.user_text(), "user;par=u@example.net");
        assert_eq!(semicolon.params.iter().count(), 0);
        let question = uri("sip:a?b,c/d@h");
        assert_eq!(question.user, Some(&b"a?b,c/d"[..]));
        assert!(question.headers.is_empty());
        assert_eq!(
            uri("sip:null-%00-null@example.com").user_text(),
            "null-\0-null"
        );
        assert_eq!(uri("sip:%25%34%31@h").user_text(), "%41");
        assert_eq!(uri("sip:@h").user, None);
    }

    #[test]
    fn telephone_numbers_and_strange_schemes_are_uris() {
        let tel = uri("tel:+86-10-12345;phone-context=+86");
        assert_eq!(tel.scheme, Scheme::Tel);
        assert_eq!(tel.user_text(), "+86-10-12345");
        assert!(tel.params.has("phone-context"));
        assert_eq!(
            uri("soap.beep://192.0.2.103:3002").scheme,
            Scheme::Other(b"soap.beep")
        );
        assert!(!uri("isbn:2983792873").is_sip());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "",
            "sip:",
            "sip",
            "1sip:a",
            "sip:2001:db8::10",
            "sip:a@2001:db8::10",
            "sip:a@b@c",
            "sip:a@h:port",
            "sip:a@h:65536",
            "sip:a@h:",
            "sip:a b@h",
            "sip:a@h;;lr",
            "sip:a@h;",
            "<sip:a@h>",
            "sip:a@[::1",
            "sip:a@[nonsense]",
            "sip:a@[::1]x",
            "sip:a@h\u{7f}",
            "sip:a@?x=y",
            "tel:;x",
        ] {
            assert_eq!(Uri::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn three_colons_are_read_as_two() {
        let odd = uri("sip:user@[2001:db8:::192.0.2.1]");
        assert_eq!(odd.host.ip(), Some("2001:db8::192.0.2.1".parse().unwrap()));
        assert_eq!(
            Host {
                raw: b"2001:db8::9:255"
            }
            .ip(),
            Some("2001:db8::9:255".parse().unwrap())
        );
        assert_eq!(
            Host { raw: b"192.0.2.1" }.ip(),
            Some("192.0.2.1".parse().unwrap())
        );
        assert_eq!(
            Host {
                raw: b"example.com"
            }
            .ip(),
            None
        );
    }

    // The examples of RFC 3261 §19.1.4.
    #[test]
    fn equality_is_the_standards() {
        for (a, b) in [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;newparam=5",
            ),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:DB8:0::1]", "sip:a@[2001:db8::1]"),
        ] {
            assert!(uri(a).equals(&uri(b)) && uri(b).equals(&uri(a)), "{a} {b}");
        }
        for (a, b) in [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:bob@biloxi.com",
                "sip:bob@biloxi.com:6000;transport=tcp",
            ),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;security=off",
            ),
            ("sip:a%3Bb@h", "sip:a;b@h"),
            ("sip:a@h", "sips:a@h"),
        ] {
            assert!(
                !uri(a).equals(&uri(b)) && !uri(b).equals(&uri(a)),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn thousands_of_parameters_are_not_compared_pair_by_pair() {
        let many = format!("sip:a@h{}", ";p".repeat(COMPARED_PARTS + 1));
        assert!(uri(&many).equals(&uri(&many)));
        assert!(!uri(&many).equals(&uri(&many.replace("@h", "@H"))));
        let headers = format!("sip:a@h?x=1{}", "&x=1".repeat(COMPARED_PARTS + 1));
        assert!(!uri(&headers).equals(&uri(&headers.replace("@h", "@H"))));
    }
}
