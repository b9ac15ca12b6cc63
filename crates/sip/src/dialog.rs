//! A dialog (RFC 3261 §12): who talks with whom, by which way, and where the sequence stands.

use core::net::SocketAddr;

use crate::{
    message::{Message, Name, NameAddr, Uri, unfold},
    path::Path,
};

/// A dialog's state (§12): identifiers, addresses, route set, sequence numbers.
///
/// The dialog also keeps the path its peer was last heard by. Our requests go that way and not to
/// wherever Contact or Route point: a phone behind NAT writes an address nobody can reach, and a
/// carrier's gateway answers where it asks from. Only when a TCP connection is gone is the address
/// in the route set or the remote target tried ([`Dialog::reroute`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    call_id: Vec<u8>,
    local: Vec<u8>,
    local_tag: Vec<u8>,
    remote: Vec<u8>,
    remote_tag: RemoteTag,
    target: Vec<u8>,
    routes: Vec<Vec<u8>>,
    local_seq: u32,
    remote_seq: Option<u32>,
    path: Path,
    owns_call_id: bool,
}

/// What is known of the peer's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RemoteTag {
    /// Nothing: our INVITE has no final response, and any fork may speak.
    Unknown,
    /// A peer of RFC 2543 has none (§12.1.1).
    Absent,
    Is(Vec<u8>),
}

impl From<Option<&[u8]>> for RemoteTag {
    fn from(tag: Option<&[u8]>) -> Self {
        tag.map_or(Self::Absent, |tag| Self::Is(tag.to_vec()))
    }
}

/// What our INVITE said of the dialog it asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Call-ID.
    pub call_id: &'a [u8],
    /// From value, with tag.
    pub local: &'a [u8],
    /// The tag in it.
    pub local_tag: &'a [u8],
    /// To value.
    pub remote: &'a [u8],
    /// Request-URI.
    pub target: &'a [u8],
    /// CSeq number.
    pub sequence: u32,
}

/// Where a request in a dialog goes by its headers: its Request-URI and its Route values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressing {
    /// Request-URI.
    pub target: Vec<u8>,
    /// Route header values, in order.
    pub routes: Vec<Vec<u8>>,
}

impl Dialog {
    /// The dialog an incoming INVITE asks for (§12.1.1). `local_tag` goes into our To.
    pub fn of_invite(invite: &Message<'_>, local_tag: &str, path: Path) -> Self {
        let mut local = owned(invite.header(Name::To).unwrap_or_default());
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(local_tag.as_bytes());
        Self {
            call_id: invite.call_id().to_vec(),
            local,
            local_tag: local_tag.as_bytes().to_vec(),
            remote: owned(invite.header(Name::From).unwrap_or_default()),
            remote_tag: invite.from().tag().into(),
            // Without Contact, which RFC 3261 §8.1.1.8 asks for, From is the best there is.
            target: invite.contact().unwrap_or(invite.from()).uri.raw.to_vec(),
            routes: invite.record_routes().map(owned).collect(),
            local_seq: 0,
            remote_seq: Some(invite.cseq().0),
            path,
            owns_call_id: false,
        }
    }

    /// The dialog our INVITE asks for, before any answer.
    pub fn asked(asked: &Asked<'_>, path: Path) -> Self {
        Self {
            call_id: asked.call_id.to_vec(),
            local: asked.local.to_vec(),
            local_tag: asked.local_tag.to_vec(),
            remote: asked.remote.to_vec(),
            remote_tag: RemoteTag::Unknown,
            target: asked.target.to_vec(),
            routes: Vec::new(),
            local_seq: asked.sequence,
            remote_seq: None,
            path,
            owns_call_id: true,
        }
    }

    /// The dialog a 2xx to our INVITE makes (§12.1.2). Without Contact, which §12.1.1 asks for,
    /// the INVITE's Request-URI stays the target.
    pub fn of_answer(response: &Message<'_>, asked: &Asked<'_>, path: Path) -> Self {
        let mut routes: Vec<_> = response.record_routes().map(owned).collect();
        routes.reverse();
        let mut dialog = Self {
            remote: owned(response.header(Name::To).unwrap_or_default()),
            remote_tag: response.to().tag().into(),
            routes,
            ..Self::asked(asked, path)
        };
        dialog.refresh_target(response);
        dialog
    }

    /// Goes on from the early dialog that `response` confirms (§13.2.2.4): the sequence numbers
    /// continue, and where the response names no target the early one stays.
    pub fn continues(&mut self, early: &Self, response: &Message<'_>) {
        self.local_seq = self.local_seq.max(early.local_seq);
        self.remote_seq = early.remote_seq;
        self.target.clone_from(&early.target);
        self.refresh_target(response);
    }

