//! Our reliable provisional responses (RFC 3262 §3): sent one after the other, each repeated until
//! its PRACK; and the 2xx that has to wait for one.

use core::time::Duration;
use std::{collections::VecDeque, sync::Arc};

use hotline_model::{Instant, limits::SIP_PROVISIONALS_WAITING};
use rand_chacha::rand_core::Rng as _;

use super::{
    Endpoint, body,
    effects::Owner,
    reply::Purpose,
    session::{Stage, Theirs},
    words::{DialogId, Event},
};
use crate::{
    message::{Message, Method, Name},
    path::Path,
    transaction::{
        TransactionId,
        timer::{GIVE_UP, T1, Timer},
    },
};

/// What the peer's INVITE said of 100rel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Wish {
    #[default]
    Unsupported,
    Supported,
    Required,
}

/// A reliable provisional response that waits for its PRACK.
#[derive(Clone, Debug)]
struct Unpracked {
    rseq: u32,
    response: Arc<[u8]>,
    interval: Duration,
    /// It carries a description of the session, so that no 2xx may overtake it (§3).
    described: bool,
}

/// The provisional responses of one INVITE of the peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reliable {
    pub wish: Wish,
    /// The INVITE's CSeq number.
    pub cseq: u32,
    rseq: u32,
    unpracked: Option<Unpracked>,
    waiting: VecDeque<(u16, Vec<u8>)>,
    /// The 2xx the user has given, held back.
    answer: Option<Vec<u8>>,
    /// One of them carried our description: the answer to the INVITE's offer, or our offer.
    described: bool,
}

impl Reliable {
    pub fn of(invite: &Message<'_>) -> Self {
        let wish = if invite.requires("100rel") {
            Wish::Required
        } else if invite.supports("100rel") {
            Wish::Supported
        } else {
            Wish::Unsupported
        };
        Self {
            wish,
            cseq: invite.cseq().0,
            ..Self::default()
        }
    }

    /// Whether a description of ours is on its way or has arrived.
    pub const fn has_described(&self) -> bool {
        self.described
    }

    /// Whether a provisional response with a description waits for its PRACK.
    pub fn holds_answer(&self) -> bool {
        self.unpracked.as_ref().is_some_and(|sent| sent.described)
    }

    /// Whether the INVITE's 2xx was given and is held back.
    pub const fn is_answering(&self) -> bool {
        self.answer.is_some()
    }
}

/// RAck (RFC 3262 §7.2): RSeq, and CSeq number and method of the response it acknowledges.
fn rack(prack: &Message<'_>) -> Option<(u32, u32, Vec<u8>)> {
    let value = crate::message::text(prack.header(Name::RAck)?).into_owned();
    let mut words = value.split_ascii_whitespace();
    let number = |word: Option<&str>| word?.parse::<u32>().ok();
    let (rseq, cseq) = (number(words.next())?, number(words.next())?);
    let method = words.next()?.as_bytes().to_vec();
    words.next().is_none().then_some((rseq, cseq, method))
}

impl Endpoint {
    /// Tells the caller that it rings: a provisional status from 101 to 199, else nothing is sent.
    /// A `body` is the answer to the INVITE's offer (early media), or our offer where it made
    /// none.
    ///
    /// Where the peer requires it, and where it supports it and there is a body, the response is
    /// sent reliably (RFC 3262): repeated until its PRACK comes, the next one after that. A body
    /// sent so is final: the 200 of `answer` repeats none, and the session changes by `reoffer`.
    /// Without a PRACK in 64*T1 the INVITE is answered 504, and [`Event::Cancelled`] follows. To
    /// an offer of ours the answer comes by [`Event::ReofferAnswered`]; where the peer does not
    /// support 100rel, an offer is left to the 200.
    pub fn ring(&mut self, now: Instant, dialog: DialogId, status: u16, body: Vec<u8>) {
        self.fx.now = now;
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let Stage::Invited(transaction) = session.stage else {
            return;
        };
        if !(101..200).contains(&status) || session.reliable.is_answering() {
            return;
        }
        let (late, reliable) = (session.late, &mut session.reliable);
        match (reliable.wish, body.is_empty()) {
            (Wish::Required, _) | (Wish::Supported, false) => {
                if reliable.waiting.len() < SIP_PROVISIONALS_WAITING {
                    reliable.waiting.push_back((status, body));
                }
                self.send_next_provisional(dialog);
            }
            // An offer must be in a reliable response (RFC 3261 §13.2.1).
            (Wish::Unsupported, false) if late => {
                self.reply_kept(transaction, status, &[], b"");
            }
            (Wish::Supported | Wish::Unsupported, _) => {
                self.reply_kept(transaction, status, &[], &body);
            }
        }
    }

