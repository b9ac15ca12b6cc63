//! An exchange in virtual time among carriers and phones that do what a test says.

use core::{net::SocketAddr, time::Duration};
use std::{collections::BTreeMap, sync::Arc};

use hotline_acd::{FloorSettings, QueueSettings, SeatSettings, replay::Replay};
use hotline_calls::{
    Exchange, Input, NewSettings, Output, Path,
    orders::{CallOrder, Order, OrderRefused, SeatRequest},
    settings::{
        AddressRange, Announce, Credentials, Ha1, Number, Outbound, PickUp, Prompts, Queue,
        Regulars, Replacement, Seat, SecondPhone, Settings, SoundFormats, Srtp, Target, Trunk,
        compile_alone,
    },
};
use hotline_media::{Command, Report};
use hotline_model::{
    CallId, Instant, LegId, MediaThread, QueueId, ScriptId, SeatId, Timestamp, TrunkId,
    event::Event, seat::Work,
};
use hotline_sip::{
    endpoint::{
        DialogId, Endpoint, EndpointSettings, Event as SipEvent, Invitation, OutgoingRequest,
        Output as SipOutput,
    },
    message::{Framing, Message},
};

pub const EXCHANGE: &str = "10.0.0.1:5060";
/// The phone of seat 1001.
pub const PHONE: usize = 0;
/// Where carriers are: targets of trunks and sources of calls.
pub const A: usize = 1;
pub const B: usize = 2;
/// Nobody's address.
pub const STRANGER: usize = 3;
/// Somebody who speaks IPv6 alone.
pub const SIX: usize = 4;

pub fn at(peer: usize) -> SocketAddr {
    match peer {
        SIX => "[2001:db8::2]:5060".parse().unwrap(),
        peer => format!("10.0.{peer}.2:5060").parse().unwrap(),
    }
}

/// The exchange, as a peer reaches it.
pub fn exchange_for(peer: usize) -> SocketAddr {
    match peer {
        SIX => "[2001:db8::1]:5060".parse().unwrap(),
        _ => EXCHANGE.parse().unwrap(),
    }
}

pub fn seat() -> SeatId {
    SeatId::new("1001").unwrap()
}

