//! The match: a caller looks for a seat, a seat for a caller.

use core::num::NonZeroU64;

use hotline_model::seat::Intent;

use super::Floor;
use crate::{
    Output,
    floor::preferred::{oldest_wanting, wanting},
    line::Place,
    policy::Pressure,
    queue::{Queue, Stage},
    ready::PassedOver,
    roster::{QueueAt, SeatAt},
    rules,
    seat::{Duty, Post},
    timers::Timer,
};

/// What led to an offer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Because {
    /// The ring of the queue that the seat is in.
    pub(super) ring: usize,
    /// Who came before the seat.
    pub(super) passed: PassedOver,
    /// Queues in which the seat found a caller.
    pub(super) pressing: usize,
    /// A supervisor gave the caller to the seat.
    pub(super) by_hand: bool,
    /// The caller held out for the seat.
    pub(super) preferred: bool,
}

impl Because {
    pub(super) fn hand() -> Self {
        Self {
            ring: 0,
            passed: PassedOver::Nobody,
            pressing: 1,
            by_hand: true,
            preferred: false,
        }
    }

    pub(super) fn preferred() -> Self {
        Self {
            by_hand: false,
            preferred: true,
            ..Self::hand()
        }
    }
}

impl Floor {
    /// A caller comes, or comes back, to the place that is the caller's own.
    pub(super) fn stand_in_line(&mut self, at: QueueAt, place: Place) {
        let call = self.calls.get(&place.call);
        if let Some((seat, until)) = call.and_then(|call| call.past().preferred) {
            return self.hold_out(at, place, seat, until);
        }
        self.queues[at].line.insert(place);
        self.stands_in_line(at, place);
        self.serve_queue(at);
        self.arm_line(at);
    }

    /// What a queue keeps of a caller who came into its line.
    pub(super) fn stands_in_line(&mut self, at: QueueAt, place: Place) {
        let queue = &mut self.queues[at];
        if let Some(call) = self.calls.get(&place.call) {
            if !queue.overflows.is_empty() {
                queue.overflows.enters(place, call.spent, self.now);
            }
            if call.past().promised {
                queue.line.promise_to(place.call);
            }
        }
        self.touch_queue(at);
    }

    /// Forgets what a queue kept of a caller in its line.
    fn take_out(&mut self, at: QueueAt, place: Place) {
        let queue = &mut self.queues[at];
        queue.line.remove(place);
        queue.line.forget_promise(place.call);
        queue.overflows.leaves(place);
        if !queue.held.is_empty() {
            self.let_go_of_hold(at, place);
        }
        self.touch_queue(at);
    }

    pub(super) fn leave_line(&mut self, at: QueueAt, place: Place) {
        self.take_out(at, place);
        self.arm_line(at);
    }

    /// The line changed: so may the next deadlines of those in it.
    pub(super) fn arm_line(&mut self, at: QueueAt) {
        self.arm_longest_wait(at);
        self.arm_overflow(at);
        self.arm_holds(at);
        self.arm_widening(at);
    }

    fn arm_longest_wait(&mut self, at: QueueAt) {
        let due = self.queues[at].times_out_at();
        self.timers.set(Timer::LongestWait(at), due);
    }

    /// Offers the first of the line to a ready seat, as long as there are both.
    pub(super) fn serve_queue(&mut self, at: QueueAt) {
        while let Some(head) = self.queues[at].next_served(self.now)
            && let Some(call) = self.calls.get(&head.call)
        {
            let queue = &mut self.queues[at];
            let ring = queue.ring_at(head.arrived, self.now);
            let Some((seat, ring, passed)) = queue.choose(ring, &call.past().declined_by) else {
                return;
            };
            self.offer(
                at,
                head,
                seat,
                Because {
                    ring,
                    passed,
                    pressing: 1,
                    by_hand: false,
                    preferred: false,
                },
            );
        }
    }

    /// Somebody in the queue has waited so long that further seats may serve.
    pub(super) fn widen(&mut self, at: QueueAt) {
        self.serve_queue(at);
        self.arm_widening(at);
    }

    fn arm_widening(&mut self, at: QueueAt) {
        let due = self.queues[at].widens_at(self.now);
        self.timers.set(Timer::Widens(at), due);
    }

    /// The seat's state changed: it may stand ready now, or no longer. A seat that becomes ready
    /// takes the head of its most pressing queue at once.
    pub(super) fn settle(&mut self, at: SeatAt) {
        self.count_staffed(at);
        self.touch(at);
        let seat = &mut self.seats[at];
        match (seat.takes_calls(), seat.ready) {
            (true, None) => {
                seat.idle_since = self.now;
                if !self.take_next(at) {
                    self.idle_turns = self.idle_turns.saturating_add(1);
                    self.stand_ready(at, self.idle_turns);
                }
            }
            (false, Some(_)) => self.stand_down(at),
            _ => {}
        }
    }

    /// Offers the seat the head of its most pressing queue, if anybody waits.
    pub(super) fn take_next(&mut self, at: SeatAt) -> bool {
        let Some((post, head, pressing)) = self.most_pressing(at) else {
            return false;
        };
        let passed = match self.calls.get(&head.call) {
            Some(call) if call.past().declined_by.contains(&at) => PassedOver::All,
            _ => PassedOver::Nobody,
        };
        if pressing > 1 {
            for &queue in &self.competing {
                let pace = &mut self.queues[queue].pace;
                pace.competed(queue == post.queue);
            }
        }
        let ring = post.ring();
        let preferred = self.queues[post.queue].held.contains_key(&head.call);
        self.offer(
            post.queue,
            head,
            at,
            Because {
                ring,
                passed,
                pressing,
                by_hand: false,
                preferred,
            },
        );
        true
    }

