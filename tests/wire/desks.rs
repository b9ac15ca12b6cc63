//! The phones of a seat: several that ring at once, one that is silent while its caller leaves,
//! and a talk that moves from one to another (RFC 3891).

use std::{net::IpAddr, time::Duration};

use serde_json::json;

use crate::{
    ear::Ear,
    engine::Engine,
    journal,
    line::{Heard, Line, SDP},
    party::{Party, SOON, session, sound_at},
    town,
};

/// So long nothing may come.
pub const SILENCE: Duration = Duration::from_millis(700);

/// The seat's phones.
pub const DESKS: [&str; 3] = ["127.0.0.66", "127.0.0.67", "127.0.0.68"];

/// Phones of seat 1001 at these addresses; the seat is ready.
pub fn phones<const N: usize>(engine: &Engine, desks: [&str; N]) -> [Line; N] {
    let lines = desks.map(|ip| {
        let line = Line::from(ip, engine);
        let answer = line.register("1001", &engine.password("1001"));
        assert_eq!(answer.status(), 200, "{}", answer.0);
        line
    });
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    lines
}

/// A caller in the queue, with sound.
pub fn caller(engine: &Engine) -> (Party, Ear) {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), 900.0);
    let own = session(&line, ear.port);
    let mut caller = Party::dials(line, "13800001234", "12345", "", &own);
    let answer = caller.hears("200 INVITE", SOON);
    caller.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    (caller, ear)
}

/// A CANCEL is answered, and so is the INVITE it is about.
pub fn cancelled(phone: &mut Party, invite: &Heard) -> Heard {
    let cancel = phone.hears("CANCEL", SOON);
    assert_eq!(cancel.header("Via"), invite.header("Via"), "RFC 3261 §9.1");
    phone.answers(&cancel, "200 OK", "", "");
    phone.answers(invite, "487 Request Terminated", "", "");
    phone.hears("ACK", SOON);
    cancel
}

/// RFC 3326 §2: who lost the race keeps no missed call; and a phone that has said nothing yet is
/// told as soon as it does.
#[test]
fn phones_that_ring_in_vain_learn_that_another_answered() {
    let engine = town::start();
    let phones = phones(&engine, DESKS);
    let (mut caller, _ear) = caller(&engine);
    let [mut first, mut second, mut third] = phones.map(|line| Party::called(line, SOON));
    second.0.answers(&second.1, "180 Ringing", "", "");
    first.0.answers(&first.1, "180 Ringing", "", "");
    let own = session(&first.0.line, 40_000);
    first.0.picks_up(&first.1, &own);
    let elsewhere = |cancel: &Heard| {
        let reason = cancel.header("Reason").unwrap_or_default().to_owned();
        let is = reason.starts_with("SIP") && reason.contains("cause=200");
        assert!(is && reason.contains("elsewhere"), "{}", cancel.0);
    };
    elsewhere(&cancelled(&mut second.0, &second.1));
    let early = third.0.hears_within("CANCEL", SILENCE);
    assert!(early.is_none(), "before it said anything");
    third.0.answers(&third.1, "180 Ringing", "", "");
    elsewhere(&cancelled(&mut third.0, &third.1));
    caller.hangs_up();
    let bye = first.0.hears("BYE", SOON);
    first.0.answers(&bye, "200 OK", "", "");
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.count("seat-answered"), 1);
}

/// The caller leaves before the phone has said anything: no CANCEL until it does.
#[test]
fn a_silent_phone_is_cancelled_with_its_first_answer() {
    let engine = town::start();
    let [line] = phones(&engine, [DESKS[0]]);
    let (mut caller, _ear) = caller(&engine);
    let (mut phone, invite) = Party::called(line, SOON);
    caller.hangs_up();
    let early = phone.hears_within("CANCEL", SILENCE);
    assert!(early.is_none(), "before it said anything");
    phone.answers(&invite, "100 Trying", "", "");
    cancelled(&mut phone, &invite);
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.event("offer-ended")["result"], "caller-gone");
}

