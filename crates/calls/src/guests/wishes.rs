//! What is asked of a talk and its guests. Whoever asks has made sure that it may be asked.

use core::time::Duration;

use hotline_model::{
    Instant, SeatId,
    event::Event,
    guest::{GuestMode, GuestName},
    limits::GUEST_RINGS_S,
};

use super::{At, Guest, Seen};
use crate::{
    call::Facts,
    outgoing::Outside,
    rings::{Rings, Shown, shown_from},
    switchboard::{Owner, Side, Switchboard},
};

/// Something asked of a talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A further seat is to take part.
    Call(Invited),
    /// The agent at that seat calls a number outside: to consult it, or as help that hears both.
    CallOutside(SeatId, Outside, GuestMode),
    /// A guest is to take part in another way; with [`GuestMode::TakeOver`] it takes the agent's
    /// place, at once or when it answers.
    Change(GuestName, GuestMode),
    /// A guest is to go.
    End(GuestName),
    /// Nothing is to be recorded any more, or again; who says so, and why.
    Pause {
        /// Whether to pause.
        paused: bool,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The caller enters a card's number, or has; who says so.
    CardEntry {
        /// Whether it begins.
        on: bool,
        /// Who.
        by: String,
    },
}

/// Who is to be called to a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The seat that talks with the caller.
    pub host: SeatId,
    /// The seat to be rung.
    pub guest: SeatId,
    /// How it takes part.
    pub mode: GuestMode,
}

impl Facts {
    pub(super) fn wished(
        &mut self,
        now: Instant,
        wish: Wish,
        talks: bool,
        board: &mut Switchboard,
    ) -> Seen {
        match wish {
            Wish::Call(invited) if talks => self.call_guest(now, invited, board),
            Wish::CallOutside(host, number, mode) if talks => {
                self.call_outside(now, host, number, mode, board);
            }
            Wish::Call(_) | Wish::CallOutside(..) => {}
            Wish::Change(name, mode) => {
                let Some(at) = self.guests.at_name(&name) else {
                    return Seen::Taken;
                };
                let here = self.guests.list.get(at).and_then(Guest::here).is_some();
                if here && mode == GuestMode::TakeOver {
                    let taken = self.taken_by(now, at, talks, board);
                    return taken.map_or(Seen::Taken, Seen::Passed);
                }
                self.change_guest(now, at, mode, board);
            }
            Wish::End(name) => {
                if let Some(at) = self.guests.at_name(&name) {
                    self.guest_leaves(now, at, "released", board);
                }
            }
            Wish::Pause { paused, by, reason } => self.pause(now, paused, by, reason, board),
            Wish::CardEntry { on, by } => self.card_entry(now, on, by, board),
        }
        Seen::Taken
    }

    /// Rings a further seat, which takes no call of the floor's from here on.
    fn call_guest(&mut self, now: Instant, invited: Invited, board: &mut Switchboard) {
        let Invited { host, guest, mode } = invited;
        let call = self.id;
        board.seat_takes_line(now, guest);
        let event = Event::GuestCalled {
            call,
            seat: host,
            guest: guest.into(),
            mode,
        };
        board.happened(now, event);
        let shown = self.shown_to_guest(invited, board);
        let whose = (Owner::Call(call, Side::Guest), self.leg.id);
        let rings = Rings::begin(guest, whose, Some(call), shown, board);
        let failure = rings.failure();
        let until = now + Duration::from_secs(GUEST_RINGS_S);
        self.guests.list.push(Guest {
            name: guest.into(),
            mode,
            consulted: mode == GuestMode::Consult,
            awaited: false,
            at: At::Rung(rings, until),
        });
        if let (Some(failure), Some(at)) = (failure, self.guests.at_name(&guest.into())) {
            let why = format!("not answered: status {}", failure.status);
            self.guest_leaves(now, at, why, board);
        }
    }

    /// The guest's phone shows who talks, and how the guest is to take part.
    fn shown_to_guest(&self, invited: Invited, board: &Switchboard) -> Shown {
        let settings = &board.settings;
        let name = settings.seat(invited.host).map(|seat| seat.name.as_str());
        let mut headers = vec![
            ("X-Hotline-Call".to_owned(), self.id.to_string()),
            ("X-Hotline-Guest".to_owned(), invited.mode.to_string()),
        ];
        if let Some(seat) = settings.seat(invited.guest) {
            headers.extend(seat.pick_up.headers(&settings.realm));
        }
        Shown {
            from: shown_from(Some(invited.host.as_str()), name, &settings.realm),
            headers,
            sound: self.leg.agreed().map(|agreed| agreed.codec),
            hops: self.hops,
        }
    }

    fn change_guest(&mut self, now: Instant, at: usize, mode: GuestMode, board: &mut Switchboard) {
        let call = self.id;
        let Some(guest) = self.guests.list.get_mut(at) else {
            return;
        };
        if guest.mode == mode {
            return;
        }
        guest.mode = mode;
        let event = Event::GuestModeChanged {
            call,
            guest: guest.name.clone(),
            mode,
        };
        board.happened(now, event);
        if guest.here().is_some() {
            self.record_again(now, board);
            self.hear(board);
        }
    }
}
