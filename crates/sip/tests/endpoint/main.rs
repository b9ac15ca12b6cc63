//! An endpoint against a scripted peer: what it answers, when it repeats itself, what it forgets.

#![cfg(test)]

mod arbitrary;
mod challenges;
mod in_dialog;
mod incoming;
mod lost_paths;
mod outgoing;
mod outside;
mod refused;
#[path = "../support/mod.rs"]
mod support;
