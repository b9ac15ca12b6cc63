//! Live transactions with their messages: carries out what the state machines say.

use std::{collections::BTreeMap, sync::Arc};

use super::effects::{Effects, Owner};
use crate::{
    path::Path,
    transaction::{
        Action, TransactionId,
        client_invite::ClientInvite,
        client_other::ClientOther,
        server_invite::{self, ServerInvite},
        server_other::ServerOther,
        timer::Timer,
    },
};

/// What the transaction's user has to hear after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[must_use]
pub(super) struct Step {
    /// The message is new to the user.
    pub deliver: bool,
    /// Nothing came in time.
    pub timed_out: bool,
    /// The transport could not send.
    pub failed: bool,
    /// The machine terminated: the entry is to be removed once the user has read it.
    pub over: bool,
}

/// The number in a branch of ours: sixteen hexadecimal digits after the cookie.
pub(super) type Branch = u64;

#[derive(Clone, Copy, Debug)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(ClientOther),
}

/// A client transaction, its messages, and what its user keeps with it.
#[derive(Debug)]
pub(super) struct Client<C> {
    machine: ClientMachine,
    key: (Branch, bool),
    path: Path,
    request: Arc<[u8]>,
    ack: Option<Arc<[u8]>>,
    pub context: C,
}

impl<C> Client<C> {
    pub const fn branch(&self) -> Branch {
        self.key.0
    }

    pub const fn path(&self) -> Path {
        self.path
    }

    /// Whether a final response still needs an ACK to be made for it (§17.1.1.3).
    pub fn wants_ack(&self) -> bool {
        matches!(self.machine, ClientMachine::Invite(_)) && self.ack.is_none()
    }

    pub fn keep_ack(&mut self, ack: Vec<u8>) {
        self.ack = Some(ack.into());
    }

    fn carry_out(&self, id: TransactionId, actions: &mut Vec<Action>, fx: &mut Effects) -> Step {
        let owner = Owner::Client(id);
        let mut step = Step::default();
        for action in actions.drain(..) {
            match action {
                Action::Transmit => fx.transmit(self.path, &self.request),
                Action::Acknowledge => {
                    if let Some(ack) = &self.ack {
                        fx.transmit(self.path, ack);
                    }
                }
                other => step.note(other, owner, fx),
            }
        }
        step
    }
}

impl Step {
    fn note(&mut self, action: Action, owner: Owner, fx: &mut Effects) {
        match action {
            Action::Deliver => self.deliver = true,
            Action::TimedOut => self.timed_out = true,
            Action::TransportFailed => self.failed = true,
            Action::Set(timer, after) => fx.set(owner, timer, after),
            Action::Stop(timer) => fx.stop(owner, timer),
            Action::Terminate => {
                fx.stop_all(owner);
                self.over = true;
            }
            // Sending is the table's own business, done before.
            Action::Transmit | Action::Acknowledge => {}
        }
    }
}

/// All client transactions.
#[derive(Debug)]
pub(super) struct Clients<C> {
    entries: BTreeMap<TransactionId, Client<C>>,
    by_branch: BTreeMap<(Branch, bool), TransactionId>,
    last: u64,
    actions: Vec<Action>,
}

impl<C> Default for Clients<C> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_branch: BTreeMap::new(),
            last: 0,
            actions: Vec::new(),
        }
    }
}

/// What kind of client transaction to start. A CANCEL shares its INVITE's branch (§9.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientKind {
    Invite,
    Cancel,
    Other,
}

