//! Real telephones over UDP and TCP: pjsua2 as a seat and as a caller, with SHA-256 digest and a
//! tone each way; baresip as a seat.

use std::{path::PathBuf, process::Command};

use serde_json::json;

use crate::{
    baresip::Baresip,
    engine::{Engine, Lines, root, target},
    journal,
    scenario::Scenario,
    sound, town,
};

/// pjsua2 as `role` (`seat` or `caller`), for at most so many seconds.
fn pjsua2(
    engine: &Engine,
    role: &str,
    (transport, port): (&str, u16),
    user: &str,
    seconds: u32,
    more: &[&str],
) -> Lines {
    let folder: PathBuf = engine.dir.join(format!("pjsua2-{role}"));
    std::fs::create_dir_all(&folder).unwrap();
    let (password, number) = match role {
        "seat" => (engine.password(user), "-"),
        _ => ("-".to_owned(), "12345"),
    };
    Lines::of(
        Command::new(target().join("venv/bin/python"))
            .arg(root().join("tests/wire/phone.py"))
            .args([role, transport, &format!("127.0.0.1:{port}")])
            .args([user, &password, number, &seconds.to_string()])
            .arg(folder)
            .args(more),
    )
}

/// Registers by SHA-256 digest, is called, talks and unregisters; both hear the other's tone.
fn talks_over(engine: &Engine, transport: (&str, u16)) {
    talk(engine, (transport, &[]), (transport, &[]));
}

/// The same with a transport and further arguments for the seat and for the caller.
fn talk(
    engine: &Engine,
    (seats, seat_more): ((&str, u16), &[&str]),
    (callers, caller_more): ((&str, u16), &[&str]),
) {
    // No `digest = "md5"` at this seat: SHA-256 is offered first, and pjsua2 takes it.
    let mut seat = pjsua2(engine, "seat", seats, "0012", 40, seat_more);
    seat.expect("registered", 20);
    engine.until("the seat is registered", 5, |board| {
        (Engine::seat(board, "0012")["device"] == "registered").then_some(())
    });
    assert_eq!(engine.post("/api/v1/seats/0012/ready", &json!({})).0, 204);
    let mut caller = pjsua2(engine, "caller", callers, "13800001234", 11, caller_more);
    seat.expect("answered", 20);
    caller.expect("heard the other side", 30);
    seat.expect("unregistered", 20);
    seat.expect("heard the other side", 20);
    assert!(seat.finish(10), "{}", seat.all());
    let ended = journal::until(engine, "the end", |record| record["type"] == "call-ended");
    assert_eq!(ended["outcome"], "answered");
    assert_eq!(ended["released_by"], "caller");
    let gone = |record: &serde_json::Value| {
        record["type"] == "seat-device-changed" && record["detail"] == "unregistered"
    };
    assert_eq!(journal::until(engine, "unregistered", gone)["seat"], "0012");
}

#[test]
fn pjsua2_talks_with_pjsua2_over_udp() {
    let engine = town::start();
    talks_over(&engine, ("udp", engine.sip));
}

#[test]
fn pjsua2_talks_with_pjsua2_over_tcp() {
    let engine = town::start();
    talks_over(&engine, ("tcp", engine.sip));
}

#[test]
fn pjsua2_talks_with_pjsua2_over_tls() {
    let (engine, port, _certificate) = town::start_with_tls();
    talks_over(&engine, ("tls", port));
}

/// pjsua2's own G.722, and nothing else, at the seat; A-law, or µ-law, and nothing else at the
/// caller.
#[test]
fn pjsua2_with_g722_alone_talks_with_a_caller_with_g711_alone() {
    for law in ["codec=PCMA", "codec=PCMU"] {
        let engine = town::start();
        let udp = ("udp", engine.sip);
        talk(&engine, (udp, &["codec=G722"]), (udp, &[law]));
    }
}

/// A seat whose phone has nothing but secure RTP hears a caller in the clear and is heard.
#[test]
fn pjsua2_with_srtp_alone_talks_with_a_caller_in_the_clear() {
    let (engine, port, _certificate) = town::start_with_tls_and(|engine| {
        let file = engine.dir.join("config/seats.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let own = "id = \"0012\"\n";
        assert!(text.contains(own));
        let text = text.replace(own, &format!("{own}srtp = \"required\"\n"));
        std::fs::write(file, text).unwrap();
    });
    talk(
        &engine,
        (("tls", port), &["srtp"]),
        (("udp", engine.sip), &[]),
    );
}

/// A caller who offers nothing but secure RTP, as a trunk over TLS may, is answered so.
#[test]
fn pjsua2_with_srtp_alone_calls_a_seat_in_the_clear() {
    let (engine, port, _certificate) = town::start_with_tls();
    talk(
        &engine,
        (("udp", engine.sip), &[]),
        (("tls", port), &["srtp"]),
    );
}

#[test]
fn baresip_registers_and_talks_over_tcp() {
    let engine = town::start();
    let wav = engine.dir.join("agent.wav");
    sound::write_wav(&wav, &sound::prompt("zh", "survey-ask"));
    let agent = Baresip::start_over("tcp", &engine, "1001", &wav);
    engine.until("the seat is registered", 20, |board| {
        (Engine::seat(board, "1001")["device"] == "registered").then_some(())
    });
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    let mut caller = Scenario::new("speaking")
        .with("speech", "/usr/share/sip-tester/g711a.pcap")
        .with("quiet", &10)
        .with("stay", &7_500)
        .start(&engine);
    caller.finish(30);
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
    assert!(story.has("talk-started"), "{:?}", story.types());
    let heard = agent.heard();
    assert!(
        heard.iter().any(|sample| sample.unsigned_abs() > 2_000),
        "the agent heard nothing"
    );
}
