//! Transfers (RFC 3515, RFC 3891, RFC 3892): what a peer asks of us, and what we ask of a peer.

use hotline_model::Instant;

use super::{
    Endpoint,
    words::{DialogId, ReferId},
};

impl Endpoint {
    /// Accepts a REFER ([`Event::Referred`](super::Event::Referred)): 202, and a NOTIFY that says
    /// 100 unless the peer wanted none (RFC 4488).
    pub fn accept_refer(&mut self, now: Instant, refer: ReferId) {
        let _ = (now, refer);
    }

    /// Refuses a REFER; the dialog goes on.
    pub fn refuse_refer(&mut self, now: Instant, refer: ReferId, status: u16) {
        let _ = (now, refer, status);
    }

    /// Tells the peer how far the call it asked for has come, by NOTIFY with a sipfrag. A final
    /// status (200 or more) ends the subscription.
    pub fn tell_refer(&mut self, now: Instant, refer: ReferId, status: u16) {
        let _ = (now, refer, status);
    }

    /// Asks the peer of a confirmed dialog to call `target`, in the place of `replaces` where
    /// given. [`Event::ReferProgress`](super::Event::ReferProgress) follows.
    pub fn refer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) {
        let _ = (now, dialog, target, replaces);
    }
}
