//! Arriving: the media port opens, the codec is agreed, the engine answers and waits for the ACK.

use core::time::Duration;
use std::sync::Arc;

use hotline_ivr::Program;
use hotline_model::{
    Instant,
    event::{Event, Outcome, ReleasedBy},
};

use super::{Input, Menu, Stage, cause, released_by};
use crate::{
    call::Facts,
    leg::BadBody,
    switchboard::{Side, Switchboard},
};

/// Longest wait for a media port. A worker that needs longer is too far behind to carry a call.
const MEDIA_OPENS_WITHIN: Duration = Duration::from_secs(2);

/// A call that was not yet answered, or not yet acknowledged.
pub struct Arriving {
    offer: Vec<u8>,
    script: Arc<Program>,
    answered: bool,
    deadline: Option<Instant>,
}

impl Arriving {
    /// A new call with the caller's offer (empty: a late offer, RFC 3261 §13.2.1).
    pub fn new(now: Instant, offer: Vec<u8>, script: Arc<Program>) -> Self {
        Self {
            offer,
            script,
            answered: false,
            deadline: Some(now + MEDIA_OPENS_WITHIN),
        }
    }

    /// When the media port must be open.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::MediaOpened(_, port) => {
                facts.leg.opened(port);
                self.deadline = None;
                self.answer(facts, now, board)
            }
            Input::MediaFailed(_, why) => {
                refuse(facts, now, 503, &format!("no media port: {why}"), board)
            }
            Input::DeadlinePassed if !self.answered => refuse(
                facts,
                now,
                503,
                "the media worker did not answer in time",
                board,
            ),
            Input::Acknowledged(Side::Caller, _, body) => {
                if !body.is_empty() && facts.leg.accept(&body, board).is_err() {
                    return facts.end(
                        now,
                        Outcome::Failed,
                        ReleasedBy::Engine,
                        "unusable SDP in the ACK",
                        board,
                    );
                }
                Menu::enter(facts, now, self.script, board)
            }
            Input::Cancelled => facts.end(
                now,
                Outcome::Rejected,
                ReleasedBy::Caller,
                "cancelled before the answer",
                board,
            ),
            Input::Ended(Side::Caller, _, why) => facts.end(
                now,
                Outcome::LeftMenu,
                released_by(Side::Caller, why),
                cause(why),
                board,
            ),
            _ => Stage::Arriving(self),
        }
    }

    fn answer(mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
        let body = if self.offer.is_empty() {
            facts.leg.offer().ok_or(BadBody(500))
        } else {
            facts.leg.answer(&self.offer, board)
        };
        match (body, facts.leg.dialog) {
            (Ok(body), Some(dialog)) => {
                board.endpoint.answer(now, dialog, body);
                board.happened(now, Event::CallAnswered { call: facts.id });
                self.answered = true;
                self.offer = Vec::new();
                Stage::Arriving(self)
            }
            (Err(BadBody(status)), _) => {
                let why = facts.leg.unusable(&self.offer);
                refuse(facts, now, status, why, board)
            }
            (Ok(_), None) => facts.end(
                now,
                Outcome::Rejected,
                ReleasedBy::Network,
                "dialog gone",
                board,
            ),
        }
    }
}

/// Refuses the INVITE: nothing was promised to the caller yet.
fn refuse(
    facts: &mut Facts,
    now: Instant,
    status: u16,
    why: &str,
    board: &mut Switchboard,
) -> Stage {
    if let Some(dialog) = facts.leg.dialog {
        let retry: &[(&str, String)] = if status == 503 {
            &[("Retry-After", "5".to_owned())]
        } else {
            &[]
        };
        board.endpoint.reject(now, dialog, status, retry);
        board.forget_dialog(&mut facts.leg);
    }
    facts.end(
        now,
        Outcome::Rejected,
        ReleasedBy::Engine,
        format!("{status} {why}"),
        board,
    )
}
