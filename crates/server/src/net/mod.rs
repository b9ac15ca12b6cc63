//! Sockets of signalling: datagrams and streams.

pub mod tcp;
pub mod udp;
