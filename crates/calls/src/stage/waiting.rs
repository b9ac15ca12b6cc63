//! Waiting: the caller stands in a queue and hears position and music until the floor finds a
//! seat.

use hotline_acd::Input as FloorInput;
use hotline_model::{
    Instant, QueueId,
    event::{Event, Outcome, ReleasedBy},
};

use super::{Input, Offering, Releasing, Stage, cause, gone, released_by};
use crate::{
    announcements::Standing,
    call::Facts,
    comfort::Comfort,
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
    /// The entry was journalled.
    entered: bool,
}

impl Place {
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
        let arrived = *facts.queued.get_or_insert(now);
        let play = facts.next_play();
        let comfort = Comfort::begin(facts.leg.id, facts.language, queue, play, board);
        let mut place = Place {
            queue,
            priority,
            comfort,
            entered: false,
        };
        board.floor(
            now,
            FloorInput::CallQueued {
                call: facts.id,
                queue,
                priority,
                arrived,
            },
        );
        if let Some(position) = board.floor.position(facts.id) {
            place.note_entry(facts, now, position, board);
        }
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
        let play = facts.next_play();
        let comfort = Comfort::begin(facts.leg.id, facts.language, queue, play, board);
        let mut place = Place {
            queue,
            priority,
            comfort,
            entered: false,
        };
        if let Some(position) = board.floor.position(facts.id) {
            place.note_entry(facts, now, position, board);
        }
        Stage::Waiting(Self { place })
    }

    /// When the next announcement is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.place.comfort.deadline()
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
            Input::Offered { seat, queue, why } => {
                place.note_entry(facts, now, 1, board);
                return Offering::enter(self.place, facts, now, seat, queue, why, board);
            }
            Input::PlayEnded(play) => {
                let standing = Standing::of(facts.id, &board.floor);
                place.comfort.play_ended(now, play, standing, board);
            }
            Input::DeadlinePassed => {
                let standing = Standing::of(facts.id, &board.floor);
                place.comfort.deadline_passed(now, standing, board);
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
}
