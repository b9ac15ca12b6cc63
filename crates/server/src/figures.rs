//! The figures of a day, as the house is set up: what the API and `hotline audit recompute` add up,
//! the one from the tables, the other from the journal.

use std::{collections::BTreeMap, path::Path};

use hotline_model::{CallId, SeatId, Timestamp, event::Event, shift::Day};
use hotline_store::{
    adherence::{Adherence, AdherenceRow},
    contractors::{ByContractor, ContractorRow},
    ends::{Ends, EndsRow},
    fold::{Call, Interval, Ledger},
    journal::{self, ReadError},
    tables::LONG_INTERVAL_MS,
};
use serde::Serialize;

use crate::reload::roll::Roll;

/// From when until when a day is.
pub fn span(roll: &Roll, day: Day) -> (Timestamp, Timestamp) {
    let offset = roll.utc_offset_minutes;
    (day.begins(offset), day.after().begins(offset))
}

/// The sums of adherence; what lasts counts until `now`.
pub fn adherence(roll: &Roll, day: Day, now: Timestamp) -> Adherence {
    Adherence::new(&roll.shifts, day, roll.utc_offset_minutes, now)
}

/// The sums by contractor; what lasts counts until `now`.
pub fn by_contractor(
    roll: &Roll,
    day: Day,
    now: Timestamp,
) -> ByContractor<impl Fn(SeatId, Timestamp) -> Option<String>> {
    let (from, to) = span(roll, day);
    ByContractor::new(from, to, now, |seat, at| roll.contractor(seat, at))
}

/// All figures of a day.
#[derive(Debug, PartialEq, Serialize)]
pub struct OfDay {
    adherence: Vec<AdherenceRow>,
    contractors: Vec<ContractorRow>,
    /// How the day's inbound calls ended, each once.
    calls: EndsRow,
}

impl OfDay {
    /// Whether every call ended once, or lives.
    pub fn adds_up(&self) -> bool {
        self.calls.adds_up()
    }
}

/// Out of the journal in `folder` alone.
pub fn of_journal(
    roll: &Roll,
    folder: &Path,
    day: Day,
    now: Timestamp,
) -> Result<OfDay, ReadError> {
    let mut adherence = adherence(roll, day, now);
    let mut contractors = by_contractor(roll, day, now);
    let (from, to) = span(roll, day);
    let mut ledger = Ledger::default();
    let mut ends = Ends::new(from, to);
    let mut calls: BTreeMap<CallId, Call> = BTreeMap::new();
    let mut add = |interval: &Interval| {
        adherence.add(interval);
        contractors.add_interval(interval);
    };
    for record in journal::read_since(folder, ledger_begins(folder, from)?)? {
        let record = record?;
        ends.apply(&record);
        ledger.apply(&record).iter().for_each(&mut add);
        let at = record.stamped.at;
        if let Some(call) = Call::begun(&record).filter(|_| from <= at && at < to) {
            calls.insert(call.row.call, call);
        } else if let Some(call) = record.stamped.event.call()
            && let Some(call) = calls.get_mut(&call)
        {
            call.apply(&record, roll.utc_offset_minutes);
        }
    }
    ledger.open().for_each(&mut add);
    calls.values().for_each(|it| contractors.add_call(&it.row));
    Ok(OfDay {
        adherence: adherence.rows(),
        contractors: contractors.rows(),
        calls: ends.row(),
    })
}

/// From when on the journal must be read to know what each seat did at `from`: no interval outlives
/// its run, so an `EngineStarted` must lie between, or the journal's beginning. Mostly a week is
/// enough; otherwise twice as much is looked through, and so on.
fn ledger_begins(folder: &Path, from: Timestamp) -> Result<Timestamp, ReadError> {
    let mut back = LONG_INTERVAL_MS;
    loop {
        let since = Timestamp(from.0.saturating_sub(back));
        if since.0 <= 0 || knows_all(folder, since, from)? {
            return Ok(since);
        }
        back = back.saturating_mul(2);
    }
}

