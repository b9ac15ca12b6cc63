//! The phones: a child process, so that only the engine's CPU is counted, on a core of its own.

use std::{
    io::{BufRead, BufReader, ErrorKind, IoSliceMut, Write},
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    process::{Child, ChildStdout, Command as Process, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hotline_media::secure::srtp::{Guard, KEY_BYTES, Keys, Profile, SALT_BYTES};
use nix::sys::{
    socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
    time::TimeSpec,
};

use crate::{
    LOOPBACK, Outcome, PACKET, TAIL, TICK, WARM_UP,
    figures::{Histogram, Spread},
    pin,
};

/// First port of the phones' sockets.
const PORT: u16 = 10_000;

/// Slices of a tick in which a part of the phones sends.
const SLICES: usize = 20;

/// Where in a packet its phone writes when it sent it, nanoseconds.
const SENT: std::ops::Range<usize> = 12..20;

/// How the phones listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ears {
    /// They count what comes.
    Plain,
    /// They note when it came, by the kernel's clock.
    Timed,
    /// They open what was protected under this profile, and protect what they send.
    Private(Profile),
}

const EARS: [(&str, Ears); 4] = [
    ("plain", Ears::Plain),
    ("timed", Ears::Timed),
    ("cm", Ears::Private(Profile::AesCm128HmacSha1_80)),
    ("gcm", Ears::Private(Profile::AeadAes128Gcm)),
];

/// What the phones heard.
#[derive(Clone, Copy, Default)]
pub struct Heard {
    /// Packets of those that should have come.
    pub arrived: f64,
    /// Time between two packets of one phone; zero where it was not measured.
    pub gap: Spread,
    /// Time from one phone's sending to another's hearing.
    pub delay: Spread,
}

/// The load as the parent sees it.
pub struct Load {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Load {
    /// Starts the child; its sockets are bound when this returns.
    pub fn new(count: usize, time: Duration, ears: Ears) -> Outcome<Self> {
        let time = WARM_UP + time + TAIL;
        let name = EARS.iter().find(|(_, it)| *it == ears);
        let (name, _) = name.ok_or("no such ears")?;
        let mut process = Process::new(std::env::current_exe()?);
        process
            .args(["--load", &count.to_string(), &time.as_millis().to_string()])
            .arg(name);
        if pin::is_asked() {
            process.arg("--pin");
        }
        let mut child = process
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output of the load")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err("the load did not start".into());
        }
        Ok(Self { child, output })
    }

    /// Tells it where to send, and lets it begin.
    pub fn begin(&mut self, ports: &[u16]) -> Outcome<()> {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let mut input = self.child.stdin.take().ok_or("no input of the load")?;
        writeln!(input, "{}", ports.join(" "))?;
        Ok(())
    }

    pub fn heard(mut self) -> Outcome<Heard> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.child.wait()?;
        let mut figures = line.split_whitespace().map(str::parse::<f64>);
        let mut next = || figures.next().ok_or("the load told too little");
        let arrived = next()??;
        let [mut gap, mut delay] = [Spread::default(); 2];
        for figure in gap.0.iter_mut().chain(&mut delay.0) {
            *figure = next()??;
        }
        Ok(Heard {
            arrived,
            gap,
            delay,
        })
    }
}

/// Where a phone is.
pub fn address(index: usize) -> SocketAddr {
    SocketAddr::new(LOOPBACK, PORT + index as u16)
}

/// The keys under which a phone sends, and those of the engine towards it.
pub fn keys(profile: Profile, index: usize) -> (Keys, Keys) {
    let key = |n: u8| {
        let mut random = [n; KEY_BYTES + SALT_BYTES];
        random
            .iter_mut()
            .zip(index.to_be_bytes())
            .for_each(|(to, byte)| *to ^= byte);
        Keys::random(profile, &random)
    };
    (key(1), key(2))
}

