//! One pass over the bytes of a message: cut into lines, file the headers, check what every
//! message must have.

use hotline_model::limits::SIP_HEADERS;

use super::{
    Framing, Message, Start,
    address::{Contact, NameAddr},
    lines::{Broken, Lines, is_status_line, is_version_2, request_line, status_line},
    malformed::Malformed,
    method::Method,
    name::Name,
    table::{LONGEST_NAME, Table},
    text::{Cursor, List, cut, exact_number, trim},
    uri::Uri,
    via::Via,
};

/// What is wrong, and the status that says so.
type Fault = (&'static str, u16);

const fn bad(why: &'static str) -> Fault {
    (why, 400)
}

/// Parses one message. See [`Message::parse`].
pub(super) fn parse(bytes: &[u8], framing: Framing) -> Result<Message<'_>, Malformed<'_>> {
    // RFC 3261 §7.5: CR LF before the start line is ignored; alone it keeps a path open
    // (RFC 5626 §4.4.1).
    let mut bytes = bytes;
    while let [b'\r', b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    // Copied from an empty one made at compile time, which costs less than to clear 3 KB and then
    // move them.
    let mut parsed = Ok(const { Message::empty(b"") });
    if bytes.is_empty() {
        parsed = Err(Malformed::unanswered(bytes, "no message"));
    } else if let Ok(message) = &mut parsed {
        message.bytes = bytes;
        if let Err((why, status)) = fill(message, framing) {
            parsed = Err(Malformed::new(bytes, why, status));
        }
    }
    parsed
}

fn fill(message: &mut Message<'_>, framing: Framing) -> Result<(), Fault> {
    let mut lines = Lines::new(message.bytes);
    message.start = start(lines.start_line().map_err(line_fault)?)?;
    let body = file_headers(&mut message.table, message.bytes, &mut lines)?;
    frame(message, body, framing)?;
    check_required(message)?;
    check_optional(message)
}

const fn line_fault(broken: Broken) -> Fault {
    bad(match broken {
        Broken::NoEnd => "no empty line ends the headers",
        Broken::BareLineEnd => "CR or LF alone",
        Broken::NotAHeader => "not a header line",
    })
}

fn start(line: &[u8]) -> Result<Start<'_>, Fault> {
    if is_status_line(line) {
        let (status, reason) = status_line(line).ok_or(bad("status line"))?;
        return Ok(Start::Response { status, reason });
    }
    let (method, uri, version) = request_line(line).ok_or(bad("request line"))?;
    if !is_version_2(version) {
        let named = is_status_line(version);
        return Err(if named {
            ("SIP version", 505)
        } else {
            bad("request line")
        });
    }
    let uri = Uri::parse(uri).ok_or(bad("Request-URI"))?;
    // RFC 3261 §19.1.1: no headers in a Request-URI; they are never made headers of the request
    // (RFC 4475 §3.1.2.11).
    if uri.is_sip() && !uri.headers.is_empty() {
        return Err(bad("headers in the Request-URI"));
    }
    let method = Method::of(method);
    Ok(Start::Request { method, uri })
}

/// Files every header; returns what follows the empty line.
fn file_headers<'a>(
    table: &mut Table,
    bytes: &'a [u8],
    lines: &mut Lines<'a>,
) -> Result<&'a [u8], Fault> {
    while let Some((name, written, value)) = lines.header().map_err(line_fault)? {
        // RFC 4475 §3.3.8, §3.3.9: what may stand but once, stands but once, or two readers see
        // two messages.
        if is_single(name) && table.has(name) {
            return Err(bad("repeated header"));
        }
        if written.len() > LONGEST_NAME {
            return Err(bad("header name too long"));
        }
        if table.len() >= SIP_HEADERS {
            return Err(bad("too many headers"));
        }
        table
            .push(name, bytes, written, value)
            .ok_or(("header section too long", 513))?;
    }
    Ok(lines.rest())
}

const fn is_single(name: Name) -> bool {
    matches!(
        name,
        Name::From
            | Name::To
            | Name::CallId
            | Name::CSeq
            | Name::MaxForwards
            | Name::ContentLength
            | Name::ContentType
    )
}

/// Octets by which Content-Length may overshoot a datagram whose body ends with a whole line.
/// Datagrams come whole or not at all, so such a sender has counted wrongly and nothing is lost;
/// RFC 5118 §4.6 itself is 17 over. Thousands too many (RFC 4475 §3.1.2.2) are refused, as is one
/// on a stream, where the rest is waited for.
const MISCOUNTED_OCTETS: usize = 32;

