//! What is decoded and added up: conferences, whispering, formats that differ.

use core::f64::consts::TAU;

use super::*;
use crate::{
    FRAME_SAMPLES, Gain, Voice,
    codec::linear::{Decoder, Encoder},
};

/// A party that says one tone for as long as it lives, and remembers what it hears.
struct Party {
    leg: LegId,
    slot: Slot,
    format: Format,
    hertz: f64,
    said: usize,
    encoder: Encoder,
    decoder: Decoder,
    heard: Vec<i16>,
}

/// Parties with tones of their own.
struct Room {
    bench: Bench,
    parties: Vec<Party>,
}

impl Room {
    fn of(formats: &[Format]) -> Self {
        let mut bench = Bench::new();
        let mut parties = Vec::new();
        for (n, &format) in formats.iter().enumerate() {
            let leg = [A, B, LegId(33), LegId(44)][n];
            if n > 1 {
                bench.tell(open(leg));
            }
            bench.connect(
                leg,
                Agreed {
                    codec: format,
                    payload_type: format.payload_type(),
                    ..agreed(leg)
                },
            );
            parties.push(Party {
                leg,
                slot: Slot(n),
                format,
                hertz: [425.0, 950.0, 1_550.0, 2_150.0][n],
                said: 0,
                encoder: Encoder::new(format).unwrap(),
                decoder: Decoder::new(format).unwrap(),
                heard: Vec::new(),
            });
        }
        Self { bench, parties }
    }

    fn hear(&mut self, listener: usize, voices: &[(usize, Gain)]) {
        let leg = self.parties[listener].leg;
        let voices = voices.iter().map(|&(n, gain)| Voice {
            leg: self.parties[n].leg,
            gain,
        });
        let voices = voices.collect();
        self.bench.tell(Command::Hear { leg, voices });
    }

    /// All talk for so many times 20 ms, and what each hears is kept.
    fn talk(&mut self, frames: usize) {
        for _ in 0..frames {
            for n in 0..self.parties.len() {
                let packet = self.parties[n].say();
                let (slot, from) = (self.parties[n].slot, peer(self.parties[n].leg));
                let net = &mut self.bench.net;
                self.bench
                    .worker
                    .handle_packet(self.bench.now, slot, from, &packet, net);
            }
            self.bench.pass(20);
            for (to, _, bytes) in core::mem::take(&mut self.bench.net.sent) {
                let party = &mut self.parties[to.0];
                let packet = RtpReader::new(&bytes).unwrap();
                if packet.payload_type() != party.format.payload_type() {
                    continue;
                }
                let mut samples = [0; 2_000];
                let count = party.decoder.decode(packet.payload(), &mut samples);
                party.heard.extend_from_slice(&samples[..count]);
            }
        }
    }

    /// Who is heard in the last second of what a party heard: its level of each tone, 1 being as
    /// loud as it was said.
    fn levels(&self, listener: usize) -> Vec<f64> {
        let party = &self.parties[listener];
        let rate = f64::from(party.format.rate().hertz());
        let last = &party.heard[party.heard.len().saturating_sub(rate as usize)..];
        let level = |hertz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &s) in last.iter().enumerate() {
                let (sin, cos) = (TAU * hertz / rate * n as f64).sin_cos();
                re += f64::from(s) * cos;
                im += f64::from(s) * sin;
            }
            2.0 * f64::hypot(re, im) / last.len().max(1) as f64 / 4_000.0
        };
        self.parties
            .iter()
            .map(|party| level(party.hertz))
            .collect()
    }

    /// Asserts who hears whom: each party's levels of all, with 0 or the gain expected.
    fn assert_heard(&self, expected: &[&[f64]]) {
        for (listener, expected) in expected.iter().enumerate() {
            let levels = self.levels(listener);
            for (voice, (&level, &expected)) in levels.iter().zip(*expected).enumerate() {
                assert!(
                    (level - expected).abs() < 0.06,
                    "{listener} hears {voice} at {level:.3}, not {expected}: {levels:?}"
                );
            }
        }
    }
}

