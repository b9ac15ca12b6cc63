//! Private media: secure RTP, and how its keys are agreed.
//!
//! [`srtp`] protects and opens packets. Its keys come from the description of a phone ([`sdes`]) or
//! from the handshake of a browser ([`dtls`]), whose address [`ice`] and [`stun`] make sure of. A
//! [`Channel`] is all of a browser's leg.

mod channel;
pub mod dtls;
pub mod ice;
mod records;
pub mod sdes;
pub mod srtp;
pub mod stun;

pub use channel::{Channel, Dropped, Heard, Kind, Transmit, ufrag_of};
