//! A new INVITE: whose it is, what it wants, and the call it becomes or the refusal it gets.

use hotline_acd::Input as FloorInput;
use hotline_model::{CallId, Instant, event::Event, limits};
use hotline_sip::{
    endpoint::{DialogId, Request},
    message::{Message, Method},
    path::Path,
};

use super::Exchange;
use crate::{
    call::{Call, Facts},
    orders::star_code,
    routing::{self, Route},
    seat_service::SeatService,
    stage::{Arriving, Stage},
    switchboard::{Owner, Side},
};

/// Seconds after which a refused caller may try again, when the engine is full or stopping.
const RETRY_AFTER_S: &str = "5";

/// Longest SIP Call-ID kept in the journal, characters. Real ones have some 20 to 80; a hostile one
/// must not make a record too long to be kept.
const CALL_ID_CHARS: usize = 255;

impl Exchange {
    pub(super) fn invited(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        request: &Request,
    ) {
        let Some(message) = request.message() else {
            return;
        };
        let dialled = routing::dialled(&message);
        let full = self.calls.len() >= limits::CALLS;
        if self.draining || full {
            let cause = if full { "too many calls" } else { "stopping" };
            let retry = ("Retry-After", RETRY_AFTER_S.to_owned());
            self.refuse(now, dialog, path, &message, 503, &[retry], cause);
            return;
        }
        let mut seat = None;
        let mut route = routing::route(&self.board.settings, path.remote, &dialled, false);
        if matches!(route, Route::Challenge) {
            match self.prove(now, &message, Method::Invite) {
                Ok(proven) => seat = Some(proven),
                Err(verdict) => {
                    // Not journalled as a refusal: it is half of every proper call of a phone.
                    let challenges = self.challenge(now, &message, verdict);
                    self.board.endpoint.reject(now, dialog, 401, &challenges);
                    return;
                }
            }
            route = routing::route(&self.board.settings, path.remote, &dialled, true);
        }
        let dialled_seat = self.board.settings.seat_of_user(&dialled);
        if let (Some(from), Some(to)) = (seat, dialled_seat.map(|seat| seat.floor.id)) {
            self.consult(now, dialog, path, (from, to), &message);
            return;
        }
        match (route, seat) {
            (_, Some(seat)) if dialled.starts_with('*') => {
                let leg = self.board.open_leg(Owner::Service);
                let (offer, request) = (message.body().to_vec(), star_code(&dialled));
                let mut service = SeatService::new(now, seat, request, leg, offer);
                self.board.connect_dialog(dialog, &mut service.leg);
                self.board
                    .floor(now, FloorInput::SeatBusy { seat, busy: true });
                self.services.insert(service.leg_id(), service);
            }
            (Route::Served { trunk, script }, _) => {
                let id = CallId(self.next_call);
                self.next_call += 1;
                let caller = routing::caller(&message, trunk.is_some());
                let sip_call_id = String::from_utf8_lossy(message.call_id());
                let sip_call_id = sip_call_id.chars().take(CALL_ID_CHARS).collect();
                let mut leg = self.board.open_leg(Owner::Call(id, Side::Caller));
                self.board.connect_dialog(dialog, &mut leg);
                let arrived = Event::CallArrived {
                    call: id,
                    trunk,
                    caller: caller.clone(),
                    called: dialled.clone(),
                    sip_call_id,
                };
                self.board.happened(now, arrived);
                let facts = Facts::new(id, trunk, caller, dialled, leg, now);
                let arriving = Arriving::new(now, message.body().to_vec(), script);
                let deadline = arriving.deadline();
                self.calls.insert(
                    id,
                    Call {
                        facts,
                        stage: Stage::Arriving(arriving),
                    },
                );
                self.set_deadline(id, deadline);
            }
            (Route::Refused(status, cause), _) => {
                self.refuse(now, dialog, path, &message, status, &[], cause);
            }
            (Route::Challenge, _) => {
                self.refuse(now, dialog, path, &message, 403, &[], "not allowed");
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a refusal says who, what, why and how"
    )]
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        message: &Message<'_>,
        status: u16,
        headers: &[(&str, String)],
        cause: &str,
    ) {
        let trunk = routing::trunk_of(&self.board.settings, path.remote);
        self.board.happened(
            now,
            Event::InviteRejected {
                source: path.remote.to_string(),
                trunk,
                caller: routing::caller(message, trunk.is_some()),
                called: routing::dialled(message),
                status,
                cause: cause.to_owned(),
            },
        );
        self.board.endpoint.reject(now, dialog, status, headers);
    }
}
