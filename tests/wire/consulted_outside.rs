//! An agent consults a number outside by a trunk, each party with a tone of its own: who hears whom
//! while it rings, in the consultation, in the talk of three, when the caller is left to the one
//! outside, and when the agent takes the caller back.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use crate::{
    ear::Ear,
    engine::{Engine, free_port},
    guests::{AGENT, ALL, CITIZEN, Desk, GUEST, Office, RINGS_BACK, guest_hears},
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    trunks::{NUMBER, with_trunks_of_1001},
};

const MASKED: &str = "outside:138****8000";

/// Agent 1001 talks with a citizen; a carrier waits.
fn office() -> (Office, Line) {
    let port = free_port();
    let engine = with_trunks_of_1001(port, free_port());
    let carrier = Line::bound(SocketAddr::from(([127, 0, 0, 1], port)), &engine);
    (Office::of(engine), carrier)
}

/// The agent consults the number, which rings and answers.
fn consulted(office: &Office, carrier: Line) -> Desk {
    office.ask("1001", "consult", &json!({ "to": NUMBER }));
    let ear = Ear::at(Ipv4Addr::LOCALHOST.into(), GUEST);
    let (mut phone, invite) = Party::called(carrier, SOON);
    assert!(invite.0.contains(&format!("sip:{NUMBER}@")), "{}", invite.0);
    assert!(!invite.0.contains("1001@"), "{}", invite.0);
    let contact = "Contact: <sip:party@{local}>\n";
    phone.answers(&invite, "180 Ringing", contact, "");
    assert!(office.agent.ear.hears(RINGS_BACK), "the agent");
    ear.speaks_to(sound_at(&invite));
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    let outside = Desk { phone, ear };
    guest_hears(&outside, &[AGENT]);
    // The citizen hears music, in which none of the tones is.
    office.hear(&[], &[GUEST]);
    let heard = office.heard.heard();
    let last = &heard[heard.len() - 4_000..];
    assert!(last.iter().any(|sample| sample.abs() > 500), "no music");
    outside
}

#[test]
fn an_agent_consults_outside_has_three_talk_and_leaves_the_caller_there() {
    let (mut office, carrier) = office();
    let mut outside = consulted(&office, carrier);
    office.until_seen(&["consult"], &["consult"]);
    let agent = office.engine.sign_in("1001");
    let board = office
        .engine
        .request("GET", "/api/v1/wallboard", Some(&agent), "");
    let line = &board.1["calls"][0];
    assert_eq!(
        (&line["guests"][0]["seat"], &line["stage"]),
        (&json!(MASKED), &json!("talking"))
    );
    office.ask("1001", "consult/merge", &json!({}));
    office.hear(&[AGENT, GUEST], &[CITIZEN, GUEST]);
    guest_hears(&outside, &[CITIZEN, AGENT]);
    office.ask("1001", "consult/complete", &json!({}));
    let bye = office.agent.phone.hears("BYE", SOON);
    office.agent.phone.answers(&bye, "200 OK", "", "");
    assert!(office.heard.hears_just(&[GUEST], &ALL), "the citizen");
    guest_hears(&outside, &[CITIZEN]);
    let engine = &office.engine;
    journal::until(engine, "wrap-up", |it| {
        it["type"] == "seat-changed" && it["seat"] == "1001" && it["work"] == "wrap-up"
    });
    let given = journal::until(engine, "the transfer", |it| {
        it["type"] == "talk-transferred"
    });
    assert_eq!(
        (&given["kind"], &given["to"]),
        (&json!("attended"), &json!(format!("outside:{NUMBER}")))
    );
    seen_masked(engine, &agent);
    // A key pressed outside is no score; the citizen is asked when whoever is outside hangs up.
    outside.ear.presses("1");
    outside.phone.hangs_up();
    journal::until(engine, "the survey", |it| it["type"] == "survey-offered");
    office.citizen.hangs_up();
    let story = journal::story(engine, &office.citizen.call_id);
    assert!(story.has("survey-unanswered"), "{:?}", story.types());
    assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
    // The talk with whoever was outside is recorded in a file of its own.
    journal::until(engine, "the second recording", |it| {
        let file = it["file"].as_str().unwrap_or_default();
        it["type"] == "recording-closed" && file.ends_with("-2.wav")
    });
}

/// No agent is shown the number in full.
fn seen_masked(engine: &Engine, agent: &str) {
    let (status, call) = engine.request("GET", "/api/v1/calls/1", Some(agent), "");
    assert_eq!(status, 200, "{call}");
    let timeline = call["timeline"].as_array().unwrap();
    let called = timeline.iter().find(|it| it["type"] == "guest-called");
    assert_eq!(called.unwrap()["guest"], json!(MASKED));
    assert!(!call.to_string().contains(NUMBER), "{call}");
}

#[test]
fn an_agent_who_consulted_outside_talks_with_the_caller_again() {
    let (mut office, carrier) = office();
    let mut outside = consulted(&office, carrier);
    office.ask("1001", "consult/cancel", &json!({}));
    let bye = outside.phone.hears("BYE", SOON);
    outside.phone.answers(&bye, "200 OK", "", "");
    office.hear(&[AGENT], &[CITIZEN]);
    // Nobody calls what the lists do not allow.
    for (number, status) in [("0085212345678", 403), ("nobody", 404)] {
        let body = json!({ "to": number });
        let asked = office.engine.post("/api/v1/seats/1001/consult", &body);
        assert_eq!(asked.0, status, "{number}: {}", asked.1);
    }
    office.hear(&[AGENT], &[CITIZEN]);
    office.citizen.hangs_up();
    let story = journal::story(&office.engine, &office.citizen.call_id);
    assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
}
