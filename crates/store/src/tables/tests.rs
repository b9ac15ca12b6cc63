//! The tables against the journal they come from.

use hotline_model::{
    CallId, SeatId,
    event::{Event, Outcome, Stamped},
    task::TaskEnd,
};
use serde_json::json;
use sqlx::Row as _;

use super::*;
use crate::{
    Journal,
    fold::{CaseState, IntervalEnd, TaskRow, TaskState, Tasks},
    kpi::MissedCalls,
    samples::{self, day, records, seat, stamped, story},
};

pub(super) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    pub(super) async fn tables(&self) -> Tables {
        let path = self.dir.path().join("tables.sqlite");
        Tables::open(&path, 480).await.unwrap()
    }

    /// Writes the events into the journal; the records as they stand there.
    pub(super) fn write(&self, events: impl IntoIterator<Item = Stamped>) -> Vec<Record> {
        let (mut journal, _) = Journal::open(&self.journal()).unwrap();
        let appended = events.into_iter().map(|e| journal.append(&e).unwrap());
        let appended = appended.collect();
        journal.commit().unwrap();
        appended
    }
}

fn stamped_day(seed: u64, calls: u64) -> impl Iterator<Item = Stamped> {
    day(seed, calls).into_iter().map(|record| record.stamped)
}

pub(super) async fn apply(tables: &Tables, records: &[Record]) -> Result<(), TablesError> {
    tables.apply(&records.iter().collect::<Vec<_>>()).await
}

/// All rows of all tables as text.
pub(super) async fn dump(tables: &Tables) -> Vec<String> {
    let mut lines = Vec::new();
    for sql in [
        "SELECT json_array('applied', version, offset_minutes, seq, hash, at, up_ms) FROM applied",
        "SELECT json_array('call', call, direction, arrived_at, answered_at, ended_at, caller, withheld, called, trunk,
            queue, seat, outcome, released_by, cause, wait_ms, talk_ms, hold_ms, talk_released_by,
            total_ms, score, meaning, recording, case_number, queued_up_ms)
         FROM calls ORDER BY call",
        "SELECT json_array('timeline', seq, at, up_ms, call, type, json) FROM timeline ORDER BY seq",
        "SELECT json_array('case', number, call, opened_at, caller, withheld, seat, queue, answered_at,
            ended_at, score, meaning, recording, state) FROM cases ORDER BY number",
        "SELECT json_array('message', call, message, kind, at, queue, seat, file, ms, empty, lost,
            ended, state, heard_at, heard_by, settled_at, settled_by, note)
         FROM messages ORDER BY call, message",
        "SELECT json_array('task', task, kind, opened_at, due_at, state, taken_until, first_try_at,
            ended, row) FROM tasks ORDER BY task",
        "SELECT json_array('interval', seat, since_seq, since_at, since_up_ms, intent, reason, work,
            call, until_at, ms, ended_by) FROM seat_intervals ORDER BY seat, since_seq",
    ] {
        let rows = sqlx::query(sql).fetch_all(&tables.pool).await.unwrap();
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    lines
}

#[tokio::test]
async fn applied_in_any_batches_caught_up_or_rebuilt_the_rows_are_the_same() {
    let (a, b) = (Place::new(), Place::new());
    let records = a.write(stamped_day(7, 150));
    let batched = a.tables().await;
    let mut from = 0;
    for size in [1, 2, 3, 50, 7, 400].into_iter().cycle() {
        let batch = &records[from..records.len().min(from + size)];
        apply(&batched, batch).await.unwrap();
        from += batch.len();
        if from == records.len() {
            break;
        }
    }
    let rows = dump(&batched).await;
    assert!(rows.len() > records.len() + 200, "{} rows", rows.len());
    assert_eq!(batched.watermark().await.unwrap(), records.len() as u64);

    let caught_up = b.tables().await;
    let count = caught_up.catch_up(&a.journal()).await.unwrap();
    assert_eq!(count, records.len() as u64);
    assert_eq!(dump(&caught_up).await, rows);
    assert_eq!(caught_up.catch_up(&a.journal()).await.unwrap(), 0);

    assert_eq!(batched.rebuild(&a.journal()).await.unwrap(), count);
    assert_eq!(dump(&batched).await, rows);
}

