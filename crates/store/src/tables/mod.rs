//! The folds' rows in SQLite, for lists and searches. Derived: the journal is the truth, and the
//! tables can be dropped and filled again from it at any time.
//!
//! Each batch of records is one transaction that also moves the watermark, so that a record has
//! its effect exactly once, whenever the process stops and whatever is applied again.

mod apply;
mod next;
#[cfg(test)]
mod next_tests;
mod query;
mod row;
mod schema;
mod tasks;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use next::{Past, PastCall, PastTask};
pub use query::{LONG_INTERVAL_MS, MessageLine, PAGE_ROWS, TIMELINE_ROWS};
pub use tasks::{CallerLine, LastTalk, TaskFilter, TaskLine};

use crate::{
    Record,
    journal::{self, Hash, ReadError},
};
use apply::{Memory, Watermark};

/// Records of one transaction while catching up.
const BATCH: usize = 1_000;

/// Connections that read, beside the one that writes (WAL).
const READERS: u32 = 4;

/// Longest wait for a lock that another process holds (a rebuild beside a running engine).
const BUSY: Duration = Duration::from_secs(10);

/// The tables. Cheap to clone: all clones share the connections.
#[derive(Clone, Debug)]
pub struct Tables {
    pool: SqlitePool,
    /// The connection that writes. It is opened once and kept, so that its thread has the priority
    /// of the thread which opened the tables.
    writer: SqlitePool,
    /// Of the one that writes; nobody waits for it.
    memory: Arc<Mutex<Option<Memory>>>,
}

/// Why the tables cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// SQLite failed.
    #[error("the tables' database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A record has no JSON form, or a row's JSON is not readable.
    #[error("a record in the tables is not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The database file cannot be created.
    #[error("the tables cannot be created at {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Records are missing between the watermark and those given: catch up first.
    #[error("record {expected} is due for the tables, not {got}")]
    Gap {
        /// What is due.
        expected: u64,
        /// What was given.
        got: u64,
    },
    /// The journal ends before the tables do: it was cut, or it is the wrong folder.
    #[error("the tables contain record {tables}, but the journal ends before it")]
    Ahead {
        /// The tables' last record.
        tables: u64,
    },
    /// The tables were filled from a journal with other records.
    #[error("record {seq} of the journal is not the one that the tables contain")]
    Foreign {
        /// The tables' last record.
        seq: u64,
    },
    /// The file's offset of local time is another one. The numbers of its cases are known to
    /// callers and do not change.
    #[error("the tables number cases at UTC{file:+} minutes, not at {given:+}")]
    Offset {
        /// Minutes east of UTC in the file.
        file: i32,
        /// Minutes east of UTC that were asked for.
        given: i32,
    },
}

impl Tables {
    /// Opens or creates the database file. `offset_minutes`: local time east of UTC (China: 480),
    /// for the numbers of cases; a file keeps the one it was created with.
    pub async fn open(path: &Path, offset_minutes: i32) -> Result<Self, TablesError> {
        create_private(path).map_err(|source| TablesError::File {
            path: path.into(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // Without an fsync per transaction: what a power loss takes is applied again.
            .synchronous(SqliteSynchronous::Normal)
            // A page that changes with each transaction is put in its place once for many.
            .pragma("wal_autocheckpoint", "4000")
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        let tables = Self {
            pool: SqlitePoolOptions::new()
                .max_connections(READERS)
                .connect_lazy_with(options),
            writer,
            memory: Arc::default(),
        };
        tables.define(offset_minutes).await?;
        Ok(tables)
    }

    /// Puts the definitions in place, anew when they are of another version.
    async fn define(&self, offset_minutes: i32) -> Result<(), TablesError> {
        let mut db = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(schema::APPLIED).execute(&mut *db).await?;
        match Watermark::load(&mut db).await? {
            Some(found) if found.offset_minutes != offset_minutes => {
                return Err(TablesError::Offset {
                    file: found.offset_minutes,
                    given: offset_minutes,
                });
            }
            Some(found) if found.version == schema::VERSION => {}
            _ => {
                sqlx::raw_sql(schema::DROP).execute(&mut *db).await?;
                start(offset_minutes).save(&mut db).await?;
            }
        }
        sqlx::raw_sql(schema::TABLES).execute(&mut *db).await?;
        db.commit().await?;
        Ok(())
    }

    /// Applies records that follow the watermark, in one transaction with it. Those up to it are
    /// skipped: applying a record again does nothing.
    pub async fn apply(&self, records: &[&Record]) -> Result<(), TablesError> {
        let mut db = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let memory = self.memory.lock().ok().and_then(|mut kept| kept.take());
        let mut after = None;
        if let Some(watermark) = Watermark::load(&mut db).await? {
            after = apply::apply(&mut db, watermark, memory, records).await?;
        }
        db.commit().await?;
        if let Ok(mut kept) = self.memory.lock() {
            *kept = after;
        }
        Ok(())
    }

    /// Applies what the journal has beyond the watermark, after checking that the tables were
    /// filled from this journal. Returns how many records it applied. Reads files on the calling
    /// thread.
    pub async fn catch_up(&self, journal: &Path) -> Result<u64, TablesError> {
        let (seq, hash) = self.last().await?;
        let mut records = journal::read(journal, seq.max(1))?;
        if seq > 0 {
            match records.next().transpose()? {
                None => return Err(TablesError::Ahead { tables: seq }),
                Some(record) if record.hash != hash => return Err(TablesError::Foreign { seq }),
                Some(_) => {}
            }
        }
        let mut count = 0;
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            batch.clear();
            for record in records.by_ref().take(BATCH) {
                batch.push(record?);
            }
            if batch.is_empty() {
                return Ok(count);
            }
            let records: Vec<&Record> = batch.iter().collect();
            self.apply(&records).await?;
            count += batch.len() as u64;
        }
    }

    /// Empties the tables and applies the journal from its first record. Readers see them fill.
    /// Returns how many records it applied.
    pub async fn rebuild(&self, journal: &Path) -> Result<u64, TablesError> {
        let mut db = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(watermark) = Watermark::load(&mut db).await? {
            sqlx::raw_sql(schema::DROP).execute(&mut *db).await?;
            sqlx::raw_sql(schema::TABLES).execute(&mut *db).await?;
            start(watermark.offset_minutes).save(&mut db).await?;
        }
        db.commit().await?;
        self.catch_up(journal).await
    }

    /// Sequence number of the last record that the tables contain; 0 for none.
    pub async fn watermark(&self) -> Result<u64, TablesError> {
        Ok(self.last().await?.0)
    }

    async fn last(&self) -> Result<(u64, Hash), TablesError> {
        let mut db = self.writer.acquire().await?;
        let watermark = Watermark::load(&mut db).await?;
        Ok(watermark.map_or((0, Hash::START), |w| (w.seq, w.hash)))
    }

    /// Waits for what runs and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }
}

/// The watermark of empty tables.
fn start(offset_minutes: i32) -> Watermark {
    Watermark {
        seq: 0,
        hash: Hash::START,
        at: 0,
        up_ms: 0,
        offset_minutes,
        version: schema::VERSION,
    }
}

/// For the owner's eyes only: the tables hold callers' numbers. SQLite gives its WAL file the
/// rights of this one.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}
