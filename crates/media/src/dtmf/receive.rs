//! Hears keys: each press once, whichever of its packets arrive.
//!
//! All packets of a press carry the timestamp of its beginning (RFC 4733 §2.2), so the timestamp
//! names the press. It is reported at its first end packet, at the first packet of the next press,
//! or when nothing more came for [`GONE_MS`]; what comes of it later changes nothing.

use core::time::Duration;

use hotline_model::Instant;

use super::key_of;
use crate::SAMPLE_RATE;

/// Time without an update after which a press is over, milliseconds. Updates come each 20 to 50 ms
/// (RFC 4733 §2.5.1.2), so two in a row may be lost.
const GONE_MS: u64 = 150;

/// Presses remembered after their report, so that late and doubled packets do not count again.
const REMEMBERED: usize = 16;

/// A press whose duration field is as near to its end as this, milliseconds, is continued in a new
/// segment that begins where it ends (RFC 4733 §2.5.1.3): a sender may go on a packet early.
const SEGMENT_FULL_MS: u16 = 100;

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub key: char,
    /// How long it was held, milliseconds, as far as was heard.
    pub ms: u32,
}

/// What a leg has heard of keys.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Ticks of the events' clock.
    per_ms: u16,
    pressed: Option<Press>,
    reported: [Option<Name>; REMEMBERED],
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    timestamp: u32,
    event: u8,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    /// Of its present segment.
    name: Name,
    key: char,
    /// Ticks of earlier segments.
    before: u32,
    duration: u16,
    heard: Instant,
}

impl Press {
    fn digit(&self, per_ms: u16) -> Digit {
        Digit {
            key: self.key,
            ms: (self.before + u32::from(self.duration)) / u32::from(per_ms),
        }
    }

    /// Whether a new name is the next segment of this press.
    fn goes_on_as(&self, name: Name, marker: bool, per_ms: u16) -> bool {
        let early = SEGMENT_FULL_MS * per_ms;
        let end = self.name.timestamp.wrapping_add(u32::from(self.duration));
        let near_end = name.timestamp.wrapping_sub(end) <= u32::from(early);
        let full = self.duration >= u16::MAX - early;
        !marker && name.event == self.name.event && full && near_end
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::at(SAMPLE_RATE)
    }
}

impl Receiver {
    /// For events whose clock has so many ticks a second, at most 128,000.
    pub fn at(clock: u32) -> Self {
        Self {
            per_ms: (clock / 1_000).clamp(1, 128) as u16,
            pressed: None,
            reported: [None; REMEMBERED],
            next: 0,
        }
    }

    /// The events' clock has so many ticks a second from now on.
    pub fn retune(&mut self, clock: u32) {
        self.per_ms = Self::at(clock).per_ms;
    }

    /// Takes in an event packet, and hands out the presses that are thereby over: none, one, or
    /// two.
    pub fn receive(
        &mut self,
        now: Instant,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
        mut over: impl FnMut(Digit),
    ) {
        // RFC 4733 §2.3: event, E R volume, duration.
        let [event, flags, high, low, ..] = *payload else {
            return;
        };
        let Some(key) = key_of(event) else {
            return;
        };
        let name = Name { timestamp, event };
        if self.reported.contains(&Some(name)) {
            return;
        }
        let duration = u16::from_be_bytes([high, low]);
        let mut press = match self.pressed.take() {
            Some(press) if press.name == name => press,
            Some(press) if press.goes_on_as(name, marker, self.per_ms) => {
                self.remember(press.name);
                Press {
                    name,
                    before: press.before + u32::from(press.duration),
                    duration: 0,
                    ..press
                }
            }
            other => {
                if let Some(press) = other {
                    self.remember(press.name);
                    over(press.digit(self.per_ms));
                }
                Press {
                    name,
                    key,
                    before: 0,
                    duration: 0,
                    heard: now,
                }
            }
        };
        press.duration = press.duration.max(duration);
        press.heard = now;
        if flags & 0x80 != 0 {
            self.remember(name);
            over(press.digit(self.per_ms));
        } else {
            self.pressed = Some(press);
        }
    }

    /// When the key that is down will be taken for released.
    pub fn deadline(&self) -> Option<Instant> {
        let press = self.pressed.as_ref()?;
        Some(press.heard + Duration::from_millis(GONE_MS))
    }

    /// The key whose end was lost, once its deadline has passed.
    pub fn expire(&mut self, now: Instant) -> Option<Digit> {
        if self.deadline()? > now {
            return None;
        }
        let press = self.pressed.take()?;
        self.remember(press.name);
        Some(press.digit(self.per_ms))
    }

