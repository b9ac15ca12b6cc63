//! Why a seat is rung for a caller, in words for the journal and the supervisor.

use super::{Floor, matching::Because};
use crate::{
    line::Place,
    queue::Queue,
    ready::{PassedOver, Ready},
    roster::{QueueAt, SeatAt},
    settings::Choice,
};

/// A sentence in the making. Each offer has one: put together without the machinery of `fmt`, which
/// takes as long as finding the seat.
struct Words(String);

impl Words {
    fn say(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn count(&mut self, mut n: u64) -> &mut Self {
        // u64::MAX has twenty digits.
        let mut digits = [b'0'; 20];
        let mut from = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (n % 10) as u8;
            n /= 10;
            from -= 1;
            if n == 0 {
                break;
            }
        }
        let digits = digits.get(from..).unwrap_or_default();
        self.0.extend(digits.iter().copied().map(char::from));
        self
    }
}

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
        let mut why = Words(String::with_capacity(128));
        if because.by_hand {
            let nth = queue.line.ahead_of(head) as u64 + 1;
            why.say("picked by a supervisor; caller ")
                .count(nth)
                .say(" of ");
            why.count(queue.line.len() as u64)
                .say(" in ")
                .say(queue.settings.id.as_str());
            return why.0;
        }
        if because.preferred {
            why.say("preferred for this caller");
        } else {
            self.why_seat(queue, head, at, because, &mut why);
        }
        match because.passed {
            PassedOver::Nobody => {}
            PassedOver::Decliners(seats) => {
                why.say(", ").count(seats as u64);
                why.say(" that declined passed over");
            }
            PassedOver::All => {
                why.say(", declined before but nobody else is free");
            }
        }
        let wait = queue.waits.get(because.ring).filter(|wait| !wait.is_zero());
        if because.ring > 0 {
            let wait = wait.map_or(0, |wait| wait.as_secs());
            why.say(", asked after ").count(wait).say(" s of waiting");
        }
        Self::why_caller(queue, &mut why);
        if let Some(wait) = wait
            && queue.line.len() > 1
            && queue.line.head() != Some(head)
        {
            why.say(" who waited ").count(wait.as_secs()).say(" s");
        }
        if queue.settings.ageing.is_some() && queue.line.overtakes(head) {
            let waited = self.now.since(head.arrived).as_secs();
            why.say(" by a wait of ").count(waited);
            why.say(" s, before a better priority");
        }
        if because.pressing > 1 {
            why.say(", most pressing of ")
                .count(because.pressing as u64);
            why.say(" queues");
        }
        why.0
    }

    /// The caller among those in line.
    fn why_caller(queue: &Queue, why: &mut Words) {
        let id = queue.settings.id;
        match queue.line.len() {
            0 | 1 => why.say("; only caller in "),
            waiting => why
                .say("; caller first of ")
                .count(waiting as u64)
                .say(" in "),
        };
        why.say(id.as_str());
    }

    /// What the queue's choice went by.
    fn why_seat(&self, queue: &Queue, head: Place, at: SeatAt, because: Because, why: &mut Words) {
        let seat = &self.seats[at];
        let idle = self.now.since(seat.idle_since).as_secs();
        let open = queue.ring_at(head.arrived, self.now).max(because.ring);
        let ready: usize = queue.ready.iter().take(open + 1).map(Ready::len).sum();
        let ready = ready + usize::from(seat.ready.is_none());
        if ready <= 1 {
            why.say("only ready seat (idle ").count(idle).say(" s)");
            return;
        }
        match queue.settings.choice {
            Choice::LongestIdle => why.say("longest idle (").count(idle).say(" s)"),
            Choice::LeastOccupied => {
                let share = seat.load.percent(self.now);
                why.say("least occupied (").count(share).say(" % lately)")
            }
            Choice::FewestCalls => {
                let calls = seat.taken.into();
                why.say("fewest calls (").count(calls).say(")")
            }
            Choice::MostSkilled => {
                let level = queue
                    .settings
                    .skills
                    .level_of(&seat.written.settings.skills);
                why.say("most skilled (level ").count(level.into());
                why.say(", idle ").count(idle).say(" s)")
            }
            Choice::RoundRobin => why.say("next in turn"),
            Choice::FixedOrder => why.say("first in the fixed order"),
            Choice::WeightedRandom => {
                let ring = queue.ready.get(because.ring);
                let (own, all) = ring.map_or((0, 0), |ring| ring.share(at));
                why.say("drawn by weight (").count(own.into());
                why.say(" of ").count(all).say(")")
            }
        };
        why.say(" of ").count(ready as u64).say(" ready seats");
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn numbers_are_written_as_everybody_writes_them() {
        for n in [0, 7, 10, 90_817, u64::MAX] {
            let mut words = Words(String::new());
            words.say("n").count(n);
            assert_eq!(words.0, format!("n{n}"));
        }
    }
}
