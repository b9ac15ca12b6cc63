//! The task row (待办): one line per citizen whom a seat is to call, and what became of it.

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::Outcome,
    limits::TASK_RESULT_HOURS,
    task::{TaskEnd, TaskKind, TaskResult, TaskRules},
};
use serde::{Deserialize, Serialize};

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Nobody has it.
    Open,
    /// A seat has it, or calls the citizen.
    Taken,
    /// It has ended.
    Done,
}

/// One task, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Its number: that of the journal's record that opened it.
    pub task: u64,
    /// Why the citizen is to be called.
    pub kind: TaskKind,
    /// Whom to call; masked in query answers unless revealed.
    pub number: String,
    /// When the first call was missed, or the follow-up put in.
    pub opened_at: Timestamp,
    /// When it should be tried at the latest.
    pub due_at: Timestamp,
    /// How many calls were missed.
    pub missed: u32,
    /// When the last of them ended.
    pub missed_at: Option<Timestamp>,
    /// The last of them.
    pub missed_call: Option<CallId>,
    /// How it ended.
    pub missed_as: Option<Outcome>,
    /// The queue it asked for last.
    pub queue: Option<QueueId>,
    /// What a follow-up is about.
    pub note: Option<String>,
    /// Who put it in.
    pub added_by: Option<String>,
    /// How far it has come; the time-out of whoever took it is [`TaskRow::state_at`]'s.
    pub state: TaskState,
    /// The seat that has it, had it when it ended, or reached the citizen.
    pub seat: Option<SeatId>,
    /// The user who took it.
    pub taken_by: Option<String>,
    /// Until when it is theirs, unless a call is under way.
    pub taken_until: Option<Timestamp>,
    /// The call that tries to reach the citizen now.
    pub trying: Option<CallId>,
    /// Attempts so far, the one that reached the citizen too.
    pub attempts: u32,
    /// When the first of them began.
    pub first_try_at: Option<Timestamp>,
    /// When the last of them began.
    pub last_try_at: Option<Timestamp>,
    /// How the last of them ended.
    pub last_result: Option<Outcome>,
    /// Not to be called again before.
    pub not_before: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub end: Option<TaskEnd>,
    /// The user who closed it.
    pub ended_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What came of a follow-up; `None` until it is entered.
    #[serde(default)]
    pub result: Option<TaskResult>,
    /// How content the citizen is, 1 (not at all) to 5.
    #[serde(default)]
    pub score: Option<u8>,
    /// What was said.
    #[serde(default)]
    pub remark: Option<String>,
    /// When the result was entered.
    #[serde(default)]
    pub result_at: Option<Timestamp>,
    /// The user who entered it.
    #[serde(default)]
    pub result_by: Option<String>,
}

/// What a seat enters of a follow-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered<'a> {
    pub(super) by: &'a str,
    pub(super) result: TaskResult,
    pub(super) score: Option<u8>,
    pub(super) remark: &'a str,
}

/// A call of a seat to the citizen of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) seat: SeatId,
    pub(super) at: Timestamp,
}

impl TaskRow {
    pub(super) fn new(task: u64, kind: TaskKind, number: String, opened_at: Timestamp) -> Self {
        Self {
            task,
            kind,
            number,
            opened_at,
            due_at: opened_at,
            missed: 0,
            missed_at: None,
            missed_call: None,
            missed_as: None,
            queue: None,
            note: None,
            added_by: None,
            state: TaskState::Open,
            seat: None,
            taken_by: None,
            taken_until: None,
            trying: None,
            attempts: 0,
            first_try_at: None,
            last_try_at: None,
            last_result: None,
            not_before: None,
            ended_at: None,
            end: None,
            ended_by: None,
            reason: None,
            result: None,
            score: None,
            remark: None,
            result_at: None,
            result_by: None,
        }
    }

    /// How far it has come at that time: who took it and does nothing loses it.
    pub fn state_at(&self, now: Timestamp) -> TaskState {
        let lost = self.trying.is_none() && self.taken_until.is_none_or(|until| until <= now);
        match self.state {
            TaskState::Taken if lost => TaskState::Open,
            state => state,
        }
    }

    /// Whether it is the seat's at that time.
    pub fn is_of(&self, seat: SeatId, now: Timestamp) -> bool {
        self.state_at(now) == TaskState::Taken && self.seat == Some(seat)
    }

    /// Whether a seat may take it at that time.
    pub fn may_be_taken(&self, now: Timestamp) -> bool {
        let rests = self.not_before.is_some_and(|from| from > now);
        self.state_at(now) == TaskState::Open && !rests
    }

