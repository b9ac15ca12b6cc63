//! The supervisor's hand: a caller is given another priority, another queue, or a seat at once.

use hotline_model::{CallId, QueueId};

use super::{Floor, matching::Because};
use crate::{
    queue::Stage,
    roster::{QueueAt, SeatAt},
    seat::Duty,
};

impl Floor {
    pub(super) fn prioritise(&mut self, call: CallId, priority: u8) -> bool {
        let Some(held) = self.calls.get_mut(&call) else {
            return false;
        };
        let (queue, before) = (held.queue, held.place);
        match held.stage {
            Stage::Talking(_) => return false,
            Stage::Offered(_) => held.place.priority = priority,
            Stage::Waiting => {
                held.place.priority = priority;
                let after = held.place;
                self.leave_line(queue, before);
                self.stand_in_line(queue, after);
            }
        }
        true
    }

    pub(super) fn move_to(&mut self, call: CallId, queue: QueueId) -> bool {
        let (Some(from), Some(to)) = (self.waits_in(call), self.queues.find(&queue)) else {
            return false;
        };
        let Some(held) = self.calls.get(&call) else {
            return false;
        };
        let (place, promised) = (held.place, held.past().promised);
        let full = !promised && self.is_full(to, place);
        if from == to || self.queues[to].closed || full {
            return false;
        }
        self.leave_line(from, place);
        let spent = self.queues[to].overflows.spent(0);
        if let Some(held) = self.calls.get_mut(&call) {
            held.queue = to;
            held.spent = spent;
            held.past_mut().been.clear();
            held.wants_anybody();
        }
        if !promised {
            self.note_entry(to);
        }
        self.stand_in_line(to, place);
        true
    }

    pub(super) fn pick(&mut self, call: CallId, at: SeatAt) -> bool {
        let seat = &self.seats[at];
        let free = seat.is_staffed() && seat.duty == Duty::Free && !seat.busy;
        let (Some(queue), true) = (self.waits_in(call), free) else {
            return false;
        };
        let Some(place) = self.calls.get(&call).map(|held| held.place) else {
            return false;
        };
        self.offer(queue, place, at, Because::hand());
        true
    }

    /// The queue in whose line the call stands.
    fn waits_in(&self, call: CallId) -> Option<QueueAt> {
        let held = self.calls.get(&call)?;
        (held.stage == Stage::Waiting).then_some(held.queue)
    }
}
