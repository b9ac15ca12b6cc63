//! One outside number, called through the trunks in order until one brings the call there.

use core::time::Duration;
use std::collections::VecDeque;

use hotline_media::sdp::Terms;
use hotline_model::{CallId, Instant, LegId, TrunkId, event::Event, limits};
use hotline_sip::endpoint::{HangUpReason, Invitation};

use super::allowed::Outside;
use crate::{
    leg::Leg,
    stage::Input,
    switchboard::{End, Owner, Side, Switchboard},
    trunks::{Fared, Way},
};

const TRIES_WITHIN: Duration = Duration::from_secs(limits::OUTGOING_TRIES_S);
const UNHEARD_FOR: Duration = Duration::from_secs(limits::OUTGOING_UNHEARD_S);
const RINGS_FOR: Duration = Duration::from_secs(limits::OUTGOING_RING_S);

/// Longest wait for a media port, as for an arriving call.
const MEDIA_OPENS_WITHIN: Duration = Duration::from_secs(2);

/// A call to an outside number on its way.
///
/// Make one with [`Attempt::new`]; hand it every input of the call with [`Attempt::handle`], and
/// its deadline too; [`Attempt::give_up`] cancels it, [`Attempt::answered`] hands over the leg.
pub struct Attempt {
    call: CallId,
    number: Outside,
    /// It is to take part in a talk, whose events tell.
    is_guest: bool,
    leg: Leg,
    ways: VecDeque<Way>,
    way: Option<Way>,
    began: Instant,
    deadline: Option<Instant>,
    rang: bool,
    last: Failure,
    hops: Option<u32>,
}

/// What an input made of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing to tell, or the input was not for it.
    Going,
    /// It rings there.
    Ringing,
    /// The trunk sends sound (ringback, an announcement) from now on: the leg is connected and can
    /// be bridged.
    EarlyMedia,
    /// Somebody answered: take the leg with [`Attempt::answered`].
    Answered,
    /// It failed for good; the leg is closed.
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The trunk's last status, 503 where no trunk could be tried.
    pub status: u16,
    /// In a few words.
    pub cause: String,
    /// The network is to blame and not the number called.
    pub by_network: bool,
}

impl Failure {
    pub(super) fn network(status: u16, cause: impl Into<String>) -> Self {
        Self {
            status,
            cause: cause.into(),
            by_network: true,
        }
    }

    /// The status for whoever asked for the call: 3xx and challenges mean nothing to them.
    pub const fn told(&self) -> u16 {
        match self.status {
            300..=399 => 480,
            401 | 407 => 503,
            status => status,
        }
    }
}

/// A leg that somebody outside answered.
pub struct AnsweredLeg {
    /// The leg, connected.
    pub leg: Leg,
    /// The trunk that carries it.
    pub trunk: TrunkId,
}

impl Attempt {
    /// Opens a leg of the call for `number`, of this side and beside its first; the first INVITE
    /// follows when its media port is open. `hops` is what is left of the Max-Forwards of the INVITE it
    /// is made for ([`crate::call::Facts::hops`]).
    pub fn new(
        now: Instant,
        (call, beside, side): (CallId, LegId, Side),
        number: Outside,
        hops: Option<u32>,
        board: &mut Switchboard,
    ) -> Self {
        let ways: VecDeque<Way> = board.trunks.ways(number.number()).into();
        let nowhere = End {
            address: board.settings.media_address,
            terms: Terms::PLAIN,
            seen_at: None,
        };
        let first = ways.front();
        let end = first.map_or(nowhere, |way| board.trunk_end(&way.target.path, &[]));
        let leg = board.open_leg(Owner::Call(call, side), end, Some(beside));
        Self {
            call,
            number,
            is_guest: side == Side::Guest,
            leg,
            ways,
            way: None,
            began: now,
            deadline: Some(now + MEDIA_OPENS_WITHIN),
            rang: false,
            last: Failure::network(503, "no trunk is up and has room"),
            hops,
        }
    }

    /// It takes no part in a talk any more: the caller waits for who answers.
    pub fn is_the_callers(&mut self, board: &mut Switchboard) {
        self.is_guest = false;
        board.give_leg(self.leg.id, Owner::Call(self.call, Side::Agent));
    }

