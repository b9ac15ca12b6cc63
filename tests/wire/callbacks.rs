//! A caller presses 1, hangs up and keeps the place: the seat's phone rings for that caller before
//! those who came later, and when it has answered the engine calls the caller by a trunk, with sound
//! both ways. And a seat that asks on its page to dial is rung first, too.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    ear::{Ear, share},
    engine::{Engine, free_port},
    guests::{AGENT, CITIZEN, Desk, RINGS_BACK, registered},
    journal,
    line::{Heard, Line},
    party::{Party, SOON, session, sound_at},
    sound,
    trunks::{NUMBER, with_trunks_of_1001},
};

/// Who asks to be called back, and who waits behind.
const FIRST: &str = "13800001234";
const SECOND: &str = "13900005678";

/// Longer than the prompts of the script and the pause between two attempts.
const LATER: Duration = Duration::from_secs(25);

/// An engine that offers a callback after a second, and the carrier that it calls out by.
fn engine() -> (Engine, Line) {
    let port = free_port();
    let mut engine = with_trunks_of_1001(port, free_port());
    let offer = "overflow = [{ after_s = 1, to = \"script:callback-offer\" }]";
    let cap = "wrap_up_cap_s = 120\n";
    engine.configure("queues.toml", cap, &format!("{cap}{offer}\n"));
    let script = engine.dir.join("ivr-scripts/callback-offer.toml");
    let text = fs::read_to_string(&script).unwrap();
    let quick = text.replace("retry-seconds = 600", "retry-seconds = 10");
    let quick = quick.replace("attempts = 3", "attempts = 2");
    assert!(quick.contains("= 10 ") && quick.contains("= 2 "), "{quick}");
    fs::write(script, quick).unwrap();
    engine.kill();
    engine.restart();
    let carrier = Line::bound(SocketAddr::from(([127, 0, 0, 1], port)), &engine);
    (engine, carrier)
}

/// A caller on the line.
fn caller(engine: &Engine, number: &str) -> (Party, Ear) {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), CITIZEN);
    let offer = session(&line, ear.port);
    let mut party = Party::dials(line, number, "12345", "", &offer);
    let answer = party.hears("200 INVITE", SOON);
    party.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    (party, ear)
}

/// The first caller pressed 1 and was hung up; the call's number.
fn promised(engine: &Engine) -> u64 {
    let (mut first, ear) = caller(engine, FIRST);
    let call = told(engine, "the offer", |it| {
        it["type"] == "script-started" && it["script"] == "callback-offer"
    });
    ear.presses("1");
    let bye = first.hears("BYE", LATER);
    first.answers(&bye, "200 OK", "", "");
    let requested = told(engine, "the request", |it| {
        it["type"] == "callback-requested"
    });
    assert_eq!(requested["call"], call["call"]);
    assert_eq!(requested["number"], FIRST);
    call["call"].as_u64().unwrap()
}

fn told(engine: &Engine, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    journal::until(engine, what, is)
}

/// The seat's phone is there and takes calls.
fn ready(engine: &Engine) -> Line {
    let line = registered(engine, "1001", "127.0.0.66");
    let (status, answer) = engine.post("/api/v1/seats/1001/ready", &json!({}));
    assert_eq!(status, 204, "{answer}");
    line
}

/// Whoever is called next at that line picks up, after 180.
fn rung(line: Line, hertz: f64, patience: Duration) -> (Party, Heard, Ear) {
    let ear = Ear::at(line.local().ip(), hertz);
    let (phone, invite) = Party::called(line, patience);
    let contact = "Contact: <sip:party@{local}>\n";
    phone.answers(&invite, "180 Ringing", contact, "");
    ear.speaks_to(sound_at(&invite));
    (phone, invite, ear)
}

fn picks_up(mut phone: Party, invite: &Heard, ear: Ear) -> Desk {
    let own = session(&phone.line, ear.port);
    phone.picks_up(invite, &own);
    Desk { phone, ear }
}

