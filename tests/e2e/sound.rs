//! Sound of the tests: WAV, A-law and packet files, and the score of speech (PESQ).

use std::{fs, io::Cursor, path::Path, process::Command};

use hotline_media::{Clip, Codec, codec::g711};

use crate::engine::{root, target};

/// The samples of a shipped prompt.
pub fn prompt(language: &str, key: &str) -> Vec<i16> {
    let file = root().join(format!("ivr-scripts/prompts/{language}/{key}.wav"));
    let mut samples: Vec<i16> = hound::WavReader::open(&file)
        .unwrap()
        .samples()
        .map(Result::unwrap)
        .collect();
    // Whole packets, so that payloads can be compared.
    samples.truncate(samples.len() / 160 * 160);
    samples
}

/// The same words again and again, a second between.
pub fn repeat_with_pauses(samples: &[i16], times: usize) -> Vec<i16> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.extend_from_slice(samples);
        all.extend(std::iter::repeat_n(0, 8_000));
    }
    all
}

/// As a WAV file, 8 kHz mono.
pub fn write_wav(file: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).unwrap();
    samples
        .iter()
        .for_each(|&sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
}

/// The two channels of a recording, in PCM or A-law.
pub fn channels(wav: &[u8]) -> (Vec<i16>, Vec<i16>) {
    let samples: Vec<i16> = if let Some(sound) = a_law_sound(wav) {
        linear(sound)
    } else {
        let mut reader = hound::WavReader::new(Cursor::new(wav)).unwrap();
        assert_eq!(reader.spec().channels, 2);
        reader.samples().map(Result::unwrap).collect()
    };
    let channel = |at: usize| samples.iter().skip(at).step_by(2).copied().collect();
    (channel(0), channel(1))
}

/// The sound of a two-channel WAV of format tag 6, whose lengths are right.
fn a_law_sound(wav: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&wav[..4], &wav[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
    assert_eq!(word(4) + 8, wav.len());
    let (mut at, mut is_a_law) = (12, false);
    while at + 8 <= wav.len() {
        let (chunk, length) = (&wav[at..at + 4], word(at + 4));
        if chunk == b"fmt " {
            is_a_law = wav[at + 8..at + 12] == [6, 0, 2, 0];
        }
        if chunk == b"data" {
            return is_a_law.then(|| &wav[at + 8..at + 8 + length]);
        }
        at += 8 + length;
    }
    panic!("no data chunk");
}

/// As A-law bytes.
pub fn a_law(samples: &[i16]) -> Vec<u8> {
    Clip::from_samples(samples).bytes(Codec::Pcma)[..samples.len()].to_vec()
}

/// A-law bytes as samples.
pub fn linear(bytes: &[u8]) -> Vec<i16> {
    bytes
        .iter()
        .map(|&byte| g711::alaw_to_linear(byte))
        .collect()
}

/// PESQ-NB of what was heard against what was said; 1 (bad) to 4.55 (the same).
pub fn score(folder: &Path, said: &[i16], heard: &[i16]) -> f64 {
    let (reference, degraded) = (folder.join("said.wav"), folder.join("heard.wav"));
    write_wav(&reference, said);
    write_wav(&degraded, heard);
    let output = Command::new(target().join("venv/bin/python"))
        .arg(root().join("tests/e2e/speech_score.py"))
        .args([&reference, &degraded])
        .output()
        .expect("the Python environment of the tests: scripts/setup-tests.sh makes it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().unwrap_or_else(|_| {
        panic!(
            "no score: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// A packet file of RTP in A-law that SIPp plays: 20 ms packets, one after the other.
pub fn write_pcap(file: &Path, samples: &[i16]) {
    let mut pcap = Vec::new();
    // libpcap's header: magic, version 2.4, zone, accuracy, longest packet, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        pcap.extend_from_slice(&word.to_le_bytes());
    }
    for (number, payload) in a_law(samples).chunks(160).enumerate() {
        let number = number as u32;
        let mut rtp = vec![0x80, 8];
        rtp.extend_from_slice(&(number as u16).to_be_bytes());
        rtp.extend_from_slice(&(number * 160).to_be_bytes());
        rtp.extend_from_slice(&0x1234_5678_u32.to_be_bytes());
        rtp.extend_from_slice(payload);
        let length = rtp.len() as u16;
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[8, 0, 0x45, 0]);
        frame.extend_from_slice(&(length + 28).to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        frame.extend_from_slice(&[0x17, 0x70, 0x17, 0x70]);
        frame.extend_from_slice(&(length + 8).to_be_bytes());
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(&rtp);
        let ms = number * 20;
        for word in [
            ms / 1_000,
            ms % 1_000 * 1_000,
            frame.len() as u32,
            frame.len() as u32,
        ] {
            pcap.extend_from_slice(&word.to_le_bytes());
        }
        pcap.extend_from_slice(&frame);
    }
    fs::write(file, pcap).unwrap();
}
