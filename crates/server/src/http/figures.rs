//! Figures of a day: adherence to the shifts, and KPIs by contractor.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use hotline_model::{Timestamp, shift::Day};
use hotline_store::{adherence::AdherenceRow, contractors::ContractorRow};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    App,
    error::ApiError,
    records::{page, supervisors_only},
    session::Who,
};
use crate::{figures, signalling_loop::wall_clock};

/// Which day; today without it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfDay {
    day: Option<String>,
}

/// Which day, and by what: by contractor without it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiOf {
    by: Option<String>,
    day: Option<String>,
}

const DAY_HELP: &str = "day is a day of local time, as 2026-11-22; without it, today";
const KPI_HELP: &str = "by is contractor; day is a day of local time, as 2026-11-22";

/// The rows of a day.
#[derive(Serialize)]
pub struct Figures<Row> {
    day: String,
    /// Until when what lasts was counted.
    at: Timestamp,
    rows: Vec<Row>,
}

fn day_of(app: &App, text: Option<&str>, now: Timestamp) -> Result<Day, ApiError> {
    let offset = app.roll.borrow().utc_offset_minutes;
    let Some(text) = text else {
        return Ok(Day::of(now, offset));
    };
    Day::read(text).ok_or_else(|| {
        let what = format!("{text:?} is no day");
        ApiError::bad_request("day", what, DAY_HELP)
    })
}

/// Adds up a day on a thread of its own: a large city's has a hundred thousand rows, and the thread of
/// HTTP serves the pages of all seats meanwhile.
async fn aside<T: Send + 'static>(
    sums: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let runtime = Handle::current();
    let summed = spawn_blocking(move || runtime.block_on(sums)).await;
    summed.unwrap_or_else(|error| {
        tracing::error!(%error, "the figures of a day were not added up");
        let what = "the figures cannot be added up now / 暂时无法统计";
        Err(ApiError::unavailable("figures-failed", what))
    })
}

/// `GET /api/v1/adherence?day=`
pub async fn adherence(
    State(app): State<Arc<App>>,
    who: Who,
    query: Result<Query<OfDay>, QueryRejection>,
) -> Result<Json<Figures<AdherenceRow>>, ApiError> {
    supervisors_only(&who)?;
    let OfDay { day } = page(query, DAY_HELP)?;
    let at = wall_clock();
    let day = day_of(&app, day.as_deref(), at)?;
    let roll = app.roll.borrow().clone();
    let rows = aside(async move {
        let mut sums = figures::adherence(&roll, day, at);
        if let Some((from, to)) = sums.span() {
            let ledger = app.tables.intervals_between(from, to).await?;
            ledger.iter().for_each(|interval| sums.add(interval));
        }
        Ok(sums.rows())
    });
    let (rows, day) = (rows.await?, day.to_string());
    Ok(Json(Figures { day, at, rows }))
}

/// `GET /api/v1/kpi?by=contractor&day=`
pub async fn kpi(
    State(app): State<Arc<App>>,
    who: Who,
    query: Result<Query<KpiOf>, QueryRejection>,
) -> Result<Json<Figures<ContractorRow>>, ApiError> {
    supervisors_only(&who)?;
    let KpiOf { by, day } = page(query, KPI_HELP)?;
    if let Some(by) = by.filter(|by| by != "contractor") {
        let what = format!("there are no figures by {by:?}");
        return Err(ApiError::bad_request("by", what, KPI_HELP));
    }
    let at = wall_clock();
    let day = day_of(&app, day.as_deref(), at)?;
    let roll = app.roll.borrow().clone();
    let rows = aside(async move {
        let (from, to) = figures::span(&roll, day);
        let mut sums = figures::by_contractor(&roll, day, at);
        for call in app.tables.calls_between(from, to).await? {
            sums.add_call(&call);
        }
        for interval in app.tables.intervals_between(from, to).await? {
            sums.add_interval(&interval);
        }
        Ok(sums.rows())
    });
    let (rows, day) = (rows.await?, day.to_string());
    Ok(Json(Figures { day, at, rows }))
}
