//! The floor: the single writer that decides who is served next, and by whom.
//!
//! Between two inputs no caller waits before a seat that would take the call: whatever frees a seat
//! or brings a caller also looks for the other side, in the same turn. So there is never a search
//! over all pairs, only for one seat (the head of its most pressing queue) or for one caller (the
//! first of the queue's ready seats in the order of its choice). Both cost the logarithm of the
//! seats and of the callers, times the queues of a seat, the rings of a queue and the priorities in
//! use, which are few.

mod change;
mod hand;
mod matching;
mod offers;
mod outlook;
mod overflow;
mod preferred;
mod reason;
mod seats;
mod transfers;
mod views;

use core::{num::NonZeroU64, time::Duration};
use std::collections::{BTreeSet, VecDeque};

use hotline_model::{CallId, Instant, QueueId, SeatId};

use crate::{
    Input, Output, QueueSettings, SeatSettings,
    line::Place,
    lookup::Lookup,
    queue::{Call, Queue, Stage},
    ready::Ready,
    rings,
    roster::{QueueAt, Roster, SeatAt},
    rules,
    seat::{Duty, Post, Seat},
    timers::{Timer, Timers},
};
pub use outlook::Outlook;
pub use views::{QueueView, SeatView};

/// All queues, seats and calls of one engine, and the rules between them.
///
/// After each [`handle_input`](Self::handle_input), drain [`poll_output`](Self::poll_output), and
/// come back with [`Input::TimePassed`] at [`next_wake`](Self::next_wake).
#[derive(Debug)]
pub struct Floor {
    pub(crate) now: Instant,
    pub(crate) queues: Roster<QueueId, QueueAt, Queue>,
    pub(crate) seats: Roster<SeatId, SeatAt, Seat>,
    pub(crate) calls: Lookup<CallId, Call>,
    pub(crate) timers: Timers,
    /// Callers in line who hold out for a seat.
    pub(crate) wanted: BTreeSet<(SeatAt, QueueAt, Place)>,
    outputs: VecDeque<Output>,
    /// The queues in which the seat that looks for a caller has found one.
    competing: Vec<QueueAt>,
    /// Seats to look at before the turn ends: has their state to be told?
    touched: Vec<SeatAt>,
    unposted_seats: Vec<SeatAt>,
    unposted_queues: Vec<QueueAt>,
    /// The times a seat became ready, and one: the order of the idle.
    idle_turns: NonZeroU64,
    ignored: u64,
    /// Entries into any queue since the start.
    entries: u64,
}

impl Floor {
    /// A floor without callers, its seats signed out and without phones. Of two queues or seats
    /// with one name the first counts; a seat's queue that does not exist is passed over (`hotline
    /// check` finds both before the engine starts).
    pub fn new(queues: Vec<QueueSettings>, seats: Vec<SeatSettings>) -> Self {
        let count = seats.len();
        let mut queues: Roster<QueueId, QueueAt, Queue> =
            Roster::new(queues.into_iter().map(|q| (q.id, Queue::new(q, count))));
        let named = (0..).zip(seats).map(|(place, settings)| {
            let serves = serves(&settings, &queues);
            (settings.id, Seat::new(settings, place, serves))
        });
        let seats: Roster<SeatId, SeatAt, Seat> = Roster::new(named);
        for (at, seat) in seats.iter() {
            for post in &seat.serves {
                queues[post.queue].served_by.push((at, post.ring()));
            }
        }
        Self {
            now: Instant::START,
            timers: Timers::new(seats.len(), queues.len()),
            unposted_seats: seats.iter().map(|(at, _)| at).collect(),
            unposted_queues: queues.iter().map(|(at, _)| at).collect(),
            queues,
            seats,
            calls: Lookup::new(),
            wanted: BTreeSet::new(),
            outputs: VecDeque::new(),
            competing: Vec::new(),
            touched: Vec::new(),
            idle_turns: NonZeroU64::MIN,
            ignored: 0,
            entries: 0,
        }
    }

