//! Requests outside calls: REGISTER with its proof by digest, and a carrier's OPTIONS.

use core::{net::IpAddr, time::Duration};

use hotline_model::{Instant, SeatId, event::Event, limits, request::Request as Asked};
use hotline_sip::{
    digest::{Ha1, Nonces, Offered, Verdict},
    endpoint::{ALLOW, Request, RequestId},
    message::{Message, Method},
    path::Path,
    registration::Contact,
};

use super::Exchange;
use crate::{
    lendings::Aor,
    routing,
    settings::{DigestIn, SecondPhone, Settings},
};

/// Why a phone is bound no more, or given back, where another came.
pub(super) const TAKEN_OVER: &str = "taken over by another phone";

impl Exchange {
    pub(super) fn requested(&mut self, now: Instant, id: RequestId, path: Path, request: &Request) {
        let Some(message) = request.message() else {
            return;
        };
        match message.method() {
            Method::Register => self.register(now, id, path, &message),
            Method::Options => {
                // A carrier's ping: what we can do (RFC 3261 §11.2); 503 tells it to go elsewhere.
                let status = if self.draining { 503 } else { 200 };
                let headers = [
                    ("Allow", ALLOW.to_owned()),
                    ("Accept", "application/sdp".to_owned()),
                ];
                self.board
                    .endpoint
                    .respond(now, id, status, &headers, Vec::new());
            }
            Method::Refer => self.refer_outside(now, id, path, &message),
            _ => self.board.endpoint.respond(now, id, 405, &[], Vec::new()),
        }
    }

    /// A REFER outside every dialog would have the engine call anybody for whoever asks: nobody
    /// may, and a seat that tries is journalled.
    fn refer_outside(&mut self, now: Instant, id: RequestId, path: Path, message: &Message<'_>) {
        match self.prove(now, message, Method::Refer) {
            Ok(proven) => {
                if let Some(seat) = self.board.seat_of(proven) {
                    let event = Event::SeatRequested {
                        seat,
                        request: format!("{} outside a call", Asked::Transfer),
                        through: "phone".to_owned(),
                        done: false,
                    };
                    self.board.happened(now, event);
                }
                self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            }
            Err(verdict) => {
                let challenges = self.challenge(now, message, verdict);
                self.proof_failed(now, path, verdict);
                self.board
                    .endpoint
                    .respond(now, id, 401, &challenges, Vec::new());
            }
        }
    }

    pub(super) fn register(
        &mut self,
        now: Instant,
        id: RequestId,
        path: Path,
        message: &Message<'_>,
    ) {
        let proven = match self.browser(&path, message) {
            Some(Ok(seat)) => Ok(Aor::Seat(seat)),
            Some(Err(_)) => {
                self.board.endpoint.respond(now, id, 403, &[], Vec::new());
                return;
            }
            None => self.prove(now, message, Method::Register),
        };
        let whose = match proven {
            Ok(whose) => whose,
            Err(verdict) => {
                let challenges = self.challenge(now, message, verdict);
                self.proof_failed(now, path, verdict);
                self.board
                    .endpoint
                    .respond(now, id, 401, &challenges, Vec::new());
                return;
            }
        };
        if message.to().uri.user != Some(whose.user().as_bytes()) {
            // RFC 3261 §10.3 step 4: this user may not change another's bindings.
            self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            return;
        }
        if let Aor::Seat(seat) = whose
            && self.goes_on_by_itself(seat, message)
        {
            self.second_phone(now, seat, "refused", false);
            self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            return;
        }
        let (rule, here) = (self.board.settings.second_phone, path.remote.ip());
        // A shared phone is one, wherever it registers from.
        let seat = match whose {
            Aor::Seat(seat) if self.has_phone_beside(seat, here) => Some(seat),
            Aor::Seat(_) | Aor::Phone(_) => None,
        };
        if let Some(seat) = seat
            && rule == SecondPhone::Refused
        {
            self.second_phone(now, seat, "refused", false);
            self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            return;
        }
        let answer = self.board.registrar.register(now, whose, message, path);
        let mut bound = self.board.registrar.contacts(whose).iter();
        let is_here = bound.any(|it| it.path.remote.ip() == here);
        if let Some(seat) = seat
            && is_here
            && rule == SecondPhone::TakesOver
        {
            self.second_phone(now, seat, "takes over", true);
            let elsewhere = |it: &Contact| it.path.remote.ip() != here;
            self.board
                .registrar
                .dismiss_where(whose, TAKEN_OVER, elsewhere);
            // Not in the middle of a talk there.
            self.board.lendings.leaves(seat, TAKEN_OVER);
        }
        let (ip, bindings) = (path.remote.ip(), self.board.registrar.contacts(whose));
        if answer.status == 200 && bindings.iter().any(|at| at.path.remote.ip() == ip) {
            let life = Duration::from_secs(u64::from(limits::REGISTRATION_MAX_S));
            self.admission.proved(now, ip, life);
        }
        self.board
            .endpoint
            .respond(now, id, answer.status, &answer.headers, Vec::new());
    }

