//! Telephones in Rust, as many in one process as are wanted: the browser of a seat without a
//! browser, and a plain phone for it to talk to and to be measured against.
//!
//! The seat does what the engine's page does: it signs in by the API, opens SIP by WebSocket with
//! its session's cookie, and registers by that session alone. Its sound is the `webrtc` crate's (ICE,
//! DTLS-SRTP, RTP and RTCP on one port), which shares its handshake's code with the engine and
//! nothing else; the judge of that handshake is Chromium, in `tests/e2e`. `webrtc` is the
//! asynchronous face of the `rtc` crate, whose packets and tracks it takes but does not name, so
//! that both are dependencies of the tests. Only A-law is spoken.
//!
//! Nothing is said again that got lost: all is meant for the loopback.

mod dialog;
mod line;
#[path = "../../benches/calls/messages.rs"]
#[allow(dead_code, reason = "the rest is used by benches/calls.rs")]
mod messages;
mod page;
mod peer;
mod phone;
mod plain;
mod tap;
mod tone;

pub use page::Page;
pub use phone::{Phone, Stage};
pub use tone::{Heard, share};

/// What goes wrong is said, and ends the test or the bench.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A result of telephones.
pub type Try<T> = Result<T, Fault>;

/// What is wrong with a seat's browser on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Oddity {
    /// Nothing.
    None,
    /// Its session names the fingerprint of another certificate (RFC 8122 §5).
    ForeignFingerprint,
}
