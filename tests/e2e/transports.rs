//! The transports from outside: TLS, WebSockets, IPv6.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs, UdpSocket},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::engine::{Engine, Lines, free_pair, free_port, hotline};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine with all its doors open.
pub struct Doors {
    /// The engine, running.
    pub engine: Engine,
    /// Port of TLS.
    pub tls: u16,
    /// Port of WebSocket.
    pub ws: u16,
    /// Port of WebSocket under TLS.
    pub wss: u16,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Doors {
    /// Starts an engine that listens by every transport, on IPv4 and IPv6.
    pub fn open() -> Self {
        Self::open_for(r#"["PCMA", "PCMU", "G722"]"#)
    }

    /// The same; its seats are offered these formats.
    pub fn open_for(formats: &str) -> Self {
        let mut engine = Engine::prepare();
        let (tls, ws, wss) = (free_port(), free_port(), free_port());
        let file = engine.dir.join("config/engine.toml");
        let mut text = fs::read_to_string(&file).unwrap();
        for (from, to) in [
            ("also = []", "also = [\"::1\"]".to_owned()),
            ("tls_port = 0", format!("tls_port = {tls}")),
            ("ws_port = 0", format!("ws_port = {ws}")),
            ("wss_port = 0", format!("wss_port = {wss}")),
            (
                "browser_port = 0",
                format!("browser_port = {}", free_pair()),
            ),
            (
                "script = \"12345-menu\"",
                "script = \"12345-direct\"".to_owned(),
            ),
            ("# certificate = ", "certificate = ".to_owned()),
            ("# key = ", "key = ".to_owned()),
            (
                r#"seat_formats = ["PCMA", "PCMU", "G722"]"#,
                format!("seat_formats = {formats}"),
            ),
        ] {
            let from = format!("\n{from}");
            assert!(text.contains(&from), "engine.toml has no {from:?}");
            text = text.replacen(&from, &format!("\n{to}"), 1);
        }
        fs::write(&file, text).unwrap();
        let names = ["127.0.0.1".to_owned(), "::1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = engine.dir.join("config/certificate.pem");
        let key = engine.dir.join("config/key.pem");
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        engine.restart();
        Self {
            engine,
            tls,
            ws,
            wss,
            certificate,
            key,
        }
    }
}

fn options(transport: &str, at: &str) -> String {
    let own: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/{transport} {at};rport;branch=z9hG4bK{transport}{own}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:test@{at}>;tag=1\r\nTo: <sip:{at}>\r\n\
         Call-ID: {transport}-{own}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn connect(to: impl ToSocketAddrs) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends OPTIONS on a stream and reads the head of the answer.
fn answer(stream: &mut (impl Read + Write), transport: &str, at: &str) -> String {
    stream.write_all(options(transport, at).as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("SIP/2.0 200"), "{head}");
    head
}

/// OPTIONS by every transport and by both families gets its answer; the Via tells the true address.
pub fn every_door_answers() {
    let doors = Doors::open();
    let sip = doors.engine.sip;
    for (own, at) in [
        ("127.0.0.1", format!("127.0.0.1:{sip}")),
        ("[::1]", format!("[::1]:{sip}")),
    ] {
        let socket = UdpSocket::bind(format!("{own}:0")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send_to(options("UDP", &at).as_bytes(), &at).unwrap();
        let mut buffer = [0; 2_048];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(head.starts_with("SIP/2.0 200"), "{head}");
        assert_eq!(from.to_string(), at);
        let port = socket.local_addr().unwrap().port();
        assert!(head.contains(&format!("rport={port}")), "{head}");

        answer(&mut connect(&at), "TCP", &at);

        let at = at.replace(&sip.to_string(), &doors.tls.to_string());
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(&doors.certificate).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(own.trim_matches(['[', ']']).to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        answer(&mut StreamOwned::new(connection, connect(&at)), "TLS", &at);

        let at = at.replace(&doors.tls.to_string(), &doors.ws.to_string());
        let mut stream = connect(&at);
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: sip\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut granted = String::new();
        while !granted.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut granted).unwrap(), 0, "{granted}");
        }
        assert!(granted.starts_with("HTTP/1.1 101"), "{granted}");
        stream.write_all(&frame(&options("WS", &at))).unwrap();
        let mut head = [0; 4];
        lines.read_exact(&mut head).unwrap();
        // One whole text frame with a length of two bytes.
        assert_eq!(head[..2], [0x81, 126]);
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        lines.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.starts_with("SIP/2.0 200"), "{body}");
    }
}

/// A client's text frame, masked with zeros (RFC 6455 §5.2).
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let head = [0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
    [&head, text.as_bytes()].concat()
}

/// The built-in phones register with a digest over IPv6, by UDP and by TCP.
pub fn phones_register_over_ipv6() {
    let doors = Doors::open();
    for (seat, more) in [("1001", &[][..]), ("0012", &["--tcp"][..])] {
        let mut command = hotline();
        let server = format!("[::1]:{}", doors.engine.sip);
        command.args(["seat", seat, "--server", &server, "--data"]);
        command.arg(doors.engine.dir.join("data")).args(more);
        let mut phone = Lines::of(&mut command);
        phone.expect("registered", 20);
        doors.engine.until("the seat is registered", 10, |board| {
            (Engine::seat(board, seat)["device"] == "registered").then_some(())
        });
        phone.kill();
    }
}
