//! What attackers do, as far as it can be seen on the wire: the engine goes on serving its trunks,
//! tells nothing and believes nothing.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use socket2::SockRef;

use crate::{
    engine::Engine,
    journal,
    line::{Heard, Line, SDP, unique},
    scenario::Scenario,
    town,
};

/// An address that is no trunk's.
const STRANGER: &str = "127.0.0.66";

/// Most memory a flood may leave behind, KiB. What remembers addresses and what the allocator
/// keeps for the next burst is far below.
const LEFT_BEHIND_KIB: u64 = 24 * 1024;

/// Memory of the engine's process, KiB.
fn memory(engine: &Engine) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", engine.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.unwrap().trim().split(' ').next().unwrap();
    figure.parse().unwrap()
}

fn calls_of_strangers(engine: &Engine) -> usize {
    let records = journal::records(engine);
    let arrived = records
        .iter()
        .filter(|record| record["type"] == "call-arrived");
    arrived.filter(|record| record["trunk"].is_null()).count()
}

#[test]
fn ten_thousand_requests_of_a_stranger_harm_no_trunk_call_and_leave_no_memory() {
    let engine = town::start();
    // What the first calls allocate once is not the flood's.
    let mut first = Scenario::new("answered").with("stay", &100).start(&engine);
    first.finish(20);
    let before = memory(&engine);
    let mut callers = Scenario::new("answered")
        .with("stay", &1_500)
        .option(&["-m", "20", "-l", "20", "-r", "10"])
        .start(&engine);
    let line = Line::from(STRANGER, &engine);
    for number in 0..5_000 {
        for method in ["REGISTER", "INVITE"] {
            line.say(&format!(
                "{method} sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}}\n\
                 From: <sip:1001@{{local}}>;tag={number}\nTo: <sip:1001@{{server}}>\nCall-ID: {{new}}\n\
                 CSeq: 1 {method}\nContact: <sip:1001@{{local}}>\nMax-Forwards: 70\n\
                 Content-Length: 0\n\n"
            ));
        }
    }
    callers.finish(30);
    let after = memory(&engine);
    assert!(
        after < before + LEFT_BEHIND_KIB,
        "{before} KiB before, {after} KiB after"
    );
    assert_eq!(calls_of_strangers(&engine), 0);
    // The last end may reach the disk a moment after its caller was answered.
    let until = Instant::now() + Duration::from_secs(10);
    let mut ends: Vec<String> = Vec::new();
    while ends.len() < 21 && Instant::now() < until {
        let records = journal::records(&engine);
        let ended = records
            .iter()
            .filter(|record| record["type"] == "call-ended");
        ends = ended
            .map(|end| end["released_by"].as_str().unwrap().to_owned())
            .collect();
    }
    assert_eq!(ends, ["caller"; 21]);
    assert!(engine.audit().contains("unbroken"));
}

#[test]
fn idle_and_broken_connections_keep_nobody_out() {
    let engine = town::start();
    let at = ("127.0.0.1", engine.sip);
    let mut idle = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(at).unwrap();
        match number % 4 {
            0 => {}
            1 => stream
                .write_all(b"INVITE sip:12345@h SIP/2.0\r\nVia: ")
                .unwrap(),
            2 => stream.write_all(b"\r\n\r\n").unwrap(),
            // Gone in mid-message, without a farewell.
            _ => {
                stream
                    .write_all(b"BYE sip:12345@h SIP/2.0\r\nVia: x")
                    .unwrap();
                SockRef::from(&stream)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                continue;
            }
        }
        idle.push(stream);
    }
    assert!(Line::from("127.0.0.1", &engine).is_served());
    let mut caller = Scenario::new("answered")
        .with("stay", &300)
        .option(&["-t", "t1"])
        .start(&engine);
    caller.finish(20);
    assert_eq!(journal::story(&engine, &caller.call_id).end().1, "caller");
    drop(idle);
    assert!(Line::from("127.0.0.1", &engine).is_served());
}