    /// Whether `message`, which came from the peer, carries this dialog's tag of the peer: in From
    /// of a request, in To of a response.
    pub fn is_spoken_of_by(&self, message: &Message<'_>) -> bool {
        let tag = if message.is_request() {
            message.from().tag()
        } else {
            message.to().tag()
        };
        match &self.remote_tag {
            RemoteTag::Is(ours) => tag == Some(ours.as_slice()),
            RemoteTag::Absent => tag.is_none(),
            RemoteTag::Unknown => false,
        }
    }

    /// Whether `request` belongs to this dialog (§12.2.2).
    pub fn owns(&self, request: &Message<'_>) -> bool {
        request.call_id() == self.call_id
            && request.to().tag() == Some(self.local_tag.as_slice())
            && match &self.remote_tag {
                RemoteTag::Unknown => true,
                RemoteTag::Absent => request.from().tag().is_none(),
                RemoteTag::Is(tag) => request.from().tag() == Some(tag),
            }
    }

    /// Whether this is the dialog of that Call-ID and those tags, in full (RFC 3891 §3). `0`
    /// stands for the tag of a peer that has none (RFC 3891 §6.1); with the tag of a peer that has
    /// not answered yet nothing can be equal.
    pub fn is_named(&self, call_id: &[u8], ours: &[u8], theirs: &[u8]) -> bool {
        self.call_id == call_id
            && self.local_tag == ours
            && match &self.remote_tag {
                RemoteTag::Unknown => false,
                RemoteTag::Absent => theirs == b"0",
                RemoteTag::Is(tag) => tag == theirs,
            }
    }

    /// Takes the sequence number of a new request; `false` where it is out of order, which is
    /// answered 500 (§12.2.2). A number seen before is out of order too: the transaction layer
    /// has already taken out what is only a retransmission.
    #[must_use]
    pub fn take_sequence(&mut self, number: u32) -> bool {
        let in_order = self.remote_seq.is_none_or(|last| number > last);
        if in_order {
            self.remote_seq = Some(number);
        }
        in_order
    }

    /// The peer was heard by `path`: ours go that way from now on.
    pub const fn follow(&mut self, path: Path) {
        self.path = path;
    }

    /// Takes the remote target of a target refresh request, or of the answer to ours (§12.2).
    pub fn refresh_target(&mut self, message: &Message<'_>) {
        if let Some(contact) = message.contact() {
            self.target = contact.uri.raw.to_vec();
        }
    }

    /// The connection is gone: the next request opens one to where the route set or the remote
    /// target point (§8.1.2), if that is an address, else to the same peer again.
    pub fn reroute(&mut self) {
        if let Some(hop) = self.next_hop() {
            self.path.remote = hop;
        }
        self.path = self.path.afresh();
    }

    fn next_hop(&self) -> Option<SocketAddr> {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route));
        let uri = match first {
            Some(route) => route.uri,
            None => Uri::parse(&self.target)?,
        };
        // A port for another transport would be a guess.
        let transport = uri.transport().unwrap_or(b"udp");
        let same = transport.eq_ignore_ascii_case(self.path.transport.uri_name().as_bytes());
        let address = uri.host.ip()?;
        same.then(|| SocketAddr::new(address, uri.port.unwrap_or(5060)))
    }

    /// Request-URI and Route of the next request (§12.2.1.1).
    pub fn addressing(&self) -> Addressing {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route));
        match first {
            Some(strict) if !strict.uri.is_loose_router() => {
                // A strict router takes its own address as Request-URI; the target goes last.
                let mut last = vec![b'<'];
                last.extend_from_slice(&self.target);
                last.push(b'>');
                let mut routes: Vec<_> = self.routes.iter().skip(1).cloned().collect();
                routes.push(last);
                Addressing {
                    target: strict.uri.raw.to_vec(),
                    routes,
                }
            }
            _ => Addressing {
                target: self.target.clone(),
                routes: self.routes.clone(),
            },
        }
    }

    /// The sequence number of our next request; ACK and CANCEL repeat their INVITE's (§12.2.1.1).
    pub const fn next_sequence(&mut self) -> u32 {
        self.local_seq = self.local_seq.saturating_add(1);
        self.local_seq
    }

    /// Continues after `number`, used by a request of ours outside this value.
    pub fn sequence_at_least(&mut self, number: u32) {
        self.local_seq = self.local_seq.max(number);
    }

    /// Call-ID.
    pub fn call_id(&self) -> &[u8] {
        &self.call_id
    }

    /// Our From value, with tag.
    pub fn local(&self) -> &[u8] {
        &self.local
    }

    /// Our tag.
    pub fn local_tag(&self) -> &[u8] {
        &self.local_tag
    }

    /// Our To value, with the peer's tag.
    pub fn remote(&self) -> &[u8] {
        &self.remote
    }

    /// The peer's tag, if it has one.
    pub fn remote_tag(&self) -> Option<&[u8]> {
        match &self.remote_tag {
            RemoteTag::Is(tag) => Some(tag),
            RemoteTag::Unknown | RemoteTag::Absent => None,
        }
    }

    /// Where our requests go.
    pub const fn path(&self) -> Path {
        self.path
    }

    /// Whether our UA generated the Call-ID: it waits longer after 491 (§14.1).
    pub const fn owns_call_id(&self) -> bool {
        self.owns_call_id
    }

    /// Whether the dialog goes over a connection that `lost` was.
    pub fn is_on(&self, lost: &Path) -> bool {
        self.path.transport.is_reliable() && self.path.is_lost_with(lost)
    }
}

