//! A browser's leg from its first check to sound, and what others send to the same port.

use proptest::prelude::*;

use super::*;
use crate::secure::{
    dtls::tests::{BOTH, Client, identity},
    ice::SEED_BYTES,
    srtp::{OVERHEAD_BYTES, Profile},
};

const START: Instant = Instant::START;

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], port))
}

/// A leg and its browser.
fn pair() -> (Channel, Client) {
    let identity = identity();
    let client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let ours = Credentials::random(&[9; SEED_BYTES]);
    (Channel::new(identity, ours, client.fingerprint), client)
}

fn check(channel: &Channel, nominates: bool) -> Vec<u8> {
    let ours = channel.agent.credentials();
    let username = format!("{}:them", ours.ufrag.as_str());
    let mut room = [0; 200];
    let password = ours.password().as_bytes();
    stun::request(&[1; 12], &username, password, nominates, &mut room)
        .unwrap()
        .to_vec()
}

fn sent(channel: &mut Channel) -> Vec<(SocketAddr, Vec<u8>)> {
    let (mut room, mut all) = (BytesMut::new(), Vec::new());
    while let Some(transmit) = channel.poll_transmit(&mut room) {
        all.push((transmit.to, transmit.bytes.to_vec()));
    }
    all
}

/// Runs the handshake to its end.
fn secure(channel: &mut Channel, client: &mut Client, from: SocketAddr) {
    let mut secured = false;
    for _ in 0..20 {
        for mut datagram in client.sent() {
            secured |= channel.handle_datagram(START, from, &mut datagram) == Heard::Secured;
        }
        for (to, datagram) in sent(channel) {
            assert_eq!(to, from);
            client.read(START, &datagram);
        }
    }
    assert!(secured && client.done && channel.is_secured());
}

fn rtp(sequence: u8) -> [u8; 40 + OVERHEAD_BYTES] {
    let mut packet = [5; 40 + OVERHEAD_BYTES];
    packet[..4].copy_from_slice(&[0x80, 8, 0, sequence]);
    packet
}

#[test]
fn a_browser_checks_shakes_hands_and_talks() {
    let (mut channel, mut client) = pair();
    assert!(!channel.has_consent(START));
    let mut first = check(&channel, true);
    assert_eq!(ufrag_of(&first), Some(channel.ufrag()));
    let heard = channel.handle_datagram(START, at(1), &mut first);
    assert_eq!(heard, Heard::Moved(at(1)));
    let answers = sent(&mut channel);
    assert_eq!((answers.len(), answers[0].0), (1, at(1)));
    assert_eq!(answers[0].1[..2], [1, 1]);
    assert!(channel.next_wake().is_some() && channel.has_consent(START));
    let mut early = rtp(1);
    let heard = channel.handle_datagram(START, at(1), &mut early);
    assert_eq!(heard, Heard::Dropped(Dropped::Early));
    assert_eq!(channel.protect_rtp(&mut rtp(1), 40), None);
    secure(&mut channel, &mut client, at(1));
    assert_eq!(channel.next_wake(), None);

    // Both ways, sound and reports.
    let (sending, receiving) = client.keys(Profile::AeadAes128Gcm);
    let mut browser = Guard::new(&sending, &receiving).unwrap();
    let mut packet = rtp(1);
    let length = channel.protect_rtp(&mut packet, 40).unwrap().unwrap();
    assert_eq!(browser.open_rtp(&mut packet[..length]), Ok(40));
    let mut packet = rtp(2);
    let length = browser.protect_rtp(&mut packet, 40).unwrap();
    let mut copy = packet;
    let heard = channel.handle_datagram(START, at(1), &mut packet[..length]);
    assert_eq!(heard, Heard::Rtp(&mut rtp(2)[..40]));
    let heard = channel.handle_datagram(START, at(1), &mut copy[..length]);
    assert_eq!(heard, Heard::Dropped(Dropped::Packet(Refusal::Replayed)));
    let mut report = rtp(0);
    report[1] = 200;
    let length = browser.protect_rtcp(&mut report, 40).unwrap();
    let heard = channel.handle_datagram(START, at(1), &mut report[..length]);
    assert!(matches!(heard, Heard::Rtcp(packet) if packet.len() == 40));

    // The browser moves to another network, and is followed when it says so.
    let mut packet = rtp(3);
    let length = browser.protect_rtp(&mut packet, 40).unwrap();
    let heard = channel.handle_datagram(START, at(2), &mut packet[..length]);
    assert_eq!(heard, Heard::Dropped(Dropped::Stranger));
    let later = START + Duration::from_secs(ICE_CONSENT_S);
    assert!(!channel.has_consent(later));
    let mut again = check(&channel, true);
    let heard = channel.handle_datagram(later, at(2), &mut again);
    assert_eq!(heard, Heard::Moved(at(2)));
    assert!(channel.has_consent(later) && channel.peer() == Some(at(2)));
    let heard = channel.handle_datagram(later, at(2), &mut packet[..length]);
    assert!(matches!(heard, Heard::Rtp(_)));
    let mut old = rtp(4);
    let heard = channel.handle_datagram(later, at(1), &mut old);
    assert_eq!(heard, Heard::Dropped(Dropped::Stranger));
}

