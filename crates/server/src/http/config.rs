//! The settings: read again, compared, put in force.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{App, error::ApiError, records::supervisors_only, session::Who};
use crate::reload::Refused;

/// `POST /api/v1/config/reload`, with `?dry-run` only to look.
pub async fn reload(
    State(app): State<Arc<App>>,
    who: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    supervisors_only(&who)?;
    let dry_run = match query.as_deref() {
        None | Some("") => false,
        Some("dry-run" | "dry-run=" | "dry-run=true") => true,
        Some(_) => {
            let help = "POST /api/v1/config/reload?dry-run";
            let what = "only `dry-run` can be asked".to_owned();
            return Err(ApiError::bad_request("query", what, help));
        }
    };
    match app
        .reloader
        .reload(format!("api:{}", who.user), dry_run)
        .await
    {
        Ok(report) => Ok(Json(report).into_response()),
        Err(Refused::Faults(faults)) => {
            let body = json!({
                "error": {
                    "code": "config-faults",
                    "message": "the configuration has faults; nothing was changed / 配置有误，未作任何更改",
                    "help": "mend the lines named and try again / 请按提示修改后重试",
                },
                "faults": faults,
            });
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response())
        }
        Err(Refused::World(why)) => {
            tracing::error!(why, "new settings could not be put in force");
            Err(ApiError::unavailable(
                "not-in-force",
                &format!("nothing was changed: {why}"),
            ))
        }
    }
}
