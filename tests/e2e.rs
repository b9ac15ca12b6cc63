//! The whole engine from outside: real telephones (SIPp, baresip), the built-in headless phones, a
//! browser, and the disk after a kill. What was said is compared with what was heard.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect shall fail at that place"
)]

#[path = "e2e/baresip.rs"]
mod baresip;
#[path = "e2e/browsers.rs"]
mod browsers;
#[path = "e2e/capture.rs"]
mod capture;
#[allow(dead_code, reason = "the rest is used by wire.rs")]
#[path = "e2e/engine.rs"]
mod engine;
#[path = "e2e/lists.rs"]
mod lists;
#[path = "e2e/recordings.rs"]
mod recordings;
#[path = "e2e/settings.rs"]
mod settings;
#[path = "e2e/sipp.rs"]
mod sipp;
#[path = "e2e/sound.rs"]
mod sound;
#[path = "e2e/transports.rs"]
mod transports;

use std::{
    fs,
    net::UdpSocket,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use baresip::Baresip;
use capture::Capture;
use engine::{Engine, Lines, free_port, hotline, node};
use serde_json::{Value, json};

/// Calls are timed by people's patience: two scenarios at once on two cores would not be what
/// either describes.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn types(timeline: &[Value]) -> Vec<&str> {
    timeline
        .iter()
        .filter_map(|record| record["type"].as_str())
        .collect()
}

fn at<'a>(timeline: &'a [Value], kind: &str) -> &'a Value {
    timeline
        .iter()
        .find(|record| record["type"] == kind)
        .unwrap_or_else(|| panic!("no {kind} in {:?}", types(timeline)))
}

