//! Citizens to be called (待办): missed calls and follow-ups. Lists show no whole number; whoever has a
//! task sees the number of that one, and the journal says so.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use hotline_model::{
    SeatId, Timestamp,
    event::Event,
    limits::{TASK_DUE_DAYS, TASK_NOTE_CHARS, TASKS_TAKEN},
    task::{TaskEnd, TaskKind, dialable},
};
use hotline_store::{
    fold::TaskState,
    tables::{LastTalk, Past, TaskFilter, TaskLine},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    App,
    ask::{Body, read},
    error::ApiError,
    recording::journalled,
    records::{page, rows, supervisors_only},
    session::Who,
};
use crate::{config::accounts::Role, signalling_loop::wall_clock};

/// Longest wait until the tables have what the journal has; they are a blink behind.
const FILED_WITHIN: Duration = Duration::from_secs(5);

/// Which part of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TasksPage {
    kind: Option<TaskKind>,
    state: Option<TaskState>,
    limit: Option<u32>,
    before: Option<u64>,
}

/// A task with what is known of its citizen.
#[derive(Serialize)]
pub struct TaskStory {
    /// Its number is whole for the seat that has it, and masked for everybody else.
    #[serde(flatten)]
    line: TaskLine,
    /// Who talked with the citizen last.
    last_talk: Option<LastTalk>,
    /// Whoever asks may enter what came of it.
    may_answer: bool,
    /// What is known of the citizen, for the seat that has the task and for supervisors.
    #[serde(skip_serializing_if = "Option::is_none")]
    past: Option<Past>,
    /// What people did with the task, for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Value>>,
}

/// `GET /api/v1/tasks`
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Who,
    query: Result<Query<TasksPage>, QueryRejection>,
) -> Result<Json<Vec<TaskLine>>, ApiError> {
    let help = "kind is missed-call or follow-up; state is open, taken or done; limit is 1 to 500; \
                before is the last row's task";
    let TasksPage {
        kind,
        state,
        limit,
        before,
    } = page(query, help)?;
    let filter = TaskFilter {
        kind,
        state,
        before,
    };
    let list = app.tables.tasks(filter, rows(limit), wall_clock(), false);
    Ok(Json(list.await?))
}

/// `GET /api/v1/tasks/{task}`: for the seat that has it with the whole number, which is journalled.
pub async fn task(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
) -> Result<Json<TaskStory>, ApiError> {
    let line = find(&app, task).await?;
    let own = who.seat.filter(|seat| line.row.is_of(*seat, wall_clock()));
    if let Some(seat) = own {
        let by = who.user;
        journalled(&app, Event::TaskShown { task, seat, by }).await?;
    }
    let mut story = story(&app, line, who.seat, own.is_some()).await?;
    if own.is_none() && !story.may_answer && who.role != Role::Supervisor {
        (story.past, story.steps) = (None, None);
    }
    Ok(Json(story))
}

/// Body of a follow-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    number: String,
    #[serde(default)]
    note: String,
    due_at: Timestamp,
}

/// `POST /api/v1/tasks`: a follow-up.
pub async fn add(
    State(app): State<Arc<App>>,
    who: Who,
    body: Body<FollowUp>,
) -> Result<(StatusCode, Json<TaskLine>), ApiError> {
    supervisors_only(&who)?;
    let help = "send {\"number\": \"13800138000\", \"note\": \"…\", \"due_at\": 1795305600000}";
    let FollowUp {
        number,
        note,
        due_at,
    } = read(body, help)?;
    let written: String = number.chars().filter(|c| !" -()".contains(*c)).collect();
    let number = dialable(&written)
        .filter(|number| number.len() <= super::seats::TARGET_CHARS)
        .ok_or_else(|| {
            let what = "`number` is no telephone's / 号码无效".to_owned();
            ApiError::bad_request("number", what, help)
        })?;
    let note = words("note", &note, help)?;
    let ahead = due_at.0.saturating_sub(wall_clock().0);
    if !(0..=TASK_DUE_DAYS * 86_400_000).contains(&ahead) {
        let what = format!("`due_at` lies ahead, at most {TASK_DUE_DAYS} days / 期限须在未来");
        return Err(ApiError::bad_request("due_at", what, help));
    }
    let event = Event::TaskAdded {
        number,
        note,
        due_at,
        by: who.user,
    };
    let task = filed(&app, event).await?;
    let line = app.tables.task(task, wall_clock(), false).await?;
    let line = line.ok_or_else(|| {
        conflict(
            "task-not-added",
            "that number is to be called back already, or the list is full / 已有该号码的回访，或待办已满",
            "GET /api/v1/tasks?kind=follow-up lists them",
        )
    })?;
    Ok((StatusCode::CREATED, Json(line)))
}

/// `POST /api/v1/tasks/{task}/take`: for the seat of whoever asks.
pub async fn take(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
) -> Result<Json<TaskStory>, ApiError> {
    let seat = own_seat(&who)?;
    let line = find(&app, task).await?;
    let now = wall_clock();
    if !line.row.may_be_taken(now) && !line.row.is_of(seat, now) {
        return Err(not_given(&line, now));
    }
    let event = Event::TaskTaken {
        task,
        seat,
        by: who.user,
    };
    filed(&app, event).await?;
    let (line, now) = (find(&app, task).await?, wall_clock());
    if !line.row.is_of(seat, now) {
        return Err(not_given(&line, now));
    }
    Ok(Json(story(&app, line, Some(seat), true).await?))
}

