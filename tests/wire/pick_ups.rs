//! A call that rings at one phone is picked up at another (RFC 3891 §3, an early dialog that the engine
//! began), with sound both ways; by a phone of the same seat, and by nobody else.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{
    desks::{DESKS, SILENCE, caller, cancelled, phones, replaces},
    ear::Ear,
    engine::Engine,
    journal,
    line::{Line, SDP},
    party::{Party, SOON, session, sound_at},
    town,
};

/// Waits until the only live call is in this stage with this seat.
fn is_shown(engine: &Engine, stage: &str, seat: &str) {
    engine.until(&format!("{stage} {seat}"), 10, |board| {
        let calls = board["calls"].as_array().unwrap();
        let is = |call: &Value| call["stage"] == stage && call["seat"] == seat;
        (calls.len() == 1 && is(&calls[0])).then_some(())
    });
}

/// Another phone of `seat` takes the place of the one that rings; it has a tone of its own.
fn picks_up(engine: &Engine, ip: &str, seat: &str, wanted: &str, hertz: f64) -> (Party, Ear) {
    let line = Line::from(ip, engine);
    let ear = Ear::at(ip.parse::<IpAddr>().unwrap(), hertz);
    let own = session(&line, ear.port);
    let login = (seat, &*engine.password(seat));
    let (mut phone, _) = Party::dials_as(line, login, seat, wanted, &own);
    let answer = phone.hears("200 INVITE", SOON);
    phone.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    (phone, ear)
}

#[test]
fn a_ringing_call_is_picked_up_by_another_phone_of_the_seat_and_by_nobody_else() {
    let engine = town::start();
    let [line] = phones(&engine, [DESKS[0]]);
    let (caller, citizen) = caller(&engine);
    let (mut desk, invite) = Party::called(line, SOON);
    desk.answers(&invite, "180 Ringing", "", "");
    is_shown(&engine, "offering", "1001");
    let wanted = replaces(&desk, &invite);

    // Another seat of the same queue, though it proves itself; and nobody.
    let line = Line::from(DESKS[2], &engine);
    let login = ("1002", &*engine.password("1002"));
    let refused = line.dial_with("1001", login.0, Some(login.1), &wanted, SDP);
    assert_eq!(refused.status(), 403, "{}", refused.0);
    let line = Line::from("127.0.0.99", &engine);
    let nobody = line.dial_with("1001", "13800001234", None, &wanted, SDP);
    assert_eq!(nobody.status(), 401, "{}", nobody.0);
    // What is no dialog of the phone that rings.
    let line = Line::from(DESKS[1], &engine);
    let login = ("1001", &*engine.password("1001"));
    let unknown = wanted.replace("from-tag=", "from-tag=x");
    let missing = line.dial_with("1001", login.0, Some(login.1), &unknown, SDP);
    assert_eq!(missing.status(), 481, "{}", missing.0);
    assert!(desk.hears_within("CANCEL", SILENCE).is_none());

    let (mut headset, ear) = picks_up(&engine, DESKS[1], "1001", &wanted, 1_300.0);
    let cancel = cancelled(&mut desk, &invite);
    let reason = cancel.header("Reason").unwrap_or_default();
    assert!(
        reason.contains("cause=200"),
        "completed elsewhere: {reason}"
    );
    assert!(citizen.hears(1_300.0), "the citizen hears the headset");
    assert!(ear.hears(900.0), "the headset hears the citizen");
    is_shown(&engine, "talking", "1001");
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(Engine::seat(&board, "1001")["work"], "talking", "{board}");

    headset.hangs_up();
    let picked = journal::until(&engine, "the pick-up", |r| {
        r["type"] == "seat-requested" && r["request"] == "pick up at another phone"
    });
    assert_eq!(picked["done"], true);
    let story = journal::story_so_far(&engine, &caller.call_id).unwrap();
    assert_eq!(story.count("seat-answered"), 1, "{:?}", story.types());
    assert_eq!(story.event("offer-ended")["result"], "answered");
}

/// A caller who is given on to a colleague: the board says so while the colleague's desk rings, and
/// the colleague answers at another phone.
#[test]
fn a_transferred_call_is_shown_as_such_and_picked_up_where_the_colleague_is() {
    let engine = town::start();
    let [line] = phones(&engine, [DESKS[0]]);
    let other = Line::from(DESKS[1], &engine);
    let answer = other.register("1002", &engine.password("1002"));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let (caller, citizen) = caller(&engine);
    let (mut first, invite) = Party::called(line, SOON);
    let own = session(&first.line, 40_000);
    first.picks_up(&invite, &own);
    is_shown(&engine, "talking", "1001");

    // The caller hears the seat's number first; nobody can be given on before.
    engine.until("the transfer is taken", 10, |_| {
        let to = json!({ "to": "1002" });
        let (status, _) = engine.post("/api/v1/seats/1001/transfer", &to);
        (status == 204).then_some(())
    });
    let (mut desk, invite) = Party::called(other, SOON);
    desk.answers(&invite, "180 Ringing", "", "");
    is_shown(&engine, "transferring", "1002");
    let wanted = replaces(&desk, &invite);
    let (mut headset, ear) = picks_up(&engine, DESKS[2], "1002", &wanted, 1_300.0);
    cancelled(&mut desk, &invite);
    let bye = first.hears("BYE", SOON);
    first.answers(&bye, "200 OK", "", "");
    assert!(citizen.hears(1_300.0), "the citizen hears the headset");
    assert!(ear.hears(900.0), "the headset hears the citizen");
    is_shown(&engine, "talking", "1002");
    headset.hangs_up();
    let story = journal::story_so_far(&engine, &caller.call_id).unwrap();
    let transferred = story.event("talk-transferred");
    assert_eq!(transferred["to"], "1002", "{transferred}");
}