/// SIPp calls with speech and RFC 2833 digits, baresip answers as a registered seat with speech:
/// audio arrives both ways unchanged, the score is stored, case, journal and page agree, both legs
/// end and the seat is free again.
#[test]
fn rustpbx_228_a_citizen_talks_with_an_agent_and_gives_a_score() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = Engine::start();
    let media = free_port();
    let capture = Capture::start(&engine.dir, &format!("udp and not port {}", engine.sip));
    // The caller's words and the agent's are two of the shipped prompts: natural voices.
    let caller_says = sound::prompt("zh", "menu-main");
    let agent_says = sound::prompt("zh", "survey-ask");
    let agent_wav = engine.dir.join("agent.wav");
    sound::write_wav(&agent_wav, &sound::repeat_with_pauses(&agent_says, 4));
    let speech = engine.dir.join("speech.pcap");
    sound::write_pcap(&speech, &caller_says);

    let agent = Baresip::start(&engine, "1001", &agent_wav);
    engine.until("the seat is registered", 10, |board| {
        (Engine::seat(board, "1001")["device"] == "registered").then_some(())
    });
    let mut browser = Lines::of(
        node("tests/e2e/browser.mjs")
            .arg(format!("http://127.0.0.1:{}/", engine.http))
            .arg(engine.password("supervisor"))
            .arg(screenshots()),
    );
    browser.expect("signed in", 40);
    let mut caller = sipp::citizen(&engine, media, &speech);
    // Nobody is ready: the caller waits, and the page shows it.
    browser.expect("one caller waits", 40);
    let (status, _) = engine.post("/api/v1/seats/1001/ready", &json!({}));
    assert_eq!(status, 204);
    browser.expect("seat 1001 talks", 40);
    engine.until("the talk has lasted", 60, |board| {
        let seat = Engine::seat(board, "1001");
        (seat["work"] == "talking" && seat["since_ms"].as_u64() > Some(19_000)).then_some(())
    });
    agent.hang_up();
    let said = caller.finish(Duration::from_secs(90));
    assert!(
        said.success,
        "SIPp did not complete its call:\n{}",
        said.log
    );
    assert!(
        browser.finish(20),
        "the page's script failed:\n{}",
        browser.all()
    );
    engine.until("the seat is free", 20, |board| {
        (Engine::seat(board, "1001")["work"] == "free"
            && board["calls"].as_array().is_some_and(Vec::is_empty))
        .then_some(())
    });

    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "answered", "{call}");
    assert_eq!(call["talk_released_by"], "agent");
    assert_eq!(call["score"], "1");
    assert_eq!(call["meaning"], "satisfied");
    let timeline = call["timeline"].as_array().unwrap();
    let order = [
        "call-arrived",
        "call-answered",
        "script-started",
        "menu-chosen",
        "queue-entered",
        "call-prioritised",
        "seat-offered",
        "seat-answered",
        "seat-announced",
        "talk-started",
        "talk-ended",
        "survey-offered",
        "survey-answered",
        "call-ended",
    ];
    let mut kinds = types(timeline).into_iter();
    for kind in order {
        assert!(
            kinds.any(|seen| seen == kind),
            "{kind} is not in its place: {:?}",
            types(timeline)
        );
    }
    assert_eq!(at(timeline, "menu-chosen")["digit"], "0");
    let case = engine.get(&format!("/api/v1/cases/{}", call["case"].as_str().unwrap()));
    for key in ["call", "seat", "queue", "score", "meaning", "recording"] {
        assert_eq!(case[key], call[key], "case and call disagree about {key}");
    }
    assert_eq!(case["state"], "closed");
    assert!(engine.audit().contains("unbroken"));

    let captured = capture.finish();
    let (to_seat, from_seat) = captured.legs_of(agent.rtp_ports());
    let (to_caller, from_caller) = captured.legs_of(media..=media);
    let spoken = sound::a_law(&caller_says);
    assert!(
        contains(&from_caller, &spoken),
        "SIPp did not say what it was given"
    );
    assert!(
        contains(&to_seat, &spoken),
        "the agent did not hear the caller byte for byte"
    );
    // baresip encodes by itself: what it sent is what must arrive. Three seconds out of the talk.
    let round = &from_seat[64_000..88_000];
    assert!(
        round.iter().any(|&byte| byte != round[0]),
        "baresip said nothing"
    );
    assert!(
        contains(&to_caller, round),
        "the caller did not hear the agent byte for byte"
    );
    let heard = sound::score(&engine.dir, &agent_says, &sound::linear(&to_caller));
    assert!(heard >= 3.9, "the caller heard the agent with PESQ {heard}");
    let heard = sound::score(&engine.dir, &caller_says, &agent.heard());
    assert!(heard >= 3.9, "the agent heard the caller with PESQ {heard}");

    let recording = engine.recording(1);
    let (left, right) = sound::channels(&recording);
    assert!(
        sound::score(&engine.dir, &caller_says, &left) >= 3.9,
        "caller's channel"
    );
    assert!(
        sound::score(&engine.dir, &agent_says, &right) >= 3.9,
        "agent's channel"
    );
}

fn contains(heard: &[u8], said: &[u8]) -> bool {
    heard.windows(said.len()).any(|window| window == said)
}

/// Where the page's pictures go, for people to look at.
fn screenshots() -> String {
    let folder = engine::target().join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder.display().to_string()
}

