//! The wallboard as agents see it. Nothing in it tells of a supervisor who only listens to a talk,
//! or is about to take it over: such a guest is on no call's line, and the phone it listens by is
//! shown as it was before.
//!
//! A seat is busy with what the floor did not send: a call of its own, a colleague who consults it,
//! a talk it is a guest of. Agents are shown so where they can see with what: the call's line says
//! it, or the guest's, or a consultation is known. Every other busy seat is shown free, and free for
//! as long as it was, so that neither the state nor its clock betrays anybody. What is not known to
//! be open is kept back.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    CallId, SeatId,
    seat::{Device, Reason, Work},
};

use crate::{
    Wallboard,
    wallboard::{GuestLine, IntentWord, SeatLine},
};

/// What agents were shown so far. One for all: no agent sees more than another.
#[derive(Debug, Default)]
pub struct AgentsView {
    seats: BTreeMap<SeatId, Seen>,
}

/// What agents see of a seat.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    look: Look,
    /// Uptime at which it began, as they see it, ms.
    began_ms: u64,
    is_kept_back: bool,
}

/// What a seat looks like. A wish told during a call begins nothing anew.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    intent: Option<(IntentWord, Option<Reason>)>,
    work: Work,
    device: Device,
    call: Option<CallId>,
}

impl Look {
    fn of(line: &SeatLine) -> Self {
        let intent = (line.intent, line.reason);
        Self {
            intent: (line.work == Work::Free).then_some(intent),
            work: line.work,
            device: line.device,
            call: line.call,
        }
    }
}

impl AgentsView {
    /// The next picture, taken at that uptime, as agents see it; `None`: as everybody does.
    /// `consulting` are the seats known to talk with each other.
    pub fn of(
        &mut self,
        board: &Wallboard,
        consulting: &BTreeSet<SeatId>,
        up_ms: u64,
    ) -> Option<Wallboard> {
        let mut shown = board.clone();
        for call in &mut shown.calls {
            call.guests.retain(GuestLine::is_open);
        }
        for queue in &mut shown.queues {
            // Who is not where by the house's plan is the supervisors' alone.
            (queue.missing, queue.missing_seats) = (0, Vec::new());
        }
        let of_calls = shown.calls.iter().filter_map(|call| call.seat);
        let guests = shown.calls.iter().flat_map(|call| &call.guests);
        let of_guests = guests.filter_map(|guest| guest.name.seat());
        let known: BTreeSet<SeatId> = of_calls.chain(of_guests).collect();
        for line in &mut shown.seats {
            line.shift = None;
            let is_open = known.contains(&line.seat) || consulting.contains(&line.seat);
            self.see(line, is_open, up_ms);
        }
        (shown != *board).then_some(shown)
    }

