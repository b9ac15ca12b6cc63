//! The key file: the keys that wrap the recordings' own.

use std::{fmt, fs, path::Path};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

use super::KEY;

/// Longest id of a key, bytes.
const ID_BYTES: usize = 32;

/// The keys of a key file, oldest first. Each line is a key's id and its 64 hex digits; empty
/// lines and those that begin with # say nothing. The last key wraps new recordings, every key
/// unwraps what was wrapped by it.
pub struct Keys(Vec<(String, LessSafeKey)>);

impl fmt::Debug for Keys {
    /// The ids alone: keys are never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

impl Keys {
    /// Reads a key file.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, and what to do.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            format!("the key file {shown} cannot be read: {error}; make one: hotline keys new FILE")
        })?;
        check_mode(path)?;
        Self::parse(&text).map_err(|fault| format!("{shown}{fault}"))
    }

    /// The keys of a text; a fault begins with `:LINE` where it has a line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<(String, LessSafeKey)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (id, digits, more) = (words.next(), words.next(), words.next());
            let (Some(id), Some(digits), None) = (id, digits, more) else {
                return Err(format!(
                    ":{number}: a line is a key's id, a space, and 64 hex digits"
                ));
            };
            if id.len() > ID_BYTES || keys.iter().any(|(known, _)| known == id) {
                return Err(format!(
                    ":{number}: the id of a key is at most {ID_BYTES} bytes, and each has its own"
                ));
            }
            let key = unhex(digits)
                .and_then(|bytes| UnboundKey::new(&AES_256_GCM, &bytes).ok())
                .ok_or_else(|| format!(":{number}: a key is 64 hex digits (32 bytes)"))?;
            keys.push((id.to_owned(), LessSafeKey::new(key)));
        }
        if keys.is_empty() {
            return Err(" has no key; make a file with one: hotline keys new FILE".to_owned());
        }
        Ok(Self(keys))
    }

    /// The key that wraps new recordings, and its id.
    pub(super) fn newest(&self) -> Option<(&str, &LessSafeKey)> {
        self.0.last().map(|(id, key)| (id.as_str(), key))
    }

    /// The id of the key that wraps new recordings.
    pub fn newest_id(&self) -> &str {
        self.newest().map_or("", |(id, _)| id)
    }

    /// The key of that id.
    pub(super) fn find(&self, id: &str) -> Option<&LessSafeKey> {
        self.0
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, key)| key)
    }
}

/// Others must not be able to read it.
#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display();
    let metadata = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "the key file {shown} is open to others (mode {mode:03o}): chmod 600 {shown}"
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), String> {
    Ok(())
}

fn unhex(digits: &str) -> Option<[u8; KEY]> {
    let mut bytes = [0; KEY];
    if digits.len() != 2 * KEY || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A line with a fresh key for a key file, and the key's id.
///
/// # Errors
/// When the machine gives no randomness.
pub fn fresh_line() -> std::io::Result<(String, String)> {
    let mut bytes = [0; KEY + 4];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (id, key) = hex.split_at(8);
    Ok((id.to_owned(), format!("{id} {key}\n")))
}
