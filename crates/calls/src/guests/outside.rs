//! A number outside as a guest of a talk: called through the trunks for the agent who consults it,
//! then a party like any other. Who may dial it is [`Outside::allowed`]'s to say, as of every call
//! out; it is called for the seat that talks, by that seat's lists.
//!
//! While it rings the agent hears the ring-back tone, or what the trunk plays in its place. Nobody
//! but the agent hears a trunk before its answer.

use core::time::Duration;

use hotline_media::Command;
use hotline_model::{
    Instant, SeatId,
    event::Event,
    guest::{GuestMode, GuestName},
    limits::HELP_SILENT_S,
};

use super::{At, Dialled, Guest};
use crate::{
    call::Facts,
    leg::ToMedia,
    outgoing::{Attempt, Outside, Progress},
    stage::Input,
    switchboard::{Side, Switchboard},
};

/// How long the first word of who was called to help is waited for.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(HELP_SILENT_S);

impl Facts {
    /// Calls a number outside for the agent at `host`, who consults it; or as help: then caller and
    /// agent talk on, and who answers hears both.
    pub(super) fn call_outside(
        &mut self,
        now: Instant,
        host: SeatId,
        number: Outside,
        mode: GuestMode,
        board: &mut Switchboard,
    ) {
        let call = self.id;
        let name = GuestName::Outside(number.number().to_owned());
        let event = Event::GuestCalled {
            call,
            seat: host,
            guest: name.clone(),
            mode,
        };
        board.happened(now, event);
        let whose = (call, self.leg.id, Side::Guest);
        let attempt = Attempt::new(now, whose, number, self.hops, board);
        let early = false;
        self.guests.list.push(Guest {
            name,
            mode,
            consulted: true,
            awaited: mode == GuestMode::Barge,
            at: At::Dialled(Box::new(Dialled { attempt, early })),
        });
    }

    /// Lets a number that is being called see what happened.
    pub(super) fn dialled_sees(
        &mut self,
        now: Instant,
        at: usize,
        input: &Input,
        board: &mut Switchboard,
    ) {
        let Some(guest) = self.guests.list.get_mut(at) else {
            return;
        };
        let At::Dialled(dialled) = &mut guest.at else {
            return;
        };
        match dialled.attempt.handle(now, input, board) {
            Progress::Going => {}
            Progress::Ringing if dialled.early => {}
            Progress::Ringing => self.ring_back(board),
            Progress::EarlyMedia => {
                dialled.early = true;
                self.ring_back_ends(board);
                self.hear(board);
            }
            Progress::Answered => self.outside_answered(now, at, board),
            Progress::Failed(failure) => {
                let why = format!("not answered: status {}", failure.told());
                self.guest_leaves(now, at, why, board);
            }
        }
    }

    fn outside_answered(&mut self, now: Instant, at: usize, board: &mut Switchboard) {
        let guest = self.guests.list.remove(at);
        let At::Dialled(dialled) = guest.at else {
            return;
        };
        let Some(answered) = dialled.attempt.answered() else {
            return;
        };
        if guest.awaited {
            let (leg, longest) = (answered.leg.id, FIRST_WORD_WITHIN);
            board.media(Command::Attend { leg, longest });
        }
        let at_leg = At::Here(answered.leg);
        let guest = Guest {
            at: at_leg,
            ..guest
        };
        self.guests.list.insert(at, guest);
        self.guest_joins(now, at, board);
        self.record_guests(board);
        self.hear(board);
    }

    /// Time passed: the next trunk is tried where one does not answer.
    pub(super) fn dialled_due(&mut self, now: Instant, input: &Input, board: &mut Switchboard) {
        let is_due = |guest: &Guest| match &guest.at {
            At::Dialled(dialled) => dialled.attempt.deadline().is_some_and(|at| at <= now),
            _ => false,
        };
        // What is due sees it once: it may set another time, or be over.
        let due = self.guests.list.iter().filter(|guest| is_due(guest));
        let due: Vec<GuestName> = due.map(|guest| guest.name.clone()).collect();
        for name in due {
            if let Some(at) = self.guests.at_name(&name) {
                self.dialled_sees(now, at, input, board);
            }
        }
    }
}
