//! What went over the loopback, by tcpdump: the RTP of each leg, as bytes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// A running capture.
pub struct Capture {
    child: Child,
    file: PathBuf,
}

impl Capture {
    /// Starts to capture what `filter` (pcap's language) lets through.
    pub fn start(folder: &Path, filter: &str) -> Self {
        let file = folder.join("capture.pcap");
        let mut child = Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-B", "16384", "-w"])
            .arg(&file)
            .arg(filter)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcpdump: scripts/setup-tests.sh installs it");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "tcpdump did not start"
            );
        }
        thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        Self { child, file }
    }

    /// Ends the capture and reads it.
    pub fn finish(mut self) -> Captured {
        // Packets may still be on their way through the kernel's buffer.
        thread::sleep(Duration::from_millis(500));
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap();
        Captured::read(&fs::read(&self.file).unwrap())
    }
}

/// Payloads by source (SSRC) and number.
type Stream = BTreeMap<(u32, u16), Vec<u8>>;

/// Sound by its way: from port, to port; then by place in the stream.
pub struct Captured {
    streams: BTreeMap<(u16, u16), Stream>,
}

impl Captured {
    fn read(pcap: &[u8]) -> Self {
        let mut streams: BTreeMap<_, Stream> = BTreeMap::new();
        let mut rest = &pcap[24..];
        while rest.len() >= 16 {
            let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
            let Some(frame) = rest.get(16..16 + length) else {
                break;
            };
            rest = &rest[16 + length..];
            // Ethernet, IPv4 without options, UDP, RTP without CSRC: what these tests send.
            if frame.len() < 54 || frame[12..14] != [8, 0] || frame[23] != 17 {
                continue;
            }
            let word = |at: usize| u16::from_be_bytes(frame[at..at + 2].try_into().unwrap());
            let (from, to, rtp) = (word(34), word(36), &frame[42..]);
            // A-law only: digits are events, and everything else is not sound.
            if rtp[0] != 0x80 || rtp[1] & 0x7f != 8 {
                continue;
            }
            let sequence = u16::from_be_bytes([rtp[2], rtp[3]]);
            let source = u32::from_be_bytes([rtp[8], rtp[9], rtp[10], rtp[11]]);
            let stream = streams.entry((from, to)).or_default();
            stream.insert((source, sequence), rtp[12..].to_vec());
        }
        Self { streams }
    }

    /// The sound to and from whoever has one of these ports, each as one run of bytes.
    pub fn legs_of(&self, ports: RangeInclusive<u16>) -> (Vec<u8>, Vec<u8>) {
        let join = |mine: fn(&(u16, u16)) -> u16| {
            let streams = self
                .streams
                .iter()
                .filter(|(way, _)| ports.contains(&mine(way)));
            streams.flat_map(|(_, stream)| in_order(stream)).collect()
        };
        (join(|way| way.1), join(|way| way.0))
    }
}

/// The payloads in the order of their numbers, which may pass 65,535 once.
fn in_order(stream: &Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sources: std::collections::BTreeSet<u32> = stream.keys().map(|key| key.0).collect();
    for source in sources {
        let packets: Vec<_> = stream.range((source, 0)..=(source, u16::MAX)).collect();
        // The largest gap in the numbers is where the stream begins.
        let gap = |at: usize| {
            let before = packets[(at + packets.len() - 1) % packets.len()].0.1;
            packets[at].0.1.wrapping_sub(before)
        };
        let first = (0..packets.len()).max_by_key(|&at| gap(at)).unwrap();
        for at in 0..packets.len() {
            bytes.extend_from_slice(packets[(first + at) % packets.len()].1);
        }
    }
    bytes
}
