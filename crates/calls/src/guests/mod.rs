//! Guests of a talk: further seats beside caller and agent. They listen (监听), whisper to the
//! agent (耳语), talk with both (强插, 三方), with the agent alone (咨询), or take the agent's place
//! (抢接). They belong to the call and not to its stage, so that a hold or another agent leaves
//! them where they are; when nobody serves the caller any more, they go.
//!
//! A number outside takes part the same way, as whom the agent consults: see `outside`.

mod outside;
mod recorded;
mod ring_back;
mod rows;
mod wishes;

pub use recorded::Recorded;
pub use rows::Scene;
pub use wishes::{Invited, Wish};

use hotline_model::{
    Instant, LegId, SeatId,
    event::{Event, TransferKind},
    guest::{GuestMode, GuestName},
    limits::HELP_SILENT_S,
};

use crate::{
    call::Facts,
    leg::Leg,
    outgoing::Attempt,
    rings::{Rings, Rung},
    stage::{Input, cause},
    switchboard::{Owner, Side, Switchboard},
};

/// The guests of a call, and what is heard in it.
#[derive(Default)]
pub struct Guests {
    list: Vec<Guest>,
    scene: Scene,
    /// Whose leg hears the ring-back tone.
    rings_back: Option<LegId>,
}

/// A guest.
struct Guest {
    name: GuestName,
    mode: GuestMode,
    /// The agent asked for it, to consult; a supervisor asked for the others.
    consulted: bool,
    /// Its first word is waited for: the agent stays until then.
    awaited: bool,
    at: At,
}

/// How far a guest is.
enum At {
    /// Its phones ring until then.
    Rung(Rings, Instant),
    /// Its number is called through the trunks.
    Dialled(Box<Dialled>),
    /// It takes part.
    Here(Leg),
}

/// A number outside that is called.
struct Dialled {
    attempt: Attempt,
    /// The trunk plays what the agent hears: its own ringing, or an announcement.
    early: bool,
}

impl Guest {
    fn has(&self, leg: LegId) -> bool {
        match &self.at {
            At::Rung(rings, _) => rings.has(leg),
            At::Dialled(dialled) => dialled.attempt.leg_id() == leg,
            At::Here(own) => own.id == leg,
        }
    }

    /// Whether it has a leg that somebody may hear.
    fn is_heard(&self) -> bool {
        match &self.at {
            At::Rung(..) => false,
            At::Dialled(dialled) => dialled.early,
            At::Here(_) => true,
        }
    }

    /// A seat is no guest any more, and takes calls of the floor's again.
    fn leaves_line(&self, now: Instant, board: &mut Switchboard) {
        if let Some(seat) = self.name.seat() {
            board.seat_leaves_line(now, seat);
        }
    }

    /// Its leg, once it takes part.
    fn here(&self) -> Option<LegId> {
        match &self.at {
            At::Here(leg) => Some(leg.id),
            At::Rung(..) | At::Dialled(_) => None,
        }
    }
}

/// Who goes on with the caller when the agent hangs up.
pub enum Successor {
    /// A seat, by this leg.
    Seat(SeatId, Leg),
    /// Whoever answered at this number outside, by this leg.
    Outside(String, Leg),
}

/// What became of an input.
pub enum Seen {
    /// It was a guest's.
    Taken,
    /// It is the stage's, perhaps as another one.
    Passed(Input),
}

impl Guests {
    /// Guests, those that are being rung included.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// How the guest takes part, and whether it has answered.
    pub fn mode_of(&self, name: &GuestName) -> Option<(GuestMode, bool)> {
        let mut guests = self.list.iter();
        let guest = guests.find(|guest| guest.name == *name)?;
        Some((guest.mode, guest.here().is_some()))
    }

    /// The agent consults, or waits for the one to be consulted: the caller hears music.
    pub fn is_consulting(&self) -> bool {
        let mut guests = self.list.iter();
        guests.any(|guest| guest.mode == GuestMode::Consult)
    }

