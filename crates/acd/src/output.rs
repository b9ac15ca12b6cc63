//! What the floor decides.

use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    seat::{Intent, OfferResult, Work},
};

use crate::OverflowTo;

/// A decision to carry out, or a fact to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ring this seat for this call.
    Offer {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// The queue.
        queue: QueueId,
        /// Why this seat and this caller, in a few words a supervisor understands.
        why: String,
        /// At this instant the floor takes the offer back if nobody answered.
        deadline: Instant,
    },
    /// Stop ringing this seat. The call is waiting again, except after `CallerGone`.
    Withdraw {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// `NoAnswer`: it rang to the end. `Unreachable`: it never rang. `Withdrawn`: the phone
        /// unregistered. `CallerGone`: the caller left.
        why: OfferResult,
    },
    /// The call waited as long as its queue allows; the floor has let go of it.
    TimedOut {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
    },
    /// The call left the queue by one of its overflow rules. It stands in the other queue now;
    /// where `to` is none, the floor has let go of it.
    Overflowed {
        /// The call.
        call: CallId,
        /// The queue it left, or was not taken into since it is full.
        queue: QueueId,
        /// Which of the queue's rules, from 0.
        rule: usize,
        /// Where it goes.
        to: OverflowTo,
        /// Why, in a few words a supervisor understands.
        why: String,
    },
    /// The call was not taken in.
    Refused {
        /// The call.
        call: CallId,
        /// The queue it asked for.
        queue: QueueId,
        /// Why: [`rules::QUEUE_FULL`](crate::rules::QUEUE_FULL) or
        /// [`rules::QUEUE_UNKNOWN`](crate::rules::QUEUE_UNKNOWN).
        cause: &'static str,
    },
    /// The seat's state at the end of the turn, if it is another than before. At most one a seat
    /// and turn, after the turn's decisions.
    SeatChanged {
        /// The seat.
        seat: SeatId,
        /// What the agent wants.
        intent: Intent,
        /// What the seat does.
        work: Work,
        /// The call it does it for.
        call: Option<CallId>,
    },
}
