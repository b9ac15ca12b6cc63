//! The list of tasks, what is known of the citizen of one, and K13.

use hotline_model::{
    SeatId, Timestamp,
    event::Stamped,
    task::{TaskEnd, TaskKind, dialable},
};
use serde::Serialize;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{PAGE_ROWS, Tables, TablesError, query::hide, row};
use crate::{
    fold::{TaskRow, TaskState, WINDOW_MINUTES},
    kpi::MissedCalls,
};

/// Which tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskFilter {
    /// Of this kind only.
    pub kind: Option<TaskKind>,
    /// In this state at the time of the question only.
    pub state: Option<TaskState>,
    /// Those with a lower number.
    pub before: Option<u64>,
}

/// A task as it stands at the time of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskLine {
    /// The task. Its state is that of now, and its number is masked unless revealed.
    #[serde(flatten)]
    pub row: TaskRow,
    /// It was not tried in time.
    pub late: bool,
}

/// Most calls that are recalled.
const CALLS_RECALLED: u32 = 500_000;

/// A call with a citizen, for recognising the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerLine {
    /// The citizen's number, as the journal has it.
    pub number: String,
    /// When the citizen called; `None`: a seat called the citizen.
    pub called: Option<Timestamp>,
    /// Who talked with the citizen, and since when.
    pub talked: Option<(SeatId, Timestamp)>,
}

/// When a human last talked with a citizen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LastTalk {
    /// The seat.
    pub seat: SeatId,
    /// When it was answered.
    pub at: Timestamp,
}

impl TaskLine {
    /// Leaves only as much of the number as lists show.
    pub fn mask(&mut self) {
        hide(&mut self.row.number, false);
    }
}

impl Tables {
    /// Tasks, newest first. Whoever passes `true` for `reveal` records who looked and why.
    pub async fn tasks(
        &self,
        filter: TaskFilter,
        limit: u32,
        now: Timestamp,
        reveal: bool,
    ) -> Result<Vec<TaskLine>, TablesError> {
        // Whoever took a task and did nothing has lost it.
        let rows = sqlx::query(
            "SELECT row FROM tasks WHERE task < ?1 AND (?2 IS NULL OR kind = ?2)
             AND (?3 IS NULL OR ?3 = CASE WHEN state = 'taken' AND taken_until <= ?4
                                     THEN 'open' ELSE state END)
             ORDER BY task DESC LIMIT ?5",
        )
        .bind(filter.before.map_or(i64::MAX, row::int))
        .bind(filter.kind.and_then(|kind| row::spelled(&kind)))
        .bind(filter.state.and_then(|state| row::spelled(&state)))
        .bind(now.0)
        .bind(limit.min(PAGE_ROWS))
        .fetch_all(&self.pool)
        .await?;
        let lines = rows.iter().map(|r| Ok(shown(row::task(r)?, now, reveal)));
        lines.collect()
    }

    /// One task.
    pub async fn task(
        &self,
        task: u64,
        now: Timestamp,
        reveal: bool,
    ) -> Result<Option<TaskLine>, TablesError> {
        let found = sqlx::query("SELECT row FROM tasks WHERE task = ?")
            .bind(row::int(task))
            .fetch_optional(&self.pool)
            .await?;
        let found = found.as_ref().map(row::task).transpose()?;
        Ok(found.map(|row| shown(row, now, reveal)))
    }

    /// How many tasks are not done.
    pub async fn tasks_open(&self) -> Result<u64, TablesError> {
        let found = sqlx::query("SELECT count(*) AS n FROM tasks WHERE state <> 'done'")
            .fetch_one(&self.pool)
            .await?;
        Ok(row::number(&found, "n")?)
    }

