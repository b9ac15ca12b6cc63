//! Requests that come in: retransmissions, what is refused at once, and what begins (RFC 3261
//! §8.2).

use hotline_model::limits;

use super::{
    ALLOW, Endpoint, IN_DIALOG_TRANSACTIONS, REQUEST_BYTES, SUPPORTED,
    blueprint::hex_number,
    body::{self, ACCEPT, BodyFault},
    early::allows_update,
    effects::Owner,
    reliable::Reliable,
    reply::{Header, Purpose},
    session::{Session, Stage},
    transfer::is_misplaced,
    words::{DialogId, Event, Request},
};
use crate::{
    dialog::Dialog,
    message::{Message, Method, Scheme, text},
    path::Path,
    transaction::{
        key::{merge_key, server_key},
        timer::{TRYING, Timer},
    },
};

/// A status, and a header that goes with it.
pub(super) struct Refusal {
    pub status: u16,
    pub header: Option<Header<'static>>,
}

impl Refusal {
    const fn plain(status: u16) -> Self {
        Self {
            status,
            header: None,
        }
    }

    fn with(status: u16, name: &'static str, value: impl Into<String>) -> Self {
        Self {
            status,
            header: Some((name, value.into())),
        }
    }

    pub fn headers(&self) -> &[Header<'static>] {
        self.header.as_slice()
    }
}

impl Endpoint {
    pub(super) fn request_came(&mut self, request: &Message<'_>, path: Path) {
        let mut room = Vec::new();
        let method = request.method();
        // An ACK of a refusal finds the INVITE's transaction (§17.2.3).
        let sought = match method {
            Method::Ack => Method::Invite,
            other => other,
        };
        match self.servers.find(server_key(request, sought, &mut room)) {
            Some(id) if method == Method::Ack => {
                let step = self.servers.acknowledged(id, &mut self.fx);
                if step.deliver {
                    self.ack_came(request);
                }
            }
            Some(id) => {
                // Nothing is new to the user in a retransmission.
                let _ = self.servers.retransmitted(id, path, &mut self.fx);
            }
            None if method == Method::Ack => self.ack_came(request),
            None => self.new_request(request, path),
        }
    }

    fn new_request(&mut self, request: &Message<'_>, path: Path) {
        let dialog = self.find_dialog(request);
        let room = if dialog.is_some() || request.method() == Method::Cancel {
            limits::SIP_TRANSACTIONS + IN_DIALOG_TRANSACTIONS
        } else {
            limits::SIP_TRANSACTIONS
        };
        if self.transactions() >= room {
            let after = self.retry_after(5, 15);
            return self.refuse(request, path, 503, &[after]);
        }
        if request.bytes().len() > REQUEST_BYTES {
            return self.refuse(request, path, 513, &[]);
        }
        match dialog {
            Some(id) if request.method() != Method::Cancel => {
                self.request_in_dialog(id, request, path);
            }
            _ => self.request_outside(request, path),
        }
    }

    /// The dialog a request names (§12.2.2).
    pub(super) fn find_dialog(&self, request: &Message<'_>) -> Option<DialogId> {
        let tag = hex_number(request.to().tag()?)?;
        let id = *self.by_tag.get(&tag)?;
        self.sessions.get(&id)?.dialog.owns(request).then_some(id)
    }

    fn request_outside(&mut self, request: &Message<'_>, path: Path) {
        let refusal = self.refusal(request);
        match request.method() {
            Method::Cancel => self.cancel_came(request, path),
            _ if refusal.is_some() => {
                if let Some(refusal) = refusal {
                    self.refuse(request, path, refusal.status, refusal.headers());
                }
            }
            // A tag names a dialog, and there is none (§12.2.2). A REGISTER makes none anyway.
            method if request.to().tag().is_some() && method != Method::Register => {
                self.refuse(request, path, 481, &[]);
            }
            Method::Invite => self.invite_came(request, path),
            Method::Register | Method::Options => self.user_request(request, path),
            Method::Refer => self.refer_outside(request, path),
            // BYE, INFO and UPDATE live in dialogs (§15.1.2, RFC 6086 §4.2.2, RFC 3311 §5.2), and
            // nothing of ours subscribes outside them (NOTIFY, RFC 6665 §4.1.3).
            _ => self.refuse(request, path, 481, &[]),
        }
    }

    /// A request outside dialogs that the user answers.
    pub(super) fn user_request(&mut self, request: &Message<'_>, path: Path) {
        let id = self.next_request();
        let tag = self.fresh_tag();
        let transaction = self.serve(request, path, Purpose::Request(id), tag);
        self.requests.insert(id, transaction);
        let request = Request::of(request, path);
        self.fx.event(Event::Request { id, path, request });
    }

