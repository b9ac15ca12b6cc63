//! A consulted seat that takes its colleague's caller over by itself: its INVITE names the
//! colleague's dialog (RFC 3891; RFC 5589 §7.3 has the colleague's phone tell it which).

use hotline_media::Report;
use hotline_model::{
    CallId, Instant, LegId, SeatId,
    event::{Event, TransferKind},
    request::Request,
};
use hotline_sip::endpoint::DialogId;

use super::Exchange;
use crate::{
    leg::{BadBody, Leg},
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

/// A leg by which a seat wants to take a caller over; its media port is being opened.
pub(super) struct TakeOver {
    pub(super) seat: SeatId,
    /// The leg whose dialog it named.
    pub(super) named: LegId,
    /// The caller's call, beside which its leg was opened.
    pub(super) call: CallId,
    pub(super) leg: Leg,
    /// Its session description; empty where it wants ours.
    pub(super) offer: Vec<u8>,
}

impl Exchange {
    /// The call and the consultation, where `seat` may take over the caller of the colleague it
    /// talks with: as the colleague could give the caller on, and only by a dialog of the
    /// colleague's, of which the seat knows nothing unless the colleague's phone told it.
    pub(super) fn may_take_over(&self, seat: SeatId, named: LegId) -> Option<(CallId, u64)> {
        let mut consults = self.consults.iter();
        let (&number, consult) = consults.find(|(_, it)| it.has(seat))?;
        let colleague = consult.colleague_of(seat)?;
        let call = self.board.floor.seat(colleague)?.call?;
        let talks = self.talks_in(call) == Some(colleague);
        let named = match self.board.owner(named)? {
            Owner::Call(of, Side::Agent) => of == call,
            Owner::Consult(of) => of == number && consult.leg_of(colleague) == Some(named),
            _ => false,
        };
        (talks && named).then_some((call, number))
    }

    /// The seat's INVITE waits for its media port.
    pub(super) fn take_over(&mut self, dialog: DialogId, mut take_over: TakeOver) {
        self.board.connect_dialog(dialog, &mut take_over.leg);
        self.takeovers.insert(take_over.leg.id, take_over);
    }

    pub(super) fn take_over_reported(&mut self, now: Instant, leg: LegId, report: &Report) {
        let Some(mut it) = self.takeovers.remove(&leg) else {
            return;
        };
        let result = match *report {
            Report::Opened { port, .. } => {
                it.leg.opened(port);
                self.agreed_take_over(now, &mut it)
            }
            _ => Err(500),
        };
        let event = Event::SeatRequested {
            seat: it.seat,
            request: format!("{} the caller of the consulted", Request::TakeOver),
            through: "phone".to_owned(),
            done: result.is_ok(),
        };
        self.board.happened(now, event);
        match result {
            Ok((call, number)) => {
                self.end_consult(now, number, "the caller was given on");
                self.board
                    .give_leg(it.leg.id, Owner::Call(call, Side::Agent));
                let kind = TransferKind::Attended;
                let input = StageInput::TakenOver(it.seat, Box::new(it.leg), kind, None);
                self.tell_call(now, call, input);
            }
            Err(status) => {
                if let Some(dialog) = it.leg.dialog {
                    self.board.endpoint.reject(now, dialog, status, &[]);
                    self.board.forget_dialog(&mut it.leg);
                }
                self.board.close_leg(now, &mut it.leg, None);
            }
        }
    }

    /// Answers the INVITE, or says with which status to refuse it. The talk may have ended
    /// meanwhile: 603 (RFC 3891 §3).
    fn agreed_take_over(&mut self, now: Instant, it: &mut TakeOver) -> Result<(CallId, u64), u16> {
        let may = self.may_take_over(it.seat, it.named);
        let (call, number) = may.filter(|(call, _)| *call == it.call).ok_or(603_u16)?;
        let body = if it.offer.is_empty() {
            it.leg.offer().ok_or(500_u16)?
        } else {
            let answered = it.leg.answer(&it.offer, &mut self.board);
            answered.map_err(|BadBody(status)| status)?
        };
        let dialog = it.leg.dialog.ok_or(500_u16)?;
        if !self.board.reserve(now, call, it.seat) {
            return Err(486);
        }
        self.board.endpoint.answer(now, dialog, body);
        Ok((call, number))
    }

    /// The seat's phone gave up before the answer.
    pub(super) fn end_take_over(&mut self, now: Instant, leg: LegId) {
        if let Some(mut it) = self.takeovers.remove(&leg) {
            self.board.close_leg(now, &mut it.leg, None);
        }
    }
}
