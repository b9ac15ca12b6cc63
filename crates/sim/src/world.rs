//! The world: virtual time, and everything that happens in it in the order of time.

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hotline_calls::{
    Exchange, Input, Output, Path,
    exchange::BeforeStage,
    orders::{Order, SeatRequest},
    phone::{Phone, PhoneEvent, PhoneInput, PhoneOutput, PhoneSettings},
    settings::Settings,
};
use hotline_media::{
    Clip, Command, Report,
    worker::{Slot, Worker},
};
use hotline_model::{CallId, Instant, LegId, MediaThread, Timestamp, event::Stamped};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use crate::{
    actors::{Deed, Person, Plans},
    checks::Checks,
    ears::{Ears, Who},
    network::{EXCHANGE, Sockets, Weather},
    town::{self, PASSWORD, REALM},
};

/// Where all phones' sound lives.
const PHONES_MEDIA: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1));

/// Legs of one phone have numbers of their own.
const LEGS_OF_A_PHONE: u64 = 1 << 20;

/// Ports of the sound of one address.
const PORTS: RangeInclusive<u16> = 20_000..=64_999;

/// Way of a packet of sound.
const SOUND_DELAY: Duration = Duration::from_millis(1);

/// Something that will happen.
enum Due {
    /// A SIP message reaches the exchange.
    ToExchange(usize, Arc<[u8]>),
    /// A SIP message reaches a phone.
    ToPhone(usize, Arc<[u8]>),
    /// A packet of sound arrives somewhere.
    Sound {
        from: SocketAddr,
        to: SocketAddr,
        packet: Vec<u8>,
    },
    /// A person does something.
    Deed(usize, Deed),
    /// A media thread of the exchange ends by a fault.
    ThreadLost(usize),
}

/// A media thread of the exchange.
struct Media {
    worker: Worker,
    sockets: Sockets,
    lost: bool,
    /// Most legs at once.
    most: usize,
}

impl Media {
    /// The one at this place of so many, with ports of its own.
    fn new(seed: u64, at: usize, of: usize) -> Self {
        let each = (PORTS.len() / of.max(1)).next_multiple_of(2) - 2;
        let first = *PORTS.start() + (at * each) as u16;
        let ports = first..=first + (each - 2) as u16;
        Self {
            worker: Worker::new(seed.wrapping_add(at as u64)),
            sockets: Sockets::new(|_: Slot| EXCHANGE.ip(), ports),
            lost: false,
            most: 0,
        }
    }
}

struct Line {
    person: Person,
    phone: Phone,
    path: Path,
    leg: Option<LegId>,
    dead: bool,
}

/// The exchange, its phones, and the time.
pub struct World {
    now: Instant,
    random: ChaCha8Rng,
    weather: Weather,
    due: BTreeMap<(Instant, u64), Due>,
    number: u64,
    exchange: Exchange,
    media: Vec<Media>,
    lines: Vec<Line>,
    phones_worker: Worker,
    phones_sockets: Sockets,
    breath: Clip,
    journal: Vec<Stamped>,
    checks: Checks,
    ears: Option<Ears>,
    hang_up: Option<(usize, usize)>,
    sent: Vec<(usize, Arc<[u8]>)>,
}

/// What happens next, and to whom.
#[derive(Clone, Copy)]
enum Next {
    Due,
    Exchange,
    Worker(usize),
    PhonesWorker,
    Phone(usize),
}

impl World {
    /// A world with these people; callers begin at their times, agents at once.
    ///
    /// # Errors
    /// When a shipped script does not compile.
    pub fn new(
        seed: u64,
        weather: Weather,
        people: Vec<(Duration, Person)>,
    ) -> Result<Self, String> {
        Self::changed(seed, weather, people, |_| {})
    }

