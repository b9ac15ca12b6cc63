//! Streams with all that networks and phones do to them.

use core::time::Duration;

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds {
    least_ms: 20,
    most_ms: 200,
};

/// A packet of a test: when it comes, and what it is.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at_us: u64,
    number: u32,
    sequence: u16,
    timestamp: u32,
    ms: u32,
}

/// What was heard at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Packet { number: u32, waited_us: u64 },
    Lost,
    Silence,
}

fn at(us: u64) -> Instant {
    Instant::START + Duration::from_micros(us)
}

/// A steady stream from 1 s on.
fn steady(count: u32, ms: u32) -> Vec<Sent> {
    (0..count)
        .map(|number| Sent {
            at_us: 1_000_000 + u64::from(number) * u64::from(ms) * 1_000,
            number,
            sequence: (number as u16).wrapping_add(65_000),
            timestamp: (number * ms * 8).wrapping_add(u32::MAX - 5_000),
            ms,
        })
        .collect()
}

fn put(buffer: &mut Buffer, packet: &Sent) {
    let mut payload = [0; 480];
    payload[..4].copy_from_slice(&packet.number.to_be_bytes());
    let arrived = Arrived {
        ssrc: 1,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ticks: packet.ms * 8,
        payload: &payload[..packet.ms as usize * 8],
    };
    buffer.put(at(packet.at_us), &arrived);
}

/// Plays a stream to a receiver that wants 20 ms each 20 ms, until `until`.
fn played(buffer: &mut Buffer, sent: &[Sent], until_us: u64) -> Vec<(u64, Heard)> {
    let mut sent = sent.to_vec();
    sent.sort_by_key(|packet| packet.at_us);
    let arrivals: std::collections::BTreeMap<u32, u64> = sent
        .iter()
        .rev()
        .map(|packet| (packet.number, packet.at_us))
        .collect();
    let mut next = sent.iter().peekable();
    let (mut heard, mut stock) = (Vec::new(), 0);
    for tick in 0..until_us / 20_000 {
        let now_us = tick * 20_000 + 7_000;
        while let Some(packet) = next.next_if(|packet| packet.at_us <= now_us) {
            put(buffer, packet);
        }
        while stock < 160 {
            let (what, ticks) = match buffer.next(at(now_us)) {
                Frame::Packet { payload, ticks } => {
                    let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
                    let waited_us = now_us - arrivals[&number];
                    (Heard::Packet { number, waited_us }, ticks)
                }
                Frame::Lost { ticks } => (Heard::Lost, ticks),
                Frame::Silence { ticks } => (Heard::Silence, ticks),
            };
            assert!(ticks > 0);
            stock += ticks;
            heard.push((now_us, what));
        }
        stock -= 160;
    }
    heard
}

fn numbers(heard: &[(u64, Heard)]) -> Vec<u32> {
    let packets = heard.iter().filter_map(|(_, heard)| match heard {
        Heard::Packet { number, .. } => Some(*number),
        _ => None,
    });
    packets.collect()
}

fn lost(heard: &[(u64, Heard)]) -> usize {
    heard
        .iter()
        .filter(|(_, heard)| *heard == Heard::Lost)
        .count()
}

#[test]
fn a_steady_stream_of_any_packet_length_is_played_whole_over_all_wraps() {
    for ms in [10, 20, 30, 40, 60] {
        let sent = steady(3_000, ms);
        let mut buffer = Buffer::new(8_000, BOUNDS);
        let end = 1_000_000 + 3_000 * u64::from(ms) * 1_000 - 1;
        let heard = played(&mut buffer, &sent, end);
        let numbers = numbers(&heard);
        assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
        assert!(numbers.len() > 2_980, "{ms} ms: {}", numbers.len());
        assert!(lost(&heard) <= 3, "{ms} ms: {} lost", lost(&heard));
    }
}

#[test]
fn reordered_packets_are_put_right_and_doubles_dropped() {
    let mut sent = steady(500, 20);
    // Each fifth comes 25 ms late, behind its successor; each seventh twice.
    sent.iter_mut()
        .step_by(5)
        .for_each(|packet| packet.at_us += 25_000);
    let doubles: Vec<Sent> = sent.iter().step_by(7).copied().collect();
    sent.extend(doubles.iter().map(|packet| Sent {
        at_us: packet.at_us + 3_000,
        ..*packet
    }));
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 10_900_000);
    let numbers = numbers(&heard);
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "none missing: {numbers:?}"
    );
    // Only until the delay has grown.
    assert!(lost(&heard) < 6, "{} lost", lost(&heard));
    assert!(buffer.counts().duplicates > 50);
}

