//! WebSockets: who may open one, and how messages go in frames.

use std::{path::Path as FilePath, sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use futures_util::{SinkExt, StreamExt};
use hotline_calls::Transport;
use hotline_model::{SeatId, limits::SIP_STREAM_MESSAGE_BYTES};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use super::{Bench, OPTIONS, PATIENCE, is_closed, settings, with};
use crate::{
    config::accounts::Role,
    http::Sessions,
    net::{
        patience::Patience,
        streams::{FromStream, Settings},
        ws::{Browsers, Refused},
    },
};

type Socket = WebSocketStream<TcpStream>;

const SIP: (&str, &str) = ("sec-websocket-protocol", "sip");

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn browsers(origins: &[&str]) -> (Browsers, Arc<Sessions>) {
    let sessions = Arc::new(Sessions::default());
    let browsers = Browsers {
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        sessions: sessions.clone(),
    };
    (browsers, sessions)
}

fn status(admitted: Result<impl Sized, Refused>) -> u16 {
    admitted
        .map_or_else(
            |refused| refused.status(),
            |_| StatusCode::SWITCHING_PROTOCOLS,
        )
        .as_u16()
}

#[test]
fn sip_must_be_spoken() {
    let (browsers, _) = browsers(&[]);
    for (offer, wanted) in [
        ("sip", 101),
        ("msrp, sip", 101),
        ("sips", 400),
        ("chat", 400),
        ("", 400),
    ] {
        let found = browsers.admit(&headers(&[("sec-websocket-protocol", offer)]));
        assert_eq!(status(found), wanted, "{offer:?}");
    }
    assert_eq!(status(browsers.admit(&HeaderMap::new())), 400);
}

#[test]
fn only_pages_that_are_allowed_open_one() {
    let (own_host, _) = browsers(&[]);
    let (listed, _) = browsers(&["https://desk.example"]);
    let host = ("host", "127.0.0.1:7443");
    for (origin, by_host, by_list) in [
        ("https://127.0.0.1:8443", 101, 403),
        ("http://127.0.0.1", 101, 403),
        ("https://desk.example", 403, 101),
        ("https://DESK.example", 403, 101),
        ("http://desk.example", 403, 403),
        ("https://desk.example:444", 403, 403),
        ("https://desk.example.evil", 403, 403),
        ("https://127.0.0.1.evil", 403, 403),
        ("null", 403, 403),
        ("", 403, 403),
    ] {
        let request = headers(&[SIP, host, ("origin", origin)]);
        assert_eq!(
            status(own_host.admit(&request)),
            by_host,
            "{origin:?} by host"
        );
        assert_eq!(
            status(listed.admit(&request)),
            by_list,
            "{origin:?} by list"
        );
    }
    let two = headers(&[
        SIP,
        host,
        ("origin", "https://127.0.0.1"),
        ("origin", "https://evil.example"),
    ]);
    assert_eq!(status(own_host.admit(&two)), 403);
}

#[test]
fn a_cookie_makes_a_seat_and_needs_an_origin() {
    let (browsers, sessions) = browsers(&[]);
    let seat = SeatId::new("1001").unwrap();
    let agent = sessions.signed_in(Role::Agent, Some(seat));
    let supervisor = sessions.signed_in(Role::Supervisor, None);
    let ask = |cookie: &str, origin: Option<&str>| {
        let mut lines = vec![SIP, ("host", "h"), ("cookie", cookie)];
        lines.extend(origin.map(|origin| ("origin", origin)));
        browsers.admit(&headers(&lines))
    };
    let own = Some("https://h");
    let cookie = format!("a=b; hotline_session={agent}");
    assert_eq!(
        ask(&cookie, own).unwrap().map(|found| found.seat),
        Some(seat)
    );
    assert_eq!(status(ask(&cookie, None)), 403, "no page, but a session");
    assert_eq!(status(ask(&cookie, Some("https://evil.example"))), 403);
    let other = format!("hotline_session={supervisor}");
    assert_eq!(ask(&other, own), Ok(None));
    assert_eq!(ask("hotline_session=0000", own), Ok(None));
    // A Bearer token is no cookie: no page sends it by itself, and no browser at all.
    let bearer = format!("Bearer {agent}");
    let found = browsers.admit(&headers(&[SIP, ("authorization", &bearer)]));
    assert_eq!(found, Ok(None));
    sessions.signed_out(&agent);
    assert_eq!(ask(&cookie, own), Ok(None));
}

async fn open(bench: &Bench, lines: &[(&str, &str)]) -> Socket {
    let mut request = format!("ws://{}/", bench.ws).into_client_request().unwrap();
    request.headers_mut().extend(headers(lines));
    let stream = TcpStream::connect(bench.ws).await.unwrap();
    let (socket, response) = client_async(request, stream).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "sip");
    socket
}

async fn next(socket: &mut Socket) -> Option<Message> {
    let next = timeout(PATIENCE, socket.next()).await.unwrap();
    next.and_then(Result::ok)
}

async fn close_code(socket: &mut Socket) -> Option<CloseCode> {
    loop {
        match next(socket).await {
            Some(Message::Close(frame)) => return frame.map(|frame| frame.code),
            Some(_) => {}
            None => return None,
        }
    }
}

