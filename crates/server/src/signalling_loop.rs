//! The signalling thread: owns the exchange and its sockets, carries out what it decides, and
//! sleeps until something happens. One writer, no lock.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    time::{Duration, Instant as StdInstant, SystemTime},
};

use crossbeam::queue::ArrayQueue;
use hotline_calls::{
    Exchange, Input, NewSettings, Output, Transport,
    blacklist::{Block, BlockDenied, BlockRequest},
    exchange::Waits,
    gate::Gate,
    orders::{CallOrder, Order, OrderRefused},
};
use hotline_media::{Command, Report};
use hotline_model::{
    CallId, Instant, SeatId, Timestamp,
    event::{Event, Stamped},
};
use tokio::sync::{Notify, oneshot, watch};

use crate::{
    media_loop::Full,
    media_threads::MediaThreads,
    metrics_page::READY_TO_INVITE,
    net::{
        streams::{FromStream, Listening, Streams},
        udp::Datagrams,
    },
    recording_loop::{RecordingHandle, RecordingReport},
    reload::roll::BoardOrder,
    store_loop::stamped,
};

/// Datagrams taken in in one turn, before what waits is served.
const TAKEN_IN: usize = 256;

/// Messages served in one turn, before the sockets and the other doors are looked at: about a
/// millisecond of work, in which no socket overflows.
const SERVED: usize = 32;

/// How often the wall clock is read, so that timestamps follow its corrections, and the metrics
/// are measured.
const WALL_CLOCK_EVERY: Duration = Duration::from_secs(5);

/// Pause before commands are offered again to a media thread that is behind.
const MEDIA_BEHIND: Duration = Duration::from_millis(5);

/// How long the engine stays after the last call ended, when it is stopping.
const GOODBYE: Duration = Duration::from_millis(500);

/// An order with the way back to who asked.
pub struct Asked {
    /// The order; its ticket is set by the loop.
    pub order: Order,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<(), OrderRefused>>,
}

/// What supervisors ask about calls in line, with the way back to who asked.
pub enum Hand {
    /// To be carried out; the ticket is set by the loop.
    Order(CallOrder, oneshot::Sender<Result<(), OrderRefused>>),
    /// Why the call still waits.
    Why(CallId, oneshot::Sender<Option<Waits>>),
    /// Something about blocked callers, asked by this user.
    Block(
        String,
        BlockRequest,
        oneshot::Sender<Result<u64, BlockDenied>>,
    ),
    /// The blocked callers.
    Blocks(oneshot::Sender<Vec<Block>>),
}

/// New settings with the way back to who brought them.
pub struct Replacing {
    /// The settings.
    pub new: Box<NewSettings>,
    /// Where the board's order afterwards goes.
    pub done: oneshot::Sender<BoardOrder>,
}

/// The doors between the signalling thread and the others. Every ring has a limit in
/// `model/limits.rs`.
pub struct Doors {
    /// Orders of the API.
    pub gate: Gate<Asked>,
    /// Supervisors' hands on the line.
    pub hands: Gate<Hand>,
    /// Agents' pages that began to follow the live stream (true), or ended.
    pub desks: ArrayQueue<(SeatId, bool)>,
    /// New settings: one at a time.
    pub settings: ArrayQueue<Replacing>,
    /// Reports of the media workers.
    pub reports: Arc<ArrayQueue<Report>>,
    /// Reports of the recorder.
    pub recordings: Arc<ArrayQueue<RecordingReport>>,
    /// Events on their way to the journal.
    pub events: ArrayQueue<Stamped>,
    /// Rung when a report or an order was put in.
    pub bell: Notify,
    /// Wakes the journal thread.
    pub journal_bell: Notify,
}

