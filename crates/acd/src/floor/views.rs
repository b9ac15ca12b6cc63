//! What may be asked of the floor, and its copy on the board.

use core::time::Duration;

use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    seat::{Device, Intent, Work},
};

use super::Floor;
use crate::{
    ExpectedWait,
    board::{BoardWriter, QueueWord, SeatWord},
    queue::{Queue, Stage},
    roster::At as _,
    seat::{Mark, Seat},
    timers::Timer,
};

/// A seat as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatView {
    /// What the agent wants.
    pub intent: Intent,
    /// What the agent wants after the present offer or talk, if something else.
    pub pending: Option<Intent>,
    /// What the seat does.
    pub work: Work,
    /// A supervisor has it not ready, and only a supervisor ends that.
    pub barred: bool,
    /// Whether its phone is registered.
    pub device: Device,
    /// Whether its page is cut off, by which alone it is reached.
    pub desk_lost: bool,
    /// The call it does it for.
    pub call: Option<CallId>,
    /// Since when intent, work and call are what they are.
    pub since: Instant,
    /// When the present work (reserved, ringing, wrap-up) ends by itself.
    pub deadline: Option<Instant>,
    /// No call before this, since the seat refused one or could not be reached.
    pub backs_off_until: Option<Instant>,
}

/// A queue as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Callers waiting; those a seat is being rung for are not among them.
    pub waiting: usize,
    /// Original arrival of the one who waits longest, of those who were promised no callback.
    pub longest_wait_since: Option<Instant>,
    /// Seats that would take a call that just came to this queue at once.
    pub ready_seats: usize,
    /// Seats being rung for a caller of this queue.
    pub offering: usize,
    /// Seats talking (or holding) with a caller of this queue.
    pub talking: usize,
    /// Seats of this queue that are signed in (签入) with a registered phone, breaks included.
    pub staffed: usize,
}

impl SeatView {
    /// Whether its agent would see and hear a call: a phone is registered, and the page is there where
    /// the seat is reached by that alone.
    pub fn is_reachable(&self) -> bool {
        self.device == Device::Registered && !self.desk_lost
    }
}

impl Floor {
    /// The queue in whose line the call stands, or from which it came to a seat.
    pub fn queue_of(&self, call: CallId) -> Option<QueueId> {
        let held = self.calls.get(&call)?;
        Some(self.queues[held.queue].settings.id)
    }

    /// The seat for which a waiting call holds out.
    pub fn holds_out(&self, call: CallId) -> Option<SeatId> {
        let queue = &self.queues[self.calls.get(&call)?.queue];
        let &(seat, _) = queue.held.get(&call)?;
        Some(self.seats[seat].id)
    }

