//! Browsers as telephones: JsSIP alone, and the engine's own page.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::json;

use crate::{
    engine::{Engine, Lines, node, root, target},
    transports::Doors,
};

/// Chromium, led by a script of Node.
pub struct Browser {
    child: Child,
    looked: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts the script.
    pub fn open(mut script: Command) -> Self {
        let mut child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let looked = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            looked,
            lines,
        }
    }

    /// The next step must be this one; the page goes on after `look`.
    pub fn step(&mut self, name: &str, look: impl FnOnce()) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), name);
        look();
        self.looked.write_all(b"\n").unwrap();
    }

    /// The script has made all its steps.
    pub fn ends_well(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It closes the browser when nobody listens any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// pjsua2 with a tone of so many Hz; a seat where it has a password.
pub fn desk(engine: &Engine, user: &str, password: &str, hertz: u32) -> Lines {
    let folder = engine.dir.join(format!("desk-{user}"));
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(target().join("venv/bin/python"));
    command.arg(root().join("tests/wire/desk.py"));
    command.args([&format!("127.0.0.1:{}", engine.sip), user, password]);
    let mut desk = Lines::spoken_to(command.arg(hertz.to_string()).arg(folder));
    let up = if password == "-" {
        "ready"
    } else {
        "registered"
    };
    desk.expect(up, 20);
    desk
}

/// A browser registers by its session alone, refreshes, comes back after a cut, is called through
/// the queue and heard and hears, also while its socket is cut, hangs up by the new one, calls a
/// colleague, and leaves; the engine sees each step.
pub fn a_browser_is_a_seat() {
    let doors = Doors::open();
    let engine = &doors.engine;
    let device = |wanted: &str| {
        engine.until(&format!("1001 is {wanted}"), 20, |board| {
            (Engine::seat(board, "1001")["device"] == wanted).then_some(())
        });
    };
    let mut command = node("tests/e2e/jssip.mjs");
    command.args([engine.http, doors.wss].map(|port| port.to_string()));
    command.args([&doors.certificate, &doors.key]);
    command.args(["1001", &engine.password("1001")]);
    let mut browser = Browser::open(command);
    browser.step("refused without a session", || device("unregistered"));
    browser.step("registered", || device("registered"));
    browser.step("refreshed", || device("registered"));
    browser.step("cut", || {});
    browser.step("registered again", || device("registered"));
    let mut caller = desk(engine, "13800001234", "-", 900);
    browser.step("waits for a call", || {
        assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
        caller.say("call 12345");
    });
    browser.step("hears the caller", || {
        caller.say("hears 600");
        caller.expect("hears 600", 20);
    });
    browser.step("hears the caller across a cut", || {
        caller.say("hears 600");
        caller.expect("hears 600", 20);
        let away = engine.post(
            "/api/v1/seats/1001/not-ready",
            &json!({"reason": "meeting"}),
        );
        assert_eq!(away.0, 204);
    });
    let mut colleague = None;
    browser.step("hung up", || {
        // The survey comes first.
        caller.expect("ended", 60);
        colleague = Some(desk(engine, "0012", &engine.password("0012"), 1_300));
    });
    browser.step("hears a colleague", || {
        let colleague = colleague.as_mut().unwrap();
        colleague.say("hears 600");
        colleague.expect("hears 600", 20);
    });
    browser.step("another seat is refused", || device("registered"));
    browser.step("unregistered", || device("unregistered"));
    browser.ends_well();
}

/// An agent turns on the phone of the engine's own page, answers, is heard and hears, is mute and
/// holds when told so, and calls a colleague by the dial field. Its browser speaks Opus with the
/// engine, while the caller speaks G.711 and the colleague's phone G.722.
pub fn the_page_is_the_agents_phone(pictures: &str) {
    let doors = Doors::open_for(r#"["opus", "G722"]"#);
    let engine = &doors.engine;
    let mut command = node("tests/e2e/softphone.mjs");
    command.arg(format!("http://127.0.0.1:{}/", engine.http));
    command.args(["1001", &engine.password("1001"), "0012"]);
    let mut page = Browser::open({
        command.args([pictures, "audio/opus"]);
        command
    });
    page.step("has a phone", || {
        engine.until("the seat has a phone", 20, |board| {
            (Engine::seat(board, "1001")["device"] == "registered").then_some(())
        });
    });
    let mut caller = desk(engine, "13800001234", "-", 900);
    page.step("is ready", || caller.say("call 12345"));
    let asks = |caller: &mut Lines, heard: bool| {
        caller.say("hears 600");
        let said = if heard {
            "hears 600"
        } else {
            "does not hear 600"
        };
        caller.expect(said, 30);
    };
    page.step("hears the caller", || asks(&mut caller, true));
    page.step("is mute", || asks(&mut caller, false));
    page.step("is not mute", || asks(&mut caller, true));
    page.step("holds the caller", || {
        asks(&mut caller, false);
        engine.until("the board shows the hold", 10, |board| {
            (Engine::seat(board, "1001")["work"] == "hold").then_some(())
        });
    });
    page.step("hears the caller again", || {
        asks(&mut caller, true);
        let body = json!({"reason": "meeting"});
        let away = engine.post("/api/v1/seats/1001/not-ready", &body);
        assert_eq!(away.0, 204);
    });
    let mut colleague = None;
    page.step("hung up", || {
        // The survey comes first.
        caller.expect("ended", 60);
        colleague = Some(desk(engine, "0012", &engine.password("0012"), 1_300));
    });
    page.step("hears a colleague", || {
        asks(colleague.as_mut().unwrap(), true);
    });
    page.step("has no phone", || {
        engine.until("the seat has no phone", 20, |board| {
            (Engine::seat(board, "1001")["device"] == "unregistered").then_some(())
        });
    });
    page.ends_well();
}

/// Two pages of one browser at a seat: one is its phone, the other moves it over when no call is
/// on it, and has it by itself when its page is closed.
pub fn one_of_two_pages_is_the_phone(pictures: &str) {
    let doors = Doors::open();
    let engine = &doors.engine;
    let mut command = node("tests/e2e/two_pages.mjs");
    command.arg(format!("http://127.0.0.1:{}/", engine.http));
    command.args(["1001", &engine.password("1001"), pictures]);
    let mut pages = Browser::open(command);
    let registered = || {
        engine.until("the seat has a phone", 20, |board| {
            (Engine::seat(board, "1001")["device"] == "registered").then_some(())
        });
    };
    let asks = |caller: &mut Lines| {
        caller.say("hears 600");
        caller.expect("hears 600", 30);
    };
    pages.step("one page is the phone", registered);
    let mut caller = desk(engine, "13800001234", "-", 900);
    pages.step("is ready", || caller.say("call 12345"));
    pages.step("the talk goes on", || asks(&mut caller));
    let mut next = desk(engine, "13800001235", "-", 900);
    pages.step("the phone has moved", || {
        registered();
        next.say("call 12345");
    });
    pages.step("the second page talks", || asks(&mut next));
    let mut last = desk(engine, "13800001236", "-", 900);
    pages.step("the phone is back", || {
        registered();
        last.say("call 12345");
    });
    pages.step("the first page rings", || {
        engine.until("the seat rings", 10, |board| {
            (Engine::seat(board, "1001")["work"] == "ringing").then_some(())
        });
    });
    pages.ends_well();
}
