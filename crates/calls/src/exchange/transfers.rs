//! Transfers: a phone's REFER and the same wish through the API. Only a seat that talks with a
//! caller may give the caller on, and only to where it may: a REFER is how a stolen phone would
//! dial the world at our cost.

use hotline_model::{Instant, SeatId, event::Event, request::Request, seat::Work};
use hotline_sip::{
    endpoint::{DialogId, ReferId, Transfer},
    message::Uri,
};

use super::Exchange;
use crate::{
    orders::{OrderRefused, SeatRequest, TransferTo},
    outgoing::Outside,
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

impl Exchange {
    /// A peer asks us to call somebody in a dialog's stead.
    pub(super) fn referred(
        &mut self,
        now: Instant,
        dialog: DialogId,
        refer: ReferId,
        transfer: &Transfer,
    ) {
        let talk = |dialog| {
            let leg = self.board.leg_of(dialog)?;
            match self.board.owner(leg)? {
                Owner::Call(call, Side::Agent) => self.talks_in(call),
                _ => None,
            }
        };
        let seat = talk(dialog);
        // A carrier and a phone outside a talk have nobody to give on.
        let Some(seat) = seat else {
            self.board.endpoint.refuse_refer(now, refer, 403);
            return;
        };
        let target = self.target(&transfer.target);
        let attended = transfer.replaces.is_some() || transfer.replaces_unknown;
        let asked = target.as_ref().filter(|_| !attended).map_or_else(
            || {
                let to = if attended {
                    "to the consulted"
                } else {
                    "elsewhere"
                };
                format!("{} {to}", Request::Transfer)
            },
            |to| SeatRequest::Transfer(to.clone()).to_string(),
        );
        let result = match (transfer.replaces, target) {
            (Some(replaced), _) => self.attended(now, dialog, replaced, refer),
            (None, _) if attended => Err(OrderRefused::TargetUnknown),
            (None, Some(to)) => self.transfer(now, seat, to, Some(refer)),
            (None, None) => Err(OrderRefused::NotAllowed),
        };
        if let Err(refused) = result {
            let status = refused.status();
            self.board.endpoint.refuse_refer(now, refer, status);
        }
        let event = Event::SeatRequested {
            seat,
            request: asked,
            through: "phone".to_owned(),
            done: result.is_ok(),
        };
        self.board.happened(now, event);
    }

    /// Whom a Refer-To means: a user of this engine, or a number that it dials. Another host is
    /// never called.
    fn target(&self, uri: &str) -> Option<TransferTo> {
        let uri = Uri::parse(uri.as_bytes())?;
        let settings = &self.board.settings;
        if uri.is_sip() {
            let host = String::from_utf8_lossy(uri.host.raw).into_owned();
            let ours = host.eq_ignore_ascii_case(&settings.realm)
                || uri
                    .host
                    .ip()
                    .is_some_and(|host| settings.addresses().any(|own| own == host));
            if !ours {
                return None;
            }
        }
        TransferTo::read(&uri.user_text(), settings)
    }

    /// A seat gives the caller it talks with on.
    pub(super) fn transfer(
        &mut self,
        now: Instant,
        seat: SeatId,
        to: TransferTo,
        refer: Option<ReferId>,
    ) -> Result<(), OrderRefused> {
        let view = self.board.floor.seat(seat);
        let view = view.ok_or(OrderRefused::SeatUnknown)?;
        let call = view.call.filter(|call| {
            let talks = self.calls.get(call).and_then(|call| call.stage.talks());
            talks == Some(seat)
        });
        let call = call.ok_or(OrderRefused::NotTalking)?;
        self.may_go(seat, &to)?;
        if let Some(refer) = refer {
            self.board.endpoint.accept_refer(now, refer);
        }
        self.tell_call(now, call, StageInput::Transfer(to, refer));
        Ok(())
    }

    /// Whether a caller may be given on to there, now.
    fn may_go(&self, from: SeatId, to: &TransferTo) -> Result<(), OrderRefused> {
        match to {
            TransferTo::Seat(seat) => {
                let view = self.board.floor.seat(*seat);
                let view = view.ok_or(OrderRefused::TargetUnknown)?;
                let free = view.is_reachable() && view.work == Work::Free;
                if free && *seat != from {
                    Ok(())
                } else {
                    Err(OrderRefused::TargetBusy)
                }
            }
            TransferTo::Queue(queue) => {
                let has_room = self.board.floor.has_room(*queue);
                let has_room = has_room.ok_or(OrderRefused::TargetUnknown)?;
                has_room.then_some(()).ok_or(OrderRefused::TargetBusy)
            }
            // Said as one thing, whatever forbids it: a phone need not learn the lists.
            TransferTo::Number(number) => Outside::allowed(&self.board.settings, from, number)
                .map(|_| ())
                .map_err(|_| OrderRefused::NotAllowed),
        }
    }
}
