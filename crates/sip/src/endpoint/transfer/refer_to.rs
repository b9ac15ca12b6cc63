//! Refer-To (RFC 3515 §2.1): the address to call, with a Replaces among the URI's headers
//! (RFC 3891 §2).

use crate::{
    endpoint::commands::{address, unescaped},
    message::{Message, Name, NameAddr, Scheme, Uri},
};

/// What a REFER's Refer-To says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReferTo {
    /// The URI without its headers.
    pub target: String,
    /// The Replaces among them, percent-escapes taken off. It is only ever compared.
    pub replaces: Option<Vec<u8>>,
}

impl ReferTo {
    /// Reads the one Refer-To.
    ///
    /// # Errors
    /// The status to answer: 400 where there is none, more than one, or a broken one (§2.4.2);
    /// 416 where the scheme is none that can be called; 403 where it asks for another request
    /// than INVITE.
    pub fn of(refer: &Message<'_>) -> Result<Self, u16> {
        let mut values = refer.headers(Name::ReferTo);
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(400);
        };
        // A second value behind a comma is no parameter, so that this fails.
        let uri = NameAddr::parse(value).ok_or(400_u16)?.uri;
        if matches!(uri.scheme, Scheme::Other(_)) {
            return Err(416);
        }
        if uri
            .params
            .get("method")
            .is_some_and(|method| !method.eq_ignore_ascii_case(b"INVITE"))
        {
            return Err(403);
        }
        let (target, _) = address(uri.raw);
        Ok(Self {
            target: String::from_utf8(target).map_err(|_| 400_u16)?,
            replaces: replaces_among(uri.headers)?,
        })
    }
}

/// The Replaces among a URI's headers. Two of them: 400, as in an INVITE (RFC 3891 §3).
fn replaces_among(headers: &[u8]) -> Result<Option<Vec<u8>>, u16> {
    let mut found = headers
        .split(|&byte| byte == b'&')
        .filter_map(|header| {
            let at = header.iter().position(|&byte| byte == b'=')?;
            let (name, value) = header.split_at(at);
            unescaped(name)
                .eq_ignore_ascii_case(b"Replaces")
                .then(|| unescaped(value.get(1..).unwrap_or_default()))
        })
        .fuse();
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(400),
        (one, None) => Ok(one),
    }
}

/// The Refer-To of a REFER to be sent, `None` where the target is no URI or, with `replaces`, of
/// a scheme whose URIs have no headers. Headers that `target` itself has are left out: what the
/// new call says is not for its address to decide.
pub(super) fn written(target: &str, replaces: Option<&[u8]>) -> Option<String> {
    let (bare, _) = address(target.as_bytes());
    let uri = Uri::parse(&bare)?;
    if matches!(uri.scheme, Scheme::Other(_)) || replaces.is_some() && !uri.is_sip() {
        return None;
    }
    let bare = core::str::from_utf8(&bare).ok()?;
    Some(match replaces {
        Some(replaces) => format!("<{bare}?Replaces={}>", escaped(replaces)),
        None => format!("<{bare}>"),
    })
}

/// `text` with everything escaped that may not stand in a URI header's value (RFC 3261 §25.1,
/// `hvalue`); of what may, only the unreserved is left as it is.
fn escaped(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Framing;

    fn read(lines: &str) -> Result<ReferTo, u16> {
        let text = format!(
            "REFER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 2 REFER\r\nMax-Forwards: 9\r\n{lines}\r\n"
        );
        ReferTo::of(&Message::parse(text.as_bytes(), Framing::Datagram).unwrap())
    }

    #[test]
    fn a_target_stands_without_its_headers() {
        let blind = read("Refer-To: \"B\" <sip:1002@h;user=phone?Subject=x>\r\n").unwrap();
        assert_eq!(blind.target, "sip:1002@h;user=phone");
        assert_eq!(blind.replaces, None);
        let attended = read("r: <sip:1002@h?Replaces=c%40h%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n");
        assert_eq!(
            attended.unwrap().replaces.unwrap(),
            b"c@h;to-tag=1;from-tag=2"
        );
        assert_eq!(read("Refer-To: tel:+861\r\n").unwrap().target, "tel:+861");
    }

    #[test]
    fn one_address_that_can_be_called_is_asked_for() {
        for (lines, status) in [
            ("", 400),
            ("Refer-To: <sip:a@h>\r\nRefer-To: <sip:b@h>\r\n", 400),
            ("Refer-To: <sip:a@h>, <sip:b@h>\r\n", 400),
            ("Refer-To: <sip:a@h\r\n", 400),
            ("Refer-To: sip:a@h?Replaces=x\r\n", 400),
            ("Refer-To: <sip:a@h?Replaces=x&replaces=y>\r\n", 400),
            ("Refer-To: <http://h/>\r\n", 416),
            ("Refer-To: <sip:a@h;method=BYE>\r\n", 403),
        ] {
            assert_eq!(read(lines).unwrap_err(), status, "{lines}");
        }
    }

    #[test]
    fn a_written_target_ends_no_line_and_brings_no_header() {
        assert_eq!(
            written("sip:a@h?Subject=x", Some(b"c@h;to-tag=1;from-tag=2")).unwrap(),
            "<sip:a@h?Replaces=c%40h%3Bto-tag%3D1%3Bfrom-tag%3D2>"
        );
        assert_eq!(written("tel:+861", None).unwrap(), "<tel:+861>");
        for bad in [
            "sip:a@h>\r\nEvil: 1",
            "sip:a@h\r\nEvil: 1",
            "a",
            "http://h/",
        ] {
            assert_eq!(written(bad, None), None, "{bad}");
        }
        assert_eq!(written("tel:+861", Some(b"c")), None);
        assert_eq!(escaped(b"a%\r\n"), "a%25%0D%0A");
    }
}
