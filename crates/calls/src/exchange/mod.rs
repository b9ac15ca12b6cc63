//! The exchange: one value that owns SIP, the floor, the registrations and all calls. Single
//! writer: strict order, no lock, replayable.

mod arrivals;
mod authentication;
mod blocked;
mod connections;
mod consults;
mod desks;
mod faults;
mod guests;
mod hands;
mod invites;
mod keep_alive;
mod lending;
mod new_settings;
mod replaces;
mod reports;
mod restored;
mod seat_first;
mod seat_requests;
mod sip_events;
mod takeovers;
mod transfers;

use core::mem;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hotline_acd::{Input as FloorInput, Output as FloorOutput, board::BoardWriter, watch::Watch};
use hotline_media::{Command, Report};
use hotline_model::{
    CallId, Instant, LegId, MediaThread, SeatId, Timestamp,
    event::{Event, Stamped},
    limits,
};
use hotline_sip::{
    digest::Nonces,
    endpoint::{Output as SipOutput, RequestId},
    path::Path,
};

pub use new_settings::NewSettings;

use crate::{
    admission::Admission,
    call::Call,
    callers::Callers,
    consultation::Consultation,
    lendings::Aor,
    orders::{CallOrder, Hand, Order, OrderRefused},
    seat_service::SeatService,
    settings::Settings,
    stage::{Input as StageInput, Stage},
    switchboard::Switchboard,
};

pub use hands::Waits;

/// What happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// One whole SIP message came, and nothing else waits. Where several may have come, take them
    /// in first and serve them afterwards: [`Exchange::take_in`], [`Exchange::serve_next`].
    Received {
        /// The way it came.
        path: Path,
        /// The message.
        bytes: &'a [u8],
    },
    /// A browser opened a WebSocket, signed in as the agent of this seat: until the connection is
    /// lost, it needs no digest and speaks for that seat alone.
    SeatConnected {
        /// The connection.
        path: Path,
        /// The seat.
        seat: SeatId,
    },
    /// A page of the agent of this seat began to follow the live stream, or one ended.
    DeskStreams {
        /// The seat.
        seat: SeatId,
        /// Whether it began.
        opened: bool,
    },
    /// A connection closed, or a datagram could not be sent.
    PathLost(Path),
    /// A connection that was to be opened is none: its peer could not show that it is who we
    /// called.
    PathRefused {
        /// The connection.
        path: Path,
        /// Why, in a few words.
        why: String,
    },
    /// A media worker reported.
    Media(Report),
    /// A media thread ended by a fault of its own: nothing it owned is heard of again.
    MediaThreadLost(MediaThread),
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
    /// New settings, checked.
    SettingsReplaced(Box<NewSettings>),
    /// Somebody asked for something through the gate.
    Ordered(Order),
    /// A supervisor's hand reached for a waiting call through the gate.
    CallOrdered(CallOrder),
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
        /// One voice alone: a message.
        alone: bool,
    },
    /// Journal an event.
    Event(Stamped),
    /// Measure how long it took since then: in a turn that began at this instant a seat was found
    /// for a caller who waited, and its phone's INVITE went out before this.
    MeasureInvite {
        /// The beginning.
        since: Instant,
    },
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
    admission: Admission,
    nonces: Nonces,
    /// The WebSockets that browsers opened which are signed in, by connection.
    browsers: BTreeMap<u64, SeatId>,
    /// Boxed, since a node of the tree has room for eleven.
    calls: BTreeMap<CallId, Box<Call>>,
    services: BTreeMap<LegId, SeatService>,
    consults: BTreeMap<u64, Consultation>,
    next_consult: u64,
    /// Legs by which consulted seats want to take callers over.
    takeovers: BTreeMap<LegId, takeovers::TakeOver>,
    /// Desks at which a page was opened since the start.
    desks: BTreeMap<SeatId, desks::Desk>,
    /// Desks that are cut off and may be lost by that, by when they were cut.
    desks_cut: BTreeSet<(Instant, SeatId)>,
    pings: BTreeMap<RequestId, (Aor, u64)>,
    deadlines: BTreeSet<(Instant, CallId)>,
    deadline_of: BTreeMap<CallId, Instant>,
    view: Option<BoardWriter>,
    /// Watches the service level of each queue.
    watch: Watch,
    next_call: u64,
    draining: bool,
    before_stage: Option<BeforeStage>,
}

