//! Presses keys: for a leg that the engine presses them on, and for the headless phone.

use std::collections::VecDeque;

use super::event_of;
use crate::FRAME_MS;

/// Presses that may wait on one leg; more are refused.
const WAITING: usize = 64;

/// Packets that carry the end (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;

/// Pause between two presses, packets: with the repeated ends 100 ms, as a person's finger needs.
const PAUSE: u8 = 3;

/// Shortest and longest press, milliseconds. The duration field ends at 8,191 ms; with a clock of
/// 48,000 a second, where it ends at 1,365 ms, longer presses are cut.
const PRESS_MS: core::ops::RangeInclusive<u32> = 40..=8_000;

/// −10 dBm0, the usual level.
const VOLUME: u8 = 10;

/// What to send in this 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: sound may be sent.
    Free,
    /// An event packet with the timestamp of the press.
    Packet {
        /// Timestamp of the press's beginning.
        timestamp: u32,
        /// Ticks since then: where the next sound may begin.
        duration: u16,
        /// First packet of the press.
        marker: bool,
        /// The payload.
        payload: [u8; 4],
    },
}

/// The keys a leg still has to press.
#[derive(Clone, Debug)]
pub struct Sender {
    waiting: VecDeque<(u8, u16)>,
    present: Option<Press>,
    pause: u8,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    timestamp: u32,
    /// 20 ms each: passed, and all.
    frames: u16,
    total: u16,
    ends: u8,
}

impl Default for Sender {
    /// With room for all that may wait: keys are passed on while packets come, where nothing may be
    /// allocated.
    fn default() -> Self {
        Self {
            waiting: VecDeque::with_capacity(WAITING),
            present: None,
            pause: 0,
        }
    }
}

impl Sender {
    /// Whether there is nothing to press and no pause to keep.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.present.is_none() && self.pause == 0
    }

    /// Queues a press. False when `key` is none, or too many wait.
    pub fn press(&mut self, key: char, ms: u32) -> bool {
        let Some(event) = event_of(key) else {
            return false;
        };
        if self.waiting.len() >= WAITING {
            return false;
        }
        let ms = ms.clamp(*PRESS_MS.start(), *PRESS_MS.end());
        let frames = u64::from(ms).div_ceil(FRAME_MS);
        self.waiting.push_back((event, frames as u16));
        true
    }

    /// What to send in the 20 ms that begin at `timestamp` of the stream, of which a frame has so
    /// many `ticks` of the events' clock.
    pub fn turn(&mut self, timestamp: u32, ticks: u16) -> Turn {
        if self.pause > 0 {
            self.pause -= 1;
            return Turn::Free;
        }
        let mut press = match self.present.take() {
            Some(press) => press,
            None => match self.waiting.pop_front() {
                Some((event, total)) => Press {
                    event,
                    timestamp,
                    frames: 0,
                    total: total.min(u16::MAX / ticks.max(1)),
                    ends: 0,
                },
                None => return Turn::Free,
            },
        };
        let marker = press.frames == 0;
        press.frames = press.total.min(press.frames + 1);
        let end = press.frames == press.total;
        let duration = press.frames.saturating_mul(ticks);
        press.ends += u8::from(end);
        if press.ends == ENDS {
            self.pause = PAUSE;
        } else {
            self.present = Some(press);
        }
        let [high, low] = duration.to_be_bytes();
        let flags = if end { 0x80 | VOLUME } else { VOLUME };
        Turn::Packet {
            timestamp: press.timestamp,
            duration,
            marker,
            payload: [press.event, flags, high, low],
        }
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::Instant;

    use super::*;
    use crate::dtmf::Receiver;

    #[test]
    fn a_press_has_a_marker_growing_durations_and_three_ends() {
        let mut sender = Sender::default();
        assert!(sender.press('9', 60));
        let turns: Vec<Turn> = (0..9).map(|n| sender.turn(1_000 + 160 * n, 160)).collect();
        let packet = |marker, flags, duration: u16| Turn::Packet {
            timestamp: 1_000,
            duration,
            marker,
            payload: [9, flags, (duration >> 8) as u8, duration as u8],
        };
        assert_eq!(
            turns[..5],
            [
                packet(true, 10, 160),
                packet(false, 10, 320),
                packet(false, 0x8A, 480),
                packet(false, 0x8A, 480),
                packet(false, 0x8A, 480),
            ]
        );
        assert_eq!(turns[5..], [Turn::Free; 4]);
        assert!(sender.is_idle());
    }

    #[test]
    fn what_is_pressed_is_heard() {
        let mut sender = Sender::default();
        for key in "12345*#AD0".chars() {
            assert!(sender.press(key, 100));
        }
        assert!(!sender.press('x', 100));
        let (mut receiver, mut keys, mut timestamp) = (Receiver::default(), String::new(), 0);
        while !sender.is_idle() {
            if let Turn::Packet {
                timestamp,
                marker,
                payload,
                ..
            } = sender.turn(timestamp, 160)
            {
                receiver.receive(Instant::START, timestamp, marker, &payload, |digit| {
                    assert_eq!(digit.ms, 100);
                    keys.push(digit.key);
                });
            }
            timestamp += 160;
        }
        assert_eq!(keys, "12345*#AD0");
    }

    #[test]
    fn beside_opus_a_key_counts_in_opus_ticks() {
        let mut sender = Sender::default();
        assert!(sender.press('5', 60));
        assert!(sender.press('6', 8_000));
        let mut receiver = Receiver::at(48_000);
        let (mut timestamp, mut heard) = (u32::MAX - 5_000, Vec::new());
        while !sender.is_idle() {
            if let Turn::Packet {
                timestamp,
                marker,
                payload,
                ..
            } = sender.turn(timestamp, 960)
            {
                let over = |digit: crate::dtmf::Digit| heard.push((digit.key, digit.ms));
                receiver.receive(Instant::START, timestamp, marker, &payload, over);
            }
            timestamp = timestamp.wrapping_add(960);
        }
        assert_eq!(heard, [('5', 60), ('6', 1_360)]);
    }

    #[test]
    fn too_many_presses_are_refused() {
        let mut sender = Sender::default();
        (0..WAITING).for_each(|_| assert!(sender.press('1', 40)));
        assert!(!sender.press('1', 40));
    }
}
