//! Packets that come when they can, as sound that is due when it is due: an adaptive jitter buffer.
//!
//! The buffer holds packets until their turn. It begins a stream a little after its first packet,
//! and from then on plays by the timestamps. What is missing when it is due is given out as lost,
//! to be concealed; if it then still comes, it is played late and so is all after it: the delay has
//! grown. Where for some seconds every packet waited longer than the jitter asks for, one gap, or
//! for want of one a packet, is left out: the delay has shrunk. A sender whose clock differs is
//! followed in the same way. After 60 ms without anything, silence is given out, and the next
//! packet begins the stream anew.

use hotline_model::{
    Instant,
    limits::{JITTER_PACKET_BYTES, JITTER_PACKETS},
};

use crate::rtp::continues;

/// How long nothing is taken for loss; then for silence, milliseconds: as long as concealment can
/// go on (ITU-T G.711 Appendix I).
const CONCEALED_MS: i64 = 60;

/// How far a timestamp may lie from where the stream is; further is a new beginning, milliseconds.
const JUMP_MS: i64 = 2_000;

/// Length of a frame while no packet has told one, milliseconds.
const FRAME_MS: i64 = 20;

/// For how long packets are watched before the delay is shortened, milliseconds.
const WATCHED_MS: u64 = 4_000;

/// For how long a gap is awaited to shorten the delay in, before a packet is left out,
/// milliseconds.
const GAP_AWAITED_MS: u64 = 1_000;

/// What a packet must at least have waited more than a frame for the delay to be shortened,
/// milliseconds.
const SPARE_MS: i64 = 10;

/// Packets in a row that may be too late; then the sender has set its clock back.
const LATE_IN_A_ROW: u8 = 10;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A packet's payload.
    Packet {
        /// The bytes, to be decoded.
        payload: &'a [u8],
        /// Its length in ticks of the stream's clock.
        ticks: u32,
    },
    /// Nothing came for so many ticks in which there was sound: to be concealed.
    Lost {
        /// Length in ticks.
        ticks: u32,
    },
    /// The peer is silent for so many ticks.
    Silence {
        /// Length in ticks.
        ticks: u32,
    },
}

/// A packet as it came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Synchronization source.
    pub ssrc: u32,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Length in ticks: of G.711 and G.722 the number of bytes.
    pub ticks: u32,
    /// The sound, encoded.
    pub payload: &'a [u8],
}

/// Between what the delay is kept, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Least time a stream's first packet waits.
    pub least_ms: u16,
    /// Most sound that is kept while the stream plays; of more the oldest is left out. At a
    /// beginning a packet may wait as long again.
    pub most_ms: u16,
}

/// What a buffer has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets given out.
    pub played: u64,
    /// Frames given out as lost.
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came more than once.
    pub duplicates: u64,
    /// Packets left out: to shorten the delay, or because too many came at once.
    pub skipped: u64,
    /// Packets longer than
    /// [`JITTER_PACKET_BYTES`], or of no length.
    pub unusable: u64,
    /// Beginnings of a stream: a new source, a jump of its numbers.
    pub restarts: u64,
}

/// A packet that waits.
#[derive(Clone, Debug)]
struct Waiting {
    sequence: i64,
    timestamp: i64,
    ticks: i64,
    arrived_us: u64,
    length: usize,
}

/// A jitter buffer for one stream; of fixed size, it never allocates after construction.
#[derive(Clone, Debug)]
pub struct Buffer {
    ticks_per_ms: i64,
    bounds: Bounds,
    /// Apart from their bytes, so that looking through them touches little memory.
    waiting: Box<[Option<Waiting>; JITTER_PACKETS]>,
    /// The bytes of each, by its place.
    bytes: Box<[[u8; JITTER_PACKET_BYTES]; JITTER_PACKETS]>,
    /// The packet that was given out last.
    given: Option<Waiting>,
    stream: Option<Stream>,
    /// Timestamp that is due next, while the stream plays.
    due: Option<i64>,
    /// Ticks given out as lost for which `due` did not move: the sound may still come.
    held: i64,
    /// Delay that beginnings aim at, milliseconds.
    aim_ms: i64,
    /// The next frame is to be held once, since packets come too late.
    grow: bool,
    late_in_a_row: u8,
    watch: Watch,
    counts: Counts,
}

