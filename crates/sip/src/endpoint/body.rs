//! The session description in a message: the whole body, or a part of a multipart one (RFC 5621,
//! RFC 2046 §5.1).
//!
//! One pass for each depth, nothing copied. A carrier's INVITE brings its ISUP message beside the
//! SDP; what is not understood and not expressly required is left alone.

use hotline_model::limits::{SIP_BODY_DEPTH, SIP_BODY_PARTS};
use memchr::memmem;

use crate::message::{MediaType, Message, Name, Params};

/// What we understand, for Accept (RFC 3261 §20.1).
pub(super) const ACCEPT: &str = "application/sdp, multipart/mixed, multipart/alternative";

const SDP: &str = "application/sdp";

/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_BYTES: usize = 70;

/// Why a body cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BodyFault {
    /// A type that is not understood and has to be: 415 with Accept (RFC 3261 §8.2.3).
    Type,
    /// A coding that is not understood: 415 with Accept-Encoding.
    Coding,
    /// A multipart body that cannot be taken apart, or has too many parts: 400.
    Broken,
}

/// The session description in the body of `message`; empty where there is none, or none that we
/// understand.
pub(super) fn session<'a>(message: &Message<'a>) -> &'a [u8] {
    checked_session(message).unwrap_or_default()
}

/// The session description in the body of `message`, empty where there is none.
pub(super) fn checked_session<'a>(message: &Message<'a>) -> Result<&'a [u8], BodyFault> {
    let body = message.body();
    if body.is_empty() {
        return Ok(b"");
    }
    let or_nothing = |fault| {
        if message.has_optional_body() {
            Ok(&b""[..])
        } else {
            Err(fault)
        }
    };
    if message.has_content_encoding() {
        return or_nothing(BodyFault::Coding);
    }
    if !message.has(Name::ContentType) {
        // A body without a type is taken for what it has to be.
        return Ok(body);
    }
    match message.content_type() {
        Some(kind) if kind.is(SDP) => Ok(body),
        Some(kind) if is_multipart(&kind) => {
            let mut seen = 0;
            in_parts(body, &kind, 1, &mut seen).or_else(or_nothing)
        }
        _ => or_nothing(BodyFault::Type),
    }
}

const fn is_multipart(kind: &MediaType<'_>) -> bool {
    kind.main.eq_ignore_ascii_case(b"multipart")
}

/// The session description among the parts of `body`: of a mixed body the first, of an
/// alternative one the last (RFC 2046 §5.1.4: the best comes last).
fn in_parts<'a>(
    body: &'a [u8],
    kind: &MediaType<'a>,
    depth: usize,
    seen: &mut usize,
) -> Result<&'a [u8], BodyFault> {
    let boundary = kind.params.get("boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES {
        return Err(BodyFault::Broken);
    }
    let alternative = kind.sub.eq_ignore_ascii_case(b"alternative");
    let mut delimiter = [b'-'; BOUNDARY_BYTES + 2];
    let delimiter = delimiter
        .get_mut(..boundary.len() + 2)
        .ok_or(BodyFault::Broken)?;
    if let Some(name) = delimiter.get_mut(2..) {
        name.copy_from_slice(boundary);
    }
    let (mut found, mut strange, mut first) = (&b""[..], false, true);
    for part in Parts::of(body, delimiter) {
        first = false;
        *seen += 1;
        if *seen > SIP_BODY_PARTS {
            return Err(BodyFault::Broken);
        }
        let part = Part::of(part);
        let description = match part.kind {
            Some(kind) if part.is_session() && kind.is(SDP) => part.body,
            Some(kind) if is_multipart(&kind) && depth < SIP_BODY_DEPTH => {
                in_parts(part.body, &kind, depth + 1, seen)?
            }
            // Of alternatives one is enough (RFC 2046 §5.1.4).
            _ if part.handling == Handling::Required && !alternative => {
                return Err(BodyFault::Type);
            }
            _ => {
                strange |= part.handling != Handling::Optional;
                b""
            }
        };
        if !description.is_empty() && (found.is_empty() || alternative) {
            found = description;
        }
    }
    if first {
        return Err(BodyFault::Broken);
    }
    // What has to be understood by default (RFC 3261 §20.11) is forgiven beside a session, for
    // gateways seldom say `handling=optional` of their ISUP part, and not where it is all there is.
    if found.is_empty() && strange {
        return Err(BodyFault::Type);
    }
    Ok(found)
}

/// The parts between the delimiters of a multipart body, without preamble and epilogue. A last
/// part without its closing delimiter is a part too.
struct Parts<'a, 'd> {
    body: &'a [u8],
    found: memmem::FindIter<'a, 'd>,
    delimiter: usize,
    /// Where the part under way begins.
    begun: Option<usize>,
    over: bool,
}

