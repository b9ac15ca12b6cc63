//! The registrar as phones, strangers and time treat it.

use core::net::SocketAddr;

use hotline_model::limits::{CONTACT_INSTANCE_BYTES, KEEP_ALIVE_S};

use super::*;
use crate::message::Framing;

fn seat() -> SeatId {
    SeatId::new("1001").unwrap()
}

fn at(s: u64) -> Instant {
    Instant::START + Duration::from_secs(s)
}

fn tcp(connection: u64) -> Path {
    let local = SocketAddr::from(([10, 0, 0, 1], 5060));
    Path::tcp(local, SocketAddr::from(([10, 0, 0, 9], 40_000)), connection)
}

struct Desk {
    registrar: Registrar,
}

impl Desk {
    fn new() -> Self {
        Self {
            registrar: Registrar::new(),
        }
    }

    fn send(&mut self, s: u64, call_id: &str, cseq: u32, lines: &str) -> RegisterAnswer {
        self.send_by(tcp(1), s, call_id, cseq, lines)
    }

    fn send_by(
        &mut self,
        path: Path,
        s: u64,
        call_id: &str,
        cseq: u32,
        lines: &str,
    ) -> RegisterAnswer {
        let text = format!(
            "REGISTER sip:10.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/TCP 10.0.0.9:40000;branch=z9hG4bK{call_id}{cseq}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:1001@10.0.0.1>;tag=f\r\nTo: <sip:1001@10.0.0.1>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes(), Framing::Stream).unwrap();
        self.registrar.register(at(s), seat(), &message, path)
    }

    fn uris(&self) -> Vec<&str> {
        let contacts = self.registrar.contacts(seat());
        contacts
            .iter()
            .map(|contact| contact.uri.as_str())
            .collect()
    }

    fn changes(&mut self) -> Vec<(bool, String)> {
        core::iter::from_fn(|| self.registrar.poll_change())
            .map(|changed| (changed.registered, changed.detail))
            .collect()
    }
}

#[test]
fn a_phone_registers_refreshes_and_leaves() {
    let mut desk = Desk::new();
    let contact = "Contact: <sip:1001@10.0.0.9:40000>\r\n";
    let answer = desk.send(0, "a", 1, &format!("{contact}Expires: 60\r\n"));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers,
        [("Contact", "<sip:1001@10.0.0.9:40000>;expires=60".to_owned())]
    );
    assert_eq!(desk.registrar.next_expiry(), Some(at(60)));
    desk.send(50, "a", 2, &format!("{contact}Expires: 60\r\n"));
    assert_eq!(desk.registrar.next_expiry(), Some(at(110)));
    let gone = desk.send(
        60,
        "a",
        3,
        "Contact: <sip:1001@10.0.0.9:40000>;expires=0\r\n",
    );
    assert_eq!((gone.status, gone.headers.len()), (200, 0));
    assert_eq!(desk.registrar.next_expiry(), None);
    let where_it_is = "sip:1001@10.0.0.9:40000 by TCP 10.0.0.9:40000 #1";
    assert_eq!(
        desk.changes(),
        [
            (true, where_it_is.to_owned()),
            (false, "unregistered".to_owned())
        ],
        "a refresh is no change"
    );
}

#[test]
fn an_old_request_changes_nothing() {
    let mut desk = Desk::new();
    desk.send(0, "a", 5, "Contact: <sip:a@h>\r\n");
    let late = desk.send(1, "a", 4, "Contact: <sip:a@h>;expires=0, <sip:b@h>\r\n");
    assert_eq!(late.status, 500);
    assert_eq!(desk.uris(), ["sip:a@h"], "all or nothing");
    assert_eq!(
        desk.send(1, "a", 5, "Contact: *\r\nExpires: 0\r\n").status,
        500
    );
    // A phone that restarted has another Call-ID and may begin at 1.
    assert_eq!(desk.send(1, "b", 1, "Contact: <sip:a@h>\r\n").status, 200);
    assert_eq!(desk.uris(), ["sip:a@h"]);
}

#[test]
fn the_wildcard_removes_all_and_only_with_expires_zero() {
    let mut desk = Desk::new();
    desk.send(0, "a", 1, "Contact: <sip:a@h>, <sip:b@h>\r\n");
    assert_eq!(desk.send(1, "a", 2, "Contact: *\r\n").status, 400);
    assert_eq!(
        desk.send(1, "a", 3, "Contact: *\r\nExpires: 9\r\n").status,
        400
    );
    assert_eq!(
        desk.send(1, "a", 4, "Contact: *, <sip:a@h>\r\nExpires: 0\r\n")
            .status,
        400
    );
    assert_eq!(desk.uris().len(), 2);
    assert_eq!(
        desk.send(1, "a", 5, "Contact: *\r\nExpires: 0\r\n").status,
        200
    );
    assert!(desk.uris().is_empty());
    assert_eq!(desk.registrar.next_expiry(), None);
}

