//! Overflow carried out: a caller leaves the line for another queue, or the floor.

use hotline_model::limits;

use super::Floor;
use crate::{
    Output,
    queue::Call,
    roster::{QueueAt, SeatAt},
    settings::{OverflowTo, OverflowWhen},
    timers::Timer,
};

impl Floor {
    pub(super) fn arm_overflow(&mut self, at: QueueAt) {
        let due = self.queues[at].overflows_at();
        self.timers.set(Timer::Overflow(at), due);
    }

    /// The seat's queues have more or fewer staff than before.
    pub(super) fn arm_overflows_of(&mut self, at: SeatAt) {
        let queues = self.seats[at].serves.iter().map(|post| post.queue);
        for queue in queues.collect::<Vec<_>>() {
            self.arm_overflow(queue);
        }
    }

    /// The rules may be others now: who is in line is told to them anew.
    pub(super) fn count_overflows_anew(&mut self, at: QueueAt) {
        let queue = &mut self.queues[at];
        queue.overflows.clear();
        if queue.overflows.is_empty() {
            return;
        }
        for place in queue.line.iter() {
            if let Some(call) = self.calls.get(&place.call) {
                queue.overflows.enters(place, call.spent, self.now);
            }
        }
    }

    /// Lets the next caller go whom a rule sends away; the timer moves on.
    pub(super) fn overflow_next(&mut self, at: QueueAt) {
        match self.queues[at].overflowing(self.now) {
            None if self.queues[at].is_forsaken(self.now) => self.give_up_oldest(at),
            None => self.queues[at].overflows.looked(self.now),
            Some((rule, call)) => {
                if let Some(call) = self.calls.remove(&call) {
                    self.overflow_waiting(at, rule, call);
                }
            }
        }
        self.arm_overflow(at);
    }

    /// The rule applies to a call in line: it leaves, or stays since there is no way.
    fn overflow_waiting(&mut self, at: QueueAt, rule: usize, mut call: Call) {
        let queue = &mut self.queues[at];
        let place = call.place;
        let Some(overflow) = queue.settings.overflow.get(rule).cloned() else {
            self.calls.insert(place.call, call);
            return;
        };
        let why = queue.why_overflows(&overflow, place, self.now);
        match self.way(&call, &overflow.to) {
            Some(way) => {
                self.leave_line(at, place);
                self.overflow(call, rule, overflow.to, way, why);
            }
            None => {
                let overflows = &mut self.queues[at].overflows;
                call.spent = overflows.spend(rule, place, call.spent);
                self.calls.insert(place.call, call);
            }
        }
    }

    /// Sends a call elsewhere for which its queue has no room. False where no rule does.
    pub(super) fn overflow_of_full(&mut self, call: Call) -> bool {
        let queue = &self.queues[call.queue];
        let rules = queue.settings.overflow.iter().enumerate();
        let rules = rules.take(limits::QUEUE_OVERFLOWS);
        let counts = |nth: usize| queue.overflows.counts(nth, call.spent);
        let mut full = rules.filter(|&(nth, rule)| rule.when == OverflowWhen::Full && counts(nth));
        let found = full.find_map(|(nth, rule)| Some((nth, rule, self.way(&call, &rule.to)?)));
        let Some((nth, rule, way)) = found else {
            return false;
        };
        let why = queue.why_overflows(rule, call.place, self.now);
        let to = rule.to.clone();
        self.overflow(call, nth, to, way, why);
        true
    }

    /// Whether the call can go there, and to which queue.
    fn way(&self, call: &Call, to: &OverflowTo) -> Option<Option<QueueAt>> {
        let OverflowTo::Queue(id) = to else {
            return Some(None);
        };
        let at = self.queues.find(id)?;
        let was_there = call.queue == at || call.past().been.contains(&at);
        let full = !call.past().promised && self.is_full(at, call.place);
        let open = !self.queues[at].closed && !was_there && !full;
        open.then_some(Some(at))
    }

    /// Says that the call, which stands in no line, left its queue, and lets it stand in the next.
    fn overflow(
        &mut self,
        mut call: Call,
        rule: usize,
        to: OverflowTo,
        way: Option<QueueAt>,
        why: String,
    ) {
        let place = call.place;
        self.outputs.push_back(Output::Overflowed {
            call: place.call,
            queue: self.queues[call.queue].settings.id,
            rule,
            to,
            why,
        });
        if let Some(at) = way {
            let from = call.queue;
            call.past_mut().been.push(from);
            call.wants_anybody();
            call.queue = at;
            call.spent = self.queues[at].overflows.spent(0);
            let promised = call.past().promised;
            self.calls.insert(place.call, call);
            if !promised {
                self.note_entry(at);
            }
            self.stand_in_line(at, place);
        } else {
            self.note_wait(call.queue, call.waits_since(), false);
        }
    }
}
