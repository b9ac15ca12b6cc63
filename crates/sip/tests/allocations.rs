//! Parsing and reading a message allocates nothing, whatever the message; framing and answering it
//! allocate in proportion to it.

#![cfg(test)]

mod dice;

use core::{hint::black_box, net::SocketAddr, time::Duration};

use dice::Dice;
use hotline_model::Instant;
use hotline_sip::{
    digest::Fields,
    endpoint::{Endpoint, EndpointSettings},
    framing::{Framed, StreamBuffer},
    message::{Contact, Framing, Message, Name, NameAddr, Via},
    path::Path,
};

const INVITE: &[u8] = b"INVITE sip:12345@10.0.0.1:5060;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK776asdhds;rport\r\n\
Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bKnashds8;received=10.0.0.8\r\n\
Max-Forwards: 69\r\n\
Record-Route: <sip:10.0.0.9;lr>\r\n\
From: \"\xe5\xbc\xa0\xe4\xb8\x89\" <sip:13800000000@10.0.0.9>;tag=1928301774\r\n\
To: <sip:12345@10.0.0.1>\r\n\
Call-ID: a84b4c76e66710@10.0.0.9\r\n\
CSeq: 314159 INVITE\r\n\
Contact: <sip:13800000000@10.0.0.9:5060;transport=udp>\r\n\
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE\r\n\
Supported: 100rel, timer\r\n\
P-Asserted-Identity: <sip:+8613800000000@10.0.0.9;user=phone>\r\n\
Session-Expires: 1800;refresher=uac\r\n\
User-Agent: trunk\r\n\
Subject: folded\r\n value\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 5\r\n\r\nv=0\r\n";

const REGISTER: &[u8] = b"REGISTER sip:[2001:db8::1] SIP/2.0\r\n\
v: SIP/2.0/TCP [2001:db8::2]:5060;branch=z9hG4bKnashds7;rport\r\n\
Max-Forwards: 70\r\n\
f: \"Seat 1001\" <sip:1001@hotline>;tag=456248\r\n\
t: <sip:1001@hotline>\r\n\
i: 843817637684230@998sdasdh09\r\n\
CSeq: 1826 REGISTER\r\n\
m: <sip:1001@[2001:db8::2]:5060>;expires=300;q=0.8;+sip.instance=\"<urn:uuid:0>\"\r\n\
Expires: 7200\r\n\
Authorization: Digest username=\"1001\", realm=\"hotline\", nonce=\"84a4cc6f3082121f32b42a2187831a9e\",\r\n \
uri=\"sip:hotline\", response=\"7587245234b3434cc3412213e5f113a5\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"1\"\r\n\
l: 0\r\n\r\n";

/// Everything the core asks of an INVITE or a REGISTER.
fn read(bytes: &[u8]) {
    let message = Message::parse(bytes, Framing::Datagram).unwrap();
    black_box((message.method(), message.uri(), message.uri().host.ip()));
    let via = message.via();
    black_box((via.branch(), via.rport(), via.received(), via.host.ip()));
    black_box((message.vias().count(), message.record_routes().count()));
    black_box((
        message.from().tag(),
        message.to().tag(),
        message.from().uri.user_text(),
    ));
    black_box((
        message.call_id(),
        message.cseq(),
        message.max_forwards(),
        message.expires(),
    ));
    for contact in message.contacts().filter_map(Contact::address) {
        black_box((
            contact.uri,
            contact.expires(),
            contact.preference(),
            contact.params.get("+sip.instance"),
        ));
    }
    black_box((
        message.supports("timer"),
        message.requires("100rel"),
        message.allow().count(),
    ));
    black_box((
        message.accepts("application/sdp"),
        message.content_type(),
        message.body(),
    ));
    black_box(message.addresses(Name::PAssertedIdentity).count());
    black_box(message.header_by_text("x-unknown"));
    black_box(message.authorizations().filter_map(Fields::parse).count());
}

#[test]
fn an_invite_is_read_without_heap() {
    let info = allocation_counter::measure(|| read(INVITE));
    assert_eq!((info.count_total, info.bytes_total), (0, 0));
}

#[test]
fn a_register_is_read_without_heap() {
    let info = allocation_counter::measure(|| read(REGISTER));
    assert_eq!((info.count_total, info.bytes_total), (0, 0));
}

#[test]
fn a_malformed_message_is_refused_without_heap() {
    let info = allocation_counter::measure(|| {
        for length in 0..INVITE.len() {
            let refused = Message::parse(&INVITE[..length], Framing::Datagram).unwrap_err();
            black_box((refused.status, refused.via(), refused.only(Name::CallId)));
        }
    });
    assert_eq!(info.count_total, 0);
}

/// The counter counts: a test that could not fail would prove nothing.
#[test]
fn an_allocation_is_seen() {
    let info = allocation_counter::measure(|| drop(black_box(vec![1_u8; 100])));
    assert_eq!(info.count_total, 1);
}

const RESPONSE: &[u8] = b"SIP/2.0 407 Proxy Authentication Required\r\n\
v: SIP/2.0/UDP 10.0.0.1;received=10.0.0.2;rport=5062;branch=z9hG4bK1\r\n\
f: a<sip:a@h>;tag=1\r\nt: sip:b@h;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nRetry-After: 5 (busy)\r\n\
Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\"\r\nl: 0\r\n\r\n";

/// What means something to the grammar, so that mutations hit its joints.
const JOINTS: &[&[u8]] = &[
    b"\r\n",
    b"\r",
    b"\n",
    b"\r\n ",
    b"\r\n\r\n",
    b" ",
    b";",
    b";;",
    b",",
    b":",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"@",
    b"=",
    b"?",
    b"%",
    b"%00",
    b"/",
    b"[",
    b"[::1]",
    b":::",
    b"*",
    b"\0",
    b"SIP/2.0",
    b"sip:",
    b"tel:",
    b"Via: ",
    b"l: ",
    b"4294967296",
    b"-1",
    b"tag=",
    b"branch=",
    b"\xBF\\",
    b"\xFF",
];