/// The loop's state.
pub struct SignallingLoop {
    /// The core.
    pub exchange: Exchange,
    /// SIP over UDP.
    pub datagrams: Datagrams,
    /// SIP over connections.
    pub streams: Streams,
    /// The media threads.
    pub media: MediaThreads,
    /// The recorder.
    pub recorder: RecordingHandle,
    /// The doors.
    pub doors: Arc<Doors>,
    /// The monotonic clock's zero.
    pub epoch: StdInstant,
    /// Rises once when the engine is asked to stop.
    pub drain: watch::Receiver<bool>,
    /// Longest time to wait for live calls when stopping.
    pub drain_for: Duration,
}

/// The ports of signalling; 0 where a transport is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// UDP and TCP.
    pub sip: u16,
    /// TLS.
    pub tls: u16,
    /// WebSocket.
    pub ws: u16,
    /// WebSocket under TLS.
    pub wss: u16,
}

/// The sockets of signalling, bound.
#[derive(Default)]
pub struct Bound {
    /// UDP, one for each address.
    pub datagrams: Vec<UdpSocket>,
    /// The others.
    pub listening: Vec<Listening>,
}

/// Binds all signalling sockets. The error names the port and says what to do.
pub fn bind(addresses: &[IpAddr], ports: Ports) -> io::Result<Bound> {
    let named = |transport: Transport, at: SocketAddr, error: io::Error| {
        io::Error::new(error.kind(), format!("SIP {transport} port {at}: {error}"))
    };
    let mut bound = Bound::default();
    for &address in addresses {
        let at = SocketAddr::new(address, ports.sip);
        let datagrams = UdpSocket::bind(at).map_err(|error| named(Transport::Udp, at, error))?;
        bound.datagrams.push(datagrams);
        for (transport, port) in [
            (Transport::Tcp, ports.sip),
            (Transport::Tls, ports.tls),
            (Transport::Ws, ports.ws),
            (Transport::Wss, ports.wss),
        ] {
            if port == 0 && transport != Transport::Tcp {
                continue;
            }
            let at = SocketAddr::new(address, port);
            let socket = TcpListener::bind(at).map_err(|error| named(transport, at, error))?;
            bound.listening.push(Listening { transport, socket });
        }
    }
    Ok(bound)
}

