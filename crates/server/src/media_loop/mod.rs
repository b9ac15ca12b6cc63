//! The media thread: sockets and time for one [`Worker`].
//!
//! One thread owns all its legs. It sleeps in `epoll` until a packet of a bridge, a command or the
//! next batch of frames is due. Nothing on a packet's way allocates or takes a lock.

mod ports;
mod shared;
mod sockets;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering, fence},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{
    Block, Command, Report,
    secure::dtls::Identity,
    worker::{Slot, Wire, Worker},
};
use hotline_model::{
    Instant,
    limits::{MEDIA_COMMANDS, RTP_PACKET_BYTES},
};
use mio::{Events, Poll, Token, Waker};

use shared::Shared as SharedPort;
use sockets::Sockets;

/// Events taken from the kernel at a time: about a millisecond of relayed packets, so that frames
/// are not kept waiting longer.
const EVENTS: usize = 256;

/// Packets read of one socket before the others have their turn.
const READS: usize = 16;

/// The waker's token; legs have their slot's number.
const WAKE: Token = Token(usize::MAX);

/// In the token of a leg's RTCP port, beside its slot's number.
const CONTROL: usize = 1 << (usize::BITS - 2);

/// A thread whose next frames are due within this time need not be woken for most commands: it
/// carries them out with the frames. Far below what a talker notices.
const SOON: Duration = Duration::from_millis(20);

/// The token of the port that browsers share.
const SHARED: Token = Token(usize::MAX - 1);

/// Pause before reports are tried again when the signalling loop is behind.
const REPORTS_FULL: Duration = Duration::from_millis(5);

/// Blocks of sound that found no room in the recorder's ring, over all media threads.
static BLOCKS_DROPPED: AtomicU64 = AtomicU64::new(0);

/// Blocks of sound (of up to 20 ms of one channel) that the recorder was too slow to take, since
/// the program began.
pub fn blocks_dropped() -> u64 {
    BLOCKS_DROPPED.load(Ordering::Relaxed)
}

/// Called after reports were put into their ring, from the media thread: must not block.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// Where a media thread finds its ports.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Ports to choose from, of each address. Only even ones are used (RFC 3550 §11).
    pub ports: RangeInclusive<u16>,
    /// For SSRCs and first sequence numbers.
    pub seed: u64,
    /// Where browsers' sound comes, if they are served.
    pub browsers: Option<Browsers>,
}

/// Where browsers' sound comes.
#[derive(Clone, Debug)]
pub struct Browsers {
    /// Our address.
    pub address: IpAddr,
    /// The port of them all.
    pub port: u16,
    /// Our certificate.
    pub identity: Identity,
}

/// The command ring is full; the command did not reach the thread.
#[derive(Debug)]
pub struct Full(pub Box<Command>);

/// What went wrong in a media thread's life, and how much it carries: for the metrics page.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Open legs.
    pub legs: AtomicU64,
    /// Commands that could not be carried out.
    pub commands_dropped: AtomicU64,
    /// Blocks of sound the recorder had no room for.
    pub blocks_dropped: AtomicU64,
    /// 20 ms frames left out because the thread was late.
    pub frames_late: AtomicU64,
}

/// A running media thread. Dropping it shuts it down.
pub struct MediaHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    commands: ArrayQueue<Command>,
    waker: Waker,
    /// Whether the thread was woken and has not looked yet: one wake-up serves many commands.
    woken: AtomicBool,
    /// Whether the thread looks by itself within [`SOON`].
    looks_soon: AtomicBool,
    /// Whether a command was put in that the thread is to be woken for.
    urgent: AtomicBool,
    stop: AtomicBool,
    /// Whether the thread has ended, by a fault or because it was asked to.
    gone: AtomicBool,
    gauges: Gauges,
}

impl Shared {
    /// Wakes the thread for a command that was just put in, unless it can wait until the thread
    /// looks by itself: a port is waited for by a caller, all else is not heard of before the next
    /// frame.
    fn wake_for(&self, urgent: bool) {
        // With the fence in `MediaLoop::pause`: either the thread sees the command before it sleeps
        // long, or this sees that it does.
        fence(Ordering::SeqCst);
        if urgent || !self.looks_soon.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // Fails only when the thread's poll is gone, and then nobody is there to wake.
            let _ = self.waker.wake();
        }
    }
}