impl Party {
    fn say(&mut self) -> Vec<u8> {
        let rate = self.format.rate().hertz();
        let samples: Vec<i16> = (self.said..self.said + self.format.rate().frame())
            .map(|n| (4_000.0 * (TAU * self.hertz * n as f64 / f64::from(rate)).sin()) as i16)
            .collect();
        let sequence = (self.said / samples.len()) as u16;
        self.said += samples.len();
        let mut bytes = [0; 2_000];
        let count = self.encoder.encode(&samples, &mut bytes);
        let timestamp = u32::from(sequence) * self.format.clock() / 50;
        rtp(
            self.format.payload_type(),
            sequence,
            timestamp,
            &bytes[..count],
        )
    }
}

const FULL: Gain = Gain::FULL;

#[test]
fn in_a_conference_each_hears_all_others_and_not_itself() {
    let mut room = Room::of(&[Format::Pcma, Format::Pcmu, Format::G722, Format::Pcma]);
    for listener in 0..4 {
        let others: Vec<_> = (0..4)
            .filter(|n| *n != listener)
            .map(|n| (n, FULL))
            .collect();
        room.hear(listener, &others);
    }
    room.talk(100);
    room.assert_heard(&[
        &[0.0, 1.0, 1.0, 1.0],
        &[1.0, 0.0, 1.0, 1.0],
        &[1.0, 1.0, 0.0, 1.0],
        &[1.0, 1.0, 1.0, 0.0],
    ]);
    room.bench.check();
}

#[test]
fn a_supervisor_hears_both_and_neither_hears_the_supervisor() {
    let mut room = Room::of(&[Format::Pcma; 3]);
    room.bench.bridge();
    room.hear(2, &[(0, FULL), (1, FULL)]);
    room.talk(100);
    room.assert_heard(&[&[0.0, 1.0, 0.0], &[1.0, 0.0, 0.0], &[1.0, 1.0, 0.0]]);
}

#[test]
fn a_monitored_bridge_is_passed_on_byte_for_byte() {
    let mut room = Room::of(&[Format::Pcma; 3]);
    room.bench.bridge();
    room.hear(2, &[(0, FULL), (1, FULL)]);
    room.bench.hear(A, &rtp(8, 9, 0, &[0x5A; 160]));
    assert_eq!(payloads(&room.bench.sent(B)), [0x5A; 160]);
}

#[test]
fn a_whisper_reaches_the_agent_alone() {
    let mut room = Room::of(&[Format::Pcma; 3]);
    room.bench.bridge();
    room.hear(1, &[(0, FULL), (2, Gain::HALF)]);
    room.hear(2, &[(0, FULL), (1, FULL)]);
    room.talk(100);
    room.assert_heard(&[&[0.0, 1.0, 0.0], &[1.0, 0.0, 0.5], &[1.0, 1.0, 0.0]]);
}

#[test]
fn formats_that_differ_are_transcoded_both_ways() {
    for (a, b) in [(Format::G722, Format::Pcma), (Format::Pcmu, Format::G722)] {
        let mut room = Room::of(&[a, b]);
        room.bench.bridge();
        room.talk(100);
        room.assert_heard(&[&[0.0, 1.0], &[1.0, 0.0]]);
    }
}

#[test]
fn a_voice_that_changes_its_law_is_heard_on() {
    let mut room = Room::of(&[Format::Pcma, Format::G722]);
    room.bench.bridge();
    room.talk(50);
    for law in [Format::Pcmu, Format::Pcma, Format::Pcmu] {
        let party = &mut room.parties[0];
        (party.format, party.encoder) = (law, Encoder::new(law).unwrap());
        room.talk(50);
        room.assert_heard(&[&[0.0, 1.0], &[1.0, 0.0]]);
    }
}

#[test]
fn the_same_wide_format_is_passed_on_as_it_is() {
    let mut room = Room::of(&[Format::G722, Format::G722]);
    room.bench.bridge();
    room.bench.hear(A, &rtp(9, 9, 0, &[0x5A; 160]));
    assert_eq!(payloads(&room.bench.sent(B)), [0x5A; 160]);
}

#[test]
fn a_prompt_is_heard_in_a_wide_format() {
    let mut room = Room::of(&[Format::G722]);
    let (clips, repeat) = (vec![Clip::tone(425, 400)], true);
    room.bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips,
        repeat,
    });
    room.talk(60);
    let level = room.levels(0)[0];
    assert!(level > 0.5, "{level}");
}

