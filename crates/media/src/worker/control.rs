//! RTCP of a leg: what each side tells the other of the stream it hears (RFC 3550 §6), and what a
//! call's quality is estimated from.
//!
//! Reports go out some 5 s apart, spread at random (§6.2), to the RTP port where the sides multiplex
//! (RFC 5761), else to the port beside it. That port of ours is bound with the first report: a call
//! that ends before needs none.

use core::{net::SocketAddr, time::Duration};

use hotline_model::Instant;

use super::{Slot, Wire, Worker, leg::Leg};
use crate::{
    Format, SAMPLE_RATE,
    quality::Received,
    rtp::{
        Reception, RtpReader,
        rtcp::{Compound, Ntp, Packet, SenderInfo, packets},
    },
    sdp::Agreed,
};

/// Shortest and longest time between two reports, milliseconds: 0.5 to 1.5 times 5 s (§6.2, §6.3.1).
const BETWEEN_MS: (u64, u64) = (2_500, 7_500);

/// Our canonical name. It says nothing of who talks (RFC 7022 §4.2 asks for one that does not
/// identify; one for all is the least).
const NAME: &str = "hotline";

/// Delay of a packet of 20 ms and of a receiver that holds one back, milliseconds.
const PACKET_AND_BUFFER_MS: f64 = 40.0;

/// What is known of both directions of a leg.
pub(super) struct Control {
    reception: Reception,
    due: Instant,
    /// Payload sent, bytes, and the packets sent at the last report.
    octets: u64,
    told: u64,
    round_trip_ms: Option<f64>,
}

impl Control {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            reception: Reception::new(SAMPLE_RATE),
            due: now,
            octets: 0,
            told: 0,
            round_trip_ms: None,
        }
    }

    /// The next report is due some seconds from now.
    fn wait(&mut self, now: Instant, random: u64) {
        let (least, most) = BETWEEN_MS;
        self.due = now + Duration::from_millis(least + random % (most - least));
    }

    /// The peer speaks in a format of this clock from now on.
    pub(super) fn retune(&mut self, clock: u32) {
        self.reception.retune(clock);
    }

    /// A packet came.
    pub(super) fn heard(&mut self, now: Instant, packet: &RtpReader<'_>) {
        let sequence = packet.sequence_number().into();
        self.reception
            .count(now, packet.ssrc(), sequence, packet.timestamp());
    }

    /// A packet of so many bytes was sent.
    pub(super) const fn sent(&mut self, payload: usize) {
        self.octets += payload as u64;
    }

    /// Packets that never came.
    pub(super) fn lost(&self) -> u64 {
        self.reception.totals().lost()
    }

    /// A report of the peer came, which speaks of our stream `ssrc` among others.
    fn told(&mut self, now: Instant, datagram: &[u8], ssrc: u32) {
        for packet in packets(datagram).map_while(Result::ok) {
            let blocks = match packet {
                Packet::Sender {
                    ssrc: peer,
                    info,
                    blocks,
                } => {
                    self.reception.sender_reported(now, peer, info.ntp);
                    blocks
                }
                Packet::Receiver { blocks, .. } => blocks,
                _ => continue,
            };
            let ours = blocks.iter().find(|block| block.ssrc == ssrc);
            if let Some(trip) = ours.and_then(|block| block.round_trip_ms(now)) {
                self.round_trip_ms = Some(trip);
            }
        }
    }

    /// Interarrival jitter, round trip (in microseconds), and the mean opinion score in hundredths
    /// of what was heard; nothing of what was not.
    pub(super) fn measured(&self, format: Format) -> (u32, Option<u32>, Option<u16>) {
        let totals = self.reception.totals();
        let jitter = self.reception.jitter_ms();
        let received = Received {
            format,
            expected: totals.expected,
            lost: totals.lost(),
            bursts: totals.bursts,
            delay_ms: self.round_trip_ms.unwrap_or(0.0) / 2.0 + PACKET_AND_BUFFER_MS + 2.0 * jitter,
        };
        let heard = totals.expected > 0;
        let score = heard.then(|| (received.quality().mos * 100.0).round() as u16);
        let trip = self.round_trip_ms.map(|ms| (ms * 1_000.0) as u32);
        ((jitter * 1_000.0) as u32, trip, score)
    }
}

impl Worker {
    /// Takes in a packet that came at a leg's own RTCP port. Only the agreed address is listened to.
    pub fn handle_control(&mut self, now: Instant, slot: Slot, from: SocketAddr, bytes: &[u8]) {
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return;
        };
        // A phone behind a NAT has another port than it says; its address was learned.
        let agreed = leg.agreed.filter(|agreed| agreed.remote.ip() == from.ip());
        if agreed.is_none_or(|agreed| agreed.remote.ip().is_unspecified()) {
            leg.stats.strangers += 1;
        } else if leg.is_private() {
            let Some(room) = self.opened.get_mut(..bytes.len()) else {
                leg.stats.malformed += 1;
                return;
            };
            room.copy_from_slice(bytes);
            if let Some(opened) = leg.open(room) {
                leg.control_came(now, opened);
            }
        } else {
            leg.control_came(now, bytes);
        }
    }

    /// Sends the reports that are due.
    pub(super) fn report_reception(&mut self, now: Instant, wire: &mut impl Wire) {
        for (slot, leg) in &mut self.legs {
            if let Some(agreed) = leg.agreed
                && leg.control.due <= now
            {
                leg.control.wait(now, self.random.next());
                leg.send_report(now, Slot(slot), &agreed, &mut self.outgoing, wire);
            }
        }
    }
}

impl Leg {
    /// A report of the peer came.
    pub(super) fn control_came(&mut self, now: Instant, bytes: &[u8]) {
        self.stats.rtcp += 1;
        self.heard = now;
        self.control.told(now, bytes, self.outgoing.ssrc());
    }

    fn send_report(
        &mut self,
        now: Instant,
        slot: Slot,
        agreed: &Agreed,
        buffer: &mut [u8],
        wire: &mut impl Wire,
    ) {
        // While one side holds by nowhere there is nobody to tell (RFC 2543's hold).
        if agreed.remote.ip().is_unspecified() {
            return;
        }
        let sent = (self.stats.sent != self.control.told).then(|| SenderInfo {
            ntp: Ntp::at(now),
            timestamp: self.outgoing.clock(now),
            packets: self.stats.sent as u32,
            octets: self.control.octets as u32,
        });
        let block = self.control.reception.block(now);
        if sent.is_none() && block.is_none() {
            return;
        }
        self.control.told = self.stats.sent;
        let compound = Compound {
            ssrc: self.outgoing.ssrc(),
            sent,
            blocks: block.as_slice(),
            cname: NAME,
            bye: false,
        };
        let length = compound.write(buffer);
        let Some(packet) = self.protect(agreed, buffer, length) else {
            return;
        };
        let taken = if agreed.rtcp == agreed.remote {
            wire.send(slot, agreed.remote, packet)
        } else {
            wire.send_control(slot, agreed.rtcp, packet)
        };
        self.stats.reports += u64::from(taken);
    }
}
