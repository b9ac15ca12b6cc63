//! The exchange: one value that owns SIP, the floor, the registrations and all calls. Single
//! writer: strict order, no lock, replayable.

use core::mem;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hotline_acd::{Input as FloorInput, Output as FloorOutput, board::BoardWriter};
use hotline_media::{Command, Report};
use hotline_model::{
    CallId, Instant, LegId, SeatId, Timestamp,
    event::{Event, Stamped},
    limits,
    seat::{Device, Intent},
};
use hotline_sip::{
    digest::{Ha1, Nonces, Verdict},
    endpoint::{DialogId, Event as SipEvent, Output as SipOutput, Request, RequestId},
    message::{Message, Method},
    path::Path,
};

use crate::{
    call::{Call, Facts},
    leg::reported_leg,
    orders::{Order, OrderRefused, SeatRequest, star_code},
    routing::{self, Route},
    seat_service::SeatService,
    settings::Settings,
    stage::{Arriving, Input as StageInput, Stage},
    switchboard::{Owner, Side, Switchboard},
};

/// Seconds after which a refused caller may try again, when the engine is full or stopping.
const RETRY_AFTER_S: &str = "5";

/// Longest SIP Call-ID kept in the journal, characters. Real ones have some 20 to 80; a hostile one
/// must not make a record too long to be kept.
const CALL_ID_CHARS: usize = 255;

/// What happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// One whole SIP message came.
    Received {
        /// The way it came.
        path: Path,
        /// The message.
        bytes: &'a [u8],
    },
    /// A connection closed, or a datagram could not be sent.
    PathLost(Path),
    /// A media worker reported.
    Media(Report),
    /// A recording's file is complete.
    RecordingClosed {
        /// The recording.
        recording: u64,
        /// Length of the sound, ms.
        ms: u64,
        /// SHA-256 of the file, hex.
        sha256: String,
    },
    /// A recording could not be written.
    RecordingFailed {
        /// The recording.
        recording: u64,
        /// Why, in a few words.
        cause: String,
    },
    /// Somebody asked for something through the gate.
    Ordered(Order),
    /// The shell read the wall clock.
    WallClockRead(Timestamp),
    /// The engine is asked to stop: new calls are refused from now on, live ones go on.
    DrainBegan,
    /// Time passed; see [`Exchange::next_wake`].
    TimePassed,
}

/// What is to be done outside.
#[derive(Debug)]
pub enum Output {
    /// Send a SIP message.
    Transmit {
        /// The way it goes.
        path: Path,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// Close a connection.
    ClosePath(Path),
    /// Tell the media workers.
    Media(Command),
    /// Open a recording's file before its first block comes.
    BeginRecording {
        /// The recording.
        recording: u64,
        /// File name inside the recordings folder.
        file: String,
    },
    /// Journal an event.
    Event(Stamped),
    /// An order was carried out or refused.
    OrderDone {
        /// The order's ticket.
        ticket: u64,
        /// How it went.
        result: Result<(), OrderRefused>,
    },
}

/// The signalling core: see the module.
pub struct Exchange {
    board: Switchboard,
    nonces: Nonces,
    calls: BTreeMap<CallId, Call>,
    services: BTreeMap<LegId, SeatService>,
    deadlines: BTreeSet<(Instant, CallId)>,
    deadline_of: BTreeMap<CallId, Instant>,
    view: Option<BoardWriter>,
    next_call: u64,
    draining: bool,
}

impl Exchange {
    /// An exchange without calls. `seed` is fresh randomness for branches, tags and nonces;
    /// `first_call` the first call number never used in this data directory; `wall_at_start` the
    /// wall clock at [`Instant::START`].
    pub fn new(
        settings: Settings,
        seed: [u8; 32],
        first_call: CallId,
        wall_at_start: Timestamp,
    ) -> Self {
        let mut nonce_key = seed;
        // Nonces and branches must not share a key: one is shown to everybody.
        nonce_key.iter_mut().for_each(|byte| *byte ^= 0x5c);
        Self {
            board: Switchboard::new(settings, seed, wall_at_start),
            nonces: Nonces::new(nonce_key),
            calls: BTreeMap::new(),
            services: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: BTreeMap::new(),
            view: None,
            next_call: first_call.0,
            draining: false,
        }
    }

