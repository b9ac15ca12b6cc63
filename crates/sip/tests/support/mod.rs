//! An endpoint against a scripted peer: the desk, the peer's messages, and what they say.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{net::SocketAddr, time::Duration};

use hotline_model::Instant;
use hotline_sip::{
    endpoint::{
        Counts, DialogId, Endpoint, EndpointSettings, Event, Invitation, Output, ReferId, Transfer,
    },
    path::Path,
};

pub const OURS: [u8; 4] = [10, 0, 0, 1];
pub const PEER: [u8; 4] = [10, 0, 0, 2];

pub fn udp() -> Path {
    Path::udp(
        SocketAddr::from((OURS, 5060)),
        SocketAddr::from((PEER, 5070)),
    )
}

pub fn tcp(connection: u64) -> Path {
    Path::tcp(udp().local, udp().remote, connection)
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// An endpoint, its clock, and what it put out and nobody has looked at.
pub struct Desk {
    pub endpoint: Endpoint,
    pub now: Instant,
    pub sent: Vec<(Path, String)>,
    pub events: Vec<Event>,
    pub path: Path,
}

impl Desk {
    pub fn new() -> Self {
        Self::over(udp())
    }

    /// A desk whose sessions have no end, for tests that let much time pass.
    pub fn untimed() -> Self {
        Self::with(untimed(), udp())
    }

    pub fn over(path: Path) -> Self {
        Self::with(
            EndpointSettings::new("hotline/test", "hotline", "hotline"),
            path,
        )
    }

    pub fn with(settings: EndpointSettings, path: Path) -> Self {
        Self {
            endpoint: Endpoint::new(settings, [7; 32]),
            now: Instant::START,
            sent: Vec::new(),
            events: Vec::new(),
            path,
        }
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { path, bytes } => {
                    assert_eq!(path.remote, self.path.remote);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    self.sent.push((path, text));
                }
                Output::Event(event) => self.events.push(event),
                Output::ClosePath(_) => {}
            }
        }
    }

    pub fn receive(&mut self, text: &str) {
        self.receive_by(self.path, text);
    }

    pub fn receive_by(&mut self, path: Path, text: &str) {
        self.endpoint.receive(self.now, path, text.as_bytes());
        self.drain();
    }

    pub fn lost(&mut self, path: Path) {
        self.endpoint.path_lost(self.now, path);
        self.drain();
    }

    /// Lets time pass, waking the endpoint at each moment it asked for.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(wake) = self.endpoint.next_wake().filter(|&wake| wake <= end) {
            self.now = wake;
            self.endpoint.wake(wake);
            self.drain();
        }
        self.now = end;
    }

    /// What was sent since the last look.
    pub fn sent(&mut self) -> Vec<String> {
        self.drain();
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().map(|(_, text)| text).collect()
    }

    /// The one message sent since the last look.
    pub fn one(&mut self) -> String {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.remove(0)
    }

    /// The one message sent since the last look, and where to.
    pub fn one_by(&mut self) -> (Path, String) {
        self.drain();
        let mut sent = std::mem::take(&mut self.sent);
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.remove(0)
    }

    pub fn events(&mut self) -> Vec<Event> {
        self.drain();
        std::mem::take(&mut self.events)
    }

    pub fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// The dialog of an INVITE that just came.
    pub fn invited(&mut self) -> DialogId {
        match self.event() {
            Event::Invited { dialog, .. } => dialog,
            other => panic!("{other:?}"),
        }
    }

    pub fn referred(&mut self) -> (DialogId, ReferId, Transfer) {
        match self.event() {
            Event::Referred {
                dialog,
                refer,
                transfer,
            } => (dialog, refer, transfer),
            other => panic!("{other:?}"),
        }
    }

    /// A call `number` of the peer that was answered and acknowledged: the dialog and our tag.
    pub fn answered(&mut self, number: u32) -> (DialogId, String) {
        self.receive(&for_call(number, &invite()));
        let Event::Invited { dialog, .. } = self.event() else {
            panic!("no call");
        };
        self.endpoint.answer(self.now, dialog, b"answer".to_vec());
        let ours = tag(&value(&self.one(), "To"));
        self.receive(&for_call(number, &ack(1, &ours, "")));
        assert!(matches!(self.event(), Event::Acknowledged { .. }));
        (dialog, ours)
    }

    /// A call of ours that was answered: the dialog and our INVITE.
    pub fn connected(&mut self) -> (DialogId, String) {
        let dialog = self.endpoint.invite(self.now, invitation(self.path));
        let invite = self.one();
        self.receive(&response(&invite, "200 OK", "seat", SEAT, "answer"));
        assert_eq!(method(&self.one()), "ACK");
        assert!(matches!(self.event(), Event::Answered { .. }));
        (dialog, invite)
    }

    pub fn is_empty(&self) -> bool {
        let counts = self.endpoint.counts();
        let Counts {
            dropped, refused, ..
        } = counts;
        counts
            == Counts {
                dropped,
                refused,
                ..Counts::default()
            }
    }

    pub fn assert_forgets_all(&mut self) {
        self.pass(Duration::from_secs(400));
        assert!(self.is_empty(), "{:?}", self.endpoint.counts());
    }
}