/// The source that is heard.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    /// Highest extended sequence number and timestamp.
    highest: (i64, i64),
    /// Extended sequence number of the last packet given out or left out.
    last: i64,
    /// Length of its last packet, ticks.
    ticks: i64,
    /// Relative transit time of the last packet and the jitter times 16, ticks (RFC 3550 A.8).
    transit: i64,
    jitter_16: i64,
}

/// How long packets waited lately.
#[derive(Clone, Copy, Debug)]
struct Watch {
    since_us: u64,
    /// The shortest wait, microseconds.
    shortest_us: u64,
    /// Since when the delay could be shortened by a frame.
    shorten: Option<u64>,
}

impl Watch {
    const fn since(us: u64) -> Self {
        Self {
            since_us: us,
            shortest_us: u64::MAX,
            shorten: None,
        }
    }
}

fn us(at: Instant) -> u64 {
    at.since_start().as_micros() as u64
}

impl Buffer {
    /// A buffer for a stream whose RTP clock has so many ticks a second (a multiple of 1,000).
    pub fn new(clock: u32, bounds: Bounds) -> Self {
        Self {
            ticks_per_ms: i64::from(clock / 1_000).max(1),
            bounds,
            waiting: Box::new([const { None }; JITTER_PACKETS]),
            bytes: Box::new([[0; JITTER_PACKET_BYTES]; JITTER_PACKETS]),
            given: None,
            stream: None,
            due: None,
            held: 0,
            aim_ms: bounds.least_ms.into(),
            grow: false,
            late_in_a_row: 0,
            watch: Watch::since(0),
            counts: Counts::default(),
        }
    }

    /// What it has seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Interarrival jitter, ticks (RFC 3550 §6.4.1).
    fn jitter(&self) -> u32 {
        self.stream
            .map_or(0, |stream| (stream.jitter_16 / 16) as u32)
    }

    /// Takes a packet in.
    pub fn put(&mut self, now: Instant, packet: &Arrived<'_>) {
        let length = packet.payload.len();
        let most = self.bounds.most_ms.max(60);
        let longest = i64::from(most) * self.ticks_per_ms;
        let fits = length <= JITTER_PACKET_BYTES && i64::from(packet.ticks) <= longest;
        if packet.ticks == 0 || !fits {
            self.counts.unusable += 1;
            return;
        }
        let (sequence, timestamp) = self.extended(packet);
        self.measure(now, timestamp);
        if self.is_late(sequence, timestamp, packet.ticks.into()) {
            return;
        }
        let same = |waiting: &Waiting| waiting.sequence == sequence;
        if self.waiting.iter().flatten().any(same) {
            self.counts.duplicates += 1;
            return;
        }
        if self.waiting.iter().all(Option::is_some) {
            self.skip();
        }
        let mut places = self.waiting.iter_mut().zip(self.bytes.iter_mut());
        let Some((place, bytes)) = places.find(|(place, _)| place.is_none()) else {
            return;
        };
        *place = Some(Waiting {
            sequence,
            timestamp,
            ticks: packet.ticks.into(),
            arrived_us: us(now),
            length,
        });
        let bytes = bytes.iter_mut().zip(packet.payload);
        bytes.for_each(|(to, &byte)| *to = byte);
    }

