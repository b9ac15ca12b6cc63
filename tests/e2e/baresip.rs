//! baresip as a seat: registers, answers by itself, speaks a file, records what it hears.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::engine::{Engine, free_port};

/// A running baresip.
pub struct Baresip {
    child: Child,
    folder: PathBuf,
    control: u16,
    rtp: u16,
}

impl Baresip {
    /// Starts it as `seat` of the engine, speaking `says`.
    pub fn start(engine: &Engine, seat: &str, says: &Path) -> Self {
        Self::start_over("udp", engine, seat, says)
    }

    /// The same over this transport.
    pub fn start_over(transport: &str, engine: &Engine, seat: &str, says: &Path) -> Self {
        let folder = engine.dir.join(format!("baresip-{seat}"));
        fs::create_dir_all(&folder).unwrap();
        let (sip, control, rtp) = (free_port(), free_port(), free_port());
        let modules = [
            "/usr/lib/baresip/modules",
            "/usr/lib/x86_64-linux-gnu/baresip/modules",
        ];
        let modules = modules
            .into_iter()
            .find(|path| Path::new(path).exists())
            .unwrap();
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{sip}\n\
             audio_source aufile,{says}\naudio_player aubridge,{seat}\naudio_alert aubridge,{seat}\n\
             call_max_calls 1\nrtp_ports {rtp}-{last}\n\
             module_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\n\
             module sndfile.so\nsnd_path {folder}\n\
             module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\n",
            says = says.display(),
            last = rtp + 1,
            folder = folder.display(),
        );
        fs::write(folder.join("config"), config).unwrap();
        let password = engine.password(seat);
        let account = format!(
            "<sip:{seat}@127.0.0.1:{};transport={transport}>;auth_user={seat};auth_pass={password};answermode=auto;regint=60;audio_codecs=PCMA\n",
            engine.sip
        );
        fs::write(folder.join("accounts"), account).unwrap();
        fs::write(folder.join("contacts"), "").unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .args(["-n", "127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("baresip: scripts/setup-tests.sh installs it");
        Self {
            child,
            folder,
            control,
            rtp,
        }
    }

    /// Its RTP port, and the RTCP port beside it.
    pub fn rtp_ports(&self) -> RangeInclusive<u16> {
        self.rtp..=self.rtp + 1
    }

    /// The agent hangs up.
    pub fn hang_up(&self) {
        let command = r#"{"command":"hangup","token":"t"}"#;
        let mut stream = TcpStream::connect(("127.0.0.1", self.control)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        write!(stream, "{}:{command},", command.len()).unwrap();
        // It answers when it has done it.
        let _ = stream.read(&mut [0; 512]);
    }

    /// What it heard in its first call.
    pub fn heard(&self) -> Vec<i16> {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
            let heard = files.map(|file| file.path()).find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().ends_with("-dec.wav"))
            });
            if let Some(heard) = heard {
                let reader = hound::WavReader::open(heard).unwrap();
                return reader.into_samples::<i16>().map_while(Result::ok).collect();
            }
            assert!(
                Instant::now() < until,
                "baresip recorded nothing:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- baresip's log\n{}", self.log());
        }
    }
}
