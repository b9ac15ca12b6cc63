//! SIP over WebSocket (RFC 7118): who may open one, and a message a frame.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use futures_util::{SinkExt, StreamExt};
use hotline_model::limits::SIP_STREAM_MESSAGE_BYTES;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        self, Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    patience::{Due, Watch},
    streams::{Connection, FromStream},
};
use crate::http::{Seated, Sessions};

/// RFC 7118 §4: the name of what is spoken.
const SUBPROTOCOL: &str = "sip";

/// Longest time for the peer to answer our goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bytes taken from a socket at once.
const READ_BYTES: usize = 8_192;

/// Which browsers may open a WebSocket.
pub struct Browsers {
    /// Pages that may, as `scheme://host[:port]` in small letters. Where there are none, the pages
    /// of the host that the WebSocket itself is opened to.
    pub origins: Vec<String>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
}

/// Why a handshake is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused(StatusCode, &'static str);

#[cfg(test)]
impl Refused {
    pub fn status(self) -> StatusCode {
        self.0
    }
}

impl Browsers {
    /// Whether the handshake is granted, and the seat whose agent's session it shows (RFC 6455
    /// §4.2.2, §10.2; RFC 7118 §4, §7).
    ///
    /// # Errors
    /// The status that says why not.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Option<Seated>, Refused> {
        let speaks_sip = headers
            .get_all(header::SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|name| name.trim() == SUBPROTOCOL);
        if !speaks_sip {
            let why = "Sec-WebSocket-Protocol: sip is needed";
            return Err(Refused(StatusCode::BAD_REQUEST, why));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) if self.allows(origin, headers) => {}
            // No browser. But a session is a browser's: who shows one hides where it came from.
            (None, _) if !Sessions::shows_cookie(headers) => {}
            _ => return Err(Refused(StatusCode::FORBIDDEN, "this Origin is not allowed")),
        }
        Ok(self.sessions.seated(headers))
    }

    fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        if !self.origins.is_empty() {
            return self
                .origins
                .iter()
                .any(|known| known.eq_ignore_ascii_case(origin));
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
        match (origin.parse::<Uri>(), host) {
            (Ok(origin), Some(host)) => origin
                .host()
                .is_some_and(|name| name.eq_ignore_ascii_case(host.host())),
            _ => false,
        }
    }
}

/// Does the handshake and carries messages both ways, until the peer closes, is too slow or breaks
/// a rule, or the loop forgets the connection.
#[expect(
    clippy::result_large_err,
    reason = "the library's own word for a refused handshake is an answer"
)]
pub async fn carry<S>(stream: S, browsers: &Browsers, connection: &mut Connection)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seated = None;
    let rules = |request: &Request, response: Response| match browsers.admit(request.headers()) {
        Ok(found) => {
            seated = found;
            Ok(granted(response))
        }
        Err(refused) => Err(refusal(refused)),
    };
    let until = connection.opened + connection.patience.handshake;
    let handshake = accept_hdr_async_with_config(stream, rules, Some(limits()));
    let socket = match timeout_at(until, handshake).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return failed(connection, &error.to_string()),
        Err(_) => return failed(connection, "the WebSocket handshake took too long"),
    };
    if let Some(seated) = &seated {
        let connected = FromStream::SeatConnected(connection.wire.path, seated.seat);
        if !connection.wire.tell(connected).await {
            return;
        }
    }
    let watch = Watch::frames(connection.patience, Instant::now(), connection.peer);
    let mut talk = Talk {
        socket,
        watch,
        seated,
        browsers,
        connection,
    };
    let code = talk.run().await;
    talk.close(code).await;
}

/// Says which subprotocol is spoken from now on.
fn granted(mut response: Response) -> Response {
    let name = HeaderValue::from_static(SUBPROTOCOL);
    response
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    response
}

fn refusal(Refused(status, why): Refused) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(format!("{why}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(why.len().saturating_add(1)),
    );
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * SIP_STREAM_MESSAGE_BYTES)
        .max_message_size(Some(SIP_STREAM_MESSAGE_BYTES))
        .max_frame_size(Some(SIP_STREAM_MESSAGE_BYTES))
}