#[test]
fn a_stranger_who_asserts_an_identity_is_asked_for_a_proof() {
    let engine = town::start();
    let line = Line::from(STRANGER, &engine);
    let id = unique();
    line.say(&format!(
        "INVITE sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id}\n\
         From: <sip:1001@{{server}}>;tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
         CSeq: 1 INVITE\nContact: <sip:1001@{{local}}>\nMax-Forwards: 70\n\
         P-Asserted-Identity: <sip:110@{{server}}>\nRemote-Party-ID: <sip:110@{{server}}>\n\
         Content-Type: application/sdp\nContent-Length: {}\n\n{SDP}",
        SDP.len()
    ));
    assert_eq!(line.answer_to(&id).unwrap().status(), 401);
    assert_eq!(calls_of_strangers(&engine), 0);
}

/// Nobody may call out unless the configuration says so: not even a seat that proves itself.
#[test]
fn a_seat_cannot_call_out_by_default() {
    let engine = town::start();
    let line = Line::from(STRANGER, &engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    for number in [
        "13800138000",
        "0085212345678",
        "+4930123456",
        "011442071234567",
    ] {
        let answer = line.dial(number, "0012", Some(&password));
        assert!(
            matches!(answer.status(), 403 | 404),
            "{number}: {}",
            answer.0
        );
    }
    assert_eq!(calls_of_strangers(&engine), 0);
}

/// What an answer tells apart from what is random in it.
fn shape(answer: &Heard) -> (u16, Vec<String>) {
    let lines = answer.0.lines().skip(1);
    let names = lines.map(|line| line.split(':').next().unwrap().to_owned());
    let mut shape: Vec<String> = names.collect();
    let challenges = answer.headers("WWW-Authenticate");
    let random = |field: &&str| !field.trim().starts_with("nonce=");
    let fields = challenges
        .iter()
        .flat_map(|value| value.split(',').filter(random));
    shape.extend(fields.map(str::to_owned));
    (answer.status(), shape)
}

/// RFC 3261 §26.1.1's registration hijacking begins with knowing whom: an unknown user gets the
/// answer of a known one, with a proof and without.
#[test]
fn an_unknown_user_is_answered_like_a_known_one() {
    let engine = town::start();
    let ask = |user: &str, password: Option<&str>| {
        let line = Line::from(STRANGER, &engine);
        shape(&match password {
            Some(password) => line.register(user, password),
            None => line.dial("12345", user, None),
        })
    };
    // A seat that takes SHA-256 and one that does not are asked differently, and an unknown user is
    // asked as one of them, always as the same.
    for password in [None, Some("guess")] {
        let known = ["0012", "1001"].map(|seat| ask(seat, password));
        let nobody = ask("nobody", password);
        assert!(known.contains(&nobody), "{nobody:?} and not {known:?}");
        assert_eq!(nobody, ask("nobody", password));
        assert_eq!(nobody.0, 401);
    }
}

#[test]
fn who_guesses_passwords_is_not_listened_to_and_a_trunk_always_is() {
    let engine = town::start();
    let guess = |ip: &str| {
        let line = Line::from(ip, &engine);
        for _ in 0..12 {
            line.say(
                "REGISTER sip:{server} SIP/2.0\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{new}\n\
                 From: <sip:1001@{server}>;tag={new}\nTo: <sip:1001@{server}>\nCall-ID: {new}\n\
                 CSeq: 1 REGISTER\nContact: <sip:1001@{local}>\nMax-Forwards: 70\n\
                 Content-Length: 0\n\n",
            );
            let Some(challenge) = line.hear(Duration::from_secs(1)) else {
                return;
            };
            let nonce = challenge.0.split("nonce=\"").nth(1).unwrap();
            let nonce = nonce.split('"').next().unwrap();
            let zeros = "0".repeat(32);
            line.say(&format!(
                "REGISTER sip:{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}}\n\
                 From: <sip:1001@{{server}}>;tag={{new}}\nTo: <sip:1001@{{server}}>\nCall-ID: {{new}}\n\
                 CSeq: 2 REGISTER\nContact: <sip:1001@{{local}}>\nMax-Forwards: 70\n\
                 Authorization: Digest username=\"1001\", realm=\"hotline\", nonce=\"{nonce}\", \
                 uri=\"sip:{{server}}\", response=\"{zeros}\", algorithm=MD5, qop=auth, \
                 nc=00000001, cnonce=\"1\"\nContent-Length: 0\n\n"
            ));
            if let Some(answer) = line.hear(Duration::from_secs(1)) {
                assert_eq!(answer.status(), 401, "{}", answer.0);
            }
        }
    };
    guess(STRANGER);
    assert!(
        !Line::from(STRANGER, &engine).is_served(),
        "it is still listened to"
    );
    let banned = journal::until(&engine, "the ban", |record| {
        record["type"] == "source-banned"
    });
    assert_eq!(banned["source"], STRANGER);
    guess("127.0.0.1");
    assert!(
        Line::from("127.0.0.1", &engine).is_served(),
        "a trunk was banned"
    );
}

/// The telephone of a seat in the test's hands, called by a caller whose INVITE has these headers;
/// what the telephone hears first.
fn called_by(engine: &Engine, from: &str) -> (Line, Heard, Line) {
    let phone = Line::from(STRANGER, engine);
    assert_eq!(
        phone.register("1001", &engine.password("1001")).status(),
        200
    );
    let ready = serde_json::json!({});
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &ready).0, 204);
    let caller = Line::from("127.0.0.1", engine);
    let id = unique();
    caller.say(&format!(
        "INVITE sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id}\n\
         From: {from};tag={id}\nTo: <sip:12345@{{server}}>\nCall-ID: {id}\n\
         CSeq: 1 INVITE\nContact: <sip:c@{{local}}>\nMax-Forwards: 70\n\
         Content-Type: application/sdp\nContent-Length: {}\n\n{SDP}",
        SDP.len()
    ));
    let answer = caller.answer_to(&id).expect("an answer to the caller");
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let to = answer.header("To").unwrap();
    caller.say(&format!(
        "ACK sip:hotline@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bKa{id}\n\
         From: {from};tag={id}\nTo: {to}\nCall-ID: {id}\nCSeq: 1 ACK\nMax-Forwards: 70\n\
         Content-Length: 0\n\n"
    ));
    let invite = phone
        .hear(Duration::from_secs(5))
        .expect("the phone is called");
    (phone, invite, caller)
}

