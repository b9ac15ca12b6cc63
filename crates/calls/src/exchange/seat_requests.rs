//! What seats ask for, by star code or through the API: ready, not ready, the end of wrap-up.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, SeatId,
    event::Event,
    guest::GuestName,
    seat::{Device, Intent, Reason, Work},
};

use super::Exchange;
use crate::orders::{Hand, OrderRefused, SeatRequest, TalkRequest, TransferTo};

impl Exchange {
    /// Carries out what a seat asked for, and journals it either way.
    pub(super) fn request(
        &mut self,
        now: Instant,
        (seat, hand): (SeatId, Hand),
        request: SeatRequest,
        through: String,
    ) -> Result<(), OrderRefused> {
        let request = self.understood(request);
        let asked = request.to_string();
        let leaves = match request {
            SeatRequest::SignOut => Some(true),
            SeatRequest::Ready | SeatRequest::NotReady(_) => Some(false),
            _ => None,
        };
        let result = self.carry_out(now, (seat, hand), request, &through);
        let done = result.is_ok();
        match leaves.filter(|_| done) {
            Some(true) => self.board.lendings.leaves(seat, "signed out"),
            Some(false) => self.board.lendings.stays(seat),
            None => {}
        }
        self.board.happened(
            now,
            Event::SeatRequested {
                seat,
                request: asked,
                through,
                done,
            },
        );
        result
    }

    /// A name that somebody wrote, looked up.
    fn understood(&self, request: SeatRequest) -> SeatRequest {
        match request {
            SeatRequest::TransferByName(name) => {
                match TransferTo::read(&name, &self.board.settings) {
                    Some(to) => SeatRequest::Transfer(to),
                    None => SeatRequest::TransferByName(name),
                }
            }
            SeatRequest::Talk(TalkRequest::ConsultByName(name)) => {
                let read = |name| TransferTo::read(name, &self.board.settings);
                let to = match GuestName::number_in(&name) {
                    // A number that is a seat's too is dialled outside where that is said.
                    Some(number) => match read(number) {
                        Some(TransferTo::Seat(_)) => Some(TransferTo::Number(number.to_owned())),
                        to => to,
                    },
                    None => read(&name),
                };
                match to {
                    Some(TransferTo::Seat(seat)) => TalkRequest::Consult(seat).into(),
                    Some(TransferTo::Number(number)) => TalkRequest::ConsultOutside(number).into(),
                    Some(TransferTo::Queue(_)) | None => TalkRequest::ConsultByName(name).into(),
                }
            }
            request => request,
        }
    }

    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        (seat, hand): (SeatId, Hand),
        request: SeatRequest,
        through: &str,
    ) -> Result<(), OrderRefused> {
        let view = self
            .board
            .floor
            .seat(seat)
            .ok_or(OrderRefused::SeatUnknown)?;
        let input = match request {
            SeatRequest::TransferByName(_) => return Err(OrderRefused::TargetUnknown),
            SeatRequest::Transfer(to) => return self.transfer(now, seat, to, None),
            SeatRequest::Dial { number, purpose } => {
                return self.dial_for(now, seat, (&number, purpose));
            }
            SeatRequest::Talk(request) => return self.ask_of_talk(now, seat, request, through),
            // It is not configured any more, and only finishes its talk.
            SeatRequest::Ready | SeatRequest::NotReady(_)
                if self.board.settings.seat(seat).is_none() =>
            {
                return Err(OrderRefused::SeatUnknown);
            }
            SeatRequest::Ready | SeatRequest::NotReady(_) if view.barred && hand == Hand::Own => {
                return Err(OrderRefused::Forced);
            }
            SeatRequest::Ready if !self.is_valid(now, seat) => {
                return Err(OrderRefused::NotValidNow);
            }
            SeatRequest::SignOut => FloorInput::SetIntent {
                seat,
                intent: Intent::NotReady(Reason::LoggedOut),
            },
            SeatRequest::Ready if view.device == Device::Unregistered => {
                return Err(OrderRefused::NotRegistered);
            }
            SeatRequest::Ready => intent_of(seat, hand, Intent::Ready),
            SeatRequest::NotReady(Reason::Own(own)) if !self.board.settings.has_reason(own) => {
                return Err(OrderRefused::ReasonUnknown);
            }
            SeatRequest::NotReady(reason) => intent_of(seat, hand, Intent::NotReady(reason)),
            SeatRequest::EndWrapUp | SeatRequest::ExtendWrapUp(_) if view.work != Work::WrapUp => {
                return Err(OrderRefused::NotWrappingUp);
            }
            SeatRequest::EndWrapUp => FloorInput::EndWrapUp { seat },
            SeatRequest::ExtendWrapUp(by) => FloorInput::ExtendWrapUp { seat, by },
        };
        self.board.floor(now, input);
        let after = self.board.floor.seat(seat).and_then(|view| view.deadline);
        if matches!(input, FloorInput::ExtendWrapUp { .. }) && after == view.deadline {
            return Err(OrderRefused::AtCap);
        }
        Ok(())
    }

    /// Whether the seat may take calls now.
    pub(super) fn is_valid(&self, now: Instant, seat: SeatId) -> bool {
        let at = self
            .board
            .wall(now)
            .civil(self.board.settings.utc_offset_minutes);
        let seat = self.board.settings.seat(seat);
        seat.is_none_or(|seat| seat.is_valid(&at))
    }

    /// Seats whose time is over take no calls any more; a talk is finished first.
    pub(super) fn sign_out_invalid(&mut self, now: Instant) {
        let signed_out = Intent::NotReady(Reason::LoggedOut);
        let settings = self.board.settings.clone();
        let limited = settings
            .seats
            .iter()
            .filter(|it| !it.memberships.is_empty());
        for seat in limited.map(|it| it.floor.id) {
            let Some(view) = self.board.floor.seat(seat) else {
                continue;
            };
            let wants = view.pending.unwrap_or(view.intent);
            if wants != signed_out && !self.is_valid(now, seat) {
                // It only says what is so; nothing can refuse it.
                let asked = (seat, Hand::Own);
                let _ = self.request(now, asked, SeatRequest::SignOut, "engine".to_owned());
            }
        }
    }
}

/// The wish of an agent, or a supervisor's word.
const fn intent_of(seat: SeatId, hand: Hand, intent: Intent) -> FloorInput {
    match hand {
        Hand::Own => FloorInput::SetIntent { seat, intent },
        Hand::Supervisor => FloorInput::Force { seat, intent },
    }
}