/// The wall clock, in milliseconds since 1970.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl SignallingLoop {
    fn now(&self) -> Instant {
        Instant::from_start(self.epoch.elapsed())
    }

    /// Runs until the engine was asked to stop and the last call is over, or the time for it; then
    /// ends the media threads, and after them the recorder, which has the last blocks by then.
    pub async fn run(mut self) {
        let mut answers = Answers::default();
        self.work(&mut answers).await;
        self.media.shut_down();
        self.recorder.shut_down();
        // The files that were open until now are closed, and the journal is told.
        self.take_recordings(&mut answers).await;
        self.wake_others(&mut answers);
    }

    /// What the media threads count, for the metrics page.
    fn measure(&self) {
        self.media.measure();
        metrics::gauge!("hotline_sip_connections").set(self.streams.count() as f64);
        metrics::gauge!("hotline_live_calls").set(self.exchange.live_calls() as f64);
        let ready = self.exchange.switchboard().ports.ready();
        metrics::gauge!("hotline_media_ports_ready").set(ready as f64);
    }

    async fn work(&mut self, answers: &mut Answers) {
        let mut clock = tokio::time::interval(WALL_CLOCK_EVERY);
        let mut stop_at: Option<StdInstant> = None;
        loop {
            let now = self.now();
            let until = [self.exchange.next_wake().map(|at| at.since(now))]
                .into_iter()
                .chain([stop_at.map(|at| at.saturating_duration_since(StdInstant::now()))])
                .chain([self.media.are_behind().then_some(MEDIA_BEHIND)])
                .flatten()
                .min()
                .unwrap_or(WALL_CLOCK_EVERY);
            let more = self.exchange.has_waiting();
            tokio::select! {
                // The runtime looks at the sockets before it goes on here.
                () = tokio::task::yield_now(), if more => {}
                _ = self.datagrams.readable() => {}
                from = self.streams.next() => self.take_from_stream(from),
                () = self.doors.bell.notified() => {}
                _ = clock.tick() => {
                    self.measure();
                    let now = self.now();
                    self.exchange.handle_input(now, Input::WallClockRead(wall_clock()));
                }
                changed = self.drain.changed(), if stop_at.is_none() => {
                    // A sender that is gone means that main is gone: stop as well.
                    if changed.is_err() || *self.drain.borrow() {
                        stop_at = Some(StdInstant::now() + self.drain_for);
                        let now = self.now();
                        self.exchange.handle_input(now, Input::DrainBegan);
                    }
                }
                () = tokio::time::sleep(until) => {
                    let now = self.now();
                    self.exchange.handle_input(now, Input::TimePassed);
                }
            }
            self.take_datagrams(answers);
            self.serve(answers);
            self.carry_out(answers).await;
            self.take_doors(answers).await;
            self.wake_others(answers);
            if let Some(at) = stop_at {
                let quiet = self.exchange.live_calls() == 0
                    && self.exchange.switchboard().recordings.is_empty();
                let now = StdInstant::now();
                if now >= at {
                    return;
                }
                if quiet {
                    // The last BYE still has to leave, and its answer to come.
                    stop_at = Some(at.min(now + GOODBYE));
                }
            }
        }
    }

    fn take_from_stream(&mut self, from: FromStream) {
        let now = self.now();
        match from {
            FromStream::Message(path, bytes) => self.exchange.take_in(now, path, &bytes),
            FromStream::SeatConnected(path, seat) => {
                self.exchange
                    .handle_input(now, Input::SeatConnected { path, seat });
            }
            FromStream::Idle(path) if self.exchange.is_registered_on(&path) => {}
            // The exchange hears of it by `Closed`.
            FromStream::Idle(path) => self.streams.close(path),
            FromStream::Closed(path) => self.exchange.handle_input(now, Input::PathLost(path)),
            FromStream::Refused(path, why) => {
                self.exchange
                    .handle_input(now, Input::PathRefused { path, why });
            }
        }
    }

    /// Takes in what the sockets hold, so that they do not overflow. What is too much is turned away
    /// here.
    fn take_datagrams(&mut self, answers: &mut Answers) {
        let now = self.now();
        for _ in 0..TAKEN_IN {
            if !self.exchange.has_room() {
                return;
            }
            let Some((path, bytes)) = self.datagrams.next() else {
                return;
            };
            self.exchange.take_in(now, path, bytes);
            self.carry_out_now(answers);
        }
    }

    /// Serves the messages whose turn it is.
    fn serve(&mut self, answers: &mut Answers) {
        for _ in 0..SERVED {
            let now = self.now();
            if !self.exchange.serve_next(now) {
                return;
            }
            // Between two messages only what cannot wait.
            self.carry_out_now(answers);
        }
    }

    /// Reports and orders that other threads put in.
    async fn take_doors(&mut self, answers: &mut Answers) {
        while let Some(report) = self.doors.reports.pop() {
            let now = self.now();
            self.exchange.handle_input(now, Input::Media(report));
            self.carry_out(answers).await;
        }
        // Reports that it made between the two come too late for its legs, and are passed over.
        while let Some(thread) = self.media.newly_lost() {
            let now = self.now();
            self.exchange
                .handle_input(now, Input::MediaThreadLost(thread));
            self.carry_out(answers).await;
        }
        self.take_recordings(answers).await;
        if let Some(Replacing { new, done }) = self.doors.settings.pop() {
            let now = self.now();
            self.exchange
                .handle_input(now, Input::SettingsReplaced(new));
            self.carry_out(answers).await;
            let floor = &self.exchange.switchboard().floor;
            // Who asked may have gone away meanwhile.
            let _ = done.send(BoardOrder {
                seats: floor.seat_ids().collect(),
                queues: floor.queue_ids().collect(),
            });
        }
        while let Some((seat, opened)) = self.doors.desks.pop() {
            let now = self.now();
            self.exchange
                .handle_input(now, Input::DeskStreams { seat, opened });
            self.carry_out(answers).await;
        }
        while let Some(asked) = self.doors.gate.take() {
            let now = self.now();
            let order = answers.expect(asked);
            self.exchange.handle_input(now, Input::Ordered(order));
            self.carry_out(answers).await;
        }
        while let Some(hand) = self.doors.hands.take() {
            match hand {
                Hand::Why(call, answer) => {
                    // Who asked may have gone away meanwhile.
                    let _ = answer.send(self.exchange.waits(call));
                }
                Hand::Blocks(answer) => {
                    let _ = answer.send(self.exchange.blocks().cloned().collect());
                }
                Hand::Block(by, request, answer) => {
                    let now = self.now();
                    let result = self.exchange.ask_of_blocks(now, &by, request);
                    let _ = answer.send(result);
                    self.carry_out(answers).await;
                }
                Hand::Order(mut order, answer) => {
                    order.ticket = answers.owe(answer);
                    let now = self.now();
                    self.exchange.handle_input(now, Input::CallOrdered(order));
                    self.carry_out(answers).await;
                }
            }
        }
    }

    /// What the recorder reports.
    async fn take_recordings(&mut self, answers: &mut Answers) {
        while let Some(report) = self.doors.recordings.pop() {
            let now = self.now();
            let input = match report {
                RecordingReport::Closed {
                    recording,
                    ms,
                    sha256,
                    ..
                } => Input::RecordingClosed {
                    recording,
                    ms,
                    sha256,
                },
                RecordingReport::Failed {
                    recording, cause, ..
                } => Input::RecordingFailed { recording, cause },
                RecordingReport::Space {
                    low,
                    free_mb,
                    keep_free_mb,
                } => {
                    self.tell(space_event(low, free_mb, keep_free_mb), answers)
                        .await;
                    continue;
                }
                RecordingReport::Disk { stalled, for_ms } => {
                    self.tell(disk_event(stalled, for_ms), answers).await;
                    continue;
                }
                RecordingReport::SoundLost { blocks } => {
                    tracing::warn!(blocks, "the disk of the recordings does not follow");
                    self.tell(Event::RecordingSoundLost { blocks }, answers)
                        .await;
                    continue;
                }
            };
            self.exchange.handle_input(now, input);
            self.carry_out(answers).await;
        }
    }

    /// Journals an event of the shell itself. Where the ring is full it is kept, and goes with what
    /// is carried out next.
    async fn tell(&mut self, event: Event, answers: &mut Answers) {
        self.journal(stamped(self.epoch, event), answers);
        self.carry_out(answers).await;
    }

    /// Carries out everything; waits for room where an event has none, since no event may be lost.
    async fn carry_out(&mut self, answers: &mut Answers) {
        loop {
            self.carry_out_now(answers);
            if answers.unsent.is_none() {
                return;
            }
            self.wake_others(answers);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Wakes the threads that were given something: once a turn, not once a thing.
    fn wake_others(&mut self, answers: &mut Answers) {
        if core::mem::take(&mut answers.journalled) {
            self.doors.journal_bell.notify_one();
        }
        self.media.wake();
    }

    /// Carries out what can be carried out without waiting.
    fn carry_out_now(&mut self, answers: &mut Answers) {
        if let Some(stamped) = answers.unsent.take()
            && !self.journal(stamped, answers)
        {
            return;
        }
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Transmit { path, bytes } => self.transmit(path, bytes),
                Output::ClosePath(path) => self.streams.close(path),
                Output::Media(command) => self.tell_media(command),
                Output::BeginRecording {
                    recording,
                    file,
                    alone: false,
                } => self.recorder.begin(recording, file),
                Output::BeginRecording {
                    recording, file, ..
                } => self.recorder.begin_alone(recording, file),
                Output::Event(stamped) => {
                    if !self.journal(stamped, answers) {
                        return;
                    }
                }
                Output::MeasureInvite { since } => {
                    let took = self.now().since(since);
                    metrics::histogram!(READY_TO_INVITE).record(took.as_secs_f64());
                }
                Output::OrderDone { ticket, result } => answers.answer(ticket, result),
            }
        }
    }

    /// Puts an event into the journal's ring; keeps it where the ring is full.
    fn journal(&self, stamped: Stamped, answers: &mut Answers) -> bool {
        match self.doors.events.push(stamped) {
            Ok(()) => {
                answers.journalled = true;
                true
            }
            Err(stamped) => {
                answers.unsent = Some(stamped);
                false
            }
        }
    }

    fn transmit(&mut self, path: hotline_calls::Path, bytes: Arc<[u8]>) {
        let sent = match path.transport {
            Transport::Udp => self.datagrams.send(path, &bytes),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                self.streams.send(path, bytes)
            }
        };
        if let Err(lost) = sent {
            let now = self.now();
            self.exchange.handle_input(now, Input::PathLost(lost));
        }
    }

    fn tell_media(&mut self, command: Command) {
        if let Err(Full(command)) = self.media.put(command)
            && let Some(report) = in_place_of(&command)
        {
            let now = self.now();
            self.exchange.handle_input(now, Input::Media(report));
        }
    }
}

