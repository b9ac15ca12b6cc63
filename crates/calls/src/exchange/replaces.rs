//! An INVITE that wants the place of a call (RFC 3891): how an agent takes the own talk from the desk
//! phone to the headset or picks up there what rings on the desk, how a consulted colleague takes
//! the caller over, and how a stranger would take over a citizen's talk.

use hotline_model::{CallId, Instant, LegId, SeatId};
use hotline_sip::{
    endpoint::{DialogId, Request},
    message::Method,
    path::Path,
};

use super::{Exchange, takeovers::TakeOver};
use crate::{
    lendings::Aor,
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

/// What goes over to another phone of the seat.
#[derive(Clone, Copy)]
enum Moves {
    Talk,
    /// A call that nobody has answered yet.
    Ringing,
}

impl Exchange {
    /// Only the seat that talks with a caller may move that talk, and only to itself; only the seat
    /// that is rung for a caller may pick that call up elsewhere; and a seat that is consulted may
    /// take the caller over. Who asks proves to be a seat first (RFC 3891 §3). All others are
    /// refused, and it is journalled.
    pub(super) fn replace(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        request: &Request,
        replaced: DialogId,
    ) {
        let Some(message) = request.message() else {
            return;
        };
        let proven = match self.browser(&path, &message) {
            Some(Ok(seat)) => Ok(Aor::Seat(seat)),
            Some(Err(_)) => {
                self.refuse(now, dialog, path, &message, 403, &[], "another's seat");
                return;
            }
            None => self.prove(now, &message, Method::Invite),
        };
        let proven = match proven {
            Ok(proven) => proven,
            Err(verdict) => {
                let challenges = self.challenge(now, &message, verdict);
                self.proof_failed(now, path, verdict);
                self.board.endpoint.reject(now, dialog, 401, &challenges);
                return;
            }
        };
        let Some(seat) = self.board.seat_of(proven) else {
            let cause = "nobody is logged in at this phone";
            self.refuse(now, dialog, path, &message, 403, &[], cause);
            return;
        };
        let leg = self.board.leg_of(replaced);
        if let Some(named) = leg
            && let Some((call, _)) = self.may_take_over(seat, named)
        {
            let offer = request.session().to_vec();
            let end = self.board.seat_end(seat, &path, &offer);
            let beside = self.leg_of_call(call);
            let leg = self.board.open_leg(Owner::TakeOver, end, beside);
            let take_over = TakeOver {
                seat,
                named,
                call,
                leg,
                offer,
            };
            self.take_over(dialog, take_over);
            return;
        }
        let moves = leg.and_then(|leg| self.may_move(seat, leg));
        let Some((call, moves)) = moves else {
            let cause = "may not take a call's place";
            self.refuse(now, dialog, path, &message, 403, &[], cause);
            return;
        };
        let offer = request.session().to_vec();
        let end = self.board.seat_end(seat, &path, &offer);
        let (owner, beside) = (Owner::Call(call, Side::Target), self.leg_of_call(call));
        let mut leg = self.board.open_leg(owner, end, beside);
        self.board.connect_dialog(dialog, &mut leg);
        let leg = Box::new(leg);
        let input = match moves {
            Moves::Talk => StageInput::Moved(leg, offer),
            Moves::Ringing => StageInput::PickedUp(leg, offer),
        };
        self.tell_call(now, call, input);
    }

    /// The call whose place at `named` another phone of `seat` may take.
    fn may_move(&self, seat: SeatId, named: LegId) -> Option<(CallId, Moves)> {
        let Some(Owner::Call(call, side)) = self.board.owner(named) else {
            return None;
        };
        let stage = &self.calls.get(&call)?.stage;
        if side == Side::Agent && stage.talks() == Some(seat) {
            return Some((call, Moves::Talk));
        }
        let rings = stage.rings()?;
        (rings.seat == seat && rings.has(named)).then_some((call, Moves::Ringing))
    }
}
