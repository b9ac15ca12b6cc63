//! The engine's media threads: how ports are shared out among them, who is told what, and what
//! becomes of one that ends by a fault.

use std::{
    collections::VecDeque,
    io,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{Block, Command, Report};
use hotline_model::{MediaThread, limits::MEDIA_COMMANDS};

use crate::media_loop::{self, Browsers, Full, Gauges, MediaHandle, Notify};

/// The blocks of sound of one thread on their way to the recorder.
pub type BlockRing = Arc<ArrayQueue<Block>>;

/// What the threads share out among them.
pub struct Plan {
    /// Ports of RTP, of all threads.
    pub ports: RangeInclusive<u16>,
    /// Where browsers' sound comes, if they are served: at this port the first thread's, at the
    /// next the second's, and so on.
    pub browsers: Option<Browsers>,
    /// For SSRCs and first sequence numbers, one for each thread: so many threads there are.
    pub seeds: Vec<u64>,
}

/// All media threads. Dropping it shuts them down.
pub struct MediaThreads(Vec<Thread>);

struct Thread {
    handle: MediaHandle,
    blocks: BlockRing,
    lost: bool,
    /// Commands that found no room, in order: at most [`MEDIA_COMMANDS`].
    late: VecDeque<Command>,
    /// Ends of recordings that the thread cannot mark any more, and that found no room yet.
    ends: VecDeque<Block>,
}

impl Thread {
    /// Keeps a command that found no room behind those before it. One that opens a leg is not
    /// kept: another thread may have room at once.
    fn keep(&mut self, command: Command) -> Result<(), Full> {
        let opens = matches!(command, Command::Open { .. } | Command::OpenShared { .. });
        if opens || self.late.len() >= MEDIA_COMMANDS {
            metrics::counter!("hotline_media_commands_refused_total").increment(1);
            return Err(Full(Box::new(command)));
        }
        metrics::counter!("hotline_media_commands_late_total").increment(1);
        self.late.push_back(command);
        Ok(())
    }

    /// Puts what is late into the ring, as far as there is room.
    fn catch_up(&mut self) {
        if self.handle.is_gone() {
            // What its recordings miss is ended when its loss is told.
            self.late.clear();
        }
        while let Some(command) = self.late.pop_front() {
            if let Err(Full(command)) = self.handle.put(command) {
                self.late.push_front(*command);
                break;
            }
        }
    }
}

/// A media thread could not be started.
#[derive(Debug)]
pub struct NotStarted {
    /// Which.
    pub thread: usize,
    /// Its port of browsers, where they are served.
    pub browser_port: Option<u16>,
    /// Why.
    pub error: io::Error,
}

impl MediaThreads {
    /// Starts them: one for each of the plan's seeds and of the rings to the recorder. As
    /// [`media_loop::spawn`].
    ///
    /// # Errors
    /// When one of them cannot start; then there is none.
    pub fn start(
        plan: &Plan,
        epoch: std::time::Instant,
        reports: &Arc<ArrayQueue<Report>>,
        notify: impl Fn() -> Notify,
        rings: &[BlockRing],
    ) -> Result<Self, NotStarted> {
        let slices = slices(&plan.ports, plan.seeds.len());
        let each = plan.seeds.iter().zip(slices).zip(rings);
        let threads = each.zip(0_u16..).map(|(((&seed, ports), blocks), at)| {
            let browsers = plan.browsers.clone().map(|browsers| Browsers {
                port: browsers.port.saturating_add(at),
                ..browsers
            });
            let browser_port = browsers.as_ref().map(|it| it.port);
            let settings = media_loop::Settings {
                ports,
                seed,
                browsers,
            };
            let ring = Arc::clone(blocks);
            let handle = media_loop::spawn(settings, epoch, Arc::clone(reports), notify(), ring);
            let handle = handle.map_err(|error| NotStarted {
                thread: usize::from(at),
                browser_port,
                error,
            })?;
            Ok(Thread {
                handle,
                blocks: Arc::clone(blocks),
                lost: false,
                late: VecDeque::new(),
                ends: VecDeque::new(),
            })
        });
        threads.collect::<Result<_, _>>().map(Self)
    }

    /// Gives a command to the thread that its leg or recording names; the thread sees it with
    /// [`MediaThreads::wake`]. What finds no room there is kept and goes first of all later, but for
    /// one that opens a leg. A thread that ended takes nothing, but ends its recordings.
    ///
    /// # Errors
    /// When the thread is gone; when its ring is full and it opens a leg, or [`MEDIA_COMMANDS`]
    /// are kept already.
    pub fn put(&mut self, command: Command) -> Result<(), Full> {
        let Some(thread) = self.0.get_mut(command.thread().at()) else {
            return Err(Full(Box::new(command)));
        };
        if !thread.handle.is_gone() {
            if !thread.late.is_empty() {
                return thread.keep(command);
            }
            return match thread.handle.put(command) {
                Ok(()) => Ok(()),
                Err(Full(command)) => thread.keep(*command),
            };
        }
        if let Command::StopRecord { recording } = command {
            // All that there is of it.
            let at_sample = 0;
            thread.ends.push_back(Block::End {
                recording,
                at_sample,
            });
        }
        Err(Full(Box::new(command)))
    }

    /// Whether a thread is so far behind that commands are kept for it: [`MediaThreads::wake`] is to
    /// be called again soon.
    pub fn are_behind(&self) -> bool {
        self.0.iter().any(|thread| !thread.late.is_empty())
    }

    /// Wakes the threads that commands wait for.
    pub fn wake(&mut self) {
        for thread in &mut self.0 {
            thread.catch_up();
            thread.handle.wake();
            while let Some(end) = thread.ends.pop_front() {
                if let Err(end) = thread.blocks.push(end) {
                    thread.ends.push_front(end);
                    break;
                }
            }
        }
    }

    /// A thread that ended by a fault and of which this did not tell yet.
    pub fn newly_lost(&mut self) -> Option<MediaThread> {
        let gone = |thread: &Thread| !thread.lost && thread.handle.is_gone();
        let at = self.0.iter().position(gone)?;
        self.0.get_mut(at)?.lost = true;
        Some(MediaThread::of(at as u64))
    }

    /// What the threads count, for the metrics page: all together, and each by its number.
    pub fn measure(&self) {
        for (name, of_each, of) in GAUGES {
            let mut sum = 0;
            for (thread, at) in self.0.iter().zip(0_u64..) {
                let value = of(thread.handle.gauges()).load(Ordering::Relaxed);
                sum += value;
                metrics::gauge!(of_each, "thread" => at.to_string()).set(value as f64);
            }
            metrics::gauge!(name).set(sum as f64);
        }
        let lost = self.0.iter().filter(|thread| thread.lost).count();
        metrics::gauge!("hotline_media_threads").set((self.0.len() - lost) as f64);
        metrics::gauge!("hotline_media_threads_lost").set(lost as f64);
    }

    /// Carries out the commands given so far, closes all ports and ends the threads. None takes a
    /// command any more.
    pub fn shut_down(&mut self) {
        for thread in self.0.drain(..) {
            thread.handle.shut_down();
        }
    }
}

type GaugeOf = fn(&Gauges) -> &AtomicU64;

/// Name of the sum, name of each thread's, and which it is.
const GAUGES: [(&str, &str, GaugeOf); 4] = [
    ("hotline_media_legs", "hotline_media_thread_legs", |it| {
        &it.legs
    }),
    (
        "hotline_media_commands_dropped",
        "hotline_media_thread_commands_dropped",
        |it| &it.commands_dropped,
    ),
    (
        "hotline_media_frames_late",
        "hotline_media_thread_frames_late",
        |it| &it.frames_late,
    ),
    (
        "hotline_recording_blocks_dropped",
        "hotline_media_thread_blocks_dropped",
        |it| &it.blocks_dropped,
    ),
];

/// The even ports of a range.
pub fn even_ports(ports: &RangeInclusive<u16>) -> usize {
    let first = ports.start().next_multiple_of(2);
    (first..=*ports.end()).step_by(2).count()
}

/// Shares ports out: so many ranges one after the other, equal but for one pair.
fn slices(ports: &RangeInclusive<u16>, count: usize) -> Vec<RangeInclusive<u16>> {
    let first = usize::from(ports.start().next_multiple_of(2));
    let pairs = even_ports(ports);
    let begin = |at: usize| first + 2 * (pairs * at / count.max(1));
    // What ends before it begins has no port; a configuration that leads there is refused.
    (0..count)
        .map(|at| begin(at) as u16..=begin(at + 1).saturating_sub(2) as u16)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        sync::atomic::AtomicBool,
        time::{Duration, Instant},
    };

    use hotline_model::LegId;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn leg(thread: u64, nth: u64) -> LegId {
        LegId(MediaThread::of(thread).number(nth))
    }

    fn open(thread: u64, nth: u64) -> Command {
        let leg = leg(thread, nth);
        Command::Open { leg, address: HERE }
    }

    struct Bench {
        threads: MediaThreads,
        reports: Arc<ArrayQueue<Report>>,
        rings: Vec<BlockRing>,
    }

    /// So many threads; `broken` has its next report's bell panic.
    fn bench(ports: RangeInclusive<u16>, count: usize, broken: &Arc<AtomicBool>) -> Bench {
        let reports = Arc::new(ArrayQueue::new(100));
        let rings: Vec<BlockRing> = (0..count).map(|_| Arc::new(ArrayQueue::new(1))).collect();
        let plan = Plan {
            ports,
            browsers: None,
            seeds: (0..count as u64).collect(),
        };
        let notify = || {
            let broken = Arc::clone(broken);
            Arc::new(move || assert!(!broken.swap(false, Ordering::AcqRel))) as Notify
        };
        let threads = MediaThreads::start(&plan, Instant::now(), &reports, notify, &rings);
        Bench {
            threads: threads.unwrap(),
            reports,
            rings,
        }
    }

    fn within<T>(mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < until, "nothing came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    impl Bench {
        fn tell(&mut self, command: Command) {
            self.threads.put(command).unwrap();
            self.threads.wake();
        }

        fn opened(&mut self, thread: u64, nth: u64) -> u16 {
            self.tell(open(thread, nth));
            match within(|| self.reports.pop()) {
                Report::Opened { leg: of, port } if of == leg(thread, nth) => port,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn each_thread_has_ports_that_no_other_has() {
        for (ports, count) in [
            (20_000..=29_998, 1),
            (20_000..=29_998, 3),
            (20_001..=20_017, 4),
            (20_000..=20_007, 4),
            (1_024..=65_535, 64),
        ] {
            let slices = slices(&ports, count);
            let of = |slice: &RangeInclusive<u16>| slice.clone().step_by(2).collect::<Vec<_>>();
            let all: Vec<u16> = slices.iter().flat_map(of).collect();
            let first = ports.start().next_multiple_of(2);
            let even: Vec<u16> = (first..=*ports.end()).step_by(2).collect();
            assert_eq!(all, even, "{ports:?} for {count}");
            let sizes: Vec<usize> = slices.iter().map(|slice| of(slice).len()).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(*least > 0 && most - least <= 1, "{sizes:?}");
        }
    }

    #[test]
    fn a_command_reaches_the_thread_that_its_leg_names() {
        let mut bench = bench(24_400..=24_407, 2, &Arc::new(AtomicBool::new(false)));
        assert!((24_400..24_404).contains(&bench.opened(0, 1)));
        assert!((24_404..=24_407).contains(&bench.opened(1, 2)));
        let legs = |bench: &Bench, at: usize| {
            let gauges = bench.threads.0[at].handle.gauges();
            gauges.legs.load(Ordering::Relaxed)
        };
        within(|| (legs(&bench, 0) == 1 && legs(&bench, 1) == 1).then_some(()));
        // Its recordings go into its own ring.
        let recording = MediaThread::of(1).number(1);
        bench.tell(Command::Record {
            recording,
            left: leg(1, 2),
            right: None,
        });
        bench.tell(Command::StopRecord { recording });
        let end = within(|| bench.rings[1].pop());
        assert!(matches!(end, Block::End { recording: of, .. } if of == recording));
        assert!(bench.rings[0].is_empty());
        // Nobody is there for a number of no thread.
        assert!(bench.threads.put(open(2, 3)).is_err());
        bench.threads.shut_down();
    }

    #[test]
    fn a_command_that_finds_no_room_is_carried_out_later_in_its_order() {
        let mut bench = bench(24_420..=24_423, 1, &Arc::new(AtomicBool::new(false)));
        let idle = |nth| Command::StopPlay { leg: leg(0, nth) };
        while !bench.threads.are_behind() {
            bench.threads.put(idle(1)).unwrap();
        }
        let recordings = [1, 2].map(|nth| MediaThread::of(0).number(nth));
        for recording in recordings {
            let stop = Command::StopRecord { recording };
            bench.threads.put(stop).unwrap();
        }
        // Another thread may have room for a leg.
        assert!(bench.threads.put(open(0, 3)).is_err());
        for recording in recordings {
            let end = within(|| {
                bench.threads.wake();
                bench.rings[0].pop()
            });
            assert!(matches!(end, Block::End { recording: of, .. } if of == recording));
        }
        assert!(!bench.threads.are_behind());
        bench.opened(0, 4);
        // Nor are so many kept that there is no end.
        while !bench.threads.are_behind() {
            bench.threads.put(idle(1)).unwrap();
        }
        let kept = (1..2 * MEDIA_COMMANDS).take_while(|_| bench.threads.put(idle(1)).is_ok());
        assert_eq!(kept.count() + 1, MEDIA_COMMANDS);
        bench.threads.shut_down();
    }

    #[test]
    fn a_thread_that_ends_by_a_fault_is_told_of_once_and_the_other_goes_on() {
        let broken = Arc::new(AtomicBool::new(false));
        let mut bench = bench(24_410..=24_417, 2, &broken);
        bench.opened(0, 1);
        assert_eq!(bench.threads.newly_lost(), None);
        broken.store(true, Ordering::Release);
        bench.tell(open(1, 2));
        assert_eq!(within(|| bench.threads.newly_lost()), MediaThread::of(1));
        assert_eq!(bench.threads.newly_lost(), None);
        while bench.reports.pop().is_some() {}
        // It takes no call, and says so at once; what it recorded is ended in its stead, as soon
        // as there is room.
        assert!(bench.threads.put(open(1, 3)).is_err());
        for nth in [1, 2] {
            let recording = MediaThread::of(1).number(nth);
            assert!(
                bench
                    .threads
                    .put(Command::StopRecord { recording })
                    .is_err()
            );
        }
        for nth in [1, 2] {
            bench.threads.wake();
            let end = bench.rings[1].pop().unwrap();
            assert!(matches!(end, Block::End { recording, .. }
                if recording == MediaThread::of(1).number(nth)));
        }
        bench.opened(0, 4);
        bench.threads.shut_down();
    }
}
