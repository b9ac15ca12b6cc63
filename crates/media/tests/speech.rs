//! What decoded speech goes through, with people's speech: concealment, and a call between formats,
//! scored by PESQ; and no keys heard where nobody pressed one.
#![cfg(test)]

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use hotline_media::{
    Block, Command as Order, Format,
    codec::{
        linear::{Decoder, Encoder, PACKET_SAMPLES},
        resample::{Rate, Resampler},
    },
    conceal::Concealer,
    dtmf::Listener,
    sdp::{Agreed, Direction, Security},
    secure::ice::Ufrag,
    worker::{Slot, Wire, Worker},
};
use hotline_model::{Instant, LegId};

/// Where Debian's asterisk-core-sounds-en-wav puts a woman's 568 prompts.
const SPEECH: &str = "/usr/share/asterisk/sounds";

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every WAV file below a folder, in order.
fn wavs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(wavs(&path));
        } else if path.extension().is_some_and(|end| end == "wav") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn samples(file: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(file).expect("a WAV file");
    assert_eq!(reader.spec().sample_rate, 8_000);
    reader
        .into_samples()
        .map(|sample| sample.expect("a whole file"))
        .collect()
}

fn write_wav(file: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).expect("a file can be made");
    for &sample in samples {
        writer.write_sample(sample).expect("a file can be written");
    }
    writer.finalize().expect("a file can be written");
}

/// The Python that has PESQ, where scripts/setup-tests.sh has made it.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let python = target.join("venv/bin/python");
    python.exists().then_some(python)
}

/// PESQ-NB.
fn score(python: &Path, said: &[i16], heard: &[i16]) -> f64 {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (reference, degraded) = (
        folder.path().join("said.wav"),
        folder.path().join("heard.wav"),
    );
    write_wav(&reference, said);
    write_wav(&degraded, heard);
    let output = Command::new(python)
        .arg(root().join("tests/e2e/speech_score.py"))
        .args([&reference, &degraded])
        .output()
        .expect("Python can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("no score: {text}{errors}"))
}

/// Some minutes of prompts in pieces of about eight seconds, as A-law gives them back.
fn pieces() -> Vec<Vec<i16>> {
    let files = wavs(Path::new(SPEECH));
    let long = files
        .iter()
        .map(|file| samples(file))
        .filter(|all| all.len() > 48_000);
    long.take(12)
        .map(|all| all[..all.len().min(80_000) / 160 * 160].to_vec())
        .collect()
}

/// Frames of 20 ms through G.711, of which so many per cent are lost at random, concealed.
fn lossy(said: &[i16], per_cent: u32, seed: u32) -> Vec<i16> {
    use hotline_media::codec::g711::{alaw_to_linear, linear_to_alaw};
    let mut concealer = Concealer::new(Rate::Narrow);
    let mut state = seed;
    let mut heard = Vec::with_capacity(said.len());
    for frame in said.chunks_exact(160) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut out: Vec<i16> = frame
            .iter()
            .map(|&s| alaw_to_linear(linear_to_alaw(s)))
            .collect();
        if (state >> 16) % 1_000 < per_cent * 10 {
            concealer.lost(&mut out);
        } else {
            concealer.heard(&mut out);
        }
        heard.extend(out);
    }
    heard
}

/// A network without distance; what is sent to the second leg is kept.
#[derive(Default)]
struct Road(Vec<Vec<u8>>);

impl Wire for Road {
    fn open(&mut self, slot: Slot, _: IpAddr) -> Result<u16, String> {
        Ok(30_000 + 2 * slot.0 as u16)
    }
    fn open_shared(&mut self, _: Slot, _: Ufrag) -> Result<u16, String> {
        Err("no browsers".to_owned())
    }
    fn found(&mut self, _: Slot, _: SocketAddr) {}
    fn close(&mut self, _: Slot) {}
    fn send(&mut self, slot: Slot, _: SocketAddr, packet: &[u8]) -> bool {
        if slot == Slot(1) {
            self.0.push(packet.to_vec());
        }
        true
    }
    fn send_control(&mut self, _: Slot, _: SocketAddr, _: &[u8]) -> bool {
        true
    }
    fn receive(&mut self, _: Slot, _: &mut [u8]) -> Option<(usize, SocketAddr)> {
        None
    }
    fn watch(&mut self, _: Slot, _: bool) {}
    fn record(&mut self, _: &Block) -> bool {
        true
    }
}

