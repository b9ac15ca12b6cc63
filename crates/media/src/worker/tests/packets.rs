//! What a packet has to be, and when it is read.

use super::*;
use crate::codec::g711::linear_to_alaw;

#[test]
fn only_the_agreed_address_and_port_is_listened_to() {
    let mut bench = Bench::new();
    bench.bridge();
    let packet = rtp(8, 1, 0, &[1; 160]);
    let mut stranger = peer(A);
    stranger.set_port(5);
    bench.hear_from(A, stranger, &packet);
    bench.hear_from(
        A,
        SocketAddr::new([10, 0, 0, 1].into(), peer(A).port()),
        &packet,
    );
    let nowhere = SocketAddr::new([0, 0, 0, 0].into(), peer(A).port());
    bench.connect(
        A,
        Agreed {
            remote: nowhere,
            ..agreed(A)
        },
    );
    bench.hear_from(A, nowhere, &packet);
    bench.hear(A, &packet);
    assert_eq!(bench.sent(B), []);
    let stats = bench.close(A);
    assert_eq!((stats.strangers, stats.received), (4, 0));
}

#[test]
fn what_is_not_agreed_sound_is_counted_and_dropped() {
    let mut bench = Bench::new();
    bench.bridge();
    bench.hear(A, &[0x80, 200, 0, 1, 0, 0, 0, 7]);
    bench.hear(A, &[1, 2, 3]);
    bench.hear(A, &[0x80; 1_501]);
    bench.hear(A, &rtp(13, 1, 0, &[0]));
    assert_eq!(bench.sent(B), []);
    bench.hear(A, &rtp(0, 2, 160, &[0xFF; 160]));
    assert_eq!(
        payloads(&bench.sent(B)),
        [0xD5; 160],
        "the other static type is understood"
    );
    let stats = bench.close(A);
    assert_eq!(
        (
            stats.rtcp,
            stats.malformed,
            stats.not_agreed,
            stats.received
        ),
        (1, 2, 1, 1)
    );
}

#[test]
fn silence_is_reported_once_until_the_next_agreement() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            direction: Direction::SendOnly,
            ..agreed(B)
        },
    );
    bench.pass(20_000);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    bench.pass(29_000);
    assert_eq!(bench.reports(), []);
    bench.pass(60_000);
    assert_eq!(bench.reports(), [Report::Silent { leg: A }]);
    bench.connect(A, agreed(A));
    bench.pass(31_000);
    assert_eq!(bench.reports(), [Report::Silent { leg: A }]);
    // RTCP is a sign of life of a muted phone.
    bench.connect(A, agreed(A));
    for _ in 0..10 {
        bench.pass(20_000);
        bench.hear(A, &[0x80, 201, 0, 1, 0, 0, 0, 7]);
    }
    assert_eq!(bench.reports(), []);
}

#[test]
fn quiet_legs_are_watched_and_busy_ones_fetched() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 2_000)]);
    let packet = (peer(A), rtp(8, 1, 0, &[1; 160]));
    bench
        .net
        .inbox
        .entry(slot(A))
        .or_default()
        .push_back(packet);
    bench.pass(20);
    assert!(bench.net.inbox[&slot(A)].is_empty(), "fetched in the tick");
    bench.pass(1_100);
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&true));
    assert_eq!(bench.net.watched.get(&slot(A)), None, "it has ticks anyway");
    // When all are quiet the worker sleeps but for the look for silence.
    bench.pass(3_000);
    assert!(bench.worker.next_tick().unwrap().since(bench.now) > Duration::from_millis(20));
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&false));
    bench.bridge();
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&true));
    bench.check();
    bench.tell(Command::Unbridge { leg: A });
    assert_eq!(bench.net.watched.get(&slot(B)), Some(&false));
    bench.check();
}

/// Where the phone really is, behind its NAT.
fn behind_nat() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 50_000)
}

fn learning() -> Bench {
    let mut bench = Bench::new();
    bench.connect(
        A,
        Agreed {
            learns: true,
            ..agreed(A)
        },
    );
    bench.bridge();
    bench
}

