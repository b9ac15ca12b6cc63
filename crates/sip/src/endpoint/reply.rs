//! Our answers: with a transaction that repeats them, or without any state.

use core::time::Duration;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{
    ALLOW, Endpoint, SUPPORTED,
    blueprint::contact,
    effects::Owner,
    words::{DialogId, Output, ReferId, Request, RequestId},
};
use crate::{
    message::{Malformed, Message, Method, Name, STATELESS_TAG},
    path::Path,
    print::Draft,
    transaction::{
        TransactionId,
        key::{merge_key, server_key},
        timer::{GIVE_UP, Timer},
    },
};

/// A header by name and value.
pub(super) type Header<'a> = (&'a str, String);

/// What a request that is being served asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// A new dialog.
    Invite(DialogId),
    /// A change of the session in a dialog.
    Offer(DialogId),
    /// Something the user answers.
    Request(RequestId),
    /// That we call somebody.
    Refer(ReferId),
    /// Nothing that is not done already.
    Done,
}

/// What the endpoint keeps with a server transaction.
#[derive(Debug)]
pub(super) struct Served {
    pub purpose: Purpose,
    /// The request, until its final answer.
    pub request: Option<Request>,
    /// The number in the To tag of our answers, where the request has no tag there.
    pub tag: u64,
}

impl Endpoint {
    /// Begins to serve a request (RFC 3261 §17.2).
    pub(super) fn serve(
        &mut self,
        request: &Message<'_>,
        path: Path,
        purpose: Purpose,
        tag: u64,
    ) -> TransactionId {
        let method = request.method();
        let (mut key, mut merge) = (Vec::new(), Vec::new());
        let context = Served {
            purpose,
            request: (purpose != Purpose::Done).then(|| Request::of(request, path)),
            tag,
        };
        let id = self.servers.start(
            method == Method::Invite,
            server_key(request, method, &mut key),
            merge_key(request, &mut merge),
            path,
            context,
        );
        if method != Method::Invite && purpose != Purpose::Done {
            self.fx.set(Owner::Server(id), Timer::Unanswered, GIVE_UP);
        }
        id
    }

