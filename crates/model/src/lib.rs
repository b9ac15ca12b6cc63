//! Words without behaviour: the ids, times, events and limits that every core speaks.
//!
//! Nothing here does anything; a type belongs here only when two crates need the same word.

pub mod change;
pub mod diagnostic;
pub mod event;
pub mod floor;
pub mod guest;
pub mod ids;
pub mod limits;
pub mod privacy;
pub mod request;
pub mod seat;
pub mod shift;
pub mod task;
pub mod time;

pub use ids::{CallId, LegId, MediaThread, PhoneId, QueueId, ScriptId, SeatId, SkillId, TrunkId};
pub use time::{Instant, Timestamp};