    pub(super) fn stand_ready(&mut self, at: SeatAt, turn: NonZeroU64) {
        let standing = self.seats[at].standing(turn);
        self.seats[at].ready = Some(turn);
        self.each_served(at, |queue, post| {
            if let Some(ready) = queue.ready.get_mut(post.ring()) {
                ready.insert(at, &standing, post.level.into());
            }
        });
    }

    /// No queue has the seat for a ready one any more; nothing where none had.
    pub(super) fn stand_down(&mut self, at: SeatAt) {
        let seat = &mut self.seats[at];
        let Some(turn) = seat.ready.take() else {
            return;
        };
        let standing = seat.standing(turn);
        self.each_served(at, |queue, post| {
            if let Some(ready) = queue.ready.get_mut(post.ring()) {
                ready.remove(at, &standing, post.level.into());
            }
        });
    }

    pub(super) fn count_staffed(&mut self, at: SeatAt) {
        let seat = &mut self.seats[at];
        let staffed = seat.is_staffed();
        let at_work = staffed && seat.intent == Intent::Ready;
        if core::mem::replace(&mut seat.at_work, at_work) != at_work {
            self.each_served(at, |queue, post| match (post.ring(), at_work) {
                (0, true) => queue.at_work += 1,
                (0, false) => queue.at_work -= 1,
                _ => {}
            });
        }
        let seat = &mut self.seats[at];
        if core::mem::replace(&mut seat.staffed, staffed) == staffed {
            return;
        }
        let now = self.now;
        self.each_served(at, |queue, post| {
            let own = usize::from(post.ring() == 0);
            if staffed {
                queue.served += 1;
                queue.staffed += own;
                return;
            }
            queue.served -= 1;
            queue.unserved_since = now;
            queue.staffed -= own;
            if own == 1 {
                queue.unstaffed_since = now;
            }
        });
        self.arm_overflows_of(at);
    }

    /// Changes each queue the seat serves.
    fn each_served(&mut self, at: SeatAt, mut change: impl FnMut(&mut Queue, &Post)) {
        for post in &self.seats[at].serves {
            let queue = &mut self.queues[post.queue];
            change(queue, post);
            if !core::mem::replace(&mut queue.unposted, true) {
                self.unposted_queues.push(post.queue);
            }
        }
    }

    /// Of the queues the seat serves, the one nearest to missing its threshold by weight; at a tie
    /// the one whose oldest caller came first. With the first caller whom the seat may serve, and
    /// the number of queues in which there is one.
    fn most_pressing(&mut self, at: SeatAt) -> Option<(Post, Place, usize)> {
        let mut best: Option<(Post, Pressure)> = None;
        self.competing.clear();
        for &post in &self.seats[at].serves {
            let queue = &self.queues[post.queue];
            let wanted = oldest_wanting(&self.wanted, at, post.queue);
            let Some(pressure) = Pressure::of(queue, post.ring(), wanted, self.now) else {
                continue;
            };
            self.competing.push(post.queue);
            if best.is_none_or(|(_, before)| pressure.compare(&before).is_gt()) {
                best = Some((post, pressure));
            }
        }
        let (post, _) = best?;
        let queue = &self.queues[post.queue];
        let open = queue.head_for(post.ring(), self.now);
        let head = match self.wanted.is_empty() {
            true => open?,
            false => {
                let wanting = wanting(&self.wanted, at, post.queue);
                let all = open.into_iter().chain(wanting);
                all.min_by_key(|&place| queue.line.rank(place))?
            }
        };
        Some((post, head, self.competing.len()))
    }

    /// Reserves the seat for the caller and rings it.
    pub(super) fn offer(
        &mut self,
        queue_at: QueueAt,
        head: Place,
        seat_at: SeatAt,
        because: Because,
    ) {
        let why = self.why(queue_at, head, seat_at, because);
        self.stand_down(seat_at);
        let place = self.seats[seat_at].written.place;
        self.queues[queue_at].memory.rang(place, seat_at);
        self.take_out(queue_at, head);
        let queue = &mut self.queues[queue_at];
        queue.offering += 1;
        if let Some(call) = self.calls.get_mut(&head.call) {
            call.stage = Stage::Offered(seat_at);
            call.wants_anybody();
        }
        let answer_by = self.now + queue.settings.ring_for;
        let until = answer_by.min(self.now + rules::RING_WITHIN);
        self.outputs.push_back(Output::Offer {
            call: head.call,
            seat: self.seats[seat_at].id,
            queue: queue.settings.id,
            why,
            deadline: answer_by,
        });
        self.set_duty(
            seat_at,
            Duty::Reserved {
                call: head.call,
                until,
                answer_by,
            },
        );
        self.touch_queue(queue_at);
        self.arm_line(queue_at);
    }

    /// A new duty and its deadline. The caller settles the seat when it may have become free.
    pub(super) fn set_duty(&mut self, at: SeatAt, duty: Duty) {
        let before = core::mem::replace(&mut self.seats[at].duty, duty);
        self.timers.move_work(at, before.until(), duty.until());
        self.touch(at);
    }
}
