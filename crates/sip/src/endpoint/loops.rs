//! Calls that come back to who forwarded them (RFC 3261 §8.1.1.6, §16.3).
//!
//! An engine that forwards a call is no proxy: it makes a call of its own, and nothing of the
//! first stands in it. Two rules keep such calls from chasing each other:
//!
//! - A call that is forwarded carries the caller's Max-Forwards less one
//!   ([`super::Invitation::max_forwards`]), and an INVITE that has none left is refused 483
//!   (RFC 7332 §4). That ends any loop, also one through other engines. Other requests end here,
//!   and who is meant does not count hops (§11 has OPTIONS answered at zero).
//! - An INVITE that names, among its Vias, our address with a branch of a transaction of ours
//!   that is still alive has come from here, straight or through proxies: 482 at once. Branches
//!   are 64 random bits, so that nobody can make another's call fail.

use super::{Endpoint, blueprint::branch_number};
use crate::message::{Message, Via};

impl Endpoint {
    /// Why an INVITE for a new dialog has gone far enough.
    pub(super) fn loop_refusal(&self, invite: &Message<'_>) -> Option<u16> {
        if invite.max_forwards() == Some(0) {
            return Some(483);
        }
        let mut vias = invite.vias().filter_map(Via::parse);
        vias.any(|via| self.sent(&via)).then_some(482)
    }

    /// Whether we wrote this Via, for a request that is under way.
    fn sent(&self, via: &Via<'_>) -> bool {
        let branch = via.branch().and_then(branch_number);
        let client = branch
            .and_then(|branch| self.clients.find(branch, false))
            .and_then(|id| self.clients.get(id));
        client.is_some_and(|client| {
            let local = client.path().local;
            let same = via.host.ip().map(|ip| ip.to_canonical()) == Some(local.ip().to_canonical());
            same && via.port.unwrap_or(5060) == local.port()
        })
    }
}
