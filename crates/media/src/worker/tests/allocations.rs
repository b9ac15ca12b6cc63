//! Nothing is allocated on a packet's way once a call is set up.

use super::{
    browsers::{AT, C, seal, secure, there, with_browser},
    digits::press,
    private::{AES, GCM, Phone, protected},
    recordings::record,
    *,
};
use crate::{
    FRAME_SAMPLES, Gain, Voice,
    dtmf::Tone,
    rtp::rtcp::{Block as Heard, Compound, Ntp, SenderInfo},
};

/// A minute, in 20 ms: long enough for reports of ours in both directions.
const MINUTE: u16 = 3_000;

/// What a leg is sent in one tick.
type Said = Vec<(LegId, SocketAddr, Vec<u8>)>;

/// 20 ms of sound of `leg`, in a key press a packet of that now and then, and a report each second.
fn said(leg: LegId, payload_type: u8, n: u16, payload: &[u8]) -> Said {
    let timestamp = u32::from(n) * 160;
    let packet = match n % 40 {
        // A key, held for 60 ms, told three times at its end.
        at @ 0..5 => {
            let held = 160 * (at + 1).min(3);
            let start = timestamp - 160 * u32::from(at);
            press(n, start, (n / 40 % 12) as u8, at > 1, held)
        }
        _ => rtp(payload_type, n, timestamp, payload),
    };
    let mut all = vec![(leg, peer(leg), packet)];
    if n % 50 == 7 {
        all.push((leg, peer_control(leg), report(n)));
    }
    all
}

/// A compound of the phone's.
fn report(n: u16) -> Vec<u8> {
    let mut room = [0; 200];
    let ntp = Ntp(u64::from(n) << 26);
    let sent = SenderInfo {
        ntp,
        timestamp: u32::from(n) * 160,
        packets: n.into(),
        octets: 160 * u32::from(n),
    };
    let compound = Compound {
        ssrc: 7,
        sent: Some(sent),
        blocks: &[Heard::default()],
        cname: "phone",
        bye: false,
    };
    let length = compound.write(&mut room);
    room[..length].to_vec()
}

/// The slot of a leg that was opened after A and B.
fn place(leg: LegId) -> Slot {
    match leg {
        A | B => slot(leg),
        _ => AT,
    }
}

/// A packet comes: it is handed over where the leg is watched, and else waits to be fetched.
fn arrive(bench: &mut Bench, (leg, from, bytes): (LegId, SocketAddr, Vec<u8>)) {
    let (now, slot, net) = (bench.now, place(leg), &mut bench.net);
    if from == peer_control(leg) {
        bench.worker.handle_control(now, slot, from, &bytes);
    } else if leg == C || net.watched.get(&slot) == Some(&true) {
        bench.worker.handle_packet(now, slot, from, &bytes, net);
    } else if let Some(inbox) = net.inbox.get_mut(&slot) {
        inbox.push_back((from, bytes));
    }
}

/// Lets a call live and tells how often it allocated, and how many keys were reported.
fn live(bench: &mut Bench, ticks: Vec<Said>) -> (u64, u64) {
    bench.reports();
    bench.net.sent.clear();
    bench.net.forgets = true;
    for slot in [slot(A), slot(B), AT] {
        let watched = bench.net.watched.get(&slot).copied();
        bench.net.watched.insert(slot, watched.unwrap_or(false));
        bench.net.inbox.insert(slot, VecDeque::with_capacity(4));
    }
    let frames = ticks.len() as u64;
    let mut keys = 0;
    let before = bench.net.forgotten;
    let info = allocation_counter::measure(|| {
        for said in ticks {
            said.into_iter().for_each(|packet| arrive(bench, packet));
            bench.pass(20);
        }
        // Fetched late, so that they need room.
        while let Some(report) = bench.worker.poll_report() {
            match report {
                Report::Digit { .. } => keys += 1,
                Report::Silent { leg: B } => {}
                other => panic!("{other:?}"),
            }
        }
    });
    let came = bench.net.forgotten - before;
    assert!(
        came >= frames,
        "{came} packets and blocks in {frames} ticks"
    );
    (info.count_total, keys)
}

#[test]
fn the_counter_counts() {
    let seen = allocation_counter::measure(|| drop(core::hint::black_box(vec![1_u8; 100])));
    assert_eq!(seen.count_total, 1);
}

#[test]
fn a_prompt_and_the_callers_sound_and_keys() {
    let mut bench = Bench::new();
    let (clips, repeat) = (vec![Clip::tone(440, 1_005)], true);
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips,
        repeat,
    });
    let ticks = (0..MINUTE).map(|n| said(A, 8, n, &[0xD5; 160])).collect();
    assert_eq!(live(&mut bench, ticks), (0, 75));
    assert!(bench.worker.next_tick().is_some());
}

