//! The ports of a media thread at one of our addresses: which are free, which rest, and which are
//! open already for legs to come.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use hotline_model::limits::{MEDIA_PORT_REST_MS, MEDIA_PORT_STRAYS};
use mio::net::UdpSocket;

use super::sockets::mark_expedited;

/// Rest of a port after its leg.
const REST: Duration = Duration::from_millis(MEDIA_PORT_REST_MS);

/// See the module.
pub(super) struct Ports {
    address: IpAddr,
    /// In the order in which they are to be used: one is used again as late as possible, so that
    /// packets of the call before do not meet the next.
    free: VecDeque<Free>,
    ready: BTreeMap<u16, UdpSocket>,
}

/// A port that is not open.
struct Free {
    port: u16,
    closed: Option<Instant>,
}

impl Free {
    fn rests(&self, now: Instant) -> bool {
        let since = |closed| now.saturating_duration_since(closed);
        self.closed.is_some_and(|closed| since(closed) < REST)
    }
}

impl Ports {
    /// The even ones of this range, of this address: none open.
    pub(super) fn new(address: IpAddr, range: &RangeInclusive<u16>) -> Self {
        let even = range.clone().filter(|port| port % 2 == 0);
        let free = even.map(|port| Free { port, closed: None });
        Self {
            address,
            free: free.collect(),
            ready: BTreeMap::new(),
        }
    }

    /// Opens one; one that rests where there is no other.
    ///
    /// # Errors
    /// When all are taken, by us or by other programs, or the system has no socket.
    pub(super) fn open(&mut self, now: Instant) -> io::Result<(u16, UdpSocket)> {
        let opened = match self.open_next(Some(now))? {
            None => self.open_next(None)?,
            opened => opened,
        };
        opened.ok_or_else(|| io::Error::other("all RTP ports are in use"))
    }

    /// Whether one more may be kept for legs to come: three times as many stay for those who come
    /// before they were told of what is ready.
    pub(super) fn has_to_spare(&self) -> bool {
        (self.ready.len() + 1) * 3 <= self.free.len()
    }

    /// Opens one that does not rest, for a leg to come.
    pub(super) fn prepare(&mut self, now: Instant) -> Option<u16> {
        let (port, socket) = self.open_next(Some(now)).ok().flatten()?;
        self.ready.insert(port, socket);
        Some(port)
    }

    /// One that was opened for a leg to come, without what came there until now: it was for nobody,
    /// or for the leg before.
    pub(super) fn take(&mut self, port: u16) -> Option<UdpSocket> {
        let socket = self.ready.remove(&port)?;
        let strays = (0..MEDIA_PORT_STRAYS).take_while(|_| socket.recv_from(&mut []).is_ok());
        let strays = strays.count();
        if strays > 0 {
            tracing::debug!(port, strays, "packets came before the port was a leg's");
        }
        Some(socket)
    }

    /// A leg is gone from this one.
    pub(super) fn closed(&mut self, port: u16, now: Instant) {
        let closed = Some(now);
        self.free.push_back(Free { port, closed });
    }

    /// Opens the next; `None` where other programs have them all, or it still rests at this instant.
    fn open_next(&mut self, rested_by: Option<Instant>) -> io::Result<Option<(u16, UdpSocket)>> {
        for _ in 0..self.free.len() {
            // Those behind one that rests were closed after it.
            let rests = |free: &Free| rested_by.is_some_and(|now| free.rests(now));
            if self.free.front().is_none_or(rests) {
                return Ok(None);
            }
            let Some(Free { port, .. }) = self.free.pop_front() else {
                return Ok(None);
            };
            match UdpSocket::bind(SocketAddr::new(self.address, port)) {
                Ok(socket) => {
                    mark_expedited(&socket, self.address);
                    return Ok(Some((port, socket)));
                }
                Err(error) => {
                    self.free.push_back(Free { port, closed: None });
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(error);
                    }
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket as StdSocket};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_port_rests_after_its_leg_while_others_are_free() {
        let start = Instant::now();
        let mut ports = Ports::new(HERE, &(41_901..=41_906));
        let (first, socket) = ports.open(start).unwrap();
        assert_eq!(first, 41_902);
        drop(socket);
        ports.closed(first, start);
        let second = ports.prepare(start);
        assert_eq!(second, Some(41_904));
        let third = ports.prepare(start);
        assert_eq!(third, Some(41_906));
        // Nothing that rests is opened beforehand; a leg that has no other gets it.
        assert_eq!(ports.prepare(start), None);
        let before = start + REST - Duration::from_millis(1);
        assert_eq!(ports.prepare(before), None);
        assert_eq!(ports.open(start).unwrap().0, first);
        ports.closed(first, start);
        assert_eq!(ports.prepare(start + REST), Some(first));
        assert!(ports.open(start + REST).is_err());
        // Each is given out once, and only one that is ready.
        assert!(ports.take(41_904).is_some());
        assert!(ports.take(41_904).is_none());
    }

    #[test]
    fn what_is_kept_ready_never_leaves_too_few_for_who_comes_before_it_is_told() {
        let now = Instant::now();
        let mut ports = Ports::new(HERE, &(41_920..=41_943));
        let mut ready = 0;
        while ports.has_to_spare() {
            ready += usize::from(ports.prepare(now).is_some());
        }
        assert_eq!(ready, 3);
        let opened = (0..20).filter(|_| ports.open(now).is_ok()).count();
        assert_eq!(opened, 9);
        assert!(!Ports::new(HERE, &(41_944..=41_947)).has_to_spare());
    }

    #[test]
    fn another_program_s_port_is_passed_over_until_it_is_free() {
        let taken = StdSocket::bind((HERE, 41_912)).unwrap();
        let now = Instant::now();
        let mut ports = Ports::new(HERE, &(41_912..=41_914));
        assert_eq!(ports.prepare(now), Some(41_914));
        assert_eq!(ports.prepare(now), None);
        drop(taken);
        assert_eq!(ports.open(now).unwrap().0, 41_912);
    }

    #[test]
    fn each_address_has_all_ports() {
        let now = Instant::now();
        for address in [HERE, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let mut ports = Ports::new(address, &(41_916..=41_917));
            assert_eq!(ports.prepare(now), Some(41_916));
            let taken = ports.take(41_916).unwrap();
            assert_eq!(
                taken.local_addr().unwrap(),
                SocketAddr::new(address, 41_916)
            );
        }
    }
}