/// Twenty citizens at once, five seats: nobody is lost, and nobody overtakes.
#[test]
fn twenty_callers_on_five_seats_are_served_in_order() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = Engine::start();
    let agent_wav = engine.dir.join("agent.wav");
    sound::write_wav(&agent_wav, &sound::prompt("zh", "survey-ask"));
    let seats = ["1001", "1002", "1003", "1004", "1005"];
    let agents: Vec<Baresip> = seats
        .iter()
        .map(|seat| Baresip::start(&engine, seat, &agent_wav))
        .collect();
    for seat in seats {
        engine.until("the seat is registered", 20, |board| {
            (Engine::seat(board, seat)["device"] == "registered").then_some(())
        });
        assert_eq!(
            engine
                .post(&format!("/api/v1/seats/{seat}/ready"), &json!({}))
                .0,
            204
        );
    }
    let mut callers = sipp::crowd(&engine, 20);
    let until = Instant::now() + Duration::from_secs(240);
    let mut most_waiting = 0;
    while !callers.is_over() {
        assert!(
            Instant::now() < until,
            "the crowd was not served in time:\n{}",
            callers.log()
        );
        let board = engine.get("/api/v1/wallboard");
        most_waiting = most_waiting.max(board["queues"][0]["waiting"].as_u64().unwrap_or_default());
        for (seat, agent) in seats.iter().zip(&agents) {
            let line = Engine::seat(&board, seat);
            if line["work"] == "talking" && line["since_ms"].as_u64() > Some(7_000) {
                agent.hang_up();
            }
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    let said = callers.finish(Duration::from_secs(5));
    assert!(said.success, "SIPp lost calls:\n{}", said.log);
    assert!(
        most_waiting >= 10,
        "there was hardly a queue: {most_waiting}"
    );
    engine.until("all seats are free", 20, |board| {
        let free = seats
            .iter()
            .all(|seat| Engine::seat(board, seat)["work"] == "free");
        (free && board["calls"].as_array().is_some_and(Vec::is_empty)).then_some(())
    });
    // The tables gather for a moment before they follow the board.
    let calls = engine.until("the last call's row is complete", 5, |_| {
        let calls = engine.get("/api/v1/calls?limit=100");
        let calls = calls.as_array()?.clone();
        let complete = calls.iter().all(|call| !call["outcome"].is_null());
        (calls.len() == 20 && complete).then_some(calls)
    });
    assert!(
        calls.iter().all(|call| call["outcome"] == "answered"),
        "{calls:?}"
    );
    // In the journal's order: who entered the queue first was offered a seat first.
    let mut entered = Vec::new();
    let mut offered = Vec::new();
    for call in 1..=20 {
        let story = engine.get(&format!("/api/v1/calls/{call}"));
        let timeline = story["timeline"].as_array().unwrap();
        entered.push((at(timeline, "queue-entered")["seq"].as_u64().unwrap(), call));
        offered.push((at(timeline, "seat-offered")["seq"].as_u64().unwrap(), call));
    }
    entered.sort_unstable();
    offered.sort_unstable();
    let line = |events: &[(u64, u32)]| events.iter().map(|&(_, call)| call).collect::<Vec<_>>();
    assert_eq!(line(&entered), line(&offered), "somebody overtook");
    let totals = &engine.get("/api/v1/wallboard")["totals"];
    assert_eq!(totals["inbound"], 20);
    assert_eq!(totals["answered"], 20);
    assert!(engine.audit().contains("unbroken"));
}

/// `kill -9` in mid-call: the journal verifies, the call is closed as interrupted, the recording
/// plays up to the last second.
#[test]
fn a_killed_engine_loses_no_more_than_a_second() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut engine = Engine::start();
    let wav = engine.dir.join("say.wav");
    sound::write_wav(
        &wav,
        &sound::repeat_with_pauses(&sound::prompt("zh", "survey-ask"), 6),
    );
    let wav = wav.to_str().unwrap();
    let mut seat = Lines::of(engine.seat_phone("1001").args(["--ready", "--say", wav]));
    seat.expect("ready", 20);
    let mut caller = Lines::of(engine.call_phone().args(["--press", "0@1", "--say", wav]));
    seat.expect("talking", 40);
    let talking = Instant::now();
    engine.until("the talk has lasted", 30, |board| {
        let seat = Engine::seat(board, "1001");
        (seat["work"] == "talking" && seat["since_ms"].as_u64() > Some(6_000)).then_some(())
    });
    let talked = talking.elapsed();
    engine.kill();
    assert!(
        engine.audit().contains("unbroken"),
        "the journal does not verify after the kill"
    );
    engine.restart();
    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "interrupted", "{call}");
    let (left, right) = sound::channels(&engine.recording(1));
    let recorded = Duration::from_millis(left.len() as u64 / 8);
    assert!(
        recorded + Duration::from_millis(1_200) > talked,
        "talked {talked:?}, recorded {recorded:?}"
    );
    for channel in [&left, &right] {
        assert!(
            channel.iter().any(|&sample| sample.unsigned_abs() > 2_000),
            "a silent channel"
        );
    }
    assert_eq!(engine.get("/api/v1/wallboard")["calls"], json!([]));
    assert!(engine.audit().contains("unbroken"));
    caller.kill();
    seat.kill();
}

