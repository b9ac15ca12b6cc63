//! Carriers' lines in virtual time: what a trunk may bring, whether it is up, and calls that go
//! out by it.

#![cfg(test)]

mod bench;
mod blocked;
mod callbacks;
mod consulted;
mod consulted_outside;
mod families;
mod forced;
mod given_outside;
mod guests;
mod in_one_turn;
mod incoming;
mod leaders;
mod moving;
mod outgoing;
mod overflow;
mod promises;
mod proofs;
mod ready_ports;
mod regulars;
mod seat_first;
mod shared_phones;
mod states;
mod threads;
mod two_phones;