    /// Makes of a seat's line what agents see. `is_open`: they may know with what it is busy.
    fn see(&mut self, line: &mut SeatLine, is_open: bool, up_ms: u64) {
        let is_kept_back = line.work == Work::Busy && !is_open;
        if is_kept_back {
            line.work = Work::Free;
        }
        let look = Look::of(line);
        let began_ms = up_ms.saturating_sub(line.since_ms);
        let before = self.seats.get(&line.seat);
        let began_ms = match before {
            Some(seen) if seen.look == look => seen.began_ms,
            // What it did before is not told by when it ended either.
            Some(seen) if seen.is_kept_back || is_kept_back => up_ms,
            _ => began_ms,
        };
        line.since_ms = up_ms.saturating_sub(began_ms);
        let seen = Seen {
            look,
            began_ms,
            is_kept_back,
        };
        self.seats.insert(line.seat, seen);
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::{
        Timestamp,
        guest::{GuestMode, GuestName},
    };

    use super::*;
    use crate::wallboard::{CallLine, EngineLine, Stage};

    fn seat(name: &str) -> SeatId {
        SeatId::new(name).unwrap()
    }

    fn line(name: &str, work: Work, since_ms: u64) -> SeatLine {
        SeatLine {
            seat: seat(name),
            name: String::new(),
            intent: IntentWord::Ready,
            reason: None,
            work,
            device: Device::Registered,
            call: None,
            since_ms,
            calls_today: 0,
            pending: None,
            pending_reason: None,
            contractor: None,
            phone: None,
            desk_lost: false,
            shift: None,
        }
    }

    /// Seat 1001 talks, and 1009 is its guest in this mode.
    fn board(mode: Option<GuestMode>, work: Work, since_ms: u64) -> Wallboard {
        let guest = mode.map(|mode| GuestLine {
            name: GuestName::Seat(seat("1009")),
            mode,
            joined: true,
            asked: false,
        });
        Wallboard {
            at: Timestamp(5),
            engine: EngineLine {
                version: String::new(),
                up_s: 0,
                recording_gaps: 0,
                recordings_failed: 0,
                recording_space_low: false,
                recording_disk_stalled: false,
            },
            totals: crate::Folds::new(480).totals(Timestamp(5)),
            queues: Vec::new(),
            seats: vec![line("1009", work, since_ms)],
            calls: vec![CallLine {
                call: CallId(7),
                stage: Stage::Talking,
                caller: String::new(),
                called: String::new(),
                queue: None,
                seat: Some(seat("1001")),
                position: None,
                expected_wait: None,
                since_ms: 0,
                total_ms: 0,
                guests: guest.into_iter().collect(),
                nth_call: None,
                last_seat: None,
            }],
            trunks: Vec::new(),
            emergencies: Vec::new(),
            reasons: Vec::new(),
            missed: None,
            follow_ups: None,
            phones: Vec::new(),
        }
    }

    /// What agents see of seat 1009, and how many guests.
    fn seen(view: &mut AgentsView, board: &Wallboard, up_ms: u64) -> (Work, u64, usize) {
        let shown = view.of(board, &BTreeSet::new(), up_ms);
        let shown = shown.as_ref().unwrap_or(board);
        let line = &shown.seats[0];
        (line.work, line.since_ms, shown.calls[0].guests.len())
    }

    #[test]
    fn who_only_listens_is_as_free_as_before_and_no_less_long() {
        use GuestMode::{Monitor, TakeOver, Whisper};
        use Work::{Busy, Free};
        let mut view = AgentsView::default();
        let nobody = board(None, Free, 10_000);
        assert_eq!(view.of(&nobody, &BTreeSet::new(), 10_000), None);
        for (mode, work, since_ms, up_ms, expected) in [
            // The board may be ahead of the events that say why.
            (None, Busy, 100, 20_000, (Free, 20_000, 0)),
            (Some(Monitor), Busy, 1_000, 21_000, (Free, 21_000, 0)),
            // Seen from here on, and nothing of before.
            (Some(Whisper), Busy, 5_000, 25_000, (Busy, 0, 1)),
            (Some(Whisper), Busy, 6_000, 26_000, (Busy, 1_000, 1)),
            (Some(TakeOver), Busy, 7_000, 27_000, (Free, 0, 0)),
            (None, Free, 500, 30_000, (Free, 3_000, 0)),
        ] {
            let board = board(mode, work, since_ms);
            assert_eq!(seen(&mut view, &board, up_ms), expected, "{mode:?} {up_ms}");
        }
    }

    #[test]
    fn a_seat_is_busy_with_what_agents_can_see() {
        let busy = board(None, Work::Busy, 1_000);
        let consulting = BTreeSet::from([seat("1009")]);
        assert_eq!(AgentsView::default().of(&busy, &consulting, 9_000), None);
        let mut own = board(None, Work::Busy, 1_000);
        own.calls[0].seat = Some(seat("1009"));
        assert_eq!(
            AgentsView::default().of(&own, &BTreeSet::new(), 9_000),
            None
        );
    }
}
