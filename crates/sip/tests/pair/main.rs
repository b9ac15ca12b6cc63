//! Two endpoints over a simulated network that loses, doubles and reorders: whatever it does,
//! every transaction ends as RFC 3261 §17 says, both sides agree, and nothing is left behind.

#![cfg(test)]

mod calls;
mod early;
mod ends;
mod users;
mod world;
