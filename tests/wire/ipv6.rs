//! An engine that lives on IPv6 alone: registration, a call and its sound over `::1`.

use std::{fs, net::Ipv6Addr};

use serde_json::json;

use crate::{
    ear::Ear,
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
};

#[test]
fn a_call_and_its_sound_go_over_ipv6() {
    let mut engine = town::prepare();
    engine.host = Ipv6Addr::LOCALHOST.into();
    let config = engine.dir.join("config");
    let put = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(config.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(config.join(file), text.replacen(from, to, 1)).unwrap();
    };
    put(
        "engine.toml",
        "\naddress = \"127.0.0.1\"",
        "\naddress = \"::1\"",
    );
    put(
        "trunks.toml",
        "addresses = [\"127.0.0.1\"]",
        "addresses = [\"::1\"]",
    );
    engine.restart();

    let phone = Line::from("::1", &engine);
    let desk = Ear::at(Ipv6Addr::LOCALHOST.into(), 600.0);
    let password = engine.password("1001");
    assert_eq!(phone.register("1001", &password).status(), 200);
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);

    let line = Line::from("::1", &engine);
    let citizen = Ear::at(Ipv6Addr::LOCALHOST.into(), 900.0);
    let own = session(&line, citizen.port);
    let mut caller = Party::dials(line, "13800001234", "12345", "", &own);
    let answer = caller.hears("200 INVITE", SOON);
    assert!(answer.0.contains("c=IN IP6 ::1\r\n"), "{}", answer.0);
    let contact = answer.header("Contact").unwrap();
    assert!(contact.contains(&format!("[::1]:{}", engine.sip)));
    caller.acknowledges(&answer, "");
    citizen.speaks_to(sound_at(&answer));

    let (mut agent, invite) = Party::called(phone, SOON);
    let via = invite.header("Via").unwrap();
    assert!(via.contains(&format!("[::1]:{}", engine.sip)), "{via}");
    let own = session(&agent.line, desk.port);
    desk.speaks_to(sound_at(&invite));
    agent.picks_up(&invite, &own);
    assert!(desk.hears(900.0), "the agent hears the citizen");
    assert!(citizen.hears(600.0), "the citizen hears the agent");

    agent.hangs_up();
    caller.hears_within("BYE", std::time::Duration::from_millis(1));
    caller.asks("BYE", "", "");
    caller.hears("200 BYE", SOON);
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.event("talk-ended")["released_by"], "agent");
    assert_eq!(story.end().0, "answered");
}
