//! What the user may ask about a dialog that is being made.

use super::{DialogId, Endpoint, session::Stage};

impl Endpoint {
    /// Whether anything came back for our INVITE: 100 (Trying), which is no event, a challenge, or
    /// what follows. Who calls through several next hops goes to the next one where nothing does.
    pub fn is_heard(&self, dialog: DialogId) -> bool {
        match self.sessions.get(&dialog).map(|session| &session.stage) {
            Some(&Stage::Inviting(transaction)) => {
                let client = self.clients.get(transaction);
                client.is_some_and(|client| {
                    let sent = &client.context;
                    sent.provisional || !sent.blueprint.authorizations.is_empty()
                })
            }
            Some(_) => true,
            None => false,
        }
    }

    /// Whether the peer of this dialog made an offer that waits for our answer.
    pub fn is_offered(&self, dialog: DialogId) -> bool {
        let session = self.sessions.get(&dialog);
        session.is_some_and(|session| session.theirs.is_some())
    }
}
