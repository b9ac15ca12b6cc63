//! A telephone as a plain value: the far end of a leg. It is what `hotline call` and
//! `hotline seat` are made of, and the callers and agents of the simulation.

mod registration;
mod sip_events;
mod words;

use std::collections::VecDeque;

use hotline_media::{
    Command, Report,
    sdp::{Direction, Terms},
};
use hotline_model::{Instant, LegId};
use hotline_sip::endpoint::{
    Credentials, DialogId, Endpoint, EndpointSettings, Invitation, Output as SipOutput, RequestId,
};

use crate::{
    leg::{Leg, ToMedia},
    switchboard::End,
};
use registration::{REGISTER_AGAIN, REGISTER_FOR_S};
pub use words::{PhoneEvent, PhoneInput, PhoneOutput, PhoneSettings};

/// What the phone is doing.
enum Line {
    Idle,
    /// We call; the media port is not yet open.
    Dialling {
        number: String,
        leg: Leg,
    },
    /// Our INVITE is out.
    Calling {
        leg: Leg,
    },
    /// Somebody calls us; the owner has not decided.
    Incoming {
        leg: Leg,
        offer: Vec<u8>,
        open: bool,
        wanted: bool,
    },
    /// We answered and wait for the ACK, or both talk.
    Connected {
        leg: Leg,
    },
}

/// A telephone with one line.
pub struct Phone {
    settings: PhoneSettings,
    endpoint: Endpoint,
    line: Line,
    /// A call put aside for a consultation.
    aside: Option<Leg>,
    outputs: Outputs,
    next_leg: u64,
    call_id: String,
    cseq: u32,
    registering: Option<RequestId>,
    wants_registration: bool,
    register_at: Option<Instant>,
}

struct Outputs(VecDeque<PhoneOutput>);

impl ToMedia for Outputs {
    fn media(&mut self, command: Command) {
        self.0.push_back(PhoneOutput::Media(command));
    }
}

impl Outputs {
    fn happened(&mut self, event: PhoneEvent) {
        self.0.push_back(PhoneOutput::Happened(event));
    }
}

