//! Calls out by trunks: what one carrier refuses for want of room, the next carries, within the
//! same call.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    engine::{Engine, free_port},
    interop::PATIENCE_S,
    journal,
    line::Line,
    scenario::{Running, Scenario},
    town,
};

/// The number that is dialled.
pub const NUMBER: &str = "13800138000";

/// An engine whose first trunk leads to `first` and whose second to `second`; seat 0012 may dial
/// mobile numbers.
pub fn with_trunks(first: u16, second: u16) -> Engine {
    with_trunks_asked(0, first, second)
}

/// The same, for seat 1001.
pub fn with_trunks_of_1001(first: u16, second: u16) -> Engine {
    with_trunks_for("1001", 0, first, second)
}

/// The same, the first asked by OPTIONS every so many seconds.
fn with_trunks_asked(every_s: u32, first: u16, second: u16) -> Engine {
    with_trunks_for("0012", every_s, first, second)
}

fn with_trunks_for(seat: &str, every_s: u32, first: u16, second: u16) -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/trunks.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (name, ip, port, priority, every_s) in [
        ("first", "127.0.0.21", first, 1, every_s),
        ("second", "127.0.0.22", second, 2, 0),
    ] {
        text.push_str(&format!(
            "\n[[trunk]]\nname = \"{name}\"\naddresses = [\"{ip}\"]\n\
             outbound = [\"sip:127.0.0.1:{port};transport=udp\"]\npriority = {priority}\n\
             options_every_s = {every_s}\ncaller_id = \"063512345\"\noutbound_prefixes = [\"1\"]\n"
        ));
    }
    fs::write(file, text).unwrap();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let seat = format!("id = \"{seat}\"\n");
    assert!(text.contains(&seat), "{text}");
    let text = text.replace(&seat, &format!("{seat}outbound_prefixes = [\"1\"]\n"));
    fs::write(file, text).unwrap();
    engine.restart();
    engine
}

/// Seat 0012 dials; the carriers play; the seat hangs up as soon as it is answered.
fn dialled(engine: &Engine, carriers: &mut [Running]) -> Line {
    let line = Line::from("127.0.0.66", engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    let answer = line.dial(NUMBER, "0012", Some(&password));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    line.end(&answer);
    for carrier in carriers {
        carrier.finish(PATIENCE_S);
    }
    line
}

#[test]
fn what_the_first_trunk_cannot_carry_goes_by_the_second() {
    let (first, second) = (free_port(), free_port());
    let engine = with_trunks(first, second);
    let refusing = Scenario::new("carrier-refuses").with("status", &503);
    let answering = Scenario::new("carrier-answers").with("called", NUMBER);
    let mut carriers = [
        refusing.port(first).start(&engine),
        answering.port(second).start(&engine),
    ];
    dialled(&engine, &mut carriers);
    let ended = journal::until(&engine, "the end", |record| record["type"] == "dial-ended");
    assert_eq!(ended["outcome"], "answered", "{ended}");
}

#[test]
fn a_number_nobody_may_dial_is_offered_to_no_trunk() {
    let engine = with_trunks(free_port(), free_port());
    let line = Line::from("127.0.0.66", &engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    let answer = line.dial("0085212345678", "0012", Some(&password));
    assert!(matches!(answer.status(), 403 | 404), "{}", answer.0);
}

/// Answers OPTIONS with 200 until the wallboard shows the trunk `state`; `None`: answers nothing.
fn until_the_trunk_is(engine: &Engine, carrier: &Line, state: &str, answers: bool) {
    let until = Instant::now() + Duration::from_secs(PATIENCE_S);
    loop {
        if let Some(heard) = carrier.hear(Duration::from_millis(100)) {
            assert!(heard.0.starts_with("OPTIONS sip:127.0.0.1:"), "{}", heard.0);
            let copy = |name: &str| format!("{name}: {}\n", heard.header(name).unwrap());
            let copied = ["Via", "From", "To", "Call-ID", "CSeq"].map(copy).concat();
            if answers {
                let answer = format!("SIP/2.0 200 OK\n{copied}Content-Length: 0\n\n");
                carrier.say(&answer.replace("\nCall-ID", ";tag=carrier\nCall-ID"));
            }
        }
        let board = engine.get("/api/v1/wallboard");
        let trunks = board["trunks"].as_array().unwrap();
        let first = trunks.iter().find(|line| line["trunk"] == "first").unwrap();
        if first["state"] == state {
            return;
        }
        assert!(Instant::now() < until, "never {state}: {first}");
    }
}

/// Waits until Prometheus would read that of the first trunk.
fn measured(engine: &Engine, down: u8) {
    let line = format!("hotline_trunk_down{{trunk=\"first\"}} {down}");
    engine.until(&line, 10, |_| {
        let (status, text) = engine.text("/metrics");
        assert_eq!(status, 200);
        text.lines().any(|read| read == line).then_some(())
    });
}

/// Our OPTIONS find out that a carrier is gone, and that it is back; nobody is sent there between.
#[test]
fn a_trunk_goes_down_in_silence_and_comes_up_again() {
    let (first, second) = (free_port(), free_port());
    let engine = with_trunks_asked(1, first, second);
    let carrier = Line::bound(SocketAddr::from(([127, 0, 0, 1], first)), &engine);
    until_the_trunk_is(&engine, &carrier, "up", true);
    until_the_trunk_is(&engine, &carrier, "down", false);
    measured(&engine, 1);
    let answering = Scenario::new("carrier-answers").with("called", NUMBER);
    dialled(&engine, &mut [answering.port(second).start(&engine)]);
    while let Some(heard) = carrier.hear(Duration::from_millis(1)) {
        assert!(heard.0.starts_with("OPTIONS "), "called there: {}", heard.0);
    }
    until_the_trunk_is(&engine, &carrier, "up", true);
    measured(&engine, 0);
    let told = |state: &str| {
        journal::until(&engine, state, |record| {
            record["type"] == "trunk-state-changed"
                && record["trunk"] == "first"
                && record["state"] == state
        })
    };
    assert_eq!(told("down")["detail"], "no answer", "{}", told("down"));
    told("up");
}
