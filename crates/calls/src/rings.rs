//! The phones of one seat being rung at once: each its own INVITE and its own leg. The first that
//! answers wins, and the others are told that the call was completed elsewhere. A further phone of
//! the seat may take the place of one that rings (RFC 3891), and so answers for it.

use hotline_media::Format;
use hotline_model::{
    CallId, Instant, LegId, SeatId, event::Event, limits::CONTACTS_PER_SEAT, privacy::Masked,
    request::Request as Asked, seat::OfferResult,
};
use hotline_sip::{
    endpoint::{HangUpReason, Invitation},
    path::Path,
};

use crate::{
    leg::{BadBody, Leg},
    stage::Input,
    switchboard::{Owner, Switchboard},
    trunks::numbers::{NumberOf, NumberRule, by_rules},
};

/// What the phones are shown of the call.
#[derive(Clone, Debug)]
pub struct Shown {
    /// From: a name-addr without tag.
    pub from: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// What the party speaks whom the phone will hear: offered first, so that the talk is passed on
    /// as it is.
    pub sound: Option<Format>,
    /// Hops the INVITEs may take ([`crate::call::Facts::hops`]).
    pub hops: Option<u32>,
}

/// The From of a caller: the number, with the name given where there is one; `None` or an empty
/// number: withheld (RFC 3323 §4.1).
pub fn shown_from(number: Option<&str>, name: Option<&str>, realm: &str) -> String {
    let Some(number) = number.filter(|number| !number.is_empty()) else {
        return "\"匿名\" <sip:anonymous@anonymous.invalid>".to_owned();
    };
    let mut quoted = String::new();
    for c in name.unwrap_or(number).chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    // A `#` in a user part must be escaped (RFC 3261 §25.1).
    let user = number.replace('#', "%23");
    format!("\"{quoted}\" <sip:{user}@{realm}>")
}

/// Why nobody answered: the best of what the phones said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In the floor's words.
    pub result: OfferResult,
    /// The SIP status.
    pub status: u16,
}

/// How far the ringing is after an input.
pub enum Rung {
    /// Nothing new.
    Still,
    /// A phone rings.
    Rings,
    /// A phone answered; the others were released.
    Answered(Leg),
    /// No phone is left.
    Over(Failure),
}

/// One phone.
struct RungPhone {
    leg: Leg,
    path: Path,
    uri: String,
}

/// A phone that picks up what rings at another; its media port is being opened.
struct PickUp {
    leg: Leg,
    /// Its session description; empty where it wants ours.
    offer: Vec<u8>,
}

/// The phones of a seat, being rung.
pub struct Rings {
    /// The seat.
    pub seat: SeatId,
    call: Option<CallId>,
    shown: Shown,
    phones: Vec<RungPhone>,
    picking: Option<PickUp>,
    failure: Failure,
    /// When the seat was found for a caller who waited, until an INVITE tells it so.
    found: Option<Instant>,
}

impl Rings {
    /// Opens a leg for each phone that is to ring, beside the leg of whom it is rung for; its INVITE
    /// follows when its port is known. A seat without phones is over at once ([`Rings::failure`]).
    pub fn begin(
        seat: SeatId,
        (owner, beside): (Owner, LegId),
        call: Option<CallId>,
        shown: Shown,
        board: &mut Switchboard,
    ) -> Self {
        let contacts = board.phones_of(seat);
        let phones = contacts
            .into_iter()
            .take(CONTACTS_PER_SEAT)
            .map(|(uri, path)| {
                let mut end = board.seat_end(seat, &path, &[]);
                if let Some(format) = shown.sound {
                    end.terms.formats = end.terms.formats.led_by(format);
                }
                RungPhone {
                    leg: board.open_leg(owner, end, Some(beside)),
                    path,
                    uri,
                }
            })
            .collect();
        let failure = Failure {
            result: OfferResult::Unreachable,
            status: 480,
        };
        Self {
            seat,
            call,
            shown,
            phones,
            picking: None,
            failure,
            found: None,
        }
    }

