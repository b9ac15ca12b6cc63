//! The registrar's bindings: which phone stands behind a seat, and until when (RFC 3261 §10.3).
//!
//! A binding keeps the path its REGISTER came by, and calls to the seat go that way: a phone
//! behind NAT can be reached nowhere else.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use hotline_model::{
    Instant, SeatId,
    limits::{CONTACTS_PER_SEAT, REGISTRATION_MAX_S, REGISTRATION_MIN_S},
};

use crate::{
    message::{Contact as ContactValue, Message, Name, NameAddr, Uri},
    path::Path,
    transaction::timer::TimerQueue,
};

/// One binding of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The contact's URI: the Request-URI of calls to it.
    pub uri: String,
    /// The way its phone was last heard by, and is called by.
    pub path: Path,
    /// When it ends.
    pub expires: Instant,
    /// Preference in thousandths, 1,000 at most (`q`, §20.10).
    pub preference: u16,
    /// When it was made or refreshed.
    pub refreshed: Instant,
    call_id: Vec<u8>,
    cseq: u32,
    number: u64,
}

/// What to answer a REGISTER: hand it to `Endpoint::respond`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterAnswer {
    /// 200, 400, 403, 423 or 500.
    pub status: u16,
    /// Headers by name and value.
    pub headers: Vec<(&'static str, String)>,
}

impl RegisterAnswer {
    const fn plain(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }
}

/// A seat's phone came, moved, or went away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The seat.
    pub seat: SeatId,
    /// Whether any binding is left.
    pub registered: bool,
    /// Where the phone is, or why it is gone: `unregistered`, `expired`, `connection lost`.
    pub detail: String,
}

/// What a REGISTER wants done with one contact.
struct Wish {
    uri: String,
    expires: u32,
    preference: u16,
}

/// The bindings of all seats.
#[derive(Debug, Default)]
pub struct Registrar {
    seats: BTreeMap<SeatId, Vec<Contact>>,
    expiries: TimerQueue<(SeatId, u64)>,
    changes: VecDeque<Changed>,
    last: u64,
}

impl Registrar {
    /// No bindings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out a REGISTER whose sender was authenticated as `seat` (§10.3 steps 3–5): all of
    /// it, or nothing.
    pub fn register(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: &Message<'_>,
        path: Path,
    ) -> RegisterAnswer {
        self.expire(now);
        let before = self.reachable_at(seat);
        let done = match wishes(request) {
            Ok(Wanted::List) => Ok(()),
            Ok(Wanted::RemoveAll) => self.remove_all(seat, request),
            Ok(Wanted::Update(wishes)) => self.update(now, seat, request, path, wishes),
            Err(answer) => Err(answer),
        };
        if let Err(answer) = done {
            return answer;
        }
        self.note_change(seat, before.as_ref(), "unregistered");
        RegisterAnswer {
            status: 200,
            headers: self
                .contacts(seat)
                .iter()
                .map(|contact| ("Contact", listed(contact, now)))
                .collect(),
        }
    }

    /// The contact to call: the most preferred, of equals the latest heard of.
    pub fn contact(&self, seat: SeatId) -> Option<&Contact> {
        self.contacts(seat)
            .iter()
            .max_by_key(|contact| (contact.preference, contact.refreshed, contact.number))
    }

    /// All contacts of a seat, the oldest first.
    pub fn contacts(&self, seat: SeatId) -> &[Contact] {
        self.seats.get(&seat).map_or(&[], Vec::as_slice)
    }

    /// Removes what has expired at `now`.
    pub fn expire(&mut self, now: Instant) {
        while let Some((_, (seat, number))) = self.expiries.pop_due(now) {
            self.remove_where(seat, "expired", |contact| contact.number == number);
        }
    }

