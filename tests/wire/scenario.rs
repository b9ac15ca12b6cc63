//! SIPp plays one of the scenarios in `sipp/`, as a caller or as the telephone that is called.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::engine::{Engine, free_port, root};

/// What many scenarios have in common, by the word that stands for it.
const PARTS: [(&str, &str); 7] = [
    (
        "{invite}",
        "INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0\n{outside}",
    ),
    (
        "{outside}",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bKi[call_id]\n\
         From: \"citizen\" <sip:{caller}@[local_ip]:[local_port]>;tag=c[call_number]\n\
         To: <sip:{number}@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 INVITE\n\
         Contact: <sip:citizen@[local_ip]:[local_port]>\nMax-Forwards: 70",
    ),
    (
        // A caller's request in the dialog; the CSeq follows.
        "{within}",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
         From: \"citizen\" <sip:{caller}@[local_ip]:[local_port]>;tag=c[call_number]\n\
         To: <sip:{number}@[remote_ip]:[remote_port]>[peer_tag_param]\nCall-ID: [call_id]\n\
         Contact: <sip:citizen@[local_ip]:[local_port]>\nMax-Forwards: 70",
    ),
    (
        // An answer by whoever already has a tag.
        "{answer}",
        "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]",
    ),
    (
        // An answer that gives the called telephone its tag.
        "{answer-tagged}",
        "[last_Via:]\n[last_From:]\n[last_To:];tag=a[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n\
         Contact: <sip:agent@[local_ip]:[local_port]>",
    ),
    (
        "{sdp}",
        "Content-Type: application/sdp\nContent-Length: [len]\n\n{session}",
    ),
    (
        "{session}",
        "v=0\no=- 53655765 2353687637 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n\
         m=audio [media_port] RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\n",
    ),
];

/// A scenario about to be played.
pub struct Scenario {
    name: String,
    words: Vec<(String, String)>,
    options: Vec<String>,
    port: Option<u16>,
    through: Option<SocketAddr>,
}

impl Scenario {
    /// The scenario in `sipp/NAME.xml`, once, from or at 127.0.0.1.
    pub fn new(name: &str) -> Self {
        let words = [("{number}", "12345"), ("{caller}", "13800001234")];
        Self {
            name: name.to_owned(),
            words: words
                .map(|(word, means)| (word.to_owned(), means.to_owned()))
                .to_vec(),
            options: Vec::new(),
            port: None,
            through: None,
        }
    }

    /// `{word}` in the scenario means this.
    pub fn with(mut self, word: &str, means: &(impl ToString + ?Sized)) -> Self {
        self.words
            .insert(0, (format!("{{{word}}}"), means.to_string()));
        self
    }

    /// A further option of SIPp.
    pub fn option(mut self, words: &[&str]) -> Self {
        self.options.extend(words.iter().map(ToString::to_string));
        self
    }

    /// From or at this port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Against this address instead of the engine's: what stands before it.
    pub fn through(mut self, address: SocketAddr) -> Self {
        self.through = Some(address);
        self
    }

    /// Plays it against the engine.
    pub fn start(self, engine: &Engine) -> Running {
        let port = self.port.unwrap_or_else(free_port);
        let folder = engine.dir.join(format!("sipp-{}-{port}", self.name));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("scenario.xml"), self.text()).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let call_id = format!("{}-{port}", self.name);
        let engine_at = SocketAddr::from(([127, 0, 0, 1], engine.sip));
        let child = Command::new("sipp")
            .current_dir(&folder)
            .arg(self.through.unwrap_or(engine_at).to_string())
            .args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-mi", "127.0.0.1"])
            .args(["-p", &port.to_string(), "-mp", &free_port().to_string()])
            .args(["-cid_str", &format!("{call_id}-%u"), "-m", "1"])
            .args(["-trace_err", "-trace_msg", "-nostdin", "-nd"])
            .args(["-timeout", "60s", "-timeout_error"])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("sipp: scripts/setup-tests.sh installs it");
        let mut running = Running {
            child,
            folder,
            call_id,
            port,
        };
        running.wait_until_it_listens();
        running
    }

    fn text(&self) -> String {
        let file = root().join(format!("tests/wire/sipp/{}.xml", self.name));
        let mut text =
            fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        for (word, means) in PARTS {
            text = text.replace(word, means);
        }
        for (word, means) in &self.words {
            text = text.replace(word.as_str(), means);
        }
        text
    }
}

/// A scenario being played.
pub struct Running {
    child: Child,
    folder: PathBuf,
    /// What its Call-ID begins with, as a caller.
    pub call_id: String,
    /// Its SIP port.
    pub port: u16,
}

impl Running {
    /// A telephone that is not there yet would miss its call.
    fn wait_until_it_listens(&mut self) {
        let until = Instant::now() + Duration::from_secs(5);
        while UdpSocket::bind(("127.0.0.1", self.port)).is_ok() && Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of the scenario; fails with the messages seen where it went otherwise.
    pub fn finish(&mut self, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{}", self.log());
                return;
            }
            assert!(
                Instant::now() < until,
                "not over in {seconds} s\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The messages it sent and received, and its errors.
    pub fn log(&self) -> String {
        let mut text = self.call_id.clone();
        let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.sort();
        for file in files {
            if file.extension().is_some_and(|kind| kind == "log") {
                text.push('\n');
                text.push_str(&fs::read_to_string(file).unwrap_or_default());
            }
        }
        text
    }

    /// The messages it sent and received.
    pub fn messages(&self) -> String {
        let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
        let file = files
            .map(|file| file.path())
            .find(|path| path.to_string_lossy().ends_with("messages.log"));
        file.and_then(|file| fs::read_to_string(file).ok())
            .unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
