//! A leg's sound, decoded for those who mix it, and a leg's voice, encoded from samples.

use hotline_model::{Instant, limits::JITTER_PACKET_BYTES};

use crate::{
    FRAME_SAMPLES, Format,
    codec::{
        linear::{Decoder, Encoder, PACKET_SAMPLES},
        resample::{Rate, Resampler},
    },
    conceal::Concealer,
    jitter::{Arrived, Bounds, Buffer, Counts, Frame},
    rtp::RtpReader,
};

/// 20 ms at 8 kHz.
pub(super) type Samples = [i16; FRAME_SAMPLES];

/// Delay of a decoded path: 20 ms where packets come evenly, and no more than a talk bears
/// (ITU-T G.114: 150 ms one way are not noticed, and the network needs some).
const DELAY: Bounds = Bounds {
    least_ms: 20,
    most_ms: 200,
};

/// Frames kept for listeners whose turn comes later, or who make up for a late tick.
const KEPT: usize = 8;

/// Decoded sound that waits for its 20 ms: a packet of 60 ms and what was left of one before.
const REST: usize = 4 * FRAME_SAMPLES;

/// Decodes what is heard of one leg, 20 ms each tick.
pub(super) struct Ear {
    hearing: Hearing,
    /// What came in the format before, until it is decoded.
    before: Option<Box<Hearing>>,
    rest: [i16; REST],
    rests: usize,
    frames: [Samples; KEPT],
    /// Frames made so far; the last ones are kept.
    made: u64,
}

/// A stream of one format, from packets to samples at 8 kHz.
struct Hearing {
    format: Format,
    waiting: Buffer,
    decoder: Decoder,
    conceal: Concealer,
    narrow: Resampler,
}

/// Room for one packet's samples, shared by the legs of a worker.
pub(super) struct Scratch {
    decoded: [i16; PACKET_SAMPLES],
    narrowed: [i16; PACKET_SAMPLES],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            decoded: [0; PACKET_SAMPLES],
            narrowed: [0; PACKET_SAMPLES],
        }
    }
}

impl Ear {
    /// An ear for a format; `None` for one the engine cannot decode.
    pub(super) fn new(format: Format) -> Option<Self> {
        Some(Self {
            hearing: Hearing::new(format)?,
            before: None,
            rest: [0; REST],
            rests: 0,
            frames: [[0; FRAME_SAMPLES]; KEPT],
            made: 0,
        })
    }

    /// The format it understands.
    pub(super) const fn format(&self) -> Format {
        self.hearing.format
    }

    /// What became of the packets of its format.
    pub(super) fn counts(&self) -> Counts {
        self.hearing.waiting.counts()
    }

    /// The peer speaks in another format from now on; what waits of the one before is heard first.
    /// False for one the engine cannot decode.
    pub(super) fn change(&mut self, format: Format) -> bool {
        let Some(hearing) = Hearing::new(format) else {
            return false;
        };
        let before = core::mem::replace(&mut self.hearing, hearing);
        self.before.get_or_insert_with(|| Box::new(before));
        true
    }

    /// Whether it takes in packets of this format. Of the two laws it takes in both, byte for byte:
    /// a phone may change between them from packet to packet.
    pub(super) fn understands(&self, format: Format) -> bool {
        let own = self.hearing.format;
        own == format || own.law().is_some() && format.law().is_some()
    }

    /// A packet of a format that it understands came.
    pub(super) fn heard(&mut self, now: Instant, packet: &RtpReader<'_>, format: Format) {
        let mut room = [0; JITTER_PACKET_BYTES];
        let payload = in_law(packet.payload(), (format, self.hearing.format), &mut room);
        self.hearing.waiting.put(
            now,
            &Arrived {
                ssrc: packet.ssrc(),
                sequence: packet.sequence_number().into(),
                timestamp: packet.timestamp(),
                ticks: ticks(self.hearing.format, payload),
                payload,
            },
        );
    }

    /// 20 ms have passed: makes the next frame.
    pub(super) fn turn(&mut self, now: Instant, scratch: &mut Scratch) -> Samples {
        if let Some(mut before) = self.before.take() {
            while self.rests + FRAME_SAMPLES < REST
                && let Some(heard) = before.leftover(scratch)
            {
                keep(&mut self.rest, &mut self.rests, heard);
            }
        }
        while self.rests < FRAME_SAMPLES {
            let before = self.rests;
            let heard = self.hearing.take(now, scratch);
            keep(&mut self.rest, &mut self.rests, heard);
            if self.rests == before {
                // A packet that could not be decoded: as good as silence.
                keep(&mut self.rest, &mut self.rests, &[0; FRAME_SAMPLES]);
            }
        }
        let mut frame = [0; FRAME_SAMPLES];
        frame
            .iter_mut()
            .zip(self.rest)
            .for_each(|(to, from)| *to = from);
        self.rest.copy_within(FRAME_SAMPLES.., 0);
        self.rests -= FRAME_SAMPLES;
        if let Some(kept) = self.frames.get_mut((self.made % KEPT as u64) as usize) {
            *kept = frame;
        }
        self.made += 1;
        frame
    }

    /// How many frames it has made.
    pub(super) const fn made(&self) -> u64 {
        self.made
    }

    /// A frame by its number from 0, while it is kept.
    pub(super) fn frame(&self, number: u64) -> Option<&Samples> {
        let kept = number < self.made && self.made - number <= KEPT as u64;
        kept.then(|| self.frames.get((number % KEPT as u64) as usize))?
    }
}

