//! Whatever comes, the parser returns; and what it accepts can be read, answered and read again.

#![cfg(test)]

use hotline_sip::{
    digest::Fields,
    message::{Framing, Message, Method, Name, NameAddr, Via, text},
    print::Draft,
};
use proptest::{prelude::*, sample::Index};

const INVITE: &[u8] = b"INVITE sip:12345@10.0.0.1:5060;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK776asdhds;rport, SIP/2.0/TCP [2001:db8::1];branch=z9hG4bK2\r\n\
Max-Forwards: 70\r\n\
Record-Route: <sip:p1.example.com;lr>,\r\n <sip:p2.example.com;lr>\r\n\
From: \"\xe5\xbc\xa0\xe4\xb8\x89, \\\"x\\\"\" <sip:13800000000@10.0.0.9>;tag=1928301774\r\n\
t: <tel:12345;phone-context=+86>\r\n\
Call-ID: a84b4c76e66710@10.0.0.9\r\n\
CSeq: 314159 INVITE\r\n\
Contact: <sip:13800000000@10.0.0.9:5060;transport=udp>;q=0.5;+sip.instance=\"<urn:uuid:1>\"\r\n\
Allow: INVITE, ACK, BYE, CANCEL\r\n\
k: 100rel, timer\r\n\
P-Asserted-Identity: \"a\" <sip:13800000000@10.0.0.9>, <tel:+8613800000000>\r\n\
Accept: application/sdp;q=0.7, text/*\r\n\
Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"0\"\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 5\r\n\r\nv=0\r\n";

const RESPONSE: &[u8] = b"SIP/2.0 407 Proxy Authentication Required\r\n\
v: SIP/2.0/UDP 10.0.0.1;received=10.0.0.2;rport=5062;branch=z9hG4bK1\r\n\
f: a<sip:a@h>;tag=1\r\nt: sip:b@h;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nRetry-After: 5 (busy)\r\n\
Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\"\r\nl: 0\r\n\r\n";

/// Pieces that mean something to the grammar, so that mutations hit its joints.
const JOINTS: &[&str] = &[
    "\r\n",
    "\r",
    "\n",
    "\r\n ",
    "\r\n\r\n",
    " ",
    "\t",
    ";",
    ";;",
    ",",
    ":",
    "\"",
    "\\",
    "<",
    ">",
    "@",
    "=",
    "?",
    "%",
    "%00",
    "/",
    "[",
    "]",
    "[::1]",
    ":::",
    "*",
    "\0",
    "SIP/2.0",
    "sip:",
    "tel:",
    "Via",
    "v",
    "l",
    "Content-Length: ",
    "4294967296",
    "-1",
    "tag=",
    "branch=",
    "\u{feff}",
    "é",
];

/// Reads everything that can be asked of a message; returns something that depends on it all.
fn read_all(message: &Message<'_>) -> usize {
    let mut sum = message.bytes().len() + message.body().len() + message.call_id().len();
    for (written, name, value) in message.all_headers() {
        sum += written.len() + text(value).len() + name.text().len();
        sum += message.header(name).map_or(0, <[u8]>::len);
        sum += message.headers(name).map(<[u8]>::len).sum::<usize>();
        sum += message.values(name).filter_map(NameAddr::parse).count();
        sum += Fields::parse(value)
            .map_or(0, |fields| fields.user_text().map_or(0, |user| user.len()));
    }
    for address in [Some(message.from()), Some(message.to()), message.contact()]
        .into_iter()
        .flatten()
    {
        sum += address.display_text().len() + address.uri.user_text().len();
        sum += usize::from(address.preference()) + address.expires().map_or(0, |s| s as usize);
        sum +=
            usize::from(address.uri.equals(&message.uri())) + address.tag().map_or(0, <[u8]>::len);
        sum += usize::from(address.uri.host.ip().is_some());
    }
    sum += message
        .vias()
        .filter_map(Via::parse)
        .filter(|via| via.received().is_some())
        .count();
    sum +=
        usize::from(message.via().rport().is_some()) + usize::from(message.via().maddr().is_some());
    sum += message.expires().unwrap_or(0) as usize + message.retry_after().unwrap_or(0) as usize;
    sum += usize::from(message.accepts("application/sdp")) + usize::from(message.supports("timer"));
    sum += usize::from(message.has_content_encoding()) + usize::from(message.has_optional_body());
    sum += message
        .content_type()
        .map_or(0, |media_type| media_type.main.len());
    sum + message.allow().count() + message.require().count() + format!("{message:?}").len()
}

