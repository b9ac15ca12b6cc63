//! The settings of queues and seats, kept under their digest, so that whoever reads the journal later
//! can see what its decisions were taken by: as they were written, and as the floor understood them.

use std::{fs, io, path::Path};

use hotline_acd::FloorSettings;
use sha2::{Digest, Sha256};

use crate::config::{Config, Written, accounts::write_secret};

/// Both files in one text. They hold no secrets: passwords are among the accounts.
fn text(written: &Written) -> String {
    format!(
        "# queues.toml\n{}\n# seats.toml\n{}",
        written.queues, written.seats
    )
}

/// SHA-256 of the kept file, hex.
pub fn digest(written: &Written) -> String {
    hex_digest(text(written).as_bytes())
}

fn hex_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps them as `settings/DIGEST.toml` of the data folder, unless they are there.
pub fn keep(data: &Path, written: &Written) -> io::Result<()> {
    let file = format!("{}.toml", digest(written));
    keep_file(data, &file, text(written).as_bytes())
}

/// Keeps what the floor makes of them as `settings/DIGEST.json`, and gives the digest.
pub fn keep_floor(data: &Path, config: &Config) -> io::Result<String> {
    let settings = FloorSettings {
        queues: config.queues.iter().map(|it| it.floor.clone()).collect(),
        seats: config.seats.iter().map(|it| it.floor.clone()).collect(),
    };
    let text = serde_json::to_vec(&settings)?;
    let digest = hex_digest(&text);
    keep_file(data, &format!("{digest}.json"), &text)?;
    Ok(digest)
}

/// The floor's settings that were kept under this digest.
///
/// # Errors
/// In words, where the file is none, is another than was kept, or cannot be read.
pub fn kept_floor(data: &Path, digest: &str) -> Result<FloorSettings, String> {
    // The name comes out of a journal that may have been tampered with.
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{digest:?} is no SHA-256"));
    }
    let file = data.join("settings").join(format!("{digest}.json"));
    let why = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read(&file).map_err(|error| why(&error))?;
    if hex_digest(&text) != digest {
        return Err(why(&"is not what was kept: its SHA-256 is another"));
    }
    serde_json::from_slice(&text).map_err(|error| why(&error))
}

fn keep_file(data: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let folder = data.join("settings");
    let file = folder.join(name);
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    write_secret(&file, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_file_has_the_digest_it_is_named_by() {
        let data = tempfile::tempdir().unwrap();
        let written = Written {
            engine: "secret".to_owned(),
            trunks: "secret".to_owned(),
            queues: "[[queue]]".to_owned(),
            seats: "[[seat]]".to_owned(),
        };
        keep(data.path(), &written).unwrap();
        keep(data.path(), &written).unwrap();
        let name = digest(&written);
        let file = data.path().join(format!("settings/{name}.toml"));
        let kept = fs::read(file).unwrap();
        let of_file: String = Sha256::digest(&kept)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(of_file, name);
        assert!(!String::from_utf8(kept).unwrap().contains("secret"));
    }

    #[test]
    fn what_the_floor_was_made_of_reads_back_and_a_change_shows() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        let config = Config::load(&shipped).unwrap();
        let data = tempfile::tempdir().unwrap();
        let digest = keep_floor(data.path(), &config).unwrap();
        let kept = kept_floor(data.path(), &digest).unwrap();
        let (queues, seats) = (config.queues.iter(), config.seats.iter());
        assert!(queues.map(|it| &it.floor).eq(&kept.queues));
        assert!(seats.map(|it| &it.floor).eq(&kept.seats));

        let file = data.path().join(format!("settings/{digest}.json"));
        let other = fs::read_to_string(&file)
            .unwrap()
            .replace("general", "special");
        fs::remove_file(&file).unwrap();
        fs::write(&file, other).unwrap();
        let why = kept_floor(data.path(), &digest).unwrap_err();
        assert!(why.contains("is not what was kept"), "{why}");
        let why = kept_floor(data.path(), "../../etc/passwd").unwrap_err();
        assert!(why.contains("is no SHA-256"), "{why}");
    }
}
