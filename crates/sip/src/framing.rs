//! Messages on a stream: where one ends and the next begins (RFC 3261 §18.3), and the keep-alive
//! between them (RFC 5626 §4.4.1).
//!
//! A stream that lost its framing cannot be mended: whatever came next could be taken for a
//! message by one reader and for a body by another. So every doubt ends the connection.

use hotline_model::limits::SIP_STREAM_MESSAGE_BYTES;

use crate::message::{Malformed, stream_body_length};

/// What was found next on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framed<'a> {
    /// One whole message, for [`Message::parse`](crate::message::Message::parse) with
    /// [`Framing::Stream`](crate::message::Framing::Stream).
    Message(&'a [u8]),
    /// CR LF CR LF between messages: answer CR LF at once (RFC 5626 §4.4.1).
    KeepAlivePing,
    /// The framing is lost, or the message is too long. Send the answer, if one is called for
    /// (400, 513), then close the connection; nothing more comes out of the buffer.
    Broken(Malformed<'a>),
}

/// Bytes of one stream connection on their way to become messages.
///
/// Holds at most one message ([`SIP_STREAM_MESSAGE_BYTES`]) and what came with its end in the
/// same `push`. Drain it with [`StreamBuffer::next_framed`] after each `push`.
#[derive(Clone, Debug, Default)]
pub struct StreamBuffer {
    bytes: Vec<u8>,
    /// Bytes handed out already.
    taken: usize,
    /// Bytes behind `taken` that were searched for the end of a head and hold none.
    searched: usize,
    /// Whether a single CR LF stands right before `taken`: half of a ping, or a pong.
    after_crlf: bool,
    /// Length of the whole message at `taken`, once its head is there.
    length: Option<usize>,
    broken: bool,
}

impl StreamBuffer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            searched: 0,
            after_crlf: false,
            length: None,
            broken: false,
        }
    }

    /// Adds what was read from the connection. After [`Framed::Broken`] it is dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.bytes.drain(..self.taken.min(self.bytes.len()));
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether part of a message is here and the rest is not. One that stays so for
    /// `SIP_STREAM_MESSAGE_S` is an attack or a broken peer (RFC 4475 §3.1.2.2): close.
    pub fn is_mid_message(&self) -> bool {
        !self.broken && self.taken < self.bytes.len()
    }

    /// The next message, ping or failure; `None` until more bytes come.
    pub fn next_framed(&mut self) -> Option<Framed<'_>> {
        if self.broken {
            return None;
        }
        if self.length.is_none() && self.skip_crlf() {
            return Some(Framed::KeepAlivePing);
        }
        let waiting = self.bytes.get(self.taken..).unwrap_or_default();
        let length = match self.length {
            Some(length) => Ok(Some(length)),
            None => measure(waiting, &mut self.searched),
        };
        match length {
            Err((why, status)) => {
                self.broken = true;
                let waiting = self.bytes.get(self.taken..).unwrap_or_default();
                Some(Framed::Broken(Malformed::of_stream(waiting, why, status)))
            }
            Ok(None) => None,
            Ok(Some(length)) => {
                self.length = Some(length);
                let message = self.bytes.get(self.taken..self.taken + length)?;
                self.taken += length;
                self.searched = 0;
                self.length = None;
                self.after_crlf = false;
                Some(Framed::Message(message))
            }
        }
    }

    /// Steps over CR LF between messages (RFC 3261 §7.5); `true` after the second of two.
    fn skip_crlf(&mut self) -> bool {
        while let Some([b'\r', b'\n', ..]) = self.bytes.get(self.taken..) {
            self.taken += 2;
            self.after_crlf = !self.after_crlf;
            if !self.after_crlf {
                return true;
            }
        }
        false
    }
}

