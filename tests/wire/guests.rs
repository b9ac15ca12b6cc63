//! Guests of a talk, each party with a tone of its own: who hears whom when a supervisor listens,
//! whispers, barges in and takes over, and when an agent consults, has three talk and gives the
//! caller on.

use std::fs;

use serde_json::{Value, json};

use crate::{
    ear::Ear,
    engine::Engine,
    journal,
    line::{Heard, Line},
    party::{Party, SOON, session, sound_at},
    town,
    watching::Watching,
};

/// The tones: the citizen's, the agent's and the guest's, Hz.
pub const CITIZEN: f64 = 900.0;
pub const AGENT: f64 = 600.0;
pub const GUEST: f64 = 1_300.0;
pub const ALL: [f64; 3] = [CITIZEN, AGENT, GUEST];

/// The ring-back tone, Hz.
pub const RINGS_BACK: f64 = 450.0;

/// A seat's phone with a voice.
pub struct Desk {
    pub phone: Party,
    pub ear: Ear,
}

pub fn registered(engine: &Engine, seat: &str, ip: &str) -> Line {
    let line = Line::from(ip, engine);
    let answer = line.register(seat, &engine.password(seat));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    line
}

/// The phone is called and picks up; the INVITE.
pub fn answers(line: Line, hertz: f64) -> (Desk, Heard) {
    let ear = Ear::at(line.local().ip(), hertz);
    let (mut phone, invite) = Party::called(line, SOON);
    ear.speaks_to(sound_at(&invite));
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    (Desk { phone, ear }, invite)
}

/// Agent 1001 talks with a citizen; the phone of seat 1002 is there.
pub struct Office {
    pub engine: Engine,
    pub citizen: Party,
    pub heard: Ear,
    pub agent: Desk,
    guest: Option<Line>,
}

impl Office {
    fn open() -> Self {
        Self::of(town::start())
    }

    pub fn of(engine: Engine) -> Self {
        // The agent looks by several pages at once.
        let file = engine.dir.join("config/seats.toml");
        let text = fs::read_to_string(&file).unwrap();
        let rule = "[sign_in]\nsecond_page = \"allowed\"\n";
        fs::write(file, format!("{text}\n{rule}")).unwrap();
        assert_eq!(engine.post("/api/v1/config/reload", &json!({})).0, 200);
        let line = registered(&engine, "1001", "127.0.0.66");
        let guest = registered(&engine, "1002", "127.0.0.67");
        assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
        let own = Line::from("127.0.0.1", &engine);
        let heard = Ear::at(own.local().ip(), CITIZEN);
        let offer = session(&own, heard.port);
        let mut citizen = Party::dials(own, "13800001234", "12345", "", &offer);
        let answer = citizen.hears("200 INVITE", SOON);
        citizen.acknowledges(&answer, "");
        heard.speaks_to(sound_at(&answer));
        let (agent, _) = answers(line, AGENT);
        let office = Self {
            engine,
            citizen,
            heard,
            agent,
            guest: Some(guest),
        };
        office.hear(&[AGENT], &[CITIZEN]);
        office
    }

    pub fn ask(&self, seat: &str, what: &str, body: &Value) {
        let path = format!("/api/v1/seats/{seat}/{what}");
        let (status, answer) = self.engine.post(&path, body);
        assert_eq!(status, 204, "{what}: {answer}");
    }

    fn supervise(&self, mode: &str) {
        let body = json!({ "mode": mode, "by": "1002" });
        self.ask("1001", "supervise", &body);
    }

    /// The guest's phone rings and picks up; what it is shown.
    fn guest_answers(&mut self) -> (Desk, Heard) {
        answers(self.guest.take().unwrap(), GUEST)
    }

    /// What the citizen and the agent hear: these tones and no other's.
    pub fn hear(&self, citizen: &[f64], agent: &[f64]) {
        let who = [
            (&self.heard, citizen, "citizen"),
            (&self.agent.ear, agent, "agent"),
        ];
        for (ear, tones, name) in who {
            assert!(
                ear.hears_just(tones, &ALL),
                "the {name}: {:?}",
                ear.shares(&ALL)
            );
        }
    }

    /// The modes of the guests of the one call, as the supervisor sees them and as the agent does.
    fn guests_seen(&self, agent: &str) -> [Vec<Value>; 2] {
        let path = "/api/v1/wallboard";
        let (status, for_agent) = self.engine.request("GET", path, Some(agent), "");
        assert_eq!(status, 200);
        [self.engine.get(path), for_agent].map(|board| {
            let guests = board["calls"][0]["guests"].as_array().unwrap();
            guests.iter().map(|guest| guest["mode"].clone()).collect()
        })
    }

