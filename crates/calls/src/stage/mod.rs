//! The stages of a call, one file each. A stage owns its data; a transition consumes it.
//!
//! ```text
//! Arriving ─▶ Menu ─▶ Waiting ◀─▶ Offering ─▶ Talking ─▶ Surveying ─▶ Ended
//!                       │            ▲         ▲ │ (the agent's phone died: back, place kept)
//!                       ├─▶ Overflowing (outside: Outgoing, or back) or Menu (a script)
//!                       └─▶ Releasing ─▶ Ended │ └─▶ Ended
//!                                              ├──▶ Transferring (to another seat, or back)
//!                                              └──▶ Forwarding (outside: Outgoing, or back)
//! ```
//! A caller who is to be called back stands in `Waiting` with nobody on the line: from `Offering` the
//! way leads by `CallingBack` to `Talking`, or by `Resting` back to `Waiting`.
//!
//! Wrap-up is not a stage of the call: it belongs to the seat and runs on the floor while the
//! caller gives the score.

mod arriving;
mod aside;
mod calling_back;
mod calling_out;
mod forwarding;
mod menu;
mod moving;
mod offering;
mod overflowing;
mod releasing;
mod resting;
mod script;
mod surveying;
mod talking;
mod transferring;
mod waiting;

pub use arriving::Arriving;
pub use calling_back::CallingBack;
pub use calling_out::CallingOut;
pub use forwarding::Forwarding;
pub use menu::Menu;
pub use offering::Offering;
pub use overflowing::Overflowing;
pub use releasing::Releasing;
pub use resting::Resting;
pub use surveying::Surveying;
pub use talking::Talking;
pub use transferring::Transferring;
pub use waiting::Waiting;

use hotline_acd::OverflowTo;
use hotline_model::{
    Instant, LegId, QueueId, SeatId,
    event::{Outcome, TransferKind},
    seat::OfferResult,
};
use hotline_sip::endpoint::{EndedBy, ReferId};

use crate::{
    call::Facts,
    guests::{Seen, Wish},
    leg::Leg,
    orders::TransferTo,
    outgoing::Outgoing,
    rings::Rings,
    switchboard::{Side, Switchboard},
};

