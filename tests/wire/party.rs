//! One side of a call in the test's own hands: a dialog over a [`Line`], each message when the test
//! says so. What comes before it is asked for waits; pings are answered.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hotline_sip::{
    digest::{Login, answer as proof},
    message::Method,
};

use crate::line::{Heard, Line, unique};

/// Longest wait for a message that must come soon.
pub const SOON: Duration = Duration::from_secs(5);

/// A side of a call.
pub struct Party {
    /// Where it speaks.
    pub line: Line,
    /// The Call-ID of its dialog.
    pub call_id: String,
    ours: String,
    theirs: String,
    target: String,
    cseq: u32,
    waiting: VecDeque<Heard>,
}

impl Party {
    /// Sends the INVITE of a caller `from` (a user name) for `number`, with these further headers
    /// (each ends with `\n`) and this session.
    pub fn dials(line: Line, from: &str, number: &str, headers: &str, session: &str) -> Self {
        let server = line.server();
        let mut party = Self {
            call_id: unique(),
            ours: format!("<sip:{from}@{}>;tag={}", line.local(), unique()),
            theirs: format!("<sip:{number}@{server}>"),
            target: format!("sip:{number}@{server}"),
            cseq: 0,
            waiting: VecDeque::new(),
            line,
        };
        party.asks("INVITE", headers, session);
        party
    }

    /// The same as seat `seat`, which proves itself; the branch of the INVITE that did.
    pub fn dials_as(
        line: Line,
        (seat, password): (&str, &str),
        number: &str,
        headers: &str,
        session: &str,
    ) -> (Self, String) {
        let mut party = Self::dials(line, seat, number, headers, session);
        let challenge = party.hears("401 INVITE", SOON);
        // Acknowledged without the branch it belongs to, the 401 comes again and harms nobody.
        let login = Login {
            user: seat,
            password,
            realm: None,
        };
        let challenges = challenge.headers("WWW-Authenticate");
        let challenges = challenges.iter().map(|value| value.as_bytes());
        let proof = proof(challenges, &login, Method::Invite, &party.target, "0a4f", 1).unwrap();
        let headers = format!("Authorization: {proof}\n{headers}");
        let branch = party.asks("INVITE", &headers, session);
        (party, branch)
    }

    /// Waits until it is called, however long that may take.
    pub fn called(line: Line, patience: Duration) -> (Self, Heard) {
        let mut party = Self {
            call_id: String::new(),
            ours: String::new(),
            theirs: String::new(),
            target: String::new(),
            cseq: 0,
            waiting: VecDeque::new(),
            line,
        };
        let invite = party.hears("INVITE", patience);
        let header = |name: &str| invite.header(name).unwrap_or_default().to_owned();
        party.call_id = header("Call-ID");
        party.ours = format!("{};tag={}", header("To"), unique());
        party.theirs = header("From");
        party.target = uri_of(&header("Contact"));
        (party, invite)
    }

    /// Its own side's name-addr, with its tag.
    pub fn own_name(&self) -> &str {
        &self.ours
    }

    /// Sends a request within the dialog, its CSeq one higher; the branch of its Via.
    pub fn asks(&mut self, method: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        let branch = format!("z9hG4bK{}", unique());
        self.sends(method, self.cseq, &branch, headers, body);
        branch
    }

    /// Cancels the INVITE with this branch, the first of the dialog.
    pub fn cancels(&self, branch: &str) {
        self.sends("CANCEL", self.cseq, branch, "", "");
    }

    /// Acknowledges a final response to its INVITE: within the INVITE's transaction (`branch`)
    /// where it was refused.
    pub fn acknowledges(&mut self, response: &Heard, branch: &str) {
        let cseq = response.header("CSeq").unwrap_or_default();
        let number = cseq.split(' ').next().and_then(|n| n.parse().ok());
        if response.status() < 300 {
            self.learns(response);
            let own = format!("z9hG4bK{}", unique());
            return self.sends("ACK", number.unwrap_or(1), &own, "", "");
        }
        self.sends("ACK", number.unwrap_or(1), branch, "", "");
    }

    /// Takes the dialog's target and tag from a response.
    pub fn learns(&mut self, response: &Heard) {
        self.theirs = response.header("To").unwrap_or_default().to_owned();
        if let Some(contact) = response.header("Contact") {
            self.target = uri_of(contact);
        }
    }