    /// Whether the seat has a phone elsewhere: one of its own at another address, or one that it
    /// was lent.
    fn has_phone_beside(&self, seat: SeatId, here: IpAddr) -> bool {
        let mut bound = self.board.registrar.contacts(Aor::Seat(seat)).iter();
        let elsewhere = bound.any(|it| it.path.remote.ip() != here);
        elsewhere || self.board.lendings.phone_of(seat).is_some()
    }

    /// A seat has two phones, and the house's rule allows one.
    pub(super) fn second_phone(&mut self, now: Instant, seat: SeatId, what: &str, done: bool) {
        let event = Event::SeatRequested {
            seat,
            request: format!("second phone {what}"),
            through: "phone".to_owned(),
            done,
        };
        self.board.happened(now, event);
    }

    /// An answer to a challenge was wrong: guessing is answered by silence after a while.
    pub(super) fn proof_failed(&mut self, now: Instant, path: Path, verdict: Verdict) {
        if verdict != Verdict::Wrong {
            return;
        }
        let trunk = routing::trunk_at(&self.board.settings, path.remote).map(|trunk| trunk.id);
        let ip = path.remote.ip();
        if let Some(event) = self.admission.proof_was_wrong(now, ip, trunk) {
            self.board.happened(now, event);
        }
    }

    /// Whose phone the request proves to come from, by digest. An unknown user takes the same time
    /// and gets the same answer as a wrong password.
    pub(super) fn prove(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        method: Method<'_>,
    ) -> Result<Aor, Verdict> {
        let settings = &self.board.settings;
        let fields = Nonces::fields(&settings.realm, message.authorizations());
        let user = fields.as_ref().and_then(|fields| fields.user_text());
        let known = user.and_then(|user| settings.aor_of_user(&user));
        let nobody = Ha1::of_nobody();
        let ha1 = known.map_or(&nobody, |(_, ha1, _)| ha1);
        let (realm, offered) = (&settings.realm, taken(settings));
        match (
            self.nonces
                .verify(now, realm, method, fields.as_ref(), ha1, offered),
            known,
        ) {
            (Verdict::Ok, Some((whose, ..))) => Ok(whose),
            (Verdict::Ok, None) => Err(Verdict::Wrong),
            (verdict, _) => Err(verdict),
        }
    }

    /// Whether the request proves a trunk's login beside its address.
    pub(super) fn prove_trunk(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        login: &DigestIn,
    ) -> Result<(), Verdict> {
        let realm = &self.board.settings.realm;
        let fields = Nonces::fields(realm, message.authorizations());
        let user = fields.as_ref().and_then(|fields| fields.user_text());
        let nobody = Ha1::of_nobody();
        let known = user.is_some_and(|user| user == login.user);
        let ha1 = if known { &login.ha1 } else { &nobody };
        let offered = taken(&self.board.settings);
        let verdict = self
            .nonces
            .verify(now, realm, Method::Invite, fields.as_ref(), ha1, offered);
        match verdict {
            Verdict::Ok if known => Ok(()),
            Verdict::Ok => Err(Verdict::Wrong),
            verdict => Err(verdict),
        }
    }

    /// Fresh challenges, SHA-256 above MD5 (RFC 8760 §2.4); MD5 alone for a seat whose phone is
    /// known to give up otherwise.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        verdict: Verdict,
    ) -> Vec<(&'static str, String)> {
        let stale = verdict == Verdict::Stale;
        let settings = &self.board.settings;
        let user = message.from().uri.user_text();
        // A name that is no seat's is asked like some seat's, so that nobody learns which exist.
        let claimed = settings.aor_of_user(&user).map(|(_, _, md5_only)| md5_only);
        let md5_only = claimed.or_else(|| {
            let nth = self.nonces.stand_in(&user, settings.seats.len())?;
            settings.seats.get(nth).map(|seat| seat.md5_only)
        });
        let offered = match md5_only {
            Some(true) if settings.md5 => Offered::Md5,
            _ => taken(settings),
        };
        self.nonces
            .challenge(now, &settings.realm, offered, stale)
            .into_iter()
            .map(|value| ("WWW-Authenticate", value))
            .collect()
    }
}

/// What an answer may use, whatever was offered.
const fn taken(settings: &Settings) -> Offered {
    if settings.md5 {
        Offered::Both
    } else {
        Offered::Sha256
    }
}