/// The built-in phones over TCP; and an engine that is told to stop lets the call end first.
#[test]
fn a_call_over_tcp_ends_in_peace_although_the_engine_is_stopping() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut engine = Engine::start();
    let mut seat = Lines::of(engine.seat_phone("0012").args([
        "--tcp",
        "--ready",
        "--talk-for",
        "5",
        "--calls",
        "1",
    ]));
    seat.expect("ready", 20);
    let mut caller = Lines::of(
        engine
            .call_phone()
            .args(["--tcp", "--press", "0@1", "--press", "2@17"]),
    );
    seat.expect("talking", 40);
    engine.terminate();
    let mut late = Lines::of(&mut engine.call_phone());
    late.expect_error("503", 10);
    seat.expect("the call is over", 40);
    caller.expect("the other side hung up", 40);
    assert!(
        engine.wait_for_exit(20),
        "the engine did not stop after the last call"
    );
    engine.restart();
    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "answered", "{call}");
    assert_eq!(call["seat"], "0012");
}

/// Bad input is refused in one clear sentence with file and line, exit code 2; a port in use says
/// which, exit code 1.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    let engine = Engine::prepare();
    let refused = |file: &str, from: &str, to: &str, place: &str, word: &str| {
        let path = engine.dir.join("config").join(file);
        let good = fs::read_to_string(&path).unwrap();
        assert!(good.contains(from), "{file} has no {from:?}");
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let output = hotline()
            .args(["check", "--config"])
            .arg(engine.dir.join("config"))
            .output();
        let output = output.unwrap();
        fs::write(&path, good).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(place) && said.contains(word), "{said}");
    };
    refused(
        "queues.toml",
        "weight = 1",
        "weight = 0",
        "queues.toml:",
        "`weight` must be at least 1",
    );
    refused(
        "queues.toml",
        "weight = 1",
        "wieght = 1",
        "queues.toml:",
        "wieght",
    );
    refused(
        "seats.toml",
        "[\"general\"]",
        "[\"genral\"]",
        "seats.toml:",
        "genral",
    );
    refused(
        "engine.toml",
        "script = \"12345-menu\"",
        "script = \"x\"",
        "engine.toml:",
        "no script",
    );
    refused("engine.toml", "[listen]", "[listen", "engine.toml:", "");
    refused(
        "../ivr-scripts/12345-direct.toml",
        "general",
        "generell",
        "12345-direct.toml:",
        "generell",
    );

    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = engine
        .serve_on(&port, &free_port().to_string())
        .stdin(Stdio::null())
        .output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&port) && said.contains("UDP"), "{said}");
}

/// Every command explains itself.
#[test]
fn every_command_has_help_with_an_example() {
    let commands: &[&[&str]] = &[
        &["serve"],
        &["check"],
        &["call"],
        &["seat"],
        &["ivr", "play"],
        &["prompts", "list"],
        &["prompts", "render"],
        &["audit", "verify"],
        &["keys", "new"],
        &["keys", "add"],
        &["recording", "decrypt"],
    ];
    for command in commands {
        let output = hotline().args(*command).arg("--help").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.contains("Example"),
            "{command:?}: {text}"
        );
    }
    let output = Command::new(engine::program())
        .arg("no-such")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The API refuses whom it does not know, and says what is wrong.