/// Parses, reads and answers `bytes`.
fn exercise(bytes: &[u8]) -> Result<(), TestCaseError> {
    let source = "10.0.0.7:5090".parse().unwrap();
    for framing in [Framing::Datagram, Framing::Stream] {
        match Message::parse(bytes, framing) {
            Ok(message) => {
                read_all(&message);
                if message.is_request() {
                    check_answer(&message, source)?;
                }
            }
            Err(malformed) => {
                let answer =
                    Draft::answer_malformed(&malformed, 400, source, Some("t")).finish(b"");
                let heads = answer
                    .windows(4)
                    .filter(|bytes| bytes == b"\r\n\r\n")
                    .count();
                prop_assert_eq!(
                    heads,
                    1,
                    "one empty line: {:?}",
                    String::from_utf8_lossy(&answer)
                );
            }
        }
    }
    Ok(())
}

/// An accepted request has an answer that a client can read and match.
fn check_answer(request: &Message<'_>, source: core::net::SocketAddr) -> Result<(), TestCaseError> {
    let bytes = Draft::answer(request, 480, source, Some("t")).finish(b"body");
    let answer = match Message::parse(&bytes, Framing::Stream) {
        Ok(answer) => answer,
        Err(malformed) => {
            let shown = String::from_utf8_lossy(&bytes);
            return Err(TestCaseError::fail(format!("{malformed}: {shown}")));
        }
    };
    prop_assert_eq!(answer.status(), 480);
    prop_assert_eq!(answer.body(), b"body");
    prop_assert_eq!(answer.call_id(), request.call_id());
    prop_assert_eq!(answer.cseq(), request.cseq());
    prop_assert_eq!(answer.via().branch(), request.via().branch());
    prop_assert_eq!(answer.via().host, request.via().host);
    prop_assert_eq!(answer.vias().count(), request.vias().count());
    prop_assert_eq!(answer.from().tag(), request.from().tag());
    prop_assert_eq!(answer.from().uri.raw, request.from().uri.raw);
    prop_assert_eq!(answer.to().tag(), request.to().tag().or(Some(b"t")));
    Ok(())
}

