//! What was sealed opens, and nothing else does.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use hotline_media::{recorder::Tape, repair::Repair};

use super::*;

const OLD: &str = "a 0000000000000000000000000000000000000000000000000000000000000001\n";
const NEW: &str = "b 0000000000000000000000000000000000000000000000000000000000000002\n";

fn keys(text: &str) -> Keys {
    Keys::parse(text).unwrap()
}

fn sound(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n / 7) as u8).collect()
}

/// Pieces of 10,000 bytes, sealed; not ended when `end` is false.
fn sealed(folder: &Path, name: &str, keys: &Keys, bytes: usize, end: bool) -> PathBuf {
    let path = folder.join(name);
    let file = File::create(&path).unwrap();
    let mut tape = Seal::new(file, Encoding::Pcm, name, keys).unwrap();
    for piece in sound(bytes).chunks(10_000) {
        tape.add(piece, 0).unwrap();
    }
    if end {
        tape.end(&[], 0).unwrap();
    }
    path
}

fn opened(path: &Path, keys: &Keys) -> std::io::Result<Vec<u8>> {
    let mut sealed = Sealed::open(File::open(path)?, keys)?;
    let mut wav = Vec::new();
    while let Some(piece) = sealed.next_piece()? {
        wav.extend_from_slice(&piece);
    }
    Ok(wav)
}

fn wav(bytes: usize) -> Vec<u8> {
    [Encoding::Pcm.header(bytes as u64 / 4), sound(bytes)].concat()
}

fn repaired(path: &Path, keys: &Keys) -> std::io::Result<Repair> {
    repair(&OpenOptions::new().read(true).write(true).open(path)?, keys)
}

#[test]
fn what_was_sealed_opens_as_the_wav_it_stands_for() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(OLD);
    for bytes in [0, 4, 10_000, 123_456] {
        let path = sealed(folder.path(), "x.wav", &keys, bytes, true);
        assert_eq!(opened(&path, &keys).unwrap(), wav(bytes));
        let on_disk = fs::read(&path).unwrap();
        assert!(!on_disk.windows(8).any(|bytes| bytes == &sound(64)[28..36]));
    }
}

#[test]
fn from_any_byte_on_it_is_the_same_wav() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(OLD);
    let path = sealed(folder.path(), "x.wav", &keys, 45_000, true);
    let whole = wav(45_000);
    let mut sealed = Sealed::open(File::open(path).unwrap(), &keys).unwrap();
    assert_eq!(sealed.wav_bytes(), whole.len() as u64);
    for from in [
        0, 1, 79, 80, 81, 10_079, 10_080, 10_081, 44_000, 45_079, 45_080,
    ] {
        sealed.seek(from as u64).unwrap();
        let mut rest = Vec::new();
        let mut begins = None;
        loop {
            let at = sealed.position();
            let Some(piece) = sealed.next_piece().unwrap() else {
                break;
            };
            begins.get_or_insert(at);
            rest.extend_from_slice(&piece);
        }
        let begins = begins.unwrap_or(whole.len() as u64) as usize;
        assert!(begins <= from && begins + 65_536 > from, "{begins} {from}");
        assert_eq!(rest, whole[begins..], "from {from}");
    }
}

#[test]
fn a_change_a_cut_a_swap_and_a_stranger_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(OLD);
    let path = sealed(folder.path(), "x.wav", &keys, 30_000, true);
    let other = sealed(folder.path(), "y.wav", &keys, 30_000, true);
    let (good, foreign) = (fs::read(&path).unwrap(), fs::read(&other).unwrap());
    let body = good.len() - 3 * 10_032 - 32;
    let refuses = |bytes: &[u8], why: &str| {
        fs::write(&path, bytes).unwrap();
        let complete = Sealed::open(File::open(&path).unwrap(), &keys)
            .is_ok_and(|sealed| sealed.is_complete());
        assert!(!complete || opened(&path, &keys).is_err(), "{why}");
    };
    for at in (0..good.len()).step_by(997).chain(0..body + 40) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        refuses(&bytes, &format!("byte {at}"));
    }
    for end in [
        body,
        body + 5,
        body + 10_032,
        good.len() - 32,
        good.len() - 1,
    ] {
        refuses(&good[..end], &format!("cut at {end}"));
    }
    refuses(&[&good[..], b"more"].concat(), "longer");
    let chunk = |from: &[u8], n: usize| from[body + n * 10_032..][..10_032].to_vec();
    let end = &good[good.len() - 32..];
    let chunks = |order: [usize; 3]| order.map(|n| chunk(&good, n)).concat();
    refuses(&[&good[..body], &chunks([1, 0, 2]), end].concat(), "order");
    refuses(&[&good[..body], &chunks([0, 0, 2]), end].concat(), "twice");
    let from_other = [chunk(&good, 0), chunk(&foreign, 1), chunk(&good, 2)].concat();
    refuses(
        &[&good[..body], &from_other, end].concat(),
        "another file's",
    );
    fs::write(&path, &foreign).unwrap();
    let swapped = Sealed::open(File::open(&path).unwrap(), &keys).unwrap();
    assert_eq!(swapped.name(), "y.wav");
}

