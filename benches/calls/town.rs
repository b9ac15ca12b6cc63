//! Callers and seats of the load: two sockets, one thread, no waiting for anybody.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use hotline_sip::{digest, message::Method};

use super::{
    engine::{Engine, SIP, Try, seat_id},
    messages::{Request, answer, header, media_port, sdp, status, tag, user},
};

/// A call that is not answered or ended within this has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// First retransmission (RFC 3261 §17.1.1.1).
const T1: Duration = Duration::from_millis(500);

/// A line that talks says something so often.
const BREATH: Duration = Duration::from_secs(5);

/// How far a caller is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Inviting,
    Connected,
    Leaving,
}

struct Caller {
    stage: Stage,
    dialled: Instant,
    /// When the present request was sent first, and how often since.
    sent: Instant,
    again: u32,
    to_tag: String,
    stays: bool,
    engine_port: Option<u16>,
}

/// What came of a stretch of load.
#[derive(Default, Clone)]
pub struct Tally {
    pub dialled: u64,
    pub completed: u64,
    pub refused: u64,
    pub failed: u64,
    /// INVITE to 200, ms.
    pub set_up_ms: Vec<f64>,
    /// INVITE to the seat's INVITE, ms.
    pub rang_ms: Vec<f64>,
}

/// The load.
pub struct Town {
    callers: UdpSocket,
    phones: UdpSocket,
    ears: UdpSocket,
    run: u32,
    next: u64,
    live: HashMap<u64, Caller>,
    timers: VecDeque<(Instant, u64)>,
    hang_ups: VecDeque<u64>,
    /// Seat dialogs of those who stay: the engine's media port.
    talking_seats: BTreeMap<String, u16>,
    breath_at: Instant,
    tally: Tally,
    /// The first call of the stretch that is tallied.
    first: u64,
    /// Long calls that the engine ended.
    pub lost: u64,
    tags: u64,
    ready: u64,
}

impl Town {
    pub fn new(run: u32) -> Try<Self> {
        let bind = |ip: &str| -> Try<UdpSocket> {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
            socket.set_recv_buffer_size(8 << 20)?;
            socket.bind(&format!("{ip}:0").parse::<SocketAddr>()?.into())?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        Ok(Self {
            callers: bind("127.0.0.1")?,
            phones: bind("127.0.0.2")?,
            ears: bind("127.0.0.1")?,
            run,
            next: 1,
            live: HashMap::new(),
            timers: VecDeque::new(),
            hang_ups: VecDeque::new(),
            talking_seats: BTreeMap::new(),
            breath_at: Instant::now(),
            tally: Tally::default(),
            first: 0,
            lost: 0,
            tags: 0,
            ready: 0,
        })
    }

    /// The phones' socket, for somebody else to answer them by.
    pub fn phones(&self) -> Try<UdpSocket> {
        Ok(self.phones.try_clone()?)
    }

    /// Signs all seats' phones in, by digest.
    pub fn sign_in(&mut self, engine: &Engine, seats: usize) -> Try<()> {
        self.phones.set_nonblocking(false)?;
        self.phones.set_read_timeout(Some(Duration::from_secs(5)))?;
        let contact = self.phones.local_addr()?;
        for seat in 0..seats {
            let id = seat_id(seat);
            let password = engine.password(&id)?;
            let register = |cseq: u32, authorization: &str| {
                format!(
                    "REGISTER sip:hotline SIP/2.0\r\n\
                     Via: SIP/2.0/UDP {contact};branch=z9hG4bK{id}-{cseq}-{run}\r\nMax-Forwards: 70\r\n\
                     From: <sip:{id}@hotline>;tag={id}\r\nTo: <sip:{id}@hotline>\r\n\
                     Call-ID: {id}-{run}\r\nCSeq: {cseq} REGISTER\r\n\
                     Contact: <sip:{id}@{contact}>\r\nExpires: 3600\r\n{authorization}\
                     Content-Length: 0\r\n\r\n",
                    run = self.run,
                )
            };
            let asked = self.ask(&register(1, ""))?;
            let login = digest::Login {
                user: &id,
                password: &password,
                realm: None,
            };
            let challenges = asked
                .split("\r\n")
                .filter_map(|line| line.strip_prefix("WWW-Authenticate:"))
                .map(|value| value.trim().as_bytes());
            let proof = digest::answer(
                challenges,
                &login,
                Method::Register,
                "sip:hotline",
                "abc",
                1,
            )
            .map_err(|error| error.to_string())?;
            let said = self.ask(&register(2, &format!("Authorization: {proof}\r\n")))?;
            if status(&said) != Some(200) {
                return Err(format!("seat {id} cannot sign in: {said}").into());
            }
        }
        self.phones.set_nonblocking(true)?;
        engine.all_ready(seats)
    }

    fn ask(&self, request: &str) -> Try<String> {
        self.phones.send_to(request.as_bytes(), SIP)?;
        let mut buffer = [0; 4_096];
        let length = self.phones.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned())
    }

