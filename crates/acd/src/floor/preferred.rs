//! A caller who holds out for one seat, the one who knows the case: no other seat is rung meanwhile,
//! and nobody's place suffers. The caller stands in line like all others; other seats pass over to
//! the next, and the preferred seat, too, serves whoever stands first of all it may serve.

use core::time::Duration;
use std::collections::BTreeSet;

use hotline_model::{CallId, Instant, SeatId};

use super::{Floor, matching::Because};
use crate::{
    line::Place,
    queue::Queue,
    roster::{At as _, QueueAt, SeatAt},
    timers::Timer,
};

impl Floor {
    /// Whether the wish means anything: the seat is there and may serve the call by now.
    pub(super) fn holds_out_for(
        &self,
        queue: QueueAt,
        place: Place,
        (seat, longest): (SeatId, Duration),
    ) -> Option<(SeatAt, Instant)> {
        let at = self.seats.find(&seat)?;
        let seat = &self.seats[at];
        let post = seat.serves.iter().find(|post| post.queue == queue)?;
        let ring = self.queues[queue].ring_at(place.arrived, self.now);
        let there = &self.queues[queue];
        let room = there.line.unpromised() < there.settings.capacity || seat.ready.is_some();
        let may = seat.is_staffed() && post.ring() <= ring && room && !longest.is_zero();
        may.then(|| (at, self.now + longest))
    }

    /// Rings the seat, or has the caller stand in line for it alone.
    pub(super) fn hold_out(&mut self, at: QueueAt, place: Place, seat: SeatAt, until: Instant) {
        let queue = &mut self.queues[at];
        queue.line.insert_holding(place);
        queue.held.insert(place.call, (seat, until));
        queue.holds_end.insert((until, place.call));
        self.wanted.insert((seat, at, place));
        self.stands_in_line(at, place);
        if self.seats[seat].ready.is_some() {
            self.offer(at, place, seat, Because::preferred());
        }
        self.arm_line(at);
    }

    pub(super) fn arm_holds(&mut self, at: QueueAt) {
        let first = self.queues[at].holds_end.first();
        let due = first.map(|&(until, _)| until);
        self.timers.set(Timer::HoldsOut(at), due);
    }

    /// The caller leaves the line.
    pub(super) fn let_go_of_hold(&mut self, at: QueueAt, place: Place) {
        if let Some((seat, until)) = self.queues[at].held.remove(&place.call) {
            self.queues[at].holds_end.remove(&(until, place.call));
            self.wanted.remove(&(seat, at, place));
        }
    }

    /// The first whose time is over waits for any seat from now on.
    pub(super) fn hold_out_no_longer(&mut self, at: QueueAt) {
        if let Some(&(_, call)) = self.queues[at].holds_end.first() {
            self.open_up(at, call);
        }
        self.serve_queue(at);
        self.arm_line(at);
    }

    /// Everybody in line waits for any seat from now on.
    pub(super) fn hold_out_for_nobody(&mut self, at: QueueAt) {
        let held: Vec<CallId> = self.queues[at].held.keys().copied().collect();
        for call in held {
            self.open_up(at, call);
        }
    }

    fn open_up(&mut self, at: QueueAt, call: CallId) {
        let Some(held) = self.calls.get_mut(&call) else {
            return;
        };
        held.wants_anybody();
        let place = held.place;
        self.let_go_of_hold(at, place);
        let queue: &mut Queue = &mut self.queues[at];
        queue.line.remove(place);
        queue.line.insert(place);
    }
}

/// Those in the queue's line who hold out for the seat.
pub(super) fn wanting(
    wanted: &BTreeSet<(SeatAt, QueueAt, Place)>,
    seat: SeatAt,
    queue: QueueAt,
) -> impl Iterator<Item = Place> {
    let first = Place {
        priority: 0,
        arrived: Instant::START,
        call: CallId(0),
    };
    let from = (!wanted.is_empty()).then(|| wanted.range((seat, queue, first)..));
    let here = from.into_iter().flatten();
    here.take_while(move |(of, at, _)| of.index() == seat.index() && at.index() == queue.index())
        .map(|&(_, _, place)| place)
}

/// When the oldest of them came.
pub(super) fn oldest_wanting(
    wanted: &BTreeSet<(SeatAt, QueueAt, Place)>,
    seat: SeatAt,
    queue: QueueAt,
) -> Option<Instant> {
    wanting(wanted, seat, queue)
        .map(|place| place.arrived)
        .min()
}
