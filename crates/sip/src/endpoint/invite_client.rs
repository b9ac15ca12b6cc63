//! Our INVITEs: what comes back for them, their ACKs and their CANCELs (RFC 3261 §9.1, §13.2).

use std::sync::Arc;

use super::{
    Endpoint,
    blueprint::Blueprint,
    body,
    client::{About, Cancel, Sent},
    clients::ClientKind,
    early::allows_update,
    effects::Owner,
    session::{ForkId, Stage},
    words::{DialogId, Event, HangUpReason},
};
use hotline_model::limits::SIP_FORKS;

use crate::{
    dialog::Dialog,
    message::{Message, Method},
    path::Path,
    transaction::{
        TransactionId,
        timer::{GIVE_UP, Timer},
    },
};

impl Endpoint {
    pub(super) fn invite_response(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
        path: Path,
    ) {
        match response.status() {
            ..=199 => {
                self.cancel_if_wanted(id);
                if response.status() > 100 && self.is_inviting(dialog, id) {
                    self.provisional_came(id, dialog, response, path);
                }
            }
            200..=299 => self.invite_accepted(id, dialog, response, path),
            300..=399 => self.invite_redirected(id, dialog, response),
            status => self.invite_failed(id, dialog, status, response.retry_after()),
        }
    }

    /// Whether the user still waits for this INVITE.
    pub(super) fn is_inviting(&self, dialog: DialogId, id: TransactionId) -> bool {
        self.sessions
            .get(&dialog)
            .is_some_and(|session| session.stage == Stage::Inviting(id))
    }

    pub(super) fn invite_failed(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        status: u16,
        retry_after: Option<u32>,
    ) {
        if self.is_inviting(dialog, id) {
            self.forget(dialog);
            self.fx.event(Event::Refused {
                dialog,
                status,
                retry_after,
                contacts: Vec::new(),
            });
        }
    }

    pub(super) fn invite_retried(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        retry: TransactionId,
    ) {
        if let Some(session) = self.sessions.get_mut(&dialog)
            && session.stage == Stage::Inviting(id)
        {
            session.stage = Stage::Inviting(retry);
        }
    }

    /// 2xx (§13.2.2.4): each fork gets its ACK, as often as its 2xx comes; the first that still
    /// finds the user waiting makes the dialog, any other is ended by BYE.
    fn invite_accepted(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
        path: Path,
    ) {
        let waiting = self.is_inviting(dialog, id);
        let Some(mut made) = self.acknowledge_fork(id, response, path) else {
            return;
        };
        match self.sessions.get_mut(&dialog) {
            Some(session) if waiting => {
                session.dialog = made;
                session.stage = Stage::Confirmed;
                self.fork_won(id, dialog, response);
            }
            _ => {
                let cseq = made.next_sequence();
                let bye = Blueprint::in_dialog(&made, Method::Bye, cseq);
                let client = self.clients.get(id);
                let credentials = client.and_then(|client| client.context.credentials.clone());
                self.send(Sent::new(About::Nobody, bye, credentials), made.path());
            }
        }
    }

