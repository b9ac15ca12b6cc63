//! SIP over TCP: connections that are accepted or opened, each with a reader and a writer task on
//! the signalling thread.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    sync::Arc,
    time::Duration,
};

use hotline_calls::{
    Path,
    framing::{Framed, StreamBuffer},
};
use hotline_model::limits::{SIP_CONNECTION_IDLE_S, SIP_CONNECTIONS, SIP_STREAM_MESSAGE_S};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::spawn_local,
    time::timeout,
};

/// Messages waiting for one connection's peer to read. A peer that is further behind is cut off.
const WRITES_WAITING: usize = 256;

/// Messages from all connections waiting for the loop; the readers wait when it is full.
const READS_WAITING: usize = 1_024;

/// Longest time to open a connection, as long as a transaction waits for an answer (64*T1).
const CONNECT_WITHIN: Duration = Duration::from_secs(32);

/// The end of a connection's channel that takes messages to write.
type Writes = mpsc::Sender<Arc<[u8]>>;

/// What a connection tells the loop.
pub enum FromStream {
    /// A whole message.
    Message(Path, Vec<u8>),
    /// The connection is gone.
    Closed(Path),
}

/// All connections.
pub struct Streams {
    listener: TcpListener,
    local: SocketAddr,
    next: u64,
    open: BTreeMap<u64, (SocketAddr, Writes)>,
    by_remote: BTreeMap<SocketAddr, u64>,
    inbox: mpsc::Receiver<FromStream>,
    to_inbox: mpsc::Sender<FromStream>,
}

impl Streams {
    /// Takes over a listening socket; within a runtime and a `LocalSet`.
    pub fn new(listener: StdTcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (to_inbox, inbox) = mpsc::channel(READS_WAITING);
        Ok(Self {
            listener,
            local,
            next: 1,
            open: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            inbox,
            to_inbox,
        })
    }

