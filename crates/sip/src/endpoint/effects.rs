//! What an input does to the world, collected: timers set, messages and events to hand out.

use core::time::Duration;
use std::{collections::VecDeque, sync::Arc};

use hotline_model::Instant;

use super::words::{DialogId, Event, Output, ReferId};
use crate::{
    path::Path,
    transaction::{
        Action, TransactionId,
        timer::{Timer, TimerQueue},
    },
};

/// Whose timer it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    Client(TransactionId),
    Server(TransactionId),
    Dialog(DialogId),
    Refer(ReferId),
}

/// The time of the current input, and what it has caused so far.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub now: Instant,
    pub timers: TimerQueue<(Owner, Timer)>,
    pub outputs: VecDeque<Output>,
}

impl Effects {
    pub fn transmit(&mut self, path: Path, bytes: &Arc<[u8]>) {
        self.outputs.push_back(Output::Transmit {
            path,
            bytes: Arc::clone(bytes),
        });
    }

    pub fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub fn set(&mut self, owner: Owner, timer: Timer, after: Duration) {
        self.timers.set((owner, timer), self.now + after);
    }

    pub fn stop(&mut self, owner: Owner, timer: Timer) {
        self.timers.stop((owner, timer));
    }

    /// Forgets every timer of `owner`.
    pub fn stop_all(&mut self, owner: Owner) {
        self.timers
            .stop_range((owner, Timer::FIRST), (owner, Timer::LAST));
    }
}

/// What the transaction's user has to hear after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[must_use]
pub(super) struct Step {
    /// The message is new to the user.
    pub deliver: bool,
    /// Nothing came in time.
    pub timed_out: bool,
    /// The transport could not send.
    pub failed: bool,
    /// The machine terminated: the entry is to be removed once the user has read it.
    pub over: bool,
}

impl Step {
    /// Carries out what is no sending; sending needs the transaction's messages.
    pub fn note(&mut self, action: Action, owner: Owner, fx: &mut Effects) {
        match action {
            Action::Deliver => self.deliver = true,
            Action::TimedOut => self.timed_out = true,
            Action::TransportFailed => self.failed = true,
            Action::Set(timer, after) => fx.set(owner, timer, after),
            Action::Stop(timer) => fx.stop(owner, timer),
            Action::Terminate => {
                fx.stop_all(owner);
                self.over = true;
            }
            Action::Transmit | Action::Acknowledge => {}
        }
    }
}
