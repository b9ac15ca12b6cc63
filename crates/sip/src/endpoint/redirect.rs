//! Redirections of our INVITEs (RFC 3261 §8.1.3.4): told, never followed.
//!
//! Whoever answers a call could otherwise have the engine dial any number at the centre's cost;
//! so the user decides, by the rules of outbound calls.

use core::cmp::Reverse;

use hotline_model::limits;

use super::{
    Endpoint,
    words::{DialogId, Event},
};
use crate::{
    message::{Contact, Message, Scheme},
    transaction::TransactionId,
};

impl Endpoint {
    /// 3xx to our INVITE.
    pub(super) fn invite_redirected(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
    ) {
        if self.is_inviting(dialog, id) {
            self.forget(dialog);
            self.fx.event(Event::Refused {
                dialog,
                status: response.status(),
                retry_after: response.retry_after(),
                contacts: preferred(response),
            });
        }
    }
}

/// The Contact URIs that can be called, by falling `q`; of equals the first comes first. At most
/// [`limits::SIP_REDIRECT_CONTACTS`].
fn preferred(response: &Message<'_>) -> Vec<String> {
    let mut contacts: Vec<_> = response
        .contacts()
        .filter_map(Contact::address)
        .filter(|contact| !matches!(contact.uri.scheme, Scheme::Other(_)))
        .filter_map(|contact| {
            let uri = core::str::from_utf8(contact.uri.raw).ok()?;
            Some((Reverse(contact.preference()), uri))
        })
        .collect();
    contacts.sort_by_key(|(preference, _)| *preference);
    contacts
        .into_iter()
        .take(limits::SIP_REDIRECT_CONTACTS)
        .map(|(_, uri)| uri.to_owned())
        .collect()
}
