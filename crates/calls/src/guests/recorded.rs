//! What is recorded of a call's talk: caller left, agent right, and with the agent all guests who
//! talk with the caller or are consulted. Who only listens or whispers is not recorded.

use hotline_media::Command;
use hotline_model::{Instant, LegId, event::Event, guest::GuestMode};

use crate::{call::Facts, leg::ToMedia, switchboard::Switchboard};

/// The recording of the talk that goes on, and what keeps it from being written.
#[derive(Default)]
pub struct Recorded {
    open: Option<Open>,
    paused: bool,
    card_entry: bool,
}

struct Open {
    number: u64,
    left: LegId,
    right: LegId,
    /// Guests recorded too.
    also: Vec<LegId>,
}

impl Recorded {
    /// Whether somebody asked that nothing be recorded.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether the caller enters a card's number.
    pub const fn is_card_entry(&self) -> bool {
        self.card_entry
    }

    const fn is_silent(&self) -> bool {
        self.paused || self.card_entry
    }

    /// The leg is no guest's any more.
    pub(super) fn forget(&mut self, leg: LegId) {
        if let Some(open) = &mut self.open {
            open.also.retain(|of| *of != leg);
        }
    }
}

/// Whether a guest's voice belongs into the recording.
const fn is_recorded(mode: GuestMode) -> bool {
    matches!(mode, GuestMode::Barge | GuestMode::Consult)
}

impl Facts {
    /// Records from here, in a file of its own.
    pub fn record(&mut self, now: Instant, left: LegId, right: LegId, board: &mut Switchboard) {
        self.stop_recording(board);
        self.recordings += 1;
        let number = board.start_recording(now, self.id, self.recordings, left, right);
        self.recorded.open = Some(Open {
            number,
            left,
            right,
            also: Vec::new(),
        });
        if self.recorded.is_silent() {
            board.media(Command::PauseRecord {
                recording: number,
                paused: true,
            });
        }
        self.record_guests(board);
    }

    /// The recording ends, where there is one.
    pub fn stop_recording(&mut self, board: &mut Switchboard) {
        if let Some(open) = self.recorded.open.take() {
            board.stop_recording(open.number);
        }
    }

    fn to_be_recorded(&self) -> Vec<LegId> {
        let guests = self.guests.list.iter();
        let recorded = guests.filter(|guest| is_recorded(guest.mode));
        recorded.filter_map(super::Guest::here).collect()
    }

    /// Guests who came are recorded where they are to be.
    pub(super) fn record_guests(&mut self, board: &mut Switchboard) {
        let voices = self.to_be_recorded();
        let Some(open) = &mut self.recorded.open else {
            return;
        };
        for leg in voices {
            if !open.also.contains(&leg) {
                open.also.push(leg);
                board.media(Command::RecordAlso {
                    recording: open.number,
                    leg,
                });
            }
        }
    }

    /// A guest takes part in another way: a voice that does not belong into the recording any more
    /// cannot be taken out of it, so another file begins.
    pub(super) fn record_again(&mut self, now: Instant, board: &mut Switchboard) {
        let voices = self.to_be_recorded();
        let Some(open) = &self.recorded.open else {
            return;
        };
        if open.also.iter().all(|leg| voices.contains(leg)) {
            self.record_guests(board);
        } else {
            let (left, right) = (open.left, open.right);
            self.record(now, left, right, board);
        }
    }

    fn pauses(&self, before: bool, board: &mut Switchboard) {
        let paused = self.recorded.is_silent();
        if let Some(open) = self.recorded.open.as_ref().filter(|_| paused != before) {
            board.media(Command::PauseRecord {
                recording: open.number,
                paused,
            });
        }
    }

    /// Somebody asks that nothing be recorded, or again.
    pub(super) fn pause(
        &mut self,
        now: Instant,
        paused: bool,
        by: String,
        reason: String,
        board: &mut Switchboard,
    ) {
        if self.recorded.paused == paused {
            return;
        }
        let before = self.recorded.is_silent();
        self.recorded.paused = paused;
        self.pauses(before, board);
        let call = self.id;
        let event = if paused {
            Event::RecordingPaused { call, by, reason }
        } else {
            Event::RecordingResumed { call, by, reason }
        };
        board.happened(now, event);
    }

    /// The caller enters a card's number, or has: nobody hears it meanwhile.
    pub(super) fn card_entry(
        &mut self,
        now: Instant,
        on: bool,
        by: String,
        board: &mut Switchboard,
    ) {
        if self.recorded.card_entry == on {
            return;
        }
        let before = self.recorded.is_silent();
        self.recorded.card_entry = on;
        if let Some(leg) = self.citizens_leg() {
            board.media(Command::Shield { leg, shielded: on });
        }
        self.pauses(before, board);
        let call = self.id;
        let event = if on {
            Event::CardEntryBegan { call, by }
        } else {
            Event::CardEntryEnded { call, by }
        };
        board.happened(now, event);
    }

    /// The talk is over: what was kept back for its sake is no more.
    pub(super) fn nothing_is_kept_back(&mut self, now: Instant, board: &mut Switchboard) {
        let engine = || "engine".to_owned();
        self.card_entry(now, false, engine(), board);
        let why = "the talk is over".to_owned();
        self.pause(now, false, engine(), why, board);
    }
}