    /// Why a request is refused whatever it is about, in the order of §8.2.
    pub(super) fn refusal(&self, request: &Message<'_>) -> Option<Refusal> {
        let method = request.method();
        if !method.is_known() {
            return Some(Refusal::with(501, "Allow", ALLOW));
        }
        if !is_served(method) {
            return Some(Refusal::with(405, "Allow", ALLOW));
        }
        // §8.2.2.1: any address of ours is taken, but its scheme must be one that is understood.
        if matches!(request.uri().scheme, Scheme::Other(_)) {
            return Some(Refusal::plain(416));
        }
        // §10.3 step 5: what is registered is a SIP address.
        if method == Method::Register && !request.to().uri.is_sip() {
            return Some(Refusal::plain(400));
        }
        let mut room = Vec::new();
        if merge_key(request, &mut room).is_some_and(|key| self.servers.is_merged(key)) {
            return Some(Refusal::plain(482));
        }
        if method != Method::Cancel {
            // §8.2.2.3.
            let known = |tag: &[u8]| {
                let mut ours = SUPPORTED.split(", ");
                ours.any(|ours| tag.eq_ignore_ascii_case(ours.as_bytes()))
            };
            let strange = request.require().filter(|tag| !known(tag));
            let tags: Vec<_> = strange.map(text).collect();
            if !tags.is_empty() {
                return Some(Refusal::with(420, "Unsupported", tags.join(", ")));
            }
        }
        if is_misplaced(request) {
            return Some(Refusal::plain(400));
        }
        match method {
            Method::Invite | Method::Update | Method::Prack => session_refusal(request),
            _ => None,
        }
    }

    fn invite_came(&mut self, request: &Message<'_>, path: Path) {
        if self.is_full() || self.was_turned_away(request) {
            let after = self.retry_after(5, 15);
            return self.refuse(request, path, 503, &[after]);
        }
        if let Some(status) = self.loop_refusal(request) {
            return self.refuse(request, path, status, &[]);
        }
        let replaces = match self.replaced(request) {
            Ok(replaces) => replaces,
            Err(status) => return self.refuse(request, path, status, &[]),
        };
        if let Some(shortest) = self.too_short(request) {
            return self.refuse(request, path, 422, &[("Min-SE", shortest)]);
        }
        let id = self.next_dialog();
        let tag = self.fresh_tag();
        let transaction = self.serve(request, path, Purpose::Invite(id), tag);
        self.fx
            .set(Owner::Server(transaction), Timer::Trying, TRYING);
        let dialog = Dialog::of_invite(request, &format!("{tag:016x}"), path);
        let mut session = Session::new(dialog, Stage::Invited(transaction), tag);
        session.late = body::session(request).is_empty();
        session.reliable = Reliable::of(request);
        session.updatable = allows_update(request).unwrap_or_default();
        self.keep(id, session);
        let request = Request::of(request, path);
        self.fx.event(Event::Invited {
            dialog: id,
            path,
            request,
            replaces,
        });
    }

    /// CANCEL (§9.2): answered 200 where it finds its INVITE, which is answered 487 where it has
    /// no final answer yet.
    fn cancel_came(&mut self, request: &Message<'_>, path: Path) {
        let mut room = Vec::new();
        let invite = server_key(request, Method::Invite, &mut room);
        let Some(invite) = self.servers.find(invite) else {
            return self.refuse(request, path, 481, &[]);
        };
        let Some(server) = self.servers.get(invite) else {
            return;
        };
        let (pending, tag) = (server.is_pending_invite(), server.context.tag);
        let purpose = server.context.purpose;
        let transaction = self.serve(request, path, Purpose::Done, tag);
        self.reply(transaction, request, 200, &[], b"");
        if !pending {
            return;
        }
        self.reply_kept(invite, 487, &[], b"");
        match purpose {
            Purpose::Invite(dialog) => self.invite_gone(dialog),
            Purpose::Offer(dialog) => {
                if let Some(session) = self.sessions.get_mut(&dialog) {
                    session.theirs = None;
                    self.reoffer_if_quiet(dialog);
                    self.go_on_ringing(dialog);
                }
            }
            Purpose::Request(_) | Purpose::Refer(_) | Purpose::Done => {}
        }
    }

    /// The peer's INVITE has ended before our final answer.
    pub(super) fn invite_gone(&mut self, dialog: DialogId) {
        let waits = self
            .sessions
            .get(&dialog)
            .is_some_and(|session| matches!(session.stage, Stage::Invited(_)));
        if waits {
            self.forget(dialog);
            self.fx.event(Event::Cancelled { dialog });
        }
    }
}

const fn is_served(method: Method<'_>) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Cancel
            | Method::Bye
            | Method::Options
            | Method::Info
            | Method::Prack
            | Method::Update
            | Method::Register
            | Method::Refer
            | Method::Notify
    )
}

/// What §8.2.3 and §20.1 ask of a body and of the answer's.
fn session_refusal(request: &Message<'_>) -> Option<Refusal> {
    match body::checked_session(request) {
        Err(BodyFault::Coding) => Some(Refusal::with(415, "Accept-Encoding", "identity")),
        Err(BodyFault::Type) => Some(Refusal::with(415, "Accept", ACCEPT)),
        Err(BodyFault::Broken) => Some(Refusal::plain(400)),
        Ok(_) => (!request.accepts("application/sdp")).then(|| Refusal::plain(406)),
    }
}
