//! What the endpoint knows of one INVITE session: its dialog, and what is unfinished in it.

use core::time::Duration;
use std::sync::Arc;

use super::{
    refresh::Refresh,
    reliable::Reliable,
    transfer::Transfers,
    words::{Credentials, HangUpReason},
};
use crate::{dialog::Dialog, transaction::TransactionId};

/// How far a session has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer's INVITE waits for our final answer.
    Invited(TransactionId),
    /// Our INVITE waits for a final answer.
    Inviting(TransactionId),
    /// A 2xx was sent or came.
    Confirmed,
    /// The user hung up, but our 2xx is not acknowledged: BYE has to wait (RFC 3261 §15).
    Leaving(Option<HangUpReason>),
    /// BYE was sent. The user knows the dialog no more.
    Left,
}

impl Stage {
    /// Whether the dialog has no final answer yet.
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::Invited(_) | Self::Inviting(_))
    }
}

/// A 2xx of ours that waits for its ACK (§13.3.1.4).
#[derive(Clone, Debug)]
pub(super) struct Unacknowledged {
    pub cseq: u32,
    pub response: Arc<[u8]>,
    pub interval: Duration,
    /// It answers the INVITE that made the dialog.
    pub first: bool,
    /// It carries our offer, so that the ACK must bring an answer.
    pub late: bool,
}

/// The peer's offer in the dialog, not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theirs {
    pub transaction: TransactionId,
    pub cseq: u32,
    /// By re-INVITE, else by UPDATE.
    pub invite: bool,
    /// The peer made no offer and waits for ours.
    pub late: bool,
    /// The early dialog of our INVITE it came in; 0 where there is but one dialog.
    pub fork: ForkId,
}

/// One early dialog of our INVITE, or of several: never reused within a session's life. 0 is the
/// session's own dialog.
pub(super) type ForkId = u32;

/// Our offer in the dialog, to be sent when nothing else is under way (§14.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Ours {
    /// The re-INVITE or UPDATE under way.
    pub transaction: Option<TransactionId>,
    /// What to offer next.
    pub wanted: Option<Arc<[u8]>>,
    /// After a 491: not before the timer.
    pub waits: bool,
    /// 491s in a row.
    pub glares: u8,
    /// What waits or is under way is no new offer, but a refresh that repeats the last
    /// description (RFC 4028 §7.4): the user is told of it only what the peer describes.
    pub refreshes: bool,
}

/// One INVITE session.
#[derive(Debug)]
pub(super) struct Session {
    pub dialog: Dialog,
    pub stage: Stage,
    pub credentials: Option<Arc<Credentials>>,
    /// The number in our tag.
    pub tag: u64,
    /// The INVITE carried no offer, so that our 2xx must.
    pub late: bool,
    pub unacknowledged: Option<Unacknowledged>,
    pub theirs: Option<Theirs>,
    pub ours: Ours,
    pub transfers: Transfers,
    /// Our provisional responses to the INVITE.
    pub reliable: Reliable,
    pub refresh: Refresh,
    /// The peer takes UPDATE (RFC 3311 §4).
    pub updatable: bool,
    /// Our last description of the session that the peer has taken or may take.
    pub described: Arc<[u8]>,
    /// Its WebSocket is gone, and only the peer can open another (RFC 7118 §5).
    pub unreachable: bool,
}

impl Session {
    pub fn new(dialog: Dialog, stage: Stage, tag: u64) -> Self {
        Self {
            dialog,
            stage,
            credentials: None,
            tag,
            late: false,
            unacknowledged: None,
            theirs: None,
            ours: Ours::default(),
            transfers: Transfers::default(),
            reliable: Reliable::default(),
            refresh: Refresh::default(),
            updatable: false,
            described: Arc::default(),
            unreachable: false,
        }
    }

    /// Whether no INVITE transaction is under way in either direction (§14.1).
    pub const fn is_quiet(&self) -> bool {
        matches!(self.stage, Stage::Confirmed)
            && self.unacknowledged.is_none()
            && self.theirs.is_none()
            && self.ours.transaction.is_none()
    }

    /// Whether the user still hears of the dialog.
    pub const fn is_known(&self) -> bool {
        !matches!(self.stage, Stage::Leaving(_) | Stage::Left)
    }
}
