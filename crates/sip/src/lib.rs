//! SIP (RFC 3261): messages, transactions, dialogs, digest and registrations as plain values.
//!
//! No socket, no clock and no thread in here: bytes, time and seeds come in, bytes and events go
//! out. A message body is bytes to this crate; what SDP says is the `media` crate's business.

pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod framing;
pub mod message;
pub mod path;
pub mod print;
pub mod registration;
pub mod transaction;
