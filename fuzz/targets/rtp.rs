//! RTP datagrams one after the other: counted, placed, renumbered, buffered and decoded.

use std::time::Duration;

use hotline_media::{
    Format,
    codec::linear::Decoder,
    jitter::{Arrived, Bounds, Buffer, Frame},
    rtp::{Arrival, Incoming, Outgoing, Reception, Relay, classify},
};
use hotline_model::Instant;

/// Takes `data` as datagrams, each behind two bytes: its length, and the time since the last in
/// units of 4 ms.
pub fn run(data: &[u8]) {
    let mut stream = Stream::new();
    let mut rest = data;
    while let [length, later, after @ ..] = rest {
        let (datagram, after) = after.split_at(after.len().min((*length).into()));
        rest = after;
        stream.now = stream.now + Duration::from_millis(u64::from(*later) * 4);
        stream.take(datagram);
        stream.play();
    }
}

struct Stream {
    now: Instant,
    incoming: Incoming,
    reception: Reception,
    relay: Relay,
    outgoing: Outgoing,
    buffer: Buffer,
    decoders: Vec<Decoder>,
}

impl Stream {
    fn new() -> Self {
        let bounds = Bounds {
            least_ms: 20,
            most_ms: 200,
        };
        let formats = [Format::Pcma, Format::Pcmu, Format::G722, Format::L16];
        Self {
            now: Instant::START,
            incoming: Incoming::default(),
            reception: Reception::new(8_000),
            relay: Relay::default(),
            outgoing: Outgoing::new(7),
            buffer: Buffer::new(8_000, bounds),
            decoders: formats.into_iter().filter_map(Decoder::new).collect(),
        }
    }

    fn take(&mut self, datagram: &[u8]) {
        let Arrival::Rtp(packet) = classify(datagram) else {
            return;
        };
        let (ssrc, timestamp) = (packet.ssrc(), packet.timestamp());
        let sequence = u16::from(packet.sequence_number());
        let payload = packet.payload();
        let ticks = payload.len() as u32;
        self.incoming.place(self.now, &packet);
        self.reception.count(self.now, ssrc, sequence, timestamp);
        let numbers = self
            .relay
            .number(self.now, &packet, ticks, &mut self.outgoing);
        if let Some(numbers) = numbers {
            let mut to = [0; 1_500];
            let length = self.outgoing.write(8, numbers, payload, &mut to);
            assert!(matches!(classify(&to[..length]), Arrival::Rtp(_)));
        }
        let arrived = Arrived {
            ssrc,
            sequence,
            timestamp,
            ticks,
            payload,
        };
        self.buffer.put(self.now, &arrived);
    }

    fn play(&mut self) {
        match self.buffer.next(self.now) {
            Frame::Packet { payload, ticks } => {
                assert!(ticks as usize == payload.len());
                for decoder in &mut self.decoders {
                    assert!(decoder.decode(payload, &mut [0; 2_880]) <= 2 * payload.len());
                }
            }
            Frame::Lost { ticks } | Frame::Silence { ticks } => assert!(ticks > 0),
        }
    }
}
