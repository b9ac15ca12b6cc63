//! Requests that come within a dialog (RFC 3261 §12.2.2, §15.1.2).

use super::{
    ALLOW, Endpoint, SUPPORTED,
    body::ACCEPT,
    early::allows_update,
    incoming::Refusal,
    reply::{Header, Purpose},
    session::Stage,
    words::{DialogId, EndedBy, Event},
};
use crate::{
    message::{Message, Method, Name, text},
    path::Path,
};

impl Endpoint {
    pub(super) fn request_in_dialog(&mut self, id: DialogId, request: &Message<'_>, path: Path) {
        let refusal = self.refusal(request);
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let method = request.method();
        if session.stage == Stage::Left && method != Method::Bye {
            return self.refuse(request, path, 481, &[]);
        }
        let fork = self.fork_named(id, request);
        let Some(dialog) = fork.and_then(|fork| self.dialog_mut(id, fork)) else {
            // An early dialog of our INVITE that we have not heard of.
            return self.refuse(request, path, 481, &[]);
        };
        // A PRACK says what it acknowledges, whatever has overtaken it (RFC 3262 §7.2).
        if !dialog.take_sequence(request.cseq().0) && method != Method::Prack {
            // §12.2.2: out of order.
            return self.finish(request, path, 500, &[]);
        }
        if let Some(Refusal { status, header }) = refusal {
            return self.finish(request, path, status, header.as_slice());
        }
        // A stream's requests come by the connection that lives; a datagram's may come from a
        // port that only sends, so only a target refresh moves the dialog (§12.2).
        let refreshes = matches!(method, Method::Invite | Method::Update);
        if refreshes || path.transport.is_reliable() {
            dialog.follow(path);
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.unreachable &= !path.transport.is_reliable();
            session.updatable = allows_update(request).unwrap_or(session.updatable);
        }
        match method {
            Method::Prack => self.prack_came(id, request, path),
            Method::Bye => self.bye_came(id, request, path),
            Method::Invite | Method::Update => self.offer_came(id, request, path),
            Method::Info => self.info_came(id, request, path),
            Method::Refer => self.refer_came(id, request, path),
            Method::Notify => self.notify_came(id, request, path),
            Method::Options => {
                let headers = [
                    ("Allow", ALLOW.to_owned()),
                    ("Accept", ACCEPT.to_owned()),
                    ("Supported", SUPPORTED.to_owned()),
                ];
                self.finish(request, path, 200, &headers);
            }
            _ => self.finish(request, path, 405, &[("Allow", ALLOW.to_owned())]),
        }
    }

    /// Answers a request for good. In a dialog even a refusal is kept, so that a retransmission
    /// does not get another answer than the first copy.
    pub(super) fn finish(
        &mut self,
        request: &Message<'_>,
        path: Path,
        status: u16,
        headers: &[Header<'_>],
    ) {
        let transaction = self.serve(request, path, Purpose::Done, 0);
        self.reply(transaction, request, status, headers, b"");
    }

    fn bye_came(&mut self, dialog: DialogId, request: &Message<'_>, path: Path) {
        let Some(session) = self.sessions.get(&dialog) else {
            return;
        };
        match session.stage.clone() {
            // A callee cannot end what it has not accepted (§15).
            Stage::Inviting(_) => self.finish(request, path, 481, &[]),
            Stage::Invited(invite) => {
                self.finish(request, path, 200, &[]);
                self.reply_kept(invite, 487, &[], b"");
                self.invite_gone(dialog);
            }
            Stage::Confirmed => {
                self.finish(request, path, 200, &[]);
                self.forget(dialog);
                let reason = request
                    .header(Name::Reason)
                    .map(|reason| text(reason).into_owned());
                self.fx.event(Event::Ended {
                    dialog,
                    why: EndedBy::Bye,
                    reason,
                });
            }
            Stage::Leaving(_) => {
                self.finish(request, path, 200, &[]);
                self.forget(dialog);
            }
            // Both hung up at once; the answer to our BYE ends it.
            Stage::Left => self.finish(request, path, 200, &[]),
        }
    }

    fn info_came(&mut self, dialog: DialogId, request: &Message<'_>, path: Path) {
        self.finish(request, path, 200, &[]);
        let known = self.sessions.get(&dialog).is_some_and(|s| s.is_known());
        if known {
            let content_type = request.header(Name::ContentType).unwrap_or_default();
            self.fx.event(Event::Info {
                dialog,
                content_type: text(content_type).into_owned(),
                body: request.body().to_vec(),
            });
        }
    }
}
