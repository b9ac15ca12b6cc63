//! The formulas of the KPI registry over raw counts. Counts are kept, ratios are derived, and each
//! ratio shows its numerator and its denominator.

use hotline_model::{
    Timestamp,
    task::{TaskEnd, TaskKind, TaskResult},
};

use crate::fold::TaskRow;

/// A ratio that shows where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// Numerator.
    pub of: u64,
    /// Denominator.
    pub all: u64,
}

impl Ratio {
    /// `of` out of `all`.
    pub const fn new(of: u64, all: u64) -> Self {
        Self { of, all }
    }

    /// The quotient; `None` when there is nothing to divide by.
    pub fn value(self) -> Option<f64> {
        // Both are far below 2^53.
        (self.all > 0).then(|| self.of as f64 / self.all as f64)
    }
}

/// The N of the N秒接通率, in the order of [`Counts::answers_in`], seconds.
pub const ANSWER_SECONDS: [u64; 3] = [15, 20, 30];

/// An abandon before this many milliseconds in the queue is counted apart (K6): the caller hardly
/// heard that he waits.
pub const SHORT_ABANDON_MS: u64 = 5_000;

/// Raw counts of some window, of all calls or of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls taken in.
    pub arrived: u64,
    /// A trunk's INVITEs rejected before they became a call.
    pub rejected: u64,
    /// Calls of blocked numbers (K14): each is among those rejected, or among the calls taken in, so
    /// that blocking betters no rate.
    pub blocked: u64,
    /// INVITEs refused that came by no trunk (K14): of addresses that nobody configured, and of phones
    /// of ours that were turned away or refused. In no rate: nothing tells a citizen among them from
    /// a scanner, and a citizen's call comes by a trunk.
    pub strangers: u64,
    /// Calls that a human answered, each once.
    pub answered: u64,
    /// Of these, within 15 s of entering the queue.
    pub answered_in_15s: u64,
    /// Answers by humans, repeats within a call too.
    pub answers: u64,
    /// Of these, within 15, 20 and 30 s ([`ANSWER_SECONDS`]) of entering the queue.
    pub answers_in: [u64; 3],
    /// Callers who left while they waited for a human.
    pub abandoned: u64,
    /// Of these, within 15 s of entering the queue.
    pub abandoned_in_15s: u64,
    /// Of these, within [`SHORT_ABANDON_MS`].
    pub abandoned_short: u64,
    /// Calls that waited longer than their queue allows.
    pub timed_out: u64,
    /// Entries that a queue refused.
    pub refused: u64,
    /// Callers who asked for a human, and left a message because none answered.
    pub left_message: u64,
    /// Calls that left their queue by an overflow rule and that no seat answered.
    pub overflowed: u64,
    /// Callers who asked to be called back and could not be reached.
    pub unreached: u64,
    /// Surveys offered (触发).
    pub survey_offered: u64,
    /// Surveys answered (参评).
    pub survey_answered: u64,
    /// Surveys whose meaning is `satisfied` (满意).
    pub satisfied: u64,
    /// Surveys answered, by the key pressed, 0 to 9.
    pub scores: [u64; 10],
}

impl Counts {
    /// Inbound calls: all that came by trunks, the rejected too, so that refusing at the door does
    /// not better a rate. [`Counts::strangers`] are none.
    pub const fn inbound(&self) -> u64 {
        self.arrived + self.rejected
    }

    /// K1 人工接通率: calls answered by a human ÷ inbound calls. The target is 95 % over any
    /// continuous 24 hours (GB/T 33358-2016).
    pub const fn answer_rate(&self) -> Ratio {
        Ratio::new(self.answered, self.inbound())
    }

    /// K2 人工应答及时率: answered in 15 s ÷ answered.
    pub const fn in_time_rate(&self) -> Ratio {
        Ratio::new(self.answered_in_15s, self.answered)
    }

