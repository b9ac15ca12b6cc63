//! Writes requests and responses: start line, headers, body, with Content-Length counted here.
//!
//! Nothing that is put into a value can end its header: CR, LF and NUL become a space. That is
//! done here, once, and not left to the many places where values come from.

use core::{fmt, net::SocketAddr};
use std::io::Write as _;

use crate::message::{Malformed, Message, Method, Name, NameAddr, Rport, Via, is_token};

/// Longest answer is a few Vias and a body; most messages fit without growing.
const USUAL_BYTES: usize = 1_024;

/// A message being written, header by header, in the order of the calls.
#[derive(Clone, Debug)]
#[must_use = "a draft is no message until it is finished"]
pub struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// A request (RFC 3261 §7.1). What may not stand in a Request-URI is percent-encoded; a
    /// method that is no token is written as `UNKNOWN`, which no peer will obey.
    pub fn request(method: Method<'_>, uri: impl AsRef<[u8]>) -> Self {
        let mut draft = Self::new();
        let method = match method.as_bytes() {
            token if is_token(token) => token,
            _ => b"UNKNOWN",
        };
        draft.bytes.extend_from_slice(method);
        draft.bytes.push(b' ');
        for &byte in uri.as_ref() {
            match byte {
                0..=b' ' | b'<' | b'>' | b'"' | 0x7F => draft.show(format_args!("%{byte:02X}")),
                _ => draft.bytes.push(byte),
            }
        }
        draft.bytes.extend_from_slice(b" SIP/2.0\r\n");
        draft
    }

    /// A response with the usual phrase (RFC 3261 §7.2).
    pub fn response(status: u16) -> Self {
        Self::response_with_reason(status, reason_phrase(status))
    }

    /// A response with a phrase of its own.
    pub fn response_with_reason(status: u16, reason: &str) -> Self {
        let mut draft = Self::new();
        draft.show(format_args!("SIP/2.0 {status:03} "));
        draft.clean(reason.as_bytes());
        draft.end_line();
        draft
    }

    /// The start of the answer to `request`, which came from `source` (RFC 3261 §8.2.6): status
    /// line, all Vias – the topmost with `received` (§18.2.1) and `rport` (RFC 3581 §4) –, From,
    /// To with `to_tag` where it has none, Call-ID, CSeq; Timestamp too where `status` is 100.
    pub fn answer(
        request: &Message<'_>,
        status: u16,
        source: SocketAddr,
        to_tag: Option<&str>,
    ) -> Self {
        let mut draft = Self::response(status);
        draft.via(&request.via(), source);
        for via in request.vias().skip(1) {
            draft.line(b"Via", via);
        }
        draft.line(b"From", request.from().raw);
        draft.to(Some(request.to()), request.to().raw, to_tag);
        draft.line(b"Call-ID", request.call_id());
        let (number, method) = request.cseq();
        draft.show(format_args!("CSeq: {number} "));
        draft.bytes.extend_from_slice(method.as_bytes());
        draft.end_line();
        if status == 100 {
            draft = draft.copied(request, Name::Timestamp);
        }
        draft
    }

    /// The same for a request that broke the rules, with what could be read of it. A header that
    /// stands there twice is left out, for nobody knows which is meant; the phrase says what is
    /// wrong.
    pub fn answer_malformed(
        request: &Malformed<'_>,
        status: u16,
        source: SocketAddr,
        to_tag: Option<&str>,
    ) -> Self {
        let mut draft = match status {
            400 => Self::response_with_reason(400, &format!("Bad Request ({})", request.why)),
            _ => Self::response(status),
        };
        let mut vias = request.vias();
        match request.via() {
            Some(top) => draft.via(&top, source),
            None => vias
                .next()
                .into_iter()
                .for_each(|raw| draft.line(b"Via", raw)),
        }
        vias.skip(usize::from(request.via().is_some()))
            .for_each(|via| draft.line(b"Via", via));
        if let Some(from) = request.only(Name::From) {
            draft.line(b"From", from);
        }
        if let Some(to) = request.only(Name::To) {
            draft.to(NameAddr::parse(to), to, to_tag);
        }
        for name in [Name::CallId, Name::CSeq] {
            if let Some(value) = request.only(name) {
                draft.line(name.text().as_bytes(), value);
            }
        }
        draft
    }

    /// One header. [`Name::Other`] and Content-Length write nothing: the one has no name, the
    /// other is written by [`Draft::finish`].
    pub fn header(mut self, name: Name, value: impl AsRef<[u8]>) -> Self {
        if !matches!(name, Name::Other | Name::ContentLength) {
            self.line(name.text().as_bytes(), value.as_ref());
        }
        self
    }

    /// One header that is a number.
    pub fn number(self, name: Name, value: u32) -> Self {
        self.header(name, value.to_string())
    }

    /// One header by its text. A name that is no token, and Content-Length, write nothing.
    pub fn named(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if is_token(name.as_bytes()) && Name::of(name.as_bytes()) != Name::ContentLength {
            self.line(name.as_bytes(), value.as_ref());
        }
        self
    }

    /// All headers called `name` of another message, in order, without their folds.
    pub fn copied(mut self, from: &Message<'_>, name: Name) -> Self {
        for value in from.headers(name) {
            self = self.header(name, value);
        }
        self
    }

    /// The whole message, with Content-Length (RFC 3261 §20.14) and `body`; the body's type is a
    /// header like others.
    pub fn finish(mut self, body: &[u8]) -> Vec<u8> {
        self.show(format_args!("Content-Length: {}\r\n\r\n", body.len()));
        self.bytes.extend_from_slice(body);
        self.bytes
    }

    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(USUAL_BYTES),
        }
    }

    fn via(&mut self, via: &Via<'_>, source: SocketAddr) {
        self.show(format_args!("Via: SIP/2.0/"));
        self.bytes.extend_from_slice(via.transport);
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(via.host.raw);
        if let Some(port) = via.port {
            self.show(format_args!(":{port}"));
        }
        let asked = via.rport() == Some(Rport::Asked);
        for param in via.params.iter() {
            // A `received` or filled `rport` from the client itself would be a lie.
            let ours = [&b"received"[..], b"rport"]
                .iter()
                .any(|name| param.name.eq_ignore_ascii_case(name));
            if !ours {
                self.bytes.push(b';');
                self.clean(param.name);
                if let Some(value) = param.raw_value {
                    self.bytes.push(b'=');
                    self.clean(value);
                }
            }
        }
        let seen = source.ip().to_canonical();
        // RFC 3581 §4: with rport, received too, even where it is the same.
        if asked || via.host.ip().map(|ip| ip.to_canonical()) != Some(seen) {
            self.show(format_args!(";received={seen}"));
        }
        if asked {
            self.show(format_args!(";rport={}", source.port()));
        }
        self.end_line();
    }

    fn to(&mut self, to: Option<NameAddr<'_>>, raw: &[u8], tag: Option<&str>) {
        self.bytes.extend_from_slice(b"To: ");
        self.clean(raw);
        if let (Some(to), Some(tag)) = (to, tag)
            && to.tag().is_none()
        {
            self.bytes.extend_from_slice(b";tag=");
            self.clean(tag.as_bytes());
        }
        self.end_line();
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        self.clean(value);
        self.end_line();
    }

    /// Writes `value` with each run of CR, LF and NUL, and the white space behind it, as one
    /// space. A NUL that is a quoted pair stays: it ends nothing, and RFC 4475 §3.1.1.2 has it in
    /// a To that must come back as it was.
    fn clean(&mut self, value: &[u8]) {
        let mut rest = value;
        while let Some(at) = memchr::memchr3(b'\r', b'\n', b'\0', rest) {
            let (good, bad) = rest.split_at(at);
            self.bytes.extend_from_slice(good);
            if let ([.., b'\\'], [b'\0', behind @ ..]) = (good, bad) {
                self.bytes.push(b'\0');
                rest = behind;
                continue;
            }
            self.bytes.push(b' ');
            let length = bad
                .iter()
                .position(|byte| !matches!(byte, b'\r' | b'\n' | b'\0' | b' ' | b'\t'))
                .unwrap_or(bad.len());
            rest = bad.split_at(length).1;
        }
        self.bytes.extend_from_slice(rest);
    }

    fn show(&mut self, what: fmt::Arguments<'_>) {
        // Writing to a Vec cannot fail.
        let _ = self.bytes.write_fmt(what);
    }

    fn end_line(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// The usual phrase of a status (RFC 3261 §21 and the RFCs that added to it); of an unknown one,
/// that of its class (§8.1.3.2).
pub const fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        428 => "Use Identity Header",
        429 => "Provide Referrer Identity",
        433 => "Anonymity Disallowed",
        439 => "First Hop Lacks Outbound Support",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        _ => class_phrase(status / 100),
    }
}

