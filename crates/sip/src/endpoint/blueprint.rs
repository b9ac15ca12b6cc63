//! What a request of ours says, kept so that it can be said again: with credentials, as its
//! CANCEL, or as its ACK.

use std::{fmt::Write as _, sync::Arc};

use super::{
    ALLOW, SUPPORTED,
    clients::Branch,
    words::{EndpointSettings, HangUpReason},
};
use crate::{
    dialog::{Asked, Dialog},
    message::{Method, Name},
    path::Path,
    print::Draft,
};

/// Hops our requests may take (RFC 3261 §8.1.1.6).
pub(super) const MAX_FORWARDS: u32 = 70;

/// A request of ours without what each sending adds: Via and the path it takes.
#[derive(Clone, Debug)]
pub(super) struct Blueprint {
    pub method: Box<[u8]>,
    pub target: Vec<u8>,
    pub routes: Vec<Vec<u8>>,
    /// From value, with tag.
    pub from: Vec<u8>,
    /// The tag in it.
    pub tag: String,
    pub to: Vec<u8>,
    pub call_id: Vec<u8>,
    pub cseq: u32,
    /// Hops it may take.
    pub max_forwards: u32,
    pub headers: Vec<(String, String)>,
    /// Authorization and Proxy-Authorization, once a peer has challenged.
    pub authorizations: Vec<(Name, String)>,
    pub body: Arc<[u8]>,
}

impl Blueprint {
    /// A request in a dialog (§12.2.1.1).
    pub fn in_dialog(dialog: &Dialog, method: Method<'_>, cseq: u32) -> Self {
        let addressing = dialog.addressing();
        Self {
            method: method.as_bytes().into(),
            target: addressing.target,
            routes: addressing.routes,
            from: dialog.local().to_vec(),
            tag: String::from_utf8_lossy(dialog.local_tag()).into_owned(),
            to: dialog.remote().to_vec(),
            call_id: dialog.call_id().to_vec(),
            cseq,
            max_forwards: MAX_FORWARDS,
            headers: Vec::new(),
            authorizations: Vec::new(),
            body: Arc::default(),
        }
    }

    pub fn method(&self) -> Method<'_> {
        Method::of(&self.method)
    }

    /// What this INVITE says of the dialog it asks for.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            call_id: &self.call_id,
            local: &self.from,
            local_tag: self.tag.as_bytes(),
            remote: &self.to,
            target: &self.target,
            sequence: self.cseq,
        }
    }

    /// The message, to be sent by `path` under `branch`.
    pub fn print(&self, path: &Path, branch: Branch, settings: &EndpointSettings) -> Vec<u8> {
        let method = self.method();
        let mut draft = self
            .start(method, &self.to, path, branch)
            .header(Name::UserAgent, &settings.product);
        if matches!(method, Method::Invite | Method::Update) {
            // Both make or refresh a target (§12.1, §12.2).
            draft = draft
                .header(Name::Contact, contact(path, settings))
                .header(Name::Allow, ALLOW)
                .header(Name::Supported, SUPPORTED);
        }
        if matches!(method, Method::Refer | Method::Notify) {
            // RFC 3515 §2.2 and RFC 6665 §8.2: they make a subscription, or refresh its target.
            draft = draft.header(Name::Contact, contact(path, settings));
        }
        for (name, value) in &self.headers {
            draft = draft.named(name, value);
        }
        for (name, value) in &self.authorizations {
            draft = draft.header(*name, value);
        }
        let typed = self
            .headers
            .iter()
            .any(|(name, _)| Name::of(name.as_bytes()) == Name::ContentType);
        if !self.body.is_empty() && !typed {
            draft = draft.header(Name::ContentType, "application/sdp");
        }
        draft.finish(&self.body)
    }

    /// The CANCEL of this INVITE (§9.1). It goes by the INVITE's path and branch.
    pub fn cancel(&self, reason: Option<&HangUpReason>) -> Self {
        Self {
            method: Method::Cancel.as_bytes().into(),
            headers: reason
                .map(|reason| ("Reason".to_owned(), reason.to_string()))
                .into_iter()
                .collect(),
            authorizations: Vec::new(),
            body: Arc::default(),
            ..self.clone()
        }
    }

    /// The ACK of a 300–699 to this INVITE, whose To it takes over (§17.1.1.3).
    pub fn print_ack(&self, path: &Path, branch: Branch, to: &[u8]) -> Vec<u8> {
        self.start(Method::Ack, to, path, branch).finish(b"")
    }

    fn start(&self, method: Method<'_>, to: &[u8], path: &Path, branch: Branch) -> Draft {
        let mut cseq = self.cseq.to_string().into_bytes();
        cseq.push(b' ');
        cseq.extend_from_slice(method.as_bytes());
        let mut draft = Draft::request(method, &self.target)
            .header(Name::Via, via(path, branch))
            .number(Name::MaxForwards, self.max_forwards);
        for route in &self.routes {
            draft = draft.header(Name::Route, route);
        }
        draft
            .header(Name::From, &self.from)
            .header(Name::To, to)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, cseq)
    }
}

/// The Via of a request of ours; `rport` asks for the port it came from (RFC 3581 §3).
fn via(path: &Path, branch: Branch) -> String {
    let mut via = format!("SIP/2.0/{} {}", path.transport.via_name(), path.local);
    // Writing to a String cannot fail.
    let _ = write!(via, ";rport;branch=z9hG4bK{branch:016x}");
    via
}

/// The number in a branch of ours, if it is one.
pub(super) fn branch_number(branch: &[u8]) -> Option<Branch> {
    hex_number(branch.strip_prefix(b"z9hG4bK")?)
}

/// Sixteen lower-case hexadecimal digits, as our tags and branches have.
pub(super) fn hex_number(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// Our Contact on this path (§8.1.1.8).
pub(super) fn contact(path: &Path, settings: &EndpointSettings) -> String {
    let EndpointSettings { contact_user, .. } = settings;
    let (local, transport) = (path.local, path.transport.uri_name());
    if path.transport.is_reliable() {
        format!("<sip:{contact_user}@{local};transport={transport}>")
    } else {
        format!("<sip:{contact_user}@{local}>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_of_ours_are_numbers() {
        assert_eq!(branch_number(b"z9hG4bK00000000000000ff"), Some(255));
        assert_eq!(branch_number(b"z9hG4bK00000000000000fF"), None);
        assert_eq!(branch_number(b"z9hG4bKff"), None);
        assert_eq!(branch_number(b"00000000000000ff"), None);
        assert_eq!(hex_number(b"ffffffffffffffff"), Some(u64::MAX));
    }
}
