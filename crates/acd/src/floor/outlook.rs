//! The next quarter of an hour of a queue, from what the floor saw and who is at work.
//!
//! Seats that serve several queues answer for all of them: the forecast is that of the seats at
//! work for the queue, with all calls that want them. Another queue's calls count by the part of
//! its own seats that are among these, so that it is exact where queues share all seats or none.

use core::time::Duration;

use hotline_model::{Instant, QueueId};

use super::Floor;
use crate::{
    queue::Queue,
    roster::{At as _, QueueAt},
    rules,
    seen::{self, Counted},
    steering::{Aim, Forecast, Recent, forecast},
};

/// What is known of a queue's next quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Callers of this queue who wait now.
    pub waiting: u32,
    /// Callers who entered this queue within the last quarter of an hour.
    pub entered: u64,
    /// Seats at work for it: signed in, reachable, wanting calls; in a call or not.
    pub serving: u32,
    /// What it should reach.
    pub aim: Aim,
    /// The forecast; `None`: not known, because nobody is at work or too little was seen.
    pub ahead: Option<Forecast>,
    /// The same with as few callers as chance may leave of as many
    /// ([`ALERT_DEVIATIONS`](rules::ALERT_DEVIATIONS)), by the window that leaves most.
    pub at_least: Option<Forecast>,
}

impl Floor {
    /// How many calls entered a queue since the start. Who finds the same number again need not
    /// ask for an [`outlook`](Self::outlook).
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The next quarter of an hour of the queue at `now`; `None` for an unknown queue. Costs a look
    /// at each of its seats and two searches by formula.
    pub fn outlook(&self, now: Instant, queue: QueueId) -> Option<Outlook> {
        let at = self.queues.find(&queue)?;
        let there = &self.queues[at];
        let (serving, shares) = self.shares(at);
        let longest = longest_window();
        let own = there.seen.within(now, longest);
        let mut outlook = Outlook {
            waiting: u32::try_from(there.line.len()).unwrap_or(u32::MAX),
            entered: own.entered,
            serving,
            aim: aim(there, Duration::ZERO),
            ahead: None,
            at_least: None,
        };
        let (recent, usual) = match self.recent(now, at, serving, &shares) {
            Some(known) if now.since_start() >= rules::FORECAST_NEEDS => known,
            _ => return Some(outlook),
        };
        outlook.aim = aim(there, usual);
        outlook.ahead = forecast(&recent, &outlook.aim);
        outlook.at_least = forecast(&self.fewest(now, recent, &shares), &outlook.aim);
        Some(outlook)
    }

    /// What was seen, with the callers that chance cannot have brought.
    fn fewest(&self, now: Instant, recent: Recent, shares: &[(QueueAt, f64)]) -> Recent {
        let left = |window: Duration| {
            let entered = self.entered(now, window, shares);
            let chance = (entered as f64).sqrt() * rules::ALERT_DEVIATIONS;
            let left = entered.saturating_sub(chance.ceil() as u64);
            (seen::covered(now, window), left)
        };
        let rate = |&(window, left): &(Duration, u64)| left as f64 / window.as_secs_f64().max(1.0);
        let known = rules::RATE_WINDOWS.into_iter().map(left);
        let most = known.max_by(|a, b| rate(a).total_cmp(&rate(b)));
        let (window, entered) = most.unwrap_or((recent.window, 0));
        Recent {
            window,
            entered,
            ..recent
        }
    }

    /// Calls that wanted these seats within this time.
    fn entered(&self, now: Instant, time: Duration, shares: &[(QueueAt, f64)]) -> u64 {
        let each = shares.iter().map(|&(queue, share)| {
            let seen = self.queues[queue].seen.within(now, time);
            seen.entered as f64 * share
        });
        each.sum::<f64>().round() as u64
    }