    /// When to call [`Registrar::expire`] next.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.expiries.next_due()
    }

    /// A connection closed, or a datagram could not be delivered: nobody can be reached that way
    /// (RFC 5626 §5.3's reason).
    pub fn path_lost(&mut self, path: &Path) {
        let on_it = |contact: &Contact| contact.path.is_lost_with(path);
        let seats: Vec<_> = self
            .seats
            .iter()
            .filter(|(_, contacts)| contacts.iter().any(on_it))
            .map(|(&seat, _)| seat)
            .collect();
        for seat in seats {
            self.remove_where(seat, "connection lost", on_it);
        }
    }

    /// The next change to tell; `None` when all was taken.
    pub fn poll_change(&mut self) -> Option<Changed> {
        self.changes.pop_front()
    }

    /// `Contact: *` with `Expires: 0` (§10.3 step 6). A binding of the same Call-ID must be older
    /// than the request.
    fn remove_all(&mut self, seat: SeatId, request: &Message<'_>) -> Result<(), RegisterAnswer> {
        let stale = self
            .contacts(seat)
            .iter()
            .any(|contact| contact.is_newer(request));
        if stale {
            return Err(RegisterAnswer::plain(500));
        }
        for contact in self.seats.remove(&seat).unwrap_or_default() {
            self.expiries.stop((seat, contact.number));
        }
        Ok(())
    }

    /// Adds, refreshes and removes the contacts a REGISTER names (§10.3 step 7).
    fn update(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: &Message<'_>,
        path: Path,
        wishes: Vec<Wish>,
    ) -> Result<(), RegisterAnswer> {
        let mut contacts = self.contacts(seat).to_vec();
        let mut last = self.last;
        for wish in wishes {
            let known = contacts
                .iter()
                .position(|contact| same(&contact.uri, &wish.uri));
            let number = match known.map(|at| contacts.remove(at)) {
                Some(old) if old.is_newer(request) => return Err(RegisterAnswer::plain(500)),
                Some(old) => old.number,
                None => {
                    last += 1;
                    last
                }
            };
            if wish.expires > 0 {
                contacts.push(Contact {
                    uri: wish.uri,
                    path,
                    expires: now + Duration::from_secs(u64::from(wish.expires)),
                    preference: wish.preference,
                    refreshed: now,
                    call_id: request.call_id().to_vec(),
                    cseq: request.cseq().0,
                    number,
                });
            }
        }
        if contacts.len() > CONTACTS_PER_SEAT {
            return Err(RegisterAnswer::plain(403));
        }
        self.last = last;
        self.expiries.stop_range((seat, 0), (seat, u64::MAX));
        for contact in &contacts {
            self.expiries.set((seat, contact.number), contact.expires);
        }
        if contacts.is_empty() {
            self.seats.remove(&seat);
        } else {
            self.seats.insert(seat, contacts);
        }
        Ok(())
    }

    fn remove_where(&mut self, seat: SeatId, why: &str, gone: impl Fn(&Contact) -> bool) {
        let before = self.reachable_at(seat);
        let Some(contacts) = self.seats.get_mut(&seat) else {
            return;
        };
        for contact in contacts.extract_if(.., |contact| gone(contact)) {
            self.expiries.stop((seat, contact.number));
        }
        if contacts.is_empty() {
            self.seats.remove(&seat);
        }
        self.note_change(seat, before.as_ref(), why);
    }

    fn reachable_at(&self, seat: SeatId) -> Option<(String, Path)> {
        self.contact(seat)
            .map(|contact| (contact.uri.clone(), contact.path))
    }

    /// Tells a change of what `contact` says; a refresh changes nothing.
    fn note_change(&mut self, seat: SeatId, before: Option<&(String, Path)>, why: &str) {
        let after = self.reachable_at(seat);
        if after.as_ref() == before {
            return;
        }
        self.changes.push_back(Changed {
            seat,
            registered: after.is_some(),
            detail: after.map_or_else(|| why.to_owned(), |(uri, path)| format!("{uri} by {path}")),
        });
    }
}

impl Contact {
    /// Whether the binding was made by a later REGISTER of the same series (§10.3 step 7).
    fn is_newer(&self, request: &Message<'_>) -> bool {
        self.call_id == request.call_id() && self.cseq >= request.cseq().0
    }
}

