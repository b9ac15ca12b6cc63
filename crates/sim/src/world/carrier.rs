//! The carrier beyond the trunk: it leads the exchange's calls to the citizens' phones, and loses some.

use std::collections::BTreeMap;

use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};

use crate::town::citizen;

/// Calls in a hundred that the carrier takes and loses without a word.
const LOST: u32 = 6;

/// The calls that the exchange made through the carrier.
#[derive(Default)]
pub(super) struct Carrier {
    /// By Call-ID: the line it leads to; `None`: nowhere.
    calls: BTreeMap<String, Option<usize>>,
}

/// What a message to the carrier is.
pub(super) struct Heard {
    /// It begins a call to this number.
    pub(super) calls: Option<String>,
    /// The line that hears it; `None`: nobody does.
    pub(super) line: Option<usize>,
}

impl Carrier {
    /// A message came from the exchange; `lines` phones are there.
    pub(super) fn hears(&mut self, bytes: &[u8], lines: usize, random: &mut ChaCha8Rng) -> Heard {
        let text = String::from_utf8_lossy(bytes);
        let nothing = Heard {
            calls: None,
            line: None,
        };
        let Some(id) = header(&text, "Call-ID:") else {
            return nothing;
        };
        if let Some(&line) = self.calls.get(id) {
            return Heard { line, ..nothing };
        }
        let number = text.strip_prefix("INVITE sip:");
        let Some((number, _)) = number.and_then(|rest| rest.split_once('@')) else {
            return nothing;
        };
        let lost = random.next_u32() % 100 < LOST;
        let line = (0..lines).find(|&line| !lost && citizen(line) == number);
        self.calls.insert(id.to_owned(), line);
        let calls = Some(number.to_owned());
        Heard { calls, line }
    }
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim())
}
