//! The world: virtual time, and everything that happens in it in the order of time.

mod carrier;
mod people;
mod restart;
mod sound;

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hotline_calls::{
    Exchange, Input, Output, Path,
    exchange::BeforeStage,
    phone::{Phone, PhoneInput},
    settings::Settings,
};
use hotline_media::{
    Clip, Command,
    worker::{Slot, Worker},
};
use hotline_model::{CallId, Instant, LegId, Timestamp, event::Stamped};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use crate::{
    actors::{Deed, Person},
    checks::Checks,
    ears::Ears,
    network::{CARRIER, EXCHANGE, Sockets, Weather},
    town,
};
use carrier::Carrier;
use sound::{Media, PORTS};

/// Where all phones' sound lives.
const PHONES_MEDIA: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1));

/// Legs of one phone have numbers of their own.
const LEGS_OF_A_PHONE: u64 = 1 << 20;

/// The wall clock when the world begins.
const WALL: Timestamp = Timestamp(1_795_305_600_000);

/// Something that will happen.
enum Due {
    /// A SIP message reaches the exchange.
    ToExchange(SocketAddr, Arc<[u8]>),
    /// A SIP message reaches a phone.
    ToPhone(usize, Path, Arc<[u8]>),
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
    /// The engine is killed and starts anew.
    Restart,
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
    settings: Settings,
    exchange: Exchange,
    carrier: Carrier,
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
        let threads = settings.media_threads;
        let checks = Checks::of(&settings);
        let mut world = Self {
            now: Instant::START,
            weather,
            due: BTreeMap::new(),
            number: 0,
            exchange: Exchange::new(settings.clone(), exchange_seed, CallId(1), WALL),
            settings,
            carrier: Carrier::default(),
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
            checks,
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

    /// What happened, in the journal's words; not what is for audits alone.
    pub fn journal(&self) -> &[Stamped] {
        &self.journal
    }

    /// How promises of a callback ended: how, and how often.
    pub fn promises(&self) -> &BTreeMap<&'static str, usize> {
        self.checks.promises()
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
                Some((_, Due::ToExchange(from, bytes))) => {
                    let path = Path::udp(EXCHANGE, from);
                    self.exchange(Input::Received {
                        path,
                        bytes: &bytes,
                    });
                }
                Some((_, Due::ToPhone(at, path, bytes))) => {
                    let bytes = &bytes;
                    self.phone(at, PhoneInput::Received { path, bytes });
                }
                Some((_, Due::Sound { from, to, packet })) => self.sound(from, to, &packet),
                Some((_, Due::Deed(at, deed))) => self.does(at, &deed),
                Some((_, Due::ThreadLost(at))) => self.thread_lost(at),
                Some((_, Due::Restart)) => self.restart(),
                None => {}
            },
        }
    }

    /// The engine is killed and started anew at that time.
    pub fn restart_at(&mut self, time: Duration) {
        self.number += 1;
        let due = (Instant::START + time, self.number);
        self.due.insert(due, Due::Restart);
    }

    fn plan(&mut self, after: Duration, due: Due) {
        self.number += 1;
        self.due.insert((self.now + after, self.number), due);
    }

    /// A datagram leaves the exchange.
    fn transmit(&mut self, to: SocketAddr, bytes: &Arc<[u8]>) {
        let line = if to == CARRIER {
            let heard = self
                .carrier
                .hears(bytes, self.lines.len(), &mut self.random);
            if let Some(number) = heard.calls {
                self.checks.calls_citizen(&number);
            }
            heard.line
        } else {
            line_at(to)
        };
        let Some((at, line)) = line.and_then(|at| Some((at, self.lines.get(at)?))) else {
            return;
        };
        let local = if to == CARRIER { to } else { line.path.local };
        let path = Path::udp(local, EXCHANGE);
        self.sent.push((at, bytes.clone()));
        for after in self.weather.deliveries(&mut self.random) {
            self.plan(after, Due::ToPhone(at, path, bytes.clone()));
        }
    }

    fn happened(&mut self, stamped: Stamped) {
        self.checks.happened(&stamped);
        if stamped.event.is_for_audit() {
            return;
        }
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

    /// Lets the exchange see an input and carries out what it decides.
    fn exchange(&mut self, input: Input<'_>) {
        self.exchange.handle_input(self.now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Transmit { path, bytes } => self.transmit(path.remote, &bytes),
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
                Output::Event(stamped) => self.happened(stamped),
                Output::ClosePath(_)
                | Output::BeginRecording { .. }
                | Output::MeasureInvite { .. }
                | Output::OrderDone { .. } => {}
            }
        }
        self.after_media();
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
