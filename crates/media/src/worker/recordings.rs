//! The running recordings: which legs feed them, and what of them got lost.

use std::collections::{BTreeMap, VecDeque};

use hotline_model::{Instant, limits::RECORDED_VOICES};

use super::{
    Wire,
    ear::Samples,
    leg::{Leg, Tap},
};
use crate::{
    Codec, FRAME_SAMPLES,
    block::{Block, Sound},
    rtp::{RtpReader, samples_at},
};

/// Recordings of one worker.
#[derive(Default)]
pub(super) struct Recordings {
    running: BTreeMap<u64, Recording>,
    /// End markers the recorder had no room for yet: an end is never dropped.
    ends: VecDeque<Block>,
    blocks_dropped: u64,
}

struct Recording {
    began: u64,
    /// Slots of the legs that feed it, by voice: the first goes left, the others right. A voice
    /// whose leg has left keeps its place.
    slots: Vec<Option<usize>>,
    /// Nothing is recorded at present; time goes on.
    paused: bool,
    dropped: u64,
}

/// What is known of a recording at its end.
pub(super) struct Ended {
    pub(super) dropped: u64,
    pub(super) slots: Vec<Option<usize>>,
}

impl Recordings {
    /// Begins a recording of these legs. False when there is one of that name.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        recording: u64,
        slots: [Option<usize>; 2],
    ) -> bool {
        if self.running.contains_key(&recording) {
            return false;
        }
        let entry = Recording {
            began: samples_at(now),
            slots: slots.to_vec(),
            paused: false,
            dropped: 0,
        };
        self.running.insert(recording, entry);
        true
    }

    /// Ends a recording. Returns how many of its blocks were lost and which slots still fed it;
    /// `None` when there is none of that name. Its file ends all the same: the recorder may have
    /// begun one for a recording that could not begin here, and passes over a second end.
    pub(super) fn end(&mut self, now: Instant, recording: u64) -> Option<Ended> {
        let entry = self.running.remove(&recording);
        let began = entry.as_ref().map(|entry| entry.began);
        self.ends.push_back(Block::End {
            recording,
            at_sample: began.map_or(0, |began| samples_at(now).saturating_sub(began)),
        });
        let entry = entry?;
        Some(Ended {
            dropped: entry.dropped,
            slots: entry.slots,
        })
    }

    /// A slot stops feeding a recording. True when it was the last one.
    pub(super) fn leave(&mut self, recording: u64, slot: usize) -> bool {
        self.running.get_mut(&recording).is_some_and(|entry| {
            for place in &mut entry.slots {
                place.take_if(|fed| *fed == slot);
            }
            entry.slots.iter().all(Option::is_none)
        })
    }

    /// A further slot feeds a recording: its voice, and when the recording began. `None` when there
    /// is no such recording, or no room for a voice.
    pub(super) fn join(&mut self, recording: u64, slot: usize) -> Option<(u8, u64)> {
        let entry = self.running.get_mut(&recording)?;
        if entry.slots.len() >= RECORDED_VOICES || entry.slots.contains(&Some(slot)) {
            return None;
        }
        let voice = u8::try_from(entry.slots.len()).ok()?;
        entry.slots.push(Some(slot));
        Some((voice, entry.began))
    }

    /// Records nothing for a while, or goes on. False when there is no such recording.
    pub(super) fn pause(&mut self, recording: u64, paused: bool) -> bool {
        let entry = self.running.get_mut(&recording);
        entry.map(|entry| entry.paused = paused).is_some()
    }

    /// Hands the waiting end markers to the recorder, as far as there is room.
    pub(super) fn flush(&mut self, wire: &mut impl Wire) {
        while let Some(end) = self.ends.front()
            && wire.record(end)
        {
            self.ends.pop_front();
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.ends.is_empty()
    }

    pub(super) fn has_waiting_ends(&self) -> bool {
        !self.ends.is_empty()
    }

    pub(super) fn blocks_dropped(&self) -> u64 {
        self.blocks_dropped
    }

    fn dropped(&mut self, recording: u64) {
        self.blocks_dropped += 1;
        if let Some(entry) = self.running.get_mut(&recording) {
            entry.dropped += 1;
        }
    }

    /// Records sound that was heard from `leg`.
    pub(super) fn heard(
        &mut self,
        now: Instant,
        leg: &mut Leg,
        (packet, codec): (&RtpReader<'_>, Codec),
        wire: &mut impl Wire,
    ) {
        if leg.taps.iter().all(Option::is_none) {
            return;
        }
        let placed = leg.incoming.place(now, packet);
        for tap in leg.taps.iter().flatten() {
            if self.running.get(&tap.recording).is_some_and(|it| it.paused) {
                continue;
            }
            for (n, chunk) in packet.payload().chunks(FRAME_SAMPLES).enumerate() {
                let at = placed + (n * FRAME_SAMPLES) as u64;
                // What was heard just before the recording began is not part of it.
                let Some(at_sample) = at.checked_sub(tap.began) else {
                    continue;
                };
                if !wire.record(&sound(tap, at_sample, codec, chunk)) {
                    self.dropped(tap.recording);
                }
            }
        }
    }
}

impl Recordings {
    /// Records 20 ms that were decoded, of a leg whose packets are not of G.711.
    pub(super) fn decoded(
        &mut self,
        at: Instant,
        leg: &Leg,
        samples: &Samples,
        wire: &mut impl Wire,
    ) {
        for tap in leg.taps.iter().flatten() {
            let paused = self.running.get(&tap.recording).is_none_or(|it| it.paused);
            let Some(at_sample) = samples_at(at).checked_sub(tap.began) else {
                continue;
            };
            let block = sound(
                tap,
                at_sample,
                Codec::Pcma,
                &samples.map(|s| Codec::Pcma.encode(s)),
            );
            if !paused && !wire.record(&block) {
                self.dropped(tap.recording);
            }
        }
    }
}

fn sound(tap: &Tap, at_sample: u64, codec: Codec, chunk: &[u8]) -> Block {
    let mut bytes = [codec.silence(); FRAME_SAMPLES];
    bytes
        .iter_mut()
        .zip(chunk)
        .for_each(|(to, from)| *to = *from);
    Block::Sound(Sound {
        recording: tap.recording,
        at_sample,
        voice: tap.voice,
        codec,
        length: chunk.len().min(FRAME_SAMPLES) as u8,
        bytes,
    })
}