/// Settings without session timers.
pub fn untimed() -> EndpointSettings {
    let mut settings = EndpointSettings::new("hotline/test", "hotline", "hotline");
    settings.session_expires_s = 0;
    settings
}

/// A request of the peer. `lines` end with CR LF each; `at` is branch and CSeq number.
pub fn request(method: &str, at: u32, to_tag: &str, lines: &str, body: &str) -> String {
    let tag = if to_tag.is_empty() {
        String::new()
    } else {
        format!(";tag={to_tag}")
    };
    let via_method = match method {
        "ACK" | "CANCEL" => "INVITE",
        other => other,
    };
    let kind = if body.is_empty() || lines.contains("Content-Type") {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:12345@10.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bK-{via_method}-{at};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Caller\" <sip:13800000000@10.0.0.2>;tag=peer\r\n\
         To: <sip:12345@10.0.0.1>{tag}\r\n\
         Call-ID: call-1@10.0.0.2\r\n\
         CSeq: {at} {method}\r\n\
         {lines}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The same request in another call: 1 is the call it is in.
pub fn for_call(number: u32, request: &str) -> String {
    if number == 1 {
        return request.to_owned();
    }
    request
        .replace("Call-ID: call-1@", &format!("Call-ID: call-{number}@"))
        .replace("z9hG4bK", &format!("z9hG4bK{number}"))
}

pub const CONTACT: &str = "Contact: <sip:13800000000@10.0.0.2:5070>\r\n";

pub fn invite() -> String {
    request("INVITE", 1, "", CONTACT, "offer")
}

/// A value out of a message.
pub fn value(message: &str, name: &str) -> String {
    header(message, name).unwrap_or_else(|| panic!("no {name} in {message}"))
}

pub fn header(message: &str, name: &str) -> Option<String> {
    let start = format!("{name}: ");
    let line = message.lines().find(|line| line.starts_with(&start))?;
    Some(line[start.len()..].to_owned())
}

pub fn tag(value: &str) -> String {
    value.split(";tag=").nth(1).unwrap().to_owned()
}

pub fn status(message: &str) -> u16 {
    message
        .strip_prefix("SIP/2.0 ")
        .map_or(0, |rest| rest[..3].parse().unwrap())
}

pub fn method(message: &str) -> &str {
    message.split(' ').next().unwrap()
}

/// A peer's response to a request of ours.
pub fn response(request: &str, status: &str, to_tag: &str, lines: &str, body: &str) -> String {
    let mut to = value(request, "To");
    if !to_tag.is_empty() && !to.contains(";tag=") {
        to = format!("{to};tag={to_tag}");
    }
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {lines}Content-Length: {}\r\n\r\n{body}",
        value(request, "Via"),
        value(request, "From"),
        value(request, "Call-ID"),
        value(request, "CSeq"),
        body.len()
    )
}

pub fn invitation(path: Path) -> Invitation {
    Invitation {
        path,
        target: "sip:1001@10.0.0.2:5070".into(),
        from: "<sip:12345@10.0.0.1>".into(),
        to: "<sip:1001@10.0.0.1>".into(),
        body: b"offer".to_vec(),
        headers: vec![("P-Asserted-Identity".into(), "<sip:138@10.0.0.1>".into())],
        credentials: None,
        ring_for: None,
        max_forwards: None,
    }
}

/// The ACK of a 2xx: a branch of its own.
pub fn ack(number: u32, ours: &str, body: &str) -> String {
    request("ACK", number, ours, "", body).replace("z9hG4bK-INVITE", "z9hG4bK-ack")
}

/// A request of the peer in a dialog that our `invite` made.
pub fn from_seat(invite: &str, method: &str, at: u32, lines: &str, body: &str) -> String {
    format!(
        "{method} sip:hotline@10.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bK-seat-{method}-{at}\r\n\
         Max-Forwards: 70\r\nFrom: {};tag=seat\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {at} {method}\r\n\
         {lines}Content-Length: {}\r\n\r\n{body}",
        value(invite, "To"),
        value(invite, "From"),
        value(invite, "Call-ID"),
        body.len()
    )
}

pub const SEAT: &str = "Contact: <sip:1001@10.0.0.2:5070>\r\n";

/// An incoming INVITE with header lines and a body.
pub fn invite_with(lines: &str, body: &str) -> String {
    request("INVITE", 1, "", &format!("{CONTACT}{lines}"), body)
}

/// The PRACK of a reliable provisional response, `number` in the peer's sequence.
pub fn prack(number: u32, provisional: &str, body: &str) -> String {
    let rseq = value(provisional, "RSeq");
    let ours = tag(&value(provisional, "To"));
    let rack = format!("RAck: {rseq} 1 INVITE\r\n");
    request("PRACK", number, &ours, &rack, body)
}

pub fn statuses(sent: &[String]) -> Vec<u16> {
    sent.iter().map(|sent| status(sent)).collect()
}

/// The body of a message.
pub fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}
