//! The supervisor's hand on waiting calls: another priority, another queue, a seat at once; and why
//! a call still waits.

use hotline_acd::{ExpectedWait, Input as FloorInput};
use hotline_model::{CallId, Instant, QueueId, SeatId, event::Event};

use super::Exchange;
use crate::{
    orders::{CallOrder, CallRequest, OrderRefused},
    stage::Input as StageInput,
};

/// A call that waits, or for which a seat is being rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The queue.
    pub queue: QueueId,
    /// Its place, 1 is next; `None` while a seat is being rung.
    pub position: Option<u32>,
    /// How long it will probably wait still, where that is known.
    pub expected: Option<ExpectedWait>,
    /// Why it waits, each in a few words a supervisor understands.
    pub why: Vec<String>,
}

impl Exchange {
    /// Why the call still waits; `None` where it does not.
    pub fn waits(&self, call: CallId) -> Option<Waits> {
        let floor = &self.board.floor;
        let why = floor.explain(call);
        let position = floor.position(call);
        if why.is_empty() && position.is_none() {
            return None;
        }
        Some(Waits {
            queue: floor.queue_of(call)?,
            position,
            expected: floor.expected_wait(call),
            why: why.iter().map(ToString::to_string).collect(),
        })
    }

    pub(super) fn call_ordered(
        &mut self,
        now: Instant,
        order: &CallOrder,
    ) -> Result<(), OrderRefused> {
        let call = order.call;
        if !self.calls.contains_key(&call) {
            return Err(OrderRefused::CallUnknown);
        }
        let by = format!("api:{}", order.by);
        match order.request {
            CallRequest::Priority(priority) => self.prioritise(now, call, priority, by),
            CallRequest::Queue(to) => self.move_to(now, call, to, by),
            CallRequest::Seat(seat) => self.pick(now, call, seat, by),
        }
    }

    fn prioritise(
        &mut self,
        now: Instant,
        call: CallId,
        priority: u8,
        by: String,
    ) -> Result<(), OrderRefused> {
        let before = self.board.floor.ignored();
        self.board
            .floor(now, FloorInput::Prioritise { call, priority });
        if self.board.floor.ignored() > before {
            return Err(OrderRefused::NotWaiting);
        }
        let event = Event::CallPrioritised { call, priority, by };
        self.board.happened(now, event);
        self.tell_call(now, call, StageInput::Prioritised(priority));
        Ok(())
    }

    fn move_to(
        &mut self,
        now: Instant,
        call: CallId,
        to: QueueId,
        by: String,
    ) -> Result<(), OrderRefused> {
        let floor = &self.board.floor;
        floor.queue(to).ok_or(OrderRefused::TargetUnknown)?;
        let from = floor
            .queue_of(call)
            .filter(|_| floor.position(call).is_some());
        let from = from.ok_or(OrderRefused::NotWaiting)?;
        if from == to {
            return Err(OrderRefused::AlreadySo);
        }
        self.board.floor(now, FloorInput::Move { call, queue: to });
        if self.board.floor.queue_of(call) == Some(from) {
            return Err(OrderRefused::TargetBusy);
        }
        let event = Event::CallMoved { call, from, to, by };
        self.board.happened(now, event);
        self.tell_call(now, call, StageInput::StandsIn(to));
        Ok(())
    }

    fn pick(
        &mut self,
        now: Instant,
        call: CallId,
        seat: SeatId,
        by: String,
    ) -> Result<(), OrderRefused> {
        let floor = &self.board.floor;
        floor.seat(seat).ok_or(OrderRefused::SeatUnknown)?;
        floor.position(call).ok_or(OrderRefused::NotWaiting)?;
        self.board.floor(now, FloorInput::Pick { call, seat });
        let view = self.board.floor.seat(seat);
        if view.and_then(|view| view.call) != Some(call) {
            return Err(OrderRefused::TargetBusy);
        }
        let event = Event::CallPicked { call, seat, by };
        self.board.happened(now, event);
        Ok(())
    }
}