/// A day of calls, with calls back to every third who was missed.
fn day_with_calls_back(seed: u64) -> Vec<Stamped> {
    let mut events: Vec<Stamped> = stamped_day(seed, 150).collect();
    let (mut tasks, mut back) = (Tasks::default(), 10_000);
    let mut at = 0;
    while let Some(stamped) = events.get(at).cloned() {
        at += 1;
        let (at_ms, seq, hash) = (stamped.at, at as u64, Hash::START);
        let up_ms = stamped.up_ms;
        let missed = tasks.apply(&Record { seq, stamped, hash });
        let Some(row) = missed.first().filter(|row| row.missed > 0) else {
            continue;
        };
        if row.end.is_some() || row.trying.is_some() || row.task % 3 != 0 {
            continue;
        }
        back += 1;
        let mut dialled = samples::dialled(back);
        if row.task % 2 == 0 {
            dialled.drain(2..5);
        }
        let events_of = dialled.into_iter().map(|mut event| {
            if let Event::CallDialled { called, .. } = &mut event {
                called.clone_from(&row.number);
            }
            if let Event::DialEnded { outcome, .. } = &mut event
                && row.task % 2 == 0
            {
                *outcome = Outcome::Refused;
            }
            Stamped {
                at: at_ms,
                up_ms,
                event,
            }
        });
        let events_of: Vec<_> = events_of.collect();
        events.splice(at..at, events_of);
    }
    events
}

#[tokio::test]
async fn tasks_and_k13_are_the_same_however_often_the_engine_started_between() {
    let place = Place::new();
    let records = place.write(day_with_calls_back(11));
    let (mut tasks, mut rows) = (Tasks::default(), std::collections::BTreeMap::new());
    for record in &records {
        rows.extend(tasks.apply(record).into_iter().map(|row| (row.task, row)));
    }
    for batch in records.chunks(13) {
        // Opened anew, nothing is remembered.
        let tables = place.tables().await;
        apply(&tables, batch).await.unwrap();
        tables.close().await;
    }
    let tables = place.tables().await;
    let before = dump(&tables).await;
    let now = records.last().unwrap().stamped.at;
    let counted = |rows: &std::collections::BTreeMap<u64, TaskRow>| {
        let mut figures = MissedCalls::default();
        let (from, until) = tasks::window(now);
        let rows = rows.values();
        rows.filter(|row| (from..until).contains(&row.opened_at))
            .for_each(|row| figures.count(row));
        figures
    };
    let figures = tables.missed_calls(now).await.unwrap();
    assert_eq!(figures, counted(&rows));
    let MissedCalls {
        listed,
        tried,
        reached,
        ..
    } = figures;
    assert!(
        listed > tried && tried > reached && reached > 0,
        "{figures:?}"
    );
    tables.rebuild(&place.journal()).await.unwrap();
    assert_eq!(dump(&tables).await, before);
    assert_eq!(tables.missed_calls(now).await.unwrap(), figures);
    let open = TaskFilter {
        state: Some(TaskState::Open),
        ..TaskFilter::default()
    };
    let listed = tables.tasks(open, 1_000, now, true).await.unwrap();
    let shown: Vec<u64> = listed.iter().rev().map(|line| line.row.task).collect();
    let due = tasks
        .rows()
        .filter(|row| row.state_at(now) == TaskState::Open);
    assert_eq!(shown, due.map(|row| row.task).collect::<Vec<_>>());
    let masked = tables.tasks(open, 1, now, false).await.unwrap();
    assert!(masked[0].row.number.contains("****"), "{masked:?}");
    let number = &rows
        .values()
        .find(|row| row.end == Some(TaskEnd::Reached))
        .unwrap()
        .number;
    assert_eq!(
        tables.last_talk(number).await.unwrap().unwrap().seat,
        seat("1001")
    );
    assert_eq!(tables.last_talk("10086").await.unwrap(), None);
}

