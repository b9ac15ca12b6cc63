//! The list of tasks that are not done, from the journal alone. A missed call puts itself on it, and
//! calls of seats to the numbers on it are its attempts, whoever makes them by whatever phone.
//!
//! What a clock decides — whoever took a task loses it, a citizen may be called again, a task is too
//! old — is no event: it follows from the times of records and the rules, which are in the journal
//! too. So the same records give the same list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hotline_model::{
    CallId, QueueId, SeatId, Timestamp,
    event::{Event, Outcome},
    limits::{TASK_ATTEMPT_MS, TASK_RESULT_HOURS, TASKS, TASKS_TAKEN, TASKS_UNANSWERED},
    task::{TaskEnd, TaskKind, TaskRules, dialable},
};

use super::task::{Entered, TaskRow, TaskState, Try, later};
use crate::Record;

/// The tasks that are not done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    rules: TaskRules,
    rows: BTreeMap<u64, TaskRow>,
    /// One task of a kind for a number.
    by_number: BTreeMap<(String, TaskKind), u64>,
    /// When each is too old.
    expire: BTreeSet<(Timestamp, u64)>,
    /// Live calls of citizens.
    calls: BTreeMap<CallId, Came>,
    /// Live calls of seats to numbers outside.
    dials: BTreeMap<CallId, Dial>,
    /// Follow-ups whose citizen was reached and of which nobody has said yet what came of them.
    unanswered: VecDeque<TaskRow>,
    changed: BTreeSet<u64>,
    done: Vec<TaskRow>,
}

/// What is known of a live call of a citizen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Came {
    /// None where nobody could call back: withheld, or no telephone's number.
    number: Option<String>,
    /// A human was asked for, in this queue last.
    queue: Option<QueueId>,
    /// Uptime of the first entry, ms.
    queued_up_ms: Option<u64>,
    /// A seat answered, or somebody outside to whom a queue sent the call.
    served: bool,
}

/// A seat's call to somebody outside.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dial {
    tried: Try,
    number: String,
    /// Uptime at its begin, ms.
    began_up_ms: u64,
    /// When a trunk was first asked to call the number; before, the seat's own phone rings.
    rings_up_ms: Option<u64>,
}

impl Dial {
    /// How long the citizen's telephone may have rung, of so much in all.
    fn rang_ms(&self, total_ms: u64) -> u64 {
        let before = self
            .rings_up_ms
            .map(|at| at.saturating_sub(self.began_up_ms));
        before.map_or(0, |before| total_ms.saturating_sub(before))
    }
}

impl Tasks {
    /// Goes on where rows of tasks that are not done, or lack a result, were kept, with the rules in
    /// force there. What happened so far in calls that still live is told by [`Tasks::follow`].
    pub fn resume(rows: impl IntoIterator<Item = TaskRow>, rules: Option<TaskRules>) -> Self {
        let mut tasks = Self {
            rules: rules.unwrap_or_default(),
            ..Self::default()
        };
        for row in rows {
            if row.state == TaskState::Done {
                tasks.lacks_result(row);
            } else {
                tasks.index(row);
            }
        }
        tasks
    }

    /// The rules in force.
    pub const fn rules(&self) -> &TaskRules {
        &self.rules
    }