    /// The same in a town whose settings were changed.
    ///
    /// # Errors
    /// When a shipped script does not compile.
    pub fn changed(
        seed: u64,
        weather: Weather,
        people: Vec<(Duration, Person)>,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Self, String> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let seats: BTreeSet<_> = people.iter().filter_map(|(_, p)| p.seat()).collect();
        let seats = seats.len();
        let callers = people
            .iter()
            .enumerate()
            .filter(|(_, (_, person))| person.seat().is_none())
            .map(|(at, _)| address(at).ip());
        let mut settings = town::settings(seats, callers)?;
        change(&mut settings);
        let mut exchange_seed = [0; 32];
        random.fill_bytes(&mut exchange_seed);
        let wall = Timestamp(1_795_305_600_000);
        let threads = settings.media_threads;
        let mut world = Self {
            now: Instant::START,
            weather,
            due: BTreeMap::new(),
            number: 0,
            exchange: Exchange::new(settings, exchange_seed, CallId(1), wall),
            media: {
                let seed = random.next_u64();
                let media = (0..threads).map(|at| Media::new(seed, at, threads));
                media.collect()
            },
            lines: Vec::new(),
            phones_worker: Worker::new(random.next_u64()),
            phones_sockets: Sockets::new(|_: Slot| PHONES_MEDIA, PORTS),
            breath: Clip::silence(40),
            journal: Vec::new(),
            checks: Checks::default(),
            ears: None,
            hang_up: None,
            sent: Vec::new(),
            random,
        };
        for (at, (begins, person)) in people.into_iter().enumerate() {
            world.enter(at, begins, person);
        }
        Ok(world)
    }

    fn enter(&mut self, at: usize, begins: Duration, person: Person) {
        let path = Path::udp(address(at), EXCHANGE);
        let (user, password) = match person.seat() {
            None => (format!("1380000{at:04}"), None),
            Some(seat) => (seat.to_string(), Some(PASSWORD.to_owned())),
        };
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        let settings = PhoneSettings {
            product: "sim-phone".to_owned(),
            user,
            password,
            domain: REALM.to_owned(),
            server: path,
            media_address: PHONES_MEDIA,
        };
        let first_leg = LegId((at as u64 + 1) * LEGS_OF_A_PHONE);
        let phone = Phone::new(settings, seed, first_leg);
        for (after, deed) in person.begins() {
            self.plan(begins + after, Due::Deed(at, deed));
        }
        self.lines.push(Line {
            person,
            phone,
            path,
            leg: None,
            dead: false,
        });
    }

    /// Lets `look` see each input before a call's stage does; it may panic, as a fault of the
    /// engine would.
    pub fn break_in(&mut self, look: BeforeStage) {
        self.exchange.break_in(look);
    }

    /// Has it judged after every step who hears whom. Seats then talk with citizens and are their
    /// guests, and dial nobody.
    pub fn judge_ears(&mut self) {
        self.ears = Some(Ears::default());
    }

    /// The judge of who hears whom, where there is one.
    pub fn ears(&self) -> Option<&Ears> {
        self.ears.as_ref()
    }

    /// Somebody hangs up when the journal has so many events: the person at `line`.
    pub fn hang_up_at(&mut self, events: usize, line: usize) {
        self.hang_up = Some((events, line));
    }

    /// The person at `line` will do this at that time.
    pub fn plan_at(&mut self, at: Duration, line: usize, deed: Deed) {
        self.number += 1;
        let at = Instant::START + at;
        self.due.insert((at, self.number), Due::Deed(line, deed));
    }

    /// The media thread at that place ends by a fault at that time.
    pub fn lose_thread_at(&mut self, time: Duration, at: usize) {
        self.number += 1;
        let due = (Instant::START + time, self.number);
        self.due.insert(due, Due::ThreadLost(at));
    }

    /// The most legs that each media thread of the exchange had at once, since it began or was lost.
    pub fn most_legs(&self) -> Vec<usize> {
        self.media.iter().map(|media| media.most).collect()
    }