impl<'a, 'd> Parts<'a, 'd> {
    fn of(body: &'a [u8], delimiter: &'d [u8]) -> Self {
        Self {
            body,
            found: memmem::find_iter(body, delimiter),
            delimiter: delimiter.len(),
            begun: None,
            over: false,
        }
    }

    /// Whether the delimiter at `at` is one: `Some` of where the line behind it ends; with `true`
    /// where it closes the body.
    fn line_end(&self, at: usize) -> Option<(usize, bool)> {
        let (before, behind) = self.body.split_at_checked(at)?;
        if !matches!(before.last(), None | Some(b'\n')) {
            return None;
        }
        let rest = behind.get(self.delimiter..)?;
        if rest.starts_with(b"--") {
            return Some((at, true));
        }
        let end = memchr::memchr(b'\n', rest)?;
        let blank = rest
            .get(..end)?
            .iter()
            .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        blank.then_some((at + self.delimiter + end + 1, false))
    }
}

impl<'a> Iterator for Parts<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.over {
            let Some(at) = self.found.next() else {
                self.over = true;
                return self.begun.take().and_then(|begun| self.body.get(begun..));
            };
            let Some((end, closes)) = self.line_end(at) else {
                continue;
            };
            self.over = closes;
            if let Some(begun) = self.begun.replace(end) {
                // The line end before a delimiter belongs to it. Delimiters in a row share one.
                let part = self.body.get(begun..at).unwrap_or_default();
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                return Some(part.strip_suffix(b"\r").unwrap_or(part));
            }
        }
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Handling {
    Unsaid,
    Optional,
    Required,
}

/// One part: what its headers say, and its body.
struct Part<'a> {
    kind: Option<MediaType<'a>>,
    disposition: &'a [u8],
    handling: Handling,
    /// Encoded, so that the octets are not the description (RFC 2045 §6).
    encoded: bool,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let mut part = Self {
            kind: None,
            disposition: b"session",
            handling: Handling::Unsaid,
            encoded: false,
            body: b"",
        };
        let mut lines = HeaderLines { rest: bytes };
        while let Some(line) = lines.next() {
            let Some(at) = memchr::memchr(b':', line) else {
                continue;
            };
            let (name, value) = line.split_at(at);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let name = name.trim_ascii();
            if name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
                let plain = [&b"binary"[..], b"8bit", b"7bit"];
                part.encoded |= !plain.iter().any(|p| p.eq_ignore_ascii_case(value));
            }
            match Name::of(name) {
                Name::ContentType => part.kind = MediaType::parse(value),
                Name::ContentDisposition => part.disposed(value),
                Name::ContentEncoding => part.encoded |= !value.eq_ignore_ascii_case(b"identity"),
                _ => {}
            }
        }
        part.body = lines.rest;
        part
    }

    fn disposed(&mut self, value: &'a [u8]) {
        let at = memchr::memchr(b';', value).unwrap_or(value.len());
        let (kind, params) = value.split_at(at);
        self.disposition = kind.trim_ascii();
        let handling = Params::parse(params).and_then(|params| params.get("handling"));
        self.handling = match handling {
            Some(word) if word.eq_ignore_ascii_case(b"optional") => Handling::Optional,
            Some(word) if word.eq_ignore_ascii_case(b"required") => Handling::Required,
            _ => Handling::Unsaid,
        };
    }

    /// Whether its description, if it is one, is that of the session: not of early media alone
    /// (RFC 3959).
    const fn is_session(&self) -> bool {
        !self.encoded && self.disposition.eq_ignore_ascii_case(b"session")
    }
}

/// The header lines of a part, folded ones whole. What is left in `rest` after the last is the
/// part's body.
struct HeaderLines<'a> {
    rest: &'a [u8],
}

