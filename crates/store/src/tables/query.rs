//! Lists and single rows for people. A caller's number is masked unless it is asked for.

use hotline_model::{CallId, SeatId, Timestamp, guest::GuestName, privacy::Masked};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{Tables, TablesError, row};
use crate::fold::{CallRow, CaseRow, Direction, Interval, MessageRow, MessageState};

/// A message with what is known of its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageLine {
    /// Its number for the API: its call's, a hyphen, and which one of the call it is.
    pub id: String,
    /// The caller's number; masked in query answers unless revealed.
    pub caller: String,
    /// The caller withheld the number: query answers leave it out unless revealed.
    pub withheld: bool,
    /// The message.
    #[serde(flatten)]
    pub row: MessageRow,
}

/// What stands in a [`MessageLine`].
const MESSAGES: &str = "SELECT messages.*, calls.caller, calls.withheld
    FROM messages JOIN calls ON calls.call = messages.call";

/// Most rows of one answer; a larger `limit` is cut to it, and the next page is asked for with
/// `before`.
pub const PAGE_ROWS: u32 = 1_000;

/// Most records of one call's timeline; the newest beyond are left out.
pub const TIMELINE_ROWS: u32 = 10_000;

/// So long before a day figures of it look first for what reaches into it, ms: seldom is a seat in
/// one state for longer. Those few that were have an index of their own, with this number in it.
pub const LONG_INTERVAL_MS: i64 = 7 * 86_400_000;

impl Tables {
    /// Calls, newest first; those with a lower id than `before`, if given. With `reveal` the
    /// callers' numbers are whole: whoever passes `true` records who looked and why.
    pub async fn calls(
        &self,
        limit: u32,
        before: Option<CallId>,
        reveal: bool,
    ) -> Result<Vec<CallRow>, TablesError> {
        let rows = sqlx::query("SELECT * FROM calls WHERE call < ? ORDER BY call DESC LIMIT ?")
            .bind(before.map_or(i64::MAX, |call| row::int(call.0)))
            .bind(limit.min(PAGE_ROWS))
            .fetch_all(&self.pool)
            .await?;
        let calls = rows
            .iter()
            .map(|r| Ok(shown_call(row::call(r)?.row, reveal)));
        calls.collect()
    }

    /// One call.
    pub async fn call(&self, call: CallId, reveal: bool) -> Result<Option<CallRow>, TablesError> {
        let found = sqlx::query("SELECT * FROM calls WHERE call = ?")
            .bind(row::int(call.0))
            .fetch_optional(&self.pool)
            .await?;
        let call = found.as_ref().map(row::call).transpose()?;
        Ok(call.map(|call| shown_call(call.row, reveal)))
    }

    /// A call's records as `{seq, at, up_ms, type, …}`, oldest first; those of seats that worked
    /// for it, too.
    pub async fn timeline(&self, call: CallId, reveal: bool) -> Result<Vec<Value>, TablesError> {
        let rows = sqlx::query("SELECT json FROM timeline WHERE call = ? ORDER BY seq LIMIT ?")
            .bind(row::int(call.0))
            .bind(TIMELINE_ROWS)
            .fetch_all(&self.pool)
            .await?;
        let records = rows.iter().map(|r| {
            let mut record = serde_json::from_str(r.try_get("json")?).map_err(TablesError::Json)?;
            if !reveal {
                mask(&mut record);
            }
            Ok(record)
        });
        records.collect()
    }

    /// Cases, newest first; those with a lower number than `before`, if given.
    pub async fn cases(
        &self,
        limit: u32,
        before: Option<&str>,
        reveal: bool,
    ) -> Result<Vec<CaseRow>, TablesError> {
        let rows = sqlx::query(
            "SELECT * FROM cases WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2",
        )
        .bind(before)
        .bind(limit.min(PAGE_ROWS))
        .fetch_all(&self.pool)
        .await?;
        let cases = rows.iter().map(|r| Ok(shown_case(row::case(r)?, reveal)));
        cases.collect()
    }

    /// One case.
    pub async fn case(&self, number: &str, reveal: bool) -> Result<Option<CaseRow>, TablesError> {
        let found = sqlx::query("SELECT * FROM cases WHERE number = ?")
            .bind(number)
            .fetch_optional(&self.pool)
            .await?;
        let case = found.as_ref().map(row::case).transpose()?;
        Ok(case.map(|case| shown_case(case, reveal)))
    }

