//! What the floor is told. The journal keeps each word of it, so that its decisions can be taken
//! again.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    CallId, Instant, QueueId, SeatId,
    seat::{Device, Intent, OfferResult},
};

/// Something happened. An input that does not fit the state (a stale answer, an unknown name) is
/// counted and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// A caller asks for a human. A call that the floor holds already is left where it is.
    CallQueued {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// 0 is served first.
        priority: u8,
        /// When the wait began. A call that comes back (transfer, failed bridge) keeps the instant
        /// it had before, and so its place. An instant in the future counts as now.
        arrived: Instant,
        /// The overflow rules of the queue by which the call left it before, the first as the
        /// lowest bit: they do not count again.
        #[serde(default, skip_serializing_if = "is_zero")]
        spent: u8,
        /// Holds out for this seat (the one who knows the caller) for so long: it is rung first
        /// when it is ready or becomes so meanwhile, and no other seat is. Other callers are served
        /// past the call by other seats, and it past nobody: the preferred seat too takes whoever
        /// stands first. Means nothing where the seat is not signed in with a phone, or may not
        /// serve the call by now, or where the queue is full and the seat not ready; and is over once a seat was rung, the call went to another queue
        /// or the settings changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preferred: Option<(SeatId, Duration)>,
        /// The caller was promised a callback by this place: nobody is on the line, or whoever rang
        /// again. Such a call stands and is offered as any other; but no longest wait ends it, it
        /// takes no room in its queue, and it counts neither as a further arrival nor as a wait in
        /// forecasts.
        #[serde(default, skip_serializing_if = "is_false")]
        promised: bool,
    },
    /// The caller is gone, in whatever stage: waiting, being offered (then the offer is withdrawn)
    /// or talking (then the talk has ended).
    CallLeft {
        /// The call.
        call: CallId,
    },
    /// By a supervisor's hand: the call stands at this priority from now on, at the same arrival.
    /// Fits a call that waits or is being offered.
    Prioritise {
        /// The call.
        call: CallId,
        /// 0 is served first.
        priority: u8,
    },
    /// By a supervisor's hand: the call waits in this queue from now on, at the place of its
    /// arrival, and whatever overflow did before is forgotten. Fits a call that waits elsewhere,
    /// and a queue that has room.
    Move {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
    },
    /// By a supervisor's hand: this seat is rung for the call, whoever stands before it and
    /// whatever the seat can do. Fits a call that waits, and a seat that is signed in with a phone
    /// and does nothing, ready or not.
    Pick {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The seat's phone rings (any 18x).
    Rang {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The agent answered.
    Answered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The offer failed on the phone's side. `NoAnswer`, `Refused` and `Unreachable` mean what they
    /// say; `Withdrawn` (the shell could not carry it out) counts as unreachable, `CallerGone` as
    /// [`Input::CallLeft`].
    NotAnswered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// How it failed.
        why: OfferResult,
    },
    /// The agent and the caller are apart: wrap-up begins. The caller may stay for the survey.
    TalkEnded {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The agent answered the call of a promised caller, who could not be reached: the seat has no
    /// wrap-up, and the call is gone from the floor. Fits where [`Input::TalkEnded`] does.
    NotReached {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The call that a seat talks in is to go to this other seat, which is rung for it outside of
    /// the line. Fits a talk, and a seat that the floor has given nothing to do; the seat's view
    /// says whether it was reserved. Then `Rang`, `NotAnswered` and the withdrawal at the end of
    /// the queue's ring time mean what they mean of an offer, without moving the talk. When the
    /// first seat's talk ends before the second answers, the call is offered to the second: it is
    /// answered, or stands at its old place in line. `Answered` fits only after that.
    Transfer {
        /// The call.
        call: CallId,
        /// The seat to ring.
        to: SeatId,
    },
    /// The talk is on hold.
    Held {
        /// The seat.
        seat: SeatId,
    },
    /// The held talk went on.
    Resumed {
        /// The seat.
        seat: SeatId,
    },
    /// 示闲 or 示忙, by the agent or the engine. During an offer or a talk it waits until that is
    /// over. A seat that a supervisor has not ready ([`Input::Force`]) can only sign out.
    SetIntent {
        /// The seat.
        seat: SeatId,
        /// What the agent wants.
        intent: Intent,
    },
    /// By a supervisor's hand: as [`Input::SetIntent`], whoever set what holds now. Not ready by
    /// [`Reason::Forced`](crate::seat::Reason::Forced) holds until a supervisor says
    /// otherwise, also when the agent signs out and in again.
    Force {
        /// The seat.
        seat: SeatId,
        /// What the supervisor wants.
        intent: Intent,
    },
    /// The page of an agent whose phone is in the browser is cut off, or is back.
    SetDesk {
        /// The seat.
        seat: SeatId,
        /// Whether it is cut off.
        lost: bool,
    },
    /// The seat's phone registered or went away. A registration clears the back-off after an
    /// unreachable phone.
    SetDevice {
        /// The seat.
        seat: SeatId,
        /// Reachable or not.
        device: Device,
    },
    /// The seat is in a call the floor did not send (star code, test call), or that is over.
    SeatBusy {
        /// The seat.
        seat: SeatId,
        /// Whether it is in such a call.
        busy: bool,
    },
    /// The agent ends the wrap-up.
    EndWrapUp {
        /// The seat.
        seat: SeatId,
    },
    /// The agent needs more time to wrap up; never beyond the queue's cap.
    ExtendWrapUp {
        /// The seat.
        seat: SeatId,
        /// How much longer.
        by: Duration,
    },
    /// Nothing happened but time: deadlines that are due are carried out (as after every input).
    TimePassed,
}

fn is_zero(rules: &u8) -> bool {
    *rules == 0
}

fn is_false(promised: &bool) -> bool {
    !promised
}
