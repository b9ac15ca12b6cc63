//! Messages by a real telephone: voicemail and a remark after the score, what the file holds, what
//! the journal and the API say of it, through a hang-up, a kill and a folder that is gone.

use std::{
    fs,
    io::Cursor,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    ear::{Ear, share},
    engine::Engine,
    journal,
    line::Line,
    party::{Party, SOON, session, sound_at},
    sound, town,
};

/// The tones: the citizen's, the agent's, and the one before a message, Hz.
const CITIZEN: f64 = 700.0;
const AGENT: f64 = 500.0;
const BEEP: f64 = 1_000.0;

/// Longest wait for words to be said to the end.
const WORDS: Duration = Duration::from_secs(15);

/// 12347 leads to the voicemail, and after a talk a remark may be left.
fn prepare() -> Engine {
    let engine = town::prepare();
    let file = engine.dir.join("config/engine.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    text = text.replace("survey = \"survey\"", "survey = \"survey-remark\"");
    text.push_str("\n[[number]]\nnumber = \"12347\"\nscript = \"voicemail\"\n");
    fs::write(file, text).unwrap();
    engine
}

fn start() -> Engine {
    let mut engine = prepare();
    engine.restart();
    engine
}

/// A caller with a voice.
struct Citizen {
    phone: Party,
    ear: Ear,
}

impl Citizen {
    fn dials(engine: &Engine, number: &str) -> Self {
        let line = Line::from("127.0.0.1", engine);
        let ear = Ear::at(line.local().ip(), CITIZEN);
        let offer = session(&line, ear.port);
        let mut phone = Party::dials(line, "13800001234", number, "", &offer);
        let answer = phone.hears("200 INVITE", SOON);
        phone.acknowledges(&answer, "");
        ear.speaks_to(sound_at(&answer));
        Self { phone, ear }
    }

    /// Skips the words once they are heard, and hears the tone after them.
    fn skips_to_the_tone(&self) {
        self.hears_words(0);
        self.ear.presses("1");
        assert!(self.ear.hears(BEEP), "{:?}", self.ear.shares(&[BEEP]));
    }

