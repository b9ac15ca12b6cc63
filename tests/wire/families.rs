//! A caller of one IP version bridged with a seat of the other.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    engine::Engine,
    journal,
    line::{Heard, Line},
    town,
};

/// An engine at 127.0.0.1 and at ::1.
fn start() -> Engine {
    let mut engine = town::prepare();
    let file = engine.dir.join("config/engine.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replacen("\nalso = []", "\nalso = [\"::1\"]", 1);
    fs::write(file, text).unwrap();
    engine.restart();
    engine
}

/// Where a telephone hears and speaks.
struct Ear {
    socket: UdpSocket,
    sent: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
    who: u8,
}

impl Ear {
    fn at(ip: &str, who: u8) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            sent: Vec::new(),
            heard: Vec::new(),
            who,
        }
    }

    /// Lines end as on the wire: their length counts.
    fn session(&self) -> String {
        let at = self.socket.local_addr().unwrap();
        let (ip, v) = (at.ip(), if at.is_ipv4() { 4 } else { 6 });
        format!(
            "v=0\r\no=- 1 1 IN IP{v} {ip}\r\ns=-\r\nc=IN IP{v} {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 8\r\n",
            at.port()
        )
    }

    /// Says 20 ms that nobody else says, and takes what has come.
    fn turn(&mut self, engine: SocketAddr) {
        let n = self.sent.len() as u16;
        let sound: Vec<u8> = (0..160_u16)
            .map(|i| (i.wrapping_mul(n + 3) as u8).wrapping_add(self.who))
            .collect();
        let mut packet = vec![0x80, 8];
        packet.extend(n.to_be_bytes());
        packet.extend((u32::from(n) * 160).to_be_bytes());
        packet.extend([0, 0, 0, self.who]);
        packet.extend(&sound);
        self.socket.send_to(&packet, engine).unwrap();
        self.sent.push(sound);
        let mut buffer = [0; 2_000];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            assert_eq!(from, engine, "only the port agreed on speaks");
            self.heard.push(buffer[12..length].to_vec());
        }
    }

    /// How much of what the other said came whole.
    fn understood(&self, other: &Self) -> usize {
        let mut heard = self.heard.iter();
        heard
            .by_ref()
            .filter(|sound| other.sent.contains(sound))
            .count()
    }
}

/// Where a description of the engine's says that it listens.
fn sound_of(message: &Heard) -> SocketAddr {
    let line = |start: &str| {
        let mut lines = message.0.lines();
        let line = lines.find_map(|line| line.strip_prefix(start));
        line.and_then(|line| line.split(' ').next())
            .unwrap()
            .to_owned()
    };
    let ip = if message.0.contains("c=IN IP6 ") {
        "c=IN IP6 "
    } else {
        "c=IN IP4 "
    };
    SocketAddr::new(line(ip).parse().unwrap(), line("m=audio ").parse().unwrap())
}

fn hear(line: &Line, method: &str) -> Heard {
    loop {
        let heard = line.hear(Duration::from_secs(10)).expect(method);
        if heard.0.starts_with(method) {
            return heard;
        }
    }
}

#[test]
fn a_caller_of_ipv4_and_a_seat_of_ipv6_hear_each_other_byte_for_byte() {
    let engine = start();
    let (caller, seat) = (Line::from("127.0.0.1", &engine), Line::from("::1", &engine));
    let (mut at_caller, mut at_seat) = (Ear::at("127.0.0.1", 1), Ear::at("::1", 2));
    let answer = seat.register("0012", &engine.password("0012"));
    assert_eq!(answer.status(), 200, "{}", answer.0);
    assert_eq!(engine.post("/api/v1/seats/0012/ready", &json!({})).0, 204);
    let answer = caller.dial_with("12345", "13800001234", None, "", &at_caller.session());
    assert_eq!(answer.status(), 200, "{}", answer.0);
    caller.acknowledge(&answer);
    let invite = hear(&seat, "INVITE ");
    seat.take(&invite, &at_seat.session());
    hear(&seat, "ACK ");
    let (to_caller, to_seat) = (sound_of(&answer), sound_of(&invite));
    assert_eq!(to_caller.ip().to_string(), "127.0.0.1");
    assert_eq!(to_seat.ip().to_string(), "::1");
    let until = Instant::now() + Duration::from_secs(20);
    while at_caller.understood(&at_seat) < 20 || at_seat.understood(&at_caller) < 20 {
        assert!(Instant::now() < until, "they do not hear each other");
        at_caller.turn(to_caller);
        at_seat.turn(to_seat);
        std::thread::sleep(Duration::from_millis(20));
    }
    caller.end(&answer);
    let ended = journal::until(&engine, "the end", |record| record["type"] == "call-ended");
    assert_eq!(ended["outcome"], "answered");
}
