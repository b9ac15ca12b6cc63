//! The engine's own media and recording threads, at work for many calls.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam::queue::ArrayQueue;
use hotline_media::{
    Clip, Command, Format, Gain, Report, Voice,
    sdp::{Agreed, Direction, Security},
};
use hotline_model::{LegId, limits};
use tempfile::TempDir;

use crate::{
    LOOPBACK, Measured, Outcome, Plan, WARM_UP, Work,
    figures::Meter,
    load::{self, Ears, Load},
    media_loop::{self, MediaHandle, Settings},
    recording_loop::{self, RecordingHandle},
};

/// Ports of the engine's legs, of which it takes the even ones.
const PORTS: std::ops::RangeInclusive<u16> = 20_000..=32_000;

/// How long the engine may take to open or close all its legs.
const ANSWERS: Duration = Duration::from_secs(10);

/// The threads, and what they report to.
pub struct Engine {
    media: MediaHandle,
    reports: Arc<ArrayQueue<Report>>,
    recorder: RecordingHandle,
    music: Clip,
    /// Goes with its files.
    _folder: TempDir,
}

impl Engine {
    pub fn start() -> Outcome<Self> {
        let reports = Arc::new(ArrayQueue::new(limits::MEDIA_REPORTS));
        let blocks = Arc::new(ArrayQueue::new(limits::RECORDING_BLOCKS));
        let settings = Settings {
            browsers: None,
            ports: PORTS,
            seed: 1,
        };
        let quiet: media_loop::Notify = Arc::new(|| ());
        let media = media_loop::spawn(
            settings,
            Instant::now(),
            Arc::clone(&reports),
            Arc::clone(&quiet),
            Arc::clone(&blocks),
        )?;
        let folder = tempfile::tempdir()?;
        let recorder = recording_loop::spawn(
            recording_loop::Settings::default(),
            folder.path().to_owned(),
            vec![blocks],
            Arc::new(ArrayQueue::new(limits::MEDIA_REPORTS)),
            quiet,
        )?;
        Ok(Self {
            media,
            reports,
            recorder,
            music: Clip::tone(440, 60_000),
            _folder: folder,
        })
    }

    /// Opens the legs of a plan, connects each with its phone, and lets them do what the plan says;
    /// their ports, in order.
    pub fn open(&self, plan: Plan) -> Outcome<Vec<u16>> {
        let count = plan.work.legs() * plan.calls;
        for index in 0..count {
            let leg = LegId(index as u64);
            let address = LOOPBACK;
            self.tell(Command::Open { leg, address })?;
            let agreed = agreed(plan.work, index);
            self.tell(Command::Connect { leg, agreed })?;
            // Commands wait in a ring that has an end.
            if index % 1_000 == 999 {
                thread::sleep(Duration::from_millis(200));
            }
        }
        let mut ports = Vec::with_capacity(count);
        self.answers(count, |report| match report {
            Report::Opened { port, .. } => ports.push(port),
            report => eprintln!("{report:?}"),
        })?;
        for call in 0..plan.calls as u64 {
            self.work(plan.work, call)?;
        }
        Ok(ports)
    }

    fn work(&self, work: Work, call: u64) -> Outcome<()> {
        let leg = |n: u64| LegId(work.legs() as u64 * call + n);
        match work {
            Work::Playback => self.tell(Command::Play {
                leg: leg(0),
                play: 0,
                clips: vec![self.music.clone()],
                repeat: true,
            }),
            Work::Relay | Work::Private(_) => self.bridge(leg(0), leg(1)),
            Work::Record => {
                self.bridge(leg(0), leg(1))?;
                self.recorder.begin(call, format!("{call}.wav"));
                self.tell(Command::Record {
                    recording: call,
                    left: leg(0),
                    right: Some(leg(1)),
                })
            }
            Work::Mix => {
                for listener in 0..3 {
                    let others = (0..3).filter(|other| *other != listener);
                    let heard = |other| Voice {
                        leg: leg(other),
                        gain: Gain::FULL,
                    };
                    self.tell(Command::Hear {
                        leg: leg(listener),
                        voices: others.map(heard).collect(),
                    })?;
                }
                Ok(())
            }
        }
    }

    fn bridge(&self, a: LegId, b: LegId) -> Outcome<()> {
        self.tell(Command::Bridge { a, b })
    }

    /// Closes the legs of a plan.
    pub fn close(&self, plan: Plan) -> Outcome<()> {
        let count = plan.work.legs() * plan.calls;
        for index in 0..count {
            let leg = LegId(index as u64);
            self.tell(Command::Close { leg })?;
        }
        self.answers(count, drop)
    }

    fn answers(&self, count: usize, mut each: impl FnMut(Report)) -> Outcome<()> {
        let until = Instant::now() + ANSWERS;
        let mut came = 0;
        while came < count {
            match self.reports.pop() {
                Some(report) => {
                    each(report);
                    came += 1;
                }
                None if Instant::now() > until => return Err("the engine does not answer".into()),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(())
    }

    fn tell(&self, command: Command) -> Outcome<()> {
        self.media
            .send(command)
            .map_err(|full| format!("{full:?}").into())
    }

    pub fn stop(mut self) {
        self.media.shut_down();
        self.recorder.shut_down();
    }
}

fn agreed(work: Work, index: usize) -> Agreed {
    let security = match work {
        Work::Private(profile) => {
            let (theirs, ours) = load::keys(profile, index);
            Security::Sdes {
                sending: ours,
                receiving: theirs,
            }
        }
        _ => Security::Plain,
    };
    Agreed {
        remote: load::address(index),
        rtcp: load::address(index),
        codec: Format::Pcma,
        payload_type: 8,
        digits: Some(101),
        digits_clock: 8_000,
        direction: Direction::SendRecv,
        packet_ms: 20,
        learns: false,
        security,
    }
}

pub fn measure(plan: Plan, timed: bool) -> Outcome<Measured> {
    let ears = match plan.work {
        Work::Private(profile) => Ears::Private(profile),
        _ if timed => Ears::Timed,
        _ => Ears::Plain,
    };
    let mut load = Load::new(plan.work.legs() * plan.calls, plan.time, ears)?;
    let engine = Engine::start()?;
    let ports = engine.open(plan)?;
    let gaps = recording_loop::gaps();
    load.begin(&ports)?;
    thread::sleep(WARM_UP);
    let meter = Meter::start()?;
    thread::sleep(plan.time);
    let cpu = meter.per_second(plan.calls)?;
    let heard = load.heard()?;
    let lost = recording_loop::gaps() - gaps;
    if lost > 0 {
        eprintln!("{lost} blocks of sound were lost before the disk");
    }
    engine.stop();
    Ok(Measured { cpu, heard })
}
