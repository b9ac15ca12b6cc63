//! REFERs of ours: what is asked, and the NOTIFYs that tell what became of it (RFC 3515 §2.4).

use core::time::Duration;

use hotline_model::{Instant, limits};

use super::{SIPFRAG, refer_to, replaces};
use crate::{
    endpoint::{
        Endpoint,
        blueprint::{Blueprint, contact},
        client::{About, Sent},
        effects::Owner,
        session::Stage,
        words::{DialogId, EndedBy, Event, ReferId},
    },
    message::{MediaType, Message, Method, Name, Params},
    path::Path,
    transaction::timer::{GIVE_UP, Timer},
};

/// A REFER of ours, from its sending to the end of its subscription.
#[derive(Debug)]
pub(in crate::endpoint) struct Referring {
    pub id: ReferId,
    /// Its sequence number, which its NOTIFYs may name (§2.4.6).
    pub cseq: u32,
}

/// What a NOTIFY says of the REFER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Notice {
    /// The status in the sipfrag.
    status: Option<u16>,
    /// How long the subscription lasts, seconds; `None`: it is over.
    lasts: Option<u64>,
    /// What to report where the subscription ended without a final status.
    otherwise: u16,
}

impl Endpoint {
    /// Asks the peer of a confirmed dialog to call `target` (a URI; headers in it are left out),
    /// in the place of `replaces` where given: then `target` should be that dialog's peer.
    ///
    /// [`Event::ReferProgress`] follows, the last with a final status: the peer's refusal, or what
    /// it tells of its call; 202 where it accepts and will tell nothing; 408 where it falls
    /// silent; 480 where it ends the telling without a result; 400 for a `target` that is no SIP
    /// or tel URI; 481 where `replaces` is not confirmed; 503 for more than
    /// [`limits::SIP_REFERS_PER_DIALOG`].
    pub fn refer(
        &mut self,
        now: Instant,
        dialog: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) {
        self.fx.now = now;
        match self.refer_wanted(dialog, target, replaces) {
            Ok(Some(refer_to)) => self.send_refer(dialog, refer_to),
            Ok(None) => {}
            Err(status) => self.fx.event(Event::ReferProgress { dialog, status }),
        }
    }

    /// The Refer-To to send; nothing where the dialog is not there to be asked.
    fn refer_wanted(
        &self,
        dialog: DialogId,
        target: &str,
        replaces: Option<DialogId>,
    ) -> Result<Option<String>, u16> {
        let confirmed = |id: DialogId| {
            let session = self.sessions.get(&id);
            session.filter(|session| session.stage == Stage::Confirmed)
        };
        let Some(session) = confirmed(dialog) else {
            return Ok(None);
        };
        if session.transfers.is_full() {
            return Err(503);
        }
        let replaces = match replaces {
            Some(other) => Some(replaces::written(&confirmed(other).ok_or(481_u16)?.dialog)),
            None => None,
        };
        let refer_to = refer_to::written(target, replaces.as_deref()).ok_or(400_u16)?;
        Ok(Some(refer_to))
    }

    fn send_refer(&mut self, dialog: DialogId, refer_to: String) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let id = self.refers.begin(dialog);
        let cseq = session.dialog.next_sequence();
        session.transfers.ours.push(Referring { id, cseq });
        let mut blueprint = Blueprint::in_dialog(&session.dialog, Method::Refer, cseq);
        let (path, credentials) = (session.dialog.path(), session.credentials.clone());
        let referred_by = contact(&path, &self.settings);
        blueprint.headers = vec![
            ("Refer-To".to_owned(), refer_to),
            ("Referred-By".to_owned(), referred_by),
        ];
        let about = About::Refer(dialog, id);
        self.send(Sent::new(about, blueprint, credentials), path);
    }

    fn is_referring(&self, dialog: DialogId, refer: ReferId) -> bool {
        self.sessions
            .get(&dialog)
            .is_some_and(|session| session.transfers.ours.iter().any(|it| it.id == refer))
    }

    /// A final response to our REFER.
    pub(in crate::endpoint) fn refer_answered(
        &mut self,
        dialog: DialogId,
        refer: ReferId,
        response: &Message<'_>,
    ) {
        if !self.is_referring(dialog, refer) {
            return;
        }
        match response.status() {
            ..=299 if tells_nothing(response) => self.refer_failed(refer, 202),
            ..=299 => {
                // RFC 6665 §4.1.2.4, timer N: a subscription begins with a NOTIFY, or not at all.
                self.fx
                    .set(Owner::Refer(refer), Timer::Subscription, GIVE_UP);
            }
            481 => {
                // RFC 3261 §12.2.1.2: the peer knows the dialog no more.
                self.refer_failed(refer, 481);
                self.lost(dialog, EndedBy::Timeout);
            }
            status => self.refer_failed(refer, status),
        }
    }

    /// Our REFER has its last word.
    pub(in crate::endpoint) fn refer_failed(&mut self, refer: ReferId, status: u16) {
        let Some(&dialog) = self.refers.dialogs.get(&refer) else {
            return;
        };
        let known = self.is_referring(dialog, refer)
            && self
                .sessions
                .get(&dialog)
                .is_some_and(|session| session.is_known());
        self.refer_gone(refer);
        if known {
            self.fx.event(Event::ReferProgress { dialog, status });
        }
    }

    /// A NOTIFY in a dialog.
    pub(in crate::endpoint) fn notify_came(
        &mut self,
        dialog: DialogId,
        request: &Message<'_>,
        path: Path,
    ) {
        let package = request.header(Name::Event).and_then(EventOf::read);
        let Some(event) = package.filter(|event| event.package.eq_ignore_ascii_case(b"refer"))
        else {
            // RFC 6665 §4.1.3, §8.2.1.
            let known = ("Allow-Events", "refer".to_owned());
            return self.finish(request, path, 489, &[known]);
        };
        let Some(refer) = self.subscription(dialog, &event) else {
            return self.finish(request, path, 481, &[]);
        };
        match Notice::read(request) {
            Ok(notice) => {
                self.finish(request, path, 200, &[]);
                self.noticed(dialog, refer, notice);
            }
            Err(415) => {
                let taken = ("Accept", SIPFRAG.to_owned());
                self.finish(request, path, 415, &[taken]);
            }
            Err(status) => self.finish(request, path, status, &[]),
        }
    }

    /// The REFER of ours that a NOTIFY is about: by its number, else the oldest (§2.4.6).
    fn subscription(&self, dialog: DialogId, event: &EventOf<'_>) -> Option<ReferId> {
        let ours = &self.sessions.get(&dialog)?.transfers.ours;
        let found = match event.id {
            Some(id) => {
                let number: u32 = core::str::from_utf8(id).ok()?.parse().ok()?;
                ours.iter().find(|it| it.cseq == number)
            }
            None => ours.first(),
        };
        found.map(|it| it.id)
    }

    fn noticed(&mut self, dialog: DialogId, refer: ReferId, notice: Notice) {
        match (notice.status, notice.lasts) {
            (Some(status @ 200..), _) => self.refer_failed(refer, status),
            (_, None) => self.refer_failed(refer, notice.otherwise),
            (status, Some(lasts)) => {
                let least = GIVE_UP.as_secs();
                let lasts = lasts.clamp(least, limits::SIP_REFER_S);
                let owner = Owner::Refer(refer);
                self.fx
                    .set(owner, Timer::Subscription, Duration::from_secs(lasts));
                let known = self
                    .sessions
                    .get(&dialog)
                    .is_some_and(|session| session.is_known());
                if let Some(status) = status
                    && known
                {
                    self.fx.event(Event::ReferProgress { dialog, status });
                }
            }
        }
    }
}

