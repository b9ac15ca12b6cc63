//! Seats and queues: how they stand, and what they are asked to do.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hotline_calls::orders::{Order, OrderRefused, SeatRequest};
use hotline_model::{SeatId, seat::Reason};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::oneshot, time::timeout};

use super::{App, error::ApiError, session::Who};
use crate::{config::accounts::Role, signalling_loop::Asked};

/// Longest wait for the signalling thread; it answers in well under a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One part of the wallboard, as the role sees it.
fn part(app: &App, role: Role, key: &str) -> Response {
    let painted = app.wallboard.borrow().clone();
    let board: Value = serde_json::from_str(painted.for_role(role)).unwrap_or_default();
    let part = board.get(key).cloned().unwrap_or_default();
    ([(header::CACHE_CONTROL, "no-store")], Json(part)).into_response()
}

/// `GET /api/v1/seats`
pub async fn list(State(app): State<Arc<App>>, who: Who) -> Response {
    part(&app, who.role, "seats")
}

/// `GET /api/v1/queues`
pub async fn queues(State(app): State<Arc<App>>, who: Who) -> Response {
    part(&app, who.role, "queues")
}

/// `POST /api/v1/seats/{seat}/ready`
pub async fn ready(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
) -> Result<StatusCode, ApiError> {
    ask(&app, who, &seat, SeatRequest::Ready).await
}

/// Body of a not-ready request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotReady {
    reason: Reason,
}

/// `POST /api/v1/seats/{seat}/not-ready`
pub async fn not_ready(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Result<Json<NotReady>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"reason\": \"break\"}, or meal, meeting, training, coaching";
    let Json(NotReady { reason }) =
        body.map_err(|error| ApiError::bad_request("body", error.body_text(), help))?;
    let allowed = match reason {
        Reason::Break | Reason::Meal | Reason::Meeting | Reason::Training | Reason::Coaching => {
            true
        }
        Reason::Forced => who.role == Role::Supervisor,
        // Set by the engine alone: an agent who could claim them could hide a pause.
        Reason::LoggedOut | Reason::RingNoAnswer | Reason::Refused => false,
    };
    if !allowed {
        return Err(ApiError::bad_request(
            "reason",
            "this reason cannot be chosen".to_owned(),
            help,
        ));
    }
    ask(&app, who, &seat, SeatRequest::NotReady(reason)).await
}

/// `POST /api/v1/seats/{seat}/wrap-up/end`
pub async fn end_wrap_up(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
) -> Result<StatusCode, ApiError> {
    ask(&app, who, &seat, SeatRequest::EndWrapUp).await
}

/// Body of a transfer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    to: String,
}

/// `POST /api/v1/seats/{seat}/transfer`
pub async fn transfer(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Result<Json<Transfer>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"to\": \"1002\"} or {\"to\": \"queue:general\"}";
    let Json(Transfer { to }) =
        body.map_err(|error| ApiError::bad_request("body", error.body_text(), help))?;
    if to.is_empty() || to.chars().count() > TARGET_CHARS {
        let what = format!("`to` has 1 to {TARGET_CHARS} characters");
        return Err(ApiError::bad_request("to", what, help));
    }
    ask(&app, who, &seat, SeatRequest::TransferByName(to)).await
}

/// Longest target of a transfer or a consultation, characters: a number or a name is shorter.
pub(super) const TARGET_CHARS: usize = 64;

/// Hands the request to the signalling thread through the gate and waits for its answer.
pub(super) async fn ask(
    app: &App,
    who: Who,
    seat: &str,
    request: SeatRequest,
) -> Result<StatusCode, ApiError> {
    let unknown = || {
        let help = "GET /api/v1/seats lists the seats";
        ApiError::not_found(
            "seat-unknown",
            format!("there is no seat {seat:?} / 无此坐席"),
            help,
        )
    };
    let seat = SeatId::new(seat).map_err(|_| unknown())?;
    if who.role == Role::Agent && who.seat != Some(seat) {
        return Err(ApiError::forbidden(
            "this is not your seat / 只能操作本人坐席",
        ));
    }
    let (answer, answered) = oneshot::channel();
    let order = Order {
        ticket: 0,
        by: who.user,
        seat,
        request,
    };
    if app.doors.gate.submit(Asked { order, answer }).is_err() {
        return Err(ApiError::unavailable(
            "gate-full",
            "too many requests at once",
        ));
    }
    app.doors.bell.notify_one();
    match timeout(ANSWER_WITHIN, answered).await {
        Ok(Ok(Ok(()))) => Ok(StatusCode::NO_CONTENT),
        Ok(Ok(Err(OrderRefused::SeatUnknown))) => Err(unknown()),
        Ok(Ok(Err(OrderRefused::NotWrappingUp))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-wrapping-up",
            "the seat is not wrapping up / 当前不在整理状态",
            "wait for the next call / 请等待下一个来电",
        )),
        Ok(Ok(Err(OrderRefused::NotRegistered))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-registered",
            "the seat's phone is not registered / 话机未注册",
            "register the phone first, then go ready / 请先注册话机再示闲",
        )),
        Ok(Ok(Err(OrderRefused::NotTalking))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-talking",
            "the seat is in no talk with a caller / 当前没有可操作的通话",
            "ask once the caller is connected / 请在通话接通后操作",
        )),
        Ok(Ok(Err(OrderRefused::TargetUnknown))) => Err(ApiError::not_found(
            "target-unknown",
            "there is no seat or queue of that name, and no number / 目标不存在".to_owned(),
            "GET /api/v1/seats and /api/v1/queues list them",
        )),
        Ok(Ok(Err(OrderRefused::TargetBusy))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "target-busy",
            "the seat cannot take a call now, or the queue is full / 转接目标忙",
            "choose another seat or a queue / 请选择其他坐席或队列",
        )),
        Ok(Ok(Err(OrderRefused::NoGuest))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "no-guest",
            "there is no such guest in the talk, or it has not answered / 通话中没有此参与方",
            "ask the seat in first, and wait until it answers / 请先邀请并等待其接听",
        )),
        Ok(Ok(Err(OrderRefused::GuestsFull))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "guests-full",
            "the talk has as many parties as it can / 通话参与方已满",
            "wait until one has left / 请等待有人退出",
        )),
        Ok(Ok(Err(OrderRefused::AlreadySo))) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "already-so",
            "it is so already / 已处于该状态",
            "nothing is to be done / 无需重复操作",
        )),
        Ok(Ok(Err(OrderRefused::NotAllowed))) => Err(ApiError::forbidden(
            "callers may not be transferred there, nor the number called / 不允许转接或咨询该号码",
        )),
        _ => Err(ApiError::unavailable(
            "no-answer",
            "the engine did not answer in time",
        )),
    }
}