    /// Hears something louder than a breath after so many samples.
    fn hears_words(&self, after: usize) {
        let until = Instant::now() + WORDS;
        loop {
            let heard = self.ear.heard();
            if heard.iter().skip(after).any(|s| s.unsigned_abs() > 2_000) {
                return;
            }
            assert!(Instant::now() < until, "no words");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_released(&mut self) {
        let bye = self.phone.hears("BYE", WORDS);
        self.phone.answers(&bye, "200 OK", "", "");
    }
}

/// The file that the newest message is said into, once a second and a half of it is on the disk.
fn message_grows(engine: &Engine) -> PathBuf {
    let began = journal::until(engine, "a message", |it| it["type"] == "message-began");
    let file = engine
        .dir
        .join("data/recordings")
        .join(began["file"].as_str().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    // The least: A-law of one channel is 8,000 bytes a second.
    while fs::metadata(&file).map_or(0, |it| it.len()) < 24_000 {
        assert!(Instant::now() < until, "{} does not grow", file.display());
        thread::sleep(Duration::from_millis(20));
    }
    file
}

fn sha256(file: &PathBuf) -> String {
    let said = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(said.stdout).unwrap()[..64].to_owned()
}

/// Waits until the list has so many messages of this state.
fn listed(engine: &Engine, state: &str, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let list = engine.get(&format!("/api/v1/messages?state={state}"));
        let list = list.as_array().unwrap().clone();
        if list.len() == count {
            return list;
        }
        assert!(Instant::now() < until, "{state}: {list:#?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The one channel of a message: the citizen's tone alone, but for the key that ends it.
fn is_the_citizen_alone(wav: &[u8]) -> Vec<i16> {
    let mut reader = hound::WavReader::new(Cursor::new(wav)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate), (1, 8_000));
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    says_the_citizen(&samples);
    samples
}

/// In most tenths of a second the citizen's tone, in none another's.
fn says_the_citizen(samples: &[i16]) {
    let tenths = samples.chunks_exact(800);
    let (all, said) = (
        tenths.len(),
        tenths.clone().filter(|it| share(it, CITIZEN) > 0.9),
    );
    let said = said.count();
    assert!(said * 2 > all, "{said} of {all}");
    for other in [BEEP, AGENT] {
        let loudest = tenths.clone().map(|it| share(it, other));
        let loudest = loudest.fold(0.0, f64::max);
        assert!(loudest < 0.2, "{other} Hz: {loudest}");
    }
}

#[test]
fn a_voicemail_is_left_listed_heard_and_settled() {
    let engine = start();
    let mut citizen = Citizen::dials(&engine, "12347");
    citizen.skips_to_the_tone();
    let file = message_grows(&engine);
    let heard = citizen.ear.heard().len();
    citizen.ear.presses("#");
    citizen.hears_words(heard);
    citizen.is_released();
    let story = journal::story(&engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("left-message", "engine"));
    assert!(!story.has("recording-started"));

    let left = journal::until(&engine, "the message", |it| it["type"] == "message-left");
    assert_eq!(
        (&left["kind"], &left["ended"]),
        (&json!("voicemail"), &json!("key"))
    );
    assert_eq!(left["sha256"], sha256(&file));
    assert!(engine.audit().contains("unbroken"));

    let row = &listed(&engine, "new", 1)[0];
    let id = row["id"].as_str().unwrap();
    assert_eq!(
        (&row["caller"], &row["ms"]),
        (&json!("138****1234"), &left["ms"])
    );
    assert_eq!(
        (&row["empty"], &row["lost"]),
        (&json!(false), &json!(false))
    );
    let path = format!("/api/v1/messages/{id}/recording");
    let (status, wav) = engine.bytes(&path, None);
    assert_eq!((status, &wav), (200, &fs::read(&file).unwrap()));
    let samples = is_the_citizen_alone(&wav);
    assert_eq!(left["ms"], samples.len() as u64 / 8);
    let part = engine.bytes(&path, Some("100-299"));
    assert_eq!(part, (206, wav[100..300].to_vec()));
    // Before the first byte of each.
    let journal = journal::records(&engine);
    let fetched = journal.iter().filter(|it| it["type"] == "message-heard");
    assert_eq!(fetched.filter(|it| it["by"] == "supervisor").count(), 2);

    let row = &listed(&engine, "heard", 1)[0];
    assert_eq!(row["heard_by"], "supervisor");
    let settle = format!("/api/v1/messages/{id}/settle");
    let note = json!({"note": "  已回电  "});
    assert_eq!(engine.post(&settle, &note).0, 204);
    let row = &listed(&engine, "done", 1)[0];
    assert_eq!(
        (&row["settled_by"], &row["note"]),
        (&json!("supervisor"), &json!("已回电"))
    );
    assert_eq!(engine.get("/api/v1/messages?state=new"), json!([]));
    refusals(&engine, id, &settle);
}

/// What is refused: to agents all, and what is not there.
fn refusals(engine: &Engine, id: &str, settle: &str) {
    let agent = engine.sign_in("1001");
    let sound = format!("/api/v1/messages/{id}/recording");
    for (method, path) in [
        ("GET", "/api/v1/messages"),
        ("GET", &sound),
        ("POST", settle),
    ] {
        let body = if method == "POST" { "{}" } else { "" };
        let (status, answer) = engine.request(method, path, Some(&agent), body);
        assert_eq!(
            (status, &answer["error"]["code"]),
            (403, &json!("forbidden")),
            "{path}"
        );
    }
    let long = json!({"note": "长".repeat(501)});
    for (path, body, status) in [
        (settle, &long, 400),
        (settle, &json!({"nota": "x"}), 400),
        ("/api/v1/messages/1-2/settle", &json!({}), 404),
        ("/api/v1/messages/x/settle", &json!({}), 404),
    ] {
        assert_eq!(engine.post(path, body).0, status, "{path}");
    }
    for query in ["state=old", "before=x", "limit=a"] {
        let (status, _) = engine.bytes(&format!("/api/v1/messages?{query}"), None);
        assert_eq!(status, 400, "{query}");
    }
}

/// Nobody is signed in: the queue's rule sends the caller to the voicemail. No figure is bettered
/// by it.
#[test]
fn who_is_served_by_nobody_leaves_a_message_and_counts_as_unanswered() {
    let mut engine = prepare();
    let file = engine.dir.join("config/queues.toml");
    let text = fs::read_to_string(&file).unwrap();
    let cap = "wrap_up_cap_s = 120\n";
    let rule = "overflow = [{ unstaffed = true, to = \"script:voicemail\" }]\n";
    fs::write(file, text.replacen(cap, &format!("{cap}{rule}"), 1)).unwrap();
    engine.restart();
    let mut citizen = Citizen::dials(&engine, "12345");
    let sent = journal::until(&engine, "the overflow", |it| {
        it["type"] == "queue-overflowed"
    });
    assert_eq!(sent["to"], "script:voicemail");
    let file = message_grows(&engine);
    citizen.phone.hangs_up();
    let story = journal::story(&engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("left-message", "caller"));
    let row = &listed(&engine, "new", 1)[0];
    assert_eq!(
        (&row["kind"], &row["queue"]),
        (&json!("voicemail"), &json!("general"))
    );
    is_the_citizen_alone(&fs::read(file).unwrap());
    let totals = engine.until("the figures", 10, |board| {
        let totals = &board["totals"];
        (totals["left_message"] == 1).then(|| totals.clone())
    });
    for (count, wanted) in [("human_requests", 1), ("answered", 0)] {
        assert_eq!(totals[count], wanted, "{count}: {totals}");
    }
    assert_eq!(totals["answer_rate"], 0.0);
}

#[test]
fn a_sealed_message_survives_a_hang_up_and_a_kill() {
    let mut engine = prepare();
    engine.encrypt();
    engine.configure("engine.toml", "format = \"pcm\"", "format = \"alaw\"");
    engine.restart();
    let mut citizen = Citizen::dials(&engine, "12347");
    citizen.skips_to_the_tone();
    let file = message_grows(&engine);
    citizen.phone.hangs_up();
    let story = journal::story(&engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("left-message", "caller"));
    let left = journal::until(&engine, "the message", |it| it["type"] == "message-left");
    assert_eq!(
        (&left["ended"], &left["sha256"]),
        (&json!("hang-up"), &json!(sha256(&file)))
    );
    assert_ne!(fs::read(&file).unwrap()[..4], *b"RIFF", "sealed");
    let (status, wav) = engine.bytes("/api/v1/messages/1-1/recording", None);
    assert_eq!(status, 200);
    says_the_citizen(&one_voice(&wav));

    let citizen = Citizen::dials(&engine, "12347");
    citizen.skips_to_the_tone();
    let second = |it: &Value| it["type"] == "message-began" && it["call"] == 2;
    let began = journal::until(&engine, "the second message", second);
    let file = engine
        .dir
        .join("data/recordings")
        .join(began["file"].as_str().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    while fs::metadata(&file).map_or(0, |it| it.len()) < 16_000 {
        assert!(Instant::now() < until, "{} does not grow", file.display());
        thread::sleep(Duration::from_millis(20));
    }
    engine.kill();
    engine.restart();
    let cut = |it: &Value| it["type"] == "message-left" && it["call"] == 2;
    let left = journal::until(&engine, "the cut message", cut);
    assert_eq!(
        (&left["ended"], &left["sha256"]),
        (&json!("interrupted"), &json!(sha256(&file)))
    );
    assert!(left["ms"].as_u64() > Some(1_000), "{left}");
    let list = listed(&engine, "new", 1);
    assert_eq!(
        (&list[0]["id"], &list[0]["ended"]),
        (&json!("2-1"), &json!("interrupted"))
    );
    let (status, wav) = engine.bytes("/api/v1/messages/2-1/recording", None);
    assert_eq!(status, 200);
    let samples = one_voice(&wav);
    assert_eq!(left["ms"], samples.len() as u64 / 8);
    says_the_citizen(&samples);
    assert!(engine.audit().contains("unbroken"));
}

/// The time for calls to end runs out while the citizen speaks: the run that wrote the file tells of
/// it, and the next has nothing to mend.
#[test]
fn a_message_that_a_stop_cuts_off_is_told_by_the_run_that_wrote_it() {
    let mut engine = prepare();
    let log = fs::File::create(engine.dir.join("serve.log")).unwrap();
    let mut command = engine.serve_on(&engine.sip.to_string(), &engine.http.to_string());
    command.args(["--drain-s", "1"]);
    engine.run(command, log);
    let citizen = Citizen::dials(&engine, "12347");
    citizen.skips_to_the_tone();
    let file = message_grows(&engine);
    engine.terminate();
    assert!(engine.wait_for_exit(20), "{}", engine.log());
    let records = journal::records(&engine);
    let left = records.iter().find(|it| it["type"] == "message-left");
    let left = left.expect("the file was closed");
    assert_eq!(left["sha256"], json!(sha256(&file)));
    assert!(left["ms"].as_u64() > Some(1_000), "{left}");
    engine.restart();
    let left = |it: &&Value| it["type"] == "message-left";
    assert_eq!(journal::records(&engine).iter().filter(left).count(), 1);
}

/// The samples of a WAV in A-law with one channel.
fn one_voice(wav: &[u8]) -> Vec<i16> {
    // Format tag 6, one channel.
    assert_eq!(wav[56..60], [6, 0, 1, 0]);
    sound::linear(&wav[94..])
}

#[test]
fn a_message_that_cannot_be_written_ends_no_call() {
    let engine = start();
    fs::remove_dir_all(engine.dir.join("data/recordings")).unwrap();
    let mut citizen = Citizen::dials(&engine, "12347");
    citizen.skips_to_the_tone();
    journal::until(&engine, "the failure", |it| {
        it["type"] == "recording-failed"
    });
    let heard = citizen.ear.heard().len();
    citizen.ear.presses("#");
    citizen.hears_words(heard);
    citizen.is_released();
    let story = journal::story(&engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("left-menu", "engine"), "there is no message");
    assert!(!story.has("message-left"));
    let row = &listed(&engine, "new", 1)[0];
    assert_eq!((&row["lost"], &row["ms"]), (&json!(true), &Value::Null));
    let (status, _) = engine.bytes("/api/v1/messages/1-1/recording", None);
    assert_eq!(status, 404);
}

#[test]
fn a_remark_after_the_score_is_not_for_the_agent() {
    let engine = start();
    let line = Line::from("127.0.0.9", &engine);
    assert_eq!(
        line.register("1001", &engine.password("1001")).status(),
        200
    );
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    let ear = Ear::at(line.local().ip(), AGENT);
    let mut citizen = Citizen::dials(&engine, "12345");
    let (mut agent, invite) = Party::called(line, SOON);
    ear.speaks_to(sound_at(&invite));
    let answer = session(&agent.line, ear.port);
    agent.picks_up(&invite, &answer);
    // After the announcement of the agent's number.
    let both = [AGENT, CITIZEN];
    for (side, tone) in [(&citizen.ear, AGENT), (&ear, CITIZEN)] {
        assert!(side.hears_just(&[tone], &both), "{:?}", side.shares(&both));
    }
    agent.hangs_up();
    journal::until(&engine, "the survey", |it| it["type"] == "survey-offered");
    citizen.ear.presses("3");
    journal::until(&engine, "the score", |it| it["type"] == "survey-answered");
    citizen.ear.presses("1");
    let file = message_grows(&engine);
    citizen.phone.hangs_up();

    let story = journal::story(&engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("answered", "caller"));
    let left = journal::until(&engine, "the remark", |it| it["type"] == "message-left");
    assert_eq!(
        (&left["kind"], &left["seat"]),
        (&json!("remark"), &json!("1001"))
    );
    let talk = story.event("recording-closed");
    assert_ne!(talk["file"], left["file"]);
    let samples = is_the_citizen_alone(&fs::read(&file).unwrap());
    assert!(samples.len() > 8_000);
    let (caller, seat) = sound::channels(&engine.recording(1));
    for (side, tone) in [(&seat, AGENT), (&caller, CITIZEN)] {
        let heard = side.chunks_exact(800).any(|it| share(it, tone) > 0.9);
        assert!(heard, "{tone} Hz");
    }

    assert_eq!(listed(&engine, "new", 1)[0]["seat"], "1001");
    let token = engine.sign_in("1001");
    let (status, own) = engine.request("GET", "/api/v1/calls/1", Some(&token), "");
    assert_eq!(status, 200, "the talk is the agent's own");
    let timeline = own["timeline"].as_array().unwrap();
    let kinds: Vec<&str> = timeline
        .iter()
        .filter_map(|it| it["type"].as_str())
        .collect();
    assert!(kinds.contains(&"survey-answered"));
    assert!(
        !kinds.iter().any(|kind| kind.starts_with("message-")),
        "{kinds:?}"
    );
}
