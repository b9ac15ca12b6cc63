//! A SIP endpoint as a plain value: transactions, dialogs and client authentication behind a
//! handful of commands and events.
//!
//! Call [`Endpoint::receive`], [`Endpoint::path_lost`] and [`Endpoint::wake`] with what the world
//! does, the commands with what the user wants, and drain [`Endpoint::poll_output`] after each.
//! Nothing fails: a command for a dialog that is gone, or that its state does not allow, does
//! nothing, for the event that says so is already among the outputs.
//!
//! What is refused at once (malformed, unknown, too much) is answered without keeping state
//! (RFC 3261 §8.2.7). Responses go back to where the request came from, whatever its Via says
//! (RFC 3581 §4, as if `rport` were always asked for).

mod blueprint;
mod body;
mod client;
mod clients;
mod commands;
mod early;
mod effects;
mod heard;
mod in_dialog;
mod incoming;
mod invite_client;
mod lookup;
mod loops;
mod mtu;
mod offers;
mod overload;
mod redirect;
mod refresh;
mod reliable;
mod reply;
mod servers;
mod session;
mod transfer;
mod words;

pub use words::{
    Credentials, DialogId, EndedBy, EndpointSettings, Event, HangUpReason, Invitation,
    OutgoingRequest, Output, ReasonProtocol, ReferId, Request, RequestId, Response, Transfer,
};

use core::{fmt, time::Duration};
use std::collections::BTreeMap;

use hotline_model::{Instant, limits};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use crate::{
    message::Message,
    path::Path,
    transaction::{TransactionId, timer::Timer},
};
use client::Sent;
use clients::Clients;
use effects::{Effects, Owner};
use mtu::DatagramOnly;
use overload::TurnedAway;
use reply::Served;
use servers::Servers;
use session::Session;
use transfer::Refers;

/// The methods this endpoint serves, for Allow (RFC 3261 §20.5).
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REGISTER, REFER, NOTIFY";

/// The extensions this endpoint knows, for Supported (RFC 3261 §20.37).
pub const SUPPORTED: &str = "100rel, timer, replaces, norefersub, tdialog";

/// Longest request served, bytes. A trunk's INVITE has one to four thousand; the endpoint keeps a
/// request until it is answered, and a longer one is answered 513.
pub const REQUEST_BYTES: usize = 16_384;

/// Transactions beyond [`limits::SIP_TRANSACTIONS`] that are kept for requests within dialogs:
/// when new calls are refused, those under way can still end. When these are full too, requests
/// within dialogs are answered 503.
pub const IN_DIALOG_TRANSACTIONS: usize = limits::SIP_DIALOGS;

/// Live things, for a dashboard and for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Client transactions.
    pub client_transactions: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Dialogs, those being set up and torn down included.
    pub dialogs: usize,
    /// Timers waiting.
    pub timers: usize,
    /// Messages dropped since the start: malformed responses, responses and ACKs of nothing.
    pub dropped: u64,
    /// Requests answered without state since the start: malformed, unknown, too many.
    pub refused: u64,
}

