//! Requests outside calls: REGISTER with its proof by digest, and a carrier's OPTIONS.

use hotline_model::{Instant, SeatId, event::Event};
use hotline_sip::{
    digest::{Ha1, Nonces, Verdict},
    endpoint::{Request, RequestId},
    message::{Message, Method},
    path::Path,
};

use super::Exchange;

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
                let headers = [("Accept", "application/sdp".to_owned())];
                self.board
                    .endpoint
                    .respond(now, id, status, &headers, Vec::new());
            }
            Method::Refer => self.refer_outside(now, id, &message),
            _ => self.board.endpoint.respond(now, id, 405, &[], Vec::new()),
        }
    }

    /// A REFER outside every dialog would have the engine call anybody for whoever asks: nobody
    /// may, and a seat that tries is journalled.
    fn refer_outside(&mut self, now: Instant, id: RequestId, message: &Message<'_>) {
        match self.prove(now, message, Method::Refer) {
            Ok(seat) => {
                let event = Event::SeatRequested {
                    seat,
                    request: "transfer outside a call".to_owned(),
                    through: "phone".to_owned(),
                    done: false,
                };
                self.board.happened(now, event);
                self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            }
            Err(verdict) => {
                let challenges = self.challenge(now, message, verdict);
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
        let seat = match self.prove(now, message, Method::Register) {
            Ok(seat) => seat,
            Err(verdict) => {
                let challenges = self.challenge(now, message, verdict);
                self.board
                    .endpoint
                    .respond(now, id, 401, &challenges, Vec::new());
                return;
            }
        };
        if message.to().uri.user != Some(seat.as_str().as_bytes()) {
            // RFC 3261 §10.3 step 4: this user may not change another's bindings.
            self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            return;
        }
        let answer = self.board.registrar.register(now, seat, message, path);
        self.board
            .endpoint
            .respond(now, id, answer.status, &answer.headers, Vec::new());
    }

    /// The seat that the request proves to come from, by digest. An unknown user takes the same
    /// time and gets the same answer as a wrong password.
    pub(super) fn prove(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        method: Method<'_>,
    ) -> Result<SeatId, Verdict> {
        let settings = &self.board.settings;
        let fields = Nonces::fields(&settings.realm, message.authorizations());
        let user = fields.as_ref().and_then(|fields| fields.user_text());
        let seat = user.and_then(|user| settings.seat_of_user(&user));
        let nobody = Ha1::of_nobody();
        let ha1 = seat.map_or(&nobody, |seat| &seat.ha1);
        match (
            self.nonces
                .verify(now, &settings.realm, method, fields.as_ref(), ha1),
            seat,
        ) {
            (Verdict::Ok, Some(seat)) => Ok(seat.floor.id),
            (Verdict::Ok, None) => Err(Verdict::Wrong),
            (verdict, _) => Err(verdict),
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
        let claimed = settings.seat_of_user(&message.from().uri.user_text());
        let skipped = usize::from(claimed.is_some_and(|seat| seat.md5_only));
        self.nonces
            .challenge(now, &settings.realm, stale)
            .into_iter()
            .skip(skipped)
            .map(|value| ("WWW-Authenticate", value))
            .collect()
    }
}
