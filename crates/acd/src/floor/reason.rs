//! Why a seat is rung for a caller, in words for the journal and the supervisor.

use core::fmt::Write as _;

use super::{Floor, matching::Because};
use crate::{
    queue::{Place, Queue},
    ready::{PassedOver, Ready},
    roster::{QueueAt, SeatAt},
    settings::Choice,
};

impl Floor {
    /// Why this seat and this caller, before either changed.
    pub(super) fn why(
        &self,
        queue_at: QueueAt,
        head: Place,
        at: SeatAt,
        because: Because,
    ) -> String {
        let queue = &self.queues[queue_at];
        let mut why = String::with_capacity(96);
        self.why_seat(queue, head, at, because, &mut why);
        let _ = match because.passed {
            PassedOver::Nobody => Ok(()),
            PassedOver::Decliners(seats) => write!(why, ", {seats} that declined passed over"),
            PassedOver::All => write!(why, ", declined before but nobody else is free"),
        };
        let wait = queue.waits.get(because.ring).filter(|wait| !wait.is_zero());
        if because.ring > 0 {
            let wait = wait.map_or(0, |wait| wait.as_secs());
            let _ = write!(why, ", asked after {wait} s of waiting");
        }
        let id = queue.settings.id;
        let _ = match (queue.line.len(), wait) {
            (0 | 1, _) => write!(why, "; only caller in {id}"),
            (waiting, Some(wait)) if queue.line.head() != Some(head) => {
                let wait = wait.as_secs();
                write!(
                    why,
                    "; caller first of {waiting} in {id} who waited {wait} s"
                )
            }
            (waiting, _) => write!(why, "; caller first of {waiting} in {id}"),
        };
        if queue.settings.ageing.is_some() && queue.line.overtakes(head) {
            let waited = self.now.since(head.arrived).as_secs();
            let _ = write!(why, " by a wait of {waited} s, before a better priority");
        }
        if because.pressing > 1 {
            let _ = write!(why, ", most pressing of {} queues", because.pressing);
        }
        why
    }

    /// What the queue's choice went by. Writing to a String cannot fail.
    fn why_seat(&self, queue: &Queue, head: Place, at: SeatAt, because: Because, why: &mut String) {
        let seat = &self.seats[at];
        let idle = self.now.since(seat.idle_since).as_secs();
        let open = queue.ring_at(head.arrived, self.now).max(because.ring);
        let ready: usize = queue.ready.iter().take(open + 1).map(Ready::len).sum();
        let ready = ready + usize::from(seat.ready.is_none());
        if ready <= 1 {
            let _ = write!(why, "only ready seat (idle {idle} s)");
            return;
        }
        let _ = match queue.settings.choice {
            Choice::LongestIdle => {
                let _ = write!(why, "longest idle ({idle} s) of {ready} ready seats");
                return;
            }
            Choice::LeastOccupied => {
                write!(
                    why,
                    "least occupied ({} % lately)",
                    seat.load.percent(self.now)
                )
            }
            Choice::FewestCalls => write!(why, "fewest calls ({})", seat.taken),
            Choice::MostSkilled => {
                let level = queue.settings.skills.level_of(&seat.settings.skills);
                write!(why, "most skilled (level {level}, idle {idle} s)")
            }
            Choice::RoundRobin => write!(why, "next in turn"),
            Choice::FixedOrder => write!(why, "first in the fixed order"),
            Choice::WeightedRandom => {
                let ring = queue.ready.get(because.ring);
                let (own, all) = ring.map_or((0, 0), |ring| ring.share(at));
                write!(why, "drawn by weight ({own} of {all})")
            }
        };
        let _ = write!(why, " of {ready} ready seats");
    }
}
