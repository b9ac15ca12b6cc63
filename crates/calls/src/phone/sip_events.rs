//! What the phone hears of its dialogs.

use std::collections::VecDeque;

use hotline_media::Command;
use hotline_model::Instant;
use hotline_sip::{
    endpoint::{DialogId, EndedBy, Event as SipEvent, Request},
    message::Name,
};

use super::{Line, Outputs, Phone, PhoneEvent};
use crate::leg::ToMedia as _;

impl Phone {
    pub(super) fn sip(&mut self, now: Instant, event: SipEvent) {
        match event {
            SipEvent::Invited {
                dialog, request, ..
            } => self.invited(now, dialog, &request),
            SipEvent::Request { id, .. } => self.endpoint.respond(now, id, 200, &[], Vec::new()),
            SipEvent::Response { id, status, .. } if self.registering == Some(id) => {
                self.registering = None;
                self.registered(now, status);
            }
            SipEvent::Ringing { dialog, .. } if self.has(dialog) => {
                self.outputs.happened(PhoneEvent::Ringing);
            }
            SipEvent::Answered { dialog, body } if self.has(dialog) => self.answered(now, &body),
            SipEvent::Acknowledged { dialog, body } if self.has(dialog) => {
                if let Line::Connected { leg } = &mut self.line {
                    if !body.is_empty() {
                        let _ = leg.accept(&body, &mut self.outputs);
                    }
                    let leg = leg.id;
                    self.outputs.happened(PhoneEvent::Connected { leg });
                }
            }
            SipEvent::Refused { dialog, status, .. } if self.has(dialog) => self.over(Some(status)),
            SipEvent::Cancelled { dialog } if self.has(dialog) => self.over(None),
            SipEvent::Ended { dialog, why, .. } if self.has(dialog) => {
                self.over((why == EndedBy::NoAck).then_some(408));
            }
            SipEvent::Ended { dialog, .. } => {
                let aside = self.aside.take_if(|leg| leg.dialog == Some(dialog));
                if let Some(leg) = aside {
                    self.outputs.media(Command::Close { leg: leg.id });
                }
            }
            SipEvent::Reoffered { dialog, body } => {
                let mut orders = Outputs(VecDeque::new());
                let answer = self
                    .connected(dialog)
                    .map(|leg| leg.answer(&body, &mut orders));
                self.outputs.0.append(&mut orders.0);
                match answer {
                    Some(Ok(answer)) => self.endpoint.answer_offer(now, dialog, answer),
                    Some(Err(bad)) => self.endpoint.refuse_offer(now, dialog, bad.0),
                    None => self.endpoint.refuse_offer(now, dialog, 488),
                }
            }
            SipEvent::ReofferAnswered { dialog, body } => {
                let mut orders = Outputs(VecDeque::new());
                if let Some(leg) = self.connected(dialog) {
                    let _ = leg.accept(&body, &mut orders);
                }
                self.outputs.0.append(&mut orders.0);
            }
            SipEvent::Refreshed { dialog, body } => {
                let mut orders = Outputs(VecDeque::new());
                if let Some(leg) = self.connected(dialog) {
                    leg.refreshed(&body, &mut orders);
                }
                self.outputs.0.append(&mut orders.0);
            }
            SipEvent::ReferProgress { status, .. } => {
                self.outputs.happened(PhoneEvent::Transfer(status));
            }
            _ => {}
        }
    }

    pub(super) fn invited(&mut self, now: Instant, dialog: DialogId, request: &Request) {
        let Some(message) = request.message() else {
            return;
        };
        if !matches!(self.line, Line::Idle) {
            self.endpoint.reject(now, dialog, 486, &[]);
            return;
        }
        let call = message
            .header(Name::of(b"X-Hotline-Call"))
            .or_else(|| message.header_by_text("X-Hotline-Call"))
            .map(|value| String::from_utf8_lossy(value).into_owned());
        let mut leg = self.open_leg();
        leg.dialog = Some(dialog);
        let offer = request.session().to_vec();
        self.line = Line::Incoming {
            leg,
            offer,
            open: false,
            wanted: false,
        };
        self.endpoint.ring(now, dialog, 180, Vec::new());
        self.outputs.happened(PhoneEvent::Incoming { call });
    }

    pub(super) fn answered(&mut self, now: Instant, body: &[u8]) {
        let Line::Calling { mut leg } = core::mem::replace(&mut self.line, Line::Idle) else {
            return;
        };
        let accepted = leg.accept(body, &mut self.outputs).is_ok();
        let (id, dialog) = (leg.id, leg.dialog);
        self.line = Line::Connected { leg };
        if accepted {
            self.outputs.happened(PhoneEvent::Connected { leg: id });
        } else {
            if let Some(dialog) = dialog {
                self.endpoint.hang_up(now, dialog, None);
            }
            self.over(Some(488));
        }
    }
}
