//! Reports of both sides, and what a call sounded like.

use super::*;
use crate::rtp::rtcp::{Block, Compound, Ntp, Packet, SenderInfo, packets};

/// The reports sent to a leg since the last look: what we say of our stream, and of the peer's.
fn reports(bench: &mut Bench, leg: LegId) -> Vec<(Option<SenderInfo>, Vec<Block>)> {
    let control = core::mem::take(&mut bench.net.control);
    let to_leg = control.iter().filter(|sent| sent.0 == slot(leg));
    to_leg
        .map(|(_, to, bytes)| {
            assert_eq!(*to, peer_control(leg));
            match packets(bytes).next().unwrap().unwrap() {
                Packet::Sender { info, blocks, .. } => (Some(info), blocks.iter().collect()),
                Packet::Receiver { blocks, .. } => (None, blocks.iter().collect()),
                other => panic!("{other:?}"),
            }
        })
        .collect()
}

/// So many packets of sound from `leg`, one each 20 ms, of which those numbers are lost.
fn talk(bench: &mut Bench, leg: LegId, count: u16, lost: impl Fn(u16) -> bool) {
    for n in 0..count {
        if !lost(n) {
            bench.hear(leg, &rtp(8, n, u32::from(n) * 160, &[0x2A; 160]));
        }
        bench.pass(20);
    }
}

#[test]
fn each_side_is_told_what_was_heard_of_it_some_five_seconds_apart() {
    let mut bench = Bench::new();
    bench.bridge();
    talk(&mut bench, A, 3_000, |n| n % 10 == 9);
    let to_a = reports(&mut bench, A);
    assert!((8..=24).contains(&to_a.len()), "{} in a minute", to_a.len());
    let (sent, blocks) = to_a.last().unwrap();
    assert_eq!(*sent, None, "nothing was sent to A");
    let [block] = blocks[..] else {
        panic!("{blocks:?}")
    };
    assert_eq!(block.ssrc, 7);
    // One in ten: 25.6 of 256.
    assert!((20..=32).contains(&block.fraction_lost), "{block:?}");
    talk(&mut bench, A, 600, |_| false);
    let to_b = reports(&mut bench, B);
    let info = to_b.last().unwrap().0.unwrap();
    assert!(info.packets > 2_700 && info.octets == 160 * info.packets);
    assert!(to_b.last().unwrap().1.is_empty(), "B said nothing");
    assert!(bench.close(A).reports > 8);
}

#[test]
fn reports_go_to_the_sounds_port_where_the_sides_multiplex() {
    let mut bench = Bench::new();
    let mux = Agreed {
        rtcp: peer(A),
        ..agreed(A)
    };
    bench.connect(A, mux);
    talk(&mut bench, A, 1_000, |_| false);
    assert!(bench.net.control.iter().all(|sent| sent.0 != slot(A)));
    let sent = bench.net.sent.iter();
    assert!(
        sent.filter(|sent| sent.0 == slot(A) && sent.2[1] == 201)
            .count()
            >= 2
    );
}

#[test]
fn a_report_of_the_peer_tells_the_round_trip() {
    let mut bench = Bench::new();
    bench.bridge();
    talk(&mut bench, A, 600, |_| false);
    let control = core::mem::take(&mut bench.net.control);
    let (_, _, ours) = control.iter().rfind(|sent| sent.0 == slot(B)).unwrap();
    let Packet::Sender { ssrc, info, .. } = packets(ours).next().unwrap().unwrap() else {
        panic!("no sender report");
    };
    // The peer got it, held it for a while, and answers: 80 ms were spent on the way.
    let held = Ntp::at(bench.now).middle().wrapping_sub(info.ntp.middle());
    bench.pass(80);
    let block = Block {
        ssrc,
        fraction_lost: 0,
        lost: 0,
        highest: 0,
        jitter: 0,
        last_report: info.ntp.middle(),
        since_last_report: held,
    };
    let mut bytes = [0; 200];
    let answer = Compound {
        ssrc: 9,
        sent: None,
        blocks: &[block],
        cname: "phone",
        bye: false,
    };
    let length = answer.write(&mut bytes);
    let stranger = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)), 5_000);
    for from in [stranger, peer_control(B)] {
        bench
            .worker
            .handle_control(bench.now, slot(B), from, &bytes[..length]);
    }
    bench
        .worker
        .handle_control(bench.now, slot(B), peer_control(B), &[0x80, 201, 0]);
    let stats = bench.close(B);
    assert_eq!((stats.rtcp, stats.strangers), (2, 1));
    let trip = stats.round_trip_us.unwrap();
    assert!((79_000..=81_000).contains(&trip), "{trip}");
}

#[test]
fn a_bad_line_has_a_low_score_and_silence_has_none() {
    let mut bench = Bench::new();
    bench.bridge();
    talk(&mut bench, A, 1_000, |_| false);
    let good = bench.close(A);
    assert_eq!((good.score, good.lost), (Some(441), 0));
    assert_eq!(bench.close(B).score, None);
    let mut bench = Bench::new();
    talk(&mut bench, A, 1_000, |n| n % 5 == 4);
    let bad = bench.close(A);
    assert!(bad.score.unwrap() < 320, "{bad:?}");
    assert_eq!(bad.lost, 199);
}
