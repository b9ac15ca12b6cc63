//! Missed calls by real telephones: they merge by number, a seat takes one and calls back by its own
//! phone through the trunk, and what becomes of it is in the list, in K13 and in the journal.

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    ear::Ear,
    engine::{Engine, free_port},
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    trunks::{NUMBER, with_trunks},
};

/// Another citizen.
const OTHER: &str = "13900001111";

/// Where the seat's phone stands.
const DESK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// The seat's tone and the citizen's, Hz.
const TONES: (f64, f64) = (600.0, 1_100.0);

/// The seat that may dial outside, and its phone.
struct Seat {
    engine: Engine,
    token: String,
    password: String,
    line: Line,
    carrier: u16,
}

fn start() -> Seat {
    let carrier = free_port();
    let engine = with_trunks(carrier, free_port());
    // Rules are live: from here on nobody is passed over for leaving at once.
    engine.configure("engine.toml", "ignore_below_s = 5", "ignore_below_s = 0");
    let (status, body) = engine.post("/api/v1/config/reload", &json!({}));
    assert_eq!(status, 200, "{body}");
    journal::until(&engine, "the rules", |r| {
        r["type"] == "task-rules-set" && r["ignore_below_s"] == 0
    });
    let line = Line::from(&DESK.to_string(), &engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    Seat {
        token: engine.sign_in("0012"),
        engine,
        password,
        line,
        carrier,
    }
}

impl Seat {
    fn asks(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = format!("/api/v1/tasks{path}");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.engine.request(method, &path, Some(&self.token), &body)
    }

    /// The seat dials the number; the far end, which is called by the trunk, and the seat's.
    fn dials(&mut self, number: &str, desk: &Ear) -> (Party, Party, crate::line::Heard) {
        let local = SocketAddr::from(([127, 0, 0, 1], self.carrier));
        let far = Line::bound(local, &self.engine);
        let line = Line::from(&DESK.to_string(), &self.engine);
        let own = session(&line, desk.port);
        let login = ("0012", self.password.as_str());
        let (seat, _) = Party::dials_as(line, login, number, "", &own);
        let (far, invite) = Party::called(far, SOON);
        assert!(invite.0.starts_with(&format!("INVITE sip:{number}@")));
        (seat, far, invite)
    }
}

/// The citizen calls, stands in line and gives up.
fn abandons(engine: &Engine, number: &str) {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), TONES.1);
    let offer = session(&line, ear.port);
    let mut phone = Party::dials(line, number, "12345", "", &offer);
    let call_id = phone.call_id.clone();
    let answer = phone.hears("200 INVITE", SOON);
    phone.acknowledges(&answer, "");
    engine.until("a caller in line", 10, |board| {
        let calls = board["calls"].as_array()?;
        calls
            .iter()
            .find(|call| call["stage"] == "waiting")
            .map(drop)
    });
    phone.hangs_up();
    assert_eq!(journal::story(engine, &call_id).end().0, "abandoned");
}

