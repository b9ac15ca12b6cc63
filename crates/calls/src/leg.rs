//! One side of a call: where a SIP dialog and a media session meet. SIP sees a body, media sees
//! SDP, and only this file sees both.

use core::net::IpAddr;

use hotline_media::{
    Command, Report,
    sdp::{self, Agreed, Direction, Family, Local, SdpError, Security, Terms},
};
use hotline_model::{Instant, LegId};
use hotline_sip::endpoint::DialogId;

use crate::{
    media_threads::Asked,
    switchboard::{End, Switchboard},
};

/// What a leg's session description is at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Session {
    /// The media port is being opened.
    Opening,
    /// The port is open, nothing is agreed.
    Open(Local),
    /// We offered and wait for the answer. Until it comes, what was agreed before or in a
    /// provisional response counts.
    Offered(Local, Option<Box<Agreed>>),
    /// Both sides agreed.
    Agreed(Local, Box<Agreed>),
}

/// The leg that nobody has: the numbers of others begin at 1.
pub(crate) const NOBODY: LegId = LegId(0);

/// A dialog and its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Its name at the media workers.
    pub id: LegId,
    /// Its SIP dialog, while there is one.
    pub dialog: Option<DialogId>,
    address: IpAddr,
    /// Boxed with its keys, since legs stand in many enums.
    terms: Box<Terms>,
    seen_at: Option<IpAddr>,
    session: Session,
    /// Media threads that had no port for it.
    pub(crate) asked: Asked,
}

/// Who passes orders on to the media worker: the switchboard of an exchange, or a phone.
pub trait ToMedia {
    /// Tells the media worker something.
    fn media(&mut self, command: Command);
}

/// Why a body cannot be used: the SIP status that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBody(pub u16);

impl Leg {
    pub(crate) fn new(id: LegId, end: End) -> Self {
        Self {
            id,
            dialog: None,
            address: end.address,
            terms: Box::new(end.terms),
            seen_at: end.seen_at,
            session: Session::Opening,
            asked: Asked::default(),
        }
    }

