//! What the user of an endpoint can ask of it.

use std::sync::Arc;

use hotline_model::Instant;

use super::{
    Endpoint,
    blueprint::{Blueprint, MAX_FORWARDS},
    client::{About, Sent},
    session::{Session, Stage, Unacknowledged},
    words::{DialogId, Event, HangUpReason, Invitation, OutgoingRequest, RequestId},
};
use crate::{
    dialog::Dialog,
    message::{Method, NameAddr, Uri},
    transaction::{
        TransactionId,
        timer::{RING, T1},
    },
};

impl Endpoint {
    /// Calls somebody (RFC 3261 §13.2). [`Event::Ringing`], then [`Event::Answered`] or
    /// [`Event::Refused`] follow; when the endpoint is full, `Refused` with 503 at once.
    pub fn invite(&mut self, now: Instant, invitation: Invitation) -> DialogId {
        self.fx.now = now;
        let dialog = self.next_dialog();
        if self.is_full() {
            self.fx.event(Event::Refused {
                dialog,
                status: 503,
                retry_after: None,
                contacts: Vec::new(),
            });
            return dialog;
        }
        let Invitation { path, .. } = invitation;
        let (target, routes) = address(invitation.target.as_bytes());
        let tag = self.fresh_tag();
        let mut headers = invitation.headers;
        headers.extend(self.interval_asked());
        let blueprint = Blueprint {
            method: Method::Invite.as_bytes().into(),
            target,
            routes,
            from: format!("{};tag={tag:016x}", invitation.from).into_bytes(),
            tag: format!("{tag:016x}"),
            to: invitation.to.into_bytes(),
            call_id: self.fresh_call_id(),
            cseq: 1,
            max_forwards: hops(invitation.max_forwards),
            headers,
            authorizations: Vec::new(),
            body: invitation.body.into(),
        };
        let credentials = invitation.credentials.map(Arc::new);
        let asked = Dialog::asked(&blueprint.asked(), path);
        let described = Arc::clone(&blueprint.body);
        let mut sent = Sent::new(About::Invite(dialog), blueprint, credentials.clone());
        sent.ring_until = Some(now + invitation.ring_for.unwrap_or(RING));
        let transaction = self.send(sent, path);
        let mut session = Session::new(asked, Stage::Inviting(transaction), tag);
        session.credentials = credentials;
        session.described = described;
        self.keep(dialog, session);
        dialog
    }

    /// Accepts an INVITE with 200 and `body`: the answer to its offer, or our offer where it made
    /// none. The 200 is repeated until the ACK comes (§13.3.1.4): [`Event::Acknowledged`], or
    /// `Ended` with `NoAck`. Between the two nothing else but `hang_up` and INFO happens to it.
    ///
    /// While a reliable provisional response with a description is without its PRACK, the 200
    /// waits (RFC 3262 §3); after one it carries no body, for the description was given.
    pub fn answer(&mut self, now: Instant, dialog: DialogId, body: Vec<u8>) {
        self.fx.now = now;
        if let Some(Stage::Invited(transaction)) = self.stage(dialog) {
            self.answer_or_hold(dialog, transaction, body);
        }
    }

    /// Sends the 2xx to an INVITE.
    pub(super) fn accept(&mut self, dialog: DialogId, transaction: TransactionId, body: &[u8]) {
        let kept = self.servers.get(transaction);
        let request = kept.and_then(|server| server.context.request.clone());
        let Some(message) = request.as_ref().and_then(|request| request.message()) else {
            return;
        };
        let body = self.settle_provisionals(dialog, body);
        let headers = self.agree(dialog, &message);
        let cseq = message.cseq().0;
        let Some(response) = self.reply(transaction, &message, 200, &headers, body) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        session.stage = Stage::Confirmed;
        let late = session.late;
        self.await_ack(
            dialog,
            Unacknowledged {
                cseq,
                response,
                interval: T1,
                first: true,
                late,
            },
        );
    }

    /// Refuses an INVITE. Headers of one name may be given several times. The dialog is gone, and
    /// no event follows. A status outside 300–699 is sent as 500. A challenge (401, 407) is sent
    /// once and forgotten at once (§26.3.2.4): a retransmitted INVITE is `Invited` anew.
    pub fn reject(
        &mut self,
        now: Instant,
        dialog: DialogId,
        status: u16,
        headers: &[(&str, String)],
    ) {
        self.fx.now = now;
        let status = if (300..700).contains(&status) {
            status
        } else {
            500
        };
        if let Some(Stage::Invited(transaction)) = self.stage(dialog) {
            self.reply_kept(transaction, status, headers, b"");
            self.forget(dialog);
        }
    }

