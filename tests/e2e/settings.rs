//! The page of settings in Chromium: a fault, a difference, and the way to put it in force.

use std::fs;

use crate::{
    engine::{Engine, Lines, node},
    screenshots,
};

#[test]
fn a_supervisor_compares_the_settings_and_puts_them_in_force() {
    let engine = Engine::start();
    let mut browser = Lines::spoken_to(
        node("tests/e2e/settings.mjs")
            .arg(format!("http://127.0.0.1:{}/", engine.http))
            .arg(engine.password("supervisor"))
            .arg(screenshots()),
    );
    browser.expect("nothing differs", 60);
    let file = engine.dir.join("config/seats.toml");
    let text = fs::read_to_string(&file).unwrap();
    let seat = |queue: &str| {
        format!("{text}\n[[seat]]\nid = \"1006\"\nname = \"新坐席\"\nqueues = [\"{queue}\"]\n")
    };
    fs::write(&file, seat("nowhere")).unwrap();
    browser.say("a fault");
    browser.expect("the fault is shown", 40);
    fs::write(&file, seat("general")).unwrap();
    engine.configure("queues.toml", "wrap_up_s = 1\n", "wrap_up_s = 2\n");
    browser.say("mended");
    browser.expect("the difference is shown", 40);
    browser.expect("it is in force", 40);
    engine.until("the new seat is there", 10, |board| {
        let mut seats = board["seats"].as_array().unwrap().iter();
        seats.find(|line| line["seat"] == "1006").map(drop)
    });
    assert!(browser.finish(20), "{}", browser.all());
}