    /// Answers a request that is being served, at the time it came.
    pub(super) fn reply(
        &mut self,
        id: TransactionId,
        request: &Message<'_>,
        status: u16,
        headers: &[Header<'_>],
        body: &[u8],
    ) -> Option<Arc<[u8]>> {
        let server = self.servers.get_mut(id)?;
        if status >= 200 {
            server.context.request = None;
            self.fx.stop(Owner::Server(id), Timer::Unanswered);
        }
        self.fx.stop(Owner::Server(id), Timer::Trying);
        let (path, tag, purpose) = (server.path(), server.context.tag, server.context.purpose);
        let tag = format!("{tag:016x}");
        let draft = self.answer_draft(request, path, status, &tag, headers, body);
        let response: Arc<[u8]> = draft.finish(body).into();
        self.servers
            .respond(id, status, Arc::clone(&response), &mut self.fx);
        let outside = matches!(purpose, Purpose::Invite(_) | Purpose::Request(_));
        if outside && matches!(status, 401 | 407) {
            // §26.3.2.4: a challenge is sent once and forgotten, so that strangers can neither
            // fill the tables nor have answers repeated to others. Who did not hear it asks again.
            self.servers.forget(id, &mut self.fx);
        }
        Some(response)
    }

    /// Answers a request that is being served and was kept since. Nothing happens where it has
    /// had its final answer.
    pub(super) fn reply_kept(
        &mut self,
        id: TransactionId,
        status: u16,
        headers: &[Header<'_>],
        body: &[u8],
    ) -> Option<Arc<[u8]>> {
        let request = self.servers.get(id)?.context.request.clone()?;
        let message = request.message()?;
        self.reply(id, &message, status, headers, body)
    }

    fn answer_draft(
        &self,
        request: &Message<'_>,
        path: Path,
        status: u16,
        tag: &str,
        headers: &[Header<'_>],
        body: &[u8],
    ) -> Draft {
        if status == 100 {
            // No tag: 100 makes no dialog (§8.2.6.1).
            return Draft::answer(request, 100, path.remote, None);
        }
        let mut draft = Draft::answer(request, status, path.remote, Some(tag));
        let method = request.method();
        if method == Method::Invite && status < 300 {
            draft = draft.copied(request, Name::RecordRoute);
        }
        if matches!(method, Method::Invite | Method::Update) && status < 300 {
            draft = draft
                .header(Name::Contact, contact(&path, &self.settings))
                .header(Name::Allow, ALLOW)
                .header(Name::Supported, SUPPORTED);
        }
        draft = draft.header(Name::Server, &self.settings.product);
        for (name, value) in headers {
            draft = draft.named(name, value);
        }
        let typed = headers
            .iter()
            .any(|(name, _)| Name::of(name.as_bytes()) == Name::ContentType);
        if !body.is_empty() && !typed {
            draft = draft.header(Name::ContentType, "application/sdp");
        }
        draft
    }

    /// Answers a request and forgets it at once (§8.2.7).
    pub(super) fn refuse(
        &mut self,
        request: &Message<'_>,
        path: Path,
        status: u16,
        headers: &[Header<'_>],
    ) {
        if request.method() == Method::Ack {
            return;
        }
        let mark = self.stateless_mark(request.call_id(), request.via().raw);
        self.refuse_marked(request, path, status, headers, mark);
    }

    /// The same, with the number of [`Endpoint::stateless_mark`] at hand.
    pub(super) fn refuse_marked(
        &mut self,
        request: &Message<'_>,
        path: Path,
        status: u16,
        headers: &[Header<'_>],
        mark: u64,
    ) {
        self.refused += 1;
        let tag = stateless_tag(mark);
        let draft = self.answer_draft(request, path, status, &tag, headers, b"");
        self.fx.transmit(path, &draft.finish(b"").into());
    }

    /// A message that is none: an answer where one is asked for and can be built, else silence.
    pub(super) fn malformed_came(&mut self, malformed: &Malformed<'_>, path: Path, bytes: &[u8]) {
        let Some(status) = malformed.status else {
            self.dropped += 1;
            // A stream that carries something else than SIP will not come to its senses.
            let is_sip = malformed.method().is_some() || bytes.starts_with(b"SIP/");
            if path.transport.is_reliable() && !is_sip {
                self.fx.outputs.push_back(Output::ClosePath(path));
            }
            return;
        };
        self.refused += 1;
        let call_id = malformed.only(Name::CallId).unwrap_or_default();
        let via = malformed.vias().next().unwrap_or_default();
        let tag = stateless_tag(self.stateless_mark(call_id, via));
        let draft = Draft::answer_malformed(malformed, status, path.remote, Some(&tag))
            .header(Name::Server, &self.settings.product);
        self.fx.transmit(path, &draft.finish(b"").into());
    }

    /// Equal for retransmissions, and not to be guessed (§8.2.7, §19.3).
    pub(super) fn stateless_mark(&self, call_id: &[u8], via: &[u8]) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.tag_key)
            .chain_update((call_id.len() as u64).to_be_bytes())
            .chain_update(call_id)
            .chain_update(via)
            .finalize();
        hash.iter()
            .take(8)
            .fold(0, |tag, &byte| tag << 8 | u64::from(byte))
    }

    /// Seconds for Retry-After of an overloaded or busy server; spread, so that the peers do not
    /// all come back at once (RFC 7339 §5.4's reason).
    pub(super) fn retry_after(&mut self, least: u32, most: u32) -> Header<'static> {
        let second = Duration::from_secs(1);
        let after = self.random_time(second * least, second * most, second);
        ("Retry-After", after.as_secs().to_string())
    }

    /// A server transaction's timer is due.
    pub(super) fn server_timer(&mut self, id: TransactionId, timer: Timer) {
        if timer == Timer::Trying {
            self.reply_kept(id, 100, &[], b"");
            return;
        }
        let purpose = self.purpose_of(id);
        let step = self.servers.timer(id, timer, &mut self.fx);
        if step.timed_out {
            self.gone_unanswered(purpose);
        }
    }

    /// The connection an answer had to go by is gone.
    pub(super) fn server_path_lost(&mut self, id: TransactionId) {
        let purpose = self.purpose_of(id);
        let step = self.servers.transport_failed(id, &mut self.fx);
        if step.failed {
            self.gone_unanswered(purpose);
        }
    }

    fn purpose_of(&self, id: TransactionId) -> Purpose {
        self.servers
            .get(id)
            .map_or(Purpose::Done, |server| server.context.purpose)
    }

    fn gone_unanswered(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Invite(dialog) => self.invite_gone(dialog),
            Purpose::Offer(dialog) => {
                if let Some(session) = self.sessions.get_mut(&dialog) {
                    session.theirs = None;
                    self.reoffer_if_quiet(dialog);
                    self.go_on_ringing(dialog);
                }
            }
            Purpose::Request(request) => {
                self.requests.remove(&request);
            }
            Purpose::Refer(refer) => self.refer_unanswered(refer),
            Purpose::Done => {}
        }
    }
}

/// The To tag of an answer without state.
fn stateless_tag(mark: u64) -> String {
    format!("{STATELESS_TAG}{mark:016x}")
}

impl Request {
    /// Keeps a parsed message.
    pub(super) fn of(message: &Message<'_>, path: Path) -> Self {
        Self::new(message.bytes(), path.transport.framing())
    }
}
