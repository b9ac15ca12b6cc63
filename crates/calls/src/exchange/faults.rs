//! Faults of our own: a panic while one call or one message is served ends that call or drops that
//! message, and nothing else.
//!
//! The cores are plain values without locks, so what a panic leaves behind is valid memory, at worst
//! half of one call's step. That call is taken apart from outside: its legs, its recordings, its
//! place on the floor.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use hotline_acd::Input as FloorInput;
use hotline_model::{
    CallId, Instant,
    event::{Event, Outcome, ReleasedBy},
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent, HangUpReason};

use super::Exchange;
use crate::switchboard::{Owner, Switchboard};

/// Longest text kept of a fault, characters.
const FAULT_CHARS: usize = 200;

/// What a panic said, where `turn` panicked.
pub(super) fn caught<T>(turn: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(turn)).map_err(|panic| said(panic.as_ref()))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words");
    text.chars().take(FAULT_CHARS).collect()
}

impl Exchange {
    /// What the endpoint tells. A fault on the way to a call ends what the event's dialog belongs
    /// to.
    pub(super) fn guarded_sip(&mut self, now: Instant, event: SipEvent) {
        let dialog = dialog_of(&event);
        let Err(fault) = caught(|| self.sip(now, event)) else {
            return;
        };
        let leg = dialog.and_then(|dialog| self.board.leg_of(dialog));
        match leg.and_then(|leg| Some((leg, self.board.owner(leg)?))) {
            Some((_, Owner::Call(call, _))) => self.call_broke(now, call, fault),
            Some((leg, Owner::Service)) => {
                self.board
                    .happened(now, Event::FaultCaught { call: None, fault });
                self.end_service(now, leg);
            }
            Some((_, Owner::Consult(number))) => {
                self.board
                    .happened(now, Event::FaultCaught { call: None, fault });
                self.end_consult(now, number, "a fault of the engine");
            }
            Some((leg, Owner::TakeOver)) => {
                self.board
                    .happened(now, Event::FaultCaught { call: None, fault });
                self.end_take_over(now, leg);
            }
            None => {
                self.board
                    .happened(now, Event::FaultCaught { call: None, fault });
                if let Some(dialog) = dialog {
                    self.board.endpoint.reject(now, dialog, 500, &[]);
                    self.board.endpoint.hang_up(now, dialog, None);
                }
            }
        }
    }

    /// A call's own turn panicked: the call is over, and everything it held is free.
    pub(super) fn call_broke(&mut self, now: Instant, id: CallId, fault: String) {
        tracing::error!(
            call = id.0,
            fault,
            "a call was ended by a fault of the engine"
        );
        let call = Some(id);
        self.board.happened(now, Event::FaultCaught { call, fault });
        for (ended, talked) in self.board.attached.endings(now, id) {
            self.board.happened(now, ended);
            if let Some(seat) = talked {
                self.board
                    .floor(now, FloorInput::TalkEnded { call: id, seat });
            }
        }
        self.board.floor(now, FloorInput::CallLeft { call: id });
        if let Some(mut call) = self.calls.remove(&id) {
            let (outcome, by) = (Outcome::Failed, ReleasedBy::Engine);
            let why = "a fault of the engine";
            // Its own stage is gone with the fault; what this gives is the last one.
            let _ = call.facts.end(now, outcome, by, why, &mut self.board);
        }
        self.board.drop_call(now, id);
        self.set_deadline(id, None);
    }
}

impl Switchboard {
    /// Takes a call apart from outside: hangs up its dialogs, closes its legs and recordings.
    fn drop_call(&mut self, now: Instant, call: CallId) {
        self.forget_dialled(call);
        for (leg, dialog) in self.release_legs(call) {
            if let Some(dialog) = dialog {
                let reason = HangUpReason::q850(41, "temporary failure");
                self.endpoint.hang_up(now, dialog, Some(reason));
            }
            self.outputs
                .push_back(super::Output::Media(hotline_media::Command::Close { leg }));
        }
        let open: Vec<u64> = self
            .recordings
            .iter()
            .filter(|(_, recording)| recording.call == call)
            .map(|(&number, _)| number)
            .collect();
        for recording in open {
            self.stop_recording(recording);
        }
    }
}

const fn dialog_of(event: &SipEvent) -> Option<DialogId> {
    match event {
        SipEvent::Invited { dialog, .. }
        | SipEvent::Cancelled { dialog }
        | SipEvent::Acknowledged { dialog, .. }
        | SipEvent::Reoffered { dialog, .. }
        | SipEvent::ReofferAnswered { dialog, .. }
        | SipEvent::Refreshed { dialog, .. }
        | SipEvent::ReofferRefused { dialog, .. }
        | SipEvent::Ringing { dialog, .. }
        | SipEvent::Answered { dialog, .. }
        | SipEvent::Refused { dialog, .. }
        | SipEvent::Ended { dialog, .. }
        | SipEvent::Referred { dialog, .. }
        | SipEvent::ReferProgress { dialog, .. }
        | SipEvent::Info { dialog, .. } => Some(*dialog),
        SipEvent::Request { .. } | SipEvent::Response { .. } => None,
    }
}
