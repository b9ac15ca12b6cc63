//! Those who wait hear their place and how long it will be, between the music; a page shows the
//! same; and the agent is heard as soon as the call is answered.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    desks::{self, DESKS},
    ear::Ear,
    engine::Engine,
    line::Line,
    party::{Party, SOON, session, sound_at},
    sound, town,
};

/// So long a word may take to come: an announcement, and a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(40);

/// An engine whose general queue tells place and wait, soon and often.
fn telling() -> Engine {
    let mut engine = town::prepare();
    engine.configure(
        "queues.toml",
        "name = \"综合\"\n",
        "name = \"综合\"\nannounce = { estimate = true, first_after_s = 1, every_s = 5 }\n",
    );
    engine.restart();
    engine
}

/// A prompt as it comes over the line.
fn on_the_line(key: &str) -> Vec<i16> {
    sound::linear(&sound::a_law(&sound::prompt("zh", key)))
}

/// The sample after the prompt in what was heard from `from` on, once it was heard to its end.
fn hears_prompt(ear: &Ear, key: &str, from: usize) -> usize {
    let prompt = on_the_line(key);
    let until = Instant::now() + PATIENCE;
    loop {
        let heard = ear.heard();
        if let Some(at) = find(heard.get(from..).unwrap_or_default(), &prompt) {
            return from + at + prompt.len();
        }
        assert!(Instant::now() < until, "{key} is not heard");
        thread::sleep(Duration::from_millis(100));
    }
}

fn find(heard: &[i16], words: &[i16]) -> Option<usize> {
    // A prompt begins with its packet, and its first samples are silence: look at all of it.
    heard.windows(words.len()).position(|part| part == words)
}

/// Another caller in the queue.
fn second_caller(engine: &Engine, ip: &str) -> (Party, Ear) {
    let line = Line::from(ip, engine);
    let ear = Ear::at(line.local().ip(), 700.0);
    let own = session(&line, ear.port);
    let mut caller = Party::dials(line, "13800005678", "12345", "", &own);
    let answer = caller.hears("200 INVITE", SOON);
    caller.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    (caller, ear)
}

/// A call that the desk takes and the caller ends at once.
fn quick_call(engine: &Engine, desk: Line) -> Line {
    let (mut caller, _ear) = desks::caller(engine);
    let (mut phone, invite) = Party::called(desk, SOON);
    let own = session(&phone.line, 40_000);
    phone.picks_up(&invite, &own);
    caller.hangs_up();
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");
    engine.until("the end of the wrap-up", 10, |board| {
        (Engine::seat(board, "1001")["work"] == "free").then_some(())
    });
    phone.line
}

#[test]
fn who_waits_hears_the_place_and_the_wait_and_then_the_agent() {
    let engine = telling();
    let [mut desk] = desks::phones(&engine, [DESKS[0]]);
    // Five calls make the pace known.
    for _ in 0..5 {
        desk = quick_call(&engine, desk);
    }
    // The seat talks with the first caller; two more wait behind.
    let (mut first, _first_ear) = desks::caller(&engine);
    let (mut phone, invite) = Party::called(desk, SOON);
    let own = session(&phone.line, 40_000);
    phone.picks_up(&invite, &own);
    let (_next, ear) = second_caller(&engine, "127.0.0.1");
    let (_last, last_ear) = second_caller(&engine, "127.0.0.1");

    // First the notice, a second of music, then the place, then the wait.
    let connecting = hears_prompt(&ear, "connecting", 0);
    let next = hears_prompt(&ear, "queue-next", connecting);
    assert!(
        next > connecting + 7_000,
        "music between: {connecting}, {next}"
    );
    hears_prompt(&ear, "wait-below-minute", next);
    let before = hears_prompt(&last_ear, "queue-position-before", 0);
    let count = hears_prompt(&last_ear, "num-1", before);
    let pause = count - on_the_line("num-1").len() - before;
    assert!(pause < 320, "one after the other: {pause}");
    let after = hears_prompt(&last_ear, "queue-position-after", count);
    // The place did not change: a kind word, and nothing else.
    let kind = hears_prompt(&last_ear, "queue-wait", after);

    let board = engine.until("the wait on the board", 10, |board| {
        let waits = |call: &&Value| call["position"] == 2 && !call["expected_wait"].is_null();
        board["calls"]
            .as_array()
            .unwrap()
            .iter()
            .find(waits)
            .cloned()
    });
    let wait = &board["expected_wait"];
    assert!(wait["from_s"].as_u64() <= wait["to_s"].as_u64(), "{wait}");
    let waits = engine.get(&format!("/api/v1/calls/{}/waiting", board["call"]));
    assert_eq!(waits["position"], 2, "{waits}");
    assert_eq!(waits["queue"], "general");
    assert!(waits["expected_to_ms"].is_u64(), "{waits}");

    // The second caller's turn.
    first.hangs_up();
    let bye = phone.hears("BYE", SOON);
    phone.answers(&bye, "200 OK", "", "");
    let (mut phone, invite) = Party::called(phone.line, SOON);
    let tone = Ear::at("127.0.0.66".parse().unwrap(), 1_100.0);
    let own = session(&phone.line, tone.port);
    tone.speaks_to(sound_at(&invite));
    phone.picks_up(&invite, &own);
    let agent = [1_100.0];
    assert!(ear.hears_just(&agent, &agent), "the caller hears the agent");
    // Who waits on is the next now, and is told so.
    hears_prompt(&last_ear, "queue-next", kind);
}
