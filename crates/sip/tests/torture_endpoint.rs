//! The torture messages of RFC 4475 and RFC 5118 against a whole endpoint on UDP that answers
//! every call and every registration: the final status of each, and that it lives on.

#![cfg(test)]

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path as FilePath, PathBuf},
    time::Duration,
};

use hotline_model::{Instant, SeatId};
use hotline_sip::{
    endpoint::{Endpoint, EndpointSettings, Event, Output},
    framing::{Framed, StreamBuffer},
    path::{Path, Transport},
    registration::Registrar,
};

/// Where RFC 4475's messages are. They are fetched, not kept in the repository.
fn rfc4475() -> PathBuf {
    let here = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let given = env::var_os("HOTLINE_TORTURE").map(PathBuf::from);
    given
        .into_iter()
        .chain([
            here.join("../../../shared/torture"),
            here.join("../../target/torture"),
        ])
        .flat_map(|place| [place.join("rfc4475"), place])
        .find(|place| place.join("wsinv.dat").is_file())
        .expect("the RFC 4475 messages: run scripts/fetch-torture.sh or set HOTLINE_TORTURE")
}

fn read(file: &str) -> Vec<u8> {
    let path = match file.strip_prefix("rfc4475/") {
        Some(name) => rfc4475().join(name),
        None => FilePath::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(file),
    };
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A plain user: answers calls, registers everybody as one seat, says what it can do.
struct User {
    endpoint: Endpoint,
    registrar: Registrar,
}

impl User {
    fn new() -> Self {
        let settings = EndpointSettings::new("hotline/test", "hotline", "hotline");
        Self {
            endpoint: Endpoint::new(settings, [1; 32]),
            registrar: Registrar::new(),
        }
    }

    /// Statuses sent for a message, and what it did to the user.
    fn receive(&mut self, bytes: &[u8]) -> Vec<u16> {
        self.receive_by(by(Transport::Udp, 0), bytes)
    }

    /// What a connection does that brings `bytes` in pieces.
    fn receive_stream(&mut self, path: Path, bytes: &[u8]) -> (Vec<u16>, Connection) {
        let mut buffer = StreamBuffer::new();
        let mut statuses = Vec::new();
        for piece in bytes.chunks(100) {
            buffer.push(piece);
            while let Some(framed) = buffer.next_framed() {
                match framed {
                    Framed::Message(message) => statuses.extend(self.receive_by(path, message)),
                    Framed::KeepAlivePing => {}
                    Framed::Broken(_) => return (statuses, Connection::Closed),
                }
            }
        }
        let waits = buffer.is_mid_message();
        let left = [Connection::Ready, Connection::Waiting][usize::from(waits)];
        (statuses, left)
    }

    fn is_alive(&mut self, path: Path) -> bool {
        self.receive_by(path, OPTIONS) == [200]
    }

    fn receive_by(&mut self, path: Path, bytes: &[u8]) -> Vec<u16> {
        let now = Instant::START;
        let mut statuses = Vec::new();
        self.endpoint.receive(now, path, bytes);
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { path: to, bytes } => {
                    assert_eq!(to, path, "answers go back to where the request came from");
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let status = text.strip_prefix("SIP/2.0 ").expect("a response");
                    statuses.push(status[..3].parse().unwrap());
                }
                Output::Event(Event::Invited { dialog, .. }) => {
                    self.endpoint.answer(now, dialog, b"v=0\r\n".to_vec());
                }
                Output::Event(Event::Request { id, path, request }) => {
                    let message = request.message().unwrap();
                    if message.method().as_bytes() == b"REGISTER" {
                        let seat = SeatId::new("1001").unwrap();
                        let answer = self.registrar.register(now, seat, &message, path);
                        self.endpoint
                            .respond(now, id, answer.status, &answer.headers, Vec::new());
                    } else {
                        self.endpoint.respond(now, id, 200, &[], Vec::new());
                    }
                }
                Output::Event(other) => panic!("{other:?}"),
                Output::ClosePath(_) => panic!("a datagram has nothing to close"),
            }
        }
        statuses
    }
}

const OPTIONS: &[u8] = b"OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKlive\r\n\
    From: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: live\r\nCSeq: 1 OPTIONS\r\n\r\n";

/// How a connection stands after what came by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Connection {
    Ready,
    /// In the middle of a message; closed when the rest does not come in time.
    Waiting,
    Closed,
}

