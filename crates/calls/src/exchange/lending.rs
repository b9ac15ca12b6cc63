//! Shared phones: agents log in there with a PIN, and give them back.

use hotline_model::{
    Instant, LegId, PhoneId, SeatId,
    event::Event,
    limits::PIN_LOCK_S,
    seat::{Device, Intent, Reason, Work},
};
use hotline_sip::{
    endpoint::{DialogId, Request},
    message::Message,
    path::Path,
    registration::binds,
};

use super::{Exchange, authentication::TAKEN_OVER};
use crate::{
    lendings::{Aor, LOG_IN, Pin},
    orders::{Hand, SeatRequest},
    seat_service::{Dialled, LogIn, SeatService},
    settings::SecondPhone,
    switchboard::Owner,
};

/// Why somebody is not let in: what is said, and what is journalled.
struct NotIn {
    said: &'static str,
    why: &'static str,
}

impl NotIn {
    const fn because(why: &'static str) -> Self {
        let said = "seat-code-refused";
        Self { said, why }
    }
}

impl Exchange {
    /// A shared phone that is no seat's dialled, or one at which somebody logs in. It can do nothing
    /// else.
    pub(super) fn shared_phone_dials(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        request: &Request,
        (phone, dialled): (PhoneId, &str),
    ) {
        // One person at a time types a PIN there: a second call would double the guesses.
        if self.services.values().any(|it| it.logs_in_at(phone)) {
            self.not_let_in(now, phone, None, "somebody logs in there already");
            self.board.endpoint.reject(now, dialog, 486, &[]);
            return;
        }
        let offer = request.session().to_vec();
        let end = self.board.phone_end(phone, &path, &offer);
        let leg = self.board.open_leg(Owner::Service, end, None);
        let dialled = match dialled.strip_prefix(LOG_IN) {
            Some(number) => Dialled::LogIn(LogIn::new(phone, number.to_owned())),
            None => Dialled::Nobody,
        };
        self.serve_code(dialog, SeatService::new(now, dialled, leg, offer));
    }

    /// The phone is connected: asks for the PIN, also where there is no such seat, so that nobody
    /// learns by asking which there are.
    pub(super) fn log_in_began(&mut self, now: Instant, leg: LegId, log_in: &LogIn) {
        let locked = self.is_locked(now, log_in.phone, &log_in.number);
        let Some(service) = self.services.get_mut(&leg) else {
            return;
        };
        if locked {
            service.say("phone-locked", &mut self.board);
            let seat = self.board.settings.seat_of_user(&log_in.number);
            let seat = seat.map(|seat| seat.floor.id);
            self.not_let_in(now, log_in.phone, seat, "locked after too many wrong PINs");
        } else {
            service.ask_for_pin(&mut self.board);
        }
    }

    fn is_locked(&self, now: Instant, phone: PhoneId, number: &str) -> bool {
        let seat = self.board.settings.seat_of_user(number);
        let seat = seat.map(|seat| Aor::Seat(seat.floor.id));
        let mut both = [Some(Aor::Phone(phone)), seat].into_iter().flatten();
        both.any(|whose| self.board.lendings.is_locked(now, whose))
    }

    /// A key was pressed in a star-code call.
    pub(super) fn service_pressed(&mut self, now: Instant, leg: LegId, key: char) {
        let service = self.services.get_mut(&leg);
        let Some((phone, number, pin)) = service.and_then(|service| service.pressed(key)) else {
            return;
        };
        let seat = self.board.settings.seat_of_user(&number);
        let seat = seat.map(|seat| seat.floor.id);
        let said = match self.log_in(now, phone, seat, &pin) {
            Ok(()) => "phone-logged-in",
            Err(NotIn { said, why }) => {
                self.not_let_in(now, phone, seat, why);
                said
            }
        };
        if let Some(service) = self.services.get(&leg) {
            service.say(said, &mut self.board);
        }
    }

    fn not_let_in(&mut self, now: Instant, phone: PhoneId, seat: Option<SeatId>, why: &str) {
        let why = why.to_owned();
        let event = Event::PhoneLogInRefused { phone, seat, why };
        self.board.happened(now, event);
    }