#[test]
fn the_api_guards_its_doors() {
    let engine = Engine::start();
    let (status, body) = engine.request("GET", "/api/v1/wallboard", None, "");
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("not-signed-in"))
    );
    let (status, body) = engine.post("/api/v1/seats/9999/ready", &json!({}));
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("seat-unknown"))
    );
    let (status, body) = engine.post("/api/v1/seats/1001/ready", &json!({}));
    assert_eq!(
        (status, &body["error"]["code"]),
        (409, &json!("not-registered"))
    );
    let (status, _) = engine.post(
        "/api/v1/seats/1001/not-ready",
        &json!({"reason": "refused"}),
    );
    assert_eq!(status, 400);
    let agent = engine.sign_in("1001");
    let body = json!({"reason": "meal"}).to_string();
    let (status, _) = engine.request("POST", "/api/v1/seats/1001/not-ready", Some(&agent), &body);
    assert_eq!(status, 204);
    let (status, _) = engine.request("POST", "/api/v1/seats/1002/not-ready", Some(&agent), &body);
    assert_eq!(status, 403);
    let (status, _) = engine.request("GET", "/api/v1/calls", Some(&agent), "");
    assert_eq!(status, 403);
    engine.until("the page shows the meal", 5, |board| {
        (Engine::seat(board, "1001")["reason"] == "meal").then_some(())
    });
    let (status, body) = engine.request("GET", "/api/v1/nothing", Some(&agent), "");
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("route-unknown"))
    );
    let (status, api) = engine.request("GET", "/api/v1/openapi.json", None, "");
    assert_eq!(status, 200);
    // Every documented path without a parameter exists, and asks who is there.
    for (path, methods) in api["paths"].as_object().unwrap() {
        if methods.get("get").is_some() && !path.contains('{') && !path.ends_with("openapi.json") {
            assert_eq!(engine.request("GET", path, None, "").0, 401, "{path}");
        }
    }
    let (status, _) = engine.request(
        "POST",
        "/api/v1/session",
        None,
        &json!({"user": "1001", "password": "wrong"}).to_string(),
    );
    assert_eq!(status, 401);
    let (status, text) = engine.text("/metrics");
    assert!(status == 200 && text.contains("hotline_"), "{text}");
}

/// UDP, TCP, TLS and WebSocket, on IPv4 and IPv6 at once.
#[test]
fn every_transport_answers_on_both_families() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    transports::every_door_answers();
}

/// Phones that prove themselves over IPv6.
#[test]
fn seats_register_over_ipv6() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    transports::phones_register_over_ipv6();
}

/// JsSIP in a browser.
#[test]
fn a_signed_in_browser_is_a_seat_without_a_password() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    browsers::a_browser_is_a_seat();
}

/// The softphone of the agents' page.
#[test]
fn an_agent_needs_no_phone_but_the_page() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    browsers::the_page_is_the_agents_phone(&screenshots());
}

/// Two pages of one browser at one seat.
#[test]
fn one_of_two_pages_of_a_browser_is_the_phone() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    browsers::one_of_two_pages_is_the_phone(&screenshots());
}

/// Encrypted A-law recordings through a kill.
#[test]
fn an_encrypted_recording_survives_a_kill_and_plays() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    recordings::encrypted_through_a_kill();
}

/// A disk that is full and has room again.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_harms_no_call() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    recordings::a_full_disk_harms_no_call();
}

/// The recordings' disk stands still.
#[test]
fn a_disk_that_stands_still_harms_no_call() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    recordings::a_disk_that_stands_still_harms_no_call();
}

/// Key files that cannot be used.
#[test]
fn a_key_file_that_cannot_be_used_is_said_at_the_start() {
    recordings::a_bad_key_file_is_said();
}
