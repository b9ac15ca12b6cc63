//! The seat ledger: each seat's time as intervals that join without a gap.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, SeatId, Timestamp,
    event::Event,
    seat::{Intent, Work},
};
use serde::{Deserialize, Serialize};

use crate::Record;

/// A stretch of a seat's time in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The seat.
    pub seat: SeatId,
    /// Record that began it.
    pub since_seq: u64,
    /// When it began.
    pub since_at: Timestamp,
    /// Uptime when it began, ms.
    pub since_up_ms: u64,
    /// What the agent wanted.
    pub intent: Intent,
    /// What the seat did.
    pub work: Work,
    /// The call it did it for.
    pub call: Option<CallId>,
    /// How it ended; `None` while it lasts.
    pub end: Option<End>,
}

/// The end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Length of the interval by the monotonic clock, ms.
    pub ms: u64,
    /// Why.
    pub by: IntervalEnd,
}

/// Why an interval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalEnd {
    /// The seat's next state began.
    Changed,
    /// The engine stopped in an orderly way.
    EngineStopped,
    /// The engine was killed: the interval is known to have lasted until its last record.
    EngineLost,
}

/// The intervals that last, and what is needed to end them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    open: BTreeMap<SeatId, Interval>,
    /// The latest word of the run by its own clock. What a start writes of the run before stands
    /// ahead of its `EngineStarted` with the new run's small uptimes, and tells nothing of when the
    /// old one ended.
    last: Option<(Timestamp, u64)>,
}

impl Ledger {
    /// Goes on from intervals that lasted, and from what [`Ledger::last`] was then.
    pub fn resume(
        open: impl IntoIterator<Item = Interval>,
        last: Option<(Timestamp, u64)>,
    ) -> Self {
        Self {
            open: open.into_iter().map(|i| (i.seat, i)).collect(),
            last,
        }
    }

