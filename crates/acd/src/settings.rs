//! What a configuration says about queues and seats.

use core::{fmt, time::Duration};

use std::sync::Arc;

use hotline_model::{QueueId, ScriptId, SeatId, SkillId};
use serde::{Deserialize, Serialize};

pub use crate::skills::Skills;

/// All that a floor is made of. Kept beside the journal as JSON, under its digest, so that decisions
/// can be taken again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorSettings {
    /// Its queues.
    pub queues: Vec<QueueSettings>,
    /// Its seats, in the order of the settings.
    pub seats: Vec<SeatSettings>,
}

/// One queue (技能队列).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Its name.
    pub id: QueueId,
    /// Within this a human should answer (GB/T 33358-2016: 15 s). Decides which queue is nearest to
    /// missing it; zero counts as one microsecond.
    pub threshold: Duration,
    /// How much its waiting counts beside other queues' when a seat serves several: at equal
    /// thresholds a queue of weight 2 is as pressing after 5 s as one of weight 1 after 10 s.
    pub weight: u32,
    /// Most callers waiting on their lines at once; a further one is refused unless a seat is ready
    /// for it. A caller who comes back from an offer is never refused.
    pub capacity: usize,
    /// Longest wait since the original arrival; then the caller is given up as timed out. Never
    /// while a seat is being rung for the caller. `None`: wait for ever.
    pub longest_wait: Option<Duration>,
    /// From the offer until it counts as unanswered.
    pub ring_for: Duration,
    /// Wrap-up after a talk (整理); zero: none.
    pub wrap_up: Duration,
    /// Longest wrap-up, extensions included.
    pub wrap_up_cap: Duration,
    /// What a seat must be able to do.
    pub skills: Skills,
    /// Which of several ready seats is rung.
    pub choice: Choice,
    /// Where the dice of [`Choice::WeightedRandom`] begin: the same seed and inputs give the same
    /// draws.
    pub seed: u64,
    /// Further seats for those who waited long, in the order of the waits.
    pub widen: Vec<Widening>,
    /// When callers leave the line for somewhere else, and for where; of several that apply the
    /// first. At most `limits::QUEUE_OVERFLOWS` count.
    pub overflow: Vec<Overflow>,
    /// A step of priority counts like so much waiting: a caller is served before one of a better
    /// priority who came that many steps later. `None` (or zero): priority alone.
    pub ageing: Option<Duration>,
    /// Share of the callers that a human should answer, percent (GB/T 33358-2016: 95), below 100:
    /// no number of seats answers everybody.
    pub answered_percent: u8,
    /// Share of the callers that should be answered within the threshold, percent, below 100; 0:
    /// does not matter.
    pub in_time_percent: u8,
}

impl QueueSettings {
    /// A queue with the usual figures: 15 s threshold, weight 1, 1,000 callers, no longest wait,
    /// 20 s ringing, 30 s wrap-up (at most 180 s), no skills, the longest idle seat, no widening,
    /// no ageing, no overflow, 95 % answered and 80 % in time (our default).
    pub fn new(id: QueueId) -> Self {
        Self {
            id,
            threshold: Duration::from_secs(15),
            weight: 1,
            capacity: 1_000,
            longest_wait: None,
            ring_for: Duration::from_secs(20),
            wrap_up: Duration::from_secs(30),
            wrap_up_cap: Duration::from_secs(180),
            skills: Skills::default(),
            choice: Choice::LongestIdle,
            seed: 0,
            widen: Vec::new(),
            overflow: Vec::new(),
            ageing: None,
            answered_percent: 95,
            in_time_percent: 80,
        }
    }
}

/// Which of the ready seats of a queue is rung. At a tie the longest idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Who has been free the longest.
    #[default]
    LongestIdle,
    /// Who was least at work (rung, talking, wrapping up, in calls of its own) lately: work counts
    /// half after [`rules::OCCUPANCY_HALF_LIFE`](crate::rules::OCCUPANCY_HALF_LIFE).
    LeastOccupied,
    /// Who answered the fewest calls since signing in.
    FewestCalls,
    /// Whose levels in the skills that the queue names are the highest together.
    MostSkilled,
    /// The next after the one rung last, in the order of the settings, and round again.
    RoundRobin,
    /// The first in the order of the settings.
    FixedOrder,
    /// Drawn, each with its own weight.
    WeightedRandom,
}

/// From a certain wait on, further seats take a queue's caller. Those who did before still come
/// first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widening {
    /// Since the caller's original arrival; never sooner than the widening before it.
    pub after: Duration,
    /// Seats that list the queue and can do this, in place of the queue's own skills.
    pub skills: Option<Skills>,
    /// Seats of these queues.
    pub queues: Vec<QueueId>,
}

/// A rule by which callers leave a queue's line. Never while a seat is being rung for them; a call
/// that left by a rule does not leave the same queue by it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overflow {
    /// When.
    pub when: OverflowWhen,
    /// To where.
    pub to: OverflowTo,
}

/// When a caller leaves the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowWhen {
    /// So long after the original arrival.
    Waited(Duration),
    /// The middle of the expected wait is longer than this: looked at when somebody enters the
    /// line, and every [`rules::EXPECTED_WAIT_EVERY`](crate::rules::EXPECTED_WAIT_EVERY) from the
    /// last in line on. An expected wait that is not known is not longer.
    Expected(Duration),
    /// None of the queue's own seats was signed in with a phone for so long.
    Unstaffed(Duration),
    /// As many wait as the queue holds: instead of the refusal.
    Full,
}

/// Where a caller goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowTo {
    /// Into another queue, at the place of the original arrival. Passed over while that queue is
    /// full or closed, or is one that the call left by overflow before.
    Queue(QueueId),
    /// Out of the floor, to a script.
    Script(ScriptId),
    /// Out of the floor, to a number outside.
    Outside(Arc<str>),
}

/// As the journal has it: `queue:ID`, `script:NAME` or `outside:NUMBER`.
impl fmt::Display for OverflowTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => write!(f, "queue:{queue}"),
            Self::Script(script) => write!(f, "script:{script}"),
            Self::Outside(number) => write!(f, "outside:{number}"),
        }
    }
}

/// One seat (坐席).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSettings {
    /// Its number (工号).
    pub id: SeatId,
    /// The queues it serves, as far as it has their skills.
    pub queues: Vec<QueueId>,
    /// Its skills with level (1–10).
    pub skills: Vec<(SkillId, u8)>,
    /// How often it is drawn beside others where a queue draws; zero counts as one.
    pub weight: u32,
}

impl SeatSettings {
    /// A seat without queues and skills, weight 1.
    pub fn new(id: SeatId) -> Self {
        Self {
            id,
            queues: Vec::new(),
            skills: Vec::new(),
            weight: 1,
        }
    }
}
