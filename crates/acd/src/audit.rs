//! The floor's own books, recounted the slow way.

use std::collections::BTreeSet;

use hotline_model::{CallId, seat::Intent};

use crate::{
    Floor,
    line::Place,
    queue::Stage,
    roster::{QueueAt, SeatAt},
    seat::{Duty, Seat},
    timers::Timer,
};

impl Floor {
    /// Recounts every index from the states alone and says what does not agree. For tests and the
    /// simulation, after every turn: it looks at everything.
    ///
    /// # Errors
    /// The first disagreement, in words.
    pub fn audit(&self) -> Result<(), String> {
        self.audit_calls()?;
        for (at, _) in self.seats.iter() {
            self.audit_seat(at)?;
        }
        for (at, _) in self.queues.iter() {
            self.audit_queue(at)?;
        }
        let timers = self.seats.iter().map(|(at, _)| at).fold(0, |sum, at| {
            sum + usize::from(self.seats[at].duty.until().is_some())
                + usize::from(self.timers.at(Timer::BackOff(at)).is_some())
        });
        let waits = self.queues.iter();
        let waits = waits.flat_map(|(at, _)| {
            [
                Timer::Overflow(at),
                Timer::LongestWait(at),
                Timer::HoldsOut(at),
                Timer::Widens(at),
            ]
        });
        let waits = waits
            .filter(|&timer| self.timers.at(timer).is_some())
            .count();
        check(self.timers.len() == timers + waits, || {
            "a timer runs for nobody".into()
        })?;
        let overdue = self.timers.first().filter(|&first| first <= self.now);
        check(overdue.is_none(), || "a deadline has passed".into())
    }

    /// Each call is in line, or at exactly one seat that knows of it.
    fn audit_calls(&self) -> Result<(), String> {
        let mut found = BTreeSet::new();
        for (at, queue) in self.queues.iter() {
            let mut length = 0;
            for place in queue.line.iter() {
                length += 1;
                let held = self.calls.get(&place.call);
                let agrees = held.is_some_and(|held| {
                    held.stage == Stage::Waiting && held.queue == at && held.place == place
                });
                check(agrees && found.insert(place.call), || {
                    format!("call {} stands in line wrongly", place.call)
                })?;
            }
            check(length == queue.line.len(), || {
                format!("the line of {} miscounts", queue.settings.id)
            })?;
        }
        for (at, seat) in self.seats.iter() {
            if let Some(call) = seat.duty.offered().or(seat.duty.talking()) {
                if self.is_moving_to(call, at) {
                    continue;
                }
                check(found.insert(call), || {
                    format!("call {call} is in two places")
                })?;
            }
        }
        check(found.len() == self.calls.len(), || {
            "a call is nowhere".into()
        })
    }

    /// Whether another seat talks in the call, and this one is rung to take it over.
    fn is_moving_to(&self, call: CallId, to: SeatAt) -> bool {
        self.calls.get(&call).is_some_and(|held| {
            let elsewhere = matches!(held.stage, Stage::Talking(from) if from != to);
            elsewhere && held.past().transfer_to == Some(to)
        })
    }

    fn audit_seat(&self, at: SeatAt) -> Result<(), String> {
        let seat = &self.seats[at];
        let fault = |what: &str| format!("seat {}: {what}", seat.id);
        let stage_of = |call| self.calls.get(&call).map(|held| held.stage);
        if let Some(call) = seat.duty.offered() {
            let offered = stage_of(call) == Some(Stage::Offered(at));
            check(offered || self.is_moving_to(call, at), || {
                fault("rings for a call that is not offered to it")
            })?;
        }
        if let Some(call) = seat.duty.talking() {
            check(stage_of(call) == Some(Stage::Talking(at)), || {
                fault("talks in a call that is not its own")
            })?;
        }
        check(seat.takes_calls() == seat.ready.is_some(), || {
            fault("is ready and does not stand so, or the other way round")
        })?;
        let timed = self.timers.times_work(at, seat.duty.until());
        check(timed, || fault("has another deadline than its state says"))?;
        check(
            self.timers.at(Timer::BackOff(at)).is_some() == seat.back_off.is_some(),
            || fault("has a back-off without an end"),
        )?;
        check(seat.told == seat.tell(), || fault("has untold news"))
    }

