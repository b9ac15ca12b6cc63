//! Formats of sound that differ between the two sides of a call: tones both ways, recorded, held,
//! changed in the middle; speech scored by PESQ, with and without loss; keys in either form.

use std::{f64::consts::TAU, thread, time::Duration};

use hotline_media::Format;
use serde_json::json;

use crate::{
    ear::{Ear, quiet_frames, share},
    engine::Engine,
    journal,
    line::Line,
    party::{Party, SOON, sound_at},
    sound, town,
};

/// The tones: the citizen's and the agent's, Hz.
const CITIZEN: f64 = 900.0;
const AGENT: f64 = 600.0;
const ALL: [f64; 2] = [CITIZEN, AGENT];

/// A session of these formats at this port of the line's own address.
fn session_of(line: &Line, port: u16, formats: &[Format], version: u32) -> String {
    let ip = line.local().ip();
    let numbers: Vec<String> = formats
        .iter()
        .map(|it| it.payload_type().to_string())
        .collect();
    let maps: String = formats
        .iter()
        .map(|it| {
            format!(
                "a=rtpmap:{} {}/{}\r\n",
                it.payload_type(),
                it.name(),
                it.clock()
            )
        })
        .collect();
    format!(
        "v=0\r\no=- 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {} 101\r\n{maps}a=rtpmap:101 telephone-event/8000\r\n",
        numbers.join(" ")
    )
}

/// One side: its signalling and its sound.
struct Side {
    phone: Party,
    ear: Ear,
}

/// Seats that serve 12345 with a phone each, and callers.
struct Office(Engine);

impl Office {
    fn open() -> Self {
        Self(town::start())
    }

    /// A seat's phone, registered; not ready yet.
    fn phone(&self, seat: &str, ip: &str) -> Line {
        let line = Line::from(ip, &self.0);
        let answer = line.register(seat, &self.0.password(seat));
        assert_eq!(answer.status(), 200, "{}", answer.0);
        line
    }

    /// A caller from the trunk, who offers these formats, and the seat that answers with one. The
    /// offer it was made is given too.
    fn talk(
        &self,
        seat: &str,
        offers: &[Format],
        (line, takes): (Line, Format),
    ) -> (Side, Side, String) {
        let ready = format!("/api/v1/seats/{seat}/ready");
        assert_eq!(self.0.post(&ready, &json!({})).0, 204);
        let own = Line::from("127.0.0.1", &self.0);
        let ear = Ear::toned(own.local().ip(), CITIZEN, offers[0]);
        let offer = session_of(&own, ear.port, offers, 1);
        let mut phone = Party::dials(own, "13800001234", "12345", "", &offer);
        let answer = phone.hears("200 INVITE", SOON);
        phone.acknowledges(&answer, "");
        ear.speaks_to(sound_at(&answer));
        let citizen = Side { phone, ear };
        let ear = Ear::toned(line.local().ip(), AGENT, takes);
        let (mut phone, invite) = Party::called(line, SOON);
        ear.speaks_to(sound_at(&invite));
        let own = session_of(&phone.line, ear.port, &[takes], 1);
        phone.picks_up(&invite, &own);
        (citizen, Side { phone, ear }, invite.0)
    }
}

/// Both hear the other's tone and no other.
fn hear_each_other(citizen: &Side, agent: &Side) {
    for (side, tone) in [(citizen, AGENT), (agent, CITIZEN)] {
        assert!(
            side.ear.hears_just(&[tone], &ALL),
            "{tone} Hz: {:?}",
            side.ear.shares(&ALL)
        );
    }
}

/// The side asks for another session by re-INVITE and gets it.
fn asks_anew(side: &mut Side, formats: &[Format], version: u32, direction: &str) -> String {
    let body = session_of(&side.phone.line, side.ear.port, formats, version);
    let branch = side.phone.asks("INVITE", "", &format!("{body}{direction}"));
    let answer = side.phone.hears("200 INVITE", SOON);
    side.phone.acknowledges(&answer, &branch);
    answer.0
}

fn hangs_up(mut citizen: Side, mut agent: Side, engine: &Engine) {
    citizen.phone.hangs_up();
    let bye = agent.phone.hears("BYE", SOON);
    agent.phone.answers(&bye, "200 OK", "", "");
    let story = journal::story(engine, &citizen.phone.call_id);
    assert_eq!(story.end(), ("answered", "caller"), "{:?}", story.types());
}