#[test]
fn the_newest_key_wraps_and_the_old_ones_unwrap() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (
        keys(OLD),
        keys(&format!("{OLD}# in use since May\n\n{NEW}")),
    );
    assert_eq!(after.newest_id(), "b");
    let old = sealed(folder.path(), "old.wav", &before, 400, true);
    let new = sealed(folder.path(), "new.wav", &after, 400, true);
    assert_eq!(opened(&old, &after).unwrap(), wav(400));
    assert_eq!(opened(&new, &after).unwrap(), wav(400));
    let refused = opened(&new, &before).unwrap_err().to_string();
    assert!(
        refused.contains("\"b\"") && refused.contains("key file"),
        "{refused}"
    );
    let other = keys(&NEW.replace("b ", "a "));
    assert!(opened(&old, &other).is_err(), "another key of the same id");
}

#[test]
fn what_a_kill_left_is_ended_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(OLD);
    let path = sealed(folder.path(), "x.wav", &keys, 30_000, false);
    let cut = fs::read(&path).unwrap();
    assert!(
        !Sealed::open(File::open(&path).unwrap(), &keys)
            .unwrap()
            .is_complete()
    );
    let zeros = [0; 5_000];
    let body = cut.len() - 3 * 10_032;
    for (left, kept) in [
        (cut.clone(), 30_000),
        (cut[..cut.len() - 1].to_vec(), 20_000),
        (cut[..body + 10_032 + 3].to_vec(), 10_000),
        (cut[..body].to_vec(), 0),
        // After a power cut a file can end in zeros.
        ([&cut[..body + 10_032], &zeros].concat(), 10_000),
        ([&cut[..], &[0xFF; 100]].concat(), 30_000),
    ] {
        fs::write(&path, left).unwrap();
        let frames = kept as u64 / 4;
        assert!(!has_end(&mut File::open(&path).unwrap()).unwrap());
        assert_eq!(repaired(&path, &keys).unwrap(), Repair::Repaired(frames));
        assert!(has_end(&mut File::open(&path).unwrap()).unwrap());
        assert_eq!(opened(&path, &keys).unwrap(), wav(kept));
        assert_eq!(repaired(&path, &keys).unwrap(), Repair::Whole(frames));
    }
    fs::write(&path, &cut[..30]).unwrap();
    assert!(repaired(&path, &keys).is_err());
    assert_eq!(fs::read(&path).unwrap(), cut[..30], "left as it is");
}

#[test]
fn a_key_file_says_what_is_wrong_with_it() {
    for (text, word) in [
        ("", "no key"),
        ("a 00\n", ":1:"),
        (
            "# x\na zz00000000000000000000000000000000000000000000000000000000000000\n",
            ":2:",
        ),
        ("a\n", "64 hex digits"),
        (&format!("{OLD}{OLD}"), ":2:"),
    ] {
        let fault = Keys::parse(text).unwrap_err();
        assert!(fault.contains(word), "{fault}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert!(Keys::read(&path).unwrap_err().contains("hotline keys new"));
    fs::write(&path, fresh_line().unwrap().1).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Keys::read(&path).unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let keys = Keys::read(&path).unwrap();
    assert_eq!(format!("{keys:?}"), format!("[{:?}]", keys.newest_id()));
}
