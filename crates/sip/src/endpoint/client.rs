//! Requests of ours on their way: sending, responses, challenges, failures (RFC 3261 §8.1.3, §22).

use core::time::Duration;
use std::sync::Arc;

use hotline_model::{Instant, limits};
use rand_chacha::rand_core::Rng as _;

use super::{
    Endpoint,
    blueprint::{Blueprint, branch_number},
    clients::ClientKind,
    early::Early,
    effects::{Owner, Step},
    session::{ForkId, Stage},
    words::{Credentials, DialogId, EndedBy, Event, HangUpReason, ReferId, Request, RequestId},
};
use crate::{
    digest::{self, Fields, Login},
    message::{Message, Method, Name, unfold},
    path::Path,
    transaction::{TransactionId, timer::Timer},
};

/// Challenges answered for one request: a first, and a second where the nonce was stale or the
/// next server asks too. More is a loop.
const CHALLENGES: u8 = 2;

/// What a request of ours is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum About {
    /// A new dialog.
    Invite(DialogId),
    /// A changed session in a dialog.
    Reoffer(DialogId),
    /// A session that goes on as it is (RFC 4028).
    Refresh(DialogId),
    /// A reliable provisional response (RFC 3262).
    Prack(DialogId),
    /// A dialog's end.
    Bye(DialogId),
    /// A REFER.
    Refer(DialogId, ReferId),
    /// News of a REFER that came.
    Notify(DialogId, ReferId),
    /// The user's own.
    Request(RequestId),
    /// CANCEL, or the BYE of a fork nobody wants: nobody waits for the answer.
    Nobody,
}

/// Whether an INVITE of ours is to be cancelled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Cancel {
    No,
    /// As soon as a provisional response allows it (§9.1).
    Wanted(Option<HangUpReason>),
    Sent,
}

/// What the endpoint keeps with a client transaction.
#[derive(Debug)]
pub(super) struct Sent {
    pub about: About,
    pub blueprint: Blueprint,
    pub credentials: Option<Arc<Credentials>>,
    challenges: u8,
    /// INVITE: when to cancel it.
    pub ring_until: Option<Instant>,
    /// INVITE: a provisional response came.
    pub provisional: bool,
    pub cancel: Cancel,
    /// It took a stream for its length, and no response has come by it.
    pub unheard_stream: bool,
    /// INVITE: the ACK sent for the 2xx with this To tag.
    pub acks: Vec<(Vec<u8>, Path, Arc<[u8]>)>,
    /// INVITE: its early dialogs, in the order they were heard of.
    pub early: Vec<Early>,
    /// The early dialog it was sent in; 0: none.
    pub fork: ForkId,
}

impl Sent {
    pub const fn new(
        about: About,
        blueprint: Blueprint,
        credentials: Option<Arc<Credentials>>,
    ) -> Self {
        Self {
            about,
            blueprint,
            credentials,
            challenges: 0,
            ring_until: None,
            provisional: false,
            cancel: Cancel::No,
            unheard_stream: false,
            acks: Vec::new(),
            early: Vec::new(),
            fork: 0,
        }
    }

    /// The same request once more, with the next number; `None` where it is no longer wanted, or
    /// has been asked for too often.
    pub fn again(&self) -> Option<Self> {
        if self.cancel != Cancel::No || self.challenges >= CHALLENGES {
            return None;
        }
        let mut retry = Self::new(self.about, self.blueprint.clone(), self.credentials.clone());
        retry.blueprint.cseq = retry.blueprint.cseq.saturating_add(1);
        retry.challenges = self.challenges + 1;
        retry.ring_until = self.ring_until;
        retry.fork = self.fork;
        Some(retry)
    }

    /// The same request with the answer to a challenge (§22.2, §22.3): for the first challenge of
    /// each kind, and for a nonce that was merely stale (RFC 7616 §3.3).
    fn answering(&self, response: &Message<'_>, cnonce: &str) -> Option<Self> {
        let mut retry = self.again()?;
        let blueprint = &mut retry.blueprint;
        let (asked, answered) = match response.status() {
            401 => (Name::WwwAuthenticate, Name::Authorization),
            _ => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        };
        let mut before = blueprint.authorizations.iter();
        let repeated = before.any(|(name, _)| *name == answered);
        let mut challenges = response.headers(asked).filter_map(Fields::parse);
        if repeated && !challenges.any(|challenge| challenge.stale) {
            return None;
        }
        let credentials = self.credentials.clone()?;
        let login = Login {
            user: &credentials.user,
            password: &credentials.password,
            realm: credentials.realm.as_deref(),
        };
        let uri = String::from_utf8_lossy(&blueprint.target);
        let (challenges, method) = (response.headers(asked), blueprint.method());
        let value = digest::answer(challenges, &login, method, &uri, cnonce, 1).ok()?;
        blueprint
            .authorizations
            .retain(|(name, _)| *name != answered);
        blueprint.authorizations.push((answered, value));
        Some(retry)
    }
}

