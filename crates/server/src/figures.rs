//! The figures of a day, as the house is set up: what the API and `hotline audit recompute` add up,
//! the one from the tables, the other from the journal.

use std::{collections::BTreeMap, path::Path};

use hotline_model::{CallId, SeatId, Timestamp, shift::Day};
use hotline_store::{
    adherence::{Adherence, AdherenceRow},
    contractors::{ByContractor, ContractorRow},
    ends::{Ends, EndsRow},
    fold::{Call, Interval, Ledger},
    journal::{self, ReadError},
    tables::LONGEST_INTERVAL_MS,
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
    let since = Timestamp(from.0.saturating_sub(LONGEST_INTERVAL_MS));
    for record in journal::read_since(folder, since)? {
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
