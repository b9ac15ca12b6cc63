//! Pings to the seats' phones: OPTIONS out, and what came back to the registrar.

use hotline_model::Instant;
use hotline_sip::{
    endpoint::{OutgoingRequest, RequestId},
    registration::Ping,
};

use super::Exchange;

impl Exchange {
    /// Sends the pings that are due.
    pub(super) fn ping_phones(&mut self, now: Instant) {
        while let Some(ping) = self.board.registrar.poll_ping(now) {
            let Ping {
                seat: whose,
                binding,
                uri,
                path,
            } = ping;
            let outgoing = OutgoingRequest {
                path,
                method: "OPTIONS".to_owned(),
                from: format!("<sip:hotline@{}>", self.board.settings.realm),
                to: format!("<{uri}>"),
                target: uri,
                call_id: None,
                cseq: None,
                headers: vec![("Accept".to_owned(), "application/sdp".to_owned())],
                body: Vec::new(),
                credentials: None,
            };
            let request = self.board.endpoint.request(now, outgoing);
            self.pings.insert(request, (whose, binding));
        }
    }

    /// The end of a request of ours. A phone that answers lives, whatever it says.
    pub(super) fn pinged(&mut self, now: Instant, request: RequestId, answered: bool) {
        if let Some((whose, binding)) = self.pings.remove(&request) {
            self.board.registrar.pinged(now, whose, binding, answered);
        }
    }
}
