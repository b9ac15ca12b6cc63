//! A phone that belongs to no seat: an agent logs in there, and it is the seat's for a while.

use std::{fs, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    desks::caller,
    ear::Ear,
    engine::Engine,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
};

/// Where the two shared phones are.
const AT: [&str; 2] = ["127.0.0.91", "127.0.0.92"];

fn start(rule: &str) -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let more = format!(
        "[[phone]]\nid = \"desk-1\"\nplace = \"三楼东\"\n[[phone]]\nid = \"desk-2\"\n\
         [sign_in]\nsecond_phone = \"{rule}\"\n"
    );
    fs::write(file, format!("{text}\n{more}")).unwrap();
    engine.restart();
    engine
}

fn registered(engine: &Engine, phone: &str, ip: &str) -> Line {
    let line = Line::from(ip, engine);
    let answer = line.register(phone, &engine.password(phone));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    line
}

/// The phone dials a code, types these keys once it is asked, and listens until it is hung up on.
fn dials(engine: &Engine, phone: &str, ip: &str, code: &str, keys: &str) {
    let line = Line::from(ip, engine);
    let ear = Ear::at(line.local().ip(), 300.0);
    let offer = session(&line, ear.port);
    let password = engine.password(phone);
    let (mut party, _) = Party::dials_as(line, (phone, &password), code, "", &offer);
    let answer = party.hears("200 INVITE", SOON);
    party.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    if !keys.is_empty() {
        // The engine asks aloud before it listens; a person presses no key before.
        thread::sleep(Duration::from_millis(500));
        ear.presses(keys);
    }
    let bye = party.hears("BYE", SOON * 4);
    party.answers(&bye, "200 OK", "", "");
    let loud = ear.heard().iter().filter(|it| it.abs() > 500).count();
    assert!(loud > 2_000, "{code}: nothing was said, {loud}");
}

/// Waits until the seat's line has these values.
fn until(engine: &Engine, seat: &str, values: &[(&str, Value)]) {
    engine.until(&format!("{seat}: {values:?}"), 10, |board| {
        let line = Engine::seat(board, seat);
        let mut values = values.iter();
        values.all(|(key, is)| line[*key] == *is).then_some(())
    });
}

fn journal(engine: &Engine) -> String {
    let files = fs::read_dir(engine.dir.join("data/journal")).unwrap();
    files
        .map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned())
        .collect()
}

#[test]
fn an_agent_logs_in_at_a_shared_phone_and_takes_a_call() {
    let engine = start("takes-over");
    let lines = [("desk-1", AT[0]), ("desk-2", AT[1])].map(|(id, ip)| registered(&engine, id, ip));
    let [first, second] = lines;
    let pin = engine.password("pin 1001");
    // Nobody is logged in: it does nothing for nobody.
    dials(&engine, "desk-1", AT[0], "*1", "");
    until(&engine, "1001", &[("device", json!("unregistered"))]);

    dials(&engine, "desk-1", AT[0], "*91001", &pin);
    let there = [("device", json!("registered")), ("phone", json!("desk-1"))];
    until(&engine, "1001", &there);
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(
        board["phones"][0],
        json!({"phone": "desk-1", "place": "三楼东", "device": "registered", "seat": "1001"})
    );
    dials(&engine, "desk-1", AT[0], "*1", "");
    until(&engine, "1001", &[("intent", json!("ready"))]);

    // A citizen's call rings there and is heard both ways.
    let (mut citizen, citizens_ear) = caller(&engine);
    let (mut phone, invite) = Party::called(first, SOON);
    let ear = Ear::at(phone.line.local().ip(), 600.0);
    ear.speaks_to(sound_at(&invite));
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    assert!(ear.hears(900.0), "the agent hears the citizen");
    assert!(citizens_ear.hears(600.0), "the citizen hears the agent");
    citizen.hangs_up();
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");
    until(&engine, "1001", &[("work", json!("free"))]);

    // The agent goes to another desk: the seat goes along, as ready as it is.
    dials(&engine, "desk-2", AT[1], "*91001", &pin);
    let there = [("phone", json!("desk-2")), ("intent", json!("ready"))];
    until(&engine, "1001", &there);
    let (mut citizen, _ear) = caller(&engine);
    let (mut phone, invite) = Party::called(second, SOON);
    phone.answers(&invite, "486 Busy Here", "", "");
    phone.hears("ACK", SOON);
    citizen.hangs_up();
    dials(&engine, "desk-2", AT[1], "*4", "");
    let away = [
        ("device", json!("unregistered")),
        ("reason", json!("logged-out")),
        ("phone", Value::Null),
    ];
    until(&engine, "1001", &away);
    let all = journal(&engine);
    for part in [
        "\"seat-lent-phone\",\"seat\":\"1001\",\"phone\":\"desk-1\"",
        "\"seat\":\"1001\",\"phone\":\"desk-1\",\"why\":\"taken over by another phone\"",
        "\"seat-gave-phone-back\",\"seat\":\"1001\",\"phone\":\"desk-2\",\"why\":\"signed out\"",
    ] {
        assert!(all.contains(part), "{part}");
    }
    assert!(!all.contains(&pin));
    // The first start shows what it made, as it shows passwords; nothing does afterwards.
    let log = engine.log();
    let (_, later) = log.split_once("no phone?").unwrap();
    assert!(!later.contains(&pin), "{later}");
}

#[test]
fn a_phone_that_is_taken_and_a_pin_that_is_wrong() {
    let engine = start("refused");
    let _lines = [("desk-1", AT[0]), ("desk-2", AT[1])].map(|(id, ip)| registered(&engine, id, ip));
    let pin = engine.password("pin 1001");
    let wrong = if pin == "111111" { "222222" } else { "111111" };
    dials(&engine, "desk-1", AT[0], "*91001", &pin);
    dials(&engine, "desk-2", AT[1], "*91001", &pin);
    until(&engine, "1001", &[("phone", json!("desk-1"))]);
    for _ in 0..5 {
        dials(&engine, "desk-2", AT[1], "*91002", wrong);
    }
    // The right one comes too late.
    dials(&engine, "desk-2", AT[1], "*91002", "");
    let all = journal(&engine);
    for part in [
        "\"phone-log-in-refused\",\"phone\":\"desk-2\",\"seat\":\"1001\",\"why\":\"the seat has another phone\"",
        "\"phone-log-in-refused\",\"phone\":\"desk-2\",\"seat\":\"1002\",\"why\":\"wrong PIN\"",
        "\"phone-log-in-locked\",\"phone\":\"desk-2\",\"seat\":null,\"for_s\":900",
        "\"phone-log-in-locked\",\"phone\":\"desk-2\",\"seat\":\"1002\",\"for_s\":900",
        "\"why\":\"locked after too many wrong PINs\"",
    ] {
        assert!(all.contains(part), "{part}");
    }
    // A sign-out on the page gives the phone back.
    assert_eq!(
        engine.post("/api/v1/seats/1001/sign-out", &json!({})).0,
        204
    );
    until(&engine, "1001", &[("phone", Value::Null)]);
}
