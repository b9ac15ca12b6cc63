//! Two seats that talk (内部咨询): a seat dials a colleague's number, whose phones ring. Neither is
//! offered a call meanwhile. The one that has a caller on hold may give the caller on to the other.

use core::time::Duration;

use hotline_media::Command;
use hotline_model::{Instant, LegId, SeatId, event::Event};

use crate::{
    leg::{Leg, ToMedia},
    rings::{Rings, Rung, Shown, shown_from},
    stage::Input,
    switchboard::{Owner, Switchboard},
};

/// Longest time a colleague's phone rings: a caller is on hold.
const RING_FOR: Duration = Duration::from_secs(30);

/// A talk of two seats, or one on its way.
pub struct Consultation {
    /// Who dialled.
    pub from: SeatId,
    /// Who was dialled.
    pub to: SeatId,
    /// When the ringing ends.
    pub deadline: Option<Instant>,
    leg: Leg,
    offer: Vec<u8>,
    rings: Rings,
    other: Option<Leg>,
    since: Option<Instant>,
}

impl Consultation {
    /// The seat dialled by `leg`, whose media port is being opened: rings the other's phones.
    /// `hops`: see [`crate::call::Facts::hops`].
    pub fn new(
        now: Instant,
        number: u64,
        (from, to): (SeatId, SeatId),
        leg: Leg,
        offer: Vec<u8>,
        hops: Option<u32>,
        board: &mut Switchboard,
    ) -> Self {
        for seat in [from, to] {
            board.seat_takes_line(now, seat);
        }
        let name = board.settings.seat(from).map(|seat| seat.name.clone());
        let realm = &board.settings.realm;
        let shown = Shown {
            from: shown_from(Some(from.as_str()), name.as_deref(), realm),
            headers: Vec::new(),
            sound: None,
            hops,
        };
        let whose = (Owner::Consult(number), leg.id);
        let rings = Rings::begin(to, whose, None, shown, board);
        Self {
            from,
            to,
            deadline: Some(now + RING_FOR),
            leg,
            offer,
            rings,
            other: None,
            since: None,
        }
    }

    /// The seat at the other end; `None` when `seat` has no part in it, or nobody answered yet.
    pub fn colleague_of(&self, seat: SeatId) -> Option<SeatId> {
        self.since?;
        match seat {
            seat if seat == self.from => Some(self.to),
            seat if seat == self.to => Some(self.from),
            _ => None,
        }
    }

    /// The leg by which the seat takes part.
    pub fn leg_of(&self, seat: SeatId) -> Option<LegId> {
        if seat == self.from {
            return Some(self.leg.id);
        }
        let other = self.other.as_ref().filter(|_| seat == self.to);
        other.map(|leg| leg.id)
    }

    /// Whether the seat is in it.
    pub fn has(&self, seat: SeatId) -> bool {
        self.from == seat || self.to == seat
    }

    /// Takes in what happened at one of its legs; why it is over, when it is.
    #[must_use]
    pub fn handle(
        &mut self,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Option<&'static str> {
        match self.rings.handle(now, input, board) {
            Rung::Still => {}
            Rung::Rings => {
                if let Some(dialog) = self.leg.dialog {
                    board.endpoint.ring(now, dialog, 180, Vec::new());
                }
            }
            Rung::Answered(leg) => {
                self.other = Some(leg);
                return self.answer(now, board);
            }
            Rung::Over(failure) => return Some(self.reject(now, failure.status, board)),
        }
        match input {
            Input::MediaOpened(leg, port) if *leg == self.leg.id => {
                self.leg.opened(*port);
                None
            }
            Input::MediaFailed(leg, _) if *leg == self.leg.id => Some(self.reject(now, 500, board)),
            Input::Acknowledged(_, leg, body) => self.acknowledged(now, *leg, body, board),
            Input::Reoffered(_, leg, body) => {
                if let Some(leg) = self.leg_named(*leg) {
                    leg.reoffered(now, body, board);
                }
                None
            }
            Input::Refreshed(_, leg, body) => {
                if let Some(leg) = self.leg_named(*leg) {
                    leg.refreshed(body, board);
                }
                None
            }
            Input::Cancelled => {
                board.forget_dialog(&mut self.leg);
                Some("cancelled")
            }
            Input::Ended(_, leg, _) => {
                if let Some(leg) = self.leg_named(*leg) {
                    board.forget_dialog(leg);
                }
                Some("hung up")
            }
            Input::Silent(_, leg) => self.leg_named(*leg).map(|_| "no sound"),
            _ => None,
        }
    }

