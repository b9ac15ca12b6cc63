//! A new INVITE: whose it is, what it wants, and the call it becomes or the refusal it gets.

use hotline_model::{CallId, Instant, SeatId, TrunkId, event::Event};
use hotline_sip::{
    digest::Verdict,
    endpoint::{DialogId, Request},
    message::{Message, Method},
    path::Path,
};

use super::{Exchange, blocked::Barred};
use crate::{
    call::{Call, Facts, Talked},
    lendings::{Aor, LOG_IN},
    orders::star_code,
    outgoing::{Outgoing, Outside},
    routing::{self, Route},
    seat_service::{Dialled, SeatService},
    settings::Trunk,
    stage::{Arriving, Stage},
    switchboard::{End, Owner, Side},
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
        let settings = self.board.settings.clone();
        let trunk = routing::trunk_at(&settings, path.remote);
        let dialled = routing::dialled(&message, trunk);
        let full = self.is_full();
        if self.draining || full {
            let cause = if full { "too many calls" } else { "stopping" };
            let retry = ("Retry-After", RETRY_AFTER_S.to_owned());
            self.refuse(now, dialog, path, &message, 503, &[retry], cause);
            return;
        }
        let mut seat = match self.browser(&path, &message) {
            Some(Ok(seat)) => Some(seat),
            Some(Err(_)) => {
                self.refuse(now, dialog, path, &message, 403, &[], "another's seat");
                return;
            }
            None => None,
        };
        let mut shared = None;
        let mut route = routing::route(&settings, path.remote, &dialled, seat.is_some());
        if seat.is_none()
            && matches!(route, Route::Refused(..))
            && routing::claims_seat(&settings, &message)
        {
            // A seat's phone may stand at a trunk's address; only a seat dials elsewhere.
            route = Route::Challenge;
        }
        if matches!(route, Route::Challenge) {
            match self.prove(now, &message, Method::Invite) {
                Ok(proven) => {
                    seat = self.board.seat_of(proven);
                    if let Aor::Phone(phone) = proven {
                        shared = Some(phone);
                    }
                }
                Err(verdict) => {
                    // Not journalled as a refusal: it is half of every proper call of a phone.
                    let challenges = self.challenge(now, &message, verdict);
                    self.proof_failed(now, path, verdict);
                    self.board.endpoint.reject(now, dialog, 401, &challenges);
                    return;
                }
            }
            route = routing::route(&settings, path.remote, &dialled, true);
        }
        if let Some(phone) = shared
            && (seat.is_none() || (is_log_in(&dialled) && star_code(&dialled, &settings).is_none()))
        {
            self.shared_phone_dials(now, dialog, path, request, (phone, &dialled));
            return;
        }
        if let (None, Some(trunk)) = (seat, trunk)
            && !self.trunk_may_call(now, dialog, path, &message, trunk)
        {
            return;
        }
        let dialled_seat = self.board.settings.seat_of_user(&dialled);
        if let (Some(from), Some(to)) = (seat, dialled_seat.map(|seat| seat.floor.id)) {
            self.consult(now, dialog, path, (from, to), request);
            return;
        }
        match (route, seat) {
            (_, Some(seat)) if dialled.starts_with('*') => {
                let (offer, request) = (request.session().to_vec(), star_code(&dialled, &settings));
                let end = self.board.seat_end(seat, &path, &offer);
                let beside = self.leg_beside(seat);
                let leg = self.board.open_leg(Owner::Service, end, beside);
                self.board.seat_takes_line(now, seat);
                let code = Dialled::Code(seat, request);
                self.serve_code(dialog, SeatService::new(now, code, leg, offer));
            }
            (
                Route::Served {
                    trunk: from,
                    script,
                },
                _,
            ) => {
                let caller = routing::caller(&message, trunk.filter(|_| from.is_some()));
                let barred = from.and_then(|_| self.barred(now, &caller.number));
                if let Some(Barred::Rejected(block)) = barred {
                    self.blocked(now, block, None);
                    let cause = "the caller is blocked";
                    self.refuse(now, dialog, path, &message, 603, &[], cause);
                    return;
                }
                let offer = request.session().to_vec();
                let end = match seat {
                    Some(seat) => self.board.seat_end(seat, &path, &offer),
                    None => self.board.trunk_end(&path, &offer),
                };
                let numbers = (caller.number, dialled);
                let mut facts = self.taken_in(now, dialog, from, numbers, (end, seat));
                facts.withheld = caller.withheld;
                facts.hops = hops(&message);
                if let Some(from) = from {
                    self.board.trunks.brought(from, facts.leg.id);
                }
                let arrived = Event::CallArrived {
                    call: facts.id,
                    trunk: from,
                    caller: facts.caller.clone(),
                    called: facts.called.clone(),
                    sip_call_id: sip_call_id(&message),
                    withheld: facts.withheld,
                };
                self.board.happened(now, arrived);
                if let Some(seat) = seat {
                    facts.dialled_by = Some(seat);
                    self.board.seat_takes_line(now, seat);
                }
                let script = match barred {
                    Some(Barred::Hears(block, instead)) => {
                        self.blocked(now, block, Some(facts.id));
                        instead
                    }
                    _ => script,
                };
                let arriving = Arriving::new(now, offer, script);
                self.begin(facts, Stage::Arriving(arriving));
            }
            (Route::Refused(..), Some(seat)) => {
                self.dial(now, dialog, path, request, (seat, &dialled));
            }
            (Route::Refused(status, cause), None) => {
                self.refuse(now, dialog, path, &message, status, &[], cause);
            }
            (Route::Challenge, _) => {
                self.refuse(now, dialog, path, &message, 403, &[], "not allowed");
            }
        }
    }

    pub(super) fn serve_code(&mut self, dialog: DialogId, mut service: SeatService) {
        self.board.connect_dialog(dialog, &mut service.leg);
        self.services.insert(service.leg_id(), service);
    }

    /// Whether a trunk's INVITE may become a call: it proves its login, where it must, and the
    /// trunk has room. Else it was answered.
    fn trunk_may_call(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        message: &Message<'_>,
        trunk: &Trunk,
    ) -> bool {
        if let Some(login) = &trunk.digest_in
            && let Err(verdict) = self.prove_trunk(now, message, login)
        {
            let challenges = self.challenge(now, message, verdict);
            if verdict == Verdict::Wrong {
                self.admission.login_was_wrong(now, trunk.id);
            }
            self.board.endpoint.reject(now, dialog, 401, &challenges);
            return false;
        }
        if self.board.trunks.is_full(trunk.id) {
            let retry = ("Retry-After", RETRY_AFTER_S.to_owned());
            let cause = "the trunk carries as many calls as it may";
            self.refuse(now, dialog, path, message, 503, &[retry], cause);
            return false;
        }
        true
    }

    /// A seat dials a number that is not served here: outside, if the lists allow it.
    fn dial(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        request: &Request,
        (seat, dialled): (SeatId, &str),
    ) {
        let Some(message) = request.message() else {
            return;
        };
        let outside = match Outside::allowed(&self.board.settings, seat, dialled) {
            Ok(outside) => outside,
            Err(denied) => {
                self.dial_denied(now, seat, dialled, denied);
                self.board
                    .endpoint
                    .reject(now, dialog, denied.status(), &[]);
                return;
            }
        };
        let numbers = (seat.to_string(), outside.number().to_owned());
        let offer = request.session().to_vec();
        let end = self.board.seat_end(seat, &path, &offer);
        let mut facts = self.taken_in(now, dialog, None, numbers, (end, Some(seat)));
        facts.dialled_by = Some(seat);
        facts.outgoing = Some(Talked::default());
        facts.hops = hops(&message);
        self.board.seat_takes_line(now, seat);
        if let Some(event) = facts.dialled(sip_call_id(&message)) {
            self.board.happened(now, event);
        }
        let outgoing = Outgoing::new(now, outside, offer);
        self.begin(facts, Stage::Outgoing(Box::new(outgoing)));
    }

    /// A call's number and its caller's leg, with our end of its sound; the seat that dialled, where
    /// one did.
    fn taken_in(
        &mut self,
        now: Instant,
        dialog: DialogId,
        trunk: Option<TrunkId>,
        (caller, called): (String, String),
        (end, dialled_by): (End, Option<SeatId>),
    ) -> Facts {
        let id = CallId(self.next_call);
        self.next_call += 1;
        let beside = dialled_by.and_then(|seat| self.leg_beside(seat));
        let owner = Owner::Call(id, Side::Caller);
        let mut leg = self.board.open_leg(owner, end, beside);
        self.board.connect_dialog(dialog, &mut leg);
        Facts::new(id, trunk, caller, called, leg, now)
    }

    pub(super) fn begin(&mut self, facts: Facts, stage: Stage) {
        let (id, deadline) = (facts.id, stage.deadline());
        self.calls.insert(id, Box::new(Call { facts, stage }));
        self.set_deadline(id, deadline);
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
        let trunk = routing::trunk_at(&self.board.settings, path.remote);
        let event = Event::InviteRejected {
            source: path.remote.to_string(),
            trunk: trunk.map(|trunk| trunk.id),
            caller: routing::caller(message, trunk).number,
            called: routing::dialled(message, trunk),
            status,
            cause: cause.to_owned(),
        };
        self.board.happened(now, event);
        self.board.endpoint.reject(now, dialog, status, headers);
    }
}

/// Whether it asks to log in at a shared phone.
fn is_log_in(dialled: &str) -> bool {
    dialled.starts_with(LOG_IN)
}

/// Hops left for calls that are made because of this INVITE (RFC 7332 §4).
pub(super) fn hops(message: &Message<'_>) -> Option<u32> {
    let left = message.max_forwards()?;
    Some(u32::from(left.saturating_sub(1)))
}

/// The SIP Call-ID, for the journal.
fn sip_call_id(message: &Message<'_>) -> String {
    let id = String::from_utf8_lossy(message.call_id());
    id.chars().take(CALL_ID_CHARS).collect()
}
