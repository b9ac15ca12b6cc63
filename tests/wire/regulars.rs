//! Callers who are known: told to the seat on the page and in the call's record, before and after a
//! restart; and callers who are blocked, whose calls the carrier gets back.

use std::{
    net::Ipv4Addr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    ear::Ear,
    engine::Engine,
    journal,
    line::Line,
    party::{Party, SOON, session},
    town,
};

const CITIZEN: &str = "13800001234";
const DESK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// A seat's phone, registered and ready.
fn ready(engine: &Engine, seat: &str) -> Line {
    let line = Line::from(&DESK.to_string(), engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200);
    let (status, body) = engine.post(&format!("/api/v1/seats/{seat}/ready"), &json!({}));
    assert_eq!(status, 204, "{body}");
    line
}

/// The citizen calls, the seat answers, the citizen hangs up; the call's number.
fn talks(engine: &Engine, seat: Line) -> u64 {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), 700.0);
    let offer = session(&line, ear.port);
    let mut citizen = Party::dials(line, CITIZEN, "12345", "", &offer);
    let call_id = citizen.call_id.clone();
    let answer = citizen.hears("200 INVITE", SOON);
    citizen.acknowledges(&answer, "");
    let (mut agent, invite) = Party::called(seat, SOON);
    let desk = Ear::at(DESK.into(), 500.0);
    let own = session(&agent.line, desk.port);
    agent.picks_up(&invite, &own);
    citizen.hangs_up();
    let bye = agent.hears("BYE", SOON);
    agent.answers(&bye, "200 OK", "", "");
    let story = journal::story(engine, &call_id);
    story.event("seat-answered")["call"].as_u64().unwrap()
}

/// The call's row, once the tables have its end.
fn row(engine: &Engine, call: u64) -> Value {
    engine.until("the call's row", 20, |_| {
        let list = engine.get("/api/v1/calls");
        let mut rows = list.as_array()?.iter();
        let row = rows.find(|row| row["call"] == call && !row["ended_at"].is_null())?;
        Some(row.clone())
    })
}

fn recognised(engine: &Engine, call: u64) -> Value {
    journal::until(engine, "the caller", |r| {
        r["type"] == "caller-recognised" && r["call"] == call
    })
}

#[test]
fn a_caller_is_known_by_number_and_last_seat_and_so_after_a_restart() {
    let mut engine = town::prepare();
    engine.configure("queues.toml", "# last_agent_s = 0", "last_agent_s = 20");
    engine.restart();
    let first = talks(&engine, ready(&engine, "1001"));
    let ended = row(&engine, first);
    assert_eq!(
        (&ended["nth_call"], &ended["last_seat"]),
        (&Value::Null, &Value::Null)
    );
    let path = "/api/v1/seats/1001/wrap-up/end";
    engine.post(path, &json!({}));
    // The other seat is idle, too; the caller goes to the one who knows.
    let seat = ready(&engine, "1001");
    let other = ready(&engine, "1002");
    let second = talks(&engine, seat);
    let known = recognised(&engine, second);
    assert_eq!(
        (&known["calls"], &known["last_seat"]),
        (&json!(2), &json!("1001"))
    );
    let ended = row(&engine, second);
    assert_eq!(
        (&ended["nth_call"], &ended["last_seat"]),
        (&json!(2), &json!("1001"))
    );
    assert_eq!(ended["seat"], "1001");
    assert_eq!(ended["caller"], "138****1234");
    drop(other);
    engine.terminate();
    assert!(engine.wait_for_exit(20));
    engine.restart();
    let third = talks(&engine, ready(&engine, "1001"));
    let known = recognised(&engine, third);
    assert_eq!(
        (&known["calls"], &known["last_seat"]),
        (&json!(3), &json!("1001"))
    );
}

fn days(days: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + days * 86_400_000
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

/// The final status that the citizen's call gets.
fn status_of_a_call(engine: &Engine) -> u16 {
    let line = Line::from("127.0.0.1", engine);
    let answer = line.dial("12345", CITIZEN, None);
    if answer.status() == 200 {
        line.end(&answer);
    }
    answer.status()
}

#[test]
fn a_caller_whom_two_people_blocked_is_rejected_and_stays_so_after_a_restart() {
    let mut engine = town::start();
    let call = talks(&engine, ready(&engine, "1001"));
    row(&engine, call);
    let agent = engine.sign_in("1001");
    let propose = |token: &str, body: &Value| {
        engine.request("POST", "/api/v1/blocks", Some(token), &body.to_string())
    };
    let other = engine.sign_in("1002");
    let body = json!({"call": call, "reason": "骚扰", "until": days(30)});
    assert_eq!(propose(&other, &body).0, 403, "not the other seat's call");
    let by_number = json!({"number": CITIZEN, "reason": "骚扰", "until": days(30)});
    assert_eq!(propose(&agent, &by_number).0, 403, "agents know no numbers");
    let (status, refused) = propose(
        &agent,
        &json!({"call": call, "reason": "x", "until": days(91)}),
    );
    assert_eq!((status, code(&refused)), (400, "until"));
    let (status, proposed) = propose(&agent, &body);
    assert_eq!(status, 201, "{proposed}");
    let block = proposed["block"].as_u64().unwrap();
    assert_eq!(status_of_a_call(&engine), 200, "a proposal blocks nobody");
    let path = format!("/api/v1/blocks/{block}/approve");
    assert_eq!(engine.request("POST", &path, Some(&agent), "").0, 403);
    assert_eq!(engine.post(&path, &json!({})).0, 204);
    assert_eq!(status_of_a_call(&engine), 603);
    let list = engine.get("/api/v1/blocks");
    assert_eq!(
        (&list[0]["number"], &list[0]["turned_away"]),
        (&json!("138****1234"), &json!(1))
    );
    engine.until("the blocked call counted", 10, |board| {
        let totals = &board["totals"];
        (totals["blocked"] == 1 && totals["inbound"] == 3).then_some(())
    });

    // Whoever proposes cannot approve.
    let (_, own) = engine.post(
        "/api/v1/blocks",
        &json!({"number": "13900002222", "reason": "骚扰", "until": days(1)}),
    );
    let path = format!("/api/v1/blocks/{}/approve", own["block"]);
    let (status, refused) = engine.post(&path, &json!({}));
    assert_eq!((status, code(&refused)), (409, "same-person"));

    engine.kill();
    engine.restart();
    assert_eq!(status_of_a_call(&engine), 603, "a restart changes nothing");
    let lift = format!("/api/v1/blocks/{block}/lift");
    assert_eq!(engine.post(&lift, &json!({"reason": "已道歉"})).0, 204);
    assert_eq!(status_of_a_call(&engine), 200);
}
