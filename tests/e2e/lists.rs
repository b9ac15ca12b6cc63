//! The pages of tasks, blocks and shifts in Chromium: a click, and the row that it makes.

use std::fs;

use serde_json::Value;

use crate::{
    browsers::Browser,
    engine::{Engine, node},
    screenshots,
};

/// The rows of a list.
fn rows(engine: &Engine, path: &str) -> Vec<Value> {
    let list = engine.get(path);
    list.as_array()
        .unwrap_or_else(|| panic!("{path}: {list}"))
        .clone()
}

#[test]
fn what_is_clicked_on_tasks_blocks_and_shifts_is_in_the_lists() {
    let mut engine = Engine::prepare();
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let shift = "[[shift]]\nname = \"全天\"\nfrom = 00:00:00\nto = 00:00:00\nseats = [\"1001\"]\n";
    fs::write(&file, format!("{text}\n{shift}")).unwrap();
    engine.restart();
    let mut command = node("tests/e2e/lists.mjs");
    command.arg(format!("http://127.0.0.1:{}/", engine.http));
    command.args([engine.password("supervisor").as_str(), "1001"]);
    command.args([engine.password("1001"), screenshots()]);
    let mut pages = Browser::open(command);
    let mut task = Value::Null;
    pages.step("a follow-up is listed", || {
        let listed = rows(&engine, "/api/v1/tasks?kind=follow-up");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["note"], "路灯是否修好");
        task = listed[0]["task"].clone();
    });
    let story = |task: &Value| engine.get(&format!("/api/v1/tasks/{task}"));
    pages.step("the next one is taken", || {
        let row = story(&task);
        assert_eq!(
            (&row["state"], &row["seat"]),
            (&"taken".into(), &"1001".into())
        );
        assert_eq!(row["number"], "138****8000", "whole for the seat alone");
    });
    pages.step("its result is entered", || {
        let row = story(&task);
        assert_eq!(
            (&row["result"], &row["score"]),
            (&"dissatisfied".into(), &2.into())
        );
        assert_eq!(
            (&row["remark"], &row["end"]),
            (&"路灯仍不亮".into(), &"reached".into())
        );
    });
    pages.step("a supervisor sees the number", || {
        let shown = engine.until("the journal says who looked", 10, |_| {
            let steps = story(&task)["steps"].clone();
            let mut steps = steps.as_array()?.iter();
            steps.find(|it| it["type"] == "task-revealed").cloned()
        });
        assert_eq!(
            (&shown["by"], &shown["reason"]),
            (&"supervisor".into(), &"核实号码".into())
        );
    });
    pages.step("a block is proposed", || {
        let blocks = rows(&engine, "/api/v1/blocks");
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0]["number"], "139****1111");
        assert_eq!(blocks[0]["approved_by"], Value::Null);
    });
    pages.step("the shift is shown", || {
        let day = engine.get("/api/v1/adherence");
        assert_eq!(day["rows"][0]["seat"], "1001", "{day}");
    });
    pages.ends_well();
}
