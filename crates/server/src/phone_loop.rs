//! The sockets and the sound of one headless phone: what `hotline call` and `hotline seat` run on.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader},
    net::{IpAddr, SocketAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket},
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use crossbeam::queue::ArrayQueue;
use hotline_calls::{
    Path, Transport,
    phone::{Phone, PhoneEvent, PhoneInput, PhoneOutput, PhoneSettings},
};
use hotline_media::{Clip, Command, Report};
use hotline_model::{
    Instant, LegId,
    limits::{MEDIA_REPORTS, RECORDING_BLOCKS},
};
use tokio::sync::Notify;

use crate::{
    config::accounts::REALM,
    media_loop::{self, MediaHandle},
    net::{
        streams::{self, FromStream, Listening, Streams},
        udp::Datagrams,
    },
    recording_loop::{self, RecordingHandle, RecordingReport},
};

/// RTP ports of headless phones, apart from the engine's own.
const PORTS: std::ops::RangeInclusive<u16> = 40_000..=59_998;

/// Name of the phone's only recording.
const RECORDING: u64 = 1;

/// Names of what the phone plays: the speech, then silence, so that the far end hears a living
/// line.
const SPEECH: u32 = 1;
const SILENCE: u32 = 2;

/// How a headless phone is set up.
pub struct Setup {
    /// User part of its address.
    pub user: String,
    /// Password of a seat.
    pub password: Option<String>,
    /// The engine.
    pub server: SocketAddr,
    /// TCP instead of UDP.
    pub tcp: bool,
    /// What it says.
    pub say: Option<Clip>,
    /// Where it writes what it hears.
    pub record: Option<PathBuf>,
}

/// A headless phone at work. Lives on a `LocalSet`.
pub struct PhoneLine {
    phone: Phone,
    datagrams: Datagrams,
    streams: Streams,
    media: MediaHandle,
    reports: Arc<ArrayQueue<Report>>,
    recorded: Arc<ArrayQueue<RecordingReport>>,
    recorder: RecordingHandle,
    bell: Arc<Notify>,
    epoch: StdInstant,
    say: Option<Clip>,
    record: Option<PathBuf>,
    recording: bool,
    leg: Option<LegId>,
    events: VecDeque<PhoneEvent>,
}

/// Reads a WAV to speak.
pub fn speech(file: &FilePath) -> Result<Clip, String> {
    let open = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Clip::from_wav(BufReader::new(open)).map_err(|error| format!("{}: {error}", file.display()))
}

/// The address of this machine from which `server` is reached.
fn own_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    // Connecting a datagram socket sends nothing: the kernel only chooses the way.
    let probe = StdUdpSocket::bind(any)?;
    probe.connect(server)?;
    Ok(probe.local_addr()?.ip())
}

impl PhoneLine {
    /// Opens sockets and threads.
    pub fn open(setup: Setup, seed: [u8; 32]) -> io::Result<Self> {
        let epoch = StdInstant::now();
        let address = own_address(setup.server)?;
        let datagrams = Datagrams::new(vec![StdUdpSocket::bind((address, 0))?])?;
        let listening = Listening {
            transport: Transport::Tcp,
            socket: StdTcpListener::bind((address, 0))?,
        };
        let streams = Streams::new(vec![listening], streams::Settings::default())?;
        let own = if setup.tcp {
            streams.local()
        } else {
            datagrams.local()
        };
        let own = own.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let server = if setup.tcp {
            Path::tcp(own, setup.server, 0)
        } else {
            Path::udp(own, setup.server)
        };
        let bell = Arc::new(Notify::new());
        let ring = || {
            let bell = bell.clone();
            Arc::new(move || bell.notify_one()) as media_loop::Notify
        };
        let reports = Arc::new(ArrayQueue::new(MEDIA_REPORTS));
        let recorded = Arc::new(ArrayQueue::new(16));
        let blocks = Arc::new(ArrayQueue::new(RECORDING_BLOCKS));
        let folder = setup.record.as_deref().and_then(FilePath::parent);
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        let recorder = recording_loop::spawn(
            recording_loop::Settings::default(),
            folder.unwrap_or(FilePath::new(".")).to_owned(),
            vec![blocks.clone()],
            recorded.clone(),
            ring(),
        )?;
        let media = media_loop::spawn(
            media_loop::Settings {
                browsers: None,
                ports: PORTS,
                seed: u64::from_le_bytes(seed.first_chunk().copied().unwrap_or_default()),
            },
            epoch,
            reports.clone(),
            ring(),
            blocks,
        )?;
        let settings = PhoneSettings {
            product: concat!("hotline-phone/", env!("CARGO_PKG_VERSION")).to_owned(),
            user: setup.user,
            password: setup.password,
            domain: REALM.to_owned(),
            server,
            media_address: address,
        };
        Ok(Self {
            phone: Phone::new(settings, seed, LegId(1)),
            datagrams,
            streams,
            media,
            reports,
            recorded,
            recorder,
            bell,
            epoch,
            say: setup.say,
            record: setup.record,
            recording: false,
            leg: None,
            events: VecDeque::new(),
        })
    }