    /// The seat was found at this instant for a caller who waited: its first INVITE is measured from
    /// then.
    pub const fn measured_from(&mut self, found: Instant) {
        self.found = Some(found);
    }

    /// Begins anew beside another leg; for phones that do not ring yet.
    pub fn begin_again(&mut self, now: Instant, whose: (Owner, LegId), board: &mut Switchboard) {
        self.stop(now, None, board);
        *self = Self::begin(self.seat, whose, self.call, self.shown.clone(), board);
    }

    /// `Some` when no phone is left to wait for.
    pub fn failure(&self) -> Option<Failure> {
        let over = self.phones.is_empty() && self.picking.is_none();
        over.then_some(self.failure)
    }

    /// Whether the leg is one of these phones.
    pub fn has(&self, leg: LegId) -> bool {
        self.phones.iter().any(|phone| phone.leg.id == leg)
    }

    /// Takes in what happened at one of the phones; everything else is left alone.
    pub fn handle(&mut self, now: Instant, input: &Input, board: &mut Switchboard) -> Rung {
        let leg = match input {
            Input::PickedUp(leg, offer) => {
                self.picks_up(now, (**leg).clone(), offer.clone(), board);
                return Rung::Still;
            }
            Input::MediaOpened(leg, _)
            | Input::MediaFailed(leg, _)
            | Input::Ringing(leg, _)
            | Input::Answered(leg, _)
            | Input::Refused(leg, _, _)
            | Input::Ended(_, leg, _)
            | Input::Reoffered(_, leg, _) => *leg,
            _ => return Rung::Still,
        };
        if let Some(picking) = self.picking.take_if(|picking| picking.leg.id == leg) {
            return self.picking(now, picking, input, board);
        }
        let Some(at) = self.phones.iter().position(|phone| phone.leg.id == leg) else {
            return Rung::Still;
        };
        match input {
            Input::MediaOpened(_, port) => self.invite(now, at, *port, board),
            Input::Ringing(_, body) => {
                if let Some(phone) = self.phones.get_mut(at) {
                    phone.leg.preview(body, board);
                }
                return Rung::Rings;
            }
            Input::Reoffered(_, _, body) => {
                if let Some(phone) = self.phones.get_mut(at) {
                    phone.leg.reoffered(now, body, board);
                }
            }
            Input::Answered(_, body) => return self.answered(now, at, body, board),
            Input::Refused(_, status, contacts) => {
                self.refused(now, at, *status, contacts, board);
            }
            Input::Ended(..) => {
                if let Some(phone) = self.phones.get_mut(at) {
                    board.forget_dialog(&mut phone.leg);
                }
                self.drop_phone(now, at, 503, board);
            }
            _ => self.drop_phone(now, at, 500, board),
        }
        self.failure().map_or(Rung::Still, Rung::Over)
    }

    /// Another phone wants to answer for one that rings. One at a time; the next is busy.
    fn picks_up(&mut self, now: Instant, leg: Leg, offer: Vec<u8>, board: &mut Switchboard) {
        let picking = PickUp { leg, offer };
        if self.picking.is_none() {
            self.picking = Some(picking);
        } else {
            board.phone_asked(now, self.seat, Asked::PickUp, false);
            picking.refuse(now, 486, board);
        }
    }

