//! What a packet does: it is checked, counted, heard, recorded and passed on.

use core::net::SocketAddr;

use hotline_model::{Instant, limits::RTP_PACKET_BYTES};

use super::{
    Slot, Wire, Worker,
    ear::ticks,
    hearing::Way,
    leg::{Leg, Meaning, Reading},
    source::Source,
};
use crate::{
    Format, Report,
    dtmf::Digit,
    rtp::{Arrival, HEADER_BYTES, RtpReader, classify},
    sdp::Agreed,
};

impl Worker {
    /// Takes in a packet that came for a leg. Only the agreed address and port is listened to.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        slot: Slot,
        from: SocketAddr,
        bytes: &[u8],
        wire: &mut impl Wire,
    ) {
        self.guarded(now, slot.0, wire, |worker, wire| {
            worker.datagram_came(now, slot, from, bytes, wire);
        });
    }

    /// A protected packet is opened first, in room of its own.
    fn datagram_came(
        &mut self,
        now: Instant,
        slot: Slot,
        from: SocketAddr,
        bytes: &[u8],
        wire: &mut impl Wire,
    ) {
        let leg = self.legs.get_mut(slot.0);
        let Some(leg) = leg.filter(|leg| leg.is_private() || leg.shared) else {
            return self.packet_came(now, slot, from, bytes, wire);
        };
        if leg.shared {
            return self.browser_came(now, slot, from, bytes, wire);
        }
        // A copy sent from elsewhere must not take the place of the packet itself.
        if !leg.may_be_from(from) {
            leg.stats.strangers += 1;
            return;
        }
        let mut room = core::mem::take(&mut self.opened);
        match room.get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                if let Some(packet) = leg.open(room) {
                    self.packet_came(now, slot, from, packet, wire);
                }
            }
            None => leg.stats.malformed += 1,
        }
        self.opened = room;
    }

    pub(super) fn packet_came(
        &mut self,
        now: Instant,
        slot: Slot,
        from: SocketAddr,
        bytes: &[u8],
        wire: &mut impl Wire,
    ) {
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return;
        };
        let arrival = if bytes.len() > RTP_PACKET_BYTES {
            Arrival::Malformed
        } else {
            classify(bytes)
        };
        let Some(agreed) = leg.agreed_source(from, &arrival) else {
            leg.stats.strangers += 1;
            return;
        };
        match arrival {
            Arrival::Malformed => leg.stats.malformed += 1,
            Arrival::Rtcp => leg.control_came(now, bytes),
            Arrival::Rtp(packet) => {
                leg.heard = now;
                self.handle_rtp(now, slot, &agreed, &packet, wire);
            }
        }
        self.fetch_from_now_on(now, slot, wire);
    }

    fn handle_rtp(
        &mut self,
        now: Instant,
        slot: Slot,
        agreed: &Agreed,
        packet: &RtpReader<'_>,
        wire: &mut impl Wire,
    ) {
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return;
        };
        let meaning = leg.meaning(agreed, packet.payload_type());
        if meaning == Meaning::Unknown || !agreed.direction.receives() {
            leg.stats.not_agreed += 1;
            return;
        }
        leg.stats.received += 1;
        if let Meaning::Sound(format) = meaning {
            self.speaks(now, slot.0, (packet.payload_type(), format), wire);
        }
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return;
        };
        leg.control.heard(now, packet);
        let shielded = leg.shielded;
        if let Meaning::Sound(format) = meaning {
            if shielded {
                return;
            }
            if leg.attended(format, packet.payload()) {
                let leg = leg.id;
                self.reports.push_back(Report::Spoke { leg });
            }
            let Some(leg) = self.legs.get_mut(slot.0) else {
                return;
            };
            if let Some(ear) = leg.ear.as_mut().filter(|ear| ear.understands(format)) {
                ear.heard(now, packet, format);
            }
            if let Some(law) = format.law() {
                self.recordings.heard(now, leg, (packet, law), wire);
            }
        } else {
            self.hear_key(now, slot, packet);
        }
        if !shielded {
            self.relay(now, slot.0, packet, meaning, wire);
        }
    }

    /// Sound of this payload type and format came: where it is another than before, who listens
    /// hears in another way.
    fn speaks(&mut self, now: Instant, slot: usize, said: (u8, Format), wire: &mut impl Wire) {
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        let before = leg.spoken();
        leg.said = Some(said);
        if before != Some(said.1) {
            leg.control.retune(said.1.clock());
            self.agreement_changed(now, slot, wire);
        }
    }

    /// Passes a packet on to everybody who hears it as it is.
    fn relay(
        &mut self,
        now: Instant,
        slot: usize,
        packet: &RtpReader<'_>,
        meaning: Meaning,
        wire: &mut impl Wire,
    ) {
        let agreed = self.legs.get(slot).and_then(|leg| leg.agreed);
        let clock = agreed.map_or(0, |agreed| agreed.digits_clock);
        for index in 0.. {
            let listener = self.legs.get(slot).and_then(|leg| leg.heard_by.get(index));
            let Some(&to) = listener else { break };
            let relayed = |leg: &Leg| leg.way == Way::Relayed(slot);
            if self.legs.get(to).is_some_and(relayed)
                && !self.pass_on(now, to, packet, (meaning, clock), wire)
                && let Some(leg) = self.legs.get_mut(slot)
            {
                leg.stats.not_relayed += 1;
            }
        }
    }

    /// Reports the presses that a telephone-event packet ends.
    fn hear_key(&mut self, now: Instant, slot: Slot, packet: &RtpReader<'_>) {
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return;
        };
        let (mut first, mut second) = (None, None);
        let (timestamp, marker) = (packet.timestamp(), packet.mark());
        leg.digits
            .receive(now, timestamp, marker, packet.payload(), |digit| {
                second = first.replace(digit);
            });
        // The later press came last into `first`.
        for digit in [second, first].into_iter().flatten() {
            self.report_digit(slot.0, digit);
        }
        // A key that is down needs a clock.
        self.settle(now, slot.0);
    }

    pub(super) fn report_digit(&mut self, slot: usize, digit: Digit) {
        self.pass_key_on(slot, digit);
        if let Some(leg) = self.legs.get_mut(slot) {
            leg.stats.digits += 1;
            let report = Report::Digit {
                leg: leg.id,
                digit: digit.key,
                ms: digit.ms,
            };
            self.report(report);
        }
    }

    /// Presses a key that was heard for those who mix the leg's sound: its packets do not reach
    /// them.
    fn pass_key_on(&mut self, slot: usize, digit: Digit) {
        for index in 0.. {
            let source = self.legs.get(slot).filter(|leg| !leg.shielded);
            let listener = source.and_then(|leg| leg.heard_by.get(index));
            let Some(&to) = listener else { break };
            if let Some(leg) = self.legs.get_mut(to)
                && leg.way == Way::Mixed
                && leg.agreed.is_some_and(|agreed| agreed.digits.is_some())
            {
                // With too many waiting the key is lost to this listener.
                let _ = leg.presses.press(digit.key, digit.ms);
            }
        }
    }

    /// Passes a packet on to the other leg of the bridge; `clock` is that of its telephone events.
    /// False when it could not be, although that leg listens.
    fn pass_on(
        &mut self,
        now: Instant,
        to: usize,
        packet: &RtpReader<'_>,
        (meaning, clock): (Meaning, u32),
        wire: &mut impl Wire,
    ) -> bool {
        let Some(leg) = self.legs.get_mut(to) else {
            return true;
        };
        // Held, or it hears something else of ours at present.
        let Some(agreed) = leg.sending() else {
            return true;
        };
        if leg.play.is_some() || !leg.presses.is_idle() {
            return true;
        }
        let payload = packet.payload();
        let (payload_type, payload, samples) = match meaning {
            Meaning::Sound(format) if agreed.codec == format => {
                (Some(agreed.payload_type), payload, ticks(format, payload))
            }
            Meaning::Sound(format) => {
                // A format that is not converted byte by byte is not passed on: its listeners mix.
                let laws = format.law().zip(agreed.codec.law());
                if let Some((from, to)) = laws {
                    let pairs = self.converted.iter_mut().zip(payload);
                    pairs.for_each(|(into, &byte)| *into = from.convert(byte, to));
                }
                let payload = self.converted.get(..payload.len()).unwrap_or_default();
                let payload_type = laws.map(|_| agreed.payload_type);
                (payload_type, payload, payload.len() as u32)
            }
            Meaning::Digits => {
                let payload =
                    converted_key(payload, (clock, agreed.digits_clock), &mut self.converted);
                (agreed.digits, payload, held_for(payload))
            }
            Meaning::Unknown => (None, payload, 0),
        };
        let Some(payload_type) = payload_type else {
            return false;
        };
        let numbers = leg.relay.number(now, packet, samples, &mut leg.outgoing);
        let Some(numbers) = numbers else {
            return false;
        };
        let length = leg
            .outgoing
            .write(payload_type, numbers, payload, &mut self.outgoing);
        leg.transmit(to, &agreed, (&mut self.outgoing, length), wire);
        true
    }

    /// A quiet leg that is not relayed was watched; now that packets come, fetching them in ticks
    /// is cheaper.
    fn fetch_from_now_on(&mut self, now: Instant, slot: Slot, wire: &mut impl Wire) {
        if let Some(leg) = self.legs.get_mut(slot.0)
            && leg.reading == Reading::OnArrival
            && !leg.shared
            && !leg.relayed
        {
            leg.reading = Reading::EachTick { empty: 0 };
            wire.watch(slot, false);
            self.settle(now, slot.0);
        }
    }

    /// Puts the leg into the schedule or takes it out, as it needs.
    pub(super) fn settle(&mut self, now: Instant, slot: usize) {
        let Some(leg) = self.legs.get_mut(slot) else {
            return;
        };
        match (leg.needs_ticks(), leg.place) {
            (true, None) => leg.place = self.schedule.add(now, slot),
            (false, Some(place)) => {
                leg.place = None;
                self.vacate(place);
            }
            _ => {}
        }
    }

    /// Gives a place in the schedule back.
    pub(super) fn vacate(&mut self, place: super::schedule::Place) {
        if let Some(moved) = self.schedule.remove(place)
            && let Some(leg) = self.legs.get_mut(moved)
        {
            leg.place = Some(place);
        }
    }
}