#[test]
fn a_name_cannot_smuggle_a_header_or_a_statement() {
    let engine = town::start();
    let from = "\"x\\\r\\\nEvil: 1 <script>alert(1)</script>'; DROP TABLE calls; --\" \
                <sip:138%0D%0AEvil%3A%201%0D%0A<0>@h>";
    let plain = "\"<script>alert(1)</script>'; DROP TABLE calls; --\" \
                 <sip:138%0D%0AEvil%3A%201%0D%0A%3Cscript%3E';--@carrier.example>";
    // A raw line break in a name is no name: refused, and nothing dies of it.
    let line = Line::from("127.0.0.1", &engine);
    line.send(
        line.spelt(&format!(
            "OPTIONS sip:12345@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}}\n\
             From: {from};tag=1\nTo: <sip:{{server}}>\nCall-ID: {{new}}\nCSeq: 1 OPTIONS\n\
             Max-Forwards: 70\nContent-Length: 0\n\n"
        ))
        .as_bytes(),
    );
    assert!(line.is_served());
    let (_phone, invite, _caller) = called_by(&engine, plain);
    assert!(invite.header("Evil").is_none(), "{}", invite.0);
    assert!(!invite.0.contains("<script>"), "{}", invite.0);
    // The tables follow the journal a little later.
    let calls = engine.until("the call is in the tables", 10, |_| {
        let calls = engine.get("/api/v1/calls?limit=10");
        (calls.as_array().unwrap().len() == 1).then_some(calls)
    });
    let text = calls.to_string() + &engine.get("/api/v1/wallboard").to_string();
    assert!(!text.contains("script>") && !text.contains("\\r"), "{text}");
    let arrived = journal::until(&engine, "the call", |record| {
        record["type"] == "call-arrived"
    });
    let caller = arrived["caller"].as_str().unwrap();
    assert!(
        caller
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-_.*#".contains(c)),
        "{caller}"
    );
}