#[test]
fn a_phone_behind_a_nat_is_learned_once_and_then_nobody_else() {
    let mut bench = learning();
    for n in 0..5 {
        bench.hear_from(A, behind_nat(), &rtp(8, 100 + n, 0, &[n as u8; 160]));
    }
    // The third proved it.
    assert_eq!(payloads(&bench.sent(B)).len(), 3 * 160);
    bench.hear(B, &rtp(8, 1, 0, &[9; 160]));
    let (_, to, _) = bench.net.sent.pop().unwrap();
    assert_eq!(to, behind_nat(), "and is answered there");
    let elsewhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
    for n in 0..10 {
        bench.hear_from(A, elsewhere, &rtp(8, 105 + n, 0, &[1; 160]));
    }
    assert!(bench.net.sent.is_empty());
    assert_eq!(bench.close(A).strangers, 12);
}

#[test]
fn injected_packets_are_not_learned_from() {
    let mut bench = learning();
    let packet = |ssrc: u8, sequence: u16| {
        let mut packet = rtp(8, sequence, 0, &[1; 160]);
        packet[8] = ssrc;
        packet
    };
    let other = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
    for (from, bytes) in [
        // Numbers that do not follow, another SSRC, another sender between, another type.
        (other, packet(1, 1)),
        (other, packet(1, 3)),
        (other, packet(2, 4)),
        (behind_nat(), packet(2, 5)),
        (other, packet(2, 6)),
        (other, packet(2, 7)),
        (other, rtp(9, 8, 0, &[1; 160])),
    ] {
        bench.hear_from(A, from, &bytes);
    }
    assert!(bench.net.sent.is_empty());
    // Sound from the agreed address ends the learning.
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.sent(B).len(), 1);
    for n in 0..5 {
        bench.hear_from(A, behind_nat(), &rtp(8, 100 + n, 0, &[1; 160]));
    }
    assert!(bench.net.sent.is_empty());
}

#[test]
fn a_new_agreement_may_be_learned_anew() {
    let mut bench = learning();
    for n in 0..3 {
        bench.hear_from(A, behind_nat(), &rtp(8, n, 0, &[1; 160]));
    }
    assert_eq!(bench.sent(B).len(), 1);
    bench.connect(A, agreed(A));
    bench.hear_from(A, behind_nat(), &rtp(8, 3, 0, &[1; 160]));
    assert!(bench.net.sent.is_empty(), "this one does not learn");
}

/// A packet of a tone, so many dBm0 loud, in A-law.
fn tone_packet(number: u16, dbm0: f32) -> Vec<u8> {
    let amplitude = crate::dtmf::ZERO_DBM0 * 10_f32.powf(dbm0 / 20.0);
    let sound: Vec<u8> = (0..160_u16)
        .map(|n| f32::from(n) * core::f32::consts::TAU * 400.0 / 8_000.0)
        .map(|phase| linear_to_alaw((phase.sin() * amplitude) as i16))
        .collect();
    rtp(8, number, u32::from(number) * 160, &sound)
}

#[test]
fn who_is_attended_to_is_heard_by_a_short_word_and_reported_once() {
    let attend = |bench: &mut Bench| {
        let longest = Duration::from_secs(10);
        bench.tell(Command::Attend { leg: A, longest });
    };
    let mut bench = Bench::new();
    bench.bridge();
    attend(&mut bench);
    // Comfort noise, and a click in it.
    for n in 0..100 {
        bench.hear(A, &tone_packet(n, if n == 50 { -10.0 } else { -55.0 }));
        bench.pass(20);
    }
    assert_eq!(bench.reports(), []);
    for n in 100..107 {
        bench.hear(A, &tone_packet(n, -35.0));
    }
    assert_eq!(bench.reports(), []);
    for n in 107..130 {
        bench.hear(A, &tone_packet(n, -35.0));
    }
    assert_eq!(bench.reports(), [Report::Spoke { leg: A }]);
    bench.pass(12_000);
    assert_eq!(bench.reports(), []);

    attend(&mut bench);
    for n in 130..670 {
        bench.hear(A, &tone_packet(n, -55.0));
        bench.pass(20);
    }
    assert_eq!(bench.reports(), [Report::Speechless { leg: A }]);
}
