//! RTP media as plain values: offer/answer, G.711, digits, prompts, relay and recording.
//!
//! Nothing here owns a socket, a thread or a clock. [`worker::Worker`] is told what arrived and
//! what time it is, and speaks to the network through the [`worker::Wire`] it is handed.

pub mod block;
pub mod clip;
pub mod codec;
pub mod command;
pub mod conceal;
pub mod dtmf;
pub mod jitter;
pub mod player;
pub mod quality;
pub mod recorder;
pub mod repair;
pub mod rtp;
pub mod sdp;
pub mod secure;
pub mod wav;
pub mod worker;

pub use block::{Block, Sound};
pub use clip::Clip;
pub use codec::{Codec, Format, Formats};
pub use command::{Command, Gain, Report, Stats, Voice};

/// Samples of one 20 ms packet at 8 kHz: what the engine sends (RFC 3551 §4.2's default).
pub const FRAME_SAMPLES: usize = 160;

/// Length of one packet the engine sends, milliseconds.
pub const FRAME_MS: u64 = 20;

/// Sampling rate of G.711 and of its RTP clock, per second.
pub const SAMPLE_RATE: u32 = 8_000;
