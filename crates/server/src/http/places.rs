//! Places on the live stream. Those of the seats' own pages are kept for them: a page that loses its
//! stream and gets none is a desk that is cut off, and its seat is offered no calls.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hotline_model::{
    SeatId,
    limits::{DESK_STREAMS, LIVE_STREAMS},
};

/// Who follows the stream. Behind a lock: it is far from a call's way.
pub struct Places {
    taken: Mutex<Taken>,
}

struct Taken {
    desks: BTreeMap<SeatId, usize>,
    others: usize,
}

/// The place of one open stream; free again when it is dropped.
pub struct Place<'a> {
    places: &'a Places,
    /// One of those kept for this seat.
    desk: Option<SeatId>,
}

impl Places {
    /// All free.
    pub const fn new() -> Self {
        Self {
            taken: Mutex::new(Taken {
                desks: BTreeMap::new(),
                others: 0,
            }),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place: of those kept for the `desk`, else of those for everybody. `None`: all are taken.
    pub fn take(&self, desk: Option<SeatId>) -> Option<Place<'_>> {
        let mut taken = self.taken();
        if let Some(seat) = desk {
            let own = taken.desks.entry(seat).or_default();
            if *own < DESK_STREAMS {
                *own += 1;
                let places = self;
                return Some(Place { places, desk });
            }
        }
        if taken.others >= LIVE_STREAMS {
            metrics::counter!("hotline_live_streams_refused_total").increment(1);
            tracing::warn!(limit = LIVE_STREAMS, "a live stream was refused: too many");
            return None;
        }
        taken.others += 1;
        let (places, desk) = (self, None);
        Some(Place { places, desk })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        let Some(seat) = self.desk else {
            taken.others = taken.others.saturating_sub(1);
            return;
        };
        let left = taken.desks.get_mut(&seat).map(|own| {
            *own = own.saturating_sub(1);
            *own
        });
        if left == Some(0) {
            taken.desks.remove(&seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_finds_its_places_however_many_follow_the_stream() {
        let places = Places::new();
        let mut others: Vec<_> = (0..LIVE_STREAMS).map(|_| places.take(None)).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(places.take(None).is_none());
        // More desks than there are places for everybody.
        let seats = (0..750).map(|nth| SeatId::new(&format!("{}", 1_000 + nth)).unwrap());
        let desks: Vec<_> = seats.map(|seat| places.take(Some(seat))).collect();
        assert!(desks.iter().all(Option::is_some));
        // A page comes back before the engine knows that its old stream is dead.
        let seat = SeatId::new("1000").ok();
        let again = places.take(seat);
        assert!(again.is_some());
        assert!(places.take(seat).is_none(), "a third is anybody's");
        others.pop();
        let third = places.take(seat);
        assert!(third.is_some());
        assert!(places.take(None).is_none());
        drop(again);
        assert!(places.take(seat).is_some(), "its own is free again");
        drop((third, desks));
        assert!(places.take(None).is_some());
        assert!(places.taken().desks.is_empty());
    }
}