/// What a media thread that is too far behind, or gone, would say of a command that does not reach
/// it. A call whose port cannot be asked for goes to another thread or is refused, and one that was
/// given a port has none. All else is kept for a thread that is behind, and void for one that is
/// gone.
fn in_place_of(command: &Command) -> Option<Report> {
    let cause = "the media thread is too far behind or gone".to_owned();
    match *command {
        Command::Open { leg, .. } | Command::OpenShared { leg, .. } => {
            Some(Report::OpenFailed { leg, cause })
        }
        Command::OpenPrepared { leg, .. } | Command::JoinShared { leg, .. } => {
            Some(Report::Broke { leg })
        }
        Command::Prepare {
            thread, address, ..
        } => Some(Report::PortsReady {
            thread,
            address,
            ports: Vec::new(),
        }),
        _ => None,
    }
}

/// What the journal says of the room for recordings.
fn space_event(low: bool, free_mb: u64, keep_free_mb: u64) -> Event {
    if low {
        tracing::warn!(free_mb, keep_free_mb, "the room for recordings is short");
        Event::RecordingSpaceLow {
            free_mb,
            keep_free_mb,
        }
    } else {
        tracing::info!(free_mb, "there is room for recordings again");
        Event::RecordingSpaceRegained { free_mb }
    }
}