#[test]
fn a_lost_packet_is_one_lost_frame_in_its_place() {
    let mut sent = steady(1_000, 20);
    sent.retain(|packet| packet.number % 20 != 10);
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 20_900_000);
    let frames: Vec<Heard> = heard.iter().map(|&(_, heard)| heard).collect();
    let places = frames.windows(3).filter(|three| match three {
        [
            Heard::Packet { number: a, .. },
            Heard::Lost,
            Heard::Packet { number: b, .. },
        ] => a % 20 == 9 && *b == a + 2,
        _ => false,
    });
    assert_eq!(places.count(), 50);
    assert_eq!(lost(&heard), 50);
}

#[test]
fn a_pause_of_the_sender_is_silence_not_loss() {
    // The numbers go on, the timestamps by the time that passed: silence suppression.
    let mut sent = steady(600, 20);
    for packet in sent.iter_mut().filter(|packet| packet.number >= 300) {
        packet.at_us += 5_000_000;
        packet.timestamp = packet.timestamp.wrapping_add(40_000);
    }
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 18_200_000);
    assert_eq!(numbers(&heard), (0..600).collect::<Vec<_>>());
    let silent = heard
        .iter()
        .filter(|(_, heard)| *heard == Heard::Silence)
        .count();
    assert!(silent > 230, "{silent}");
    // Each end of sound might have been a loss: 60 ms of concealment.
    assert!(lost(&heard) <= 6, "{}", lost(&heard));
}

#[test]
fn a_new_source_and_a_jump_of_the_clock_begin_anew() {
    let mut sent = steady(900, 20);
    for packet in &mut sent {
        match packet.number {
            300..600 => packet.timestamp = packet.timestamp.wrapping_add(1_000_000_000),
            600.. => {
                packet.timestamp = packet.timestamp.wrapping_sub(90_000);
                packet.sequence = packet.sequence.wrapping_add(20_000);
            }
            _ => {}
        }
    }
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 18_900_000);
    let numbers = numbers(&heard);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(numbers.len() > 880, "{}", numbers.len());
    assert_eq!(buffer.counts().restarts, 3);
}

#[test]
fn a_clock_set_back_a_little_is_followed() {
    let mut sent = steady(600, 20);
    for packet in sent.iter_mut().filter(|packet| packet.number >= 300) {
        packet.timestamp = packet.timestamp.wrapping_sub(8_000);
    }
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 12_900_000);
    assert!(numbers(&heard).len() > 570, "{}", numbers(&heard).len());
}

#[test]
fn jitter_is_measured_and_absorbed() {
    // 0 to 60 ms of delay, by a generator.
    let mut sent = steady(3_000, 20);
    let mut state = 7u32;
    for packet in &mut sent {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        packet.at_us += u64::from(state >> 16) % 60_000;
    }
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 60_900_000);
    let late = buffer.counts().late + buffer.counts().skipped;
    assert!(lost(&heard) < 60 && late < 30, "{} {late}", lost(&heard));
    // The mean difference of two even distributions is a third of their width.
    assert!((100..220).contains(&buffer.jitter()), "{}", buffer.jitter());
}

#[test]
fn the_delay_shrinks_when_the_network_is_calm_again() {
    let mut sent = steady(3_000, 20);
    // A stall of 150 ms at 2 s.
    for packet in sent
        .iter_mut()
        .filter(|packet| (50..58).contains(&packet.number))
    {
        packet.at_us = packet.at_us.max(2_150_000);
    }
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let heard = played(&mut buffer, &sent, 60_900_000);
    let waits: Vec<u64> = heard
        .iter()
        .filter_map(|&(_, heard)| match heard {
            Heard::Packet { waited_us, .. } => Some(waited_us),
            _ => None,
        })
        .collect();
    assert!(waits[100] > 80_000, "{}", waits[100]);
    assert!(
        waits[waits.len() - 1] < 60_000,
        "{}",
        waits[waits.len() - 1]
    );
}

