//! Seats and queues: how they stand, and what they are asked to do.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hotline_calls::orders::{Order, OrderRefused, SeatRequest};
use hotline_model::{SeatId, limits::WRAP_UP_EXTENSION_S, seat::Reason};
use serde::Deserialize;
use serde_json::Value;

use super::{
    App,
    ask::{Body, read, through},
    error::ApiError,
    session::Who,
};
use crate::{config::accounts::Role, signalling_loop::Asked};

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
    body: Body<NotReady>,
) -> Result<StatusCode, ApiError> {
    let help =
        "send {\"reason\": \"break\"}, or meal, meeting, training, coaching, or one of your own";
    let NotReady { reason } = read(body, help)?;
    let allowed = match reason {
        Reason::Own(_)
        | Reason::Break
        | Reason::Meal
        | Reason::Meeting
        | Reason::Training
        | Reason::Coaching => true,
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

/// `POST /api/v1/seats/{seat}/sign-out`: the agent's pages end, too.
pub async fn sign_out(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
) -> Result<StatusCode, ApiError> {
    let done = ask(&app, who, &seat, SeatRequest::SignOut).await?;
    let of_seat = |it: &Who| it.seat.is_some_and(|own| own.as_str() == seat);
    app.sessions.end_where(of_seat);
    Ok(done)
}

/// Body of a longer wrap-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    by_s: u64,
}

/// `POST /api/v1/seats/{seat}/wrap-up/extend`
pub async fn extend_wrap_up(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Extend>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"by_s\": 60}: so many seconds more, within the queue's wrap_up_cap_s";
    let Extend { by_s } = read(body, help)?;
    if !(1..=WRAP_UP_EXTENSION_S).contains(&by_s) {
        let what = format!("`by_s` is 1 to {WRAP_UP_EXTENSION_S}");
        return Err(ApiError::bad_request("by_s", what, help));
    }
    let by = Duration::from_secs(by_s);
    ask(&app, who, &seat, SeatRequest::ExtendWrapUp(by)).await
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
    body: Body<Transfer>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"to\": \"1002\"} or {\"to\": \"queue:general\"}";
    let Transfer { to } = read(body, help)?;
    if to.is_empty() || to.chars().count() > TARGET_CHARS {
        let what = format!("`to` has 1 to {TARGET_CHARS} characters");
        return Err(ApiError::bad_request("to", what, help));
    }
    ask(&app, who, &seat, SeatRequest::TransferByName(to)).await
}

/// Body of a call to the outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    number: String,
    #[serde(default)]
    purpose: Option<String>,
}

/// `POST /api/v1/seats/{seat}/dial`
pub async fn dial(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Dial>,
) -> Result<StatusCode, ApiError> {
    let help = "send {\"number\": \"13800001234\", \"purpose\": \"follow-up\"}";
    let Dial { number, purpose } = read(body, help)?;
    if number.is_empty() || number.chars().count() > TARGET_CHARS {
        let what = format!("`number` has 1 to {TARGET_CHARS} characters");
        return Err(ApiError::bad_request("number", what, help));
    }
    let is_word = |word: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=PURPOSE_CHARS).contains(&word.len()) && word.chars().all(plain)
    };
    if !purpose.as_ref().is_none_or(is_word) {
        let what = format!("`purpose` is a word of a–z, 0–9 and -, at most {PURPOSE_CHARS} long");
        return Err(ApiError::bad_request("purpose", what, help));
    }
    ask(&app, who, &seat, SeatRequest::Dial { number, purpose }).await
}

/// Longest word that says what a call is for, characters: it stands in the journal.
const PURPOSE_CHARS: usize = 32;

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
    let order = Order {
        ticket: 0,
        supervisor: who.role == Role::Supervisor,
        by: who.user,
        seat,
        request,
    };
    let result = through(app, &app.doors.gate, |answer| Asked { order, answer }).await?;
    match result {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(OrderRefused::SeatUnknown) => Err(unknown()),
        Err(OrderRefused::NotWrappingUp) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-wrapping-up",
            "the seat is not wrapping up / 当前不在整理状态",
            "wait for the next call / 请等待下一个来电",
        )),
        Err(OrderRefused::NotRegistered) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-registered",
            "the seat's phone is not registered / 话机未注册",
            "register the phone first, then go ready / 请先注册话机再示闲",
        )),
        Err(OrderRefused::NotTalking) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-talking",
            "the seat is in no talk with a caller / 当前没有可操作的通话",
            "ask once the caller is connected / 请在通话接通后操作",
        )),
        Err(OrderRefused::TargetUnknown) => Err(ApiError::not_found(
            "target-unknown",
            "there is no seat or queue of that name, and no number / 目标不存在".to_owned(),
            "GET /api/v1/seats and /api/v1/queues list them",
        )),
        Err(OrderRefused::TargetBusy) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "target-busy",
            "the seat cannot take a call now, or the queue is full / 转接目标忙",
            "choose another seat or a queue / 请选择其他坐席或队列",
        )),
        Err(OrderRefused::NoGuest) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "no-guest",
            "there is no such guest in the talk, or it has not answered / 通话中没有此参与方",
            "ask the seat in first, and wait until it answers / 请先邀请并等待其接听",
        )),
        Err(OrderRefused::GuestsFull) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "guests-full",
            "the talk has as many parties as it can / 通话参与方已满",
            "wait until one has left / 请等待有人退出",
        )),
        Err(OrderRefused::NotSpoken) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-spoken",
            "nobody has spoken there yet; the agent stays until then / 对方尚未开口，请勿离开",
            "stay on the line / 请留在线上，待对方应话后再退出",
        )),
        Err(OrderRefused::AlreadySo) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "already-so",
            "it is so already / 已处于该状态",
            "nothing is to be done / 无需重复操作",
        )),
        Err(OrderRefused::ReasonUnknown) => Err(ApiError::bad_request(
            "reason",
            "no such reason is configured / 无此示忙原因".to_owned(),
            "GET /api/v1/wallboard lists your own under `reasons`",
        )),
        Err(OrderRefused::NotValidNow) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "not-valid-now",
            "the seat may take no calls at this time / 坐席不在有效期内",
            "its `membership` in seats.toml says when / 有效期见 seats.toml 的 membership",
        )),
        Err(OrderRefused::Forced) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "forced",
            "a supervisor set the seat not ready / 班长已强制示忙",
            "only a supervisor ends that / 只能由班长解除",
        )),
        Err(OrderRefused::AtCap) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "at-cap",
            "the wrap-up is as long as it may be / 整理时长已达上限",
            "the queue's wrap_up_cap_s says how long / 上限见队列的 wrap_up_cap_s",
        )),
        Err(OrderRefused::NotAllowed) => Err(ApiError::forbidden(
            "callers may not be transferred there, nor the number called / 不允许转接或咨询该号码",
        )),
        Err(OrderRefused::SeatBusy) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "seat-busy",
            "the seat has a call, or is rung for one / 坐席正在通话或振铃",
            "ask once it is free / 请在空闲后再试",
        )),
        Err(OrderRefused::Full) => Err(ApiError::unavailable(
            "full",
            "the engine takes no more calls now / 系统繁忙，暂不能外呼",
        )),
        _ => Err(ApiError::unavailable(
            "no-answer",
            "the engine did not answer in time",
        )),
    }
}
