//! The phone is known where it registers (RFC 3261 §10.2).

use core::time::Duration;

use hotline_model::Instant;
use hotline_sip::endpoint::OutgoingRequest;

use super::{Phone, PhoneEvent};

/// Expiry asked for in a registration, seconds.
pub(super) const REGISTER_FOR_S: u32 = 300;

/// Time from a failed registration to the next try.
pub(super) const REGISTER_AGAIN: Duration = Duration::from_secs(5);

impl Phone {
    pub(super) fn register(&mut self, now: Instant, expires_s: u32) {
        // A challenged request takes the next number too.
        self.cseq += 3;
        let local = self.settings.server.local;
        let transport = self.settings.server.transport.uri_name();
        let contact = format!("<sip:{}@{local};transport={transport}>", self.settings.user);
        let outgoing = OutgoingRequest {
            path: self.settings.server,
            method: "REGISTER".to_owned(),
            target: format!("sip:{}", self.settings.domain),
            from: self.address(),
            to: self.address(),
            call_id: Some(self.call_id.clone()),
            cseq: Some(self.cseq),
            headers: vec![
                ("Contact".to_owned(), contact),
                ("Expires".to_owned(), expires_s.to_string()),
            ],
            body: Vec::new(),
            credentials: self.credentials(),
        };
        self.registering = Some(self.endpoint.request(now, outgoing));
    }

    pub(super) fn registered(&mut self, now: Instant, status: u16) {
        if (200..300).contains(&status) {
            let half = Duration::from_secs(u64::from(REGISTER_FOR_S) / 2);
            self.register_at = self.wants_registration.then_some(now + half);
            self.outputs.happened(PhoneEvent::Registered);
        } else {
            self.register_at = self.wants_registration.then_some(now + REGISTER_AGAIN);
            self.outputs.happened(PhoneEvent::NotRegistered(status));
        }
    }
}