    /// The call's place among those who wait, 1 is next; `None` when it does not wait (unknown,
    /// being offered, talking). Costs the shorter way to an end of the line.
    pub fn position(&self, call: CallId) -> Option<u32> {
        let held = self.calls.get(&call)?;
        if held.stage != Stage::Waiting {
            return None;
        }
        let ahead = self.queues[held.queue].line.ahead_of(held.place);
        Some(u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// How long the call will probably wait still. `None` when it does not wait, when none of its
    /// queue's own seats is at work, or when too little was seen of the queue yet. Costs as much
    /// as [`position`](Self::position).
    pub fn expected_wait(&self, call: CallId) -> Option<ExpectedWait> {
        let place = usize::try_from(self.position(call)?).ok()?;
        let queue = &self.queues[self.calls.get(&call)?.queue];
        Some(queue.tempo(self.now)?.expects(place))
    }

    /// How long a caller who came to the queue now would probably wait behind all who wait. Nothing where a seat is ready; `None` as for a call.
    pub fn expected_wait_in(&self, queue: QueueId) -> Option<ExpectedWait> {
        let queue = &self.queues[self.queues.find(&queue)?];
        if queue.ready_at_once() > 0 {
            let (from, to) = (Duration::ZERO, Duration::ZERO);
            return Some(ExpectedWait { from, to });
        }
        Some(queue.tempo(self.now)?.expects(queue.line.len() + 1))
    }

    /// Those who wait in the queue, in the order in which they will be served: the way to many
    /// positions at once.
    pub fn waiting(&self, queue: QueueId) -> impl Iterator<Item = CallId> {
        let there = self.queues.find(&queue);
        there.into_iter().flat_map(|at| {
            let line = &self.queues[at].line;
            line.iter().map(|place| place.call)
        })
    }

    /// The seat as it is now; `None` for an unknown one.
    pub fn seat(&self, seat: SeatId) -> Option<SeatView> {
        let at = self.seats.find(&seat)?;
        let seat = &self.seats[at];
        Some(SeatView {
            intent: seat.intent,
            pending: seat.pending,
            work: seat.work(),
            barred: seat.is(Mark::Barred),
            device: seat.device,
            desk_lost: seat.is(Mark::DeskLost),
            call: seat.duty.call(),
            since: seat.since,
            deadline: seat.duty.until(),
            backs_off_until: self.timers.at(Timer::BackOff(at)),
        })
    }

    /// All seats in the order of the settings, those named later behind; a seat's index here is its index on the board.
    pub fn seat_ids(&self) -> impl Iterator<Item = SeatId> {
        self.seats.iter().map(|(_, seat)| seat.id)
    }

    /// The queue as it is now; `None` for an unknown one.
    pub fn queue(&self, queue: QueueId) -> Option<QueueView> {
        let queue = &self.queues[self.queues.find(&queue)?];
        Some(QueueView {
            waiting: queue.line.len(),
            longest_wait_since: queue.line.oldest_unpromised().map(|place| place.arrived),
            ready_seats: queue.ready_at_once(),
            offering: queue.offering,
            talking: queue.talking,
            staffed: queue.staffed,
        })
    }

    /// Whether the queue would take a caller who just came: those who were promised a callback take no
    /// room, and a seat that would take the call at once needs none. `None` for an unknown one.
    pub fn has_room(&self, queue: QueueId) -> Option<bool> {
        let queue = &self.queues[self.queues.find(&queue)?];
        let fits = queue.line.unpromised() < queue.settings.capacity;
        Some(fits || queue.ready_at_once() > 0)
    }

    /// All queues in the order of the settings, those named later behind; a queue's index here is its index on the board.
    pub fn queue_ids(&self) -> impl Iterator<Item = QueueId> {
        self.queues.iter().map(|(_, queue)| queue.settings.id)
    }

    /// Writes to the board the seats and queues that changed since the last time. All of them at
    /// the first time: the board holds [`seat_ids`](Self::seat_ids) and
    /// [`queue_ids`](Self::queue_ids), and grows with them.
    pub fn post(&mut self, board: &mut BoardWriter) {
        board.grow(self.seats.len(), self.queues.len());
        while let Some(at) = self.unposted_seats.pop() {
            self.seats[at].unposted = false;
            board.set_seat(at.index(), seat_word(&self.seats[at]));
        }
        while let Some(at) = self.unposted_queues.pop() {
            self.queues[at].unposted = false;
            board.set_queue(at.index(), queue_word(&self.queues[at], self.now));
        }
    }
}

fn seat_word(seat: &Seat) -> SeatWord {
    SeatWord {
        intent: seat.intent,
        pending: seat.pending,
        work: seat.work(),
        device: seat.device,
        call: seat.duty.call(),
        since: seat.since,
    }
}

fn queue_word(queue: &Queue, now: Instant) -> QueueWord {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    QueueWord {
        waiting: count(queue.line.len()),
        longest_wait_since: queue.line.oldest_unpromised().map(|place| place.arrived),
        ready_seats: count(queue.ready_at_once()),
        offering: count(queue.offering),
        talking: count(queue.talking),
        staffed: count(queue.staffed),
        tempo: queue.tempo(now),
    }
}
