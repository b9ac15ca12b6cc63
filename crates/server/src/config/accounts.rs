//! Who may sign in: the seats' phones by digest, people's pages by password. Passwords are kept as
//! digests only, in `accounts.toml` of the data folder, which nobody else may read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hotline_calls::settings::{Algorithm, Ha1, Pin, ha1};
use hotline_model::{PhoneId, SeatId, limits::PIN_DIGITS};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Digest realm of the registrar. The digests depend on it.
pub const REALM: &str = "hotline";

/// User name of the first supervisor.
pub const SUPERVISOR: &str = "supervisor";

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything, may act for every seat.
    Supervisor,
    /// Sees and acts for the own seat.
    Agent,
}

/// One account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name to sign in with.
    pub user: String,
    /// What it may do.
    pub role: Role,
    /// The seat of an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<SeatId>,
    /// Argon2id digest of the password, for the pages.
    password: String,
    /// SIP digest secret (RFC 8760 SHA-256), for the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_sha256: Option<String>,
    /// SIP digest secret (RFC 2617 MD5), for old phones.
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_md5: Option<String>,
    /// Digest of the PIN for shared phones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
}

/// What a shared phone registers with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneAccount {
    id: PhoneId,
    sip_sha256: String,
    sip_md5: String,
}

/// All accounts.
#[derive(Default, Serialize, Deserialize)]
pub struct Accounts {
    #[serde(default)]
    account: Vec<Account>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phone: Vec<PhoneAccount>,
}

/// Why accounts cannot be used.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// The file cannot be read or written.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not what the engine wrote.
    #[error("{file}: {message}; restore it from a backup, or remove it to make new passwords")]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The machine gave no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

/// The plain passwords of accounts that were just made.
pub type Fresh = Vec<(String, String)>;

