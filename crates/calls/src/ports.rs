//! Media ports that are open before anybody needs them. A leg that takes one waits for nobody: not
//! for its media thread, which may be busy with a batch of sound for milliseconds, and so a seat that
//! becomes free is rung in the same turn. Where none is ready the media thread is asked for one.
//!
//! Each media thread has a stock of each of our addresses, and a port that all its browsers share.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hotline_media::{Command, secure::ice::Ufrag};
use hotline_model::{
    LegId, MediaThread,
    limits::{MEDIA_PORTS_READY, MEDIA_PORTS_REFILL},
};

/// See the module.
#[derive(Debug, Default)]
pub struct Ports {
    stocks: BTreeMap<(MediaThread, IpAddr), Stock>,
    /// The shared port of each thread, as soon as it was told once.
    shared: BTreeMap<MediaThread, u16>,
    /// Legs by whose answer it will be.
    asking: BTreeSet<LegId>,
    /// Legs that took a port and whose owner does not know it yet.
    opened: VecDeque<(LegId, u16)>,
}

/// The ports of one address that a thread has ready.
#[derive(Debug, Default)]
struct Stock {
    ready: VecDeque<u16>,
    /// So many more were asked for and are not told yet.
    awaited: Option<usize>,
    /// The thread had fewer than were asked for: it is left alone until so many legs more were
    /// opened.
    legs_until_asked: usize,
}

impl Stock {
    /// How many more to ask for now, if any, as a leg is opened.
    fn refill(&mut self) -> Option<usize> {
        self.legs_until_asked = self.legs_until_asked.saturating_sub(1);
        let lacking = MEDIA_PORTS_READY.saturating_sub(self.ready.len());
        if self.awaited.is_some() || self.legs_until_asked > 0 || lacking < MEDIA_PORTS_REFILL {
            return None;
        }
        self.awaited = Some(lacking);
        self.awaited
    }
}

impl Ports {
    /// What to tell the leg's thread so that it has a port of this address: taken from those that
    /// are ready, and then told by [`Ports::poll_opened`], or asked for. The second, if any, has
    /// the stock refilled.
    pub fn open(&mut self, leg: LegId, address: IpAddr) -> [Option<Command>; 2] {
        let thread = leg.thread();
        let stock = self.stocks.entry((thread, address)).or_default();
        let open = match stock.ready.pop_front() {
            Some(port) => {
                self.opened.push_back((leg, port));
                Command::OpenPrepared { leg, address, port }
            }
            None => Command::Open { leg, address },
        };
        let refill = stock.refill().map(|many| Command::Prepare {
            thread,
            address,
            many,
        });
        [Some(open), refill]
    }

    /// What to tell a browser's leg's thread; as [`Ports::open`].
    pub fn join(&mut self, leg: LegId, ufrag: Ufrag) -> Command {
        if let Some(&port) = self.shared.get(&leg.thread()) {
            self.opened.push_back((leg, port));
            return Command::JoinShared { leg, ufrag };
        }
        self.asking.insert(leg);
        Command::OpenShared { leg, ufrag }
    }

    /// A thread told that a leg has this port.
    pub fn opened(&mut self, leg: LegId, port: u16) {
        if self.asking.remove(&leg) {
            self.shared.insert(leg.thread(), port);
        }
    }

    /// The leg is gone, or not to be opened where it was to be.
    pub fn forget(&mut self, leg: LegId) {
        self.asking.remove(&leg);
        self.opened.retain(|&(of, _)| of != leg);
    }

    /// A thread has these ports ready of an address.
    pub fn are_ready(&mut self, thread: MediaThread, address: IpAddr, ports: Vec<u16>) {
        let Some(stock) = self.stocks.get_mut(&(thread, address)) else {
            return;
        };
        let asked = stock.awaited.take();
        if asked.is_some_and(|asked| ports.len() < asked) {
            stock.legs_until_asked = MEDIA_PORTS_REFILL;
        }
        stock.ready.extend(ports);
    }

    /// The thread ended by a fault, and its ports with it.
    pub fn lost(&mut self, thread: MediaThread) {
        self.stocks.retain(|&(of, _), _| of != thread);
        self.shared.remove(&thread);
    }

    /// The next leg that took a port which was ready, with the port.
    pub fn poll_opened(&mut self) -> Option<(LegId, u16)> {
        self.opened.pop_front()
    }

