//! A call from INVITE to score: the exchange that owns all calls, their legs and their stages.
//!
//! Everything the engine decides is decided here, by plain values: inputs are things that
//! happened, outputs are imperatives, and the shell carries them out (`hotline-server` with real
//! sockets, `hotline-sim` in virtual time).

pub mod admission;
pub mod announcements;
pub mod attached;
pub mod auto_answer;
pub mod blacklist;
pub mod call;
pub mod callback;
pub mod callers;
pub mod comfort;
pub mod consultation;
pub mod exchange;
pub mod guests;
pub mod leg;
pub mod lendings;
pub mod media_threads;
pub mod messages;
pub mod orders;
pub mod outgoing;
pub mod phone;
pub mod ports;
pub mod privacy;
pub mod rings;
pub mod routing;
pub mod seat_service;
pub mod settings;
pub mod stage;
pub mod switchboard;
pub mod trunks;

pub use exchange::{Exchange, Input, NewSettings, Output};
pub use hotline_acd::{ExpectedWait, Tempo, board, gate};
pub use hotline_ivr::dialogue;
pub use hotline_sip::framing;
pub use hotline_sip::path::{Path, Transport};
