//! Connections of all kinds: accepted or opened, counted, found again, and given up.

use std::{
    cell::Cell,
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as StdTcpListener},
    sync::Arc,
    time::Duration,
};

use hotline_calls::{Path, Transport, settings::AddressRange};
use hotline_model::{SeatId, limits};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    task::spawn_local,
    time::{Instant, timeout, timeout_at},
};

use super::{
    bytes::{self, Wire},
    patience::{Patience, Peer},
    tls::{self, PeerNames, Tls},
    ws::{self, Browsers},
};

/// Messages waiting for one connection's peer to read. A peer that is further behind is cut off.
const WRITES_WAITING: usize = 256;

/// Messages from all connections waiting for the loop; the readers wait when it is full.
const READS_WAITING: usize = 1_024;

/// Longest time to open a connection, as long as a transaction waits for an answer (64*T1).
const CONNECT_WITHIN: Duration = Duration::from_secs(32);

/// Time before the next try to accept, when the descriptors have run out: others close meanwhile.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

/// What a connection tells the loop.
#[derive(Debug)]
pub enum FromStream {
    /// A whole message.
    Message(Path, Vec<u8>),
    /// A browser opened it whose cookie is the session of this seat's agent. Comes before any
    /// message.
    SeatConnected(Path, SeatId),
    /// No message for [`limits::SIP_CONNECTION_IDLE_S`]: to be closed unless it carries
    /// something.
    Idle(Path),
    /// The connection is gone.
    Closed(Path),
    /// A connection that we opened is gone before it was one: its peer could not show that it is
    /// who we called. With why, in a few words.
    Refused(Path, String),
}

/// A socket that waits for connections.
pub struct Listening {
    /// What is spoken on it.
    pub transport: Transport,
    /// The socket.
    pub socket: StdTcpListener,
}

/// How connections are treated.
pub struct Settings {
    /// Certificates, for both sides of TLS; `None` where nothing is secured.
    pub tls: Option<Tls>,
    /// Whom the certificates of called peers must name.
    pub names: PeerNames,
    /// Which browsers may come; `None` where none may.
    pub browsers: Option<Arc<Browsers>>,
    /// The trunks' addresses: no count of connections per source, and they may be quiet.
    pub known: Vec<AddressRange>,
    /// Most connections.
    pub connections: usize,
    /// Most connections that one source opens.
    pub per_source: usize,
    /// How long things may take.
    pub patience: Patience,
}

impl Settings {
    fn is_known(&self, address: IpAddr) -> bool {
        self.known.iter().any(|range| range.contains(address))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tls: None,
            names: PeerNames::default(),
            browsers: None,
            known: Vec::new(),
            connections: limits::SIP_CONNECTIONS,
            per_source: limits::SIP_CONNECTIONS_PER_SOURCE,
            patience: Patience::default(),
        }
    }
}

/// A connection's own part, with its task.
pub struct Connection {
    /// Its ends.
    pub wire: Wire,
    /// What the loop wants written.
    pub to_write: mpsc::Receiver<Arc<[u8]>>,
    /// When it was accepted or asked for.
    pub opened: Instant,
    /// How long things may take.
    pub patience: Patience,
    /// Who is at the other end.
    pub peer: Peer,
}

/// A connection as the loop knows it.
struct Open {
    transport: Transport,
    remote: SocketAddr,
    writer: mpsc::Sender<Arc<[u8]>>,
    /// Whose count it stands in.
    source: Option<IpAddr>,
}

type Accepted = (Transport, SocketAddr, TcpStream, SocketAddr);

/// All connections.
pub struct Streams {
    settings: Settings,
    local: Vec<(Transport, SocketAddr)>,
    accepted: mpsc::Receiver<Accepted>,
    next: u64,
    open: BTreeMap<u64, Open>,
    by_peer: BTreeMap<(Transport, SocketAddr), u64>,
    per_source: BTreeMap<IpAddr, usize>,
    inbox: mpsc::Receiver<FromStream>,
    to_inbox: mpsc::Sender<FromStream>,
}

impl Streams {
    /// Takes over listening sockets; within a runtime and a `LocalSet`.
    pub fn new(listening: Vec<Listening>, settings: Settings) -> io::Result<Self> {
        let (to_accepted, accepted) = mpsc::channel(limits::SIP_CONNECTIONS_ACCEPTED);
        let (to_inbox, inbox) = mpsc::channel(READS_WAITING);
        let mut local = Vec::new();
        for Listening { transport, socket } in listening {
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?;
            local.push((transport, address));
            let listener = TcpListener::from_std(socket)?;
            spawn_local(accept(listener, transport, address, to_accepted.clone()));
        }
        Ok(Self {
            settings,
            local,
            accepted,
            next: 1,
            open: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            per_source: BTreeMap::new(),
            inbox,
            to_inbox,
        })
    }