fn disk_event(stalled: bool, for_ms: u64) -> Event {
    if stalled {
        tracing::error!(for_ms, "the disk of the recordings stands still");
        Event::RecordingDiskStalled { for_ms }
    } else {
        tracing::info!(for_ms, "the disk of the recordings follows again");
        Event::RecordingDiskFollowed { after_ms: for_ms }
    }
}

/// Answers owed to those who ordered, and an event that found no room.
#[derive(Default)]
struct Answers {
    next_ticket: u64,
    owed: BTreeMap<u64, oneshot::Sender<Result<(), OrderRefused>>>,
    unsent: Option<Stamped>,
    /// An event was put into the ring since the journal thread was woken.
    journalled: bool,
}

impl Answers {
    fn expect(&mut self, asked: Asked) -> Order {
        let mut order = asked.order;
        order.ticket = self.owe(asked.answer);
        order
    }

    /// The ticket under which the answer is owed.
    fn owe(&mut self, answer: oneshot::Sender<Result<(), OrderRefused>>) -> u64 {
        let ticket = self.next_ticket;
        self.owed.insert(ticket, answer);
        self.next_ticket += 1;
        ticket
    }

    fn answer(&mut self, ticket: u64, result: Result<(), OrderRefused>) {
        if let Some(answer) = self.owed.remove(&ticket) {
            // Who asked may have gone away meanwhile.
            let _ = answer.send(result);
        }
    }
}