    /// The newest guest whom the agent asked for, and whether it has answered.
    pub fn consulted(&self) -> Option<(GuestName, bool)> {
        let mut guests = self.list.iter().rev();
        let guest = guests.find(|guest| guest.consulted)?;
        Some((guest.name.clone(), guest.here().is_some()))
    }

    /// Whether somebody was called to help who has not said a word yet.
    pub fn awaits_word(&self) -> bool {
        self.list.iter().any(|guest| guest.awaited)
    }

    /// When the next ringing ends, or the next trunk is tried.
    pub fn deadline(&self) -> Option<Instant> {
        let ends = self.list.iter().filter_map(|guest| match &guest.at {
            At::Rung(_, until) => Some(*until),
            At::Dialled(dialled) => dialled.attempt.deadline(),
            At::Here(_) => None,
        });
        ends.min()
    }

    fn at_leg(&self, leg: LegId) -> Option<usize> {
        self.list.iter().position(|guest| guest.has(leg))
    }

    fn at_name(&self, name: &GuestName) -> Option<usize> {
        self.list.iter().position(|guest| guest.name == *name)
    }
}

impl Facts {
    /// Lets the guests see what happened. `talks`: an agent talks with the caller, whose place a
    /// guest can take.
    #[must_use]
    pub fn guests_see(
        &mut self,
        now: Instant,
        input: Input,
        talks: bool,
        board: &mut Switchboard,
    ) -> Seen {
        match input {
            Input::Guest(wish) => self.wished(now, wish, talks, board),
            Input::DeadlinePassed => {
                self.stop_ringing(now, board);
                self.dialled_due(now, &input, board);
                Seen::Passed(input)
            }
            input => {
                let at = input.leg().and_then(|leg| self.guests.at_leg(leg));
                match at {
                    Some(at) => self.guest_sees(now, at, &input, talks, board),
                    None => Seen::Passed(input),
                }
            }
        }
    }

    fn guest_sees(
        &mut self,
        now: Instant,
        at: usize,
        input: &Input,
        talks: bool,
        board: &mut Switchboard,
    ) -> Seen {
        let Some(guest) = self.guests.list.get_mut(at) else {
            return Seen::Taken;
        };
        let leg = match &mut guest.at {
            At::Rung(rings, _) => {
                match rings.handle(now, input, board) {
                    Rung::Still => {}
                    Rung::Rings => self.ring_back(board),
                    Rung::Answered(leg) => return self.guest_answered(now, at, leg, talks, board),
                    Rung::Over(failure) => {
                        let why = format!("not answered: status {}", failure.status);
                        self.guest_leaves(now, at, why, board);
                    }
                }
                return Seen::Taken;
            }
            At::Dialled(_) => {
                self.dialled_sees(now, at, input, board);
                return Seen::Taken;
            }
            At::Here(leg) => leg,
        };
        match input {
            Input::Reoffered(_, _, body) => leg.reoffered(now, body, board),
            Input::Refreshed(_, _, body) => leg.refreshed(body, board),
            Input::Acknowledged(_, _, body) if !body.is_empty() => {
                let _ = leg.accept(body, board);
            }
            Input::Spoke(_) => self.guest_spoke(now, at, board),
            Input::Speechless(..) => self.guest_silent(now, at, board),
            Input::Ended(_, _, why) => {
                board.forget_dialog(leg);
                self.guest_leaves(now, at, cause(*why), board);
            }
            Input::Silent(..) => self.guest_leaves(now, at, "no sound from the guest", board),
            Input::MediaFailed(_, why) => self.guest_leaves(now, at, why.clone(), board),
            _ => {}
        }
        Seen::Taken
    }

    fn guest_spoke(&mut self, now: Instant, at: usize, board: &mut Switchboard) {
        if let Some(guest) = self.guests.list.get_mut(at)
            && core::mem::take(&mut guest.awaited)
        {
            let (call, guest) = (self.id, guest.name.clone());
            board.happened(now, Event::GuestSpoke { call, guest });
        }
    }

