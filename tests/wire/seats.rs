//! What a seat can be asked for, and by how many phones and pages at once.

use std::fs;

use serde_json::{Value, json};

use crate::{
    engine::Engine,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
    watching::Watching,
};

/// An engine whose seats.toml has this behind it.
fn with_seats(more: &str) -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{text}\n{more}\n")).unwrap();
    engine.restart();
    engine
}

fn registered(engine: &Engine, seat: &str, ip: &str) -> Line {
    let line = Line::from(ip, engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    line
}

/// Waits until the seat's line has these values.
fn until(engine: &Engine, seat: &str, values: &[(&str, Value)]) {
    engine.until(&format!("{seat}: {values:?}"), 10, |board| {
        let line = Engine::seat(board, seat);
        values
            .iter()
            .all(|(key, is)| line[*key] == *is)
            .then_some(())
    });
}

fn ask(engine: &Engine, seat: &str, what: &str, body: &Value) -> u16 {
    engine.post(&format!("/api/v1/seats/{seat}/{what}"), body).0
}

/// The seat's phone dials a star code.
fn dials_code(engine: &Engine, seat: &str, ip: &str, code: &str) {
    let line = Line::from(ip, engine);
    let offer = session(&line, 4_000);
    let password = engine.password(seat);
    let (mut phone, _) = Party::dials_as(line, (seat, &password), code, "", &offer);
    let answer = phone.hears("200 INVITE", SOON);
    phone.acknowledges(&answer, "");
}

#[test]
fn an_own_reason_a_state_to_come_and_a_longer_wrap_up() {
    let own = "[[reason]]\nid = \"tea\"\nname = \"茶歇\"\ncode = \"*25\"";
    let engine = with_seats(own);
    let line = registered(&engine, "1001", "127.0.0.81");
    assert_eq!(
        ask(&engine, "1001", "not-ready", &json!({"reason": "tea"})),
        204
    );
    until(&engine, "1001", &[("reason", json!("tea"))]);
    assert_eq!(
        ask(&engine, "1001", "not-ready", &json!({"reason": "nap"})),
        400
    );
    assert_eq!(
        ask(
            &engine,
            "1001",
            "not-ready",
            &json!({"reason": "Not a word"})
        ),
        400
    );
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(board["reasons"], json!([{"reason": "tea", "name": "茶歇"}]));

    // In a talk the wish waits, and is shown; by star code as by page.
    assert_eq!(ask(&engine, "1001", "ready", &json!({})), 204);
    assert_eq!(
        ask(&engine, "1001", "wrap-up/extend", &json!({"by_s": 60})),
        409
    );
    let caller = Line::from("127.0.0.1", &engine);
    let offer = session(&caller, 4_002);
    let mut citizen = Party::dials(caller, "13800001234", "12345", "", &offer);
    let answer = citizen.hears("200 INVITE", SOON);
    citizen.acknowledges(&answer, "");
    let (mut phone, invite) = Party::called(line, SOON);
    assert!(sound_at(&invite).port() > 0);
    let own = session(&phone.line, 4_004);
    phone.picks_up(&invite, &own);
    until(
        &engine,
        "1001",
        &[("work", json!("talking")), ("pending", Value::Null)],
    );
    assert_eq!(
        ask(&engine, "1001", "not-ready", &json!({"reason": "forced"})),
        204
    );
    let to_come = [
        ("pending", json!("not-ready")),
        ("pending_reason", json!("forced")),
    ];
    until(&engine, "1001", &to_come);
    // What a supervisor forced, no code and no page of the agent ends.
    dials_code(&engine, "1001", "127.0.0.81", "*1");
    let own = engine.sign_in("1001");
    let ready = "/api/v1/seats/1001/ready";
    let (status, refused) = engine.request("POST", ready, Some(&own), "{}");
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("forced")));
    until(&engine, "1001", &to_come);
    let meal = json!({"reason": "meal"});
    assert_eq!(ask(&engine, "1001", "not-ready", &meal), 204);
    dials_code(&engine, "1001", "127.0.0.81", "*25");
    until(
        &engine,
        "1001",
        &[("pending_reason", json!("tea")), ("intent", json!("ready"))],
    );
    citizen.hangs_up();
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");

    // The wrap-up of one second is as long as it was asked, up to the cap of 120 s.
    until(&engine, "1001", &[("work", json!("wrap-up"))]);
    assert_eq!(
        ask(&engine, "1001", "wrap-up/extend", &json!({"by_s": 0})),
        400
    );
    assert_eq!(
        ask(&engine, "1001", "wrap-up/extend", &json!({"by_s": 3_600})),
        204
    );
    assert_eq!(
        ask(&engine, "1001", "wrap-up/extend", &json!({"by_s": 60})),
        409
    );
    until(
        &engine,
        "1001",
        &[("reason", json!("tea")), ("work", json!("wrap-up"))],
    );
    assert_eq!(ask(&engine, "1001", "wrap-up/end", &json!({})), 204);
    until(
        &engine,
        "1001",
        &[("work", json!("free")), ("reason", json!("tea"))],
    );
    dials_code(&engine, "1001", "127.0.0.81", "*4");
    until(&engine, "1001", &[("reason", json!("logged-out"))]);
}

