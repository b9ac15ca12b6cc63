//! What decoded speech goes through, with people's speech: concealment scored by PESQ, and no keys
//! heard where nobody pressed one.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hotline_media::{codec::resample::Rate, conceal::Concealer, dtmf::Listener};

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

#[test]
fn concealed_speech_scores_well() {
    let (Some(python), pieces) = (python(), pieces()) else {
        eprintln!("not scored: no Python with PESQ; scripts/setup-tests.sh makes it");
        return;
    };
    if pieces.is_empty() {
        eprintln!("not scored: no speech in {SPEECH}; scripts/setup-tests.sh installs it");
        return;
    }
    for (per_cent, least) in [(0, 3.95), (1, 3.5), (3, 3.2), (5, 2.9)] {
        let scores: Vec<f64> = pieces
            .iter()
            .zip(1..)
            .map(|(said, seed)| score(&python, said, &lossy(said, per_cent, seed)))
            .collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        println!("{per_cent} % lost: PESQ-NB {mean:.2} {scores:?}");
        assert!(mean >= least, "{per_cent} % lost: {mean}");
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
