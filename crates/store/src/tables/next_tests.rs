//! The next task, its citizen's past and the results of follow-ups, however often the engine started
//! between.

use hotline_model::{
    CallId, QueueId, Timestamp, TrunkId,
    event::{Event, Outcome, Stamped},
    task::{TaskKind, TaskResult},
};

use super::{
    tests::{Place, apply, dump},
    *,
};
use crate::{
    fold::{TaskRow, Tasks},
    kpi::FollowUps,
    samples::{NOON, ended, queued, seat},
};

const CITIZEN: &str = "13812345678";

/// Something every ten seconds.
fn told(events: impl IntoIterator<Item = Event>) -> Vec<Stamped> {
    let events = (0_i64..).zip(events);
    let told = events.map(|(n, event)| Stamped {
        at: Timestamp(NOON + n * 10_000),
        up_ms: n as u64 * 10_000,
        event,
    });
    told.collect()
}

fn added(number: &str, due_s: i64) -> Event {
    Event::TaskAdded {
        number: number.into(),
        note: "问是否满意".into(),
        due_at: Timestamp(NOON + due_s * 1_000),
        by: "supervisor".into(),
    }
}

fn missed(call: u64, number: &str, queue: &str) -> [Event; 3] {
    let trunk = Some(TrunkId::new("mobile").unwrap());
    let arrived = Event::CallArrived {
        call: CallId(call),
        trunk,
        caller: number.into(),
        called: "12345".into(),
        sip_call_id: String::new(),
        withheld: false,
    };
    [
        arrived,
        queued(call, queue),
        ended(call, Outcome::Abandoned),
    ]
}

fn taken(task: u64, by: &str) -> Event {
    Event::TaskTaken {
        task,
        seat: seat(by),
        by: by.into(),
    }
}

fn reached(call: u64, by: &str, number: &str) -> [Event; 3] {
    let called = number.to_owned();
    let dialled = Event::CallDialled {
        call: CallId(call),
        seat: seat(by),
        called,
        sip_call_id: String::new(),
        purpose: None,
    };
    let answered = Event::OutsideAnswered {
        call: CallId(call),
        trunk: TrunkId::new("mobile").unwrap(),
        since_dialled_ms: 1,
        for_guest: false,
    };
    let over = Event::DialEnded {
        call: CallId(call),
        outcome: Outcome::Answered,
        released_by: hotline_model::event::ReleasedBy::Agent,
        cause: String::new(),
        talk_ms: 30_000,
        hold_ms: 0,
        total_ms: 40_000,
    };
    [dialled, answered, over]
}

fn entered(task: u64, by: &str, result: TaskResult, score: Option<u8>) -> Event {
    Event::TaskResultEntered {
        task,
        seat: seat(by),
        by: by.into(),
        result,
        score,
        remark: "已答复".into(),
    }
}

#[tokio::test]
async fn the_next_task_is_the_most_due_then_the_oldest_that_fits() {
    let place = Place::new();
    let tables = place.tables().await;
    let mut events = vec![added("13800000001", 9_000), added("13800000002", 7_000)];
    events.extend(missed(1, "13800000003", "business"));
    events.push(added("13800000006", 7_000));
    let records = place.write(told(events));
    apply(&tables, &records).await.unwrap();
    // Listed and due in half an hour: before both follow-ups, for who serves its queue.
    let now = records.last().unwrap().stamped.at;
    let business = QueueId::new("business").unwrap();
    let mut order = Vec::new();
    for _ in 0..5 {
        let next = tables
            .next_task(now, |row| !order.contains(&row.task))
            .await
            .unwrap();
        order.extend(next.map(|line| line.row.task));
    }
    assert_eq!(order, [5, 2, 6, 1]);
    let other = |row: &TaskRow| row.queue != Some(business);
    let next = tables.next_task(now, other).await.unwrap().unwrap();
    assert_eq!(
        (next.row.task, next.row.number.as_str()),
        (2, "13800000002")
    );
    assert_eq!(tables.task_of(seat("1001"), now).await.unwrap(), None);
    // Another seat's, and one that rests, are passed over.
    let mut later = told([taken(2, "1002"), taken(6, "1001")]);
    for (n, stamped) in (0..).zip(&mut later) {
        stamped.at = Timestamp(now.0 + n);
    }
    let records = place.write(later);
    apply(&tables, &records).await.unwrap();
    let now = records.last().unwrap().stamped.at;
    let next = tables.next_task(now, other).await.unwrap().unwrap();
    assert_eq!(next.row.task, 1);
    let own = tables.task_of(seat("1001"), now).await.unwrap().unwrap();
    assert_eq!(own.row.task, 6);
}