#[test]
fn a_second_phone_and_a_second_page_are_refused_or_take_over_by_rule() {
    let rule = |page: &str, phone: &str| {
        format!("[sign_in]\nsecond_page = \"{page}\"\nsecond_phone = \"{phone}\"")
    };
    let engine = with_seats(&rule("refused", "refused"));
    let first = registered(&engine, "1001", "127.0.0.82");
    let second = Line::from("127.0.0.83", &engine);
    let password = engine.password("1001");
    assert_eq!(second.register("1001", &password).status(), 403);
    // The first refreshes as ever.
    assert_eq!(first.register("1001", &password).status(), 200);
    let page = engine.sign_in("1001");
    let body = json!({"user": "1001", "password": password}).to_string();
    let (status, refused) = engine.request("POST", "/api/v1/session", None, &body);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &json!("already-signed-in"))
    );
    assert_eq!(
        engine.request("GET", "/api/v1/session", Some(&page), "").0,
        200
    );
    // A supervisor signs the seat out, and the next is let in.
    assert_eq!(ask(&engine, "1001", "sign-out", &json!({})), 204);
    assert_eq!(
        engine.request("GET", "/api/v1/session", Some(&page), "").0,
        401
    );
    let page = engine.sign_in("1001");

    engine.configure(
        "seats.toml",
        &rule("refused", "refused"),
        &rule("takes-over", "takes-over"),
    );
    let (status, report) = engine.post("/api/v1/config/reload", &json!({}));
    assert_eq!(
        (status, &report["applied"]),
        (200, &json!(true)),
        "{report}"
    );
    assert_eq!(second.register("1001", &password).status(), 200);
    let watching = Watching::by(&engine, "1001");
    assert_eq!(
        engine.request("GET", "/api/v1/session", Some(&page), "").0,
        401
    );
    // The live stream of a page whose session is over is over, too.
    engine.sign_in("1001");
    watching.ends();
    // It rings at the second alone.
    assert_eq!(ask(&engine, "1001", "ready", &json!({})), 204);
    let caller = Line::from("127.0.0.1", &engine);
    let offer = session(&caller, 4_006);
    let mut citizen = Party::dials(caller, "13800001234", "12345", "", &offer);
    let answer = citizen.hears("200 INVITE", SOON);
    citizen.acknowledges(&answer, "");
    let (_phone, _) = Party::called(second, SOON);
    assert!(
        first
            .hear(SOON / 5)
            .is_none_or(|heard| !heard.0.starts_with("INVITE"))
    );
    let journal = engine.dir.join("data/journal");
    let all: String = fs::read_dir(journal)
        .unwrap()
        .map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned())
        .collect();
    for part in [
        "\"page-sign-in-refused\",\"user\":\"1001\",\"from\":\"127.0.0.1\"",
        "\"page-signed-in\",\"user\":\"1001\",\"seat\":\"1001\",\"from\":\"127.0.0.1\",\"ended\":1",
        "\"second phone refused\",\"through\":\"phone\",\"done\":false",
        "\"second phone takes over\",\"through\":\"phone\",\"done\":true",
    ] {
        assert!(all.contains(part), "{part}");
    }
}

#[test]
fn a_seat_takes_calls_within_its_time_alone() {
    let seat = |id: &str, membership: &str| {
        format!(
            "[[seat]]\nid = \"{id}\"\nname = \"n\"\nqueues = [\"general\"]\n\
             membership = [{{ contractor = \"甲\", {membership} }}]\n"
        )
    };
    let (past, lasting) = ("until = 2020-01-31", "from = 2020-01-01");
    let engine = with_seats(&format!("{}{}", seat("2001", past), seat("2002", lasting)));
    let _phones = [("2001", "127.0.0.84"), ("2002", "127.0.0.85")]
        .map(|(seat, ip)| registered(&engine, seat, ip));
    assert_eq!(ask(&engine, "2001", "ready", &json!({})), 409);
    assert_eq!(ask(&engine, "2002", "ready", &json!({})), 204);
    until(
        &engine,
        "2002",
        &[("contractor", json!("甲")), ("intent", json!("ready"))],
    );
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(Engine::seat(&board, "2001")["contractor"], Value::Null);
    assert_eq!(Engine::seat(&board, "1002")["contractor"], Value::Null);
    // Its time ends: it is signed out by the engine.
    engine.configure("seats.toml", lasting, "until = 2020-02-01");
    assert_eq!(engine.post("/api/v1/config/reload", &json!({})).0, 200);
    until(
        &engine,
        "2002",
        &[("reason", json!("logged-out")), ("contractor", Value::Null)],
    );
    assert_eq!(ask(&engine, "2002", "ready", &json!({})), 409);
}