    fn remember(&mut self, name: Name) {
        if let Some(place) = self.reported.get_mut(self.next % REMEMBERED) {
            *place = Some(name);
        }
        self.next = self.next.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    struct Packet {
        press: usize,
        ms: u64,
        timestamp: u32,
        marker: bool,
        payload: [u8; 4],
    }

    /// Packets of presses of `updates` × 20 ms each, 100 ms apart, as RFC 4733 §2.5 sends them.
    fn sent(presses: &[(u8, u16)]) -> Vec<Packet> {
        let mut ms = 0;
        let mut packets = Vec::new();
        for (press, &(event, updates)) in presses.iter().enumerate() {
            let timestamp = (ms as u32 * 8).wrapping_sub(4_000);
            for n in 1..=updates + 2 {
                let end = n >= updates;
                let [high, low] = (n.min(updates) * 160).to_be_bytes();
                let flags = if end { 0x8A } else { 0x0A };
                packets.push(Packet {
                    press,
                    ms,
                    timestamp,
                    marker: n == 1,
                    payload: [event, flags, high, low],
                });
                ms += 20;
            }
            ms += 100;
        }
        packets
    }

    fn heard(packets: &[Packet]) -> Vec<Digit> {
        let mut receiver = Receiver::default();
        let mut digits = Vec::new();
        for packet in packets {
            let now = Instant::START + Duration::from_millis(packet.ms);
            digits.extend(receiver.expire(now));
            receiver.receive(
                now,
                packet.timestamp,
                packet.marker,
                &packet.payload,
                |digit| {
                    digits.push(digit);
                },
            );
        }
        digits.extend(receiver.expire(Instant::START + Duration::from_secs(3_600)));
        assert_eq!(receiver.deadline(), None);
        digits
    }

    fn keys(digits: &[Digit]) -> String {
        digits.iter().map(|digit| digit.key).collect()
    }

    #[test]
    fn a_press_is_one_digit_with_its_duration() {
        assert_eq!(heard(&sent(&[(11, 5)])), [Digit { key: '#', ms: 100 }]);
    }

    #[test]
    fn the_digit_is_out_with_its_first_end_packet() {
        let packets = sent(&[(1, 5)]);
        let mut receiver = Receiver::default();
        let mut count = 0;
        for packet in &packets[..5] {
            let now = Instant::START + Duration::from_millis(packet.ms);
            receiver.receive(
                now,
                packet.timestamp,
                packet.marker,
                &packet.payload,
                |_| count += 1,
            );
        }
        assert_eq!(count, 1);
    }

    #[test]
    fn without_any_end_the_next_press_or_the_time_ends_it() {
        let mut packets = sent(&[(1, 5), (1, 5)]);
        packets.retain(|packet| packet.payload[1] & 0x80 == 0);
        assert_eq!(heard(&packets), [Digit { key: '1', ms: 80 }; 2]);
        // At once after each other, too fast for the timeout.
        for (n, packet) in packets.iter_mut().enumerate() {
            packet.ms = n as u64;
        }
        assert_eq!(keys(&heard(&packets)), "11");
    }

    #[test]
    fn a_long_press_in_segments_is_one_digit() {
        let mut packets = Vec::new();
        for segment in 0..3u32 {
            for n in 1..=410u32 {
                let duration = (n * 160).min(0xFFFF) as u16;
                let end = segment == 2 && n == 100;
                let [high, low] = duration.to_be_bytes();
                packets.push(Packet {
                    press: 0,
                    ms: u64::from(segment) * 8_192 + u64::from(n) * 20,
                    timestamp: segment.wrapping_mul(0xFFFF),
                    marker: segment == 0 && n == 1,
                    payload: [5, if end { 0x80 } else { 0 }, high, low],
                });
                if end {
                    break;
                }
            }
        }
        assert_eq!(
            heard(&packets),
            [Digit {
                key: '5',
                ms: (2 * 0xFFFF + 16_000) / 8
            }]
        );
    }

    #[test]
    fn what_is_not_a_key_is_nothing() {
        let mut receiver = Receiver::default();
        for payload in [&[16, 0x80, 0, 0][..], &[1, 0x80, 0], &[]] {
            receiver.receive(Instant::START, 1, true, payload, |_| panic!());
        }
        assert_eq!(receiver.deadline(), None);
    }

    proptest! {
        /// Any loss: the presses of which anything arrived, once each, in order.
        #[test]
        fn each_digit_once_whatever_is_lost(
            presses in proptest::collection::vec((0u8..16, 2u16..20), 1..20),
            fate in proptest::collection::vec(0u8..4, 500),
        ) {
            let packets: Vec<Packet> = sent(&presses)
                .into_iter()
                .zip(&fate)
                // One in two is lost, one in four comes twice.
                .flat_map(|(packet, fate)| vec![packet; usize::from(fate.saturating_sub(1))])
                .collect();
            let mut arrived: Vec<usize> = packets.iter().map(|packet| packet.press).collect();
            arrived.dedup();
            let expected: String =
                arrived.iter().filter_map(|&press| key_of(presses[press].0)).collect();
            prop_assert_eq!(keys(&heard(&packets)), expected);
        }

        /// Any bounded disorder on top: still once each.
        #[test]
        fn each_digit_once_in_any_order(
            presses in proptest::collection::vec((0u8..16, 2u16..20), 1..12),
            delays in proptest::collection::vec(proptest::option::of(0u64..300), 500),
        ) {
            let mut packets: Vec<Packet> = sent(&presses)
                .into_iter()
                .zip(&delays)
                .filter_map(|(mut packet, delay)| {
                    packet.ms += (*delay)?;
                    Some(packet)
                })
                .collect();
            packets.sort_by_key(|packet| packet.ms);
            let mut arrived: Vec<usize> = packets.iter().map(|packet| packet.press).collect();
            arrived.sort_unstable();
            arrived.dedup();
            let mut expected: Vec<char> =
                arrived.iter().filter_map(|&press| key_of(presses[press].0)).collect();
            let mut digits: Vec<char> = keys(&heard(&packets)).chars().collect();
            expected.sort_unstable();
            digits.sort_unstable();
            prop_assert_eq!(digits, expected);
        }
    }
}