    /// Its leg.
    pub fn leg_id(&self) -> LegId {
        self.leg.id
    }

    /// The number called.
    pub fn number(&self) -> &str {
        self.number.number()
    }

    /// When it wants [`Input::DeadlinePassed`].
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Lets it see what happened. Inputs about other legs change nothing, so that it can live
    /// beside a seat's leg in one call (a transfer). Before the answer a dialog does not end, it is
    /// refused: [`Input::Ended`] is never about this leg.
    pub fn handle(&mut self, now: Instant, input: &Input, board: &mut Switchboard) -> Progress {
        match input {
            Input::MediaOpened(leg, port) if *leg == self.leg.id => {
                self.leg.opened(*port);
                self.next_way(now, board)
            }
            Input::MediaFailed(leg, why) if *leg == self.leg.id => {
                self.last = Failure::network(503, format!("no media port: {why}"));
                self.failed(now, board)
            }
            Input::DeadlinePassed if self.deadline.is_some_and(|at| at <= now) => {
                self.deadline_passed(now, board)
            }
            Input::Ringing(leg, body) if *leg == self.leg.id => {
                self.heard(now, board);
                if body.is_empty() {
                    return Progress::Ringing;
                }
                // An early answer that cannot be used leaves the caller with our own ringback.
                self.leg.preview(body, board);
                match self.leg.agreed() {
                    Some(_) => Progress::EarlyMedia,
                    None => Progress::Ringing,
                }
            }
            Input::Answered(leg, body) if *leg == self.leg.id => self.picked_up(now, body, board),
            Input::Refused(leg, status, _) if *leg == self.leg.id => {
                self.refused(now, *status, board)
            }
            Input::Ended(_, leg, _) if *leg == self.leg.id => {
                board.forget_dialog(&mut self.leg);
                self.last = Failure::network(503, "the trunk ended the call before its answer");
                self.failed(now, board)
            }
            Input::Reoffered(_, leg, body) if *leg == self.leg.id => {
                self.leg.reoffered(now, body, board);
                Progress::Going
            }
            _ => Progress::Going,
        }
    }

    /// Cancels it and closes its leg.
    pub fn give_up(&mut self, now: Instant, reason: Option<HangUpReason>, board: &mut Switchboard) {
        board.close_leg(now, &mut self.leg, reason);
    }

    /// The leg, after [`Progress::Answered`].
    pub fn answered(self) -> Option<AnsweredLeg> {
        Some(AnsweredLeg {
            trunk: self.way?.trunk,
            leg: self.leg,
        })
    }

    fn deadline_passed(&mut self, now: Instant, board: &mut Switchboard) -> Progress {
        self.deadline = None;
        let Some(dialog) = self.leg.dialog else {
            self.last = Failure::network(503, "the media worker did not answer in time");
            return self.failed(now, board);
        };
        if board.endpoint.is_heard(dialog) {
            return Progress::Going;
        }
        // Nothing at all came back: whoever is there will not bring the call through.
        board.hang_up_dialog(now, &mut self.leg, None);
        self.refused(now, 408, board)
    }

    fn next_way(&mut self, now: Instant, board: &mut Switchboard) -> Progress {
        if now < self.began + TRIES_WITHIN {
            while let Some(way) = self.ways.pop_front() {
                if !board.trunks.is_open(way.at) {
                    continue;
                }
                let end = board.trunk_end(&way.target.path, &[]);
                if end.address == self.leg.address() {
                    self.leg.renew_terms(end.terms);
                    return self.invite(now, way, board);
                }
                // Its carrier reaches us at another address: a port of that first.
                self.ways.push_front(way);
                board.move_leg(&mut self.leg, end);
                self.deadline = Some(now + MEDIA_OPENS_WITHIN);
                return Progress::Going;
            }
        }
        self.failed(now, board)
    }

