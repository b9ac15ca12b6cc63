//! Replays the kept corpus of every fuzz target, so that what fuzzing found once stays found
//! without a fuzzer.
#![cfg(test)]

use std::{collections::BTreeSet, fs, panic, path::Path};

#[path = "../fuzz/targets/lib.rs"]
mod targets;

/// A target by name.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 10] = [
    ("digest", targets::digest::run),
    ("framing", targets::framing::run),
    ("message", targets::message::run),
    ("rtcp", targets::rtcp::run),
    ("rtp", targets::rtp::run),
    ("sdp", targets::sdp::run),
    ("srtp", targets::srtp::run),
    ("stun", targets::stun::run),
    ("uri", targets::uri::run),
    ("ws", targets::ws::run),
];

/// Most files and bytes of the corpus: it is for replay, a fuzzer's own grows elsewhere.
const MOST: (usize, usize) = (300, 1_000_000);

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

#[test]
fn every_kept_input_is_survived() {
    let (mut files, mut bytes) = (0, 0);
    let mut failures = Vec::new();
    for (name, run) in TARGETS {
        let folder = fs::read_dir(corpus().join(name)).expect("each target has a corpus");
        let before = files;
        for entry in folder {
            let path = entry.expect("the corpus can be listed").path();
            let input = fs::read(&path).expect("the corpus can be read");
            files += 1;
            bytes += input.len();
            if panic::catch_unwind(|| run(&input)).is_err() {
                failures.push(path.display().to_string());
            }
        }
        assert!(
            files - before >= 5,
            "{name} has too few inputs to mean much"
        );
    }
    assert_eq!(failures, [""; 0]);
    assert!(
        files < MOST.0 && bytes < MOST.1,
        "{files} files, {bytes} bytes"
    );
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let list = |folder: &Path, end: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).expect("the folder can be listed");
        let named = entries.map(|entry| entry.expect("an entry").file_name());
        let named = named.map(|name| name.to_string_lossy().into_owned());
        named
            .filter_map(|name| Some(name.strip_suffix(end)?.to_owned()))
            .filter(|name| name != "lib")
            .collect()
    };
    let fuzz = corpus().join("..");
    assert_eq!(list(&fuzz.join("bins"), ".rs"), names);
    assert_eq!(list(&fuzz.join("targets"), ".rs"), names);
    assert_eq!(list(&corpus(), ""), names);
}