    /// In place of one that is not there: nobody is on the line.
    pub(crate) fn absent() -> Self {
        let end = End {
            address: IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED),
            terms: Terms::PLAIN,
            seen_at: None,
        };
        Self::new(NOBODY, end)
    }

    /// It is at another address of ours from now on, and its port is being opened.
    pub(crate) fn moved(&mut self, end: End) {
        (self.address, self.seen_at) = (end.address, end.seen_at);
        *self.terms = end.terms;
        self.session = Session::Opening;
    }

    /// It goes to another peer of the same address of ours, with which nothing is agreed.
    pub(crate) fn renew_terms(&mut self, terms: Terms) {
        *self.terms = terms;
        if let Session::Offered(local, _) = self.session {
            self.session = Session::Offered(local, None);
        }
    }

    /// Our end of its sound.
    pub(crate) fn end(&self) -> End {
        End {
            address: self.address,
            terms: *self.terms,
            seen_at: self.seen_at,
        }
    }

    /// Our address of its media.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Why an offer that was refused could not be used, for the journal.
    pub fn unusable(&self, offer: &[u8]) -> &'static str {
        match sdp::family(offer) {
            Some(family) if family != Family::of(&self.address) => match family {
                Family::V4 => "its sound is IPv4 alone and the engine has no such address",
                Family::V6 => "its sound is IPv6 alone and the engine has no such address",
            },
            _ => match sdp::answer_under(offer, &self.local(0), &self.terms) {
                Err(SdpError::NoCommonSecurity) => {
                    "its sound is not protected in a way that is agreed to here"
                }
                _ => "no usable session description",
            },
        }
    }

    /// The media port is open.
    pub fn opened(&mut self, port: u16) {
        if self.session == Session::Opening {
            self.session = Session::Open(self.local(port));
        }
    }

    const fn local(&self, port: u16) -> Local {
        Local {
            address: self.address,
            port,
            // The leg's number is unique in this run, which is what RFC 8866 §5.2 asks of sess-id.
            session: self.id.0,
            version: 1,
        }
    }

    /// What both sides agreed on.
    pub fn agreed(&self) -> Option<&Agreed> {
        match &self.session {
            Session::Agreed(_, agreed) | Session::Offered(_, Some(agreed)) => Some(agreed),
            Session::Opening | Session::Open(_) | Session::Offered(_, None) => None,
        }
    }

    /// Whether the peer lets us hear it and hears us: neither side holds.
    pub fn is_two_way(&self) -> bool {
        self.agreed()
            .is_some_and(|agreed| agreed.direction == Direction::SendRecv)
    }

    fn next_local(&mut self) -> Option<Local> {
        match &mut self.session {
            Session::Opening => None,
            Session::Open(local) | Session::Offered(local, None) => Some(*local),
            Session::Agreed(local, _) | Session::Offered(local, Some(_)) => {
                // Each further description raises the version by one (RFC 3264 §8).
                local.version += 1;
                Some(*local)
            }
        }
    }

    /// What our offer says: what was agreed before, lest a call in the clear be cut off by a phone
    /// that cannot change, and a private one be laid open; before, sound in the clear where that is
    /// allowed, for a phone that has nothing else refuses everything else.
    fn offered_terms(&self) -> Terms {
        let (clear, keys, handshake) = match self.agreed().map(|agreed| &agreed.security) {
            Some(Security::Plain) => (true, false, false),
            Some(Security::Sdes { .. }) => (false, true, false),
            Some(Security::Dtls { .. }) => (false, false, true),
            None => (
                self.terms.plain,
                !self.terms.plain,
                self.terms.dtls.is_some(),
            ),
        };
        Terms {
            plain: clear,
            sdes: self.terms.sdes.filter(|_| keys),
            dtls: self.terms.dtls.filter(|_| handshake),
            ..*self.terms
        }
    }

    /// Our offer (RFC 3264 §5): in the order of our formats, or with the one that is spoken first.
    pub fn offer(&mut self) -> Option<Vec<u8>> {
        self.offer_as(Direction::SendRecv)
    }

    /// Our offer with a direction: `SendOnly` holds the peer (RFC 3264 §8.4).
    pub fn offer_as(&mut self, direction: Direction) -> Option<Vec<u8>> {
        let terms = self.offered_terms();
        if !terms.plain && terms.sdes.is_none() && terms.dtls.is_none() {
            return None;
        }
        let local = self.next_local()?;
        let before = self.agreed().copied().map(Box::new);
        let body = match &before {
            Some(before) => sdp::offer_again_under(&local, direction, &terms, before),
            None => sdp::offer_under(&local, direction, &terms),
        };
        self.session = Session::Offered(local, before);
        Some(body)
    }

    /// Takes the peer's offer and answers it (RFC 3264 §6); the media worker follows.
    pub fn answer(&mut self, offer: &[u8], board: &mut impl ToMedia) -> Result<Vec<u8>, BadBody> {
        let before = self.agreed().copied();
        let local = self.next_local().ok_or(BadBody(500))?;
        let answered = match before {
            Some(before) => sdp::answer_again_under(offer, &local, &before, &self.terms),
            None => sdp::answer_under(offer, &local, &self.terms),
        };
        let (body, agreed) = answered.map_err(|error| BadBody(error.status()))?;
        self.agree(local, agreed, board);
        Ok(body)
    }

    /// Takes the peer's answer to our offer; the media worker follows. An empty one says that the
    /// answer stood in a provisional response (RFC 3262 §5), or that the peer has offered anew
    /// since.
    pub fn accept(&mut self, answer: &[u8], board: &mut impl ToMedia) -> Result<(), BadBody> {
        match &self.session {
            Session::Offered(local, _) if !answer.is_empty() => {
                let local = *local;
                let agreed = sdp::accept_under(answer, &local, &self.offered_terms())
                    .map_err(|error| BadBody(error.status()))?;
                self.agree(local, agreed, board);
                Ok(())
            }
            Session::Offered(local, Some(agreed)) => {
                self.session = Session::Agreed(*local, agreed.clone());
                Ok(())
            }
            Session::Agreed(..) => Ok(()),
            Session::Offered(_, None) | Session::Opening | Session::Open(_) => Err(BadBody(500)),
        }
    }

    /// Takes the answer in a provisional response to our INVITE. The final one may differ, and
    /// then counts. An answer that cannot be used is as good as none yet.
    pub fn preview(&mut self, answer: &[u8], board: &mut impl ToMedia) {
        if let Session::Offered(local, None) = self.session
            && let Ok(agreed) = sdp::accept_under(answer, &local, &self.offered_terms())
        {
            self.agree(local, agreed, board);
            self.session = Session::Offered(local, Some(Box::new(agreed)));
        }
    }

    /// Takes the peer's answer to our last description, which a refresh of the session repeated
    /// (RFC 4028 §7.4): the peer may be elsewhere by now, or hold. The media worker follows only
    /// what changed; an answer that cannot be used leaves all as it was.
    pub fn refreshed(&mut self, answer: &[u8], board: &mut impl ToMedia) {
        let Session::Agreed(local, before) = &self.session else {
            return;
        };
        let (local, before) = (*local, **before);
        let terms = self.offered_terms();
        let Ok(mut agreed) = sdp::accept_again_under(answer, &local, &before, &terms) else {
            return;
        };
        agreed.learns = self.learns(&agreed);
        if agreed != before {
            self.agree(local, agreed, board);
        }
    }

    /// Whether a NAT lies between: a phone behind one tells the address it has on its side.
    fn learns(&self, agreed: &Agreed) -> bool {
        let remote = agreed.remote.ip();
        let elsewhere = |ip: IpAddr| ip != remote && !remote.is_unspecified();
        self.seen_at.is_some_and(elsewhere)
    }

    fn agree(&mut self, local: Local, mut agreed: Agreed, board: &mut impl ToMedia) {
        agreed.learns = self.learns(&agreed);
        board.media(Command::Connect {
            leg: self.id,
            agreed,
        });
        self.session = Session::Agreed(local, Box::new(agreed));
    }

    /// The peer re-offered in the dialog (hold, resume, another address): answered here, the same
    /// in every stage. An unusable offer is refused and the session stays as it was (RFC 3261
    /// §14.2).
    pub fn reoffered(&mut self, now: Instant, body: &[u8], board: &mut Switchboard) {
        let Some(dialog) = self.dialog else { return };
        if matches!(self.session, Session::Offered(_, None)) {
            // Two offers cross before the first answer (RFC 3311 §5.2).
            board.endpoint.refuse_offer(now, dialog, 491);
            return;
        }
        let answer = if body.is_empty() {
            // A late offer: we offer what we have; the ACK carries the peer's answer.
            self.offer().ok_or(BadBody(500))
        } else {
            self.answer(body, board)
        };
        match answer {
            Ok(answer) => board.endpoint.answer_offer(now, dialog, answer),
            Err(BadBody(status)) => board.endpoint.refuse_offer(now, dialog, status),
        }
    }
}

/// The leg a media report speaks of; `None` for a report about a recording.
pub fn reported_leg(report: &Report) -> Option<LegId> {
    match *report {
        Report::Opened { leg, .. }
        | Report::OpenFailed { leg, .. }
        | Report::PlayEnded { leg, .. }
        | Report::Digit { leg, .. }
        | Report::Silent { leg }
        | Report::Spoke { leg }
        | Report::Speechless { leg }
        | Report::Broke { leg }
        | Report::Closed { leg, .. } => Some(leg),
        Report::PortsReady { .. } | Report::RecordingGaps { .. } => None,
    }
}

#[cfg(test)]
#[path = "leg_tests.rs"]
mod tests;