    /// Sends the provisional response that waits, if none is without its PRACK (§3).
    fn send_next_provisional(&mut self, dialog: DialogId) {
        // §3: the first RSeq is random, below 2^31.
        let first = (self.random.next_u32() >> 1).max(1);
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let Stage::Invited(transaction) = session.stage else {
            return;
        };
        let reliable = &mut session.reliable;
        if reliable.unpracked.is_some() {
            return;
        }
        let Some((status, mut body)) = reliable.waiting.pop_front() else {
            return;
        };
        if reliable.described {
            // The answer was given; a second description would be read as another offer.
            body.clear();
        }
        let rseq = match reliable.rseq {
            0 => first,
            last => last.saturating_add(1),
        };
        reliable.rseq = rseq;
        reliable.described |= !body.is_empty();
        let headers = [("Require", "100rel".to_owned()), ("RSeq", rseq.to_string())];
        let Some(response) = self.reply_kept(transaction, status, &headers, &body) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.reliable.unpracked = Some(Unpracked {
                rseq,
                response,
                interval: T1,
                described: !body.is_empty(),
            });
            if !body.is_empty() {
                session.described = body.into();
            }
            let owner = Owner::Dialog(dialog);
            self.fx.set(owner, Timer::Provisional, T1);
            self.fx.set(owner, Timer::Unpracked, GIVE_UP);
        }
    }

    /// No PRACK came yet: the response again, by the transaction's path (§3).
    pub(super) fn repeat_provisional(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if let Stage::Invited(transaction) = session.stage
            && let Some(sent) = &mut session.reliable.unpracked
            && let Some(server) = self.servers.get(transaction)
        {
            sent.interval = sent.interval.saturating_mul(2);
            self.fx.transmit(server.path(), &sent.response);
            let owner = Owner::Dialog(dialog);
            self.fx.set(owner, Timer::Provisional, sent.interval);
        }
    }

    /// 64*T1 without PRACK: the INVITE is refused with 5xx (§3).
    pub(super) fn no_prack_came(&mut self, dialog: DialogId) {
        let stage = self.sessions.get(&dialog).map(|session| &session.stage);
        if let Some(&Stage::Invited(transaction)) = stage {
            self.reply_kept(transaction, 504, &[], b"");
            self.invite_gone(dialog);
        }
    }

    /// PRACK (§3): 481 where it acknowledges nothing that waits. What it says of the session is
    /// the answer to our offer, else an offer of the peer (§5).
    pub(super) fn prack_came(&mut self, dialog: DialogId, prack: &Message<'_>, path: Path) {
        let Some((rseq, cseq, method)) = rack(prack) else {
            return self.finish(prack, path, 400, &[]);
        };
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let reliable = &mut session.reliable;
        let fits = reliable.cseq == cseq && Method::of(&method) == Method::Invite;
        let sent = reliable.unpracked.take_if(|sent| fits && sent.rseq == rseq);
        let Some(sent) = sent else {
            return self.finish(prack, path, 481, &[]);
        };
        self.fx.stop(Owner::Dialog(dialog), Timer::Provisional);
        self.fx.stop(Owner::Dialog(dialog), Timer::Unpracked);
        let description = body::session(prack);
        if description.is_empty() {
            // Our offer without an answer stays open: the 200 makes it again.
            reliable.described &= !(session.late && sent.described);
            self.finish(prack, path, 200, &[]);
        } else if session.late && sent.described {
            session.late = false;
            self.finish(prack, path, 200, &[]);
            let body = description.to_vec();
            self.fx.event(Event::ReofferAnswered { dialog, body });
        } else {
            self.offer_in_prack(dialog, prack, path, description);
        }
        self.go_on_ringing(dialog);
    }

    fn offer_in_prack(&mut self, dialog: DialogId, prack: &Message<'_>, path: Path, offer: &[u8]) {
        if self.offer_refusal(dialog, prack).is_some() {
            // The response is acknowledged all the same; the session stays as it is.
            return self.finish(prack, path, 488, &[]);
        }
        let transaction = self.serve(prack, path, Purpose::Offer(dialog), 0);
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.theirs = Some(Theirs {
                transaction,
                cseq: prack.cseq().0,
                invite: false,
                late: false,
                fork: 0,
            });
        }
        let body = offer.to_vec();
        self.fx.event(Event::Reoffered { dialog, body });
    }

    /// Something an early dialog waited for is done: the 2xx that was held back, or else what
    /// comes next.
    pub(super) fn go_on_ringing(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        let Stage::Invited(transaction) = session.stage else {
            return;
        };
        if !session.reliable.is_answering() {
            self.send_next_provisional(dialog);
            self.reoffer_if_quiet(dialog);
        } else if !session.reliable.holds_answer()
            && session.theirs.is_none()
            && let Some(body) = session.reliable.answer.take()
        {
            self.accept(dialog, transaction, &body);
        }
    }

    /// The user's 2xx: sent at once, or held back while a provisional response with a description
    /// is without its PRACK (§3), or an offer of the peer without its answer.
    pub(super) fn answer_or_hold(
        &mut self,
        dialog: DialogId,
        transaction: TransactionId,
        body: Vec<u8>,
    ) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.reliable.is_answering() {
            return;
        }
        // What was not sent is overtaken.
        session.reliable.waiting.clear();
        if session.reliable.holds_answer() || session.theirs.is_some() {
            session.reliable.answer = Some(body);
        } else {
            self.accept(dialog, transaction, &body);
        }
    }

    /// What the 2xx has to say of the session: nothing, where a reliable provisional response has
    /// said it (RFC 6337 §3.1.1).
    pub(super) fn settle_provisionals<'b>(&mut self, dialog: DialogId, body: &'b [u8]) -> &'b [u8] {
        // §3: what is unacknowledged is repeated no more, but its PRACK may still come.
        self.fx.stop(Owner::Dialog(dialog), Timer::Provisional);
        self.fx.stop(Owner::Dialog(dialog), Timer::Unpracked);
        match self.sessions.get_mut(&dialog) {
            Some(session) if session.reliable.described => b"",
            Some(session) => {
                session.described = body.into();
                body
            }
            None => body,
        }
    }
}
