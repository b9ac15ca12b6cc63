//! What the worker needs of the world outside.

use core::net::{IpAddr, SocketAddr};

use crate::{Block, secure::ice::Ufrag};

/// A leg's place in the worker's table: small, dense, and given to another leg after
/// [`Wire::close`]. The world keeps its sockets by it, so that a packet costs no search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub usize);

/// The network and the recorder, as the worker sees them.
pub trait Wire {
    /// Binds a port of our `address` for a leg.
    ///
    /// # Errors
    /// Why there is none, in a few words.
    fn open(&mut self, slot: Slot, address: IpAddr) -> Result<u16, String>;

    /// Opens a port of our `address` for a leg to come; `None` where there is none to spare. By
    /// itself a world opens none beforehand.
    fn prepare(&mut self, address: IpAddr) -> Option<u16> {
        let _ = address;
        None
    }

    /// Gives a leg a port that [`Wire::prepare`] opened, and throws away what came there before.
    /// False where that port is not ready.
    fn open_prepared(&mut self, slot: Slot, address: IpAddr, port: u16) -> bool {
        let _ = (slot, address, port);
        false
    }

    /// Gives a browser's leg its place at the shared port: checks find it by this ufrag, all else by
    /// the address of [`Wire::found`]. The port's number.
    ///
    /// # Errors
    /// Why there is none, in a few words. By itself a world has no shared port.
    fn open_shared(&mut self, slot: Slot, ufrag: Ufrag) -> Result<u16, String> {
        let _ = (slot, ufrag);
        Err("no port for browsers is configured".to_owned())
    }

    /// The leg of a shared port is at this address from now on, and no longer at another.
    fn found(&mut self, slot: Slot, peer: SocketAddr) {
        let _ = (slot, peer);
    }

    /// Frees the leg's port.
    fn close(&mut self, slot: Slot);

    /// Sends a packet. False when the network did not take it: it is lost, as packets are.
    fn send(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool;

    /// Sends a packet from the port beside the leg's, which is bound with the first one. False when
    /// the network did not take it.
    fn send_control(&mut self, slot: Slot, to: SocketAddr, packet: &[u8]) -> bool {
        let _ = (slot, to, packet);
        false
    }

    /// Takes a packet that has arrived for the leg: its length and where it came from. Called in
    /// ticks for legs that are not watched. A world that hands over each packet by
    /// [`Worker::handle_packet`](super::Worker::handle_packet) has none here.
    fn receive(&mut self, slot: Slot, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let _ = (slot, buffer);
        None
    }

    /// Whether the leg's packets shall be handed over as they arrive (a bridge must not wait), or
    /// will be fetched in ticks (waking up for each would cost more than the packet).
    fn watch(&mut self, slot: Slot, on_arrival: bool) {
        let _ = (slot, on_arrival);
    }

    /// Passes a block to the recorder without waiting. False when there is no room.
    fn record(&mut self, block: &Block) -> bool;
}
