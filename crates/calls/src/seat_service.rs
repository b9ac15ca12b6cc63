//! A seat that dials a star code: the request is carried out, confirmed by a word in the agent's
//! ear, and the engine hangs up.

use core::time::Duration;

use hotline_ivr::{Language, PromptKey};
use hotline_media::Command;
use hotline_model::{Instant, LegId, SeatId};

use crate::{
    leg::{Leg, ToMedia},
    orders::SeatRequest,
    switchboard::Switchboard,
};

/// Longest star-code call: the longest word takes 3 s.
const SERVICE_ENDS_WITHIN: Duration = Duration::from_secs(15);

/// A star-code call.
pub struct SeatService {
    /// Who dialled.
    pub seat: SeatId,
    /// What was asked; `None`: no such code.
    pub request: Option<SeatRequest>,
    /// The seat's leg.
    pub leg: Leg,
    /// When it must be over.
    pub deadline: Instant,
    offer: Vec<u8>,
    carried_out: bool,
}

impl SeatService {
    /// The seat dialled; its media port is being opened.
    pub fn new(
        now: Instant,
        seat: SeatId,
        request: Option<SeatRequest>,
        leg: Leg,
        offer: Vec<u8>,
    ) -> Self {
        Self {
            seat,
            request,
            leg,
            deadline: now + SERVICE_ENDS_WITHIN,
            offer,
            carried_out: false,
        }
    }

    /// The media port is open: answers. `false` when the session cannot be agreed.
    pub fn opened(&mut self, now: Instant, port: u16, board: &mut Switchboard) -> bool {
        self.leg.opened(port);
        let body = if self.offer.is_empty() {
            self.leg.offer()
        } else {
            self.leg.answer(&self.offer, board).ok()
        };
        match (body, self.leg.dialog) {
            (Some(body), Some(dialog)) => {
                board.endpoint.answer(now, dialog, body);
                true
            }
            (None, Some(dialog)) => {
                board.endpoint.reject(now, dialog, 488, &[]);
                board.forget_dialog(&mut self.leg);
                false
            }
            (_, None) => false,
        }
    }

    /// The phone acknowledged: whether the request is to be carried out now, once.
    pub fn acknowledged(&mut self, body: &[u8], board: &mut Switchboard) -> bool {
        if !body.is_empty() {
            let _ = self.leg.accept(body, board);
        }
        !core::mem::replace(&mut self.carried_out, true)
    }

    /// Says whether the request was carried out.
    pub fn confirm(&self, done: bool, board: &mut Switchboard) {
        let key = match (done, &self.request) {
            (true, Some(SeatRequest::Ready | SeatRequest::EndWrapUp)) => "seat-ready",
            (true, Some(SeatRequest::NotReady(_) | SeatRequest::SignOut)) => "seat-not-ready",
            _ => "seat-code-refused",
        };
        let words = [PromptKey::new(Language::Zh, key)];
        let clips = board.settings.prompts.clips(&words);
        board.media(Command::Play {
            leg: self.leg.id,
            play: 1,
            clips,
            repeat: false,
        });
    }

    /// The leg of the service.
    pub fn leg_id(&self) -> LegId {
        self.leg.id
    }
}
