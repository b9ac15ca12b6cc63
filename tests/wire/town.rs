//! The engine of the wire's tests: 12345 leads to the queue at once, 12346 to the menu, and what
//! comes from 127.0.0.1 is the carrier's. Every other 127.x.x.x is a stranger.

use std::{
    fs,
    sync::atomic::{AtomicU16, Ordering},
};

use serde_json::json;

use crate::{
    engine::{Engine, free_port},
    line::Line,
    scenario::{Running, Scenario},
};

/// Straight to the queue, so that no test waits for an announcement.
const AT_ONCE: &str = "name = \"at-once\"\nlanguage = \"zh\"\nstart = \"human\"\n\n\
    [step.human]\nenqueue = \"general\"\n";

/// Engines side by side take their media ports from slices of their own.
static SLICE: AtomicU16 = AtomicU16::new(0);

/// First port of a slice of 200 that no other engine uses.
pub fn slice() -> u16 {
    20_000 + SLICE.fetch_add(1, Ordering::Relaxed) % 50 * 200
}

/// Its folder, nothing running yet.
pub fn prepare() -> Engine {
    let first = slice();
    prepare_with(first, first + 198)
}

/// The same with these media ports.
pub fn prepare_with(first: u16, last: u16) -> Engine {
    let engine = Engine::prepare();
    fs::write(engine.dir.join("ivr-scripts/at-once.toml"), AT_ONCE).unwrap();
    let file = engine.dir.join("config/engine.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    text = text.replace("script = \"12345-menu\"", "script = \"at-once\"");
    let ports = format!("ports = [{first}, {last}]");
    text = text.replace("ports = [20000, 29998]", &ports);
    text.push_str("\n[[number]]\nnumber = \"12346\"\nscript = \"12345-menu\"\n");
    fs::write(file, text).unwrap();
    let file = engine.dir.join("config/trunks.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("[\"127.0.0.1\", \"::1\"]", "[\"127.0.0.1\"]");
    fs::write(file, text).unwrap();
    engine
}

/// A running one.
pub fn start() -> Engine {
    let mut engine = prepare();
    engine.restart();
    engine
}

/// A running one that speaks WebSocket too; its port.
pub fn start_with_websockets() -> (Engine, u16) {
    let mut engine = prepare();
    let port = free_port();
    let file = engine.dir.join("config/engine.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        file,
        text.replace("\nws_port = 0", &format!("\nws_port = {port}")),
    )
    .unwrap();
    engine.restart();
    (engine, port)
}

/// A running one that speaks TLS too; its port and the certificate to trust.
pub fn start_with_tls() -> (Engine, u16, String) {
    start_with_tls_and(|_| {})
}

/// The same, its configuration changed before.
pub fn start_with_tls_and(change: impl FnOnce(&Engine)) -> (Engine, u16, String) {
    let mut engine = prepare();
    change(&engine);
    let port = free_port();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let config = engine.dir.join("config");
    fs::write(config.join("certificate.pem"), made.cert.pem()).unwrap();
    fs::write(config.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let file = config.join("engine.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("\ntls_port = 0", &format!("\ntls_port = {port}"))
        .replace("\n# certificate = ", "\ncertificate = ")
        .replace("\n# key = ", "\nkey = ");
    fs::write(file, text).unwrap();
    engine.restart();
    (engine, port, made.cert.pem())
}

/// A seat whose phone plays a scenario: registered and ready.
pub fn agent(engine: &Engine, seat: &str, scenario: Scenario) -> Running {
    let line = Line::from("127.0.0.1", engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    // The seat is called where its REGISTER came from: there the scenario listens from now on.
    let port = line.local().port();
    drop(line);
    let running = scenario.port(port).start(engine);
    let (status, body) = engine.post(&format!("/api/v1/seats/{seat}/ready"), &json!({}));
    assert_eq!(status, 204, "{body}");
    running
}