    /// What the exchange sent to the phone at `line`, as text.
    pub fn sent_to(&self, line: usize) -> Vec<String> {
        self.sent
            .iter()
            .filter(|(at, _)| *at == line)
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    /// The exchange, to look at.
    pub fn exchange_now(&self) -> &Exchange {
        &self.exchange
    }

    /// Lets time pass until nothing is planned any more or `longest` is over. Checks the rules
    /// after every step.
    ///
    /// # Errors
    /// The first rule that was broken, and when.
    pub fn run(&mut self, longest: Duration) -> Result<(), String> {
        let end = Instant::START + longest;
        while let Some((at, next)) = self.next() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.step(next);
            let heard = self.ears.as_ref().map_or(Ok(()), |ears| {
                ears.judge(self.media.iter().map(|media| &media.worker))
            });
            let rules = self.checks.rules(&self.exchange);
            rules
                .and(heard)
                .map_err(|broken| format!("at {:?}: {broken}", self.now.since_start()))?;
        }
        self.now = end;
        Ok(())
    }

    /// What happened, in the journal's words.
    pub fn journal(&self) -> &[Stamped] {
        &self.journal
    }

    /// Judges the whole: every call ended once, everything is given back.
    ///
    /// # Errors
    /// What is left over.
    pub fn judge(&self) -> Result<(), String> {
        self.checks.conservation(&self.exchange)?;
        let left = [
            (
                "open ports of the exchange",
                self.media.iter().map(|it| it.sockets.open_ports()).sum(),
            ),
            (
                "legs at its media workers",
                self.media.iter().map(|it| it.worker.legs()).sum(),
            ),
            (
                "legs that count as load",
                self.exchange.switchboard().threads().legs().sum(),
            ),
            ("legs of calls", self.exchange.switchboard().live_legs()),
            ("recordings", self.checks.open_recordings()),
        ];
        match left.into_iter().find(|&(_, count)| count > 0) {
            Some((what, count)) => Err(format!("left over: {count} {what}")),
            None => Ok(()),
        }
    }

    fn next(&self) -> Option<(Instant, Next)> {
        let due = self
            .due
            .first_key_value()
            .map(|((at, _), _)| (*at, Next::Due));
        let mut soonest = due;
        let mut consider = |at: Option<Instant>, next: Next| {
            if let Some(at) = at
                && soonest.as_ref().is_none_or(|&(first, _)| at < first)
            {
                soonest = Some((at, next));
            }
        };
        consider(self.exchange.next_wake(), Next::Exchange);
        for (at, media) in self.media.iter().enumerate() {
            consider(media.worker.next_tick(), Next::Worker(at));
        }
        consider(self.phones_worker.next_tick(), Next::PhonesWorker);
        // A phone without power has no clock.
        for (at, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.dead) {
            consider(line.phone.next_wake(), Next::Phone(at));
        }
        soonest
    }

    fn step(&mut self, next: Next) {
        match next {
            Next::Exchange => self.exchange(Input::TimePassed),
            Next::Worker(at) => {
                if let Some(media) = self.media.get_mut(at) {
                    media.worker.handle_tick(self.now, &mut media.sockets);
                    self.after_media();
                }
            }
            Next::PhonesWorker => {
                self.phones_worker
                    .handle_tick(self.now, &mut self.phones_sockets);
                self.after_phones_media();
            }
            Next::Phone(at) => self.phone(at, PhoneInput::TimePassed),
            Next::Due => match self.due.pop_first() {
                Some((_, Due::ToExchange(at, bytes))) => {
                    let Some(line) = self.lines.get(at) else {
                        return;
                    };
                    let path = Path::udp(EXCHANGE, line.path.local);
                    self.exchange(Input::Received {
                        path,
                        bytes: &bytes,
                    });
                }
                Some((_, Due::ToPhone(at, bytes))) => {
                    let Some(path) = self.lines.get(at).map(|line| line.path) else {
                        return;
                    };
                    self.phone(
                        at,
                        PhoneInput::Received {
                            path,
                            bytes: &bytes,
                        },
                    );
                }
                Some((_, Due::Sound { from, to, packet })) => self.sound(from, to, &packet),
                Some((_, Due::Deed(at, deed))) => self.does(at, &deed),
                Some((_, Due::ThreadLost(at))) => self.thread_lost(at),
                None => {}
            },
        }
    }

    fn plan(&mut self, after: Duration, due: Due) {
        self.number += 1;
        self.due.insert((self.now + after, self.number), due);
    }