impl Endpoint {
    /// Sends a request in a new transaction.
    pub(super) fn send(&mut self, mut sent: Sent, mut path: Path) -> TransactionId {
        let branch = self.fresh_branch();
        let mut bytes = sent.blueprint.print(&path, branch, &self.settings);
        let stream = self.stream_for(bytes.len(), &path);
        if let Some(stream) = stream {
            path = stream;
            sent.unheard_stream = true;
            bytes = sent.blueprint.print(&path, branch, &self.settings);
        }
        let ring_until = sent.ring_until;
        let kind = match sent.blueprint.method() {
            Method::Invite => ClientKind::Invite,
            _ => ClientKind::Other,
        };
        let id = self
            .clients
            .start(kind, branch, path, bytes, sent, &mut self.fx);
        if let Some(until) = ring_until {
            self.fx.timers.set((Owner::Client(id), Timer::C), until);
        }
        if stream.is_some() {
            let after = Duration::from_secs(limits::SIP_OPENING_S);
            self.fx.set(Owner::Client(id), Timer::Opening, after);
        }
        id
    }

    pub(super) fn response_came(&mut self, response: &Message<'_>, path: Path) {
        let Some(id) = self.find_client(response) else {
            self.dropped += 1;
            return;
        };
        let status = response.status();
        if let Some(client) = self.clients.get_mut(id)
            && status >= 300
            && client.wants_ack()
        {
            let to: Vec<u8> = unfold(response.header(Name::To).unwrap_or_default()).collect();
            let (path, branch) = (client.path(), client.branch());
            let ack = client.context.blueprint.print_ack(&path, branch, &to);
            client.keep_ack(ack);
        }
        let step = self.clients.response(id, status, &mut self.fx);
        self.client_stepped(id, step, Some((response, path)));
    }

    /// The transaction of a response (§17.1.3). A response must have our Via alone (§8.1.3.3), and
    /// must speak of what was asked.
    fn find_client(&self, response: &Message<'_>) -> Option<TransactionId> {
        if response.vias().nth(1).is_some() {
            return None;
        }
        let branch = branch_number(response.via().branch()?)?;
        let (number, method) = response.cseq();
        let id = self.clients.find(branch, method == Method::Cancel)?;
        let blueprint = &self.clients.get(id)?.context.blueprint;
        let same = blueprint.method() == method
            && blueprint.cseq == number
            && blueprint.call_id == response.call_id()
            && response.from().tag() == Some(blueprint.tag.as_bytes());
        same.then_some(id)
    }

