//! Waiting: the caller stands in a queue and hears position and music until the floor finds a
//! seat.

use hotline_acd::{Input as FloorInput, OverflowTo};
use hotline_media::Command;
use hotline_model::{
    Instant, QueueId,
    event::{Event, Outcome, ReleasedBy},
};

use super::{
    Input, Menu, Offering, Overflowing, Releasing, Resting, Stage, cause, gone, released_by,
    resting::{rang_again, unreached},
};
use crate::{
    announcements::Standing,
    call::Facts,
    callback::{Callback, Stands},
    comfort::Comfort,
    leg::{Leg, ToMedia},
    outgoing::Outside,
    switchboard::{Side, Switchboard},
};

/// A call in a queue.
pub struct Waiting {
    /// Where it stands and what it hears.
    pub place: Place,
}

/// A place in a queue, kept while seats are tried.
pub struct Place {
    /// The queue.
    pub queue: QueueId,
    /// Priority, 0 is first.
    pub priority: u8,
    /// What the caller hears.
    pub comfort: Comfort,
    /// When the place of a caller who is to be called back is given up.
    keeps_until: Option<Instant>,
    /// The entry was journalled.
    entered: bool,
}

impl Place {
    /// A place whose caller hears the connecting notice first, where one is on the line.
    fn new(facts: &mut Facts, queue: QueueId, priority: u8, board: &mut Switchboard) -> Self {
        let (leg, language) = (facts.leg.id, facts.language);
        let keeps_until = facts.stands().and_then(Callback::until);
        let comfort = match keeps_until {
            Some(_) => Comfort::nobody(leg, language),
            None => Comfort::begin(leg, language, queue, facts.next_play(), board),
        };
        Self {
            queue,
            priority,
            comfort,
            keeps_until,
            entered: false,
        }
    }

    /// Journals the entry where the call stands in this queue's line.
    fn note_position(&mut self, facts: &Facts, now: Instant, board: &mut Switchboard) {
        if board.floor.queue_of(facts.id) == Some(self.queue)
            && let Some(position) = board.floor.position(facts.id)
        {
            self.note_entry(facts, now, position, board);
        }
    }

    /// Journals the entry, once. It is known to be an entry as soon as the floor gave the call a
    /// position or a seat, and not before: the queue may refuse it.
    fn note_entry(&mut self, facts: &Facts, now: Instant, position: u32, board: &mut Switchboard) {
        if !self.entered {
            self.entered = true;
            let (call, queue, priority) = (facts.id, self.queue, self.priority);
            board.happened(
                now,
                Event::QueueEntered {
                    call,
                    queue,
                    priority,
                    position,
                },
            );
        }
    }
}

impl Waiting {
    /// Enters the queue. A call that comes back (its seat's phone died) keeps its first arrival
    /// and so its place.
    #[must_use]
    pub fn enter(
        facts: &mut Facts,
        now: Instant,
        queue: QueueId,
        priority: u8,
        board: &mut Switchboard,
    ) -> Stage {
        // Who comes back held out already.
        let preferred = match facts.queued {
            None => board.recognise(now, facts, queue),
            Some(_) => None,
        };
        let absent = facts.stands().is_some();
        let queued = *facts.queued.get_or_insert(now);
        if !board.draining
            && let Some(resting) = Resting::without_way(facts, now, (queue, priority), board)
        {
            return Stage::Resting(resting);
        }
        let inherits = match absent {
            true => None,
            false => facts.would_inherit(board),
        };
        let promised = absent || inherits.is_some() || facts.place_from.is_some();
        let spent = match &inherits {
            Some(stands) if facts.overflowed.is_empty() => stands.left_by(queue),
            _ => facts.left_by(queue),
        };
        let place_from = facts.inherited(inherits.as_ref()).or(facts.place_from);
        let arrived = place_from.unwrap_or(queued);
        (facts.last_queue, facts.last_priority) = (Some(queue), priority);
        let mut place = Place::new(facts, queue, priority, board);
        let queued = FloorInput::CallQueued {
            call: facts.id,
            queue,
            priority,
            arrived,
            spent,
            preferred,
            // Who was promised a callback is neither refused nor given up, on the line or not: the
            // place is old, and the promise was kept by it.
            promised,
        };
        // No callback begins that the engine's end would cut off: the next start restores it.
        if !(absent && board.draining) {
            board.floor(now, queued);
        }
        // Not before: where the queue is closed or gone the promise stands.
        if inherits.is_some() && board.floor.queue_of(facts.id).is_some() {
            facts.takes_place(board);
        }
        place.note_position(facts, now, board);
        Stage::Waiting(Self { place })
    }

    /// The call stands in line already: the seat that was to take it over did not.
    #[must_use]
    pub fn stay(
        facts: &mut Facts,
        now: Instant,
        queue: QueueId,
        priority: u8,
        board: &mut Switchboard,
    ) -> Stage {
        let mut place = Place::new(facts, queue, priority, board);
        place.note_position(facts, now, board);
        Stage::Waiting(Self { place })
    }

    /// The caller was promised a callback and is let go: the call stands on with nobody on the line.
    #[must_use]
    pub fn stand(facts: &mut Facts, now: Instant, board: &mut Switchboard) -> Stage {
        board.close_leg(now, &mut facts.leg, None);
        facts.leg = Leg::absent();
        facts.menu_left.get_or_insert(now);
        let place = facts.place_from.or(facts.queued).unwrap_or(now);
        let requested = facts.callback_requested(now.since(place));
        let Some(callback) = facts.callback.as_mut() else {
            return unreached(facts, now, "there was no callback", board);
        };
        callback.stands_since = Some(now);
        let (queue, priority) = (callback.queue, callback.priority);
        let overflowed = facts.overflowed.clone();
        let stands = Stands { place, overflowed };
        let is_served = !board.callbacks.stands(facts.id, stands);
        if let Some(event) = requested {
            board.happened(now, event);
        }
        if is_served {
            return rang_again(facts, now, board);
        }
        Self::enter(facts, now, queue, priority, board)
    }