    /// K3 N秒接通率: answered within 15, 20 and 30 s ÷ human requests.
    pub fn answered_in_seconds(&self) -> [Ratio; 3] {
        self.answers_in
            .map(|within| Ratio::new(within, self.human_requests()))
    }

    /// K4 人工请求量: answered + abandoned in queue + timed out of queue + refused entry + left a
    /// message in place of an answer + sent away by overflow for good + not reached by a callback;
    /// repeats within a call each count. Who rang again before a callback came is counted by what
    /// becomes of the later call. So a voicemail betters neither the answer rate nor the service level. Whoever goes on
    /// to another queue is counted by what becomes of the call there, so that nobody counts twice.
    pub const fn human_requests(&self) -> u64 {
        let sent_away = self.left_message + self.overflowed + self.unreached;
        self.answers + self.abandoned + self.timed_out + self.refused + sent_away
    }

    /// K5 at T = 15 s. Offered are all human requests: a refused entry counts as offered, so that
    /// a full queue does not better the service level.
    pub const fn service_level(&self) -> ServiceLevel {
        let [in_15s, ..] = self.answers_in;
        ServiceLevel {
            answered_in_time: in_15s,
            answered: self.answers,
            abandoned_in_time: self.abandoned_in_15s,
            offered: self.human_requests(),
        }
    }

    /// K10: surveys offered ÷ answered calls.
    pub const fn survey_offer_rate(&self) -> Ratio {
        Ratio::new(self.survey_offered, self.answered)
    }

    /// K10: surveys answered ÷ offered.
    pub const fn survey_participation(&self) -> Ratio {
        Ratio::new(self.survey_answered, self.survey_offered)
    }

    /// K10: satisfied ÷ surveys answered.
    pub const fn satisfaction(&self) -> Ratio {
        Ratio::new(self.satisfied, self.survey_answered)
    }

    /// Adds the counts of another window or queue.
    pub fn add(&mut self, other: &Self) {
        let pairs = self.words_mut().into_iter().zip(other.words());
        for (mine, theirs) in pairs {
            *mine += theirs;
        }
    }

    fn words_mut(&mut self) -> impl IntoIterator<Item = &mut u64> {
        // Named one by one: a new count that is forgotten here does not compile.
        let Self {
            arrived,
            rejected,
            blocked,
            strangers,
            answered,
            answered_in_15s,
            answers,
            answers_in,
            abandoned,
            abandoned_in_15s,
            abandoned_short,
            timed_out,
            refused,
            left_message,
            overflowed,
            unreached,
            survey_offered,
            survey_answered,
            satisfied,
            scores,
        } = self;
        [
            arrived,
            rejected,
            blocked,
            strangers,
            answered,
            answered_in_15s,
            answers,
            abandoned,
            abandoned_in_15s,
            abandoned_short,
            timed_out,
            refused,
            left_message,
            overflowed,
            unreached,
            survey_offered,
            survey_answered,
            satisfied,
        ]
        .into_iter()
        .chain(answers_in)
        .chain(scores)
    }

    fn words(mut self) -> impl IntoIterator<Item = u64> {
        self.words_mut().into_iter().map(|n| *n).collect::<Vec<_>>()
    }
}

/// K13 漏接电话回拨: the missed calls that put themselves on the list in a window, merged per number,
/// and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissedCalls {
    /// Citizens listed.
    pub listed: u64,
    /// Of these, tried at least once.
    pub tried: u64,
    /// Of these, first tried within `first_try_minutes`.
    pub tried_in_time: u64,
    /// Listed and reached by a seat's call.
    pub reached: u64,
    /// Listed, and answered when they called again themselves: no merit of the list.
    pub called_again: u64,
    /// Given up, after so many attempts or by somebody.
    pub given_up: u64,
    /// Not done yet.
    pub open: u64,
    /// Sum of the times to the first try, of those tried, ms.
    pub first_try_ms: u64,
}