/// A header value as it goes out again: unfolded.
fn owned(value: &[u8]) -> Vec<u8> {
    unfold(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Framing;

    fn path() -> Path {
        Path::udp(
            SocketAddr::from(([10, 0, 0, 1], 5060)),
            SocketAddr::from(([10, 0, 0, 2], 5070)),
        )
    }

    fn invite(extra: &str) -> String {
        format!(
            "INVITE sip:12345@10.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bKa\r\n\
             Max-Forwards: 70\r\n\
             From: \"A\"\r\n <sip:a@x>;tag=fa\r\n\
             To: <sip:12345@10.0.0.1>\r\n\
             Call-ID: c1\r\n\
             CSeq: 7 INVITE\r\n\
             {extra}Content-Length: 0\r\n\r\n"
        )
    }

    fn dialog(extra: &str) -> Dialog {
        let text = invite(extra);
        let message = Message::parse(text.as_bytes(), Framing::Datagram).unwrap();
        Dialog::of_invite(&message, "ours", path())
    }

    #[test]
    fn a_callee_keeps_the_routes_in_order() {
        let dialog = dialog(
            "Contact: <sip:a@10.9.9.9:5099>\r\n\
             Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n",
        );
        let Addressing { target, routes } = dialog.addressing();
        assert_eq!(target, b"sip:a@10.9.9.9:5099");
        assert_eq!(routes, [b"<sip:p1;lr>", b"<sip:p2;lr>", b"<sip:p3;lr>"]);
        assert_eq!(dialog.local(), b"<sip:12345@10.0.0.1>;tag=ours");
        assert_eq!(dialog.remote(), b"\"A\" <sip:a@x>;tag=fa");
        assert!(!dialog.owns_call_id());
    }

    #[test]
    fn a_strict_router_gets_its_own_address() {
        let dialog = dialog(
            "Contact: <sip:a@10.9.9.9>\r\n\
             Record-Route: <sip:strict@p1>, <sip:p2;lr>\r\n",
        );
        let Addressing { target, routes } = dialog.addressing();
        assert_eq!(target, b"sip:strict@p1");
        assert_eq!(routes, [b"<sip:p2;lr>".as_slice(), b"<sip:a@10.9.9.9>"]);
    }

    #[test]
    fn a_caller_reverses_the_routes() {
        let text = "SIP/2.0 200 OK\r\n\
             Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKb\r\n\
             From: <sip:12345@10.0.0.1>;tag=ours\r\n\
             To: <sip:1001@x>;tag=theirs\r\n\
             Call-ID: c2\r\nCSeq: 3 INVITE\r\n\
             Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
             Content-Length: 0\r\n\r\n";
        let message = Message::parse(text.as_bytes(), Framing::Datagram).unwrap();
        let asked = Asked {
            call_id: b"c2",
            local: b"<sip:12345@10.0.0.1>;tag=ours",
            local_tag: b"ours",
            remote: b"<sip:1001@x>",
            target: b"sip:1001@10.0.0.2",
            sequence: 3,
        };
        let mut dialog = Dialog::of_answer(&message, &asked, path());
        let Addressing { target, routes } = dialog.addressing();
        assert_eq!(target, b"sip:1001@10.0.0.2", "no Contact: what was asked");
        assert_eq!(routes, [b"<sip:p2;lr>", b"<sip:p1;lr>"]);
        assert_eq!(dialog.next_sequence(), 4);
        assert!(dialog.owns_call_id());
    }

    #[test]
    fn the_sequence_only_rises() {
        let mut dialog = dialog("Contact: <sip:a@h>\r\n");
        assert!(!dialog.take_sequence(6));
        assert!(!dialog.take_sequence(7));
        assert!(dialog.take_sequence(9));
        assert!(!dialog.take_sequence(8));
    }

    #[test]
    fn a_lost_connection_is_sought_at_the_contact_address() {
        let mut dialog = dialog("Contact: <sip:a@10.9.9.9:5099;transport=tcp>\r\n");
        let flow = Path::tcp(path().local, path().remote, 4);
        dialog.follow(flow);
        assert!(dialog.is_on(&flow));
        dialog.reroute();
        assert_eq!(
            dialog.path().remote,
            SocketAddr::from(([10, 9, 9, 9], 5099))
        );
        assert_eq!(dialog.path().connection, 0);
        let mut named = self::dialog("Contact: <sip:a@phone.example;transport=tcp>\r\n");
        named.follow(flow);
        named.reroute();
        assert_eq!(named.path(), flow.afresh(), "a name is not looked up here");
    }
}
