//! Settings changed while the engine runs: nobody loses a call or a place in line, new seats are as
//! good as old ones, and a file with a fault changes nothing.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    ear::Ear,
    engine::{Engine, hotline},
    line::Line,
    party::{Party, SOON, session, sound_at},
    town,
};

const RELOAD: &str = "/api/v1/config/reload";

/// The tones of three citizens and two agents.
const ALL: [f64; 5] = [900.0, 1_700.0, 2_300.0, 600.0, 1_300.0];

fn dials(engine: &Engine, hertz: f64) -> (Party, Ear) {
    let line = Line::from("127.0.0.1", engine);
    let ear = Ear::at(line.local().ip(), hertz);
    let offer = session(&line, ear.port);
    let mut party = Party::dials(line, "13800001234", "12345", "", &offer);
    let answer = party.hears("200 INVITE", SOON);
    party.acknowledges(&answer, "");
    ear.speaks_to(sound_at(&answer));
    (party, ear)
}

fn ready(engine: &Engine, seat: &str, ip: &str) -> Line {
    let line = Line::from(ip, engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let path = format!("/api/v1/seats/{seat}/ready");
    assert_eq!(engine.post(&path, &json!({})).0, 204);
    line
}

fn picks_up(line: Line, hertz: f64) -> (Party, Ear) {
    let ear = Ear::at(line.local().ip(), hertz);
    let (mut phone, invite) = Party::called(line, SOON);
    ear.speaks_to(sound_at(&invite));
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    (phone, ear)
}

/// `hotline reload`: whether it succeeded, and what it said.
fn command(engine: &Engine, more: &[&str]) -> (bool, String) {
    let mut command = hotline();
    command.arg("reload").arg("--config");
    let output = command.arg(engine.dir.join("config")).args(more).output();
    let output = output.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn seat_ids(engine: &Engine) -> Vec<String> {
    let seats = engine.get("/api/v1/seats");
    let seats = seats.as_array().unwrap().iter();
    seats
        .map(|it| it["seat"].as_str().unwrap().to_owned())
        .collect()
}

/// The changes that a report tells of, each as `kind item key,key`.
fn told(report: &Value) -> Vec<String> {
    let changes = report["changes"].as_array().unwrap().iter();
    let told = changes.map(|it| {
        let keys = it["keys"].as_array().map_or(&[][..], Vec::as_slice);
        let keys: Vec<_> = keys
            .iter()
            .map(|key| key["key"].as_str().unwrap())
            .collect();
        let word = |key: &str| it[key].as_str().unwrap().to_owned();
        format!("{} {} {}", word("kind"), word("item"), keys.join(","))
    });
    told.collect()
}

/// Events of this kind in the journal.
fn journalled(engine: &Engine, kind: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for file in fs::read_dir(engine.dir.join("data/journal")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for (at, _) in text.match_indices(&format!("\"type\":\"{kind}\"")) {
            let start = text[..at].rfind("{\"").unwrap();
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            found.push(values.next().unwrap().unwrap());
        }
    }
    found
}

/// The one change of settings, once it is in the journal.
fn the_change(engine: &Engine) -> Value {
    engine.until("the change is journalled", 10, |_| {
        let mut changes = journalled(engine, "settings-changed");
        assert!(changes.len() < 2, "{changes:?}");
        changes.pop()
    })
}

#[test]
fn a_caller_who_waits_is_answered_by_a_seat_that_did_not_exist() {
    let engine = town::start();
    let line = ready(&engine, "1001", "127.0.0.71");
    let (mut first, first_ear) = dials(&engine, 900.0);
    let (mut old, old_ear) = picks_up(line, 600.0);
    let (mut second, second_ear) = dials(&engine, 1_700.0);
    let waiting = |n: u64| {
        engine.until("callers wait", 10, |board| {
            (board["queues"][0]["waiting"] == n).then_some(())
        });
    };
    waiting(1);
    let (mut third, third_ear) = dials(&engine, 2_300.0);
    waiting(2);

    // 1001 goes, 1006 comes, the wrap-up is longer.
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let from = text.find("[[seat]]").unwrap();
    let to = from + 8 + text[from + 8..].find("[[seat]]").unwrap();
    let new = "[[seat]]\nid = \"1006\"\nname = \"新坐席\"\nqueues = [\"general\"]\n";
    fs::write(&file, format!("{}{new}{}", &text[..from], &text[to..])).unwrap();
    engine.configure("queues.toml", "wrap_up_s = 1\n", "wrap_up_s = 2\n");
    engine.configure("engine.toml", "threads = 2", "threads = 1");

    let before = seat_ids(&engine);
    let (good, said) = command(&engine, &["--dry-run"]);
    assert!(good, "{said}");
    for part in [
        "~ queues.toml: queue general\n    wrap_up_s: 1 -> 2",
        "+ seats.toml: seat 1006",
        "    name: \"新坐席\"",
        "    password changed",
        "- seats.toml: seat 1001",
        "! needs a restart: engine.toml [media]: threads",
        "no seat serves the queue \"english\"",
        "only looked at: nothing was changed",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert_eq!(seat_ids(&engine), before);
    assert_eq!(engine.post(&format!("{RELOAD}?dry-run"), &json!({})).0, 200);
    assert_eq!(journalled(&engine, "settings-changed").len(), 0);

    let (status, report) = engine.post(RELOAD, &json!({}));
    assert_eq!(
        (status, &report["applied"]),
        (200, &json!(true)),
        "{report}"
    );
    assert_eq!(
        told(&report),
        [
            "changed queue general wrap_up_s",
            "removed seat 1001 digest,id,name,queues",
            "added seat 1006 id,name,queues,password",
        ]
    );
    // Who talks goes on talking, and is shown for so long.
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(Engine::seat(&board, "1001")["work"], "talking");
    for (ear, hertz) in [(&first_ear, 600.0), (&old_ear, 900.0)] {
        assert!(ear.hears_just(&[hertz], &ALL), "{:?}", ear.shares(&ALL));
    }
    // The new seat is one like the others: its phone, its page, the next caller.
    waiting(2);
    let line = ready(&engine, "1006", "127.0.0.76");
    let (mut new, new_ear) = picks_up(line, 1_300.0);
    for (ear, hertz) in [(&second_ear, 1_300.0), (&new_ear, 1_700.0)] {
        assert!(ear.hears_just(&[hertz], &ALL), "{:?}", ear.shares(&ALL));
    }
    assert!(!third_ear.hears(1_300.0));
    waiting(1);
    engine.sign_in("1006");
    engine.until("the new seat talks", 10, |board| {
        let line = Engine::seat(board, "1006");
        (line["name"] == "新坐席" && line["work"] == "talking").then_some(())
    });

    // The seat that went is gone with its talk: its phone, its page, its line.
    first.hangs_up();
    let bye = old.hears("BYE", SOON);
    old.answers(&bye, "200 OK", "", "");
    engine.until("the seat is gone", 10, |board| {
        let mut seats = board["seats"].as_array().unwrap().iter();
        (!seats.any(|line| line["seat"] == "1001")).then_some(())
    });
    let phone = Line::from("127.0.0.71", &engine);
    let refused = phone.register("1001", &engine.password("1001"));
    assert_eq!(refused.status(), 401, "{}", refused.0);
    let body = json!({"user": "1001", "password": engine.password("1001")}).to_string();
    assert_eq!(
        engine.request("POST", "/api/v1/session", None, &body).0,
        401
    );
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 404);

    // The wrap-up is the new one, and then the third caller has the seat.
    second.hangs_up();
    let bye = new.hears("BYE", SOON);
    new.answers(&bye, "200 OK", "", "");
    let invite = new.hears("INVITE", 2 * SOON);
    new_ear.speaks_to(sound_at(&invite));
    let own = session(&new.line, new_ear.port);
    new.picks_up(&invite, &own);
    assert!(third_ear.hears(1_300.0), "{:?}", third_ear.shares(&ALL));
    third.hangs_up();

    let changed = the_change(&engine);
    assert_eq!(changed["by"], "api:supervisor");
    let digest = changed["digest"].as_str().unwrap();
    let kept = engine.dir.join(format!("data/settings/{digest}.toml"));
    assert!(fs::read_to_string(kept).unwrap().contains("新坐席"));
    let written = changed.to_string();
    assert!(!written.contains(&engine.password("1006")), "{written}");
    let audit = engine.audit();
    assert!(audit.contains("unbroken"), "{audit}");
}

#[test]
fn a_file_with_a_fault_changes_nothing_and_its_line_is_told() {
    let engine = town::start();
    let before = seat_ids(&engine);
    engine.configure("queues.toml", "wrap_up_s = 1\n", "wrap_up_s = 2\n");
    let wrong = "\n[[seat]]\nid = \"1007\"\nname = \"n\"\nqueues = [\"nowhere\"]\n";
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}{wrong}")).unwrap();
    let line = text.lines().count() + 5;

    let (status, refused) = engine.post(RELOAD, &json!({}));
    assert_eq!(status, 422, "{refused}");
    assert_eq!(refused["error"]["code"], "config-faults");
    let fault = &refused["faults"][0];
    assert_eq!(
        (&fault["file"], &fault["line"]),
        (&json!("seats.toml"), &json!(line))
    );
    assert_eq!(fault["what"], "there is no queue \"nowhere\"");
    let (good, said) = command(&engine, &[]);
    let at =
        format!("seats.toml:{line}: there is no queue \"nowhere\"\n    queues = [\"nowhere\"]");
    assert!(!good && said.contains(&at), "{said}");
    let hup = Command::new("kill")
        .args(["-HUP", &engine.id().to_string()])
        .status();
    assert!(hup.unwrap().success());
    engine.until("the log says so", 10, |_| {
        engine.log().contains(&at).then_some(())
    });

    assert_eq!(seat_ids(&engine), before);
    assert_eq!(journalled(&engine, "settings-changed").len(), 0);
    // Agents may not ask, and what cannot be asked is refused.
    let agent = engine.sign_in("1002");
    assert_eq!(engine.request("POST", RELOAD, Some(&agent), "").0, 403);
    assert_eq!(engine.post(&format!("{RELOAD}?force"), &json!({})).0, 400);

    // Mended, the signal puts it in force.
    fs::write(&file, &text).unwrap();
    let hup = Command::new("kill")
        .args(["-HUP", &engine.id().to_string()])
        .status();
    assert!(hup.unwrap().success());
    engine.until("it is in force", 10, |_| {
        engine.log().contains("in force").then_some(())
    });
    assert_eq!(the_change(&engine)["by"], "signal");
    assert!(command(&engine, &[]).1.contains("nothing to change"));
}

#[test]
fn a_password_made_anew_is_asked_for_at_once_and_never_told() {
    let engine = town::start();
    let old = engine.password("1002");
    let line = Line::from("127.0.0.72", &engine);
    assert_eq!(line.register("1002", &old).status(), 200);
    let page = engine.sign_in("1002");
    // Who takes an account out of the file has a new password made.
    let file = engine.dir.join("data/accounts.toml");
    let text = fs::read_to_string(&file).unwrap();
    let kept: Vec<&str> = text
        .split("[[account]]")
        .filter(|block| !block.contains("user = \"1002\""))
        .collect();
    fs::write(&file, kept.join("[[account]]")).unwrap();
    let (good, said) = command(&engine, &[]);
    assert!(
        good && said.contains("~ seats.toml: seat 1002\n    password changed"),
        "{said}"
    );
    let demo = fs::read_to_string(engine.dir.join("data/demo-accounts.txt")).unwrap();
    let new = demo
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("1002\t"));
    let new = new.unwrap();
    assert_ne!(new, old);
    assert!(!said.contains(new));
    // The phone and the page of before are out.
    engine.until("the phone is out", 10, |board| {
        (Engine::seat(board, "1002")["device"] == "unregistered").then_some(())
    });
    assert_eq!(
        engine.request("GET", "/api/v1/session", Some(&page), "").0,
        401
    );
    assert_eq!(line.register("1002", &old).status(), 401);
    assert_eq!(line.register("1002", new).status(), 200);
    let by = the_change(&engine)["by"].clone();
    assert!(by.as_str().unwrap().starts_with("local:"), "{by}");
}