    /// When the next announcement is due, or the place is given up.
    pub fn deadline(&self) -> Option<Instant> {
        self.place.keeps_until.or(self.place.comfort.deadline())
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        let place = &mut self.place;
        match input {
            // It would be cut off: the next start restores it.
            Input::Offered { .. } if board.draining && facts.stands().is_some() => {
                board.floor(now, FloorInput::CallLeft { call: facts.id });
            }
            Input::Offered { seat, queue, why } => {
                let stood = (place.queue, place.priority);
                if let Some(resting) = Resting::without_way(facts, now, stood, board) {
                    board.floor(now, FloorInput::CallLeft { call: facts.id });
                    return Stage::Resting(resting);
                }
                place.note_entry(facts, now, 1, board);
                return Offering::enter(self.place, facts, now, seat, queue, why, board);
            }
            Input::PlayEnded(play) => {
                let standing = Standing::of(facts.id, &board.floor);
                place.comfort.play_ended(now, play, standing, board);
            }
            Input::RangAgain => {
                board.floor(now, FloorInput::CallLeft { call: facts.id });
                return rang_again(facts, now, board);
            }
            Input::DeadlinePassed if place.keeps_until.is_some_and(|until| until <= now) => {
                board.floor(now, FloorInput::CallLeft { call: facts.id });
                return unreached(facts, now, "the longest time in line passed", board);
            }
            Input::DeadlinePassed => {
                let standing = Standing::of(facts.id, &board.floor);
                place.comfort.deadline_passed(now, standing, board);
            }
            Input::TimedOut(_) | Input::QueueRefused(..) if place.keeps_until.is_some() => {
                return unreached(facts, now, "the queue is served no more", board);
            }
            Input::TimedOut(_) => {
                return Releasing::enter(
                    facts,
                    now,
                    Outcome::TimedOut,
                    "the longest wait passed",
                    board,
                );
            }
            Input::Overflowed {
                queue,
                rule,
                to,
                why,
            } => return self.overflowed(facts, now, (queue, rule), to, why, board),
            Input::Prioritised(priority) => place.priority = priority,
            Input::StandsIn(queue) => {
                (place.queue, place.entered) = (queue, false);
                place.note_position(facts, now, board);
            }
            Input::QueueRefused(queue, why) => {
                let (call, cause) = (facts.id, why.to_owned());
                board.happened(now, Event::QueueRefused { call, queue, cause });
                return Releasing::enter(facts, now, Outcome::Refused, why, board);
            }
            Input::Ended(Side::Caller, _, why) => {
                board.floor(now, FloorInput::CallLeft { call: facts.id });
                let by = released_by(Side::Caller, why);
                return facts.end(now, gone(why, Outcome::Abandoned), by, cause(why), board);
            }
            Input::Silent(Side::Caller, _) => {
                board.floor(now, FloorInput::CallLeft { call: facts.id });
                let why = "no sound from the caller's side";
                return facts.end(now, Outcome::Failed, ReleasedBy::Network, why, board);
            }
            _ => {}
        }
        Stage::Waiting(self)
    }

    /// The call left the queue. Another queue has it at its old place; out of the floor it goes to
    /// a script, from its start, or outside.
    fn overflowed(
        mut self,
        facts: &mut Facts,
        now: Instant,
        (queue, rule): (QueueId, usize),
        to: OverflowTo,
        why: String,
        board: &mut Switchboard,
    ) -> Stage {
        facts.leaves_by(queue, rule);
        let call = facts.id;
        (facts.last_queue, facts.last_priority) = (Some(queue), self.place.priority);
        if self.place.keeps_until.is_some() && !matches!(to, OverflowTo::Queue(_)) {
            // Nobody is on the line who could hear a script or be put through.
            return Self::enter(facts, now, queue, self.place.priority, board);
        }
        let program = match &to {
            OverflowTo::Script(script) => board.settings.scripts.get(script).cloned(),
            OverflowTo::Queue(_) | OverflowTo::Outside(_) => None,
        };
        let event = Event::QueueOverflowed {
            call,
            queue,
            to: to.to_string(),
            why,
        };
        board.happened(now, event);
        match (to, program) {
            (OverflowTo::Queue(queue), _) => {
                (self.place.queue, self.place.entered) = (queue, false);
                self.place.note_position(facts, now, board);
                Stage::Waiting(self)
            }
            (OverflowTo::Script(_), Some(program)) => {
                let leg = facts.leg.id;
                board.media(Command::StopPlay { leg });
                Menu::enter(facts, now, program, board)
            }
            (OverflowTo::Outside(number), _) => match Outside::of_queue(&board.settings, &number) {
                Ok(number) => Overflowing::enter(self.place, facts, now, number, board),
                Err(denied) => nowhere(facts, now, denied.cause(), board),
            },
            // `hotline check` found the script when the engine started.
            (OverflowTo::Script(_), None) => nowhere(facts, now, "the script is gone", board),
        }
    }
}

/// The place to which the caller was sent is none.
fn nowhere(facts: &mut Facts, now: Instant, why: &'static str, board: &mut Switchboard) -> Stage {
    Releasing::enter(facts, now, Outcome::Overflowed, why, board)
}
