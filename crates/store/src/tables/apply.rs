//! Records into rows: one transaction for a batch and its watermark.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use hotline_model::{
    CallId, Timestamp,
    event::{Event, Stamped},
    limits::{CALLS, TASKS_UNANSWERED},
};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{TablesError, row};
use crate::{
    Record,
    fold::{Call, CaseRow, Interval, Ledger, MessageRow, Tasks},
    journal::Hash,
};

/// Rows of one INSERT: of up to 24 values each, far below SQLite's limit of 32,766.
const ROWS_AT_ONCE: [usize; 4] = [1, 8, 64, 256];

/// Calls that are remembered: more than live at a time. Beyond, all are read again when next
/// something happens to them.
const REMEMBERED: usize = 2 * CALLS;

/// What the tables contain already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watermark {
    pub(super) seq: u64,
    pub(super) hash: Hash,
    pub(super) at: i64,
    pub(super) up_ms: u64,
    pub(super) offset_minutes: i32,
    pub(super) version: i64,
}

impl Watermark {
    pub(super) async fn load(db: &mut SqliteConnection) -> Result<Option<Self>, TablesError> {
        let row = sqlx::query("SELECT * FROM applied WHERE one = 1")
            .fetch_optional(db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: &str = row.try_get("hash")?;
        Ok(Some(Self {
            seq: row::number(&row, "seq")?,
            hash: hash.parse().unwrap_or(Hash::START),
            at: row.try_get("at")?,
            up_ms: row::number(&row, "up_ms")?,
            offset_minutes: row.try_get("offset_minutes")?,
            version: row.try_get("version")?,
        }))
    }

    pub(super) async fn save(&self, db: &mut SqliteConnection) -> Result<(), TablesError> {
        sqlx::query(
            "INSERT OR REPLACE INTO applied (one, version, offset_minutes, seq, hash, at, up_ms)
             VALUES (1, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.version)
        .bind(self.offset_minutes)
        .bind(row::int(self.seq))
        .bind(self.hash.to_string())
        .bind(self.at)
        .bind(row::int(self.up_ms))
        .execute(db)
        .await?;
        Ok(())
    }
}

/// What the last transaction left in memory, so that the next need not read it: good only for the
/// record it names.
#[derive(Debug)]
pub(super) struct Memory {
    seq: u64,
    hash: Hash,
    /// Calls that have not ended.
    calls: BTreeMap<CallId, Call>,
    ledger: Ledger,
    tasks: Tasks,
}

impl Memory {
    /// What stands in the tables at the watermark.
    async fn load(db: &mut SqliteConnection, watermark: &Watermark) -> Result<Self, TablesError> {
        let rows = sqlx::query("SELECT * FROM seat_intervals WHERE until_at IS NULL")
            .fetch_all(&mut *db)
            .await?;
        let open = rows
            .iter()
            .map(row::interval)
            .collect::<Result<Vec<_>, _>>()?;
        let last = (watermark.seq > 0).then_some((Timestamp(watermark.at), watermark.up_ms));
        Ok(Self {
            seq: watermark.seq,
            hash: watermark.hash,
            calls: BTreeMap::new(),
            ledger: Ledger::resume(open, last),
            tasks: load_tasks(db).await?,
        })
    }

    fn fits(&self, watermark: &Watermark) -> bool {
        (self.seq, self.hash) == (watermark.seq, watermark.hash)
    }
}

/// Applies those records of `records` that lie behind the watermark, inside the transaction that
/// `db` is in. Returns what to remember once it is committed.
pub(super) async fn apply(
    db: &mut SqliteConnection,
    mut watermark: Watermark,
    memory: Option<Memory>,
    records: &[&Record],
) -> Result<Option<Memory>, TablesError> {
    let applied = records.partition_point(|record| record.seq <= watermark.seq);
    let new = records.get(applied..).unwrap_or_default();
    for (expected, record) in (watermark.seq + 1..).zip(new) {
        if record.seq != expected {
            return Err(TablesError::Gap {
                expected,
                got: record.seq,
            });
        }
    }
    let Some(last) = new.last() else {
        return Ok(memory);
    };
    let mut memory = match memory.filter(|memory| memory.fits(&watermark)) {
        Some(memory) => memory,
        None => Memory::load(db, &watermark).await?,
    };
    put_timeline(db, new).await?;
    put_calls(db, new, &mut memory.calls, watermark.offset_minutes).await?;
    put_messages(db, new).await?;
    put_tasks(db, new, &mut memory.tasks).await?;
    put_intervals(db, new, &mut memory.ledger, watermark.seq).await?;
    (watermark.seq, watermark.hash) = (last.seq, last.hash);
    if let Some((at, up_ms)) = memory.ledger.last() {
        (watermark.at, watermark.up_ms) = (at.0, up_ms);
    }
    watermark.save(db).await?;
    (memory.seq, memory.hash) = (last.seq, last.hash);
    Ok(Some(memory))
}

/// Writes rows, many with each statement. The statements' lengths are few, so that SQLite keeps
/// each ready.
async fn put<T>(
    db: &mut SqliteConnection,
    columns: &str,
    rows: Vec<T>,
    bind: impl Fn(&mut row::Values<'_>, T),
) -> Result<(), TablesError> {
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    while left > 0 {
        let lengths = ROWS_AT_ONCE.into_iter();
        let length = lengths.filter(|&n| n <= left).max().unwrap_or(1);
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO ");
        insert.push(columns).push(" ");
        insert.push_values(rows.by_ref().take(length), |mut values, row| {
            bind(&mut values, row);
        });
        insert.build().execute(&mut *db).await?;
        left -= length;
    }
    Ok(())
}

async fn put_timeline(db: &mut SqliteConnection, records: &[&Record]) -> Result<(), TablesError> {
    let shown = records.iter().filter(|it| !it.stamped.event.is_for_audit());
    let json = shown.map(|&record| {
        let json = serde_json::to_string(record).map_err(TablesError::Json)?;
        Ok((record, json))
    });
    let lines = json.collect::<Result<Vec<_>, TablesError>>()?;
    put(db, row::RECORD_COLUMNS, lines, row::bind_record).await
}

async fn put_calls(
    db: &mut SqliteConnection,
    records: &[&Record],
    calls: &mut BTreeMap<CallId, Call>,
    offset_minutes: i32,
) -> Result<(), TablesError> {
    let mut changed = BTreeSet::new();
    for record in records {
        // A seat's wrap-up names a call, too, but changes nothing of its row.
        if matches!(record.stamped.event, Event::SeatChanged { .. }) {
            continue;
        }
        let Some(id) = record.stamped.event.call() else {
            continue;
        };
        if let Some(call) = Call::begun(record) {
            calls.insert(id, call);
            changed.insert(id);
            continue;
        }
        let call = match calls.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                if matches!(record.stamped.event, Event::RecordingClosed { .. }) {
                    // The usual last word of a call that has ended: its row has it already.
                    continue;
                }
                let row = sqlx::query("SELECT * FROM calls WHERE call = ?")
                    .bind(row::int(id.0))
                    .fetch_optional(&mut *db)
                    .await?;
                // Without a beginning there is no row to add to; the timeline has the record.
                let Some(row) = row else {
                    continue;
                };
                vacant.insert(row::call(&row)?)
            }
        };
        if call.apply(record, offset_minutes) {
            changed.insert(id);
        }
    }
    let rows: Vec<&Call> = changed.iter().filter_map(|id| calls.get(id)).collect();
    let cases: Vec<CaseRow> = rows
        .iter()
        .filter_map(|call| CaseRow::of(&call.row))
        .collect();
    put(db, row::CALL_COLUMNS, rows, row::bind_call).await?;
    put(db, row::CASE_COLUMNS, cases, row::bind_case).await?;
    calls.retain(|_, call| call.row.ended_at.is_none());
    if calls.len() > REMEMBERED {
        calls.clear();
    }
    Ok(())
}

/// Messages are few: what is known of one is read from its row each time.
async fn put_messages(db: &mut SqliteConnection, records: &[&Record]) -> Result<(), TablesError> {
    for record in records {
        let row = match (MessageRow::begun(record), MessageRow::changed_by(record)) {
            (Some(begun), _) => Some(begun),
            (None, Some((call, which))) => find_message(db, call, which).await?.map(|mut row| {
                row.apply(record);
                row
            }),
            (None, None) => None,
        };
        let rows = row.into_iter().collect();
        put(db, row::MESSAGE_COLUMNS, rows, row::bind_message).await?;
    }
    Ok(())
}

/// The list of tasks as it stands in the tables, with what happened in the calls that live.
async fn load_tasks(db: &mut SqliteConnection) -> Result<Tasks, TablesError> {
    let mut rows = sqlx::query("SELECT row FROM tasks WHERE state <> 'done' ORDER BY task")
        .fetch_all(&mut *db)
        .await?;
    // Reached a short while ago, as it may be: their seats still say what came of it.
    let unanswered = sqlx::query(
        "SELECT row FROM (SELECT task, row, json_extract(row, '$.ended_at') AS at FROM tasks
           WHERE kind = 'follow-up' AND state = 'done' AND ended = 'reached'
           AND json_extract(row, '$.result') IS NULL ORDER BY at DESC, task DESC LIMIT ?)
         ORDER BY at, task",
    )
    .bind(i64::try_from(TASKS_UNANSWERED).unwrap_or(i64::MAX))
    .fetch_all(&mut *db)
    .await?;
    rows.extend(unanswered);
    let rows = rows.iter().map(row::task);
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let rules = sqlx::query(
        "SELECT seq, json FROM timeline WHERE type = 'task-rules-set' ORDER BY seq DESC LIMIT 1",
    )
    .fetch_optional(&mut *db)
    .await?;
    let rules = rules.as_ref().map(record).transpose()?;
    let rules = rules.and_then(|record| match record.stamped.event {
        Event::TaskRulesSet { rules } => Some(rules),
        _ => None,
    });
    let mut tasks = Tasks::resume(rows, rules);
    let lived = sqlx::query(
        "SELECT seq, json FROM timeline
         WHERE call IN (SELECT call FROM calls WHERE ended_at IS NULL) ORDER BY seq",
    )
    .fetch_all(db)
    .await?;
    for lived in &lived {
        tasks.follow(&record(lived)?);
    }
    Ok(tasks)
}

