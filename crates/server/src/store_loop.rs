//! The journal thread and the tables thread. The first makes events durable and lets the folds
//! follow; the second fills SQLite a few times a second, and nobody waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use hotline_model::{
    Instant, QueueId, SeatId, Timestamp, TrunkId,
    event::{Event, Stamped},
};
use hotline_store::{
    Record, Tables, Writer,
    fold::QueueLevel,
    journal::{AppendError, CommitError},
    kpi::{FollowUps, MissedCalls},
    wallboard::{CallLine, PhoneLine, Totals, TrunkLine},
};
use tokio::sync::{broadcast, mpsc, watch};

use crate::{
    reload::roll::Roll,
    signalling_loop::{Doors, wall_clock},
};

/// Most events of one group commit.
const GROUP: usize = 4_096;

/// Shortest time between two pictures for the wallboard.
const PICTURE_EVERY: Duration = Duration::from_millis(200);

/// A picture is taken this often even when nothing happens: the rolling window moves by itself.
const PICTURE_AT_LEAST: Duration = Duration::from_secs(5);

/// Time between two tries when the disk refuses.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Groups waiting for the tables. When full the tables catch up from the journal instead.
const GROUPS_WAITING: usize = 256;

/// The tables gather what was committed for so long before they take it in one transaction: a row
/// that changed three times is written once, and lists are a blink behind the board.
const TABLES_GATHER: Duration = Duration::from_millis(200);

/// Most records of one transaction of the tables, so that readers do not wait long behind it.
const TABLES_AT_ONCE: usize = 20_000;

/// Shortest time between two counts of the missed calls.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The journal gathers what happens for so long before it waits for the disk: under load a
/// hundred commits a second instead of one an event. Calls do not wait for it.
const COMMIT_GATHER: Duration = Duration::from_millis(10);

/// Groups a slow live stream may lag behind before it loses some and says so.
const GROUPS_STREAMED: usize = 1_024;

/// What the folds show at one moment.
#[derive(Clone)]
pub struct Picture {
    /// When.
    pub at: Timestamp,
    /// Counts and rates.
    pub totals: Totals,
    /// Service level of each queue.
    pub queue_levels: BTreeMap<QueueId, QueueLevel>,
    /// Calls each seat answered today.
    pub calls_today: BTreeMap<SeatId, u64>,
    /// The calls that live.
    pub live_calls: Vec<CallLine>,
    /// The seats that talk with each other.
    pub consulting: BTreeSet<SeatId>,
    /// The trunks, in the order of the configuration.
    pub trunks: Vec<TrunkLine>,
    /// Seats whose pages are cut off.
    pub desks_lost: BTreeSet<SeatId>,
    /// The shared phones, in the order of the configuration.
    pub phones: Vec<PhoneLine>,
}

/// Where the story can be heard.
pub struct Story {
    /// The newest picture.
    pub picture: watch::Receiver<Arc<Picture>>,
    /// Every committed group of records.
    pub records: broadcast::Sender<Arc<Vec<Record>>>,
    /// How far the tables are.
    pub tables: watch::Receiver<Filed>,
}

/// What the tables have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filed {
    /// The last record.
    pub seq: u64,
    /// K13 of the rolling 24 hours; `None` before it was first counted.
    pub missed: Option<MissedCalls>,
    /// What came of the follow-ups of those hours; `None` before it was first counted.
    pub follow_ups: Option<FollowUps>,
}

/// The journal thread's state.
pub struct JournalLoop {
    writer: Writer,
    doors: Arc<Doors>,
    epoch: StdInstant,
    roll: watch::Receiver<Arc<Roll>>,
    trunks: Vec<TrunkId>,
    picture: watch::Sender<Arc<Picture>>,
    records: broadcast::Sender<Arc<Vec<Record>>>,
    to_tables: mpsc::Sender<Arc<Vec<Record>>>,
    stop: watch::Receiver<bool>,
}

/// The tables thread's state.
pub struct TablesLoop {
    tables: Tables,
    journal: PathBuf,
    groups: mpsc::Receiver<Arc<Vec<Record>>>,
    filed: watch::Sender<Filed>,
    counted: Option<StdInstant>,
}

