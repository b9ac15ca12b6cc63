//! Seats in browsers, by the `webrtc` crate: tones both ways, held and taken back, seat to seat, and
//! what must not be heard.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    browser_seat::{Oddity, Page, Phone, Stage, Try},
    engine::{Engine, free_port},
    town,
};

/// Tones, Hz.
const SEAT: u32 = 600;
const CALLER: u32 = 900;
const COLLEAGUE: u32 = 1_300;

/// How long it is listened for what must not come: twice as long as a seat is announced, after
/// which the two hear each other.
const LONG_ENOUGH: Duration = Duration::from_secs(8);

/// Two threads, so that a phone speaks while the test asks the engine.
fn run(test: impl Future<Output = Try<()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test).unwrap();
}

/// An engine with browsers' doors.
fn engine() -> Engine {
    let first = town::slice();
    let mut engine = town::prepare_with(first, first + 188);
    let socket = format!("\nws_port = {}", free_port());
    engine.configure("engine.toml", "\nws_port = 0", &socket);
    // Two threads of sound, a port each.
    let sound = format!("\nbrowser_port = {}", first + 192);
    engine.configure("engine.toml", "\nbrowser_port = 0", &sound);
    engine.restart();
    engine
}

fn sip(engine: &Engine) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, engine.sip).into()
}

/// A seat whose browser is signed in and registered, and its page.
async fn seat(engine: &Engine, id: &str, hertz: u32, oddity: Oddity) -> Try<(Phone, Page)> {
    let pages = SocketAddr::new(engine.host, engine.http);
    let page = Page::sign_in(pages, id, &engine.password(id)).await?;
    let phone = Phone::browser(&page, id, hertz, oddity).await?;
    engine.until(&format!("{id} has a phone"), 10, |board| {
        (Engine::seat(board, id)["device"] == "registered").then_some(())
    });
    Ok((phone, page))
}

/// The only seat that is ready, and a caller whom it has answered.
async fn talk(engine: &Engine, oddity: Oddity) -> Try<(Phone, Phone)> {
    let (seat, page) = seat(engine, "1001", SEAT, oddity).await?;
    page.post("/api/v1/seats/1001/ready", &json!({})).await?;
    let caller = Phone::caller(sip(engine), "13800001234", CALLER).await?;
    caller.dial("12345").await?;
    seat.is(Stage::Talking).await?;
    Ok((seat, caller))
}

#[test]
fn a_seat_in_a_browser_and_a_caller_hear_each_other() {
    let engine = engine();
    run(async {
        let (seat, caller) = talk(&engine, Oddity::None).await?;
        caller.hears(SEAT).await?;
        seat.hears(CALLER).await?;
        // A second of it, and nothing is missing on a loopback.
        for (phone, tone) in [(&seat, CALLER), (&caller, SEAT)] {
            phone.listens_anew();
            sleep(Duration::from_secs(1)).await;
            let heard = phone.heard();
            assert!(heard.packets >= 40, "{} packets", heard.packets);
            assert!(heard.seconds_of(tone) > 0.7, "{}", heard.seconds_of(tone));
            assert_eq!(heard.lost, 0);
        }
        seat.hang_up().await?;
        engine.until("the seat's work is over", 10, |board| {
            (Engine::seat(board, "1001")["work"] == "free").then_some(())
        });
        caller.hang_up().await
    });
}

#[test]
fn a_seat_in_a_browser_holds_its_caller_and_takes_the_call_back() {
    let engine = engine();
    run(async {
        let (seat, caller) = talk(&engine, Oddity::None).await?;
        caller.hears(SEAT).await?;
        for _ in 0..2 {
            seat.hold().await?;
            engine.until("the board shows the hold", 10, |board| {
                (Engine::seat(board, "1001")["work"] == "hold").then_some(())
            });
            sleep(Duration::from_millis(200)).await;
            seat.listens_anew();
            caller.listens_anew();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(caller.heard().seconds_of(SEAT), 0.0);
            assert_eq!(seat.heard().seconds_of(CALLER), 0.0);
            // It waits with music.
            assert!(caller.heard().packets >= 40);
            seat.resume().await?;
            caller.hears(SEAT).await?;
            seat.hears(CALLER).await?;
        }
        caller.hang_up().await?;
        seat.is(Stage::Idle).await
    });
}

#[test]
fn two_seats_in_browsers_call_each_other() {
    let engine = engine();
    run(async {
        let (one, _page) = seat(&engine, "1001", SEAT, Oddity::None).await?;
        let (other, _other_page) = seat(&engine, "1002", COLLEAGUE, Oddity::None).await?;
        for (from, to, number) in [(&one, &other, "1002"), (&other, &one, "1001")] {
            from.dial(number).await?;
            to.is(Stage::Talking).await?;
            one.hears(COLLEAGUE).await?;
            other.hears(SEAT).await?;
            to.hang_up().await?;
            from.is(Stage::Idle).await?;
        }
        // And whatever phone a colleague has.
        let password = engine.password("1003");
        let plain = Phone::seat(sip(&engine), "1003", &password, CALLER).await?;
        one.dial("1003").await?;
        one.hears(CALLER).await?;
        plain.hears(SEAT).await?;
        plain.hang_up().await
    });
}

/// The handshake's certificate is not the one that the session named (RFC 5763 §5): no sound of
/// that call is anybody's.
#[test]
fn a_seat_with_a_foreign_fingerprint_is_not_heard_and_hears_nothing() {
    let engine = engine();
    run(async {
        let (seat, caller) = talk(&engine, Oddity::ForeignFingerprint).await?;
        sleep(LONG_ENOUGH).await;
        assert_eq!(caller.heard().seconds_of(SEAT), 0.0);
        assert_eq!(seat.heard().packets, 0);
        caller.hang_up().await
    });
}

/// Somebody on the way has the browser's address and port, and none of its keys.
#[test]
fn a_packet_in_the_clear_from_a_browsers_own_socket_is_not_heard() {
    let engine = engine();
    run(async {
        let (seat, caller) = talk(&engine, Oddity::None).await?;
        caller.hears(SEAT).await?;
        caller.listens_anew();
        for number in 0..50 {
            seat.slips(COLLEAGUE, number)?;
            sleep(Duration::from_millis(20)).await;
        }
        let heard = caller.heard();
        assert_eq!(heard.seconds_of(COLLEAGUE), 0.0);
        // The seat's own sound goes on beside it.
        assert!(heard.seconds_of(SEAT) > 0.7, "{}", heard.seconds_of(SEAT));
        caller.hang_up().await
    });
}