/// Transactions, dialogs and client authentication of one SIP endpoint.
pub struct Endpoint {
    settings: EndpointSettings,
    random: ChaCha20Rng,
    /// Keys the tags of stateless answers, which must be equal for equal requests (§8.2.7).
    tag_key: [u8; 32],
    fx: Effects,
    clients: Clients<Sent>,
    servers: Servers<Served>,
    /// Boxed, since a node of the tree has room for eleven.
    sessions: BTreeMap<DialogId, Box<Session>>,
    by_tag: BTreeMap<u64, DialogId>,
    requests: BTreeMap<RequestId, TransactionId>,
    refers: Refers,
    datagram_only: DatagramOnly,
    turned_away: TurnedAway,
    last_dialog: u64,
    last_request: u64,
    dropped: u64,
    refused: u64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither keys nor passwords.
        f.debug_struct("Endpoint")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An endpoint without any state. The seed must be unpredictable to strangers: tags, branches
    /// and Call-IDs come from it (RFC 3261 §19.3).
    pub fn new(settings: EndpointSettings, seed: [u8; 32]) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut tag_key = [0; 32];
        random.fill_bytes(&mut tag_key);
        Self {
            settings,
            random,
            tag_key,
            fx: Effects::default(),
            clients: Clients::default(),
            servers: Servers::new(tag_key),
            sessions: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            requests: BTreeMap::new(),
            refers: Refers::default(),
            datagram_only: DatagramOnly::default(),
            turned_away: TurnedAway::default(),
            last_dialog: 0,
            last_request: 0,
            dropped: 0,
            refused: 0,
        }
    }

    /// What it says of itself.
    pub const fn settings(&self) -> &EndpointSettings {
        &self.settings
    }

    /// One whole message came by `path`.
    pub fn receive(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        self.fx.now = now;
        match Message::parse(bytes, path.transport.framing()) {
            Ok(message) if message.is_request() => self.request_came(&message, path),
            Ok(message) => self.response_came(&message, path),
            Err(malformed) => self.malformed_came(&malformed, path, bytes),
        }
    }

    /// A connection closed or could not be opened, or a datagram could not be sent (ICMP).
    ///
    /// Our requests on their way there fail (RFC 3261 §17.1.4); requests from there that wait for
    /// an answer are forgotten, an INVITE with [`Event::Cancelled`]. A confirmed dialog lives on:
    /// its next request tries a new connection. To a browser none can be opened (RFC 7118 §5): a
    /// request of the browser by a new connection takes the dialog there, and until then our next
    /// request ends it with `PathLost`.
    pub fn path_lost(&mut self, now: Instant, path: Path) {
        self.fx.now = now;
        for id in self.clients.on_path(&path) {
            let step = self.clients.transport_failed(id, &mut self.fx);
            self.client_stepped(id, step, None);
        }
        if path.transport.is_reliable() {
            for id in self.servers.on_path(&path) {
                self.server_path_lost(id);
            }
            for session in self.sessions.values_mut() {
                if !session.dialog.is_on(&path) {
                    continue;
                }
                // No connection can be opened to a browser: it comes back, or is gone.
                if path.transport.is_websocket() {
                    session.unreachable = true;
                } else {
                    session.dialog.reroute();
                }
            }
        }
    }

    /// It is `now`: does what has become due.
    pub fn wake(&mut self, now: Instant) {
        self.fx.now = now;
        while let Some((_, (owner, timer))) = self.fx.timers.pop_due(now) {
            match (owner, timer) {
                (Owner::Client(id), Timer::C) => self.ring_time_over(id),
                (Owner::Client(id), Timer::Opening) => self.opening_time_over(id),
                (Owner::Client(id), _) => {
                    let step = self.clients.timer(id, timer, &mut self.fx);
                    self.client_stepped(id, step, None);
                }
                (Owner::Server(id), _) => self.server_timer(id, timer),
                (Owner::Dialog(id), Timer::Accepted) => self.repeat_accepted(id),
                (Owner::Dialog(id), Timer::Unacknowledged) => self.no_ack_came(id),
                (Owner::Dialog(id), Timer::Reoffer) => self.reoffer_time_came(id),
                (Owner::Refer(id), _) => self.subscription_over(id),
                (Owner::Dialog(id), Timer::Provisional) => self.repeat_provisional(id),
                (Owner::Dialog(id), Timer::Unpracked) => self.no_prack_came(id),
                (Owner::Dialog(id), Timer::Refresh) => self.refresh_time_came(id),
                (Owner::Dialog(id), Timer::Expired) => self.session_expired(id),
                (Owner::Dialog(_), _) => {}
            }
        }
    }

    /// When to call [`Endpoint::wake`] next.
    pub fn next_wake(&self) -> Option<Instant> {
        self.fx.timers.next_due()
    }

    /// The next thing to do or to know; `None` when all was taken.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.fx.outputs.pop_front()
    }

    /// Live things.
    pub fn counts(&self) -> Counts {
        Counts {
            client_transactions: self.clients.len(),
            server_transactions: self.servers.len(),
            dialogs: self.sessions.len(),
            timers: self.fx.timers.len(),
            dropped: self.dropped,
            refused: self.refused,
        }
    }

    fn transactions(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether a new call or a request outside dialogs still has room.
    fn is_full(&self) -> bool {
        self.transactions() >= limits::SIP_TRANSACTIONS
            || self.sessions.len() >= limits::SIP_DIALOGS
    }

    fn next_dialog(&mut self) -> DialogId {
        self.last_dialog += 1;
        DialogId(self.last_dialog)
    }

    fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// A tag no live dialog has.
    fn fresh_tag(&mut self) -> u64 {
        loop {
            let tag = self.random.next_u64();
            if !self.by_tag.contains_key(&tag) {
                return tag;
            }
        }
    }

    /// A branch no live transaction has.
    fn fresh_branch(&mut self) -> u64 {
        loop {
            let branch = self.random.next_u64();
            if !self.clients.has_branch(branch) {
                return branch;
            }
        }
    }

    fn fresh_call_id(&mut self) -> Vec<u8> {
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        format!("{high:016x}{low:016x}").into_bytes()
    }

    /// A whole number of steps of `step`, from `least` to `most`, both included.
    fn random_time(&mut self, least: Duration, most: Duration, step: Duration) -> Duration {
        let steps = most.saturating_sub(least).as_millis() / step.as_millis().max(1);
        let steps = u32::try_from(steps).unwrap_or(u32::MAX).saturating_add(1);
        least + step * (self.random.next_u32() % steps)
    }

    fn keep(&mut self, id: DialogId, session: Session) {
        self.by_tag.insert(session.tag, id);
        self.sessions.insert(id, Box::new(session));
    }

    /// Forgets a dialog and its timers. An offer of the peer that waits is answered 487, as its
    /// pending requests have to be (§15.1.2).
    fn forget(&mut self, id: DialogId) -> Option<Box<Session>> {
        self.forget_transfers(id);
        let mut session = self.sessions.remove(&id)?;
        self.by_tag.remove(&session.tag);
        self.fx.stop_all(Owner::Dialog(id));
        if let Some(theirs) = session.theirs.take() {
            self.reply_kept(theirs.transaction, 487, &[], b"");
        }
        Some(session)
    }
}