    /// Somebody typed a PIN for a seat, where there is one of the number dialled.
    fn log_in(
        &mut self,
        now: Instant,
        phone: PhoneId,
        seat: Option<SeatId>,
        pin: &str,
    ) -> Result<(), NotIn> {
        // It may have been locked by another call meanwhile: then no PIN tells anything.
        if self.is_locked(now, phone, seat.as_ref().map_or("", SeatId::as_str)) {
            return Err(NotIn {
                said: "phone-locked",
                why: "locked after too many wrong PINs",
            });
        }
        let settings = self.board.settings.clone();
        let known = seat.and_then(|seat| Some((seat, settings.seat(seat)?.pin.as_ref()?)));
        let right = known.filter(|(seat, kept)| **kept == Pin::of(*seat, pin));
        let Some((seat, _)) = right else {
            self.pin_was_wrong(now, phone, seat);
            return Err(NotIn {
                said: "phone-pin-wrong",
                why: "wrong PIN",
            });
        };
        self.board.lendings.was_right(Aor::Seat(seat));
        self.board.lendings.was_right(Aor::Phone(phone));
        self.lend(now, phone, seat)
    }

    fn pin_was_wrong(&mut self, now: Instant, phone: PhoneId, seat: Option<SeatId>) {
        let whose = [Some(Aor::Phone(phone)), seat.map(Aor::Seat)];
        for whose in whose.into_iter().flatten() {
            if self.board.lendings.was_wrong(now, whose) {
                let seat = match whose {
                    Aor::Seat(seat) => Some(seat),
                    Aor::Phone(_) => None,
                };
                let for_s = PIN_LOCK_S;
                let event = Event::PhoneLogInLocked { phone, seat, for_s };
                self.board.happened(now, event);
            }
        }
    }

    /// The phone becomes the seat's, by the house's rule of second phones: an agent is at one shared
    /// phone at most, and a shared phone is one agent's.
    fn lend(&mut self, now: Instant, phone: PhoneId, seat: SeatId) -> Result<(), NotIn> {
        let before = self.board.lendings.seat_at(phone);
        if before == Some(seat) {
            self.board.lendings.stays(seat);
            return Ok(());
        }
        if !self.is_valid(now, seat) {
            return Err(NotIn::because("the seat may take no calls at this time"));
        }
        if self.board.registrar.contact(Aor::Phone(phone)).is_none() {
            return Err(NotIn::because("the phone is not registered"));
        }
        let rule = self.board.settings.second_phone;
        let elsewhere = self.board.lendings.phone_of(seat);
        let own = self.board.registrar.contact(Aor::Seat(seat)).is_some();
        if rule == SecondPhone::Refused {
            if before.is_some() {
                return Err(NotIn::because("another agent is logged in at the phone"));
            }
            if elsewhere.is_some() || own {
                self.second_phone(now, seat, "refused", false);
                return Err(NotIn::because("the seat has another phone"));
            }
        }
        let gives_way = [before, elsewhere.map(|_| seat)];
        let mut gives_way = gives_way.into_iter().flatten();
        if gives_way.any(|seat| self.has_something_to_do(seat)) {
            return Err(NotIn::because("a call is under way"));
        }
        if before.is_some() {
            self.give_back(now, phone, "another agent logged in");
        }
        if let Some(elsewhere) = elsewhere {
            self.second_phone(now, seat, "takes over", true);
            self.unlend(now, elsewhere, TAKEN_OVER);
        }
        self.board.lendings.lend(phone, seat);
        self.board
            .happened(now, Event::SeatLentPhone { seat, phone });
        self.board.note_device(now, seat, format!("phone {phone}"));
        self.look_at_desk(now, seat);
        if own && rule == SecondPhone::TakesOver {
            self.second_phone(now, seat, "takes over", true);
            let own = self.board.registrar.series(Aor::Seat(seat));
            self.board.lendings.gives_way(seat, own);
            self.board.registrar.dismiss(Aor::Seat(seat), TAKEN_OVER);
        }
        Ok(())
    }