    fn audit_queue(&self, at: QueueAt) -> Result<(), String> {
        let queue = &self.queues[at];
        let fault = |what: &str| format!("queue {}: {what}", queue.settings.id);
        let own = |seat: &Seat| {
            let mut posts = seat.serves.iter();
            posts.any(|post| post.queue == at && post.ring() == 0)
        };
        for (ring, ready) in queue.ready.iter().enumerate() {
            let here = self.seats.iter().filter_map(|(seat_at, seat)| {
                let mut posts = seat.serves.iter();
                let post = posts.find(|post| post.queue == at && post.ring() == ring)?;
                Some((seat_at, seat.standing(seat.ready?), post.level.into()))
            });
            check(ready.holds(here), || fault("miscounts its ready seats"))?;
            let served = queue.head_for(ring, self.now);
            check(ready.is_empty() || served.is_none(), || {
                fault("a caller waits before a ready seat")
            })?;
        }
        let from_here = |call| self.calls.get(&call).is_some_and(|held| held.queue == at);
        let count = |what: fn(Duty) -> Option<CallId>| {
            let calls = self.seats.iter().filter_map(|(_, seat)| what(seat.duty));
            calls.filter(|&call| from_here(call)).count()
        };
        check(count(Duty::offered) == queue.offering, || {
            fault("miscounts its offers")
        })?;
        check(count(Duty::talking) == queue.talking, || {
            fault("miscounts its talks")
        })?;
        let staffed = self.seats.iter().filter(|(_, seat)| own(seat));
        let staffed = staffed.filter(|(_, seat)| seat.is_staffed()).count();
        check(staffed == queue.staffed, || fault("miscounts its staff"))?;
        let serves = |seat: &Seat| seat.serves.iter().any(|post| post.queue == at);
        let served = self.seats.iter().filter(|(_, seat)| serves(seat));
        let served = served.filter(|(_, seat)| seat.is_staffed()).count();
        check(served == queue.served, || fault("miscounts who serves it"))?;
        let at_work = self.seats.iter().filter(|(_, seat)| own(seat));
        let ready = |seat: &Seat| seat.is_staffed() && seat.intent == Intent::Ready;
        let at_work = at_work.filter(|(_, seat)| ready(seat)).count();
        check(at_work == queue.at_work, || {
            fault("miscounts its seats at work")
        })?;
        check(
            self.timers.at(Timer::LongestWait(at)) == queue.times_out_at(),
            || fault("has another longest wait than its oldest caller"),
        )?;
        let first = queue.holds_end.first().map(|&(until, _)| until);
        check(self.timers.at(Timer::HoldsOut(at)) == first, || {
            fault("lets callers hold out until another time than theirs")
        })?;
        let wanted = self.wanted.iter().filter(|&&(_, of, _)| of == at);
        let held = wanted.clone().all(|&(seat, _, place)| {
            let held = queue.held.get(&place.call).map(|&(seat, _)| seat);
            held == Some(seat) && self.seats[seat].ready.is_none()
        });
        let as_many = wanted.count() == queue.held.len();
        check(
            held && as_many && queue.held.len() == queue.holds_end.len(),
            || fault("a caller holds out for a ready seat, or for none"),
        )?;
        check(
            self.timers.at(Timer::Overflow(at)) == queue.overflows_at(),
            || fault("lets callers overflow at another time than its rules say"),
        )?;
        let spent = |place: Place| Some((place, self.calls.get(&place.call)?.spent));
        let held = queue.overflows.holds(queue.line.iter().filter_map(spent));
        check(held, || fault("counts its overflow rules for others"))?;
        check(
            self.timers.at(Timer::Widens(at)) == queue.widens_at(self.now),
            || fault("widens at another time than its callers wait for"),
        )
    }
}

fn check(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}
