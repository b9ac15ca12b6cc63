//! Records into rows: one transaction for a batch and its watermark.

use std::collections::{BTreeMap, btree_map::Entry};

use hotline_model::{CallId, event::Event};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{TablesError, row};
use crate::{
    Record,
    fold::{Call, CaseRow, Ledger},
    journal::Hash,
};

/// Rows of one INSERT: 6 values each, far below SQLite's limit of 32,766.
const ROWS_AT_ONCE: usize = 500;

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

/// Applies those records of `records` that lie behind the watermark, inside the transaction that
/// `db` is in.
pub(super) async fn apply(
    db: &mut SqliteConnection,
    mut watermark: Watermark,
    records: &[Record],
) -> Result<(), TablesError> {
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
        return Ok(());
    };
    put_timeline(db, new).await?;
    put_calls(db, new, watermark.offset_minutes).await?;
    put_intervals(db, new, &watermark).await?;
    (watermark.seq, watermark.hash) = (last.seq, last.hash);
    (watermark.at, watermark.up_ms) = (last.stamped.at.0, last.stamped.up_ms);
    watermark.save(db).await
}

async fn put_timeline(db: &mut SqliteConnection, records: &[Record]) -> Result<(), TablesError> {
    for chunk in records.chunks(ROWS_AT_ONCE) {
        let mut lines = Vec::with_capacity(chunk.len());
        for record in chunk {
            let json = serde_json::to_string(record).map_err(TablesError::Json)?;
            lines.push((record, row::spelled(&Kind(&record.stamped.event)), json));
        }
        let mut insert =
            QueryBuilder::<Sqlite>::new("INSERT INTO timeline (seq, at, up_ms, call, type, json) ");
        insert.push_values(lines, |mut values, (record, kind, json)| {
            values
                .push_bind(row::int(record.seq))
                .push_bind(record.stamped.at.0)
                .push_bind(row::int(record.stamped.up_ms))
                .push_bind(record.stamped.event.call().map(|call| row::int(call.0)))
                .push_bind(kind)
                .push_bind(json);
        });
        // Each length of a batch is a statement of its own: not worth a place in the cache.
        insert.build().persistent(false).execute(&mut *db).await?;
    }
    Ok(())
}

/// An event's `type` as it stands in its JSON.
struct Kind<'a>(&'a Event);

impl serde::Serialize for Kind<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(self.0).map_err(serde::ser::Error::custom)?;
        let kind = value.get("type").and_then(serde_json::Value::as_str);
        serializer.serialize_str(kind.unwrap_or_default())
    }
}

async fn put_calls(
    db: &mut SqliteConnection,
    records: &[Record],
    offset_minutes: i32,
) -> Result<(), TablesError> {
    let mut calls = BTreeMap::<CallId, Call>::new();
    for record in records {
        // A seat's wrap-up names a call, too, but changes nothing of its row.
        if matches!(record.stamped.event, Event::SeatChanged { .. }) {
            continue;
        }
        let Some(id) = record.stamped.event.call() else {
            continue;
        };
        if let Some(call) = Call::arrived(record) {
            calls.insert(id, call);
            continue;
        }
        match calls.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().apply(record, offset_minutes),
            Entry::Vacant(vacant) => {
                let row = sqlx::query("SELECT * FROM calls WHERE call = ?")
                    .bind(row::int(id.0))
                    .fetch_optional(&mut *db)
                    .await?;
                // Without an arrival there is no row to add to; the timeline has the record.
                if let Some(row) = row {
                    let call = vacant.insert(row::call(&row)?);
                    call.apply(record, offset_minutes);
                }
            }
        }
    }
    for call in calls.values() {
        row::put_call(call).execute(&mut *db).await?;
        if let Some(case) = CaseRow::of(&call.row) {
            row::put_case(&case).execute(&mut *db).await?;
        }
    }
    Ok(())
}

async fn put_intervals(
    db: &mut SqliteConnection,
    records: &[Record],
    watermark: &Watermark,
) -> Result<(), TablesError> {
    let concerned = records.iter().any(|record| {
        matches!(
            record.stamped.event,
            Event::SeatChanged { .. } | Event::EngineStarted { .. } | Event::EngineStopped {}
        )
    });
    if !concerned {
        return Ok(());
    }
    let rows = sqlx::query("SELECT * FROM seat_intervals WHERE until_at IS NULL")
        .fetch_all(&mut *db)
        .await?;
    let open = rows
        .iter()
        .map(row::interval)
        .collect::<Result<Vec<_>, _>>()?;
    let last =
        (watermark.seq > 0).then_some((hotline_model::Timestamp(watermark.at), watermark.up_ms));
    let mut ledger = Ledger::resume(open, last);
    for record in records {
        for ended in ledger.apply(record) {
            row::put_interval(&ended).execute(&mut *db).await?;
        }
    }
    for begun in ledger.open().filter(|i| i.since_seq > watermark.seq) {
        row::put_interval(begun).execute(&mut *db).await?;
    }
    Ok(())
}
