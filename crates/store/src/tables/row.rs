//! Between rows of SQLite and the folds' values.

use core::{error::Error, str::FromStr};

use hotline_model::{CallId, Timestamp, seat::Intent};
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer as _},
};
use sqlx::{Error as SqlError, Row as _, Sqlite, query::Query, sqlite::SqliteRow};

use crate::{
    fold::{Call, CallRow, CaseRow, End, Interval},
    wallboard::{IntentWord, intent_words},
};

type Insert = Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;

/// SQLite's integers are signed; ids and milliseconds never come near the end.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn undecodable(column: &str, source: impl Error + Send + Sync + 'static) -> SqlError {
    SqlError::ColumnDecode {
        index: column.into(),
        source: Box::new(source),
    }
}

pub(super) fn number(row: &SqliteRow, column: &str) -> Result<u64, SqlError> {
    let n: i64 = row.try_get(column)?;
    u64::try_from(n).map_err(|e| undecodable(column, e))
}

fn some_number(row: &SqliteRow, column: &str) -> Result<Option<u64>, SqlError> {
    let n: Option<i64> = row.try_get(column)?;
    n.map(|n| u64::try_from(n).map_err(|e| undecodable(column, e)))
        .transpose()
}

fn some_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, SqlError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

fn parsed<T>(row: &SqliteRow, column: &str) -> Result<Option<T>, SqlError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|e| undecodable(column, e)))
        .transpose()
}

/// A value of an enum by its word in the journal's JSON.
fn word<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<Option<T>, SqlError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| {
        let word: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            text.into_deserializer();
        T::deserialize(word).map_err(|e| undecodable(column, e))
    })
    .transpose()
}

/// The word of an enum's value.
pub(super) fn spelled(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Some(word),
        _ => None,
    }
}

fn must<T>(column: &str, value: Option<T>) -> Result<T, SqlError> {
    value.ok_or_else(|| undecodable(column, sqlx::error::UnexpectedNullError))
}

pub(super) fn call(row: &SqliteRow) -> Result<Call, SqlError> {
    let call = CallRow {
        call: CallId(number(row, "call")?),
        arrived_at: Timestamp(row.try_get("arrived_at")?),
        answered_at: some_time(row, "answered_at")?,
        ended_at: some_time(row, "ended_at")?,
        caller: row.try_get("caller")?,
        called: row.try_get("called")?,
        trunk: parsed(row, "trunk")?,
        queue: parsed(row, "queue")?,
        seat: parsed(row, "seat")?,
        outcome: word(row, "outcome")?,
        released_by: word(row, "released_by")?,
        cause: row.try_get("cause")?,
        wait_ms: some_number(row, "wait_ms")?,
        talk_ms: some_number(row, "talk_ms")?,
        hold_ms: some_number(row, "hold_ms")?,
        talk_released_by: word(row, "talk_released_by")?,
        total_ms: some_number(row, "total_ms")?,
        score: parsed(row, "score")?,
        meaning: row.try_get("meaning")?,
        recording: row.try_get("recording")?,
        case: row.try_get("case_number")?,
    };
    Ok(Call {
        row: call,
        queued_up_ms: some_number(row, "queued_up_ms")?,
    })
}

pub(super) fn put_call(call: &Call) -> Insert {
    let row = &call.row;
    sqlx::query(
        "INSERT OR REPLACE INTO calls (call, arrived_at, answered_at, ended_at, caller, called,
            trunk, queue, seat, outcome, released_by, cause, wait_ms, talk_ms, hold_ms,
            talk_released_by, total_ms, score, meaning, recording, case_number, queued_up_ms)
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    )
    .bind(int(row.call.0))
    .bind(row.arrived_at.0)
    .bind(row.answered_at.map(|t| t.0))
    .bind(row.ended_at.map(|t| t.0))
    .bind(row.caller.clone())
    .bind(row.called.clone())
    .bind(row.trunk.map(|n| n.as_str().to_owned()))
    .bind(row.queue.map(|n| n.as_str().to_owned()))
    .bind(row.seat.map(|n| n.as_str().to_owned()))
    .bind(row.outcome.and_then(|word| spelled(&word)))
    .bind(row.released_by.and_then(|word| spelled(&word)))
    .bind(row.cause.clone())
    .bind(row.wait_ms.map(int))
    .bind(row.talk_ms.map(int))
    .bind(row.hold_ms.map(int))
    .bind(row.talk_released_by.and_then(|word| spelled(&word)))
    .bind(row.total_ms.map(int))
    .bind(row.score.map(String::from))
    .bind(row.meaning.clone())
    .bind(row.recording.clone())
    .bind(row.case.clone())
    .bind(call.queued_up_ms.map(int))
}

