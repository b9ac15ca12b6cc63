//! The one port of all browsers' legs of a media thread. A check finds its leg by the ufrag in it,
//! everything else by the address that a check proved (RFC 8445 §12.2.1).

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
};

use hotline_media::{
    secure::{Kind, ice::Ufrag, ufrag_of},
    worker::Slot,
};
use mio::{Interest, Registry, net::UdpSocket};

use super::{SHARED, sockets::mark_expedited};

/// The port and who is there.
pub(super) struct Shared {
    socket: UdpSocket,
    port: u16,
    by_ufrag: HashMap<Ufrag, Slot>,
    /// Only addresses of authentic checks, one a leg: strangers put nothing in.
    by_address: HashMap<SocketAddr, Slot>,
    legs: Vec<Option<Leg>>,
}

struct Leg {
    ufrag: Ufrag,
    peer: Option<SocketAddr>,
}

impl Shared {
    /// Binds the port and watches it.
    pub(super) fn bind(address: IpAddr, port: u16, registry: &Registry) -> io::Result<Self> {
        let mut socket = UdpSocket::bind(SocketAddr::new(address, port))?;
        mark_expedited(&socket, address);
        registry.register(&mut socket, SHARED, Interest::READABLE)?;
        let port = socket.local_addr()?.port();
        Ok(Self {
            socket,
            port,
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            legs: Vec::new(),
        })
    }

    /// A leg is here from now on; the port's number.
    pub(super) fn open(&mut self, slot: Slot, ufrag: Ufrag) -> u16 {
        self.close(slot);
        if self.legs.len() <= slot.0 {
            self.legs.resize_with(slot.0 + 1, || None);
        }
        if let Some(leg) = self.legs.get_mut(slot.0) {
            *leg = Some(Leg { ufrag, peer: None });
        }
        self.by_ufrag.insert(ufrag, slot);
        self.port
    }

    /// The leg is gone.
    pub(super) fn close(&mut self, slot: Slot) {
        let Some(leg) = self.legs.get_mut(slot.0).and_then(Option::take) else {
            return;
        };
        self.by_ufrag.remove(&leg.ufrag);
        if let Some(peer) = leg.peer {
            self.forget(slot, peer);
        }
    }

    fn forget(&mut self, slot: Slot, peer: SocketAddr) {
        // Another leg may have proved the address since.
        if self.by_address.get(&peer) == Some(&slot) {
            self.by_address.remove(&peer);
        }
    }

    /// The leg's peer proved to be at this address.
    pub(super) fn found(&mut self, slot: Slot, peer: SocketAddr) {
        let Some(leg) = self.legs.get_mut(slot.0).and_then(Option::as_mut) else {
            return;
        };
        if let Some(before) = leg.peer.replace(peer) {
            self.forget(slot, before);
        }
        self.by_address.insert(peer, slot);
    }

    /// Sends for a leg; `None` where it is not here.
    pub(super) fn send(&self, slot: Slot, to: SocketAddr, packet: &[u8]) -> Option<bool> {
        self.legs.get(slot.0)?.as_ref()?;
        Some(self.socket.send_to(packet, to).is_ok())
    }

    /// The next datagram: its length, where it came from, and the leg it is for.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr, Option<Slot>)> {
        let (length, from) = self.socket.recv_from(buffer).ok()?;
        let datagram = buffer.get(..length).unwrap_or_default();
        let slot = match Kind::of(datagram) {
            Some(Kind::Stun) => ufrag_of(datagram).and_then(|ufrag| self.by_ufrag.get(&ufrag)),
            _ => self.by_address.get(&from),
        };
        Some((length, from, slot.copied()))
    }
}
