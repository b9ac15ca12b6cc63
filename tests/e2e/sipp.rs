//! SIPp as citizens: speech and digits from packet files, exactly as the scenario says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    engine::{Engine, free_port, root},
    sound,
};

/// Digits as RFC 2833 packets, shipped with SIPp.
const DIGITS: &str = "/usr/share/sip-tester";

/// A running SIPp.
pub struct Sipp {
    child: Child,
    folder: PathBuf,
    name: &'static str,
}

/// How it ended.
pub struct Said {
    /// Every call completed.
    pub success: bool,
    /// Its output and errors.
    pub log: String,
}

/// One citizen with RTP on `media`: presses 0, waits, speaks, scores with 1.
pub fn citizen(engine: &Engine, media: u16, speech: &Path) -> Sipp {
    start(engine, "citizen", speech, media, &["-m", "1"])
}

/// Many citizens at once, who press 0 and stay until they are released.
pub fn crowd(engine: &Engine, callers: u32) -> Sipp {
    // Two minutes of quiet breathing: a line without any packet is taken for dead.
    let breathing: Vec<i16> = (0..8_000 * 150).map(|i| (i % 7 - 3) as i16 * 8).collect();
    let file = engine.dir.join("breathing.pcap");
    sound::write_pcap(&file, &breathing);
    let callers = callers.to_string();
    let media = free_port();
    start(
        engine,
        "crowd",
        &file,
        media,
        &["-m", &callers, "-l", &callers, "-r", "5"],
    )
}

fn start(engine: &Engine, name: &'static str, speech: &Path, media: u16, load: &[&str]) -> Sipp {
    let scenario = fs::read_to_string(root().join(format!("tests/e2e/sipp/{name}.xml"))).unwrap();
    let scenario = scenario
        .replace("{speech}", &speech.display().to_string())
        .replace("{digits}", DIGITS);
    let folder = engine.dir.join(format!("sipp-{name}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("scenario.xml"), scenario).unwrap();
    let log = fs::File::create(folder.join("log")).unwrap();
    let child = Command::new("sipp")
        .current_dir(&folder)
        .arg(format!("127.0.0.1:{}", engine.sip))
        .args([
            "-sf",
            "scenario.xml",
            "-s",
            "12345",
            "-i",
            "127.0.0.1",
            "-mi",
            "127.0.0.1",
        ])
        .args(["-p", &free_port().to_string(), "-mp", &media.to_string()])
        .args([
            "-trace_err",
            "-nostdin",
            "-timeout",
            "260s",
            "-timeout_error",
        ])
        .args(load)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("sipp: scripts/setup-tests.sh installs it");
    Sipp {
        child,
        folder,
        name,
    }
}

impl Sipp {
    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn finish(&mut self, patience: Duration) -> Said {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Said {
                    success: status.success(),
                    log: self.log(),
                };
            }
            thread::sleep(Duration::from_millis(100));
        }
        Said {
            success: false,
            log: format!("not over in {patience:?}\n{}", self.log()),
        }
    }

    /// Its output and errors.
    pub fn log(&self) -> String {
        let mut log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        for file in fs::read_dir(&self.folder).unwrap().filter_map(Result::ok) {
            if file.file_name().to_string_lossy().contains("errors") {
                log.push_str(&fs::read_to_string(file.path()).unwrap_or_default());
            }
        }
        // The screen of SIPp is long; its end is what counts.
        let lines: Vec<&str> = log.lines().collect();
        format!(
            "{}:\n{}",
            self.name,
            lines[lines.len().saturating_sub(60)..].join("\n")
        )
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
