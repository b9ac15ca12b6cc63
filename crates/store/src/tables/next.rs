//! Which task comes next for a seat, what is known of its citizen before the call, and what came of
//! the follow-ups of a day.

use hotline_model::{
    CallId, SeatId, Timestamp,
    event::Outcome,
    limits::TASK_PAST_ROWS,
    task::{TaskEnd, TaskKind, TaskResult},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    Tables, TablesError,
    query::mask,
    row,
    tasks::{TaskLine, shown, window},
};
use crate::{
    fold::{Direction, TaskRow, TaskState},
    kpi::FollowUps,
};

/// Tasks that are looked at together.
const LOOKED_AT: u32 = 200;

/// Most steps of a task that are told, the oldest first.
const STEPS: u32 = 200;

/// An earlier call with a citizen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastCall {
    /// The call.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// When.
    pub at: Timestamp,
    /// The seat that answered last, or dialled.
    pub seat: Option<SeatId>,
    /// How it ended; `None`: it has not.
    pub outcome: Option<Outcome>,
    /// How long they talked, ms.
    pub talk_ms: Option<u64>,
    /// What the score of the survey means.
    pub meaning: Option<String>,
    /// The case that was opened.
    pub case: Option<String>,
}

/// An earlier task for a citizen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastTask {
    /// The task.
    pub task: u64,
    /// Why.
    pub kind: TaskKind,
    /// When it was put in.
    pub opened_at: Timestamp,
    /// What about.
    pub note: Option<String>,
    /// How it ended.
    pub end: Option<TaskEnd>,
    /// What came of it.
    pub result: Option<TaskResult>,
    /// How content the citizen was, 1 to 5.
    pub score: Option<u8>,
    /// What was said.
    pub remark: Option<String>,
}

/// What is known of a citizen before the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Past {
    /// Calls of the number and to it, the newest first.
    pub calls: Vec<PastCall>,
    /// Other tasks of the number, the newest first.
    pub tasks: Vec<PastTask>,
}

impl Tables {
    /// The most due task that nobody has, that may be called now and that `fits`: by the time until
    /// which it should be tried, then by age. With its whole number.
    pub async fn next_task(
        &self,
        now: Timestamp,
        fits: impl Fn(&TaskRow) -> bool,
    ) -> Result<Option<TaskLine>, TablesError> {
        let mut after = (i64::MIN, i64::MIN, i64::MIN);
        loop {
            let rows = sqlx::query(
                "SELECT row FROM tasks WHERE state <> 'done'
                 AND (due_at, opened_at, task) > (?, ?, ?)
                 ORDER BY due_at, opened_at, task LIMIT ?",
            )
            .bind(after.0)
            .bind(after.1)
            .bind(after.2)
            .bind(LOOKED_AT)
            .fetch_all(&self.pool)
            .await?;
            for found in &rows {
                let found = row::task(found)?;
                after = (found.due_at.0, found.opened_at.0, row::int(found.task));
                if found.may_be_taken(now) && fits(&found) {
                    return Ok(Some(shown(found, now, true)));
                }
            }
            if rows.len() < LOOKED_AT as usize {
                return Ok(None);
            }
        }
    }

    /// The most due of the tasks that the seat has. With its whole number.
    pub async fn task_of(
        &self,
        seat: SeatId,
        now: Timestamp,
    ) -> Result<Option<TaskLine>, TablesError> {
        let sql = "SELECT row FROM tasks WHERE state = 'taken' ORDER BY due_at, opened_at, task";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        for found in &rows {
            let found = row::task(found)?;
            if found.is_of(seat, now) {
                return Ok(Some(shown(found, now, true)));
            }
        }
        Ok(None)
    }

    /// What is known of the number beside the task.
    pub async fn past(&self, number: &str, task: u64) -> Result<Past, TablesError> {
        let calls = sqlx::query(
            "SELECT call, direction, arrived_at, seat, outcome, talk_ms, meaning, case_number
             FROM calls WHERE (caller = ?1 AND direction = 'inbound')
             OR (called = ?1 AND direction = 'outbound') ORDER BY call DESC LIMIT ?2",
        )
        .bind(number)
        .bind(TASK_PAST_ROWS)
        .fetch_all(&self.pool)
        .await?;
        let tasks = sqlx::query(
            "SELECT row FROM tasks WHERE json_extract(row, '$.number') = ? AND task <> ?
             ORDER BY task DESC LIMIT ?",
        )
        .bind(number)
        .bind(row::int(task))
        .bind(TASK_PAST_ROWS)
        .fetch_all(&self.pool)
        .await?;
        let tasks = tasks.iter().map(|found| Ok(past_task(row::task(found)?)));
        Ok(Past {
            calls: calls.iter().map(past_call).collect::<Result<_, _>>()?,
            tasks: tasks.collect::<Result<_, TablesError>>()?,
        })
    }

    /// What was done with the task by people, the oldest first; numbers are masked.
    pub async fn task_steps(&self, task: u64) -> Result<Vec<Value>, TablesError> {
        let rows = sqlx::query(
            "SELECT json FROM timeline WHERE type LIKE 'task-%'
             AND (json_extract(json, '$.task') = ?1 OR (seq = ?1 AND type = 'task-added'))
             ORDER BY seq LIMIT ?2",
        )
        .bind(row::int(task))
        .bind(STEPS)
        .fetch_all(&self.pool)
        .await?;
        let steps = rows.iter().map(|found| {
            let mut step = serde_json::from_str(found.try_get("json")?);
            step.iter_mut().for_each(mask);
            step.map_err(TablesError::Json)
        });
        steps.collect()
    }

    /// What came of the follow-ups whose result was entered in the rolling 24 hours that end at `now`,
    /// as [`FollowUps::count`] counts.
    pub async fn follow_ups(&self, now: Timestamp) -> Result<FollowUps, TablesError> {
        let (from, until) = window(now);
        let rows = sqlx::query(
            "SELECT row FROM tasks WHERE kind = 'follow-up' AND (state <> 'done'
             OR (json_extract(row, '$.result_at') >= ?1 AND json_extract(row, '$.result_at') < ?2)
             OR (json_extract(row, '$.ended_at') >= ?1 AND json_extract(row, '$.ended_at') < ?2))",
        )
        .bind(from.0)
        .bind(until.0)
        .fetch_all(&self.pool)
        .await?;
        let mut counts = FollowUps::default();
        for found in &rows {
            counts.count(&row::task(found)?, (from, until));
        }
        Ok(counts)
    }
}

fn past_call(found: &SqliteRow) -> Result<PastCall, TablesError> {
    let talk_ms: Option<i64> = found.try_get("talk_ms")?;
    Ok(PastCall {
        call: CallId(row::number(found, "call")?),
        direction: row::must("direction", row::word(found, "direction")?)?,
        at: Timestamp(found.try_get("arrived_at")?),
        seat: row::seat(found, "seat")?,
        outcome: row::word(found, "outcome")?,
        talk_ms: talk_ms.and_then(|ms| u64::try_from(ms).ok()),
        meaning: found.try_get("meaning")?,
        case: found.try_get("case_number")?,
    })
}

fn past_task(row: TaskRow) -> PastTask {
    PastTask {
        task: row.task,
        kind: row.kind,
        opened_at: row.opened_at,
        note: row.note,
        end: row.end.filter(|_| row.state == TaskState::Done),
        result: row.result,
        score: row.score,
        remark: row.remark,
    }
}
