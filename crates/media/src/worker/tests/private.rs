//! Legs whose packets are protected.

use super::*;
use crate::secure::srtp::{Guard, KEY_BYTES, Keys, Profile, SALT_BYTES};

fn keys(profile: Profile, n: u8) -> Keys {
    Keys::random(profile, &[n; KEY_BYTES + SALT_BYTES])
}

pub(super) const AES: Profile = Profile::AesCm128HmacSha1_80;
pub(super) const GCM: Profile = Profile::AeadAes128Gcm;

/// The engine sends a leg under key `n` and receives under `n + 100`.
pub(super) fn protected(leg: LegId, profile: Profile, n: u8) -> Agreed {
    Agreed {
        security: Security::Sdes {
            sending: keys(profile, n),
            receiving: keys(profile, n + 100),
        },
        ..agreed(leg)
    }
}

/// The phone at the other end of [`protected`].
pub(super) struct Phone(Guard);

impl Phone {
    pub(super) fn new(profile: Profile, n: u8) -> Self {
        Self(Guard::new(&keys(profile, n + 100), &keys(profile, n)).unwrap())
    }

    pub(super) fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut room = packet.to_vec();
        room.resize(packet.len() + 40, 0);
        let length = self.0.protect_rtp(&mut room, packet.len()).unwrap();
        room.truncate(length);
        room
    }

    pub(super) fn seal_report(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut room = packet.to_vec();
        room.resize(packet.len() + 40, 0);
        let length = self.0.protect_rtcp(&mut room, packet.len()).unwrap();
        room.truncate(length);
        room
    }

    fn open(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut room = packet.to_vec();
        let length = self.0.open_rtp(&mut room).unwrap();
        room.truncate(length);
        room
    }
}

fn sound(n: u16) -> Vec<u8> {
    (0..160)
        .map(|at| (at as u8).wrapping_mul(n as u8 | 1))
        .collect()
}

fn packet(n: u16) -> Vec<u8> {
    rtp(8, 500 + n, 160 * u32::from(n), &sound(n))
}

fn raw(bench: &mut Bench, leg: LegId) -> Vec<Vec<u8>> {
    let all = core::mem::take(&mut bench.net.sent);
    let (to_leg, rest) = all.into_iter().partition(|(to, ..)| *to == slot(leg));
    bench.net.sent = rest;
    let to_leg: Vec<(Slot, SocketAddr, Vec<u8>)> = to_leg;
    to_leg.into_iter().map(|(.., bytes)| bytes).collect()
}

fn payload(packet: &[u8]) -> Vec<u8> {
    RtpReader::new(packet).unwrap().payload().to_vec()
}

#[test]
fn a_protected_leg_and_one_in_the_clear_hear_each_other_byte_for_byte() {
    for profile in [AES, GCM, Profile::AesCm128HmacSha1_32] {
        let mut bench = Bench::new();
        bench.connect(A, protected(A, profile, 1));
        bench.bridge();
        let mut phone = Phone::new(profile, 1);
        for n in 0..50 {
            let sealed = phone.seal(&packet(n));
            assert!(!sealed.windows(8).any(|w| w == &sound(n)[..8]));
            bench.hear(A, &sealed);
            let heard = bench.sent(B);
            assert_eq!(heard.len(), 1);
            assert_eq!(heard[0].payload, sound(n));
            bench.hear(B, &packet(n));
            let sent = raw(&mut bench, A);
            assert_eq!(sent.len(), 1);
            assert_ne!(payload(&sent[0])[..160], sound(n));
            assert_eq!(payload(&phone.open(&sent[0])), sound(n));
            bench.pass(20);
        }
        let stats = bench.close(A);
        assert_eq!((stats.received, stats.sent), (50, 50));
        assert_eq!(
            (stats.not_authentic, stats.replayed, stats.malformed),
            (0, 0, 0)
        );
    }
}

#[test]
fn two_protected_legs_hear_each_other_each_under_its_own_keys() {
    let mut bench = Bench::new();
    bench.connect(A, protected(A, AES, 1));
    bench.connect(B, protected(B, GCM, 2));
    bench.bridge();
    let (mut a, mut b) = (Phone::new(AES, 1), Phone::new(GCM, 2));
    for n in 0..20 {
        bench.hear(A, &a.seal(&packet(n)));
        assert_eq!(payload(&b.open(&raw(&mut bench, B)[0])), sound(n));
        bench.hear(B, &b.seal(&packet(n + 3)));
        assert_eq!(payload(&a.open(&raw(&mut bench, A)[0])), sound(n + 3));
    }
}