pub fn bind(address: SocketAddr) -> Outcome<UdpSocket> {
    let socket = UdpSocket::bind(address).map_err(|error| format!("{address}: {error}"))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

struct Phone {
    socket: UdpSocket,
    guard: Option<Guard>,
    /// When the packet before came, nanoseconds.
    last: Option<u64>,
}

struct Crowd {
    phones: Vec<Phone>,
    ears: Ears,
    /// Whether times count already.
    warm: bool,
    arrived: u64,
    gaps: Histogram,
    delays: Histogram,
    /// Room for the kernel's note of the time.
    note: Vec<u8>,
}

/// The child: sends on all its sockets 50 times a second in slices of a millisecond, and listens to
/// what comes back.
pub fn run(arguments: &[String]) -> Outcome<()> {
    let [count, time, ears, ..] = arguments else {
        return Err("--load SOCKETS MS EARS".into());
    };
    pin::to(1)?;
    let ears = EARS.iter().find(|(name, _)| name == ears);
    let (_, ears) = ears.ok_or("no such ears")?;
    let (count, time) = (count.parse()?, Duration::from_millis(time.parse()?));
    let mut crowd = Crowd {
        phones: (0..count)
            .map(|index| Phone::new(index, *ears))
            .collect::<Outcome<_>>()?,
        ears: *ears,
        warm: false,
        arrived: 0,
        gaps: Histogram::new(),
        delays: Histogram::new(),
        note: nix::cmsg_space!(TimeSpec),
    };
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    for (phone, port) in crowd.phones.iter().zip(line.split_whitespace()) {
        phone
            .socket
            .connect(SocketAddr::new(LOOPBACK, port.parse()?))?;
    }
    let ticks = (time.as_millis() / TICK.as_millis()) as u32;
    crowd.talk(ticks)?;
    let expected = f64::from(ticks) * count as f64;
    print!("{}", crowd.arrived as f64 / expected);
    for spread in [crowd.gaps.spread(), crowd.delays.spread()] {
        spread.0.iter().for_each(|ms| print!(" {ms}"));
    }
    println!();
    Ok(())
}

impl Phone {
    fn new(index: usize, ears: Ears) -> Outcome<Self> {
        let socket = bind(address(index))?;
        let mut guard = None;
        match ears {
            Ears::Plain => {}
            Ears::Timed => setsockopt(&socket, ReceiveTimestampns, &true)?,
            Ears::Private(profile) => {
                let (ours, theirs) = keys(profile, index);
                guard = Some(Guard::new(&ours, &theirs).ok_or("no guard")?);
            }
        }
        let last = None;
        Ok(Self {
            socket,
            guard,
            last,
        })
    }

    /// Sends 20 ms of sound. A refused packet is one that does not arrive: the count shows it.
    fn say(&mut self, packet: &[u8; PACKET]) -> Outcome<()> {
        let Some(guard) = &mut self.guard else {
            let _ = self.socket.send(packet);
            return Ok(());
        };
        let mut room = [0; PACKET + 40];
        room[..PACKET].copy_from_slice(packet);
        let length = guard
            .protect_rtp(&mut room, PACKET)
            .map_err(|refusal| format!("{refusal:?}"))?;
        let _ = self.socket.send(room.get(..length).unwrap_or_default());
        Ok(())
    }
}

impl Crowd {
    fn talk(&mut self, ticks: u32) -> Outcome<()> {
        let mut packet = [0xD5; PACKET];
        packet[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        let count = self.phones.len();
        let began = Instant::now();
        for tick in 0..ticks {
            packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(tick * 160).to_be_bytes());
            self.warm = TICK * tick >= WARM_UP;
            for slice in 0..SLICES {
                for index in count * slice / SLICES..count * (slice + 1) / SLICES {
                    if self.ears == Ears::Timed {
                        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
                        packet[SENT].copy_from_slice(&(now.as_nanos() as u64).to_be_bytes());
                    }
                    if let Some(phone) = self.phones.get_mut(index) {
                        phone.say(&packet)?;
                    }
                    while self.hear(index)? {}
                }
                let next = began + TICK * tick + Duration::from_millis(slice as u64 + 1);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        }
        Ok(())
    }

    /// Takes one packet that has come to a phone; false when there is none.
    fn hear(&mut self, index: usize) -> Outcome<bool> {
        let Some(phone) = self.phones.get_mut(index) else {
            return Ok(false);
        };
        let mut buffer = [0; 2_048];
        if self.ears == Ears::Timed {
            return self.note(index);
        }
        let length = match phone.socket.recv(&mut buffer) {
            Ok(length) => length,
            // What was refused at the other end: nobody was there yet, or no longer.
            Err(error) => return Ok(error.kind() == ErrorKind::ConnectionRefused),
        };
        let genuine = match &mut phone.guard {
            Some(guard) => guard
                .open_rtp(buffer.get_mut(..length).unwrap_or_default())
                .is_ok(),
            None => true,
        };
        self.arrived += u64::from(genuine);
        Ok(true)
    }

    /// As before, with the time.
    fn note(&mut self, index: usize) -> Outcome<bool> {
        let Some(phone) = self.phones.get_mut(index) else {
            return Ok(false);
        };
        let mut buffer = [0; 2_048];
        let mut room = [IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let socket = phone.socket.as_raw_fd();
        let Ok(message) = recvmsg::<()>(socket, &mut room, Some(&mut self.note), flags) else {
            return Ok(false);
        };
        self.arrived += 1;
        let came = message.cmsgs()?.find_map(|note| match note {
            ControlMessageOwned::ScmTimestampns(came) => Some(Duration::from(came)),
            _ => None,
        });
        let came = came.ok_or("the kernel told no time")?.as_nanos() as u64;
        let last = phone.last.replace(came);
        if self.warm {
            if let Some(last) = last {
                self.gaps.add(came.saturating_sub(last));
            }
            let sent = buffer[SENT].try_into().map(u64::from_be_bytes)?;
            // Prompts carry sound there, which is no time of today.
            if let Some(delay) = came.checked_sub(sent).filter(|it| *it < 10_000_000_000) {
                self.delays.add(delay);
            }
        }
        Ok(true)
    }
}