#[test]
fn a_wide_format_is_recorded() {
    let mut room = Room::of(&[Format::G722, Format::Pcma]);
    room.bench.bridge();
    recordings::record(&mut room.bench);
    room.talk(50);
    let mut channels = [vec![0i16; 9_000], vec![0i16; 9_000]];
    for block in &room.bench.net.blocks {
        if let Block::Sound(sound) = block {
            for (n, &byte) in sound.samples().iter().enumerate() {
                channels[usize::from(sound.voice)][sound.at_sample as usize + n] =
                    sound.codec.decode(byte);
            }
        }
    }
    let power = |samples: &[i16]| {
        let sum: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
        (sum / samples.len() as f64).sqrt()
    };
    for channel in channels {
        let heard = power(&channel[2_000..7_000]);
        // A sine of 4,000 has an effective value of 2,828.
        assert!((2_600.0..3_000.0).contains(&heard), "{heard}");
    }
}

#[test]
fn a_key_is_pressed_for_those_who_mix() {
    let mut room = Room::of(&[Format::Pcma; 3]);
    for listener in 0..3 {
        let others: Vec<_> = (0..3)
            .filter(|n| *n != listener)
            .map(|n| (n, FULL))
            .collect();
        room.hear(listener, &others);
    }
    room.bench.hear(A, &digits::press(1, 0, 5, true, 800));
    room.bench.pass(400);
    for leg in [B, LegId(33)] {
        let slot = if leg == B { Slot(1) } else { Slot(2) };
        let events: Vec<u8> = room
            .bench
            .net
            .sent
            .iter()
            .filter(|sent| sent.0 == slot && sent.2[1] & 0x7F == 101)
            .map(|sent| sent.2[12])
            .collect();
        assert!(
            events.len() >= 5 && events.iter().all(|e| *e == 5),
            "{events:?}"
        );
    }
}

#[test]
fn a_conference_of_sixteen_costs_no_leg_its_frame() {
    let mut bench = Bench::new();
    let legs: Vec<LegId> = (0..16).map(|n| LegId(100 + n)).collect();
    for &leg in &legs {
        bench.tell(open(leg));
        bench.connect(leg, agreed(leg));
    }
    for &leg in &legs {
        let others = legs.iter().filter(|other| **other != leg);
        let voices = others.map(|&leg| Voice { leg, gain: FULL }).collect();
        bench.tell(Command::Hear { leg, voices });
    }
    assert_eq!(bench.worker.counts().commands_dropped, 0);
    bench.net.sent.clear();
    bench.pass(1_000);
    for n in 0..16 {
        let sent = bench.net.sent.iter().filter(|s| s.0 == Slot(2 + n));
        let sizes: Vec<usize> = sent.map(|s| s.2.len()).collect();
        assert_eq!(sizes, vec![12 + FRAME_SAMPLES; 50]);
    }
}

#[test]
fn what_is_lost_is_concealed_for_those_who_mix() {
    let power = |lost: bool| {
        let mut room = Room::of(&[Format::G722, Format::Pcma]);
        room.bench.bridge();
        let mut heard = Vec::new();
        for n in 0..100 {
            let packet = room.parties[0].say();
            if !(lost && n % 20 == 10) {
                room.bench.hear(A, &packet);
            }
            room.bench.pass(20);
            for (to, _, bytes) in core::mem::take(&mut room.bench.net.sent) {
                if to == Slot(1) {
                    let packet = RtpReader::new(&bytes).unwrap();
                    heard.extend(packet.payload().iter().map(|&b| Codec::Pcma.decode(b)));
                }
            }
        }
        let last = &heard[heard.len() - 12_000..];
        let quiet = last.chunks(80).filter(|piece| {
            let sum: f64 = piece.iter().map(|&s| f64::from(s).powi(2)).sum();
            (sum / 80.0).sqrt() < 500.0
        });
        quiet.count()
    };
    assert_eq!((power(false), power(true)), (0, 0), "no hole is heard");
}

