//! What is left of a message that breaks the rules: the reason, and enough of it for an answer.

use core::fmt;

use super::{
    lines::{Lines, is_status_line, request_line},
    method::Method,
    name::Name,
    text::{Cursor, List},
    via::Via,
};

/// A message that broke the rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Malformed<'a> {
    /// What is wrong, in a few words. It may stand in a reason phrase or a log; it quotes nothing
    /// from outside.
    pub why: &'static str,
    /// The status to answer with: 400, 501, 505, 513. `None`: drop it silently, for it is a
    /// response (RFC 3261 §18.1.2), an ACK (§17.1.1.3), no SIP, or nobody could be answered for
    /// want of a Via.
    pub status: Option<u16>,
    bytes: &'a [u8],
}

impl<'a> Malformed<'a> {
    pub(super) fn new(bytes: &'a [u8], why: &'static str, status: u16) -> Self {
        let mut malformed = Self {
            why,
            status: None,
            bytes,
        };
        let answered = malformed
            .method()
            .is_some_and(|method| method != Method::Ack)
            && malformed.headers(Name::Via).next().is_some();
        malformed.status = answered.then_some(status);
        malformed
    }

    /// A message on a stream whose end cannot be told; `head` is as much of it as there is.
    pub(crate) fn of_stream(head: &'a [u8], why: &'static str, status: u16) -> Self {
        Self::new(head, why, status)
    }

    /// Bytes that are no message, and want no answer.
    pub(super) const fn unanswered(bytes: &'a [u8], why: &'static str) -> Self {
        Self {
            why,
            status: None,
            bytes,
        }
    }

    /// The method, as far as the first word of the start line is one; `None` for a response.
    pub fn method(&self) -> Option<Method<'a>> {
        let line = Lines::new(self.bytes).start_line().unwrap_or(self.bytes);
        if is_status_line(line) {
            return None;
        }
        if let Some((method, _, _)) = request_line(line) {
            return Some(Method::of(method));
        }
        let mut cursor = Cursor::new(line);
        let method = Method::of(cursor.token()?);
        cursor.rest.starts_with(b" ").then_some(method)
    }

    /// The values of all headers called `name` that can be read, as written.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut lines = Lines::new(self.bytes);
        let started = lines.start_line().is_ok();
        core::iter::from_fn(move || lines.header_if_any())
            .take_while(move |_| started)
            .filter(move |(found, _, _)| *found == name)
            .map(|(_, _, value)| value)
    }

    /// The first header called `name`, where it stands exactly once.
    pub fn only(&self, name: Name) -> Option<&'a [u8]> {
        let mut values = self.headers(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// All Via values, the topmost first, as written.
    pub fn vias(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers(Name::Via).flat_map(List::of)
    }

    /// The topmost Via, where it can be read.
    pub fn via(&self) -> Option<Via<'a>> {
        Via::parse(self.vias().next()?)
    }
}

impl fmt::Debug for Malformed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Malformed")
            .field("why", &self.why)
            .field("status", &self.status)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl fmt::Display for Malformed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

impl core::error::Error for Malformed<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_read() {
        let bytes = b"INVITE  sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nno header\r\n\
                      bare\nv: SIP/2.0/UDP c\r\nCall-ID: x\r\n y";
        let malformed = Malformed::new(bytes, "two spaces", 400);
        assert_eq!(malformed.status, Some(400));
        assert_eq!(malformed.method(), Some(Method::Invite));
        assert_eq!(malformed.vias().count(), 3);
        assert_eq!(malformed.via().unwrap().host.raw, b"a");
        assert_eq!(malformed.only(Name::CallId), Some(&b"x\r\n y"[..]));
        assert_eq!(malformed.only(Name::Via), None);
    }

    #[test]
    fn some_messages_are_never_answered() {
        let status = |bytes: &'static [u8]| Malformed::new(bytes, "", 400).status;
        assert_eq!(status(b"SIP/2.0 999 x\r\nVia: SIP/2.0/UDP a\r\n\r\n"), None);
        assert_eq!(
            status(b"ACK sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n"),
            None
        );
        assert_eq!(status(b"INVITE sip:a SIP/2.0\r\n\r\n"), None);
        assert_eq!(status(b"\0\x01\0\x08!\x12\xA4B"), None);
        assert_eq!(status(b""), None);
    }
}
