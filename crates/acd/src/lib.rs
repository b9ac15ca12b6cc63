//! Who is served next, and by whom.
//!
//! [`Floor`] is the single writer: every arrival, answer and key of an agent is an [`Input`], every
//! decision an [`Output`], and the same inputs give the same decisions. Two doors lead to it from
//! other threads: [`gate::Gate`], the bounded lock-free way in, and [`board`], the words that any
//! thread may read without stopping the writer.
//!
//! # Life of an offer
//! An [`Output::Offer`] ends in exactly one of three ways, and the floor hears of or says each once:
//! [`Input::Answered`], [`Input::NotAnswered`], or [`Output::Withdraw`] (ring time over, seat gone,
//! caller gone). After a `Withdraw` whatever the phone still says about that offer is ignored.
//!
//! # Life of a call
//! From [`Input::CallQueued`] to [`Input::CallLeft`], [`Input::TalkEnded`], [`Output::TimedOut`],
//! [`Output::Overflowed`] to elsewhere than a queue, or [`Output::Refused`]; after that its number is unknown here and may be queued again.

mod audit;
pub mod board;
pub mod erlang;
pub mod estimate;
pub mod explain;
pub mod floor;
pub mod gate;
mod line;
mod load;
mod lookup;
pub mod output;
mod overflow;
mod policy;
mod queue;
mod ready;
pub mod replay;
mod rings;
mod roster;
pub mod rules;
mod seat;
mod seen;
pub mod settings;
mod shim;
mod skills;
pub mod steering;
mod timers;
pub mod wake;
pub mod watch;

pub use estimate::{ExpectedWait, Tempo};
pub use explain::WhyWaiting;
pub use floor::{Floor, Outlook, QueueView, SeatView};
pub use hotline_model::floor::Input;
pub use output::Output;
pub use rings::may_serve;
pub use settings::{
    Choice, FloorSettings, Overflow, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, Skills,
    Widening,
};