#[derive(Debug, Clone)]
enum Change {
    Cut(Index),
    Delete(Index, usize),
    Insert(Index, &'static str),
    Overwrite(Index, u8),
    Repeat(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => any::<Index>().prop_map(Change::Cut),
        3 => (any::<Index>(), 1..30_usize).prop_map(|(at, length)| Change::Delete(at, length)),
        6 => (any::<Index>(), prop::sample::select(JOINTS)).prop_map(|(at, what)| Change::Insert(at, what)),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Overwrite(at, byte)),
        2 => (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let span = |at: &Index, length: usize| {
        let start = at.index(bytes.len());
        start..(start + length).min(bytes.len())
    };
    match change {
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Delete(at, length) => drop(bytes.drain(span(at, *length))),
        Change::Insert(at, what) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, what.bytes());
        }
        Change::Overwrite(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Repeat(at, length) => {
            let span = span(at, *length);
            let piece = bytes[span.clone()].to_vec();
            bytes.splice(span.end..span.end, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        exercise(&bytes)?;
    }

    #[test]
    fn arbitrary_grammar_never_panics(pieces in prop::collection::vec(prop::sample::select(JOINTS), 0..120)) {
        exercise(pieces.concat().as_bytes())?;
        exercise(format!("OPTIONS sip:h SIP/2.0\r\n{}", pieces.concat()).as_bytes())?;
    }

    #[test]
    fn mutated_messages_never_panic(
        response in any::<bool>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut bytes = if response { RESPONSE } else { INVITE }.to_vec();
        for change in &changes {
            apply(&mut bytes, change);
        }
        exercise(&bytes)?;
    }

    /// A value between quotes or brackets cannot move a border: what is accepted has the headers
    /// that its line ends say.
    #[test]
    fn one_header_changed_leaves_the_others(value in "[ -~]{0,60}") {
        let text = String::from_utf8_lossy(INVITE).replace("INVITE, ACK, BYE, CANCEL", &value);
        let bytes = text.as_bytes();
        let message = Message::parse(bytes, Framing::Datagram).expect("Allow is not looked at");
        prop_assert_eq!(message.all_headers().count(), 15);
        prop_assert_eq!(message.header(Name::Allow), Some(value.trim().as_bytes()));
        prop_assert_eq!(message.body(), b"v=0\r\n");
    }
}

/// Names are bytes, in whatever encoding: as they came they are kept, answered and sent on.
#[test]
fn names_in_any_encoding_come_back_byte_for_byte() {
    let source = "10.0.0.7:5090".parse().unwrap();
    let names: [&[u8]; 6] = [
        "\"市民热线\"".as_bytes(),
        "张三".as_bytes(),
        // GBK: with a second byte that is a backslash, before an escaped quote, and bare.
        b"\"\xC4\xFA\xBF\\\"",
        b"\"\xBF\\\\\"\xD5\xC5\"",
        b"\xD5\xC5\xC8\xFD",
        b"\"Bell, \\\"A\\\" <x>\"",
    ];
    for name in names {
        let value = [name, b" <sip:1@h>;tag=7"].concat();
        let draft = Draft::request(Method::Options, "sip:h")
            .header(Name::Via, "SIP/2.0/UDP h;branch=z9hG4bK1")
            .header(Name::From, &value)
            .header(Name::To, "<sip:2@h>")
            .header(Name::CallId, "x")
            .header(Name::CSeq, "1 OPTIONS");
        let sent = draft.finish(b"");
        let request = Message::parse(&sent, Framing::Stream).unwrap();
        assert_eq!(request.from().raw, value, "{}", text(name));
        let inside = name.strip_prefix(b"\"").unwrap_or(name);
        let inside = inside.strip_suffix(b"\"").unwrap_or(inside);
        assert_eq!(request.from().display, inside);
        assert_eq!(request.from().tag(), Some(&b"7"[..]));
        let bytes = Draft::answer(&request, 200, source, Some("t")).finish(b"");
        let answer = Message::parse(&bytes, Framing::Stream).unwrap();
        assert_eq!(answer.from().raw, value);
        assert_eq!(answer.from().display, inside);
    }
}

#[test]
fn the_messages_to_mutate_are_well_formed() {
    for bytes in [INVITE, RESPONSE] {
        let message = Message::parse(bytes, Framing::Datagram).unwrap();
        assert!(read_all(&message) > 0);
    }
    exercise(INVITE).unwrap();
}

/// The limits hold, and a message at them is still read in bounded work.
#[test]
fn too_many_headers_and_too_long_heads_are_refused() {
    let with = |count: usize, length: usize| {
        let many = format!("X: {}\r\n", "y".repeat(length)).repeat(count);
        format!(
            "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@h>\r\nTo: <sip:b@h>\r\n\
             Call-ID: x\r\nCSeq: 1 OPTIONS\r\n{many}\r\n"
        )
    };
    let status = |text: String| {
        Message::parse(text.as_bytes(), Framing::Datagram)
            .map_or_else(|bad| bad.status, |_| Some(200))
    };
    assert_eq!(status(with(251, 1)), Some(200));
    assert_eq!(status(with(252, 1)), Some(400));
    assert_eq!(status(with(100, 600)), Some(200));
    assert_eq!(status(with(110, 600)), Some(513));
    assert_eq!(
        status(with(0, 0).replace("a@h", &"%".repeat(60_000))),
        Some(400)
    );
    // Quotes, folds and commas by the ten thousand.
    for piece in ["\"", ",", "<", "\r\n ", "\u{bf}\\", ";a", "sip:"] {
        let value = piece.repeat(60_000 / piece.len());
        let text = with(0, 0).replace("<sip:b@h>", &value);
        assert_ne!(status(text.clone()), None);
        exercise(text.as_bytes()).unwrap();
    }
}