fn knows_all(folder: &Path, since: Timestamp, from: Timestamp) -> Result<bool, ReadError> {
    for record in journal::read_since(folder, since)? {
        let record = record?;
        if record.seq == 1 || matches!(record.stamped.event, Event::EngineStarted { .. }) {
            return Ok(true);
        }
        if record.stamped.at >= from {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use hotline_model::{
        event::Stamped,
        seat::{Intent, Reason, Work},
    };
    use hotline_store::{Journal, Tables};

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn at(day: i64, event: Event) -> Stamped {
        // 2026-11-21 00:00 in China is day 0; the engine runs for weeks.
        let ms = day * DAY_MS + 3_600_000;
        Stamped {
            at: Timestamp(1_795_190_400_000 + ms),
            up_ms: u64::try_from(ms).unwrap(),
            event,
        }
    }

    fn seat(name: &str, intent: Intent) -> Event {
        Event::SeatChanged {
            seat: SeatId::new(name).unwrap(),
            intent,
            work: Work::Free,
            call: None,
        }
    }

    /// Writes the events, each into a segment of its own: who does not look far enough, misses some.
    fn write(folder: &Path, events: impl IntoIterator<Item = Stamped>) {
        let settings = journal::Settings {
            segment_bytes: 1,
            ..journal::Settings::default()
        };
        let (mut journal, _) = Journal::open_with(folder, &settings).unwrap();
        for event in events {
            journal.append(&event).unwrap();
            journal.commit().unwrap();
        }
    }

    /// What the API says of the house on the day.
    async fn of_tables(tables: &Tables, roll: &Roll, day: Day, now: Timestamp) -> OfDay {
        let (from, to) = span(roll, day);
        let mut contractors = by_contractor(roll, day, now);
        for interval in tables.intervals_between(from, to).await.unwrap() {
            contractors.add_interval(&interval);
        }
        let adherence = adherence(roll, day, now).rows();
        let contractors = contractors.rows();
        OfDay {
            adherence,
            contractors,
            // The days of these tests have none.
            calls: EndsRow::default(),
        }
    }

    #[tokio::test]
    async fn a_seat_that_was_at_its_meal_for_eight_days_is_in_the_figures_of_both() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("journal");
        let roll = Roll {
            utc_offset_minutes: 480,
            ..Roll::default()
        };
        let meal = Intent::NotReady(Reason::Meal);
        let version = "0.1.0".to_owned();
        let out = Intent::NotReady(Reason::LoggedOut);
        let mut events = vec![
            at(0, Event::EngineStarted { version }),
            at(1, seat("1001", meal)),
        ];
        events.extend((2..=9).map(|day| at(day, seat("1002", out))));
        write(&folder, events);
        let tables = Tables::open(&place.path().join("tables"), 480)
            .await
            .unwrap();
        let day = Day::of(at(9, Event::EngineStopped {}).at, 480);
        // While it lasts, and when it has ended.
        for written in [None, Some(at(12, seat("1001", out)))] {
            write(&folder, written);
            tables.catch_up(&folder).await.unwrap();
            let now = at(13, Event::EngineStopped {}).at;
            let journal = of_journal(&roll, &folder, day, now).unwrap();
            assert_eq!(of_tables(&tables, &roll, day, now).await, journal);
            let sums: Vec<_> = journal
                .contractors
                .iter()
                .map(|row| row.signed_in_ms)
                .collect();
            assert_eq!(sums, [86_400_000]);
        }
        tables.close().await;
    }

    #[tokio::test]
    async fn an_interval_is_as_long_as_the_monotonic_clock_says_in_the_figures_of_both() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("journal");
        let roll = Roll {
            utc_offset_minutes: 480,
            ..Roll::default()
        };
        let version = "0.1.0".to_owned();
        let mut out = at(1, seat("1001", Intent::NotReady(Reason::LoggedOut)));
        // The wall clock was set back by thirty hours meanwhile.
        out.up_ms += 30 * 3_600_000;
        let events = [
            at(0, Event::EngineStarted { version }),
            at(1, seat("1001", Intent::Ready)),
            out,
        ];
        write(&folder, events);
        let tables = Tables::open(&place.path().join("tables"), 480)
            .await
            .unwrap();
        tables.catch_up(&folder).await.unwrap();
        let now = at(3, Event::EngineStopped {}).at;
        for (day, hours) in [(1, vec![23]), (2, vec![7]), (3, vec![])] {
            let day = Day::of(at(day, Event::EngineStopped {}).at, 480);
            let journal = of_journal(&roll, &folder, day, now).unwrap();
            let sums = journal
                .contractors
                .iter()
                .map(|row| row.signed_in_ms / 3_600_000);
            assert_eq!(sums.collect::<Vec<_>>(), hours);
            assert_eq!(of_tables(&tables, &roll, day, now).await, journal);
        }
        tables.close().await;
    }
}