impl Accounts {
    /// The accounts of the data folder, as they are.
    pub fn read(data: &Path) -> Result<Self, AccountsError> {
        let file = data.join("accounts.toml");
        match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map_err(|error| AccountsError::Content {
                file,
                message: error.message().to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(AccountsError::File { file, error }),
        }
    }

    /// Whether all by which the user proves to be one is the same in both, the PIN too.
    pub fn same_secrets(one: &Self, other: &Self, user: &str) -> bool {
        let pin = |accounts: &Self| accounts.find(user).map(|account| account.pin.clone());
        Self::same_password(one, other, user) && pin(one) == pin(other)
    }

    /// Whether the user's password is the same in both; nobody's is.
    pub fn same_password(one: &Self, other: &Self, user: &str) -> bool {
        let digests = |accounts: &Self| {
            let account = accounts.find(user)?;
            let sip = (account.sip_sha256.clone(), account.sip_md5.clone());
            Some((account.password.clone(), sip))
        };
        digests(one) == digests(other)
    }

    /// Whether the shared phone's secret is the same in both.
    pub fn same_phone_secret(one: &Self, other: &Self, id: PhoneId) -> bool {
        let of = |accounts: &Self| accounts.phone.iter().find(|it| it.id == id).cloned();
        of(one) == of(other)
    }

    /// Reads the accounts of the data folder and makes those that are missing: one supervisor, one
    /// agent for each seat, one for each shared phone; and the PINs of all seats where there are
    /// such phones. Says which passwords are new.
    pub fn open(
        data: &Path,
        seats: &[SeatId],
        phones: &[PhoneId],
    ) -> Result<(Self, Fresh), AccountsError> {
        let file = data.join("accounts.toml");
        let mut accounts = Self::read(data)?;
        let mut fresh = Fresh::new();
        if accounts.find(SUPERVISOR).is_none() {
            fresh.push((
                SUPERVISOR.to_owned(),
                accounts.add(SUPERVISOR, Role::Supervisor, None)?,
            ));
        }
        for seat in seats {
            if accounts.find(seat.as_str()).is_none() {
                let password = accounts.add(seat.as_str(), Role::Agent, Some(*seat))?;
                fresh.push((seat.to_string(), password));
            }
        }
        for phone in phones {
            if !accounts.phone.iter().any(|it| it.id == *phone) {
                fresh.push((phone.to_string(), accounts.add_phone(*phone)?));
            }
        }
        for seat in seats.iter().filter(|_| !phones.is_empty()) {
            let mut all = accounts.account.iter_mut();
            let account = all.find(|it| it.user == seat.as_str() && it.pin.is_none());
            if let Some(account) = account {
                let plain = new_pin()?;
                account.pin = Some(Pin::of(*seat, &plain).digest().to_owned());
                fresh.push((format!("pin {seat}"), plain));
            }
        }
        if !fresh.is_empty() {
            let text = toml::to_string(&accounts).map_err(|error| AccountsError::Content {
                file: file.clone(),
                message: error.to_string(),
            })?;
            write_secret(&file, text.as_bytes())
                .map_err(|error| AccountsError::File { file, error })?;
        }
        Ok((accounts, fresh))
    }

    /// The account of that name.
    pub fn find(&self, user: &str) -> Option<&Account> {
        self.account.iter().find(|account| account.user == user)
    }

    fn add(
        &mut self,
        user: &str,
        role: Role,
        seat: Option<SeatId>,
    ) -> Result<String, AccountsError> {
        let plain = new_password()?;
        let password = digest(&plain)?;
        self.account.push(Account {
            user: user.to_owned(),
            role,
            seat,
            password,
            sip_sha256: seat.map(|_| ha1(Algorithm::Sha256, user, REALM, &plain)),
            sip_md5: seat.map(|_| ha1(Algorithm::Md5, user, REALM, &plain)),
            pin: None,
        });
        Ok(plain)
    }

    fn add_phone(&mut self, id: PhoneId) -> Result<String, AccountsError> {
        let plain = new_password()?;
        let digest = |algorithm| ha1(algorithm, id.as_str(), REALM, &plain);
        self.phone.push(PhoneAccount {
            id,
            sip_sha256: digest(Algorithm::Sha256),
            sip_md5: digest(Algorithm::Md5),
        });
        Ok(plain)
    }

    /// The secret of a shared phone, where it has one.
    pub fn phone_ha1(&self, id: PhoneId) -> Option<Ha1> {
        let account = self.phone.iter().find(|it| it.id == id)?;
        Ha1::from_hex(&account.sip_sha256, Some(&account.sip_md5))
    }
}

impl Account {
    /// Whether the password is right. Slow by design: call it where waiting is allowed.
    pub fn has_password(&self, password: &str) -> bool {
        PasswordHash::new(&self.password).is_ok_and(|digest| {
            Argon2::default()
                .verify_password(password.as_bytes(), &digest)
                .is_ok()
        })
    }

    /// What the agent types to log in at a shared phone.
    pub fn pin(&self) -> Option<Pin> {
        self.pin.as_deref().map(Pin::kept)
    }

    /// The secret of the seat's phone.
    pub fn ha1(&self) -> Ha1 {
        let kept = self.sip_sha256.as_deref();
        kept.and_then(|sha256| Ha1::from_hex(sha256, self.sip_md5.as_deref()))
            .unwrap_or_else(Ha1::of_nobody)
    }
}

/// Takes as long as a real check, for a user that does not exist.
pub fn check_nobody(password: &str) {
    let _ = digest(password);
}

fn digest(plain: &str) -> Result<String, AccountsError> {
    Argon2::default()
        .hash_password(plain.as_bytes())
        .map(|digest| digest.to_string())
        .map_err(|error| AccountsError::Randomness(error.to_string()))
}

/// Six digits, each as likely.
fn new_pin() -> Result<String, AccountsError> {
    let mut pin = String::new();
    while pin.len() < PIN_DIGITS {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| AccountsError::Randomness(error.to_string()))?;
        let digits = bytes.iter().filter(|&&byte| byte < 250);
        let digits = digits.map(|byte| char::from(b'0' + byte % 10));
        pin.extend(digits.take(PIN_DIGITS - pin.len()));
    }
    Ok(pin)
}