    /// The leg of who dialled got no port: all begins anew in another media thread. False where none
    /// has room, or it is another leg's turn.
    pub fn begins_elsewhere(&mut self, now: Instant, leg: LegId, board: &mut Switchboard) -> bool {
        let owner = board.owner(leg).filter(|_| leg == self.leg.id);
        let Some(owner) = owner.filter(|_| self.other.is_none()) else {
            return false;
        };
        if !board.reopen_leg(&mut self.leg) {
            return false;
        }
        self.rings.begin_again(now, (owner, self.leg.id), board);
        true
    }

    fn leg_named(&mut self, leg: LegId) -> Option<&mut Leg> {
        let legs = core::iter::once(&mut self.leg).chain(self.other.as_mut());
        let mut legs = legs.filter(|own| own.id == leg);
        legs.next()
    }

    fn answer(&mut self, now: Instant, board: &mut Switchboard) -> Option<&'static str> {
        let body = if self.offer.is_empty() {
            self.leg.offer()
        } else {
            self.leg.answer(&self.offer, board).ok()
        };
        match (body, self.leg.dialog) {
            (Some(body), Some(dialog)) => {
                board.endpoint.answer(now, dialog, body);
                self.deadline = None;
                None
            }
            _ => Some(self.reject(now, 488, board)),
        }
    }

    fn reject(&mut self, now: Instant, status: u16, board: &mut Switchboard) -> &'static str {
        if let Some(dialog) = self.leg.dialog {
            board.endpoint.reject(now, dialog, status, &[]);
            board.forget_dialog(&mut self.leg);
        }
        "not answered"
    }

    fn acknowledged(
        &mut self,
        now: Instant,
        leg: LegId,
        body: &[u8],
        board: &mut Switchboard,
    ) -> Option<&'static str> {
        let own = self.leg_named(leg)?;
        if !body.is_empty() && own.accept(body, board).is_err() {
            return Some("unusable session");
        }
        if let (Some(other), None) = (&self.other, self.since) {
            board.media(Command::Bridge {
                a: self.leg.id,
                b: other.id,
            });
            self.since = Some(now);
            let (from, to) = (self.from, self.to);
            board.happened(now, Event::ConsultStarted { from, to });
        }
        None
    }

    /// Ends it: everything is hung up, and both seats are free for calls.
    pub fn end(mut self, now: Instant, cause: &str, board: &mut Switchboard) {
        self.rings.stop(now, None, board);
        board.close_leg(now, &mut self.leg, None);
        if let Some(mut other) = self.other.take() {
            board.close_leg(now, &mut other, None);
        }
        self.over(now, cause, board);
    }

    /// Ends it but for the leg of `stays`, which goes on in a caller's talk.
    pub fn end_without(
        mut self,
        now: Instant,
        stays: SeatId,
        board: &mut Switchboard,
    ) -> Option<Leg> {
        let other = self.other.take()?;
        board.media(Command::Unbridge { leg: other.id });
        let (kept, mut gone) = if stays == self.to {
            (other, self.leg.clone())
        } else {
            (self.leg.clone(), other)
        };
        board.close_leg(now, &mut gone, None);
        self.over(now, "the caller was given on", board);
        Some(kept)
    }

    fn over(&self, now: Instant, cause: &str, board: &mut Switchboard) {
        let (from, to) = (self.from, self.to);
        let event = Event::ConsultEnded {
            from,
            to,
            talk_ms: self.since.map_or(0, |since| now.millis_since(since)),
            cause: cause.to_owned(),
        };
        board.happened(now, event);
        for seat in [from, to] {
            board.seat_leaves_line(now, seat);
        }
    }
}