impl Hearing {
    fn new(format: Format) -> Option<Self> {
        Some(Self {
            format,
            waiting: Buffer::new(format.clock(), DELAY),
            decoder: Decoder::new(format)?,
            conceal: Concealer::new(format.rate()),
            narrow: Resampler::new(format.rate(), Rate::Narrow),
        })
    }

    /// The sound that is due now.
    fn take<'a>(&mut self, now: Instant, scratch: &'a mut Scratch) -> &'a [i16] {
        let (clock, rate) = (self.format.clock(), self.format.rate().hertz());
        let samples = |ticks: u32| (u64::from(ticks) * u64::from(rate) / u64::from(clock)) as usize;
        let count = match self.waiting.next(now) {
            Frame::Packet { payload, .. } => {
                let count = self.decoder.decode(payload, &mut scratch.decoded);
                let decoded = scratch.decoded.get_mut(..count).unwrap_or_default();
                self.conceal.heard(decoded);
                count
            }
            Frame::Lost { ticks } => {
                let count = samples(ticks).min(PACKET_SAMPLES);
                let missing = scratch.decoded.get_mut(..count).unwrap_or_default();
                if self.decoder.conceal(self.waiting.following(), missing) {
                    self.conceal.heard(missing);
                } else {
                    self.conceal.lost(missing);
                }
                count
            }
            Frame::Silence { ticks } => {
                let count = samples(ticks).min(PACKET_SAMPLES);
                let silence = scratch.decoded.get_mut(..count).unwrap_or_default();
                silence.fill(0);
                self.conceal.heard(silence);
                count
            }
        };
        self.narrowed(count, scratch)
    }

    /// The next of what waits of a stream that is over.
    fn leftover<'a>(&mut self, scratch: &'a mut Scratch) -> Option<&'a [i16]> {
        let payload = self.waiting.leftover()?;
        let count = self.decoder.decode(payload, &mut scratch.decoded);
        Some(self.narrowed(count, scratch))
    }

    /// The first `count` decoded samples at 8 kHz.
    fn narrowed<'a>(&mut self, count: usize, scratch: &'a mut Scratch) -> &'a [i16] {
        let decoded = scratch.decoded.get(..count).unwrap_or_default();
        let count = self.narrow.process(decoded, &mut scratch.narrowed);
        scratch.narrowed.get(..count).unwrap_or_default()
    }
}

/// Sound of one law in the other; as it is where the formats agree, or where it is longer than what
/// is kept of a packet.
fn in_law<'a>(
    payload: &'a [u8],
    (from, to): (Format, Format),
    room: &'a mut [u8; JITTER_PACKET_BYTES],
) -> &'a [u8] {
    let (Some(from), Some(to)) = (from.law(), to.law()) else {
        return payload;
    };
    match room.get_mut(..payload.len()) {
        Some(room) if from != to => {
            let bytes = room.iter_mut().zip(payload);
            bytes.for_each(|(into, &byte)| *into = from.convert(byte, to));
            room
        }
        _ => payload,
    }
}

/// Adds samples to those that wait; what has no room is left out.
fn keep(rest: &mut [i16; REST], rests: &mut usize, samples: &[i16]) {
    let room = rest.get_mut(*rests..).unwrap_or_default();
    *rests += samples.len().min(room.len());
    room.iter_mut()
        .zip(samples)
        .for_each(|(to, from)| *to = *from);
}

/// Length of a payload in ticks of its format's clock.
pub(super) fn ticks(format: Format, payload: &[u8]) -> u32 {
    match format {
        Format::Opus => opus_ticks(payload),
        Format::L16 => payload.len() as u32 / 2,
        Format::Pcma | Format::Pcmu | Format::G722 => payload.len() as u32,
    }
}

/// Length of an Opus packet in ticks of 48 kHz (RFC 6716 §3.1); 0 when it is none.
fn opus_ticks(payload: &[u8]) -> u32 {
    let Some((&toc, rest)) = payload.split_first() else {
        return 0;
    };
    let config = toc >> 3;
    // The lengths of an SILK, a hybrid and a CELT frame: the shortest, doubled so many times.
    let frame = match config {
        0..=11 if config % 4 == 3 => 2_880,
        0..=11 => 480 << (config % 4),
        12..=15 => 480 << (config % 2),
        _ => 120 << (config % 4),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first().copied().unwrap_or_default() & 0x3F),
    };
    frame * frames
}

/// Encodes samples for one leg.
pub(super) struct Voice {
    format: Format,
    wide: Resampler,
    encoder: Encoder,
}

impl Voice {
    /// A voice in a format; `None` for one the engine cannot encode.
    pub(super) fn new(format: Format) -> Option<Self> {
        Some(Self {
            format,
            wide: Resampler::new(Rate::Narrow, format.rate()),
            encoder: Encoder::new(format)?,
        })
    }

    /// The format it speaks.
    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// Encodes 20 ms and returns the number of bytes.
    pub(super) fn say(&mut self, samples: &Samples, scratch: &mut Scratch, to: &mut [u8]) -> usize {
        let count = self.wide.process(samples, &mut scratch.decoded);
        let wide = scratch.decoded.get(..count).unwrap_or_default();
        self.encoder.encode(wide, to)
    }
}