    /// Ports that are ready, of all threads and addresses.
    pub fn ready(&self) -> usize {
        self.stocks.values().map(|stock| stock.ready.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use hotline_media::secure::ice::{Credentials, SEED_BYTES};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn leg(thread: u64, nth: u64) -> LegId {
        LegId(MediaThread::of(thread).number(nth))
    }

    /// Opens so many legs; which took a port that was ready, and what was asked for.
    fn open(ports: &mut Ports, many: usize) -> (usize, Vec<usize>) {
        let mut asked = Vec::new();
        let mut took = 0;
        for _ in 0..many {
            let [open, refill] = ports.open(leg(0, 1), HERE);
            took += usize::from(matches!(open, Some(Command::OpenPrepared { .. })));
            if let Some(Command::Prepare { many, .. }) = refill {
                asked.push(many);
            }
        }
        (took, asked)
    }

    fn told(ports: &mut Ports, many: u16) {
        let thread = MediaThread::of(0);
        ports.are_ready(
            thread,
            HERE,
            (0..many).map(|nth| 20_000 + 2 * nth).collect(),
        );
    }

    #[test]
    fn a_stock_is_filled_again_before_it_is_empty_and_asked_for_once() {
        let mut ports = Ports::default();
        assert_eq!(open(&mut ports, 3), (0, vec![MEDIA_PORTS_READY]));
        told(&mut ports, MEDIA_PORTS_READY as u16);
        assert_eq!(open(&mut ports, MEDIA_PORTS_REFILL - 1), (15, vec![]));
        assert_eq!(open(&mut ports, 20), (20, vec![MEDIA_PORTS_REFILL]));
        told(&mut ports, MEDIA_PORTS_REFILL as u16);
        assert_eq!(ports.ready(), MEDIA_PORTS_READY - 35 + MEDIA_PORTS_REFILL);
        assert_eq!(open(&mut ports, 1), (1, vec![20]));
        // Another address, and another thread, have their own.
        let six = IpAddr::V6(core::net::Ipv6Addr::LOCALHOST);
        for (thread, address) in [(0, six), (1, HERE)] {
            let [open, refill] = ports.open(leg(thread, 2), address);
            assert!(matches!(open, Some(Command::Open { .. })));
            assert!(matches!(refill, Some(Command::Prepare { address: of, .. }) if of == address));
        }
    }

    #[test]
    fn a_thread_that_has_few_is_not_asked_by_every_leg() {
        let mut ports = Ports::default();
        open(&mut ports, 1);
        told(&mut ports, 2);
        let (took, asked) = open(&mut ports, MEDIA_PORTS_REFILL - 1);
        assert_eq!((took, asked), (2, vec![]));
        assert_eq!(open(&mut ports, 1), (0, vec![MEDIA_PORTS_READY]));
    }

    #[test]
    fn who_took_a_port_is_told_in_order_unless_the_leg_is_gone() {
        let mut ports = Ports::default();
        open(&mut ports, 1);
        told(&mut ports, 3);
        for nth in 1..=3 {
            ports.open(leg(0, nth), HERE);
        }
        ports.forget(leg(0, 2));
        assert_eq!(ports.poll_opened(), Some((leg(0, 1), 20_000)));
        assert_eq!(ports.poll_opened(), Some((leg(0, 3), 20_004)));
        assert_eq!(ports.poll_opened(), None);
    }

    #[test]
    fn browsers_wait_for_their_shared_port_once() {
        let ufrag = Credentials::random(&[7; SEED_BYTES]).ufrag;
        let mut ports = Ports::default();
        let asks =
            |ports: &mut Ports, leg| matches!(ports.join(leg, ufrag), Command::OpenShared { .. });
        assert!(asks(&mut ports, leg(0, 1)));
        // A phone's port says nothing of it.
        ports.opened(leg(0, 9), 20_000);
        assert!(asks(&mut ports, leg(0, 2)));
        ports.opened(leg(0, 1), 29_999);
        assert!(!asks(&mut ports, leg(0, 3)));
        assert_eq!(ports.poll_opened(), Some((leg(0, 3), 29_999)));
        assert!(asks(&mut ports, leg(1, 4)), "another thread has another");
        ports.lost(MediaThread::of(0));
        assert!(asks(&mut ports, leg(0, 5)));
    }
}
