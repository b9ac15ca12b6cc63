//! Requests that are turned away unserved, because there are too many (RFC 7339 §5.10.2).

use hotline_model::Instant;

use super::Endpoint;
use crate::{
    message::{Message, Method},
    path::Path,
};

impl Endpoint {
    /// Answers a request 503 with Retry-After, without state and without a look at what it wants
    /// (RFC 3261 §21.5.4). Responses, ACKs and what is no SIP are dropped.
    pub fn turn_away(&mut self, now: Instant, path: Path, bytes: &[u8], retry_after_s: u32) {
        self.fx.now = now;
        match Message::parse(bytes, path.transport.framing()) {
            Ok(request) if request.is_request() && request.method() != Method::Ack => {
                let after = ("Retry-After", retry_after_s.to_string());
                self.refuse(&request, path, 503, &[after]);
            }
            _ => self.dropped += 1,
        }
    }
}
