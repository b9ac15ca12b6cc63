//! REFERs that come: their answers, and the NOTIFYs that follow (RFC 3515 §2.4, RFC 4488).

use core::time::Duration;

use hotline_model::{Instant, limits};

use super::{SIPFRAG, Waiting, refer_to::ReferTo, replaces::Named};
use crate::{
    dialog::Dialog,
    endpoint::{
        Endpoint,
        blueprint::{Blueprint, contact},
        client::{About, Sent},
        effects::Owner,
        reply::Purpose,
        session::Stage,
        words::{DialogId, Event, ReferId, Transfer},
    },
    message::{Message, Method, Name, text},
    path::Path,
    print::reason_phrase,
    transaction::timer::Timer,
};

/// A REFER of the peer, from its arrival to the end of its subscription.
#[derive(Debug)]
pub(in crate::endpoint) struct Referred {
    pub id: ReferId,
    /// The REFER's transaction, until we answer.
    pub waits: Waiting,
    /// Its sequence number.
    cseq: u32,
    /// The NOTIFYs have to name it.
    named: bool,
    /// The peer wants no NOTIFY (RFC 4488 §4).
    silent: bool,
    /// The dialog its NOTIFYs go in, where it came outside the call's own (RFC 4538).
    pub own: Option<Dialog>,
    /// The end of the subscription.
    until: Instant,
    news: News,
}

/// What the subscriber has yet to hear. One NOTIFY at a time: a datagram may overtake another,
/// and the last word would be refused as out of order.
#[derive(Debug, Default)]
struct News {
    /// A NOTIFY waits for its answer.
    under_way: bool,
    /// The status to tell next. A newer one takes its place.
    next: Option<u16>,
    /// Last status told or to be told.
    last: u16,
    /// The reason that ends the subscription (RFC 6665 §4.1.3).
    over: Option<&'static str>,
}

impl Endpoint {
    /// A REFER in a dialog.
    pub(in crate::endpoint) fn refer_came(
        &mut self,
        dialog: DialogId,
        request: &Message<'_>,
        path: Path,
    ) {
        match self.refer_read(dialog, request) {
            Ok(transfer) => self.refer_taken(dialog, request, path, transfer, None),
            Err(status @ (500 | 503)) => {
                let after = self.retry_after(0, 10);
                self.finish(request, path, status, &[after]);
            }
            Err(status) => self.finish(request, path, status, &[]),
        }
    }

    /// A REFER outside dialogs: one of a dialog's peer about that dialog (RFC 4538), else the
    /// user's to answer.
    pub(in crate::endpoint) fn refer_outside(&mut self, request: &Message<'_>, path: Path) {
        let Some(dialog) = self.target_dialog(request, path) else {
            return self.user_request(request, path);
        };
        match self.refer_read(dialog, request) {
            Ok(transfer) => {
                let tag = self.fresh_tag();
                self.refer_taken(dialog, request, path, transfer, Some(tag));
            }
            Err(status) => self.refuse(request, path, status, &[]),
        }
    }

    /// What a REFER asks for, or why it is refused.
    fn refer_read(&self, dialog: DialogId, request: &Message<'_>) -> Result<Transfer, u16> {
        let session = self.sessions.get(&dialog).ok_or(481_u16)?;
        match session.stage {
            Stage::Confirmed => {}
            // The call is not there yet, and may be later.
            Stage::Invited(_) | Stage::Inviting(_) => return Err(500),
            Stage::Leaving(_) | Stage::Left => return Err(481),
        }
        let refer_to = ReferTo::of(request)?;
        let named = match refer_to.replaces {
            Some(value) => Some(Named::replaces(&value).ok_or(400_u16)?),
            None => None,
        };
        if session.transfers.is_full() {
            return Err(503);
        }
        let replaces = named
            .as_ref()
            .and_then(|named| self.dialog_to_replace(named, dialog));
        Ok(Transfer {
            target: refer_to.target,
            replaces,
            replaces_unknown: named.is_some() && replaces.is_none(),
            referred_by: request
                .header(Name::ReferredBy)
                .map(|value| text(value).into_owned()),
        })
    }