    fn plan_all(&mut self, at: usize, plans: Plans) {
        for (after, deed) in plans {
            self.plan(after, Due::Deed(at, deed));
        }
    }

    fn does(&mut self, at: usize, deed: &Deed) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        match deed {
            Deed::Breathe => {
                if let Some(leg) = line.leg {
                    let clips = vec![self.breath.clone()];
                    let play = Command::Play {
                        leg,
                        play: 1,
                        clips,
                        repeat: false,
                    };
                    self.phones_worker
                        .handle_command(self.now, play, &mut self.phones_sockets);
                    self.after_phones_media();
                }
            }
            Deed::Die => line.dead = true,
            Deed::GoReady => {
                if let Some(seat) = line.person.seat() {
                    let by = "sim".to_owned();
                    let order = Order {
                        ticket: 0,
                        by,
                        supervisor: false,
                        seat,
                        request: SeatRequest::Ready,
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            Deed::Ask(request) => {
                if let Some(seat) = line.person.seat() {
                    let order = Order {
                        ticket: 0,
                        by: "sim".to_owned(),
                        supervisor: false,
                        seat,
                        request: SeatRequest::Talk(request.clone()),
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            Deed::Order(to) => {
                if let Some(seat) = line.person.seat() {
                    let order = Order {
                        ticket: 0,
                        by: "sim".to_owned(),
                        supervisor: false,
                        seat,
                        request: SeatRequest::TransferByName((*to).to_owned()),
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            deed => {
                if let Some(input) = deed.input() {
                    self.phone(at, input);
                }
            }
        }
    }

    /// Lets the exchange see an input and carries out what it decides.
    fn exchange(&mut self, input: Input<'_>) {
        self.exchange.handle_input(self.now, input);
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Transmit { path, bytes } => {
                    if let Some(at) = line_at(path.remote) {
                        self.sent.push((at, bytes.clone()));
                        for after in self.weather.deliveries(&mut self.random) {
                            self.plan(after, Due::ToPhone(at, bytes.clone()));
                        }
                    }
                }
                Output::Media(command) => {
                    let stopped = match command {
                        Command::StopRecord { recording } => Some(recording),
                        _ => None,
                    };
                    self.checks.told(&command);
                    if let Some(ears) = &mut self.ears {
                        ears.told(&command);
                    }
                    self.tell_media(command);
                    if let Some(recording) = stopped {
                        // The recorder's report, as the shell would bring it.
                        let sha256 = String::new();
                        let closed = Input::RecordingClosed {
                            recording,
                            ms: 0,
                            sha256,
                        };
                        self.exchange.handle_input(self.now, closed);
                    }
                }
                Output::Event(stamped) => {
                    self.checks.happened(&stamped);
                    if let Some(ears) = &mut self.ears {
                        ears.happened(&stamped);
                    }
                    self.journal.push(stamped);
                    if let Some((events, at)) = self.hang_up
                        && self.journal.len() == events
                    {
                        self.plan(Duration::ZERO, Due::Deed(at, Deed::HangUp));
                    }
                }
                Output::ClosePath(_)
                | Output::BeginRecording { .. }
                | Output::MeasureInvite { .. }
                | Output::OrderDone { .. } => {}
            }
        }
        self.after_media();
    }

    /// Hands a command to the thread that its leg's number names.
    fn tell_media(&mut self, command: Command) {
        let Some(media) = self.media.get_mut(command.thread().at()) else {
            return;
        };
        if !media.lost {
            let (worker, sockets) = (&mut media.worker, &mut media.sockets);
            worker.handle_command(self.now, command, sockets);
            media.most = media.most.max(media.worker.legs());
        } else if let Command::Open { leg, .. } = command {
            // As the shell does for a thread that takes nothing any more.
            let cause = "the media thread ended".to_owned();
            let report = Report::OpenFailed { leg, cause };
            self.exchange.handle_input(self.now, Input::Media(report));
        } else if let Command::OpenPrepared { leg, .. } = command {
            let report = Report::Broke { leg };
            self.exchange.handle_input(self.now, Input::Media(report));
        }
    }

    fn thread_lost(&mut self, at: usize) {
        let of = self.media.len();
        if let Some(media) = self.media.get_mut(at) {
            *media = Media {
                lost: true,
                ..Media::new(0, at, of)
            };
            self.exchange(Input::MediaThreadLost(MediaThread::of(at as u64)));
        }
    }

    fn after_media(&mut self) {
        self.send_sound();
        let report = |media: &mut Media| media.worker.poll_report();
        while let Some(report) = self.media.iter_mut().find_map(report) {
            self.exchange(Input::Media(report));
        }
    }

    fn phone(&mut self, at: usize, input: PhoneInput<'_>) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        if line.dead {
            return;
        }
        line.phone.handle_input(self.now, input);
        while let Some(output) = self
            .lines
            .get_mut(at)
            .and_then(|line| line.phone.poll_output())
        {
            match output {
                PhoneOutput::Transmit { bytes, .. } => {
                    for after in self.weather.deliveries(&mut self.random) {
                        self.plan(after, Due::ToExchange(at, bytes.clone()));
                    }
                }
                PhoneOutput::Media(command) => {
                    self.phones_worker
                        .handle_command(self.now, command, &mut self.phones_sockets);
                }
                PhoneOutput::Happened(event) => self.told(at, &event),
                PhoneOutput::ClosePath(_) => {}
            }
        }
        self.after_phones_media();
    }

    fn told(&mut self, at: usize, event: &PhoneEvent) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        match event {
            PhoneEvent::Connected { leg } => line.leg = Some(*leg),
            PhoneEvent::Ended { .. } => line.leg = None,
            _ => {}
        }
        let plans = line.person.reacts(event, &mut self.random);
        self.plan_all(at, plans);
    }

    fn after_phones_media(&mut self) {
        self.send_sound();
        while let Some(report) = self.phones_worker.poll_report() {
            let leg = hotline_calls::leg::reported_leg(&report);
            self.phone_opened(&report);
            if let Some(at) = leg.and_then(|leg| (leg.0 / LEGS_OF_A_PHONE).checked_sub(1)) {
                self.phone(at as usize, PhoneInput::Media(report));
            }
        }
    }

    /// The judge learns whose phone has which port.
    fn phone_opened(&mut self, report: &Report) {
        let Report::Opened { leg, port } = report else {
            return;
        };
        let at = (leg.0 / LEGS_OF_A_PHONE).saturating_sub(1) as usize;
        if let (Some(ears), Some(line)) = (&mut self.ears, self.lines.get(at)) {
            let seat = line.person.seat().map(Who::Seat);
            ears.phone_opened(*port, seat.unwrap_or(Who::Citizen(at)));
        }
    }

    fn send_sound(&mut self) {
        let mut sent = Vec::new();
        for media in &mut self.media {
            sent.append(&mut media.sockets.sent);
        }
        sent.append(&mut self.phones_sockets.sent);
        for (from, to, packet) in sent {
            self.plan(SOUND_DELAY, Due::Sound { from, to, packet });
        }
    }

    fn sound(&mut self, from: SocketAddr, to: SocketAddr, packet: &[u8]) {
        if to.ip() == EXCHANGE.ip() {
            let heard = self.media.iter_mut().find_map(|media| {
                let slot = media.sockets.slot(to.port())?;
                Some((media, slot))
            });
            if let Some((media, slot)) = heard {
                let (worker, sockets) = (&mut media.worker, &mut media.sockets);
                worker.handle_packet(self.now, slot, from, packet, sockets);
                self.after_media();
            }
        } else if let Some(slot) = self.phones_sockets.slot(to.port()) {
            self.phones_worker.handle_packet(
                self.now,
                slot,
                from,
                packet,
                &mut self.phones_sockets,
            );
            self.after_phones_media();
        }
    }
}

/// The SIP address of a line.
fn address(at: usize) -> SocketAddr {
    let at = at as u32;
    SocketAddr::from((Ipv4Addr::from(0x0a02_0000 + at), 5060))
}

fn line_at(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => u32::from(ip).checked_sub(0x0a02_0000).map(|at| at as usize),
        IpAddr::V6(_) => None,
    }
}
