//! Messages as they come, and as their turn comes: what is under way before what is new.

use hotline_model::{Instant, event::Event};
use hotline_sip::path::Path;

use super::{Exchange, faults::caught};
use crate::{admission::Verdict, routing};

impl Exchange {
    /// One whole SIP message came by `path`. It waits for its turn (see
    /// [`Exchange::serve_next`]), is turned away, or is ignored. Drain
    /// [`Exchange::poll_output`] afterwards.
    pub fn take_in(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let trunk = routing::trunk_at(&self.board.settings, path.remote).map(|trunk| trunk.id);
        let proven = self.is_browser(&path);
        let judged = caught(|| {
            let verdict = self.admission.judge(now, path, trunk, proven, bytes);
            if let Verdict::TurnAway(after) = verdict {
                self.board.endpoint.turn_away(now, path, bytes, after);
            }
            verdict
        });
        match judged {
            Ok(Verdict::TurnAway(_)) => self.settle(now),
            Ok(Verdict::Wait | Verdict::Ignore) => {}
            Err(fault) => self.message_broke(now, fault),
        }
    }

    /// Whether messages may be taken in. Else too much waits already, and the rest has to wait
    /// where it is.
    pub fn has_room(&self) -> bool {
        self.admission.has_room()
    }

    /// Whether messages wait for their turn.
    pub fn has_waiting(&self) -> bool {
        self.admission.has_waiting()
    }

    /// Serves the message whose turn it is; `false` where none waits. Drain
    /// [`Exchange::poll_output`] afterwards.
    pub fn serve_next(&mut self, now: Instant) -> bool {
        let served = self.receive_next(now);
        if served {
            self.turn_over(now);
        }
        served
    }

    pub(super) fn receive_next(&mut self, now: Instant) -> bool {
        let Some(turn) = self.admission.next(now) else {
            return false;
        };
        let served = caught(|| match turn.turned_away {
            None => self.board.endpoint.receive(now, turn.path, &turn.bytes),
            Some(after) => {
                let endpoint = &mut self.board.endpoint;
                endpoint.turn_away(now, turn.path, &turn.bytes, after);
            }
        });
        self.admission.served(turn.bytes);
        if let Err(fault) = served {
            self.message_broke(now, fault);
        }
        true
    }

    fn message_broke(&mut self, now: Instant, fault: String) {
        let event = Event::FaultCaught { call: None, fault };
        self.board.happened(now, event);
    }
}