    pub fn until_seen(&self, by_supervisor: &[&str], by_agent: &[&str]) {
        let agent = self.engine.sign_in("1001");
        let wanted = [by_supervisor, by_agent].map(|modes| json!(modes));
        self.engine.until("the guests on the board", 5, |_| {
            let seen = self.guests_seen(&agent).map(|modes| json!(modes));
            (seen == wanted).then_some(())
        });
    }

    pub fn ends(mut self, guest: &mut Desk) -> Engine {
        self.citizen.hangs_up();
        let bye = guest.phone.hears("BYE", SOON);
        guest.phone.answers(&bye, "200 OK", "", "");
        let story = journal::story(&self.engine, &self.citizen.call_id);
        assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
        assert_eq!(story.count("guest-left"), 1, "{:?}", story.types());
        self.engine
    }
}

pub fn guest_hears(guest: &Desk, tones: &[f64]) {
    let ear = &guest.ear;
    assert!(
        ear.hears_just(tones, &ALL),
        "the guest: {:?}",
        ear.shares(&ALL)
    );
}

#[test]
fn rustpbx_a_supervisor_listens_whispers_and_barges_in() {
    let mut office = Office::open();
    let agent = Watching::by(&office.engine, "1001");
    let before = seen_work(&agent);
    office.supervise("monitor");
    let (mut guest, invite) = office.guest_answers();
    assert_eq!(invite.header("X-Hotline-Guest"), Some("monitor"));
    guest_hears(&guest, &[CITIZEN, AGENT]);
    office.hear(&[AGENT], &[CITIZEN]);
    office.until_seen(&["monitor"], &[]);
    office.supervise("whisper");
    office.hear(&[AGENT], &[CITIZEN, GUEST]);
    office.until_seen(&["whisper"], &["whisper"]);
    guest_hears(&guest, &[CITIZEN, AGENT]);
    office.supervise("barge");
    office.hear(&[AGENT, GUEST], &[CITIZEN, GUEST]);
    guest_hears(&guest, &[CITIZEN, AGENT]);
    office.supervise("monitor");
    office.hear(&[AGENT], &[CITIZEN]);
    let told = |token: &str| {
        let (status, call) = office
            .engine
            .request("GET", "/api/v1/calls/1", Some(token), "");
        assert_eq!(status, 200, "{call}");
        let timeline = call["timeline"].as_array().unwrap().clone();
        let modes = timeline.iter().filter(|it| it["mode"] == "monitor").count();
        let whispers = timeline.iter().filter(|it| it["mode"] == "whisper").count();
        (modes, whispers)
    };
    let supervisor = told(&office.engine.sign_in("supervisor"));
    assert_eq!(supervisor, (3, 1), "called, joined, back again; whispers");
    assert_eq!(told(&agent.token), (0, 1));
    let citizen = office.citizen.call_id.clone();
    let engine = office.ends(&mut guest);
    // How good the guest's sound was is told when its leg is closed, and to supervisors alone.
    let measured = journal::until(&engine, "the guest's sound", |it| {
        it["type"] == "sound-measured" && it["party"] == "guest"
    });
    assert_eq!(
        (&measured["guest"], &measured["mode"]),
        (&json!("1002"), &json!("monitor"))
    );
    let ended = journal::story(&engine, &citizen).event("call-ended")["seq"].as_u64();
    agent.until("a later record", |it| it["seq"].as_u64() >= ended);
    knows_nothing(&engine, &agent, &before);
}

/// What an agent is told that the supervisor's seat does, and that the sound of the agent's own side
/// came from one party.
fn knows_nothing(engine: &Engine, agent: &Watching, before: &Value) {
    let told = agent.records();
    let betrays = |it: &&Value| {
        it["party"] == "guest"
            || it["mode"] == "monitor"
            || it["seat"] == "1002" && it["type"] == "seat-changed"
            || it["request"]
                .as_str()
                .is_some_and(|it| it.contains("super"))
    };
    assert_eq!(told.iter().find(betrays), None);
    let of_agents = |it: &&Value| it["type"] == "sound-measured" && it["party"] == "agent";
    assert!(told.iter().filter(of_agents).count() <= 1, "{told:#?}");
    let (status, call) = engine.request("GET", "/api/v1/calls/1", Some(&agent.token), "");
    assert_eq!(status, 200);
    let timeline = call["timeline"].as_array().unwrap();
    assert_eq!(timeline.iter().find(betrays), None);
    // Whoever only listened was to all agents as free as before. Whom agents may know of is shown
    // busy.
    let works: Vec<Value> = agent.pictures().iter().map(seen_in).collect();
    let others: Vec<_> = works.iter().filter(|it| *it != before).collect();
    assert!(others.iter().all(|it| **it == json!("busy")), "{works:?}");
    assert_eq!(works.first(), Some(before));
}

