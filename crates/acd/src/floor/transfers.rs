//! A call on its way from one seat to another that was named: the second is rung outside of the
//! line, and the call keeps its place in it until somebody talks again.

use hotline_model::CallId;

use super::Floor;
use crate::{
    queue::Stage,
    roster::SeatAt,
    rules,
    seat::{Duty, Mark},
};

impl Floor {
    /// Reserves the seat for a call that another seat talks in. It may wrap up: a colleague who
    /// was just consulted takes the call at once.
    pub(super) fn transfer(&mut self, call: CallId, to: SeatAt) -> bool {
        if self.seats[to].is(Mark::Unnamed) {
            return false;
        }
        if !matches!(self.seats[to].duty, Duty::Free | Duty::WrapUp { .. }) {
            return false;
        }
        let Some(held) = self.calls.get_mut(&call) else {
            return false;
        };
        let talks_elsewhere = matches!(held.stage, Stage::Talking(from) if from != to);
        if !talks_elsewhere || held.past().transfer_to.is_some() {
            return false;
        }
        held.past_mut().transfer_to = Some(to);
        let queue_at = held.queue;
        self.stand_down(to);
        let queue = &mut self.queues[queue_at];
        queue.offering += 1;
        let answer_by = self.now + queue.settings.ring_for;
        let until = answer_by.min(self.now + rules::RING_WITHIN);
        self.touch_queue(queue_at);
        let duty = Duty::Reserved {
            call,
            until,
            answer_by,
        };
        self.set_duty(to, duty);
        true
    }
}