/// `POST /api/v1/tasks/{task}/let-go`
pub async fn let_go(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
) -> Result<StatusCode, ApiError> {
    let seat = own_seat(&who)?;
    let line = find(&app, task).await?;
    if !line.row.is_of(seat, wall_clock()) {
        return Err(not_yours());
    }
    if line.row.trying.is_some() {
        return Err(is_called());
    }
    let event = Event::TaskLetGo {
        task,
        seat,
        by: who.user,
    };
    filed(&app, event).await?;
    // A call may have begun meanwhile.
    if find(&app, task).await?.row.is_of(seat, wall_clock()) {
        return Err(is_called());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Body of a closing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    reason: String,
}

/// `POST /api/v1/tasks/{task}/close`: a supervisor any task, an agent as given up the own one.
pub async fn close(
    State(app): State<Arc<App>>,
    who: Who,
    Path(task): Path<u64>,
    body: Body<Close>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"reason\": \"number does not exist\"}";
    let Close { reason } = read(body, help)?;
    let reason = words("reason", &reason, help)?;
    if reason.is_empty() {
        let what = "`reason` says why / 请填写原因".to_owned();
        return Err(ApiError::bad_request("reason", what, help));
    }
    let line = find(&app, task).await?;
    if line.row.state == TaskState::Done {
        return Err(not_given(&line, wall_clock()));
    }
    let end = match who.role {
        Role::Supervisor => TaskEnd::Closed,
        Role::Agent => {
            let seat = own_seat(&who)?;
            if !line.row.is_of(seat, wall_clock()) {
                return Err(not_yours());
            }
            TaskEnd::GivenUp
        }
    };
    let event = Event::TaskClosed {
        task,
        end,
        by: who.user,
        reason,
    };
    filed(&app, event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Journals the event and waits until the lists have it; the number of its record.
pub(super) async fn filed(app: &App, event: Event) -> Result<u64, ApiError> {
    let seq = journalled(app, event).await?;
    let mut tables = app.story.tables.clone();
    let filed = tables.wait_for(|filed| filed.seq >= seq);
    match tokio::time::timeout(FILED_WITHIN, filed).await {
        Ok(Ok(_)) => Ok(seq),
        _ => Err(ApiError::unavailable(
            "tables-behind",
            "it is recorded, but the lists are behind / 已记录，列表稍后更新",
        )),
    }
}

/// The task with its whole number, to be shown by [`story`].
pub(super) async fn find(app: &App, task: u64) -> Result<TaskLine, ApiError> {
    let found = app.tables.task(task, wall_clock(), true).await?;
    found.ok_or_else(|| {
        let help = "GET /api/v1/tasks lists the tasks";
        ApiError::not_found(
            "task-unknown",
            format!("there is no task {task} / 无此待办"),
            help,
        )
    })
}

/// What is known of a task, for somebody at this seat; `whole`: its number too.
pub(super) async fn story(
    app: &App,
    mut line: TaskLine,
    seat: Option<SeatId>,
    whole: bool,
) -> Result<TaskStory, ApiError> {
    let (task, now) = (line.row.task, wall_clock());
    let last_talk = app.tables.last_talk(&line.row.number).await?;
    let past = app.tables.past(&line.row.number, task).await?;
    let steps = app.tables.task_steps(task).await?;
    let may_answer = seat.is_some_and(|seat| line.row.takes_result(seat, now));
    if !whole {
        line.mask();
    }
    Ok(TaskStory {
        line,
        last_talk,
        may_answer,
        past: Some(past),
        steps: Some(steps),
    })
}

pub(super) fn words(
    name: &'static str,
    text: &str,
    help: &'static str,
) -> Result<String, ApiError> {
    let text = text.trim().to_owned();
    if text.chars().count() > TASK_NOTE_CHARS {
        let what = format!("`{name}` has at most {TASK_NOTE_CHARS} characters");
        return Err(ApiError::bad_request(name, what, help));
    }
    Ok(text)
}

pub(super) fn own_seat(who: &Who) -> Result<SeatId, ApiError> {
    who.seat.ok_or_else(|| {
        ApiError::forbidden("whoever calls needs a seat: sign in as its agent / 须以坐席身份操作")
    })
}

pub(super) fn conflict(code: &'static str, message: &str, help: &'static str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, code, message, help)
}

/// Why the task was not given to a seat.
fn not_given(line: &TaskLine, now: Timestamp) -> ApiError {
    match line.row.state {
        TaskState::Done => conflict(
            "task-done",
            "the task is done / 待办已结束",
            "choose another / 请选择其他待办",
        ),
        TaskState::Taken => conflict(
            "task-taken",
            "another seat has the task / 已被其他坐席领取",
            "choose another / 请选择其他待办",
        ),
        TaskState::Open if line.row.may_be_taken(now) => {
            let message = format!(
                "a seat has at most {TASKS_TAKEN} tasks / 每个坐席最多同时领取 {TASKS_TAKEN} 个待办"
            );
            let help = "finish one, or let go of it / 请先完成或放回一个";
            ApiError::new(StatusCode::CONFLICT, "too-many-tasks", message, help)
        }
        TaskState::Open => conflict(
            "task-rests",
            "the citizen was called a short while ago / 未到再次拨打的时间",
            "not_before says from when / 见 not_before",
        ),
    }
}

fn is_called() -> ApiError {
    conflict(
        "task-is-called",
        "the citizen is being called just now / 正在呼叫该市民",
        "hang up first / 请先挂断",
    )
}

fn not_yours() -> ApiError {
    conflict(
        "task-not-yours",
        "your seat does not have the task, or no more / 本坐席未领取该待办，或已超时",
        "take it first / 请先领取",
    )
}
