//! Recordings that an earlier run left behind.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek},
    path::Path,
};

use hotline_media::repair::Repair;
use ring::digest::{Context, SHA256, digest};

use crate::vault::{self, Keys};

/// A recording that an earlier run left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// File name inside the folder.
    pub file: String,
    /// Length of the sound, milliseconds.
    pub ms: u64,
    /// SHA-256 of the file as it lies on the disk, hex.
    pub sha256: String,
}

/// Mends the headers of all recordings in a folder that were cut by a kill or a power cut, and
/// tells which. Call it before [`super::spawn`]: a running recording looks like a cut one. It reads the
/// first and last bytes of each file; where only some can be affected, [`repair_file`] is quicker.
///
/// # Errors
/// When the folder cannot be read. A file that cannot be mended is logged and left.
pub fn repair(folder: &Path, keys: Option<&Keys>) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        if !name.ends_with(".wav") {
            continue;
        }
        let path = folder.join(&name);
        if ends_sealed(&path).unwrap_or(false) {
            continue;
        }
        let mended = mend(&path, keys).and_then(|mended| match mended {
            Repair::Repaired(samples) => examine(folder, &name, samples).map(Some),
            Repair::Whole(_) | Repair::Foreign => Ok(None),
        });
        match mended {
            Ok(mended) => found.extend(mended),
            Err(error) => tracing::error!(file = name, %error, "a recording cannot be repaired"),
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

/// Mends one recording where needed, and tells its length and hash either way: for a recording
/// that the journal knows to have begun, and not to have ended.
///
/// # Errors
/// When the file is not there, is no recording, or cannot be read or written.
pub fn repair_file(folder: &Path, file: &str, keys: Option<&Keys>) -> io::Result<Found> {
    match mend(&folder.join(file), keys)? {
        Repair::Whole(samples) | Repair::Repaired(samples) => examine(folder, file, samples),
        Repair::Foreign => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{file} is not a recording of this program"),
        )),
    }
}

/// Whether a file is a sealed recording with an end.
fn ends_sealed(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    Ok(vault::is_sealed(&mut file)? && vault::has_end(&mut file)?)
}

fn mend(path: &Path, keys: Option<&Keys>) -> io::Result<Repair> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let repair = if vault::is_sealed(&mut file)? {
        let none = "it is sealed, and recordings.key_file in engine.toml names no key file";
        let keys = keys.ok_or_else(|| io::Error::new(io::ErrorKind::PermissionDenied, none))?;
        vault::repair(&file, keys)?
    } else {
        hotline_media::repair::repair(&mut file)?
    };
    if matches!(repair, Repair::Repaired(_)) {
        file.sync_all()?;
    }
    Ok(repair)
}

fn examine(folder: &Path, file: &str, samples: u64) -> io::Result<Found> {
    Ok(Found {
        file: file.to_owned(),
        ms: samples / 8,
        sha256: sha256(&folder.join(file))?,
    })
}

/// SHA-256 of a file by its name, hex.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    sha256_of_file(File::open(path)?)
}

/// SHA-256 of an open file from its first byte, hex.
///
/// # Errors
/// When it cannot be read.
pub(super) fn sha256_of_file(mut file: File) -> io::Result<String> {
    file.rewind()?;
    let mut sha = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(sha.finish().as_ref()));
        }
        sha.update(buffer.get(..count).unwrap_or_default());
    }
}

/// SHA-256 of bytes, hex.
pub(super) fn sha256_of(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}