impl<'a> HeaderLines<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let all = self.rest;
        let mut length = 0;
        loop {
            let rest = all.get(length..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else {
                // Headers to the end, and no body.
                self.rest = b"";
                return (!all.is_empty()).then_some(all);
            };
            length += end + 1;
            if matches!(all.get(length), Some(b' ' | b'\t')) && length > 2 {
                continue;
            }
            let (line, rest) = all.split_at_checked(length)?;
            self.rest = rest;
            let line = line.trim_ascii_end();
            return (!line.is_empty()).then_some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Framing;

    fn taken(head: &str, body: &str) -> Result<String, BodyFault> {
        let text = format!(
            "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 9\r\n{head}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let message = Message::parse(text.as_bytes(), Framing::Stream).unwrap();
        checked_session(&message).map(|body| String::from_utf8_lossy(body).into_owned())
    }

    const MIXED: &str = "Content-Type: multipart/mixed;boundary=\"b 1\"\r\n";

    #[test]
    fn a_plain_body_is_the_session() {
        assert_eq!(taken("", "v=0").unwrap(), "v=0");
        assert_eq!(taken("c: Application/SDP\r\n", "v=0").unwrap(), "v=0");
        assert_eq!(taken("c: text/plain\r\n", "x"), Err(BodyFault::Type));
        assert_eq!(taken("c: text\r\n", "x"), Err(BodyFault::Type));
        assert_eq!(taken("c: text/plain\r\n", "").unwrap(), "");
        let optional = "c: text/plain\r\nContent-Disposition: render;handling=optional\r\n";
        assert_eq!(taken(optional, "x").unwrap(), "");
        let zipped = "c: application/sdp\r\nContent-Encoding: gzip\r\n";
        assert_eq!(taken(zipped, "x"), Err(BodyFault::Coding));
    }

    #[test]
    fn the_session_is_found_beside_an_isup_message() {
        // RFC 3204 §4's shape, the ISUP part with octets of all kinds.
        let body = "preamble\r\n--b 1\r\nContent-Type: application/ISUP;version=nxv3\r\n\
            Content-Disposition: signal; handling=optional\r\n\r\n\u{1}\0--b 1 inside\r\n\
            --b 1  \r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n\r\n--b 1--\r\nepilogue";
        assert_eq!(taken(MIXED, body).unwrap(), "v=0\r\ns=-\r\n");
        let alone = body.replace("application/sdp", "text/plain");
        assert_eq!(taken(MIXED, &alone), Err(BodyFault::Type));
        let required = body.replace("optional", "required");
        assert_eq!(taken(MIXED, &required), Err(BodyFault::Type));
        let unsaid = body.replace("; handling=optional", "");
        assert_eq!(taken(MIXED, &unsaid).unwrap(), "v=0\r\ns=-\r\n");
    }

    #[test]
    fn of_alternatives_the_last_is_taken_and_two_floors_are_searched() {
        let inner = "--i\r\nContent-Type: application/sdp\r\n\r\none\r\n--i\r\n\
            Content-Type:\r\n application/sdp\r\n\r\ntwo\r\n--i\r\n\
            Content-Type: text/x\r\nContent-Disposition: session;handling=required\r\n\r\nthree\r\n--i--";
        let kind = "Content-Type: multipart/alternative; boundary=i\r\n";
        assert_eq!(taken(kind, inner).unwrap(), "two");
        let outer = format!("--b 1\r\n{kind}\r\n{inner}\r\n--b 1--\r\n");
        assert_eq!(taken(MIXED, &outer).unwrap(), "two");
        let deeper = "Content-Type: multipart/mixed; boundary=d\r\n";
        let third = format!("--d\r\n{MIXED}\r\n{outer}\r\n--d--");
        assert_eq!(taken(deeper, &third), Err(BodyFault::Type));
    }

    #[test]
    fn early_and_encoded_descriptions_are_not_the_session() {
        for line in [
            "Content-Disposition: early-session;handling=optional",
            "Content-Disposition: session;handling=optional\r\nContent-Transfer-Encoding: base64",
            "Content-Disposition: session;handling=optional\r\nContent-Encoding: gzip",
        ] {
            let body =
                format!("--b 1\r\nContent-Type: application/sdp\r\n{line}\r\n\r\nx\r\n--b 1--");
            assert_eq!(taken(MIXED, &body).unwrap(), "", "{line}");
        }
    }

    #[test]
    fn what_cannot_be_taken_apart_is_broken() {
        let part = "--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
        assert_eq!(taken(MIXED, part).unwrap(), "v=0\r\n", "cut short");
        assert_eq!(taken(MIXED, "no delimiter"), Err(BodyFault::Broken));
        assert_eq!(taken(MIXED, "--b 1--"), Err(BodyFault::Broken));
        assert_eq!(
            taken("c: multipart/mixed\r\n", part),
            Err(BodyFault::Broken)
        );
        let long = format!("c: multipart/mixed;boundary={}\r\n", "b".repeat(71));
        assert_eq!(taken(&long, part), Err(BodyFault::Broken));
        let most = format!("{}--b 1--", part.repeat(SIP_BODY_PARTS));
        assert_eq!(taken(MIXED, &most).unwrap(), "v=0");
        let more = part.repeat(SIP_BODY_PARTS + 1);
        assert_eq!(taken(MIXED, &more), Err(BodyFault::Broken));
    }

    #[test]
    fn the_work_is_linear() {
        // Near-delimiters without end, and a header line without end: done at once or never.
        for body in [
            "--b 1\n".to_owned() + &"--b 1x".repeat(9_000),
            "--b 1\n".to_owned() + &"\n--b 1 x".repeat(7_000),
            "--b 1\n".to_owned() + &"a:b\n ".repeat(9_000),
            "--b 1\n".to_owned() + &"\n ".repeat(20_000),
        ] {
            assert!(taken(MIXED, &body).is_err());
        }
    }
}
