//! What the SIP endpoint tells: to the call whose dialog it is.

use hotline_model::{Instant, LegId};
use hotline_sip::endpoint::{DialogId, EndedBy, Event as SipEvent};

use super::Exchange;
use crate::{
    orders::Hand,
    seat_service::Dialled,
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

impl Exchange {
    pub(super) fn sip(&mut self, now: Instant, event: SipEvent) {
        match event {
            SipEvent::Invited {
                dialog,
                path,
                request,
                replaces,
            } => {
                if let Some(replaced) = replaces {
                    self.replace(now, dialog, path, &request, replaced);
                } else {
                    self.invited(now, dialog, path, &request);
                }
            }
            SipEvent::Request { id, path, request } => self.requested(now, id, path, &request),
            SipEvent::Acknowledged { dialog, body } => self.acknowledged(now, dialog, body),
            SipEvent::Cancelled { dialog } => {
                self.tell_dialog(now, dialog, |side, leg| match side {
                    // A phone that wanted a talk's place: the talk goes on where it is.
                    Side::Target | Side::Guest => Some(StageInput::Ended(side, leg, EndedBy::Bye)),
                    Side::Caller | Side::Agent => Some(StageInput::Cancelled),
                });
            }
            SipEvent::Reoffered { dialog, body } => {
                self.tell_dialog(now, dialog, |side, leg| {
                    Some(StageInput::Reoffered(side, leg, body))
                });
            }
            SipEvent::Refreshed { dialog, body } => {
                self.tell_dialog(now, dialog, |side, leg| {
                    Some(StageInput::Refreshed(side, leg, body))
                });
            }
            SipEvent::Ringing { dialog, body, .. } => {
                self.tell_dialog(now, dialog, |_, leg| Some(StageInput::Ringing(leg, body)));
            }
            SipEvent::Answered { dialog, body } => {
                self.tell_dialog(now, dialog, |_, leg| Some(StageInput::Answered(leg, body)));
            }
            SipEvent::Refused {
                dialog,
                status,
                retry_after,
                contacts,
            } => {
                if let (503, Some(seconds)) = (status, retry_after)
                    && let Some(leg) = self.board.leg_of(dialog)
                {
                    self.board.trunks.asks_for_rest(now, leg, seconds);
                }
                self.tell_dialog(now, dialog, |_, leg| {
                    Some(StageInput::Refused(leg, status, contacts))
                });
            }
            SipEvent::Ended { dialog, why, .. } => {
                self.tell_dialog(now, dialog, |side, leg| {
                    Some(StageInput::Ended(side, leg, why))
                });
            }
            SipEvent::Info {
                dialog,
                content_type,
                body,
            } => {
                self.tell_dialog(now, dialog, |side, _| match side {
                    Side::Caller => info_digit(&content_type, &body).map(StageInput::Digit),
                    Side::Agent | Side::Target | Side::Guest => None,
                });
            }
            SipEvent::Response {
                id,
                status,
                message,
            } => {
                self.pinged(now, id, message.is_some());
                let message = message.as_ref();
                self.board.trunks.answered(now, id, status, message);
            }
            SipEvent::Referred {
                dialog,
                refer,
                transfer,
            } => self.referred(now, dialog, refer, &transfer),
            // The engine itself neither re-offers nor refers.
            SipEvent::ReofferAnswered { .. }
            | SipEvent::ReferProgress { .. }
            | SipEvent::ReofferRefused { .. } => {}
        }
    }

    pub(super) fn acknowledged(&mut self, now: Instant, dialog: DialogId, body: Vec<u8>) {
        let service = self
            .board
            .leg_of(dialog)
            .and_then(|leg| self.services.get_mut(&leg));
        let Some(service) = service else {
            self.tell_dialog(now, dialog, |side, leg| {
                Some(StageInput::Acknowledged(side, leg, body))
            });
            return;
        };
        if !service.acknowledged(&body, &mut self.board) {
            return;
        }
        let leg = service.leg_id();
        match service.dialled.clone() {
            Dialled::Code(seat, request) => {
                let done = request.is_some_and(|request| {
                    let phone = "phone".to_owned();
                    self.request(now, (seat, Hand::Own), request, phone).is_ok()
                });
                if let Some(service) = self.services.get(&leg) {
                    service.confirm(done, &mut self.board);
                }
            }
            Dialled::LogIn(log_in) => self.log_in_began(now, leg, &log_in),
            Dialled::Nobody => service.say("phone-log-in-first", &mut self.board),
        }
    }

    /// Hands a dialog's event to the call it belongs to. A star-code call knows only one: its end.
    pub(super) fn tell_dialog(
        &mut self,
        now: Instant,
        dialog: DialogId,
        input: impl FnOnce(Side, LegId) -> Option<StageInput>,
    ) {
        let Some(leg) = self.board.leg_of(dialog) else {
            return;
        };
        match self.board.owner(leg) {
            Some(Owner::Call(call, side)) => {
                if let Some(input) = input(side, leg) {
                    self.tell_call(now, call, input);
                }
            }
            Some(Owner::Service) => match input(Side::Caller, leg) {
                Some(StageInput::Ended(..) | StageInput::Cancelled) => {
                    if let Some(service) = self.services.get_mut(&leg) {
                        self.board.forget_dialog(&mut service.leg);
                    }
                    self.end_service(now, leg);
                }
                Some(StageInput::Digit(digit)) => self.service_pressed(now, leg, digit),
                Some(StageInput::Reoffered(_, _, body)) => {
                    if let Some(service) = self.services.get_mut(&leg) {
                        service.leg.reoffered(now, &body, &mut self.board);
                    }
                }
                Some(StageInput::Refreshed(_, _, body)) => {
                    if let Some(service) = self.services.get_mut(&leg) {
                        service.leg.refreshed(&body, &mut self.board);
                    }
                }
                _ => {}
            },
            Some(Owner::Consult(number)) => {
                if let Some(input) = input(Side::Agent, leg) {
                    self.tell_consult(now, number, &input);
                }
            }
            Some(Owner::TakeOver) => {
                if let Some(it) = self.takeovers.get_mut(&leg) {
                    self.board.forget_dialog(&mut it.leg);
                }
                self.end_take_over(now, leg);
            }
            None => {}
        }
    }
}

/// A digit in an INFO body: `Signal=5` of application/dtmf-relay, or the bare digit of
/// application/dtmf, as phones send them.
fn info_digit(content_type: &str, body: &[u8]) -> Option<char> {
    let text = core::str::from_utf8(body).ok()?;
    let signal = match content_type.split(';').next()?.trim() {
        "application/dtmf-relay" => text.lines().find_map(|line| {
            line.trim()
                .strip_prefix("Signal")?
                .trim_start()
                .strip_prefix('=')
        })?,
        "application/dtmf" => text,
        _ => return None,
    };
    let digit = signal.trim().chars().next()?;
    (digit.is_ascii_digit() || matches!(digit, '*' | '#' | 'A'..='D')).then_some(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_info_too() {
        assert_eq!(
            info_digit("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"),
            Some('5')
        );
        assert_eq!(
            info_digit("application/dtmf-relay", b"Signal= #\r\n"),
            Some('#')
        );
        assert_eq!(info_digit("application/dtmf", b"7"), Some('7'));
        assert_eq!(info_digit("text/plain", b"7"), None);
        assert_eq!(info_digit("application/dtmf-relay", b"\xff"), None);
        assert_eq!(info_digit("application/dtmf-relay", b"Signal=x"), None);
    }
}
