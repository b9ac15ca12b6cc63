//! An agent's phone gives its caller on: pjsua2 sends the REFER, each side has a tone of its own, and
//! after the transfer the right ones hear each other.

use serde_json::json;

use crate::{
    engine::{Engine, Lines, root, target},
    journal, town,
};

/// Seconds for what happens soon, on a busy machine.
const SOON_S: u64 = 20;

/// pjsua2 as `user`, with a tone of so many Hz; a seat where it has a password.
pub fn desk(engine: &Engine, user: &str, password: &str, hertz: u32) -> Lines {
    let folder = engine.dir.join(format!("desk-{user}"));
    std::fs::create_dir_all(&folder).unwrap();
    let mut desk = target().join("venv/bin");
    desk.push("python");
    let mut desk = std::process::Command::new(desk);
    desk.arg(root().join("tests/wire/desk.py"));
    desk.args([&format!("127.0.0.1:{}", engine.sip), user, password]);
    let mut desk = Lines::spoken_to(desk.arg(hertz.to_string()).arg(folder));
    let up = if password == "-" {
        "ready"
    } else {
        "registered"
    };
    desk.expect(up, SOON_S);
    desk
}

/// A caller in talk with the first of two seats; the second is there, and not ready.
struct Office {
    engine: Engine,
    first: Lines,
    second: Lines,
    caller: Lines,
}

/// The first seat's tone, the second's and the caller's, Hz.
const FIRST: u32 = 600;
const SECOND: u32 = 1_300;
const CALLER: u32 = 900;

impl Office {
    fn open() -> Self {
        let engine = town::start();
        let first = desk(&engine, "1001", &engine.password("1001"), FIRST);
        let second = desk(&engine, "1002", &engine.password("1002"), SECOND);
        let caller = desk(&engine, "13800001234", "-", CALLER);
        let mut office = Self {
            engine,
            first,
            second,
            caller,
        };
        office.order("1001", "ready");
        office.caller.say("call 12345");
        office.first.expect("answered", SOON_S);
        hears(&mut office.first, CALLER);
        hears(&mut office.caller, FIRST);
        // Whoever gets the caller now, it is not the first seat again.
        office.order("1001", "not-ready");
        office
    }

    fn order(&self, seat: &str, what: &str) {
        let path = format!("/api/v1/seats/{seat}/{what}");
        let (status, answer) = self.engine.post(&path, &json!({"reason": "meeting"}));
        assert_eq!(status, 204, "{answer}");
    }

    /// The caller and the second seat talk; the first is out of it. The kind is the journal's.
    fn caller_is_with_the_second(mut self, transferred: Option<&str>) {
        self.first.expect("ended", SOON_S);
        hears(&mut self.caller, SECOND);
        hears(&mut self.second, CALLER);
        self.caller.say("hangup");
        self.second.expect("ended", SOON_S);
        let ended = journal::until(&self.engine, "the end", |r| r["type"] == "call-ended");
        assert_eq!(ended["outcome"], "answered");
        let records = journal::records(&self.engine);
        let of = |kind: &str| records.iter().filter(|r| r["type"] == kind).count();
        assert_eq!(of("talk-ended"), 2, "each talk is whole");
        if let Some(kind) = transferred {
            let how = records.iter().find(|r| r["type"] == "talk-transferred");
            assert_eq!(how.map(|r| &r["kind"]), Some(&json!(kind)));
        }
    }
}

/// The desk hears this tone, Hz.
pub fn hears(desk: &mut Lines, hertz: u32) {
    desk.say(&format!("hears {hertz}"));
    desk.expect(&format!("hears {hertz}"), SOON_S);
}

#[test]
fn asterisk_759_a_phone_gives_its_caller_on_to_another_seat() {
    let mut office = Office::open();
    office.first.say("refer 1002");
    office.first.expect("notified 180", SOON_S);
    office.second.expect("answered", SOON_S);
    office.first.expect("notified 200 finally", SOON_S);
    office.caller_is_with_the_second(Some("blind"));
}

#[test]
fn a_phone_gives_its_caller_on_to_a_queue() {
    let mut office = Office::open();
    office.order("1002", "ready");
    office.first.say("refer business");
    office.first.expect("notified 200 finally", SOON_S);

    office.second.expect("answered", SOON_S);
    office.caller_is_with_the_second(None);
}

#[test]
fn a_phone_gives_its_caller_on_to_the_colleague_it_consulted() {
    let mut office = Office::open();
    office.first.say("hold");
    office.first.say("call 1002");
    office.second.expect("answered", SOON_S);
    hears(&mut office.second, FIRST);
    hears(&mut office.first, SECOND);
    office.first.say("refer-consulted");
    office.first.expect("notified 200 finally", SOON_S);
    office.caller_is_with_the_second(Some("attended"));
}
