//! 110 is called into a talk by one request, each party with a tone of its own; and a side of a
//! talk that says nothing.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use serde_json::json;

use crate::{
    ear::Ear,
    engine::{Engine, free_port},
    guests::{AGENT, CITIZEN, Desk, GUEST, Office, answers, guest_hears, registered},
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
    trunks::with_trunks_of_1001,
};

/// An engine with this behind its seats.toml from now on.
fn also(engine: Engine, seats: &str) -> Engine {
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{text}\n{seats}\n")).unwrap();
    let (status, report) = engine.post("/api/v1/config/reload", &json!({}));
    assert_eq!(
        (status, &report["applied"]),
        (200, &json!(true)),
        "{report}"
    );
    engine
}

#[test]
fn help_hears_both_and_the_agent_stays_until_it_speaks() {
    let port = free_port();
    let engine = with_trunks_of_1001(port, free_port());
    let engine = also(engine, "[[emergency]]\nnumber = \"110\"\nname = \"公安\"");
    let carrier = Line::bound(SocketAddr::from(([127, 0, 0, 1], port)), &engine);
    let mut office = Office::of(engine);
    let board = office.engine.get("/api/v1/wallboard");
    assert_eq!(
        board["emergencies"],
        json!([{ "number": "110", "name": "公安" }])
    );
    let other = office
        .engine
        .post("/api/v1/seats/1001/emergency", &json!({ "to": "119" }));
    assert_eq!(other.0, 404, "{}", other.1);

    office.ask("1001", "emergency", &json!({ "to": "110" }));
    let (mut phone, invite) = Party::called(carrier, SOON);
    assert!(invite.0.starts_with("INVITE sip:110@"), "{}", invite.0);
    phone.answers(&invite, "180 Ringing", "Contact: <sip:party@{local}>\n", "");
    // Caller and agent talk on.
    office.hear(&[AGENT], &[CITIZEN]);
    let ear = Ear::at(Ipv4Addr::LOCALHOST.into(), GUEST);
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    let police = Desk { phone, ear };
    guest_hears(&police, &[CITIZEN, AGENT]);
    let complete = || {
        let path = "/api/v1/seats/1001/consult/complete";
        office.engine.post(path, &json!({}))
    };
    let (status, refused) = complete();
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &json!("not-spoken"))
    );
    police.ear.speaks_to(sound_at(&invite));
    journal::until(&office.engine, "the first word", |it| {
        it["type"] == "guest-spoke" && it["guest"] == "outside:110"
    });
    office.hear(&[AGENT, GUEST], &[CITIZEN, GUEST]);
    assert_eq!(complete().0, 204);
    let bye = office.agent.phone.hears("BYE", SOON);
    office.agent.phone.answers(&bye, "200 OK", "", "");
    guest_hears(&police, &[CITIZEN]);
}

#[test]
fn a_caller_who_says_nothing_is_told_of() {
    let engine = also(town::start(), "[talk]\nsilent_after_s = 2");
    let phone = registered(&engine, "1001", "127.0.0.66");
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    let own = Line::from("127.0.0.1", &engine);
    let nobody = Ear::at(own.local().ip(), CITIZEN);
    let offer = session(&own, nobody.port);
    let mut citizen = Party::dials(own, "13800001234", "12345", "", &offer);
    let answer = citizen.hears("200 INVITE", SOON);
    citizen.acknowledges(&answer, "");
    let (_agent, _) = answers(phone, AGENT);
    let silent = journal::until(&engine, "the silence", |it| it["type"] == "party-silent");
    assert_eq!(
        (&silent["party"], &silent["seat"]),
        (&json!("caller"), &json!("1001"))
    );
    assert!(
        (2..6).contains(&silent["after_s"].as_u64().unwrap()),
        "{silent}"
    );
    // The agent, who is asked after at the same time, spoke all the while.
    citizen.hangs_up();
    let story = journal::story(&engine, &citizen.call_id);
    assert_eq!(story.count("party-silent"), 1, "{:?}", story.types());
}
