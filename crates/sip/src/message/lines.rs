//! The head of a message cut into lines: the start line and unfolded-on-demand header lines.

use super::{
    name::Name,
    text::{Cursor, cut, is_token, trim},
};

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

/// One header line: name, name as written, value as written, folds included.
pub(super) type Line<'a> = (Name, &'a [u8], &'a [u8]);

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
        let whole = self.rest;
        let (first, mut rest) = line(whole)?;
        let Some((name, written, mut value)) = split(first) else {
            self.rest = rest;
            return Err(Broken::NotAHeader);
        };
        // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
        if let [b' ' | b'\t', ..] = rest {
            let start = first.len() - value.len();
            while let [b' ' | b'\t', ..] = rest {
                rest = line(rest)?.1;
            }
            let (folded, _) = cut(whole, whole.len() - rest.len());
            value = folded.get(start..).unwrap_or_default();
        }
        self.rest = rest;
        Ok(Some((name, written, trim(value))))
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
                    return split(whole).map(|(name, written, value)| (name, written, trim(value)));
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

/// Name and untrimmed value. `None` where what stands before the first colon is no token.
fn split(line: &[u8]) -> Option<Line<'_>> {
    let at = line.iter().position(|&byte| byte == b':')?;
    let (written, value) = cut(line, at);
    let value = value.get(1..)?;
    // A name that is known is a token: nearly none is looked at twice.
    let known = Name::frequent(written);
    if known != Name::Other {
        return Some((known, written, value));
    }
    // RFC 3261 §25.1: HCOLON = *( SP / HTAB ) ":" SWS
    let mut written = written;
    while let [before @ .., b' ' | b'\t'] = written {
        written = before;
    }
    is_token(written).then(|| (Name::of(written), written, value))
}

/// The parts of a request line: method, Request-URI, version. `None` where they are not exactly
/// three, parted by one space each (RFC 3261 §7.1; RFC 4475 §3.1.2.8 – §3.1.2.10).
pub(super) fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut cursor = Cursor::new(line);
    let method = cursor.token()?;
    cursor.eat(b' ').then_some(())?;
    let (uri, behind) = cut(cursor.rest, memchr::memchr(b' ', cursor.rest)?);
    let version = behind.get(1..)?;
    let whole = !uri.is_empty() && !version.contains(&b' ');
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