    fn invite(&mut self, now: Instant, way: Way, board: &mut Switchboard) -> Progress {
        let Some(body) = self.leg.offer() else {
            return self.failed(now, board);
        };
        let number = self.number.number();
        board.happened(
            now,
            Event::TrunkTried {
                call: self.call,
                trunk: way.trunk,
                target: way.target.to_string(),
                called: number.to_owned(),
                for_guest: self.is_guest,
            },
        );
        let (us, them) = (way.target.path.local, way.target.path.remote.ip());
        // The trunk learns the hotline's number, and nothing of the agent.
        let caller = match way.caller_id.as_str() {
            "" => "<sip:anonymous@anonymous.invalid>".to_owned(),
            number => format!("<sip:{number}@{}>", Host(us.ip())),
        };
        let mut headers = Vec::new();
        if !way.caller_id.is_empty() {
            headers.push(("P-Asserted-Identity".to_owned(), caller.clone()));
        }
        let invitation = Invitation {
            path: way.target.path,
            target: way.target.uri(number),
            from: caller,
            to: format!("<sip:{number}@{}>", Host(them)),
            body,
            headers,
            credentials: way.login.clone(),
            ring_for: Some(RINGS_FOR),
            max_forwards: self.hops,
        };
        board.trunks.carries(way.at, self.leg.id);
        let dialog = board.endpoint.invite(now, invitation);
        board.connect_dialog(dialog, &mut self.leg);
        self.way = Some(way);
        self.rang = false;
        self.deadline = Some(now + UNHEARD_FOR);
        Progress::Going
    }

    fn heard(&mut self, now: Instant, board: &mut Switchboard) {
        self.deadline = None;
        self.rang = true;
        self.fared(now, Fared::Answered, board);
    }

    fn picked_up(&mut self, now: Instant, body: &[u8], board: &mut Switchboard) -> Progress {
        self.heard(now, board);
        // After a reliable 183 with the answer the 200 may come without one (RFC 3262 §5).
        if self.leg.accept(body, board).is_err() {
            self.last = Failure::network(488, "no usable session description");
            return self.failed(now, board);
        }
        if let Some(way) = &self.way {
            let event = Event::OutsideAnswered {
                call: self.call,
                trunk: way.trunk,
                since_dialled_ms: now.millis_since(self.began),
                for_guest: self.is_guest,
            };
            board.happened(now, event);
        }
        Progress::Answered
    }

    fn refused(&mut self, now: Instant, status: u16, board: &mut Switchboard) -> Progress {
        self.deadline = None;
        board.forget_dialog(&mut self.leg);
        let fared = match status {
            408 if !self.rang => Fared::Unheard,
            503 => Fared::Unavailable(None),
            _ => Fared::Answered,
        };
        self.fared(now, fared, board);
        board.trunks.released(self.leg.id);
        let by_network = is_the_trunks(status, self.rang);
        let cause = match status {
            408 if self.rang => "nobody answered".to_owned(),
            408 => "the trunk does not answer".to_owned(),
            503 => "the trunk is not available".to_owned(),
            status => format!("{status}"),
        };
        let told = if status == 408 && self.rang {
            480
        } else {
            status
        };
        if let Some(way) = &self.way {
            let event = Event::TrunkFailed {
                call: self.call,
                trunk: way.trunk,
                status,
                cause: cause.clone(),
                for_guest: self.is_guest,
            };
            board.happened(now, event);
        }
        self.last = Failure {
            status: told,
            cause,
            by_network,
        };
        if by_network {
            self.next_way(now, board)
        } else {
            self.failed(now, board)
        }
    }

    fn fared(&mut self, now: Instant, fared: Fared, board: &mut Switchboard) {
        if let Some(way) = &self.way {
            board.trunks.fared(now, way.at, fared);
        }
    }

    fn failed(&mut self, now: Instant, board: &mut Switchboard) -> Progress {
        self.deadline = None;
        board.close_leg(now, &mut self.leg, None);
        Progress::Failed(self.last.clone())
    }
}

/// Whether a refusal is the trunk's own, so that another trunk may do better: it does not answer,
/// is overloaded or broken, or does not take our login. Where it rang, somebody or something
/// there has decided, and 4xx and 6xx are always the number's.
const fn is_the_trunks(status: u16, rang: bool) -> bool {
    !rang && matches!(status, 401 | 407 | 408 | 500 | 502..=504)
}

/// An address as the host of a URI.
struct Host(core::net::IpAddr);

impl core::fmt::Display for Host {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            core::net::IpAddr::V4(v4) => write!(f, "{v4}"),
            core::net::IpAddr::V6(v6) => write!(f, "[{v6}]"),
        }
    }
}