/// The list, once it is so.
fn listed(engine: &Engine, query: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let list = engine.get(&format!("/api/v1/tasks?{query}"));
        let list = list.as_array().unwrap().clone();
        if is(&list) {
            return list;
        }
        assert!(Instant::now() < until, "{query}: {list:#?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// K13 on the wallboard, once `key` says so.
fn k13(engine: &Engine, key: &str, value: u64) -> Value {
    engine.until(&format!("K13 {key} {value}"), 20, |board| {
        let missed = &board["missed"];
        (missed[key] == value).then(|| missed.clone())
    })
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

#[test]
fn who_gave_up_twice_is_one_task_and_is_called_back_by_the_seat_s_phone() {
    let mut seat = start();
    abandons(&seat.engine, NUMBER);
    abandons(&seat.engine, NUMBER);
    let list = listed(&seat.engine, "state=open", |list| {
        list.first().is_some_and(|task| task["missed"] == 2)
    });
    assert_eq!(list.len(), 1);
    let task = &list[0];
    assert_eq!(
        task["number"], "138****8000",
        "no list shows a number whole"
    );
    assert_eq!(task["kind"], "missed-call");
    assert_eq!(task["queue"], "general");
    let (number, id) = (task["task"].clone(), task["task"].to_string());
    let (status, masked) = seat.asks("GET", &format!("/{id}"), &Value::Null);
    assert_eq!((status, &masked["number"]), (200, &json!("138****8000")));
    assert_eq!(
        seat.asks("POST", &format!("/{id}/let-go"), &Value::Null).0,
        409
    );

    let (status, taken) = seat.asks("POST", &format!("/{id}/take"), &Value::Null);
    assert_eq!(status, 200, "{taken}");
    assert_eq!(
        (&taken["number"], &taken["state"]),
        (&json!(NUMBER), &json!("taken"))
    );
    let other = seat.engine.sign_in("1001");
    let path = format!("/api/v1/tasks/{id}/take");
    let (status, refused) = seat.engine.request("POST", &path, Some(&other), "");
    assert_eq!((status, code(&refused)), (409, "task-taken"));
    let path = format!("/api/v1/tasks/{id}");
    let (_, others) = seat.engine.request("GET", &path, Some(&other), "");
    assert_eq!(others["number"], "138****8000", "it is not theirs");
    let (_, again) = seat.asks("GET", &format!("/{id}"), &Value::Null);
    assert_eq!(again["number"], NUMBER);
    journal::until(&seat.engine, "who looked", |r| {
        r["type"] == "task-shown" && r["by"] == "0012" && r["task"] == number
    });

    let desk = Ear::at(DESK.into(), TONES.0);
    let (mut phone, mut far, invite) = seat.dials(NUMBER, &desk);
    // While it rings there the seat keeps it.
    listed(&seat.engine, "state=taken", |list| {
        list.first().is_some_and(|task| !task["trying"].is_null())
    });
    let (status, refused) = seat.asks("POST", &format!("/{id}/let-go"), &Value::Null);
    assert_eq!((status, code(&refused)), (409, "task-is-called"));
    let citizen = Ear::at(Ipv4Addr::LOCALHOST.into(), TONES.1);
    let own = session(&far.line, citizen.port);
    far.answers(&invite, "200 OK", "Contact: <sip:citizen@{local}>\n", &own);
    citizen.speaks_to(sound_at(&invite));
    let answer = phone.hears("200 INVITE", SOON);
    phone.acknowledges(&answer, "");
    desk.speaks_to(sound_at(&answer));
    assert!(desk.hears(TONES.1), "the seat hears the citizen");
    assert!(citizen.hears(TONES.0), "the citizen hears the seat");
    phone.hangs_up();
    let bye = far.hears("BYE", SOON);
    far.answers(&bye, "200 OK", "", "");

    let done = listed(&seat.engine, "state=done", |list| list.len() == 1);
    assert_eq!(
        (&done[0]["end"], &done[0]["seat"]),
        (&json!("reached"), &json!("0012"))
    );
    assert_eq!(done[0]["attempts"], 1);
    assert!(listed(&seat.engine, "state=open", <[_]>::is_empty).is_empty());
    let missed = k13(&seat.engine, "reached", 1);
    for (key, value) in [
        ("listed", 1),
        ("tried", 1),
        ("tried_in_time", 1),
        ("called_again", 0),
        ("open", 0),
    ] {
        assert_eq!(missed[key], value, "{key}: {missed}");
    }
    assert_eq!(missed["reached_rate"], 1.0);
    let (_, story) = seat.asks("GET", &format!("/{id}"), &Value::Null);
    assert_eq!(story["last_talk"]["seat"], "0012");
}

#[test]
fn who_was_not_reached_rests_until_the_citizen_calls_again_and_is_answered() {
    let mut seat = start();
    abandons(&seat.engine, OTHER);
    let list = listed(&seat.engine, "kind=missed-call", |list| list.len() == 1);
    let id = list[0]["task"].to_string();
    let desk = Ear::at(DESK.into(), TONES.0);
    let (mut phone, far, invite) = seat.dials(OTHER, &desk);
    far.answers(&invite, "486 Busy Here", "", "");
    let busy = phone.hears("486 INVITE", SOON);
    phone.acknowledges(&busy, "");
    let list = listed(&seat.engine, "state=open", |list| {
        list.first().is_some_and(|task| task["attempts"] == 1)
    });
    let ended = list[0]["last_try_at"].as_i64().unwrap();
    let rests = list[0]["not_before"].as_i64().unwrap() - ended;
    assert!((3_600_000..3_620_000).contains(&rests), "{rests} ms");
    let (status, refused) = seat.asks("POST", &format!("/{id}/take"), &Value::Null);
    assert_eq!((status, code(&refused)), (409, "task-rests"));

    let ready = "/api/v1/seats/0012/ready";
    let (status, body) = seat.engine.post(ready, &json!({}));
    assert_eq!(status, 204, "{body}");
    let line = Line::from("127.0.0.1", &seat.engine);
    let ear = Ear::at(line.local().ip(), TONES.1);
    let offer = session(&line, ear.port);
    let mut citizen = Party::dials(line, OTHER, "12345", "", &offer);
    let answer = citizen.hears("200 INVITE", SOON);
    citizen.acknowledges(&answer, "");
    let (mut agent, invite) = Party::called(seat.line, SOON);
    let own = session(&agent.line, desk.port);
    agent.picks_up(&invite, &own);
    let done = listed(&seat.engine, "state=done", |list| list.len() == 1);
    assert_eq!(done[0]["end"], "called-again");
    let missed = k13(&seat.engine, "called_again", 1);
    assert_eq!(
        (&missed["tried"], &missed["reached"]),
        (&json!(1), &json!(0))
    );
    citizen.hangs_up();
    let bye = agent.hears("BYE", SOON);
    agent.answers(&bye, "200 OK", "", "");
}

#[test]
fn a_supervisor_puts_in_a_follow_up_and_closes_it() {
    let seat = start();
    let due = |hours: i64| {
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis();
        i64::try_from(now).unwrap() + hours * 3_600_000
    };
    let wish =
        |number: &str, hours| json!({"number": number, "note": "问是否满意", "due_at": due(hours)});
    let add = |body: &Value| seat.engine.post("/api/v1/tasks", body);
    let (status, _) = seat.asks("POST", "", &wish(NUMBER, 1));
    assert_eq!(status, 403, "agents put nothing in");
    for (body, word) in [
        (wish("nobody", 1), "number"),
        (wish(NUMBER, -1), "due_at"),
        (wish(NUMBER, 24 * 367), "due_at"),
    ] {
        let (status, refused) = add(&body);
        assert_eq!((status, code(&refused)), (400, word), "{refused}");
    }
    let (status, added) = add(&wish(NUMBER, 1));
    assert_eq!(
        (status, &added["number"]),
        (201, &json!("138****8000")),
        "{added}"
    );
    let (status, twice) = add(&wish("138 0013 8000", 2));
    assert_eq!((status, code(&twice)), (409, "task-not-added"));
    let id = added["task"].to_string();
    assert_eq!(
        seat.asks("POST", &format!("/{id}/take"), &Value::Null).0,
        200
    );
    assert_eq!(
        seat.asks("POST", &format!("/{id}/let-go"), &Value::Null).0,
        204
    );
    let path = format!("/api/v1/tasks/{id}/close");
    let (status, refused) = seat.engine.post(&path, &json!({"reason": " "}));
    assert_eq!((status, code(&refused)), (400, "reason"));
    assert_eq!(
        seat.engine.post(&path, &json!({"reason": "已当面答复"})).0,
        204
    );
    let (status, refused) = seat.engine.post(&path, &json!({"reason": "again"}));
    assert_eq!((status, code(&refused)), (409, "task-done"));
    let done = listed(&seat.engine, "kind=follow-up&state=done", |list| {
        list.len() == 1
    });
    assert_eq!(
        (&done[0]["end"], &done[0]["reason"]),
        (&json!("closed"), &json!("已当面答复"))
    );
    let (status, _) = seat
        .engine
        .post("/api/v1/tasks/999999/close", &json!({"reason": "x"}));
    assert_eq!(status, 404);
}