    /// The seats at work for the queue, and what part of each queue's seats at work they are.
    fn shares(&self, at: QueueAt) -> (u32, Vec<(QueueAt, f64)>) {
        let mut serving = 0;
        let mut common = vec![0_u32; self.queues.len()];
        for &(seat, _) in self.queues[at].served_by.iter().filter(|it| it.1 == 0) {
            let seat = &self.seats[seat];
            if !seat.at_work {
                continue;
            }
            serving += 1;
            for post in seat.serves.iter().filter(|post| post.ring() == 0) {
                if let Some(count) = common.get_mut(post.queue.index()) {
                    *count += 1;
                }
            }
        }
        let shared = self.queues.iter().filter_map(|(other, queue)| {
            let common = common.get(other.index()).copied().unwrap_or_default();
            let all = u32::try_from(queue.at_work).unwrap_or(u32::MAX);
            (common > 0).then(|| (other, f64::from(common) / f64::from(all.max(common))))
        });
        (serving, shared.collect())
    }

    /// What was seen of all calls that want these seats, and how long such a call usually takes
    /// one; `None` when it is too little.
    fn recent(
        &self,
        now: Instant,
        at: QueueAt,
        serving: u32,
        shares: &[(QueueAt, f64)],
    ) -> Option<(Recent, Duration)> {
        if serving == 0 {
            return None;
        }
        let sum = |of: &dyn Fn(&Queue) -> f64| -> f64 {
            let each = shares.iter();
            each.map(|&(queue, share)| of(&self.queues[queue]) * share)
                .sum()
        };
        let counted = |time: Duration, of: fn(&Counted) -> f64| {
            sum(&|queue: &Queue| of(&queue.seen.within(now, time)))
        };
        let entered = |time| self.entered(now, time, shares);
        let window = rules::RATE_WINDOWS
            .into_iter()
            .find(|&window| entered(window) >= rules::RATE_KNOWN_AFTER)
            .unwrap_or(longest_window());
        let of_hour = |of: fn(&Counted) -> f64| counted(seen::KEPT, of);
        let seconds = |sum: f64| Duration::try_from_secs_f64(sum).unwrap_or_default();
        let waiting = sum(&|queue: &Queue| queue.line.len() as f64);
        let recent = Recent {
            window: seen::covered(now, window),
            entered: entered(window),
            abandoned: of_hour(|n| n.abandoned as f64).round() as u64,
            waited: seconds(of_hour(|n| n.waited.as_secs_f64())),
            handled: of_hour(|n| n.handled as f64).round() as u64,
            handling: seconds(of_hour(|n| n.handling.as_secs_f64())),
            waiting: waiting.round() as u32,
            serving,
        };
        let enough = entered(longest_window()) >= rules::FORECAST_KNOWN_AFTER;
        let mean = u32::try_from(recent.handled).ok();
        let mean = mean.filter(|&handled| handled >= rules::PACE_KNOWN_AFTER);
        let usual = self.queues[at].pace.usual();
        let usual = usual.or_else(|| mean.map(|handled| recent.handling / handled))?;
        enough.then_some((recent, usual))
    }

    /// A caller stands in this queue who did not before.
    pub(super) fn note_entry(&mut self, at: QueueAt) {
        self.entries = self.entries.saturating_add(1);
        self.queues[at].seen.entered(self.now);
    }

    /// A caller is out of the line, one way or the other.
    pub(super) fn note_wait(&mut self, at: QueueAt, since: Option<Instant>, gave_up: bool) {
        if let Some(since) = since {
            let wait = self.now.since(since);
            self.queues[at].seen.waited(self.now, wait, gave_up);
        }
    }
}

fn longest_window() -> Duration {
    let [.., longest] = rules::RATE_WINDOWS;
    longest
}

fn aim(queue: &Queue, usual_handling: Duration) -> Aim {
    let share = |percent: u8| f64::from(percent) / 100.0;
    Aim {
        answered: share(queue.settings.answered_percent),
        in_time: share(queue.settings.in_time_percent),
        within: queue.settings.threshold,
        usual_handling,
        usual_patience: rules::USUAL_PATIENCE,
    }
}
