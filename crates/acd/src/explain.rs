//! Why a caller still waits, in words a supervisor understands.

use core::{fmt, time::Duration};
use std::collections::BTreeMap;

use hotline_model::{
    CallId, QueueId, SeatId,
    seat::{Device, Intent, Reason},
};

use crate::{
    Floor,
    queue::{Queue, Stage},
    seat::{Duty, Mark, Seat},
};

/// One reason why a call has no human yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyWaiting {
    /// A seat is being rung for it; it does not wait in line.
    BeingOffered {
        /// The seat.
        seat: SeatId,
    },
    /// It holds out for this seat.
    HoldsOut {
        /// The seat.
        seat: SeatId,
    },
    /// Others are before it.
    Ahead {
        /// The queue.
        queue: QueueId,
        /// How many.
        callers: usize,
    },
    /// Further seats are asked once it waited longer.
    Widens {
        /// The queue.
        queue: QueueId,
        /// How many further seats.
        seats: usize,
        /// The wait from which they are.
        after: Duration,
    },
    /// No seat lists the queue with the skills it asks for.
    NobodyServes {
        /// The queue.
        queue: QueueId,
    },
    /// Seats that serve the queue cannot take a call.
    Seats {
        /// The queue.
        queue: QueueId,
        /// How many seats.
        seats: usize,
        /// What keeps them.
        kept_by: KeptBy,
    },
}

/// What keeps a seat from taking a call, the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptBy {
    /// Talks to another caller or holds one.
    Talk,
    /// Is being rung for another caller.
    Offer,
    /// Wraps up.
    WrapUp,
    /// Is in a call of its own.
    OwnCall,
    /// Nobody is signed in.
    SignedOut,
    /// Not ready, for this reason.
    NotReady(Reason),
    /// Signed in, but its phone is not registered.
    NoPhone,
    /// Signed in, but the agent's page, with its phone, is cut off.
    DeskLost,
    /// Refused a call or could not be reached a moment ago.
    BackOff,
}

impl KeptBy {
    fn of(seat: &Seat) -> Option<Self> {
        match (seat.duty, seat.intent) {
            (Duty::Talking { .. } | Duty::Hold { .. }, _) => Some(Self::Talk),
            (Duty::Reserved { .. } | Duty::Ringing { .. }, _) => Some(Self::Offer),
            (Duty::WrapUp { .. }, _) => Some(Self::WrapUp),
            (Duty::Free, Intent::NotReady(Reason::LoggedOut)) => Some(Self::SignedOut),
            (Duty::Free, Intent::NotReady(reason)) => Some(Self::NotReady(reason)),
            (Duty::Free, Intent::Ready) if seat.device == Device::Unregistered => {
                Some(Self::NoPhone)
            }
            (Duty::Free, Intent::Ready) if seat.is(Mark::DeskLost) => Some(Self::DeskLost),
            (Duty::Free, Intent::Ready) if seat.busy => Some(Self::OwnCall),
            (Duty::Free, Intent::Ready) => seat.back_off.map(|_| Self::BackOff),
        }
    }
}

impl fmt::Display for KeptBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            Self::Talk => return f.write_str("in a talk"),
            Self::Offer => return f.write_str("being rung"),
            Self::WrapUp => return f.write_str("wrapping up"),
            Self::OwnCall => return f.write_str("in a call of their own"),
            Self::SignedOut => return f.write_str("signed out"),
            Self::NoPhone => return f.write_str("without a registered phone"),
            Self::DeskLost => return f.write_str("with a desk that is cut off"),
            Self::BackOff => return f.write_str("left alone after a refused or failed offer"),
            Self::NotReady(reason) => reason,
        };
        let word = match reason {
            Reason::LoggedOut => "signed out",
            Reason::Break => "break",
            Reason::Meal => "meal",
            Reason::Meeting => "meeting",
            Reason::Training => "training",
            Reason::Coaching => "coaching",
            Reason::RingNoAnswer => "did not answer",
            Reason::Refused => "refused calls",
            Reason::Forced => "by a supervisor",
            Reason::Own(own) => own.as_str(),
        };
        write!(f, "not ready ({word})")
    }
}

impl fmt::Display for WhyWaiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeingOffered { seat } => write!(f, "seat {seat} is being rung for it"),
            Self::HoldsOut { seat } => write!(f, "it is held for seat {seat} for a while"),
            Self::Ahead { queue, callers: 1 } => write!(f, "1 caller is ahead in {queue}"),
            Self::Ahead { queue, callers } => write!(f, "{callers} callers are ahead in {queue}"),
            Self::NobodyServes { queue } => write!(f, "no seat serves {queue} with its skills"),
            Self::Widens {
                queue,
                seats,
                after,
            } => {
                let wait = after.as_secs();
                write!(
                    f,
                    "{seats} further seats are asked in {queue} after {wait} s of waiting"
                )
            }
            Self::Seats {
                queue,
                seats,
                kept_by,
            } => write!(f, "{seats} of the seats of {queue}: {kept_by}"),
        }
    }
}

impl Floor {
    /// Why the call has no human yet: callers ahead, and what keeps each of the queue's seats.
    /// Empty for a call that talks or is unknown. Looks at every seat of the queue.
    pub fn explain(&self, call: CallId) -> Vec<WhyWaiting> {
        let Some(held) = self.calls.get(&call) else {
            return Vec::new();
        };
        match held.stage {
            Stage::Talking(_) => return Vec::new(),
            Stage::Offered(at) => {
                let seat = self.seats[at].id;
                return vec![WhyWaiting::BeingOffered { seat }];
            }
            Stage::Waiting => {}
        }
        let there = &self.queues[held.queue];
        let queue = there.settings.id;
        let mut reasons = Vec::new();
        reasons.extend(
            self.holds_out(call)
                .map(|seat| WhyWaiting::HoldsOut { seat }),
        );
        let callers = there.line.ahead_of(held.place);
        if callers > 0 {
            reasons.push(WhyWaiting::Ahead { queue, callers });
        }
        let ring = there.ring_at(held.place.arrived, self.now);
        if there.served_by.iter().all(|&(_, from)| from > ring) {
            reasons.push(WhyWaiting::NobodyServes { queue });
        }
        let mut kept = BTreeMap::<KeptBy, usize>::new();
        for &(at, _) in there.served_by.iter().filter(|&&(_, from)| from <= ring) {
            if let Some(kept_by) = KeptBy::of(&self.seats[at]) {
                *kept.entry(kept_by).or_default() += 1;
            }
        }
        reasons.extend(kept.into_iter().map(|(kept_by, seats)| WhyWaiting::Seats {
            queue,
            seats,
            kept_by,
        }));
        reasons.extend(widens(there, ring));
        reasons
    }
}

/// The widening after this ring that brings further seats, if one does.
fn widens(queue: &Queue, ring: usize) -> Option<WhyWaiting> {
    let later = queue.served_by.iter().filter(|&&(_, from)| from > ring);
    let next = later.clone().map(|&(_, from)| from).min()?;
    Some(WhyWaiting::Widens {
        queue: queue.settings.id,
        seats: later.filter(|&&(_, from)| from == next).count(),
        after: *queue.waits.get(next)?,
    })
}