/// Where a call stands.
pub enum Stage {
    /// INVITE taken in, not yet answered and acknowledged.
    Arriving(Arriving),
    /// The script talks with the caller.
    Menu(Box<Menu>),
    /// In a queue.
    Waiting(Waiting),
    /// A seat's phone is being rung; the caller still hears the music.
    Offering(Offering),
    /// A seat answered for a caller who is not on the line and is called now.
    CallingBack(Box<CallingBack>),
    /// The caller was not reached; the call stands in line again later.
    Resting(Resting),
    /// A human has answered.
    Talking(Talking),
    /// The human gives the caller on, who hears music meanwhile.
    Transferring(Box<Transferring>),
    /// The human gives the caller on to a number outside.
    Forwarding(Box<Forwarding>),
    /// The queue sends the caller to a number outside.
    Overflowing(Box<Overflowing>),
    /// The agent left; the caller is asked for the score.
    Surveying(Box<Surveying>),
    /// The caller hears why nobody can serve, and is released.
    Releasing(Releasing),
    /// A seat is to call somebody outside and is rung first.
    CallingOut(Box<CallingOut>),
    /// A seat called somebody outside, or gave its caller on to there.
    Outgoing(Box<Outgoing>),
    /// Over; the exchange forgets the call.
    Ended,
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A leg's media port is open.
    MediaOpened(LegId, u16),
    /// A leg's media port could not be opened.
    MediaFailed(LegId, String),
    /// A sound ended on the caller's leg.
    PlayEnded(u32),
    /// The caller pressed a key.
    Digit(char),
    /// Nothing was heard from that side for too long.
    Silent(Side, LegId),
    /// Somebody who is attended to was heard.
    Spoke(LegId),
    /// Nobody was heard there in the time given.
    Speechless(Side, LegId),
    /// The peer acknowledged our 200; its SDP answer, where our 200 carried the offer.
    Acknowledged(Side, LegId, Vec<u8>),
    /// The caller cancelled before we answered.
    Cancelled,
    /// The seat's phone rings; its early answer, where it gave one.
    Ringing(LegId, Vec<u8>),
    /// The seat answered.
    Answered(LegId, Vec<u8>),
    /// The seat's phone refused, or could not be reached; where it redirects to (3xx).
    Refused(LegId, u16, Vec<String>),
    /// A dialog ended.
    Ended(Side, LegId, EndedBy),
    /// A new offer in the dialog.
    Reoffered(Side, LegId, Vec<u8>),
    /// The peer's answer to our last description, which a refresh of the session repeated.
    Refreshed(Side, LegId, Vec<u8>),
    /// The floor matched the call to a seat.
    Offered {
        /// The seat.
        seat: SeatId,
        /// The queue.
        queue: QueueId,
        /// Why this seat.
        why: String,
    },
    /// The floor took the offer back; the call stands in its queue again.
    Withdrawn(SeatId, OfferResult),
    /// The longest wait of the queue passed.
    TimedOut(QueueId),
    /// The call left the queue by a rule.
    Overflowed {
        /// The queue.
        queue: QueueId,
        /// Which of its rules.
        rule: usize,
        /// Where it goes.
        to: OverflowTo,
        /// Why.
        why: String,
    },
    /// A supervisor gave the waiting call this priority.
    Prioritised(u8),
    /// A supervisor moved the waiting call to this queue.
    StandsIn(QueueId),
    /// The caller, who was to be called back, stands in line with a new call, or a seat called.
    RangAgain,
    /// The queue did not take the call.
    QueueRefused(QueueId, &'static str),
    /// The seat gives the caller on; the peer's REFER, where it was asked by one.
    Transfer(TransferTo, Option<ReferId>),
    /// Another seat takes the caller over, by this leg, and how that came; the REFER that asked for
    /// it.
    TakenOver(SeatId, Box<Leg>, TransferKind, Option<ReferId>),
    /// The agent leaves the caller to whoever answered at this number outside, by this leg.
    GoneOutside(String, Box<Leg>),
    /// The seat that talks wants to go on by this leg of another phone, which made this offer.
    Moved(Box<Leg>, Vec<u8>),
    /// Another phone of the seat that is rung wants to answer by this leg; it made this offer.
    PickedUp(Box<Leg>, Vec<u8>),
    /// Something is asked of the talk and its guests.
    Guest(Wish),
    /// The stage's deadline came.
    DeadlinePassed,
}

impl Input {
    /// The leg it happened at, where it is one's.
    pub const fn leg(&self) -> Option<LegId> {
        match self {
            Self::MediaOpened(leg, _)
            | Self::MediaFailed(leg, _)
            | Self::Silent(_, leg)
            | Self::Spoke(leg)
            | Self::Speechless(_, leg)
            | Self::Acknowledged(_, leg, _)
            | Self::Ringing(leg, _)
            | Self::Answered(leg, _)
            | Self::Refused(leg, _, _)
            | Self::Ended(_, leg, _)
            | Self::Reoffered(_, leg, _)
            | Self::Refreshed(_, leg, _) => Some(*leg),
            _ => None,
        }
    }
}

impl Stage {
    /// One word for logs and boards.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Arriving(_) => "arriving",
            Self::Menu(_) => "menu",
            Self::Waiting(_) => "waiting",
            Self::Offering(_) => "offering",
            Self::CallingBack(_) => "calling-back",
            Self::Resting(_) => "resting",
            Self::Talking(_) => "talking",
            Self::Transferring(_) => "transferring",
            Self::Forwarding(_) => "forwarding",
            Self::Overflowing(_) => "overflowing",
            Self::Surveying(_) => "surveying",
            Self::Releasing(_) => "releasing",
            Self::CallingOut(_) => "calling-out",
            Self::Outgoing(_) => "outgoing",
            Self::Ended => "ended",
        }
    }

    /// The next thing that happens by time alone.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Arriving(stage) => stage.deadline(),
            Self::Menu(stage) => stage.deadline(),
            Self::Waiting(stage) => stage.deadline(),
            Self::Offering(stage) => stage.deadline(),
            Self::CallingBack(stage) => stage.deadline(),
            Self::Resting(stage) => Some(stage.until),
            Self::Talking(_) | Self::Transferring(_) | Self::Ended => None,
            Self::Surveying(stage) => stage.deadline(),
            Self::Releasing(stage) => stage.deadline(),
            Self::CallingOut(stage) => stage.deadline(),
            Self::Outgoing(stage) => stage.deadline(),
            Self::Forwarding(stage) => stage.deadline(),
            Self::Overflowing(stage) => stage.deadline(),
        }
    }

    /// A call that an earlier run of the engine promised a callback stands in line again, or rests.
    pub(crate) fn restored(
        facts: &mut Facts,
        now: Instant,
        again: Option<Instant>,
        board: &mut Switchboard,
    ) -> Self {
        let Some(callback) = facts.callback.as_ref() else {
            return Self::Ended;
        };
        let (queue, priority) = (callback.queue, callback.priority);
        if callback.made >= callback.attempts {
            return resting::unreached(
                facts,
                now,
                "the engine stopped after the last attempt",
                board,
            );
        }
        match again.filter(|&again| again > now) {
            Some(until) => Self::Resting(Resting {
                queue,
                priority,
                until,
            }),
            None => Waiting::enter(facts, now, queue, priority, board),
        }
    }

    /// Whether the caller is to be called back, and nothing is under way for it.
    pub fn is_absent(&self, facts: &Facts) -> bool {
        matches!(self, Self::Waiting(_) | Self::Resting(_)) && facts.stands().is_some()
    }

    /// The seat that talks with the caller and may give the caller on.
    pub fn talks(&self) -> Option<SeatId> {
        match self {
            Self::Talking(stage) => stage.talks(),
            _ => None,
        }
    }

    /// The seat whose talk it is, to which guests may come: it talks with a caller, or with whom it
    /// called outside.
    pub fn host(&self, facts: &Facts) -> Option<SeatId> {
        match self {
            Self::Talking(stage) => stage.talks(),
            Self::Outgoing(stage) if stage.is_own_talk(facts) => facts.dialled_by,
            _ => None,
        }
    }

    /// The phones of a seat that are rung for the call.
    pub const fn rings(&self) -> Option<&Rings> {
        match self {
            Self::Offering(stage) => Some(stage.rings()),
            Self::Transferring(stage) => Some(stage.rings()),
            _ => None,
        }
    }

    /// Lets the stage see what happened.
    #[must_use]
    pub fn handle(
        self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Self {
        let talks = self.host(facts).is_some();
        let stage = match facts.guests_see(now, input, talks, board) {
            Seen::Taken => self.guests_changed(facts, now, board),
            // A guest's, and not the stage's.
            Seen::Passed(Input::DeadlinePassed) if self.deadline().is_none_or(|at| at > now) => {
                self.guests_changed(facts, now, board)
            }
            Seen::Passed(input) => self.handle_both(facts, now, input, board),
        };
        if !stage.is_a_talk(facts) {
            facts.talk_over(now, board);
        }
        stage
    }

    /// Whether an agent serves the citizen, or gives the caller on.
    fn is_a_talk(&self, facts: &Facts) -> bool {
        match self {
            Self::Talking(_) | Self::Transferring(_) | Self::Forwarding(_) => true,
            Self::Outgoing(stage) => stage.is_own_talk(facts),
            _ => false,
        }
    }

    /// The guests changed: whoever is consulted has the caller hear music.
    fn guests_changed(self, facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Self {
        match self {
            Self::Talking(stage) => stage.caller_changed(facts, now, board),
            Self::Outgoing(stage) => stage.seat_changed(facts, now, board),
            stage => stage,
        }
    }

    fn handle_both(
        self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Self {
        // The peer's BYE leaves no dialog to hang up, whatever the stage makes of it.
        if matches!(input, Input::Ended(Side::Caller, ..) | Input::Cancelled) {
            board.forget_dialog(&mut facts.leg);
        }
        match (self, input) {
            // Whoever is being called has a leg that is not the call's yet.
            (stage @ (Self::CallingBack(_) | Self::CallingOut(_)), input) => {
                stage.handle_own(facts, now, input, board)
            }
            // A new offer of the caller is answered the same way in every stage.
            (stage, Input::Reoffered(Side::Caller, _, body)) => {
                facts.leg.reoffered(now, &body, board);
                stage.caller_changed(facts, now, board)
            }
            // The answer to an offer that our 200 carried. One that cannot be used leaves the
            // session as it was; the caller who hears nothing hangs up.
            (stage, Input::Acknowledged(Side::Caller, _, body))
                if !body.is_empty() && !matches!(stage, Self::Arriving(_)) =>
            {
                let _ = facts.leg.accept(&body, board);
                stage.caller_changed(facts, now, board)
            }
            (stage, Input::Refreshed(Side::Caller, _, body)) => {
                facts.leg.refreshed(&body, board);
                stage.caller_changed(facts, now, board)
            }
            (stage, input) => stage.handle_own(facts, now, input, board),
        }
    }

    fn caller_changed(self, facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Self {
        match self {
            Self::Talking(stage) => stage.caller_changed(facts, now, board),
            Self::Outgoing(stage) => stage.seat_changed(facts, now, board),
            stage => stage,
        }
    }

    fn handle_own(
        self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Self {
        match self {
            Self::Arriving(stage) => stage.handle(facts, now, input, board),
            Self::Menu(stage) => stage.handle(facts, now, input, board),
            Self::Waiting(stage) => stage.handle(facts, now, input, board),
            Self::Offering(stage) => stage.handle(facts, now, &input, board),
            Self::CallingBack(stage) => stage.handle(facts, now, &input, board),
            Self::Resting(stage) => stage.handle(facts, now, &input, board),
            Self::Talking(stage) => stage.handle(facts, now, input, board),
            Self::Transferring(stage) => stage.handle(facts, now, &input, board),
            Self::Forwarding(stage) => stage.handle(facts, now, &input, board),
            Self::Overflowing(stage) => stage.handle(facts, now, &input, board),
            Self::Surveying(stage) => stage.handle(facts, now, input, board),
            Self::Releasing(stage) => stage.handle(facts, now, &input, board),
            Self::CallingOut(stage) => stage.handle(facts, now, &input, board),
            Self::Outgoing(stage) => stage.handle(facts, now, input, board),
            Self::Ended => Self::Ended,
        }
    }
}

/// Who is to blame for the end of a dialog: a BYE is the person's, everything else the network's.
fn released_by(side: Side, why: EndedBy) -> hotline_model::event::ReleasedBy {
    use hotline_model::event::ReleasedBy;
    match (why, side) {
        (EndedBy::Bye, Side::Caller) => ReleasedBy::Caller,
        (EndedBy::Bye, Side::Agent | Side::Target | Side::Guest) => ReleasedBy::Agent,
        (EndedBy::NoAck | EndedBy::PathLost | EndedBy::Timeout | EndedBy::Expired, _) => {
            ReleasedBy::Network
        }
    }
}

/// What became of a call whose caller is gone: `left` where the caller hung up, and a failure where
/// the network took the caller away, so that no rate of patience counts it.
fn gone(why: EndedBy, left: Outcome) -> Outcome {
    if why == EndedBy::Bye {
        left
    } else {
        Outcome::Failed
    }
}

/// A few words for the journal.
pub(crate) fn cause(why: EndedBy) -> &'static str {
    match why {
        EndedBy::Bye => "hung up",
        EndedBy::NoAck => "the answer was never acknowledged",
        EndedBy::PathLost => "connection lost",
        EndedBy::Timeout => "the other side stopped answering",
        EndedBy::Expired => "nobody refreshed the session",
    }
}
