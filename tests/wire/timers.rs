//! Sessions with an end (RFC 4028), in real time, since nothing shorter than 90 s may be agreed:
//! refreshed by us and by the peer, given up when nobody does; and our re-INVITE that meets the
//! peer's (RFC 3261 §14.1).

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ear::Ear,
    engine::Engine,
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
};

/// Of 90 s the refresh comes at half, and a busy machine may take its time.
const REFRESHED_WITHIN: Duration = Duration::from_secs(60);

/// What a peer says that knows UPDATE, and what one says that does not.
const WITH_UPDATE: &str = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE\n";
const WITHOUT_UPDATE: &str = "Allow: INVITE, ACK, CANCEL, BYE\n";

/// A caller in the queue whose sound goes on; the headers of the 200.
fn caller(engine: &Engine, headers: &str) -> (Party, Ear, String) {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(Ipv4Addr::LOCALHOST.into(), 900.0);
    let session = session(&line, ear.port);
    let mut caller = Party::dials(line, "13800001234", "12345", headers, &session);
    let answer = caller.hears("200 INVITE", SOON);
    caller.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    let agreed = answer.header("Session-Expires").unwrap_or_default();
    (caller, ear, agreed.to_owned())
}

/// The caller leaves the refresh to us, and gets it as UPDATE.
fn refreshed_by_us(engine: &Engine) {
    let wish = format!("Supported: timer\nSession-Expires: 90;refresher=uas\n{WITH_UPDATE}");
    let (mut caller, _ear, agreed) = caller(engine, &wish);
    assert_eq!(agreed, "90;refresher=uas");
    let update = caller.hears("UPDATE", REFRESHED_WITHIN);
    assert_eq!(
        update.header("Session-Expires"),
        Some("90;refresher=uac"),
        "{}",
        update.0
    );
    assert!(update.header("Min-SE").is_some(), "{}", update.0);
    assert_eq!(update.header("Content-Type"), None, "{}", update.0);
    let headers = "Require: timer\nSession-Expires: 90;refresher=uac\n";
    caller.answers(&update, "200 OK", headers, "");
    assert!(caller.hears_within("UPDATE", SOON).is_none(), "once");
    caller.hangs_up();
    let story = journal::story(engine, &caller.call_id);
    assert_eq!(story.end(), ("abandoned", "caller"));
}

/// The caller refreshes once, and its BYE is lost: the session runs out a while after the refresh,
/// although sound goes on.
fn refreshed_by_the_peer_and_expired(engine: &Engine) {
    let wish = format!("Supported: timer\nSession-Expires: 90;refresher=uac\n{WITH_UPDATE}");
    let (mut caller, _ear, agreed) = caller(engine, &wish);
    assert_eq!(agreed, "90;refresher=uac");
    thread::sleep(Duration::from_secs(10));
    caller.asks("UPDATE", &wish, "");
    let refreshed = Instant::now();
    let answer = caller.hears("200 UPDATE", SOON);
    assert_eq!(
        answer.header("Session-Expires"),
        Some("90;refresher=uac"),
        "{}",
        answer.0
    );
    // §10: the BYE comes a third of the interval, at most 32 s, before its end.
    let bye = caller.hears("BYE", Duration::from_secs(90));
    let lasted = refreshed.elapsed();
    assert!(lasted > Duration::from_secs(58), "{lasted:?}");
    caller.answers(&bye, "200 OK", "", "");
    let story = journal::story(engine, &caller.call_id);
    assert_eq!(story.end(), ("failed", "network"));
    let why = story.event("call-ended")["cause"].clone();
    assert_eq!(why, "nobody refreshed the session", "{why}");
}

/// Too short a refresh is refused with the shortest (§6), and the session is what it was.
fn too_short_a_refresh(engine: &Engine) {
    let wish = format!("Supported: timer\nSession-Expires: 90;refresher=uac\n{WITH_UPDATE}");
    let (mut caller, _ear, _) = caller(engine, &wish);
    let short = format!("Supported: timer\nSession-Expires: 60;refresher=uac\n{WITH_UPDATE}");
    caller.asks("UPDATE", &short, "");
    let answer = caller.hears("422 UPDATE", SOON);
    assert_eq!(answer.header("Min-SE"), Some("90"));
    caller.asks("UPDATE", &wish, "");
    caller.hears("200 UPDATE", SOON);
    caller.hangs_up();
}

#[test]
fn sessions_are_refreshed_by_either_side_and_end_when_nobody_does() {
    let engine = town::start();
    too_short_a_refresh(&engine);
    let beside = town::start();
    thread::scope(|all| {
        all.spawn(move || refreshed_by_us(&beside));
        refreshed_by_the_peer_and_expired(&engine);
    });
}