impl MissedCalls {
    /// Tried ÷ listed.
    pub const fn tried_rate(&self) -> Ratio {
        Ratio::new(self.tried, self.listed)
    }

    /// First tried in time ÷ listed.
    pub const fn in_time_rate(&self) -> Ratio {
        Ratio::new(self.tried_in_time, self.listed)
    }

    /// Reached ÷ listed.
    pub const fn reached_rate(&self) -> Ratio {
        Ratio::new(self.reached, self.listed)
    }

    /// Mean time to the first try of those tried, ms; `None` where nobody was.
    pub fn mean_first_try_ms(&self) -> Option<u64> {
        self.first_try_ms.checked_div(self.tried)
    }

    /// Counts one of the list; follow-ups are none.
    pub fn count(&mut self, row: &TaskRow) {
        if row.kind != TaskKind::MissedCall {
            return;
        }
        self.listed += 1;
        if let Some(first) = row.first_try_at {
            self.tried += 1;
            self.tried_in_time += u64::from(first <= row.due_at);
            let took = first.0.saturating_sub(row.opened_at.0);
            self.first_try_ms += u64::try_from(took).unwrap_or(0);
        }
        self.reached += u64::from(row.end == Some(TaskEnd::Reached));
        self.called_again += u64::from(row.end == Some(TaskEnd::CalledAgain));
        self.given_up += u64::from(row.end == Some(TaskEnd::GivenUp));
        self.open += u64::from(row.end.is_none());
    }
}

/// 回访: what came of the follow-ups of a window, as the seats entered it (K15, "followed up").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowUps {
    /// Results entered in the window; of a follow-up the newest counts.
    pub entered: u64,
    /// Of these, satisfied.
    pub satisfied: u64,
    /// Of these, satisfied on the whole.
    pub neutral: u64,
    /// Of these, dissatisfied.
    pub dissatisfied: u64,
    /// Of these, talked with, without an opinion.
    pub no_opinion: u64,
    /// Of these, answered and did not want to talk.
    pub refused: u64,
    /// Of these, not reached.
    pub not_reached: u64,
    /// Of these, of a wrong number.
    pub wrong_number: u64,
    /// Reached in the window, and nobody said yet what came of it.
    pub without_result: u64,
    /// Not done, whenever they were put in.
    pub open: u64,
}

impl FollowUps {
    /// Satisfied ÷ opinions.
    pub const fn satisfaction(&self) -> Ratio {
        Ratio::new(
            self.satisfied,
            self.satisfied + self.neutral + self.dissatisfied,
        )
    }

    /// Counts one of the list; missed calls are none.
    pub fn count(&mut self, row: &TaskRow, (from, until): (Timestamp, Timestamp)) {
        if row.kind != TaskKind::FollowUp {
            return;
        }
        let is_in = |at: Option<Timestamp>| at.is_some_and(|at| from <= at && at < until);
        self.open += u64::from(row.end.is_none());
        self.without_result += u64::from(row.lacks_result() && is_in(row.ended_at));
        let Some(result) = row.result.filter(|_| is_in(row.result_at)) else {
            return;
        };
        self.entered += 1;
        *match result {
            TaskResult::Satisfied => &mut self.satisfied,
            TaskResult::Neutral => &mut self.neutral,
            TaskResult::Dissatisfied => &mut self.dissatisfied,
            TaskResult::NoOpinion => &mut self.no_opinion,
            TaskResult::Refused => &mut self.refused,
            TaskResult::NotReached => &mut self.not_reached,
            TaskResult::WrongNumber => &mut self.wrong_number,
        } += 1;
    }
}

/// K5: the service level within T, in the four forms that contracts use. They differ in what an
/// abandoned call does to the figure, by ten points and more on the same day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceLevel {
    /// Answered within T.
    pub answered_in_time: u64,
    /// Answered.
    pub answered: u64,
    /// Abandoned within T.
    pub abandoned_in_time: u64,
    /// Offered.
    pub offered: u64,
}