/// An Event header (RFC 6665 §8.2.1).
struct EventOf<'a> {
    package: &'a [u8],
    id: Option<&'a [u8]>,
}

impl<'a> EventOf<'a> {
    fn read(value: &'a [u8]) -> Option<Self> {
        let (package, params) = word(value);
        let id = Params::parse(params)?.get("id");
        Some(Self { package, id })
    }
}

impl Notice {
    /// # Errors
    /// 400 without a Subscription-State that can be read (RFC 6665 §4.1.3), or with a body that
    /// is no status line; 415 for another kind of body.
    fn read(notify: &Message<'_>) -> Result<Self, u16> {
        let value = notify.header(Name::SubscriptionState).ok_or(400_u16)?;
        let (state, params) = word(value);
        let params = Params::parse(params).ok_or(400_u16)?;
        let lasts = if state.eq_ignore_ascii_case(b"terminated") {
            None
        } else {
            let expires = params.get("expires").and_then(number);
            Some(expires.unwrap_or(limits::SIP_REFER_S))
        };
        let otherwise = match params.get("reason") {
            Some(reason) if reason.eq_ignore_ascii_case(b"timeout") => 408,
            Some(reason) if reason.eq_ignore_ascii_case(b"rejected") => 603,
            _ => 480,
        };
        let status = match notify.body() {
            [] => None,
            _ if !is_sipfrag(notify.content_type()) => return Err(415),
            body => Some(fragment_status(body).ok_or(400_u16)?),
        };
        Ok(Self {
            status,
            lasts,
            otherwise,
        })
    }
}

/// What stands before the first semicolon, and the rest with it.
fn word(value: &[u8]) -> (&[u8], &[u8]) {
    let at = value.iter().position(|&byte| byte == b';');
    let (word, params) = value.split_at(at.unwrap_or(value.len()));
    (word.trim_ascii(), params)
}

fn number(digits: &[u8]) -> Option<u64> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn is_sipfrag(kind: Option<MediaType<'_>>) -> bool {
    kind.is_some_and(|kind| kind.is("message/sipfrag"))
}

/// The status in the first line of a sipfrag (RFC 3420 §2).
fn fragment_status(body: &[u8]) -> Option<u16> {
    let line = body.trim_ascii_start();
    let (version, rest) = line.split_at_checked("SIP/2.0 ".len())?;
    let (digits, behind) = rest.split_at_checked(3)?;
    let ends = matches!(behind, [] | [b' ' | b'\r' | b'\n', ..]);
    let status = u16::try_from(number(digits)?).ok()?;
    (version.eq_ignore_ascii_case(b"SIP/2.0 ") && ends && (100..700).contains(&status))
        .then_some(status)
}

/// Whether the peer accepts without a subscription (RFC 4488 §4).
fn tells_nothing(response: &Message<'_>) -> bool {
    response
        .header_by_text("Refer-Sub")
        .is_some_and(|value| word(value).0.eq_ignore_ascii_case(b"false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_begins_with_a_status_line() {
        assert_eq!(fragment_status(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        assert_eq!(fragment_status(b"\r\nSIP/2.0 200\r\nTo: x\r\n"), Some(200));
        for broken in [
            "",
            "SIP/2.0 ",
            "SIP/2.0 20",
            "SIP/2.0 2000 x",
            "SIP/2.0 +20 x",
            "SIP/2.0 099 x",
            "SIP/3.0 200 OK",
            "BYE sip:h SIP/2.0",
        ] {
            assert_eq!(fragment_status(broken.as_bytes()), None, "{broken}");
        }
    }
}
