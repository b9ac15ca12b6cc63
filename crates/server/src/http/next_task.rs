//! Working through the list of tasks: the next one for a seat, what came of a follow-up, and a
//! supervisor who must see a number whole.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use hotline_model::{
    QueueId, SeatId,
    event::Event,
    limits::{TASK_RESULT_HOURS, TASKS_SKIPPED},
    task::{TaskKind, TaskResult},
};
use hotline_store::fold::TaskRow;
use serde::Deserialize;
use serde_json::Value;

use super::{
    App,
    ask::{Body, read},
    error::ApiError,
    recording::journalled,
    records::supervisors_only,
    session::Who,
    tasks::{TaskStory, conflict, filed, find, own_seat, story, words},
};
use crate::{config::accounts::Role, signalling_loop::wall_clock};

/// Seats that ask at once want the same task; who was too late wants the one after it. So often.
const TURNS: usize = 20;

/// Which task comes next.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// Those that the seat put back.
    #[serde(default)]
    without: BTreeSet<u64>,
}

/// `POST /api/v1/tasks/next`: the most due task that fits the seat, which takes it; before any other
/// the one that it has.
pub async fn next(
    State(app): State<Arc<App>>,
    who: Who,
    body: Body<Next>,
) -> Result<Json<TaskStory>, ApiError> {
    let help = "send {}, or {\"without\": [17]} for another than those put back, at most 100";
    let seat = own_seat(&who)?;
    let Next { without } = read(body, help)?;
    if without.len() > TASKS_SKIPPED {
        let what = format!("`without` has at most {TASKS_SKIPPED} tasks");
        return Err(ApiError::bad_request("without", what, help));
    }
    let (callers_first, serves) = {
        let roll = app.roll.borrow();
        let serves = roll.serves.get(&seat).cloned().unwrap_or_default();
        (roll.callers_first, serves)
    };
    if callers_first && callers_wait(&app, &serves) {
        return Err(conflict(
            "callers-wait",
            "callers wait whom your seat serves / 有市民正在排队，请先示闲接听",
            "ask again when the line is empty / 排队清空后再取",
        ));
    }
    if let Some(own) = app.tables.task_of(seat, wall_clock()).await? {
        return shown(&app, &who, seat, own.row.task).await;
    }
    let fits = |row: &TaskRow| {
        let of_queue = row.queue.is_none_or(|queue| serves.contains(&queue));
        of_queue && !without.contains(&row.task)
    };
    for _ in 0..TURNS {
        let Some(line) = app.tables.next_task(wall_clock(), fits).await? else {
            return Err(conflict(
                "no-task",
                "no task is to be done now / 暂无可取的待办",
                "GET /api/v1/tasks?state=open lists those that rest / 未到时间的见列表",
            ));
        };
        let task = line.row.task;
        let by = who.user.clone();
        // In the journal one comes first: the other has nothing by it, and takes the one after.
        filed(&app, Event::TaskTaken { task, seat, by }).await?;
        let line = find(&app, task).await?;
        if line.row.is_of(seat, wall_clock()) {
            return Ok(Json(story(&app, line, Some(seat), true).await?));
        }
    }
    Err(ApiError::unavailable(
        "tasks-contended",
        "others were faster each time / 多人同时领取，未能取到",
    ))
}

/// The number of a task that the seat has, once more.
async fn shown(app: &App, who: &Who, seat: SeatId, task: u64) -> Result<Json<TaskStory>, ApiError> {
    let line = find(app, task).await?;
    let by = who.user.clone();
    journalled(app, Event::TaskShown { task, seat, by }).await?;
    Ok(Json(story(app, line, Some(seat), true).await?))
}

/// Whether somebody stands in line for one of the queues.
fn callers_wait(app: &App, serves: &[QueueId]) -> bool {
    let painted = app.wallboard.borrow().clone();
    let board: Value = serde_json::from_str(painted.for_role(Role::Supervisor)).unwrap_or_default();
    let waits = |line: &Value| {
        let queue = line.get("queue").and_then(Value::as_str);
        let waiting = line.get("waiting").and_then(Value::as_u64);
        waiting > Some(0) && serves.iter().any(|it| Some(it.as_str()) == queue)
    };
    let lines = board.get("queues").and_then(Value::as_array);
    lines.is_some_and(|lines| lines.iter().any(waits))
}

/// Body of a result.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    result: TaskResult,
    score: Option<u8>,
    #[serde(default)]
    remark: String,
}

/// `POST /api/v1/tasks/{task}/result`: what came of a follow-up, by the seat that has it or reached
/// its citizen.
pub async fn result(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
    body: Body<Answer>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"result\": \"satisfied\", \"score\": 5, \"remark\": \"…\"}; result is \
                satisfied, neutral, dissatisfied, no-opinion, refused, not-reached or wrong-number";
    let seat = own_seat(&who)?;
    let Answer {
        result,
        score,
        remark,
    } = read(body, help)?;
    let remark = words("remark", &remark, help)?;
    if score.is_some_and(|score| !result.is_opinion() || !(1..=5).contains(&score)) {
        let what = "`score` is 1 to 5, where the citizen gave an opinion / 评分为 1 至 5";
        return Err(ApiError::bad_request("score", what.to_owned(), help));
    }
    let line = find(&app, task).await?;
    if line.row.kind != TaskKind::FollowUp {
        let what = "only follow-ups have results / 只有回访需要登记结果";
        return Err(ApiError::bad_request("kind", what.to_owned(), help));
    }
    if !line.row.takes_result(seat, wall_clock()) {
        return Err(not_to_answer(&line.row));
    }
    let event = Event::TaskResultEntered {
        task,
        seat,
        by: who.user,
        result,
        score,
        remark,
    };
    let seq = filed(&app, event).await?;
    let line = find(&app, task).await?;
    // Another page of the seat may have been faster, or the task was closed meanwhile.
    if line.row.result != Some(result) {
        tracing::info!(task, seq, "a result came too late");
        return Err(not_to_answer(&line.row));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn not_to_answer(row: &TaskRow) -> ApiError {
    if row.result.is_some() {
        return conflict(
            "result-entered",
            "its result is entered already / 结果已登记",
            "GET /api/v1/tasks/{task} shows it",
        );
    }
    let message = format!(
        "your seat neither has the task nor reached its citizen within {TASK_RESULT_HOURS} hours, or \
         still calls / 本坐席未领取该待办，或通话尚未结束，或已超过 {TASK_RESULT_HOURS} 小时"
    );
    let help = "take it first / 请先领取";
    ApiError::new(StatusCode::CONFLICT, "task-not-yours", message, help)
}

/// Body of a wish to see a number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    reason: String,
}

/// `POST /api/v1/tasks/{task}/reveal`: the whole number for a supervisor; who and why is journalled.
pub async fn reveal(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
    body: Body<Reveal>,
) -> Result<Json<TaskStory>, ApiError> {
    supervisors_only(&who)?;
    let help = "send {\"reason\": \"number in doubt\"}";
    let Reveal { reason } = read(body, help)?;
    let reason = words("reason", &reason, help)?;
    if reason.is_empty() {
        let what = "`reason` says why / 请填写原因".to_owned();
        return Err(ApiError::bad_request("reason", what, help));
    }
    let line = find(&app, task).await?;
    let by = who.user;
    journalled(&app, Event::TaskRevealed { task, by, reason }).await?;
    Ok(Json(story(&app, line, None, true).await?))
}