impl ServiceLevel {
    /// K5a: answered within T ÷ answered. Abandons do not count at all.
    pub const fn handled_only(&self) -> Ratio {
        Ratio::new(self.answered_in_time, self.answered)
    }

    /// K5b: answered within T ÷ (offered − abandoned within T).
    pub const fn abandon_ignored(&self) -> Ratio {
        let all = self.offered.saturating_sub(self.abandoned_in_time);
        Ratio::new(self.answered_in_time, all)
    }

    /// K5c: answered within T ÷ offered.
    pub const fn abandon_negative(&self) -> Ratio {
        Ratio::new(self.answered_in_time, self.offered)
    }

    /// K5d: (answered within T + abandoned within T) ÷ offered.
    pub const fn abandon_positive(&self) -> Ratio {
        let of = self.answered_in_time + self.abandoned_in_time;
        Ratio::new(of, self.offered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(ratio: Ratio) -> String {
        format!("{:.1}", ratio.value().unwrap() * 100.0)
    }

    #[test]
    fn the_worked_check_of_the_registry() {
        // 70 answered within T, 10 abandoned within T, 20 answered after T.
        let counts = Counts {
            answers: 90,
            answers_in: [70, 80, 90],
            abandoned: 10,
            abandoned_in_15s: 10,
            ..Counts::default()
        };
        let level = counts.service_level();
        assert_eq!(percent(level.handled_only()), "77.8");
        assert_eq!(percent(level.abandon_ignored()), "77.8");
        assert_eq!(percent(level.abandon_negative()), "70.0");
        assert_eq!(percent(level.abandon_positive()), "80.0");
        assert_eq!(counts.human_requests(), 100);
        assert_eq!(
            counts.answered_in_seconds(),
            [70, 80, 90].map(|n| Ratio::new(n, 100))
        );
    }

    #[test]
    fn rejected_calls_stand_in_the_denominator() {
        let counts = Counts {
            arrived: 90,
            rejected: 10,
            answered: 81,
            answered_in_15s: 54,
            survey_offered: 27,
            survey_answered: 18,
            satisfied: 9,
            ..Counts::default()
        };
        assert_eq!(counts.answer_rate(), Ratio::new(81, 100));
        assert_eq!(counts.in_time_rate(), Ratio::new(54, 81));
        assert_eq!(counts.survey_offer_rate(), Ratio::new(27, 81));
        assert_eq!(counts.survey_participation(), Ratio::new(18, 27));
        assert_eq!(counts.satisfaction(), Ratio::new(9, 18));
    }

    #[test]
    fn a_voicemail_is_a_request_that_nobody_answered() {
        let answered = Counts {
            arrived: 10,
            answered: 9,
            answers: 9,
            answers_in: [9, 9, 9],
            ..Counts::default()
        };
        let abandoned = Counts {
            abandoned: 1,
            ..answered
        };
        let left = Counts {
            left_message: 1,
            ..answered
        };
        assert_eq!(left.answer_rate(), abandoned.answer_rate());
        assert_eq!(left.answered_in_seconds(), abandoned.answered_in_seconds());
        let (left, abandoned) = (left.service_level(), abandoned.service_level());
        assert_eq!(left.abandon_negative(), abandoned.abandon_negative());
        assert_eq!(left.abandon_negative(), Ratio::new(9, 10));
    }

    #[test]
    fn nothing_divided_by_nothing_is_not_known() {
        assert_eq!(Counts::default().answer_rate().value(), None);
        assert_eq!(Ratio::new(0, 3).value(), Some(0.0));
    }

    #[test]
    fn sums_forget_no_count() {
        let mut ones = Counts::default();
        ones.words_mut().into_iter().for_each(|n| *n = 1);
        let mut sum = ones;
        sum.add(&ones);
        assert!(sum.words().into_iter().all(|n| n == 2));
        assert_eq!(sum.words().into_iter().count(), size_of::<Counts>() / 8);
    }
}
