//! Name-addr and addr-spec: the values of From, To, Contact, Route and their kin.

use std::borrow::Cow;

use super::{
    params::Params,
    text::{Cursor, cut, saturating_number, text, trim},
    uri::Uri,
};

/// An address with its display name and header parameters (RFC 3261 §20.10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameAddr<'a> {
    /// The whole value as written; it may contain folds.
    pub raw: &'a [u8],
    /// The display name without quotes, still escaped; empty where there is none. UTF-8, GBK or
    /// whatever the phone sends.
    pub display: &'a [u8],
    /// The URI.
    pub uri: Uri<'a>,
    /// The header's parameters; those of the URI are in `uri.params`.
    pub params: Params<'a>,
    tag: Option<&'a [u8]>,
}

/// One value of a Contact header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contact<'a> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    All,
    /// An address.
    Address(NameAddr<'a>),
}

impl<'a> NameAddr<'a> {
    /// Splits a value. `None` where it is malformed: a quote without an end (RFC 4475 §3.1.2.6),
    /// a comma in a bare display name (§3.1.2.15), `?` in an unbracketed URI (§3.1.2.13), broken
    /// parameters. Spaces inside the brackets are let pass (§3.1.2.14).
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let raw = trim(value);
        match raw {
            [b'<', ..] => return Self::bracketed(raw, b"", raw),
            [b'"', ..] => {
                let mut cursor = Cursor::new(raw);
                let display = cursor.quoted()?;
                cursor.skip_lws();
                return Self::bracketed(raw, display, cursor.rest);
            }
            _ => {}
        }
        match memchr::memchr2(b'<', b'"', raw) {
            Some(at) => {
                let (display, rest) = cut(raw, at);
                let display = trim(display);
                if rest.starts_with(b"<") && is_bare_display(display) {
                    return Self::bracketed(raw, display, rest);
                }
                // A quote or bracket further on can only stand in a parameter of a bare URI.
                Self::bare(raw)
            }
            None => Self::bare(raw),
        }
    }

    fn bracketed(raw: &'a [u8], display: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let inside = rest.strip_prefix(b"<")?;
        let (uri, behind) = cut(inside, memchr::memchr(b'>', inside)?);
        let (params, tag) = Params::parse_noting(trim(behind.get(1..)?), "tag")?;
        Some(Self {
            raw,
            display,
            uri: Uri::parse(trim(uri))?,
            params,
            tag,
        })
    }

    // RFC 3261 §20: a URI with a comma, question mark or semicolon must stand in brackets; so what
    // follows the first semicolon are header parameters (RFC 4475 §3.3.12).
    fn bare(raw: &'a [u8]) -> Option<Self> {
        let end = memchr::memchr(b';', raw).unwrap_or(raw.len());
        let (uri, params) = cut(raw, end);
        let uri = trim(uri);
        if memchr::memchr2(b',', b'?', uri).is_some() {
            return None;
        }
        let (params, tag) = Params::parse_noting(params, "tag")?;
        Some(Self {
            raw,
            display: b"",
            uri: Uri::parse(uri)?,
            params,
            tag,
        })
    }

    /// A value of which nothing is known, to stand until the real one is read.
    pub(super) const fn none() -> Self {
        Self {
            raw: b"",
            display: b"",
            uri: Uri::none(),
            params: Params::none(),
            tag: None,
        }
    }

    /// The `tag` parameter (RFC 3261 §19.3); absent in RFC 2543 messages.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag.filter(|tag| !tag.is_empty())
    }

    /// The `expires` parameter of a Contact, seconds; too large a value is `u32::MAX`.
    pub fn expires(&self) -> Option<u32> {
        saturating_number(self.params.get("expires")?)
    }

    /// The `q` parameter of a Contact in thousandths; 1,000 where it is absent or broken
    /// (RFC 3261 §20.10).
    pub fn preference(&self) -> u16 {
        self.params.get("q").and_then(thousandths).unwrap_or(1_000)
    }

    /// The display name without escapes and folds, with U+FFFD for what is no UTF-8.
    pub fn display_text(&self) -> Cow<'a, str> {
        let shown = text(self.display);
        if !shown.contains('\\') {
            return shown;
        }
        let mut plain = String::with_capacity(shown.len());
        let mut chars = shown.chars();
        while let Some(character) = chars.next() {
            let kept = if character == '\\' {
                chars.next()
            } else {
                Some(character)
            };
            plain.extend(kept);
        }
        Cow::Owned(plain)
    }
}