impl<C> Clients<C> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn has_branch(&self, branch: Branch) -> bool {
        self.by_branch.contains_key(&(branch, false))
            || self.by_branch.contains_key(&(branch, true))
    }

    /// The transaction a response with this branch belongs to (§17.1.3).
    pub fn find(&self, branch: Branch, cancel: bool) -> Option<TransactionId> {
        self.by_branch.get(&(branch, cancel)).copied()
    }

    pub fn get(&self, id: TransactionId) -> Option<&Client<C>> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: TransactionId) -> Option<&mut Client<C>> {
        self.entries.get_mut(&id)
    }

    /// Sends `request` and takes care of it from now on.
    pub fn start(
        &mut self,
        kind: ClientKind,
        branch: Branch,
        path: Path,
        request: Vec<u8>,
        context: C,
        fx: &mut Effects,
    ) -> TransactionId {
        self.last += 1;
        let id = TransactionId(self.last);
        let reliable = path.transport.is_reliable();
        let machine = match kind {
            ClientKind::Invite => {
                ClientMachine::Invite(ClientInvite::start(reliable, &mut self.actions))
            }
            ClientKind::Cancel | ClientKind::Other => {
                ClientMachine::Other(ClientOther::start(reliable, &mut self.actions))
            }
        };
        let key = (branch, kind == ClientKind::Cancel);
        let client = Client {
            machine,
            key,
            path,
            request: request.into(),
            ack: None,
            context,
        };
        // A transaction never ends on its own start.
        let _ = client.carry_out(id, &mut self.actions, fx);
        self.by_branch.insert(key, id);
        self.entries.insert(id, client);
        id
    }

    fn step(
        &mut self,
        id: TransactionId,
        fx: &mut Effects,
        turn: impl FnOnce(&mut ClientMachine, &mut Vec<Action>),
    ) -> Step {
        let Some(client) = self.entries.get_mut(&id) else {
            return Step::default();
        };
        turn(&mut client.machine, &mut self.actions);
        client.carry_out(id, &mut self.actions, fx)
    }

    pub fn response(&mut self, id: TransactionId, status: u16, fx: &mut Effects) -> Step {
        self.step(id, fx, |machine, actions| match machine {
            ClientMachine::Invite(invite) => invite.response(status, actions),
            ClientMachine::Other(other) => other.response(status, actions),
        })
    }

    pub fn timer(&mut self, id: TransactionId, timer: Timer, fx: &mut Effects) -> Step {
        self.step(id, fx, |machine, actions| match machine {
            ClientMachine::Invite(invite) if timer == Timer::Cancelled => invite.abandon(actions),
            ClientMachine::Invite(invite) => invite.timer(timer, actions),
            ClientMachine::Other(other) => other.timer(timer, actions),
        })
    }

    pub fn transport_failed(&mut self, id: TransactionId, fx: &mut Effects) -> Step {
        self.step(id, fx, |machine, actions| match machine {
            ClientMachine::Invite(invite) => invite.transport_failed(actions),
            ClientMachine::Other(other) => other.transport_failed(actions),
        })
    }

    /// The transactions that go by what was lost.
    pub fn on_path(&self, lost: &Path) -> Vec<TransactionId> {
        self.entries
            .iter()
            .filter(|(_, client)| client.path.is_lost_with(lost))
            .map(|(&id, _)| id)
            .collect()
    }

    pub fn remove(&mut self, id: TransactionId) {
        if let Some(client) = self.entries.remove(&id) {
            self.by_branch.remove(&client.key);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(ServerOther),
}

/// A server transaction, its last response, and what its user keeps with it.
#[derive(Debug)]
pub(super) struct Server<S> {
    machine: ServerMachine,
    path: Path,
    key: Box<[u8]>,
    merge: Option<Box<[u8]>>,
    response: Option<Arc<[u8]>>,
    pub context: S,
}

impl<S> Server<S> {
    pub const fn path(&self) -> Path {
        self.path
    }

    /// Whether it is an INVITE without final response: it can still be cancelled (§9.2).
    pub fn is_pending_invite(&self) -> bool {
        matches!(&self.machine, ServerMachine::Invite(invite)
            if invite.state() == server_invite::State::Proceeding)
    }

    fn carry_out(&self, id: TransactionId, actions: &mut Vec<Action>, fx: &mut Effects) -> Step {
        let owner = Owner::Server(id);
        let mut step = Step::default();
        for action in actions.drain(..) {
            match action {
                Action::Transmit => {
                    if let Some(response) = &self.response {
                        fx.transmit(self.path, response);
                    }
                }
                other => step.note(other, owner, fx),
            }
        }
        step
    }
}

/// All server transactions.
#[derive(Debug)]
pub(super) struct Servers<S> {
    entries: BTreeMap<TransactionId, Server<S>>,
    by_key: BTreeMap<Box<[u8]>, TransactionId>,
    by_merge: BTreeMap<Box<[u8]>, TransactionId>,
    last: u64,
    actions: Vec<Action>,
}

impl<S> Default for Servers<S> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_merge: BTreeMap::new(),
            last: 0,
            actions: Vec::new(),
        }
    }
}