    fn sends(&self, method: &str, cseq: u32, branch: &str, headers: &str, body: &str) {
        let kind = if body.is_empty() || headers.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\n"
        };
        let (target, ours, theirs, id) = (&self.target, &self.ours, &self.theirs, &self.call_id);
        self.line.say(&format!(
            "{method} {target} SIP/2.0\nVia: SIP/2.0/UDP {{local}};branch={branch};rport\n\
             From: {ours}\nTo: {theirs}\nCall-ID: {id}\nCSeq: {cseq} {method}\n\
             Contact: <sip:party@{{local}}>\nMax-Forwards: 70\n{headers}{kind}\
             Content-Length: {}\n\n{body}",
            body.replace("\r\n", "\n").replace('\n', "\r\n").len(),
        ));
    }

    /// Answers a request.
    pub fn answers(&self, request: &Heard, status: &str, headers: &str, body: &str) {
        let to = request.header("To").unwrap_or_default();
        let to = if to.contains(";tag=") || status.starts_with("100") {
            to.to_owned()
        } else {
            self.ours.clone()
        };
        self.line.say(&answer(request, status, &to, headers, body));
    }

    /// The next message that is `what`: a method, or `STATUS METHOD` for a response.
    ///
    /// # Panics
    /// If none comes in time.
    pub fn hears(&mut self, what: &str, patience: Duration) -> Heard {
        self.hears_within(what, patience).unwrap_or_else(|| {
            let others: Vec<_> = self.waiting.iter().map(|heard| &heard.0).collect();
            panic!("never heard {what} within {patience:?}; but {others:#?}")
        })
    }

    /// The same, if it comes.
    pub fn hears_within(&mut self, what: &str, patience: Duration) -> Option<Heard> {
        if let Some(at) = self.waiting.iter().position(|heard| is(heard, what)) {
            return self.waiting.remove(at);
        }
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let heard = self.line.hear(left)?;
            if heard.0.starts_with("OPTIONS ") {
                let to = format!("{};tag=ping", heard.header("To").unwrap_or_default());
                self.line.say(&answer(&heard, "200 OK", &to, "", ""));
            } else if is(&heard, what) {
                return Some(heard);
            } else {
                self.waiting.push_back(heard);
            }
        }
    }

    /// Hangs up and is answered.
    pub fn hangs_up(&mut self) {
        self.asks("BYE", "", "");
        self.hears("200 BYE", SOON);
    }

    /// Picks up: 200 with this session, and the ACK.
    pub fn picks_up(&mut self, invite: &Heard, session: &str) -> Heard {
        let contact = "Contact: <sip:party@{local}>\n";
        self.answers(invite, "200 OK", contact, session);
        self.hears("ACK", SOON)
    }
}

/// Whether a message is of this kind.
fn is(heard: &Heard, what: &str) -> bool {
    match what.split_once(' ') {
        Some((status, method)) => {
            heard.status().to_string() == status
                && heard
                    .header("CSeq")
                    .is_some_and(|cseq| cseq.ends_with(&format!(" {method}")))
        }
        None => heard.0.starts_with(&format!("{what} ")),
    }
}

fn answer(request: &Heard, status: &str, to: &str, headers: &str, body: &str) -> String {
    let header = |name: &str| request.header(name).unwrap_or_default();
    let vias: String = request
        .headers("Via")
        .iter()
        .map(|via| format!("Via: {via}\n"))
        .collect();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\n"
    };
    format!(
        "SIP/2.0 {status}\n{vias}From: {}\nTo: {to}\nCall-ID: {}\nCSeq: {}\n{headers}{kind}\
         Content-Length: {}\n\n{body}",
        header("From"),
        header("Call-ID"),
        header("CSeq"),
        body.replace("\r\n", "\n").replace('\n', "\r\n").len(),
    )
}

/// The URI of a Contact.
fn uri_of(contact: &str) -> String {
    contact
        .split(['<', '>'])
        .nth(1)
        .unwrap_or(contact)
        .to_owned()
}

/// A session with sound at this port of the line's own address.
pub fn session(line: &Line, port: u16) -> String {
    let ip = line.local().ip();
    let family = if ip.is_ipv6() { "IP6" } else { "IP4" };
    format!(
        "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n"
    )
}

/// Where a session wants its sound.
pub fn sound_at(message: &Heard) -> std::net::SocketAddr {
    let line = |start: &str| {
        let found = message.0.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start} in {}", message.0))
    };
    let ip = line("c=IN ").split(' ').nth(1).unwrap().trim();
    let port = line("m=audio ").split(' ').next().unwrap();
    std::net::SocketAddr::new(ip.parse().unwrap(), port.parse().unwrap())
}