#[tokio::test]
async fn more_tasks_than_are_looked_at_together_are_all_looked_at() {
    let place = Place::new();
    let tables = place.tables().await;
    let numbers = (0..450).map(|n| added(&format!("1390000{n:04}"), 8_000));
    let records = place.write(told(numbers));
    apply(&tables, &records).await.unwrap();
    let now = records[0].stamped.at;
    let last = |row: &TaskRow| row.task == 450;
    let next = tables.next_task(now, last).await.unwrap();
    assert_eq!(next.unwrap().row.task, 450);
    assert_eq!(tables.next_task(now, |_| false).await.unwrap(), None);
}

#[tokio::test]
async fn results_are_the_same_however_often_the_engine_started_between() {
    let place = Place::new();
    let mut events = vec![added(CITIZEN, 7_000), added("13900000002", 8_000)];
    events.extend(missed(1, CITIZEN, "general"));
    events.push(taken(1, "1001"));
    events.extend(reached(2, "1001", CITIZEN));
    events.extend(reached(3, "1002", "13900000002"));
    events.push(entered(1, "1001", TaskResult::Dissatisfied, Some(2)));
    events.push(entered(2, "1001", TaskResult::Satisfied, Some(5)));
    events.push(entered(2, "1002", TaskResult::Satisfied, Some(5)));
    events.push(added("13900000003", 9_000));
    let records = place.write(told(events));
    let (mut tasks, mut rows) = (Tasks::default(), std::collections::BTreeMap::new());
    for record in &records {
        rows.extend(tasks.apply(record).into_iter().map(|row| (row.task, row)));
        // Opened anew, nothing is remembered.
        let tables = place.tables().await;
        apply(&tables, std::slice::from_ref(record)).await.unwrap();
        tables.close().await;
    }
    let tables = place.tables().await;
    let now = records.last().unwrap().stamped.at;
    let mut counts = FollowUps::default();
    let window = tasks::window(now);
    rows.values().for_each(|row| counts.count(row, window));
    assert_eq!(tables.follow_ups(now).await.unwrap(), counts);
    let FollowUps {
        entered,
        satisfied,
        open,
        ..
    } = counts;
    assert_eq!((entered, satisfied, open), (2, 1, 1));
    let before = dump(&tables).await;
    tables.rebuild(&place.journal()).await.unwrap();
    assert_eq!(dump(&tables).await, before);

    let past = tables.past(CITIZEN, 1).await.unwrap();
    let calls: Vec<u64> = past.calls.iter().map(|call| call.call.0).collect();
    assert_eq!(calls, [2, 1]);
    assert_eq!(past.calls[0].outcome, Some(Outcome::Answered));
    let kinds: Vec<TaskKind> = past.tasks.iter().map(|task| task.kind).collect();
    assert_eq!(kinds, [TaskKind::MissedCall]);
    let of_missed = tables.past(CITIZEN, past.tasks[0].task).await.unwrap();
    assert_eq!(of_missed.tasks[0].result, Some(TaskResult::Dissatisfied));
    let steps = tables.task_steps(1).await.unwrap();
    let types: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["type"].as_str())
        .collect();
    assert_eq!(types, ["task-added", "task-taken", "task-result-entered"]);
    assert_eq!(steps[0]["number"], "138****5678");
}