#[test]
fn a_phone_with_another_format_than_the_callers_is_understood() {
    let office = Office::open();
    // What the caller speaks is offered first: our best of what the carrier offered.
    for (seat, ip, offers, offered, takes) in [
        (
            "1001",
            "127.0.0.71",
            &[Format::Pcma][..],
            "8 0 9",
            Format::Pcmu,
        ),
        ("1002", "127.0.0.72", &[Format::Pcmu], "0 8 9", Format::Pcma),
        (
            "1003",
            "127.0.0.80",
            &[Format::Pcmu, Format::Pcma],
            "8 0 9",
            Format::G722,
        ),
        ("1004", "127.0.0.81", &[Format::Pcmu], "0 8 9", Format::G722),
    ] {
        let line = office.phone(seat, ip);
        let (citizen, agent, invite) = office.talk(seat, offers, (line, takes));
        hear_each_other(&citizen, &agent);
        assert_eq!(agent.ear.payload_type(), takes.payload_type());
        let own = if offered.starts_with('8') { 8 } else { 0 };
        assert_eq!(citizen.ear.payload_type(), own);
        let offered = format!(" RTP/AVP {offered} 101\r\n");
        assert!(invite.contains(&offered), "{invite}");
        hangs_up(citizen, agent, &office.0);
    }
}

#[test]
fn a_g722_phone_talks_holds_changes_its_format_and_is_recorded() {
    let office = Office::open();
    let line = office.phone("1001", "127.0.0.73");
    let (mut citizen, mut agent, _) = office.talk("1001", &[Format::Pcma], (line, Format::G722));
    hear_each_other(&citizen, &agent);
    // The agent holds: the citizen hears music, in which none of the tones is.
    let held = asks_anew(&mut agent, &[Format::G722], 2, "a=sendonly\r\n");
    assert!(held.contains("a=recvonly"), "{held}");
    assert!(
        citizen.ear.hears_just(&[], &ALL),
        "{:?}",
        citizen.ear.shares(&ALL)
    );
    asks_anew(&mut agent, &[Format::G722], 3, "a=sendrecv\r\n");
    hear_each_other(&citizen, &agent);
    // The phone changes to A-law, and back: not a word is lost on the way, though it goes on in the
    // old format until it has the answer.
    for (version, format) in [(4, Format::Pcma), (5, Format::G722)] {
        let before = citizen.ear.heard().len();
        let answer = asks_anew(&mut agent, &[format], version, "a=sendrecv\r\n");
        let line = format!(" RTP/AVP {} 101\r\n", format.payload_type());
        assert!(answer.contains(&line), "{answer}");
        thread::sleep(Duration::from_millis(100));
        agent.ear.speaks(format);
        hear_each_other(&citizen, &agent);
        assert_eq!(agent.ear.payload_type(), format.payload_type());
        let heard = citizen.ear.heard();
        let quiet = quiet_frames(&heard[before..]);
        // Where decoding begins, a jitter buffer fills: a pause of two frames, and some for a
        // machine that has others to serve.
        assert!(
            quiet <= 5,
            "{quiet} quiet frames of {}",
            heard.len() - before
        );
    }
    // The citizen's carrier asks for µ-law.
    let answer = asks_anew(&mut citizen, &[Format::Pcmu], 2, "a=sendrecv\r\n");
    assert!(answer.contains(" RTP/AVP 0 101\r\n"), "{answer}");
    citizen.ear.speaks(Format::Pcmu);
    hear_each_other(&citizen, &agent);
    assert_eq!(citizen.ear.payload_type(), 0);
    hangs_up(citizen, agent, &office.0);
    office.0.ended_call(1);
    let (left, right) = sound::channels(&office.0.recording(1));
    for (channel, own, other) in [(left, CITIZEN, AGENT), (right, AGENT, CITIZEN)] {
        let seconds = channel.chunks_exact(8_000);
        let (loud, all) = (
            seconds.clone().filter(|it| share(it, own) > 0.8).count(),
            seconds.len(),
        );
        assert!(loud * 10 >= all * 8, "{own} Hz in {loud} of {all} seconds");
        assert!(
            channel
                .chunks_exact(8_000)
                .all(|it| share(it, other) < 0.02)
        );
    }
}

/// What a key sounds like, and the pause after it.
fn tones(keys: &str) -> Vec<i16> {
    let mut all = vec![0; 4_000];
    for key in keys.chars() {
        let at = "123A456B789C*0#D".find(key).unwrap();
        let low = [697.0, 770.0, 852.0, 941.0][at / 4];
        let high = [1_209.0, 1_336.0, 1_477.0, 1_633.0][at % 4];
        let wave = |n: u32| {
            let sine = |hertz: f64| (TAU * hertz * f64::from(n) / 8_000.0).sin();
            (5_000.0 * (sine(low) + sine(high))) as i16
        };
        all.extend((0..800).map(wave));
        all.extend([0; 800]);
    }
    all
}

/// A phone whose session has no telephone-event presses `0` in the menu as a tone.
#[test]
fn a_key_in_the_sound_chooses_in_the_menu() {
    for format in [Format::Pcma, Format::Pcmu] {
        let engine = town::start();
        let own = Line::from("127.0.0.1", &engine);
        let ear = Ear::reading(own.local().ip(), &tones(""), format);
        let offer = session_of(&own, ear.port, &[format], 1);
        let offer = offer.replace(" 101\r\n", "\r\n");
        let offer = offer.replace("a=rtpmap:101 telephone-event/8000\r\n", "");
        let mut phone = Party::dials(own, "13800001234", "12346", "", &offer);
        let answer = phone.hears("200 INVITE", SOON);
        assert!(!answer.0.contains("telephone-event"), "{}", answer.0);
        phone.acknowledges(&answer, "");
        ear.speaks_to(sound_at(&answer));
        thread::sleep(Duration::from_millis(500));
        ear.reads(&tones("0"));
        let chosen = journal::until(&engine, "the choice", |record| {
            record["type"] == "menu-chosen"
        });
        assert_eq!(chosen["digit"], "0", "{format:?}");
        phone.hangs_up();
    }
}

