//! What a configuration says about queues and seats.

use core::time::Duration;

use hotline_model::{QueueId, SeatId, SkillId};

/// One queue (技能队列).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its name.
    pub id: QueueId,
    /// Within this a human should answer (GB/T 33358-2016: 15 s). Decides which queue is nearest to
    /// missing it; zero counts as one microsecond.
    pub threshold: Duration,
    /// How much its waiting counts beside other queues' when a seat serves several: at equal
    /// thresholds a queue of weight 2 is as pressing after 5 s as one of weight 1 after 10 s.
    pub weight: u32,
    /// Most callers waiting at once; a further one is refused unless a seat is ready for it. A
    /// caller who comes back from an offer is never refused.
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
    /// Skills that a seat must have, each with its least level (1–10).
    pub skills: Vec<(SkillId, u8)>,
}

impl QueueSettings {
    /// A queue with the usual figures: 15 s threshold, weight 1, 1,000 callers, no longest wait,
    /// 20 s ringing, 30 s wrap-up (at most 180 s), no skills.
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
            skills: Vec::new(),
        }
    }
}

/// One seat (坐席).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSettings {
    /// Its number (工号).
    pub id: SeatId,
    /// The queues it serves, as far as it has their skills.
    pub queues: Vec<QueueId>,
    /// Its skills with level (1–10).
    pub skills: Vec<(SkillId, u8)>,
}
