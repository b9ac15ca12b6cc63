//! Several threads of sound: calls spread over them, each is whole in one, and a thread without a
//! port hands a new call to another before anybody was promised anything.

use std::net::UdpSocket;

use serde_json::json;

use crate::{
    ear::Ear,
    engine::Engine,
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
};

const CITIZENS: [f64; 2] = [900.0, 1_700.0];
const AGENTS: [f64; 2] = [600.0, 1_300.0];
const ALL: [f64; 4] = [900.0, 1_700.0, 600.0, 1_300.0];

/// A gauge of the metrics page; it is measured every few seconds.
fn gauge(engine: &Engine, name: &str) -> Option<f64> {
    let (status, page) = engine.text("/metrics");
    assert_eq!(status, 200, "{page}");
    let mut lines = page.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.parse().ok()
}

/// A citizen whom the engine answered, and where it takes the sound.
struct Citizen {
    party: Party,
    ear: Ear,
    port: u16,
}

fn citizen(engine: &Engine, hertz: f64) -> Citizen {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), hertz);
    let offer = session(&line, ear.port);
    let mut party = Party::dials(line, "13800001234", "12345", "", &offer);
    let answer = party.hears("200 INVITE", SOON);
    party.acknowledges(&answer, "");
    let at = sound_at(&answer);
    ear.speaks_to(at);
    let port = at.port();
    Citizen { party, ear, port }
}

/// A seat that is ready; the line of its phone.
fn ready(engine: &Engine, seat: &str, ip: &str) -> Line {
    let line = Line::from(ip, engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let path = format!("/api/v1/seats/{seat}/ready");
    assert_eq!(engine.post(&path, &json!({})).0, 204);
    line
}

/// The phone picks up; it, its ear, and the port of the engine that it talks with.
fn picks_up(line: Line, hertz: f64) -> (Party, Ear, u16) {
    let ear = Ear::at(line.local().ip(), hertz);
    let (mut phone, invite) = Party::called(line, SOON);
    let at = sound_at(&invite);
    ear.speaks_to(at);
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    (phone, ear, at.port())
}

#[test]
fn two_talks_go_by_two_threads_each_whole_in_one() {
    let first = town::slice();
    let mut engine = town::prepare_with(first, first + 198);
    engine.restart();
    let middle = first + 100;
    let mut talks = Vec::new();
    for (nth, seat) in ["1001", "1002"].into_iter().enumerate() {
        let line = ready(&engine, seat, &format!("127.0.0.{}", 70 + nth));
        let citizen = citizen(&engine, CITIZENS[nth]);
        let (phone, ear, port) = picks_up(line, AGENTS[nth]);
        let (theirs, ours) = (citizen.port < middle, port < middle);
        assert_eq!(theirs, ours, "both sides of a talk in one thread");
        talks.push((citizen, phone, ear, ours));
    }
    assert_ne!(talks[0].3, talks[1].3, "each talk in a thread of its own");
    for (nth, (citizen, _, ear, _)) in talks.iter().enumerate() {
        for (ear, hertz) in [(&citizen.ear, AGENTS[nth]), (ear, CITIZENS[nth])] {
            assert!(ear.hears_just(&[hertz], &ALL), "{:?}", ear.shares(&ALL));
        }
    }
    let until = std::time::Instant::now() + 4 * SOON;
    let legs = |name| gauge(&engine, name);
    while legs("hotline_media_legs") != Some(4.0) {
        assert!(std::time::Instant::now() < until, "no such figures");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    for thread in 0..2 {
        let name = format!("hotline_media_thread_legs{{thread=\"{thread}\"}}");
        assert_eq!(gauge(&engine, &name), Some(2.0), "{name}");
    }
    assert_eq!(gauge(&engine, "hotline_media_threads"), Some(2.0));
    for (mut citizen, mut phone, _, _) in talks {
        citizen.party.hangs_up();
        let bye = phone.hears("BYE", SOON);
        phone.answers(&bye, "200 OK", "", "");
    }
}

#[test]
fn a_thread_without_ports_hands_new_calls_to_another_until_none_has_any() {
    let first = town::slice();
    // Two ports for each thread.
    let mut engine = town::prepare_with(first, first + 6);
    // Another program has those of the first thread.
    let taken: Vec<UdpSocket> = [first, first + 2]
        .into_iter()
        .map(|port| UdpSocket::bind(("127.0.0.1", port)).unwrap())
        .collect();
    engine.restart();
    let calls = [citizen(&engine, 900.0), citizen(&engine, 1_700.0)];
    for call in &calls {
        assert!(call.port >= first + 4, "{}", call.port);
    }
    let line = Line::from("127.0.0.1", &engine);
    let offer = session(&line, 4_000);
    let mut third = Party::dials(line, "13800001235", "12345", "", &offer);
    let refused = third.hears("503 INVITE", SOON);
    assert!(refused.header("Retry-After").is_some());
    // Nobody tells the thread that its ports are free again: it is asked.
    drop(taken);
    let fourth = citizen(&engine, 900.0);
    assert!(fourth.port < first + 4, "{}", fourth.port);
    for mut call in calls.into_iter().chain([fourth]) {
        call.party.hangs_up();
    }
}
