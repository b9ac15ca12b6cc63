//! Parameters: `;name=value;flag` of headers and of URIs.

use super::text::{Cursor, bytes_where, is_in};

/// The parameters of a header value or a URI, read in place. Names are case-insensitive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Params<'a> {
    /// Everything from the first `;` on, or nothing.
    raw: &'a [u8],
}

/// One parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Param<'a> {
    /// The name as written.
    pub name: &'a [u8],
    /// What stands after `=`, quotes included; `None` for a flag.
    pub raw_value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// The value without its quotes (still escaped); empty for a flag.
    pub fn value(&self) -> &'a [u8] {
        match self.raw_value {
            Some([b'"', inside @ .., b'"']) => inside,
            Some(value) => value,
            None => b"",
        }
    }
}

impl<'a> Params<'a> {
    /// The parameters in `raw`, which is empty or begins with `;`. `None` where the grammar is
    /// broken: an empty parameter as in `;;` (RFC 4475 §3.1.2.1), a quote without an end, text
    /// between two parameters.
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        Self::parse_noting(raw, "").map(|(params, _)| params)
    }

    /// As [`Params::parse`], with what [`Params::get`] would say of `name`, in the same pass.
    pub(super) fn parse_noting(raw: &'a [u8], name: &str) -> Option<(Self, Option<&'a [u8]>)> {
        let params = Self { raw };
        if raw.is_empty() {
            return Some((params, None));
        }
        let mut noted = None;
        let mut iter = params.iter();
        for param in iter.by_ref() {
            if noted.is_none() && param.name.eq_ignore_ascii_case(name.as_bytes()) {
                noted = Some(param.value());
            }
        }
        iter.cursor.rest.is_empty().then_some((params, noted))
    }

    /// No parameters.
    pub const fn none() -> Self {
        Self { raw: b"" }
    }

    /// Everything from the first `;` on, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// One parameter after the other.
    pub const fn iter(&self) -> ParamIter<'a> {
        ParamIter {
            cursor: Cursor::new(self.raw),
        }
    }

    /// The value of the first parameter called `name`, without quotes; empty for a flag; `None`
    /// where there is none.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|param| param.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|param| param.value())
    }

    /// Whether there is a parameter called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = Param<'a>;
    type IntoIter = ParamIter<'a>;

    fn into_iter(self) -> ParamIter<'a> {
        self.iter()
    }
}

/// See [`Params::iter`]. Ends at the first break of the grammar.
#[derive(Clone, Debug)]
pub struct ParamIter<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for ParamIter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        let mut cursor = self.cursor;
        cursor.skip_lws();
        if cursor.rest.is_empty() {
            self.cursor = cursor;
            return None;
        }
        let param = one(&mut cursor)?;
        self.cursor = cursor;
        Some(param)
    }
}

fn one<'a>(cursor: &mut Cursor<'a>) -> Option<Param<'a>> {
    if !cursor.eat_spaced(b';') {
        return None;
    }
    let name = cursor.take_while(|byte| is_in(&NAME, byte));
    if name.is_empty() {
        return None;
    }
    let raw_value = if cursor.eat_spaced(b'=') {
        Some(value(cursor)?)
    } else {
        None
    };
    cursor.skip_lws();
    matches!(cursor.rest, [] | [b';', ..]).then_some(Param { name, raw_value })
}

fn value<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let before = cursor.rest;
    if cursor.quoted().is_some() {
        let length = before.len() - cursor.rest.len();
        return before.get(..length);
    }
    Some(cursor.take_while(|byte| is_in(&VALUE, byte)))
}

/// Tokens, and what URI parameter names may hold beside (RFC 3261 §25.1, `paramchar`).
const NAME: [bool; 256] = bytes_where!(byte => byte.is_ascii_alphanumeric()
|| byte >= 0x80
|| matches!(
    byte,
    b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        | b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'(' | b')'
));

/// More than the grammar has, because the world has it: `received=2001:db8::1` without brackets
/// (RFC 5118 §4.5), bytes above 0x7F, base64. What would end the parameter or the list is out.
const VALUE: [bool; 256] =
    bytes_where!(byte => !matches!(byte, b';' | b',' | b'"' | b'<' | b'>' | 0..=b' ' | 0x7F));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_be_spaced_folded_and_quoted() {
        let params = Params::parse(
            b"; newparam =\r\n newvalue ;\r\n  secondparam ; q = 0.33 ; t=\"a;b\\\"c\"",
        )
        .unwrap();
        assert_eq!(params.get("newparam"), Some(&b"newvalue"[..]));
        assert_eq!(params.get("SecondParam"), Some(&b""[..]));
        assert_eq!(params.get("q"), Some(&b"0.33"[..]));
        assert_eq!(params.get("t"), Some(&b"a;b\\\"c"[..]));
        assert_eq!(params.get("none"), None);
        assert_eq!(params.iter().count(), 4);
    }

    #[test]
    fn an_address_may_stand_without_brackets() {
        let params = Params::parse(b";received=2001:db8::9:255;branch=z9hG4bKas3").unwrap();
        assert_eq!(params.get("received"), Some(&b"2001:db8::9:255"[..]));
        assert!(params.has("branch"));
    }

    #[test]
    fn broken_parameters_are_refused() {
        for broken in [
            ";;", ";", ";a;;b", "a", ";a b", ";a=\"b", ";a=b c", ";=b", ";a=<b>", ";a=1,b",
        ] {
            assert_eq!(Params::parse(broken.as_bytes()), None, "{broken}");
        }
        assert!(Params::parse(b"").is_some());
        assert!(Params::parse(b"  ").is_some());
        assert!(Params::parse(b";a=").is_some());
    }
}