impl Phone {
    /// A phone on the hook. Its legs are numbered from `first_leg`, so that several phones can
    /// share a media worker.
    pub fn new(settings: PhoneSettings, seed: [u8; 32], first_leg: LegId) -> Self {
        let endpoint = Endpoint::new(
            EndpointSettings::new(
                settings.product.clone(),
                settings.user.clone(),
                settings.domain.clone(),
            ),
            seed,
        );
        let call_id = seed
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            settings,
            endpoint,
            line: Line::Idle,
            aside: None,
            outputs: Outputs(VecDeque::new()),
            next_leg: first_leg.0,
            call_id,
            cseq: 0,
            registering: None,
            wants_registration: false,
            register_at: None,
        }
    }

    /// Lets the phone see what happened. Drain [`Phone::poll_output`] after.
    pub fn handle_input(&mut self, now: Instant, input: PhoneInput<'_>) {
        match input {
            PhoneInput::Received { path, bytes } => self.endpoint.receive(now, path, bytes),
            PhoneInput::PathLost(path) => {
                self.endpoint.path_lost(now, path);
                if self.wants_registration {
                    self.register_at = Some(now + REGISTER_AGAIN);
                }
            }
            PhoneInput::Media(report) => self.reported(now, &report),
            PhoneInput::Register => {
                self.wants_registration = true;
                self.register(now, REGISTER_FOR_S);
            }
            PhoneInput::Unregister => {
                self.wants_registration = false;
                self.register(now, 0);
            }
            PhoneInput::Dial(number) => {
                if matches!(self.line, Line::Idle) {
                    let leg = self.open_leg();
                    self.line = Line::Dialling { number, leg };
                }
            }
            PhoneInput::Answer => {
                if let Line::Incoming { wanted, .. } = &mut self.line {
                    *wanted = true;
                }
                self.answer(now);
            }
            PhoneInput::Refuse(status) => {
                if let Line::Incoming { leg, .. } = &mut self.line {
                    if let Some(dialog) = leg.dialog.take() {
                        self.endpoint.reject(now, dialog, status, &[]);
                    }
                    self.over(None);
                }
            }
            PhoneInput::Redirect(number) => {
                if let Line::Incoming { leg, .. } = &mut self.line {
                    if let Some(dialog) = leg.dialog.take() {
                        let contact = format!("<sip:{number}@{}>", self.settings.domain);
                        let headers = [("Contact", contact)];
                        self.endpoint.reject(now, dialog, 302, &headers);
                    }
                    self.over(None);
                }
            }
            PhoneInput::Hold => self.reoffer(now, Direction::SendOnly),
            PhoneInput::Resume => self.reoffer(now, Direction::SendRecv),
            PhoneInput::Consult(number) => {
                if self.aside.is_none() && matches!(self.line, Line::Connected { .. }) {
                    self.reoffer(now, Direction::SendOnly);
                    let fresh = self.open_leg();
                    let dialling = Line::Dialling { number, leg: fresh };
                    if let Line::Connected { leg } = core::mem::replace(&mut self.line, dialling) {
                        self.aside = Some(leg);
                    }
                }
            }
            PhoneInput::Transfer(number) => {
                if let Line::Connected { leg } = &self.line
                    && let Some(dialog) = leg.dialog
                {
                    let target = format!("sip:{number}@{}", self.settings.domain);
                    self.endpoint.refer(now, dialog, &target, None);
                }
            }
            PhoneInput::TransferToConsulted => {
                if let (Line::Connected { leg }, Some(aside)) = (&self.line, &self.aside)
                    && let (Some(consulted), Some(caller)) = (leg.dialog, aside.dialog)
                {
                    let target = format!("sip:{}", self.settings.domain);
                    self.endpoint.refer(now, caller, &target, Some(consulted));
                }
            }
            PhoneInput::Press(digits) => {
                if let Line::Connected { leg } = &self.line {
                    for digit in digits.chars() {
                        self.outputs.media(Command::Press {
                            leg: leg.id,
                            digit,
                            ms: 120,
                        });
                    }
                }
            }
            PhoneInput::HangUp => {
                let leg = match &mut self.line {
                    Line::Idle => return,
                    Line::Dialling { leg, .. }
                    | Line::Calling { leg }
                    | Line::Incoming { leg, .. }
                    | Line::Connected { leg } => leg,
                };
                if let Some(dialog) = leg.dialog.take() {
                    self.endpoint.hang_up(now, dialog, None);
                }
                self.over(None);
            }
            PhoneInput::TimePassed => {}
        }
        if self.endpoint.next_wake().is_some_and(|at| at <= now) {
            self.endpoint.wake(now);
        }
        if self.register_at.is_some_and(|at| at <= now) {
            self.register_at = None;
            self.register(now, REGISTER_FOR_S);
        }
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                SipOutput::Transmit { path, bytes } => {
                    self.outputs
                        .0
                        .push_back(PhoneOutput::Transmit { path, bytes });
                }
                SipOutput::ClosePath(path) => {
                    self.outputs.0.push_back(PhoneOutput::ClosePath(path));
                }
                SipOutput::Event(event) => self.sip(now, event),
            }
        }
    }

    /// The next thing to do or to tell.
    pub fn poll_output(&mut self) -> Option<PhoneOutput> {
        self.outputs.0.pop_front()
    }

    /// When to call again with [`PhoneInput::TimePassed`].
    pub fn next_wake(&self) -> Option<Instant> {
        [self.endpoint.next_wake(), self.register_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether no call is on the line.
    pub fn is_idle(&self) -> bool {
        matches!(self.line, Line::Idle)
    }

    fn reoffer(&mut self, now: Instant, direction: Direction) {
        if let Line::Connected { leg } = &mut self.line
            && let Some(dialog) = leg.dialog
            && let Some(body) = leg.offer_as(direction)
        {
            self.endpoint.reoffer(now, dialog, body);
        }
    }

    fn open_leg(&mut self) -> Leg {
        let id = LegId(self.next_leg);
        self.next_leg += 1;
        let address = self.settings.media_address;
        self.outputs.media(Command::Open { leg: id, address });
        let end = End {
            address,
            terms: Terms::PLAIN,
            seen_at: None,
        };
        Leg::new(id, end)
    }

    fn address(&self) -> String {
        format!("<sip:{}@{}>", self.settings.user, self.settings.domain)
    }

    fn credentials(&self) -> Option<Credentials> {
        let password = self.settings.password.clone()?;
        Some(Credentials {
            user: self.settings.user.clone(),
            password,
            realm: None,
        })
    }

    fn reported(&mut self, now: Instant, report: &Report) {
        match *report {
            Report::Opened { port, .. } => self.opened(now, port),
            Report::OpenFailed { .. } | Report::Broke { .. } => {
                if let Line::Incoming { leg, .. } = &mut self.line
                    && let Some(dialog) = leg.dialog.take()
                {
                    self.endpoint.reject(now, dialog, 500, &[]);
                }
                self.over(Some(500));
            }
            Report::PlayEnded { play, .. } => self.outputs.happened(PhoneEvent::PlayEnded(play)),
            Report::Digit { digit, .. } => self.outputs.happened(PhoneEvent::Digit(digit)),
            Report::Silent { .. }
            | Report::Spoke { .. }
            | Report::Speechless { .. }
            | Report::Closed { .. }
            | Report::PortsReady { .. }
            | Report::RecordingGaps { .. } => {}
        }
    }

    fn opened(&mut self, now: Instant, port: u16) {
        match core::mem::replace(&mut self.line, Line::Idle) {
            Line::Dialling { number, mut leg } => {
                leg.opened(port);
                let domain = &self.settings.domain;
                let invitation = Invitation {
                    path: self.settings.server,
                    target: format!("sip:{number}@{domain}"),
                    from: self.address(),
                    to: format!("<sip:{number}@{domain}>"),
                    body: leg.offer().unwrap_or_default(),
                    headers: Vec::new(),
                    credentials: self.credentials(),
                    ring_for: None,
                    max_forwards: None,
                };
                leg.dialog = Some(self.endpoint.invite(now, invitation));
                self.line = Line::Calling { leg };
            }
            Line::Incoming {
                mut leg,
                offer,
                wanted,
                ..
            } => {
                leg.opened(port);
                self.line = Line::Incoming {
                    leg,
                    offer,
                    open: true,
                    wanted,
                };
                self.answer(now);
            }
            other => self.line = other,
        }
    }

    /// Answers when the owner wants to and the media port is open.
    fn answer(&mut self, now: Instant) {
        match core::mem::replace(&mut self.line, Line::Idle) {
            Line::Incoming {
                mut leg,
                offer,
                open: true,
                wanted: true,
            } => {
                let body = if offer.is_empty() {
                    leg.offer()
                } else {
                    leg.answer(&offer, &mut self.outputs).ok()
                };
                match (body, leg.dialog) {
                    (Some(body), Some(dialog)) => {
                        self.endpoint.answer(now, dialog, body);
                        self.line = Line::Connected { leg };
                    }
                    (_, dialog) => {
                        if let Some(dialog) = dialog {
                            self.endpoint.reject(now, dialog, 488, &[]);
                        }
                        self.line = Line::Connected { leg };
                        self.over(Some(488));
                    }
                }
            }
            other => self.line = other,
        }
    }

    /// The line is free again.
    fn over(&mut self, status: Option<u16>) {
        let leg = match core::mem::replace(&mut self.line, Line::Idle) {
            Line::Idle => return,
            Line::Dialling { leg, .. }
            | Line::Calling { leg }
            | Line::Incoming { leg, .. }
            | Line::Connected { leg } => leg,
        };
        self.outputs.media(Command::Close { leg: leg.id });
        self.outputs.happened(PhoneEvent::Ended { status });
        if let Some(leg) = self.aside.take() {
            self.line = Line::Connected { leg };
        }
    }

    /// The connected leg of a dialog, on the line or put aside.
    fn connected(&mut self, dialog: DialogId) -> Option<&mut Leg> {
        let line = match &mut self.line {
            Line::Connected { leg } => Some(leg),
            _ => None,
        };
        let mut legs = line.into_iter().chain(self.aside.as_mut());
        legs.find(|leg| leg.dialog == Some(dialog))
    }

    fn has(&self, dialog: DialogId) -> bool {
        match &self.line {
            Line::Idle | Line::Dialling { .. } => false,
            Line::Calling { leg } | Line::Incoming { leg, .. } | Line::Connected { leg } => {
                leg.dialog == Some(dialog)
            }
        }
    }
}