    /// The first address it listens at.
    pub fn local(&self) -> Option<SocketAddr> {
        self.local.first().map(|&(_, address)| address)
    }

    /// Connections there are.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// The next thing that comes from any connection. Lets new ones in meanwhile.
    pub async fn next(&mut self) -> FromStream {
        loop {
            tokio::select! {
                Some(from) = self.inbox.recv() => {
                    if let FromStream::Closed(path) | FromStream::Refused(path, _) = &from {
                        self.forget(path.connection);
                    }
                    return from;
                }
                Some(accepted) = self.accepted.recv() => self.let_in(accepted),
            }
        }
    }

    /// Sends a message over the path's connection, or over any to its peer; opens one where there
    /// is none and the path does not name one. To a browser none can be opened (RFC 7118 §5).
    pub fn send(&mut self, path: Path, bytes: Arc<[u8]>) -> Result<(), Path> {
        let connection = match path.connection {
            0 => self.by_peer.get(&(path.transport, path.remote)).copied(),
            named => Some(named),
        };
        match connection {
            Some(connection) => {
                let open = self.open.get(&connection).ok_or(path)?;
                if open.writer.try_send(bytes).is_err() {
                    self.forget(connection);
                    return Err(path);
                }
                Ok(())
            }
            None if path.transport.is_websocket() => Err(path),
            None if self.open.len() < self.settings.connections => {
                self.connect(path, bytes);
                Ok(())
            }
            None => Err(path),
        }
    }

    /// Closes a connection, once what was sent has left. [`FromStream::Closed`] follows.
    pub fn close(&mut self, path: Path) {
        self.forget(path.connection);
    }

