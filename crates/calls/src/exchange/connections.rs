//! What the exchange knows of connections: whose browser opened one, and whether one is needed.

use hotline_model::{Instant, SeatId, limits};
use hotline_sip::{message::Message, path::Path};

use super::Exchange;
use crate::lendings::Aor;

/// A browser at one seat speaks for another user.
pub(super) struct Foreign;

impl Exchange {
    /// A browser opened a WebSocket, signed in as the agent of `seat`.
    pub(super) fn seat_connected(&mut self, path: Path, seat: SeatId) {
        // The shell opens no more connections than that; without its entry one needs a digest.
        if self.browsers.len() < limits::SIP_CONNECTIONS {
            self.browsers.insert(path.connection, seat);
        }
    }

    /// A connection is gone, or a datagram could not be sent; with why where that is known.
    pub(super) fn path_lost(&mut self, now: Instant, path: Path, why: Option<&str>) {
        self.seat_disconnected(&path);
        self.board.endpoint.path_lost(now, path);
        self.board.registrar.path_lost(&path);
        self.board.trunks.path_lost(now, &path, why);
    }

    /// The connection is gone, and its number is never used again.
    fn seat_disconnected(&mut self, path: &Path) {
        if path.transport.is_websocket() {
            self.browsers.remove(&path.connection);
        }
    }

    /// The seat that needs no digest on this connection; `None` on every other. Who is signed in as
    /// one seat may not speak for another, whatever password it knows.
    pub(super) fn browser(
        &self,
        path: &Path,
        message: &Message<'_>,
    ) -> Option<Result<SeatId, Foreign>> {
        let seat = self.seat_of_browser(path)?;
        let claimed = message.from().uri.user_text();
        Some(if claimed == seat.as_str() {
            Ok(seat)
        } else {
            Err(Foreign)
        })
    }

    /// Whether a signed-in browser opened this connection.
    pub(super) fn is_browser(&self, path: &Path) -> bool {
        self.seat_of_browser(path).is_some()
    }

    fn seat_of_browser(&self, path: &Path) -> Option<SeatId> {
        let is_websocket = path.transport.is_websocket();
        let seat = self.browsers.get(&path.connection);
        seat.filter(|_| is_websocket).copied()
    }

    /// Whether a seat's phone can be reached by this connection only: then it may be quiet.
    pub fn is_registered_on(&self, path: &Path) -> bool {
        let registrar = &self.board.registrar;
        let settings = &self.board.settings;
        let seats = settings.seats.iter().map(|it| Aor::Seat(it.floor.id));
        let mut all = seats.chain(settings.phones.iter().map(|it| Aor::Phone(it.id)));
        all.any(|whose| {
            let contacts = registrar.contacts(whose);
            contacts.iter().any(|contact| contact.path == *path)
        })
    }
}
