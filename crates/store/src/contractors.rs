//! Figures by contractor (外包单位): of whom the agent worked for when the call was answered. As
//! with [`crate::adherence`], the API and `hotline audit recompute` add up the same way.

use std::collections::BTreeMap;

use hotline_model::{
    SeatId, Timestamp,
    event::{Outcome, ReleasedBy},
    seat::{Intent, Reason, Work},
};
use serde::Serialize;

use crate::{
    fold::{CallRow, Direction, Interval},
    kpi::{ANSWER_SECONDS, Ratio},
};

/// Counts of one contractor, and the ratios that follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ContractorRow {
    /// The contractor; `None`: the house itself.
    pub contractor: Option<String>,
    /// Citizens' calls whose last human was one of its agents.
    pub answered: u64,
    /// Of these, those answered within 15 s of entering the first queue.
    pub answered_in_15s: u64,
    /// Talk with those callers, hold included, ms.
    pub talk_ms: u64,
    /// Of this, on hold, ms.
    pub hold_ms: u64,
    /// Talks that the agent ended.
    pub released_by_agent: u64,
    /// Surveys answered after those calls.
    pub survey_answered: u64,
    /// Of these, `satisfied`.
    pub satisfied: u64,
    /// Calls to the outside.
    pub dialled: u64,
    /// Of these, answered.
    pub dialled_answered: u64,
    /// Its agents signed in, ms.
    pub signed_in_ms: u64,
    /// Ready, ms.
    pub ready_ms: u64,
    /// Wrapping up, ms.
    pub wrap_up_ms: u64,
    /// Rung, talking, holding or wrapping up, ms.
    pub at_work_ms: u64,
    /// K2 of its calls: answered in 15 s ÷ answered.
    pub in_time_rate: Option<f64>,
    /// K8: (talk + wrap-up) ÷ answered, ms.
    pub handling_ms: Option<f64>,
    /// K9: at work ÷ signed in.
    pub occupancy: Option<f64>,
    /// K10: satisfied ÷ surveys answered.
    pub satisfaction: Option<f64>,
}

/// The sums of a stretch of time.
pub struct ByContractor<F> {
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
    whose: F,
    rows: BTreeMap<Option<String>, ContractorRow>,
}

impl<F: Fn(SeatId, Timestamp) -> Option<String>> ByContractor<F> {
    /// Of calls that arrived and intervals that lie from `from` to `to`; what lasts counts until
    /// `now`. `whose` says for which contractor a seat works at a moment.
    pub fn new(from: Timestamp, to: Timestamp, now: Timestamp, whose: F) -> Self {
        let rows = BTreeMap::new();
        Self {
            from,
            to,
            now,
            whose,
            rows,
        }
    }

    /// Takes in a call; each once.
    pub fn add_call(&mut self, call: &CallRow) {
        let here = (self.from..self.to).contains(&call.arrived_at);
        let (Some(seat), true) = (call.seat, here) else {
            return;
        };
        match call.direction {
            Direction::Inbound => {
                let Some(answered_at) = call.answered_at else {
                    return;
                };
                let [in_time, ..] = ANSWER_SECONDS;
                let in_time = call.wait_ms.is_some_and(|ms| ms <= in_time * 1_000);
                let row = self.row(seat, answered_at);
                row.answered += 1;
                row.answered_in_15s += u64::from(in_time);
                row.talk_ms += call.talk_ms.unwrap_or(0);
                row.hold_ms += call.hold_ms.unwrap_or(0);
                let by_agent = call.talk_released_by == Some(ReleasedBy::Agent);
                row.released_by_agent += u64::from(by_agent);
                row.survey_answered += u64::from(call.score.is_some());
                row.satisfied += u64::from(call.meaning.as_deref() == Some("satisfied"));
            }
            Direction::Outbound => {
                let answered = call.outcome == Some(Outcome::Answered);
                let row = self.row(seat, call.arrived_at);
                row.dialled += 1;
                row.dialled_answered += u64::from(answered);
            }
            Direction::Internal => {}
        }
    }