    /// So many new calls a second for so long; with `stay`, each stays until [`Town::all_leave`].
    pub fn call(&mut self, rate: f64, length: Duration, stay: bool) -> Try<()> {
        let began = Instant::now();
        let mut dialled = 0_u64;
        while began.elapsed() < length {
            let due = (began.elapsed().as_secs_f64() * rate) as u64;
            // Never more than a few at once, so that answers are read in between.
            for _ in 0..due.saturating_sub(dialled).min(32) {
                self.dial(stay)?;
                dialled += 1;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Lets what is under way end.
    pub fn settle(&mut self, stays: usize) -> Try<()> {
        let until = Instant::now() + PATIENCE + Duration::from_secs(1);
        while self.live.len() > stays && Instant::now() < until {
            self.turn()?;
        }
        Ok(())
    }

    /// Lets time pass.
    pub fn idle(&mut self, length: Duration) -> Try<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            self.turn()?;
        }
        Ok(())
    }

    /// Callers that are connected.
    pub fn connected(&self) -> usize {
        self.live
            .values()
            .filter(|call| call.stage == Stage::Connected)
            .count()
    }

    /// Everybody hangs up.
    pub fn all_leave(&mut self) {
        let calls: Vec<u64> = self.live.keys().copied().collect();
        for call in calls {
            if let Some(caller) = self.live.get_mut(&call) {
                caller.stays = false;
            }
            self.hang_ups.push_back(call);
        }
        self.talking_seats.clear();
    }

    /// What came so far of the calls dialled since [`Town::begin_tally`].
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Tallies the calls that are dialled from now on, and no earlier ones.
    pub fn begin_tally(&mut self) {
        self.tally = Tally::default();
        self.first = self.next;
    }

    /// The tally `call` belongs to, if it is one of this stretch.
    fn tallied(&mut self, call: u64) -> Option<&mut Tally> {
        (call >= self.first).then_some(&mut self.tally)
    }

    fn dial(&mut self, stays: bool) -> Try<()> {
        let (call, now) = (self.next, Instant::now());
        self.next += 1;
        self.tally.dialled += 1;
        let caller = Caller {
            stage: Stage::Inviting,
            dialled: now,
            sent: now,
            again: 0,
            to_tag: String::new(),
            stays,
            engine_port: None,
        };
        self.live.insert(call, caller);
        self.say(call, "INVITE")
    }

    fn say(&mut self, call: u64, method: &str) -> Try<()> {
        let Some(caller) = self.live.get(&call) else {
            return Ok(());
        };
        let from = self.callers.local_addr()?;
        let body = if method == "INVITE" {
            sdp(self.ears.local_addr()?)
        } else {
            String::new()
        };
        let request = Request {
            method,
            from,
            call,
            run: self.run,
            cseq: if method == "BYE" { 2 } else { 1 },
            to_tag: &caller.to_tag,
            body: &body,
        };
        let _ = self.callers.send_to(request.text().as_bytes(), SIP);
        if method != "ACK" {
            let wait = T1 * 2_u32.saturating_pow(caller.again.min(3));
            self.timers.push_back((Instant::now() + wait, call));
        }
        Ok(())
    }

    fn turn(&mut self) -> Try<()> {
        let mut buffer = [0; 4_096];
        let mut any = false;
        for _ in 0..64 {
            let Ok((length, _)) = self.callers.recv_from(&mut buffer) else {
                break;
            };
            any = true;
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
            self.caller_hears(&text)?;
        }
        for _ in 0..64 {
            let Ok((length, from)) = self.phones.recv_from(&mut buffer) else {
                break;
            };
            any = true;
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
            self.phone_hears(&text, from)?;
        }
        while let Some(call) = self.hang_ups.pop_front() {
            if let Some(caller) = self.live.get_mut(&call)
                && caller.stage == Stage::Connected
            {
                caller.stage = Stage::Leaving;
                (caller.sent, caller.again) = (Instant::now(), 0);
                self.say(call, "BYE")?;
            }
        }
        self.time_passes()?;
        if !any {
            thread::sleep(Duration::from_micros(100));
        }
        Ok(())
    }

    fn time_passes(&mut self) -> Try<()> {
        let now = Instant::now();
        while let Some(&(at, call)) = self.timers.front()
            && at <= now
        {
            self.timers.pop_front();
            let Some(caller) = self.live.get_mut(&call) else {
                continue;
            };
            let method = match caller.stage {
                Stage::Inviting => "INVITE",
                Stage::Leaving => "BYE",
                Stage::Connected => continue,
            };
            if caller.sent.elapsed() > PATIENCE {
                self.live.remove(&call);
                if let Some(tally) = self.tallied(call) {
                    tally.failed += 1;
                }
            } else {
                caller.again += 1;
                self.say(call, method)?;
            }
        }
        if self.breath_at <= now {
            self.breath_at = now + BREATH;
            self.breathe();
        }
        Ok(())
    }

    /// A packet of sound from each long call and its seat.
    fn breathe(&mut self) {
        self.tags += 1;
        let mut packet = vec![0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        let stamp = (self.tags as u32).to_be_bytes();
        packet.splice(2..4, [stamp[2], stamp[3]]);
        packet.extend([0xd5; 160]);
        let ports = self.live.values().filter_map(|call| call.engine_port);
        for port in ports.chain(self.talking_seats.values().copied()) {
            let _ = self.ears.send_to(&packet, ("127.0.0.1", port));
        }
    }

    fn caller_hears(&mut self, text: &str) -> Try<()> {
        let call_id = header(text, "Call-ID:");
        let number = call_id.split(['-', '@']).nth(1).unwrap_or_default();
        let Ok(call) = u64::from_str_radix(number, 16) else {
            return Ok(());
        };
        let Some(status) = status(text) else {
            // BYE of the engine.
            let reply = answer(text, "200 OK", "", "", "");
            let _ = self.callers.send_to(reply.as_bytes(), SIP);
            if let Some(caller) = self.live.remove(&call) {
                if caller.stays {
                    self.lost += 1;
                } else {
                    if let Some(tally) = self.tallied(call) {
                        tally.failed += 1;
                    }
                }
            }
            return Ok(());
        };
        let about_invite = header(text, "CSeq:").ends_with("INVITE");
        let Some(caller) = self.live.get_mut(&call) else {
            return Ok(());
        };
        match (status, about_invite) {
            (..=199, _) => {}
            (200..=299, true) => {
                caller.to_tag = tag(header(text, "To:")).to_owned();
                if caller.stage == Stage::Inviting {
                    caller.stage = Stage::Connected;
                    let took = caller.dialled.elapsed().as_secs_f64() * 1e3;
                    if caller.stays {
                        caller.engine_port = media_port(text);
                    }
                    if let Some(tally) = self.tallied(call) {
                        tally.set_up_ms.push(took);
                    }
                }
                self.say(call, "ACK")?;
            }
            (_, true) => {
                caller.to_tag = format!("!{}", tag(header(text, "To:")));
                self.say(call, "ACK")?;
                self.live.remove(&call);
                if let Some(tally) = self.tallied(call) {
                    tally.refused += 1;
                }
            }
            (_, false) => {
                self.live.remove(&call);
                if let Some(tally) = self.tallied(call) {
                    tally.completed += 1;
                }
            }
        }
        Ok(())
    }

    fn phone_hears(&mut self, text: &str, from: SocketAddr) -> Try<()> {
        let call: Option<u64> = user(header(text, "From:")).parse().ok();
        let contact = format!("sip:seat@{}", self.phones.local_addr()?);
        let reply = match text.split(' ').next() {
            Some("INVITE") => {
                if let Some(call) = call
                    && let Some(caller) = self.live.get(&call)
                {
                    let (took, stays) = (caller.dialled.elapsed(), caller.stays);
                    if let Some(tally) = self.tallied(call) {
                        tally.rang_ms.push(took.as_secs_f64() * 1e3);
                    }
                    if stays && let Some(port) = media_port(text) {
                        self.talking_seats
                            .insert(header(text, "Call-ID:").to_owned(), port);
                    }
                }
                // The same tag for a retransmission.
                let tag = header(text, "Call-ID:")
                    .get(..8)
                    .unwrap_or("tag")
                    .to_owned();
                let body = sdp(self.ears.local_addr()?);
                answer(text, "200 OK", &tag, &contact, &body)
            }
            Some("ACK") => {
                if let Some(call) = call
                    && self.live.get(&call).is_some_and(|caller| !caller.stays)
                {
                    self.ready += 1;
                    self.hang_ups.push_back(call);
                }
                return Ok(());
            }
            Some("BYE" | "CANCEL" | "OPTIONS") => {
                self.talking_seats.remove(header(text, "Call-ID:"));
                answer(text, "200 OK", "t", "", "")
            }
            _ => return Ok(()),
        };
        let _ = self.phones.send_to(reply.as_bytes(), from);
        Ok(())
    }

    /// Sends the engine so many requests of a stranger in one go: REGISTER and INVITE by turns.
    pub fn flood(&mut self, stranger: &UdpSocket, count: u64) -> Try<()> {
        let from = stranger.local_addr()?;
        for n in 0..count {
            self.tags += 1;
            let mark = self.tags;
            let method = if n % 2 == 0 { "INVITE" } else { "REGISTER" };
            let text = format!(
                "{method} sip:12345@127.0.0.1 SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {from};branch=z9hG4bKf{mark:x}\r\nMax-Forwards: 70\r\n\
                 From: <sip:x@h>;tag={mark:x}\r\nTo: <sip:12345@h>\r\nCall-ID: f{mark:x}\r\n\
                 CSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stranger.send_to(text.as_bytes(), SIP);
        }
        let mut buffer = [0; 2_048];
        while stranger.recv(&mut buffer).is_ok() {}
        Ok(())
    }
}
