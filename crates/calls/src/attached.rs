//! Which seats the journal says a call is with: read off the events as they are written, so that a
//! call taken apart from outside leaves no offer and no talk without an end. While it is given on
//! it is with two.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, Instant, SeatId,
    event::{Event, ReleasedBy},
    seat::OfferResult,
};

#[derive(Clone, Copy, Debug)]
enum With {
    Offered { since: Instant },
    Answered { talks_since: Option<Instant> },
}

/// The calls that are with seats.
#[derive(Debug, Default)]
pub struct Attached(BTreeMap<(CallId, SeatId), With>);

impl Attached {
    /// An event was written.
    pub fn note(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::SeatOffered { call, seat, .. } => {
                self.0.insert((call, seat), With::Offered { since: now });
            }
            Event::SeatAnswered { call, seat, .. } => {
                let talks_since = None;
                self.0.insert((call, seat), With::Answered { talks_since });
            }
            Event::TalkStarted { call, seat } => {
                if let Some(With::Answered { talks_since }) = self.0.get_mut(&(call, seat)) {
                    *talks_since = Some(now);
                }
            }
            Event::OfferEnded { call, seat, .. } | Event::TalkEnded { call, seat, .. } => {
                self.0.remove(&(call, seat));
            }
            _ => {}
        }
    }

    /// The events that end what the call has with seats, and those seats that had answered.
    pub fn endings(&self, now: Instant, call: CallId) -> Vec<(Event, Option<SeatId>)> {
        // A call is with two seats at most, but seats' names have no first and last to range over.
        self.0
            .iter()
            .filter(|((of, _), _)| *of == call)
            .map(|(&(_, seat), &with)| ending(now, call, seat, with))
            .collect()
    }
}

fn ending(now: Instant, call: CallId, seat: SeatId, with: With) -> (Event, Option<SeatId>) {
    match with {
        With::Offered { since } => {
            let ended = Event::OfferEnded {
                call,
                seat,
                result: OfferResult::Withdrawn,
                rang_ms: now.millis_since(since),
            };
            (ended, None)
        }
        With::Answered { talks_since } => {
            let ended = Event::TalkEnded {
                call,
                seat,
                talk_ms: talks_since.map_or(0, |since| now.millis_since(since)),
                hold_ms: 0,
                released_by: ReleasedBy::Engine,
            };
            (ended, Some(seat))
        }
    }
}
