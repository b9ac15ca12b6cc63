//! What happens in time: frames of plays and presses, fetched packets, ends of keys, silence.

use core::time::Duration;

use hotline_model::{
    Instant,
    limits::{RTP_PACKET_BYTES, RTP_SILENCE_S},
};

use super::{Slot, Wire, Worker, leg::Reading, schedule::Due, speech::Desk};
use crate::{FRAME_MS, Report};

/// Frames that a late tick makes up for. When later than that, frames are left out: the listener
/// hears a pause, and not a burst that its jitter buffer would throw away.
const CATCH_UP: u64 = 5;

/// Packets fetched of one leg in one visit, so that a flood on one port does not hold up others.
const FETCHED: usize = 16;

/// Visits that find nothing before a leg is watched instead: one second.
const QUIET_VISITS: u8 = 50;

/// How often legs are looked through for silence, and end markers of recordings tried again.
const SWEEP: Duration = Duration::from_secs(1);

const FRAME: Duration = Duration::from_millis(FRAME_MS);

impl Worker {
    /// When [`Worker::handle_tick`] has something to do next.
    pub fn next_tick(&self) -> Option<Instant> {
        let idle = self.legs.is_empty() && !self.recordings.has_waiting_ends();
        let sweep = (!idle).then_some(self.sweep);
        sweep.into_iter().chain(self.schedule.next()).min()
    }

    /// Does one batch of what is due; again while [`Worker::next_tick`] is not in the future.
    /// Between batches packets that must not wait can be handed over.
    pub fn handle_tick(&mut self, now: Instant, wire: &mut impl Wire) {
        if self.sweep <= now {
            self.sweep = now + SWEEP;
            self.report_silence(now);
            self.recordings.flush(wire);
            self.report_reception(now, wire);
        }
        let Some(due) = self.schedule.take_due(now) else {
            return;
        };
        self.counts.frames_late += due.times.saturating_sub(CATCH_UP);
        let mut index = 0;
        while let Some(slot) = self.schedule.slot(due.phase, index) {
            self.guarded(now, slot, wire, |worker, wire| {
                worker.visit(now, slot, &due, wire);
            });
            // A leg that left gave its place to the last one of the batch.
            if self.schedule.slot(due.phase, index) == Some(slot) {
                index += 1;
            }
        }
    }

    fn visit(&mut self, now: Instant, slot: usize, due: &Due, wire: &mut impl Wire) {
        self.fetch(now, slot, wire);
        self.handshake_due(now, slot, wire);
        self.listen(now, slot, due, wire);
        self.send_frames(slot, due, wire);
        let expired = self
            .legs
            .get_mut(slot)
            .and_then(|leg| leg.digits.expire(now));
        if let Some(digit) = expired {
            self.report_digit(slot, digit);
        }
        self.settle(now, slot);
    }

    /// Makes the frames of a leg whose samples somebody needs.
    fn listen(&mut self, now: Instant, slot: usize, due: &Due, wire: &mut impl Wire) {
        for n in due.times.saturating_sub(CATCH_UP)..due.times {
            let Some(leg) = self.legs.get_mut(slot) else {
                return;
            };
            let at = due.first + FRAME * u32::try_from(n).unwrap_or(u32::MAX);
            let Some(ear) = &mut leg.ear else { return };
            let (format, samples) = (ear.format(), ear.turn(now, &mut self.scratch));
            if format.law().is_none() {
                self.recordings.decoded(at, leg, &samples, wire);
            }
            let (mut first, mut second) = (None, None);
            if let Some(tones) = &mut leg.tones {
                tones.hear(&samples, |digit| second = first.replace(digit));
            }
            for digit in [second, first].into_iter().flatten() {
                self.report_digit(slot, digit);
            }
        }
    }

    fn send_frames(&mut self, slot: usize, due: &Due, wire: &mut impl Wire) {
        for n in due.times.saturating_sub(CATCH_UP)..due.times {
            let at = due.first + FRAME * u32::try_from(n).unwrap_or(u32::MAX);
            let mixed = self.mix(slot);
            let Some(leg) = self.legs.get_mut(slot) else {
                return;
            };
            let mut desk = Desk {
                slot,
                at,
                packet: &mut self.outgoing,
                encoded: &mut self.converted,
                scratch: &mut self.scratch,
            };
            if let Some(play) = leg.send_frame(mixed.as_ref(), &mut desk, wire) {
                let leg = leg.id;
                self.report(Report::PlayEnded { leg, play });
            }
        }
    }

    /// Takes in the packets that arrived for a leg that is not watched.
    fn fetch(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        let reading = self.legs.get(slot).map(|leg| leg.reading);
        let Some(Reading::EachTick { empty }) = reading else {
            return;
        };
        let mut buffer = core::mem::take(&mut self.incoming);
        let mut fetched = 0;
        while fetched < FETCHED
            && let Some((length, from)) = wire.receive(Slot(slot), &mut buffer)
        {
            let length = length.min(RTP_PACKET_BYTES + 1);
            let bytes = buffer.get(..length).unwrap_or_default();
            self.handle_packet(now, Slot(slot), from, bytes, wire);
            fetched += 1;
        }
        self.incoming = buffer;
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        let empty = if fetched > 0 {
            0
        } else {
            empty.saturating_add(1)
        };
        leg.reading = if empty >= QUIET_VISITS && leg.play.is_none() {
            wire.watch(Slot(slot), true);
            Reading::OnArrival
        } else {
            Reading::EachTick { empty }
        };
    }

    fn report_silence(&mut self, now: Instant) {
        for (_, leg) in &mut self.legs {
            leg.ask_consent(now);
            if leg.attention.as_ref().is_some_and(|it| it.is_over(now)) {
                leg.attention = None;
                self.reports.push_back(Report::Speechless { leg: leg.id });
            }
            let may_send = leg.agreed.is_some_and(|agreed| agreed.direction.receives());
            let quiet = now.since(leg.heard) >= Duration::from_secs(RTP_SILENCE_S);
            let silent = may_send && quiet || leg.is_left(now);
            if silent && !leg.silence_reported {
                leg.silence_reported = true;
                self.reports.push_back(Report::Silent { leg: leg.id });
            }
        }
    }
}