/// Makes both loops and the places where their story can be heard. `stop` rises when no more
/// events will come.
#[expect(
    clippy::too_many_arguments,
    reason = "everything the two threads own or follow"
)]
pub fn loops(
    writer: Writer,
    tables: Tables,
    journal: PathBuf,
    doors: Arc<Doors>,
    epoch: StdInstant,
    roll: watch::Receiver<Arc<Roll>>,
    trunks: Vec<TrunkId>,
    stop: watch::Receiver<bool>,
) -> (JournalLoop, TablesLoop, Story) {
    let (to_tables, groups) = mpsc::channel(GROUPS_WAITING);
    let (records, _) = broadcast::channel(GROUPS_STREAMED);
    let first = Arc::new(take_picture(&writer, &roll.borrow(), &trunks, epoch));
    let (picture, pictures) = watch::channel(first);
    let (filed, filing) = watch::channel(Filed::default());
    let story = Story {
        picture: pictures,
        records: records.clone(),
        tables: filing,
    };
    let journal_loop = JournalLoop {
        writer,
        doors,
        epoch,
        roll,
        trunks,
        picture,
        records,
        to_tables,
        stop,
    };
    (
        journal_loop,
        TablesLoop {
            tables,
            journal,
            groups,
            filed,
            counted: None,
        },
        story,
    )
}

