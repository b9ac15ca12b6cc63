//! Seats that dial seats, and the callers they give on to each other after.

use hotline_media::Report;
use hotline_model::{CallId, Instant, LegId, SeatId, event::TransferKind, seat::Work};
use hotline_sip::{
    endpoint::{DialogId, ReferId, Request},
    path::Path,
};

use super::Exchange;
use crate::{
    consultation::Consultation,
    orders::OrderRefused,
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

impl Exchange {
    /// A seat dialled a colleague.
    pub(super) fn consult(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        (from, to): (SeatId, SeatId),
        request: &Request,
    ) {
        let Some(message) = request.message() else {
            return;
        };
        let free = self
            .board
            .floor
            .seat(to)
            .is_some_and(|view| view.is_reachable() && view.work == Work::Free);
        // Nor while a call is being offered to the seat that dials: it will answer that.
        let own = self.board.floor.seat(from).map(|view| view.work);
        let may = !matches!(own, Some(Work::Reserved | Work::Ringing | Work::Busy));
        if from == to || !free || !may || self.consults.values().any(|it| it.has(from)) {
            self.refuse(now, dialog, path, &message, 486, &[], "the seat is busy");
            return;
        }
        let number = self.next_consult;
        self.next_consult += 1;
        let offer = request.session().to_vec();
        let end = self.board.seat_end(from, &path, &offer);
        let (owner, beside) = (Owner::Consult(number), self.leg_beside(from));
        let mut leg = self.board.open_leg(owner, end, beside);
        self.board.connect_dialog(dialog, &mut leg);
        let (seats, hops) = ((from, to), super::invites::hops(&message));
        let consult = Consultation::new(now, number, seats, leg, offer, hops, &mut self.board);
        self.consults.insert(number, consult);
    }

    pub(super) fn tell_consult(&mut self, now: Instant, number: u64, input: &StageInput) {
        let Some(consult) = self.consults.get_mut(&number) else {
            return;
        };
        if let Some(cause) = consult.handle(now, input, &mut self.board) {
            self.end_consult(now, number, cause);
        }
    }

    pub(super) fn consult_reported(
        &mut self,
        now: Instant,
        number: u64,
        leg: LegId,
        report: Report,
    ) {
        if let Report::OpenFailed { .. } = report
            && self.consult_elsewhere(now, number, leg)
        {
            return;
        }
        let input = match report {
            Report::Opened { port, .. } => StageInput::MediaOpened(leg, port),
            Report::OpenFailed { cause, .. } => StageInput::MediaFailed(leg, cause),
            Report::Broke { .. } => return self.end_consult(now, number, "a fault of the engine"),
            Report::Silent { .. } => StageInput::Silent(Side::Agent, leg),
            _ => return,
        };
        self.tell_consult(now, number, &input);
    }

    /// The thread had no port for the seat that dialled: another is asked, unless the seat has a
    /// caller beside, who could not be given on.
    fn consult_elsewhere(&mut self, now: Instant, number: u64, leg: LegId) -> bool {
        let Some(consult) = self.consults.get_mut(&number) else {
            return false;
        };
        let talk = self.board.floor.seat(consult.from).and_then(|it| it.call);
        talk.is_none() && consult.begins_elsewhere(now, leg, &mut self.board)
    }

    /// Ends the ringings that are over.
    pub(super) fn consults_due(&mut self, now: Instant) {
        let due = |it: &Consultation| it.deadline.is_some_and(|at| at <= now);
        let over = self.consults.iter().filter(|(_, it)| due(it));
        let over: Vec<u64> = over.map(|(&number, _)| number).collect();
        for number in over {
            self.end_consult(now, number, "not answered in time");
        }
    }

    pub(super) fn end_consult(&mut self, now: Instant, number: u64, cause: &str) {
        if let Some(consult) = self.consults.remove(&number) {
            consult.end(now, cause, &mut self.board);
        }
    }

    /// The seat gives its caller on to the colleague it consulted (RFC 5589 §7): `dialog` is the
    /// one of the REFER and of the caller's talk, `replaced` the one it names and of the
    /// consultation. The same seat must be in both: nobody else can give that caller on.
    pub(super) fn attended(
        &mut self,
        now: Instant,
        dialog: DialogId,
        replaced: DialogId,
        refer: ReferId,
    ) -> Result<(), OrderRefused> {
        let owner = |dialog| {
            self.board
                .leg_of(dialog)
                .and_then(|leg| self.board.owner(leg))
        };
        let (Some(Owner::Call(call, Side::Agent)), Some(Owner::Consult(number))) =
            (owner(dialog), owner(replaced))
        else {
            return Err(OrderRefused::TargetUnknown);
        };
        let seat = self.talks_in(call).ok_or(OrderRefused::NotTalking)?;
        let consult = self.consults.get(&number);
        let to = consult
            .and_then(|consult| consult.colleague_of(seat))
            .ok_or(OrderRefused::NotAllowed)?;
        if !self.board.reserve(now, call, to) {
            return Err(OrderRefused::TargetBusy);
        }
        self.board.endpoint.accept_refer(now, refer);
        let consult = self.consults.remove(&number);
        let leg = consult.and_then(|it| it.end_without(now, to, &mut self.board));
        if let Some(leg) = leg {
            let owner = Owner::Call(call, Side::Agent);
            self.board.give_leg(leg.id, owner);
            let input =
                StageInput::TakenOver(to, Box::new(leg), TransferKind::Attended, Some(refer));
            self.tell_call(now, call, input);
        }
        Ok(())
    }

    /// The first leg of a call: what the call opens further is opened beside it.
    pub(super) fn leg_of_call(&self, call: CallId) -> Option<LegId> {
        self.calls.get(&call).map(|call| call.facts.leg.id)
    }

    /// A leg of what the seat takes part in, beside which a further leg of it is opened: it may give
    /// its caller on to whom it dials.
    pub(super) fn leg_beside(&self, seat: SeatId) -> Option<LegId> {
        let call = self.board.floor.seat(seat).and_then(|view| view.call);
        let talk = call.and_then(|call| self.leg_of_call(call));
        talk.or_else(|| {
            let consult = self.consults.values().find(|it| it.has(seat))?;
            consult.leg_of(seat)
        })
    }

    /// The seat that talks in the call.
    pub(super) fn talks_in(&self, call: CallId) -> Option<SeatId> {
        self.calls.get(&call)?.stage.talks()
    }
}
