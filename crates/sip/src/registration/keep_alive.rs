//! Pings to phones on UDP: they keep the NATs on the way open, and find the phones that went
//! without a word (RFC 5626 §4.4 gives the time; OPTIONS, for phones answer it and no STUN).

use core::time::Duration;

use hotline_model::{
    Instant, SeatId,
    limits::{KEEP_ALIVE_LOST, KEEP_ALIVE_S},
};

use super::{Registrar, binding::Contact};
use crate::path::{Path, Transport};

/// An OPTIONS to send to a phone. Say how it went with [`Registrar::pinged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping<Whose = SeatId> {
    /// The seat.
    pub seat: Whose,
    /// The binding's number.
    pub binding: u64,
    /// The Request-URI.
    pub uri: String,
    /// The way to the phone.
    pub path: Path,
}

const INTERVAL: Duration = Duration::from_secs(KEEP_ALIVE_S);

impl<Whose: Copy + Ord> Registrar<Whose> {
    /// The next ping that is due at `now`; `None` when there is none left. The binding's next one
    /// is due [`KEEP_ALIVE_S`] later.
    pub fn poll_ping(&mut self, now: Instant) -> Option<Ping<Whose>> {
        loop {
            let (_, (seat, number)) = self.pings.pop_due(now)?;
            let contacts = self.seats.get(&seat).map_or(&[][..], Vec::as_slice);
            if let Some(contact) = contacts.iter().find(|contact| contact.number == number) {
                self.pings.set((seat, number), now + INTERVAL);
                return Some(Ping {
                    seat,
                    binding: number,
                    uri: contact.uri.clone(),
                    path: contact.path,
                });
            }
        }
    }

    /// A ping was answered, with whatever status, or was not. The binding that lost
    /// [`KEEP_ALIVE_LOST`] in a row is removed; its phone comes back by registering.
    pub fn pinged(&mut self, now: Instant, seat: Whose, binding: u64, alive: bool) {
        let contacts = self
            .seats
            .get_mut(&seat)
            .map_or(&mut [][..], Vec::as_mut_slice);
        let Some(contact) = contacts
            .iter_mut()
            .find(|contact| contact.number == binding)
        else {
            return;
        };
        if alive {
            contact.unanswered = 0;
            if is_pinged(contact.path) {
                self.pings.set((seat, binding), now + INTERVAL);
            }
            return;
        }
        contact.unanswered = contact.unanswered.saturating_add(1);
        if contact.unanswered >= KEEP_ALIVE_LOST {
            self.remove_where(seat, "not answering", |contact| contact.number == binding);
        }
    }

    /// Sets the first ping of a binding that is new or moved. The phones of a whole floor register
    /// at once after a power cut: the binding's number spreads them over half the time.
    pub(super) fn start_pings(&mut self, now: Instant, seat: Whose, contact: &Contact) {
        let key = (seat, contact.number);
        if is_pinged(contact.path) {
            let half_ms = KEEP_ALIVE_S * 1_000 / 2;
            let spread_ms = contact.number.wrapping_mul(SPREAD) % half_ms;
            let first = Duration::from_millis(half_ms + spread_ms);
            self.pings.set(key, now + first);
        } else {
            self.pings.stop(key);
        }
    }
}

/// A prime, so that neighbouring numbers fall far apart.
const SPREAD: u64 = 7_919;

/// A connection tells itself when it ends, and its peer keeps it open.
fn is_pinged(path: Path) -> bool {
    path.transport == Transport::Udp
}