/// Our refresh is a re-INVITE, and the phone answers it from another port, then on hold: its caller
/// hears it there, and music while it holds.
#[test]
fn a_phone_that_is_elsewhere_in_its_answer_to_a_refresh_is_heard_there() {
    let engine = town::start();
    let phone = Line::from("127.0.0.66", &engine);
    let registered = phone.register("1001", &engine.password("1001"));
    assert_eq!(registered.status(), 200);
    let ready = serde_json::json!({});
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &ready).0, 204);
    let (mut caller, citizen, _) = caller(&engine, WITH_UPDATE);
    let at = phone.local().ip();
    let (before, after) = (Ear::at(at, 600.0), Ear::at(at, 1_300.0));
    let (mut agent, invite) = Party::called(phone, SOON);
    before.speaks_to(sound_at(&invite));
    let own = session(&agent.line, before.port);
    let wish = "Require: timer\nSession-Expires: 90;refresher=uac\nContact: <sip:party@{local}>\n";
    agent.answers(&invite, "200 OK", &format!("{wish}{WITHOUT_UPDATE}"), &own);
    agent.hears("ACK", SOON);
    assert!(citizen.hears(600.0) && before.hears(900.0), "they talk");

    let refresh = agent.hears("INVITE", REFRESHED_WITHIN);
    after.speaks_to(sound_at(&refresh));
    let own = session(&agent.line, after.port);
    agent.answers(&refresh, "200 OK", &format!("{wish}{WITHOUT_UPDATE}"), &own);
    agent.hears("ACK", SOON);
    assert!(citizen.hears(1_300.0), "the citizen hears the other port");
    assert!(after.hears(900.0), "and is heard there");

    // The next refresh is answered with a hold.
    let refresh = agent.hears("INVITE", REFRESHED_WITHIN);
    let own = format!("{own}a=sendonly\r\n");
    agent.answers(&refresh, "200 OK", &format!("{wish}{WITHOUT_UPDATE}"), &own);
    agent.hears("ACK", SOON);
    let held = journal::until(&engine, "the hold", |record| record["type"] == "talk-held");
    assert_eq!(held["by"], "agent", "{held}");
    caller.hangs_up();
}

/// Both sides of a talk get our refresh as re-INVITE, and both have one of their own under way: it
/// is refused 491, ours is too, and ours comes again after the pause of §14.1: up to 2 s where the
/// peer made the Call-ID, from 2.1 to 4 s where we did.
#[test]
fn offers_that_meet_are_refused_491_both_ways_and_ours_comes_again() {
    let engine = town::start();
    let phone = Line::from("127.0.0.66", &engine);
    assert_eq!(
        phone.register("1001", &engine.password("1001")).status(),
        200
    );
    let ready = serde_json::json!({});
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &ready).0, 204);
    let wish = format!("Supported: timer\nSession-Expires: 90;refresher=uas\n{WITHOUT_UPDATE}");
    let (caller, _ear, agreed) = caller(&engine, &wish);
    assert_eq!(agreed, "90;refresher=uas");
    let ear = Ear::at(phone.local().ip(), 600.0);
    let (mut agent, invite) = Party::called(phone, SOON);
    ear.speaks_to(sound_at(&invite));
    let own = session(&agent.line, ear.port);
    let wish = "Require: timer\nSession-Expires: 90;refresher=uac\nContact: <sip:party@{local}>\n";
    agent.answers(&invite, "200 OK", &format!("{wish}{WITHOUT_UPDATE}"), &own);
    agent.hears("ACK", SOON);
    let (short, long) = (Duration::from_millis(2_000), Duration::from_millis(2_100));
    let mut caller = thread::scope(|both| {
        let caller = both.spawn(move || glare(caller, Duration::ZERO, short));
        glare(agent, long, Duration::from_millis(4_000));
        caller.join().unwrap()
    });
    caller.hangs_up();
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
}

/// A peer whose re-INVITE crosses ours; then ours comes again between `least` and `most`, and the
/// peer's is taken. The call goes on.
fn glare(mut party: Party, least: Duration, most: Duration) -> Party {
    let ours = party.hears("INVITE", REFRESHED_WITHIN);
    let own = session(&party.line, sound_at_home(&party));
    let branch = party.asks("INVITE", "", &own);
    let refused = party.hears("491 INVITE", SOON);
    party.acknowledges(&refused, &branch);
    party.answers(&ours, "491 Request Pending", "", "");
    let since = Instant::now();
    party.hears("ACK", SOON);
    let again = party.hears("INVITE", SOON);
    let waited = since.elapsed();
    // A lower bound cannot be missed by being slow; of the upper one a busy machine gets a second.
    assert!(
        waited + Duration::from_millis(50) >= least,
        "{waited:?} of {least:?}"
    );
    assert!(
        waited <= most + Duration::from_secs(1),
        "{waited:?} of {most:?}"
    );
    let number = |heard: &crate::line::Heard| {
        let cseq = heard.header("CSeq").unwrap_or_default().to_owned();
        cseq.split(' ').next().and_then(|n| n.parse::<u32>().ok())
    };
    assert!(number(&again) > number(&ours));
    party.picks_up(&again, &own);
    // And its own is taken now.
    party.asks("INVITE", "", &own);
    let taken = party.hears("200 INVITE", SOON);
    party.acknowledges(&taken, "");
    party
}

/// Any port: the sound of these re-INVITEs is not listened to.
fn sound_at_home(party: &Party) -> u16 {
    party.line.local().port()
}