    /// Hands a REFER to the user. `own_tag`: of the dialog it makes where it came outside one.
    fn refer_taken(
        &mut self,
        dialog: DialogId,
        request: &Message<'_>,
        path: Path,
        transfer: Transfer,
        own_tag: Option<u64>,
    ) {
        let id = self.refers.begin(dialog);
        let tag = own_tag.unwrap_or_default();
        let transaction = self.serve(request, path, Purpose::Refer(id), tag);
        let until = self.fx.now;
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.transfers.theirs.push(Referred {
                id,
                waits: Some(transaction),
                cseq: request.cseq().0,
                named: false,
                silent: wants_no_notify(request),
                own: own_tag.map(|tag| Dialog::of_invite(request, &format!("{tag:016x}"), path)),
                until,
                news: News::default(),
            });
        }
        self.fx.event(Event::Referred {
            dialog,
            refer: id,
            transfer,
        });
    }

    /// Accepts a REFER ([`Event::Referred`]): 202, and a NOTIFY that says 100 unless the peer
    /// wanted none (RFC 4488). The subscription lasts [`limits::SIP_REFER_S`].
    pub fn accept_refer(&mut self, now: Instant, refer: ReferId) {
        self.fx.now = now;
        let life = Duration::from_secs(limits::SIP_REFER_S);
        let Some(referred) = self.referred(refer) else {
            return;
        };
        let Some(transaction) = referred.waits.take() else {
            return;
        };
        referred.until = now + life;
        let (silent, outside) = (referred.silent, referred.own.is_some());
        let path = self.servers.get(transaction).map(|server| server.path());
        let mut headers: Vec<_> = path
            .map(|path| ("Contact", contact(&path, &self.settings)))
            .into_iter()
            .collect();
        if silent {
            headers.push(("Refer-Sub", "false".to_owned()));
        }
        self.reply_kept(transaction, 202, &headers, b"");
        if silent {
            return self.refer_gone(refer);
        }
        if !outside {
            let dialog = self.refers.dialogs.get(&refer);
            if let Some(session) = dialog.and_then(|dialog| self.sessions.get_mut(dialog)) {
                let named = core::mem::replace(&mut session.transfers.accepted, true);
                if let Some(referred) = self.referred(refer) {
                    referred.named = named;
                }
            }
        }
        self.fx.set(Owner::Refer(refer), Timer::Subscription, life);
        self.news(refer, 100, None);
    }

    /// Refuses a REFER; the dialog goes on. A status outside 300–699 is sent as 603.
    pub fn refuse_refer(&mut self, now: Instant, refer: ReferId, status: u16) {
        self.fx.now = now;
        let status = if (300..700).contains(&status) {
            status
        } else {
            603
        };
        let waits = self.referred(refer).and_then(|it| it.waits.take());
        if let Some(transaction) = waits {
            self.reply_kept(transaction, status, &[], b"");
            self.refer_gone(refer);
        }
    }

    /// Tells the peer how far the call it asked for has come, by NOTIFY with a sipfrag
    /// (RFC 3515 §2.4.5). A final status (200 or more) ends the subscription. Nothing happens
    /// before `accept_refer`, after a final status, or for a status outside 100–699.
    pub fn tell_refer(&mut self, now: Instant, refer: ReferId, status: u16) {
        self.fx.now = now;
        let accepted = self.referred(refer).is_some_and(|it| it.waits.is_none());
        if accepted && (100..700).contains(&status) {
            let over = (status >= 200).then_some("noresource");
            self.news(refer, status, over);
        }
    }

    /// The subscription's time is over: the peer hears so, with what it knows already.
    pub(super) fn subscriber_timed_out(&mut self, refer: ReferId) {
        if let Some(last) = self.referred(refer).map(|referred| referred.news.last) {
            self.news(refer, last, Some("timeout"));
        }
    }

    /// Something to tell the subscriber.
    fn news(&mut self, refer: ReferId, status: u16, over: Option<&'static str>) {
        let Some(referred) = self.referred(refer) else {
            return;
        };
        if referred.news.over.is_some() {
            return;
        }
        referred.news.next = Some(status);
        referred.news.last = status;
        referred.news.over = over;
        if over.is_some() {
            self.fx.stop(Owner::Refer(refer), Timer::Subscription);
        }
        self.notify_if_quiet(refer);
    }

    /// The dialog is about to be left: the ends of transfers that wait behind an earlier NOTIFY go
    /// out now, before the BYE, or the peer would never hear how its transfer came out.
    pub(in crate::endpoint) fn tell_the_ends(&mut self, dialog: DialogId) {
        let session = self.sessions.get_mut(&dialog);
        let Some(session) = session.filter(|session| !session.unreachable) else {
            return;
        };
        let mut ends = Vec::new();
        for referred in &mut session.transfers.theirs {
            if referred.news.over.is_some() && referred.news.next.is_some() {
                referred.news.under_way = false;
                ends.push(referred.id);
            }
        }
        for refer in ends {
            self.notify_if_quiet(refer);
        }
    }

    /// Sends the NOTIFY that waits, if none is under way.
    fn notify_if_quiet(&mut self, refer: ReferId) {
        let now = self.fx.now;
        let Some(&dialog) = self.refers.dialogs.get(&refer) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let mut theirs = session.transfers.theirs.iter_mut();
        let Some(referred) = theirs.find(|it| it.id == refer) else {
            return;
        };
        if referred.news.under_way {
            return;
        }
        let Some(status) = referred.news.next.take() else {
            return;
        };
        referred.news.under_way = true;
        let headers = referred.notify_headers(now);
        let through = referred.own.as_mut().unwrap_or(&mut session.dialog);
        let cseq = through.next_sequence();
        let mut blueprint = Blueprint::in_dialog(through, Method::Notify, cseq);
        blueprint.headers = headers;
        let phrase = reason_phrase(status);
        blueprint.body = format!("SIP/2.0 {status} {phrase}\r\n").into_bytes().into();
        let (path, credentials) = (through.path(), session.credentials.clone());
        let about = About::Notify(dialog, refer);
        self.send(Sent::new(about, blueprint, credentials), path);
    }

    /// A NOTIFY of ours has its final answer, or got none (408, 503). Whoever does not take it is
    /// no subscriber any more (RFC 6665 §4.2.2).
    pub(in crate::endpoint) fn notify_answered(&mut self, refer: ReferId, status: u16) {
        let Some(referred) = self.referred(refer) else {
            return;
        };
        referred.news.under_way = false;
        let told_all = referred.news.over.is_some() && referred.news.next.is_none();
        if told_all || status >= 300 {
            self.refer_gone(refer);
        } else {
            self.notify_if_quiet(refer);
        }
    }
}

impl Referred {
    fn notify_headers(&self, now: Instant) -> Vec<(String, String)> {
        let event = if self.named {
            format!("refer;id={}", self.cseq)
        } else {
            "refer".to_owned()
        };
        let state = match self.news.over {
            Some(reason) => format!("terminated;reason={reason}"),
            None => {
                let left = self.until.since(now).as_secs();
                format!("active;expires={left}")
            }
        };
        [
            ("Event", event),
            ("Subscription-State", state),
            ("Content-Type", SIPFRAG.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Whether no subscription is wanted: `Refer-Sub: false`, or the extension required (RFC 4488 §4).
fn wants_no_notify(refer: &Message<'_>) -> bool {
    let refused = refer.header_by_text("Refer-Sub").is_some_and(|value| {
        let word = value.split(|&byte| byte == b';').next();
        word.is_some_and(|word| word.trim_ascii().eq_ignore_ascii_case(b"false"))
    });
    refused || refer.requires("norefersub")
}
