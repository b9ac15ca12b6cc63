//! New settings while calls wait and talk: nobody loses a place.

use core::num::NonZeroU64;

use hotline_model::{
    Instant, QueueId,
    seat::{Intent, OfferResult, Reason},
};

use super::{Floor, serves};
use crate::{
    Output, QueueSettings, SeatSettings,
    queue::Queue,
    roster::{QueueAt, SeatAt},
    rules,
    seat::{Mark, Post, Seat, Written},
};

const SIGNED_OUT: Intent = Intent::NotReady(Reason::LoggedOut);

impl Floor {
    /// Replaces the settings of all queues and seats. An input like the others: the same one gives
    /// the same decisions; drain [`poll_output`](Self::poll_output) after it.
    ///
    /// Callers keep their places, seats their state and their idle time; every ready seat then looks
    /// anew for a caller, the longest idle first. What is not named any more:
    /// - A queue closes. Callers who come are refused as unknown; those in it stay and are served
    ///   by the seats that served it, as far as these remain. When none remains, or none was
    ///   signed in for [`rules::CLOSED_UNSERVED`], they are let go as timed out.
    /// - A seat is signed out: at once, or after its talk. A caller it is rung for goes back to the
    ///   place in line.
    ///
    /// Both come back when they are named again. [`Choice::FixedOrder`](crate::Choice::FixedOrder)
    /// and [`Choice::RoundRobin`](crate::Choice::RoundRobin) go by the new order of the seats. On the
    /// board, which grows by what is new, each keeps its index.
    pub fn replace_settings(
        &mut self,
        now: Instant,
        queues: Vec<QueueSettings>,
        seats: Vec<SeatSettings>,
    ) {
        self.now = self.now.max(now).min(rules::LAST_INSTANT);
        let ready = self.stand_all_down();
        self.name_queues(queues);
        self.name_seats(seats);
        self.timers.grow(self.seats.len(), self.queues.len());
        for at in self.queue_handles() {
            self.hold_out_for_nobody(at);
            self.count_overflows_anew(at);
        }
        self.assign();
        self.let_go_of_unserved();
        for (turn, at) in ready {
            if self.seats[at].takes_calls() && !self.take_next(at) {
                self.stand_ready(at, turn);
            }
        }
        self.sign_out_unnamed();
        for at in self.queue_handles() {
            self.arm_line(at);
            self.touch_queue(at);
        }
        self.end_turn();
    }

    fn queue_handles(&self) -> Vec<QueueAt> {
        self.queues.iter().map(|(at, _)| at).collect()
    }

    fn seat_handles(&self) -> Vec<SeatAt> {
        self.seats.iter().map(|(at, _)| at).collect()
    }

    /// All ready seats with their turns, the longest idle first. No queue counts any seat then.
    fn stand_all_down(&mut self) -> Vec<(NonZeroU64, SeatAt)> {
        let mut ready = Vec::new();
        for at in self.seat_handles() {
            if let Some(turn) = self.seats[at].ready {
                ready.push((turn, at));
                self.stand_down(at);
            }
        }
        ready.sort_unstable();
        ready
    }

    fn name_queues(&mut self, named: Vec<QueueSettings>) {
        for at in self.queue_handles() {
            self.queues[at].closed = true;
        }
        for settings in named {
            match self.queues.find(&settings.id) {
                // Of two with one name the first counts.
                Some(at) if !self.queues[at].closed => {}
                Some(at) => self.queues[at].reopen(settings),
                None => {
                    let mut queue = Queue::new(settings, 0);
                    (queue.unstaffed_since, queue.unserved_since) = (self.now, self.now);
                    let at = self.queues.push(queue.settings.id, queue);
                    self.unposted_queues.push(at);
                }
            }
        }
    }

    fn name_seats(&mut self, named: Vec<SeatSettings>) {
        for at in self.seat_handles() {
            self.seats[at].mark(Mark::Unnamed, true);
        }
        for (place, settings) in (0..).zip(named) {
            match self.seats.find(&settings.id) {
                Some(at) if !self.seats[at].is(Mark::Unnamed) => {}
                Some(at) => {
                    let seat = &mut self.seats[at];
                    seat.mark(Mark::Unnamed, false);
                    *seat.written = Written { settings, place };
                }
                None => {
                    let seat = Seat::new(settings.clone(), place, Box::default());
                    let at = self.seats.push(settings.id, seat);
                    self.unposted_seats.push(at);
                }
            }
        }
        for at in self.queue_handles() {
            let places = |seat: SeatAt| self.seats[seat].written.place;
            self.queues[at].memory.reorder(places);
        }
    }

    /// Which seat serves which queue now, and what each queue counts.
    fn assign(&mut self) {
        let seats = self.seats.len();
        let mut before = Vec::new();
        for at in self.queue_handles() {
            let queue = &mut self.queues[at];
            before.push((at, queue.staffed, queue.served));
            queue.clear_seats(seats);
        }
        for at in self.seat_handles() {
            let seat = &self.seats[at];
            let mut posts = match seat.is(Mark::Unnamed) {
                true => Vec::new(),
                false => serves(&seat.written.settings, &self.queues).into_vec(),
            };
            // A closed queue is served on by those who did, while there is somebody.
            let kept = |post: &&Post| {
                let queue = &self.queues[post.queue];
                queue.closed && queue.has_calls() && !seat.is(Mark::Unnamed)
            };
            posts.extend(seat.serves.iter().filter(kept).map(|post| {
                let skills = &self.queues[post.queue].settings.skills;
                let level = skills.level_of(&seat.written.settings.skills);
                Post::new(post.queue, post.ring(), level)
            }));
            posts.sort_unstable_by_key(|post| post.queue);
            for post in &posts {
                self.queues[post.queue].served_by.push((at, post.ring()));
            }
            let seat = &mut self.seats[at];
            seat.serves = posts.into();
            seat.staffed = false;
            seat.at_work = false;
            self.count_staffed(at);
        }
        for (at, staffed, served) in before {
            let queue = &mut self.queues[at];
            if queue.staffed == 0 && staffed > 0 {
                queue.unstaffed_since = self.now;
            }
            if queue.served == 0 && served > 0 {
                queue.unserved_since = self.now;
            }
        }
    }

    /// Callers of closed queues that no seat serves any more.
    fn let_go_of_unserved(&mut self) {
        for at in self.queue_handles() {
            let queue = &self.queues[at];
            if !queue.closed || !queue.served_by.is_empty() {
                continue;
            }
            let queue_id: QueueId = queue.settings.id;
            for place in queue.line.iter().collect::<Vec<_>>() {
                self.calls.remove(&place.call);
                self.leave_line(at, place);
                self.outputs.push_back(Output::TimedOut {
                    call: place.call,
                    queue: queue_id,
                });
            }
        }
    }

    fn sign_out_unnamed(&mut self) {
        for at in self.seat_handles() {
            let seat = &self.seats[at];
            if !seat.is(Mark::Unnamed) {
                continue;
            }
            if let Some(call) = seat.duty.offered() {
                self.withdraw(call, at, OfferResult::Withdrawn);
                self.declined(call, at, OfferResult::Withdrawn);
            }
            self.wish(at, SIGNED_OUT);
        }
    }
}
