//! The door of this machine's own commands: a socket in the data folder, which only the engine's user
//! may open. A command sends one line of JSON and gets one back.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream as Client},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hotline_model::limits::COMMAND_LINE_BYTES;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{
    Refused, Reloader,
    report::{Report, Told},
};

/// Longest wait for a command's line.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// Longest wait until it took its answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Longest wait of a command for its answer: all prompts are read and all scripts compiled.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// What a command asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Read the settings again.
    Reload {
        /// Only look.
        dry_run: bool,
    },
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The settings are good.
    Report(Report),
    /// They have faults: nothing changed.
    Faults(Vec<Told>),
    /// The world refused: nothing changed.
    Refused(String),
}

/// The socket of a data folder.
pub fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Opens the door. One that an engine before left behind is replaced: who has the data folder's
/// journal is alone in it.
pub fn open(data: &Path) -> io::Result<UnixListener> {
    let at = socket(data);
    match fs::remove_file(&at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let door = UnixListener::bind(&at)?;
    fs::set_permissions(&at, fs::Permissions::from_mode(0o600))?;
    Ok(door)
}

/// Serves commands, one after the other.
pub async fn serve(door: UnixListener, reloader: Arc<Reloader>) {
    loop {
        let Ok((stream, _)) = door.accept().await else {
            // Out of descriptors: later.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if let Err(error) = answer(stream, &reloader).await {
            tracing::warn!(%error, "a command went away before its answer");
        }
    }
}

async fn answer(stream: UnixStream, reloader: &Arc<Reloader>) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let mut stream = tokio::io::BufReader::new(stream);
    let mut line = String::new();
    let mut limited = (&mut stream).take(COMMAND_LINE_BYTES);
    timeout(ASKED_WITHIN, limited.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(Ask::Reload { dry_run }) => {
            match reloader.reload(format!("local:{uid}"), dry_run).await {
                Ok(report) => Answer::Report(report),
                Err(Refused::Faults(faults)) => Answer::Faults(faults),
                Err(Refused::World(why)) => Answer::Refused(why),
            }
        }
        Err(error) => Answer::Refused(format!("the engine does not understand this: {error}")),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    timeout(TAKEN_WITHIN, stream.get_mut().write_all(text.as_bytes())).await?
}

/// Asks the engine of this data folder.
pub fn ask(data: &Path, ask: &Ask) -> io::Result<Answer> {
    let mut stream = Client::connect(socket(data))?;
    stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
    let mut text = serde_json::to_string(ask)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
