//! A browser that is signed in as a seat's agent needs no password on its WebSocket, and speaks for
//! that seat alone.

#![cfg(test)]

use core::time::Duration;
use std::net::SocketAddr;

use hotline_calls::{Exchange, Input, Output, Path, Transport, settings::Aor};
use hotline_model::{CallId, Instant, SeatId, Timestamp, event::Event};
use hotline_sim::town::{seat_id, settings};

const LOCAL: ([u8; 4], u16) = ([10, 0, 0, 1], 7_443);

fn wss(connection: u64) -> Path {
    let remote = SocketAddr::from(([10, 2, 0, 9], 50_000));
    Path::stream(Transport::Wss, LOCAL.into(), remote, connection)
}

/// An exchange with two seats and no trunk, at which `seat` has just opened connection 7.
fn with_browser(seat: usize) -> Result<Exchange, String> {
    let settings = settings(2, std::iter::empty())?;
    let mut exchange = Exchange::new(settings, [7; 32], CallId(1), Timestamp(0));
    let (path, seat) = (wss(7), seat_id(seat));
    exchange.handle_input(Instant::START, Input::SeatConnected { path, seat });
    Ok(exchange)
}

fn request(method: &str, from: &str, to: &str, number: u32) -> String {
    let length = if method == "INVITE" { OFFER.len() } else { 0 };
    let body = if method == "INVITE" { OFFER } else { "" };
    format!(
        "{method} sip:{to}@10.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 69\r\nFrom: <sip:{from}@10.0.0.1>;tag=a{number}\r\n\
         To: <sip:{to}@10.0.0.1>\r\nCall-ID: c{number}\r\nCSeq: {number} {method}\r\n\
         Contact: <sip:x@df7jal23ls0d.invalid;transport=ws>\r\nExpires: 60\r\n\
         Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// What a browser offers: ICE, DTLS, rtcp-mux.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\n";

/// Sends a request and gives the final status, following the media worker's word.
fn ask(exchange: &mut Exchange, path: Path, text: &str) -> u16 {
    let now = Instant::START + Duration::from_secs(1);
    let bytes = text.as_bytes();
    exchange.handle_input(now, Input::Received { path, bytes });
    let mut last = 0;
    while let Some(output) = exchange.poll_output() {
        match output {
            Output::Transmit { bytes, path: by } => {
                assert_eq!(by, path, "an answer goes back by the connection");
                let line = String::from_utf8_lossy(&bytes);
                last = line[8..11].parse().expect("a status");
            }
            Output::Media(hotline_media::Command::Open { leg, .. }) => {
                let report = hotline_media::Report::Opened { leg, port: 20_000 };
                exchange.handle_input(now, Input::Media(report));
            }
            _ => {}
        }
    }
    last
}

#[test]
fn a_signed_in_browser_registers_and_calls_without_a_password() -> Result<(), String> {
    let mut exchange = with_browser(0)?;
    assert_eq!(
        ask(
            &mut exchange,
            wss(7),
            &request("REGISTER", "1000", "1000", 1)
        ),
        200
    );
    assert!(exchange.is_registered_on(&wss(7)));
    assert_eq!(
        exchange
            .switchboard()
            .registrar
            .contacts(Aor::Seat(seat_id(0)))
            .len(),
        1
    );
    // A browser's media cannot be answered yet, and is refused in words it knows.
    assert_eq!(
        ask(
            &mut exchange,
            wss(7),
            &request("INVITE", "1000", "12345", 2)
        ),
        488
    );
    assert_eq!(exchange.live_calls(), 0);
    // The refresh of the registration still works.
    assert_eq!(
        ask(
            &mut exchange,
            wss(7),
            &request("REGISTER", "1000", "1000", 3)
        ),
        200
    );
    Ok(())
}

#[test]
fn it_speaks_for_nobody_else() -> Result<(), String> {
    let mut exchange = with_browser(0)?;
    for (method, from, to) in [
        ("REGISTER", "1001", "1001"),
        ("REGISTER", "1000", "1001"),
        ("REGISTER", "1001", "1000"),
        ("INVITE", "1001", "12345"),
        ("INVITE", "anonymous", "12345"),
        ("INVITE", "1001", "*1"),
    ] {
        let number = u32::try_from(from.len() + 10 * to.len()).unwrap_or(1);
        let request = request(method, from, to, number + u32::from(method == "INVITE"));
        assert_eq!(
            ask(&mut exchange, wss(7), &request),
            403,
            "{method} {from} → {to}"
        );
    }
    assert!(
        exchange
            .switchboard()
            .registrar
            .contacts(Aor::Seat(seat_id(1)))
            .is_empty()
    );
    Ok(())
}

#[test]
fn another_connection_and_a_lost_one_need_a_password() -> Result<(), String> {
    let mut exchange = with_browser(0)?;
    let register = |number| request("REGISTER", "1000", "1000", number);
    assert_eq!(ask(&mut exchange, wss(8), &register(1)), 401);
    // The number of a connection counts on a WebSocket only.
    let tcp = Path::tcp(wss(7).local, wss(7).remote, 7);
    assert_eq!(ask(&mut exchange, tcp, &register(2)), 401);
    assert_eq!(ask(&mut exchange, wss(7), &register(3)), 200);
    exchange.handle_input(Instant::START, Input::PathLost(wss(7)));
    let mut said = Vec::new();
    while let Some(output) = exchange.poll_output() {
        if let Output::Event(stamped) = output {
            said.push(matches!(stamped.event, Event::SeatDeviceChanged { .. }));
        }
    }
    assert!(said.contains(&true), "the seat has no phone any more");
    assert!(!exchange.is_registered_on(&wss(7)));
    assert_eq!(ask(&mut exchange, wss(7), &register(4)), 401);
    Ok(())
}

/// An exchange at which the browser of seat 1000 is registered and its page follows; a desk is lost
/// after 10 s.
fn with_page() -> Result<Exchange, String> {
    let mut settings = settings(2, std::iter::empty())?;
    settings.desk_lost_after = Some(Duration::from_secs(10));
    let mut exchange = Exchange::new(settings, [7; 32], CallId(1), Timestamp(0));
    let (path, seat) = (wss(7), seat_id(0));
    exchange.handle_input(Instant::START, Input::SeatConnected { path, seat });
    let register = request("REGISTER", "1000", "1000", 1);
    assert_eq!(ask(&mut exchange, wss(7), &register), 200);
    streams(&mut exchange, seconds(2), true);
    Ok(exchange)
}

fn seconds(n: u64) -> Instant {
    Instant::START + Duration::from_secs(n)
}

/// A page of seat 1000 begins to follow, or ends.
fn streams(exchange: &mut Exchange, now: Instant, opened: bool) {
    let seat = seat_id(0);
    exchange.handle_input(now, Input::DeskStreams { seat, opened });
}

/// What the journal says of desks, with the milliseconds.
fn desks(exchange: &mut Exchange) -> Vec<(bool, SeatId, u64)> {
    let mut told = Vec::new();
    while let Some(output) = exchange.poll_output() {
        let Output::Event(stamped) = output else {
            continue;
        };
        match stamped.event {
            Event::SeatDeskLost { seat, after_ms } => told.push((true, seat, after_ms)),
            Event::SeatDeskBack { seat, lost_ms } => told.push((false, seat, lost_ms)),
            _ => {}
        }
    }
    told
}

fn is_lost(exchange: &Exchange) -> bool {
    let seat = exchange.switchboard().floor.seat(seat_id(0));
    seat.is_some_and(|seat| seat.desk_lost)
}

#[test]
fn a_page_that_stays_away_loses_the_desk_until_it_is_back() -> Result<(), String> {
    let mut exchange = with_page()?;
    let seat = seat_id(0);
    // Two pages: one that ends changes nothing. A browser that connects again is quick enough.
    streams(&mut exchange, seconds(3), true);
    streams(&mut exchange, seconds(4), false);
    exchange.handle_input(seconds(20), Input::TimePassed);
    streams(&mut exchange, seconds(20), false);
    streams(&mut exchange, seconds(25), true);
    exchange.handle_input(seconds(30), Input::TimePassed);
    assert_eq!(desks(&mut exchange), []);
    streams(&mut exchange, seconds(30), false);
    assert!(exchange.next_wake().is_some_and(|at| at <= seconds(40)));
    exchange.handle_input(seconds(39), Input::TimePassed);
    assert!(!is_lost(&exchange));
    exchange.handle_input(seconds(40), Input::TimePassed);
    assert!(is_lost(&exchange));
    assert_eq!(desks(&mut exchange), [(true, seat, 10_000)]);
    // Its phone goes, too: it is no less lost.
    exchange.handle_input(seconds(41), Input::PathLost(wss(7)));
    assert!(is_lost(&exchange));
    streams(&mut exchange, seconds(45), true);
    assert!(!is_lost(&exchange));
    assert_eq!(desks(&mut exchange), [(false, seat, 15_000)]);
    Ok(())
}

#[test]
fn a_phone_on_the_table_needs_no_page() -> Result<(), String> {
    let mut settings = settings(2, std::iter::empty())?;
    settings.desk_lost_after = Some(Duration::from_secs(10));
    let mut exchange = Exchange::new(settings, [7; 32], CallId(1), Timestamp(0));
    streams(&mut exchange, seconds(1), true);
    streams(&mut exchange, seconds(2), false);
    exchange.handle_input(seconds(20), Input::TimePassed);
    assert!(!is_lost(&exchange));
    // It asks for no waking again and again.
    assert!(exchange.next_wake().is_none_or(|at| at > seconds(20)));
    assert_eq!(desks(&mut exchange), []);
    // The browser comes while its page is still away.
    let (path, seat) = (wss(7), seat_id(0));
    exchange.handle_input(seconds(21), Input::SeatConnected { path, seat });
    let register = request("REGISTER", "1000", "1000", 1);
    let bytes = register.as_bytes();
    exchange.handle_input(seconds(21), Input::Received { path, bytes });
    assert!(is_lost(&exchange));
    Ok(())
}