    /// The tasks that are not done, the oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &TaskRow> {
        self.rows.values()
    }

    /// Takes in the next record. Returns the rows that changed; those that are done are forgotten.
    pub fn apply(&mut self, record: &Record) -> Vec<TaskRow> {
        let at = record.stamped.at;
        self.drop_old(at);
        match &record.stamped.event {
            Event::TaskRulesSet { rules } => {
                self.rules = *rules;
                self.expire = self.rows.values().map(|row| self.expiry(row)).collect();
            }
            Event::TaskAdded { .. } => self.added(record),
            Event::TaskTaken { task, seat, by } => {
                let rules = self.rules;
                let held = self.rows.values().filter(|row| row.is_of(*seat, at));
                let is_full = held.filter(|row| row.task != *task).count() >= TASKS_TAKEN;
                self.change(*task, |row| {
                    if !is_full && (row.may_be_taken(at) || row.is_of(*seat, at)) {
                        row.taken(at, *seat, by, &rules);
                    }
                });
            }
            Event::TaskLetGo { task, seat, .. } => self.change(*task, |row| {
                if row.is_of(*seat, at) && row.trying.is_none() {
                    row.let_go();
                }
            }),
            Event::TaskClosed {
                task,
                end,
                by,
                reason,
            } => self.change(*task, |row| {
                row.ended(at, *end);
                (row.ended_by, row.reason) = (Some(by.clone()), Some(reason.clone()));
            }),
            Event::TaskResultEntered {
                task,
                seat,
                by,
                result,
                score,
                remark,
            } => {
                let (result, score) = (*result, *score);
                let entered = Entered {
                    by,
                    result,
                    score,
                    remark,
                };
                self.result_entered(at, (*task, *seat), entered);
            }
            _ => self.call_changed(record),
        }
        self.follow(record);
        let rows = self.changed.iter().filter_map(|task| self.rows.get(task));
        let mut rows: Vec<TaskRow> = rows.cloned().collect();
        self.changed.clear();
        rows.append(&mut self.done);
        rows
    }

    /// Notes what the record says of live calls, and changes no task.
    pub fn follow(&mut self, record: &Record) {
        let up_ms = record.stamped.up_ms;
        match &record.stamped.event {
            // Calls of an earlier run are over.
            Event::EngineStarted { .. } => {
                self.calls.clear();
                self.dials.clear();
            }
            Event::CallArrived {
                call,
                trunk: Some(_),
                caller,
                withheld,
                ..
            } => {
                let number = (!withheld).then(|| dialable(caller)).flatten();
                let came = Came {
                    number,
                    ..Came::default()
                };
                self.calls.insert(*call, came);
            }
            Event::CallDialled {
                call, seat, called, ..
            } => {
                if let Some(number) = dialable(called) {
                    let (seat, at) = (*seat, record.stamped.at);
                    let dial = Dial {
                        tried: Try { seat, at },
                        number,
                        began_up_ms: up_ms,
                        rings_up_ms: None,
                    };
                    self.dials.insert(*call, dial);
                }
            }
            Event::TrunkTried {
                call,
                for_guest: false,
                ..
            } => {
                if let Some(dial) = self.dials.get_mut(call) {
                    dial.rings_up_ms.get_or_insert(up_ms);
                }
            }
            // It came in an earlier run, and stands in line still.
            Event::CallbackRestored {
                call,
                caller,
                queue,
                ..
            } => {
                let came = Came {
                    number: dialable(caller),
                    queue: Some(*queue),
                    queued_up_ms: Some(up_ms),
                    served: false,
                };
                self.calls.insert(*call, came);
            }
            Event::QueueEntered { call, queue, .. } => {
                if let Some(came) = self.calls.get_mut(call) {
                    came.queue = Some(*queue);
                    came.queued_up_ms.get_or_insert(up_ms);
                }
            }
            Event::QueueRefused { call, queue, .. }
            | Event::QueueOverflowed { call, queue, .. } => {
                if let Some(came) = self.calls.get_mut(call) {
                    came.queue = Some(*queue);
                }
            }
            Event::SeatAnswered { call, .. } => self.served(*call),
            Event::OutsideAnswered {
                call,
                for_guest: false,
                ..
            } => {
                self.served(*call);
                self.dials.remove(call);
            }
            Event::CallEnded { call, .. } => {
                self.calls.remove(call);
            }
            Event::DialEnded { call, .. } => {
                self.dials.remove(call);
            }
            _ => {}
        }
    }

    fn served(&mut self, call: CallId) {
        if let Some(came) = self.calls.get_mut(&call) {
            came.served = true;
        }
    }

    /// What calls do to tasks; before [`Tasks::follow`] forgets them.
    fn call_changed(&mut self, record: &Record) {
        let at = record.stamped.at;
        match &record.stamped.event {
            Event::EngineStarted { .. } => {
                let tried = self.rows.values().filter(|row| row.trying.is_some());
                let tried: Vec<u64> = tried.map(|row| row.task).collect();
                for task in tried {
                    self.change(task, TaskRow::not_tried);
                }
            }
            Event::CallDialled {
                call, seat, called, ..
            } => {
                let number = dialable(called).unwrap_or_default();
                for task in self.of(&number, &TaskKind::BOTH) {
                    self.change(task, |row| row.tried(*call, *seat, at));
                }
            }
            Event::OutsideAnswered {
                call,
                for_guest: false,
                ..
            } => {
                if let Some(dial) = self.dials.get(call).cloned() {
                    for task in self.of(&dial.number, &TaskKind::BOTH) {
                        self.change(task, |row| row.reached(at, dial.tried));
                    }
                }
            }
            Event::DialEnded {
                call,
                outcome,
                total_ms,
                ..
            } => self.not_answered(*call, (at, *outcome), *total_ms),
            Event::SeatAnswered { call, seat, .. } => {
                let came = self.calls.get(call).and_then(|came| came.number.clone());
                // What a follow-up is about was not asked then.
                for task in self.of(&came.unwrap_or_default(), &[TaskKind::MissedCall]) {
                    self.change(task, |row| {
                        row.ended(at, TaskEnd::CalledAgain);
                        row.seat = Some(*seat);
                    });
                }
            }
            Event::CallEnded { call, outcome, .. } => self.call_ended(record, *call, *outcome),
            _ => {}
        }
    }

    fn not_answered(&mut self, call: CallId, how: (Timestamp, Outcome), total_ms: u64) {
        let Some(dial) = self.dials.get(&call).cloned() else {
            return;
        };
        let counts = match how.1 {
            Outcome::Refused => dial.rings_up_ms.is_some(),
            Outcome::Abandoned => dial.rang_ms(total_ms) >= TASK_ATTEMPT_MS,
            // Our fault or the carrier's: the citizen's telephone never rang.
            _ => false,
        };
        let rules = self.rules;
        for task in self.of(&dial.number, &TaskKind::BOTH) {
            self.change(task, |row| {
                if row.trying == Some(call) {
                    row.not_reached(how, dial.tried, counts, &rules);
                }
            });
        }
    }

    fn call_ended(&mut self, record: &Record, call: CallId, outcome: Outcome) {
        let Some(came) = self.calls.get(&call) else {
            return;
        };
        let waited = came.queued_up_ms;
        let waited = waited.map_or(0, |since| record.stamped.up_ms.saturating_sub(since));
        let missed = match outcome {
            Outcome::Abandoned => waited >= u64::from(self.rules.ignore_below_s) * 1_000,
            Outcome::TimedOut | Outcome::Refused | Outcome::Overflowed | Outcome::Unreached => true,
            // Lost by us or the carrier, after a human was asked for.
            Outcome::Failed | Outcome::Interrupted => came.queue.is_some(),
            _ => false,
        };
        let (queue, served) = (came.queue, came.served);
        if let Some(number) = came.number.clone().filter(|_| missed && !served) {
            self.missed(record, number, (call, outcome), queue);
        }
    }

    fn missed(
        &mut self,
        record: &Record,
        number: String,
        (call, outcome): (CallId, Outcome),
        queue: Option<QueueId>,
    ) {
        let at = record.stamped.at;
        let known = self.of(&number, &[TaskKind::MissedCall]).first().copied();
        let task = known.or_else(|| {
            self.make_room(at);
            let mut row = TaskRow::new(record.seq, TaskKind::MissedCall, number, at);
            row.due_at = later(at, self.rules.first_try_minutes);
            let has_room = self.rows.len() < TASKS;
            has_room.then(|| self.index(row)).map(|()| record.seq)
        });
        let Some(task) = task else { return };
        self.change(task, |row| {
            row.missed = row.missed.saturating_add(1);
            (row.missed_at, row.missed_call) = (Some(at), Some(call));
            (row.missed_as, row.queue) = (Some(outcome), queue.or(row.queue));
            // Whoever calls is there.
            row.not_before = None;
        });
    }

    fn added(&mut self, record: &Record) {
        let Event::TaskAdded {
            number,
            note,
            due_at,
            by,
        } = &record.stamped.event
        else {
            return;
        };
        let Some(number) = dialable(number) else {
            return;
        };
        let is_listed = !self.of(&number, &[TaskKind::FollowUp]).is_empty();
        if is_listed || self.rows.len() >= TASKS {
            return;
        }
        let mut row = TaskRow::new(record.seq, TaskKind::FollowUp, number, record.stamped.at);
        row.due_at = *due_at;
        (row.note, row.added_by) = (Some(note.clone()), Some(by.clone()));
        self.index(row);
        self.changed.insert(record.seq);
    }

    fn result_entered(&mut self, at: Timestamp, (task, seat): (u64, SeatId), entered: Entered<'_>) {
        let rules = self.rules;
        let is_it = |row: &TaskRow| row.task == task && row.takes_result(seat, at);
        let place = self.unanswered.iter().position(is_it);
        if let Some(mut row) = place.and_then(|place| self.unanswered.remove(place)) {
            row.entered(at, entered, &rules);
            self.done.push(row);
            return;
        }
        self.change(task, |row| {
            if row.takes_result(seat, at) {
                row.entered(at, entered, &rules);
            }
        });
    }

    /// Its seat may still say what came of it.
    fn lacks_result(&mut self, row: TaskRow) {
        if self.unanswered.len() >= TASKS_UNANSWERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back(row);
    }

    /// The tasks of these kinds for the number.
    fn of(&self, number: &str, kinds: &[TaskKind]) -> Vec<u64> {
        let key = |kind: &TaskKind| (number.to_owned(), *kind);
        let found = kinds
            .iter()
            .filter_map(|kind| self.by_number.get(&key(kind)));
        found.copied().collect()
    }

    fn index(&mut self, row: TaskRow) {
        self.by_number
            .insert((row.number.clone(), row.kind), row.task);
        self.expire.insert(self.expiry(&row));
        self.rows.insert(row.task, row);
    }

    fn expiry(&self, row: &TaskRow) -> (Timestamp, u64) {
        let from = row.due_at.max(row.opened_at);
        let minutes = self.rules.keep_days.saturating_mul(24 * 60);
        (later(from, minutes), row.task)
    }

    /// Changes a task that is not done, and forgets it where it is done then.
    fn change(&mut self, task: u64, change: impl FnOnce(&mut TaskRow)) {
        let Some(row) = self.rows.get_mut(&task) else {
            return;
        };
        change(row);
        self.changed.insert(task);
        if row.state == TaskState::Done
            && let Some(row) = self.rows.remove(&task)
        {
            self.by_number.remove(&(row.number.clone(), row.kind));
            self.expire.remove(&self.expiry(&row));
            self.changed.remove(&task);
            if row.lacks_result() {
                self.lacks_result(row.clone());
            }
            self.done.push(row);
        }
    }

    fn drop_old(&mut self, now: Timestamp) {
        let is_late = |row: &TaskRow| {
            let reached = row.ended_at.unwrap_or(row.opened_at);
            later(reached, TASK_RESULT_HOURS * 60) <= now
        };
        while self.unanswered.front().is_some_and(is_late) {
            self.unanswered.pop_front();
        }
        while let Some(&(until, task)) = self.expire.first()
            && until <= now
        {
            self.expire.pop_first();
            self.change(task, |row| row.ended(until, TaskEnd::Expired));
        }
    }

    /// A full list loses its oldest missed call.
    fn make_room(&mut self, at: Timestamp) {
        if self.rows.len() < TASKS {
            return;
        }
        let mut rows = self.rows.values();
        let oldest = rows.find(|row| row.kind == TaskKind::MissedCall);
        if let Some(task) = oldest.map(|row| row.task) {
            self.change(task, |row| row.ended(at, TaskEnd::Displaced));
        }
    }
}