#[test]
fn too_brief_is_423_and_too_long_is_shortened() {
    let mut desk = Desk::new();
    let brief = desk.send(0, "a", 1, "Contact: <sip:a@h>;expires=29\r\n");
    assert_eq!(brief.status, 423);
    assert_eq!(brief.headers, [("Min-Expires", "30".to_owned())]);
    let long = desk.send(0, "a", 2, "Contact: <sip:a@h>\r\nExpires: 4294967295\r\n");
    assert_eq!(
        long.headers,
        [("Contact", "<sip:a@h>;expires=3600".to_owned())]
    );
}

#[test]
fn a_further_contact_displaces_the_one_longest_unheard_of() {
    let mut desk = Desk::new();
    for n in 0..CONTACTS_PER_SEAT {
        let lines = format!("Contact: <sip:a{n}@h>\r\n");
        let answer = desk.send(n as u64, &format!("a{n}"), 1, &lines);
        assert_eq!(answer.status, 200);
    }
    desk.send(10, "a0", 2, "Contact: <sip:a0@h>\r\n");
    desk.changes();
    assert_eq!(desk.send(20, "z", 1, "Contact: <sip:z@h>\r\n").status, 200);
    let uris = desk.uris();
    assert_eq!(uris.len(), CONTACTS_PER_SEAT);
    assert!(uris.contains(&"sip:a0@h") && !uris.contains(&"sip:a1@h"));
    let by = "sip:z@h by TCP 10.0.0.9:40000 #1".to_owned();
    let displaced = "sip:a1@h displaced by sip:z@h".to_owned();
    assert_eq!(desk.changes(), [(true, displaced), (true, by)]);
    // One out, one in, in one request: nothing to displace.
    let swap = "Contact: <sip:a0@h>;expires=0, <sip:new@h>\r\n";
    assert_eq!(desk.send(30, "y", 1, swap).status, 200);
    assert!(
        !desk
            .changes()
            .iter()
            .any(|(_, why)| why.contains("displaced"))
    );
    // What one request cannot have whole it does not get in part.
    let before: Vec<String> = desk.uris().into_iter().map(str::to_owned).collect();
    let five = "Contact: <sip:1@h>,<sip:2@h>,<sip:3@h>,<sip:4@h>,<sip:5@h>\r\n";
    assert_eq!(desk.send(40, "x", 1, five).status, 403);
    assert_eq!(desk.uris(), before);
    assert_eq!(desk.changes(), []);
}

#[test]
fn a_contact_named_twice_is_one() {
    let mut desk = Desk::new();
    let twice = "Contact: <sip:a@h>;q=0.1, <sip:a@h>;q=0.2\r\n";
    assert_eq!(desk.send(0, "a", 1, twice).status, 200);
    assert_eq!(desk.uris(), ["sip:a@h"]);
    assert_eq!(desk.registrar.contact(seat()).unwrap().preference, 200);
}

#[test]
fn a_phone_that_came_back_by_a_new_connection_is_the_same_phone() {
    let mut desk = Desk::new();
    let line = |uri: &str, flow: u32| {
        format!(
            "Contact: <{uri}>;+sip.instance=\"<urn:uuid:0-1>\";reg-id={flow}\r\n\
             Supported: path, outbound\r\n"
        )
    };
    let answer = desk.send_by(tcp(1), 0, "a", 1, &line("sip:x1@browser.invalid", 1));
    assert_eq!(
        answer.headers,
        [
            (
                "Contact",
                "<sip:x1@browser.invalid>;expires=3600;\
                 +sip.instance=\"<urn:uuid:0-1>\";reg-id=1"
                    .to_owned()
            ),
            ("Require", "outbound".to_owned())
        ]
    );
    // The page was loaded anew: another URI, Call-ID and connection.
    desk.send_by(tcp(2), 9, "b", 1, &line("sip:x2@browser.invalid", 1));
    assert_eq!(desk.uris(), ["sip:x2@browser.invalid"]);
    desk.registrar.path_lost(&tcp(1));
    assert_eq!(
        desk.uris().len(),
        1,
        "the old connection takes nothing with it"
    );
    // A second connection of the same phone is a binding beside the first.
    desk.send_by(tcp(3), 10, "c", 1, &line("sip:x3@browser.invalid", 2));
    assert_eq!(desk.uris().len(), 2);
    // Another phone with the same number of connection is another.
    let other = line("sip:y@browser.invalid", 1).replace("0-1", "0-2");
    desk.send_by(tcp(4), 11, "d", 1, &other);
    assert_eq!(desk.uris().len(), 3);
    let leave = line("sip:x9@browser.invalid", 1).replace("reg-id", "expires=0;reg-id");
    desk.send_by(tcp(5), 12, "e", 1, &leave);
    assert_eq!(
        desk.uris(),
        ["sip:x3@browser.invalid", "sip:y@browser.invalid"]
    );
}