#[test]
fn a_strangers_hello_costs_nothing() {
    let (mut channel, mut client) = pair();
    for mut hello in client.sent() {
        let heard = channel.handle_datagram(START, at(1), &mut hello);
        assert_eq!(heard, Heard::Dropped(Dropped::Stranger));
    }
    assert!(channel.handshake.is_none() && sent(&mut channel).is_empty());
    // A check that is not authentic is answered as it must be, and opens nothing.
    let other = Channel::new(
        identity(),
        Credentials::random(&[8; SEED_BYTES]),
        channel.peer,
    );
    let mut forged = check(&other, true);
    let heard = channel.handle_datagram(START, at(1), &mut forged);
    assert_eq!(heard, Heard::Dropped(Dropped::Check));
    assert_eq!(sent(&mut channel)[0].1[..2], [1, 0x11]);
    assert!(channel.handshake.is_none() && channel.peer().is_none());
}

#[test]
fn a_handshake_that_fails_is_said_once() {
    let (mut channel, _) = pair();
    let mut first = check(&channel, true);
    channel.handle_datagram(START, at(1), &mut first);
    let due = channel.next_wake().unwrap();
    assert_eq!(
        channel.handle_timeout(due),
        Heard::Failed(Failure::TimedOut)
    );
    assert_eq!(channel.handle_timeout(due), Heard::Nothing);
    assert_eq!(channel.next_wake(), None);
}

#[test]
fn the_first_byte_says_what_a_datagram_is() {
    for first in 0..=255_u8 {
        let expected = match first {
            0..=3 => Some(Kind::Stun),
            20..=63 => Some(Kind::Dtls),
            128..=191 => Some(Kind::Rtp),
            _ => None,
        };
        assert_eq!(Kind::of(&[first, 8]), expected);
    }
    for second in 0..=255_u8 {
        let report = (192..=223).contains(&second);
        assert_eq!(Kind::of(&[0x80, second]) == Some(Kind::Rtcp), report);
    }
    assert_eq!((Kind::of(&[]), Kind::of(&[0x80])), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_datagrams_make_it_panic(
        datagrams in proptest::collection::vec(
            (proptest::sample::select(vec![0_u8, 20, 21, 22, 23, 0x80]),
             proptest::collection::vec(any::<u8>(), 0..120)), 0..40),
    ) {
        let (mut channel, _) = pair();
        let mut first = check(&channel, true);
    channel.handle_datagram(START, at(1), &mut first);
        for (first, mut datagram) in datagrams {
            if let [byte, major, minor, .., _] = &mut datagram[..] {
                (*byte, *major, *minor) = (first, 254, 253);
            }
            let length = datagram.len();
            if let Some(field) = datagram.get_mut(11..13) {
                field.copy_from_slice(&((length - 13) as u16).to_be_bytes());
            }
            let _ = channel.handle_datagram(START, at(1), &mut datagram);
            let _ = sent(&mut channel);
        }
    }
}