/// A record of the timeline. Its hash is not kept there.
fn record(row: &SqliteRow) -> Result<Record, TablesError> {
    let stamped: Stamped = serde_json::from_str(row.try_get("json")?).map_err(TablesError::Json)?;
    Ok(Record {
        seq: row::number(row, "seq")?,
        stamped,
        hash: Hash::START,
    })
}

/// Of a task that changed several times the last state is written.
async fn put_tasks(
    db: &mut SqliteConnection,
    records: &[&Record],
    tasks: &mut Tasks,
) -> Result<(), TablesError> {
    let mut rows = BTreeMap::new();
    for record in records {
        rows.extend(tasks.apply(record).into_iter().map(|row| (row.task, row)));
    }
    let written = rows.into_values().map(|row| {
        let json = serde_json::to_string(&row).map_err(TablesError::Json)?;
        Ok((row, json))
    });
    let rows = written.collect::<Result<Vec<_>, TablesError>>()?;
    put(db, row::TASK_COLUMNS, rows, row::bind_task).await
}

async fn find_message(
    db: &mut SqliteConnection,
    call: CallId,
    which: Result<u32, &str>,
) -> Result<Option<MessageRow>, TablesError> {
    let found = sqlx::query("SELECT * FROM messages WHERE call = ? AND (message = ? OR file = ?)")
        .bind(row::int(call.0))
        .bind(which.ok())
        .bind(which.err())
        .fetch_optional(db)
        .await?;
    Ok(found.as_ref().map(row::message).transpose()?)
}

async fn put_intervals(
    db: &mut SqliteConnection,
    records: &[&Record],
    ledger: &mut Ledger,
    before: u64,
) -> Result<(), TablesError> {
    // One row a beginning: of what began and ended here only the end is written.
    let mut rows = BTreeMap::new();
    for record in records {
        for ended in ledger.apply(record) {
            rows.insert((ended.seat, ended.since_seq), ended);
        }
    }
    for begun in ledger.open().filter(|i| i.since_seq > before) {
        rows.insert((begun.seat, begun.since_seq), begun.clone());
    }
    let rows: Vec<&Interval> = rows.values().collect();
    put(db, row::INTERVAL_COLUMNS, rows, row::bind_interval).await
}