#[tokio::test]
async fn a_record_has_its_effect_once() {
    let place = Place::new();
    let records = place.write(stamped_day(3, 60));
    let tables = place.tables().await;
    let (first, second) = records.split_at(records.len() / 2);
    apply(&tables, first).await.unwrap();
    let half = dump(&tables).await;
    apply(&tables, first).await.unwrap();
    apply(&tables, &first[first.len() - 3..]).await.unwrap();
    assert_eq!(dump(&tables).await, half);

    // Records missing in between are not skipped over.
    let gap = apply(&tables, &second[1..]).await;
    assert!(matches!(gap, Err(TablesError::Gap { .. })), "{gap:?}");
    assert_eq!(dump(&tables).await, half);

    // A batch that overlaps is applied from the watermark on.
    apply(&tables, &records[10..]).await.unwrap();
    let whole = dump(&tables).await;
    tables.rebuild(&place.journal()).await.unwrap();
    assert_eq!(dump(&tables).await, whole);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let place = Place::new();
    let records = place.write(stamped_day(5, 30));
    let tables = place.tables().await;
    sqlx::query("CREATE TRIGGER no BEFORE INSERT ON cases BEGIN SELECT RAISE(ABORT, 'no'); END")
        .execute(&tables.pool)
        .await
        .unwrap();
    let before = dump(&tables).await;
    let failed = apply(&tables, &records).await;
    assert!(
        matches!(failed, Err(TablesError::Database(_))),
        "{failed:?}"
    );
    assert_eq!(dump(&tables).await, before);
    let drop = sqlx::query("DROP TRIGGER no").execute(&tables.pool).await;
    drop.unwrap();
    apply(&tables, &records).await.unwrap();
    assert_eq!(tables.watermark().await.unwrap(), records.len() as u64);
}