fn take_picture(writer: &Writer, roll: &Roll, trunks: &[TrunkId], epoch: StdInstant) -> Picture {
    let at = wall_clock();
    let folds = writer.folds();
    let up_ms = u64::try_from(epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
    Picture {
        at,
        totals: folds.totals(at),
        queue_levels: folds.queue_levels(at, up_ms),
        calls_today: roll
            .seats
            .iter()
            .map(|named| (named.id, folds.calls_today(named.id, at)))
            .collect(),
        live_calls: folds.live_calls(up_ms),
        consulting: folds.consulting(),
        trunks: folds.trunks(trunks, up_ms),
        desks_lost: folds.desks_lost(),
        phones: folds.phones(&roll.phones),
    }
}

impl JournalLoop {
    /// Runs until told to stop, then writes what is left and that the engine stopped.
    pub async fn run(mut self) {
        let mut pictured = StdInstant::now();
        let mut changed = false;
        loop {
            let pause = if changed {
                PICTURE_EVERY
            } else {
                PICTURE_AT_LEAST
            };
            let stopping = tokio::select! {
                () = self.doors.journal_bell.notified() => {
                    tokio::time::sleep(COMMIT_GATHER).await;
                    false
                }
                () = tokio::time::sleep_until((pictured + pause).into()) => false,
                _ = self.stop.changed() => true,
            };
            changed |= self.write_all().await;
            if stopping {
                self.put(stamped(self.epoch, Event::EngineStopped {})).await;
                self.commit().await;
                return;
            }
            if pictured.elapsed()
                >= if changed {
                    PICTURE_EVERY
                } else {
                    PICTURE_AT_LEAST
                }
            {
                pictured = StdInstant::now();
                changed = false;
                let roll = self.roll.borrow().clone();
                let picture = take_picture(&self.writer, &roll, &self.trunks, self.epoch);
                self.picture.send_replace(Arc::new(picture));
            }
        }
    }

    /// Commits everything that waits, group by group. Says whether there was anything.
    async fn write_all(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut taken = 0;
            while taken < GROUP {
                let Some(stamped) = self.doors.events.pop() else {
                    break;
                };
                self.put(stamped).await;
                taken += 1;
            }
            if taken == 0 {
                return any;
            }
            any = true;
            self.commit().await;
        }
    }

    /// An event that cannot be a record (longer than a record may be) is our own fault: it is
    /// reported, and the others go on.
    async fn put(&mut self, stamped: Stamped) {
        let mut appended = self.writer.append(stamped);
        if let Err((AppendError::Full, stamped)) = appended {
            self.commit().await;
            appended = self.writer.append(*stamped);
        }
        if let Err((error, _)) = appended {
            metrics::counter!("hotline_journal_refused_total").increment(1);
            tracing::error!(%error, "an event could not be journalled");
        }
    }

    /// One fsync; tries again for as long as the disk refuses. Events wait in their ring
    /// meanwhile, and when that is full, calls wait: nothing is lost.
    async fn commit(&mut self) {
        let group = loop {
            match self.writer.commit() {
                Ok(group) => break group,
                Err(CommitError::Retry(error)) => {
                    metrics::counter!("hotline_journal_retries_total").increment(1);
                    tracing::error!(%error, "the journal cannot be written; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                Err(CommitError::Dead(error)) => {
                    // The journal says that it can no longer be trusted. An engine without a
                    // journal must not take calls: stop at once, the supervisor starts it anew
                    // and recovery repairs what can be repaired.
                    tracing::error!(%error, "the journal failed for good; the engine stops");
                    std::process::exit(1);
                }
            }
        };
        metrics::counter!("hotline_journal_records_total").increment(group.len() as u64);
        if group.is_empty() {
            return;
        }
        note_last("hotline_journal_last_record", group.last());
        let group = Arc::new(group);
        // Full: the tables notice the gap and read the journal.
        let _ = self.to_tables.try_send(group.clone());
        // Nobody listening is no fault.
        let _ = self.records.send(group);
    }
}

/// Shows on the metrics page how far a thread has come; the tables are behind by the difference.
fn note_last(gauge: &'static str, last: Option<&Record>) {
    if let Some(last) = last {
        metrics::gauge!(gauge).set(last.seq as f64);
    }
}

/// Stamps an event of the shell itself.
pub fn stamped(epoch: StdInstant, event: Event) -> Stamped {
    let up_ms = Instant::from_start(epoch.elapsed()).millis_since(Instant::START);
    Stamped {
        at: wall_clock(),
        up_ms,
        event,
    }
}

impl TablesLoop {
    /// Runs until the journal thread is gone, then brings the tables up to the journal's end.
    pub async fn run(mut self) {
        self.catch_up().await;
        loop {
            self.tell().await;
            // Of tasks, too, a window of 24 hours moves by itself.
            let next = tokio::time::timeout(PICTURE_AT_LEAST, self.groups.recv()).await;
            let Ok(next) = next else { continue };
            let Some(first) = next else { break };
            let until = tokio::time::Instant::now() + TABLES_GATHER;
            let mut count = first.len();
            let mut groups = vec![first];
            while count < TABLES_AT_ONCE
                && let Ok(Some(more)) = tokio::time::timeout_at(until, self.groups.recv()).await
            {
                count += more.len();
                groups.push(more);
            }
            let records: Vec<&Record> = groups.iter().flat_map(|group| group.iter()).collect();
            let taken = if self.follows(records.first().copied()).await {
                self.tables.apply(&records).await.inspect_err(|error| {
                    tracing::error!(%error, "the tables could not take a group; reading it again");
                })
            } else {
                // Groups were dropped while the tables were slow: the journal has them.
                self.catch_up().await;
                Ok(())
            };
            if taken.is_err() {
                self.catch_up().await;
            }
            // Of these at least: what was read again may go further.
            note_last("hotline_tables_last_record", records.last().copied());
        }
        if let Err(error) = self.tables.catch_up(&self.journal).await {
            tracing::warn!(%error, "the tables are behind; the next start brings them up to date");
        }
    }

    /// Tells how far the tables are, and now and then what K13 is.
    async fn tell(&mut self) {
        let mut filed = *self.filed.borrow();
        match self.tables.watermark().await {
            Ok(seq) => filed.seq = seq,
            Err(error) => tracing::error!(%error, "the tables do not say how far they are"),
        }
        let counted = self.counted.map(|at| at.elapsed());
        if counted.is_none_or(|since| since >= COUNT_EVERY) {
            self.counted = Some(StdInstant::now());
            match self.tables.missed_calls(wall_clock()).await {
                Ok(missed) => filed.missed = Some(missed),
                Err(error) => tracing::error!(%error, "missed calls cannot be counted"),
            }
            match self.tables.follow_ups(wall_clock()).await {
                Ok(counts) => filed.follow_ups = Some(counts),
                Err(error) => tracing::error!(%error, "follow-ups cannot be counted"),
            }
        }
        self.filed.send_replace(filed);
    }

    /// Reads from the journal what the tables do not have, until it succeeds or nobody is left who
    /// would want to know.
    async fn catch_up(&mut self) {
        while let Err(error) = self.tables.catch_up(&self.journal).await {
            tracing::error!(%error, "the tables cannot follow the journal; trying again");
            tokio::time::sleep(RETRY_AFTER).await;
            if self.groups.is_closed() && self.groups.is_empty() {
                return;
            }
        }
    }

    /// Whether the record goes on where the tables stand.
    async fn follows(&self, first: Option<&Record>) -> bool {
        match (first, self.tables.watermark().await) {
            (Some(first), Ok(watermark)) => first.seq <= watermark + 1,
            _ => false,
        }
    }
}
