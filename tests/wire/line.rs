//! A line in the test's own hands: a UDP socket that says SIP letter by letter, for what no
//! well-behaved telephone would say.

use std::{
    net::{Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use hotline_sip::{
    digest::{Login, answer},
    message::Method,
};

use crate::engine::Engine;

/// Makes each branch, tag and Call-ID another.
static COUNT: AtomicU32 = AtomicU32::new(1);

/// Something unique.
pub fn unique() -> String {
    format!("w{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A session that anybody could have.
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A line to an engine.
pub struct Line {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Line {
    /// A line from a free port of `ip`, e.g. "127.0.0.1".
    pub fn from(ip: &str, engine: &Engine) -> Self {
        Self::bound(SocketAddr::new(ip.parse().unwrap(), 0), engine)
    }

    /// A line from this address.
    pub fn bound(local: SocketAddr, engine: &Engine) -> Self {
        let socket = UdpSocket::bind(local).unwrap();
        let server = match local {
            SocketAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], engine.sip)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, engine.sip)),
        };
        Self { socket, server }
    }

    /// The engine's address.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Its address.
    pub fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends these bytes.
    pub fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.server).unwrap();
    }

    /// Sends text whose lines end with `\n`; `{local}` and `{server}` are the addresses and
    /// `{new}` is unique at each place.
    pub fn say(&self, text: &str) {
        self.send(self.spelt(text).as_bytes());
    }

    /// The text as [`Line::say`] sends it.
    pub fn spelt(&self, text: &str) -> String {
        let mut spelt = text
            .replace("\r\n", "\n")
            .replace('\n', "\r\n")
            .replace("{local}", &self.local().to_string())
            .replace("{server}", &self.server.to_string());
        while let Some((before, after)) = spelt.split_once("{new}") {
            spelt = format!("{before}{}{after}", unique());
        }
        spelt
    }

    /// The next message within `patience`.
    pub fn hear(&self, patience: Duration) -> Option<Heard> {
        let mut buffer = vec![0; 65_536];
        self.socket
            .set_read_timeout(Some(patience.max(Duration::from_millis(1))))
            .unwrap();
        let (length, _) = self.socket.recv_from(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(Heard(String::from_utf8_lossy(&buffer).into_owned()))
    }

    /// The final response to the request with this Call-ID, within two seconds; other messages
    /// are passed over.
    pub fn answer_to(&self, call_id: &str) -> Option<Heard> {
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let heard = self.hear(left)?;
            if heard.header("Call-ID") == Some(call_id) && heard.status() >= 200 {
                return Some(heard);
            }
        }
    }

    /// Whether an OPTIONS is answered 200: the engine lives.
    pub fn is_served(&self) -> bool {
        let id = unique();
        self.say(&format!(
            "OPTIONS sip:{{server}} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}};rport\n\
             From: <sip:probe@{{local}}>;tag={{new}}\nTo: <sip:{{server}}>\nCall-ID: {id}\n\
             CSeq: 1 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n"
        ));
        self.answer_to(&id)
            .is_some_and(|heard| heard.status() == 200)
    }

    /// Registers `user` with this password; the answer to the proof, or the first answer that is
    /// no challenge.
    pub fn register(&self, user: &str, password: &str) -> Heard {
        let body = format!("Contact: <sip:{user}@{{local}}>\nExpires: 300\nContent-Length: 0\n\n");
        let uri = format!("sip:{}", self.server);
        self.ask(Method::Register, &uri, user, Some(password), &body)
    }

    /// Dials `number` as `user`; likewise. Acknowledges what is not taken.
    pub fn dial(&self, number: &str, user: &str, password: Option<&str>) -> Heard {
        self.dial_with(number, user, password, "", SDP)
    }

    /// The same with further headers, each ending with `\n`, and this session.
    pub fn dial_with(
        &self,
        number: &str,
        user: &str,
        password: Option<&str>,
        headers: &str,
        session: &str,
    ) -> Heard {
        let uri = format!("sip:{number}@{}", self.server);
        let body = format!(
            "{headers}Contact: <sip:{user}@{{local}}>\nContent-Type: application/sdp\n\
             Content-Length: {}\n\n{session}",
            session.len()
        );
        self.ask(Method::Invite, &uri, user, password, &body)
    }

    /// Acknowledges this 200 to an INVITE and hangs up.
    pub fn end(&self, answer: &Heard) {
        self.tell(answer, &["ACK", "BYE"]);
    }

    /// Acknowledges this 200 to an INVITE.
    pub fn acknowledge(&self, answer: &Heard) {
        self.tell(answer, &["ACK"]);
    }

    /// Answers this request 200 with this session.
    pub fn take(&self, request: &Heard, session: &str) {
        let header = |name: &str| request.header(name).unwrap_or_default();
        let vias: String = request
            .headers("Via")
            .iter()
            .map(|via| format!("Via: {via}\n"))
            .collect();
        self.say(&format!(
            "SIP/2.0 200 OK\n{vias}From: {}\nTo: {};tag={{new}}\nCall-ID: {}\nCSeq: {}\n\
             Contact: <sip:seat@{{local}}>\nContent-Type: application/sdp\n\
             Content-Length: {}\n\n{session}",
            header("From"),
            header("To"),
            header("Call-ID"),
            header("CSeq"),
            session.len(),
        ));
    }

    fn tell(&self, answer: &Heard, methods: &[&str]) {
        let header = |name: &str| answer.header(name).unwrap_or_default();
        let contact = header("Contact");
        let target = contact.split(['<', '>']).nth(1).unwrap_or(contact);
        let invite: u32 = header("CSeq").split(' ').next().unwrap().parse().unwrap();
        for (method, number) in methods.iter().zip(invite..) {
            self.say(&format!(
                "{method} {target} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{{new}};rport\n\
                 From: {}\nTo: {}\nCall-ID: {}\nCSeq: {number} {method}\nMax-Forwards: 70\n\
                 Content-Length: 0\n\n",
                header("From"),
                header("To"),
                header("Call-ID"),
            ));
        }
    }

    fn ask(
        &self,
        method: Method<'_>,
        uri: &str,
        user: &str,
        password: Option<&str>,
        body: &str,
    ) -> Heard {
        let (id, tag) = (unique(), unique());
        let to = if method == Method::Register {
            format!("sip:{user}@{{server}}")
        } else {
            uri.to_owned()
        };
        let request = |number: u32, proof: &str| {
            format!(
                "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch=z9hG4bK{id}{number};rport\n\
                 From: <sip:{user}@{{server}}>;tag={tag}\nTo: <{to}>\nCall-ID: {id}\n\
                 CSeq: {number} {method}\nMax-Forwards: 70\n{proof}{body}"
            )
        };
        self.say(&request(1, ""));
        let first = self.answer_to(&id).expect("an answer to the request");
        let (401, Some(password)) = (first.status(), password) else {
            return first;
        };
        let login = Login {
            user,
            password,
            realm: None,
        };
        let challenges = first.headers("WWW-Authenticate");
        let challenges = challenges.iter().map(|value| value.as_bytes());
        let proof = answer(challenges, &login, method, uri, "0a4f113b", 1).unwrap();
        self.say(&request(2, &format!("Authorization: {proof}\n")));
        // Nobody acknowledges the 401: it comes again.
        loop {
            let heard = self.answer_to(&id).expect("an answer to the proof");
            if heard.header("CSeq") == Some(&format!("2 {method}")) {
                return heard;
            }
        }
    }
}

/// A message that came.
pub struct Heard(pub String);

impl Heard {
    /// The status of a response; 0 of a request.
    pub fn status(&self) -> u16 {
        let code = self
            .0
            .strip_prefix("SIP/2.0 ")
            .and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// All values of a header, one a line.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}
