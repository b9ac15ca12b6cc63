//! What is fuzzed, one module a reader of outside bytes. Each `run` takes any bytes and panics only
//! where a promise is broken; `tests/fuzz_corpus.rs` runs the same functions on the kept corpus.

pub mod digest;
pub mod framing;
pub mod message;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod srtp;
pub mod stun;
pub mod uri;
pub mod ws;