/// Finds the body (RFC 3261 §18.3, §20.14).
fn frame<'a>(message: &mut Message<'a>, behind: &'a [u8], framing: Framing) -> Result<(), Fault> {
    message.content_length = match message.header(Name::ContentLength) {
        None => None,
        Some(digits) => Some(exact_number(trim(digits)).ok_or(bad("Content-Length"))?),
    };
    let length = match (message.content_length, framing) {
        (Some(length), _) => usize::try_from(length).unwrap_or(usize::MAX),
        (None, Framing::Datagram) => behind.len(),
        (None, Framing::Stream) => 0,
    };
    let missing = length.saturating_sub(behind.len());
    let miscounted =
        framing == Framing::Datagram && missing <= MISCOUNTED_OCTETS && behind.ends_with(b"\r\n");
    if missing > 0 && !miscounted {
        return Err(bad("Content-Length beyond the message"));
    }
    let (body, surplus) = cut(behind, length);
    message.body = body;
    message.bytes = cut(message.bytes, message.bytes.len() - surplus.len()).0;
    Ok(())
}

/// Length of the body that follows `head` on a stream, or why nobody can tell.
///
/// RFC 3261 §20.14 wants Content-Length there. Without one there is no body – but with a
/// Content-Type there is, and where it ends is anybody's guess. Anything that is no header line
/// could be a Content-Length to another reader.
pub(crate) fn stream_body_length(head: &[u8]) -> Result<u32, &'static str> {
    let mut lines = Lines::new(head);
    let start = lines.start_line().map_err(|broken| line_fault(broken).0)?;
    if memchr::memmem::find(start, b"SIP/").is_none() {
        return Err("not SIP");
    }
    let (mut length, mut has_type) = (None, false);
    while let Some((name, _, value)) = lines.header().map_err(|broken| line_fault(broken).0)? {
        match name {
            Name::ContentLength if length.is_some() => return Err("repeated header"),
            Name::ContentLength => length = Some(exact_number(value).ok_or("Content-Length")?),
            Name::ContentType => has_type = true,
            _ => {}
        }
    }
    match length {
        None if has_type => Err("no Content-Length"),
        length => Ok(length.unwrap_or(0)),
    }
}

/// RFC 3261 §8.1.1: what every request must have, and every response copies. Max-Forwards may be
/// missing, as in RFC 2543 (RFC 4475 §3.4.1).
fn check_required(message: &mut Message<'_>) -> Result<(), Fault> {
    let via = message.values(Name::Via).next().ok_or(bad("no Via"))?;
    let from = message.header(Name::From).ok_or(bad("no From"))?;
    let to = message.header(Name::To).ok_or(bad("no To"))?;
    let call_id = message.header(Name::CallId).ok_or(bad("no Call-ID"))?;
    let cseq = message.header(Name::CSeq).ok_or(bad("no CSeq"))?;
    message.via = Via::parse(via).ok_or(bad("Via"))?;
    message.from = NameAddr::parse(from).ok_or(bad("From"))?;
    message.to = NameAddr::parse(to).ok_or(bad("To"))?;
    message.call_id = call_id;
    if call_id.is_empty() || !call_id.iter().all(|&byte| is_call_id_byte(byte)) {
        return Err(bad("Call-ID"));
    }
    message.cseq = parse_cseq(cseq).ok_or(bad("CSeq"))?;
    let (_, named) = message.cseq;
    match message.start {
        // RFC 4475 §3.1.2.17, and §3.1.2.18: of an unknown method it is more use to say that.
        Start::Request { method, .. } if method != named => {
            let status = if method.is_known() { 400 } else { 501 };
            Err(("CSeq of another method", status))
        }
        _ => Ok(()),
    }
}

// RFC 3261 §25.1, `word`, and whatever else ends nothing.
const fn is_call_id_byte(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | 0x7F)
}

// RFC 3261 §20.16. A number from 2^31 on is let pass as RFC 4475 §3.1.1.1 does; beyond 32 bits it
// is none (§3.1.2.4).
fn parse_cseq(value: &[u8]) -> Option<(u32, Method<'_>)> {
    let mut cursor = Cursor::new(value);
    let number = exact_number(cursor.take_while(|byte| byte.is_ascii_digit()))?;
    let before = cursor.rest.len();
    cursor.skip_lws();
    let parted = cursor.rest.len() < before;
    let method = cursor.token()?;
    (parted && cursor.rest.is_empty()).then_some((number, Method::of(method)))
}

/// What may be absent, but if there must be right, for dialogs and loops hang on it.
fn check_optional(message: &mut Message<'_>) -> Result<(), Fault> {
    message.max_forwards = match message.header(Name::MaxForwards) {
        None => None,
        // RFC 3261 §20.22: 0–255.
        Some(digits) => {
            let hops = exact_number(digits).and_then(|hops| u8::try_from(hops).ok());
            Some(hops.ok_or(bad("Max-Forwards"))?)
        }
    };
    let mut contact = None;
    for value in message.headers(Name::Contact).flat_map(List::of) {
        let read = Contact::parse(value).ok_or(bad("Contact"))?;
        contact = contact.or(read.address());
    }
    message.contact = contact;
    Ok(())
}