    /// Ends a dialog, whatever its state: 480 to an INVITE that waits, CANCEL of ours, BYE. A BYE
    /// waits for the ACK of our 200 (§15); a 200 that crosses our CANCEL is acknowledged and
    /// ended. To the user the dialog is gone at once, and no event follows.
    pub fn hang_up(&mut self, now: Instant, dialog: DialogId, reason: Option<HangUpReason>) {
        self.fx.now = now;
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        match session.stage {
            Stage::Invited(transaction) => {
                let headers: Vec<_> = reason
                    .map(|r| ("Reason", r.to_string()))
                    .into_iter()
                    .collect();
                self.reply_kept(transaction, 480, &headers, b"");
                self.forget(dialog);
            }
            Stage::Inviting(transaction) => {
                self.forget(dialog);
                self.want_cancel(transaction, reason);
            }
            Stage::Confirmed => {
                let unheard = session.unacknowledged.as_ref().is_some_and(|u| u.first);
                if unheard {
                    session.stage = Stage::Leaving(reason);
                } else {
                    self.send_bye(dialog, reason.as_ref());
                }
            }
            Stage::Leaving(_) | Stage::Left => {}
        }
    }

    /// Answers an [`Event::Request`]. A final status answers it for good; 100–199 may come before.
    /// A challenge (401, 407) is forgotten at once (§26.3.2.4): a retransmission is a new request.
    #[expect(clippy::needless_pass_by_value, reason = "a body is handed over")]
    pub fn respond(
        &mut self,
        now: Instant,
        request: RequestId,
        status: u16,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) {
        self.fx.now = now;
        let status = if (100..700).contains(&status) {
            status
        } else {
            500
        };
        let Some(&transaction) = self.requests.get(&request) else {
            return;
        };
        if status >= 200 {
            self.requests.remove(&request);
        }
        self.reply_kept(transaction, status, headers, &body);
    }

    /// Sends a request outside any dialog; [`Event::Response`] follows, with 503 at once when the
    /// endpoint is full.
    pub fn request(&mut self, now: Instant, outgoing: OutgoingRequest) -> RequestId {
        self.fx.now = now;
        let id = self.next_request();
        if self.is_full() {
            self.fx.event(Event::Response {
                id,
                status: 503,
                message: None,
            });
            return id;
        }
        let (target, routes) = address(outgoing.target.as_bytes());
        let tag = format!("{:016x}", self.fresh_tag());
        let call_id = match outgoing.call_id {
            Some(call_id) => call_id.into_bytes(),
            None => self.fresh_call_id(),
        };
        let blueprint = Blueprint {
            method: outgoing.method.into_bytes().into(),
            target,
            routes,
            from: format!("{};tag={tag}", outgoing.from).into_bytes(),
            tag,
            to: outgoing.to.into_bytes(),
            call_id,
            cseq: outgoing.cseq.unwrap_or(1),
            max_forwards: MAX_FORWARDS,
            headers: outgoing.headers,
            authorizations: Vec::new(),
            body: outgoing.body.into(),
        };
        let credentials = outgoing.credentials.map(Arc::new);
        self.send(
            Sent::new(About::Request(id), blueprint, credentials),
            outgoing.path,
        );
        id
    }

    fn stage(&self, dialog: DialogId) -> Option<Stage> {
        self.sessions
            .get(&dialog)
            .map(|session| session.stage.clone())
    }
}

/// Hops an INVITE may take: at most 255 (RFC 3261 §20.22).
fn hops(wanted: Option<u32>) -> u32 {
    wanted.map_or(MAX_FORWARDS, |hops| hops.min(255))
}

/// Request-URI and Route of a request to `target`. A URI's headers do not stand in a Request-URI
/// (RFC 3261 §19.1.1, table 1): a Route among them becomes a header of the request (RFC 4475
/// §3.3.14); the others are not honoured, for a registered contact must not forge our headers
/// (§19.1.5).
pub(super) fn address(target: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let Some(uri) = Uri::parse(target) else {
        return (target.to_vec(), Vec::new());
    };
    let routes = uri
        .headers
        .split(|&b| b == b'&')
        .filter_map(|header| {
            let at = header.iter().position(|&b| b == b'=')?;
            let (name, value) = header.split_at(at);
            name.eq_ignore_ascii_case(b"Route")
                .then(|| unescaped(value.get(1..).unwrap_or_default()))
        })
        .filter(|route| NameAddr::parse(route).is_some())
        .collect();
    // The user part may hold a question mark too, so count from the end.
    let end = match uri.headers.len() {
        0 => uri.raw.len(),
        headers => uri.raw.len().saturating_sub(headers + 1),
    };
    (uri.raw.get(..end).unwrap_or(target).to_vec(), routes)
}

/// Percent-escapes taken off, once.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let digits = bytes.as_slice().get(..2).filter(|_| byte == b'%');
        let value = digits
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                plain.push(value);
                bytes.nth(1);
            }
            None => plain.push(byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_in_a_contact_becomes_a_header() {
        let (target, routes) =
            address(b"sip:user@example.com?Route=%3Csip:sip.example.com%3Blr%3E&From=evil");
        assert_eq!(target, b"sip:user@example.com");
        assert_eq!(routes, [b"<sip:sip.example.com;lr>"]);
        assert_eq!(address(b"tel:+861").0, b"tel:+861");
        assert_eq!(unescaped(b"%3c%zz%4"), b"<%zz%4");
    }
}
