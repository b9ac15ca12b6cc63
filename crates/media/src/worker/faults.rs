//! Faults of our own: a panic while one leg is served ends that leg, and no other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotline_model::{Instant, LegId, limits::RTP_PACKET_BYTES};

use super::{Wire, Worker};
use crate::Report;

impl Worker {
    /// Lets `turn` serve the leg in `slot`. Where it panics the leg is closed and
    /// [`Report::Broke`] says so; the worker's other legs go on.
    pub(super) fn guarded<W: Wire>(
        &mut self,
        now: Instant,
        slot: usize,
        wire: &mut W,
        turn: impl FnOnce(&mut Self, &mut W),
    ) {
        if catch_unwind(AssertUnwindSafe(|| turn(self, wire))).is_err()
            && let Some(leg) = self.legs.get(slot).map(|leg| leg.id)
        {
            self.broke(now, leg, wire);
        }
    }

    /// The same for a command about `leg`.
    pub(super) fn guarded_command<W: Wire>(
        &mut self,
        now: Instant,
        leg: Option<LegId>,
        wire: &mut W,
        turn: impl FnOnce(&mut Self, &mut W) -> bool,
    ) -> bool {
        match catch_unwind(AssertUnwindSafe(|| turn(self, wire))) {
            Ok(done) => done,
            Err(_) => {
                if let Some(leg) = leg {
                    self.broke(now, leg, wire);
                }
                false
            }
        }
    }

    fn broke<W: Wire>(&mut self, now: Instant, leg: LegId, wire: &mut W) {
        // The buffers were lent to what panicked.
        if self.incoming.is_empty() {
            self.incoming = vec![0; RTP_PACKET_BYTES + 1];
        }
        if self.opened.is_empty() {
            self.opened = vec![0; RTP_PACKET_BYTES + 1];
        }
        // What broke the leg may break its closing too; then its port stays open and silent.
        let _ = catch_unwind(AssertUnwindSafe(|| self.close(now, leg, wire)));
        self.report(Report::Broke { leg });
    }
}