pub(super) fn case(row: &SqliteRow) -> Result<CaseRow, SqlError> {
    Ok(CaseRow {
        number: row.try_get("number")?,
        call: CallId(number(row, "call")?),
        opened_at: Timestamp(row.try_get("opened_at")?),
        caller: row.try_get("caller")?,
        seat: must("seat", parsed(row, "seat")?)?,
        queue: must("queue", parsed(row, "queue")?)?,
        answered_at: Timestamp(row.try_get("answered_at")?),
        ended_at: some_time(row, "ended_at")?,
        score: parsed(row, "score")?,
        meaning: row.try_get("meaning")?,
        recording: row.try_get("recording")?,
        state: must("state", word(row, "state")?)?,
    })
}

pub(super) fn put_case(case: &CaseRow) -> Insert {
    sqlx::query(
        "INSERT OR REPLACE INTO cases (number, call, opened_at, caller, seat, queue, answered_at,
            ended_at, score, meaning, recording, state)
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
    )
    .bind(case.number.clone())
    .bind(int(case.call.0))
    .bind(case.opened_at.0)
    .bind(case.caller.clone())
    .bind(case.seat.as_str().to_owned())
    .bind(case.queue.as_str().to_owned())
    .bind(case.answered_at.0)
    .bind(case.ended_at.map(|t| t.0))
    .bind(case.score.map(String::from))
    .bind(case.meaning.clone())
    .bind(case.recording.clone())
    .bind(spelled(&case.state))
}

pub(super) fn interval(row: &SqliteRow) -> Result<Interval, SqlError> {
    let intent = match must("intent", word(row, "intent")?)? {
        IntentWord::Ready => Intent::Ready,
        IntentWord::NotReady => Intent::NotReady(must("reason", word(row, "reason")?)?),
    };
    let end = match some_time(row, "until_at")? {
        None => None,
        Some(at) => Some(End {
            at,
            ms: number(row, "ms")?,
            by: must("ended_by", word(row, "ended_by")?)?,
        }),
    };
    Ok(Interval {
        seat: must("seat", parsed(row, "seat")?)?,
        since_seq: number(row, "since_seq")?,
        since_at: Timestamp(row.try_get("since_at")?),
        since_up_ms: number(row, "since_up_ms")?,
        intent,
        work: must("work", word(row, "work")?)?,
        call: some_number(row, "call")?.map(CallId),
        end,
    })
}

pub(super) fn put_interval(interval: &Interval) -> Insert {
    let (intent, reason) = intent_words(interval.intent);
    sqlx::query(
        "INSERT OR REPLACE INTO seat_intervals (seat, since_seq, since_at, since_up_ms, intent,
            reason, work, call, until_at, ms, ended_by)
         VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    )
    .bind(interval.seat.as_str().to_owned())
    .bind(int(interval.since_seq))
    .bind(interval.since_at.0)
    .bind(int(interval.since_up_ms))
    .bind(spelled(&intent))
    .bind(reason.and_then(|reason| spelled(&reason)))
    .bind(spelled(&interval.work))
    .bind(interval.call.map(|call| int(call.0)))
    .bind(interval.end.map(|end| end.at.0))
    .bind(interval.end.map(|end| int(end.ms)))
    .bind(interval.end.and_then(|end| spelled(&end.by)))
}
