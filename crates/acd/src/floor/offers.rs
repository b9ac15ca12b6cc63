//! An offer's life after it was made: it rings, is answered, or ends in one of six other ways.

use hotline_model::{
    CallId,
    seat::{Intent, OfferResult, Reason},
};

use super::Floor;
use crate::{
    Output,
    queue::Stage,
    roster::{QueueAt, SeatAt},
    rules,
    seat::{BackOff, Duty},
    timers::Timer,
};

impl Floor {
    pub(super) fn rang(&mut self, call: CallId, at: SeatAt) -> bool {
        match self.seats[at].duty {
            Duty::Reserved {
                call: offered,
                answer_by,
                ..
            } if offered == call => {
                let until = answer_by;
                self.set_duty(at, Duty::Ringing { call, until });
                true
            }
            // 180 may be repeated.
            Duty::Ringing { call: offered, .. } => offered == call,
            _ => false,
        }
    }

    pub(super) fn answered(&mut self, call: CallId, at: SeatAt) -> bool {
        if self.seats[at].duty.offered() != Some(call) {
            return false;
        }
        let offered = self.calls.get_mut(&call);
        let Some(held) = offered.filter(|held| held.stage == Stage::Offered(at)) else {
            return false;
        };
        held.stage = Stage::Talking(at);
        let (queue_at, waited) = (held.queue, held.waits_since());
        held.answered = true;
        self.note_wait(queue_at, waited, false);
        let queue = &mut self.queues[queue_at];
        queue.offering -= 1;
        queue.talking += 1;
        self.touch_queue(queue_at);
        let seat = &mut self.seats[at];
        seat.refusals = 0;
        seat.failures = 0;
        seat.taken = seat.taken.saturating_add(1);
        seat.answered = Some(queue_at);
        self.set_duty(at, Duty::Talking { call });
        true
    }

    pub(super) fn not_answered(&mut self, call: CallId, at: SeatAt, why: OfferResult) -> bool {
        if self.seats[at].duty.offered() != Some(call) {
            return false;
        }
        match why {
            OfferResult::Answered => return false,
            OfferResult::CallerGone => {
                let moves = self.calls.get_mut(&call);
                if let Some(held) = moves.filter(|held| held.past().transfer_to.is_some()) {
                    held.take_transfer();
                    let queue = held.queue;
                    self.end_offer(queue, at);
                    self.settle(at);
                } else if let Some(gone) = self.calls.remove(&call) {
                    self.end_offer(gone.queue, at);
                    self.settle(at);
                }
            }
            OfferResult::NoAnswer
            | OfferResult::Refused
            | OfferResult::Unreachable
            | OfferResult::Withdrawn => self.declined(call, at, why),
        }
        true
    }

    /// The reserved time is over: the phone never rang.
    pub(super) fn never_rang(&mut self, call: CallId, at: SeatAt) {
        self.withdraw(call, at, OfferResult::Unreachable);
        self.declined(call, at, OfferResult::Unreachable);
    }

    /// The ring time is over.
    pub(super) fn rang_out(&mut self, call: CallId, at: SeatAt) {
        self.withdraw(call, at, OfferResult::NoAnswer);
        self.declined(call, at, OfferResult::NoAnswer);
    }

    /// The phone unregistered while it was being rung.
    pub(super) fn phone_gone(&mut self, call: CallId, at: SeatAt) {
        self.withdraw(call, at, OfferResult::Withdrawn);
        self.declined(call, at, OfferResult::Withdrawn);
    }

    /// The caller left while the seat was being rung. The call is no longer in the table.
    pub(super) fn caller_gone(&mut self, call: CallId, queue: QueueAt, at: SeatAt) {
        self.withdraw(call, at, OfferResult::CallerGone);
        self.end_offer(queue, at);
        self.settle(at);
    }

    pub(super) fn withdraw(&mut self, call: CallId, at: SeatAt, why: OfferResult) {
        let seat = self.seats[at].id;
        self.outputs.push_back(Output::Withdraw { call, seat, why });
    }

    /// The seat did not take the call: it bears the consequence, and the caller is back in line at
    /// the old place, which is the head unless somebody with precedence came meanwhile.
    pub(super) fn declined(&mut self, call: CallId, at: SeatAt, why: OfferResult) {
        let Some(held) = self.calls.get_mut(&call) else {
            return;
        };
        let declined_by = &mut held.past_mut().declined_by;
        declined_by.retain(|&seat| seat != at);
        if declined_by.len() >= rules::DECLINED_PER_CALL {
            declined_by.remove(0);
        }
        declined_by.push(at);
        let (queue, place) = (held.queue, held.place);
        // A transfer that failed leaves the caller with the seat that still talks.
        let talks_still = held.take_transfer().is_some();
        if !talks_still {
            held.stage = Stage::Waiting;
        }
        self.end_offer(queue, at);
        match why {
            OfferResult::NoAnswer => self.force_not_ready(at, Reason::RingNoAnswer),
            OfferResult::Refused => self.refused(at),
            _ => self.unreachable(at),
        }
        self.settle(at);
        if !talks_still {
            self.stand_in_line(queue, place);
        }
    }

    /// The seat is no longer rung; what the agent wished for meanwhile takes effect.
    fn end_offer(&mut self, queue: QueueAt, at: SeatAt) {
        self.queues[queue].offering -= 1;
        self.touch_queue(queue);
        self.apply_pending(at);
        self.set_duty(at, Duty::Free);
    }

    fn refused(&mut self, at: SeatAt) {
        let seat = &mut self.seats[at];
        seat.refusals += 1;
        if seat.refusals >= rules::REFUSALS_IN_A_ROW {
            seat.refusals = 0;
            self.force_not_ready(at, Reason::Refused);
        }
        self.back_off(at, BackOff::Refused, rules::REFUSED_BACK_OFF);
    }

    fn unreachable(&mut self, at: SeatAt) {
        let seat = &mut self.seats[at];
        let doubled = rules::UNREACHABLE_BACK_OFF * (1 << u32::from(seat.failures.min(8)));
        seat.failures = seat.failures.saturating_add(1);
        let back_off = doubled.min(rules::UNREACHABLE_BACK_OFF_CAP);
        self.back_off(at, BackOff::Unreachable, back_off);
    }

    fn back_off(&mut self, at: SeatAt, why: BackOff, wait: core::time::Duration) {
        self.seats[at].back_off = Some(why);
        self.timers.set(Timer::BackOff(at), Some(self.now + wait));
    }

    /// An agent who asked to be not ready keeps the reason given.
    fn force_not_ready(&mut self, at: SeatAt, reason: Reason) {
        let seat = &mut self.seats[at];
        if seat.intent == Intent::Ready {
            seat.intent = Intent::NotReady(reason);
        }
    }
}