/// What the wallboard says of a call.
fn line_of(engine: &Engine, call: u64) -> Value {
    let board = engine.get("/api/v1/wallboard");
    let calls = board["calls"].as_array().unwrap().iter();
    let mut own = calls.filter(|line| line["call"] == call);
    own.next().cloned().unwrap_or_default()
}

#[test]
fn who_pressed_one_is_called_back_before_who_waits_behind() {
    let (engine, carrier) = engine();
    let call = promised(&engine);
    let (mut second, _) = caller(&engine, SECOND);
    let behind = told(&engine, "the second caller", |it| {
        it["type"] == "queue-entered" && it["call"] != call
    });
    assert_eq!(behind["position"], 2);
    engine.until("the callback on the board", 5, |_| {
        let line = line_of(&engine, call);
        (line["stage"] == "callback-waiting" && line["position"] == 1).then_some(())
    });
    let waiting = engine.get(&format!("/api/v1/calls/{call}/waiting"));
    assert_eq!(waiting["position"], 1, "{waiting}");

    let (phone, invite, ear) = rung(ready(&engine), AGENT, SOON);
    let from = invite.header("From").unwrap();
    assert!(from.contains("回呼 138****1234"), "{from}");
    assert_eq!(
        invite.header("X-Hotline-Call"),
        Some(call.to_string().as_str())
    );
    let seat = picks_up(phone, &invite, ear);
    // Only now, and with the ring-back tone in the agent's ear.
    let (citizen, invite, ear) = rung(carrier, CITIZEN, SOON);
    assert!(
        invite.0.starts_with(&format!("INVITE sip:{FIRST}@")),
        "{}",
        invite.0
    );
    assert!(seat.ear.hears(RINGS_BACK), "the agent hears it ring");
    let mut citizen = picks_up(citizen, &invite, ear);
    assert!(citizen.ear.hears(AGENT), "the citizen hears the agent");
    assert!(seat.ear.hears(CITIZEN), "the agent hears the citizen");
    engine.until("the talk on the board", 5, |_| {
        (line_of(&engine, call)["stage"] == "talking").then_some(())
    });

    citizen.phone.hangs_up();
    let story = engine.ended_call(call);
    assert_eq!(story["outcome"], "answered", "{story}");
    assert!(story["wait_ms"].as_u64() > Some(1_000), "{story}");
    told(&engine, "the recording", |it| {
        it["type"] == "recording-closed" && it["call"] == call
    });
    let (left, right) = sound::channels(&engine.recording(call));
    assert!(share(&left, CITIZEN) > 0.3, "{}", share(&left, CITIZEN));
    assert!(share(&right, AGENT) > 0.3, "{}", share(&right, AGENT));
    let offers = journal::records(&engine);
    let first = offers
        .iter()
        .find(|it| it["type"] == "seat-offered")
        .unwrap();
    assert_eq!(first["call"], call, "nobody was served before");
    second.hangs_up();
    told(&engine, "the second's end", |it| {
        it["type"] == "call-ended" && it["call"] == behind["call"]
    });
    let totals = engine.get("/api/v1/wallboard")["totals"].clone();
    assert_eq!(
        (&totals["answered"], &totals["unreached"]),
        (&json!(1), &json!(0))
    );
    let audit = engine.audit();
    assert!(audit.contains(": unbroken"), "{audit}");
}

