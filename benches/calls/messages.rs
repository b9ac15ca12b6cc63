//! The few messages that callers and phones of the load say, and the little that is read of what
//! they hear. No parser of the engine's: a fault of it must not hide in its own mirror.

use std::net::SocketAddr;

/// A value of a header, by its name with the colon, as the engine writes it.
pub fn header<'a>(message: &'a str, name: &str) -> &'a str {
    message
        .split("\r\n")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default()
        .trim()
}

/// The status of a response, or `None` for a request.
pub fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// The port in a session description.
pub fn media_port(message: &str) -> Option<u16> {
    let (_, rest) = message.split_once("m=audio ")?;
    rest.split(' ').next()?.parse().ok()
}

/// A session description with A-law and keys.
pub fn sdp(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-15\r\na=sendrecv\r\n"
    )
}

/// A request of a caller.
pub struct Request<'a> {
    pub method: &'a str,
    pub from: SocketAddr,
    /// Caller's number: From, and the number in branch and Call-ID.
    pub call: u64,
    pub run: u32,
    pub cseq: u32,
    /// To tag of the dialog, or empty.
    pub to_tag: &'a str,
    pub body: &'a str,
}

impl Request<'_> {
    pub fn text(&self) -> String {
        let Self {
            method,
            from,
            call,
            run,
            cseq,
            to_tag,
            body,
        } = self;
        let tag = if to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={to_tag}")
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        // The ACK of a refusal belongs to its INVITE's transaction (RFC 3261 §17.1.1.3).
        let branch = if *method == "ACK" && to_tag.starts_with('!') {
            "INVITE"
        } else {
            method
        };
        let tag = tag.replace('!', "");
        format!(
            "{method} sip:12345@127.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {from};branch=z9hG4bK{run:x}-{call:x}-{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{call}@{ip}>;tag={call:x}\r\n\
             To: <sip:12345@127.0.0.1>{tag}\r\nCall-ID: {run:x}-{call:x}@load\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{call}@{from}>\r\n{kind}\
             Content-Length: {length}\r\n\r\n{body}",
            ip = from.ip(),
            length = body.len(),
        )
    }
}

/// A phone's answer to a request of the engine.
pub fn answer(request: &str, line: &str, tag: &str, contact: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {line}\r\n");
    for name in ["Via:", "From:", "To:", "Call-ID:", "CSeq:"] {
        let value = header(request, name);
        let tagged = name == "To:" && !value.contains(";tag=");
        let tag = if tagged {
            format!(";tag={tag}")
        } else {
            String::new()
        };
        text.push_str(&format!("{name} {value}{tag}\r\n"));
    }
    if !contact.is_empty() {
        text.push_str(&format!("Contact: <{contact}>\r\n"));
    }
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text
}

/// The user part of a header's address.
pub fn user(value: &str) -> &str {
    let at = value.find("sip:").map_or(0, |at| at + 4);
    value
        .get(at..)
        .unwrap_or_default()
        .split('@')
        .next()
        .unwrap_or_default()
}

/// The tag of a header's address.
pub fn tag(value: &str) -> &str {
    value
        .split(";tag=")
        .nth(1)
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
}
