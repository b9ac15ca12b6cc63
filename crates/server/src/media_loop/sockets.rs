//! The sockets of a media thread's legs.
//!
//! They are not connected: the kernel would then refuse strangers' packets by itself and save a few
//! per cent, but nobody could count them, and injected sound is worth knowing of.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{
    Block,
    secure::ice::Ufrag,
    worker::{Slot, Wire},
};
use mio::{Interest, Registry, Token, net::UdpSocket};
use socket2::SockRef;

use super::{BLOCKS_DROPPED, CONTROL, Settings, ports::Ports, shared::Shared};

/// DSCP Expedited Forwarding (RFC 3246; RFC 4594 §4.1: telephony), in the upper six bits of the
/// TOS byte.
const EXPEDITED: u32 = 46 << 2;

/// The sockets of a thread's legs, by slot, and the ring to the recorder.
pub(super) struct Sockets {
    settings: Settings,
    registry: Registry,
    blocks: Arc<ArrayQueue<Block>>,
    by_slot: Vec<Option<Port>>,
    /// The port of browsers, where they are served.
    shared: Option<Shared>,
    /// The ports of each of our addresses that a leg had.
    ports: BTreeMap<IpAddr, Ports>,
}

/// A leg's.
struct Port {
    address: IpAddr,
    number: u16,
    socket: UdpSocket,
    /// For RTCP, beside it; bound with the first report.
    control: Option<UdpSocket>,
    watched: bool,
}

impl Sockets {
    pub(super) fn new(
        settings: Settings,
        registry: Registry,
        blocks: Arc<ArrayQueue<Block>>,
    ) -> Self {
        Self {
            settings,
            registry,
            blocks,
            by_slot: Vec::new(),
            shared: None,
            ports: BTreeMap::new(),
        }
    }

    /// Serves browsers by this port from now on.
    pub(super) fn share(&mut self, shared: Shared) {
        self.shared = Some(shared);
    }

    /// The next datagram of the shared port.
    pub(super) fn receive_shared(
        &self,
        buffer: &mut [u8],
    ) -> Option<(usize, SocketAddr, Option<Slot>)> {
        self.shared.as_ref()?.receive(buffer)
    }

    fn ports_of(&mut self, address: IpAddr) -> &mut Ports {
        let range = &self.settings.ports;
        let ports = self.ports.entry(address);
        ports.or_insert_with(|| Ports::new(address, range))
    }

    /// The leg of this slot has this port from now on.
    fn give(&mut self, slot: Slot, address: IpAddr, number: u16, socket: UdpSocket) {
        if self.by_slot.len() <= slot.0 {
            self.by_slot.resize_with(slot.0 + 1, || None);
        }
        if let Some(entry) = self.by_slot.get_mut(slot.0) {
            *entry = Some(Port {
                address,
                number,
                socket,
                control: None,
                watched: false,
            });
        }
    }

    /// Binds the port beside a leg's (RFC 3550 §11). Where another program has it, the leg goes
    /// without reports.
    fn bind_control(&mut self, slot: Slot) {
        let registry = &self.registry;
        let Some(port) = self.by_slot.get_mut(slot.0).and_then(Option::as_mut) else {
            return;
        };
        let Ok(mut at) = port.socket.local_addr() else {
            return;
        };
        at.set_port(at.port() | 1);
        let bound = UdpSocket::bind(at).and_then(|mut socket| {
            let token = Token(slot.0 | CONTROL);
            registry.register(&mut socket, token, Interest::READABLE)?;
            Ok(socket)
        });
        match bound {
            Ok(socket) => port.control = Some(socket),
            Err(error) => tracing::debug!(%at, %error, "no port for RTCP"),
        }
    }

    /// A packet that arrived at a leg's RTCP port.
    pub(super) fn receive_control(
        &mut self,
        slot: Slot,
        buffer: &mut [u8],
    ) -> Option<(usize, SocketAddr)> {
        let control = self.port(slot)?.control.as_ref()?;
        control.recv_from(buffer).ok()
    }

    fn port(&mut self, slot: Slot) -> Option<&mut Port> {
        self.by_slot.get_mut(slot.0)?.as_mut()
    }
}

/// Asks the network to hurry. Not every system lets it be asked for, and calls work without.
pub(super) fn mark_expedited(socket: &UdpSocket, address: IpAddr) {
    if address.is_ipv4() {
        let _ = SockRef::from(socket).set_tos_v4(EXPEDITED);
    }
}

impl Wire for Sockets {
    fn open(&mut self, slot: Slot, address: IpAddr) -> Result<u16, String> {
        let opened = self.ports_of(address).open(Instant::now());
        let (number, socket) = opened.map_err(|error| error.to_string())?;
        self.give(slot, address, number, socket);
        Ok(number)
    }

    fn prepare(&mut self, address: IpAddr) -> Option<u16> {
        let ports = self.ports_of(address);
        ports
            .has_to_spare()
            .then(|| ports.prepare(Instant::now()))?
    }

    fn open_prepared(&mut self, slot: Slot, address: IpAddr, port: u16) -> bool {
        let ready = self.ports_of(address).take(port);
        ready
            .map(|socket| self.give(slot, address, port, socket))
            .is_some()
    }

    fn open_shared(&mut self, slot: Slot, ufrag: Ufrag) -> Result<u16, String> {
        match &mut self.shared {
            Some(shared) => Ok(shared.open(slot, ufrag)),
            None => Err("no port for browsers is configured".to_owned()),
        }
    }

    fn found(&mut self, slot: Slot, peer: SocketAddr) {
        if let Some(shared) = &mut self.shared {
            shared.found(slot, peer);
        }
    }

    fn close(&mut self, slot: Slot) {
        if let Some(shared) = &mut self.shared {
            shared.close(slot);
        }
        self.watch(slot, false);
        let port = self.by_slot.get_mut(slot.0).and_then(Option::take);
        if let Some(Port {
            address, number, ..
        }) = port
        {
            self.ports_of(address).closed(number, Instant::now());
        }
    }

    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        if let Some(port) = self.port(slot) {
            return port.socket.send_to(packet, to).is_ok();
        }
        let shared = self.shared.as_ref();
        shared.and_then(|it| it.send(slot, to, packet)) == Some(true)
    }

    fn send_control(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        if self.port(slot).is_some_and(|port| port.control.is_none()) {
            self.bind_control(slot);
        }
        let control = self.port(slot).and_then(|port| port.control.as_ref());
        control.is_some_and(|socket| socket.send_to(packet, to).is_ok())
    }

    fn receive(&mut self, slot: Slot, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.port(slot)?.socket.recv_from(buffer).ok()
    }

    fn watch(&mut self, slot: Slot, on_arrival: bool) {
        let Some(port) = self.by_slot.get_mut(slot.0).and_then(Option::as_mut) else {
            return;
        };
        if port.watched == on_arrival {
            return;
        }
        let changed = if on_arrival {
            self.registry
                .register(&mut port.socket, Token(slot.0), Interest::READABLE)
        } else {
            self.registry.deregister(&mut port.socket)
        };
        match changed {
            Ok(()) => port.watched = on_arrival,
            Err(error) => tracing::error!(%error, "cannot change the watch on an RTP socket"),
        }
    }

    fn record(&mut self, block: &Block) -> bool {
        let taken = self.blocks.push(*block).is_ok();
        if !taken && matches!(block, Block::Sound(_)) {
            BLOCKS_DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}