    /// Gives the exchange the board to keep true for other threads.
    pub fn publish_on(&mut self, view: BoardWriter) {
        self.view = Some(view);
        self.publish();
    }

    /// Lets the exchange see what happened. Cannot fail: bad input is answered, counted or
    /// dropped. Drain [`Exchange::poll_output`] after each input.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Received { path, bytes } => self.board.endpoint.receive(now, path, bytes),
            Input::PathLost(path) => {
                self.board.endpoint.path_lost(now, path);
                self.board.registrar.path_lost(&path);
            }
            Input::Media(report) => self.reported(now, report),
            Input::RecordingClosed {
                recording,
                ms,
                sha256,
            } => {
                if let Some(open) = self.board.recordings.remove(&recording) {
                    let event = Event::RecordingClosed {
                        call: open.call,
                        file: open.file,
                        ms,
                        sha256,
                    };
                    self.board.happened(now, event);
                }
            }
            Input::RecordingFailed { recording, cause } => {
                if let Some(open) = self.board.recordings.remove(&recording) {
                    let event = Event::RecordingFailed {
                        call: open.call,
                        file: open.file,
                        cause,
                    };
                    self.board.happened(now, event);
                }
            }
            Input::Ordered(order) => {
                let through = format!("api:{}", order.by);
                let result = self.request(now, order.seat, order.request, through);
                self.board.outputs.push_back(Output::OrderDone {
                    ticket: order.ticket,
                    result,
                });
            }
            Input::WallClockRead(wall) => self.board.wall_clock_read(now, wall),
            Input::DrainBegan => self.draining = true,
            Input::TimePassed => {}
        }
        self.time_passed(now);
        self.settle(now);
        self.publish();
    }

    /// The next imperative for the shell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.board.outputs.pop_front()
    }

    /// When to call again with [`Input::TimePassed`], if nothing else happens before.
    pub fn next_wake(&self) -> Option<Instant> {
        let calls = self.deadlines.first().map(|&(at, _)| at);
        let services = self.services.values().map(|service| service.deadline).min();
        [
            calls,
            services,
            self.board.endpoint.next_wake(),
            self.board.floor.next_wake(),
            self.board.registrar.next_expiry(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Calls and star-code calls that are not over.
    pub fn live_calls(&self) -> usize {
        self.calls.len() + self.services.len()
    }

    /// Everything a call or a stage can reach, read only: for checks and metrics.
    pub fn switchboard(&self) -> &Switchboard {
        &self.board
    }

    /// The stage of a live call, by name.
    pub fn stage_of(&self, call: CallId) -> Option<&'static str> {
        self.calls.get(&call).map(|call| call.stage.name())
    }

    fn time_passed(&mut self, now: Instant) {
        if self.board.endpoint.next_wake().is_some_and(|at| at <= now) {
            self.board.endpoint.wake(now);
        }
        if self
            .board
            .registrar
            .next_expiry()
            .is_some_and(|at| at <= now)
        {
            self.board.registrar.expire(now);
        }
        if self.board.floor.next_wake().is_some_and(|at| at <= now) {
            self.board.floor(now, FloorInput::TimePassed);
        }
        // What is due now is taken out first: a stage that asks for the same instant again is
        // woken in the next turn, so that one call cannot hold up the others.
        let due: Vec<CallId> = self
            .deadlines
            .iter()
            .take_while(|&&(at, _)| at <= now)
            .map(|&(_, call)| call)
            .collect();
        for call in due {
            self.tell_call(now, call, StageInput::DeadlinePassed);
        }
        let over: Vec<LegId> = self
            .services
            .iter()
            .filter(|(_, service)| service.deadline <= now)
            .map(|(&leg, _)| leg)
            .collect();
        for leg in over {
            self.end_service(now, leg);
        }
    }

    /// Drains what the cores decided until nothing is left: the turn in which a seat becomes free
    /// is the turn in which it is matched.
    fn settle(&mut self, now: Instant) {
        loop {
            if let Some(output) = self.board.endpoint.poll_output() {
                match output {
                    SipOutput::Transmit { path, bytes } => {
                        self.board
                            .outputs
                            .push_back(Output::Transmit { path, bytes });
                    }
                    SipOutput::ClosePath(path) => {
                        self.board.outputs.push_back(Output::ClosePath(path));
                    }
                    SipOutput::Event(event) => self.sip(now, event),
                }
            } else if let Some(change) = self.board.registrar.poll_change() {
                let device = if change.registered {
                    Device::Registered
                } else {
                    Device::Unregistered
                };
                let seat = change.seat;
                self.board.happened(
                    now,
                    Event::SeatDeviceChanged {
                        seat,
                        device,
                        detail: change.detail,
                    },
                );
                self.board
                    .floor(now, FloorInput::SetDevice { seat, device });
            } else if let Some(output) = self.board.floor.poll_output() {
                self.decided(now, output);
            } else {
                return;
            }
        }
    }

    fn decided(&mut self, now: Instant, output: FloorOutput) {
        match output {
            FloorOutput::Offer {
                call,
                seat,
                queue,
                why,
                ..
            } => {
                self.tell_call(now, call, StageInput::Offered { seat, queue, why });
            }
            FloorOutput::Withdraw { call, seat, why } => {
                self.tell_call(now, call, StageInput::Withdrawn(seat, why));
            }
            FloorOutput::TimedOut { call, queue } => {
                self.tell_call(now, call, StageInput::TimedOut(queue));
            }
            FloorOutput::Refused { call, queue, cause } => {
                self.tell_call(now, call, StageInput::QueueRefused(queue, cause));
            }
            FloorOutput::SeatChanged {
                seat,
                intent,
                work,
                call,
            } => {
                self.board.happened(
                    now,
                    Event::SeatChanged {
                        seat,
                        intent,
                        work,
                        call,
                    },
                );
            }
        }
    }

    /// Hands an input to a call's stage and keeps the deadline index true.
    fn tell_call(&mut self, now: Instant, id: CallId, input: StageInput) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let stage = mem::replace(&mut call.stage, Stage::Ended);
        call.stage = stage.handle(&mut call.facts, now, input, &mut self.board);
        let deadline = call.stage.deadline();
        if matches!(call.stage, Stage::Ended) {
            self.calls.remove(&id);
        }
        self.set_deadline(id, deadline);
    }

    fn set_deadline(&mut self, id: CallId, deadline: Option<Instant>) {
        if let Some(old) = self.deadline_of.remove(&id) {
            self.deadlines.remove(&(old, id));
        }
        if let Some(at) = deadline {
            self.deadline_of.insert(id, at);
            self.deadlines.insert((at, id));
        }
    }

    fn reported(&mut self, now: Instant, report: Report) {
        let Some(leg) = reported_leg(&report) else {
            return;
        };
        match self.board.owner(leg) {
            Some(Owner::Call(call, side)) => {
                let input = match (report, side) {
                    (Report::Opened { leg, port }, _) => StageInput::MediaOpened(leg, port),
                    (Report::OpenFailed { leg, cause }, _) => StageInput::MediaFailed(leg, cause),
                    (Report::PlayEnded { play, .. }, Side::Caller) => StageInput::PlayEnded(play),
                    (Report::Digit { digit, .. }, Side::Caller) => StageInput::Digit(digit),
                    (Report::Silent { .. }, side) => StageInput::Silent(side),
                    _ => return,
                };
                self.tell_call(now, call, input);
            }
            Some(Owner::Service) => self.service_reported(now, leg, &report),
            None => {}
        }
    }

    fn service_reported(&mut self, now: Instant, leg: LegId, report: &Report) {
        let Some(service) = self.services.get_mut(&leg) else {
            return;
        };
        let goes_on = match report {
            Report::Opened { port, .. } => service.opened(now, *port, &mut self.board),
            Report::OpenFailed { .. } | Report::Silent { .. } | Report::PlayEnded { .. } => false,
            _ => true,
        };
        if !goes_on {
            self.end_service(now, leg);
        }
    }

    fn end_service(&mut self, now: Instant, leg: LegId) {
        if let Some(mut service) = self.services.remove(&leg) {
            self.board.close_leg(now, &mut service.leg, None);
            self.board.floor(
                now,
                FloorInput::SeatBusy {
                    seat: service.seat,
                    busy: false,
                },
            );
        }
    }

    fn sip(&mut self, now: Instant, event: SipEvent) {
        match event {
            SipEvent::Invited {
                dialog,
                path,
                request,
                ..
            } => self.invited(now, dialog, path, &request),
            SipEvent::Request { id, path, request } => self.requested(now, id, path, &request),
            SipEvent::Acknowledged { dialog, body } => self.acknowledged(now, dialog, body),
            SipEvent::Cancelled { dialog } => {
                self.tell_dialog(now, dialog, |_, _| Some(StageInput::Cancelled));
            }
            SipEvent::Reoffered { dialog, body } => {
                self.tell_dialog(now, dialog, |side, _| {
                    Some(StageInput::Reoffered(side, body))
                });
            }
            SipEvent::Ringing { dialog, .. } => {
                self.tell_dialog(now, dialog, |_, leg| Some(StageInput::Ringing(leg)));
            }
            SipEvent::Answered { dialog, body } => {
                self.tell_dialog(now, dialog, |_, leg| Some(StageInput::Answered(leg, body)));
            }
            SipEvent::Refused { dialog, status, .. } => {
                self.tell_dialog(now, dialog, |_, leg| Some(StageInput::Refused(leg, status)));
            }
            SipEvent::Ended { dialog, why, .. } => {
                self.tell_dialog(now, dialog, |side, _| Some(StageInput::Ended(side, why)));
            }
            SipEvent::Info {
                dialog,
                content_type,
                body,
            } => {
                self.tell_dialog(now, dialog, |side, _| match side {
                    Side::Caller => info_digit(&content_type, &body).map(StageInput::Digit),
                    Side::Agent => None,
                });
            }
            // The engine itself neither re-offers nor sends requests outside a dialog.
            SipEvent::Referred { refer, .. } => self.board.endpoint.refuse_refer(now, refer, 403),
            SipEvent::ReofferAnswered { .. }
            | SipEvent::ReferProgress { .. }
            | SipEvent::ReofferRefused { .. }
            | SipEvent::Response { .. } => {}
        }
    }

    fn acknowledged(&mut self, now: Instant, dialog: DialogId, body: Vec<u8>) {
        let service = self
            .board
            .leg_of(dialog)
            .and_then(|leg| self.services.get_mut(&leg));
        let Some(service) = service else {
            self.tell_dialog(now, dialog, |side, _| {
                Some(StageInput::Acknowledged(side, body))
            });
            return;
        };
        if !service.acknowledged(&body, &mut self.board) {
            return;
        }
        let (leg, seat, request) = (service.leg_id(), service.seat, service.request);
        let done = request
            .is_some_and(|request| self.request(now, seat, request, "phone".to_owned()).is_ok());
        if let Some(service) = self.services.get(&leg) {
            service.confirm(done, &mut self.board);
        }
    }

    /// Hands a dialog's event to the call it belongs to. A star-code call knows only one: its end.
    fn tell_dialog(
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
                Some(StageInput::Reoffered(_, body)) => {
                    if let Some(service) = self.services.get_mut(&leg) {
                        service.leg.reoffered(now, &body, &mut self.board);
                    }
                }
                _ => {}
            },
            None => {}
        }
    }

    fn invited(&mut self, now: Instant, dialog: DialogId, path: Path, request: &Request) {
        let Some(message) = request.message() else {
            return;
        };
        let dialled = routing::dialled(&message);
        let full = self.calls.len() >= limits::CALLS;
        if self.draining || full {
            let cause = if full { "too many calls" } else { "stopping" };
            let retry = ("Retry-After", RETRY_AFTER_S.to_owned());
            self.refuse(now, dialog, path, &message, 503, &[retry], cause);
            return;
        }
        let mut seat = None;
        let mut route = routing::route(&self.board.settings, path.remote, &dialled, false);
        if matches!(route, Route::Challenge) {
            match self.prove(now, &message, Method::Invite) {
                Ok(proven) => seat = Some(proven),
                Err(verdict) => {
                    // Not journalled as a refusal: it is half of every proper call of a phone.
                    let challenges = self.challenge(now, &message, verdict);
                    self.board.endpoint.reject(now, dialog, 401, &challenges);
                    return;
                }
            }
            route = routing::route(&self.board.settings, path.remote, &dialled, true);
        }
        match (route, seat) {
            (_, Some(seat)) if dialled.starts_with('*') => {
                let leg = self.board.open_leg(Owner::Service);
                let (offer, request) = (request.session().to_vec(), star_code(&dialled));
                let mut service = SeatService::new(now, seat, request, leg, offer);
                self.board.connect_dialog(dialog, &mut service.leg);
                self.board
                    .floor(now, FloorInput::SeatBusy { seat, busy: true });
                self.services.insert(service.leg_id(), service);
            }
            (Route::Served { trunk, script }, _) => {
                let id = CallId(self.next_call);
                self.next_call += 1;
                let caller = routing::caller(&message, trunk.is_some());
                let sip_call_id = String::from_utf8_lossy(message.call_id());
                let sip_call_id = sip_call_id.chars().take(CALL_ID_CHARS).collect();
                let mut leg = self.board.open_leg(Owner::Call(id, Side::Caller));
                self.board.connect_dialog(dialog, &mut leg);
                let arrived = Event::CallArrived {
                    call: id,
                    trunk,
                    caller: caller.clone(),
                    called: dialled.clone(),
                    sip_call_id,
                };
                self.board.happened(now, arrived);
                let facts = Facts::new(id, trunk, caller, dialled, leg, now);
                let arriving = Arriving::new(now, request.session().to_vec(), script);
                let deadline = arriving.deadline();
                self.calls.insert(
                    id,
                    Call {
                        facts,
                        stage: Stage::Arriving(arriving),
                    },
                );
                self.set_deadline(id, deadline);
            }
            (Route::Refused(status, cause), _) => {
                self.refuse(now, dialog, path, &message, status, &[], cause);
            }
            (Route::Challenge, _) => {
                self.refuse(now, dialog, path, &message, 403, &[], "not allowed");
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a refusal says who, what, why and how"
    )]
    fn refuse(
        &mut self,
        now: Instant,
        dialog: DialogId,
        path: Path,
        message: &Message<'_>,
        status: u16,
        headers: &[(&str, String)],
        cause: &str,
    ) {
        let trunk = routing::trunk_of(&self.board.settings, path.remote);
        self.board.happened(
            now,
            Event::InviteRejected {
                source: path.remote.to_string(),
                trunk,
                caller: routing::caller(message, trunk.is_some()),
                called: routing::dialled(message),
                status,
                cause: cause.to_owned(),
            },
        );
        self.board.endpoint.reject(now, dialog, status, headers);
    }

    fn requested(&mut self, now: Instant, id: RequestId, path: Path, request: &Request) {
        let Some(message) = request.message() else {
            return;
        };
        match message.method() {
            Method::Register => self.register(now, id, path, &message),
            Method::Options => {
                // A carrier's ping: what we can do (RFC 3261 §11.2); 503 tells it to go elsewhere.
                let status = if self.draining { 503 } else { 200 };
                let headers = [("Accept", "application/sdp".to_owned())];
                self.board
                    .endpoint
                    .respond(now, id, status, &headers, Vec::new());
            }
            _ => self.board.endpoint.respond(now, id, 405, &[], Vec::new()),
        }
    }

    fn register(&mut self, now: Instant, id: RequestId, path: Path, message: &Message<'_>) {
        let seat = match self.prove(now, message, Method::Register) {
            Ok(seat) => seat,
            Err(verdict) => {
                let challenges = self.challenge(now, message, verdict);
                self.board
                    .endpoint
                    .respond(now, id, 401, &challenges, Vec::new());
                return;
            }
        };
        if message.to().uri.user != Some(seat.as_str().as_bytes()) {
            // RFC 3261 §10.3 step 4: this user may not change another's bindings.
            self.board.endpoint.respond(now, id, 403, &[], Vec::new());
            return;
        }
        let answer = self.board.registrar.register(now, seat, message, path);
        self.board
            .endpoint
            .respond(now, id, answer.status, &answer.headers, Vec::new());
    }

    /// The seat that the request proves to come from, by digest. An unknown user takes the same
    /// time and gets the same answer as a wrong password.
    fn prove(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        method: Method<'_>,
    ) -> Result<SeatId, Verdict> {
        let settings = &self.board.settings;
        let fields = Nonces::fields(&settings.realm, message.authorizations());
        let user = fields.as_ref().and_then(|fields| fields.user_text());
        let seat = user.and_then(|user| settings.seat_of_user(&user));
        let nobody = Ha1::of_nobody();
        let ha1 = seat.map_or(&nobody, |seat| &seat.ha1);
        match (
            self.nonces
                .verify(now, &settings.realm, method, fields.as_ref(), ha1),
            seat,
        ) {
            (Verdict::Ok, Some(seat)) => Ok(seat.floor.id),
            (Verdict::Ok, None) => Err(Verdict::Wrong),
            (verdict, _) => Err(verdict),
        }
    }

    /// Fresh challenges, SHA-256 above MD5 (RFC 8760 §2.4); MD5 alone for a seat whose phone is
    /// known to give up otherwise.
    fn challenge(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        verdict: Verdict,
    ) -> Vec<(&'static str, String)> {
        let stale = verdict == Verdict::Stale;
        let settings = &self.board.settings;
        let claimed = settings.seat_of_user(&message.from().uri.user_text());
        let skipped = usize::from(claimed.is_some_and(|seat| seat.md5_only));
        self.nonces
            .challenge(now, &settings.realm, stale)
            .into_iter()
            .skip(skipped)
            .map(|value| ("WWW-Authenticate", value))
            .collect()
    }

    /// Carries out what a seat asked for, and journals it either way.
    fn request(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: SeatRequest,
        through: String,
    ) -> Result<(), OrderRefused> {
        let result = self.carry_out(now, seat, request);
        let done = result.is_ok();
        self.board.happened(
            now,
            Event::SeatRequested {
                seat,
                request: request.to_string(),
                through,
                done,
            },
        );
        result
    }

    fn carry_out(
        &mut self,
        now: Instant,
        seat: SeatId,
        request: SeatRequest,
    ) -> Result<(), OrderRefused> {
        let view = self
            .board
            .floor
            .seat(seat)
            .ok_or(OrderRefused::SeatUnknown)?;
        let input = match request {
            SeatRequest::Ready if view.device == Device::Unregistered => {
                return Err(OrderRefused::NotRegistered);
            }
            SeatRequest::Ready => FloorInput::SetIntent {
                seat,
                intent: Intent::Ready,
            },
            SeatRequest::NotReady(reason) => FloorInput::SetIntent {
                seat,
                intent: Intent::NotReady(reason),
            },
            SeatRequest::EndWrapUp if view.work != hotline_model::seat::Work::WrapUp => {
                return Err(OrderRefused::NotWrappingUp);
            }
            SeatRequest::EndWrapUp => FloorInput::EndWrapUp { seat },
        };
        self.board.floor(now, input);
        Ok(())
    }

    /// Lets other threads see what changed.
    fn publish(&mut self) {
        if let Some(view) = &mut self.view {
            self.board.floor.post(view);
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
