//! Parsing and reading a message allocates nothing.

#![cfg(test)]

use core::hint::black_box;

use hotline_sip::{
    digest::Fields,
    message::{Contact, Framing, Message, Name},
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