#[test]
fn a_bridge_of_two_laws_that_is_recorded() {
    let mut bench = Bench::new();
    let mu = Agreed {
        codec: Format::Pcmu,
        payload_type: 0,
        ..agreed(B)
    };
    bench.connect(B, mu);
    bench.bridge();
    record(&mut bench);
    let both = |n| [said(A, 8, n, &[0xD5; 160]), said(B, 0, n, &[0xFF; 160])].concat();
    let ticks: Vec<Said> = (0..MINUTE).map(both).collect();
    assert_eq!(live(&mut bench, ticks), (0, 150));
    // Of both directions: what was passed on and what was recorded.
    assert!(bench.net.forgotten > 4 * 2_600, "{}", bench.net.forgotten);
}

#[test]
fn a_mix_of_formats_that_is_recorded() {
    let mut bench = Bench::new();
    let formats = [(A, Format::Pcma), (B, Format::G722), (C, Format::L16)];
    bench.tell(open(C));
    for (leg, codec) in formats {
        let payload_type = codec.payload_type();
        bench.connect(
            leg,
            Agreed {
                codec,
                payload_type,
                ..agreed(leg)
            },
        );
    }
    for (leg, _) in formats {
        let others = formats.iter().filter(|(other, _)| *other != leg);
        let gain = Gain::HALF;
        let voices = others.map(|&(leg, _)| Voice { leg, gain }).collect();
        bench.tell(Command::Hear { leg, voices });
    }
    record(&mut bench);
    bench.tell(Command::RecordAlso {
        recording: 9,
        leg: C,
    });
    let ticks = (0..MINUTE).map(|n| {
        let sound = |(leg, format): (LegId, Format)| {
            let bytes = if format == Format::L16 { 320 } else { 160 };
            said(leg, format.payload_type(), n, &[n as u8; 320][..bytes])
        };
        formats.map(sound).concat()
    });
    assert_eq!(live(&mut bench, ticks.collect()), (0, 225));
}

/// Without a word in its signalling, once a second.
#[test]
fn a_voice_that_changes_between_the_laws() {
    let mut bench = Bench::new();
    let wide = Agreed {
        codec: Format::G722,
        payload_type: 9,
        ..agreed(B)
    };
    bench.connect(B, wide);
    bench.bridge();
    let both = |n| {
        let own = if n / 50 % 2 == 0 { 8 } else { 0 };
        [said(A, own, n, &[0xD5; 160]), said(B, 9, n, &[0xFF; 160])].concat()
    };
    let ticks: Vec<Said> = (0..MINUTE).map(both).collect();
    assert_eq!(live(&mut bench, ticks), (0, 150));
}

#[test]
fn a_bridge_whose_legs_are_both_protected() {
    for profile in [AES, GCM] {
        let mut bench = Bench::new();
        bench.connect(A, protected(A, profile, 1));
        bench.connect(B, protected(B, profile, 2));
        bench.bridge();
        let mut phones = [Phone::new(profile, 1), Phone::new(profile, 2)];
        let ticks = (0..MINUTE).map(|n| {
            let mut all = [said(A, 8, n, &[0xD5; 160]), said(B, 8, n, &[0xD5; 160])].concat();
            for (leg, from, bytes) in &mut all {
                let phone = &mut phones[usize::from(*leg == B)];
                if *from == peer(*leg) {
                    *bytes = phone.seal(bytes);
                } else {
                    *bytes = phone.seal_report(bytes);
                }
            }
            all
        });
        let ticks = ticks.collect();
        assert_eq!(live(&mut bench, ticks), (0, 150), "{profile:?}");
        assert_eq!(bench.close(A).not_authentic, 0);
    }
}

#[test]
fn a_browser_and_a_phone() {
    let (mut bench, mut client) = with_browser();
    bench.tell(Command::Bridge { a: A, b: C });
    let mut browser = secure(&mut bench, &mut client);
    // Half a minute: then it would have to ask again.
    let ticks = (0..MINUTE / 3).map(|n| {
        let mut all = said(A, 8, n, &[0xD5; 160]);
        let spoken = rtp(8, n, u32::from(n) * 160, &[0xD5; 160]);
        all.push((C, there(1), seal(&mut browser, &spoken)));
        all
    });
    let ticks = ticks.collect();
    assert_eq!(live(&mut bench, ticks), (0, 25));
    let closed = bench.close(C);
    assert!(
        closed.received == 1_000 && closed.sent >= 1_000,
        "{closed:?}"
    );
}

#[test]
fn keys_in_the_sound() {
    let mut bench = Bench::new();
    let digits = None;
    bench.connect(
        A,
        Agreed {
            digits,
            ..agreed(A)
        },
    );
    bench.bridge();
    let mut tone = Tone::new('7', -10.0).unwrap();
    let ticks = (0..MINUTE).map(|n| {
        let mut samples = [0; FRAME_SAMPLES];
        if n % 50 < 5 {
            tone.fill(&mut samples);
        }
        let sound = samples.map(|sample| Codec::Pcma.encode(sample));
        vec![(A, peer(A), rtp(8, n, u32::from(n) * 160, &sound))]
    });
    let ticks = ticks.collect();
    assert_eq!(live(&mut bench, ticks), (0, 60));
}
