//! Sockets of signalling: datagrams, and the four kinds of streams.
//!
//! A stream is accepted or opened in [`streams`]. Where it is secured, [`tls`] does the handshake;
//! [`ws`] carries a message a frame, [`bytes`] finds where messages end in a run of bytes. How long
//! each may take is counted in [`patience`].

mod bytes;
mod patience;
pub mod streams;
pub mod tls;
pub mod udp;
pub mod ws;

#[cfg(test)]
mod tests;
