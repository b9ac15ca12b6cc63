//! A supervisor's hand on callers in line, by the API: why one waits, another priority, another
//! queue, and a seat that is rung at once, with sound both ways.

use serde_json::{Value, json};

use crate::{
    engine::{Engine, Lines},
    journal, town,
    transfers::{desk, hears},
};

/// Seconds for what happens soon, on a busy machine.
const SOON_S: u64 = 20;

/// Tones, Hz.
const SEAT: u32 = 600;
const FIRST: u32 = 900;
const SECOND: u32 = 1_300;

/// A caller in the line of the general queue, and its call.
fn caller(engine: &Engine, number: &str, hertz: u32, before: Option<&Value>) -> (Lines, Value) {
    let mut caller = desk(engine, number, "-", hertz);
    caller.say("call 12345");
    let entered = journal::until(engine, "the entry", |r| {
        r["type"] == "queue-entered" && Some(&r["call"]) != before
    });
    (caller, entered["call"].clone())
}

/// Asks for it, and gives the status and the word of a refusal.
fn asks(engine: &Engine, call: &Value, what: &str, body: &Value) -> (u16, String) {
    let (status, answer) = engine.post(&format!("/api/v1/calls/{call}/{what}"), body);
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    (status, code.to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_supervisor_orders_the_line_and_gives_a_caller_to_a_seat() {
    let engine = town::start();
    let mut seat = desk(&engine, "1001", &engine.password("1001"), SEAT);
    journal::until(&engine, "the phone", |r| {
        r["type"] == "seat-device-changed" && r["device"] == "registered"
    });
    let path = "/api/v1/seats/1001/not-ready";
    assert_eq!(engine.post(path, &json!({"reason": "meal"})).0, 204);
    let (mut first, one) = caller(&engine, "13800001234", FIRST, None);
    let (mut second, two) = caller(&engine, "13800005678", SECOND, Some(&one));
    let done = refused(204, "");

    let waits = engine.get(&format!("/api/v1/calls/{two}/waiting"));
    assert_eq!(
        (&waits["queue"], &waits["position"]),
        (&json!("general"), &json!(2))
    );
    let why = waits["why"].as_array().unwrap();
    for reason in [
        "1 caller is ahead in general",
        "1 of the seats of general: not ready (meal)",
    ] {
        assert!(why.contains(&json!(reason)), "{why:?}");
    }

    let priority = json!({"priority": 0});
    assert_eq!(asks(&engine, &two, "priority", &priority), done);
    let waits = engine.get(&format!("/api/v1/calls/{two}/waiting"));
    assert_eq!(waits["position"], 1);
    let queue = json!({"queue": "business"});
    assert_eq!(asks(&engine, &two, "queue", &queue), done);
    assert_eq!(
        asks(&engine, &two, "queue", &queue),
        refused(409, "already-so")
    );

    assert_eq!(asks(&engine, &one, "seat", &json!({"seat": "1001"})), done);
    seat.expect("answered", SOON_S);
    hears(&mut seat, FIRST);
    hears(&mut first, SEAT);
    for (call, what, body, status, code) in [
        (&two, "seat", json!({"seat": "1001"}), 409, "seat-busy"),
        (&two, "seat", json!({"seat": "9999"}), 404, "seat-unknown"),
        (&two, "queue", json!({"queue": "no"}), 404, "queue-unknown"),
        (&two, "priority", json!({"priority": 10}), 400, "priority"),
        (&one, "priority", json!({"priority": 1}), 409, "not-waiting"),
        (
            &json!(999_999),
            "priority",
            json!({"priority": 1}),
            404,
            "call-unknown",
        ),
    ] {
        assert_eq!(asks(&engine, call, what, &body), refused(status, code));
    }
    let agent = engine.sign_in("1001");
    let path = format!("/api/v1/calls/{two}/priority");
    let (status, _) = engine.request("POST", &path, Some(&agent), "{\"priority\": 1}");
    assert_eq!(status, 403);

    let records = journal::records(&engine);
    let found = |kind: &str| records.iter().find(|r| r["type"] == kind).unwrap();
    let picked = found("call-picked");
    assert_eq!((&picked["call"], &picked["seat"]), (&one, &json!("1001")));
    assert_eq!(picked["by"], "api:supervisor");
    let why = found("seat-offered")["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("picked by a supervisor"), "{why}");
    assert_eq!(found("call-prioritised")["priority"], 0);
    assert_eq!(found("call-moved")["to"], "business");
    let entered = records.iter().rfind(|r| r["type"] == "queue-entered");
    assert_eq!(entered.unwrap()["queue"], "business");
    second.say("hangup");
    first.say("hangup");
}
