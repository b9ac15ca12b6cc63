//! A stream connection, in pieces as they come.

use hotline_sip::{
    framing::{Framed, StreamBuffer},
    message::Framing,
};

/// The first byte says how long the pieces of the rest are. What comes out must not depend on it.
pub fn run(data: &[u8]) {
    let [piece, stream @ ..] = data else { return };
    let pieces = usize::from(*piece).max(1);
    let whole = read(stream, stream.len().max(1));
    assert_eq!(read(stream, pieces), whole, "in pieces of {pieces}");
    for message in whole {
        super::message::one(&message, Framing::Stream);
    }
}

fn read(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut buffer = StreamBuffer::new();
    let mut found = Vec::new();
    for bytes in stream.chunks(piece) {
        buffer.push(bytes);
        while let Some(framed) = buffer.next_framed() {
            found.push(match framed {
                Framed::Message(bytes) => bytes.to_vec(),
                Framed::KeepAlivePing => b"ping".to_vec(),
                Framed::Broken(lost) => lost.why.as_bytes().to_vec(),
            });
        }
    }
    found
}