#[test]
fn half_an_outbound_binding_is_a_plain_one() {
    let mut desk = Desk::new();
    let long = "i".repeat(CONTACT_INSTANCE_BYTES + 1);
    for (number, params) in [
        ";reg-id=1".to_owned(),
        ";+sip.instance=\"<urn:uuid:0>\"".to_owned(),
        ";+sip.instance=\"<urn:uuid:0>\";reg-id=0".to_owned(),
        ";+sip.instance=\"<urn:uuid:0>\";reg-id=x".to_owned(),
        format!(";+sip.instance=\"{long}\";reg-id=1"),
    ]
    .iter()
    .enumerate()
    {
        let lines = format!("Contact: <sip:a@h>{params}\r\nSupported: outbound\r\n");
        let answer = desk.send(0, &format!("a{number}"), 1, &lines);
        let plain = ("Contact", "<sip:a@h>;expires=3600".to_owned());
        assert_eq!(answer.headers, [plain], "{params}");
    }
}

#[test]
fn all_phones_of_the_highest_preference_ring_the_newest_first() {
    let mut desk = Desk::new();
    desk.send(0, "a", 1, "Contact: <sip:a@h>\r\n");
    desk.send(1, "b", 1, "Contact: <sip:b@h>\r\n");
    desk.send(2, "c", 1, "Contact: <sip:c@h>;q=0.5\r\n");
    let ringing = |desk: &Desk| -> Vec<String> {
        let group = desk.registrar.contacts_to_ring(seat());
        group.iter().map(|contact| contact.uri.clone()).collect()
    };
    assert_eq!(ringing(&desk), ["sip:b@h", "sip:a@h"]);
    desk.send(3, "a", 2, "Contact: <sip:a@h>\r\n");
    assert_eq!(ringing(&desk), ["sip:a@h", "sip:b@h"]);
    assert_eq!(desk.registrar.contact(seat()).unwrap().uri, "sip:a@h");
    desk.send(4, "z", 1, "Contact: *\r\nExpires: 0\r\n");
    assert!(ringing(&desk).is_empty());
}

#[test]
fn a_binding_keeps_what_the_phone_calls_itself() {
    let mut desk = Desk::new();
    let agent = |desk: &Desk| desk.registrar.contact(seat()).unwrap().user_agent.clone();
    desk.send(0, "a", 1, "Contact: <sip:a@h>\r\n");
    assert_eq!(agent(&desk), "");
    let lines = "Contact: <sip:a@h>\r\nUser-Agent: Yealink\u{1b}[31m\r\n T46\x07\r\n";
    desk.send(1, "a", 2, lines);
    assert_eq!(agent(&desk), "Yealink[31m T46");
    let long = format!("Contact: <sip:a@h>\r\nUser-Agent: a{}\r\n", "话".repeat(99));
    desk.send(2, "a", 3, &long);
    assert_eq!(
        agent(&desk),
        format!("a{}", "话".repeat(42)),
        "cut between characters"
    );
}

/// Pings due until `s`, as (time in whole seconds, URI); none is answered.
fn pings(desk: &mut Desk, s: u64) -> Vec<(u64, String)> {
    let mut sent = Vec::new();
    while let Some(due) = desk.registrar.next_wake().filter(|due| *due <= at(s)) {
        desk.registrar.expire(due);
        while let Some(ping) = desk.registrar.poll_ping(due) {
            sent.push((due.since(Instant::START).as_secs(), ping.uri));
        }
    }
    sent
}

fn udp(port: u16) -> Path {
    let local = SocketAddr::from(([10, 0, 0, 1], 5060));
    Path::udp(local, SocketAddr::from(([10, 0, 0, 9], port)))
}

#[test]
fn phones_on_udp_alone_are_pinged_and_not_all_at_once() {
    let mut desk = Desk::new();
    desk.send_by(udp(1), 0, "a", 1, "Contact: <sip:a@h>\r\n");
    desk.send_by(udp(2), 0, "b", 1, "Contact: <sip:b@h>\r\n");
    desk.send_by(tcp(1), 0, "c", 1, "Contact: <sip:c@h>\r\n");
    let sent = pings(&mut desk, 99);
    for uri in ["sip:a@h", "sip:b@h"] {
        let times: Vec<_> = sent
            .iter()
            .filter(|(_, to)| to == uri)
            .map(|(s, _)| *s)
            .collect();
        assert!((12..25).contains(&times[0]), "{times:?}");
        let steps: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(
            steps.len() >= 2 && steps.iter().all(|s| *s == KEEP_ALIVE_S),
            "{times:?}"
        );
    }
    assert_ne!(sent[0].0, sent[1].0, "spread");
    assert!(!sent.iter().any(|(_, uri)| uri == "sip:c@h"));
}