impl<'a> Contact<'a> {
    /// Reads one value of a Contact header.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        if trim(value) == b"*" {
            return Some(Self::All);
        }
        NameAddr::parse(value).map(Self::Address)
    }

    /// The address, where it is one.
    pub const fn address(self) -> Option<NameAddr<'a>> {
        match self {
            Self::All => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// The grammar wants tokens here; the world also writes dots, colons and raw UTF-8 or GBK. Only
/// what could belong to another value or parameter is refused. (An empty one is no display name.)
fn is_bare_display(display: &[u8]) -> bool {
    !display
        .iter()
        .any(|byte| matches!(byte, b',' | b';' | b'>' | 0..=8 | 0x0E..=0x1F | 0x7F))
}

// RFC 3261 §25.1: qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole] => (whole, &b""[..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let mut digits = decimals.iter().chain(b"000").take(3);
    let value = digits.try_fold(u16::from(whole.checked_sub(b'0')?), |sum, digit| {
        digit.is_ascii_digit().then(|| {
            sum.saturating_mul(10)
                .saturating_add(u16::from(digit - b'0'))
        })
    })?;
    (value <= 1_000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn addresses_come_in_three_forms() {
        let quoted = parse(
            "\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8",
        );
        assert_eq!(quoted.display_text(), "J Rosenberg \\\"");
        assert_eq!(quoted.tag(), Some(&b"98asjd8"[..]));
        let tokens = parse("caller<sip:caller@example.com>;tag=323");
        assert_eq!(tokens.display, b"caller");
        let bare = parse("sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n");
        assert_eq!(bare.uri.raw, b"sip:vivekg@chair-dnrc.example.com");
        assert_eq!(bare.tag(), Some(&b"1918181833n"[..]));
        assert_eq!(parse("<sip:a@b>").display, b"");
        assert_eq!(
            parse("sip:a@b;p=\"<x>\"").params.get("p"),
            Some(&b"<x>"[..])
        );
    }

    #[test]
    fn a_parameter_belongs_to_the_header_unless_brackets_say_otherwise() {
        let header = parse("sip:+19725552222@gw1.example.net;unknownparam");
        assert!(header.params.has("unknownparam") && !header.uri.params.has("unknownparam"));
        let inside = parse("<sip:+19725552222@gw1.example.net;unknownparam>");
        assert!(!inside.params.has("unknownparam") && inside.uri.params.has("unknownparam"));
    }

    #[test]
    fn chinese_names_are_kept_in_any_encoding() {
        assert_eq!(
            parse("\"市民热线\" <sip:12345@h>").display_text(),
            "市民热线"
        );
        assert_eq!(parse("市民热线 <sip:12345@h>").display_text(), "市民热线");
        // GBK, with a character whose second byte is a backslash.
        let gbk = NameAddr::parse(b"\"\xC4\xFA\xBF\\\" <sip:12345@h>;tag=1").unwrap();
        assert_eq!(gbk.display, b"\xC4\xFA\xBF\\");
        assert_eq!(gbk.tag(), Some(&b"1"[..]));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for bad in [
            "\"Mr. J. User <sip:j.user@example.com>",
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "\"Joe\" <sip:joe@example.org>;;;;",
            "\"Joe\" sip:joe@example.org",
            "<sip:joe@example.org",
            "<>",
            "",
            "<sip:a@b> x",
            "a;b <sip:a@b>",
        ] {
            assert_eq!(NameAddr::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn spaces_in_brackets_are_ignored() {
        assert_eq!(
            parse("\"W\" < sip:t.watson@example.org >").uri.raw,
            b"sip:t.watson@example.org"
        );
    }

    #[test]
    fn contacts_carry_expiry_and_preference() {
        let contact = parse("<sip:a@b>;expires=280297596632815;q=0.33");
        assert_eq!(contact.expires(), Some(u32::MAX));
        assert_eq!(contact.preference(), 330);
        for (text, value) in [
            ("1", 1_000),
            ("0", 0),
            ("1.000", 1_000),
            ("0.5", 500),
            ("0.", 0),
        ] {
            assert_eq!(thousandths(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "2", "1.1", "0.1234", ".5", "0,5", "a"] {
            assert_eq!(thousandths(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse("<sip:a@b>;q=high").preference(), 1_000);
        assert_eq!(Contact::parse(b" * "), Some(Contact::All));
    }
}
