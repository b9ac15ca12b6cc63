//! SIP over UDP: a socket for each local address, drained in batches.

use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, UdpSocket as StdUdpSocket},
    task::Poll,
};

use hotline_calls::Path;
use hotline_model::limits::{SIP_DATAGRAM_BYTES, SIP_SOCKET_BYTES};
use socket2::SockRef;
use tokio::net::UdpSocket;

/// The signalling sockets.
pub struct Datagrams {
    sockets: Vec<(SocketAddr, UdpSocket)>,
    /// Whose turn it is: a flood at one address must not silence the others.
    turn: usize,
    buffer: Vec<u8>,
}

impl Datagrams {
    /// Takes over bound sockets; within a runtime.
    pub fn new(sockets: Vec<StdUdpSocket>) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(|socket| {
            socket.set_nonblocking(true)?;
            // Where the kernel gives less, a flood overflows sooner; nothing else is lost.
            let _ = SockRef::from(&socket).set_recv_buffer_size(SIP_SOCKET_BYTES);
            Ok((socket.local_addr()?, UdpSocket::from_std(socket)?))
        });
        Ok(Self {
            sockets: sockets.collect::<io::Result<_>>()?,
            turn: 0,
            buffer: vec![0; SIP_DATAGRAM_BYTES],
        })
    }

    /// The first address it is bound to.
    pub fn local(&self) -> Option<SocketAddr> {
        self.sockets.first().map(|&(local, _)| local)
    }

    /// Waits until a datagram is there.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| {
            for (_, socket) in &self.sockets {
                if let Poll::Ready(ready) = socket.poll_recv_ready(context) {
                    return Poll::Ready(ready);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The next datagram that is already there. An ICMP error is reported as a lost path where
    /// the kernel says whose it is not: a datagram socket that is not connected gets none.
    pub fn next(&mut self) -> Option<(Path, &[u8])> {
        let count = self.sockets.len();
        for n in 0..count {
            let place = (self.turn + n) % count;
            let (local, socket) = self.sockets.get(place)?;
            if let Some((length, remote)) = receive(socket, &mut self.buffer) {
                self.turn = (place + 1) % count;
                let bytes = self.buffer.get(..length)?;
                return Some((Path::udp(*local, remote), bytes));
            }
        }
        None
    }

    /// Sends a datagram from the path's local address. A full socket buffer is a lost datagram,
    /// which the transaction sends again (RFC 3261 §17); any other error is the path's end.
    pub fn send(&self, path: Path, bytes: &[u8]) -> Result<(), Path> {
        let mut sockets = self.sockets.iter();
        let (_, socket) = sockets
            .find(|(local, _)| *local == path.local)
            .ok_or(path)?;
        match socket.try_send_to(bytes, path.remote) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(path),
        }
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.try_recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
