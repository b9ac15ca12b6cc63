//! Calls and their timelines, and cases.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use hotline_model::{CallId, SeatId, event::Event};
use hotline_store::fold::{CallRow, CaseRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{App, error::ApiError, session::Who};
use crate::config::accounts::Role;

/// Rows of a list, when the asker does not say.
const ROWS: u32 = 50;

/// Most rows of a list.
const ROWS_MOST: u32 = 500;

/// Which part of a list of calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsPage {
    limit: Option<u32>,
    before: Option<u64>,
}

/// Which part of a list of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasesPage {
    limit: Option<u32>,
    before: Option<String>,
}

/// What `page` says of a list of calls or cases.
const PAGE_HELP: &str = "limit is 1 to 500; before is the last row's call or number";

pub(super) fn page<T>(
    query: Result<Query<T>, QueryRejection>,
    help: &'static str,
) -> Result<T, ApiError> {
    query
        .map(|Query(page)| page)
        .map_err(|error| ApiError::bad_request("query", error.body_text(), help))
}

pub(super) fn rows(limit: Option<u32>) -> u32 {
    limit.unwrap_or(ROWS).clamp(1, ROWS_MOST)
}

/// `GET /api/v1/calls`
pub async fn calls(
    State(app): State<Arc<App>>,
    who: Who,
    query: Result<Query<CallsPage>, QueryRejection>,
) -> Result<Json<Vec<CallRow>>, ApiError> {
    supervisors_only(&who)?;
    let CallsPage { limit, before } = page(query, PAGE_HELP)?;
    Ok(Json(
        app.tables
            .calls(rows(limit), before.map(CallId), false)
            .await?,
    ))
}

/// A call and what happened in it.
#[derive(Serialize)]
pub struct CallStory {
    #[serde(flatten)]
    row: CallRow,
    timeline: Vec<Value>,
}

/// `GET /api/v1/calls/{call}`
pub async fn call(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
) -> Result<Json<CallStory>, ApiError> {
    let row = find(&app, call).await?;
    may_see(&who, &row)?;
    let mut timeline = app.tables.timeline(CallId(call), false).await?;
    if who.role == Role::Agent {
        timeline.retain(|entry| is_for_agent(entry, who.seat));
    }
    Ok(Json(CallStory { row, timeline }))
}

/// Whether the agent at that seat may read the entry. What cannot be read here is for nobody there.
fn is_for_agent(entry: &Value, own: Option<SeatId>) -> bool {
    let event = Event::deserialize(entry);
    event.is_ok_and(|event| event.is_for_agent(own))
}

/// A call's row.
pub(super) async fn find(app: &App, call: u64) -> Result<CallRow, ApiError> {
    app.tables.call(CallId(call), false).await?.ok_or_else(|| {
        let help = "GET /api/v1/calls lists the calls";
        ApiError::not_found("call-unknown", format!("there is no call {call}"), help)
    })
}

/// `GET /api/v1/cases`
pub async fn cases(
    State(app): State<Arc<App>>,
    who: Who,
    query: Result<Query<CasesPage>, QueryRejection>,
) -> Result<Json<Vec<CaseRow>>, ApiError> {
    supervisors_only(&who)?;
    let CasesPage { limit, before } = page(query, PAGE_HELP)?;
    Ok(Json(
        app.tables
            .cases(rows(limit), before.as_deref(), false)
            .await?,
    ))
}

/// `GET /api/v1/cases/{number}`
pub async fn case(
    State(app): State<Arc<App>>,
    who: Who,
    Path(number): Path<String>,
) -> Result<Json<CaseRow>, ApiError> {
    let row = app.tables.case(&number, false).await?.ok_or_else(|| {
        let help = "GET /api/v1/cases lists the cases";
        ApiError::not_found("case-unknown", format!("there is no case {number:?}"), help)
    })?;
    if who.role == Role::Agent && who.seat != Some(row.seat) {
        return Err(ApiError::forbidden(
            "this case belongs to another seat / 非本坐席工单",
        ));
    }
    Ok(Json(row))
}

pub(super) fn supervisors_only(who: &Who) -> Result<(), ApiError> {
    match who.role {
        Role::Supervisor => Ok(()),
        Role::Agent => Err(ApiError::forbidden("for supervisors only / 仅限班长")),
    }
}

/// An agent sees the calls of the own seat.
pub(super) fn may_see(who: &Who, row: &CallRow) -> Result<(), ApiError> {
    if who.role == Role::Agent && (who.seat.is_none() || who.seat != row.seat) {
        return Err(ApiError::forbidden(
            "this call belongs to another seat / 非本坐席通话",
        ));
    }
    Ok(())
}