#[test]
fn a_phone_that_does_not_answer_twice_in_a_row_is_gone() {
    let mut desk = Desk::new();
    desk.send_by(udp(1), 0, "a", 1, "Contact: <sip:a@h>\r\n");
    desk.changes();
    let due = desk.registrar.next_wake().unwrap();
    let ping = desk.registrar.poll_ping(due).unwrap();
    assert_eq!((ping.path, ping.seat), (udp(1), seat()));
    let mut tell = |s, alive| {
        let registrar = &mut desk.registrar;
        registrar.pinged(at(s), seat(), ping.binding, alive);
        registrar.contact(seat()).is_some()
    };
    assert!(tell(50, false));
    assert!(tell(51, true), "an answer between clears the first");
    assert!(tell(80, false));
    assert!(!tell(81, false));
    assert!(!tell(82, true), "too late");
    assert_eq!(desk.changes(), [(false, "not answering".to_owned())]);
    assert_eq!(
        desk.registrar.next_wake(),
        None,
        "nobody is pinged any more"
    );
}

#[test]
fn a_refresh_keeps_the_beat_and_forgives_and_a_move_begins_anew() {
    let mut desk = Desk::new();
    desk.send_by(udp(1), 0, "a", 1, "Contact: <sip:a@h>\r\n");
    let due = desk.registrar.next_wake();
    desk.registrar.pinged(at(1), seat(), 1, false);
    desk.send_by(udp(1), 5, "a", 2, "Contact: <sip:a@h>\r\n");
    assert_eq!(desk.registrar.next_wake(), due);
    desk.registrar.pinged(at(6), seat(), 1, false);
    assert_eq!(desk.uris().len(), 1, "the refresh was a sign of life");
    desk.send_by(udp(2), 10, "a", 3, "Contact: <sip:a@h>\r\n");
    assert!(
        desk.registrar.next_wake() > due,
        "another mapping, another beat"
    );
    desk.send_by(tcp(1), 11, "a", 4, "Contact: <sip:a@h>;expires=900\r\n");
    assert_eq!(
        desk.registrar.next_wake(),
        Some(at(911)),
        "over TCP nothing is pinged"
    );
}

#[test]
fn a_binding_ends_in_time_and_with_its_connection() {
    let mut desk = Desk::new();
    desk.send_by(tcp(1), 0, "a", 1, "Contact: <sip:a@h>;expires=30\r\n");
    desk.send_by(tcp(2), 0, "b", 1, "Contact: <sip:b@h>;expires=90;q=0.5\r\n");
    assert_eq!(desk.registrar.contact(seat()).unwrap().uri, "sip:a@h");
    desk.changes();
    desk.registrar.expire(at(29));
    assert_eq!(desk.uris().len(), 2);
    assert_eq!(desk.registrar.poll_left(), None);
    desk.registrar.expire(at(30));
    assert_eq!(desk.uris(), ["sip:b@h"]);
    let office = tcp(1).remote.ip();
    assert_eq!(desk.registrar.poll_left(), None, "another phone is there");
    assert!(desk.registrar.is_at(office..=office));
    let answer = desk.send(40, "c", 1, "");
    assert_eq!(
        answer.headers,
        [("Contact", "<sip:b@h>;expires=50;q=0.500".to_owned())]
    );
    desk.registrar.path_lost(&tcp(1));
    assert_eq!(desk.uris(), ["sip:b@h"]);
    desk.registrar.path_lost(&tcp(2));
    assert!(desk.uris().is_empty());
    assert_eq!(desk.registrar.poll_left(), Some(office));
    assert!(!desk.registrar.is_at(office..=office));
    assert_eq!(desk.registrar.next_expiry(), None);
    let changes = desk.changes();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1], (false, "connection lost".to_owned()));
}

#[test]
fn equal_contacts_are_one_binding() {
    let mut desk = Desk::new();
    desk.send(
        0,
        "a",
        1,
        "Contact: <sip:1001@HOST.example;transport=TCP>\r\n",
    );
    desk.send(
        0,
        "a",
        2,
        "Contact: <sip:%31001@host.EXAMPLE;transport=tcp>\r\n",
    );
    assert_eq!(desk.uris().len(), 1);
}

#[test]
fn a_contact_nobody_can_call_is_refused() {
    let mut desk = Desk::new();
    let answer = desk.send(0, "a", 1, "Contact: <mailto:a@h>\r\n");
    assert_eq!(answer.status, 400);
}
