//! What a leg is sent each 20 ms: a key being pressed, a frame of what plays, or what it hears of
//! several others.

use hotline_model::Instant;

use super::{
    Wire, Worker,
    ear::{Samples, Scratch},
    hearing::Way,
    leg::Leg,
};
use crate::{Codec, FRAME_MS, FRAME_SAMPLES, Gain, dtmf::Turn, sdp::Agreed};

/// Frames by which a listener may lag behind a voice before it is led to the newest one.
const LAG: u64 = 3;

/// Where a frame is built: the leg's slot, the frame's time, and room.
pub(super) struct Desk<'a> {
    pub(super) slot: usize,
    pub(super) at: Instant,
    pub(super) packet: &'a mut [u8],
    pub(super) encoded: &'a mut [u8],
    pub(super) scratch: &'a mut Scratch,
}

impl Worker {
    /// The next 20 ms of what a leg hears of those in its row, added up; `None` where its row is
    /// not mixed.
    pub(super) fn mix(&mut self, slot: usize) -> Option<Samples> {
        let leg = self.legs.get(slot)?;
        if leg.way != Way::Mixed {
            return None;
        }
        let mut sum = [0i32; FRAME_SAMPLES];
        for index in 0..leg.hears.len() {
            let heard = *self.legs.get(slot)?.hears.get(index)?;
            let next = self.add(&mut sum, heard.slot, heard.gain.0, heard.next);
            if let Some(heard) = self.legs.get_mut(slot)?.hears.get_mut(index) {
                heard.next = next;
            }
        }
        let mut mixed = [0; FRAME_SAMPLES];
        for (to, sum) in mixed.iter_mut().zip(sum) {
            *to = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
        Some(mixed)
    }

    /// Adds a voice's frame and returns the number of the next one. A frame that is not made yet
    /// is waited for: from then on the listener is one frame behind.
    fn add(&self, sum: &mut [i32; FRAME_SAMPLES], source: usize, gain: u16, next: u64) -> u64 {
        let Some(ear) = self.legs.get(source).and_then(|leg| leg.ear.as_ref()) else {
            return next;
        };
        let made = ear.made();
        let next = if next > made || made - next > LAG {
            made.saturating_sub(1)
        } else {
            next
        };
        let Some(frame) = ear.frame(next) else {
            return next;
        };
        let pairs = sum.iter_mut().zip(frame);
        if gain == Gain::FULL.0 {
            // What nearly every listener asks for; several samples at once without a product.
            pairs.for_each(|(sum, &sample)| *sum += i32::from(sample));
        } else {
            pairs.for_each(|(sum, &sample)| {
                *sum += (i32::from(sample) * i32::from(gain)) >> 8;
            });
        }
        next + 1
    }
}

impl Leg {
    /// Sends what belongs into the 20 ms that begin at `desk.at`. Returns the play's name when it
    /// is over. While the peer holds us nothing is sent; keys wait, and the play goes on unheard,
    /// so that the script behind it goes on too.
    pub(super) fn send_frame(
        &mut self,
        mixed: Option<&Samples>,
        desk: &mut Desk<'_>,
        wire: &mut impl Wire,
    ) -> Option<u32> {
        let agreed = self.agreed?;
        let sends = agreed.direction.sends();
        if sends && self.send_key(&agreed, desk, wire) {
            return None;
        }
        let law = agreed.codec.law();
        let mut frame = [0; FRAME_SAMPLES];
        if let Some((play, player)) = &mut self.play {
            if !player.frame(law.unwrap_or(Codec::Pcma), &mut frame) {
                let play = *play;
                self.stop_play();
                return Some(play);
            }
        } else {
            let samples = mixed?;
            let law = law.unwrap_or(Codec::Pcma);
            if self.voice.is_none() {
                let pairs = frame.iter_mut().zip(samples);
                pairs.for_each(|(to, &sample)| *to = law.encode(sample));
            }
        }
        if !sends {
            self.sounding = false;
            return None;
        }
        let payload = match &mut self.voice {
            None => frame.as_slice(),
            Some(voice) => {
                let played = self.play.is_some();
                let samples = match mixed {
                    Some(samples) if !played => *samples,
                    _ => frame.map(|byte| Codec::Pcma.decode(byte)),
                };
                let length = voice.say(&samples, desk.scratch, desk.encoded);
                desk.encoded.get(..length).unwrap_or_default()
            }
        };
        let timestamp = self.outgoing.timestamp(desk.at);
        let end = timestamp.wrapping_add(self.outgoing.frame_ticks());
        let numbers = self.outgoing.number(timestamp, !self.sounding, end);
        let length = self
            .outgoing
            .write(agreed.payload_type, numbers, payload, desk.packet);
        self.transmit(desk.slot, &agreed, (desk.packet, length), wire);
        self.own_packet_sent(true);
        None
    }

    /// Sends the next packet of a key that is being pressed. False when there is none.
    fn send_key(&mut self, agreed: &Agreed, desk: &mut Desk<'_>, wire: &mut impl Wire) -> bool {
        let Some(digits) = agreed.digits.filter(|_| !self.presses.is_idle()) else {
            return false;
        };
        let now = self.outgoing.timestamp(desk.at);
        let ticks = (agreed.digits_clock / 1_000 * FRAME_MS as u32) as u16;
        let Turn::Packet {
            timestamp,
            duration,
            marker,
            payload,
        } = self.presses.turn(now, ticks)
        else {
            return false;
        };
        let end = timestamp.wrapping_add(u32::from(duration));
        let numbers = self.outgoing.number(timestamp, marker, end);
        let length = self.outgoing.write(digits, numbers, &payload, desk.packet);
        self.transmit(desk.slot, agreed, (desk.packet, length), wire);
        self.own_packet_sent(false);
        true
    }

    /// What the relay sends next has its place after our packet.
    fn own_packet_sent(&mut self, sounding: bool) {
        self.sounding = sounding;
        self.relay.restart();
    }

    /// Ends what plays.
    pub(super) fn stop_play(&mut self) {
        self.play = None;
        self.sounding = false;
    }
}
