//! Click to dial: a page asks that a seat call a number outside. The seat is rung first.

use hotline_model::{CallId, Instant, SeatId, event::Event, seat::Work};

use super::Exchange;
use crate::{
    call::{Facts, Talked},
    leg::Leg,
    orders::OrderRefused,
    outgoing::{Denied, Outside},
    stage::{CallingOut, Stage},
};

impl Exchange {
    /// Rings the seat, which calls the number when it has answered. By the lists of any call out.
    pub(super) fn dial_for(
        &mut self,
        now: Instant,
        seat: SeatId,
        (number, purpose): (&str, Option<String>),
    ) -> Result<(), OrderRefused> {
        let view = self.board.floor.seat(seat);
        let work = view.ok_or(OrderRefused::SeatUnknown)?.work;
        if self.board.phones_of(seat).is_empty() {
            return Err(OrderRefused::NotRegistered);
        }
        if !matches!(work, Work::Free | Work::WrapUp) || self.board.has_line(seat) {
            return Err(OrderRefused::SeatBusy);
        }
        if self.draining || self.is_full() {
            return Err(OrderRefused::Full);
        }
        let number = Outside::allowed(&self.board.settings, seat, number).map_err(|denied| {
            self.dial_denied(now, seat, number, denied);
            match denied {
                Denied::NoNumber => OrderRefused::TargetUnknown,
                Denied::Seat | Denied::Trunks => OrderRefused::NotAllowed,
            }
        })?;
        let call = CallId(self.next_call);
        self.next_call += 1;
        let numbers = (seat.to_string(), number.number().to_owned());
        let mut facts = Facts::new(call, None, numbers.0, numbers.1, Leg::absent(), now);
        facts.dialled_by = Some(seat);
        facts.outgoing = Some(Talked::default());
        self.board.seat_takes_line(now, seat);
        let event = Event::CallDialled {
            call,
            seat,
            called: facts.called.clone(),
            sip_call_id: String::new(),
            purpose,
        };
        self.board.happened(now, event);
        let stage = CallingOut::enter(&mut facts, now, seat, number, &mut self.board);
        if !matches!(stage, Stage::Ended) {
            self.begin(facts, stage);
        }
        Ok(())
    }

    /// The lists do not allow the number.
    pub(super) fn dial_denied(&mut self, now: Instant, seat: SeatId, number: &str, why: Denied) {
        let event = Event::DialRejected {
            seat,
            called: number.to_owned(),
            status: why.status(),
            cause: why.cause().to_owned(),
        };
        self.board.happened(now, event);
    }
}