    /// Nobody was heard at who was called to help. The agent has listened for long enough, and may
    /// leave; the journal says that nobody spoke.
    fn guest_silent(&mut self, now: Instant, at: usize, board: &mut Switchboard) {
        if let Some(guest) = self.guests.list.get_mut(at)
            && core::mem::take(&mut guest.awaited)
        {
            let (call, guest, after_s) = (self.id, guest.name.clone(), HELP_SILENT_S);
            let event = Event::GuestSilent {
                call,
                guest,
                after_s,
            };
            board.happened(now, event);
        }
    }

    fn guest_answered(
        &mut self,
        now: Instant,
        at: usize,
        leg: Leg,
        talks: bool,
        board: &mut Switchboard,
    ) -> Seen {
        if let Some(guest) = self.guests.list.get_mut(at) {
            guest.at = At::Here(leg);
        }
        if self.guest_joins(now, at, board) == Some(GuestMode::TakeOver) {
            let taken = self.taken_by(now, at, talks, board);
            return taken.map_or(Seen::Taken, Seen::Passed);
        }
        self.record_guests(board);
        self.hear(board);
        Seen::Taken
    }

    /// The guest has answered; how it takes part.
    fn guest_joins(
        &mut self,
        now: Instant,
        at: usize,
        board: &mut Switchboard,
    ) -> Option<GuestMode> {
        let call = self.id;
        let guest = self.guests.list.get(at)?;
        let (name, mode) = (guest.name.clone(), guest.mode);
        self.ring_back_ends(board);
        let event = Event::GuestJoined {
            call,
            guest: name,
            mode,
        };
        board.happened(now, event);
        Some(mode)
    }

    /// The guest takes the agent's place, where there is one to take; else it goes.
    fn taken_by(
        &mut self,
        now: Instant,
        at: usize,
        talks: bool,
        board: &mut Switchboard,
    ) -> Option<Input> {
        let guest = self.guests.list.get(at)?;
        let (name, consulted) = (guest.name.clone(), guest.consulted);
        if !talks || !self.reserve(now, &name, board) {
            self.guest_leaves(now, at, "there is no talk to take over", board);
            return None;
        }
        let leg = self.becomes_agent(now, at, board)?;
        let seat = match name {
            GuestName::Seat(seat) => seat,
            GuestName::Outside(number) => {
                return Some(Input::GoneOutside(number, Box::new(leg)));
            }
        };
        let kind = if consulted {
            TransferKind::Attended
        } else {
            TransferKind::TakeOver
        };
        Some(Input::TakenOver(seat, Box::new(leg), kind, None))
    }

    /// The guest that goes on with the caller when the agent hangs up on both: the first of those
    /// who talk with both. The floor keeps a seat for the call.
    pub fn successor(&mut self, now: Instant, board: &mut Switchboard) -> Option<Successor> {
        let mut guests = self.guests.list.iter();
        let talks = |guest: &Guest| guest.mode == GuestMode::Barge && guest.here().is_some();
        let at = guests.position(talks)?;
        let name = self.guests.list.get(at)?.name.clone();
        if !self.reserve(now, &name, board) {
            return None;
        }
        let leg = self.becomes_agent(now, at, board)?;
        Some(match name {
            GuestName::Seat(seat) => Successor::Seat(seat, leg),
            GuestName::Outside(number) => Successor::Outside(number, leg),
        })
    }

    /// Who was called to help and has not answered yet: the attempt goes on without the agent. And
    /// whether the trunk plays something.
    pub fn help_on_its_way(
        &mut self,
        now: Instant,
        board: &mut Switchboard,
    ) -> Option<(Attempt, bool)> {
        let is_help = |guest: &Guest| guest.awaited && matches!(guest.at, At::Dialled(_));
        let at = self.guests.list.iter().position(is_help)?;
        let guest = self.guests.list.remove(at);
        self.says_left(
            now,
            &guest,
            "the agent left: the caller waits for it".to_owned(),
            board,
        );
        self.ring_back_ends(board);
        let At::Dialled(dialled) = guest.at else {
            return None;
        };
        let mut dialled = *dialled;
        dialled.attempt.is_the_callers(board);
        Some((dialled.attempt, dialled.early))
    }

