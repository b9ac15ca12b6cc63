//! Peers that are slow, too many, or speak something else.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Bench, OPTIONS, is_closed, round_trip, settings, with};
use crate::net::{patience::Patience, streams::Settings};

const SOON: Duration = Duration::from_millis(100);

#[test]
fn who_says_nothing_is_closed() {
    let settings = || Settings {
        patience: Patience {
            first_message: SOON,
            ..Patience::default()
        },
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        // An empty line is no message.
        stream.write_all(b"\r\n").await.unwrap();
        assert_eq!(is_closed(&mut stream).await, b"");
        bench.closed().await;
    });
}

#[test]
fn a_message_that_dribbles_in_is_not_waited_for() {
    let settings = || Settings {
        patience: Patience {
            message: SOON,
            ..Patience::default()
        },
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        round_trip(&mut stream).await;
        bench.message().await;
        let mut bytes = OPTIONS.bytes().cycle();
        // Each byte comes soon after the last, the whole never.
        stream.write_all(b"X").await.unwrap();
        loop {
            let byte = bytes.next().unwrap();
            let byte = if byte.is_ascii_graphic() { byte } else { b'x' };
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(SOON / 10).await;
        }
        bench.closed().await;
    });
}

#[test]
fn a_handshake_that_does_not_end_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    let settings = move || Settings {
        patience: Patience {
            handshake: SOON,
            ..Patience::default()
        },
        ..settings(&at, Default::default())
    };
    with(settings, |mut bench| async move {
        for (at, begin) in [
            (bench.tls, &b"\x16\x03\x01"[..]),
            (bench.ws, b"GET / HTTP/1.1\r\nHost: "),
            (bench.wss, b""),
        ] {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(begin).await.unwrap();
            is_closed(&mut stream).await;
            bench.closed().await;
        }
    });
}

#[test]
fn another_protocol_is_closed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    with(
        move || settings(&at, Default::default()),
        |mut bench| async move {
            for (at, bytes) in [
                (bench.tcp, &b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"[..]),
                (bench.tcp, b"\x16\x03\x01\x02\x00\x01\x00\x01"),
                (bench.tls, OPTIONS.as_bytes()),
                (bench.ws, OPTIONS.as_bytes()),
                (bench.wss, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
            ] {
                let mut stream = TcpStream::connect(at).await.unwrap();
                stream.write_all(bytes).await.unwrap();
                is_closed(&mut stream).await;
                bench.closed().await;
            }
        },
    );
}

/// Opens connections until one is refused: how many were let in.
async fn let_in(bench: &mut Bench, most: usize) -> (usize, Vec<TcpStream>) {
    let mut open = Vec::new();
    for _ in 0..most {
        let mut stream = TcpStream::connect(bench.tcp).await.unwrap();
        if stream.write_all(OPTIONS.as_bytes()).await.is_err() || is_silent(&mut stream).await {
            break;
        }
        bench.message().await;
        open.push(stream);
    }
    (open.len(), open)
}

/// Whether the connection is closed before its message comes back.
async fn is_silent(stream: &mut TcpStream) -> bool {
    use tokio::io::AsyncReadExt;
    let mut back = vec![0; OPTIONS.len()];
    stream.read_exact(&mut back).await.is_err()
}

#[test]
fn one_source_has_its_share_and_gets_it_back() {
    let settings = || Settings {
        per_source: 3,
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let (count, mut open) = let_in(&mut bench, 5).await;
        assert_eq!(count, 3);
        open.pop();
        bench.closed().await;
        let (count, _again) = let_in(&mut bench, 5).await;
        assert_eq!(count, 1);
        // Those that were let in are served as before.
        round_trip(&mut open[0]).await;
    });
}

#[test]
fn when_full_the_newest_is_closed_and_a_trunk_has_no_share() {
    let settings = || Settings {
        per_source: 1,
        connections: 4,
        known: vec![std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into()],
        ..Settings::default()
    };
    with(settings, |mut bench| async move {
        let (count, mut open) = let_in(&mut bench, 6).await;
        assert_eq!(count, 4);
        round_trip(&mut open[3]).await;
    });
}