/// Starts a media thread.
///
/// `epoch` is the engine's start: the zero of [`Instant`]. Reports go into `reports`, then `notify`
/// is called. Recorded sound goes into `blocks`; what finds no room there is counted and lost.
///
/// # Errors
/// When the operating system gives no poll or no thread.
pub fn spawn(
    settings: Settings,
    epoch: std::time::Instant,
    reports: Arc<ArrayQueue<Report>>,
    notify: Notify,
    blocks: Arc<ArrayQueue<Block>>,
) -> io::Result<MediaHandle> {
    let poll = Poll::new()?;
    let shared = Arc::new(Shared {
        commands: ArrayQueue::new(MEDIA_COMMANDS),
        waker: Waker::new(poll.registry(), WAKE)?,
        woken: AtomicBool::new(false),
        looks_soon: AtomicBool::new(false),
        urgent: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        gone: AtomicBool::new(false),
        gauges: Gauges::default(),
    });
    let mut worker = Worker::new(settings.seed);
    let browsers = settings.browsers.clone();
    let mut sockets = Sockets::new(settings, poll.registry().try_clone()?, blocks);
    if let Some(browsers) = browsers {
        let (address, port) = (browsers.address, browsers.port);
        sockets.share(SharedPort::bind(address, port, poll.registry())?);
        worker.serve_browsers(browsers.identity);
    }
    let media = MediaLoop {
        worker,
        sockets,
        poll,
        epoch,
        shared: Arc::clone(&shared),
        reports,
        notify,
        unfinished: VecDeque::with_capacity(EVENTS),
    };
    let leaving = Leaving {
        shared: Arc::clone(&shared),
        notify: Arc::clone(&media.notify),
    };
    let thread = thread::Builder::new()
        .name("media".to_owned())
        .spawn(move || {
            let _leaving = leaving;
            media.run();
        })?;
    Ok(MediaHandle {
        shared,
        thread: Some(thread),
    })
}

impl MediaHandle {
    /// Gives the thread a command and wakes it for it. Never waits.
    ///
    /// # Errors
    /// When [`MEDIA_COMMANDS`] commands wait already.
    pub fn send(&self, command: Command) -> Result<(), Full> {
        self.put(command)?;
        self.wake();
        Ok(())
    }

