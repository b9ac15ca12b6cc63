//! A browser's connection after its handshake: WebSocket frames, and SIP in them (RFC 7118).

use std::io::{self, Read, Write};

use hotline_model::limits::SIP_STREAM_MESSAGE_BYTES;
use hotline_sip::message::Framing;
use tungstenite::{
    WebSocket,
    protocol::{Role, WebSocketConfig},
};

/// The first byte says how long the pieces of the rest are.
pub fn run(data: &[u8]) {
    let [piece, stream @ ..] = data else { return };
    let wire = Wire {
        rest: stream,
        piece: usize::from(*piece).max(1),
    };
    let limits = WebSocketConfig::default()
        .write_buffer_size(0)
        .max_write_buffer_size(4 * SIP_STREAM_MESSAGE_BYTES)
        .max_message_size(Some(SIP_STREAM_MESSAGE_BYTES))
        .max_frame_size(Some(SIP_STREAM_MESSAGE_BYTES));
    let mut socket = WebSocket::from_raw_socket(wire, Role::Server, Some(limits));
    while let Ok(message) = socket.read() {
        assert!(message.len() <= SIP_STREAM_MESSAGE_BYTES);
        if message.is_text() || message.is_binary() {
            super::message::one(&message.into_data(), Framing::Datagram);
        }
    }
}

/// What the peer sent, as a connection gives it; what is sent to it is swallowed.
struct Wire<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.piece.min(buffer.len());
        let (mut now, later) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = later;
        now.read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
