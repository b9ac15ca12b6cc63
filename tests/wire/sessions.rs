//! Sessions before the answer and with an end: 100rel, UPDATE, session timers, bodies of several
//! parts; and requests that may go no further.

use std::net::UdpSocket;

use crate::{
    interop::{PATIENCE_S, SPEECH, assert_talked, assert_waited_and_left, played, talked_with},
    journal,
    line::{Line, SDP, unique},
    scenario::Scenario,
    town,
};

/// A caller who speaks, so that something is to be heard at the phone.
fn speaker() -> Scenario {
    let caller = Scenario::new("speaking").with("speech", SPEECH);
    caller.with("quiet", &10).with("stay", &7_500)
}

/// Plays `agent`, whose early session is at one address and whose last is at another; the sound
/// of the talk goes to the last.
fn heard_at_the_last_session(agent: &str) {
    let (early, last) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let agent = Scenario::new(agent)
        .with("early", &port(&early))
        .with("final", &port(&last))
        .with("talk", &4_500);
    let (_engine, story) = talked_with(agent, speaker());
    assert_talked(&story);
    last.set_nonblocking(true).unwrap();
    let mut packet = [0; 2_048];
    let heard = last.recv_from(&mut packet);
    let (length, _) = heard.expect("sound at the address of the last session");
    assert!(packet[0] == 0x80 && length > 12);
}

/// 183 with early media, then 180, then a 200 whose session is another.
#[test]
fn a_200_may_differ_from_the_183_before_it() {
    heard_at_the_last_session("agent-183-180");
}

#[test]
fn provisional_answers_of_a_phone_are_acknowledged() {
    let agent = Scenario::new("agent-100rel").with("talk", &4_500);
    let (_engine, story) = talked_with(agent, speaker());
    assert_talked(&story);
}

#[test]
fn a_phone_may_update_its_early_session() {
    heard_at_the_last_session("agent-update");
}

#[test]
fn a_caller_who_requires_acknowledged_provisional_answers_is_served() {
    assert_waited_and_left(&played(Scenario::new("100rel-required")));
}

#[test]
fn a_session_with_an_end_is_agreed() {
    assert_waited_and_left(&played(Scenario::new("session-timer")));
}

#[test]
fn a_session_that_is_too_short_is_refused_with_the_shortest() {
    let engine = town::start();
    let mut caller = Scenario::new("session-too-short").start(&engine);
    caller.finish(PATIENCE_S);
    assert_waited_and_left(&journal::story(&engine, &caller.call_id));
}

#[test]
fn a_session_among_other_bodies_is_found() {
    assert_waited_and_left(&played(Scenario::new("multipart")));
}

/// RFC 3261 §16.3: what has no hop left may not be passed on, and a call here is passed on.
#[test]
fn an_invite_without_a_hop_left_is_refused_483() {
    let engine = town::start();
    let line = Line::from("127.0.0.1", &engine);
    let id = unique();
    line.say(&format!(
        "INVITE sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id}\n\
         From: <sip:13800001234@{{local}}>;tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
         CSeq: 1 INVITE\nContact: <sip:c@{{local}}>\nMax-Forwards: 0\n\
         Content-Type: application/sdp\nContent-Length: {}\n\n{SDP}",
        SDP.len()
    ));
    assert_eq!(line.answer_to(&id).unwrap().status(), 483);
}

/// A key as SIP INFO reaches the script like one in the sound.
#[test]
fn a_key_by_info_chooses_in_the_menu() {
    let engine = town::start();
    let mut caller = Scenario::new("info-digit")
        .with("number", "12346")
        .with("stay", &12_000)
        .start(&engine);
    caller.finish(PATIENCE_S);
    let story = journal::story(&engine, &caller.call_id);
    assert_eq!(story.event("menu-chosen")["digit"], "0");
    assert_waited_and_left(&story);
}