fn failed(connection: &Connection, why: &str) {
    metrics::counter!("hotline_sip_handshakes_failed").increment(1);
    tracing::debug!(transport = %connection.wire.path.transport, why, "a handshake failed");
}

/// What is said last.
type Goodbye = Option<(CloseCode, &'static str)>;

struct Talk<'a, S> {
    socket: WebSocketStream<S>,
    watch: Watch,
    seated: Option<Seated>,
    browsers: &'a Browsers,
    connection: &'a mut Connection,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn run(&mut self) -> Goodbye {
        loop {
            let (at, due) = self.watch.next();
            tokio::select! {
                came = self.socket.next() => match came {
                    Some(Ok(message)) => {
                        if let Err(goodbye) = self.came(message).await {
                            return goodbye;
                        }
                    }
                    Some(Err(error)) => return broken(&error),
                    None => return None,
                },
                bytes = self.connection.to_write.recv() => match bytes {
                    Some(bytes) => {
                        if !self.send(frame(&bytes)).await {
                            return None;
                        }
                    }
                    None => return Some((CloseCode::Normal, "")),
                },
                () = tokio::time::sleep_until(at) => {
                    if let Err(goodbye) = self.passed(due).await {
                        return goodbye;
                    }
                }
            }
        }
    }

    /// Time passed without anything.
    async fn passed(&mut self, due: Due) -> Result<(), Goodbye> {
        match due {
            Due::Close => Err(Some((CloseCode::Policy, "no sign of life"))),
            Due::Idle => {
                self.watch.asked(Instant::now());
                let idle = FromStream::Idle(self.connection.wire.path);
                self.tell(idle).await
            }
            Due::Ping => {
                self.watch.pinged(Instant::now());
                // A session ends while its WebSocket is open: by signing out, or by its age.
                let sessions = &self.browsers.sessions;
                if self.seated.as_ref().is_some_and(|it| !sessions.holds(it)) {
                    return Err(Some((CloseCode::Policy, "signed out")));
                }
                match self.send(Message::Ping(Default::default())).await {
                    true => Ok(()),
                    false => Err(None),
                }
            }
        }
    }

    /// A frame came.
    async fn came(&mut self, message: Message) -> Result<(), Goodbye> {
        let now = Instant::now();
        self.watch.heard(now);
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            // The library answers a ping and a close by itself.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) | Message::Close(_) => {
                return Ok(());
            }
        };
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            // RFC 7118 §6: a client may keep alive by CR LF CR LF too.
            return match self.send(frame(b"\r\n")).await {
                true => Ok(()),
                false => Err(None),
            };
        }
        self.watch.message(now);
        let message = FromStream::Message(self.connection.wire.path, bytes.to_vec());
        self.tell(message).await
    }

    async fn tell(&self, from: FromStream) -> Result<(), Goodbye> {
        match self.connection.wire.tell(from).await {
            true => Ok(()),
            false => Err(Some((CloseCode::Away, ""))),
        }
    }

    async fn send(&mut self, message: Message) -> bool {
        let within = self.connection.patience.message;
        matches!(timeout(within, self.socket.send(message)).await, Ok(Ok(())))
    }

    /// Says goodbye, with what the loop still wanted said before it.
    async fn close(&mut self, goodbye: Goodbye) {
        let Some((code, reason)) = goodbye else {
            return;
        };
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let goodbye = async {
            if self.socket.close(Some(frame)).await.is_ok() {
                // What is not read would make the kernel cut the goodbye off.
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

/// The frame of a message: text where it is UTF-8, as it nearly always is (RFC 7118 §4.2).
fn frame(bytes: &[u8]) -> Message {
    match core::str::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(_) => Message::binary(bytes.to_vec()),
    }
}

/// What a peer is told whose frames cannot be read.
fn broken(error: &tungstenite::Error) -> Goodbye {
    match error {
        tungstenite::Error::Capacity(_) => Some((CloseCode::Size, "message too long")),
        tungstenite::Error::Utf8(_) => Some((CloseCode::Invalid, "text that is not UTF-8")),
        tungstenite::Error::Protocol(_) => Some((CloseCode::Protocol, "")),
        _ => None,
    }
}