#[test]
fn a_format_that_changes_is_heard_to_its_last_packet() {
    let mut room = Room::of(&[Format::Pcma, Format::Pcma]);
    room.bench.bridge();
    room.talk(50);
    for format in [Format::G722, Format::Pcma, Format::Pcmu] {
        let (leg, before) = (room.parties[1].leg, room.parties[0].heard.len());
        room.bench.connect(
            leg,
            Agreed {
                codec: format,
                payload_type: format.payload_type(),
                ..agreed(leg)
            },
        );
        // The answer is on its way: the peer speaks as before.
        room.talk(5);
        let party = &mut room.parties[1];
        (party.encoder, party.decoder) =
            (Encoder::new(format).unwrap(), Decoder::new(format).unwrap());
        party.format = format;
        room.talk(60);
        room.assert_heard(&[&[0.0, 1.0], &[1.0, 0.0]]);
        let heard = &room.parties[0].heard[before..];
        let power = |frame: &[i16]| frame.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
        let frames = heard.chunks_exact(FRAME_SAMPLES);
        let quiet = frames.filter(|frame| power(frame) < 160.0 * 1e6).count();
        // Where decoding begins, a jitter buffer fills.
        let most = if format == Format::G722 { 2 } else { 0 };
        assert!(
            quiet <= most,
            "{format:?}: {quiet} of {}",
            heard.len() / 160
        );
        // Old numbers have no meaning any more.
        let stats = room.bench.worker.legs[1].stats;
        assert_eq!(stats.not_agreed, 0, "{format:?}");
    }
}

#[cfg(feature = "opus")]
mod of_opus {
    use super::*;

    #[test]
    fn opus_is_transcoded_both_ways_on_its_own_clock() {
        for other in [Format::Pcma, Format::G722] {
            let mut room = Room::of(&[Format::Opus, other]);
            room.bench.bridge();
            room.talk(20);
            room.bench.hear(B, &room.parties[1].say());
            room.bench.pass(40);
            let sent = room.bench.sent(A);
            let steps = sent.windows(2);
            for pair in steps {
                assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 960);
            }
            room.talk(100);
            room.assert_heard(&[&[0.0, 1.0], &[1.0, 0.0]]);
        }
    }

    #[test]
    fn a_leg_that_becomes_opus_is_another_source_and_comes_back_as_the_first() {
        let mut room = Room::of(&[Format::Pcma, Format::Pcma]);
        room.bench.bridge();
        let mut sources = Vec::new();
        for format in [Format::Pcma, Format::Opus, Format::Pcma] {
            let leg = room.parties[1].leg;
            room.bench.connect(
                leg,
                Agreed {
                    codec: format,
                    payload_type: format.payload_type(),
                    digits_clock: format.clock(),
                    ..agreed(leg)
                },
            );
            for _ in 0..10 {
                let packet = room.parties[0].say();
                room.bench.hear(A, &packet);
                room.bench.pass(20);
            }
            let sent = room.bench.sent(B);
            assert!(sent.iter().all(|it| it.ssrc == sent[0].ssrc), "{format:?}");
            sources.push(sent[0].ssrc);
        }
        assert_eq!(sources[0], sources[2]);
        assert_ne!(sources[0], sources[1]);
    }

    #[test]
    fn a_key_between_opus_phones_keeps_its_length_on_either_clock() {
        let mut room = Room::of(&[Format::Opus, Format::Opus]);
        for (party, clock) in [(0, 48_000), (1, 8_000)] {
            let leg = room.parties[party].leg;
            room.bench.connect(
                leg,
                Agreed {
                    codec: Format::Opus,
                    payload_type: 111,
                    digits_clock: clock,
                    ..agreed(leg)
                },
            );
        }
        room.bench.bridge();
        room.bench.hear(A, &digits::press(1, 0, 5, true, 4_800));
        let sent = room.bench.sent(B);
        assert_eq!(sent[0].payload, [5, 0x8A, 3, 32], "800 ticks of 8,000");
        let digit = Report::Digit {
            leg: A,
            digit: '5',
            ms: 100,
        };
        assert_eq!(room.bench.reports(), [digit]);
    }

    #[test]
    fn what_opus_loses_is_made_up() {
        let mut room = Room::of(&[Format::Opus, Format::Pcma]);
        room.bench.bridge();
        for n in 0..200 {
            let packet = room.parties[0].say();
            if n % 20 != 10 {
                room.bench.hear(A, &packet);
            }
            room.bench.pass(20);
        }
        let sent = room.bench.sent(B);
        let heard = payloads(&sent[sent.len() - 100..]);
        let power = |frame: &[u8]| -> f64 {
            let samples = frame.iter().map(|&byte| Codec::Pcma.decode(byte));
            samples.map(|s| f64::from(s).powi(2)).sum()
        };
        let quiet = heard
            .chunks_exact(160)
            .filter(|frame| power(frame) < 160.0 * 1e5);
        assert_eq!(quiet.count(), 0);
    }
}
