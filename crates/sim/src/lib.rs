//! The same cores in virtual time: an exchange, its media worker, callers and agents with real
//! phones' cores, and a network that loses, doubles and reorders. What happens follows from the
//! seed alone, so a bad day can be lived again.
//!
//! [`World`] is the whole engine with its signalling and sound, for minutes; [`day`] is its floor
//! and its figures, for days and years; [`plan`] says how many seats a day needs.

pub mod actors;
pub mod calibration;
pub mod checks;
pub mod day;
pub mod ears;
pub mod network;
pub mod plan;
pub mod town;
pub mod world;

pub use world::World;
