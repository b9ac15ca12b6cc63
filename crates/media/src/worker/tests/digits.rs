//! Keys, heard and pressed.

use super::*;

pub(super) fn press(sequence: u16, timestamp: u32, event: u8, end: bool, duration: u16) -> Vec<u8> {
    let [high, low] = duration.to_be_bytes();
    let flags = if end { 0x8A } else { 0x0A };
    rtp(101, sequence, timestamp, &[event, flags, high, low])
}

#[test]
fn a_key_is_reported_once_and_passed_on_under_the_others_type() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            digits: Some(96),
            ..agreed(B)
        },
    );
    bench.bridge();
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    for n in 0..3 {
        bench.hear(A, &press(2 + n, 160, 5, n > 0, 160 * (n + 1)));
    }
    bench.hear(A, &rtp(8, 5, 640, &[1; 160]));
    assert_eq!(
        bench.reports(),
        [Report::Digit {
            leg: A,
            digit: '5',
            ms: 40
        }]
    );
    let sent = bench.sent(B);
    let types: Vec<u8> = sent.iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [8, 96, 96, 96, 8]);
    let since = |n: usize| sent[n].timestamp.wrapping_sub(sent[0].timestamp);
    assert_eq!([since(1), since(3), since(4)], [160, 160, 640]);
    assert_eq!(bench.close(A).digits, 1);
}

#[test]
fn a_key_whose_end_is_lost_is_reported_in_time() {
    for bridged in [false, true] {
        let mut bench = Bench::new();
        if bridged {
            bench.bridge();
        }
        bench.hear(A, &press(1, 0, 11, false, 160));
        bench.check();
        bench.pass(140);
        assert_eq!(bench.reports(), []);
        bench.pass(40);
        assert_eq!(
            bench.reports(),
            [Report::Digit {
                leg: A,
                digit: '#',
                ms: 20
            }]
        );
    }
}

#[test]
fn keys_do_not_reach_a_leg_that_did_not_agree_on_them() {
    let mut bench = Bench::new();
    bench.connect(
        B,
        Agreed {
            digits: None,
            ..agreed(B)
        },
    );
    bench.bridge();
    bench.hear(A, &press(1, 0, 1, true, 160));
    assert_eq!(bench.sent(B), []);
    assert_eq!(
        bench.reports(),
        [Report::Digit {
            leg: A,
            digit: '1',
            ms: 20
        }]
    );
    assert_eq!(bench.close(A).not_relayed, 1);
}

#[test]
fn a_pressed_key_takes_the_place_of_sound() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 2_000)]);
    bench.pass(40);
    bench.tell(Command::Press {
        leg: A,
        digit: '7',
        ms: 60,
    });
    bench.pass(200);
    let sent = bench.sent(A);
    let types: Vec<u8> = sent.iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [8, 8, 101, 101, 101, 101, 101, 8, 8, 8, 8, 8]);
    assert_eq!(sent[2].timestamp, sent[6].timestamp);
    assert!(sent[2].marker && !sent[3].marker && sent[7].marker);
    let tone = Clip::tone(440, 2_000);
    let heard: Vec<Sent> = sent
        .into_iter()
        .filter(|packet| packet.payload_type == 8)
        .collect();
    assert_eq!(
        payloads(&heard),
        tone.bytes(Codec::Pcma)[..7 * 160],
        "sound waits meanwhile"
    );
    // A phone without telephone-event cannot press.
    bench.connect(
        A,
        Agreed {
            digits: None,
            ..agreed(A)
        },
    );
    bench.tell(Command::Press {
        leg: A,
        digit: '7',
        ms: 60,
    });
    assert_eq!(bench.worker.counts().commands_dropped, 1);
}