    fn forget(&mut self, connection: u64) {
        let Some(open) = self.open.remove(&connection) else {
            return;
        };
        let peer = (open.transport, open.remote);
        if self.by_peer.get(&peer) == Some(&connection) {
            self.by_peer.remove(&peer);
        }
        let Some(source) = open.source else { return };
        match self.per_source.get_mut(&source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.per_source.remove(&source);
            }
        }
    }

    /// Lets a peer in, or closes when full: dropping the socket does it.
    fn let_in(&mut self, (transport, local, stream, remote): Accepted) {
        let known = self.settings.is_known(remote.ip());
        let source = source(remote.ip());
        let of_source = self.per_source.get(&source).copied().unwrap_or(0);
        let full = if self.open.len() >= self.settings.connections {
            Some("full")
        } else if !known && of_source >= self.settings.per_source {
            Some("source")
        } else {
            None
        };
        if let Some(why) = full {
            metrics::counter!("hotline_sip_connections_refused", "why" => why).increment(1);
            tracing::debug!(%transport, why, "a connection was refused");
            return;
        }
        if !known {
            self.per_source.insert(source, of_source + 1);
        }
        let path = self.name(transport, local, remote);
        let (source, peer) = if known {
            (None, Peer::Trunk)
        } else {
            (Some(source), Peer::Stranger)
        };
        let mut connection = self.enter(path, source, peer);
        let tls = self.settings.tls.as_ref().and_then(Tls::acceptor);
        let browsers = self.settings.browsers.clone();
        spawn_local(async move {
            prepare(&stream, &connection.patience);
            let secured = tls.filter(|_| transport.is_secure());
            match (secured, browsers) {
                (Some(tls), browsers) => {
                    let until = connection.opened + connection.patience.handshake;
                    match timeout_at(until, tls.accept(stream)).await {
                        Ok(Ok(stream)) => talk(stream, browsers, &mut connection).await,
                        Ok(Err(error)) => failed(transport, &error.to_string()),
                        Err(_) => failed(transport, "the TLS handshake took too long"),
                    }
                }
                (None, browsers) if !transport.is_secure() => {
                    talk(stream, browsers, &mut connection).await;
                }
                (None, _) => {}
            }
            connection.wire.closed().await;
        });
    }

    fn connect(&mut self, path: Path, first: Arc<[u8]>) {
        let path = self.name(path.transport, path.local, path.remote);
        let peer = if self.settings.is_known(path.remote.ip()) {
            Peer::Trunk
        } else {
            Peer::Called
        };
        let mut connection = self.enter(path, None, peer);
        if let Some(open) = self.open.get(&path.connection) {
            // The channel is new and empty: the first message fits.
            let _ = open.writer.try_send(first);
        }
        let tls = self.settings.tls.as_ref().map(Tls::connector);
        let name = self.settings.names.of(path.remote);
        spawn_local(async move {
            match timeout(CONNECT_WITHIN, dial(path)).await {
                Ok(Ok(stream)) => {
                    prepare(&stream, &connection.patience);
                    match (path.transport, tls) {
                        (Transport::Tls, Some(tls)) => {
                            let within = connection.patience.handshake;
                            let secured = tls.connect(name.clone(), stream);
                            let why = match timeout(within, secured).await {
                                Ok(Ok(stream)) => {
                                    bytes::carry(stream, &mut connection).await;
                                    None
                                }
                                Ok(Err(error)) => Some(tls::refusal(&error, &name)),
                                Err(_) => Some("the TLS handshake took too long".to_owned()),
                            };
                            if let Some(why) = why {
                                not_trusted(path, why, &connection.wire).await;
                            }
                        }
                        (Transport::Tcp, _) => bytes::carry(stream, &mut connection).await,
                        _ => {
                            let why = "TLS is not configured".to_owned();
                            not_trusted(path, why, &connection.wire).await;
                        }
                    }
                }
                Ok(Err(error)) => tracing::debug!(%error, "a connection could not be opened"),
                Err(_) => {}
            }
            connection.wire.closed().await;
        });
    }

    /// A connection's path, with a number that was never used.
    fn name(&mut self, transport: Transport, local: SocketAddr, remote: SocketAddr) -> Path {
        let connection = self.next;
        self.next += 1;
        Path::stream(transport, local, remote, connection)
    }

    /// Registers a connection and hands out its task's part.
    fn enter(&mut self, path: Path, source: Option<IpAddr>, peer: Peer) -> Connection {
        let (writer, to_write) = mpsc::channel(WRITES_WAITING);
        let echo = writer.downgrade();
        let open = Open {
            transport: path.transport,
            remote: path.remote,
            writer,
            source,
        };
        self.open.insert(path.connection, open);
        self.by_peer
            .insert((path.transport, path.remote), path.connection);
        Connection {
            wire: Wire {
                path,
                inbox: self.to_inbox.clone(),
                echo,
                told: Cell::new(false),
            },
            to_write,
            opened: Instant::now(),
            patience: self.settings.patience,
            peer,
        }
    }
}

/// Carries messages on a connection that is secured, where it shall be.
async fn talk<S>(stream: S, browsers: Option<Arc<Browsers>>, connection: &mut Connection)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if !connection.wire.path.transport.is_websocket() {
        bytes::carry(stream, connection).await;
    } else if let Some(browsers) = browsers {
        ws::carry(stream, &browsers, connection).await;
    }
}

/// Accepts for ever, as fast as the loop lets in.
async fn accept(
    listener: TcpListener,
    transport: Transport,
    local: SocketAddr,
    to_loop: mpsc::Sender<Accepted>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let accepted = (transport, local, stream, remote);
                if to_loop.send(accepted).await.is_err() {
                    return;
                }
            }
            Err(_) => tokio::time::sleep(OUT_OF_DESCRIPTORS).await,
        }
    }
}

/// Opens a connection from the local address that the path says peers know.
async fn dial(path: Path) -> io::Result<TcpStream> {
    let socket = if path.remote.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(path.local.ip(), 0))?;
    socket.connect(path.remote).await
}

/// Sets what the kernel shall do for a connection.
fn prepare(stream: &TcpStream, patience: &Patience) {
    // Signalling messages are small and wait for no other: send at once.
    let _ = stream.set_nodelay(true);
    // A peer that vanished confirms nothing, a keep-alive least of all: this is how it is noticed
    // long before the kernel gives up by itself (RFC 5482).
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(patience.confirmed));
}

fn failed(transport: Transport, why: &str) {
    metrics::counter!("hotline_sip_handshakes_failed").increment(1);
    tracing::debug!(%transport, why, "a handshake failed");
}

async fn not_trusted(path: Path, why: String, wire: &Wire) {
    metrics::counter!("hotline_sip_handshakes_failed").increment(1);
    tracing::warn!(%path, why, "a peer could not be reached securely");
    wire.refused(why).await;
}

/// Whose connections are counted together: an IPv6 host has a /64 to itself (RFC 6177).
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
    }
}