#[tokio::test]
async fn lists_go_from_new_to_old_and_mask_callers() {
    let place = Place::new();
    let tables = place.tables().await;
    let events = (1..=5).flat_map(story);
    apply(&tables, &records(events)).await.unwrap();

    let page = tables.calls(2, None, false).await.unwrap();
    assert_eq!(page.iter().map(|c| c.call.0).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(page[0].caller, "138****0005");
    let page = tables.calls(9, Some(page[1].call), true).await.unwrap();
    assert_eq!(page.iter().map(|c| c.call.0).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(page[0].caller, "13800000003");

    let call = tables.call(CallId(2), false).await.unwrap().unwrap();
    assert_eq!(call.caller, "138****0002");
    assert_eq!(tables.call(CallId(6), true).await.unwrap(), None);

    let cases = tables.cases(2, None, false).await.unwrap();
    assert_eq!(cases.iter().map(|c| c.call.0).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(
        (cases[0].caller.as_str(), cases[0].state),
        ("138****0005", CaseState::Closed)
    );
    let older = tables
        .cases(9, Some(&cases[1].number), false)
        .await
        .unwrap();
    assert_eq!(
        older.iter().map(|c| c.call.0).collect::<Vec<_>>(),
        [3, 2, 1]
    );
    let case = tables.case(&cases[0].number, true).await.unwrap().unwrap();
    assert_eq!(case.caller, "13800000005");
    assert_eq!(call.case, older.get(1).map(|case| case.number.clone()));
    assert_eq!(tables.case("' OR 1=1 --", true).await.unwrap(), None);
}

#[tokio::test]
async fn a_withheld_number_and_one_called_by_a_seat_are_hidden() {
    let place = Place::new();
    let tables = place.tables().await;
    let mut events = story(1);
    if let Event::CallArrived { withheld, .. } = &mut events[0] {
        *withheld = true;
    }
    apply(
        &tables,
        &records(events.into_iter().chain(samples::dialled(2))),
    )
    .await
    .unwrap();
    let shown = tables.calls(2, None, false).await.unwrap();
    let numbers = |call: &crate::fold::CallRow| (call.caller.clone(), call.called.clone());
    assert_eq!(numbers(&shown[0]), ("1001".into(), "138****9999".into()));
    assert_eq!(numbers(&shown[1]), (String::new(), "12345".into()));
    let whole = tables.calls(2, None, true).await.unwrap();
    assert_eq!(whole[0].called, "13800009999");
    assert_eq!(whole[1].caller, "13800000001");
    assert_eq!(tables.cases(9, None, false).await.unwrap()[0].caller, "");
    let line = tables.timeline(CallId(1), false).await.unwrap();
    assert_eq!(line[0]["caller"], "");
    let line = tables.timeline(CallId(2), false).await.unwrap();
    assert_eq!(line[0]["called"], "138****9999");
    assert_eq!(line[1]["called"], "138****9999");
    assert_eq!(line.len(), 6);
}

#[tokio::test]
async fn who_talked_last_is_found_by_a_mobile_dialled_with_a_0_too() {
    let place = Place::new();
    let tables = place.tables().await;
    let number = "13800138000";
    for (call, called) in [(1, "013800138000"), (2, "057187654321")] {
        let mut events = samples::dialled(call);
        if let Event::CallDialled { called: to, .. } = &mut events[0] {
            *to = called.to_owned();
        }
        place.write(records(events).into_iter().map(|record| record.stamped));
    }
    tables.catch_up(&place.journal()).await.unwrap();
    let talk = tables.last_talk(number).await.unwrap();
    assert_eq!(talk.map(|it| it.seat), Some(seat("1001")));
    // A 0 before a number of the land is part of it.
    assert_eq!(tables.last_talk("57187654321").await.unwrap(), None);
    assert!(tables.last_talk("057187654321").await.unwrap().is_some());
    tables.close().await;
}

#[tokio::test]
async fn what_another_connection_did_is_not_remembered_wrongly() {
    let place = Place::new();
    let all = place.write(stamped_day(9, 60));
    let (mine, other) = (place.tables().await, place.tables().await);
    for (n, batch) in all.chunks(23).enumerate() {
        let tables = if n % 3 == 0 { &mine } else { &other };
        apply(tables, batch).await.unwrap();
    }
    let rows = dump(&mine).await;
    mine.rebuild(&place.journal()).await.unwrap();
    assert_eq!(dump(&mine).await, rows);
}

#[tokio::test]
async fn a_timeline_is_the_calls_records() {
    let place = Place::new();
    let tables = place.tables().await;
    let all = records(story(1).into_iter().chain(story(2)));
    apply(&tables, &all).await.unwrap();
    let line = tables.timeline(CallId(2), false).await.unwrap();
    assert_eq!(line.len(), 19);
    assert_eq!(
        line[0],
        json!({
            "seq": 20, "at": 1_795_246_231_000i64, "up_ms": 19_000, "type": "call-arrived",
            "call": 2, "trunk": "mobile", "caller": "138****0002", "called": "12345",
            "sip_call_id": "2@carrier"
        })
    );
    let whole = tables.timeline(CallId(2), true).await.unwrap();
    assert_eq!(whole[0]["caller"], "13800000002");
    assert_eq!(whole[1..], line[1..]);
}

#[tokio::test]
async fn rows_read_back_as_the_folds_made_them() {
    let place = Place::new();
    let all = records(samples::one_of_each());
    let tables = place.tables().await;
    apply(&tables, &all).await.unwrap();
    let mut calls: Vec<crate::fold::Call> = Vec::new();
    for record in &all {
        calls.extend(crate::fold::Call::begun(record));
        let id = record.stamped.event.call();
        if let Some(call) = calls.iter_mut().find(|call| Some(call.row.call) == id) {
            call.apply(record, 480);
        }
    }
    for call in &calls {
        let row = tables.call(call.row.call, true).await.unwrap().unwrap();
        assert_eq!(row, call.row);
        if let Some(case) = crate::fold::CaseRow::of(&call.row) {
            assert_eq!(tables.case(&case.number, true).await.unwrap(), Some(case));
        }
    }
    assert_eq!(calls.len(), 3);
}

#[tokio::test]
async fn the_ledger_sums_to_the_time_logged_in() {
    let place = Place::new();
    let mut events: Vec<_> = stamped_day(11, 80).collect();
    let mut last = events.last().unwrap().clone();
    last.event = Event::EngineStopped {};
    events.push(last.clone());
    let tables = place.tables().await;
    apply(&tables, &place.write(events.clone())).await.unwrap();
    for number in 1_001..1_006 {
        let id: SeatId = seat(&number.to_string());
        let first = events
            .iter()
            .find(|e| matches!(&e.event, Event::SeatChanged { seat, .. } if *seat == id));
        let intervals = tables.seat_intervals(id, 1_000, None).await.unwrap();
        let sum: u64 = intervals.iter().map(|i| i.end.unwrap().ms).sum();
        assert_eq!(sum, last.up_ms - first.unwrap().up_ms, "seat {number}");
        assert_eq!(intervals[0].end.unwrap().by, IntervalEnd::EngineStopped);
        let older = tables
            .seat_intervals(id, 1, Some(intervals[0].since_seq))
            .await
            .unwrap();
        assert_eq!(older[0], intervals[1]);
    }
}

#[tokio::test]
async fn a_journal_that_does_not_fit_the_tables_is_noticed() {
    let (a, b, short) = (Place::new(), Place::new(), Place::new());
    let tables = a.tables().await;
    let records = a.write(stamped_day(1, 20));
    apply(&tables, &records).await.unwrap();
    b.write(stamped_day(2, 60));
    short.write([stamped(1, samples::arrived(1))]);
    let seq = records.len() as u64;
    let foreign = tables.catch_up(&b.journal()).await;
    assert!(
        matches!(foreign, Err(TablesError::Foreign { seq: s }) if s == seq),
        "{foreign:?}"
    );
    let ahead = tables.catch_up(&short.journal()).await;
    assert!(
        matches!(ahead, Err(TablesError::Ahead { tables: s }) if s == seq),
        "{ahead:?}"
    );
    // A person who knows better rebuilds.
    assert_eq!(tables.rebuild(&short.journal()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_file_keeps_its_numbers_and_is_refilled_after_a_change_of_schema() {
    let place = Place::new();
    let tables = place.tables().await;
    let records = place.write(stamped_day(1, 20));
    apply(&tables, &records).await.unwrap();
    let rows = dump(&tables).await;
    tables.close().await;
    let path = place.dir.path().join("tables.sqlite");
    let other = Tables::open(&path, 540).await;
    assert!(matches!(
        other,
        Err(TablesError::Offset {
            file: 480,
            given: 540
        })
    ));

    let tables = place.tables().await;
    assert_eq!(dump(&tables).await, rows);
    let older = sqlx::query("UPDATE applied SET version = 0")
        .execute(&tables.pool)
        .await;
    older.unwrap();
    tables.close().await;
    let tables = place.tables().await;
    assert_eq!(tables.watermark().await.unwrap(), 0);
    tables.catch_up(&place.journal()).await.unwrap();
    assert_eq!(dump(&tables).await, rows);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_callers_numbers() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let tables = place.tables().await;
    apply(&tables, &place.write(stamped_day(1, 3)))
        .await
        .unwrap();
    let mut files = 0;
    for entry in [place.dir.path().to_owned(), place.journal()] {
        for file in std::fs::read_dir(entry).unwrap().map(Result::unwrap) {
            let meta = file.metadata().unwrap();
            if meta.is_file() && meta.len() > 0 {
                assert_eq!(meta.permissions().mode() & 0o077, 0, "{file:?}");
                files += 1;
            }
        }
    }
    assert!(files >= 2, "{files}");
}

#[tokio::test]
async fn messages_are_listed_by_state_with_their_masked_callers() {
    use crate::fold::MessageState;

    let place = Place::new();
    let mut events = Vec::new();
    for (call, told) in [(1, 5), (2, 3), (3, 2)] {
        events.push(samples::arrived(call));
        events.extend(samples::message(call).into_iter().take(told));
    }
    let all = records(events);
    let tables = place.tables().await;
    // In batches that cut the messages apart.
    for batch in all.chunks(4) {
        apply(&tables, batch).await.unwrap();
    }
    let ids = |lines: Vec<MessageLine>| lines.into_iter().map(|it| it.id).collect::<Vec<_>>();
    let listed = tables.messages(None, 10, None, false).await.unwrap();
    assert_eq!(listed[0].caller, "138****0003");
    assert_eq!(ids(listed), ["3-1", "2-1", "1-1"]);
    for (state, id) in [
        (MessageState::New, "3-1"),
        (MessageState::Heard, "2-1"),
        (MessageState::Done, "1-1"),
    ] {
        let listed = tables.messages(Some(state), 10, None, false).await.unwrap();
        assert_eq!(ids(listed), [id]);
    }
    let next = tables.messages(None, 1, Some((CallId(3), 1)), false);
    assert_eq!(ids(next.await.unwrap()), ["2-1"]);
    let one = tables.message(CallId(1), 1, true).await.unwrap().unwrap();
    assert_eq!(
        (one.caller.as_str(), one.row.ms),
        ("13800000001", Some(12_345))
    );
    assert_eq!(tables.message(CallId(1), 2, true).await.unwrap(), None);
}
