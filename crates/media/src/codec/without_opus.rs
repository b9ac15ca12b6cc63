//! Opus in an engine built without it: nothing of it can be made.

/// Writes Opus.
#[derive(Debug)]
pub enum Encoder {}

impl Encoder {
    /// None.
    pub const fn new() -> Option<Self> {
        None
    }

    /// Never called.
    pub const fn encode(&mut self, _samples: &[i16], _to: &mut [u8]) -> usize {
        match *self {}
    }
}

/// Reads Opus.
#[derive(Debug)]
pub enum Decoder {}

impl Decoder {
    /// None.
    pub const fn new() -> Option<Self> {
        None
    }

    /// Never called.
    pub const fn decode(&mut self, _payload: &[u8], _to: &mut [i16]) -> usize {
        match *self {}
    }

    /// Never called.
    pub const fn conceal(&mut self, _next: Option<&[u8]>, _to: &mut [i16]) -> usize {
        match *self {}
    }
}
