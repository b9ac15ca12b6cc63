//! Between rows of SQLite and the folds' values.

use core::{error::Error, str::FromStr};

use hotline_model::{CallId, SeatId, Timestamp, seat::Intent};
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer as _},
};
use sqlx::{Error as SqlError, Row as _, Sqlite, query_builder::Separated, sqlite::SqliteRow};

use crate::{
    Record,
    fold::{Call, CallRow, CaseRow, End, Interval, MessageRow, TaskRow},
    wallboard::{IntentWord, intent_words},
};

/// The values of one row, on their way into a statement.
pub(super) type Values<'a> = Separated<'a, Sqlite, &'static str>;

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

pub(super) fn seat(row: &SqliteRow, column: &str) -> Result<Option<SeatId>, SqlError> {
    parsed(row, column)
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
pub(super) fn word<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, SqlError> {
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

pub(super) fn must<T>(column: &str, value: Option<T>) -> Result<T, SqlError> {
    value.ok_or_else(|| undecodable(column, sqlx::error::UnexpectedNullError))
}

pub(super) fn call(row: &SqliteRow) -> Result<Call, SqlError> {
    let call = CallRow {
        call: CallId(number(row, "call")?),
        direction: must("direction", word(row, "direction")?)?,
        arrived_at: Timestamp(row.try_get("arrived_at")?),
        answered_at: some_time(row, "answered_at")?,
        ended_at: some_time(row, "ended_at")?,
        caller: row.try_get("caller")?,
        withheld: row.try_get("withheld")?,
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
        nth_call: row.try_get("nth_call")?,
        last_seat: parsed(row, "last_seat")?,
    };
    Ok(Call {
        row: call,
        queued_up_ms: some_number(row, "queued_up_ms")?,
    })
}

/// The columns of [`call`], in the order of [`bind_call`].
pub(super) const CALL_COLUMNS: &str = "calls (call, direction, arrived_at, answered_at, ended_at,
    caller, withheld, called, trunk, queue, seat, outcome, released_by, cause, wait_ms, talk_ms,
    hold_ms, talk_released_by, total_ms, score, meaning, recording, case_number, nth_call, last_seat,
    queued_up_ms)";

pub(super) fn bind_call(values: &mut Values<'_>, call: &Call) {
    let row = &call.row;
    values
        .push_bind(int(row.call.0))
        .push_bind(spelled(&row.direction))
        .push_bind(row.arrived_at.0)
        .push_bind(row.answered_at.map(|t| t.0))
        .push_bind(row.ended_at.map(|t| t.0))
        .push_bind(row.caller.clone())
        .push_bind(row.withheld)
        .push_bind(row.called.clone())
        .push_bind(row.trunk.map(|n| n.as_str().to_owned()))
        .push_bind(row.queue.map(|n| n.as_str().to_owned()))
        .push_bind(row.seat.map(|n| n.as_str().to_owned()))
        .push_bind(row.outcome.and_then(|word| spelled(&word)))
        .push_bind(row.released_by.and_then(|word| spelled(&word)))
        .push_bind(row.cause.clone())
        .push_bind(row.wait_ms.map(int))
        .push_bind(row.talk_ms.map(int))
        .push_bind(row.hold_ms.map(int))
        .push_bind(row.talk_released_by.and_then(|word| spelled(&word)))
        .push_bind(row.total_ms.map(int))
        .push_bind(row.score.map(String::from))
        .push_bind(row.meaning.clone())
        .push_bind(row.recording.clone())
        .push_bind(row.case.clone())
        .push_bind(row.nth_call)
        .push_bind(row.last_seat.map(|n| n.as_str().to_owned()))
        .push_bind(call.queued_up_ms.map(int));
}

pub(super) fn case(row: &SqliteRow) -> Result<CaseRow, SqlError> {
    Ok(CaseRow {
        number: row.try_get("number")?,
        call: CallId(number(row, "call")?),
        opened_at: Timestamp(row.try_get("opened_at")?),
        caller: row.try_get("caller")?,
        withheld: row.try_get("withheld")?,
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

/// The columns of [`case`], in the order of [`bind_case`].
pub(super) const CASE_COLUMNS: &str = "cases (number, call, opened_at, caller, withheld, seat,
    queue, answered_at, ended_at, score, meaning, recording, state)";

pub(super) fn bind_case(values: &mut Values<'_>, case: CaseRow) {
    values
        .push_bind(case.number)
        .push_bind(int(case.call.0))
        .push_bind(case.opened_at.0)
        .push_bind(case.caller)
        .push_bind(case.withheld)
        .push_bind(case.seat.as_str().to_owned())
        .push_bind(case.queue.as_str().to_owned())
        .push_bind(case.answered_at.0)
        .push_bind(case.ended_at.map(|t| t.0))
        .push_bind(case.score.map(String::from))
        .push_bind(case.meaning)
        .push_bind(case.recording)
        .push_bind(spelled(&case.state));
}

pub(super) fn message(row: &SqliteRow) -> Result<MessageRow, SqlError> {
    let nth: u32 = row.try_get("message")?;
    Ok(MessageRow {
        call: CallId(number(row, "call")?),
        message: nth,
        kind: must("kind", word(row, "kind")?)?,
        at: Timestamp(row.try_get("at")?),
        queue: parsed(row, "queue")?,
        seat: parsed(row, "seat")?,
        file: row.try_get("file")?,
        ms: some_number(row, "ms")?,
        empty: row.try_get("empty")?,
        lost: row.try_get("lost")?,
        ended: word(row, "ended")?,
        state: must("state", word(row, "state")?)?,
        heard_at: some_time(row, "heard_at")?,
        heard_by: row.try_get("heard_by")?,
        settled_at: some_time(row, "settled_at")?,
        settled_by: row.try_get("settled_by")?,
        note: row.try_get("note")?,
    })
}

/// The columns of [`message`], in the order of [`bind_message`].
pub(super) const MESSAGE_COLUMNS: &str = "messages (call, message, kind, at, queue, seat, file, ms,
    empty, lost, ended, state, heard_at, heard_by, settled_at, settled_by, note)";

pub(super) fn bind_message(values: &mut Values<'_>, row: MessageRow) {
    values
        .push_bind(int(row.call.0))
        .push_bind(row.message)
        .push_bind(spelled(&row.kind))
        .push_bind(row.at.0)
        .push_bind(row.queue.map(|n| n.as_str().to_owned()))
        .push_bind(row.seat.map(|n| n.as_str().to_owned()))
        .push_bind(row.file)
        .push_bind(row.ms.map(int))
        .push_bind(row.empty)
        .push_bind(row.lost)
        .push_bind(row.ended.and_then(|word| spelled(&word)))
        .push_bind(spelled(&row.state))
        .push_bind(row.heard_at.map(|t| t.0))
        .push_bind(row.heard_by)
        .push_bind(row.settled_at.map(|t| t.0))
        .push_bind(row.settled_by)
        .push_bind(row.note);
}

pub(super) fn task(row: &SqliteRow) -> Result<TaskRow, SqlError> {
    serde_json::from_str(row.try_get("row")?).map_err(|e| undecodable("row", e))
}

/// The columns of tasks, in the order of [`bind_task`].
pub(super) const TASK_COLUMNS: &str =
    "tasks (task, kind, opened_at, due_at, state, taken_until, first_try_at, ended, row)";

pub(super) fn bind_task(values: &mut Values<'_>, (row, json): (TaskRow, String)) {
    let taken_until = row.taken_until.filter(|_| row.trying.is_none());
    values
        .push_bind(int(row.task))
        .push_bind(spelled(&row.kind))
        .push_bind(row.opened_at.0)
        .push_bind(row.due_at.0)
        .push_bind(spelled(&row.state))
        .push_bind(taken_until.map(|t| t.0))
        .push_bind(row.first_try_at.map(|t| t.0))
        .push_bind(row.end.and_then(|end| spelled(&end)))
        .push_bind(json);
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

/// The columns of [`interval`], in the order of [`bind_interval`].
pub(super) const INTERVAL_COLUMNS: &str = "seat_intervals (seat, since_seq, since_at, since_up_ms,
    intent, reason, work, call, until_at, ms, ended_by)";

pub(super) fn bind_interval(values: &mut Values<'_>, interval: &Interval) {
    let (intent, reason) = intent_words(interval.intent);
    values
        .push_bind(interval.seat.as_str().to_owned())
        .push_bind(int(interval.since_seq))
        .push_bind(interval.since_at.0)
        .push_bind(int(interval.since_up_ms))
        .push_bind(spelled(&intent))
        .push_bind(reason.and_then(|reason| spelled(&reason)))
        .push_bind(spelled(&interval.work))
        .push_bind(interval.call.map(|call| int(call.0)))
        .push_bind(interval.end.map(|end| end.at.0))
        .push_bind(interval.end.map(|end| int(end.ms)))
        .push_bind(interval.end.and_then(|end| spelled(&end.by)));
}

/// The columns of the timeline, in the order of [`bind_record`].
pub(super) const RECORD_COLUMNS: &str = "timeline (seq, at, up_ms, call, type, json)";

pub(super) fn bind_record(values: &mut Values<'_>, (record, json): (&Record, String)) {
    values
        .push_bind(int(record.seq))
        .push_bind(record.stamped.at.0)
        .push_bind(int(record.stamped.up_ms))
        .push_bind(record.stamped.event.call().map(|call| int(call.0)))
        .push_bind(kind(&json).to_owned())
        .push_bind(json);
}

/// An event's `type` as it stands in its record's JSON, where only numbers stand before it.
fn kind(json: &str) -> &str {
    let behind = json.split_once("\"type\":\"").map(|(_, behind)| behind);
    let word = behind.and_then(|behind| behind.split_once('"'));
    word.map_or("", |(word, _)| word)
}
