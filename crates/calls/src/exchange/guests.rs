//! Guests of a talk, asked for through the gate: who may be asked in, when, and who is meant.

use hotline_model::{
    CallId, Instant, SeatId,
    guest::{GuestMode, GuestName},
    limits::{PAUSE_REASON_CHARS, TALK_PARTIES},
    seat::Work,
};

use super::Exchange;
use crate::{
    guests::{Guests, Invited, Recorded, Wish},
    orders::{OrderRefused, SeatRequest, TalkRequest},
    outgoing::{Denied, Outside},
    stage::Input as StageInput,
};

impl Exchange {
    /// Carries out what is asked of the talk of `seat`; `through`: who asks, for the journal.
    pub(super) fn ask_of_talk(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: TalkRequest,
        through: &str,
    ) -> Result<(), OrderRefused> {
        let view = self.board.floor.seat(seat);
        let view = view.ok_or(OrderRefused::SeatUnknown)?;
        let call = view.call.filter(|call| self.talks_in(*call) == Some(seat));
        let call = call.or_else(|| self.own_call_of(seat));
        let call = call.ok_or(OrderRefused::NotTalking)?;
        let wish = self.wish(call, seat, request, through)?;
        self.tell_call(now, call, StageInput::Guest(wish));
        Ok(())
    }

    /// The call by which the seat talks with whom it called outside: the floor knows nothing of it.
    fn own_call_of(&self, seat: SeatId) -> Option<CallId> {
        let mut calls = self.calls.iter();
        let own = calls.find(|(_, call)| {
            call.facts.outgoing.is_some() && call.stage.host(&call.facts) == Some(seat)
        });
        own.map(|(call, _)| *call)
    }

    fn wish(
        &self,
        call: CallId,
        seat: SeatId,
        request: TalkRequest,
        through: &str,
    ) -> Result<Wish, OrderRefused> {
        let facts = &self.calls.get(&call).ok_or(OrderRefused::NotTalking)?.facts;
        let (guests, recorded) = (&facts.guests, &facts.recorded);
        let by = through.to_owned();
        match request {
            TalkRequest::Supervise(guest, mode) => self.supervise(guests, seat, guest, mode),
            TalkRequest::EndSupervision(guest) => match guests.mode_of(&guest.into()) {
                Some(_) => Ok(Wish::End(guest.into())),
                None => Err(OrderRefused::NoGuest),
            },
            TalkRequest::Consult(_) | TalkRequest::ConsultOutside(_) if guests.is_consulting() => {
                Err(OrderRefused::AlreadySo)
            }
            TalkRequest::ConsultOutside(number) => {
                let allowed = Outside::allowed(&self.board.settings, seat, &number);
                self.call_outside(guests, seat, allowed, GuestMode::Consult)
            }
            TalkRequest::Emergency(number) => {
                let help = Outside::emergency(&self.board.settings, &number);
                self.call_outside(guests, seat, help, GuestMode::Barge)
            }
            TalkRequest::ConsultByName(_) => Err(OrderRefused::TargetUnknown),
            TalkRequest::Consult(guest) => self.call_in(guests, seat, guest, GuestMode::Consult),
            TalkRequest::Merge => match consulted(guests)? {
                // Who still rings, or talks with both already, cannot be brought together.
                guest if guests.mode_of(&guest) == Some((GuestMode::Consult, true)) => {
                    Ok(Wish::Change(guest, GuestMode::Barge))
                }
                _ => Err(OrderRefused::NoGuest),
            },
            TalkRequest::Complete if guests.awaits_word() => Err(OrderRefused::NotSpoken),
            TalkRequest::Complete => match guests.consulted() {
                Some((guest, true)) => Ok(Wish::Change(guest, GuestMode::TakeOver)),
                _ => Err(OrderRefused::NoGuest),
            },
            TalkRequest::Cancel => Ok(Wish::End(consulted(guests)?)),
            TalkRequest::Pause { paused, reason } => pause(recorded, paused, by, reason),
            TalkRequest::CardEntry(on) if recorded.is_card_entry() == on => {
                Err(OrderRefused::AlreadySo)
            }
            TalkRequest::CardEntry(on) => Ok(Wish::CardEntry { on, by }),
        }
    }

    /// A supervisor takes part by this seat's phone, or in another way than so far.
    fn supervise(
        &self,
        guests: &Guests,
        host: SeatId,
        guest: SeatId,
        mode: GuestMode,
    ) -> Result<Wish, OrderRefused> {
        match (mode, guests.mode_of(&guest.into())) {
            (GuestMode::Consult, _) => Err(OrderRefused::NotAllowed),
            (_, None) => self.call_in(guests, host, guest, mode),
            (_, Some((before, _))) if before == mode => Err(OrderRefused::AlreadySo),
            // The agent's guest is the agent's: it is merged or released.
            (_, Some((GuestMode::Consult, _))) => Err(OrderRefused::TargetBusy),
            (_, Some(_)) => Ok(Wish::Change(guest.into(), mode)),
        }
    }

    /// Whether the seat can be rung for the talk, now.
    fn call_in(
        &self,
        guests: &Guests,
        host: SeatId,
        guest: SeatId,
        mode: GuestMode,
    ) -> Result<Wish, OrderRefused> {
        let view = self.board.floor.seat(guest);
        let view = view.ok_or(OrderRefused::TargetUnknown)?;
        has_room(guests)?;
        if guest == host || !view.is_reachable() || view.work != Work::Free {
            return Err(OrderRefused::TargetBusy);
        }
        Ok(Wish::Call(Invited { host, guest, mode }))
    }

    /// Whether the talk can have the number outside in it that the agent at that seat may call, or
    /// may not.
    fn call_outside(
        &self,
        guests: &Guests,
        host: SeatId,
        allowed: Result<Outside, Denied>,
        mode: GuestMode,
    ) -> Result<Wish, OrderRefused> {
        let number = allowed.map_err(|denied| match denied {
            Denied::NoNumber => OrderRefused::TargetUnknown,
            Denied::Seat | Denied::Trunks => OrderRefused::NotAllowed,
        })?;
        has_room(guests)?;
        let name = GuestName::Outside(number.number().to_owned());
        if guests.mode_of(&name).is_some() {
            return Err(OrderRefused::TargetBusy);
        }
        Ok(Wish::CallOutside(host, number, mode))
    }
}

/// Whether the talk can have a further guest.
fn has_room(guests: &Guests) -> Result<(), OrderRefused> {
    // Caller and agent are two.
    if guests.count() + 2 >= TALK_PARTIES {
        return Err(OrderRefused::GuestsFull);
    }
    Ok(())
}

/// The guest whom the agent asked for last.
fn consulted(guests: &Guests) -> Result<GuestName, OrderRefused> {
    let guest = guests.consulted().map(|(name, _)| name);
    guest.ok_or(OrderRefused::NoGuest)
}

fn pause(
    recorded: &Recorded,
    paused: bool,
    by: String,
    reason: String,
) -> Result<Wish, OrderRefused> {
    let chars = reason.chars().count();
    if chars == 0 || chars > PAUSE_REASON_CHARS {
        return Err(OrderRefused::NotAllowed);
    }
    if recorded.is_paused() == paused {
        return Err(OrderRefused::AlreadySo);
    }
    Ok(Wish::Pause { paused, by, reason })
}

impl From<TalkRequest> for SeatRequest {
    fn from(request: TalkRequest) -> Self {
        Self::Talk(request)
    }
}
