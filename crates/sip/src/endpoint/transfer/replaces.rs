//! Which of our dialogs another message names: Replaces (RFC 3891) and Target-Dialog (RFC 4538).

use crate::{
    dialog::Dialog,
    endpoint::{
        Endpoint,
        blueprint::hex_number,
        early::Early,
        session::{Session, Stage},
        words::DialogId,
    },
    message::{Message, Name, Params, unfold},
    path::Path,
};

/// A dialog by its three identifiers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    call_id: Vec<u8>,
    /// `to-tag` or `local-tag`.
    first: Vec<u8>,
    /// `from-tag` or `remote-tag`.
    second: Vec<u8>,
    early_only: bool,
}

impl Named {
    /// Reads `callid;to-tag=…;from-tag=…` with both tags once each (RFC 3891 §6.1).
    pub fn replaces(value: &[u8]) -> Option<Self> {
        Self::read(value, "to-tag", "from-tag")
    }

    /// Reads `callid;local-tag=…;remote-tag=…` (RFC 4538 §7).
    fn target(value: &[u8]) -> Option<Self> {
        Self::read(value, "local-tag", "remote-tag")
    }

    fn read(value: &[u8], first: &str, second: &str) -> Option<Self> {
        let value: Vec<u8> = unfold(value).collect();
        let end = value.iter().position(|&byte| byte == b';')?;
        let (call_id, params) = value.split_at(end);
        let call_id = call_id.trim_ascii();
        let broken = call_id
            .iter()
            .any(|byte| byte.is_ascii_whitespace() || *byte == b',');
        if call_id.is_empty() || broken {
            return None;
        }
        let params = Params::parse(params)?;
        let only = |name: &str| {
            let mut same = params
                .iter()
                .filter(|param| param.name.eq_ignore_ascii_case(name.as_bytes()));
            let (one, further) = (same.next()?, same.next());
            (further.is_none() && !one.value().is_empty()).then(|| one.value().to_vec())
        };
        Some(Self {
            call_id: call_id.to_vec(),
            first: only(first)?,
            second: only(second)?,
            early_only: params.has("early-only"),
        })
    }
}

/// The Replaces that makes its reader put a call in the place of `dialog` (RFC 3891 §4): as the
/// dialog's peer sees it, so the peer's tag stands in `to-tag`. A peer without a tag has `0`.
pub(super) fn written(dialog: &Dialog) -> Vec<u8> {
    let mut value = dialog.call_id().to_vec();
    value.extend_from_slice(b";to-tag=");
    value.extend_from_slice(dialog.remote_tag().unwrap_or(b"0"));
    value.extend_from_slice(b";from-tag=");
    value.extend_from_slice(dialog.local_tag());
    value
}

impl Endpoint {
    fn dialog_of(&self, call_id: &[u8], ours: &[u8], theirs: &[u8]) -> Option<DialogId> {
        let id = *self.by_tag.get(&hex_number(ours)?)?;
        let session = self.sessions.get(&id)?;
        let mut early = self.early_dialogs(session).map(|early| &early.dialog);
        let named = session.dialog.is_named(call_id, ours, theirs)
            || early.any(|dialog| dialog.is_named(call_id, ours, theirs));
        named.then_some(id)
    }

    /// The early dialogs of an INVITE of ours, one a fork.
    fn early_dialogs(&self, session: &Session) -> impl Iterator<Item = &Early> {
        let client = match session.stage {
            Stage::Inviting(id) => self.clients.get(id),
            _ => None,
        };
        client.into_iter().flat_map(|client| &client.context.early)
    }

    /// The dialog of ours, of any state, with either tag as ours.
    ///
    /// A Replaces inside a Refer-To is written for the party that the new call goes to (RFC 3891
    /// §4), for whom `to-tag` is its own. That party, as the phone sees it, is us: all its calls
    /// end here. So our tag should stand in `to-tag`; but phones are met that write the tags as
    /// they stand in their own call, and for a call that we made the roles of From and To are
    /// turned once more. Our tag is 64 random bits: that it stands in the other place by chance
    /// does not happen, and names no other dialog.
    fn dialog_named(&self, named: &Named) -> Option<DialogId> {
        let Named {
            call_id,
            first,
            second,
            ..
        } = named;
        self.dialog_of(call_id, first, second)
            .or_else(|| self.dialog_of(call_id, second, first))
    }

    /// The confirmed dialog that a Refer-To's Replaces names, other than the one it came in.
    pub(super) fn dialog_to_replace(&self, named: &Named, other: DialogId) -> Option<DialogId> {
        let id = self.dialog_named(named).filter(|&id| id != other)?;
        (self.sessions.get(&id)?.stage == Stage::Confirmed).then_some(id)
    }

    /// The confirmed dialog that a Target-Dialog names, if the request comes from the address of
    /// that dialog's peer (RFC 4538 §6: who knows the identifiers takes part in the dialog, or
    /// has read it; an address of the same host makes the first the case).
    pub(super) fn target_dialog(&self, request: &Message<'_>, path: Path) -> Option<DialogId> {
        let named = Named::target(request.header_by_text("Target-Dialog")?)?;
        let id = self.dialog_named(&named)?;
        let Session { dialog, stage, .. } = self.sessions.get(&id)?.as_ref();
        let same = dialog.path().remote.ip().to_canonical() == path.remote.ip().to_canonical();
        (same && *stage == Stage::Confirmed).then_some(id)
    }

    /// The dialog whose place an INVITE is to take (RFC 3891 §3). Whether its sender may do that
    /// is for the user to decide.
    ///
    /// # Errors
    /// The status to answer: 400 for more than one Replaces or a broken one, 486 where only an
    /// early dialog was meant, 603 for a dialog that is ending, 481 for none of ours, and for an
    /// early dialog that the peer began.
    pub(in crate::endpoint) fn replaced(
        &self,
        invite: &Message<'_>,
    ) -> Result<Option<DialogId>, u16> {
        let mut values = invite.headers(Name::Replaces);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() || invite.has(Name::Join) {
            return Err(400);
        }
        let named = Named::replaces(value).ok_or(400_u16)?;
        let id = self
            .dialog_of(&named.call_id, &named.first, &named.second)
            .ok_or(481_u16)?;
        match self.sessions.get(&id).map(|session| &session.stage) {
            Some(Stage::Confirmed) if named.early_only => Err(486),
            // A phone of ours that rings: whoever takes its place picks the call up.
            Some(Stage::Confirmed | Stage::Inviting(_)) => Ok(Some(id)),
            Some(Stage::Leaving(_) | Stage::Left) => Err(603),
            Some(Stage::Invited(_)) | None => Err(481),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaces_has_a_call_id_and_both_tags_once() {
        let named = Named::replaces(b"98732@h ;from-tag=r33;to-tag=ff87;early-only").unwrap();
        assert_eq!(named.call_id, b"98732@h");
        assert_eq!(
            (&named.first[..], &named.second[..]),
            (&b"ff87"[..], &b"r33"[..])
        );
        assert!(named.early_only);
        for broken in [
            "",
            "c",
            ";to-tag=1;from-tag=2",
            "c;to-tag=1",
            "c;to-tag=;from-tag=2",
            "c;to-tag=1;from-tag=2;to-tag=3",
            "c;to-tag=1;from-tag=2, d;to-tag=1;from-tag=2",
            "c, d;to-tag=1;from-tag=2",
        ] {
            assert_eq!(Named::replaces(broken.as_bytes()), None, "{broken}");
        }
        assert!(Named::target(b"c;local-tag=1;remote-tag=2").is_some());
    }
}
