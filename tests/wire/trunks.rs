//! Calls out by trunks: nothing goes out that configuration does not allow.

use std::fs;

use crate::{
    engine::{Engine, free_port},
    line::Line,
    town,
};

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

#[test]
fn a_number_nobody_may_dial_is_offered_to_no_trunk() {
    let engine = with_trunks(free_port(), free_port());
    let line = Line::from("127.0.0.66", &engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    let answer = line.dial("0085212345678", "0012", Some(&password));
    assert!(matches!(answer.status(), 403 | 404), "{}", answer.0);
}
