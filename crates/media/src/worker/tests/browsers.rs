//! Legs of browsers: nothing before the handshake, and sound both ways after it.

use super::*;
use crate::{
    sdp::Fingerprint,
    secure::{
        dtls::tests::{BOTH, Client, identity},
        ice::{Credentials, SEED_BYTES},
        srtp::{Guard, OVERHEAD_BYTES, Profile},
        stun,
    },
};

pub(super) const C: LegId = LegId(33);
pub(super) const AT: Slot = Slot(2);

pub(super) fn there(port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], port))
}

pub(super) fn ice() -> Credentials {
    Credentials::random(&[9; SEED_BYTES])
}

fn check() -> Vec<u8> {
    let username = format!("{}:them", ice().ufrag.as_str());
    let mut room = [0; 200];
    let password = ice().password().as_bytes().to_vec();
    let check = stun::request(&[1; 12], &username, &password, true, &mut room);
    check.unwrap().to_vec()
}

fn of_browser(fingerprint: Fingerprint) -> Agreed {
    Agreed {
        remote: "0.0.0.0:9".parse().unwrap(),
        security: Security::Dtls {
            ice: ice(),
            fingerprint,
        },
        ..agreed(A)
    }
}

/// A worker with a browser's leg C, and the browser.
pub(super) fn with_browser() -> (Bench, Client) {
    let identity = identity();
    let client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let mut bench = Bench::new();
    bench.worker.serve_browsers(identity);
    let ufrag = ice().ufrag;
    bench.tell(Command::OpenShared { leg: C, ufrag });
    let opened = Report::Opened {
        leg: C,
        port: 29_000,
    };
    assert_eq!(bench.reports(), [opened]);
    bench.connect(C, of_browser(client.fingerprint));
    (bench, client)
}

fn datagram(bench: &mut Bench, from: SocketAddr, bytes: &[u8]) {
    bench
        .worker
        .handle_packet(bench.now, AT, from, bytes, &mut bench.net);
    bench.check();
}

fn to_browser(bench: &mut Bench) -> Vec<(SocketAddr, Vec<u8>)> {
    let all = core::mem::take(&mut bench.net.sent);
    all.into_iter()
        .filter(|(slot, ..)| *slot == AT)
        .map(|(_, to, bytes)| (to, bytes))
        .collect()
}

/// Checks and shakes hands; the browser's keys.
pub(super) fn secure(bench: &mut Bench, client: &mut Client) -> Guard {
    datagram(bench, there(1), &check());
    assert_eq!(bench.net.found, [(AT, there(1))]);
    for _ in 0..20 {
        for bytes in client.sent() {
            datagram(bench, there(1), &bytes);
        }
        for (to, bytes) in to_browser(bench) {
            assert_eq!(to, there(1));
            if bytes[0] >= 20 {
                client.read(bench.now, &bytes);
            }
        }
    }
    assert!(client.done);
    let (sending, receiving) = client.keys(Profile::AeadAes128Gcm);
    Guard::new(&sending, &receiving).unwrap()
}

pub(super) fn seal(guard: &mut Guard, packet: &[u8]) -> Vec<u8> {
    let mut room = packet.to_vec();
    room.resize(packet.len() + OVERHEAD_BYTES, 0);
    let length = guard.protect_rtp(&mut room, packet.len()).unwrap();
    room.truncate(length);
    room
}

