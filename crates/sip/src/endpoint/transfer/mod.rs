//! Transfers (RFC 3515, RFC 3891, RFC 3892): what a peer asks of us, and what we ask of a peer.
//!
//! | file | holds |
//! | --- | --- |
//! | `referred` | a REFER that came: our answer and our NOTIFYs (RFC 3515 §2.4, RFC 4488) |
//! | `referring` | a REFER of ours: its answer and the peer's NOTIFYs |
//! | `replaces` | which dialog a Replaces or a Target-Dialog names (RFC 3891, RFC 4538) |
//! | `refer_to` | Refer-To, read and written |
//!
//! The subscription a REFER makes (RFC 6665) lives inside the call's dialog here and dies with it:
//! a phone that transferred its caller hangs up and wants no more news (RFC 5057 §4.1 would let
//! the subscription outlive the call). It is neither refreshed nor ended by SUBSCRIBE.

mod refer_to;
mod referred;
mod referring;
mod replaces;

use std::collections::BTreeMap;

use hotline_model::limits;

use super::{
    Endpoint,
    effects::Owner,
    words::{DialogId, ReferId},
};
use crate::{
    dialog::Dialog,
    message::{Message, Method, Name},
    transaction::TransactionId,
};
use referred::Referred;
use referring::Referring;

/// The body of a NOTIFY about a REFER (RFC 3515 §2.4.5).
const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// Whether Replaces stands where it must not (RFC 3891 §3): in a request that is no INVITE.
pub(super) fn is_misplaced(request: &Message<'_>) -> bool {
    request.method() != Method::Invite && request.has(Name::Replaces)
}

/// The dialogs of all REFERs that are under way, either direction.
#[derive(Debug, Default)]
pub(super) struct Refers {
    dialogs: BTreeMap<ReferId, DialogId>,
    last: u64,
}

impl Refers {
    fn begin(&mut self, dialog: DialogId) -> ReferId {
        self.last += 1;
        let id = ReferId(self.last);
        self.dialogs.insert(id, dialog);
        id
    }
}

/// The REFERs under way in one dialog.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// The peer's.
    theirs: Vec<Referred>,
    /// Ours.
    ours: Vec<Referring>,
    /// One of the peer's was accepted before, so that a further one's NOTIFYs have to say which
    /// they are about (RFC 3515 §2.4.6).
    accepted: bool,
}

impl Transfers {
    const fn is_full(&self) -> bool {
        self.theirs.len() + self.ours.len() >= limits::SIP_REFERS_PER_DIALOG
    }
}

impl Endpoint {
    fn referred(&mut self, refer: ReferId) -> Option<&mut Referred> {
        let dialog = self.refers.dialogs.get(&refer)?;
        let transfers = &mut self.sessions.get_mut(dialog)?.transfers;
        transfers.theirs.iter_mut().find(|it| it.id == refer)
    }

    /// Forgets one REFER and its subscription.
    pub(super) fn refer_gone(&mut self, refer: ReferId) {
        self.fx.stop_all(Owner::Refer(refer));
        let dialog = self.refers.dialogs.remove(&refer);
        if let Some(session) = dialog.and_then(|dialog| self.sessions.get_mut(&dialog)) {
            session.transfers.theirs.retain(|it| it.id != refer);
            session.transfers.ours.retain(|it| it.id != refer);
        }
    }

    /// The dialog ends, and its transfers with it. A REFER that waits for an answer gets 487, as
    /// pending requests have to be answered (RFC 3261 §15.1.2).
    pub(super) fn forget_transfers(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let transfers = core::mem::take(&mut session.transfers);
        for refer in transfers.ours {
            self.refer_gone(refer.id);
        }
        for refer in transfers.theirs {
            self.refer_gone(refer.id);
            if let Some(transaction) = refer.waits {
                self.reply_kept(transaction, 487, &[], b"");
            }
        }
    }

    /// A subscription's time is over, or a REFER's first NOTIFY did not come.
    pub(super) fn subscription_over(&mut self, refer: ReferId) {
        if self.referred(refer).is_some() {
            self.subscriber_timed_out(refer);
        } else {
            self.refer_failed(refer, 408);
        }
    }

    /// The sequence number for a REFER or NOTIFY that has to be sent again as a new request.
    pub(super) fn refer_sequence(&mut self, dialog: DialogId, refer: ReferId) -> Option<u32> {
        let session = self.sessions.get_mut(&dialog)?;
        let mut theirs = session.transfers.theirs.iter_mut();
        if let Some(own) = theirs
            .find(|it| it.id == refer)
            .and_then(|it| it.own.as_mut())
        {
            return Some(Dialog::next_sequence(own));
        }
        let number = session.dialog.next_sequence();
        let mut ours = session.transfers.ours.iter_mut();
        if let Some(referring) = ours.find(|it| it.id == refer) {
            // The NOTIFYs name the REFER by its number (RFC 3515 §2.4.6).
            referring.cseq = number;
        }
        Some(number)
    }

    /// A REFER went unanswered by the user, or its answer cannot be sent any more.
    pub(super) fn refer_unanswered(&mut self, refer: ReferId) {
        if self.referred(refer).is_some_and(|it| it.waits.is_some()) {
            self.refer_gone(refer);
        }
    }
}

/// A transaction whose request waits for the user's word.
type Waiting = Option<TransactionId>;