    /// The address it listens at.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The next thing that comes from any connection. Accepts new ones meanwhile.
    pub async fn next(&mut self) -> FromStream {
        loop {
            tokio::select! {
                Some(from) = self.inbox.recv() => {
                    if let FromStream::Closed(path) = &from {
                        self.forget(path.connection);
                    }
                    return from;
                }
                accepted = self.listener.accept() => match accepted {
                    // When full the newest is closed at once: dropping the socket does it.
                    Ok((stream, remote)) if self.open.len() < SIP_CONNECTIONS => {
                        self.start(stream, remote);
                    }
                    Ok(_) => {}
                    // Out of descriptors: give the others time to close.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
    }

    /// Sends a message over the path's connection, or over any to its peer; opens one where there
    /// is none and the path does not name one.
    pub fn send(&mut self, path: Path, bytes: Arc<[u8]>) -> Result<(), Path> {
        let connection = match path.connection {
            0 => self.by_remote.get(&path.remote).copied(),
            named => Some(named),
        };
        match connection {
            Some(connection) => {
                let (_, writer) = self.open.get(&connection).ok_or(path)?;
                if writer.try_send(bytes).is_err() {
                    self.forget(connection);
                    return Err(path);
                }
                Ok(())
            }
            None if self.open.len() < SIP_CONNECTIONS => {
                self.connect(path.remote, bytes);
                Ok(())
            }
            None => Err(path),
        }
    }

    /// Closes a connection.
    pub fn close(&mut self, path: Path) {
        self.forget(path.connection);
    }

    fn forget(&mut self, connection: u64) {
        if let Some((remote, _)) = self.open.remove(&connection)
            && self.by_remote.get(&remote) == Some(&connection)
        {
            self.by_remote.remove(&remote);
        }
    }

    /// Registers a connection and hands out its name and the end that its writer reads from.
    fn enter(&mut self, remote: SocketAddr) -> (Path, mpsc::Receiver<Arc<[u8]>>) {
        let connection = self.next;
        self.next += 1;
        let (writer, to_write) = mpsc::channel(WRITES_WAITING);
        self.open.insert(connection, (remote, writer));
        self.by_remote.insert(remote, connection);
        (Path::tcp(self.local, remote, connection), to_write)
    }

    fn start(&mut self, stream: TcpStream, remote: SocketAddr) {
        let (path, to_write) = self.enter(remote);
        run(
            stream,
            path,
            to_write,
            self.echo(path),
            self.to_inbox.clone(),
        );
    }

    fn connect(&mut self, remote: SocketAddr, first: Arc<[u8]>) {
        let (path, to_write) = self.enter(remote);
        let (echo, inbox) = (self.echo(path), self.to_inbox.clone());
        if let Some(echo) = &echo {
            // The channel is new and empty: the first message fits.
            let _ = echo.try_send(first);
        }
        spawn_local(async move {
            match timeout(CONNECT_WITHIN, TcpStream::connect(remote)).await {
                Ok(Ok(stream)) => run(stream, path, to_write, echo, inbox),
                _ => {
                    let _ = inbox.send(FromStream::Closed(path)).await;
                }
            }
        });
    }

    /// The reader answers keep-alives through the writer's channel.
    fn echo(&self, path: Path) -> Option<mpsc::WeakSender<Arc<[u8]>>> {
        self.open
            .get(&path.connection)
            .map(|(_, writer)| writer.downgrade())
    }
}

/// A weak sender that acts like a sender while the connection is registered.
trait TrySend {
    fn try_send(&self, bytes: Arc<[u8]>) -> Result<(), ()>;
}

impl TrySend for mpsc::WeakSender<Arc<[u8]>> {
    fn try_send(&self, bytes: Arc<[u8]>) -> Result<(), ()> {
        self.upgrade().ok_or(())?.try_send(bytes).map_err(drop)
    }
}

fn run(
    stream: TcpStream,
    path: Path,
    to_write: mpsc::Receiver<Arc<[u8]>>,
    echo: Option<mpsc::WeakSender<Arc<[u8]>>>,
    inbox: mpsc::Sender<FromStream>,
) {
    // Signalling messages are small and wait for no other: send at once.
    let _ = stream.set_nodelay(true);
    let (from, to) = stream.into_split();
    // The writer ends when the loop forgets the connection, and takes the reader with it.
    let reader = spawn_local(async move {
        read(from, path, echo, &inbox).await;
        let _ = inbox.send(FromStream::Closed(path)).await;
    });
    spawn_local(async move {
        write(to, to_write).await;
        reader.abort();
    });
}

async fn write(mut to: OwnedWriteHalf, mut to_write: mpsc::Receiver<Arc<[u8]>>) {
    let patience = Duration::from_secs(SIP_STREAM_MESSAGE_S);
    while let Some(bytes) = to_write.recv().await {
        if !matches!(timeout(patience, to.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn read(
    mut from: OwnedReadHalf,
    path: Path,
    echo: Option<mpsc::WeakSender<Arc<[u8]>>>,
    inbox: &mpsc::Sender<FromStream>,
) {
    let mut stream = StreamBuffer::new();
    let mut chunk = vec![0; 8_192];
    loop {
        let patience = if stream.is_mid_message() {
            SIP_STREAM_MESSAGE_S
        } else {
            SIP_CONNECTION_IDLE_S
        };
        let Ok(Ok(length)) = timeout(Duration::from_secs(patience), from.read(&mut chunk)).await
        else {
            return;
        };
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        stream.push(bytes);
        while let Some(framed) = stream.next_framed() {
            match framed {
                Framed::Message(bytes) => {
                    if inbox
                        .send(FromStream::Message(path, bytes.to_vec()))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                // RFC 5626 §3.5.1: a double CRLF is answered with one.
                Framed::KeepAlivePing => {
                    if let Some(echo) = &echo {
                        let _ = echo.try_send(Arc::from(&b"\r\n"[..]));
                    }
                }
                // Framing is lost: nothing after it can be trusted.
                Framed::Broken { .. } => return,
            }
        }
    }
}
