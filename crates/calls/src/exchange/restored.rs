//! Callers whom an earlier run of the engine promised a callback: they stand in line again, first
//! come first, before all who come from now on.

use core::time::Duration;

use hotline_acd::Input as FloorInput;
use hotline_ivr::Language;
use hotline_model::{
    Instant, SeatId, Timestamp,
    event::Event,
    seat::{Intent, Reason},
};

use super::Exchange;
use crate::{
    call::Facts,
    callback::{Before, Restored, Stands},
    leg::Leg,
    orders::SeatRequest,
    stage::Stage,
};

impl Exchange {
    /// Takes over the callbacks of an earlier run, first come first, before any other input. Drain
    /// [`Exchange::poll_output`] afterwards.
    pub fn restore(&mut self, now: Instant, mut callbacks: Vec<Restored>) {
        callbacks.sort_by_key(|it| it.place_at);
        for (nth, restored) in (0..).zip(callbacks) {
            // Nothing happened before the start, as far as instants go; the order stays.
            let place = Instant::START + Duration::from_micros(nth);
            self.restore_one(now, place, restored);
        }
        self.turn_over(now);
    }

    /// Seats that a supervisor had not ready in an earlier run stay so until a supervisor says
    /// otherwise; before any other input. It is journalled again, so that the next start finds it
    /// however long ago that was.
    pub fn force(&mut self, now: Instant, seats: &[SeatId]) {
        let (forced, out) = (Reason::Forced, Reason::LoggedOut);
        for &seat in seats {
            if self.board.settings.seat(seat).is_none() {
                continue;
            }
            let [forced_not_ready, signed_out] = [forced, out].map(Intent::NotReady);
            let force = FloorInput::Force {
                seat,
                intent: forced_not_ready,
            };
            self.board.floor(now, force);
            let sign_out = FloorInput::SetIntent {
                seat,
                intent: signed_out,
            };
            self.board.floor(now, sign_out);
            let event = Event::SeatRequested {
                seat,
                request: SeatRequest::NotReady(forced).to_string(),
                through: "restart".to_owned(),
                done: true,
            };
            self.board.happened(now, event);
        }
        self.turn_over(now);
    }

    fn restore_one(&mut self, now: Instant, place: Instant, restored: Restored) {
        let wall = self.board.wall(now);
        let Restored {
            call,
            trunk,
            caller,
            called,
            language,
            mut callback,
            ..
        } = restored;
        callback.stands_since = Some(now);
        callback.stood_before = between(restored.requested_at, wall);
        let queue_ms = millis(restored.queued_at, wall);
        let before = Before {
            arrival_ms: millis(restored.arrived_at, wall),
            menu_ms: queue_ms,
            queue_ms,
        };
        let event = Event::CallbackRestored {
            call,
            caller: caller.clone(),
            called: called.clone(),
            queue: callback.queue,
            priority: callback.priority,
            attempts: callback.made,
            lived_ms: before.arrival_ms,
        };
        self.board.happened(now, event);
        let stands = Stands {
            place,
            overflowed: Vec::new(),
        };
        let number = callback.number.clone();
        self.board.callbacks.promise(call, &caller, &number);
        self.board.callbacks.stands(call, stands);
        let mut facts = Facts::new(call, trunk, caller, called, Leg::absent(), now);
        facts.asked_language = language.parse().ok();
        facts.language = facts.asked_language.unwrap_or(Language::Zh);
        (facts.menu_left, facts.queued) = (Some(now), Some(now));
        (facts.place_from, facts.before) = (Some(place), before);
        facts.callback = Some(callback);
        let again = restored.rests_until.map(|at| now + between(wall, at));
        let stage = Stage::restored(&mut facts, now, again, &mut self.board);
        if !matches!(stage, Stage::Ended) {
            self.begin(facts, stage);
        }
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or_default()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(millis(from, to))
}