fn run<F: Future<Output = ()> + 'static>(
    patience: Patience,
    sessions: Arc<Sessions>,
    test: impl FnOnce(Bench) -> F + 'static,
) {
    let folder = tempfile::tempdir().unwrap();
    let at: Box<FilePath> = folder.path().into();
    let settings = move || Settings {
        patience,
        ..settings(&at, sessions)
    };
    with(settings, test);
}

#[test]
fn a_frame_is_a_message_whatever_its_kind() {
    run(
        Patience::default(),
        Arc::default(),
        |mut bench| async move {
            let mut socket = open(&bench, &[SIP]).await;
            // No Content-Length needed, and no second message found in one (RFC 7118 §5.2).
            let text = format!("{OPTIONS}{OPTIONS}");
            socket.send(Message::text(text.clone())).await.unwrap();
            let (path, came) = bench.message().await;
            assert_eq!((path.transport, came), (Transport::Ws, text.clone()));
            assert_eq!(next(&mut socket).await, Some(Message::text(text)));
            // GBK is no UTF-8: it comes in a binary frame and goes in one.
            let gbk = [OPTIONS.as_bytes(), b"\xd6\xd0"].concat();
            socket.send(Message::binary(gbk.clone())).await.unwrap();
            assert_eq!(next(&mut socket).await, Some(Message::binary(gbk)));
            bench.next().await;
            // An empty line keeps alive and is no message.
            socket.send(Message::text("\r\n\r\n")).await.unwrap();
            assert_eq!(next(&mut socket).await, Some(Message::text("\r\n")));
            socket.close(None).await.unwrap();
            assert_eq!(bench.closed().await, path);
        },
    );
}

#[test]
fn a_longest_message_passes_and_a_longer_one_ends_the_connection() {
    run(
        Patience::default(),
        Arc::default(),
        |mut bench| async move {
            let mut socket = open(&bench, &[SIP]).await;
            let longest = "x".repeat(SIP_STREAM_MESSAGE_BYTES);
            socket.send(Message::text(longest.clone())).await.unwrap();
            assert_eq!(bench.message().await.1.len(), SIP_STREAM_MESSAGE_BYTES);
            assert_eq!(
                next(&mut socket).await,
                Some(Message::text(longest.clone()))
            );
            socket.send(Message::text(longest + "x")).await.unwrap();
            assert_eq!(close_code(&mut socket).await, Some(CloseCode::Size));
            bench.closed().await;
        },
    );
}

#[test]
fn a_quiet_browser_is_pinged_and_a_dead_one_given_up() {
    let patience = Patience {
        ping: Duration::from_millis(100),
        ..Patience::default()
    };
    run(patience, Arc::default(), |mut bench| async move {
        let mut socket = open(&bench, &[SIP]).await;
        // Reading answers the ping: five of them, and the connection lives.
        for _ in 0..5 {
            assert!(matches!(next(&mut socket).await, Some(Message::Ping(_))));
        }
        socket.send(Message::text(OPTIONS)).await.unwrap();
        let (path, _) = bench.message().await;
        // Who does not read does not answer.
        assert_eq!(bench.closed().await, path);
    });
}

#[test]
fn a_signed_in_browser_is_a_seat_until_it_signs_out() {
    let sessions = Arc::new(Sessions::default());
    let seat = SeatId::new("1001").unwrap();
    let token = sessions.signed_in(Role::Agent, Some(seat));
    let patience = Patience {
        ping: Duration::from_millis(100),
        ..Patience::default()
    };
    run(patience, sessions.clone(), move |mut bench| async move {
        let host = bench.ws.to_string();
        let origin = format!("http://{host}");
        let cookie = format!("hotline_session={token}");
        let lines = [
            SIP,
            ("origin", origin.as_str()),
            ("cookie", cookie.as_str()),
        ];
        let mut socket = open(&bench, &lines).await;
        let first = bench.next().await;
        let FromStream::SeatConnected(path, found) = first else {
            panic!("{first:?}");
        };
        assert_eq!((path.transport, found), (Transport::Ws, seat));
        socket.send(Message::text(OPTIONS)).await.unwrap();
        assert_eq!(bench.message().await.0, path);
        sessions.signed_out(&token);
        assert_eq!(close_code(&mut socket).await, Some(CloseCode::Policy));
        assert_eq!(bench.closed().await, path);
    });
}

#[test]
fn a_refused_handshake_says_why() {
    run(
        Patience::default(),
        Arc::default(),
        |mut bench| async move {
            for (lines, status) in [
                ("Sec-WebSocket-Protocol: chat\r\n", "400"),
                ("", "400"),
                (
                    "Sec-WebSocket-Protocol: sip\r\nOrigin: https://evil.example\r\n",
                    "403",
                ),
                (
                    "Sec-WebSocket-Protocol: sip\r\nCookie: hotline_session=x\r\n",
                    "403",
                ),
            ] {
                let mut stream = TcpStream::connect(bench.ws).await.unwrap();
                let request = format!(
                    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 {lines}\r\n"
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let said = String::from_utf8(is_closed(&mut stream).await).unwrap();
                assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
                bench.closed().await;
            }
        },
    );
}