/// Changes `message` in one to five places.
fn mutate(dice: &mut Dice, message: &mut Vec<u8>) {
    for _ in 0..=dice.below(5) {
        let length = message.len();
        if length == 0 {
            return;
        }
        let at = dice.below(length);
        let end = (at + dice.below(40)).min(length);
        match dice.below(8) {
            0 => message.truncate(at),
            1 | 2 => drop(message.drain(at..end)),
            3 => message[at] = dice.roll() as u8,
            4 => message.extend_from_within(at..end),
            _ => drop(message.splice(at..at, dice.pick(JOINTS).iter().copied())),
        }
    }
}

/// Everything that can be asked of any message.
fn read_any(message: &Message<'_>) {
    for (written, name, value) in message.all_headers() {
        black_box((written, message.header(name), Fields::parse(value)));
        black_box((NameAddr::parse(value), Via::parse(value)));
    }
    for address in [Some(message.from()), Some(message.to()), message.contact()] {
        let address = address.unwrap_or(message.from());
        black_box((address.tag(), address.expires(), address.preference()));
        black_box((address.uri.equals(&message.uri()), address.uri.host.ip()));
    }
    let via = message.via();
    black_box((via.branch(), via.rport(), via.received(), via.maddr()));
    black_box((message.vias().count(), message.routes().count()));
    black_box((message.expires(), message.retry_after(), message.body()));
    black_box((message.allow().count(), message.supports("timer")));
    black_box((message.accepts("application/sdp"), message.content_type()));
    black_box((message.has_content_encoding(), message.has_optional_body()));
}

/// Parses and reads; says whether it was a message. A refused one is read as far as an answer
/// wants it.
fn parse_any(bytes: &[u8], framing: Framing) -> bool {
    match Message::parse(bytes, framing) {
        Ok(message) => {
            read_any(&message);
            true
        }
        Err(refused) => {
            black_box((refused.status, refused.via(), refused.only(Name::CallId)));
            false
        }
    }
}

/// A message arrives in three pieces, behind and before another.
fn frame(bytes: &[u8]) {
    let mut buffer = StreamBuffer::new();
    for piece in [&b"\r\n"[..], bytes, REGISTER] {
        buffer.push(piece);
        while let Some(framed) = buffer.next_framed() {
            if let Framed::Message(bytes) = framed {
                black_box(parse_any(bytes, Framing::Stream));
            }
        }
    }
}

/// Bytes that framing may allocate in all: the buffer grows by doubling, and holds two messages
/// and a half.
const fn framing_bytes(length: usize) -> u64 {
    4 * (length as u64 + REGISTER.len() as u64 + 64)
}

/// Bytes an endpoint may allocate in all to take in a message of `length`: its state, a copy or two
/// of the message, and an answer that repeats parts of it.
const fn endpoint_bytes(length: usize) -> u64 {
    8 * length as u64 + 16_384
}

/// `count` mutations from `seed` on: no panic; no heap for parsing and reading; for every tenth,
/// bounded heap in framing and in an endpoint.
fn mutate_many(seed: u64, count: u64) {
    let mut bytes = Vec::with_capacity(64 * 1_024);
    let mut accepted = 0_u64;
    let mut endpoint = Endpoint::new(EndpointSettings::new("hotline", "hotline", "h"), [1; 32]);
    let path = Path::udp(
        SocketAddr::from(([10, 0, 0, 1], 5060)),
        SocketAddr::from(([10, 0, 0, 9], 5060)),
    );
    let mut now = Instant::START;
    for seed in seed..seed + count {
        let mut dice = Dice::new(seed);
        bytes.clear();
        bytes.extend_from_slice(dice.pick(&[INVITE, INVITE, REGISTER, RESPONSE]));
        mutate(&mut dice, &mut bytes);
        let framing = [Framing::Datagram, Framing::Stream][usize::from(seed % 4 == 3)];
        let parsed = allocation_counter::measure(|| {
            accepted += u64::from(parse_any(&bytes, framing));
        });
        assert_eq!(parsed.bytes_total, 0, "seed {seed}");
        if seed % 10 == 0 {
            let framed = allocation_counter::measure(|| frame(&bytes));
            let most = framing_bytes(bytes.len());
            assert!(framed.bytes_total <= most, "seed {seed}: {framed:?}");
            let taken = allocation_counter::measure(|| endpoint.receive(now, path, &bytes));
            let most = endpoint_bytes(bytes.len());
            assert!(taken.bytes_total <= most, "seed {seed}: {taken:?}");
            while endpoint.poll_output().is_some() {}
            now = now + Duration::from_secs(1);
            endpoint.wake(now);
            while endpoint.poll_output().is_some() {}
        }
    }
    assert!(accepted > count / 20, "{accepted} were messages still");
    assert!(accepted < count / 20 * 19, "{accepted} were messages still");
}

// A million, in parts that run beside each other.

#[test]
fn the_first_250_000_mutations_are_met_without_heap() {
    mutate_many(0, 250_000);
}

#[test]
fn the_second_250_000_mutations_are_met_without_heap() {
    mutate_many(250_000, 250_000);
}

#[test]
fn the_third_250_000_mutations_are_met_without_heap() {
    mutate_many(500_000, 250_000);
}

#[test]
fn the_fourth_250_000_mutations_are_met_without_heap() {
    mutate_many(750_000, 250_000);
}
