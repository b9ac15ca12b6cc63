//! Early dialogs of our INVITE, one for each fork that answers provisionally (RFC 3261 §12.1.2):
//! who acknowledges its reliable responses (RFC 3262 §4) and whom requests within it belong to.

use std::sync::Arc;

use hotline_model::limits::SIP_FORKS;

use super::{
    Endpoint,
    blueprint::Blueprint,
    body,
    client::{About, Sent},
    session::{ForkId, Stage},
    words::{DialogId, Event},
};
use crate::{
    dialog::Dialog,
    message::{Message, Method, Name},
    path::Path,
    transaction::TransactionId,
};

/// One early dialog of our INVITE.
#[derive(Clone, Debug)]
pub(super) struct Early {
    pub dialog: Dialog,
    /// RSeq of the last reliable response acknowledged.
    rseq: Option<u32>,
    /// The answer to our offer, where a reliable response has brought it.
    pub answer: Option<Arc<[u8]>>,
    /// The peer takes UPDATE.
    pub updatable: bool,
    /// PRACKs under way. An UPDATE that overtook one would put it out of order.
    pracks: usize,
}

impl Early {
    /// Takes a reliable response's number: only the next in order is acknowledged and looked at
    /// (RFC 3262 §4).
    fn is_next(&mut self, rseq: u32) -> bool {
        let next = self
            .rseq
            .is_none_or(|last| last.checked_add(1) == Some(rseq));
        if next {
            self.rseq = Some(rseq);
        }
        next
    }
}

/// Whether the sender takes UPDATE; `None` where it does not say.
pub(super) fn allows_update(message: &Message<'_>) -> Option<bool> {
    message
        .has(Name::Allow)
        .then(|| message.allow().any(|method| method == Method::Update))
}

impl Endpoint {
    /// A provisional response above 100, and the user still waits.
    pub(super) fn provisional_came(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
        path: Path,
    ) {
        let description = body::session(response);
        if response.to().tag().is_some() {
            let Some(fork) = self.fork_of(id, response, path) else {
                self.dropped += 1;
                return;
            };
            if response.requires("100rel")
                && let Some(rseq) = response.number(Name::RSeq)
                && !self.reliable_came(id, dialog, fork, rseq, description)
            {
                return;
            }
        }
        self.fx.event(Event::Ringing {
            dialog,
            status: response.status(),
            body: description.to_vec(),
        });
        self.reoffer_if_quiet(dialog);
    }

    /// A reliable response: acknowledges it. `false` where it is a repetition or out of order.
    fn reliable_came(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        fork: ForkId,
        rseq: u32,
        description: &[u8],
    ) -> bool {
        let Some(client) = self.clients.get_mut(id) else {
            return false;
        };
        let (asked, credentials) = (client.context.blueprint.cseq, &client.context.credentials);
        let credentials = credentials.clone();
        let Some(early) = client.context.early_mut(fork) else {
            return false;
        };
        if !early.is_next(rseq) {
            return false;
        }
        if early.answer.is_none() && !description.is_empty() {
            // The first description is the answer; a later one of this kind is none that could
            // be answered, for our INVITE made the offer (RFC 3261 §13.2.1, RFC 6337 §2.2).
            early.answer = Some(description.into());
        }
        early.pracks += 1;
        let cseq = early.dialog.next_sequence();
        let mut prack = Blueprint::in_dialog(&early.dialog, Method::Prack, cseq);
        let rack = format!("{rseq} {asked} INVITE");
        prack.headers.push(("RAck".to_owned(), rack));
        let path = early.dialog.path();
        let mut sent = Sent::new(About::Prack(dialog), prack, credentials);
        sent.fork = fork;
        self.send(sent, path);
        true
    }

    /// A PRACK has its final response, or will have none.
    pub(super) fn prack_over(&mut self, dialog: DialogId, fork: ForkId) {
        let stage = self.sessions.get(&dialog).map(|session| &session.stage);
        if let Some(&Stage::Inviting(invite)) = stage
            && let Some(client) = self.clients.get_mut(invite)
            && let Some(early) = client.context.early_mut(fork)
        {
            early.pracks = early.pracks.saturating_sub(1);
            self.reoffer_if_quiet(dialog);
        }
    }

