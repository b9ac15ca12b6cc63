//! The seats whose pages, by which alone they are reached, are cut off.

use std::collections::BTreeSet;

use hotline_model::{SeatId, event::Event};

use crate::Record;

/// The desks of the present run.
#[derive(Clone, Debug, Default)]
pub struct LiveDesks {
    lost: BTreeSet<SeatId>,
}

impl LiveDesks {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match &record.stamped.event {
            // Whoever was connected to an earlier run is not to this one.
            Event::EngineStarted { .. } | Event::EngineStopped {} => self.lost.clear(),
            Event::SeatDeskLost { seat, .. } => {
                self.lost.insert(*seat);
            }
            Event::SeatDeskBack { seat, .. } => {
                self.lost.remove(seat);
            }
            _ => {}
        }
    }

    /// The seats.
    pub fn lost(&self) -> BTreeSet<SeatId> {
        self.lost.clone()
    }
}
