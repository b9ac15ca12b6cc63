//! A page that is cut off, of an agent whose phone is in the browser: nobody rings there until it is
//! back.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use hotline_sip::{
    digest::{Login, answer as proof},
    message::Method,
};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::{
    desks::caller,
    engine::Engine,
    line::{Heard, unique},
    torture::{Socket, framed, websocket},
    town,
};

fn heard(socket: &mut Socket, id: &str, number: u32) -> Heard {
    let cseq = format!("{number} REGISTER");
    for _ in 0..40 {
        if let Some(heard) = framed(socket)
            && heard.header("Call-ID") == Some(id)
            && heard.header("CSeq") == Some(&cseq)
        {
            return heard;
        }
    }
    panic!("no answer to {cseq}");
}

/// The browser's phone of seat 1001 registers.
fn registers(socket: &mut Socket, password: &str) {
    let (id, uri) = (unique(), "sip:hotline");
    let request = |number: u32, proof: &str| {
        format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/WS seat.invalid;branch=z9hG4bK{id}{number}\r\n\
             From: <sip:1001@hotline>;tag={id}\r\nTo: <sip:1001@hotline>\r\nCall-ID: {id}\r\n\
             CSeq: {number} REGISTER\r\nContact: <sip:1001@seat.invalid;transport=ws>\r\n\
             Expires: 300\r\nMax-Forwards: 70\r\n{proof}Content-Length: 0\r\n\r\n"
        )
    };
    socket.send(Message::text(request(1, ""))).unwrap();
    let challenge = heard(socket, &id, 1);
    let login = Login {
        user: "1001",
        password,
        realm: None,
    };
    let challenges = challenge.headers("WWW-Authenticate");
    let challenges = challenges.iter().map(|value| value.as_bytes());
    let proof = proof(challenges, &login, Method::Register, uri, "0a4f", 1).unwrap();
    let proof = format!("Authorization: {proof}\r\n");
    socket.send(Message::text(request(2, &proof))).unwrap();
    assert_eq!(heard(socket, &id, 2).status(), 200);
}

/// Whether an INVITE comes within a second or two.
fn rings(socket: &mut Socket) -> bool {
    (0..12).any(|_| framed(socket).is_some_and(|it| it.0.starts_with("INVITE ")))
}

/// The page follows the live stream for as long as this lives.
fn page(engine: &Engine, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", engine.http)).unwrap();
    let ask = format!(
        "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

fn until_lost(engine: &Engine, is: &Value) {
    engine.until("the desk as it is", 10, |board| {
        (Engine::seat(board, "1001")["desk_lost"] == *is).then_some(())
    });
}

#[test]
fn a_seat_whose_page_is_cut_off_is_offered_nothing_until_it_is_back() {
    let (engine, port) = town::start_with_websockets();
    let short = "[sign_in]\ndesk_lost_after_s = 1";
    engine.configure("seats.toml", "# [sign_in]", short);
    assert_eq!(engine.post("/api/v1/config/reload", &json!({})).0, 200);
    let token = engine.sign_in("1001");
    let mut socket = websocket(port);
    registers(&mut socket, &engine.password("1001"));
    let follows = page(&engine, &token);
    let ready = engine.post("/api/v1/seats/1001/ready", &json!({}));
    assert_eq!(ready.0, 204);
    drop(follows);
    until_lost(&engine, &json!(true));
    let (mut citizen, _ear) = caller(&engine);
    assert!(!rings(&mut socket), "nobody sits there");
    let _follows = page(&engine, &token);
    assert!(rings(&mut socket), "the caller waited for the page");
    until_lost(&engine, &Value::Null);
    citizen.hangs_up();
    let audit = engine.audit();
    assert!(audit.contains("unbroken"), "{audit}");
}