#[test]
fn forged_replayed_and_bare_packets_are_dropped_and_counted() {
    let mut bench = Bench::new();
    bench.connect(A, protected(A, AES, 1));
    bench.bridge();
    let mut phone = Phone::new(AES, 1);
    let first = phone.seal(&packet(0));
    bench.hear(A, &first);
    assert_eq!(bench.sent(B).len(), 1);
    // Again, and with a bit turned, and under another key, in the clear, of no known kind, cut off.
    bench.hear(A, &first);
    let second = phone.seal(&packet(1));
    let mut forged = second.clone();
    forged[40] ^= 1;
    bench.hear(A, &forged);
    bench.hear(A, &Phone::new(AES, 9).seal(&packet(2)));
    bench.hear(A, &packet(3));
    bench.hear(A, &[22; 60]);
    bench.hear(A, &second[..11]);
    bench.hear(A, &[0x80; 1_600]);
    // A copy from elsewhere neither counts as the packet nor takes its place.
    bench.hear_from(A, peer(B), &second);
    assert_eq!(bench.sent(B), []);
    bench.hear(A, &second);
    assert_eq!(payloads(&bench.sent(B)), sound(1));
    let stats = bench.close(A);
    assert_eq!((stats.received, stats.strangers), (2, 1));
    assert_eq!(
        (stats.not_authentic, stats.replayed, stats.malformed),
        (3, 1, 3)
    );
}

#[test]
fn prompts_and_keys_go_out_protected() {
    let mut bench = Bench::new();
    bench.connect(A, protected(A, AES, 1));
    let mut phone = Phone::new(AES, 1);
    let said = Clip::from_samples(&[Codec::Pcma.decode(0x5A); 320]);
    bench.play(A, &[said]);
    bench.pass(60);
    let sent = raw(&mut bench, A);
    let heard: Vec<u8> = sent.iter().flat_map(|p| payload(&phone.open(p))).collect();
    assert_eq!(heard, [0x5A; 320]);
    bench.tell(Command::Press {
        leg: A,
        digit: '7',
        ms: 100,
    });
    bench.pass(200);
    let keys: Vec<u8> = raw(&mut bench, A)
        .iter()
        .map(|p| payload(&phone.open(p))[0])
        .collect();
    assert!(
        keys.len() > 5 && keys.iter().all(|&key| key == 7),
        "{keys:?}"
    );
}

#[test]
fn new_keys_of_one_side_leave_the_other_s_numbering() {
    let mut bench = Bench::new();
    bench.connect(A, protected(A, AES, 1));
    bench.bridge();
    let mut phone = Phone::new(AES, 1);
    bench.hear(B, &packet(0));
    phone.open(&raw(&mut bench, A)[0]);
    let old = phone.seal(&packet(0));
    bench.hear(A, &old);
    // The phone offers a new key of its own; ours stays.
    let mut agreed = protected(A, AES, 1);
    agreed.security = Security::Sdes {
        sending: keys(AES, 1),
        receiving: keys(AES, 55),
    };
    bench.connect(A, agreed);
    bench.bridge();
    bench.sent(B);
    bench.hear(B, &packet(1));
    // The window of the old guard goes on: the same number twice would be refused here.
    assert_eq!(payload(&phone.open(&raw(&mut bench, A)[0])), sound(1));
    bench.hear(A, &phone.seal(&packet(1)));
    assert_eq!(bench.sent(B), []);
    let mut anew = Phone(Guard::new(&keys(AES, 55), &keys(AES, 1)).unwrap());
    bench.hear(A, &anew.seal(&packet(2)));
    assert_eq!(payloads(&bench.sent(B)), sound(2));
    // In the clear for a while, then under the same keys again: no number is used twice.
    bench.connect(A, super::agreed(A));
    bench.bridge();
    bench.hear(B, &packet(2));
    assert_eq!(payload(&raw(&mut bench, A)[0]), sound(2));
    bench.connect(A, agreed);
    bench.bridge();
    bench.hear(B, &packet(3));
    assert_eq!(payload(&phone.open(&raw(&mut bench, A)[0])), sound(3));
    assert_eq!(bench.close(A).not_authentic, 1);
}

#[test]
fn protected_reports_count_and_forged_ones_do_not() {
    let mut bench = Bench::new();
    bench.connect(A, protected(A, GCM, 1));
    let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
    let mut phone = Phone::new(GCM, 1);
    let mut room = [0; 60];
    room[..8].copy_from_slice(&report);
    let length = phone.0.protect_rtcp(&mut room, 8).unwrap();
    bench.hear(A, &room[..length]);
    bench.hear(A, &report);
    room[length - 1] ^= 1;
    bench.hear(A, &room[..length]);
    let stats = bench.close(A);
    assert_eq!(stats.rtcp, 1);
    assert_eq!(stats.malformed + stats.not_authentic + stats.replayed, 2);
}
