//! Who hears whom: each leg has a row of the legs it hears, each with its gain.
//!
//! A bridge is two rows of one leg each. A supervisor who listens has a row of both parties and
//! stands in nobody's; who whispers stands in the agent's row alone. Where a row is one leg at full
//! strength and both sides can read the same sound, its packets are passed on as they arrive, byte
//! for byte; every other row is decoded and mixed in the listener's ticks.

use hotline_model::{Instant, LegId, limits::VOICES};

use super::{
    Slot, Wire, Worker,
    leg::{Leg, Reading},
};
use crate::{Gain, Voice};

/// A leg that is heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) slot: usize,
    pub(super) gain: Gain,
    /// The number of its next frame, when it is mixed.
    pub(super) next: u64,
}

impl Heard {
    const fn new(slot: usize, gain: Gain) -> Self {
        let next = 0;
        Self { slot, gain, next }
    }
}

fn is_same(a: &[Heard], b: &[Heard]) -> bool {
    let pairs = || a.iter().zip(b);
    a.len() == b.len() && pairs().all(|(a, b)| (a.slot, a.gain) == (b.slot, b.gain))
}

/// How a leg comes to hear others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// It hears nobody.
    #[default]
    Nobody,
    /// The packets of that leg, as they arrive.
    Relayed(usize),
    /// What its row says, mixed every 20 ms.
    Mixed,
}

impl Worker {
    /// Each leg hears the other and nobody else, and is heard by nobody else.
    pub(super) fn bridge(
        &mut self,
        now: Instant,
        a: LegId,
        b: LegId,
        wire: &mut impl Wire,
    ) -> bool {
        let (Some(a), Some(b)) = (self.slot(a), self.slot(b)) else {
            return false;
        };
        if a == b {
            return false;
        }
        for (slot, other) in [(a, b), (b, a)] {
            // A bridge that is already this one stays as it is.
            let only = [Heard::new(other, Gain::FULL)];
            let stands = |leg: &Leg| is_same(&leg.hears, &only) && leg.heard_by == [other];
            if !self.legs.get(slot).is_some_and(stands) {
                self.isolate(now, slot, wire);
            }
        }
        for (slot, other) in [(a, b), (b, a)] {
            if let Some(leg) = self.legs.get_mut(slot) {
                leg.stop_play();
            }
            self.set_row(now, slot, &[Heard::new(other, Gain::FULL)], wire);
        }
        true
    }

    /// Sets a leg's row. False when one of the legs is not open, or it shall hear itself, or too
    /// many: then nothing changes.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        leg: LegId,
        voices: &[Voice],
        wire: &mut impl Wire,
    ) -> bool {
        let Some(slot) = self.slot(leg) else {
            return false;
        };
        if voices.len() > VOICES {
            return false;
        }
        let mut row: Vec<Heard> = Vec::with_capacity(voices.len());
        for voice in voices {
            match self.slot(voice.leg) {
                Some(other) if other != slot && row.iter().all(|heard| heard.slot != other) => {
                    row.push(Heard::new(other, voice.gain));
                }
                _ => return false,
            }
        }
        self.set_row(now, slot, &row, wire);
        true
    }

    /// The leg hears nobody and nobody hears it.
    pub(super) fn isolate(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        self.set_row(now, slot, &[], wire);
        let listeners = self.legs.get(slot).map(|leg| leg.heard_by.clone());
        for listener in listeners.unwrap_or_default() {
            let Some(leg) = self.legs.get(listener) else {
                continue;
            };
            let row = leg.hears.iter().filter(|heard| heard.slot != slot);
            let row: Vec<Heard> = row.copied().collect();
            self.set_row(now, listener, &row, wire);
        }
    }

    fn set_row(&mut self, now: Instant, slot: usize, row: &[Heard], wire: &mut impl Wire) {
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        if is_same(&leg.hears, row) {
            self.reroute(now, slot, wire);
            return;
        }
        let before = core::mem::replace(&mut leg.hears, row.to_vec());
        for heard in before {
            if row.iter().all(|it| it.slot != heard.slot)
                && let Some(source) = self.legs.get_mut(heard.slot)
            {
                source.heard_by.retain(|listener| *listener != slot);
                self.settle_source(now, heard.slot, wire);
            }
        }
        for heard in row {
            if let Some(source) = self.legs.get_mut(heard.slot)
                && !source.heard_by.contains(&slot)
            {
                source.heard_by.push(slot);
            }
        }
        self.reroute(now, slot, wire);
    }

    /// Chooses the leg's way of hearing anew, after its row or an agreement changed.
    pub(super) fn reroute(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        let Some(leg) = self.legs.get(slot) else {
            return;
        };
        let way = match leg.hears.as_slice() {
            [] => Way::Nobody,
            [only] if only.gain == Gain::FULL && self.understands(slot, only.slot) => {
                Way::Relayed(only.slot)
            }
            _ => Way::Mixed,
        };
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        if leg.way != way {
            leg.way = way;
            leg.relay.restart();
            leg.sounding = false;
        }
        for index in 0.. {
            let heard = self.legs.get(slot).and_then(|leg| leg.hears.get(index));
            let Some(source) = heard.map(|heard| heard.slot) else {
                break;
            };
            self.settle_source(now, source, wire);
        }
        self.settle(now, slot);
    }

    /// The leg's agreement changed: it may be heard, and hear, in another way.
    pub(super) fn agreement_changed(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        if let Some(leg) = self.legs.get_mut(slot) {
            leg.tune();
        }
        self.reroute(now, slot, wire);
        for index in 0.. {
            let listener = self.legs.get(slot).and_then(|leg| leg.heard_by.get(index));
            let Some(&listener) = listener else { break };
            self.reroute(now, listener, wire);
        }
    }

    /// Whether the listener can be sent the source's packets as they are, or byte for byte in the
    /// other law. What the source speaks counts, and what the listener agreed on. While one of them has agreed on nothing, nothing is sent anyhow.
    fn understands(&self, listener: usize, source: usize) -> bool {
        let said = self.legs.get(source).and_then(Leg::spoken);
        let agreed = self.legs.get(listener).and_then(|leg| leg.agreed);
        match (agreed.map(|agreed| agreed.codec), said) {
            (Some(a), Some(b)) => a == b || a.law().is_some() && b.law().is_some(),
            _ => true,
        }
    }

    /// How the packets of a leg are read follows from how others hear it: a relay must not wait
    /// for a tick.
    fn settle_source(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        let Some(leg) = self.legs.get(slot) else {
            return;
        };
        let ways = leg.heard_by.iter().filter_map(|&it| self.legs.get(it));
        let relayed = ways.clone().any(|it| it.way == Way::Relayed(slot));
        let mixed = ways.clone().any(|it| it.way == Way::Mixed);
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        leg.relayed = relayed;
        leg.mixed = mixed;
        leg.tune();
        match (relayed, leg.reading) {
            (true, Reading::EachTick { .. }) => {
                leg.reading = Reading::OnArrival;
                wire.watch(Slot(slot), true);
            }
            (false, Reading::OnArrival) => {
                leg.reading = Reading::EachTick { empty: 0 };
                wire.watch(Slot(slot), false);
            }
            _ => {}
        }
        self.settle(now, slot);
    }
}
