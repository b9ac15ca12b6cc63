//! Connections with real sockets on the loopback. The bench's loop sends back whatever comes.

mod refusals;
mod tls;
mod ws;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path as FilePath,
    sync::Arc,
    time::Duration,
};

use hotline_calls::{Path, Transport};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::{LocalSet, spawn_local},
    time::timeout,
};

use super::{
    patience::Patience,
    streams::{FromStream, Listening, Settings, Streams},
    tls as secured,
    ws::Browsers,
};
use crate::http::Sessions;

const OPTIONS: &str = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nContent-Length: 0\r\n\r\n";

/// Longer than anything here takes; what hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the test orders from the loop.
enum Order {
    Send(Path, Arc<[u8]>),
    Close(Path),
}

struct Bench {
    tcp: SocketAddr,
    tls: SocketAddr,
    ws: SocketAddr,
    wss: SocketAddr,
    seen: mpsc::UnboundedReceiver<FromStream>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Bench {
    /// What the loop sees next.
    async fn next(&mut self) -> FromStream {
        timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    async fn message(&mut self) -> (Path, String) {
        match self.next().await {
            FromStream::Message(path, bytes) => (path, String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    async fn closed(&mut self) -> Path {
        match self.next().await {
            FromStream::Closed(path) => path,
            other => panic!("{other:?}"),
        }
    }

    /// Who was not who we called, and how that is told.
    async fn refused(&mut self) -> (SocketAddr, String) {
        match self.next().await {
            FromStream::Refused(path, why) => (path.remote, why),
            other => panic!("{other:?}"),
        }
    }

    fn send(&self, path: Path, text: &str) {
        let order = Order::Send(path, Arc::from(text.as_bytes()));
        assert!(self.orders.send(order).is_ok());
    }
}

fn listening(transport: Transport) -> (SocketAddr, Listening) {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (address, Listening { transport, socket })
}

/// Runs a test beside a loop.
fn with<F: Future<Output = ()> + 'static>(
    settings: impl FnOnce() -> Settings + 'static,
    test: impl FnOnce(Bench) -> F + 'static,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let (tcp, on_tcp) = listening(Transport::Tcp);
        let (tls, on_tls) = listening(Transport::Tls);
        let (ws, on_ws) = listening(Transport::Ws);
        let (wss, on_wss) = listening(Transport::Wss);
        let all = vec![on_tcp, on_tls, on_ws, on_wss];
        let mut streams = Streams::new(all, settings()).unwrap();
        let (to_test, seen) = mpsc::unbounded_channel();
        let (orders, mut ordered) = mpsc::unbounded_channel();
        spawn_local(async move {
            loop {
                tokio::select! {
                    from = streams.next() => {
                        if let FromStream::Message(path, bytes) = &from {
                            let _ = streams.send(*path, Arc::from(bytes.as_slice()));
                        }
                        let _ = to_test.send(from);
                    }
                    Some(order) = ordered.recv() => match order {
                        Order::Send(path, bytes) => {
                            if let Err(lost) = streams.send(path, bytes) {
                                let _ = to_test.send(FromStream::Closed(lost));
                            }
                        }
                        Order::Close(path) => streams.close(path),
                    }
                }
            }
        });
        let bench = Bench {
            tcp,
            tls,
            ws,
            wss,
            seen,
            orders,
        };
        timeout(3 * PATIENCE, test(bench)).await.unwrap();
    });
}

/// A pair for the loopback's address and its name.
fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap()
}

fn write_pair(folder: &FilePath, pair: &CertifiedKey<KeyPair>) -> secured::Files {
    let files = secured::Files {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, pair.cert.pem()).unwrap();
    std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
    files
}

/// Settings with a certificate, and browsers without origins of their own.
fn settings(folder: &FilePath, sessions: Arc<Sessions>) -> Settings {
    let files = write_pair(folder, &pair());
    let server = secured::server(&files).unwrap();
    let client = secured::client(Some(&files.certificate)).unwrap();
    Settings {
        tls: Some(secured::Tls::new(
            Some((files, server)),
            client,
            Duration::from_millis(20),
        )),
        browsers: Some(Arc::new(Browsers {
            origins: Vec::new(),
            sessions,
        })),
        ..Settings::default()
    }
}

/// Sends one message and reads it back.
async fn round_trip<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    let mut back = vec![0; OPTIONS.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back, OPTIONS.as_bytes());
}

/// Whether the other side closes, whatever it says before.
async fn is_closed<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut said = Vec::new();
    let mut chunk = [0; 1_024];
    loop {
        match timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap() {
            Ok(0) | Err(_) => return said,
            Ok(length) => said.extend_from_slice(&chunk[..length]),
        }
    }
}

#[test]
fn a_message_comes_and_goes_and_an_empty_line_keeps_alive() {
    with(Settings::default, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        round_trip(&mut stream).await;
        let (path, text) = bench.message().await;
        assert_eq!(text, OPTIONS);
        assert_eq!(path.transport, Transport::Tcp);
        assert_eq!(path.local, bench.tcp);
        assert_eq!(path.remote, stream.local_addr().unwrap());
        stream.write_all(b"\r\n\r\n").await.unwrap();
        let mut pong = [0; 2];
        stream.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"\r\n");
        // By the peer's address alone the same connection is found.
        bench.send(path.afresh(), "SIP/2.0 200 OK\r\n\r\n");
        let mut start = [0; 7];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"SIP/2.0");
        drop(stream);
        assert_eq!(bench.closed().await, path);
    });
}

#[test]
fn what_was_said_before_closing_still_leaves() {
    with(Settings::default, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        round_trip(&mut stream).await;
        let (path, _) = bench.message().await;
        bench.send(path, "SIP/2.0 400 Bad\r\n\r\n");
        assert!(bench.orders.send(Order::Close(path)).is_ok());
        assert_eq!(is_closed(&mut stream).await, b"SIP/2.0 400 Bad\r\n\r\n");
        // The exchange hears of it, so that what was registered over it goes.
        assert_eq!(bench.closed().await, path);
    });
}

#[test]
fn a_quiet_peer_is_sent_an_empty_line() {
    let settings = || Settings {
        patience: Patience {
            keep_alive: Duration::from_millis(50),
            ..Patience::default()
        },
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        round_trip(&mut stream).await;
        bench.message().await;
        let mut pings = [0; 8];
        stream.read_exact(&mut pings).await.unwrap();
        assert_eq!(&pings, b"\r\n\r\n\r\n\r\n");
        // It still works both ways.
        round_trip(&mut stream).await;
    });
}

#[test]
fn an_idle_connection_is_asked_about_and_lives_until_it_is_closed() {
    let settings = || Settings {
        patience: Patience {
            idle: Duration::from_millis(50),
            ..Patience::default()
        },
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        round_trip(&mut stream).await;
        let (path, _) = bench.message().await;
        for _ in 0..2 {
            assert!(matches!(bench.next().await, FromStream::Idle(idle) if idle == path));
        }
        round_trip(&mut stream).await;
    });
}
