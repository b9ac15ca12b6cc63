//! Calls out by trunks: what one carrier refuses for want of room, the next carries, within the
//! same call.

use std::fs;

use crate::{
    engine::{Engine, free_port},
    interop::PATIENCE_S,
    journal,
    line::Line,
    scenario::{Running, Scenario},
    town,
};

/// The number that is dialled.
const NUMBER: &str = "13800138000";

/// An engine whose first trunk leads to `first` and whose second to `second`; seat 0012 may dial
/// mobile numbers.
fn with_trunks(first: u16, second: u16) -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/trunks.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (name, ip, port, priority) in [
        ("first", "127.0.0.21", first, 1),
        ("second", "127.0.0.22", second, 2),
    ] {
        text.push_str(&format!(
            "\n[[trunk]]\nname = \"{name}\"\naddresses = [\"{ip}\"]\n\
             outbound = [\"sip:127.0.0.1:{port};transport=udp\"]\npriority = {priority}\n\
             options_every_s = 0\ncaller_id = \"063512345\"\noutbound_prefixes = [\"1\"]\n"
        ));
    }
    fs::write(file, text).unwrap();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let seat = "id = \"0012\"\n";
    let text = text.replace(seat, &format!("{seat}outbound_prefixes = [\"1\"]\n"));
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
