//! SIP over UDP: one socket, drained in batches.

use std::{
    io,
    net::{SocketAddr, UdpSocket as StdUdpSocket},
};

use hotline_calls::Path;
use hotline_model::limits::SIP_DATAGRAM_BYTES;
use tokio::net::UdpSocket;

/// The signalling socket.
pub struct Datagrams {
    socket: UdpSocket,
    local: SocketAddr,
    buffer: Vec<u8>,
}

impl Datagrams {
    /// Takes over a bound socket; within a runtime.
    pub fn new(socket: StdUdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        Ok(Self {
            socket,
            local,
            buffer: vec![0; SIP_DATAGRAM_BYTES],
        })
    }

    /// The address it is bound to.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until a datagram is there.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// The next datagram that is already there. An ICMP error is reported as a lost path where
    /// the kernel says whose it is not: a datagram socket that is not connected gets none.
    pub fn next(&mut self) -> Option<(Path, &[u8])> {
        loop {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((length, remote)) => {
                    let bytes = self.buffer.get(..length)?;
                    return Some((Path::udp(self.local, remote), bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Sends a datagram. A full socket buffer is a lost datagram, which the transaction sends
    /// again (RFC 3261 §17); any other error is the path's end.
    pub fn send(&self, path: Path, bytes: &[u8]) -> Result<(), Path> {
        match self.socket.try_send_to(bytes, path.remote) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(path),
        }
    }
}
