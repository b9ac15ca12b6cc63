//! A piece of recorded sound on its way from the packet path to the disk: fixed size, no pointer.

use crate::{Codec, FRAME_SAMPLES};

/// What travels through the ring to the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Sound of one voice.
    Sound(Sound),
    /// Nothing more comes for the recording.
    End {
        /// The recording.
        recording: u64,
        /// Its length in samples, by the clock.
        at_sample: u64,
    },
}

/// Up to 20 ms of one voice, still encoded. A longer packet becomes several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// The recording.
    pub recording: u64,
    /// Where it belongs, in samples since the recording began.
    pub at_sample: u64,
    /// Whose: 0 goes into the left channel (the caller); the others, up to
    /// [`RECORDED_VOICES`](hotline_model::limits::RECORDED_VOICES), are added up in the right one.
    pub voice: u8,
    /// How the bytes are encoded.
    pub codec: Codec,
    /// How many of the bytes count.
    pub length: u8,
    /// The samples.
    pub bytes: [u8; FRAME_SAMPLES],
}

impl Sound {
    /// The samples that count.
    pub fn samples(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or(&self.bytes)
    }
}

impl Block {
    /// The recording it belongs to.
    pub fn recording(&self) -> u64 {
        match *self {
            Self::Sound(Sound { recording, .. }) | Self::End { recording, .. } => recording,
        }
    }
}
