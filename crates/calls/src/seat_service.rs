//! A seat that dials a star code: the request is carried out, confirmed by a word in the agent's
//! ear, and the engine hangs up. So it is with a shared phone at which an agent logs in, only that
//! the PIN is typed before.

use core::time::Duration;

use hotline_ivr::{Language, PromptKey};
use hotline_media::Command;
use hotline_model::{Instant, LegId, PhoneId, SeatId, limits::PIN_DIGITS};

use crate::{
    leg::{Leg, ToMedia},
    orders::SeatRequest,
    switchboard::Switchboard,
};

/// Longest star-code call: the longest word takes 3 s.
const SERVICE_ENDS_WITHIN: Duration = Duration::from_secs(15);

/// Longest log-in at a shared phone: the words, and time to type the PIN.
const LOG_IN_ENDS_WITHIN: Duration = Duration::from_secs(45);

/// What is played last, and before it.
const LAST_WORDS: u32 = 1;
const QUESTION: u32 = 2;

/// What was dialled.
#[derive(Clone)]
pub enum Dialled {
    /// A star code, by a seat; `None`: there is no such code.
    Code(SeatId, Option<SeatRequest>),
    /// An agent logs in at a shared phone.
    LogIn(LogIn),
    /// A shared phone that is no seat's dialled something: it is told to log in first.
    Nobody,
}

/// Somebody logs in at a shared phone.
#[derive(Clone)]
pub struct LogIn {
    /// The phone.
    pub phone: PhoneId,
    /// The seat's number, as dialled.
    pub number: String,
    /// The digits of the PIN so far; `None`: none is asked for, or it is complete.
    typed: Option<String>,
}

impl LogIn {
    /// Nothing typed yet.
    pub const fn new(phone: PhoneId, number: String) -> Self {
        Self {
            phone,
            number,
            typed: None,
        }
    }

    /// A key was pressed: the PIN where it is complete now. `*` begins anew.
    fn pressed(&mut self, key: char) -> Option<String> {
        let typed = self.typed.as_mut()?;
        match key {
            '*' => typed.clear(),
            '#' => return self.typed.take(),
            key if key.is_ascii_digit() => typed.push(key),
            _ => {}
        }
        if typed.len() < PIN_DIGITS {
            return None;
        }
        self.typed.take()
    }
}

/// A star-code call.
pub struct SeatService {
    /// What was dialled, and by whom.
    pub dialled: Dialled,
    /// The phone's leg.
    pub leg: Leg,
    /// When it must be over.
    pub deadline: Instant,
    offer: Vec<u8>,
    carried_out: bool,
}

impl SeatService {
    /// The seat dialled; its media port is being opened.
    pub fn new(now: Instant, dialled: Dialled, leg: Leg, offer: Vec<u8>) -> Self {
        let within = match dialled {
            Dialled::LogIn(_) => LOG_IN_ENDS_WITHIN,
            Dialled::Code(..) | Dialled::Nobody => SERVICE_ENDS_WITHIN,
        };
        Self {
            dialled,
            leg,
            deadline: now + within,
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

    /// The seat whose line it takes: the one that dialled a code.
    pub fn seat(&self) -> Option<SeatId> {
        match self.dialled {
            Dialled::Code(seat, _) => Some(seat),
            Dialled::LogIn(_) | Dialled::Nobody => None,
        }
    }

    /// Says whether the request was carried out.
    pub fn confirm(&self, done: bool, board: &mut Switchboard) {
        let key = match (done, &self.dialled) {
            (true, Dialled::Code(_, Some(SeatRequest::Ready | SeatRequest::EndWrapUp))) => {
                "seat-ready"
            }
            (true, Dialled::Code(_, Some(SeatRequest::NotReady(_) | SeatRequest::SignOut))) => {
                "seat-not-ready"
            }
            _ => "seat-code-refused",
        };
        self.say(key, board);
    }

    /// Says something, and hangs up when it is said; after [`Self::ask_for_pin`] in its place.
    pub fn say(&self, key: &str, board: &mut Switchboard) {
        self.play(LAST_WORDS, key, board);
    }

    /// Asks for the PIN.
    pub fn ask_for_pin(&mut self, board: &mut Switchboard) {
        if let Dialled::LogIn(log_in) = &mut self.dialled {
            log_in.typed = Some(String::new());
        }
        self.play(QUESTION, "phone-enter-pin", board);
    }

    /// Whether the call is over when this was played.
    pub const fn ends_after(play: u32) -> bool {
        play == LAST_WORDS
    }

    /// A key was pressed: at which phone for which number with which PIN somebody logs in, where
    /// that is known now.
    pub fn pressed(&mut self, key: char) -> Option<(PhoneId, String, String)> {
        let Dialled::LogIn(log_in) = &mut self.dialled else {
            return None;
        };
        let pin = log_in.pressed(key)?;
        Some((log_in.phone, log_in.number.clone(), pin))
    }

    fn play(&self, play: u32, key: &str, board: &mut Switchboard) {
        let words = [PromptKey::new(Language::Zh, key)];
        let clips = board.settings.prompts.clips(&words);
        board.media(Command::Play {
            leg: self.leg.id,
            play,
            clips,
            repeat: false,
        });
    }

    /// Whether somebody logs in at this phone by it.
    pub fn logs_in_at(&self, phone: PhoneId) -> bool {
        matches!(&self.dialled, Dialled::LogIn(log_in) if log_in.phone == phone)
    }

    /// The leg of the service.
    pub fn leg_id(&self) -> LegId {
        self.leg.id
    }
}