    /// The early dialog a response belongs to, made where it is new; `None` where there are
    /// [`SIP_FORKS`].
    fn fork_of(&mut self, id: TransactionId, response: &Message<'_>, path: Path) -> Option<ForkId> {
        let client = self.clients.get_mut(id)?;
        let path = if path.transport.is_reliable() {
            path
        } else {
            client.path()
        };
        let sent = &mut client.context;
        let known = sent
            .early
            .iter()
            .position(|early| early.dialog.is_spoken_of_by(response));
        let at = match known {
            Some(at) => at,
            None if sent.early.len() >= SIP_FORKS => return None,
            None => {
                sent.early.push(Early {
                    dialog: Dialog::of_answer(response, &sent.blueprint.asked(), path),
                    rseq: None,
                    answer: None,
                    updatable: false,
                    pracks: 0,
                });
                sent.early.len() - 1
            }
        };
        let early = sent.early.get_mut(at)?;
        early.dialog.refresh_target(response);
        early.dialog.follow(path);
        early.updatable = allows_update(response).unwrap_or(early.updatable);
        ForkId::try_from(at + 1).ok()
    }

    /// The early dialog of our INVITE that a request of the peer names; 0 where the session has
    /// but one dialog. `None`: the peer speaks of a dialog that we have not heard of.
    pub(super) fn fork_named(&self, id: DialogId, request: &Message<'_>) -> Option<ForkId> {
        let Stage::Inviting(transaction) = self.sessions.get(&id)?.stage else {
            return Some(0);
        };
        let early = &self.clients.get(transaction)?.context.early;
        let at = early
            .iter()
            .position(|early| early.dialog.is_spoken_of_by(request))?;
        ForkId::try_from(at + 1).ok()
    }

    /// A session's own dialog, or the early one of our INVITE.
    pub(super) fn dialog_mut(&mut self, id: DialogId, fork: ForkId) -> Option<&mut Dialog> {
        let session = self.sessions.get_mut(&id)?;
        match session.stage {
            Stage::Inviting(transaction) => {
                let client = self.clients.get_mut(transaction)?;
                client
                    .context
                    .early_mut(fork)
                    .map(|early| &mut early.dialog)
            }
            _ => Some(&mut session.dialog),
        }
    }

    /// Whether the first offer/answer exchange of an early dialog is done, so that either side may
    /// offer again by UPDATE (RFC 3311 §5.1); `None` where the session is not early.
    pub(super) fn has_settled(&self, id: DialogId, fork: ForkId) -> Option<bool> {
        let session = self.sessions.get(&id)?;
        match session.stage {
            Stage::Invited(_) => Some(session.reliable.has_described() && !session.late),
            Stage::Inviting(transaction) => {
                let sent = &self.clients.get(transaction)?.context;
                Some(sent.early(fork).is_some_and(|early| early.answer.is_some()))
            }
            _ => None,
        }
    }

    /// The early dialog an offer of ours may go by UPDATE in now, if there is one.
    pub(super) fn updatable_fork(&self, id: DialogId) -> Option<ForkId> {
        let session = self.sessions.get(&id)?;
        match session.stage {
            // RFC 3311 §5.1: not before the PRACK of what carried our answer.
            Stage::Invited(_) => (session.updatable
                && session.reliable.has_described()
                && !session.late
                && !session.reliable.holds_answer()
                && !session.reliable.is_answering())
            .then_some(0),
            Stage::Inviting(transaction) => {
                let early = &self.clients.get(transaction)?.context.early;
                let at = early.iter().rposition(|early| {
                    early.updatable && early.answer.is_some() && early.pracks == 0
                })?;
                ForkId::try_from(at + 1).ok()
            }
            _ => None,
        }
    }
}

impl Sent {
    pub fn early(&self, fork: ForkId) -> Option<&Early> {
        self.early.get(fork.checked_sub(1)? as usize)
    }

    pub fn early_mut(&mut self, fork: ForkId) -> Option<&mut Early> {
        self.early.get_mut(fork.checked_sub(1)? as usize)
    }
}