    /// The dialog is made of this fork: what was under way in another has no future, and an answer
    /// that a reliable provisional response has brought holds.
    fn fork_won(&mut self, id: TransactionId, dialog: DialogId, response: &Message<'_>) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let mut early = client.context.early.iter();
        let at = early.position(|early| early.dialog.is_spoken_of_by(response));
        let fork = at.and_then(|at| ForkId::try_from(at + 1).ok());
        let early = fork.and_then(|fork| client.context.early(fork));
        let (mut answer, mut updatable) = (body::session(response).to_vec(), false);
        if let Some(early) = early {
            updatable = early.updatable;
            if answer.is_empty() {
                answer = early.answer.as_deref().unwrap_or_default().to_vec();
            }
        }
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.updatable = allows_update(response).unwrap_or(updatable);
            let theirs = session.theirs.take_if(|theirs| Some(theirs.fork) != fork);
            if let Some(ours) = session.ours.transaction
                && let Some(update) = self.clients.get(ours)
                && Some(update.context.fork) != fork
            {
                session.ours.transaction = None;
                let offered = Arc::clone(&update.context.blueprint.body);
                session.ours.wanted.get_or_insert(offered);
            }
            if let Some(theirs) = theirs {
                self.reply_kept(theirs.transaction, 487, &[], b"");
            }
        }
        self.agreed(dialog, response);
        let body = answer;
        self.fx.event(Event::Answered { dialog, body });
        self.reoffer_if_quiet(dialog);
    }

    /// Sends the ACK of a 2xx; gives the dialog where this fork is new.
    fn acknowledge_fork(
        &mut self,
        id: TransactionId,
        response: &Message<'_>,
        path: Path,
    ) -> Option<Dialog> {
        let branch = self.fresh_branch();
        let client = self.clients.get_mut(id)?;
        // A stream has a number only once it is open.
        let path = if path.transport.is_reliable() {
            path
        } else {
            client.path()
        };
        let tag = response.to().tag().unwrap_or_default();
        let sent = &mut client.context;
        if let Some((_, path, ack)) = sent.acks.iter().find(|(fork, ..)| fork == tag) {
            self.fx.transmit(*path, ack);
            return None;
        }
        if sent.acks.len() >= SIP_FORKS {
            self.dropped += 1;
            return None;
        }
        let mut made = Dialog::of_answer(response, &sent.blueprint.asked(), path);
        let mut early = sent.early.iter();
        if let Some(early) = early.find(|early| early.dialog.is_spoken_of_by(response)) {
            made.continues(&early.dialog, response);
        }
        let mut ack = Blueprint::in_dialog(&made, Method::Ack, sent.blueprint.cseq);
        // §22.1: the ACK carries the INVITE's credentials.
        ack.authorizations
            .clone_from(&sent.blueprint.authorizations);
        let bytes: Arc<[u8]> = ack.print(&path, branch, &self.settings).into();
        self.fx.transmit(path, &bytes);
        sent.acks.push((tag.to_vec(), path, bytes));
        Some(made)
    }

    /// A response to our re-INVITE.
    pub(super) fn reoffer_response(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
    ) {
        match response.status() {
            ..=199 => self.cancel_if_wanted(id),
            200..=299 => self.reoffer_accepted(id, dialog, response),
            status => self.reoffer_refused(dialog, id, status),
        }
    }

    fn reoffer_accepted(&mut self, id: TransactionId, dialog: DialogId, response: &Message<'_>) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let (sent, fork) = (&client.context.blueprint, client.context.fork);
        let (by_invite, offered) = (sent.method() == Method::Invite, Arc::clone(&sent.body));
        let session = self.sessions.get(&dialog);
        let first = session.is_some_and(|session| session.ours.transaction == Some(id));
        if first && let Some(dialog) = self.dialog_mut(dialog, fork) {
            dialog.refresh_target(response);
        }
        if by_invite {
            self.acknowledge_reoffer(id, dialog);
        }
        let Some(session) = self.sessions.get_mut(&dialog).filter(|_| first) else {
            return;
        };
        session.ours.transaction = None;
        session.ours.glares = 0;
        session.described = offered;
        session.updatable = allows_update(response).unwrap_or(session.updatable);
        let refreshed = core::mem::take(&mut session.ours.refreshes);
        if !session.is_known() {
            return;
        }
        if session.stage == Stage::Confirmed {
            self.agreed(dialog, response);
        }
        let body = body::session(response).to_vec();
        match (refreshed, body.is_empty()) {
            (false, _) => self.fx.event(Event::ReofferAnswered { dialog, body }),
            (true, false) => self.fx.event(Event::Refreshed { dialog, body }),
            (true, true) => {}
        }
        self.reoffer_if_quiet(dialog);
    }

    /// Sends the ACK of a 2xx to our re-INVITE, the same one each time.
    fn acknowledge_reoffer(&mut self, id: TransactionId, dialog: DialogId) {
        let branch = self.fresh_branch();
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let path = client.path();
        let sent = &mut client.context;
        if let Some((_, path, ack)) = sent.acks.first() {
            return self.fx.transmit(*path, ack);
        }
        let mut ack = match self.sessions.get(&dialog) {
            Some(session) => {
                Blueprint::in_dialog(&session.dialog, Method::Ack, sent.blueprint.cseq)
            }
            // The dialog ended meanwhile; its peer still waits for the ACK.
            None => Blueprint {
                method: Method::Ack.as_bytes().into(),
                headers: Vec::new(),
                body: Arc::default(),
                ..sent.blueprint.clone()
            },
        };
        ack.authorizations
            .clone_from(&sent.blueprint.authorizations);
        let bytes: Arc<[u8]> = ack.print(&path, branch, &self.settings).into();
        self.fx.transmit(path, &bytes);
        sent.acks.push((Vec::new(), path, bytes));
    }

    /// The user waits no longer: CANCEL, at once or when a provisional response allows it (§9.1).
    pub(super) fn want_cancel(&mut self, id: TransactionId, reason: Option<HangUpReason>) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        if client.context.cancel == Cancel::No {
            client.context.cancel = Cancel::Wanted(reason);
            if client.context.provisional {
                self.cancel_if_wanted(id);
            }
        }
    }

    fn cancel_if_wanted(&mut self, id: TransactionId) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let Cancel::Wanted(reason) = &client.context.cancel else {
            return;
        };
        let blueprint = client.context.blueprint.cancel(reason.as_ref());
        client.context.cancel = Cancel::Sent;
        let (path, branch) = (client.path(), client.branch());
        let bytes = blueprint.print(&path, branch, &self.settings);
        let sent = Sent::new(About::Nobody, blueprint, None);
        self.clients
            .start(ClientKind::Cancel, branch, path, bytes, sent, &mut self.fx);
        self.fx.set(Owner::Client(id), Timer::Cancelled, GIVE_UP);
    }

    /// Nobody answered in time.
    pub(super) fn ring_time_over(&mut self, id: TransactionId) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        if let About::Invite(dialog) = client.context.about {
            self.invite_failed(id, dialog, 408, None);
        }
        self.want_cancel(id, None);
    }
}
