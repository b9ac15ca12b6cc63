//! Requests too long for a datagram go over a stream (RFC 3261 §18.1.1), and by datagram after
//! all to a peer that opens none.
//!
//! A request that asks for an answer is about to get one as long, and fragments of datagrams are
//! lost at firewalls. So a long request goes over TCP to the same address and port, under a Via
//! and a Contact of TCP, and a dialog it makes stays there. Where the connection cannot be opened,
//! or brings no response in [`limits::SIP_OPENING_S`], the same request goes as a datagram under a
//! new branch, and for a while the peer is not asked again. (A peer that is merely slow may then
//! see the request twice, and answers the second 482 as merged, §8.2.2.2; the first is the one
//! that is rare.)

use core::{net::SocketAddr, time::Duration};
use std::collections::BTreeMap;

use hotline_model::{Instant, limits};

use super::{
    Endpoint,
    client::{Cancel, Sent},
    effects::Owner,
};
use crate::{
    path::{Path, Transport},
    transaction::TransactionId,
};

/// Peers that took no connection, and until when that is remembered.
#[derive(Debug, Default)]
pub(super) struct DatagramOnly {
    until: BTreeMap<SocketAddr, Instant>,
}

impl DatagramOnly {
    fn add(&mut self, now: Instant, remote: SocketAddr) {
        self.until.retain(|_, until| *until > now);
        while self.until.len() >= limits::SIP_DATAGRAM_ONLY_PEERS {
            let oldest = self.until.iter().min_by_key(|(_, until)| **until);
            let Some(oldest) = oldest.map(|(remote, _)| *remote) else {
                break;
            };
            self.until.remove(&oldest);
        }
        let life = Duration::from_secs(limits::SIP_DATAGRAM_ONLY_S);
        self.until.insert(remote, now + life);
    }

    fn has(&self, now: Instant, remote: &SocketAddr) -> bool {
        self.until.get(remote).is_some_and(|until| *until > now)
    }
}

impl Endpoint {
    /// The stream that a request of `bytes` takes instead of the datagram `path`.
    pub(super) fn stream_for(&self, bytes: usize, path: &Path) -> Option<Path> {
        let long = path.transport == Transport::Udp && bytes > self.settings.datagram_bytes;
        (long && !self.datagram_only.has(self.fx.now, &path.remote))
            .then(|| Path::tcp(path.local, path.remote, 0))
    }

    /// A request that was too long for a datagram could not be sent over a stream: sends it as a
    /// datagram. `false` where there is nothing of the kind to do.
    pub(super) fn fell_back(&mut self, id: TransactionId) -> bool {
        let Some(client) = self.clients.get(id) else {
            return false;
        };
        let (stream, sent) = (client.path(), &client.context);
        if !sent.unheard_stream || sent.cancel != Cancel::No {
            return false;
        }
        let (about, mut retry) = (sent.about, sent.repeated());
        let now = self.fx.now;
        self.datagram_only.add(now, stream.remote);
        if self.renumbered(&mut retry).is_none() {
            return false;
        }
        let retry = self.send(retry, Path::udp(stream.local, stream.remote));
        self.retried(about, id, retry);
        true
    }

    /// A stream brought no response in time.
    pub(super) fn opening_time_over(&mut self, id: TransactionId) {
        if self.fell_back(id) {
            self.fx.stop_all(Owner::Client(id));
            self.clients.remove(id);
        }
    }
}

impl Sent {
    /// The same request, to be sent by another way.
    fn repeated(&self) -> Self {
        let mut again = Self::new(self.about, self.blueprint.clone(), self.credentials.clone());
        again.ring_until = self.ring_until;
        again.fork = self.fork;
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_peers_are_remembered_and_so_long() {
        let mut peers = DatagramOnly::default();
        let at = |port| SocketAddr::from(([10, 0, 0, 2], port));
        let start = Instant::START;
        for port in 0..=u16::try_from(limits::SIP_DATAGRAM_ONLY_PEERS).unwrap() {
            peers.add(start + Duration::from_millis(port.into()), at(port));
        }
        assert_eq!(peers.until.len(), limits::SIP_DATAGRAM_ONLY_PEERS);
        assert!(!peers.has(start, &at(0)) && peers.has(start, &at(1)));
        let later = start + Duration::from_secs(limits::SIP_DATAGRAM_ONLY_S + 1);
        assert!(!peers.has(later, &at(9)));
        peers.add(later, at(9));
        assert_eq!(peers.until.len(), 1);
    }
}
