//! The match: a caller looks for a seat, a seat for a caller.

use core::fmt::Write as _;

use super::Floor;
use crate::{
    Output,
    policy::{self, PassedOver, Pressure},
    queue::{Place, Queue, Stage},
    roster::{QueueAt, SeatAt},
    rules,
    seat::Duty,
    timers::Timer,
};

impl Floor {
    /// A caller comes, or comes back, to the place that is the caller's own.
    pub(super) fn stand_in_line(&mut self, at: QueueAt, place: Place) {
        self.queues[at].line.insert(place);
        self.touch_queue(at);
        self.serve_queue(at);
        self.arm_longest_wait(at);
    }

    pub(super) fn leave_line(&mut self, at: QueueAt, place: Place) {
        self.queues[at].line.remove(place);
        self.touch_queue(at);
        self.arm_longest_wait(at);
    }

    fn arm_longest_wait(&mut self, at: QueueAt) {
        if self.queues[at].settings.longest_wait.is_some() {
            let due = self.queues[at].times_out_at();
            self.timers.set(Timer::LongestWait(at), due);
        }
    }

    /// Offers the head of the line to a ready seat, as long as there are both.
    fn serve_queue(&mut self, at: QueueAt) {
        while let Some(head) = self.queues[at].line.head()
            && let Some(call) = self.calls.get(&head.call)
            && let Some((seat, passed)) =
                policy::longest_idle(&self.queues[at].ready, &call.declined_by)
        {
            self.offer(at, head, seat, passed, 1);
        }
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
                if let Some((queue, head, pressing)) = self.most_pressing(at) {
                    let passed = match self.calls.get(&head.call) {
                        Some(call) if call.declined_by.contains(&at) => PassedOver::All,
                        _ => PassedOver::Nobody,
                    };
                    self.offer(queue, head, at, passed, pressing);
                } else {
                    self.stand_ready(at);
                }
            }
            (false, Some(turn)) => self.stand_down(at, turn),
            _ => {}
        }
    }

    fn stand_ready(&mut self, at: SeatAt) {
        self.idle_turns += 1;
        let turn = self.idle_turns;
        self.seats[at].ready = Some(turn);
        self.each_served(at, |queue| {
            queue.ready.insert((turn, at));
        });
    }

    pub(super) fn stand_down(&mut self, at: SeatAt, turn: u64) {
        self.seats[at].ready = None;
        self.each_served(at, |queue| {
            queue.ready.remove(&(turn, at));
        });
    }

    fn count_staffed(&mut self, at: SeatAt) {
        let seat = &mut self.seats[at];
        let staffed = seat.is_staffed();
        if core::mem::replace(&mut seat.staffed, staffed) == staffed {
            return;
        }
        self.each_served(at, |queue| match staffed {
            true => queue.staffed += 1,
            false => queue.staffed -= 1,
        });
    }

    /// Changes each queue the seat serves.
    fn each_served(&mut self, at: SeatAt, mut change: impl FnMut(&mut Queue)) {
        for &queue_at in &self.seats[at].serves {
            let queue = &mut self.queues[queue_at];
            change(queue);
            if !core::mem::replace(&mut queue.unposted, true) {
                self.unposted_queues.push(queue_at);
            }
        }
    }

    /// Of the queues the seat serves, the one nearest to missing its threshold by weight; at a tie
    /// the one whose oldest caller came first. With its head, and the number of queues in which
    /// somebody waits.
    fn most_pressing(&self, at: SeatAt) -> Option<(QueueAt, Place, usize)> {
        let mut best: Option<(QueueAt, Pressure)> = None;
        let mut pressing = 0;
        for &queue in &self.seats[at].serves {
            let Some(pressure) = Pressure::of(&self.queues[queue], self.now) else {
                continue;
            };
            pressing += 1;
            if best.is_none_or(|(_, before)| pressure.compare(&before).is_gt()) {
                best = Some((queue, pressure));
            }
        }
        let (queue, _) = best?;
        Some((queue, self.queues[queue].line.head()?, pressing))
    }

    /// Reserves the seat for the caller and rings it.
    fn offer(
        &mut self,
        queue_at: QueueAt,
        head: Place,
        seat_at: SeatAt,
        passed: PassedOver,
        pressing: usize,
    ) {
        let why = self.why(queue_at, seat_at, passed, pressing);
        if let Some(turn) = self.seats[seat_at].ready {
            self.stand_down(seat_at, turn);
        }
        let queue = &mut self.queues[queue_at];
        queue.line.remove(head);
        queue.offering += 1;
        if let Some(call) = self.calls.get_mut(&head.call) {
            call.stage = Stage::Offered(seat_at);
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
        self.arm_longest_wait(queue_at);
    }

    /// A new duty and its deadline. The caller settles the seat when it may have become free.
    pub(super) fn set_duty(&mut self, at: SeatAt, duty: Duty) {
        self.seats[at].duty = duty;
        self.timers.set(Timer::Work(at), duty.until());
        self.touch(at);
    }

    /// Why this seat and this caller, for the journal and the supervisor.
    fn why(&self, queue_at: QueueAt, at: SeatAt, passed: PassedOver, pressing: usize) -> String {
        let (queue, seat) = (&self.queues[queue_at], &self.seats[at]);
        let idle = self.now.since(seat.idle_since).as_secs();
        let ready = queue.ready.len() + usize::from(seat.ready.is_none());
        let mut why = String::with_capacity(96);
        // Writing to a String cannot fail.
        let _ = match ready {
            0 | 1 => write!(why, "only ready seat (idle {idle} s)"),
            _ => write!(why, "longest idle ({idle} s) of {ready} ready seats"),
        };
        let _ = match passed {
            PassedOver::Nobody => Ok(()),
            PassedOver::Decliners(seats) => write!(why, ", {seats} that declined passed over"),
            PassedOver::All => write!(why, ", declined before but nobody else is free"),
        };
        let id = queue.settings.id;
        let _ = match queue.line.len() {
            0 | 1 => write!(why, "; only caller in {id}"),
            waiting => write!(why, "; caller first of {waiting} in {id}"),
        };
        if pressing > 1 {
            let _ = write!(why, ", most pressing of {pressing} queues");
        }
        why
    }
}
