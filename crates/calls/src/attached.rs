//! Which seat the journal says a call is with: read off the events as they are written, so that a
//! call taken apart from outside leaves no offer and no talk without an end.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, Instant, SeatId,
    event::{Event, ReleasedBy},
    seat::OfferResult,
};

#[derive(Clone, Copy, Debug)]
enum With {
    Offered {
        seat: SeatId,
        since: Instant,
    },
    Answered {
        seat: SeatId,
        talks_since: Option<Instant>,
    },
}

/// The calls that are with a seat.
#[derive(Debug, Default)]
pub struct Attached(BTreeMap<CallId, With>);

impl Attached {
    /// An event was written.
    pub fn note(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::SeatOffered { call, seat, .. } => {
                self.0.insert(call, With::Offered { seat, since: now });
            }
            Event::SeatAnswered { call, seat, .. } => {
                let talks_since = None;
                self.0.insert(call, With::Answered { seat, talks_since });
            }
            Event::TalkStarted { call, .. } => {
                if let Some(With::Answered { talks_since, .. }) = self.0.get_mut(&call) {
                    *talks_since = Some(now);
                }
            }
            Event::OfferEnded { call, .. } | Event::TalkEnded { call, .. } => {
                self.0.remove(&call);
            }
            _ => {}
        }
    }

    /// The event that ends what the call has with a seat, and the seat where it has answered.
    pub fn ending(&self, now: Instant, call: CallId) -> Option<(Event, Option<SeatId>)> {
        Some(match *self.0.get(&call)? {
            With::Offered { seat, since } => {
                let rang_ms = now.millis_since(since);
                let result = OfferResult::Withdrawn;
                let ended = Event::OfferEnded {
                    call,
                    seat,
                    result,
                    rang_ms,
                };
                (ended, None)
            }
            With::Answered { seat, talks_since } => {
                let ended = Event::TalkEnded {
                    call,
                    seat,
                    talk_ms: talks_since.map_or(0, |since| now.millis_since(since)),
                    hold_ms: 0,
                    released_by: ReleasedBy::Engine,
                };
                (ended, Some(seat))
            }
        })
    }
}
