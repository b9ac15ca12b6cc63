//! What carriers and telephones do (SIPp scenarios in `sipp/`), one case a test: the messages are
//! checked by the scenario, what came of it in the journal.

use std::{
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

use crate::{
    engine::Engine,
    journal::{self, Story, story, story_within},
    line::{Line, SDP, unique},
    scenario::Scenario,
    town,
};

/// Longest time a scenario of a few seconds may take on a busy machine.
pub const PATIENCE_S: u64 = 30;

/// Plays a caller's scenario on an engine of its own; the story of the call.
pub fn played(scenario: Scenario) -> Story {
    let engine = town::start();
    let mut caller = scenario.start(&engine);
    caller.finish(PATIENCE_S);
    story(&engine, &caller.call_id)
}

/// A caller who waits in the queue and left it by hanging up.
pub fn assert_waited_and_left(story: &Story) {
    assert!(story.has("queue-entered"), "{:?}", story.types());
    assert_eq!(story.end(), ("abandoned", "caller"));
}

/// Speech in A-law, shipped with SIPp.
pub const SPEECH: &str = "/usr/share/sip-tester/g711a.pcap";

/// An agent's telephone plays `agent`, a caller stays `stay_ms` in the call; the call's story.
fn talked(agent: Scenario, stay_ms: u32) -> (Engine, Story) {
    talked_with(agent, Scenario::new("answered").with("stay", &stay_ms))
}

/// The same, with a caller of one's own.
pub fn talked_with(agent: Scenario, caller: Scenario) -> (Engine, Story) {
    let engine = town::start();
    let mut agent = town::agent(&engine, "1001", agent);
    let mut caller = caller.start(&engine);
    caller.finish(PATIENCE_S);
    agent.finish(PATIENCE_S);
    let story = story(&engine, &caller.call_id);
    (engine, story)
}

/// The talk took place and the agent ended it.
pub fn assert_talked(story: &Story) {
    assert_eq!(story.event("offer-ended")["result"], "answered");
    assert!(story.has("talk-started"), "{:?}", story.types());
    assert_eq!(story.event("talk-ended")["released_by"], "agent");
    assert_eq!(story.end().0, "answered");
}

// ---- The caller's side ----

#[test]
fn a_late_offer_is_offered_in_the_200_and_answered_in_the_ack() {
    assert_waited_and_left(&played(Scenario::new("late-offer")));
}

#[test]
fn a_re_invite_without_a_session_gets_our_offer() {
    assert_waited_and_left(&played(Scenario::new("late-offer-again")));
}

#[test]
fn hold_in_all_forms_is_answered_and_undone() {
    assert_waited_and_left(&played(Scenario::new("hold")));
}

#[test]
fn a_codec_changes_and_an_impossible_one_is_refused_without_harm() {
    assert_waited_and_left(&played(Scenario::new("codec-change")));
}

#[test]
fn sound_moves_to_the_address_of_a_re_invite() {
    let engine = town::start();
    let moved = UdpSocket::bind("127.0.0.1:0").unwrap();
    moved
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let port = moved.local_addr().unwrap().port();
    let scenario = Scenario::new("address-change").with("moved", &port);
    let mut caller = scenario.start(&engine);
    // Music of the queue: RTP version 2 in A-law.
    let mut packet = [0; 2_048];
    let (length, _) = moved
        .recv_from(&mut packet)
        .expect("sound at the new address");
    assert_eq!((packet[0], packet[1] & 0x7f, length), (0x80, 8, 172));
    caller.finish(PATIENCE_S);
    assert_waited_and_left(&story(&engine, &caller.call_id));
}

#[test]
fn the_called_number_is_taken_from_to_where_the_request_uri_has_none() {
    let story = played(Scenario::new("called-in-to").with("number", "0635-12345"));
    assert_eq!(story.event("call-arrived")["called"], "063512345");
    assert_waited_and_left(&story);
}

#[test]
fn the_caller_is_taken_from_the_asserted_identity_then_the_party_id_then_from() {
    let engine = town::start();
    let asserted = "P-Asserted-Identity: <sip:+8613911112222@carrier.example>";
    let party = "Remote-Party-ID: <sip:013922223333@carrier.example>;party=calling";
    let cases = [
        (format!("{party}\n      {asserted}"), "13911112222"),
        (party.to_owned(), "013922223333"),
        ("Subject: none".to_owned(), "13800001234"),
        (
            "P-Asserted-Identity: <tel:+86-139-3333-4444>".to_owned(),
            "13933334444",
        ),
    ];
    for (identity, number) in cases {
        let mut caller = Scenario::new("identified")
            .with("identity", &identity)
            .start(&engine);
        caller.finish(PATIENCE_S);
        let story = story(&engine, &caller.call_id);
        assert_eq!(story.event("call-arrived")["caller"], number, "{identity}");
    }
}

#[test]
fn a_number_nobody_serves_is_refused_404_and_journalled() {
    let engine = town::start();
    let mut caller = Scenario::new("refused")
        .with("number", "99999")
        .with("status", &404)
        .with("more", "Subject: none")
        .start(&engine);
    caller.finish(PATIENCE_S);
    let refused = journal::until(&engine, "the refusal", |record| {
        record["type"] == "invite-rejected"
    });
    assert_eq!(refused["status"], 404);
    assert_eq!(refused["called"], "99999");
    assert_eq!(refused["trunk"], "local");
}

#[test]
fn a_cancel_that_crossed_our_200_does_nothing() {
    assert_waited_and_left(&played(Scenario::new("cancel-after-answer")));
}

/// The CANCEL follows the INVITE after this and that many microseconds: it finds the INVITE pending
/// (487) or answered (200, then BYE), and in neither case a call stays.
#[test]
fn a_cancel_at_every_moment_leaves_no_call() {
    let engine = town::start();
    let mut statuses = Vec::new();
    for step in 0..24 {
        statuses.push(cancelled_after(&engine, Duration::from_micros(step * 400)));
    }
    assert!(statuses.contains(&487) || statuses.contains(&200));
    // The journal is written in groups, a little after the board.
    engine.until("each call has ended", 10, |board| {
        let records = journal::records(&engine);
        let of = |kind: &str| records.iter().filter(|r| r["type"] == kind).count();
        let none = board["calls"].as_array().is_some_and(Vec::is_empty);
        (none && of("call-arrived") == of("call-ended")).then_some(())
    });
    assert!(engine.audit().contains("unbroken"));
}

/// The final status of an INVITE that is cancelled so long after it was sent.
fn cancelled_after(engine: &Engine, wait: Duration) -> u16 {
    let line = Line::from("127.0.0.1", engine);
    let id = unique();
    let head = |method: &str| {
        format!(
            "{method} sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id};rport\n\
             From: <sip:13800001234@{{local}}>;tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
             Max-Forwards: 70\nContact: <sip:13800001234@{{local}}>\nCSeq: 1 {method}\n"
        )
    };
    line.say(&format!(
        "{}Content-Type: application/sdp\nContent-Length: {}\n\n{SDP}",
        head("INVITE"),
        SDP.len()
    ));
    let until = Instant::now() + wait;
    while Instant::now() < until {
        thread::yield_now();
    }
    line.say(&format!("{}Content-Length: 0\n\n", head("CANCEL")));
    let mut ended = 0;
    while let Some(heard) = line.hear(Duration::from_millis(900)) {
        let of_invite = heard.header("CSeq") == Some("1 INVITE");
        let to = heard.header("To").unwrap_or_default().to_owned();
        let within = |method: &str, number: u32, branch: &str| {
            line.say(&format!(
                "{method} sip:hotline@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch={branch};rport\n\
                 From: <sip:13800001234@{{local}}>;tag={id}\nTo: {to}\nCall-ID: {id}\n\
                 Max-Forwards: 70\nCSeq: {number} {method}\nContent-Length: 0\n\n"
            ));
        };
        match heard.status() {
            200 if of_invite => {
                ended = 200;
                within("ACK", 1, &format!("z9hG4bKa{id}"));
                within("BYE", 2, &format!("z9hG4bKb{id}"));
            }
            487 if of_invite => {
                ended = 487;
                within("ACK", 1, &format!("z9hG4bK{id}"));
                break;
            }
            200 if heard.header("CSeq") == Some("2 BYE") => break,
            _ => {}
        }
    }
    assert!(ended == 200 || ended == 487, "after {wait:?}: {ended}");
    ended
}

#[test]
fn a_200_whose_acks_are_lost_comes_again() {
    let engine = town::start();
    let mut caller = Scenario::new("lost-ack").start(&engine);
    caller.finish(PATIENCE_S);
    let answers = caller.messages().matches("SIP/2.0 200 OK").count();
    assert!(answers >= 4, "{answers} answers to INVITE and BYE");
    let story = story(&engine, &caller.call_id);
    assert_eq!(story.count("call-arrived"), 1);
    assert_waited_and_left(&story);
}

/// Nobody says BYE and nobody speaks: 30 seconds without a packet end the call.
#[test]
fn a_caller_who_vanishes_is_released() {
    let engine = town::start();
    let mut caller = Scenario::new("no-bye").start(&engine);
    caller.finish(50);
    let story = story_within(&engine, &caller.call_id, 10);
    assert_eq!(story.end(), ("failed", "network"));
}

/// RFC 3261 §8.2.2.2: the same request by another way is a loop or a fork that came together.
#[test]
fn a_request_that_comes_by_two_ways_is_refused_482() {
    let engine = town::start();
    let line = Line::from("127.0.0.1", &engine);
    let id = unique();
    let invite = |branch: &str| {
        format!(
            "INVITE sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch={branch};rport\n\
             From: <sip:13800001234@{{local}}>;tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
             Max-Forwards: 70\nContact: <sip:13800001234@{{local}}>\nCSeq: 1 INVITE\n\
             Content-Length: 0\n\n"
        )
    };
    line.say(&invite("z9hG4bKone"));
    line.say(&invite("z9hG4bKtwo"));
    let mut statuses = Vec::new();
    while let Some(heard) = line.hear(Duration::from_millis(400)) {
        statuses.push(heard.status());
    }
    assert!(
        statuses.contains(&482) && statuses.contains(&200),
        "{statuses:?}"
    );
}

// ---- The agent's side ----

#[test]
fn a_phone_rings_answers_talks_and_hangs_up() {
    let (_engine, story) = talked(Scenario::new("agent").with("talk", &4_500), 7_000);
    assert_talked(&story);
}

#[test]
fn an_agent_holds_in_all_forms_and_the_journal_tells_it() {
    let (_engine, story) = talked(Scenario::new("agent-hold").with("talk", &4_500), 9_000);
    assert_talked(&story);
    assert_eq!(story.count("talk-held"), 3, "{:?}", story.types());
    assert_eq!(story.count("talk-resumed"), 3);
    assert_eq!(story.event("talk-held")["by"], "agent");
    assert!(story.event("talk-ended")["hold_ms"].as_u64() >= Some(600));
}

/// A forking proxy may answer twice: the second dialog is acknowledged and ended at once.
#[test]
fn the_second_200_of_a_fork_is_acknowledged_and_ended() {
    let (_engine, story) = talked(Scenario::new("agent-forked").with("talk", &4_500), 7_000);
    assert_talked(&story);
}

/// A redirection by a phone is not followed: the offer ends, and the caller keeps the place.
#[test]
fn a_302_ends_the_offer_and_the_next_seat_is_called() {
    let engine = town::start();
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let scenario = Scenario::new("agent-302").with("elsewhere", &port);
    let mut redirecting = town::agent(&engine, "1001", scenario);
    let mut caller = Scenario::new("answered")
        .with("stay", &8_000)
        .start(&engine);
    redirecting.finish(PATIENCE_S);
    let mut serving = town::agent(&engine, "1002", Scenario::new("agent").with("talk", &4_500));
    serving.finish(PATIENCE_S);
    caller.finish(PATIENCE_S);
    let story = story(&engine, &caller.call_id);
    assert_eq!(story.count("queue-entered"), 1, "{:?}", story.types());
    assert_eq!(story.event("offer-ended")["seat"], "1001");
    assert_ne!(story.event("offer-ended")["result"], "answered");
    assert_eq!(story.event("seat-answered")["seat"], "1002");
    assert_eq!(story.end().0, "answered");
    elsewhere.set_nonblocking(true).unwrap();
    assert!(
        elsewhere.recv_from(&mut [0; 9]).is_err(),
        "the redirection was followed"
    );
}

#[test]
fn a_busy_phone_ends_the_offer_and_the_caller_waits_on() {
    let engine = town::start();
    let scenario = Scenario::new("agent-refuses").with("status", &486);
    let mut busy = town::agent(&engine, "1001", scenario);
    let mut caller = Scenario::new("answered")
        .with("stay", &1_500)
        .start(&engine);
    busy.finish(PATIENCE_S);
    caller.finish(PATIENCE_S);
    let story = story(&engine, &caller.call_id);
    assert_eq!(story.event("offer-ended")["result"], "refused");
    assert_waited_and_left(&story);
}

#[test]
fn a_caller_who_leaves_stops_the_ringing() {
    let (_engine, story) = talked(Scenario::new("agent-cancelled"), 1_000);
    assert_eq!(story.event("offer-ended")["result"], "caller-gone");
    assert_waited_and_left(&story);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let (engine, story) = talked(Scenario::new("agent-crossing"), 1_000);
    assert_eq!(story.event("offer-ended")["result"], "caller-gone");
    assert!(!story.has("seat-answered"), "{:?}", story.types());
    engine.until("the seat is free", 10, |board| {
        (Engine::seat(board, "1001")["work"] == "free").then_some(())
    });
}

/// A phone may not send its caller out of the house: the REFER is refused, the talk goes on.
#[test]
fn a_transfer_to_the_outside_is_refused_and_the_talk_goes_on() {
    let agent = Scenario::new("agent-refer-refused")
        .with("target", "0085212345678@127.0.0.1")
        .with("status", &403)
        .with("talk", &4_500);
    let (_engine, story) = talked(agent, 7_500);
    assert_talked(&story);
    assert_eq!(story.count("seat-offered"), 1);
}

/// Nobody may have the engine call somebody by a REFER that belongs to no call.
#[test]
fn a_refer_outside_any_call_is_refused() {
    let engine = town::start();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = udp.local_addr().unwrap();
    for ip in ["127.0.0.1", "127.0.0.66"] {
        let line = Line::from(ip, &engine);
        let id = unique();
        line.say(&format!(
            "REFER sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id}\n\
             From: <sip:1001@{{server}}>;tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
             CSeq: 1 REFER\nContact: <sip:c@{{local}}>\nMax-Forwards: 70\n\
             Refer-To: <sip:1002@{target}>\nContent-Length: 0\n\n"
        ));
        let status = line.answer_to(&id).unwrap().status();
        assert!((400..700).contains(&status), "{ip}: {status}");
    }
    udp.set_nonblocking(true).unwrap();
    assert!(
        udp.recv_from(&mut [0; 9]).is_err(),
        "the REFER was followed"
    );
}

#[test]
fn a_carrier_that_asks_whether_we_are_there_is_told_what_we_can() {
    let engine = town::start();
    let mut carrier = Scenario::new("options").start(&engine);
    carrier.finish(PATIENCE_S);
}
