//! RTCP datagrams: reports of a peer, and ours made of what they say.

use hotline_media::rtp::{
    Reception,
    rtcp::{Block, Compound, Packet, SenderInfo, packets},
};
use hotline_model::Instant;

/// Reads `data`, and writes what was understood of it so that it reads back the same.
pub fn run(data: &[u8]) {
    let mut reception = Reception::new(8_000);
    reception.count(Instant::START, 1, 1, 1);
    for packet in packets(data).flatten() {
        match packet {
            Packet::Sender { ssrc, info, blocks } => {
                reception.sender_reported(Instant::START, ssrc, info.ntp);
                written(ssrc, Some(info), &blocks.iter().collect::<Vec<_>>());
            }
            Packet::Receiver { ssrc, blocks } => {
                written(ssrc, None, &blocks.iter().collect::<Vec<_>>());
            }
            Packet::Description { .. } | Packet::Bye { .. } | Packet::Other(_) => {}
        }
    }
    assert!(reception.block(Instant::START).is_some());
}

fn written(ssrc: u32, sent: Option<SenderInfo>, blocks: &[Block]) {
    for block in blocks {
        let trip = block.round_trip_ms(Instant::START);
        assert!(trip.is_none_or(|ms| (0.0..60_001.0).contains(&ms)));
    }
    let compound = Compound {
        ssrc,
        sent,
        blocks,
        cname: "hotline",
        bye: true,
    };
    let mut to = [0; 1_500];
    let length = compound.write(&mut to);
    let read: Vec<Packet<'_>> = packets(&to[..length])
        .map(|packet| packet.expect("what we write can be read"))
        .collect();
    let (Packet::Sender { blocks: found, .. } | Packet::Receiver { blocks: found, .. }) = read[0]
    else {
        panic!("{read:?}");
    };
    assert!(found.iter().eq(blocks.iter().copied()));
}
