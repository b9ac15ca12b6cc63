//! The way a message came or goes: transport, both addresses, and the connection.

use core::{fmt, net::SocketAddr};

use crate::message::Framing;

/// A transport this engine speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// Datagrams: messages may be lost, doubled or reordered, so transactions retransmit.
    Udp,
    /// A stream: the transport retransmits, transactions do not (RFC 3261 §17).
    Tcp,
    /// A stream under TLS (RFC 3261 §26.2.1).
    Tls,
    /// A WebSocket: a message a frame (RFC 7118).
    Ws,
    /// A WebSocket under TLS.
    Wss,
}

impl Transport {
    /// Whether the transport itself delivers or reports a failure (RFC 3261 §17.1.1.2).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether strangers on the way can neither read nor change what goes by it.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether the peer is a browser, to which no connection can be opened (RFC 7118 §5).
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// How this transport shows where a message ends. A WebSocket frames each message by itself
    /// and needs no Content-Length, as a datagram (RFC 7118 §5.2).
    pub const fn framing(self) -> Framing {
        match self {
            Self::Udp | Self::Ws | Self::Wss => Framing::Datagram,
            Self::Tcp | Self::Tls => Framing::Stream,
        }
    }

    /// The name in a Via header's sent-protocol (RFC 3261 §20.42).
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The value of a URI's `transport` parameter (RFC 3261 §19.1.1; both kinds of WebSocket have
    /// one name, RFC 7118 §5.2).
    pub const fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.via_name())
    }
}

/// Where a message came from or goes to.
///
/// `local` is the address peers can reach this engine at, not a wildcard: it is written into Via
/// and Contact headers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path {
    /// The transport.
    pub transport: Transport,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
    /// For a stream the connection's number, never reused while anything may still refer to it; 0 asks
    /// for any connection to `remote`, to be opened where there is none. Always 0 for UDP.
    pub connection: u64,
}

impl Path {
    /// A datagram path.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            transport: Transport::Udp,
            local,
            remote,
            connection: 0,
        }
    }

    /// A TCP path over connection number `connection`.
    pub const fn tcp(local: SocketAddr, remote: SocketAddr, connection: u64) -> Self {
        Self::stream(Transport::Tcp, local, remote, connection)
    }

    /// A path over connection number `connection` of any transport that has connections.
    pub const fn stream(
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        connection: u64,
    ) -> Self {
        Self {
            transport,
            local,
            remote,
            connection,
        }
    }

    /// The same path for a new request, with any connection to the same peer.
    #[must_use]
    pub const fn afresh(mut self) -> Self {
        self.connection = 0;
        self
    }

    /// Whether a message to `self` is stopped by the loss of `lost`.
    ///
    /// A lost connection stops what names it, and what waited for a connection to the same
    /// peer (RFC 3261 §18.4). An ICMP error on UDP stops what goes to that peer.
    pub fn is_lost_with(&self, lost: &Self) -> bool {
        self.transport == lost.transport
            && self.remote == lost.remote
            && (self.connection == lost.connection || self.connection == 0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.remote)?;
        if self.connection != 0 {
            write!(f, " #{}", self.connection)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_lost_connection_takes_only_its_own_traffic() {
        let lost = Path::tcp(at(5060), at(40_000), 7);
        assert!(Path::tcp(at(5060), at(40_000), 7).is_lost_with(&lost));
        assert!(Path::tcp(at(5060), at(40_000), 0).is_lost_with(&lost));
        assert!(!Path::tcp(at(5060), at(40_000), 8).is_lost_with(&lost));
        assert!(!Path::udp(at(5060), at(40_000)).is_lost_with(&lost));
        assert!(!Path::tcp(at(5060), at(40_001), 7).is_lost_with(&lost));
    }

    #[test]
    fn a_path_reads_as_a_line() {
        assert_eq!(
            Path::tcp(at(5060), at(40_000), 7).to_string(),
            "TCP 127.0.0.1:40000 #7"
        );
        assert_eq!(Path::udp(at(5060), at(9)).to_string(), "UDP 127.0.0.1:9");
    }
}