    /// Whether the REGISTER is of a phone that gave way to the shared one, and that only goes on by
    /// itself: nobody asked it to take the seat back. One that its agent ends is forgotten, and means
    /// it when it comes again.
    pub(super) fn goes_on_by_itself(&mut self, seat: SeatId, request: &Message<'_>) -> bool {
        if !self.board.lendings.gave_way(seat, request) {
            return false;
        }
        let goes_on = binds(request);
        if !goes_on {
            self.board.lendings.ended_own(seat, request);
        }
        goes_on
    }

    /// Whether the seat is rung, talks, or has a call of its own, begun in its wrap-up or not.
    fn has_something_to_do(&self, seat: SeatId) -> bool {
        let view = self.board.floor.seat(seat);
        view.is_some_and(|view| !matches!(view.work, Work::Free | Work::WrapUp))
            || self.board.has_line(seat)
    }

    /// The phone is nobody's from now on: whose it was.
    fn unlend(&mut self, now: Instant, phone: PhoneId, why: &str) -> Option<SeatId> {
        let seat = self.board.lendings.take_back(phone)?;
        let why = why.to_owned();
        let event = Event::SeatGavePhoneBack { seat, phone, why };
        self.board.happened(now, event);
        Some(seat)
    }

    /// The phone goes back; a seat that has no other is signed out, after its talk.
    pub(super) fn give_back(&mut self, now: Instant, phone: PhoneId, why: &str) {
        let Some(seat) = self.unlend(now, phone, why) else {
            return;
        };
        self.board.lendings.may_come(seat);
        self.board
            .note_device(now, seat, format!("gave {phone} back"));
        self.look_at_desk(now, seat);
        let signed_out = Intent::NotReady(Reason::LoggedOut);
        let view = self.board.floor.seat(seat);
        let wants = view.map(|view| view.pending.unwrap_or(view.intent));
        if self.board.device_of(seat) == Device::Unregistered
            && wants.is_some_and(|wants| wants != signed_out)
        {
            // It only says what is so; nothing can refuse it.
            let asked = (seat, Hand::Own);
            let _ = self.request(now, asked, SeatRequest::SignOut, "engine".to_owned());
        }
    }

    /// Phones of seats that signed out go back, as soon as nothing is left to do there. True where
    /// one did.
    pub(super) fn phones_go_back(&mut self, now: Instant) -> bool {
        let leaving = self.board.lendings.leaving();
        let mut done = false;
        for (seat, phone, why) in leaving {
            if !self.has_something_to_do(seat) {
                self.give_back(now, phone, why);
                done = true;
            }
        }
        done
    }

    /// The shift of an agent at a shared phone is over: the next one's needs it. Whoever came out of
    /// a shift's hours stays.
    pub(super) fn shifts_end(&mut self, now: Instant) {
        let (settings, at) = (self.board.settings.clone(), self.board.wall(now));
        let lent: Vec<SeatId> = self.board.lendings.seats().collect();
        for seat in lent {
            let mut shifts = settings.shifts.iter();
            let offset = settings.utc_offset_minutes;
            let works = shifts.any(|it| it.seats.contains(&seat) && it.holds(at, offset));
            if self.board.lendings.shift_ended(seat, works) {
                let asked = (seat, Hand::Own);
                // It only says what is so; nothing can refuse it.
                let _ = self.request(now, asked, SeatRequest::SignOut, "engine".to_owned());
                self.board.lendings.leaves(seat, "the shift is over");
            }
        }
    }

    /// A shared phone came, moved, or went away.
    pub(super) fn phone_changed(
        &mut self,
        now: Instant,
        phone: PhoneId,
        registered: bool,
        detail: String,
    ) {
        let device = if registered {
            Device::Registered
        } else {
            Device::Unregistered
        };
        let event = Event::PhoneDeviceChanged {
            phone,
            device,
            detail: detail.clone(),
        };
        self.board.happened(now, event);
        if !registered {
            self.give_back(now, phone, &format!("the phone is gone: {detail}"));
        } else if let Some(seat) = self.board.lendings.seat_at(phone) {
            self.board.note_device(now, seat, detail);
        }
    }
}