/// A telephone that asks for a proof could try the digest it gets against a dictionary: it gets
/// none, however often it asks and with whatever nonce.
#[test]
fn a_challenge_of_a_foreign_realm_is_never_answered() {
    let engine = town::start();
    let (phone, first, _caller) = called_by(&engine, "<sip:13800001234@h>");
    let mut message = first;
    for round in 0..5 {
        assert!(message.header("Authorization").is_none(), "{}", message.0);
        assert!(
            message.header("Proxy-Authorization").is_none(),
            "{}",
            message.0
        );
        if message.0.starts_with("INVITE") {
            let copy = |name: &str| format!("{name}: {}\n", message.header(name).unwrap());
            phone.say(&format!(
                "SIP/2.0 401 Unauthorized\n{}{}{};tag=p{round}\n{}{}\
                 WWW-Authenticate: Digest realm=\"hotline\", nonce=\"n{round}\", qop=\"auth\"\n\
                 Content-Length: 0\n\n",
                copy("Via"),
                copy("From"),
                copy("To").trim_end(),
                copy("Call-ID"),
                copy("CSeq"),
            ));
        }
        match phone.hear(Duration::from_millis(700)) {
            Some(next) => message = next,
            None => break,
        }
    }
    let ended = journal::until(&engine, "the end of the offer", |record| {
        record["type"] == "offer-ended"
    });
    assert_ne!(ended["result"], "answered");
}

/// Messages that want to be too much: refused or borne, and nothing is harmed.
#[test]
fn what_is_too_much_is_refused_and_the_engine_lives_on() {
    let engine = town::start();
    let line = Line::from("127.0.0.1", &engine);
    let invite = |number: &str, more: &str, kind: &str, body: &str| {
        format!(
            "INVITE sip:{number}@{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}}\n\
             From: <sip:13800001234@{{local}}>;tag=1\nTo: <sip:12345@{{server}}>\nCall-ID: {{new}}\n\
             CSeq: 1 INVITE\nContact: <sip:c@{{local}}>\nMax-Forwards: 70\n{more}\
             Content-Type: {kind}\nContent-Length: {}\n\n{body}",
            body.len()
        )
    };
    let sdp = "application/sdp";
    let media = "m=audio 40000 RTP/AVP 8\r\n".repeat(1_500);
    let types = (0..2_000).map(|n| format!("a=fmtp:{} x=1;y=2\r\n", n % 128));
    let payloads = " 8".repeat(5_000);
    let parts = "--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n".repeat(800);
    let accept = format!(
        "Accept: {}\n",
        "application/sdp;q=0.1, ".repeat(900) + "a/b"
    )
    .repeat(2);
    let messages = [
        invite(&"1".repeat(30_000), "", sdp, SDP),
        invite(
            "99999",
            &format!("Subject: {}\n", "x".repeat(40_000)),
            sdp,
            SDP,
        ),
        invite("99999", &"X-Many: 1\n".repeat(2_000), sdp, SDP),
        invite("12345", &accept, sdp, SDP),
        invite("12345", "", sdp, &format!("{SDP}{media}")),
        invite(
            "12345",
            "",
            sdp,
            &format!("{SDP}{}", types.collect::<String>()),
        ),
        invite("12345", "", sdp, &SDP.replace(" 8 101", &payloads)),
        invite("12345", "", "multipart/mixed;boundary=b", &parts),
        invite("12345", "", "multipart/mixed", "--\r\n--\r\n----"),
        invite(
            "12345",
            "",
            sdp,
            "v=0\r\nm=audio 99999999999 RTP/AVP 8\r\nc=IN IP4 x\r\n",
        ),
        invite("12345", "Contact: <sip:c@[::::::::1]>\n", sdp, SDP),
    ];
    for (number, message) in messages.iter().enumerate() {
        line.say(message);
        let mut answered = false;
        while let Some(heard) = line.hear(Duration::from_millis(300)) {
            answered |= heard.status() >= 200;
        }
        assert!(answered, "message {number} was not answered");
        assert!(
            Line::from("127.0.0.1", &engine).is_served(),
            "message {number} killed it:\n{}",
            engine.log()
        );
    }
    let faults = journal::records(&engine);
    let faults = faults
        .iter()
        .filter(|record| record["type"] == "fault-caught");
    assert_eq!(faults.count(), 0);
}
/// A byte a second is a message that never comes: 32 seconds, and the connection is closed.
#[test]
fn a_message_that_trickles_in_is_cut_off() {
    let engine = town::start();
    let mut stream = TcpStream::connect(("127.0.0.1", engine.sip)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let message = b"OPTIONS sip:12345@h SIP/2.0\r\nSubject: "
        .iter()
        .chain([b'x'; 600].iter());
    let begun = Instant::now();
    for byte in message {
        let sent = stream.write_all(&[*byte]);
        let closed = sent.is_err() || matches!(stream.read(&mut [0; 64]), Ok(0));
        if closed {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(50), "still open");
    }
    panic!("all of it was taken");
}