fn by(transport: Transport, connection: u64) -> Path {
    Path::stream(
        transport,
        SocketAddr::from(([127, 0, 0, 1], 5060)),
        SocketAddr::from(([127, 0, 0, 1], 5099)),
        connection,
    )
}

/// File and accepted statuses of each message.
fn table() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("torture.tsv").lines().filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns[..] {
            [file, _, _, _, accepted, _] if file != "file" => Some((file, accepted)),
            _ => None,
        }
    });
    rows.collect()
}

fn is_accepted(statuses: &[u16], accepted: &str) -> bool {
    let finals: Vec<_> = statuses.iter().filter(|status| **status >= 200).collect();
    let one = finals.first().map_or(0, |status| **status);
    match accepted {
        "none" => statuses.is_empty(),
        "any" => true,
        list => {
            finals.len() == 1
                && list
                    .split(',')
                    .any(|word| word == one.to_string() || word == "not-400" && one != 400)
        }
    }
}

// A WebSocket frames as a datagram does (RFC 7118 §5.2): the same answers.
#[test]
fn every_torture_message_gets_its_answer_in_a_websocket() {
    for transport in [Transport::Ws, Transport::Wss] {
        let mut count = 0;
        for (file, accepted) in table() {
            let mut user = User::new();
            let statuses = user.receive_by(by(transport, 1), &read(file));
            assert!(is_accepted(&statuses, accepted), "{file}: {statuses:?}");
            assert!(user.is_alive(by(transport, 2)), "after {file}");
            count += 1;
        }
        assert_eq!(count, 62);
    }
}

// RFC 3261 §18.3: where a message ends, Content-Length alone says on a stream. A message whose
// length is in doubt takes the connection with it, and nothing else (RFC 4475 §3.1.2.2, §3.1.2.3,
// §3.3.9).
#[test]
fn a_torture_message_costs_a_stream_at_most_its_connection() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let (mut closed, mut waiting) = (Vec::new(), Vec::new());
        for (file, accepted) in table() {
            let mut user = User::new();
            let path = by(transport, 1);
            let (statuses, left) = user.receive_stream(path, &read(file));
            let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
            match left {
                Connection::Closed => closed.push(name),
                // What stands behind the body is the start of another message.
                Connection::Waiting if statuses.is_empty() => waiting.push(name),
                _ => assert!(is_accepted(&statuses, accepted), "{file}: {statuses:?}"),
            }
            assert!(user.is_alive(by(transport, 2)), "beside {file}");
            user.endpoint.path_lost(Instant::START, path);
            assert!(user.is_alive(by(transport, 3)), "after {file}");
        }
        for name in ["ncl.dat", "mcl01.dat"] {
            assert!(closed.contains(&name), "{name} by {transport}: {closed:?}");
        }
        assert!(waiting.contains(&"clerr.dat"), "{transport}: {waiting:?}");
        // Those that say how long they are and are it stay well.
        let lost = closed.len() + waiting.len();
        assert!(lost <= 8, "{transport}: {closed:?} {waiting:?}");
    }
}

#[test]
fn every_torture_message_gets_its_answer() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, accepted) in table() {
        count += 1;
        let mut user = User::new();
        let statuses = user.receive(&read(file));
        if !is_accepted(&statuses, accepted) {
            failures.push(format!("{file}: {statuses:?}, not {accepted}"));
        }
        assert!(user.is_alive(by(Transport::Udp, 0)), "after {file}");
        let mut now = Instant::START;
        for _ in 0..200 {
            now = now + Duration::from_secs(1);
            user.endpoint.wake(now);
            while user.endpoint.poll_output().is_some() {}
        }
        let counts = user.endpoint.counts();
        assert_eq!((counts.dialogs, counts.timers), (0, 0), "{file}");
    }
    assert_eq!(failures, [""; 0]);
    assert_eq!(count, 62);
}

#[test]
fn a_contact_of_a_register_keeps_its_uri_parameters() {
    // RFC 4475 §3.3.12 to §3.3.14.
    for (file, uri) in [
        ("rfc4475/cparam01.dat", "sip:+19725552222@gw1.example.net"),
        (
            "rfc4475/cparam02.dat",
            "sip:+19725552222@gw1.example.net;unknownparam",
        ),
        (
            "rfc4475/regescrt.dat",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        ),
    ] {
        let mut user = User::new();
        assert_eq!(user.receive(&read(file)), [200], "{file}");
        let seat = SeatId::new("1001").unwrap();
        assert_eq!(user.registrar.contact(seat).unwrap().uri, uri);
    }
}
