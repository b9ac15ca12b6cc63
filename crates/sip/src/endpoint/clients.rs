//! Live client transactions with their messages: carries out what the state machines say.

use std::{collections::BTreeMap, sync::Arc};

use super::effects::{Effects, Owner, Step};
use crate::{
    path::Path,
    transaction::{
        Action, TransactionId, client_invite::ClientInvite, client_other::ClientOther, timer::Timer,
    },
};

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
        let mut both = self.by_branch.range((branch, false)..=(branch, true));
        both.next().is_some()
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
