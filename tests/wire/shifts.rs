//! Who should be at work and is not, and how a day's shifts were kept: on the wallboard, through the
//! API, and out of the journal alone.

use std::fs;

use serde_json::{Value, json};

use crate::{
    engine::{Engine, hotline},
    line::Line,
    town,
};

/// An engine whose seats 1001 and 1002 have a shift the whole day, and 1001 a contractor.
fn start() -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let shift = "[[shift]]\nname = \"全天\"\nfrom = 00:00:00\nto = 00:00:00\n\
                 seats = [\"1001\", \"1002\"]\n";
    let text = text.replacen(
        "id = \"1001\"",
        "id = \"1001\"\nmembership = [{ contractor = \"甲\" }]",
        1,
    );
    fs::write(file, format!("{text}\n{shift}")).unwrap();
    engine.restart();
    engine
}

fn missing(engine: &Engine, are: &Value) {
    engine.until(&format!("missing {are}"), 10, |board| {
        let queues = board["queues"].as_array()?;
        let general = queues.iter().find(|it| it["queue"] == "general")?;
        (general["missing_seats"] == *are).then_some(())
    });
}

/// What the journal alone says of the day.
fn recomputed(engine: &Engine, day: &str) -> Value {
    let again = hotline()
        .args(["audit", "recompute", "--day", day])
        .arg("--config")
        .arg(engine.dir.join("config"))
        .arg("--data")
        .arg(engine.dir.join("data"))
        .output()
        .unwrap();
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    serde_json::from_slice(&again.stdout).unwrap()
}

#[test]
fn a_shift_says_who_is_missing_and_the_ledger_who_was_there() {
    let engine = start();
    missing(&engine, &json!(["1001", "1002"]));
    let line = Line::from("127.0.0.95", &engine);
    let answer = line.register("1001", &engine.password("1001"));
    assert_eq!(answer.status(), 200);
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    missing(&engine, &json!(["1002"]));
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(Engine::seat(&board, "1001")["shift"], "全天");
    assert_eq!(
        engine.post("/api/v1/seats/1001/sign-out", &json!({})).0,
        204
    );
    missing(&engine, &json!(["1001", "1002"]));

    let day = engine.get("/api/v1/adherence")["day"]
        .as_str()
        .unwrap()
        .to_owned();
    // The journal alone is asked, too. It and the tables follow a moment later.
    let ask = || {
        let rows = engine.get("/api/v1/adherence")["rows"].clone();
        (recomputed(&engine, &day), rows)
    };
    let (mut again, mut rows) = ask();
    for _ in 0..50 {
        let (now, before) = (
            &rows[0]["signed_in_ms"],
            &again["adherence"][0]["signed_in_ms"],
        );
        if now == before && now.as_u64() > Some(0) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        (again, rows) = ask();
    }
    assert_eq!(
        (&rows[0]["seat"], &rows[0]["absent"]),
        (&json!("1001"), &json!(false))
    );
    assert_eq!(
        (&rows[1]["seat"], &rows[1]["absent"]),
        (&json!("1002"), &json!(true))
    );
    assert_eq!(rows[0]["signed_in_ms"], rows[0]["ready_ms"]);
    let kpi = engine.get(&format!("/api/v1/kpi?by=contractor&day={day}"));
    assert_eq!(kpi["rows"][0]["contractor"], "甲");
    assert_eq!(kpi["rows"][0]["signed_in_ms"], rows[0]["signed_in_ms"]);
    let token = engine.sign_in("1001");
    for path in ["/api/v1/adherence", "/api/v1/kpi"] {
        assert_eq!(engine.request("GET", path, Some(&token), "").0, 403);
    }
    let bad = "/api/v1/adherence?day=2026-02-30";
    let supervisor = engine.sign_in("supervisor");
    assert_eq!(engine.request("GET", bad, Some(&supervisor), "").0, 400);

    for key in ["seat", "signed_in_ms", "ready_ms", "absent", "late_ms"] {
        assert_eq!(again["adherence"][0][key], rows[0][key], "{key}");
    }
    assert_eq!(again["contractors"], kpi["rows"]);
}
