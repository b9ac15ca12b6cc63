//! An engine of its own for each test: free ports, a data folder that goes away, and the API.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The build folder.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The program under test, built beside these tests.
pub fn program() -> PathBuf {
    let program = target().join("debug").join("hotline");
    assert!(
        program.exists(),
        "{} is missing: cargo build -p hotline-server",
        program.display()
    );
    program
}

/// A command of the program.
pub fn hotline() -> Command {
    Command::new(program())
}

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Node script of the tests.
pub fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join(script));
    command
}

/// A port that is free for UDP and TCP, even, so that RTP may use it too.
pub fn free_port() -> u16 {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        if port.is_multiple_of(2) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The first of two ports that are free for UDP: each media thread has one for its browsers.
pub fn free_pair() -> u16 {
    loop {
        let port = free_port();
        if UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A running engine.
pub struct Engine {
    /// Its folder: config, ivr-scripts, data.
    pub dir: PathBuf,
    /// SIP port.
    pub sip: u16,
    /// HTTP port.
    pub http: u16,
    /// Where the pages listen.
    pub host: IpAddr,
    child: Option<Child>,
    token: RefCell<String>,
    _folder: tempfile::TempDir,
}

impl Engine {
    /// A folder with a configuration, nothing running yet.
    pub fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_owned();
        copy(&root().join("config"), &dir.join("config"));
        copy(&root().join("ivr-scripts"), &dir.join("ivr-scripts"));
        let queues = dir.join("config/queues.toml");
        let text = fs::read_to_string(&queues).unwrap();
        // The tests' agents are quick.
        fs::write(queues, text.replace("wrap_up_s = 10", "wrap_up_s = 1")).unwrap();
        let seats = dir.join("config/seats.toml");
        let mut text = fs::read_to_string(&seats).unwrap();
        // A number with leading zeros is a number of its own.
        text.push_str("\n[[seat]]\nid = \"0012\"\nname = \"零号\"\nqueues = [\"general\"]\n");
        // Debian's baresip gives up when it is offered SHA-256; the built-in phones must not.
        let md5 = "queues = [\"general\"]\ndigest = \"md5\"";
        let text = text.replace("queues = [\"general\"]", md5);
        let text = text.replace("# digest = \"md5\"", "digest = \"md5\"");
        let text = text.replace("\"business\"]", "\"business\"]\ndigest = \"md5\"");
        let text = text.replace(
            "id = \"0012\"\nname = \"零号\"\nqueues = [\"general\"]\ndigest = \"md5\"",
            "id = \"0012\"\nname = \"零号\"\nqueues = [\"general\"]",
        );
        fs::write(seats, text).unwrap();
        let engine = dir.join("config/engine.toml");
        let mut text = fs::read_to_string(&engine).unwrap();
        for (from, to) in [
            // Two threads of sound, however few cores there are.
            ("threads = 0", "threads = 2"),
            // Several engines run at once: the doors of browsers are opened where a test needs them.
            ("ws_port = 8088", "ws_port = 0"),
            ("browser_port = 19000", "browser_port = 0"),
        ] {
            let (from, to) = (format!("\n{from}\n"), format!("\n{to}\n"));
            assert!(text.contains(&from), "engine.toml has no {from:?}");
            text = text.replace(&from, &to);
        }
        fs::write(engine, text).unwrap();
        let (sip, http) = (free_port(), free_port());
        Self {
            dir,
            sip,
            http,
            host: IpAddr::from([127, 0, 0, 1]),
            child: None,
            token: RefCell::default(),
            _folder: folder,
        }
    }

    /// An engine that is ready.
    pub fn start() -> Self {
        let mut engine = Self::prepare();
        engine.restart();
        engine
    }

    /// The command that serves this folder on the given ports.
    pub fn serve_on(&self, sip: &str, http: &str) -> Command {
        let mut command = hotline();
        command
            .args(["serve", "--config"])
            .arg(self.dir.join("config"));
        command.args(["--sip-port", sip, "--http-port", http]);
        command
    }

    /// Starts it (again) on its data folder and waits until it is ready.
    pub fn restart(&mut self) {
        let log = fs::File::create(self.dir.join("serve.log")).unwrap();
        self.run(
            self.serve_on(&self.sip.to_string(), &self.http.to_string()),
            log,
        );
    }

    /// Runs a command that serves this folder, and waits until it is ready.
    pub fn run(&mut self, mut command: Command, log: fs::File) {
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((self.host, self.http)).is_err() || !self.is_ready() {
            assert!(
                Instant::now() < until,
                "the engine did not start:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        *self.token.borrow_mut() = self.sign_in("supervisor");
    }

    fn is_ready(&self) -> bool {
        self.text("/readyz").0 == 200
    }

    /// What the engine printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("serve.log")).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let id = self.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_exit(&mut self, seconds: u64) -> bool {
        let until = Instant::now() + Duration::from_secs(seconds);
        let child = self.child.as_mut().unwrap();
        while Instant::now() < until {
            if child.try_wait().unwrap().is_some() {
                self.child = None;
                return true;
            }
            thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// The password made at the first start.
    pub fn password(&self, user: &str) -> String {
        let file = fs::read_to_string(self.dir.join("data/demo-accounts.txt")).unwrap();
        let line = file
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{user}\t")));
        line.unwrap_or_else(|| panic!("no account {user}"))
            .to_owned()
    }

    /// A session's token.
    pub fn sign_in(&self, user: &str) -> String {
        let body = json!({"user": user, "password": self.password(user)}).to_string();
        let (status, answer) = self.request("POST", "/api/v1/session", None, &body);
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    /// GET as the supervisor.
    pub fn get(&self, path: &str) -> Value {
        let token = self.token.borrow().clone();
        let (status, body) = self.request("GET", path, Some(&token), "");
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// POST as the supervisor.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let token = self.token.borrow().clone();
        self.request("POST", path, Some(&token), &body.to_string())
    }

    /// A request and its JSON answer.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> (u16, Value) {
        let (status, body) = self.exchange(method, path, token, body);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// GET without a session, as text.
    pub fn text(&self, path: &str) -> (u16, String) {
        let (status, body) = self.exchange("GET", path, None, "");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Changes a configuration file of an engine that does not run yet.
    pub fn configure(&self, file: &str, from: &str, to: &str) {
        let path = self.dir.join("config").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Makes a key file and has recordings encrypted under it. The file's path.
    pub fn encrypt(&self) -> PathBuf {
        let file = self.dir.join("config/recordings.key");
        let made = hotline().args(["keys", "new"]).arg(&file).status();
        assert!(made.unwrap().success());
        self.configure("engine.toml", "# key_file = ", "key_file = ");
        file
    }

    /// A part of a call's recording: status and bytes.
    pub fn recording_range(&self, call: u64, range: &str) -> (u16, Vec<u8>) {
        // The header travels behind the token.
        let token = format!("{}\r\nRange: bytes={range}", self.token.borrow());
        let path = format!("/api/v1/calls/{call}/recording");
        self.exchange("GET", &path, Some(&token), "")
    }

    /// The recording of a call, as the API gives it.
    pub fn recording(&self, call: u64) -> Vec<u8> {
        let token = self.token.borrow().clone();
        let path = format!("/api/v1/calls/{call}/recording");
        let (status, wav) = self.exchange("GET", &path, Some(&token), "");
        assert_eq!(status, 200);
        wav
    }

    /// What the API gives for a path, byte by byte, or a part of it (`0-99`).
    pub fn bytes(&self, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let mut token = self.token.borrow().clone();
        if let Some(range) = range {
            token.push_str(&format!("\r\nRange: bytes={range}"));
        }
        self.exchange("GET", path, Some(&token), "")
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect((self.host, self.http)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/json\r\n"
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}{kind}Content-Length: {}\r\n\r\n{body}",
            bearer.unwrap_or_default(),
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        if path.ends_with("/stream") {
            // Endless: the head is enough.
            let mut head = [0; 1_024];
            let length = stream.read(&mut head).unwrap();
            answer.extend_from_slice(&head[..length]);
        } else {
            stream.read_to_end(&mut answer).unwrap();
        }
        let split = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..split]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_off(split + 4))
    }

    /// Reads the wallboard until `found` finds what it looks for.
    pub fn until<T>(&self, what: &str, seconds: u64, found: impl Fn(&Value) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            let board = self.get("/api/v1/wallboard");
            if let Some(found) = found(&board) {
                return found;
            }
            assert!(
                Instant::now() < until,
                "never: {what}\n{board:#}\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A seat's line on the wallboard.
    pub fn seat<'a>(board: &'a Value, seat: &str) -> &'a Value {
        let seats = board["seats"].as_array().unwrap();
        seats.iter().find(|line| line["seat"] == seat).unwrap()
    }

    /// A call's row and timeline, once the tables know its end.
    pub fn ended_call(&self, call: u64) -> Value {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let story = self.get(&format!("/api/v1/calls/{call}"));
            if !story["outcome"].is_null() && !story["recording"].is_null() {
                return story;
            }
            assert!(
                Instant::now() < until,
                "call {call} has not ended: {story:#}"
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What `hotline audit verify` says of the journal. Whatever else happened, each decision of
    /// the distributor follows from what it was told.
    pub fn audit(&self) -> String {
        let output = hotline()
            .args(["audit", "verify", "--decisions", "--data"])
            .arg(self.dir.join("data"))
            .output();
        let output = output.unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let unbroken = said.contains(": unbroken");
        assert!(!unbroken || said.contains(": each follows"), "{said}");
        said
    }

    /// `hotline seat`
    pub fn seat_phone(&self, seat: &str) -> Command {
        let mut command = hotline();
        command.args([
            "seat",
            seat,
            "--server",
            &format!("127.0.0.1:{}", self.sip),
            "--data",
        ]);
        command.arg(self.dir.join("data"));
        command
    }

    /// `hotline call 12345`
    pub fn call_phone(&self) -> Command {
        let mut command = hotline();
        command.args([
            "call",
            "12345",
            "--server",
            &format!("127.0.0.1:{}", self.sip),
        ]);
        command
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the engine's log\n{}", self.log());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if path.is_dir() {
            copy(&path, &to.join(entry.file_name()));
        } else {
            fs::copy(&path, to.join(entry.file_name())).unwrap();
        }
    }
}

/// A program whose lines are waited for.
pub struct Lines {
    child: Child,
    words: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    /// Starts it.
    pub fn of(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::null()))
    }

    /// Starts one that is spoken to, see [`Lines::say`].
    pub fn spoken_to(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::piped()))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (to, lines) = channel();
        let out = child.stdout.take().unwrap();
        let err = child.stderr.take().unwrap();
        let read = |stream: Box<dyn Read + Send>, to: std::sync::mpsc::Sender<String>| {
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if to.send(line).is_err() {
                        return;
                    }
                }
            });
        };
        read(Box::new(out), to.clone());
        read(Box::new(err), to);
        Self {
            words: child.stdin.take(),
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Says a line to it.
    pub fn say(&mut self, line: &str) {
        let words = self.words.as_mut().unwrap();
        writeln!(words, "{line}").unwrap();
    }

    /// Waits for a line with `words`.
    pub fn expect(&mut self, words: &str, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(words);
                    self.seen.push(line);
                    if found {
                        return;
                    }
                }
                Err(_) => panic!("never said {words:?}:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Waits for a line with `words` and a failing exit.
    pub fn expect_error(&mut self, words: &str, seconds: u64) {
        self.expect(words, seconds);
        assert!(!self.child.wait().unwrap().success());
    }

    /// Waits for the end; whether it was a good one.
    pub fn finish(&mut self, seconds: u64) -> bool {
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.seen.extend(self.lines.try_iter());
                return status.success();
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Everything it said.
    pub fn all(&self) -> String {
        self.seen.join("\n")
    }

    /// Ends it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.kill();
    }
}