/// Called before a call's stage sees an input: see [`Exchange::break_in`].
pub type BeforeStage = fn(CallId, &StageInput);

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
        let mut admission = Admission::new();
        for trunk in &settings.trunks {
            admission.trunk_may(trunk.id, trunk.calls_per_s);
        }
        Self {
            board: Switchboard::new(settings, seed, wall_at_start),
            admission,
            nonces: Nonces::new(nonce_key),
            browsers: BTreeMap::new(),
            calls: BTreeMap::new(),
            services: BTreeMap::new(),
            consults: BTreeMap::new(),
            next_consult: 1,
            takeovers: BTreeMap::new(),
            desks: BTreeMap::new(),
            desks_cut: BTreeSet::new(),
            pings: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: BTreeMap::new(),
            view: None,
            watch: Watch::default(),
            next_call: first_call.0,
            draining: false,
            before_stage: None,
        }
    }

    /// Gives the exchange the callers of earlier runs; before the first input.
    pub fn remember(&mut self, callers: Callers) {
        self.board.callers = callers;
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
            Input::Received { path, bytes } => {
                self.take_in(now, path, bytes);
                while self.receive_next(now) {}
            }
            Input::SeatConnected { path, seat } => self.seat_connected(path, seat),
            Input::DeskStreams { seat, opened } => self.desk_streams(now, seat, opened),
            Input::PathLost(path) => self.path_lost(now, path, None),
            Input::PathRefused { path, why } => self.path_lost(now, path, Some(&why)),
            Input::Media(report) => self.reported(now, report),
            Input::MediaThreadLost(thread) => self.media_thread_lost(now, thread),
            Input::RecordingClosed {
                recording,
                ms,
                sha256,
            } => {
                if let Some(open) = self.board.recordings.remove(&recording) {
                    self.board.happened(now, open.closed(ms, sha256));
                }
            }
            Input::RecordingFailed { recording, cause } => {
                if let Some(open) = self.board.recordings.remove(&recording) {
                    self.board.happened(now, open.failed(cause));
                }
            }
            Input::Ordered(order) => {
                let through = format!("api:{}", order.by);
                let hand = if order.supervisor {
                    Hand::Supervisor
                } else {
                    Hand::Own
                };
                let asked = (order.seat, hand);
                let result = self.request(now, asked, order.request, through);
                self.board.outputs.push_back(Output::OrderDone {
                    ticket: order.ticket,
                    result,
                });
            }
            Input::CallOrdered(order) => {
                let result = self.call_ordered(now, &order);
                let ticket = order.ticket;
                self.board
                    .outputs
                    .push_back(Output::OrderDone { ticket, result });
            }
            Input::SettingsReplaced(new) => self.settings_replaced(now, *new),
            Input::WallClockRead(wall) => {
                self.board.wall_clock_read(now, wall);
                self.sign_out_invalid(now);
                self.shifts_end(now);
            }
            Input::DrainBegan => self.drain(now),
            Input::TimePassed => {}
        }
        self.turn_over(now);
    }

    /// No new call is taken, and no callback begun; what is under way goes on.
    fn drain(&mut self, now: Instant) {
        (self.draining, self.board.draining) = (true, true);
        let calls = self.calls.iter();
        let absent = calls.filter(|(_, call)| call.stage.is_absent(&call.facts));
        let absent: Vec<CallId> = absent.map(|(&call, _)| call).collect();
        for call in absent {
            self.board.floor(now, FloorInput::CallLeft { call });
        }
    }

    /// What came is heard before what is due: an answer in the turn in which the ringing ends still
    /// counts.
    fn turn_over(&mut self, now: Instant) {
        if self.board.endpoint.next_wake().is_some_and(|at| at <= now) {
            self.board.endpoint.wake(now);
        }
        let expiry = self.board.registrar.next_expiry();
        if expiry.is_some_and(|at| at <= now) {
            self.board.registrar.expire(now);
        }
        self.settle(now);
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
        let consults = self.consults.values().filter_map(|it| it.deadline).min();
        [
            calls,
            services,
            consults,
            self.board.endpoint.next_wake(),
            self.board.floor.next_wake(),
            self.board.registrar.next_wake(),
            self.board.trunks.next_wake(),
            self.admission.next_wake(),
            self.watch.next_look(),
            self.next_block_end(),
            self.next_desk(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Calls, star-code calls and talks of seats that are not over. Callers who are to be called back
    /// and for whom nothing is under way do not count: they stand on after a restart.
    pub fn live_calls(&self) -> usize {
        let calls = self.calls.values();
        let live = calls.filter(|call| !call.stage.is_absent(&call.facts));
        live.count() + self.services.len() + self.consults.len()
    }

    /// Whether one more call is too many. Star-code calls have legs and dialogs like any other;
    /// callers who are to be called back have a limit of their own.
    fn is_full(&self) -> bool {
        let on_lines = self.calls.len() - self.board.callbacks.standing().min(self.calls.len());
        on_lines + self.services.len() >= limits::CALLS
    }

    /// Everything a call or a stage can reach, read only: for checks and metrics.
    pub fn switchboard(&self) -> &Switchboard {
        &self.board
    }

    /// Lets tests break a call: `look` sees each input before the call's stage does, and may panic.
    pub fn break_in(&mut self, look: BeforeStage) {
        self.before_stage = Some(look);
    }

    /// The stage of a live call, by name.
    pub fn stage_of(&self, call: CallId) -> Option<&'static str> {
        self.calls.get(&call).map(|call| call.stage.name())
    }

    fn time_passed(&mut self, now: Instant) {
        self.ping_phones(now);
        if self.board.trunks.next_wake().is_some_and(|at| at <= now) {
            let board = &mut self.board;
            board.trunks.time_passed(now, &mut board.endpoint);
        }
        self.consults_due(now);
        if self.board.floor.next_wake().is_some_and(|at| at <= now) {
            self.board.floor(now, FloorInput::TimePassed);
        }
        self.blocks_end(now);
        self.desks_due(now);
        for event in self.watch.look(now, &self.board.floor) {
            self.board.happened(now, event);
        }
        for event in self.admission.tell(now) {
            self.board.happened(now, event);
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
    pub(super) fn settle(&mut self, now: Instant) {
        loop {
            if let Some(call) = self.board.callbacks.pop_rang_again() {
                self.tell_call(now, call, StageInput::RangAgain);
            } else if let Some(output) = self.board.endpoint.poll_output() {
                match output {
                    SipOutput::Transmit { path, bytes } => {
                        self.board
                            .outputs
                            .push_back(Output::Transmit { path, bytes });
                    }
                    SipOutput::ClosePath(path) => {
                        self.board.outputs.push_back(Output::ClosePath(path));
                    }
                    SipOutput::Event(event) => self.guarded_sip(now, event),
                }
            } else if let Some((leg, port)) = self.board.ports.poll_opened() {
                self.opened_at_once(now, leg, port);
            } else if let Some(output) = self.board.floor.poll_output() {
                // Before the next phone is gone: each decision is carried out in the state in which
                // it was taken.
                self.decided(now, output);
            } else if let Some(change) = self.board.registrar.poll_change() {
                match change.seat {
                    Aor::Seat(seat) => self.board.note_device(now, seat, change.detail),
                    Aor::Phone(phone) => {
                        self.phone_changed(now, phone, change.registered, change.detail);
                    }
                }
            } else if let Some(whose) = self.board.registrar.poll_rebound() {
                if let Aor::Seat(seat) = whose {
                    self.look_at_desk(now, seat);
                }
            } else if let Some(left) = self.board.registrar.poll_left() {
                let registrar = &self.board.registrar;
                self.admission.left(left, |at| registrar.is_at(at));
            } else if let Some(change) = self.board.trunks.poll_change() {
                let event = Event::TrunkStateChanged {
                    trunk: change.trunk,
                    target: change.target,
                    state: change.state,
                    detail: change.why,
                };
                self.board.happened(now, event);
            } else if !self.phones_go_back(now) {
                return self.board.measure_invites();
            }
        }
    }

    pub(super) fn decided(&mut self, now: Instant, output: FloorOutput) {
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
            FloorOutput::Overflowed {
                call,
                queue,
                rule,
                to,
                why,
            } => {
                let overflowed = StageInput::Overflowed {
                    queue,
                    rule,
                    to,
                    why,
                };
                self.tell_call(now, call, overflowed);
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
    pub(super) fn tell_call(&mut self, now: Instant, id: CallId, input: StageInput) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let stage = mem::replace(&mut call.stage, Stage::Ended);
        let (facts, board, before) = (&mut call.facts, &mut self.board, self.before_stage);
        let turn = faults::caught(|| {
            if let Some(look) = before {
                look(id, &input);
            }
            stage.handle(facts, now, input, board)
        });
        match turn {
            Ok(stage) => call.stage = stage,
            Err(fault) => return self.call_broke(now, id, fault),
        }
        let deadlines = [call.stage.deadline(), call.facts.guests.deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        if matches!(call.stage, Stage::Ended) {
            self.calls.remove(&id);
        }
        self.set_deadline(id, deadline);
    }

    pub(super) fn set_deadline(&mut self, id: CallId, deadline: Option<Instant>) {
        if let Some(old) = self.deadline_of.remove(&id) {
            self.deadlines.remove(&(old, id));
        }
        if let Some(at) = deadline {
            self.deadline_of.insert(id, at);
            self.deadlines.insert((at, id));
        }
    }

    /// Lets other threads see what changed.
    fn publish(&mut self) {
        if let Some(view) = &mut self.view {
            self.board.floor.post(view);
        }
    }
}
