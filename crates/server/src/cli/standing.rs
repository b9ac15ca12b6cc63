//! Callers whom the last run promised a callback, from the journal's words into the exchange's.

use core::time::Duration;

use hotline_calls::callback::{Callback, Restored};
use hotline_store::recover::Standing;

/// The same, in the same order.
pub(super) fn restored(standing: Vec<Standing>) -> Vec<Restored> {
    standing.into_iter().map(one).collect()
}

fn one(it: Standing) -> Restored {
    Restored {
        call: it.call,
        trunk: it.trunk,
        caller: it.caller,
        called: it.called,
        language: it.language,
        arrived_at: it.arrived_at,
        queued_at: it.queued_at,
        place_at: it.place_at,
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
