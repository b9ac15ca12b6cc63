//! What happens at a seat outside an offer: talks, wrap-up, intent, phone.

use core::time::Duration;

use hotline_model::{
    CallId,
    seat::{Device, Intent, Reason},
};

use super::Floor;
use crate::{
    queue::Stage,
    roster::{QueueAt, SeatAt},
    seat::{BackOff, Duty, Mark},
    timers::Timer,
};

impl Floor {
    pub(super) fn talk_ended(&mut self, call: CallId, at: SeatAt) -> bool {
        self.seat_done(call, at, true)
    }

    /// Nobody was talked with, so there is nothing to wrap up, nor a handling time to learn from.
    pub(super) fn not_reached(&mut self, call: CallId, at: SeatAt) -> bool {
        let seat = &mut self.seats[at];
        if seat.duty.talking() == Some(call) {
            seat.answered = None;
        }
        self.seat_done(call, at, false)
    }

    fn seat_done(&mut self, call: CallId, at: SeatAt, wraps_up: bool) -> bool {
        let talks = self.calls.get_mut(&call);
        let Some(held) = talks.filter(|held| held.stage == Stage::Talking(at)) else {
            return false;
        };
        let queue = held.queue;
        match held.take_transfer() {
            // From here it is an offer like any other.
            Some(to) => held.stage = Stage::Offered(to),
            None => {
                self.calls.remove(&call);
            }
        }
        self.end_talk(queue, at, wraps_up);
        true
    }

    /// Wrap-up begins, where there is one. The call is no longer the seat's.
    pub(super) fn end_talk(&mut self, queue_at: QueueAt, at: SeatAt, wraps_up: bool) {
        let queue = &mut self.queues[queue_at];
        queue.talking -= 1;
        let wrap_up = queue.settings.wrap_up.min(queue.settings.wrap_up_cap);
        let at_most_until = self.now + queue.settings.wrap_up_cap;
        self.touch_queue(queue_at);
        self.apply_pending(at);
        let duty = match self.seats[at].duty.talking() {
            Some(call) if wraps_up && !wrap_up.is_zero() => Duty::WrapUp {
                call,
                until: self.now + wrap_up,
                at_most_until,
            },
            _ => Duty::Free,
        };
        self.set_duty(at, duty);
        self.settle(at);
    }

    pub(super) fn end_wrap_up(&mut self, at: SeatAt) -> bool {
        let wraps_up = matches!(self.seats[at].duty, Duty::WrapUp { .. });
        if wraps_up {
            self.set_duty(at, Duty::Free);
            self.settle(at);
        }
        wraps_up
    }

    pub(super) fn extend_wrap_up(&mut self, at: SeatAt, by: Duration) -> bool {
        let Duty::WrapUp {
            call,
            until,
            at_most_until,
        } = self.seats[at].duty
        else {
            return false;
        };
        self.set_duty(
            at,
            Duty::WrapUp {
                call,
                until: (until + by).min(at_most_until),
                at_most_until,
            },
        );
        true
    }

    pub(super) fn held(&mut self, at: SeatAt) -> bool {
        let Duty::Talking { call } = self.seats[at].duty else {
            return false;
        };
        self.set_duty(at, Duty::Hold { call });
        true
    }

    pub(super) fn resumed(&mut self, at: SeatAt) -> bool {
        let Duty::Hold { call } = self.seats[at].duty else {
            return false;
        };
        self.set_duty(at, Duty::Talking { call });
        true
    }

    /// During an offer or a talk the wish waits: an offer that is already ringing is not torn away
    /// from the caller (freeswitch PR 800 shows the INVITE/CANCEL loop that follows).
    pub(super) fn set_intent(&mut self, at: SeatAt, intent: Intent) -> bool {
        let signs_out = intent == Intent::NotReady(Reason::LoggedOut);
        if self.seats[at].is(Mark::Unnamed) || (self.seats[at].is(Mark::Barred) && !signs_out) {
            return false;
        }
        self.wish(at, intent);
        true
    }

    /// A supervisor's word stands above the agent's, and until a supervisor's next one.
    pub(super) fn force(&mut self, at: SeatAt, intent: Intent) -> bool {
        if self.seats[at].is(Mark::Unnamed) {
            return false;
        }
        let forced = intent == Intent::NotReady(Reason::Forced);
        self.seats[at].mark(Mark::Barred, forced);
        self.wish(at, intent);
        true
    }

    /// Takes effect at once, or after the offer or talk.
    pub(super) fn wish(&mut self, at: SeatAt, intent: Intent) {
        let seat = &mut self.seats[at];
        if seat.duty.offered().or(seat.duty.talking()).is_some() {
            seat.pending = (intent != seat.intent).then_some(intent);
            self.touch(at);
        } else {
            self.adopt(at, intent);
            self.settle(at);
        }
    }

    /// What the agent asked for during the offer or talk takes effect.
    pub(super) fn apply_pending(&mut self, at: SeatAt) {
        if let Some(intent) = self.seats[at].pending.take() {
            self.adopt(at, intent);
        }
    }

    /// Whoever becomes ready anew is forgiven earlier refusals.
    fn adopt(&mut self, at: SeatAt, intent: Intent) {
        let seat = &mut self.seats[at];
        let before = core::mem::replace(&mut seat.intent, intent);
        if before == Intent::NotReady(Reason::LoggedOut) && intent != before {
            seat.taken = 0;
        }
        if before != Intent::Ready && intent == Intent::Ready {
            seat.refusals = 0;
            self.end_back_off(at, BackOff::Refused);
        }
    }

    fn end_back_off(&mut self, at: SeatAt, why: BackOff) {
        let seat = &mut self.seats[at];
        if seat.back_off == Some(why) {
            seat.back_off = None;
            self.timers.set(Timer::BackOff(at), None);
        }
    }

    /// A phone that goes while it rings gives the caller back; one that goes during a talk changes
    /// nothing about the talk, for the sound may well flow on.
    pub(super) fn set_device(&mut self, at: SeatAt, device: Device) -> bool {
        let seat = &mut self.seats[at];
        seat.device = device;
        match device {
            Device::Registered => {
                seat.failures = 0;
                self.end_back_off(at, BackOff::Unreachable);
            }
            Device::Unregistered => {
                if let Some(call) = seat.duty.offered() {
                    self.phone_gone(call, at);
                }
            }
        }
        self.settle(at);
        true
    }

    /// As a phone that goes or comes: a caller who is being offered goes back, a talk stays; whoever
    /// is back is forgiven.
    pub(super) fn set_desk(&mut self, at: SeatAt, lost: bool) -> bool {
        let seat = &mut self.seats[at];
        seat.mark(Mark::DeskLost, lost);
        if !lost {
            seat.failures = 0;
            self.end_back_off(at, BackOff::Unreachable);
        } else if let Some(call) = seat.duty.offered() {
            self.phone_gone(call, at);
        }
        self.settle(at);
        true
    }

    pub(super) fn set_busy(&mut self, at: SeatAt, busy: bool) -> bool {
        self.seats[at].busy = busy;
        self.settle(at);
        true
    }
}