const fn class_phrase(class: u16) -> &'static str {
    match class {
        1 => "Session Progress",
        2 => "OK",
        3 => "Multiple Choices",
        4 => "Bad Request",
        5 => "Server Internal Error",
        6 => "Busy Everywhere",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Framing;

    const SOURCE: SocketAddr = SocketAddr::new(
        core::net::IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 7)),
        5090,
    );

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_is_written_line_by_line() {
        let bytes = Draft::request(Method::Options, "sip:h")
            .header(Name::Via, "SIP/2.0/UDP a;branch=z9hG4bK1")
            .number(Name::MaxForwards, 70)
            .named("X-Any", "1")
            .header(Name::ContentType, "text/plain")
            .finish(b"body");
        assert_eq!(
            text(bytes),
            "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             X-Any: 1\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody"
        );
    }

    #[test]
    fn no_value_ends_its_header() {
        let bytes = Draft::request(Method::Other(b"A\r\nB"), "sip:h SIP/2.0\r\nEvil: 1")
            .header(Name::Subject, "a\r\nEvil: 1\r\n\r\nb\0c")
            .named("X\r\nEvil", "1")
            .named("Content-Length", "99")
            .header(Name::ContentLength, "99")
            .finish(b"");
        assert_eq!(
            text(bytes),
            "UNKNOWN sip:h%20SIP/2.0%0D%0AEvil:%201 SIP/2.0\r\nSubject: a Evil: 1 b c\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let bytes = Draft::response_with_reason(200, "OK\r\nEvil: 1").finish(b"");
        assert_eq!(
            text(bytes),
            "SIP/2.0 200 OK Evil: 1\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_repeats_what_the_request_is_known_by() {
        let request = b"INVITE sip:a@h SIP/2.0\r\nv: SIP/2.0/UDP host:5062;rport;received=1.1.1.1;\
            branch=z9hG4bK1, SIP/2.0/TCP b\r\nVia: SIP/2.0/UDP\r\n c;branch=2\r\nf: <sip:b@h>;tag=1\r\n\
            t: \"A\" <sip:a@h>\r\ni: x\r\nTimestamp: 54\r\nCSeq: 7 INVITE\r\n\r\n";
        let request = Message::parse(request, Framing::Datagram).unwrap();
        assert_eq!(
            text(Draft::answer(&request, 180, SOURCE, Some("t1")).finish(b"")),
            "SIP/2.0 180 Ringing\r\n\
             Via: SIP/2.0/UDP host:5062;branch=z9hG4bK1;received=10.0.0.7;rport=5090\r\n\
             Via: SIP/2.0/TCP b\r\nVia: SIP/2.0/UDP c;branch=2\r\nFrom: <sip:b@h>;tag=1\r\n\
             To: \"A\" <sip:a@h>;tag=t1\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let trying = text(Draft::answer(&request, 100, SOURCE, None).finish(b""));
        assert!(trying.contains("To: \"A\" <sip:a@h>\r\n") && trying.contains("Timestamp: 54\r\n"));
    }

    #[test]
    fn a_sender_that_gave_its_true_address_is_not_told_it() {
        let request = b"BYE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:9\r\nFrom: <sip:b@h>\r\n\
            To: <sip:a@h>;tag=2\r\nCall-ID: x\r\nCSeq: 7 BYE\r\n\r\n";
        let request = Message::parse(request, Framing::Datagram).unwrap();
        let answer = text(Draft::answer(&request, 200, SOURCE, Some("other")).finish(b""));
        assert!(
            answer.contains("Via: SIP/2.0/UDP 10.0.0.7:9\r\n"),
            "{answer}"
        );
        assert!(answer.contains("To: <sip:a@h>;tag=2\r\n"), "{answer}");
    }

    #[test]
    fn a_malformed_request_is_answered_with_what_it_has() {
        let bytes =
            b"INVITE sip:u@h SIP/2.0\r\nCSeq: 1 INVITE\r\nTo: <sip:u@h>\r\nTo: <sip:v@h>\r\n\
            Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bK1\r\nVia: junk\r\n\r\n";
        let malformed = Message::parse(bytes, Framing::Datagram).unwrap_err();
        let answer = Draft::answer_malformed(&malformed, 400, SOURCE, Some("t")).finish(b"");
        assert_eq!(
            text(answer),
            "SIP/2.0 400 Bad Request (repeated header)\r\n\
             Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bK1;received=10.0.0.7\r\nVia: junk\r\n\
             CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn every_status_has_a_phrase() {
        assert_eq!(reason_phrase(486), "Busy Here");
        assert_eq!(reason_phrase(499), "Bad Request");
        assert!((100..=699).all(|status| reason_phrase(status) != "Unknown"));
    }
}
