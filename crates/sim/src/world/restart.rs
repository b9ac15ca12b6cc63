//! The engine is killed in mid-call and starts anew from its journal, as `hotline serve` does.

use core::time::Duration;

use hotline_calls::{
    Exchange,
    callback::{Callback, Restored},
};
use hotline_model::{
    CallId,
    event::{Event, Stamped},
};
use hotline_store::{
    Record,
    journal::Hash,
    recover::{self, Standing},
};
use rand_chacha::rand_core::Rng as _;

use super::{Due, Media, WALL, World};
use crate::actors::Deed;

/// A citizen who hears nothing any more hangs up after so long.
const HEARS_NOTHING: Duration = Duration::from_secs(20);

impl World {
    /// What the engine held is gone; its journal is not. Uptime goes on, so that all of a world's
    /// story has one clock.
    pub(super) fn restart(&mut self) {
        let records: Vec<Record> = (1..)
            .zip(&self.journal)
            .map(|(seq, stamped)| Record {
                seq,
                stamped: stamped.clone(),
                hash: Hash::START,
            })
            .collect();
        let left = recover::unfinished(&records);
        self.checks.restarted();
        let threads = self.settings.media_threads;
        let seed = self.random.next_u64();
        let media = (0..threads).map(|at| Media::new(seed, at, threads));
        self.media = media.collect();
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        let next = CallId(left.last_call.map_or(1, |call| call.0 + 1));
        self.exchange = Exchange::new(self.settings.clone(), seed, next, WALL);
        let version = "sim".to_owned();
        let started = core::iter::once(Event::EngineStarted { version });
        let ended = left.calls.iter().map(recover::Unfinished::ended);
        let closed = left.recordings.iter().map(|it| it.closed(0, String::new()));
        for event in started.chain(closed).chain(ended) {
            let up_ms = self.now.millis_since(hotline_model::Instant::START);
            self.happened(Stamped {
                at: WALL.after(self.now.since_start()),
                up_ms,
                event,
            });
        }
        self.checks.floor_is(&self.settings);
        let standing = left.standing.into_iter().map(restored).collect();
        self.exchange.restore(self.now, standing);
        self.carry_out();
        self.people_notice();
    }

    /// Agents sign in anew, and citizens do not listen to nothing for ever.
    fn people_notice(&mut self) {
        let people = self.lines.iter().map(|line| line.person.seat().is_some());
        let people: Vec<bool> = people.collect();
        for (at, agent) in people.into_iter().enumerate() {
            let plans = match agent {
                true => vec![
                    (Duration::ZERO, Deed::HangUp),
                    (Duration::from_millis(500), Deed::Register),
                    (Duration::from_secs(2), Deed::GoReady),
                ],
                false => vec![(HEARS_NOTHING, Deed::HangUp)],
            };
            for (after, deed) in plans {
                self.plan(after, Due::Deed(at, deed));
            }
        }
    }
}

/// In the exchange's words; the server has its own way between two crates that do not know each
/// other.
fn restored(it: Standing) -> Restored {
    Restored {
        call: it.call,
        trunk: it.trunk,
        caller: it.caller,
        called: it.called,
        language: it.language,
        arrived_at: it.arrived_at,
        place_at: it.place_at,
        queued_at: it.queued_at,
        requested_at: it.requested_at,
        rests_until: it.rests_until,
        callback: Callback {
            number: it.number,
            queue: it.queue,
            priority: it.priority,
            attempts: it.attempts,
            retry_after: Duration::from_secs(it.retry_after_s),
            keep: Duration::from_secs(it.keep_s),
            made: it.made,
            stands_since: None,
            stood_before: Duration::ZERO,
        },
    }
}
