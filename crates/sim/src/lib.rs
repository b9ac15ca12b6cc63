//! The same cores in virtual time: an exchange, its media worker, callers and agents with real
//! phones' cores, and a network that loses, doubles and reorders. What happens follows from the
//! seed alone, so a bad day can be lived again.

pub mod actors;
pub mod checks;
pub mod ears;
pub mod network;
pub mod town;
pub mod world;

pub use world::World;
