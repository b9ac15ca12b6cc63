//! Keys: as RFC 4733 telephone events, and as tones in the sound.

mod inband;
mod receive;
mod send;
mod tone;

pub use inband::Listener;
pub use receive::{Digit, Receiver};
pub use send::{Sender, Turn};
pub use tone::Tone;
pub(crate) use tone::ZERO_DBM0;

/// The key of an event code (RFC 4733 §3.2): 0–15. Others are not keys.
pub fn key_of(event: u8) -> Option<char> {
    match event {
        0..=9 => Some(char::from(b'0' + event)),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some(char::from(b'A' + event - 12)),
        _ => None,
    }
}

/// The event code of a key.
pub fn event_of(key: char) -> Option<u8> {
    match key {
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        'a'..='d' => Some(key as u8 - b'a' + 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_events_match() {
        let keys: String = (0..=255).filter_map(key_of).collect();
        assert_eq!(keys, "0123456789*#ABCD");
        for (event, key) in keys.chars().enumerate() {
            assert_eq!(event_of(key), Some(event as u8));
        }
        assert_eq!(event_of('x'), None);
    }
}