/// Or it answers at once: then there is nothing to cancel, and the call it made is ended.
#[test]
fn a_silent_phone_that_answers_too_late_is_hung_up() {
    let engine = town::start();
    let [line] = phones(&engine, [DESKS[0]]);
    let (mut caller, _ear) = caller(&engine);
    let (mut phone, invite) = Party::called(line, SOON);
    caller.hangs_up();
    let own = session(&phone.line, 40_000);
    phone.picks_up(&invite, &own);
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");
    let story = journal::story(&engine, &caller.call_id);
    assert!(!story.has("talk-started"), "{:?}", story.types());
}

/// What an INVITE must say to take the place of the talk that `phone` answered (RFC 3891 §6.1): the
/// tags as the engine has them.
pub fn replaces(phone: &Party, invite: &Heard) -> String {
    let tag = |value: &str| value.split(";tag=").nth(1).unwrap().to_owned();
    let to = tag(invite.header("From").unwrap());
    let (id, from) = (&phone.call_id, tag(phone.own_name()));
    format!("Replaces: {id};to-tag={to};from-tag={from}\n")
}

#[test]
fn a_talk_moves_to_another_phone_of_the_seat_and_to_nobody_else() {
    let engine = town::start();
    let [line] = phones(&engine, [DESKS[0]]);
    let desk = Ear::at(line.local().ip(), 600.0);
    let (mut caller, citizen) = caller(&engine);
    let (mut phone, invite) = Party::called(line, SOON);
    let own = session(&phone.line, desk.port);
    desk.speaks_to(sound_at(&invite));
    phone.picks_up(&invite, &own);
    assert!(citizen.hears(600.0) && desk.hears(900.0), "they talk");
    let wanted = replaces(&phone, &invite);

    // Another seat, though it proves itself; and nobody.
    let line = Line::from(DESKS[2], &engine);
    let own = session(&line, 40_000);
    let login = ("1002", &*engine.password("1002"));
    let (mut stranger, branch) = Party::dials_as(line, login, "1001", &wanted, &own);
    let refused = stranger.hears("403 INVITE", SOON);
    stranger.acknowledges(&refused, &branch);
    let line = Line::from("127.0.0.99", &engine);
    let nobody = line.dial_with("1001", "13800001234", None, &wanted, SDP);
    assert_eq!(nobody.status(), 401, "{}", nobody.0);
    // What names no call of ours: 481 (RFC 3891 §3).
    let line = Line::from(DESKS[1], &engine);
    let login = ("1001", &*engine.password("1001"));
    let unknown = wanted.replace("from-tag=", "from-tag=x");
    let missing = line.dial_with("1001", login.0, Some(login.1), &unknown, SDP);
    assert_eq!(missing.status(), 481, "{}", missing.0);
    assert!(phone.hears_within("BYE", SILENCE).is_none());

    // The seat's other phone.
    let line = Line::from(DESKS[1], &engine);
    let headset = Ear::at(IpAddr::V4([127, 0, 0, 67].into()), 1_300.0);
    let own = session(&line, headset.port);
    let (mut other, _) = Party::dials_as(line, login, "1001", &wanted, &own);
    let answer = other.hears("200 INVITE", SOON);
    other.acknowledges(&answer, "");
    headset.speaks_to(sound_at(&answer));
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");
    assert!(citizen.hears(1_300.0), "the citizen hears the headset");
    assert!(headset.hears(900.0), "the headset hears the citizen");
    other.hangs_up();
    let story = journal::story_so_far(&engine, &caller.call_id).unwrap();
    assert_eq!(
        story.count("talk-started"),
        1,
        "one talk: {:?}",
        story.types()
    );
    caller.hears_within("BYE", SILENCE);
    caller.asks("BYE", "", "");
    let moved = journal::until(&engine, "the move", |r| {
        r["type"] == "seat-requested" && r["request"] == "move to another phone"
    });
    assert_eq!(moved["done"], true);
}
