//! Messages that came and wait for their turn: what is under way first, then as much new work as
//! there is time for. So the work a loop has taken in is always done before it takes in more, and
//! how much it can take needs neither measuring nor guessing.

use std::collections::VecDeque;

use core::time::Duration;

use hotline_model::{
    Instant, TrunkId,
    limits::{NEW_WAITING, NEW_WAITING_MS, ONGOING_WAITING},
};
use hotline_sip::{message::Glance, path::Path};

/// Who asks for new work, those whose work is taken first being first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// A carrier's line.
    Trunk,
    /// A seat's phone that has proved itself.
    Seat,
    /// Anybody else.
    Stranger,
}

/// One in so many new requests is a seat's or a stranger's, however many the trunks bring: a
/// phone has to renew its registration on the busiest day.
const TURNS: u32 = 8;

/// A message's coming.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// By which way.
    pub path: Path,
    /// The trunk it came from, where it is one's.
    pub trunk: Option<TrunkId>,
    /// What it is.
    pub glance: Glance,
}

impl Arrival {
    /// Whether it is too late to begin with it.
    pub fn is_stale(&self, now: Instant) -> bool {
        let longest = Duration::from_millis(NEW_WAITING_MS);
        self.glance != Glance::Ongoing && now.since(self.at) > longest
    }
}

/// A message that waits.
type Waiting = (Arrival, Vec<u8>);

/// The queues.
#[derive(Debug, Default)]
pub struct Intake {
    ongoing: VecDeque<Waiting>,
    trunks: VecDeque<Waiting>,
    seats: VecDeque<Waiting>,
    strangers: VecDeque<Waiting>,
    turn: u32,
    /// Room of messages that were served, for the next ones.
    spare: Vec<Vec<u8>>,
}

impl Intake {
    /// Whether a message may be put in.
    pub fn has_room(&self) -> bool {
        self.ongoing.len() < ONGOING_WAITING
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        [&self.ongoing, &self.trunks, &self.seats, &self.strangers]
            .iter()
            .all(|queue| queue.is_empty())
    }

    /// Puts a message in; `false` where it is new work and too much of it waits already.
    pub fn put(&mut self, class: Class, arrival: Arrival, bytes: &[u8]) -> bool {
        let queue = match (arrival.glance, class) {
            (Glance::Ongoing | Glance::Nothing, _) => &mut self.ongoing,
            (_, Class::Trunk) => &mut self.trunks,
            (_, Class::Seat) => &mut self.seats,
            (_, Class::Stranger) => &mut self.strangers,
        };
        let is_new = matches!(arrival.glance, Glance::NewInvite | Glance::NewOther);
        if is_new && queue.len() >= NEW_WAITING {
            return false;
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.extend_from_slice(bytes);
        queue.push_back((arrival, kept));
        true
    }

    /// The message whose turn it is.
    pub fn next(&mut self) -> Option<Waiting> {
        if let Some(ongoing) = self.ongoing.pop_front() {
            return Some(ongoing);
        }
        self.turn = self.turn.wrapping_add(1);
        let (a, b, c) = (&mut self.trunks, &mut self.seats, &mut self.strangers);
        let order = if self.turn.is_multiple_of(TURNS * TURNS) {
            [c, b, a]
        } else if self.turn.is_multiple_of(TURNS) {
            [b, c, a]
        } else {
            [a, b, c]
        };
        order.into_iter().find_map(VecDeque::pop_front)
    }

    /// Takes back the room of a message that was served.
    pub fn recycle(&mut self, mut room: Vec<u8>) {
        // A long one would be kept for ever.
        if self.spare.len() < NEW_WAITING && room.capacity() <= 4_096 {
            room.clear();
            self.spare.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(intake: &mut Intake, class: Class, glance: Glance, mark: u8) -> bool {
        let at = "127.0.0.1:5060".parse().unwrap();
        let arrival = Arrival {
            at: Instant::START,
            path: Path::udp(at, at),
            trunk: None,
            glance,
        };
        intake.put(class, arrival, &[mark])
    }

    fn order(intake: &mut Intake) -> Vec<u8> {
        core::iter::from_fn(|| intake.next())
            .map(|(_, bytes)| bytes[0])
            .collect()
    }

    #[test]
    fn what_is_under_way_is_served_before_what_is_new() {
        let mut intake = Intake::default();
        for (class, glance, mark) in [
            (Class::Stranger, Glance::NewOther, 1),
            (Class::Seat, Glance::NewInvite, 2),
            (Class::Trunk, Glance::NewInvite, 3),
            (Class::Stranger, Glance::Ongoing, 4),
            (Class::Trunk, Glance::Ongoing, 5),
        ] {
            assert!(put(&mut intake, class, glance, mark));
        }
        assert_eq!(order(&mut intake), [4, 5, 3, 2, 1]);
    }

    #[test]
    fn new_work_is_bounded_and_what_is_under_way_has_room_beside_it() {
        let mut intake = Intake::default();
        let mut taken = 0;
        for _ in 0..10 * NEW_WAITING {
            taken += usize::from(put(&mut intake, Class::Trunk, Glance::NewInvite, 0));
        }
        assert_eq!(taken, NEW_WAITING);
        assert!(put(&mut intake, Class::Seat, Glance::NewOther, 1));
        for _ in 0..ONGOING_WAITING {
            assert!(intake.has_room());
            assert!(put(&mut intake, Class::Trunk, Glance::Ongoing, 2));
        }
        assert!(!intake.has_room(), "the rest waits in the sockets");
    }

    #[test]
    fn a_seat_and_a_stranger_get_a_turn_among_any_number_of_calls() {
        let mut intake = Intake::default();
        let mut served = [0; 3];
        for _ in 0..64_000 {
            while put(&mut intake, Class::Trunk, Glance::NewInvite, 0) {}
            while put(&mut intake, Class::Seat, Glance::NewOther, 1) {}
            while put(&mut intake, Class::Stranger, Glance::NewOther, 2) {}
            let (_, bytes) = intake.next().unwrap();
            served[usize::from(bytes[0])] += 1;
            intake.recycle(bytes);
        }
        assert_eq!(served, [56_000, 7_000, 1_000]);
    }

    #[test]
    fn new_work_grows_stale_and_what_is_under_way_does_not() {
        let mut intake = Intake::default();
        put(&mut intake, Class::Trunk, Glance::NewInvite, 0);
        put(&mut intake, Class::Trunk, Glance::Ongoing, 1);
        let later = Instant::START + Duration::from_millis(NEW_WAITING_MS + 1);
        assert!(!intake.next().unwrap().0.is_stale(later));
        let (new, _) = intake.next().unwrap();
        assert!(!new.is_stale(Instant::START + Duration::from_millis(NEW_WAITING_MS)));
        assert!(new.is_stale(later));
    }
}
