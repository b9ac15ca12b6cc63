//! Offers within a dialog, both ways (RFC 3261 §14, RFC 3311), and the 2xx that is repeated until
//! its ACK (§13.3.1.4).

use core::time::Duration;
use std::sync::Arc;

use hotline_model::Instant;

use super::{
    Endpoint,
    blueprint::Blueprint,
    body,
    client::{About, Sent},
    effects::Owner,
    reply::{Header, Purpose},
    session::{Stage, Theirs, Unacknowledged},
    words::{DialogId, EndedBy, Event},
};
use crate::{
    message::{Message, Method},
    path::Path,
    transaction::{
        TransactionId,
        timer::{GIVE_UP, T1, T2, Timer},
    },
};

/// 491s in a row until our re-INVITE is given up: RFC 3261 §14.1 asks for one more try; with
/// random waits on both sides five in a row do not happen between sane peers.
const GLARES: u8 = 5;

impl Endpoint {
    /// A re-INVITE, or an UPDATE.
    pub(super) fn offer_came(&mut self, dialog: DialogId, request: &Message<'_>, path: Path) {
        let invite = request.method() == Method::Invite;
        let description = body::session(request);
        let late = description.is_empty();
        let fork = self.fork_named(dialog, request).unwrap_or_default();
        if let Some(shortest) = self.too_short(request) {
            return self.finish(request, path, 422, &[("Min-SE", shortest)]);
        }
        if !invite && late {
            return self.refreshed(dialog, request, path);
        }
        if let Some(status) = self.offer_refusal(dialog, request) {
            if status == 491 {
                return self.finish(request, path, 491, &[]);
            }
            let after = self.retry_after(0, 10);
            return self.finish(request, path, status, &[after]);
        }
        if let Some(dialog) = self.dialog_mut(dialog, fork) {
            dialog.refresh_target(request);
        }
        let transaction = self.serve(request, path, Purpose::Offer(dialog), 0);
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.theirs = Some(Theirs {
                transaction,
                cseq: request.cseq().0,
                invite,
                late,
                fork,
            });
        }
        let body = description.to_vec();
        self.fx.event(Event::Reoffered { dialog, body });
    }

    /// An UPDATE without a session refreshes the target (RFC 3311 §5.2) and the session's timer
    /// (RFC 4028 §9), whatever else is under way.
    fn refreshed(&mut self, id: DialogId, request: &Message<'_>, path: Path) {
        let fork = self.fork_named(id, request).unwrap_or_default();
        if let Some(dialog) = self.dialog_mut(id, fork) {
            dialog.refresh_target(request);
        }
        let headers = self.agree_in_dialog(id, request);
        self.finish(request, path, 200, &headers);
    }

    /// What our 2xx to a request in a dialog says of the session's interval: it begins with the
    /// dialog's confirmation.
    fn agree_in_dialog(&mut self, dialog: DialogId, request: &Message<'_>) -> Vec<Header<'static>> {
        let session = self.sessions.get(&dialog);
        let confirmed = session.is_some_and(|session| session.stage == Stage::Confirmed);
        if confirmed && request.method() != Method::Prack {
            self.agree(dialog, request)
        } else {
            Vec::new()
        }
    }

    /// Why an offer cannot be taken now: 491 where ours is under way, 500 where one of theirs is
    /// not finished (§14.2, RFC 3311 §5.2).
    pub(super) fn offer_refusal(&mut self, dialog: DialogId, request: &Message<'_>) -> Option<u16> {
        let invite = request.method() == Method::Invite;
        let fork = self.fork_named(dialog, request)?;
        let settled = self.has_settled(dialog, fork);
        let session = self.sessions.get_mut(&dialog)?;
        match session.stage {
            Stage::Confirmed => {}
            // Our INVITE's offer has no answer yet; nor has our offer to a peer that made none.
            Stage::Inviting(_) if invite || settled == Some(false) => return Some(491),
            Stage::Invited(_) if settled == Some(false) && session.reliable.has_described() => {
                return Some(491);
            }
            Stage::Invited(_) if invite || settled == Some(false) => return Some(500),
            Stage::Inviting(_) | Stage::Invited(_) => {}
            Stage::Leaving(_) | Stage::Left => return Some(500),
        }
        if session.ours.transaction.is_some() {
            return Some(491);
        }
        if session.theirs.is_some() {
            return Some(500);
        }
        match &session.unacknowledged {
            Some(pending) if pending.late => Some(500),
            Some(_) if invite => {
                // Who asks again has our 2xx: its ACK was lost, or comes later.
                self.acknowledged(dialog, Vec::new());
                None
            }
            _ => None,
        }
    }

    /// Accepts the peer's offer ([`Event::Reoffered`]) with `body`: the answer, or our offer where
    /// the peer made none. A 200 to a re-INVITE is repeated until its ACK.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the description of a session is handed over"
    )]
    pub fn answer_offer(&mut self, now: Instant, dialog: DialogId, body: Vec<u8>) {
        self.fx.now = now;
        let Some(theirs) = self.take_theirs(dialog) else {
            return;
        };
        let kept = self.servers.get(theirs.transaction);
        let request = kept.and_then(|server| server.context.request.clone());
        let Some(message) = request.as_ref().and_then(|request| request.message()) else {
            return;
        };
        let headers = self.agree_in_dialog(dialog, &message);
        let Some(response) = self.reply(theirs.transaction, &message, 200, &headers, &body) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.described = body.as_slice().into();
        }
        if theirs.invite {
            self.await_ack(
                dialog,
                Unacknowledged {
                    cseq: theirs.cseq,
                    response,
                    interval: T1,
                    first: false,
                    late: theirs.late,
                },
            );
        } else {
            self.reoffer_if_quiet(dialog);
            self.go_on_ringing(dialog);
        }
    }

    /// Refuses the peer's offer; the session stays as it was (§14.2). A status outside 300–699 is
    /// sent as 488.
    pub fn refuse_offer(&mut self, now: Instant, dialog: DialogId, status: u16) {
        self.fx.now = now;
        let status = if (300..700).contains(&status) {
            status
        } else {
            488
        };
        if let Some(theirs) = self.take_theirs(dialog) {
            self.reply_kept(theirs.transaction, status, &[], b"");
            self.reoffer_if_quiet(dialog);
            self.go_on_ringing(dialog);
        }
    }

    fn take_theirs(&mut self, dialog: DialogId) -> Option<Theirs> {
        self.sessions.get_mut(&dialog)?.theirs.take()
    }

    /// Offers the peer a changed session by re-INVITE (§14.1). One at a time: while anything else
    /// is under way the offer waits, and a newer one replaces it. After a 491 it is tried again.
    /// [`Event::ReofferAnswered`] or [`Event::ReofferRefused`] follows, or the dialog's end.
    ///
    /// In an early dialog the offer goes by UPDATE (RFC 3311) once the first exchange is done, if
    /// the peer allows UPDATE; else it waits for the INVITE's 2xx.
    pub fn reoffer(&mut self, now: Instant, dialog: DialogId, body: Vec<u8>) {
        self.fx.now = now;
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.stage == Stage::Confirmed || session.stage.is_early() {
            session.ours.wanted = Some(body.into());
            session.ours.refreshes &= session.ours.transaction.is_some();
            self.reoffer_if_quiet(dialog);
        }
    }

    /// Sends the offer that waits, if nothing is in its way.
    pub(super) fn reoffer_if_quiet(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get(&dialog) else {
            return;
        };
        let ours = &session.ours;
        let Some(body) = ours.wanted.clone().filter(|_| !ours.waits) else {
            return;
        };
        let early = session.stage.is_early();
        let busy = ours.transaction.is_some() || session.theirs.is_some();
        let (method, fork) = match self.updatable_fork(dialog) {
            Some(fork) if early && !busy => (Method::Update, fork),
            None if session.is_quiet() => (Method::Invite, 0),
            _ => return,
        };
        if session.unreachable {
            return self.lost(dialog, EndedBy::PathLost);
        }
        let (headers, credentials) = (self.refresh_headers(session), session.credentials.clone());
        let Some(within) = self.dialog_mut(dialog, fork) else {
            return;
        };
        let (cseq, path) = (within.next_sequence(), within.path());
        let mut blueprint = Blueprint::in_dialog(within, method, cseq);
        blueprint.headers = headers;
        blueprint.body = body;
        let mut sent = Sent::new(About::Reoffer(dialog), blueprint, credentials);
        sent.fork = fork;
        if method == Method::Invite {
            sent.ring_until = Some(self.fx.now + GIVE_UP);
        }
        let transaction = self.send(sent, path);
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.ours.transaction = Some(transaction);
            session.ours.wanted = None;
        }
    }

    /// The wait after a 491 is over.
    pub(super) fn reoffer_time_came(&mut self, dialog: DialogId) {
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.ours.waits = false;
            self.reoffer_if_quiet(dialog);
        }
    }

    /// A final response to our re-INVITE other than 2xx.
    pub(super) fn reoffer_refused(
        &mut self,
        dialog: DialogId,
        transaction: TransactionId,
        status: u16,
    ) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.ours.transaction != Some(transaction) {
            return;
        }
        session.ours.transaction = None;
        if !session.is_known() {
            return;
        }
        match status {
            491 if session.ours.glares < GLARES => self.glare(dialog, transaction),
            // §12.2.1.2: the peer knows the dialog no more.
            408 | 481 if !session.stage.is_early() => self.lost(dialog, EndedBy::Timeout),
            _ => {
                session.ours.glares = 0;
                if !core::mem::take(&mut session.ours.refreshes) {
                    self.fx.event(Event::ReofferRefused { dialog, status });
                }
                self.reoffer_if_quiet(dialog);
            }
        }
    }

    /// Both offered at once: the one who made the Call-ID waits longer (§14.1).
    fn glare(&mut self, dialog: DialogId, transaction: TransactionId) {
        let offered = self
            .clients
            .get(transaction)
            .map(|client| Arc::clone(&client.context.blueprint.body));
        let step = Duration::from_millis(10);
        let owns = self
            .sessions
            .get(&dialog)
            .is_some_and(|session| session.dialog.owns_call_id());
        let wait = if owns {
            self.random_time(Duration::from_millis(2_100), Duration::from_secs(4), step)
        } else {
            self.random_time(Duration::ZERO, Duration::from_secs(2), step)
        };
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.ours.glares += 1;
            session.ours.waits = true;
            // A newer offer takes the place of the one refused.
            session.ours.refreshes &= session.ours.wanted.is_none();
            session.ours.wanted = session.ours.wanted.take().or(offered);
            self.fx.set(Owner::Dialog(dialog), Timer::Reoffer, wait);
        }
    }

    /// From now on the 2xx is repeated until its ACK comes.
    pub(super) fn await_ack(&mut self, dialog: DialogId, pending: Unacknowledged) {
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.unacknowledged = Some(pending);
            let owner = Owner::Dialog(dialog);
            self.fx.set(owner, Timer::Accepted, T1);
            self.fx.set(owner, Timer::Unacknowledged, GIVE_UP);
        }
    }

    pub(super) fn repeat_accepted(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let path = session.dialog.path();
        if let Some(pending) = &mut session.unacknowledged {
            pending.interval = pending.interval.saturating_mul(2).min(T2);
            let owner = Owner::Dialog(dialog);
            self.fx.transmit(path, &pending.response);
            self.fx.set(owner, Timer::Accepted, pending.interval);
        }
    }

    /// An ACK that belongs to no refusal: of a 2xx (§13.2.2.4).
    pub(super) fn ack_came(&mut self, ack: &Message<'_>) {
        let dialog = self.find_dialog(ack);
        let session = dialog.and_then(|id| self.sessions.get(&id));
        let pending = session.and_then(|session| session.unacknowledged.as_ref());
        match (dialog, pending) {
            (Some(dialog), Some(pending)) if pending.cseq == ack.cseq().0 => {
                self.acknowledged(dialog, body::session(ack).to_vec());
            }
            _ => self.dropped += 1,
        }
    }

    fn acknowledged(&mut self, dialog: DialogId, body: Vec<u8>) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        session.unacknowledged = None;
        self.fx.stop(Owner::Dialog(dialog), Timer::Accepted);
        self.fx.stop(Owner::Dialog(dialog), Timer::Unacknowledged);
        if let Stage::Leaving(reason) = &session.stage {
            let reason = reason.clone();
            return self.send_bye(dialog, reason.as_ref());
        }
        self.fx.event(Event::Acknowledged { dialog, body });
        self.reoffer_if_quiet(dialog);
    }

    /// 64*T1 without ACK: the session ends (§13.3.1.4).
    pub(super) fn no_ack_came(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        session.unacknowledged = None;
        if let Stage::Leaving(reason) = &session.stage {
            let reason = reason.clone();
            self.send_bye(dialog, reason.as_ref());
        } else {
            self.lost(dialog, EndedBy::NoAck);
        }
    }

    /// The dialog has no future: tells the user, and the peer if it still listens.
    pub(super) fn lost(&mut self, dialog: DialogId, why: EndedBy) {
        self.fx.event(Event::Ended {
            dialog,
            why,
            reason: None,
        });
        self.send_bye(dialog, None);
    }
}
