//! A datagram or a stream's message: parsed, read, answered, and the answer read again.

use std::net::SocketAddr;

use hotline_sip::{
    message::{Framing, Message, NameAddr, Via, text},
    print::Draft,
};

/// Reads `data` as both kinds of transport would.
pub fn run(data: &[u8]) {
    for framing in [Framing::Datagram, Framing::Stream] {
        one(data, framing);
    }
}

/// Reads one message; what is accepted must have an answer that its sender can match.
pub fn one(data: &[u8], framing: Framing) {
    let source = SocketAddr::from(([10, 0, 0, 7], 5090));
    match Message::parse(data, framing) {
        Ok(message) => {
            read(&message);
            if message.is_request() {
                answer(&message, source);
            }
        }
        Err(refused) => {
            let status = refused.status.unwrap_or(400);
            let bytes = Draft::answer_malformed(&refused, status, source, Some("t")).finish(b"");
            let ends = bytes.windows(4).filter(|four| four == b"\r\n\r\n");
            assert_eq!(ends.count(), 1, "one empty line ends an answer");
        }
    }
}

fn read(message: &Message<'_>) {
    for (_, name, value) in message.all_headers() {
        assert!(message.has(name));
        text(value);
        message.values(name).filter_map(NameAddr::parse).count();
    }
    for via in message.vias().filter_map(Via::parse) {
        (via.received(), via.rport(), via.maddr());
    }
    for address in [Some(message.from()), Some(message.to()), message.contact()] {
        let Some(address) = address else { continue };
        address.display_text();
        address.uri.user_text();
        assert!(address.uri.equals(&address.uri), "a URI equals itself");
    }
    message.accepts("application/sdp");
    (message.content_type(), message.retry_after());
    (message.has_content_encoding(), message.has_optional_body());
}

fn answer(request: &Message<'_>, source: SocketAddr) {
    let bytes = Draft::answer(request, 480, source, Some("t")).finish(b"body");
    let answer = match Message::parse(&bytes, Framing::Stream) {
        Ok(answer) => answer,
        Err(refused) => panic!("our own answer is refused: {refused}"),
    };
    assert_eq!(answer.body(), b"body");
    assert_eq!(answer.call_id(), request.call_id());
    assert_eq!(answer.cseq(), request.cseq());
    assert_eq!(answer.via().branch(), request.via().branch());
    assert_eq!(answer.vias().count(), request.vias().count());
    assert_eq!(answer.from().tag(), request.from().tag());
}
