//! Callers whom their queue cannot serve, by the queue's rules: another queue's seat and a script
//! take them, with sound both ways, and nobody loses the place.

use std::fs;

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

/// An engine whose general queue has this overflow rule, and whose second seat serves business
/// alone.
fn engine(rule: &str) -> Engine {
    let mut engine = town::prepare();
    let config = engine.dir.join("config");
    let file = config.join("queues.toml");
    let text = fs::read_to_string(&file).unwrap();
    let cap = "wrap_up_cap_s = 120\n";
    let with = text.replacen(cap, &format!("{cap}overflow = [{rule}]\n"), 1);
    fs::write(file, with).unwrap();
    let file = config.join("seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replacen("[\"general\", \"business\"]", "[\"business\"]", 1);
    fs::write(file, text).unwrap();
    fs::write(
        engine.dir.join("ivr-scripts/patience.toml"),
        "name = \"patience\"\nlanguage = \"zh\"\nstart = \"sorry\"\n\n\
         [step.sorry]\nsay = [\"welcome\", \"recording-notice\"]\nthen = \"human\"\n\n\
         [step.human]\nenqueue = \"general\"\n",
    )
    .unwrap();
    engine.restart();
    engine
}

/// Asks the seat in, once its phone is registered.
fn asks(engine: &Engine, seat: &str, what: &str) {
    journal::until(engine, "the phone", |r| {
        r["type"] == "seat-device-changed" && r["seat"] == seat && r["device"] == "registered"
    });
    let path = format!("/api/v1/seats/{seat}/{what}");
    let (status, answer) = engine.post(&path, &json!({"reason": "meeting"}));
    assert_eq!(status, 204, "{answer}");
}

fn caller(engine: &Engine, number: &str, hertz: u32) -> Lines {
    let mut caller = desk(engine, number, "-", hertz);
    caller.say("call 12345");
    caller
}

/// The next record of this kind about the call, after another.
fn next(engine: &Engine, kind: &str, call: &Value, after: &Value) -> Value {
    journal::until(engine, kind, |r| {
        r["type"] == kind && r["call"] == *call && r["seq"].as_u64() > after["seq"].as_u64()
    })
}

#[test]
fn a_caller_whom_nobody_can_serve_talks_with_the_other_queues_seat() {
    let engine = engine("{ unstaffed = true, to = \"queue:business\" }");
    let mut seat = desk(&engine, "1002", &engine.password("1002"), SEAT);
    asks(&engine, "1002", "ready");
    let mut caller = caller(&engine, "13800001234", FIRST);
    seat.expect("answered", SOON_S);
    hears(&mut seat, FIRST);
    hears(&mut caller, SEAT);
    let overflowed = journal::until(&engine, "the overflow", |r| r["type"] == "queue-overflowed");
    assert_eq!(overflowed["queue"], "general");
    assert_eq!(overflowed["to"], "queue:business");
    let why = overflowed["why"].as_str().unwrap_or_default();
    assert!(why.starts_with("no seat signed in"), "{why}");
    caller.say("hangup");
    let ended = journal::until(&engine, "the end", |r| r["type"] == "call-ended");
    assert_eq!(ended["outcome"], "answered");
    let answered = journal::until(&engine, "the answer", |r| r["type"] == "seat-answered");
    assert_eq!(answered["queue"], "business");
}

#[test]
fn who_was_sent_to_a_script_and_comes_back_stands_before_who_came_later() {
    let engine = engine("{ unstaffed = true, to = \"script:patience\" }");
    let mut seat = desk(&engine, "1001", &engine.password("1001"), SEAT);
    let mut first = caller(&engine, "13800001234", FIRST);
    let left = journal::until(&engine, "the overflow", |r| r["type"] == "queue-overflowed");
    assert_eq!(left["to"], "script:patience");
    let script = next(&engine, "script-started", &left["call"], &left);
    assert_eq!(script["script"], "patience");
    // While the script speaks to the first caller a seat signs in, and a second caller stands in
    // line, at whose turn it is.
    asks(&engine, "1001", "not-ready");
    let mut second = caller(&engine, "13800005678", SECOND);
    let entered = journal::until(&engine, "the second caller", |r| {
        r["type"] == "queue-entered" && r["call"] != left["call"]
    });
    assert_eq!(entered["position"], 1);
    // The script has said what it had to, and the first is before the second again.
    let back = next(&engine, "queue-entered", &left["call"], &script);
    assert_eq!(back["position"], 1);
    asks(&engine, "1001", "ready");
    seat.expect("answered", SOON_S);
    hears(&mut seat, FIRST);
    hears(&mut first, SEAT);
    let offered = journal::until(&engine, "an offer", |r| r["type"] == "seat-offered");
    assert_eq!(offered["call"], left["call"]);
    second.say("hangup");
    first.say("hangup");
    let story = next(&engine, "call-ended", &left["call"], &back);
    assert_eq!(story["outcome"], "answered");
    let other = next(&engine, "call-ended", &entered["call"], &entered);
    assert_eq!(other["outcome"], "abandoned");
}