    /// Gives the thread a command that it sees when it is woken next: by [`MediaHandle::wake`], once
    /// for many commands.
    ///
    /// # Errors
    /// As [`MediaHandle::send`].
    pub fn put(&self, command: Command) -> Result<(), Full> {
        let urgent = matches!(command, Command::Open { .. } | Command::OpenShared { .. });
        self.shared
            .commands
            .push(command)
            .map_err(|command| Full(Box::new(command)))?;
        if urgent {
            self.shared.urgent.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Wakes the thread where commands wait for it: at once for a port, which a caller waits for;
    /// for the rest it is enough that the thread looks before its next frames.
    pub fn wake(&self) {
        if !self.shared.commands.is_empty() {
            let urgent = self.shared.urgent.swap(false, Ordering::Relaxed);
            self.shared.wake_for(urgent);
        }
    }

    /// Whether the thread has ended. While nobody shut it down, a fault did: no command is carried
    /// out any more, and what was not reported yet never is.
    pub fn is_gone(&self) -> bool {
        self.shared.gone.load(Ordering::Acquire)
    }

    /// What the thread counts.
    pub fn gauges(&self) -> &Gauges {
        &self.shared.gauges
    }

    /// Carries out the commands given so far, closes all ports and ends the thread.
    pub fn shut_down(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the runtime when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for MediaHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Says that the thread has ended, however it does: its owner asks [`MediaHandle::is_gone`].
struct Leaving {
    shared: Arc<Shared>,
    notify: Notify,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.shared.gauges.legs.store(0, Ordering::Relaxed);
        self.shared.gone.store(true, Ordering::Release);
        (self.notify)();
    }
}

/// What the thread owns.
struct MediaLoop {
    poll: Poll,
    worker: Worker,
    sockets: Sockets,
    epoch: std::time::Instant,
    shared: Arc<Shared>,
    reports: Arc<ArrayQueue<Report>>,
    notify: Notify,
    /// Watched sockets that still had packets when their turn was over: `epoll` is used
    /// edge-triggered and will not tell again.
    unfinished: VecDeque<usize>,
}

impl MediaLoop {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; RTP_PACKET_BYTES + 1];
        let mut reports_wait = false;
        loop {
            let timeout = self.pause(reports_wait);
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "media thread cannot wait for packets and ends");
                return;
            }
            let now = self.now();
            // In this order: who finds the flag still up, and so wakes nobody, is seen by what is
            // read after it; and a command sent before the stop is carried out.
            self.shared.woken.swap(false, Ordering::AcqRel);
            let stop = self.shared.stop.load(Ordering::Acquire);
            while let Some(command) = self.shared.commands.pop() {
                self.worker.handle_command(now, command, &mut self.sockets);
            }
            for _ in 0..self.unfinished.len() {
                if let Some(slot) = self.unfinished.pop_front() {
                    self.read(now, slot, &mut buffer);
                }
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                match event.token().0 {
                    token if Token(token) != SHARED && token & CONTROL != 0 => {
                        self.read_control(now, token & !CONTROL, &mut buffer);
                    }
                    slot => self.read(now, slot, &mut buffer),
                }
            }
            let now = self.now();
            if self.worker.next_tick().is_some_and(|due| due <= now) {
                self.worker.handle_tick(now, &mut self.sockets);
            }
            reports_wait = !self.hand_on_reports();
            self.publish_gauges();
            if stop {
                return;
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::from_start(self.epoch.elapsed())
    }

    /// How long to sleep, which is not at all when a command came that nobody woke the thread for.
    fn pause(&self, reports_wait: bool) -> Option<Duration> {
        let timeout = self.timeout(reports_wait);
        let soon = timeout.is_some_and(|timeout| timeout <= SOON);
        self.shared.looks_soon.store(soon, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !soon && !self.shared.commands.is_empty() {
            return Some(Duration::ZERO);
        }
        timeout
    }

    fn timeout(&self, reports_wait: bool) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let next = self.worker.next_tick().map(|due| due.since(self.now()));
        if reports_wait {
            return Some(next.map_or(REPORTS_FULL, |next| next.min(REPORTS_FULL)));
        }
        next
    }

    /// Takes in what has arrived at a leg's RTCP port.
    fn read_control(&mut self, now: Instant, slot: usize, buffer: &mut [u8]) {
        // A few seconds lie between two reports: what is more than these is a flood, and lost.
        for _ in 0..READS {
            let Some((length, from)) = self.sockets.receive_control(Slot(slot), buffer) else {
                return;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            self.worker.handle_control(now, Slot(slot), from, bytes);
        }
    }

    /// Takes in what has arrived on a watched socket.
    fn read(&mut self, now: Instant, slot: usize, buffer: &mut [u8]) {
        if Token(slot) == SHARED {
            return self.read_shared(now, buffer);
        }
        for _ in 0..READS {
            let Some((length, from)) = self.sockets.receive(Slot(slot), buffer) else {
                return;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            self.worker
                .handle_packet(now, Slot(slot), from, bytes, &mut self.sockets);
        }
        self.unfinished.push_back(slot);
    }

    /// Takes in what has arrived on the shared port. What is for no leg is dropped.
    fn read_shared(&mut self, now: Instant, buffer: &mut [u8]) {
        for _ in 0..EVENTS {
            let Some((length, from, slot)) = self.sockets.receive_shared(buffer) else {
                return;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            if let Some(slot) = slot {
                self.worker
                    .handle_packet(now, slot, from, bytes, &mut self.sockets);
            }
        }
        self.unfinished.push_back(SHARED.0);
    }

    /// Puts reports into their ring. False when it is full and some wait.
    fn hand_on_reports(&mut self) -> bool {
        let mut any = false;
        let mut all = true;
        while let Some(report) = self.worker.poll_report() {
            if let Err(report) = self.reports.push(report) {
                self.worker.unpoll_report(report);
                all = false;
                break;
            }
            any = true;
        }
        if any {
            (self.notify)();
        }
        all
    }

    fn publish_gauges(&self) {
        let counts = self.worker.counts();
        let gauges = &self.shared.gauges;
        gauges
            .legs
            .store(self.worker.legs() as u64, Ordering::Relaxed);
        for (gauge, value) in [
            (&gauges.commands_dropped, counts.commands_dropped),
            (&gauges.blocks_dropped, counts.blocks_dropped),
            (&gauges.frames_late, counts.frames_late),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
    }
}