enum Wanted {
    /// No Contact: the peer asks for the list.
    List,
    RemoveAll,
    Update(Vec<Wish>),
}

/// What a REGISTER asks for (§10.3 steps 6 and 7).
fn wishes(request: &Message<'_>) -> Result<Wanted, RegisterAnswer> {
    let written = request.values(Name::Contact).count();
    let values: Vec<_> = request.contacts().collect();
    if values.len() != written {
        return Err(RegisterAnswer::plain(400));
    }
    let all = values
        .iter()
        .any(|value| matches!(value, ContactValue::All));
    match (values.len(), all) {
        (0, _) => Ok(Wanted::List),
        (1, true) if request.expires() == Some(0) => Ok(Wanted::RemoveAll),
        (_, true) => Err(RegisterAnswer::plain(400)),
        _ => values
            .iter()
            .filter_map(|value| value.address())
            .map(|address| wish(&address, request.expires()))
            .collect::<Result<_, _>>()
            .map(Wanted::Update),
    }
}

fn wish(address: &NameAddr<'_>, expires: Option<u32>) -> Result<Wish, RegisterAnswer> {
    // Nobody could be called at another scheme, nor by a URI that is no text.
    let uri = match core::str::from_utf8(address.uri.raw) {
        Ok(uri) if address.uri.is_sip() => uri.to_owned(),
        _ => return Err(RegisterAnswer::plain(400)),
    };
    // The contact's own time goes before the header's (§10.2.1.1).
    let asked = address.expires().or(expires).unwrap_or(REGISTRATION_MAX_S);
    if (1..REGISTRATION_MIN_S).contains(&asked) {
        return Err(RegisterAnswer {
            status: 423,
            headers: vec![("Min-Expires", REGISTRATION_MIN_S.to_string())],
        });
    }
    Ok(Wish {
        uri,
        expires: asked.min(REGISTRATION_MAX_S),
        preference: address.preference(),
    })
}

/// Whether two contacts are one (§19.1.4).
fn same(a: &str, b: &str) -> bool {
    match (Uri::parse(a.as_bytes()), Uri::parse(b.as_bytes())) {
        (Some(a), Some(b)) => a.equals(&b),
        _ => a == b,
    }
}

/// A binding in a 200 (§10.3 step 8).
fn listed(contact: &Contact, now: Instant) -> String {
    let seconds = contact.expires.since(now).as_secs();
    let mut value = format!("<{}>;expires={seconds}", contact.uri);
    if contact.preference < 1_000 {
        value.push_str(&format!(";q=0.{:03}", contact.preference));
    }
    value
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

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
    fn a_further_contact_is_refused_and_none_displaced() {
        let mut desk = Desk::new();
        for n in 0..CONTACTS_PER_SEAT {
            let lines = format!("Contact: <sip:a{n}@h>\r\n");
            assert_eq!(desk.send(0, "a", 1 + n as u32, &lines).status, 200);
        }
        assert_eq!(
            desk.send(0, "z", 1, "Contact: <sip:evil@h>\r\n").status,
            403
        );
        assert_eq!(desk.uris().len(), CONTACTS_PER_SEAT);
        // One out, one in, in one request.
        let swap = "Contact: <sip:a0@h>;expires=0, <sip:new@h>\r\n";
        assert_eq!(desk.send(0, "a", 99, swap).status, 200);
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
        desk.registrar.expire(at(30));
        assert_eq!(desk.uris(), ["sip:b@h"]);
        let answer = desk.send(40, "c", 1, "");
        assert_eq!(
            answer.headers,
            [("Contact", "<sip:b@h>;expires=50;q=0.500".to_owned())]
        );
        desk.registrar.path_lost(&tcp(1));
        assert_eq!(desk.uris(), ["sip:b@h"]);
        desk.registrar.path_lost(&tcp(2));
        assert!(desk.uris().is_empty());
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
}