    /// Has the floor keep a seat for the call; it knows nothing of a seat's own calls.
    fn reserve(&self, now: Instant, guest: &GuestName, board: &mut Switchboard) -> bool {
        let Some(seat) = guest.seat() else {
            return true;
        };
        self.outgoing.is_some() || board.reserve(now, self.id, seat)
    }

    /// The guest is none any more: its leg is the agent's.
    fn becomes_agent(&mut self, now: Instant, at: usize, board: &mut Switchboard) -> Option<Leg> {
        self.guests.list.get(at)?.here()?;
        let guest = self.guests.list.remove(at);
        self.says_left(now, &guest, "took the caller over".to_owned(), board);
        if self.outgoing.is_none() {
            guest.leaves_line(now, board);
        }
        let At::Here(leg) = guest.at else { return None };
        self.recorded.forget(leg.id);
        let side = if self.outgoing.is_some() {
            // The line stays the seat's, which has the call from here on.
            Side::Caller
        } else {
            Side::Agent
        };
        board.give_leg(leg.id, Owner::Call(self.id, side));
        Some(leg)
    }

    /// Ends the ringings that are over.
    fn stop_ringing(&mut self, now: Instant, board: &mut Switchboard) {
        let over = |guest: &Guest| matches!(guest.at, At::Rung(_, until) if until <= now);
        while let Some(at) = self.guests.list.iter().position(over) {
            self.guest_leaves(now, at, "not answered in time", board);
        }
    }

    /// A guest goes, or is not rung any more.
    fn guest_leaves(
        &mut self,
        now: Instant,
        at: usize,
        why: impl Into<String>,
        board: &mut Switchboard,
    ) {
        if at >= self.guests.list.len() {
            return;
        }
        let mut guest = self.guests.list.remove(at);
        match &mut guest.at {
            At::Rung(rings, _) => {
                rings.stop(now, None, board);
                self.ring_back_ends(board);
            }
            At::Dialled(dialled) => {
                let leg = dialled.attempt.leg_id();
                // One that failed for good has closed it.
                if board.owner(leg).is_some() {
                    dialled.attempt.give_up(now, None, board);
                }
                board.closed_guest(leg, &guest.name, guest.mode);
                self.ring_back_ends(board);
            }
            At::Here(leg) => {
                self.recorded.forget(leg.id);
                board.close_leg(now, leg, None);
                board.closed_guest(leg.id, &guest.name, guest.mode);
            }
        }
        self.says_left(now, &guest, why.into(), board);
        guest.leaves_line(now, board);
        if guest.is_heard() {
            self.hear(board);
        }
    }

    fn says_left(&self, now: Instant, guest: &Guest, cause: String, board: &mut Switchboard) {
        let event = Event::GuestLeft {
            call: self.id,
            guest: guest.name.clone(),
            mode: guest.mode,
            cause,
        };
        board.happened(now, event);
    }

    /// The agent leaves: nobody is consulted any more.
    pub fn consults_end(&mut self, now: Instant, board: &mut Switchboard) {
        let consulted = |guest: &Guest| guest.mode == GuestMode::Consult;
        while let Some(at) = self.guests.list.iter().position(consulted) {
            self.guest_leaves(now, at, "the agent left", board);
        }
    }

    /// Nobody serves the caller any more: the guests go, and what kept the caller from being heard
    /// or recorded is over.
    pub fn talk_over(&mut self, now: Instant, board: &mut Switchboard) {
        self.guests.scene = Scene::Apart;
        while !self.guests.list.is_empty() {
            self.guest_leaves(now, 0, "the talk is over", board);
        }
        self.nothing_is_kept_back(now, board);
    }
}
