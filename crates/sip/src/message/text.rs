//! The lexical layer: character classes, white space and folds, quoted strings, lists.

use std::borrow::Cow;

/// A table that says of each byte whether it is wanted, made at compile time.
macro_rules! bytes_where {
    ($byte:ident => $wanted:expr) => {{
        let mut table = [false; 256];
        let mut $byte = 0_u8;
        loop {
            if let Some(slot) = table.split_at_mut($byte as usize).1.first_mut() {
                *slot = $wanted;
            }
            if $byte == u8::MAX {
                break table;
            }
            $byte += 1;
        }
    }};
}
pub(super) use bytes_where;

const TOKEN: [bool; 256] = bytes_where!(byte => byte.is_ascii_alphanumeric()
|| matches!(
    byte,
    b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
));

/// Whether `table` wants `byte`.
pub(super) fn is_in(table: &[bool; 256], byte: u8) -> bool {
    table.get(usize::from(byte)).copied().unwrap_or(false)
}

/// A character of a token (RFC 3261 §25.1).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    is_in(&TOKEN, byte)
}

/// Whether all of `text` is one token.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// White space inside a header value. CR and LF are white space there because the line splitter
/// lets them stand only in a fold (RFC 3261 §7.3.1: a fold is equivalent to one SP).
pub(crate) const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `bytes` cut in two at `at`, or at its end.
pub(crate) fn cut(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at(at.min(bytes.len()))
}

/// `bytes` without white space at either end.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        bytes = rest;
    }
    bytes
}

/// A decimal number of digits alone, as large as `u32::MAX` where it does not fit. RFC 4475
/// §3.1.2.4 shows such values in Expires; what may not saturate is checked with
/// [`exact_number`].
pub(crate) fn saturating_number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        digit.is_ascii_digit().then(|| {
            sum.checked_mul(10)
                .and_then(|tens| tens.checked_add(u32::from(digit - b'0')))
                .unwrap_or(u32::MAX)
        })
    })
}

/// A decimal number of digits alone that fits 32 bits. Leading zeros are harmless
/// (RFC 4475 §3.1.1.1).
pub(crate) fn exact_number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
    })
}

/// Position of the quote that ends a quoted string, in the bytes after its opening quote.
///
/// A backslash escapes the next byte (RFC 3261 §25.1) — except where it is the second half of a
/// GBK character: phones in China send GBK names, and 0x5C is a valid second byte there. So when
/// a backslash follows a byte above 0x80 and what stands before it is no UTF-8, the string is
/// read as GBK.
pub(crate) fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut known_as_utf8 = false;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        let (before, _) = cut(bytes, at);
        if !known_as_utf8 && at > from && before.last().is_some_and(|&byte| byte > 0x80) {
            if core::str::from_utf8(before).is_err() {
                return gbk_quoted_end(bytes);
            }
            known_as_utf8 = true;
        }
        from = at + 2;
    }
}

fn gbk_quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut at = bytes.iter().enumerate();
    while let Some((position, &byte)) = at.next() {
        match byte {
            b'"' => return Some(position),
            b'\\' | 0x81..=0xFE => {
                at.next();
            }
            _ => {}
        }
    }
    None
}

/// What is left of a value while it is read from the left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn skip_lws(&mut self) {
        while let [first, rest @ ..] = self.rest
            && is_lws(*first)
        {
            self.rest = rest;
        }
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// `byte` with white space around it.
    pub(crate) fn eat_spaced(&mut self, byte: u8) -> bool {
        self.skip_lws();
        let found = self.eat(byte);
        self.skip_lws();
        found
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .position(|&byte| !wanted(byte))
            .unwrap_or(self.rest.len());
        let (taken, rest) = cut(self.rest, length);
        self.rest = rest;
        taken
    }

    pub(crate) fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_token_byte);
        (!token.is_empty()).then_some(token)
    }

    /// The inside of a quoted string, still escaped; `None` where there is none or its end is
    /// missing.
    pub(crate) fn quoted(&mut self) -> Option<&'a [u8]> {
        let [b'"', inside @ ..] = self.rest else {
            return None;
        };
        let (quoted, rest) = cut(inside, quoted_end(inside)?);
        self.rest = rest.get(1..)?;
        Some(quoted)
    }
}

/// The elements of a comma-separated list (RFC 3261 §7.3.1), trimmed; commas inside quotes and
/// angle brackets do not separate, and empty elements are passed over.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    rest: &'a [u8],
}

