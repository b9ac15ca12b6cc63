//! The network between the exchange and the phones, as data: what was sent, when it arrives, and
//! what never does.

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};
use std::collections::{BTreeMap, BTreeSet};

use hotline_media::{
    Block,
    worker::{Slot, Wire},
};
use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};

/// How foul the weather is, in thousandths of datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Lost.
    pub lost: u32,
    /// Delivered twice.
    pub doubled: u32,
    /// Longest delay of signalling, ms; above the spacing of messages it reorders them.
    pub delay_ms: u32,
}

impl Weather {
    /// Nothing is lost.
    pub const FAIR: Self = Self {
        lost: 0,
        doubled: 0,
        delay_ms: 2,
    };

    /// Five datagrams in a hundred are lost, two doubled, many overtake each other.
    pub const FOUL: Self = Self {
        lost: 50,
        doubled: 20,
        delay_ms: 60,
    };

    /// When copies of a datagram arrive: none, one or two times from now.
    pub fn deliveries(self, random: &mut ChaCha8Rng) -> impl Iterator<Item = Duration> + use<> {
        let copies = match random.next_u32() % 1_000 {
            dice if dice < self.lost => 0,
            dice if dice < self.lost + self.doubled => 2,
            _ => 1,
        };
        let delays = [random.next_u32(), random.next_u32()];
        let longest = self.delay_ms.max(1) * 1_000;
        delays
            .into_iter()
            .take(copies)
            .map(move |dice| Duration::from_micros(u64::from(200 + dice % longest)))
    }
}

/// The address of the exchange.
pub const EXCHANGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// The address of the carrier, by whom citizens are called.
pub const CARRIER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 3, 0, 1)), 5060);

/// The sockets of one media worker: many legs, each with a port of its own.
pub struct Sockets {
    address_of: fn(Slot) -> IpAddr,
    range: RangeInclusive<u16>,
    next_port: u16,
    ports: BTreeMap<usize, u16>,
    slots: BTreeMap<u16, Slot>,
    /// Open for legs to come.
    ready: BTreeSet<u16>,
    /// Sent and not yet on the way: from, to, packet.
    pub sent: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// Blocks of recorded sound.
    pub recorded: u64,
}

impl Sockets {
    /// Sockets with ports of this range, whose addresses follow from the slot.
    pub fn new(address_of: fn(Slot) -> IpAddr, range: RangeInclusive<u16>) -> Self {
        Self {
            address_of,
            next_port: *range.start(),
            range,
            ports: BTreeMap::new(),
            slots: BTreeMap::new(),
            ready: BTreeSet::new(),
            sent: Vec::new(),
            recorded: 0,
        }
    }

    fn after(&self, port: u16) -> u16 {
        let next = port.saturating_add(2);
        if self.range.contains(&next) {
            next
        } else {
            *self.range.start()
        }
    }

    /// The next port that nobody has.
    fn free(&mut self) -> Option<u16> {
        let taken = self.slots.len() + self.ready.len();
        if taken >= self.range.clone().step_by(2).count() {
            return None;
        }
        while self.slots.contains_key(&self.next_port) || self.ready.contains(&self.next_port) {
            self.next_port = self.after(self.next_port);
        }
        let port = self.next_port;
        self.next_port = self.after(port);
        Some(port)
    }

    fn give(&mut self, slot: Slot, port: u16) {
        self.ports.insert(slot.0, port);
        self.slots.insert(port, slot);
    }

    /// The leg that listens at the port.
    pub fn slot(&self, port: u16) -> Option<Slot> {
        self.slots.get(&port).copied()
    }

    /// Ports in use.
    pub fn open_ports(&self) -> usize {
        self.ports.len()
    }
}

impl Wire for Sockets {
    fn open(&mut self, slot: Slot, _address: IpAddr) -> Result<u16, String> {
        let port = self.free().ok_or("all ports are in use")?;
        self.give(slot, port);
        Ok(port)
    }

    fn prepare(&mut self, _address: IpAddr) -> Option<u16> {
        let port = self.free()?;
        self.ready.insert(port);
        Some(port)
    }

    fn open_prepared(&mut self, slot: Slot, _address: IpAddr, port: u16) -> bool {
        let ready = self.ready.remove(&port);
        if ready {
            self.give(slot, port);
        }
        ready
    }

    fn close(&mut self, slot: Slot) {
        if let Some(port) = self.ports.remove(&slot.0) {
            self.slots.remove(&port);
        }
    }

    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        let Some(&port) = self.ports.get(&slot.0) else {
            return false;
        };
        self.sent.push((
            SocketAddr::new((self.address_of)(slot), port),
            to,
            packet.to_vec(),
        ));
        true
    }

    fn record(&mut self, _block: &Block) -> bool {
        self.recorded += 1;
        true
    }
}
