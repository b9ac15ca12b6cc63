//! SIP on a run of bytes, TCP or TLS: messages end where Content-Length says (RFC 3261 §18.3), and
//! between them CR LF keeps the way open (RFC 5626 §4.4.1).

use std::{cell::Cell, sync::Arc, time::Duration};

use hotline_calls::framing::{Framed, StreamBuffer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::{
    patience::{Due, Watch},
    streams::{Connection, FromStream},
};

/// RFC 5626 §3.5.1: the ping of who wants to know, and the pong.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

/// Bytes taken from a socket at once: most messages whole.
const CHUNK_BYTES: usize = 8_192;

/// Carries messages both ways until the peer closes, is too slow, breaks the framing, or the loop
/// forgets the connection; what the loop wrote before is still sent then.
pub async fn carry<S: AsyncRead + AsyncWrite>(stream: S, connection: &mut Connection) {
    let (from, to) = split(stream);
    let patience = connection.patience;
    let writing = write(to, &mut connection.to_write, patience.message);
    let mut writing = std::pin::pin!(writing);
    let reading = Reading {
        from,
        watch: Watch::bytes(patience, Instant::now(), connection.peer),
        buffer: StreamBuffer::new(),
    };
    tokio::select! {
        () = reading.run(&connection.wire) => {
            // The loop hears of it, forgets the connection, and the writer ends with what is left.
            connection.wire.closed().await;
            writing.await;
        }
        () = &mut writing => {}
    }
}

async fn write<S: AsyncWrite>(
    mut to: WriteHalf<S>,
    to_write: &mut mpsc::Receiver<Arc<[u8]>>,
    patience: Duration,
) {
    while let Some(bytes) = to_write.recv().await {
        let sent = async {
            to.write_all(&bytes).await?;
            to.flush().await
        };
        if !matches!(timeout(patience, sent).await, Ok(Ok(()))) {
            return;
        }
    }
    // Says goodbye where the transport has a word for it (TLS: close_notify).
    let _ = timeout(patience, to.shutdown()).await;
}

/// The ends of a connection that lead to the loop and to its own writer.
pub struct Wire {
    /// The connection.
    pub path: hotline_calls::Path,
    /// To the loop.
    pub inbox: mpsc::Sender<FromStream>,
    /// To the writer, for keep-alives; weak, so that it does not keep the writer alive.
    pub echo: mpsc::WeakSender<Arc<[u8]>>,
    /// Whether the loop knows of the end.
    pub told: Cell<bool>,
}

impl Wire {
    /// Tells the loop; `false` when there is none any more.
    pub async fn tell(&self, from: FromStream) -> bool {
        self.inbox.send(from).await.is_ok()
    }

    /// Tells the loop, once, that the connection is gone.
    pub async fn closed(&self) {
        if !self.told.replace(true) {
            let _ = self.tell(FromStream::Closed(self.path)).await;
        }
    }

    /// Tells the loop, once, that there is no connection, since its peer is not who it has to be.
    pub async fn refused(&self, why: String) {
        if !self.told.replace(true) {
            let _ = self.tell(FromStream::Refused(self.path, why)).await;
        }
    }

    /// Hands a keep-alive to the writer. Where the writer is behind, the peer is not in need of it.
    fn echo(&self, bytes: &'static [u8]) {
        if let Some(writer) = self.echo.upgrade() {
            let _ = writer.try_send(Arc::from(bytes));
        }
    }
}

struct Reading<S> {
    from: ReadHalf<S>,
    watch: Watch,
    buffer: StreamBuffer,
}

impl<S: AsyncRead> Reading<S> {
    async fn run(mut self, wire: &Wire) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let (at, due) = self.watch.next();
            match timeout_at(at, self.from.read(&mut chunk)).await {
                Ok(Ok(length)) => {
                    let bytes = chunk.get(..length).unwrap_or_default();
                    if bytes.is_empty() || !self.came(bytes, wire).await {
                        return;
                    }
                }
                Ok(Err(_)) => return,
                Err(_) if !self.passed(due, wire).await => return,
                Err(_) => {}
            }
        }
    }

    /// Time passed without anything. `false` when that is the connection's end.
    async fn passed(&mut self, due: Due, wire: &Wire) -> bool {
        match due {
            Due::Close => false,
            Due::Idle => {
                self.watch.asked(Instant::now());
                wire.tell(FromStream::Idle(wire.path)).await
            }
            Due::Ping => {
                self.watch.pinged(Instant::now());
                wire.echo(PING);
                true
            }
        }
    }

    /// Bytes came. `false` when they are the connection's end.
    async fn came(&mut self, bytes: &[u8], wire: &Wire) -> bool {
        let now = Instant::now();
        self.watch.heard(now);
        self.buffer.push(bytes);
        while let Some(framed) = self.buffer.next_framed() {
            match framed {
                Framed::Message(bytes) => {
                    let message = FromStream::Message(wire.path, bytes.to_vec());
                    self.watch.message(now);
                    if !wire.tell(message).await {
                        return false;
                    }
                }
                Framed::KeepAlivePing => wire.echo(PONG),
                // Framing is lost: nothing after it can be trusted.
                Framed::Broken { .. } => return false,
            }
        }
        self.watch.mid_message(now, self.buffer.is_mid_message());
        true
    }
}