    /// What is due now. Called whenever the receiver has less sound left than it needs: with
    /// packets of 20 ms once each 20 ms.
    pub fn next(&mut self, now: Instant) -> Frame<'_> {
        self.begin(now);
        let Some(due) = self.due else {
            return Frame::Silence {
                ticks: (FRAME_MS * self.ticks_per_ms) as u32,
            };
        };
        self.bound(due);
        if core::mem::take(&mut self.grow) {
            return self.hold();
        }
        loop {
            let Some((at, sequence, timestamp)) = self.earliest() else {
                return self.missing();
            };
            let due = self.due.unwrap_or(timestamp);
            let gap = timestamp - due;
            if gap <= 0 {
                if self.should_skip(now) {
                    self.skip();
                    self.due = self.due.map(|due| due + self.frame_ticks());
                    self.shortened(now);
                    continue;
                }
                return self.play(now, at);
            }
            // What was held for came to nothing: that time is over already.
            let passed = gap.min(core::mem::take(&mut self.held));
            let left = gap - passed;
            if left == 0 {
                self.due = Some(timestamp);
                continue;
            }
            let ticks = left.min(self.frame_ticks());
            self.due = Some(due + passed + ticks);
            if self.watch.shorten.is_some() {
                self.shortened(now);
                continue;
            }
            let lost = self
                .stream
                .is_some_and(|stream| stream.last + 1 != sequence);
            if lost {
                self.counts.lost += 1;
                return Frame::Lost {
                    ticks: ticks as u32,
                };
            }
            return Frame::Silence {
                ticks: ticks as u32,
            };
        }
    }

    /// The next packet that waits, whatever its time, for a stream that is over. `None` when none
    /// is left.
    pub fn leftover(&mut self) -> Option<&[u8]> {
        let (at, ..) = self.earliest()?;
        self.given = self.waiting.get_mut(at).and_then(Option::take);
        let packet = self.given.as_ref()?;
        // Its place is free, but nothing is put there while the bytes are lent.
        self.bytes.get(at)?.get(..packet.length)
    }

    /// The packet right after what was given out last, which may repeat some of it.
    pub fn following(&self) -> Option<&[u8]> {
        let (at, _, timestamp) = self.earliest()?;
        let packet = self.waiting.get(at)?.as_ref()?;
        (self.due == Some(timestamp)).then(|| self.bytes.get(at)?.get(..packet.length))?
    }

    /// The packet's numbers without wrap-around; a new source begins anew.
    fn extended(&mut self, packet: &Arrived<'_>) -> (i64, i64) {
        let known = self.stream.filter(|stream| {
            let elapsed = packet.timestamp.wrapping_sub(stream.highest.1 as u32);
            let near = i64::from(elapsed.cast_signed()).abs() <= JUMP_MS * self.ticks_per_ms;
            let continues = continues(stream.highest.0 as u16, packet.sequence);
            // While nothing plays, any pause may have passed.
            stream.ssrc == packet.ssrc && continues && (near || self.due.is_none())
        });
        let Some(mut stream) = known else {
            let first = (i64::from(packet.sequence), i64::from(packet.timestamp));
            self.restart();
            self.stream = Some(Stream {
                ssrc: packet.ssrc,
                highest: first,
                last: i64::MIN,
                ticks: packet.ticks.into(),
                transit: i64::MIN,
                jitter_16: self.stream.map_or(0, |stream| stream.jitter_16),
            });
            return first;
        };
        let (sequence, timestamp) = stream.highest;
        let ahead = packet.sequence.wrapping_sub(sequence as u16).cast_signed();
        let elapsed = packet
            .timestamp
            .wrapping_sub(timestamp as u32)
            .cast_signed();
        let extended = (sequence + i64::from(ahead), timestamp + i64::from(elapsed));
        if ahead > 0 {
            stream.highest = extended;
        }
        stream.ticks = packet.ticks.into();
        self.stream = Some(stream);
        extended
    }

    /// Forgets what waits.
    fn restart(&mut self) {
        self.waiting.iter_mut().for_each(|place| *place = None);
        self.due = None;
        self.held = 0;
        self.grow = false;
        self.late_in_a_row = 0;
        self.counts.restarts += 1;
    }

    /// RFC 3550 A.8.
    fn measure(&mut self, now: Instant, timestamp: i64) {
        let arrival = us(now).cast_signed() * self.ticks_per_ms / 1_000;
        if let Some(stream) = &mut self.stream {
            let transit = arrival - timestamp;
            // A first packet has none before it; neither has the first after a pause of the clock.
            let before = core::mem::replace(&mut stream.transit, transit);
            let difference = transit.saturating_sub(before).saturating_abs();
            if difference <= JUMP_MS * self.ticks_per_ms {
                stream.jitter_16 += difference - (stream.jitter_16 + 8) / 16;
            }
        }
    }

    /// Whether a packet's turn is over.
    fn is_late(&mut self, sequence: i64, timestamp: i64, ticks: i64) -> bool {
        let Some(stream) = self.stream else {
            return true;
        };
        let given = sequence <= stream.last;
        let passed = self.due.is_some_and(|due| timestamp + ticks / 2 < due);
        if !given && !passed {
            self.late_in_a_row = 0;
            return false;
        }
        if given
            && self
                .given
                .as_ref()
                .is_some_and(|given| given.sequence == sequence)
        {
            self.counts.duplicates += 1;
            return true;
        }
        self.counts.late += 1;
        if !given {
            self.late_in_a_row += 1;
            self.grow = self.may_grow();
        }
        if self.late_in_a_row >= LATE_IN_A_ROW {
            // The packets go on while their timestamps lie behind: the clock was set back.
            self.restart();
            return false;
        }
        true
    }

    /// Begins to play once the first packet has waited long enough.
    fn begin(&mut self, now: Instant) {
        if self.due.is_some() {
            return;
        }
        let Some((_, _, timestamp)) = self.earliest() else {
            return;
        };
        let first = self
            .waiting
            .iter()
            .flatten()
            .map(|packet| packet.arrived_us)
            .min();
        let waited = us(now).saturating_sub(first.unwrap_or_default());
        let ends = self.waiting.iter().flatten();
        let newest = ends.map(|packet| packet.timestamp + packet.ticks).max();
        let held_ms = (newest.unwrap_or(timestamp) - timestamp) / self.ticks_per_ms;
        let delay_ms = self.delay_ms();
        // By then it would have as much in hand, or it has already.
        if waited >= delay_ms.cast_unsigned() * 1_000 || held_ms > delay_ms {
            self.due = Some(timestamp);
            self.held = 0;
            self.watch = Watch::since(us(now));
        }
    }

    /// Delay for a stream that begins: twice the jitter, within the bounds.
    fn delay_ms(&self) -> i64 {
        let jitter = i64::from(self.jitter()) * 2 / self.ticks_per_ms;
        let (least, most) = (self.bounds.least_ms.into(), self.bounds.most_ms.into());
        self.aim_ms.max(jitter).max(least).min(most)
    }

    fn frame_ticks(&self) -> i64 {
        let usual = FRAME_MS * self.ticks_per_ms;
        self.stream.map_or(usual, |stream| stream.ticks)
    }

    /// The packet whose turn is next: place, sequence number and timestamp.
    fn earliest(&self) -> Option<(usize, i64, i64)> {
        let places = self.waiting.iter().enumerate();
        places
            .filter_map(|(at, place)| {
                let waiting = place.as_ref()?;
                Some((at, waiting.sequence, waiting.timestamp))
            })
            .min_by_key(|&(_, sequence, _)| sequence)
    }

    /// Leaves out what is more than the longest delay holds.
    fn bound(&mut self, due: i64) {
        let most = i64::from(self.bounds.most_ms) * self.ticks_per_ms;
        let ends = self.waiting.iter().flatten();
        let Some(newest) = ends.map(|packet| packet.timestamp + packet.ticks).max() else {
            return;
        };
        if newest - due <= most {
            return;
        }
        let begin = newest - most;
        while let Some((_, _, timestamp)) = self.earliest() {
            if timestamp >= begin {
                break;
            }
            self.skip();
        }
        let next = self.earliest().map(|(_, _, timestamp)| timestamp);
        self.due = Some(next.unwrap_or(begin));
        self.held = 0;
    }

    /// Leaves the earliest packet out.
    fn skip(&mut self) {
        if let Some((at, sequence, _)) = self.earliest() {
            if let Some(place) = self.waiting.get_mut(at) {
                *place = None;
            }
            if let Some(stream) = &mut self.stream {
                stream.last = sequence;
            }
            self.counts.skipped += 1;
        }
    }

    fn play(&mut self, now: Instant, at: usize) -> Frame<'_> {
        self.given = self.waiting.get_mut(at).and_then(Option::take);
        if core::mem::take(&mut self.held) > 0 {
            // It came after all, late: the next stream begins with more delay.
            let most = i64::from(self.bounds.most_ms);
            self.aim_ms = (self.aim_ms + FRAME_MS / 2).min(most);
        }
        let Some(packet) = &self.given else {
            return Frame::Silence { ticks: 0 };
        };
        if let Some(stream) = &mut self.stream {
            stream.last = packet.sequence;
        }
        self.due = Some(packet.timestamp + packet.ticks);
        self.counts.played += 1;
        let waited = us(now).saturating_sub(packet.arrived_us);
        self.watch.shortest_us = self.watch.shortest_us.min(waited);
        if us(now).saturating_sub(self.watch.since_us) >= WATCHED_MS * 1_000 {
            let jitter = self.stream.map_or(0, |stream| stream.jitter_16 / 16);
            let spare = (jitter / self.ticks_per_ms).max(SPARE_MS);
            let frame = packet.ticks / self.ticks_per_ms;
            let enough = (frame + spare).max(self.bounds.least_ms.into());
            let shortest = (self.watch.shortest_us / 1_000).cast_signed();
            let since = self.watch.shorten.unwrap_or(us(now));
            self.watch = Watch::since(us(now));
            self.watch.shorten = (shortest >= enough).then_some(since);
        }
        // Its place is free, but nothing is put there while the bytes are lent.
        let bytes = self.bytes.get(at).and_then(|it| it.get(..packet.length));
        Frame::Packet {
            payload: bytes.unwrap_or_default(),
            ticks: packet.ticks as u32,
        }
    }

    /// Whether the delay is to be shortened and no gap came to do it in.
    fn should_skip(&self, now: Instant) -> bool {
        let since = self.watch.shorten;
        since.is_some_and(|since| us(now).saturating_sub(since) >= GAP_AWAITED_MS * 1_000)
    }

    fn shortened(&mut self, now: Instant) {
        self.watch = Watch::since(us(now));
        self.aim_ms = (self.aim_ms - FRAME_MS / 2).max(self.bounds.least_ms.into());
    }

    fn may_grow(&self) -> bool {
        let shortest = self.watch.shortest_us;
        shortest == u64::MAX || shortest < u64::from(self.bounds.most_ms) * 1_000
    }

    /// Gives out a lost frame without going on: all that follows is played later.
    fn hold(&mut self) -> Frame<'_> {
        self.counts.lost += 1;
        Frame::Lost {
            ticks: self.frame_ticks() as u32,
        }
    }

    /// Nothing waits: lost for a while, then silence.
    fn missing(&mut self) -> Frame<'_> {
        let ticks = self.frame_ticks();
        if self.held + ticks <= CONCEALED_MS * self.ticks_per_ms {
            self.held += ticks;
            return self.hold();
        }
        self.due = None;
        self.held = 0;
        Frame::Silence {
            ticks: ticks as u32,
        }
    }
}

#[cfg(test)]
mod tests;