pub fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A session description of a peer: `direction` is sendrecv, sendonly, inactive.
pub fn sdp(peer: usize, port: u16, direction: &str) -> Vec<u8> {
    let (ip, v) = (at(peer).ip(), if peer == SIX { 6 } else { 4 });
    format!(
        "v=0\r\no=- 1 1 IN IP{v} {ip}\r\ns=-\r\nc=IN IP{v} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
    .into_bytes()
}

/// A trunk at peer `at` that may carry numbers in 0635 and mobile numbers.
pub fn trunk(id: &str, peer: usize, priority: u16) -> Trunk {
    let path = Path::udp(exchange_for(peer), at(peer));
    Trunk {
        outbound: Outbound {
            targets: vec![Target { path }],
            priority,
            caller_id: "063512345".to_owned(),
            prefixes: vec!["0635".to_owned(), "1".to_owned()],
            ..Outbound::default()
        },
        ..Trunk::inbound(
            TrunkId::new(id).unwrap(),
            [AddressRange::from(at(peer).ip())],
        )
    }
}

fn floor_of(settings: &Settings) -> FloorSettings {
    FloorSettings {
        queues: settings.queues.iter().map(|it| it.floor.clone()).collect(),
        seats: settings.seats.iter().map(|it| it.floor.clone()).collect(),
    }
}

pub fn settings(trunks: Vec<Trunk>) -> Settings {
    let queue = QueueId::new("general").unwrap();
    let script = compile_alone(include_str!("../../../../ivr-scripts/12345-direct.toml")).unwrap();
    let name = ScriptId::new("12345-direct").unwrap();
    Settings {
        product: "hotline-test".to_owned(),
        realm: "hotline".to_owned(),
        md5: true,
        utc_offset_minutes: 480,
        media_address: "10.0.0.1".parse().unwrap(),
        more_media_addresses: Vec::new(),
        formats: SoundFormats::default(),
        media_threads: 2,
        browsers: None,
        trunks,
        numbers: vec![Number {
            number: "12345".to_owned(),
            aliases: vec!["063512345".to_owned()],
            script: name,
        }],
        queues: vec![Queue {
            floor: QueueSettings::new(queue),
            name: "general".to_owned(),
            announce: Announce::default(),
            regulars: Regulars::default(),
        }],
        seats: [("1001", "secret"), ("1002", "secret2"), ("1003", "secret3")]
            .map(|(id, password)| Seat {
                floor: SeatSettings {
                    queues: vec![queue],
                    ..SeatSettings::new(SeatId::new(id).unwrap())
                },
                name: "Wang Wu".to_owned(),
                ha1: Ha1::of(id, "hotline", password),
                md5_only: false,
                srtp: Srtp::default(),
                pick_up: PickUp::default(),
                outbound_prefixes: vec!["0635".to_owned(), "138".to_owned()],
                memberships: Vec::new(),
                pin: None,
            })
            .into(),
        scripts: BTreeMap::from([(name, Arc::new(script))]),
        survey: None,
        prompts: Prompts::default(),
        phones: Vec::new(),
        shifts: Vec::new(),
        reasons: Vec::new(),
        emergencies: Vec::new(),
        silent_after: Some(Duration::from_secs(10)),
        second_phone: SecondPhone::default(),
        desk_lost_after: None,
        announce_every: s(60),
    }
}

/// A peer: a phone or a carrier.
pub struct Peer {
    pub endpoint: Endpoint,
    /// What it was told, except requests outside dialogs, and nobody has looked at.
    pub events: Vec<SipEvent>,
    /// What reached it, as text.
    pub heard: Vec<String>,
    /// What it sent, as text.
    pub said: Vec<String>,
    /// Hears nothing and says nothing.
    pub dead: bool,
    /// How it answers OPTIONS and REGISTER.
    pub answers: (u16, Vec<(&'static str, String)>),
}

/// See the module.
pub struct Bench {
    pub now: Instant,
    pub exchange: Exchange,
    pub peers: Vec<Peer>,
    pub events: Vec<Event>,
    pub media: Vec<Command>,
    /// Each decision of the floor follows from what the journal says it was told.
    replay: Replay,
    /// What orders were answered.
    pub done: Vec<Result<(), OrderRefused>>,
    /// Media ports are not opened until [`Bench::open_ports`].
    pub ports_wait: bool,
    /// Media threads that have no port.
    pub portless: Vec<MediaThread>,
    /// Ports that a media thread still has for legs to come, where it is asked for some.
    pub to_spare: usize,
    /// When what was measured began.
    pub measured: Vec<Instant>,
    /// A media thread that ends no recording any more.
    pub dying: Option<MediaThread>,
    waiting: Vec<LegId>,
}

impl Bench {
    pub fn new(trunks: Vec<Trunk>) -> Self {
        Self::with(settings(trunks))
    }

    pub fn with(settings: Settings) -> Self {
        let wall = Timestamp(1_795_305_600_000);
        let peers = (0..5_u8).map(|peer| Peer {
            endpoint: Endpoint::new(EndpointSettings::new("peer", "peer", "ims"), [peer + 1; 32]),
            events: Vec::new(),
            heard: Vec::new(),
            said: Vec::new(),
            dead: false,
            answers: (200, Vec::new()),
        });
        let mut replay = Replay::default();
        replay.set(Instant::START, floor_of(&settings));
        Self {
            now: Instant::START,
            replay,
            exchange: Exchange::new(settings, [9; 32], CallId(1), wall),
            peers: peers.collect(),
            events: Vec::new(),
            media: Vec::new(),
            done: Vec::new(),
            ports_wait: false,
            portless: Vec::new(),
            to_spare: 0,
            measured: Vec::new(),
            dying: None,
            waiting: Vec::new(),
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.exchange.handle_input(self.now, input);
    }

    /// Carries messages and reports to and fro until all is quiet at this instant.
    pub fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.exchange.poll_output() {
                quiet = false;
                self.carry_out(output);
            }
            for peer in 0..self.peers.len() {
                while let Some(output) = self.peers[peer].endpoint.poll_output() {
                    quiet = false;
                    self.peer_says(peer, output);
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit { path, bytes } => {
                let peer = (0..5).find(|&peer| at(peer) == path.remote);
                let Some(peer) = peer.filter(|&peer| !self.peers[peer].dead) else {
                    return;
                };
                let heard = String::from_utf8_lossy(&bytes).into_owned();
                self.peers[peer].heard.push(heard);
                let back = Path {
                    local: path.remote,
                    remote: path.local,
                    ..path
                };
                self.peers[peer].endpoint.receive(self.now, back, &bytes);
            }
            Output::Media(command) => {
                assert!(command.is_of_one_thread(), "{command:?}");
                self.media.push(command.clone());
                match command {
                    Command::Open { leg, .. } if self.ports_wait => self.waiting.push(leg),
                    Command::Open { leg, .. } if self.portless.contains(&leg.thread()) => {
                        let cause = "all RTP ports are in use".to_owned();
                        self.input(Input::Media(Report::OpenFailed { leg, cause }));
                    }
                    Command::Open { leg, .. } => {
                        let port = 20_000 + 2 * leg.0 as u16;
                        self.input(Input::Media(Report::Opened { leg, port }));
                    }
                    Command::Prepare {
                        thread,
                        address,
                        many,
                    } => {
                        let many = many.min(self.to_spare);
                        let first = 30_000 + 2 * self.to_spare as u16;
                        self.to_spare -= many;
                        let ports = (0..many as u16).map(|nth| first + 2 * nth).collect();
                        self.input(Input::Media(Report::PortsReady {
                            thread,
                            address,
                            ports,
                        }));
                    }
                    Command::Play {
                        leg,
                        play,
                        repeat: false,
                        ..
                    } => self.input(Input::Media(Report::PlayEnded { leg, play })),
                    Command::StopRecord { recording }
                        if self.dying == Some(MediaThread::of(recording)) => {}
                    Command::StopRecord { recording } => self.input(Input::RecordingClosed {
                        recording,
                        ms: 1,
                        sha256: String::new(),
                    }),
                    _ => {}
                }
            }
            Output::Event(stamped) => {
                if let Event::FloorSet { ns, .. } = stamped.event {
                    let settings = floor_of(&self.exchange.switchboard().settings);
                    self.replay.set(ns, settings);
                }
                let follows = self.replay.happened(&stamped.event);
                follows.unwrap_or_else(|difference| panic!("{difference}"));
                if !stamped.event.is_for_audit() {
                    self.events.push(stamped.event);
                }
            }
            Output::OrderDone { result, .. } => self.done.push(result),
            Output::MeasureInvite { since } => self.measured.push(since),
            Output::ClosePath(_) | Output::BeginRecording { .. } => {}
        }
    }

    fn peer_says(&mut self, peer: usize, output: SipOutput) {
        match output {
            SipOutput::Transmit { path, bytes } if !self.peers[peer].dead => {
                let path = Path {
                    local: path.remote,
                    remote: at(peer),
                    ..path
                };
                let said = String::from_utf8_lossy(&bytes).into_owned();
                self.peers[peer].said.push(said);
                self.input(Input::Received {
                    path,
                    bytes: &bytes,
                });
            }
            SipOutput::Event(SipEvent::Request { id, .. }) => {
                let (status, headers) = self.peers[peer].answers.clone();
                let now = self.now;
                let endpoint = &mut self.peers[peer].endpoint;
                endpoint.respond(now, id, status, &headers, Vec::new());
            }
            SipOutput::Event(event) => self.peers[peer].events.push(event),
            SipOutput::Transmit { .. } | SipOutput::ClosePath(_) => {}
        }
    }

    /// The media worker opens the ports that wait.
    pub fn open_ports(&mut self) {
        self.ports_wait = false;
        for leg in core::mem::take(&mut self.waiting) {
            let port = 20_000 + 2 * leg.0 as u16;
            self.input(Input::Media(Report::Opened { leg, port }));
        }
        self.settle();
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        loop {
            let peers = self.peers.iter().map(|peer| peer.endpoint.next_wake());
            let next = peers.chain([self.exchange.next_wake()]).flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.input(Input::TimePassed);
            for peer in 0..self.peers.len() {
                let now = self.now;
                self.peers[peer].endpoint.wake(now);
            }
            self.settle();
        }
        self.now = end;
    }

    pub fn path_lost(&mut self, path: Path) {
        self.input(Input::PathLost(path));
        self.settle();
    }

    /// Somebody calls `number` at the exchange.
    pub fn call(
        &mut self,
        peer: usize,
        user: &str,
        number: &str,
        login: Option<&str>,
        headers: &[(&str, &str)],
    ) -> DialogId {
        let offer = sdp(peer, 4_000, "sendrecv");
        self.call_with(peer, user, number, login, headers, &offer)
    }

    /// The same with this session description.
    pub fn call_with(
        &mut self,
        peer: usize,
        user: &str,
        number: &str,
        login: Option<&str>,
        headers: &[(&str, &str)],
        offer: &[u8],
    ) -> DialogId {
        let invitation = Invitation {
            path: Path::udp(at(peer), exchange_for(peer)),
            target: format!("sip:{number}@10.0.0.1"),
            from: format!("\"Wang Wu\" <sip:{user}@10.0.0.1>"),
            to: format!("<sip:{number}@10.0.0.1>"),
            body: offer.to_vec(),
            headers: headers
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            credentials: login.map(|password| Credentials {
                realm: None,
                user: user.to_owned(),
                password: password.to_owned(),
            }),
            ring_for: None,
            max_forwards: None,
        };
        let dialog = self.peers[peer].endpoint.invite(self.now, invitation);
        self.settle();
        dialog
    }

    /// Seat 1001 dials.
    pub fn dial(&mut self, number: &str) -> DialogId {
        self.call(PHONE, "1001", number, Some("secret"), &[])
    }

    /// The phone of seat 1001 signs in, and the seat takes calls.
    pub fn register(&mut self) {
        self.register_at(PHONE);
    }

    /// The same at the address of that peer.
    pub fn register_at(&mut self, peer: usize) {
        self.sign_in(peer, "1001", "secret");
        self.input(Input::Ordered(Order {
            ticket: 1,
            by: "test".to_owned(),
            supervisor: false,
            seat: seat(),
            request: SeatRequest::Ready,
        }));
        self.settle();
    }

    /// The phone at that peer signs in as `user`.
    pub fn sign_in(&mut self, peer: usize, user: &str, password: &str) {
        self.ask(peer, "REGISTER", user, password);
    }

    /// A request outside dialogs, with this login.
    pub fn ask(&mut self, peer: usize, method: &str, user: &str, password: &str) {
        let address = format!("<sip:{user}@hotline>");
        let request = OutgoingRequest {
            path: Path::udp(at(peer), exchange_for(peer)),
            method: method.to_owned(),
            target: "sip:hotline".to_owned(),
            from: address.clone(),
            to: address,
            call_id: None,
            cseq: None,
            headers: vec![
                ("Contact".to_owned(), format!("<sip:{user}@{}>", at(peer))),
                ("Expires".to_owned(), "3600".to_owned()),
                ("Refer-To".to_owned(), "<sip:0635@hotline>".to_owned()),
            ],
            body: Vec::new(),
            credentials: Some(Credentials {
                realm: None,
                user: user.to_owned(),
                password: password.to_owned(),
            }),
        };
        self.does(peer, |endpoint, now| {
            endpoint.request(now, request);
        });
    }

    /// The page of seat 1001 gives the caller on.
    pub fn order_transfer(&mut self, to: &str) {
        self.input(Input::Ordered(Order {
            ticket: 2,
            by: "test".to_owned(),
            supervisor: false,
            seat: seat(),
            request: SeatRequest::TransferByName(to.to_owned()),
        }));
        self.settle();
    }

    /// Somebody asks something of a seat; what is answered.
    pub fn order(&mut self, seat: SeatId, request: SeatRequest) -> Result<(), OrderRefused> {
        self.input(Input::Ordered(Order {
            ticket: 3,
            by: "test".to_owned(),
            supervisor: false,
            seat,
            request,
        }));
        self.settle();
        self.done.pop().unwrap()
    }

    /// A supervisor's hand on a waiting call.
    pub fn order_call(&mut self, order: CallOrder) {
        self.input(Input::CallOrdered(order));
        self.settle();
    }

    /// The engine is asked to stop.
    pub fn drains(&mut self) {
        self.input(Input::DrainBegan);
        self.settle();
    }

    /// New settings are put in force; the trunks stay.
    pub fn replace(&mut self, new: Settings) {
        let settings = Replacement {
            numbers: new.numbers,
            queues: new.queues,
            seats: new.seats,
            reasons: new.reasons,
            second_phone: new.second_phone,
            scripts: new.scripts,
            survey: new.survey,
            prompts: new.prompts,
            announce_every: new.announce_every,
            emergencies: new.emergencies,
            silent_after: new.silent_after,
            phones: new.phones,
            shifts: new.shifts,
            desk_lost_after: new.desk_lost_after,
        };
        self.input(Input::SettingsReplaced(Box::new(NewSettings {
            floor_digest: String::new(),
            by: "test".to_owned(),
            digest: String::new(),
            changes: Vec::new(),
            more: 0,
            settings,
        })));
        self.settle();
    }

    /// The same by a supervisor.
    pub fn supervisor_orders(
        &mut self,
        seat: SeatId,
        request: SeatRequest,
    ) -> Result<(), OrderRefused> {
        self.input(Input::Ordered(Order {
            ticket: 4,
            by: "lead".to_owned(),
            supervisor: true,
            seat,
            request,
        }));
        self.settle();
        self.done.pop().unwrap()
    }

    /// The shell reads the wall clock.
    pub fn clock(&mut self, wall: Timestamp) {
        self.input(Input::WallClockRead(wall));
        self.settle();
    }

    /// A media thread ends by a fault.
    pub fn thread_lost(&mut self, at: u64) {
        let thread = MediaThread::of(at);
        self.portless.push(thread);
        // The shell ends its recordings from now on.
        self.dying.take_if(|dying| *dying == thread);
        self.input(Input::MediaThreadLost(thread));
        self.settle();
    }

    /// A media worker reports.
    pub fn reports(&mut self, report: Report) {
        self.input(Input::Media(report));
        self.settle();
    }

    /// What the seat does.
    pub fn work(&self) -> Work {
        let floor = &self.exchange.switchboard().floor;
        floor.seat(seat()).unwrap().work
    }

    /// What a peer was told since the last look.
    pub fn told(&mut self, peer: usize) -> Vec<SipEvent> {
        core::mem::take(&mut self.peers[peer].events)
    }

    /// The INVITE that came to a peer.
    pub fn invited(&mut self, peer: usize) -> Option<DialogId> {
        let told = self.told(peer);
        told.iter().find_map(|event| match event {
            SipEvent::Invited { dialog, .. } => Some(*dialog),
            _ => None,
        })
    }

    /// The peer does something with its endpoint.
    pub fn does(&mut self, peer: usize, deed: impl FnOnce(&mut Endpoint, Instant)) {
        deed(&mut self.peers[peer].endpoint, self.now);
        self.settle();
    }

    /// The newest INVITE a peer heard.
    pub fn invite_heard(&self, peer: usize) -> &str {
        let mut heard = self.peers[peer].heard.iter().rev();
        heard.find(|text| text.starts_with("INVITE")).unwrap()
    }

    /// A header of the newest message of a method a peer heard.
    pub fn header(text: &str, name: &str) -> Option<String> {
        let message = Message::parse(text.as_bytes(), Framing::Datagram).unwrap();
        let value = message.header_by_text(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// How many events are so.
    pub fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| which(event)).count()
    }

    /// The types of the journal's events of one kind of prefix, in order.
    pub fn bridged(&self) -> Option<(LegId, LegId)> {
        self.media.iter().rev().find_map(|command| match command {
            Command::Bridge { a, b } => Some((*a, *b)),
            _ => None,
        })
    }

    /// Nothing is left of any call.
    pub fn is_clean(&self) -> bool {
        let board = self.exchange.switchboard();
        let free = board
            .floor
            .seat(seat())
            .is_some_and(|seat| seat.work == Work::Free && seat.call.is_none());
        let mut trunks = board.settings.trunks.iter();
        self.exchange.live_calls() == 0
            && board.live_legs() == 0
            && trunks.all(|trunk| board.trunks.live(trunk.id) == 0)
            && board.recordings.is_empty()
            && free
    }
}