    /// What happened at the phone that picks up: its port is open, and it has the call; or it is
    /// out of it, and the others go on ringing.
    fn picking(
        &mut self,
        now: Instant,
        mut picking: PickUp,
        input: &Input,
        board: &mut Switchboard,
    ) -> Rung {
        match input {
            Input::MediaOpened(_, port) => {
                picking.leg.opened(*port);
                match picking.answer(now, board) {
                    Ok(()) => {
                        board.phone_asked(now, self.seat, Asked::PickUp, true);
                        self.elsewhere(now, board);
                        return Rung::Answered(picking.leg);
                    }
                    Err(BadBody(status)) => picking.refuse(now, status, board),
                }
            }
            Input::Ended(..) => {
                board.forget_dialog(&mut picking.leg);
                board.close_leg(now, &mut picking.leg, None);
            }
            _ => picking.refuse(now, 500, board),
        }
        board.phone_asked(now, self.seat, Asked::PickUp, false);
        self.failure().map_or(Rung::Still, Rung::Over)
    }

    /// RFC 3326 §2's own example: the phones that lost keep no missed call.
    fn elsewhere(&mut self, now: Instant, board: &mut Switchboard) {
        let elsewhere = HangUpReason::sip(200, "Call completed elsewhere");
        self.stop(now, Some(&elsewhere), board);
    }

    /// Stops the ringing of all that are left.
    pub fn stop(&mut self, now: Instant, reason: Option<&HangUpReason>, board: &mut Switchboard) {
        if let Some(mut picking) = self.picking.take() {
            board.phone_asked(now, self.seat, Asked::PickUp, false);
            board.close_leg(now, &mut picking.leg, reason.cloned());
        }
        self.stop_phones(now, reason, board);
    }

    fn stop_phones(
        &mut self,
        now: Instant,
        reason: Option<&HangUpReason>,
        board: &mut Switchboard,
    ) {
        for mut phone in self.phones.drain(..) {
            board.close_leg(now, &mut phone.leg, reason.cloned());
        }
    }

    fn invite(&mut self, now: Instant, at: usize, port: u16, board: &mut Switchboard) {
        let Some(phone) = self.phones.get_mut(at) else {
            return;
        };
        phone.leg.opened(port);
        let Some(body) = phone.leg.offer() else {
            return self.drop_phone(now, at, 500, board);
        };
        let invitation = Invitation {
            path: phone.path,
            target: phone.uri.clone(),
            from: self.shown.from.clone(),
            to: format!("<sip:{}@{}>", self.seat, board.settings.realm),
            body,
            headers: self.shown.headers.clone(),
            credentials: None,
            // The floor's deadline withdraws the offer; this only bounds a lost withdrawal.
            ring_for: None,
            max_forwards: self.shown.hops,
        };
        let dialog = board.endpoint.invite(now, invitation);
        board.connect_dialog(dialog, &mut phone.leg);
        if let Some(found) = self.found.take() {
            board.invites(found);
        }
    }

    fn answered(&mut self, now: Instant, at: usize, body: &[u8], board: &mut Switchboard) -> Rung {
        let usable = self
            .phones
            .get_mut(at)
            .is_some_and(|phone| phone.leg.accept(body, board).is_ok());
        if !usable {
            self.drop_phone(now, at, 488, board);
            return self.failure().map_or(Rung::Still, Rung::Over);
        }
        let winner = self.phones.remove(at);
        self.elsewhere(now, board);
        Rung::Answered(winner.leg)
    }

    fn refused(
        &mut self,
        now: Instant,
        at: usize,
        status: u16,
        contacts: &[String],
        board: &mut Switchboard,
    ) {
        if let Some(phone) = self.phones.get_mut(at) {
            board.forget_dialog(&mut phone.leg);
        }
        if (300..400).contains(&status) {
            self.redirected(now, contacts, board);
        }
        self.drop_phone(now, at, status, board);
        if status >= 600 {
            // Said for all of the seat's phones (RFC 3261 §16.7 step 5).
            // Who picks the call up at this moment does not decline it.
            let reason = HangUpReason::sip(status, "Declined elsewhere");
            self.stop_phones(now, Some(&reason), board);
        }
    }

    /// A phone that sends the caller elsewhere is not followed: where it points is the phone's
    /// word, and may cost money.
    fn redirected(&self, now: Instant, contacts: &[String], board: &mut Switchboard) {
        let Some(call) = self.call else { return };
        let (seat, detail) = (self.seat, redirection(contacts));
        board.happened(now, Event::OfferRedirected { call, seat, detail });
    }