    /// Takes one input. Deadlines that are due are carried out after it, so that an answer that
    /// arrives in the same turn as the end of its ringing still counts.
    ///
    /// A `now` before the last one counts as the last one.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now).min(rules::LAST_INSTANT);
        while let Some(queue) = self.timers.pop_widening(self.now) {
            self.widen(queue);
        }
        if !self.apply(input) {
            self.ignored = self.ignored.saturating_add(1);
        }
        self.end_turn();
    }

    /// Carries out the deadlines that are due, and says what the seats have become.
    fn end_turn(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.fire(timer);
        }
        self.tell();
    }

    /// The next decision to carry out.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the next deadline is.
    pub fn next_wake(&self) -> Option<Instant> {
        self.timers.first()
    }

    /// How many inputs did not fit the state they met, since the start.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Whether the input fitted.
    fn apply(&mut self, input: Input) -> bool {
        match input {
            Input::CallQueued {
                call,
                queue,
                priority,
                arrived,
                spent,
                preferred,
                promised,
            } => {
                let arrived = arrived.min(self.now);
                let place = Place {
                    priority,
                    arrived,
                    call,
                };
                self.call_queued(place, queue, spent, (preferred, promised))
            }
            Input::CallLeft { call } => self.call_left(call),
            Input::Prioritise { call, priority } => self.prioritise(call, priority),
            Input::Move { call, queue } => self.move_to(call, queue),
            Input::Pick { call, seat } => self.at_seat(seat, |f, at| f.pick(call, at)),
            Input::Rang { call, seat } => self.at_seat(seat, |f, at| f.rang(call, at)),
            Input::Answered { call, seat } => self.at_seat(seat, |f, at| f.answered(call, at)),
            Input::NotAnswered { call, seat, why } => {
                self.at_seat(seat, |f, at| f.not_answered(call, at, why))
            }
            Input::TalkEnded { call, seat } => self.at_seat(seat, |f, at| f.talk_ended(call, at)),
            Input::NotReached { call, seat } => self.at_seat(seat, |f, at| f.not_reached(call, at)),
            Input::Transfer { call, to } => self.at_seat(to, |f, at| f.transfer(call, at)),
            Input::Held { seat } => self.at_seat(seat, Self::held),
            Input::Resumed { seat } => self.at_seat(seat, Self::resumed),
            Input::SetIntent { seat, intent } => {
                self.at_seat(seat, |f, at| f.set_intent(at, intent))
            }
            Input::Force { seat, intent } => self.at_seat(seat, |f, at| f.force(at, intent)),
            Input::SetDesk { seat, lost } => self.at_seat(seat, |f, at| f.set_desk(at, lost)),
            Input::SetDevice { seat, device } => {
                self.at_seat(seat, |f, at| f.set_device(at, device))
            }
            Input::SeatBusy { seat, busy } => self.at_seat(seat, |f, at| f.set_busy(at, busy)),
            Input::EndWrapUp { seat } => self.at_seat(seat, Self::end_wrap_up),
            Input::ExtendWrapUp { seat, by } => {
                self.at_seat(seat, |f, at| f.extend_wrap_up(at, by))
            }
            Input::TimePassed => true,
        }
    }

    fn at_seat(&mut self, seat: SeatId, act: impl FnOnce(&mut Self, SeatAt) -> bool) -> bool {
        self.seats.find(&seat).is_some_and(|at| act(self, at))
    }

    fn call_queued(
        &mut self,
        place: Place,
        queue: QueueId,
        spent: u8,
        (preferred, promised): (Option<(SeatId, Duration)>, bool),
    ) -> bool {
        if self.calls.contains(&place.call) {
            return false;
        }
        let refuse = |cause| Output::Refused {
            call: place.call,
            queue,
            cause,
        };
        let open = self
            .queues
            .find(&queue)
            .filter(|&at| !self.queues[at].closed);
        let Some(at) = open else {
            self.outputs.push_back(refuse(rules::QUEUE_UNKNOWN));
            return true;
        };
        let mut call = Call::new(at, place, self.queues[at].overflows.spent(spent), self.now);
        if let Some(seat) = preferred.and_then(|it| self.holds_out_for(at, place, it)) {
            call.past_mut().preferred = Some(seat);
        }
        if promised {
            call.past_mut().promised = true;
        }
        if promised || !self.is_full(at, place) {
            self.calls.insert(place.call, call);
            if !promised {
                self.note_entry(at);
            }
            self.stand_in_line(at, place);
        } else if !self.overflow_of_full(call) {
            self.outputs.push_back(refuse(rules::QUEUE_FULL));
        }
        true
    }

    /// Whether the queue has no room for one more, nor a seat that would take the call at once.
    fn is_full(&self, at: QueueAt, place: Place) -> bool {
        let there = &self.queues[at];
        let ring = there.ring_at(place.arrived, self.now);
        let mut open = there.ready.iter().take(ring + 1);
        there.line.unpromised() >= there.settings.capacity && open.all(Ready::is_empty)
    }

    fn call_left(&mut self, call: CallId) -> bool {
        let Some(gone) = self.calls.remove(&call) else {
            return false;
        };
        self.note_wait(gone.queue, gone.waits_since(), true);
        match gone.stage {
            Stage::Waiting => self.leave_line(gone.queue, gone.place),
            Stage::Offered(seat) => self.caller_gone(call, gone.queue, seat),
            Stage::Talking(seat) => {
                if let Some(to) = gone.past().transfer_to {
                    self.caller_gone(call, gone.queue, to);
                }
                self.end_talk(gone.queue, seat, true);
            }
        }
        true
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Work(seat) => match self.seats[seat].duty {
                Duty::Reserved { call, .. } => self.never_rang(call, seat),
                Duty::Ringing { call, .. } => self.rang_out(call, seat),
                Duty::WrapUp { .. } => {
                    self.end_wrap_up(seat);
                }
                Duty::Free | Duty::Talking { .. } | Duty::Hold { .. } => {}
            },
            Timer::BackOff(seat) => {
                self.seats[seat].back_off = None;
                self.settle(seat);
            }
            Timer::Overflow(queue) => self.overflow_next(queue),
            Timer::LongestWait(queue) => {
                let oldest = self.queues[queue].line.oldest_unpromised();
                self.give_up(queue, oldest);
            }
            Timer::HoldsOut(queue) => self.hold_out_no_longer(queue),
            Timer::Widens(queue) => self.widen(queue),
        }
    }

    /// Lets go of the caller who waits longest in a queue that nobody will serve.
    pub(super) fn give_up_oldest(&mut self, at: QueueAt) {
        let oldest = self.queues[at].line.oldest_of_all();
        self.give_up(at, oldest);
    }

    /// Lets go of the caller whose longest wait is over; the timer moves to the next.
    fn give_up(&mut self, at: QueueAt, oldest: Option<Place>) {
        let Some(oldest) = oldest else { return };
        let gone = self.calls.remove(&oldest.call);
        self.note_wait(at, gone.and_then(|gone| gone.waits_since()), false);
        self.leave_line(at, oldest);
        self.outputs.push_back(Output::TimedOut {
            call: oldest.call,
            queue: self.queues[at].settings.id,
        });
    }

    /// Ends the turn: says of each touched seat what it has become.
    fn tell(&mut self) {
        let mut touched = core::mem::take(&mut self.touched);
        for at in touched.drain(..) {
            let seat = &mut self.seats[at];
            let news = seat.tell();
            if news == seat.told {
                continue;
            }
            seat.told = news;
            seat.since = self.now;
            self.outputs.push_back(Output::SeatChanged {
                seat: seat.id,
                intent: news.intent,
                work: news.work,
                call: news.call(),
            });
        }
        self.touched = touched;
    }

    /// The seat may have changed: the turn's end and the board have to look at it.
    fn touch(&mut self, at: SeatAt) {
        self.touched.push(at);
        let seat = &mut self.seats[at];
        if let Some((queue, busy)) = seat.note_work(self.now) {
            let queue = &mut self.queues[queue];
            queue.pace.handled(busy);
            queue.seen.handled(self.now, busy);
        }
        if !core::mem::replace(&mut seat.unposted, true) {
            self.unposted_seats.push(at);
        }
    }

    /// The queue's figures changed: the board has to be written.
    fn touch_queue(&mut self, at: QueueAt) {
        if !core::mem::replace(&mut self.queues[at].unposted, true) {
            self.unposted_queues.push(at);
        }
    }
}

/// The queues that a seat serves, in their order.
fn serves(seat: &SeatSettings, queues: &Roster<QueueId, QueueAt, Queue>) -> Box<[Post]> {
    let open = |queue: &&Queue| !queue.closed;
    let find = |id: &QueueId| queues.named(id).filter(open).map(|queue| &queue.settings);
    let all = queues.iter().filter(|(_, there)| !there.closed);
    let posts = all.filter_map(|(queue, there)| {
        let ring = rings::ring_of(seat, &there.settings, find)?;
        let level = there.settings.skills.level_of(&seat.skills);
        Some(Post::new(queue, ring, level))
    });
    posts.collect()
}
