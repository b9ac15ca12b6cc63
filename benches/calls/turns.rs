//! Seats that talk and turn to the next, before a line that never ends: from a seat's being free to
//! its next INVITE on the wire.
//!
//! The callers are SIPp's: 200 wait and 50 talk, and whoever is let go is followed by another; they
//! say what they hear, since a caller without a sound is given up. The
//! seats are one socket here. A seat hangs up; having no wrap-up it is free when the engine reads
//! the BYE, and the next caller's INVITE is on the way. What is measured begins as the BYE is sent and
//! ends as the INVITE is read: two ways through the kernel and two wake-ups are in it, and as much
//! is in the OPTIONS that are asked and answered in between, the floor beside it.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    engine::{SIP, Try},
    messages::{answer, header, sdp, status, user},
};

/// How long a talk lasts: the shortest, and by how much the longest is longer. Behind the seat's
/// number, which is said first, and spread, so that seats become free one by one.
const TALK_MS: (u64, u64) = (6_000, 2_000);

/// From one OPTIONS to the next.
const ASKS_EVERY: Duration = Duration::from_millis(50);

const SCENARIO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="waits">
  <send retrans="500"><![CDATA[
      INVITE sip:12345@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From: <sip:[call_number]@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:12345@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:c@[local_ip]:[local_port]>
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8
      a=rtpmap:8 PCMA/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
      ACK sip:12345@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From: <sip:[call_number]@[local_ip]:[local_port]>;tag=[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Content-Length: 0

  ]]></send>
  <recv request="BYE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
</scenario>
"#;

/// SIPp's callers, so many at once for ever; gone with this value.
pub struct Callers(Child);

impl Callers {
    pub fn begin(folder: &Path, many: usize) -> Try<Self> {
        let scenario = folder.join("waits.xml");
        fs::write(&scenario, SCENARIO)?;
        let child = Command::new("sipp")
            .arg(SIP)
            .arg("-sf")
            .arg(scenario)
            .args([
                "-i",
                "127.0.0.1",
                "-mi",
                "127.0.0.1",
                "-rtp_echo",
                "-r",
                "100",
                "-l",
            ])
            .arg(many.to_string())
            .args(["-nostdin", "-timeout", "600"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sipp: {error}; scripts/setup-tests.sh installs it"))?;
        Ok(Self(child))
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was measured.
#[derive(Default)]
pub struct Turns {
    /// From a seat's BYE to its next INVITE, ms.
    pub rang_ms: Vec<f64>,
    /// From OPTIONS to their answer, ms.
    pub floor_ms: Vec<f64>,
    /// Talks.
    pub talks: u64,
    /// Callers who were served before one who stood before them.
    pub overtook: u64,
}

struct Talk {
    invite: String,
    ends: Instant,
}

/// The seats' phones.
pub struct Seats {
    socket: UdpSocket,
    /// Where the sound goes, which nobody reads.
    ears: UdpSocket,
    talks: BTreeMap<String, Talk>,
    free_since: HashMap<String, Instant>,
    asked: Option<Instant>,
    next_ask: Instant,
    dice: u64,
    last_caller: u64,
    found: Turns,
}

impl Seats {
    pub fn new(socket: UdpSocket) -> Try<Self> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        Ok(Self {
            socket,
            ears: UdpSocket::bind("127.0.0.2:0")?,
            talks: BTreeMap::new(),
            free_since: HashMap::new(),
            asked: None,
            next_ask: Instant::now(),
            dice: 1,
            last_caller: 0,
            found: Turns::default(),
        })
    }

    /// Serves for so long, and says what was measured in that time.
    pub fn serve(&mut self, length: Duration) -> Try<Turns> {
        self.found = Turns::default();
        let until = Instant::now() + length;
        let mut buffer = [0; 4_096];
        while Instant::now() < until {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                let read = Instant::now();
                let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                self.hears(&text, from, read)?;
            }
            self.hang_up_what_is_over()?;
            self.ask()?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    fn hears(&mut self, text: &str, from: SocketAddr, read: Instant) -> Try<()> {
        if status(text).is_some() {
            if header(text, "CSeq:").ends_with("OPTIONS")
                && let Some(asked) = self.asked.take()
            {
                let ms = (read - asked).as_secs_f64() * 1e3;
                self.found.floor_ms.push(ms);
            }
            return Ok(());
        }
        let reply = match text.split(' ').next() {
            Some("INVITE") => {
                self.rings(text, read);
                let (own, ears) = (self.socket.local_addr()?, self.ears.local_addr()?);
                let tag = header(text, "Call-ID:").get(..8).unwrap_or("tag");
                answer(text, "200 OK", tag, &format!("sip:seat@{own}"), &sdp(ears))
            }
            Some("BYE" | "CANCEL" | "OPTIONS") => answer(text, "200 OK", "t", "", ""),
            _ => return Ok(()),
        };
        self.socket.send_to(reply.as_bytes(), from)?;
        Ok(())
    }

    fn rings(&mut self, invite: &str, read: Instant) {
        let seat = user(invite).to_owned();
        if let Some(since) = self.free_since.remove(&seat) {
            let ms = (read - since).as_secs_f64() * 1e3;
            self.found.rang_ms.push(ms);
        }
        if let Ok(caller) = user(header(invite, "From:")).parse::<u64>() {
            self.found.overtook += u64::from(caller < self.last_caller);
            self.last_caller = caller;
        }
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005) + 1;
        let (least, spread) = TALK_MS;
        let talk = Duration::from_millis(least + (self.dice >> 33) % spread);
        let talk = Talk {
            invite: invite.to_owned(),
            ends: read + talk,
        };
        self.talks.insert(seat, talk);
    }

    fn hang_up_what_is_over(&mut self) -> Try<()> {
        let now = Instant::now();
        let over = self.talks.iter().find(|(_, talk)| talk.ends <= now);
        let Some(seat) = over.map(|(seat, _)| seat.clone()) else {
            return Ok(());
        };
        let Some(Talk { invite, .. }) = self.talks.remove(&seat) else {
            return Ok(());
        };
        let own = self.socket.local_addr()?;
        let (call_id, tag) = (header(&invite, "Call-ID:"), header(&invite, "Call-ID:"));
        let tag = tag.get(..8).unwrap_or("tag");
        let contact = header(&invite, "Contact:");
        let target = contact.split(['<', '>']).nth(1).unwrap_or(contact);
        self.found.talks += 1;
        let bye = format!(
            "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKb{call_id}\r\n\
             Max-Forwards: 70\r\nFrom: {};tag={tag}\r\nTo: {}\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
            header(&invite, "To:"),
            header(&invite, "From:"),
        );
        self.free_since.insert(seat, Instant::now());
        self.socket.send_to(bye.as_bytes(), SIP)?;
        Ok(())
    }

    fn ask(&mut self) -> Try<()> {
        let now = Instant::now();
        if now < self.next_ask {
            return Ok(());
        }
        self.next_ask = now + ASKS_EVERY;
        self.dice += 1;
        let own = self.socket.local_addr()?;
        let mark = self.dice;
        let options = format!(
            "OPTIONS sip:hotline SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKo{mark:x}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:o@hotline>;tag={mark:x}\r\nTo: <sip:hotline>\r\n\
             Call-ID: o{mark:x}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        self.asked = Some(Instant::now());
        self.socket.send_to(options.as_bytes(), SIP)?;
        Ok(())
    }
}
