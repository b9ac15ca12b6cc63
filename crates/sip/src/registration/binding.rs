//! One binding of a seat, and what is told of it.

use core::net::IpAddr;

use hotline_model::{Instant, SeatId};

use super::wish::{Device, Wish};
use crate::{
    message::{Message, Uri},
    path::Path,
};

/// One binding of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The contact's URI: the Request-URI of calls to it.
    pub uri: String,
    /// The way its phone was last heard by, and is called by.
    pub path: Path,
    /// When it ends.
    pub expires: Instant,
    /// Preference in thousandths, 1,000 at most (`q`, §20.10).
    pub preference: u16,
    /// When it was made or refreshed.
    pub refreshed: Instant,
    /// What the phone calls itself (`User-Agent`, §20.41), for people and for choosing how it is
    /// made to answer by itself; at most `USER_AGENT_BYTES`, without controls; empty where it
    /// says nothing.
    pub user_agent: String,
    pub(super) device: Option<Device>,
    pub(super) call_id: Vec<u8>,
    pub(super) cseq: u32,
    pub(super) number: u64,
    /// Pings lost in a row.
    pub(super) unanswered: u8,
}

impl Contact {
    /// The address it was made from.
    pub(super) fn from(&self) -> IpAddr {
        self.path.remote.ip().to_canonical()
    }

    /// Whether the binding was made by a later REGISTER of the same series (§10.3 step 7).
    pub(super) fn is_newer(&self, request: &Message<'_>) -> bool {
        self.call_id == request.call_id() && self.cseq >= request.cseq().0
    }

    /// Whether `wish` is about this binding: its URI (§10.3 step 7), or its phone's connection of
    /// the same number (RFC 5626 §6), whatever URI that has now.
    pub(super) fn is_meant_by(&self, wish: &Wish) -> bool {
        let same_device = wish.device.is_some() && self.device == wish.device;
        same_device || same(&self.uri, &wish.uri)
    }

    /// The value of a Contact header in a 200 (§10.3 step 8).
    pub(super) fn listed(&self, now: Instant) -> String {
        let seconds = self.expires.since(now).as_secs();
        let mut value = format!("<{}>;expires={seconds}", self.uri);
        if self.preference < 1_000 {
            value.push_str(&format!(";q=0.{:03}", self.preference));
        }
        if let Some(Device { instance, flow }) = &self.device {
            value.push_str(&format!(";+sip.instance=\"{instance}\";reg-id={flow}"));
        }
        value
    }
}

/// Whether two contacts are one (§19.1.4).
fn same(a: &str, b: &str) -> bool {
    match (Uri::parse(a.as_bytes()), Uri::parse(b.as_bytes())) {
        (Some(a), Some(b)) => a.equals(&b),
        _ => a == b,
    }
}

/// A seat's phone came, moved, or went away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<Whose = SeatId> {
    /// The seat.
    pub seat: Whose,
    /// Whether any binding is left.
    pub registered: bool,
    /// Where the phone is now; `URI displaced by URI` where one binding too many pushed another
    /// out; or why it is gone: `unregistered`, `expired`, `connection lost`, `not answering`.
    pub detail: String,
}

/// What to answer a REGISTER: hand it to `Endpoint::respond`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterAnswer {
    /// 200, 400, 403, 423 or 500.
    pub status: u16,
    /// Headers by name and value.
    pub headers: Vec<(&'static str, String)>,
}

impl RegisterAnswer {
    pub(super) const fn plain(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }
}