    /// Takes in an interval of the ledger; each once. It is the contractor's of its beginning.
    pub fn add_interval(&mut self, interval: &Interval) {
        if interval.intent == Intent::NotReady(Reason::LoggedOut) && interval.work == Work::Free {
            return;
        }
        let since = interval.since_at;
        let until = interval.end.map_or(self.now, |end| {
            let ms = i64::try_from(end.ms).unwrap_or(i64::MAX);
            Timestamp(since.0.saturating_add(ms))
        });
        let (begin, end) = (since.max(self.from), until.min(self.to).min(self.now));
        // What only touches the stretch is none of it, whoever looked for intervals how far.
        if begin >= end {
            return;
        }
        let ms = u64::try_from(end.0.saturating_sub(begin.0)).unwrap_or(0);
        let row = self.row(interval.seat, begin);
        if interval.intent != Intent::NotReady(Reason::LoggedOut) {
            row.signed_in_ms += ms;
        }
        if interval.intent == Intent::Ready {
            row.ready_ms += ms;
        }
        match interval.work {
            Work::WrapUp => {
                row.wrap_up_ms += ms;
                row.at_work_ms += ms;
            }
            Work::Ringing | Work::Talking | Work::Hold => row.at_work_ms += ms,
            Work::Free | Work::Reserved | Work::Busy => {}
        }
    }

    fn row(&mut self, seat: SeatId, at: Timestamp) -> &mut ContractorRow {
        let contractor = (self.whose)(seat, at);
        self.rows.entry(contractor).or_default()
    }

    /// The rows, the house's own first, then by name.
    pub fn rows(self) -> Vec<ContractorRow> {
        let rows = self.rows.into_iter().map(|(contractor, row)| {
            let share = |of, all| Ratio::new(of, all).value();
            ContractorRow {
                contractor,
                in_time_rate: share(row.answered_in_15s, row.answered),
                handling_ms: share(row.talk_ms + row.wrap_up_ms, row.answered),
                occupancy: share(row.at_work_ms, row.signed_in_ms),
                satisfaction: share(row.satisfied, row.survey_answered),
                ..row
            }
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::{CallId, event::Event};

    use super::*;
    use crate::{
        fold::{Call, Ledger},
        samples::{NOON, answered, arrived, records, seat, seat_changed},
    };

    #[test]
    fn a_call_is_whose_agent_answered_it_on_that_day() {
        let ended = |call: u64, talk_ms| Event::TalkEnded {
            call: CallId(call),
            seat: seat("1001"),
            talk_ms,
            hold_ms: 0,
            released_by: ReleasedBy::Caller,
        };
        let story = records([
            arrived(1),
            answered(1, "1001", "general", 1_000),
            ended(1, 60_000),
            seat_changed("1001", Intent::Ready, Work::WrapUp, Some(1)),
            seat_changed("1001", Intent::Ready, Work::Free, None),
            arrived(2),
            answered(2, "1001", "general", 20_000),
            ended(2, 30_000),
            arrived(3),
            answered(3, "1002", "general", 1_000),
        ]);
        // The agent of 1001 works for 甲 at first, then for 乙.
        let change = story[5].stamped.at;
        let whose = move |it: SeatId, at: Timestamp| {
            let name = if at < change { "甲" } else { "乙" };
            (it == seat("1001")).then(|| name.to_owned())
        };
        let day = (Timestamp(NOON), Timestamp(NOON + 86_400_000));
        let mut sums = ByContractor::new(day.0, day.1, Timestamp(NOON + 60_000), whose);
        let (mut calls, mut ledger) = (BTreeMap::<CallId, Call>::new(), Ledger::default());
        for record in &story {
            if let Some(call) = Call::begun(record) {
                calls.insert(call.row.call, call);
            } else if let Some(call) = record.stamped.event.call()
                && let Some(call) = calls.get_mut(&call)
            {
                call.apply(record, 480);
            }
            let over = ledger.apply(record);
            over.iter().for_each(|it| sums.add_interval(it));
        }
        calls.values().for_each(|it| sums.add_call(&it.row));
        let rows = sums.rows();
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.contractor.as_deref(),
                    row.answered,
                    row.talk_ms,
                    row.wrap_up_ms,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (None, 1, 0, 0),
                (Some("乙"), 1, 30_000, 0),
                (Some("甲"), 1, 60_000, 1_000),
            ]
        );
        assert_eq!(rows[2].handling_ms, Some(61_000.0));
        assert_eq!(rows[2].occupancy, Some(1.0));
    }
}