/// What seat 1002 does, as the agent sees it.
fn seen_work(agent: &Watching) -> Value {
    seen_in(agent.pictures().last().unwrap())
}

fn seen_in(board: &Value) -> Value {
    Engine::seat(board, "1002")["work"].clone()
}

/// A supervisor's phone that only listens is to all agents as free as before, on the wallboard, in
/// the list of seats and in the stream, and no longer or shorter so than without.
#[test]
fn no_agent_sees_that_a_silent_supervisor_is_busy() {
    let mut office = Office::open();
    let agent = Watching::by(&office.engine, "1001");
    let token = office.engine.sign_in("1001");
    let line = |path: &str| {
        let (status, board) = office.engine.request("GET", path, Some(&token), "");
        assert_eq!(status, 200);
        let seats = board["seats"].as_array().or(board.as_array()).unwrap();
        let line = seats.iter().find(|line| line["seat"] == "1002").unwrap();
        line.clone()
    };
    let free_since = |seat: &Value| {
        assert_eq!(seat["work"], "free", "{seat}");
        seat["since_ms"].as_u64().unwrap()
    };
    let before = free_since(&line("/api/v1/wallboard"));
    office.supervise("monitor");
    let guest = office.guest.take().unwrap();
    let (mut guest, _) = answers(guest, GUEST);
    office.engine.until("busy to supervisors", 5, |board| {
        (Engine::seat(board, "1002")["work"] == "busy").then_some(())
    });
    for path in ["/api/v1/wallboard", "/api/v1/seats"] {
        assert!(free_since(&line(path)) > before, "{path}");
    }
    let body = json!({ "by": "1002" });
    office.ask("1001", "supervise/end", &body);
    let bye = guest.phone.hears("BYE", SOON);
    guest.phone.answers(&bye, "200 OK", "", "");
    office.engine.until("free again", 5, |board| {
        (Engine::seat(board, "1002")["work"] == "free").then_some(())
    });
    assert!(free_since(&line("/api/v1/wallboard")) > before);
    for board in agent.pictures() {
        assert_eq!(seen_in(&board), "free");
    }
}

#[test]
fn a_supervisor_takes_the_caller_over() {
    let mut office = Office::open();
    office.supervise("take-over");
    let (mut guest, _) = office.guest_answers();
    let bye = office.agent.phone.hears("BYE", SOON);
    office.agent.phone.answers(&bye, "200 OK", "", "");
    assert!(office.heard.hears_just(&[GUEST], &ALL), "the citizen");
    guest_hears(&guest, &[CITIZEN]);
    let given = journal::until(&office.engine, "the take-over", |record| {
        record["type"] == "talk-transferred"
    });
    assert_eq!(
        (&given["kind"], &given["to"]),
        (&json!("take-over"), &json!("1002"))
    );
    office.ends(&mut guest);
}

#[test]
fn an_agent_who_consults_hears_that_the_phone_rings() {
    let mut office = Office::open();
    office.ask("1001", "consult", &json!({ "to": "1002" }));
    let line = office.guest.take().unwrap();
    let ear = Ear::at(line.local().ip(), GUEST);
    let (mut phone, invite) = Party::called(line, SOON);
    let contact = "Contact: <sip:party@{local}>\n";
    phone.answers(&invite, "180 Ringing", contact, "");
    assert!(office.agent.ear.hears(RINGS_BACK), "the agent");
    ear.speaks_to(sound_at(&invite));
    let own = session(&phone.line, ear.port);
    phone.picks_up(&invite, &own);
    office.hear(&[], &[GUEST]);
    office.ends(&mut Desk { phone, ear });
}

#[test]
fn an_agent_consults_has_three_talk_and_gives_the_caller_on() {
    let mut office = Office::open();
    office.ask("1001", "consult", &json!({ "to": "1002" }));
    let (mut guest, _) = office.guest_answers();
    guest_hears(&guest, &[AGENT]);
    // The citizen hears music, in which none of the tones is.
    office.hear(&[], &[GUEST]);
    office.ask("1001", "consult/merge", &json!({}));
    office.hear(&[AGENT, GUEST], &[CITIZEN, GUEST]);
    guest_hears(&guest, &[CITIZEN, AGENT]);
    office.ask("1001", "consult/complete", &json!({}));
    let bye = office.agent.phone.hears("BYE", SOON);
    office.agent.phone.answers(&bye, "200 OK", "", "");
    assert!(office.heard.hears_just(&[GUEST], &ALL), "the citizen");
    guest_hears(&guest, &[CITIZEN]);
    office.ends(&mut guest);
}
