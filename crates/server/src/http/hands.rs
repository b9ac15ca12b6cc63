//! The supervisor's hand on calls in line: why one waits, another priority, another queue, a seat.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use hotline_calls::orders::{CallOrder, CallRequest, OrderRefused};
use hotline_model::{CallId, QueueId, SeatId, limits::LAST_PRIORITY};
use serde::{Deserialize, Serialize};

use super::{
    App,
    ask::{Body, read, through},
    error::ApiError,
    records::supervisors_only,
    session::Who,
};
use crate::signalling_loop::Hand;

/// A call in line.
#[derive(Serialize)]
pub struct Waiting {
    queue: QueueId,
    position: Option<u32>,
    expected_from_ms: Option<u128>,
    expected_to_ms: Option<u128>,
    why: Vec<String>,
}

/// `GET /api/v1/calls/{call}/waiting`
pub async fn waiting(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
) -> Result<Json<Waiting>, ApiError> {
    supervisors_only(&who)?;
    let waits = through(&app, &app.doors.hands, |answer| {
        Hand::Why(CallId(call), answer)
    })
    .await?;
    let waits = waits.ok_or_else(not_waiting)?;
    Ok(Json(Waiting {
        queue: waits.queue,
        position: waits.position,
        expected_from_ms: waits.expected.map(|wait| wait.from.as_millis()),
        expected_to_ms: waits.expected.map(|wait| wait.to.as_millis()),
        why: waits.why,
    }))
}

/// Body of a change of priority.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    priority: u8,
}

/// `POST /api/v1/calls/{call}/priority`
pub async fn priority(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
    body: Body<Priority>,
) -> Result<StatusCode, ApiError> {
    supervisors_only(&who)?;
    let help = "send {\"priority\": 0}; 0 is served first, 9 last";
    let Priority { priority } = read(body, help)?;
    if priority > LAST_PRIORITY {
        let what = format!("`priority` is 0 to {LAST_PRIORITY}");
        return Err(ApiError::bad_request("priority", what, help));
    }
    order(&app, who, call, CallRequest::Priority(priority)).await
}

/// Body of a move.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    queue: String,
}

/// `POST /api/v1/calls/{call}/queue`
pub async fn queue(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
    body: Body<Queue>,
) -> Result<StatusCode, ApiError> {
    supervisors_only(&who)?;
    let Queue { queue } = read(body, "send {\"queue\": \"business\"}")?;
    let queue = QueueId::new(&queue).map_err(|_| queue_unknown())?;
    order(&app, who, call, CallRequest::Queue(queue)).await
}

/// Body of a pick.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    seat: String,
}

/// `POST /api/v1/calls/{call}/seat`
pub async fn seat(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
    body: Body<Seat>,
) -> Result<StatusCode, ApiError> {
    supervisors_only(&who)?;
    let Seat { seat } = read(body, "send {\"seat\": \"1001\"}")?;
    let seat = SeatId::new(&seat).map_err(|_| seat_unknown())?;
    order(&app, who, call, CallRequest::Seat(seat)).await
}

async fn order(
    app: &App,
    who: Who,
    call: u64,
    request: CallRequest,
) -> Result<StatusCode, ApiError> {
    let order = CallOrder {
        ticket: 0,
        by: who.user,
        call: CallId(call),
        request,
    };
    let result = through(app, &app.doors.hands, |answer| Hand::Order(order, answer)).await?;
    match result {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(refused) => Err(said(refused, call, request)),
    }
}

/// A refusal in words.
fn said(refused: OrderRefused, call: u64, request: CallRequest) -> ApiError {
    let conflict = |code, message, help| ApiError::new(StatusCode::CONFLICT, code, message, help);
    match (refused, request) {
        (OrderRefused::CallUnknown, _) => ApiError::not_found(
            "call-unknown",
            format!("there is no call {call} now / 当前无此来电"),
            "GET /api/v1/wallboard lists the live calls",
        ),
        (OrderRefused::TargetUnknown, _) => queue_unknown(),
        (OrderRefused::SeatUnknown, _) => seat_unknown(),
        (OrderRefused::AlreadySo, _) => conflict(
            "already-so",
            "the call stands in that queue already / 来电已在该队列中",
            "nothing is to be done / 无需重复操作",
        ),
        (OrderRefused::TargetBusy, CallRequest::Seat(_)) => conflict(
            "seat-busy",
            "the seat is not signed in with a phone, or does something / 坐席未签入、话机未注册或正忙",
            "choose a seat that is free / 请选择空闲坐席",
        ),
        (OrderRefused::TargetBusy, _) => conflict(
            "queue-full",
            "the queue has no room, or takes no calls any more / 队列已满或已停用",
            "choose another queue / 请选择其他队列",
        ),
        (OrderRefused::NotWaiting, _) => not_waiting(),
        // Answers to requests of seats.
        (
            OrderRefused::NotWrappingUp
            | OrderRefused::NotRegistered
            | OrderRefused::NotTalking
            | OrderRefused::NotAllowed
            | OrderRefused::NoGuest
            | OrderRefused::NotSpoken
            | OrderRefused::SeatBusy
            | OrderRefused::Full
            | OrderRefused::Forced
            | OrderRefused::GuestsFull
            | OrderRefused::ReasonUnknown
            | OrderRefused::NotValidNow
            | OrderRefused::AtCap,
            _,
        ) => conflict(
            "not-possible",
            "this cannot be done with the call now / 当前无法对该来电执行此操作",
            "GET /api/v1/wallboard says where it stands / 请查看来电当前状态",
        ),
    }
}

fn not_waiting() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "not-waiting",
        "the call does not wait in a queue / 来电不在排队中",
        "GET /api/v1/wallboard says where it stands / 请查看来电当前状态",
    )
}

fn queue_unknown() -> ApiError {
    ApiError::not_found(
        "queue-unknown",
        "there is no queue of that name / 无此队列".to_owned(),
        "GET /api/v1/queues lists the queues",
    )
}

fn seat_unknown() -> ApiError {
    ApiError::not_found(
        "seat-unknown",
        "there is no seat of that name / 无此坐席".to_owned(),
        "GET /api/v1/seats lists the seats",
    )
}