impl Leg {
    /// Whether a packet from there could be the peer's.
    fn may_be_from(&self, from: SocketAddr) -> bool {
        let agreed = self.agreed.as_ref();
        self.source != Source::Locked || agreed.is_some_and(|agreed| is_from(from, agreed))
    }

    /// The agreement, when a packet is of the source it names or proves to be of its peer.
    fn agreed_source(&mut self, from: SocketAddr, arrival: &Arrival<'_>) -> Option<Agreed> {
        let agreed = self.agreed.as_mut()?;
        if is_from(from, agreed) {
            if matches!(arrival, Arrival::Rtp(_)) {
                self.source = Source::Locked;
            }
            return Some(*agreed);
        }
        let packet = match arrival {
            Arrival::Rtp(packet) => Some(packet),
            Arrival::Rtcp | Arrival::Malformed => None,
        };
        if self.source.learn(from, agreed, packet) {
            agreed.remote = from;
            return Some(*agreed);
        }
        None
    }

    /// Sends a packet that was built for the leg, and counts it. It is the first `length` bytes of
    /// its buffer, and is protected there where that was agreed.
    pub(super) fn transmit(
        &mut self,
        slot: usize,
        agreed: &Agreed,
        (packet, length): (&mut [u8], usize),
        wire: &mut impl Wire,
    ) {
        if length == 0 {
            return;
        }
        let Some(packet) = self.protect(agreed, packet, length) else {
            self.stats.send_failed += 1;
            return;
        };
        if wire.send(Slot(slot), agreed.remote, packet) {
            self.stats.sent += 1;
            self.control.sent(length.saturating_sub(HEADER_BYTES));
        } else {
            self.stats.send_failed += 1;
        }
    }
}

