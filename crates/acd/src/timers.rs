//! All timers of the floor: one enum, one queue, one slot for each.

use std::collections::BTreeSet;

use hotline_model::Instant;

use crate::roster::{At, QueueAt, SeatAt};

/// What becomes due. At one instant they are carried out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The seat's reserved, ringing or wrap-up time ends.
    Work(SeatAt),
    /// The seat may have calls again.
    BackOff(SeatAt),
    /// Somebody in the queue's line leaves by an overflow rule.
    Overflow(QueueAt),
    /// The longest wait of the queue's oldest caller ends.
    LongestWait(QueueAt),
    /// A caller of the queue holds out for a seat no longer.
    HoldsOut(QueueAt),
    /// Further seats may serve a caller of the queue.
    Widens(QueueAt),
}

/// Each timer is set at most once; setting it anew moves it.
#[derive(Debug)]
pub(crate) struct Timers {
    due: BTreeSet<(Instant, Timer)>,
    /// Of a seat's work there is none: its duty says until when.
    back_off: Vec<Option<Instant>>,
    overflow: Vec<Option<Instant>>,
    longest_wait: Vec<Option<Instant>>,
    holds_out: Vec<Option<Instant>>,
    /// Kept apart: see [`Timers::pop_widening`].
    widenings: BTreeSet<(Instant, QueueAt)>,
    widens: Vec<Option<Instant>>,
}

impl Timers {
    pub(crate) fn new(seats: usize, queues: usize) -> Self {
        Self {
            due: BTreeSet::new(),
            back_off: vec![None; seats],
            overflow: vec![None; queues],
            longest_wait: vec![None; queues],
            holds_out: vec![None; queues],
            widenings: BTreeSet::new(),
            widens: vec![None; queues],
        }
    }

    /// Makes room for so many seats and queues.
    pub(crate) fn grow(&mut self, seats: usize, queues: usize) {
        for (slots, count) in [
            (&mut self.back_off, seats),
            (&mut self.overflow, queues),
            (&mut self.longest_wait, queues),
            (&mut self.holds_out, queues),
            (&mut self.widens, queues),
        ] {
            slots.resize(count.max(slots.len()), None);
        }
    }

    /// When the timer is due, if it is set; of a seat's work its duty says it.
    pub(crate) fn at(&self, timer: Timer) -> Option<Instant> {
        let (slots, index) = match timer {
            Timer::Work(_) => return None,
            Timer::BackOff(seat) => (&self.back_off, seat.index()),
            Timer::Overflow(queue) => (&self.overflow, queue.index()),
            Timer::LongestWait(queue) => (&self.longest_wait, queue.index()),
            Timer::HoldsOut(queue) => (&self.holds_out, queue.index()),
            Timer::Widens(queue) => (&self.widens, queue.index()),
        };
        slots.get(index).copied().flatten()
    }

    /// The deadline of a seat's work is no longer the one, but the other.
    pub(crate) fn move_work(
        &mut self,
        seat: SeatAt,
        before: Option<Instant>,
        after: Option<Instant>,
    ) {
        if before != after {
            let timer = Timer::Work(seat);
            before.map(|before| self.due.remove(&(before, timer)));
            self.due.extend(after.map(|after| (after, timer)));
        }
    }

    /// Whether the seat's work is timed as its duty says.
    pub(crate) fn times_work(&self, seat: SeatAt, until: Option<Instant>) -> bool {
        until.is_none_or(|until| self.due.contains(&(until, Timer::Work(seat))))
    }

    /// Sets, moves or (with `None`) clears the timer, which is not of a seat's work.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        let slot = match timer {
            Timer::Work(_) => None,
            Timer::BackOff(seat) => self.back_off.get_mut(seat.index()),
            Timer::Overflow(queue) => self.overflow.get_mut(queue.index()),
            Timer::LongestWait(queue) => self.longest_wait.get_mut(queue.index()),
            Timer::HoldsOut(queue) => self.holds_out.get_mut(queue.index()),
            Timer::Widens(queue) => self.widens.get_mut(queue.index()),
        };
        let Some(slot) = slot else { return };
        if *slot == at {
            return;
        }
        let before = core::mem::replace(slot, at);
        if let Timer::Widens(queue) = timer {
            before.map(|before| self.widenings.remove(&(before, queue)));
            self.widenings.extend(at.map(|at| (at, queue)));
        } else {
            before.map(|before| self.due.remove(&(before, timer)));
            self.due.extend(at.map(|at| (at, timer)));
        }
    }

    /// Takes the first timer that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let &(at, timer) = self.due.first()?;
        if at > now {
            return None;
        }
        match timer {
            Timer::Work(seat) => self.move_work(seat, Some(at), None),
            _ => self.set(timer, None),
        }
        Some(timer)
    }

    /// Takes the first queue in which further seats may serve somebody by now. These come before
    /// the turn's input and not after it like the deadlines: whoever has waited so long has done so
    /// whatever happens now, and a caller who comes must not take the seat.
    pub(crate) fn pop_widening(&mut self, now: Instant) -> Option<QueueAt> {
        let &(at, queue) = self.widenings.first()?;
        if at > now {
            return None;
        }
        self.set(Timer::Widens(queue), None);
        Some(queue)
    }

    /// When the first timer is due.
    pub(crate) fn first(&self) -> Option<Instant> {
        let due = self.due.first().map(|&(at, _)| at);
        let widening = self.widenings.first().map(|&(at, _)| at);
        due.into_iter().chain(widening).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len() + self.widenings.len()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(s: u64) -> Instant {
        Instant::START + Duration::from_secs(s)
    }

    #[test]
    fn a_timer_set_anew_is_due_once() {
        let mut timers = Timers::new(2, 1);
        let seat = SeatAt::from_index(1);
        timers.move_work(seat, None, Some(at(1)));
        timers.move_work(seat, Some(at(1)), Some(at(3)));
        timers.set(Timer::BackOff(seat), Some(at(2)));
        assert_eq!(timers.pop_due(at(1)), None);
        assert_eq!(timers.first(), Some(at(2)));
        assert_eq!(timers.pop_due(at(9)), Some(Timer::BackOff(seat)));
        assert_eq!(timers.pop_due(at(9)), Some(Timer::Work(seat)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.len(), 0);
    }
}