impl<S> Servers<S> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn find(&self, key: &[u8]) -> Option<TransactionId> {
        self.by_key.get(key).copied()
    }

    /// Whether another copy of the request is being served (§8.2.2.2).
    pub fn is_merged(&self, merge: &[u8]) -> bool {
        self.by_merge.contains_key(merge)
    }

    pub fn get(&self, id: TransactionId) -> Option<&Server<S>> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: TransactionId) -> Option<&mut Server<S>> {
        self.entries.get_mut(&id)
    }

    pub fn start(
        &mut self,
        invite: bool,
        key: &[u8],
        merge: Option<&[u8]>,
        path: Path,
        context: S,
    ) -> TransactionId {
        self.last += 1;
        let id = TransactionId(self.last);
        let reliable = path.transport.is_reliable();
        let machine = if invite {
            ServerMachine::Invite(ServerInvite::start(reliable))
        } else {
            ServerMachine::Other(ServerOther::start(reliable))
        };
        self.by_key.insert(key.into(), id);
        if let Some(merge) = merge {
            self.by_merge.insert(merge.into(), id);
        }
        self.entries.insert(
            id,
            Server {
                machine,
                path,
                key: key.into(),
                merge: merge.map(Into::into),
                response: None,
                context,
            },
        );
        id
    }

    fn step(
        &mut self,
        id: TransactionId,
        fx: &mut Effects,
        turn: impl FnOnce(&mut Server<S>, &mut Vec<Action>),
    ) -> Step {
        let Some(server) = self.entries.get_mut(&id) else {
            return Step::default();
        };
        turn(server, &mut self.actions);
        let step = server.carry_out(id, &mut self.actions, fx);
        if step.over {
            self.remove(id);
        }
        step
    }

    /// The request came again. On a stream it may have come by a new connection, and the answer
    /// follows it (§18.2.2).
    pub fn retransmitted(&mut self, id: TransactionId, path: Path, fx: &mut Effects) -> Step {
        self.step(id, fx, |server, actions| {
            if path.transport.is_reliable() {
                server.path = path;
            }
            match &mut server.machine {
                ServerMachine::Invite(invite) => invite.retransmitted(actions),
                ServerMachine::Other(other) => other.retransmitted(actions),
            }
        })
    }

    pub fn acknowledged(&mut self, id: TransactionId, fx: &mut Effects) -> Step {
        self.step(id, fx, |server, actions| {
            if let ServerMachine::Invite(invite) = &mut server.machine {
                invite.acknowledged(actions);
            }
        })
    }

    /// Sends a response, which is repeated from now on where the rules say so.
    pub fn respond(
        &mut self,
        id: TransactionId,
        status: u16,
        response: Arc<[u8]>,
        fx: &mut Effects,
    ) {
        let _ = self.step(id, fx, |server, actions| {
            server.response = Some(response);
            match &mut server.machine {
                ServerMachine::Invite(invite) => invite.respond(status, actions),
                ServerMachine::Other(other) => other.respond(status, actions),
            }
        });
    }

    pub fn timer(&mut self, id: TransactionId, timer: Timer, fx: &mut Effects) -> Step {
        self.step(id, fx, |server, actions| match &mut server.machine {
            ServerMachine::Invite(invite) => invite.timer(timer, actions),
            ServerMachine::Other(other) => other.timer(timer, actions),
        })
    }

    pub fn transport_failed(&mut self, id: TransactionId, fx: &mut Effects) -> Step {
        self.step(id, fx, |server, actions| match &mut server.machine {
            ServerMachine::Invite(invite) => invite.transport_failed(actions),
            ServerMachine::Other(other) => other.transport_failed(actions),
        })
    }

    /// The transactions whose answers go by what was lost.
    pub fn on_path(&self, lost: &Path) -> Vec<TransactionId> {
        self.entries
            .iter()
            .filter(|(_, server)| server.path.is_lost_with(lost))
            .map(|(&id, _)| id)
            .collect()
    }

    fn remove(&mut self, id: TransactionId) {
        if let Some(server) = self.entries.remove(&id) {
            self.by_key.remove(&server.key);
            if let Some(merge) = server.merge {
                self.by_merge.remove(&merge);
            }
        }
    }
}