#[test]
fn who_cannot_be_reached_is_tried_again_and_at_last_let_go() {
    let (engine, carrier) = engine();
    let call = promised(&engine);
    let mut line = ready(&engine);
    let mut carrier = carrier;
    for attempt in 1..=2 {
        let (phone, invite, ear) = rung(line, AGENT, LATER);
        let mut seat = picks_up(phone, &invite, ear);
        let (mut citizen, invite, _) = rung(carrier, CITIZEN, SOON);
        citizen.answers(&invite, "486 Busy Here", "", "");
        citizen.hears("ACK", SOON);
        let bye = seat.phone.hears("BYE", SOON);
        seat.phone.answers(&bye, "200 OK", "", "");
        let failed = told(&engine, "the failure", |it| {
            it["type"] == "callback-failed" && it["attempt"] == attempt
        });
        let again = (attempt == 1).then_some(10);
        assert_eq!(failed["again_after_s"], json!(again), "{failed}");
        // Without wrap-up.
        engine.until("a free seat", 5, |board| {
            (Engine::seat(board, "1001")["work"] == "free").then_some(())
        });
        (line, carrier) = (seat.phone.line, citizen.line);
    }
    let ended = told(&engine, "the end", |it| {
        it["type"] == "call-ended" && it["call"] == call
    });
    assert_eq!(ended["outcome"], "unreached", "{ended}");
    let totals = engine.until("the figures", 5, |board| {
        (board["totals"]["unreached"] == 1).then(|| board["totals"].clone())
    });
    assert_eq!(
        (&totals["unreached"], &totals["abandoned"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(totals["human_requests"], 1, "{totals}");
}

#[test]
fn a_killed_engine_calls_back_after_its_restart() {
    let (mut engine, carrier) = engine();
    let call = promised(&engine);
    told(&engine, "the place", |it| {
        it["type"] == "queue-entered" && it["call"] == call
    });
    engine.kill();
    engine.restart();
    told(&engine, "the place again", |it| {
        it["type"] == "callback-restored" && it["call"] == call
    });
    let (phone, invite, ear) = rung(ready(&engine), AGENT, SOON);
    let seat = picks_up(phone, &invite, ear);
    let (citizen, invite, ear) = rung(carrier, CITIZEN, SOON);
    let mut citizen = picks_up(citizen, &invite, ear);
    assert!(citizen.ear.hears(AGENT) && seat.ear.hears(CITIZEN));
    citizen.phone.hangs_up();
    let story = engine.ended_call(call);
    assert_eq!(story["outcome"], "answered", "{story}");
    let interrupted = journal::records(&engine);
    assert!(interrupted.iter().all(|it| it["outcome"] != "interrupted"));
}

#[test]
fn a_page_dials_for_its_seat_which_is_rung_first() {
    let (engine, carrier) = engine();
    let line = registered(&engine, "1001", "127.0.0.66");
    let agent = engine.sign_in("1001");
    let ask = |seat: &str, body: &Value| {
        let path = format!("/api/v1/seats/{seat}/dial");
        engine
            .request("POST", &path, Some(&agent), &body.to_string())
            .0
    };
    let body = json!({ "number": NUMBER, "purpose": "follow-up" });
    assert_eq!(ask("1002", &body), 403, "another's seat");
    assert_eq!(ask("1001", &json!({ "number": "0085212345678" })), 403);
    assert_eq!(
        ask("1001", &json!({ "number": NUMBER, "purpose": "为了" })),
        400
    );
    assert_eq!(ask("1001", &body), 204);
    let (phone, invite, ear) = rung(line, AGENT, SOON);
    let from = invite.header("From").unwrap();
    assert!(from.contains("外呼 138****8000"), "{from}");
    assert_eq!(ask("1001", &body), 409, "it has a call");
    let mut seat = picks_up(phone, &invite, ear);
    let (citizen, invite, ear) = rung(carrier, CITIZEN, SOON);
    assert!(
        invite.0.starts_with(&format!("INVITE sip:{NUMBER}@")),
        "{}",
        invite.0
    );
    assert!(seat.ear.hears(RINGS_BACK), "the agent hears it ring");
    let citizen = picks_up(citizen, &invite, ear);
    assert!(citizen.ear.hears(AGENT), "the citizen hears the agent");
    assert!(seat.ear.hears(CITIZEN), "the agent hears the citizen");
    seat.phone.hangs_up();
    let ended = told(&engine, "the end", |it| it["type"] == "dial-ended");
    assert_eq!(ended["outcome"], "answered", "{ended}");
    let dialled = told(&engine, "the call", |it| it["type"] == "call-dialled");
    assert_eq!(dialled["purpose"], "follow-up");
}
