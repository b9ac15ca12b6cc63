//! The head of a message cut into lines: the start line and unfolded-on-demand header lines.

use super::text::{Cursor, cut, is_token, is_token_byte, trim};

/// Why a head cannot be cut into lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// The bytes end before the empty line that ends the head (RFC 3261 §7).
    NoEnd,
    /// A CR or LF that is not part of a CR LF pair. Another reader could see a line end there.
    BareLineEnd,
    /// A line without a colon, or with something else than a token before it.
    NotAHeader,
}

/// Walks a head line by line.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

/// One header line: name and value as written, folds included.
pub(super) type Line<'a> = (&'a [u8], &'a [u8]);

impl<'a> Lines<'a> {
    pub(super) const fn new(head: &'a [u8]) -> Self {
        Self { rest: head }
    }

    /// What follows the last line read: after the empty line, the body.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next line without its CR LF. Folds are not looked at: a start line cannot be folded.
    pub(super) fn start_line(&mut self) -> Result<&'a [u8], Broken> {
        let (line, rest) = line(self.rest)?;
        self.rest = rest;
        Ok(line)
    }

    /// The next header; `None` at the empty line.
    pub(super) fn header(&mut self) -> Result<Option<Line<'a>>, Broken> {
        if let [b'\r', b'\n', rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(None);
        }
        // RFC 3261 §25.1: HCOLON = *( SP / HTAB ) ":" SWS
        let mut cursor = Cursor::new(self.rest);
        let name = cursor.take_while(is_token_byte);
        if !cursor.eat(b':') {
            cursor.take_while(|byte| matches!(byte, b' ' | b'\t'));
            if name.is_empty() || !cursor.eat(b':') {
                self.rest = line(self.rest)?.1;
                return Err(Broken::NotAHeader);
            }
        }
        let behind = cursor.rest;
        let (mut value, mut rest) = line(behind)?;
        // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
        while let [b' ' | b'\t', ..] = rest {
            rest = line(rest)?.1;
            value = cut(behind, behind.len() - rest.len()).0;
        }
        self.rest = rest;
        Ok(Some((name, trim(value))))
    }

    /// As [`Lines::header`], for reading what can be read of a malformed head: broken lines are
    /// passed over, and a missing end is an end.
    pub(super) fn header_if_any(&mut self) -> Option<Line<'a>> {
        loop {
            match self.header() {
                Ok(found) => return found,
                Err(Broken::NotAHeader) => {}
                Err(Broken::BareLineEnd) => {
                    let at = memchr::memchr(b'\n', self.rest)?;
                    self.rest = self.rest.get(at + 1..)?;
                }
                Err(Broken::NoEnd) => {
                    let whole = core::mem::take(&mut self.rest);
                    return split(whole);
                }
            }
        }
    }
}

fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let at = memchr::memchr2(b'\r', b'\n', bytes).ok_or(Broken::NoEnd)?;
    let (line, rest) = cut(bytes, at);
    match rest {
        [b'\r', b'\n', rest @ ..] => Ok((line, rest)),
        [b'\r'] => Err(Broken::NoEnd),
        _ => Err(Broken::BareLineEnd),
    }
}

fn split(line: &[u8]) -> Option<Line<'_>> {
    let mut cursor = Cursor::new(line);
    let name = cursor.token()?;
    cursor.take_while(|byte| matches!(byte, b' ' | b'\t'));
    cursor.eat(b':').then(|| (name, trim(cursor.rest)))
}

/// The parts of a request line: method, Request-URI, version. `None` where they are not exactly
/// three, parted by one space each (RFC 3261 §7.1; RFC 4475 §3.1.2.8 – §3.1.2.10).
pub(super) fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (method, uri, version) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && is_token(method) && !uri.is_empty();
    whole.then_some((method, uri, version))
}

/// Whether `line` is, or means to be, a status line.
pub(super) fn is_status_line(line: &[u8]) -> bool {
    line.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

/// Status code and reason phrase of a status line (RFC 3261 §7.2). The phrase may be empty
/// (RFC 4475 §3.1.1.13), and then even its space may be missing.
pub(super) fn status_line(line: &[u8]) -> Option<(u16, &[u8])> {
    let (version, rest) = line.split_at_checked(b"SIP/2.0".len())?;
    if !is_version_2(version) {
        return None;
    }
    let rest = rest.strip_prefix(b" ")?;
    let (code, reason) = match rest {
        [a, b, c] => ([a, b, c], &b""[..]),
        [a, b, c, b' ', reason @ ..] => ([a, b, c], reason),
        _ => return None,
    };
    let status = code.iter().try_fold(0_u16, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u16::from(**digit - b'0'))
    })?;
    (100..=699).contains(&status).then_some((status, reason))
}

/// `SIP/2.0`, in any case (RFC 3261 §7.1).
pub(super) fn is_version_2(version: &[u8]) -> bool {
    version.eq_ignore_ascii_case(b"SIP/2.0")
}