    /// Calls with citizens since then whose number is not withheld, the oldest first: number, when it
    /// called (`None`: a seat called it), and who talked with it since when. Of more than
    /// half a million the newest.
    pub async fn callers_since(&self, since: Timestamp) -> Result<Vec<CallerLine>, TablesError> {
        let rows = sqlx::query(
            "SELECT * FROM (SELECT call, direction, caller, called, arrived_at, seat, answered_at
             FROM calls WHERE arrived_at >= ? AND withheld = 0 AND direction <> 'internal'
             ORDER BY arrived_at DESC LIMIT ?) ORDER BY arrived_at",
        )
        .bind(since.0)
        .bind(CALLS_RECALLED)
        .fetch_all(&self.pool)
        .await?;
        let line = |r: &SqliteRow| {
            let direction: &str = r.try_get("direction")?;
            let is_in = direction == "inbound";
            let answered: Option<i64> = r.try_get("answered_at")?;
            let seat = row::seat(r, "seat")?;
            Ok(CallerLine {
                number: r.try_get(if is_in { "caller" } else { "called" })?,
                called: is_in.then_some(Timestamp(r.try_get("arrived_at")?)),
                talked: seat.zip(answered.map(Timestamp)),
            })
        };
        rows.iter().map(line).collect()
    }

    /// What happened to blocks, the oldest first.
    pub async fn block_events(&self) -> Result<Vec<Stamped>, TablesError> {
        let sql = "SELECT json FROM timeline WHERE type LIKE 'block-%' ORDER BY seq";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        let events = rows.iter().map(|r| {
            let event = serde_json::from_str(r.try_get("json")?);
            event.map_err(TablesError::Json)
        });
        events.collect()
    }

    /// Who last talked with whoever has the number, in whichever direction: it is one as [`dialable`]
    /// writes it, and a mobile's may have been dialled with a 0 before it.
    pub async fn last_talk(&self, number: &str) -> Result<Option<LastTalk>, TablesError> {
        let away = format!("0{number}");
        let is_mobile = dialable(&away).as_deref() == Some(number);
        let other = if is_mobile { away.as_str() } else { number };
        let found = sqlx::query(
            "SELECT seat, answered_at FROM calls
             WHERE ((caller IN (?1, ?2) AND direction = 'inbound')
               OR (called IN (?1, ?2) AND direction = 'outbound'))
             AND answered_at IS NOT NULL AND seat IS NOT NULL ORDER BY call DESC LIMIT 1",
        )
        .bind(number)
        .bind(other)
        .fetch_optional(&self.pool)
        .await?;
        let talk = found.as_ref().map(|r| {
            let at = Timestamp(r.try_get("answered_at")?);
            Ok::<_, sqlx::Error>(row::seat(r, "seat")?.map(|seat| LastTalk { seat, at }))
        });
        Ok(talk.transpose()?.flatten())
    }

    /// K13 of the rolling 24 hours that end at `now`, as [`MissedCalls::count`] counts; a task counts
    /// in the minute in which it was listed.
    pub async fn missed_calls(&self, now: Timestamp) -> Result<MissedCalls, TablesError> {
        let (from, until) = window(now);
        let row = sqlx::query(
            "SELECT count(*) AS listed, count(first_try_at) AS tried,
               coalesce(sum(first_try_at <= due_at), 0) AS tried_in_time,
               coalesce(sum(max(first_try_at - opened_at, 0)), 0) AS first_try_ms,
               coalesce(sum(ended = ?3), 0) AS reached,
               coalesce(sum(ended = ?4), 0) AS called_again,
               coalesce(sum(ended = ?5), 0) AS given_up,
               count(*) - count(ended) AS open
             FROM tasks WHERE kind = 'missed-call' AND opened_at >= ?1 AND opened_at < ?2",
        )
        .bind(from.0)
        .bind(until.0)
        .bind(row::spelled(&TaskEnd::Reached))
        .bind(row::spelled(&TaskEnd::CalledAgain))
        .bind(row::spelled(&TaskEnd::GivenUp))
        .fetch_one(&self.pool)
        .await?;
        Ok(MissedCalls {
            listed: row::number(&row, "listed")?,
            tried: row::number(&row, "tried")?,
            tried_in_time: row::number(&row, "tried_in_time")?,
            reached: row::number(&row, "reached")?,
            called_again: row::number(&row, "called_again")?,
            given_up: row::number(&row, "given_up")?,
            open: row::number(&row, "open")?,
            first_try_ms: row::number(&row, "first_try_ms")?,
        })
    }
}

/// The minute of `now` and the 1,439 before it, as [`Counters`](crate::fold::Counters) have it.
pub(super) fn window(now: Timestamp) -> (Timestamp, Timestamp) {
    let minute = now.0.div_euclid(60_000);
    let at = |minute: i64| Timestamp(minute.saturating_mul(60_000));
    (at(minute - (WINDOW_MINUTES - 1)), at(minute + 1))
}

pub(super) fn shown(mut row: TaskRow, now: Timestamp, reveal: bool) -> TaskLine {
    row.state = row.state_at(now);
    if row.state == TaskState::Open {
        (row.seat, row.taken_by, row.taken_until) = (None, None, None);
    }
    let tried = row.first_try_at.or(row.ended_at).unwrap_or(now);
    let late = tried > row.due_at;
    let mut line = TaskLine { row, late };
    if !reveal {
        line.mask();
    }
    line
}