impl<'a> List<'a> {
    /// The elements of `value`.
    pub const fn of(value: &'a [u8]) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (element, rest) = cut(self.rest, element_end(self.rest));
            self.rest = rest.get(1..).unwrap_or_default();
            let element = trim(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// Position of the comma that ends the first element of `list`. A quote or bracket without an end
/// takes the rest, which its own parser will then refuse.
fn element_end(list: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = list.get(at..)
        && let Some(found) = memchr::memchr3(b',', b'"', b'<', rest)
    {
        at += found;
        let inside = list.get(at + 1..).unwrap_or_default();
        let skipped = match list.get(at) {
            Some(b'"') => quoted_end(inside),
            Some(b'<') => memchr::memchr(b'>', inside),
            _ => return at,
        };
        match skipped {
            Some(length) => at += length + 2,
            None => break,
        }
    }
    list.len()
}

/// The bytes of a raw header value with each fold (CR LF and the white space around it) read as
/// one space (RFC 3261 §7.3.1).
pub fn unfold(value: &[u8]) -> Unfold<'_> {
    Unfold { rest: value }
}

/// See [`unfold`].
#[derive(Clone, Debug)]
pub struct Unfold<'a> {
    rest: &'a [u8],
}

impl Iterator for Unfold<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let [first, rest @ ..] = self.rest else {
            return None;
        };
        self.rest = rest;
        if !matches!(first, b'\r' | b'\n') {
            return Some(*first);
        }
        while let [next, rest @ ..] = self.rest
            && is_lws(*next)
        {
            self.rest = rest;
        }
        Some(b' ')
    }
}

/// A raw header value as text for logs and events: unfolded, with U+FFFD for what is no UTF-8.
pub fn text(value: &[u8]) -> Cow<'_, str> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return String::from_utf8_lossy(value);
    }
    let unfolded: Vec<u8> = unfold(value).collect();
    Cow::Owned(String::from_utf8_lossy(&unfolded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(list: &str) -> Vec<&str> {
        List::of(list.as_bytes())
            .map(|element| core::str::from_utf8(element).unwrap())
            .collect()
    }

    #[test]
    fn commas_separate_only_outside_quotes_and_brackets() {
        assert_eq!(
            elements(r#" "Bell, A" <sip:a,b@c;x=","> ;q=1 , <sip:b@c>,,sip:d@e , "#),
            [
                r#""Bell, A" <sip:a,b@c;x=","> ;q=1"#,
                "<sip:b@c>",
                "sip:d@e"
            ]
        );
        assert_eq!(elements(r#""never, ended"#), [r#""never, ended"#]);
        assert_eq!(elements("<never, ended"), ["<never, ended"]);
        assert!(elements(" , ,").is_empty());
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_bare_quote() {
        assert_eq!(quoted_end(br#"a\"b" c"#), Some(4));
        assert_eq!(quoted_end(br#"a\\" c"#), Some(3));
        assert_eq!(quoted_end(b"never"), None);
        assert_eq!(quoted_end("中\\\"文\" x".as_bytes()), Some(8));
    }

    #[test]
    fn a_backslash_that_ends_a_gbk_character_escapes_nothing() {
        // 0xBF 0x5C is one GBK character.
        assert_eq!(quoted_end(b"\xC4\xFA\xBF\\\" <sip:a@b>"), Some(4));
        // An escaped quote in a GBK name stays escaped.
        assert_eq!(quoted_end(b"\xBF\\\\\"\" x"), Some(4));
    }

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(exact_number(b"0068"), Some(68));
        assert_eq!(exact_number(b"4294967295"), Some(u32::MAX));
        assert_eq!(exact_number(b"4294967296"), None);
        assert_eq!(exact_number(b"-1"), None);
        assert_eq!(exact_number(b""), None);
        assert_eq!(saturating_number(b"99999999999999999999"), Some(u32::MAX));
        assert_eq!(saturating_number(b"42949672950"), Some(u32::MAX));
        assert_eq!(saturating_number(b"7x"), None);
    }

    #[test]
    fn a_fold_reads_as_one_space() {
        assert_eq!(text(b"a\r\n  b\r\n\tc d"), "a b c d");
        assert_eq!(text(b"\xBF x"), "\u{FFFD} x");
    }

    #[test]
    fn white_space_is_cut_from_both_ends_only() {
        assert_eq!(trim(b" \r\n\ta b \t"), b"a b");
        assert_eq!(trim(b" \t"), b"");
    }
}