    /// Tells the user of a transaction what its step brought, and forgets what is over.
    pub(super) fn client_stepped(
        &mut self,
        id: TransactionId,
        step: Step,
        response: Option<(&Message<'_>, Path)>,
    ) {
        if let Some((response, path)) = response
            && step.deliver
        {
            self.deliver(id, response, path);
        }
        if step.timed_out {
            // §8.1.3.1: as if a 408 had come; as if a 503 where the transport failed.
            self.failed(id, 408, EndedBy::Timeout);
        }
        if step.failed && !self.fell_back(id) {
            self.failed(id, 503, EndedBy::PathLost);
        }
        if step.over {
            self.clients.remove(id);
        }
    }

    fn deliver(&mut self, id: TransactionId, response: &Message<'_>, path: Path) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let (status, about) = (response.status(), client.context.about);
        client.context.unheard_stream = false;
        self.fx.stop(Owner::Client(id), Timer::Opening);
        let fork = client.context.fork;
        if status < 200 {
            client.context.provisional = true;
        } else {
            self.fx.stop(Owner::Client(id), Timer::C);
            self.fx.stop(Owner::Client(id), Timer::Cancelled);
        }
        if matches!(status, 401 | 407)
            && let Some(retry) = self.challenged(id, response)
        {
            return self.retried(about, id, retry);
        }
        if status == 422
            && let Some(retry) = self.lengthened(id, response)
        {
            return self.retried(about, id, retry);
        }
        match about {
            About::Invite(dialog) => self.invite_response(id, dialog, response, path),
            About::Reoffer(dialog) => self.reoffer_response(id, dialog, response),
            About::Refresh(dialog) if status >= 200 => {
                self.refresh_response(id, dialog, response);
            }
            About::Prack(dialog) if status >= 200 => self.prack_over(dialog, fork),
            About::Bye(dialog) if status >= 200 => {
                self.forget(dialog);
            }
            About::Request(request) if status >= 200 => {
                let message = Some(Request::of(response, path));
                self.fx.event(Event::Response {
                    id: request,
                    status,
                    message,
                });
            }
            About::Refer(dialog, refer) if status >= 200 => {
                self.refer_answered(dialog, refer, response);
            }
            About::Notify(_, refer) if status >= 200 => self.notify_answered(refer, status),
            About::Refresh(_) | About::Prack(_) | About::Refer(..) | About::Notify(..) => {}
            About::Bye(_) | About::Request(_) | About::Nobody => {}
        }
    }

    fn failed(&mut self, id: TransactionId, status: u16, why: EndedBy) {
        let Some(client) = self.clients.get(id) else {
            return;
        };
        match client.context.about {
            About::Invite(dialog) => self.invite_failed(id, dialog, status, None),
            About::Reoffer(dialog) => {
                if let Some(session) = self.sessions.get_mut(&dialog)
                    && session.ours.transaction == Some(id)
                {
                    session.ours.transaction = None;
                    if session.stage.is_early() {
                        // The INVITE's own answer says what becomes of the dialog.
                        self.fx.event(Event::ReofferRefused { dialog, status });
                    } else if session.is_known() {
                        self.lost(dialog, why);
                    }
                }
            }
            About::Refresh(dialog) => self.refresh_failed(id, dialog, why),
            About::Bye(dialog) => {
                self.forget(dialog);
            }
            About::Request(request) => self.fx.event(Event::Response {
                id: request,
                status,
                message: None,
            }),
            About::Refer(_, refer) => self.refer_failed(refer, status),
            About::Notify(_, refer) => self.notify_answered(refer, status),
            About::Prack(dialog) => {
                let fork = client.context.fork;
                self.prack_over(dialog, fork);
            }
            About::Nobody => {}
        }
    }

    /// Answers a challenge with a new request (§22.2), if there is an answer and it was not tried
    /// before.
    fn challenged(&mut self, id: TransactionId, response: &Message<'_>) -> Option<TransactionId> {
        let cnonce = format!("{:016x}", self.random.next_u64());
        let client = self.clients.get(id)?;
        let (path, mut retry) = (client.path(), client.context.answering(response, &cnonce)?);
        self.renumbered(&mut retry)?;
        Some(self.send(retry, path))
    }

    /// Gives a request in a dialog that is sent again the dialog's next number; `None` where the
    /// dialog is gone.
    pub(super) fn renumbered(&mut self, retry: &mut Sent) -> Option<()> {
        match retry.about {
            About::Reoffer(dialog)
            | About::Refresh(dialog)
            | About::Prack(dialog)
            | About::Bye(dialog) => {
                retry.blueprint.cseq = self.dialog_mut(dialog, retry.fork)?.next_sequence();
            }
            About::Refer(dialog, refer) | About::Notify(dialog, refer) => {
                retry.blueprint.cseq = self.refer_sequence(dialog, refer)?;
            }
            About::Invite(_) | About::Request(_) | About::Nobody => {}
        }
        Some(())
    }

    /// `retry` takes the place of `id`.
    pub(super) fn retried(&mut self, about: About, id: TransactionId, retry: TransactionId) {
        match about {
            About::Invite(dialog) => self.invite_retried(id, dialog, retry),
            About::Reoffer(dialog) => {
                if let Some(session) = self.sessions.get_mut(&dialog)
                    && session.ours.transaction == Some(id)
                {
                    session.ours.transaction = Some(retry);
                }
            }
            About::Refresh(dialog) => {
                if let Some(session) = self.sessions.get_mut(&dialog)
                    && session.refresh.transaction == Some(id)
                {
                    session.refresh.transaction = Some(retry);
                }
            }
            About::Prack(_) | About::Refer(..) | About::Notify(..) => {}
            About::Bye(_) | About::Request(_) | About::Nobody => {}
        }
    }

    /// Sends BYE. The user knows the dialog no more; it is forgotten when the BYE is answered.
    pub(super) fn send_bye(&mut self, dialog: DialogId, reason: Option<&HangUpReason>) {
        self.tell_the_ends(dialog);
        self.forget_transfers(dialog);
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.unreachable {
            self.forget(dialog);
            return;
        }
        session.stage = Stage::Left;
        session.unacknowledged = None;
        session.ours.wanted = None;
        let pending = session.theirs.take();
        let cseq = session.dialog.next_sequence();
        let mut blueprint = Blueprint::in_dialog(&session.dialog, Method::Bye, cseq);
        blueprint
            .headers
            .extend(reason.map(|reason| ("Reason".to_owned(), reason.to_string())));
        let (path, credentials) = (session.dialog.path(), session.credentials.clone());
        self.fx.stop_all(Owner::Dialog(dialog));
        if let Some(theirs) = pending {
            self.reply_kept(theirs.transaction, 487, &[], b"");
        }
        self.send(Sent::new(About::Bye(dialog), blueprint, credentials), path);
    }
}