/// Four callers press a hundred keys each, of whose packets every fifth is lost. Two of the seats
/// get the packets as they come, two have another format and get keys pressed anew: each hears just
/// what was pressed, in order.
#[test]
fn four_hundred_keys_arrive_though_packets_are_lost() {
    let office = Office::open();
    let keys = |caller: usize| -> String {
        let all = "0123456789*#ABCD".chars().cycle();
        all.skip(caller * 5)
            .step_by(caller * 2 + 1)
            .take(100)
            .collect()
    };
    let seats = [
        ("1001", "127.0.0.74", Format::Pcma),
        ("1002", "127.0.0.75", Format::Pcmu),
        ("1003", "127.0.0.76", Format::G722),
        ("1004", "127.0.0.77", Format::G722),
    ];
    let mut talks = Vec::new();
    for (caller, (seat, ip, format)) in seats.into_iter().enumerate() {
        let line = office.phone(seat, ip);
        let (citizen, agent, _) = office.talk(seat, &[Format::Pcma], (line, format));
        // Until the agent's number is announced nobody hears the caller.
        hear_each_other(&citizen, &agent);
        citizen.ear.loses(20, 7 + caller as u32);
        citizen.ear.presses(&keys(caller));
        talks.push((citizen, agent));
    }
    let all = || {
        let mut talks = talks.iter().enumerate();
        talks.all(|(caller, (_, agent))| agent.ear.keys().len() >= keys(caller).len())
    };
    for _ in 0..1_200 {
        if all() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    // A key heard twice would come now.
    thread::sleep(Duration::from_millis(500));
    for (caller, (_, agent)) in talks.iter().enumerate() {
        assert_eq!(agent.ear.keys(), keys(caller), "caller {caller}");
    }
}

/// Prompts of a person or of the shipped voice, about eight seconds each.
fn speech() -> Vec<Vec<i16>> {
    let prompts = ["queue-wait", "survey-ask"].iter();
    prompts.map(|key| sound::prompt("zh", key)).collect()
}

/// Tries at a piece of speech: a machine that is busy with others delays the packets of these
/// phones, and what comes late is lost.
const TRIES: usize = 5;

/// How many of them must score well.
const NEEDED: usize = 2;

/// Asserts the PESQ-NB of what a seat hears of a caller who loses so many per cent of the packets.
fn scores(
    office: &Office,
    seat: (&str, &str),
    (offers, takes): (Format, Format),
    lost: u32,
    least: f64,
) {
    let line = office.phone(seat.0, seat.1);
    let (citizen, agent, _) = office.talk(seat.0, &[offers], (line, takes));
    hear_each_other(&citizen, &agent);
    for (said, seed) in speech().iter().zip(1..) {
        let tries = (0..TRIES).map(|_| {
            // Quiet before and after, so that no piece cuts into the next.
            citizen.ear.loses(0, seed);
            citizen.ear.reads(&[]);
            thread::sleep(Duration::from_millis(500));
            let before = agent.ear.heard().len();
            citizen.ear.loses(lost, seed);
            citizen.ear.reads(said);
            let whole = before + said.len() + 4_000;
            for _ in 0..1_200 {
                if agent.ear.heard().len() >= whole {
                    break;
                }
                thread::sleep(Duration::from_millis(50));
            }
            sound::score(&office.0.dir, said, &agent.ear.heard()[before..])
        });
        let mut all = Vec::new();
        let tries = tries.inspect(|&score| all.push(score));
        let good = tries.filter(|&score| score >= least).take(NEEDED).count() == NEEDED;
        println!("{offers:?} to {takes:?}, {lost} % lost: PESQ-NB {all:.2?}");
        assert!(
            good,
            "{offers:?} to {takes:?}, {lost} % lost: {all:.2?}, not {least}"
        );
    }
    hangs_up(citizen, agent, &office.0);
}

#[test]
fn speech_in_another_format_scores_well() {
    let office = Office::open();
    let seat = ("1001", "127.0.0.78");
    for formats in [(Format::Pcma, Format::Pcmu), (Format::Pcma, Format::G722)] {
        scores(&office, seat, formats, 0, 3.95);
    }
}

#[test]
fn speech_with_lost_packets_is_concealed_and_scores_well() {
    let office = Office::open();
    let seat = ("1001", "127.0.0.79");
    for (lost, least) in [(1, 3.5), (3, 3.2), (5, 2.9)] {
        scores(&office, seat, (Format::Pcma, Format::G722), lost, least);
    }
}