/// The agreed source, by address and port; nobody when the agreed address is unspecified.
fn is_from(from: SocketAddr, agreed: &Agreed) -> bool {
    let remote = agreed.remote;
    remote.port() == from.port() && remote.ip() == from.ip() && !remote.ip().is_unspecified()
}

/// A telephone event whose duration is of one clock, with the duration of another, built in `room`.
fn converted_key<'a>(payload: &'a [u8], (from, to): (u32, u32), room: &'a mut [u8]) -> &'a [u8] {
    let [event, flags, high, low] = *payload else {
        return payload;
    };
    if from == to || from == 0 {
        return payload;
    }
    let duration = u32::from(u16::from_be_bytes([high, low]));
    let duration = u64::from(duration) * u64::from(to) / u64::from(from);
    let [high, low] = u16::try_from(duration).unwrap_or(u16::MAX).to_be_bytes();
    let key = room.iter_mut().zip([event, flags, high, low]);
    let length = key.map(|(to, byte)| *to = byte).count();
    room.get(..length).unwrap_or_default()
}

/// Duration field of a telephone event, ticks.
fn held_for(payload: &[u8]) -> u32 {
    match *payload {
        [_, _, high, low, ..] => u32::from(u16::from_be_bytes([high, low])),
        _ => 0,
    }
}
