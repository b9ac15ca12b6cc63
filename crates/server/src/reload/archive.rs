//! The settings of queues and seats, kept under their digest, so that whoever reads the journal later
//! can see what its decisions were taken by.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

use crate::config::{Written, accounts::write_secret};

/// Both files in one text. They hold no secrets: passwords are among the accounts.
fn text(written: &Written) -> String {
    format!(
        "# queues.toml\n{}\n# seats.toml\n{}",
        written.queues, written.seats
    )
}

/// SHA-256 of the kept file, hex.
pub fn digest(written: &Written) -> String {
    let digest = Sha256::digest(text(written).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps them as `settings/DIGEST.toml` of the data folder, unless they are there.
pub fn keep(data: &Path, written: &Written) -> io::Result<()> {
    let folder = data.join("settings");
    let file = folder.join(format!("{}.toml", digest(written)));
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    write_secret(&file, text(written).as_bytes())
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
}
