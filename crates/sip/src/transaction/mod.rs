//! Transactions (RFC 3261 §17, RFC 6026): four state machines, their timers, and what tells one
//! transaction from another.
//!
//! The machines are plain values: an input goes in, [`Action`]s come out. They hold no message and
//! no clock; `endpoint` keeps the messages and carries the actions out.

pub mod client_invite;
pub mod client_other;
pub mod key;
pub mod server_invite;
pub mod server_other;
pub mod timer;

use core::time::Duration;

use timer::Timer;

/// What a transaction wants done, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send the request (client) or the last response given (server).
    Transmit,
    /// Send the ACK of a 300–699 response (RFC 3261 §17.1.1.3).
    Acknowledge,
    /// Hand what came to the transaction's user.
    Deliver,
    /// Tell the user that nothing came in time.
    TimedOut,
    /// Tell the user that the transport could not send.
    TransportFailed,
    /// Make a timer due after this long, instead of any earlier setting.
    Set(Timer, Duration),
    /// Forget a timer.
    Stop(Timer),
    /// Forget the transaction and its timers.
    Terminate,
}

/// One transaction. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(pub u64);