    fn drop_phone(&mut self, now: Instant, at: usize, status: u16, board: &mut Switchboard) {
        if at >= self.phones.len() {
            return;
        }
        let mut phone = self.phones.remove(at);
        board.close_leg(now, &mut phone.leg, None);
        let result = refusal(status);
        // A person's word goes before a phone that cannot be reached.
        if result == OfferResult::Refused || self.failure.result != OfferResult::Refused {
            self.failure = Failure { result, status };
        }
    }
}

impl PickUp {
    /// Answers its INVITE.
    fn answer(&mut self, now: Instant, board: &mut Switchboard) -> Result<(), BadBody> {
        let body = if self.offer.is_empty() {
            self.leg.offer().ok_or(BadBody(500))?
        } else {
            self.leg.answer(&self.offer, board)?
        };
        let dialog = self.leg.dialog.ok_or(BadBody(500))?;
        board.endpoint.answer(now, dialog, body);
        Ok(())
    }

    fn refuse(mut self, now: Instant, status: u16, board: &mut Switchboard) {
        if let Some(dialog) = self.leg.dialog {
            board.endpoint.reject(now, dialog, status, &[]);
            board.forget_dialog(&mut self.leg);
        }
        board.close_leg(now, &mut self.leg, None);
    }
}

/// Where a phone redirects to, for the journal: the number of its first contact, masked.
fn redirection(contacts: &[String]) -> String {
    let uri = contacts.first().map_or("", String::as_str);
    let user = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let user = user.split(['@', ';', '?']).next().unwrap_or_default();
    let user = by_rules(user, &NumberRule::usual(), NumberOf::Called);
    if user.is_empty() {
        return "redirected".to_owned();
    }
    format!("redirected to {}", Masked(&user))
}

/// A phone's final answer in the floor's words. 480, 486, 600, 603, 607 and 608 are a person's
/// doing (do-not-disturb, busy, decline, unwanted: RFC 3261 §21.4.18, §21.4.24, §21.6, RFC 8197,
/// RFC 8688), and so is a redirection that was set at the phone; the rest means that the phone
/// cannot be used now.
fn refusal(status: u16) -> OfferResult {
    match status {
        300..400 | 480 | 486 | 600 | 603 | 607 | 608 => OfferResult::Refused,
        _ => OfferResult::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_shown_by_number_and_name() {
        assert_eq!(
            shown_from(Some("13800000001"), None, "hotline"),
            "\"13800000001\" <sip:13800000001@hotline>"
        );
        assert_eq!(
            shown_from(Some("1#2"), Some("老\"王\"\r\n\\"), "hotline"),
            "\"老\\\"王\\\"\\\\\" <sip:1%232@hotline>"
        );
        for withheld in [None, Some("")] {
            let from = shown_from(withheld, Some("王"), "hotline");
            assert_eq!(from, "\"匿名\" <sip:anonymous@anonymous.invalid>");
        }
    }

    #[test]
    fn a_redirection_is_told_without_the_number() {
        for (uri, told) in [
            ("sip:13900001111@evil.example", "redirected to 139****1111"),
            (
                "tel:+8613900001111;phone-context=x",
                "redirected to 139****1111",
            ),
        ] {
            assert_eq!(redirection(&[uri.to_owned()]), told);
        }
        assert_eq!(redirection(&[]), "redirected");
    }

    #[test]
    fn a_person_s_word_is_told_from_a_phone_s() {
        for status in [302, 480, 486, 600, 603, 607] {
            assert_eq!(refusal(status), OfferResult::Refused, "{status}");
        }
        for status in [404, 408, 488, 500, 503, 606] {
            assert_eq!(refusal(status), OfferResult::Unreachable, "{status}");
        }
    }
}