#[test]
fn keys_in_the_sound_are_heard_where_no_other_way_was_agreed() {
    for digits in [None, Some(101)] {
        let mut bench = Bench::new();
        bench.connect(
            A,
            Agreed {
                digits,
                ..agreed(A)
            },
        );
        let mut tone = crate::dtmf::Tone::new('7', -10.0).unwrap();
        let mut samples = [0; 160];
        for n in 0..20u16 {
            samples.fill(0);
            if n < 5 {
                tone.fill(&mut samples);
            }
            let bytes = samples.map(|sample| Codec::Pcma.encode(sample));
            bench.hear(A, &rtp(8, n, u32::from(n) * 160, &bytes));
            bench.pass(20);
        }
        let heard: Vec<char> = bench
            .reports()
            .iter()
            .filter_map(|report| match report {
                Report::Digit { digit, .. } => Some(*digit),
                _ => None,
            })
            .collect();
        let expected: &[char] = if digits.is_none() { &['7'] } else { &[] };
        assert_eq!(heard, expected, "{digits:?}");
    }
}

/// Ten thousand presses on sixteen legs at once, with sound between them. Of their packets every
/// tenth is lost, every twentieth comes twice, and all come up to 40 ms late, so that they overtake
/// each other.
#[test]
fn ten_thousand_keys_are_all_heard_once_and_in_order() {
    const LEGS: u64 = 16;
    const PRESSES: usize = 625;
    let mut bench = Bench::new();
    let mut random = super::super::Random(47);
    let mut parties = Vec::new();
    for n in 0..LEGS {
        let leg = LegId(100 + n);
        bench.tell(open(leg));
        bench.connect(leg, agreed(leg));
        let keys: Vec<char> = (0..PRESSES)
            .map(|_| crate::dtmf::key_of((random.next() % 16) as u8).unwrap())
            .collect();
        parties.push((leg, crate::dtmf::Sender::default(), keys, 0));
    }
    let mut heard: BTreeMap<LegId, Vec<char>> = BTreeMap::new();
    let mut on_the_way: Vec<(u64, usize, Vec<u8>)> = Vec::new();
    let mut lost = 0;
    for frame in 0..8_000u32 {
        for (n, (_, sender, keys, pressed)) in parties.iter_mut().enumerate() {
            if sender.is_idle()
                && let Some(&key) = keys.get(*pressed)
            {
                assert!(sender.press(key, 40 + (random.next() % 100) as u32));
                *pressed += 1;
            }
            let timestamp = frame * 160;
            let sequence = frame as u16;
            let packet = match sender.turn(timestamp, 160) {
                crate::dtmf::Turn::Free => rtp(8, sequence, timestamp, &[0x55; 160]),
                crate::dtmf::Turn::Packet {
                    timestamp, payload, ..
                } => rtp(101, sequence, timestamp, &payload),
            };
            let copies = match random.next() % 20 {
                0 | 1 => 0,
                2 => 2,
                _ => 1,
            };
            lost += u32::from(copies == 0);
            for _ in 0..copies {
                let late = random.next() % 41;
                on_the_way.push((u64::from(frame) * 20 + late, n, packet.clone()));
            }
        }
        for ms in u64::from(frame) * 20..u64::from(frame + 1) * 20 {
            for (due, n, packet) in core::mem::take(&mut on_the_way) {
                if due > ms {
                    on_the_way.push((due, n, packet));
                    continue;
                }
                let from = peer(LegId(100 + n as u64));
                let slot = Slot(2 + n);
                bench
                    .worker
                    .handle_packet(bench.now, slot, from, &packet, &mut bench.net);
            }
            bench.pass(1);
        }
        for report in bench.reports() {
            if let Report::Digit { leg, digit, .. } = report {
                heard.entry(leg).or_default().push(digit);
            }
        }
    }
    assert!(lost > 10_000, "{lost}");
    for (leg, sender, keys, pressed) in &parties {
        assert!(sender.is_idle() && *pressed == PRESSES, "{pressed} pressed");
        assert_eq!(heard.get(leg), Some(keys));
    }
}