/// Twelve characters without look-alikes: 69 bits.
fn new_password() -> Result<String, AccountsError> {
    const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut password = String::new();
    while password.len() < 12 {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| AccountsError::Randomness(error.to_string()))?;
        // Bytes past the alphabet's last multiple are thrown away: each letter is as likely.
        let letters = bytes
            .iter()
            .filter(|&&byte| usize::from(byte) < 256 / ALPHABET.len() * ALPHABET.len())
            .filter_map(|&byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()))
            .map(|&letter| char::from(letter));
        password.extend(letters.take(12 - password.len()));
    }
    Ok(password)
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_secret(file: &Path, content: &[u8]) -> io::Result<()> {
    let draft = file.with_extension("new");
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(draft, file)
}

/// Where the plain passwords of the first start are kept for the demo, until somebody deletes the
/// file.
pub fn demo_file(data: &Path) -> PathBuf {
    data.join("demo-accounts.txt")
}

/// Adds new accounts to the demo file.
pub fn keep_for_demo(data: &Path, fresh: &Fresh) -> io::Result<()> {
    if fresh.is_empty() {
        return Ok(());
    }
    let file = demo_file(data);
    let mut text = fs::read_to_string(&file).unwrap_or_else(|_| {
        "# Passwords made at the first start. Delete this file when you have noted them.\n"
            .to_owned()
    });
    for (user, password) in fresh {
        text.push_str(&format!("{user}\t{password}\n"));
    }
    write_secret(&file, text.as_bytes())
}

/// The plain passwords of the demo file, while it exists.
pub fn demo_passwords(data: &Path) -> Fresh {
    fs::read_to_string(demo_file(data))
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn passwords_are_made_once_and_never_kept_plain() {
        let data = tempfile::tempdir().unwrap();
        let seat = SeatId::new("1001").unwrap();
        let (accounts, fresh) = Accounts::open(data.path(), &[seat], &[]).unwrap();
        assert_eq!(fresh.len(), 2);
        let password = &fresh.iter().find(|(user, _)| user == "1001").unwrap().1;
        assert!(accounts.find("1001").unwrap().has_password(password));
        assert!(!accounts.find("1001").unwrap().has_password("wrong"));
        let file = data.path().join("accounts.toml");
        assert!(
            !fs::read_to_string(&file)
                .unwrap()
                .contains(password.as_str())
        );
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let (again, fresh) = Accounts::open(data.path(), &[seat], &[]).unwrap();
        assert!(fresh.is_empty());
        assert!(again.find("1001").unwrap().has_password(password));
    }

    #[test]
    fn pins_are_made_with_the_first_shared_phone() {
        let data = tempfile::tempdir().unwrap();
        let seat = SeatId::new("1001").unwrap();
        Accounts::open(data.path(), &[seat], &[]).unwrap();
        let phone = PhoneId::new("desk-1").unwrap();
        let (accounts, fresh) = Accounts::open(data.path(), &[seat], &[phone]).unwrap();
        let users: Vec<_> = fresh.iter().map(|(user, _)| user.as_str()).collect();
        assert_eq!(users, ["desk-1", "pin 1001"]);
        let (password, pin) = (&fresh[0].1, &fresh[1].1);
        assert!(pin.len() == PIN_DIGITS && pin.bytes().all(|byte| byte.is_ascii_digit()));
        let kept = accounts.find("1001").unwrap().pin().unwrap();
        assert!(kept == Pin::of(seat, pin) && kept != Pin::of(seat, "000000"));
        assert!(accounts.phone_ha1(phone) == Some(Ha1::of("desk-1", REALM, password)));
        // Nobody signs in at the pages as a phone.
        assert!(accounts.find("desk-1").is_none());
        let text = fs::read_to_string(data.path().join("accounts.toml")).unwrap();
        assert!(!text.contains(pin.as_str()) && !text.contains(password.as_str()));
        let (_, fresh) = Accounts::open(data.path(), &[seat], &[phone]).unwrap();
        assert!(fresh.is_empty());
    }
}