    /// Whether its citizen was reached and nobody has said yet what came of it.
    pub fn lacks_result(&self) -> bool {
        self.kind == TaskKind::FollowUp
            && self.end == Some(TaskEnd::Reached)
            && self.result.is_none()
    }

    /// Whether the seat may say at that time what came of it.
    pub fn takes_result(&self, seat: SeatId, now: Timestamp) -> bool {
        let reached = self.ended_at.unwrap_or(self.opened_at);
        let until = later(reached, TASK_RESULT_HOURS * 60);
        let has_reached = self.lacks_result() && self.seat == Some(seat) && now < until;
        let is_preparing = self.is_of(seat, now) && self.trying.is_none();
        has_reached || (self.kind == TaskKind::FollowUp && is_preparing)
    }

    pub(super) fn entered(&mut self, at: Timestamp, entered: Entered<'_>, rules: &TaskRules) {
        let Entered {
            by,
            result,
            score,
            remark,
        } = entered;
        (self.result, self.score) = (Some(result), score);
        self.remark = Some(remark.to_owned()).filter(|it| !it.is_empty());
        (self.result_at, self.result_by) = (Some(at), Some(by.to_owned()));
        if self.state == TaskState::Done {
            return;
        }
        // The seat called by another telephone than its own.
        match result {
            TaskResult::NotReached => {
                self.let_go();
                self.not_before = Some(later(at, rules.retry_after_minutes));
            }
            TaskResult::WrongNumber => self.ended(at, TaskEnd::GivenUp),
            _ => self.ended(at, TaskEnd::Reached),
        }
    }

    pub(super) fn taken(&mut self, at: Timestamp, seat: SeatId, by: &str, rules: &TaskRules) {
        self.state = TaskState::Taken;
        (self.seat, self.taken_by) = (Some(seat), Some(by.to_owned()));
        self.taken_until = Some(later(at, rules.take_minutes));
    }

    pub(super) fn let_go(&mut self) {
        self.state = TaskState::Open;
        (self.seat, self.taken_by, self.taken_until) = (None, None, None);
    }

    /// A seat calls the citizen. Whoever calls has the task, unless another has it.
    pub(super) fn tried(&mut self, call: CallId, seat: SeatId, at: Timestamp) {
        if self.state_at(at) == TaskState::Open {
            self.let_go();
            (self.state, self.seat) = (TaskState::Taken, Some(seat));
        }
        self.trying = Some(call);
    }

    /// Nobody answered. An attempt that counts frees the task, and lets the citizen rest.
    pub(super) fn not_reached(
        &mut self,
        (at, outcome): (Timestamp, Outcome),
        tried: Try,
        counts: bool,
        rules: &TaskRules,
    ) {
        if !counts {
            return self.not_tried();
        }
        self.trying = None;
        self.attempted(tried, outcome);
        if self.attempts >= rules.attempts {
            self.ended(at, TaskEnd::GivenUp);
            self.seat = Some(tried.seat);
            return;
        }
        self.let_go();
        self.not_before = Some(later(at, rules.retry_after_minutes));
    }

    /// The call to the citizen came to nothing, through no fault of theirs. Who called without having
    /// taken the task has it no more.
    pub(super) fn not_tried(&mut self) {
        self.trying = None;
        if self.state == TaskState::Taken && self.taken_until.is_none() {
            self.let_go();
        }
    }

    pub(super) fn reached(&mut self, at: Timestamp, tried: Try) {
        self.attempted(tried, Outcome::Answered);
        // That of an earlier attempt is in the journal.
        (self.result, self.score, self.remark) = (None, None, None);
        (self.result_at, self.result_by) = (None, None);
        self.ended(at, TaskEnd::Reached);
        self.seat = Some(tried.seat);
    }

    fn attempted(&mut self, tried: Try, outcome: Outcome) {
        self.attempts = self.attempts.saturating_add(1);
        self.first_try_at.get_or_insert(tried.at);
        (self.last_try_at, self.last_result) = (Some(tried.at), Some(outcome));
    }

    pub(super) fn ended(&mut self, at: Timestamp, end: TaskEnd) {
        self.state = TaskState::Done;
        (self.trying, self.taken_until, self.not_before) = (None, None, None);
        (self.ended_at, self.end) = (Some(at), Some(end));
    }
}

/// So many minutes later.
pub(super) fn later(at: Timestamp, minutes: u32) -> Timestamp {
    Timestamp(at.0.saturating_add(i64::from(minutes) * 60_000))
}