/// What a phone of one format hears of a phone of another through the engine, of whose packets so
/// many per cent are lost at random.
fn through_a_call(
    said: &[i16],
    (from, to): (Format, Format),
    (per_cent, seed): (u32, u32),
) -> Vec<i16> {
    let (mut worker, mut road) = (Worker::new(seed.into()), Road::default());
    let mut now = Instant::START + Duration::from_millis(1_003);
    let peer = |leg: u16| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 4_000 + 2 * leg);
    for (leg, codec) in [(1, from), (2, to)] {
        let (id, address) = (LegId(leg), Ipv4Addr::LOCALHOST.into());
        let agreed = Agreed {
            remote: peer(leg as u16),
            rtcp: SocketAddr::new(peer(1).ip(), 5_001),
            codec,
            payload_type: codec.payload_type(),
            digits: Some(101),
            digits_clock: 8_000,
            direction: Direction::SendRecv,
            packet_ms: 20,
            learns: false,
            security: Security::Plain,
        };
        worker.handle_command(now, Order::Open { leg: id, address }, &mut road);
        worker.handle_command(now, Order::Connect { leg: id, agreed }, &mut road);
    }
    let (a, b) = (LegId(1), LegId(2));
    worker.handle_command(now, Order::Bridge { a, b }, &mut road);
    let (mut encoder, mut decoder) = (Encoder::new(from).unwrap(), Decoder::new(to).unwrap());
    let mut wide = Resampler::new(Rate::Narrow, from.rate());
    let mut narrow = Resampler::new(to.rate(), Rate::Narrow);
    let (mut state, mut heard) = (seed, Vec::new());
    for (n, frame) in said.chunks_exact(160).enumerate() {
        let (mut samples, mut payload) = ([0; PACKET_SAMPLES], [0; 2_000]);
        let count = wide.process(frame, &mut samples);
        let length = encoder.encode(&samples[..count], &mut payload);
        let mut packet = vec![0x80, from.payload_type()];
        packet.extend_from_slice(&(n as u16).to_be_bytes());
        packet.extend_from_slice(&(n as u32 * from.clock() / 50).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 7]);
        packet.extend_from_slice(&payload[..length]);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if (state >> 16) % 1_000 >= per_cent * 10 {
            worker.handle_packet(now, Slot(0), peer(1), &packet, &mut road);
        }
        now = now + Duration::from_millis(20);
        while worker.next_tick().is_some_and(|due| due <= now) {
            worker.handle_tick(now, &mut road);
        }
        for packet in road.0.drain(..) {
            let count = decoder.decode(&packet[12..], &mut samples);
            let mut out = [0; PACKET_SAMPLES];
            let count = narrow.process(&samples[..count], &mut out);
            heard.extend_from_slice(&out[..count]);
        }
    }
    heard
}

/// Who scores speech: Python with PESQ, and pieces of speech.
struct Judge {
    python: PathBuf,
    pieces: Vec<Vec<i16>>,
}

impl Judge {
    /// `None` where one of them was not set up: `cargo test` alone then leaves scores out, `make
    /// test` sets both up.
    fn new() -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("not scored: no Python with PESQ; scripts/setup-tests.sh makes it");
            return None;
        };
        let pieces = pieces();
        if pieces.is_empty() {
            eprintln!("not scored: no speech in {SPEECH}; scripts/setup-tests.sh installs it");
            return None;
        }
        Some(Self { python, pieces })
    }

    /// What is heard of each piece must score so much on average.
    fn hears(&self, what: &str, least: f64, heard: impl Fn(&[i16], u32) -> Vec<i16>) {
        let pieces = self.pieces.iter().zip(1..);
        let scores = pieces.map(|(said, seed)| score(&self.python, said, &heard(said, seed)));
        let scores: Vec<f64> = scores.collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        println!("{what}: PESQ-NB {mean:.2} {scores:?}");
        assert!(mean >= least, "{what}: {mean}");
    }
}

#[test]
fn speech_between_formats_scores_well_through_a_call() {
    let Some(judge) = Judge::new() else { return };
    use Format::{G722, Pcma, Pcmu};
    let mut cases = vec![
        ((Pcma, Pcmu), 0, 3.95),
        ((Pcmu, Pcma), 0, 3.95),
        ((Pcma, G722), 0, 3.95),
        ((G722, Pcma), 0, 3.95),
        ((Pcma, G722), 1, 3.5),
        ((Pcma, G722), 3, 3.2),
        ((Pcma, G722), 5, 2.9),
        ((G722, Pcma), 1, 3.5),
        ((G722, Pcma), 3, 3.2),
        ((G722, Pcma), 5, 2.9),
    ];
    if Format::Opus.is_built() {
        cases.extend([
            ((Pcma, Format::Opus), 0, 3.95),
            ((Format::Opus, Pcma), 5, 2.9),
        ]);
    }
    for (formats, per_cent, least) in cases {
        let what = format!("{formats:?}, {per_cent} % lost");
        let heard = |said: &[i16], seed| through_a_call(said, formats, (per_cent, seed));
        judge.hears(&what, least, heard);
    }
}

#[test]
fn concealed_speech_scores_well() {
    let Some(judge) = Judge::new() else { return };
    for (per_cent, least) in [(0, 3.95), (1, 3.5), (3, 3.2), (5, 2.9)] {
        let what = format!("{per_cent} % lost");
        judge.hears(&what, least, |said, seed| lossy(said, per_cent, seed));
    }
}

#[test]
fn people_press_no_keys_by_speaking() {
    let mut wrong = Vec::new();
    let files = wavs(Path::new(SPEECH));
    let shipped = wavs(&root().join("ivr-scripts/prompts"));
    assert!(!shipped.is_empty());
    for file in files.iter().chain(&shipped) {
        let mut listener = Listener::default();
        let mut sound = samples(file);
        sound.extend([0; 1_600]);
        listener.hear(&sound, |digit| wrong.push((file.clone(), digit)));
    }
    println!("{} files of people, {} shipped", files.len(), shipped.len());
    assert_eq!(wrong, []);
}