    /// Takes in the next record; returns the intervals that it ended.
    pub fn apply(&mut self, record: &Record) -> Vec<Interval> {
        let (at, up_ms) = (record.stamped.at, record.stamped.up_ms);
        let ended = match &record.stamped.event {
            Event::EngineStarted { .. } => {
                let (at, up_ms) = self.last.take().unwrap_or((at, 0));
                self.end_all(at, up_ms, IntervalEnd::EngineLost)
            }
            Event::EngineStopped {} => self.end_all(at, up_ms, IntervalEnd::EngineStopped),
            Event::SeatChanged {
                seat,
                intent,
                work,
                call,
            } => {
                let next = Interval {
                    seat: *seat,
                    since_seq: record.seq,
                    since_at: at,
                    since_up_ms: up_ms,
                    intent: *intent,
                    work: *work,
                    call: *call,
                    end: None,
                };
                let before = self.open.insert(*seat, next);
                before
                    .map(|interval| interval.ended(at, up_ms, IntervalEnd::Changed))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        };
        if self.last.is_none_or(|(_, latest)| latest <= up_ms) {
            self.last = Some((at, up_ms));
        }
        ended
    }

    /// Time and uptime of the run's latest record: there a crash would end what lasts.
    pub const fn last(&self) -> Option<(Timestamp, u64)> {
        self.last
    }

    fn end_all(&mut self, at: Timestamp, up_ms: u64, by: IntervalEnd) -> Vec<Interval> {
        core::mem::take(&mut self.open)
            .into_values()
            .map(|interval| interval.ended(at, up_ms, by))
            .collect()
    }

    /// The intervals that last, by seat.
    pub fn open(&self) -> impl Iterator<Item = &Interval> {
        self.open.values()
    }
}

impl Interval {
    fn ended(mut self, at: Timestamp, up_ms: u64, by: IntervalEnd) -> Self {
        let ms = up_ms.saturating_sub(self.since_up_ms);
        self.end = Some(End { at, ms, by });
        self
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::{event::Outcome, seat::Reason};
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{records, seat_changed};

    fn started() -> Event {
        Event::EngineStarted {
            version: "0.1.0".into(),
        }
    }

    /// All intervals of a story, and those that last.
    fn intervals(events: Vec<Event>) -> (Vec<Interval>, Vec<Interval>) {
        let mut ledger = Ledger::default();
        let ended = records(events)
            .iter()
            .flat_map(|record| ledger.apply(record))
            .collect();
        (ended, ledger.open().cloned().collect())
    }

    #[test]
    fn the_intervals_of_a_login_sum_to_its_length() {
        let meal = Intent::NotReady(Reason::Meal);
        let (ended, open) = intervals(vec![
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            seat_changed("1002", Intent::Ready, Work::Free, None),
            seat_changed("1001", Intent::Ready, Work::Talking, Some(1)),
            seat_changed("1001", Intent::Ready, Work::WrapUp, Some(1)),
            seat_changed("1001", meal, Work::Free, None),
            Event::EngineStopped {},
        ]);
        assert_eq!(open, []);
        let of = |name: &str| {
            let ended = ended.iter().filter(|i| i.seat.as_str() == name);
            ended.map(|i| i.end.unwrap().ms).collect::<Vec<_>>()
        };
        assert_eq!(of("1001"), [2_000, 1_000, 1_000, 1_000]);
        assert_eq!(of("1002"), [4_000]);
        assert_eq!(
            ended.last().unwrap().end.unwrap().by,
            IntervalEnd::EngineStopped
        );
    }

    #[test]
    fn a_killed_engine_ends_its_intervals_at_its_last_word() {
        let mut events = records([
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            crate::samples::arrived(1),
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
        ]);
        // The second run counts its uptime from zero.
        events[3].stamped.up_ms = 0;
        events[4].stamped.up_ms = 10;
        let mut ledger = Ledger::default();
        let ended: Vec<_> = events.iter().flat_map(|r| ledger.apply(r)).collect();
        assert_eq!(ended.len(), 1);
        let end = ended[0].end.unwrap();
        assert_eq!((end.ms, end.by), (1_000, IntervalEnd::EngineLost));
        assert_eq!(end.at, events[2].stamped.at);
        assert_eq!(ledger.open().count(), 1);
    }

    #[test]
    fn what_a_start_writes_of_the_run_before_does_not_end_its_intervals_sooner() {
        let mut events = records([
            started(),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            crate::samples::arrived(1),
            crate::samples::ended(1, Outcome::Interrupted),
            started(),
        ]);
        events[2].stamped.up_ms = 7_200_000;
        // As a start writes them: first the end of the call that was cut, then itself.
        (events[3].stamped.up_ms, events[4].stamped.up_ms) = (30, 31);
        let since = events[1].stamped.up_ms;
        let mut ledger = Ledger::default();
        for record in &events[..4] {
            assert_eq!(ledger.apply(record), []);
        }
        // Also where the tables were closed between the two.
        for mut ledger in [
            Ledger::resume(ledger.open().cloned(), ledger.last()),
            ledger,
        ] {
            let end = ledger.apply(&events[4])[0].end.unwrap();
            assert_eq!((end.ms, end.at), (7_200_000 - since, events[2].stamped.at));
            assert_eq!(ledger.last(), Some((events[4].stamped.at, 31)));
        }
    }

    /// What happens in a random history, to which of three seats, and how long after the last.
    #[derive(Clone, Debug)]
    enum Step {
        Seat(u8, Intent, Work),
        Other,
        Restart,
        Crash,
        /// The fold is made anew from what the tables keep.
        Resume,
    }

    fn step() -> impl Strategy<Value = (Step, u64)> {
        let intents = prop::sample::select(vec![
            Intent::Ready,
            Intent::NotReady(Reason::LoggedOut),
            Intent::NotReady(Reason::Meal),
            Intent::NotReady(Reason::of("tea").unwrap()),
        ]);
        let works = prop::sample::select(vec![Work::Free, Work::Talking, Work::WrapUp]);
        let change = (0_u8..3, intents, works).prop_map(|(seat, i, w)| Step::Seat(seat, i, w));
        let step = prop_oneof![
            12 => change,
            3 => Just(Step::Other),
            1 => Just(Step::Restart),
            1 => Just(Step::Crash),
            1 => Just(Step::Resume),
        ];
        (step, 0_u64..5_000)
    }

    /// Time signed in by seat, counted step by step: the state that lasts, times how long.
    #[derive(Default)]
    struct Plain {
        states: BTreeMap<SeatId, Intent>,
        signed_in_ms: BTreeMap<SeatId, u64>,
    }

    impl Plain {
        fn pass(&mut self, ms: u64) {
            for (seat, intent) in &self.states {
                if *intent != Intent::NotReady(Reason::LoggedOut) {
                    *self.signed_in_ms.entry(*seat).or_default() += ms;
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Over any history, restarts and crashes among it, the intervals of a seat join without a
        /// gap, and those in which it is signed in sum to its time signed in: the difference is 0.
        #[test]
        fn intervals_sum_to_the_time_signed_in(steps in prop::collection::vec(step(), 1..120)) {
            let (mut ledger, mut plain) = (Ledger::default(), Plain::default());
            let (mut seq, mut up_ms) = (0_u64, 0_u64);
            let mut ended = Vec::new();
            let mut record = |event: Event, up_ms: u64, ledger: &mut Ledger| {
                seq += 1;
                let mut made = records([event]).remove(0);
                (made.seq, made.stamped.up_ms) = (seq, up_ms);
                ledger.apply(&made)
            };
            for (step, after) in steps {
                match step {
                    Step::Seat(nth, intent, work) => {
                        up_ms += after;
                        plain.pass(after);
                        let name = format!("100{nth}");
                        let event = seat_changed(&name, intent, work, None);
                        ended.extend(record(event, up_ms, &mut ledger));
                        plain.states.insert(SeatId::new(&name).unwrap(), intent);
                    }
                    Step::Other => {
                        up_ms += after;
                        plain.pass(after);
                        ended.extend(record(crate::samples::arrived(1), up_ms, &mut ledger));
                    }
                    Step::Restart => {
                        up_ms += after;
                        plain.pass(after);
                        ended.extend(record(Event::EngineStopped {}, up_ms, &mut ledger));
                        (up_ms, plain.states) = (0, BTreeMap::new());
                        ended.extend(record(started(), 0, &mut ledger));
                    }
                    Step::Crash => {
                        // Nobody knows how long it lived after its last record. The next start
                        // first ends its calls.
                        let end = crate::samples::ended(1, Outcome::Interrupted);
                        ended.extend(record(end, up_ms.min(30), &mut ledger));
                        (up_ms, plain.states) = (0, BTreeMap::new());
                        ended.extend(record(started(), 0, &mut ledger));
                    }
                    Step::Resume => {
                        let open: Vec<_> = ledger.open().cloned().collect();
                        ledger = Ledger::resume(open, ledger.last());
                    }
                }
            }
            ended.extend(record(Event::EngineStopped {}, up_ms, &mut ledger));
            prop_assert_eq!(ledger.open().count(), 0);
            let mut by_seat: BTreeMap<SeatId, (u64, u64)> = BTreeMap::new();
            ended.sort_by_key(|it: &Interval| it.since_seq);
            for interval in &ended {
                let end = interval.end.unwrap();
                let (sum, joins_at) = by_seat.entry(interval.seat).or_default();
                let first = *joins_at == u64::MAX || (*sum, *joins_at) == (0, 0);
                prop_assert!(first || interval.since_up_ms == *joins_at, "{:?}", interval);
                *joins_at = match end.by {
                    IntervalEnd::Changed => interval.since_up_ms + end.ms,
                    IntervalEnd::EngineStopped | IntervalEnd::EngineLost => u64::MAX,
                };
                if interval.intent != Intent::NotReady(Reason::LoggedOut) {
                    *sum += end.ms;
                }
            }
            let sums = by_seat.into_iter().map(|(seat, (sum, _))| (seat, sum));
            let sums: BTreeMap<_, _> = sums.filter(|(_, sum)| *sum > 0).collect();
            plain.signed_in_ms.retain(|_, ms| *ms > 0);
            prop_assert_eq!(sums, plain.signed_in_ms);
        }
    }
}
