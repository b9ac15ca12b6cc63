//! The media worker: all sessions of one thread, as a plain value.
//!
//! It is driven by [`Worker::handle_command`], [`Worker::handle_packet`] and
//! [`Worker::handle_tick`]; what it does to the world goes through the [`Wire`], what it has to say
//! comes out of [`Worker::poll_report`]. Once a leg is connected, its packets cost no allocation
//! and no search.

use std::collections::{BTreeMap, VecDeque};

use hotline_model::{Instant, LegId, limits::MEDIA_REPORTS};
use slab::Slab;

use crate::{Report, secure::dtls::Identity};

mod attention;
mod browsers;
mod commands;
mod control;
mod ear;
mod faults;
mod hearing;
mod leg;
mod packets;
mod private;
mod recordings;
mod schedule;
mod source;
mod speech;
#[cfg(test)]
mod tests;
mod ticks;
mod wire;

use ear::Scratch;
use leg::Leg;
use recordings::Recordings;
use schedule::Schedule;
pub use wire::{Slot, Wire};

/// Room for reports from the beginning: those of keys come on a packet's way, where nothing may be
/// allocated, and are fetched after each batch.
const REPORTS_ROOM: usize = 256;

/// The sessions of one media thread.
pub struct Worker {
    legs: Slab<Leg>,
    slots: BTreeMap<LegId, usize>,
    schedule: Schedule,
    recordings: Recordings,
    reports: VecDeque<Report>,
    counts: Counts,
    random: Random,
    /// When the legs are next looked through for silence.
    sweep: Instant,
    /// For packets fetched in ticks, and for packets being built.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    converted: Vec<u8>,
    /// For a received packet being opened.
    opened: Vec<u8>,
    /// Our certificate, where browsers are served.
    identity: Option<Identity>,
    /// For samples being decoded.
    scratch: Scratch,
}

/// What went wrong in a worker's life, over all legs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands about a leg that is not open, or that could not be carried out.
    pub commands_dropped: u64,
    /// Digits that nobody fetched: more than
    /// [`MEDIA_REPORTS`] reports were waiting.
    pub digits_dropped: u64,
    /// Blocks of sound the recorder had no room for.
    pub blocks_dropped: u64,
    /// 20 ms frames that were left out because a tick came more than 100 ms late.
    pub frames_late: u64,
}

impl Worker {
    /// A worker without legs; SSRCs and first numbers follow from `seed`.
    pub fn new(seed: u64) -> Self {
        // One byte more than the longest packet, so that a longer one is seen to be.
        let buffer = || vec![0; hotline_model::limits::RTP_PACKET_BYTES + 1];
        Self {
            legs: Slab::new(),
            slots: BTreeMap::new(),
            schedule: Schedule::default(),
            recordings: Recordings::default(),
            reports: VecDeque::with_capacity(REPORTS_ROOM),
            counts: Counts::default(),
            random: Random(seed),
            sweep: Instant::START,
            incoming: buffer(),
            outgoing: buffer(),
            converted: buffer(),
            opened: buffer(),
            identity: None,
            scratch: Scratch::default(),
        }
    }

    /// The next thing to report, in the order it happened.
    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// Puts back a report that could not be handed on; it comes out next.
    pub fn unpoll_report(&mut self, report: Report) {
        self.reports.push_front(report);
    }

    /// What went wrong so far.
    pub fn counts(&self) -> Counts {
        Counts {
            blocks_dropped: self.recordings.blocks_dropped(),
            ..self.counts
        }
    }

    /// Open legs.
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    /// Who hears whom at present: each leg with those it hears, for checks. Whoever is shielded is
    /// heard by nobody.
    pub fn rows(&self) -> impl Iterator<Item = (LegId, Vec<LegId>)> + '_ {
        self.legs.iter().map(|(_, leg)| {
            let heard = leg.hears.iter();
            let heard = heard.filter_map(|heard| self.legs.get(heard.slot));
            let audible = heard.filter(|heard| !heard.shielded);
            (leg.id, audible.map(|heard| heard.id).collect())
        })
    }

    /// Digits are dropped when nobody fetches reports; all other reports are bounded by the
    /// commands they answer.
    fn report(&mut self, report: Report) {
        if matches!(report, Report::Digit { .. }) && self.reports.len() >= MEDIA_REPORTS {
            self.counts.digits_dropped += 1;
        } else {
            self.reports.push_back(report);
        }
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): enough for SSRCs that must differ, not for secrets.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}
