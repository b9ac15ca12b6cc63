//! The network between two endpoints, its weather, and what is under way in it.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use hotline_model::{Instant, SeatId};
use hotline_sip::{
    endpoint::{Endpoint, EndpointSettings, Output},
    message::{Framing, Message},
    path::{Path, Transport},
    registration::Registrar,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use crate::users::{Deed, User};

/// Chances of the weather, in thousandths of a datagram, and its longest delay.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub lost: u32,
    pub doubled: u32,
    pub slowest_ms: u32,
}

pub struct Side {
    pub endpoint: Endpoint,
    pub address: SocketAddr,
    pub user: User,
    pub registrar: Registrar,
    /// Every request sent, by branch and method; every final status sent, likewise.
    pub sent: BTreeMap<Vec<u8>, Arc<[u8]>>,
    pub finals: BTreeMap<Vec<u8>, u16>,
}

/// A thing that will happen.
pub enum Next {
    Arrive {
        to: usize,
        path: Path,
        bytes: Arc<[u8]>,
    },
    Do {
        side: usize,
        deed: Deed,
    },
    Break,
}

pub struct World {
    pub now: Instant,
    pub sides: [Side; 2],
    pub agenda: BTreeMap<(Instant, u64), Next>,
    pub order: u64,
    pub random: ChaCha8Rng,
    pub weather: Weather,
    pub transport: Transport,
    /// The stream that is open, and when its last byte arrives at each side.
    pub stream: u64,
    pub stream_busy: [Instant; 2],
    /// Requests of this method never arrive, from when on.
    pub swallowed: Option<(&'static [u8], Instant)>,
    pub seed: u64,
}

/// Session interval both sides ask for, seconds: the shortest there is, so that every call that
/// lasts has refreshes.
pub const SESSION_S: u32 = 90;

pub fn seat() -> SeatId {
    SeatId::new("1001").unwrap()
}

impl World {
    pub fn new(seed: u64, transport: Transport, weather: Weather) -> Self {
        let side = |n: u8| Side {
            endpoint: Endpoint::new(
                EndpointSettings {
                    session_expires_s: SESSION_S,
                    ..EndpointSettings::new(format!("side{n}"), format!("user{n}"), "test")
                },
                [n ^ seed as u8; 32],
            ),
            address: SocketAddr::from(([10, 0, 0, n], 5060)),
            user: User::default(),
            registrar: Registrar::new(),
            sent: BTreeMap::new(),
            finals: BTreeMap::new(),
        };
        Self {
            now: Instant::START,
            sides: [side(1), side(2)],
            agenda: BTreeMap::new(),
            order: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            weather,
            transport,
            stream: 1,
            stream_busy: [Instant::START; 2],
            swallowed: None,
            seed,
        }
    }

    pub fn chance(&mut self, thousandths: u32) -> bool {
        self.random.next_u32() % 1_000 < thousandths
    }

    pub fn between(&mut self, least_ms: u32, most_ms: u32) -> Duration {
        let ms = least_ms + self.random.next_u32() % (most_ms - least_ms + 1);
        Duration::from_millis(u64::from(ms))
    }

    pub fn at(&mut self, when: Instant, next: Next) {
        self.order += 1;
        self.agenda.insert((when, self.order), next);
    }

    pub fn plan(&mut self, side: usize, ms: u64, deed: Deed) {
        let when = Instant::START + Duration::from_millis(ms);
        self.at(when, Next::Do { side, deed });
    }

    pub fn path(&self, from: usize, connection: u64) -> Path {
        Path {
            transport: self.transport,
            local: self.sides[from].address,
            remote: self.sides[1 - from].address,
            connection,
        }
    }

    /// When something happens next.
    pub fn next_moment(&self) -> Option<Instant> {
        let wakes = self
            .sides
            .iter()
            .filter_map(|side| side.endpoint.next_wake());
        let agenda = self.agenda.keys().next().map(|key| key.0);
        wakes.chain(agenda).min()
    }

    /// Runs until nothing is left to happen, or until `end`.
    pub fn run_until(&mut self, end: Instant) {
        while let Some(now) = self.next_moment() {
            if now > end {
                return;
            }
            self.now = self.now.max(now);
            while let Some(entry) = self.agenda.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let next = entry.remove();
                self.happen(next);
            }
            for side in 0..2 {
                self.sides[side].endpoint.wake(self.now);
                self.drain(side);
            }
        }
    }

