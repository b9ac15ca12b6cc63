//! The only door to atomics: the standard ones, or `loom`'s when the orderings are being checked
//! (`RUSTFLAGS="--cfg loom" cargo test -p hotline-acd --test loom --release`).

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering, fence},
};

/// Gives way while another thread finishes a few stores.
#[cfg(loom)]
pub(crate) fn give_way(_tries: u32) {
    loom::thread::yield_now();
}

/// Gives way while another thread finishes a few stores: spins first, then lets the scheduler run
/// that thread, which may have been interrupted on this very core.
#[cfg(not(loom))]
pub(crate) fn give_way(tries: u32) {
    if tries < 64 {
        core::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
