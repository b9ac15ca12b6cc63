//! Transfers against a scripted peer: REFER, NOTIFY, Replaces and Target-Dialog.

#![cfg(test)]

mod outside;
mod referred;
mod referring;
mod replaces;
#[path = "../support/mod.rs"]
mod support;
mod words;