    /// Runs until nothing is left to happen; the virtual time it takes is bounded.
    pub fn run(&mut self) {
        self.run_until(Instant::START + Duration::from_secs(1_200));
        assert_eq!(
            self.next_moment(),
            None,
            "seed {}: it never ends",
            self.seed
        );
    }

    pub fn happen(&mut self, next: Next) {
        match next {
            Next::Arrive { to, path, bytes } => {
                if self.transport == Transport::Tcp && path.connection != self.stream {
                    return;
                }
                self.sides[to].endpoint.receive(self.now, path, &bytes);
                self.drain(to);
            }
            Next::Do { side, deed } => {
                self.act(side, deed);
                self.drain(side);
            }
            Next::Break => {
                let broken = self.stream;
                self.stream += 1;
                for side in 0..2 {
                    let path = self.path(side, broken);
                    self.sides[side].endpoint.path_lost(self.now, path);
                    self.drain(side);
                }
            }
        }
    }

    pub fn drain(&mut self, side: usize) {
        while let Some(output) = self.sides[side].endpoint.poll_output() {
            match output {
                Output::Transmit { path, bytes } => self.transmit(side, path, bytes),
                Output::Event(event) => self.hear(side, event),
                Output::ClosePath(_) => {}
            }
        }
    }

    pub fn transmit(&mut self, from: usize, path: Path, bytes: Arc<[u8]>) {
        self.watch(from, &bytes);
        assert_eq!(path.remote, self.sides[1 - from].address);
        if let Some((method, since)) = self.swallowed
            && bytes.starts_with(method)
            && self.now >= since
        {
            return;
        }
        if self.transport == Transport::Tcp {
            if path.connection != 0 && path.connection != self.stream {
                // The connection is gone: the shell says so.
                self.sides[from].endpoint.path_lost(self.now, path);
                return;
            }
            let delay = self.between(1, 40);
            let when = (self.now + delay).max(self.stream_busy[1 - from]);
            self.stream_busy[1 - from] = when;
            let path = self.path(1 - from, self.stream);
            return self.at(
                when,
                Next::Arrive {
                    to: 1 - from,
                    path,
                    bytes,
                },
            );
        }
        let copies = match (
            self.chance(self.weather.lost),
            self.chance(self.weather.doubled),
        ) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        for _ in 0..copies {
            let delay = self.between(1, self.weather.slowest_ms);
            let path = self.path(1 - from, 0);
            let bytes = Arc::clone(&bytes);
            self.at(
                self.now + delay,
                Next::Arrive {
                    to: 1 - from,
                    path,
                    bytes,
                },
            );
        }
    }

    /// What a wire may never carry.
    pub fn watch(&mut self, from: usize, bytes: &Arc<[u8]>) {
        let seed = self.seed;
        let framing = match self.transport {
            Transport::Udp | Transport::Ws | Transport::Wss => Framing::Datagram,
            Transport::Tcp | Transport::Tls => Framing::Stream,
        };
        let message = Message::parse(bytes, framing).expect("our own message");
        let mut key = message.via().branch().unwrap().to_vec();
        key.push(b' ');
        key.extend_from_slice(message.cseq().1.as_bytes());
        let side = &mut self.sides[from];
        if message.is_request() {
            let first = side.sent.entry(key).or_insert_with(|| Arc::clone(bytes));
            assert_eq!(
                first, bytes,
                "seed {seed}: a retransmission is the same message"
            );
        } else if message.status() >= 200 {
            let status = *side.finals.entry(key.clone()).or_insert(message.status());
            assert_eq!(status, message.status(), "seed {seed}: one final status");
        } else {
            assert!(
                !side.finals.contains_key(&key),
                "seed {seed}: nothing provisional after a final response"
            );
        }
    }
}

pub const FAIR: Weather = Weather {
    lost: 0,
    doubled: 0,
    slowest_ms: 30,
};

/// From fair to foul by seed; delays up to 400 ms reorder everything.
pub fn weather(seed: u64) -> Weather {
    Weather {
        lost: [0, 50, 150, 300][seed as usize % 4],
        doubled: [0, 100, 300][seed as usize % 3],
        slowest_ms: [20, 100, 400][seed as usize / 4 % 3],
    }
}

pub fn world(seed: u64) -> World {
    World::new(seed, Transport::Udp, weather(seed))
}
