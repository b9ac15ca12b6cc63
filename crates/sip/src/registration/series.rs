//! Which REGISTERs are one phone's that goes on by itself: all of one client have one Call-ID (RFC
//! 3261 §10.2), and an instance keeps its name whatever happens to its Call-ID (RFC 5626 §4.1).

use super::{
    binding::Contact,
    wish::{Wanted, wanted},
};
use crate::message::Message;

/// The REGISTERs by which a binding was made and refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    call_id: Vec<u8>,
    instance: Option<String>,
}

impl Series {
    pub(super) fn of(contact: &Contact) -> Self {
        Self {
            call_id: contact.call_id.clone(),
            instance: contact.device.as_ref().map(|it| it.instance.clone()),
        }
    }

    /// Whether the REGISTER is one more of them.
    pub fn is_continued_by(&self, request: &Message<'_>) -> bool {
        if self.call_id == request.call_id() {
            return true;
        }
        let (Some(known), Ok(Wanted::Update(wishes))) = (&self.instance, wanted(request)) else {
            return false;
        };
        let mut devices = wishes.iter().filter_map(|wish| wish.device.as_ref());
        devices.any(|device| device.instance == *known)
    }
}

/// Whether the REGISTER would bind something, and not only ask, or end what was bound.
pub fn binds(request: &Message<'_>) -> bool {
    match wanted(request) {
        Ok(Wanted::List | Wanted::RemoveAll) => false,
        Ok(Wanted::Update(wishes)) => wishes.iter().any(|wish| wish.expires > 0),
        Err(_) => true,
    }
}
