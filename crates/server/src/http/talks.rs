//! What is asked of the talk a seat is in: supervision, consultation, card entry, recording.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use hotline_calls::orders::TalkRequest;
use hotline_model::{SeatId, guest::GuestMode, limits::PAUSE_REASON_CHARS};
use serde::Deserialize;

use super::{
    App,
    ask::{Body, read},
    error::ApiError,
    records::supervisors_only,
    seats::{TARGET_CHARS, ask},
    session::Who,
};

type Answer = Result<StatusCode, ApiError>;

/// A seat named in a body.
fn target(seat: &str) -> Result<SeatId, ApiError> {
    SeatId::new(seat).map_err(|_| {
        ApiError::not_found(
            "target-unknown",
            "there is no seat of that name / 无此坐席".to_owned(),
            "GET /api/v1/seats lists the seats",
        )
    })
}

/// The supervisor's own seat, or the one named.
fn supervisors_seat(who: &Who, by: Option<&str>, help: &'static str) -> Result<SeatId, ApiError> {
    match (by, who.seat) {
        (Some(seat), _) => target(seat),
        (None, Some(seat)) => Ok(seat),
        (None, None) => {
            let what = "`by` names the seat whose phone is rung".to_owned();
            Err(ApiError::bad_request("by", what, help))
        }
    }
}

/// Body of a supervision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervise {
    mode: GuestMode,
    by: Option<String>,
}

/// `POST /api/v1/seats/{seat}/supervise`
pub async fn supervise(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Supervise>,
) -> Answer {
    let help = "send {\"mode\": \"monitor\", \"by\": \"1009\"}, or whisper, barge, take-over";
    supervisors_only(&who)?;
    let Supervise { mode, by } = read(body, help)?;
    if mode == GuestMode::Consult {
        let what = "consult is no mode of supervision".to_owned();
        return Err(ApiError::bad_request("mode", what, help));
    }
    let by = supervisors_seat(&who, by.as_deref(), help)?;
    ask(&app, who, &seat, TalkRequest::Supervise(by, mode).into()).await
}

/// Body of the end of a supervision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndSupervision {
    by: Option<String>,
}

/// `POST /api/v1/seats/{seat}/supervise/end`
pub async fn end_supervision(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<EndSupervision>,
) -> Answer {
    let help = "send {\"by\": \"1009\"}";
    supervisors_only(&who)?;
    let EndSupervision { by } = read(body, help)?;
    let by = supervisors_seat(&who, by.as_deref(), help)?;
    ask(&app, who, &seat, TalkRequest::EndSupervision(by).into()).await
}

/// Body of a consultation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consult {
    to: String,
}

/// `POST /api/v1/seats/{seat}/consult`
pub async fn consult(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Consult>,
) -> Answer {
    let help = "send {\"to\": \"1002\"} or {\"to\": \"outside:06358261234\"}";
    let Consult { to } = read(body, help)?;
    if to.is_empty() || to.chars().count() > TARGET_CHARS {
        let what = format!("`to` has 1 to {TARGET_CHARS} characters");
        return Err(ApiError::bad_request("to", what, help));
    }
    ask(&app, who, &seat, TalkRequest::ConsultByName(to).into()).await
}

/// `POST /api/v1/seats/{seat}/emergency`
pub async fn emergency(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Consult>,
) -> Answer {
    let help =
        "send {\"to\": \"110\"}; GET /api/v1/wallboard lists the numbers under `emergencies`";
    let Consult { to } = read(body, help)?;
    ask(&app, who, &seat, TalkRequest::Emergency(to).into()).await
}

/// `POST /api/v1/seats/{seat}/consult/merge`
pub async fn merge(State(app): State<Arc<App>>, who: Who, Path(seat): Path<String>) -> Answer {
    ask(&app, who, &seat, TalkRequest::Merge.into()).await
}

/// `POST /api/v1/seats/{seat}/consult/complete`
pub async fn complete(State(app): State<Arc<App>>, who: Who, Path(seat): Path<String>) -> Answer {
    ask(&app, who, &seat, TalkRequest::Complete.into()).await
}

/// `POST /api/v1/seats/{seat}/consult/cancel`
pub async fn cancel(State(app): State<Arc<App>>, who: Who, Path(seat): Path<String>) -> Answer {
    ask(&app, who, &seat, TalkRequest::Cancel.into()).await
}

/// Body of card entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardEntry {
    on: bool,
}

/// `POST /api/v1/seats/{seat}/card-entry`
pub async fn card_entry(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<CardEntry>,
) -> Answer {
    let CardEntry { on } = read(body, "send {\"on\": true} or {\"on\": false}")?;
    ask(&app, who, &seat, TalkRequest::CardEntry(on).into()).await
}

/// Body of a pause of the recording and of its end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    reason: String,
}

/// `POST /api/v1/seats/{seat}/recording/pause`
pub async fn pause(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Reason>,
) -> Answer {
    ask(&app, who, &seat, recording(true, body)?.into()).await
}

/// `POST /api/v1/seats/{seat}/recording/resume`
pub async fn resume(
    State(app): State<Arc<App>>,
    who: Who,
    Path(seat): Path<String>,
    body: Body<Reason>,
) -> Answer {
    ask(&app, who, &seat, recording(false, body)?.into()).await
}

fn recording(paused: bool, body: Body<Reason>) -> Result<TalkRequest, ApiError> {
    let help = "send {\"reason\": \"the caller tells a bank account\"}";
    let Reason { reason } = read(body, help)?;
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > PAUSE_REASON_CHARS {
        let what = format!("`reason` has 1 to {PAUSE_REASON_CHARS} characters");
        return Err(ApiError::bad_request("reason", what, help));
    }
    Ok(TalkRequest::Pause { paused, reason })
}
