//! What seats ask for, by star code or through the API: ready, not ready, the end of wrap-up.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, SeatId,
    event::Event,
    seat::{Device, Intent},
};

use super::Exchange;
use crate::orders::{OrderRefused, SeatRequest, TransferTo};

impl Exchange {
    /// Carries out what a seat asked for, and journals it either way.
    pub(super) fn request(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: SeatRequest,
        through: String,
    ) -> Result<(), OrderRefused> {
        let request = self.understood(request);
        let asked = request.to_string();
        let result = self.carry_out(now, seat, request, &through);
        let done = result.is_ok();
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
            request => request,
        }
    }

    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        seat: SeatId,
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
            SeatRequest::Talk(request) => return self.ask_of_talk(now, seat, request, through),
            // It is not configured any more, and only finishes its talk.
            SeatRequest::Ready | SeatRequest::NotReady(_)
                if self.board.settings.seat(seat).is_none() =>
            {
                return Err(OrderRefused::SeatUnknown);
            }
            SeatRequest::Ready if view.device == Device::Unregistered => {
                return Err(OrderRefused::NotRegistered);
            }
            SeatRequest::Ready => FloorInput::SetIntent {
                seat,
                intent: Intent::Ready,
            },
            SeatRequest::NotReady(reason) => FloorInput::SetIntent {
                seat,
                intent: Intent::NotReady(reason),
            },
            SeatRequest::EndWrapUp if view.work != hotline_model::seat::Work::WrapUp => {
                return Err(OrderRefused::NotWrappingUp);
            }
            SeatRequest::EndWrapUp => FloorInput::EndWrapUp { seat },
        };
        self.board.floor(now, input);
        Ok(())
    }
}
