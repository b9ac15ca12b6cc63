//! The engine under load: the release program with a folder of its own, and what it costs.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sqlx::ConnectOptions as _;

/// The tables' database, locked.
pub struct TablesHeld {
    _held: sqlx::SqliteConnection,
    _runtime: tokio::runtime::Runtime,
}

pub type Try<T> = Result<T, Box<dyn Error>>;

/// Where it listens.
pub const SIP: &str = "127.0.0.1:15060";
const SIP_PORT: &str = "15060";
/// Where its pages are.
pub const HTTP: &str = "127.0.0.1:18080";
const HTTP_PORT: &str = "18080";

/// Processor ticks a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

/// A running engine.
pub struct Engine {
    child: Child,
    folder: tempfile::TempDir,
}

/// A call for 12345 stands in the queue at once: what is measured is the engine, not its prompts.
const SCRIPT: &str = "name = \"at-once\"\nlanguage = \"zh\"\nstart = \"human\"\n\n\
                      [step.human]\nenqueue = \"general\"\n";

impl Engine {
    /// Starts it with so many seats.
    pub fn start(program: &Path, seats: usize) -> Try<Self> {
        let folder = tempfile::tempdir()?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let config = folder.path().join("config");
        copy(&root.join("config"), &config)?;
        let scripts = folder.path().join("ivr-scripts");
        copy(&root.join("ivr-scripts/prompts"), &scripts.join("prompts"))?;
        fs::write(scripts.join("at-once.toml"), SCRIPT)?;
        edit(
            &config.join("engine.toml"),
            &[
                ("script = \"12345-menu\"", "script = \"at-once\""),
                ("survey = \"survey\"", "survey = \"\""),
            ],
        )?;
        edit(
            &config.join("queues.toml"),
            &[("wrap_up_s = 10", "wrap_up_s = 0")],
        )?;
        edit(&config.join("trunks.toml"), &[(", \"::1\"]", "]")])?;
        let mut text = String::new();
        for seat in 0..seats {
            let id = seat_id(seat);
            writeln!(
                text,
                "[[seat]]\nid = \"{id}\"\nname = \"{id}\"\nqueues = [\"general\"]\n"
            )?;
        }
        fs::write(config.join("seats.toml"), text)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let child = Command::new(program)
            .args([
                "serve",
                "--sip-port",
                SIP_PORT,
                "--http-port",
                HTTP_PORT,
                "--config",
            ])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| {
                format!(
                    "{}: {error}; cargo build --release -p hotline-server",
                    program.display()
                )
            })?;
        let mut engine = Self { child, folder };
        engine.wait_until_ready()?;
        Ok(engine)
    }

    fn wait_until_ready(&mut self) -> Try<()> {
        let until = Instant::now() + Duration::from_secs(120);
        while http("GET", "/readyz", "", "").is_ok_and(|(status, _)| status != 200)
            || TcpStream::connect(HTTP).is_err()
        {
            if Instant::now() > until || self.child.try_wait()?.is_some() {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                return Err(format!("the engine did not start:\n{log}").into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The password made for `user`.
    pub fn password(&self, user: &str) -> Try<String> {
        let text = fs::read_to_string(self.folder.path().join("data/demo-accounts.txt"))?;
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{user}\t")));
        Ok(found.ok_or("no such account")?.to_owned())
    }

    /// Sets all seats ready.
    pub fn all_ready(&self, seats: usize) -> Try<()> {
        let password = self.password("supervisor")?;
        let body = format!("{{\"user\":\"supervisor\",\"password\":\"{password}\"}}");
        let (status, answer) = http("POST", "/api/v1/session", "", &body)?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        let token = answer
            .get("token")
            .and_then(|token| token.as_str())
            .ok_or(format!("no token: {status}"))?
            .to_owned();
        for seat in 0..seats {
            let path = format!("/api/v1/seats/{}/ready", seat_id(seat));
            let (status, answer) = http("POST", &path, &token, "{}")?;
            if !(200..300).contains(&status) {
                return Err(format!("{path}: {status} {answer}").into());
            }
        }
        Ok(())
    }

    /// Locks the tables' database for writing, as a backup or a careless reader may, until the
    /// lock is dropped.
    pub fn hold_tables(&self) -> Try<TablesHeld> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut held = runtime.block_on(self.tables())?;
        runtime.block_on(sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut held))?;
        Ok(TablesHeld {
            _held: held,
            _runtime: runtime,
        })
    }

    /// Waits until the tables have the last record that the journal has now.
    pub fn until_tables_follow(&self) -> Try<u64> {
        let mut last = 0;
        for record in hotline_store::journal::read(&self.folder.path().join("data/journal"), 1)? {
            last = record?.seq;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let seq: i64 = runtime.block_on(async {
                let mut tables = self.tables().await?;
                let seq = sqlx::query_scalar("SELECT seq FROM applied");
                seq.fetch_one(&mut tables).await
            })?;
            if u64::try_from(seq)? >= last {
                return Ok(last);
            }
            if Instant::now() > until {
                return Err(format!("the tables stay at {seq} of {last}").into());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// How many records of the journal the tables do not have yet.
    pub fn tables_behind(&self) -> Try<f64> {
        let (_, page) = http("GET", "/metrics", "", "")?;
        let last = |name: &str| {
            let mut lines = page.lines();
            lines.find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
        };
        let journal = last("hotline_journal_last_record").ok_or("no figure of the journal")?;
        let tables = last("hotline_tables_last_record").ok_or("no figure of the tables")?;
        Ok((journal - tables).max(0.0))
    }

    async fn tables(&self) -> Result<sqlx::SqliteConnection, sqlx::Error> {
        let path = self.folder.path().join("data/tables.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        options.connect().await
    }

    /// Processor seconds used so far by each thread that has done anything, by name.
    pub fn threads(&self) -> Try<BTreeMap<String, f64>> {
        let mut used = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = fs::read_to_string(task?.path().join("stat")).unwrap_or_default();
            let Some((name, rest)) = stat.rsplit_once(") ") else {
                continue;
            };
            let name = name.split_once('(').map_or("", |(_, name)| name);
            let ticks = rest.split_whitespace().skip(11).take(2);
            let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
            *used.entry(name.to_owned()).or_insert(0.0) += ticks as f64 / TICKS;
        }
        Ok(used)
    }

    /// How long INVITEs to free seats took inside the engine so far: how many at most each of these
    /// bounds, seconds; the last is without a bound.
    pub fn ready_to_invite(&self) -> Try<Vec<(f64, u64)>> {
        let (_, page) = http("GET", "/metrics", "", "")?;
        let lines = page.lines().filter_map(|line| {
            let rest = line.strip_prefix("hotline_ready_to_invite_seconds_bucket{le=\"")?;
            let (bound, count) = rest.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        });
        Ok(lines.collect())
    }

    /// As [`waits_of`].
    pub fn waits(&self) -> Try<BTreeMap<String, f64>> {
        waits_of(&self.child.id().to_string())
    }

    /// Processor time used so far, seconds, and memory held now, KiB.
    pub fn cost(&self) -> Try<(f64, u64)> {
        cost_of(&self.child.id().to_string())
    }
}

/// How long each thread of a process stood ready so far and had no processor, seconds: while others
/// have it, neither the engine nor the load can be judged.
pub fn waits_of(id: &str) -> Try<BTreeMap<String, f64>> {
    let mut waits = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let task = task?;
        // A thread may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(task.path().join("schedstat")) else {
            continue;
        };
        let ns: f64 = stat.split(' ').nth(1).unwrap_or_default().parse()?;
        waits.insert(task.file_name().to_string_lossy().into_owned(), ns / 1e9);
    }
    Ok(waits)
}

/// The longest that one thread stood so between two looks, seconds.
pub fn longest_wait(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> f64 {
    let grown = |(task, wait): (&String, &f64)| wait - before.get(task).copied().unwrap_or(0.0);
    after.iter().map(grown).fold(0.0, f64::max)
}

/// What a process cost so far, by its number or `self`; as [`Engine::cost`].
pub fn cost_of(id: &str) -> Try<(f64, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    Ok((ticks as f64 / TICKS, resident))
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number of a seat.
pub fn seat_id(seat: usize) -> String {
    format!("{}", 10_000 + seat)
}

/// The program to measure: `--program PATH`, else the release build beside this bench.
pub fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    target.join("release/hotline")
}

fn edit(file: &Path, changes: &[(&str, &str)]) -> Try<()> {
    let mut text = fs::read_to_string(file)?;
    for (from, to) in changes {
        if !text.contains(from) {
            return Err(format!("{} has no {from:?} any more", file.display()).into());
        }
        text = text.replace(from, to);
    }
    fs::write(file, text)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Try<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn http(method: &str, path: &str, token: &str, body: &str) -> Try<(u16, String)> {
    let mut stream = TcpStream::connect(HTTP)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {HTTP}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.ok_or("no status")?, body.to_owned()))
}