    /// Does what the owner wants.
    pub fn order(&mut self, input: PhoneInput<'_>) {
        let now = Instant::from_start(self.epoch.elapsed());
        self.phone.handle_input(now, input);
        self.carry_out();
    }

    /// Says its speech on the leg, then silence.
    pub fn speak(&mut self) {
        if let Some(leg) = self.leg {
            let (play, clips, repeat) = match &self.say {
                Some(clip) => (SPEECH, vec![clip.clone()], false),
                None => (SILENCE, vec![Clip::silence(1_000)], true),
            };
            self.tell_media(Command::Play {
                leg,
                play,
                clips,
                repeat,
            });
        }
    }

    /// The next thing that happens on the line.
    pub async fn next(&mut self) -> PhoneEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let now = Instant::from_start(self.epoch.elapsed());
            let pause = self
                .phone
                .next_wake()
                .map_or(Duration::from_secs(60), |at| at.since(now));
            tokio::select! {
                readable = self.datagrams.readable() => {
                    if readable.is_ok() {
                        let now = Instant::from_start(self.epoch.elapsed());
                        while let Some((path, bytes)) = self.datagrams.next() {
                            self.phone.handle_input(now, PhoneInput::Received { path, bytes });
                        }
                    }
                }
                from = self.streams.next() => match from {
                    FromStream::Message(path, bytes) => {
                        self.order(PhoneInput::Received { path, bytes: &bytes });
                    }
                    FromStream::Closed(path) | FromStream::Refused(path, _) => {
                        self.order(PhoneInput::PathLost(path));
                    }
                    // The engine gives up a quiet connection, and no browser calls a phone.
                    FromStream::Idle(_) | FromStream::SeatConnected(..) => {}
                },
                () = self.bell.notified() => {}
                () = tokio::time::sleep(pause) => self.order(PhoneInput::TimePassed),
            }
            while let Some(report) = self.reports.pop() {
                self.order(PhoneInput::Media(report));
            }
            self.carry_out();
        }
    }

    /// Ends what is recorded and waits until the file is whole.
    pub async fn close(self) {
        if self.recording {
            self.tell_media(Command::StopRecord {
                recording: RECORDING,
            });
            let patience = tokio::time::sleep(Duration::from_secs(5));
            let mut patience = std::pin::pin!(patience);
            while self.recorded.pop().is_none() {
                tokio::select! {
                    () = self.bell.notified() => {}
                    () = &mut patience => break,
                }
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                PhoneOutput::Transmit { path, bytes } => {
                    let sent = match path.transport {
                        Transport::Udp => self.datagrams.send(path, &bytes),
                        Transport::Tcp => self.streams.send(path, bytes),
                        // A headless phone calls by UDP or TCP only.
                        _ => Err(path),
                    };
                    if let Err(lost) = sent {
                        let now = Instant::from_start(self.epoch.elapsed());
                        self.phone.handle_input(now, PhoneInput::PathLost(lost));
                    }
                }
                PhoneOutput::ClosePath(path) => self.streams.close(path),
                PhoneOutput::Media(command) => self.tell_media(command),
                PhoneOutput::Happened(event) => self.note(event),
            }
        }
    }

    /// Follows the line with sound, and keeps the event for the owner.
    fn note(&mut self, event: PhoneEvent) {
        match &event {
            PhoneEvent::Connected { leg } => {
                self.leg = Some(*leg);
                self.speak();
            }
            PhoneEvent::PlayEnded(SPEECH) => {
                if let Some(leg) = self.leg {
                    let clips = vec![Clip::silence(1_000)];
                    self.tell_media(Command::Play {
                        leg,
                        play: SILENCE,
                        clips,
                        repeat: true,
                    });
                }
            }
            PhoneEvent::Ended { .. } => self.leg = None,
            _ => {}
        }
        self.events.push_back(event);
    }

    /// Records what is heard from now on, where a file was named. The first call only: a second
    /// would need a second file.
    pub fn record(&mut self) {
        let name = self.record.as_deref().and_then(FilePath::file_name);
        if let (Some(name), Some(leg), false) = (name, self.leg, self.recording) {
            self.recording = true;
            self.recorder
                .begin(RECORDING, name.to_string_lossy().into_owned());
            self.tell_media(Command::Record {
                recording: RECORDING,
                left: leg,
                right: None,
            });
        }
    }

    fn tell_media(&self, command: Command) {
        // One phone cannot fill the ring.
        let _ = self.media.send(command);
    }
}