#[test]
fn a_clock_200_ppm_off_is_followed_for_an_hour() {
    for ppm in [-200i64, 200] {
        let mut sent = steady(180_000, 20);
        for packet in &mut sent {
            let passed = packet.at_us.cast_signed() - 1_000_000;
            packet.at_us = packet.at_us.saturating_add_signed(passed * ppm / 1_000_000);
        }
        let mut buffer = Buffer::new(8_000, BOUNDS);
        let heard = played(&mut buffer, &sent, 3_599_000_000);
        let longest = heard.iter().filter_map(|&(_, heard)| match heard {
            Heard::Packet { waited_us, .. } => Some(waited_us),
            _ => None,
        });
        assert!(longest.max().unwrap() < 70_000);
        // 720 ms in all: 36 frames.
        let counts = buffer.counts();
        assert!(counts.lost < 60 && counts.skipped < 60, "{ppm}: {counts:?}");
        assert_eq!(counts.late, 0);
        assert!(counts.played > 179_800);
    }
}

#[test]
fn what_cannot_be_kept_is_counted() {
    let mut buffer = Buffer::new(8_000, BOUNDS);
    let packet = |payload, ticks| Arrived {
        ssrc: 1,
        sequence: 1,
        timestamp: 1,
        ticks,
        payload,
    };
    buffer.put(at(0), &packet(&[0; JITTER_PACKET_BYTES + 1], 160));
    buffer.put(at(0), &packet(&[0; 10], 0));
    buffer.put(at(0), &packet(&[0; 10], 1_000_000));
    assert_eq!(buffer.counts().unusable, 3);
    assert_eq!(buffer.next(at(60_000)), Frame::Silence { ticks: 160 });
}

proptest! {
    /// Any loss, delay, duplication: in order, once each, and no longer than the bound allows.
    #[test]
    fn in_order_once_and_in_time(
        fates in proptest::collection::vec((0u8..10, 0u64..400), 1..300),
        ms in proptest::sample::select(vec![10u32, 20, 30, 60]),
    ) {
        let mut sent = Vec::new();
        for (packet, &(fate, delay)) in steady(fates.len() as u32, ms).iter().zip(&fates) {
            let late = Sent { at_us: packet.at_us + delay * 1_000, ..*packet };
            match fate {
                0 => {}
                1 | 2 => sent.push(late),
                3 => sent.extend([*packet, late]),
                _ => sent.push(*packet),
            }
        }
        let mut buffer = Buffer::new(8_000, BOUNDS);
        let end = 2_000_000 + fates.len() as u64 * u64::from(ms) * 1_000;
        let heard = played(&mut buffer, &sent, end);
        let numbers = numbers(&heard);
        prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", numbers);
        for (_, heard) in &heard {
            if let Heard::Packet { waited_us, .. } = heard {
                // Once before the stream begins, once behind others, and what was held.
                prop_assert!(*waited_us <= 480_000, "{waited_us}");
            }
        }
    }

    /// Once the network is steady again, so is the sound.
    #[test]
    fn a_burst_is_got_over(
        fates in proptest::collection::vec((0u8..4, 0u64..500), 1..100),
    ) {
        let calm = fates.len() as u32 + 25;
        let mut sent = steady(calm + 500, 20);
        for (packet, &(fate, delay)) in sent.iter_mut().zip(&fates) {
            packet.at_us += if fate < 3 { delay * 1_000 } else { 0 };
        }
        let mut buffer = Buffer::new(8_000, BOUNDS);
        let end = 1_000_000 + u64::from(calm + 500) * 20_000;
        let heard = played(&mut buffer, &sent, end);
        let began = 1_000_000 + u64::from(calm + 25) * 20_000;
        let after: Vec<_> = heard.into_iter().filter(|&(at, _)| at > began).collect();
        prop_assert_eq!(lost(&after), 0);
        let silent = after.iter().filter(|(_, heard)| *heard == Heard::Silence).count();
        prop_assert_eq!(silent, 0);
    }

    /// Any numbers at all.
    #[test]
    fn any_packets_are_survived(
        packets in proptest::collection::vec(
            (0u32..2, any::<u16>(), any::<u32>(), 1u32..2_000, 0u64..100_000), 1..500),
    ) {
        let mut buffer = Buffer::new(8_000, BOUNDS);
        let mut now = 0;
        for &(ssrc, sequence, timestamp, ticks, later) in &packets {
            now += later;
            let arrived = Arrived { ssrc, sequence, timestamp, ticks, payload: &[1; 160] };
            buffer.put(at(now), &arrived);
            buffer.next(at(now));
        }
    }
}