/// Why a stream cannot be read on: the reason, and the status that says so.
type Lost = (&'static str, u16);

const TOO_LONG: Lost = ("message too long", 513);

const fn bad(why: &'static str) -> Lost {
    (why, 400)
}

/// Length of the whole message that `waiting` begins with; `None` while its head is not whole.
fn measure(waiting: &[u8], searched: &mut usize) -> Result<Option<usize>, Lost> {
    // No message begins with anything but a token: TLS, HTTP/2 and noise end here at once.
    match waiting {
        [] | [b'\r'] => return Ok(None),
        [first, ..] if !first.is_ascii_graphic() => return Err(bad("not SIP")),
        _ => {}
    }
    // What was searched is not searched again, however slowly the bytes come.
    let from = searched.saturating_sub(END_OF_HEAD.len() - 1);
    let unsearched = waiting.get(from..).unwrap_or_default();
    let Some(at) = memchr::memmem::find(unsearched, END_OF_HEAD) else {
        *searched = waiting.len();
        let too_long = waiting.len() > SIP_STREAM_MESSAGE_BYTES;
        return if too_long { Err(TOO_LONG) } else { Ok(None) };
    };
    let end = from + at + END_OF_HEAD.len();
    let body = stream_body_length(waiting.get(..end).unwrap_or_default()).map_err(bad)?;
    let length = end.saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
    if length > SIP_STREAM_MESSAGE_BYTES {
        return Err(TOO_LONG);
    }
    Ok(Some(length))
}

/// RFC 3261 §7: an empty line ends the headers.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Name;

    const OPTIONS: &str = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n";

    /// What comes out when `stream` arrives in pieces of `piece` bytes.
    fn read(stream: &[u8], piece: usize) -> Vec<String> {
        let mut buffer = StreamBuffer::new();
        let mut found = Vec::new();
        for bytes in stream.chunks(piece) {
            buffer.push(bytes);
            while let Some(framed) = buffer.next_framed() {
                found.push(match framed {
                    Framed::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Framed::KeepAlivePing => "ping".into(),
                    Framed::Broken(lost) => format!("{} {:?}", lost.why, lost.status),
                });
            }
        }
        if buffer.is_mid_message() {
            found.push("more".into());
        }
        found
    }

    #[test]
    fn messages_and_pings_come_out_whole_however_they_arrive() {
        let one = format!("{OPTIONS}Content-Length: 3\r\n\r\nabc");
        let two = format!("{OPTIONS}l:0\r\n\r\n");
        let none = format!("{OPTIONS}\r\n");
        let stream = format!("\r\n{one}{two}\r\n\r\n{none}\r\n{two}\r\n\r\n\r\n\r\n{one}");
        let wanted = [&one, &two, "ping", &none, &two, "ping", "ping", &one];
        for piece in 1..40 {
            assert_eq!(
                read(stream.as_bytes(), piece),
                wanted,
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn a_doubtful_length_breaks_the_stream() {
        for (headers, why) in [
            ("Content-Length: -999\r\n", "Content-Length"),
            ("Content-Length: 4294967296\r\n", "Content-Length"),
            ("Content-Length:\r\n", "Content-Length"),
            ("Content-Length: 13\r\nl: 5\r\n", "repeated header"),
            (
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                "repeated header",
            ),
            ("Content-Type: application/sdp\r\n", "no Content-Length"),
            ("Content-Length 5\r\n", "not a header line"),
            ("X: a\nContent-Length: 5\r\n", "CR or LF alone"),
        ] {
            let stream = format!("{OPTIONS}{headers}\r\nabcde{OPTIONS}\r\n");
            let wanted = [format!("{why} Some(400)")];
            assert_eq!(read(stream.as_bytes(), 7), wanted, "{headers}");
        }
    }

    #[test]
    fn other_protocols_are_noticed_at_once() {
        assert_eq!(read(b"\x16\x03\x01\x02\0\x01", 99), ["not SIP None"]);
        assert_eq!(
            read(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 99),
            ["not SIP None"]
        );
        assert_eq!(read(b"\rX", 99), ["not SIP None"]);
    }

    #[test]
    fn a_message_beyond_the_limit_is_answered_and_ends_the_stream() {
        let body = format!("{OPTIONS}Content-Length: {SIP_STREAM_MESSAGE_BYTES}\r\n\r\n");
        assert_eq!(read(body.as_bytes(), 99), ["message too long Some(513)"]);
        let mut head = OPTIONS.as_bytes().to_vec();
        head.resize(SIP_STREAM_MESSAGE_BYTES + 2, b'x');
        assert_eq!(read(&head, 1_000), ["message too long Some(513)"]);
    }

    #[test]
    fn a_broken_stream_says_nothing_more_and_keeps_nothing() {
        let mut buffer = StreamBuffer::new();
        buffer.push(format!("{OPTIONS}l: x\r\n\r\n").as_bytes());
        let Some(Framed::Broken(lost)) = buffer.next_framed() else {
            panic!("not broken");
        };
        assert_eq!(lost.headers(Name::Via).count(), 1, "enough to answer");
        buffer.push(format!("{OPTIONS}\r\n").as_bytes());
        assert_eq!(buffer.next_framed(), None);
        assert!(!buffer.is_mid_message());
    }

    #[test]
    fn an_unfinished_message_is_waited_for() {
        let stream = format!("{OPTIONS}Content-Length: 9999\r\n\r\nabc");
        assert_eq!(read(stream.as_bytes(), 99), ["more"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(
            stream in proptest::collection::vec("[\r\n :A-Zl0-9/]{0,9}|\r\n|SIP/2.0|l:", 0..40),
            piece in 1_usize..50,
        ) {
            read(stream.concat().as_bytes(), piece);
        }
    }
}
