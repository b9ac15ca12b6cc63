//! The media threads as calls see them: how much each carries, and which one takes a new call.
//!
//! A call stays where its first leg is, and everything that may be brought together with it is
//! opened beside it: a thread knows nothing of another's legs, so legs that are to hear each other
//! must be one thread's.

use hotline_model::{LegId, MediaThread, limits::MEDIA_THREADS};

/// See the module.
#[derive(Debug)]
pub struct MediaThreads(Vec<Thread>);

#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    legs: usize,
    /// It had no port for a leg, and has let go of none since.
    full: bool,
    /// It ended by a fault.
    lost: bool,
}

/// Threads that had no room for a leg, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked(u64);

const _: () = assert!(MEDIA_THREADS <= 64);

impl MediaThreads {
    /// So many idle ones; at least one, at most [`MEDIA_THREADS`].
    pub fn new(count: usize) -> Self {
        Self(vec![Thread::default(); count.clamp(1, MEDIA_THREADS)])
    }

    /// The one that takes the next call: of those with room the one with the fewest legs, of equals
    /// the first. Where none has room, one that goes on; where none does, whose refusal is as good
    /// as any.
    pub fn choose(&self) -> MediaThread {
        let threads = self.0.iter().zip(0_u64..);
        let best = threads.min_by_key(|(thread, _)| (thread.lost, thread.full, thread.legs));
        MediaThread::of(best.map_or(0, |(_, at)| at))
    }

    /// Another for a leg that this one had no room for; `None` where every other was asked for it
    /// too. One that had no room for an earlier leg is asked last: it may have some again.
    pub fn choose_other(&mut self, refused: MediaThread, asked: &mut Asked) -> Option<MediaThread> {
        self.at(refused)?.full = true;
        asked.0 |= 1 << refused.at();
        let threads = self.0.iter().zip(0_u64..);
        let others = threads.filter(|(thread, at)| !thread.lost && asked.0 & (1 << at) == 0);
        let best = others.min_by_key(|(thread, _)| (thread.full, thread.legs));
        best.map(|(_, at)| MediaThread::of(at))
    }

    /// It had no port for a leg.
    pub fn lacks_port(&mut self, thread: MediaThread) {
        if let Some(thread) = self.at(thread) {
            thread.full = true;
        }
    }

    /// A leg is being opened.
    pub fn opens(&mut self, leg: LegId) {
        if let Some(thread) = self.at(leg.thread()) {
            thread.legs += 1;
        }
    }

    /// A leg is gone: its port is free.
    pub fn closes(&mut self, leg: LegId) {
        self.gave_up(leg);
        if let Some(thread) = self.at(leg.thread()) {
            thread.full = false;
        }
    }

    /// A leg that got no port goes elsewhere.
    pub fn gave_up(&mut self, leg: LegId) {
        if let Some(thread) = self.at(leg.thread()) {
            thread.legs = thread.legs.saturating_sub(1);
        }
    }

    /// The thread ended by a fault: it takes no call any more, as long as another does.
    pub fn lost(&mut self, thread: MediaThread) {
        if let Some(thread) = self.at(thread) {
            thread.lost = true;
        }
    }

    /// Legs of each thread.
    pub fn legs(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|thread| thread.legs)
    }

    fn at(&mut self, thread: MediaThread) -> Option<&mut Thread> {
        self.0.get_mut(thread.at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(at: u64) -> MediaThread {
        MediaThread::of(at)
    }

    fn leg(at: u64, nth: u64) -> LegId {
        LegId(thread(at).number(nth))
    }

    /// Opens a leg where the choice falls; where that is.
    fn open(threads: &mut MediaThreads, nth: u64) -> usize {
        let chosen = threads.choose();
        threads.opens(LegId(chosen.number(nth)));
        chosen.at()
    }

    #[test]
    fn calls_go_where_the_fewest_legs_are() {
        let mut threads = MediaThreads::new(3);
        let order: Vec<usize> = (0..7).map(|nth| open(&mut threads, nth)).collect();
        assert_eq!(order, [0, 1, 2, 0, 1, 2, 0]);
        // The second's calls end; what comes goes there until it is even.
        threads.closes(leg(1, 1));
        threads.closes(leg(1, 4));
        let order: Vec<usize> = (7..11).map(|nth| open(&mut threads, nth)).collect();
        assert_eq!(order, [1, 1, 1, 2]);
        assert_eq!(threads.legs().collect::<Vec<_>>(), [3, 3, 3]);
    }

    #[test]
    fn one_without_room_is_passed_over_until_a_leg_of_it_is_gone() {
        let mut threads = MediaThreads::new(2);
        threads.opens(leg(0, 1));
        threads.opens(leg(1, 2));
        let mut asked = Asked::default();
        assert_eq!(threads.choose_other(thread(0), &mut asked), Some(thread(1)));
        threads.opens(leg(1, 3));
        assert_eq!(threads.choose(), thread(1), "more legs, and room");
        assert_eq!(
            threads.choose_other(thread(1), &mut asked),
            None,
            "none has room"
        );
        threads.closes(leg(0, 1));
        assert_eq!(threads.choose(), thread(0));
    }

    /// Its ports may have been another program's, who says nothing when they are free again.
    #[test]
    fn for_every_leg_each_is_asked_once_though_it_had_no_room_before() {
        let mut threads = MediaThreads::new(3);
        for _ in 0..2 {
            let mut asked = Asked::default();
            let first = threads.choose();
            let second = threads.choose_other(first, &mut asked).unwrap();
            let third = threads.choose_other(second, &mut asked).unwrap();
            assert_eq!(threads.choose_other(third, &mut asked), None);
            let mut all = [first, second, third];
            all.sort();
            assert_eq!(all, [thread(0), thread(1), thread(2)]);
        }
    }

    #[test]
    fn a_lost_one_is_never_chosen_beside_others() {
        let mut threads = MediaThreads::new(2);
        threads.lost(thread(0));
        threads.opens(leg(1, 1));
        assert_eq!(threads.choose(), thread(1));
        assert_eq!(threads.choose_other(thread(1), &mut Asked::default()), None);
        assert_eq!(threads.choose(), thread(1), "full, but it goes on");
        threads.lost(thread(1));
        assert_eq!(threads.choose(), thread(0), "whose refusal is as good");
        // Nor does one fall out of the list by a number that nobody gave.
        threads.closes(leg(9, 1));
        threads.lost(thread(9));
    }

    #[test]
    fn there_is_always_one_and_never_too_many() {
        assert_eq!(MediaThreads::new(0).legs().count(), 1);
        assert_eq!(MediaThreads::new(1_000).legs().count(), MEDIA_THREADS);
    }
}