    /// Messages, newest first: those in this state, and those older than `before` (its call and
    /// which one of it), if given. Whoever passes `true` for `reveal` records who looked and why.
    pub async fn messages(
        &self,
        state: Option<MessageState>,
        limit: u32,
        before: Option<(CallId, u32)>,
        reveal: bool,
    ) -> Result<Vec<MessageLine>, TablesError> {
        let sql = format!(
            "{MESSAGES} WHERE (?1 IS NULL OR messages.state = ?1)
             AND (messages.call, messages.message) < (?2, ?3)
             ORDER BY messages.call DESC, messages.message DESC LIMIT ?4"
        );
        let (call, nth) = before.map_or((i64::MAX, 0), |(call, nth)| (row::int(call.0), nth));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(state.and_then(|state| row::spelled(&state)))
            .bind(call)
            .bind(nth)
            .bind(limit.min(PAGE_ROWS))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|r| shown_message(r, reveal)).collect()
    }

    /// One message.
    pub async fn message(
        &self,
        call: CallId,
        nth: u32,
        reveal: bool,
    ) -> Result<Option<MessageLine>, TablesError> {
        let sql = format!("{MESSAGES} WHERE messages.call = ? AND messages.message = ?");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::int(call.0))
            .bind(nth)
            .fetch_optional(&self.pool)
            .await?;
        found.as_ref().map(|r| shown_message(r, reveal)).transpose()
    }

    /// A seat's intervals, newest first; those that began with a lower record than `before`, if
    /// given.
    pub async fn seat_intervals(
        &self,
        seat: SeatId,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Interval>, TablesError> {
        let rows = sqlx::query(
            "SELECT * FROM seat_intervals WHERE seat = ? AND since_seq < ?
             ORDER BY since_seq DESC LIMIT ?",
        )
        .bind(seat.as_str().to_owned())
        .bind(before.map_or(i64::MAX, row::int))
        .bind(limit.min(PAGE_ROWS))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row::interval).collect::<Result<_, _>>()?)
    }
}

impl Tables {
    /// The intervals of all seats that lie between these moments, or reach into what is between:
    /// those that last, and those that by their length did not end before.
    pub async fn intervals_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Interval>, TablesError> {
        let rows = sqlx::query(
            "SELECT * FROM seat_intervals WHERE until_at IS NULL AND since_at < ?2
             UNION ALL SELECT * FROM seat_intervals WHERE until_at IS NOT NULL
               AND since_at >= ?3 AND since_at < ?2 AND since_at + ms > ?1
             UNION ALL SELECT * FROM seat_intervals WHERE ms > 604800000
               AND since_at < ?3 AND since_at + ms > ?1",
        )
        .bind(from.0)
        .bind(to.0)
        .bind(from.0.saturating_sub(LONG_INTERVAL_MS))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row::interval).collect::<Result<_, _>>()?)
    }

    /// The calls that arrived between these moments, numbers masked.
    pub async fn calls_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<CallRow>, TablesError> {
        let rows = sqlx::query("SELECT * FROM calls WHERE arrived_at >= ? AND arrived_at < ?")
            .bind(from.0)
            .bind(to.0)
            .fetch_all(&self.pool)
            .await?;
        let calls = rows
            .iter()
            .map(|r| Ok(shown_call(row::call(r)?.row, false)));
        calls.collect()
    }
}

fn shown_call(mut call: CallRow, reveal: bool) -> CallRow {
    if !reveal {
        // The other side of a call outside is a seat.
        let citizen = match call.direction {
            Direction::Outbound => &mut call.called,
            Direction::Inbound | Direction::Internal => &mut call.caller,
        };
        hide(citizen, call.withheld);
    }
    call
}

fn shown_message(row: &SqliteRow, reveal: bool) -> Result<MessageLine, TablesError> {
    let message = row::message(row)?;
    let mut line = MessageLine {
        id: format!("{}-{}", message.call, message.message),
        caller: row.try_get("caller")?,
        withheld: row.try_get("withheld")?,
        row: message,
    };
    if !reveal {
        hide(&mut line.caller, line.withheld);
    }
    Ok(line)
}

fn shown_case(mut case: CaseRow, reveal: bool) -> CaseRow {
    if !reveal {
        hide(&mut case.caller, case.withheld);
    }
    case
}

/// Masks a citizen's number, or leaves it out where the citizen withheld it.
pub(super) fn hide(number: &mut String, withheld: bool) {
    *number = if withheld {
        String::new()
    } else {
        Masked(number).to_string()
    };
}

/// Hides what [`Record::masked`](crate::Record::masked) hides.
pub(super) fn mask(record: &mut Value) {
    let withheld = record.get("withheld") == Some(&Value::Bool(true));
    let kind = record
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let dialled = ["call-dialled", "dial-rejected", "trunk-tried"].contains(&kind);
    if let Some(Value::String(caller)) = record.get_mut("caller") {
        hide(caller, withheld);
    }
    if let Some(Value::String(called)) = record.get_mut("called")
        && dialled
    {
        hide(called, false);
    }
    if let Some(Value::String(number)) = record.get_mut("number") {
        hide(number, withheld);
    }
    for key in ["to", "guest"] {
        if let Some(Value::String(who)) = record.get_mut(key)
            && let Some(number) = GuestName::number_in(who)
        {
            *who = GuestName::Outside(number.to_owned()).masked().to_string();
        }
    }
}
