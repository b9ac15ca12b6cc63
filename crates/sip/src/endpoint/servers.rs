//! Live server transactions with their last answers: carries out what the state machines say.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    effects::{Effects, Owner, Step},
    lookup::Lookup,
};
use crate::{
    path::Path,
    transaction::{
        Action, TransactionId,
        server_invite::{self, ServerInvite},
        server_other::ServerOther,
        timer::Timer,
    },
};

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
    key: Arc<[u8]>,
    merge: Option<Arc<[u8]>>,
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
    by_key: Lookup,
    by_merge: Lookup,
    last: u64,
    actions: Vec<Action>,
}

impl<S> Servers<S> {
    /// None yet. `secret`: see [`Lookup::new`].
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            entries: BTreeMap::new(),
            by_key: Lookup::new(secret),
            by_merge: Lookup::new(secret),
            last: 0,
            actions: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn find(&self, key: &[u8]) -> Option<TransactionId> {
        self.by_key.get(key)
    }

    /// Whether another copy of the request is being served (§8.2.2.2).
    pub fn is_merged(&self, merge: &[u8]) -> bool {
        self.by_merge.get(merge).is_some()
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
        let key: Arc<[u8]> = key.into();
        let merge: Option<Arc<[u8]>> = merge.map(Into::into);
        self.by_key.insert(Arc::clone(&key), id);
        if let Some(merge) = &merge {
            self.by_merge.insert(Arc::clone(merge), id);
        }
        self.entries.insert(
            id,
            Server {
                machine,
                path,
                key,
                merge,
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

    /// Ends a transaction before its time.
    pub fn forget(&mut self, id: TransactionId, fx: &mut Effects) {
        fx.stop_all(Owner::Server(id));
        self.remove(id);
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
