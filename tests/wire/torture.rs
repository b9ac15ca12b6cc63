//! The torture messages of RFC 4475 and RFC 5118 against the running engine: over UDP each gets a
//! final status the RFC allows, and the engine lives on; on a stream what cannot be framed closes
//! the connection (RFC 4475 §3.1.2.2, §3.1.2.3, §3.3.9).

use std::{
    env, fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use hotline_model::limits::SIP_STREAM_MESSAGE_BYTES;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tungstenite::{
    Message, WebSocket,
    protocol::{
        Role,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::{
    alone,
    engine::{Engine, root},
    line::{Heard, Line, unique},
    town,
};

/// What the table says of a file: its path, and the statuses it may end with.
fn table() -> Vec<(String, String)> {
    let table = fs::read_to_string(root().join("crates/sip/tests/torture.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|columns| columns.len() == 6 && columns[0] != "file")
        .map(|columns| (columns[0].to_owned(), columns[4].to_owned()))
        .collect()
}

/// RFC 4475's messages are fetched, RFC 5118's are in the repository.
fn read(file: &str) -> Vec<u8> {
    let places = env::var_os("HOTLINE_TORTURE").map(PathBuf::from);
    let places = places.into_iter().chain([
        root().join("../shared/torture"),
        root().join("target/torture"),
        root().join("crates/sip/tests"),
    ]);
    let found = places
        .flat_map(|place| {
            let name = Path::new(file).file_name().unwrap();
            [place.join(file), place.join(name)]
        })
        .find(|path| path.is_file());
    let found = found.unwrap_or_else(|| {
        panic!("{file} is missing: run scripts/fetch-torture.sh or set HOTLINE_TORTURE")
    });
    fs::read(found).unwrap()
}

/// Everything the engine says to this line until an OPTIONS sent after it is answered.
fn answers_until_it_proves_alive(line: &Line) -> Option<Vec<Heard>> {
    let mut answers = Vec::new();
    line.say(
        "OPTIONS sip:{server} SIP/2.0\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{new};rport\n\
         From: <sip:probe@{local}>;tag={new}\nTo: <sip:{server}>\nCall-ID: probe-{new}\n\
         CSeq: 1 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n",
    );
    // A call's media port is opened by another thread: its answer may come after the probe's.
    let mut until = Instant::now() + Duration::from_secs(5);
    let mut alive = false;
    while let Some(heard) = line.hear(until.saturating_duration_since(Instant::now())) {
        let probe = heard
            .header("Call-ID")
            .is_some_and(|id| id.starts_with("probe-"));
        if probe {
            assert_eq!(heard.status(), 200);
            alive = true;
            until = Instant::now() + Duration::from_millis(150);
        } else {
            answers.push(heard);
        }
    }
    alive.then_some(answers)
}

/// What an answer has in common with its request.
fn transaction(message: &Heard) -> (String, String) {
    let header = |name| message.header(name).unwrap_or_default().to_owned();
    (header("Call-ID"), header("CSeq"))
}

/// Whether these answers are what the table allows.
fn is_allowed(statuses: &[u16], accepted: &str) -> bool {
    let mut finals: Vec<u16> = statuses.iter().copied().filter(|s| *s >= 200).collect();
    // The same answer twice is a retransmission: a 200 nobody acknowledges.
    finals.dedup();
    match accepted {
        "any" => true,
        "none" => statuses.is_empty(),
        list => {
            finals.len() == 1
                && list.split(',').any(|word| {
                    word == finals[0].to_string() || word == "not-400" && finals[0] != 400
                })
        }
    }
}

/// What the files were answered, one after the other.
#[derive(Default)]
struct Answered {
    before: Vec<(String, String)>,
    wrong: Vec<String>,
}

impl Answered {
    fn judge(&mut self, file: &str, sent: &[u8], mut answers: Vec<Heard>, accepted: &str) {
        let sent = Heard(String::from_utf8_lossy(sent).into_owned());
        // A 200 that nobody acknowledges comes again while other files are sent.
        answers.retain(|answer| {
            let of = transaction(answer);
            of == transaction(&sent) || !self.before.contains(&of)
        });
        self.before.extend(answers.iter().map(transaction));
        let statuses = answers.iter().map(Heard::status).filter(|s| *s > 0);
        let statuses: Vec<u16> = statuses.collect();
        if !is_allowed(&statuses, accepted) {
            self.wrong
                .push(format!("{file}: {statuses:?}, not {accepted}"));
        }
    }
}

#[test]
fn every_torture_message_over_udp_gets_its_answer_and_the_engine_lives_on() {
    if !alone::is_alone(
        "torture::every_torture_message_over_udp_gets_its_answer_and_the_engine_lives_on",
    ) {
        return;
    }
    let engine = town::start();
    let rows = table();
    assert_eq!(rows.len(), 62);
    // Two of the files are one transaction (RFC 5118 §4.10): whoever sends the second is answered
    // where the first came from, so one line sends all.
    let line = Line::from("127.0.0.1", &engine);
    let mut answered = Answered::default();
    for (file, accepted) in rows {
        let bytes = read(&file);
        line.send(&bytes);
        let Some(answers) = answers_until_it_proves_alive(&line) else {
            panic!("{file} killed it:\n{}", engine.log());
        };
        answered.judge(&file, &bytes, answers, &accepted);
    }
    assert!(answered.wrong.is_empty(), "{:#?}", answered.wrong);
    assert!(engine.audit().contains("unbroken"));
}

/// A connection on which `bytes` were sent.
fn sent(engine: &Engine, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", engine.sip)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// A connection that was reset, or TLS that ended without its farewell.
fn is_the_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
}

/// What the connection gives until it is closed; `None` where it still is open after `patience`.
fn until_closed(stream: &mut impl Read, patience: Duration) -> Option<Vec<u8>> {
    let until = Instant::now() + patience;
    let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Some(all),
            Ok(length) => all.extend_from_slice(&buffer[..length]),
            Err(error) if is_the_end(error.kind()) => return Some(all),
            Err(_) if Instant::now() >= until => return None,
            Err(_) => {}
        }
    }
}

#[test]
fn on_a_stream_what_cannot_be_framed_closes_the_connection() {
    if !alone::is_alone("torture::on_a_stream_what_cannot_be_framed_closes_the_connection") {
        return;
    }
    let engine = town::start();
    for file in ["rfc4475/ncl.dat", "rfc4475/mcl01.dat"] {
        let mut stream = sent(&engine, &read(file));
        let said = until_closed(&mut stream, Duration::from_secs(5));
        let said = said.unwrap_or_else(|| panic!("{file}: the connection is still open"));
        let said = Heard(String::from_utf8_lossy(&said).into_owned());
        // An answer is no duty once the framing is lost; a wrong one would be a fault.
        assert!(
            said.0.is_empty() || said.status() == 400,
            "{file}: {}",
            said.0
        );
    }
    // §3.1.2.2: the length promises more than comes, so it waits; 32 seconds, no longer.
    let begun = Instant::now();
    let mut stream = sent(&engine, &read("rfc4475/clerr.dat"));
    assert!(
        until_closed(&mut stream, Duration::from_secs(3)).is_none(),
        "clerr: closed before the rest could come"
    );
    assert!(Line::from("127.0.0.1", &engine).is_served());
    assert!(
        until_closed(&mut stream, Duration::from_secs(45)).is_some(),
        "clerr: the connection is still open after {:?}",
        begun.elapsed()
    );
    assert!(Line::from("127.0.0.1", &engine).is_served());
}

#[test]
fn under_tls_what_cannot_be_framed_closes_the_connection_too() {
    if !alone::is_alone("torture::under_tls_what_cannot_be_framed_closes_the_connection_too") {
        return;
    }
    let (engine, port, certificate) = town::start_with_tls();
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let connect = || {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let patience = Some(Duration::from_millis(500));
        stream.set_read_timeout(patience).unwrap();
        StreamOwned::new(connection, stream)
    };
    for (file, closes) in [("ncl", true), ("mcl01", true), ("clerr", false)] {
        let mut stream = connect();
        stream
            .write_all(&read(&format!("rfc4475/{file}.dat")))
            .unwrap();
        let closed = until_closed(&mut stream, Duration::from_secs(4)).is_some();
        assert_eq!(closed, closes, "{file}");
        assert!(Line::from("127.0.0.1", &engine).is_served());
    }
}

/// A WebSocket of no browser: it names no Origin.
pub type Socket = WebSocket<TcpStream>;

/// One, open.
pub fn websocket(port: u16) -> Socket {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let ask = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: sip\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let patience = Some(Duration::from_millis(150));
    stream.set_read_timeout(patience).unwrap();
    WebSocket::from_raw_socket(stream, Role::Client, None)
}

/// The next SIP message; `None` where none comes for a while.
pub fn framed(socket: &mut Socket) -> Option<Heard> {
    loop {
        match socket.read() {
            Ok(message) if message.is_text() || message.is_binary() => {
                let bytes = message.into_data();
                return Some(Heard(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Ok(message) => assert!(
                !message.is_close(),
                "the connection was closed: {message:?}"
            ),
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return None;
            }
            Err(error) => panic!("the connection broke: {error}"),
        }
    }
}

/// Everything said on this connection until an OPTIONS sent after it is answered.
fn answers_by_frames(socket: &mut Socket) -> Option<Vec<Heard>> {
    let id = unique();
    let probe = format!(
        "OPTIONS sip:hotline SIP/2.0\r\nVia: SIP/2.0/WS probe.invalid;branch=z9hG4bK{id}\r\n\
         From: <sip:probe@probe.invalid>;tag={id}\r\nTo: <sip:hotline>\r\nCall-ID: probe-{id}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send(Message::text(probe)).unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    let (mut answers, mut alive) = (Vec::new(), false);
    loop {
        match framed(socket) {
            Some(heard) if heard.header("Call-ID") == Some(&format!("probe-{id}")) => {
                assert_eq!(heard.status(), 200);
                alive = true;
            }
            Some(heard) => answers.push(heard),
            // A call's media port is opened by another thread: its answer comes a little later.
            None if alive => return Some(answers),
            None if Instant::now() > until => return None,
            None => {}
        }
    }
}

/// RFC 7118 §5: a frame is a message as a datagram is, so the answers are those of UDP, and what a
/// stream could not frame (ncl, mcl01, clerr) is answered here and closes nothing.
#[test]
fn every_torture_message_in_a_frame_gets_its_answer_and_the_connection_lives_on() {
    if !alone::is_alone(
        "torture::every_torture_message_in_a_frame_gets_its_answer_and_the_connection_lives_on",
    ) {
        return;
    }
    let (engine, port) = town::start_with_websockets();
    let mut socket = websocket(port);
    let mut answered = Answered::default();
    for (file, accepted) in table() {
        let bytes = read(&file);
        socket.send(Message::binary(bytes.clone())).unwrap();
        let Some(answers) = answers_by_frames(&mut socket) else {
            panic!("{file} killed it:\n{}", engine.log());
        };
        answered.judge(&file, &bytes, answers, &accepted);
    }
    assert!(answered.wrong.is_empty(), "{:#?}", answered.wrong);
    assert!(Line::from("127.0.0.1", &engine).is_served());
}

/// What is said until the engine closes the connection.
fn until_ended(socket: &mut Socket) -> Vec<Heard> {
    let until = Instant::now() + Duration::from_secs(5);
    let mut said = Vec::new();
    loop {
        match socket.read() {
            Ok(message) if message.is_close() => return said,
            Ok(message) => {
                let bytes = message.into_data();
                said.push(Heard(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return said,
        }
        assert!(Instant::now() < until, "still open");
    }
}

/// A message cut in two frames is two messages that are none, and one too long is none either:
/// both close the connection, as what cannot be framed closes a stream.
#[test]
fn a_message_in_two_frames_and_one_too_long_close_the_connection() {
    let (engine, port) = town::start_with_websockets();
    let mut socket = websocket(port);
    let options = "OPTIONS sip:hotline SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKtwo\r\n\
         From: <sip:a@a.invalid>;tag=1\r\nTo: <sip:hotline>\r\nCall-ID: two\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    let (first, second) = options.split_at(options.len() / 2);
    socket.send(Message::text(first)).unwrap();
    let _ = socket.send(Message::text(second));
    let said = until_ended(&mut socket);
    assert!(
        !said.iter().any(|heard| heard.status() == 200),
        "it was put together"
    );
    let mut socket = websocket(port);
    // The same in fragments of one frame is whole (RFC 6455 §5.4).
    let fragment = |part: &str, code, fin| {
        let part = part.as_bytes().to_vec();
        Message::Frame(Frame::message(part, OpCode::Data(code), fin))
    };
    socket.send(fragment(first, Data::Text, false)).unwrap();
    socket.send(fragment(second, Data::Continue, true)).unwrap();
    let answers = answers_by_frames(&mut socket).expect("it lives on");
    assert_eq!(answers.first().map(Heard::status), Some(200));
    let long = Message::text("x".repeat(SIP_STREAM_MESSAGE_BYTES + 1));
    // It may be closed before all is written.
    let _ = socket.send(long);
    until_ended(&mut socket);
    assert!(Line::from("127.0.0.1", &engine).is_served());
}