#[test]
fn a_browser_and_a_phone_hear_each_other_after_the_handshake() {
    let (mut bench, mut client) = with_browser();
    bench.tell(Command::Bridge { a: A, b: C });
    // Nobody is there yet: nothing is sent, and nobody heard.
    bench.hear(A, &rtp(8, 1, 160, &[1; 160]));
    datagram(&mut bench, there(1), &rtp(8, 1, 160, &[2; 160]));
    assert_eq!((to_browser(&mut bench), bench.sent(A)), (vec![], vec![]));
    let mut browser = secure(&mut bench, &mut client);
    for n in 2..30_u8 {
        bench.hear(A, &rtp(8, n.into(), 160 * u32::from(n), &[n; 160]));
        let sent = to_browser(&mut bench);
        assert_eq!((sent.len(), sent[0].0), (1, there(1)));
        let mut packet = sent[0].1.clone();
        let length = browser.open_rtp(&mut packet).unwrap();
        assert_eq!(
            RtpReader::new(&packet[..length]).unwrap().payload(),
            [n; 160]
        );
        let said = rtp(8, 900 + u16::from(n), 160 * u32::from(n), &[n + 100; 160]);
        datagram(&mut bench, there(1), &seal(&mut browser, &said));
        assert_eq!(payloads(&bench.sent(A)), [n + 100; 160]);
        bench.pass(20);
    }
    // The same description again (a re-INVITE) changes nothing; a move is followed.
    bench.connect(C, of_browser(client.fingerprint));
    bench.tell(Command::Bridge { a: A, b: C });
    datagram(&mut bench, there(2), &check());
    assert_eq!(bench.net.found.last(), Some(&(AT, there(2))));
    to_browser(&mut bench);
    bench.hear(A, &rtp(8, 30, 160 * 30, &[30; 160]));
    assert_eq!(to_browser(&mut bench)[0].0, there(2));
    // What others send to its place is dropped and counted.
    datagram(
        &mut bench,
        there(1),
        &seal(&mut browser, &rtp(8, 999, 0, &[7; 160])),
    );
    datagram(&mut bench, there(2), &rtp(8, 999, 0, &[7; 160]));
    assert_eq!(bench.sent(A), []);
    bench.tell(Command::Close { leg: C });
    let closed = bench.reports().pop();
    let Some(Report::Closed { stats, .. }) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!((stats.received, stats.not_authentic), (28, 1));
    assert!(stats.strangers >= 1);
}

#[test]
fn a_browser_that_stops_checking_is_sent_nothing() {
    let (mut bench, mut client) = with_browser();
    secure(&mut bench, &mut client);
    let tone = Clip::tone(440, 60_000);
    bench.play(C, &[tone]);
    bench.pass(10_000);
    assert_eq!(to_browser(&mut bench).len(), 500);
    bench.pass(25_000);
    to_browser(&mut bench);
    bench.pass(1_000);
    assert_eq!(to_browser(&mut bench), []);
    datagram(&mut bench, there(1), &check());
    bench.pass(1_000);
    assert!(to_browser(&mut bench).len() >= 50);
}

#[test]
fn a_handshake_that_comes_to_nothing_is_told() {
    let (mut bench, _) = with_browser();
    datagram(&mut bench, there(1), &check());
    bench.pass(40_000);
    let silent = Report::Silent { leg: C };
    assert_eq!(
        bench.reports().iter().filter(|it| **it == silent).count(),
        1
    );
}

#[test]
fn a_browser_that_ends_its_channel_is_given_time_to_say_why() {
    let (mut bench, mut client) = with_browser();
    secure(&mut bench, &mut client);
    for bytes in client.closes() {
        datagram(&mut bench, there(1), &bytes);
    }
    bench.pass(1_900);
    assert_eq!(bench.reports(), [], "its BYE is on the way");
    bench.pass(1_200);
    let silent = [Report::Silent { leg: C }];
    assert_eq!(bench.reports(), silent);
    bench.pass(60_000);
    assert!(!bench.reports().contains(&silent[0]), "told once");
}

#[test]
fn without_a_certificate_no_browser_is_connected() {
    let mut bench = Bench::new();
    let ufrag = ice().ufrag;
    bench.tell(Command::OpenShared { leg: C, ufrag });
    bench.connect(C, of_browser(Fingerprint([1; 32])));
    assert_eq!(bench.worker.counts().commands_dropped, 1);
    datagram(&mut bench, there(1), &check());
    assert_eq!(to_browser(&mut bench), []);
}
